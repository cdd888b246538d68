//! Metadata: the entities, their endpoints and certificates must be the expected ones.

use edge_saml::saml::metadata::{Entity, IdpRole, KeyUsage, Service, read_entities};
use serde_json::{Value, json};

use super::corpus::{Corpus, Unusable, list, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    Ok(match read_entities(&corpus.read(text(case, "file")?)?) {
        Err(error) => Answer::new(Verdict::Invalid, error.code().as_str(), &error),
        Ok(entities) => {
            let found: Vec<Value> = entities.iter().map(listed).collect();
            let expected: Vec<Value> = list(&case["expected"], "entities").iter().map(known).collect();
            let is_another = case.get("expected").is_some() && found != expected;
            Answer::valid(is_another.then(|| format!("expected {expected:?}, found {found:?}")))
        }
    })
}

/// What is read, in the shape of `expected`.
fn listed(entity: &Entity) -> Value {
    let mut listed = json!({"entity_id": entity.entity_id});
    if !entity.identity_providers.is_empty() {
        let roles = &entity.identity_providers;
        let services = |of: fn(&IdpRole) -> &[Service]| -> Vec<Value> {
            let services = roles.iter().flat_map(of);
            services
                .map(|service| json!({"binding": service.binding, "location": service.location}))
                .collect()
        };
        let certificates = roles.iter().flat_map(|role| &role.certificates);
        let certificates = certificates.filter_map(|key| {
            let usage = match key.usage {
                KeyUsage::Both => None,
                KeyUsage::Encryption => Some("encryption"),
                KeyUsage::Signing => Some("signing"),
            };
            let sha256 = key.certificate.as_ref().ok()?.fingerprint().to_string();
            Some(json!({"use": usage, "sha256": sha256}))
        });
        listed["idp"] = json!({
            "descriptors": roles.len(),
            "sso": services(|role| &role.single_sign_on),
            "slo": services(|role| &role.single_logout),
            "certs": certificates.collect::<Vec<_>>(),
            "WantAuthnRequestsSigned": roles.iter().find_map(|role| role.wants_signed_requests.as_deref()),
        });
    }
    listed
}

/// The part of `expected` that the product reads.
fn known(entity: &Value) -> Value {
    let mut known = json!({"entity_id": entity["entity_id"]});
    if let Some(idp) = entity.get("idp") {
        let services = |name: &str| -> Vec<Value> {
            let services = list(idp, name).iter();
            services
                .map(|service| json!({"binding": service["binding"], "location": service["location"]}))
                .collect()
        };
        known["idp"] = json!({
            "descriptors": idp["descriptors"],
            "sso": services("sso"),
            "slo": services("slo"),
            "certs": list(idp, "certs"),
            "WantAuthnRequestsSigned": idp["WantAuthnRequestsSigned"],
        });
    }
    known
}
