//! The keys that sign: the registry keeps them, private halves included, and moves a rotation on.
//!
//! A private key leaves the registry's database for one purpose only, to be imported by the isolate that signs. It is never
//! written to KV or to a log.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::publishing::{Kind, note};
use super::{Actor, Call, Refusal};
use crate::app::ports::PrivateKey;
use crate::app::sql::{Row, Sql, SqlError, json, text, time, to_json};
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
    /// By whom.
    pub actor: Actor,
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
        private_key(&sql.run("SELECT private_key FROM keys WHERE id = ?", &[self.id.as_str().into()])?)
    }
}

impl Call for RotateKeys {
    type Reply = Result<Vec<PublicKey>, Refusal>;
    const NAME: &'static str = "rotate_keys";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let keys = public_keys(sql)?;
        let expected = next_step(&keys);
        if self.step != expected {
            return Ok(Err(Refusal::RotationStep(expected)));
        }
        if self.step == RotationStep::Prepare {
            insert(sql, &self.key.ok_or_else(no_key)?, KeyState::Next, now)?;
        }
        for key in keys {
            match key.state.after(self.step) {
                Some(state) => sql.run(
                    "UPDATE keys SET state = ? WHERE id = ?",
                    &[to_json(&state)?, key.id.as_str().into()],
                )?,
                None => sql.run("DELETE FROM keys WHERE id = ?", &[key.id.as_str().into()])?,
            };
        }
        note(sql, Kind::Keys, "")?;
        let step = format!("({})", self.step.as_str());
        let deed = Deed::noted(&self.actor, Action::KeysRotated, step);
        audit::record_other(sql, &deed, now)?;
        Ok(Ok(public_keys(sql)?))
    }
}

/// The private key in the first column of the one row, if there is one.
pub(super) fn private_key(rows: &[Row]) -> Result<Option<PrivateKey>, SqlError> {
    let key = |row| text(row, 0).map(|key| PrivateKey::new(key.to_owned()));
    rows.first().map(key).transpose()
}

/// What the application forgot.
pub(super) fn no_key() -> SqlError {
    SqlError("expected a key that was just made, found none".to_owned())
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
            created_at: time(row, 3)?,
        })
    };
    let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, SqlError>>()?;
    keys.sort_by_key(|key| key.state);
    Ok(keys)
}
