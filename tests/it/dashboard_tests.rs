//! The dashboard: tests, drafts and the history of a connection.

use serde_json::{Value, json};

use crate::support::dashboard::{HOSTILE, added, body, connection, press, signed_in, submit};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, ORIGIN, World, location, request_id};

/// A disabled connection with an identity provider; its page.
fn prepared(world: &World, browser: &mut Browser) -> String {
    let page = added(world, browser, "okta", "acme.test");
    let saved = submit(
        world,
        browser,
        &format!("{page}/metadata"),
        &[("xml", &Idp::trusted().metadata())],
    );
    assert_eq!(saved.status(), 303, "{}", body(&saved));
    page
}

fn id_of(page: &str) -> &str {
    page.rsplit('/').next().unwrap()
}

/// Begins a test by the form and lets the identity provider answer it as `answer` makes it; where the browser ends.
fn run_test(
    world: &World,
    browser: &mut Browser,
    page: &str,
    configuration: &str,
    answer: impl Fn(&str) -> String,
) -> String {
    let begun = submit(
        world,
        browser,
        &format!("{page}/test"),
        &[("configuration", configuration)],
    );
    assert_eq!(begun.status(), 303, "{}", body(&begun));
    let path = location(&begun).strip_prefix(ORIGIN).unwrap().to_owned();
    let sent = Browser::default().get(world, &path);
    let test = request_id(&location(&sent));
    let answered = Browser::deliver(world, id_of(page), &answer(&test));
    assert_eq!(answered.status(), 303);
    let report = location(&answered);
    assert_eq!(report, format!("{page}/tests/{test}"));
    report
}

fn good(page: &str) -> impl Fn(&str) -> String {
    let id = id_of(page).to_owned();
    move |test| Idp::trusted().respond(&Message::of(&id, Some(test)), Signed::Both)
}

/// The value of the hidden field `seen` on `path`.
fn seen(world: &World, browser: &mut Browser, path: &str) -> String {
    let page = body(&browser.get(world, path));
    page.split("name=\"seen\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

fn enable(world: &World, browser: &mut Browser, page: &str) {
    run_test(world, browser, page, "live", good(page));
    assert_eq!(submit(world, browser, &format!("{page}/enable"), &[]).status(), 303);
    assert_eq!(connection(world, page)["state"], "enabled");
}

/// A connection that is enabled; its page.
fn enabled(world: &World, browser: &mut Browser) -> String {
    let page = prepared(world, browser);
    enable(world, browser, &page);
    page
}

fn draft(world: &World, page: &str) -> (u16, Value) {
    world.api("GET", &format!("/connections/{}/draft", id_of(page)), &json!({}))
}

#[test]
fn it_is_enabled_after_a_test_that_passed() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser);
    let early = submit(&world, &mut browser, &format!("{page}/enable"), &[]);
    assert_eq!(early.status(), 409);
    assert!(body(&early).contains("No test has passed with exactly this configuration."));

    let report = run_test(&world, &mut browser, &page, "live", good(&page));
    let shown = body(&browser.get(&world, &report));
    for expected in [
        "The test passed",
        "Enable the connection",
        "ada@acme.test",
        "Email address",
        "<th scope=\"row\">Audience</th>",
        "CN=",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let setup = body(&browser.get(&world, &page));
    assert!(setup.contains(&report) && setup.contains("A test has passed with exactly this configuration."));
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/enable"), &[]).status(),
        303
    );
    assert_eq!(connection(&world, &page)["state"], "enabled");
    let anonymous = Browser::default().get(&world, &report);
    assert!(location(&anonymous).starts_with("/sso/admin/sign-in?return_to="));
}

/// The first tab looks again when one comes back to it from the test, for which it may ask us and nobody else.
#[test]
fn what_a_test_changes_is_watched() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = enabled(&world, &mut browser);
    submit(
        &world,
        &mut browser,
        &format!("{page}/attributes"),
        &[("groups", "crew")],
    );
    let response = browser.get(&world, &page);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'; connect-src 'self'; form-action 'self' https:;"),
        "{policy}"
    );
    let shown = body(&response);
    for part in ["top", "draft", "progress", "test", "state"] {
        let tag = shown.split('<').find(|tag| tag.contains(&format!("id=\"{part}\"")));
        assert!(tag.is_some_and(|tag| tag.contains(" data-watched>")), "{part}: {tag:?}");
    }
    let settings = browser.get(&world, &format!("{page}/settings"));
    let policy = settings.headers()["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("connect-src") && !body(&settings).contains("data-watched"));
}

