//! A `samlp:Response` (SAML Core 3.3.3): from octets to the assertion that was signed.

use super::assertion::{Assertion, Issuer, leading_issuer, malformed, required, required_time};
use super::decrypt;
use super::id::RequestId;
use super::reject::{IdpStatus, Reject, Shape};
use super::sealed::Sealed;
use super::time::Timestamp;
use crate::dsig::{self, Octets, Policy, Verified};
use crate::hidden::hide;
use crate::limits::{MAX_STATUS_CODE_CHARACTERS, MAX_STATUS_CODES, MAX_STATUS_MESSAGE_CHARACTERS};
use crate::xml::names::{DS, SAML, SAMLP};
use crate::xml::{Document, Element, Profile, Source};
use crate::xmlenc::{UnwrapKey, Unwrapper};

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

/// Which signatures a connection demands. One that covers the assertion is needed in any case, and each that is there must
/// verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureDemand {
    /// The assertion's own.
    Assertion,
    /// The response's and the assertion's.
    Both,
    /// Either.
    #[default]
    Either,
    /// The response's.
    Response,
}

/// Whether an assertion came encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// As a whole.
    Encrypted,
    /// Not as a whole; its NameID and attributes may have been.
    Plain,
}

/// A response whose every signature verified, and the assertion read from the octets that were digested.
///
/// [`open`] and [`open_with`] alone make one, so that the fields and the assertion are of one message. Nobody can put one
/// together,
///
/// ```compile_fail,E0451
/// use edge_saml::dsig::Verified;
/// use edge_saml::saml::{assertion::Assertion, response::{Encryption, Envelope, VerifiedResponse}};
/// fn forge(envelope: Envelope, assertion: Verified<Assertion>) -> VerifiedResponse {
///     VerifiedResponse { envelope, assertion, encryption: Encryption::Plain, signing_key: None }
/// }
/// ```
///
/// nor change a part of one:
///
/// ```compile_fail,E0616
/// use edge_saml::saml::response::VerifiedResponse;
/// fn swap(one: &mut VerifiedResponse, other: &mut VerifiedResponse) {
///     core::mem::swap(&mut one.assertion, &mut other.assertion);
/// }
/// ```
#[must_use]
pub struct VerifiedResponse {
    envelope: Envelope,
    assertion: Verified<Assertion>,
    encryption: Encryption,
    signing_key: Option<usize>,
}

/// What is signed: a response or an assertion, and by which signatures.
pub(super) struct Signed<T> {
    pub(super) value: T,
    pub(super) coverage: Coverage,
    /// The place, among the policy's keys, of the one that made these signatures; none where several did.
    pub(super) key: Option<usize>,
}

hide!(VerifiedResponse);

impl VerifiedResponse {
    /// The fields around the assertion.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// How its assertion came.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The place, among the policy's keys, of the one that made its signatures; none where several did.
    #[must_use]
    pub fn signing_key(&self) -> Option<usize> {
        self.signing_key
    }

    /// The assertion.
    pub fn assertion(&self) -> &Verified<Assertion> {
        &self.assertion
    }
}

/// Opens a response: preflight, one parse, shape, signatures, and only then the assertion.
///
/// Every `ds:Signature` present must verify; at least one must cover the assertion. The time, the addressee and the
/// identity are not looked at here: see [`super::validate`]. Nothing encrypted is accepted, see [`open_with`].
///
/// # Errors
/// The first [`Reject`] in the order above.
pub fn open(octets: &[u8], policy: &Policy<'_>) -> Result<VerifiedResponse, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let unverified = document.root();
    let unverified_assertion = check_shape(unverified)?;
    if is_encrypted(unverified_assertion) {
        return Err(Reject::EncryptedUnexpected);
    }
    let signed = verify(unverified, unverified_assertion, policy)?;
    Ok(VerifiedResponse {
        envelope: read_envelope(unverified, signed.coverage)?,
        assertion: signed.value.read(match signed.coverage {
            Coverage::Assertion | Coverage::Both => |octets| read_root(octets.as_bytes(), Assertion::read),
            Coverage::Response => |octets| read_child(octets, "Assertion", Assertion::read),
        })?,
        encryption: Encryption::Plain,
        signing_key: signed.key,
    })
}

