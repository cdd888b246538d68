//! Requests and responses as the application sees them: whole, in memory, with the headers that every answer needs.

use cookie::{Cookie, SameSite, time::Duration};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderName, LOCATION,
    ORIGIN, REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::saml::connection::PublicOrigin;

/// A request with its body.
pub type Request = http::Request<Vec<u8>>;
/// A response with its body.
pub type Response = http::Response<Vec<u8>>;

/// The cookie that holds a session's token. Lax, so that it comes along when the identity provider sends the user back.
pub const SESSION_COOKIE: &str = "__Host-sso_session";
/// The cookie that binds pending sign-ins to the browser that began them.
pub const BROWSER_COOKIE: &str = "__Host-sso_browser";

/// A response of `status` with `body`, never cached.
#[must_use]
pub fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: with that, browsers send `Origin: null` even to ourselves.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

/// A page. `policy` adds to its content security policy: scripts of ours, and where forms may lead besides ourselves.
/// Browsers apply `form-action` to the redirects that follow as well.
#[must_use]
pub fn page(status: StatusCode, html: String, policy: PagePolicy<'_>) -> Response {
    let mut response = respond(status, "text/html; charset=utf-8", html);
    let scripts = match policy.scripts {
        Scripts::None => "",
        Scripts::Ours => "script-src 'self'; ",
        Scripts::OursThatAskUs => "script-src 'self'; connect-src 'self'; ",
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; {scripts}form-action 'self'{}{}; base-uri 'none'; frame-ancestors 'none'",
        if policy.form_targets.is_empty() { "" } else { " " },
        policy.form_targets,
    );
    insert(&mut response, CONTENT_SECURITY_POLICY, &policy);
    response
}

/// What a page may do beyond showing itself.
#[derive(Clone, Copy, Debug)]
pub struct PagePolicy<'a> {
    /// Whether it runs scripts.
    pub scripts: Scripts,
    /// Origins or schemes to which its forms may lead besides ourselves.
    pub form_targets: &'a str,
}

/// Whether a page runs scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// None.
    None,
    /// Files of our own.
    Ours,
    /// The same, which may ask us for more.
    OursThatAskUs,
}

/// `value` as JSON.
#[must_use]
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => respond(status, "application/json", body),
        Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}"),
    }
}

/// `303 See Other`: the browser goes on with a GET.
#[must_use]
pub fn see_other(location: &str) -> Response {
    let mut response = respond(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    insert(&mut response, LOCATION, location);
    response
}

/// `405 Method Not Allowed` on top of an error's response.
pub fn allow(response: &mut Response, methods: &str) {
    insert(response, ALLOW, methods);
}

/// Asks for a bearer token (RFC 6750, 3).
pub fn ask_for_bearer(response: &mut Response) {
    insert(response, WWW_AUTHENTICATE, "Bearer");
}

/// Sets a cookie that only this host gets, over TLS only, out of reach of scripts.
pub fn set_cookie(response: &mut Response, name: &'static str, value: &str, max_age_seconds: i64) {
    let cookie = Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(max_age_seconds.max(0)));
    if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// The value of the cookie `name`. A name that comes more than once has no value: one of them is not ours.
#[must_use]
pub fn cookie<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    // By octets: another cookie may hold anything, and ours is ASCII.
    let lines = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines
        .flat_map(|line| line.split(|octet| *octet == b';'))
        .map(<[u8]>::trim_ascii);
    let mut values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    match (values.next(), values.next()) {
        (Some(value), None) => core::str::from_utf8(value).ok(),
        _ => None,
    }
}

/// The value of the header `name`, when it is text.
#[must_use]
pub fn header<'r>(request: &'r Request, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

/// Has a response saved as a file of this `name`, whatever it is: no browser takes it for a page.
pub fn attach(response: &mut Response, name: &str) {
    insert(
        response,
        CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{name}\""),
    );
}

/// Whether the body is of the media type `essence`, whatever its parameters.
#[must_use]
pub fn has_media_type(request: &Request, essence: &str) -> bool {
    let value = header(request, &CONTENT_TYPE).unwrap_or_default();
    let found = value.split(';').next().unwrap_or_default();
    found.trim().eq_ignore_ascii_case(essence)
}

/// Whether the browser says that one of our own pages led to the request (Fetch Metadata): an address that was typed, or
/// opened out of another program, comes from none.
#[must_use]
pub fn is_from_own_page(request: &Request) -> bool {
    header(request, &HeaderName::from_static("sec-fetch-site")) == Some("same-origin")
}

/// Whether the request comes from one of our own pages, or from no page at all.
///
/// Browsers say so themselves (Fetch Metadata, `Sec-Fetch-Site`), older ones with `Origin`.
#[must_use]
pub fn is_from_ourselves(request: &Request, origin: &PublicOrigin) -> bool {
    match header(request, &HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => header(request, &ORIGIN).is_none_or(|o| o == origin.as_str()),
    }
}

/// The one value of the query or form field `name`: `None` when absent, `Err` when repeated.
///
/// # Errors
/// [`Repeated`].
pub fn field(encoded: &[u8], name: &str) -> Result<Option<String>, Repeated> {
    let mut values = form_urlencoded::parse(encoded)
        .filter(|(found, _)| found == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (first, None) => Ok(first.map(std::borrow::Cow::into_owned)),
        _ => Err(Repeated),
    }
}

/// The number that a query has for a place in a list, or for the length of a page.
#[must_use]
pub fn number(text: &str) -> Option<i64> {
    text.parse::<u32>().ok().map(i64::from)
}

/// A field came more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

/// Sets a header, if `value` can be one.
pub(super) fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
