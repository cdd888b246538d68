//! Metadata that is looked at again: what it would change, and what it changes by itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::ports::{FetchFailure, Ports};
use edge_saml::app::registry::refresh::{RefreshFailure, RefreshOutcome, SaveRefresh, TakeDueRefreshes};
use edge_saml::app::registry::{Actor, Read};
use edge_saml::app::sql::Sql;
use edge_saml::dsig::Certificate;
use edge_saml::limits::MAX_CERTIFICATES_PER_CONNECTION;
use edge_saml::saml::id::EndpointUrl;
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::idp::{ENTITY_ID, Idp, Message, Signed};
use crate::support::world::{Browser, Replication, World};

const URL: &str = "https://idp.example/metadata";
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// The metadata of an identity provider that changes.
#[derive(Clone)]
struct Metadata(String);

impl Metadata {
    fn new() -> Self {
        Self(Idp::trusted().metadata())
    }

    fn with(&self, from: &str, to: &str) -> Self {
        assert!(self.0.contains(from), "{from}");
        Self(self.0.replace(from, to))
    }

    /// With these certificates in the place of its own.
    fn with_certificates(&self, certificates: &[String]) -> Self {
        let (start, end) = (
            self.0.find("<md:KeyDescriptor").unwrap(),
            self.0.find("<md:SingleSignOnService").unwrap(),
        );
        let key = |certificate: &String| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
                 <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        };
        let keys: String = certificates.iter().map(key).collect();
        Self(format!("{}{keys}{}", &self.0[..start], &self.0[end..]))
    }
}

/// A certificate of its first key, a different one for each `number`.
fn certificate(number: u8) -> String {
    let mut der = Idp::trusted().certificate.der().to_vec();
    *der.last_mut().unwrap() ^= number;
    STANDARD.encode(der)
}

/// A certificate of another key.
fn other_certificate() -> String {
    STANDARD.encode(Idp::other().certificate.der())
}

fn sha256(certificate: &str) -> String {
    let certificate = Certificate::read(certificate.as_bytes()).unwrap();
    certificate.fingerprint().to_string()
}

/// A world with one connection that has no identity provider yet, and the path of the connection.
fn connection() -> (World, String) {
    let world = World::new();
    let body = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
    let (status, created) = world.api("POST", "/connections", &body);
    assert_eq!(status, 201);
    let path = format!("/connections/{}", created["id"].as_str().unwrap());
    (world, path)
}

impl World {
    /// What saving `metadata` would change of the connection at `path`; it changes nothing.
    fn preview(&self, path: &str, metadata: &Metadata) -> Value {
        let (_, before) = self.api("GET", path, &json!({}));
        let body = json!({"xml": metadata.0, "preview": true});
        let (status, preview) = self.api("POST", &format!("{path}/metadata"), &body);
        assert_eq!(status, 200, "{preview}");
        assert_eq!(self.api("GET", path, &json!({})).1, before);
        preview
    }

    fn save_xml(&self, path: &str, metadata: &Metadata) {
        let body = json!({"xml": metadata.0, "replace_entity": true});
        let (status, saved) = self.api("POST", &format!("{path}/metadata"), &body);
        assert_eq!(status, 200, "{saved}");
    }
}