/// Opens a response in which the assertion, its NameID and attributes may be encrypted to us (SAML Core 6).
///
/// As [`open`], and for an encrypted assertion one of two orders (attack A90), never a mixture:
/// - The response is signed: its signature is verified over the ciphertext, and the ciphertext is taken from the octets
///   that were digested. An own signature inside must hold as well.
/// - It is not: the ciphertext may be anyone's, so it must be AES-GCM, and what comes out must have a signature of its own.
///
/// Either way the plaintext is a new document and goes through the whole pipeline; nothing is put back into the response.
/// Identifiers and attributes are decrypted last, out of an assertion that is verified.
///
/// # Errors
/// The first [`Reject`]. Whatever fails for the key or the ciphertext is [`Reject::DecryptionFailed`], and where AES-CBC is
/// used, whatever fails after the first key was unwrapped.
pub async fn open_with<U: UnwrapKey>(
    octets: &[u8],
    policy: &Policy<'_>,
    unwrap: &U,
) -> Result<VerifiedResponse, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let unverified = document.root();
    let unverified_assertion = check_shape(unverified)?;
    let mut keys = Unwrapper::new(unwrap);
    if is_encrypted(unverified_assertion) {
        // What anyone can see comes first: its faults must not tell that something could be decrypted.
        let envelope = read_envelope(unverified, Coverage::Response)?;
        let signed = decrypt::assertion(unverified, unverified_assertion, policy, &mut keys).await?;
        return Ok(VerifiedResponse {
            envelope: Envelope {
                coverage: signed.coverage,
                ..envelope
            },
            assertion: signed.value,
            encryption: Encryption::Encrypted,
            signing_key: signed.key,
        });
    }
    let signed = verify(unverified, unverified_assertion, policy)?;
    let envelope = read_envelope(unverified, signed.coverage)?;
    let sealed = signed.value.read(match signed.coverage {
        Coverage::Assertion | Coverage::Both => |octets| read_root(octets.as_bytes(), Sealed::read),
        Coverage::Response => |octets| read_child(octets, "Assertion", Sealed::read),
    })?;
    Ok(VerifiedResponse {
        envelope,
        assertion: Sealed::open(&sealed, &mut keys).await?,
        encryption: Encryption::Plain,
        signing_key: signed.key,
    })
}

/// The request that a response claims to answer. Nothing is verified: it says which of the requests that we know is meant,
/// and proves nothing.
#[must_use]
pub fn request_id_hint(octets: &[u8]) -> Option<RequestId> {
    let source = Source::check(octets, Profile::SamlMessage).ok()?;
    let document = Document::parse(&source).ok()?;
    RequestId::parse(document.root().attribute("InResponseTo")?).ok()
}

/// Verifies every signature of a response whose assertion is not encrypted; gives the octets that hold the assertion: its
/// own when it is signed itself, which are the fewer, else those of the response.
fn verify(
    response: Element<'_>,
    assertion: Element<'_>,
    policy: &Policy<'_>,
) -> Result<Signed<Verified<Octets>>, Reject> {
    let whole = verify_own(response, policy)?;
    let own = verify_own(assertion, policy)?;
    let key = common_key([&whole, &own]);
    let (value, coverage) = match (whole, own) {
        (Some(_), Some(own)) => (own, Coverage::Both),
        (Some(whole), None) => (whole, Coverage::Response),
        (None, Some(own)) => (own, Coverage::Assertion),
        (None, None) => return Err(Reject::Signature(dsig::Error::Unsigned)),
    };
    Ok(Signed { value, coverage, key })
}

/// The place of the key that made all these signatures, if one did.
pub(super) fn common_key(signed: [&Option<Verified<Octets>>; 2]) -> Option<usize> {
    let mut keys = signed.into_iter().flatten().map(|octets| octets.get().key());
    let first = keys.next()?;
    keys.all(|key| key == first).then_some(first)
}

/// Verifies the signature that is a child of `element`, if there is one.
pub(super) fn verify_own(element: Element<'_>, policy: &Policy<'_>) -> Result<Option<Verified<Octets>>, Reject> {
    has_signature(element)?
        .then(|| dsig::verify(element, policy).map_err(Reject::Signature))
        .transpose()
}

fn is_encrypted(assertion: Element<'_>) -> bool {
    assertion.local_name() == "EncryptedAssertion"
}

/// Checks the root, the status, and that there is one assertion; gives that one.
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
    leading_issuer(response)?;
    response.child(SAMLP, "Extensions")?;
    check_status(response.required_child(SAMLP, "Status")?)?;

    let assertion = the_assertion(response)?;
    // A signature anywhere but in its two legal homes refuses the message, whatever it signs.
    if dsig::signatures_outside(&[response, assertion], response) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    Ok(assertion)
}

