//! `/sso/sign-in`: from an e-mail address to the identity provider of its domain.

use http::{Method, StatusCode};

use super::config::Config;
use super::error::BrowserError;
use super::http::{
    BROWSER_COOKIE, Request, Response, cookie, field, has_media_type, is_from_ourselves, is_from_own_page, see_other,
    set_cookie,
};
use super::ledger::{AskAgain, Asked, Begin, GiveUp, Refusal};
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::domains::Destination;
use super::return_target::ReturnTarget;
use super::{App, page, registry};
use crate::limits::{BROWSER_SECONDS, MAX_DOMAIN_LABELS, MAX_NAME_CHARACTERS};
use crate::saml::authn_request::AuthnRequest;
use crate::saml::binding::{MessageKind, post_value, redirect_query, redirect_url};
use crate::saml::connection::{Binding, Connection, Endpoint, ServiceProvider, State};
use crate::saml::id::{ConnectionId, Domain, EmailAddress, RequestId};
use crate::saml::reject::{Clock, Reject};
use crate::saml::settings::LoginHint;
use crate::saml::validate::DEFAULT_SKEW_SECONDS;
use crate::token::Token;

/// The same for every address that leads nowhere, so that the form tells nobody who our customers are.
const NO_SIGN_IN: &str =
    "There is no single sign-on for this address. Check it, or ask the people who run your sign-in.";
const NO_ANSWER: &str =
    "Your organization's sign-in did not answer our request. Continue to try once more, or ask the people who run it.";
const NOT_AN_ADDRESS: &str = "Enter an e-mail address such as ada@company.com.";

/// Read where nothing is known, in place of a connection.
const NO_CONNECTION: &str = "connection:none";

/// Marks a browser whose sign-in was begun by an answer to no request, for a moment.
const BOUNCED_COOKIE: &str = "__Host-sso_bounced";
/// Long enough for a redirect to the identity provider and back without anybody typing.
const BOUNCE_SECONDS: i64 = 30;

/// What the page or a link to it asks for.
struct Wish {
    email: Option<String>,
    connection: Option<String>,
    organization: Option<String>,
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
            organization: read("org")?.map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()),
            return_to: read("return_to")?,
            passive: read("passive")?.as_deref() == Some("true"),
            bounced: read("bounced")?.as_deref() == Some("true"),
        })
    }
}

/// Where a sign-in leads.
enum Way {
    /// To one of several; people choose.
    Choice(Vec<Destination>),
    /// Nowhere.
    Nowhere,
    /// To this connection.
    One(Box<Connection>),
}

