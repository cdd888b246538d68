//! `/sso/sign-in`: from an e-mail address to the identity provider of its domain.

use http::{Method, StatusCode};

use super::error::BrowserError;
use super::http::{
    BROWSER_COOKIE, Request, Response, cookie, field, has_media_type, is_from_ourselves, see_other, set_cookie,
};
use super::ledger::{AskAgain, Asked, Begin, GiveUp, Refusal};
use super::ports::{LogLine, Ports, Unavailable};
use super::{App, page, registry};
use crate::limits::BROWSER_SECONDS;
use crate::saml::authn_request::AuthnRequest;
use crate::saml::binding::{MessageKind, post_value, redirect_query, redirect_url};
use crate::saml::connection::{Binding, Connection, Endpoint, State};
use crate::saml::id::{ConnectionId, EmailAddress, EndpointUrl, RequestId, ReturnPath};
use crate::saml::reject::Reject;
use crate::saml::settings::LoginHint;
use crate::saml::validate::DEFAULT_SKEW_SECONDS;
use crate::token::Token;

/// The same for every address that leads nowhere, so that the form tells nobody who our customers are.
const NO_SIGN_IN: &str =
    "There is no single sign-on for this address. Check it, or ask the people who run your sign-in.";
const NO_ANSWER: &str =
    "Your organization's sign-in did not answer our request. Continue to try once more, or ask the people who run it.";
const NOT_AN_ADDRESS: &str = "Enter an e-mail address such as ada@company.com.";

/// Marks a browser whose sign-in was begun by an answer to no request, for a moment.
const BOUNCED_COOKIE: &str = "__Host-sso_bounced";
/// Long enough for a redirect to the identity provider and back without anybody typing.
const BOUNCE_SECONDS: i64 = 30;

/// What the page or a link to it asks for.
struct Wish {
    email: Option<String>,
    connection: Option<String>,
    return_to: Option<String>,
    /// Whether no page is to be shown on the way.
    passive: bool,
    /// Whether it comes from an answer that nobody asked for.
    bounced: bool,
}

impl Wish {
    fn read(encoded: &[u8]) -> Result<Self, BrowserError> {
        let read = |name| field(encoded, name).map_err(|_| BrowserError::Malformed(StatusCode::BAD_REQUEST));
        Ok(Self {
            email: read("email")?.map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()),
            connection: read("connection")?,
            return_to: read("return_to")?,
            passive: read("passive")?.as_deref() == Some("true"),
            bounced: read("bounced")?.as_deref() == Some("true"),
        })
    }
}

impl<P: Ports> App<P> {
    /// `GET`: the form; straight on when the link names an e-mail address or a connection.
    pub(super) async fn show_sign_in(&self, request: &Request) -> Result<Response, BrowserError> {
        let wish = Wish::read(request.uri().query().unwrap_or_default().as_bytes())?;
        let session = self.session(request).await?;
        let hinted = wish.email.is_some() || wish.connection.is_some();
        // Another site may begin a first sign-in by a link, but not replace a session: then somebody has to press the button.
        let unattended = session.is_none() || is_from_ourselves(request, &self.config.origin);
        if hinted && unattended && request.method() != Method::HEAD {
            return if wish.bounced {
                self.begin_once(request, &wish).await
            } else {
                self.begin(request, &wish).await
            };
        }
        match session {
            Some((_, session)) if wish.return_to.is_none() && !hinted => {
                let email = session.user.identity.email.as_str();
                Ok(page::signed_in(email, self.config.development))
            }
            _ => Ok(self.form(StatusCode::OK, &wish, None)),
        }
    }

    /// `POST`: from the form.
    pub(super) async fn begin_from_form(&self, request: &Request) -> Result<Response, BrowserError> {
        self.check_own_form(request)?;
        self.begin(request, &Wish::read(request.body())?).await
    }

