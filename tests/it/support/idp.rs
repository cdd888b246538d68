//! An identity provider for tests. It signs with the project's own canonicaliser, so it proves rules, not conformance;
//! conformance is proved with vectors made by other software.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::dsig::{Certificate, RsaFloor, TrustedKey};
use edge_saml::xml::c14n::{Canonicalization, Comments, Method};
use edge_saml::xml::names::{DS, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, RSA_SHA256, SHA256};
use edge_saml::xml::{Document, Profile, Source};
use rsa::pkcs8::DecodePrivateKey;
use sha2::{Digest, Sha256};

use super::world::ORIGIN;

/// The entity ID that the identity provider has unless told otherwise.
pub(crate) const ENTITY_ID: &str = "http://www.okta.com/exk1test";
/// Our entity ID in tests of the pure core.
pub(crate) const AUDIENCE: &str = "https://sp.example/sso/saml/conn_abcdefghij234567klmn";
/// Our ACS URL in tests of the pure core.
pub(crate) const ACS_URL: &str = "https://sp.example/sso/saml/conn_abcdefghij234567klmn/acs";
/// The present, in tests of the pure core: 2026-07-01T12:00:00Z.
pub(crate) const NOW: i64 = 1_782_907_200;

/// A key pair of an identity provider.
pub(crate) struct Idp {
    key: rsa::PrivateKey,
    pub(crate) certificate: Certificate,
}

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    Assertion,
    Both,
    Nothing,
    Response,
}

/// A response before it is signed; each field can be set to something evil.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) acs_url: String,
    pub(crate) audience: String,
    pub(crate) destination: Option<String>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) issuer: String,
    pub(crate) assertion_id: String,
    pub(crate) name_id: String,
    pub(crate) name_id_format: String,
    pub(crate) email: Option<String>,
    pub(crate) not_before: String,
    pub(crate) not_on_or_after: String,
    pub(crate) issue_instant: String,
    pub(crate) session_not_on_or_after: Option<String>,
}

impl Default for Message {
    fn default() -> Self {
        Self {
            acs_url: ACS_URL.to_owned(),
            audience: AUDIENCE.to_owned(),
            destination: Some(ACS_URL.to_owned()),
            in_response_to: Some("_request".to_owned()),
            issuer: ENTITY_ID.to_owned(),
            assertion_id: "_assertion".to_owned(),
            name_id: "ada@acme.test".to_owned(),
            name_id_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
            email: Some("ada@acme.test".to_owned()),
            not_before: "2026-07-01T11:55:00Z".to_owned(),
            not_on_or_after: "2026-07-01T12:05:00Z".to_owned(),
            issue_instant: "2026-07-01T12:00:00Z".to_owned(),
            session_not_on_or_after: None,
        }
    }
}

impl Message {
    /// A response of the world's connection `id` to `request`, or to none.
    pub(crate) fn of(id: &str, request: Option<&str>) -> Self {
        let entity_id = format!("{ORIGIN}/sso/saml/{id}");
        Self {
            acs_url: format!("{entity_id}/acs"),
            destination: Some(format!("{entity_id}/acs")),
            audience: entity_id,
            in_response_to: request.map(ToOwned::to_owned),
            assertion_id: format!("_a{}", request.unwrap_or_default()),
            ..Self::default()
        }
    }

