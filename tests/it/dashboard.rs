//! The dashboard: who gets in, what its forms may do, and that nothing that people type becomes markup.

use serde_json::{Value, json};

use crate::support::dashboard::{
    HOSTILE, added, body, connection, csrf, encoded, press, signed_in, signed_in_with, submit,
};
use crate::support::idp::Idp;
use crate::support::world::{ADMIN_TOKEN, Browser, ORIGIN, World, location};

#[test]
fn nothing_is_shown_or_done_without_a_session() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let page = format!("/sso/admin/connections/{id}");
    for path in [
        "/sso/admin",
        &page,
        &format!("{page}/settings"),
        "/sso/admin/connections/new",
        "/sso/admin/nothing",
    ] {
        let response = Browser::default().get(&world, path);
        assert_eq!(response.status(), 303, "{path}");
        assert!(location(&response).starts_with("/sso/admin/sign-in"), "{path}");
        assert!(response.body().is_empty(), "{path}");
    }
    for section in [
        "disable",
        "delete",
        "domains",
        "advanced",
        "metadata",
        "general",
        "manual",
        "enable",
        "attributes",
        "routing",
    ] {
        let response = Browser::default().post(&world, &format!("{page}/{section}"), "name=Acme");
        assert_eq!(response.status(), 303, "{section}");
        assert!(
            location(&response).starts_with("/sso/admin/sign-in?return_to="),
            "{section}"
        );
    }
    assert_eq!(connection(&world, &page)["state"], "enabled");
}

#[test]
fn a_form_without_a_session_is_refused_before_it_is_read() {
    let world = World::new();
    let paths = [
        "/sso/admin/connections/new",
        "/sso/admin/transfer",
        "/sso/setup/metadata",
        "/sso/setup/test",
    ];
    for (path, cookie) in paths
        .into_iter()
        .flat_map(|path| ["x", &"A".repeat(43)].map(|token| (path, token.to_owned())))
    {
        let request = http::Request::builder()
            .method("POST")
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "cookie",
                format!("__Host-sso_admin={cookie}; __Host-sso_setup={cookie}"),
            );
        let mut head = request.body(Vec::new()).unwrap();
        let app = world.app();
        let refused = futures_executor::block_on(app.refuse_by_head(&mut head)).unwrap();
        assert_eq!(
            refused.status(),
            if path.starts_with("/sso/admin") { 303 } else { 404 },
            "{path}"
        );
    }
}

#[test]
fn the_way_back_is_kept_through_the_sign_in() {
    let (world, mut browser) = (World::new(), Browser::default());
    let asked = browser.get(&world, "/sso/admin/connections/new?provider=entra");
    let sign_in = location(&asked);
    let page = body(&browser.get(&world, &sign_in));
    assert!(
        page.contains("name=\"return_to\" value=\"/sso/admin/connections/new?provider=entra\""),
        "{page}"
    );
    let fields = [
        ("token", ADMIN_TOKEN),
        ("return_to", "/sso/admin/connections/new?provider=entra"),
    ];
    let response = browser.post(&world, "/sso/admin/sign-in", &encoded(&fields));
    assert_eq!(location(&response), "/sso/admin/connections/new?provider=entra");
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    for part in [
        "__Host-sso_admin=",
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=43200",
    ] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let again = browser.get(&world, "/sso/admin/sign-in?return_to=https://evil.example/");
    assert_eq!(location(&again), "/sso/admin");
}

#[test]
fn a_wrong_token_opens_nothing_and_is_not_sent_back() {
    let (world, mut browser) = (World::new(), Browser::default());
    let unknown = "This token is unknown, expired or revoked, or it may not see connections.";
    for (token, words) in [
        ("", "Enter the admin token."),
        ("wrong-wrong-wrong", unknown),
        (&ADMIN_TOKEN[1..], unknown),
        (HOSTILE, unknown),
    ] {
        let response = browser.post(&world, "/sso/admin/sign-in", &encoded(&[("token", token)]));
        assert_eq!(response.status(), 422);
        assert!(response.headers().get("set-cookie").is_none());
        let page = body(&response);
        assert!(page.contains(&format!("role=\"alert\">{words}</p>")), "{page}");
        assert!(token.is_empty() || !page.contains(token), "{page}");
    }
    assert!(!world.everything_public().contains("wrong-wrong"));
}

