//! From wrapped keys to the content key, by whoever holds the private key.

use core::fmt;

use zeroize::Zeroizing;

use super::algorithm::refused;
use super::encrypted::malformed;
use super::{ContentAlgorithm, Encrypted, Error, RsaOaep, WrappedKey};
use crate::limits::MAX_KEY_UNWRAPS_PER_MESSAGE;

/// Undoes RSA-OAEP with our private key.
///
/// A trait, so that the Worker leaves the private key to WebCrypto. The `rsa` crate's private-key operations are not
/// constant in time (RUSTSEC-2023-0071, attack A94), so no code of this crate that runs in a Worker has one.
#[expect(async_fn_in_trait, reason = "a Worker runs on one thread; no future has to be Send")]
pub trait UnwrapKey {
    /// Whether these parameters can be undone at all. They stand in the message for everyone to see, so it may be told.
    ///
    /// WebCrypto has one hash for the label and the mask, and cannot undo those that differ.
    fn supports(&self, _transport: &RsaOaep) -> bool {
        true
    }

    /// The octets that were wrapped.
    ///
    /// # Errors
    /// [`UnwrapFailed`], whatever the reason.
    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed>;
}

/// A key was not unwrapped. It says no more, so that nobody can (attacks A91, A93).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnwrapFailed;

impl fmt::Display for UnwrapFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key cannot be unwrapped")
    }
}

impl core::error::Error for UnwrapFailed {}

/// Whether AES-CBC may be used: it lets whoever changes the ciphertext and watches what happens learn the plaintext
/// (attack A91; Jager and Somorovsky, "How to break XML encryption", 2011).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cbc {
    /// The ciphertext and the wrapped keys were signed by someone who is trusted.
    AllowedAsSigned,
    /// They may be anyone's.
    Refused,
}

/// The key to one [`Encrypted`], of the length that its algorithm has. Only [`Unwrapper`] makes one of a message's keys.
///
/// It remembers what it was unwrapped from, and opens nothing that does not hold the same wrapped key.
pub struct ContentKey {
    algorithm: ContentAlgorithm,
    octets: Zeroizing<Vec<u8>>,
    unwrapped_from: Option<WrappedKey>,
}

impl ContentKey {
    /// The content key itself, as a person gives it for a file without wrapped keys.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn given(algorithm: ContentAlgorithm, octets: Vec<u8>) -> Option<Self> {
        Self::new(algorithm, octets, None)
    }

    /// Nothing when the length is another than the algorithm's (attack A96): keys are never cut and never filled up.
    fn new(algorithm: ContentAlgorithm, octets: Vec<u8>, unwrapped_from: Option<WrappedKey>) -> Option<Self> {
        let octets = Zeroizing::new(octets);
        (octets.len() == algorithm.key_size().octets()).then_some(Self {
            algorithm,
            octets,
            unwrapped_from,
        })
    }

    /// The octets, if this is a key to `encrypted`.
    pub(super) fn octets_for(&self, encrypted: &Encrypted) -> Option<&[u8]> {
        let is_its_key = match &self.unwrapped_from {
            Some(wrapped) => encrypted.keys.contains(wrapped),
            None => encrypted.keys.is_empty(),
        };
        (is_its_key && self.algorithm == encrypted.algorithm).then_some(&self.octets)
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentKey({:?})", self.algorithm)
    }
}

/// Unwraps the keys of one message, so many and no more.
pub struct Unwrapper<'u, U> {
    unwrap: &'u U,
    left: usize,
}

impl<'u, U: UnwrapKey> Unwrapper<'u, U> {
    /// For one message.
    #[must_use]
    pub fn new(unwrap: &'u U) -> Self {
        Self {
            unwrap,
            left: MAX_KEY_UNWRAPS_PER_MESSAGE,
        }
    }

    /// The key to `encrypted`.
    ///
    /// # Errors
    /// What can be seen from outside first: [`Error::AlgorithmRefused`] for CBC where it is refused and for parameters
    /// that cannot be undone, [`Error::Malformed`] when there is no wrapped key. Then [`Error::TooManyKeys`], and
    /// [`Error::DecryptionFailed`] for all else.
    pub async fn content_key(&mut self, encrypted: &Encrypted, cbc: Cbc) -> Result<ContentKey, Error> {
        self.admit(encrypted, cbc)?;
        self.unwrap_first(encrypted).await
    }

    /// The keys to all of `encrypted`, in the same order.
    ///
    /// # Errors
    /// As [`content_key`](Self::content_key), what can be seen from outside first for all of them.
    pub async fn content_keys(&mut self, encrypted: &[&Encrypted], cbc: Cbc) -> Result<Vec<ContentKey>, Error> {
        for encrypted in encrypted {
            self.admit(encrypted, cbc)?;
        }
        let mut keys = Vec::new();
        for encrypted in encrypted {
            keys.push(self.unwrap_first(encrypted).await?);
        }
        Ok(keys)
    }

    /// Checks what can be seen from outside, and counts.
    fn admit(&mut self, encrypted: &Encrypted, cbc: Cbc) -> Result<(), Error> {
        let algorithm = encrypted.algorithm;
        if matches!((algorithm, cbc), (ContentAlgorithm::AesCbc(_), Cbc::Refused)) {
            return Err(refused(algorithm.uri()));
        }
        if encrypted.keys.is_empty() {
            return Err(malformed("EncryptedKey"));
        }
        if let Some(key) = encrypted.keys.iter().find(|key| !self.unwrap.supports(&key.transport)) {
            return Err(refused(&key.transport.to_string()));
        }
        // By what the message holds, not by what is tried: the count must not tell which key was unwrapped.
        self.left = self.left.checked_sub(encrypted.keys.len()).ok_or(Error::TooManyKeys)?;
        Ok(())
    }

    /// The first of its keys that is ours.
    async fn unwrap_first(&self, encrypted: &Encrypted) -> Result<ContentKey, Error> {
        for key in &encrypted.keys {
            let unwrapped = self.unwrap.unwrap_key(&key.transport, &key.octets).await;
            let content_key = |octets| ContentKey::new(encrypted.algorithm, octets, Some(key.clone()));
            if let Some(key) = unwrapped.ok().and_then(content_key) {
                return Ok(key);
            }
        }
        Err(Error::DecryptionFailed)
    }
}

impl<U> fmt::Debug for Unwrapper<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unwrapper({} left)", self.left)
    }
}
