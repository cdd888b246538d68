//! A signing certificate, as people look at it.

use serde::{Serialize, Serializer};

use super::connection::StoredCertificate;
use super::time::Timestamp;

/// What is told of a certificate: enough to find it at the identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateSummary {
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub sha256: String,
    /// The subject as RFC 4514 writes it; empty when it is unreadable.
    pub subject: String,
    /// When validity begins; none when it is unreadable.
    #[serde(serialize_with = "rfc3339")]
    pub not_before: Option<Timestamp>,
    /// When validity ends; none when it is unreadable.
    #[serde(serialize_with = "rfc3339")]
    pub not_after: Option<Timestamp>,
}

impl CertificateSummary {
    /// What is told of `stored`; nothing when it is no certificate.
    #[must_use]
    pub fn of(stored: &StoredCertificate) -> Option<Self> {
        let certificate = stored.certificate().ok()?;
        Some(Self {
            sha256: certificate.fingerprint().to_string(),
            subject: certificate.subject().to_owned(),
            not_before: certificate.not_before().map(Timestamp::from_unix_seconds),
            not_after: certificate.not_after().map(Timestamp::from_unix_seconds),
        })
    }
}

#[expect(clippy::ref_option, reason = "what serde calls")]
fn rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::to_rfc3339).serialize(serializer)
}
