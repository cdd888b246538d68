//! The three verifiers on any document.
#![no_main]

use edge_saml::dsig;
use edge_saml::xml::names::DS;
use edge_saml::xml::{Document, Profile, Source};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let policy = edge_saml_fuzz::policy();
    let Ok(source) = Source::check(octets, Profile::Document) else { return };
    let Ok(document) = Document::parse(&source) else { return };
    for element in document.elements() {
        let _ = dsig::verify(element, &policy);
        let _ = dsig::verify_document(&document, element, &policy);
        if element.is(DS, "Signature") {
            let _ = dsig::verify_detached(&document, element, &policy);
        }
    }
});
