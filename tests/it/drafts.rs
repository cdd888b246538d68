//! Drafts: what is edited and tested beside the configuration by which users sign in, takes its place at once, and gives it
//! back.

use edge_saml::app::ports::Ports;
use edge_saml::app::registry::drafts::{EditDraft, Seen};
use edge_saml::app::registry::{Actor, Change, Refusal};
use edge_saml::app::sql::Sql;
use edge_saml::dsig::Certificate;
use edge_saml::saml::connection::State;
use edge_saml::saml::id::ConnectionId;
use serde_json::{Value, json};

use crate::support::encrypt::{Encryption, GCM_256};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, World, location};

fn call(world: &World, method: &str, id: &str, path: &str, body: &Value) -> (u16, Value) {
    world.api(method, &format!("/connections/{id}{path}"), body)
}

/// A call that succeeds; its answer.
fn done(world: &World, method: &str, id: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = call(world, method, id, path, body);
    assert!((200..300).contains(&status), "{status} {answer}");
    answer
}

/// A call that is refused; its status and code.
fn refused(world: &World, method: &str, id: &str, path: &str, body: &Value) -> (u16, String) {
    let (status, answer) = call(world, method, id, path, body);
    let code = answer["error"]["code"].as_str();
    (status, code.unwrap_or_else(|| panic!("{status} {answer}")).to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn patch_draft(world: &World, id: &str, fields: &Value) -> Value {
    done(world, "PATCH", id, "/draft", fields)
}

fn live(world: &World, id: &str) -> Value {
    done(world, "GET", id, "", &json!({}))
}

/// Tests the draft with an answer by `idp`; the test as it is then.
fn test_draft(world: &World, id: &str, answer: impl FnOnce(&Message) -> String) -> Value {
    let begun = done(world, "POST", id, "/tests", &json!({"configuration": "draft"}));
    let test = begun["id"].as_str().unwrap();
    let path = format!("/sso/saml/{id}/test?test={test}");
    assert_eq!(Browser::default().get(world, &path).status(), 303);
    let answered = Browser::deliver(world, id, &answer(&Message::of(id, Some(test))));
    assert_eq!(answered.status(), 303);
    done(world, "GET", id, &format!("/tests/{test}"), &json!({}))
}

fn respond(message: &Message) -> String {
    Idp::trusted().respond(message, Signed::Both)
}

/// Whether an answer by `idp` signs a user in.
fn signs_in(world: &World, id: &str, idp: &Idp) -> bool {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let response = idp.respond(&Message::of(id, Some(&request)), Signed::Both);
    let ticket = Browser::deliver(world, id, &response);
    ticket.status() == 303 && browser.get(world, &location(&ticket)).status() == 303
}

#[test]
fn a_draft_is_tested_beside_what_is_live_and_takes_its_place() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let before = live(&world, &id);
    // Whoever answers with a key that the connection has not: a wrong certificate in the draft.
    let saved = json!({"xml": Idp::other().metadata()});
    let draft = done(&world, "POST", &id, "/draft/metadata", &saved);
    let sha256 = |idp: Idp| idp.certificate.fingerprint().to_string();
    let certificates = json!({
        "field": "identity_provider.certificates",
        "before": [sha256(Idp::trusted())],
        "after": [sha256(Idp::other())]
    });
    assert_eq!(draft["diff"], json!([certificates]));
    assert_eq!((&draft["revision"], &draft["outdated"]), (&json!(1), &json!(false)));
    assert_eq!(draft["connection"]["test"]["required"], true);

    let failed = test_draft(&world, &id, respond);
    assert_eq!(
        (&failed["code"], &failed["configuration"]),
        (&json!("signature_key_unknown"), &json!("draft"))
    );
    assert_eq!(
        refused(&world, "POST", &id, "/draft/apply", &json!({})),
        is(409, "test_required")
    );
    assert_eq!(live(&world, &id)["generation"], before["generation"]);
    assert!(signs_in(&world, &id, &Idp::trusted()));
    assert!(!signs_in(&world, &id, &Idp::other()));

    // The identity provider has really changed its key.
    let passed = test_draft(&world, &id, |message| Idp::other().respond(message, Signed::Both));
    assert_eq!(passed["state"], "passed", "{passed}");
    assert!(signs_in(&world, &id, &Idp::trusted()), "the draft is not live yet");
    let draft = done(&world, "GET", &id, "/draft", &json!({}));
    assert_eq!(draft["connection"]["test"]["required"], false);
    let applied = done(&world, "POST", &id, "/draft/apply", &json!({}));
    assert_eq!(
        (&applied["generation"], &applied["state"]),
        (&json!(4), &json!("enabled"))
    );
    assert!(signs_in(&world, &id, &Idp::other()));
    assert!(!signs_in(&world, &id, &Idp::trusted()));
    assert_eq!(
        refused(&world, "GET", &id, "/draft", &json!({})),
        is(404, "draft_unknown")
    );

    let undone = done(&world, "POST", &id, "/undo", &json!({}));
    assert_eq!(undone["identity_provider"], before["identity_provider"]);
    assert!(signs_in(&world, &id, &Idp::trusted()));
    let versions = done(&world, "GET", &id, "/versions", &json!({}));
    let changes: Vec<&Value> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["change"])
        .collect();
    assert_eq!(
        changes[..2],
        ["Undid the last change, back to version 3", "Applied the draft"]
    );
}

