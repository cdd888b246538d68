//! Setup links: what they open, for how long, and what the customer's administrator can do with one.

use edge_saml::app::registry::setup_links::{EditBySetupLink, LinkEdit, RevokeSetupLink};
use edge_saml::app::registry::{Actor, Change, Refusal, Update};
use edge_saml::saml::connection::Connection;
use edge_saml::saml::id::{ConnectionId, SetupLinkId};
use edge_saml::token::Token;
use serde_json::{Value, json};

use crate::support::dashboard::{HOSTILE, added, body, connection, encoded, signed_in, submit};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, Meanwhile, ORIGIN, World, location, request_id};

const OVER: &str = "This link opens nothing";

/// A connection of no identity provider yet; its id.
fn connection_of(world: &World, domain: &str) -> String {
    let fields = json!({"name": "Acme", "provider": "okta", "domains": [domain]});
    let (status, created) = world.api("POST", "/connections", &fields);
    assert_eq!(status, 201, "{created}");
    created["id"].as_str().unwrap().to_owned()
}

/// A new link; its id and its path.
fn link(world: &World, id: &str) -> (String, String) {
    let (status, made) = world.api("POST", &format!("/connections/{id}/setup-links"), &json!({}));
    assert_eq!(status, 201, "{made}");
    let path = made["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
    (made["id"].as_str().unwrap().to_owned(), path)
}

fn links(world: &World, id: &str) -> Value {
    let (status, links) = world.api("GET", &format!("/connections/{id}/setup-links"), &json!({}));
    assert_eq!(status, 200, "{links}");
    links
}

/// A browser that has opened the link at `path`.
fn opened(world: &World, path: &str) -> Browser {
    let mut browser = Browser::default();
    let response = browser.get(world, path);
    assert_eq!(
        (response.status().as_u16(), location(&response).as_str()),
        (303, "/sso/setup")
    );
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    for part in [
        "__Host-sso_setup=",
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=604800",
    ] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    browser
}

/// Sends a form as the page does.
fn send(world: &World, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> http::Response<Vec<u8>> {
    let page = body(&browser.get(world, "/sso/setup"));
    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    browser.post(world, path, &encoded(&[&[("csrf", csrf)], fields].concat()))
}

/// Runs a test from the link; the path of its report.
fn run_test(world: &World, browser: &mut Browser, id: &str, answer: &Idp) -> String {
    let begun = send(world, browser, "/sso/setup/test", &[]);
    assert_eq!(begun.status(), 303, "{}", body(&begun));
    let path = location(&begun).strip_prefix(ORIGIN).unwrap().to_owned();
    let test = request_id(&location(&Browser::default().get(world, &path)));
    let answered = Browser::deliver(world, id, &answer.respond(&Message::of(id, Some(&test)), Signed::Both));
    let report = location(&answered);
    assert_eq!(report, format!("/sso/setup/test/{test}"));
    report
}

#[test]
fn the_customer_sets_up_alone_and_the_vendor_sees_how_far() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let (own, path) = link(&world, &id);
    assert_eq!(links(&world, &id)["setup_links"][0]["opened_at"], Value::Null);
    let mut browser = opened(&world, &path);
    let page = body(&browser.get(&world, "/sso/setup"));
    let acs = format!("{ORIGIN}/sso/saml/{id}/acs");
    for expected in [
        "Single sign-on URL",
        "user.profile.email",
        acs.as_str(),
        "Save the metadata first.",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let progress = |world: &World| links(world, &id)["progress"].clone();
    assert!(
        progress(&world)
            .as_object()
            .unwrap()
            .values()
            .all(|done| *done == json!(false))
    );

    let saved = send(
        &world,
        &mut browser,
        "/sso/setup/metadata",
        &[("xml", &Idp::trusted().metadata())],
    );
    assert_eq!(location(&saved), "/sso/setup?done=saved#identity-provider");
    assert_eq!(progress(&world)["metadata_read"], true);
    let report = run_test(&world, &mut browser, &id, &Idp::other());
    let shown = body(&browser.get(&world, &report));
    assert!(
        shown.contains("The test failed") && shown.contains("You can mend this at your identity provider."),
        "{shown}"
    );
    assert_eq!(
        progress(&world),
        json!({"metadata_read": true, "request_sent": true, "response_received": true, "email_found": false, "test_passed": false})
    );
    let last = |browser: &mut Browser, report: &str, pill: &str| {
        let shown = body(&browser.get(&world, "/sso/setup"));
        let told = format!("<li><a href=\"{report}\"><span class=\"pill {pill}</span> ");
        assert!(shown.contains(&told), "{told}: {shown}");
    };
    last(&mut browser, &report, "bad\">Failed");
    let report = run_test(&world, &mut browser, &id, &Idp::trusted());
    last(&mut browser, &report, "good\">Passed");
    let shown = body(&browser.get(&world, &report));
    assert!(
        shown.contains("The test passed") && shown.contains("ada@acme.test"),
        "{shown}"
    );
    assert!(
        progress(&world)
            .as_object()
            .unwrap()
            .values()
            .all(|done| *done == json!(true))
    );
    assert!(links(&world, &id)["setup_links"][0]["opened_at"].is_string());

    let (_, state) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(state["state"], "disabled", "a link enables nothing");
    let (_, versions) = world.api("GET", &format!("/connections/{id}/versions"), &json!({}));
    // Who uses it, nobody knows; which it was, everybody who made one.
    let actor = format!("setup link {own}");
    assert_eq!(versions["versions"][0]["actor"], json!(actor));
    let mut admin = signed_in(&world);
    let log = body(&admin.get(&world, "/sso/admin/audit"));
    let made = format!("Made the setup link {own}");
    assert!(log.contains(&actor) && log.contains(&made), "{log}");
    let page = body(&admin.get(&world, &format!("/sso/admin/connections/{id}")));
    assert!(page.contains(&format!("<code>{own}</code>")), "{page}");
    let revoke = format!("/connections/{id}/setup-links/{own}");
    assert_eq!(world.api("DELETE", &revoke, &json!({})).0, 204);
    let (_, log) = world.api("GET", "/audit?limit=1", &json!({}));
    assert_eq!(
        log["entries"][0]["change"],
        json!(format!("Revoked the setup link {own}"))
    );
}

#[test]
fn a_link_opens_one_connection_and_nothing_else() {
    let world = World::new();
    let (mine, other) = (
        connection_of(&world, "acme.test"),
        world.connection_for("other.test", &Idp::trusted()),
    );
    let mut browser = opened(&world, &link(&world, &mine).1);
    let mut neighbour = opened(&world, &link(&world, &other).1);
    let report = run_test(&world, &mut neighbour, &other, &Idp::trusted());
    assert_eq!(neighbour.get(&world, &report).status(), 200);
    assert_eq!(
        browser.get(&world, &report).status(),
        404,
        "a test of another connection"
    );
    for path in ["/sso/admin", &format!("/sso/admin/connections/{mine}")] {
        assert_eq!(browser.get(&world, path).status(), 303, "{path}");
    }
    // What the vendor tests is not told of here, and the other way round.
    let mut vendor = signed_in(&world);
    let page = format!("/sso/admin/connections/{other}");
    let begun = submit(
        &world,
        &mut vendor,
        &format!("{page}/test"),
        &[("configuration", "live")],
    );
    let test = location(&begun).rsplit('=').next().unwrap().to_owned();
    assert_eq!(neighbour.get(&world, &format!("/sso/setup/test/{test}")).status(), 404);
}

#[test]
fn what_is_live_is_out_of_reach() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let (own, path) = link(&world, &id);
    let mut browser = opened(&world, &path);
    let fields = [("xml", &*Idp::other().metadata()), ("replace_entity", "true")];
    let saved = send(&world, &mut browser, "/sso/setup/metadata", &fields);
    assert_eq!(saved.status(), 303, "{}", body(&saved));
    let (status, draft) = world.api("GET", &format!("/connections/{id}/draft"), &json!({}));
    let actor = json!(format!("setup link {own}"));
    assert_eq!((status, &draft["actor"]), (200, &actor));
    let (_, log) = world.api("GET", &format!("/audit?connection={id}&limit=1"), &json!({}));
    let entry = &log["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"], &entry["diff"]),
        (&json!("connection.draft_edited"), &actor, &draft["diff"])
    );
    let mut user = Browser::default();
    let request = user.begin(&world, "ada@acme.test", "/");
    let response = Idp::trusted().respond(&Message::of(&id, Some(&request)), Signed::Both);
    assert_eq!(
        Browser::deliver(&world, &id, &response).status(),
        303,
        "users sign in as before"
    );
}

