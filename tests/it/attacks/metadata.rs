//! Metadata and what we write: A138, A139, A156 to A158.

use edge_saml::code::Code;
use edge_saml::saml::authn_request::AuthnRequest;
use edge_saml::saml::connection::ServiceProvider;
use edge_saml::saml::id::{EndpointUrl, EntityId};
use edge_saml::saml::metadata::{read_identity_provider, write_service_provider};
use edge_saml::saml::settings::RequestSettings;
use edge_saml::saml::time::Timestamp;
use edge_saml::xml::{Document, Profile, Source};

use crate::support::idp::Idp;

fn verdict(xml: &str) -> &'static str {
    read_identity_provider(xml.as_bytes(), None).map_or_else(|error| error.code().as_str(), |_| "accepted")
}

#[test]
fn a138_markup_in_what_is_written() {
    let hostile = "\"><script>alert(1)</script>&amp;'\u{1}\r\n<!--";
    let service_provider = ServiceProvider {
        entity_id: hostile.to_owned(),
        acs_url: hostile.to_owned(),
        metadata_url: hostile.to_owned(),
        slo_url: hostile.to_owned(),
    };
    let settings = RequestSettings {
        requested_authn_context: vec![hostile.to_owned()],
        name_id_format: Some(hostile.to_owned()),
        ..RequestSettings::default()
    };
    let destination = EndpointUrl::parse("https://idp.example/sso?a=1&b=%22%3E'\"<x>").unwrap();
    let request = AuthnRequest::new(
        &[7; 32],
        Timestamp::from_unix_seconds(0),
        &destination,
        &service_provider,
        &settings,
    );
    for xml in [
        request.to_xml(),
        write_service_provider(&service_provider, false, &[], None),
    ] {
        assert!(!xml.contains("<script") && !xml.contains("<!--"), "{xml}");
        // A control character has no place in XML; without it, what is read is what was written.
        let source = Source::check(xml.as_bytes(), Profile::SamlMessage);
        assert!(source.is_ok() || xml.contains('\u{1}'), "{xml}");
    }
    let service_provider = ServiceProvider {
        entity_id: hostile.replace('\u{1}', ""),
        ..service_provider
    };
    let request = AuthnRequest::new(
        &[7; 32],
        Timestamp::from_unix_seconds(0),
        &destination,
        &service_provider,
        &settings,
    )
    .to_xml();
    let request = request.replace('\u{1}', "");
    let source = Source::check(request.as_bytes(), Profile::SamlMessage).unwrap();
    let document = Document::parse(&source).unwrap();
    let issuer = document.root().children().next().unwrap();
    assert_eq!(issuer.text().unwrap(), service_provider.entity_id);
    assert_eq!(document.root().children().count(), 3);
}

#[test]
fn a139_endpoints_of_other_schemes() {
    let good = Idp::trusted().metadata();
    assert_eq!(verdict(&good), "accepted");
    for location in [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://acme.okta.example/sso",
        "//acme.okta.example/sso",
        "/sso",
        "https://",
        "https://user:password@acme.okta.example/sso",
        "https://acme.okta.example/sso#x",
        "ftp://acme.okta.example/",
        " javascript:alert(1)",
    ] {
        let xml = good
            .replace("https://acme.okta.example/sso", location)
            .replace("https://acme.okta.example/post", location);
        assert_eq!(verdict(&xml), "no_sso_endpoint", "{location}");
    }
}

