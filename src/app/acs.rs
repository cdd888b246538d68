//! `/sso/saml/{connection}/acs` and `…/complete`: from a posted response to a session.
//!
//! The POST comes from the identity provider's page, cross-site, so it carries no `Lax` cookie of ours and proves nothing
//! about the browser. It only exchanges the response for a ticket. The browser then makes a same-site GET with its cookie,
//! and only the browser that began the sign-in gets the session (SAML Profiles 4.1.5 leaves this to us).
//!
//! A response that answers no request proves nothing about any browser, now or later. By default it only begins a sign-in of
//! our own; where a connection takes it for one, its user is shown who they are about to be and presses a button, so that
//! nobody is signed in as somebody else without noticing (login CSRF, attack A117). Its ticket belongs to the browser that
//! shows it first, and only there the button works.

use http::StatusCode;

use super::App;
use super::attempt::Failure;
use super::error::{BrowserError, Evidence};
use super::http::{BROWSER_COOKIE, Request, Response, SESSION_COOKIE, field, has_media_type, see_other, set_cookie};
use super::ledger::{
    About, Answers, Complete, Completion, Consume, EndSession, Refusal, SignedMessage, User, user_id,
    user_id_of_attribute,
};
use super::page;
use super::ports::{Ports, Unavailable};
use super::session::session_cookie;
use super::sign_in::reject_of;
use crate::dsig::Policy;
use crate::limits::BROWSER_SECONDS;
use crate::saml::assertion::NameId;
use crate::saml::binding::{PostForm, read_post_form};
use crate::saml::connection::{Connection, IdentityProvider, State};
use crate::saml::id::{ConnectionId, EmailAddress, RequestId, ReturnPath};
use crate::saml::reject::{IdpStatus, Reject};
use crate::saml::response::{self, VerifiedResponse};
use crate::saml::settings::IdpInitiated;
use crate::saml::validate::{self, Expect, Login, UserKey};
use crate::token::Token;

