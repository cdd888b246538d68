//! The rules of the profile, one by one: a response that breaks exactly one of them is refused with its code.

use edge_saml::dsig::{Policy, Sha1};
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response::{self, SignatureDemand, VerifiedResponse};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Login, Unsolicited};

use crate::support::idp::{ACS_URL, AUDIENCE, ENTITY_ID, Idp, Message, NOW, Signed};

fn login(xml: &str) -> Result<Login, Reject> {
    login_at(xml, NOW, Provider::Okta)
}

fn login_at(xml: &str, now: i64, provider: Provider) -> Result<Login, Reject> {
    let keys = [Idp::trusted().trusted_key()];
    let response = response::open(
        xml.as_bytes(),
        &Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        },
    )?;
    decide(&response, now, provider, SignatureDemand::Either)
}

fn login_demanding(response: &VerifiedResponse, signatures: SignatureDemand) -> Result<Login, Reject> {
    decide(response, NOW, Provider::Okta, signatures)
}

fn decide(
    response: &VerifiedResponse,
    now: i64,
    provider: Provider,
    signatures: SignatureDemand,
) -> Result<Login, Reject> {
    let service_provider = ServiceProvider {
        entity_id: AUDIENCE.to_owned(),
        acs_url: ACS_URL.to_owned(),
        metadata_url: String::new(),
        slo_url: String::new(),
    };
    validate::login(
        response,
        &Expect {
            service_provider: &service_provider,
            idp_entity_id: &EntityId::parse(ENTITY_ID).unwrap(),
            provider,
            domains: DomainRule::new(&[Domain::parse("acme.test").unwrap()], Subdomains::Excluded),
            attribute_map: &AttributeMap::USUAL,
            user_key: None,
            required_attributes: &[],
            unsolicited: Unsolicited::Refused,
            now: Timestamp::from_unix_seconds(now),
            skew_seconds: validate::DEFAULT_SKEW_SECONDS,
            signatures,
        },
    )
}

fn respond(change: impl FnOnce(&mut Message)) -> String {
    let mut message = Message::default();
    change(&mut message);
    Idp::trusted().respond(&message, Signed::Both)
}

fn code(xml: &str) -> &'static str {
    login(xml).map_or_else(|reject| reject.code().as_str(), |_| "accepted")
}

/// Signs `xml` again after an edit of it, assertion first.
fn signed(xml: &str) -> String {
    let idp = Idp::trusted();
    idp.sign(&idp.sign(xml, "_assertion"), "_response")
}

fn edited(from: &str, to: &str) -> String {
    let xml = Message::default().to_xml();
    assert!(xml.contains(from), "{from}");
    signed(&xml.replacen(from, to, 1))
}

#[test]
fn a_good_response_signs_in_however_it_is_signed() {
    for how in [Signed::Assertion, Signed::Both, Signed::Response] {
        let login = login(&Idp::trusted().respond(&Message::default(), how)).unwrap();
        assert_eq!(login.email().as_str(), "ada@acme.test");
        assert_eq!(login.identity().first_name.as_deref(), Some("Ada"));
        assert_eq!(login.identity().last_name.as_deref(), Some("Lovelace"));
        assert_eq!(login.in_response_to().unwrap().as_str(), "_request");
        assert_eq!(login.session_indexes(), ["_session"]);
        assert_eq!(login.remember_until().unix_seconds(), NOW + 300 + 180);
    }
    let unsigned = Idp::trusted().respond(&Message::default(), Signed::Nothing);
    assert_eq!(code(&unsigned), "unsigned");
}

