//! The whole application in memory: from the form to the session, and everything that must happen once.

use base64::Engine;
use serde_json::json;

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{ADMIN_TOKEN, Browser, Replication, World, location};

fn respond(id: &str, request: &str) -> String {
    Idp::trusted().respond(&Message::of(id, Some(request)), Signed::Both)
}

#[test]
fn a_user_signs_in_and_out() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/reports?month=7");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    assert_eq!(ticket.status(), 303);
    assert!(
        ticket.headers().get("set-cookie").is_none(),
        "the cross-site answer sets no cookie"
    );
    let done = browser.get(&world, &location(&ticket));
    assert_eq!(
        (done.status().as_u16(), location(&done)),
        (303, "/reports?month=7".to_owned())
    );
    let session = browser.get(&world, "/sso/session");
    let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
    assert_eq!(session["user"]["email"], "ada@acme.test");
    assert_eq!(session["connection"], json!(id));

    let out = browser.post(&world, "/sso/sign-out", "");
    assert_eq!(out.status(), 303);
    assert_eq!(browser.get(&world, "/sso/session").status(), 401);
}

#[test]
fn the_session_ends_by_idleness_by_age_and_with_the_identity_providers() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let signed_in = |browser: &mut Browser| browser.get(&world, "/sso/session").status() == 200;
    let sign_in = |browser: &mut Browser, end: Option<&str>| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let message = Message {
            session_not_on_or_after: end.map(ToOwned::to_owned),
            ..Message::of(&id, Some(&request))
        };
        let ticket = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
        assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    };
    sign_in(&mut browser, Some("2026-07-01T13:00:00Z"));
    world.pass(3_599);
    assert!(signed_in(&mut browser));
    world.pass(1);
    assert!(
        !signed_in(&mut browser),
        "it ends with the session at the identity provider"
    );

    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let mut browser = Browser::default();
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    browser.get(&world, &location(&ticket));
    for _ in 0..7 {
        world.pass(24 * 3_600 - 1);
        assert_eq!(browser.get(&world, "/sso/session").status(), 200);
    }
    world.pass(7);
    assert_eq!(
        browser.get(&world, "/sso/session").status(),
        401,
        "seven days are the end"
    );

    let request = {
        let message = Message::of(&id, Some(&browser.begin(&world, "ada@acme.test", "/")));
        let at = |text: &str| text.replace("07-01", "07-08");
        Message {
            not_before: at(&message.not_before),
            not_on_or_after: at(&message.not_on_or_after),
            issue_instant: at(&message.issue_instant),
            ..message
        }
    };
    let ticket = Browser::deliver(&world, &id, &Idp::trusted().respond(&request, Signed::Both));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    world.pass(24 * 3_600);
    assert_eq!(
        browser.get(&world, "/sso/session").status(),
        401,
        "a day without a request is the end"
    );
}

#[test]
fn the_binding_is_chosen_by_what_the_identity_provider_offers() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    // Redirect is preferred, though POST stands first in the metadata.
    let response = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    assert!(location(&response).starts_with("https://acme.okta.example/sso?SAMLRequest="));

    let metadata = Idp::trusted().metadata().replace("HTTP-Redirect", "SOAP");
    let (status, _) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata}),
    );
    assert_eq!(status, 200);
    let response = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self' https:; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let page = String::from_utf8(response.body().clone()).unwrap();
    assert!(
        page.contains("<form method=\"post\" action=\"https://acme.okta.example/post\""),
        "{page}"
    );
    let value = |name: &str| {
        let start = page.find(&format!("name=\"{name}\" value=\"")).unwrap() + name.len() + 15;
        page[start..].split('"').next().unwrap().to_owned()
    };
    let request = String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(value("SAMLRequest"))
            .unwrap(),
    )
    .unwrap();
    assert!(
        request.contains("Destination=\"https://acme.okta.example/post\""),
        "{request}"
    );
    assert!(value("RelayState").len() <= 80);
    let request_id = request.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
    let ticket = Browser::deliver(&world, &id, &respond(&id, request_id));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);

    let metadata = metadata.replace("HTTP-POST", "HTTP-Artifact");
    let (status, error) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata}),
    );
    assert_eq!((status, &error["error"]["code"]), (422, &json!("no_sso_endpoint")));
}

