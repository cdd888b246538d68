//! The sign-in log: every attempt as a timeline, found by its reference, bounded, and true whatever noise comes.

use edge_saml::app::ledger::{EndUserSessions, Health, HealthReport};
use edge_saml::saml::id::RequestId;
use edge_saml::saml::time::Timestamp;
use serde_json::{Value, json};

use crate::support::idp::{Idp, Message, NOW, Signed};
use crate::support::world::{Browser, ORIGIN, World, location, request_id};

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

/// The reference that a page of refusal shows.
fn shown(response: &http::Response<Vec<u8>>) -> String {
    assert_eq!(response.status(), 403);
    let page = String::from_utf8(response.body().clone()).unwrap();
    let start = page.find("data-copy=\"the reference\">").unwrap() + 26;
    page[start..start + 11].to_owned()
}

/// An answer that anybody could have written.
fn unsigned(id: &str, request: &str) -> String {
    Message::of(id, Some(request)).to_xml()
}

/// The attempt with this reference.
fn attempt(world: &World, id: &str, reference: &str) -> Value {
    let found = world.sign_ins(id, &format!("?reference={reference}"));
    assert_eq!(found.len(), 1);
    found[0].clone()
}

fn steps(attempt: &Value) -> Vec<&str> {
    let events = attempt["events"].as_array().unwrap();
    events.iter().map(|event| event["step"].as_str().unwrap()).collect()
}

/// A whole good sign-in; the request.
fn sign_in(world: &World, browser: &mut Browser, id: &str) -> String {
    let request = browser.begin(world, "ada@acme.test", "/");
    let ticket = Browser::deliver(world, id, &respond(&Message::of(id, Some(&request))));
    assert_eq!(browser.get(world, &location(&ticket)).status(), 303);
    request
}

#[test]
fn a_good_sign_in_is_a_timeline_and_costs_no_call_of_its_own() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.ledger_calls.borrow_mut().clear();
    let request = browser.begin(&world, "grace@acme.test", "/");
    world.pass(12);
    let message = Message {
        name_id: "00u1-stable".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let response = respond(&message);
    let ticket = Browser::deliver(&world, &id, &response);
    let under_way = &world.sign_ins(&id, "")[0];
    assert_eq!(
        (&under_way["outcome"], &under_way["ended_at"]),
        (&json!("pending"), &Value::Null)
    );
    world.pass(1);
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    assert_eq!(
        *world.ledger_calls.borrow(),
        ["begin", "consume", "list_attempts", "complete"]
    );

    let log = world.sign_ins(&id, "");
    assert_eq!(log.len(), 1);
    let event = |at: &str, step: &str| {
        json!({
            "at": at, "step": step, "verified": true, "code": null, "detail": null, "wanted": null, "got": null,
            "off_by_seconds": null, "rule": null, "sessions": null,
        })
    };
    assert_eq!(
        log[0],
        json!({
            "reference": under_way["reference"],
            "kind": "sign_in",
            "standing": "vouched",
            "outcome": "signed_in",
            // The identity provider's word takes the place of what was typed.
            "email": "ada@acme.test",
            "request_id": request,
            "started_at": "2026-07-01T12:00:00Z",
            "ended_at": "2026-07-01T12:00:13Z",
            "seconds_to_answer": 12,
            "seconds_to_end": 13,
            "code": null,
            "detail": null,
            "explanation": null,
            "events": [
                event("2026-07-01T12:00:00Z", "request_sent"),
                event("2026-07-01T12:00:12Z", "response_accepted"),
                event("2026-07-01T12:00:13Z", "signed_in"),
            ],
        })
    );
    // Nothing in it lets anybody in, and no name but the address.
    let all = log[0].to_string();
    for secret in browser.cookies().chain([location(&ticket).split_once('=').unwrap().1]) {
        assert!(!all.contains(secret));
    }
    assert!(!all.contains("00u1-stable") && !all.contains("Lovelace") && !all.contains("_assertion"));
}

