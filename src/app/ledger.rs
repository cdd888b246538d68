//! The ledger of one connection: what must happen once, and what must be true at once everywhere.
//!
//! One Durable Object per connection runs these calls, each without yielding, so each is atomic. It keeps the
//! connection's current generation and state, the requests that wait for an answer, the assertions that were used, the
//! tickets on their way to the browser, the sessions, and the latest refusals. Tokens are kept as hashes only.

mod logout;

pub use logout::{AnswerLogout, EndUserSessions, LogoutOutcome, PendingLogout, ReadLogout, SignOut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sql::{Sql, SqlError, Value, integer, json, text, to_json};
use crate::limits::{
    EXPIRED_REQUEST_SECONDS, MAX_PENDING_PER_BROWSER, MAX_PENDING_PER_CONNECTION, MAX_REFUSALS_KEPT,
    MAX_TICKETS_PER_REQUEST, REPEATED_POST_SECONDS, SESSION_IDLE_SECONDS, SESSION_SECONDS, SESSION_TOUCH_SECONDS,
    TICKET_SECONDS, UNSOLICITED_TICKET_SECONDS,
};
use crate::saml::assertion::NameId;
use crate::saml::connection::State;
use crate::saml::id::{AssertionId, ConnectionId, EmailAddress, EntityId, RequestId, ReturnPath};
use crate::saml::identity::Identity;
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// A call to a ledger: plain data there, plain data back.
pub trait Call: Serialize + DeserializeOwned {
    /// What the ledger answers.
    type Reply: Serialize + DeserializeOwned;
    /// The call's name on the wire.
    const NAME: &'static str;

    /// Runs the call at `now`.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails; nothing was changed by the failing statement.
    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError>;
}

/// Why a ledger refuses. The application turns it into a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The assertion was used before.
    AssertionReused,
    /// The user authenticated before the request, which asked for a new authentication.
    AuthnTooOld,
    /// The ticket came back from another browser.
    BrowserMismatch,
    /// The connection is disabled, or was deleted.
    Disabled,
    /// The user's e-mail address is not the one that was typed.
    EmailDiffers,
    /// The user never signed in before, and new ones may not.
    NewUser,
    /// The ledger has not heard yet of the generation that the caller used.
    NotYetKnown,
    /// The request was answered by another assertion.
    RequestAnswered,
    /// The request, or the ticket, was not used in time.
    RequestExpired {
        /// Where the browser wanted to go.
        return_path: ReturnPath,
    },
    /// No such request or ticket.
    RequestUnknown,
    /// The session at the identity provider ended before the browser came back.
    SessionEnded,
    /// The caller used an older generation: read the connection again and try once more.
    StaleGeneration,
}

/// Sets what is true of the connection from now on. The registry calls it before the change reaches KV.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// The connection's generation.
    pub generation: u64,
    /// Whether it signs users in.
    pub state: State,
}

/// Forgets everything; the connection was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {}

/// Remembers a request that is sent to the identity provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request's ID.
    pub request_id: RequestId,
    /// The browser that asked.
    pub browser: TokenHash,
    /// Where it wanted to go.
    pub return_path: ReturnPath,
    /// How long it may take, in seconds.
    pub lifetime_seconds: i64,
    /// What it asked for.
    pub asked: Asked,
}

/// What a request asked the identity provider for, as far as its answer is judged by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// With `ForceAuthn`: the user must not have authenticated before this.
    pub authn_not_before: Option<Timestamp>,
    /// The e-mail address that was typed.
    pub email: Option<EmailAddress>,
    /// With `IsPassive`: that no page be shown.
    pub passive: bool,
    /// Whether a format of the NameID was asked for. If that is refused, it is asked once more without.
    pub name_id_format: bool,
}

/// Replaces a request, whose NameID format the identity provider refused, by one that asks for none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskAgain {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request that was refused.
    pub refused: RequestId,
    /// The request in its place, for the same browser and the same return path.
    pub request_id: RequestId,
    /// How long it may take, in seconds.
    pub lifetime_seconds: i64,
}

/// Gives a request up that asked the identity provider to show no page, which it could not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GiveUp {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request.
    pub request_id: RequestId,
}

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
    /// When the user authenticated there.
    pub authn_instant: Timestamp,
}