#[test]
fn a_response_works_once() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let response = respond(&id, &request);
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 303);
    world.pass(60);
    let again = Browser::deliver(&world, &id, &response);
    assert_eq!(again.status(), 403);
    let second = Message {
        assertion_id: "_another".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    assert_eq!(
        Browser::deliver(&world, &id, &Idp::trusted().respond(&second, Signed::Both)).status(),
        403
    );
    assert_eq!(
        world.refusal_codes(&id),
        ["request_already_answered", "assertion_reused"]
    );
}

/// Attack A114: what is written another way is the same assertion.
#[test]
fn a_response_works_once_however_it_is_written() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let response = Idp::trusted().respond(&Message::of(&id, Some(&request)), Signed::Assertion);
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 303);
    world.pass(60);
    // What is around the assertion is not signed.
    let renamed = response.replacen("ID=\"_response\"", "ID=\"_response2\"", 1);
    let spaced = response.replacen(" Version=\"2.0\"", "  Version=\"2.0\"", 1);
    for other in [renamed, spaced] {
        assert_ne!(other, response);
        assert_eq!(Browser::deliver(&world, &id, &other).status(), 403);
    }
    // Base64 on lines of its own.
    let encoded = base64::engine::general_purpose::STANDARD.encode(&response);
    let lines: Vec<&str> = (0..encoded.len())
        .step_by(76)
        .map(|at| &encoded[at..encoded.len().min(at + 76)])
        .collect();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &lines.join("\r\n"))
        .finish();
    assert_eq!(
        browser.post(&world, &format!("/sso/saml/{id}/acs"), &form).status(),
        403
    );
    assert_eq!(world.refusal_codes(&id), ["assertion_reused"; 3]);
}

#[test]
fn a_replay_is_refused_until_the_time_rules_refuse_it() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let response = respond(&id, &request);
    Browser::deliver(&world, &id, &response);
    // NotOnOrAfter + 1 s, still inside the skew; other sign-ins have swept the ledger meanwhile.
    world.pass(301);
    browser.begin(&world, "ada@acme.test", "/");
    Browser::deliver(&world, &id, &response);
    world.pass(178);
    browser.begin(&world, "ada@acme.test", "/");
    Browser::deliver(&world, &id, &response);
    world.pass(1);
    browser.begin(&world, "ada@acme.test", "/");
    Browser::deliver(&world, &id, &response);
    assert_eq!(
        world.refusal_codes(&id),
        ["expired", "assertion_reused", "assertion_reused"]
    );
}

#[test]
fn only_the_browser_that_asked_gets_the_session() {
    let (world, mut attacker) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut begun = Browser::default();
    begun.begin(&world, "ada@acme.test", "/");
    // Without any cookie, then with another browser's.
    for mut victim in [Browser::default(), begun] {
        let request = attacker.begin(&world, "ada@acme.test", "/");
        let ticket = location(&Browser::deliver(&world, &id, &respond(&id, &request)));
        assert_eq!(victim.get(&world, &ticket).status(), 403);
        assert_eq!(victim.get(&world, "/sso/session").status(), 401);
    }
    assert_eq!(world.refusal_codes(&id), ["browser_mismatch", "browser_mismatch"]);
}

#[test]
fn a_ticket_works_once() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&Browser::deliver(&world, &id, &respond(&id, &request)));
    let mut copy = browser.clone();
    assert_eq!(browser.get(&world, &ticket).status(), 303);
    assert_eq!(copy.get(&world, &ticket).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["in_response_to_unknown"]);
}

