//! Wycheproof's vectors. A file passes when every vector of it does.

use edge_saml::dsig::{DigestAlgorithm, RsaFloor, SignatureAlgorithm, TrustedKey};
use edge_saml::xmlenc::{self, DecryptionKey, PrivateKey, RsaOaep, decrypt_document};
use serde_json::Value;

use super::corpus::{Corpus, Unusable, hex, list, number, optional_text, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let counts = run(corpus, case, RsaFloor::DangerLegacy)?;
    let detail = format!("{counts:?}");
    Ok(if let Some(wrong) = counts.wrong.first() {
        Answer::new(
            Verdict::Invalid,
            "wrong",
            &format!("{wrong} and {} more", counts.wrong.len().saturating_sub(1)),
        )
    } else if counts.refused > 0 {
        Answer::new(Verdict::Unsupported, "unsupported", &detail)
    } else {
        Answer::valid(None)
    })
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

/// Runs the vectors of one file. A file without any is no case: nothing of it would have been right.
pub(crate) fn run(corpus: &Corpus, case: &Value, floor: RsaFloor) -> Result<Counts, Unusable> {
    let name = text(case, "file")?;
    let file = serde_json::from_slice(&corpus.read(name)?);
    let file: Value = file.map_err(|error| Unusable(format!("{name}: {error}")))?;
    let mut counts = Counts::default();
    for group in list(&file, "testGroups") {
        let vector = vector(group, floor)?;
        for test in list(group, "tests") {
            let count = match (vector(test)?, text(test, "result")?) {
                (Outcome::Refused, _) => &mut counts.refused,
                (Outcome::Inexpressible, _) => &mut counts.inexpressible,
                (Outcome::Held, "valid" | "acceptable") | (Outcome::Failed, "invalid" | "acceptable") => {
                    &mut counts.right
                }
                (outcome, expected) => {
                    counts
                        .wrong
                        .push(format!("{}: {outcome:?}, expected {expected}", test["tcId"]));
                    continue;
                }
            };
            *count = count.saturating_add(1);
        }
    }
    if counts == Counts::default() {
        return Err(Unusable(format!("{name}: no vectors")));
    }
    Ok(counts)
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Held,
    /// Something was opened, which is not what was encrypted: never right.
    AnotherMessage,
    Failed,
    Refused,
    Inexpressible,
}

/// How one vector of a group is run.
type Run<'g> = Box<dyn Fn(&Value) -> Result<Outcome, Unusable> + 'g>;

/// How the vectors of `group` are run.
fn vector(group: &Value, floor: RsaFloor) -> Result<Run<'_>, Unusable> {
    Ok(match text(group, "type")? {
        "AeadTest" => Box::new(|test| aes_gcm(group, test)),
        "RsaesOaepDecrypt" => Box::new(|test| rsa_oaep(group, test)),
        _ => match (algorithm(group)?, TrustedKey::from_spki(&key_der(group)?, floor)) {
            (Some(algorithm), Ok(key)) => Box::new(move |test| signature(group, test, algorithm, &key)),
            _ => Box::new(|_| Ok(Outcome::Refused)),
        },
    })
}

fn signature(
    group: &Value,
    test: &Value,
    algorithm: SignatureAlgorithm,
    key: &TrustedKey,
) -> Result<Outcome, Unusable> {
    let mut signature = Some(hex(test, "sig")?);
    if text(group, "type")? == "EcdsaVerify" {
        // These carry r and s in DER, XML signatures side by side.
        let octets = field_octets(group)?;
        signature = signature.and_then(|der| side_by_side(&der, octets));
    }
    let message = hex(test, "msg")?;
    let held = signature.is_some_and(|signature| key.verify(algorithm, &message, &signature).is_ok());
    Ok(if held { Outcome::Held } else { Outcome::Failed })
}

/// The algorithm of a group; none for parameters that are refused.
fn algorithm(group: &Value) -> Result<Option<SignatureAlgorithm>, Unusable> {
    let digest = || Ok(hash(text(group, "sha")?));
    Ok(match text(group, "type")? {
        "RsassaPkcs1Verify" => digest()?.map(SignatureAlgorithm::RsaPkcs1),
        "RsassaPssVerify" => {
            let salt = usize::try_from(number(group, "sLen")?).ok();
            let same_hash = text(group, "mgf")? == "MGF1" && text(group, "mgfSha")? == text(group, "sha")?;
            let digest = digest()?.filter(|digest| same_hash && salt == Some(digest.output_bytes()));
            digest.map(SignatureAlgorithm::RsaPss)
        }
        "EcdsaVerify" | "EcdsaP1363Verify" => digest()?.map(SignatureAlgorithm::Ecdsa),
        _ => None,
    })
}

fn aes_gcm(group: &Value, test: &Value) -> Result<Outcome, Unusable> {
    if number(group, "ivSize")? != 96 || number(group, "tagSize")? != 128 || !text(test, "aad")?.is_empty() {
        return Ok(Outcome::Inexpressible);
    }
    let octets = [hex(test, "iv")?, hex(test, "ct")?, hex(test, "tag")?].concat();
    let document = format!(
        "<EncryptedData xmlns='http://www.w3.org/2001/04/xmlenc#'><EncryptionMethod \
         Algorithm='http://www.w3.org/2009/xmlenc11#aes{}-gcm'/><CipherData><CipherValue>{}</CipherValue></CipherData>\
         </EncryptedData>",
        number(group, "keySize")?,
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets),
    );
    match decrypt_document(document.as_bytes(), &DecryptionKey::Aes(hex(test, "key")?)) {
        // Another error comes before the ciphertext is looked at.
        Err(error) if error != xmlenc::Error::DecryptionFailed => Ok(Outcome::Refused),
        plaintext => opened(plaintext, test),
    }
}

fn rsa_oaep(group: &Value, test: &Value) -> Result<Outcome, Unusable> {
    let key = PrivateKey::read(&hex(group, "privateKeyPkcs8")?);
    let key = key.map_err(|error| Unusable(format!("privateKeyPkcs8: {error}")))?;
    let (Some(digest), Some(mask_digest)) = (hash(text(group, "sha")?), hash(text(group, "mgfSha")?)) else {
        return Ok(Outcome::Refused);
    };
    let transport = RsaOaep {
        digest,
        mask_digest,
        label: hex(test, "label")?,
    };
    opened(key.unwrap(&transport, &hex(test, "ct")?), test)
}

fn opened<E>(plaintext: Result<Vec<u8>, E>, test: &Value) -> Result<Outcome, Unusable> {
    let message = hex(test, "msg")?;
    Ok(match plaintext {
        Ok(plaintext) if plaintext == message => Outcome::Held,
        Ok(_) => Outcome::AnotherMessage,
        Err(_) => Outcome::Failed,
    })
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

fn key_der(group: &Value) -> Result<Vec<u8>, Unusable> {
    let is_there = optional_text(group, "publicKeyDer").is_some();
    hex(group, if is_there { "publicKeyDer" } else { "publicKeyAsn" })
}

fn field_octets(group: &Value) -> Result<usize, Unusable> {
    match group.pointer("/publicKey/curve").and_then(Value::as_str) {
        Some("secp256r1") => Ok(32),
        Some("secp384r1") => Ok(48),
        Some("secp521r1") => Ok(66),
        other => Err(Unusable(format!("a curve that is not known: {other:?}"))),
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
        sides.resize(sides.len().checked_add(zeros)?, 0);
        sides.extend_from_slice(number.as_bytes());
    }
    Some(sides)
}
