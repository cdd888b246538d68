//! Drafts: a configuration that is prepared and tested beside the one by which users sign in, and then takes its place at
//! once.
//!
//! A draft claims no domain and reaches neither ledger nor KV. It is of the generation that it was begun from: when the
//! connection has changed since, it has to be brought up to date before it is applied, so that no change is lost unseen.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::audit::{self, Action, Deed};
use super::diff::{self, FieldChange, diff, object};
use super::keys::NewKey;
use super::versions::configured_as;
use super::{Actor, Call, Change, Refusal, decryption_keys, read, replace, tested, untested};
use crate::app::sql::{Sql, SqlError, integer, json, text, time, to_json};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::service_keys::PublicKey;
use crate::saml::time::Timestamp;

/// A draft's columns: what it was begun from, and what it is.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS drafts (connection_id TEXT PRIMARY KEY, base TEXT NOT NULL, record TEXT NOT NULL, \
     revision INTEGER NOT NULL, begun_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, actor TEXT NOT NULL)";

/// A draft, and how it stands to its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The connection as it would be.
    pub connection: Connection,
    /// The generation that it was begun from.
    pub base_generation: u64,
    /// The generation that the connection has now.
    pub live_generation: u64,
    /// Counts its edits, from 1.
    pub revision: u64,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// By whom it was last edited.
    pub actor: Actor,
    /// What applying it would change.
    pub diff: Vec<FieldChange>,
    /// Whether no test has passed with exactly this configuration.
    pub test_required: bool,
}

/// What an edit of a draft was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The generation of the connection, where there was no draft; else that which the draft was begun from.
    pub base_generation: u64,
    /// The draft's revision; 0 where there was none.
    pub revision: u64,
}

/// Reads the draft of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadDraft {
    /// Whose.
    pub id: ConnectionId,
}

/// Edits the draft of a connection, which is begun if there is none.
#[derive(Serialize, Deserialize)]
pub struct EditDraft {
    /// Whose.
    pub id: ConnectionId,
    /// How. Whether the connection is enabled is no part of a draft.
    pub change: Change,
    /// What the edit was made from, where it was made from what was read before.
    pub seen: Option<Seen>,
    /// Its first key, if it decrypts from now on.
    pub decryption_key: Option<NewKey>,
    /// By whom.
    pub actor: Actor,
}

/// Brings a draft up to date: what was changed in it, on top of what the connection is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RebaseDraft {
    /// Whose.
    pub id: ConnectionId,
    /// The revision that whoever brings it up to date has looked at.
    pub revision: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

/// What bringing a draft up to date led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebased {
    /// The draft.
    pub draft: Draft,
    /// The fields that were changed on both sides; the draft's value stays.
    pub conflicts: Vec<String>,
}

/// Puts a draft in the place of its connection's configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyDraft {
    /// Whose.
    pub id: ConnectionId,
    /// Why no test is needed; the audit log keeps it.
    pub override_reason: Option<String>,
    /// The revision that whoever applies it has looked at.
    pub revision: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

/// Forgets a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiscardDraft {
    /// Whose.
    pub id: ConnectionId,
    /// The revision that whoever discards it has looked at.
    pub revision: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

impl Call for ReadDraft {
    type Reply = Result<Draft, Refusal>;
    const NAME: &'static str = "read_draft";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (live, kept) = match both(sql, &self.id, None)? {
            Ok(both) => both,
            Err(refusal) => return Ok(Err(refusal)),
        };
        kept.shown(sql, &live).map(Ok)
    }
}

impl Call for EditDraft {
    type Reply = Result<Draft, Refusal>;
    const NAME: &'static str = "edit_draft";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(live) = read(sql, &self.id)? else {
            return Ok(Err(Refusal::NotFound));
        };
        let mut kept = kept(sql, &self.id)?.unwrap_or_else(|| Kept::begun(&live, &self.actor, now));
        if self.seen.is_some_and(|seen| seen != kept.seen()) {
            return Ok(Err(Refusal::Changed));
        }
        let before = kept.record.clone();
        if let Err(refusal) = self.change.apply_to(&mut kept.record) {
            return Ok(Err(refusal));
        }
        kept.record.state = before.state;
        decryption_keys::add_first(sql, &mut kept.record, self.decryption_key, now)?;
        if kept.record.responses.decrypt_assertions && kept.record.decryption_keys.is_empty() {
            return Ok(Err(Refusal::NoDecryptionKey));
        }
        if kept.record != before || kept.revision == 0 {
            kept.edited(sql, &self.actor, now)?;
        }
        if kept.record != before {
            let edited = Deed::new(&self.actor, Action::DraftEdited);
            audit::record_draft(sql, &before, &kept.record, &edited, now)?;
        }
        kept.shown(sql, &live).map(Ok)
    }
}

