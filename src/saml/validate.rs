//! The rules of the Web Browser SSO Profile (SAML Profiles 4.1.4), in the order of the specification.

use std::collections::BTreeSet;

use super::assertion::{Assertion, Issuer, NameId, SubjectConfirmation};
use super::connection::{Connection, IdentityProvider, Provider, ServiceProvider};
use super::domains::DomainRule;
use super::id::{AssertionId, EmailAddress, EntityId, RequestId, same_endpoint};
use super::identity::{self, Identity, KeyAttribute};
use super::reject::{Clock, Mismatch, Reject};
use super::response::{Coverage, Envelope, SignatureDemand, VerifiedResponse};
use super::settings::{AttributeMap, IdpInitiated, UserField};
use super::time::Timestamp;
use crate::dsig::Verified;
use crate::hidden::hide;
use crate::limits::MAX_ASSERTION_SECONDS;

/// The clock skew that is granted both ways.
pub const DEFAULT_SKEW_SECONDS: i64 = 180;

const ENTITY_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What a response must agree with. Everything comes from the connection that the ACS URL named, and the clock.
#[derive(Clone, Debug)]
pub struct Expect<'a> {
    /// Our own side of the connection.
    pub service_provider: &'a ServiceProvider,
    /// The identity provider's entity ID.
    pub idp_entity_id: &'a EntityId,
    /// The kind of identity provider.
    pub provider: Provider,
    /// The domains whose addresses it may assert.
    pub domains: DomainRule<'a>,
    /// What its attributes are called.
    pub attribute_map: &'a AttributeMap,
    /// The attribute that tells users from each other, if it is not the NameID.
    pub user_key: Option<&'a str>,
    /// What must be known of every user besides the e-mail address.
    pub required_attributes: &'a [UserField],
    /// Whether a sign-in may answer no request.
    pub unsolicited: Unsolicited,
    /// The present.
    pub now: Timestamp,
    /// The clock skew granted both ways, in seconds.
    pub skew_seconds: i64,
    /// What must be signed.
    pub signatures: SignatureDemand,
}

impl<'a> Expect<'a> {
    /// What `connection`, whose identity provider is `idp`, expects at `now`.
    #[must_use]
    pub fn of(
        connection: &'a Connection,
        idp: &'a IdentityProvider,
        service_provider: &'a ServiceProvider,
        now: Timestamp,
    ) -> Self {
        Self {
            service_provider,
            idp_entity_id: &idp.entity_id,
            provider: connection.provider,
            domains: connection.domain_rule(),
            attribute_map: &connection.responses.attribute_map,
            user_key: connection.responses.user_key.as_deref(),
            required_attributes: &connection.responses.required_attributes,
            unsolicited: match connection.idp_initiated() {
                IdpInitiated::Bounce | IdpInitiated::Direct => Unsolicited::Allowed,
                IdpInitiated::Off => Unsolicited::Refused,
            },
            now,
            skew_seconds: DEFAULT_SKEW_SECONDS,
            signatures: connection.responses.signatures(),
        }
    }
}

/// A sign-in that passed every rule that needs no memory. Whether its request is pending and its assertion unused, the
/// ledger knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    assertion_id: AssertionId,
    remember_until: Timestamp,
    in_response_to: Option<RequestId>,
    idp_entity_id: EntityId,
    name_id: Option<NameId>,
    key_attribute: Option<KeyAttribute>,
    identity: Identity,
    session_indexes: Vec<String>,
    session_not_on_or_after: Option<Timestamp>,
    authn_instant: Timestamp,
}

hide!(Login);

impl Login {
    /// The assertion's ID, to be used once.
    #[must_use]
    pub fn assertion_id(&self) -> &AssertionId {
        &self.assertion_id
    }