#[test]
fn a_refusal_is_found_by_its_reference_and_explained() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let message = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    let reference = shown(&Browser::deliver(&world, &id, &respond(&message)));
    let refused = attempt(&world, &id, &reference);
    let entity_id = format!("{ORIGIN}/sso/saml/{id}");
    assert_eq!(
        [
            &refused["outcome"],
            &refused["standing"],
            &refused["request_id"],
            &refused["code"],
            &refused["detail"]
        ],
        [
            &json!("refused"),
            &json!("vouched"),
            &json!(request),
            &json!("audience_mismatch"),
            &json!(format!("Audience: expected {entity_id}, found urn:elsewhere")),
        ]
    );
    assert_eq!(refused["explanation"]["who"], "customer");
    assert!(refused["explanation"]["why"].as_str().unwrap().contains("audience"));
    assert!(
        refused["explanation"]["steps"]
            .as_str()
            .unwrap()
            .contains("Audience URI")
    );
    let event = &refused["events"][1];
    assert_eq!(
        [&event["step"], &event["verified"], &event["wanted"], &event["got"]],
        [
            &json!("response_refused"),
            &json!(true),
            &json!(entity_id),
            &json!("urn:elsewhere"),
        ]
    );
    // Where to click is known of the provider's own console alone.
    world.patch(&id, &json!({"provider": "custom"}));
    assert_eq!(attempt(&world, &id, &reference)["explanation"]["steps"], Value::Null);

    // What clocks say is measured.
    let request = browser.begin(&world, "ada@acme.test", "/");
    world.pass(8 * 60);
    let late = shown(&Browser::deliver(
        &world,
        &id,
        &respond(&Message::of(&id, Some(&request))),
    ));
    let event = &attempt(&world, &id, &late)["events"][1];
    assert_eq!(
        [&event["code"], &event["off_by_seconds"]],
        [&json!("expired"), &json!(180)]
    );
}

#[test]
fn who_was_refused_after_the_checks_is_known() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"require_typed_email": true}));
    let request = browser.begin(&world, "grace@acme.test", "/");
    let reference = shown(&Browser::deliver(
        &world,
        &id,
        &respond(&Message::of(&id, Some(&request))),
    ));
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [&refused["code"], &refused["email"]],
        [&json!("email_differs_from_typed"), &json!("ada@acme.test")]
    );
    let wrong = Message {
        email: Some("ada@other.test".to_owned()),
        ..Message::of(&id, Some(&request))
    };
    assert_eq!(shown(&Browser::deliver(&world, &id, &respond(&wrong))), reference);
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [&refused["code"], &refused["email"]],
        [&json!("email_domain_not_owned"), &json!("ada@acme.test")],
        "an address that is nobody's business is not kept"
    );
}

#[test]
fn what_may_be_anybodys_is_marked_and_decides_nothing_once_the_identity_provider_was_heard() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let reference = shown(&Browser::deliver(&world, &id, &unsigned(&id, &request)));
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [
            &refused["request_id"],
            &refused["standing"],
            &refused["outcome"],
            &refused["code"]
        ],
        [&json!(request), &json!("begun"), &json!("refused"), &json!("unsigned")]
    );
    assert_eq!(refused["events"][1]["verified"], json!(false));

    // The identity provider's own refusal weighs more, whenever it comes.
    let wrong = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    Browser::deliver(&world, &id, &respond(&wrong));
    world.pass(1);
    assert_eq!(
        shown(&Browser::deliver(&world, &id, &unsigned(&id, &request))),
        reference
    );
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [&refused["code"], &refused["standing"], &refused["ended_at"]],
        [
            &json!("audience_mismatch"),
            &json!("vouched"),
            &json!("2026-07-01T12:00:00Z")
        ]
    );

    // And a good answer more than that.
    let good = respond(&Message::of(&id, Some(&request)));
    let ticket = Browser::deliver(&world, &id, &good);
    Browser::deliver(&world, &id, &unsigned(&id, &request));
    assert_eq!(attempt(&world, &id, &reference)["outcome"], "pending");
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    Browser::deliver(&world, &id, &unsigned(&id, &request));
    world.pass(60);
    assert_eq!(shown(&Browser::deliver(&world, &id, &good)), reference);
    let done = attempt(&world, &id, &reference);
    assert_eq!([&done["outcome"], &done["code"]], [&json!("signed_in"), &Value::Null]);
    assert_eq!(
        steps(&done),
        [
            "request_sent",
            "response_refused",
            "response_refused",
            "response_refused",
            "response_accepted",
            "response_refused",
            "signed_in",
            "response_refused",
            "response_refused"
        ]
    );
    assert_eq!(world.sign_ins(&id, "").len(), 1);
}

