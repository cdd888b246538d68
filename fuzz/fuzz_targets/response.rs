//! A response as the assertion consumer service reads it: whoever is signed in is one whom the seeds speak of.
#![no_main]

use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::response::{self, SignatureDemand};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Unsolicited};

const AUDIENCE: &str = "https://sp.example/sso/saml/conn_abcdefghij234567klmn";

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let Ok(response) = response::open(octets, &edge_saml_fuzz::policy()) else { return };
    let service_provider = ServiceProvider {
        entity_id: AUDIENCE.to_owned(),
        acs_url: format!("{AUDIENCE}/acs"),
        metadata_url: String::new(),
        slo_url: String::new(),
    };
    let login = validate::login(
        &response,
        &Expect {
            service_provider: &service_provider,
            idp_entity_id: &EntityId::parse("http://www.okta.com/exk1test").unwrap(),
            provider: Provider::Okta,
            domains: DomainRule::new(&[Domain::parse("acme.test").unwrap()], Subdomains::Excluded),
            attribute_map: &AttributeMap::USUAL,
            user_key: None,
            required_attributes: &[],
            unsolicited: Unsolicited::Refused,
            now: Timestamp::from_unix_seconds(1_782_907_200),
            skew_seconds: validate::DEFAULT_SKEW_SECONDS,
            signatures: SignatureDemand::Either,
        },
    );
    if let Ok(login) = login {
        let name_id = login.name_id().map(|name_id| name_id.value.as_str());
        assert!(matches!(login.email().as_str(), "ada@acme.test" | "grace@acme.test"), "{login:?}");
        assert!(
            matches!(name_id, Some("ada" | "ada-0001" | "ada&0001" | "ada@acme.test" | "grace@acme.test")),
            "{login:?}"
        );
    }
});
