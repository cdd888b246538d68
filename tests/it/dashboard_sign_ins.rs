//! The dashboard: the sign-in log, the messages that were captured, and how sign-in goes at each connection.

use edge_saml::app::ledger::EndUserSessions;
use edge_saml::saml::id::RequestId;
use edge_saml::saml::time::Timestamp;
use serde_json::json;

use crate::support::dashboard::{body, signed_in, signed_in_with, submit};
use crate::support::idp::{Idp, Message, NOW, Signed};
use crate::support::world::{Browser, World, location};

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

fn log(id: &str) -> String {
    format!("/sso/admin/connections/{id}/sign-ins")
}

/// Somebody signs in.
fn sign_in(world: &World, id: &str) {
    let mut user = Browser::default();
    let request = user.begin(world, "ada@acme.test", "/");
    let ticket = Browser::deliver(world, id, &respond(&Message::of(id, Some(&request))));
    assert_eq!(user.get(world, &location(&ticket)).status(), 303);
}

/// Somebody is refused whose response has this audience; what was brought.
fn refuse(world: &World, id: &str, audience: &str) -> String {
    let request = Browser::default().begin(world, "grace@acme.test", "/");
    let message = Message {
        audience: audience.to_owned(),
        assertion_id: format!("_of{request}"),
        ..Message::of(id, Some(&request))
    };
    let xml = respond(&message);
    assert_eq!(Browser::deliver(world, id, &xml).status(), 403);
    xml
}

/// The reference of the newest attempt.
fn newest(world: &World, id: &str) -> String {
    world.sign_ins(id, "")[0]["reference"].as_str().unwrap().to_owned()
}

fn rows(page: &str) -> usize {
    page.matches("class=\"row-link\"").count()
}

#[test]
fn the_log_has_every_attempt_and_finds_it_by_reference_address_and_outcome() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let empty = body(&browser.get(&world, &log(&id)));
    assert!(
        empty.contains("No sign-ins yet") && empty.contains("none yet"),
        "{empty}"
    );

    sign_in(&world, &id);
    refuse(&world, &id, "urn:elsewhere");
    let refused = newest(&world, &id);
    Browser::deliver(&world, &id, "<noise/>");
    Browser::default().begin(&world, "alan@acme.test", "/");

    let page = browser.get(&world, &log(&id));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'; connect-src 'self'; form-action 'self';"),
        "{policy}"
    );
    let page = body(&page);
    assert_eq!(rows(&page), 4);
    for expected in [
        "Signed in</span>",
        "Refused</span> <span class=\"sub\">audience_mismatch",
        "Under way</span>",
        "not known: it may be anybody's",
        "ada@acme.test",
        &format!("href=\"{}/{refused}\"", log(&id)),
        "<dd><span title=\"2026-07-01 12:00 UTC\">just now</span></dd>",
        "<span class=\"end warn\">1</span>",
        "aria-current=\"page\">Sign-ins</a>",
        "data-live",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }

    let told = refused.to_uppercase().replace('0', "O").replace('-', "");
    for (query, found) in [
        (format!("q=+{told}+&outcome="), 1),
        ("q=GRACE%40acme.test".to_owned(), 1),
        ("q=nobody%40acme.test".to_owned(), 0),
        ("outcome=refused".to_owned(), 2),
        ("outcome=signed_in&q=".to_owned(), 1),
        ("outcome=pending".to_owned(), 1),
        ("outcome=expired".to_owned(), 0),
        ("outcome=refused&q=ada%40acme.test".to_owned(), 0),
    ] {
        let page = browser.get(&world, &format!("{}?{query}", log(&id)));
        assert_eq!(page.status(), 200, "{query}");
        let page = body(&page);
        assert_eq!(rows(&page), found, "{query}");
        assert!(
            page.contains("Show all") && page.contains("Nothing found") == (found == 0),
            "{query}"
        );
    }
    world.pass(60 * 60);
    assert_eq!(
        rows(&body(&browser.get(&world, &format!("{}?outcome=expired", log(&id))))),
        1
    );

    let hostile = browser.get(&world, &format!("{}?q=%22%3E%3Cscript%3E", log(&id)));
    assert_eq!(hostile.status(), 422);
    let hostile = body(&hostile);
    assert!(hostile.contains("Expected a reference such as 7k2mx-0q9dt, or a whole e-mail address"));
    assert!(!hostile.contains("Nothing found") && !hostile.contains("data-live"));
    assert!(hostile.contains("value=\"&#34;&#62;&#60;script&#62;\"") && !hostile.contains("\"><script>"));
    for nonsense in ["outcome=lost", "before=x", "before=-1"] {
        let response = browser.get(&world, &format!("{}?{nonsense}", log(&id)));
        assert_eq!(response.status(), 404, "{nonsense}");
    }
    let elsewhere = log("conn_abcdefghij234567klmn");
    assert_eq!(browser.get(&world, &elsewhere).status(), 404);
    let stranger = Browser::default().get(&world, &log(&id));
    assert!(location(&stranger).starts_with("/sso/admin/sign-in?return_to="));
}