#[test]
fn a_session_ends_by_sign_out_by_time_and_with_its_token() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let mut thief = browser.clone();
    assert_eq!(thief.get(&world, "/sso/admin").status(), 200);
    let response = submit(&world, &mut browser, "/sso/admin/sign-out", &[]);
    assert_eq!(location(&response), "/sso/admin/sign-in");
    assert_eq!(browser.cookies().count(), 0);
    assert_eq!(
        thief.get(&world, "/sso/admin").status(),
        303,
        "the cookie is worth nothing any more"
    );

    let mut browser = signed_in(&world);
    world.pass(12 * 60 * 60 - 1);
    assert_eq!(browser.get(&world, "/sso/admin").status(), 200);
    world.pass(1);
    assert_eq!(browser.get(&world, "/sso/admin").status(), 303);

    let (_, made) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["read", "write"]}));
    let mut browser = signed_in_with(&world, made["token"].as_str().unwrap());
    assert!(body(&browser.get(&world, "/sso/admin")).contains("&#34;ci&#34;"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
    assert_eq!(
        browser.get(&world, "/sso/admin").status(),
        303,
        "revoked with its token"
    );
}

#[test]
fn who_signs_in_again_and_again_signs_nobody_else_out() {
    let world = World::new();
    let mut admin = signed_in(&world);
    let (_, made) = world.api("POST", "/tokens", &json!({"name": "reader", "scopes": ["read"]}));
    let reader = made["token"].as_str().unwrap();
    let mut browsers: Vec<Browser> = (0..101).map(|_| signed_in_with(&world, reader)).collect();
    let last = |browser: &mut Browser| browser.get(&world, "/sso/admin").status() == 200;
    assert!(last(&mut admin));
    let lasting: Vec<usize> = (0..101).filter(|n| last(&mut browsers[*n])).collect();
    assert_eq!(lasting, (91..101).collect::<Vec<usize>>());
}

#[test]
fn a_token_that_may_read_shows_and_changes_nothing() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let token = |scopes: Value| {
        let (_, made) = world.api(
            "POST",
            "/tokens",
            &json!({"name": format!("of {}", scopes[0].as_str().unwrap()), "scopes": scopes}),
        );
        made["token"].as_str().unwrap().to_owned()
    };
    let mut reader = signed_in_with(&world, &token(json!(["read"])));
    let page = format!("/sso/admin/connections/{id}");
    assert_eq!(reader.get(&world, &page).status(), 200);
    let response = submit(&world, &mut reader, &format!("{page}/disable"), &[]);
    assert_eq!(response.status(), 403);
    assert_eq!(connection(&world, &page)["state"], "enabled");
    let neither = encoded(&[("token", &token(json!(["tokens"])))]);
    assert_eq!(
        Browser::default().post(&world, "/sso/admin/sign-in", &neither).status(),
        422
    );
}

#[test]
fn a166_a_form_from_elsewhere_does_nothing() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let path = format!("/sso/admin/connections/{id}/disable");
    let good = csrf(&world, &mut browser);
    let mut other = signed_in(&world);
    let of_another_session = csrf(&world, &mut other);
    assert_ne!(good, of_another_session);
    for token in ["", "x", &of_another_session] {
        let response = browser.post(&world, &path, &encoded(&[("csrf", token)]));
        assert_eq!(response.status(), 403, "{token}");
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let request = http::Request::builder()
            .method("POST")
            .uri(&path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        let request = request.body(encoded(&[("csrf", &good)]).into_bytes()).unwrap();
        assert_eq!(browser.send(&world, request).status(), 403, "{name}: {value}");
    }
    let as_json = http::Request::builder()
        .method("POST")
        .uri(&path)
        .header("content-type", "text/plain")
        .header("origin", ORIGIN);
    let as_json = as_json.body(encoded(&[("csrf", &good)]).into_bytes()).unwrap();
    assert_eq!(browser.send(&world, as_json).status(), 400);
    let page = format!("/sso/admin/connections/{id}");
    assert_eq!(connection(&world, &page)["state"], "enabled");
    assert_eq!(browser.post(&world, &path, &encoded(&[("csrf", &good)])).status(), 303);
    assert_eq!(connection(&world, &page)["state"], "disabled");
}