impl Call for RebaseDraft {
    type Reply = Result<Rebased, Refusal>;
    const NAME: &'static str = "rebase_draft";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (live, mut kept) = match both(sql, &self.id, self.revision)? {
            Ok(both) => both,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut conflicts = Vec::new();
        if kept.base.generation != live.generation {
            let merged;
            (merged, conflicts) = merge(&kept.base, &live, &kept.record)?;
            let keys = keys_of(&live, &kept.record);
            forget_others(sql, &kept.record, &keys)?;
            let rebased = Connection {
                decryption_keys: keys,
                ..configured_as(&live, merged)
            };
            let before = core::mem::replace(&mut kept.record, rebased);
            kept.base = live.clone();
            kept.edited(sql, &self.actor, now)?;
            let deed = Deed::new(&self.actor, Action::DraftRebased);
            audit::record_draft(sql, &before, &kept.record, &deed, now)?;
        }
        let draft = kept.shown(sql, &live)?;
        Ok(Ok(Rebased { draft, conflicts }))
    }
}

impl Call for ApplyDraft {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "apply_draft";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (live, kept) = match both(sql, &self.id, self.revision)? {
            Ok(both) => both,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if kept.base.generation != live.generation {
            return Ok(Err(Refusal::DraftOutdated));
        }
        let mut deed = Deed::new(&self.actor, Action::DraftApplied);
        deed.note = self.override_reason.as_deref().map(untested);
        if deed.note.is_none() && !tested::has_passed(sql, &kept.record)? {
            return Ok(Err(Refusal::TestRequired));
        }
        let applied = Connection {
            decryption_keys: kept.record.decryption_keys.clone(),
            ..configured_as(&live, kept.record)
        };
        let applied = replace(sql, &live, applied, &deed, now)?;
        if applied.is_ok() {
            forget(sql, &self.id)?;
        }
        Ok(applied)
    }
}

impl Call for DiscardDraft {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "discard_draft";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (live, kept) = match both(sql, &self.id, self.revision)? {
            Ok(both) => both,
            Err(refusal) => return Ok(Err(refusal)),
        };
        forget_others(sql, &kept.record, &live.decryption_keys)?;
        forget(sql, &self.id)?;
        let discarded = Deed::new(&self.actor, Action::DraftDiscarded);
        audit::record_of(sql, &self.id, &discarded, now)?;
        Ok(Ok(()))
    }
}

/// A draft as it is kept.
struct Kept {
    base: Connection,
    record: Connection,
    revision: u64,
    begun_at: Timestamp,
    updated_at: Timestamp,
    actor: Actor,
}

impl Kept {
    /// A draft of `live` in which nothing is changed yet.
    fn begun(live: &Connection, actor: &Actor, now: Timestamp) -> Self {
        Self {
            base: live.clone(),
            record: live.clone(),
            revision: 0,
            begun_at: now,
            updated_at: now,
            actor: actor.clone(),
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            base_generation: self.base.generation,
            revision: self.revision,
        }
    }

    /// Keeps it as its next revision.
    fn edited(&mut self, sql: &dyn Sql, actor: &Actor, now: Timestamp) -> Result<(), SqlError> {
        self.revision = self.revision.saturating_add(1);
        self.updated_at = now;
        self.actor = actor.clone();
        let revision = i64::try_from(self.revision).map_err(|e| SqlError(e.to_string()))?;
        sql.run(
            "INSERT OR REPLACE INTO drafts (connection_id, base, record, revision, begun_at, updated_at, actor) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                self.record.id.as_str().into(),
                to_json(&self.base)?,
                to_json(&self.record)?,
                revision.into(),
                self.begun_at.unix_seconds().into(),
                self.updated_at.unix_seconds().into(),
                self.actor.as_str().into(),
            ],
        )?;
        Ok(())
    }

    fn shown(self, sql: &dyn Sql, live: &Connection) -> Result<Draft, SqlError> {
        Ok(Draft {
            diff: diff(Some(live), Some(&self.record))?,
            test_required: !tested::has_passed(sql, &self.record)?,
            base_generation: self.base.generation,
            live_generation: live.generation,
            connection: self.record,
            revision: self.revision,
            begun_at: self.begun_at,
            updated_at: self.updated_at,
            actor: self.actor,
        })
    }
}

