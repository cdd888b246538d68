//! Metadata (SAML Metadata 2): the identity provider's in, ours out.

use core::fmt;
use std::collections::BTreeSet;

use memchr::memmem;

use super::connection::{Binding, Endpoint, IdentityProvider, LogoutEndpoint, ServiceProvider, StoredCertificate};
use super::id::{EndpointUrl, EntityId};
use super::service_keys::PublicKey;
use super::time::Timestamp;
use crate::code::Code;
use crate::dsig::{self, Certificate, RsaFloor};
use crate::limits::{
    MAX_CERTIFICATES_LOOKED_AT, MAX_CERTIFICATES_PER_CONNECTION, MAX_ENDPOINTS_PER_SERVICE, MAX_LISTED,
    MAX_LISTED_CHARACTERS,
};
use crate::xml::names::{AES128_GCM, AES256_GCM, DS, MD, RSA_OAEP_MGF1P, SAMLP, SHA1};
use crate::xml::{self, Document, Element, Profile, Source, Writer};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// What the bindings' identifiers begin with (SAML Bindings 3).
const BINDINGS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:";

/// Why metadata cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// It does not describe the identity provider that was asked for, but others; their entity IDs.
    EntityMissing(Listed),
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
    /// It has no single sign-on endpoint with the HTTP-Redirect or HTTP-POST binding at an `https` address; those that it
    /// has.
    NoSsoEndpoint(Listed),
    /// It describes several identity providers; their entity IDs.
    SeveralEntities(Listed),
    /// It has more signing certificates than a connection keeps.
    TooManyCertificates,
    /// It is not acceptable XML.
    Xml(xml::Error),
}

/// Texts out of metadata for people to read: the first few, not all of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    texts: Vec<String>,
    more: usize,
}