#[test]
fn a_get_changes_nothing_and_a_strange_method_is_refused() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    for section in ["disable", "delete", "domains", "metadata"] {
        let response = browser.get(&world, &format!("/sso/admin/connections/{id}/{section}"));
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()["allow"].to_str().unwrap()
            ),
            (405, "POST")
        );
    }
    for path in [
        "/sso/admin/x",
        "/sso/admin/",
        "/sso/admin/connections/conn_aaaaaaaaaaaaaaaaaaaa",
        "/sso/admin/connections/x",
    ] {
        let expected = if path == "/sso/admin/" { 200 } else { 404 };
        assert_eq!(browser.get(&world, path).status(), expected, "{path}");
    }
}

#[test]
fn a_connection_is_added_and_set_up_by_forms() {
    let (world, idp) = (World::new(), Idp::trusted());
    let mut browser = signed_in(&world);
    assert!(body(&browser.get(&world, "/sso/admin")).contains("No connections yet"));
    let page = added(&world, &mut browser, "okta", "Acme.test, bücher.example\n  acme.test ");
    let found = connection(&world, &page);
    assert_eq!(found["domains"], json!(["acme.test", "xn--bcher-kva.example"]));
    assert_eq!(
        (&found["state"], &found["organization"]),
        (&json!("disabled"), &json!("org_1"))
    );
    let shown = body(&browser.get(&world, &format!("{page}?done=created")));
    let acs = found["service_provider"]["acs_url"].as_str().unwrap();
    for expected in [
        "<dt>Single sign-on URL</dt>",
        "<dt>Audience URI (SP Entity ID)</dt>",
        "user.profile.email",
        "Setup not finished",
        "The connection is there, disabled",
    ] {
        assert!(shown.contains(expected), "{expected}");
    }
    assert!(
        shown.matches(acs).count() >= 4,
        "in the values, the steps, and each form of the e-mail"
    );

    let response = submit(&world, &mut browser, &format!("{page}/enable"), &[]);
    assert_eq!(response.status(), 409);
    let saved = submit(
        &world,
        &mut browser,
        &format!("{page}/metadata"),
        &[("xml", &idp.metadata())],
    );
    assert_eq!(location(&saved), format!("{page}?done=metadata#identity-provider"));
    let shown = body(&browser.get(&world, &page));
    let found = connection(&world, &page);
    let certificate = &found["identity_provider"]["signing_certificates"][0];
    for expected in [
        certificate["sha256"].as_str().unwrap(),
        found["identity_provider"]["entity_id"].as_str().unwrap(),
    ] {
        assert!(shown.contains(expected), "{expected}");
    }
}

/// Asserts that the page says `words` beside the field `id`, there alone, and still has what was `typed`.
fn assert_beside(response: &http::Response<Vec<u8>>, id: &str, typed: &str, words: &str) {
    let html = body(response);
    assert!(response.status().is_client_error(), "{id}");
    assert!(
        html.contains(&format!("id=\"{id}-error\" role=\"alert\">{words}")),
        "{id}: {html}"
    );
    assert!(html.contains("aria-invalid=\"true\" autofocus"), "{id}");
    assert!(html.contains(typed), "{id}: {typed}");
    assert_eq!(html.matches("role=\"alert\"").count(), 1, "{id}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each fault")]
