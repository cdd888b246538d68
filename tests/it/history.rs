//! What is remembered of changes: versions, which can be had again, and the audit log.

use std::cell::RefCell;

use edge_saml::app::ports::Ports;
use edge_saml::app::registry;
use edge_saml::app::registry::tokens::{AddToken, Scope};
use edge_saml::app::sql::Sql;
use edge_saml::saml::id::{ConnectionId, TokenId};
use edge_saml::saml::time::Timestamp;
use edge_saml::token::TokenHash;
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::ledger::Explained;
use crate::support::dashboard::{body, signed_in, submit};
use crate::support::idp::{Idp, NOW};
use crate::support::world::{MemorySql, World};

fn versions(world: &World, id: &str) -> Vec<Value> {
    let (status, body) = world.api("GET", &format!("/connections/{id}/versions"), &json!({}));
    assert_eq!(status, 200, "{body}");
    body["versions"].as_array().unwrap().clone()
}

fn audit(world: &World, query: &str) -> Vec<Value> {
    let (status, body) = world.api("GET", &format!("/audit{query}"), &json!({}));
    assert_eq!(status, 200, "{body}");
    body["entries"].as_array().unwrap().clone()
}

fn restore(world: &World, id: &str, generation: u64) -> (u16, Value) {
    let path = format!("/connections/{id}/versions/{generation}/restore");
    world.api("POST", &path, &json!({}))
}

fn field<'v>(values: &'v [Value], name: &str) -> Vec<&'v str> {
    values.iter().map(|value| value[name].as_str().unwrap()).collect()
}

#[test]
fn every_change_leaves_a_version_and_an_entry() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.pass(60);
    world.patch(
        &id,
        &json!({"domains": ["acme.test", "acme.example"], "force_authn": true, "decrypt_assertions": true}),
    );
    let rotate = format!("/connections/{id}/decryption-keys/rotate");
    assert_eq!(world.api("POST", &rotate, &json!({"step": "prepare"})).0, 200);
    world.api("POST", &format!("/connections/{id}/disable"), &json!({}));

    let versions = versions(&world, &id);
    let changes = [
        "Disabled",
        "Rotated the decryption keys (prepare)",
        "Changed decrypt_assertions, decryption_keys, domains, force_authn",
        "Enabled without a passed test: a test of something else",
        "Saved the identity provider",
        "Created",
    ];
    assert_eq!(field(&versions, "change"), changes);
    let generations: Vec<u64> = versions.iter().map(|v| v["generation"].as_u64().unwrap()).collect();
    assert_eq!(generations, [6, 5, 4, 3, 2, 1]);
    assert_eq!(versions[2]["at"], "2026-07-01T12:01:00Z");
    assert_eq!(versions[2]["actor"], "token ADMIN_TOKEN");
    assert_eq!(
        versions[0]["diff"],
        json!([{"field": "state", "before": "enabled", "after": "disabled"}])
    );
    let diff = versions[2]["diff"].as_array().unwrap();
    let domains = json!({"field": "domains", "before": ["acme.test"], "after": ["acme.test", "acme.example"]});
    assert!(diff.contains(&domains), "{diff:?}");
    // Certificates are told by what people know them by.
    let sha256 = Idp::trusted().certificate.fingerprint().to_string();
    let saved = json!({"field": "identity_provider.certificates", "before": null, "after": [sha256]});
    assert!(
        versions[4]["diff"].as_array().unwrap().contains(&saved),
        "{}",
        versions[4]
    );

    let entries = audit(&world, "");
    assert_eq!(field(&entries, "change"), changes);
    assert_eq!(
        field(&entries, "action"),
        [
            "connection.disabled",
            "connection.decryption_keys_rotated",
            "connection.changed",
            "connection.enabled",
            "connection.identity_provider_saved",
            "connection.created",
        ]
    );
    assert_eq!(
        (&entries[0]["connection"], &entries[2]["diff"]),
        (&json!(id), &versions[2]["diff"])
    );

    // What changes nothing leaves nothing.
    world.patch(&id, &json!({"force_authn": true}));
    world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    assert_eq!(audit(&world, "").len(), 6);
}

