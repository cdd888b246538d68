//! The keys that sign, at work: the first is made when it is first needed, the current one signs, and the admin API
//! rotates them.
//!
//! A sign-in needs no hop to the registry for its signature: the public keys and their states are in KV, and each isolate
//! keeps the private keys that it has imported, by their names. Those belong to the deployment, not to a request, so that
//! keeping them shares nothing between requests. Only an isolate that signs with a key for the first time asks the registry.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::App;
use super::api::{read_body, status};
use super::connections::refused;
use super::error::ApiError;
use super::http::{Request, Response, json};
use super::ports::{Answer, KeyPair, Ports, Unavailable};
use super::registry::Actor;
use super::registry::keys::{AddFirstKey, NewKey, PUBLIC_KEYS_KEY, ReadKeys, ReadPrivateKey, RotateKeys};
use crate::dsig::{Certificate, SelfSigned, Unsigned};
use crate::saml::binding::{query_to_sign, signed_query};
use crate::saml::connection::StoredCertificate;
use crate::saml::service_keys::{KeyId, KeyState, PublicKey, RotationStep, current, next_step};
use crate::saml::time::Timestamp;

/// A signature, and the certificate of the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    octets: Vec<u8>,
    certificate: Certificate,
}

/// `POST …/rotate`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    pub(super) step: RotationStep,
}

/// Keys, as the API shows them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct KeysView {
    keys: Vec<KeyView>,
    next_step: Option<RotationStep>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeyView {
    state: KeyState,
    sha256: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    not_after: Option<String>,
    certificate: String,
}

impl<P: Ports> App<P> {
    /// The keys, as KV has them here and now, perhaps a minute old; the first is made where there is none.
    pub(super) async fn public_keys(&self) -> Result<Vec<PublicKey>, Unavailable> {
        match self.ports.read_config(PUBLIC_KEYS_KEY).await? {
            Some(keys) => serde_json::from_str(&keys).map_err(|e| Unavailable(format!("public keys: {e}"))),
            None => self.registered_keys().await,
        }
    }

    /// The keys as the registry has them; the first is made where there is none.
    async fn registered_keys(&self) -> Result<Vec<PublicKey>, Unavailable> {
        let keys = self.ports.registry(ReadKeys {}).await?.reply;
        if !keys.is_empty() {
            return Ok(keys);
        }
        let key = self.new_key().await?;
        Ok(self.ports.registry(AddFirstKey { key }).await?.reply)
    }

    /// A key pair with its certificate, which nobody has seen yet.
    pub(super) async fn new_key(&self) -> Result<NewKey, Unavailable> {
        let KeyPair { private_key, spki } = self.ports.generate_key().await?;
        let id = KeyId::of(&spki);
        let unusable = |e: crate::dsig::Error| Unavailable(format!("a new key: {e}"));
        let certificate = SelfSigned::prepare(&spki, self.ports.now().unix_seconds(), &self.ports.random()?);
        let certificate = certificate.map_err(unusable)?;
        let signature = self.ports.sign_once(&private_key, certificate.octets()).await?;
        let certificate = certificate.assemble(&signature).map_err(unusable)?;
        Ok(NewKey {
            id,
            certificate: StoredCertificate::of(&certificate),
            private_key,
        })
    }

    /// The key that `step` needs of those that have `keys`: a new one, if it is to prepare and may.
    pub(super) async fn key_for(&self, step: RotationStep, keys: &[PublicKey]) -> Result<Option<NewKey>, Unavailable> {
        match step {
            RotationStep::Prepare if next_step(keys) == step => self.new_key().await.map(Some),
            _ => Ok(None),
        }
    }

    /// Signs `octets` with the current key: RSA PKCS#1 v1.5 with SHA-256.
    async fn sign(&self, octets: &[u8]) -> Result<Signature, Unavailable> {
        let keys = self.public_keys().await?;
        if let Some(signature) = self.sign_with(current(&keys), octets).await? {
            return Ok(signature);
        }
        // KV may still name a key that is gone.
        let keys = self.registered_keys().await?;
        let signature = self.sign_with(current(&keys), octets).await?;
        signature.ok_or_else(|| Unavailable("there is no key to sign with".to_owned()))
    }

    /// `message` with an enveloped signature by the current key: for the HTTP-POST binding.
    pub(super) async fn sign_message(&self, message: &str) -> Result<String, Unavailable> {
        let unsigned = Unsigned::message(message);
        let unsigned = unsigned.map_err(|e| Unavailable(format!("a message to sign: {e}")))?;
        let signature = self.sign(unsigned.octets()).await?;
        Ok(unsigned.assemble(&signature.octets, &signature.certificate))
    }

    /// `query` with its signature by the current key: for the HTTP-Redirect binding.
    pub(super) async fn sign_query(&self, query: &str) -> Result<String, Unavailable> {
        let to_sign = query_to_sign(query);
        let signature = self.sign(to_sign.as_bytes()).await?;
        Ok(signed_query(&to_sign, &signature.octets))
    }

    async fn sign_with(&self, key: Option<&PublicKey>, octets: &[u8]) -> Result<Option<Signature>, Unavailable> {
        let Some(key) = key else { return Ok(None) };
        let signature = match self.ports.sign(&key.id, octets).await? {
            Some(signature) => Some(signature),
            None => match self.ports.registry(ReadPrivateKey { id: key.id.clone() }).await?.reply {
                Some(private_key) => {
                    self.ports.keep_key(&key.id, &private_key).await?;
                    self.ports.sign(&key.id, octets).await?
                }
                None => None,
            },
        };
        let certificate = key.certificate.certificate();
        let certificate = certificate.map_err(|e| Unavailable(format!("certificate of a key: {e}")))?;
        Ok(signature.map(|octets| Signature { octets, certificate }))
    }

    /// `GET /service-provider/keys`, `POST /service-provider/keys/rotate`.
    pub(super) async fn answer_keys(&self, request: &Request, actor: Actor) -> Result<Response, ApiError> {
        if request.method() != Method::POST {
            return Ok(json(StatusCode::OK, &view(&self.registered_keys().await?)));
        }
        let RotateBody { step } = read_body(request)?;
        let key = self.key_for(step, &self.registered_keys().await?).await?;
        let rotate = RotateKeys { step, key, actor };
        let Answer { reply, published } = self.ports.registry(rotate).await?;
        Ok(json(status(StatusCode::OK, published), &view(&reply.map_err(refused)?)))
    }
}

pub(super) fn view(keys: &[PublicKey]) -> KeysView {
    let key = |key: &PublicKey| {
        let certificate = key.certificate.certificate().ok()?;
        let not_after = certificate.not_after().map(Timestamp::from_unix_seconds);
        Some(KeyView {
            state: key.state,
            sha256: certificate.fingerprint().to_string(),
            created_at: key.created_at.to_rfc3339(),
            not_after: not_after.map(Timestamp::to_rfc3339),
            certificate: key.certificate.as_base64().to_owned(),
        })
    };
    KeysView {
        keys: keys.iter().filter_map(key).collect(),
        next_step: (!keys.is_empty()).then(|| next_step(keys)),
    }
}
