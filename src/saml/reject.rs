//! Every reason to refuse a sign-in, with its stable code.

use core::fmt;

use crate::{dsig, xml};

/// Why a message or a sign-in was refused.
///
/// Shown to the vendor (code, expected, found), never to the browser. The fields hold addresses, names of attributes
/// and domains, never an assertion, a NameID or a whole e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// A POST without a `SAMLResponse`.
    AcsEmptyPost,
    /// The assertion was used before.
    AssertionReused,
    /// An `AudienceRestriction` does not name our entity ID.
    AudienceMismatch(Mismatch),
    /// Not base64.
    Base64Bad,
    /// The answer came back in another browser than the one that asked.
    BrowserMismatch,
    /// The connection is disabled.
    ConnectionDisabled,
    /// No such connection, or none with an identity provider.
    ConnectionUnknown,
    /// `Destination` is not our ACS URL.
    DestinationMismatch(Mismatch),
    /// The e-mail's domain is not one of the connection's.
    EmailDomainNotOwned(Mismatch),
    /// No attribute or NameID carries an e-mail address; the names of the attributes that came.
    EmailMissing {
        /// Names of the attributes in the assertion.
        received: Vec<String>,
    },
    /// The e-mail attribute does not hold one plain address; the attribute's name.
    EmailNotAnAddress {
        /// Which attribute, or `NameID`.
        attribute: String,
    },
    /// The message holds an encrypted assertion, which this connection cannot read.
    EncryptedUnexpected,
    /// The assertion's or the confirmation's `NotOnOrAfter` has passed.
    Expired(Clock),
    /// A form field is missing, repeated, or out of place.
    FormMalformed,
    /// The identity provider answered with an error status.
    IdpStatus {
        /// Which one.
        status: IdpStatus,
        /// The inner message, if any.
        message: Option<String>,
    },
    /// Nothing is known of the request that this answers.
    InResponseToUnknown,
    /// An `Issuer` is not the connection's identity provider.
    IssuerMismatch(Mismatch),
    /// The NameID is missing or changes with every sign-in, so that it cannot be the user's key.
    NameIdTransientAsKey,
    /// `NotBefore`, `IssueInstant` or `AuthnInstant` lies in the future.
    NotYetValid(Clock),
    /// `Recipient` is not our ACS URL.
    RecipientMismatch(Mismatch),
    /// `RelayState` is too long.
    RelayStateNotAllowed,
    /// The request has been answered already.
    RequestAlreadyAnswered,
    /// The request is too old.
    RequestExpired,
    /// The message is XML, but not a SAML response of the shape that the profile asks for.
    ResponseMalformed(Shape),
    /// `SessionNotOnOrAfter` has passed.
    SessionExpiredAtIdp(Clock),
    /// The signature does not hold, or is not of an allowed form.
    Signature(dsig::Error),
    /// The message is larger than allowed.
    TooLarge,
    /// An answer to no request of ours.
    UnsolicitedNotAllowed,
    /// The octets are not acceptable XML.
    Xml(xml::Error),
}

/// A value that differs from the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was expected.
    pub expected: String,
    /// What came; `None` when it was absent.
    pub found: Option<String>,
}

/// A point in time beyond a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Which element or attribute set the bound.
    pub bound: &'static str,
    /// By how many seconds it is missed, before skew is granted.
    pub off_by_seconds: i64,
}

/// The error status of an identity provider (SAML Core 3.2.2.2), by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdpStatus {
    /// The user could not be authenticated.
    AuthnFailed,
    /// The requested NameID format is refused.
    InvalidNameIdPolicy,
    /// The requested authentication context cannot be met.
    NoAuthnContext,
    /// Passive authentication was asked for and is not possible.
    NoPassive,
    /// The request was denied: mostly, the user is not assigned to the application.
    RequestDenied,
    /// Any other error.
    RequesterError,
}

