//! An assertion in which the NameID and attributes may still be encrypted (SAML Core 2.2.4, 2.7.3.2).

use super::assertion::{Assertion, Attribute, NameId, Place, malformed};
use super::decrypt::uniform;
use super::reject::{Reject, Shape};
use super::response::read_root;
use crate::dsig::{self, Verified};
use crate::limits::MAX_KEY_UNWRAPS_PER_MESSAGE;
use crate::xml::Element;
use crate::xml::names::{SAML, XENC};
use crate::xmlenc::{Cbc, ContentKey, Encrypted, UnwrapKey, Unwrapper};

/// An assertion, and what is encrypted in it. There is no way to the first without the second (attack A100).
#[derive(Debug)]
pub(super) struct Sealed {
    assertion: Assertion,
    /// In document order.
    encrypted: Vec<(Place, Encrypted)>,
}

impl Sealed {
    /// Reads a `saml:Assertion` element.
    pub(super) fn read(element: Element<'_>) -> Result<Self, Reject> {
        let mut encrypted = Vec::new();
        let assertion = Assertion::read_with(element, |place, holder| {
            // Each pointer to a key is one walk over the document, and each of them needs a key.
            if encrypted.len() >= MAX_KEY_UNWRAPS_PER_MESSAGE {
                return Err(Reject::TooLarge);
            }
            encrypted.push((place, Encrypted::read(holder)?));
            Ok(())
        })?;
        Ok(Self { assertion, encrypted })
    }

    /// Decrypts all of it. The assertion was signed, and with it every ciphertext, so AES-CBC will do.
    pub(super) async fn open<U: UnwrapKey>(
        sealed: &Verified<Self>,
        keys: &mut Unwrapper<'_, U>,
    ) -> Result<Verified<Assertion>, Reject> {
        let encrypted: Vec<&Encrypted> = sealed.get().encrypted.iter().map(|(_, encrypted)| encrypted).collect();
        let content_keys = keys.content_keys(&encrypted, Cbc::AllowedAsSigned).await?;
        sealed.decrypt(&content_keys, Self::decrypt)
    }

    /// With one key for each that is encrypted, in the same order.
    fn decrypt(&self, keys: &[ContentKey]) -> Result<Assertion, Reject> {
        let algorithms = self.encrypted.iter().map(|(_, encrypted)| encrypted.algorithm());
        uniform(algorithms, self.decrypt_all(keys))
    }

    fn decrypt_all(&self, keys: &[ContentKey]) -> Result<Assertion, Reject> {
        if keys.len() != self.encrypted.len() {
            return Err(Reject::DecryptionFailed);
        }
        let mut assertion = self.assertion.clone();
        // From the last to the first, so that places still mean what they meant.
        for ((place, encrypted), key) in self.encrypted.iter().zip(keys).rev() {
            match place {
                Place::NameId => assertion.name_id = Some(decrypt(encrypted, key, read_name_id)?),
                Place::Attribute(at) => {
                    let at = assertion.attributes.len().min(*at);
                    assertion
                        .attributes
                        .insert(at, decrypt(encrypted, key, read_attribute)?);
                }
            }
        }
        Ok(assertion)
    }
}

/// Decrypts an `EncryptedID` that was signed.
pub(super) fn decrypt_name_id(encrypted: &Encrypted, key: &ContentKey) -> Result<NameId, Reject> {
    uniform([encrypted.algorithm()], decrypt(encrypted, key, read_name_id))
}

/// Decrypts one element and reads it as a document of its own.
fn decrypt<T>(
    encrypted: &Encrypted,
    key: &ContentKey,
    read: fn(Element<'_>) -> Result<T, Reject>,
) -> Result<T, Reject> {
    read_root(encrypted.decrypt(key)?.as_bytes(), read)
}

/// A `NameID` and nothing else that an `EncryptedID` may hold (SAML Core 2.2.4): no `BaseID`, no assertion.
fn read_name_id(root: Element<'_>) -> Result<NameId, Reject> {
    if !root.is(SAML, "NameID") {
        return Err(malformed(Shape::Element("EncryptedID/*")));
    }
    NameId::read(root)
}

fn read_attribute(root: Element<'_>) -> Result<Attribute, Reject> {
    if !root.is(SAML, "Attribute") {
        return Err(malformed(Shape::Element("EncryptedAttribute/*")));
    }
    if dsig::signatures_outside(&[], root) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    if root.descendants().any(|element| element.is(XENC, "EncryptedData")) {
        return Err(Reject::EncryptedUnexpected);
    }
    Attribute::read(root)
}
