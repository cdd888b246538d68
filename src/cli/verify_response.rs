//! `verify-response`: a SAML response, as the Worker would judge it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use edge_saml::dsig::Policy;
use edge_saml::saml::assertion::{Assertion, AttributeValue, NameId};
use edge_saml::saml::binding::MessageKind;
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId, Invalid, RequestId};
use edge_saml::saml::identity;
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response::{self, Coverage, SignatureDemand, VerifiedResponse};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Confirmed, DEFAULT_SKEW_SECONDS, Expect, Solicitation, Unsolicited};
use edge_saml::xmlenc::ready;
use serde::Serialize;

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::message;
use super::output::{Failure, Outcome};
use super::verify_xml::sha1;

pub(super) const COMMAND: Command = Command {
    name: "verify-response",
    help: "\
Verifies a SAML response as the Worker does, and prints who it signs in.

Usage: edge-saml verify-response FILE --idp-cert FILE... --idp-entity-id ID --audience ID --acs-url URL --now RFC3339
         [--provider NAME] [--in-response-to ID] [--email-domain D...] [--decryption-key FILE] [--allow-sha1]
         [--allow-unsolicited] [--require-signed-assertion] [--require-signed-response] [--skew-seconds N] [--skip-protocol]

  FILE                 XML, base64 of it or of the deflated message, or a form's body or query with SAMLResponse, as a browser's
                       developer tools show them; - is the standard input
  --idp-cert FILE      a signing certificate of the identity provider in PEM, base64 or DER, or metadata of it alone, whose
                       signing certificates are taken; may be repeated
  --idp-entity-id ID   the identity provider's entity ID (Issuer)
  --audience ID        our entity ID
  --acs-url URL        our assertion consumer service (Destination, Recipient)
  --now RFC3339        the present, such as 2026-07-01T12:00:00Z
  --provider NAME      the connection's provider: okta, entra, google or custom; custom. An Entra connection takes our entity ID
                       with spn: in front of it, too
  --in-response-to ID  the request that must be answered; without it, any request will do
  --email-domain D     a domain that the e-mail address may have; may be repeated; without it, any or no address will do
  --decryption-key FILE  our private RSA key for what is encrypted (PKCS #8 or PKCS #1, in PEM or DER)
  --allow-sha1         accept SHA-1
  --allow-unsolicited  accept a response to no request
  --require-signed-assertion  refuse an assertion that is not signed itself
  --require-signed-response   refuse a response that is not signed itself
  --skew-seconds N     how far the clocks may differ; 180
  --skip-protocol      check the signatures and read the assertion, but leave out time, audience, recipient, destination,
                       InResponseTo and e-mail domain; then --idp-entity-id, --audience, --acs-url and --now may be left out

Left to the connection's settings, which the tool does not have: attribute_map (the usual names are looked for),
match_subdomains (none belong to a domain), user_key and required_attributes.

Accepted: {\"verdict\":\"accepted\",\"name_id\",\"name_id_format\",\"session_index\",\"attributes\":{name:[values]},\"email\",...}
Refused:  {\"verdict\":\"refused\",\"code\",\"detail\",...}; `edge-saml explain CODE` tells what to do.
",
    run,
    spec: Spec {
        operand: "FILE",
        once: &["idp-entity-id", "audience", "acs-url", "now", "provider", "in-response-to", "skew-seconds", "decryption-key"],
        many: &["idp-cert", "email-domain"],
        flags: &[
            "allow-sha1",
            "allow-unsolicited",
            "require-signed-assertion",
            "require-signed-response",
            "skip-protocol",
        ],
    },
};

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.paths("idp-cert").next().is_none() {
        return Err(Failure::usage("--idp-cert is missing"));
    }
    let protocol = Protocol::of(arguments)?;
    let keys = input::certificate_keys(arguments.paths("idp-cert"))?;
    let policy = Policy {
        keys: &keys,
        sha1: sha1(arguments),
    };
    let octets = message::xml(input::read(arguments.operand())?, &[MessageKind::Response])?;
    let decryption_key = arguments
        .paths("decryption-key")
        .next()
        .map(input::private_key)
        .transpose()?;
    let response = match &decryption_key {
        None => response::open(&octets, &policy)?,
        // Nothing that is awaited here ever waits.
        Some(key) => ready(response::open_with(&octets, &policy, key)).ok_or(Reject::DecryptionFailed)??,
    };
    match &protocol {
        None => {
            validate::check_signatures(&response, signatures(arguments))?;
            if let Some(issuer) = issuer(arguments)? {
                validate::check_issuers(&response, &issuer)?;
            }
            Outcome::json(&Accepted::of(&response, None))
        }
        Some(protocol) => {
            let confirmed = protocol.check(&response)?;
            Outcome::json(&Accepted::of(&response, Some(&confirmed)))
        }
    }
}

/// Every value that the rules of a sign-in compare with.
struct Protocol {
    service_provider: ServiceProvider,
    idp_entity_id: EntityId,
    provider: Provider,
    domains: Vec<Domain>,
    now: Timestamp,
    skew_seconds: i64,
    signatures: SignatureDemand,
    in_response_to: Option<RequestId>,
    unsolicited: Unsolicited,
}

impl Protocol {
    /// The values as they were given; none when the protocol is skipped, although what is given must make sense even then.
    fn of(arguments: &Arguments) -> Result<Option<Self>, Failure> {
        let idp_entity_id = issuer(arguments)?;
        let domains = arguments.texts("email-domain")?.into_iter().map(Domain::parse);
        let domains = domains
            .collect::<Result<_, _>>()
            .map_err(|invalid| invalid_value("email-domain", invalid))?;
        let in_response_to = arguments.text("in-response-to")?.map(RequestId::parse).transpose();
        let in_response_to = in_response_to.map_err(|invalid| invalid_value("in-response-to", invalid))?;
        let skew = arguments.text("skew-seconds")?.map(str::parse::<u32>).transpose();
        let skew = skew.map_err(|_| Failure::usage("--skew-seconds: expected a number of seconds"))?;
        let provider = provider(arguments)?;
        let now = arguments.time("now")?;
        let (audience, acs_url) = (arguments.text("audience")?, arguments.text("acs-url")?);
        if arguments.has("skip-protocol") {
            return Ok(None);
        }
        let missing = |name: &str| Failure::usage(&format!("--{name} is missing"));
        Ok(Some(Self {
            service_provider: ServiceProvider {
                entity_id: audience.ok_or_else(|| missing("audience"))?.to_owned(),
                acs_url: acs_url.ok_or_else(|| missing("acs-url"))?.to_owned(),
                metadata_url: String::new(),
                slo_url: String::new(),
            },
            idp_entity_id: idp_entity_id.ok_or_else(|| missing("idp-entity-id"))?,
            provider,
            domains,
            now: now.ok_or_else(|| missing("now"))?,
            skew_seconds: skew.map_or(DEFAULT_SKEW_SECONDS, i64::from),
            signatures: signatures(arguments),
            in_response_to,
            unsolicited: if arguments.has("allow-unsolicited") {
                Unsolicited::Allowed
            } else {
                Unsolicited::Refused
            },
        }))
    }

    /// Applies the rules. With domains it is a whole sign-in, as the Worker does it; without, neither the age of the assertion
    /// nor whose address it is matters.
    fn check<'r>(&self, response: &'r VerifiedResponse) -> Result<Confirmed<'r>, Reject> {
        let expect = Expect {
            service_provider: &self.service_provider,
            idp_entity_id: &self.idp_entity_id,
            provider: self.provider,
            domains: DomainRule::new(&self.domains, Subdomains::Excluded),
            attribute_map: &AttributeMap::USUAL,
            user_key: None,
            required_attributes: &[],
            unsolicited: self.unsolicited,
            now: self.now,
            skew_seconds: self.skew_seconds,
            signatures: self.signatures,
        };
        let confirmed = validate::confirm(response, &expect)?;
        confirmed.answers(self.solicitation())?;
        if !self.domains.is_empty() {
            validate::check_age(&confirmed, &expect)?;
            validate::identify(response, &expect)?;
            validate::stable_name_id(response.assertion().get().name_id.as_ref())?;
        }
        Ok(confirmed)
    }

    fn solicitation(&self) -> Solicitation<'_> {
        match (&self.in_response_to, self.unsolicited) {
            (None, Unsolicited::Allowed) => Solicitation::AnyOrNone,
            (None, Unsolicited::Refused) => Solicitation::Any,
            (Some(request), Unsolicited::Allowed) => Solicitation::RequestOrNone(request),
            (Some(request), Unsolicited::Refused) => Solicitation::Request(request),
        }
    }
}

