//! Admin tokens: who may call the admin API and sign in to the dashboard, and for what.
//!
//! Only the hash of a token is kept. `ADMIN_TOKEN` is none of these: it is a secret of the deployment, with all scopes.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::{Actor, Call};
use crate::app::sql::{Row, Sql, SqlError, json, optional, text, time, to_json};
use crate::limits::{ADMIN_TOKEN_TOUCH_SECONDS, MAX_ADMIN_TOKENS, MAX_REVOKED_ADMIN_TOKENS};
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, \
     scopes TEXT NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER, last_used_at INTEGER, \
     revoked_at INTEGER)";

/// What the secret of the deployment is called.
pub const ADMIN_TOKEN: &str = "ADMIN_TOKEN";

const COLUMNS: &str = "id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at";

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To see everything but the tokens, captured messages, and more of a webhook's address than its origin.
    Read,
    /// To see and to change everything but the tokens.
    Write,
    /// To see, make and revoke tokens, none that allow more than the maker's own, or last longer.
    Tokens,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Tokens];

    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Tokens => "tokens",
        }
    }

    /// Whether one of `held` allows what this scope allows.
    #[must_use]
    pub fn is_allowed_by(self, held: &[Self]) -> bool {
        held.iter()
            .any(|held| *held == self || (*held == Self::Write && self == Self::Read))
    }
}

/// A token, as everyone may see it who has the scope `tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its identifier, no secret.
    pub id: TokenId,
    /// What people call it, and the audit log: no other token has the name, also none that has ended and is still kept.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// From when on it is refused, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within [`ADMIN_TOKEN_TOUCH_SECONDS`].
    pub last_used_at: Option<Timestamp>,
    /// Since when it is revoked, if it is.
    pub revoked_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it is to be accepted at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why there is no such token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRefusal {
    /// Another token has the name, or had it.
    NameTaken,
    /// It would outlast its maker, which ends then.
    OutlastsMaker(Timestamp),
    /// There are too many.
    TooMany,
    /// There is none with this identifier.
    Unknown,
}

/// Keeps a token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddToken {
    /// A fresh identifier.
    pub id: TokenId,
    /// The hash of the token.
    pub hash: TokenHash,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it ends: no later than its maker.
    pub expires_at: Option<Timestamp>,
    /// The token that makes it; `None` for `ADMIN_TOKEN`.
    pub maker: Option<TokenId>,
    /// By whom.
    pub actor: Actor,
}

/// Reads all tokens, newest first, those that were revoked lately too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListTokens {}

/// Revokes a token; one that is revoked stays so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeToken {
    /// Which.
    pub id: TokenId,
    /// By whom.
    pub actor: Actor,
}

/// Reads the token with this hash, if it is in force, and notes that it is used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UseToken {
    /// The hash of what somebody sent.
    pub hash: TokenHash,
}

impl Call for AddToken {
    type Reply = Result<TokenRecord, TokenRefusal>;
    const NAME: &'static str = "add_token";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Some(maker) = &self.maker {
            // One that is gone or revoked has ended.
            let maker = read(sql, maker)?.filter(|maker| maker.is_in_force(now));
            let end = maker.map_or(Some(now), |maker| maker.expires_at);
            if let Some(end) = end
                && self.expires_at.is_none_or(|own| own > end)
            {
                return Ok(Err(TokenRefusal::OutlastsMaker(end)));
            }
        }
        let tokens = all(sql)?;
        // Nobody is to act under the name of another, not even of one that has ended.
        let mut names = tokens.iter().map(|token| &*token.name).chain([ADMIN_TOKEN]);
        if names.any(|name| name.to_lowercase() == self.name.to_lowercase()) {
            return Ok(Err(TokenRefusal::NameTaken));
        }
        let in_force = tokens.iter().filter(|token| token.is_in_force(now)).count();
        if i64::try_from(in_force).unwrap_or(i64::MAX) >= MAX_ADMIN_TOKENS {
            return Ok(Err(TokenRefusal::TooMany));
        }
        sql.run(
            "INSERT INTO tokens (id, hash, name, scopes, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                self.id.as_str().into(),
                self.hash.as_str().into(),
                self.name.as_str().into(),
                to_json(&self.scopes)?,
                now.unix_seconds().into(),
                self.actor.as_str().into(),
                self.expires_at.map(Timestamp::unix_seconds).into(),
            ],
        )?;
        let made = Deed::noted(&self.actor, Action::TokenCreated, format!("\"{}\"", self.name));
        audit::record_other(sql, &made, now)?;
        Ok(read(sql, &self.id)?.ok_or(TokenRefusal::Unknown))
    }
}

impl Call for ListTokens {
    type Reply = Vec<TokenRecord>;
    const NAME: &'static str = "list_tokens";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        all(sql)
    }
}

impl Call for RevokeToken {
    type Reply = Result<TokenRecord, TokenRefusal>;
    const NAME: &'static str = "revoke_token";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let revoked = sql.run(
            "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING name",
            &[now.unix_seconds().into(), self.id.as_str().into()],
        )?;
        if let Some(row) = revoked.first() {
            let name = format!("\"{}\"", text(row, 0)?);
            audit::record_other(sql, &Deed::noted(&self.actor, Action::TokenRevoked, name), now)?;
        }
        let revoked = read(sql, &self.id)?;
        // What has ended by itself goes with what was revoked.
        sql.run(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE revoked_at IS NOT NULL OR expires_at <= ? \
             ORDER BY coalesce(revoked_at, expires_at) DESC, rowid DESC LIMIT -1 OFFSET ?)",
            &[now.unix_seconds().into(), MAX_REVOKED_ADMIN_TOKENS.into()],
        )?;
        Ok(revoked.ok_or(TokenRefusal::Unknown))
    }
}

impl Call for UseToken {
    type Reply = Option<TokenRecord>;
    const NAME: &'static str = "use_token";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            &format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?"),
            &[self.hash.as_str().into()],
        )?;
        let Some(found) = rows.first().map(record).transpose()? else {
            return Ok(None);
        };
        if !found.is_in_force(now) {
            return Ok(None);
        }
        let noted = |at: Timestamp| now.since(at) < ADMIN_TOKEN_TOUCH_SECONDS;
        if !found.last_used_at.is_some_and(noted) {
            sql.run(
                "UPDATE tokens SET last_used_at = ? WHERE id = ?",
                &[now.unix_seconds().into(), found.id.as_str().into()],
            )?;
        }
        Ok(Some(found))
    }
}

/// The token `id`, whether it is in force or not.
pub(super) fn read(sql: &dyn Sql, id: &TokenId) -> Result<Option<TokenRecord>, SqlError> {
    let rows = sql.run(
        &format!("SELECT {COLUMNS} FROM tokens WHERE id = ?"),
        &[id.as_str().into()],
    )?;
    rows.first().map(record).transpose()
}

fn all(sql: &dyn Sql) -> Result<Vec<TokenRecord>, SqlError> {
    let statement = format!("SELECT {COLUMNS} FROM tokens ORDER BY rowid DESC");
    sql.run(&statement, &[])?.iter().map(record).collect()
}

fn record(row: &Row) -> Result<TokenRecord, SqlError> {
    Ok(TokenRecord {
        id: TokenId::parse(text(row, 0)?)?,
        name: text(row, 1)?.to_owned(),
        scopes: json(row, 2)?,
        created_at: time(row, 3)?,
        created_by: Actor::new(text(row, 4)?),
        expires_at: optional(row, 5, time)?,
        last_used_at: optional(row, 6, time)?,
        revoked_at: optional(row, 7, time)?,
    })
}
