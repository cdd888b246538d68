//! The dashboard: webhooks, export and import.

use serde_json::{Value, json};

use crate::support::dashboard::{HOSTILE, body, encoded, signed_in, signed_in_with, submit};
use crate::support::idp::Idp;
use crate::support::world::{Browser, World, location};

const WEBHOOKS: &str = "/sso/admin/webhooks";
const TRANSFER: &str = "/sso/admin/transfer";

fn webhooks(world: &World) -> Vec<Value> {
    let (_, list) = world.api("GET", "/webhooks", &json!({}));
    list["webhooks"].as_array().unwrap().clone()
}

/// Makes a webhook by the form; its page's address and its secret.
fn made(world: &World, browser: &mut Browser) -> (String, String) {
    let fields = [
        ("url", "https://hooks.example/in"),
        ("description", "CRM"),
        ("events", "connection.created"),
        ("events", "sign_in.succeeded"),
        ("include_email", "true"),
    ];
    let response = submit(world, browser, WEBHOOKS, &fields);
    let page = body(&response);
    assert_eq!(response.status(), 201, "{page}");
    let secret = page.split("data-copy=\"Secret\">").nth(1).unwrap();
    let id = webhooks(world)[0]["id"].as_str().unwrap().to_owned();
    (format!("{WEBHOOKS}/{id}"), secret.split('<').next().unwrap().to_owned())
}

/// What the page's form sends along of what it shows.
fn seen(world: &World, browser: &mut Browser, page: &str) -> String {
    let shown = body(&browser.get(world, page));
    let value = shown.split("name=\"seen\" value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

#[test]
fn a_webhook_is_made_its_secret_shown_once_and_its_deliveries_sent_again() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let form = body(&browser.get(&world, WEBHOOKS));
    assert!(
        form.contains("Add a webhook")
            && form.contains(">Description <span class=\"optional\">Optional</span></label>")
    );
    let (page, secret) = made(&world, &mut browser);
    assert!(secret.starts_with("whsec_"));
    let webhook = &webhooks(&world)[0];
    assert_eq!(
        (&webhook["events"], &webhook["include_email"], &webhook["created_by"]),
        (
            &json!(["connection.created", "sign_in.succeeded"]),
            &json!(true),
            &json!("dashboard (token ADMIN_TOKEN)")
        )
    );
    for path in [WEBHOOKS, page.as_str(), "/sso/admin"] {
        assert!(!body(&browser.get(&world, path)).contains("whsec_"), "{path}");
    }
    assert!(body(&browser.get(&world, WEBHOOKS)).contains(">CRM</a>"));

    let response = submit(&world, &mut browser, &format!("{page}/test"), &[]);
    assert_eq!(location(&response), format!("{page}?done=test"));
    world
        .post_answers
        .borrow_mut()
        .insert("https://hooks.example/in".to_owned(), Ok(503));
    world.deliver();
    let shown = body(&browser.get(&world, &page));
    assert!(
        shown.contains("HTTP 503") && shown.contains("Every request has failed since"),
        "{shown}"
    );
    let event = shown
        .split("name=\"event\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    world.post_answers.borrow_mut().clear();
    let response = submit(&world, &mut browser, &format!("{page}/replay"), &[("event", event)]);
    assert_eq!(location(&response), format!("{page}?done=replay"));
    world.pass(60);
    world.deliver();
    let shown = body(&browser.get(&world, &page));
    assert!(shown.contains("HTTP 200") && shown.contains("Delivered"), "{shown}");

    let response = submit(&world, &mut browser, &format!("{page}/rotate-secret"), &[]);
    let rotated = body(&response);
    assert_eq!(response.status(), 200);
    assert!(rotated.contains("whsec_") && !rotated.contains(&secret));
}

#[test]
fn a_webhook_is_changed_switched_off_and_deleted() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let (page, _) = made(&world, &mut browser);
    let shown = seen(&world, &mut browser, &page);
    let change = [
        ("url", "https://other.example/"),
        ("events", "draft.applied"),
        ("seen", &shown),
    ];
    let response = submit(&world, &mut browser, &format!("{page}/change"), &change);
    assert_eq!(location(&response), format!("{page}?done=change"));
    let webhook = &webhooks(&world)[0];
    assert_eq!(
        (
            &webhook["url"],
            &webhook["events"],
            &webhook["include_email"],
            &webhook["description"]
        ),
        (
            &json!("https://other.example/"),
            &json!(["draft.applied"]),
            &json!(false),
            &json!("")
        )
    );
    for (action, enabled) in [("disable", false), ("enable", true)] {
        let response = submit(&world, &mut browser, &format!("{page}/{action}"), &[]);
        assert_eq!(location(&response), format!("{page}?done={action}"));
        assert_eq!(webhooks(&world)[0]["enabled"], enabled);
    }

    // What is wrong is said where it was typed, and what was typed stays.
    let wrong = [
        ("url", "https://10.0.0.1/"),
        ("events", "draft.applied"),
        ("description", HOSTILE),
    ];
    for (path, field) in [
        (WEBHOOKS.to_owned(), "webhook-url-error"),
        (format!("{page}/change"), "webhook-url-error"),
    ] {
        let response = submit(&world, &mut browser, &path, &wrong);
        let shown = body(&response);
        assert_eq!(response.status(), 422);
        assert!(
            shown.contains(field) && shown.contains("value=\"https://10.0.0.1/\""),
            "{shown}"
        );
        assert!(!shown.contains("<script>alert"), "{shown}");
    }
    let response = submit(
        &world,
        &mut browser,
        &format!("{page}/change"),
        &[("url", "https://a.example/")],
    );
    assert!(body(&response).contains("Choose at least one."));

    let response = submit(&world, &mut browser, &format!("{page}/delete"), &[]);
    assert_eq!(location(&response), format!("{WEBHOOKS}?done=delete"));
    assert!(webhooks(&world).is_empty());
    assert_eq!(browser.get(&world, &page).status(), 404);
    assert_eq!(submit(&world, &mut browser, &format!("{page}/test"), &[]).status(), 404);
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/nonsense"), &[]).status(),
        404
    );
}