#[test]
fn what_was_tested_counts_as_tested_no_more_when_a_link_moves_where_its_metadata_is_fetched() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let mut browser = opened(&world, &link(&world, &id).1);
    let xml = Idp::trusted().metadata();
    send(&world, &mut browser, "/sso/setup/metadata", &[("xml", &xml)]);
    run_test(&world, &mut browser, &id, &Idp::trusted());
    let call = |method: &str, path: &str| world.api(method, &format!("/connections/{id}{path}"), &json!({}));
    assert_eq!(call("POST", "/enable").0, 200);

    // The same metadata for now.
    world.serve(URL, xml.as_bytes(), None);
    let saved = send(&world, &mut browser, "/sso/setup/metadata", &[("url", URL)]);
    assert_eq!(saved.status(), 303, "{}", body(&saved));
    let (_, draft) = call("GET", "/draft");
    let fields: Vec<&Value> = draft["diff"].as_array().unwrap().iter().map(|c| &c["field"]).collect();
    assert_eq!(fields, ["identity_provider.metadata_url"]);
    assert_eq!(draft["connection"]["test"]["required"], true);
    let (status, refused) = call("POST", "/draft/apply");
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("test_required")));
}

const URL: &str = "https://customer.example/metadata";

/// Has metadata fetched by a link while something else happens; what the customer is shown.
fn fetch_while(
    world: &World,
    browser: &mut Browser,
    form: &[(&str, &str)],
    happens: Meanwhile,
) -> http::Response<Vec<u8>> {
    world.serve(URL, Idp::other().metadata().as_bytes(), None);
    *world.meanwhile.borrow_mut() = Some(happens);
    send(world, browser, "/sso/setup/metadata", &[&[("url", URL)], form].concat())
}

