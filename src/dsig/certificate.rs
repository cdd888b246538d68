//! X.509 certificates as identity providers hand them out: a wrapping for a key.
//!
//! Nothing in a certificate but its key is trusted, so nothing but its key must be well-formed. Validity, names, serial
//! numbers and extensions are shown to people and decide nothing (no path is built, an expired one still verifies).

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use der::{Decode, Reader, SliceReader};
use memchr::memmem;
use sha2::{Digest, Sha256};
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::{Error, RsaFloor, TrustedKey};
use crate::limits::{MAX_CERTIFICATE_BYTES, MAX_CERTIFICATE_TEXT_BYTES};

/// A certificate, read as far as it is of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    spki: Vec<u8>,
    subject: String,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl Certificate {
    /// Reads one certificate: PEM (line ends of any kind or none, text around it), bare base64 with white space in it,
    /// base64 of PEM as some metadata has it, or DER.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`], also for octets after the certificate and for more than
    /// [`MAX_CERTIFICATE_TEXT_BYTES`]; [`Error::CertificateMultiple`].
    pub fn read(octets: &[u8]) -> Result<Self, Error> {
        if octets.len() > MAX_CERTIFICATE_TEXT_BYTES {
            return Err(Error::CertificateMalformed);
        }
        let all = armoured(octets, "CERTIFICATE")?;
        let (first, others) = all.split_first().ok_or(Error::CertificateMalformed)?;
        // Before any is read: whoever sends a message decides how many there are.
        if others.iter().any(|other| other != first) {
            return Err(Error::CertificateMultiple);
        }
        Self::from_der(first)
    }

    /// As [`read`](Self::read), for a file that may hold several PEM blocks. Repeated ones are given once.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`] when one of them is unreadable, or when there is none.
    pub fn read_all(octets: &[u8]) -> Result<Vec<Self>, Error> {
        let all = armoured(octets, "CERTIFICATE")?;
        if all.is_empty() {
            return Err(Error::CertificateMalformed);
        }
        let mut seen = BTreeSet::new();
        all.iter()
            .filter(|der| seen.insert(*der))
            .map(|der| Self::from_der(der))
            .collect()
    }

    /// Reads a certificate in DER (RFC 5280 4.1).
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`], also for one of more than [`MAX_CERTIFICATE_BYTES`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(Error::CertificateMalformed);
        }
        let fields = Fields::read(der).map_err(|_| Error::CertificateMalformed)?;
        Ok(Self {
            der: der.to_vec(),
            spki: fields.spki.to_vec(),
            subject: Name::from_der(fields.subject)
                .map(|name| name.to_string())
                .unwrap_or_default(),
            not_before: unix_seconds(fields.not_before),
            not_after: unix_seconds(fields.not_after),
        })
    }

    /// The key in it.
    ///
    /// # Errors
    /// [`Error::KeyMalformed`], [`Error::KeyUnsupported`] or [`Error::KeyWeak`].
    pub fn key(&self, floor: RsaFloor) -> Result<TrustedKey, Error> {
        TrustedKey::from_spki(&self.spki, floor)
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.der).into())
    }

    /// The subject as RFC 4514 writes it; empty when it is unreadable.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When validity begins, in seconds since 1970; none when it is unreadable.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.not_before
    }

    /// When validity ends, in seconds since 1970; none when it is unreadable.
    #[must_use]
    pub fn not_after(&self) -> Option<i64> {
        self.not_after
    }
}

/// SHA-256 of a certificate. Prints as lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The 32 octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The `SubjectPublicKeyInfo` of a certificate in DER.
pub(super) fn public_key_info(der: &[u8]) -> Result<&[u8], Error> {
    let fields = Fields::read(der).map_err(|_| Error::CertificateMalformed)?;
    Ok(fields.spki)
}

/// The DER inside text or alone: every PEM block whose label ends in `label`, the whole as base64 of DER or of PEM, or the
/// octets as they are.
pub(super) fn armoured(octets: &[u8], label: &str) -> Result<Vec<Vec<u8>>, Error> {
    if is_binary(octets) {
        return Ok(vec![octets.to_vec()]);
    }
    if is_pem(octets) {
        return pem_blocks(octets, label);
    }
    let decoded = lenient_base64(str::from_utf8(octets).map_err(|_| Error::CertificateMalformed)?)?;
    if is_pem(&decoded) {
        pem_blocks(&decoded, label)
    } else {
        Ok(vec![decoded])
    }
}

fn is_pem(octets: &[u8]) -> bool {
    !is_binary(octets) && memmem::find(octets, b"-----BEGIN ").is_some()
}

fn pem_blocks(octets: &[u8], label: &str) -> Result<Vec<Vec<u8>>, Error> {
    let text = str::from_utf8(octets).map_err(|_| Error::CertificateMalformed)?;
    text.split("-----BEGIN ")
        .skip(1)
        .filter_map(|block| block.split_once("-----"))
        .filter(|(found, _)| found.trim_end().ends_with(label))
        .map(|(_, body)| lenient_base64(body.split("-----END").next().unwrap_or(body)))
        .collect()
}

/// DER holds control characters within its first few octets (tags are small numbers); text doesn't.
fn is_binary(octets: &[u8]) -> bool {
    octets
        .iter()
        .any(|octet| octet.is_ascii_control() && !octet.is_ascii_whitespace())
}

/// What people paste: any white space, `\n` spelled out as in JSON, padding or none.
fn lenient_base64(text: &str) -> Result<Vec<u8>, Error> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let unescaped = text.replace("\\r", "").replace("\\n", "");
    let packed: String = unescaped
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{feff}')
        .collect();
    ENGINE.decode(packed).map_err(|_| Error::CertificateMalformed)
}

/// The parts of a certificate that are read, each as the octets of its whole value.
struct Fields<'d> {
    not_before: &'d [u8],
    not_after: &'d [u8],
    subject: &'d [u8],
    spki: &'d [u8],
}

impl<'d> Fields<'d> {
    /// Walks `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` (RFC 5280 4.1) and
    /// steps over what it doesn't need, whatever that is (serial numbers of zero or of 30 octets are out there).
    fn read(der: &'d [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let fields = reader.sequence(|certificate| {
            let fields = certificate.sequence(Self::read_tbs)?;
            certificate.tlv_bytes()?; // signatureAlgorithm
            certificate.tlv_bytes()?; // signatureValue
            Ok::<_, der::Error>(fields)
        })?;
        reader.finish()?;
        Ok(fields)
    }

    fn read_tbs(tbs: &mut SliceReader<'d>) -> der::Result<Self> {
        if tbs.peek_byte() == Some(VERSION_TAG) {
            tbs.tlv_bytes()?;
        }
        tbs.tlv_bytes()?; // serialNumber
        tbs.tlv_bytes()?; // signature
        tbs.tlv_bytes()?; // issuer
        let (not_before, not_after) =
            tbs.sequence(|validity| Ok::<_, der::Error>((validity.tlv_bytes()?, validity.tlv_bytes()?)))?;
        let subject = tbs.tlv_bytes()?;
        let spki = tbs.tlv_bytes()?;
        while !tbs.is_finished() {
            tbs.tlv_bytes()?; // issuerUniqueID, subjectUniqueID, extensions
        }
        Ok(Self {
            not_before,
            not_after,
            subject,
            spki,
        })
    }
}

/// `[0] EXPLICIT`, the tag of `version`.
const VERSION_TAG: u8 = 0xa0;

/// A `Time` (RFC 5280 4.1.2.5).
fn unix_seconds(der: &[u8]) -> Option<i64> {
    let time = Time::from_der(der).ok()?;
    i64::try_from(time.to_unix_duration().as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../tests/vectors/dsig/rsa-2048.pem");
    const OTHER: &str = include_str!("../../tests/vectors/dsig/p256.pem");

    /// The base64 lines of [`PEM`].
    fn body() -> String {
        let lines: Vec<&str> = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        lines.join("\n")
    }

    #[test]
    fn what_is_shown_of_it() {
        let certificate = Certificate::read(PEM.as_bytes()).unwrap();
        assert_eq!(certificate.subject(), r"CN=rsa-2048,O=Example\, Inc.");
        let (Some(from), Some(until)) = (certificate.not_before(), certificate.not_after()) else {
            panic!("no dates")
        };
        assert_eq!(until.checked_sub(from), Some(3650 * 86_400));
        let fingerprint = certificate.fingerprint().to_string();
        assert_eq!(fingerprint.len(), 64);
        assert_eq!(
            format!("{:?}", certificate.fingerprint()),
            format!("Fingerprint({fingerprint})")
        );
    }

    #[test]
    fn how_large_one_may_be() {
        let largest = include_str!("../../tests/vectors/dsig/16384-octets.pem");
        assert_eq!(
            Certificate::read(largest.as_bytes()).unwrap().der().len(),
            MAX_CERTIFICATE_BYTES
        );
        let larger = include_str!("../../tests/vectors/dsig/16385-octets.pem");
        assert_eq!(Certificate::read(larger.as_bytes()), Err(Error::CertificateMalformed));
    }

    #[test]
    fn every_way_of_writing_it_down_is_the_same() {
        let expected = Certificate::read(PEM.as_bytes()).unwrap();
        let (body, packed) = (body(), body().replace('\n', ""));
        for text in [
            PEM.replace('\n', "\r\n"),
            PEM.replace('\n', "\r"),
            PEM.replace('\n', ""),
            PEM.replace('\n', " "),
            PEM.replace('\n', "\\n"),
            format!("Bag Attributes\n  friendlyName: idp\n{PEM}\ntrailing words\n"),
            format!("\u{feff}{PEM}"),
            PEM.replace("CERTIFICATE", "X509 CERTIFICATE"),
            PEM.split("-----END").next().unwrap().to_owned(),
            format!("{PEM}{PEM}"),
            body.replace('\n', "\n\t\t"),
            body.replace('\n', "\r\n        "),
            packed.trim_end_matches('=').to_owned(),
            super::super::base64::encode(PEM.as_bytes()),
            packed,
        ] {
            assert_eq!(Certificate::read(text.as_bytes()), Ok(expected.clone()), "{text}");
        }
        assert_eq!(Certificate::read(expected.der()), Ok(expected));
    }

    #[test]
    fn several() {
        let bundle = format!("{PEM}{OTHER}{PEM}");
        assert_eq!(Certificate::read(bundle.as_bytes()), Err(Error::CertificateMultiple));
        assert_eq!(Certificate::read_all(bundle.as_bytes()).map(|all| all.len()), Ok(2));
        // Two are too many whatever they are, so none is read.
        let neither = "-----BEGIN CERTIFICATE-----AAAA-----BEGIN CERTIFICATE-----AAAB";
        assert_eq!(Certificate::read(neither.as_bytes()), Err(Error::CertificateMultiple));
    }

    #[test]
    fn text_has_a_cap() {
        let padded = |length: usize| format!("{PEM}{}", "\n".repeat(length - PEM.len()));
        let most = padded(MAX_CERTIFICATE_TEXT_BYTES);
        assert!(Certificate::read(most.as_bytes()).is_ok());
        let more = padded(MAX_CERTIFICATE_TEXT_BYTES + 1);
        assert_eq!(Certificate::read(more.as_bytes()), Err(Error::CertificateMalformed));
    }

    #[test]
    fn what_is_none() {
        let der = Certificate::read(PEM.as_bytes()).unwrap().der().to_vec();
        let trailing = [der.as_slice(), &[0]].concat();
        let half = der.split_at(der.len() / 2).0;
        for octets in [
            [].as_slice(),
            b"   ",
            b"no certificate",
            PEM.replace("CERTIFICATE", "PRIVATE KEY").as_bytes(),
            PEM.replace("MII", "MI!").as_bytes(),
            b"-----BEGIN CERTIFICATE-----",
            &trailing,
            half,
            &[0x30, 0x80, 0, 0],
            &[0xff; 1_000],
        ] {
            assert_eq!(Certificate::read(octets), Err(Error::CertificateMalformed));
        }
    }

    #[test]
    fn only_the_key_must_be_readable() {
        let der = Certificate::read(PEM.as_bytes()).unwrap().der().to_vec();
        let replaced = |old: &[u8], new: &[u8]| {
            let at = der.windows(old.len()).position(|window| window == old).unwrap();
            let mut der = der.clone();
            der.splice(at..at + old.len(), new.iter().copied());
            Certificate::read(&der).unwrap()
        };
        let odd_serial = replaced(&[0x02, 0x14], &[0x04, 0x14]);
        assert!(odd_serial.key(RsaFloor::Standard).is_ok());
        let odd_dates = replaced(&[0x17, 0x0d], &[0x04, 0x0d]);
        assert_eq!(odd_dates.not_before(), None);
        assert!(odd_dates.key(RsaFloor::Standard).is_ok());
    }
}