impl<P: Ports> App<P> {
    /// `GET`: the form; straight on when the link names an e-mail address, an organization or a connection.
    pub(super) async fn show_sign_in(&self, request: &Request) -> Result<Response, BrowserError> {
        let wish = Wish::read(request.uri().query().unwrap_or_default().as_bytes())?;
        let session = self.session(request).await?;
        let hinted = wish.email.is_some() || wish.connection.is_some() || wish.organization.is_some();
        // Another site may begin a first sign-in by a link, but not replace a session: then somebody has to press the button.
        // Nor may a link in a message, which comes from no site at all.
        let unattended = session.is_none() || is_from_own_page(request);
        if hinted && unattended && request.method() != Method::HEAD {
            return if wish.bounced {
                self.begin_once(request, &wish).await
            } else {
                self.begin(request, &wish).await
            };
        }
        let Some((_, session)) = session else {
            return Ok(self.form(StatusCode::OK, &wish, None));
        };
        // Not by itself: an application that does not take the session would send the browser back here for ever.
        let target = self.return_target(wish.return_to.as_deref());
        let email = session.user.identity.email.as_str();
        Ok(with_form(&wish, None, |form| {
            let form = page::SignIn {
                is_focused: false,
                ..*form
            };
            page::signed_in(email, &target, &form, hinted, self.config.development)
        }))
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
        if wish.connection.is_none() && wish.organization.is_none() && typed.is_none() {
            return Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NOT_AN_ADDRESS)));
        }
        match self.way(wish, typed.as_ref()).await? {
            Way::Choice(destinations) if !wish.passive => Ok(self.choice(wish, &destinations)),
            // Nobody can be asked.
            Way::Choice(_) => Ok(see_other(self.return_target(wish.return_to.as_deref()).as_str())),
            Way::Nowhere => Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NO_SIGN_IN))),
            Way::One(connection) => self.begin_at(*connection, request, wish, typed.as_ref()).await,
        }
    }

    async fn begin_at(
        &self,
        mut connection: Connection,
        request: &Request,
        wish: &Wish,
        typed: Option<&EmailAddress>,
    ) -> Result<Response, BrowserError> {
        // KV may lag behind the ledger; read the registry once when it does.
        for _ in 0..2 {
            match self
                .send_to_identity_provider(request, wish, typed, &connection)
                .await?
            {
                Ok(response) => return Ok(response),
                Err(Refusal::StaleGeneration) => match self.registered_connection(&connection.id).await? {
                    Some(current) if serves(&current, wish, typed) => connection = current,
                    _ => break,
                },
                Err(Refusal::NotYetKnown) => return Err(Unavailable("the ledger is behind".to_owned()).into()),
                Err(_) => break,
            }
        }
        Ok(self.form(StatusCode::UNPROCESSABLE_ENTITY, wish, Some(NO_SIGN_IN)))
    }

    /// Where `wish` leads: by the connection that it names, or else by the organization, or else by the domain of the address.
    ///
    /// Reads of KV are as many whether anything is known or not: one for the organization, one for each domain from that of the
    /// address upwards, and one for a connection.
    async fn way(&self, wish: &Wish, typed: Option<&EmailAddress>) -> Result<Way, BrowserError> {
        let found = match (&wish.connection, &wish.organization) {
            (Some(id), _) => ConnectionId::parse(id).ok(),
            (None, organization) => {
                let by_domain = match typed {
                    Some(email) => self.destinations_of_domain(email.domain()).await?,
                    None => Vec::new(),
                };
                let destinations = match organization {
                    Some(organization) => narrowed(self.destinations_of_organization(organization).await?, &by_domain),
                    None => by_domain,
                };
                if destinations.len() > 1 {
                    return Ok(Way::Choice(destinations));
                }
                destinations.into_iter().next().map(|one| one.connection)
            }
        };
        let Some(id) = found else {
            self.ports.read_config(NO_CONNECTION).await?;
            return Ok(Way::Nowhere);
        };
        let connection = self.replicated_connection(&id).await?;
        // Keys of KV are written one after the other, so any of them may be older.
        let connection = connection.filter(|connection| serves(connection, wish, typed));
        Ok(connection.map_or(Way::Nowhere, |connection| Way::One(Box::new(connection))))
    }

    /// Where a domain leads: to what is known of it itself, or else of the nearest domain above it that takes those below.
    async fn destinations_of_domain(&self, domain: &Domain) -> Result<Vec<Destination>, BrowserError> {
        // No connection has a longer one.
        let indexed = domain.and_parents().filter(|d| d.labels() <= MAX_DOMAIN_LABELS);
        let read = async |known: Domain| -> Result<Vec<Destination>, Unavailable> {
            let mut destinations = self.destinations(&registry::domains::domain_key(&known)).await?;
            destinations.retain(|one| one.subdomains().reach(&known, domain));
            Ok(destinations)
        };
        let all = futures_util::future::try_join_all(indexed.map(read)).await?;
        Ok(all.into_iter().find(|one| !one.is_empty()).unwrap_or_default())
    }

    async fn destinations_of_organization(&self, organization: &str) -> Result<Vec<Destination>, BrowserError> {
        if organization.chars().count() > MAX_NAME_CHARACTERS {
            return Ok(Vec::new());
        }
        Ok(self
            .destinations(&registry::domains::organization_key(organization))
            .await?)
    }

    async fn destinations(&self, key: &str) -> Result<Vec<Destination>, Unavailable> {
        match self.ports.read_config(key).await? {
            Some(index) => serde_json::from_str(&index).map_err(|e| Unavailable(format!("index {key}: {e}"))),
            None => Ok(Vec::new()),
        }
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
        let authn_request = self.authn_request(connection, endpoint, &service_provider)?;
        let authn_request = authn_request
            .about(hinted(connection, LoginHint::SubjectNameId, typed))
            .passive(wish.passive);
        let begun = self.ports.ledger(
            &connection.id,
            Begin {
                reference: super::reference(&self.ports.random()?),
                bounced: wish.bounced,
                generation: connection.generation,
                request_id: authn_request.id().clone(),
                browser: browser.hash(),
                return_target: self.return_target(wish.return_to.as_deref()),
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
        let mut response = self
            .send(&authn_request, connection, endpoint, typed, &self.relay_state()?)
            .await?;
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
        let authn_request = self.authn_request(connection, endpoint, &service_provider)?;
        let authn_request = authn_request.with_any_name_id_format();
        let ask_again = AskAgain {
            generation: connection.generation,
            refused,
            request_id: authn_request.id().clone(),
            lifetime_seconds: connection.requests.lifetime_seconds(),
        };
        let Ok(asked) = self.ports.ledger(&connection.id, ask_again).await? else {
            return Ok(None);
        };
        let typed = asked.email.as_ref();
        let authn_request = authn_request
            .about(hinted(connection, LoginHint::SubjectNameId, typed))
            .passive(asked.passive);
        let response = self
            .send(&authn_request, connection, endpoint, typed, &self.relay_state()?)
            .await?;
        self.ports.log(&LogLine {
            connection: Some(&connection.id),
            ..LogLine::of("asked_again_without_name_id_format")
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
        let target = self.ports.ledger(&connection.id, give_up).await?;
        Ok(target.ok().map(|target| self.go_on(&target)))
    }

    /// A fresh request for the identity provider, as the connection says.
    pub(super) fn authn_request<'a>(
        &self,
        connection: &'a Connection,
        endpoint: &'a Endpoint,
        service_provider: &'a ServiceProvider,
    ) -> Result<AuthnRequest<'a>, Unavailable> {
        Ok(AuthnRequest::new(
            &self.ports.random()?,
            self.ports.now(),
            &endpoint.url,
            service_provider,
            &connection.requests,
        ))
    }

    /// A `RelayState` that says nothing; the pending request is found by `InResponseTo`.
    fn relay_state(&self) -> Result<String, Unavailable> {
        Ok(Token::new(&self.ports.random()?).reveal().to_owned())
    }

    /// Sends the browser to `endpoint` with a request that the ledger remembers, signed if the connection's are. The address
    /// that was `typed` goes along where the connection says so.
    pub(super) async fn send(
        &self,
        request: &AuthnRequest<'_>,
        connection: &Connection,
        endpoint: &Endpoint,
        typed: Option<&EmailAddress>,
        relay_state: &str,
    ) -> Result<Response, Unavailable> {
        let hint = hinted(connection, LoginHint::LoginHintParameter, typed).map(|email| {
            let name = connection.provider.login_hint_parameter();
            endpoint.url.with_parameter(name, email.as_str())
        });
        let target = hint.as_ref().unwrap_or(&endpoint.url);
        let mut message = request.to_xml();
        Ok(match endpoint.binding {
            Binding::Post => {
                if connection.signs_requests() {
                    message = self.sign_message(&message).await?;
                }
                page::post_to_idp(target, &post_value(&message), relay_state)
            }
            Binding::Redirect => {
                let mut query = redirect_query(MessageKind::Request, &message, Some(relay_state));
                if connection.signs_requests() {
                    query = self.sign_query(&query).await?;
                }
                see_other(&redirect_url(target, &query))
            }
        })
    }

    /// Where browsers are sent to sign in, if they may be.
    fn sign_on_endpoint<'c>(&self, connection: &'c Connection) -> Option<&'c Endpoint> {
        let endpoint = self.usable_endpoint(connection);
        endpoint.filter(|_| connection.state == State::Enabled)
    }

    /// The same for a connection that need not be enabled.
    pub(super) fn usable_endpoint<'c>(&self, connection: &'c Connection) -> Option<&'c Endpoint> {
        let endpoint = connection.identity_provider.as_ref()?.sign_on_endpoint()?;
        self.may_send_to(&endpoint.url).then_some(endpoint)
    }

    /// Where to go after sign-in: a path of ours or a place at an allowed origin. No other wish is granted.
    fn return_target(&self, wish: Option<&str>) -> ReturnTarget {
        wish.and_then(|wish| self.config.return_origins.grant(wish))
            .unwrap_or_else(|| self.config.default_return_path.clone().into())
    }

    /// Sends the browser to where it was going, unless its origin is not allowed any more.
    pub(super) fn go_on(&self, target: &ReturnTarget) -> Response {
        see_other(self.return_target(Some(target.as_str())).as_str())
    }

    fn form(&self, status: StatusCode, wish: &Wish, error: Option<&str>) -> Response {
        let Config {
            product_name,
            development,
            ..
        } = &self.config;
        with_form(wish, error, |form| {
            page::sign_in(status, form, product_name, *development)
        })
    }

    /// Asks at which of several connections somebody wants to sign in.
    fn choice(&self, wish: &Wish, destinations: &[Destination]) -> Response {
        let content = page::Choice {
            destinations,
            email: &shown(wish.email.as_deref()),
            return_to: &shown(wish.return_to.as_deref()),
        };
        page::choice(&content, self.config.development)
    }
}

