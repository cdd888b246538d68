//! Single logout messages (SAML Core 3.7, Profiles 4.4): what an identity provider sends to end sessions, and its answer
//! to ours.
//!
//! Like a response, a message is read from what was signed and from nothing else: by HTTP-POST from the octets that were
//! digested, by HTTP-Redirect from the signed query (see [`super::redirect`]).

use super::assertion::{Issuer, NameId, malformed, optional_time, required, required_time};
use super::id::{EntityId, RequestId, same_endpoint};
use super::reject::{Clock, Mismatch, Reject, Shape};
use super::response::check_status;
use super::sealed;
use super::time::Timestamp;
use crate::dsig::{self, Octets, Policy, Verified};
use crate::hidden::hide;
use crate::limits::{LOGOUT_MESSAGE_SECONDS, MAX_LOGOUT_REQUEST_SECONDS};
use crate::xml::names::{DS, SAML, SAMLP};
use crate::xml::{Document, Element, Profile, Source};
use crate::xmlenc::{self, Cbc, ContentKey, Encrypted, UnwrapKey, Unwrapper};

const ENTITY_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

/// A `LogoutRequest` or a `LogoutResponse`: what both have (SAML Core 3.2.1, 3.2.2), and what is their own.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutMessage {
    /// Its `ID`.
    pub id: RequestId,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// Where the sender meant it to go.
    pub destination: Option<String>,
    /// Who sent it.
    pub issuer: Issuer,
    /// The rest.
    pub content: LogoutContent,
}

/// What a request asks, or a response answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutContent {
    /// End sessions.
    Request(LogoutRequest),
    /// Sessions were ended, or not.
    Response(LogoutResponse),
}

/// A `LogoutRequest` (SAML Core 3.7.1).
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Whose sessions.
    pub subject: LogoutSubject,
    /// Which of them; none means all.
    pub session_indexes: Vec<String>,
    /// Until when the request may be acted on, exclusively, as it says itself.
    pub not_on_or_after: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// Whose sessions are to end.
#[derive(Clone, PartialEq, Eq)]
pub enum LogoutSubject {
    /// An `EncryptedID`, which is still closed; one that cannot be read does not keep its request from being answered.
    Encrypted(Result<Encrypted, xmlenc::Error>),
    /// A `NameID`.
    NameId(NameId),
}

hide!(LogoutMessage, LogoutRequest, LogoutSubject);

/// A `LogoutResponse` (SAML Core 3.7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResponse {
    /// Which request it answers.
    pub in_response_to: Option<String>,
    /// Why the logout failed, if it did.
    pub failure: Option<Reject>,
    /// Whether others were not reached (`PartialLogout`, SAML Core 3.7.3.2), though the status may be Success.
    pub is_partial: bool,
}

/// What a message must agree with.
#[derive(Clone, Copy, Debug)]
pub struct LogoutExpect<'a> {
    /// Who must have sent it, where that is known.
    pub issuer: Option<&'a EntityId>,
    /// Our address for such messages, where that is known.
    pub destination: Option<&'a str>,
    /// The present.
    pub now: Timestamp,
    /// The clock skew granted both ways, in seconds.
    pub skew_seconds: i64,
}

/// Opens a message of the HTTP-POST binding: preflight, one parse, its one signature, and only then the message.
///
/// # Errors
/// The first [`Reject`] in this order; [`dsig::Error::Unsigned`] for one without a signature.
pub fn open(octets: &[u8], policy: &Policy<'_>) -> Result<Verified<LogoutMessage>, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    let unverified = document.root();
    if !is_logout(unverified) {
        return Err(malformed(Shape::LogoutRoot));
    }
    if dsig::signatures_outside(&[unverified], unverified) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    dsig::verify(unverified, policy)?.read(|octets: &Octets| {
        let source = Source::check(octets.as_bytes(), Profile::SamlMessage)?;
        let document = Document::parse(&source)?;
        LogoutMessage::read(document.root())
    })
}

