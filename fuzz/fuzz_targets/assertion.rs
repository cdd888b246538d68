//! An assertion read from any element, as if it had been signed: no panic behind the signature either.
#![no_main]

use edge_saml::saml::assertion::Assertion;
use edge_saml::saml::identity;
use edge_saml::xml::{Document, Profile, Source};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let Ok(source) = Source::check(octets, Profile::SamlMessage) else { return };
    let Ok(document) = Document::parse(&source) else { return };
    for element in document.elements() {
        if let Ok(assertion) = Assertion::read(element) {
            let _ = identity::read(&assertion, &edge_saml::saml::settings::AttributeMap::USUAL);
        }
    }
});
