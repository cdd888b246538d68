//! Metadata (SAML Metadata 2): the identity provider's in, ours out.

use core::fmt;

use super::connection::{Binding, Endpoint, IdentityProvider, LogoutEndpoint, ServiceProvider, StoredCertificate};
use super::id::{EndpointUrl, EntityId};
use super::service_keys::PublicKey;
use crate::code::Code;
use crate::dsig::{self, Certificate, RsaFloor};
use crate::limits::MAX_CERTIFICATES_PER_CONNECTION;
use crate::xml::names::{AES128_GCM, AES256_GCM, DS, MD, RSA_OAEP_MGF1P, SAMLP, SHA1};
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
    /// It is XML, but no metadata: an `EntityDescriptor` is missing, or one without an `entityID`.
    Malformed,
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
    pub fn code(&self) -> Code {
        match self {
            Self::HtmlInsteadOfXml => Code::HtmlInsteadOfXml,
            Self::IsSpMetadata => Code::IsSpMetadata,
            Self::KeyWeak => Code::KeyWeak,
            Self::Malformed => Code::MetadataMalformed,
            Self::NoIdpRole => Code::NoIdpRole,
            Self::NoSigningKey => Code::NoSigningKey,
            Self::NoSsoEndpoint => Code::NoSsoEndpoint,
            Self::SeveralEntities(_) => Code::SeveralEntities,
            Self::TooManyCertificates => Code::TooManyCertificates,
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
            Self::Malformed => f.write_str("expected an EntityDescriptor with an entityID, found something else"),
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

/// An `EntityDescriptor` (SAML Metadata 2.3.2), read for people to look at and as far as it concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its `entityID`, as it stands.
    pub entity_id: String,
    /// Its roles as an identity provider, in document order.
    pub identity_providers: Vec<IdpRole>,
    /// Whether it has a role as a service provider.
    pub is_service_provider: bool,
}

/// An `IDPSSODescriptor` (SAML Metadata 2.4.3). Nothing in it was checked, unless said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpRole {
    /// Whether it speaks SAML 2.0.
    pub supports_saml2: bool,
    /// Where sign-ins begin, in document order.
    pub single_sign_on: Vec<Service>,
    /// Where sign-outs go, in document order.
    pub single_logout: Vec<Service>,
    /// Its certificates, in document order.
    pub certificates: Vec<RoleCertificate>,
    /// `WantAuthnRequestsSigned`; absent means no.
    pub wants_signed_requests: Option<String>,
}

/// An endpoint as it is written (SAML Metadata 2.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The binding's identifier.
    pub binding: String,
    /// Where it is.
    pub location: String,
    /// Where responses go, if not there too.
    pub response_location: Option<String>,
}

/// A certificate of a `KeyDescriptor` (SAML Metadata 2.4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleCertificate {
    /// What it is for.
    pub usage: KeyUsage,
    /// The certificate, or why it is unreadable.
    pub certificate: Result<Certificate, dsig::Error>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsage {
    /// `use` is absent: for signing and for encryption.
    Both,
    /// Encryption alone, or something that we don't know.
    Encryption,
    /// Signing alone.
    Signing,
}

impl RoleCertificate {
    /// Whether signatures may be checked with it.
    #[must_use]
    pub fn signs(&self) -> bool {
        matches!(self.usage, KeyUsage::Both | KeyUsage::Signing)
    }
}

/// Lists every entity that metadata describes, also those inside of nested `EntitiesDescriptor`s, in document order.
///
/// For people to look at: nothing is refused but what cannot be read. The metadata's own signature and its `validUntil`
/// are not looked at.
///
/// # Errors
/// [`MetadataError::HtmlInsteadOfXml`], [`MetadataError::Malformed`] or [`MetadataError::Xml`].
pub fn read_entities(octets: &[u8]) -> Result<Vec<Entity>, MetadataError> {
    let unreadable = |error: xml::Error| {
        if looks_like_html(octets) {
            MetadataError::HtmlInsteadOfXml
        } else {
            error.into()
        }
    };
    let source = Source::check(octets, Profile::Metadata).map_err(unreadable)?;
    let document = Document::parse(&source).map_err(unreadable)?;
    let root = document.root();
    if root.local_name().eq_ignore_ascii_case("html") {
        return Err(MetadataError::HtmlInsteadOfXml);
    }
    if !root.is(MD, "EntityDescriptor") && !root.is(MD, "EntitiesDescriptor") {
        return Err(MetadataError::Malformed);
    }
    // One inside of an extension or of another entity describes nobody.
    let is_listed = |entity: &Element<'_>| {
        let mut around = core::iter::successors(entity.parent(), |element| element.parent());
        entity.is(MD, "EntityDescriptor") && around.all(|element| element.is(MD, "EntitiesDescriptor"))
    };
    document.elements().filter(is_listed).map(Entity::read).collect()
}

