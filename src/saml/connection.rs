//! A connection: what joins one customer's identity provider to e-mail domains, and the values we hand to that
//! customer.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::domains::DomainRule;
use super::id::{ConnectionId, Domain, EndpointUrl, EntityId, Invalid};
use super::service_keys::{PublicKey, current};
use super::settings::{
    IdpInitiated, RequestSettings, ResponseSettings, RoutingSettings, SessionSettings, SignRequests,
};
use super::time::Timestamp;
use crate::dsig::{Certificate, RsaFloor, TrustedKey};

/// The public origin of a deployment, such as `https://app.example.com`, from its configuration.
///
/// Every URL that is handed out or compared is built from it; the `Host` header never is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// Reads an origin: `https`, or `http` on a loopback host; no path, query or fragment.
    ///
    /// # Errors
    /// [`Invalid`], saying what was expected.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const EXPECTED: Invalid = Invalid("expected an origin such as https://app.example.com");
        let url = EndpointUrl::parse(text).map_err(|_| EXPECTED)?;
        let origin = url.as_str().strip_suffix('/').ok_or(EXPECTED)?;
        let host = origin.split_once("://").ok_or(EXPECTED)?.1;
        if host.contains(['/', '?', '#']) {
            return Err(EXPECTED);
        }
        Ok(Self(origin.to_owned()))
    }

    /// The origin without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kind of identity provider; decides names and hints shown to people, and two documented leniencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Any other SAML 2.0 identity provider.
    Custom,
    /// Microsoft Entra ID; its audience may be written with `spn:` in front.
    Entra,
    /// Google Workspace.
    Google,
    /// Okta Workforce.
    Okta,
}

impl Provider {
    /// The parameter of the sign-on URL that fills in the user's name. SAML has none; Entra ID and Google Workspace document
    /// `login_hint`, and Okta reads `LoginHint`.
    #[must_use]
    pub fn login_hint_parameter(self) -> &'static str {
        match self {
            Self::Okta => "LoginHint",
            Self::Custom | Self::Entra | Self::Google => "login_hint",
        }
    }
}

/// Whether a connection signs users in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody is signed in through it.
    Disabled,
    /// Users of its domains are sent to its identity provider.
    Enabled,
}

/// The binding by which a message travels (SAML Bindings 3.4, 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// HTTP-POST: an HTML form.
    Post,
    /// HTTP-Redirect: a deflated query parameter.
    Redirect,
}

/// An endpoint of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SingleSignOnEndpoint"))]
pub struct Endpoint {
    /// By which binding it is reached.
    pub binding: Binding,
    /// Where.
    pub url: EndpointUrl,
}

/// A single logout endpoint of an identity provider (SAML Metadata 2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogoutEndpoint {
    /// By which binding it is reached.
    pub binding: Binding,
    /// Where requests go.
    pub url: EndpointUrl,
    /// Where responses go, if not there too.
    pub response_url: Option<EndpointUrl>,
}

impl LogoutEndpoint {
    /// Where responses go.
    #[must_use]
    pub fn for_responses(&self) -> &EndpointUrl {
        self.response_url.as_ref().unwrap_or(&self.url)
    }
}

/// A certificate kept with a connection: base64 of its DER octets. Its key is checked each time it is used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredCertificate(String);

impl StoredCertificate {
    /// Keeps the certificate's octets.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self(crate::dsig::base64::encode(certificate.der()))
    }

    /// Base64 of its DER octets, as metadata has it.
    #[must_use]
    pub fn as_base64(&self) -> &str {
        &self.0
    }

    /// Reads the certificate again.
    ///
    /// # Errors
    /// What [`Certificate::read`] says when the stored text is not a certificate.
    pub fn certificate(&self) -> Result<Certificate, crate::dsig::Error> {
        Certificate::read(self.0.as_bytes())
    }

    /// The key in it, without reading the rest of the certificate: every sign-in asks for it.
    ///
    /// # Errors
    /// What [`TrustedKey::from_certificate`] says.
    pub fn key(&self) -> Result<TrustedKey, crate::dsig::Error> {
        TrustedKey::from_certificate(&crate::dsig::base64::decode(&self.0)?, RsaFloor::Standard)
    }
}

impl fmt::Debug for StoredCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredCertificate(..)")
    }
}

/// What is known of the customer's identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its entity ID: what its messages must name as Issuer.
    pub entity_id: EntityId,
    /// Its single sign-on endpoints, at least one.
    pub single_sign_on: Vec<Endpoint>,
    /// Its single logout endpoints; none when it offers no single logout.
    #[serde(default)]
    pub single_logout: Vec<LogoutEndpoint>,
    /// The certificates whose keys may sign; at least one with a usable key.
    pub certificates: Vec<StoredCertificate>,
    /// Where its metadata was fetched, if it was fetched.
    pub metadata_url: Option<EndpointUrl>,
    /// Whether it asks for signed requests (`WantAuthnRequestsSigned`, SAML Metadata 2.4.3).
    #[serde(default)]
    pub wants_requests_signed: bool,
    /// Until when its metadata is valid by its own word (`validUntil`, SAML Metadata 2.3); decides nothing.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// How many of its signing certificates were left out, because they or their keys are not usable.
    #[serde(default)]
    pub certificates_left_out: usize,
}

