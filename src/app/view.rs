//! A connection, as the admin API shows it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::App;
use super::description::SettingsFields;
use super::domain_proof::DomainView;
use super::ports::Ports;
use super::registry::proofs::Proof;
use super::registry::tested::{TestResult, TestStatus};
use crate::saml::certificate::CertificateSummary;
use crate::saml::connection::{
    Connection, Endpoint, IdentityProvider, LogoutEndpoint, Provider, ServiceProvider, State,
};
use crate::saml::id::{ConnectionId, Domain, EndpointUrl, EntityId};
use crate::saml::time::Timestamp;
use crate::saml::warning::Warning;

/// A connection, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ConnectionView<'a> {
    id: &'a ConnectionId,
    name: &'a str,
    provider: Provider,
    state: State,
    domains: &'a [Domain],
    /// Which of them are proven, and the records that prove them; none when that cannot be told now.
    domain_proofs: Option<Vec<DomainView>>,
    organization: Option<&'a str>,
    #[serde(flatten)]
    settings: SettingsFields<'a>,
    service_provider: ServiceProvider,
    identity_provider: Option<IdentityProviderView<'a>>,
    warnings: Vec<WarningView>,
    /// How its tests stand; none when that cannot be told now.
    test: Option<TestStatusView>,
    generation: u64,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    updated_at: String,
}

impl ConnectionView<'_> {
    /// Makes it that of a draft, which has to be tested itself.
    pub(super) fn of_draft(&mut self, test_required: bool) {
        if let Some(test) = &mut self.test {
            test.required = test_required;
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct IdentityProviderView<'a> {
    entity_id: &'a EntityId,
    single_sign_on: &'a [Endpoint],
    single_logout: &'a [LogoutEndpoint],
    metadata_url: Option<&'a EndpointUrl>,
    wants_requests_signed: bool,
    signing_certificates: Vec<CertificateSummary>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WarningView {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TestStatusView {
    required: bool,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    last_passed_at: Option<String>,
    last_result: Option<TestResult>,
}

impl<'a> IdentityProviderView<'a> {
    /// What is shown of `idp`.
    pub(super) fn of(idp: &'a IdentityProvider) -> Self {
        Self {
            entity_id: &idp.entity_id,
            single_sign_on: &idp.single_sign_on,
            single_logout: &idp.single_logout,
            metadata_url: idp.metadata_url.as_ref(),
            wants_requests_signed: idp.wants_requests_signed,
            signing_certificates: idp.certificates.iter().filter_map(CertificateSummary::of).collect(),
        }
    }
}

/// What the registry knows of connections besides their records, where it can be told now.
struct Known {
    tests: Option<BTreeMap<ConnectionId, TestStatus>>,
    proofs: Option<BTreeMap<ConnectionId, Vec<Proof>>>,
}

impl<P: Ports> App<P> {
    /// Connections, as the API shows them.
    pub(super) async fn views<'a>(&self, connections: &'a [Connection]) -> Vec<ConnectionView<'a>> {
        let known = self.known(connections).await;
        let view = |connection| self.view_with(connection, &known);
        connections.iter().map(view).collect()
    }

    /// A connection, as the API shows it.
    pub(super) async fn view<'a>(&self, connection: &'a Connection) -> ConnectionView<'a> {
        let known = self.known(core::slice::from_ref(connection)).await;
        self.view_with(connection, &known)
    }

    /// What is known of `connections` besides their records. What was changed is changed, though this cannot be told.
    async fn known(&self, connections: &[Connection]) -> Known {
        let ids: Vec<ConnectionId> = connections.iter().map(|connection| connection.id.clone()).collect();
        Known {
            tests: self.test_statuses(ids.clone()).await.ok(),
            proofs: self.proofs(ids).await.ok(),
        }
    }

    fn view_with<'a>(&self, connection: &'a Connection, known: &Known) -> ConnectionView<'a> {
        let id = &connection.id;
        let test = (known.tests.as_ref()).map(|tests| tests.get(id).copied().unwrap_or_default());
        let proofs = (known.proofs.as_ref()).map(|proofs| proofs.get(id).map_or(&[][..], Vec::as_slice));
        ConnectionView {
            id: &connection.id,
            name: &connection.name,
            provider: connection.provider,
            state: connection.state,
            domains: &connection.domains,
            domain_proofs: proofs.map(|known| DomainView::all(connection, known)),
            organization: connection.organization.as_deref(),
            settings: SettingsFields::of(connection),
            service_provider: connection.service_provider(&self.config.origin),
            identity_provider: connection.identity_provider.as_ref().map(IdentityProviderView::of),
            warnings: Warning::all(connection, self.ports.now())
                .into_iter()
                .chain(self.proof_warnings(connection, proofs.unwrap_or_default()))
                .map(|warning| WarningView {
                    code: warning.code().as_str(),
                    message: warning.to_string(),
                })
                .collect(),
            test: test.map(|test| TestStatusView {
                required: test.required,
                last_passed_at: test.last_passed_at.map(Timestamp::to_rfc3339),
                last_result: test.last_result,
            }),
            generation: connection.generation,
            created_at: connection.created_at.to_rfc3339(),
            updated_at: connection.updated_at.to_rfc3339(),
        }
    }
}