/// Which rule of shape a message breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Not exactly one assertion, or one in the wrong place.
    AssertionCount,
    /// A required attribute is missing or not of its type.
    Attribute(&'static str),
    /// The text of an element is too long.
    Length(&'static str),
    /// The root element is not `samlp:Response`.
    Root,
    /// A required element is missing, repeated or unknown.
    Element(&'static str),
    /// `Version` is not 2.0.
    Version,
}

impl Reject {
    /// The stable code, for logs, the API and test vectors.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AcsEmptyPost => "acs_empty_post",
            Self::AssertionReused => "assertion_reused",
            Self::AudienceMismatch(_) => "audience_mismatch",
            Self::Base64Bad => "base64_bad",
            Self::BrowserMismatch => "browser_mismatch",
            Self::ConnectionDisabled => "connection_disabled",
            Self::ConnectionUnknown => "connection_unknown",
            Self::DestinationMismatch(_) => "destination_mismatch",
            Self::EmailDomainNotOwned(_) => "email_domain_not_owned",
            Self::EmailMissing { .. } => "email_missing",
            Self::EmailNotAnAddress { .. } => "email_not_an_address",
            Self::EncryptedUnexpected => "encrypted_unexpected",
            Self::Expired(_) => "expired",
            Self::FormMalformed => "form_malformed",
            Self::IdpStatus { status, .. } => match status {
                IdpStatus::AuthnFailed => "idp_authn_failed",
                IdpStatus::InvalidNameIdPolicy => "idp_invalid_nameid_policy",
                IdpStatus::NoAuthnContext => "idp_no_authn_context",
                IdpStatus::NoPassive => "idp_no_passive",
                IdpStatus::RequestDenied => "idp_request_denied",
                IdpStatus::RequesterError => "idp_requester_error",
            },
            Self::InResponseToUnknown => "in_response_to_unknown",
            Self::IssuerMismatch(_) => "issuer_mismatch",
            Self::NameIdTransientAsKey => "nameid_transient_as_key",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::RecipientMismatch(_) => "recipient_mismatch",
            Self::RelayStateNotAllowed => "relaystate_not_allowed",
            Self::RequestAlreadyAnswered => "request_already_answered",
            Self::RequestExpired => "request_expired",
            Self::ResponseMalformed(_) => "response_malformed",
            Self::SessionExpiredAtIdp(_) => "session_expired_at_idp",
            Self::Signature(error) => error.code(),
            Self::TooLarge => "too_large",
            Self::UnsolicitedNotAllowed => "unsolicited_not_allowed",
            Self::Xml(error) => xml_code(*error),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcsEmptyPost => f.write_str("expected a SAMLResponse field, found none"),
            Self::AssertionReused => f.write_str("the assertion was used before"),
            Self::AudienceMismatch(m) => write!(f, "Audience: {m}"),
            Self::Base64Bad => f.write_str("SAMLResponse is not base64"),
            Self::BrowserMismatch => f.write_str("the sign-in was started in another browser"),
            Self::ConnectionDisabled => f.write_str("the connection is disabled"),
            Self::ConnectionUnknown => f.write_str("there is no such connection"),
            Self::DestinationMismatch(m) => write!(f, "Destination: {m}"),
            Self::EmailDomainNotOwned(m) => write!(f, "e-mail domain: {m}"),
            Self::EmailMissing { received } => {
                write!(
                    f,
                    "expected an e-mail attribute, found the attributes [{}]",
                    received.join(", ")
                )
            }
            Self::EmailNotAnAddress { attribute } => write!(f, "{attribute}: expected one plain e-mail address"),
            Self::EncryptedUnexpected => f.write_str("the assertion is encrypted"),
            Self::Expired(c) | Self::SessionExpiredAtIdp(c) => {
                write!(f, "{} passed {} s ago", c.bound, c.off_by_seconds)
            }
            Self::FormMalformed => f.write_str("expected one SAMLResponse and at most one RelayState field"),
            Self::IdpStatus { message, .. } => {
                write!(
                    f,
                    "the identity provider answered with an error: {}",
                    message.as_deref().unwrap_or("no message")
                )
            }
            Self::InResponseToUnknown => f.write_str("InResponseTo names no request of this connection"),
            Self::IssuerMismatch(m) => write!(f, "Issuer: {m}"),
            Self::NameIdTransientAsKey => {
                f.write_str("expected a NameID that stays the same for a user, found none or a transient one")
            }
            Self::NotYetValid(c) => write!(f, "{} lies {} s in the future", c.bound, c.off_by_seconds),
            Self::RecipientMismatch(m) => write!(f, "Recipient: {m}"),
            Self::RelayStateNotAllowed => f.write_str("RelayState is too long"),
            Self::RequestAlreadyAnswered => f.write_str("the request was answered already"),
            Self::RequestExpired => f.write_str("the request was not answered in time"),
            Self::ResponseMalformed(shape) => write!(f, "not an acceptable SAML response: {shape}"),
            Self::Signature(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the message is too large"),
            Self::UnsolicitedNotAllowed => f.write_str("the response answers no request"),
            Self::Xml(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Reject {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "expected {}, found {found}", self.expected),
            None => write!(f, "expected {}, found none", self.expected),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssertionCount => f.write_str("expected exactly one assertion, directly in the response"),
            Self::Attribute(name) => write!(f, "attribute {name} is missing or malformed"),
            Self::Length(name) => write!(f, "the text of {name} is too long"),
            Self::Root => f.write_str("expected the root element samlp:Response"),
            Self::Element(name) => write!(f, "element {name} is missing, repeated or unexpected"),
            Self::Version => f.write_str("expected Version 2.0"),
        }
    }
}

impl From<dsig::Error> for Reject {
    fn from(error: dsig::Error) -> Self {
        Self::Signature(error)
    }
}

impl From<xml::Error> for Reject {
    fn from(error: xml::Error) -> Self {
        Self::Xml(error)
    }
}

impl Mismatch {
    /// What was expected and what came, the latter cut to 300 characters, as it may be anybody's.
    #[must_use]
    pub fn new(expected: &str, found: Option<&str>) -> Self {
        Self {
            expected: expected.to_owned(),
            found: found.map(|f| f.chars().take(300).collect()),
        }
    }
}

/// The stable code for what is wrong with XML.
pub(super) fn xml_code(error: xml::Error) -> &'static str {
    use xml::Error as E;
    match error {
        E::ApexOmitted | E::ChildMissing | E::ChildRepeated | E::MarkupInText | E::TextBetweenElements => {
            "response_malformed"
        }
        E::CommentForbidden => "comment_forbidden",
        E::DoctypeForbidden | E::DoctypeInternalSubset => "doctype_forbidden",
        E::DuplicateId => "duplicate_id",
        E::EncodingInvalid | E::EncodingUnsupported => "encoding_bad",
        E::ProcessingInstructionForbidden => "processing_instruction_forbidden",
        E::NameTooLong
        | E::NamespaceTooLong
        | E::OutputTooLarge
        | E::PrefixListTooLong
        | E::TooDeep
        | E::TooLarge
        | E::TooManyAttributes
        | E::TooManyDeclarations
        | E::TooManyElements
        | E::TooManyMarks
        | E::TooManyPrefixes => "too_large",
        E::DeclarationRepeated
        | E::EntityUnknown
        | E::InvalidCharacter
        | E::InvalidCharacterReference
        | E::InvalidDeclaration
        | E::InvalidName
        | E::NamespaceNotAbsolute
        | E::NotWellFormed
        | E::PrefixUndeclared
        | E::ReservedPrefix => "xml_not_wellformed",
    }
}
