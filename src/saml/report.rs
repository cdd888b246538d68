//! What became of a response, rule by rule: for those who set a connection up and look at a test.
//!
//! The verdict is that of the rules themselves: the response was opened as every response is, and goes through
//! [`validate::login`] here. The first rule that it breaks tells how far it came; nothing is verified a second time.

use serde::{Deserialize, Serialize};

use super::assertion::Assertion;
use super::id::RequestId;
use super::identity;
use super::mapping::{self, Field, MappedField, ReceivedAttribute, Suggestion};
use super::reject::{Reject, Shape};
use super::response::{Coverage, Encryption, SignatureDemand, VerifiedResponse};
use super::settings::UserField;
use super::time::Timestamp;
use super::validate::{self, Expect};
use crate::dsig::Certificate;
use crate::hidden::hide;
use crate::limits::{MAX_SHOWN_CHARACTERS, MAX_SHOWN_VALUE_CHARACTERS};

/// What a test asked for, beyond what its connection expects of every response.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The request that must be answered.
    pub request: &'a RequestId,
    /// With `ForceAuthn`: the user must not have authenticated before this.
    pub authn_not_before: Option<Timestamp>,
}

/// What became of a response.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestReport {
    /// Whether it would have signed its user in.
    pub passed: bool,
    /// The code of the rule that it breaks.
    pub code: Option<String>,
    /// What that rule expected and found.
    pub detail: Option<String>,
    /// Every rule, in the order in which they are applied.
    pub checks: Vec<Check>,
    /// The certificate whose key made its signatures, if one made them all.
    pub certificate: Option<SigningCertificate>,
    /// By how many seconds the identity provider's clock seems to be ahead of ours; below zero, behind.
    pub clock_drift_seconds: Option<i64>,
    /// The NameID.
    pub name_id: Option<ReceivedNameId>,
    /// The attributes that came. Nothing is told of what is in a response whose signature does not hold.
    pub attributes: Vec<ReceivedAttribute>,
    /// Where each of our fields comes from.
    pub mapping: Vec<MappedField>,
    /// The `Name` of the attribute that tells users from each other, if it came and is not the NameID.
    #[serde(default)]
    pub user_key: Option<String>,
    /// What attributes of unknown names perhaps are.
    pub suggestions: Vec<Suggestion>,
}

/// One rule, and how it went.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// Which.
    pub rule: Rule,
    /// How it went.
    pub result: CheckResult,
    /// What was expected.
    pub wanted: Option<String>,
    /// What came.
    pub got: Option<String>,
}

/// A rule, or several that are one to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It can be read, and is a response.
    Response,
    /// It reports success.
    Status,
    /// It is encrypted to us, or not at all.
    Encryption,
    /// It is signed by a key of the connection.
    Signature,
    /// It comes from the connection's identity provider.
    Issuer,
    /// It was sent for our address.
    Destination,
    /// Its assertion may be presented at our address.
    Recipient,
    /// It is neither too early nor too late.
    Time,
    /// Its assertion is meant for us.
    Audience,
    /// The user was authenticated, and the session there has not ended.
    Session,
    /// It answers the test's request.
    InResponseTo,
    /// An e-mail address is found.
    Email,
    /// Its domain is one of the connection's.
    EmailDomain,
    /// All is known that must be known of every user.
    RequiredAttributes,
    /// The user can be recognised the next time.
    NameId,
    /// The user authenticated anew, where that was asked for.
    Authentication,
}

impl Rule {
    /// All of them, in the order in which they are applied.
    pub const ALL: [Self; 16] = [
        Self::Response,
        Self::Status,
        Self::Encryption,
        Self::Signature,
        Self::Issuer,
        Self::Destination,
        Self::Recipient,
        Self::Time,
        Self::Audience,
        Self::Session,
        Self::InResponseTo,
        Self::Email,
        Self::EmailDomain,
        Self::RequiredAttributes,
        Self::NameId,
        Self::Authentication,
    ];

