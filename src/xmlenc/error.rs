//! Why something encrypted is refused.

use core::fmt;

use crate::code::Code;
use crate::xml;

/// Why something encrypted is refused.
///
/// All that depends on a key or on the plaintext is one error, [`DecryptionFailed`](Self::DecryptionFailed) (attack A91).
/// The others can be told by anyone who sees the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An algorithm that is on no list, or one that may not be used here.
    AlgorithmRefused {
        /// Its identifier, shortened.
        found: String,
    },
    /// It cannot be decrypted. Whether the key could not be unwrapped, has the wrong length, or the content does not fit
    /// it, is not told and not known outside of this module.
    DecryptionFailed,
    /// Not `xenc:EncryptedData` and `xenc:EncryptedKey` of the one shape that is read (XML Encryption 1.1, section 3).
    Malformed {
        /// What should have been there.
        expected: &'static str,
    },
    /// One message needs more private-key operations than it may have.
    TooManyKeys,
    /// The elements are not of the shape that is read, or not acceptable XML.
    Xml(xml::Error),
}

impl Error {
    /// The stable code for logs and test vectors.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::AlgorithmRefused { .. } => Code::EncryptedAlgRefused,
            Self::DecryptionFailed => Code::DecryptionFailed,
            Self::Malformed { .. } | Self::Xml(_) => Code::EncryptedMalformed,
            Self::TooManyKeys => Code::TooLarge,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmRefused { found } => write!(f, "encryption algorithm {found:?} is not accepted here"),
            Self::DecryptionFailed => f.write_str("it cannot be decrypted with our key"),
            Self::Malformed { expected } => write!(f, "expected {expected} where something is encrypted"),
            Self::TooManyKeys => f.write_str("too many encrypted keys in one message"),
            Self::Xml(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<xml::Error> for Error {
    fn from(error: xml::Error) -> Self {
        Self::Xml(error)
    }
}
