//! `/sso/saml/{connection}/acs` and `…/complete`: from a posted response to a session.
//!
//! The POST comes from the identity provider's page, cross-site, so it carries no `Lax` cookie of ours and proves nothing
//! about the browser. It only exchanges the response for a ticket. The browser then makes a same-site GET with its cookie,
//! and only the browser that began the sign-in gets the session (SAML Profiles 4.1.5 leaves this to us).

use http::StatusCode;

use super::App;
use super::error::BrowserError;
use super::http::{
    BROWSER_COOKIE, Request, Response, SESSION_COOKIE, cookie, field, has_media_type, see_other, set_cookie,
};
use super::ledger::{Complete, Consume, EndSession, Refusal, User, user_id};
use super::ports::{LogLine, Ports, Unavailable};
use super::session::session_cookie;
use super::sign_in::reject_of;
use crate::dsig::{Policy, Sha1};
use crate::saml::binding::{PostForm, read_post_form};
use crate::saml::connection::{Connection, State};
use crate::saml::id::ConnectionId;
use crate::saml::reject::{IdpStatus, Reject};
use crate::saml::response;
use crate::saml::validate::{self, Expect, Login};
use crate::token::Token;

impl<P: Ports> App<P> {
    /// The assertion consumer service (SAML Profiles 4.1.4).
    pub(super) async fn consume_response(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Response, BrowserError> {
        let refused = |reject| BrowserError::Refused {
            connection: id.clone(),
            reject,
        };
        if !has_media_type(request, "application/x-www-form-urlencoded") {
            return Err(BrowserError::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let mut connection = self
            .replicated_connection(id)
            .await?
            .ok_or_else(|| refused(Reject::ConnectionUnknown))?;
        if request.uri().query().is_some_and(|q| !q.is_empty()) {
            return Err(refused(Reject::FormMalformed));
        }
        let form = read_post_form(request.body()).map_err(refused)?;
        // KV may lag behind the ledger; verify once more with the registry's record when it does.
        for _ in 0..2 {
            match self.exchange(&connection, &form).await? {
                Ok(ticket) => {
                    return Ok(see_other(&format!(
                        "/sso/saml/{id}/complete?ticket={}",
                        ticket.reveal()
                    )));
                }
                Err(Exchange::Rejected(reject)) => {
                    let again = match &reject {
                        Reject::IdpStatus {
                            status: IdpStatus::InvalidNameIdPolicy,
                            ..
                        } => self.ask_again_about(&connection, &form).await?,
                        _ => None,
                    };
                    return again.ok_or_else(|| refused(reject));
                }
                Err(Exchange::Stale) => {
                    connection = self
                        .registered_connection(id)
                        .await?
                        .ok_or_else(|| refused(Reject::ConnectionUnknown))?;
                }
            }
        }
        Err(Unavailable("the connection changes faster than it can be read".to_owned()).into())
    }

    /// The request once more without a NameID format, if that was what the identity provider refused.
    async fn ask_again_about(&self, connection: &Connection, form: &PostForm) -> Result<Option<Response>, Unavailable> {
        let Some(refused) = response::request_id_hint(&form.message) else {
            return Ok(None);
        };
        let again = self.ask_again(connection, refused).await?;
        if again.is_some() {
            self.ports.log(&LogLine {
                event: "asked_again_without_name_id_format",
                reference: None,
                connection: Some(&connection.id),
                code: None,
                detail: None,
            });
        }
        Ok(again)
    }

    /// Verifies the response against `connection`, then uses up its assertion in one hop to the ledger.
    async fn exchange(
        &self,
        connection: &Connection,
        form: &PostForm,
    ) -> Result<Result<Token, Exchange>, BrowserError> {
        let login = match self.verify(connection, form) {
            Ok(login) => login,
            Err(reject) => return Ok(Err(Exchange::Rejected(reject))),
        };
        let sp_entity_id = connection.service_provider(&self.config.origin).entity_id;
        let user = match user(connection, &sp_entity_id, &login) {
            Ok(user) => user,
            Err(reject) => return Ok(Err(Exchange::Rejected(reject))),
        };
        let ticket = Token::new(&self.ports.random()?);
        let consumed = self.ports.ledger(
            &connection.id,
            Consume {
                generation: connection.generation,
                request_id: login.in_response_to().clone(),
                assertion_id: login.assertion_id().clone(),
                remember_until: login.remember_until(),
                ticket: ticket.hash(),
                user,
                session_not_on_or_after: login.session_not_on_or_after(),
                authn_instant: login.authn_instant(),
            },
        );
        match consumed.await? {
            Ok(()) => Ok(Ok(ticket)),
            Err(Refusal::StaleGeneration) => Ok(Err(Exchange::Stale)),
            Err(Refusal::NotYetKnown) => Err(Unavailable("the ledger is behind".to_owned()).into()),
            Err(refusal) => Ok(Err(Exchange::Rejected(reject_of(refusal)))),
        }
    }

    fn verify(&self, connection: &Connection, form: &PostForm) -> Result<Login, Reject> {
        let idp = connection.identity_provider.as_ref().ok_or(Reject::ConnectionUnknown)?;
        if connection.state != State::Enabled {
            return Err(Reject::ConnectionDisabled);
        }
        let keys = idp.keys();
        let policy = Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        };
        let response = response::open(&form.message, &policy)?;
        let service_provider = connection.service_provider(&self.config.origin);
        validate::login(
            &response,
            &Expect::of(connection, idp, &service_provider, self.ports.now()),
        )
    }

    /// Gives the session to the browser that began the sign-in.
    pub(super) async fn complete_sign_in(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Response, BrowserError> {
        let refused = |reject| BrowserError::Refused {
            connection: id.clone(),
            reject,
        };
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let ticket = field(query, "ticket").ok().flatten().and_then(|t| Token::parse(&t));
        let ticket = ticket.ok_or(BrowserError::Malformed(StatusCode::BAD_REQUEST))?;
        self.replicated_connection(id)
            .await?
            .ok_or_else(|| refused(Reject::ConnectionUnknown))?;
        // A fresh token for every sign-in: whatever session cookie the browser brought is not continued.
        let session = Token::new(&self.ports.random()?);
        let completed = self.ports.ledger(
            id,
            Complete {
                ticket: ticket.hash(),
                browser: cookie(request, BROWSER_COOKIE).and_then(Token::parse).map(|b| b.hash()),
                session: session.hash(),
            },
        );
        match completed.await? {
            Ok(completed) => {
                // The session that this browser had before is over; it could not be ended later, without its cookie.
                if let Some((previous, token)) = session_cookie(request) {
                    let ended = EndSession { session: token.hash() };
                    self.ports.ledger(&previous, ended).await?;
                }
                let mut response = see_other(completed.return_path.as_str());
                let max_age = completed.expires_at.since(self.ports.now());
                set_cookie(
                    &mut response,
                    SESSION_COOKIE,
                    &format!("{id}.{}", session.reveal()),
                    max_age,
                );
                Ok(response)
            }
            Err(refusal) => Err(refused(reject_of(refusal))),
        }
    }
}

/// Why a response was not exchanged for a ticket.
enum Exchange {
    /// It is refused.
    Rejected(Reject),
    /// The connection's record was older than the ledger's generation.
    Stale,
}

/// The user as the ledger keeps them. The key is the NameID, which must not change from one sign-in to the next.
fn user(connection: &Connection, sp_entity_id: &str, login: &Login) -> Result<User, Reject> {
    let name_id = login.name_id().filter(|n| !n.value.is_empty() && !n.is_transient());
    let name_id = name_id.ok_or(Reject::NameIdTransientAsKey)?;
    Ok(User {
        id: user_id(&connection.id, login.idp_entity_id(), sp_entity_id, name_id),
        idp_entity_id: login.idp_entity_id().clone(),
        name_id: Some(name_id.value.clone()),
        name_id_format: name_id.format.clone(),
        session_index: login.session_index().map(ToOwned::to_owned),
        identity: login.identity().clone(),
    })
}