/// Reads a message that carries no signature itself. Anyone may have written it, so nothing may be done for it, unless it
/// came in a query that is signed.
///
/// # Errors
/// [`Reject`] for what [`open`] refuses too; [`dsig::Error::WrongTarget`] when there is a signature, which [`open`] would
/// have to check.
pub fn read_unsigned(octets: &[u8]) -> Result<LogoutMessage, Reject> {
    let source = Source::check(octets, Profile::SamlMessage)?;
    let document = Document::parse(&source)?;
    if dsig::signatures_outside(&[], document.root()) {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    LogoutMessage::read(document.root())
}

/// The NameID of a verified request, decrypted if need be. The request was signed, and with it the ciphertext, so AES-CBC will do.
///
/// # Errors
/// [`Reject`] for an `EncryptedID` that cannot be read or opened, as for one in an assertion; [`Shape::LogoutRoot`] for a
/// response, which has none.
pub async fn name_id<U: UnwrapKey>(message: &Verified<LogoutMessage>, keys: &U) -> Result<Verified<NameId>, Reject> {
    let content_keys = match message.get().subject()? {
        LogoutSubject::Encrypted(encrypted) => {
            let encrypted = encrypted.as_ref().map_err(Clone::clone)?;
            let mut keys = Unwrapper::new(keys);
            vec![keys.content_key(encrypted, Cbc::AllowedAsSigned).await?]
        }
        LogoutSubject::NameId(_) => Vec::new(),
    };
    message.decrypt(&content_keys, LogoutMessage::name_id)
}

impl LogoutMessage {
    /// Checks what needs no memory: who sent it, where to, when, and that the logout succeeded.
    ///
    /// # Errors
    /// The first rule that fails, in this order.
    pub fn check(&self, expect: &LogoutExpect<'_>) -> Result<(), Reject> {
        self.check_issuer(expect)?;
        self.check_destination(expect)?;
        let early = self.issue_instant.since(expect.now);
        if early > expect.skew_seconds {
            return Err(Reject::NotYetValid(Clock {
                bound: "IssueInstant",
                off_by_seconds: early,
            }));
        }
        self.check_age(expect)?;
        match &self.content {
            LogoutContent::Request(_) => Ok(()),
            LogoutContent::Response(response) => response.failure.clone().map_or(Ok(()), Err),
        }
    }

    fn subject(&self) -> Result<&LogoutSubject, Reject> {
        match &self.content {
            LogoutContent::Request(request) => Ok(&request.subject),
            LogoutContent::Response(_) => Err(malformed(Shape::LogoutRoot)),
        }
    }

    /// With the key to it, if it is encrypted.
    fn name_id(&self, keys: &[ContentKey]) -> Result<NameId, Reject> {
        match (self.subject()?, keys) {
            (LogoutSubject::NameId(name_id), []) => Ok(name_id.clone()),
            (LogoutSubject::Encrypted(Ok(encrypted)), [key]) => sealed::decrypt_name_id(encrypted, key),
            _ => Err(Reject::DecryptionFailed),
        }
    }

    /// Until when it may be acted on, exclusively and before skew is granted; so long, and the skew longer, its `ID` has to be
    /// remembered by whoever acts once.
    ///
    /// A request may say so itself, within [`MAX_LOGOUT_REQUEST_SECONDS`]. The specification lets it go without an end, yet a
    /// signed message must not work for ever, so it and every response have one (see [`LOGOUT_MESSAGE_SECONDS`]).
    #[must_use]
    pub fn not_on_or_after(&self) -> Timestamp {
        let said = match &self.content {
            LogoutContent::Request(request) => request.not_on_or_after,
            LogoutContent::Response(_) => None,
        };
        said.map_or(self.issue_instant.plus(LOGOUT_MESSAGE_SECONDS), |end| {
            end.min(self.issue_instant.plus(MAX_LOGOUT_REQUEST_SECONDS))
        })
    }

    /// "The time at which the request expires, after which the recipient may discard the message" (Core 3.7.1), or its age.
    fn check_age(&self, expect: &LogoutExpect<'_>) -> Result<(), Reject> {
        let end = self.not_on_or_after();
        if expect.now.since(end) < expect.skew_seconds {
            return Ok(());
        }
        let (bound, since) = match &self.content {
            LogoutContent::Request(request) if request.not_on_or_after == Some(end) => {
                ("LogoutRequest/@NotOnOrAfter", end)
            }
            _ => ("IssueInstant", self.issue_instant),
        };
        Err(Reject::Expired(Clock {
            bound,
            off_by_seconds: expect.now.since(since),
        }))
    }

    /// "The Issuer element MUST be present and MUST contain the unique identifier of the requesting entity" (Profiles
    /// 4.4.4.1).
    fn check_issuer(&self, expect: &LogoutExpect<'_>) -> Result<(), Reject> {
        let is_entity = self
            .issuer
            .format
            .as_deref()
            .is_none_or(|format| format == ENTITY_FORMAT);
        match expect.issuer {
            Some(expected) if !is_entity || self.issuer.value != expected.as_str() => Err(Reject::IssuerMismatch(
                Mismatch::new(expected.as_str(), Some(&self.issuer.value)),
            )),
            _ => Ok(()),
        }
    }

    /// "If the message is signed, the Destination XML attribute in the root SAML element of the protocol message MUST
    /// contain the URL to which the sender has instructed the user agent to deliver the message" (Bindings 3.4.5.2,
    /// 3.5.5.2).
    fn check_destination(&self, expect: &LogoutExpect<'_>) -> Result<(), Reject> {
        let Some(expected) = expect.destination else {
            return Ok(());
        };
        match &self.destination {
            Some(destination) if same_endpoint(destination, expected) => Ok(()),
            found => Err(Reject::DestinationMismatch(Mismatch::new(expected, found.as_deref()))),
        }
    }

    fn read(root: Element<'_>) -> Result<Self, Reject> {
        if !is_logout(root) {
            return Err(malformed(Shape::LogoutRoot));
        }
        if root.attribute("Version") != Some("2.0") {
            return Err(malformed(Shape::Version));
        }
        root.has_only_element_content()?;
        root.child(DS, "Signature")?;
        root.child(SAMLP, "Extensions")?;
        let content = if root.local_name() == "LogoutRequest" {
            LogoutContent::Request(LogoutRequest::read(root)?)
        } else {
            LogoutContent::Response(LogoutResponse::read(root)?)
        };
        Ok(Self {
            id: RequestId::parse(required(root, "ID")?).map_err(|_| malformed(Shape::Attribute("ID")))?,
            issue_instant: required_time(root, "IssueInstant")?,
            destination: root.attribute("Destination").map(ToOwned::to_owned),
            issuer: Issuer::read(root.required_child(SAML, "Issuer")?)?,
            content,
        })
    }
}

impl LogoutRequest {
    fn read(root: Element<'_>) -> Result<Self, Reject> {
        let mut subject = None;
        let mut session_indexes = Vec::new();
        for child in root.children() {
            let found = match (child.namespace(), child.local_name()) {
                (SAML, "Issuer") | (DS, "Signature") | (SAMLP, "Extensions") => continue,
                (SAMLP, "SessionIndex") => {
                    session_indexes.push(child.text()?.to_owned());
                    continue;
                }
                (SAML, "NameID") => LogoutSubject::NameId(NameId::read(child)?),
                (SAML, "EncryptedID") => LogoutSubject::Encrypted(Encrypted::read(child)),
                _ => return Err(malformed(Shape::Element("LogoutRequest/*"))),
            };
            if subject.replace(found).is_some() {
                return Err(malformed(Shape::Element("NameID")));
            }
        }
        Ok(Self {
            subject: subject.ok_or(malformed(Shape::Element("NameID")))?,
            session_indexes,
            not_on_or_after: optional_time(root, "NotOnOrAfter")?,
            reason: root.attribute("Reason").map(ToOwned::to_owned),
        })
    }
}

impl LogoutResponse {
    fn read(root: Element<'_>) -> Result<Self, Reject> {
        for child in root.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "Issuer") | (DS, "Signature") | (SAMLP, "Extensions" | "Status") => {}
                _ => return Err(malformed(Shape::Element("LogoutResponse/*"))),
            }
        }
        let status = root.required_child(SAMLP, "Status")?;
        let failure = match check_status(status) {
            Ok(()) => None,
            Err(failure @ Reject::IdpStatus { .. }) => Some(failure),
            Err(reject) => return Err(reject),
        };
        Ok(Self {
            in_response_to: root.attribute("InResponseTo").map(ToOwned::to_owned),
            failure,
            is_partial: status
                .descendants()
                .any(|code| code.attribute("Value") == Some(PARTIAL_LOGOUT)),
        })
    }
}

fn is_logout(root: Element<'_>) -> bool {
    root.is(SAMLP, "LogoutRequest") || root.is(SAMLP, "LogoutResponse")
}
