//! Cookies of a request: a value stands in the header, and its name stands there once.
#![no_main]

use edge_saml::app::http::{Request, SESSION_COOKIE, cookie};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let mut request = Request::new(Vec::new());
    for line in octets.split(|octet| *octet == b'\n') {
        let Ok(value) = http::HeaderValue::from_bytes(line) else { continue };
        request.headers_mut().append(http::header::COOKIE, value);
    }
    if let Some(value) = cookie(&request, SESSION_COOKIE) {
        assert!(!value.contains(';'));
    }
});
