//! Logout requests that name their user encrypted (SAML Core 2.2.4, 3.7.1).

use edge_saml::dsig::Certificate;

use super::*;
use crate::support::encrypt::{CBC_256, Encryption, GCM_256};

const ADA: &str = "<saml2:NameID xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
                   Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">ada@acme.test</saml2:NameID>";

type Deliver = fn(&World, &str, &Logout) -> Response;

/// A world with an enabled connection that decrypts and offers logout by HTTP-Redirect.
fn decrypting_world() -> (World, String) {
    let (world, id) = world();
    world.patch(&id, &json!({"decrypt_assertions": true}));
    (world, id)
}

/// The certificate that our metadata announces for encryption.
fn announced(world: &World, id: &str) -> Certificate {
    let xml = world.metadata(id);
    let source = Source::check(xml.as_bytes(), Profile::Metadata).unwrap();
    let document = Document::parse(&source).unwrap();
    let key = document.elements().find(|e| e.attribute("use") == Some("encryption"));
    let certificate = key
        .unwrap()
        .descendants()
        .find(|e| e.is(DS, "X509Certificate"))
        .unwrap();
    Certificate::read(certificate.text().unwrap().as_bytes()).unwrap()
}

/// A request whose subject is `element`.
fn request(id: &str, element: &str) -> Logout {
    Logout::request(id).with(|request| element.clone_into(&mut request.content))
}

/// A request that names whom `plaintext` names.
fn sealed(id: &str, encryption: &Encryption, plaintext: &str) -> Logout {
    request(id, &encryption.element("EncryptedID", plaintext))
}

/// Asserts that `request`, whose signature holds, ends nothing, and that the identity provider is told so by `Responder`.
fn assert_closed(world: &World, id: &str, request: &Logout, code: &str) {
    let ways: [Deliver; 2] = [redirect, form];
    for deliver in ways {
        let answered = deliver(world, id, request);
        sent(world, id, &answered).assert_answers(id, SLO, "Responder");
        assert_eq!(world.refusal_codes(id).remove(0), code);
    }
}

#[test]
fn an_encrypted_name_id_ends_its_sessions() {
    let (world, id) = decrypting_world();
    let certificate = announced(&world, &id);
    for (n, algorithm) in [GCM_256, CBC_256].into_iter().enumerate() {
        let ways: [(Deliver, &str); 2] = [(redirect, "get"), (form, "post")];
        for (deliver, name) in ways {
            let visit = Visit {
                authn_instant: "2026-07-01T12:00:01Z",
                issue_instant: "2026-07-01T12:00:01Z",
                ..Visit::default()
            };
            let mut ada = sign_in(&world, &id, &visit);
            let eve = Visit {
                name_id: "eve@acme.test",
                ..visit.clone()
            };
            let mut eve = sign_in(&world, &id, &eve);
            let mut request = sealed(&id, &Encryption::to(&certificate, algorithm), ADA).of_session("_s1");
            request.id = format!("_{name}{n}");
            let answered = deliver(&world, &id, &request);
            let answer = sent(&world, &id, &answered);
            assert!(answer.xml.contains("status:Success\""), "{}", answer.xml);
            assert!(!is_signed_in(&world, &mut ada));
            assert!(is_signed_in(&world, &mut eve));
        }
    }
    assert_eq!(world.refusal_codes(&id), [""; 0]);
}

