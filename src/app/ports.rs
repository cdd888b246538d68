//! What the application needs of the world. The edge implements it on Workers, the tests in memory.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::rate_limit::{Limit, Verdict};
use super::{ledger, registry};
use crate::limits::{DNS_SECONDS, MAX_DNS_ANSWER_BYTES, MAX_METADATA_BYTES, METADATA_FETCH_SECONDS};
use crate::saml::id::{ConnectionId, EndpointUrl};
use crate::saml::service_keys::KeyId;
use crate::saml::time::Timestamp;
use crate::xmlenc::UnwrapKey;

/// The world outside: time, chance, storage, and other people's servers.
#[expect(async_fn_in_trait, reason = "a Worker runs on one thread; no future has to be Send")]
pub trait Ports {
    /// A private key of ours that unwraps the keys of what was encrypted to it.
    type DecryptionKey: UnwrapKey;

    /// The time at which the request arrived; the same for its whole life.
    fn now(&self) -> Timestamp;

    /// The time by now, which goes on while something is waited for: to tell how long that took, and for nothing else.
    fn clock(&self) -> Timestamp;

    /// 256 random bits from the platform's generator.
    ///
    /// # Errors
    /// [`Unavailable`] when there are none.
    fn random(&self) -> Result<[u8; 32], Unavailable>;

    /// A value of the replicated configuration (KV). It may be up to a minute old, and so may be its absence.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be read now.
    async fn read_config(&self, key: &str) -> Result<Option<String>, Unavailable>;

    /// One call to a connection's ledger: strongly consistent, one at a time.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be reached.
    async fn ledger<C: ledger::Call>(&self, connection: &ConnectionId, call: C) -> Result<C::Reply, Unavailable>;

    /// One call to the registry: strongly consistent, one at a time.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be reached.
    async fn registry<C: registry::Call>(&self, call: C) -> Result<Answer<C::Reply>, Unavailable>;

    /// A fresh RSA key pair of 2048 bits (exponent 65537), made by the platform.
    ///
    /// # Errors
    /// [`Unavailable`] when it makes none.
    async fn generate_key(&self) -> Result<KeyPair, Unavailable>;

    /// Keeps a private key of ours for as long as this instance of the program lives. Keys belong to the deployment, never to
    /// one request.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not a private key.
    async fn keep_key(&self, id: &KeyId, key: &PrivateKey) -> Result<(), Unavailable>;

    /// Signs `octets` as [`sign`](Self::sign) does, with a key that was just made and is not kept.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not a private key, or the platform does not sign.
    async fn sign_once(&self, key: &PrivateKey, octets: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// Signs `octets` with a key that is kept: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 8.2). `None` when it is not kept.
    ///
    /// # Errors
    /// [`Unavailable`] when the platform does not sign.
    async fn sign(&self, id: &KeyId, octets: &[u8]) -> Result<Option<Vec<u8>>, Unavailable>;

    /// The decryption key of this name, if it is kept.
    fn kept_decryption_key(&self, id: &KeyId) -> Option<Self::DecryptionKey>;

    /// Keeps a decryption key as [`keep_key`](Self::keep_key) does, apart from those that sign.
    ///
    /// # Errors
    /// [`Unavailable`] when it is not a private key.
    async fn keep_decryption_key(&self, id: &KeyId, key: &PrivateKey) -> Result<Self::DecryptionKey, Unavailable>;

    /// Fetches something without following redirects.
    ///
    /// # Errors
    /// [`FetchFailure`].
    async fn fetch(&self, wanted: Fetch<'_>) -> Result<Fetched, FetchFailure>;

    /// Sends something by `POST`, follows no redirect, and reads no more of the answer than its status.
    ///
    /// # Errors
    /// [`FetchFailure`], never [`FetchFailure::TooLarge`].
    async fn post(&self, wanted: Post<'_>) -> Result<u16, FetchFailure>;

    /// Counts one more request of a kind, by whoever `key` is, and says whether there were too many lately.
    async fn limit(&self, limit: Limit, key: &str) -> Verdict;

    /// Writes one line to the log. It never holds a cookie, token, assertion, NameID or address.
    fn log(&self, line: &LogLine<'_>);
}

/// A private key: base64 of its PKCS#8 octets. It cannot be shown by accident, having no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivateKey(String);

impl PrivateKey {
    /// Takes base64 of PKCS#8 octets.
    #[must_use]
    pub fn new(base64: String) -> Self {
        Self(base64)
    }

    /// Base64 of its PKCS#8 octets: to be stored in the registry, and to be imported.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A key pair that was just made.
pub struct KeyPair {
    /// The private key.
    pub private_key: PrivateKey,
    /// The public key, a `SubjectPublicKeyInfo` in DER.
    pub spki: Vec<u8>,
}

/// What the registry answered, and whether all its changes have reached the ledgers and KV.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// The answer.
    pub reply: T,
    /// Whether everything is published; if not, it is tried again by itself.
    pub published: bool,
}

/// Something of the platform does not answer; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Unavailable {}

/// What is fetched from a server, by `GET`.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    /// Where.
    pub url: &'a EndpointUrl,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Octets that the body may have.
    pub max_bytes: usize,
    /// Seconds that the complete answer may take.
    pub max_seconds: u32,
}

impl<'a> Fetch<'a> {
    /// Metadata, whatever it is served as.
    #[must_use]
    pub fn metadata(url: &'a EndpointUrl) -> Self {
        Self {
            url,
            accept: "application/samlmetadata+xml, application/xml, text/xml, */*",
            max_bytes: MAX_METADATA_BYTES,
            max_seconds: METADATA_FETCH_SECONDS,
        }
    }

    /// The answer of a DNS resolver.
    #[must_use]
    pub fn dns(url: &'a EndpointUrl) -> Self {
        Self {
            url,
            accept: "application/dns-json",
            max_bytes: MAX_DNS_ANSWER_BYTES,
            max_seconds: DNS_SECONDS,
        }
    }
}

/// What is sent to a server, by `POST`.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// Where.
    pub url: &'a EndpointUrl,
    /// The headers.
    pub headers: &'a [(&'static str, &'a str)],
    /// The body.
    pub body: &'a str,
    /// Seconds until the server must have begun to answer.
    pub max_seconds: u32,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, complete.
    pub body: Vec<u8>,
}

/// Why a fetch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// No connection: the name does not resolve, the port is closed, or TLS failed. The platform does not say which.
    Connection,
    /// The body is larger than it may be.
    TooLarge,
    /// No complete answer in time.
    Timeout,
}

/// One line of the log, written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine<'a> {
    /// What happened.
    pub event: &'a str,
    /// The reference that was shown, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'a str>,
    /// The connection, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<&'a ConnectionId>,
    /// The stable code, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    /// More, if it is fit for a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

impl<'a> LogLine<'a> {
    /// A line that tells of `event` and nothing more.
    #[must_use]
    pub const fn of(event: &'a str) -> Self {
        Self {
            event,
            reference: None,
            connection: None,
            code: None,
            detail: None,
        }
    }
}
