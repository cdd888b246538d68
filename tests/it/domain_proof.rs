//! Domains that are proven to be a customer's by a record in their DNS.

use edge_saml::app::ports::Fetched;
use edge_saml::app::registry::proofs::DomainProof;
use serde_json::{Value, json};

use crate::support::dashboard::{added, body, signed_in, submit};
use crate::support::idp::Idp;
use crate::support::world::{Browser, World, location};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Lets the DNS have these TXT records for `domain`; `None` for a resolver that fails.
fn publish(world: &World, domain: &str, texts: Option<&[&str]>) {
    let url = format!("https://cloudflare-dns.com/dns-query?name=_edge-saml.{domain}&type=TXT");
    let record = |text: &&str| json!({"name": "x", "type": 16, "TTL": 60, "data": format!("\"{text}\"")});
    let answer = match texts {
        Some(texts) => json!({"Status": 0, "TC": false, "Answer": texts.iter().map(record).collect::<Vec<_>>()}),
        None => json!({"Status": 2, "TC": false}),
    };
    let fetched = Fetched {
        status: 200,
        location: None,
        content_type: Some("application/dns-json".to_owned()),
        body: serde_json::to_vec(&answer).unwrap(),
    };
    world.answers.borrow_mut().insert(url, Ok(fetched));
}

/// Lets the DNS have the record that proves `domain` to be that of the connection `id`.
fn publish_proof(world: &World, id: &str, domain: &str) {
    let value = of(world, id, domain)["record_value"].as_str().unwrap().to_owned();
    publish(world, domain, Some(&[&value]));
}

/// What the API says of a domain of the connection `id`.
fn of(world: &World, id: &str, domain: &str) -> Value {
    let (status, answer) = world.api("GET", &format!("/connections/{id}/domains"), &json!({}));
    assert_eq!(status, 200, "{answer}");
    let mut domains = answer["domains"].as_array().unwrap().iter();
    domains.find(|one| one["domain"] == domain).unwrap().clone()
}

fn verify(world: &World, id: &str, domain: &str) -> (u16, Value) {
    world.api(
        "POST",
        &format!("/connections/{id}/domains/{domain}/verify"),
        &json!({}),
    )
}

