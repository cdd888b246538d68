//! The keys that a connection trusts.

use std::num::NonZeroU128;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader};
use ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use spki::SubjectPublicKeyInfo;

use super::{DigestAlgorithm, Error, SignatureAlgorithm};

/// The shortest modulus that is trusted (NIST SP 800-131A, 2019: fewer bits are disallowed).
const MIN_RSA_BITS: usize = 2048;

/// The longest. Time to verify grows with the square; no identity provider is known to sign with more.
const MAX_RSA_BITS: usize = 4096;

/// The shortest modulus under [`RsaFloor::DangerLegacy`].
const MIN_LEGACY_RSA_BITS: usize = 1024;

/// The least exponent (FIPS 186-5 A.1.1): with 3, every sloppy check of the padding becomes a forgery (CVE-2006-4339).
const MIN_RSA_EXPONENT: u64 = 65_537;

/// The least exponent under [`RsaFloor::DangerLegacy`].
const MIN_LEGACY_RSA_EXPONENT: u64 = 3;

/// 3 · 5 · 7 · … · 53. A modulus that shares a factor with it was not made of two large primes.
const SMALL_ODD_PRIMES: NonZeroU128 = NonZeroU128::new(16_294_579_238_595_022_365).unwrap();

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// How weak an RSA key may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaFloor {
    /// 2048 bits, exponent 65537.
    Standard,
    /// 1024 bits, exponent 3: for conformance suites and messages of the past. Nothing that signs people in may use it.
    DangerLegacy,
}