/// The identity provider's entity ID.
fn issuer(arguments: &Arguments) -> Result<Option<EntityId>, Failure> {
    let issuer = arguments.text("idp-entity-id")?.map(EntityId::parse).transpose();
    issuer.map_err(|invalid| invalid_value("idp-entity-id", invalid))
}

/// Which identity provider it is, by the name that a connection calls it.
fn provider(arguments: &Arguments) -> Result<Provider, Failure> {
    let Some(name) = arguments.text("provider")? else {
        return Ok(Provider::Custom);
    };
    serde_json::from_value(name.into()).map_err(|_| {
        Failure::usage(&format!(
            "--provider: expected okta, entra, google or custom, found {name:?}"
        ))
    })
}

/// What must be signed, as the flags say.
fn signatures(arguments: &Arguments) -> SignatureDemand {
    match (
        arguments.has("require-signed-assertion"),
        arguments.has("require-signed-response"),
    ) {
        (false, false) => SignatureDemand::Either,
        (true, false) => SignatureDemand::Assertion,
        (false, true) => SignatureDemand::Response,
        (true, true) => SignatureDemand::Both,
    }
}

fn invalid_value(name: &str, invalid: Invalid) -> Failure {
    Failure::usage(&format!("--{name}: {invalid}"))
}

#[derive(Serialize)]
struct Accepted<'a> {
    verdict: &'static str,
    name_id: Option<&'a str>,
    name_id_format: Option<&'a str>,
    session_index: Option<&'a str>,
    #[serde(serialize_with = "in_order")]
    attributes: Vec<(&'a str, Vec<Option<Cow<'a, str>>>)>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// Why there is no e-mail address, which a connection would refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_problem: Option<EmailProblem>,
    issuer: &'a str,
    in_response_to: Option<&'a str>,
    assertion_id: &'a str,
    signed: &'static [&'static str],
    issue_instant: String,
    not_on_or_after: Option<String>,
    session_not_on_or_after: Option<String>,
}