#[test]
fn a_reason_takes_the_place_of_a_test() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser);
    let response = submit(
        &world,
        &mut browser,
        &format!("{page}/enable"),
        &[("override_reason", " ")],
    );
    assert_eq!(response.status(), 422);
    assert!(body(&response).contains("id=\"enable-override_reason-error\" role=\"alert\">Expected 1 to 500"));
    let reason = [("override_reason", "moved from another deployment")];
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/enable"), &reason).status(),
        303
    );
    assert_eq!(connection(&world, &page)["state"], "enabled");
    let history = body(&browser.get(&world, &format!("{page}/history")));
    assert!(history.contains("moved from another deployment"), "{history}");
}

#[test]
fn a_failed_test_says_what_is_wrong_who_must_act_and_where() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser);
    let id = id_of(&page).to_owned();
    let wrong_audience = |test: &str| {
        let message = Message {
            audience: "https://wrong.example/".to_owned(),
            ..Message::of(&id, Some(test))
        };
        Idp::trusted().respond(&message, Signed::Both)
    };
    let report = run_test(&world, &mut browser, &page, "live", wrong_audience);
    let shown = body(&browser.get(&world, &report));
    for expected in [
        "The test failed",
        "The customer&#39;s administrator has to act.",
        "audience_mismatch",
        "Audience URI (SP Entity ID)",
        "https://wrong.example/",
        "Not reached",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("Enable the connection"));
}

#[test]
fn an_attribute_of_an_unknown_name_is_taken_with_one_click() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = prepared(&world, &mut browser);
    let id = id_of(&page).to_owned();
    let odd = format!("urn:x{HOSTILE}").replace(['<', '"', '&'], "");
    let renamed = |test: &str| {
        let xml = Message::of(&id, Some(test)).to_xml();
        let xml = xml.replace(
            "Name=\"Email address\"",
            &format!("Name=\"{}\"", odd.replace('\'', "&apos;")),
        );
        Idp::trusted().sign(&xml, &format!("_a{test}"))
    };
    let report = run_test(&world, &mut browser, &page, "live", renamed);
    let shown = body(&browser.get(&world, &report));
    assert!(shown.contains("Use it as e-mail address"), "{shown}");
    let fields = [("field", "email"), ("attribute", odd.as_str())];
    let mapped = submit(&world, &mut browser, &format!("{page}/map-attribute"), &fields);
    assert_eq!(location(&mapped), format!("{page}?done=map-attribute#test"));
    assert_eq!(connection(&world, &page)["attribute_map"]["email"], odd);
    let report = run_test(&world, &mut browser, &page, "live", renamed);
    assert!(body(&browser.get(&world, &report)).contains("The test passed"));
}

