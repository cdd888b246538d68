//! `/sso/saml/{connection}/slo`: the single logout service (SAML Profiles 4.4).
//!
//! Messages come through the browser, from another site: no cookie of ours comes along, and nothing is known of who brings
//! them. So nothing is done but what a verified message says, and that is to end sessions of the user whom it names. They
//! are found in the connection's ledger. An answer to a request of ours ends nothing: the session was ended before the
//! request was sent.

use http::{Method, StatusCode};

use super::App;
use super::attempt::Failure;
use super::decryption_keys::DecryptionKeys;
use super::error::{BrowserError, Evidence};
use super::http::{Request, Response, has_media_type, see_other};
use super::ledger::{About, AnswerLogout, EndUserSessions, LogoutOutcome, Refusal, SignedMessage, Step, user_id};
use super::page;
use super::ports::{LogLine, Ports, Unavailable};
use super::sign_in::reject_of;
use crate::dsig::{Policy, Sha1, Verified};
use crate::limits::MAX_RETURNED_RELAY_STATE_BYTES;
use crate::saml::assertion::NameId;
use crate::saml::binding::{MessageKind, post_value, read_logout_form, redirect_query, redirect_url};
use crate::saml::connection::{Binding, Connection, IdentityProvider, LogoutEndpoint};
use crate::saml::id::{ConnectionId, EndpointUrl, RequestId};
use crate::saml::logout::{
    self, LogoutContent, LogoutExpect, LogoutMessage, LogoutRequest, LogoutResponse, LogoutSubject,
};
use crate::saml::logout_sent::{LogoutSent, LogoutStatus};
use crate::saml::redirect::open_logout;
use crate::saml::reject::{Reject, Shape};
use crate::saml::validate::DEFAULT_SKEW_SECONDS;

/// How a message of ours is sent.
pub(super) struct SentBy<'a> {
    /// By which binding.
    pub(super) binding: Binding,
    /// Where to.
    pub(super) url: &'a EndpointUrl,
    /// With which `RelayState`, if any.
    pub(super) relay_state: Option<&'a str>,
}

/// A message whose signature held.
struct Incoming {
    message: Verified<LogoutMessage>,
    relay_state: Option<String>,
    binding: Binding,
}