#[test]
fn what_goes_live_while_a_link_has_metadata_fetched_is_out_of_reach_too() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let xml = json!({"xml": Idp::trusted().metadata()});
    let saved = world.api("POST", &format!("/connections/{id}/metadata"), &xml);
    let mut browser = opened(&world, &link(&world, &id).1);
    let asked = body(&fetch_while(&world, &mut browser, &[], Box::new(|_| ())));
    let confirmed = asked.split("name=\"confirmed\" value=\"").nth(1).unwrap();
    let confirmed = confirmed.split('"').next().unwrap();
    let enable = Update {
        id: ConnectionId::parse(&id).unwrap(),
        change: Change::Enable {
            override_reason: Some("a test".to_owned()),
        },
        from_generation: None,
        decryption_key: None,
        actor: Actor::new("somebody"),
    };
    let enable = Box::new(move |world: &World| drop(world.on_registry(&enable).unwrap().reply.unwrap()));
    let refused = fetch_while(&world, &mut browser, &[("confirmed", confirmed)], enable);
    assert_eq!(refused.status(), 409, "{}", body(&refused));
    let now = world.api("GET", &format!("/connections/{id}"), &json!({})).1;
    let live = (&now["state"], &now["identity_provider"]);
    assert_eq!(live, (&json!("enabled"), &saved.1["identity_provider"]));
    assert_eq!(world.api("GET", &format!("/connections/{id}/draft"), &json!({})).0, 404);
}

#[test]
fn a_link_that_is_revoked_while_it_has_metadata_fetched_saves_nothing() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let live = world.connection_for("live.test", &Idp::trusted());
    for id in [id, live] {
        let (link_id, path) = link(&world, &id);
        let mut browser = opened(&world, &path);
        let before = world.api("GET", &format!("/connections/{id}"), &json!({}));
        let revoke = RevokeSetupLink {
            id: SetupLinkId::parse(&link_id).unwrap(),
            connection: ConnectionId::parse(&id).unwrap(),
            actor: Actor::new("somebody"),
        };
        let over = fetch_while(
            &world,
            &mut browser,
            &[],
            Box::new(move |world| world.on_registry(&revoke).unwrap().reply.unwrap()),
        );
        assert_eq!(over.status(), 404);
        assert!(body(&over).contains(OVER));
        assert_eq!(world.api("GET", &format!("/connections/{id}"), &json!({})), before);
        assert_eq!(world.api("GET", &format!("/connections/{id}/draft"), &json!({})).0, 404);
    }
}

