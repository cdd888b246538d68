//! What only the whole application shows: A109, A125, A140, A151, A153, A160, A162, A163, A169, and the key of a user in A124.

use edge_saml::app::http::Response;
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

/// What cannot be parsed costs the same wherever it breaks, and nothing of it is told: neither its text nor a place in it.
#[test]
fn a151_what_is_broken_is_not_told_of() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let long = "secret ".repeat(10_000);
    let mut told = Vec::new();
    for xml in [
        "<secret></secret2>".to_owned(),
        format!("<a>{long}</secret>"),
        format!("<a secret='{long}'><b>\n\n</secret>"),
        format!("<a>{long}<b></a></b>"),
    ] {
        let page = Browser::deliver(&world, &id, &xml);
        assert_eq!(page.status(), 400);
        let line = world.log.borrow().last().unwrap().clone();
        let mut refusal = world.refusals(&id).remove(0);
        assert_eq!(refusal["code"], "xml_not_wellformed", "{refusal}");
        let texts = [
            String::from_utf8(page.into_body()).unwrap(),
            line,
            world.everything_in_ledger(&id),
        ];
        assert!(texts.iter().all(|text| !text.contains("secret")), "{texts:?}");
        assert!(texts[1].len() < 300, "{}", texts[1]);
        refusal.as_object_mut().unwrap().remove("reference");
        told.push(refusal);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
}

/// No cookie goes along from another site but with a link that is followed; the POST from the identity provider needs none.
#[test]
fn a162_no_cookie_is_for_other_sites() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let mut set = Vec::new();
    let mut note = |response: &Response| {
        let lines = response.headers().get_all("set-cookie").iter();
        set.extend(lines.map(|line| line.to_str().unwrap().to_owned()));
    };
    let begun = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    note(&begun);
    let message = Message::of(&id, Some(&request_id(&location(&begun))));
    let ticket = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
    assert!(ticket.headers().get("set-cookie").is_none());
    note(&browser.get(&world, &location(&ticket)));
    note(&browser.post(&world, "/sso/sign-out", ""));
    let named = |name: &str| set.iter().filter(|line| line.starts_with(&format!("{name}="))).count();
    assert_eq!(
        (named("__Host-sso_browser"), named("__Host-sso_session")),
        (1, 2),
        "{set:?}"
    );
    for line in &set {
        let attributes: Vec<&str> = line.split("; ").skip(1).collect();
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(attributes.contains(&attribute), "{attribute}: {line}");
        }
        assert!(line.starts_with("__Host-") && !line.contains("Domain"), "{line}");
    }
}

/// A session is a token that the ledger of its connection knows, and nothing else.
#[test]
fn a163_no_token_says_itself_whose_it_is() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let other = world.connection_for("other.test", &Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    user(
        &world,
        &mut browser,
        &id,
        &Idp::trusted(),
        &Message::of(&id, Some(&request)),
    );
    let prefix = format!("{id}.");
    let cookie = browser
        .cookies()
        .find(|value| value.starts_with(&prefix))
        .unwrap()
        .to_owned();
    let token = &cookie[prefix.len()..];
    let status = |value: &str| {
        let request = http::Request::builder()
            .uri("/sso/session")
            .header("cookie", format!("__Host-sso_session={value}"));
        world.handle(request.body(Vec::new()).unwrap()).status().as_u16()
    };
    assert_eq!(status(&cookie), 200);
    let first = if token.starts_with('A') { 'B' } else { 'A' };
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";
    for made_up in [
        format!("{other}.{token}"),
        format!("{id}.{first}{}", &token[1..]),
        format!("{id}.{}", &token[..42]),
        format!("{cookie}A"),
        format!("{id}."),
        token.to_owned(),
        unsigned.to_owned(),
        format!("{id}.{unsigned}"),
        format!("{id}..{token}"),
        String::new(),
    ] {
        assert_eq!(status(&made_up), 401, "{made_up}");
    }
    assert_eq!(status(&cookie), 200);
    // It is over where it is kept, not only in the browser.
    browser.post(&world, "/sso/sign-out", "local=true");
    assert_eq!(status(&cookie), 401);
}

