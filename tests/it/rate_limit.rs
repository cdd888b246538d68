//! What is counted, by whom, and what is answered when it was too much.

use edge_saml::app::rate_limit::Limit;
use serde_json::json;

use crate::support::idp::Idp;
use crate::support::world::{ADMIN_TOKEN, ORIGIN, World};

/// A request from an address; its status and `Retry-After`.
fn send(world: &World, method: &str, uri: &str, address: &str, headers: &[(&str, &str)]) -> (u16, Option<String>) {
    let mut request = http::Request::builder().method(method).uri(uri);
    if !address.is_empty() {
        request = request.header("cf-connecting-ip", address);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = world.handle(request.body(Vec::new()).unwrap());
    let again = response
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    if response.status() == 429 && uri.starts_with("/sso/api/") {
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["code"], "rate_limited");
    }
    (response.status().as_u16(), again)
}

const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
const LIMITED: u16 = 429;

/// Sends one request more than are allowed, then one from elsewhere; the first is answered `answer`.
fn one_too_many(limit: Limit, method: &str, uri: &str, headers: &[(&str, &str)], answer: u16) {
    let world = World::new();
    world.max_requests.borrow_mut().insert(limit, 2);
    let statuses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "", ""]
        .map(|address| send(&world, method, uri, address, headers))
        .map(|(status, again)| {
            assert_eq!(again.as_deref(), (status == LIMITED).then_some("60"));
            status
        });
    assert_eq!(statuses, [answer, answer, LIMITED, answer, answer, answer], "{limit:?}");
}

#[test]
fn sign_ins_that_are_begun_are_counted_by_address() {
    one_too_many(Limit::SignIn, "POST", "/sso/sign-in", FORM, 422);
    one_too_many(Limit::SignIn, "GET", "/sso/sign-in?email=ada@nowhere.test", &[], 422);
    one_too_many(Limit::SignIn, "GET", "/sso/setup/no-such-link", &[], 404);
    let headers = [FORM[0], ("cookie", "__Host-sso_setup=x")];
    for path in ["/sso/setup/metadata", "/sso/setup/identity-provider"] {
        one_too_many(Limit::SetupForm, "POST", path, &headers, 404);
    }
    let world = World::new();
    send(&world, "GET", "/sso/sign-in", "192.0.2.1", &[]);
    assert!(world.counted.borrow().is_empty(), "the form alone is for everybody");
}

