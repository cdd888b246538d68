//! Captured messages: kept as they came, sealed, for whoever switched that on, for a while.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::ledger::{KeepMessage, SetCapture};
use edge_saml::app::sql::Sql;
use serde_json::{Value, json};

use crate::support::dashboard::{body, signed_in};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, World, location};

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

/// Switches capture on for so many minutes.
fn capture(world: &World, id: &str, minutes: u32) -> Value {
    let (status, body) = world.api(
        "POST",
        &format!("/connections/{id}/capture"),
        &json!({"minutes": minutes}),
    );
    assert_eq!(status, 200, "{body}");
    body["until"].clone()
}

/// What was captured of the newest attempt, decoded.
fn captured(world: &World, id: &str) -> Vec<String> {
    let reference = &world.sign_ins(id, "")[0]["reference"];
    let path = format!("/connections/{id}/sign-ins/{}/messages", reference.as_str().unwrap());
    let (status, body) = world.api("GET", &path, &json!({}));
    assert_eq!(status, 200, "{body}");
    let messages = body["messages"].as_array().unwrap().iter();
    let decoded = messages.map(|message| STANDARD.decode(message["message"].as_str().unwrap()).unwrap());
    decoded.map(|octets| String::from_utf8(octets).unwrap()).collect()
}

/// A response that is refused; what was brought.
fn refused(world: &World, browser: &mut Browser, id: &str) -> String {
    let request = browser.begin(world, "ada@acme.test", "/");
    let xml = Message::of(id, Some(&request)).to_xml();
    assert_eq!(Browser::deliver(world, id, &xml).status(), 403);
    xml
}

#[test]
fn messages_are_kept_while_that_is_switched_on() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    refused(&world, &mut browser, &id);
    assert!(captured(&world, &id).is_empty(), "not switched on");

    assert_eq!(capture(&world, &id, 10), "2026-07-01T12:10:00Z");
    let state = || world.api("GET", &format!("/connections/{id}/capture"), &json!({})).1;
    assert_eq!(state(), json!({"until": "2026-07-01T12:10:00Z", "kept": 0}));
    let xml = refused(&world, &mut browser, &id);
    assert_eq!(captured(&world, &id), [xml]);
    let request = browser.begin(&world, "ada@acme.test", "/");
    let wrong = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let (wrong, good) = (respond(&wrong), respond(&Message::of(&id, Some(&request))));
    assert_eq!(Browser::deliver(&world, &id, &wrong).status(), 403);
    let ticket = Browser::deliver(&world, &id, &good);
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    assert_eq!(captured(&world, &id), [wrong, good]);

    // So is what may be anybody's, even if it answers nothing: it may be what is looked for.
    Browser::deliver(&world, &id, "<nonsense/>");
    assert_eq!(captured(&world, &id), ["<nonsense/>"]);

    world.pass(10 * 60);
    assert_eq!(state(), json!({"until": null, "kept": 4}));
    let before = world.registry_calls.borrow().len();
    refused(&world, &mut browser, &id);
    assert_eq!(world.registry_calls.borrow().len(), before, "no call of its own");
    assert!(captured(&world, &id).is_empty());
}

#[test]
fn neither_place_says_anything_without_the_other() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 10);
    refused(&world, &mut browser, &id);
    let ledger = world.everything_in_ledger(&id);
    assert!(!ledger.contains("\nmessages: []"));
    for plain in ["saml:Assertion", "Lovelace", &STANDARD.encode("<samlp:Response ")[..16]] {
        assert!(!ledger.contains(plain), "{plain}");
        assert!(!world.everything_registered().contains(plain), "{plain}");
        assert!(!world.everything_public().contains(plain), "{plain}");
    }
    assert!(!world.everything_registered().contains("capture_keys: []"));
    let (status, _) = world.api("DELETE", &format!("/connections/{id}"), &json!({}));
    assert_eq!(status, 204);
    assert!(world.everything_in_ledger(&id).contains("\nmessages: []"));
    assert!(world.everything_registered().contains("capture_keys: []"));
}

