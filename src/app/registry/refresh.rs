//! Metadata that is fetched again: whose turn it is, what came of it, and what waits for approval.
//!
//! The application fetches, the registry decides: what was fetched is judged against the record as it is then, in the same step
//! as the change that comes of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::audit::{self, Action, Deed};
use super::events::{EventKind, tell};
use super::publishing::{Kind, note};
use super::{Actor, Call, Refusal, drafts, read, versions, write_generation};
use crate::app::sql::{Row, Sql, SqlError, json, optional, text, time, to_json};
use crate::limits::{REFRESH_RETRY_SECONDS, REFRESH_SECONDS};
use crate::saml::connection::{Connection, IdentityProvider};
use crate::saml::id::{ConnectionId, EndpointUrl};
use crate::saml::idp_refresh::{self, HoldReason, MissingCertificate, Refreshed, decides_the_same};
use crate::saml::time::Timestamp;

pub(super) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS refreshes (connection_id TEXT PRIMARY KEY, metadata_url TEXT NOT NULL, next_at INTEGER NOT NULL, \
     attempted_at INTEGER, succeeded_at INTEGER, code TEXT, detail TEXT, missing TEXT NOT NULL DEFAULT '[]')",
    "CREATE INDEX IF NOT EXISTS refreshes_by_turn ON refreshes (next_at)",
    "CREATE TABLE IF NOT EXISTS held_metadata (connection_id TEXT PRIMARY KEY, version TEXT NOT NULL, found TEXT NOT NULL, \
     reasons TEXT NOT NULL, found_at INTEGER NOT NULL, dismissed INTEGER NOT NULL DEFAULT 0)",
];

/// Takes the connections whose metadata is to be fetched again now, those first that wait longest. Nobody else gets them until
/// their next turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeDueRefreshes {
    /// How many at the most.
    pub limit: i64,
}

/// Says what came of fetching a connection's metadata again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SaveRefresh {
    /// Whose.
    pub id: ConnectionId,
    /// The generation of the connection for which it was fetched.
    pub generation: u64,
    /// Where it was fetched.
    pub url: EndpointUrl,
    /// What was found, or why nothing was.
    pub found: Result<Box<IdentityProvider>, RefreshFailure>,
    /// Who had it fetched.
    pub actor: Actor,
}

/// Why metadata could not be fetched or read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFailure {
    /// The stable code.
    pub code: String,
    /// A sentence for the vendor.
    pub detail: String,
}

/// What the registry made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshOutcome {
    /// The failure was noted.
    Failed,
    /// The connection is gone or was changed meanwhile, so that it says nothing of it any more.
    Gone,
    /// It waits for approval, or was dismissed before.
    Held,
    /// It was taken over, or there was nothing new. The connection as it is now.
    Taken(Box<Connection>),
}

/// Reads how fetching a connection's metadata again went; nothing for one without a metadata URL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadRefresh {
    /// Whose.
    pub id: ConnectionId,
}

/// How fetching metadata again went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshState {
    /// Where it is fetched.
    pub metadata_url: EndpointUrl,
    /// When it is next fetched, or a little later.
    pub next_at: Timestamp,
    /// When it was last fetched.
    pub attempted_at: Option<Timestamp>,
    /// When that last gave an identity provider.
    pub succeeded_at: Option<Timestamp>,
    /// Why the last one failed, if it did.
    pub failure: Option<RefreshFailure>,
    /// Certificates that the metadata does not list any more, and that still count.
    pub missing: Vec<MissingCertificate>,
}

/// Reads the metadata of a connection that waits for approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadHeld {
    /// Whose.
    pub id: ConnectionId,
}

/// Lists the connections whose metadata waits for approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListHeld {}

/// Metadata that waits for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMetadata {
    /// Names what is held; an approval is for nothing else.
    pub version: String,
    /// The identity provider that it describes.
    pub found: IdentityProvider,
    /// Why it is held.
    pub reasons: Vec<HoldReason>,
    /// When it was first found.
    pub found_at: Timestamp,
}

/// Approves of held metadata, or dismisses it: it is not held once more until it changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecideHeld {
    /// Whose.
    pub id: ConnectionId,
    /// Which, as it was looked at.
    pub version: String,
    /// How.
    pub decision: Decision,
    /// By whom.
    pub actor: Actor,
}