/// A public key that signatures are verified with. It is as strong as [`RsaFloor`] asks, or it doesn't exist.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedKey(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    // The modulus' Montgomery form is made once, with the key.
    Rsa(Box<rsa::PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl TrustedKey {
    /// Reads a `SubjectPublicKeyInfo` in DER (RFC 5280 4.1.2.7).
    ///
    /// # Errors
    /// [`Error::KeyMalformed`], [`Error::KeyUnsupported`] or [`Error::KeyWeak`].
    pub fn from_spki(der: &[u8], floor: RsaFloor) -> Result<Self, Error> {
        let spki: SubjectPublicKeyInfo<AnyRef<'_>, BitStringRef<'_>> =
            SubjectPublicKeyInfo::from_der(der).map_err(|_| Error::KeyMalformed)?;
        let key = spki.subject_public_key.as_bytes().ok_or(Error::KeyMalformed)?;
        match spki.algorithm.oid {
            RSA_ENCRYPTION => rsa(key, floor),
            EC_PUBLIC_KEY => {
                let curve = spki.algorithm.parameters.ok_or(Error::KeyMalformed)?;
                // RFC 5480 2.1.1: a named curve, never parameters spelled out (CVE-2020-0601).
                elliptic(key, curve.decode_as().map_err(|_| Error::KeyUnsupported)?)
            }
            _ => Err(Error::KeyUnsupported),
        }
    }

    /// Reads the key of a certificate in DER, and no more of it than [`Certificate`](super::Certificate) asks to be
    /// well-formed.
    ///
    /// # Errors
    /// [`Error::CertificateMalformed`], or as [`from_spki`](Self::from_spki).
    pub fn from_certificate(der: &[u8], floor: RsaFloor) -> Result<Self, Error> {
        Self::from_spki(super::certificate::public_key_info(der)?, floor)
    }

    /// Reads a public key in PEM (`BEGIN PUBLIC KEY`), or in DER.
    ///
    /// # Errors
    /// As [`from_spki`](Self::from_spki).
    pub fn read(octets: &[u8], floor: RsaFloor) -> Result<Self, Error> {
        let blocks = super::certificate::armoured(octets, "PUBLIC KEY").map_err(|_| Error::KeyMalformed)?;
        match blocks.as_slice() {
            [der] => Self::from_spki(der, floor),
            _ => Err(Error::KeyMalformed),
        }
    }

    /// Checks that this key made `signature` over `message`.
    ///
    /// An algorithm of another kind of key is a signature that isn't this key's.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`].
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify_digest(algorithm, &algorithm.digest().digest(message), signature)
    }

    /// As [`verify`](Self::verify), for a message whose digest is known: with several keys it is made once.
    pub(super) fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let held = match (&self.0, algorithm) {
            (Kind::Rsa(key), SignatureAlgorithm::RsaPkcs1(hash)) => verify_pkcs1(key, hash, digest, signature),
            (Kind::Rsa(key), SignatureAlgorithm::RsaPss(hash)) => verify_pss(key, hash, digest, signature),
            // `from_slice` takes r‖s of exactly twice the field's length, both in 1..n. The hash may be longer or
            // shorter than the field (FIPS 186-5 6.4.2 takes its leftmost bits).
            (Kind::P256(key), SignatureAlgorithm::Ecdsa(_)) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            (Kind::P384(key), SignatureAlgorithm::Ecdsa(_)) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            (Kind::P521(key), SignatureAlgorithm::Ecdsa(_)) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            (Kind::Rsa(_), SignatureAlgorithm::Ecdsa(_))
            | (
                Kind::P256(_) | Kind::P384(_) | Kind::P521(_),
                SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss(_),
            ) => false,
        };
        if held { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2): the whole padded block is built anew and compared, so nothing in it is parsed.
fn verify_pkcs1(key: &rsa::PublicKey, hash: DigestAlgorithm, digest: &[u8], signature: &[u8]) -> bool {
    match hash {
        DigestAlgorithm::Sha1 => key.pkcs1v15_verify_prehash::<Sha1>(digest, signature),
        DigestAlgorithm::Sha256 => key.pkcs1v15_verify_prehash::<Sha256>(digest, signature),
        DigestAlgorithm::Sha384 => key.pkcs1v15_verify_prehash::<Sha384>(digest, signature),
        DigestAlgorithm::Sha512 => key.pkcs1v15_verify_prehash::<Sha512>(digest, signature),
    }
    .is_ok()
}

/// RSASSA-PSS (RFC 8017 8.1.2) with a salt of the digest's length.
fn verify_pss(key: &rsa::PublicKey, hash: DigestAlgorithm, digest: &[u8], signature: &[u8]) -> bool {
    match hash {
        DigestAlgorithm::Sha1 => key.pss_verify_prehash::<Sha1>(digest, signature),
        DigestAlgorithm::Sha256 => key.pss_verify_prehash::<Sha256>(digest, signature),
        DigestAlgorithm::Sha384 => key.pss_verify_prehash::<Sha384>(digest, signature),
        DigestAlgorithm::Sha512 => key.pss_verify_prehash::<Sha512>(digest, signature),
    }
    .is_ok()
}

/// Reads `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 A.1.1).
fn rsa(der: &[u8], floor: RsaFloor) -> Result<TrustedKey, Error> {
    let (min_bits, min_exponent) = match floor {
        RsaFloor::Standard => (MIN_RSA_BITS, MIN_RSA_EXPONENT),
        RsaFloor::DangerLegacy => (MIN_LEGACY_RSA_BITS, MIN_LEGACY_RSA_EXPONENT),
    };
    let (modulus, exponent) = rsa_numbers(der).map_err(|_| Error::KeyMalformed)?;
    let bits = bit_length(modulus);
    if bits > MAX_RSA_BITS {
        return Err(Error::KeyUnsupported);
    }
    let exponent = small(exponent).filter(|exponent| *exponent <= rsa::PublicKey::MAX_PUB_EXPONENT);
    let exponent = exponent.ok_or(Error::KeyUnsupported)?;
    if exponent.is_multiple_of(2) {
        return Err(Error::KeyMalformed);
    }
    if bits < min_bits || exponent < min_exponent || has_small_odd_factor(modulus) {
        return Err(Error::KeyWeak { bits });
    }
    // An even modulus is refused in here.
    let modulus = BoxedUint::from_be_slice_vartime(modulus);
    rsa::PublicKey::new_with_size_limits(modulus, BoxedUint::from(exponent), min_bits..=MAX_RSA_BITS)
        .map(|key| TrustedKey(Kind::Rsa(Box::new(key))))
        .map_err(|_| Error::KeyMalformed)
}

/// The modulus and the exponent, big-endian, without leading zeros. Nothing may follow them.
fn rsa_numbers(der: &[u8]) -> der::Result<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let numbers = reader.sequence(|sequence| {
        let modulus = UintRef::decode(sequence)?;
        let exponent = UintRef::decode(sequence)?;
        Ok::<_, der::Error>((modulus.as_bytes(), exponent.as_bytes()))
    })?;
    reader.finish()?;
    Ok(numbers)
}