#[test]
fn a_connection_can_demand_more() {
    use SignatureDemand::{Assertion, Both, Either, Response};
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let verdict = |signed: Signed, demand: SignatureDemand| {
        let xml = Idp::trusted().respond(&Message::default(), signed);
        let response = response::open(xml.as_bytes(), &policy)?;
        let alone = validate::check_signatures(&response, demand);
        let login = login_demanding(&response, demand).map(|_| ());
        assert_eq!(alone, login);
        login
    };
    let no_assertion = || Err(Reject::AssertionNotSignedRequired);
    let no_response = || Err(Reject::ResponseNotSignedRequired);
    for (signed, demand, expected) in [
        (Signed::Assertion, Either, Ok(())),
        (Signed::Assertion, Assertion, Ok(())),
        (Signed::Assertion, Response, no_response()),
        (Signed::Assertion, Both, no_response()),
        (Signed::Response, Either, Ok(())),
        (Signed::Response, Assertion, no_assertion()),
        (Signed::Response, Response, Ok(())),
        (Signed::Response, Both, no_assertion()),
        (Signed::Both, Either, Ok(())),
        (Signed::Both, Assertion, Ok(())),
        (Signed::Both, Response, Ok(())),
        (Signed::Both, Both, Ok(())),
    ] {
        assert_eq!(verdict(signed, demand), expected, "{demand:?}");
    }
    assert_eq!(
        Reject::AssertionNotSignedRequired.code(),
        "assertion_not_signed_required"
    );
    assert_eq!(Reject::ResponseNotSignedRequired.code(), "response_not_signed_required");
    for demand in [Either, Assertion, Response, Both] {
        assert_eq!(verdict(Signed::Nothing, demand).unwrap_err().code(), "unsigned");
    }
}

#[test]
fn every_signature_must_hold() {
    let both = respond(|_| {});
    let inside = both.replacen(">Lovelace<", ">Byron<", 1);
    assert_eq!(code(&inside), "signature_bad_digest");
    // Only the response around the assertion is changed: the assertion's own signature still holds.
    let around = both.replacen(
        "IssueInstant=\"2026-07-01T12:00:00Z\" Version",
        "IssueInstant=\"2026-07-01T12:00:01Z\" Version",
        1,
    );
    assert_ne!(around, both);
    assert_eq!(code(&around), "signature_bad_digest");
    let foreign = Idp::other().respond(&Message::default(), Signed::Both);
    assert_eq!(code(&foreign), "signature_key_unknown");
    let mixed = Idp::other().sign(
        &Idp::trusted().respond(&Message::default(), Signed::Assertion),
        "_response",
    );
    assert_eq!(code(&mixed), "signature_key_unknown");
}

#[test]
fn addressing() {
    let other = "https://other.example/acs";
    assert_eq!(
        code(&respond(|m| m.issuer = "http://www.okta.com/other".to_owned())),
        "issuer_mismatch"
    );
    assert_eq!(
        code(&respond(|m| m.issuer = format!("{ENTITY_ID} "))),
        "issuer_mismatch"
    );
    assert_eq!(
        code(&respond(|m| m.audience = format!("{AUDIENCE}/"))),
        "audience_mismatch"
    );
    assert_eq!(
        code(&respond(|m| m.destination = Some(other.to_owned()))),
        "destination_mismatch"
    );
    assert_eq!(
        code(&respond(|m| m.destination = Some(String::new()))),
        "destination_mismatch"
    );
    assert_eq!(code(&respond(|m| m.destination = None)), "destination_mismatch");
    assert_eq!(code(&respond(|m| m.acs_url = other.to_owned())), "recipient_mismatch");
    assert_eq!(
        code(&respond(|m| m.acs_url = format!("{ACS_URL}/"))),
        "recipient_mismatch"
    );
    assert_eq!(
        code(&edited(&format!(" Recipient=\"{ACS_URL}\""), "")),
        "recipient_mismatch"
    );
    // A Destination may be missing where no signature covers it.
    let message = Message {
        destination: None,
        ..Message::default()
    };
    assert_eq!(code(&Idp::trusted().respond(&message, Signed::Assertion)), "accepted");
    assert_eq!(
        code(&respond(
            |m| m.destination = Some(ACS_URL.replace("sp.example", "SP.example:443"))
        )),
        "accepted"
    );
}