/// What becomes of held metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It takes the place of what the connection has.
    Approve,
    /// It is forgotten.
    Dismiss,
}

impl Call for TakeDueRefreshes {
    type Reply = Vec<Connection>;
    const NAME: &'static str = "take_due_refreshes";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            "SELECT connection_id FROM refreshes WHERE next_at <= ? ORDER BY next_at LIMIT ?",
            &[now.unix_seconds().into(), self.limit.into()],
        )?;
        let mut connections = Vec::new();
        for row in &rows {
            let id = text(row, 0)?;
            // Whatever comes of it, even nothing, it is not tried again at once.
            sql.run(
                "UPDATE refreshes SET attempted_at = ?, next_at = ? WHERE connection_id = ?",
                &[
                    now.unix_seconds().into(),
                    now.plus(REFRESH_RETRY_SECONDS).unix_seconds().into(),
                    id.into(),
                ],
            )?;
            let id = ConnectionId::parse(id).map_err(|e| SqlError(e.to_string()))?;
            connections.extend(read(sql, &id)?);
        }
        Ok(connections)
    }
}

impl Call for SaveRefresh {
    type Reply = RefreshOutcome;
    const NAME: &'static str = "save_refresh";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let (Some(connection), Some(state)) = (read(sql, &self.id)?, state(sql, &self.id)?) else {
            return Ok(RefreshOutcome::Gone);
        };
        let Some(saved) = connection.identity_provider.clone() else {
            return Ok(RefreshOutcome::Gone);
        };
        // What somebody saved meanwhile is newer than what was fetched before: a key that was taken away does not come back.
        if state.metadata_url != self.url || connection.generation != self.generation {
            return Ok(RefreshOutcome::Gone);
        }
        let found = match self.found {
            Ok(found) => *found,
            Err(failure) => {
                record_failure(sql, &self.id, &failure, now)?;
                retire(sql, connection, &saved, &state.missing, &self.actor, now)?;
                return Ok(RefreshOutcome::Failed);
            }
        };
        match idp_refresh::refresh(&saved, &found, &state.missing, now) {
            Refreshed::Held(reasons) => {
                hold(sql, &self.id, &found, &reasons, &self.actor, now)?;
                // It was fetched; that it waits is told elsewhere.
                record_success(sql, &self.id, now)?;
                let missing = idp_refresh::still_missing(&saved, &found, &state.missing);
                retire(sql, connection, &saved, &missing, &self.actor, now)?;
                Ok(RefreshOutcome::Held)
            }
            Refreshed::Taken { idp, missing } => {
                release(sql, &self.id)?;
                let deed = Deed::new(&self.actor, Action::MetadataRefreshed);
                let connection = take_over(sql, connection, *idp, &deed, now)?;
                record_success(sql, &self.id, now)?;
                record_missing(sql, &self.id, &missing)?;
                Ok(RefreshOutcome::Taken(Box::new(connection)))
            }
        }
    }
}

impl Call for ReadRefresh {
    type Reply = Option<RefreshState>;
    const NAME: &'static str = "read_refresh";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        state(sql, &self.id)
    }
}

impl Call for ReadHeld {
    type Reply = Option<HeldMetadata>;
    const NAME: &'static str = "read_held_metadata";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        held(sql, &self.id)
    }
}

impl Call for ListHeld {
    type Reply = Vec<ConnectionId>;
    const NAME: &'static str = "list_held_metadata";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run("SELECT connection_id FROM held_metadata WHERE dismissed = 0", &[])?;
        let id = |row: &Row| Ok(ConnectionId::parse(text(row, 0)?)?);
        rows.iter().map(id).collect()
    }
}