/// A page with the form that fits `wish`.
fn with_form(wish: &Wish, error: Option<&str>, page: impl FnOnce(&page::SignIn<'_>) -> Response) -> Response {
    // What led nowhere is not tried again.
    let again = |text: &Option<String>| shown(text.as_deref().filter(|_| error.is_none()));
    page(&page::SignIn {
        connection: &again(&wish.connection),
        organization: &again(&wish.organization),
        email: &shown(wish.email.as_deref()),
        return_to: &shown(wish.return_to.as_deref()),
        error,
        is_focused: true,
    })
}

/// What was sent to us, to be shown again: control characters come from no keyboard, and have no place in a page.
fn shown(text: Option<&str>) -> String {
    let text = text.filter(|text| !text.chars().any(char::is_control));
    text.unwrap_or_default().to_owned()
}

/// Those of an organization that the domain of an address leads to as well; all of them if there are none.
fn narrowed(mut organization: Vec<Destination>, by_domain: &[Destination]) -> Vec<Destination> {
    let is_both = |one: &Destination| by_domain.iter().any(|other| other.connection == one.connection);
    if organization.iter().any(is_both) {
        organization.retain(is_both);
    }
    organization
}

/// Whether `wish` leads to `connection` indeed.
fn serves(connection: &Connection, wish: &Wish, typed: Option<&EmailAddress>) -> bool {
    match (&wish.connection, &wish.organization) {
        (Some(_), _) => true,
        (None, Some(_)) => connection.organization == wish.organization,
        (None, None) => typed.is_some_and(|email| connection.domain_rule().covers(email.domain())),
    }
}

/// The address that was `typed`, if the connection passes it on in this `way`.
fn hinted<'a>(connection: &Connection, way: LoginHint, typed: Option<&'a EmailAddress>) -> Option<&'a EmailAddress> {
    typed.filter(|_| connection.requests.login_hint == way)
}

/// What a ledger's refusal means to the person who signs in.
pub(super) fn reject_of(refusal: &Refusal) -> Reject {
    match refusal {
        Refusal::AssertionReused => Reject::AssertionReused,
        Refusal::AuthnTooOld => Reject::AuthnTooOld,
        Refusal::BrowserMismatch => Reject::BrowserMismatch,
        Refusal::EmailDiffers => Reject::EmailDiffersFromTyped,
        Refusal::Late { by_seconds } => Reject::Expired(Clock {
            bound: "NotOnOrAfter",
            off_by_seconds: *by_seconds,
        }),
        Refusal::NewUser => Reject::JitDisabled,
        Refusal::Disabled | Refusal::StaleGeneration | Refusal::NotYetKnown => Reject::ConnectionDisabled,
        Refusal::RequestAnswered => Reject::RequestAlreadyAnswered,
        Refusal::RequestExpired { .. } | Refusal::SessionEnded => Reject::RequestExpired,
        Refusal::RequestUnknown => Reject::InResponseToUnknown,
    }
}