#[test]
fn what_does_not_open_ends_nothing_and_the_identity_provider_is_told() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let certificate = announced(&world, &id);
    for algorithm in [GCM_256, CBC_256] {
        let good = Encryption::to(&certificate, algorithm);
        let to_another = Encryption::new(algorithm);
        let another_key = Encryption {
            key: vec![9; 32],
            ..good.clone()
        };
        let other_key = another_key.element_of("EncryptedID", &good.ciphertext(ADA.as_bytes()));
        let cut = &good.ciphertext(ADA.as_bytes())[..15];
        for request in [
            sealed(&id, &to_another, ADA),
            request(&id, &other_key),
            request(&id, &good.element_of("EncryptedID", cut)),
            request(&id, &good.element_of("EncryptedID", b"")),
        ] {
            assert_closed(&world, &id, &request, "decryption_failed");
        }
        // What comes out is no NameID. With AES-CBC, nobody learns that it was decrypted at all (attack A91).
        let (malformed, not_xml, doctype) = match algorithm {
            CBC_256 => ["decryption_failed"; 3].into(),
            _ => ("response_malformed", "xml_not_wellformed", "doctype_forbidden"),
        };
        let saml = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
        for (plaintext, code) in [
            (format!("<saml2:BaseID {saml}/>"), malformed),
            (format!("<saml2:Assertion {saml} ID=\"_a\"/>"), malformed),
            (format!("<saml2:EncryptedID {saml}/>"), malformed),
            (format!("<saml2:Subject {saml}>{ADA}</saml2:Subject>"), malformed),
            ("<NameID>ada@acme.test</NameID>".to_owned(), malformed),
            (ADA.replace("ada@acme.test", "<x/>ada@acme.test"), malformed),
            ("ada@acme.test".to_owned(), not_xml),
            (format!("{ADA}{ADA}"), not_xml),
            (String::new(), not_xml),
            (format!("<!DOCTYPE NameID>{ADA}"), doctype),
        ] {
            assert_closed(&world, &id, &sealed(&id, &good, &plaintext), code);
        }
    }
    assert!(is_signed_in(&world, &mut ada));
}

#[test]
fn what_can_be_seen_from_outside_is_refused_by_name() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let good = Encryption::to(&announced(&world, &id), GCM_256).element("EncryptedID", ADA);
    let of = "http://www.w3.org/";
    let (start, end) = ("<xenc:EncryptedKey", "</xenc:EncryptedKey>");
    let (before, rest) = good.split_once(start).unwrap();
    let without_key = format!("{before}{}", rest.split_once(end).unwrap().1);
    for (element, code) in [
        (good.replace("rsa-oaep-mgf1p", "rsa-1_5"), "encrypted_alg_refused"),
        (
            good.replace(&format!("{of}{GCM_256}"), &format!("{of}2001/04/xmlenc#tripledes-cbc")),
            "encrypted_alg_refused",
        ),
        (without_key, "response_malformed"),
        ("<saml2:EncryptedID/>".to_owned(), "response_malformed"),
    ] {
        assert_ne!(element, good);
        assert_closed(&world, &id, &request(&id, &element), code);
    }
    // Two subjects are none.
    let twice = request(&id, &format!("{good}{ADA}"));
    assert_eq!(
        refusal(&world, &id, &redirect(&world, &id, &twice)),
        "response_malformed"
    );
    assert!(is_signed_in(&world, &mut ada));
    // Where nobody can be told, the browser is.
    save(&world, &id, &Idp::trusted().metadata());
    let lost = redirect(&world, &id, &sealed(&id, &Encryption::new(GCM_256), ADA));
    assert_eq!(refusal(&world, &id, &lost), "decryption_failed");
}