/// A connection and its draft, if that is still of the revision that somebody has seen, where they have.
fn both(sql: &dyn Sql, id: &ConnectionId, seen: Option<u64>) -> Result<Result<(Connection, Kept), Refusal>, SqlError> {
    let Some(live) = read(sql, id)? else {
        return Ok(Err(Refusal::NotFound));
    };
    Ok(match kept(sql, id)? {
        None => Err(Refusal::NoDraft),
        Some(kept) if seen.is_some_and(|seen| seen != kept.revision) => Err(Refusal::Changed),
        Some(kept) => Ok((live, kept)),
    })
}

fn kept(sql: &dyn Sql, id: &ConnectionId) -> Result<Option<Kept>, SqlError> {
    let rows = sql.run(
        "SELECT base, record, revision, begun_at, updated_at, actor FROM drafts WHERE connection_id = ?",
        &[id.as_str().into()],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Kept {
        base: json(row, 0)?,
        record: json(row, 1)?,
        revision: u64::try_from(integer(row, 2)?).map_err(|e| SqlError(e.to_string()))?,
        begun_at: time(row, 3)?,
        updated_at: time(row, 4)?,
        actor: Actor::new(text(row, 5)?),
    }))
}

/// Lets the draft of a connection of which people are told something else have that too, where it has what was told before.
pub(super) fn correct(sql: &dyn Sql, before: &Connection, after: &Connection) -> Result<(), SqlError> {
    let Some(mut kept) = kept(sql, &after.id)? else {
        return Ok(());
    };
    for record in [&mut kept.base, &mut kept.record] {
        if record.identity_provider == before.identity_provider {
            record.identity_provider.clone_from(&after.identity_provider);
        }
    }
    sql.run(
        "UPDATE drafts SET base = ?, record = ? WHERE connection_id = ?",
        &[to_json(&kept.base)?, to_json(&kept.record)?, after.id.as_str().into()],
    )?;
    Ok(())
}

/// Forgets a draft, but not its keys.
pub(super) fn forget(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    sql.run("DELETE FROM drafts WHERE connection_id = ?", &[id.as_str().into()])?;
    Ok(())
}

/// The decryption keys of a draft of `live`: the connection's own, or, where it has none, the first one that was made for the
/// draft.
fn keys_of(live: &Connection, draft: &Connection) -> Vec<PublicKey> {
    let keys = match live.decryption_keys.as_slice() {
        [] => &draft.decryption_keys,
        _ => &live.decryption_keys,
    };
    keys.clone()
}

/// Forgets the private halves of the keys of a draft that are not among `kept`.
fn forget_others(sql: &dyn Sql, draft: &Connection, kept: &[PublicKey]) -> Result<(), SqlError> {
    let is_kept = |key: &&PublicKey| kept.iter().any(|kept| kept.id == key.id);
    for key in draft.decryption_keys.iter().filter(|key| !is_kept(key)) {
        decryption_keys::forget(sql, &draft.id, &key.id)?;
    }
    Ok(())
}

/// What `draft` has changed of `base`, on top of `live`; and the fields that both have changed.
fn merge(base: &Connection, live: &Connection, draft: &Connection) -> Result<(Connection, Vec<String>), SqlError> {
    let (base, mut live, mut draft) = (object(base)?, object(live)?, object(draft)?);
    let mut conflicts = Vec::new();
    for group in diff::SETTINGS {
        let (Some(Value::Object(base)), Some(Value::Object(live)), Some(Value::Object(draft))) =
            (base.get(group), live.get_mut(group), draft.remove(group))
        else {
            return Err(SqlError(format!("expected settings {group}")));
        };
        merge_fields(base, live, draft, &mut conflicts);
    }
    merge_fields(&base, &mut live, draft, &mut conflicts);
    let merged = serde_json::from_value(Value::Object(live)).map_err(|e| SqlError(e.to_string()))?;
    Ok((merged, conflicts))
}

fn merge_fields(
    base: &Map<String, Value>,
    live: &mut Map<String, Value>,
    draft: Map<String, Value>,
    conflicts: &mut Vec<String>,
) {
    for (name, value) in draft {
        if diff::DECIDED_ELSEWHERE.contains(&name.as_str()) || base.get(&name) == Some(&value) {
            continue;
        }
        let present = live.get(&name);
        if present != base.get(&name) && present != Some(&value) {
            conflicts.push(name.clone());
        }
        live.insert(name, value);
    }
}
