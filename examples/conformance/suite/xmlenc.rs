//! Encrypted documents: the plaintext must be the expected one, octet for octet.

use edge_saml::xml;
use edge_saml::xmlenc::{DecryptionKey, Error, PrivateKey, decrypt_document};
use serde_json::Value;

use super::corpus::{Corpus, Unusable, list, optional_text, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let expected = optional_text(case, "expected_file").map(|file| corpus.read(file));
    let expected = expected.transpose()?;
    Ok(match decrypt(corpus, case)? {
        Ok(plaintext) => {
            let is_another = expected.is_some_and(|expected| expected != plaintext);
            Answer::valid(is_another.then(|| "another plaintext".to_owned()))
        }
        Err(error) => {
            let verdict = match error {
                Error::AlgorithmRefused { .. } | Error::Xml(xml::Error::DoctypeInternalSubset) => Verdict::Unsupported,
                _ => Verdict::Invalid,
            };
            Answer::new(verdict, error.code().as_str(), &error)
        }
    })
}

fn decrypt(corpus: &Corpus, case: &Value) -> Result<Result<Vec<u8>, Error>, Unusable> {
    let document = corpus.read(text(case, "file")?)?;
    let mut first = None;
    for key in list(case, "keys") {
        let octets = corpus.read(text(key, "file")?)?;
        let key = match text(key, "role")? {
            "aes-key" => Some(DecryptionKey::Aes(octets)),
            "decryption-key" => PrivateKey::read(&octets).ok().map(DecryptionKey::Rsa),
            _ => None,
        };
        first = first.or(key);
    }
    // Without a key there is only what can be seen from outside.
    let key = first.unwrap_or(DecryptionKey::Aes(Vec::new()));
    Ok(decrypt_document(&document, &key))
}
