//! Encrypted assertions from the metadata that announces a key to the session, and the keys of the connections.

use edge_saml::app::ports::Ports;
use edge_saml::app::registry::decryption_keys::ReadDecryptionKey;
use edge_saml::dsig::Certificate;
use edge_saml::saml::id::ConnectionId;
use edge_saml::saml::service_keys::KeyId;
use edge_saml::xml::names::{DS, MD};
use edge_saml::xml::{Document, Profile, Source};
use serde_json::{Value, json};

use crate::support::encrypt::{CBC_256, Encryption, GCM_256};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, Replication, World, location};

/// A connection for `domain` that decrypts; its id.
fn connection(world: &World, domain: &str) -> String {
    let id = world.connection_for(domain, &Idp::trusted());
    let changed = world.patch(&id, &json!({"decrypt_assertions": true}));
    assert_eq!(changed["decrypt_assertions"], json!(true));
    id
}

/// The certificates for encryption in our metadata.
fn published(world: &World, id: &str) -> Vec<Certificate> {
    let xml = world.metadata(id);
    let source = Source::check(xml.as_bytes(), Profile::Metadata).unwrap();
    let document = Document::parse(&source).unwrap();
    let keys = document
        .elements()
        .filter(|key| key.is(MD, "KeyDescriptor") && key.attribute("use") == Some("encryption"));
    let certificate = keys.map(|key| key.descendants().find(|e| e.is(DS, "X509Certificate")).unwrap());
    certificate
        .map(|element| Certificate::read(element.text().unwrap().as_bytes()).unwrap())
        .collect()
}

/// The certificate that our metadata announces.
fn announced(world: &World, id: &str) -> Certificate {
    let mut certificates = published(world, id);
    assert_eq!(certificates.len(), 1);
    certificates.remove(0)
}

fn keys(world: &World, id: &str) -> Value {
    let (status, body) = world.api("GET", &format!("/connections/{id}/decryption-keys"), &json!({}));
    assert_eq!(status, 200, "{body}");
    body
}

fn states(body: &Value) -> Vec<(&str, &str)> {
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = body["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| !text(key, "certificate").is_empty()));
    keys.iter()
        .map(|key| (key["state"].as_str().unwrap(), key["sha256"].as_str().unwrap()))
        .collect()
}

fn rotate(world: &World, id: &str, step: &str) -> (u16, Value) {
    world.api(
        "POST",
        &format!("/connections/{id}/decryption-keys/rotate"),
        &json!({"step": step}),
    )
}

/// `response` with its assertion encrypted, and then signed itself if it should be.
fn encrypt(response: &str, encryption: &Encryption, signed: Signed) -> String {
    let (start, end) = ("<saml2:Assertion", "</saml2:Assertion>");
    let start = response.find(start).unwrap();
    let end = response.find(end).unwrap() + end.len();
    let sealed = encryption.element("EncryptedAssertion", &response[start..end]);
    let response = format!("{}{sealed}{}", &response[..start], &response[end..]);
    match signed {
        Signed::Both | Signed::Response => Idp::trusted().sign(&response, "_response"),
        Signed::Assertion | Signed::Nothing => response,
    }
}

/// A response with this order of signature and encryption.
fn respond(message: &Message, encryption: &Encryption, signed: Signed) -> String {
    let inner = match signed {
        Signed::Both | Signed::Assertion => Signed::Assertion,
        Signed::Response | Signed::Nothing => Signed::Nothing,
    };
    encrypt(&Idp::trusted().respond(message, inner), encryption, signed)
}

/// Delivers what `answer` makes of a fresh request; `Ok` with the session, or the code of the refusal.
fn sign_in_with(world: &World, id: &str, answer: impl FnOnce(&Message) -> String) -> Result<Value, String> {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let exchanged = Browser::deliver(world, id, &answer(&Message::of(id, Some(&request))));
    if exchanged.status() != 303 {
        assert_eq!(exchanged.status(), 403);
        return Err(world.refusal_codes(id).remove(0));
    }
    assert_eq!(browser.get(world, &location(&exchanged)).status(), 303);
    let session = browser.get(world, "/sso/session");
    assert_eq!(session.status(), 200);
    Ok(serde_json::from_slice(session.body()).unwrap())
}

fn sign_in(world: &World, id: &str, encryption: &Encryption, signed: Signed) -> Result<(), String> {
    sign_in_with(world, id, |message| respond(message, encryption, signed)).map(|_| ())
}

fn refused(code: &str) -> Result<(), String> {
    Err(code.to_owned())
}

#[test]
fn users_sign_in_with_what_was_encrypted_to_the_announced_certificate() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let certificate = announced(&world, &id);
    let gcm = Encryption::to(&certificate, GCM_256);
    for signed in [Signed::Assertion, Signed::Both, Signed::Response] {
        assert_eq!(sign_in(&world, &id, &gcm, signed), Ok(()));
    }
    assert_eq!(
        sign_in(&world, &id, &gcm, Signed::Nothing),
        refused("unsigned"),
        "attack A88"
    );
    let cbc = Encryption::to(&certificate, CBC_256);
    assert_eq!(sign_in(&world, &id, &cbc, Signed::Response), Ok(()));
    assert_eq!(sign_in(&world, &id, &cbc, Signed::Both), Ok(()));
    assert_eq!(
        sign_in(&world, &id, &cbc, Signed::Assertion),
        refused("encrypted_alg_refused"),
        "attack A91"
    );
    let plain = sign_in_with(&world, &id, |message| Idp::trusted().respond(message, Signed::Both));
    assert!(plain.is_ok(), "nothing has to be encrypted");
}

