//! Webhooks: which events are told to whom, what is sent, and what becomes of what fails.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::ports::{FetchFailure, Fetched};
use edge_saml::app::registry;
use edge_saml::app::registry::outbox::{Attempt, Ended};
use edge_saml::app::sql::Sql;
use edge_saml::saml::id::WebhookId;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::support::dashboard::{body as text_of, signed_in_with};
use crate::support::idp::{Idp, Message, NOW, Signed};
use crate::support::world::{Browser, Posted, World, dns_answer, location};

const URL: &str = "https://hooks.example/in?key=of-the-receiver";

/// An endpoint with these fields, and others by default; its id and its secret.
fn webhook(world: &World, fields: &Value) -> (String, String) {
    let mut body = json!({ "url": URL });
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    let (status, made) = world.api("POST", "/webhooks", &body);
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn call(world: &World, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = world.api(method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

fn code((status, mut body): (u16, Value)) -> (u16, String) {
    let code = body["error"]["code"].take();
    (status, code.as_str().unwrap_or("none").to_owned())
}

/// What is sent now.
fn sent(world: &World) -> Vec<Posted> {
    world.posts.borrow_mut().clear();
    world.deliver();
    world.posts.borrow().clone()
}

/// All that is sent, round by round.
fn all_sent(world: &World) -> Vec<Posted> {
    let mut all = Vec::new();
    loop {
        let round = sent(world);
        if round.is_empty() {
            return all;
        }
        all.extend(round);
    }
}

fn body(posted: &Posted) -> Value {
    serde_json::from_str(&posted.body).unwrap()
}

fn kinds(posted: &[Posted]) -> Vec<String> {
    posted
        .iter()
        .map(|one| body(one)["type"].as_str().unwrap().to_owned())
        .collect()
}

fn deliveries(world: &World, id: &str) -> Vec<Value> {
    let list = call(world, "GET", &format!("/webhooks/{id}/deliveries"), &json!({}));
    list["deliveries"].as_array().unwrap().clone()
}

/// Whether one of the signatures is that of `secret`.
fn is_signed_with(posted: &Posted, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let (id, time) = (&posted.headers["webhook-id"], &posted.headers["webhook-timestamp"]);
    mac.update(format!("{id}.{time}.{}", posted.body).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    posted.headers["webhook-signature"]
        .split(' ')
        .any(|one| one == expected)
}

fn answers(world: &World, answer: Result<u16, FetchFailure>) {
    world.post_answers.borrow_mut().insert(URL.to_owned(), answer);
}

/// Seconds until something is to be sent.
fn due_in(world: &World) -> Option<i64> {
    let next = registry::outbox::next_due(&world.registry).unwrap();
    next.map(|next| next.unix_seconds() - world.time())
}

#[test]
fn a_change_is_told_signed_and_once() {
    let world = World::new();
    let (id, secret) = webhook(&world, &json!({}));
    let connection = call(
        &world,
        "POST",
        "/connections",
        &json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"], "organization": "org_1"}),
    );
    world.pass(3);
    let posted = sent(&world);
    assert_eq!(posted.len(), 1);
    let posted = &posted[0];
    assert_eq!((posted.url.as_str(), posted.max_seconds), (URL, 8));
    let names: Vec<&&str> = posted.headers.keys().collect();
    assert_eq!(
        names,
        [
            &"content-type",
            &"user-agent",
            &"webhook-id",
            &"webhook-signature",
            &"webhook-timestamp"
        ]
    );
    assert_eq!(posted.headers["content-type"], "application/json");
    // Signed when it is sent, told when it was.
    assert_eq!(posted.headers["webhook-timestamp"], (NOW + 3).to_string());
    assert!(is_signed_with(posted, &secret));
    assert_eq!(
        body(posted),
        json!({
            "type": "connection.created",
            "timestamp": "2026-07-01T12:00:00Z",
            "data": {"connection": {
                "id": connection["id"], "name": "Acme", "organization": "org_1", "state": "disabled", "generation": 1,
            }},
        })
    );
    assert_eq!(sent(&world).len(), 0);
    let delivery = &deliveries(&world, &id)[0];
    assert_eq!(delivery["event"], posted.headers["webhook-id"]);
    assert_eq!(
        (
            &delivery["state"],
            &delivery["attempts"],
            &delivery["last_status"],
            &delivery["next_attempt_at"]
        ),
        (&json!("delivered"), &json!(1), &json!(200), &Value::Null)
    );
}

#[test]
fn every_kind_of_change_is_told_as_what_it_is() {
    let world = World::new();
    webhook(&world, &json!({}));
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"force_authn": true, "name": "Acme Inc."}));
    call(&world, "POST", &format!("/connections/{id}/undo"), &json!({}));
    call(
        &world,
        "POST",
        &format!("/connections/{id}/versions/2/restore"),
        &json!({}),
    );
    call(
        &world,
        "PATCH",
        &format!("/connections/{id}/draft"),
        &json!({"force_authn": true}),
    );
    call(
        &world,
        "POST",
        &format!("/connections/{id}/draft/apply"),
        &json!({"override_reason": "x"}),
    );
    call(&world, "POST", &format!("/connections/{id}/disable"), &json!({}));
    let document = call(&world, "GET", "/export", &json!({}));
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    let mut document = document;
    document["connections"][0].as_object_mut().unwrap().remove("id");
    call(&world, "POST", "/import", &document);
    document["connections"][0]["id"] = call(&world, "GET", "/connections", &json!({}))["connections"][0]["id"].clone();
    document["connections"][0]["name"] = json!("Other");
    document["mode"] = json!("replace");
    call(&world, "POST", "/import", &document);
    let posted = all_sent(&world);
    assert_eq!(
        kinds(&posted),
        [
            "connection.created",
            "connection.updated",
            "connection.enabled",
            "connection.updated",
            "connection.restored",
            "draft.applied",
            "connection.disabled",
            "connection.deleted",
            "connection.created",
            "connection.updated",
        ]
    );
    assert_eq!(body(&posted[3])["data"]["changed"], json!(["force_authn", "name"]));
    assert_eq!(body(&posted[7])["data"]["connection"]["id"], id);
    assert_eq!(body(&posted[7])["data"].get("changed"), None);
    // A dry run, and what changes nothing, tell nothing.
    document["connections"][0]["name"] = json!("Third");
    document["dry_run"] = json!(true);
    call(&world, "POST", "/import", &document);
    assert_eq!(sent(&world).len(), 0);
}

#[test]
fn what_is_refused_or_fails_is_not_told() {
    let world = World::new();
    webhook(&world, &json!({}));
    let fields = json!({"name": "x", "provider": "okta", "domains": ["a.test"]});
    call(&world, "POST", "/connections", &fields);
    assert_eq!(all_sent(&world).len(), 1);
    assert_eq!(
        code(world.api("POST", "/connections", &fields)),
        (409, "domain_taken".to_owned())
    );
    let other = json!({"name": "x", "provider": "okta", "domains": ["b.test"]});
    // The event is in the same step as the change.
    for statements in 6..20 {
        world.failing.set(Some(("create", statements)));
        let (status, _) = world.api("POST", "/connections", &other);
        world.failing.set(None);
        if status == 201 {
            assert_eq!(kinds(&all_sent(&world)), ["connection.created"]);
            return;
        }
        assert_eq!((status, sent(&world).len()), (503, 0), "{statements}");
    }
    panic!("it never succeeded");
}

#[test]
fn an_endpoint_is_told_what_it_asks_for() {
    let world = World::new();
    let (id, _) = webhook(
        &world,
        &json!({"events": ["connection.disabled", "connection.deleted", "connection.disabled"]}),
    );
    let shown = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
    assert_eq!(shown["events"], json!(["connection.deleted", "connection.disabled"]));
    let connection = world.connection(&Idp::trusted());
    assert_eq!(sent(&world).len(), 0);
    call(
        &world,
        "POST",
        &format!("/connections/{connection}/disable"),
        &json!({}),
    );
    assert_eq!(kinds(&all_sent(&world)), ["connection.disabled"]);

    // By default everything but sign-ins.
    let (usual, _) = webhook(&world, &json!({"url": "https://other.example/"}));
    let shown = call(&world, "GET", &format!("/webhooks/{usual}"), &json!({}));
    let events: Vec<&str> = shown["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e.as_str().unwrap())
        .collect();
    assert!(events.contains(&"certificate.expiring") && !events.iter().any(|e| e.starts_with("sign_in.")));

    // One that is switched off is told nothing, and nothing waits for it.
    call(
        &world,
        "PATCH",
        &format!("/webhooks/{usual}"),
        &json!({"enabled": false}),
    );
    world.patch(&connection, &json!({"name": "x"}));
    call(
        &world,
        "PATCH",
        &format!("/webhooks/{usual}"),
        &json!({"enabled": true}),
    );
    assert_eq!(sent(&world).len(), 0);
}

/// Signs in, or tries to.
fn sign_in(world: &World, id: &str, idp: &Idp) -> u16 {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let answer = Browser::deliver(world, id, &idp.respond(&Message::of(id, Some(&request)), Signed::Both));
    if answer.status() != 303 {
        return answer.status().as_u16();
    }
    browser.get(world, &location(&answer)).status().as_u16()
}

#[test]
fn sign_ins_are_told_where_that_is_asked_for() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let calls = |world: &World| {
        world
            .registry_calls
            .borrow()
            .iter()
            .filter(|call| **call == "tell_sign_in")
            .count()
    };
    webhook(&world, &json!({}));
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    // Nobody asked: the registry is not even called.
    assert_eq!((calls(&world), world.config("webhooks:sign-ins")), (0, None));

    let (succeeded, _) = webhook(
        &world,
        &json!({"url": "https://a.example/", "events": ["sign_in.succeeded"]}),
    );
    let (refused, _) = webhook(
        &world,
        &json!({"url": "https://b.example/", "events": ["sign_in.refused"], "include_email": true}),
    );
    assert!(world.config("webhooks:sign-ins").is_some());
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    assert_eq!(sign_in(&world, &id, &Idp::other()), 403);
    let posted = all_sent(&world);
    assert_eq!(kinds(&posted), ["sign_in.succeeded", "sign_in.refused"]);
    let log = call(&world, "GET", &format!("/connections/{id}/sign-ins"), &json!({}));
    let references: Vec<&Value> = log["sign_ins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["reference"])
        .collect();
    let data = body(&posted[0])["data"].clone();
    assert_eq!(
        (data["reference"].clone(), data.get("email")),
        (references[1].clone(), None)
    );
    let data = body(&posted[1])["data"].clone();
    assert_eq!(
        (&data["reference"], &data["code"], &data["connection"]["id"]),
        (references[0], &json!("signature_key_unknown"), &json!(id))
    );
    // What nobody has vouched for is not passed on, and what no endpoint may see is not kept.
    assert_eq!(data.get("email"), None);
    assert!(!posted.iter().any(|one| one.body.contains("ada@")));

    call(
        &world,
        "PATCH",
        &format!("/webhooks/{succeeded}"),
        &json!({"include_email": true}),
    );
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    let (third, _) = webhook(
        &world,
        &json!({"url": "https://c.example/", "events": ["sign_in.succeeded"]}),
    );
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    for posted in all_sent(&world) {
        let expected = (posted.url == "https://a.example/").then(|| json!("ada@acme.test"));
        assert_eq!(body(&posted)["data"].get("email"), expected.as_ref(), "{}", posted.url);
    }

    // Neither the log nor a list of deliveries tells who.
    assert!(!world.log.borrow().iter().any(|line| line.contains("ada@")));
    assert!(!json!(deliveries(&world, &succeeded)).to_string().contains("ada@"));

    for webhook in [succeeded, refused, third] {
        assert_eq!(world.api("DELETE", &format!("/webhooks/{webhook}"), &json!({})).0, 204);
    }
    assert_eq!(world.config("webhooks:sign-ins"), None);
    assert!(!world.everything_registered().contains("ada@"));

    // Nor is the address kept where nobody wants to know it.
    webhook(&world, &json!({"events": ["sign_in.succeeded"]}));
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    assert_eq!(all_sent(&world).len(), 1);
    assert!(!world.everything_registered().contains("ada@"));
}

#[test]
fn a_sign_in_neither_waits_for_nor_fails_by_a_webhook() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    webhook(&world, &json!({"events": ["sign_in.succeeded"]}));
    world.failing.set(Some(("tell_sign_in", 0)));
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    world.failing.set(None);
    world.set_config("webhooks:sign-ins", "not JSON".to_owned());
    assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    assert_eq!(sent(&world).len(), 0);
}

#[test]
fn what_fails_is_sent_again_later_and_later() {
    let world = World::new();
    let (id, secret) = webhook(&world, &json!({}));
    answers(&world, Ok(500));
    call(
        &world,
        "POST",
        "/connections",
        &json!({"name": "x", "provider": "okta", "domains": ["a.test"]}),
    );
    let mut event = None;
    for (attempt, seconds) in [5, 60, 300, 1_800, 7_200, 28_800, 86_400].into_iter().enumerate() {
        let posted = sent(&world);
        assert_eq!(posted.len(), 1, "{attempt}");
        assert!(is_signed_with(&posted[0], &secret));
        // It is the same event each time.
        let first = event.get_or_insert_with(|| posted[0].headers["webhook-id"].clone());
        assert_eq!(posted[0].headers["webhook-id"], *first);
        let delivery = &deliveries(&world, &id)[0];
        assert_eq!(
            (
                &delivery["state"],
                &delivery["attempts"],
                &delivery["last_status"],
                &delivery["last_problem"]
            ),
            (&json!("pending"), &json!(attempt + 1), &json!(500), &json!("status"))
        );
        let due = due_in(&world).unwrap();
        assert!((seconds..=seconds + seconds / 5).contains(&due), "{attempt}: {due}");
        world.pass(due - 1);
        assert_eq!(sent(&world).len(), 0);
        world.pass(1);
    }
    assert_eq!(sent(&world).len(), 1);
    let delivery = &deliveries(&world, &id)[0];
    assert_eq!(
        (&delivery["state"], &delivery["attempts"]),
        (&json!("failed"), &json!(8))
    );
    assert_eq!(due_in(&world), None);

    // It can still be had.
    answers(&world, Ok(204));
    let replay = format!("/webhooks/{id}/deliveries/{}/replay", event.unwrap());
    assert_eq!(call(&world, "POST", &replay, &json!({}))["state"], "pending");
    world.pass(60);
    assert_eq!(sent(&world).len(), 1);
    assert_eq!(deliveries(&world, &id)[0]["state"], "delivered");
}

#[test]
fn every_way_to_fail_has_its_word() {
    let failures = [
        (Ok(199), "status", json!(199)),
        (Ok(301), "status", json!(301)),
        (Ok(404), "status", json!(404)),
        (Err(FetchFailure::Timeout), "timeout", Value::Null),
        (Err(FetchFailure::Connection), "connection", Value::Null),
    ];
    for (answer, problem, status) in failures {
        let world = World::new();
        let (id, _) = webhook(&world, &json!({}));
        answers(&world, answer);
        call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
        assert_eq!(sent(&world).len(), 1);
        let delivery = &deliveries(&world, &id)[0];
        assert_eq!(
            (&delivery["last_problem"], &delivery["last_status"]),
            (&json!(problem), &status)
        );
        // What is logged is neither the address nor the event.
        let log = world.log.borrow().join("\n");
        assert!(log.contains("webhook_failed"), "{log}");
        assert!(!log.contains("hooks.example") && !log.contains("evt_"), "{log}");
    }
}

#[test]
fn nothing_is_sent_to_a_name_that_leads_inside() {
    let inside = dns_answer(0, &[(1, "8.8.8.8"), (1, "10.0.0.1")]);
    for (answer, problem) in [
        (Ok(inside), "private_address"),
        (Ok(dns_answer(3, &[])), "dns"),
        (Err(FetchFailure::Timeout), "dns"),
    ] {
        let world = World::new();
        let (id, _) = webhook(&world, &json!({}));
        world.resolves("hooks.example", "A", answer);
        call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
        assert_eq!(sent(&world).len(), 0);
        assert_eq!(deliveries(&world, &id)[0]["last_problem"], problem);
    }
}

#[test]
fn metadata_that_is_held_and_certificates_that_end_are_told() {
    let world = World::new();
    let connection = world.connection_with(&json!({}), &Idp::trusted());
    let end = {
        let certificate = Idp::trusted().certificate;
        certificate.not_after().unwrap()
    };
    // Nobody is told, and nobody has asked.
    world.run_schedule();
    let (id, _) = webhook(&world, &json!({"events": ["certificate.expiring"]}));
    let days = |posted: &[Posted]| -> Vec<i64> {
        posted
            .iter()
            .map(|one| body(one)["data"]["days"].as_i64().unwrap())
            .collect()
    };
    let mut told = Vec::new();
    for before in [61, 60, 59, 31, 29, 13, 12, 6, 1, 0, -1] {
        let now = world.time();
        world.pass(end - before * 86_400 - 100 - now);
        world.run_schedule();
        world.run_schedule();
        let posted = all_sent(&world);
        told.push((before, days(&posted)));
        for one in posted {
            let data = body(&one)["data"].clone();
            assert_eq!(data["connection"]["id"], connection);
            let certificate = &data["certificate"];
            assert_eq!(
                certificate["sha256"],
                Idp::trusted().certificate.fingerprint().to_string()
            );
            assert!(certificate["not_after"].is_string());
        }
    }
    let expected = [
        (61, vec![]),
        (60, vec![]),
        (59, vec![60]),
        (31, vec![]),
        (29, vec![30]),
        (13, vec![14]),
        (12, vec![]),
        (6, vec![7]),
        (1, vec![]),
        (0, vec![1]),
        (-1, vec![]),
    ];
    assert_eq!(told, expected);
    assert_eq!(world.api("DELETE", &format!("/webhooks/{id}"), &json!({})).0, 204);
}

#[test]
fn held_metadata_is_told_once() {
    let world = World::new();
    let created = call(
        &world,
        "POST",
        "/connections",
        &json!({"name": "x", "provider": "okta", "domains": ["a.test"]}),
    );
    let connection = created["id"].as_str().unwrap();
    let url = "https://idp.example/metadata";
    let serve = |xml: String| {
        let fetched = Fetched {
            status: 200,
            location: None,
            content_type: None,
            body: xml.into_bytes(),
        };
        world.answers.borrow_mut().insert(url.to_owned(), Ok(fetched));
    };
    serve(Idp::trusted().metadata());
    call(
        &world,
        "POST",
        &format!("/connections/{connection}/metadata"),
        &json!({"url": url}),
    );
    webhook(&world, &json!({"events": ["metadata.held"]}));
    // All keys at once.
    serve(Idp::other().metadata());
    for _ in 0..3 {
        world.pass(2 * 86_400);
        world.run_schedule();
    }
    let posted = all_sent(&world);
    assert_eq!(kinds(&posted), ["metadata.held"]);
    assert_eq!(body(&posted[0])["data"]["connection"]["id"], connection);
    assert_eq!(body(&posted[0])["data"]["reasons"].as_array().unwrap().len(), 1);
}

#[test]
fn an_endpoint_that_always_fails_is_switched_off() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({}));
    answers(&world, Err(FetchFailure::Connection));
    let test = format!("/webhooks/{id}/test");
    call(&world, "POST", &test, &json!({}));
    assert_eq!(sent(&world).len(), 1);
    let show = |world: &World| call(world, "GET", &format!("/webhooks/{id}"), &json!({}));
    assert_eq!(show(&world)["failing_since"], "2026-07-01T12:00:00Z");
    world.pass(5 * 86_400 - 1);
    call(&world, "POST", &test, &json!({}));
    assert_eq!((sent(&world).len(), &show(&world)["enabled"]), (1, &json!(true)));
    world.pass(60);
    assert_eq!((sent(&world).len(), &show(&world)["enabled"]), (1, &json!(false)));
    let reason = "every request to it failed for 5 days";
    assert_eq!(show(&world)["disabled_reason"], reason);
    let entry = call(&world, "GET", "/audit?limit=1", &json!({}))["entries"][0].clone();
    assert_eq!(
        (&entry["action"], &entry["actor"], &entry["change"]),
        (
            &json!("webhook.switched_off"),
            &json!("schedule"),
            &json!(format!("Switched off the webhook {id} (hooks.example): {reason}"))
        )
    );
    // Nothing is sent any more, and nothing can be asked for.
    world.pass(86_400);
    assert_eq!((sent(&world).len(), due_in(&world)), (0, None));
    assert_eq!(
        code(world.api("POST", &test, &json!({}))),
        (409, "webhook_disabled".to_owned())
    );
    let since = json!({"since": "2026-07-01T12:00:00Z"});
    assert_eq!(
        code(world.api("POST", &format!("/webhooks/{id}/replay"), &since)),
        (409, "webhook_disabled".to_owned())
    );

    // Switched on again it gets what waited, and has its five days anew.
    answers(&world, Ok(200));
    let on = call(&world, "PATCH", &format!("/webhooks/{id}"), &json!({"enabled": true}));
    assert_eq!(
        (&on["disabled_reason"], &on["failing_since"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(all_sent(&world).len(), 2);
}

#[test]
fn an_endpoint_that_is_gone_is_switched_off_at_once() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({"events": ["sign_in.refused"]}));
    assert!(world.config("webhooks:sign-ins").is_some());
    answers(&world, Ok(410));
    call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
    sent(&world);
    let shown = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
    assert_eq!(
        (&shown["enabled"], &shown["disabled_reason"]),
        (&json!(false), &json!("it answered 410 Gone"))
    );
    world.publish();
    assert_eq!(world.config("webhooks:sign-ins"), None);
}

