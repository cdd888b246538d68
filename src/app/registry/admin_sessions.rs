//! The sessions of the dashboard: who signed in with which admin token, and until when.
//!
//! The registry keeps hashes alone. A session ends with its time, by its own sign-out, and with the token that opened it.

use serde::{Deserialize, Serialize};

use super::Call;
use super::tokens::{self, Scope};
use crate::app::sql::{Sql, SqlError, json, to_json};
use crate::limits::{ADMIN_SESSION_SECONDS, MAX_ADMIN_SESSIONS, MAX_ADMIN_SESSIONS_PER_TOKEN};
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS admin_sessions (session TEXT PRIMARY KEY, \
     opened_with TEXT NOT NULL, expires_at INTEGER NOT NULL)";

/// What a session was opened with; it ends with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedWith {
    /// The secret `ADMIN_TOKEN`, when it had this hash.
    AdminToken(TokenHash),
    /// A token that was made.
    Token(TokenId),
}

/// A session of the dashboard that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminSession {
    /// What it was opened with. Whether `ADMIN_TOKEN` is still the same, the application knows.
    pub opened_with: OpenedWith,
    /// The name and the scopes of the token, unless it was `ADMIN_TOKEN`.
    pub token: Option<(String, Vec<Scope>)>,
}

/// Begins a session; the oldest of its token gives way when there are too many, or at last the oldest of all.
#[derive(Serialize, Deserialize)]
pub struct BeginAdminSession {
    /// The hash of its cookie.
    pub session: TokenHash,
    /// With what.
    pub opened_with: OpenedWith,
}

/// Reads a session that has not ended.
#[derive(Serialize, Deserialize)]
pub struct ReadAdminSession {
    /// The hash of its cookie.
    pub session: TokenHash,
}

/// Ends a session.
#[derive(Serialize, Deserialize)]
pub struct EndAdminSession {
    /// The hash of its cookie.
    pub session: TokenHash,
}

impl Call for BeginAdminSession {
    type Reply = ();
    const NAME: &'static str = "begin_admin_session";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        sql.run(
            "DELETE FROM admin_sessions WHERE expires_at <= ?",
            &[now.unix_seconds().into()],
        )?;
        let opened_with = to_json(&self.opened_with)?;
        sql.run(
            "DELETE FROM admin_sessions WHERE opened_with = ?1 AND session NOT IN \
             (SELECT session FROM admin_sessions WHERE opened_with = ?1 ORDER BY expires_at DESC, rowid DESC LIMIT ?2)",
            &[
                opened_with.clone(),
                MAX_ADMIN_SESSIONS_PER_TOKEN.saturating_sub(1).into(),
            ],
        )?;
        sql.run(
            "DELETE FROM admin_sessions WHERE session NOT IN \
             (SELECT session FROM admin_sessions ORDER BY expires_at DESC, rowid DESC LIMIT ?)",
            &[MAX_ADMIN_SESSIONS.saturating_sub(1).into()],
        )?;
        sql.run(
            "INSERT INTO admin_sessions (session, opened_with, expires_at) VALUES (?, ?, ?)",
            &[
                self.session.as_str().into(),
                opened_with,
                now.plus(ADMIN_SESSION_SECONDS).unix_seconds().into(),
            ],
        )?;
        Ok(())
    }
}

impl Call for ReadAdminSession {
    type Reply = Option<AdminSession>;
    const NAME: &'static str = "read_admin_session";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            "SELECT opened_with FROM admin_sessions WHERE session = ? AND expires_at > ?",
            &[self.session.as_str().into(), now.unix_seconds().into()],
        )?;
        let Some(opened_with) = rows.first().map(|row| json(row, 0)).transpose()? else {
            return Ok(None);
        };
        let token = match &opened_with {
            OpenedWith::AdminToken(_) => None,
            OpenedWith::Token(id) => match tokens::read(sql, id)? {
                Some(token) if token.is_in_force(now) => Some((token.name, token.scopes)),
                _ => return Ok(None),
            },
        };
        Ok(Some(AdminSession { opened_with, token }))
    }
}

impl Call for EndAdminSession {
    type Reply = ();
    const NAME: &'static str = "end_admin_session";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        sql.run(
            "DELETE FROM admin_sessions WHERE session = ?",
            &[self.session.as_str().into()],
        )?;
        Ok(())
    }
}
