//! The admin API, `/sso/api/v1`: connections as JSON, for whoever has the admin token.

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use super::connections::Saved;
use super::error::ApiError;
use super::http::{Request, Response, allow, ask_for_bearer, has_media_type, header, json, respond};
use super::ledger::ListRefusals;
use super::ports::Ports;
use super::registry::{Actor, List};
use super::route::{ApiRoute, Route};
use super::view::ConnectionView;
use crate::saml::connection::{Connection, State};
use crate::saml::id::ConnectionId;
use crate::token::same_secret;

impl<P: Ports> App<P> {
    /// Answers a call of the API. Who may not ask learns nothing, not even which paths exist.
    pub(super) async fn answer_api(&self, route: &ApiRoute, request: &Request) -> Response {
        if let Some(refusal) = self.refuse_stranger(request) {
            return refusal;
        }
        let whole = Route::Api(route.clone());
        if !whole.allows(request.method()) {
            let message = format!("This address answers {}.", whole.methods());
            let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).response();
            allow(&mut response, whole.methods());
            return response;
        }
        self.call(route, request).await.unwrap_or_else(|error| error.response())
    }

    /// The answer to whoever has not the admin token.
    pub(super) fn refuse_stranger(&self, request: &Request) -> Option<Response> {
        let error = self.check_token(request).err()?;
        let mut response = error.response();
        ask_for_bearer(&mut response);
        Some(response)
    }

    /// Without the secret the API is closed.
    fn check_token(&self, request: &Request) -> Result<(), ApiError> {
        let Some(expected) = &self.config.admin_token else {
            let message =
                "The admin API is closed. Set the secret ADMIN_TOKEN (wrangler secret put ADMIN_TOKEN) to open it.";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "api_closed", message));
        };
        let given = header(request, &AUTHORIZATION).and_then(|value| value.split_once(' '));
        match given {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case("bearer") && same_secret(token.trim(), expected.reveal()) =>
            {
                Ok(())
            }
            _ => {
                let message = "Send the admin token in the header Authorization: Bearer …";
                Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message))
            }
        }
    }

    async fn call(&self, route: &ApiRoute, request: &Request) -> Result<Response, ApiError> {
        match (route, request.method()) {
            (ApiRoute::Connections, &Method::POST) => self.create(request).await,
            (ApiRoute::Connections, _) => self.list().await,
            (ApiRoute::Connection(id), &Method::PATCH) => {
                Ok(self.show(&self.patch_connection(id, read_body(request)?, actor()).await?))
            }
            (ApiRoute::Connection(id), &Method::DELETE) => self.delete(id).await,
            (ApiRoute::Connection(id), _) => Ok(json(StatusCode::OK, &self.view(&self.existing(id).await?))),
            (ApiRoute::DecryptionKeys(id) | ApiRoute::RotateDecryptionKeys(id), _) => {
                self.answer_decryption_keys(id, request).await
            }
            (ApiRoute::Disable(id), _) => Ok(self.show(&self.set_state(id, State::Disabled, actor()).await?)),
            (ApiRoute::Enable(id), _) => Ok(self.show(&self.set_state(id, State::Enabled, actor()).await?)),
            (ApiRoute::Keys | ApiRoute::RotateKeys, _) => self.answer_keys(request).await,
            (ApiRoute::Metadata(id), _) => Ok(self.show(&self.save_metadata(id, read_body(request)?, actor()).await?)),
            (ApiRoute::Refusals(id), _) => self.list_refusals(id).await,
            (ApiRoute::Unknown, _) => Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address.",
            )),
        }
    }

    async fn create(&self, request: &Request) -> Result<Response, ApiError> {
        let Saved { reply, published } = self.create_connection(read_body(request)?, actor()).await?;
        Ok(json(status(StatusCode::CREATED, published), &self.view(&reply)))
    }

    async fn list(&self) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            connections: Vec<ConnectionView<'a>>,
        }
        let connections = self.ports.registry(List {}).await?.reply;
        let connections = connections.iter().map(|connection| self.view(connection)).collect();
        Ok(json(StatusCode::OK, &Body { connections }))
    }

    async fn delete(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        let Saved { published, .. } = self.delete_connection(id, actor()).await?;
        Ok(respond(
            status(StatusCode::NO_CONTENT, published),
            "application/json",
            "",
        ))
    }

    fn show(&self, saved: &Saved<Connection>) -> Response {
        json(status(StatusCode::OK, saved.published), &self.view(&saved.reply))
    }

    async fn list_refusals(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body {
            refusals: Vec<RefusalView>,
        }
        #[derive(Serialize)]
        struct RefusalView {
            reference: String,
            at: String,
            code: String,
            detail: String,
        }
        self.existing(id).await?;
        let refusals = self
            .ports
            .ledger(id, ListRefusals {})
            .await?
            .into_iter()
            .map(|r| RefusalView {
                reference: r.reference,
                at: r.at.to_rfc3339(),
                code: r.code,
                detail: r.detail,
            });
        Ok(json(
            StatusCode::OK,
            &Body {
                refusals: refusals.collect(),
            },
        ))
    }
}

/// Who calls: there is one token so far.
fn actor() -> Actor {
    Actor::new("token ADMIN_TOKEN")
}

/// `202 Accepted` when a change is saved but has not reached every place yet; it will, by itself.
pub(super) fn status(done: StatusCode, published: bool) -> StatusCode {
    if published { done } else { StatusCode::ACCEPTED }
}

pub(super) fn read_body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    if !has_media_type(request, "application/json") {
        let message = "Send the body as Content-Type: application/json.";
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        ));
    }
    serde_json::from_slice(request.body()).map_err(|e| ApiError::not_as_expected(&e))
}