#[test]
fn messages_are_few_and_gone_after_a_day() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 24 * 60);
    let request = browser.begin(&world, "ada@acme.test", "/");
    let xml = Message::of(&id, Some(&request)).to_xml();
    for _ in 0..6 {
        Browser::deliver(&world, &id, &xml);
    }
    assert_eq!(captured(&world, &id), vec![xml.clone(); 5]);
    let first = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    let kept = |reference: &str| {
        let (_, body) = world.api(
            "GET",
            &format!("/connections/{id}/sign-ins/{reference}/messages"),
            &json!({}),
        );
        body["messages"].as_array().unwrap().len()
    };
    for _ in 0..16 {
        refused(&world, &mut browser, &id);
    }
    assert_eq!(kept(&first), 4, "twenty in all");
    let xml = refused(&world, &mut browser, &id);
    world.pass(24 * 3_600 - 1);
    assert_eq!(captured(&world, &id), [xml]);
    let last = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    world.pass(1);
    assert_eq!(kept(&last), 0, "before anything was swept");
    assert_ne!(world.rows_of_ledger(&id, "messages"), 0);
    browser.begin(&world, "ada@acme.test", "/");
    assert_eq!(world.rows_of_ledger(&id, "messages"), 0);
}

#[test]
fn what_may_be_anybodys_pushes_out_nothing_that_was_signed() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 24 * 60);
    let request = browser.begin(&world, "ada@acme.test", "/");
    let reference = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    let messages = || {
        let path = format!("/connections/{id}/sign-ins/{reference}/messages");
        world.api("GET", &path, &json!({})).1["messages"].clone()
    };
    let message = |xml: &str, verified| json!({"at": "2026-07-01T12:00:00Z", "verified": verified, "message": STANDARD.encode(xml)});
    // Whoever knows the request answers it first, more often than an attempt has room for.
    let unsigned = Message::of(&id, Some(&request)).to_xml();
    for _ in 0..6 {
        Browser::deliver(&world, &id, &unsigned);
    }
    let wrong = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let wrong = respond(&wrong);
    for _ in 0..6 {
        Browser::deliver(&world, &id, &wrong);
    }
    let of_anybody = vec![message(&unsigned, false); 5];
    let signed = vec![message(&wrong, true); 5];
    assert_eq!(messages(), json!([of_anybody, signed.clone()].concat()));
    // Noise of strangers takes the place of noise.
    for _ in 0..21 {
        Browser::deliver(&world, &id, "<nonsense/>");
    }
    assert_eq!(messages(), json!(signed));
    assert_eq!(world.rows_of_ledger(&id, "messages"), 25);
    // What was signed gives way to its like.
    for count in 0..46 {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let good = Message {
            assertion_id: format!("_assertion{count}"),
            ..Message::of(&id, Some(&request))
        };
        assert_eq!(Browser::deliver(&world, &id, &respond(&good)).status(), 303);
    }
    assert_eq!(messages(), json!(signed[1..]));
    assert_eq!(world.rows_of_ledger(&id, "messages"), 70);
}

#[test]
fn messages_that_were_sealed_at_the_same_time_take_no_more_room() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 10);
    refused(&world, &mut browser, &id);
    let reference = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    // All of them were wanted when they were recorded.
    let keep = |verified| KeepMessage {
        reference: reference.clone(),
        verified,
        sealed: "sealed".to_owned(),
    };
    for count in 2..10 {
        world.ask_ledger(&id, &keep(false));
        assert_eq!(world.rows_of_ledger(&id, "messages"), count.min(5));
    }
    for count in 6..14 {
        world.ask_ledger(&id, &keep(true));
        assert_eq!(world.rows_of_ledger(&id, "messages"), count.min(10));
    }
    world.ask_ledger(&id, &SetCapture { until: None });
    world.ask_ledger(&id, &keep(true));
    assert_eq!(world.rows_of_ledger(&id, "messages"), 0);
}

