//! `verify-xml`: the signature of any XML document.

use edge_saml::dsig::{self, Error, Policy, Sha1, TrustedKey};
use edge_saml::saml::binding::MessageKind;
use edge_saml::saml::reject::Reject;
use edge_saml::xml::names::DS;
use edge_saml::xml::{Document, Element, Profile, Source};
use serde::Serialize;

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::message;
use super::output::{Failure, Outcome};

pub(super) const COMMAND: Command = Command {
    name: "verify-xml",
    help: "\
Verifies the signature of an XML document: that of its root or, if the root has none, the one signature in it.

Usage: edge-saml verify-xml FILE --cert FILE|--key FILE [--allow-sha1]

  FILE           XML, base64 of it or of deflated XML, a form or a query with a message; - is the standard input
  --cert FILE    a certificate whose key is trusted, in PEM, base64 or DER, or metadata of one identity provider, whose signing
                 certificates are; may be repeated
  --key FILE     a trusted public key (SubjectPublicKeyInfo in PEM or DER); may be repeated
  --allow-sha1   accept SHA-1

Accepted: {\"verdict\":\"accepted\",\"shape\",\"element\",\"id\",\"references\"}. With the shape enveloped, the whole element is signed; with
detached, the parts that the references name are, and nothing else. KeyInfo is never trusted.
",
    run,
    spec: Spec {
        operand: "FILE",
        once: &[],
        many: &["cert", "key"],
        flags: &["allow-sha1"],
    },
};

#[derive(Serialize)]
struct Accepted<'d> {
    verdict: &'static str,
    /// `enveloped` or `detached`.
    shape: &'static str,
    /// The element around the signature; for one that stands alone, the signature.
    element: String,
    id: Option<&'d str>,
    /// The URIs of what is signed.
    references: Vec<&'d str>,
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let keys = trusted_keys(arguments)?;
    let policy = Policy {
        keys: &keys,
        sha1: sha1(arguments),
    };
    let kinds = [MessageKind::Request, MessageKind::Response];
    let octets = message::xml(input::read(arguments.operand())?, &kinds)?;
    let source = Source::check(&octets, Profile::Document).map_err(Reject::from)?;
    let document = Document::parse(&source).map_err(Reject::from)?;
    let signature = the_signature(&document)?;
    let enveloped = signature
        .parent()
        .map(|around| dsig::verify_document(&document, around, &policy).map(|_| around));
    let (shape, element) = match enveloped {
        Some(Ok(around)) => ("enveloped", around),
        // Without the enveloped-signature transform it never meant to sign what is around it. With it, a reference to
        // something else is an attack, not another shape.
        Some(Err(error)) if !is_of_another_shape(&error) => return Err(error.into()),
        Some(Err(_)) | None => {
            dsig::verify_detached(&document, signature, &policy)?;
            ("detached", signature)
        }
    };
    Outcome::json(&Accepted {
        verdict: "accepted",
        shape,
        element: format!("{{{}}}{}", element.namespace(), element.local_name()),
        id: ["ID", "Id", "id"].into_iter().find_map(|name| element.attribute(name)),
        references: references(signature),
    })
}

/// Whether SHA-1 was allowed.
pub(super) fn sha1(arguments: &Arguments) -> Sha1 {
    if arguments.has("allow-sha1") {
        Sha1::Allowed
    } else {
        Sha1::Refused
    }
}

fn trusted_keys(arguments: &Arguments) -> Result<Vec<TrustedKey>, Failure> {
    let mut certificates = arguments.paths("cert").peekable();
    let mut keys = if certificates.peek().is_some() {
        input::certificate_keys(certificates)?
    } else {
        Vec::new()
    };
    for path in arguments.paths("key") {
        keys.push(input::public_key(path)?);
    }
    if keys.is_empty() {
        return Err(Failure::usage("--cert or --key is missing"));
    }
    Ok(keys)
}

/// The root's own signature or, if it has none, the one that there is.
fn the_signature<'d>(document: &'d Document<'_>) -> Result<Element<'d>, Error> {
    let own = document.root().children().filter(is_signature).count();
    let mut candidates = document
        .elements()
        .filter(is_signature)
        .filter(|signature| own == 0 || signature.parent() == Some(document.root()));
    match (candidates.next(), candidates.next()) {
        (None, _) => Err(Error::Unsigned),
        (Some(signature), None) => Ok(signature),
        (Some(_), Some(_)) => Err(Error::SignatureMultiple),
    }
}

fn is_of_another_shape(error: &Error) -> bool {
    matches!(error, Error::TransformForbidden { found } if found.is_empty())
}

fn is_signature(element: &Element<'_>) -> bool {
    element.is(DS, "Signature")
}

/// The URIs of the signature's references. It verified, so it has the one shape there is.
fn references(signature: Element<'_>) -> Vec<&str> {
    let signed_info = signature.children().filter(|child| child.is(DS, "SignedInfo"));
    let references = signed_info.flat_map(Element::children);
    references
        .filter(|child| child.is(DS, "Reference"))
        .filter_map(|reference| reference.attribute("URI"))
        .collect()
}
