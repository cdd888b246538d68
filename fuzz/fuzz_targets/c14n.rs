//! A canonical form is well-formed, and is its own canonical form.
#![no_main]

use edge_saml::xml::c14n::{Canonicalization, Comments, Method};
use edge_saml::xml::{Document, Error, Profile, Source};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let Some((choice, octets)) = octets.split_first() else { return };
    let method = match choice & 3 {
        0 => Method::Inclusive10,
        1 => Method::Inclusive11,
        _ => Method::Exclusive,
    };
    let comments = if choice & 4 == 0 { Comments::Drop } else { Comments::Keep };
    let prefixes: &[&str] = if choice & 8 == 0 { &[] } else { &["#default", "a", "xs"] };
    let form = Canonicalization::new(method, comments).with_inclusive_prefixes(prefixes);
    let Some(once) = canonicalize(octets, &form) else { return };
    match Source::check(&once, Profile::Document) {
        // Quotes and declarations can grow past a cap.
        Err(Error::NamespaceTooLong | Error::TooLarge | Error::TooManyDeclarations | Error::TooManyMarks) => {}
        Err(error) => panic!("{error:?}"),
        Ok(_) => assert_eq!(canonicalize(&once, &form).as_ref(), Some(&once), "{}", String::from_utf8_lossy(&once)),
    }
});

fn canonicalize(octets: &[u8], form: &Canonicalization<'_>) -> Option<Vec<u8>> {
    let source = Source::check(octets, Profile::Document).ok()?;
    let document = Document::parse(&source).ok()?;
    form.canonicalize_document(&document, &[]).ok()
}
