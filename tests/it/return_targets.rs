//! Where the browser goes after a sign-in, when another origin is allowed (attack A134). Which addresses are read as what is
//! tested beside `ReturnOrigins`.

use edge_saml::app::http::Response;
use serde_json::json;

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, World, location, request_id};

const APP: &str = "https://app.example.com";
const HOME: &str = "https://app.example.com/home?tab=1#top";

fn world() -> (World, String) {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.return_origins.set(APP);
    (world, id)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn ticket(world: &World, id: &str, request: &str) -> String {
    let response = Idp::trusted().respond(&Message::of(id, Some(request)), Signed::Both);
    location(&Browser::deliver(world, id, &response))
}

/// Where a whole sign-in that asked for `return_to` leads.
fn leads_to(world: &World, id: &str, return_to: &str) -> String {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", return_to);
    let done = browser.get(world, &ticket(world, id, &request));
    assert_eq!(browser.get(world, "/sso/session").status(), 200);
    location(&done)
}

fn body(response: &Response) -> &str {
    core::str::from_utf8(response.body()).unwrap()
}

#[test]
fn a_sign_in_leads_to_an_allowed_origin_and_to_no_other() {
    let (world, id) = world();
    for (return_to, target) in [
        (HOME, HOME),
        ("HTTPS://App.Example.com:443/x", "https://app.example.com/x"),
        ("/here", "/here"),
        ("https://evil.example/", "/sso/sign-in"),
        ("//evil.example/", "/sso/sign-in"),
        ("https://app.example.com@evil.example/", "/sso/sign-in"),
        ("https://app.example.com\\@evil.example/", "/sso/sign-in"),
        ("https://app.example.com.evil.example/", "/sso/sign-in"),
        ("https://app.example.com:8443/", "/sso/sign-in"),
        ("http://app.example.com/", "/sso/sign-in"),
        ("https://app.example.com/\r\nX: y", "/sso/sign-in"),
    ] {
        assert_eq!(leads_to(&world, &id, return_to), target, "{return_to:?}");
    }
    world.return_origins.set("");
    assert_eq!(leads_to(&world, &id, HOME), "/sso/sign-in");
}

#[test]
fn the_wish_survives_links_pages_and_a_second_attempt() {
    let (world, id) = world();
    // By a link that names the connection.
    let mut browser = Browser::default();
    let link = format!("/sso/sign-in?connection={id}&return_to={}", encoded(HOME));
    let sent = browser.get(&world, &link);
    let done = browser.get(&world, &ticket(&world, &id, &request_id(&location(&sent))));
    assert_eq!(location(&done), HOME);
    // On the form.
    let form = Browser::default().get(&world, &format!("/sso/sign-in?return_to={}", encoded(HOME)));
    assert!(
        body(&form).contains(&format!("name=\"return_to\" value=\"{HOME}\"")),
        "{}",
        body(&form)
    );
    // After a sign-in that took too long.
    let request = browser.begin(&world, "ada@acme.test", HOME);
    world.pass(3_600);
    let late = Message {
        issue_instant: "2026-07-01T13:00:00Z".to_owned(),
        not_before: "2026-07-01T13:00:00Z".to_owned(),
        not_on_or_after: "2026-07-01T13:05:00Z".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let late = Browser::deliver(&world, &id, &Idp::trusted().respond(&late, Signed::Both));
    let link = format!("/sso/sign-in?connection={id}&#38;return_to={}", encoded(HOME));
    assert!(body(&late).contains(&format!("href=\"{link}\"")), "{}", body(&late));
}

#[test]
fn where_nobody_is_asked_the_browser_goes_there_at_once() {
    let world = World::new();
    world.return_origins.set(APP);
    for name in ["Staff", "Partners"] {
        let fields = json!({"name": name, "organization": "acme", "share_domains": true});
        world.connection_with(&fields, &Idp::trusted());
    }
    for (return_to, target) in [(HOME, HOME), ("https://evil.example/", "/sso/sign-in")] {
        let link = format!("/sso/sign-in?org=acme&passive=true&return_to={}", encoded(return_to));
        let silent = Browser::default().get(&world, &link);
        assert_eq!((silent.status().as_u16(), location(&silent).as_str()), (303, target));
    }
}

#[test]
fn an_origin_that_is_not_allowed_any_more_is_left_out_at_once() {
    let (world, id) = world();
    let mut browser = Browser::default();
    let ticket = {
        let request = browser.begin(&world, "ada@acme.test", HOME);
        ticket(&world, &id, &request)
    };
    world.return_origins.set("https://other.example.com");
    assert_eq!(location(&browser.get(&world, &ticket)), "/sso/sign-in");
    assert_eq!(browser.get(&world, "/sso/session").status(), 200);
}

/// A `RelayState` is the identity provider's word, and everybody's who writes a link to it.
#[test]
fn what_the_identity_provider_begins_stays_here() {
    let (world, id) = world();
    for mode in ["bounce", "direct"] {
        world.patch(&id, &json!({"idp_initiated": mode, "relay_state_targets": ["/"]}));
        let message = Message {
            assertion_id: format!("_{mode}"),
            ..Message::of(&id, None)
        };
        let response = Idp::trusted().respond(&message, Signed::Both);
        let relay_state = format!("&RelayState={}", encoded(HOME));
        let refused = Browser::deliver_with(&world, &id, &response, &relay_state);
        assert_eq!(refused.status(), 400, "{mode}");
        assert_eq!(world.refusal_codes(&id).remove(0), "relaystate_not_allowed");
    }
    let (status, error) = world.api(
        "PATCH",
        &format!("/connections/{id}"),
        &json!({"relay_state_targets": [HOME]}),
    );
    assert_eq!((status, &error["error"]["field"]), (422, &json!("relay_state_targets")));
}
