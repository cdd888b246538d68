//! Wycheproof's vectors. A file passes when every vector of it does.

use edge_saml::dsig::{DigestAlgorithm, RsaFloor, SignatureAlgorithm, TrustedKey};
use edge_saml::xmlenc::{self, DecryptionKey, PrivateKey, RsaOaep, decrypt_document};
use serde_json::Value;

use super::corpus::{Corpus, hex, list, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Answer {
    let counts = run(corpus, case, RsaFloor::DangerLegacy);
    let detail = format!("{counts:?}");
    if let Some(wrong) = counts.wrong.first() {
        Answer::new(
            Verdict::Invalid,
            "wrong",
            &format!("{wrong} and {} more", counts.wrong.len() - 1),
        )
    } else if counts.refused > 0 {
        Answer::new(Verdict::Unsupported, "unsupported", &detail)
    } else {
        Answer::valid(None)
    }
}

/// What became of the vectors of one file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Right.
    pub(crate) right: usize,
    /// With a key or parameters that are refused, whatever the signature.
    pub(crate) refused: usize,
    /// Of a shape that XML cannot express: associated data, an IV that is not of 96 bits.
    pub(crate) inexpressible: usize,
    pub(crate) wrong: Vec<String>,
}

/// Runs the vectors of one file.
pub(crate) fn run(corpus: &Corpus, case: &Value, floor: RsaFloor) -> Counts {
    let file: Value = serde_json::from_slice(&corpus.read(text(case, "file"))).unwrap();
    let mut counts = Counts::default();
    for group in list(&file, "testGroups") {
        let vector = vector(group, floor);
        for test in list(group, "tests") {
            match (vector(test), text(test, "result")) {
                (Outcome::Refused, _) => counts.refused += 1,
                (Outcome::Inexpressible, _) => counts.inexpressible += 1,
                (Outcome::Held, "valid" | "acceptable") | (Outcome::Failed, "invalid" | "acceptable") => {
                    counts.right += 1;
                }
                (outcome, expected) => {
                    counts
                        .wrong
                        .push(format!("{}: {outcome:?}, expected {expected}", test["tcId"]));
                }
            }
        }
    }
    counts
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Held,
    Failed,
    Refused,
    Inexpressible,
}

/// How the vectors of `group` are run.
fn vector<'g>(group: &'g Value, floor: RsaFloor) -> Box<dyn Fn(&Value) -> Outcome + 'g> {
    match text(group, "type") {
        "AeadTest" => Box::new(|test| aes_gcm(group, test)),
        "RsaesOaepDecrypt" => Box::new(|test| rsa_oaep(group, test)),
        _ => match (algorithm(group), TrustedKey::from_spki(&key_der(group), floor)) {
            (Some(algorithm), Ok(key)) => Box::new(move |test| signature(group, test, algorithm, &key)),
            _ => Box::new(|_| Outcome::Refused),
        },
    }
}

fn signature(group: &Value, test: &Value, algorithm: SignatureAlgorithm, key: &TrustedKey) -> Outcome {
    let mut signature = Some(hex(text(test, "sig")));
    if text(group, "type") == "EcdsaVerify" {
        // These carry r and s in DER, XML signatures side by side.
        signature = signature.and_then(|der| side_by_side(&der, field_octets(group)));
    }
    let message = hex(text(test, "msg"));
    let held = signature.is_some_and(|signature| key.verify(algorithm, &message, &signature).is_ok());
    if held { Outcome::Held } else { Outcome::Failed }
}

/// The algorithm of a group; none for parameters that are refused.
fn algorithm(group: &Value) -> Option<SignatureAlgorithm> {
    match text(group, "type") {
        "RsassaPkcs1Verify" => Some(SignatureAlgorithm::RsaPkcs1(hash(text(group, "sha"))?)),
        "RsassaPssVerify" => {
            let digest = hash(text(group, "sha"))?;
            let salt = usize::try_from(group["sLen"].as_u64()?).ok()?;
            let strict = text(group, "mgf") == "MGF1" && text(group, "mgfSha") == text(group, "sha");
            (strict && salt == digest.output_bytes()).then_some(SignatureAlgorithm::RsaPss(digest))
        }
        "EcdsaVerify" | "EcdsaP1363Verify" => Some(SignatureAlgorithm::Ecdsa(hash(text(group, "sha"))?)),
        _ => None,
    }
}

fn aes_gcm(group: &Value, test: &Value) -> Outcome {
    let size = |member: &str| group[member].as_u64().unwrap();
    if size("ivSize") != 96 || size("tagSize") != 128 || !text(test, "aad").is_empty() {
        return Outcome::Inexpressible;
    }
    let octets = [hex(text(test, "iv")), hex(text(test, "ct")), hex(text(test, "tag"))].concat();
    let document = format!(
        "<EncryptedData xmlns='http://www.w3.org/2001/04/xmlenc#'><EncryptionMethod \
         Algorithm='http://www.w3.org/2009/xmlenc11#aes{}-gcm'/><CipherData><CipherValue>{}</CipherValue></CipherData>\
         </EncryptedData>",
        size("keySize"),
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets),
    );
    let plaintext = decrypt_document(document.as_bytes(), &DecryptionKey::Aes(hex(text(test, "key"))));
    opened(
        plaintext.map_err(|error| assert_eq!(error, xmlenc::Error::DecryptionFailed)),
        test,
    )
}

fn rsa_oaep(group: &Value, test: &Value) -> Outcome {
    let key = PrivateKey::read(&hex(text(group, "privateKeyPkcs8"))).unwrap();
    let (Some(digest), Some(mask_digest)) = (hash(text(group, "sha")), hash(text(group, "mgfSha"))) else {
        return Outcome::Refused;
    };
    let transport = RsaOaep {
        digest,
        mask_digest,
        label: hex(text(test, "label")),
    };
    opened(key.unwrap(&transport, &hex(text(test, "ct"))), test)
}

/// Another message is never right.
fn opened<E>(plaintext: Result<Vec<u8>, E>, test: &Value) -> Outcome {
    match plaintext {
        Ok(plaintext) => {
            assert_eq!(plaintext, hex(text(test, "msg")), "{test}");
            Outcome::Held
        }
        Err(_) => Outcome::Failed,
    }
}

fn hash(name: &str) -> Option<DigestAlgorithm> {
    match name {
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
