//! XML signatures, as SAML uses them (SAML Core 5, XML Signature 1.1).
//!
//! [`verify`] is the one way to a [`Verified`] value. It reads a `ds:Signature` of one shape only, whose one reference
//! points at the element that holds it, and gives back the octets that were digested. What a message means is then read
//! from those octets and from nothing else.
//!
//! Trust comes from the caller's [`TrustedKey`]s alone. `KeyInfo` is never read for it, and no algorithm with a shared
//! secret exists.
//!
//! Signing is the other way round: [`Unsigned`] and [`SelfSigned`] prepare the octets and assemble the result. The signature
//! itself is made outside of the pure core, by whoever has the private key.
//!
//! ```
//! use edge_saml::dsig::{self, Policy, Sha1};
//! use edge_saml::xml::{Document, Profile, Source};
//!
//! let source = Source::check(b"<a xmlns='urn:example:a' ID='_1'/>", Profile::SamlMessage)?;
//! let document = Document::parse(&source)?;
//! let policy = Policy { keys: &[], sha1: Sha1::Refused };
//! assert_eq!(dsig::verify(document.root(), &policy), Err(dsig::Error::Unsigned));
//! # Ok::<(), edge_saml::xml::Error>(())
//! ```

mod algorithm;
pub(crate) mod base64;
mod certificate;
mod detached;
mod error;
mod key;
mod reference;
mod self_signed;
mod sign;
mod signed_info;
mod verified;

pub(crate) use algorithm::shown;
pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub use certificate::{Certificate, Fingerprint};
pub use detached::verify_detached;
pub use error::Error;
pub use key::{RsaFloor, TrustedKey};
pub use self_signed::SelfSigned;
pub use sign::Unsigned;
pub use verified::{Octets, Verified};

use crate::xml::names::DS;
use crate::xml::{Document, Element};
use reference::{Rules, Target};
use signed_info::Signature;

/// What the verifier trusts and tolerates. It belongs to a connection, never to a message.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'k> {
    /// The keys. Each is tried; with none, nothing verifies.
    pub keys: &'k [TrustedKey],
    /// Whether SHA-1 may be used.
    pub sha1: Sha1,
}

/// Whether SHA-1 may be used, in signatures and in digests. A connection that needs it says until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha1 {
    /// SHA-1 is accepted.
    Allowed,
    /// SHA-1 is refused as weak.
    Refused,
}

/// Verifies the one enveloped signature of a SAML message or assertion: the `ds:Signature` that is a child of `signed`.
///
/// The result holds the canonical octets of `signed` without that signature.
///
/// # Errors
/// The first rule that is broken, in this order: the signature's shape and algorithms, what it points at, the key, the
/// `SignatureValue`, the digest. Nothing of the content is hashed before the `SignatureValue` held (attack A41).
pub fn verify(signed: Element<'_>, policy: &Policy<'_>) -> Result<Verified<Octets>, Error> {
    verify_enveloped(signed, Rules::Saml, policy)
}

/// Verifies the one enveloped signature of an element of any document, such as metadata.
///
/// As [`verify`], with two more ways to point at `signed`: by `URI=""` when it is the document element (the octets then
/// are those of the whole document), and by any attribute that is an identifier (`ID`, `Id`, `id`, `AssertionID`,
/// `ResponseID`, `RequestID`, `xml:id`, `wsu:Id`).
///
/// # Errors
/// As [`verify`].
pub fn verify_document(
    document: &Document<'_>,
    signed: Element<'_>,
    policy: &Policy<'_>,
) -> Result<Verified<Octets>, Error> {
    verify_enveloped(signed, Rules::Document(document), policy)
}

/// Verifies a signature over plain octets, as the HTTP-Redirect binding has it (SAML Bindings 3.4.4.1); the result holds
/// those octets.
///
/// # Errors
/// That the algorithm is not allowed, that there is no key, or [`Error::SignatureInvalid`].
pub fn verify_octets(
    octets: &[u8],
    algorithm: &str,
    signature: &[u8],
    policy: &Policy<'_>,
) -> Result<Verified<Octets>, Error> {
    let algorithm = SignatureAlgorithm::from_uri(algorithm, policy.sha1)?;
    let key = check_value(octets, algorithm, signature, policy)?;
    Ok(Verified::vouch(Octets::new(octets.to_vec(), key)))
}