#[test]
fn one_endpoint_that_fails_does_not_hold_up_the_others() {
    let world = World::new();
    let (failing, _) = webhook(&world, &json!({}));
    webhook(&world, &json!({"url": "https://good.example/"}));
    answers(&world, Err(FetchFailure::Timeout));
    for n in 0..8 {
        let fields = json!({"name": "x", "provider": "okta", "domains": [format!("d{n}.test")]});
        call(&world, "POST", "/connections", &fields);
    }
    let count = |posted: &[Posted], url: &str| posted.iter().filter(|one| one.url == url).count();
    let first = sent(&world);
    assert_eq!((count(&first, URL), count(&first, "https://good.example/")), (1, 8));
    // From now on it is asked once in a while, one thing at a time.
    assert_eq!(all_sent(&world).len(), 0);
    world.pass(5);
    assert_eq!((count(&sent(&world), URL), sent(&world).len()), (1, 0));
    world.pass(61);
    assert_eq!(count(&sent(&world), URL), 1);
    assert_eq!(sent(&world).len(), 0);
    let shown = call(&world, "GET", &format!("/webhooks/{failing}"), &json!({}));
    assert_eq!(shown["pending"], 8);
}

/// However many sign-ins are refused, and whoever is slow: changes are told first, and to everybody in the same round.
#[test]
fn each_endpoint_has_its_turn() {
    let world = World::new();
    let connection = world.connection(&Idp::trusted());
    let refuse = |count: usize| {
        for n in 0..count {
            let refused = registry::events::TellSignIn {
                connection: edge_saml::saml::id::ConnectionId::parse(&connection).unwrap(),
                reference: Some(n.to_string()),
                code: Some("unsigned".to_owned()),
                email: None,
            };
            futures_executor::block_on(edge_saml::app::ports::Ports::registry(&&world, refused)).unwrap();
        }
    };
    let url = |n: usize| format!("https://h{n}.example/");
    let events = |events: Value, n: usize| webhook(&world, &json!({"url": url(n), "events": events})).0;
    for n in 0..8 {
        events(json!(["sign_in.refused"]), n);
    }
    let failing = events(json!(["sign_in.refused", "connection.updated"]), 8);
    let urls = |posted: &[Posted]| posted.iter().map(|one| one.url.clone()).collect::<Vec<_>>();
    let count = |posted: &[Posted], n: usize| posted.iter().filter(|one| one.url == url(n)).count();
    world.post_answers.borrow_mut().insert(url(8), Ok(500));
    refuse(1);
    assert_eq!(sent(&world).len(), 9);
    world.post_answers.borrow_mut().clear();
    world.pass(5);

    // Changes before refused sign-ins, also where the last event failed; of one kind, those that fail last.
    refuse(30);
    world.patch(&connection, &json!({"name": "first"}));
    world.most_posting.set(0);
    world.post_takes.borrow_mut().insert(url(3), 8);
    let first = sent(&world);
    assert_eq!(
        (urls(&first)[0].clone(), kinds(&first)[0].as_str()),
        (url(8), "connection.updated")
    );
    assert_eq!(world.most_posting.get(), 6);
    // One that is slow gets one event, and everybody else as many as a round has.
    let counts: Vec<usize> = (0..9).map(|n| count(&first, n)).collect();
    assert_eq!((counts[3], counts[8]), (1, 20));
    let second = sent(&world);
    assert!(count(&second, 3) == 1 && count(&second, 0) > 0);

    let shown = call(&world, "GET", &format!("/webhooks/{failing}"), &json!({}));
    assert_eq!(shown["failing_since"], Value::Null);
}

