//! From a `ds:Reference` to the octets whose digest it carries.

use subtle::ConstantTimeEq;

use super::Error;
use super::algorithm::shown;
use super::signed_info::Reference;
use crate::xml::names::{WSU, XML};
use crate::xml::{Document, Element};

/// What a signature may point at besides `#ID`, and which attributes are identifiers.
#[derive(Clone, Copy)]
pub(super) enum Rules<'d> {
    /// Any signed XML document, which is this one.
    Document(&'d Document<'d>),
    /// A SAML message or assertion.
    Saml,
}

/// What a reference points at.
#[derive(Clone, Copy)]
pub(super) enum Target<'d> {
    /// The whole document, what stands before and after its root element too.
    Document(&'d Document<'d>),
    /// One element.
    Element(Element<'d>),
}

impl<'d> Target<'d> {
    /// Resolves the reference of an enveloped signature, which can only be `signed`.
    ///
    /// There is no search: the URI must be `#` and the identifier of the signature's own parent, octet for octet (SAML
    /// Core 5.4.2). So nothing can be wrapped around, moved away or doubled (attacks A01 to A33).
    pub(super) fn enveloping(reference: &Reference<'_>, signed: Element<'d>, rules: Rules<'d>) -> Result<Self, Error> {
        if reference.transforms.enveloped.is_none() {
            return Err(Error::TransformForbidden { found: String::new() });
        }
        let uri = reference.uri.ok_or(Error::WrongTarget)?;
        match (rules, uri.strip_prefix('#')) {
            (Rules::Saml, Some(id)) if is_bare_name(id) && signed.attribute("ID") == Some(id) => {
                Ok(Self::Element(signed))
            }
            (Rules::Document(_), Some(id)) if is_bare_name(id) && has_identifier(signed, id) => {
                Ok(Self::Element(signed))
            }
            (Rules::Document(document), None) if uri.is_empty() && document.root() == signed => {
                Ok(Self::Document(document))
            }
            _ => Err(Error::WrongTarget),
        }
    }

    /// Resolves any reference into `document` (XML Signature 4.4.3.3).
    pub(super) fn within(reference: &Reference<'_>, document: &'d Document<'d>) -> Result<Self, Error> {
        let uri = reference.uri.unwrap_or("absent:");
        match uri.strip_prefix('#') {
            None if uri.is_empty() => Ok(Self::Document(document)),
            Some(id) if is_bare_name(id) => {
                let found = document.elements().find(|element| has_identifier(*element, id));
                found.map(Self::Element).ok_or(Error::WrongTarget)
            }
            _ => Err(Error::ReferenceUnsupported { found: shown(uri) }),
        }
    }
}

/// The octets of a `ds:DigestValue`. It cannot be compared with `==`, which ends at the first octet that differs (attack
/// A87).
pub(super) struct DigestValue(Vec<u8>);

impl DigestValue {
    pub(super) fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// Whether it is `digest`, whole, in a time that depends on neither's octets.
    fn is(&self, digest: &[u8]) -> bool {
        digest.ct_eq(&self.0).into()
    }
}

impl Reference<'_> {
    /// The octets of `target`: its canonical form, less `signature` where the transforms say so.
    pub(super) fn octets(&self, target: Target<'_>, signature: Element<'_>) -> Result<Vec<u8>, Error> {
        let omit = self.transforms.enveloped.as_ref().map(|_| signature);
        self.transforms.canonicalize(|method| match target {
            Target::Document(document) => method.canonicalize_document(document, omit.as_slice()),
            Target::Element(element) => method.canonicalize(element, omit),
        })
    }

    /// Compares the digest of `octets` with the `DigestValue`.
    pub(super) fn check_digest(&self, octets: &[u8]) -> Result<(), Error> {
        if self.digest_value.is(&self.digest.digest(octets)) {
            Ok(())
        } else {
            Err(Error::DigestMismatch)
        }
    }
}

/// Whether a fragment can only be a bare name, not a pointer scheme with parentheses (W3C's pointer framework 3.1,
/// attack A29).
///
/// The name may begin with a digit, which an `xs:ID` may not: some identity providers make such.
fn is_bare_name(id: &str) -> bool {
    !id.is_empty()
        && id
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// Whether `id` is the element's, in any attribute that someone takes for an identifier. The document holds each value
/// once, says [`Document::parse`].
fn has_identifier(element: Element<'_>, id: &str) -> bool {
    element.attributes().any(|attribute| {
        let is_identifier = match (attribute.namespace, attribute.local_name) {
            ("", "ID" | "Id" | "id" | "AssertionID" | "ResponseID" | "RequestID") => true,
            (namespace, "id") => namespace == XML,
            (namespace, "Id") => namespace == WSU,
            _ => false,
        };
        is_identifier && attribute.value == id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile for a type that has `==`: then there would be two ways to this, and none could be chosen.
    const _: fn() = || {
        trait Ambiguous<A> {
            fn chosen() {}
        }
        struct WithEquality;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + PartialEq> Ambiguous<WithEquality> for T {}
        <DigestValue as Ambiguous<_>>::chosen();
    };

    #[test]
    fn a87_digests_are_the_same_whole_or_not_at_all() {
        let value = DigestValue::new(vec![1, 2, 3]);
        assert!(value.is(&[1, 2, 3]));
        for other in [&[][..], &[1], &[1, 2], &[1, 2, 4], &[0, 2, 3], &[1, 2, 3, 0]] {
            assert!(!value.is(other));
        }
        assert!(!DigestValue::new(Vec::new()).is(&[1]));
    }
}
