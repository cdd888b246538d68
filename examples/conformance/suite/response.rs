//! Responses of the Web Browser SSO Profile.
//!
//! What a case does not configure is taken from the message itself, after its signature held: the product has no way to
//! leave a rule out. Who the user is does not matter here, so only the rules of the profile are applied.

use std::collections::BTreeSet;

use edge_saml::dsig::{Error, Policy, RsaFloor, Sha1};
use edge_saml::saml::assertion::{AttributeValue, NameId};
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{EntityId, RequestId};
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response::{self, Coverage, SignatureDemand, VerifiedResponse};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Solicitation, Unsolicited};
use edge_saml::xmlenc::{PrivateKey, RsaOaep, UnwrapFailed, UnwrapKey, ready};
use serde_json::{Map, Value, json};

use super::corpus::{Corpus, Unusable, list, optional_text, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let octets = corpus.read(text(case, "file")?)?;
    let private_keys = Keys::of(corpus, case)?;
    let keys = match corpus.trusted_keys(case, RsaFloor::DangerLegacy)? {
        Ok(keys) => keys,
        Err(error) => return Ok(Answer::new(Verdict::Unsupported, error.code().as_str(), &error)),
    };
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Allowed,
    };
    let opened = if private_keys.0.is_empty() {
        response::open(&octets, &policy)
    } else {
        // Nothing that is awaited here ever waits.
        ready(response::open_with(&octets, &policy, &private_keys)).unwrap_or(Err(Reject::DecryptionFailed))
    };
    let checked = opened.and_then(|response| confirm(&response, &case["params"]).map(|()| response));
    Ok(match checked {
        Ok(response) => Answer::valid(difference(&response, case)),
        Err(reject) => refused(&reject),
    })
}

/// The private keys of a case, any of which may be the right one.
struct Keys(Vec<PrivateKey>);

impl Keys {
    fn of(corpus: &Corpus, case: &Value) -> Result<Self, Unusable> {
        let mut files = BTreeSet::new();
        for key in list(case, "keys") {
            if text(key, "role")? == "decryption-key" {
                files.insert(text(key, "file")?);
            }
        }
        let keys = files
            .into_iter()
            .map(|file| Ok(PrivateKey::read(&corpus.read(file)?).ok()));
        let keys: Vec<Option<PrivateKey>> = keys.collect::<Result<_, Unusable>>()?;
        Ok(Self(keys.into_iter().flatten().collect()))
    }
}

impl UnwrapKey for Keys {
    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        let unwrapped = self.0.iter().find_map(|key| key.unwrap(transport, wrapped).ok());
        unwrapped.ok_or(UnwrapFailed)
    }
}

/// The verdict for a reason to refuse.
pub(super) fn refused(reject: &Reject) -> Answer {
    let verdict = match reject {
        Reject::Signature(Error::AlgorithmUnsupported { .. } | Error::AlgorithmWeak { .. } | Error::KeyUnsupported) => {
            Verdict::Unsupported
        }
        // AES-CBC is known, and refused where no signature is around it (attack A91); others are not known.
        Reject::EncryptedAlgRefused { found } if !found.ends_with("-cbc") => Verdict::Unsupported,
        _ => Verdict::Invalid,
    };
    Answer::new(verdict, reject.code().as_str(), reject)
}

/// Applies the rules, in the product's order; those whose value is not configured are left out.
fn confirm(response: &VerifiedResponse, params: &Value) -> Result<(), Reject> {
    let assertion = response.assertion().get();
    let own_acs_url = || assertion.confirmations.iter().find_map(|c| c.recipient.as_deref());
    let (audience, acs) = (optional_text(params, "audience"), optional_text(params, "acs"));
    let idp = optional_text(params, "idp");
    let service_provider = ServiceProvider {
        entity_id: audience.unwrap_or_default().to_owned(),
        acs_url: acs.or_else(own_acs_url).unwrap_or_default().to_owned(),
        metadata_url: String::new(),
        slo_url: String::new(),
    };
    let idp_entity_id = EntityId::parse(idp.unwrap_or("urn:not-configured")).map_err(|_| Reject::ConnectionUnknown)?;
    let expect = Expect {
        service_provider: &service_provider,
        idp_entity_id: &idp_entity_id,
        provider: Provider::Custom,
        domains: DomainRule::new(&[], Subdomains::Excluded),
        attribute_map: &AttributeMap::USUAL,
        user_key: None,
        required_attributes: &[],
        unsolicited: Unsolicited::Refused,
        now: now(params).unwrap_or(assertion.issue_instant),
        skew_seconds: 0,
        signatures: SignatureDemand::Either,
    };
    let request = optional_text(params, "in_response_to")
        .map(RequestId::parse)
        .transpose();
    let request = request.map_err(|_| Reject::InResponseToUnknown)?;
    let solicitation = request.as_ref().map_or(Solicitation::AnyOrNone, Solicitation::Request);
    if audience.and(acs).and(idp).is_some() {
        return validate::confirm(response, &expect)?.answers(solicitation).map(|_| ());
    }
    if idp.is_some() {
        validate::check_issuers(response, &idp_entity_id)?;
    }
    if acs.is_some() {
        validate::check_destination(response.envelope(), &expect)?;
    }
    let confirmation = validate::confirm_bearer(assertion, &expect)?;
    validate::check_conditions(assertion, &expect)?;
    if audience.is_some() {
        validate::check_audience(assertion, &expect)?;
    }
    validate::check_authn(assertion, &expect)?;
    let found = validate::read_in_response_to(response.envelope(), confirmation)?;
    validate::check_solicitation(response.envelope(), found.as_ref(), solicitation)
}

/// The present, where a case has one.
pub(super) fn now(params: &Value) -> Option<Timestamp> {
    Timestamp::parse_xs_date_time(optional_text(params, "now")?)
}

/// How what was read differs from `expected`.
fn difference(response: &VerifiedResponse, case: &Value) -> Option<String> {
    let assertion = response.assertion().get();
    let mut attributes = Map::new();
    for attribute in &assertion.attributes {
        let values = attribute.values.iter().map(|value| match value {
            AttributeValue::Nil => "",
            AttributeValue::Structured(text) | AttributeValue::Text(text) => text,
        });
        let known = attributes.entry(attribute.name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(known) = known {
            known.extend(values.map(Value::from));
        }
    }
    let signed: &[&str] = match response.envelope().coverage {
        Coverage::Assertion => &["assertion"],
        Coverage::Both => &["response", "assertion"],
        Coverage::Response => &["response"],
    };
    let name_id = assertion.name_id.as_ref();
    let found = json!({
        "nameid": name_id.map(NameId::trimmed),
        "nameid_format": name_id.and_then(|name_id| name_id.format.as_ref()),
        "attributes": attributes,
        "signed": signed,
    });
    let expected = case.get("expected")?;
    let mut different = found.as_object()?.iter();
    let (name, value) = different.find(|(name, value)| expected[name.as_str()] != **value)?;
    Some(format!("{name}: expected {}, found {value}", expected[name.as_str()]))
}
