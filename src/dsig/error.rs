//! Every reason to refuse a signature, a key or a certificate.

use std::fmt;

use super::Fingerprint;
use crate::code::Code;
use crate::xml;

/// Why a signature, a key or a certificate is refused. Each variant is one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An algorithm that is on no allow-list (HMAC, DSA, RIPEMD, Ed25519 and whatever else), or a parameter of RSA-PSS
    /// that isn't (RFC 9231 2.3.9).
    AlgorithmUnsupported {
        /// The algorithm's identifier, shortened.
        found: String,
    },
    /// SHA-1 where the policy doesn't allow it, or MD5.
    AlgorithmWeak {
        /// The algorithm's identifier, shortened.
        found: String,
    },
    /// A base64 value that isn't the canonical encoding of any octets.
    Base64Malformed,
    /// The signed element or `SignedInfo` has no canonical form within the caps.
    Canonicalization(xml::Error),
    /// An X.509 certificate out of which no key can be read, or with octets after it (RFC 5280 4.1).
    CertificateMalformed,
    /// Several certificates where one was asked for.
    CertificateMultiple,
    /// The digest of the signed element isn't the `DigestValue`: the content was changed (XML Signature 3.2.1).
    DigestMismatch,
    /// A public key that is no `SubjectPublicKeyInfo`, or whose numbers cannot be a key: an even modulus, a point that
    /// is not on its curve (RFC 5280 4.1.2.7, RFC 5480 2).
    KeyMalformed,
    /// The signature was made with a key that is not among the trusted ones, says the certificate in its `KeyInfo`.
    KeyUnknown {
        /// SHA-256 of that certificate. It is a hint for people, never a reason to trust it.
        sha256: Fingerprint,
    },
    /// A public key of a kind or a size that no allowed algorithm uses.
    KeyUnsupported,
    /// An RSA key that is too short or has too small an exponent.
    KeyWeak {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// `ds:Signature` doesn't have the one shape that is read (XML Signature 4).
    Malformed {
        /// What should have been there.
        expected: &'static str,
    },
    /// There is no trusted key, so nothing can be verified.
    NoTrustedKey,
    /// A reference to something outside of the document, to nothing, or by a pointer with parentheses. Only
    /// [`verify_detached`](super::verify_detached) says so; elsewhere it is [`WrongTarget`](Self::WrongTarget).
    ReferenceUnsupported {
        /// The URI, shortened.
        found: String,
    },
    /// No trusted key made this `SignatureValue` over this `SignedInfo` (XML Signature 3.2.2).
    SignatureInvalid,
    /// The element has more than one `ds:Signature`.
    SignatureMultiple,
    /// A transform, or an order of them, that is not enveloped-signature followed by at most one canonicalisation
    /// (SAML Core 5.4.4).
    TransformForbidden {
        /// The transform's identifier, shortened; empty when one is missing.
        found: String,
    },
    /// The element has no `ds:Signature`.
    Unsigned,
    /// The reference doesn't point at the element that holds the signature, or there isn't exactly one (SAML Core 5.4.2).
    WrongTarget,
}

impl Error {
    /// The stable code for logs, the dashboard and test vectors.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::AlgorithmUnsupported { .. } => Code::SignatureAlgUnsupported,
            Self::AlgorithmWeak { .. } => Code::SignatureAlgWeak,
            Self::Base64Malformed | Self::Malformed { .. } => Code::SignatureMalformed,
            Self::Canonicalization(_) => Code::CanonicalizationFailed,
            Self::CertificateMalformed => Code::CertificateMalformed,
            Self::CertificateMultiple => Code::CertificateMultiple,
            Self::DigestMismatch => Code::SignatureBadDigest,
            Self::KeyMalformed => Code::KeyMalformed,
            Self::KeyUnknown { .. } => Code::SignatureKeyUnknown,
            Self::KeyUnsupported => Code::KeyUnsupported,
            Self::KeyWeak { .. } => Code::KeyWeak,
            Self::NoTrustedKey => Code::NoSigningKey,
            Self::ReferenceUnsupported { .. } => Code::ReferenceUnsupported,
            Self::SignatureInvalid => Code::SignatureInvalid,
            Self::SignatureMultiple => Code::SignatureMultiple,
            Self::TransformForbidden { .. } => Code::TransformForbidden,
            Self::Unsigned => Code::Unsigned,
            Self::WrongTarget => Code::SignatureWrongTarget,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmUnsupported { found } => write!(f, "algorithm {found:?} is not supported"),
            Self::AlgorithmWeak { found } => write!(f, "algorithm {found:?} is too weak"),
            Self::Base64Malformed => f.write_str("expected canonical base64"),
            Self::Canonicalization(error) => write!(f, "no canonical form: {error}"),
            Self::CertificateMalformed => f.write_str("expected one X.509 certificate, found something else"),
            Self::CertificateMultiple => f.write_str("expected one certificate, found several"),
            Self::DigestMismatch => f.write_str("the signed content was changed: its digest is not the signed one"),
            Self::KeyMalformed => f.write_str("expected a public key, found octets that are none"),
            Self::KeyUnknown { sha256 } => {
                write!(
                    f,
                    "expected a signature by a trusted key, found the certificate {sha256}"
                )
            }
            Self::KeyUnsupported => {
                f.write_str("expected an RSA key of at most 4096 bits or one on P-256, P-384 or P-521, found another")
            }
            Self::KeyWeak { bits } => {
                write!(
                    f,
                    "expected an RSA key of at least 2048 bits and an exponent of at least 65537, found {bits} bits"
                )
            }
            Self::Malformed { expected } => write!(f, "expected {expected} in ds:Signature, found something else"),
            Self::NoTrustedKey => f.write_str("expected a trusted key, found none"),
            Self::ReferenceUnsupported { found } => {
                write!(f, "expected a reference within the document, found {found:?}")
            }
            Self::SignatureInvalid => f.write_str("no trusted key made this signature"),
            Self::SignatureMultiple => f.write_str("expected one ds:Signature, found several"),
            Self::TransformForbidden { found } if found.is_empty() => {
                f.write_str("expected the enveloped-signature transform, found none")
            }
            Self::TransformForbidden { found } => write!(f, "transform {found:?} is not allowed here"),
            Self::Unsigned => f.write_str("expected a ds:Signature, found none"),
            Self::WrongTarget => f.write_str("expected one reference, to the element that holds the signature"),
        }
    }
}

impl std::error::Error for Error {}