#[test]
fn those_that_fail_have_their_turn_last_and_those_that_are_off_none() {
    let world = World::new();
    let (failing, _) = webhook(&world, &json!({}));
    let (good, _) = webhook(&world, &json!({"url": "https://good.example/"}));
    answers(&world, Ok(500));
    let fields = |domain: &str| json!({"name": "x", "provider": "okta", "domains": [domain]});
    call(&world, "POST", "/connections", &fields("a.test"));
    assert_eq!(sent(&world).len(), 2);
    call(&world, "POST", "/connections", &fields("b.test"));
    world.pass(5);
    let now = edge_saml::saml::time::Timestamp::from_unix_seconds(world.time());
    let due = registry::outbox::due_endpoints(&world.registry, now).unwrap();
    assert_eq!(due.iter().map(WebhookId::as_str).collect::<Vec<_>>(), [&good, &failing]);
    // Disabled after it was found to be due.
    call(
        &world,
        "PATCH",
        &format!("/webhooks/{good}"),
        &json!({"enabled": false}),
    );
    let taken = |n: usize| {
        registry::outbox::take_due(&world.registry, &due[n], now)
            .unwrap()
            .is_some()
    };
    assert_eq!((taken(0), taken(1)), (false, true));
}

#[test]
fn an_attempt_without_an_end_is_made_again() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({}));
    call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
    let now = edge_saml::saml::time::Timestamp::from_unix_seconds(NOW);
    // Taken, and then the object ends.
    let endpoints = registry::outbox::due_endpoints(&world.registry, now).unwrap();
    assert_eq!(endpoints.iter().map(WebhookId::as_str).collect::<Vec<_>>(), [&id]);
    let taken = registry::outbox::take_due(&world.registry, &endpoints[0], now).unwrap();
    assert!(taken.is_some());
    assert_eq!(sent(&world).len(), 0);
    world.pass(5);
    assert_eq!(sent(&world).len(), 1);
    assert_eq!(deliveries(&world, &id)[0]["attempts"], 2);
}

