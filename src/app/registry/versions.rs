//! The versions of a connection: what it was after each of its changes, so that any of the last ones can be had again.

use serde::{Deserialize, Serialize};

use super::audit::{Action, Deed, rooms_of_actors};
use super::diff::{FieldChange, diff};
use super::{Actor, Call, Refusal, read, read_as_seen, replace};
use crate::app::sql::{Sql, SqlError, json, text, time, to_json};
use crate::limits::{MAX_VERSIONS_PER_CONNECTION, MAX_VERSIONS_PER_CONNECTION_OF_OTHERS};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// A version's columns.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS versions (connection_id TEXT NOT NULL, generation INTEGER NOT NULL, \
     at INTEGER NOT NULL, actor TEXT NOT NULL, change TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (connection_id, generation))";

/// Which versions give way to which: those of one room alone to each other, as in the audit log.
macro_rules! room {
    () => {
        concat!("CASE ", rooms_of_actors!())
    };
}

/// Drops the oldest versions of the connection `?1` in the room `?2` that are more than `?3`.
const DROP_OLDEST: &str = concat!(
    "DELETE FROM versions WHERE connection_id = ?1 AND ",
    room!(),
    " = ?2 AND generation NOT IN (SELECT generation FROM versions WHERE connection_id = ?1 AND ",
    room!(),
    " = ?2 ORDER BY generation DESC LIMIT ?3)"
);

/// Reads the versions of a connection that are kept, newest first. `None` when there is no such connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListVersions {
    /// Whose.
    pub id: ConnectionId,
}

/// Gives a connection the configuration of an earlier version, as its next generation. Its state, its keys and its age stay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Restore {
    /// Which connection.
    pub id: ConnectionId,
    /// Which version.
    pub generation: u64,
    /// The generation that it has now, where somebody has looked at that.
    pub from_generation: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

/// Gives a connection the configuration of its latest version that has another one, as its next generation. What this undoes
/// can be undone in turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UndoChange {
    /// Which connection.
    pub id: ConnectionId,
    /// The generation that it has now, where somebody has looked at that.
    pub from_generation: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

/// A connection as it was after one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its generation.
    pub generation: u64,
    /// When it came to be.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What was done, in words.
    pub change: String,
    /// What is different from the version before; all that there was, for the first.
    pub diff: Vec<FieldChange>,
}

impl Call for ListVersions {
    type Reply = Option<Vec<Version>>;
    const NAME: &'static str = "list_versions";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        if read(sql, &self.id)?.is_none() {
            return Ok(None);
        }
        let rows = sql.run(
            "SELECT generation, at, actor, change, record FROM versions WHERE connection_id = ? ORDER BY generation",
            &[self.id.as_str().into()],
        )?;
        let (mut versions, mut before) = (Vec::with_capacity(rows.len()), None);
        for row in &rows {
            let record: Connection = json(row, 4)?;
            versions.push(Version {
                generation: record.generation,
                at: time(row, 1)?,
                actor: Actor::new(text(row, 2)?),
                change: text(row, 3)?.to_owned(),
                diff: diff(before.as_ref(), Some(&record))?,
            });
            before = Some(record);
        }
        versions.reverse();
        Ok(Some(versions))
    }
}

impl Call for Restore {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "restore";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let present = match read_as_seen(sql, &self.id, self.from_generation)? {
            Ok(present) => present,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(version) = version(sql, &self.id, self.generation)? else {
            return Ok(Err(Refusal::NoSuchVersion));
        };
        let deed = Deed::noted(&self.actor, Action::VersionRestored, self.generation.to_string());
        replace(sql, &present, configured_as(&present, version), &deed, now)
    }
}

impl Call for UndoChange {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "undo_change";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let present = match read_as_seen(sql, &self.id, self.from_generation)? {
            Ok(present) => present,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let rows = sql.run(
            "SELECT record FROM versions WHERE connection_id = ? ORDER BY generation DESC",
            &[self.id.as_str().into()],
        )?;
        for row in &rows {
            let version: Connection = json(row, 0)?;
            let generation = version.generation;
            let configured = configured_as(&present, version);
            if configured != present {
                let deed = Deed::noted(&self.actor, Action::ChangeUndone, generation.to_string());
                return replace(sql, &present, configured, &deed, now);
            }
        }
        Ok(Err(Refusal::NothingToUndo))
    }
}

/// `present` with the configuration of another record: what it is, whether it is on and since when, and its keys stay.
pub(super) fn configured_as(present: &Connection, other: Connection) -> Connection {
    Connection {
        id: present.id.clone(),
        generation: present.generation,
        state: present.state,
        decryption_keys: present.decryption_keys.clone(),
        created_at: present.created_at,
        updated_at: present.updated_at,
        ..other
    }
}

/// Keeps a version, and of all in its room only the last ones.
pub(super) fn keep(
    sql: &dyn Sql,
    after: &Connection,
    actor: &Actor,
    change: &str,
    now: Timestamp,
) -> Result<(), SqlError> {
    let generation = i64::try_from(after.generation).map_err(|e| SqlError(e.to_string()))?;
    let rows = sql.run(
        concat!(
            "INSERT INTO versions (connection_id, generation, at, actor, change, record) VALUES (?, ?, ?, ?, ?, ?) RETURNING ",
            room!()
        ),
        &[
            after.id.as_str().into(),
            generation.into(),
            now.unix_seconds().into(),
            actor.as_str().into(),
            change.into(),
            to_json(after)?,
        ],
    )?;
    if let Some(row) = rows.first() {
        let room = text(row, 0)?;
        let kept = match room {
            "people" => MAX_VERSIONS_PER_CONNECTION,
            _ => MAX_VERSIONS_PER_CONNECTION_OF_OTHERS,
        };
        sql.run(DROP_OLDEST, &[after.id.as_str().into(), room.into(), kept.into()])?;
    }
    Ok(())
}

/// Keeps the present version as `connection` is: what people are told of it has changed, its configuration has not.
pub(super) fn correct(sql: &dyn Sql, connection: &Connection) -> Result<(), SqlError> {
    let generation = i64::try_from(connection.generation).map_err(|e| SqlError(e.to_string()))?;
    sql.run(
        "UPDATE versions SET record = ? WHERE connection_id = ? AND generation = ?",
        &[to_json(connection)?, connection.id.as_str().into(), generation.into()],
    )?;
    Ok(())
}

/// The record of one version, if it is kept.
fn version(sql: &dyn Sql, id: &ConnectionId, generation: u64) -> Result<Option<Connection>, SqlError> {
    let Ok(generation) = i64::try_from(generation) else {
        return Ok(None);
    };
    let rows = sql.run(
        "SELECT record FROM versions WHERE connection_id = ? AND generation = ?",
        &[id.as_str().into(), generation.into()],
    )?;
    rows.first().map(|row| json(row, 0)).transpose()
}

/// Forgets the versions of a connection that is deleted; the audit log keeps what it was.
pub(super) fn forget(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    sql.run("DELETE FROM versions WHERE connection_id = ?", &[id.as_str().into()])?;
    Ok(())
}
