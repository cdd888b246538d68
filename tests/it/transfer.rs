//! Connections as one document: what is in it, and how it is taken over.

use serde_json::{Value, json};

use crate::support::idp::Idp;
use crate::support::world::{ADMIN_TOKEN, World};

fn export(world: &World) -> Value {
    let (status, document) = world.api("GET", "/export", &json!({}));
    assert_eq!(status, 200, "{document}");
    document
}

fn import(world: &World, document: &Value) -> (u16, Value) {
    world.api("POST", "/import", document)
}

/// `document` with more said of it.
fn with(document: &Value, more: &Value) -> Value {
    let mut document = document.clone();
    document
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    document
}

/// `document` with another value at a pointer.
fn edited(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[name] = value;
    document
}

fn results(report: &Value) -> Vec<&str> {
    let connections = report["connections"].as_array().unwrap();
    connections.iter().map(|one| one["result"].as_str().unwrap()).collect()
}

/// The code of an error, and where it is about.
fn error(report: &Value) -> (&str, &str) {
    let error = &report["error"];
    (error["code"].as_str().unwrap(), error["pointer"].as_str().unwrap_or(""))
}

/// Three connections in which nothing is as by default that can be otherwise, or much is.
fn populated() -> World {
    let world = World::new();
    world.connection(&Idp::trusted());
    let settings = json!({
        "name": "Bücher ‒ \"Ltd.\"", "provider": "entra", "domains": ["bücher.example", "b.test"], "organization": "org/1",
        "sp_entity_id": "urn:example:old", "sign_requests": "always", "force_authn": true,
        "requested_authn_context": ["urn:oasis:names:tc:SAML:2.0:ac:classes:X509"],
        "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "login_hint": "subject_name_id",
        "request_lifetime_minutes": 7, "idp_initiated": "direct", "relay_state_targets": ["/a/", "/b?c=d"],
        "require_signed_assertion": true, "require_signed_response": true,
        "sha1_exception": {"until": "2026-08-01T00:00:00Z", "reason": "an old one"},
        "attribute_map": {"email": "mail2", "first_name": null, "last_name": null, "groups": "g"},
        "required_attributes": ["groups"], "require_typed_email": true, "just_in_time_sign_up": false,
        "match_subdomains": true, "share_domains": true, "sign_in_order": 3,
    });
    let (status, created) = world.api("POST", "/connections", &settings);
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_str().unwrap();
    let metadata = Idp::other().metadata().replace(
        "<md:SingleSignOnService",
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/out\" \
         ResponseLocation=\"https://idp.example/out/answer\"/><md:SingleSignOnService",
    );
    let (status, saved) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata}),
    );
    assert_eq!(status, 200, "{saved}");
    let bare = json!({"name": "Bare", "provider": "google", "domains": ["bare.test"]});
    assert_eq!(world.api("POST", "/connections", &bare).0, 201);
    world
}

#[test]
fn what_is_exported_comes_back_the_same() {
    let world = populated();
    let document = export(&world);
    assert_eq!(document["format"], "edge-saml/connections");
    assert_eq!(document["version"], 1);
    assert_eq!(document["connections"][0]["state"], "enabled");
    assert!(document["connections"][1]["identity_provider"]["single_logout"][0]["response_url"].is_string());

    let other = World::drawing_from(1_000);
    let (status, report) = import(&other, &document);
    assert_eq!(status, 200, "{report}");
    assert_eq!(results(&report), ["created", "created", "created"]);
    assert_eq!(report["connections"][1]["id"], document["connections"][1]["id"]);
    // Nobody signs in by what came.
    let expected = edited(&document, "/connections/0/state", json!("disabled"));
    assert_eq!(export(&other), expected);
    let (_, list) = other.api("GET", "/connections", &json!({}));
    for connection in list["connections"].as_array().unwrap() {
        assert_eq!(
            (&connection["state"], &connection["generation"]),
            (&json!("disabled"), &json!(1))
        );
        assert_eq!(connection["test"]["required"], true);
    }
    // It is published as every change is, and is there for sign-in once it is enabled.
    let id = document["connections"][0]["id"].as_str().unwrap();
    assert!(other.config(&format!("connection:{id}")).is_some());
    assert!(other.config("domain:acme.test").is_none());
    other.enable(id);
    assert!(other.config("domain:acme.test").is_some());

    // Metadata that was fetched is fetched again there too.
    let mut fetched = document["connections"][0].clone();
    fetched.as_object_mut().unwrap().remove("id");
    fetched["domains"] = json!(["fetched.test"]);
    fetched["identity_provider"]["metadata_url"] = json!("https://idp.example/metadata");
    let one = edited(&document, "/connections", json!([fetched]));
    let third = World::drawing_from(3_000);
    let (_, report) = import(&third, &one);
    let (_, refresh) = third.api(
        "GET",
        &format!(
            "/connections/{}/metadata",
            report["connections"][0]["id"].as_str().unwrap()
        ),
        &json!({}),
    );
    assert_eq!(
        refresh["refresh"]["metadata_url"], "https://idp.example/metadata",
        "{refresh}"
    );

    // A second time changes nothing.
    let before = other.everything_registered();
    let (status, report) = import(&other, &document);
    assert_eq!((status, results(&report)), (200, vec!["unchanged"; 3]));
    assert_eq!(other.everything_registered(), before);
    let (_, audit) = other.api("GET", &format!("/audit?connection={id}"), &json!({}));
    let entry = audit["entries"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&entry["action"], &entry["actor"], &entry["change"]),
        (
            &json!("connection.imported"),
            &json!("token ADMIN_TOKEN"),
            &json!("Imported")
        )
    );
}