#[test]
fn a_name_id_and_attributes_may_be_encrypted_one_by_one() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let certificate = announced(&world, &id);
    let seal = |message: &Message, algorithm, whole: Option<&Encryption>| {
        let xml = message.to_xml();
        let mut number = 0;
        let mut hide = |xml: &str, holder: &str, start: &str, end: &str| {
            number += 1;
            let encryption = Encryption {
                suffix: number.to_string(),
                ..Encryption::to(&certificate, algorithm)
            };
            let from = xml.find(start).unwrap();
            let to = from + xml[from..].find(end).unwrap() + end.len();
            // A document of its own needs its prefix.
            let declared = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
            let plaintext = xml[from..to].replacen(' ', &format!(" {declared} "), 1);
            format!(
                "{}{}{}",
                &xml[..from],
                encryption.element(holder, &plaintext),
                &xml[to..]
            )
        };
        let xml = hide(&xml, "EncryptedID", "<saml2:NameID", "</saml2:NameID>");
        let email = "<saml2:Attribute Name=\"Email address\"";
        let xml = hide(&xml, "EncryptedAttribute", email, "</saml2:Attribute>");
        let signed = Idp::trusted().sign(&xml, &message.assertion_id);
        whole.map_or_else(|| signed.clone(), |whole| encrypt(&signed, whole, Signed::Assertion))
    };
    let whole = Encryption::to(&certificate, GCM_256);
    for (algorithm, whole) in [
        (GCM_256, None),
        (CBC_256, None),
        (GCM_256, Some(&whole)),
        (CBC_256, Some(&whole)),
    ] {
        let session = sign_in_with(&world, &id, |message| seal(message, algorithm, whole)).unwrap();
        assert!(session.to_string().contains("ada@acme.test"), "{session}");
    }
    world.patch(&id, &json!({"decrypt_assertions": false}));
    let off = sign_in_with(&world, &id, |message| seal(message, GCM_256, None));
    assert_eq!(off.unwrap_err(), "encrypted_unexpected", "attack A100");
}

#[test]
fn nothing_is_decrypted_unless_the_connection_says_so() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    assert_eq!(keys(&world, &id), json!({"keys": [], "next_step": null}));
    assert!(published(&world, &id).is_empty());
    let (status, error) = rotate(&world, &id, "prepare");
    assert_eq!((status, &error["error"]["code"]), (409, &json!("no_decryption_key")));
    assert_eq!(
        sign_in(&world, &id, &Encryption::new(GCM_256), Signed::Both),
        refused("encrypted_unexpected")
    );

    world.patch(&id, &json!({"decrypt_assertions": true}));
    let xml = world.metadata(&id);
    for algorithm in [
        "2009/xmlenc11#aes256-gcm",
        "2009/xmlenc11#aes128-gcm",
        "2001/04/xmlenc#rsa-oaep-mgf1p",
    ] {
        let method = format!("<md:EncryptionMethod Algorithm=\"http://www.w3.org/{algorithm}\"");
        assert!(xml.contains(&method), "{xml}");
    }
    assert!(!xml.contains("use=\"signing\"") && !xml.contains("cbc"), "{xml}");
    let certificate = announced(&world, &id);
    let encryption = Encryption::to(&certificate, GCM_256);
    assert_eq!(sign_in(&world, &id, &encryption, Signed::Both), Ok(()));

    world.patch(&id, &json!({"decrypt_assertions": false}));
    assert!(published(&world, &id).is_empty());
    assert_eq!(
        sign_in(&world, &id, &encryption, Signed::Both),
        refused("encrypted_unexpected")
    );
    world.patch(&id, &json!({"decrypt_assertions": true}));
    assert_eq!(announced(&world, &id), certificate, "it keeps its key meanwhile");
}

