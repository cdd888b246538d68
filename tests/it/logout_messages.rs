//! Logout messages: how long they may be acted on, and the one signature that they have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::dsig::{Error, Policy, Sha1, TrustedKey};
use edge_saml::limits::{LOGOUT_MESSAGE_SECONDS, MAX_LOGOUT_REQUEST_SECONDS};
use edge_saml::saml::id::EntityId;
use edge_saml::saml::logout::{self, LogoutExpect};
use edge_saml::saml::redirect;
use edge_saml::saml::reject::{Clock, Mismatch, Reject, Shape};
use edge_saml::saml::time::Timestamp;
use edge_saml::xml;

use crate::support::idp::{ENTITY_ID, Idp, NOW};

const SKEW: i64 = 180;

/// A `LogoutRequest` of [`NOW`] with these attributes.
fn request(attributes: &str) -> String {
    message("LogoutRequest", attributes, "<saml2:NameID>ada</saml2:NameID>")
}

/// A `LogoutResponse` of [`NOW`].
fn response() -> String {
    let success = "<p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></p:Status>";
    message("LogoutResponse", "", success)
}

fn message(name: &str, attributes: &str, content: &str) -> String {
    let now = Timestamp::from_unix_seconds(NOW).to_rfc3339();
    format!(
        "<p:{name} xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_logout\" Version=\"2.0\" IssueInstant=\"{now}\"{attributes}><saml2:Issuer>{ENTITY_ID}</saml2:Issuer>{content}</p:{name}>"
    )
}

fn not_on_or_after(seconds: i64) -> String {
    let end = Timestamp::from_unix_seconds(NOW + seconds).to_rfc3339();
    format!(" NotOnOrAfter=\"{end}\"")
}

/// The query of the HTTP-Redirect binding, signed.
fn query(name: &str, xml: &str) -> String {
    let deflated = STANDARD.encode(miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6));
    let escaped: String = form_urlencoded::byte_serialize(deflated.as_bytes()).collect();
    Idp::trusted().sign_query(&format!("{name}={escaped}"))
}

fn policy(keys: &[TrustedKey]) -> Policy<'_> {
    Policy {
        keys,
        sha1: Sha1::Refused,
    }
}

/// What is said of `xml`, signed, so many seconds after it was made.
fn after(xml: &str, seconds: i64) -> Result<(), Reject> {
    let keys = [Idp::trusted().trusted_key()];
    let signed = Idp::trusted().sign(xml, "_logout");
    let message = logout::open(signed.as_bytes(), &policy(&keys)).unwrap();
    message.get().check(&LogoutExpect {
        issuer: None,
        destination: None,
        now: Timestamp::from_unix_seconds(NOW + seconds),
        skew_seconds: SKEW,
    })
}

fn expired(bound: &'static str, off_by_seconds: i64) -> Result<(), Reject> {
    Err(Reject::Expired(Clock { bound, off_by_seconds }))
}

#[test]
fn no_message_may_be_acted_on_for_ever() {
    // Without an end of its own, by its age.
    for xml in [request(""), response()] {
        let last = LOGOUT_MESSAGE_SECONDS + SKEW - 1;
        assert_eq!(after(&xml, 0), Ok(()));
        assert_eq!(after(&xml, last), Ok(()));
        assert_eq!(after(&xml, last + 1), expired("IssueInstant", last + 1));
        assert_eq!(after(&xml, 1_000_000_000), expired("IssueInstant", 1_000_000_000));
    }
    // By the end that it has.
    for end in [-60, 1, LOGOUT_MESSAGE_SECONDS, MAX_LOGOUT_REQUEST_SECONDS] {
        let xml = request(&not_on_or_after(end));
        assert_eq!(after(&xml, end + SKEW - 1), Ok(()));
        assert_eq!(after(&xml, end + SKEW), expired("LogoutRequest/@NotOnOrAfter", SKEW));
    }
    // And by its age when that is too far away.
    for end in [MAX_LOGOUT_REQUEST_SECONDS + 1, 100_000_000_000] {
        let xml = request(&not_on_or_after(end));
        let last = MAX_LOGOUT_REQUEST_SECONDS + SKEW - 1;
        assert_eq!(after(&xml, last), Ok(()));
        assert_eq!(after(&xml, last + 1), expired("IssueInstant", last + 1));
    }
}

#[test]
fn the_end_is_told_to_who_must_remember() {
    let keys = [Idp::trusted().trusted_key()];
    for (xml, seconds) in [
        (request(""), LOGOUT_MESSAGE_SECONDS),
        (response(), LOGOUT_MESSAGE_SECONDS),
        (request(&not_on_or_after(7)), 7),
        (
            request(&not_on_or_after(MAX_LOGOUT_REQUEST_SECONDS + 7)),
            MAX_LOGOUT_REQUEST_SECONDS,
        ),
    ] {
        let signed = Idp::trusted().sign(&xml, "_logout");
        let message = logout::open(signed.as_bytes(), &policy(&keys)).unwrap();
        let end = Timestamp::from_unix_seconds(NOW + seconds);
        assert_eq!(message.get().not_on_or_after(), end, "{xml}");
    }
}

