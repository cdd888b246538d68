//! Times the validation of the responses that `scripts/bench` makes: `measure FOLDER [SECONDS]`.
//!
//! Prints one line of JSON for each: what was done, with which file, and the microseconds that the fastest run took.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a native tool that measures time"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use edge_saml::dsig::{Certificate, Policy, RsaFloor, Sha1};
use edge_saml::saml::connection::{Provider, ServiceProvider, StoredCertificate};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::response::{self, SignatureDemand};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Unsolicited};
use rsa::pkcs1v15;
use rsa::signature::hazmat::PrehashVerifier;
use serde_json::{Value, json};
use sha2::Sha256;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder of the responses");
    let folder = Path::new(&folder);
    let seconds = arguments.next().map_or(1.0, |text| text.parse().expect("seconds"));
    let budget = Duration::from_secs_f64(seconds);

    let facts: Value = serde_json::from_slice(&read(folder, "facts.json")).expect("JSON");
    let fact = |name: &str| facts[name].as_str().expect("a string").to_owned();
    let pem = read(folder, "idp.pem");
    let key = || {
        let certificate = Certificate::read(&pem).expect("a certificate");
        certificate.key(RsaFloor::Standard).expect("a key")
    };
    let keys = [key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let service_provider = ServiceProvider {
        entity_id: fact("audience"),
        acs_url: fact("acs"),
        metadata_url: String::new(),
        slo_url: String::new(),
    };
    let idp_entity_id = EntityId::parse(&fact("issuer")).expect("an entity ID");
    let domains = [Domain::parse("acme.example").expect("a domain")];
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a present");
    let now = Timestamp::from_unix_seconds(i64::try_from(since_1970.as_secs()).expect("a time"));
    let expect = Expect {
        service_provider: &service_provider,
        idp_entity_id: &idp_entity_id,
        provider: Provider::Okta,
        domains: DomainRule::new(&domains, Subdomains::Excluded),
        attribute_map: &AttributeMap::USUAL,
        user_key: None,
        required_attributes: &[],
        unsolicited: Unsolicited::Refused,
        now,
        skew_seconds: 180,
        signatures: SignatureDemand::Either,
    };

    for name in ["small", "large"] {
        let octets = read(folder, &format!("{name}.xml"));
        let validate = || {
            let response = response::open(&octets, &policy).expect("signatures that hold");
            validate::login(&response, &expect).expect("a sign-in")
        };
        assert_eq!(validate().name_id().map(|n| n.value.clone()), Some(fact("email")));
        report(name, "full validation", fastest(budget, validate));
        report(
            name,
            "signatures, and reading the assertion",
            fastest(budget, || {
                response::open(&octets, &policy).expect("signatures that hold")
            }),
        );
    }
    let stored = StoredCertificate::of(&Certificate::read(&pem).expect("a certificate"));
    report(
        "any",
        "reading the key of a stored certificate",
        fastest(budget, || stored.key().expect("a key")),
    );
    bare_rsa(budget);
}

/// Two RSA-2048 verifications by the `rsa` crate, of digests that are known, with a key that is ready.
fn bare_rsa(budget: Duration) {
    use rsa::pkcs8::DecodePrivateKey;
    let key = include_str!("../tests/vectors/keys/idp.key.pem");
    let key = rsa::PrivateKey::from_pkcs8_pem(key).expect("a key");
    let digest = [7_u8; 32];
    let signature = {
        use rsa::signature::hazmat::PrehashSigner;
        let signer = pkcs1v15::SigningKey::<Sha256>::new(key.clone());
        PrehashSigner::<pkcs1v15::Signature>::sign_prehash(&signer, &digest).expect("a signature")
    };
    let verifier = pkcs1v15::VerifyingKey::<Sha256>::new(key.into());
    let verify = || {
        verifier
            .verify_prehash(&digest, &signature)
            .expect("a signature that holds");
    };
    report(
        "any",
        "two bare RSA-2048 verifications",
        fastest(budget, || {
            verify();
            verify();
        }),
    );
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).expect("a file that scripts/bench has made")
}

fn report(file: &str, work: &str, took: Duration) {
    let line = json!({
        "peer": "edge-saml",
        "version": env!("CARGO_PKG_VERSION"),
        "file": file,
        "work": work,
        "us": took.as_secs_f64() * 1e6,
    });
    println!("{line}");
}

/// The fastest of as many runs as fit in `budget`, at least ten: the one that other work on the machine disturbed least.
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