#[test]
fn a156_which_entity() {
    let good = Idp::trusted().metadata();
    let md = "urn:oasis:names:tc:SAML:2.0:metadata";
    let wrapped = |inside: &str| format!("<md:EntitiesDescriptor xmlns:md=\"{md}\">{inside}</md:EntitiesDescriptor>");
    let other = good.replace("http://www.okta.com/exk1test", "http://www.okta.com/other");
    assert_eq!(verdict(&wrapped(&good)), "accepted");
    assert_eq!(verdict(&wrapped(&format!("{good}{other}"))), "several_entities");
    assert_eq!(verdict(&wrapped(&format!("{good}{good}"))), "several_entities");
    assert_eq!(verdict(&wrapped("")), "no_idp_role");
    let from = good.find("<md:IDPSSODescriptor").unwrap();
    let to = good.find("</md:EntityDescriptor>").unwrap();
    let role = &good[from..to];
    assert_eq!(verdict(&good.replace(role, &role.repeat(2))), "several_entities");
    assert_eq!(
        verdict(&good.replace("SAML:2.0:protocol\"", "SAML:1.1:protocol\"")),
        "no_idp_role"
    );
    assert_eq!(
        verdict(&good.replace("IDPSSODescriptor", "SPSSODescriptor")),
        "is_sp_metadata"
    );
    assert_eq!(
        verdict(&good.replace("IDPSSODescriptor", "AffiliationDescriptor")),
        "no_idp_role"
    );
    assert_eq!(verdict(&good.replace(md, "urn:example:x")), "metadata_malformed");
    // One that stands elsewhere is none: beside one that does, it is not seen, and it cannot be asked for.
    let other_id = EntityId::parse("http://www.okta.com/other").unwrap();
    let extensions = |inside: &str| format!("<md:Extensions>{inside}</md:Extensions>");
    let quoted = extensions(&other);
    let within = |tag: &str, inside: &str| good.replacen(tag, &format!("{inside}{tag}"), 1);
    for xml in [
        within("<md:IDPSSODescriptor", &other),
        within("</md:EntityDescriptor>", &other),
        within("<md:IDPSSODescriptor", &quoted),
        within("<md:IDPSSODescriptor", &extensions(&wrapped(&other))),
        within("<md:KeyDescriptor", &quoted),
        wrapped(&format!("{quoted}{good}")),
        wrapped(&format!("{good}<x>{other}</x>")),
    ] {
        let read = |wanted| read_identity_provider(xml.as_bytes(), wanted);
        assert_eq!(
            read(None).unwrap().entity_id.as_str(),
            "http://www.okta.com/exk1test",
            "{xml}"
        );
        assert_eq!(read(Some(&other_id)).unwrap_err().code(), Code::NoIdpRole, "{xml}");
    }
    assert_eq!(verdict(&wrapped(&quoted)), "no_idp_role");
}

#[test]
fn a157_keys_for_signing() {
    let good = Idp::trusted().metadata();
    let keys = |xml: &str| read_identity_provider(xml.as_bytes(), None).map(|provider| provider.keys().len());
    assert_eq!(keys(&good), Ok(1));
    assert_eq!(keys(&good.replace(" use=\"signing\"", "")), Ok(1));
    for other in ["encryption", "", "Signing", "signing "] {
        let xml = good.replace("use=\"signing\"", &format!("use=\"{other}\""));
        assert_eq!(verdict(&xml), "no_signing_key", "{other:?}");
    }
    // A certificate that stands elsewhere, as the one of the metadata's own signature does, is no key.
    let from = good.find("<md:KeyDescriptor").unwrap();
    let to = good.find("<md:SingleSignOnService").unwrap();
    let key = &good[from..to];
    let elsewhere = good
        .replace(key, "")
        .replace("<md:IDPSSODescriptor", &format!("{key}<md:IDPSSODescriptor"));
    assert_eq!(verdict(&elsewhere), "no_signing_key");
    // Nor is one of the same entity's role as a service provider. What we sign ourselves: tests/it/slo.rs.
    let theirs = Idp::other().metadata();
    let (from, to) = (
        theirs.find("<md:KeyDescriptor").unwrap(),
        theirs.find("<md:SingleSignOnService").unwrap(),
    );
    let protocol = "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    let own_key = &theirs[from..to];
    let service_provider = format!("<md:SPSSODescriptor {protocol}>{own_key}</md:SPSSODescriptor>");
    for place in ["<md:IDPSSODescriptor", "</md:EntityDescriptor>"] {
        let both = good.replace(place, &format!("{service_provider}{place}"));
        let read = read_identity_provider(both.as_bytes(), None).unwrap();
        assert_eq!(read.keys(), [Idp::trusted().trusted_key()], "{place}");
        assert_eq!(verdict(&both.replace(key, "")), "no_signing_key", "{place}");
    }
}

#[test]
fn a158_caps_hold_for_metadata_too() {
    let good = Idp::trusted().metadata();
    assert_eq!(
        verdict(&format!("<!DOCTYPE x [<!ENTITY a 'b'>]>{good}")),
        "doctype_forbidden"
    );
    let deep = format!("{}{}", "<x>".repeat(65), "</x>".repeat(65));
    assert_eq!(
        verdict(&good.replace("</md:EntityDescriptor>", &format!("{deep}</md:EntityDescriptor>"))),
        "too_large"
    );
    assert_eq!(verdict(&" ".repeat(5 * 1024 * 1024 + 1)), "too_large");
}