impl<P: Ports> App<P> {
    /// The assertion consumer service (SAML Profiles 4.1.4).
    pub(super) async fn consume_response(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Response, BrowserError> {
        if !has_media_type(request, "application/x-www-form-urlencoded") {
            return Err(BrowserError::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let connection = self
            .replicated_connection(id)
            .await?
            .ok_or_else(|| BrowserError::refused(id, Reject::ConnectionUnknown))?;
        if request.uri().query().is_some_and(|q| !q.is_empty()) {
            return Err(BrowserError::refused(id, Reject::FormMalformed));
        }
        let form = read_post_form(request.body()).map_err(|reject| BrowserError::refused(id, reject))?;
        if let Some(test) = Self::test_hint(&form) {
            return self.answer_test(id, test, &form).await;
        }
        self.with_current(connection, async |connection| {
            self.answer_response(connection, &form).await
        })
        .await
        .map_err(|failure| match failure {
            Failure::Ledger(refusal, about) => {
                let message = Some(form.message.clone());
                refused_by_ledger(id, refusal, Evidence { about, message })
            }
            Failure::Rejected(reject, about) => BrowserError::Refused {
                connection: id.clone(),
                reject,
                return_target: None,
                evidence: Box::new(Evidence {
                    about: match about {
                        About::Unknown => About::claimed(response::request_id_hint(&form.message)),
                        known => known,
                    },
                    message: Some(form.message.clone()),
                }),
            },
            Failure::Unavailable(unavailable) => unavailable.into(),
        })
    }

    async fn answer_response(&self, connection: &Connection, form: &PostForm) -> Result<Response, Failure> {
        match self.exchange(connection, form).await {
            Ok(next) => Ok(see_other(&next)),
            Err(Failure::Rejected(reject, about)) => {
                let other = self.answer_otherwise(connection, form, &reject).await?;
                other.ok_or(Failure::Rejected(reject, about))
            }
            Err(failure) => Err(failure),
        }
    }

    /// What can be done when the identity provider refused what we had asked for: the request once more without a NameID
    /// format, or no sign-in where one without a page was asked for.
    async fn answer_otherwise(
        &self,
        connection: &Connection,
        form: &PostForm,
        reject: &Reject,
    ) -> Result<Option<Response>, Unavailable> {
        let Reject::IdpStatus { status, .. } = reject else {
            return Ok(None);
        };
        let request = || response::request_id_hint(&form.message);
        match status {
            IdpStatus::InvalidNameIdPolicy => match request() {
                Some(request) => self.ask_again(connection, request).await,
                None => Ok(None),
            },
            IdpStatus::NoPassive => match request() {
                Some(request) => self.give_up(connection, request).await,
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Verifies the response against `connection`, then uses up its assertion in one hop to the ledger; gives the address where
    /// the browser goes next. A failure tells what was known of the response by then.
    async fn exchange(&self, connection: &Connection, form: &PostForm) -> Result<String, Failure> {
        let response = self.verify(connection, form).await?;
        let of_nobody = signed(&response, None);
        let login = self.log_in(connection, &response).map_err(|f| f.about(&of_nobody))?;
        let of_user = signed(&response, Some(login.email()));
        let used = self.use_up(connection, form, &login).await;
        used.map_err(|failure| failure.about(&of_user))
    }

    /// Uses up the assertion of a sign-in that passed every rule; gives the address where the browser goes next.
    async fn use_up(&self, connection: &Connection, form: &PostForm, login: &Login) -> Result<String, Failure> {
        let sp_entity_id = connection.service_provider(&self.config.origin).entity_id;
        let user = user(connection, &sp_entity_id, login)?;
        let answers = match login.in_response_to() {
            Some(request) => Answers::Request(request.clone()),
            None => Answers::Nothing {
                return_path: self.unsolicited_target(connection, form)?,
            },
        };
        if let (Answers::Nothing { return_path }, IdpInitiated::Bounce) = (&answers, connection.idp_initiated()) {
            return Ok(bounce(&connection.id, return_path));
        }
        let ticket = Token::new(&self.ports.random()?);
        let consumed = self.ports.ledger(
            &connection.id,
            Consume {
                generation: connection.generation,
                answers,
                assertion_id: login.assertion_id().clone(),
                remember_until: login.remember_until(),
                ticket: ticket.hash(),
                user,
                require_typed_email: connection.responses.require_typed_email,
                just_in_time_sign_up: connection.responses.just_in_time_sign_up,
                session_not_on_or_after: login.session_not_on_or_after(),
                authn_instant: login.authn_instant(),
                reference: super::reference(&self.ports.random()?),
            },
        );
        let recorded = consumed.await??;
        self.capture(&connection.id, &recorded, &form.message).await;
        Ok(format!(
            "/sso/saml/{}/complete?ticket={}",
            connection.id,
            ticket.reveal()
        ))
    }

    /// Verifies the signatures of the response against the keys of `connection`, which must be enabled.
    async fn verify(&self, connection: &Connection, form: &PostForm) -> Result<VerifiedResponse, Failure> {
        let idp = identity_provider(connection)?;
        if connection.state != State::Enabled {
            return Err(Reject::ConnectionDisabled.into());
        }
        let now = self.ports.now();
        let keys = idp.keys();
        let policy = Policy {
            keys: &keys,
            sha1: connection.responses.sha1(now),
        };
        Ok(self.open(connection, &form.message, &policy).await??)
    }

    /// Decides who signs in with a verified response.
    fn log_in(&self, connection: &Connection, response: &VerifiedResponse) -> Result<Login, Failure> {
        let idp = identity_provider(connection)?;
        let service_provider = connection.service_provider(&self.config.origin);
        let expect = Expect::of(connection, idp, &service_provider, self.ports.now());
        Ok(validate::login(response, &expect)?)
    }

    /// Opens a response, in which something may be encrypted to the connection's keys if it decrypts.
    pub(super) async fn open(
        &self,
        connection: &Connection,
        octets: &[u8],
        policy: &Policy<'_>,
    ) -> Result<Result<VerifiedResponse, Reject>, Unavailable> {
        if !connection.responses.decrypt_assertions {
            return Ok(response::open(octets, policy));
        }
        let keys = self.decryption_keys(connection).await?;
        Ok(response::open_with(octets, policy, &keys).await)
    }

    /// Where a response that answers no request may lead by its `RelayState` (SAML Bindings 3.5.3).
    fn unsolicited_target(&self, connection: &Connection, form: &PostForm) -> Result<ReturnPath, Reject> {
        let Some(relay_state) = &form.relay_state else {
            return Ok(self.config.default_return_path.clone());
        };
        // A handle of ours: it does answer a request, and does not say so (attack A108).
        if Token::parse(relay_state).is_some() {
            return Err(Reject::UnsolicitedNotAllowed);
        }
        let path = relay_state.strip_prefix(self.config.origin.as_str());
        let target = ReturnPath::parse(path.unwrap_or(relay_state)).ok();
        target
            .filter(|target| connection.responses.allows_target(target))
            .ok_or(Reject::RelayStateNotAllowed)
    }

    /// Gives the session to the browser that began the sign-in.
    pub(super) async fn complete_sign_in(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Response, BrowserError> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        self.complete(id, request, query, Confirmed::No).await
    }

    /// The same for the user who has pressed the button of [`page::confirm_sign_in`].
    pub(super) async fn complete_confirmed_sign_in(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Response, BrowserError> {
        self.check_own_form(request)?;
        self.complete(id, request, request.body(), Confirmed::Yes).await
    }

    async fn complete(
        &self,
        id: &ConnectionId,
        request: &Request,
        fields: &[u8],
        confirmed: Confirmed,
    ) -> Result<Response, BrowserError> {
        let ticket = field(fields, "ticket").ok().flatten().and_then(|t| Token::parse(&t));
        let ticket = ticket.ok_or(BrowserError::Malformed(StatusCode::BAD_REQUEST))?;
        self.replicated_connection(id)
            .await?
            .ok_or_else(|| BrowserError::refused(id, Reject::ConnectionUnknown))?;
        let present = session_cookie(request);
        let browser = self.browser(request)?;
        // A fresh token for every sign-in: whatever session cookie the browser brought is not continued.
        let session = Token::new(&self.ports.random()?);
        let completed = self.ports.ledger(
            id,
            Complete {
                ticket: ticket.hash(),
                browser: browser.hash(),
                present_session: (present.as_ref())
                    .filter(|(connection, _)| connection == id)
                    .map(|(_, token)| token.hash()),
                confirmed: confirmed == Confirmed::Yes,
                session: session.hash(),
            },
        );
        match completed
            .await?
            .map_err(|refusal| refused_by_ledger(id, refusal, Evidence::of(About::Ticket(ticket.hash()))))?
        {
            Completion::Confirm { email } => {
                let mut response = page::confirm_sign_in(id, ticket.reveal(), email.as_str());
                set_cookie(&mut response, BROWSER_COOKIE, browser.reveal(), BROWSER_SECONDS);
                Ok(response)
            }
            Completion::Done(completed) => {
                // The session that this browser had before is over; it could not be ended later, without its cookie.
                if let Some((previous, token)) = present {
                    let ended = EndSession { session: token.hash() };
                    // The ticket is used up: who has signed in must not lose that by it.
                    if let Err(unavailable) = self.ports.ledger(&previous, ended).await {
                        self.log_unavailable(&unavailable);
                    }
                }
                self.note_sign_in(id, completed.reference, None, Some(completed.email));
                let mut response = self.go_on(&completed.return_target);
                // The ledger's clock may be a second ahead.
                let max_age = completed
                    .expires_at
                    .since(self.ports.now())
                    .min(completed.lasts_seconds);
                set_cookie(
                    &mut response,
                    SESSION_COOKIE,
                    &format!("{id}.{}", session.reveal()),
                    max_age,
                );
                Ok(response)
            }
        }
    }
}

/// Whether the user has said that they want to be signed in as whom they are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Confirmed {
    No,
    Yes,
}

fn refused_by_ledger(id: &ConnectionId, refusal: Refusal, evidence: Evidence) -> BrowserError {
    BrowserError::Refused {
        connection: id.clone(),
        reject: reject_of(&refusal),
        return_target: match refusal {
            Refusal::RequestExpired { return_target } => Some(return_target),
            _ => None,
        },
        evidence: Box::new(evidence),
    }
}

fn identity_provider(connection: &Connection) -> Result<&IdentityProvider, Reject> {
    connection.identity_provider.as_ref().ok_or(Reject::ConnectionUnknown)
}

/// What the log is told of a response whose signature held. The request that it answers is the one that was signed.
fn signed(response: &VerifiedResponse, email: Option<&EmailAddress>) -> About {
    let assertion = response.assertion().get();
    let mut named = assertion
        .confirmations
        .iter()
        .filter_map(|c| c.in_response_to.as_deref());
    About::Signed(Box::new(SignedMessage {
        id: assertion.id.to_string(),
        answers: named.find_map(|id| RequestId::parse(id).ok()),
        email: email.cloned(),
    }))
}

/// The address that begins a sign-in in place of the answer that nobody asked for.
fn bounce(id: &ConnectionId, return_path: &ReturnPath) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("connection", id.as_str())
        .append_pair("return_to", return_path.as_str())
        .append_pair("bounced", "true")
        .finish();
    format!("/sso/sign-in?{query}")
}

/// The user as the ledger keeps them. The key is the NameID, or the attribute that the connection names in its place.
fn user(connection: &Connection, sp_entity_id: &str, login: &Login) -> Result<User, Reject> {
    let idp = login.idp_entity_id();
    let id_of = |name_id: &NameId| user_id(&connection.id, idp, sp_entity_id, name_id);
    let (id, subject_id) = match login.user_key()? {
        UserKey::Attribute(attribute) => {
            // An empty one names nobody, and everybody would have the same.
            let subject_id = login.name_id().filter(|name_id| !name_id.value.is_empty()).map(id_of);
            (user_id_of_attribute(&connection.id, idp, attribute), subject_id)
        }
        UserKey::NameId(name_id) => (id_of(name_id), None),
    };
    let name_id = login.name_id();
    Ok(User {
        id,
        subject_id,
        idp_entity_id: idp.clone(),
        name_id: name_id.map(|name_id| name_id.value.clone()),
        name_id_format: name_id.and_then(|name_id| name_id.format.clone()),
        name_qualifier: name_id.and_then(|name_id| name_id.name_qualifier.clone()),
        sp_name_qualifier: name_id.and_then(|name_id| name_id.sp_name_qualifier.clone()),
        session_indexes: login.session_indexes().to_vec(),
        identity: login.identity().clone(),
    })
}
