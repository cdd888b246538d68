//! What fails half-way: a database in the middle of a change, a KV that cannot be written, two who change the same thing.
//! Each ends in a clear state, with nothing lost.

use edge_saml::app::ports::Ports;
use edge_saml::app::registry::publishing::{self, Publication};
use edge_saml::app::registry::{Actor, Change, Refusal, Update};
use edge_saml::app::sql::Sql;
use edge_saml::saml::id::ConnectionId;
use serde_json::{Value, json};

use crate::support::dashboard::{added, body, connection, signed_in, submit};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{ADMIN_TOKEN, Browser, Replication, World, location, request_id};

/// Lets each statement of the call `name` fail, one after the other, while `change` is made: it is answered with 503 and has
/// changed nothing. In the end none fails; gives what is answered then.
fn make(world: &World, name: &'static str, change: impl Fn(&World) -> (u16, Value)) -> Value {
    let mut failed = 0;
    loop {
        let before = world.everything_registered();
        let keys_made = world.keys_made.get();
        world.failing.set(Some((name, failed)));
        let (status, answer) = change(world);
        world.failing.set(None);
        if status != 503 {
            assert!((200..300).contains(&status), "{name}: {status} {answer}");
            assert!(failed > 1, "{name} was not called");
            return answer;
        }
        assert_eq!(answer["error"]["code"], "unavailable", "{name}");
        assert_eq!(
            world.everything_registered(),
            before,
            "{name}, after {failed} statements"
        );
        // A key that is not kept can as well be made again.
        world.keys_made.set(keys_made);
        failed += 1;
    }
}

#[test]
fn a_change_that_fails_half_way_has_not_happened() {
    let world = World::new();
    let fields = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"], "decrypt_assertions": true});
    let created = make(&world, "create", |world| world.api("POST", "/connections", &fields));
    let id = created["id"].as_str().unwrap().to_owned();
    let path = |rest: &str| format!("/connections/{id}{rest}");
    let send_post =
        |name: &'static str, rest: &str, body: Value| make(&world, name, |world| world.api("POST", &path(rest), &body));
    let send_patch = |name: &'static str, rest: &str, body: Value| {
        make(&world, name, |world| world.api("PATCH", &path(rest), &body))
    };
    let metadata = json!({"xml": Idp::trusted().metadata()});
    let reason = json!({"override_reason": "a test of something else"});
    send_post("update", "/metadata", metadata.clone());
    send_post("update", "/enable", reason.clone());
    let changed = send_patch("update", "", json!({"domains": ["other.test"], "organization": "acme"}));
    assert_eq!(changed["generation"], 4);
    send_post("restore", "/versions/3/restore", json!({}));
    send_post("undo_change", "/undo", json!({}));
    send_patch(
        "edit_draft",
        "/draft",
        json!({"name": "Draft", "domains": ["draft.test"]}),
    );
    send_post("edit_draft", "/draft/metadata", metadata);
    world.patch(&id, &json!({"force_authn": true}));
    send_post("rebase_draft", "/draft/rebase", json!({}));
    let applied = send_post("apply_draft", "/draft/apply", reason);
    assert_eq!(
        (&applied["name"], &applied["domains"]),
        (&json!("Draft"), &json!(["draft.test"]))
    );
    send_patch("edit_draft", "/draft", json!({"name": "Discarded"}));
    make(&world, "discard_draft", |world| {
        world.api("DELETE", &path("/draft"), &json!({}))
    });
    send_post(
        "rotate_decryption_keys",
        "/decryption-keys/rotate",
        json!({"step": "prepare"}),
    );
    send_post(
        "rotate_decryption_keys",
        "/decryption-keys/rotate",
        json!({"step": "activate"}),
    );
    send_post(
        "rotate_decryption_keys",
        "/decryption-keys/rotate",
        json!({"step": "retire"}),
    );
    make(&world, "delete", |world| world.api("DELETE", &path(""), &json!({})));
    assert!(world.registry.run("SELECT 1 FROM unpublished", &[]).unwrap().is_empty());
}

