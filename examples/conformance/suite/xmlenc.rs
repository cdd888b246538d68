//! Encrypted documents: the plaintext must be the expected one, octet for octet.

use edge_saml::xml;
use edge_saml::xmlenc::{DecryptionKey, Error, PrivateKey, decrypt_document};
use serde_json::Value;

use super::corpus::{Corpus, list, optional_text, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Answer {
    match decrypt(corpus, case) {
        Ok(plaintext) => {
            let expected = optional_text(case, "expected_file").map(|file| corpus.read(file));
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
    }
}

fn decrypt(corpus: &Corpus, case: &Value) -> Result<Vec<u8>, Error> {
    let document = corpus.read(text(case, "file"));
    let key = list(case, "keys").iter().find_map(|key| {
        let octets = corpus.read(text(key, "file"));
        match text(key, "role") {
            "aes-key" => Some(DecryptionKey::Aes(octets)),
            "decryption-key" => PrivateKey::read(&octets).ok().map(DecryptionKey::Rsa),
            _ => None,
        }
    });
    // Without a key there is only what can be seen from outside.
    decrypt_document(&document, &key.unwrap_or(DecryptionKey::Aes(Vec::new())))
}
