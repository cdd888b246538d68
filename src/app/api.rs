//! The admin API, `/sso/api/v1`: connections as JSON, for whoever has an admin token.

mod body;
pub(super) mod condition;
mod connections;
mod metadata;
#[cfg(test)]
mod openapi;
pub(super) mod query;
mod tokens;

pub(super) use self::body::{read_body, read_optional_body, read_value};
pub(super) use self::connections::raw_repeatable;
use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde::Serialize;

use super::App;
use super::error::ApiError;
use super::history::{AuditQuery, AuditView, VersionsView};
use super::http::{Request, Response, allow, ask_for_bearer, header, json, respond};
use super::ledger::test::BegunBy;
use super::ports::Ports;
use super::principal::Principal;
use super::rate_limit::{Limit, Verdict, too_many_calls};
use super::route::{ApiRoute, Route};
use super::sign_ins::SignInsQuery;
use super::test_run::{TestBody, TestView};
use crate::saml::id::{ConnectionId, TestId};

/// The tests of a connection, newest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TestList<'a> {
    tests: Vec<TestView<'a>>,
}

/// The description of this API (`OpenAPI` 3.1), for everybody.
pub(super) fn description() -> Response {
    respond(StatusCode::OK, "application/json", include_str!("api/openapi.json"))
}

impl<P: Ports> App<P> {
    /// Answers a call of the API. Who may not ask learns nothing, not even which paths exist.
    pub(super) async fn answer_api(&self, route: &ApiRoute, request: &Request) -> Response {
        let admitted = match request.extensions().get::<Principal>() {
            Some(caller) => self.still_admitted(caller.clone(), request).await,
            None => self.admit(route, request).await,
        };
        match admitted {
            Ok(caller) => (self.call(route, request, &caller).await).unwrap_or_else(|error| error.response()),
            Err(refusal) => refusal,
        }
    }

    /// Who makes this call, if a token says so and allows it, the address answers it, and there were not too many. Reads no body.
    pub(super) async fn admit(&self, route: &ApiRoute, request: &Request) -> Result<Principal, Response> {
        if self.limit_address(Limit::ApiAddress, request).await == Verdict::Limited {
            return Err(too_many_calls());
        }
        let caller = match self.caller(request).await {
            Ok(caller) => caller,
            Err(error) if error.status == StatusCode::UNAUTHORIZED => {
                if self.limit_address(Limit::WrongToken, request).await == Verdict::Limited {
                    return Err(too_many_calls());
                }
                let mut response = error.response();
                ask_for_bearer(&mut response);
                return Err(response);
            }
            Err(error) => return Err(error.response()),
        };
        if self.ports.limit(Limit::ApiToken, caller.id()).await == Verdict::Limited {
            return Err(too_many_calls());
        }
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

    /// The same caller, if their token is still in force now that the body has come: it may have taken its time.
    async fn still_admitted(&self, caller: Principal, request: &Request) -> Result<Principal, Response> {
        if request.body().is_empty() {
            return Ok(caller);
        }
        self.caller(request).await.map_err(|error| error.response())
    }

    /// Whose token the request bears.
    async fn caller(&self, request: &Request) -> Result<Principal, ApiError> {
        let given = header(request, &AUTHORIZATION).and_then(|value| value.split_once(' '));
        let token = given
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty());
        if let Some(token) = token
            && let Some(caller) = self.authenticate(token).await?
        {
            return Ok(caller);
        }
        Err(if self.config.admin_token.is_some() {
            // Which of the three it is stays open: it would tell whose hands a token once was in.
            let message = match token {
                Some(_) => "The admin token that was sent is unknown, expired or revoked.",
                None => "Send an admin token in the header Authorization: Bearer …",
            };
            ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        } else {
            let message = "The admin API is closed to all but tokens that it made. Set the secret ADMIN_TOKEN (wrangler secret put \
                           ADMIN_TOKEN) to open it.";
            ApiError::new(StatusCode::UNAUTHORIZED, "api_closed", message)
        })
    }

