//! The dashboard: what new metadata would change is shown before it does, how fetching it again went, what waits for approval, and
//! which certificates end next.

use edge_saml::app::ports::FetchFailure;
use serde_json::{Value, json};

use crate::support::dashboard::{
    HOSTILE, added, body, connection, csrf, encoded, hidden_fields, press, signed_in, signed_in_with, submit,
};
use crate::support::idp::{ENTITY_ID, Idp};
use crate::support::world::{Browser, ORIGIN, World, location};

const URL: &str = "https://idp.example/metadata";
const DAY: i64 = 24 * 60 * 60;

/// A connection that somebody is setting up, with an identity provider; its page.
fn prepared(world: &World, browser: &mut Browser, domain: &str) -> String {
    let page = added(world, browser, "okta", domain);
    let fields = [("xml", &*Idp::trusted().metadata())];
    let saved = submit(world, browser, &format!("{page}/metadata"), &fields);
    assert_eq!(saved.status(), 303, "nothing is replaced: {}", body(&saved));
    page
}

fn fingerprints(connection: &Value) -> Vec<String> {
    let certificates = connection["identity_provider"]["signing_certificates"]
        .as_array()
        .unwrap();
    certificates
        .iter()
        .map(|one| one["sha256"].as_str().unwrap().to_owned())
        .collect()
}

/// The metadata of another key and, if `entity` says so, of another identity provider.
fn other(entity: &str) -> String {
    Idp::other().metadata().replace(ENTITY_ID, entity)
}

#[test]
fn what_takes_the_place_of_an_identity_provider_is_shown_before_it_does() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser, "acme.test");
    let before = connection(&world, &page);
    let path = format!("{page}/metadata");
    let seen = format!("live-{}", before["generation"]);

    let other = other("urn:other");
    let asked = submit(&world, &mut browser, &path, &[("seen", &seen), ("xml", &other)]);
    assert_eq!(asked.status(), 200);
    let asked = body(&asked);
    let gone = &fingerprints(&before)[0];
    for expected in [
        "Nothing is saved yet.",
        "This is another identity provider",
        "urn:other",
        ENTITY_ID,
        ">Added<",
        ">Removed<",
        gone,
        "valid until ",
        "Replace the identity provider",
    ] {
        assert!(asked.contains(expected), "{expected}: {asked}");
    }
    assert_eq!(connection(&world, &page), before, "nothing is saved");

    // The form carries what was given, and what was seen.
    let fields = hidden_fields(&asked, &path);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["csrf", "seen", "confirmed", "xml"]);
    assert_eq!((&fields[1].1, &fields[3].1), (&seen, &other));
    let saved = press(&world, &mut browser, &asked, &path);
    assert_eq!(location(&saved), format!("{page}?done=metadata#identity-provider"));
    let after = connection(&world, &page);
    assert_eq!(after["identity_provider"]["entity_id"], "urn:other");
    assert!(!fingerprints(&after).contains(gone));

    // What changes nothing is not asked about. Nor is it saved on top of what was changed meanwhile.
    let again = submit(&world, &mut browser, &path, &[("xml", &other)]);
    assert_eq!(again.status(), 303);
    assert_eq!(connection(&world, &page), after);
    world.patch(page.rsplit('/').next().unwrap(), &json!({"name": "Renamed"}));
    let ours = Idp::trusted().metadata();
    let asked = body(&submit(&world, &mut browser, &path, &[("xml", &ours)]));
    world.patch(page.rsplit('/').next().unwrap(), &json!({"name": "Renamed again"}));
    let now = connection(&world, &page);
    let stale = press(&world, &mut browser, &asked, &path);
    assert_eq!(stale.status(), 409);
    let shown = body(&stale);
    assert!(shown.contains("The connection was changed meanwhile, perhaps in another tab, so nothing was saved."));
    assert!(
        shown.contains(&ours.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;")),
        "nothing typed is lost"
    );
    assert_eq!(connection(&world, &page), now);
}