/// Whoever shows it there has learned its address, and may have learned more.
#[test]
fn a_ticket_that_was_shown_in_another_browser_is_burned_with_its_siblings() {
    let (world, mut ada, mut eve) = (World::new(), Browser::default(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let other = ada.begin(&world, "ada@acme.test", "/other");
    let request = ada.begin(&world, "ada@acme.test", "/");
    let response = respond(&id, &request);
    let tickets = [(); 3].map(|()| location(&Browser::deliver(&world, &id, &response)));
    assert_eq!(eve.get(&world, &tickets[1]).status(), 403);
    for ticket in tickets {
        assert_eq!(ada.get(&world, &ticket).status(), 403);
    }
    // The request is burned too, so that its answer buys no other ticket.
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
    assert_eq!(ada.get(&world, "/sso/session").status(), 401);
    assert_eq!(
        world.refusal_codes(&id),
        [
            "assertion_reused",
            "in_response_to_unknown",
            "in_response_to_unknown",
            "in_response_to_unknown",
            "browser_mismatch"
        ]
    );
    // What else this browser has begun is not.
    let ticket = Browser::deliver(&world, &id, &respond(&id, &other));
    assert_eq!(location(&ada.get(&world, &location(&ticket))), "/other");
}

#[test]
fn a_ticket_is_not_used_up_by_a_head_request() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&Browser::deliver(&world, &id, &respond(&id, &request)));
    let head = || {
        let request = http::Request::builder().method("HEAD").uri(&ticket);
        request.body(Vec::new()).unwrap()
    };
    // Neither by its own browser nor by one that would burn it.
    for browser in [&mut browser, &mut Browser::default()] {
        let head = browser.send(&world, head());
        let allowed = head.headers()["allow"].to_str().unwrap();
        assert_eq!((head.status().as_u16(), allowed), (405, "GET, POST"));
    }
    assert_eq!(browser.get(&world, &ticket).status(), 303);
}

#[test]
fn several_tabs_may_sign_in_at_once() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let first = browser.begin(&world, "ada@acme.test", "/first");
    let second = browser.begin(&world, "ada@acme.test", "/second");
    for (request, path) in [(second, "/second"), (first, "/first")] {
        let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
        assert_eq!(location(&browser.get(&world, &location(&ticket))), path);
    }
}

#[test]
fn requests_and_tickets_grow_old() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&Browser::deliver(&world, &id, &respond(&id, &request)));
    world.pass(60);
    assert_eq!(browser.get(&world, &ticket).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["request_expired"]);
    assert_eq!(
        Browser::deliver(&world, &id, &respond(&id, "_nobody_asked")).status(),
        403
    );
    assert_eq!(world.refusal_codes(&id)[0], "in_response_to_unknown");
}

#[test]
fn disabling_works_at_once_though_kv_lags() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket_request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&Browser::deliver(&world, &id, &respond(&id, &ticket_request)));
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    assert_eq!(status, 202, "saved, not yet everywhere");
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &request)).status(), 403);
    assert_eq!(browser.get(&world, &ticket).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["connection_disabled", "connection_disabled"]);
    // At the form it looks like any address without single sign-on.
    let response = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    assert_eq!(response.status(), 422);
    let unknown = browser.post(&world, "/sso/sign-in", "email=ada%40nowhere.test");
    let body = |r: &edge_saml::app::http::Response| String::from_utf8(r.body().clone()).unwrap();
    assert_eq!(
        body(&response).replace("ada@acme.test", ""),
        body(&unknown).replace("ada@nowhere.test", "")
    );
    assert_eq!(response.headers(), unknown.headers());
}

#[test]
fn a_changed_connection_is_read_again_though_kv_lags() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({"name": "Acme Inc."}));
    assert_eq!(status, 202);
    // The key is still trusted, so the sign-in goes through, verified with the record of the registry.
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &request)).status(), 303);
    let request = browser.begin(&world, "ada@acme.test", "/");
    let (status, _) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": Idp::other().metadata()}),
    );
    assert_eq!(status, 202);
    // The key is not trusted any more, though KV still says so.
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &request)).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["signature_key_unknown"]);
}

