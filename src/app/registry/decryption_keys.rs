//! The keys that decrypt, each of one connection: the registry keeps their private halves, the connection's record the rest.
//!
//! They are never shared: with a key of several connections, one customer's identity provider could have us open what
//! another's has encrypted (attacks A88, A91). So a private half is read by connection and name, and goes when its
//! connection goes. As that of a key that signs, it leaves this database only to be imported.

use serde::{Deserialize, Serialize};

use super::audit::{Action, Deed};
use super::keys::{NewKey, no_key, private_key};
use super::{Actor, Call, Refusal, read, write};
use crate::app::ports::PrivateKey;
use crate::app::sql::{Sql, SqlError};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::service_keys::{KeyId, KeyState, PublicKey, RotationStep, next_step};
use crate::saml::time::Timestamp;

/// The columns of a private half.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS decryption_keys (connection_id TEXT NOT NULL, id TEXT NOT NULL, \
     private_key TEXT NOT NULL, PRIMARY KEY (connection_id, id))";

/// Reads the private half of a key of this connection, unless it is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadDecryptionKey {
    /// Whose.
    pub connection: ConnectionId,
    /// Which.
    pub id: KeyId,
}

/// Moves the rotation of a connection's key on by one step, if that step is the next one.
#[derive(Serialize, Deserialize)]
pub struct RotateDecryptionKeys {
    /// Whose.
    pub connection: ConnectionId,
    /// Which step, so that a call that is repeated by mistake does nothing.
    pub step: RotationStep,
    /// For [`RotationStep::Prepare`]: the key that will be next.
    pub key: Option<NewKey>,
    /// By whom.
    pub actor: Actor,
}

impl Call for ReadDecryptionKey {
    type Reply = Option<PrivateKey>;
    const NAME: &'static str = "read_decryption_key";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        private_key(&sql.run(
            "SELECT private_key FROM decryption_keys WHERE connection_id = ? AND id = ?",
            &[self.connection.as_str().into(), self.id.as_str().into()],
        )?)
    }
}

impl Call for RotateDecryptionKeys {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "rotate_decryption_keys";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(mut connection) = read(sql, &self.connection)? else {
            return Ok(Err(Refusal::NotFound));
        };
        if connection.decryption_keys.is_empty() {
            return Ok(Err(Refusal::NoDecryptionKey));
        }
        let expected = next_step(&connection.decryption_keys);
        if self.step != expected {
            return Ok(Err(Refusal::RotationStep(expected)));
        }
        let before = connection.clone();
        for mut key in core::mem::take(&mut connection.decryption_keys) {
            match key.state.after(self.step) {
                Some(state) => {
                    key.state = state;
                    connection.decryption_keys.push(key);
                }
                None => forget(sql, &connection.id, &key.id)?,
            }
        }
        if self.step == RotationStep::Prepare {
            add(sql, &mut connection, self.key.ok_or_else(no_key)?, KeyState::Next, now)?;
        }
        connection.decryption_keys.sort_by_key(|key| key.state);
        let step = format!("({})", self.step.as_str());
        let deed = Deed::noted(&self.actor, Action::DecryptionKeysRotated, step);
        write(sql, &before, &mut connection, &deed, now)?;
        Ok(Ok(connection))
    }
}

/// Gives `connection` its first key if it decrypts and has none.
pub(super) fn add_first(
    sql: &dyn Sql,
    connection: &mut Connection,
    key: Option<NewKey>,
    now: Timestamp,
) -> Result<(), SqlError> {
    if connection.responses.decrypt_assertions && connection.decryption_keys.is_empty() {
        add(sql, connection, key.ok_or_else(no_key)?, KeyState::Current, now)?;
    }
    Ok(())
}

/// Forgets all private keys of a connection.
pub(super) fn forget_all(sql: &dyn Sql, connection: &ConnectionId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM decryption_keys WHERE connection_id = ?",
        &[connection.as_str().into()],
    )?;
    Ok(())
}

/// Forgets the private half of one key.
pub(super) fn forget(sql: &dyn Sql, connection: &ConnectionId, key: &KeyId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM decryption_keys WHERE connection_id = ? AND id = ?",
        &[connection.as_str().into(), key.as_str().into()],
    )?;
    Ok(())
}

/// Keeps the private half, and tells the rest to the record, which is still to be written.
fn add(
    sql: &dyn Sql,
    connection: &mut Connection,
    key: NewKey,
    state: KeyState,
    now: Timestamp,
) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO decryption_keys (connection_id, id, private_key) VALUES (?, ?, ?)",
        &[
            connection.id.as_str().into(),
            key.id.as_str().into(),
            key.private_key.reveal().into(),
        ],
    )?;
    connection.decryption_keys.push(PublicKey {
        id: key.id,
        state,
        certificate: key.certificate,
        created_at: now,
    });
    Ok(())
}