#[test]
fn no_secret_and_nothing_of_a_person_is_exported() {
    let world = World::new();
    let id = world.connection_with(&json!({"decrypt_assertions": true}), &Idp::trusted());
    let (_, link) = world.api("POST", &format!("/connections/{id}/setup-links"), &json!({}));
    let (_, token) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["read"]}));
    let document = export(&world);
    let text = document.to_string();
    for secret in [
        link["url"].as_str().unwrap().rsplit('/').next().unwrap(),
        token["token"].as_str().unwrap(),
        "private",
        "MIIEv",
        "decryption_key",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    let fields: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["connections", "exported_at", "format", "version"]);

    // What decrypts gets a key of its own there.
    let other = World::drawing_from(1_000);
    assert_eq!(results(&import(&other, &document).1), ["created"]);
    let keys = |world: &World| {
        world
            .api("GET", &format!("/connections/{id}/decryption-keys"), &json!({}))
            .1
    };
    let (here, there) = (keys(&world), keys(&other));
    assert_eq!(there["keys"].as_array().unwrap().len(), 1);
    assert_ne!(here["keys"][0]["sha256"], there["keys"][0]["sha256"]);
}

#[test]
fn one_that_is_refused_keeps_all_out() {
    let document = export(&populated());
    let other = World::drawing_from(1_000);
    other.connection_for("bare.test", &Idp::trusted());
    let before = other.everything_registered();

    let dry = with(&document, &json!({"dry_run": true}));
    let (status, report) = import(&other, &dry);
    assert_eq!(status, 200, "{report}");
    assert_eq!(report["dry_run"], true);
    assert_eq!(results(&report), ["created", "created", "refused"]);
    let refused = &report["connections"][2];
    assert_eq!(
        (
            &refused["error"]["code"],
            &refused["error"]["pointer"],
            &refused["name"]
        ),
        (&json!("domain_taken"), &json!("/connections/2/domains"), &json!("Bare"))
    );
    assert_eq!(report["connections"][0]["error"], Value::Null);
    assert_eq!(other.everything_registered(), before);

    let (status, report) = import(&other, &document);
    assert_eq!(
        (status, error(&report)),
        (409, ("domain_taken", "/connections/2/domains"))
    );
    assert_eq!(report["error"]["field"], "domains");
    assert_eq!(other.everything_registered(), before);

    // Nor is anything half done when the database fails on the way.
    let fresh = World::drawing_from(2_000);
    let before = fresh.everything_registered();
    for statements in [3, 10, 20, 30] {
        fresh.failing.set(Some(("import", statements)));
        let (status, report) = import(&fresh, &document);
        assert_eq!((status, error(&report)), (503, ("unavailable", "")));
        fresh.failing.set(None);
        assert_eq!(fresh.everything_registered(), before, "{statements}");
    }
    assert_eq!(import(&fresh, &document).0, 200);
}