    /// The response, unsigned, in Okta's style.
    pub(crate) fn to_xml(&self) -> String {
        let attribute =
            |name: &str, value: &Option<String>| value.as_ref().map(|v| format!(" {name}=\"{v}\"")).unwrap_or_default();
        let destination = attribute("Destination", &self.destination);
        let in_response_to = attribute("InResponseTo", &self.in_response_to);
        let session = attribute("SessionNotOnOrAfter", &self.session_not_on_or_after);
        let email = self
            .email
            .as_ref()
            .map(|email| text_attribute("Email address", email))
            .unwrap_or_default();
        let Self {
            acs_url,
            audience,
            issuer,
            assertion_id,
            name_id,
            name_id_format,
            not_before,
            not_on_or_after,
            issue_instant,
            ..
        } = self;
        format!(
            "<saml2p:Response xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\"{destination} ID=\"_response\"{in_response_to} \
             IssueInstant=\"{issue_instant}\" Version=\"2.0\"><saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{issuer}</saml2:Issuer><saml2p:Status><saml2p:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></saml2p:Status><saml2:Assertion \
             xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{assertion_id}\" IssueInstant=\"{issue_instant}\" \
             Version=\"2.0\"><saml2:Issuer>{issuer}</saml2:Issuer><saml2:Subject><saml2:NameID Format=\"{name_id_format}\">{name_id}\
             </saml2:NameID><saml2:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml2:SubjectConfirmationData\
             {in_response_to} NotOnOrAfter=\"{not_on_or_after}\" Recipient=\"{acs_url}\"/></saml2:SubjectConfirmation></saml2:Subject>\
             <saml2:Conditions NotBefore=\"{not_before}\" NotOnOrAfter=\"{not_on_or_after}\"><saml2:AudienceRestriction>\
             <saml2:Audience>{audience}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AuthnStatement \
             AuthnInstant=\"{issue_instant}\" SessionIndex=\"_session\"{session}><saml2:AuthnContext><saml2:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef></saml2:AuthnContext>\
             </saml2:AuthnStatement><saml2:AttributeStatement>{email}{}{}</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>",
            text_attribute("First name", "Ada"),
            text_attribute("Last name", "Lovelace"),
        )
    }
}

fn text_attribute(name: &str, value: &str) -> String {
    format!(
        "<saml2:Attribute Name=\"{name}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified\"><saml2:AttributeValue \
         xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"xs:string\">{value}</saml2:AttributeValue></saml2:Attribute>"
    )
}

impl Idp {
    /// The identity provider that connections in tests trust.
    pub(crate) fn trusted() -> Self {
        Self::new(
            include_str!("../../vectors/keys/idp.key.pem"),
            include_bytes!("../../vectors/keys/idp.cert.pem"),
        )
    }

    /// Another one, that they do not.
    pub(crate) fn other() -> Self {
        Self::new(
            include_str!("../../vectors/keys/other.key.pem"),
            include_bytes!("../../vectors/keys/other.cert.pem"),
        )
    }

    /// Metadata with the certificate of `other` before its own, as it stands in the middle of a rotation.
    pub(crate) fn metadata_with(&self, other: &Self) -> String {
        let descriptor = |xml: &str| {
            let (start, end) = ("<md:KeyDescriptor", "</md:KeyDescriptor>");
            xml[xml.find(start).unwrap()..xml.find(end).unwrap() + end.len()].to_owned()
        };
        let own = self.metadata();
        own.replace(
            &descriptor(&own),
            &format!("{}{}", descriptor(&other.metadata()), descriptor(&own)),
        )
    }

    fn new(key: &str, certificate: &[u8]) -> Self {
        Self {
            key: rsa::PrivateKey::from_pkcs8_pem(key).unwrap(),
            certificate: Certificate::read(certificate).unwrap(),
        }
    }

    /// The key to trust.
    pub(crate) fn trusted_key(&self) -> TrustedKey {
        self.certificate.key(RsaFloor::Standard).unwrap()
    }

    /// `message` with the signatures that `signed` asks for, the assertion's first.
    pub(crate) fn respond(&self, message: &Message, signed: Signed) -> String {
        let mut xml = message.to_xml();
        if matches!(signed, Signed::Assertion | Signed::Both) {
            xml = self.sign(&xml, &message.assertion_id);
        }
        if matches!(signed, Signed::Response | Signed::Both) {
            xml = self.sign(&xml, "_response");
        }
        xml
    }

    /// `xml` with a signature of the element whose `ID` is `id`, put after its Issuer.
    pub(crate) fn sign(&self, xml: &str, id: &str) -> String {
        self.sign_as(xml, id, |digest| signed_info(id, digest))
    }

    /// As [`sign`](Self::sign), with a `SignedInfo` of one's own making, in canonical form, out of the element's digest.
    pub(crate) fn sign_as(&self, xml: &str, id: &str, signed_info: impl FnOnce(&str) -> String) -> String {
        Self::insert(xml, id, &self.signature_of(&signed_info(&digest(xml, id))))
    }

