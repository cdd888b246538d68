//! What is remembered of a sign-in between its request and its answer: how long, for whom, and what a second answer gets.

use serde_json::json;

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, ORIGIN, World, authn_request, location, request_id};

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

fn body(response: &http::Response<Vec<u8>>) -> String {
    String::from_utf8(response.body().clone()).unwrap()
}

/// An answer of the identity provider that is no success; nothing in it is signed.
fn status(id: &str, request: &str, second: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\" Version=\"2.0\" \
         IssueInstant=\"2026-07-01T12:00:00Z\" Destination=\"{ORIGIN}/sso/saml/{id}/acs\" InResponseTo=\"{request}\"><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:{second}\"/></samlp:StatusCode><samlp:StatusMessage>Because.</samlp:StatusMessage>\
         </samlp:Status></samlp:Response>"
    )
}

#[test]
fn the_same_browser_may_post_twice_within_a_minute() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let response = respond(&Message::of(
        &id,
        Some(&browser.begin(&world, "ada@acme.test", "/reports")),
    ));
    let first = Browser::deliver(&world, &id, &response);
    world.pass(59);
    let second = Browser::deliver(&world, &id, &response);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (303, 303));
    assert_ne!(location(&first), location(&second));
    for ticket in [second, first] {
        let done = browser.get(&world, &location(&ticket));
        assert_eq!((done.status().as_u16(), location(&done)), (303, "/reports".to_owned()));
    }
    assert_eq!(browser.get(&world, "/sso/session").status(), 200);
    world.pass(1);
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["assertion_reused"]);
}

#[test]
fn another_browser_may_post_it_again_for_nothing() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let response = respond(&Message::of(&id, Some(&browser.begin(&world, "ada@acme.test", "/"))));
    let first = Browser::deliver(&world, &id, &response);
    assert_eq!(browser.get(&world, &location(&first)).status(), 303);
    let second = Browser::deliver(&world, &id, &response);
    assert_eq!(second.status(), 303);
    let mut stranger = Browser::default();
    assert_eq!(stranger.get(&world, &location(&second)).status(), 403);
    assert_eq!(stranger.get(&world, "/sso/session").status(), 401);
    assert_eq!(world.refusal_codes(&id), ["browser_mismatch"]);
    // The session that the first has become lives on.
    assert_eq!(browser.get(&world, "/sso/session").status(), 200);
}

#[test]
fn a_post_is_not_repeated_without_end() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let response = respond(&Message::of(&id, Some(&browser.begin(&world, "ada@acme.test", "/"))));
    let statuses: Vec<u16> = (0..5)
        .map(|_| Browser::deliver(&world, &id, &response).status().as_u16())
        .collect();
    assert_eq!(statuses, [303, 303, 303, 303, 403]);
    assert_eq!(world.refusal_codes(&id), ["assertion_reused"]);
}

#[test]
fn who_has_signed_out_is_not_signed_in_by_the_back_button() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let response = respond(&Message::of(&id, Some(&browser.begin(&world, "ada@acme.test", "/"))));
    let ticket = Browser::deliver(&world, &id, &response);
    browser.get(&world, &location(&ticket));
    browser.post(&world, "/sso/sign-out", "");
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["assertion_reused"]);
}

#[test]
fn signing_out_ends_the_tickets_of_the_same_answer() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let response = respond(&Message::of(&id, Some(&browser.begin(&world, "ada@acme.test", "/"))));
    let other = respond(&Message::of(
        &id,
        Some(&browser.begin(&world, "ada@acme.test", "/other")),
    ));
    let [first, second, other] =
        [&response, &response, &other].map(|response| location(&Browser::deliver(&world, &id, response)));
    assert_eq!(browser.get(&world, &first).status(), 303);
    browser.post(&world, "/sso/sign-out", "");
    assert_eq!(browser.get(&world, &second).status(), 403);
    assert_eq!(browser.get(&world, "/sso/session").status(), 401);
    assert_eq!(world.refusal_codes(&id), ["in_response_to_unknown"]);
    assert_eq!(
        location(&browser.get(&world, &other)),
        "/other",
        "another sign-in goes on"
    );
}

