//! The admin API for a connection's metadata: fetch or paste it, save it or only see what it would change, how fetching it went,
//! and what waits for approval.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::App;
use super::api::read_body;
use super::connections::{MetadataBody, MetadataPreview, refused, saved};
use super::error::ApiError;
use super::http::{Request, Response, field, json};
use super::ports::Ports;
use super::principal::Principal;
use super::registry::Refusal;
use super::registry::refresh::{DecideHeld, Decision, HeldMetadata, ReadHeld, ReadRefresh, RefreshState};
use super::view::IdentityProviderView;
use crate::saml::certificate::CertificateSummary;
use crate::saml::id::{ConnectionId, EndpointUrl};
use crate::saml::idp_diff::{self, changes};
use crate::saml::idp_refresh::{HoldReason, MissingCertificate};
use crate::saml::time::Timestamp;

/// How fetching metadata again went, as the API shows it.
#[derive(Serialize)]
struct RefreshView<'a> {
    metadata_url: &'a EndpointUrl,
    next_at: String,
    attempted_at: Option<String>,
    succeeded_at: Option<String>,
    error: Option<FailureView<'a>>,
    missing_certificates: Vec<MissingView>,
    waits_for_approval: bool,
}

#[derive(Serialize)]
struct FailureView<'a> {
    code: &'a str,
    message: &'a str,
}

/// A certificate that is not announced any more.
#[derive(Serialize)]
struct MissingView {
    #[serde(flatten)]
    certificate: CertificateSummary,
    missing_since: String,
    retired_at: String,
}

impl<'a> RefreshView<'a> {
    fn of(state: &'a RefreshState, held: Option<&HeldMetadata>) -> Self {
        let text = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
        let missing = |missing: &MissingCertificate| {
            Some(MissingView {
                certificate: CertificateSummary::of(&missing.certificate)?,
                missing_since: missing.since.to_rfc3339(),
                retired_at: missing.retired_at().to_rfc3339(),
            })
        };
        Self {
            metadata_url: &state.metadata_url,
            next_at: state.next_at.to_rfc3339(),
            attempted_at: text(state.attempted_at),
            succeeded_at: text(state.succeeded_at),
            error: state.failure.as_ref().map(|failure| FailureView {
                code: &failure.code,
                message: &failure.detail,
            }),
            missing_certificates: state.missing.iter().filter_map(missing).collect(),
            waits_for_approval: held.is_some(),
        }
    }
}

impl<P: Ports> App<P> {
    /// `GET, POST /connections/{id}/metadata`.
    pub(super) async fn answer_metadata(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Preview<'a> {
            diff: &'a [idp_diff::Change],
            identity_provider: IdentityProviderView<'a>,
        }
        if request.method() != Method::POST {
            return self.show_refresh(id).await;
        }
        let body: MetadataBody = read_body(request)?;
        if !body.preview {
            return Ok(self.show(&self.save_metadata(id, body, caller.actor()).await?));
        }
        let MetadataPreview { diff, found } = &self.preview_metadata(id, &body).await?;
        let preview = Preview {
            diff,
            identity_provider: IdentityProviderView::of(found),
        };
        Ok(json(StatusCode::OK, &preview))
    }

    /// How fetching the metadata again went; `refresh` is `null` where it was not fetched.
    async fn show_refresh(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            refresh: Option<RefreshView<'a>>,
        }
        self.existing(id).await?;
        let state = self.ports.registry(ReadRefresh { id: id.clone() }).await?.reply;
        let held = self.ports.registry(ReadHeld { id: id.clone() }).await?.reply;
        let refresh = state.as_ref().map(|state| RefreshView::of(state, held.as_ref()));
        Ok(json(StatusCode::OK, &Body { refresh }))
    }

    /// `GET, DELETE /connections/{id}/held-metadata` and `POST …/approve`.
    pub(super) async fn answer_held_metadata(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Approval {
            version: String,
        }
        let (version, decision) = match *request.method() {
            Method::POST => (read_body::<Approval>(request)?.version, Decision::Approve),
            Method::DELETE => {
                let query = request.uri().query().unwrap_or_default();
                let version = field(query.as_bytes(), "version").ok().flatten();
                let expected =
                    || ApiError::invalid("version", "expected the version of what is held, once, in the query");
                (version.ok_or_else(expected)?, Decision::Dismiss)
            }
            _ => return self.show_held(id).await,
        };
        let decide = DecideHeld {
            id: id.clone(),
            version,
            decision,
            actor: caller.actor(),
        };
        Ok(self.show(&saved(self.ports.registry(decide).await?)?))
    }

    async fn show_held(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            version: &'a str,
            reasons: &'a [HoldReason],
            found_at: String,
            diff: Vec<idp_diff::Change>,
            identity_provider: IdentityProviderView<'a>,
        }
        let connection = self.existing(id).await?;
        let held = self.ports.registry(ReadHeld { id: id.clone() }).await?.reply;
        let held = held.ok_or_else(|| refused(Refusal::NothingHeld))?;
        let body = Body {
            version: &held.version,
            reasons: &held.reasons,
            found_at: held.found_at.to_rfc3339(),
            diff: changes(connection.identity_provider.as_ref(), &held.found),
            identity_provider: IdentityProviderView::of(&held.found),
        };
        Ok(json(StatusCode::OK, &body))
    }
}