fn warnings(world: &World, id: &str) -> Vec<String> {
    let (_, shown) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    let warnings = shown["warnings"].as_array().unwrap().iter();
    warnings.map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// The actions of the audit log that are about proofs, newest first, and who did them.
fn deeds(world: &World) -> Vec<String> {
    let (_, audit) = world.api("GET", "/audit", &json!({}));
    let entries = audit["entries"].as_array().unwrap().iter();
    entries
        .filter(|entry| entry["action"].as_str().unwrap().starts_with("domain."))
        .map(|entry| {
            format!(
                "{}: {}",
                entry["actor"].as_str().unwrap(),
                entry["change"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn a_domain_is_proven_by_its_connections_own_record() {
    let world = World::new();
    let shared = json!({"organization": "acme", "share_domains": true});
    let id = world.connection_with(&shared, &Idp::trusted());
    let other = world.connection_with(&shared, &Idp::trusted());
    let unproven = of(&world, &id, "acme.test");
    assert_eq!(
        (&unproven["state"], &unproven["record_type"], &unproven["record_name"]),
        (&json!("unproven"), &json!("TXT"), &json!("_edge-saml.acme.test"))
    );
    let value = unproven["record_value"].as_str().unwrap();
    let hash = value.strip_prefix("edge-saml-verification=").unwrap();
    assert!(hash.len() == 43 && !hash.contains(&id[5..]), "{value}");
    assert_eq!(warnings(&world, &id), Vec::<String>::new(), "nobody wanted it yet");

    // Nothing, the record of another connection, one that is nearly right: not proven.
    let others = of(&world, &other, "acme.test")["record_value"]
        .as_str()
        .unwrap()
        .to_owned();
    for texts in [
        &[][..],
        &[others.as_str()],
        &[&value[..value.len() - 1]],
        &["v=spf1 -all", &value.to_lowercase()],
    ] {
        publish(&world, "acme.test", Some(texts));
        let (status, answer) = verify(&world, &id, "acme.test");
        assert_eq!((status, &answer["state"]), (200, &json!("unproven")), "{texts:?}");
        assert!(
            answer["problem"]
                .as_str()
                .unwrap()
                .contains("TXT record at _edge-saml.acme.test"),
            "{answer}"
        );
        assert_eq!(answer["checked_at"], json!("2026-07-01T12:00:00Z"));
    }
    assert_eq!(warnings(&world, &id), ["domain_unproven"]);
    publish(&world, "acme.test", Some(&["v=spf1 -all", &format!(" {value} ")]));
    let (status, answer) = verify(&world, &id, "ACME.test");
    assert_eq!(
        (status, &answer["state"], &answer["problem"]),
        (200, &json!("proven"), &Value::Null)
    );
    assert_eq!(of(&world, &id, "acme.test"), answer);
    let (_, shown) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(shown["domain_proofs"], json!([answer]));
    let (_, listed) = world.api("GET", "/connections", &json!({}));
    let listed = listed["connections"].as_array().unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|c| c["domain_proofs"][0]["state"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["proven", "unproven"]
    );
    assert_eq!(warnings(&world, &id), Vec::<String>::new());
    assert_eq!(deeds(&world), ["token ADMIN_TOKEN: Proved the domain acme.test"]);
}

#[test]
fn what_cannot_be_asked_changes_nothing() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    publish(&world, "acme.test", None);
    let (status, answer) = verify(&world, &id, "acme.test");
    assert_eq!((status, &answer["state"]), (200, &json!("unproven")));
    assert!(
        answer["problem"].as_str().unwrap().contains("failed with code 2"),
        "{answer}"
    );
    publish_proof(&world, &id, "acme.test");
    verify(&world, &id, "acme.test");
    publish(&world, "acme.test", None);
    world.pass(DAY);
    world.run_schedule();
    let proven = of(&world, &id, "acme.test");
    assert_eq!(
        (&proven["state"], &proven["proven_at"]),
        (&json!("proven"), &json!("2026-07-01T12:00:00Z"))
    );
    assert_eq!(proven["checked_at"], json!("2026-07-02T12:00:00Z"));
    assert!(proven["problem"].is_string());
    let nobody = "conn_aaaaaaaaaaaaaaaaaaaa";
    for (id, domain, status) in [(nobody, "acme.test", 404), (id.as_str(), "localhost", 404)] {
        assert_eq!(verify(&world, id, domain).0, status);
    }
}

#[test]
fn a_record_that_goes_is_noticed_within_a_day() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    publish_proof(&world, &id, "acme.test");
    verify(&world, &id, "acme.test");
    publish(&world, "acme.test", Some(&[]));
    world.pass(DAY - 1);
    world.run_schedule();
    assert_eq!(of(&world, &id, "acme.test")["state"], "proven");
    world.pass(1);
    world.run_schedule();
    let lost = of(&world, &id, "acme.test");
    assert_eq!(
        (&lost["state"], &lost["proven_at"]),
        (&json!("lost"), &json!("2026-07-01T12:00:00Z"))
    );
    assert_eq!(warnings(&world, &id), ["domain_proof_lost"]);
    assert!(world.log.borrow().iter().any(|line| line.contains("domain_proof_lost")));
    // It is looked for every day, and found again.
    publish_proof(&world, &id, "acme.test");
    world.pass(DAY);
    world.run_schedule();
    let again = of(&world, &id, "acme.test");
    assert_eq!(
        (&again["state"], &again["proven_at"]),
        (&json!("proven"), &json!("2026-07-03T12:00:00Z"))
    );
    assert_eq!(
        deeds(&world),
        [
            "schedule: Proved the domain acme.test",
            "schedule: Lost the proof of the domain acme.test",
            "token ADMIN_TOKEN: Proved the domain acme.test"
        ]
    );
}

#[test]
fn who_has_asked_once_is_told_without_asking_again() {
    let world = World::new();
    let id = world.connection_with(&json!({"domains": ["acme.test", "b.test"]}), &Idp::trusted());
    publish(&world, "acme.test", Some(&[]));
    verify(&world, &id, "acme.test");
    publish_proof(&world, &id, "acme.test");
    publish_proof(&world, &id, "b.test");
    world.pass(HOUR - 1);
    world.run_schedule();
    assert_eq!(of(&world, &id, "acme.test")["state"], "unproven");
    world.pass(1);
    world.run_schedule();
    assert_eq!(of(&world, &id, "acme.test")["state"], "proven");
    assert_eq!(
        of(&world, &id, "b.test")["checked_at"],
        Value::Null,
        "nobody asked for that one"
    );

    // For a week; what is due is taken by one run alone.
    publish(&world, "b.test", Some(&[]));
    verify(&world, &id, "b.test");
    for _ in 0..7 * 24 {
        world.pass(HOUR);
        world.run_schedule();
        let findings = || {
            let calls = world.registry_calls.borrow();
            calls.iter().filter(|call| **call == "note_finding").count()
        };
        let noted = findings();
        world.run_schedule();
        assert_eq!(findings(), noted);
    }
    publish_proof(&world, &id, "b.test");
    world.pass(2 * DAY);
    world.run_schedule();
    assert_eq!(of(&world, &id, "b.test")["state"], "unproven");
}

#[test]
fn a_deployment_may_demand_proof() {
    let world = World::new();
    let before = world.connection_for("before.test", &Idp::trusted());
    world.domain_proof.set(DomainProof::Required);
    let fields = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test", "b.test"]});
    let (_, created) = world.api("POST", "/connections", &fields);
    let id = created["id"].as_str().unwrap();
    let path = format!("/connections/{id}");
    assert_eq!(warnings(&world, id), ["domain_unproven", "domain_unproven"]);
    world.api(
        "POST",
        &format!("{path}/metadata"),
        &json!({"xml": Idp::trusted().metadata()}),
    );
    let reason = json!({"override_reason": "a test of something else"});
    let enable = || {
        let (status, answer) = world.api("POST", &format!("{path}/enable"), &reason);
        (
            status,
            answer["error"]["code"].clone(),
            answer["error"]["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let unproven = |domain: &str| {
        let (status, code, message) = enable();
        assert_eq!((status, code), (409, json!("domain_unproven")));
        assert!(message.contains(&format!("The domain {domain} is")), "{message}");
    };
    unproven("acme.test");
    for domain in ["acme.test", "b.test"] {
        unproven(domain);
        publish_proof(&world, id, domain);
        verify(&world, id, domain);
    }
    assert_eq!(enable().0, 200);

    // A domain that is added must be proven first; that is possible before the connection has it.
    let add = || world.api("PATCH", &path, &json!({"domains": ["acme.test", "b.test", "c.test"]}));
    assert_eq!(add().1["error"]["code"], "domain_unproven");
    publish(&world, "c.test", Some(&[]));
    let (_, answer) = verify(&world, id, "c.test");
    publish(&world, "c.test", Some(&[answer["record_value"].as_str().unwrap()]));
    assert_eq!(verify(&world, id, "c.test").1["state"], "proven");
    assert_eq!(add().0, 200);
    // Not one that is somebody else's.
    let (status, answer) = verify(&world, id, "before.test");
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("domain_taken")));

    // A proof that is lost disables nobody, but nobody is enabled without it either; and none outlives its domain.
    publish(&world, "c.test", Some(&[]));
    assert_eq!(verify(&world, id, "c.test").1["state"], "lost");
    world.patch(id, &json!({"name": "Acme, again"}));
    world.api("POST", &format!("{path}/disable"), &json!({}));
    unproven("c.test");
    world.patch(id, &json!({"domains": ["b.test"]}));
    assert_eq!(enable().0, 200);
    let back = world.api("PATCH", &path, &json!({"domains": ["b.test", "acme.test"]}));
    assert_eq!(back.1["error"]["code"], "domain_unproven");

    // What was enabled before goes on, with a mark.
    assert_eq!(
        world.patch(&before, &json!({"name": "Before, renamed"}))["state"],
        "enabled"
    );
    assert_eq!(warnings(&world, &before), ["domain_unproven"]);
    world.domain_proof.set(DomainProof::Optional);
    assert_eq!(add().0, 200);
    assert_eq!(warnings(&world, &before), Vec::<String>::new());
}

#[test]
fn a_draft_goes_live_only_with_proven_domains() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.domain_proof.set(DomainProof::Required);
    let path = format!("/connections/{id}/draft");
    world.api("PATCH", &path, &json!({"domains": ["acme.test", "b.test"]}));
    let apply = || {
        let reason = json!({"override_reason": "a test of something else"});
        let (status, answer) = world.api("POST", &format!("{path}/apply"), &reason);
        (status, answer["error"]["code"].clone())
    };
    assert_eq!(apply(), (409, json!("domain_unproven")));
    publish(&world, "b.test", Some(&[]));
    let (_, answer) = verify(&world, &id, "b.test");
    publish(&world, "b.test", Some(&[answer["record_value"].as_str().unwrap()]));
    verify(&world, &id, "b.test");
    assert_eq!(apply(), (200, Value::Null));
}

#[test]
fn what_is_known_of_domains_goes_with_its_connection_and_has_an_end() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let path = format!("/connections/{id}");
    for number in 0..200 {
        assert_eq!(verify(&world, &id, &format!("d{number}.test")).0, 200);
    }
    let (status, answer) = verify(&world, &id, "acme.test");
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("too_many_domains")));
    assert!(world.everything_registered().contains("d199.test"));
    world.api("DELETE", &path, &json!({}));
    let rows = edge_saml::app::sql::Sql::run(&world.registry, "SELECT 1 FROM domain_proofs", &[]).unwrap();
    assert_eq!(rows.len(), 0);
}