fn what_is_wrong_is_said_beside_the_field_and_what_was_typed_is_kept() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let new = "/sso/admin/connections/new";
    let response = submit(
        &world,
        &mut browser,
        new,
        &[
            ("provider", "okta"),
            ("domains", "acme.org\nmallory@other.test"),
            ("name", "Kept"),
        ],
    );
    assert_eq!(response.status(), 422);
    assert_beside(
        &response,
        "new-domains",
        "value=\"Kept\"",
        "&#34;mallory@other.test&#34; is no domain. Expected one such as acme.com.<",
    );
    let response = submit(&world, &mut browser, new, &[("provider", "okta"), ("domains", " ")]);
    assert_eq!(response.status(), 422);
    assert_beside(&response, "new-domains", "", "Enter at least one domain.<");
    let response = submit(
        &world,
        &mut browser,
        new,
        &[("provider", "okta"), ("domains", "acme.test")],
    );
    assert_eq!(response.status(), 409);
    assert_beside(
        &response,
        "new-domains",
        "acme.test</textarea>",
        "Another connection has the domain acme.test",
    );
    for (section, fields, field, typed, words) in [
        (
            "domains",
            vec![("domains", " ")],
            "domains-domains",
            "",
            "Enter a domain.<",
        ),
        (
            "domains",
            vec![("domains", "gmail.com")],
            "domains-domains",
            "value=\"gmail.com\"",
            "gmail.com is of",
        ),
        (
            "domains",
            vec![("remove", "acme.test")],
            "domains-domains",
            "",
            "A connection keeps at least one domain",
        ),
        (
            "general",
            vec![("name", " "), ("provider", "okta"), ("organization", "Kept")],
            "general-name",
            "value=\"Kept\"",
            "Expected 1 to 100",
        ),
        (
            "routing",
            vec![("sign_in_order", "first")],
            "routing-sign_in_order",
            "value=\"first\"",
            "Expected a whole number",
        ),
        (
            "metadata",
            vec![("url", " ")],
            "metadata-url",
            "",
            "Enter the metadata URL.<",
        ),
        (
            "metadata",
            vec![("xml", " ")],
            "metadata-xml",
            "",
            "Paste the metadata XML.<",
        ),
        (
            "metadata",
            vec![("url", "ftp://x")],
            "metadata-url",
            "value=\"ftp://x\"",
            "Expected an https",
        ),
        (
            "manual",
            vec![
                ("sso_url", "https://idp.example/sso"),
                ("entity_id", "urn:x"),
                ("certificates", "MIIno"),
            ],
            "manual-certificates",
            "MIIno</textarea>",
            "Expected certificates as PEM",
        ),
        (
            "manual",
            vec![
                ("sso_url", "http://localhost/"),
                ("entity_id", "urn:x"),
                ("certificates", "MIIno"),
            ],
            "manual-sso_url",
            "value=\"urn:x\"",
            "Expected an https",
        ),
        (
            "delete",
            vec![("name", "acme")],
            "delete-name",
            "value=\"acme\"",
            "Type the name exactly",
        ),
    ] {
        let response = submit(&world, &mut browser, &format!("{page}/{section}"), &fields);
        assert!(response.status().is_client_error(), "{section}");
        assert_beside(&response, field, typed, words);
    }
    assert_eq!(connection(&world, &page)["domains"], json!(["acme.test"]));
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "custom", "acme.test");
    let asked = [
        ("sso_url", "Enter the sign-on URL."),
        ("entity_id", "Enter the entity ID."),
        ("certificates", "Paste at least one signing certificate."),
    ];
    for left_empty in [&asked[..], &asked[1..], &asked[2..]] {
        let fields: Vec<(&str, &str)> = (asked.iter())
            .map(|(name, _)| {
                let typed = match (left_empty.iter().any(|(empty, _)| empty == name), *name) {
                    (true, _) => " ",
                    (false, "sso_url") => "https://idp.example/sso",
                    (false, _) => "urn:idp:example",
                };
                (*name, typed)
            })
            .collect();
        let response = submit(&world, &mut browser, &format!("{page}/manual"), &fields);
        assert_eq!(response.status(), 422);
        let html = body(&response);
        for (name, words) in left_empty {
            let beside = format!("id=\"manual-{name}-error\" role=\"alert\">{words}</p>");
            assert!(html.contains(&beside), "{beside}: {html}");
        }
        assert_eq!(html.matches("role=\"alert\"").count(), left_empty.len());
        assert_eq!(html.matches(" autofocus").count(), 1, "the first has the focus");
        assert!(html.contains(&format!(
            "aria-describedby=\"manual-{0}-error manual-{0}-hint\" aria-invalid=\"true\" autofocus",
            left_empty[0].0
        )));
    }
}

#[test]
fn the_same_is_so_for_what_is_seldom_changed() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let advanced = |changed: (&'static str, &'static str)| {
        let usual = [
            ("sign_requests", "auto"),
            ("login_hint", "off"),
            ("request_lifetime_minutes", "60"),
            ("idp_initiated", "bounce"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| *name != changed.0);
        kept.chain([changed, ("just_in_time_sign_up", "true")])
            .collect::<Vec<_>>()
    };
    for (changed, field, words) in [
        (
            ("request_lifetime_minutes", "1441"),
            "advanced-request_lifetime_minutes",
            "Expected 1 to 1440",
        ),
        (
            ("relay_state_targets", "https://evil.example"),
            "advanced-relay_state_targets",
            "Expected a path",
        ),
        (("sha1_until", "soon"), "advanced-sha1_until", "Expected a date"),
        (
            ("sha1_until", "2026-08-01"),
            "advanced-sha1_reason",
            "Expected a reason",
        ),
        (("name_id_format", "email"), "advanced-name_id_format", "Expected a URI"),
    ] {
        let response = submit(&world, &mut browser, &format!("{page}/advanced"), &advanced(changed));
        assert!(response.status().is_client_error(), "{changed:?}");
        assert_beside(&response, field, changed.1, words);
    }
}