#[test]
fn a_ticket_belongs_to_its_attempt() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&Browser::deliver(
        &world,
        &id,
        &respond(&Message::of(&id, Some(&request))),
    ));
    let reference = shown(&Browser::default().get(&world, &ticket));
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [&refused["request_id"], &refused["outcome"], &refused["code"]],
        [&json!(request), &json!("refused"), &json!("browser_mismatch")]
    );
    assert_eq!(refused["events"][2]["step"], "completion_refused");
    // What comes of that says less than it does.
    assert_eq!(shown(&browser.get(&world, &ticket)), reference);
    let refused = attempt(&world, &id, &reference);
    assert_eq!(
        [&refused["events"][3]["code"], &refused["code"]],
        [&json!("in_response_to_unknown"), &json!("browser_mismatch")]
    );
    // One that nobody was given is nobody's.
    let made_up = format!("/sso/saml/{id}/complete?ticket={}", "A".repeat(43));
    let stray = attempt(&world, &id, &shown(&browser.get(&world, &made_up)));
    assert_eq!(
        [&stray["standing"], &stray["events"][0]["verified"]],
        [&json!("unverified"), &json!(false)]
    );
}

#[test]
fn noise_pushes_out_noise_alone() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    sign_in(&world, &mut browser, &id);
    let open = browser.begin(&world, "ada@acme.test", "/");
    for _ in 0..201 {
        Browser::deliver(&world, &id, "nonsense");
    }
    let standing = |standing: &str| {
        let (mut count, mut before) = (0, String::new());
        loop {
            let (_, page) = world.api(
                "GET",
                &format!("/connections/{id}/sign-ins?limit=100{before}"),
                &json!({}),
            );
            let attempts = page["sign_ins"].as_array().unwrap();
            count += attempts
                .iter()
                .filter(|attempt| attempt["standing"] == standing)
                .count();
            match page["next_before"].as_i64() {
                Some(next) => before = format!("&before={next}"),
                None => return count,
            }
        }
    };
    assert_eq!(standing("unverified"), 200);
    assert_eq!(standing("begun"), 1);

    // Anybody can begin, too.
    for _ in 0..1_000 {
        browser.begin(&world, "ada@acme.test", "/");
    }
    assert_eq!(standing("begun"), 1_000);
    assert_eq!(standing("vouched"), 1);
    // One that was pushed out comes back when it is answered.
    world.ask_ledger(&id, &Health {});
    let wrong = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some(&open))
    };
    let reference = shown(&Browser::deliver(&world, &id, &respond(&wrong)));
    assert_eq!(attempt(&world, &id, &reference)["standing"], "vouched");
    assert_eq!(standing("vouched"), 2);

    // Nor does an identity provider push out its own sign-ins by logouts.
    for count in 0..1_001 {
        let logout = end_sessions(&format!("_logout{count}"));
        assert_eq!(world.ask_ledger(&id, &logout), Ok(Some(0)));
    }
    assert_eq!(standing("vouched"), 2 + 1_000);
    for outcome in ["signed_in", "refused"] {
        let left = world.sign_ins(&id, &format!("?outcome={outcome}"));
        assert_eq!(
            left.iter().filter(|attempt| attempt["standing"] == "vouched").count(),
            1
        );
    }
    let sign_ins = world.ask_ledger(&id, &Health {});
    assert_eq!((sign_ins.signed_in, sign_ins.refused), (1, 1), "a logout is no sign-in");
}

/// A request to end the sessions of somebody who has none.
fn end_sessions(request: &str) -> EndUserSessions {
    EndUserSessions {
        generation: 3,
        request_id: RequestId::parse(request).unwrap(),
        user_id: "nobody".to_owned(),
        session_indexes: Vec::new(),
        issued_at: Timestamp::from_unix_seconds(NOW),
        remember_until: Timestamp::from_unix_seconds(NOW + 60),
        reference: "00000-00000".to_owned(),
    }
}