/// Whether a `ds:Signature` stands at or below `root` anywhere but as a child of one of `homes`.
///
/// A SAML message has two homes for signatures, the Response and its Assertion; one elsewhere refuses everything
/// (attack rule R3). One pass; `homes` is meant to be short.
#[must_use]
pub fn signatures_outside(homes: &[Element<'_>], root: Element<'_>) -> bool {
    let mut elements = std::iter::once(root).chain(root.descendants());
    elements.any(|element| is_signature(element) && !element.parent().is_some_and(|parent| homes.contains(&parent)))
}

fn verify_enveloped<'d>(signed: Element<'d>, rules: Rules<'d>, policy: &Policy<'_>) -> Result<Verified<Octets>, Error> {
    let signature = Signature::read(own_signature(signed)?, policy.sha1)?;
    if !signature.objects.is_empty() {
        // SAML Core 5.4.6 and its erratum E91.
        return Err(Error::Malformed { expected: "no Object" });
    }
    let [reference] = signature.signed_info.references.as_slice() else {
        return Err(Error::WrongTarget);
    };
    let target = Target::enveloping(reference, signed, rules)?;
    let key = check_signature_value(&signature, policy)?;
    let octets = reference.octets(target, signature.element)?;
    reference.check_digest(&octets)?;
    Ok(Verified::vouch(Octets::new(octets, key)))
}

/// The `ds:Signature` that is a child of `signed`.
fn own_signature(signed: Element<'_>) -> Result<Element<'_>, Error> {
    let mut signatures = signed.children().filter(|child| is_signature(*child));
    match (signatures.next(), signatures.next()) {
        (None, _) => Err(Error::Unsigned),
        (Some(signature), None) => Ok(signature),
        (Some(_), Some(_)) => Err(Error::SignatureMultiple),
    }
}

fn is_signature(element: Element<'_>) -> bool {
    element.is(DS, "Signature")
}

/// Checks that a trusted key signed the `SignedInfo` (XML Signature 3.2.2); gives the place of that key.
fn check_signature_value(signature: &Signature<'_>, policy: &Policy<'_>) -> Result<usize, Error> {
    let signed_info = &signature.signed_info;
    match check_value(&signed_info.octets()?, signed_info.algorithm, &signature.value, policy) {
        Err(Error::SignatureInvalid) => Err(unknown_key(signature, policy).unwrap_or(Error::SignatureInvalid)),
        checked => checked,
    }
}

/// Checks that a trusted key signed `octets`; gives the place of that key.
fn check_value(
    octets: &[u8],
    algorithm: SignatureAlgorithm,
    value: &[u8],
    policy: &Policy<'_>,
) -> Result<usize, Error> {
    if policy.keys.is_empty() {
        return Err(Error::NoTrustedKey);
    }
    let digest = algorithm.digest().digest(octets);
    let verifies = |key: &TrustedKey| key.verify_digest(algorithm, &digest, value).is_ok();
    policy.keys.iter().position(verifies).ok_or(Error::SignatureInvalid)
}

/// Why no trusted key verified, when `KeyInfo` carries a certificate of another one. A hint for whoever reads the log
/// (the identity provider has a new key): it turns one refusal into another.
fn unknown_key(signature: &Signature<'_>, policy: &Policy<'_>) -> Option<Error> {
    let mut data = signature.key_info?.children().filter(|child| child.is(DS, "X509Data"));
    let text = data
        .find_map(|data| data.children().find(|child| child.is(DS, "X509Certificate")))?
        .text()
        .ok()?;
    let certificate = Certificate::read(text.as_bytes()).ok()?;
    let key = certificate.key(RsaFloor::DangerLegacy).ok();
    let is_known = key.is_some_and(|key| policy.keys.contains(&key));
    (!is_known).then(|| Error::KeyUnknown {
        sha256: certificate.fingerprint(),
    })
}
