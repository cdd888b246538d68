//! From an assertion to a session: it is used up for a ticket, and the ticket is exchanged in the browser that it is for.

use serde::{Deserialize, Serialize};

use super::request::{Request, answered, forget, pending, request};
use super::{
    Asked, Call, ReadSession, Recorded, Refusal, Step, User, attempts, check_current, check_in_time, configuration,
    logout, session_settings,
};
use crate::app::return_target::ReturnTarget;
use crate::app::sql::{Sql, SqlError, Value, integer, json, optional, text, time, to_json};
use crate::limits::{MAX_TICKETS_PER_REQUEST, REPEATED_POST_SECONDS, TICKET_SECONDS, UNSOLICITED_TICKET_SECONDS};
use crate::saml::connection::State;
use crate::saml::id::{AssertionId, EmailAddress, RequestId, ReturnPath};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// What an assertion answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// No request: the identity provider began.
    Nothing {
        /// Where the browser goes.
        return_path: ReturnPath,
    },
    /// This request.
    Request(RequestId),
}

/// Uses up an assertion and answers its request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consume {
    /// The generation of the record that the assertion was verified with.
    pub generation: u64,
    /// The request that it answers.
    pub answers: Answers,
    /// The assertion.
    pub assertion_id: AssertionId,
    /// Until when the assertion must be remembered.
    pub remember_until: Timestamp,
    /// A fresh ticket for the browser.
    pub ticket: TokenHash,
    /// Who will be signed in.
    pub user: User,
    /// Whether their e-mail address must be the one that was typed, where one was.
    pub require_typed_email: bool,
    /// Whether it may be somebody who never signed in before.
    pub just_in_time_sign_up: bool,
    /// When the session at the identity provider ends.
    pub session_not_on_or_after: Option<Timestamp>,
    /// When the user authenticated there, by the identity provider's clock.
    pub authn_instant: Timestamp,
    /// By what the attempt is found in the log, if it is not there yet.
    pub reference: String,
}

/// Exchanges a ticket for a session, in the browser that asked for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Complete {
    /// The ticket.
    pub ticket: TokenHash,
    /// The browser that shows it.
    pub browser: TokenHash,
    /// The session that this browser has at this connection.
    pub present_session: Option<TokenHash>,
    /// Whether the user has said in this browser that they want to be signed in.
    pub confirmed: bool,
    /// A fresh token for the session.
    pub session: TokenHash,
}

/// What becomes of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// No browser asked for it, so that it may be somebody else's: the user has to say that it is theirs, in the browser that
    /// showed it first.
    Confirm {
        /// Whose it is.
        email: EmailAddress,
    },
    /// It was exchanged for a session.
    Done(Completed),
}

/// What a completed sign-in gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// Where the browser wanted to go.
    pub return_target: ReturnTarget,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// How long that is from now, by the ledger's clock.
    pub lasts_seconds: i64,
    /// Who signed in.
    pub email: EmailAddress,
    /// By what the sign-in is found in the log.
    pub reference: Option<String>,
}

impl Call for Consume {
    type Reply = Result<Recorded, Refusal>;
    const NAME: &'static str = "consume";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = check_in_time(self.remember_until, now) {
            return Ok(Err(refusal));
        }
        if logout::ended_after(sql, &self.user, self.authn_instant, now)? {
            return Ok(Err(Refusal::SessionEnded));
        }
        if let Some(first) = first_use(sql, &self.assertion_id)? {
            return self.repeat(sql, &first, now);
        }
        if !self.just_in_time_sign_up && !has_signed_in(sql, &self.user)? {
            return Ok(Err(Refusal::NewUser));
        }
        let request = match &self.answers {
            Answers::Nothing { .. } => None,
            Answers::Request(id) => match pending(sql, id, now)? {
                Ok(request) => Some((id, request)),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        if let Some((id, request)) = &request {
            if let Err(refusal) = self.check_asked(&request.asked) {
                return Ok(Err(refusal));
            }
            answered(sql, id, now)?;
        }
        sql.run(
            "INSERT INTO assertions (id, request_id, used_at, remember_until) VALUES (?, ?, ?, ?)",
            &[
                self.assertion_id.as_str().into(),
                request.as_ref().map(|(id, _)| id.as_str()).into(),
                now.unix_seconds().into(),
                self.remember_until.unix_seconds().into(),
            ],
        )?;
        self.issue_ticket(sql, request.as_ref().map(|(id, request)| (*id, request)), now)?;
        Ok(Ok(attempts::accepted(sql, &self, Step::ResponseAccepted, now)?))
    }
}

/// The first use of an assertion.
struct Use {
    request_id: Option<String>,
    at: Timestamp,
}