#[test]
fn the_outbox_is_bounded_and_says_what_it_dropped() {
    let world = World::new();
    let connection = world.connection(&Idp::trusted());
    let (id, _) = webhook(&world, &json!({"events": ["connection.updated", "sign_in.refused"]}));
    world.patch(&connection, &json!({"name": "first"}));
    for n in 0..1_001 {
        let refused = registry::events::TellSignIn {
            connection: edge_saml::saml::id::ConnectionId::parse(&connection).unwrap(),
            reference: Some(n.to_string()),
            code: Some("unsigned".to_owned()),
            email: None,
        };
        futures_executor::block_on(edge_saml::app::ports::Ports::registry(&&world, refused)).unwrap();
    }
    let shown = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
    // What anybody can cause pushed out its own kind, and nothing else.
    assert_eq!((&shown["pending"], &shown["dropped"]), (&json!(1_001), &json!(1)));
    let first = sent(&world);
    assert_eq!(
        kinds(&first)[..3],
        ["connection.updated", "sign_in.refused", "sign_in.refused"]
    );
    assert_eq!(first.len(), 20);
    assert_eq!(body(&first[1])["data"]["reference"], "1");
    let rows = |table: &str| {
        world
            .registry
            .run(&format!("SELECT 1 FROM {table}"), &[])
            .unwrap()
            .len()
    };
    assert_eq!((rows("webhook_events"), rows("webhook_deliveries")), (1_001, 1_001));

    // Nothing is kept longer than two weeks, though nothing be sent meanwhile: the schedule drops it.
    world.pass(14 * 86_400);
    futures_executor::block_on(edge_saml::app::ports::Ports::registry(
        &&world,
        registry::publishing::Publish {},
    ))
    .unwrap();
    assert_eq!((rows("webhook_events"), rows("webhook_deliveries")), (0, 0));
    let shown = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
    assert_eq!((&shown["pending"], &shown["dropped"]), (&json!(0), &json!(982)));

    // Nor is it sent, though the schedule does not run.
    world.patch(&connection, &json!({"name": "late"}));
    world.pass(14 * 86_400);
    assert_eq!((sent(&world).len(), rows("webhook_deliveries")), (0, 0));
}