#[test]
fn the_dashboard_shows_the_record_and_looks_for_it() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let settings = format!("{page}/settings");
    let id = page.rsplit('/').next().unwrap();
    let value = of(&world, id, "acme.test")["record_value"].as_str().unwrap().to_owned();
    let shown = body(&browser.get(&world, &settings));
    for part in [
        "Not proven",
        "_edge-saml.acme.test",
        &value,
        "/verify-domain\" name=\"domain\" value=\"acme.test\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    publish(&world, "acme.test", Some(&["<b>"]));
    let look = |browser: &mut Browser, domain: &str| {
        submit(&world, browser, &format!("{page}/verify-domain"), &[("domain", domain)])
    };
    let done = look(&mut browser, "acme.test");
    assert_eq!(done.status(), 303);
    let shown = body(&browser.get(&world, &location(&done)));
    assert!(shown.contains("Looked up. This is what there is now."), "{shown}");
    assert!(shown.contains("found &#60;b&#62;."), "{shown}");
    publish(&world, "acme.test", Some(&[&value]));
    look(&mut browser, "acme.test");
    let shown = body(&browser.get(&world, &settings));
    assert!(shown.contains("<span class=\"pill good\">Proven</span>"), "{shown}");
    assert_eq!(look(&mut browser, "localhost").status(), 422);
}
