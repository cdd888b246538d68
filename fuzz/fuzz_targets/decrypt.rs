//! Decryption: of anything that is encrypted in a document, and of whole responses.
#![no_main]

use std::sync::LazyLock;

use edge_saml::saml::response;
use edge_saml::xml::{Document, Profile, Source};
use edge_saml::xmlenc::{Encrypted, PrivateKey, ready};

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::read(include_bytes!("../../tests/vectors/keys/sp.key.pem")).unwrap());

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Some(Ok(response)) = ready(response::open_with(octets, &edge_saml_fuzz::policy(), &*KEY)) {
        let name_id = response.assertion().get().name_id.as_ref().map(|name_id| name_id.value.as_str());
        let known = name_id.is_none_or(|name_id| ["ada", "grace", "zoë"].iter().any(|user| name_id.starts_with(user)));
        assert!(known, "{name_id:?}");
    }
    let Ok(source) = Source::check(octets, Profile::Document) else { return };
    let Ok(document) = Document::parse(&source) else { return };
    for element in document.elements() {
        let _ = Encrypted::read(element);
    }
});
