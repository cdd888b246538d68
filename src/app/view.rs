//! A connection, as the admin API shows it.

use serde::Serialize;

use super::App;
use super::description::SettingsFields;
use super::ports::Ports;
use crate::saml::certificate::CertificateSummary;
use crate::saml::connection::{
    Binding, Connection, Endpoint, IdentityProvider, LogoutEndpoint, Provider, ServiceProvider, State,
};
use crate::saml::id::{ConnectionId, Domain, EndpointUrl, EntityId};
use crate::saml::warning::Warning;

/// A connection, as the API shows it.
#[derive(Serialize)]
pub(super) struct ConnectionView<'a> {
    id: &'a ConnectionId,
    name: &'a str,
    provider: Provider,
    state: State,
    domains: &'a [Domain],
    organization: Option<&'a str>,
    #[serde(flatten)]
    settings: SettingsFields<'a>,
    service_provider: ServiceProvider,
    identity_provider: Option<IdentityProviderView<'a>>,
    warnings: Vec<WarningView>,
    generation: u64,
    created_at: String,
    updated_at: String,
}

/// An identity provider, as the API shows it.
#[derive(Serialize)]
pub(super) struct IdentityProviderView<'a> {
    entity_id: &'a EntityId,
    single_sign_on: Vec<EndpointView<'a>>,
    single_logout: &'a [LogoutEndpoint],
    metadata_url: Option<&'a EndpointUrl>,
    wants_requests_signed: bool,
    signing_certificates: Vec<CertificateSummary>,
}

#[derive(Serialize)]
struct EndpointView<'a> {
    binding: Binding,
    url: &'a EndpointUrl,
}

#[derive(Serialize)]
struct WarningView {
    code: &'static str,
    message: String,
}

impl<'a> IdentityProviderView<'a> {
    /// What is shown of `idp`.
    pub(super) fn of(idp: &'a IdentityProvider) -> Self {
        let endpoint = |endpoint: &'a Endpoint| EndpointView {
            binding: endpoint.binding,
            url: &endpoint.url,
        };
        Self {
            entity_id: &idp.entity_id,
            single_sign_on: idp.single_sign_on.iter().map(endpoint).collect(),
            single_logout: &idp.single_logout,
            metadata_url: idp.metadata_url.as_ref(),
            wants_requests_signed: idp.wants_requests_signed,
            signing_certificates: idp.certificates.iter().filter_map(CertificateSummary::of).collect(),
        }
    }
}

impl<P: Ports> App<P> {
    /// A connection, as the API shows it.
    pub(super) fn view<'a>(&self, connection: &'a Connection) -> ConnectionView<'a> {
        ConnectionView {
            id: &connection.id,
            name: &connection.name,
            provider: connection.provider,
            state: connection.state,
            domains: &connection.domains,
            organization: connection.organization.as_deref(),
            settings: SettingsFields::of(connection),
            service_provider: connection.service_provider(&self.config.origin),
            identity_provider: connection.identity_provider.as_ref().map(IdentityProviderView::of),
            warnings: Warning::all(connection, self.ports.now())
                .iter()
                .map(|warning| WarningView {
                    code: warning.code().as_str(),
                    message: warning.to_string(),
                })
                .collect(),
            generation: connection.generation,
            created_at: connection.created_at.to_rfc3339(),
            updated_at: connection.updated_at.to_rfc3339(),
        }
    }
}
