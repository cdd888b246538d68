//! Making an enveloped signature (XML Signature 1.1, 3.1) of the one shape that SAML has (SAML Core 5.4).
//!
//! No private key comes near: [`Unsigned`] gives the octets to sign, and takes their signature.

use super::{Certificate, Error, base64};
use crate::hidden::hide;
use crate::xml::c14n::{Canonicalization, Comments, Method};
use crate::xml::names::{DS, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, RSA_SHA256, SAML, SHA256};
use crate::xml::{Document, Profile, Source, Writer};
use sha2::{Digest, Sha256};

const EXCLUSIVE: Canonicalization<'_> = Canonicalization::new(Method::Exclusive, Comments::Drop);

/// A SAML message of ours that waits for its signature by RSA PKCS#1 v1.5 with SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsigned {
    before: String,
    after: String,
    id: String,
    digest: String,
    octets: Vec<u8>,
}

// It may name whom it is about.
hide!(Unsigned);

impl Unsigned {
    /// Digests `message`, whose root has an `ID` and an `Issuer`: the signature's place is after that one (SAML Core 3.2.1).
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other message; [`Error::Canonicalization`].
    pub fn message(message: &str) -> Result<Self, Error> {
        const EXPECTED: Error = Error::Malformed {
            expected: "a SAML message with an ID and an Issuer",
        };
        let source = Source::check(message.as_bytes(), Profile::SamlMessage).map_err(|_| EXPECTED)?;
        let document = Document::parse(&source).map_err(|_| EXPECTED)?;
        let root = document.root();
        let id = root.attribute("ID").ok_or(EXPECTED)?;
        let issuer = root.required_child(SAML, "Issuer").map_err(|_| EXPECTED)?;
        let (before, after) = message.split_at_checked(issuer.end()).ok_or(EXPECTED)?;

        let octets = EXCLUSIVE.canonicalize(root, None).map_err(Error::Canonicalization)?;
        let digest = base64::encode(&Sha256::digest(&octets));
        Ok(Self {
            octets: signed_info_octets(id, &digest)?,
            before: before.to_owned(),
            after: after.to_owned(),
            id: id.to_owned(),
            digest,
        })
    }

    /// The canonical form of `SignedInfo`: what the private key signs.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The message with its signature. `certificate` tells the receiver which of our keys it was.
    #[must_use]
    pub fn assemble(&self, signature: &[u8], certificate: &Certificate) -> String {
        let mut writer = Writer::new();
        writer.start("ds:Signature").attribute("xmlns:ds", DS);
        write_signed_info(&mut writer, &self.id, &self.digest);
        writer.leaf("ds:SignatureValue", &base64::encode(signature));
        writer.start("ds:KeyInfo").start("ds:X509Data");
        writer.leaf("ds:X509Certificate", &base64::encode(certificate.der()));
        format!("{}{}{}", self.before, writer.finish(), self.after)
    }
}

/// `SignedInfo` as it will be canonicalised where it stands, in a `ds:Signature` that declares nothing but its prefix.
fn signed_info_octets(id: &str, digest: &str) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new();
    writer.start("ds:Signature").attribute("xmlns:ds", DS);
    write_signed_info(&mut writer, id, digest);
    let signature = writer.finish();
    let source = Source::check(signature.as_bytes(), Profile::SamlMessage).map_err(Error::Canonicalization)?;
    let document = Document::parse(&source).map_err(Error::Canonicalization)?;
    let signed_info = document.root().required_child(DS, "SignedInfo");
    EXCLUSIVE
        .canonicalize(signed_info.map_err(Error::Canonicalization)?, None)
        .map_err(Error::Canonicalization)
}

fn write_signed_info(writer: &mut Writer, id: &str, digest: &str) {
    writer.start("ds:SignedInfo");
    let algorithm = |writer: &mut Writer, name, uri| {
        writer.start(name).attribute("Algorithm", uri).end();
    };
    algorithm(writer, "ds:CanonicalizationMethod", EXCLUSIVE_C14N);
    algorithm(writer, "ds:SignatureMethod", RSA_SHA256);
    writer.start("ds:Reference").attribute("URI", &format!("#{id}"));
    writer.start("ds:Transforms");
    algorithm(writer, "ds:Transform", ENVELOPED_SIGNATURE);
    algorithm(writer, "ds:Transform", EXCLUSIVE_C14N);
    writer.end();
    algorithm(writer, "ds:DigestMethod", SHA256);
    writer.leaf("ds:DigestValue", digest);
    writer.end().end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_info_is_canonical_and_the_signature_follows_the_issuer() {
        let message = "<p:R xmlns:p=\"urn:p\" ID=\"_1\"><s:Issuer xmlns:s=\"urn:oasis:names:tc:SAML:2.0:assertion\">x</s:Issuer><p:X/></p:R>";
        let unsigned = Unsigned::message(message).unwrap();
        let octets = String::from_utf8(unsigned.octets().to_vec()).unwrap();
        assert!(
            octets.starts_with(
                "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod \
                 Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>"
            ),
            "{octets}"
        );
        let certificate = Certificate::read(include_bytes!("../../tests/vectors/dsig/rsa-2048.pem")).unwrap();
        let signed = unsigned.assemble(b"\x01\x02\x03", &certificate);
        let (before, after) = message.split_once("<p:X/>").unwrap();
        assert!(signed.starts_with(&format!("{before}<ds:Signature ")), "{signed}");
        assert!(signed.ends_with(&format!("</ds:Signature><p:X/>{after}")), "{signed}");
        assert!(signed.contains("<ds:SignatureValue>AQID</ds:SignatureValue>"));
    }

    #[test]
    fn other_messages_are_refused() {
        for message in [
            "",
            "<r ID='_1'/>",
            "<s:Issuer xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='_1'/>",
        ] {
            assert!(
                matches!(Unsigned::message(message), Err(Error::Malformed { .. })),
                "{message}"
            );
        }
    }
}