#[test]
fn attempts_to_sign_in_to_the_dashboard_are_counted_by_address() {
    let headers = [FORM[0], ("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
    one_too_many(Limit::AdminSignIn, "POST", "/sso/admin/sign-in", &headers, 422);
    let world = World::new();
    world.max_requests.borrow_mut().insert(Limit::AdminSignIn, 0);
    assert_eq!(send(&world, "GET", "/sso/admin/sign-in", "192.0.2.1", &[]).0, 200);
}

#[test]
fn pages_are_counted_before_a_session_is_looked_up() {
    let session = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (path, cookie, answer) in [
        ("/sso/admin", "__Host-sso_admin", 303),
        ("/sso/admin/sign-in", "__Host-sso_admin", 200),
        ("/sso/setup", "__Host-sso_setup", 404),
    ] {
        let cookie = format!("{cookie}={session}");
        one_too_many(Limit::ApiAddress, "GET", path, &[("cookie", &cookie)], answer);
        let world = World::new();
        world.max_requests.borrow_mut().insert(Limit::ApiAddress, 0);
        assert_eq!(
            send(&world, "GET", path, "192.0.2.1", &[("cookie", &cookie)]).0,
            LIMITED
        );
        assert!(world.registry_calls.borrow().is_empty());
    }
}

#[test]
fn messages_are_counted_by_address_and_by_connection() {
    let uri = |action: &str| format!("/sso/saml/conn_aaaaaaaaaaaaaaaaaaaa/{action}");
    one_too_many(Limit::Message, "POST", &uri("acs"), FORM, 404);
    one_too_many(Limit::Message, "POST", &uri("slo"), FORM, 404);
    let complete = World::new();
    complete.max_requests.borrow_mut().insert(Limit::Message, 2);
    let shown = [(); 3].map(|()| send(&complete, "GET", &uri("complete?ticket=x"), "192.0.2.1", &[]).0);
    assert_ne!(shown[1], LIMITED);
    assert_eq!(shown[2], LIMITED, "tickets that are shown count too");
    let world = World::new();
    world.max_requests.borrow_mut().insert(Limit::ConnectionMessage, 2);
    let post =
        |connection: &str, address: &str| send(&world, "POST", &format!("/sso/saml/{connection}/acs"), address, FORM).0;
    let (one, other) = ("conn_aaaaaaaaaaaaaaaaaaaa", "conn_bbbbbbbbbbbbbbbbbbbb");
    assert_eq!(
        ["192.0.2.1", "192.0.2.2", "192.0.2.3", ""].map(|from| post(one, from)),
        [404, 404, 429, 429]
    );
    assert_eq!(post(other, "192.0.2.1"), 404);
    // Whom their address stops does not count against the connection.
    world.max_requests.borrow_mut().insert(Limit::Message, 0);
    let before = world.counted.borrow().len();
    assert_eq!(post(other, "192.0.2.9"), LIMITED);
    assert_eq!(world.counted.borrow().len(), before + 1);
}

#[test]
fn calls_are_counted_before_and_after_their_token_is_known() {
    let admin = format!("Bearer {ADMIN_TOKEN}");
    let wrong = "Bearer sso_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let uri = "/sso/api/v1/connections";
    one_too_many(Limit::ApiAddress, "GET", uri, &[("authorization", &admin)], 200);
    one_too_many(Limit::WrongToken, "GET", uri, &[("authorization", wrong)], 401);
    one_too_many(Limit::WrongToken, "GET", uri, &[], 401);
    let world = World::new();
    world.max_requests.borrow_mut().insert(Limit::ApiAddress, 0);
    send(&world, "GET", uri, "192.0.2.1", &[("authorization", wrong)]);
    assert!(
        world.registry_calls.borrow().is_empty(),
        "nothing is looked up for a flood"
    );
}

#[test]
fn each_token_has_a_count_of_its_own() {
    let world = World::new();
    let (_, made) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["read"]}));
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let admin = format!("Bearer {ADMIN_TOKEN}");
    world.counted.borrow_mut().clear();
    world.max_requests.borrow_mut().insert(Limit::ApiToken, 2);
    let call = |token: &str| {
        send(
            &world,
            "GET",
            "/sso/api/v1/connections",
            "",
            &[("authorization", token)],
        )
        .0
    };
    assert_eq!(
        [call(&token), call(&token), call(&token), call(&admin)],
        [200, 200, 429, 200]
    );
    let counted = world.counted.borrow();
    assert!(counted.contains(&(Limit::ApiToken, made["id"].as_str().unwrap().to_owned())));
    // Neither the token nor its hash leaves for it.
    assert!(counted.iter().all(|(_, key)| !token.contains(key.as_str())));
}

#[test]
fn a_sign_in_counts_what_it_needs_and_no_more() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.counted.borrow_mut().clear();
    let mut browser = crate::support::world::Browser::default();
    let request = browser.begin(&world, "ada@acme.test", "/");
    let message = crate::support::idp::Message::of(&id, Some(&request));
    let response = Idp::trusted().respond(&message, crate::support::idp::Signed::Both);
    crate::support::world::Browser::deliver(&world, &id, &response);
    assert_eq!(*world.counted.borrow(), [(Limit::ConnectionMessage, id)]);
}

#[test]
fn wrangler_toml_has_each_limit_once() {
    let text = include_str!("../../wrangler.toml");
    for limit in Limit::ALL {
        let name = format!("name = \"{}\"", limit.binding());
        assert_eq!(text.matches(&name).count(), 1, "{name}");
    }
    assert_eq!(text.matches("[[ratelimits]]").count(), Limit::ALL.len());
    assert_eq!(text.matches("period = 60 }").count(), Limit::ALL.len());
}