#[test]
fn undoing_can_be_undone_and_leaves_the_state_alone() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.patch(&id, &json!({"name": "Two"}));
    done(&world, "POST", &id, "/disable", &json!({}));
    for name in ["Acme", "Two", "Acme"] {
        let undone = done(&world, "POST", &id, "/undo", &json!({}));
        assert_eq!((&undone["name"], &undone["state"]), (&json!(name), &json!("disabled")));
    }
    let fields = json!({"name": "New", "provider": "okta", "domains": ["new.test"]});
    let (_, created) = world.api("POST", "/connections", &fields);
    let new = created["id"].as_str().unwrap();
    assert_eq!(
        refused(&world, "POST", new, "/undo", &json!({})),
        is(409, "nothing_to_undo")
    );
}

#[test]
fn a_draft_claims_no_domain_before_it_is_applied() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    patch_draft(&world, &id, &json!({"domains": ["acme.test", "new.test"]}));
    let other = world.connection_for("new.test", &Idp::other());
    let reason = json!({"override_reason": "a test of something else"});
    assert_eq!(
        refused(&world, "POST", &id, "/draft/apply", &reason),
        is(409, "domain_taken")
    );
    assert_eq!(live(&world, &id)["generation"], 3);
    assert_eq!(world.api("DELETE", &format!("/connections/{other}"), &json!({})).0, 204);
    let applied = done(&world, "POST", &id, "/draft/apply", &reason);
    assert_eq!(applied["domains"], json!(["acme.test", "new.test"]));
    let (_, audit) = world.api("GET", "/audit?limit=1", &json!({}));
    assert_eq!(
        audit["entries"][0]["change"],
        "Applied the draft without a passed test: a test of something else"
    );
}

#[test]
fn a_draft_of_a_connection_that_was_changed_is_brought_up_to_date_first() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    patch_draft(
        &world,
        &id,
        &json!({"name": "Draft", "force_authn": true, "match_subdomains": true}),
    );
    assert_eq!(test_draft(&world, &id, respond)["state"], "passed");
    world.patch(
        &id,
        &json!({"name": "Live", "organization": "acme", "require_signed_response": true}),
    );
    let draft = done(&world, "GET", &id, "/draft", &json!({}));
    assert_eq!(
        (&draft["outdated"], &draft["live_generation"]),
        (&json!(true), &json!(4))
    );
    assert_eq!(
        refused(&world, "POST", &id, "/draft/apply", &json!({})),
        is(409, "connection_changed")
    );

    let rebased = done(&world, "POST", &id, "/draft/rebase", &json!({}));
    assert_eq!(rebased["conflicts"], json!(["name"]));
    assert_eq!(
        (&rebased["outdated"], &rebased["base_generation"]),
        (&json!(false), &json!(4))
    );
    let connection = &rebased["connection"];
    for (field, value) in [
        ("name", json!("Draft")),
        ("organization", json!("acme")),
        ("force_authn", json!(true)),
        ("match_subdomains", json!(true)),
        ("require_signed_response", json!(true)),
    ] {
        assert_eq!(connection[field], value, "{field}");
    }
    // It is another configuration than the one that was tested.
    assert_eq!(
        refused(&world, "POST", &id, "/draft/apply", &json!({})),
        is(409, "test_required")
    );
    assert_eq!(test_draft(&world, &id, respond)["state"], "passed");
    let applied = done(&world, "POST", &id, "/draft/apply", &json!({}));
    assert_eq!((&applied["generation"], &applied["name"]), (&json!(5), &json!("Draft")));
    // Where nothing has changed there is nothing to do.
    patch_draft(&world, &id, &json!({"name": "Once more"}));
    let again = done(&world, "POST", &id, "/draft/rebase", &json!({}));
    assert_eq!((&again["revision"], &again["conflicts"]), (&json!(1), &json!([])));
}

