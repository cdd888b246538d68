//! How the admin API is called: conditions, pages, and calls that are repeated.

use edge_saml::app::sql::Sql;
use serde_json::{Value, json};

use crate::support::world::{ADMIN_TOKEN, World};

/// A call with more headers than most; the status, the entity tag and the body.
fn call(world: &World, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, String, Value) {
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("/sso/api/v1{path}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = world.handle(request.body(serde_json::to_vec(body).unwrap()).unwrap());
    let tag = response
        .headers()
        .get("etag")
        .map(|tag| tag.to_str().unwrap().to_owned());
    (
        response.status().as_u16(),
        tag.unwrap_or_default(),
        serde_json::from_slice(response.body()).unwrap_or(Value::Null),
    )
}

fn create(world: &World, domain: &str, organization: &Value) -> String {
    let body = json!({"name": domain, "provider": "okta", "domains": [domain], "organization": organization});
    let (status, created) = world.api("POST", "/connections", &body);
    assert_eq!(status, 201, "{created}");
    created["id"].as_str().unwrap().to_owned()
}

fn code(answer: &(u16, String, Value)) -> (u16, &str) {
    (answer.0, answer.2["error"]["code"].as_str().unwrap_or_default())
}

#[test]
fn a_change_is_made_to_the_version_that_was_seen_or_not_at_all() {
    let world = World::new();
    let path = format!("/connections/{}", create(&world, "acme.test", &Value::Null));
    let (status, first, shown) = call(&world, "GET", &path, &[], &Value::Null);
    assert_eq!((status, &first[..], &shown["generation"]), (200, "\"1\"", &json!(1)));
    let rename = |tag: &str, name: &str| call(&world, "PATCH", &path, &[("if-match", tag)], &json!({"name": name}));
    let (status, second, _) = rename(&first, "One");
    assert_eq!((status, &second[..]), (200, "\"2\""));
    for stale in [&first[..], "\"1\", \"3\"", "W/\"2\"", "2", "", "\"two\""] {
        assert_eq!(code(&rename(stale, "Two")), (412, "precondition_failed"), "{stale}");
    }
    for fresh in ["\"2\"", "*", "\"1\", \"2\"", "\"1\",\"2\",\"3\""] {
        // Nothing changes: the version stays.
        let (status, tag, _) = rename(fresh, "One");
        assert_eq!((status, &tag[..]), (200, "\"2\""), "{fresh}");
    }
    let xml = json!({"xml": crate::support::idp::Idp::trusted().metadata()});
    for (method, action, body) in [
        ("POST", "/metadata", &xml),
        (
            "POST",
            "/enable",
            &json!({"override_reason": "a test of another thing"}),
        ),
        ("POST", "/disable", &json!({})),
        ("DELETE", "", &json!({})),
    ] {
        let (_, present, _) = call(&world, "GET", &path, &[], &Value::Null);
        let path = format!("{path}{action}");
        let stale = call(&world, method, &path, &[("if-match", &first)], body);
        assert_eq!(code(&stale), (412, "precondition_failed"), "{method} {path}");
        let done = call(&world, method, &path, &[("if-match", &present)], body);
        assert!(matches!(done.0, 200 | 204), "{method} {path}: {done:?}");
    }
    let gone = call(&world, "DELETE", &path, &[("if-match", "*")], &Value::Null);
    assert_eq!(code(&gone), (404, "connection_unknown"));
}

#[test]
fn a_draft_is_changed_as_it_was_seen_or_not_at_all() {
    let world = World::new();
    let id = world.connection(&crate::support::idp::Idp::trusted());
    let path = format!("/connections/{id}/draft");
    let none = Value::Null;
    let early = call(&world, "PATCH", &path, &[("if-match", "*")], &json!({"name": "One"}));
    assert_eq!(code(&early), (412, "precondition_failed"), "there is none yet");
    let (status, first, draft) = call(&world, "PATCH", &path, &[], &json!({"name": "One"}));
    assert_eq!((status, &draft["revision"]), (200, &json!(1)));
    assert_eq!(call(&world, "GET", &path, &[], &none).1, first);
    let (status, second, _) = call(&world, "PATCH", &path, &[("if-match", &first)], &json!({"name": "Two"}));
    assert_eq!(status, 200);
    assert_ne!(second, first);
    let xml = json!({"xml": crate::support::idp::Idp::trusted().metadata()});
    let reason = json!({"override_reason": "a test of another thing"});
    for (method, action, body) in [
        ("PATCH", "", &json!({"name": "Three"})),
        ("POST", "/metadata", &xml),
        ("POST", "/rebase", &json!({})),
        ("POST", "/apply", &reason),
        ("DELETE", "", &json!({})),
    ] {
        let stale = call(
            &world,
            method,
            &format!("{path}{action}"),
            &[("if-match", &first)],
            body,
        );
        assert_eq!(code(&stale), (412, "precondition_failed"), "{method} {action}");
        assert_eq!(call(&world, "GET", &path, &[], &none).1, second, "{method} {action}");
    }
    for (method, action, body) in [("POST", "/metadata", &xml), ("POST", "/rebase", &json!({}))] {
        let (_, present, _) = call(&world, "GET", &path, &[], &none);
        let done = call(
            &world,
            method,
            &format!("{path}{action}"),
            &[("if-match", &present)],
            body,
        );
        assert_eq!(done.0, 200, "{done:?}");
        assert_eq!(call(&world, "GET", &path, &[], &none).1, done.1, "{action}");
    }
    // Another draft of the same revision is another one.
    let (_, present, _) = call(&world, "GET", &path, &[], &none);
    assert_eq!(call(&world, "DELETE", &path, &[("if-match", &present)], &none).0, 204);
    world.pass(1);
    let (_, other, draft) = call(&world, "PATCH", &path, &[], &json!({"name": "One"}));
    assert_eq!(draft["revision"], 1);
    assert_ne!(other, first);
    let stale = call(
        &world,
        "POST",
        &format!("{path}/apply"),
        &[("if-match", &first)],
        &reason,
    );
    assert_eq!(code(&stale), (412, "precondition_failed"));
    // What is outdated is so whatever was seen of it.
    world.patch(&id, &json!({"organization": "org_2"}));
    let apply = |tag: &str| call(&world, "POST", &format!("{path}/apply"), &[("if-match", tag)], &reason);
    assert_eq!(code(&apply(&other)), (409, "connection_changed"));
    let (_, rebased, _) = call(
        &world,
        "POST",
        &format!("{path}/rebase"),
        &[("if-match", &other)],
        &json!({}),
    );
    let (status, tag, applied) = apply(&rebased);
    assert_eq!((status, &applied["name"]), (200, &json!("One")));
    assert_eq!(tag, format!("\"{}\"", applied["generation"]));
    let gone = call(&world, "DELETE", &path, &[("if-match", "*")], &none);
    assert_eq!(code(&gone), (412, "precondition_failed"));
    let unknown = "/connections/conn_aaaaaaaaaaaaaaaaaaaa/draft";
    let unknown = call(&world, "DELETE", unknown, &[("if-match", "*")], &none);
    assert_eq!(code(&unknown), (404, "connection_unknown"));
}

#[test]
fn what_is_deleted_is_the_version_that_was_seen_even_if_it_changes_meanwhile() {
    use edge_saml::app::ports::Ports;
    use edge_saml::app::registry::{Actor, Delete, Refusal};
    use edge_saml::saml::id::ConnectionId;
    let world = World::new();
    let id = create(&world, "acme.test", &Value::Null);
    let delete = |from_generation| Delete {
        id: ConnectionId::parse(&id).unwrap(),
        from_generation,
        actor: Actor::new("a test"),
    };
    let run = |delete| futures_executor::block_on((&world).registry(delete)).unwrap().reply;
    world.patch(&id, &json!({"name": "New"}));
    assert_eq!(run(delete(Some(1))), Err(Refusal::Changed));
    assert_eq!(run(delete(Some(2))), Ok(()));
}

#[test]
fn a_list_comes_in_pages_that_miss_and_repeat_nothing() {
    let world = World::new();
    let mut all: Vec<String> = (0..7)
        .map(|n| create(&world, &format!("d{n}.test"), &json!("org_1")))
        .collect();
    let other = create(&world, "other.test", &json!("org_2"));
    let page = |query: &str| call(&world, "GET", &format!("/connections{query}"), &[], &Value::Null).2;
    let ids = |page: &Value| -> Vec<String> {
        let connections = page["connections"].as_array().unwrap();
        connections
            .iter()
            .map(|c| c["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut seen, mut sizes, mut query) = (Vec::new(), Vec::new(), "?organization=org_1&limit=3".to_owned());
    loop {
        let found = page(&query);
        sizes.push(ids(&found).len());
        seen.extend(ids(&found));
        let Some(cursor) = found["next_cursor"].as_str() else {
            break;
        };
        query = format!("?organization=org_1&limit=3&cursor={cursor}");
        // What is created meanwhile comes at the end; what is deleted is left out.
        if sizes.len() == 1 {
            all.push(create(&world, "late.test", &json!("org_1")));
            world.api("DELETE", &format!("/connections/{}", all.remove(1)), &Value::Null);
            seen.remove(1);
        }
    }
    assert_eq!((seen, sizes), (all.clone(), vec![3, 3, 2]));
    assert_eq!(ids(&page("?limit=7")).len(), 7);
    assert_eq!(page("?limit=8")["next_cursor"], Value::Null);
    assert_eq!(ids(&page("?domain=Other.test")), [other]);
    assert_eq!(ids(&page("?domain=d0.test&organization=org_2")), [""; 0]);
    assert_eq!(ids(&page("?organization=nobody")), [""; 0]);
}

#[test]
fn a_list_has_a_hundred_at_most() {
    let world = World::new();
    for n in 0..101 {
        create(&world, &format!("d{n}.test"), &Value::Null);
    }
    for query in ["", "?limit=100"] {
        let (_, _, page) = call(&world, "GET", &format!("/connections{query}"), &[], &Value::Null);
        assert_eq!(page["connections"].as_array().unwrap().len(), 100);
        assert!(page["next_cursor"].is_string());
    }
}

#[test]
fn a_query_that_is_not_understood_is_refused() {
    let world = World::new();
    let code_of = |query: &str| {
        let answer = call(&world, "GET", &format!("/connections?{query}"), &[], &Value::Null);
        (
            answer.0,
            answer.2["error"]["code"].as_str().unwrap().to_owned(),
            answer.2["error"]["field"].clone(),
        )
    };
    for query in ["limit=1&limit=2", "organisation=org_1"] {
        assert_eq!(
            code_of(query),
            (400, "invalid_query".to_owned(), Value::Null),
            "{query}"
        );
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=",
        "cursor=",
        "cursor=djE6LTE",
        "cursor=!",
        "cursor=MTI",
        "domain=acme",
        "organization=",
    ] {
        let field = query.split('=').next().unwrap();
        assert_eq!(
            code_of(query),
            (422, "invalid_field".to_owned(), json!(field)),
            "{query}"
        );
    }
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    let world = World::new();
    let body = |number: &str| {
        format!(r#"{{"name":"Acme","provider":"okta","domains":["acme.test"],"sign_in_order":{number}}}"#)
    };
    let post = |number: &str| {
        let request = http::Request::builder()
            .method("POST")
            .uri("/sso/api/v1/connections")
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json");
        let response = world.handle(request.body(body(number).into_bytes()).unwrap());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["sign_in_order"].clone())
    };
    for number in ["7.5", "-1.0", "1e300", "-0.5"] {
        assert_eq!(post(number).0, 422, "{number}");
    }
    assert_eq!(post("7.0"), (201, json!(7)));
}

#[test]
fn what_is_repeated_with_its_key_is_done_once() {
    let world = World::new();
    let acme = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
    let post = |key: &str, body: &Value| call(&world, "POST", "/connections", &[("idempotency-key", key)], body);
    let first = post("k1", &acme);
    assert_eq!(first.0, 201);
    world.pass(86_399);
    // The order of the fields says nothing.
    let again = json!({"domains": ["acme.test"], "provider": "okta", "name": "Acme"});
    assert_eq!(post("k1", &again), first);
    let other = json!({"name": "Acme", "provider": "okta", "domains": ["other.test"]});
    assert_eq!(code(&post("k1", &other)), (422, "idempotency_key_reused"));
    assert_eq!(code(&post("k2", &acme)), (409, "domain_taken"));
    // What was refused is no answer to keep.
    assert_eq!(post("k2", &other).0, 201);
    world.pass(1);
    assert_eq!(code(&post("k1", &acme)), (409, "domain_taken"));
    let (_, listed) = world.api("GET", "/connections", &Value::Null);
    assert_eq!(listed["connections"].as_array().unwrap().len(), 2);
}

#[test]
fn a_key_is_its_callers_own() {
    let world = World::new();
    let (_, token) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["write"]}));
    let token = format!("Bearer {}", token["token"].as_str().unwrap());
    let statuses = [("a.test", ""), ("b.test", &token[..])].map(|(domain, token)| {
        let request = http::Request::builder()
            .method("POST")
            .uri("/sso/api/v1/connections")
            .header("content-type", "application/json")
            .header("idempotency-key", "1");
        let admin = format!("Bearer {ADMIN_TOKEN}");
        let request = request.header("authorization", if token.is_empty() { &admin } else { token });
        let body = json!({"name": "Acme", "provider": "okta", "domains": [domain]});
        let response = world.handle(request.body(serde_json::to_vec(&body).unwrap()).unwrap());
        response.status().as_u16()
    });
    assert_eq!(statuses, [201, 201]);
}

/// A name may come again when the token that had it is forgotten.
#[test]
fn a_key_is_not_shared_with_a_token_that_takes_its_callers_name() {
    let world = World::new();
    let created = ["a.test", "b.test"].map(|domain| {
        world.registry.run("UPDATE tokens SET name = 'gone'", &[]).unwrap();
        let (_, token) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["write"]}));
        let request = http::Request::builder()
            .method("POST")
            .uri("/sso/api/v1/connections")
            .header("content-type", "application/json")
            .header("idempotency-key", "1")
            .header("authorization", format!("Bearer {}", token["token"].as_str().unwrap()));
        let body = json!({"name": "Acme", "provider": "okta", "domains": [domain]});
        let response = world.handle(request.body(serde_json::to_vec(&body).unwrap()).unwrap());
        response.status().as_u16()
    });
    assert_eq!(created, [201, 201]);
}

