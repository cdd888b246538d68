//! Every encrypted document of the conformance corpus, and Wycheproof's vectors for AES-GCM and RSA-OAEP.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::dsig::{DigestAlgorithm, Policy, RsaFloor, Sha1};
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response;
use edge_saml::xml;
use edge_saml::xmlenc::{DecryptionKey, Error, PrivateKey, RsaOaep, decrypt_document, ready};
use serde_json::Value;

use crate::corpus::{self, Corpus, list, text};
use crate::dsig_corpus;

#[test]
fn every_plaintext_is_the_expected_one() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in corpus.cases("xmlenc") {
        let id = text(&case, "id");
        let outcome = decrypt(&corpus, &case);
        let verdict = match &outcome {
            Ok(_) => "valid",
            Err(Error::AlgorithmRefused { .. } | Error::Xml(xml::Error::DoctypeInternalSubset)) => "unsupported",
            Err(_) => "invalid",
        };
        let code = outcome.as_ref().map_or_else(Error::code, |_| "decrypted");
        *counts.entry(format!("{verdict} ({code})")).or_default() += 1;
        if !list(&case, "accept").iter().any(|accept| accept == verdict) {
            wrong.push(format!(
                "{id}: {verdict}, {:?}, accept {:?}",
                outcome.err(),
                list(&case, "accept")
            ));
        } else if let Ok(plaintext) = outcome
            && let Some(expected) = case.get("expected_file").and_then(Value::as_str)
            && plaintext != corpus.read(expected)
        {
            wrong.push(format!("{id}: another plaintext"));
        }
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn decrypt(corpus: &Corpus, case: &Value) -> Result<Vec<u8>, Error> {
    let document = corpus.read(text(case, "file"));
    let key = list(case, "keys").iter().find_map(|key| {
        let octets = corpus.read(text(key, "file"));
        match text(key, "role") {
            "aes-key" => Some(DecryptionKey::Aes(octets)),
            "decryption-key" => Some(DecryptionKey::Rsa(PrivateKey::read(&octets).unwrap())),
            _ => None,
        }
    });
    // Without a key there is only what can be seen from outside.
    decrypt_document(&document, &key.unwrap_or(DecryptionKey::Aes(Vec::new())))
}

#[test]
fn wycheproof_aes_gcm() {
    let Some(corpus) = corpus::open() else { return };
    let (mut verified, mut other_shape) = (0, 0);
    for (group, test) in wycheproof(&corpus, "crypto-wycheproof-aes-gcm") {
        let size = |member: &str| group.get(member).and_then(Value::as_u64).unwrap();
        let aad = hex(text(&test, "aad"));
        // XML Encryption has an IV of 96 bits, a tag of 128 and no associated data.
        if size("ivSize") != 96 || size("tagSize") != 128 || !aad.is_empty() {
            other_shape += 1;
            continue;
        }
        let octets = [hex(text(&test, "iv")), hex(text(&test, "ct")), hex(text(&test, "tag"))].concat();
        let document = format!(
            "<EncryptedData xmlns='http://www.w3.org/2001/04/xmlenc#'><EncryptionMethod \
             Algorithm='http://www.w3.org/2009/xmlenc11#aes{}-gcm'/><CipherData><CipherValue>{}</CipherValue></CipherData>\
             </EncryptedData>",
            size("keySize"),
            STANDARD.encode(octets)
        );
        let plaintext = decrypt_document(document.as_bytes(), &DecryptionKey::Aes(hex(text(&test, "key"))));
        let expected = match text(&test, "result") {
            "valid" => Ok(hex(text(&test, "msg"))),
            _ => Err(Error::DecryptionFailed),
        };
        assert_eq!(plaintext, expected, "{test}");
        verified += 1;
    }
    assert_eq!((verified, other_shape), (145, 171));
}

#[test]
fn wycheproof_rsa_oaep() {
    let Some(corpus) = corpus::open() else { return };
    let mut verified = 0;
    for (group, test) in wycheproof(&corpus, "crypto-wycheproof-rsa-oaep") {
        let key = PrivateKey::read(&hex(text(&group, "privateKeyPkcs8"))).unwrap();
        let transport = RsaOaep {
            digest: digest(text(&group, "sha")),
            mask_digest: digest(text(&group, "mgfSha")),
            label: hex(text(&test, "label")),
        };
        let unwrapped = key.unwrap(&transport, &hex(text(&test, "ct")));
        match text(&test, "result") {
            "valid" => assert_eq!(unwrapped, Ok(hex(text(&test, "msg"))), "{test}"),
            "invalid" => assert!(unwrapped.is_err(), "{test}"),
            // Either way will do, but never another message.
            _ => assert!(
                unwrapped.is_ok_and(|octets| octets == hex(text(&test, "msg"))),
                "{test}"
            ),
        }
        verified += 1;
    }
    assert_eq!(verified, 239);
}

/// Every vector of the files whose name starts so, with its group.
fn wycheproof(corpus: &Corpus, prefix: &str) -> Vec<(Value, Value)> {
    let mut vectors = Vec::new();
    for case in corpus.cases("crypto") {
        if !text(&case, "id").starts_with(prefix) {
            continue;
        }
        let file: Value = serde_json::from_slice(&corpus.read(text(&case, "file"))).unwrap();
        for group in list(&file, "testGroups") {
            let tests = list(group, "tests").iter();
            vectors.extend(tests.map(|test| (group.clone(), test.clone())));
        }
    }
    vectors
}

fn digest(name: &str) -> DigestAlgorithm {
    match name {
        "SHA-1" => DigestAlgorithm::Sha1,
        "SHA-256" => DigestAlgorithm::Sha256,
        "SHA-384" => DigestAlgorithm::Sha384,
        "SHA-512" => DigestAlgorithm::Sha512,
        other => panic!("{other}"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Responses that everyone accepts and that are refused here: AES-CBC, and no signature around it (attack A91).
const CBC_UNSIGNED: &[&str] = &[
    "saml-response-crewjam-sp-samlresponse",
    "saml-response-crewjam-testspcanhandleoktaresponseencryptedsignedassertion",
    "saml-response-crewjam-testspresponsewithnoissuer",
    "saml-response-gen-enc-aes128-cbc-mgf1p",
    "saml-response-gen-enc-aes192-cbc-mgf1p",
    "saml-response-gosaml2-onelogin-05",
    "saml-response-gosaml2-onelogin-06",
    "saml-response-nodesaml-testshib-encrypted-response",
    "saml-response-rubysaml-unsigned-message-aes256-encrypted-signed-assertion",
    "saml-response-rubysaml-unsigned-message-encrypted-assertion-without-saml-namespace",
    "saml-response-rubysaml-unsigned-message-encrypted-signed-assertion",
];

/// Signatures and decryption of the responses that come with a private key; the protocol's rules are not looked at.
#[test]
fn responses_that_are_encrypted() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut wrong, mut refused) = (Vec::new(), Vec::new());
    for case in corpus.cases("saml-response") {
        let id = text(&case, "id");
        let Some(key) = list(&case, "keys")
            .iter()
            .find(|key| text(key, "role") == "decryption-key")
        else {
            continue;
        };
        let key = PrivateKey::read(&corpus.read(text(key, "file"))).unwrap();
        let keys = dsig_corpus::keys(&corpus, &case, RsaFloor::DangerLegacy).unwrap_or_default();
        let policy = Policy {
            keys: &keys,
            sha1: Sha1::Allowed,
        };
        let octets = corpus.read(text(&case, "file"));
        let outcome = ready(response::open_with(&octets, &policy, &key)).unwrap();
        let code = outcome.as_ref().map_or_else(Reject::code, |_| "opened");
        *counts
            .entry(format!("{}: {code}", list(&case, "accept")[0]))
            .or_default() += 1;
        let expected = case.get("expected").filter(|_| text(&case, "expect") == "valid");
        match (&outcome, expected) {
            (Ok(response), Some(expected)) => {
                let name_id = response
                    .assertion
                    .get()
                    .name_id
                    .as_ref()
                    .map(|name_id| name_id.value.as_str());
                if name_id != expected.get("nameid").and_then(Value::as_str) {
                    wrong.push(format!("{id}: another NameID"));
                }
            }
            // What is wrong with it is a rule of the protocol.
            (Ok(_), None) => assert_eq!(list(&case, "fail_codes"), ["audience-mismatch"], "{id}"),
            (Err(error), Some(_)) if list(&case, "accept") == ["valid"] => {
                assert_eq!(error.code(), "encrypted_alg_refused", "{id}");
                refused.push(id.to_owned());
            }
            (Err(_), _) => {}
        }
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(refused, CBC_UNSIGNED);
}
