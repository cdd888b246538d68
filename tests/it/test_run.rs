//! Test runs: what they show, that they sign nobody in, and that a connection is enabled only after one that passed.

use serde_json::{Value, json};

use crate::support::encrypt::{Encryption, GCM_256};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, ORIGIN, World, location, request_id};

/// A connection for `acme.test` that is not enabled; its id.
fn disabled(world: &World, idp: &Idp) -> String {
    let fields = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
    let (status, created) = world.api("POST", "/connections", &fields);
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_str().unwrap().to_owned();
    save(world, &id, &idp.metadata());
    id
}

fn save(world: &World, id: &str, metadata: &str) {
    let body = json!({"xml": metadata});
    let (status, saved) = world.api("POST", &format!("/connections/{id}/metadata"), &body);
    assert_eq!(status, 200, "{saved}");
}

/// Begins a test of what is live; its id and the path to which a browser is sent.
fn begin(world: &World, id: &str) -> (String, String) {
    let body = json!({"configuration": "live"});
    let (status, begun) = world.api("POST", &format!("/connections/{id}/tests"), &body);
    assert_eq!(status, 201, "{begun}");
    let test = begun["id"].as_str().unwrap().to_owned();
    let path = begun["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
    assert_eq!(path, format!("/sso/saml/{id}/test?test={test}"));
    (test, path)
}

/// The same, and the browser has been sent.
fn send(world: &World, id: &str) -> String {
    let (test, path) = begin(world, id);
    let sent = Browser::default().get(world, &path);
    assert_eq!(
        (sent.status().as_u16(), request_id(&location(&sent))),
        (303, test.clone())
    );
    test
}

fn read(world: &World, id: &str, test: &str) -> Value {
    let (status, read) = world.api("GET", &format!("/connections/{id}/tests/{test}"), &json!({}));
    assert_eq!(status, 200, "{read}");
    read
}

/// Answers `test` with `response`; the test as it is then.
fn answer(world: &World, id: &str, test: &str, response: &str) -> Value {
    let answered = Browser::deliver(world, id, response);
    assert_eq!(answered.status(), 303);
    let report = format!("/sso/admin/connections/{id}/tests/{test}");
    assert_eq!(location(&answered), report);
    assert!(answered.headers().get("set-cookie").is_none());
    read(world, id, test)
}

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

/// A test that is answered as it should be.
fn pass(world: &World, id: &str) -> Value {
    let test = send(world, id);
    let passed = answer(world, id, &test, &respond(&Message::of(id, Some(&test))));
    assert_eq!(passed["state"], "passed", "{passed}");
    passed
}

fn enable(world: &World, id: &str, body: &Value) -> (u16, Value) {
    world.api("POST", &format!("/connections/{id}/enable"), body)
}

/// The rules of a report, each with its result.
fn results(test: &Value) -> Vec<(String, String)> {
    let word = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = test["report"]["checks"].as_array().unwrap();
    checks.iter().map(|c| (word(c, "rule"), word(c, "result"))).collect()
}

fn check<'v>(test: &'v Value, rule: &str) -> &'v Value {
    let checks = test["report"]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["rule"] == rule).unwrap()
}

/// Whether nothing at all was done towards a sign-in.
fn nothing_was_done(world: &World, id: &str) -> bool {
    let tables = ["tickets", "sessions", "assertions"];
    tables.iter().all(|table| world.rows_of_ledger(id, table) == 0)
}

#[test]
fn a_test_of_a_disabled_connection_signs_nobody_in() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let (test, path) = begin(&world, &id);
    assert_eq!(read(&world, &id, &test)["state"], "waiting");

    world.pass(5);
    let mut browser = Browser::default();
    let url = location(&browser.get(&world, &path));
    assert!(url.starts_with("https://acme.okta.example/sso?"), "{url}");
    assert!(url.contains(&format!("RelayState={test}")), "{url}");
    assert_eq!(request_id(&url), test);
    assert_eq!(browser.cookies().count(), 0);

    world.pass(5);
    let passed = answer(&world, &id, &test, &respond(&Message::of(&id, Some(&test))));
    let report = &passed["report"];
    assert_eq!(
        (
            &passed["state"],
            &passed["code"],
            &report["passed"],
            &report["explanation"]
        ),
        (&json!("passed"), &Value::Null, &json!(true), &Value::Null)
    );
    assert_eq!(passed["begun_at"], "2026-07-01T12:00:00Z");
    assert_eq!(passed["sent_at"], "2026-07-01T12:00:05Z");
    assert_eq!(passed["finished_at"], "2026-07-01T12:00:10Z");
    assert_eq!(report["clock_drift_seconds"], -10);

    assert!(nothing_was_done(&world, &id));
    assert_eq!(browser.get(&world, "/sso/session").status(), 401);
    let (_, list) = world.api("GET", &format!("/connections/{id}/tests"), &json!({}));
    assert_eq!(list["tests"][0]["state"], "passed");
    assert_eq!(list["tests"][0]["report"], Value::Null, "left out of lists");
    let log = world.log.borrow().join("\n");
    assert!(log.contains("test_finished") && !log.contains("ada@"), "{log}");
}