impl Call for DecideHeld {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "decide_held_metadata";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(connection) = read(sql, &self.id)? else {
            return Ok(Err(Refusal::NotFound));
        };
        let (Some(held), Some(state)) = (held(sql, &self.id)?, state(sql, &self.id)?) else {
            return Ok(Err(Refusal::NothingHeld));
        };
        if held.version != self.version {
            return Ok(Err(Refusal::HeldChanged));
        }
        let saved = connection.identity_provider.as_ref();
        match (self.decision, saved) {
            (Decision::Approve, Some(saved)) => {
                let Refreshed::Taken { idp, missing } = idp_refresh::approve(saved, &held.found, &state.missing, now)
                else {
                    return Ok(Err(Refusal::NothingHeld));
                };
                let deed = Deed::new(&self.actor, Action::HeldMetadataApproved);
                let connection = take_over(sql, connection, *idp, &deed, now)?;
                release(sql, &self.id)?;
                record_missing(sql, &self.id, &missing)?;
                Ok(Ok(connection))
            }
            (Decision::Dismiss, _) => {
                sql.run(
                    "UPDATE held_metadata SET dismissed = 1 WHERE connection_id = ?",
                    &[self.id.as_str().into()],
                )?;
                let deed = Deed::new(&self.actor, Action::HeldMetadataDismissed);
                audit::record_of(sql, &self.id, &deed, now)?;
                Ok(Ok(connection))
            }
            (Decision::Approve, None) => Ok(Err(Refusal::NothingHeld)),
        }
    }
}

/// Begins anew with an identity provider that was just saved: what was known of the one before says nothing of it.
pub(super) fn follow(sql: &dyn Sql, connection: &Connection, now: Timestamp) -> Result<(), SqlError> {
    forget(sql, &connection.id)?;
    let idp = connection.identity_provider.as_ref();
    if let Some(url) = idp.and_then(|idp| idp.metadata_url.as_ref()) {
        sql.run(
            "INSERT INTO refreshes (connection_id, metadata_url, next_at) VALUES (?, ?, ?)",
            &[
                connection.id.as_str().into(),
                url.as_str().into(),
                now.plus(REFRESH_SECONDS).unix_seconds().into(),
            ],
        )?;
    }
    Ok(())
}

/// Forgets everything of a connection's metadata.
pub(super) fn forget(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    release(sql, id)?;
    sql.run("DELETE FROM refreshes WHERE connection_id = ?", &[id.as_str().into()])?;
    Ok(())
}

/// Takes away the certificates that have been missing for too long, though nothing new is taken over.
fn retire(
    sql: &dyn Sql,
    connection: Connection,
    saved: &IdentityProvider,
    missing: &[MissingCertificate],
    actor: &Actor,
    now: Timestamp,
) -> Result<(), SqlError> {
    let (idp, missing) = idp_refresh::retire(saved, missing, now);
    let id = connection.id.clone();
    take_over(
        sql,
        connection,
        idp,
        &Deed::new(actor, Action::CertificatesRetired),
        now,
    )?;
    record_missing(sql, &id, &missing)
}

/// Writes the connection with `idp`: as its next generation, or, where nothing that decides anything is different, as it is.
fn take_over(
    sql: &dyn Sql,
    present: Connection,
    idp: IdentityProvider,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<Connection, SqlError> {
    let saved = present.identity_provider.as_ref();
    if saved == Some(&idp) {
        return Ok(present);
    }
    let same = saved.is_some_and(|saved| decides_the_same(saved, &idp));
    let mut connection = Connection {
        identity_provider: Some(idp),
        ..present.clone()
    };
    if same {
        sql.run(
            "UPDATE connections SET record = ? WHERE id = ?",
            &[to_json(&connection)?, connection.id.as_str().into()],
        )?;
        // It is no change that could be undone, or be in the way of a draft.
        versions::correct(sql, &connection)?;
        drafts::correct(sql, &present, &connection)?;
        note(sql, Kind::Connection, connection.id.as_str())?;
    } else {
        write_generation(sql, &present, &mut connection, deed, now)?;
    }
    Ok(connection)
}

fn state(sql: &dyn Sql, id: &ConnectionId) -> Result<Option<RefreshState>, SqlError> {
    let rows = sql.run(
        "SELECT metadata_url, next_at, attempted_at, succeeded_at, code, detail, missing FROM refreshes WHERE connection_id = ?",
        &[id.as_str().into()],
    )?;
    let read = |row: &Row| {
        Ok(RefreshState {
            metadata_url: EndpointUrl::parse(text(row, 0)?).map_err(|e| SqlError(e.to_string()))?,
            next_at: time(row, 1)?,
            attempted_at: optional(row, 2, time)?,
            succeeded_at: optional(row, 3, time)?,
            failure: match optional(row, 4, text)? {
                Some(code) => Some(RefreshFailure {
                    code: code.to_owned(),
                    detail: text(row, 5)?.to_owned(),
                }),
                None => None,
            },
            missing: json(row, 6)?,
        })
    };
    rows.first().map(read).transpose()
}

fn record_failure(sql: &dyn Sql, id: &ConnectionId, failure: &RefreshFailure, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "UPDATE refreshes SET attempted_at = ?, next_at = ?, code = ?, detail = ? WHERE connection_id = ?",
        &[
            now.unix_seconds().into(),
            now.plus(REFRESH_RETRY_SECONDS).unix_seconds().into(),
            failure.code.as_str().into(),
            failure.detail.as_str().into(),
            id.as_str().into(),
        ],
    )?;
    Ok(())
}

