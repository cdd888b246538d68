//! What the ledger knows of single logout: sessions that end together, requests of ours that wait for an answer, and
//! requests of the identity provider's that were carried out.

use serde::{Deserialize, Serialize};

use super::{Call, EndSession, LAST_GENERATION, Refusal, User, attempts, check_in_time, configuration, sweep};
use crate::app::sql::{Sql, SqlError, json, optional, text, to_json};
use crate::limits::PENDING_LOGOUT_SECONDS;
use crate::saml::id::RequestId;
use crate::saml::time::Timestamp;
use crate::saml::validate::DEFAULT_SKEW_SECONDS;
use crate::token::TokenHash;

/// Whose a session or a ticket is, in SQL: the same to the letter in the indexes and where they serve.
macro_rules! subject {
    () => {
        "coalesce(json_extract(user, '$.subject_id'), json_extract(user, '$.id'))"
    };
}

/// The tables, beside those of sign-ins. A user's sessions are found by what is in their JSON.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS logouts (id TEXT PRIMARY KEY, browser TEXT NOT NULL, expires_at INTEGER NOT NULL, outcome TEXT)",
    "CREATE TABLE IF NOT EXISTS ended_users (request_id TEXT NOT NULL, user_id TEXT NOT NULL, session_indexes TEXT NOT NULL, \
     issued_at INTEGER NOT NULL, remember_until INTEGER NOT NULL, PRIMARY KEY (request_id, user_id))",
    concat!(
        "CREATE INDEX IF NOT EXISTS sessions_by_subject ON sessions (",
        subject!(),
        ")"
    ),
    concat!(
        "CREATE INDEX IF NOT EXISTS tickets_by_subject ON tickets (",
        subject!(),
        ")"
    ),
    "CREATE INDEX IF NOT EXISTS ended_users_by_user ON ended_users (user_id)",
    "CREATE INDEX IF NOT EXISTS ended_users_by_end ON ended_users (remember_until)",
    "CREATE INDEX IF NOT EXISTS logouts_by_end ON logouts (expires_at)",
];

/// Ends a session, and gives back whose it was. A logout that is to follow at the identity provider is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignOut {
    /// The session's token.
    pub session: TokenHash,
    /// The request that will be sent, if one can be.
    pub logout: Option<PendingLogout>,
}

/// A logout request that is sent to the identity provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingLogout {
    /// Its ID.
    pub request_id: RequestId,
    /// The browser that signs out.
    pub browser: TokenHash,
}

/// Notes the answer to a logout request of ours. The first one counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnswerLogout {
    /// The generation of the record that the answer was verified with.
    pub generation: u64,
    /// The request that it answers.
    pub request_id: RequestId,
    /// What it says.
    pub outcome: LogoutOutcome,
}

/// How a logout ended at the identity provider; the session here is ended in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutOutcome {
    /// Everywhere.
    Complete,
    /// Not everywhere, or not at all.
    Incomplete,
}

/// Asks how a logout ended, in the browser that signed out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadLogout {
    /// The request.
    pub request_id: RequestId,
    /// The browser that asks.
    pub browser: Option<TokenHash>,
}

/// Ends sessions of a user at the identity provider's request, and tickets that would become one. A request that comes
/// again ends nothing, and one that was held back on its way ends no session of somebody who authenticated after it.
///
/// Both times are the identity provider's, so that its clock need not be right; the skew is for one that has several. Nobody
/// authenticated later than their assertion came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndUserSessions {
    /// The generation of the record that the request was verified with.
    pub generation: u64,
    /// The request's ID.
    pub request_id: RequestId,
    /// The key of the user's NameID.
    pub user_id: String,
    /// Their sessions at the identity provider; none means all.
    pub session_indexes: Vec<String>,
    /// When the request was made.
    pub issued_at: Timestamp,
    /// Until when it could be shown again.
    pub remember_until: Timestamp,
    /// By what it is found in the log.
    pub reference: String,
}

impl Call for SignOut {
    type Reply = Option<User>;
    const NAME: &'static str = "sign_out";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(None);
        }
        let hash = [self.session.as_str().into()];
        let rows = sql.run("SELECT user FROM sessions WHERE hash = ?", &hash)?;
        let Some(session) = rows.first() else {
            return Ok(None);
        };
        let user = json(session, 0)?;
        let end = EndSession { session: self.session };
        end.run(sql, now)?;
        if let Some(logout) = self.logout {
            sql.run(
                "INSERT INTO logouts (id, browser, expires_at) VALUES (?, ?, ?)",
                &[
                    logout.request_id.as_str().into(),
                    logout.browser.as_str().into(),
                    now.plus(PENDING_LOGOUT_SECONDS).unix_seconds().into(),
                ],
            )?;
        }
        Ok(Some(user))
    }
}

impl Call for AnswerLogout {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "answer_logout";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_verified_with(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        let id = self.request_id.as_str();
        Ok(match logout(sql, id, now)? {
            Ok((_, None)) => {
                sql.run(
                    "UPDATE logouts SET outcome = ? WHERE id = ?",
                    &[to_json(&self.outcome)?, id.into()],
                )?;
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal),
        })
    }
}

