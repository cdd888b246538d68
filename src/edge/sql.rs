//! A Durable Object's SQLite behind [`Sql`].

use worker::{SqlStorage, SqlStorageValue};

use crate::app::sql::{Row, Sql, SqlError, Value};

/// The storage of the object that runs.
pub(super) struct ObjectSql(pub(super) SqlStorage);

impl Sql for ObjectSql {
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        let error = |e: worker::Error| SqlError(e.to_string());
        let values: Vec<SqlStorageValue> = values
            .iter()
            .map(|value| match value {
                Value::Integer(number) => SqlStorageValue::Integer(*number),
                Value::Null => SqlStorageValue::Null,
                Value::Text(text) => SqlStorageValue::String(text.clone()),
            })
            .collect();
        let cursor = self.0.exec(statement, values).map_err(error)?;
        cursor
            .raw()
            .map(|row| row.map_err(error)?.into_iter().map(value).collect())
            .collect()
    }
}

fn value(value: SqlStorageValue) -> Result<Value, SqlError> {
    match value {
        SqlStorageValue::Integer(number) => Ok(Value::Integer(number)),
        SqlStorageValue::Null => Ok(Value::Null),
        SqlStorageValue::String(text) => Ok(Value::Text(text)),
        _ => Err(SqlError("expected a number, text or nothing in a column".to_owned())),
    }
}