#[test]
fn a_report_shows_every_rule_with_what_it_wanted_and_got() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    let message = Message {
        session_not_on_or_after: Some("2026-07-01T20:00:00Z".to_owned()),
        ..Message::of(&id, Some(&test))
    };
    let passed = answer(&world, &id, &test, &respond(&message));
    let sp = format!("{ORIGIN}/sso/saml/{id}");
    let acs = format!("{sp}/acs");
    #[rustfmt::skip]
    let wanted_and_got = [
        ("response", "a SAML 2.0 response with one assertion", ""),
        ("status", "Success", "Success"),
        ("encryption", "", "not encrypted"),
        ("signature", "a signature of the response or of the assertion", "a signature of the response and one of the assertion"),
        ("issuer", "http://www.okta.com/exk1test", "http://www.okta.com/exk1test"),
        ("destination", &acs, &acs),
        ("recipient", &acs, &acs),
        ("time", "valid at 2026-07-01T12:00:00Z, give or take 180 s", "2026-07-01T11:55:00Z to 2026-07-01T12:05:00Z"),
        ("audience", &sp, &sp),
        ("session", "a session that lasts beyond 2026-07-01T12:00:00Z", "until 2026-07-01T20:00:00Z"),
        ("in_response_to", &test, &test),
        ("email", "one plain e-mail address", "ada@acme.test (from Email address)"),
        ("email_domain", "acme.test", "acme.test"),
        ("required_attributes", "", ""),
        ("name_id", "a NameID that stays the same for a user", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
    ];
    let checks = passed["report"]["checks"].as_array().unwrap();
    assert_eq!(checks.len(), wanted_and_got.len());
    let or_none = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (check, (rule, wanted, got)) in checks.iter().zip(wanted_and_got) {
        let expected = json!({"rule": rule, "result": "passed", "wanted": or_none(wanted), "got": or_none(got)});
        assert_eq!(*check, expected);
    }
}

#[test]
fn a_report_shows_what_came_and_what_became_of_it() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let passed = pass(&world, &id);
    let report = &passed["report"];
    let certificate = Idp::trusted().certificate;
    assert_eq!(
        report["certificate"],
        json!({"sha256": certificate.fingerprint().to_string(), "subject": certificate.subject()})
    );
    assert_eq!(report["name_id"]["value"], "ada@acme.test");
    let attribute = |name: &str, value: &str, field: &str| json!({"name": name, "friendly_name": null, "values": [value], "value_count": 1, "field": field});
    assert_eq!(
        report["attributes"],
        json!([
            attribute("Email address", "ada@acme.test", "email"),
            attribute("First name", "Ada", "first_name"),
            attribute("Last name", "Lovelace", "last_name")
        ])
    );
    assert_eq!(
        report["mapping"],
        json!([
            {"field": "email", "attribute": "Email address", "values": ["ada@acme.test"]},
            {"field": "first_name", "attribute": "First name", "values": ["Ada"]},
            {"field": "last_name", "attribute": "Last name", "values": ["Lovelace"]},
            {"field": "groups", "attribute": null, "values": []}
        ])
    );
    assert_eq!(report["suggestions"], json!([]));
}

/// The rules of a report in their order.
const RULES: [&str; 16] = [
    "response",
    "status",
    "encryption",
    "signature",
    "issuer",
    "destination",
    "recipient",
    "time",
    "audience",
    "session",
    "in_response_to",
    "email",
    "email_domain",
    "required_attributes",
    "name_id",
    "authentication",
];

