//! A logout message in a query string, and one by POST: nobody signed what is accepted but the trusted key.
#![no_main]

use edge_saml::saml::binding::inflate;
use edge_saml::saml::{logout, redirect};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let policy = edge_saml_fuzz::policy();
    let _ = inflate(octets);
    let _ = logout::read_unsigned(octets);
    if let Ok(message) = logout::open(octets, &policy) {
        assert!(matches!(message.get().id.as_str(), "_logout" | "_logout-request"), "{message:?}");
    }
    let Ok(query) = core::str::from_utf8(octets) else { return };
    let _ = redirect::read_unsigned_logout(query);
    if let Ok(opened) = redirect::open_logout(query, &policy) {
        let (message, _) = opened.into_parts();
        assert!(matches!(message.get().id.as_str(), "_logout" | "_logout-request"));
    }
});