#[test]
fn an_answer_that_fails_half_way_can_be_posted_again() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let mut failed = 0;
    loop {
        let mut browser = Browser::default();
        let request = browser.begin(&world, "ada@acme.test", "/");
        let response = Idp::trusted().respond(&Message::of(&id, Some(&request)), Signed::Both);
        let before = world.everything_in_ledger(&id);
        world.failing.set(Some(("consume", failed)));
        let first = Browser::deliver(&world, &id, &response);
        world.failing.set(None);
        if first.status() == 303 {
            break;
        }
        assert_eq!(
            (first.status().as_u16(), world.everything_in_ledger(&id)),
            (503, before)
        );
        let ticket = Browser::deliver(&world, &id, &response);
        assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
        failed += 1;
    }
    assert!(failed > 3);
}

#[test]
fn the_report_of_a_test_that_fails_half_way_comes_with_the_same_answer() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let (_, begun) = world.api(
        "POST",
        &format!("/connections/{id}/tests"),
        &json!({"configuration": "live"}),
    );
    let test = begun["id"].as_str().unwrap();
    let sent = Browser::default().get(&world, &format!("/sso/saml/{id}/test?test={test}"));
    assert_eq!(request_id(&location(&sent)), test);
    let response = Idp::trusted().respond(&Message::of(&id, Some(test)), Signed::Both);
    for call in ["finish_test", "note_test"] {
        world.failing.set(Some((call, 1)));
        assert_eq!(Browser::deliver(&world, &id, &response).status(), 503, "{call}");
    }
    world.failing.set(None);
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 303);
    let (_, read) = world.api("GET", &format!("/connections/{id}/tests/{test}"), &json!({}));
    assert_eq!(read["state"], "passed");
    let (_, view) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(view["test"]["required"], false);
}

#[test]
fn what_cannot_be_published_is_saved_and_published_later() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.replication.set(Replication::Lagging);
    let (status, changed) = world.api(
        "PATCH",
        &format!("/connections/{id}"),
        &json!({"domains": ["new.test"]}),
    );
    assert_eq!((status, &changed["domains"]), (202, &json!(["new.test"])));
    // What is true is told by the registry; KV leads nobody to what is not true any more.
    let (_, read) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(read["domains"], json!(["new.test"]));
    let sign_in = |browser: &mut Browser, email: &str| {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("email", email)
            .finish();
        browser.post(&world, "/sso/sign-in", &form).status().as_u16()
    };
    assert_eq!(sign_in(&mut browser, "ada@acme.test"), 422);
    assert_eq!(sign_in(&mut browser, "ada@new.test"), 422);
    // Another change in between, and the registry ended and began anew: the alarm finds all that is left.
    let (status, _) = world.api(
        "PATCH",
        &format!("/connections/{id}"),
        &json!({"domains": ["newer.test"]}),
    );
    assert_eq!(status, 202);
    world.replication.set(Replication::Immediate);
    world.publish();
    assert_eq!(sign_in(&mut browser, "ada@new.test"), 422);
    assert_eq!(sign_in(&mut browser, "ada@newer.test"), 303);
    let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({"name": "Acme Inc."}));
    assert_eq!(status, 200);
}

/// An import may leave more than one call may publish; and what fails again and again must not keep the rest waiting.
#[test]
fn much_is_published_a_part_at_a_time_and_what_failed_comes_last() {
    let world = World::new();
    world.replication.set(Replication::Lagging);
    let ids = ["a.test", "b.test", "c.test"].map(|domain| {
        let fields = json!({"name": "x", "provider": "okta", "domains": [domain]});
        world.api("POST", "/connections", &fields).1["id"].clone()
    });
    let next = |limit: i64| -> Vec<Publication> { publishing::unpublished(&world.registry, limit).unwrap() };
    let all = next(i64::MAX);
    assert!(all.len() >= ids.len());
    assert_eq!(next(2), all[..2]);
    publishing::not_published(&world.registry, &all[0]).unwrap();
    assert_eq!(next(1), all[1..2]);
    assert_eq!(next(i64::MAX).last(), Some(&all[0]));
    // Changed again, it is as new; what was to be published before is noted no more.
    let id = all[0].key.strip_prefix("connection:").unwrap();
    assert_eq!(
        world
            .api("PATCH", &format!("/connections/{id}"), &json!({"name": "y"}))
            .0,
        202
    );
    let changed = next(1).remove(0);
    assert_eq!((&changed.key, changed.value == all[0].value), (&all[0].key, false));
    publishing::published(&world.registry, &all[0]).unwrap();
    publishing::not_published(&world.registry, &all[0]).unwrap();
    assert_eq!(next(1), [changed]);
    for publication in next(i64::MAX) {
        publishing::published(&world.registry, &publication).unwrap();
    }
    assert!(publishing::is_published(&world.registry).unwrap());
}