    /// Checks that a form was sent from one of our own pages, as those send theirs.
    pub(super) fn check_own_form(&self, request: &Request) -> Result<(), BrowserError> {
        if !is_from_ourselves(request, &self.config.origin) {
            return Err(BrowserError::ForeignForm);
        }
        if !has_media_type(request, "application/x-www-form-urlencoded") {
            return Err(BrowserError::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        Ok(())
    }

    /// Begins a sign-in for somebody who brought an answer to no request, and not again right after: an identity provider that
    /// never says what it answers would go round in circles.
    async fn begin_once(&self, request: &Request, wish: &Wish) -> Result<Response, BrowserError> {
        if cookie(request, BOUNCED_COOKIE).is_some() {
            let mut response = self.form(StatusCode::OK, wish, Some(NO_ANSWER));
            set_cookie(&mut response, BOUNCED_COOKIE, "", 0);
            return Ok(response);
        }
        let mut response = self.begin(request, wish).await?;
        set_cookie(&mut response, BOUNCED_COOKIE, "1", BOUNCE_SECONDS);
        Ok(response)
    }

    async fn begin(&self, request: &Request, wish: &Wish) -> Result<Response, BrowserError> {
        let typed = wish.email.as_deref().and_then(|e| EmailAddress::parse_typed(e).ok());
        let serves = |connection: &Connection| {
            wish.connection.is_some() || typed.as_ref().is_some_and(|e| connection.domains.contains(e.domain()))
        };
        let connection = match (&wish.connection, &wish.email) {
            (Some(id), _) => match ConnectionId::parse(id) {
                Ok(id) => self.replicated_connection(&id).await?,
                Err(_) => None,
            },
            (None, Some(_)) => match &typed {
                Some(email) => self.connection_of(email).await?,
                None => return Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NOT_AN_ADDRESS))),
            },
            (None, None) => return Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NOT_AN_ADDRESS))),
        };
        if let Some(mut connection) = connection {
            // KV may lag behind the ledger; read the registry once when it does.
            for _ in 0..2 {
                match self
                    .send_to_identity_provider(request, wish, typed.as_ref(), &connection)
                    .await?
                {
                    Ok(response) => return Ok(response),
                    Err(Refusal::StaleGeneration) => match self.registered_connection(&connection.id).await? {
                        Some(current) if serves(&current) => connection = current,
                        _ => break,
                    },
                    Err(Refusal::NotYetKnown) => return Err(Unavailable("the ledger is behind".to_owned()).into()),
                    Err(_) => break,
                }
            }
        }
        Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NO_SIGN_IN)))
    }

    /// The connection that has claimed the domain of `email`. Reads KV as often for an unknown domain as for a known one.
    async fn connection_of(&self, email: &EmailAddress) -> Result<Option<Connection>, BrowserError> {
        const NONE: &str = "connection:none";
        let claimed = self.ports.read_config(&registry::domain_key(email.domain())).await?;
        let Some(id) = claimed.and_then(|id| ConnectionId::parse(&id).ok()) else {
            self.ports.read_config(NONE).await?;
            return Ok(None);
        };
        let connection = self.replicated_connection(&id).await?;
        // The two keys are written one after the other, so either may be older.
        Ok(connection.filter(|c| c.domains.contains(email.domain())))
    }

    /// A connection as the registry has it: current.
    pub(super) async fn registered_connection(&self, id: &ConnectionId) -> Result<Option<Connection>, Unavailable> {
        Ok(self.ports.registry(registry::Read { id: id.clone() }).await?.reply)
    }

    /// Remembers the request and sends the browser off with it.
    async fn send_to_identity_provider(
        &self,
        request: &Request,
        wish: &Wish,
        typed: Option<&EmailAddress>,
        connection: &Connection,
    ) -> Result<Result<Response, Refusal>, BrowserError> {
        let Some(endpoint) = self.sign_on_endpoint(connection) else {
            return Ok(Err(Refusal::Disabled));
        };
        let browser = self.browser(request)?;
        let service_provider = connection.service_provider(&self.config.origin);
        let (subject, parameter) = match connection.requests.login_hint {
            LoginHint::LoginHintParameter => (None, typed),
            LoginHint::Off => (None, None),
            LoginHint::SubjectNameId => (typed, None),
        };
        let authn_request = AuthnRequest::new(
            &self.ports.random()?,
            self.ports.now(),
            &endpoint.url,
            &service_provider,
            &connection.requests,
        )
        .about(subject)
        .passive(wish.passive);
        let begun = self.ports.ledger(
            &connection.id,
            Begin {
                generation: connection.generation,
                request_id: authn_request.id().clone(),
                browser: browser.hash(),
                return_path: self.return_path(wish.return_to.as_deref()),
                lifetime_seconds: connection.requests.lifetime_seconds(),
                asked: Asked {
                    email: typed.cloned(),
                    passive: wish.passive,
                    authn_not_before: (connection.requests.force_authn)
                        .then(|| self.ports.now().plus(-DEFAULT_SKEW_SECONDS)),
                    name_id_format: authn_request.asks_name_id_format(),
                },
            },
        );
        if let Err(refusal) = begun.await? {
            return Ok(Err(refusal));
        }
        let target = parameter.map(|email| {
            let name = connection.provider.login_hint_parameter();
            endpoint.url.with_parameter(name, email.as_str())
        });
        let target = target.as_ref().unwrap_or(&endpoint.url);
        let mut response = self.send(&authn_request, connection, endpoint.binding, target).await?;
        set_cookie(&mut response, BROWSER_COOKIE, browser.reveal(), BROWSER_SECONDS);
        Ok(Ok(response))
    }

    /// Asks once more, without a NameID format, when the identity provider refused the one that `refused` asked for. `None` when
    /// that request is not pending or asked for none.
    ///
    /// The refusal may be anybody's: who knows the ID of a pending request can have it replaced by one for the same browser, no
    /// more.
    pub(super) async fn ask_again(
        &self,
        connection: &Connection,
        refused: RequestId,
    ) -> Result<Option<Response>, Unavailable> {
        let endpoint = self.sign_on_endpoint(connection);
        let Some(endpoint) = endpoint.filter(|_| connection.requests.name_id_format.is_some()) else {
            return Ok(None);
        };
        let service_provider = connection.service_provider(&self.config.origin);
        let authn_request = AuthnRequest::new(
            &self.ports.random()?,
            self.ports.now(),
            &endpoint.url,
            &service_provider,
            &connection.requests,
        )
        .with_any_name_id_format();
        let ask_again = AskAgain {
            generation: connection.generation,
            refused,
            request_id: authn_request.id().clone(),
            lifetime_seconds: connection.requests.lifetime_seconds(),
        };
        match self.ports.ledger(&connection.id, ask_again).await? {
            Ok(()) => {}
            Err(_) => return Ok(None),
        }
        let response = self
            .send(&authn_request, connection, endpoint.binding, &endpoint.url)
            .await?;
        self.ports.log(&LogLine {
            event: "asked_again_without_name_id_format",
            reference: None,
            connection: Some(&connection.id),
            code: None,
            detail: None,
        });
        Ok(Some(response))
    }

    /// Where to go when the identity provider could not sign anybody in without showing a page, as `request` asked. `None` when
    /// that request is not pending or asked for no such thing.
    pub(super) async fn give_up(
        &self,
        connection: &Connection,
        request: RequestId,
    ) -> Result<Option<Response>, Unavailable> {
        let give_up = GiveUp {
            generation: connection.generation,
            request_id: request,
        };
        let path = self.ports.ledger(&connection.id, give_up).await?;
        Ok(path.ok().map(|path| see_other(path.as_str())))
    }

    /// Sends the browser to `target` with a request that the ledger remembers, signed if the connection's are.
    async fn send(
        &self,
        request: &AuthnRequest<'_>,
        connection: &Connection,
        binding: Binding,
        target: &EndpointUrl,
    ) -> Result<Response, Unavailable> {
        // A handle that says nothing; the pending request is found by InResponseTo.
        let relay_state = Token::new(&self.ports.random()?);
        let mut message = request.to_xml();
        Ok(match binding {
            Binding::Post => {
                if connection.signs_requests() {
                    message = self.sign_message(&message).await?;
                }
                page::post_to_idp(target, &post_value(&message), relay_state.reveal())
            }
            Binding::Redirect => {
                let mut query = redirect_query(MessageKind::Request, &message, Some(relay_state.reveal()));
                if connection.signs_requests() {
                    query = self.sign_query(&query).await?;
                }
                see_other(&redirect_url(target, &query))
            }
        })
    }

    /// Where browsers are sent to sign in, if they may be.
    fn sign_on_endpoint<'c>(&self, connection: &'c Connection) -> Option<&'c Endpoint> {
        let endpoint = connection.identity_provider.as_ref()?.sign_on_endpoint()?;
        (connection.state == State::Enabled && self.may_send_to(&endpoint.url)).then_some(endpoint)
    }

    /// Where to go after sign-in; a wish that is not a path of ours is not granted.
    pub(super) fn return_path(&self, wish: Option<&str>) -> ReturnPath {
        wish.and_then(|path| ReturnPath::parse(path).ok())
            .unwrap_or_else(|| self.config.default_return_path.clone())
    }

    fn form(&self, status: StatusCode, wish: &Wish, error: Option<&str>) -> Response {
        // Control characters come from no keyboard, and have no place in a page.
        let shown = |text: &Option<String>| {
            text.clone()
                .filter(|t| !t.chars().any(char::is_control))
                .unwrap_or_default()
        };
        let content = page::SignIn {
            // One that led nowhere is not tried again.
            connection: &shown(&wish.connection.clone().filter(|_| error.is_none())),
            email: &shown(&wish.email),
            return_to: &shown(&wish.return_to),
            error,
        };
        page::sign_in(status, &content, self.config.development)
    }
}

/// What a ledger's refusal means to the person who signs in.
pub(super) fn reject_of(refusal: &Refusal) -> Reject {
    match refusal {
        Refusal::AssertionReused => Reject::AssertionReused,
        Refusal::AuthnTooOld => Reject::AuthnTooOld,
        Refusal::BrowserMismatch => Reject::BrowserMismatch,
        Refusal::EmailDiffers => Reject::EmailDiffersFromTyped,
        Refusal::NewUser => Reject::JitDisabled,
        Refusal::Disabled | Refusal::StaleGeneration | Refusal::NotYetKnown => Reject::ConnectionDisabled,
        Refusal::RequestAnswered => Reject::RequestAlreadyAnswered,
        Refusal::RequestExpired { .. } | Refusal::SessionEnded => Reject::RequestExpired,
        Refusal::RequestUnknown => Reject::InResponseToUnknown,
    }
}