#[test]
fn a169_nothing_is_cached() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let begun = browser.post(&world, "/sso/sign-in", "email=ada%40acme.test");
    let message = Message::of(&id, Some(&request_id(&location(&begun))));
    let ticket = Browser::deliver(&world, &id, &Idp::trusted().respond(&message, Signed::Both));
    let complete = location(&ticket);
    let answers = [
        begun,
        ticket,
        Browser::deliver(&world, &id, "<x/>"),
        browser.get(&world, &complete),
        browser.get(&world, &complete),
        browser.get(&world, "/sso/session"),
        browser.get(&world, "/sso/sign-in"),
        browser.get(&world, "/sso/sign-out"),
        browser.get(&world, &format!("/sso/saml/{id}/metadata")),
        browser.get(&world, &format!("/sso/saml/{id}/slo?SAMLRequest=x")),
        browser.get(&world, &format!("/sso/saml/{id}/signed-out?request=_x")),
        browser.get(&world, "/sso/admin"),
        browser.get(&world, "/sso/setup"),
        browser.get(&world, "/sso/api/v1/connections"),
        browser.get(&world, "/sso/api/v1/openapi.json"),
        browser.get(&world, "/sso/style.css"),
        browser.get(&world, "/sso/nothing"),
        browser.get(&world, "/"),
    ];
    for (at, answer) in answers.iter().enumerate() {
        let lines: Vec<_> = answer.headers().get_all("cache-control").iter().collect();
        assert_eq!(lines, ["no-store"], "{at}: {}", answer.status());
    }
}

/// What a stranger can have kept has an end: a request is forgotten a day after it could last be answered, and an answer that is
/// refused is kept in the log alone. How often strangers may ask: `tests/it/rate_limit.rs`.
#[test]
fn a153_nothing_that_strangers_begin_is_kept_for_ever() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let rows = |table| world.rows_of_ledger(&id, table);
    for at in 0..30 {
        let request = Browser::default().begin(&world, "ada@acme.test", "/");
        let message = Message {
            assertion_id: format!("_a{at}"),
            ..Message::of(&id, Some(&request))
        };
        for refused in [
            Idp::trusted().respond(&message, Signed::Nothing),
            Idp::other().respond(&message, Signed::Both),
        ] {
            assert_eq!(Browser::deliver(&world, &id, &refused).status(), 403);
        }
        let unknown = Message {
            in_response_to: Some("_unknown".to_owned()),
            ..message
        };
        let refused = Idp::trusted().respond(&unknown, Signed::Both);
        assert_eq!(Browser::deliver(&world, &id, &refused).status(), 403);
    }
    let made_up = "conn_zzzzzzzzzzzzzzzzzzzz";
    let message = Message::of(made_up, Some("_x"));
    let unsigned = Idp::trusted().respond(&message, Signed::Both);
    assert_eq!(Browser::deliver(&world, made_up, &unsigned).status(), 404);
    assert_eq!(world.ledgers_with_tables(), 1);
    let tables = ["assertions", "tickets", "sessions", "users"];
    assert_eq!((rows("requests"), tables.map(rows)), (30, [0; 4]));
    world.pass(LIFETIME + 24 * 60 * 60);
    Browser::default().begin(&world, "ada@acme.test", "/");
    assert_eq!((rows("requests"), tables.map(rows)), (1, [0; 4]));
}

/// A page of a refusal shows nothing of what was sent, escaped or not.
#[test]
fn a160_no_page_shows_what_was_sent() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = browser.begin(&world, "ada@acme.test", "/");
    let good = Message::of(&id, Some(&request));
    let mark = "&lt;script&gt;mark&lt;/script&gt;";
    let marked = || mark.to_owned();
    let with = |change: &dyn Fn(&mut Message)| {
        let mut message = good.clone();
        change(&mut message);
        Idp::trusted().respond(&message, Signed::Both)
    };
    let success = "<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
    let failure = format!(
        "<saml2p:StatusCode Value=\"{mark}\"><saml2p:StatusCode Value=\"{mark}\"/></saml2p:StatusCode>\
         <saml2p:StatusMessage>{mark}</saml2p:StatusMessage>"
    );
    for (xml, code) in [
        (with(&|m| m.issuer = marked()), "issuer_mismatch"),
        (with(&|m| m.destination = Some(marked())), "destination_mismatch"),
        (with(&|m| m.acs_url = marked()), "recipient_mismatch"),
        (with(&|m| m.audience = marked()), "audience_mismatch"),
        (with(&|m| m.email = Some(marked())), "email_not_an_address"),
        (
            with(&|m| m.email = Some("mark@mark.test".to_owned())),
            "email_domain_not_owned",
        ),
        (
            with(&|m| m.in_response_to = Some("_mark".to_owned())),
            "in_response_to_unknown",
        ),
        (good.to_xml().replace(success, &failure), "idp_requester_error"),
        (format!("<mark>{mark}</mark>"), "response_malformed"),
    ] {
        let page = Browser::deliver_with(&world, &id, &xml, "&RelayState=%3Cscript%3Emark");
        assert_eq!(world.refusal_codes(&id)[0], code);
        assert!(
            page.headers()
                .values()
                .all(|value| !value.to_str().unwrap().contains("mark"))
        );
        let page = String::from_utf8(page.into_body()).unwrap();
        assert!(page.contains("</html>") && !page.contains("mark"), "{code}: {page}");
    }
}
