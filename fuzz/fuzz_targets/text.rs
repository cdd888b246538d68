//! Identifiers, addresses and times: what is accepted keeps its promise, and is accepted again as it was written.
#![no_main]

use edge_saml::saml::id::{AssertionId, Domain, EmailAddress, EndpointUrl, EntityId, ReturnPath, same_endpoint};
use edge_saml::saml::time::Timestamp;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(path) = ReturnPath::parse(text) {
        assert!(path.as_str().starts_with('/') && !path.as_str().starts_with("//") && !path.as_str().contains('\\'));
        assert_eq!(ReturnPath::parse(path.as_str()).as_ref(), Ok(&path));
    }
    if let Ok(url) = EndpointUrl::parse(text) {
        assert_eq!(EndpointUrl::parse(url.as_str()).as_ref(), Ok(&url));
        assert!(same_endpoint(url.as_str(), url.as_str()));
        let _ = (url.is_https(), url.is_private());
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
    }
    if let Ok(email) = EmailAddress::parse(text) {
        assert!(email.as_str().is_ascii() && email.as_str().ends_with(&format!("@{}", email.domain())));
        assert_eq!(EmailAddress::parse(email.as_str()).as_ref(), Ok(&email));
    }
    if let Some(time) = Timestamp::parse_xs_date_time(text) {
        assert_eq!(Timestamp::parse_xs_date_time(&time.to_rfc3339()), Some(time), "{text}");
    }
    let _ = (EntityId::parse(text), AssertionId::parse(text), Timestamp::parse_rfc3339(text));
    let (left, right) = text.split_once(' ').unwrap_or((text, text));
    let _ = same_endpoint(left, right);
});