    /// Until when the assertion ID must be remembered: after this point the time rules refuse it.
    #[must_use]
    pub fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// The request that this answers, from the signed confirmation; none when the identity provider began, which not every
    /// connection allows.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&RequestId> {
        self.in_response_to.as_ref()
    }

    /// The identity provider that vouches.
    #[must_use]
    pub fn idp_entity_id(&self) -> &EntityId {
        &self.idp_entity_id
    }

    /// The subject.
    #[must_use]
    pub fn name_id(&self) -> Option<&NameId> {
        self.name_id.as_ref()
    }

    /// What tells the user from all others, for good.
    ///
    /// # Errors
    /// [`Reject::NameIdTransientAsKey`].
    pub fn user_key(&self) -> Result<UserKey<'_>, Reject> {
        match &self.key_attribute {
            Some(attribute) => Ok(UserKey::Attribute(attribute)),
            None => stable_name_id(self.name_id()).map(UserKey::NameId),
        }
    }

    /// The user's e-mail address, whose domain is one of the connection's.
    #[must_use]
    pub fn email(&self) -> &EmailAddress {
        &self.identity.email
    }

    /// What was said of the user.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The sessions at the identity provider, one for each statement that names one, each once.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// When the first of these sessions ends.
    #[must_use]
    pub fn session_not_on_or_after(&self) -> Option<Timestamp> {
        self.session_not_on_or_after
    }

    /// When the user authenticated there, which was no later than the assertion was made; the earliest time where there are
    /// several.
    #[must_use]
    pub fn authn_instant(&self) -> Timestamp {
        self.authn_instant
    }
}

/// What tells a user from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKey<'a> {
    /// The attribute that the connection names.
    Attribute(&'a KeyAttribute),
    /// The NameID, which is not a new one for every sign-in.
    NameId(&'a NameId),
}

/// Whether a response may answer no request (SAML Profiles 4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsolicited {
    /// It may; what becomes of it is the caller's to decide.
    Allowed,
    /// It may not.
    Refused,
}

/// Which request a response must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solicitation<'a> {
    /// Any or none: for those who look at a message without having asked for it.
    AnyOrNone,
    /// Some request, which the caller then finds among those that are pending.
    Any,
    /// This one.
    Request(&'a RequestId),
    /// This one, or none at all.
    RequestOrNone(&'a RequestId),
}

/// A response that passed every rule of the profile. It says nothing yet of who signs in: that is [`login`]'s to decide.
#[must_use]
#[derive(Debug)]
pub struct Confirmed<'r> {
    response: &'r VerifiedResponse,
    in_response_to: Option<RequestId>,
    not_on_or_after: Timestamp,
    session_not_on_or_after: Option<Timestamp>,
}

impl Confirmed<'_> {
    /// The request that this answers, from the signed confirmation; none when nobody asked.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&RequestId> {
        self.in_response_to.as_ref()
    }

    /// From when on the time rules refuse the assertion, before skew is granted.
    #[must_use]
    pub fn not_on_or_after(&self) -> Timestamp {
        self.not_on_or_after
    }

    /// Checks that this answers the request that it must; gives it.
    ///
    /// # Errors
    /// [`Reject::UnsolicitedNotAllowed`] or [`Reject::InResponseToUnknown`].
    pub fn answers(&self, expected: Solicitation<'_>) -> Result<Option<&RequestId>, Reject> {
        check_solicitation(self.response.envelope(), self.in_response_to(), expected)?;
        Ok(self.in_response_to())
    }
}