/// Exchanges a ticket for a session, in the browser that asked for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Complete {
    /// The ticket.
    pub ticket: TokenHash,
    /// The browser that shows it.
    pub browser: Option<TokenHash>,
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
    /// No browser asked for it, so that it may be somebody else's: the user has to say that it is theirs.
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
    pub return_path: ReturnPath,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// Asks for a session, and keeps it alive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadSession {
    /// Its token.
    pub session: TokenHash,
}

/// Ends a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndSession {
    /// Its token.
    pub session: TokenHash,
}

/// Keeps a refusal for the vendor to look up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordRefusal {
    /// What the browser was shown.
    pub reference: String,
    /// The stable code.
    pub code: String,
    /// Expected and found.
    pub detail: String,
}

/// Asks for the latest refusals, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListRefusals {}

/// A refused sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSignIn {
    /// What the browser was shown.
    pub reference: String,
    /// When.
    pub at: Timestamp,
    /// The stable code.
    pub code: String,
    /// Expected and found.
    pub detail: String,
}

/// A signed-in user, as the connection's identity provider vouched for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The stable key: a hash of connection, identity provider and NameID.
    pub id: String,
    /// The identity provider.
    pub idp_entity_id: EntityId,
    /// The NameID's value, for single logout.
    pub name_id: Option<String>,
    /// The NameID's format.
    pub name_id_format: Option<String>,
    /// The NameID's `NameQualifier`.
    #[serde(default)]
    pub name_qualifier: Option<String>,
    /// The NameID's `SPNameQualifier`.
    #[serde(default)]
    pub sp_name_qualifier: Option<String>,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// E-mail, names, groups.
    pub identity: Identity,
}

/// A session that is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at the latest.
    pub expires_at: Timestamp,
}

/// Runs the call named `name`, given and answered as JSON. `None` for a name that is no call.
///
/// # Errors
/// [`SqlError`] when the database fails or the text is not the call's.
pub fn dispatch(name: &str, call: &str, sql: &dyn Sql, now: Timestamp) -> Result<Option<String>, SqlError> {
    fn run<C: Call>(call: &str, sql: &dyn Sql, now: Timestamp) -> Result<String, SqlError> {
        let call: C = serde_json::from_str(call).map_err(|e| SqlError(e.to_string()))?;
        serde_json::to_string(&call.run(sql, now)?).map_err(|e| SqlError(e.to_string()))
    }
    Ok(Some(match name {
        AnswerLogout::NAME => run::<AnswerLogout>(call, sql, now)?,
        AskAgain::NAME => run::<AskAgain>(call, sql, now)?,
        Begin::NAME => run::<Begin>(call, sql, now)?,
        Complete::NAME => run::<Complete>(call, sql, now)?,
        Configure::NAME => run::<Configure>(call, sql, now)?,
        Consume::NAME => run::<Consume>(call, sql, now)?,
        EndSession::NAME => run::<EndSession>(call, sql, now)?,
        EndUserSessions::NAME => run::<EndUserSessions>(call, sql, now)?,
        Forget::NAME => run::<Forget>(call, sql, now)?,
        GiveUp::NAME => run::<GiveUp>(call, sql, now)?,
        ListRefusals::NAME => run::<ListRefusals>(call, sql, now)?,
        ReadLogout::NAME => run::<ReadLogout>(call, sql, now)?,
        ReadSession::NAME => run::<ReadSession>(call, sql, now)?,
        RecordRefusal::NAME => run::<RecordRefusal>(call, sql, now)?,
        SignOut::NAME => run::<SignOut>(call, sql, now)?,
        _ => return Ok(None),
    }))
}

/// Whether the call named `name` leaves something that must be swept up one day.
#[must_use]
pub fn leaves_something(name: &str) -> bool {
    let calls = [AskAgain::NAME, Begin::NAME, Complete::NAME, Consume::NAME];
    calls.contains(&name) || [EndUserSessions::NAME, SignOut::NAME].contains(&name)
}

/// What a sweep leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing that grows old.
    NothingIsLeft,
    /// Something that will grow old.
    SomethingIsLeft,
}

