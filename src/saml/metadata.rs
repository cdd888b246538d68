//! Metadata (SAML Metadata 2): the identity provider's in, ours out.

use core::fmt;

use super::connection::{Binding, Endpoint, IdentityProvider, ServiceProvider, StoredCertificate};
use super::id::{EndpointUrl, EntityId};
use crate::dsig::{Certificate, RsaFloor};
use crate::limits::MAX_CERTIFICATES_PER_CONNECTION;
use crate::xml::names::{DS, MD, SAMLP};
use crate::xml::{self, Document, Element, Profile, Source, Writer};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Why metadata cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// It is an HTML page, mostly a login page.
    HtmlInsteadOfXml,
    /// It describes a service provider.
    IsSpMetadata,
    /// Every signing key is too weak, or of a kind that cannot be used.
    KeyWeak,
    /// It describes no identity provider.
    NoIdpRole,
    /// It has no certificate for signing.
    NoSigningKey,
    /// It has no single sign-on endpoint with the HTTP-Redirect or HTTP-POST binding at an `https` address.
    NoSsoEndpoint,
    /// It describes several identity providers; their entity IDs, the first ten.
    SeveralEntities(Vec<String>),
    /// It has more signing certificates than a connection keeps.
    TooManyCertificates,
    /// It is not acceptable XML.
    Xml(xml::Error),
}

impl MetadataError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::HtmlInsteadOfXml => "html_instead_of_xml",
            Self::IsSpMetadata => "is_sp_metadata",
            Self::KeyWeak => "key_weak",
            Self::NoIdpRole => "no_idp_role",
            Self::NoSigningKey => "no_signing_key",
            Self::NoSsoEndpoint => "no_sso_endpoint",
            Self::SeveralEntities(_) => "several_entities",
            Self::TooManyCertificates => "too_many_certificates",
            Self::Xml(error) => super::reject::xml_code(*error),
        }
    }
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HtmlInsteadOfXml => f.write_str("expected metadata, found an HTML page; the URL may need a sign-in"),
            Self::IsSpMetadata => f.write_str("expected an identity provider's metadata, found a service provider's"),
            Self::KeyWeak => {
                f.write_str("expected a signing key of RSA with 2048 to 4096 bits or P-256, P-384 or P-521, found none")
            }
            Self::NoIdpRole => f.write_str("expected an IDPSSODescriptor for SAML 2.0, found none"),
            Self::NoSigningKey => f.write_str("expected a certificate for signing, found none"),
            Self::NoSsoEndpoint => f.write_str(
                "expected a SingleSignOnService with the HTTP-Redirect or HTTP-POST binding at an https address, found none",
            ),
            Self::SeveralEntities(ids) => {
                write!(f, "expected one identity provider, found several: {}", ids.join(", "))
            }
            Self::TooManyCertificates => {
                write!(
                    f,
                    "expected at most {MAX_CERTIFICATES_PER_CONNECTION} signing certificates, found more"
                )
            }
            Self::Xml(error) => write!(f, "not acceptable XML: {error}"),
        }
    }
}

impl core::error::Error for MetadataError {}

impl From<xml::Error> for MetadataError {
    fn from(error: xml::Error) -> Self {
        Self::Xml(error)
    }
}

/// Reads the one identity provider that metadata describes.
///
/// The metadata's own signature is not looked at: it is trusted for where it came from.
///
/// # Errors
/// [`MetadataError`].
pub fn read_identity_provider(octets: &[u8]) -> Result<IdentityProvider, MetadataError> {
    let source = Source::check(octets, Profile::Metadata).map_err(|error| {
        if looks_like_html(octets) {
            MetadataError::HtmlInsteadOfXml
        } else {
            error.into()
        }
    })?;
    let document = Document::parse(&source).map_err(|error| {
        if looks_like_html(octets) {
            MetadataError::HtmlInsteadOfXml
        } else {
            error.into()
        }
    })?;
    let root = document.root();
    if root.local_name().eq_ignore_ascii_case("html") {
        return Err(MetadataError::HtmlInsteadOfXml);
    }
    let entities = std::iter::once(root)
        .chain(root.descendants())
        .filter(|e| e.is(MD, "EntityDescriptor"));
    let (mut identity_providers, mut service_provider) = (Vec::new(), false);
    for entity in entities {
        service_provider |= entity.child(MD, "SPSSODescriptor")?.is_some();
        for role in entity
            .children()
            .filter(|c| c.is(MD, "IDPSSODescriptor") && supports_saml2(*c))
        {
            identity_providers.push((entity, role));
        }
    }
    match identity_providers.as_slice() {
        [(entity, role)] => read_role(*entity, *role),
        [] if service_provider => Err(MetadataError::IsSpMetadata),
        [] => Err(MetadataError::NoIdpRole),
        several => {
            let ids = several.iter().filter_map(|(entity, _)| entity.attribute("entityID"));
            Err(MetadataError::SeveralEntities(
                ids.take(10).map(|id| id.chars().take(200).collect()).collect(),
            ))
        }
    }
}