/// `message` with a group in it, changed and then signed.
fn signed(message: &Message, change: impl FnOnce(String) -> String) -> String {
    let group = "<saml2:Attribute Name=\"Groups\"><saml2:AttributeValue>staff</saml2:AttributeValue></saml2:Attribute>";
    let end = "</saml2:AttributeStatement>";
    let xml = change(message.to_xml().replace(end, &format!("{group}{end}")));
    let xml = Idp::trusted().sign(&xml, &message.assertion_id);
    Idp::trusted().sign(&xml, "_response")
}

/// A rule, the code of its refusal, a part of what it found, and an answer to a test that it refuses.
type Case<'a> = (&'a str, &'a str, &'a str, Box<dyn Fn(&str) -> String + 'a>);

/// An answer for each rule that can refuse one at the connection `id`, which demands groups and a fresh authentication.
#[rustfmt::skip]
fn refused_answers(id: &str) -> Vec<Case<'_>> {
    let same = |xml: String| xml;
    let of = move |test: &str| Message::of(id, Some(test));
    let text = |text: &str| text.to_owned();
    vec![
        ("response", "response_malformed", "directly in the response", Box::new(move |test| {
            signed(&of(test), |xml| xml.replace("</saml2:Assertion>", "</saml2:Assertion><a:Assertion xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"))
        })),
        ("status", "idp_request_denied", "Not assigned.", Box::new(move |test| format!(
            "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\" Version=\"2.0\" InResponseTo=\"{test}\" \
             IssueInstant=\"2026-07-01T12:00:00Z\"><p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">\
             <p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:RequestDenied\"/></p:StatusCode><p:StatusMessage>Not assigned.\
             </p:StatusMessage></p:Status></p:Response>"))),
        ("signature", "unsigned", "found none", Box::new(move |test| of(test).to_xml())),
        ("signature", "signature_key_unknown", "found the certificate", Box::new(move |test| {
            Idp::other().respond(&of(test), Signed::Both)
        })),
        ("issuer", "issuer_mismatch", "https://other.example/idp", Box::new(move |test| {
            signed(&Message { issuer: text("https://other.example/idp"), ..of(test) }, same)
        })),
        ("destination", "destination_mismatch", "https://old.example/acs", Box::new(move |test| {
            signed(&Message { destination: Some(text("https://old.example/acs")), ..of(test) }, same)
        })),
        ("recipient", "recipient_mismatch", "https://old.example/acs", Box::new(move |test| {
            signed(&Message { acs_url: text("https://old.example/acs"), ..of(test) }, same)
        })),
        ("time", "expired", "passed 600 s ago", Box::new(move |test| {
            signed(&Message { not_on_or_after: text("2026-07-01T11:50:00Z"), ..of(test) }, same)
        })),
        ("audience", "audience_mismatch", "urn:example:old", Box::new(move |test| {
            signed(&Message { audience: text("urn:example:old"), ..of(test) }, same)
        })),
        ("session", "session_expired_at_idp", "passed 3600 s ago", Box::new(move |test| {
            signed(&Message { session_not_on_or_after: Some(text("2026-07-01T11:00:00Z")), ..of(test) }, same)
        })),
        ("in_response_to", "unsolicited_not_allowed", "answers no request", Box::new(move |test| {
            let outer = format!(" ID=\"_response\" InResponseTo=\"{test}\"");
            let message = Message { in_response_to: None, assertion_id: format!("_a{test}"), ..of(test) };
            signed(&message, |xml| xml.replace(" ID=\"_response\"", &outer))
        })),
        ("email", "email_missing", "First name, Last name, Groups", Box::new(move |test| {
            signed(&Message { email: None, name_id: text("ada"), ..of(test) }, same)
        })),
        ("email_domain", "email_domain_not_owned", "other.test", Box::new(move |test| {
            signed(&Message { email: Some(text("ada@other.test")), ..of(test) }, same)
        })),
        ("required_attributes", "required_attribute_missing", "expected groups", Box::new(move |test| {
            respond(&of(test))
        })),
        ("name_id", "nameid_transient_as_key", "transient", Box::new(move |test| {
            let format = text("urn:oasis:names:tc:SAML:2.0:nameid-format:transient");
            signed(&Message { name_id_format: format, ..of(test) }, same)
        })),
        ("authentication", "authn_too_old", "older than the request", Box::new(move |test| {
            let old = "AuthnInstant=\"2026-07-01T11:00:00Z\"";
            signed(&of(test), |xml| xml.replace("AuthnInstant=\"2026-07-01T12:00:00Z\"", old))
        })),
    ]
}