    /// At which rule a response stopped. Every reason is here, so that a new one has to be given its place.
    #[must_use]
    pub fn that_refuses(reject: &Reject) -> Self {
        match reject {
            Reject::AssertionNotSignedRequired | Reject::ResponseNotSignedRequired | Reject::Signature(_) => {
                Self::Signature
            }
            Reject::AudienceMismatch(_) => Self::Audience,
            Reject::AuthnTooOld => Self::Authentication,
            Reject::DecryptionFailed
            | Reject::EncryptedAlgRefused { .. }
            | Reject::EncryptedUnexpected
            | Reject::ResponseMalformed(Shape::Encrypted(_)) => Self::Encryption,
            Reject::DestinationMismatch(_) => Self::Destination,
            Reject::EmailDiffersFromTyped | Reject::EmailMissing { .. } | Reject::EmailNotAnAddress { .. } => {
                Self::Email
            }
            Reject::EmailDomainNotOwned(_) => Self::EmailDomain,
            Reject::Expired(_)
            | Reject::NotYetValid(_)
            | Reject::ResponseMalformed(Shape::Attribute("SubjectConfirmationData/@NotOnOrAfter")) => Self::Time,
            Reject::GroupsOverage | Reject::RequiredAttributeMissing { .. } => Self::RequiredAttributes,
            Reject::IdpStatus { .. } => Self::Status,
            Reject::AssertionReused
            | Reject::BrowserMismatch
            | Reject::InResponseToUnknown
            | Reject::RequestAlreadyAnswered
            | Reject::RequestExpired
            | Reject::UnsolicitedNotAllowed => Self::InResponseTo,
            Reject::IssuerMismatch(_) => Self::Issuer,
            Reject::JitDisabled | Reject::NameIdTransientAsKey | Reject::UserKeyMissing { .. } => Self::NameId,
            Reject::RecipientMismatch(_) => Self::Recipient,
            Reject::ResponseMalformed(Shape::Element("AuthnStatement")) | Reject::SessionExpiredAtIdp(_) => {
                Self::Session
            }
            Reject::AcsEmptyPost
            | Reject::Base64Bad
            | Reject::ConnectionDisabled
            | Reject::ConnectionUnknown
            | Reject::DeflateBad
            | Reject::FormMalformed
            | Reject::RelayStateNotAllowed
            | Reject::ResponseMalformed(_)
            | Reject::TooLarge
            | Reject::Xml(_) => Self::Response,
        }
    }

    /// The rules of which it is certain that they were passed before this one refused.
    pub fn passed_before(self) -> impl Iterator<Item = Self> {
        let passed = move |rule: &Self| {
            // With an encrypted assertion in it, which of the two comes first depends on where the signature is.
            *rule < self && (self, *rule) != (Self::Signature, Self::Encryption)
        };
        Self::ALL.into_iter().filter(passed)
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// As it should.
    Passed,
    /// It refuses the response.
    Failed,
    /// An earlier one refused the response.
    NotReached,
}

/// A certificate that signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SigningCertificate {
    /// SHA-256 of it.
    pub sha256: String,
    /// Its subject.
    pub subject: String,
}

/// A NameID that came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReceivedNameId {
    /// Its value, shortened.
    pub value: String,
    /// Its `Format`.
    pub format: Option<String>,
}

hide!(Check, ReceivedNameId, TestReport);

impl SigningCertificate {
    /// What is told of `certificate`.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.fingerprint().to_string(),
            subject: certificate.subject().to_owned(),
        }
    }
}