impl Call for ReadLogout {
    type Reply = Result<LogoutOutcome, Refusal>;
    const NAME: &'static str = "read_logout";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Err(Refusal::RequestUnknown));
        }
        Ok(match logout(sql, self.request_id.as_str(), now)? {
            Ok((browser, _)) if self.browser.is_none_or(|asking| asking.as_str() != browser) => {
                Err(Refusal::BrowserMismatch)
            }
            Ok((_, outcome)) => outcome.ok_or(Refusal::RequestUnknown),
            Err(refusal) => Err(refusal),
        })
    }
}

impl Call for EndUserSessions {
    /// How many were ended; nothing for a request that comes again.
    type Reply = Result<Option<i64>, Refusal>;
    const NAME: &'static str = "end_user_sessions";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_verified_with(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = check_in_time(self.remember_until, now) {
            return Ok(Err(refusal));
        }
        sweep(sql, now)?;
        let indexes = to_json(&self.session_indexes)?;
        let is_new = sql.run(
            "INSERT INTO ended_users (request_id, user_id, session_indexes, issued_at, remember_until) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT DO NOTHING RETURNING 1",
            &[
                self.request_id.as_str().into(),
                self.user_id.as_str().into(),
                indexes.clone(),
                self.issued_at.unix_seconds().into(),
                self.remember_until.unix_seconds().into(),
            ],
        )?;
        if is_new.is_empty() {
            return Ok(Ok(None));
        }
        // A session of which the identity provider never told the index may be any of them.
        let theirs = concat!(
            subject!(),
            " = ?1 AND authenticated_at <= ?3 AND (?2 = '[]' OR json_extract(user, '$.session_indexes[0]') IS NULL \
                      OR EXISTS (SELECT 1 FROM json_each(user, '$.session_indexes') \
                                 WHERE value IN (SELECT value FROM json_each(?2))))",
        );
        let newest = self.issued_at.plus(DEFAULT_SKEW_SECONDS).unix_seconds();
        let values = [self.user_id.as_str().into(), indexes, newest.into()];
        let mut ended = 0_usize;
        for table in ["sessions", "tickets"] {
            // With their requests: see `EndSession`.
            let requests = format!("SELECT request_id FROM {table} WHERE {theirs}");
            sql.run(&format!("DELETE FROM requests WHERE id IN ({requests})"), &values)?;
            let rows = sql.run(&format!("DELETE FROM {table} WHERE {theirs} RETURNING 1"), &values)?;
            ended = ended.saturating_add(rows.len());
        }
        let ended = i64::try_from(ended).unwrap_or(i64::MAX);
        attempts::signed_out(sql, &self, ended, now)?;
        Ok(Ok(Some(ended)))
    }
}

/// Whether the identity provider has ended this user's session since they authenticated. "A session participant MUST apply a
/// logout request message to an assertion […] even if the assertion arrives after the logout request", until the request
/// expires (SAML Core 3.7.3.1). Somebody who authenticated after the request has a new session.
pub(super) fn ended_after(
    sql: &dyn Sql,
    user: &User,
    authn_instant: Timestamp,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let rows = sql.run(
        "SELECT 1 FROM ended_users WHERE user_id = ?1 AND issued_at > ?2 AND remember_until > ?3 AND (session_indexes = '[]' \
         OR ?4 = '[]' OR EXISTS (SELECT 1 FROM json_each(?4) WHERE value IN (SELECT value FROM json_each(session_indexes)))) LIMIT 1",
        &[
            user.subject_id.as_deref().unwrap_or(&user.id).into(),
            authn_instant.unix_seconds().into(),
            now.unix_seconds().into(),
            to_json(&user.session_indexes)?,
        ],
    )?;
    Ok(!rows.is_empty())
}

/// Whether a message that was verified with the record of `generation` may be acted on: there must be no later one, as its keys
/// are those that count. One of which the ledger has not heard yet is the registry's, and will do. Whether the connection is
/// enabled does not matter, because a verified message only ends sessions; one that was deleted has none.
fn check_verified_with(sql: &dyn Sql, generation: u64) -> Result<Result<(), Refusal>, SqlError> {
    Ok(match configuration(sql)? {
        None | Some((LAST_GENERATION, _)) => Err(Refusal::Disabled),
        Some((current, _)) if current > generation => Err(Refusal::StaleGeneration),
        Some(_) => Ok(()),
    })
}

/// The browser that sent the logout request `id`, and how it was answered.
fn logout(
    sql: &dyn Sql,
    id: &str,
    now: Timestamp,
) -> Result<Result<(String, Option<LogoutOutcome>), Refusal>, SqlError> {
    let rows = sql.run(
        "SELECT browser, outcome FROM logouts WHERE id = ? AND expires_at > ?",
        &[id.into(), now.unix_seconds().into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Err(Refusal::RequestUnknown));
    };
    Ok(Ok((text(row, 0)?.to_owned(), optional(row, 1, json)?)))
}
