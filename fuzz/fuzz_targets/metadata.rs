//! Metadata as an administrator pastes it: what is saved can sign someone in.
#![no_main]

use edge_saml::saml::metadata::read_identity_provider;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(provider) = read_identity_provider(octets, None) {
        assert!(provider.sign_on_endpoint().is_some());
        assert_eq!(provider.keys().len(), provider.certificates.len());
        assert!(!provider.certificates.is_empty());
    }
});