/// Applies every rule of the profile to a verified response, and decides who signs in.
///
/// # Errors
/// The first rule that fails: those of [`confirm`], that a request is answered or none, the e-mail address, its domain, what
/// else must be known, the attribute that is the user's key.
pub fn login(response: &VerifiedResponse, expect: &Expect<'_>) -> Result<Login, Reject> {
    let confirmed = confirm(response, expect)?;
    let in_response_to = match (confirmed.in_response_to(), &response.envelope().in_response_to) {
        // One that names its request only on the outside is no answer to it, nor to nothing (attack A107).
        (None, Some(_)) => return Err(Reject::UnsolicitedNotAllowed),
        (None, None) if expect.unsolicited == Unsolicited::Refused => return Err(Reject::UnsolicitedNotAllowed),
        (None, None) => None,
        (Some(_), _) => confirmed.answers(Solicitation::Any)?.cloned(),
    };
    let not_on_or_after = check_age(&confirmed, expect)?;
    let identity = identify(response, expect)?;
    let assertion = response.assertion().get();
    Ok(Login {
        assertion_id: assertion.id.clone(),
        remember_until: not_on_or_after.plus(expect.skew_seconds),
        in_response_to,
        idp_entity_id: expect.idp_entity_id.clone(),
        name_id: assertion.name_id.clone(),
        key_attribute: (expect.user_key)
            .map(|name| identity::key_attribute(assertion, name))
            .transpose()?,
        identity,
        session_indexes: session_indexes(assertion),
        session_not_on_or_after: confirmed.session_not_on_or_after,
        authn_instant: authn_instant(assertion)?,
    })
}

fn session_indexes(assertion: &Assertion) -> Vec<String> {
    let indexes = assertion
        .authn_statements
        .iter()
        .filter_map(|s| s.session_index.clone());
    let mut seen = BTreeSet::new();
    indexes.filter(|index| seen.insert(index.clone())).collect()
}

/// An assertion that says it is good for years is good for a day from when it was made (attack A110), which was not in the
/// future: gives its end, which has not come.
///
/// # Errors
/// [`Reject::NotYetValid`] or [`Reject::Expired`].
pub fn check_age(confirmed: &Confirmed<'_>, expect: &Expect<'_>) -> Result<Timestamp, Reject> {
    let issued = confirmed.response.assertion().get().issue_instant;
    expect.has_come("IssueInstant", issued)?;
    let oldest = issued.plus(MAX_ASSERTION_SECONDS);
    expect.has_not_passed("IssueInstant and a day", oldest)?;
    Ok(confirmed.not_on_or_after.min(oldest))
}

/// Applies the rules of the profile that need no memory and do not ask who the user is: addressee, time, conditions,
/// confirmation. Each is a function of its own below; this is all of them.
///
/// This is less than a sign-in. It is for those who only look at a message, such as the command-line tool.
///
/// # Errors
/// The first rule that fails.
pub fn confirm<'r>(response: &'r VerifiedResponse, expect: &Expect<'_>) -> Result<Confirmed<'r>, Reject> {
    let assertion: &Verified<Assertion> = response.assertion();
    let assertion = assertion.get();
    check_signatures(response, expect.signatures)?;
    check_issuers(response, expect.idp_entity_id)?;
    check_destination(response.envelope(), expect)?;
    let confirmation = confirm_bearer(assertion, expect)?;
    check_conditions(assertion, expect)?;
    check_audience(assertion, expect)?;
    let session_not_on_or_after = check_authn(assertion, expect)?;
    let in_response_to = read_in_response_to(response.envelope(), confirmation)?;

    Ok(Confirmed {
        response,
        in_response_to,
        not_on_or_after: not_on_or_after(assertion).unwrap_or(expect.now),
        session_not_on_or_after,
    })
}

/// The NameID that is the user's key: it must be there, and not a new one for every sign-in (SAML Core 8.3.8).
///
/// # Errors
/// [`Reject::NameIdTransientAsKey`].
pub fn stable_name_id(name_id: Option<&NameId>) -> Result<&NameId, Reject> {
    let stable = name_id.filter(|n| !n.value.is_empty() && !n.is_transient());
    stable.ok_or(Reject::NameIdTransientAsKey)
}