#[test]
fn one_assertion_is_one_attempt_and_an_attempt_is_not_long() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    // Signed, so that whoever has it can bring it for ever.
    let old = Message {
        audience: "urn:elsewhere".to_owned(),
        ..Message::of(&id, Some("_of_nobody"))
    };
    let old = respond(&old);
    let reference = shown(&Browser::deliver(&world, &id, &old));
    for _ in 0..40 {
        assert_eq!(shown(&Browser::deliver(&world, &id, &old)), reference);
    }
    assert_eq!(world.sign_ins(&id, "").len(), 1);
    assert_eq!(steps(&attempt(&world, &id, &reference)).len(), 30);

    let request = browser.begin(&world, "ada@acme.test", "/");
    for _ in 0..11 {
        Browser::deliver(&world, &id, &unsigned(&id, &request));
    }
    assert_eq!(steps(&world.sign_ins(&id, "")[0]).len(), 11);
    // There is still room for what counts.
    let ticket = Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request))));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    let done = &world.sign_ins(&id, "")[0];
    assert_eq!(done["outcome"], "signed_in");
    assert_eq!(steps(done)[11..], ["response_accepted", "signed_in"]);
}

#[test]
fn an_attempt_grows_no_more_than_its_events() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let good = respond(&Message::of(&id, Some(&request)));
    for _ in 0..40 {
        let ticket = Browser::deliver(&world, &id, &good);
        assert_eq!(browser.clone().get(&world, &location(&ticket)).status(), 303);
    }
    assert_eq!(steps(&world.sign_ins(&id, "")[0]).len(), 30);
    assert_eq!(world.rows_of_ledger(&id, "attempts"), 1);
    assert_eq!(
        world.rows_of_ledger(&id, "attempt_keys"),
        16,
        "its request, and the tickets that are in it"
    );
}

#[test]
fn what_anybody_writes_neither_hides_nor_reorders_what_stands_beside_it() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut answer = |audience: &str| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let message = Message {
            audience: audience.to_owned(),
            assertion_id: format!("_of{request}"),
            ..Message::of(&id, Some(&request))
        };
        assert_eq!(Browser::deliver(&world, &id, &respond(&message)).status(), 403);
        let event = world.sign_ins(&id, "")[0]["events"][1].clone();
        assert_eq!(event["rule"], "audience");
        [event["got"].clone(), event["detail"].clone()].map(|text| text.as_str().unwrap().to_owned())
    };
    let [got, detail] = answer("urn:a\u{202e}b\u{2066}c\u{85}d\u{200f}é");
    assert_eq!(got, "urn:a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}é");
    assert!(detail.ends_with(&got), "{detail}");

    let domains: Vec<String> = (0..100).map(|n| format!("{}{n}.test", "d".repeat(50))).collect();
    world.patch(&id, &json!({"domains": domains}));
    world.enable(&id);
    let request = browser.begin(&world, &format!("ada@{}", domains[0]), "/");
    Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request))));
    let event = &world.sign_ins(&id, "")[0]["events"][1];
    assert_eq!(event["code"], "email_domain_not_owned", "{event}");
    for text in ["wanted", "detail"] {
        assert_eq!(event[text].as_str().unwrap().chars().count(), 1_000, "{text}");
    }
}