#[test]
fn the_log_is_read_page_by_page() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    for _ in 0..26 {
        Browser::default().begin(&world, "ada@acme.test", "/");
    }
    let query = "q=ada%40acme.test&outcome=pending";
    let first = body(&browser.get(&world, &format!("{}?{query}", log(&id))));
    assert_eq!(rows(&first), 25);
    assert!(!first.contains(">Newest<"));
    let older = first.split(&format!("href=\"{}?", log(&id))).nth(1).unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&");
    assert!(older.starts_with(&format!("{query}&before=")), "{older}");
    let second = body(&browser.get(&world, &format!("{}?{older}", log(&id))));
    assert_eq!(rows(&second), 1);
    assert!(second.contains(">Newest<") && !second.contains(">Older<"));
    assert!(!second.contains("data-live"), "what is old does not change");
    let beyond = body(&browser.get(&world, &format!("{}?before=1", log(&id))));
    assert!(beyond.contains("Nothing older"));
}

#[test]
fn an_attempt_is_a_timeline_that_says_who_must_act() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection_with(&json!({"provider": "okta"}), &Idp::trusted());
    let hostile = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;";
    refuse(&world, &id, hostile);
    let reference = newest(&world, &id);
    let page = body(&browser.get(&world, &format!("{}/{reference}", log(&id))));
    for expected in [
        "Signing in was refused",
        "administrator has to act.",
        "<strong>Where:</strong>",
        "<code>audience_mismatch</code>",
        "The browser was sent to the identity provider with our request",
        "The response was refused",
        "<dt>Wanted</dt>",
        &format!("<span class=\"text\">https://sp.example/sso/saml/{id}</span>"),
        "<dt>Got</dt><dd><span class=\"text\">&#34;&#62;&#60;script&#62;",
        "Passed: </span>Signature",
        "Refused: </span>Audience",
        "grace@acme.test",
        &format!("data-copy=\"the reference\">{reference}<"),
        "data-copy=\"the request ID\">",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("Passed: </span>Session"));
    assert!(!page.contains("may have been sent by anybody"));

    sign_in(&world, &id);
    let good = body(&browser.get(&world, &format!("{}/{}", log(&id), newest(&world, &id))));
    for expected in [
        "<h1>Signed in</h1>",
        "The response passed every check",
        "The browser was given its session",
    ] {
        assert!(good.contains(expected), "{expected}: {good}");
    }
    assert!(!good.contains("has to act"));

    // Of what may be anybody's, it says so.
    let noise = Browser::deliver(&world, &id, "<noise/>");
    assert_eq!(noise.status(), 400);
    let noise = body(&browser.get(&world, &format!("{}/{}", log(&id), newest(&world, &id))));
    assert!(noise.contains("Nobody stands behind this") && noise.contains("<span class=\"tag\">not verified</span>"));

    for wrong in [
        "00000-00000",
        "nonsense",
        &format!("{reference}/messages"),
        &format!("{reference}/messages/x"),
    ] {
        let response = browser.get(&world, &format!("{}/{wrong}", log(&id)));
        assert_eq!(response.status(), 404, "{wrong}");
    }
}