#[test]
fn a_connection_may_be_created_so() {
    let world = World::new();
    let body = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"], "decrypt_assertions": true});
    let (status, created) = world.api("POST", "/connections", &body);
    assert_eq!((status, &created["decrypt_assertions"]), (201, &json!(true)));
    assert!(created.get("decryption_keys").is_none());
    announced(&world, created["id"].as_str().unwrap());
}

#[test]
fn the_key_of_one_connection_opens_nothing_at_another() {
    let world = World::new();
    let (ours, other) = (connection(&world, "acme.test"), connection(&world, "globex.test"));
    let of = |id: &str| Encryption::to(&announced(&world, id), GCM_256);
    assert_eq!(sign_in(&world, &ours, &of(&ours), Signed::Both), Ok(()));
    for signed in [Signed::Assertion, Signed::Both, Signed::Response, Signed::Nothing] {
        assert_eq!(
            sign_in(&world, &ours, &of(&other), signed),
            refused("decryption_failed")
        );
    }
    // Both keys are in the isolate by now, and it is still told which of them it may use.
    let to_other = respond(&Message::of(&other, Some("_none")), &of(&other), Signed::Both);
    Browser::deliver(&world, &other, &to_other);
    assert_eq!(world.refusal_codes(&other), ["email_domain_not_owned"], "it was opened");
    assert_eq!(
        sign_in(&world, &ours, &of(&other), Signed::Both),
        refused("decryption_failed")
    );
}

/// Attacks A91 to A95 and A172: whoever sends it learns nothing from the answer, and the vendor's log says one thing.
#[test]
fn every_failure_to_decrypt_is_the_same() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let good = Encryption::to(&announced(&world, &id), GCM_256);
    let plaintext = |message: &Message| message.to_xml();
    let ciphertext = |message: &Message| good.ciphertext(plaintext(message).as_bytes());
    let with = |message: &Message, encryption: &Encryption, ciphertext: &[u8]| {
        let around = respond(message, &good, Signed::Nothing);
        let (start, end) = ("<saml2:EncryptedAssertion", "</saml2:EncryptedAssertion>");
        let start = around.find(start).unwrap();
        let end = around.find(end).unwrap() + end.len();
        let sealed = encryption.element_of("EncryptedAssertion", ciphertext);
        format!("{}{sealed}{}", &around[..start], &around[end..])
    };
    let another_key = Encryption {
        key: vec![9; 32],
        ..good.clone()
    };
    let short_key = Encryption {
        key: vec![9; 16],
        ..good.clone()
    };
    let cut = |message: &Message, length: usize| ciphertext(message)[..length].to_vec();
    let flipped = |message: &Message| {
        let mut octets = ciphertext(message);
        octets[20] ^= 1;
        octets
    };
    let cases: [&dyn Fn(&Message) -> String; 7] = [
        &|m| with(m, &Encryption::new(GCM_256), &ciphertext(m)),
        &|m| with(m, &another_key, &ciphertext(m)),
        &|m| with(m, &short_key, &ciphertext(m)),
        &|m| with(m, &good, &flipped(m)),
        &|m| with(m, &good, &cut(m, 27)),
        &|m| with(m, &good, &[]),
        &|m| {
            let xml = with(m, &good, &ciphertext(m));
            let start = xml.find("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
            format!("{}AAAA{}", &xml[..start], &xml[start + 344..])
        },
    ];
    let mut pages = Vec::new();
    for case in cases {
        for signed in [Signed::Nothing, Signed::Response] {
            let xml = case(&Message::of(&id, Some("_request")));
            let xml = if signed == Signed::Response {
                Idp::trusted().sign(&xml, "_response")
            } else {
                xml
            };
            let answer = Browser::deliver(&world, &id, &xml);
            assert_eq!(answer.status(), 403);
            let refusal = &world.refusals(&id)[0];
            assert_eq!(refusal["code"], "decryption_failed", "{refusal}");
            let page = String::from_utf8(answer.body().clone()).unwrap();
            let reference = refusal["reference"].as_str().unwrap();
            assert!(page.contains(reference));
            pages.push((
                page.replace(reference, ""),
                refusal["detail"].clone(),
                answer.headers().clone(),
            ));
        }
    }
    assert_eq!(pages.len(), 14);
    assert!(pages.iter().all(|page| page == &pages[0]));
}

