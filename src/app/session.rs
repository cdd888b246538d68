//! `/sso/session`: who is signed in.

use http::StatusCode;
use serde::Serialize;

use super::App;
use super::error::{ApiError, BrowserError};
use super::http::{BROWSER_COOKIE, Request, Response, SESSION_COOKIE, cookie, json};
use super::ledger::{ReadSession, Session};
use super::ports::{Ports, Unavailable};
use crate::saml::id::ConnectionId;
use crate::token::Token;

/// What `GET /sso/session` answers when somebody is signed in.
#[derive(Debug, Serialize)]
struct SessionView<'a> {
    connection: &'a ConnectionId,
    user: UserView<'a>,
    signed_in_at: String,
    expires_at: String,
}

#[derive(Debug, Serialize)]
struct UserView<'a> {
    id: &'a str,
    email: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    groups: &'a [String],
}

impl<P: Ports> App<P> {
    /// The session of the browser that asks, with its connection.
    pub(super) async fn session(&self, request: &Request) -> Result<Option<(ConnectionId, Session)>, Unavailable> {
        let Some((connection, token)) = session_cookie(request) else {
            return Ok(None);
        };
        let session = self
            .ports
            .ledger(&connection, ReadSession { session: token.hash() })
            .await?;
        Ok(session.map(|session| (connection, session)))
    }

    /// The browser's own token: the one that it has, or a new one.
    pub(super) fn browser(&self, request: &Request) -> Result<Token, Unavailable> {
        match browser_cookie(request) {
            Some(browser) => Ok(browser),
            None => Ok(Token::new(&self.ports.random()?)),
        }
    }

    /// `GET /sso/session`.
    pub(super) async fn show_session(&self, request: &Request) -> Result<Response, BrowserError> {
        let (connection, session) = match self.session(request).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                let error = ApiError::new(
                    StatusCode::UNAUTHORIZED,
                    "not_signed_in",
                    "Nobody is signed in. Send the browser to /sso/sign-in.",
                );
                return Ok(error.response());
            }
            Err(unavailable) => return Ok(ApiError::from(unavailable).response()),
        };
        let identity = &session.user.identity;
        Ok(json(
            StatusCode::OK,
            &SessionView {
                connection: &connection,
                user: UserView {
                    id: &session.user.id,
                    email: identity.email.as_str(),
                    first_name: identity.first_name.as_deref(),
                    last_name: identity.last_name.as_deref(),
                    groups: &identity.groups,
                },
                signed_in_at: session.created_at.to_rfc3339(),
                expires_at: session.expires_at.to_rfc3339(),
            },
        ))
    }
}

/// The browser's own token, if it has one.
pub(super) fn browser_cookie(request: &Request) -> Option<Token> {
    cookie(request, BROWSER_COOKIE).and_then(Token::parse)
}

/// The session cookie's parts: the connection whose ledger knows it, and its token.
pub(super) fn session_cookie(request: &Request) -> Option<(ConnectionId, Token)> {
    let (connection, token) = cookie(request, SESSION_COOKIE)?.split_once('.')?;
    Some((ConnectionId::parse(connection).ok()?, Token::parse(token)?))
}
