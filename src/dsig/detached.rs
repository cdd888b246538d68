//! Signatures of other shapes, for conformance suites: a verdict, and no proof.

use super::reference::Target;
use super::signed_info::Signature;
use super::{Error, Policy, check_signature_value};
use crate::xml::{Document, Element};

/// How many references are followed. Each may cost a pass over the document.
const MAX_REFERENCES: usize = 64;

/// Whether `signature`, anywhere in `document`, holds with everything that it refers to.
///
/// It may be detached or enveloping and have several references within the document. It does not say what was signed,
/// so nothing may be read on the strength of it: SAML never calls this.
///
/// # Errors
/// As [`verify`](super::verify); [`Error::ReferenceUnsupported`] for what lies outside of the document.
pub fn verify_detached(document: &Document<'_>, signature: Element<'_>, policy: &Policy<'_>) -> Result<(), Error> {
    let signature = Signature::read(signature, policy.sha1)?;
    let references = &signature.signed_info.references;
    if references.len() > MAX_REFERENCES {
        return Err(Error::Malformed {
            expected: "fewer references",
        });
    }
    let targets = references.iter().map(|reference| Target::within(reference, document));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    check_signature_value(&signature, policy)?;
    references
        .iter()
        .zip(targets)
        .try_for_each(|(reference, target)| reference.check_digest(&reference.octets(target, signature.element)?))
}