#[test]
fn an_assertion_that_answers_another_request_is_no_repetition() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let first = browser.begin(&world, "ada@acme.test", "/");
    let second = browser.begin(&world, "ada@acme.test", "/");
    let message = Message {
        assertion_id: "_same".to_owned(),
        ..Message::of(&id, Some(&first))
    };
    assert_eq!(Browser::deliver(&world, &id, &respond(&message)).status(), 303);
    let message = Message {
        assertion_id: "_same".to_owned(),
        ..Message::of(&id, Some(&second))
    };
    assert_eq!(Browser::deliver(&world, &id, &respond(&message)).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["assertion_reused"]);
}

#[test]
fn a_sign_in_that_took_too_long_is_begun_again_with_one_click() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let fresh = |request: &str, minutes: i64| {
        let at = |minute: i64| format!("2026-07-01T{:02}:{:02}:00Z", 12 + minute / 60, minute % 60);
        Message {
            issue_instant: at(minutes),
            not_before: at(minutes),
            not_on_or_after: at(minutes + 5),
            ..Message::of(&id, Some(request))
        }
    };
    let request = browser.begin(&world, "ada@acme.test", "/reports?month=7");
    world.pass(3_600);
    let late = Browser::deliver(&world, &id, &respond(&fresh(&request, 60)));
    assert_eq!(late.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["request_expired"]);
    let page = body(&late);
    assert!(page.contains("<h1>That took too long</h1>"), "{page}");
    let link = format!("/sso/sign-in?connection={id}&#38;return_to=%2Freports%3Fmonth%3D7");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    let again = browser.get(&world, &link.replace("&#38;", "&"));
    assert_eq!(again.status(), 303);
    assert!(location(&again).starts_with("https://acme.okta.example/sso?"));

    // A day later nobody knows where it was going.
    let request = browser.begin(&world, "ada@acme.test", "/reports");
    world.pass(25 * 3_600);
    browser.begin(&world, "ada@acme.test", "/");
    let at = |text: String| text.replace("07-01T14", "07-02T14");
    let message = fresh(&request, 120);
    let message = Message {
        issue_instant: at(message.issue_instant.clone()),
        not_before: at(message.not_before.clone()),
        not_on_or_after: at(message.not_on_or_after.clone()),
        ..message
    };
    assert_eq!(Browser::deliver(&world, &id, &respond(&message)).status(), 403);
    assert_eq!(world.refusal_codes(&id)[0], "in_response_to_unknown");
}

#[test]
fn how_long_a_sign_in_may_take_is_the_connections_to_say() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"request_lifetime_minutes": 2}));
    for (seconds, status) in [(119, 303), (120, 403)] {
        let request = browser.begin(&world, "ada@acme.test", "/");
        world.pass(seconds);
        assert_eq!(
            Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request)))).status(),
            status
        );
    }
    assert_eq!(world.refusal_codes(&id), ["request_expired"]);
    for minutes in [0, 1_441] {
        let (status, error) = world.api(
            "PATCH",
            &format!("/connections/{id}"),
            &json!({"request_lifetime_minutes": minutes}),
        );
        assert_eq!((status, &error["error"]["code"]), (422, &json!("invalid_field")));
    }
}

#[test]
fn several_sign_ins_may_be_in_flight_in_one_browser() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let requests: Vec<String> = ["/a", "/b", "/c"]
        .iter()
        .map(|path| browser.begin(&world, "ada@acme.test", path))
        .collect();
    let went: Vec<String> = requests
        .iter()
        .rev()
        .map(|request| {
            let ticket = Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(request))));
            location(&browser.get(&world, &location(&ticket)))
        })
        .collect();
    assert_eq!(went, ["/c", "/b", "/a"]);
}

