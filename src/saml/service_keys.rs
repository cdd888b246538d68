//! The service provider's own keys, as everyone may see them: one is in use, and another may be around it during a
//! rotation.
//!
//! ```text
//! (none) → current → current + next → current + previous → current
//!     first use   prepare         activate            retire
//! ```
//!
//! The keys that sign belong to the deployment. Every one of them stands in our metadata, so that an identity provider that
//! reads it once between two steps never sees a signature that it cannot check.
//!
//! The keys that decrypt belong to one connection each. Every one of them decrypts, and only the current one stands in our
//! metadata, so that nobody encrypts to a key that is not known everywhere yet, or that is about to go.

use serde::{Deserialize, Serialize};

use super::connection::StoredCertificate;
use super::time::Timestamp;
use crate::token::TokenHash;

/// A key's name among ours: the hash of its public key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The name of the key with this `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn of(spki: &[u8]) -> Self {
        Self(TokenHash::of_octets(spki).as_str().to_owned())
    }

    /// A name that was stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a key is for now. The order is that of our metadata: the key in use first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It signs; or it is announced, and decrypts.
    Current,
    /// It is announced and will sign after the next step; or it decrypts and will be announced.
    Next,
    /// It signed before and is announced for identity providers that have not seen the current one; or it was announced
    /// before and decrypts what they encrypted to it.
    Previous,
}

impl KeyState {
    /// What a key in this state is for after `step`; `None` when it is forgotten.
    #[must_use]
    pub fn after(self, step: RotationStep) -> Option<Self> {
        match (step, self) {
            (RotationStep::Activate, Self::Current) => Some(Self::Previous),
            (RotationStep::Activate, Self::Next) => Some(Self::Current),
            (RotationStep::Retire, Self::Previous) => None,
            _ => Some(self),
        }
    }
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RotationStep {
    /// Makes the next key.
    Prepare,
    /// The next key becomes the current one, which becomes the previous one.
    Activate,
    /// The previous key is forgotten.
    Retire,
}

impl RotationStep {
    /// Its name, as the API has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Activate => "activate",
            Self::Retire => "retire",
        }
    }
}

/// A key without its private half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its name.
    pub id: KeyId,
    /// What it is for.
    pub state: KeyState,
    /// Its self-signed certificate.
    pub certificate: StoredCertificate,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The one step that a rotation may take from here.
#[must_use]
pub fn next_step(keys: &[PublicKey]) -> RotationStep {
    let has = |state| keys.iter().any(|key| key.state == state);
    if has(KeyState::Previous) {
        RotationStep::Retire
    } else if has(KeyState::Next) {
        RotationStep::Activate
    } else {
        RotationStep::Prepare
    }
}

/// The key in use.
#[must_use]
pub fn current(keys: &[PublicKey]) -> Option<&PublicKey> {
    keys.iter().find(|key| key.state == KeyState::Current)
}
