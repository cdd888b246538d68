//! Every reason to refuse a sign-in, with its stable code.

use core::fmt;

use super::settings::UserField;
use crate::code::Code;
use crate::{dsig, xml, xmlenc};

/// Why a message or a sign-in was refused.
///
/// Shown to the vendor (code, expected, found), never to the browser. The fields hold addresses, names of attributes
/// and domains, never an assertion, a NameID or a whole e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// A POST without a `SAMLResponse`.
    AcsEmptyPost,
    /// The connection demands that the assertion is signed itself, and it is not.
    AssertionNotSignedRequired,
    /// The assertion was used before.
    AssertionReused,
    /// An `AudienceRestriction` does not name our entity ID.
    AudienceMismatch(Mismatch),
    /// The user authenticated before the request, though it asked for a new authentication.
    AuthnTooOld,
    /// Not base64.
    Base64Bad,
    /// The answer came back in another browser than the one that asked.
    BrowserMismatch,
    /// The connection is disabled.
    ConnectionDisabled,
    /// No such connection, or none with an identity provider.
    ConnectionUnknown,
    /// Something encrypted cannot be decrypted with our key; nobody is told why.
    DecryptionFailed,
    /// Not DEFLATE, or cut.
    DeflateBad,
    /// `Destination` is not our ACS URL.
    DestinationMismatch(Mismatch),
    /// The e-mail address is another than the one that was typed.
    EmailDiffersFromTyped,
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
    /// Something is encrypted in a way that is not accepted, or not accepted where it stands; the algorithm.
    EncryptedAlgRefused {
        /// Its identifier, shortened.
        found: String,
    },
    /// Something is encrypted, and the connection has no key or nothing encrypted may stand there.
    EncryptedUnexpected,
    /// The assertion's or the confirmation's `NotOnOrAfter` has passed.
    Expired(Clock),
    /// A form field is missing, repeated, or out of place.
    FormMalformed,
    /// Groups must be known, and Entra ID sent a link to them instead, as there are too many.
    GroupsOverage,
    /// The identity provider answered with an error status.
    IdpStatus {
        /// Which one.
        status: IdpStatus,
        /// Its codes, the outer one first; those of the specification without what they have in common.
        codes: Vec<String>,
        /// The inner message, if any.
        message: Option<String>,
    },
    /// Nothing is known of the request that this answers.
    InResponseToUnknown,
    /// An `Issuer` is not the connection's identity provider.
    IssuerMismatch(Mismatch),
    /// The user never signed in before, and new users may not.
    JitDisabled,
    /// The NameID is missing or changes with every sign-in, so that it cannot be the user's key.
    NameIdTransientAsKey,
    /// A `NotBefore` lies in the future.
    NotYetValid(Clock),
    /// `Recipient` is not our ACS URL.
    RecipientMismatch(Mismatch),
    /// `RelayState` is too long, or leads where it may not.
    RelayStateNotAllowed,
    /// The request has been answered already.
    RequestAlreadyAnswered,
    /// The request is too old.
    RequestExpired,
    /// Something that must be known of every user is not; the names of the attributes that came.
    RequiredAttributeMissing {
        /// What is missing.
        missing: UserField,
        /// Names of the attributes in the assertion.
        received: Vec<String>,
    },
    /// The message is XML, but not a SAML message of the shape that the profile asks for.
    ResponseMalformed(Shape),
    /// The connection demands that the response is signed, and it is not.
    ResponseNotSignedRequired,
    /// `SessionNotOnOrAfter` has passed.
    SessionExpiredAtIdp(Clock),
    /// The signature does not hold, or is not of an allowed form.
    Signature(dsig::Error),
    /// The message is larger than allowed.
    TooLarge,
    /// An answer to no request of ours.
    UnsolicitedNotAllowed,
    /// The attribute that tells users from each other is missing, comes several times, or has not one value without white
    /// space around it.
    UserKeyMissing {
        /// Its name, as the connection has it.
        attribute: String,
        /// Names of the attributes in the assertion.
        received: Vec<String>,
    },
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
    /// The root element is neither `samlp:LogoutRequest` nor `samlp:LogoutResponse`.
    LogoutRoot,
    /// The root element is not `samlp:Response`.
    Root,
    /// A required element is missing, repeated or unknown.
    Element(&'static str),
    /// Something encrypted is not of the one shape that is read; what was expected.
    Encrypted(&'static str),
    /// `Version` is not 2.0.
    Version,
}

impl Reject {
    /// What was expected and what came, for those reasons that compare two values.
    #[must_use]
    pub fn mismatch(&self) -> Option<&Mismatch> {
        match self {
            Self::AudienceMismatch(mismatch)
            | Self::DestinationMismatch(mismatch)
            | Self::EmailDomainNotOwned(mismatch)
            | Self::IssuerMismatch(mismatch)
            | Self::RecipientMismatch(mismatch) => Some(mismatch),
            _ => None,
        }
    }

    /// Which bound in time was missed and by how much, for those reasons that compare clocks.
    #[must_use]
    pub fn clock(&self) -> Option<&Clock> {
        match self {
            Self::Expired(clock) | Self::NotYetValid(clock) | Self::SessionExpiredAtIdp(clock) => Some(clock),
            _ => None,
        }
    }

    /// The stable code, for logs, the API and test vectors.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::AcsEmptyPost => Code::AcsEmptyPost,
            Self::AssertionNotSignedRequired => Code::AssertionNotSignedRequired,
            Self::AssertionReused => Code::AssertionReused,
            Self::AudienceMismatch(_) => Code::AudienceMismatch,
            Self::AuthnTooOld => Code::AuthnTooOld,
            Self::Base64Bad => Code::Base64Bad,
            Self::BrowserMismatch => Code::BrowserMismatch,
            Self::ConnectionDisabled => Code::ConnectionDisabled,
            Self::ConnectionUnknown => Code::ConnectionUnknown,
            Self::DecryptionFailed => Code::DecryptionFailed,
            Self::DeflateBad => Code::DeflateBad,
            Self::DestinationMismatch(_) => Code::DestinationMismatch,
            Self::EmailDiffersFromTyped => Code::EmailDiffersFromTyped,
            Self::EmailDomainNotOwned(_) => Code::EmailDomainNotOwned,
            Self::EmailMissing { .. } => Code::EmailMissing,
            Self::EmailNotAnAddress { .. } => Code::EmailNotAnAddress,
            Self::EncryptedAlgRefused { .. } => Code::EncryptedAlgRefused,
            Self::EncryptedUnexpected => Code::EncryptedUnexpected,
            Self::Expired(_) => Code::Expired,
            Self::FormMalformed => Code::FormMalformed,
            Self::GroupsOverage => Code::GroupsOverage,
            Self::IdpStatus { status, .. } => match status {
                IdpStatus::AuthnFailed => Code::IdpAuthnFailed,
                IdpStatus::InvalidNameIdPolicy => Code::IdpInvalidNameidPolicy,
                IdpStatus::NoAuthnContext => Code::IdpNoAuthnContext,
                IdpStatus::NoPassive => Code::IdpNoPassive,
                IdpStatus::RequestDenied => Code::IdpRequestDenied,
                IdpStatus::RequesterError => Code::IdpRequesterError,
            },
            Self::InResponseToUnknown => Code::InResponseToUnknown,
            Self::IssuerMismatch(_) => Code::IssuerMismatch,
            Self::JitDisabled => Code::JitDisabled,
            Self::NameIdTransientAsKey => Code::NameidTransientAsKey,
            Self::NotYetValid(_) => Code::NotYetValid,
            Self::RecipientMismatch(_) => Code::RecipientMismatch,
            Self::RelayStateNotAllowed => Code::RelayStateNotAllowed,
            Self::RequestAlreadyAnswered => Code::RequestAlreadyAnswered,
            Self::RequestExpired => Code::RequestExpired,
            Self::RequiredAttributeMissing { .. } | Self::UserKeyMissing { .. } => Code::RequiredAttributeMissing,
            Self::ResponseMalformed(_) => Code::ResponseMalformed,
            Self::ResponseNotSignedRequired => Code::ResponseNotSignedRequired,
            Self::SessionExpiredAtIdp(_) => Code::SessionExpiredAtIdp,
            Self::Signature(error) => error.code(),
            Self::TooLarge => Code::TooLarge,
            Self::UnsolicitedNotAllowed => Code::UnsolicitedNotAllowed,
            Self::Xml(error) => xml_code(*error),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcsEmptyPost => f.write_str("expected a SAMLResponse field, found none"),
            Self::AssertionNotSignedRequired => {
                f.write_str("expected a signature of the assertion, found the response's alone")
            }
            Self::AssertionReused => f.write_str("the assertion was used before"),
            Self::AudienceMismatch(m) => write!(f, "Audience: {m}"),
            Self::AuthnTooOld => {
                f.write_str("AuthnInstant is older than the request, which asked for a new authentication")
            }
            Self::Base64Bad => f.write_str("expected base64, found something else"),
            Self::BrowserMismatch => f.write_str("the sign-in was started in another browser"),
            Self::ConnectionDisabled => f.write_str("the connection is disabled"),
            Self::ConnectionUnknown => f.write_str("there is no such connection"),
            Self::DecryptionFailed => f.write_str("what is encrypted cannot be decrypted with our key"),
            Self::DeflateBad => f.write_str("expected a DEFLATE stream, found something else"),
            Self::DestinationMismatch(m) => write!(f, "Destination: {m}"),
            Self::EmailDiffersFromTyped => f.write_str("the e-mail address is another than the one that was typed"),
            Self::EmailDomainNotOwned(m) => write!(f, "e-mail domain: {m}"),
            Self::EmailMissing { received } => {
                write!(
                    f,
                    "expected an e-mail attribute, found the attributes [{}]",
                    received.join(", ")
                )
            }
            Self::EmailNotAnAddress { attribute } => write!(f, "{attribute}: expected one plain e-mail address"),
            Self::EncryptedAlgRefused { found } => write!(f, "encryption algorithm {found:?} is not accepted here"),
            Self::EncryptedUnexpected => f.write_str("something is encrypted where nothing encrypted can be read"),
            Self::Expired(c) | Self::SessionExpiredAtIdp(c) => {
                write!(f, "{} passed {} s ago", c.bound, c.off_by_seconds)
            }
            Self::FormMalformed => f.write_str("expected one SAMLResponse and at most one RelayState field"),
            Self::GroupsOverage => f.write_str("expected groups, found groups.link: there are too many of them"),
            Self::IdpStatus { codes, message, .. } => {
                write!(
                    f,
                    "the answer, whose signature was not checked, reports {}: {}",
                    codes.join(", "),
                    message.as_deref().unwrap_or("no message")
                )
            }
            Self::InResponseToUnknown => f.write_str("InResponseTo names no request of this connection"),
            Self::IssuerMismatch(m) => write!(f, "Issuer: {m}"),
            Self::JitDisabled => f.write_str("the user never signed in before, and new users may not"),
            Self::NameIdTransientAsKey => {
                f.write_str("expected a NameID that stays the same for a user, found none or a transient one")
            }
            Self::NotYetValid(c) => write!(f, "{} lies {} s in the future", c.bound, c.off_by_seconds),
            Self::RecipientMismatch(m) => write!(f, "Recipient: {m}"),
            Self::RelayStateNotAllowed => f.write_str("RelayState is too long, or none of the connection's targets"),
            Self::RequestAlreadyAnswered => f.write_str("the request was answered already"),
            Self::RequestExpired => f.write_str("the request was not answered in time"),
            Self::RequiredAttributeMissing { missing, received } => write!(
                f,
                "expected {}, found the attributes [{}]",
                missing.as_str(),
                received.join(", ")
            ),
            Self::ResponseMalformed(shape) => write!(f, "not an acceptable SAML message: {shape}"),
            Self::ResponseNotSignedRequired => {
                f.write_str("expected a signature of the response, found the assertion's alone")
            }
            Self::Signature(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the message is too large"),
            Self::UnsolicitedNotAllowed => f.write_str("the response answers no request"),
            Self::UserKeyMissing { attribute, received } => write!(
                f,
                "expected one attribute with exactly the Name {attribute} and one value without white space around it, the key of users, found the attributes [{}]",
                received.join(", ")
            ),
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
            Self::LogoutRoot => f.write_str("expected the root element samlp:LogoutRequest or samlp:LogoutResponse"),
            Self::Root => f.write_str("expected the root element samlp:Response"),
            Self::Element(name) => write!(f, "element {name} is missing, repeated or unexpected"),
            Self::Encrypted(expected) => write!(f, "expected {expected} where something is encrypted"),
            Self::Version => f.write_str("expected Version 2.0"),
        }
    }
}