/// An assertion that is good for years is good for a day and the skew, so it need be remembered no longer (A110).
#[test]
fn an_assertion_is_remembered_for_a_day_at_most() {
    let remembered = |not_on_or_after: &str| {
        let xml = respond(|m| m.not_on_or_after = not_on_or_after.to_owned());
        login(&xml).unwrap().remember_until().to_rfc3339()
    };
    assert_eq!(remembered("2026-07-01T12:05:00Z"), "2026-07-01T12:08:00Z");
    assert_eq!(remembered("2026-07-02T11:59:59Z"), "2026-07-02T12:02:59Z");
    for end in ["2026-07-02T12:00:00Z", "2026-07-02T12:00:01Z", "2036-07-01T12:00:00Z"] {
        assert_eq!(remembered(end), "2026-07-02T12:03:00Z", "{end}");
    }
}

#[test]
fn every_audience_restriction_must_hold_us() {
    let audience =
        format!("<saml2:AudienceRestriction><saml2:Audience>{AUDIENCE}</saml2:Audience></saml2:AudienceRestriction>");
    let other = "<saml2:AudienceRestriction><saml2:Audience>urn:other</saml2:Audience></saml2:AudienceRestriction>";
    assert_eq!(
        code(&edited(&audience, &format!("{audience}{other}"))),
        "audience_mismatch"
    );
    assert_eq!(
        code(&edited(&audience, &format!("{other}{audience}"))),
        "audience_mismatch"
    );
    assert_eq!(code(&edited(&audience, "")), "audience_mismatch");
    assert_eq!(
        code(&edited(
            &audience,
            "<saml2:AudienceRestriction></saml2:AudienceRestriction>"
        )),
        "audience_mismatch"
    );
    let both = audience.replace(
        "<saml2:Audience>",
        "<saml2:Audience>urn:other</saml2:Audience><saml2:Audience>",
    );
    assert_eq!(code(&edited(&audience, &both)), "accepted");
    let xml = Message::default().to_xml();
    let conditions = &xml[xml.find("<saml2:Conditions").unwrap()..xml.find("<saml2:AuthnStatement").unwrap()];
    assert_eq!(code(&edited(conditions, "")), "audience_mismatch");
    assert_eq!(
        code(&edited(conditions, &format!("{conditions}{conditions}"))),
        "response_malformed"
    );
    assert_eq!(
        code(&edited(&audience, &format!("{audience}<saml2:Condition/>"))),
        "response_malformed"
    );
    assert_eq!(
        code(&edited(&audience, &format!("{audience}<saml2:OneTimeUse/>"))),
        "accepted"
    );
}

#[test]
fn an_spn_audience_is_for_entra_alone() {
    let spn = respond(|m| m.audience = format!("spn:{AUDIENCE}"));
    assert_eq!(
        login_at(&spn, NOW, Provider::Okta).unwrap_err().code(),
        "audience_mismatch"
    );
    assert!(login_at(&spn, NOW, Provider::Entra).is_ok());
}

#[test]
fn time_with_the_skew_at_its_limits() {
    let xml = respond(|m| m.issue_instant = "2026-07-01T11:55:00Z".to_owned());
    let at = |seconds| login_at(&xml, NOW + seconds, Provider::Okta).map_or_else(|r| r.code().as_str(), |_| "accepted");
    // NotOnOrAfter is five minutes ahead, the skew three minutes.
    assert_eq!((at(479), at(480)), ("accepted", "expired"));
    // NotBefore is five minutes ago.
    assert_eq!((at(-480), at(-481)), ("accepted", "not_yet_valid"));
    let early = respond(|m| m.not_before = "2026-07-01T12:03:00Z".to_owned());
    assert_eq!(code(&early), "accepted");
    let early = respond(|m| m.not_before = "2026-07-01T12:03:01Z".to_owned());
    assert_eq!(code(&early), "not_yet_valid");
    for broken in [
        "",
        "tomorrow",
        "2026-07-01",
        "-0001-07-01T12:00:00Z",
        "2026-07-01T12:00:60Z",
    ] {
        assert_eq!(
            code(&respond(|m| m.not_on_or_after = broken.to_owned())),
            "response_malformed",
            "{broken}"
        );
    }
    let forever = respond(|m| m.not_on_or_after = "9999-12-31T23:59:59Z".to_owned());
    assert_eq!(code(&forever), "accepted");
    assert_eq!(
        code(&edited(
            " NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            " Recipient"
        )),
        "response_malformed"
    );
}