/// Drops what no rule needs any more. Runs with every new request and from the ledger's alarm.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<Swept, SqlError> {
    if configuration(sql)?.is_none() {
        return Ok(Swept::NothingIsLeft);
    }
    let mut swept = Swept::NothingIsLeft;
    for (table, end, kept_seconds) in GROWING_OLD {
        let bound = now.plus(kept_seconds.saturating_neg()).unix_seconds();
        sql.run(&format!("DELETE FROM {table} WHERE {end} <= ?"), &[bound.into()])?;
        // One by one: a Durable Object joins no more than five SELECTs.
        if !sql.run(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_empty() {
            swept = Swept::SomethingIsLeft;
        }
    }
    Ok(swept)
}

/// The tables whose rows grow old: by which column, and how many seconds they are kept beyond it. An assertion is accepted in
/// the very second of `remember_until`, so it is forgotten only after it.
const GROWING_OLD: [(&str, &str, i64); 6] = [
    ("requests", "expires_at", EXPIRED_REQUEST_SECONDS),
    ("assertions", "remember_until", 1),
    ("tickets", "expires_at", 0),
    ("sessions", "expires_at", 0),
    ("logouts", "expires_at", 0),
    ("ended_users", "remember_until", 0),
];

const TABLES: [&str; 12] = [
    "CREATE TABLE IF NOT EXISTS configuration (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, state TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, browser TEXT NOT NULL, return_path TEXT NOT NULL, \
     expires_at INTEGER NOT NULL, answered_at INTEGER, asked TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS assertions (id TEXT PRIMARY KEY, request_id TEXT, used_at INTEGER NOT NULL, \
     remember_until INTEGER NOT NULL)",
    // Without a request it is bound to no browser.
    "CREATE TABLE IF NOT EXISTS tickets (hash TEXT PRIMARY KEY, request_id TEXT, browser TEXT, return_path TEXT NOT NULL, \
     user TEXT NOT NULL, session_not_on_or_after INTEGER, expires_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, request_id TEXT, user TEXT NOT NULL, created_at INTEGER NOT NULL, \
     seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, signed_in_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refusals (sequence INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, at INTEGER NOT NULL, \
     code TEXT NOT NULL, detail TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS requests_by_end ON requests (expires_at)",
    "CREATE INDEX IF NOT EXISTS requests_by_browser ON requests (browser)",
    "CREATE INDEX IF NOT EXISTS assertions_by_end ON assertions (remember_until)",
    "CREATE INDEX IF NOT EXISTS tickets_by_end ON tickets (expires_at)",
    "CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (expires_at)",
];

impl Call for Configure {
    type Reply = ();
    const NAME: &'static str = "configure";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<(), SqlError> {
        for table in TABLES.iter().chain(logout::TABLES) {
            sql.run(table, &[])?;
        }
        let generation = i64::try_from(self.generation).map_err(|e| SqlError(e.to_string()))?;
        // An older message that arrives late changes nothing.
        sql.run(
            "INSERT INTO configuration (one, generation, state) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE \
             SET generation = excluded.generation, state = excluded.state WHERE excluded.generation >= generation",
            &[generation.into(), to_json(&self.state)?],
        )?;
        Ok(())
    }
}

impl Call for Forget {
    type Reply = ();
    const NAME: &'static str = "forget";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        // What is left is a tombstone: a message that was sent before the deletion and arrives after it changes nothing.
        let tombstone = Configure {
            generation: LAST_GENERATION,
            state: State::Disabled,
        };
        tombstone.run(sql, now)?;
        let tables = GROWING_OLD.iter().map(|(table, ..)| *table);
        for table in tables.chain(["users", "refusals"]) {
            sql.run(&format!("DELETE FROM {table}"), &[])?;
        }
        Ok(())
    }
}

/// Later than any generation that a connection can reach; SQLite's numbers are exact up to it at the edge.
const LAST_GENERATION: u64 = (1 << 53) - 1;

/// The generation and state, unless the ledger was never configured or was told to forget. Reading creates nothing, so
/// that made-up connection ids leave no trace.
fn configuration(sql: &dyn Sql) -> Result<Option<(u64, State)>, SqlError> {
    if sql
        .run(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'configuration'",
            &[],
        )?
        .is_empty()
    {
        return Ok(None);
    }
    let rows = sql.run("SELECT generation, state FROM configuration", &[])?;
    rows.first()
        .map(|row| {
            let generation = u64::try_from(integer(row, 0)?).map_err(|e| SqlError(e.to_string()))?;
            Ok((generation, json(row, 1)?))
        })
        .transpose()
}

