//! Calls that are done once, however often they come: who repeats one, because the answer was lost, gets the same answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::app::sql::{Sql, SqlError, json, text, to_json};
use crate::limits::IDEMPOTENCY_SECONDS;
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL, at INTEGER NOT NULL)";

/// What makes a call the same as one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeatable {
    /// The hash of the caller and the key that they chose.
    pub key: TokenHash,
    /// The hash of what they ask for.
    pub request: TokenHash,
}

/// What this call was answered when it came before, if it did within [`IDEMPOTENCY_SECONDS`].
pub(super) fn answered<T: DeserializeOwned>(
    sql: &dyn Sql,
    call: &Repeatable,
    now: Timestamp,
) -> Result<Option<Result<T, Refusal>>, SqlError> {
    let rows = sql.run(
        "SELECT request, reply FROM idempotency WHERE key = ? AND at > ?",
        &[
            call.key.as_str().into(),
            now.plus(-IDEMPOTENCY_SECONDS).unix_seconds().into(),
        ],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    if text(row, 0)? == call.request.as_str() {
        json(row, 1).map(|reply| Some(Ok(reply)))
    } else {
        Ok(Some(Err(Refusal::KeyReused)))
    }
}

/// Keeps what this call is answered, and drops what is over.
pub(super) fn remember<T: Serialize>(
    sql: &dyn Sql,
    call: &Repeatable,
    reply: &T,
    now: Timestamp,
) -> Result<(), SqlError> {
    let over = now.plus(-IDEMPOTENCY_SECONDS).unix_seconds();
    sql.run("DELETE FROM idempotency WHERE at <= ?", &[over.into()])?;
    sql.run(
        "INSERT INTO idempotency (key, request, reply, at) VALUES (?, ?, ?, ?)",
        &[
            call.key.as_str().into(),
            call.request.as_str().into(),
            to_json(reply)?,
            now.unix_seconds().into(),
        ],
    )?;
    Ok(())
}