#[test]
fn a_logout_says_how_much_it_ended() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let logout = EndUserSessions {
        generation: 3,
        request_id: RequestId::parse("_logout").unwrap(),
        user_id: "nobody".to_owned(),
        session_indexes: Vec::new(),
        issued_at: Timestamp::from_unix_seconds(NOW),
        remember_until: Timestamp::from_unix_seconds(NOW + 60),
        reference: "7k2mx-0q9dt".to_owned(),
    };
    assert_eq!(world.ask_ledger(&id, &logout), Ok(Some(0)));
    let list = body(&browser.get(&world, &format!("{}?outcome=signed_out", log(&id))));
    assert!(list.contains("<span class=\"pill quiet\">Signed out</span> <span class=\"sub\">nothing to end</span>"));
    let page = body(&browser.get(&world, &format!("{}/7k2mx-0q9dt", log(&id))));
    for expected in [
        "<h1>Signed out by the identity provider</h1>",
        "It ended nothing: nobody whom it names is signed in here.",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
}

#[test]
fn capture_is_switched_for_a_while_and_read_by_those_who_may_change_something() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let form = |name: &str| format!("/sso/admin/connections/{id}/{name}");
    let on = submit(&world, &mut browser, &form("start-capture"), &[("minutes", "60")]);
    assert_eq!(
        location(&on),
        format!("{}?done=start-capture#capture", log(&id)),
        "{}",
        body(&on)
    );
    let page = body(&browser.get(&world, &format!("{}?done=start-capture", log(&id))));
    for expected in [
        "captured until <strong>2026-07-01 13:00 UTC</strong>",
        "0 are kept",
        "role=\"status\">On: what comes",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    for wrong in ["0", "1441", "x", ""] {
        let refused = submit(&world, &mut browser, &form("start-capture"), &[("minutes", wrong)]);
        assert_eq!(refused.status(), 422, "{wrong}");
        assert!(
            body(&refused).contains("class=\"error\""),
            "{wrong}: {}",
            body(&refused)
        );
    }

    let xml = refuse(&world, &id, "urn:elsewhere");
    let reference = newest(&world, &id);
    let attempt = format!("{}/{reference}", log(&id));
    let page = body(&browser.get(&world, &attempt));
    let escaped = xml
        .replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;");
    assert!(page.contains(&escaped.replace('\'', "&#39;")), "{page}");
    let file = browser.get(&world, &format!("{attempt}/messages/1"));
    assert_eq!(file.status(), 200);
    assert_eq!(file.body(), xml.as_bytes());
    let header = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(
        header("content-disposition"),
        format!("attachment; filename=\"response-{reference}-1.xml\"")
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(page.matches("class=\"tag\">not verified").count(), 0);
    Browser::deliver(&world, &id, "<noise/>");
    let unverified = newest(&world, &id);
    let noise = body(&browser.get(&world, &format!("{}/{unverified}", log(&id))));
    assert!(
        noise.contains("8 octets</span> <span class=\"tag\">not verified</span>"),
        "{noise}"
    );
    for number in ["0", "2", "18446744073709551616"] {
        assert_eq!(
            browser.get(&world, &format!("{attempt}/messages/{number}")).status(),
            404,
            "{number}"
        );
    }

    // Whoever may only read sees the attempt, and nothing that was captured of it.
    let (_, made) = world.api("POST", "/tokens", &json!({"name": "reader", "scopes": ["read"]}));
    let mut reader = signed_in_with(&world, made["token"].as_str().unwrap());
    let page = body(&reader.get(&world, &attempt));
    assert!(page.contains("audience_mismatch") && !page.contains("saml:Assertion") && !page.contains("/messages/1"));
    assert_eq!(reader.get(&world, &format!("{attempt}/messages/1")).status(), 403);
    for name in ["start-capture", "end-capture"] {
        let refused = submit(&world, &mut reader, &form(name), &[("minutes", "10")]);
        assert_eq!(refused.status(), 403, "{name}");
    }

    let off = submit(&world, &mut browser, &form("end-capture"), &[]);
    assert_eq!(off.status(), 303);
    let page = body(&browser.get(&world, &attempt));
    assert!(!page.contains("Captured messages"));
    let page = body(&browser.get(&world, &log(&id)));
    assert!(!page.contains("captured until") && !page.contains("Delete what was captured"));
    let (_, audit) = world.api("GET", &format!("/audit?connection={id}&limit=10"), &json!({}));
    let words = |n: usize| ["actor", "change"].map(|field| audit["entries"][n][field].as_str().unwrap().to_owned());
    let actor = "dashboard (token ADMIN_TOKEN)";
    assert_eq!(words(0), [actor, "Ended the capture of messages"]);
    // Pages that show messages, and files: once in a few minutes.
    for (n, of) in [&unverified, &reference].into_iter().enumerate() {
        assert_eq!(
            words(n + 1),
            [actor, &format!("Read the captured messages of the sign-in {of}")]
        );
    }
    assert_eq!(words(3), [actor, "Captures messages until 2026-07-01T13:00:00Z"]);

    // When it has ended by itself, what was captured stays for a day, unless somebody deletes it.
    submit(&world, &mut browser, &form("start-capture"), &[("minutes", "10")]);
    refuse(&world, &id, "urn:elsewhere");
    world.pass(10 * 60);
    let page = body(&browser.get(&world, &log(&id)));
    assert!(page.contains("It is off. 1 captured message is still kept.") && page.contains("Delete what was captured"));
}

#[test]
fn a_long_message_is_a_file_alone() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    submit(
        &world,
        &mut browser,
        &format!("/sso/admin/connections/{id}/start-capture"),
        &[("minutes", "10")],
    );
    for (octets, shown) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let request = Browser::default().begin(&world, "ada@acme.test", "/");
        let message = Message {
            audience: "urn:elsewhere".to_owned(),
            ..Message::of(&id, Some(&request))
        };
        let mut xml = respond(&message);
        // White space after the element is signed by nobody.
        xml.push_str(&" ".repeat(octets - xml.len()));
        assert_eq!(Browser::deliver(&world, &id, &xml).status(), 403);
        let page = body(&browser.get(&world, &format!("{}/{}", log(&id), newest(&world, &id))));
        assert!(page.contains(&format!("{octets} octets")), "{page}");
        assert_eq!(page.contains("<pre"), shown, "{octets}");
    }
}