#[test]
fn a_link_edits_its_own_connections_identity_provider_alone() {
    let world = World::new();
    let (mine, other) = (connection_of(&world, "acme.test"), connection_of(&world, "other.test"));
    let path = link(&world, &mine).1;
    let hash = Token::parse(path.rsplit('/').next().unwrap()).unwrap().hash();
    let edit = |id: &str, change: Change| {
        let update = Update {
            id: ConnectionId::parse(id).unwrap(),
            change,
            from_generation: None,
            decryption_key: None,
            actor: Actor::new("setup link"),
        };
        let edit = EditBySetupLink {
            hash: hash.clone(),
            edit: LinkEdit::Live(update),
        };
        world.on_registry(&edit).unwrap().reply
    };
    let (_, saved) = world.api(
        "POST",
        &format!("/connections/{other}/metadata"),
        &json!({"xml": Idp::trusted().metadata()}),
    );
    assert_eq!(saved["state"], "disabled");
    let enable = || Change::Enable {
        override_reason: Some("because".to_owned()),
    };
    assert_eq!(edit(&mine, enable()), Err(Refusal::NoSuchSetupLink));
    let found = || {
        let fields = &world.config(&format!("connection:{other}")).unwrap();
        let record: Connection = serde_json::from_str(fields).unwrap();
        let found = Box::new(record.identity_provider.unwrap());
        Change::IdentityProvider {
            found,
            replace_entity: false,
        }
    };
    assert_eq!(edit(&other, found()), Err(Refusal::NoSuchSetupLink));
    assert_eq!(edit(&mine, found()), Ok(()));
    // Whatever generation it says that it has seen.
    world.enable(&mine);
    assert_eq!(edit(&mine, found()), Err(Refusal::Changed));
}

#[test]
fn a_link_ends_after_a_week_when_it_is_revoked_and_with_its_connection() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let is_over = |browser: &mut Browser, path: &str| {
        let page = browser.get(&world, "/sso/setup");
        assert_eq!(Browser::default().get(&world, path).status(), 404);
        page.status() == 404 && body(&page).contains(OVER)
    };
    let (_, path) = link(&world, &id);
    let mut browser = opened(&world, &path);
    world.pass(7 * 24 * 60 * 60 - 1);
    assert_eq!(browser.get(&world, "/sso/setup").status(), 200);
    world.pass(1);
    assert!(is_over(&mut browser, &path));

    let (link_id, path) = link(&world, &id);
    let mut browser = opened(&world, &path);
    let other = connection_of(&world, "other.test");
    let revoke = |connection: &str| {
        world
            .api(
                "DELETE",
                &format!("/connections/{connection}/setup-links/{link_id}"),
                &json!({}),
            )
            .0
    };
    assert_eq!(revoke(&other), 404, "by its own connection alone");
    assert_eq!(browser.get(&world, "/sso/setup").status(), 200);
    assert_eq!(revoke(&id), 204);
    assert_eq!(revoke(&id), 404);
    assert!(is_over(&mut browser, &path));
    let form = encoded(&[("csrf", "x"), ("xml", "x")]);
    assert_eq!(browser.post(&world, "/sso/setup/metadata", &form).status(), 404);

    let (_, path) = link(&world, &id);
    let mut browser = opened(&world, &path);
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    assert!(is_over(&mut browser, &path));
    assert_eq!(
        world
            .api("POST", &format!("/connections/{id}/setup-links"), &json!({}))
            .0,
        404
    );
}

#[test]
fn a166_a_form_of_another_link_or_site_does_nothing() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let mut browser = opened(&world, &link(&world, &id).1);
    let mut other = opened(&world, &link(&world, &id).1);
    let page = body(&other.get(&world, "/sso/setup"));
    let foreign = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let xml = Idp::trusted().metadata();
    for csrf in ["", foreign] {
        let form = encoded(&[("csrf", csrf), ("xml", &xml)]);
        assert_eq!(browser.post(&world, "/sso/setup/metadata", &form).status(), 403);
    }
    let form = encoded(&[("csrf", foreign), ("xml", &xml)]);
    let request = http::Request::builder()
        .method("POST")
        .uri("/sso/setup/metadata")
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        other.send(&world, request.body(form.into_bytes()).unwrap()).status(),
        403
    );
    assert_eq!(links(&world, &id)["progress"]["metadata_read"], false);
}

