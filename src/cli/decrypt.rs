//! `decrypt`: what is encrypted in a document.

use edge_saml::saml::binding::MessageKind;
use edge_saml::xml::names::XENC;
use edge_saml::xml::{Document, Profile, Source};
use edge_saml::xmlenc::{DecryptionKey, Error, decrypt_document};

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::message;
use super::output::{Failure, Outcome};
use super::tool_code::ToolCode;

pub(super) const COMMAND: Command = Command {
    name: "decrypt",
    help: "\
Writes what the first EncryptedData of an XML document holds, and nothing else. It says nothing of who wrote it.

Usage: edge-saml decrypt FILE --key FILE

  FILE        XML, base64 of it or of deflated XML, a form or a query with a message; - is the standard input
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
    let key = input::read(path)?;
    let key = match key.len() {
        16 | 24 | 32 => DecryptionKey::Aes(key),
        _ => DecryptionKey::Rsa(input::private_key_of(&key, path)?),
    };
    let kinds = [MessageKind::Request, MessageKind::Response];
    let octets = message::xml(input::read(arguments.operand())?, &kinds)?;
    match decrypt_document(&octets, &key) {
        Ok(plaintext) => Ok(Outcome::Octets(plaintext)),
        Err(Error::Malformed { .. }) if !holds_encrypted_data(&octets) => Err(Failure::unusable(
            ToolCode::InputUnknown,
            "expected an EncryptedData in the document, found none",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is anything to decrypt. A document without it is the wrong file, and nobody's mistake but the reader's.
fn holds_encrypted_data(octets: &[u8]) -> bool {
    let source = Source::check(octets, Profile::Document);
    let document = source.as_ref().ok().and_then(|source| Document::parse(source).ok());
    document.is_some_and(|document| document.elements().any(|element| element.is(XENC, "EncryptedData")))
}