#[derive(Serialize)]
struct EmailProblem {
    code: &'static str,
    detail: String,
}

impl<'a> Accepted<'a> {
    /// What the verified assertion says.
    fn of(response: &'a VerifiedResponse, confirmed: Option<&'a Confirmed<'_>>) -> Self {
        let assertion = response.assertion().get();
        let name_id = assertion.name_id.as_ref();
        let statements = &assertion.authn_statements;
        let (email, email_problem) = match identity::read(assertion, &AttributeMap::USUAL) {
            Ok(identity) => (Some(identity.email.as_str().to_owned()), None),
            Err(reject) => {
                let problem = EmailProblem {
                    code: reject.code().as_str(),
                    detail: reject.to_string(),
                };
                (None, Some(problem))
            }
        };
        let in_response_to = match confirmed {
            Some(confirmed) => confirmed.in_response_to().map(RequestId::as_str),
            None => assertion.confirmations.iter().find_map(|c| c.in_response_to.as_deref()),
        };
        let session_end = statements.iter().filter_map(|s| s.session_not_on_or_after).min();
        Self {
            verdict: "accepted",
            name_id: name_id.map(NameId::trimmed),
            name_id_format: name_id.and_then(|n| n.format.as_deref()),
            session_index: statements.iter().find_map(|s| s.session_index.as_deref()),
            attributes: merged(assertion),
            email,
            first_name: identity::first_name(assertion),
            last_name: identity::last_name(assertion),
            email_problem,
            issuer: &assertion.issuer.value,
            in_response_to,
            assertion_id: assertion.id.as_str(),
            signed: match response.envelope().coverage {
                Coverage::Assertion => &["assertion"],
                Coverage::Both => &["response", "assertion"],
                Coverage::Response => &["response"],
            },
            issue_instant: assertion.issue_instant.to_rfc3339(),
            not_on_or_after: validate::not_on_or_after(assertion).map(Timestamp::to_rfc3339),
            session_not_on_or_after: session_end.map(Timestamp::to_rfc3339),
        }
    }
}

/// The attributes by name, in document order; values of a repeated name are put together, in order.
fn merged(assertion: &Assertion) -> Vec<(&str, Vec<Option<Cow<'_, str>>>)> {
    let mut merged: Vec<(&str, Vec<Option<Cow<'_, str>>>)> = Vec::new();
    // Where each name stands: searching for it each time would take longer with the square of their number.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for attribute in &assertion.attributes {
        let values = attribute.values.iter().map(|value| match value {
            AttributeValue::Nil => None,
            AttributeValue::Structured(text) | AttributeValue::Text(text) => Some(Cow::from(text)),
        });
        let place = *places.entry(&attribute.name).or_insert(merged.len());
        match merged.get_mut(place) {
            Some((_, known)) => known.extend(values),
            None => merged.push((&attribute.name, values.collect())),
        }
    }
    merged
}

/// A JSON object whose members stay in order.
fn in_order<S, V>(members: &[(&str, V)], serializer: S) -> Result<S::Ok, S::Error>
where
    S: serde::Serializer,
    V: Serialize,
{
    serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
}
