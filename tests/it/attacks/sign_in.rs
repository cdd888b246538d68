//! What only the whole application shows: A109, A125, A140, and the key of a user in A124.

use edge_saml::saml::id::RequestId;
use edge_saml::saml::time::Timestamp;
use serde_json::json;

use crate::support::idp::{ENTITY_ID, Idp, Message, NOW, Signed};
use crate::support::world::{Browser, World, location, request_id};

/// How many seconds a request may be answered: `PENDING_REQUEST_MINUTES`.
const LIFETIME: i64 = 3600;

/// Delivers `message`, signed by `idp`, and finishes the sign-in; the user's key.
fn user(world: &World, browser: &mut Browser, id: &str, idp: &Idp, message: &Message) -> String {
    let ticket = Browser::deliver(world, id, &idp.respond(message, Signed::Both));
    assert_eq!(ticket.status(), 303, "{:?}", world.refusal_codes(id));
    assert_eq!(browser.get(world, &location(&ticket)).status(), 303);
    let session = browser.get(world, "/sso/session");
    let session: serde_json::Value = serde_json::from_slice(session.body()).unwrap();
    session["user"]["id"].as_str().unwrap().to_owned()
}

/// Of another browser, of another connection, expired, used up, and never asked. Which guessing would need, A140 shows.
#[test]
fn a109_requests_of_others() {
    let (world, mut browser, mut other) = (World::new(), Browser::default(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let rival = world.connection_for("rival.test", &Idp::other());
    let deliver =
        |id: &str, idp: &Idp, message: &Message| Browser::deliver(&world, id, &idp.respond(message, Signed::Both));

    // Another browser's: whoever asked, the ticket is of use to that one alone, and to nobody once another has shown it.
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&deliver(&id, &Idp::trusted(), &Message::of(&id, Some(&request))));
    other.begin(&world, "ada@acme.test", "/");
    assert_eq!(other.get(&world, &ticket).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["browser_mismatch"]);
    assert_eq!(browser.get(&world, &ticket).status(), 403);

    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = location(&deliver(&id, &Idp::trusted(), &Message::of(&id, Some(&request))));
    assert_eq!(browser.get(&world, &ticket).status(), 303);

    // Used up, by another assertion than the one that was accepted.
    let again = Message {
        assertion_id: "_again".to_owned(),
        ..Message::of(&id, Some(&request))
    };
    assert_eq!(deliver(&id, &Idp::trusted(), &again).status(), 403);
    assert_eq!(world.refusal_codes(&id)[0], "request_already_answered");

    // Another connection's, which is pending there, in what is right here in every other way.
    let request = browser.begin(&world, "ada@acme.test", "/");
    let mine = Message {
        email: Some("eve@rival.test".to_owned()),
        ..Message::of(&rival, Some(&request))
    };
    assert_eq!(deliver(&rival, &Idp::other(), &mine).status(), 403);
    assert_eq!(world.refusal_codes(&rival), ["in_response_to_unknown"]);

    // Nobody's.
    assert_eq!(
        deliver(&id, &Idp::trusted(), &Message::of(&id, Some("_nobodys"))).status(),
        403
    );
    assert_eq!(world.refusal_codes(&id)[0], "in_response_to_unknown");

    // Expired: the last second of a request, and the first after it.
    let last = browser.begin(&world, "ada@acme.test", "/");
    let late = |request: &str| {
        let time = |seconds: i64| Timestamp::from_unix_seconds(NOW + LIFETIME + seconds).to_rfc3339();
        Message {
            not_before: time(-300),
            not_on_or_after: time(300),
            issue_instant: time(-2),
            ..Message::of(&id, Some(request))
        }
    };
    world.pass(LIFETIME - 1);
    assert_eq!(deliver(&id, &Idp::trusted(), &late(&last)).status(), 303);
    world.pass(1);
    assert_eq!(deliver(&id, &Idp::trusted(), &late(&request)).status(), 403);
    assert_eq!(world.refusal_codes(&id)[0], "request_expired");
}

/// A key is of the connection, the identity provider's entity ID and the NameID, so a provider that takes another's place
/// does not become its users.
#[test]
fn a125_another_identity_provider_has_other_users() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut sign_in = |idp: &Idp, issuer: &str| {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let message = Message {
            issuer: issuer.to_owned(),
            ..Message::of(&id, Some(&request))
        };
        user(&world, &mut browser, &id, idp, &message)
    };
    let point_to = |idp: &Idp, entity_id: &str| {
        let metadata = idp.metadata().replace(ENTITY_ID, entity_id);
        let (status, saved) = world.api(
            "POST",
            &format!("/connections/{id}/metadata"),
            &json!({"xml": metadata, "replace_entity": true}),
        );
        assert_eq!(status, 200, "{saved}");
        let (status, enabled) = world.api("POST", &format!("/connections/{id}/enable"), &json!({}));
        assert_eq!(status, 200, "{enabled}");
    };
    let before = sign_in(&Idp::trusted(), ENTITY_ID);
    assert_eq!(sign_in(&Idp::trusted(), ENTITY_ID), before);

    point_to(&Idp::other(), "https://other.example/idp");
    let after = sign_in(&Idp::other(), "https://other.example/idp");
    assert_ne!(after, before, "the same NameID, of another provider");

    // Another key of the same provider is no other provider, and who comes back finds the account again.
    point_to(&Idp::other(), ENTITY_ID);
    assert_eq!(sign_in(&Idp::other(), ENTITY_ID), before);
}