impl<P: Ports> App<P> {
    /// The single logout service. It serves a disabled connection too: a verified message only ever ends sessions, and those
    /// of a disabled connection live on until they are ended.
    pub(super) async fn single_logout(&self, id: &ConnectionId, request: &Request) -> Result<Response, BrowserError> {
        if request.method() == Method::POST && !has_media_type(request, "application/x-www-form-urlencoded") {
            return Err(BrowserError::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let refused = |reject, about| BrowserError::logout_refused(id, reject, about);
        let connection = self
            .replicated_connection(id)
            .await?
            .ok_or_else(|| refused(Reject::ConnectionUnknown, About::Unknown))?;
        self.with_current(connection, async |connection| {
            self.take_message(connection, request).await
        })
        .await
        .map_err(|failure| match failure {
            // Only one that was deleted refuses to end sessions.
            Failure::Ledger(Refusal::Disabled, about) => refused(Reject::ConnectionUnknown, about),
            Failure::Ledger(refusal, about) => refused(reject_of(&refusal), about),
            Failure::Rejected(reject, about) => refused(reject, about),
            Failure::Unavailable(unavailable) => unavailable.into(),
        })
    }

    async fn take_message(&self, connection: &Connection, request: &Request) -> Result<Response, Failure> {
        let idp = connection.identity_provider.as_ref().ok_or(Reject::ConnectionUnknown)?;
        let now = self.ports.now();
        let incoming = open(idp, connection.responses.sha1(now), request)?;
        let message = incoming.message.get();
        let checked = message.check(&LogoutExpect {
            issuer: Some(&idp.entity_id),
            destination: Some(&connection.service_provider(&self.config.origin).slo_url),
            now,
            skew_seconds: DEFAULT_SKEW_SECONDS,
        });
        let done = match (&message.content, checked) {
            (LogoutContent::Request(request), Ok(())) => self.end_sessions(connection, idp, &incoming, request).await,
            (LogoutContent::Response(response), Ok(())) => self.note_answer(connection, message, response, None).await,
            // An error is an answer too.
            (LogoutContent::Response(response), Err(failure @ Reject::IdpStatus { .. })) => {
                self.note_answer(connection, message, response, Some(&failure)).await
            }
            (_, Err(reject)) => Err(reject.into()),
        };
        done.map_err(|failure| failure.about(&signed(message)))
    }

    /// Ends the sessions that the identity provider names, and answers it (SAML Core 3.7.3.1, Profiles 4.4.3.4).
    async fn end_sessions(
        &self,
        connection: &Connection,
        idp: &IdentityProvider,
        incoming: &Incoming,
        request: &LogoutRequest,
    ) -> Result<Response, Failure> {
        let endpoint = self.logout_endpoint(connection, incoming.binding);
        let status = match self.end_named(connection, idp, &incoming.message, request).await {
            Ok(()) => LogoutStatus::Success,
            // The others that take part in the logout must not wait for us.
            Err(Failure::Rejected(reject, _)) if endpoint.is_some() => {
                let evidence = Evidence::of(signed(incoming.message.get()));
                self.record_refusal(&connection.id, &reject, Step::LogoutRefused, evidence)
                    .await;
                LogoutStatus::Responder
            }
            Err(Failure::Unavailable(unavailable)) if endpoint.is_some() => {
                self.log_logout("sessions_not_ended", &connection.id, &unavailable);
                LogoutStatus::Responder
            }
            Err(failure) => return Err(failure),
        };
        let answered = match endpoint {
            Some(endpoint) => self.answer(connection, endpoint, incoming, status).await,
            None => Ok(page::signed_out(LogoutOutcome::Complete)),
        };
        Ok(answered.unwrap_or_else(|unavailable| {
            self.log_logout("logout_not_answered", &connection.id, &unavailable);
            page::signed_out(LogoutOutcome::Incomplete)
        }))
    }

    async fn end_named(
        &self,
        connection: &Connection,
        idp: &IdentityProvider,
        message: &Verified<LogoutMessage>,
        request: &LogoutRequest,
    ) -> Result<(), Failure> {
        let name_id = self.open_name_id(connection, message, request).await?;
        let sp_entity_id = connection.service_provider(&self.config.origin).entity_id;
        let message = message.get();
        let reference = super::reference(&self.ports.random()?);
        let end = EndUserSessions {
            generation: connection.generation,
            request_id: message.id.clone(),
            user_id: user_id(&connection.id, &idp.entity_id, &sp_entity_id, name_id.get()),
            session_indexes: request.session_indexes.clone(),
            issued_at: message.issue_instant,
            remember_until: message.not_on_or_after().plus(DEFAULT_SKEW_SECONDS),
            reference: reference.clone(),
        };
        // That nothing was ended is a success too: who is not known here is not signed in here. The log tells that it was so.
        if let Some(ended) = self.ports.ledger(&connection.id, end).await?? {
            self.ports.log(&LogLine {
                reference: Some(&reference),
                connection: Some(&connection.id),
                detail: Some(&ended.to_string()),
                ..LogLine::of("sessions_ended")
            });
        }
        Ok(())
    }

    /// Whose sessions are to end. An `EncryptedID` is opened with the connection's keys, if it decrypts.
    async fn open_name_id(
        &self,
        connection: &Connection,
        message: &Verified<LogoutMessage>,
        request: &LogoutRequest,
    ) -> Result<Verified<NameId>, Failure> {
        let keys = match request.subject {
            LogoutSubject::NameId(_) => DecryptionKeys::none(),
            LogoutSubject::Encrypted(_) if connection.responses.decrypt_assertions => {
                self.decryption_keys(connection).await?
            }
            LogoutSubject::Encrypted(_) => return Err(Reject::EncryptedUnexpected.into()),
        };
        Ok(logout::name_id(message, &keys).await?)
    }

    /// Notes the answer to a request of ours, and lets the browser that signed out see it (Profiles 4.4.3.5).
    async fn note_answer(
        &self,
        connection: &Connection,
        message: &LogoutMessage,
        response: &LogoutResponse,
        failure: Option<&Reject>,
    ) -> Result<Response, Failure> {
        let request_id = response.in_response_to.as_deref();
        let request_id = request_id.and_then(|id| RequestId::parse(id).ok());
        let request_id = request_id.ok_or(Reject::InResponseToUnknown)?;
        let outcome = if failure.is_some() || response.is_partial {
            LogoutOutcome::Incomplete
        } else {
            LogoutOutcome::Complete
        };
        let answer = AnswerLogout {
            generation: connection.generation,
            request_id: request_id.clone(),
            outcome,
        };
        let noted = self.ports.ledger(&connection.id, answer).await?;
        noted.map_err(Failure::from)?;
        if let Some(failure) = failure {
            let evidence = Evidence::of(signed(message));
            self.record_refusal(&connection.id, failure, Step::LogoutFailed, evidence)
                .await;
        }
        Ok(see_other(&format!(
            "/sso/saml/{}/signed-out?request={request_id}",
            connection.id
        )))
    }

    /// Answers a request of the identity provider's. "It MUST place the exact `RelayState` data it received with the request
    /// into the corresponding `RelayState` parameter in the response" (Bindings 3.4.3, 3.5.3), if it was not longer than it may be.
    async fn answer(
        &self,
        connection: &Connection,
        endpoint: &LogoutEndpoint,
        incoming: &Incoming,
        status: LogoutStatus,
    ) -> Result<Response, Unavailable> {
        let message = LogoutSent {
            id: &RequestId::from_random(&self.ports.random()?),
            issue_instant: self.ports.now(),
            destination: endpoint.for_responses(),
            issuer: &connection.service_provider(&self.config.origin).entity_id,
        };
        let message = message.response(&incoming.message.get().id, status);
        let relay_state = incoming.relay_state.as_deref();
        let sent_by = SentBy {
            binding: endpoint.binding,
            url: endpoint.for_responses(),
            relay_state: relay_state.filter(|state| state.len() <= MAX_RETURNED_RELAY_STATE_BYTES),
        };
        self.send_logout(MessageKind::Response, &message, &sent_by).await
    }

    /// Where logout messages for the connection's identity provider go, if browsers may be sent there: by the binding that
    /// is preferred, if there is a choice.
    pub(super) fn logout_endpoint<'c>(
        &self,
        connection: &'c Connection,
        preferred: Binding,
    ) -> Option<&'c LogoutEndpoint> {
        let endpoint = connection.identity_provider.as_ref()?.logout_endpoint(preferred)?;
        (self.may_send_to(&endpoint.url) && self.may_send_to(endpoint.for_responses())).then_some(endpoint)
    }

