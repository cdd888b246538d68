//! What a form of the dashboard brings, and how it becomes the JSON fields that the operations take.

use serde_json::Value;

use crate::app::error::ApiError;

/// The fields of a form, as they were typed.
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads an encoded form.
    pub(super) fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of `name`, if it came.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of `name`: the boxes of one question that were ticked.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let is = move |(found, _): &&(String, String)| found == name;
        self.0.iter().filter(is).map(|(_, value)| value.as_str())
    }

    /// The text of `name` without the space around it; empty when it did not come.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// Whether the box `name` was ticked.
    pub(super) fn ticked(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The text of `name`, `null` when it is empty.
    pub(super) fn text_or_null(&self, name: &str) -> Value {
        let text = self.text(name);
        if text.is_empty() { Value::Null } else { text.into() }
    }

    /// The lines of `name` that are not empty.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.text(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
    }

    /// The whole number `name`.
    ///
    /// # Errors
    /// [`ApiError`] about the field.
    pub(super) fn number(&self, name: &'static str) -> Result<Value, ApiError> {
        let number: Result<u32, _> = self.text(name).parse();
        number
            .map(Value::from)
            .map_err(|_| ApiError::invalid(name, "expected a whole number"))
    }
}
