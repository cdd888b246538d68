//! A certificate for a key of our own, signed by that key itself (RFC 5280 4.1).
//!
//! Identity providers take a certificate for a wrapping of a key, as we do. No private key comes near: see
//! [`SelfSigned::octets`].

use core::str::FromStr;
use core::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, Null, OctetString, UtcTime};
use der::oid::AssociatedOid;
use der::oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION;
use der::{DateTime, Decode, Encode, Sequence};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use super::{Certificate, Error};

/// Who we are, to a person who looks at the certificate.
const SUBJECT: &str = "CN=edge-saml service provider";
/// Ten years; what ends a key's life is its rotation.
const VALID_SECONDS: i64 = 3_652 * 24 * 60 * 60;
/// It is valid a day earlier, for receivers whose clock is slow.
const VALID_BEFORE_SECONDS: i64 = 24 * 60 * 60;

/// A certificate that waits for its signature by RSA PKCS#1 v1.5 with SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfSigned {
    tbs: Vec<u8>,
}

/// `TBSCertificate` (RFC 5280 4.1.2).
#[derive(Sequence)]
struct ToBeSigned {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// `Certificate` (RFC 5280 4.1.1).
#[derive(Sequence)]
struct Signed<'a> {
    tbs_certificate: AnyRef<'a>,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

impl SelfSigned {
    /// A certificate for the public key `spki`, valid for ten years from `now` (seconds since 1970), its serial number made
    /// of 126 of the `random` bits.
    ///
    /// # Errors
    /// [`Error::KeyMalformed`] when `spki` is no `SubjectPublicKeyInfo`; [`Error::CertificateMalformed`] when the time cannot
    /// be written.
    pub fn prepare(spki: &[u8], now: i64, random: &[u8; 32]) -> Result<Self, Error> {
        let spki = SubjectPublicKeyInfoOwned::from_der(spki).map_err(|_| Error::KeyMalformed)?;
        let tbs = to_be_signed(spki, now, random).and_then(|tbs| tbs.to_der());
        tbs.map(|tbs| Self { tbs }).map_err(|_| Error::CertificateMalformed)
    }

    /// What the private key signs.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.tbs
    }

    /// The certificate with its signature.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`] when the signature cannot be written.
    pub fn assemble(&self, signature: &[u8]) -> Result<Certificate, Error> {
        let signed = || {
            let certificate = Signed {
                tbs_certificate: AnyRef::from_der(&self.tbs)?,
                signature_algorithm: algorithm(),
                signature: BitStringRef::from_bytes(signature)?,
            };
            certificate.to_der()
        };
        Certificate::from_der(&signed().map_err(|_: der::Error| Error::CertificateMalformed)?)
    }
}

fn to_be_signed(spki: SubjectPublicKeyInfoOwned, now: i64, random: &[u8; 32]) -> der::Result<ToBeSigned> {
    // Positive and of 16 octets, whatever was drawn (RFC 5280 4.1.2.2).
    let mut serial_number = [0; 16];
    serial_number.copy_from_slice(random.split_at(16).0);
    let [first, ..] = &mut serial_number;
    *first = (*first & 0x7F) | 0x40;
    let subject = Name::from_str(SUBJECT)?;
    let constraints = BasicConstraints {
        ca: false,
        path_len_constraint: None,
    };
    Ok(ToBeSigned {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial_number)?,
        signature: algorithm(),
        issuer: subject.clone(),
        validity: Validity::new(
            time(now.saturating_sub(VALID_BEFORE_SECONDS))?,
            time(now.saturating_add(VALID_SECONDS))?,
        ),
        subject,
        subject_public_key_info: spki,
        extensions: Some(vec![Extension {
            extn_id: BasicConstraints::OID,
            critical: true,
            extn_value: OctetString::new(constraints.to_der()?)?,
        }]),
    })
}

/// "CAs MUST always encode certificate validity dates through the year 2049 as `UTCTime`" (RFC 5280 4.1.2.5).
fn time(seconds: i64) -> der::Result<Time> {
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds.try_into().unwrap_or(0)))?;
    if date.year() < 2050 {
        UtcTime::from_date_time(date).map(Time::UtcTime)
    } else {
        Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date)))
    }
}

/// `sha256WithRSAEncryption`, whose parameters are NULL (RFC 4055 5).
fn algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: SHA_256_WITH_RSA_ENCRYPTION,
        parameters: Some(Null.into()),
    }
}