#[test]
fn it_is_searched_and_turned_page_by_page() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    for email in ["ada@acme.test", "grace@acme.test", "ada@acme.test", "Ada@acme.test"] {
        browser.begin(&world, email, "/");
    }
    let log = world.sign_ins(&id, "");
    let emails: Vec<_> = log.iter().map(|attempt| attempt["email"].as_str().unwrap()).collect();
    assert_eq!(
        emails,
        ["Ada@acme.test", "ada@acme.test", "grace@acme.test", "ada@acme.test"]
    );
    assert_eq!(world.sign_ins(&id, "?email=ADA%40ACME.test").len(), 3);
    assert_eq!(world.sign_ins(&id, "?email=nobody%40acme.test").len(), 0);
    // As it is read out on the telephone.
    let reference = log[1]["reference"].as_str().unwrap();
    let told = reference.to_uppercase().replace('0', "O").replace('1', "l");
    assert_eq!(world.sign_ins(&id, &format!("?reference=+{told}+")), [log[1].clone()]);
    assert_eq!(world.sign_ins(&id, "?reference=00000-00000").len(), 0);
    let both = format!("?reference={reference}&email=ada%40acme.test&outcome=pending");
    assert_eq!(world.sign_ins(&id, &both), [log[1].clone()]);
    assert_eq!(world.sign_ins(&id, &both.replace("ada", "grace")).len(), 0);
    assert_eq!(world.sign_ins(&id, "?outcome=expired").len(), 0);

    let path = format!("/connections/{id}/sign-ins");
    let (mut turned, mut query) = (Vec::new(), "?email=ada%40acme.test&limit=2".to_owned());
    for next in [true, false] {
        let (_, page) = world.api("GET", &format!("{path}{query}"), &json!({}));
        turned.extend(page["sign_ins"].as_array().unwrap().clone());
        assert_eq!(page["next_before"].is_number(), next);
        query = format!("?email=ada%40acme.test&limit=2&before={}", page["next_before"]);
    }
    assert_eq!(turned, [log[0].clone(), log[1].clone(), log[3].clone()]);

    for (bad, status, code) in [
        ("?limit=0", 422, "invalid_field"),
        ("?limit=101", 422, "invalid_field"),
        ("?limit=many", 422, "invalid_field"),
        ("?before=yesterday", 422, "invalid_field"),
        ("?email=ada", 422, "invalid_field"),
        ("?reference=7k2mx", 422, "invalid_field"),
        ("?outcome=lost", 422, "invalid_field"),
        ("?limit=1&limit=2", 400, "invalid_query"),
        ("?mail=ada%40acme.test", 400, "invalid_query"),
    ] {
        let (answered, error) = world.api("GET", &format!("{path}{bad}"), &json!({}));
        assert_eq!((answered, &error["error"]["code"]), (status, &json!(code)), "{bad}");
    }
    let elsewhere = "/connections/conn_abcdefghij234567klmn/sign-ins";
    assert_eq!(world.api("GET", elsewhere, &json!({})).0, 404);
}