#[test]
fn events_can_be_sent_again() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({}));
    let (other, _) = webhook(&world, &json!({"url": "https://other.example/"}));
    for n in 0..3 {
        let fields = json!({"name": "x", "provider": "okta", "domains": [format!("d{n}.test")]});
        call(&world, "POST", "/connections", &fields);
        world.pass(10);
    }
    let first = all_sent(&world);
    assert_eq!(first.len(), 6);
    let replay = |since: &str| world.api("POST", &format!("/webhooks/{id}/replay"), &json!({"since": since}));
    assert_eq!(replay("2026-07-01T12:00:10Z"), (200, json!({"replayed": 2})));
    let again = all_sent(&world);
    assert_eq!(again.len(), 2);
    let ids =
        |posted: &[Posted]| -> Vec<String> { posted.iter().map(|one| one.headers["webhook-id"].clone()).collect() };
    assert!(ids(&again).iter().all(|id| ids(&first).contains(id)));
    assert!(again.iter().all(|one| one.url == URL));
    assert_eq!(body(&again[0])["timestamp"], "2026-07-01T12:00:10Z");
    assert_eq!(code(replay("yesterday")), (422, "invalid_field".to_owned()));

    // Only what was sent to this endpoint.
    let unknown = format!("/webhooks/{id}/deliveries/evt_{}/replay", "0".repeat(32));
    assert_eq!(
        code(world.api("POST", &unknown, &json!({}))),
        (404, "delivery_unknown".to_owned())
    );
    call(&world, "POST", &format!("/webhooks/{other}/test"), &json!({}));
    let event = deliveries(&world, &other)[0]["event"].as_str().unwrap().to_owned();
    let foreign = format!("/webhooks/{id}/deliveries/{event}/replay");
    assert_eq!(
        code(world.api("POST", &foreign, &json!({}))),
        (404, "delivery_unknown".to_owned())
    );

    // Pages, newest first.
    let page = |query: &str| call(&world, "GET", &format!("/webhooks/{id}/deliveries{query}"), &json!({}));
    let first = page("?limit=2");
    let next = first["next_before"].as_i64().unwrap();
    let second = page(&format!("?limit=2&before={next}"));
    assert_eq!(
        (
            first["deliveries"].as_array().unwrap().len(),
            second["deliveries"].as_array().unwrap().len()
        ),
        (2, 1)
    );
    assert_eq!(second["next_before"], Value::Null);
    assert_eq!(second["deliveries"][0]["type"], "connection.created");
    for (query, code_expected) in [
        ("?limit=0", 422),
        ("?limit=101", 422),
        ("?limit=x", 422),
        ("?other=1", 400),
    ] {
        assert_eq!(
            world
                .api("GET", &format!("/webhooks/{id}/deliveries{query}"), &json!({}))
                .0,
            code_expected,
            "{query}"
        );
    }
}

