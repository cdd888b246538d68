//! What a change of a connection changes, field by field, as people read it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::sql::SqlError;
use crate::saml::connection::{Connection, IdentityProvider};
use crate::saml::service_keys::PublicKey;

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FieldChange {
    /// Its name, as the API has it; `identity_provider.entity_id` for what is inside of the identity provider.
    pub field: String,
    /// What it was; `null` when it was absent.
    pub before: Value,
    /// What it is; `null` when it is absent.
    pub after: Value,
}

/// The fields of a record that no configuration decides.
pub(super) const DECIDED_ELSEWHERE: [&str; 6] = [
    "id",
    "generation",
    "state",
    "decryption_keys",
    "created_at",
    "updated_at",
];

/// The fields of a record that hold settings, which people see beside the others.
pub(super) const SETTINGS: [&str; 4] = ["requests", "responses", "routing", "sessions"];

/// The fields that differ, by their names. Without a connection on one side, all that the other has.
///
/// # Errors
/// [`SqlError`] when a record has no JSON form.
pub(super) fn diff(before: Option<&Connection>, after: Option<&Connection>) -> Result<Vec<FieldChange>, SqlError> {
    let before = before.map(fields).transpose()?.unwrap_or_default();
    let after = after.map(fields).transpose()?.unwrap_or_default();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |of: &Map<String, Value>, name: &String| of.get(name).cloned().unwrap_or(Value::Null);
    let change = |name: &String| FieldChange {
        field: name.clone(),
        before: value(&before, name),
        after: value(&after, name),
    };
    Ok(names.into_iter().map(change).filter(|c| c.before != c.after).collect())
}

/// The fields of a connection beside each other, without those that every change changes.
fn fields(connection: &Connection) -> Result<Map<String, Value>, SqlError> {
    let mut fields = object(connection)?;
    for name in ["id", "generation", "created_at", "updated_at", "identity_provider"] {
        fields.remove(name);
    }
    for group in SETTINGS {
        if let Some(Value::Object(settings)) = fields.remove(group) {
            fields.extend(settings);
        }
    }
    let key = |key: &PublicKey| Ok(format!("{} ({})", key.id.as_str(), word(&key.state)?));
    let keys: Vec<String> = connection
        .decryption_keys
        .iter()
        .map(key)
        .collect::<Result<_, SqlError>>()?;
    fields.insert("decryption_keys".to_owned(), keys.into());
    if let Some(idp) = &connection.identity_provider {
        for (name, value) in identity_provider(idp)? {
            fields.insert(format!("identity_provider.{name}"), value);
        }
    }
    Ok(fields)
}

/// An identity provider with its certificates as their SHA-256, by which people know them.
fn identity_provider(idp: &IdentityProvider) -> Result<Map<String, Value>, SqlError> {
    let mut fields = object(idp)?;
    let certificates = idp.certificates.iter().filter_map(|c| c.certificate().ok());
    let certificates: Vec<String> = certificates.map(|c| c.fingerprint().to_string()).collect();
    fields.insert("certificates".to_owned(), certificates.into());
    Ok(fields)
}

pub(super) fn object(value: &impl Serialize) -> Result<Map<String, Value>, SqlError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        other => Err(SqlError(format!("expected an object, found {other:?}"))),
    }
}

fn word(value: &impl Serialize) -> Result<String, SqlError> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        other => Err(SqlError(format!("expected a word, found {other:?}"))),
    }
}