#[test]
fn parameters_that_webcrypto_cannot_undo_are_refused_by_name() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let encryption = Encryption::to(&announced(&world, &id), GCM_256);
    let older = "Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";
    let method = |algorithm: &str, digest: &str, mask: &str| {
        format!(
            "Algorithm=\"http://www.w3.org/{algorithm}\"><ds:DigestMethod xmlns:ds=\"{DS}\" Algorithm=\"{digest}\"/>{mask}\
             </xenc:EncryptionMethod>"
        )
    };
    let mask = |of: &str| {
        format!(
            "<xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
             Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1{of}\"/>"
        )
    };
    let (sha1, sha256, sha512) = (
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    );
    let (old, new) = ("2001/04/xmlenc#rsa-oaep-mgf1p", "2009/xmlenc11#rsa-oaep");
    for (methods, expected) in [
        (method(old, sha1, ""), Ok(())),
        (method(new, sha1, ""), Ok(())),
        (method(new, sha1, &mask("sha1")), Ok(())),
        (method(old, sha256, ""), refused("encrypted_alg_refused")),
        (method(new, sha256, ""), refused("encrypted_alg_refused")),
        (method(new, sha1, &mask("sha256")), refused("encrypted_alg_refused")),
        (method(new, sha512, &mask("sha512")), refused("encrypted_alg_refused")),
        // Those it can undo, but that is not how this key was wrapped.
        (method(new, sha256, &mask("sha256")), refused("decryption_failed")),
    ] {
        let answer = |message: &Message| {
            let xml = respond(message, &encryption, Signed::Assertion);
            assert!(xml.contains(older));
            xml.replace(older, &methods)
        };
        let signed_in = sign_in_with(&world, &id, answer).map(|_| ());
        assert_eq!(signed_in, expected, "{methods}");
    }
}

#[test]
fn a_rotation_overlaps() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let first = announced(&world, &id);
    let to_first = Encryption::to(&first, GCM_256);
    let fingerprint = |certificate: &Certificate| certificate.fingerprint().to_string();
    let body = keys(&world, &id);
    assert_eq!(states(&body), [("current", fingerprint(&first).as_str())]);
    assert_eq!(body["next_step"], "prepare");
    for step in ["activate", "retire"] {
        let (status, error) = rotate(&world, &id, step);
        assert_eq!((status, &error["error"]["code"]), (409, &json!("rotation_step")));
    }

    let (status, prepared) = rotate(&world, &id, "prepare");
    assert_eq!((status, &prepared["next_step"]), (200, &json!("activate")));
    assert_eq!(
        states(&prepared).iter().map(|key| key.0).collect::<Vec<_>>(),
        ["current", "next"]
    );
    assert_eq!(
        announced(&world, &id),
        first,
        "the next is not announced before it is known everywhere"
    );
    let second = prepared["keys"][1]["certificate"].as_str().unwrap();
    let second = Certificate::read(second.as_bytes()).unwrap();
    let to_second = Encryption::to(&second, GCM_256);
    for encryption in [&to_first, &to_second] {
        assert_eq!(sign_in(&world, &id, encryption, Signed::Assertion), Ok(()));
    }
    assert_eq!(
        rotate(&world, &id, "prepare").0,
        409,
        "a call that is repeated does nothing"
    );
    assert_eq!(keys(&world, &id), prepared);

    let (status, activated) = rotate(&world, &id, "activate");
    assert_eq!((status, &activated["next_step"]), (200, &json!("retire")));
    assert_eq!(
        states(&activated),
        [
            ("current", fingerprint(&second).as_str()),
            ("previous", fingerprint(&first).as_str())
        ]
    );
    assert_eq!(announced(&world, &id), second);
    for encryption in [&to_first, &to_second] {
        assert_eq!(
            sign_in(&world, &id, encryption, Signed::Both),
            Ok(()),
            "both still decrypt"
        );
    }

    let (status, retired) = rotate(&world, &id, "retire");
    assert_eq!((status, &retired["next_step"]), (200, &json!("prepare")));
    assert_eq!(states(&retired), [("current", fingerprint(&second).as_str())]);
    assert_eq!(sign_in(&world, &id, &to_second, Signed::Both), Ok(()));
    assert_eq!(
        sign_in(&world, &id, &to_first, Signed::Both),
        refused("decryption_failed"),
        "though this isolate still has it"
    );
}