/// Reads the one identity provider that metadata describes.
///
/// The metadata's own signature is not looked at: it is trusted for where it came from.
///
/// # Errors
/// [`MetadataError`].
pub fn read_identity_provider(octets: &[u8]) -> Result<IdentityProvider, MetadataError> {
    let entities = read_entities(octets)?;
    let roles = |entity| Entity::saml2_roles(entity).map(move |role| (entity, role));
    let identity_providers: Vec<(&Entity, &IdpRole)> = entities.iter().flat_map(roles).collect();
    match identity_providers.as_slice() {
        [(entity, role)] => usable(entity, role),
        [] if entities.iter().any(|entity| entity.is_service_provider) => Err(MetadataError::IsSpMetadata),
        [] => Err(MetadataError::NoIdpRole),
        several => {
            let ids = several.iter().map(|(entity, _)| &entity.entity_id);
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

impl Entity {
    fn read(entity: Element<'_>) -> Result<Self, MetadataError> {
        let roles = entity.children().filter(|role| role.is(MD, "IDPSSODescriptor"));
        Ok(Self {
            entity_id: entity.attribute("entityID").ok_or(MetadataError::Malformed)?.to_owned(),
            identity_providers: roles.map(IdpRole::read).collect(),
            is_service_provider: entity.children().any(|role| role.is(MD, "SPSSODescriptor")),
        })
    }

    fn saml2_roles(&self) -> impl Iterator<Item = &IdpRole> {
        self.identity_providers.iter().filter(|role| role.supports_saml2)
    }
}

impl IdpRole {
    fn read(role: Element<'_>) -> Self {
        let services = |name: &'static str| {
            let services = role.children().filter(move |service| service.is(MD, name));
            services.filter_map(Service::read).collect()
        };
        let keys = role.children().filter(|key| key.is(MD, "KeyDescriptor"));
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        Self {
            supports_saml2: protocols.split_ascii_whitespace().any(|protocol| protocol == SAMLP),
            single_sign_on: services("SingleSignOnService"),
            single_logout: services("SingleLogoutService"),
            certificates: keys.flat_map(RoleCertificate::read).collect(),
            wants_signed_requests: role.attribute("WantAuthnRequestsSigned").map(ToOwned::to_owned),
        }
    }
}

impl Service {
    fn read(service: Element<'_>) -> Option<Self> {
        Some(Self {
            binding: service.attribute("Binding")?.to_owned(),
            location: service.attribute("Location")?.to_owned(),
            response_location: service.attribute("ResponseLocation").map(ToOwned::to_owned),
        })
    }

    /// The endpoint, if it is one to which a browser can be sent.
    fn endpoint(&self) -> Option<Endpoint> {
        let binding = match self.binding.as_str() {
            REDIRECT => Binding::Redirect,
            POST => Binding::Post,
            _ => return None,
        };
        Some(Endpoint {
            binding,
            url: EndpointUrl::parse(&self.location).ok()?,
        })
    }

    /// The same for logout. One whose `ResponseLocation` is no such address is none: half of it would not work.
    fn logout_endpoint(&self) -> Option<LogoutEndpoint> {
        let Endpoint { binding, url } = self.endpoint()?;
        let response_url = self.response_location.as_deref().map(EndpointUrl::parse);
        Some(LogoutEndpoint {
            binding,
            url,
            response_url: response_url.transpose().ok()?,
        })
    }
}

impl RoleCertificate {
    fn read(key: Element<'_>) -> impl Iterator<Item = Self> {
        let usage = match key.attribute("use") {
            None => KeyUsage::Both,
            Some("signing") => KeyUsage::Signing,
            Some(_) => KeyUsage::Encryption,
        };
        let certificates = key.descendants().filter(|element| element.is(DS, "X509Certificate"));
        certificates.map(move |certificate| Self {
            usage,
            certificate: certificate
                .text()
                .map_err(|_| dsig::Error::CertificateMalformed)
                .and_then(|text| Certificate::read(text.as_bytes())),
        })
    }
}

/// The identity provider of `role`, if users can be sent there and its signatures be checked.
fn usable(entity: &Entity, role: &IdpRole) -> Result<IdentityProvider, MetadataError> {
    let entity_id = EntityId::parse(&entity.entity_id).map_err(|_| MetadataError::NoIdpRole)?;
    let single_sign_on: Vec<Endpoint> = role.single_sign_on.iter().filter_map(Service::endpoint).collect();
    if single_sign_on.is_empty() {
        return Err(MetadataError::NoSsoEndpoint);
    }
    let (mut certificates, mut unusable): (Vec<StoredCertificate>, bool) = (Vec::new(), false);
    for key in role.certificates.iter().filter(|key| key.signs()) {
        match &key.certificate {
            Ok(certificate) if certificate.key(RsaFloor::Standard).is_ok() => {
                let stored = StoredCertificate::of(certificate);
                if !certificates.contains(&stored) {
                    certificates.push(stored);
                }
            }
            _ => unusable = true,
        }
    }
    match certificates.len() {
        0 if unusable => Err(MetadataError::KeyWeak),
        0 => Err(MetadataError::NoSigningKey),
        n if n > MAX_CERTIFICATES_PER_CONNECTION => Err(MetadataError::TooManyCertificates),
        _ => Ok(IdentityProvider {
            entity_id,
            single_sign_on,
            single_logout: role.single_logout.iter().filter_map(Service::logout_endpoint).collect(),
            certificates,
            metadata_url: None,
            wants_requests_signed: role
                .wants_signed_requests
                .as_deref()
                .is_some_and(|value| matches!(value.trim(), "true" | "1")),
        }),
    }
}

/// Our metadata for one connection (SAML Metadata 2.4.4). `signing_keys` are those that sign its messages now, next or
/// before; there are none when nothing is signed. To `encryption_key` its assertions may be encrypted.
#[must_use]
pub fn write_service_provider(
    service_provider: &ServiceProvider,
    signed_requests: bool,
    signing_keys: &[PublicKey],
    encryption_key: Option<&PublicKey>,
) -> String {
    let mut writer = Writer::new();
    writer
        .start("md:EntityDescriptor")
        .attribute("xmlns:md", MD)
        .attribute("entityID", &service_provider.entity_id);
    writer
        .start("md:SPSSODescriptor")
        .attribute("AuthnRequestsSigned", if signed_requests { "true" } else { "false" })
        .attribute("WantAssertionsSigned", "true")
        .attribute("protocolSupportEnumeration", SAMLP);
    for key in signing_keys {
        start_key_descriptor(&mut writer, key, "signing");
        writer.end();
    }
    if let Some(key) = encryption_key {
        start_key_descriptor(&mut writer, key, "encryption");
        write_encryption_methods(&mut writer);
        writer.end();
    }
    for binding in [REDIRECT, POST] {
        writer
            .start("md:SingleLogoutService")
            .attribute("Binding", binding)
            .attribute("Location", &service_provider.slo_url)
            .end();
    }
    writer
        .start("md:AssertionConsumerService")
        .attribute("Binding", POST)
        .attribute("Location", &service_provider.acs_url)
        .attribute("index", "0")
        .attribute("isDefault", "true")
        .end();
    writer.finish()
}

/// A `KeyDescriptor` with its `KeyInfo`, left open.
fn start_key_descriptor(writer: &mut Writer, key: &PublicKey, usage: &str) {
    writer.start("md:KeyDescriptor").attribute("use", usage);
    writer.start("ds:KeyInfo").attribute("xmlns:ds", DS);
    writer.start("ds:X509Data");
    writer.leaf("ds:X509Certificate", key.certificate.as_base64());
    writer.end().end();
}

/// What an identity provider that reads this chooses from. We read more than that: see [`crate::xmlenc`].
///
/// Of key transports only the older RSA-OAEP, with its digest said. Left to choose, some take SHA-256 for the label and
/// SHA-1 for the mask, which WebCrypto cannot undo; and the element that would settle the mask for the newer identifier
/// (`xenc11:MGF`) is not in the schema of metadata, so that whoever validates ours would refuse it.
fn write_encryption_methods(writer: &mut Writer) {
    for content in [AES256_GCM, AES128_GCM] {
        writer.start("md:EncryptionMethod").attribute("Algorithm", content);
        writer.end();
    }
    let transport = writer.start("md:EncryptionMethod");
    transport.attribute("Algorithm", RSA_OAEP_MGF1P);
    let digest = transport.start("ds:DigestMethod").attribute("xmlns:ds", DS);
    digest.attribute("Algorithm", SHA1).end().end();
}