/// Whether a caller that used the record of `generation` may go on.
fn check_current(sql: &dyn Sql, generation: u64) -> Result<Result<(), Refusal>, SqlError> {
    Ok(match configuration(sql)? {
        None | Some((_, State::Disabled)) => Err(Refusal::Disabled),
        Some((current, _)) if current > generation => Err(Refusal::StaleGeneration),
        Some((current, _)) if current < generation => Err(Refusal::NotYetKnown),
        Some(_) => Ok(()),
    })
}

impl Call for Begin {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "begin";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        sweep(sql, now)?;
        drop_surplus_requests(sql, &self.browser)?;
        sql.run(
            "INSERT INTO requests (id, browser, return_path, expires_at, asked) VALUES (?, ?, ?, ?, ?)",
            &[
                self.request_id.as_str().into(),
                self.browser.as_str().into(),
                self.return_path.as_str().into(),
                now.plus(self.lifetime_seconds).unix_seconds().into(),
                to_json(&self.asked)?,
            ],
        )?;
        Ok(Ok(()))
    }
}

impl Call for AskAgain {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "ask_again";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        let asked = match pending(sql, &self.refused, now)? {
            Ok(request) if request.asked.name_id_format => request.asked,
            Ok(_) => return Ok(Err(Refusal::RequestUnknown)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        answered(sql, &self.refused, now)?;
        sql.run(
            "INSERT INTO requests (id, browser, return_path, expires_at, asked) SELECT ?, browser, return_path, ?, ? FROM requests \
             WHERE id = ?",
            &[
                self.request_id.as_str().into(),
                now.plus(self.lifetime_seconds).unix_seconds().into(),
                to_json(&Asked {
                    name_id_format: false,
                    ..asked
                })?,
                self.refused.as_str().into(),
            ],
        )?;
        Ok(Ok(()))
    }
}

impl Call for GiveUp {
    type Reply = Result<ReturnPath, Refusal>;
    const NAME: &'static str = "give_up";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        Ok(match pending(sql, &self.request_id, now)? {
            Ok(request) if request.asked.passive => {
                answered(sql, &self.request_id, now)?;
                Ok(request.return_path)
            }
            Ok(_) => Err(Refusal::RequestUnknown),
            Err(refusal) => Err(refusal),
        })
    }
}

/// A request that is remembered.
struct Request {
    browser: String,
    return_path: ReturnPath,
    asked: Asked,
    answered: bool,
}