#[test]
fn each_rule_that_refuses_is_shown_where_it_stands() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let fields = json!({"required_attributes": ["first_name", "groups"], "force_authn": true});
    world.patch(&id, &fields);
    for (rule, code, got, response) in refused_answers(&id) {
        let test = send(&world, &id);
        let failed = answer(&world, &id, &test, &response(&test));
        assert_eq!(
            (&failed["state"], &failed["code"]),
            (&json!("failed"), &json!(code)),
            "{rule}: {failed}"
        );
        let at = RULES.iter().position(|r| *r == rule).unwrap();
        for (place, (found, result)) in results(&failed).iter().enumerate() {
            assert_eq!(found, RULES[place]);
            let expected = match place.cmp(&at) {
                // Whether anything is encrypted is known only once it is opened.
                _ if rule == "signature" && RULES[place] == "encryption" => "not_reached",
                core::cmp::Ordering::Less => "passed",
                core::cmp::Ordering::Equal => "failed",
                core::cmp::Ordering::Greater => "not_reached",
            };
            assert_eq!(result, expected, "{code}: {found}");
        }
        let refused = check(&failed, rule);
        assert!(refused["got"].as_str().unwrap().contains(got), "{code}: {refused}");
        let report = &failed["report"];
        let why = report["explanation"]["why"].as_str().unwrap();
        assert!(
            why.len() > 40 && report["explanation"]["who"].is_string(),
            "{code}: {why}"
        );
        // What is not signed is shown to nobody.
        let is_opened = at > 3;
        assert_eq!(
            !report["attributes"].as_array().unwrap().is_empty(),
            is_opened,
            "{code}"
        );
        assert_eq!(report["certificate"].is_object(), is_opened, "{code}");
    }
    assert_eq!(read_last(&world, &id)["report"]["explanation"]["who"], "user");
    let (_, view) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        view["test"],
        json!({"required": true, "last_passed_at": null, "last_result": "failed"})
    );

    let test = send(&world, &id);
    let passed = answer(&world, &id, &test, &signed(&Message::of(&id, Some(&test)), |xml| xml));
    assert_eq!(passed["state"], "passed", "{passed}");
    assert_eq!(check(&passed, "required_attributes")["got"], "First name, Groups");
    assert_eq!(
        check(&passed, "authentication")["wanted"],
        "not before 2026-07-01T11:57:00Z"
    );
    assert!(nothing_was_done(&world, &id));
    assert_eq!(world.refusal_codes(&id), Vec::<String>::new());
}

fn read_last(world: &World, id: &str) -> Value {
    let (_, list) = world.api("GET", &format!("/connections/{id}/tests"), &json!({}));
    read(world, id, list["tests"][0]["id"].as_str().unwrap())
}

#[test]
fn steps_are_those_of_the_provider() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    for (provider, steps) in [
        ("okta", "Audience URI (SP Entity ID)"),
        ("entra", "Identifier (Entity ID)"),
        ("google", "paste it into Entity ID"),
        ("custom", ""),
    ] {
        world.patch(&id, &json!({"provider": provider}));
        let test = send(&world, &id);
        let message = Message {
            audience: "urn:example:old".to_owned(),
            ..Message::of(&id, Some(&test))
        };
        let failed = answer(&world, &id, &test, &respond(&message));
        let explanation = &failed["report"]["explanation"];
        assert_eq!(explanation["who"], "customer");
        assert!(
            explanation["steps"].as_str().unwrap_or_default().contains(steps),
            "{explanation}"
        );
        assert_eq!(explanation["steps"].is_null(), steps.is_empty());
    }
}

#[test]
fn attributes_of_unknown_names_are_suggested_for_what_is_missing() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    let message = Message {
        name_id: "7f3a".to_owned(),
        ..Message::of(&id, Some(&test))
    };
    let xml = message.to_xml();
    let xml = xml
        .replace("\"Email address\"", "\"workAccount\"")
        .replace("\"First name\"", "\"givenNameDE\"");
    let xml = xml.replace("\"Last name\"", "\"nickname\"");
    let failed = answer(&world, &id, &test, &Idp::trusted().sign(&xml, &message.assertion_id));
    assert_eq!(failed["code"], "email_missing");
    let suggestion = |field: &str, attribute: &str, reason: &str, rename_to: &str| json!({"field": field, "attribute": attribute, "reason": reason, "rename_to": rename_to});
    assert_eq!(
        failed["report"]["suggestions"],
        json!([
            suggestion("email", "workAccount", "is_address", "email"),
            suggestion("first_name", "givenNameDE", "similar_name", "firstName")
        ])
    );
    assert_eq!(failed["report"]["attributes"][2]["field"], Value::Null);
    assert_eq!(failed["report"]["mapping"][0]["attribute"], Value::Null);

    // A NameID that is an address is enough, but an attribute would be better.
    let test = send(&world, &id);
    let message = Message::of(&id, Some(&test));
    let xml = message.to_xml().replace("\"Email address\"", "\"workAccount\"");
    let passed = answer(&world, &id, &test, &Idp::trusted().sign(&xml, &message.assertion_id));
    assert_eq!(passed["state"], "passed");
    assert_eq!(passed["report"]["mapping"][0]["attribute"], "NameID");
    assert_eq!(
        passed["report"]["suggestions"],
        json!([suggestion("email", "workAccount", "is_address", "email")])
    );
}