#[test]
fn edits_of_an_enabled_connection_wait_in_a_draft() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = enabled(&world, &mut browser);

    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/attributes"),
        &[("groups", "crew")],
    );
    assert_eq!(
        location(&saved),
        format!("{page}/settings?done=attributes&how=draft#attributes")
    );
    assert_eq!(
        connection(&world, &page)["attribute_map"]["groups"],
        Value::Null,
        "what is live is untouched"
    );
    for path in [page.clone(), format!("{page}/settings"), format!("{page}/history")] {
        let shown = body(&browser.get(&world, &path));
        assert!(
            shown.contains("shows a draft") || shown.contains("There is a draft"),
            "{path}"
        );
        assert!(
            shown.contains("<dt>Attribute mapping: Groups or roles</dt><dd><span class=\"visually-hidden\">from </span><del>none</del> <span class=\"visually-hidden\">to </span><ins>crew</ins></dd>"),
            "{path}"
        );
    }
    // Whom it leads there is told by what is live.
    submit(
        &world,
        &mut browser,
        &format!("{page}/domains"),
        &[("domains", "drafted.test")],
    );
    let shown = body(&browser.get(&world, &page));
    let led = shown.split("People with an address at ").nth(1).unwrap();
    let led = led.split(" are sent").next().unwrap();
    assert_eq!(led, "<strong>acme.test</strong>");
    assert!(shown.contains("drafted.test"));
    // What no test covers is live at once while there is no draft, and goes along with one that is there.
    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/general"),
        &[("name", "Beta"), ("provider", "okta")],
    );
    assert!(location(&saved).contains("how=draft"));

    let revision = seen(&world, &mut browser, &page);
    let early = submit(
        &world,
        &mut browser,
        &format!("{page}/apply-draft"),
        &[("seen", &revision)],
    );
    assert_eq!(early.status(), 409);
    let report = run_test(&world, &mut browser, &page, "draft", good(&page));
    let shown = body(&browser.get(&world, &report));
    assert!(shown.contains("The test passed") && shown.contains("Apply the draft</button>"));
    // What is edited after the test has not passed.
    let fields = [("seen", revision.as_str()), ("groups", "crews")];
    submit(&world, &mut browser, &format!("{page}/attributes"), &fields);
    assert!(!body(&browser.get(&world, &report)).contains("Apply the draft"));
    let fields = [("groups", "crew")];
    submit(&world, &mut browser, &format!("{page}/attributes"), &fields);
    let shown = body(&browser.get(&world, &report));
    let applied = press(&world, &mut browser, &shown, &format!("{page}/apply-draft"));
    assert_eq!(location(&applied), format!("{page}?done=apply-draft#draft"));
    assert!(!body(&browser.get(&world, &report)).contains("Apply the draft"));
    let found = connection(&world, &page);
    assert_eq!(
        (&found["attribute_map"]["groups"], &found["name"]),
        (&json!("crew"), &json!("Beta"))
    );
    assert_eq!(draft(&world, &page).0, 404);

    assert_eq!(submit(&world, &mut browser, &format!("{page}/undo"), &[]).status(), 303);
    assert_eq!(connection(&world, &page)["attribute_map"]["groups"], Value::Null);
    assert_eq!(connection(&world, &page)["state"], "enabled");
}

#[test]
fn what_no_test_covers_is_live_at_once() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = enabled(&world, &mut browser);
    let mut save = |section: &str, fields: &[(&str, &str)]| {
        location(&submit(&world, &mut browser, &format!("{page}/{section}"), fields)).contains("how=draft")
    };
    assert!(!save("general", &[("name", "Beta"), ("provider", "okta")]));
    assert!(!save("routing", &[("share_domains", "true"), ("sign_in_order", "1")]));
    assert_eq!(connection(&world, &page)["name"], "Beta");
    assert!(
        save("general", &[("name", "Gamma"), ("provider", "entra")]),
        "another provider is tested"
    );
    assert_eq!(connection(&world, &page)["provider"], "okta");
}

#[test]
fn a_draft_with_a_wrong_certificate_stays_one() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = enabled(&world, &mut browser);
    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/metadata"),
        &[("xml", &Idp::other().metadata())],
    );
    assert!(location(&saved).contains("how=draft"), "{}", body(&saved));
    let report = run_test(&world, &mut browser, &page, "draft", good(&page));
    let shown = body(&browser.get(&world, &report));
    assert!(
        shown.contains("The test failed") && shown.contains("signature_key_unknown"),
        "{shown}"
    );
    // Users go on signing in.
    let mut user = Browser::default();
    let request = user.begin(&world, "ada@acme.test", "/");
    let response = Idp::trusted().respond(&Message::of(id_of(&page), Some(&request)), Signed::Both);
    assert_eq!(Browser::deliver(&world, id_of(&page), &response).status(), 303);
    let revision = seen(&world, &mut browser, &page);
    let discarded = submit(
        &world,
        &mut browser,
        &format!("{page}/discard-draft"),
        &[("seen", &revision)],
    );
    assert_eq!(location(&discarded), format!("{page}?done=discard-draft#draft"));
    assert_eq!(draft(&world, &page).0, 404);
}