#[test]
fn a_session_that_ended_at_the_identity_provider_is_not_begun() {
    let ended = respond(|m| m.session_not_on_or_after = Some("2026-07-01T11:57:00Z".to_owned()));
    assert_eq!(code(&ended), "session_expired_at_idp");
    let short = respond(|m| m.session_not_on_or_after = Some("2026-07-01T12:30:00Z".to_owned()));
    assert_eq!(
        login(&short).unwrap().session_not_on_or_after().unwrap().unix_seconds(),
        NOW + 1800
    );
}

#[test]
fn one_confirmation_must_pass_by_itself() {
    let xml = Message::default().to_xml();
    let good = &xml[xml.find("<saml2:SubjectConfirmation ").unwrap()..xml.find("</saml2:Subject>").unwrap()];
    let expired = good.replace("12:05:00Z", "11:05:00Z");
    let elsewhere = good.replace(ACS_URL, "https://other.example/acs");
    assert_eq!(
        code(&edited(good, &format!("{expired}{elsewhere}"))),
        "recipient_mismatch"
    );
    assert_eq!(code(&edited(good, &format!("{elsewhere}{expired}"))), "expired");
    assert_eq!(code(&edited(good, &format!("{expired}{good}"))), "accepted");
    assert_eq!(code(&edited("cm:bearer", "cm:holder-of-key")), "recipient_mismatch");
    assert_eq!(code(&edited(good, "")), "recipient_mismatch");
    // A later confirmation could carry the same assertion again, so it is remembered as long as that one lasts.
    let short = good.replace("12:05:00Z", "12:01:00Z");
    let two = login(&edited(good, &format!("{short}{good}"))).unwrap();
    assert_eq!(two.remember_until().unix_seconds(), NOW + 300 + 180);
}

#[test]
fn what_is_answered_is_what_is_signed() {
    assert_eq!(code(&respond(|m| m.in_response_to = None)), "unsolicited_not_allowed");
    assert_eq!(
        code(&edited(
            "SubjectConfirmationData InResponseTo=\"_request\"",
            "SubjectConfirmationData"
        )),
        "unsolicited_not_allowed"
    );
    assert_eq!(
        code(&edited(
            "SubjectConfirmationData InResponseTo=\"_request\"",
            "SubjectConfirmationData InResponseTo=\"_x\""
        )),
        "in_response_to_unknown"
    );
    assert_eq!(
        code(&edited("InResponseTo=\"_request\" IssueInstant", "IssueInstant")),
        "in_response_to_unknown"
    );
}

#[test]
fn the_address_must_be_of_the_connections_domain() {
    for (email, expected) in [
        ("ada@ACME.test", "accepted"),
        ("ada@other.test", "email_domain_not_owned"),
        ("ada@evilacme.test", "email_domain_not_owned"),
        ("ada@sub.acme.test", "email_domain_not_owned"),
        ("ada@acme.test.evil.test", "email_domain_not_owned"),
        ("ada@acme.test.", "email_not_an_address"),
        ("ada@evil.test@acme.test", "email_not_an_address"),
        ("ada\u{ff20}acme.test", "email_not_an_address"),
        ("ada@acme.te\u{17f}t", "email_not_an_address"),
        ("Ada &lt;ada@acme.test&gt;", "email_not_an_address"),
        ("ada@acme.test&#0;", "xml_not_wellformed"),
    ] {
        let xml = Message {
            email: Some(email.to_owned()),
            ..Message::default()
        };
        let xml = if email.contains("&#0;") {
            xml.to_xml()
        } else {
            Idp::trusted().respond(&xml, Signed::Both)
        };
        assert_eq!(code(&xml), expected, "{email}");
    }
    // Without an attribute the NameID is the address, unless it is not meant to be one.
    let by_name_id = Message {
        email: None,
        ..Message::default()
    };
    assert_eq!(code(&Idp::trusted().respond(&by_name_id, Signed::Both)), "accepted");
    let persistent = Message {
        name_id_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
        ..by_name_id
    };
    assert_eq!(
        code(&Idp::trusted().respond(&persistent, Signed::Both)),
        "email_missing"
    );
}