#[test]
fn a_key_has_1_to_255_characters() {
    let world = World::new();
    let body = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for (headers, status) in [
        (&[("idempotency-key", "")][..], 400),
        (&[("idempotency-key", &too_long[..])], 400),
        (&[("idempotency-key", "a"), ("idempotency-key", "a")], 400),
        (&[("idempotency-key", &longest[..])], 201),
    ] {
        let answer = call(&world, "POST", "/connections", headers, &body);
        assert_eq!(answer.0, status, "{headers:?}");
        assert!(status == 201 || code(&answer).1 == "invalid_idempotency_key");
    }
}

/// A `POST` of octets as they are; the status and the error.
fn post_octets(world: &World, path: &str, body: &[u8]) -> (u16, Value) {
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("/sso/api/v1{path}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .header("content-type", "application/json");
    let response = world.handle(request.body(body.to_vec()).unwrap());
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), answer["error"].clone())
}

#[test]
fn a_body_of_another_shape_is_refused_by_the_field() {
    let world = World::new();
    let not_whole = "session_hours: invalid type: string \"9\", expected a whole number, 0 or more.";
    for (path, body, field, pointer, message) in [
        (
            "/connections",
            json!({"name": "A", "provider": "okta", "domains": ["a.test"], "session_hours": "9"}),
            json!("session_hours"),
            Value::Null,
            not_whole,
        ),
        (
            "/connections",
            json!({"name": "A", "provider": "okta", "domains": "a.test"}),
            json!("domains"),
            Value::Null,
            "domains: invalid type: string \"a.test\", expected a sequence.",
        ),
        (
            "/connections",
            json!({"provider": "okta", "domains": ["a.test"]}),
            json!("name"),
            Value::Null,
            "name: missing.",
        ),
        (
            "/connections",
            json!({"name": "A", "provider": "okta", "domains": ["a.test"], "attribute_map": {"email": 1}}),
            json!("attribute_map"),
            json!("/attribute_map/email"),
            "attribute_map: invalid type: integer `1`, expected a string.",
        ),
        (
            "/tokens",
            json!({"name": "ci", "scopes": ["read", "all"]}),
            json!("scopes"),
            json!("/scopes/1"),
            "scopes: unknown variant `all`, expected one of `read`, `write`, `tokens`.",
        ),
        (
            "/import",
            json!({"format": "edge-saml/connections", "version": 1, "connections": [{}, 7]}),
            json!("connections"),
            json!("/connections/1"),
            "connections: invalid type: integer `7`, expected an object.",
        ),
        (
            "/webhooks",
            json!({"url": "https://a.test/", "a/b~c": 1}),
            json!("a/b~c"),
            Value::Null,
            "a/b~c: unknown field `a/b~c`, expected one of `url`, `description`, `events`, `include_email`.",
        ),
        (
            "/webhooks",
            json!([]),
            Value::Null,
            Value::Null,
            "The body: expected an object.",
        ),
    ] {
        let (status, error) = post_octets(&world, path, &serde_json::to_vec(&body).unwrap());
        assert_eq!((status, &error["code"]), (422, &json!("invalid_field")), "{body}");
        assert_eq!(
            (&error["field"], &error["pointer"], &error["message"]),
            (&field, &pointer, &json!(message)),
            "{body}"
        );
    }
    let (status, error) = post_octets(
        &world,
        "/connections",
        br#"{"provider":"azure","name":"A","domains":["a.test"]}"#,
    );
    assert_eq!((status, &error["field"]), (422, &json!("provider")));
    for twice in [
        &br#"{"name":"ci","scopes":["read"],"name":"ci"}"#[..],
        br#"{"name":"ci","name":"ci","scopes":["read"]}"#,
    ] {
        let (status, error) = post_octets(&world, "/tokens", twice);
        assert_eq!((status, &error["field"]), (422, &json!("name")));
        assert_eq!(error["message"], "name: expected once, found twice.");
    }
}

#[test]
fn what_is_no_json_is_refused_as_that_wherever_it_stops_being_it() {
    let world = World::new();
    for body in [
        &b""[..],
        b"{",
        b"{}{}",
        b"\xEF\xBB\xBF{}",
        b"{\"name\":\"\xFF\"}",
        br#"{"surplus":1,"scopes":["all"],"#,
        br#"{"surplus":1} x"#,
        br#"{"name":"\ud800"}"#,
    ] {
        let (status, error) = post_octets(&world, "/tokens", body);
        let told = (status, &error["code"], &error["field"]);
        assert_eq!(
            told,
            (400, &json!("invalid_json"), &Value::Null),
            "{}",
            body.escape_ascii()
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .starts_with("The body cannot be read as JSON: "),
            "{error}"
        );
    }
}