#[test]
fn the_certificate_that_signed_is_told_of_several() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    save(&world, &id, &Idp::trusted().metadata_with(&Idp::other()));
    for idp in [Idp::trusted(), Idp::other()] {
        let test = send(&world, &id);
        let message = Message::of(&id, Some(&test));
        let passed = answer(&world, &id, &test, &idp.respond(&message, Signed::Both));
        assert_eq!(
            passed["report"]["certificate"]["sha256"],
            idp.certificate.fingerprint().to_string()
        );
    }
    // Each signs one of the two: there is no certificate that signed it all.
    let test = send(&world, &id);
    let message = Message::of(&id, Some(&test));
    let xml = Idp::other().sign(&message.to_xml(), &message.assertion_id);
    let passed = answer(&world, &id, &test, &Idp::trusted().sign(&xml, "_response"));
    assert_eq!(
        (&passed["state"], &passed["report"]["certificate"]),
        (&json!("passed"), &Value::Null)
    );
}

#[test]
fn encrypted_answers_are_opened() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let sealed = |test: &str, encryption: &Encryption| {
        let response = Idp::trusted().respond(&Message::of(&id, Some(test)), Signed::Assertion);
        let (start, end) = ("<saml2:Assertion", "</saml2:Assertion>");
        let (start, end) = (response.find(start).unwrap(), response.find(end).unwrap() + end.len());
        let sealed = encryption.element("EncryptedAssertion", &response[start..end]);
        format!("{}{sealed}{}", &response[..start], &response[end..])
    };
    let test = send(&world, &id);
    let failed = answer(&world, &id, &test, &sealed(&test, &Encryption::new(GCM_256)));
    assert_eq!(failed["code"], "encrypted_unexpected");
    assert_eq!(check(&failed, "encryption")["result"], "failed");
    assert_eq!(check(&failed, "status")["result"], "passed");

    world.patch(&id, &json!({"decrypt_assertions": true}));
    let (_, keys) = world.api("GET", &format!("/connections/{id}/decryption-keys"), &json!({}));
    let certificate = keys["keys"][0]["certificate"].as_str().unwrap().as_bytes();
    let certificate = edge_saml::dsig::Certificate::read(certificate).unwrap();
    let test = send(&world, &id);
    let passed = answer(
        &world,
        &id,
        &test,
        &sealed(&test, &Encryption::to(&certificate, GCM_256)),
    );
    assert_eq!(passed["state"], "passed", "{passed}");
    assert_eq!(check(&passed, "encryption")["got"], "encrypted");
    assert_eq!(
        passed["report"]["certificate"]["sha256"],
        Idp::trusted().certificate.fingerprint().to_string()
    );
}

#[test]
fn an_answer_that_names_no_request_is_known_by_what_came_along() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    let response = respond(&Message::of(&id, None));
    let answered = Browser::deliver_with(&world, &id, &response, &format!("&RelayState={test}"));
    assert_eq!(answered.status(), 303);
    let failed = read(&world, &id, &test);
    assert_eq!(failed["code"], "unsolicited_not_allowed");
    assert_eq!(check(&failed, "in_response_to")["result"], "failed");
    assert_eq!(check(&failed, "in_response_to")["wanted"], test.as_str());
}

#[test]
fn an_answer_names_its_test_in_character_references_too() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    let message = Message {
        assertion_id: "_assertion".to_owned(),
        ..Message::of(&id, Some(&test))
    };
    let in_references = test.replace("test_", "&#x74;est&#95;");
    let xml = message.to_xml().replace(&test, &in_references);
    assert!(!xml.contains("test_") && xml.contains(&in_references), "{xml}");
    let signed = Idp::trusted().sign(&xml, &message.assertion_id);
    let passed = answer(&world, &id, &test, &signed);
    assert_eq!(passed["state"], "passed", "{passed}");
}