#[test]
fn a_deleted_connection_signs_nobody_in() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("DELETE", &format!("/connections/{id}"), &json!({}));
    assert_eq!(status, 202);
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &request)).status(), 403);
    world.replication.set(Replication::Immediate);
    world.publish();
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &request)).status(), 404);
}

#[test]
fn one_domain_belongs_to_one_connection() {
    let world = World::new();
    let first = world.connection(&Idp::trusted());
    let body = json!({"name": "Rival", "provider": "custom", "domains": ["rival.test", "ACME.test"]});
    let (status, error) = world.api("POST", "/connections", &body);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("domain_taken")));
    let (_, rest) = world.api("GET", "/connections", &json!({}));
    assert_eq!(
        rest["connections"].as_array().unwrap().len(),
        1,
        "nothing was half-written"
    );
    assert_eq!(world.api("DELETE", &format!("/connections/{first}"), &json!({})).0, 204);
    assert_eq!(world.api("POST", "/connections", &body).0, 201);
}

#[test]
fn made_up_connections_leave_no_trace() {
    let (world, mut browser) = (World::new(), Browser::default());
    let made_up = "conn_zzzzzzzzzzzzzzzzzzzz";
    assert_eq!(Browser::deliver(&world, made_up, &respond(made_up, "_x")).status(), 404);
    let token = "A".repeat(43);
    assert_eq!(
        browser
            .get(&world, &format!("/sso/saml/{made_up}/complete?ticket={token}"))
            .status(),
        404
    );
    let request = http::Request::builder()
        .uri("/sso/session")
        .header("cookie", format!("__Host-sso_session={made_up}.{token}"));
    assert_eq!(world.handle(request.body(Vec::new()).unwrap()).status(), 401);
    assert_eq!(world.ledgers_with_tables(), 0);
}

#[test]
fn neither_log_nor_page_tells_who_or_why() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let message = Message {
        email: Some("ada@other.test".to_owned()),
        name_id: "secret-name-id".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let page = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
    let page = String::from_utf8(page.body().clone()).unwrap();
    let log = world.log.borrow().join("\n");
    assert!(log.contains("\"code\":\"email_domain_not_owned\""), "{log}");
    for secret in ["ada@", "secret-name-id", ADMIN_TOKEN, &request] {
        assert!(!log.contains(secret) && !page.contains(secret), "{secret}");
    }
    assert!(!page.contains("domain"), "{page}");
    let words = "Try again, perhaps with another account. If it goes on, send this reference to your administrator, who can see \
                 the reason.";
    assert!(page.contains(&format!("<p class=\"lead\">{words}</p>")), "{page}");
}

#[test]
fn duplicate_cookies_are_no_cookies() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    let done = browser.get(&world, &location(&ticket));
    let cookie = done.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let with = |line: String| {
        let request = http::Request::builder().uri("/sso/session").header("cookie", line);
        world.handle(request.body(Vec::new()).unwrap()).status().as_u16()
    };
    assert_eq!(with(cookie.clone()), 200);
    assert_eq!(with(format!("{cookie}; {cookie}")), 401);
    assert_eq!(with(format!("__Host-sso_session=x; {cookie}")), 401);
}

