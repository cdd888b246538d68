//! Responses that answer no request: off, bounce, direct.

use serde_json::json;

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, Replication, World, authn_request, location};

/// A response for `email` that the identity provider made of its own accord.
fn unsolicited(id: &str, assertion_id: &str, email: &str) -> String {
    let message = Message {
        assertion_id: assertion_id.to_owned(),
        name_id: email.to_owned(),
        email: Some(email.to_owned()),
        ..Message::of(id, None)
    };
    Idp::trusted().respond(&message, Signed::Both)
}

fn who(world: &World, browser: &mut Browser) -> Option<String> {
    let session = browser.get(world, "/sso/session");
    let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
    session["user"]["email"].as_str().map(ToOwned::to_owned)
}

/// The value of the hidden field `name` on a page.
fn hidden(page: &[u8], name: &str) -> String {
    let page = String::from_utf8(page.to_vec()).unwrap();
    let start = page.find(&format!("name=\"{name}\" value=\"")).unwrap() + name.len() + 15;
    page[start..].split('"').next().unwrap().to_owned()
}

#[test]
fn off_refuses_it() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "off"}));
    let response = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    assert_eq!(response.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["unsolicited_not_allowed"]);
}

#[test]
fn bounce_is_the_default_and_only_begins_a_sign_in() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let bounced = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    assert_eq!(bounced.status(), 303);
    assert_eq!(
        location(&bounced),
        format!("/sso/sign-in?connection={id}&return_to=%2Fsso%2Fsign-in&bounced=true")
    );
    assert!(bounced.headers().get("set-cookie").is_none());
    let asked = browser.get(&world, &location(&bounced));
    assert_eq!(asked.status(), 303);
    assert!(location(&asked).starts_with("https://acme.okta.example/sso?SAMLRequest="));
    assert_eq!(who(&world, &mut browser), None);
    assert!(world.refusal_codes(&id).is_empty());
}

#[test]
fn bounce_does_not_go_round_in_circles() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let bounced = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    assert_eq!(browser.get(&world, &location(&bounced)).status(), 303);
    // The identity provider answers our request with another response to no request.
    let bounced = Browser::deliver(&world, &id, &unsolicited(&id, "_b", "ada@acme.test"));
    let stopped = browser.get(&world, &location(&bounced));
    assert_eq!(stopped.status(), 200);
    assert!(String::from_utf8_lossy(stopped.body()).contains("did not answer our request"));
    // With the handle of our request it is told by that alone.
    let handle = "&RelayState=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let response = Browser::deliver_with(&world, &id, &unsolicited(&id, "_c", "ada@acme.test"), handle);
    assert_eq!(response.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["unsolicited_not_allowed"]);
}

#[test]
fn what_bounces_is_verified() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let good = unsolicited(&id, "_a", "ada@acme.test");
    for (evil, code) in [
        (good.replace("ada@", "eve@"), "signature_bad_digest"),
        (unsolicited(&id, "_a", "ada@other.test"), "email_domain_not_owned"),
        (
            // Someone else's response, to another connection of the same identity provider.
            unsolicited("conn_abcdefghij234567klmn", "_a", "ada@acme.test"),
            "destination_mismatch",
        ),
        (
            // Named on the outside alone, where anyone can write.
            good.replace("ID=\"_response\"", "ID=\"_response\" InResponseTo=\"_x\""),
            "signature_bad_digest",
        ),
    ] {
        assert_eq!(Browser::deliver(&world, &id, &evil).status(), 403);
        assert_eq!(world.refusal_codes(&id).first().map(String::as_str), Some(code));
    }
}

#[test]
fn relay_state_leads_to_allowed_targets_alone() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"relay_state_targets": ["/reports/", "/start?tour=1"]}));
    let deliver = |relay_state: &str| {
        let form = form_urlencoded::Serializer::new("&".to_owned())
            .append_pair("RelayState", relay_state)
            .finish();
        Browser::deliver_with(
            &world,
            &id,
            &unsolicited(&id, "_a", "ada@acme.test"),
            &form.replace("&&", "&"),
        )
    };
    for (allowed, path) in [
        ("/reports/7?x=1", "%2Freports%2F7%3Fx%3D1"),
        ("https://sp.example/start", "%2Fstart"),
        ("", "%2Fsso%2Fsign-in"),
    ] {
        let bounced = deliver(allowed);
        assert_eq!(bounced.status(), 303, "{allowed}");
        assert_eq!(
            location(&bounced),
            format!("/sso/sign-in?connection={id}&return_to={path}&bounced=true")
        );
    }
    for refused in [
        "/other",
        "/reports",
        "/reports/../admin",
        "/startled",
        "https://evil.example/reports/",
        "https://sp.example.evil.example/reports/",
        "https://sp.example@evil.example/reports/",
        "//evil.example/reports/",
        "/\\evil.example/reports/",
        "javascript:alert(1)",
        "/reports/\r\nSet-Cookie: a=b",
        "reports",
    ] {
        let response = deliver(refused);
        assert_eq!(response.status(), 400, "{refused}");
        assert_eq!(
            world.refusal_codes(&id).first().map(String::as_str),
            Some("relaystate_not_allowed")
        );
        assert!(!String::from_utf8_lossy(response.body()).contains("evil"));
    }
}