fn record_success(sql: &dyn Sql, id: &ConnectionId, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "UPDATE refreshes SET attempted_at = ?, succeeded_at = ?, next_at = ?, code = NULL, detail = NULL WHERE connection_id = ?",
        &[
            now.unix_seconds().into(),
            now.unix_seconds().into(),
            now.plus(REFRESH_SECONDS).unix_seconds().into(),
            id.as_str().into(),
        ],
    )?;
    Ok(())
}

fn record_missing(sql: &dyn Sql, id: &ConnectionId, missing: &[MissingCertificate]) -> Result<(), SqlError> {
    sql.run(
        "UPDATE refreshes SET missing = ? WHERE connection_id = ?",
        &[to_json(&missing)?, id.as_str().into()],
    )?;
    Ok(())
}

/// Holds `found`, unless it is held already, or was dismissed.
fn hold(
    sql: &dyn Sql,
    id: &ConnectionId,
    found: &IdentityProvider,
    reasons: &[HoldReason],
    actor: &Actor,
    now: Timestamp,
) -> Result<(), SqlError> {
    let rows = sql.run(
        "SELECT found FROM held_metadata WHERE connection_id = ?",
        &[id.as_str().into()],
    )?;
    if let Some(row) = rows.first()
        && decides_the_same(&json(row, 0)?, found)
    {
        // Why may have changed, as the connection may have.
        sql.run(
            "UPDATE held_metadata SET reasons = ? WHERE connection_id = ?",
            &[to_json(&reasons)?, id.as_str().into()],
        )?;
        return Ok(());
    }
    let found = serde_json::to_string(found).map_err(|e| SqlError(e.to_string()))?;
    sql.run(
        "INSERT OR REPLACE INTO held_metadata (connection_id, version, found, reasons, found_at) VALUES (?, ?, ?, ?, ?)",
        &[
            id.as_str().into(),
            version_of(&found).into(),
            found.into(),
            to_json(&reasons)?,
            now.unix_seconds().into(),
        ],
    )?;
    let words: Vec<&str> = reasons.iter().map(|reason| reason.words()).collect();
    if let Some(connection) = read(sql, id)? {
        let reasons = ("reasons", serde_json::json!(words));
        tell(sql, EventKind::MetadataHeld, &connection, [reasons], now)?;
    }
    let deed = Deed::noted(actor, Action::MetadataHeld, words.join("; "));
    audit::record_of(sql, id, &deed, now)
}

/// A name for what is held: no other has it.
fn version_of(found: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(found.as_bytes()))
}

/// Holds nothing any more.
fn release(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM held_metadata WHERE connection_id = ?",
        &[id.as_str().into()],
    )?;
    Ok(())
}

fn held(sql: &dyn Sql, id: &ConnectionId) -> Result<Option<HeldMetadata>, SqlError> {
    let rows = sql.run(
        "SELECT version, found, reasons, found_at FROM held_metadata WHERE connection_id = ? AND dismissed = 0",
        &[id.as_str().into()],
    )?;
    let read = |row: &Row| {
        Ok(HeldMetadata {
            version: text(row, 0)?.to_owned(),
            found: json(row, 1)?,
            reasons: json(row, 2)?,
            found_at: time(row, 3)?,
        })
    };
    rows.first().map(read).transpose()
}