#[test]
fn a_user_is_a_name_in_its_format() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut user = |message: &dyn Fn(Message) -> Message, edit: &dyn Fn(String) -> String| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let xml = edit(message(Message::of(&id, Some(&request))).to_xml());
        let signed = Idp::trusted().sign(&xml, &Message::of(&id, Some(&request)).assertion_id);
        let ticket = Browser::deliver(&world, &id, &signed);
        browser.get(&world, &location(&ticket));
        let session = browser.get(&world, "/sso/session");
        let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
        session["user"]["id"].as_str().unwrap().to_owned()
    };
    let as_it_is = |message: Message| message;
    let unchanged = |xml: String| xml;
    let ada = user(&as_it_is, &unchanged);
    assert_eq!(user(&as_it_is, &unchanged), ada);
    let persistent = |message: Message| Message {
        name_id_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
        ..message
    };
    assert_ne!(user(&persistent, &unchanged), ada);
    let with =
        |attribute: String| move |xml: String| xml.replacen("<saml2:NameID", &format!("<saml2:NameID {attribute}"), 1);
    let issuer = crate::support::idp::ENTITY_ID;
    assert_eq!(user(&as_it_is, &with(format!("NameQualifier=\"{issuer}\""))), ada);
    assert_ne!(user(&as_it_is, &with("NameQualifier=\"urn:other\"".to_owned())), ada);
    assert_ne!(user(&as_it_is, &with("SPNameQualifier=\"urn:other\"".to_owned())), ada);
}

#[test]
fn a_long_address_costs_nothing() {
    let (world, mut browser) = (World::new(), Browser::default());
    world.connection(&Idp::trusted());
    // Two labels of a thousand different characters: their conversion alone would take long.
    let label: String = (0x4e00..0x4e00 + 1_000).filter_map(char::from_u32).collect();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("email", &format!("a@{label}.{label}"))
        .finish();
    let response = browser.post(&world, "/sso/sign-in", &form);
    assert_eq!(response.status(), 422);
    assert!(edge_saml::saml::id::Domain::parse(&format!("{}.test", "ü".repeat(1_000))).is_err());
}

#[test]
fn sign_ins_in_flight_are_bounded_and_the_oldest_gives_way() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let first = browser.begin(&world, "ada@acme.test", "/");
    world.pass(1);
    let second = browser.begin(&world, "ada@acme.test", "/");
    for _ in 0..19 {
        world.pass(1);
        browser.begin(&world, "ada@acme.test", "/");
    }
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &first)).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["in_response_to_unknown"]);
    assert_eq!(Browser::deliver(&world, &id, &respond(&id, &second)).status(), 303);
}

#[test]
fn no_link_from_elsewhere_replaces_a_session() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let link = format!("/sso/sign-in?connection={id}&return_to=/billing");
    // Out of a message it comes from no site, and some browsers do not say.
    let elsewhere = [Some("cross-site"), Some("same-site"), Some("none"), None];
    let follow = |site: Option<&str>, cookie: Option<&str>| {
        let mut request = http::Request::builder().uri(&link);
        for (name, value) in [("sec-fetch-site", site), ("cookie", cookie)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        world.handle(request.body(Vec::new()).unwrap())
    };
    for site in elsewhere {
        assert_eq!(follow(site, None).status(), 303, "a first sign-in may begin by a link");
    }

    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    let done = browser.get(&world, &location(&ticket));
    let cookie = done.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    for site in elsewhere {
        let asked = follow(site, Some(&cookie));
        assert_eq!(asked.status(), 200, "{site:?}");
        let page = String::from_utf8(asked.body().clone()).unwrap();
        assert!(page.contains(&format!("name=\"connection\" value=\"{id}\"")), "{page}");
    }
    assert_eq!(follow(Some("same-origin"), Some(&cookie)).status(), 303);

    // Whoever presses the button gets a new session, and the old one is over.
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    let with = |line: &str| {
        let request = http::Request::builder().uri("/sso/session").header("cookie", line);
        world.handle(request.body(Vec::new()).unwrap()).status().as_u16()
    };
    assert_eq!(with(&cookie), 401);
}

#[test]
fn other_cookies_may_hold_anything() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    let done = browser.get(&world, &location(&ticket));
    let cookie = done.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let line = http::HeaderValue::from_bytes(&[b"x=\xc3\xa9; ", cookie.as_bytes()].concat()).unwrap();
    let request = http::Request::builder().uri("/sso/session").header("cookie", line);
    assert_eq!(world.handle(request.body(Vec::new()).unwrap()).status(), 200);
}