#[test]
fn the_address_may_have_to_be_the_one_that_was_typed() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut sign_in = |typed: &str| {
        let request = browser.begin(&world, typed, "/");
        Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request))))
            .status()
            .as_u16()
    };
    assert_eq!(
        sign_in("grace@acme.test"),
        303,
        "an alias is nobody's business by default"
    );
    world.patch(&id, &json!({"require_typed_email": true}));
    assert_eq!(sign_in("ADA@acme.test"), 303);
    assert_eq!(sign_in("grace@acme.test"), 403);
    assert_eq!(world.refusal_codes(&id), ["email_differs_from_typed"]);
}

#[test]
fn new_users_may_be_kept_out() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let sign_in = |browser: &mut Browser, email: &str| {
        let request = browser.begin(&world, email, "/");
        let message = Message {
            name_id: email.to_owned(),
            email: Some(email.to_owned()),
            ..Message::of(&id, Some(&request))
        };
        let ticket = Browser::deliver(&world, &id, &respond(&message));
        if ticket.status() == 303 {
            browser.get(&world, &location(&ticket));
        }
        ticket.status().as_u16()
    };
    assert_eq!(sign_in(&mut browser, "ada@acme.test"), 303);
    world.patch(&id, &json!({"just_in_time_sign_up": false}));
    assert_eq!(sign_in(&mut browser, "ada@acme.test"), 303);
    assert_eq!(sign_in(&mut browser, "grace@acme.test"), 403);
    assert_eq!(world.refusal_codes(&id), ["jit_disabled"]);
}

#[test]
fn attributes_may_have_names_of_their_own() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut sign_in = |address: &str| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let xml = Message::of(&id, Some(&request)).to_xml();
        let more = format!(
            "<saml2:AttributeStatement><saml2:Attribute Name=\"Work_Mail\"><saml2:AttributeValue>{address}</saml2:AttributeValue></saml2:Attribute>\
             <saml2:Attribute Name=\"crew\"><saml2:AttributeValue>deck</saml2:AttributeValue></saml2:Attribute>"
        );
        let xml = xml.replacen("<saml2:AttributeStatement>", &more, 1);
        let response = Idp::trusted().sign(&xml, &format!("_a{request}"));
        let ticket = Browser::deliver(&world, &id, &response);
        if ticket.status() == 303 {
            browser.get(&world, &location(&ticket));
        }
        let session = browser.get(&world, "/sso/session");
        let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
        (ticket.status().as_u16(), session["user"].clone())
    };
    let (status, user) = sign_in("grace@acme.test");
    assert_eq!(
        (status, &user["email"], &user["groups"]),
        (303, &json!("ada@acme.test"), &json!([]))
    );
    let map = json!({"email": " work mail ", "groups": "CREW", "first_name": "never sent", "last_name": null});
    let changed = world.patch(&id, &json!({"attribute_map": map}));
    assert_eq!(changed["attribute_map"]["email"], "work mail");
    let (status, user) = sign_in("grace@acme.test");
    assert_eq!(
        (status, &user["email"], &user["groups"]),
        (303, &json!("grace@acme.test"), &json!(["deck"]))
    );
    assert_eq!(
        user["first_name"], "Ada",
        "what did not come is looked for by the usual names"
    );
    assert_eq!(
        sign_in("no address").0,
        403,
        "the chosen attribute must hold an address"
    );
    assert_eq!(world.refusal_codes(&id)[0], "email_not_an_address");
    for wrong in ["", "a\nb", &"x".repeat(257)] {
        let (status, error) = world.api(
            "PATCH",
            &format!("/connections/{id}"),
            &json!({"attribute_map": {"email": wrong}}),
        );
        assert_eq!((status, &error["error"]["field"]), (422, &json!("attribute_map")));
    }
    let (status, _) = world.api(
        "PATCH",
        &format!("/connections/{id}"),
        &json!({"attribute_map": {"name": "x"}}),
    );
    assert_eq!(status, 422);
}