fn first_use(sql: &dyn Sql, id: &AssertionId) -> Result<Option<Use>, SqlError> {
    let rows = sql.run(
        "SELECT request_id, used_at FROM assertions WHERE id = ?",
        &[id.as_str().into()],
    )?;
    let read = |row: &Vec<Value>| {
        Ok(Use {
            request_id: optional(row, 0, text)?.map(ToOwned::to_owned),
            at: time(row, 1)?,
        })
    };
    rows.first().map(read).transpose()
}

fn has_signed_in(sql: &dyn Sql, user: &User) -> Result<bool, SqlError> {
    let rows = sql.run("SELECT 1 FROM users WHERE id = ?", &[user.id.as_str().into()])?;
    Ok(!rows.is_empty())
}

impl Consume {
    /// Answers an assertion that comes once more: a second click is given the same again, anything else is refused.
    ///
    /// Who posted it is not known. The new ticket is as good as the first: only the browser that sent the request can use it.
    /// For an answer to no request there is no such browser, so it is refused.
    fn repeat(&self, sql: &dyn Sql, first: &Use, now: Timestamp) -> Result<Result<Recorded, Refusal>, SqlError> {
        let Answers::Request(id) = &self.answers else {
            return Ok(Err(Refusal::AssertionReused));
        };
        if first.request_id.as_deref() != Some(id.as_str()) || now.since(first.at) >= REPEATED_POST_SECONDS {
            return Ok(Err(Refusal::AssertionReused));
        }
        // Signing out forgets the request, so that "back" does not sign in again.
        let Ok(request) = request(sql, id, now)? else {
            return Ok(Err(Refusal::AssertionReused));
        };
        let open = sql.run("SELECT 1 FROM tickets WHERE request_id = ?", &[id.as_str().into()])?;
        if i64::try_from(open.len()).unwrap_or(i64::MAX) >= MAX_TICKETS_PER_REQUEST {
            return Ok(Err(Refusal::AssertionReused));
        }
        self.issue_ticket(sql, Some((id, &request)), now)?;
        Ok(Ok(attempts::accepted(sql, self, Step::ResponseRepeated, now)?))
    }

    /// Checks the assertion against what its request asked for.
    fn check_asked(&self, asked: &Asked) -> Result<(), Refusal> {
        if asked.authn_not_before.is_some_and(|bound| self.authn_instant < bound) {
            return Err(Refusal::AuthnTooOld);
        }
        let differs = |typed: &EmailAddress| !typed.as_str().eq_ignore_ascii_case(self.user.identity.email.as_str());
        if self.require_typed_email && asked.email.as_ref().is_some_and(differs) {
            return Err(Refusal::EmailDiffers);
        }
        Ok(())
    }

    fn issue_ticket(
        &self,
        sql: &dyn Sql,
        request: Option<(&RequestId, &Request)>,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let (return_target, seconds) = match (&self.answers, request) {
            (_, Some((_, request))) => (request.return_target.as_str(), TICKET_SECONDS),
            (Answers::Nothing { return_path }, None) => (return_path.as_str(), UNSOLICITED_TICKET_SECONDS),
            (Answers::Request(_), None) => return Err(SqlError("a ticket for no request".to_owned())),
        };
        sql.run(
            "INSERT INTO tickets (generation, hash, request_id, browser, return_target, user, authenticated_at, session_not_on_or_after, \
             expires_at) SELECT generation, ?, ?, ?, ?, ?, ?, ?, ? FROM configuration",
            &[
                self.ticket.as_str().into(),
                request.map(|(id, _)| id.as_str()).into(),
                request.map(|(_, request)| request.browser.as_str()).into(),
                return_target.into(),
                to_json(&self.user)?,
                // The identity provider's clock may be ahead, or one of its clocks; a logout request's may not be.
                self.authn_instant.min(now).unix_seconds().into(),
                self.session_not_on_or_after.map(Timestamp::unix_seconds).into(),
                now.plus(seconds).unix_seconds().into(),
            ],
        )?;
        Ok(())
    }
}

/// A ticket, as it is kept.
struct Ticket {
    request_id: Option<String>,
    browser: Option<String>,
    return_target: ReturnTarget,
    user: User,
    authenticated_at: Timestamp,
    session_not_on_or_after: Option<Timestamp>,
    expires_at: Timestamp,
    is_outdated: bool,
}

