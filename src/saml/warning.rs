//! What an administrator should know of a connection although it works.

use core::fmt;

use super::certificate::Notice;
use super::connection::{Connection, IdentityProvider, Provider};
use super::id::Domain;
use super::time::Timestamp;
use crate::code::Code;

/// Something that stops nobody from signing in, yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A signing certificate has expired; signatures are still checked with its key.
    CertificateExpired(CertificateEnd),
    /// A signing certificate expires within this many days, one of [`CERTIFICATE_NOTICE_DAYS`](crate::limits::CERTIFICATE_NOTICE_DAYS).
    CertificateExpiresSoon(CertificateEnd, i64),
    /// This many signing certificates of the metadata are not used, as they or their keys are not usable.
    CertificatesLeftOut(usize),
    /// The record that proved this domain is gone.
    DomainProofLost(Domain),
    /// This domain is not proven to be the customer's.
    DomainUnproven(Domain),
    /// The metadata was valid until then, by its own word.
    MetadataExpired(Timestamp),
    /// A metadata URL of Microsoft Entra ID without `appid`: it names the certificates of the tenant, not those of the
    /// application.
    MetadataUrlWithoutAppId,
}

/// Which certificate, and until when it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub sha256: String,
    /// The end of its validity.
    pub not_after: Timestamp,
}

impl Warning {
    /// All that is to be said of `connection` at `now`.
    #[must_use]
    pub fn all(connection: &Connection, now: Timestamp) -> Vec<Self> {
        let Some(idp) = &connection.identity_provider else {
            return Vec::new();
        };
        let mut warnings: Vec<Self> = idp.certificates.iter().filter_map(|c| of_certificate(c, now)).collect();
        if idp.certificates_left_out > 0 {
            warnings.push(Self::CertificatesLeftOut(idp.certificates_left_out));
        }
        warnings.extend(idp.valid_until.filter(|end| *end <= now).map(Self::MetadataExpired));
        if lacks_app_id(connection.provider, idp) {
            warnings.push(Self::MetadataUrlWithoutAppId);
        }
        warnings
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::CertificateExpired(_) => Code::CertificateExpired,
            Self::CertificateExpiresSoon(..) => Code::CertificateExpiresSoon,
            Self::CertificatesLeftOut(_) => Code::CertificatesLeftOut,
            Self::DomainProofLost(_) => Code::DomainProofLost,
            Self::DomainUnproven(_) => Code::DomainUnproven,
            Self::MetadataExpired(_) => Code::MetadataExpired,
            Self::MetadataUrlWithoutAppId => Code::MetadataUrlWithoutAppId,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateExpired(end) => {
                let at = end.not_after.to_rfc3339();
                write!(f, "The signing certificate {} expired on {at}; it is still used.", end.sha256)
            }
            Self::CertificateExpiresSoon(end, days) => {
                let at = end.not_after.to_rfc3339();
                let days = if *days == 1 { "a day".to_owned() } else { format!("{days} days") };
                write!(f, "The signing certificate {} expires within {days}, on {at}.", end.sha256)
            }
            Self::CertificatesLeftOut(count) => write!(
                f,
                "{count} of the signing certificates in the metadata cannot be used: unreadable, too weak, or of another kind."
            ),
            Self::DomainProofLost(domain) => write!(
                f,
                "The DNS record that proved {domain} to be the customer's is gone; sign-ins go on."
            ),
            Self::DomainUnproven(domain) => write!(f, "The domain {domain} is not proven to be the customer's."),
            Self::MetadataExpired(end) => {
                write!(f, "The metadata was valid until {}; it is still used.", end.to_rfc3339())
            }
            Self::MetadataUrlWithoutAppId => f.write_str(
                "The metadata URL has no appid parameter, so it may lack the certificate that signs for this application.",
            ),
        }
    }
}

fn of_certificate(certificate: &super::connection::StoredCertificate, now: Timestamp) -> Option<Warning> {
    let certificate = certificate.certificate().ok()?;
    let end = CertificateEnd {
        sha256: certificate.fingerprint().to_string(),
        not_after: Timestamp::from_unix_seconds(certificate.not_after()?),
    };
    Some(match Notice::of(end.not_after, now)? {
        Notice::Expired => Warning::CertificateExpired(end),
        Notice::WithinDays(days) => Warning::CertificateExpiresSoon(end, days),
    })
}

fn lacks_app_id(provider: Provider, idp: &IdentityProvider) -> bool {
    let Some(url) = idp
        .metadata_url
        .as_ref()
        .and_then(|url| url::Url::parse(url.as_str()).ok())
    else {
        return false;
    };
    // The public cloud, the one of the United States' government, and that in China.
    let is_microsofts = [
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
    ]
    .iter()
    .any(|host| url.host_str() == Some(host));
    let has_app_id = url
        .query_pairs()
        .any(|(name, value)| name.eq_ignore_ascii_case("appid") && !value.is_empty());
    (provider == Provider::Entra || is_microsofts) && !has_app_id
}