/// A test signs nobody in, whatever answers it; and nothing that answers one does so elsewhere.
#[test]
fn a_test_is_no_way_to_a_session() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());

    // A perfect answer, at an enabled connection, in a browser that is about to sign in.
    let request = browser.begin(&world, "ada@acme.test", "/");
    let test = send(&world, &id);
    let perfect = respond(&Message::of(&id, Some(&test)));
    answer(&world, &id, &test, &perfect);
    answer(&world, &id, &test, &perfect);
    assert!(nothing_was_done(&world, &id));
    let (_, complete) = world.api("GET", &format!("/connections/{id}/tests/{test}"), &json!({}));
    assert!(!complete.to_string().contains("ticket"));

    // The test's request named by the signed confirmation alone, and by it under the name of a sign-in's.
    let other_outside = |outside: &str| {
        let message = Message::of(&id, Some(&test));
        let outer = format!(" ID=\"_response\" InResponseTo=\"{test}\"");
        let xml = message.to_xml();
        assert!(xml.contains(&outer), "{xml}");
        let xml = xml.replace(&outer, &format!(" ID=\"_response\"{outside}"));
        Idp::trusted().sign(&xml, &message.assertion_id)
    };
    for outside in [String::new(), format!(" InResponseTo=\"{request}\"")] {
        let response = other_outside(&outside);
        assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
        assert_eq!(world.refusal_codes(&id)[0], "in_response_to_unknown", "{outside}");
    }

    // A sign-in's answer under the name of a test fails there, and the sign-in goes on waiting for it.
    let test = send(&world, &id);
    let message = Message::of(&id, Some(&request));
    let outer = |id: &str| format!(" ID=\"_response\" InResponseTo=\"{id}\"");
    let xml = message.to_xml().replace(&outer(&request), &outer(&test));
    let failed = answer(&world, &id, &test, &Idp::trusted().sign(&xml, &message.assertion_id));
    assert_eq!(failed["code"], "in_response_to_unknown");
    let test = send(&world, &id);
    let response = respond(&message);
    let led_astray = Browser::deliver_with(&world, &id, &response, &format!("&RelayState={test}"));
    assert_eq!(led_astray.status(), 303);
    assert_eq!(read(&world, &id, &test)["code"], "in_response_to_unknown");
    assert!(nothing_was_done(&world, &id));
    let ticket = Browser::deliver(&world, &id, &response);
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    assert_eq!(browser.get(&world, "/sso/session").status(), 200);
}

