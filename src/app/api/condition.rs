//! Conditional calls (RFC 9110, 13): a change is made only to the version that its maker has seen.

use http::StatusCode;
use http::header::IF_MATCH;

use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::Request;
use crate::app::ports::{Ports, Unavailable};
use crate::app::registry::drafts::Draft;
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::token::TokenHash;

/// What is said of a connection that is not as its reader has seen it.
pub(in crate::app) const CONNECTION_STALE: &str =
    "The connection was changed since you read it (If-Match). Read it again, then repeat the change.";

/// The same of a draft.
pub(in crate::app) const DRAFT_STALE: &str =
    "The draft was changed since you read it (If-Match), or is gone. Read it again, then repeat the change.";

/// The entity tag of a connection: strong, and another one after each change.
pub(super) fn entity_tag(connection: &Connection) -> String {
    format!("\"{}\"", connection.generation)
}

/// The entity tag of a draft: its revision, and what tells it from the same revision of another draft that was begun after it.
///
/// # Errors
/// [`ApiError`] when the draft has no JSON form.
pub(in crate::app) fn draft_entity_tag(draft: &Draft) -> Result<String, ApiError> {
    const SHOWN: usize = 16;
    let record = serde_json::to_vec(&(draft.base_generation, draft.begun_at, &draft.connection));
    let record = record.map_err(|e| Unavailable(format!("draft: {e}")))?;
    let hash: String = TokenHash::of_octets(&record).as_str().chars().take(SHOWN).collect();
    Ok(format!("\"draft-{}-{hash}\"", draft.revision))
}

impl<P: Ports> App<P> {
    /// The generation that `If-Match` asks for, if it asks for one: the present one, if it is among those named.
    ///
    /// # Errors
    /// 412 `precondition_failed` when it is not; 404 when there is no such connection.
    pub(super) async fn seen(&self, id: &ConnectionId, request: &Request) -> Result<Option<u64>, ApiError> {
        if !is_conditional(request) {
            return Ok(None);
        }
        let connection = self.existing(id).await?;
        if names(request, &entity_tag(&connection)) {
            Ok(Some(connection.generation))
        } else {
            Err(stale(CONNECTION_STALE))
        }
    }

    /// The revision of a draft that `If-Match` asks for, as [`seen`](Self::seen) does. None is there where there is no draft.
    ///
    /// # Errors
    /// As [`seen`](Self::seen).
    pub(in crate::app) async fn seen_draft(
        &self,
        id: &ConnectionId,
        request: &Request,
    ) -> Result<Option<u64>, ApiError> {
        if !is_conditional(request) {
            return Ok(None);
        }
        match self.read_draft(id).await {
            Ok(draft) if names(request, &draft_entity_tag(&draft)?) => Ok(Some(draft.revision)),
            Err(error) if error.code != "draft_unknown" => Err(error),
            Ok(_) | Err(_) => Err(stale(DRAFT_STALE)),
        }
    }
}

fn is_conditional(request: &Request) -> bool {
    request.headers().contains_key(IF_MATCH)
}

/// Whether `If-Match` names `present`, or whatever there is.
fn names(request: &Request, present: &str) -> bool {
    let lines = request.headers().get_all(IF_MATCH).iter();
    let mut tags = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',').map(str::trim));
    tags.any(|tag| tag == present || tag == "*")
}

/// What a conditional change says that came second after all.
pub(in crate::app) fn conditional(seen: Option<u64>, message: &'static str) -> impl FnOnce(ApiError) -> ApiError {
    move |error| match (seen, error.code) {
        (Some(_), "connection_changed" | "draft_unknown") => stale(message),
        _ => error,
    }
}

fn stale(message: &str) -> ApiError {
    ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", message)
}
