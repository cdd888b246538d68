//! `/tokens`: admin tokens are made, listed and revoked.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::read_body;
use crate::app::App;
use crate::app::description::line;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, json, respond};
use crate::app::ports::Ports;
use crate::app::principal::{Principal, new_admin_token};
use crate::app::registry::tokens::{AddToken, ListTokens, RevokeToken, Scope, TokenRecord, TokenRefusal};
use crate::limits::MAX_NAME_CHARACTERS;
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;

/// `POST /tokens`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    name: String,
    #[cfg_attr(test, schemars(length(min = 1)))]
    scopes: Vec<Scope>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    expires_at: Option<String>,
}

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
            return self.create_token(read_body(request)?, caller).await;
        }
        let tokens = self.ports.registry(ListTokens {}).await?.reply;
        let tokens = tokens.iter().map(TokenView::of).collect();
        Ok(json(StatusCode::OK, &TokenList { tokens }))
    }

    async fn create_token(&self, given: TokenBody, caller: &Principal) -> Result<Response, ApiError> {
        let name = name(&given.name)?;
        let scopes = scopes(given.scopes)?;
        if let Some(scope) = scopes.iter().find(|scope| !caller.may(**scope)) {
            let message = format!(
                "Your token does not allow {}, and so can make none that does.",
                scope.as_str()
            );
            return Err(ApiError::new(StatusCode::FORBIDDEN, "insufficient_scope", message));
        }
        let expires_at = given.expires_at.as_deref().map(|text| self.end(text)).transpose()?;
        let (secret, hash) = new_admin_token(&self.ports.random()?);
        let add = AddToken {
            id: TokenId::from_random(&self.ports.random()?),
            hash,
            name,
            scopes,
            expires_at,
            actor: caller.actor(),
        };
        let record = self.ports.registry(add).await?.reply.map_err(refused)?;
        let token = TokenView::of(&record);
        Ok(json(StatusCode::CREATED, &NewToken { token, secret }))
    }

    /// `DELETE /tokens/{id}`.
    pub(super) async fn revoke_token(&self, id: &TokenId, caller: &Principal) -> Result<Response, ApiError> {
        let revoke = RevokeToken {
            id: id.clone(),
            actor: caller.actor(),
        };
        self.ports.registry(revoke).await?.reply.map_err(refused)?;
        Ok(respond(StatusCode::NO_CONTENT, "application/json", ""))
    }

    fn end(&self, text: &str) -> Result<Timestamp, ApiError> {
        let end = Timestamp::parse_rfc3339(text).filter(|end| *end > self.ports.now());
        end.ok_or_else(|| ApiError::invalid("expires_at", "expected a date and time to come (RFC 3339), or null"))
    }
}

/// Quotation marks enclose the name where it is said who did something.
fn name(text: &str) -> Result<String, ApiError> {
    line(text, MAX_NAME_CHARACTERS)
        .filter(|name| !name.contains('"'))
        .ok_or_else(|| {
            ApiError::invalid(
                "name",
                "expected 1 to 100 characters on one line, without quotation marks",
            )
        })
}

fn scopes(mut scopes: Vec<Scope>) -> Result<Vec<Scope>, ApiError> {
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(ApiError::invalid(
            "scopes",
            "expected at least one of read, write and tokens",
        ));
    }
    Ok(scopes)
}

fn refused(refusal: TokenRefusal) -> ApiError {
    match refusal {
        TokenRefusal::NameTaken => {
            let message = "Another token has this name. Revoke that one first, or take another name.";
            ApiError::new(StatusCode::CONFLICT, "token_name_taken", message)
        }
        TokenRefusal::TooMany => {
            let message = "There are too many tokens. Revoke one first.";
            ApiError::new(StatusCode::CONFLICT, "too_many_tokens", message)
        }
        TokenRefusal::Unknown => ApiError::new(StatusCode::NOT_FOUND, "token_unknown", "There is no such token."),
    }
}