/// A167: 256 bits, kept as their hash, for one connection and a week; out of the address at once, and never in a page.
#[test]
fn a167_a_link_is_of_no_use_elsewhere_nor_later() {
    let world = World::new();
    let (id, other) = (connection_of(&world, "acme.test"), connection_of(&world, "other.test"));
    let (_, path) = link(&world, &id);
    let token = path.strip_prefix("/sso/setup/").unwrap();
    assert_eq!((token.len(), link(&world, &id).1 == path), (43, false));
    let kept = [
        world.everything_registered(),
        world.everything_public(),
        links(&world, &id).to_string(),
    ];
    assert!(kept.iter().all(|text| !text.contains(token)));
    assert!(
        world
            .everything_registered()
            .contains(Token::parse(token).unwrap().hash().as_str())
    );

    let mut browser = Browser::default();
    let answers = [
        browser.get(&world, &path),
        browser.get(&world, "/sso/setup"),
        send(&world, &mut browser, "/sso/setup/metadata", &[("xml", "<x/>")]),
    ];
    assert_eq!(
        (answers[0].status().as_u16(), location(&answers[0])),
        (303, "/sso/setup".to_owned())
    );
    for answer in &answers {
        assert_eq!(answer.headers()["referrer-policy"], "same-origin");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(!body(answer).contains(token));
    }
    let saved = send(
        &world,
        &mut browser,
        "/sso/setup/metadata",
        &[("xml", &Idp::trusted().metadata())],
    );
    assert_eq!(saved.status(), 303);
    assert_eq!(links(&world, &id)["progress"]["metadata_read"], true);
    assert_eq!(links(&world, &other)["progress"]["metadata_read"], false);
    assert!(!world.everything_public().contains(token));

    world.pass(7 * 24 * 60 * 60);
    assert_eq!(browser.get(&world, "/sso/setup").status(), 404);
    assert_eq!(Browser::default().get(&world, &path).status(), 404);
}

#[test]
fn the_token_is_kept_as_its_hash_and_shown_once() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "entra", "acme.test");
    let made = submit(&world, &mut browser, &format!("{page}/create-link"), &[]);
    assert_eq!(made.status(), 200);
    let shown = body(&made);
    let url = shown.split(&format!("{ORIGIN}/sso/setup/")).nth(1).unwrap();
    let token: String = url
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    assert_eq!(token.len(), 43);
    assert!(
        shown.matches(&token).count() >= 4,
        "in the values, and in each form of the e-mail"
    );
    assert!(!body(&browser.get(&world, &page)).contains(&token), "once");
    assert!(!world.everything_public().contains(&token));
    let list = links(&world, page.rsplit('/').next().unwrap());
    assert!(!list.to_string().contains(&token) && list["setup_links"][0].get("url").is_none());
    opened(&world, &format!("/sso/setup/{token}"));
    let link_id = list["setup_links"][0]["id"].as_str().unwrap();
    let revoked = submit(
        &world,
        &mut browser,
        &format!("{page}/revoke-link"),
        &[("link", link_id)],
    );
    assert_eq!(location(&revoked), format!("{page}?done=revoke-link#setup-link"));
    assert_eq!(
        Browser::default().get(&world, &format!("/sso/setup/{token}")).status(),
        404
    );
    let (_, audit) = world.api("GET", "/audit", &json!({}));
    let actions: Vec<&str> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions[..2], ["setup_link.revoked", "setup_link.created"]);
}