/// The one assertion, directly in the response. It may quote others in its `Advice` (SAML Core 2.6.1), which nothing reads;
/// anywhere else, another one refuses the message.
fn the_assertion(response: Element<'_>) -> Result<Element<'_>, Reject> {
    let is_assertion =
        |e: &Element<'_>| matches!(e.local_name(), "Assertion" | "EncryptedAssertion") && e.namespace() == SAML;
    let mut direct = response.children().filter(is_assertion);
    let (Some(assertion), None) = (direct.next(), direct.next()) else {
        return Err(malformed(Shape::AssertionCount));
    };
    let advice = assertion.child(SAML, "Advice")?;
    let quoted = advice.into_iter().flat_map(Element::descendants).filter(is_assertion);
    let all = response.descendants().filter(is_assertion);
    if all.count() == quoted.count().saturating_add(1) {
        Ok(assertion)
    } else {
        Err(malformed(Shape::AssertionCount))
    }
}

/// The top-level status must be Success, exactly (SAML Core 3.2.2.2).
pub(super) fn check_status(status: Element<'_>) -> Result<(), Reject> {
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
    let message = status.child(SAMLP, "StatusMessage")?.map(Element::text).transpose()?;
    let mut codes = Vec::new();
    let mut next = Some(top);
    while let Some(code) = next.filter(|_| codes.len() < MAX_STATUS_CODES) {
        let value = code.attribute("Value").unwrap_or_default();
        codes.push(value.strip_prefix(PREFIX).unwrap_or(value));
        next = code.child(SAMLP, "StatusCode")?;
    }
    // The inner code says more. One that is only to be within another is found without one too.
    let known = codes.iter().rev().find_map(|code| known_status(code));
    let shown = |text: &str, characters| text.chars().take(characters).collect();
    Err(Reject::IdpStatus {
        status: known.unwrap_or(IdpStatus::RequesterError),
        codes: codes
            .iter()
            .map(|code| shown(code, MAX_STATUS_CODE_CHARACTERS))
            .collect(),
        message: message.map(|message| shown(message, MAX_STATUS_MESSAGE_CHARACTERS)),
    })
}

/// What a status code of the specification, without its prefix, means to us.
fn known_status(code: &str) -> Option<IdpStatus> {
    match code {
        "AuthnFailed" | "UnknownPrincipal" => Some(IdpStatus::AuthnFailed),
        "InvalidNameIDPolicy" => Some(IdpStatus::InvalidNameIdPolicy),
        "NoAuthnContext" => Some(IdpStatus::NoAuthnContext),
        "NoPassive" => Some(IdpStatus::NoPassive),
        "RequestDenied" => Some(IdpStatus::RequestDenied),
        _ => None,
    }
}

fn has_signature(element: Element<'_>) -> Result<bool, Reject> {
    let mut signatures = element.children().filter(|c| c.is(DS, "Signature"));
    match (signatures.next(), signatures.next()) {
        (found, None) => Ok(found.is_some()),
        _ => Err(Reject::Signature(dsig::Error::SignatureMultiple)),
    }
}

fn read_envelope(response: Element<'_>, coverage: Coverage) -> Result<Envelope, Reject> {
    RequestId::parse(required(response, "ID")?).map_err(|_| malformed(Shape::Attribute("ID")))?;
    let text = |name| response.attribute(name).map(ToOwned::to_owned);
    Ok(Envelope {
        destination: text("Destination"),
        in_response_to: text("InResponseTo"),
        issue_instant: required_time(response, "IssueInstant")?,
        issuer: response.child(SAML, "Issuer")?.map(Issuer::read).transpose()?,
        coverage,
    })
}

/// Reads the one `name` out of the octets of a response.
pub(super) fn read_child<T>(
    octets: &Octets,
    name: &str,
    read: fn(Element<'_>) -> Result<T, Reject>,
) -> Result<T, Reject> {
    let source = Source::check(octets.as_bytes(), Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let response = document.root();
    if !response.is(SAMLP, "Response") {
        return Err(malformed(Shape::Root));
    }
    read(response.required_child(SAML, name)?)
}

/// Reads the document element of octets.
pub(super) fn read_root<T>(octets: &[u8], read: fn(Element<'_>) -> Result<T, Reject>) -> Result<T, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    read(document.root())
}