#[test]
fn a_secret_is_shown_once_and_rotated_with_overlap() {
    let world = World::new();
    let (id, first) = webhook(&world, &json!({}));
    assert_eq!(
        STANDARD.decode(first.strip_prefix("whsec_").unwrap()).unwrap().len(),
        32
    );
    let (_, other) = webhook(&world, &json!({"url": "https://other.example/"}));
    assert_ne!(first, other);
    let test = format!("/webhooks/{id}/test");
    let rotated = call(&world, "POST", &format!("/webhooks/{id}/rotate-secret"), &json!({}));
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["previous_secret_until"], "2026-07-02T12:00:00Z");
    call(&world, "POST", &test, &json!({}));
    let posted = &sent(&world)[0];
    assert!(is_signed_with(posted, &first) && is_signed_with(posted, &second) && !is_signed_with(posted, &other));
    assert_eq!(posted.headers["webhook-signature"].split(' ').count(), 2);
    world.pass(86_400);
    call(&world, "POST", &test, &json!({}));
    let posted = &sent(&world)[0];
    assert!(!is_signed_with(posted, &first) && is_signed_with(posted, &second));
    assert_eq!(
        call(&world, "GET", &format!("/webhooks/{id}"), &json!({}))["previous_secret_until"],
        Value::Null
    );

    // Nothing else tells it.
    let audit = call(&world, "GET", "/audit", &json!({})).to_string();
    let all = [
        call(&world, "GET", "/webhooks", &json!({})).to_string(),
        json!(deliveries(&world, &id)).to_string(),
        call(&world, "GET", "/export", &json!({})).to_string(),
        audit.clone(),
        world.everything_public(),
    ];
    for text in all {
        assert!(
            !text.contains("whsec_") && !text.contains(&first[6..]) && !text.contains(&second[6..]),
            "{text}"
        );
    }
    // Of the address, people who look at the history see the host alone.
    assert!(audit.contains("(hooks.example)") && !audit.contains("of-the-receiver"));
}