/// Reads who the user is, and checks that the e-mail address is of one of the connection's domains and that all is known
/// that must be.
///
/// # Errors
/// Those of [`identity::read`]; [`Reject::EmailDomainNotOwned`]; those of [`identity::check_required`].
pub fn identify(response: &VerifiedResponse, expect: &Expect<'_>) -> Result<Identity, Reject> {
    let identity = identity::read(response.assertion().get(), expect.attribute_map)?;
    check_domain(&identity.email, expect)?;
    identity::check_required(&identity, response.assertion().get(), expect.required_attributes)?;
    Ok(identity)
}

/// Until when an assertion can be presented, exclusively: the latest end of a confirmation, as any of them may carry it in
/// a later try, within the conditions.
#[must_use]
pub fn not_on_or_after(assertion: &Assertion) -> Option<Timestamp> {
    let confirmed_until = assertion.confirmations.iter().filter_map(|c| c.not_on_or_after).max();
    let valid_until = assertion.conditions.as_ref().and_then(|c| c.not_on_or_after);
    confirmed_until.into_iter().chain(valid_until).min()
}

/// A connection can demand more than one signature that covers the assertion ([`SignatureDemand`]).
///
/// # Errors
/// [`Reject::AssertionNotSignedRequired`] or [`Reject::ResponseNotSignedRequired`].
pub fn check_signatures(response: &VerifiedResponse, demand: SignatureDemand) -> Result<(), Reject> {
    match (demand, response.envelope().coverage) {
        (SignatureDemand::Assertion | SignatureDemand::Both, Coverage::Response) => {
            Err(Reject::AssertionNotSignedRequired)
        }
        (SignatureDemand::Response | SignatureDemand::Both, Coverage::Assertion) => {
            Err(Reject::ResponseNotSignedRequired)
        }
        (_, Coverage::Assertion | Coverage::Both | Coverage::Response) => Ok(()),
    }
}

/// "The Issuer element MUST contain the unique identifier of the issuing identity provider" (Profiles 4.1.4.2); on the
/// response it may be absent.
///
/// # Errors
/// [`Reject::IssuerMismatch`].
pub fn check_issuers(response: &VerifiedResponse, idp_entity_id: &EntityId) -> Result<(), Reject> {
    let check = |issuer: &Issuer| {
        let is_entity = issuer.format.as_deref().is_none_or(|f| f == ENTITY_FORMAT);
        if is_entity && issuer.value == idp_entity_id.as_str() {
            return Ok(());
        }
        Err(Reject::IssuerMismatch(Mismatch::new(
            idp_entity_id.as_str(),
            Some(&issuer.value),
        )))
    };
    response.envelope().issuer.as_ref().map_or(Ok(()), check)?;
    check(&response.assertion().get().issuer)
}

/// "If the message is signed, the Destination XML attribute MUST contain the URL to which the sender has instructed the
/// user agent to deliver the message" (Bindings 3.5.5.2); when present it must be ours in any case.
///
/// # Errors
/// [`Reject::DestinationMismatch`].
pub fn check_destination(envelope: &Envelope, expect: &Expect<'_>) -> Result<(), Reject> {
    let acs_url = &expect.service_provider.acs_url;
    let holds = match &envelope.destination {
        Some(destination) => same_endpoint(destination, acs_url),
        None => envelope.coverage == Coverage::Assertion,
    };
    if holds {
        return Ok(());
    }
    Err(Reject::DestinationMismatch(Mismatch::new(
        acs_url,
        envelope.destination.as_deref(),
    )))
}

/// At least one bearer confirmation must pass every rule by itself (Profiles 4.1.4.2, 4.1.4.3); gives the first that does.
///
/// # Errors
/// The first rule that the last of them breaks.
pub fn confirm_bearer<'a>(assertion: &'a Assertion, expect: &Expect<'_>) -> Result<&'a SubjectConfirmation, Reject> {
    let mut refusal = Reject::RecipientMismatch(Mismatch::new(&expect.service_provider.acs_url, None));
    for confirmation in assertion.confirmations.iter().filter(|c| c.method == BEARER) {
        match check_confirmation(confirmation, expect) {
            Ok(()) => return Ok(confirmation),
            Err(reject) => refusal = reject,
        }
    }
    Err(refusal)
}