#[test]
fn a_domain_that_two_of_a_document_have_is_refused() {
    let document = export(&populated());
    let both = edited(&document, "/connections/2/domains", json!(["acme.test"]));
    let other = World::drawing_from(1_000);
    let (status, report) = import(&other, &both);
    assert_eq!(
        (status, error(&report)),
        (409, ("domain_taken", "/connections/2/domains"))
    );
}

#[test]
fn connections_are_replaced_only_when_that_is_asked_for() {
    let world = populated();
    let document = export(&world);
    let changed = edited(&document, "/connections/2/name", json!("Not so bare"));
    let (status, report) = import(&world, &changed);
    assert_eq!(
        (status, error(&report)),
        (409, ("connection_exists", "/connections/2/id"))
    );

    let replacing = with(&changed, &json!({"mode": "replace"}));
    let (status, report) = import(&world, &replacing);
    assert_eq!(
        (status, results(&report)),
        (200, vec!["unchanged", "unchanged", "replaced"])
    );
    assert_eq!(export(&world), changed);
    // As after any change, the version before can be had again, and what a document does not name stays.
    let id = changed["connections"][2]["id"].as_str().unwrap();
    assert_eq!(world.api("POST", &format!("/connections/{id}/undo"), &json!({})).0, 200);
    assert_eq!(export(&world), document);
    let one = edited(&replacing, "/connections", json!([changed["connections"][2]]));
    assert_eq!(results(&import(&world, &one).1), ["replaced"]);
    assert_eq!(export(&world), changed);
}

#[test]
fn two_connections_may_swap_their_domains() {
    let world = World::new();
    for domain in ["a.test", "b.test"] {
        let body = json!({"name": domain, "provider": "okta", "domains": [domain]});
        assert_eq!(world.api("POST", "/connections", &body).0, 201);
    }
    let document = with(&export(&world), &json!({"mode": "replace"}));
    let swapped = edited(&document, "/connections/0/domains", json!(["b.test"]));
    let swapped = edited(&swapped, "/connections/1/domains", json!(["a.test"]));
    let (status, report) = import(&world, &swapped);
    assert_eq!(
        (status, results(&report)),
        (200, vec!["replaced", "replaced"]),
        "{report}"
    );
    let taken = json!({"name": "c", "provider": "okta", "domains": ["a.test"]});
    let (status, refused) = world.api("POST", "/connections", &taken);
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("domain_taken")));
}

#[test]
fn users_go_on_signing_in_only_with_what_was_tested() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let document = with(&export(&world), &json!({"mode": "replace"}));
    let before = world.everything_registered();
    let other_idp = {
        let other = World::drawing_from(1_000);
        other.connection_with(&json!({}), &Idp::other());
        export(&other)["connections"][0]["identity_provider"].clone()
    };
    for (pointer, value) in [
        ("/connections/0/identity_provider", other_idp.clone()),
        ("/connections/0/require_signed_response", json!(true)),
        ("/connections/0/domains", json!(["acme.test", "more.test"])),
        ("/connections/0/sp_entity_id", json!("urn:example:old")),
        (
            "/connections/0/identity_provider/metadata_url",
            json!("https://evil.example/metadata"),
        ),
    ] {
        let (status, report) = import(&world, &edited(&document, pointer, value));
        assert_eq!(
            (status, error(&report)),
            (409, ("test_required", "/connections/0")),
            "{pointer}"
        );
    }
    // Not even to nothing, which would lock them out.
    let (status, _) = import(
        &world,
        &edited(&document, "/connections/0/identity_provider", Value::Null),
    );
    assert_eq!(status, 409);
    assert_eq!(world.everything_registered(), before);

    // What no test covers may change; and of a connection that is disabled, everything. That enables nothing.
    let renamed = edited(&document, "/connections/0/name", json!("Acme Inc."));
    assert_eq!(results(&import(&world, &renamed).1), ["replaced"]);
    let (_, connection) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        (&connection["state"], &connection["name"]),
        (&json!("enabled"), &json!("Acme Inc."))
    );
    assert_eq!(
        world.api("POST", &format!("/connections/{id}/disable"), &json!({})).0,
        200
    );
    let replaced = edited(&renamed, "/connections/0/identity_provider", other_idp);
    assert_eq!(replaced["connections"][0]["state"], "enabled");
    assert_eq!(results(&import(&world, &replaced).1), ["replaced"]);
    let (_, connection) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        (&connection["state"], &connection["test"]["required"]),
        (&json!("disabled"), &json!(true))
    );
}

