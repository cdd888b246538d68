//! The keys that decrypt, at work: a connection gets its first when it is told to decrypt, its keys open what its identity
//! provider encrypted, and the admin API rotates them.
//!
//! As for signing, each isolate keeps the private keys that it has imported, and asks the registry only for one that it has
//! not met. Which keys may be tried stands in the connection's record; no other is ever used for it.

use http::{Method, StatusCode};

use super::App;
use super::api::{read_body, status};
use super::connections::{Saved, saved};
use super::error::ApiError;
use super::http::{Request, Response, json};
use super::keys::{RotateBody, view};
use super::ports::{Answer, Ports, Unavailable};
use super::registry::Actor;
use super::registry::decryption_keys::{ReadDecryptionKey, RotateDecryptionKeys};
use super::registry::keys::NewKey;
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::service_keys::{PublicKey, RotationStep};
use crate::saml::settings::ResponseSettings;
use crate::xmlenc::{RsaOaep, UnwrapFailed, UnwrapKey};

/// The keys of one connection, which are tried one after the other.
pub(super) struct DecryptionKeys<K>(Vec<K>);

impl<K> DecryptionKeys<K> {
    /// For what is not encrypted.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }
}

impl<K: UnwrapKey> UnwrapKey for DecryptionKeys<K> {
    fn supports(&self, transport: &RsaOaep) -> bool {
        self.0.iter().all(|key| key.supports(transport))
    }

    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        for key in &self.0 {
            if let Ok(octets) = key.unwrap_key(transport, wrapped).await {
                return Ok(octets);
            }
        }
        Err(UnwrapFailed)
    }
}

impl<P: Ports> App<P> {
    /// All keys of `connection` that are not gone.
    pub(super) async fn decryption_keys(
        &self,
        connection: &Connection,
    ) -> Result<DecryptionKeys<P::DecryptionKey>, Unavailable> {
        let mut keys = Vec::new();
        for PublicKey { id, .. } in &connection.decryption_keys {
            if let Some(key) = self.ports.kept_decryption_key(id) {
                keys.push(key);
                continue;
            }
            let read = ReadDecryptionKey {
                connection: connection.id.clone(),
                id: id.clone(),
            };
            if let Some(private_key) = self.ports.registry(read).await?.reply {
                keys.push(self.ports.keep_decryption_key(id, &private_key).await?);
            }
        }
        Ok(DecryptionKeys(keys))
    }

    /// A key for a connection that has `keys`, if it needs its first.
    pub(super) async fn first_decryption_key(
        &self,
        settings: &ResponseSettings,
        keys: &[PublicKey],
    ) -> Result<Option<NewKey>, Unavailable> {
        if settings.decrypt_assertions && keys.is_empty() {
            self.new_key().await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// `GET /connections/{id}/decryption-keys`, `POST /connections/{id}/decryption-keys/rotate`.
    pub(super) async fn answer_decryption_keys(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let connection = self.existing(id).await?;
        if request.method() != Method::POST {
            return Ok(json(StatusCode::OK, &view(&connection.decryption_keys)));
        }
        let RotateBody { step } = read_body(request)?;
        let Answer { reply, published } = self.rotate_decryption_keys(&connection, step, actor).await?;
        Ok(json(status(StatusCode::OK, published), &view(&reply.decryption_keys)))
    }

    /// Moves the rotation of a connection's keys on by one step.
    pub(super) async fn rotate_decryption_keys(
        &self,
        connection: &Connection,
        step: RotationStep,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let rotate = RotateDecryptionKeys {
            connection: connection.id.clone(),
            step,
            key: self.key_for(step, &connection.decryption_keys).await?,
            actor,
        };
        saved(self.ports.registry(rotate).await?)
    }
}
