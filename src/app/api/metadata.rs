//! The admin API for a connection's metadata: fetch or paste it, save it or only see what it would change, how fetching it went,
//! and what waits for approval.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::query::Query;
use super::read_body;
use crate::app::App;
use crate::app::connections::{MetadataBody, MetadataPreview, refused};
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, json};
use crate::app::ports::Ports;
use crate::app::principal::Principal;
use crate::app::registry::Refusal;
use crate::app::registry::refresh::{Decision, HeldMetadata, RefreshState};
use crate::app::view::IdentityProviderView;
use crate::saml::certificate::CertificateSummary;
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, EndpointUrl};
use crate::saml::idp_diff::{self, changes};
use crate::saml::idp_refresh::{HoldReason, MissingCertificate};
use crate::saml::time::Timestamp;

/// How fetching metadata again went; none where it was not fetched.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RefreshBody<'a> {
    refresh: Option<RefreshView<'a>>,
}

/// How fetching metadata again went, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Refresh"))]
struct RefreshView<'a> {
    metadata_url: &'a EndpointUrl,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    next_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    attempted_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    succeeded_at: Option<String>,
    error: Option<FailureView<'a>>,
    missing_certificates: Vec<MissingView>,
    waits_for_approval: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "RefreshFailure"))]
struct FailureView<'a> {
    code: &'a str,
    message: &'a str,
}

/// A certificate that is not announced any more.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "MissingCertificate"))]
struct MissingView {
    #[serde(flatten)]
    certificate: CertificateSummary,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    missing_since: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    retired_at: String,
}

/// What saving metadata would change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PreviewView<'a> {
    diff: &'a [idp_diff::Change],
    identity_provider: IdentityProviderView<'a>,
}

/// Metadata that waits for approval, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HeldView<'a> {
    version: &'a str,
    reasons: &'a [HoldReason],
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    found_at: String,
    /// What approving it would change.
    diff: Vec<idp_diff::Change>,
    identity_provider: IdentityProviderView<'a>,
}

/// Which held metadata is approved.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalBody {
    version: String,
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
        if *request.method() != Method::POST {
            return self.show_refresh(id).await;
        }
        let (seen, body) = (self.seen(id, request).await?, read_body::<MetadataBody>(request)?);
        if body.preview {
            return self.show_preview(&self.existing(id).await?, &body).await;
        }
        let saved = self.save_metadata(id, body, seen, caller.actor()).await;
        self.show_changed(seen, saved).await
    }

    /// What saving metadata would change of `present`, and the identity provider that it would have then.
    pub(in crate::app) async fn show_preview(
        &self,
        present: &Connection,
        body: &MetadataBody,
    ) -> Result<Response, ApiError> {
        let MetadataPreview { diff, found } = &self.preview_metadata(present, body).await?;
        let preview = PreviewView {
            diff,
            identity_provider: IdentityProviderView::of(found),
        };
        Ok(json(StatusCode::OK, &preview))
    }

    /// How fetching the metadata again went.
    async fn show_refresh(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        self.existing(id).await?;
        let state = self.read_refresh(id).await?;
        let held = self.read_held(id).await?;
        let refresh = state.as_ref().map(|state| RefreshView::of(state, held.as_ref()));
        Ok(json(StatusCode::OK, &RefreshBody { refresh }))
    }

    /// `GET, DELETE /connections/{id}/held-metadata` and `POST …/approve`.
    pub(super) async fn answer_held_metadata(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let (version, decision) = match *request.method() {
            Method::POST => (read_body::<ApprovalBody>(request)?.version, Decision::Approve),
            Method::DELETE => {
                let query = Query::read(request, &["version"])?;
                let expected = "the version of what is held";
                let version = query.field("version", expected, |version| Some(version.to_owned()))?;
                let missing = || ApiError::invalid("version", "expected the version of what is held, in the query");
                (version.ok_or_else(missing)?, Decision::Dismiss)
            }
            _ => return self.show_held(id).await,
        };
        Ok(self
            .show(&self.decide_held(id, version, decision, caller.actor()).await?)
            .await)
    }

    async fn show_held(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        let connection = self.existing(id).await?;
        let held = self.read_held(id).await?;
        let held = held.ok_or_else(|| refused(Refusal::NothingHeld))?;
        let body = HeldView {
            version: &held.version,
            reasons: &held.reasons,
            found_at: held.found_at.to_rfc3339(),
            diff: changes(connection.identity_provider.as_ref(), &held.found),
            identity_provider: IdentityProviderView::of(&held.found),
        };
        Ok(json(StatusCode::OK, &body))
    }
}