#[test]
fn direct_signs_in_whoever_confirms_it() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(
        &id,
        &json!({"idp_initiated": "direct", "relay_state_targets": ["/reports/"]}),
    );
    let response = unsolicited(&id, "_a", "ada@acme.test");
    let ticket = Browser::deliver_with(&world, &id, &response, "&RelayState=%2Freports%2F7");
    assert_eq!(ticket.status(), 303);
    let question = browser.get(&world, &location(&ticket));
    assert_eq!(question.status(), 200);
    let page = String::from_utf8(question.body().clone()).unwrap();
    assert!(page.contains("<strong>ada@acme.test</strong>"), "{page}");
    assert_eq!(who(&world, &mut browser), None, "nothing happens by itself");
    let form = format!("ticket={}", hidden(question.body(), "ticket"));
    let done = browser.post(&world, &format!("/sso/saml/{id}/complete"), &form);
    assert_eq!(
        (done.status().as_u16(), location(&done)),
        (303, "/reports/7".to_owned())
    );
    assert_eq!(who(&world, &mut browser).as_deref(), Some("ada@acme.test"));

    // Once.
    let again = browser.post(&world, &format!("/sso/saml/{id}/complete"), &form);
    assert_eq!(again.status(), 403);
    let again = Browser::deliver(&world, &id, &response);
    assert_eq!(again.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["assertion_reused", "in_response_to_unknown"]);

    // Who is signed in as the same user already is asked nothing.
    let ticket = Browser::deliver(&world, &id, &unsolicited(&id, "_b", "ada@acme.test"));
    let done = browser.get(&world, &location(&ticket));
    assert_eq!(
        (done.status().as_u16(), location(&done)),
        (303, "/sso/sign-in".to_owned())
    );
}

/// Its authentication was not asked for, so nobody knows whether it was made anew.
#[test]
fn direct_only_begins_a_sign_in_where_everybody_authenticates_anew() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "direct", "force_authn": true}));
    let bounced = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    assert_eq!(
        (bounced.status().as_u16(), location(&bounced)),
        (
            303,
            format!("/sso/sign-in?connection={id}&return_to=%2Fsso%2Fsign-in&bounced=true")
        )
    );
    let asked = browser.get(&world, &location(&bounced));
    assert!(authn_request(&location(&asked)).contains(" ForceAuthn=\"true\""));
    world.patch(&id, &json!({"idp_initiated": "off"}));
    let refused = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    assert_eq!(refused.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["unsolicited_not_allowed"]);
}

/// Attack A117: Eve makes Ada's browser post Eve's own response, so that Ada works, and writes, in Eve's account.
#[test]
fn nobody_is_signed_in_as_somebody_else_without_a_click_of_their_own() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "direct"}));
    for signed_in_before in [false, true] {
        let mut ada = Browser::default();
        let as_before = signed_in_before.then(|| {
            let request = ada.begin(&world, "ada@acme.test", "/");
            let message = Message::of(&id, Some(&request));
            let ticket = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
            ada.get(&world, &location(&ticket));
            "ada@acme.test".to_owned()
        });
        let eves = unsolicited(&id, &format!("_eve{signed_in_before}"), "eve@acme.test");
        let ticket = Browser::deliver(&world, &id, &eves);
        let question = ada.get(&world, &location(&ticket));
        assert_eq!(question.status(), 200);
        assert_eq!(who(&world, &mut ada), as_before);
        // The button cannot be pressed from another site.
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("/sso/saml/{id}/complete"))
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/x-www-form-urlencoded");
        let form = format!("ticket={}", hidden(question.body(), "ticket"));
        let pressed = ada.send(&world, request.body(form.into_bytes()).unwrap());
        assert_eq!(pressed.status(), 403);
        assert_eq!(who(&world, &mut ada), as_before);
    }
}