#[test]
fn an_id_that_was_deleted_is_never_given_out_again() {
    let world = populated();
    let document = export(&world);
    let id = document["connections"][2]["id"].as_str().unwrap();
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    let (status, report) = import(&world, &document);
    assert_eq!(
        (status, error(&report)),
        (409, ("connection_deleted", "/connections/2/id"))
    );
    let mut anew = document.clone();
    anew["connections"][2].as_object_mut().unwrap().remove("id");
    let (status, report) = import(&world, &anew);
    assert_eq!(
        (status, results(&report)),
        (200, vec!["unchanged", "unchanged", "created"])
    );
    assert_ne!(report["connections"][2]["id"], id);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each fault")]
fn every_fault_of_a_document_is_named_with_its_place() {
    let document = export(&populated());
    let world = World::drawing_from(1_000);
    let before = world.everything_registered();
    let idp = "/connections/0/identity_provider";
    let weak = include_str!("../vectors/dsig/rsa-1024.pem");
    let mut faults = vec![
        ("/format", json!("x"), 422, "invalid_field", ""),
        ("/version", json!(2), 422, "invalid_field", ""),
        ("/mode", json!("merge"), 422, "invalid_field", ""),
        ("/surplus", json!(1), 422, "invalid_field", ""),
        ("/connections/0", json!(7), 422, "invalid_field", "/connections/0"),
        (
            "/connections/0/surplus",
            json!(1),
            422,
            "invalid_field",
            "/connections/0/surplus",
        ),
        (
            "/connections/0/id",
            json!("conn_x"),
            422,
            "invalid_field",
            "/connections/0/id",
        ),
        (
            "/connections/0/state",
            json!("draft"),
            422,
            "invalid_field",
            "/connections/0/state",
        ),
        (
            "/connections/0/domains",
            json!(["gmail.com"]),
            422,
            "domain_public_mail",
            "/connections/0/domains",
        ),
        (
            "/connections/1/domains",
            json!([]),
            422,
            "invalid_field",
            "/connections/1/domains",
        ),
        (
            "/connections/1/name",
            json!(""),
            422,
            "invalid_field",
            "/connections/1/name",
        ),
        (
            "/connections/1/id",
            document["connections"][0]["id"].clone(),
            422,
            "invalid_field",
            "/connections/1/id",
        ),
        ("/connections/0/identity_provider", json!(1), 422, "invalid_field", idp),
        (
            "/connections/0/identity_provider/surplus",
            json!(1),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/entity_id",
            json!(""),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/single_sign_on",
            json!([]),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/single_sign_on",
            json!(vec![json!({"binding": "post", "url": "https://idp.example/"}); 9]),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/single_logout",
            json!(vec![json!({"binding": "post", "url": "https://idp.example/"}); 9]),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/certificates",
            json!([]),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/certificates/0",
            json!("AAAA"),
            422,
            "invalid_field",
            idp,
        ),
        (
            "/connections/0/identity_provider/valid_until",
            json!("soon"),
            422,
            "invalid_field",
            idp,
        ),
    ];
    for url in [
        "javascript:alert(1)",
        "http://idp.example/",
        "http://localhost/",
        "https://user@idp.example/",
    ] {
        for field in ["single_sign_on/0/url", "metadata_url"] {
            let pointer = format!("{idp}/{field}").leak();
            faults.push((pointer, json!(url), 422, "invalid_field", idp));
        }
        let pointer = "/connections/1/identity_provider/single_logout/0/response_url";
        faults.push((
            pointer,
            json!(url),
            422,
            "invalid_field",
            "/connections/1/identity_provider",
        ));
    }
    faults.push((
        "/connections/0/identity_provider/certificates/0",
        json!(weak),
        422,
        "invalid_field",
        idp,
    ));
    for (pointer, value, status, code, about) in faults {
        let wrong = if pointer.rsplit('/').next().unwrap().parse::<usize>().is_ok() {
            let mut wrong = document.clone();
            *wrong.pointer_mut(pointer).unwrap() = value;
            wrong
        } else {
            edited(&document, pointer, value)
        };
        let (found, report) = import(&world, &wrong);
        assert_eq!((found, error(&report)), (status, (code, about)), "{pointer}: {report}");
    }
    assert_eq!(world.everything_registered(), before);

    // All faults are told at once when nothing is to be done.
    let wrong = edited(&document, "/connections/0/name", json!(""));
    let wrong = edited(&wrong, "/connections/2/domains", json!(["co.uk"]));
    let (status, report) = import(&world, &with(&wrong, &json!({"dry_run": true})));
    assert_eq!((status, results(&report)), (200, vec!["refused", "created", "refused"]));
    assert_eq!(report["connections"][2]["error"]["code"], "domain_public_suffix");
}

#[test]
fn a_document_has_at_most_500_connections() {
    let world = World::new();
    let connection = |n: usize| json!({"name": "x", "provider": "okta", "domains": [format!("d{n}.test")]});
    let document = |count: usize| {
        let connections: Vec<Value> = (0..count).map(connection).collect();
        json!({"format": "edge-saml/connections", "version": 1, "dry_run": true, "connections": connections})
    };
    let (status, report) = import(&world, &document(501));
    assert_eq!((status, error(&report)), (422, ("invalid_field", "")));
    assert_eq!(report["error"]["field"], "connections");
    let (status, report) = import(&world, &document(500));
    assert_eq!((status, results(&report)), (200, vec!["created"; 500]));
}

#[test]
fn an_import_that_is_repeated_is_done_once() {
    let world = World::new();
    let keyed = |key: &str, document: &Value| {
        let request = http::Request::builder()
            .method("POST")
            .uri("/sso/api/v1/import")
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let response = world.handle(request.body(serde_json::to_vec(document).unwrap()).unwrap());
        let report: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), report)
    };
    let document = json!({"format": "edge-saml/connections", "version": 1,
        "connections": [{"name": "x", "provider": "okta", "domains": ["x.test"]}]});
    let first = keyed("a", &document);
    assert_eq!((first.0, results(&first.1)), (200, vec!["created"]));
    assert_eq!(keyed("a", &document), first);
    let (status, report) = keyed("a", &with(&document, &json!({"mode": "replace"})));
    assert_eq!((status, error(&report)), (422, ("idempotency_key_reused", "")));
    // What was only asked about can still be done.
    let dry = with(&document, &json!({"dry_run": true}));
    assert_eq!(keyed("b", &dry).0, 200);
    let (status, report) = keyed("b", &document);
    assert_eq!(
        (status, error(&report)),
        (409, ("domain_taken", "/connections/0/domains"))
    );
}