#[test]
fn what_must_be_known_of_everyone_is_asked_for() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"required_attributes": ["first_name", "last_name"]}));
    let request = browser.begin(&world, "ada@acme.test", "/");
    assert_eq!(
        Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request)))).status(),
        303
    );
    world.patch(&id, &json!({"required_attributes": ["groups"]}));
    let request = browser.begin(&world, "ada@acme.test", "/");
    assert_eq!(
        Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request)))).status(),
        403
    );
    let refusals = world.refusals(&id);
    assert_eq!(refusals[0]["code"], "required_attribute_missing");
    assert_eq!(
        refusals[0]["detail"],
        "expected groups, found the attributes [Email address, First name, Last name]"
    );
    // Entra ID's word for "more than 150".
    let request = browser.begin(&world, "ada@acme.test", "/");
    let xml = Message::of(&id, Some(&request)).to_xml().replace(
        "Name=\"First name\"",
        "Name=\"http://schemas.microsoft.com/claims/groups.link\"",
    );
    let response = Idp::trusted().sign(&xml, &format!("_a{request}"));
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
    assert_eq!(world.refusal_codes(&id)[0], "groups_overage");
}

#[test]
fn what_the_identity_provider_refuses_is_told_to_the_vendor() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    for (second, code) in [
        ("AuthnFailed", "idp_authn_failed"),
        ("UnknownPrincipal", "idp_authn_failed"),
        ("InvalidNameIDPolicy", "idp_invalid_nameid_policy"),
        ("NoAuthnContext", "idp_no_authn_context"),
        ("NoPassive", "idp_no_passive"),
        ("RequestDenied", "idp_request_denied"),
        ("UnsupportedBinding", "idp_requester_error"),
    ] {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let response = Browser::deliver(&world, &id, &status(&id, &request, second));
        assert_eq!(response.status(), 403);
        let page = body(&response);
        assert!(
            page.contains("<h1>Your organization did not sign you in</h1>"),
            "{page}"
        );
        assert!(!page.contains("Because"), "{page}");
        let refusals = world.refusals(&id);
        assert_eq!(refusals[0]["code"], code);
        assert_eq!(
            refusals[0]["detail"],
            format!("the answer, whose signature was not checked, reports Responder, {second}: Because.")
        );
    }
}

/// Status codes are nested (SAML Core 3.2.2.2): the vendor sees all that there are, up to a bound, whoever defined them.
#[test]
fn status_codes_are_shown_however_they_are_nested() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let of = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{name}");
    let code = |value: &str, within: &str| format!("<samlp:StatusCode Value=\"{value}\">{within}</samlp:StatusCode>");
    let long = format!("urn:x:{}", "y".repeat(200));
    for (codes, expected, shown) in [
        (
            code(&of("Requester"), ""),
            "idp_requester_error",
            "Requester: no message".to_owned(),
        ),
        (
            code(&of("RequestDenied"), ""),
            "idp_request_denied",
            "RequestDenied: no message".to_owned(),
        ),
        (
            code(
                &of("Responder"),
                &code(&of("AuthnFailed"), &code("urn:vendor:locked", &code("urn:more", ""))),
            ),
            "idp_authn_failed",
            "Responder, AuthnFailed, urn:vendor:locked: no message".to_owned(),
        ),
        (
            code(&of("Responder"), &code("http://schemas.microsoft.com/AADSTS50105", "")),
            "idp_requester_error",
            "Responder, http://schemas.microsoft.com/AADSTS50105: no message".to_owned(),
        ),
        (
            code(&of("Responder"), &code(&long, "")),
            "idp_requester_error",
            format!("Responder, {}: no message", &long[..100]),
        ),
    ] {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let response = status(&id, &request, "AuthnFailed");
        let (start, end) = ("<samlp:Status>", "</samlp:Status>");
        let (before, rest) = response.split_once(start).unwrap();
        let response = format!("{before}{start}{codes}{end}{}", rest.split_once(end).unwrap().1);
        assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
        let refusal = &world.refusals(&id)[0];
        assert_eq!(refusal["code"], expected);
        let detail = format!("the answer, whose signature was not checked, reports {shown}");
        assert_eq!(refusal["detail"], detail);
    }
}

