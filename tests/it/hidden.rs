//! What `Debug` shows of what speaks of a person: nothing (attack A165).

use core::fmt::Debug;

use edge_saml::app::ledger::{Event, Finding, Step};
use edge_saml::dsig::{Policy, Sha1, Unsigned};
use edge_saml::saml::binding::read_post_form;
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::logout::{self, LogoutContent};
use edge_saml::saml::response::{self, SignatureDemand};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Unsolicited};
use edge_saml::saml::{identity, redirect};
use edge_saml::xml::{Document, Profile, Source};

use crate::support::idp::{ACS_URL, AUDIENCE, ENTITY_ID, Idp, Message, NOW, Signed, post_form};

/// Checks what is shown, and that nothing of a person is in it, not even in the long form.
fn shows(value: &dyn Debug, expected: &str) {
    assert_eq!(format!("{value:?}"), expected);
    let long = format!("{value:#?}");
    for personal in ["ada", "Ada", "Lovelace", "acme", "_session", "address"] {
        assert!(!long.contains(personal), "{personal} in {long}");
    }
}

#[test]
fn a165_debug_shows_no_values() {
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let xml = Idp::trusted().respond(&Message::default(), Signed::Both);
    let response = response::open(xml.as_bytes(), &policy).unwrap();
    shows(&response, "VerifiedResponse(..)");
    shows(response.assertion(), "Verified(Assertion(..))");
    let assertion = response.assertion().get();
    shows(assertion, "Assertion(..)");
    shows(&assertion.name_id, "Some(NameId(..))");
    shows(&assertion.authn_statements, "[AuthnStatement(..)]");
    shows(&assertion.attributes[0], "Attribute(..)");
    shows(&assertion.attributes[0].values, "[AttributeValue(..)]");
    let identity = identity::read(assertion, &AttributeMap::USUAL).unwrap();
    shows(&identity, "Identity(..)");
    shows(&identity.email, "EmailAddress(..)");

    // What the sign-in log quotes may be of a person.
    let finding = Finding {
        code: "email_domain_not_owned".to_owned(),
        rule: None,
        detail: "the address ada@acme.test".to_owned(),
        wanted: None,
        got: Some("acme.test".to_owned()),
        off_by_seconds: None,
    };
    shows(&finding, "Finding(..)");
    let event = Event {
        at: Timestamp::from_unix_seconds(0),
        step: Step::ResponseRefused,
        verified: true,
        finding: Some(finding),
        sessions: None,
    };
    shows(&event, "Event(..)");

    let service_provider = ServiceProvider {
        entity_id: AUDIENCE.to_owned(),
        acs_url: ACS_URL.to_owned(),
        metadata_url: String::new(),
        slo_url: String::new(),
    };
    let domains = [Domain::parse("acme.test").unwrap()];
    let expect = Expect {
        service_provider: &service_provider,
        idp_entity_id: &EntityId::parse(ENTITY_ID).unwrap(),
        provider: Provider::Okta,
        domains: DomainRule::new(&domains, Subdomains::Excluded),
        attribute_map: &AttributeMap::USUAL,
        user_key: None,
        required_attributes: &[],
        unsolicited: Unsolicited::Refused,
        now: Timestamp::from_unix_seconds(NOW),
        skew_seconds: validate::DEFAULT_SKEW_SECONDS,
        signatures: SignatureDemand::Either,
    };
    shows(&validate::login(&response, &expect).unwrap(), "Login(..)");
    let confirmed = format!("{:?}", validate::confirm(&response, &expect).unwrap());
    assert!(
        confirmed.starts_with("Confirmed { response: VerifiedResponse(..), "),
        "{confirmed}"
    );

    shows(&read_post_form(post_form(&xml).as_bytes()).unwrap(), "PostForm(..)");
    let source = Source::check(xml.as_bytes(), Profile::SamlMessage).unwrap();
    shows(&source, &format!("Source({} bytes)", xml.len()));
    let document = Document::parse(&source).unwrap();
    shows(&document, "Document { .. }");
    let destination = document
        .root()
        .attributes()
        .find(|attribute| attribute.value == ACS_URL);
    shows(&destination, "Some(Attribute({}Destination))");
}

#[test]
fn a165_debug_of_logout_messages() {
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let message = include_str!("../vectors/cli/logout-request.xml");
    let message = logout::open(message.as_bytes(), &policy).unwrap();
    shows(&message, "Verified(LogoutMessage(..))");
    shows(&message.get().content, "Request(LogoutRequest(..))");
    let LogoutContent::Request(request) = &message.get().content else {
        panic!("a request");
    };
    shows(&request.subject, "LogoutSubject(..)");
    let query = include_str!("../vectors/cli/logout-request.query").trim();
    shows(&redirect::open_logout(query, &policy).unwrap(), "RedirectLogout(..)");
    let ours = include_str!("../vectors/cli/logout-request-unsigned.xml");
    shows(&Unsigned::message(ours.trim()).unwrap(), "Unsigned(..)");
}