#[test]
fn white_space_keeps_users_apart() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut keys = Vec::new();
    for name_id in [
        "ada@acme.test",
        " ada@acme.test",
        "ada@acme.test ",
        "ada@acme.test&#13;",
        "ada@acme.test\n",
        "\tada@acme.test",
        "ada@acme.test&#160;",
        "ADA@acme.test",
    ] {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let message = Message {
            name_id: name_id.to_owned(),
            ..Message::of(&id, Some(&request))
        };
        keys.push(user(&world, &mut browser, &id, &Idp::trusted(), &message));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 8);
    // White space alone is nobody.
    for name_id in ["", " ", "\n&#13;"] {
        let request = browser.begin(&world, "ada@acme.test", "/");
        let message = Message {
            name_id: name_id.to_owned(),
            ..Message::of(&id, Some(&request))
        };
        let refused = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
        assert_eq!(refused.status(), 403);
        assert_eq!(world.refusal_codes(&id)[0], "nameid_transient_as_key", "{name_id:?}");
    }
}

#[test]
fn a_connection_can_demand_signatures() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    for (assertion, response, signed, expected) in [
        (false, false, Signed::Assertion, None),
        (true, false, Signed::Assertion, None),
        (true, false, Signed::Response, Some("assertion_not_signed_required")),
        (false, true, Signed::Assertion, Some("response_not_signed_required")),
        (false, true, Signed::Response, None),
        (true, true, Signed::Assertion, Some("response_not_signed_required")),
        (true, true, Signed::Response, Some("assertion_not_signed_required")),
        (true, true, Signed::Both, None),
    ] {
        let settings = json!({"require_signed_assertion": assertion, "require_signed_response": response});
        let (status, saved) = world.api("PATCH", &format!("/connections/{id}"), &settings);
        assert_eq!(status, 200, "{saved}");
        let request = browser.begin(&world, "ada@acme.test", "/");
        let answer = Browser::deliver(
            &world,
            &id,
            &Idp::trusted().respond(&Message::of(&id, Some(&request)), signed),
        );
        match expected {
            None => assert_eq!(answer.status(), 303, "{settings}"),
            Some(code) => {
                assert_eq!(answer.status(), 403, "{settings}");
                assert_eq!(world.refusal_codes(&id)[0], code);
            }
        }
    }
}

/// What a browser, a user or an identity provider must not guess: the requests' `ID`s, the states, tickets and cookies.
fn secrets(world: &World) -> Vec<String> {
    let id = world.connection(&Idp::trusted());
    let mut secrets = Vec::new();
    for _ in 0..20 {
        let mut browser = Browser::default();
        let begun = browser.post(world, "/sso/sign-in", "email=ada%40acme.test");
        let url = location(&begun);
        let request = request_id(&url);
        let ticket = location(&Browser::deliver(
            world,
            &id,
            &Idp::trusted().respond(&Message::of(&id, Some(&request)), Signed::Both),
        ));
        browser.get(world, &ticket);
        secrets.push(request.trim_start_matches('_').to_owned());
        secrets.push(ticket.rsplit('=').next().unwrap().to_owned());
        for cookie in browser.cookies() {
            secrets.push(cookie.rsplit('.').next().unwrap().to_owned());
        }
    }
    secrets
}

/// Each is made of at least 128 bits of what the port drew for it alone, and of nothing else.
#[test]
fn a140_nothing_can_be_guessed() {
    let once = secrets(&World::new());
    assert!(once.len() >= 80, "{once:?}");
    for secret in &once {
        // 160 bits in hexadecimal digits, or 256 in base64url.
        assert!(matches!(secret.len(), 40 | 43), "{secret}");
    }
    let distinct = |secrets: &[String]| secrets.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(distinct(&once), once.len());
    // All of it comes from the port: neither a clock nor a count nor a seed of our own is in it.
    assert_eq!(secrets(&World::new()), once);
    let other = secrets(&World::drawing_from(1_000_000));
    assert_eq!(distinct(&[once.clone(), other].concat()), 2 * once.len());

    let random = [0x5a; 32];
    let ids = (0..160).map(|bit: usize| {
        let mut random = random;
        random[bit / 8] ^= 1 << (bit % 8);
        RequestId::from_random(&random).as_str().to_owned()
    });
    let ids: Vec<String> = ids
        .chain([RequestId::from_random(&random).as_str().to_owned()])
        .collect();
    assert_eq!(distinct(&ids), 161, "each of 160 bits makes another ID");
}
