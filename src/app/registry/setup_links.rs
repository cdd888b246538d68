//! Setup links: each lets whoever has it set up the identity provider's side of one connection, for a while.
//!
//! Only the hash of its token is kept.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::drafts::EditDraft;
use super::{Actor, Call, Change, Refusal, Update, read};
use crate::app::sql::{Row, Sql, SqlError, optional, text, time};
use crate::limits::{MAX_SETUP_LINKS_PER_CONNECTION, SETUP_LINK_SECONDS};
use crate::saml::connection::State;
use crate::saml::id::{ConnectionId, SetupLinkId};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// A link's columns.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS setup_links (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, connection_id TEXT NOT NULL, \
     created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER NOT NULL, opened_at INTEGER)";

const COLUMNS: &str = "id, connection_id, created_at, created_by, expires_at, opened_at";

/// A link, without its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupLink {
    /// Its identifier, no secret.
    pub id: SetupLinkId,
    /// What it sets up.
    pub connection: ConnectionId,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it was first opened.
    pub opened_at: Option<Timestamp>,
}

/// Keeps a link that was just made; the oldest gives way when there are too many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddSetupLink {
    /// A fresh identifier.
    pub id: SetupLinkId,
    /// The hash of its token.
    pub hash: TokenHash,
    /// What it sets up.
    pub connection: ConnectionId,
    /// By whom.
    pub actor: Actor,
}

/// Reads the links of a connection that still open something, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListSetupLinks {
    /// Whose.
    pub connection: ConnectionId,
}

/// Reads the link with this token, if it still opens something, and notes that it was opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenSetupLink {
    /// The hash of its token.
    pub hash: TokenHash,
}

/// Saves an identity provider for whoever has a link, if it still opens something.
#[derive(Serialize, Deserialize)]
pub struct EditBySetupLink {
    /// The hash of its token.
    pub hash: TokenHash,
    /// What is saved, and where.
    pub edit: LinkEdit,
}

/// An edit by whoever has a link.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkEdit {
    /// Of the draft.
    Draft(EditDraft),
    /// Of the connection itself, as long as it is disabled.
    Live(Update),
}

/// Revokes a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeSetupLink {
    /// Which.
    pub id: SetupLinkId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// By whom.
    pub actor: Actor,
}

impl Call for AddSetupLink {
    type Reply = Result<SetupLink, Refusal>;
    const NAME: &'static str = "add_setup_link";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(connection) = read(sql, &self.connection)? else {
            return Ok(Err(Refusal::NotFound));
        };
        let link = SetupLink {
            id: self.id,
            connection: self.connection,
            created_at: now,
            created_by: self.actor,
            expires_at: now.plus(SETUP_LINK_SECONDS),
            opened_at: None,
        };
        sql.run(
            "DELETE FROM setup_links WHERE expires_at <= ?",
            &[now.unix_seconds().into()],
        )?;
        sql.run(
            "DELETE FROM setup_links WHERE connection_id = ? AND id NOT IN \
             (SELECT id FROM setup_links WHERE connection_id = ? ORDER BY rowid DESC LIMIT ?)",
            &[
                link.connection.as_str().into(),
                link.connection.as_str().into(),
                MAX_SETUP_LINKS_PER_CONNECTION.saturating_sub(1).into(),
            ],
        )?;
        sql.run(
            "INSERT INTO setup_links (id, hash, connection_id, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                link.id.as_str().into(),
                self.hash.as_str().into(),
                link.connection.as_str().into(),
                link.created_at.unix_seconds().into(),
                link.created_by.as_str().into(),
                link.expires_at.unix_seconds().into(),
            ],
        )?;
        let deed = Deed::noted(&link.created_by, Action::SetupLinkCreated, link.id.to_string());
        audit::record_of(sql, &connection.id, &deed, now)?;
        Ok(Ok(link))
    }
}

impl Call for ListSetupLinks {
    type Reply = Vec<SetupLink>;
    const NAME: &'static str = "list_setup_links";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let statement =
            format!("SELECT {COLUMNS} FROM setup_links WHERE connection_id = ? AND expires_at > ? ORDER BY rowid DESC");
        let values = [self.connection.as_str().into(), now.unix_seconds().into()];
        sql.run(&statement, &values)?.iter().map(link).collect()
    }
}

impl Call for OpenSetupLink {
    type Reply = Option<SetupLink>;
    const NAME: &'static str = "open_setup_link";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let found = in_force(sql, &self.hash, now)?;
        if let Some(found) = found.as_ref().filter(|found| found.opened_at.is_none()) {
            sql.run(
                "UPDATE setup_links SET opened_at = ? WHERE id = ?",
                &[now.unix_seconds().into(), found.id.as_str().into()],
            )?;
        }
        Ok(found)
    }
}

impl Call for EditBySetupLink {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "edit_by_setup_link";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (id, change) = match &self.edit {
            LinkEdit::Draft(edit) => (&edit.id, &edit.change),
            LinkEdit::Live(update) => (&update.id, &update.change),
        };
        // It may have been revoked, and the connection enabled, while metadata was fetched.
        let link = in_force(sql, &self.hash, now)?.filter(|link| link.connection == *id);
        if link.is_none() || !matches!(change, Change::IdentityProvider { .. }) {
            return Ok(Err(Refusal::NoSuchSetupLink));
        }
        match self.edit {
            LinkEdit::Draft(edit) => Ok(edit.run(sql, now)?.map(drop)),
            LinkEdit::Live(update) => match read(sql, &update.id)? {
                Some(live) if live.state == State::Enabled => Ok(Err(Refusal::Changed)),
                _ => Ok(update.run(sql, now)?.map(drop)),
            },
        }
    }
}

impl Call for RevokeSetupLink {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "revoke_setup_link";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if read(sql, &self.connection)?.is_none() {
            return Ok(Err(Refusal::NotFound));
        }
        let revoked = sql.run(
            "DELETE FROM setup_links WHERE id = ? AND connection_id = ? RETURNING id",
            &[self.id.as_str().into(), self.connection.as_str().into()],
        )?;
        if revoked.is_empty() {
            return Ok(Err(Refusal::NoSuchSetupLink));
        }
        let deed = Deed::noted(&self.actor, Action::SetupLinkRevoked, self.id.to_string());
        audit::record_of(sql, &self.connection, &deed, now)?;
        Ok(Ok(()))
    }
}

/// Forgets the links of a connection.
pub(super) fn forget(sql: &dyn Sql, connection: &ConnectionId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM setup_links WHERE connection_id = ?",
        &[connection.as_str().into()],
    )?;
    Ok(())
}

/// The link with this token, if it still opens something.
fn in_force(sql: &dyn Sql, hash: &TokenHash, now: Timestamp) -> Result<Option<SetupLink>, SqlError> {
    let statement = format!("SELECT {COLUMNS} FROM setup_links WHERE hash = ? AND expires_at > ?");
    let rows = sql.run(&statement, &[hash.as_str().into(), now.unix_seconds().into()])?;
    rows.first().map(link).transpose()
}

fn link(row: &Row) -> Result<SetupLink, SqlError> {
    Ok(SetupLink {
        id: SetupLinkId::parse(text(row, 0)?)?,
        connection: ConnectionId::parse(text(row, 1)?)?,
        created_at: time(row, 2)?,
        created_by: Actor::new(text(row, 3)?),
        expires_at: time(row, 4)?,
        opened_at: optional(row, 5, time)?,
    })
}