#[test]
fn an_earlier_version_can_be_had_again() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let before = world.patch(
        &id,
        &json!({"domains": ["acme.test", "acme.example"], "name": "Acme Inc."}),
    );
    assert_eq!(before["generation"], 4);
    world.patch(
        &id,
        &json!({"domains": ["other.test"], "name": "Other", "decrypt_assertions": true}),
    );
    let present = world.patch(&id, &json!({"sp_entity_id": "urn:example:old"}));

    let (status, restored) = restore(&world, &id, 4);
    assert_eq!(status, 200, "{restored}");
    for name in [
        "name",
        "domains",
        "identity_provider",
        "sp_entity_id",
        "decrypt_assertions",
    ] {
        assert_eq!(restored[name], before[name], "{name}");
    }
    for name in ["id", "state", "created_at"] {
        assert_eq!(restored[name], present[name], "{name}");
    }
    assert_eq!(restored["generation"], 7);
    let versions = versions(&world, &id);
    assert_eq!(versions[0]["change"], "Restored version 4");
    // The key that it got meanwhile is still there.
    let (_, keys) = world.api("GET", &format!("/connections/{id}/decryption-keys"), &json!({}));
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    // Its domains are its own again, and the other one is free.
    world.connection_for("other.test", &Idp::other());

    // Once more is no change.
    let (status, again) = restore(&world, &id, 4);
    assert_eq!((status, &again["generation"]), (200, &json!(7)));
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"domains": ["new.test"]}));
    world.connection_for("acme.test", &Idp::other());
    for (generation, status, code) in [
        (3, 409, "domain_taken"),
        (1, 409, "connection_incomplete"),
        (5, 404, "version_unknown"),
        (u64::MAX, 404, "version_unknown"),
    ] {
        let (found, body) = restore(&world, &id, generation);
        assert_eq!((found, &body["error"]["code"]), (status, &json!(code)), "{body}");
    }
    let unknown = "conn_aaaaaaaaaaaaaaaaaaaa";
    assert_eq!(restore(&world, unknown, 1).1["error"]["code"], "connection_unknown");
    let (status, _) = world.api("GET", &format!("/connections/{unknown}/versions"), &json!({}));
    assert_eq!(status, 404);
    assert_eq!(versions(&world, &id).len(), 4);
}

#[test]
fn a_deleted_connection_is_told_of_by_the_audit_log_alone() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let other = world.connection_for("other.test", &Idp::other());
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    let entries = audit(&world, &format!("?connection={id}"));
    assert_eq!(field(&entries, "change")[0], "Deleted");
    let name = json!({"field": "name", "before": "Acme", "after": null});
    assert!(entries[0]["diff"].as_array().unwrap().contains(&name), "{}", entries[0]);
    assert_eq!(entries.len(), 4);
    let kept = world
        .registry
        .run("SELECT DISTINCT connection_id FROM versions", &[])
        .unwrap();
    assert_eq!(kept, [[other.as_str().into()]]);
}

#[test]
fn the_audit_log_is_read_page_by_page() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.connection_for("other.test", &Idp::other());
    let (_, page) = world.api("GET", &format!("/audit?limit=2&connection={id}"), &json!({}));
    assert_eq!(
        field(page["entries"].as_array().unwrap(), "change"),
        [
            "Enabled without a passed test: a test of something else",
            "Saved the identity provider"
        ]
    );
    let next = &page["next_before"];
    let (_, page) = world.api(
        "GET",
        &format!("/audit?limit=2&connection={id}&before={next}"),
        &json!({}),
    );
    assert_eq!(field(page["entries"].as_array().unwrap(), "change"), ["Created"]);
    assert_eq!(page["next_before"], Value::Null);
    for query in ["limit=0", "limit=201", "limit=x", "before=-1", "connection=x"] {
        let (status, body) = world.api("GET", &format!("/audit?{query}"), &json!({}));
        assert_eq!(
            (status, &body["error"]["code"]),
            (422, &json!("invalid_field")),
            "{query}"
        );
    }
    for query in ["limit=1&limit=2", "limits=1"] {
        let (status, body) = world.api("GET", &format!("/audit?{query}"), &json!({}));
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("invalid_query")),
            "{query}"
        );
    }
}