/// The request `id`, if it is remembered and has not expired.
fn request(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<Result<Request, Refusal>, SqlError> {
    let rows = sql.run(
        "SELECT expires_at, answered_at, asked, browser, return_path FROM requests WHERE id = ?",
        &[id.as_str().into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Err(Refusal::RequestUnknown));
    };
    let return_path = return_path(text(row, 4)?)?;
    if integer(row, 0)? <= now.unix_seconds() {
        return Ok(Err(Refusal::RequestExpired { return_path }));
    }
    Ok(Ok(Request {
        browser: text(row, 3)?.to_owned(),
        return_path,
        asked: json(row, 2)?,
        answered: row.get(1) != Some(&Value::Null),
    }))
}

/// The request `id`, if it waits for its answer.
fn pending(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<Result<Request, Refusal>, SqlError> {
    Ok(match request(sql, id, now)? {
        Ok(request) if request.answered => Err(Refusal::RequestAnswered),
        other => other,
    })
}

fn return_path(text: &str) -> Result<ReturnPath, SqlError> {
    ReturnPath::parse(text).map_err(|e| SqlError(e.to_string()))
}

/// Notes that the request `id` was answered.
fn answered(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "UPDATE requests SET answered_at = ? WHERE id = ?",
        &[now.unix_seconds().into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Makes room for one more request: of this browser, and of all. The oldest give way, so that nobody is locked out.
fn drop_surplus_requests(sql: &dyn Sql, browser: &TokenHash) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM requests WHERE browser = ?1 AND answered_at IS NULL AND id NOT IN \
         (SELECT id FROM requests WHERE browser = ?1 AND answered_at IS NULL ORDER BY expires_at DESC LIMIT ?2)",
        &[
            browser.as_str().into(),
            (MAX_PENDING_PER_BROWSER.saturating_sub(1)).into(),
        ],
    )?;
    sql.run(
        "DELETE FROM requests WHERE id IN (SELECT id FROM requests ORDER BY expires_at \
         LIMIT max(0, (SELECT count(*) FROM requests) - ?))",
        &[(MAX_PENDING_PER_CONNECTION.saturating_sub(1)).into()],
    )?;
    Ok(())
}

impl Call for Consume {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "consume";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
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
        Ok(Ok(()))
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
            request_id: text(row, 0).ok().map(ToOwned::to_owned),
            at: Timestamp::from_unix_seconds(integer(row, 1)?),
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
    fn repeat(&self, sql: &dyn Sql, first: &Use, now: Timestamp) -> Result<Result<(), Refusal>, SqlError> {
        let Answers::Request(id) = &self.answers else {
            return Ok(Err(Refusal::AssertionReused));
        };
        if first.request_id.as_deref() != Some(id.as_str())
            || now.since(first.at) >= REPEATED_POST_SECONDS
            || logout::ended_after(sql, &self.user, self.authn_instant, now)?
        {
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
        Ok(Ok(()))
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
        let (return_path, seconds) = match (&self.answers, request) {
            (_, Some((_, request))) => (&request.return_path, TICKET_SECONDS),
            (Answers::Nothing { return_path }, None) => (return_path, UNSOLICITED_TICKET_SECONDS),
            (Answers::Request(_), None) => return Err(SqlError("a ticket for no request".to_owned())),
        };
        sql.run(
            "INSERT INTO tickets (hash, request_id, browser, return_path, user, session_not_on_or_after, expires_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                self.ticket.as_str().into(),
                request.map(|(id, _)| id.as_str()).into(),
                request.map(|(_, request)| request.browser.as_str()).into(),
                return_path.as_str().into(),
                to_json(&self.user)?,
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
    return_path: ReturnPath,
    user: User,
    session_not_on_or_after: Option<Timestamp>,
    expires_at: Timestamp,
}

fn ticket(sql: &dyn Sql, hash: &TokenHash) -> Result<Option<Ticket>, SqlError> {
    let rows = sql.run(
        "SELECT request_id, browser, return_path, user, session_not_on_or_after, expires_at FROM tickets WHERE hash = ?",
        &[hash.as_str().into()],
    )?;
    let optional = |row: &Vec<Value>, at| text(row, at).ok().map(ToOwned::to_owned);
    let read = |row: &Vec<Value>| {
        Ok(Ticket {
            request_id: optional(row, 0),
            browser: optional(row, 1),
            return_path: return_path(text(row, 2)?)?,
            user: json(row, 3)?,
            session_not_on_or_after: match row.get(4) {
                Some(Value::Null) => None,
                _ => Some(Timestamp::from_unix_seconds(integer(row, 4)?)),
            },
            expires_at: Timestamp::from_unix_seconds(integer(row, 5)?),
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
        if ticket.expires_at <= now {
            return Ok(Err(Refusal::RequestExpired {
                return_path: ticket.return_path,
            }));
        }
        match &ticket.browser {
            Some(bound) if self.browser.as_ref().is_none_or(|b| b.as_str() != bound) => {
                return Ok(Err(Refusal::BrowserMismatch));
            }
            None if !self.confirmed && !self.is_present(sql, &ticket.user, now)? => {
                return Ok(Ok(Completion::Confirm {
                    email: ticket.user.identity.email,
                }));
            }
            _ => {}
        }
        let end = now.plus(SESSION_SECONDS);
        let expires_at = ticket.session_not_on_or_after.map_or(end, |idp| end.min(idp));
        if expires_at <= now {
            return Ok(Err(Refusal::SessionEnded));
        }
        sql.run("DELETE FROM tickets WHERE hash = ?", &[self.ticket.as_str().into()])?;
        sql.run(
            "INSERT INTO sessions (hash, request_id, user, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                self.session.as_str().into(),
                ticket.request_id.as_deref().into(),
                to_json(&ticket.user)?,
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
            return_path: ticket.return_path,
            expires_at,
        })))
    }
}

impl Complete {
    /// Whether this browser's present session is this user's, so that nothing is swapped under anybody's hands.
    fn is_present(&self, sql: &dyn Sql, user: &User, now: Timestamp) -> Result<bool, SqlError> {
        let Some(session) = self.present_session.clone() else {
            return Ok(false);
        };
        let present = ReadSession { session }.run(sql, now)?;
        Ok(present.is_some_and(|session| session.user.id == user.id))
    }
}

impl Call for ReadSession {
    type Reply = Option<Session>;
    const NAME: &'static str = "read_session";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(None);
        }
        let hash = [self.session.as_str().into()];
        let rows = sql.run(
            "SELECT user, created_at, seen_at, expires_at FROM sessions WHERE hash = ?",
            &hash,
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let seen_at = Timestamp::from_unix_seconds(integer(row, 2)?);
        let expires_at = Timestamp::from_unix_seconds(integer(row, 3)?);
        if now >= expires_at || now.since(seen_at) >= SESSION_IDLE_SECONDS {
            sql.run("DELETE FROM sessions WHERE hash = ?", &hash)?;
            return Ok(None);
        }
        if now.since(seen_at) >= SESSION_TOUCH_SECONDS {
            let [hash] = hash;
            sql.run(
                "UPDATE sessions SET seen_at = ? WHERE hash = ?",
                &[now.unix_seconds().into(), hash],
            )?;
        }
        Ok(Some(Session {
            user: json(row, 0)?,
            created_at: Timestamp::from_unix_seconds(integer(row, 1)?),
            expires_at,
        }))
    }
}

impl Call for EndSession {
    type Reply = ();
    const NAME: &'static str = "end_session";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<(), SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(());
        }
        let hash = [self.session.as_str().into()];
        // With its request: the answer to that one, posted again, must not begin another session.
        sql.run(
            "DELETE FROM requests WHERE id = (SELECT request_id FROM sessions WHERE hash = ?)",
            &hash,
        )?;
        sql.run("DELETE FROM sessions WHERE hash = ?", &hash)?;
        Ok(())
    }
}

impl Call for RecordRefusal {
    type Reply = ();
    const NAME: &'static str = "record_refusal";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(());
        }
        sql.run(
            "INSERT INTO refusals (reference, at, code, detail) VALUES (?, ?, ?, ?)",
            &[
                self.reference.into(),
                now.unix_seconds().into(),
                self.code.into(),
                self.detail.into(),
            ],
        )?;
        sql.run(
            "DELETE FROM refusals WHERE sequence <= (SELECT max(sequence) FROM refusals) - ?",
            &[MAX_REFUSALS_KEPT.into()],
        )?;
        Ok(())
    }
}

