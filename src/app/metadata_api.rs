//! The admin API for a connection's metadata: fetch or paste it, save it or only see what it would change.

use http::StatusCode;
use serde::Serialize;

use super::App;
use super::api::read_body;
use super::connections::{MetadataBody, MetadataPreview};
use super::error::ApiError;
use super::http::{Request, Response, json};
use super::ports::Ports;
use super::principal::Principal;
use super::view::IdentityProviderView;
use crate::saml::id::ConnectionId;
use crate::saml::idp_diff;

impl<P: Ports> App<P> {
    /// `POST /connections/{id}/metadata`.
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
}
