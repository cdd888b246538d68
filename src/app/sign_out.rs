//! `/sso/sign-out` and `…/signed-out`: the end of a session, here and then at the identity provider (SAML Profiles 4.4).

use http::StatusCode;

use super::App;
use super::error::BrowserError;
use super::http::{BROWSER_COOKIE, Request, Response, SESSION_COOKIE, field, is_from_ourselves, see_other, set_cookie};
use super::ledger::{LogoutOutcome, PendingLogout, ReadLogout, SignOut, User};
use super::page;
use super::ports::{LogLine, Ports, Unavailable};
use super::session::{browser_cookie, session_cookie};
use super::slo::SentBy;
use crate::limits::{BROWSER_SECONDS, PENDING_LOGOUT_SECONDS};
use crate::saml::assertion::NameId;
use crate::saml::binding::MessageKind;
use crate::saml::connection::{Binding, Connection};
use crate::saml::id::{ConnectionId, RequestId};
use crate::saml::logout_sent::LogoutSent;
use crate::token::Token;

const SIGN_IN: &str = "/sso/sign-in";

impl<P: Ports> App<P> {
    /// `POST /sso/sign-out`: ends the session in the ledger and forgets the cookie, then asks the identity provider to do the
    /// same, unless the form says `local=true`.
    pub(super) async fn sign_out(&self, request: &Request) -> Result<Response, BrowserError> {
        if !is_from_ourselves(request, &self.config.origin) {
            return Err(BrowserError::ForeignForm);
        }
        let only_here = match field(request.body(), "local").as_ref().map(Option::as_deref) {
            Ok(None) => false,
            Ok(Some("true")) => true,
            _ => return Err(BrowserError::Malformed(StatusCode::BAD_REQUEST)),
        };
        let mut response = match session_cookie(request) {
            Some((id, token)) => self.end_session(request, &id, &token, only_here).await?,
            None => see_other(SIGN_IN),
        };
        set_cookie(&mut response, SESSION_COOKIE, "", 0);
        Ok(response)
    }

    /// Ends the session here, which nothing at the identity provider can hinder, and gives the way on.
    async fn end_session(
        &self,
        request: &Request,
        id: &ConnectionId,
        token: &Token,
        only_here: bool,
    ) -> Result<Response, Unavailable> {
        let connection = if only_here {
            None
        } else {
            self.replicated_connection(id).await.unwrap_or_else(|unavailable| {
                self.log_logout("connection_not_read", id, &unavailable);
                None
            })
        };
        let connection = connection.filter(|c| self.logout_endpoint(c, Binding::Redirect).is_some());
        let request_id = RequestId::from_random(&self.ports.random()?);
        let browser = self.browser(request)?;
        let sign_out = SignOut {
            session: token.hash(),
            logout: connection.is_some().then(|| PendingLogout {
                request_id: request_id.clone(),
                browser: browser.hash(),
            }),
        };
        let ended = self.ports.ledger(id, sign_out).await?;
        let (Some(connection), Some(user)) = (connection, ended) else {
            return Ok(see_other(SIGN_IN));
        };
        match self.request_logout(&connection, &request_id, &user).await {
            Ok(Some(mut response)) => {
                set_cookie(&mut response, BROWSER_COOKIE, browser.reveal(), BROWSER_SECONDS);
                Ok(response)
            }
            Ok(None) => Ok(see_other(SIGN_IN)),
            Err(unavailable) => {
                self.log_logout("logout_not_sent", id, &unavailable);
                Ok(page::signed_out(LogoutOutcome::Incomplete))
            }
        }
    }

    /// Sends the browser to the identity provider with a request to end the user's session there. `None` when it is not the
    /// one that the user signed in with.
    async fn request_logout(
        &self,
        connection: &Connection,
        request_id: &RequestId,
        user: &User,
    ) -> Result<Option<Response>, Unavailable> {
        let idp = connection.identity_provider.as_ref();
        let vouched = idp.is_some_and(|idp| idp.entity_id == user.idp_entity_id);
        let endpoint = self.logout_endpoint(connection, Binding::Redirect);
        let (Some(endpoint), Some(name_id), true) = (endpoint, &user.name_id, vouched) else {
            return Ok(None);
        };
        let name_id = NameId {
            value: name_id.clone(),
            format: user.name_id_format.clone(),
            name_qualifier: user.name_qualifier.clone(),
            sp_name_qualifier: user.sp_name_qualifier.clone(),
        };
        let now = self.ports.now();
        let message = LogoutSent {
            id: request_id,
            issue_instant: now,
            destination: &endpoint.url,
            issuer: &connection.service_provider(&self.config.origin).entity_id,
        };
        let message = message.request(&name_id, &user.session_indexes, now.plus(PENDING_LOGOUT_SECONDS));
        let sent_by = SentBy {
            binding: endpoint.binding,
            url: &endpoint.url,
            relay_state: None,
        };
        self.send_logout(MessageKind::Request, &message, &sent_by)
            .await
            .map(Some)
    }

    /// `GET …/signed-out`: tells the browser that signed out how that ended at the identity provider. No message comes along, so
    /// that nothing is recorded whatever is asked.
    pub(super) async fn show_signed_out(&self, id: &ConnectionId, request: &Request) -> Result<Response, BrowserError> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let request_id = field(query, "request").ok().flatten();
        let request_id = request_id.and_then(|id| RequestId::parse(&id).ok());
        let request_id = request_id.ok_or(BrowserError::Malformed(StatusCode::BAD_REQUEST))?;
        if self.replicated_connection(id).await?.is_none() {
            return Err(BrowserError::LogoutUnknown);
        }
        let read = ReadLogout {
            request_id,
            browser: browser_cookie(request).map(|browser| browser.hash()),
        };
        let outcome = self.ports.ledger(id, read).await?;
        outcome.map(page::signed_out).map_err(|_| BrowserError::LogoutUnknown)
    }

    /// Logs what went wrong on the way of a logout that ended the session here all the same.
    pub(super) fn log_logout(&self, event: &str, connection: &ConnectionId, unavailable: &Unavailable) {
        self.ports.log(&LogLine {
            connection: Some(connection),
            detail: Some(&unavailable.0),
            ..LogLine::of(event)
        });
    }
}