#[test]
fn only_so_much_is_kept() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    for count in 0..98 {
        world.patch(&id, &json!({"name": format!("Acme {count}")}));
    }
    let oldest = |world: &World| versions(world, &id).last().unwrap()["generation"].as_u64().unwrap();
    assert_eq!((versions(&world, &id).len(), oldest(&world)), (100, 2));
    world.patch(&id, &json!({"name": "Acme"}));
    assert_eq!((versions(&world, &id).len(), oldest(&world)), (100, 3));
}

/// Metadata that is one thing today and another tomorrow makes a version each time.
#[test]
fn versions_that_people_made_give_way_to_no_others() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let by_people = versions(&world, &id).len();
    let by = |actor: &str, name: &str| {
        let mut description = json!({"id": id, "actor": actor, "from_generation": null, "decryption_key": null});
        let fields = json!({"name": name, "provider": "okta", "domains": ["acme.test"], "organization": null, "sp_entity_id": null});
        description["change"] = json!({ "describe": fields });
        let update: registry::Update = serde_json::from_value(description).unwrap();
        world.on_registry(&update).unwrap().reply.unwrap();
    };
    for count in 0..60 {
        for actor in ["schedule", "setup link link_abcdefghij234567klmn"] {
            by(actor, &format!("{actor} {count}"));
        }
    }
    by("sign-in", "at last");
    let kept = versions(&world, &id);
    assert_eq!(kept[0]["actor"], "sign-in", "the present one stays");
    let count = |word: &str| {
        let actors = kept.iter().map(|version| version["actor"].as_str().unwrap());
        actors.filter(|actor| actor.starts_with(word)).count()
    };
    assert_eq!(
        (
            count("token "),
            count("setup link "),
            count("schedule"),
            count("sign-in")
        ),
        (by_people, 20, 19, 1)
    );
    assert_eq!(restore(&world, &id, 2).0, 200);
}

/// Whatever a schedule or the holders of setup links do, what people with tokens did stays.
#[test]
fn entries_give_way_only_to_those_of_their_own_room() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let enter = |actor: &str, count: i64| {
        let statement = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) \
             INSERT INTO audit (at, actor, action, change, diff) SELECT n, ?2, 'x', 'x', '[]' FROM numbers";
        world.registry.run(statement, &[count.into(), actor.into()]).unwrap();
    };
    let count = |actor: &str| {
        let statement = "SELECT count(*) FROM audit WHERE actor GLOB ?";
        world.registry.run(statement, &[actor.into()]).unwrap()[0][0].clone()
    };
    let tell = |actor: &str| {
        let capture = registry::capture::EndCapture {
            id: ConnectionId::parse(&id).unwrap(),
            actor: registry::Actor::new(actor),
        };
        block_on((&world).registry(capture)).unwrap().reply.unwrap();
    };
    // As there are when there was no bound yet: the next entry drops what is too much.
    enter("schedule", 12_000);
    let by_link = "setup link link_abcdefghij234567klmn";
    enter(by_link, 3_000);
    for (noisy, left) in [("schedule", 10_000), (by_link, 2_000)] {
        tell(noisy);
        assert_eq!(count(noisy), left.into());
    }
    tell("sign-in");
    assert_eq!((count("schedule"), count("sign-in")), (9_999.into(), 1.into()));
    assert_eq!(count("token ADMIN_TOKEN"), 3.into());

    // People at the dashboard and people at the API have one room.
    enter("dashboard (token \"a\")", 9_996);
    enter("token \"a\"", 1);
    world.patch(&id, &json!({"name": "Acme Inc."}));
    assert_eq!(
        (count("token ADMIN_TOKEN"), count("*token*")),
        (3.into(), 10_000.into())
    );
    tell("dashboard (token ADMIN_TOKEN)");
    assert_eq!(
        (count("token ADMIN_TOKEN"), count("*token*")),
        (2.into(), 10_000.into())
    );
    // A token that may only read can ask for exports, which push out exports.
    enter("token \"reader\"", 3_000);
    let statement = "UPDATE audit SET action = 'connection.exported' WHERE actor = 'token \"reader\"'";
    world.registry.run(statement, &[]).unwrap();
    world.api("GET", "/export", &json!({}));
    assert_eq!(
        (count("token \"reader\""), count("token ADMIN_TOKEN")),
        (1_999.into(), 3.into())
    );
    world
        .registry
        .run("DELETE FROM audit WHERE action = 'connection.exported'", &[])
        .unwrap();
    // And whoever is known as neither is no person with a token.
    tell("somebody");
    assert_eq!((count("*token*"), count("schedule")), (10_000.into(), 9_998.into()));
    assert_eq!(count("setup link link_*"), 2_000.into());
}

