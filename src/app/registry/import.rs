//! Connections that come whole, from an export: all of a document in one step, or none of it.

use serde::{Deserialize, Serialize};

use super::audit::{Action, Deed};
use super::idempotency::{self, Repeatable};
use super::keys::NewKey;
use super::tested::{Fingerprint, has_passed};
use super::versions::configured_as;
use super::{Actor, Call, Description, Refusal, add, decryption_keys, read, replace};
use crate::app::sql::{Sql, SqlError};
use crate::saml::connection::{Connection, IdentityProvider, State};
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// The identifiers of connections that are gone. Their ledgers refuse everything for ever, and what was used there is forgotten, so none
/// of them is given out again.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS deleted_connections (id TEXT PRIMARY KEY) WITHOUT ROWID";

/// What becomes of a connection that is here already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// It has to be the same.
    #[default]
    CreateOnly,
    /// Its configuration is replaced.
    Replace,
}

/// Takes connections over. One that is refused keeps all of them out.
#[derive(Serialize, Deserialize)]
pub struct Import {
    /// The connections, each of another identifier.
    pub connections: Vec<Imported>,
    /// What becomes of those that are here already. Others are left alone.
    pub mode: ImportMode,
    /// Whether it is only to be told what would happen.
    pub dry_run: bool,
    /// What makes it the same call when it is repeated, if that is known.
    pub repeatable: Option<Repeatable>,
    /// By whom.
    pub actor: Actor,
}

/// A connection that comes whole.
#[derive(Serialize, Deserialize)]
pub struct Imported {
    /// Its identifier.
    pub id: ConnectionId,
    /// What is said of it.
    pub description: Description,
    /// Its identity provider, if it has one.
    pub identity_provider: Option<IdentityProvider>,
    /// Its key, if it decrypts and has none here.
    pub decryption_key: Option<NewKey>,
}

/// What became of one of them, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is new, and disabled.
    Created,
    /// It keeps all of them out.
    Refused(Refusal),
    /// It was here with another configuration.
    Replaced,
    /// It was here as it comes.
    Unchanged,
}

/// One of them, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedConnection {
    /// Its identifier.
    pub id: ConnectionId,
    /// What became of it.
    pub outcome: Outcome,
}

impl Call for Import {
    type Reply = Result<Vec<ImportedConnection>, Refusal>;
    const NAME: &'static str = "import";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Some(repeatable) = &self.repeatable
            && let Some(before) = idempotency::answered(sql, repeatable, now)?
        {
            return Ok(before);
        }
        let (dry_run, repeatable) = (self.dry_run, self.repeatable.clone());
        let (mut import, mut imported, mut is_undone) = (Some(self), Vec::new(), false);
        let ran = sql.transaction(&mut || {
            if let Some(import) = import.take() {
                imported = import.take_all(sql, now)?;
            }
            is_undone = dry_run || imported.iter().any(|one| matches!(one.outcome, Outcome::Refused(_)));
            if is_undone {
                return Err(SqlError("nothing of it is to be".to_owned()));
            }
            Ok(())
        });
        if !is_undone {
            ran?;
            if let Some(repeatable) = &repeatable {
                idempotency::remember(sql, repeatable, &imported, now)?;
            }
        }
        Ok(Ok(imported))
    }
}

impl Import {
    fn take_all(self, sql: &dyn Sql, now: Timestamp) -> Result<Vec<ImportedConnection>, SqlError> {
        let mut pairs = Vec::with_capacity(self.connections.len());
        for imported in self.connections {
            let present = read(sql, &imported.id)?;
            let is_replaced = present.as_ref().is_some_and(|present| imported.on(present) != *present);
            if self.mode == ImportMode::Replace && is_replaced {
                // Two of them may swap their domains.
                sql.run(
                    "DELETE FROM domain_claims WHERE connection_id = ?",
                    &[imported.id.as_str().into()],
                )?;
            }
            pairs.push((imported, present));
        }
        let take = |(imported, present): (Imported, Option<Connection>)| {
            let id = imported.id.clone();
            let outcome = match present {
                Some(present) => imported.put_on(&present, self.mode, &self.actor, sql, now)?,
                None => imported.create(&self.actor, sql, now)?,
            };
            Ok(ImportedConnection { id, outcome })
        };
        pairs.into_iter().map(take).collect()
    }
}

impl Imported {
    fn create(self, actor: &Actor, sql: &dyn Sql, now: Timestamp) -> Result<Outcome, SqlError> {
        let deleted = sql.run(
            "SELECT 1 FROM deleted_connections WHERE id = ?",
            &[self.id.as_str().into()],
        )?;
        if !deleted.is_empty() {
            return Ok(Outcome::Refused(Refusal::Deleted));
        }
        let connection = Connection {
            identity_provider: self.identity_provider,
            ..self.description.begun(self.id, now)
        };
        if connection.responses.decrypt_assertions && self.decryption_key.is_none() {
            return Ok(Outcome::Refused(Refusal::Changed));
        }
        let deed = Deed::new(actor, Action::ConnectionImported);
        let added = add(sql, connection, self.decryption_key, &deed, now)?;
        Ok(added.map_or_else(Outcome::Refused, |_| Outcome::Created))
    }

    /// `present` with the configuration that comes.
    fn on(&self, present: &Connection) -> Connection {
        let other = Connection {
            identity_provider: self.identity_provider.clone(),
            ..self.description.clone().begun(self.id.clone(), present.created_at)
        };
        configured_as(present, other)
    }

    /// Replaces the configuration of `present`. Users go on signing in only with what was tested.
    fn put_on(
        self,
        present: &Connection,
        mode: ImportMode,
        actor: &Actor,
        sql: &dyn Sql,
        now: Timestamp,
    ) -> Result<Outcome, SqlError> {
        let mut changed = self.on(present);
        if changed == *present {
            return Ok(Outcome::Unchanged);
        }
        if mode == ImportMode::CreateOnly {
            return Ok(Outcome::Refused(Refusal::Exists));
        }
        let needs_key = changed.responses.decrypt_assertions && changed.decryption_keys.is_empty();
        if needs_key && self.decryption_key.is_none() {
            return Ok(Outcome::Refused(Refusal::Changed));
        }
        decryption_keys::add_first(sql, &mut changed, self.decryption_key, now)?;
        let is_other = Fingerprint::of(&changed)? != Fingerprint::of(present)?;
        if present.state == State::Enabled && is_other && !has_passed(sql, &changed)? {
            return Ok(Outcome::Refused(Refusal::TestRequired));
        }
        let deed = Deed::new(actor, Action::ConnectionImported);
        let replaced = replace(sql, present, changed, &deed, now)?;
        Ok(replaced.map_or_else(Outcome::Refused, |_| Outcome::Replaced))
    }
}
