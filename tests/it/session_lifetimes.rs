//! How long sessions last: what a connection says of it, for new sessions and for those that there are.

use serde_json::{Value, json};

use crate::support::dashboard::{body, signed_in, submit};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, World, location};

const HOUR: i64 = 60 * 60;

fn at(world: &World, seconds: i64) -> String {
    use edge_saml::app::ports::Ports;
    world.now().plus(seconds).to_rfc3339()
}

/// Signs Ada in, whose session at the identity provider ends after `ends` seconds, if it says so; the browser and its cookie's age.
fn sign_in(world: &World, id: &str, ends: Option<i64>) -> (Browser, i64) {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let message = Message {
        issue_instant: at(world, 0),
        not_before: at(world, -60),
        not_on_or_after: at(world, 60),
        session_not_on_or_after: ends.map(|seconds| at(world, seconds)),
        ..Message::of(id, Some(&request))
    };
    let ticket = Browser::deliver(world, id, &Idp::trusted().respond(&message, Signed::Both));
    assert_eq!(ticket.status(), 303, "{:?}", world.refusal_codes(id));
    let done = browser.get(world, &location(&ticket));
    let cookies = done.headers().get_all("set-cookie").iter();
    let cookie = cookies
        .map(|line| line.to_str().unwrap())
        .find(|line| line.contains("__Host-sso_session="));
    let age = cookie
        .unwrap()
        .split("Max-Age=")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    (browser, age.parse().unwrap())
}

fn session(world: &World, browser: &mut Browser) -> Option<Value> {
    let response = browser.get(world, "/sso/session");
    (response.status() == 200).then(|| serde_json::from_slice(response.body()).unwrap())
}

#[test]
fn a_connection_says_how_long_its_sessions_last() {
    let world = World::new();
    let id = world.connection_with(&json!({"session_hours": 8, "session_idle_hours": 2}), &Idp::trusted());
    let (mut used, age) = sign_in(&world, &id, None);
    assert_eq!(age, 8 * HOUR, "the cookie goes with the session");
    let (mut left, _) = sign_in(&world, &id, None);
    for _ in 0..4 {
        world.pass(2 * HOUR - 1);
        assert!(session(&world, &mut used).is_some());
    }
    assert!(session(&world, &mut left).is_none());
    world.pass(3);
    assert!(session(&world, &mut used).is_some());
    world.pass(1);
    assert!(session(&world, &mut used).is_none(), "eight hours are over");

    let (mut capped, age) = sign_in(&world, &id, Some(HOUR));
    assert_eq!(age, HOUR);
    world.pass(HOUR);
    assert!(
        session(&world, &mut capped).is_none(),
        "the identity provider ended it sooner"
    );
}

#[test]
fn the_defaults_are_a_week_and_a_day() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let (_, view) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        (&view["session_hours"], &view["session_idle_hours"]),
        (&json!(168), &json!(24))
    );
    let (mut browser, age) = sign_in(&world, &id, None);
    assert_eq!(age, 168 * HOUR);
    world.pass(24 * HOUR);
    assert!(session(&world, &mut browser).is_none());
}

#[test]
fn what_is_shortened_holds_for_present_sessions_and_what_is_lengthened_for_new_ones() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let (mut browser, _) = sign_in(&world, &id, None);
    world.pass(5 * HOUR);
    assert!(session(&world, &mut browser).is_some());
    world.patch(&id, &json!({"session_hours": 6}));
    let shown = session(&world, &mut browser).unwrap();
    assert_eq!(shown["expires_at"], at(&world, HOUR));
    world.patch(&id, &json!({"session_hours": 300}));
    let shown = session(&world, &mut browser).unwrap();
    assert_eq!(
        shown["expires_at"],
        at(&world, 163 * HOUR),
        "as was granted at the sign-in"
    );
    assert_eq!(sign_in(&world, &id, None).1, 300 * HOUR);
    world.pass(HOUR);
    world.patch(&id, &json!({"session_idle_hours": 1}));
    assert!(session(&world, &mut browser).is_none(), "nothing was asked for an hour");
}

#[test]
fn they_are_whole_hours_within_bounds_and_need_no_test() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    for field in ["session_hours", "session_idle_hours"] {
        for wrong in [json!(0), json!(2161)] {
            let (status, error) = world.api("PATCH", &format!("/connections/{id}"), &json!({field: wrong}));
            assert_eq!((status, &error["error"]["field"]), (422, &json!(field)), "{wrong}");
        }
        for wrong in [json!(-1), json!(1.5), json!("8"), json!(null)] {
            let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({field: wrong}));
            assert_eq!(status, 422, "{wrong}");
        }
        for right in [json!(1), json!(2160)] {
            assert_eq!(world.patch(&id, &json!({field: right}))[field], right);
        }
    }
    let before = world.api("GET", &format!("/connections/{id}"), &json!({})).1["test"]["required"].clone();
    world.patch(&id, &json!({"session_hours": 8}));
    let after = world.api("GET", &format!("/connections/{id}"), &json!({})).1["test"]["required"].clone();
    assert_eq!(before, after);
    let (_, versions) = world.api("GET", &format!("/connections/{id}/versions"), &json!({}));
    assert_eq!(versions["versions"][0]["change"], "Changed session_hours");
}

#[test]
fn the_dashboard_sets_them_at_once_for_an_enabled_connection() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let page = format!("/sso/admin/connections/{id}");
    let shown = body(&browser.get(&world, &format!("{page}/settings")));
    assert!(shown.contains("name=\"session_hours\" value=\"168\""), "{shown}");
    let fields = [("session_hours", "8"), ("session_idle_hours", "1")];
    let saved = submit(&world, &mut browser, &format!("{page}/sessions"), &fields);
    assert_eq!(location(&saved), format!("{page}/settings?done=sessions#sessions"));
    let (_, view) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        (&view["session_hours"], &view["session_idle_hours"]),
        (&json!(8), &json!(1))
    );
    assert_eq!(world.api("GET", &format!("/connections/{id}/draft"), &json!({})).0, 404);
    for (hours, error) in [("0", "Expected 1 to 2160"), ("a week", "Expected a whole number")] {
        let fields = [("session_hours", hours), ("session_idle_hours", "1")];
        let refused = submit(&world, &mut browser, &format!("{page}/sessions"), &fields);
        assert_eq!(refused.status(), 422);
        let shown = body(&refused);
        assert!(
            shown.contains(error) && shown.contains(&format!("value=\"{hours}\"")),
            "{shown}"
        );
    }
}