#[test]
fn two_different_addresses_are_none() {
    let one = "<saml2:AttributeValue xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
               xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">ada@acme.test</saml2:AttributeValue>";
    let with = |value: &str| {
        edited(
            one,
            &format!("{one}<saml2:AttributeValue>{value}</saml2:AttributeValue>"),
        )
    };
    assert_eq!(code(&with("eve@acme.test")), "email_not_an_address");
    assert_eq!(code(&with("ada@acme.test")), "accepted");
    assert_eq!(code(&with("<x>ada@acme.test</x>")), "email_not_an_address");
}

#[test]
fn shape() {
    for (from, to, expected) in [
        ("<saml2p:Response", "<saml2p:ArtifactResponse", "xml_not_wellformed"),
        (
            "Version=\"2.0\"><saml2:Issuer xmlns",
            "Version=\"1.1\"><saml2:Issuer xmlns",
            "response_malformed",
        ),
        ("ID=\"_response\"", "ID=\"re:sponse\"", "response_malformed"),
        ("status:Success\"/>", "status:Success \"/>", "idp_requester_error"),
        (
            "<saml2p:Status>",
            "<saml2p:Extra/><saml2p:Status>",
            "response_malformed",
        ),
        ("<saml2:NameID ", "<saml2:BaseID/><saml2:NameID ", "response_malformed"),
        (
            ">ada@acme.test</saml2:NameID>",
            "><b>ada@acme.test</b></saml2:NameID>",
            "response_malformed",
        ),
        (
            ">ada@acme.test</saml2:NameID>",
            ">ada@acme.test<!-- -->.evil.test</saml2:NameID>",
            "comment_forbidden",
        ),
        (
            ">ada@acme.test</saml2:NameID>",
            ">ada@acme.test<?x?>.evil.test</saml2:NameID>",
            "processing_instruction_forbidden",
        ),
        ("<saml2p:Response", "<!DOCTYPE x><saml2p:Response", "doctype_forbidden"),
        (
            "<saml2:AttributeStatement>",
            "<saml2:AttributeStatement><saml2:EncryptedAttribute/>",
            "encrypted_unexpected",
        ),
    ] {
        // Refused for its shape even if it were signed, so the signature does not matter where it cannot be made.
        let xml = Message::default().to_xml().replacen(from, to, 1);
        let signable = !matches!(
            expected,
            "xml_not_wellformed" | "comment_forbidden" | "processing_instruction_forbidden" | "doctype_forbidden"
        );
        let xml = if signable && !to.contains("re:sponse") {
            signed(&xml)
        } else {
            xml
        };
        let xml = if to.contains("re:sponse") {
            Idp::trusted().sign(&xml, "_assertion")
        } else {
            xml
        };
        assert_eq!(code(&xml), expected, "{to}");
    }
}

#[test]
fn error_statuses_have_their_codes() {
    let success = "<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
    for (second, expected) in [
        ("AuthnFailed", "idp_authn_failed"),
        ("InvalidNameIDPolicy", "idp_invalid_nameid_policy"),
        ("NoAuthnContext", "idp_no_authn_context"),
        ("NoPassive", "idp_no_passive"),
        ("RequestDenied", "idp_request_denied"),
        ("RequestUnsupported", "idp_requester_error"),
        ("Success", "idp_requester_error"),
    ] {
        let prefix = "urn:oasis:names:tc:SAML:2.0:status:";
        let status = format!(
            "<saml2p:StatusCode Value=\"{prefix}Responder\"><saml2p:StatusCode Value=\"{prefix}{second}\"/></saml2p:StatusCode>\
             <saml2p:StatusMessage>no</saml2p:StatusMessage>"
        );
        let reject = login(&edited(success, &status)).unwrap_err();
        assert_eq!(reject.code(), expected);
        assert!(reject.to_string().ends_with(": no"), "{reject}");
    }
}