#[test]
fn nobody_overwrites_what_they_have_not_seen() {
    let world = World::new();
    let (mut ada, mut grace) = (signed_in(&world), signed_in(&world));
    let page = prepared(&world, &mut ada);
    let before = seen(&world, &mut grace, &page);
    let fields = [("seen", before.as_str()), ("domains", "ada.test")];
    assert_eq!(
        submit(&world, &mut ada, &format!("{page}/domains"), &fields).status(),
        303
    );
    let fields = [("seen", before.as_str()), ("groups", "graces-groups")];
    let late = submit(&world, &mut grace, &format!("{page}/attributes"), &fields);
    assert_eq!(late.status(), 409);
    let shown = body(&late);
    assert!(
        shown.contains("The connection was changed meanwhile, perhaps in another tab, so nothing was saved."),
        "{shown}"
    );
    assert!(shown.contains("value=\"graces-groups\""), "what was typed is kept");
    assert!(shown.contains("ada.test"), "what is there by now is shown");
    let again = shown
        .split("name=\"seen\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let fields = [("seen", again.as_str()), ("groups", "graces-groups")];
    assert_eq!(
        submit(&world, &mut grace, &format!("{page}/attributes"), &fields).status(),
        303
    );

    enable(&world, &mut ada, &page);
    let live = seen(&world, &mut grace, &page);
    let fields = [("seen", live.as_str()), ("groups", "a")];
    assert_eq!(
        submit(&world, &mut ada, &format!("{page}/attributes"), &fields).status(),
        303
    );
    let fields = [("seen", live.as_str()), ("groups", "b")];
    assert_eq!(
        submit(&world, &mut grace, &format!("{page}/attributes"), &fields).status(),
        409,
        "there is a draft by now"
    );
    let first = seen(&world, &mut grace, &page);
    let fields = [("seen", first.as_str()), ("groups", "c")];
    assert_eq!(
        submit(&world, &mut ada, &format!("{page}/attributes"), &fields).status(),
        303
    );
    for section in ["attributes", "apply-draft", "discard-draft"] {
        let fields = [("seen", first.as_str()), ("groups", "d"), ("override_reason", "hurry")];
        assert_eq!(
            submit(&world, &mut grace, &format!("{page}/{section}"), &fields).status(),
            409,
            "{section}"
        );
    }
    assert_eq!(draft(&world, &page).1["connection"]["attribute_map"]["groups"], "c");
}

#[test]
fn a_draft_that_was_overtaken_is_brought_up_to_date() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = enabled(&world, &mut browser);
    submit(
        &world,
        &mut browser,
        &format!("{page}/attributes"),
        &[("groups", "crew")],
    );
    world.patch(id_of(&page), &json!({"name": "Changed by the API"}));
    let shown = body(&browser.get(&world, &page));
    assert!(
        shown.contains("Bring up to date") && !shown.contains("Apply the draft"),
        "{shown}"
    );
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/rebase-draft"), &[]).status(),
        303
    );
    run_test(&world, &mut browser, &page, "draft", good(&page));
    let revision = seen(&world, &mut browser, &page);
    assert_eq!(
        submit(
            &world,
            &mut browser,
            &format!("{page}/apply-draft"),
            &[("seen", &revision)]
        )
        .status(),
        303
    );
    let found = connection(&world, &page);
    assert_eq!(
        (&found["name"], &found["attribute_map"]["groups"]),
        (&json!("Changed by the API"), &json!("crew"))
    );
}

#[test]
fn an_earlier_version_is_restored() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let hostile = format!("X{HOSTILE}");
    submit(
        &world,
        &mut browser,
        &format!("{page}/general"),
        &[("name", &hostile), ("provider", "okta")],
    );
    submit(
        &world,
        &mut browser,
        &format!("{page}/domains"),
        &[("domains", "more.test")],
    );
    let path = format!("{page}/history");
    let shown = body(&browser.get(&world, &path));
    assert!(
        shown.contains("Restore version 1") && shown.contains("by dashboard (token ADMIN_TOKEN)"),
        "{shown}"
    );
    assert_eq!(shown.matches("<script").count(), 1);
    let seen = seen(&world, &mut browser, &path);
    let fields = [("seen", seen.as_str()), ("generation", "1")];
    let restored = submit(&world, &mut browser, &format!("{page}/restore"), &fields);
    assert_eq!(location(&restored), format!("{path}?done=restore#history"));
    let found = connection(&world, &page);
    assert_eq!(
        (&found["name"], &found["domains"]),
        (&json!("Acme"), &json!(["acme.test"]))
    );
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/restore"), &fields).status(),
        409,
        "seen is stale now"
    );
    let gone = [("generation", "999")];
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/restore"), &gone).status(),
        404
    );
}
