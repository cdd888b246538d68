//! Conditional calls (RFC 9110, 13): a change is made only to the version that its maker has seen.

use http::StatusCode;
use http::header::IF_MATCH;

use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::Request;
use crate::app::ports::Ports;
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;

/// The entity tag of a connection: strong, and another one after each change.
pub(super) fn entity_tag(connection: &Connection) -> String {
    format!("\"{}\"", connection.generation)
}

impl<P: Ports> App<P> {
    /// The generation that `If-Match` asks for, if it asks for one: the present one, if it is among those named.
    ///
    /// # Errors
    /// 412 `precondition_failed` when it is not; 404 when there is no such connection.
    pub(super) async fn seen(&self, id: &ConnectionId, request: &Request) -> Result<Option<u64>, ApiError> {
        let mut lines = request.headers().get_all(IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Ok(None);
        }
        let connection = self.existing(id).await?;
        let present = entity_tag(&connection);
        let names_it = |line: &http::HeaderValue| {
            let tags = line.to_str().unwrap_or_default().split(',').map(str::trim);
            tags.into_iter().any(|tag| tag == present || tag == "*")
        };
        if lines.any(names_it) {
            Ok(Some(connection.generation))
        } else {
            Err(stale())
        }
    }
}

/// What a conditional change says that came second after all.
pub(super) fn conditional(seen: Option<u64>) -> impl FnOnce(ApiError) -> ApiError {
    move |error| match seen {
        Some(_) if error.code == "connection_changed" => stale(),
        _ => error,
    }
}

fn stale() -> ApiError {
    let message = "The connection was changed since you read it (If-Match). Read it again, then repeat the change.";
    ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", message)
}