#[test]
fn the_list_tells_how_sign_in_goes_at_those_that_it_shows() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    sign_in(&world, &id);
    world.pass(3 * 60 * 60);
    refuse(&world, &id, "urn:elsewhere");
    let page = body(&browser.get(&world, "/sso/admin"));
    for expected in [
        "<span title=\"2026-07-01 12:00 UTC\">3 hours ago</span>",
        "<span class=\"end line warn\">1 refused in 24 h</span>",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    world.pass(22 * 60 * 60);
    browser = signed_in(&world);
    let page = body(&browser.get(&world, "/sso/admin"));
    assert!(
        page.contains("<span class=\"end line bad\">1 refused in 24 h</span>"),
        "nobody signed in since"
    );
    let setup = body(&browser.get(&world, &format!("/sso/admin/connections/{id}")));
    assert!(setup.contains("All sign-ins") && setup.contains(&newest(&world, &id)) && setup.contains("#sign-ins"));

    for n in 0..30 {
        world.connection_for(&format!("d{n}.test"), &Idp::trusted());
    }
    let (status, _) = world.api(
        "POST",
        "/connections",
        &json!({"name": "Bare", "provider": "okta", "domains": ["bare.test"]}),
    );
    assert_eq!(status, 201);
    let asked = |browser: &mut Browser, path: &str| {
        world.ledger_calls.borrow_mut().clear();
        let page = body(&browser.get(&world, path));
        let calls = world.ledger_calls.borrow().clone();
        assert!(calls.iter().all(|call| *call == "health"));
        (page, calls.len())
    };
    let (first, calls) = asked(&mut browser, "/sso/admin");
    assert_eq!((rows(&first), calls), (25, 25));
    let next = first
        .split("href=\"/sso/admin?after=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let (second, calls) = asked(&mut browser, &format!("/sso/admin?after={next}"));
    assert_eq!(
        (rows(&second), calls),
        (7, 6),
        "one has nobody who could have signed in"
    );
    assert!(second.contains(">First<") && !second.contains(">Next<"));
    let (beyond, _) = asked(&mut browser, "/sso/admin?after=1000");
    assert!(beyond.contains("No more connections"));
    for nonsense in ["after=x", "after=-1", "after=1&after=2"] {
        assert_eq!(
            browser.get(&world, &format!("/sso/admin?{nonsense}")).status(),
            404,
            "{nonsense}"
        );
    }
}
