//! What `measure.mjs` calls: a slot for each input, and one validation from octets to a sign-in.

use std::cell::RefCell;

use edge_saml::dsig::{Certificate, Policy, RsaFloor, Sha1, TrustedKey};
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::response::{self, SignatureDemand};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Unsolicited};

/// The response, the facts (JSON), the certificate (PEM).
const SLOTS: usize = 3;

struct World {
    key: TrustedKey,
    service_provider: ServiceProvider,
    idp_entity_id: EntityId,
    domain: Domain,
    now: Timestamp,
}

thread_local! {
    static INPUT: RefCell<[Vec<u8>; SLOTS]> = RefCell::default();
    static WORLD: RefCell<Option<World>> = RefCell::default();
}

/// Makes room for `length` octets in a slot; gives where to write them.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(slot: usize, length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input[slot] = vec![0; length];
        input[slot].as_mut_ptr()
    })
}

/// Reads the facts and the key.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(now: f64) {
    INPUT.with_borrow(|[_, facts, pem]| {
        let facts: serde_json::Value = serde_json::from_slice(facts).expect("JSON");
        let fact = |name: &str| facts[name].as_str().expect("a string").to_owned();
        let world = World {
            key: Certificate::read(pem).and_then(|c| c.key(RsaFloor::Standard)).expect("a key"),
            service_provider: ServiceProvider {
                entity_id: fact("audience"),
                acs_url: fact("acs"),
                metadata_url: String::new(),
                slo_url: String::new(),
            },
            idp_entity_id: EntityId::parse(&fact("issuer")).expect("an entity ID"),
            domain: Domain::parse("acme.example").expect("a domain"),
            now: Timestamp::from_unix_seconds(now as i64),
        };
        WORLD.set(Some(world));
    });
}

/// Validates the response in the first slot; 1 when it is a sign-in.
#[unsafe(no_mangle)]
pub extern "C" fn validate_response() -> u32 {
    WORLD.with_borrow(|world| {
        let world = world.as_ref().expect("a call of prepare");
        let expect = Expect {
            service_provider: &world.service_provider,
            idp_entity_id: &world.idp_entity_id,
            provider: Provider::Okta,
            domains: std::slice::from_ref(&world.domain),
            attribute_map: &AttributeMap::USUAL,
            user_key: None,
            required_attributes: &[],
            unsolicited: Unsolicited::Refused,
            now: world.now,
            skew_seconds: 180,
            signatures: SignatureDemand::Either,
        };
        let policy = Policy {
            keys: std::slice::from_ref(&world.key),
            sha1: Sha1::Refused,
        };
        let login = INPUT.with_borrow(|[octets, ..]| {
            response::open(octets, &policy).and_then(|response| validate::login(&response, &expect))
        });
        u32::from(login.is_ok())
    })
}

/// Two RSA verifications with no XML around them: of a signature that does not hold, which costs the same.
#[unsafe(no_mangle)]
pub extern "C" fn two_bare_verifications() -> u32 {
    use edge_saml::dsig::{DigestAlgorithm, SignatureAlgorithm};
    WORLD.with_borrow(|world| {
        let key = &world.as_ref().expect("a call of prepare").key;
        let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
        let verify = || u32::from(key.verify(algorithm, b"text", &[1; 256]).is_ok());
        verify() + verify()
    })
}