/// An import makes many entries in one step: each must not read the whole log.
#[test]
fn what_is_too_much_in_a_room_is_found_by_its_index() {
    let sql = Explained {
        sql: MemorySql::new(),
        plans: RefCell::default(),
    };
    registry::prepare(&sql.sql).unwrap();
    let add = AddToken {
        id: TokenId::from_random(&[1; 32]),
        hash: TokenHash::of_octets(b"a token"),
        name: "a".to_owned(),
        scopes: vec![Scope::Read],
        expires_at: None,
        maker: None,
        actor: registry::Actor::new("token ADMIN_TOKEN"),
    };
    registry::Call::run(add, &sql, Timestamp::from_unix_seconds(NOW))
        .unwrap()
        .unwrap();
    let plans = sql.plans.borrow();
    let of_log = plans
        .iter()
        .filter(|(statement, _)| statement.starts_with("DELETE FROM audit"));
    let of_log: Vec<&str> = of_log
        .map(|(_, plan)| plan.as_str())
        .filter(|plan| plan.contains("audit"))
        .collect();
    assert_eq!(of_log.len(), 2, "{of_log:?}");
    for plan in of_log {
        assert!(plan.contains("INDEX audit_by_room (<expr>=?"), "{plan}");
    }
}

#[test]
fn what_is_of_no_connection_is_in_the_audit_log_too() {
    let world = World::new();
    let (status, made) = world.api("POST", "/tokens", &json!({"name": "ci", "scopes": ["read"]}));
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    for _ in 0..2 {
        world.api("DELETE", &format!("/tokens/{id}"), &json!({}));
    }
    world.api("GET", "/service-provider/keys", &json!({}));
    let (status, _) = world.api("POST", "/service-provider/keys/rotate", &json!({"step": "prepare"}));
    assert_eq!(status, 200);
    let entries = audit(&world, "");
    assert_eq!(
        field(&entries, "change"),
        [
            "Rotated the signing keys (prepare)",
            "Revoked the token \"ci\"",
            "Made the token \"ci\""
        ]
    );
    assert_eq!(
        (&entries[0]["connection"], &entries[0]["diff"]),
        (&Value::Null, &json!([]))
    );
}