#[test]
fn only_what_was_shown_is_saved() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser, "acme.test");
    let (path, before) = (format!("{page}/metadata"), connection(&world, &page));
    let good = Idp::trusted().metadata();
    let with_post = |to: &str| good.replace("https://acme.okta.example/post", to);
    world.serve(URL, with_post("https://acme.okta.example/a").as_bytes(), None);
    let first = body(&submit(&world, &mut browser, &path, &[("url", URL)]));
    assert!(first.contains("https://acme.okta.example/a"), "{first}");
    // Something else is there by now.
    world.serve(URL, with_post("https://evil.example/").as_bytes(), None);
    let second = press(&world, &mut browser, &first, &path);
    assert_eq!(second.status(), 200);
    let second = body(&second);
    for expected in ["It has changed since you looked at it.", "https://evil.example/"] {
        assert!(second.contains(expected), "{expected}");
    }
    assert_eq!(connection(&world, &page), before);
    // Nothing is there by now: what was typed is.
    world.answers.borrow_mut().remove(URL);
    let third = press(&world, &mut browser, &second, &path);
    assert_eq!(third.status(), 422);
    assert!(body(&third).contains(&format!("value=\"{URL}\"")));
    assert_eq!(connection(&world, &page), before);
    // Until when it is valid by its own word changes with each fetch, and is nothing to look at again.
    let until = |time: &str| {
        let metadata = with_post("https://acme.okta.example/b");
        metadata.replace(" entityID=", &format!(" validUntil=\"{time}\" entityID="))
    };
    world.serve(URL, until("2026-08-01T00:00:00Z").as_bytes(), None);
    let asked = body(&submit(&world, &mut browser, &path, &[("url", URL)]));
    world.serve(URL, until("2026-08-01T00:05:00Z").as_bytes(), None);
    assert_eq!(press(&world, &mut browser, &asked, &path).status(), 303);
    assert_eq!(connection(&world, &page)["identity_provider"]["metadata_url"], URL);

    // Made up, it confirms nothing; and no form of another site does.
    let before = connection(&world, &page);
    for confirmed in ["yes", "true", &"A".repeat(43)] {
        let fields = [
            ("xml", &*other("urn:other")),
            ("confirmed", confirmed),
            ("replace_entity", "true"),
        ];
        assert_eq!(submit(&world, &mut browser, &path, &fields).status(), 200);
    }
    let asked = body(&submit(&world, &mut browser, &path, &[("xml", &other("urn:other"))]));
    let mut fields = hidden_fields(&asked, &path);
    "wrong".clone_into(&mut fields[0].1);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(browser.post(&world, &path, &encoded(&fields)).status(), 403);
    assert_eq!(connection(&world, &page), before);
}

#[test]
fn a_metadata_host_that_fails_loses_nothing() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser, "acme.test");
    let before = connection(&world, &page);
    let mut check = |code: &str| {
        let answer = submit(&world, &mut browser, &format!("{page}/metadata"), &[("url", URL)]);
        assert_eq!(answer.status(), 422, "{code}");
        let shown = body(&answer);
        for expected in [
            &format!("value=\"{URL}\""),
            "role=\"alert\"",
            "<summary>From a metadata URL</summary>",
            "<button type=\"submit\" data-busy=\"Fetching…\">Fetch &amp; save</button>",
            &fingerprints(&before)[0],
        ] {
            assert!(shown.contains(expected), "{code}: {expected}: {shown}");
        }
        assert_eq!(connection(&world, &page), before);
        shown
    };
    for (failure, code, words) in [
        (
            FetchFailure::Connection,
            "fetch_tls",
            "<strong>No connection to idp.example could be made: nothing answers there, or its certificate is not a publicly trusted one.</strong>",
        ),
        (FetchFailure::TooLarge, "fetch_too_large", "more than 5 MiB"),
        (FetchFailure::Timeout, "fetch_timeout", "within 8 seconds"),
    ] {
        world.answers.borrow_mut().insert(URL.to_owned(), Err(failure));
        let shown = check(code);
        assert!(shown.contains(words), "{code}");
        assert!(shown.matches("its name does not resolve").count() <= 1, "said once");
    }
    world.answer(URL, 302, Some("https://10.0.0.1/"), b"", None);
    assert!(check("fetch_private_address").contains("not a public https address"));
    world.answer(URL, 302, Some(URL), b"", None);
    assert!(check("fetch_redirects").contains("more than 3 times"));
    world.answer(URL, 503, None, b"", None);
    assert!(check("fetch_http_status").contains("HTTP status 503"));
    world.serve(URL, b"<!doctype html><title>Sign in</title>", Some("text/html"));
    check("html_instead_of_xml");
    world.serve(URL, b"", None);
    check("xml_not_wellformed");
}