fn check_confirmation(confirmation: &SubjectConfirmation, expect: &Expect<'_>) -> Result<(), Reject> {
    let acs_url = &expect.service_provider.acs_url;
    if !confirmation
        .recipient
        .as_deref()
        .is_some_and(|r| same_endpoint(r, acs_url))
    {
        return Err(Reject::RecipientMismatch(Mismatch::new(
            acs_url,
            confirmation.recipient.as_deref(),
        )));
    }
    let Some(not_on_or_after) = confirmation.not_on_or_after else {
        return Err(super::assertion::malformed(super::reject::Shape::Attribute(
            "SubjectConfirmationData/@NotOnOrAfter",
        )));
    };
    expect.has_not_passed("SubjectConfirmationData/@NotOnOrAfter", not_on_or_after)?;
    confirmation
        .not_before
        .map_or(Ok(()), |t| expect.has_come("SubjectConfirmationData/@NotBefore", t))
}

/// What `Conditions` say of time (Core 2.5.1.2).
///
/// # Errors
/// [`Reject::NotYetValid`] or [`Reject::Expired`].
pub fn check_conditions(assertion: &Assertion, expect: &Expect<'_>) -> Result<(), Reject> {
    let Some(conditions) = &assertion.conditions else {
        return Ok(());
    };
    conditions
        .not_before
        .map_or(Ok(()), |t| expect.has_come("Conditions/@NotBefore", t))?;
    conditions
        .not_on_or_after
        .map_or(Ok(()), |t| expect.has_not_passed("Conditions/@NotOnOrAfter", t))
}

/// There must be at least one `AudienceRestriction`, and each one must hold us (Profiles 4.1.4.2; Core 2.5.1.4).
///
/// # Errors
/// [`Reject::AudienceMismatch`].
pub fn check_audience(assertion: &Assertion, expect: &Expect<'_>) -> Result<(), Reject> {
    let audience = &expect.service_provider.entity_id;
    let Some(conditions) = &assertion.conditions else {
        return Err(Reject::AudienceMismatch(Mismatch::new(audience, None)));
    };
    let is_ours = |found: &String| {
        found == audience || (expect.provider == Provider::Entra && found.strip_prefix("spn:") == Some(audience))
    };
    let holds = |restriction: &Vec<String>| restriction.iter().any(is_ours);
    if conditions.audience_restrictions.is_empty() || !conditions.audience_restrictions.iter().all(holds) {
        let found = conditions.audience_restrictions.concat().join(" ");
        return Err(Reject::AudienceMismatch(Mismatch::new(
            audience,
            (!found.is_empty()).then_some(&found),
        )));
    }
    Ok(())
}

/// There must be an `AuthnStatement` (Profiles 4.1.4.2), whose session has not ended; gives the earliest end of a session.
/// `AuthnInstant` decides only where a fresh authentication was asked for or a session was ended; some identity providers write
/// it ahead.
///
/// # Errors
/// [`Reject::ResponseMalformed`] or [`Reject::SessionExpiredAtIdp`].
pub fn check_authn(assertion: &Assertion, expect: &Expect<'_>) -> Result<Option<Timestamp>, Reject> {
    authn_instant(assertion)?;
    let end = assertion
        .authn_statements
        .iter()
        .filter_map(|s| s.session_not_on_or_after)
        .min();
    // Without skew: a session that has ended by our clock could not be begun.
    match end.map(|end| (end, expect.now.since(end))) {
        Some((_, late)) if late >= 0 => Err(Reject::SessionExpiredAtIdp(Clock {
            bound: "SessionNotOnOrAfter",
            off_by_seconds: late,
        })),
        _ => Ok(end),
    }
}