/// A page of HTML, however it begins.
fn looks_like_html(octets: &[u8]) -> bool {
    let start = octets.get(..octets.len().min(512)).unwrap_or_default();
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn supports_saml2(role: Element<'_>) -> bool {
    role.attribute("protocolSupportEnumeration")
        .is_some_and(|p| p.split_ascii_whitespace().any(|p| p == SAMLP))
}

fn read_role(entity: Element<'_>, role: Element<'_>) -> Result<IdentityProvider, MetadataError> {
    let entity_id = entity
        .attribute("entityID")
        .and_then(|id| EntityId::parse(id).ok())
        .ok_or(MetadataError::NoIdpRole)?;
    let endpoint = |service: Element<'_>| {
        let binding = match service.attribute("Binding")? {
            REDIRECT => Binding::Redirect,
            POST => Binding::Post,
            _ => return None,
        };
        Some(Endpoint {
            binding,
            url: EndpointUrl::parse(service.attribute("Location")?).ok()?,
        })
    };
    let services = role.children().filter(|c| c.is(MD, "SingleSignOnService"));
    let single_sign_on: Vec<Endpoint> = services.filter_map(endpoint).collect();
    if single_sign_on.is_empty() {
        return Err(MetadataError::NoSsoEndpoint);
    }
    let (mut certificates, mut unusable): (Vec<StoredCertificate>, bool) = (Vec::new(), false);
    let signs = |key: &Element<'_>| key.is(MD, "KeyDescriptor") && key.attribute("use").is_none_or(|u| u == "signing");
    for key in role.children().filter(signs) {
        for certificate in key.descendants().filter(|d| d.is(DS, "X509Certificate")) {
            match Certificate::read(certificate.text()?.as_bytes()) {
                Ok(certificate) if certificate.key(RsaFloor::Standard).is_ok() => {
                    let stored = StoredCertificate::of(&certificate);
                    if !certificates.contains(&stored) {
                        certificates.push(stored);
                    }
                }
                _ => unusable = true,
            }
        }
    }
    match certificates.len() {
        0 if unusable => Err(MetadataError::KeyWeak),
        0 => Err(MetadataError::NoSigningKey),
        n if n > MAX_CERTIFICATES_PER_CONNECTION => Err(MetadataError::TooManyCertificates),
        _ => Ok(IdentityProvider {
            entity_id,
            single_sign_on,
            certificates,
            metadata_url: None,
        }),
    }
}

/// Our metadata for one connection (SAML Metadata 2.4.4).
#[must_use]
pub fn write_service_provider(service_provider: &ServiceProvider) -> String {
    let mut writer = Writer::new();
    writer
        .start("md:EntityDescriptor")
        .attribute("xmlns:md", MD)
        .attribute("entityID", &service_provider.entity_id);
    writer
        .start("md:SPSSODescriptor")
        .attribute("AuthnRequestsSigned", "false")
        .attribute("WantAssertionsSigned", "true")
        .attribute("protocolSupportEnumeration", SAMLP);
    writer
        .start("md:AssertionConsumerService")
        .attribute("Binding", POST)
        .attribute("Location", &service_provider.acs_url)
        .attribute("index", "0")
        .attribute("isDefault", "true")
        .end();
    writer.finish()
}
