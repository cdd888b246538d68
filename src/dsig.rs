//! XML signatures, as SAML uses them.
//!
//! The one way to a [`Verified`] value.

mod algorithm;
mod base64;
mod certificate;
mod error;
mod key;
mod verified;

pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub use certificate::{Certificate, Fingerprint};
pub use error::Error;
pub use key::{RsaFloor, TrustedKey};
pub use verified::{Octets, Verified};

/// Whether SHA-1 may be used, in signatures and in digests. A connection that needs it says until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha1 {
    /// SHA-1 is accepted.
    Allowed,
    /// SHA-1 is refused as weak.
    Refused,
}