impl TestReport {
    /// What became of a response that was `opened` with the keys of a connection that expects `expect`.
    #[must_use]
    pub fn of(
        opened: Result<&VerifiedResponse, Reject>,
        expect: &Expect<'_>,
        question: &Question<'_>,
        certificate: Option<SigningCertificate>,
    ) -> Self {
        let (response, reject) = match opened {
            Ok(response) => (Some(response), judge(response, expect, question).err()),
            Err(reject) => (None, Some(reject)),
        };
        let assertion = response.map(|response| response.assertion().get());
        let stopped_at = reject.as_ref().map(Rule::that_refuses);
        let rules = Rule::ALL
            .into_iter()
            .filter(|rule| *rule != Rule::Authentication || question.authn_not_before.is_some());
        let check = |rule: Rule| {
            let result = match stopped_at {
                Some(stopped) if rule == stopped => CheckResult::Failed,
                Some(stopped) if rule > stopped => CheckResult::NotReached,
                // With an encrypted assertion in it, which of the two comes first depends on where the signature is.
                Some(Rule::Signature) if rule == Rule::Encryption && response.is_none() => CheckResult::NotReached,
                _ => CheckResult::Passed,
            };
            let got = match (result, &reject) {
                (CheckResult::Failed, Some(reject)) => found(reject),
                (CheckResult::Passed, _) => response.and_then(|response| got(rule, response, expect)),
                _ => None,
            };
            Check {
                rule,
                result,
                wanted: wanted(rule, expect, question).map(|text| cut(&text)),
                got: got.map(|text| cut(&text)),
            }
        };
        let map = expect.attribute_map;
        Self {
            passed: reject.is_none(),
            code: reject.as_ref().map(|reject| reject.code().to_string()),
            detail: reject.as_ref().map(ToString::to_string),
            checks: rules.map(check).collect(),
            certificate,
            clock_drift_seconds: response.map(|response| drift(response, expect)),
            name_id: assertion.and_then(name_id),
            attributes: assertion.map(|a| mapping::received(a, map)).unwrap_or_default(),
            mapping: assertion.map(|a| mapping::mapped(a, map)).unwrap_or_default(),
            user_key: assertion
                .and_then(|assertion| identity::name_of_key_attribute(assertion, expect.user_key?))
                .map(cut),
            suggestions: assertion.map(|a| mapping::suggestions(a, map)).unwrap_or_default(),
        }
    }
}

/// Applies all rules to which a response is held that signs somebody in, but those that need a memory.
fn judge(response: &VerifiedResponse, expect: &Expect<'_>, question: &Question<'_>) -> Result<(), Reject> {
    let login = validate::login(response, expect)?;
    if login.in_response_to() != Some(question.request) {
        return Err(Reject::InResponseToUnknown);
    }
    login.user_key()?;
    match question.authn_not_before {
        Some(bound) if login.authn_instant() < bound => Err(Reject::AuthnTooOld),
        _ => Ok(()),
    }
}

/// What a rule expects.
fn wanted(rule: Rule, expect: &Expect<'_>, question: &Question<'_>) -> Option<String> {
    let (service_provider, skew) = (expect.service_provider, expect.skew_seconds);
    Some(match rule {
        Rule::Response => "a SAML 2.0 response with one assertion".to_owned(),
        Rule::Status => "Success".to_owned(),
        Rule::Encryption => return None,
        Rule::Signature => match expect.signatures {
            SignatureDemand::Assertion => "a signature of the assertion".to_owned(),
            SignatureDemand::Both => "a signature of the response and one of the assertion".to_owned(),
            SignatureDemand::Either => "a signature of the response or of the assertion".to_owned(),
            SignatureDemand::Response => "a signature of the response".to_owned(),
        },
        Rule::Issuer => expect.idp_entity_id.to_string(),
        Rule::Destination | Rule::Recipient => service_provider.acs_url.clone(),
        Rule::Time => format!("valid at {}, give or take {skew} s", expect.now.to_rfc3339()),
        Rule::Audience => service_provider.entity_id.clone(),
        Rule::Session => format!("a session that lasts beyond {}", expect.now.to_rfc3339()),
        Rule::InResponseTo => question.request.to_string(),
        Rule::Email => "one plain e-mail address".to_owned(),
        Rule::EmailDomain => expect.domains.describe(),
        Rule::RequiredAttributes => {
            let names: Vec<&str> = expect.required_attributes.iter().map(|field| field.as_str()).collect();
            return (!names.is_empty()).then(|| names.join(", "));
        }
        Rule::NameId => match expect.user_key {
            Some(name) => format!("one value of {name}"),
            None => "a NameID that stays the same for a user".to_owned(),
        },
        Rule::Authentication => format!("not before {}", question.authn_not_before?.to_rfc3339()),
    })
}