/// The address of the question gets about: by a log, by a proxy, over a shoulder.
#[test]
fn only_the_browser_that_was_asked_confirms() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "direct"}));
    let complete = format!("/sso/saml/{id}/complete");
    let form = |ticket: &str| format!("ticket={}", ticket.split("ticket=").nth(1).unwrap());
    let deliver = |assertion: &str| {
        location(&Browser::deliver(
            &world,
            &id,
            &unsolicited(&id, assertion, "ada@acme.test"),
        ))
    };
    let refused = |browser: &mut Browser, answer: &edge_saml::app::http::Response, code: &str| {
        assert_eq!(answer.status(), 403);
        assert_eq!(world.refusal_codes(&id)[0], code);
        assert_eq!(who(&world, browser), None);
    };
    let mut began = Browser::default();
    began.begin(&world, "ada@acme.test", "/");
    for (number, known) in [Browser::default(), began].into_iter().enumerate() {
        let (mut ada, mut eve) = (known.clone(), Browser::default());
        // Asked again in the same browser, and with the cookie that it had.
        let ticket = deliver(&format!("_same{number}"));
        let question = ada.get(&world, &ticket);
        assert_eq!(question.status(), 200);
        assert_eq!(question.headers().get_all("set-cookie").iter().count(), 1);
        assert!(known.cookies().all(|token| ada.cookies().any(|kept| kept == token)));
        assert_eq!(ada.get(&world, &ticket).status(), 200);
        assert_eq!(ada.post(&world, &complete, &form(&ticket)).status(), 303);
        assert_eq!(who(&world, &mut ada).as_deref(), Some("ada@acme.test"));
        ada.post(&world, "/sso/sign-out", "local=true");

        // Confirmed in another browser, whether that has a token or not; then it is worth nothing anywhere.
        let ticket = deliver(&format!("_confirmed{number}"));
        ada.get(&world, &ticket);
        let confirmed = eve.post(&world, &complete, &form(&ticket));
        refused(&mut eve, &confirmed, "browser_mismatch");
        let late = ada.post(&world, &complete, &form(&ticket));
        refused(&mut ada, &late, "in_response_to_unknown");

        // Shown in another browser.
        let ticket = deliver(&format!("_shown{number}"));
        ada.get(&world, &ticket);
        eve = Browser::default();
        eve.begin(&world, "eve@acme.test", "/");
        let shown = eve.get(&world, &ticket);
        refused(&mut eve, &shown, "browser_mismatch");

        // Confirmed before anybody was asked.
        let ticket = deliver(&format!("_first{number}"));
        let confirmed = eve.post(&world, &complete, &form(&ticket));
        refused(&mut eve, &confirmed, "browser_mismatch");
        let late = eve.get(&world, &ticket);
        refused(&mut eve, &late, "in_response_to_unknown");
    }
}

/// Its ten minutes are enough for a key to be replaced, or for another way to be chosen.
#[test]
fn an_answer_to_no_request_is_good_for_the_configuration_that_it_was_verified_with() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "direct"}));
    let (mut ada, mut late, mut asked) = (Browser::default(), Browser::default(), Browser::default());
    let ticket = location(&Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test")));
    assert_eq!(ada.get(&world, &ticket).status(), 200);
    let unseen = location(&Browser::deliver(&world, &id, &unsolicited(&id, "_b", "ada@acme.test")));
    let request = asked.begin(&world, "ada@acme.test", "/");
    let response = Idp::trusted().respond(&Message::of(&id, Some(&request)), Signed::Both);
    let of_request = location(&Browser::deliver(&world, &id, &response));
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({"idp_initiated": "off"}));
    assert_eq!(status, 202);

    let form = format!("ticket={}", ticket.split("ticket=").nth(1).unwrap());
    let done = ada.post(&world, &format!("/sso/saml/{id}/complete"), &form);
    let unseen = late.get(&world, &unseen);
    for (browser, answer) in [(&mut ada, done), (&mut late, unseen)] {
        assert_eq!(answer.status(), 403);
        let page = String::from_utf8(answer.body().clone()).unwrap();
        assert!(page.contains("That took too long"), "{page}");
        assert_eq!(who(&world, browser), None);
    }
    assert_eq!(world.refusal_codes(&id), ["request_expired", "request_expired"]);
    assert_eq!(asked.get(&world, &of_request).status(), 303);
    assert_eq!(who(&world, &mut asked).as_deref(), Some("ada@acme.test"));
}

#[test]
fn a_disabled_connection_completes_nothing() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"idp_initiated": "direct"}));
    let ticket = Browser::deliver(&world, &id, &unsolicited(&id, "_a", "ada@acme.test"));
    let question = browser.get(&world, &location(&ticket));
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    assert!(status < 300);
    let form = format!("ticket={}", hidden(question.body(), "ticket"));
    let done = browser.post(&world, &format!("/sso/saml/{id}/complete"), &form);
    assert_eq!(done.status(), 403);
    let late = Browser::deliver(&world, &id, &unsolicited(&id, "_b", "ada@acme.test"));
    assert_eq!(late.status(), 403);
    assert_eq!(world.refusal_codes(&id), ["connection_disabled", "connection_disabled"]);
}