#[test]
fn a_domain_that_moved_leads_to_its_new_connection_only() {
    let (world, mut browser) = (World::new(), Browser::default());
    let former = world.connection(&Idp::trusted());
    world.replication.set(Replication::Lagging);
    let path = format!("/connections/{former}");
    assert_eq!(world.api("PATCH", &path, &json!({"domains": ["former.test"]})).0, 202);
    let response = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    assert_eq!(
        response.status(),
        422,
        "KV still says that the former connection has it"
    );
}

#[test]
fn a_deleted_connection_stays_deleted() {
    use edge_saml::app::ledger::{Begin, Call, Configure, Forget, Refusal};
    use edge_saml::saml::{connection::State, id, time::Timestamp};
    use edge_saml::token::Token;

    let sql = crate::support::world::MemorySql::new();
    let now = Timestamp::from_unix_seconds(crate::support::idp::NOW);
    let configure = |generation| Configure {
        generation,
        state: State::Enabled,
        sessions: edge_saml::saml::settings::SessionSettings::default(),
    };
    configure(1).run(&sql, now).unwrap();
    Forget {}.run(&sql, now).unwrap();
    // Sent before the deletion, it arrives after it.
    configure(2).run(&sql, now).unwrap();
    let begin = Begin {
        reference: "00000-00000".to_owned(),
        bounced: false,
        generation: 2,
        request_id: id::RequestId::from_random(&[1; 32]),
        browser: Token::new(&[2; 32]).hash(),
        return_target: id::ReturnPath::parse("/").unwrap().into(),
        lifetime_seconds: 3_600,
        asked: edge_saml::app::ledger::Asked::default(),
    };
    assert_eq!(begin.run(&sql, now).unwrap(), Err(Refusal::Disabled));
}

#[test]
fn a_session_that_ended_meanwhile_is_not_begun() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let message = Message {
        session_not_on_or_after: Some("2026-07-01T12:00:30Z".to_owned()),
        ..Message::of(&id, Some(&request))
    };
    let ticket = location(&Browser::deliver(
        &world,
        &id,
        &Idp::trusted().respond(&message, Signed::Both),
    ));
    world.pass(30);
    assert_eq!(browser.get(&world, &ticket).status(), 403);
}

#[test]
fn connections_do_not_mix_though_they_share_an_entity_id() {
    let (world, mut browser) = (World::new(), Browser::default());
    let acme = world.connection(&Idp::trusted());
    let rival = world.connection_for("rival.test", &Idp::other());
    let request = browser.begin(&world, "ada@acme.test", "/");

    // What acme's provider signed for acme, at rival's door.
    assert_eq!(
        Browser::deliver(&world, &rival, &respond(&acme, &request)).status(),
        403
    );
    // What rival's provider signed for acme, at acme's door.
    let forged = Idp::other().respond(&Message::of(&acme, Some(&request)), Signed::Both);
    assert_eq!(Browser::deliver(&world, &acme, &forged).status(), 403);
    // Acme's request, answered by rival's provider at rival's door: for a user of acme, then for one of its own.
    let for_acme = Idp::other().respond(&Message::of(&rival, Some(&request)), Signed::Both);
    assert_eq!(Browser::deliver(&world, &rival, &for_acme).status(), 403);
    let own = Message {
        email: Some("eve@rival.test".to_owned()),
        ..Message::of(&rival, Some(&request))
    };
    assert_eq!(
        Browser::deliver(&world, &rival, &Idp::other().respond(&own, Signed::Both)).status(),
        403
    );

    assert_eq!(world.refusal_codes(&acme), ["signature_key_unknown"]);
    assert_eq!(
        world.refusal_codes(&rival),
        [
            "in_response_to_unknown",
            "email_domain_not_owned",
            "signature_key_unknown"
        ]
    );
    // None of it used the request up.
    assert_eq!(Browser::deliver(&world, &acme, &respond(&acme, &request)).status(), 303);
}

