//! Wycheproof's vectors for signature verification.
//!
//! Every vector of a file counts, except where the key or the parameters are outside of what SAML's profile of this
//! crate allows; then the key or the parameters must be refused, and the vector is counted as refused by policy.

use edge_saml::dsig::{DigestAlgorithm, Error, RsaFloor, SignatureAlgorithm, TrustedKey};
use serde_json::Value;

use crate::corpus::{self, list, text};

#[test]
fn rsa_pkcs1() {
    // The keys with exponent 3 are refused: two groups of one vector at 2048 bits, one at 3072.
    let counts = run("wycheproof-rsa-signature", |group| {
        Some(SignatureAlgorithm::RsaPkcs1(hash(group, "sha")?))
    });
    expect(counts, 1291, 3);
}

#[test]
fn rsa_pss() {
    // In `rsa-pss-misc`, the hash of MGF1 or the length of the salt differ from the digest's, or the hash is SHA-224.
    let counts = run("wycheproof-rsa-pss", |group| {
        let digest = hash(group, "sha")?;
        let salt = usize::try_from(group.get("sLen")?.as_u64()?).ok()?;
        let strict = text(group, "mgf") == "MGF1" && text(group, "mgfSha") == text(group, "sha");
        (strict && salt == digest.output_bytes()).then_some(SignatureAlgorithm::RsaPss(digest))
    });
    expect(counts, 628, 146);
}

#[test]
fn ecdsa() {
    let counts = run("wycheproof-ecdsa", |group| {
        Some(SignatureAlgorithm::Ecdsa(hash(group, "sha")?))
    });
    expect(counts, 3054, 0);
}

/// How many vectors were verified, and how many could not be for their key or parameters.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    verified: usize,
    refused: usize,
}

fn expect(counts: Option<Counts>, verified: usize, refused: usize) {
    if let Some(counts) = counts {
        assert_eq!(counts, Counts { verified, refused });
    }
}

/// Runs the files whose name has `prefix`. `algorithm` gives none for parameters that are not supported.
fn run(prefix: &str, algorithm: fn(&Value) -> Option<SignatureAlgorithm>) -> Option<Counts> {
    let corpus = corpus::open()?;
    let mut counts = Counts::default();
    for case in corpus.cases("crypto") {
        let id = text(&case, "id");
        if !id.contains(prefix) {
            continue;
        }
        let file: Value = serde_json::from_slice(&corpus.read(text(&case, "file"))).unwrap();
        for group in list(&file, "testGroups") {
            let tests = list(group, "tests").len();
            let key = TrustedKey::from_spki(&key_der(group), RsaFloor::Standard);
            let (Some(algorithm), Ok(key)) = (algorithm(group), &key) else {
                assert!(matches!(key, Ok(_) | Err(Error::KeyWeak { .. })), "{id}: {key:?}");
                counts.refused += tests;
                continue;
            };
            for test in list(group, "tests") {
                check(id, group, test, algorithm, key);
            }
            counts.verified += tests;
        }
    }
    println!("{prefix}: {counts:?}");
    Some(counts)
}

fn check(id: &str, group: &Value, test: &Value, algorithm: SignatureAlgorithm, key: &TrustedKey) {
    let message = hex(text(test, "msg"));
    let mut signature = Some(hex(text(test, "sig")));
    if text(group, "type") == "EcdsaVerify" {
        // These carry r and s in DER, XML signatures side by side.
        signature = signature.and_then(|der| side_by_side(&der, field_octets(group)));
    }
    let verified = signature.is_some_and(|signature| key.verify(algorithm, &message, &signature).is_ok());
    let number = test.get("tcId");
    match text(test, "result") {
        "valid" => assert!(verified, "{id} {number:?} must be accepted"),
        "invalid" => assert!(!verified, "{id} {number:?} must be refused"),
        // Padding without the NULL that PKCS #1 asks for. It is compared octet by octet.
        "acceptable" => assert!(!verified, "{id} {number:?} is refused here"),
        other => panic!("{id} {number:?}: result {other}"),
    }
}

fn hash(group: &Value, member: &str) -> Option<DigestAlgorithm> {
    match text(group, member) {
        "SHA-1" => Some(DigestAlgorithm::Sha1),
        "SHA-256" => Some(DigestAlgorithm::Sha256),
        "SHA-384" => Some(DigestAlgorithm::Sha384),
        "SHA-512" => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

fn key_der(group: &Value) -> Vec<u8> {
    let der = group.get("publicKeyDer").or_else(|| group.get("publicKeyAsn"));
    hex(der.and_then(Value::as_str).unwrap())
}

fn field_octets(group: &Value) -> usize {
    match group.pointer("/publicKey/curve").and_then(Value::as_str) {
        Some("secp256r1") => 32,
        Some("secp384r1") => 48,
        Some("secp521r1") => 66,
        other => panic!("curve {other:?}"),
    }
}

/// Strict DER to r‖s; none for what DER doesn't allow or what doesn't fit.
fn side_by_side(der: &[u8], octets: usize) -> Option<Vec<u8>> {
    use der::asn1::UintRef;
    use der::{Decode, Reader, SliceReader};
    let mut reader = SliceReader::new(der).ok()?;
    let numbers =
        reader.sequence(|sequence| Ok::<_, der::Error>([UintRef::decode(sequence)?, UintRef::decode(sequence)?]));
    let numbers = numbers.ok()?;
    reader.finish().ok()?;
    let mut sides = Vec::new();
    for number in numbers {
        let zeros = octets.checked_sub(number.as_bytes().len())?;
        sides.resize(sides.len() + zeros, 0);
        sides.extend_from_slice(number.as_bytes());
    }
    Some(sides)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit))
        .collect()
}