#[test]
fn a_draft_tells_of_certificates_as_people_know_them() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let mut browser = signed_in(&world);
    let page = format!("/sso/admin/connections/{id}");
    let before = connection(&world, &page);
    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/metadata"),
        &[("xml", &other(ENTITY_ID))],
    );
    assert_eq!(
        location(&saved),
        format!("{page}?done=metadata&how=draft#identity-provider")
    );
    assert_eq!(connection(&world, &page), before);
    let shown = body(&browser.get(&world, &page));
    for expected in [
        ">2 changes<",
        ">Added<",
        ">Removed<",
        &fingerprints(&before)[0],
        "valid until ",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn the_customer_sees_what_would_change_too() {
    let world = World::new();
    let mut admin = signed_in(&world);
    let page = prepared(&world, &mut admin, "acme.test");
    let id = page.rsplit('/').next().unwrap().to_owned();
    let (_, made) = world.api("POST", &format!("/connections/{id}/setup-links"), &json!({}));
    let mut guest = Browser::default();
    guest.get(&world, made["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap());
    let before = connection(&world, &page);
    let home = body(&guest.get(&world, "/sso/setup"));
    let csrf = hidden_fields(&home, "/sso/setup/test").remove(0).1;
    let other = other("urn:other");
    let path = "/sso/setup/metadata";
    let asked = guest.post(&world, path, &encoded(&[("csrf", &csrf), ("xml", &other)]));
    assert_eq!(asked.status(), 200);
    let asked = body(&asked);
    for expected in [
        "Nothing is saved yet.",
        "urn:other",
        ">Removed<",
        &fingerprints(&before)[0],
    ] {
        assert!(asked.contains(expected), "{expected}: {asked}");
    }
    assert!(!asked.contains("/sso/admin/connections"), "{asked}");
    assert_eq!(connection(&world, &page), before);
    let saved = press(&world, &mut guest, &asked, path);
    assert_eq!(location(&saved), "/sso/setup?done=saved#identity-provider");
    assert_eq!(connection(&world, &page)["identity_provider"]["entity_id"], "urn:other");

    // Once users sign in by it, what is saved waits, and the page says how it differs.
    world.enable(&id);
    let ours = [
        ("csrf", &*csrf),
        ("xml", &Idp::trusted().metadata()),
        ("replace_entity", "true"),
    ];
    assert_eq!(guest.post(&world, path, &encoded(&ours)).status(), 303);
    let shown = body(&guest.get(&world, "/sso/setup"));
    assert!(
        shown.contains("What is different from what is in use") && shown.contains(">Added<"),
        "{shown}"
    );
    assert_eq!(connection(&world, &page)["identity_provider"]["entity_id"], "urn:other");
}

/// An enabled connection whose metadata is at [`URL`]; its page.
fn followed(world: &World) -> String {
    let id = world.connection(&Idp::trusted());
    world.serve(URL, Idp::trusted().metadata().as_bytes(), None);
    let (status, _) = world.api("POST", &format!("/connections/{id}/metadata"), &json!({"url": URL}));
    assert_eq!(status, 200);
    format!("/sso/admin/connections/{id}")
}

fn next_day(world: &World) {
    world.pass(DAY);
    world.run_schedule();
}

#[test]
fn the_page_tells_how_fetching_went() {
    let world = World::new();
    let page = followed(&world);
    let shown = |world: &World| body(&signed_in(world).get(world, &page));
    let fresh = shown(&world);
    for expected in [
        "<h3>Automatic refresh</h3>",
        "Not fetched again since it was saved.",
        "2026-07-02 12:00 UTC",
    ] {
        assert!(fresh.contains(expected), "{expected}: {fresh}");
    }
    next_day(&world);
    assert!(shown(&world).contains("Last fetched on 2026-07-02 12:00 UTC, with success."));
    world.answer(URL, 500, None, b"", None);
    next_day(&world);
    let failed = shown(&world);
    for expected in [
        "The last fetch failed.",
        "HTTP status 500",
        "Last fetched on 2026-07-03 12:00 UTC, without success; before, on 2026-07-02 12:00 UTC, with.",
        "The next fetch is on 2026-07-03 16:00 UTC",
    ] {
        assert!(failed.contains(expected), "{expected}: {failed}");
    }
    // A key that is gone is told of while it counts.
    let metadata = Idp::trusted().metadata();
    let start = metadata.find("<md:KeyDescriptor").unwrap();
    let end = metadata.find("</md:KeyDescriptor>").unwrap() + "</md:KeyDescriptor>".len();
    let key = &Idp::other().metadata();
    let key = &key[key.find("<md:KeyDescriptor").unwrap()
        ..key.find("</md:KeyDescriptor>").unwrap() + "</md:KeyDescriptor>".len()];
    world.serve(
        URL,
        format!("{}{key}{}", &metadata[..end], &metadata[end..]).as_bytes(),
        None,
    );
    next_day(&world);
    world.serve(
        URL,
        format!("{}{key}{}", &metadata[..start], &metadata[end..]).as_bytes(),
        None,
    );
    next_day(&world);
    let told = shown(&world);
    assert!(
        told.contains("any more since 2026-07-05; it counts until 2026-07-12."),
        "{told}"
    );
    // Without a URL there is nothing to tell.
    let by_hand = world.connection_for("paste.test", &Idp::trusted());
    let by_hand = body(&signed_in(&world).get(&world, &format!("/sso/admin/connections/{by_hand}")));
    assert!(!by_hand.contains("Automatic refresh"));
}

#[test]
fn held_metadata_is_approved_or_rejected_by_who_has_looked_at_it() {
    let world = World::new();
    let page = followed(&world);
    let (approve, reject) = (format!("{page}/approve-metadata"), format!("{page}/dismiss-metadata"));
    let put = |metadata: &str| world.serve(URL, metadata.as_bytes(), None);
    put(&other(ENTITY_ID));
    next_day(&world);
    let before = connection(&world, &page);
    let mut browser = signed_in(&world);
    let shown = body(&browser.get(&world, &page));
    for expected in [
        "none of its signing certificates is known",
        "those that are gone count for another week",
        "ask the customer whether they made this change",
        "what was found waits for you",
        ">Added<",
        &fingerprints(&before)[0],
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(hidden_fields(&shown, &approve).len(), 2);
    assert!(body(&browser.get(&world, "/sso/admin")).contains("Metadata waits for you"));

    // Neither another site nor somebody who may only look decides; nor anybody who has looked at something else.
    let foreign = browser.post(&world, &approve, &encoded(&[("csrf", "x"), ("version", "x")]));
    assert_eq!(foreign.status(), 403);
    let (_, made) = world.api("POST", "/tokens", &json!({"name": "reader", "scopes": ["read"]}));
    let mut reader = signed_in_with(&world, made["token"].as_str().unwrap());
    let seen = body(&reader.get(&world, &page));
    for path in [&approve, &reject] {
        assert_eq!(press(&world, &mut reader, &seen, path).status(), 403);
    }
    put(&other("urn:other"));
    next_day(&world);
    let mut browser = signed_in(&world);
    let csrf = csrf(&world, &mut browser);
    let version = hidden_fields(&shown, &approve).remove(1).1;
    for path in [&approve, &reject] {
        let stale = browser.post(&world, path, &encoded(&[("csrf", &csrf), ("version", &version)]));
        assert_eq!(stale.status(), 409);
        assert!(body(&stale).contains("Other metadata is held by now."));
    }
    assert_eq!(connection(&world, &page), before);

    // Another identity provider: rejected, then, as it changes once more, approved.
    let shown = body(&browser.get(&world, &page));
    assert!(shown.contains("Approving it replaces the identity provider"), "{shown}");
    let rejected = press(&world, &mut browser, &shown, &reject);
    assert_eq!(
        location(&rejected),
        format!("{page}?done=dismiss-metadata#identity-provider")
    );
    assert_eq!(connection(&world, &page), before);
    assert!(!body(&browser.get(&world, &page)).contains("Waits for you"));
    assert!(!body(&browser.get(&world, "/sso/admin")).contains("waits for you"));
    let hostile = "urn:&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;";
    put(&other(hostile));
    next_day(&world);
    let mut browser = signed_in(&world);
    let shown = body(&browser.get(&world, &page));
    assert!(
        shown.contains("urn:&#34;&#62;&#60;script&#62;") && !shown.contains("<script>"),
        "{shown}"
    );
    let approved = press(&world, &mut browser, &shown, &approve);
    assert_eq!(
        location(&approved),
        format!("{page}?done=approve-metadata#identity-provider")
    );
    let after = connection(&world, &page);
    assert_eq!(
        after["identity_provider"]["entity_id"],
        "urn:\"><script>alert(1)</script>"
    );
    assert!(!fingerprints(&after).contains(&fingerprints(&before)[0]));
    let nothing = press(&world, &mut browser, &shown, &approve);
    assert_eq!(nothing.status(), 404);
    assert!(body(&nothing).contains("No metadata of this connection waits for approval."));
}

#[test]
fn the_calendar_marks_what_ends() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let calendar = "/sso/admin/certificates";
    assert_eq!(
        location(&Browser::default().get(&world, calendar)),
        "/sso/admin/sign-in?return_to=%2Fsso%2Fadmin%2Fcertificates"
    );
    assert!(body(&browser.get(&world, calendar)).contains("No certificates yet"));
    assert!(body(&browser.get(&world, "/sso/admin")).contains("href=\"/sso/admin/certificates\""));
    let page = followed(&world);
    world.patch(
        page.rsplit('/').next().unwrap(),
        &json!({"decrypt_assertions": true, "name": HOSTILE}),
    );
    let shown = || {
        let shown = body(&signed_in(&world).get(&world, calendar));
        assert!(!shown.contains("<script>"), "{shown}");
        shown
    };
    let first = shown();
    let sha256 = &fingerprints(&connection(&world, &page))[0];
    for expected in [
        sha256,
        "Signing",
        "Encryption",
        "Its successor is fetched by itself.",
        "Rotate the decryption keys.",
    ] {
        assert!(first.contains(expected), "{expected}: {first}");
    }
    assert!(!first.contains("class=\"pill"), "{first}");
    let left = |world: &World| {
        let (_, calendar) = world.api("GET", "/certificates", &json!({}));
        let certificates = calendar["certificates"].as_array().unwrap().iter();
        let signing = certificates.clone().find(|one| one["use"] == "signing").unwrap();
        signing["days_left"].as_i64().unwrap()
    };
    for (days, mark) in [
        (60, None),
        (59, Some("Within 60 days")),
        (29, Some("Within 30 days")),
        (13, Some("Within 14 days")),
        (6, Some("Within 7 days")),
        (0, Some("Within a day")),
        (-1, Some("Expired")),
    ] {
        world.pass((left(&world) - days) * DAY);
        let shown = shown();
        let row = shown.split("<tr>").find(|row| row.contains(sha256)).unwrap();
        let pill = row
            .split("class=\"pill")
            .nth(1)
            .map(|rest| rest.split(['>', '<']).nth(1).unwrap());
        assert_eq!(pill, mark, "{days}: {row}");
    }
}
