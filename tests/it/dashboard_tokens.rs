//! The dashboard: the admin tokens.

use serde_json::{Value, json};

use crate::support::dashboard::{HOSTILE, body, csrf, encoded, signed_in, signed_in_with, submit};
use crate::support::world::{Browser, World, location};

const TOKENS: &str = "/sso/admin/tokens";

/// Makes a token by the form; its text.
fn made(world: &World, browser: &mut Browser, name: &str, scopes: &[&str]) -> String {
    let mut fields = vec![("name", name)];
    fields.extend(scopes.iter().map(|scope| ("scopes", *scope)));
    let response = submit(world, browser, TOKENS, &fields);
    assert_eq!(response.status(), 201, "{}", body(&response));
    let page = body(&response);
    let secret = page.split("data-copy=\"Token\">").nth(1).unwrap();
    secret.split('<').next().unwrap().to_owned()
}

fn listed(world: &World) -> Vec<Value> {
    world.api("GET", "/tokens", &json!({})).1["tokens"]
        .as_array()
        .unwrap()
        .clone()
}

fn id_of(world: &World, name: &str) -> String {
    let tokens = listed(world);
    let token = tokens.iter().find(|token| token["name"] == name).unwrap();
    token["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_made_shown_once_and_works() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let fields = [("name", "ci"), ("scopes", "read"), ("expires_at", "2030-01-31")];
    let response = submit(&world, &mut browser, TOKENS, &fields);
    let page = body(&response);
    let secret = page
        .split("data-copy=\"Token\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(secret.starts_with("sso_"), "{secret}");
    assert_eq!(response.headers()["cache-control"], "no-store");

    let later = body(&browser.get(&world, TOKENS));
    assert!(later.contains("<strong>ci</strong>") && !later.contains(secret));
    assert!(
        later.contains("2030-01-31") && later.contains("<span class=\"sub\">never</span>"),
        "{later}"
    );
    assert!(!world.everything_registered().contains(secret));
    let token = &listed(&world)[0];
    assert_eq!(
        (&token["scopes"], &token["expires_at"], &token["created_by"]),
        (
            &json!(["read"]),
            &json!("2030-01-31T00:00:00Z"),
            &json!("dashboard (token ADMIN_TOKEN)")
        )
    );
    let mut theirs = signed_in_with(&world, secret);
    assert_eq!(theirs.get(&world, "/sso/admin").status(), 200);
    let used = body(&browser.get(&world, TOKENS));
    assert!(!used.contains("<span class=\"sub\">never</span>"), "{used}");
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_nothing_is_made() {
    let world = World::new();
    let mut browser = signed_in(&world);
    made(&world, &mut browser, "ci", &["read"]);
    for (fields, status, error) in [
        (vec![("name", ""), ("scopes", "read")], 422, "id=\"token-name-error\""),
        (
            vec![("name", HOSTILE), ("scopes", "read")],
            422,
            "id=\"token-name-error\"",
        ),
        (vec![("name", "x")], 422, "id=\"scopes-error\""),
        (
            vec![("name", "x"), ("scopes", "everything")],
            422,
            "id=\"scopes-error\"",
        ),
        (
            vec![("name", "x"), ("scopes", "read"), ("expires_at", "2001-01-01")],
            422,
            "id=\"token-expires_at-error\"",
        ),
        (vec![("name", "ci"), ("scopes", "read")], 409, "id=\"token-name-error\""),
    ] {
        let response = submit(&world, &mut browser, TOKENS, &fields);
        let page = body(&response);
        assert_eq!(response.status(), status, "{fields:?}");
        assert!(
            page.contains(error) && page.contains("<title>Error: "),
            "{fields:?}: {page}"
        );
        assert!(!page.contains("<script>alert"));
    }
    let kept = [("name", "mine"), ("scopes", "write"), ("expires_at", "2001-01-01")];
    let page = body(&submit(&world, &mut browser, TOKENS, &kept));
    assert!(page.contains("value=\"mine\"") && page.contains("value=\"2001-01-01\""));
    assert!(page.contains("value=\"write\" checked"), "{page}");
    assert_eq!(listed(&world).len(), 1);
}

#[test]
fn a_token_is_revoked_after_a_question() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let secret = made(&world, &mut browser, "ci", &["read", "tokens"]);
    let mut theirs = signed_in_with(&world, &secret);
    let revoke = format!("{TOKENS}/{}/revoke", id_of(&world, "ci"));
    assert!(body(&browser.get(&world, TOKENS)).contains(&format!("href=\"{revoke}\"")));

    let question = body(&browser.get(&world, &revoke));
    assert!(question.contains("Revoke the token “ci”?") && !question.contains("you will be signed out"));
    assert!(body(&theirs.get(&world, &revoke)).contains("you will be signed out"));
    assert_eq!(theirs.get(&world, TOKENS).status(), 200, "a question changes nothing");
    let foreign = browser.post(&world, &revoke, &encoded(&[("csrf", "x")]));
    assert_eq!(foreign.status(), 403);

    let done = submit(&world, &mut browser, &revoke, &[]);
    assert_eq!(location(&done), format!("{TOKENS}?done=revoke"));
    assert!(body(&browser.get(&world, &location(&done))).contains("The token is revoked"));
    assert_eq!(theirs.get(&world, TOKENS).status(), 303, "its session has ended");
    assert_eq!(
        browser.get(&world, &revoke).status(),
        404,
        "there is nothing left to ask"
    );
    assert_eq!(
        browser
            .get(&world, &format!("{TOKENS}/tok_aaaaaaaaaaaaaaaaaaaa/revoke"))
            .status(),
        404
    );
    let unknown = submit(
        &world,
        &mut browser,
        &format!("{TOKENS}/tok_aaaaaaaaaaaaaaaaaaaa/revoke"),
        &[],
    );
    assert_eq!(unknown.status(), 404);
    assert!(body(&unknown).contains("There is no such token."));
}

#[test]
fn the_token_of_the_session_is_marked() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let own = |page: &str| {
        page.split("This session")
            .next()
            .unwrap()
            .rsplit("<strong>")
            .next()
            .unwrap()
            .split('<')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(own(&body(&browser.get(&world, TOKENS))), "ADMIN_TOKEN");
    let secret = made(&world, &mut browser, "ops", &["read", "tokens"]);
    made(&world, &mut browser, "ci", &["read"]);
    let mut ops = signed_in_with(&world, &secret);
    let page = body(&ops.get(&world, TOKENS));
    assert_eq!(page.matches("This session").count(), 1);
    assert_eq!(own(&page), "ops");
}

#[test]
fn tokens_take_their_scope_and_give_no_more_than_their_maker_has() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let writer = made(&world, &mut browser, "writer", &["read", "write"]);
    let mut writer = signed_in_with(&world, &writer);
    let revoke = format!("{TOKENS}/{}/revoke", id_of(&world, "writer"));
    for path in [TOKENS, &revoke] {
        let response = writer.get(&world, path);
        assert_eq!(response.status(), 403, "{path}");
        assert!(body(&response).contains("does not have the scope tokens"));
    }
    let form = [("name", "more"), ("scopes", "tokens")];
    for (path, fields) in [(TOKENS, &form[..]), (&revoke, &[])] {
        assert_eq!(submit(&world, &mut writer, path, fields).status(), 403, "{path}");
    }

    let keeper = made(&world, &mut browser, "keeper", &["read", "tokens"]);
    let mut keeper = signed_in_with(&world, &keeper);
    assert!(!body(&keeper.get(&world, TOKENS)).contains("value=\"write\""));
    let more = submit(&world, &mut keeper, TOKENS, &[("name", "more"), ("scopes", "write")]);
    assert_eq!(more.status(), 403);
    assert!(body(&more).contains("Your token does not allow write"));
    made(&world, &mut keeper, "as much", &["read"]);
    assert_eq!(listed(&world).len(), 3);

    let mut stranger = Browser::default();
    assert!(location(&stranger.get(&world, &revoke)).starts_with("/sso/admin/sign-in?return_to="));
    let form = encoded(&[("csrf", &csrf(&world, &mut browser)), ("name", "x"), ("scopes", "read")]);
    assert_eq!(stranger.post(&world, TOKENS, &form).status(), 303);
    assert_eq!(listed(&world).len(), 3);
}

/// The form offers the last day of the visitor's own token, which works as it is.
#[test]
fn a_token_with_an_end_makes_none_that_lasts_longer() {
    let world = World::new();
    let keeper = json!({"name": "keeper", "scopes": ["read", "tokens"], "expires_at": "2026-08-01T12:00:00Z"});
    let (_, keeper) = world.api("POST", "/tokens", &keeper);
    let mut browser = signed_in_with(&world, keeper["token"].as_str().unwrap());
    let page = body(&browser.get(&world, TOKENS));
    assert!(
        page.contains("value=\"2026-08-01\"") && page.contains("no later than your own token"),
        "{page}"
    );
    for end in ["", "2026-08-02"] {
        let fields = [("name", "later"), ("scopes", "read"), ("expires_at", end)];
        let refused = submit(&world, &mut browser, TOKENS, &fields);
        assert_eq!(refused.status(), 422, "{end}");
        let page = body(&refused);
        assert!(
            page.contains("id=\"token-expires_at-error\"") && page.contains("when your own token ends"),
            "{page}"
        );
    }
    let fields = [("name", "offered"), ("scopes", "read"), ("expires_at", "2026-08-01")];
    assert_eq!(submit(&world, &mut browser, TOKENS, &fields).status(), 201);
    assert_eq!(listed(&world).len(), 2);
}