#[test]
fn a_key_that_was_retired_opens_nothing_though_kv_lags() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let encryption = Encryption::to(&announced(&world, &id), GCM_256);
    for step in ["prepare", "activate"] {
        assert_eq!(rotate(&world, &id, step).0, 200);
    }
    assert_eq!(sign_in(&world, &id, &encryption, Signed::Both), Ok(()));
    world.replication.set(Replication::Lagging);
    assert_eq!(rotate(&world, &id, "retire").0, 202);
    assert_eq!(
        sign_in(&world, &id, &encryption, Signed::Both),
        refused("decryption_failed")
    );
    world.restart();
    assert_eq!(
        sign_in(&world, &id, &encryption, Signed::Both),
        refused("decryption_failed")
    );
}

#[test]
fn an_isolate_asks_once_for_a_key() {
    let world = World::new();
    let id = connection(&world, "acme.test");
    let encryption = Encryption::to(&announced(&world, &id), GCM_256);
    let calls = || {
        world.registry_calls.borrow_mut().clear();
        assert_eq!(sign_in(&world, &id, &encryption, Signed::Both), Ok(()));
        world.registry_calls.borrow().clone()
    };
    assert_eq!(calls(), ["read_decryption_key"]);
    assert_eq!(calls(), [""; 0]);
    world.restart();
    assert_eq!(calls(), ["read_decryption_key"]);
    world.patch(&id, &json!({"decrypt_assertions": false}));
    world.restart();
    world.registry_calls.borrow_mut().clear();
    let plain = sign_in_with(&world, &id, |message| Idp::trusted().respond(message, Signed::Both));
    assert!(plain.is_ok());
    assert_eq!(*world.registry_calls.borrow(), [""; 0]);
}

#[test]
fn private_keys_stay_in_the_registry_and_go_with_their_connection() {
    let world = World::new();
    let (ours, other) = (connection(&world, "acme.test"), connection(&world, "globex.test"));
    let names = |id: &str| -> Vec<KeyId> {
        let public = world.everything_public();
        let start = format!("connection:{id}=");
        let record = public.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        let record: Value = serde_json::from_str(record).unwrap();
        let keys = record["decryption_keys"].as_array().unwrap();
        keys.iter()
            .map(|key| KeyId::from_stored(key["id"].as_str().unwrap()))
            .collect()
    };
    let read = |connection: &str, id: &KeyId| {
        let read = ReadDecryptionKey {
            connection: ConnectionId::parse(connection).unwrap(),
            id: id.clone(),
        };
        let answer = futures_executor::block_on((&&world).registry(read)).unwrap();
        answer.reply.map(|key| key.reveal().to_owned())
    };
    let public = world.everything_public();
    let (our_key, their_key) = (names(&ours).remove(0), names(&other).remove(0));
    assert_ne!(our_key, their_key);
    for (connection, key) in [(&ours, &our_key), (&other, &their_key)] {
        let private = read(connection, key).unwrap();
        // The first half holds the modulus, which is public.
        let secret = &private[private.len() / 2..];
        let shown = format!("{public}{}{}", keys(&world, connection), world.metadata(connection));
        let windows = secret
            .as_bytes()
            .chunks(40)
            .map(|window| std::str::from_utf8(window).unwrap());
        windows.for_each(|window| assert!(!shown.contains(window)));
    }
    assert_eq!(read(&ours, &their_key), None, "a key is read by its own connection");

    for step in ["prepare", "activate", "retire"] {
        assert!(read(&other, &their_key).is_some(), "{step}");
        assert_eq!(rotate(&world, &other, step).0, 200);
    }
    assert_eq!(read(&other, &their_key), None);
    let their_key = names(&other).remove(0);

    let (status, _) = world.api("DELETE", &format!("/connections/{ours}"), &json!({}));
    assert_eq!(status, 204);
    assert_eq!(read(&ours, &our_key), None);
    assert!(read(&other, &their_key).is_some());
    assert_eq!(
        world
            .api("GET", &format!("/connections/{ours}/decryption-keys"), &json!({}))
            .0,
        404
    );
    assert_eq!(rotate(&world, &ours, "prepare").0, 404);
}
