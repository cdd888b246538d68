//! An `EncryptedAssertion` (SAML Core 2.3.4): from ciphertext to an assertion that was signed, outside or inside.

use super::assertion::{Assertion, malformed};
use super::reject::{Reject, Shape};
use super::response::{Coverage, Signed, common_key, read_child, read_root, verify_own};
use super::sealed::Sealed;
use crate::dsig::{self, Octets, Policy, Verified};
use crate::xml::names::{SAML, XENC};
use crate::xml::{Document, Element, Profile, Source};
use crate::xmlenc::{Cbc, ContentAlgorithm, ContentKey, Encrypted, Plaintext, UnwrapKey, Unwrapper};

/// Decrypts the assertion of `response`, which is `holder`, and all that is encrypted in it, and verifies every signature.
pub(super) async fn assertion<U: UnwrapKey>(
    response: Element<'_>,
    holder: Element<'_>,
    policy: &Policy<'_>,
    keys: &mut Unwrapper<'_, U>,
) -> Result<Signed<Verified<Assertion>>, Reject> {
    match verify_own(response, policy)? {
        Some(whole) => signed_outside(whole, policy, keys).await,
        None => signed_inside(holder, policy, keys).await,
    }
}

/// The response's signature covers the ciphertext, so it is read from the octets that were digested.
async fn signed_outside<U: UnwrapKey>(
    whole: Verified<Octets>,
    policy: &Policy<'_>,
    keys: &mut Unwrapper<'_, U>,
) -> Result<Signed<Verified<Assertion>>, Reject> {
    let encrypted = whole.read(read_encrypted)?;
    let key = keys.content_key(encrypted.get(), Cbc::AllowedAsSigned).await?;
    let opened = async {
        let plaintext = encrypted.decrypt(&[key], decrypt_one)?;
        let own = verify_plaintext(plaintext.get(), policy)?;
        let (sealed, coverage) = match &own {
            Some(own) => (own.read(read_octets)?, Coverage::Both),
            None => (plaintext.read(read_plaintext)?, Coverage::Response),
        };
        Ok(Signed {
            value: Sealed::open(&sealed, keys).await?,
            coverage,
            key: common_key([&Some(whole), &own]),
        })
    };
    uniform([encrypted.get().algorithm()], opened.await)
}

/// Nothing covers the ciphertext, so it must be authenticated by itself, and its plaintext must be signed (attack A88).
async fn signed_inside<U: UnwrapKey>(
    holder: Element<'_>,
    policy: &Policy<'_>,
    keys: &mut Unwrapper<'_, U>,
) -> Result<Signed<Verified<Assertion>>, Reject> {
    let encrypted = Encrypted::read(holder)?;
    let key = keys.content_key(&encrypted, Cbc::Refused).await?;
    let plaintext = encrypted.decrypt(&key)?;
    let own = verify_plaintext(&plaintext, policy)?.ok_or(Reject::Signature(dsig::Error::Unsigned))?;
    let sealed = own.read(read_octets)?;
    Ok(Signed {
        value: Sealed::open(&sealed, keys).await?,
        coverage: Coverage::Assertion,
        key: Some(own.get().key()),
    })
}

/// Makes every failure one, where one of the ciphertexts that it depends on does not protect itself.
///
/// Its signer is trusted for one connection, yet could be someone who tries what another identity provider has encrypted
/// to the same key, to learn from "not well-formed" what it says (attack A91).
pub(super) fn uniform<T>(
    algorithms: impl IntoIterator<Item = ContentAlgorithm>,
    outcome: Result<T, Reject>,
) -> Result<T, Reject> {
    if algorithms.into_iter().all(ContentAlgorithm::is_authenticated) {
        outcome
    } else {
        outcome.map_err(|_| Reject::DecryptionFailed)
    }
}

fn read_encrypted(octets: &Octets) -> Result<Encrypted, Reject> {
    read_child(octets, "EncryptedAssertion", |holder| Ok(Encrypted::read(holder)?))
}

fn decrypt_one(encrypted: &Encrypted, keys: &[ContentKey]) -> Result<Plaintext, Reject> {
    let key = keys.first().ok_or(Reject::DecryptionFailed)?;
    Ok(encrypted.decrypt(key)?)
}

/// Checks the document that was encrypted, and its own signature if it has one.
fn verify_plaintext(plaintext: &Plaintext, policy: &Policy<'_>) -> Result<Option<Verified<Octets>>, Reject> {
    let source = Source::check(plaintext.as_bytes(), Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    check_shape(document.root())?;
    verify_own(document.root(), policy)
}

fn read_plaintext(plaintext: &Plaintext) -> Result<Sealed, Reject> {
    read_root(plaintext.as_bytes(), |root| {
        check_shape(root)?;
        Sealed::read(root)
    })
}

fn read_octets(octets: &Octets) -> Result<Sealed, Reject> {
    read_root(octets.as_bytes(), Sealed::read)
}

/// Checks that a plaintext is one assertion, with signatures at their one home, no other assertion in it, and nothing
/// encrypted but an identifier or attributes where they are read (attack A99).
fn check_shape(root: Element<'_>) -> Result<(), Reject> {
    if !root.is(SAML, "Assertion") {
        return Err(malformed(Shape::AssertionCount));
    }
    if dsig::signatures_outside(&[root], root) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    for element in root.descendants() {
        match (element.namespace(), element.local_name()) {
            (SAML, "Assertion" | "EncryptedAssertion") => return Err(malformed(Shape::AssertionCount)),
            (XENC, "EncryptedData") if !is_read(element, root) => return Err(Reject::EncryptedUnexpected),
            _ => {}
        }
    }
    Ok(())
}

/// Whether [`Sealed::read`] looks at this `EncryptedData`.
fn is_read(data: Element<'_>, root: Element<'_>) -> bool {
    let is_in = |holder: &str, statement: &str| {
        let holder = data.parent().filter(|parent| parent.is(SAML, holder));
        let statement = holder
            .and_then(Element::parent)
            .filter(|parent| parent.is(SAML, statement));
        statement.and_then(Element::parent) == Some(root)
    };
    is_in("EncryptedID", "Subject") || is_in("EncryptedAttribute", "AttributeStatement")
}
