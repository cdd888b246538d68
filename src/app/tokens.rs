//! What is done to admin tokens, for the admin API and the dashboard alike: they are made, listed and revoked.

use http::StatusCode;
use serde::Deserialize;

use super::App;
use super::description::line;
use super::error::ApiError;
use super::ports::{Ports, Unavailable};
use super::principal::new_admin_token;
use super::registry::Actor;
use super::registry::tokens::{AddToken, ListTokens, RevokeToken, Scope, TokenRecord, TokenRefusal};
use crate::limits::MAX_NAME_CHARACTERS;
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;

/// `POST /tokens`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    pub(super) name: String,
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) scopes: Vec<Scope>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) expires_at: Option<String>,
}

impl<P: Ports> App<P> {
    /// All tokens, newest first, those that were revoked lately too.
    pub(super) async fn list_tokens(&self) -> Result<Vec<TokenRecord>, Unavailable> {
        Ok(self.ports.registry(ListTokens {}).await?.reply)
    }

    /// Makes a token that allows no more than `held`, what its maker's own does, and lasts no longer. The text is told here, and never again.
    pub(super) async fn make_token(
        &self,
        given: TokenBody,
        held: &[Scope],
        maker: Option<TokenId>,
        actor: Actor,
    ) -> Result<(TokenRecord, String), ApiError> {
        let name = name(&given.name)?;
        let scopes = scopes(given.scopes)?;
        if let Some(scope) = scopes.iter().find(|scope| !scope.is_allowed_by(held)) {
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
            maker,
            actor,
        };
        let record = self.ports.registry(add).await?.reply.map_err(refused)?;
        Ok((record, secret))
    }

    /// Revokes a token, and with it the sessions of the dashboard that it opened.
    pub(super) async fn revoke_token(&self, id: &TokenId, actor: Actor) -> Result<TokenRecord, ApiError> {
        let revoke = RevokeToken { id: id.clone(), actor };
        self.ports.registry(revoke).await?.reply.map_err(refused)
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
            let message = "Another token has this name, or had it before it ended. The audit log calls tokens by their names: take another one.";
            ApiError {
                field: Some("name".into()),
                ..ApiError::new(StatusCode::CONFLICT, "token_name_taken", message)
            }
        }
        TokenRefusal::OutlastsMaker(end) => {
            let end = end.to_rfc3339();
            ApiError::invalid(
                "expires_at",
                &format!("expected a time up to {end}, when your own token ends"),
            )
        }
        TokenRefusal::TooMany => {
            let message = "There are too many tokens. Revoke one first.";
            ApiError::new(StatusCode::CONFLICT, "too_many_tokens", message)
        }
        TokenRefusal::Unknown => ApiError::new(StatusCode::NOT_FOUND, "token_unknown", "There is no such token."),
    }
}