/// Reads a point in the encoding of SEC 1 2.3.3; it must be on the curve and not at infinity.
fn elliptic(point: &[u8], curve: ObjectIdentifier) -> Result<TrustedKey, Error> {
    let kind = match curve {
        P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Kind::P256),
        P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Kind::P384),
        P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Kind::P521),
        _ => return Err(Error::KeyUnsupported),
    };
    kind.map(TrustedKey).map_err(|_| Error::KeyMalformed)
}

/// The number of significant bits of a big-endian number without leading zeros.
fn bit_length(number: &[u8]) -> usize {
    let Some(first) = number.first() else { return 0 };
    let spare = usize::try_from(first.leading_zeros()).unwrap_or(0);
    number.len().saturating_mul(8).saturating_sub(spare)
}

/// A big-endian number that fits in 64 bits.
fn small(number: &[u8]) -> Option<u64> {
    number.iter().try_fold(0_u64, |value, octet| {
        value.checked_mul(256)?.checked_add(u64::from(*octet))
    })
}

/// Whether an odd prime up to 53 divides the big-endian number: its remainder by their product, then Euclid.
fn has_small_odd_factor(number: &[u8]) -> bool {
    let words = number
        .rchunks(8)
        .rev()
        .map(|word| word.iter().fold(0, |value, octet| (value << 8) | u128::from(*octet)));
    let remainder = words.fold(0, |remainder: u128, word: u128| {
        ((remainder << 64) | word) % SMALL_ODD_PRIMES
    });
    let (mut divisor, mut rest) = (SMALL_ODD_PRIMES.get(), remainder);
    while let Some(remainder) = divisor.checked_rem(rest) {
        (divisor, rest) = (rest, remainder);
    }
    divisor != 1
}

#[cfg(test)]
mod tests {
    use super::super::Certificate;
    use super::*;

    fn key(pem: &[u8]) -> Result<TrustedKey, Error> {
        Certificate::read(pem)?.key(RsaFloor::Standard)
    }

    #[test]
    fn allowed_kinds() {
        let rsa = key(include_bytes!("../../tests/vectors/dsig/rsa-2048.pem"));
        assert!(matches!(rsa, Ok(TrustedKey(Kind::Rsa(_)))));
        let p256 = key(include_bytes!("../../tests/vectors/dsig/p256.pem"));
        assert!(matches!(p256, Ok(TrustedKey(Kind::P256(_)))));
        let p384 = key(include_bytes!("../../tests/vectors/dsig/p384.pem"));
        assert!(matches!(p384, Ok(TrustedKey(Kind::P384(_)))));
        let p521 = key(include_bytes!("../../tests/vectors/dsig/p521.pem"));
        assert!(matches!(p521, Ok(TrustedKey(Kind::P521(_)))));
    }

    #[test]
    fn other_kinds_and_sizes() {
        for pem in [
            include_bytes!("../../tests/vectors/dsig/rsa-8192.pem").as_slice(),
            include_bytes!("../../tests/vectors/dsig/secp256k1.pem"),
            include_bytes!("../../tests/vectors/dsig/p256-explicit.pem"),
            include_bytes!("../../tests/vectors/dsig/ed25519.pem"),
        ] {
            assert_eq!(key(pem), Err(Error::KeyUnsupported));
        }
    }

