//! Certificates and public keys in any armour, and signatures by the keys that were read.
#![no_main]

use edge_saml::dsig::{Certificate, DigestAlgorithm, RsaFloor, SignatureAlgorithm, TrustedKey};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let _ = Certificate::read_all(octets);
    let certificate = Certificate::read(octets).map(|certificate| {
        let _ = (certificate.subject(), certificate.not_before(), certificate.not_after(), certificate.fingerprint());
        certificate.key(RsaFloor::DangerLegacy)
    });
    let keys = [certificate.ok().and_then(Result::ok), TrustedKey::read(octets, RsaFloor::DangerLegacy).ok()];
    for key in keys.into_iter().flatten() {
        for algorithm in [
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
            SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha512),
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384),
        ] {
            assert!(key.verify(algorithm, b"message", octets).is_err());
        }
    }
});
