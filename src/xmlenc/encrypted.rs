//! `EncryptedData` and the `EncryptedKey`s for it, out of elements (XML Encryption 1.1, section 3).

use core::fmt;

use super::algorithm::refused;
use super::{ContentAlgorithm, Error, RsaOaep};
use crate::dsig::base64;
use crate::limits::MAX_ENCRYPTED_KEYS;
use crate::xml::Element;
use crate::xml::names::{DS, XENC, XENC_ELEMENT, XENC_ENCRYPTED_KEY, XENC11};

/// Something encrypted, and the keys that may open it.
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted {
    pub(super) algorithm: ContentAlgorithm,
    pub(super) ciphertext: Vec<u8>,
    pub(super) keys: Vec<WrappedKey>,
}

/// A content key, encrypted for someone.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// How it was encrypted.
    pub transport: RsaOaep,
    /// The encrypted octets.
    pub octets: Vec<u8>,
}

impl Encrypted {
    /// Reads SAML's `EncryptedElementType` (SAML Core 2.2.4): one `EncryptedData` that stands for an element, and
    /// `EncryptedKey`s in its `KeyInfo`, beside it, or elsewhere in the document by a `RetrievalMethod` with `#Id`.
    ///
    /// At most [`MAX_ENCRYPTED_KEYS`] are read, in that order. `Recipient`, `KeyName` and certificates are hints that
    /// decide nothing: a key opens what is encrypted or it does not.
    ///
    /// A `Recipient` with another name than ours is no reason to refuse (XML Encryption 1.1, section 3.5.1, calls it a hint,
    /// and identity providers write entity IDs, names or nothing in it). Nothing authenticates it: whoever passes on what
    /// was encrypted for another writes the name that is wanted. Whom an assertion is for says its `Audience`, which is signed,
    /// and who may speak its `Issuer`; `saml::validate` compares both. An identifier or attribute that is encrypted by itself
    /// has neither, so a private key should serve one connection alone.
    ///
    /// # Errors
    /// The first rule of shape that is broken, or an algorithm that is on no list.
    pub fn read(holder: Element<'_>) -> Result<Self, Error> {
        only(
            holder,
            &[(XENC, "EncryptedData"), (XENC, "EncryptedKey")],
            "EncryptedData",
        )?;
        let data = one(holder, XENC, "EncryptedData")?;
        // A `Type` is optional (XML Encryption 1.1, section 3.1); content, or several elements, are no single element.
        if data.attribute("Type").is_some_and(|of| of != XENC_ELEMENT) {
            return Err(malformed("Type Element"));
        }
        Self::read_data(data)
    }

    /// Reads an `EncryptedData` of whatever type.
    pub(super) fn read_data(data: Element<'_>) -> Result<Self, Error> {
        let children = [
            (XENC, "EncryptionMethod"),
            (DS, "KeyInfo"),
            (XENC, "CipherData"),
            (XENC, "EncryptionProperties"),
        ];
        only(data, &children, "EncryptedData/*")?;
        Ok(Self {
            algorithm: ContentAlgorithm::read(one(data, XENC, "EncryptionMethod")?)?,
            keys: wrapped_keys(data)?,
            ciphertext: cipher_value(data)?,
        })
    }

    /// How the content is encrypted.
    #[must_use]
    pub fn algorithm(&self) -> ContentAlgorithm {
        self.algorithm
    }

    /// The keys that may open it.
    #[must_use]
    pub fn keys(&self) -> &[WrappedKey] {
        &self.keys
    }
}

/// Shows what anyone can see, and lengths.
impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted")
            .field("algorithm", &self.algorithm)
            .field("ciphertext_bytes", &self.ciphertext.len())
            .field("keys", &self.keys)
            .finish()
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({}, {} bytes)", self.transport, self.octets.len())
    }
}