#[test]
fn what_nobody_comes_back_for_expires_and_is_forgotten() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    browser.begin(&world, "ada@acme.test", "/");
    let request = browser.begin(&world, "ada@acme.test", "/");
    world.pass(60);
    let ticket = Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&request))));
    let outcomes = || {
        let log = world.sign_ins(&id, "");
        log.iter()
            .map(|attempt| attempt["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    world.pass(59);
    assert_eq!(outcomes(), ["pending", "pending"]);
    world.pass(1);
    assert_eq!(outcomes(), ["expired", "pending"], "a ticket is good for a minute");
    world.pass(58 * 60);
    assert_eq!(outcomes(), ["expired", "expired"], "a request for an hour");
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 403);
    assert_eq!(outcomes(), ["refused", "expired"]);

    world.pass(29 * 24 * 3_600 + 23 * 3_600 - 1);
    browser.begin(&world, "ada@acme.test", "/");
    assert_eq!(outcomes().len(), 3);
    world.pass(1);
    browser.begin(&world, "ada@acme.test", "/");
    assert_eq!(outcomes().len(), 2, "thirty days later");
    let (status, _) = world.api("DELETE", &format!("/connections/{id}"), &json!({}));
    assert_eq!(status, 204);
    let attempts = world.ask_ledger(
        &id,
        &edge_saml::app::ledger::ListAttempts {
            limit: 10,
            ..Default::default()
        },
    );
    assert!(attempts.attempts.is_empty());
}

#[test]
fn a_request_that_was_replaced_or_given_up_is_one_attempt() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let failed = |request: &str, status: &str| {
        format!(
            "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_e\" Version=\"2.0\" IssueInstant=\"2026-07-01T12:00:00Z\" \
             InResponseTo=\"{request}\"><p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Requester\"><p:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></p:StatusCode></p:Status></p:Response>"
        )
    };
    world.patch(
        &id,
        &json!({"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}),
    );
    let first = browser.begin(&world, "ada@acme.test", "/");
    let again = Browser::deliver(&world, &id, &failed(&first, "InvalidNameIDPolicy"));
    let second = request_id(&location(&again));
    let ticket = Browser::deliver(&world, &id, &respond(&Message::of(&id, Some(&second))));
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
    shown(&Browser::deliver(&world, &id, &failed(&first, "RequestDenied")));
    let log = world.sign_ins(&id, "");
    assert_eq!(
        (log.len(), &log[0]["outcome"], &log[0]["request_id"]),
        (1, &json!("signed_in"), &json!(second))
    );
    assert_eq!(
        steps(&log[0]),
        [
            "request_sent",
            "request_sent_again",
            "response_accepted",
            "signed_in",
            "response_refused"
        ]
    );

    let mut other = Browser::default();
    let asked = other.get(&world, &format!("/sso/sign-in?connection={id}&passive=true"));
    let passive = request_id(&location(&asked));
    assert_eq!(
        Browser::deliver(&world, &id, &failed(&passive, "NoPassive")).status(),
        303
    );
    let log = world.sign_ins(&id, "");
    assert_eq!(
        (&log[0]["outcome"], &log[0]["email"]),
        (&json!("given_up"), &Value::Null)
    );
    assert_eq!(steps(&log[0]), ["request_sent", "given_up"]);
    assert_eq!(log[0]["events"][1]["verified"], json!(false));
}

#[test]
fn a_response_to_no_request_has_an_attempt_of_its_own() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let unsolicited = respond(&Message::of(&id, None));
    // Bounced, it begins one of ours.
    let bounced = Browser::deliver(&world, &id, &unsolicited);
    assert_eq!(browser.get(&world, &location(&bounced)).status(), 303);
    let log = world.sign_ins(&id, "");
    assert_eq!((log.len(), steps(&log[0])), (1, vec!["bounced", "request_sent"]));

    world.patch(&id, &json!({"idp_initiated": "direct"}));
    let ticket = location(&Browser::deliver(&world, &id, &unsolicited));
    assert_eq!(browser.get(&world, &ticket).status(), 200);
    let token = ticket.split_once('=').unwrap().1;
    let confirmed = browser.post(&world, &format!("/sso/saml/{id}/complete"), &format!("ticket={token}"));
    assert_eq!(confirmed.status(), 303);
    let reference = shown(&Browser::deliver(&world, &id, &unsolicited));
    let done = attempt(&world, &id, &reference);
    assert_eq!(
        [
            &done["outcome"],
            &done["standing"],
            &done["email"],
            &done["request_id"],
            &done["seconds_to_answer"]
        ],
        [
            &json!("signed_in"),
            &json!("vouched"),
            &json!("ada@acme.test"),
            &Value::Null,
            &Value::Null
        ]
    );
    assert_eq!(steps(&done), ["response_accepted", "signed_in", "response_refused"]);
}

#[test]
fn health_counts_what_somebody_stands_behind() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let health = || world.ask_ledger(&id, &Health {});
    let nothing = HealthReport {
        last_signed_in: None,
        signed_in: 0,
        refused: 0,
        last_refused: None,
    };
    assert_eq!(health(), nothing);
    Browser::deliver(&world, &id, "nonsense");
    assert_eq!(health(), nothing);
    sign_in(&world, &mut browser, &id);
    world.pass(1);
    let request = browser.begin(&world, "ada@acme.test", "/");
    Browser::deliver(&world, &id, &unsigned(&id, &request));
    let at = |seconds| Timestamp::from_unix_seconds(NOW + seconds);
    let later = HealthReport {
        last_signed_in: Some(at(0)),
        signed_in: 1,
        refused: 1,
        last_refused: Some((at(1), "unsigned".to_owned())),
    };
    assert_eq!(health(), later);
    world.pass(24 * 3_600 - 1);
    assert_eq!(
        health(),
        HealthReport {
            signed_in: 0,
            ..later.clone()
        }
    );
    world.pass(1);
    assert_eq!(
        health(),
        HealthReport {
            signed_in: 0,
            refused: 0,
            ..later
        }
    );
}
