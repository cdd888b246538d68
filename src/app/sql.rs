//! The little of SQL that the registry and the ledgers need, so that their rules run on any SQLite: a Durable
//! Object's at the edge, one in memory in tests.

use core::fmt;

use crate::saml::id::Invalid;
use crate::saml::time::Timestamp;

/// One connection to one SQLite database. Statements that run without an `await` between them take effect together.
pub trait Sql {
    /// Runs one statement and gives its rows.
    ///
    /// # Errors
    /// [`SqlError`] when SQLite refuses it.
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError>;

    /// Runs `work` as one transaction: when it fails, nothing that it did has happened.
    ///
    /// # Errors
    /// That of `work`, or [`SqlError`] when SQLite cannot do so.
    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError>;
}

/// Runs `work` as one [transaction](Sql::transaction) and gives what it gives.
///
/// # Errors
/// Those of [`Sql::transaction`].
pub fn atomically<T>(sql: &dyn Sql, work: impl FnOnce(&dyn Sql) -> Result<T, SqlError>) -> Result<T, SqlError> {
    let (mut work, mut done) = (Some(work), None);
    sql.transaction(&mut || {
        if let Some(work) = work.take() {
            done = Some(work(sql)?);
        }
        Ok(())
    })?;
    done.ok_or_else(|| SqlError("the transaction did not run".to_owned()))
}

/// A row: its columns in order.
pub type Row = Vec<Value>;

/// A column's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number, exact up to 2^53.
    Integer(i64),
    /// No value.
    Null,
    /// Text.
    Text(String),
}

/// SQLite refused a statement, or a row is not what the statement promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError(pub String);

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database: {}", self.0)
    }
}

impl core::error::Error for SqlError {}

/// What is kept was checked before, so what is no longer valid is a fault of the database.
impl From<Invalid> for SqlError {
    fn from(invalid: Invalid) -> Self {
        Self(invalid.to_string())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The text in column `index` of `row`.
///
/// # Errors
/// [`SqlError`] when there is none.
pub fn text(row: &Row, index: usize) -> Result<&str, SqlError> {
    match row.get(index) {
        Some(Value::Text(text)) => Ok(text),
        other => Err(SqlError(format!("expected text in column {index}, found {other:?}"))),
    }
}

/// The number in column `index` of `row`.
///
/// # Errors
/// [`SqlError`] when there is none.
pub fn integer(row: &Row, index: usize) -> Result<i64, SqlError> {
    match row.get(index) {
        Some(Value::Integer(number)) => Ok(*number),
        other => Err(SqlError(format!(
            "expected a number in column {index}, found {other:?}"
        ))),
    }
}

/// The point in time in column `index` of `row`, which is kept in seconds.
///
/// # Errors
/// [`SqlError`] when there is none.
pub fn time(row: &Row, index: usize) -> Result<Timestamp, SqlError> {
    integer(row, index).map(Timestamp::from_unix_seconds)
}

/// What `read` reads in column `index` of `row`, unless nothing is there.
///
/// # Errors
/// Those of `read`.
pub fn optional<'r, T>(
    row: &'r Row,
    index: usize,
    read: impl FnOnce(&'r Row, usize) -> Result<T, SqlError>,
) -> Result<Option<T>, SqlError> {
    match row.get(index) {
        Some(Value::Null) => Ok(None),
        _ => read(row, index).map(Some),
    }
}

/// The JSON in column `index` of `row`, read into its type.
///
/// # Errors
/// [`SqlError`] when it is not of that type.
pub fn json<T: serde::de::DeserializeOwned>(row: &Row, index: usize) -> Result<T, SqlError> {
    serde_json::from_str(text(row, index)?).map_err(|e| SqlError(format!("column {index}: {e}")))
}

/// `value` as a JSON column.
///
/// # Errors
/// [`SqlError`] when it has no JSON form.
pub fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, SqlError> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|e| SqlError(e.to_string()))
}