/// "The Format attribute MUST be omitted or have a value of urn:oasis:names:tc:SAML:2.0:nameid-format:entity" (Profiles 4.4.4.1).
#[test]
fn an_issuer_is_an_entity() {
    let keys = [Idp::trusted().trusted_key()];
    let formats = "urn:oasis:names:tc:SAML";
    for (format, is_entity) in [
        (String::new(), true),
        (format!(" Format=\"{formats}:2.0:nameid-format:entity\""), true),
        (format!(" Format=\"{formats}:2.0:nameid-format:persistent\""), false),
        (format!(" Format=\"{formats}:1.1:nameid-format:unspecified\""), false),
    ] {
        for xml in [request(""), response()] {
            let xml = xml.replace("<saml2:Issuer>", &format!("<saml2:Issuer{format}>"));
            let signed = Idp::trusted().sign(&xml, "_logout");
            let message = logout::open(signed.as_bytes(), &policy(&keys)).unwrap();
            let checked = message.get().check(&LogoutExpect {
                issuer: Some(&EntityId::parse(ENTITY_ID).unwrap()),
                destination: None,
                now: Timestamp::from_unix_seconds(NOW),
                skew_seconds: SKEW,
            });
            let mismatch = Mismatch::new(ENTITY_ID, Some(ENTITY_ID));
            let expected = if is_entity {
                Ok(())
            } else {
                Err(Reject::IssuerMismatch(mismatch))
            };
            assert_eq!(checked, expected, "{format}");
        }
    }
}

#[test]
fn a_parameter_holds_what_it_is_called() {
    let keys = [Idp::trusted().trusted_key()];
    for (name, xml) in [("SAMLResponse", request("")), ("SAMLRequest", response())] {
        let query = query(name, &xml);
        let refusal = redirect::open_logout(&query, &policy(&keys)).unwrap_err();
        assert_eq!(refusal, Reject::FormMalformed, "{name}");
        let unsigned = query.split_once('&').unwrap().0;
        assert_eq!(
            redirect::read_unsigned_logout(unsigned).unwrap_err(),
            Reject::FormMalformed
        );
    }
}

/// SAML Core 3.2.1, 3.2.2, 3.7: each message is signed all right, and refused for its shape alone.
#[test]
fn a_message_has_the_shape_of_its_schema() {
    let keys = [Idp::trusted().trusted_key()];
    let verdict = |xml: &str| {
        let signed = Idp::trusted().sign(xml, "_logout");
        let opened = logout::open(signed.as_bytes(), &policy(&keys)).map(|_| ());
        let unsigned = logout::read_unsigned(xml.as_bytes()).map(|_| ());
        assert_eq!(opened, unsigned, "{xml}");
        opened
    };
    let malformed = |shape| Err(Reject::ResponseMalformed(shape));
    for (xml, all) in [(request(""), "LogoutRequest/*"), (response(), "LogoutResponse/*")] {
        assert_eq!(verdict(&xml), Ok(()));
        for version in [
            "",
            " Version=\"\"",
            " Version=\"2.1\"",
            " Version=\"1.1\"",
            " Version=\"2.0 \"",
        ] {
            let xml = xml.replace(" Version=\"2.0\"", version);
            assert_eq!(verdict(&xml), malformed(Shape::Version), "{version}");
        }
        let after_issuer = |inside: &str| xml.replace("</saml2:Issuer>", &format!("</saml2:Issuer>{inside}"));
        for unknown in [
            "<saml2:Bogus/>",
            "<saml2:Assertion/>",
            "<p:Bogus/>",
            "<p:NameID/>",
            "<x xmlns=\"urn:example:x\"/>",
            "<NameID/>",
        ] {
            assert_eq!(
                verdict(&after_issuer(unknown)),
                malformed(Shape::Element(all)),
                "{unknown}"
            );
        }
        for text in ["x", "<![CDATA[x]]>", "\u{a0}"] {
            let refusal = Err(Reject::Xml(xml::Error::TextBetweenElements));
            assert_eq!(verdict(&after_issuer(text)), refusal, "{text:?}");
        }
        assert_eq!(verdict(&after_issuer("\n\t <![CDATA[ ]]>")), Ok(()));
        let extensions = "<p:Extensions><x/></p:Extensions>";
        assert_eq!(verdict(&after_issuer(extensions)), Ok(()));
        assert_eq!(
            verdict(&after_issuer(&extensions.repeat(2))),
            Err(Reject::Xml(xml::Error::ChildRepeated))
        );
    }
}

/// Bindings 3.4.4.1: a message in a query has no signature inside, not even one that holds.
#[test]
fn a_query_has_one_signature() {
    let keys = [Idp::trusted().trusted_key()];
    let open = |query: &str| redirect::open_logout(query, &policy(&keys));
    for (name, xml) in [("SAMLRequest", request("")), ("SAMLResponse", response())] {
        let opened = open(&query(name, &xml)).unwrap();
        let (message, relay_state) = opened.into_parts();
        assert_eq!((message.get().id.as_str(), relay_state), ("_logout", None));

        let good = Idp::trusted().sign(&xml, "_logout");
        assert!(logout::open(good.as_bytes(), &policy(&keys)).is_ok());
        let bad = good
            .replace(">ada<", ">eve<")
            .replace("Version=\"2.0\"", "Version=\"2.0\" Reason=\"x\"");
        let other = Idp::other().sign(&xml, "_logout");
        let empty = xml.replace(
            "</saml2:Issuer>",
            "</saml2:Issuer><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>",
        );
        let hidden = xml.replace(
            "</saml2:Issuer>",
            "</saml2:Issuer><p:Extensions><x><s:Signature xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\"/></x></p:Extensions>",
        );
        for inside in [good, bad, other, empty, hidden] {
            let refusal = open(&query(name, &inside)).unwrap_err();
            assert_eq!(refusal, Reject::Signature(Error::WrongTarget), "{inside}");
        }
    }
}