    /// `message` with a signature of its assertion by RSA with SHA-1.
    pub(crate) fn respond_with_sha1(&self, message: &Message) -> String {
        let xml = message.to_xml();
        let info = signed_info(&message.assertion_id, &digest(&xml, &message.assertion_id));
        let info = info.replace(RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
        let value = self.key.pkcs1v15_sign::<sha1::Sha1>(info.as_bytes()).unwrap();
        Self::insert(&xml, &message.assertion_id, &self.signature_with(&info, &value))
    }

    /// `xml` with `signature` after the Issuer of the element whose `ID` is `id`.
    fn insert(xml: &str, id: &str, signature: &str) -> String {
        let start = xml.find(&format!("ID=\"{id}\"")).unwrap();
        let at = start + xml[start..].find("Issuer>").unwrap() + "Issuer>".len();
        let at = if xml[..at].ends_with("</saml2:Issuer>") {
            at
        } else {
            at + xml[at..].find("Issuer>").unwrap() + "Issuer>".len()
        };
        format!("{}{signature}{}", &xml[..at], &xml[at..])
    }

    /// A `ds:Signature` over `#id` with this digest.
    pub(crate) fn signature(&self, id: &str, digest: &str) -> String {
        self.signature_of(&signed_info(id, digest))
    }

    /// A `ds:Signature` around `signed_info`, which is in canonical form and is signed as it stands.
    pub(crate) fn signature_of(&self, signed_info: &str) -> String {
        let value = self.key.pkcs1v15_sign::<Sha256>(signed_info.as_bytes()).unwrap();
        self.signature_with(signed_info, &value)
    }

    fn signature_with(&self, signed_info: &str, value: &[u8]) -> String {
        format!(
            "<ds:Signature xmlns:ds=\"{DS}\">{signed_info}<ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            STANDARD.encode(value),
            STANDARD.encode(self.certificate.der()),
        )
    }

    /// `query` with `SigAlg` and `Signature`, over the octets as they stand.
    pub(crate) fn sign_query(&self, query: &str) -> String {
        self.sign_query_with(
            query,
            "SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256",
        )
    }

    /// The same with a `SigAlg` as it will stand there.
    pub(crate) fn sign_query_with(&self, query: &str, algorithm: &str) -> String {
        let query = format!("{query}&{algorithm}");
        let value = STANDARD.encode(self.key.pkcs1v15_sign::<Sha256>(query.as_bytes()).unwrap());
        let signature = form_urlencoded::Serializer::new(String::new())
            .append_pair("Signature", &value)
            .finish();
        format!("{query}&{signature}")
    }

    /// Metadata as Okta writes it.
    pub(crate) fn metadata(&self) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ENTITY_ID}\"><md:IDPSSODescriptor \
             WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor \
             use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://acme.okta.example/post\"/>\
             <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
             Location=\"https://acme.okta.example/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            STANDARD.encode(self.certificate.der()),
        )
    }
}

/// The SHA-256 digest of the element whose `ID` is `id`, by Exclusive XML Canonicalization, in base64.
pub(crate) fn digest(xml: &str, id: &str) -> String {
    let source = Source::check(xml.as_bytes(), Profile::SamlMessage).unwrap();
    let document = Document::parse(&source).unwrap();
    let element = document
        .elements()
        .find(|element| element.attribute("ID") == Some(id))
        .unwrap();
    let exclusive = Canonicalization::new(Method::Exclusive, Comments::Drop);
    let own = element.children().find(|child| child.is(DS, "Signature"));
    STANDARD.encode(Sha256::digest(exclusive.canonicalize(element, own).unwrap()))
}

/// A `ds:SignedInfo` over `#id` in canonical form, as most identity providers make it.
pub(crate) fn signed_info(id: &str, digest: &str) -> String {
    let transforms = format!("{}{}", transform(ENVELOPED_SIGNATURE), transform(EXCLUSIVE_C14N));
    signed_info_of(&reference(&format!(" URI=\"#{id}\""), &transforms, digest))
}

/// A `ds:SignedInfo` with these references, in canonical form.
pub(crate) fn signed_info_of(references: &str) -> String {
    format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod>{references}</ds:SignedInfo>"
    )
}

/// A `ds:Reference` in canonical form; `uri` is its attribute, or nothing.
pub(crate) fn reference(uri: &str, transforms: &str, digest: &str) -> String {
    format!(
        "<ds:Reference{uri}><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )
}

/// A `ds:Transform` in canonical form.
pub(crate) fn transform(algorithm: &str) -> String {
    format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>")
}

/// `xml` as the POST binding's form has it.
pub(crate) fn post_form(xml: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &STANDARD.encode(xml))
        .finish()
}