#[test]
fn a_preview_lists_what_would_change_and_saves_nothing() {
    let (world, path) = connection();
    let old = Metadata::new().with_certificates(&[certificate(0), certificate(1)]);
    let first = world.preview(&path, &old);
    let fields = |preview: &Value| -> Vec<String> {
        let diff = preview["diff"].as_array().unwrap();
        diff.iter()
            .map(|change| change["field"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        fields(&first),
        [
            "entity_id",
            "single_sign_on",
            "single_sign_on",
            "signing_certificate",
            "signing_certificate"
        ]
    );
    assert_eq!(
        first["diff"][0],
        json!({"field": "entity_id", "from": null, "to": ENTITY_ID})
    );
    assert_eq!(first["identity_provider"]["entity_id"], ENTITY_ID);

    world.save_xml(&path, &old);
    assert_eq!(world.preview(&path, &old)["diff"], json!([]));
    let turned = Metadata::new().with_certificates(&[certificate(1), certificate(0)]);
    assert_eq!(world.preview(&path, &turned)["diff"], json!([]), "order means nothing");

    let redirect = &first["identity_provider"]["single_sign_on"];
    let redirect = redirect
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["binding"] == "redirect")
        .unwrap();
    let new = old
        .with_certificates(&[certificate(1), other_certificate()])
        .with(ENTITY_ID, "urn:other")
        .with(
            "WantAuthnRequestsSigned=\"false\"",
            "WantAuthnRequestsSigned=\"true\" validUntil=\"2030-01-01T00:00:00Z\"",
        )
        .with(
            &format!("Location=\"{}\"", redirect["url"].as_str().unwrap()),
            "Location=\"https://new.example/sso\"",
        );
    let preview = world.preview(&path, &new);
    let expected = json!([
        {"field": "entity_id", "from": ENTITY_ID, "to": "urn:other"},
        {"field": "single_sign_on", "from": redirect, "to": {"binding": "redirect", "url": "https://new.example/sso"}},
        {"field": "wants_requests_signed", "from": false, "to": true},
        {"field": "valid_until", "from": null, "to": "2030-01-01T00:00:00Z"},
    ]);
    let (certificates, others): (Vec<Value>, Vec<Value>) = preview["diff"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .partition(|change| change["field"] == "signing_certificate");
    assert_eq!(Value::Array(others), expected);
    let fingerprints: Vec<_> = certificates
        .iter()
        .map(|c| (&c["from"]["sha256"], &c["to"]["sha256"]))
        .collect();
    let (gone, new) = (json!(sha256(&certificate(0))), json!(sha256(&other_certificate())));
    assert_eq!(fingerprints, [(&gone, &Value::Null), (&Value::Null, &new)]);
    assert_eq!(certificates[1]["to"]["not_after"].as_str().map(str::len), Some(20));
}

/// A world with an enabled connection whose metadata is at [`URL`], and the connection's ID.
fn followed() -> (World, String) {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.put(&Metadata::new());
    world.save_url(&id, URL);
    (world, id)
}

impl World {
    /// Lets the metadata at [`URL`] be this.
    fn put(&self, metadata: &Metadata) {
        self.serve(URL, metadata.0.as_bytes(), None);
    }

    fn save_url(&self, id: &str, url: &str) {
        let (status, saved) = self.api("POST", &format!("/connections/{id}/metadata"), &json!({"url": url}));
        assert_eq!(status, 200, "{saved}");
    }

    fn read(&self, id: &str) -> Value {
        self.api("GET", &format!("/connections/{id}"), &json!({})).1
    }

    /// How fetching the metadata went.
    fn refresh(&self, id: &str) -> Value {
        let (status, body) = self.api("GET", &format!("/connections/{id}/metadata"), &json!({}));
        assert_eq!(status, 200, "{body}");
        body["refresh"].clone()
    }

    fn held(&self, id: &str) -> (u16, Value) {
        self.api("GET", &format!("/connections/{id}/held-metadata"), &json!({}))
    }

    /// The fingerprints of the certificates that count.
    fn certificates(&self, id: &str) -> Vec<String> {
        let connection = self.read(id);
        let certificates = connection["identity_provider"]["signing_certificates"]
            .as_array()
            .unwrap();
        certificates
            .iter()
            .map(|c| c["sha256"].as_str().unwrap().to_owned())
            .collect()
    }

    /// How often `url` was fetched since this was last asked of anything.
    fn fetches(&self, url: &str) -> usize {
        let fetched = self.fetched.take();
        fetched.iter().filter(|fetched| *fetched == url).count()
    }

    /// The schedule's next run, a day later.
    fn next_day(&self) {
        self.pass(DAY);
        self.run_schedule();
    }
}

fn fingerprints(certificates: &[String]) -> Vec<String> {
    certificates.iter().map(|certificate| sha256(certificate)).collect()
}

#[test]
fn metadata_is_fetched_once_a_day() {
    let (world, id) = followed();
    let by_hand = world.connection_for("paste.test", &Idp::trusted());
    assert_eq!(world.refresh(&by_hand), Value::Null);
    assert_eq!(world.refresh(&id)["attempted_at"], Value::Null);
    assert_eq!(world.refresh(&id)["next_at"], "2026-07-02T12:00:00Z");
    world.fetches(URL);
    let before = world.read(&id);
    for (wait, expected) in [(0, 0), (DAY - 1, 0), (1, 1), (0, 0), (DAY - 1, 0), (1, 1)] {
        world.pass(wait);
        world.run_schedule();
        assert_eq!(world.fetches(URL), expected);
    }
    assert_eq!(world.read(&id), before, "nothing new changes nothing");
    assert_eq!(
        world.refresh(&id),
        json!({"metadata_url": URL, "next_at": "2026-07-04T12:00:00Z", "attempted_at": "2026-07-03T12:00:00Z",
            "succeeded_at": "2026-07-03T12:00:00Z", "error": null, "missing_certificates": [], "waits_for_approval": false})
    );
    // Without the URL there is nothing to be fetched, and of a deleted connection nothing is left.
    world.save_xml(&format!("/connections/{id}"), &Metadata::new());
    assert_eq!(world.refresh(&id), Value::Null);
    world.save_url(&id, URL);
    assert_eq!(world.api("DELETE", &format!("/connections/{id}"), &json!({})).0, 204);
    world.fetches(URL);
    world.next_day();
    assert_eq!(world.fetches(URL), 0);
}

#[test]
fn keys_are_added_at_once_and_retired_a_week_after_they_are_gone() {
    let (world, id) = followed();
    let (old, new) = (certificate(0), other_certificate());
    world.put(&Metadata::new().with_certificates(&[new.clone(), old.clone()]));
    let generation = |world: &World| world.read(&id)["generation"].as_u64().unwrap();
    let before = generation(&world);
    world.next_day();
    let both = fingerprints(&[old.clone(), new.clone()]);
    assert_eq!(
        (world.certificates(&id), generation(&world)),
        (both.clone(), before + 1)
    );
    assert_eq!(world.refresh(&id)["missing_certificates"], json!([]));

    world.put(&Metadata::new().with_certificates(std::slice::from_ref(&new)));
    world.next_day();
    let gone_at = "2026-07-03T12:00:00Z";
    for _ in 0..6 {
        assert_eq!(
            (world.certificates(&id), generation(&world)),
            (both.clone(), before + 1)
        );
        let missing = &world.refresh(&id)["missing_certificates"];
        assert_eq!(missing[0]["sha256"], both[0]);
        assert_eq!(
            (&missing[0]["missing_since"], &missing[0]["retired_at"]),
            (&json!(gone_at), &json!("2026-07-10T12:00:00Z"))
        );
        world.next_day();
    }
    assert_eq!(world.certificates(&id), both, "six days");
    world.next_day();
    assert_eq!(
        (world.certificates(&id), generation(&world)),
        (fingerprints(std::slice::from_ref(&new)), before + 2)
    );
    assert_eq!(world.refresh(&id)["missing_certificates"], json!([]));

    // One that comes back in time is none that is missing, and begins anew when it goes again.
    let added = certificate(3);
    world.put(&Metadata::new().with_certificates(&[new.clone(), added.clone()]));
    world.next_day();
    for certificates in [vec![new.clone()], vec![new.clone(), added.clone()], vec![new.clone()]] {
        world.put(&Metadata::new().with_certificates(&certificates));
        for _ in 0..6 {
            world.next_day();
            assert_eq!(world.certificates(&id), fingerprints(&[new.clone(), added.clone()]));
        }
    }
}

#[test]
fn keys_that_are_gone_are_retired_whatever_comes_of_fetching_then() {
    let (old, new) = (certificate(0), other_certificate());
    let one = Metadata::new().with_certificates(std::slice::from_ref(&new));
    let another = one.with(ENTITY_ID, "urn:other");
    for (is_found, is_dismissed) in [(false, false), (true, false), (true, true)] {
        let (world, id) = followed();
        world.put(&Metadata::new().with_certificates(&[old.clone(), new.clone()]));
        world.next_day();
        world.put(&one);
        world.next_day();
        if is_found {
            world.put(&another);
        } else {
            world.answer(URL, 404, None, b"", None);
        }
        world.next_day();
        let (error, held) = (world.refresh(&id)["error"].clone(), world.held(&id));
        let version = held.1["version"].as_str().unwrap_or_default();
        if is_dismissed {
            let path = format!("/connections/{id}/held-metadata?version={version}");
            assert_eq!(world.api("DELETE", &path, &json!({})).0, 200);
        }
        let generation = world.read(&id)["generation"].as_u64().unwrap();
        for _ in 0..5 {
            world.next_day();
            assert_eq!(world.certificates(&id), fingerprints(&[old.clone(), new.clone()]));
        }
        world.next_day();
        assert_eq!(world.certificates(&id), fingerprints(std::slice::from_ref(&new)));
        assert_eq!(world.read(&id)["generation"].as_u64().unwrap(), generation + 1);
        assert_eq!(world.refresh(&id)["missing_certificates"], json!([]));
        assert_eq!(world.refresh(&id)["error"], error, "still told");
        // Held or dismissed as before.
        let (status, now) = world.held(&id);
        assert_eq!(status, if is_found && !is_dismissed { 200 } else { 404 });
        if status == 200 {
            assert_eq!(now["version"], version);
        }
        let expected = "schedule: connection.certificates_retired: Retired certificates that its metadata has not listed for a week";
        assert_eq!(newest_deeds(&world, 1), [expected]);
    }
}

#[test]
fn a_key_that_held_metadata_lists_again_is_not_missing() {
    let (old, new) = (certificate(0), other_certificate());
    let (one, both) = (vec![new.clone()], vec![old, new]);
    let moved = ("https://acme.okta.example/sso", "https://new.example/sso");
    for ((from, to), counts) in [(moved, &both), ((ENTITY_ID, "urn:other"), &one)] {
        let (world, id) = followed();
        world.put(&Metadata::new().with_certificates(&both));
        world.next_day();
        world.put(&Metadata::new().with_certificates(&one));
        world.next_day();
        world.put(&Metadata::new().with_certificates(&both).with(from, to));
        for _ in 0..8 {
            world.next_day();
        }
        assert_eq!(world.held(&id).0, 200);
        assert_eq!(world.certificates(&id), fingerprints(counts), "{to}");
    }
    // Why it is held is told as it is now.
    let (world, id) = followed();
    world.put(&Metadata::new().with_certificates(&one).with(ENTITY_ID, "urn:other"));
    world.next_day();
    let before = world.held(&id).1;
    assert_eq!(before["reasons"], json!(["entity_changed", "all_keys_changed"]));
    let record = "UPDATE connections SET record = replace(record, ?, 'urn:other')";
    world.registry.run(record, &[ENTITY_ID.into()]).unwrap();
    world.next_day();
    let held = world.held(&id).1;
    for name in ["version", "found_at"] {
        assert_eq!(held[name], before[name]);
    }
    assert_eq!(held["reasons"], json!(["all_keys_changed"]));
}

#[test]
fn what_is_announced_comes_before_what_is_gone() {
    let (world, id) = followed();
    let many: Vec<String> = (0..8).map(certificate).collect();
    assert_eq!(many.len(), MAX_CERTIFICATES_PER_CONNECTION);
    world.put(&Metadata::new().with_certificates(&many[..6]));
    world.next_day();
    world.put(&Metadata::new().with_certificates(&many[1..6]));
    world.next_day();
    world.put(&Metadata::new().with_certificates(&many[2..6]));
    world.next_day();
    assert_eq!(world.certificates(&id), fingerprints(&many[..6]));
    // There is room for one that is gone, which is the one that went last.
    let announced: Vec<String> = (2..6).chain([8, 9, 10]).map(certificate).collect();
    world.put(&Metadata::new().with_certificates(&announced));
    world.next_day();
    let expected: Vec<String> = [1].into_iter().chain(2..6).chain([8, 9, 10]).map(certificate).collect();
    assert_eq!(world.certificates(&id), fingerprints(&expected));
    assert_eq!(world.refresh(&id)["missing_certificates"].as_array().unwrap().len(), 1);
}

#[test]
fn what_decides_nothing_is_told_without_a_new_generation() {
    let (world, id) = followed();
    let until = |time: &str| Metadata::new().with(" entityID=", &format!(" validUntil=\"{time}\" entityID="));
    world.put(&until("2026-07-02T13:00:00Z"));
    let generation = world.read(&id)["generation"].clone();
    world.next_day();
    assert_eq!(
        (&world.read(&id)["generation"], &world.read(&id)["warnings"]),
        (&generation, &json!([]))
    );
    world.pass(HOUR);
    assert_eq!(world.read(&id)["warnings"][0]["code"], "metadata_expired");
    world.put(&until("2026-07-09T12:00:00Z"));
    world.next_day();
    assert_eq!(
        (&world.read(&id)["generation"], &world.read(&id)["warnings"]),
        (&generation, &json!([]))
    );
}

#[test]
fn what_no_rotation_looks_like_waits_for_approval() {
    let good = Metadata::new();
    let key = good.with_certificates(&[other_certificate()]);
    let entity = good.with(ENTITY_ID, "urn:other");
    let host = good.with("https://acme.okta.example/post", "https://acme.okta-example.test/post");
    let port = good.with("https://acme.okta.example/post", "https://acme.okta.example:8443/post");
    let logout = good.with(
        "</md:IDPSSODescriptor>",
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://acme.okta.example/slo\" ResponseLocation=\"https://elsewhere.example/slo\"/></md:IDPSSODescriptor>",
    );
    let all = Metadata(
        key.with(ENTITY_ID, "urn:other")
            .0
            .replace("acme.okta.example", "new.example"),
    );
    for (metadata, reasons) in [
        (&key, json!(["all_keys_changed"])),
        (&entity, json!(["entity_changed"])),
        (&host, json!(["host_changed"])),
        (&port, json!(["host_changed"])),
        (&logout, json!(["host_changed"])),
        (&all, json!(["entity_changed", "host_changed", "all_keys_changed"])),
    ] {
        let (world, id) = followed();
        let before = world.read(&id);
        world.put(metadata);
        world.next_day();
        assert_eq!(world.read(&id), before, "{reasons}");
        let (status, held) = world.held(&id);
        assert_eq!(
            (status, &held["reasons"], &held["found_at"]),
            (200, &reasons, &json!("2026-07-02T12:00:00Z"))
        );
        assert_ne!(held["diff"], json!([]));
        assert_eq!(world.refresh(&id)["waits_for_approval"], true);
        assert_eq!(world.refresh(&id)["error"], Value::Null);
        // It waits as it is, and is gone when the metadata is as it was.
        world.next_day();
        assert_eq!(world.held(&id).1, held);
        world.put(&good);
        world.next_day();
        let (status, gone) = world.held(&id);
        assert_eq!((status, &gone["error"]["code"]), (404, &json!("nothing_held")));
        assert_eq!(world.read(&id), before);
    }
    // Other paths of the same host, and keys beside a known one, are taken over.
    let (world, id) = followed();
    let metadata = good
        .with("https://acme.okta.example/post", "https://acme.okta.example/new/post")
        .with_certificates(&[other_certificate(), certificate(9)]);
    world.put(&metadata);
    world.next_day();
    assert_eq!(world.held(&id).0, 404);
    assert_eq!(
        world.read(&id)["identity_provider"]["single_sign_on"][0]["url"],
        "https://acme.okta.example/new/post"
    );
    // The first key is there in a renewed certificate.
    assert_eq!(
        world.certificates(&id),
        fingerprints(&[certificate(0), other_certificate(), certificate(9)])
    );
}

#[test]
fn held_metadata_is_approved_or_dismissed_as_it_was_looked_at() {
    let (world, id) = followed();
    let path = format!("/connections/{id}/held-metadata");
    let approve = |version: &str| world.api("POST", &format!("{path}/approve"), &json!({"version": version}));
    let dismiss = |query: &str| world.api("DELETE", &format!("{path}{query}"), &json!({}));
    let version = || world.held(&id).1["version"].as_str().unwrap().to_owned();
    let code = |answer: (u16, Value)| {
        (
            answer.0,
            answer.1["error"]["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(code(approve("x")), (404, "nothing_held".to_owned()));

    let key = Metadata::new().with_certificates(&[other_certificate()]);
    world.put(&key);
    world.next_day();
    let first = version();
    world.put(&key.with(ENTITY_ID, "urn:other"));
    world.next_day();
    assert_eq!(code(approve(&first)), (409, "held_metadata_changed".to_owned()));
    assert_eq!(
        code(dismiss(&format!("?version={first}"))),
        (409, "held_metadata_changed".to_owned())
    );
    assert_eq!(code(dismiss("")), (422, "invalid_field".to_owned()));
    world.put(&key);
    world.next_day();
    assert_eq!(version(), first);

    // Dismissed, it is not held again; something else is.
    let before = world.read(&id);
    assert_eq!(dismiss(&format!("?version={first}")), (200, before.clone()));
    world.next_day();
    assert_eq!(code(world.held(&id)), (404, "nothing_held".to_owned()));
    assert_eq!(world.refresh(&id)["waits_for_approval"], false);
    world.put(&Metadata::new().with(ENTITY_ID, "urn:other"));
    world.next_day();
    assert_eq!(world.held(&id).1["reasons"], json!(["entity_changed"]));
    assert_eq!(world.read(&id), before);

    // Keys of the same identity provider are approved with an overlap.
    world.put(&key);
    world.next_day();
    let (status, approved) = approve(&version());
    assert_eq!((status, &approved), (200, &world.read(&id)));
    assert_eq!(
        world.certificates(&id),
        fingerprints(&[certificate(0), other_certificate()])
    );
    assert_eq!(
        world.refresh(&id)["missing_certificates"][0]["sha256"],
        sha256(&certificate(0))
    );
    assert_eq!(code(world.held(&id)), (404, "nothing_held".to_owned()));
    for _ in 0..7 {
        world.next_day();
    }
    assert_eq!(world.certificates(&id), fingerprints(&[other_certificate()]));
    // Another identity provider keeps nothing of the one before.
    world.put(&Metadata::new().with(ENTITY_ID, "urn:other"));
    world.next_day();
    assert_eq!(approve(&version()).0, 200);
    assert_eq!(world.read(&id)["identity_provider"]["entity_id"], "urn:other");
    assert_eq!(world.certificates(&id), fingerprints(&[certificate(0)]));
    world.next_day();
    assert_eq!(world.certificates(&id), fingerprints(&[certificate(0)]));
}

#[test]
fn a_federations_file_is_searched_for_the_one_that_is_saved() {
    let (world, id) = followed();
    let around = |inside: &str| {
        Metadata(format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inside}</md:EntitiesDescriptor>"
        ))
    };
    let (good, other) = (Metadata::new(), Metadata::new().with(ENTITY_ID, "urn:other"));
    let another = good.with(ENTITY_ID, "urn:another");
    for (metadata, error, held) in [
        (around(&format!("{}{}", other.0, good.0)), Value::Null, 404),
        (
            around(&format!("{}{}", other.0, another.0)),
            json!("several_entities"),
            404,
        ),
        (around(&other.0), Value::Null, 200),
    ] {
        world.put(&metadata);
        world.next_day();
        assert_eq!(world.refresh(&id)["error"]["code"], error);
        assert_eq!(world.held(&id).0, held);
    }
}

#[test]
fn a_refresh_that_fails_is_told_and_tried_again_and_stops_no_other() {
    let (world, id) = followed();
    let good_url = "https://good.example/metadata";
    let good = world.connection_for("good.test", &Idp::trusted());
    world.serve(good_url, Metadata::new().0.as_bytes(), None);
    world.save_url(&good, good_url);
    let before = world.read(&id);
    world.pass(DAY);
    let check = |expected: &str| {
        world.fetches(URL);
        world.run_schedule();
        assert_eq!(world.read(&id), before, "nothing is lost");
        assert_eq!(world.refresh(&id)["error"]["code"], expected);
        assert_eq!(world.refresh(&id)["succeeded_at"], Value::Null);
        assert_eq!(world.refresh(&good)["error"], Value::Null);
        world.run_schedule();
        assert_eq!(world.fetches(URL), 1, "not at once");
        world.pass(4 * HOUR);
    };
    for (failure, expected) in [
        (FetchFailure::Connection, "fetch_tls"),
        (FetchFailure::TooLarge, "fetch_too_large"),
        (FetchFailure::Timeout, "fetch_timeout"),
    ] {
        world.answers.borrow_mut().insert(URL.to_owned(), Err(failure));
        check(expected);
    }
    world.answer(URL, 302, Some("https://169.254.169.254/"), b"", None);
    check("fetch_private_address");
    world.answer(URL, 404, None, b"", None);
    check("fetch_http_status");
    world.serve(URL, b"<!doctype html><title>Sign in</title>", Some("text/html"));
    check("html_instead_of_xml");
    world.serve(URL, b"<md:EntityDescriptor", None);
    check("xml_not_wellformed");
    let log = world.log.borrow().join("\n");
    assert!(
        log.contains("metadata_refresh_failed") && !log.contains("idp.example"),
        "{log}"
    );

    world.put(&Metadata::new());
    world.run_schedule();
    assert_eq!(world.refresh(&id)["error"], Value::Null);
    // Somebody who saves it again by hand begins anew as well.
    world.answer(URL, 404, None, b"", None);
    world.next_day();
    assert_eq!(world.refresh(&id)["error"]["code"], "fetch_http_status");
    world.put(&Metadata::new());
    world.save_url(&id, URL);
    assert_eq!(world.refresh(&id)["error"], Value::Null);
}

#[test]
fn one_run_of_the_schedule_does_no_more_than_it_may() {
    let world = World::new();
    for number in 0..12 {
        let id = world.connection_for(&format!("a{number}.test"), &Idp::trusted());
        world.put(&Metadata::new());
        world.save_url(&id, URL);
        world.pass(1);
    }
    world.pass(DAY);
    world.fetches(URL);
    for expected in [10, 2, 0] {
        world.run_schedule();
        assert_eq!(world.fetches(URL), expected);
    }
    let log = world.log.borrow();
    assert!(log.is_empty(), "{log:?}");
}

#[test]
fn redirects_take_no_longer_than_one_answer_may() {
    let (world, id) = followed();
    world.answer(URL, 302, Some("https://idp.example/1"), b"", None);
    world.answer("https://idp.example/1", 302, Some("https://idp.example/2"), b"", None);
    world.serve("https://idp.example/2", Metadata::new().0.as_bytes(), None);
    let refreshed = |seconds: i64| {
        world.fetch_takes.set(seconds);
        world.next_day();
        world.fetch_takes.set(0);
        world.refresh(&id)["error"]["code"].clone()
    };
    // Two questions of DNS and an answer each.
    assert_eq!(refreshed(1), Value::Null);
    assert_eq!(refreshed(3), "fetch_timeout");
}

#[test]
fn an_imported_connection_is_followed_like_any_other() {
    let (world, id) = followed();
    let (_, document) = world.api("GET", "/export", &json!({}));
    let other = World::new();
    let (status, report) = other.api("POST", "/import", &document);
    assert_eq!(
        (status, &report["connections"][0]["result"]),
        (200, &json!("created")),
        "{report}"
    );
    other.put(&Metadata::new().with_certificates(&[certificate(0), other_certificate()]));
    other.next_day();
    assert_eq!(other.refresh(&id)["error"], Value::Null);
    assert_eq!(
        other.certificates(&id),
        fingerprints(&[certificate(0), other_certificate()])
    );
}

#[test]
fn what_was_fetched_for_an_older_configuration_is_dropped() {
    let (world, id) = followed();
    world.pass(DAY);
    let due = block_on((&world).registry(TakeDueRefreshes { limit: 10 }))
        .unwrap()
        .reply;
    let again = block_on((&world).registry(TakeDueRefreshes { limit: 10 }))
        .unwrap()
        .reply;
    assert_eq!((due.len(), again.len()), (1, 0), "nobody else takes it meanwhile");
    let connection = &due[0];
    let save = |found| {
        let save = SaveRefresh {
            id: connection.id.clone(),
            generation: connection.generation,
            url: EndpointUrl::parse(URL).unwrap(),
            found,
            actor: Actor::new("schedule"),
        };
        block_on((&world).registry(save)).unwrap().reply
    };
    let failure = || {
        Err(RefreshFailure {
            code: "fetch_tls".to_owned(),
            detail: String::new(),
        })
    };
    assert_eq!(save(failure()), RefreshOutcome::Failed);
    let found = Box::new(connection.identity_provider.clone().unwrap());
    assert!(matches!(save(Ok(found.clone())), RefreshOutcome::Taken(_)));
    // A key that somebody took away meanwhile does not come back with what was fetched before.
    let both = Metadata::new().with_certificates(&[certificate(0), other_certificate()]);
    world.put(&both);
    world.save_url(&id, URL);
    let id_of = connection.id.clone();
    let fetched = block_on((&world).registry(Read { id: id_of })).unwrap().reply.unwrap();
    let late = SaveRefresh {
        id: fetched.id.clone(),
        generation: fetched.generation,
        url: EndpointUrl::parse(URL).unwrap(),
        found: Ok(Box::new(fetched.identity_provider.unwrap())),
        actor: Actor::new("schedule"),
    };
    world.put(&Metadata::new());
    world.save_url(&id, URL);
    assert_eq!(block_on((&world).registry(late)).unwrap().reply, RefreshOutcome::Gone);
    assert_eq!(world.certificates(&id), fingerprints(&[certificate(0)]));
    let elsewhere = "https://idp.example/elsewhere";
    world.serve(
        elsewhere,
        Metadata::new().with_certificates(&[other_certificate()]).0.as_bytes(),
        None,
    );
    world.save_url(&id, elsewhere);
    let now = world.read(&id);
    assert_eq!(save(Ok(found.clone())), RefreshOutcome::Gone);
    assert_eq!(save(failure()), RefreshOutcome::Gone);
    assert_eq!((world.read(&id), &world.refresh(&id)["error"]), (now, &Value::Null));
    world.api("DELETE", &format!("/connections/{id}"), &json!({}));
    assert_eq!(save(Ok(found)), RefreshOutcome::Gone);
}

/// A sign-in whose response `idp` signs; its HTTP status.
fn sign_in(world: &World, id: &str, idp: &Idp) -> u16 {
    let request = Browser::default().begin(world, "ada@acme.test", "/");
    // The clock stands still in the messages.
    let response = idp.respond(&Message::of(id, Some(&request)), Signed::Both);
    Browser::deliver(world, id, &response).status().as_u16()
}

#[test]
fn an_unknown_key_is_looked_for_in_the_metadata_once_in_five_minutes() {
    let (world, id) = followed();
    let rotated = Metadata::new().with_certificates(&[certificate(0), other_certificate()]);
    world.fetches(URL);
    assert_eq!((sign_in(&world, &id, &Idp::trusted()), world.fetches(URL)), (303, 0));
    // It is not there yet: everybody who comes within five minutes is refused without a look.
    assert_eq!((sign_in(&world, &id, &Idp::other()), world.fetches(URL)), (403, 1));
    world.put(&rotated);
    world.pass(5 * 60 - 1);
    assert_eq!((sign_in(&world, &id, &Idp::other()), world.fetches(URL)), (403, 0));
    world.pass(1);
    assert_eq!((sign_in(&world, &id, &Idp::other()), world.fetches(URL)), (303, 1));
    assert_eq!((sign_in(&world, &id, &Idp::other()), world.fetches(URL)), (303, 0));
    assert_eq!(
        world.refusal_codes(&id),
        ["signature_key_unknown", "signature_key_unknown"]
    );
    assert_eq!(
        world.certificates(&id),
        fingerprints(&[certificate(0), other_certificate()])
    );
}

/// Its `KeyInfo` may be left out, and then nothing tells which key it was.
#[test]
fn a_key_that_no_certificate_comes_with_is_looked_for_too() {
    let (world, id) = followed();
    world.fetches(URL);
    let sign_in = |idp: &Idp| {
        let request = Browser::default().begin(&world, "ada@acme.test", "/");
        let response = idp.respond(&Message::of(&id, Some(&request)), Signed::Response);
        let (start, end) = (response.find("<ds:KeyInfo>").unwrap(), "</ds:KeyInfo>");
        let (_, rest) = response[start..].split_once(end).unwrap();
        let response = format!("{}{rest}", &response[..start]);
        Browser::deliver(&world, &id, &response).status().as_u16()
    };
    assert_eq!((sign_in(&Idp::trusted()), world.fetches(URL)), (303, 0));
    assert_eq!((sign_in(&Idp::other()), world.fetches(URL)), (403, 1));
    assert_eq!(world.refusal_codes(&id), ["signature_invalid"]);
    world.put(&Metadata::new().with_certificates(&[certificate(0), other_certificate()]));
    assert_eq!((sign_in(&Idp::other()), world.fetches(URL)), (403, 0));
    world.pass(5 * 60);
    assert_eq!((sign_in(&Idp::other()), world.fetches(URL)), (303, 1));
}

#[test]
fn a_stranger_has_nothing_fetched_where_nothing_can_come_of_it() {
    // What no rotation looks like is held; the sign-in is refused.
    for metadata in [
        Metadata::new().with_certificates(&[other_certificate()]),
        Metadata::new()
            .with_certificates(&[certificate(0), other_certificate()])
            .with(ENTITY_ID, "urn:other"),
    ] {
        let (world, id) = followed();
        world.put(&metadata);
        assert_eq!(sign_in(&world, &id, &Idp::other()), 403);
        assert_eq!(world.held(&id).0, 200);
        assert_eq!(sign_in(&world, &id, &Idp::trusted()), 303);
    }
    // A failure is noted, and the user is told of the key.
    let (world, id) = followed();
    world.answer(URL, 500, None, b"", None);
    assert_eq!(sign_in(&world, &id, &Idp::other()), 403);
    assert_eq!(world.refusal_codes(&id), ["signature_key_unknown"]);
    assert_eq!(world.refresh(&id)["error"]["code"], "fetch_http_status");
    // No URL, or nobody is signed in anyway.
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    world.fetched.take();
    assert_eq!(sign_in(&world, &id, &Idp::other()), 403);
    assert_eq!(world.fetched.take(), Vec::<String>::new());
    let (world, id) = followed();
    let request = Browser::default().begin(&world, "ada@acme.test", "/");
    world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    world.fetches(URL);
    let response = Idp::other().respond(&Message::of(&id, Some(&request)), Signed::Both);
    assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
    assert_eq!(world.fetches(URL), 0);
}

#[test]
fn a_key_that_kv_has_not_heard_of_is_read_from_the_registry() {
    let (world, id) = followed();
    world.replication.set(Replication::Lagging);
    let both = Metadata::new().with_certificates(&[certificate(0), other_certificate()]);
    let (status, _) = world.api("POST", &format!("/connections/{id}/metadata"), &json!({"xml": both.0}));
    assert_eq!(status, 202);
    world.fetches(URL);
    for _ in 0..2 {
        assert_eq!((sign_in(&world, &id, &Idp::other()), world.fetches(URL)), (303, 0));
    }
}

#[test]
fn the_schedule_publishes_what_was_left_behind() {
    let (world, id) = followed();
    world.replication.set(Replication::Lagging);
    let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &json!({"name": "Acme Inc."}));
    assert_eq!(status, 202);
    let key = format!("connection:{id}");
    assert!(!world.config(&key).unwrap().contains("Acme Inc."));
    world.run_schedule();
    assert!(
        !world.config(&key).unwrap().contains("Acme Inc."),
        "KV does not answer yet"
    );
    world.replication.set(Replication::Immediate);
    world.run_schedule();
    assert!(world.config(&key).unwrap().contains("Acme Inc."));
}

#[test]
fn the_calendar_lists_the_certificates_of_all_connections_by_their_end() {
    let world = World::new();
    assert_eq!(
        world.api("GET", "/certificates", &json!({})),
        (200, json!({"certificates": []}))
    );
    let first = world.connection(&Idp::trusted());
    world.patch(&first, &json!({"decrypt_assertions": true}));
    let both = Metadata::new().with_certificates(&[other_certificate(), certificate(0)]);
    let second = world.connection_for("second.test", &Idp::trusted());
    world.save_xml(&format!("/connections/{second}"), &both);
    let (_, calendar) = world.api("GET", "/certificates", &json!({}));
    let certificates = calendar["certificates"].as_array().unwrap();
    let ends: Vec<_> = certificates.iter().map(|c| c["not_after"].as_str().unwrap()).collect();
    assert!(ends.is_sorted(), "{ends:?}");
    let mut listed: Vec<_> = certificates
        .iter()
        .map(|c| {
            (
                c["connection_id"].as_str().unwrap(),
                c["use"].as_str().unwrap(),
                c["sha256"].clone(),
            )
        })
        .filter(|(_, usage, _)| *usage == "signing")
        .map(|(id, _, sha256)| (id.to_owned(), sha256.as_str().unwrap().to_owned()))
        .collect();
    listed.sort();
    let mut expected = vec![
        (first.clone(), sha256(&certificate(0))),
        (second.clone(), sha256(&certificate(0))),
        (second, sha256(&other_certificate())),
    ];
    expected.sort();
    assert_eq!(listed, expected);
    let ours: Vec<_> = certificates.iter().filter(|c| c["use"] == "encryption").collect();
    assert_eq!(
        (ours.len(), &ours[0]["connection_id"], &ours[0]["notice_days"]),
        (1, &json!(first), &Value::Null)
    );
}

/// The newest entries of the audit log: who, what in a word, and in a sentence.
fn newest_deeds(world: &World, count: usize) -> Vec<String> {
    let (_, audit) = world.api("GET", "/audit", &json!({}));
    let entries = audit["entries"].as_array().unwrap().iter().take(count);
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    entries
        .map(|entry| {
            let (actor, action) = (text(entry, "actor"), text(entry, "action"));
            format!("{actor}: {action}: {}", text(entry, "change"))
        })
        .collect()
}

#[test]
fn what_a_refresh_changes_is_a_version_and_an_audit_entry_like_any_other() {
    let (world, id) = followed();
    let path = format!("/connections/{id}");
    let good = Metadata::new();
    world.put(&good.with_certificates(&[certificate(0), certificate(1)]));
    world.next_day();
    let taken = "schedule: connection.metadata_refreshed: Took over the metadata that was fetched again";
    assert_eq!(newest_deeds(&world, 1), [taken]);
    let versions = || world.api("GET", &format!("{path}/versions"), &json!({})).1["versions"].clone();
    let newest = &versions()[0];
    assert_eq!(
        (&newest["generation"], &newest["actor"]),
        (&world.read(&id)["generation"], &json!("schedule"))
    );
    assert_eq!(newest["diff"][0]["field"], "identity_provider.certificates");
    // Nothing new, nothing to tell.
    world.next_day();
    assert_eq!(newest_deeds(&world, 1), [taken]);

    // What is held is told once, and so is what became of it.
    world.put(
        &good
            .with_certificates(&[other_certificate()])
            .with(ENTITY_ID, "urn:other"),
    );
    world.next_day();
    world.next_day();
    let held = "schedule: connection.metadata_held: Held the metadata back that was fetched again: it describes another identity \
                provider; none of its signing certificates is known";
    assert_eq!(newest_deeds(&world, 2), [held, taken]);
    let before = versions();
    let version = world.held(&id).1["version"].as_str().unwrap().to_owned();
    world.api("DELETE", &format!("{path}/held-metadata?version={version}"), &json!({}));
    let dismissed = "token ADMIN_TOKEN: connection.held_metadata_dismissed: Dismissed the held metadata";
    assert_eq!(newest_deeds(&world, 2), [dismissed, held]);
    assert_eq!(versions(), before);
    world.put(&good.with(ENTITY_ID, "urn:other"));
    world.next_day();
    let version = world.held(&id).1["version"].clone();
    world.api(
        "POST",
        &format!("{path}/held-metadata/approve"),
        &json!({"version": version}),
    );
    let approved = "token ADMIN_TOKEN: connection.held_metadata_approved: Approved the held metadata";
    assert_eq!(newest_deeds(&world, 1), [approved]);
    assert_eq!(versions()[0]["actor"], "token ADMIN_TOKEN");
    assert_eq!(world.api("POST", &format!("{path}/undo"), &json!({})).0, 200);
    assert_eq!(world.read(&id)["identity_provider"]["entity_id"], ENTITY_ID);

    // A message that was signed with an unknown key.
    let (world, id) = followed();
    world.put(&good.with_certificates(&[certificate(0), other_certificate()]));
    assert_eq!(sign_in(&world, &id, &Idp::other()), 303);
    let taken = "sign-in: connection.metadata_refreshed: Took over the metadata that was fetched again";
    assert_eq!(newest_deeds(&world, 1), [taken]);
}

#[test]
fn a_draft_and_a_refresh_overwrite_nothing_of_each_other() {
    let (world, id) = followed();
    let draft = format!("/connections/{id}/draft");
    let good = Metadata::new();
    let ask = |method: &str, path: &str, body: &Value| world.api(method, path, body);
    let shown = |answer: &Value| -> Vec<String> {
        let certificates = &answer["connection"]["identity_provider"]["signing_certificates"];
        let certificates = certificates.as_array().unwrap().iter();
        certificates
            .map(|one| one["sha256"].as_str().unwrap().to_owned())
            .collect()
    };
    // One that leaves the identity provider alone gets the keys that were added meanwhile.
    assert_eq!(ask("PATCH", &draft, &json!({"name": "Draft"})).0, 200);
    world.put(&good.with_certificates(&[certificate(0), certificate(1)]));
    world.next_day();
    let both = fingerprints(&[certificate(0), certificate(1)]);
    assert_eq!(world.certificates(&id), both);
    let reason = json!({"override_reason": "in a test"});
    let (status, refused) = ask("POST", &format!("{draft}/apply"), &reason);
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("connection_changed")));
    let (status, rebased) = ask("POST", &format!("{draft}/rebase"), &json!({}));
    assert_eq!(
        (status, &rebased["conflicts"], shown(&rebased)),
        (200, &json!([]), both.clone())
    );

    // One with another identity provider keeps it, and says so; what is held for the one before is gone with that.
    let other = json!({"xml": good.with(ENTITY_ID, "urn:other").0, "replace_entity": true});
    assert_eq!(ask("POST", &format!("{draft}/metadata"), &other).0, 200);
    let added = good.with_certificates(&[certificate(0), certificate(1), certificate(2)]);
    world.put(&added);
    world.next_day();
    world.put(&added.with(ENTITY_ID, "urn:held"));
    world.next_day();
    let held = world.held(&id);
    assert_eq!(held.0, 200);
    let (_, rebased) = ask("POST", &format!("{draft}/rebase"), &json!({}));
    assert_eq!(rebased["conflicts"], json!(["identity_provider"]));
    assert_eq!(rebased["connection"]["identity_provider"]["entity_id"], "urn:other");
    assert_eq!(world.held(&id), held, "a draft decides nothing");
    let (status, applied) = ask("POST", &format!("{draft}/apply"), &reason);
    assert_eq!((status, &applied["name"]), (200, &json!("Draft")));
    assert_eq!(world.held(&id).0, 404);
    assert_eq!(world.refresh(&id), Value::Null, "it was pasted");

    // One that leaves the identity provider alone leaves what is held as it is.
    let (world, id) = followed();
    let draft = format!("/connections/{id}/draft");
    world.put(&good.with(ENTITY_ID, "urn:held"));
    world.next_day();
    let held = world.held(&id);
    world.api("PATCH", &draft, &json!({"name": "Draft"}));
    assert_eq!(world.api("POST", &format!("{draft}/apply"), &reason).0, 200);
    assert_eq!((world.held(&id), held.0), (held.clone(), 200));
}