#[test]
fn switched_off_it_is_forgotten() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 60);
    capture(&world, &id, 10);
    let xml = refused(&world, &mut browser, &id);
    let read = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    assert_eq!(
        captured(&world, &id),
        [xml],
        "the key of the first time is still the key"
    );
    let path = format!("/connections/{id}/capture");
    assert_eq!(world.api("DELETE", &path, &json!({})).0, 204);
    assert!(captured(&world, &id).is_empty());
    refused(&world, &mut browser, &id);
    assert!(captured(&world, &id).is_empty());
    assert_eq!(world.api("DELETE", &path, &json!({})).0, 204);

    // Who did it and when stands in the audit log, and what they read; but not that there was nothing to be read.
    let (_, audit) = world.api("GET", &format!("/audit?connection={id}&limit=5"), &json!({}));
    let entries = audit["entries"].as_array().unwrap().iter();
    let entries: Vec<_> = entries
        .map(|entry| ["actor", "action", "change"].map(|field| entry[field].as_str().unwrap().to_owned()))
        .collect();
    let ended = ["token ADMIN_TOKEN", "capture.ended", "Ended the capture of messages"];
    let started = |time: &str| {
        let change = format!("Captures messages until {time}");
        ["token ADMIN_TOKEN".to_owned(), "capture.started".to_owned(), change]
    };
    assert_eq!(entries[..2], [ended.map(str::to_owned), ended.map(str::to_owned)]);
    let change = format!("Read the captured messages of the sign-in {read}");
    assert_eq!(entries[2], ["token ADMIN_TOKEN", "capture.read", &change]);
    assert_eq!(
        entries[3..],
        [started("2026-07-01T12:10:00Z"), started("2026-07-01T13:00:00Z")]
    );

    for minutes in [json!(0), json!(1_441)] {
        let (status, error) = world.api("POST", &path, &json!({"minutes": minutes}));
        assert_eq!((status, &error["error"]["code"]), (422, &json!("invalid_field")));
    }
    for method in ["GET", "POST", "DELETE"] {
        let elsewhere = "/connections/conn_abcdefghij234567klmn/capture";
        assert_eq!(world.api(method, elsewhere, &json!({"minutes": 1})).0, 404, "{method}");
    }
}

#[test]
fn nothing_is_shown_that_was_not_written_down() {
    let (world, mut browser) = (World::new(), Browser::default());
    let mut admin = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 10);
    let xml = refused(&world, &mut browser, &id);
    let reference = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    let api = format!("/connections/{id}/sign-ins/{reference}/messages");
    let page = format!("/sso/admin/connections/{id}/sign-ins/{reference}");
    let file = format!("{page}/messages/1");
    let entries = || {
        let statement = "SELECT actor FROM audit WHERE action = 'capture.read' ORDER BY sequence";
        let rows = world.registry.run(statement, &[]).unwrap();
        rows.into_iter().flatten().collect::<Vec<_>>()
    };
    // Whichever statement it is that fails.
    for statements in 0..4 {
        world.failing.set(Some(("open_messages", statements)));
        let answers = [
            world.api("GET", &api, &json!({})).0,
            admin.get(&world, &page).status().as_u16(),
            admin.get(&world, &file).status().as_u16(),
        ];
        world.failing.set(None);
        assert_eq!((answers, entries()), ([503; 3], vec![]), "{statements}");
    }
    assert_eq!(world.api("GET", &api, &json!({})).0, 200);
    assert!(body(&admin.get(&world, &page)).contains("Response 1"));
    assert_eq!(admin.get(&world, &file).body(), xml.as_bytes());
    let (program, person) = ("token ADMIN_TOKEN".into(), "dashboard (token ADMIN_TOKEN)");
    assert_eq!(entries(), [program, person.into()], "once in a few minutes");
    let log = body(&admin.get(&world, &format!("/sso/admin/audit?connection={id}")));
    assert!(log.contains(&format!("Read the captured messages of the sign-in {reference}")));
}

#[test]
fn who_may_only_read_does_not_read_messages() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    capture(&world, &id, 10);
    refused(&world, &mut browser, &id);
    let reference = world.sign_ins(&id, "")[0]["reference"].as_str().unwrap().to_owned();
    let path = format!("/connections/{id}/sign-ins/{reference}/messages");
    for (scope, log, messages) in [("read", 200, 403), ("write", 200, 200)] {
        let (_, made) = world.api("POST", "/tokens", &json!({"name": scope, "scopes": [scope]}));
        let token = made["token"].as_str().unwrap();
        let ask = |path: &str| {
            let request = http::Request::builder()
                .uri(format!("/sso/api/v1{path}"))
                .header("authorization", format!("Bearer {token}"));
            world.handle(request.body(Vec::new()).unwrap()).status().as_u16()
        };
        assert_eq!(ask(&format!("/connections/{id}/sign-ins")), log);
        assert_eq!(ask(&path), messages, "{scope}");
    }
}