impl Call for ListRefusals {
    type Reply = Vec<RefusedSignIn>;
    const NAME: &'static str = "list_refusals";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Vec::new());
        }
        let rows = sql.run(
            "SELECT reference, at, code, detail FROM refusals ORDER BY sequence DESC",
            &[],
        )?;
        rows.iter()
            .map(|row| {
                Ok(RefusedSignIn {
                    reference: text(row, 0)?.to_owned(),
                    at: Timestamp::from_unix_seconds(integer(row, 1)?),
                    code: text(row, 2)?.to_owned(),
                    detail: text(row, 3)?.to_owned(),
                })
            })
            .collect()
    }
}

/// The stable key of a user: connection, identity provider and NameID, each with its length, hashed.
///
/// A NameID is its value in its format and within its qualifiers (SAML Core 2.2.2, 8.3). Whoever signs in can write their
/// own request for another format, so that a name of their own choosing must not be taken for someone's persistent
/// identifier (attack A124). Without a format it is unspecified; naming us or the identity provider as qualifier says
/// nothing new (Core 8.3.7).
#[must_use]
pub fn user_id(connection: &ConnectionId, idp: &EntityId, sp_entity_id: &str, name_id: &NameId) -> String {
    const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let other_than = |qualifier: &'_ Option<String>, usual: &str| {
        let other = qualifier.as_deref().filter(|qualifier| *qualifier != usual);
        other.unwrap_or_default().to_owned()
    };
    let mut octets = Vec::new();
    for part in [
        connection.as_str(),
        idp.as_str(),
        name_id.format.as_deref().unwrap_or(UNSPECIFIED),
        &other_than(&name_id.name_qualifier, idp.as_str()),
        &other_than(&name_id.sp_name_qualifier, sp_entity_id),
        &name_id.value,
    ] {
        octets.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend_from_slice(part.as_bytes());
    }
    format!("usr_{}", TokenHash::of_octets(&octets).as_str())
}
