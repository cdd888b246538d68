//! `decrypt`: what is encrypted in a document.

use edge_saml::xmlenc::{DecryptionKey, decrypt_document};

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
    let path = path.ok_or_else(|| Failure::usage("--key is missing"))?;
    let aes = input::read(path)?;
    let key = match aes.len() {
        16 | 24 | 32 => DecryptionKey::Aes(aes),
        _ => DecryptionKey::Rsa(input::private_key(path)?),
    };
    let octets = input::message(input::read(arguments.operand())?)?;
    decrypt_document(&octets, &key)
        .map(Outcome::Octets)
        .map_err(Failure::from)
}
