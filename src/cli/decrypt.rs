//! `decrypt`: what is encrypted in a document.

use edge_saml::xmlenc::{DecryptionKey, Error, PrivateKey, decrypt_document};

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::output::{Failure, Outcome};

pub(super) const COMMAND: Command = Command {
    name: "decrypt",
    help: "\
Writes what the first EncryptedData of an XML document holds, and nothing else. It says nothing of who wrote it.

Usage: edge-saml decrypt FILE --key FILE

  --key FILE  the private RSA key (PKCS #8 or PKCS #1, in PEM or DER), or the AES key itself in 16, 24 or 32 octets
",
    run,
    spec: Spec {
        operand: "FILE",
        once: &["key"],
        many: &[],
        flags: &[],
    },
};

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let path = arguments.paths("key").next();
    let key = key(input::read(path.ok_or_else(|| Failure::usage("--key is missing"))?)?)?;
    let octets = input::message(input::read(arguments.operand())?)?;
    decrypt_document(&octets, &key)
        .map(Outcome::Octets)
        .map_err(Failure::from)
}

fn key(octets: Vec<u8>) -> Result<DecryptionKey, Failure> {
    match octets.len() {
        16 | 24 | 32 => Ok(DecryptionKey::Aes(octets)),
        _ => PrivateKey::read(&octets)
            .map(DecryptionKey::Rsa)
            .map_err(|error| unusable(&error)),
    }
}

fn unusable(error: &Error) -> Failure {
    Failure::unusable("key_malformed", &error.to_string())
}