#[test]
fn every_setting_can_be_changed_by_its_form() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let mut change = |section: &str, fields: &[(&str, &str)]| {
        let response = submit(&world, &mut browser, &format!("{page}/{section}"), fields);
        assert_eq!(response.status(), 303, "{section}: {}", body(&response));
        connection(&world, &page)
    };
    let found = change("domains", &[("domains", "acme.example")]);
    assert_eq!(found["domains"], json!(["acme.test", "acme.example"]));
    assert_eq!(
        change("domains", &[("remove", "acme.test")])["domains"],
        json!(["acme.example"])
    );
    let settings = body(&signed_in(&world).get(&world, &format!("{page}/settings")));
    assert!(settings.contains(">Its place among the connections to choose from</label>"));
    let found = change("routing", &[("match_subdomains", "true"), ("sign_in_order", "7")]);
    assert_eq!(
        (&found["match_subdomains"], &found["sign_in_order"]),
        (&json!(true), &json!(7))
    );
    let found = change("attributes", &[("email", "Work mail"), ("groups", "")]);
    assert_eq!(
        found["attribute_map"],
        json!({"email": "Work mail", "first_name": null, "last_name": null, "groups": null})
    );
    let found = change(
        "general",
        &[("name", "Globex"), ("provider", "entra"), ("organization", "")],
    );
    assert_eq!(
        (&found["name"], &found["provider"], &found["organization"]),
        (&json!("Globex"), &json!("entra"), &json!(null))
    );
    let found = change(
        "advanced",
        &[
            ("sign_requests", "always"),
            ("login_hint", "login_hint_parameter"),
            ("force_authn", "true"),
            ("request_lifetime_minutes", "15"),
            ("name_id_format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
            ("requested_authn_context", "urn:a\r\n\r\nurn:b"),
            ("idp_initiated", "direct"),
            ("relay_state_targets", "/app/\n/home"),
            ("require_signed_assertion", "true"),
            ("decrypt_assertions", "true"),
            ("required_attributes", "first_name"),
            ("required_attributes", "groups"),
            ("sha1_until", "2026-08-01"),
            ("sha1_reason", "AD FS 2.0, until the move"),
            ("sp_entity_id", "urn:old:sp"),
        ],
    );
    for (name, value) in [
        ("sign_requests", json!("always")),
        ("login_hint", json!("login_hint_parameter")),
        ("force_authn", json!(true)),
        ("request_lifetime_minutes", json!(15)),
        ("requested_authn_context", json!(["urn:a", "urn:b"])),
        ("idp_initiated", json!("direct")),
        ("relay_state_targets", json!(["/app/", "/home"])),
        ("require_signed_assertion", json!(true)),
        ("require_signed_response", json!(false)),
        ("decrypt_assertions", json!(true)),
        ("just_in_time_sign_up", json!(false)),
        ("required_attributes", json!(["first_name", "groups"])),
        (
            "sha1_exception",
            json!({"until": "2026-08-01T00:00:00Z", "reason": "AD FS 2.0, until the move"}),
        ),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    assert_eq!(found["service_provider"]["entity_id"], "urn:old:sp");
    // What the page then shows, sent back as it is, changes nothing.
    let shown = body(&browser.get(&world, &format!("{page}/settings")));
    for expected in [
        "value=\"2026-08-01\"",
        "value=\"urn:old:sp\"",
        "<option value=\"always\" selected>",
        "value=\"groups\" checked",
    ] {
        assert!(shown.contains(expected), "{expected}");
    }
    let response = submit(&world, &mut browser, &format!("{page}/delete"), &[("name", "Globex")]);
    assert_eq!(location(&response), "/sso/admin?done=delete");
    assert!(body(&browser.get(&world, "/sso/admin?done=delete")).contains("The connection is deleted"));
}

#[test]
fn an_identity_provider_can_be_typed() {
    let (world, idp) = (World::new(), Idp::trusted());
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "custom", "acme.test");
    let metadata = idp.metadata();
    let base64 = metadata
        .split("X509Certificate>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----");
    for (certificates, binding) in [
        (base64.to_owned(), "post"),
        (pem.clone(), "redirect"),
        (format!("{base64}\r\n\r\n{base64}"), "redirect"),
    ] {
        let fields = [
            ("sso_url", "https://idp.example/sso"),
            ("entity_id", "urn:idp:example"),
            ("binding", binding),
            ("certificates", certificates.as_str()),
        ];
        let path = format!("{page}/manual");
        let response = submit(&world, &mut browser, &path, &fields);
        let response = match response.status().as_u16() {
            // It takes the place of the one before.
            200 => press(&world, &mut browser, &body(&response), &path),
            _ => response,
        };
        assert_eq!(response.status(), 303, "{}", body(&response));
        let idp = connection(&world, &page)["identity_provider"].clone();
        assert_eq!(
            idp["single_sign_on"],
            json!([{"binding": binding, "url": "https://idp.example/sso"}])
        );
        assert_eq!(idp["signing_certificates"].as_array().unwrap().len(), 1);
    }
    // Another one takes its place only when that is said.
    let fields = [
        ("sso_url", "https://other.example/sso"),
        ("entity_id", "urn:idp:other"),
        ("binding", "redirect"),
        ("certificates", pem.as_str()),
    ];
    let path = format!("{page}/manual");
    let response = submit(&world, &mut browser, &path, &fields);
    assert_eq!(response.status(), 200);
    let asked = body(&response);
    assert!(asked.contains("This is another identity provider"));
    assert_eq!(
        connection(&world, &page)["identity_provider"]["entity_id"],
        "urn:idp:example"
    );
    assert_eq!(press(&world, &mut browser, &asked, &path).status(), 303);
    assert_eq!(
        connection(&world, &page)["identity_provider"]["entity_id"],
        "urn:idp:other"
    );
}