fn ticket(sql: &dyn Sql, hash: &TokenHash) -> Result<Option<Ticket>, SqlError> {
    let rows = sql.run(
        "SELECT request_id, browser, return_target, user, authenticated_at, session_not_on_or_after, expires_at, \
         generation < (SELECT generation FROM configuration) FROM tickets WHERE hash = ?",
        &[hash.as_str().into()],
    )?;
    let read = |row: &Vec<Value>| {
        Ok(Ticket {
            request_id: optional(row, 0, text)?.map(ToOwned::to_owned),
            browser: optional(row, 1, text)?.map(ToOwned::to_owned),
            return_target: ReturnTarget::parse(text(row, 2)?)?,
            user: json(row, 3)?,
            authenticated_at: time(row, 4)?,
            session_not_on_or_after: optional(row, 5, time)?,
            expires_at: time(row, 6)?,
            is_outdated: integer(row, 7)? != 0,
        })
    };
    rows.first().map(read).transpose()
}

impl Call for Complete {
    type Reply = Result<Completion, Refusal>;
    const NAME: &'static str = "complete";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        match configuration(sql)? {
            Some((_, State::Enabled)) => {}
            Some((_, State::Disabled)) | None => return Ok(Err(Refusal::Disabled)),
        }
        let Some(ticket) = ticket(sql, &self.ticket)? else {
            return Ok(Err(Refusal::RequestUnknown));
        };
        // One that waits for its user's word is good for longer than the record that it was bought with may be.
        if ticket.expires_at <= now || (ticket.request_id.is_none() && ticket.is_outdated) {
            return Ok(Err(Refusal::RequestExpired {
                return_target: ticket.return_target,
            }));
        }
        if !self.is_its_browser(&ticket) {
            self.burn(sql, &ticket)?;
            return Ok(Err(Refusal::BrowserMismatch));
        }
        if ticket.request_id.is_none() && !self.confirmed && !self.is_present(sql, &ticket.user, now)? {
            sql.run(
                "UPDATE tickets SET browser = ? WHERE hash = ? AND browser IS NULL",
                &[self.browser.as_str().into(), self.ticket.as_str().into()],
            )?;
            return Ok(Ok(Completion::Confirm {
                email: ticket.user.identity.email,
            }));
        }
        let end = now.plus(session_settings(sql)?.lifetime_seconds());
        let expires_at = ticket.session_not_on_or_after.map_or(end, |idp| end.min(idp));
        if expires_at <= now {
            return Ok(Err(Refusal::SessionEnded));
        }
        sql.run("DELETE FROM tickets WHERE hash = ?", &[self.ticket.as_str().into()])?;
        sql.run(
            "INSERT INTO sessions (hash, request_id, user, authenticated_at, created_at, seen_at, expires_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                self.session.as_str().into(),
                ticket.request_id.as_deref().into(),
                to_json(&ticket.user)?,
                ticket.authenticated_at.unix_seconds().into(),
                now.unix_seconds().into(),
                now.unix_seconds().into(),
                expires_at.unix_seconds().into(),
            ],
        )?;
        sql.run(
            "INSERT INTO users (id, signed_in_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET signed_in_at = excluded.signed_in_at",
            &[ticket.user.id.as_str().into(), now.unix_seconds().into()],
        )?;
        Ok(Ok(Completion::Done(Completed {
            return_target: ticket.return_target,
            expires_at,
            lasts_seconds: expires_at.since(now),
            email: ticket.user.identity.email,
            reference: attempts::signed_in(sql, &self.ticket, now)?,
        })))
    }
}

impl Complete {
    /// Whether this browser may use the ticket: the one that asked for it, or else the first that shows it. To confirm it is
    /// not to show it first: nobody was asked yet.
    fn is_its_browser(&self, ticket: &Ticket) -> bool {
        match (&ticket.browser, &ticket.request_id) {
            (Some(bound), _) => bound == self.browser.as_str(),
            (None, None) => !self.confirmed,
            (None, Some(_)) => false,
        }
    }

    /// Makes a ticket that is shown in the wrong browser worth nothing in the right one too, with all that leads to the same
    /// session: its address is known to somebody else. Only who knows it can do that.
    fn burn(&self, sql: &dyn Sql, ticket: &Ticket) -> Result<(), SqlError> {
        sql.run("DELETE FROM tickets WHERE hash = ?", &[self.ticket.as_str().into()])?;
        ticket.request_id.as_deref().map_or(Ok(()), |id| forget(sql, id))
    }

    /// Whether this browser's present session is this user's, so that nothing is swapped under anybody's hands.
    fn is_present(&self, sql: &dyn Sql, user: &User, now: Timestamp) -> Result<bool, SqlError> {
        let Some(session) = self.present_session.clone() else {
            return Ok(false);
        };
        let present = ReadSession { session }.run(sql, now)?;
        Ok(present.is_some_and(|session| session.user.id == user.id))
    }
}
