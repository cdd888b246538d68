//! The admin API, `/sso/api/v1`: connections as JSON, for whoever has an admin token.

mod tokens;

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
use super::principal::Principal;
use super::registry::List;
use super::route::{ApiRoute, Route};
use super::view::ConnectionView;
use crate::saml::connection::{Connection, State};
use crate::saml::id::ConnectionId;

impl<P: Ports> App<P> {
    /// Answers a call of the API. Who may not ask learns nothing, not even which paths exist.
    pub(super) async fn answer_api(&self, route: &ApiRoute, request: &Request) -> Response {
        let admitted = match request.extensions().get::<Principal>() {
            Some(caller) => Ok(caller.clone()),
            None => self.admit(route, request).await,
        };
        match admitted {
            Ok(caller) => (self.call(route, request, &caller).await).unwrap_or_else(|error| error.response()),
            Err(refusal) => refusal,
        }
    }

    /// Who makes this call, if a token says so and allows it, and the address answers it. Reads no body.
    pub(super) async fn admit(&self, route: &ApiRoute, request: &Request) -> Result<Principal, Response> {
        let caller = match self.caller(request).await {
            Ok(caller) => caller,
            Err(error) => {
                let mut response = error.response();
                if error.status == StatusCode::UNAUTHORIZED {
                    ask_for_bearer(&mut response);
                }
                return Err(response);
            }
        };
        let whole = Route::Api(route.clone());
        if !whole.allows(request.method()) {
            let message = format!("This address answers {}.", whole.methods());
            let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).response();
            allow(&mut response, whole.methods());
            return Err(response);
        }
        match route.scope(request.method()) {
            Some(scope) if !caller.may(scope) => {
                let message = format!("This takes a token with the scope {}.", scope.as_str());
                Err(ApiError::new(StatusCode::FORBIDDEN, "insufficient_scope", message).response())
            }
            _ => Ok(caller),
        }
    }

    /// Whose token the request bears.
    async fn caller(&self, request: &Request) -> Result<Principal, ApiError> {
        let given = header(request, &AUTHORIZATION).and_then(|value| value.split_once(' '));
        let token = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        if let Some((_, token)) = token
            && let Some(caller) = self.authenticate(token.trim()).await?
        {
            return Ok(caller);
        }
        Err(if self.config.admin_token.is_some() {
            let message = "Send an admin token in the header Authorization: Bearer …";
            ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        } else {
            let message = "The admin API is closed to all but tokens that it made. Set the secret ADMIN_TOKEN (wrangler secret put \
                           ADMIN_TOKEN) to open it.";
            ApiError::new(StatusCode::UNAUTHORIZED, "api_closed", message)
        })
    }

    async fn call(&self, route: &ApiRoute, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        match (route, request.method()) {
            (ApiRoute::Certificates, _) => self.list_certificates().await,
            (ApiRoute::Connections, &Method::POST) => self.create(request, caller).await,
            (ApiRoute::Connections, _) => self.list().await,
            (ApiRoute::Connection(id), &Method::PATCH) => {
                Ok(self.show(&self.patch_connection(id, read_body(request)?, caller.actor()).await?))
            }
            (ApiRoute::Connection(id), &Method::DELETE) => self.delete(id, caller).await,
            (ApiRoute::Connection(id), _) => Ok(json(StatusCode::OK, &self.view(&self.existing(id).await?))),
            (ApiRoute::DecryptionKeys(id) | ApiRoute::RotateDecryptionKeys(id), _) => {
                self.answer_decryption_keys(id, request).await
            }
            (ApiRoute::Disable(id), _) => Ok(self.show(&self.set_state(id, State::Disabled, caller.actor()).await?)),
            (ApiRoute::Enable(id), _) => Ok(self.show(&self.set_state(id, State::Enabled, caller.actor()).await?)),
            (ApiRoute::Keys | ApiRoute::RotateKeys, _) => self.answer_keys(request).await,
            (ApiRoute::HeldMetadata(id) | ApiRoute::ApproveHeldMetadata(id), _) => {
                self.answer_held_metadata(id, request, caller).await
            }
            (ApiRoute::Metadata(id), _) => self.answer_metadata(id, request, caller).await,
            (ApiRoute::Refusals(id), _) => self.list_refusals(id).await,
            (ApiRoute::Token(id), _) => self.revoke_token(id, caller).await,
            (ApiRoute::Tokens, _) => self.answer_tokens(request, caller).await,
            (ApiRoute::Unknown, _) => Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address.",
            )),
        }
    }

    async fn create(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        let Saved { reply, published } = self.create_connection(read_body(request)?, caller.actor()).await?;
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

    async fn delete(&self, id: &ConnectionId, caller: &Principal) -> Result<Response, ApiError> {
        let Saved { published, .. } = self.delete_connection(id, caller.actor()).await?;
        Ok(respond(
            status(StatusCode::NO_CONTENT, published),
            "application/json",
            "",
        ))
    }

    pub(super) fn show(&self, saved: &Saved<Connection>) -> Response {
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
