//! Requests and responses, between the platform's types and the application's.

use ::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use ::http::{Method, StatusCode, Uri};
use futures_util::StreamExt;
use worker::{Request, Response, Result};

use crate::app::config::ConfigError;
use crate::app::error::ApiError;
use crate::app::http::{Request as AppRequest, Response as AppResponse, respond};
use crate::app::page;
use crate::app::route::Route;

/// Takes a request's method, address and headers over.
///
/// # Errors
/// The response for a request that cannot be taken over.
pub(super) fn read_head(request: &Request) -> core::result::Result<AppRequest, AppResponse> {
    // `Request::method` takes every method that it does not know for GET.
    let method = Method::from_bytes(request.inner().method().as_bytes()).map_err(|_| malformed())?;
    let url = request.url().map_err(|_| malformed())?;
    let path_and_query = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let uri = path_and_query.parse::<Uri>().map_err(|_| malformed())?;
    let mut taken = AppRequest::new(Vec::new());
    *taken.method_mut() = method;
    *taken.uri_mut() = uri;
    for (name, value) in request.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            taken.headers_mut().append(name, value);
        }
    }
    Ok(taken)
}

/// Takes the body over whole, but never more of it than its route may have.
///
/// # Errors
/// The response for a body that cannot be taken over.
pub(super) async fn read_body(mut request: Request, taken: &mut AppRequest) -> core::result::Result<(), AppResponse> {
    let route = Route::of(taken.uri().path());
    let cap = route.as_ref().map_or(0, |route| route.max_body_bytes(taken.method()));
    let too_large = || match route {
        Some(Route::Api(_)) => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body is larger than {cap} bytes."),
        )
        .response(),
        _ => page::message(
            StatusCode::PAYLOAD_TOO_LARGE,
            "That did not work",
            "The request is too large. Start again on the sign-in page.",
        ),
    };
    let announced = taken
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    if cap > 0 && announced.is_some_and(|length| length > cap) {
        return Err(too_large());
    }
    if cap > 0 && request.inner().body().is_some() {
        let mut stream = request.stream().map_err(|_| malformed())?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| malformed())?;
            if taken.body().len().saturating_add(chunk.len()) > cap {
                return Err(too_large());
            }
            taken.body_mut().extend_from_slice(&chunk);
        }
    }
    Ok(())
}

fn malformed() -> AppResponse {
    page::message(
        StatusCode::BAD_REQUEST,
        "That did not work",
        "The request could not be read. Start again on the sign-in page.",
    )
}

/// Hands a response over.
///
/// # Errors
/// Those of the platform.
pub(super) fn write(response: AppResponse) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let answer = if body.is_empty() {
        Response::empty()?
    } else {
        Response::from_bytes(body)?
    };
    let mut answer = answer.with_status(parts.status.as_u16());
    let headers = answer.headers_mut();
    headers.delete("content-type")?;
    for (name, value) in &parts.headers {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    Ok(answer)
}

/// Logs that a deployment has no usable configuration.
pub(super) fn log_misconfigured(error: &ConfigError) {
    worker::console_error!(
        "{{\"event\":\"misconfigured\",\"detail\":\"{}\"}}",
        error.0.replace('"', "'")
    );
}

/// What a deployment without a usable configuration says on every route.
pub(super) fn misconfigured(error: &ConfigError) -> AppResponse {
    log_misconfigured(error);
    respond(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain; charset=utf-8",
        format!("Single sign-on is not set up yet. {error}\n"),
    )
}