/// The keys for `data`: those in its `KeyInfo` first, then those beside it.
fn wrapped_keys(data: Element<'_>) -> Result<Vec<WrappedKey>, Error> {
    let mut found = Vec::new();
    if let Some(key_info) = data.child(DS, "KeyInfo")? {
        // Each pointer is one walk over the document, so what is counted is what stands here, not what differs.
        for child in key_info
            .children()
            .filter(|child| is_key(*child))
            .take(MAX_ENCRYPTED_KEYS)
        {
            found.push(key_of(child)?);
        }
    }
    if let Some(holder) = data.parent() {
        let beside = holder.children().filter(|child| child.is(XENC, "EncryptedKey"));
        for key in beside.take(MAX_ENCRYPTED_KEYS) {
            if !found.contains(&key) {
                found.push(key);
            }
        }
    }
    found.into_iter().take(MAX_ENCRYPTED_KEYS).map(read_key).collect()
}

/// Whether a child of `KeyInfo` says what the key is, rather than whose it is.
fn is_key(child: Element<'_>) -> bool {
    matches!(
        (child.namespace(), child.local_name()),
        (XENC, "EncryptedKey" | "AgreementMethod") | (XENC11, "DerivedKey") | (DS, "RetrievalMethod")
    )
}

fn key_of(child: Element<'_>) -> Result<Element<'_>, Error> {
    match (child.namespace(), child.local_name()) {
        (XENC, "EncryptedKey") => Ok(child),
        (DS, "RetrievalMethod") => retrieve(child),
        // Agreed and derived keys (XML Encryption 1.1, sections 5.5.4 and 5.4).
        _ => Err(refused(child.attribute("Algorithm").unwrap_or(child.local_name()))),
    }
}

/// The `EncryptedKey` of the same document that `method` points at (XML Encryption 1.1, section 3.5.2).
fn retrieve(method: Element<'_>) -> Result<Element<'_>, Error> {
    const EXPECTED: &str = "RetrievalMethod of an EncryptedKey in the document";
    if method.attribute("Type").is_some_and(|of| of != XENC_ENCRYPTED_KEY) || method.children().next().is_some() {
        return Err(malformed(EXPECTED));
    }
    let id = method.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
    let id = id.filter(|id| !id.is_empty()).ok_or(malformed(EXPECTED))?;
    let root = std::iter::successors(Some(method), |element| element.parent()).last();
    let is_target = |element: &Element<'_>| element.is(XENC, "EncryptedKey") && element.attribute("Id") == Some(id);
    root.and_then(|root| root.descendants().find(is_target))
        .ok_or(malformed(EXPECTED))
}

fn read_key(key: Element<'_>) -> Result<WrappedKey, Error> {
    let children = [
        (XENC, "EncryptionMethod"),
        (DS, "KeyInfo"),
        (XENC, "CipherData"),
        (XENC, "EncryptionProperties"),
        (XENC, "ReferenceList"),
        (XENC, "CarriedKeyName"),
    ];
    only(key, &children, "EncryptedKey/*")?;
    Ok(WrappedKey {
        transport: RsaOaep::read(one(key, XENC, "EncryptionMethod")?)?,
        octets: cipher_value(key)?,
    })
}

/// The octets of `CipherData`. There is no `CipherReference`, which would have them fetched and transformed (attack A98).
fn cipher_value(encrypted: Element<'_>) -> Result<Vec<u8>, Error> {
    let data = one(encrypted, XENC, "CipherData")?;
    only(data, &[(XENC, "CipherValue")], "CipherValue")?;
    let text = one(data, XENC, "CipherValue")?.text()?;
    base64::decode(text).map_err(|_| malformed("base64 in CipherValue"))
}

/// Checks that `element` has no other children than these, and no text between them.
pub(super) fn only(element: Element<'_>, children: &[(&str, &str)], expected: &'static str) -> Result<(), Error> {
    element.has_only_element_content()?;
    let is_known = |child: Element<'_>| children.contains(&(child.namespace(), child.local_name()));
    if element.children().all(is_known) {
        Ok(())
    } else {
        Err(malformed(expected))
    }
}

fn one<'d>(element: Element<'d>, namespace: &str, local_name: &'static str) -> Result<Element<'d>, Error> {
    element
        .required_child(namespace, local_name)
        .map_err(|_| malformed(local_name))
}

pub(super) fn malformed(expected: &'static str) -> Error {
    Error::Malformed { expected }
}