impl Listed {
    fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut texts = texts.into_iter();
        Self {
            texts: texts.by_ref().take(MAX_LISTED).map(|text| shortened(&text)).collect(),
            more: texts.count(),
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.texts.as_slice() {
            [] => f.write_str("none")?,
            texts => f.write_str(&texts.join(", "))?,
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_LISTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl MetadataError {
    /// No endpoint of `idp` may be used here.
    #[must_use]
    pub fn no_endpoint_of(idp: &IdentityProvider) -> Self {
        let shown = |endpoint: &Endpoint| match endpoint.binding {
            Binding::Post => format!("HTTP-POST at {}", endpoint.url),
            Binding::Redirect => format!("HTTP-Redirect at {}", endpoint.url),
        };
        no_sso_endpoint(idp.single_sign_on.iter().map(shown))
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::HtmlInsteadOfXml => Code::HtmlInsteadOfXml,
            Self::IsSpMetadata => Code::IsSpMetadata,
            Self::KeyWeak => Code::KeyWeak,
            Self::Malformed => Code::MetadataMalformed,
            Self::EntityMissing(_) | Self::NoIdpRole => Code::NoIdpRole,
            Self::NoSigningKey => Code::NoSigningKey,
            Self::NoSsoEndpoint(_) => Code::NoSsoEndpoint,
            Self::SeveralEntities(_) => Code::SeveralEntities,
            Self::TooManyCertificates => Code::TooManyCertificates,
            Self::Xml(error) => super::reject::xml_code(*error),
        }
    }
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EntityMissing(ids) => {
                write!(f, "expected the identity provider that was asked for, found others: {ids}")
            }
            Self::HtmlInsteadOfXml => f.write_str("expected metadata, found an HTML page; the URL may need a sign-in"),
            Self::IsSpMetadata => f.write_str("expected an identity provider's metadata, found a service provider's"),
            Self::KeyWeak => {
                f.write_str("expected a signing key of RSA with 2048 to 4096 bits or P-256, P-384 or P-521, found none")
            }
            Self::Malformed => f.write_str("expected an EntityDescriptor with an entityID, found something else"),
            Self::NoIdpRole => f.write_str("expected an IDPSSODescriptor for SAML 2.0, found none"),
            Self::NoSigningKey => f.write_str("expected a certificate for signing, found none"),
            Self::NoSsoEndpoint(found) => write!(
                f,
                "expected a SingleSignOnService with the HTTP-Redirect or HTTP-POST binding at an https address, which must be \
                 enabled at the identity provider; found {found}"
            ),
            Self::SeveralEntities(ids) => write!(f, "expected one identity provider, found several: {ids}"),
            Self::TooManyCertificates => {
                write!(
                    f,
                    "expected at most {MAX_CERTIFICATES_PER_CONNECTION} signing certificates, found more"
                )
            }
            Self::Xml(xml::Error::EncodingInvalid | xml::Error::EncodingUnsupported) => f.write_str(
                "expected UTF-8, or UTF-16 with a byte order mark, with no other encoding declared; found another encoding",
            ),
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
    /// Until when this is valid (`validUntil`), the `EntitiesDescriptor`s around it included; none when nothing is said.
    pub valid_until: Option<Timestamp>,
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
    /// Until when the role alone is valid (`validUntil`).
    pub valid_until: Option<Timestamp>,
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
/// For people to look at: nothing is refused but what cannot be read. The metadata's own signature is not looked at.
///
/// # Errors
/// [`MetadataError::HtmlInsteadOfXml`], [`MetadataError::Malformed`] or [`MetadataError::Xml`].
pub fn read_entities(octets: &[u8]) -> Result<Vec<Entity>, MetadataError> {
    entities(Source::check(octets, Profile::Metadata), octets)
}

/// The entities of `source`, which was read from `octets`.
fn entities(source: Result<Source<'_>, xml::Error>, octets: &[u8]) -> Result<Vec<Entity>, MetadataError> {
    let unreadable = |error: xml::Error| {
        if looks_like_html(octets) {
            MetadataError::HtmlInsteadOfXml
        } else {
            error.into()
        }
    };
    let source = source.map_err(unreadable)?;
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

/// Reads the one identity provider that metadata describes, or the one that is `wanted` of several.
///
/// The metadata's own signature is not looked at: it is trusted for where it came from. An end of its validity is kept and
/// decides nothing.
///
/// # Errors
/// [`MetadataError`].
pub fn read_identity_provider(octets: &[u8], wanted: Option<&EntityId>) -> Result<IdentityProvider, MetadataError> {
    chosen(&read_entities(octets)?, wanted)
}

/// The same from text that somebody pasted, whose declaration may name the encoding that its file once had.
///
/// # Errors
/// [`MetadataError`].
pub fn read_pasted_identity_provider(text: &str, wanted: Option<&EntityId>) -> Result<IdentityProvider, MetadataError> {
    let source = Source::check_text(text, Profile::Metadata);
    chosen(&entities(source, text.as_bytes())?, wanted)
}

fn chosen(entities: &[Entity], wanted: Option<&EntityId>) -> Result<IdentityProvider, MetadataError> {
    let roles = |entity| Entity::saml2_roles(entity).map(move |role| (entity, role));
    let all: Vec<(&Entity, &IdpRole)> = entities.iter().flat_map(roles).collect();
    let is_wanted = |entity: &Entity| wanted.is_none_or(|wanted| wanted.as_str() == entity.entity_id);
    let mut matching = all.iter().filter(|(entity, _)| is_wanted(entity));
    let ids = || {
        let mut ids: Vec<String> = all.iter().map(|(entity, _)| entity.entity_id.clone()).collect();
        ids.dedup();
        Listed::of(ids)
    };
    match (matching.next(), matching.next()) {
        (Some((entity, role)), None) => usable(entity, role),
        (Some(_), Some(_)) => Err(MetadataError::SeveralEntities(ids())),
        (None, _) if !all.is_empty() => Err(MetadataError::EntityMissing(ids())),
        (None, _) if entities.iter().any(|entity| entity.is_service_provider) => Err(MetadataError::IsSpMetadata),
        (None, _) => Err(MetadataError::NoIdpRole),
    }
}

/// Whether it is a page of HTML: what it begins with, after a mark, white space, declarations and comments.
fn looks_like_html(octets: &[u8]) -> bool {
    let mut rest = octets
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(octets)
        .trim_ascii_start();
    while let Some(end) = [(b"<?".as_slice(), b"?>".as_slice()), (b"<!--", b"-->")]
        .into_iter()
        .find(|(start, _)| rest.starts_with(start))
        .map(|(_, end)| end)
    {
        let Some(at) = memmem::find(rest, end) else {
            return false;
        };
        rest = rest
            .get(at.saturating_add(end.len())..)
            .unwrap_or_default()
            .trim_ascii_start();
    }
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|start| {
        let found = rest.get(..start.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
    })
}

/// `validUntil` of one element. One that is unreadable is none, as it decides nothing.
fn valid_until(element: &Element<'_>) -> Option<Timestamp> {
    Timestamp::parse_xs_date_time(element.attribute("validUntil")?.trim())
}

impl Entity {
    fn read(entity: Element<'_>) -> Result<Self, MetadataError> {
        let roles = entity.children().filter(|role| role.is(MD, "IDPSSODescriptor"));
        Ok(Self {
            entity_id: entity.attribute("entityID").ok_or(MetadataError::Malformed)?.to_owned(),
            identity_providers: roles.map(IdpRole::read).collect(),
            is_service_provider: entity.children().any(|role| role.is(MD, "SPSSODescriptor")),
            valid_until: {
                let itself_and_around = core::iter::successors(Some(entity), |element| element.parent());
                itself_and_around.filter_map(|element| valid_until(&element)).min()
            },
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
            valid_until: valid_until(&role),
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

    /// Its binding and address for people to read.
    fn shown(&self) -> String {
        let binding = self.binding.strip_prefix(BINDINGS).unwrap_or(&self.binding);
        format!("{} at {}", shortened(binding), self.location)
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
    let entity_id = EntityId::parse(&entity.entity_id).map_err(|_| MetadataError::Malformed)?;
    let single_sign_on = role.single_sign_on.iter().filter_map(Service::endpoint);
    let single_sign_on: Vec<Endpoint> = single_sign_on.take(MAX_ENDPOINTS_PER_SERVICE).collect();
    let single_logout = role.single_logout.iter().filter_map(Service::logout_endpoint);
    if single_sign_on.is_empty() {
        return Err(no_sso_endpoint(role.single_sign_on.iter().map(Service::shown)));
    }
    let (mut certificates, mut left_out): (Vec<StoredCertificate>, usize) = (Vec::new(), 0);
    let mut seen = BTreeSet::new();
    for key in role.certificates.iter().filter(|key| key.signs()) {
        let certificate = key.certificate.as_ref().ok();
        if certificate.is_some_and(|certificate| !seen.insert(certificate.der())) {
            continue;
        }
        if seen.len() > MAX_CERTIFICATES_LOOKED_AT {
            return Err(MetadataError::TooManyCertificates);
        }
        match certificate {
            Some(certificate) if certificate.key(RsaFloor::Standard).is_ok() => {
                certificates.push(StoredCertificate::of(certificate));
            }
            _ => left_out = left_out.saturating_add(1),
        }
    }
    match certificates.len() {
        0 if left_out > 0 => Err(MetadataError::KeyWeak),
        0 => Err(MetadataError::NoSigningKey),
        n if n > MAX_CERTIFICATES_PER_CONNECTION => Err(MetadataError::TooManyCertificates),
        _ => Ok(IdentityProvider {
            entity_id,
            single_sign_on,
            single_logout: single_logout.take(MAX_ENDPOINTS_PER_SERVICE).collect(),
            certificates,
            metadata_url: None,
            wants_requests_signed: role
                .wants_signed_requests
                .as_deref()
                .is_some_and(|value| matches!(value.trim(), "true" | "1")),
            valid_until: [entity.valid_until, role.valid_until].into_iter().flatten().min(),
            certificates_left_out: left_out,
        }),
    }
}

fn no_sso_endpoint(found: impl IntoIterator<Item = String>) -> MetadataError {
    MetadataError::NoSsoEndpoint(Listed::of(found))
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
