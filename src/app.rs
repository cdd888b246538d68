//! The application: one request in, one response out, the world behind [`ports`].

pub mod acs;
pub mod api;
mod attempt;
mod capture;
mod certificates;
pub mod config;
mod connections;
mod dashboard;
mod decryption_keys;
mod description;
pub mod dns;
mod domain_proof;
mod drafts;
pub mod error;
mod explanation;
mod history;
pub mod http;
mod keys;
pub mod ledger;
mod manual_idp;
pub mod metadata_fetch;
pub mod page;
pub mod ports;
mod principal;
mod public_domains;
pub mod rate_limit;
mod refresh;
pub mod registry;
pub mod return_target;
pub mod route;
mod scheduled;
pub mod session;
mod setup_links;
pub mod sign_in;
mod sign_ins;
mod sign_out;
mod slo;
pub mod sql;
mod test_run;
mod tokens;
mod transfer;
mod view;
mod webhook_delivery;
mod webhooks;

use core::cell::RefCell;

use ::http::{Method, StatusCode};

use self::config::{Config, Development};
use self::error::BrowserError;
use self::http::{Request, Response};
use self::ports::{Ports, Unavailable};
use self::registry::events::TellSignIn;
use self::route::Route;
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, EndpointUrl};
use crate::saml::metadata;

/// The application over its configuration and the world.
#[derive(Debug)]
pub struct App<P> {
    config: Config,
    ports: P,
    /// The sign-ins that ended by the request, to be told once it is answered.
    ended_sign_ins: RefCell<Vec<TellSignIn>>,
}

impl<P: Ports> App<P> {
    /// An application for one request.
    pub fn new(config: Config, ports: P) -> Self {
        Self {
            config,
            ports,
            ended_sign_ins: RefCell::default(),
        }
    }

    /// Answers `request`, whatever it is.
    pub async fn handle(&self, request: Request) -> Response {
        let head = request.method() == Method::HEAD;
        let mut response = match Route::of(request.uri().path()) {
            Some(Route::Admin(route)) => self.answer_dashboard(&route, &request).await,
            Some(Route::Api(route)) => self.answer_api(&route, &request).await,
            route => match self.answer_browser(route, &request).await {
                Ok(response) => response,
                Err(error) => self.answer_browser_error(error).await,
            },
        };
        if head {
            response.body_mut().clear();
        }
        response
    }

    /// Refuses what needs no body to be refused: whatever comes too often, calls of the admin API without a token that allows
    /// them, requests for the dashboard without a session, and for the setup without a link. Whose they are stays with the request,
    /// so that it is asked once.
    pub async fn refuse_by_head(&self, request: &mut Request) -> Option<Response> {
        let route = Route::of(request.uri().path())?;
        if let Some(refusal) = self.limit_browser(&route, request).await {
            return Some(refusal);
        }
        let allowed = route.allows(request.method());
        let route = match route {
            Route::Admin(route) if allowed => return self.refuse_dashboard_by_head(&route, request).await,
            Route::Api(route) => route,
            Route::Setup(route) if allowed => return self.refuse_setup_by_head(&route, request).await,
            _ => return None,
        };
        match self.admit(&route, request).await {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                None
            }
            Err(refusal) => Some(refusal),
        }
    }

    async fn answer_browser(&self, route: Option<Route>, request: &Request) -> Result<Response, BrowserError> {
        let Some(route) = route else {
            return Err(if request.uri().path().starts_with("/sso/") {
                BrowserError::NotFound
            } else {
                BrowserError::NotOurs
            });
        };
        if !route.allows(request.method()) {
            return Err(BrowserError::Method(route.methods()));
        }
        let post = request.method() == Method::POST;
        match route {
            Route::Acs(id) => self.consume_response(&id, request).await,
            Route::Admin(_) | Route::Api(_) => Err(BrowserError::NotFound),
            Route::Setup(route) => Ok(self.answer_setup(&route, request).await),
            Route::AdminStylesheet => Ok(dashboard::stylesheet()),
            Route::ApiDescription => Ok(api::description()),
            Route::Complete(id) if post => self.complete_confirmed_sign_in(&id, request).await,
            Route::Complete(id) => self.complete_sign_in(&id, request).await,
            Route::Metadata(id) => self.describe_ourselves(&id).await,
            Route::Script => Ok(page::script()),
            Route::Session => self.show_session(request).await,
            Route::SignIn if post => self.begin_from_form(request).await,
            Route::SignIn => self.show_sign_in(request).await,
            Route::SignOut if post => self.sign_out(request).await,
            Route::SignOut => Ok(page::sign_out(self.config.development)),
            Route::SignedOut(id) => self.show_signed_out(&id, request).await,
            Route::Slo(id) => self.single_logout(&id, request).await,
            Route::Stylesheet => Ok(page::stylesheet()),
            Route::Test(id) => self.send_test(&id, request).await,
        }
    }

    /// Our metadata for a connection, whether it is enabled or not: the identity provider is set up first.
    async fn describe_ourselves(&self, id: &ConnectionId) -> Result<Response, BrowserError> {
        let connection = self.replicated_connection(id).await?.ok_or(BrowserError::NotFound)?;
        let signing_keys = if connection.signs_anything() {
            self.public_keys().await?
        } else {
            Vec::new()
        };
        let service_provider = connection.service_provider(&self.config.origin);
        let xml = metadata::write_service_provider(
            &service_provider,
            connection.signs_requests(),
            &signing_keys,
            connection.encryption_key(),
        );
        Ok(http::respond(StatusCode::OK, "application/samlmetadata+xml", xml))
    }

    /// A connection as KV has it here and now: perhaps a minute old.
    async fn replicated_connection(&self, id: &ConnectionId) -> Result<Option<Connection>, Unavailable> {
        let Some(record) = self
            .ports
            .read_config(&registry::publishing::connection_key(id))
            .await?
        else {
            return Ok(None);
        };
        serde_json::from_str(&record)
            .map(Some)
            .map_err(|e| Unavailable(format!("record of {id}: {e}")))
    }

    /// Whether browsers may be sent to `url`. Its host may be private: they may be where it is.
    fn may_send_to(&self, url: &EndpointUrl) -> bool {
        url.is_https() || self.config.development == Development::On
    }
}

/// Ten characters that a person can read out, to find an attempt by: Crockford's base32, without i, l, o and u.
fn reference(random: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let character = |b: &u8| ALPHABET.get(usize::from(*b & 31)).map_or('0', |c| char::from(*c));
    let five = |skip| random.iter().skip(skip).take(5).map(character).collect::<String>();
    format!("{}-{}", five(0), five(5))
}