/// Two people have the page open.
#[test]
fn nobody_overwrites_what_they_have_not_seen() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let (page, _) = made(&world, &mut browser);
    let older = seen(&world, &mut browser, &page);
    let save = |browser: &mut Browser, url: &str, name: &str, seen: &str| {
        let fields = [
            ("url", url),
            ("description", name),
            ("events", "sign_in.succeeded"),
            ("include_email", "true"),
            ("seen", seen),
        ];
        submit(&world, browser, &format!("{page}/change"), &fields)
    };
    let url = "https://hooks.example/in";
    let id = page.rsplit('/').next().unwrap();
    let off = json!({"include_email": false});
    assert_eq!(world.api("PATCH", &format!("/webhooks/{id}"), &off).0, 200);
    let before = webhooks(&world);
    for stale in [&older, "", "x"] {
        let refused = save(&mut browser, url, "Renamed", stale);
        let shown = body(&refused);
        assert_eq!(refused.status(), 409);
        assert!(
            shown.contains("Somebody else changed the webhook meanwhile.") && !shown.contains("value=\"Renamed\""),
            "{shown}"
        );
        assert_eq!(webhooks(&world), before);
    }
    // What is wrong comes back with what was typed, and is no newer for that.
    let wrong = save(&mut browser, "https://10.0.0.1/", "Renamed", &older);
    assert_eq!(wrong.status(), 422);
    assert!(body(&wrong).contains(&format!("name=\"seen\" value=\"{older}\"")));

    let present = seen(&world, &mut browser, &page);
    let saved = save(&mut browser, "https://new.example/in?key=secret", "Renamed", &present);
    assert_eq!(location(&saved), format!("{page}?done=change"));
    // How it answers is no part of it, nor whether it is enabled.
    let present = seen(&world, &mut browser, &page);
    submit(&world, &mut browser, &format!("{page}/disable"), &[]);
    assert_eq!(seen(&world, &mut browser, &page), present);

    let (_, log) = world.api("GET", "/audit?limit=3", &json!({}));
    let told: Vec<&str> = (log["entries"].as_array().unwrap().iter())
        .map(|entry| entry["change"].as_str().unwrap())
        .collect();
    let moved = "url (was at hooks.example), description, events, include_email on";
    assert_eq!(
        told,
        [
            format!("Changed the webhook {id} (new.example): enabled off"),
            format!("Changed the webhook {id} (new.example): {moved}"),
            format!("Changed the webhook {id} (hooks.example): include_email off"),
        ]
    );
}