#[test]
fn what_is_wrong_is_said_to_the_customers_administrator() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let mut browser = opened(&world, &link(&world, &id).1);
    let metadata = Idp::trusted().metadata();
    let half = &metadata[..metadata.len() / 2];
    let ours = body(&browser.get(&world, &format!("/sso/saml/{id}/metadata")));
    for (xml, words) in [
        (
            half,
            "Copy the whole file, from its first &#60; to its last &#62;, or choose the file itself",
        ),
        (
            &ours,
            "What is needed is the metadata that your identity provider offers for download.",
        ),
        (
            "<html></html>",
            "Use the address of the metadata itself, which opens without a sign-in",
        ),
    ] {
        let refused = send(&world, &mut browser, "/sso/setup/metadata", &[("xml", xml)]);
        assert_eq!(refused.status(), 422);
        let shown = body(&refused);
        assert!(shown.contains(words), "{words}: {shown}");
        assert!(!shown.contains("customer"), "{shown}");
    }

    let saved = send(&world, &mut browser, "/sso/setup/metadata", &[("xml", &metadata)]);
    assert_eq!(saved.status(), 303);
    let begun = send(&world, &mut browser, "/sso/setup/test", &[]);
    let path = location(&begun).strip_prefix(ORIGIN).unwrap().to_owned();
    let test = request_id(&location(&Browser::default().get(&world, &path)));
    let elsewhere = Message::of(&id, Some(&test))
        .to_xml()
        .replace("ada@acme.test", "mallory@other.test");
    let answered = Browser::deliver(&world, &id, &Idp::trusted().sign(&elsewhere, &format!("_a{test}")));
    let shown = body(&browser.get(&world, &location(&answered)));
    for expected in [
        "You can mend this at your identity provider.",
        "email_domain_not_owned",
        "if your organization uses the other domain too, ask whoever sent you the link to add it.",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("customer"), "{shown}");
}

#[test]
fn an_empty_form_says_what_is_to_be_entered() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let mut browser = opened(&world, &link(&world, &id).1);
    for (field, words) in [("url", "Enter the metadata URL."), ("xml", "Paste the metadata XML.")] {
        let refused = send(&world, &mut browser, "/sso/setup/metadata", &[(field, "")]);
        assert_eq!(refused.status(), 422);
        let shown = body(&refused);
        let beside = format!("<p class=\"error\" id=\"metadata-{field}-error\" role=\"alert\">{words}</p>");
        assert!(shown.contains(&beside), "{shown}");
        assert_eq!(shown.matches("role=\"alert\"").count(), 1);
    }
}

#[test]
fn what_the_customer_types_never_becomes_markup_and_is_kept() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let mut browser = opened(&world, &link(&world, &id).1);
    for (path, field) in [
        ("/sso/setup/metadata", "url"),
        ("/sso/setup/metadata", "xml"),
        ("/sso/setup/identity-provider", "sso_url"),
        ("/sso/setup/identity-provider", "certificates"),
    ] {
        let refused = send(&world, &mut browser, path, &[(field, HOSTILE)]);
        assert!(refused.status().is_client_error());
        let shown = body(&refused);
        assert_eq!(shown.matches("<script").count(), 1, "our own file alone");
        assert!(
            shown.contains("&#60;script&#62;") && shown.contains("role=\"alert\""),
            "{field}"
        );
    }
    assert_eq!(
        connection(&world, &format!("/sso/admin/connections/{id}"))["identity_provider"],
        Value::Null
    );
}

#[test]
fn the_product_is_called_by_its_name_and_that_is_no_markup() {
    let world = World::new();
    let id = connection_of(&world, "acme.test");
    let (_, path) = link(&world, &id);
    let mut customer = opened(&world, &path);
    let mut vendor = signed_in(&world);
    let mut pages = |world: &World| {
        [
            body(&Browser::default().get(world, "/sso/sign-in")),
            body(&customer.get(world, "/sso/setup")),
            body(&vendor.get(world, &format!("/sso/admin/connections/{id}"))),
        ]
    };
    let called = |[sign_in, setup, dashboard]: [String; 3], name: &str| {
        for (page, expected) in [
            (&sign_in, format!("<title>Sign in to {name}</title>")),
            (&setup, format!("<span>Single sign-on for {name}</span>")),
            (&setup, format!("For {name}: people")),
            (
                &dashboard,
                format!("please set up single sign-on with Okta Workforce for {name}, so that"),
            ),
        ] {
            assert!(page.contains(&expected), "{expected}: {page}");
        }
    };
    called(pages(&world), "sp.example");
    world.product_name.set("Acme & <b>Sons</b>");
    let named = pages(&world);
    for page in &named {
        assert!(!page.contains("<b>Sons"), "{page}");
    }
    called(named, "Acme &#38; &#60;b&#62;Sons&#60;/b&#62;");
}
