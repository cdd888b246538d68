//! What other software has encrypted, in `tests/vectors/xmlenc`.

use edge_saml::dsig::{Policy, Sha1};
use edge_saml::saml::logout;
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response::{self, Coverage, VerifiedResponse};
use edge_saml::xmlenc::{DecryptionKey, Error, PrivateKey, decrypt_document, ready};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};

use crate::support::encrypt::private_key;
use crate::support::idp::Idp;

fn vector(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/vectors/xmlenc/{name}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn decrypt(name: &str) -> Result<Vec<u8>, Error> {
    decrypt_document(&vector(name), &DecryptionKey::Rsa(private_key()))
}

#[test]
fn content_and_keys_of_others() {
    for name in [
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "aes128-gcm",
        "aes192-gcm",
        "aes256-gcm",
        "npm-aes128-gcm",
        "npm-aes256-cbc",
        "npm-aes256-gcm",
        "oaep-defaults",
        "oaep-mgf1p-sha256",
        "oaep-mgf1p-sha384",
        "oaep-sha1-mgf1sha512",
        "oaep-sha256-mgf1sha256",
        "oaep-sha384-mgf1sha384-label",
        "oaep-sha512-mgf1sha1",
    ] {
        assert_eq!(decrypt(name), Ok(vector("plaintext")), "{name}");
    }
}

#[test]
fn a93_what_is_never_read() {
    for (name, algorithm) in [
        ("rsa-1_5", "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        ("tripledes", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"),
    ] {
        let found = algorithm.to_owned();
        assert_eq!(decrypt(name), Err(Error::AlgorithmRefused { found }));
    }
}

#[test]
fn the_wrong_key() {
    let other = PrivateKey::read(include_bytes!("../vectors/keys/idp.key.pem")).unwrap();
    let document = vector("aes256-gcm");
    assert_eq!(
        decrypt_document(&document, &DecryptionKey::Rsa(other)),
        Err(Error::DecryptionFailed)
    );
    // A content key is for a file that has none of its own.
    let given = decrypt_document(&document, &DecryptionKey::Aes(vec![0; 32]));
    assert!(matches!(given, Err(Error::Malformed { .. })));
    let nothing = decrypt_document(b"<a/>", &DecryptionKey::Rsa(private_key()));
    assert_eq!(
        nothing,
        Err(Error::Malformed {
            expected: "EncryptedData"
        })
    );
}

#[test]
fn a_private_key_in_each_of_its_forms() {
    let key = rsa::PrivateKey::from_pkcs8_pem(include_str!("../vectors/keys/sp.key.pem")).unwrap();
    for octets in [
        key.to_pkcs1_pem(rsa::pkcs8::LineEnding::LF)
            .unwrap()
            .as_bytes()
            .to_vec(),
        key.to_pkcs8_pem(rsa::pkcs8::LineEnding::CRLF)
            .unwrap()
            .as_bytes()
            .to_vec(),
        key.to_pkcs1_der().unwrap().as_bytes().to_vec(),
        key.to_pkcs8_der().unwrap().as_bytes().to_vec(),
    ] {
        let key = DecryptionKey::Rsa(PrivateKey::read(&octets).unwrap());
        assert_eq!(decrypt_document(&vector("aes128-gcm"), &key), Ok(vector("plaintext")));
    }
}

fn policy<T>(read: impl FnOnce(&Policy<'_>) -> T) -> T {
    let keys = [Idp::trusted().trusted_key()];
    read(&Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    })
}

fn open(octets: &[u8]) -> Result<VerifiedResponse, Reject> {
    policy(|policy| ready(response::open_with(octets, policy, &private_key())).unwrap())
}

#[test]
fn responses_of_others() {
    for (name, coverage) in [
        ("response-inside-gcm", Coverage::Assertion),
        ("response-outside-cbc", Coverage::Response),
        ("response-both-gcm", Coverage::Both),
    ] {
        let octets = vector(name);
        let response = open(&octets).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert_eq!(response.envelope().coverage, coverage);
        let assertion = response.assertion().get();
        assert_eq!(assertion.name_id.as_ref().unwrap().value, "zoë");
        assert!(assertion.attributes.len() > 2);
        let without_key = policy(|policy| response::open(&octets, policy));
        assert_eq!(without_key.unwrap_err(), Reject::EncryptedUnexpected);
    }
}

#[test]
fn logout_requests_of_others() {
    for name in ["logout-aes256-gcm", "logout-aes128-cbc"] {
        let message = policy(|policy| logout::open(&vector(name), policy)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let name_id = ready(logout::name_id(&message, &private_key())).unwrap();
        assert_eq!(name_id.unwrap().get().value, "zoë@example.com");
        let other = PrivateKey::read(include_bytes!("../vectors/keys/other.key.pem")).unwrap();
        let closed = ready(logout::name_id(&message, &other)).unwrap();
        assert_eq!(closed.unwrap_err(), Reject::DecryptionFailed);
    }
}

/// The decrypted octets are parsed anew and nothing of the response leaks into them, whatever it declares.
#[test]
fn a99_namespaces_end_where_the_ciphertext_begins() {
    let octets = vector("response-inside-gcm");
    let text = String::from_utf8(octets).unwrap();
    let declared = text.replace(
        "<samlp:Response ",
        "<samlp:Response xmlns:x=\"urn:example:x\" xmlns=\"urn:example:y\" ",
    );
    assert_ne!(text, declared);
    assert_eq!(
        open(text.as_bytes()).unwrap().assertion(),
        open(declared.as_bytes()).unwrap().assertion()
    );
}