#[test]
fn tests_that_there_are_not_are_refused() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let rival = world.connection_for("rival.test", &Idp::other());
    let made_up = format!("test_{}", "0".repeat(40));
    let (not_sent, path) = begin(&world, &id);
    let of_rival = send(&world, &rival);
    for test in [&made_up, &not_sent, &of_rival] {
        let response = respond(&Message::of(&id, Some(test)));
        assert_eq!(Browser::deliver(&world, &id, &response).status(), 403, "{test}");
        assert_eq!(world.refusal_codes(&id)[0], "in_response_to_unknown", "{test}");
    }
    let mut browser = Browser::default();
    for query in ["", "?test=x", &format!("?test={made_up}"), &format!("?test={of_rival}")] {
        let sent = browser.get(&world, &format!("/sso/saml/{id}/test{query}"));
        assert_eq!(sent.status(), 404, "{query}");
    }
    assert_eq!(browser.get(&world, &format!("{path}&test=x")).status(), 400);
    let unknown = "conn_aaaaaaaaaaaaaaaaaaaa";
    assert_eq!(browser.get(&world, &path.replace(&id, unknown)).status(), 404);

    let api = |method: &str, path: &str, body: &Value| {
        let (status, error) = world.api(method, path, body);
        (status, error["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let expected = |status: u16, code: &str| (status, code.to_owned());
    let tests = format!("/connections/{id}/tests");
    let read = |test: &str| api("GET", &format!("{tests}/{test}"), &json!({}));
    assert_eq!(read(&made_up), expected(404, "test_unknown"));
    assert_eq!(read(&of_rival), expected(404, "test_unknown"));
    assert_eq!(read("x"), expected(404, "not_found"));
    let body = json!({"configuration": "draft"});
    assert_eq!(api("POST", &tests, &body), expected(404, "draft_unknown"));
    for body in [
        json!({}),
        json!({"configuration": "x"}),
        json!({"configuration": "live", "x": 1}),
    ] {
        assert_eq!(api("POST", &tests, &body), expected(422, "invalid_field"));
    }
    let tests = format!("/connections/{unknown}/tests");
    let live = json!({"configuration": "live"});
    assert_eq!(api("POST", &tests, &live), expected(404, "connection_unknown"));
    assert_eq!(api("GET", &tests, &live), expected(404, "connection_unknown"));
    let fields = json!({"name": "New", "provider": "okta", "domains": ["new.test"]});
    let (_, created) = world.api("POST", "/connections", &fields);
    let tests = format!("/connections/{}/tests", created["id"].as_str().unwrap());
    assert_eq!(api("POST", &tests, &live), expected(409, "connection_incomplete"));
}

#[test]
fn a_test_is_over_after_an_hour_or_its_first_answer() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let (test, path) = begin(&world, &id);
    let mut browser = Browser::default();
    world.pass(3_599);
    assert_eq!(browser.get(&world, &path).status(), 303);
    world.pass(1);
    let late = browser.get(&world, &path);
    assert_eq!(late.status(), 410);
    let response = respond(&Message::of(&id, Some(&test)));
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 410);
    let expired = read(&world, &id, &test);
    assert_eq!(
        (&expired["state"], &expired["report"]),
        (&json!("expired"), &Value::Null)
    );

    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    let unsigned = Message::of(&id, Some(&test)).to_xml();
    let first = answer(&world, &id, &test, &unsigned);
    assert_eq!(
        answer(&world, &id, &test, &respond(&Message::of(&id, Some(&test)))),
        first
    );
    assert_eq!(first["state"], "failed");
    let again = Browser::default().get(&world, &format!("/sso/saml/{id}/test?test={test}"));
    assert_eq!(location(&again), format!("/sso/admin/connections/{id}/tests/{test}"));
}

#[test]
fn tests_are_kept_for_a_week_and_only_so_many() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let count = |world: &World| {
        let (_, list) = world.api("GET", &format!("/connections/{id}/tests"), &json!({}));
        list["tests"].as_array().unwrap().len()
    };
    let (first, _) = begin(&world, &id);
    for _ in 0..49 {
        begin(&world, &id);
    }
    assert_eq!(count(&world), 50);
    begin(&world, &id);
    assert_eq!(count(&world), 50);
    assert_eq!(
        world
            .api("GET", &format!("/connections/{id}/tests/{first}"), &json!({}))
            .0,
        404
    );
    world.pass(7 * 24 * 3_600 - 1);
    assert_eq!(count(&world), 50);
    world.pass(1);
    assert_eq!(count(&world), 0);

    begin(&world, &id);
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    assert_eq!(world.rows_of_ledger(&id, "tests"), 0);
}

#[test]
fn requests_of_tests_are_sent_as_those_of_sign_ins() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    world.patch(
        &id,
        &json!({"sign_requests": "always", "login_hint": "subject_name_id", "name_id_format": "urn:x:y"}),
    );
    let post_only = Idp::trusted().metadata();
    let redirect = post_only.rfind("<md:SingleSignOnService").unwrap();
    let end = post_only.find("</md:IDPSSODescriptor>").unwrap();
    save(&world, &id, &format!("{}{}", &post_only[..redirect], &post_only[end..]));
    let (test, path) = begin(&world, &id);
    let page = Browser::default().get(&world, &path);
    assert_eq!(page.status(), 200);
    let page = String::from_utf8(page.body().clone()).unwrap();
    assert!(page.contains("action=\"https://acme.okta.example/post\""), "{page}");
    assert!(page.contains(&test), "{page}");
    // A refused NameID format is what the test has to tell.
    let status = format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\" Version=\"2.0\" InResponseTo=\"{test}\" \
         IssueInstant=\"2026-07-01T12:00:00Z\"><p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Requester\">\
         <p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy\"/></p:StatusCode></p:Status></p:Response>"
    );
    assert_eq!(answer(&world, &id, &test, &status)["code"], "idp_invalid_nameid_policy");
}

