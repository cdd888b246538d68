//! Admin tokens: what each scope allows, when a token ends, and that nothing of it is kept but its hash.

use edge_saml::app::registry::Actor;
use edge_saml::app::registry::tokens::{AddToken, Scope, TokenRefusal};
use edge_saml::saml::id::TokenId;
use edge_saml::token::Token;
use serde_json::{Value, json};

use crate::support::dashboard::{csrf, encoded, signed_in_with};
use crate::support::world::{ADMIN_TOKEN, World, location};

/// A call with any token.
fn call(world: &World, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("/sso/api/v1{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let response = world.handle(request.body(serde_json::to_vec(body).unwrap()).unwrap());
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

/// Makes a token; its text and its identifier.
fn token(world: &World, body: &Value) -> (String, String) {
    let (status, made) = world.api("POST", "/tokens", body);
    assert_eq!(status, 201, "{made}");
    (
        made["token"].as_str().unwrap().to_owned(),
        made["id"].as_str().unwrap().to_owned(),
    )
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[test]
fn each_scope_allows_its_calls_and_no_others() {
    let world = World::new();
    let connection = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
    let (_, created) = world.api("POST", "/connections", &connection);
    let path = format!("/connections/{}", created["id"].as_str().unwrap());
    let rename = json!({"name": "Acme Inc."});
    let calls = [
        ("read", "GET", "/connections".to_owned(), json!({})),
        ("read", "HEAD", path.clone(), json!({})),
        ("read", "GET", "/service-provider/keys".to_owned(), json!({})),
        ("write", "PATCH", path.clone(), rename),
        ("write", "POST", format!("{path}/disable"), json!({})),
        ("tokens", "GET", "/tokens".to_owned(), json!({})),
        (
            "tokens",
            "DELETE",
            "/tokens/tok_aaaaaaaaaaaaaaaaaaaa".to_owned(),
            json!({}),
        ),
    ];
    for (held, allowed) in [
        ("read", &["read"][..]),
        ("write", &["read", "write"]),
        ("tokens", &["tokens"]),
    ] {
        let (text, _) = token(&world, &json!({"name": held, "scopes": [held]}));
        for (needed, method, path, body) in &calls {
            let answer = call(&world, &text, method, path, body);
            if allowed.contains(needed) {
                assert_ne!(answer.0, 403, "{held}: {method} {path}");
            } else {
                assert_eq!(answer.0, 403, "{held}: {method} {path}");
                if *method != "HEAD" {
                    assert_eq!(code(&answer).1, "insufficient_scope");
                }
            }
        }
        // What is nowhere is nowhere for everyone who may ask.
        assert_eq!(
            code(&call(&world, &text, "GET", "/nothing", &json!({}))),
            (404, "not_found")
        );
        assert_eq!(call(&world, &text, "PUT", "/connections", &json!({})).0, 405);
    }
}

#[test]
fn no_token_makes_one_that_allows_more() {
    let world = World::new();
    let (text, _) = token(&world, &json!({"name": "maker", "scopes": ["tokens", "write"]}));
    let derive = |name: &str, scopes: &[&str]| {
        call(
            &world,
            &text,
            "POST",
            "/tokens",
            &json!({"name": name, "scopes": scopes}),
        )
    };
    assert_eq!(derive("a", &["read"]).0, 201);
    let (status, minted) = derive("b", &["write", "tokens", "write"]);
    assert_eq!((status, &minted["scopes"]), (201, &json!(["write", "tokens"])));
    assert_eq!(minted["created_by"], json!("token \"maker\""));
    let (narrow, _) = token(&world, &json!({"name": "narrow", "scopes": ["tokens"]}));
    for scopes in [json!(["read"]), json!(["tokens", "write"])] {
        let answer = call(
            &world,
            &narrow,
            "POST",
            "/tokens",
            &json!({"name": "c", "scopes": scopes}),
        );
        assert_eq!(code(&answer), (403, "insufficient_scope"));
    }
}

#[test]
fn no_token_makes_one_that_lasts_longer() {
    let world = World::new();
    let end = "2026-07-01T13:00:00Z";
    let (text, _) = token(
        &world,
        &json!({"name": "maker", "scopes": ["tokens", "read"], "expires_at": end}),
    );
    let derive = |name: &str, end: Value| {
        let body = json!({"name": name, "scopes": ["read"], "expires_at": end});
        call(&world, &text, "POST", "/tokens", &body)
    };
    for later in [
        Value::Null,
        json!("2026-07-01T13:00:01Z"),
        json!("2099-01-01T00:00:00Z"),
    ] {
        let (status, refused) = derive("a", later);
        assert_eq!(
            (
                status,
                &refused["error"]["code"],
                &refused["error"]["field"],
                &refused["error"]["message"]
            ),
            (
                422,
                &json!("invalid_field"),
                &json!("expires_at"),
                &json!(format!(
                    "expires_at: expected a time up to {end}, when your own token ends."
                ))
            )
        );
    }
    let (_, listed) = world.api("GET", "/tokens", &json!({}));
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1, "nothing was made");
    assert_eq!(derive("a", json!(end)).0, 201);
    assert_eq!(derive("b", json!("2026-07-01T14:59:59+02:00")).0, 201);
    // One without an end makes what lasts as long.
    let (text, _) = token(&world, &json!({"name": "lasting", "scopes": ["tokens"]}));
    assert_eq!(
        call(
            &world,
            &text,
            "POST",
            "/tokens",
            &json!({"name": "c", "scopes": ["tokens"]})
        )
        .0,
        201
    );
}

#[test]
fn a_token_that_is_revoked_while_a_body_is_on_its_way_does_nothing() {
    let world = World::new();
    let scopes = json!({"name": "maker", "scopes": ["tokens", "write", "read"]});
    let (text, id) = token(&world, &scopes);
    let mut browser = signed_in_with(&world, &text);
    let csrf = csrf(&world, &mut browser);
    let cookie = format!("__Host-sso_admin={}", browser.cookies().next().unwrap());
    let app = world.app();
    let head = |path: &str, kind: &str| {
        let request = http::Request::builder().method("POST").uri(path);
        let request = request.header("content-type", kind).header("cookie", &cookie);
        let request = request.header("authorization", format!("Bearer {text}"));
        let mut head = request.body(Vec::new()).unwrap();
        let refused = futures_executor::block_on(app.refuse_by_head(&mut head));
        assert!(refused.is_none(), "{path}");
        head
    };
    let mut call = head("/sso/api/v1/tokens", "application/json");
    let mut form = head("/sso/admin/tokens", "application/x-www-form-urlencoded");
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
    let before = world.everything_registered();
    *call.body_mut() = serde_json::to_vec(&json!({"name": "heir", "scopes": ["tokens"]})).unwrap();
    *form.body_mut() = encoded(&[("csrf", &csrf), ("name", "heir"), ("scopes", "read")]).into_bytes();
    assert_eq!(futures_executor::block_on(app.handle(call)).status(), 401);
    let led = futures_executor::block_on(app.handle(form));
    assert_eq!(
        (led.status().as_u16(), location(&led).as_str()),
        (303, "/sso/admin/sign-in?return_to=%2Fsso%2Fadmin%2Ftokens")
    );
    // However late the call itself comes.
    let add = AddToken {
        id: TokenId::from_random(&[7; 32]),
        hash: Token::new(&[7; 32]).hash(),
        name: "heir".to_owned(),
        scopes: vec![Scope::Read],
        expires_at: None,
        maker: Some(TokenId::parse(&id).unwrap()),
        actor: Actor::new("token \"maker\""),
    };
    let refused = world.on_registry(&add).unwrap().reply;
    assert!(matches!(refused, Err(TokenRefusal::OutlastsMaker(_))), "{refused:?}");
    assert_eq!(world.everything_registered(), before);
}

#[test]
fn a_token_ends_when_it_is_revoked_and_when_its_time_is_over() {
    let world = World::new();
    let (lasting, id) = token(&world, &json!({"name": "lasting", "scopes": ["read"]}));
    let body = json!({"name": "short", "scopes": ["read"], "expires_at": "2026-07-01T13:00:00+00:00"});
    let (short, _) = token(&world, &body);
    let status = |text: &str| call(&world, text, "GET", "/connections", &json!({})).0;
    assert_eq!((status(&lasting), status(&short)), (200, 200));
    world.pass(3_599);
    assert_eq!(status(&short), 200);
    world.pass(1);
    assert_eq!((status(&lasting), status(&short)), (200, 401));
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
    assert_eq!(status(&lasting), 401);
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
}

/// The audit log calls tokens by their names.
#[test]
fn no_token_has_the_name_of_another_not_even_of_one_that_has_ended() {
    let world = World::new();
    let (_, id) = token(&world, &json!({"name": "Revoked", "scopes": ["read"]}));
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
    let body = json!({"name": "Übersicht", "scopes": ["read"], "expires_at": "2026-07-01T13:00:00Z"});
    token(&world, &body);
    token(&world, &json!({"name": "ci", "scopes": ["read"]}));
    world.pass(3_600);
    for name in [
        "ci",
        "CI",
        "Revoked",
        "revoked",
        "Übersicht",
        "ÜBERSICHT",
        "ADMIN_TOKEN",
        "admin_token",
    ] {
        let taken = world.api("POST", "/tokens", &json!({"name": name, "scopes": ["read"]}));
        assert_eq!(code(&taken), (409, "token_name_taken"), "{name}");
        assert_eq!(taken.1["error"]["field"], "name");
    }
    token(&world, &json!({"name": "ci 2", "scopes": ["read"]}));
}

#[test]
fn the_last_use_is_noted_now_and_then() {
    let world = World::new();
    let (text, _) = token(&world, &json!({"name": "ci", "scopes": ["read"]}));
    let last_use = || world.api("GET", "/tokens", &json!({})).1["tokens"][0]["last_used_at"].clone();
    assert_eq!(last_use(), Value::Null);
    let mut uses = Vec::new();
    for seconds in [0, 299, 1, 301] {
        world.pass(seconds);
        assert_eq!(call(&world, &text, "GET", "/connections", &json!({})).0, 200);
        uses.push(last_use());
    }
    let at = |time: &str| json!(format!("2026-07-01T12:{time}Z"));
    assert_eq!(uses, [at("00:00"), at("00:00"), at("05:00"), at("10:01")]);
}

#[test]
fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let world = World::new();
    let (text, id) = token(&world, &json!({"name": "ci", "scopes": ["write"]}));
    assert_eq!((&text[..4], text.len()), ("sso_", 47));
    let (_, listed) = world.api("GET", "/tokens", &json!({}));
    assert_eq!(
        listed,
        json!({"tokens": [{
            "id": id, "name": "ci", "scopes": ["write"], "created_at": "2026-07-01T12:00:00Z", "created_by": "token ADMIN_TOKEN",
            "expires_at": null, "last_used_at": null, "revoked_at": null,
        }]})
    );
    let kept = world.everything_registered();
    assert!(kept.contains(&id), "{kept}");
    for secret in [&text[..], &text[4..], ADMIN_TOKEN] {
        assert!(!kept.contains(secret) && !world.everything_public().contains(secret));
    }
    // Nor is anything but the whole token accepted.
    for wrong in [
        "",
        "sso_",
        &id,
        &text[4..],
        &text[..46],
        &format!("{text}A"),
        &format!("SSO_{}", &text[4..]),
    ] {
        assert_eq!(call(&world, wrong, "GET", "/connections", &json!({})).0, 401, "{wrong}");
    }
}

#[test]
fn what_is_no_token_to_be_made_is_refused() {
    let world = World::new();
    let refused = |body: Value| {
        let answer = world.api("POST", "/tokens", &body);
        let field = answer.1["error"]["field"].as_str().unwrap_or_default().to_owned();
        (answer.0, field)
    };
    for (body, field) in [
        (json!({"name": " ", "scopes": ["read"]}), "name"),
        (json!({"name": "a \"quoted\" name", "scopes": ["read"]}), "name"),
        (json!({"name": "x".repeat(101), "scopes": ["read"]}), "name"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (
            json!({"name": "x", "scopes": ["read"], "expires_at": "2026-07-01T12:00:00Z"}),
            "expires_at",
        ),
        (
            json!({"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}),
            "expires_at",
        ),
    ] {
        assert_eq!(refused(body), (422, field.to_owned()));
    }
    for (body, field) in [
        (json!({"name": "x"}), "scopes"),
        (json!({"name": "x", "scopes": ["all"]}), "scopes"),
        (json!({"name": "x", "scopes": ["read"], "y": 1}), "y"),
    ] {
        assert_eq!(refused(body), (422, field.to_owned()));
    }
    let unknown = world.api("DELETE", "/tokens/tok_aaaaaaaaaaaaaaaaaaaa", &json!({}));
    assert_eq!(code(&unknown), (404, "token_unknown"));
}

#[test]
fn there_are_only_so_many_tokens() {
    let world = World::new();
    for n in 0..100 {
        token(&world, &json!({"name": format!("n{n}"), "scopes": ["read"]}));
    }
    let full = || world.api("POST", "/tokens", &json!({"name": "more", "scopes": ["read"]}));
    assert_eq!(code(&full()), (409, "too_many_tokens"));
    // Those that were revoked last stay to be seen, as many again.
    for round in 0..2 {
        let (_, listed) = world.api("GET", "/tokens", &json!({}));
        for token in listed["tokens"].as_array().unwrap() {
            world.api(
                "DELETE",
                &format!("/tokens/{}", token["id"].as_str().unwrap()),
                &json!({}),
            );
        }
        token(&world, &json!({"name": format!("r{round}"), "scopes": ["read"]}));
    }
    let (_, listed) = world.api("GET", "/tokens", &json!({}));
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 101);
}

#[test]
fn a_token_that_is_not_in_force_is_answered_alike_whatever_it_was() {
    let world = World::new();
    let ends = json!({"name": "ends", "scopes": ["read"], "expires_at": "2026-07-01T12:00:01Z"});
    let (expired, _) = token(&world, &ends);
    let (revoked, id) = token(&world, &json!({"name": "revoked", "scopes": ["read"]}));
    assert_eq!(world.api("DELETE", &format!("/tokens/{id}"), &json!({})).0, 204);
    world.pass(1);
    let message = "The admin token that was sent is unknown, expired or revoked.";
    let unknown = format!("sso_{}", "A".repeat(43));
    for sent in [&expired[..], &revoked, &unknown, "x"] {
        assert_eq!(
            call(&world, sent, "GET", "/connections", &json!({})),
            (401, json!({"error": {"code": "unauthorized", "message": message}})),
            "{sent}"
        );
    }
    let message = "Send an admin token in the header Authorization: Bearer …";
    for header in [None, Some("Bearer"), Some("Bearer "), Some("Basic YTpi")] {
        let mut request = http::Request::builder().uri("/sso/api/v1/connections");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let response = world.handle(request.body(Vec::new()).unwrap());
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(
            (response.status().as_u16(), &answer["error"]["message"]),
            (401, &json!(message)),
            "{header:?}"
        );
    }
}
