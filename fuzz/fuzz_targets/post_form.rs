//! The body of a POST to the assertion consumer service.
#![no_main]

use edge_saml::limits::{MAX_RELAY_STATE_BYTES, MAX_SAML_MESSAGE_BYTES};
use edge_saml::saml::binding::read_post_form;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(form) = read_post_form(octets) {
        assert!(form.message.len() <= MAX_SAML_MESSAGE_BYTES);
        assert!(form.relay_state.is_none_or(|state| state.len() <= MAX_RELAY_STATE_BYTES));
    }
});