/// Of two who change what they read at the same time, the second is told, and the first's change stays.
#[test]
fn the_second_of_two_changes_made_from_the_same_state_is_refused() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let read = |world: &World| world.api("GET", &format!("/connections/{id}"), &json!({})).1;
    let seen = read(&world)["generation"].as_u64().unwrap();
    let change = |change: Change, from: u64| {
        let update = Update {
            id: ConnectionId::parse(&id).unwrap(),
            change,
            from_generation: Some(from),
            decryption_key: None,
            actor: Actor::new("somebody"),
        };
        let updated = futures_executor::block_on((&world).registry(update)).unwrap().reply;
        updated.map(|connection| connection.generation)
    };
    assert_eq!(change(Change::Disable, seen), Ok(seen + 1));
    let enable = Change::Enable {
        override_reason: Some("tried".to_owned()),
    };
    assert_eq!(change(enable, seen), Err(Refusal::Changed));
    assert_eq!(read(&world)["state"], "disabled");
    // Changes of different fields, each from what is there: both stay.
    world.patch(&id, &json!({"name": "Acme Inc."}));
    world.patch(&id, &json!({"organization": "acme"}));
    assert_eq!(
        (&read(&world)["name"], &read(&world)["organization"]),
        (&json!("Acme Inc."), &json!("acme"))
    );
}

/// A program that sends what it has read (`If-Match`) and somebody at the dashboard: whoever is second is told, with what they
/// typed still before them, and what the first did stays.
#[test]
fn a_program_and_somebody_at_the_dashboard_do_not_overwrite_each_other() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let id = page.rsplit('/').next().unwrap().to_owned();
    let patch = |tag: u64, name: &str| {
        let request = http::Request::builder()
            .method("PATCH")
            .uri(format!("/sso/api/v1/connections/{id}"))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{tag}\""));
        let body = serde_json::to_vec(&json!({"name": name})).unwrap();
        world.handle(request.body(body).unwrap()).status().as_u16()
    };
    let mut save = |seen: &str, name: &str| {
        let fields = [
            ("seen", seen),
            ("name", name),
            ("provider", "okta"),
            ("organization", "mine"),
        ];
        submit(&world, &mut browser, &format!("{page}/general"), &fields)
    };
    assert_eq!(patch(1, "By a program"), 200);
    let late = save("live-1", "By hand");
    assert_eq!(late.status(), 409);
    let shown = body(&late);
    for expected in [
        "The connection was changed meanwhile, perhaps in another tab, so nothing was saved.",
        "value=\"By hand\"",
        "value=\"mine\"",
        "value=\"live-2\"",
        "<h1>By a program</h1>",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(connection(&world, &page)["name"], "By a program");
    assert_eq!(save("live-2", "By hand").status(), 303);
    assert_eq!(patch(2, "By a program"), 412);
    let now = connection(&world, &page);
    assert_eq!(
        (&now["name"], &now["organization"]),
        (&json!("By hand"), &json!("mine"))
    );
}

#[test]
fn the_dashboard_says_when_a_change_has_not_reached_every_place() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let page = format!("/sso/admin/connections/{id}");
    world.replication.set(Replication::Lagging);
    let domains = [("domains", "new.test"), ("seen", "live-3")];
    let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({"organization": "acme"}));
    assert_eq!(status, 202);
    let refused = submit(
        &world,
        &mut browser,
        &format!("{page}/routing"),
        &[("seen", "live-3"), ("sign_in_order", "7")],
    );
    assert_eq!(
        refused.status(),
        409,
        "what was saved counts, though it is not everywhere"
    );
    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/routing"),
        &[("seen", "live-4"), ("sign_in_order", "7")],
    );
    assert_eq!(
        location(&saved),
        format!("{page}/settings?done=routing&how=later#domains")
    );
    let shown = body(&browser.get(&world, &location(&saved)));
    assert!(shown.contains("It has not reached every place yet"), "{shown}");
    let drafted = submit(&world, &mut browser, &format!("{page}/domains"), &domains);
    assert_eq!(drafted.status(), 409);
    world.replication.set(Replication::Immediate);
    world.publish();
    let published: Value = serde_json::from_str(&world.config(&format!("connection:{id}")).unwrap()).unwrap();
    assert_eq!(published["routing"]["sign_in_order"], 7);
    assert_eq!(published["generation"], 5);
}
