//! Decrypting a file, for the command-line tool.

use super::key::Unwrapper;
use super::native::{PrivateKey, ready};
use super::{Cbc, ContentKey, Encrypted, Error};
use crate::xml::names::XENC;
use crate::xml::{Document, Profile, Source};

/// What a person who holds a file decrypts it with.
#[derive(Debug)]
pub enum DecryptionKey {
    /// The content key itself, 16, 24 or 32 octets.
    Aes(Vec<u8>),
    /// The private key for which the content key was encrypted.
    Rsa(PrivateKey),
}

/// The plaintext of the first `EncryptedData` of a document, of whatever type.
///
/// AES-CBC is decrypted too: the file is one's own, and there is nobody to watch. Nothing is said of who wrote it.
///
/// # Errors
/// Those of reading the document and the first `EncryptedData`, and [`Error::DecryptionFailed`].
pub fn decrypt_document(octets: &[u8], key: &DecryptionKey) -> Result<Vec<u8>, Error> {
    let source = Source::check(octets, Profile::Document)?;
    let document = Document::parse(&source)?;
    let data = document.elements().find(|element| element.is(XENC, "EncryptedData"));
    let encrypted = Encrypted::read_data(data.ok_or(Error::Malformed {
        expected: "EncryptedData",
    })?)?;
    let key = match key {
        DecryptionKey::Aes(_) if !encrypted.keys.is_empty() => {
            return Err(Error::Malformed {
                expected: "no EncryptedKey, as the content key was given,",
            });
        }
        DecryptionKey::Aes(octets) => ContentKey::given(encrypted.algorithm, octets.clone()),
        DecryptionKey::Rsa(key) => {
            ready(Unwrapper::new(key).content_key(&encrypted, Cbc::AllowedAsSigned)).transpose()?
        }
    };
    let plaintext = encrypted.decrypt(&key.ok_or(Error::DecryptionFailed)?)?;
    Ok(plaintext.into_bytes())
}
