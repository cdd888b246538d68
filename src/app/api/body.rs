//! The body of a call: JSON, of the fields that were expected. What is no JSON and what is not of those fields are told apart here.

use core::fmt;

use http::StatusCode;
use serde::Deserializer;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::app::error::ApiError;
use crate::app::http::{Request, has_media_type};

/// A body that may be left out.
pub(in crate::app) fn read_optional_body<T: DeserializeOwned + Default>(request: &Request) -> Result<T, ApiError> {
    if request.body().is_empty() {
        return Ok(T::default());
    }
    read_body(request)
}

/// Reads a body.
///
/// # Errors
/// 415 `unsupported_media_type`; 400 `invalid_json` for what is no JSON; 422 `invalid_field` for JSON of another shape.
pub(in crate::app) fn read_body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    if !has_media_type(request, "application/json") {
        let message = "Send the body as Content-Type: application/json.";
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        ));
    }
    // All of it, before its fields: a wrong one may stand before the place where it stops being JSON.
    let text = core::str::from_utf8(request.body()).map_err(no_json)?;
    serde_json::from_str::<IgnoredAny>(text).map_err(no_json)?;
    if !text.trim_start().starts_with('{') {
        let message = "The body: expected an object.";
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            message,
        ));
    }
    read(&mut serde_json::Deserializer::from_str(text))
}

/// Reads what is a value already.
///
/// # Errors
/// 422 `invalid_field`, as for a body.
pub(in crate::app) fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    read(value)
}

fn read<'de, T: DeserializeOwned>(
    deserializer: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(deserializer).map_err(|error| unexpected(&error))
}

fn no_json(error: impl fmt::Display) -> ApiError {
    let message = format!("The body cannot be read as JSON: {error}.");
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
}

/// JSON that is not as expected: which field, and why.
fn unexpected(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    if inner.is_syntax() {
        // What was skipped above is read here: a number that is too large, half a surrogate pair, too many levels.
        return no_json(inner);
    }
    let text = inner.to_string();
    let position = format!(" at line {} column {}", inner.line(), inner.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    let mut names: Vec<String> = error.path().iter().filter_map(name).collect();
    // serde tells these in its sentence alone.
    let about = |start: &str| text.strip_prefix(start)?.strip_suffix('`');
    let text = if let Some(field) = about("missing field `") {
        names.push(field.to_owned());
        "missing".to_owned()
    } else if let Some(field) = about("duplicate field `") {
        names.push(field.to_owned());
        "expected once, found twice".to_owned()
    } else {
        text.replace("expected u32", "expected a whole number, 0 or more")
    };
    let field = names.first().cloned();
    let message = format!("{}: {text}.", field.as_deref().unwrap_or("The body"));
    ApiError {
        field: field.map(Into::into),
        pointer: (names.len() > 1).then(|| names.iter().map(|name| pointed(name)).collect()),
        ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", message)
    }
}

fn name(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// A step of a JSON pointer (RFC 6901, 3).
fn pointed(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