/// When the user authenticated; the earliest time where there are several statements. Nobody did later than the assertion that
/// says so was made, by the same clock: otherwise one with an `AuthnInstant` ahead of it would outlive a logout that came in
/// between (Core 3.7.3.1).
pub(super) fn authn_instant(assertion: &Assertion) -> Result<Timestamp, Reject> {
    let instants = assertion.authn_statements.iter().map(|s| s.authn_instant);
    let missing = super::reject::Shape::Element("AuthnStatement");
    let earliest = instants.min().ok_or_else(|| super::assertion::malformed(missing))?;
    Ok(earliest.min(assertion.issue_instant))
}

/// The request that is answered is the one in the signed confirmation; the response must not name another one (Profiles
/// 4.1.4.3).
///
/// # Errors
/// [`Reject::InResponseToUnknown`].
pub fn read_in_response_to(
    envelope: &Envelope,
    confirmation: &SubjectConfirmation,
) -> Result<Option<RequestId>, Reject> {
    let Some(signed) = &confirmation.in_response_to else {
        // Named only on the outside, where anyone can write it, is the same as not named at all.
        return Ok(None);
    };
    if envelope.in_response_to.as_ref().is_some_and(|outer| outer != signed) {
        return Err(Reject::InResponseToUnknown);
    }
    RequestId::parse(signed)
        .map(Some)
        .map_err(|_| Reject::InResponseToUnknown)
}

/// A response must answer the request that it is expected to answer (Profiles 4.1.4.3, 4.1.5), and say so itself ("if the
/// message is generated in response to a request, the attribute MUST be present", Core 3.2.2).
///
/// # Errors
/// [`Reject::UnsolicitedNotAllowed`] or [`Reject::InResponseToUnknown`].
pub fn check_solicitation(
    envelope: &Envelope,
    found: Option<&RequestId>,
    expected: Solicitation<'_>,
) -> Result<(), Reject> {
    let is_known = match (found, expected) {
        (Some(_), Solicitation::AnyOrNone) => true,
        // Nobody vouches for what only the outside names, but it may refuse.
        (None, Solicitation::AnyOrNone | Solicitation::RequestOrNone(_)) => envelope.in_response_to.is_none(),
        (None, Solicitation::Any | Solicitation::Request(_)) => return Err(Reject::UnsolicitedNotAllowed),
        (Some(_), Solicitation::Any) => envelope.in_response_to.is_some(),
        (Some(found), Solicitation::Request(expected) | Solicitation::RequestOrNone(expected)) => {
            envelope.in_response_to.is_some() && found == expected
        }
    };
    if is_known {
        Ok(())
    } else {
        Err(Reject::InResponseToUnknown)
    }
}

/// The e-mail's domain must be one of the connection's, by the rule that leads sign-ins to it.
fn check_domain(email: &EmailAddress, expect: &Expect<'_>) -> Result<(), Reject> {
    if expect.domains.covers(email.domain()) {
        return Ok(());
    }
    Err(Reject::EmailDomainNotOwned(Mismatch::new(
        &expect.domains.describe(),
        Some(email.domain().as_str()),
    )))
}

impl Expect<'_> {
    /// `bound` must not lie in the future by more than the skew.
    fn has_come(&self, name: &'static str, bound: Timestamp) -> Result<(), Reject> {
        let early = bound.since(self.now);
        if early <= self.skew_seconds {
            return Ok(());
        }
        Err(Reject::NotYetValid(Clock {
            bound: name,
            off_by_seconds: early,
        }))
    }

    /// `bound` must lie in the future, or in the past by less than the skew.
    fn has_not_passed(&self, name: &'static str, bound: Timestamp) -> Result<(), Reject> {
        let late = self.now.since(bound);
        if late < self.skew_seconds {
            return Ok(());
        }
        Err(Reject::Expired(Clock {
            bound: name,
            off_by_seconds: late,
        }))
    }
}
