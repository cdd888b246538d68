//! A certificate as people look at it, and when they should be told that it ends.

use serde::{Serialize, Serializer};

use super::connection::StoredCertificate;
use super::time::Timestamp;
use crate::limits::CERTIFICATE_NOTICE_DAYS;

/// What is told of a certificate: enough to find it at the identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Certificate"))]
pub struct CertificateSummary {
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub sha256: String,
    /// The subject as RFC 4514 writes it; empty when it is unreadable.
    pub subject: String,
    /// When validity begins; none when it is unreadable.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub not_before: Option<Timestamp>,
    /// When validity ends; none when it is unreadable.
    #[serde(serialize_with = "rfc3339")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
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

/// What is to be said of the end of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It has passed.
    Expired,
    /// It comes within this many days: one of [`CERTIFICATE_NOTICE_DAYS`].
    WithinDays(i64),
}

impl Notice {
    /// What is to be said at `now` of a certificate that is valid until `not_after`; nothing while that is far away.
    #[must_use]
    pub fn of(not_after: Timestamp, now: Timestamp) -> Option<Self> {
        let left = not_after.since(now);
        if left < 0 {
            return Some(Self::Expired);
        }
        let reached = |days: &&i64| left <= days.saturating_mul(24 * 60 * 60);
        CERTIFICATE_NOTICE_DAYS
            .iter()
            .find(reached)
            .map(|days| Self::WithinDays(*days))
    }

    /// The same as a number of days; none are left after the end.
    #[must_use]
    pub fn days(self) -> i64 {
        match self {
            Self::Expired => 0,
            Self::WithinDays(days) => days,
        }
    }
}

#[expect(clippy::ref_option, reason = "what serde calls")]
fn rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::to_rfc3339).serialize(serializer)
}