/// What a rule found that holds.
fn got(rule: Rule, response: &VerifiedResponse, expect: &Expect<'_>) -> Option<String> {
    let (envelope, assertion) = (response.envelope(), response.assertion().get());
    let confirmations = || assertion.confirmations.iter();
    let joined = |texts: Vec<&str>| (!texts.is_empty()).then(|| texts.join(", "));
    let mapped = |field| {
        mapping::mapped(assertion, expect.attribute_map)
            .into_iter()
            .find(|mapped| mapped.field == field)
    };
    match rule {
        Rule::Response => None,
        Rule::Status => Some("Success".to_owned()),
        Rule::Encryption => Some(match response.encryption() {
            Encryption::Encrypted => "encrypted".to_owned(),
            Encryption::Plain => "not encrypted".to_owned(),
        }),
        Rule::Signature => Some(match envelope.coverage {
            Coverage::Assertion => "a signature of the assertion".to_owned(),
            Coverage::Both => "a signature of the response and one of the assertion".to_owned(),
            Coverage::Response => "a signature of the response".to_owned(),
        }),
        Rule::Issuer => Some(assertion.issuer.value.clone()),
        Rule::Destination => envelope.destination.clone(),
        Rule::Recipient => joined(confirmations().filter_map(|c| c.recipient.as_deref()).collect()),
        Rule::Time => Some(validity(assertion)),
        Rule::Audience => {
            let restrictions = assertion.conditions.as_ref().map(|c| c.audience_restrictions.concat());
            restrictions.map(|audiences| audiences.join(", "))
        }
        Rule::Session => {
            let ends = assertion
                .authn_statements
                .iter()
                .filter_map(|s| s.session_not_on_or_after);
            Some(ends.min().map_or_else(
                || "no end named".to_owned(),
                |end| format!("until {}", end.to_rfc3339()),
            ))
        }
        Rule::InResponseTo => envelope.in_response_to.clone(),
        Rule::Email => {
            let email = mapped(Field::Email)?;
            Some(format!("{} (from {})", email.values.first()?, email.attribute?))
        }
        Rule::EmailDomain => {
            let address = mapped(Field::Email)?.values.into_iter().next()?;
            address.rsplit_once('@').map(|(_, domain)| domain.to_owned())
        }
        Rule::RequiredAttributes => {
            let field = |field: &UserField| match field {
                UserField::FirstName => Field::FirstName,
                UserField::Groups => Field::Groups,
                UserField::LastName => Field::LastName,
            };
            let found = expect
                .required_attributes
                .iter()
                .filter_map(|f| mapped(field(f))?.attribute);
            joined(found.collect::<Vec<_>>().iter().map(String::as_str).collect())
        }
        Rule::NameId => match expect.user_key {
            Some(name) => identity::name_of_key_attribute(assertion, name).map(ToOwned::to_owned),
            None => assertion.name_id.as_ref()?.format.clone(),
        },
        Rule::Authentication => validate::authn_instant(assertion).ok().map(Timestamp::to_rfc3339),
    }
}

/// What was found where a rule refuses.
fn found(reject: &Reject) -> Option<String> {
    match reject.mismatch() {
        Some(mismatch) => mismatch.found.clone(),
        None => Some(reject.to_string()),
    }
}

/// From when until when an assertion is good.
fn validity(assertion: &Assertion) -> String {
    let not_before = assertion.conditions.as_ref().and_then(|c| c.not_before);
    let from = not_before.unwrap_or(assertion.issue_instant).to_rfc3339();
    match validate::not_on_or_after(assertion) {
        Some(until) => format!("{from} to {}", until.to_rfc3339()),
        None => format!("from {from}"),
    }
}

/// By how many seconds the clock that wrote the response is ahead of ours: it was made a moment ago.
fn drift(response: &VerifiedResponse, expect: &Expect<'_>) -> i64 {
    response.assertion().get().issue_instant.since(expect.now)
}

fn name_id(assertion: &Assertion) -> Option<ReceivedNameId> {
    let name_id = assertion.name_id.as_ref()?;
    Some(ReceivedNameId {
        value: name_id.value.chars().take(MAX_SHOWN_VALUE_CHARACTERS).collect(),
        format: name_id.format.as_deref().map(cut),
    })
}

/// As much as a person would read; what came may be anybody's.
fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN_CHARACTERS).collect()
}
