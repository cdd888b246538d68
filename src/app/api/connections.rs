//! `/connections` and `/connections/{id}`: listed, created, shown, changed and deleted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::ETAG;
use http::{Method, StatusCode};
use serde::Serialize;

use super::condition::{CONNECTION_STALE, conditional, entity_tag};
use super::query::Query;
use super::{read_body, read_optional_body, status};
use crate::app::App;
use crate::app::connections::Saved;
use crate::app::description::{Fields, line};
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, insert, json, respond};
use crate::app::ports::{Ports, Unavailable};
use crate::app::principal::Principal;
use crate::app::registry::ListPage;
use crate::app::registry::idempotency::Repeatable;
use crate::app::view::ConnectionView;
use crate::limits::{MAX_CONNECTIONS_PER_PAGE, MAX_IDEMPOTENCY_KEY_CHARACTERS, MAX_NAME_CHARACTERS};
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, Domain};
use crate::token::TokenHash;

/// Some connections, oldest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ConnectionList<'a> {
    connections: Vec<ConnectionView<'a>>,
    /// Leads to the next page; `null` at the end.
    next_cursor: Option<String>,
}

impl<P: Ports> App<P> {
    /// `GET, POST /connections`.
    pub(super) async fn answer_connections(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        if *request.method() == Method::POST {
            return self.create(request, caller).await;
        }
        self.list(request).await
    }

    /// `GET, PATCH, DELETE /connections/{id}`.
    pub(super) async fn answer_connection(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        match *request.method() {
            Method::PATCH => {
                let (seen, given) = (self.seen(id, request).await?, read_body(request)?);
                let patched = self.patch_connection(id, given, seen, caller.actor()).await;
                self.show_changed(seen, patched).await
            }
            Method::DELETE => {
                let seen = self.seen(id, request).await?;
                let deleted = self.delete_connection(id, seen, caller.actor()).await;
                let Saved { published, .. } = deleted.map_err(conditional(seen, CONNECTION_STALE))?;
                Ok(respond(
                    status(StatusCode::NO_CONTENT, published),
                    "application/json",
                    "",
                ))
            }
            _ => Ok(self.shown(StatusCode::OK, &self.existing(id).await?).await),
        }
    }

    /// `POST /connections/{id}/enable`.
    pub(super) async fn answer_enable(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let (seen, given) = (self.seen(id, request).await?, read_optional_body(request)?);
        let enabled = self.enable_connection(id, given, seen, caller.actor()).await;
        self.show_changed(seen, enabled).await
    }

    /// `POST /connections/{id}/disable`.
    pub(super) async fn answer_disable(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let seen = self.seen(id, request).await?;
        let disabled = self.disable_connection(id, seen, caller.actor()).await;
        self.show_changed(seen, disabled).await
    }

    /// `POST /connections/{id}/undo`.
    pub(super) async fn answer_undo(
        &self,
        id: &ConnectionId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let seen = self.seen(id, request).await?;
        let undone = self.undo_change(id, seen, caller.actor()).await;
        self.show_changed(seen, undone).await
    }

    /// `POST /connections/{id}/versions/{generation}/restore`.
    pub(super) async fn answer_restore(
        &self,
        id: &ConnectionId,
        generation: u64,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let seen = self.seen(id, request).await?;
        let restored = self.restore_version(id, generation, seen, caller.actor()).await;
        self.show_changed(seen, restored).await
    }

    /// What became of a change on the condition that the connection is the one that was `seen`.
    pub(in crate::app) async fn show_changed(
        &self,
        seen: Option<u64>,
        changed: Result<Saved<Connection>, ApiError>,
    ) -> Result<Response, ApiError> {
        Ok(self.show(&changed.map_err(conditional(seen, CONNECTION_STALE))?).await)
    }

    /// A connection that was changed, with its new entity tag.
    pub(in crate::app) async fn show(&self, saved: &Saved<Connection>) -> Response {
        self.shown(status(StatusCode::OK, saved.published), &saved.reply).await
    }

    async fn shown(&self, status: StatusCode, connection: &Connection) -> Response {
        let mut response = json(status, &self.view(connection).await);
        insert(&mut response, ETAG, &entity_tag(connection));
        response
    }

    async fn create(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        let given: Fields = read_body(request)?;
        let repeatable = repeatable(request, &given, caller)?;
        let saved = self.create_connection(given, repeatable, caller.actor()).await?;
        Ok(self
            .shown(status(StatusCode::CREATED, saved.published), &saved.reply)
            .await)
    }

    async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let query = Query::read(request, &["limit", "cursor", "domain", "organization"])?;
        let limit = query.field("limit", "1 to 100", |text| {
            text.parse().ok().filter(|n| (1..=MAX_CONNECTIONS_PER_PAGE).contains(n))
        })?;
        let list = ListPage {
            after: (query.field("cursor", "next_cursor of the page before", position)?).unwrap_or(0),
            limit: limit.unwrap_or(MAX_CONNECTIONS_PER_PAGE),
            domain: query.field("domain", "a domain such as acme.com", |text| Domain::parse(text).ok())?,
            organization: query.field("organization", "1 to 100 characters on one line", |text| {
                line(text, MAX_NAME_CHARACTERS)
            })?,
        };
        let page = self.ports.registry(list).await?.reply;
        let body = ConnectionList {
            connections: self.views(&page.connections).await,
            next_cursor: page.next.map(cursor),
        };
        Ok(json(StatusCode::OK, &body))
    }
}

/// A cursor is for us alone to read, and may change: `v1`, and where the page before ended.
fn cursor(position: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("v1:{position}"))
}

fn position(cursor: &str) -> Option<i64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("v1:")?.parse().ok().filter(|position| *position >= 0)
}

/// What makes the creation of what is `given` the same as one before.
fn repeatable(request: &Request, given: &Fields, caller: &Principal) -> Result<Option<Repeatable>, ApiError> {
    let body = serde_json::to_vec(&given.0).map_err(|e| Unavailable(format!("fields: {e}")))?;
    repeatable_as(request, &body, caller)
}

/// What makes a call the same as one before, where it has to be so octet by octet.
pub(in crate::app) fn raw_repeatable(request: &Request, caller: &Principal) -> Result<Option<Repeatable>, ApiError> {
    repeatable_as(
        request,
        &[request.uri().path().as_bytes(), request.body()].concat(),
        caller,
    )
}

/// What makes a call the same as one before: its `Idempotency-Key`, by which each caller means their own calls.
fn repeatable_as(request: &Request, what: &[u8], caller: &Principal) -> Result<Option<Repeatable>, ApiError> {
    let mut keys = request.headers().get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| {
        let fits = (1..=MAX_IDEMPOTENCY_KEY_CHARACTERS).contains(&key.len());
        fits && keys.next().is_none()
    });
    let key = key.ok_or_else(|| {
        let message = "Idempotency-Key: expected one key of 1 to 255 visible ASCII characters.";
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", message)
    })?;
    Ok(Some(Repeatable {
        key: TokenHash::of_octets(format!("{} {key}", caller.id()).as_bytes()),
        request: TokenHash::of_octets(what),
    }))
}
