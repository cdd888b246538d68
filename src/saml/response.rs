//! A `samlp:Response` (SAML Core 3.3.3): from octets to the assertion that was signed.

use super::assertion::{Assertion, Issuer, malformed, required, required_time};
use super::reject::{IdpStatus, Reject, Shape};
use super::time::Timestamp;
use crate::dsig::{self, Octets, Policy, Verified};
use crate::xml::names::{DS, SAML, SAMLP};
use crate::xml::{Document, Element, Profile, Source};

/// The fields of the response around the assertion. They may be unsigned: they can refuse a sign-in, never grant one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `Destination`, where the sender meant it to go.
    pub destination: Option<String>,
    /// `InResponseTo`, the request it answers.
    pub in_response_to: Option<String>,
    /// `IssueInstant`.
    pub issue_instant: Timestamp,
    /// `Issuer`, optional here.
    pub issuer: Option<Issuer>,
    /// Whether a signature of the response covers these fields.
    pub coverage: Coverage,
}

/// Which element's signature covers the assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The assertion's own.
    Assertion,
    /// The response's and the assertion's.
    Both,
    /// The response's.
    Response,
}

/// A response whose every signature verified, and the assertion read from the octets that were digested.
#[derive(Debug)]
pub struct VerifiedResponse {
    /// The fields around the assertion.
    pub envelope: Envelope,
    /// The assertion.
    pub assertion: Verified<Assertion>,
}

/// Opens a response: preflight, one parse, shape, signatures, and only then the assertion.
///
/// Every `ds:Signature` present must verify; at least one must cover the assertion. The time, the addressee and the
/// identity are not looked at here: see [`super::validate`].
///
/// # Errors
/// The first [`Reject`] in the order above.
pub fn open(octets: &[u8], policy: &Policy<'_>) -> Result<VerifiedResponse, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let unverified = document.root();
    let unverified_assertion = check_shape(unverified)?;

    let whole = has_signature(unverified)?
        .then(|| dsig::verify(unverified, policy))
        .transpose()?;
    let own = has_signature(unverified_assertion)?
        .then(|| dsig::verify(unverified_assertion, policy))
        .transpose()?;
    let (octets, coverage, read): (_, _, Read) = match (whole, own) {
        // Both hold the assertion as it was signed; its own octets are fewer.
        (Some(_), Some(own)) => (own, Coverage::Both, read_from_assertion),
        (Some(whole), None) => (whole, Coverage::Response, read_from_response),
        (None, Some(own)) => (own, Coverage::Assertion, read_from_assertion),
        (None, None) => return Err(Reject::Signature(dsig::Error::Unsigned)),
    };
    Ok(VerifiedResponse {
        envelope: read_envelope(unverified, coverage)?,
        assertion: octets.read(read)?,
    })
}

/// How an assertion is read out of octets.
type Read = fn(&Octets) -> Result<Assertion, Reject>;

/// Checks the root, the status, and that there is exactly one assertion, directly in the response; gives that one.
fn check_shape(response: Element<'_>) -> Result<Element<'_>, Reject> {
    if !response.is(SAMLP, "Response") {
        return Err(malformed(Shape::Root));
    }
    if response.attribute("Version") != Some("2.0") {
        return Err(malformed(Shape::Version));
    }
    response.has_only_element_content()?;
    for child in response.children() {
        match (child.namespace(), child.local_name()) {
            (SAML, "Issuer" | "Assertion" | "EncryptedAssertion")
            | (SAMLP, "Status" | "Extensions")
            | (DS, "Signature") => {}
            _ => return Err(malformed(Shape::Element("Response/*"))),
        }
    }
    response.child(SAMLP, "Extensions")?;
    check_status(response.required_child(SAMLP, "Status")?)?;

    let is_assertion =
        |e: &Element<'_>| e.namespace() == SAML && matches!(e.local_name(), "Assertion" | "EncryptedAssertion");
    let mut anywhere = response.descendants().filter(is_assertion);
    let (Some(assertion), None) = (anywhere.next(), anywhere.next()) else {
        return Err(malformed(Shape::AssertionCount));
    };
    if assertion.parent() != Some(response) {
        return Err(malformed(Shape::AssertionCount));
    }
    // A signature anywhere but in its two legal homes refuses the message, whatever it signs.
    if dsig::signatures_outside(&[response, assertion], response) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    if assertion.local_name() == "EncryptedAssertion" {
        return Err(Reject::EncryptedUnexpected);
    }
    Ok(assertion)
}

/// The top-level status must be Success, exactly (SAML Core 3.2.2.2).
fn check_status(status: Element<'_>) -> Result<(), Reject> {
    const PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:status:";
    status.has_only_element_content()?;
    for child in status.children() {
        if child.namespace() != SAMLP || !matches!(child.local_name(), "StatusCode" | "StatusMessage" | "StatusDetail")
        {
            return Err(malformed(Shape::Element("Status/*")));
        }
    }
    let top = status.required_child(SAMLP, "StatusCode")?;
    if required(top, "Value")?.strip_prefix(PREFIX) == Some("Success") {
        return Ok(());
    }
    let second = top.child(SAMLP, "StatusCode")?.and_then(|c| c.attribute("Value"));
    let message = status.child(SAMLP, "StatusMessage")?.map(Element::text).transpose()?;
    let reason = match second.and_then(|v| v.strip_prefix(PREFIX)) {
        Some("AuthnFailed" | "UnknownPrincipal") => IdpStatus::AuthnFailed,
        Some("InvalidNameIDPolicy") => IdpStatus::InvalidNameIdPolicy,
        Some("NoAuthnContext") => IdpStatus::NoAuthnContext,
        Some("NoPassive") => IdpStatus::NoPassive,
        Some("RequestDenied") => IdpStatus::RequestDenied,
        _ => IdpStatus::RequesterError,
    };
    Err(Reject::IdpStatus {
        status: reason,
        message: message.map(|m| m.chars().take(500).collect()),
    })
}

fn has_signature(element: Element<'_>) -> Result<bool, Reject> {
    let mut signatures = element.children().filter(|c| c.is(DS, "Signature"));
    match (signatures.next(), signatures.next()) {
        (found, None) => Ok(found.is_some()),
        _ => Err(Reject::Signature(dsig::Error::SignatureMultiple)),
    }
}

fn read_envelope(response: Element<'_>, coverage: Coverage) -> Result<Envelope, Reject> {
    super::id::RequestId::parse(required(response, "ID")?).map_err(|_| malformed(Shape::Attribute("ID")))?;
    let text = |name| response.attribute(name).map(ToOwned::to_owned);
    Ok(Envelope {
        destination: text("Destination"),
        in_response_to: text("InResponseTo"),
        issue_instant: required_time(response, "IssueInstant")?,
        issuer: response.child(SAML, "Issuer")?.map(Issuer::read).transpose()?,
        coverage,
    })
}

fn read_from_response(octets: &Octets) -> Result<Assertion, Reject> {
    let source = Source::check(octets.as_bytes(), Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let response = document.root();
    if !response.is(SAMLP, "Response") {
        return Err(malformed(Shape::Root));
    }
    Assertion::read(response.required_child(SAML, "Assertion")?)
}

fn read_from_assertion(octets: &Octets) -> Result<Assertion, Reject> {
    let source = Source::check(octets.as_bytes(), Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    Assertion::read(document.root())
}