#[test]
fn an_address_must_be_public_and_https() {
    let world = World::new();
    let private = [
        "http://hooks.example/",
        "http://localhost/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://intranet/",
        "https://a.internal/",
        "ftp://hooks.example/",
        "javascript:alert(1)",
        "https://user:password@hooks.example/",
        "https://hooks.example/#x",
        "",
        "hooks.example",
    ];
    let (id, _) = webhook(&world, &json!({}));
    for url in private {
        for (method, path) in [("POST", "/webhooks".to_owned()), ("PATCH", format!("/webhooks/{id}"))] {
            let (status, refused) = world.api(method, &path, &json!({"url": url}));
            assert_eq!(
                (status, &refused["error"]["field"]),
                (422, &json!("url")),
                "{method} {url}"
            );
        }
    }
    // And if one came in some other way, nothing is sent there.
    world
        .registry
        .run("UPDATE webhooks SET url = 'https://169.254.169.254/latest'", &[])
        .unwrap();
    call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
    assert_eq!(sent(&world).len(), 0);
    assert_eq!(deliveries(&world, &id)[0]["last_problem"], "private_address");
}

#[test]
fn endpoints_are_made_changed_and_deleted() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({"description": "  CRM "}));
    let shown = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
    assert_eq!(
        (
            &shown["description"],
            &shown["enabled"],
            &shown["created_by"],
            &shown["include_email"]
        ),
        (&json!("CRM"), &json!(true), &json!("token ADMIN_TOKEN"), &json!(false))
    );
    assert_eq!(shown.get("secret"), None);
    for (body, field) in [
        (json!({"url": URL, "events": []}), "events"),
        (json!({"url": URL, "description": "a\nb"}), "description"),
        (json!({"url": URL, "description": "x".repeat(101)}), "description"),
    ] {
        let (status, refused) = world.api("POST", "/webhooks", &body);
        assert_eq!((status, &refused["error"]["field"]), (422, &json!(field)));
    }
    for body in [
        json!({}),
        json!({"url": URL, "events": ["webhook.test"]}),
        json!({"url": URL, "secret": "x"}),
    ] {
        assert_eq!(
            code(world.api("POST", "/webhooks", &body)),
            (422, "invalid_field".to_owned())
        );
    }
    let changed = call(
        &world,
        "PATCH",
        &format!("/webhooks/{id}"),
        &json!({"events": ["draft.applied"], "description": ""}),
    );
    assert_eq!(
        (&changed["events"], &changed["description"], &changed["url"]),
        (&json!(["draft.applied"]), &json!(""), &json!(URL))
    );

    for _ in 1..10 {
        webhook(&world, &json!({}));
    }
    assert_eq!(
        code(world.api("POST", "/webhooks", &json!({"url": URL}))),
        (409, "too_many_webhooks".to_owned())
    );
    call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
    assert_eq!(world.api("DELETE", &format!("/webhooks/{id}"), &json!({})).0, 204);
    assert_eq!(sent(&world).len(), 0);
    for (method, path) in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/deliveries"),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
    ] {
        let path = format!("/webhooks/{id}{path}");
        assert_eq!(
            code(world.api(method, &path, &json!({}))),
            (404, "webhook_unknown".to_owned()),
            "{method} {path}"
        );
    }
    let entries = call(&world, "GET", "/audit?limit=200", &json!({}));
    let actions: Vec<&str> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        (actions[0], actions[actions.len() - 2], actions[actions.len() - 1]),
        ("webhook.deleted", "webhook.changed", "webhook.created")
    );
}

