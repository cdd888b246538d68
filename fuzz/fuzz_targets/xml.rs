//! Preflight and parser, by each profile: no panic, and what passes can be read.
#![no_main]

use edge_saml::xml::{Document, Profile, Source};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
        let Ok(source) = Source::check(octets, profile) else { continue };
        let Ok(document) = Document::parse(&source) else { continue };
        for element in document.elements() {
            let _ = (element.text(), element.has_only_element_content(), element.attribute("ID"), element.parent());
        }
    }
});