    async fn call(&self, route: &ApiRoute, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        match route {
            ApiRoute::Audit => {
                let query = AuditQuery::read(request)?;
                let limit = query.limit;
                let entries = self.list_audit(query).await?;
                Ok(json(StatusCode::OK, &AuditView::of(entries, limit)))
            }
            ApiRoute::Capture(id) => self.answer_capture(id, request, caller.actor()).await,
            ApiRoute::Certificates => self.list_certificates().await,
            ApiRoute::Connection(id) => self.answer_connection(id, request, caller).await,
            ApiRoute::Connections => self.answer_connections(request, caller).await,
            ApiRoute::DecryptionKeys(id) | ApiRoute::RotateDecryptionKeys(id) => {
                self.answer_decryption_keys(id, request, caller.actor()).await
            }
            ApiRoute::Disable(id) => self.answer_disable(id, request, caller).await,
            ApiRoute::Domains(id) => self.list_domains(id).await,
            ApiRoute::Draft(id) => self.answer_draft(id, request, caller.actor()).await,
            ApiRoute::DraftApply(id) => self.answer_apply(id, request, caller.actor()).await,
            ApiRoute::DraftMetadata(id) => self.answer_draft_metadata(id, request, caller.actor()).await,
            ApiRoute::DraftRebase(id) => self.answer_rebase(id, request, caller.actor()).await,
            ApiRoute::Enable(id) => self.answer_enable(id, request, caller).await,
            ApiRoute::HeldMetadata(id) | ApiRoute::ApproveHeldMetadata(id) => {
                self.answer_held_metadata(id, request, caller).await
            }
            ApiRoute::Export => self.answer_export(caller.actor()).await,
            ApiRoute::Import => self.answer_import(request, caller).await,
            ApiRoute::Keys | ApiRoute::RotateKeys => self.answer_keys(request, caller.actor()).await,
            ApiRoute::Metadata(id) => self.answer_metadata(id, request, caller).await,
            ApiRoute::RestoreVersion(id, generation) => self.answer_restore(id, *generation, request, caller).await,
            ApiRoute::SetupLink(id, link) => self.answer_setup_link(id, link, caller.actor()).await,
            ApiRoute::SetupLinks(id) => self.answer_setup_links(id, request, caller.actor()).await,
            ApiRoute::Test(id, test) => self.show_test(id, test).await,
            ApiRoute::Tests(id) if *request.method() == Method::POST => {
                let TestBody { configuration } = read_body(request)?;
                let begun = self.begin_test(id, configuration, BegunBy::Admin, caller.actor());
                Ok(json(StatusCode::CREATED, &begun.await?))
            }
            ApiRoute::Messages(id, reference) => self.show_messages(id, reference, caller.actor()).await,
            ApiRoute::SignIns(id) => {
                let connection = self.existing(id).await?;
                let page = self.sign_ins(&connection, SignInsQuery::read(request)?).await?;
                Ok(json(StatusCode::OK, &page))
            }
            ApiRoute::Tests(id) => self.show_tests(id).await,
            ApiRoute::Token(id) => self.answer_revoke(id, caller).await,
            ApiRoute::Tokens => self.answer_tokens(request, caller).await,
            ApiRoute::Undo(id) => self.answer_undo(id, request, caller).await,
            ApiRoute::VerifyDomain(id, domain) => self.verify_domain(id, domain, caller.actor()).await,
            ApiRoute::Versions(id) => Ok(json(StatusCode::OK, &VersionsView::of(self.list_versions(id).await?))),
            ApiRoute::Webhook(id) => self.answer_webhook(id, request, caller).await,
            ApiRoute::WebhookDeliveries(id) => self.answer_deliveries(id, request).await,
            ApiRoute::WebhookReplay(id) => self.answer_replay(id, request, caller.actor()).await,
            ApiRoute::WebhookReplayOne(id, event) => self.answer_replay_delivery(id, event, caller.actor()).await,
            ApiRoute::WebhookSecret(id) => self.answer_rotate_secret(id, caller.actor()).await,
            ApiRoute::WebhookTest(id) => self.answer_test_webhook(id, caller.actor()).await,
            ApiRoute::Webhooks => self.answer_webhooks(request, caller).await,
            ApiRoute::Unknown => Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address.",
            )),
        }
    }

    async fn show_test(&self, id: &ConnectionId, test: &TestId) -> Result<Response, ApiError> {
        let provider = self.existing(id).await?.provider;
        let test = self.read_test(id, test).await?;
        Ok(json(
            StatusCode::OK,
            &TestView::whole(&test, provider, self.ports.now()),
        ))
    }

    async fn show_tests(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        self.existing(id).await?;
        let tests = self.list_tests(id).await?;
        let tests = tests.iter().map(|test| TestView::brief(test, self.ports.now()));
        Ok(json(StatusCode::OK, &TestList { tests: tests.collect() }))
    }
}

/// `202 Accepted` when a change is saved but has not reached every place yet; it will, by itself.
pub(super) fn status(done: StatusCode, published: bool) -> StatusCode {
    if published { done } else { StatusCode::ACCEPTED }
}
