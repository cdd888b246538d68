//! `/tokens`: admin tokens are made, listed and revoked.

use http::{Method, StatusCode};
use serde::Serialize;

use super::read_body;
use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, json, respond};
use crate::app::ports::Ports;
use crate::app::principal::Principal;
use crate::app::registry::tokens::{Scope, TokenRecord};
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;

/// A token, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TokenView<'a> {
    id: &'a TokenId,
    name: &'a str,
    scopes: &'a [Scope],
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    created_by: &'a str,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    expires_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    last_used_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    revoked_at: Option<String>,
}

/// All tokens, newest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TokenList<'a> {
    tokens: Vec<TokenView<'a>>,
}

/// A token that was just made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NewToken<'a> {
    #[serde(flatten)]
    token: TokenView<'a>,
    /// The token itself: shown here, and never again.
    #[serde(rename = "token")]
    secret: String,
}

impl<'a> TokenView<'a> {
    fn of(record: &'a TokenRecord) -> Self {
        Self {
            id: &record.id,
            name: &record.name,
            scopes: &record.scopes,
            created_at: record.created_at.to_rfc3339(),
            created_by: record.created_by.as_str(),
            expires_at: record.expires_at.map(Timestamp::to_rfc3339),
            last_used_at: record.last_used_at.map(Timestamp::to_rfc3339),
            revoked_at: record.revoked_at.map(Timestamp::to_rfc3339),
        }
    }
}

impl<P: Ports> App<P> {
    /// `GET, POST /tokens`.
    pub(super) async fn answer_tokens(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        if *request.method() == Method::POST {
            let made = self.make_token(
                read_body(request)?,
                &caller.scopes,
                caller.token.clone(),
                caller.actor(),
            );
            let (record, secret) = made.await?;
            let token = TokenView::of(&record);
            return Ok(json(StatusCode::CREATED, &NewToken { token, secret }));
        }
        let tokens = self.list_tokens().await?;
        let tokens = tokens.iter().map(TokenView::of).collect();
        Ok(json(StatusCode::OK, &TokenList { tokens }))
    }

    /// `DELETE /tokens/{id}`.
    pub(super) async fn answer_revoke(&self, id: &TokenId, caller: &Principal) -> Result<Response, ApiError> {
        self.revoke_token(id, caller.actor()).await?;
        Ok(respond(StatusCode::NO_CONTENT, "application/json", ""))
    }
}