#[test]
fn who_is_signed_in_may_go_on_or_use_another_account() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.return_origins.set("https://app.example.com");
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    let mut page = |query: &str| {
        let page = browser.get(&world, &format!("/sso/sign-in{query}"));
        assert_eq!(page.status(), 200, "nobody is sent on: {query}");
        String::from_utf8(page.body().clone()).unwrap()
    };
    let another = "<details>\n<summary>Use another account</summary>";
    for (query, target, return_to) in [
        ("?return_to=/reports?month=7", "/reports?month=7", "/reports?month=7"),
        (
            "?return_to=https://app.example.com/%3Fa=1%26b=2",
            "https://app.example.com/?a=1&#38;b=2",
            "https://app.example.com/?a=1&#38;b=2",
        ),
        ("?return_to=/sso/session", "/sso/session", "/sso/session"),
    ] {
        let page = page(query);
        for part in [
            "<h1>You are signed in</h1>\n<p class=\"lead\">As <strong>ada@acme.test</strong>.</p>",
            &format!("<p><a class=\"button\" href=\"{target}\" autofocus>Continue as ada@acme.test</a></p>"),
            &format!("<input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">"),
            another,
            "action=\"/sso/sign-out\"",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    // Where nothing is to go on to, or nothing that is allowed: here browsers go to this page by default.
    for query in [
        "",
        "?return_to=/sso/sign-in?x",
        "?return_to=https://evil.example/",
        "?return_to=//evil.example",
    ] {
        let page = page(query);
        assert!(page.contains(another) && !page.contains("Continue as"), "{page}");
        assert!(
            page.contains("<button type=\"submit\" class=\"quiet\" autofocus>Sign out</button>"),
            "{page}"
        );
    }
    let asked = page("?email=grace@acme.test&return_to=/reports");
    for part in ["<details open>", "value=\"grace@acme.test\"", "href=\"/reports\""] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[test]
fn an_address_of_the_application_is_not_called_a_failed_sign_in() {
    let (world, mut browser) = (World::new(), Browser::default());
    for (path, heading, leads_on) in [
        ("/app/home?x=1", "No page at this address", false),
        ("/", "No page at this address", false),
        ("/sso", "No page at this address", false),
        ("/sso/nothing", "There is nothing here", true),
    ] {
        let page = browser.get(&world, path);
        assert_eq!(page.status(), 404, "{path}");
        let page = String::from_utf8(page.body().clone()).unwrap();
        assert!(page.contains(&format!("<h1>{heading}</h1>")), "{path}: {page}");
        assert_eq!(
            page.contains("tart again on the sign-in page"),
            leads_on,
            "{path}: {page}"
        );
        assert_eq!(page.contains("href=\"/sso/sign-in\""), leads_on, "{path}: {page}");
    }
}

/// The names of the fields of `value`, and of those in them.
fn names(value: &serde_json::Value) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    let named = fields.flat_map(|(name, value)| {
        let below = names(value).into_iter().map(move |below| format!("{name}.{below}"));
        std::iter::once(name.clone()).chain(below)
    });
    named.collect()
}

#[test]
fn a_session_has_the_fields_that_applications_are_promised() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &respond(&id, &request));
    browser.get(&world, &location(&ticket));
    let session = browser.get(&world, "/sso/session");
    let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
    let guide = include_str!("../../docs/integrate.md");
    let (_, example) = guide.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let promised = names(&serde_json::from_str(example).unwrap());
    assert_eq!(names(&session), promised);
    for name in promised.iter().filter(|name| *name != "user") {
        assert!(guide.contains(&format!("`{name}`")), "{name} is not explained");
    }
    assert!(session["user"]["groups"].is_array(), "also where there are none");
}