impl IdentityProvider {
    /// One that was described by hand.
    #[must_use]
    pub fn typed(
        entity_id: EntityId,
        url: EndpointUrl,
        binding: Binding,
        certificates: Vec<StoredCertificate>,
    ) -> Self {
        Self {
            entity_id,
            single_sign_on: vec![Endpoint { binding, url }],
            single_logout: Vec::new(),
            certificates,
            metadata_url: None,
            wants_requests_signed: false,
            valid_until: None,
            certificates_left_out: 0,
        }
    }

    /// The keys that may sign. Certificates whose key is not usable are left out; without any key nobody signs in.
    #[must_use]
    pub fn keys(&self) -> Vec<TrustedKey> {
        self.certificates.iter().filter_map(|c| c.key().ok()).collect()
    }

    /// The endpoint to which a browser is sent: Redirect before POST.
    #[must_use]
    pub fn sign_on_endpoint(&self) -> Option<&Endpoint> {
        let by = |binding| self.single_sign_on.iter().find(move |e| e.binding == binding);
        by(Binding::Redirect).or_else(|| by(Binding::Post))
    }

    /// The endpoint for logout messages: by the binding that is preferred, or else by the other.
    #[must_use]
    pub fn logout_endpoint(&self, preferred: Binding) -> Option<&LogoutEndpoint> {
        let found = self.single_logout.iter().find(|e| e.binding == preferred);
        found.or_else(|| self.single_logout.first())
    }
}

/// A connection as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// Counts the changes; a sign-in that was checked against an older generation is checked again.
    pub generation: u64,
    /// Shown to people.
    pub name: String,
    /// The kind of identity provider.
    pub provider: Provider,
    /// Whether it signs users in.
    pub state: State,
    /// The e-mail domains of its users.
    pub domains: Vec<Domain>,
    /// The vendor's own identifier of the customer.
    pub organization: Option<String>,
    /// An entity ID to use in place of our own, for customers who come from another service provider.
    pub sp_entity_id: Option<EntityId>,
    /// Which sign-ins are led to it.
    #[serde(default)]
    pub routing: RoutingSettings,
    /// What our requests ask for.
    #[serde(default)]
    pub requests: RequestSettings,
    /// What its responses may and must be.
    #[serde(default)]
    pub responses: ResponseSettings,
    /// How long its sessions last.
    #[serde(default)]
    pub sessions: SessionSettings,
    /// The keys to which its assertions are encrypted; at least one when it decrypts.
    #[serde(default)]
    pub decryption_keys: Vec<PublicKey>,
    /// The identity provider, once its metadata was saved.
    pub identity_provider: Option<IdentityProvider>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Connection {
    /// The domains whose addresses its users have.
    #[must_use]
    pub fn domain_rule(&self) -> DomainRule<'_> {
        DomainRule::new(&self.domains, self.routing.subdomains())
    }

    /// Our values for this connection: what the customer enters at the identity provider.
    #[must_use]
    pub fn service_provider(&self, origin: &PublicOrigin) -> ServiceProvider {
        let base = format!("{}/sso/saml/{}", origin.as_str(), self.id);
        ServiceProvider {
            entity_id: self
                .sp_entity_id
                .as_ref()
                .map_or_else(|| base.clone(), ToString::to_string),
            acs_url: format!("{base}/acs"),
            metadata_url: format!("{base}/metadata"),
            slo_url: format!("{base}/slo"),
        }
    }

    /// What becomes of a response that answers no request. It asks for no authentication, so where each has to be new, the
    /// request of a sign-in of ours must.
    #[must_use]
    pub fn idp_initiated(&self) -> IdpInitiated {
        match self.responses.idp_initiated {
            IdpInitiated::Direct if self.requests.force_authn => IdpInitiated::Bounce,
            set => set,
        }
    }

    /// The key to which its identity provider may encrypt, as our metadata announces it; nothing when it does not decrypt.
    #[must_use]
    pub fn encryption_key(&self) -> Option<&PublicKey> {
        let key = current(&self.decryption_keys);
        key.filter(|_| self.responses.decrypt_assertions)
    }

    /// Whether anything that we send to its identity provider is signed; logout messages always are (SAML Profiles 4.4.4.1).
    #[must_use]
    pub fn signs_anything(&self) -> bool {
        let offers_logout = |idp: &IdentityProvider| !idp.single_logout.is_empty();
        self.signs_requests() || self.identity_provider.as_ref().is_some_and(offers_logout)
    }

    /// Whether our requests for sign-ins are signed.
    #[must_use]
    pub fn signs_requests(&self) -> bool {
        match self.requests.sign_requests {
            SignRequests::Always => true,
            SignRequests::Auto => self
                .identity_provider
                .as_ref()
                .is_some_and(|idp| idp.wants_requests_signed),
            SignRequests::Never => false,
        }
    }
}

/// The service provider's side of one connection (SAML Metadata 2.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceProvider {
    /// Our entity ID; what assertions must name as Audience.
    pub entity_id: String,
    /// Where responses must be sent: the assertion consumer service.
    pub acs_url: String,
    /// Where our metadata is.
    pub metadata_url: String,
    /// Where logout messages must be sent: the single logout service.
    pub slo_url: String,
}
