//! The keys that seal captured messages. They are here, and what they seal is in the ledgers, so that neither says anything
//! without the other.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::{Actor, Call, Refusal, read};
use crate::app::sql::{Sql, SqlError, text};
use crate::limits::CAPTURED_MESSAGE_SECONDS;
use crate::saml::id::{ConnectionId, Reference};
use crate::saml::time::Timestamp;

/// The keys, one for a connection at the most, with the time after which nothing is left that they seal.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS capture_keys (connection_id TEXT PRIMARY KEY, key TEXT NOT NULL, useless_at INTEGER NOT NULL)";

/// A key: base64 of 256 random bits. It cannot be shown by accident, having no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaptureKey(String);

impl CaptureKey {
    /// Takes base64 of 32 octets.
    #[must_use]
    pub fn new(base64: String) -> Self {
        Self(base64)
    }

    /// Base64 of its octets.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Keeps a key for the messages of a connection. One that is there already is kept in its place.
#[derive(Serialize, Deserialize)]
pub struct StartCapture {
    /// Of which connection.
    pub id: ConnectionId,
    /// A fresh key.
    pub key: CaptureKey,
    /// Until when messages are captured.
    pub until: Timestamp,
    /// Who wants it.
    pub actor: Actor,
}

/// Forgets the key of a connection; what it sealed is lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndCapture {
    /// Of which connection.
    pub id: ConnectionId,
    /// Who wants it.
    pub actor: Actor,
}

/// Reads the key of a connection to seal with, if there is one and something may be left that it seals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadCaptureKey {
    /// Of which connection.
    pub id: ConnectionId,
}

/// Reads the key of a connection for somebody who wants to see the messages of one sign-in, and writes that down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenMessages {
    /// Of which connection.
    pub id: ConnectionId,
    /// Of which sign-in.
    pub reference: Reference,
    /// Who wants it.
    pub actor: Actor,
}

impl Call for StartCapture {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "start_capture";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if read(sql, &self.id)?.is_none() {
            return Ok(Err(Refusal::NotFound));
        }
        forget_useless(sql, now)?;
        sql.run(
            "INSERT INTO capture_keys (connection_id, key, useless_at) VALUES (?, ?, ?) ON CONFLICT (connection_id) \
             DO UPDATE SET useless_at = max(useless_at, excluded.useless_at)",
            &[
                self.id.as_str().into(),
                self.key.reveal().into(),
                self.until.plus(CAPTURED_MESSAGE_SECONDS).unix_seconds().into(),
            ],
        )?;
        let started = Deed::noted(&self.actor, Action::CaptureStarted, self.until.to_rfc3339());
        audit::record_of(sql, &self.id, &started, now)?;
        Ok(Ok(()))
    }
}

impl Call for EndCapture {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "end_capture";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if read(sql, &self.id)?.is_none() {
            return Ok(Err(Refusal::NotFound));
        }
        forget_useless(sql, now)?;
        forget(sql, &self.id)?;
        audit::record_of(sql, &self.id, &Deed::new(&self.actor, Action::CaptureEnded), now)?;
        Ok(Ok(()))
    }
}

impl Call for ReadCaptureKey {
    type Reply = Option<CaptureKey>;
    const NAME: &'static str = "read_capture_key";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        key(sql, &self.id, now)
    }
}

impl Call for OpenMessages {
    type Reply = Option<CaptureKey>;
    const NAME: &'static str = "open_messages";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let key = key(sql, &self.id, now)?;
        if key.is_some() {
            // In the step that gives the key, without which nothing can be shown.
            let opened = Deed::noted(&self.actor, Action::CaptureRead, self.reference.as_str().to_owned());
            audit::record_reading(sql, Some(&self.id), &opened, now)?;
        }
        Ok(key)
    }
}

fn key(sql: &dyn Sql, connection: &ConnectionId, now: Timestamp) -> Result<Option<CaptureKey>, SqlError> {
    forget_useless(sql, now)?;
    let rows = sql.run(
        "SELECT key FROM capture_keys WHERE connection_id = ?",
        &[connection.as_str().into()],
    )?;
    rows.first()
        .map(|row| Ok(CaptureKey(text(row, 0)?.to_owned())))
        .transpose()
}

/// Forgets the key of a connection that is deleted.
pub(super) fn forget(sql: &dyn Sql, connection: &ConnectionId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM capture_keys WHERE connection_id = ?",
        &[connection.as_str().into()],
    )?;
    Ok(())
}

fn forget_useless(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM capture_keys WHERE useless_at <= ?",
        &[now.unix_seconds().into()],
    )?;
    Ok(())
}
