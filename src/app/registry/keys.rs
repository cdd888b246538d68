//! The service provider's keys: the registry keeps them, private halves included, and moves a rotation on.
//!
//! A private key leaves the registry's database for one purpose only, to be imported by the isolate that signs. It is never
//! written to KV or to a log.

use serde::{Deserialize, Serialize};

use super::{Call, Kind, Refusal, note};
use crate::app::ports::PrivateKey;
use crate::app::sql::{Sql, SqlError, integer, json, text, to_json};
use crate::saml::connection::StoredCertificate;
use crate::saml::service_keys::{KeyId, KeyState, PublicKey, RotationStep, next_step};
use crate::saml::time::Timestamp;

/// The KV key of the service provider's public keys.
pub const PUBLIC_KEYS_KEY: &str = "service-provider:keys";

/// The columns of a key, private half included.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, state TEXT NOT NULL, certificate TEXT NOT NULL, \
     created_at INTEGER NOT NULL, private_key TEXT NOT NULL)";

/// A key that was just made.
#[derive(Serialize, Deserialize)]
pub struct NewKey {
    /// Its name.
    pub id: KeyId,
    /// Its self-signed certificate.
    pub certificate: StoredCertificate,
    /// Its private half.
    pub private_key: PrivateKey,
}

/// Reads the public keys, as our metadata lists them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadKeys {}

/// Makes `key` the current one if there is no key yet; gives the public keys as they are then.
#[derive(Serialize, Deserialize)]
pub struct AddFirstKey {
    /// The key.
    pub key: NewKey,
}

/// Reads the private half of a key, unless it is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadPrivateKey {
    /// Which.
    pub id: KeyId,
}

/// Moves a rotation on by one step, if that step is the next one.
#[derive(Serialize, Deserialize)]
pub struct RotateKeys {
    /// Which step, so that a call that is repeated by mistake does nothing.
    pub step: RotationStep,
    /// For [`RotationStep::Prepare`]: the key that will be next.
    pub key: Option<NewKey>,
}

impl Call for ReadKeys {
    type Reply = Vec<PublicKey>;
    const NAME: &'static str = "read_keys";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        public_keys(sql)
    }
}

impl Call for AddFirstKey {
    type Reply = Vec<PublicKey>;
    const NAME: &'static str = "add_first_key";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if public_keys(sql)?.is_empty() {
            insert(sql, &self.key, KeyState::Current, now)?;
        }
        public_keys(sql)
    }
}

impl Call for ReadPrivateKey {
    type Reply = Option<PrivateKey>;
    const NAME: &'static str = "read_private_key";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run("SELECT private_key FROM keys WHERE id = ?", &[self.id.as_str().into()])?;
        rows.first()
            .map(|row| text(row, 0).map(|key| PrivateKey::new(key.to_owned())))
            .transpose()
    }
}

impl Call for RotateKeys {
    type Reply = Result<Vec<PublicKey>, Refusal>;
    const NAME: &'static str = "rotate_keys";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let expected = next_step(&public_keys(sql)?);
        if self.step != expected {
            return Ok(Err(Refusal::RotationStep(expected)));
        }
        let become_state = |from: KeyState, to: KeyState| {
            sql.run(
                "UPDATE keys SET state = ? WHERE state = ?",
                &[to_json(&to)?, to_json(&from)?],
            )
        };
        match (self.step, self.key) {
            (RotationStep::Prepare, Some(key)) => insert(sql, &key, KeyState::Next, now)?,
            (RotationStep::Prepare, None) => return Err(SqlError("expected a key to prepare, found none".to_owned())),
            (RotationStep::Activate, _) => {
                become_state(KeyState::Current, KeyState::Previous)?;
                become_state(KeyState::Next, KeyState::Current)?;
                note(sql, Kind::Keys, "")?;
            }
            (RotationStep::Retire, _) => {
                sql.run("DELETE FROM keys WHERE state = ?", &[to_json(&KeyState::Previous)?])?;
                note(sql, Kind::Keys, "")?;
            }
        }
        Ok(Ok(public_keys(sql)?))
    }
}

fn insert(sql: &dyn Sql, key: &NewKey, state: KeyState, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO keys (id, state, certificate, created_at, private_key) VALUES (?, ?, ?, ?, ?)",
        &[
            key.id.as_str().into(),
            to_json(&state)?,
            to_json(&key.certificate)?,
            now.unix_seconds().into(),
            key.private_key.reveal().into(),
        ],
    )?;
    note(sql, Kind::Keys, "")
}

/// The keys without their private halves, in the order of our metadata.
pub(super) fn public_keys(sql: &dyn Sql) -> Result<Vec<PublicKey>, SqlError> {
    let rows = sql.run("SELECT id, state, certificate, created_at FROM keys", &[])?;
    let key = |row| {
        Ok(PublicKey {
            id: KeyId::from_stored(text(row, 0)?),
            state: json(row, 1)?,
            certificate: json(row, 2)?,
            created_at: Timestamp::from_unix_seconds(integer(row, 3)?),
        })
    };
    let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, SqlError>>()?;
    keys.sort_by_key(|key| key.state);
    Ok(keys)
}