#[test]
fn importing_takes_a_token_that_may_write() {
    let world = populated();
    let made = |scopes: Value| {
        let name = scopes.to_string().replace('"', "");
        let (status, token) = world.api("POST", "/tokens", &json!({"name": name, "scopes": scopes}));
        assert_eq!(status, 201, "{token}");
        token["token"].as_str().unwrap().to_owned()
    };
    let call = |token: &str, method: &str, path: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/sso/api/v1{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let body = json!({"format": "edge-saml/connections", "version": 1, "connections": []});
        let response = world.handle(request.body(body.to_string().into_bytes()).unwrap());
        response.status().as_u16()
    };
    let (reader, writer, keeper) = (made(json!(["read"])), made(json!(["write"])), made(json!(["tokens"])));
    assert_eq!(
        (call(&reader, "GET", "/export"), call(&reader, "POST", "/import")),
        (200, 403)
    );
    assert_eq!(
        (call(&writer, "GET", "/export"), call(&writer, "POST", "/import")),
        (200, 200)
    );
    assert_eq!(
        (call(&keeper, "GET", "/export"), call(&keeper, "POST", "/import")),
        (403, 403)
    );
    assert_eq!(
        (call("sso_x", "GET", "/export"), call("sso_x", "POST", "/import")),
        (401, 401)
    );
}

#[test]
fn at_most_50_connections_get_a_decryption_key_at_once() {
    let world = World::new();
    let connection = |n: usize| json!({"name": "x", "provider": "okta", "domains": [format!("d{n}.test")], "decrypt_assertions": true});
    let connections: Vec<Value> = (0..51).map(connection).collect();
    let document =
        json!({"format": "edge-saml/connections", "version": 1, "dry_run": true, "connections": connections});
    let (status, report) = import(&world, &document);
    assert_eq!(status, 200);
    let mut expected = vec!["created"; 50];
    expected.push("refused");
    assert_eq!(results(&report), expected);
    assert_eq!(
        report["connections"][50]["error"]["pointer"],
        "/connections/50/decrypt_assertions"
    );
}