/// Attack A88: only what is signed by the identity provider, and meant for us and now, is worth a private key's work.
#[test]
fn nothing_is_opened_before_the_request_is_verified() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let encryption = Encryption::to(&announced(&world, &id), GCM_256);
    let good = sealed(&id, &encryption, ADA);
    world.restart();
    world.registry_calls.borrow_mut().clear();
    let unsigned = STANDARD.encode(good.to_xml());
    let by_other = STANDARD.encode(good.signed(&Idp::other()));
    let code = |answer: &Response| refusal(&world, &id, answer);
    let changed = |change: fn(&mut Logout)| redirect(&world, &id, &good.clone().with(change));
    assert_eq!(code(&post(&world, &id, &[("SAMLRequest", &unsigned)])), "unsigned");
    assert_eq!(
        code(&post(&world, &id, &[("SAMLRequest", &by_other)])),
        "signature_key_unknown"
    );
    let query = good.query(None);
    assert_eq!(code(&get(&world, &id, &query)), "unsigned");
    assert_eq!(
        code(&get(&world, &id, &Idp::other().sign_query(&query))),
        "signature_invalid"
    );
    let elsewhere = changed(|r| "https://evil.test".clone_into(&mut r.issuer));
    assert_eq!(code(&elsewhere), "issuer_mismatch");
    assert_eq!(code(&changed(|r| r.destination = None)), "destination_mismatch");
    let late = changed(|r| " NotOnOrAfter=\"2026-07-01T11:00:00Z\"".clone_into(&mut r.attributes));
    assert_eq!(code(&late), "expired");
    let asked_for_key = || world.registry_calls.borrow().contains(&"read_decryption_key");
    assert!(!asked_for_key());
    assert!(is_signed_in(&world, &mut ada));
    redirect(&world, &id, &good);
    assert!(asked_for_key());
    assert!(!is_signed_in(&world, &mut ada));
}

#[test]
fn it_is_not_opened_with_the_key_of_another_connection() {
    let (world, id) = decrypting_world();
    let other = world.connection_for("globex.test", &Idp::trusted());
    world.patch(&other, &json!({"decrypt_assertions": true}));
    let to_other = Encryption::to(&announced(&world, &other), GCM_256);
    // Its key is in the isolate by now.
    redirect(&world, &other, &sealed(&other, &to_other, ADA));
    let mut ada = sign_in(&world, &id, &Visit::default());
    assert_closed(&world, &id, &sealed(&id, &to_other, ADA), "decryption_failed");
    assert!(is_signed_in(&world, &mut ada));
}

#[test]
fn a_rotation_of_keys_overlaps() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let old = Encryption::to(&announced(&world, &id), GCM_256);
    let rotate = |step: &str| {
        let path = format!("/connections/{id}/decryption-keys/rotate");
        assert_eq!(world.api("POST", &path, &json!({ "step": step })).0, 200);
    };
    rotate("prepare");
    rotate("activate");
    let overlap = sealed(&id, &old, ADA).with(|r| r.attributes.clear());
    sent(&world, &id, &redirect(&world, &id, &overlap)).assert_answers(&id, SLO, "Success");
    assert!(!is_signed_in(&world, &mut ada));
    rotate("retire");
    assert_closed(&world, &id, &overlap.called("_logout"), "decryption_failed");
}

#[test]
fn a_registry_that_does_not_answer_keeps_nobody_waiting() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let request = sealed(&id, &Encryption::to(&announced(&world, &id), GCM_256), ADA);
    world.restart();
    world.failing.set(Some(("read_decryption_key", 0)));
    sent(&world, &id, &redirect(&world, &id, &request)).assert_answers(&id, SLO, "Responder");
    assert!(is_signed_in(&world, &mut ada));
    world.failing.set(None);
    sent(&world, &id, &redirect(&world, &id, &request)).assert_answers(&id, SLO, "Success");
    assert!(!is_signed_in(&world, &mut ada));
}

#[test]
fn a_connection_that_does_not_decrypt_says_so() {
    let (world, id) = decrypting_world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let encryption = Encryption::to(&announced(&world, &id), GCM_256);
    let empty =
        "<saml2:EncryptedID><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"/></saml2:EncryptedID>";
    world.patch(&id, &json!({"decrypt_assertions": false}));
    for request in [sealed(&id, &encryption, ADA), request(&id, empty)] {
        assert_closed(&world, &id, &request, "encrypted_unexpected");
    }
    assert!(is_signed_in(&world, &mut ada));
    save(&world, &id, &Idp::trusted().metadata());
    let lost = redirect(&world, &id, &request(&id, empty));
    assert_eq!(refusal(&world, &id, &lost), "encrypted_unexpected");
}
