//! How much anybody may ask: counted by address, by connection and by token.
//!
//! The platform counts, for each of its locations by itself and not to the last request: this keeps floods away from what costs
//! something, and decides nothing that must be exact. How many a minute are too many stands in `wrangler.toml`; a limit that is not there
//! limits nobody.

use core::net::{IpAddr, Ipv6Addr};

use http::header::RETRY_AFTER;
use http::{HeaderName, Method, StatusCode};

use super::error::ApiError;
use super::http::{Request, Response, header, insert};
use super::ports::Ports;
use super::route::{AdminRoute, Route, SetupRoute};
use super::{App, page};
use crate::limits::RATE_LIMIT_SECONDS;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Attempts to sign in to the dashboard, by address.
    AdminSignIn,
    /// Calls of the admin API, and other requests to the dashboard and to setup links, by address: counted before a token or a session
    /// is looked up.
    ApiAddress,
    /// Calls of the admin API, by token.
    ApiToken,
    /// SAML messages, and tickets that are shown, by connection.
    ConnectionMessage,
    /// SAML messages, and tickets that are shown, by address.
    Message,
    /// What holders of setup links save, by address: each may have something fetched.
    SetupForm,
    /// Sign-ins and tests that are begun, and setup links that are opened, by address.
    SignIn,
    /// Calls of the admin API without a token in force, by address.
    WrongToken,
}

impl Limit {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::AdminSignIn,
        Self::ApiAddress,
        Self::ApiToken,
        Self::ConnectionMessage,
        Self::Message,
        Self::SetupForm,
        Self::SignIn,
        Self::WrongToken,
    ];

    /// The name of its binding in `wrangler.toml`.
    #[must_use]
    pub const fn binding(self) -> &'static str {
        match self {
            Self::AdminSignIn => "LIMIT_ADMIN_SIGN_IN",
            Self::ApiAddress => "LIMIT_API_ADDRESS",
            Self::ApiToken => "LIMIT_API_TOKEN",
            Self::ConnectionMessage => "LIMIT_CONNECTION_MESSAGE",
            Self::Message => "LIMIT_MESSAGE",
            Self::SetupForm => "LIMIT_SETUP_FORM",
            Self::SignIn => "LIMIT_SIGN_IN",
            Self::WrongToken => "LIMIT_WRONG_TOKEN",
        }
    }
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// There were too many like it.
    Limited,
}

impl<P: Ports> App<P> {
    /// Counts a request of a browser, if it is of a kind that is counted; the page that refuses it, if there were too many.
    pub(super) async fn limit_browser(&self, route: &Route, request: &Request) -> Option<Response> {
        let is_post = *request.method() == Method::POST;
        let by_address = match route {
            Route::Acs(_) | Route::Complete(_) | Route::SignedOut(_) | Route::Slo(_) => Limit::Message,
            Route::Admin(AdminRoute::SignIn) if is_post => Limit::AdminSignIn,
            Route::Setup(SetupRoute::Metadata | SetupRoute::Manual) if is_post => Limit::SetupForm,
            Route::Setup(SetupRoute::Open(_)) | Route::Test(_) => Limit::SignIn,
            Route::Admin(_) | Route::Setup(_) => Limit::ApiAddress,
            // Without a query its GET only shows the form.
            Route::SignIn if is_post || request.uri().query().is_some() => Limit::SignIn,
            _ => return None,
        };
        let mut verdict = self.limit_address(by_address, request).await;
        if let (Verdict::Allowed, Route::Acs(id) | Route::Complete(id) | Route::SignedOut(id) | Route::Slo(id)) =
            (verdict, route)
        {
            verdict = self.ports.limit(Limit::ConnectionMessage, id.as_str()).await;
        }
        (verdict == Verdict::Limited).then(|| {
            let mut response = page::message(
                StatusCode::TOO_MANY_REQUESTS,
                "Please wait a minute",
                "There were too many requests. Wait a minute, then start again on the sign-in page.",
            );
            retry_later(&mut response);
            response
        })
    }

    /// Counts a request by the address that it comes from. One without an address is not counted: the platform always
    /// gives one.
    pub(super) async fn limit_address(&self, limit: Limit, request: &Request) -> Verdict {
        match address(request) {
            Some(address) => self.ports.limit(limit, &address).await,
            None => Verdict::Allowed,
        }
    }
}

/// Says when to come again: the count begins anew then, at the latest.
pub(super) fn retry_later(response: &mut Response) {
    insert(response, RETRY_AFTER, &RATE_LIMIT_SECONDS.to_string());
}

/// The admin API's answer to a call too many.
pub(super) fn too_many_calls() -> Response {
    let message = "There were too many calls. Wait a minute, then go on more slowly.";
    let mut response = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).response();
    retry_later(&mut response);
    response
}

/// Whom a request comes from, as the platform says: an IPv4 address, or the first half of an IPv6 address, which is the
/// least that one household or company has.
fn address(request: &Request) -> Option<String> {
    let text = header(request, &HeaderName::from_static("cf-connecting-ip"))?;
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match (address.to_ipv4_mapped(), address.segments()) {
            (Some(address), _) => address.to_string(),
            (None, [a, b, c, d, ..]) => Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(text: &str) -> Option<String> {
        let request = http::Request::builder().header("cf-connecting-ip", text);
        address(&request.body(Vec::new()).unwrap())
    }

    #[test]
    fn an_address_is_one_household_s() {
        assert_eq!(address_of("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(address_of("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        let of_one_network = ["2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff"].map(address_of);
        assert_eq!(
            of_one_network,
            [const { "2001:db8:0:1::" }; 2].map(|text| Some(text.to_owned()))
        );
        assert_ne!(address_of("2001:db8:0:2::1"), address_of("2001:db8:0:1::1"));
        assert_eq!(address_of("not an address"), None);
        assert_eq!(address(&Request::new(Vec::new())), None);
    }
}