impl From<dsig::Error> for Reject {
    fn from(error: dsig::Error) -> Self {
        Self::Signature(error)
    }
}

impl From<xmlenc::Error> for Reject {
    fn from(error: xmlenc::Error) -> Self {
        match error {
            xmlenc::Error::AlgorithmRefused { found } => Self::EncryptedAlgRefused { found },
            xmlenc::Error::DecryptionFailed => Self::DecryptionFailed,
            xmlenc::Error::Malformed { expected } => Self::ResponseMalformed(Shape::Encrypted(expected)),
            xmlenc::Error::TooManyKeys => Self::TooLarge,
            xmlenc::Error::Xml(error) => Self::Xml(error),
        }
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
pub(super) fn xml_code(error: xml::Error) -> Code {
    use xml::Error as E;
    match error {
        E::ApexOmitted | E::ChildMissing | E::ChildRepeated | E::MarkupInText | E::TextBetweenElements => {
            Code::ResponseMalformed
        }
        E::CommentForbidden => Code::CommentForbidden,
        E::DoctypeForbidden | E::DoctypeInternalSubset => Code::DoctypeForbidden,
        E::DuplicateId => Code::DuplicateId,
        E::EncodingInvalid | E::EncodingUnsupported => Code::EncodingBad,
        E::ProcessingInstructionForbidden => Code::ProcessingInstructionForbidden,
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
        | E::TooManyPrefixes => Code::TooLarge,
        E::DeclarationRepeated
        | E::EntityUnknown
        | E::InvalidCharacter
        | E::InvalidCharacterReference
        | E::InvalidDeclaration
        | E::InvalidName
        | E::NamespaceNotAbsolute
        | E::NotWellFormed
        | E::PrefixUndeclared
        | E::ReservedPrefix => Code::XmlNotWellformed,
    }
}