#[test]
fn a_token_that_may_read_shows_webhooks_and_changes_none() {
    let world = World::new();
    let mut owner = signed_in(&world);
    let (page, secret) = made(&world, &mut owner);
    let (_, token) = world.api("POST", "/tokens", &json!({"name": "reads", "scopes": ["read"]}));
    let mut browser = signed_in_with(&world, token["token"].as_str().unwrap());
    let shown = body(&browser.get(&world, &page));
    assert!(shown.contains("CRM") && !shown.contains(&secret));
    let before = world.everything_registered();
    for action in [
        "change",
        "delete",
        "disable",
        "enable",
        "replay",
        "rotate-secret",
        "test",
    ] {
        let response = submit(&world, &mut browser, &format!("{page}/{action}"), &[]);
        assert_eq!(response.status(), 403, "{action}");
    }
    for path in [WEBHOOKS, TRANSFER] {
        assert_eq!(submit(&world, &mut browser, path, &[]).status(), 403, "{path}");
    }
    assert_eq!(world.everything_registered(), before);

    // A form of another site changes nothing, nor does one without the session's token.
    let forged = owner.post(&world, &format!("{page}/delete"), &encoded(&[("csrf", "x")]));
    assert_eq!((forged.status().as_u16(), webhooks(&world).len()), (403, 1));
    // Who is not signed in is sent to sign in.
    for path in [WEBHOOKS, &page, TRANSFER, "/sso/admin/transfer/connections.json"] {
        let response = Browser::default().get(&world, path);
        assert_eq!(response.status(), 303, "{path}");
        assert!(
            location(&response).starts_with("/sso/admin/sign-in?return_to="),
            "{path}"
        );
    }
}

#[test]
fn connections_are_downloaded_checked_and_imported() {
    let world = World::new();
    world.connection(&Idp::trusted());
    let mut browser = signed_in(&world);
    assert!(body(&browser.get(&world, TRANSFER)).contains("Download the export"));
    let file = browser.get(&world, "/sso/admin/transfer/connections.json");
    assert_eq!(file.headers()["content-type"], "application/json");
    assert_eq!(
        file.headers()["content-disposition"],
        "attachment; filename=\"connections-2026-07-01.json\""
    );
    let document = body(&file);
    let (_, exported) = world.api("GET", "/export", &json!({}));
    assert_eq!(serde_json::from_str::<Value>(&document).unwrap(), exported);

    let other = World::drawing_from(1_000);
    let mut browser = signed_in(&other);
    let before = other.api("GET", "/export", &json!({})).1;
    let fields = [
        ("document", document.as_str()),
        ("mode", "create_only"),
        ("action", "check"),
    ];
    let response = submit(&other, &mut browser, TRANSFER, &fields);
    let shown = body(&response);
    assert_eq!(response.status(), 200);
    assert!(
        shown.contains("Would be added") && shown.contains("The file can be imported as it is."),
        "{shown}"
    );
    assert_eq!(other.api("GET", "/export", &json!({})).1, before);
    let fields = [
        ("document", document.as_str()),
        ("mode", "create_only"),
        ("action", "import"),
    ];
    let shown = body(&submit(&other, &mut browser, TRANSFER, &fields));
    assert!(shown.contains("Added, disabled"), "{shown}");
    assert_eq!(
        other.api("GET", "/export", &json!({})).1["connections"][0]["name"],
        "Acme"
    );

    // What is refused is named, and nothing is done.
    let changed = document.replace("\"Acme\"", "\"<script>alert(1)</script>\"");
    let fields = [
        ("document", changed.as_str()),
        ("mode", "create_only"),
        ("action", "check"),
    ];
    let shown = body(&submit(&other, &mut browser, TRANSFER, &fields));
    assert!(
        shown.contains("Refused") && shown.contains("1 of 1 would keep the file out"),
        "{shown}"
    );
    assert!(!shown.contains("<script>alert"));
    let fields = [
        ("document", changed.as_str()),
        ("mode", "create_only"),
        ("action", "import"),
    ];
    let response = submit(&other, &mut browser, TRANSFER, &fields);
    assert_eq!(response.status(), 409);
    assert!(body(&response).contains("Nothing was imported."));
    let fields = [
        ("document", changed.as_str()),
        ("mode", "replace"),
        ("action", "import"),
    ];
    assert!(body(&submit(&other, &mut browser, TRANSFER, &fields)).contains("Replaced"));
    for nonsense in ["", "nonsense", "{}"] {
        let response = submit(
            &other,
            &mut browser,
            TRANSFER,
            &[("document", nonsense), ("action", "import")],
        );
        assert_eq!(response.status(), 422);
        assert!(
            body(&response).contains("This is no export of connections"),
            "{}",
            body(&response)
        );
    }
}