/// What changes no connection, and tells people or other systems something, or undoes what somebody prepared.
#[test]
fn what_is_given_away_sent_and_discarded_is_in_the_audit_log_too() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let (_, made) = world.api(
        "POST",
        "/webhooks",
        &json!({"url": "https://hooks.example/in?key=of-the-receiver"}),
    );
    let hook = made["id"].as_str().unwrap();
    let before = audit(&world, "").len();
    let post = |path: &str, body: Value| {
        let (status, answer) = world.api("POST", &format!("/webhooks/{hook}{path}"), &body);
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let event = post("/test", json!({}))["event"].as_str().unwrap().to_owned();
    post(&format!("/deliveries/{event}/replay"), json!({}));
    post("/replay", json!({"since": "2026-07-01T12:00:00Z"}));
    let page = format!("/sso/admin/webhooks/{hook}");
    for (form, fields) in [("test", &[][..]), ("replay", &[("event", event.as_str())])] {
        let sent = submit(&world, &mut browser, &format!("{page}/{form}"), fields);
        assert_eq!(sent.status(), 303);
    }
    // What there is not is not sent.
    let unknown = format!("/webhooks/{hook}/deliveries/evt_{}/replay", "0".repeat(32));
    assert_eq!(world.api("POST", &unknown, &json!({})).0, 404);

    assert_eq!(world.api("GET", "/export", &json!({})).0, 200);
    let file = "/sso/admin/transfer/connections.json";
    assert_eq!(browser.get(&world, file).status(), 200);
    // Once more within a few minutes is no entry of its own.
    world.pass(599);
    assert_eq!(world.api("GET", "/export", &json!({})).0, 200);
    assert_eq!(browser.get(&world, file).status(), 200);
    world.pass(1);
    for statements in 0..2 {
        world.failing.set(Some(("note_export", statements)));
        assert_eq!(world.api("GET", "/export", &json!({})).0, 503);
        assert_eq!(browser.get(&world, file).status(), 503);
        world.failing.set(None);
    }

    assert_eq!(world.api("GET", "/export", &json!({})).0, 200);

    let draft = format!("/connections/{id}/draft");
    for by_form in [false, true] {
        assert_eq!(world.api("PATCH", &draft, &json!({"name": "Draft"})).0, 200);
        if by_form {
            let form = format!("/sso/admin/connections/{id}/discard-draft");
            assert_eq!(submit(&world, &mut browser, &form, &[]).status(), 303);
        } else {
            assert_eq!(world.api("DELETE", &draft, &json!({})).0, 204);
        }
    }
    assert_eq!(world.api("DELETE", &draft, &json!({})).0, 404);

    let entries = audit(&world, "");
    let told = entries[..entries.len() - before].iter().rev();
    let told: Vec<[&str; 3]> = told
        .map(|entry| ["actor", "action", "change"].map(|name| entry[name].as_str().unwrap()))
        .collect();
    let (program, person) = ("token ADMIN_TOKEN", "dashboard (token ADMIN_TOKEN)");
    let hook = format!("{hook} (hooks.example)");
    let (tested, replayed) = (
        format!("Sent a test event to the webhook {hook}"),
        format!("Sent once more to the webhook {hook}: "),
    );
    let (one, all) = (
        format!("{replayed}{event}"),
        format!("{replayed}events since 2026-07-01T12:00:00Z (1)"),
    );
    assert_eq!(
        told,
        [
            [program, "webhook.tested", &tested],
            [program, "webhook.replayed", &one],
            [program, "webhook.replayed", &all],
            [person, "webhook.tested", &tested],
            [person, "webhook.replayed", &one],
            [program, "connection.exported", "Exported all connections"],
            [person, "connection.exported", "Exported all connections"],
            [program, "connection.exported", "Exported all connections"],
            [program, "connection.draft_edited", "Changed in the draft: name"],
            [program, "connection.draft_discarded", "Discarded the draft"],
            [program, "connection.draft_edited", "Changed in the draft: name"],
            [person, "connection.draft_discarded", "Discarded the draft"],
        ]
    );
    assert_eq!(entries[0]["connection"], id);
    let log = body(&browser.get(&world, "/sso/admin/audit"));
    for [_, _, change] in told {
        assert!(log.contains(change), "{change}");
    }
}