#[test]
fn a_draft_has_a_key_of_its_own_until_it_is_applied() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let private_keys = |world: &World| {
        let rows = world.registry.run("SELECT 1 FROM decryption_keys", &[]);
        rows.unwrap().len()
    };
    let draft = patch_draft(&world, &id, &json!({"decrypt_assertions": true}));
    assert!(
        !world.metadata(&id).contains("encryption"),
        "it is announced only when it is live"
    );
    let certificate = draft["encryption_certificate"].as_str().unwrap().as_bytes();
    let certificate = Certificate::read(certificate).unwrap();
    let passed = test_draft(&world, &id, |message| {
        let response = Idp::trusted().respond(message, Signed::Assertion);
        let (start, end) = ("<saml2:Assertion", "</saml2:Assertion>");
        let (start, end) = (response.find(start).unwrap(), response.find(end).unwrap() + end.len());
        let sealed = Encryption::to(&certificate, GCM_256).element("EncryptedAssertion", &response[start..end]);
        format!("{}{sealed}{}", &response[..start], &response[end..])
    });
    assert_eq!(passed["state"], "passed", "{passed}");
    assert_eq!(private_keys(&world), 1);
    assert_eq!(
        world.api("DELETE", &format!("/connections/{id}/draft"), &json!({})).0,
        204
    );
    assert_eq!(private_keys(&world), 0);

    patch_draft(&world, &id, &json!({"decrypt_assertions": true}));
    // The connection gets a key of its own meanwhile: the draft has that one then.
    world.patch(&id, &json!({"decrypt_assertions": true}));
    assert_eq!(private_keys(&world), 2);
    done(&world, "POST", &id, "/draft/rebase", &json!({}));
    assert_eq!(private_keys(&world), 1);
    done(
        &world,
        "POST",
        &id,
        "/draft/apply",
        &json!({"override_reason": "tried"}),
    );
    assert_eq!(private_keys(&world), 1);
    let keys = done(&world, "GET", &id, "/decryption-keys", &json!({}));
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);

    let world = World::new();
    let id = world.connection(&Idp::trusted());
    patch_draft(&world, &id, &json!({"decrypt_assertions": true}));
    done(
        &world,
        "POST",
        &id,
        "/draft/apply",
        &json!({"override_reason": "tried"}),
    );
    assert!(world.metadata(&id).contains("use=\"encryption\""));
}

#[test]
fn edits_of_drafts_are_checked_as_those_of_connections() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    for path in ["/draft", "/draft/apply", "/draft/rebase"] {
        let method = if path == "/draft" { "DELETE" } else { "POST" };
        assert_eq!(
            refused(&world, method, &id, path, &json!({})),
            is(404, "draft_unknown"),
            "{path}"
        );
        let unknown = "conn_aaaaaaaaaaaaaaaaaaaa";
        assert_eq!(
            refused(&world, method, unknown, path, &json!({})),
            is(404, "connection_unknown"),
            "{path}"
        );
    }
    assert_eq!(
        refused(&world, "PATCH", &id, "/draft", &json!({"name": ""})),
        is(422, "invalid_field")
    );
    assert_eq!(
        refused(&world, "PATCH", &id, "/draft", &json!({"state": "disabled"})),
        is(422, "invalid_field")
    );
    let moved = Idp::trusted().metadata().replace("exk1test", "exk2test");
    let body = json!({"xml": moved});
    assert_eq!(
        refused(&world, "POST", &id, "/draft/metadata", &body),
        is(409, "entity_changed")
    );
    assert_eq!(
        refused(&world, "GET", &id, "/draft", &json!({})),
        is(404, "draft_unknown")
    );

    // What changes nothing begins a draft all the same, and applying it changes nothing.
    patch_draft(&world, &id, &json!({}));
    let applied = done(&world, "POST", &id, "/draft/apply", &json!({"override_reason": "none"}));
    assert_eq!(applied["generation"], 3);
    patch_draft(&world, &id, &json!({"name": "Draft"}));
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    assert!(world.registry.run("SELECT 1 FROM drafts", &[]).unwrap().is_empty());
}

