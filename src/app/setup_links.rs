//! Setup links for whoever makes them: the admin API and the dashboard.

use http::{Method, StatusCode};
use serde::Serialize;

use super::App;
use super::connections::{Saved, refused, saved};
use super::error::ApiError;
use super::http::{Request, Response, json, respond};
use super::ledger::test::{BegunBy, Test};
use super::ports::{Ports, Unavailable};
use super::registry::Actor;
use super::registry::setup_links::{
    AddSetupLink, EditBySetupLink, LinkEdit, ListSetupLinks, RevokeSetupLink, SetupLink,
};
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, SetupLinkId};
use crate::saml::mapping::Field;
use crate::saml::time::Timestamp;
use crate::token::{Token, TokenHash};

/// How far the setup of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SetupProgress"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a step of its own")]
pub(super) struct Progress {
    /// An identity provider is saved.
    pub(super) metadata_read: bool,
    /// A test has sent a browser there.
    pub(super) request_sent: bool,
    /// An answer came.
    pub(super) response_received: bool,
    /// An e-mail address was found in one.
    pub(super) email_found: bool,
    /// A test passed.
    pub(super) test_passed: bool,
}

impl Progress {
    /// That of `connection` with its `tests`.
    pub(super) fn of(connection: &Connection, tests: &[Test]) -> Self {
        let reports = || tests.iter().filter_map(|test| test.report.as_ref());
        let has_email =
            |mapped: &crate::saml::mapping::MappedField| mapped.field == Field::Email && !mapped.values.is_empty();
        Self {
            metadata_read: connection.identity_provider.is_some(),
            request_sent: tests.iter().any(|test| test.sent_at.is_some()),
            response_received: reports().next().is_some(),
            email_found: reports().any(|report| report.mapping.iter().any(has_email)),
            test_passed: reports().any(|report| report.passed),
        }
    }

    /// The steps in order, with whether each is done.
    pub(super) const fn steps(self) -> [(&'static str, bool); 5] {
        [
            ("Metadata read", self.metadata_read),
            ("First request sent", self.request_sent),
            ("First response received", self.response_received),
            ("E-mail address found", self.email_found),
            ("Test passed", self.test_passed),
        ]
    }
}

impl<P: Ports> App<P> {
    /// Makes a link; its address is told here and never again.
    pub(super) async fn create_setup_link(
        &self,
        connection: &ConnectionId,
        actor: Actor,
    ) -> Result<(SetupLink, String), ApiError> {
        let token = Token::new(&self.ports.random()?);
        let add = AddSetupLink {
            id: SetupLinkId::from_random(&self.ports.random()?),
            hash: token.hash(),
            connection: connection.clone(),
            actor,
        };
        let link = self.ports.registry(add).await?.reply.map_err(refused)?;
        let url = format!("{}/sso/setup/{}", self.config.origin.as_str(), token.reveal());
        Ok((link, url))
    }

    /// The links that still open something.
    pub(super) async fn list_setup_links(&self, connection: &ConnectionId) -> Result<Vec<SetupLink>, Unavailable> {
        let list = ListSetupLinks {
            connection: connection.clone(),
        };
        Ok(self.ports.registry(list).await?.reply)
    }

    /// Revokes a link, at once.
    pub(super) async fn revoke_setup_link(
        &self,
        connection: &ConnectionId,
        id: &SetupLinkId,
        actor: Actor,
    ) -> Result<(), ApiError> {
        let revoke = RevokeSetupLink {
            id: id.clone(),
            connection: connection.clone(),
            actor,
        };
        self.ports.registry(revoke).await?.reply.map_err(refused)
    }

    /// Makes one edit for whoever has the link of this token's hash.
    pub(super) async fn edit_by_setup_link(&self, hash: &TokenHash, edit: LinkEdit) -> Result<Saved<()>, ApiError> {
        let hash = hash.clone();
        saved(self.ports.registry(EditBySetupLink { hash, edit }).await?)
    }

    /// `GET, POST /connections/{id}/setup-links`.
    pub(super) async fn answer_setup_links(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        if *request.method() == Method::POST {
            let (link, url) = self.create_setup_link(id, actor).await?;
            return Ok(json(StatusCode::CREATED, &LinkView::of(&link, Some(url))));
        }
        let connection = self.existing(id).await?;
        let links = self.list_setup_links(id).await?;
        let body = LinksView {
            setup_links: links.iter().map(|link| LinkView::of(link, None)).collect(),
            progress: Progress::of(&connection, &self.list_tests(id).await?),
        };
        Ok(json(StatusCode::OK, &body))
    }

    /// `DELETE /connections/{id}/setup-links/{link}`.
    pub(super) async fn answer_setup_link(
        &self,
        id: &ConnectionId,
        link: &SetupLinkId,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        self.revoke_setup_link(id, link, actor).await?;
        Ok(respond(StatusCode::NO_CONTENT, "application/json", ""))
    }
}

/// Whether a test was begun from a setup link.
pub(super) fn is_of_setup(test: &Test) -> bool {
    test.begun_by == BegunBy::Setup
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SetupLinkList"))]
pub(super) struct LinksView<'a> {
    setup_links: Vec<LinkView<'a>>,
    progress: Progress,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SetupLink"))]
pub(super) struct LinkView<'a> {
    id: &'a SetupLinkId,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    created_by: &'a str,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    expires_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    opened_at: Option<String>,
    /// Only when it is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl<'a> LinkView<'a> {
    fn of(link: &'a SetupLink, url: Option<String>) -> Self {
        Self {
            id: &link.id,
            created_at: link.created_at.to_rfc3339(),
            created_by: link.created_by.as_str(),
            expires_at: link.expires_at.to_rfc3339(),
            opened_at: link.opened_at.map(Timestamp::to_rfc3339),
            url,
        }
    }
}