/// What we find a request by is `InResponseTo`; a `RelayState` that was lost or altered on its way is no matter.
#[test]
fn a_relay_state_of_whatever_kind_is_no_matter() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let link = format!("/sso/sign-in?connection={id}");
    let sent = location(&browser.get(&world, &link));
    let of_another = url::Url::parse(&sent).unwrap();
    let (_, of_another) = of_another.query_pairs().find(|(name, _)| name == "RelayState").unwrap();
    assert!(!of_another.is_empty() && of_another.len() <= 80);
    for relay_state in [
        "",
        "/elsewhere",
        "https%3A%2F%2Fevil.example%2F",
        "%FF",
        "test_",
        &of_another,
        &"x".repeat(2_000),
    ] {
        let request = browser.begin(&world, "ada@acme.test", "/reports");
        let response = respond(&Message::of(&id, Some(&request)));
        let ticket = Browser::deliver_with(&world, &id, &response, &format!("&RelayState={relay_state}"));
        assert_eq!(ticket.status(), 303, "{relay_state}");
        let done = browser.get(&world, &location(&ticket));
        assert_eq!(
            (done.status().as_u16(), location(&done)),
            (303, "/reports".to_owned()),
            "{relay_state}"
        );
    }
}

#[test]
fn a_sign_in_without_a_page_comes_back_either_way() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let begin = |browser: &mut Browser, more: &str| {
        let asked = browser.get(&world, &format!("/sso/sign-in?connection={id}&return_to=%2Fhome{more}"));
        let url = location(&asked);
        (request_id(&url), authn_request(&url).contains(" IsPassive=\"true\""))
    };
    let (request, passive) = begin(&mut browser, "&passive=true");
    assert!(passive);
    let came_back = Browser::deliver(&world, &id, &status(&id, &request, "NoPassive"));
    assert_eq!(
        (came_back.status().as_u16(), location(&came_back)),
        (303, "/home".to_owned())
    );
    assert_eq!(browser.get(&world, "/sso/session").status(), 401);
    // Once; and only where it was asked for.
    assert_eq!(
        Browser::deliver(&world, &id, &status(&id, &request, "NoPassive")).status(),
        403
    );
    let (request, passive) = begin(&mut browser, "");
    assert!(!passive);
    assert_eq!(
        Browser::deliver(&world, &id, &status(&id, &request, "NoPassive")).status(),
        403
    );
    assert_eq!(world.refusal_codes(&id), ["idp_no_passive", "idp_no_passive"]);
}

#[test]
fn sha1_is_accepted_until_a_day_that_somebody_chose() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let sign_in = |browser: &mut Browser| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let response = Idp::trusted().respond_with_sha1(&Message::of(&id, Some(&request)));
        Browser::deliver(&world, &id, &response).status().as_u16()
    };
    assert_eq!(sign_in(&mut browser), 403);
    let exception = json!({"until": "2026-07-01T12:01:00Z", "reason": "Acme moves to SHA-256 on 1 July."});
    let changed = world.patch(&id, &json!({"sha1_exception": exception}));
    assert_eq!(changed["sha1_exception"], exception);
    world.pass(59);
    assert_eq!(sign_in(&mut browser), 303);
    world.pass(1);
    assert_eq!(sign_in(&mut browser), 403);
    assert_eq!(world.refusal_codes(&id), ["signature_alg_weak", "signature_alg_weak"]);
    assert_eq!(
        world.patch(&id, &json!({"sha1_exception": null}))["sha1_exception"],
        json!(null)
    );
    for bad in [
        json!({"until": "2027-07-03T12:01:00Z", "reason": "For ever."}),
        json!({"until": "2026-08-01T00:00:00Z", "reason": " "}),
    ] {
        let (status, error) = world.api("PATCH", &format!("/connections/{id}"), &json!({"sha1_exception": bad}));
        assert_eq!(
            (status, &error["error"]["code"]),
            (422, &json!("invalid_field")),
            "{bad}"
        );
    }
    let bad = json!({"sha1_exception": {"until": "soon", "reason": "x"}});
    let (status, error) = world.api("PATCH", &format!("/connections/{id}"), &bad);
    assert_eq!((status, &error["error"]["code"]), (422, &json!("invalid_field")));
}