    #[test]
    fn weak_rsa_keys_need_the_legacy_floor() {
        for (pem, bits) in [
            (include_bytes!("../../tests/vectors/dsig/rsa-1024.pem").as_slice(), 1024),
            (include_bytes!("../../tests/vectors/dsig/rsa-exponent-3.pem"), 2048),
        ] {
            assert_eq!(key(pem), Err(Error::KeyWeak { bits }));
            assert!(Certificate::read(pem).is_ok_and(|weak| weak.key(RsaFloor::DangerLegacy).is_ok()));
        }
    }

    #[test]
    fn numbers_that_are_no_key() {
        // A modulus of 2048 bits; the last octet and the exponent are what differs.
        let read = |first: u8, last: u8, exponent: &[u8]| rsa(&rsa_der(first, last, exponent), RsaFloor::Standard);
        assert!(read(0xff, 0x6b, &[1, 0, 1]).is_ok());
        // Even, divisible by a small prime, a bit short.
        assert_eq!(read(0xff, 0x6a, &[1, 0, 1]), Err(Error::KeyMalformed));
        assert_eq!(read(0xff, 0xff, &[1, 0, 1]), Err(Error::KeyWeak { bits: 2048 }));
        assert_eq!(read(0x7f, 0x6b, &[1, 0, 1]), Err(Error::KeyWeak { bits: 2047 }));
        // Exponents: even, one, 3, too long for any reason to be had.
        assert_eq!(read(0xff, 0x6b, &[1, 0, 2]), Err(Error::KeyMalformed));
        assert_eq!(read(0xff, 0x6b, &[1]), Err(Error::KeyWeak { bits: 2048 }));
        assert_eq!(read(0xff, 0x6b, &[3]), Err(Error::KeyWeak { bits: 2048 }));
        assert_eq!(read(0xff, 0x6b, &[0x7f; 5]), Err(Error::KeyUnsupported));
        assert_eq!(read(0xff, 0x6b, &[0x7f; 9]), Err(Error::KeyUnsupported));
        // Octets after the numbers, and none.
        let mut trailing = rsa_der(0xff, 0x6b, &[1, 0, 1]);
        trailing.push(0);
        assert_eq!(rsa(&trailing, RsaFloor::Standard), Err(Error::KeyMalformed));
        assert_eq!(rsa(&[], RsaFloor::Standard), Err(Error::KeyMalformed));
    }

    #[test]
    fn points_that_are_no_key() {
        let off_curve = [[4].as_slice(), &[1; 64]].concat();
        for point in [[0].as_slice(), &off_curve, &off_curve[..64], &[]] {
            assert_eq!(elliptic(point, P256), Err(Error::KeyMalformed));
        }
    }

    #[test]
    fn octets_that_are_no_key() {
        for octets in [
            [].as_slice(),
            b"-----BEGIN PUBLIC KEY-----",
            b"no key",
            &[0x30, 0x80],
            &[0xff; 300],
        ] {
            assert_eq!(TrustedKey::read(octets, RsaFloor::Standard), Err(Error::KeyMalformed));
        }
    }

    /// `RSAPublicKey` with a modulus of 256 octets.
    fn rsa_der(first: u8, last: u8, exponent: &[u8]) -> Vec<u8> {
        let sign = if first < 0x80 { [].as_slice() } else { &[0] };
        let modulus = integer(&[sign, &[first], &[0xff; 254], &[last]].concat());
        tlv(0x30, &[modulus, integer(exponent)].concat())
    }

    fn integer(number: &[u8]) -> Vec<u8> {
        tlv(0x02, number)
    }

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
        let length = if value.len() < 0x80 {
            vec![low]
        } else {
            vec![0x82, high, low]
        };
        [&[tag], length.as_slice(), value].concat()
    }
}
