//! Metadata that is looked at again: what it would change, and what it changes by itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::idp::{ENTITY_ID, Idp};
use crate::support::world::World;

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
    use sha2::Digest;
    let digest = sha2::Sha256::digest(STANDARD.decode(certificate).unwrap());
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
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
