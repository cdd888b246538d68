//! Times `gamlastan` and `samael`, each behind a feature of its name: `edge-saml-peers FOLDER SECONDS`.
//!
//! Keys and metadata are read once. Each run begins with the document's text and ends with the identity that the peer
//! gives; what is accepted is checked once.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder of the responses");
    let folder = Path::new(&folder);
    let seconds = arguments.next().expect("seconds").parse().expect("seconds");
    let _budget = Duration::from_secs_f64(seconds);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file that scripts/bench has made");
    let facts: Value = serde_json::from_str(&read("facts.json")).expect("JSON");
    let _facts = Facts {
        pem: read("idp.pem"),
        issuer: fact(&facts, "issuer"),
        acs: fact(&facts, "acs"),
        audience: fact(&facts, "audience"),
        in_response_to: fact(&facts, "in_response_to"),
        email: fact(&facts, "email"),
    };
    for _name in ["small", "large"] {
        let _xml = read(&format!("{_name}.xml"));
        #[cfg(feature = "gamlastan")]
        gamlastan_peer::measure(_name, &_xml, &_facts, _budget);
        #[cfg(feature = "samael")]
        samael_peer::measure(_name, &_xml, &_facts, _budget);
    }
}

#[cfg_attr(not(all(feature = "gamlastan", feature = "samael")), allow(dead_code))]
struct Facts {
    pem: String,
    issuer: String,
    acs: String,
    audience: String,
    in_response_to: String,
    email: String,
}

fn fact(facts: &Value, name: &str) -> String {
    facts[name].as_str().expect("a string").to_owned()
}

#[cfg(feature = "gamlastan")]
mod gamlastan_peer {
    use gamlastan::core::protocol::response::ResponseRef;
    use gamlastan::crypto::keys::loader;
    use gamlastan::crypto::{KeyUsage, KeysManager, SamlVerifier, VerifyResult};
    use gamlastan::profiles::sso::sp::process_response_with_verified_signatures;
    use gamlastan::profiles::sso::web_browser::AuthnResult;
    use gamlastan::security::config::SecurityConfig;
    use gamlastan::security::replay::ReplayCache;
    use gamlastan::xml::{parse_saml, parse_secure};

    use super::*;

    /// The same response comes again and again, so the cache forgets at once.
    struct Forgetful;

    impl ReplayCache for Forgetful {
        fn check_and_insert(&self, _: &str, _: chrono::DateTime<chrono::Utc>) -> bool {
            true
        }

        fn cleanup(&self) {}
    }

    pub fn measure(file: &str, xml: &str, facts: &Facts, budget: Duration) {
        let mut key = loader::load_pem_auto(facts.pem.as_bytes(), None).expect("a key");
        key.usage = KeyUsage::Verify;
        let mut keys = KeysManager::new();
        keys.add_key(key);
        let verifier = SamlVerifier::new(keys);
        let config = SecurityConfig {
            // The files may be some minutes old.
            max_assertion_age_seconds: 365 * 24 * 3600,
            ..SecurityConfig::new()
        };

        let signatures = || {
            let results = verifier.verify_all_enveloped(xml).expect("signatures");
            let ids: Vec<String> = results.iter().flat_map(signed_ids).collect();
            assert_eq!(ids.len(), 2, "both signatures hold");
            ids
        };
        let validate = || -> AuthnResult {
            let ids = signatures();
            let document = parse_secure(xml).expect("XML");
            let response = parse_saml::<ResponseRef>(&document).expect("a response").to_owned();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            process_response_with_verified_signatures(
                &response,
                &config,
                &Forgetful,
                &facts.audience,
                &facts.acs,
                Some(&facts.in_response_to),
                &facts.issuer,
                &ids,
                chrono::Utc::now(),
            )
            .expect("a sign-in")
        };
        assert_eq!(validate().name_id, facts.email);
        report("gamlastan", "0.9.1", file, "full validation", fastest(budget, validate));
        report("gamlastan", "0.9.1", file, "parse and signatures", fastest(budget, signatures));
    }

    fn signed_ids(result: &VerifyResult) -> Vec<String> {
        match result {
            VerifyResult::Valid { references, .. } => references
                .iter()
                .filter(|r| r.digest_verified)
                .filter_map(|r| r.uri.strip_prefix('#').map(str::to_owned))
                .collect(),
            VerifyResult::Invalid { reason } => panic!("{reason}"),
        }
    }
}

#[cfg(feature = "samael")]
mod samael_peer {
    use samael::metadata::{EntityDescriptor, EntityDescriptorType};
    use samael::service_provider::ServiceProvider;

    use super::*;

    pub fn measure(file: &str, xml: &str, facts: &Facts, budget: Duration) {
        let body: String = facts.pem.lines().filter(|line| !line.starts_with('-')).collect();
        let metadata = format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\"><md:IDPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://acme.okta.example/sso\"/>\
             </md:IDPSSODescriptor></md:EntityDescriptor>",
            facts.issuer
        );
        let EntityDescriptorType::EntityDescriptor(metadata) = metadata.parse().expect("metadata") else {
            panic!("one entity")
        };
        let metadata: EntityDescriptor = *Box::new(metadata);
        let service_provider = ServiceProvider {
            entity_id: Some(facts.audience.clone()),
            acs_url: Some(facts.acs.clone()),
            idp_metadata: metadata,
            // The files may be some minutes old.
            max_issue_delay: chrono::Duration::days(365),
            ..ServiceProvider::default()
        };
        let validate = || {
            let requests = [facts.in_response_to.as_str()];
            service_provider.parse_xml_response(xml, Some(&requests)).expect("a sign-in")
        };
        let subject = validate().subject.and_then(|s| s.name_id).expect("a subject");
        assert_eq!(subject.value, facts.email);
        report("samael", "0.0.22", file, "full validation", fastest(budget, validate));
    }
}

#[allow(dead_code)]
fn report(peer: &str, version: &str, file: &str, work: &str, took: Duration) {
    let us = took.as_secs_f64() * 1e6;
    println!("{}", json!({ "peer": peer, "version": version, "file": file, "work": work, "us": us }));
}

/// The fastest of as many runs as fit in `budget`, at least ten: the one that other work on the machine disturbed least.
#[allow(dead_code)]
fn fastest<T>(budget: Duration, run: impl Fn() -> T) -> Duration {
    let begin = Instant::now();
    let mut runs = 0_u32;
    let mut fastest = Duration::MAX;
    while runs < 10 || begin.elapsed() < budget {
        let start = Instant::now();
        black_box(run());
        fastest = fastest.min(start.elapsed());
        runs += 1;
    }
    fastest
}
