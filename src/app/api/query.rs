//! The query of a call: known names alone, each once, so that a mistyped filter is not taken for none.

use http::StatusCode;

use crate::app::error::ApiError;
use crate::app::http::Request;

/// The fields of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of `request`, which may have the fields `known`.
    ///
    /// # Errors
    /// 400 `invalid_query` for another field, and for one that is repeated.
    pub(in crate::app) fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let known = known.join(", ");
                return Err(invalid(format!("The query may have these fields: {known}.")));
            }
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(invalid(format!("The query has the field {name} twice.")));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The value of the field `name`, read by `read`.
    ///
    /// # Errors
    /// 422 `invalid_field`, saying what was `expected`.
    pub(in crate::app) fn field<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some((_, value)) = self.0.iter().find(|(found, _)| found == name) else {
            return Ok(None);
        };
        read(value)
            .map(Some)
            .ok_or_else(|| ApiError::invalid(name, &format!("expected {expected}")))
    }
}

fn invalid(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", message)
}