/// Of two who edit what they read at the same time, the second is told.
#[test]
fn an_edit_that_was_made_from_an_older_draft_is_refused() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let edit = |base_generation: u64, revision: u64| {
        let edit = EditDraft {
            id: ConnectionId::parse(&id).unwrap(),
            change: Change::Disable,
            seen: Some(Seen {
                base_generation,
                revision,
            }),
            decryption_key: None,
            actor: Actor::new("somebody"),
        };
        let edited = futures_executor::block_on((&world).registry(edit)).unwrap().reply;
        edited.map(|draft| (draft.revision, draft.connection.state))
    };
    assert_eq!(edit(2, 0), Err(Refusal::Changed));
    assert_eq!(edit(3, 0), Ok((1, State::Enabled)), "a draft says nothing of the state");
    assert_eq!(edit(3, 0), Err(Refusal::Changed));
    patch_draft(&world, &id, &json!({"name": "Draft"}));
    assert_eq!(edit(3, 1), Err(Refusal::Changed));
    assert_eq!(edit(3, 2), Ok((2, State::Enabled)));
}

/// Whoever applies a draft need not have made it.
#[test]
fn every_edit_of_a_draft_is_in_the_audit_log_and_told_to_nobody_else() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let hook = json!({"url": "https://hooks.example/in"});
    assert_eq!(world.api("POST", "/webhooks", &hook).0, 201);
    let log = || {
        let (_, log) = world.api("GET", &format!("/audit?connection={id}"), &json!({}));
        log["entries"].as_array().unwrap().clone()
    };
    let before = log().len();
    let events = || {
        let rows = world.registry.run("SELECT count(*) FROM webhook_events", &[]).unwrap();
        rows[0][0].clone()
    };

    patch_draft(&world, &id, &json!({"name": "Draft", "force_authn": true}));
    let edited = log();
    assert_eq!(edited.len(), before + 1);
    let entry = &edited[0];
    assert_eq!(
        (&entry["action"], &entry["change"], &entry["actor"]),
        (
            &json!("connection.draft_edited"),
            &json!("Changed in the draft: force_authn, name"),
            &json!("token ADMIN_TOKEN")
        )
    );
    let field = |field: &str, before: Value, after: Value| json!({"field": field, "before": before, "after": after});
    assert_eq!(
        entry["diff"],
        json!([
            field("force_authn", json!(false), json!(true)),
            field("name", json!("Acme"), json!("Draft"))
        ])
    );
    // What was in the draft before counts, not what is live; and what changes nothing is nothing.
    patch_draft(&world, &id, &json!({"name": "Draft 2"}));
    patch_draft(&world, &id, &json!({"name": "Draft 2"}));
    let edited = log();
    assert_eq!(edited.len(), before + 2);
    assert_eq!(
        edited[0]["diff"],
        json!([field("name", json!("Draft"), json!("Draft 2"))])
    );
    assert_eq!(events(), 0.into(), "no other system goes by a draft");

    done(&world, "POST", &id, "/draft/rebase", &json!({}));
    assert_eq!(log().len(), before + 2, "there was nothing to do");
    world.patch(&id, &json!({"organization": "acme"}));
    assert_eq!(events(), 1.into());
    done(&world, "POST", &id, "/draft/rebase", &json!({}));
    let rebased = log();
    assert_eq!(rebased.len(), before + 4);
    assert_eq!(
        (&rebased[0]["action"], &rebased[0]["change"], &rebased[0]["diff"]),
        (
            &json!("connection.draft_rebased"),
            &json!("Brought the draft up to date"),
            &json!([field("organization", Value::Null, json!("acme"))])
        )
    );
    assert_eq!(events(), 1.into());
    // It is no version of the connection either.
    let versions = done(&world, "GET", &id, "/versions", &json!({}));
    assert_eq!(versions["versions"][0]["change"], "Changed organization");
}