/// SAML Core 2.6.1: an assertion may quote others as its evidence. Nothing is read from them.
#[test]
fn assertions_quoted_in_advice() {
    let advice = "</saml2:Conditions><saml2:Advice>";
    let quote = |quoted: &str| {
        let xml = Message::default()
            .to_xml()
            .replace("</saml2:Conditions>", &format!("{advice}{quoted}</saml2:Advice>"));
        signed(&xml)
    };
    let evil = |id: &str| {
        let message = Message {
            assertion_id: id.to_owned(),
            name_id: "eve@acme.test".to_owned(),
            email: Some("eve@acme.test".to_owned()),
            ..Message::default()
        };
        let xml = message.to_xml();
        let end = "</saml2:Assertion>";
        xml[xml.find("<saml2:Assertion").unwrap()..xml.find(end).unwrap() + end.len()].to_owned()
    };
    let login = login(&quote(&evil("_quoted"))).unwrap();
    assert_eq!(login.email().as_str(), "ada@acme.test");
    let twin = quote(&evil("_quoted")).replace("ID=\"_quoted\"", "ID=\"_assertion\"");
    assert_eq!(code(&twin), "duplicate_id");
    // With a signature of its own it is a third home for signatures, as a wrapped original would be.
    let idp = Idp::trusted();
    let quoted_and_signed = idp.sign(&quote(&evil("_quoted")), "_quoted");
    assert_eq!(code(&quoted_and_signed), "signature_wrong_target");
    // Anywhere else it is one assertion too many.
    let elsewhere = Message::default().to_xml().replace(
        "<saml2:AuthnStatement",
        &format!("{}<saml2:AuthnStatement", evil("_quoted")),
    );
    assert_eq!(code(&signed(&elsewhere)), "response_malformed");
}

#[test]
fn which_request_is_answered() {
    use edge_saml::saml::id::RequestId;
    use edge_saml::saml::validate::Solicitation::{Any, AnyOrNone, Request, RequestOrNone};
    let answers = |xml: &str, solicitation| {
        let keys = [Idp::trusted().trusted_key()];
        let policy = Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        };
        let response = response::open(xml.as_bytes(), &policy).unwrap();
        let service_provider = ServiceProvider {
            entity_id: AUDIENCE.to_owned(),
            acs_url: ACS_URL.to_owned(),
            metadata_url: String::new(),
            slo_url: String::new(),
        };
        let confirmed = validate::confirm(
            &response,
            &Expect {
                service_provider: &service_provider,
                idp_entity_id: &EntityId::parse(ENTITY_ID).unwrap(),
                provider: Provider::Okta,
                domains: DomainRule::new(&[], Subdomains::Included),
                attribute_map: &AttributeMap::USUAL,
                user_key: None,
                required_attributes: &[],
                unsolicited: Unsolicited::Refused,
                now: Timestamp::from_unix_seconds(NOW),
                skew_seconds: 0,
                signatures: SignatureDemand::Either,
            },
        );
        let confirmed = confirmed.unwrap();
        let answered = confirmed.answers(solicitation);
        answered.map_or_else(|reject| reject.code().as_str(), |_| "accepted")
    };
    let (ours, other) = (
        RequestId::parse("_request").unwrap(),
        RequestId::parse("_other").unwrap(),
    );
    let solicited = respond(|_| {});
    let unsolicited = respond(|m| m.in_response_to = None);
    // Only the signed confirmation names the request.
    let half = edited("InResponseTo=\"_request\" IssueInstant", "IssueInstant");
    for (solicitation, expected) in [
        (AnyOrNone, ["accepted", "accepted", "accepted"]),
        (Any, ["accepted", "unsolicited_not_allowed", "in_response_to_unknown"]),
        (
            Request(&ours),
            ["accepted", "unsolicited_not_allowed", "in_response_to_unknown"],
        ),
        (RequestOrNone(&ours), ["accepted", "accepted", "in_response_to_unknown"]),
        (
            Request(&other),
            [
                "in_response_to_unknown",
                "unsolicited_not_allowed",
                "in_response_to_unknown",
            ],
        ),
        (
            RequestOrNone(&other),
            ["in_response_to_unknown", "accepted", "in_response_to_unknown"],
        ),
    ] {
        let found = [&solicited, &unsolicited, &half].map(|xml| answers(xml, solicitation));
        assert_eq!(found, expected, "{solicitation:?}");
    }
}