#[test]
fn enabling_takes_a_passed_test_of_exactly_this_configuration() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let refused = |world: &World| {
        let (status, error) = enable(world, &id, &json!({}));
        assert_eq!(
            (status, &error["error"]["code"]),
            (409, &json!("test_required")),
            "{error}"
        );
    };
    let test_of = |world: &World| world.api("GET", &format!("/connections/{id}"), &json!({})).1["test"].clone();
    refused(&world);
    assert_eq!(
        test_of(&world),
        json!({"required": true, "last_passed_at": null, "last_result": null})
    );
    let test = send(&world, &id);
    answer(&world, &id, &test, &Message::of(&id, Some(&test)).to_xml());
    refused(&world);

    pass(&world, &id);
    let passed_at = "2026-07-01T12:00:00Z";
    let passed = json!({"required": false, "last_passed_at": passed_at, "last_result": "passed"});
    assert_eq!(test_of(&world), passed);
    // What it is called decides nothing; everything that does is covered.
    world.patch(
        &id,
        &json!({"name": "Acme Inc.", "organization": "acme", "sign_in_order": 7}),
    );
    assert_eq!(test_of(&world), passed);
    for (changed, back) in [
        (json!({"provider": "custom"}), json!({"provider": "okta"})),
        (json!({"sp_entity_id": "urn:x:y"}), json!({"sp_entity_id": null})),
        (json!({"force_authn": true}), json!({"force_authn": false})),
        (
            json!({"require_signed_assertion": true}),
            json!({"require_signed_assertion": false}),
        ),
        (
            json!({"domains": ["acme.test", "acme.example"]}),
            json!({"domains": ["acme.test"]}),
        ),
        (json!({"match_subdomains": true}), json!({"match_subdomains": false})),
    ] {
        world.patch(&id, &changed);
        assert_eq!(test_of(&world)["required"], true, "{changed}");
        refused(&world);
        world.patch(&id, &back);
        assert_eq!(test_of(&world)["required"], false, "{back}");
    }
    save(&world, &id, &Idp::trusted().metadata_with(&Idp::other()));
    refused(&world);
    save(&world, &id, &Idp::trusted().metadata());
    // Whoever serves the same metadata at another address can add a key there later.
    for url in ["https://idp.example/a", "https://idp.example/b"] {
        world.serve(url, Idp::trusted().metadata().as_bytes(), None);
        let path = format!("/connections/{id}/metadata");
        assert_eq!(world.api("POST", &path, &json!({"url": url})).0, 200);
        refused(&world);
        if url.ends_with('a') {
            pass(&world, &id);
            assert_eq!(test_of(&world)["required"], false);
        }
    }
    save(&world, &id, &Idp::trusted().metadata());
    let (status, enabled) = enable(&world, &id, &json!({}));
    assert_eq!((status, &enabled["state"]), (200, &json!("enabled")));
    // A key of its own is part of it too.
    world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    world.patch(&id, &json!({"decrypt_assertions": true}));
    pass(&world, &id);
    let rotate = format!("/connections/{id}/decryption-keys/rotate");
    assert_eq!(world.api("POST", &rotate, &json!({"step": "prepare"})).0, 200);
    refused(&world);
}

#[test]
fn a_reason_takes_the_place_of_a_test_and_is_written_down() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    for reason in ["", " ", "a\nb", &"x".repeat(501)] {
        let (status, error) = enable(&world, &id, &json!({"override_reason": reason}));
        assert_eq!(
            (status, &error["error"]["field"]),
            (422, &json!("override_reason")),
            "{error}"
        );
    }
    assert_eq!(enable(&world, &id, &json!({"reason": "x"})).0, 422);
    let (status, enabled) = enable(&world, &id, &json!({"override_reason": " moved from another tenant "}));
    assert_eq!(
        (status, &enabled["state"], &enabled["test"]["required"]),
        (200, &json!("enabled"), &json!(true))
    );
    let (_, audit) = world.api("GET", "/audit?limit=1", &json!({}));
    assert_eq!(
        audit["entries"][0]["change"],
        "Enabled without a passed test: moved from another tenant"
    );
    // It is enabled already, so that there is nothing to be refused.
    assert_eq!(enable(&world, &id, &json!({})).0, 200);
}

#[test]
fn a_test_is_made_with_what_is_true_when_it_is_answered() {
    let world = World::new();
    let id = disabled(&world, &Idp::trusted());
    let test = send(&world, &id);
    world.patch(&id, &json!({"domains": ["acme.example"]}));
    let failed = answer(&world, &id, &test, &respond(&Message::of(&id, Some(&test))));
    assert_eq!(failed["code"], "email_domain_not_owned");
}