    /// Signs a logout message, as each must be (Profiles 4.4.4.1, 4.4.4.2), and sends the browser off with it.
    pub(super) async fn send_logout(
        &self,
        kind: MessageKind,
        message: &str,
        sent_by: &SentBy<'_>,
    ) -> Result<Response, Unavailable> {
        let SentBy {
            binding,
            url,
            relay_state,
        } = *sent_by;
        Ok(match binding {
            Binding::Post => {
                let signed = self.sign_message(message).await?;
                page::post_logout(url, kind, &post_value(&signed), relay_state)
            }
            Binding::Redirect => {
                let query = redirect_query(kind, message, relay_state);
                see_other(&redirect_url(url, &self.sign_query(&query).await?))
            }
        })
    }
}

/// What the log is told of a message whose signature held.
fn signed(message: &LogoutMessage) -> About {
    About::Signed(Box::new(SignedMessage {
        id: message.id.to_string(),
        answers: None,
        email: None,
    }))
}

/// Opens the message that `request` carries, with the identity provider's keys.
fn open(idp: &IdentityProvider, sha1: Sha1, request: &Request) -> Result<Incoming, Reject> {
    let keys = idp.keys();
    let policy = Policy { keys: &keys, sha1 };
    let query = request.uri().query().unwrap_or_default();
    if request.method() != Method::POST {
        let (message, relay_state) = open_logout(query, &policy)?.into_parts();
        return Ok(Incoming {
            message,
            relay_state,
            binding: Binding::Redirect,
        });
    }
    if !query.is_empty() {
        return Err(Reject::FormMalformed);
    }
    let (kind, form) = read_logout_form(request.body())?;
    let message = logout::open(&form.message, &policy)?;
    match (kind, &message.get().content) {
        (MessageKind::Request, LogoutContent::Request(_)) | (MessageKind::Response, LogoutContent::Response(_)) => {
            Ok(Incoming {
                message,
                relay_state: form.relay_state,
                binding: Binding::Post,
            })
        }
        _ => Err(Reject::ResponseMalformed(Shape::LogoutRoot)),
    }
}