#[test]
fn what_people_type_never_becomes_markup() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let id = page.rsplit('/').next().unwrap().to_owned();
    let name = format!("A{HOSTILE}");
    world.patch(
        &id,
        &json!({
            "name": name, "organization": name, "sp_entity_id": name,
            "attribute_map": {"email": name, "first_name": name, "last_name": name, "groups": name},
            "sha1_exception": {"until": "2026-08-01T00:00:00Z", "reason": name},
        }),
    );
    let metadata = Idp::trusted().metadata();
    let entity = metadata.split("entityID=\"").nth(1).unwrap().split('"').next().unwrap();
    let hostile_entity = "urn:&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;";
    let (status, _) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata.replacen(entity, hostile_entity, 1)}),
    );
    assert_eq!(status, 200);
    let shown = |response: &http::Response<Vec<u8>>| {
        let html = body(response);
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("<b a="), "{html}");
        assert_eq!(html.matches("<script").count(), 1, "our own file alone");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("script-src 'self';")
                && !policy.contains("unsafe")
        );
        html
    };
    for path in ["/sso/admin".to_owned(), page.clone(), format!("{page}/settings")] {
        let html = shown(&browser.get(&world, &path));
        assert!(html.contains("&#60;script&#62;"), "{path}: it is there, as text");
    }
    for (section, field) in [
        ("domains", "domains"),
        ("general", "name"),
        ("general", "provider"),
        ("attributes", "email"),
        ("advanced", "sp_entity_id"),
        ("advanced", "sign_requests"),
        ("advanced", "requested_authn_context"),
        ("delete", "name"),
        ("metadata", "url"),
        ("metadata", "xml"),
        ("manual", "certificates"),
        ("manual", "sso_url"),
        ("routing", "sign_in_order"),
    ] {
        let long = format!("{HOSTILE}\u{1}");
        shown(&submit(
            &world,
            &mut browser,
            &format!("{page}/{section}"),
            &[(field, &long)],
        ));
    }
    for field in ["domains", "name", "organization"] {
        let fields = [("provider", "okta"), (field, HOSTILE)];
        shown(&submit(&world, &mut browser, "/sso/admin/connections/new", &fields));
    }
    shown(&browser.get(&world, &format!("{page}?done={}", encoded(&[("x", HOSTILE)]))));
    let sign_in = format!(
        "/sso/admin/sign-in?{}",
        encoded(&[("return_to", &format!("/sso/admin/{HOSTILE}"))])
    );
    shown(&Browser::default().get(&world, &sign_in));
}