#[test]
fn webhooks_take_a_token_that_allows_it() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({}));
    let (_, token) = world.api("POST", "/tokens", &json!({"name": "reads", "scopes": ["read"]}));
    let status = |method: &str, path: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/sso/api/v1/webhooks{path}"))
            .header("authorization", format!("Bearer {}", token["token"].as_str().unwrap()))
            .header("content-type", "application/json");
        world.handle(request.body(b"{}".to_vec()).unwrap()).status().as_u16()
    };
    for path in [String::new(), format!("/{id}"), format!("/{id}/deliveries")] {
        assert_eq!(status("GET", &path), 200, "{path}");
    }
    for path in [
        "/rotate-secret",
        "/test",
        "/replay",
        &format!("/deliveries/evt_{}/replay", "0".repeat(32)),
    ] {
        assert_eq!(status("POST", &format!("/{id}{path}")), 403, "{path}");
    }
    assert_eq!(
        (
            status("POST", ""),
            status("PATCH", &format!("/{id}")),
            status("DELETE", &format!("/{id}"))
        ),
        (403, 403, 403)
    );
}

/// Many receivers put a secret into path or query: whoever cannot change a webhook does not see it.
#[test]
fn who_may_only_read_sees_no_more_of_an_address_than_its_origin() {
    let world = World::new();
    let url = "https://hooks.example:8443/services/T0/of-the-receiver?key=of-the-receiver";
    let (id, _) = webhook(&world, &json!({ "url": url }));
    for (scope, shown) in [("read", "https://hooks.example:8443"), ("write", url)] {
        let (_, made) = world.api("POST", "/tokens", &json!({"name": scope, "scopes": [scope]}));
        let token = made["token"].as_str().unwrap();
        let get = |path: &str| -> Value {
            let request = http::Request::builder()
                .uri(format!("/sso/api/v1/webhooks{path}"))
                .header("authorization", format!("Bearer {token}"));
            let response = world.handle(request.body(Vec::new()).unwrap());
            serde_json::from_slice(response.body()).unwrap()
        };
        assert_eq!(get("")["webhooks"][0]["url"], shown);
        assert_eq!(get(&format!("/{id}"))["url"], shown);
        assert!(!get(&format!("/{id}/deliveries")).to_string().contains("of-the"));
        let mut browser = signed_in_with(&world, token);
        for path in [String::new(), format!("/{id}")] {
            let page = text_of(&browser.get(&world, &format!("/sso/admin/webhooks{path}")));
            assert!(page.contains("hooks.example"), "{page}");
            assert_eq!(page.contains("of-the-receiver"), scope == "write", "{page}");
        }
    }
}

/// Whoever ran the endpoint before must not have its replacement switched off.
#[test]
fn how_an_address_answers_that_was_replaced_meanwhile_says_nothing_of_the_new_one() {
    let world = World::new();
    let (id, _) = webhook(&world, &json!({}));
    let test = || call(&world, "POST", &format!("/webhooks/{id}/test"), &json!({}));
    let at = |seconds: i64| edge_saml::saml::time::Timestamp::from_unix_seconds(NOW + seconds);
    let now = at(0);
    let take = || {
        let webhook = WebhookId::parse(&id).unwrap();
        registry::outbox::take_due(&world.registry, &webhook, now)
            .unwrap()
            .unwrap()
    };
    let ends = |attempt: &Attempt, answer: u16| {
        registry::outbox::note_end(&world.registry, attempt, &Ended::Answered(answer), 0, now).unwrap();
        let webhook = call(&world, "GET", &format!("/webhooks/{id}"), &json!({}));
        (webhook["enabled"].clone(), webhook["failing_since"].clone())
    };
    for _ in 0..4 {
        test();
    }
    let (before, also_before, last_before) = (take(), take(), take());
    let moved = json!({"url": "https://new.example/in"});
    call(&world, "PATCH", &format!("/webhooks/{id}"), &moved);
    assert_eq!(ends(&before, 410), (json!(true), Value::Null));
    assert_eq!(ends(&also_before, 500), (json!(true), Value::Null));
    // The event is sent once more, to the new one.
    assert_eq!(deliveries(&world, &id)[3]["state"], "pending");

    let after = take();
    assert_eq!(after.url.as_str(), "https://new.example/in");
    let failing = (json!(true), json!("2026-07-01T12:00:00Z"));
    assert_eq!(ends(&after, 500), failing);
    // Nor does it mend what the new one does.
    assert_eq!(ends(&last_before, 200), failing);
    world.pass(60);
    let now = at(60);
    let webhook = WebhookId::parse(&id).unwrap();
    let again = registry::outbox::take_due(&world.registry, &webhook, now)
        .unwrap()
        .unwrap();
    assert_eq!(ends(&again, 410).0, json!(false));
}