#[test]
fn what_is_only_told_is_no_change_to_undo_or_to_bring_a_draft_up_to_date_with() {
    let (world, id) = followed();
    let path = format!("/connections/{id}");
    world.api("PATCH", &path, &json!({"name": "Renamed"}));
    world.api("PATCH", &format!("{path}/draft"), &json!({"name": "Draft"}));
    world.put(&Metadata::new().with(" entityID=", " validUntil=\"2026-08-01T00:00:00Z\" entityID="));
    world.next_day();
    let (_, draft) = world.api("GET", &format!("{path}/draft"), &json!({}));
    let fields = draft["diff"].as_array().unwrap().iter();
    let fields: Vec<_> = fields.map(|change| change["field"].clone()).collect();
    assert_eq!((&draft["outdated"], fields), (&json!(false), vec![json!("name")]));
    let (status, undone) = world.api("POST", &format!("{path}/undo"), &json!({}));
    assert_eq!((status, &undone["name"]), (200, &json!("Acme")));
}

#[test]
fn a_preview_for_a_draft_saves_nothing_either() {
    let (world, id) = followed();
    let path = format!("/connections/{id}/draft");
    let other = Metadata::new().with(ENTITY_ID, "urn:other");
    let preview = |xml: &str| {
        world.api(
            "POST",
            &format!("{path}/metadata"),
            &json!({"xml": xml, "preview": true}),
        )
    };
    let (status, shown) = preview(&other.0);
    assert_eq!((status, &shown["diff"][0]["from"]), (200, &json!(ENTITY_ID)));
    assert_eq!(world.api("GET", &path, &json!({})).0, 404);
    // What a draft has by now is what it is compared with.
    let saved = json!({"xml": other.0, "replace_entity": true});
    assert_eq!(world.api("POST", &format!("{path}/metadata"), &saved).0, 200);
    assert_eq!(preview(&other.0).1["diff"], json!([]));
}
