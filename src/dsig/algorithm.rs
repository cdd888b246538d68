//! The allow-lists: an algorithm without a variant here cannot be accepted.
//!
//! Identifiers are compared octet by octet. Those of signatures and digests are in RFC 9231 and XML Signature 1.1 section 6.1.

use sha1::Sha1 as Sha1Hash;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Error, Sha1};
use crate::xml::names;

/// How many characters of a refused identifier an error keeps.
const SHOWN_CHARS: usize = 120;

/// MD5 is named only to be called weak, not merely unknown.
const MD5: &str = "http://www.w3.org/2001/04/xmldsig-more#md5";
const RSA_MD5: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
const MD5_RSA_MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#md5-rsa-MGF1";

/// A hash function that may digest content or `SignedInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SHA-1, which exists only where the policy says [`Sha1::Allowed`].
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Reads the `Algorithm` of a `ds:DigestMethod`.
    ///
    /// # Errors
    /// [`Error::AlgorithmWeak`] for MD5, and for SHA-1 unless allowed; [`Error::AlgorithmUnsupported`] for what is not
    /// listed.
    pub fn from_uri(uri: &str, sha1: Sha1) -> Result<Self, Error> {
        match uri {
            names::SHA1 => Self::Sha1.permitted(uri, sha1),
            names::SHA256 => Ok(Self::Sha256),
            names::SHA384 => Ok(Self::Sha384),
            names::SHA512 => Ok(Self::Sha512),
            MD5 => Err(Error::AlgorithmWeak { found: shown(uri) }),
            _ => Err(Error::AlgorithmUnsupported { found: shown(uri) }),
        }
    }

    /// The digest of `octets`.
    #[must_use]
    pub fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1Hash::digest(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
            Self::Sha384 => Sha384::digest(octets).to_vec(),
            Self::Sha512 => Sha512::digest(octets).to_vec(),
        }
    }

    /// How many octets a digest has.
    #[must_use]
    pub fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// `self`, unless it is SHA-1 and SHA-1 is refused.
    fn permitted(self, uri: &str, sha1: Sha1) -> Result<Self, Error> {
        match (self, sha1) {
            (Self::Sha1, Sha1::Refused) => Err(Error::AlgorithmWeak { found: shown(uri) }),
            _ => Ok(self),
        }
    }
}

/// A signature algorithm and the hash it signs. Only public keys: no variant takes a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// ECDSA on whichever of the curves the key is on; the value is `r‖s` (XML Signature 1.1 section 6.4.3).
    Ecdsa(DigestAlgorithm),
    /// RSASSA-PKCS1-v1_5 (RFC 8017 8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1 over the same hash and a salt of the digest's length (RFC 8017 8.1).
    RsaPss(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// Reads the `Algorithm` of a `ds:SignatureMethod`, or the `SigAlg` of a redirect.
    ///
    /// The one with parameters of its own, `…#rsa-pss`, is not among these.
    ///
    /// # Errors
    /// [`Error::AlgorithmWeak`] for MD5, and for SHA-1 unless allowed; [`Error::AlgorithmUnsupported`] for what is not
    /// listed.
    pub fn from_uri(uri: &str, sha1: Sha1) -> Result<Self, Error> {
        use DigestAlgorithm::{Sha1 as S1, Sha256 as S256, Sha384 as S384, Sha512 as S512};
        match uri {
            names::RSA_SHA1 => S1.permitted(uri, sha1).map(Self::RsaPkcs1),
            names::RSA_SHA256 => Ok(Self::RsaPkcs1(S256)),
            names::RSA_SHA384 => Ok(Self::RsaPkcs1(S384)),
            names::RSA_SHA512 => Ok(Self::RsaPkcs1(S512)),
            names::SHA1_RSA_MGF1 => S1.permitted(uri, sha1).map(Self::RsaPss),
            names::SHA256_RSA_MGF1 => Ok(Self::RsaPss(S256)),
            names::SHA384_RSA_MGF1 => Ok(Self::RsaPss(S384)),
            names::SHA512_RSA_MGF1 => Ok(Self::RsaPss(S512)),
            names::ECDSA_SHA1 => S1.permitted(uri, sha1).map(Self::Ecdsa),
            names::ECDSA_SHA256 => Ok(Self::Ecdsa(S256)),
            names::ECDSA_SHA384 => Ok(Self::Ecdsa(S384)),
            names::ECDSA_SHA512 => Ok(Self::Ecdsa(S512)),
            RSA_MD5 | MD5_RSA_MGF1 => Err(Error::AlgorithmWeak { found: shown(uri) }),
            _ => Err(Error::AlgorithmUnsupported { found: shown(uri) }),
        }
    }

    /// The hash that is signed.
    #[must_use]
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Ecdsa(digest) | Self::RsaPkcs1(digest) | Self::RsaPss(digest) => digest,
        }
    }
}

/// An identifier out of a message, short enough for a log.
pub(crate) fn shown(uri: &str) -> String {
    uri.chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_needs_permission() {
        let rsa_sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
        let weak = Err(Error::AlgorithmWeak {
            found: rsa_sha1.to_owned(),
        });
        assert_eq!(SignatureAlgorithm::from_uri(rsa_sha1, Sha1::Refused), weak);
        assert_eq!(
            SignatureAlgorithm::from_uri(rsa_sha1, Sha1::Allowed),
            Ok(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1))
        );
        let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
        assert!(matches!(
            DigestAlgorithm::from_uri(sha1, Sha1::Refused),
            Err(Error::AlgorithmWeak { .. })
        ));
        assert_eq!(
            DigestAlgorithm::from_uri(sha1, Sha1::Allowed),
            Ok(DigestAlgorithm::Sha1)
        );
    }

    #[test]
    fn md5_is_weak_whatever_the_policy() {
        for uri in [
            "http://www.w3.org/2001/04/xmldsig-more#md5",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        ] {
            let refused = |error: Error| error.code().as_str().starts_with("signature_alg_");
            assert!(DigestAlgorithm::from_uri(uri, Sha1::Allowed).is_err_and(refused));
            assert!(SignatureAlgorithm::from_uri(uri, Sha1::Allowed).is_err_and(refused));
        }
    }

    #[test]
    fn an_identifier_has_one_spelling() {
        for uri in [
            "",
            "none",
            " http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
            "http://WWW.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256#",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
            "http://www.w3.org/2001/04/xmlenc#sha256",
        ] {
            let refused = Err(Error::AlgorithmUnsupported { found: uri.to_owned() });
            assert_eq!(SignatureAlgorithm::from_uri(uri, Sha1::Allowed), refused);
        }
    }

    #[test]
    fn a_long_identifier_is_shortened() {
        assert_eq!(shown(&"é".repeat(1_000)).chars().count(), SHOWN_CHARS);
    }

    #[test]
    fn a_digest_has_its_length() {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        for digest in [Sha1, Sha256, Sha384, Sha512] {
            assert_eq!(digest.digest(b"").len(), digest.output_bytes());
        }
    }
}
