//! What several targets need: the key that signed the seeds, and what their connection expects.

use std::sync::LazyLock;

use edge_saml::dsig::{Certificate, Policy, RsaFloor, Sha1, TrustedKey};

static KEYS: LazyLock<[TrustedKey; 1]> = LazyLock::new(|| {
    let certificate = Certificate::read(include_bytes!("../tests/vectors/keys/idp.cert.pem")).unwrap();
    [certificate.key(RsaFloor::Standard).unwrap()]
});

/// Trust in the key of the seeds.
pub fn policy() -> Policy<'static> {
    Policy {
        keys: &*KEYS,
        sha1: Sha1::Refused,
    }
}
