//! A Durable Object's SQLite behind [`Sql`].

use js_sys::{Function, Reflect};
use wasm_bindgen::closure::ScopedClosure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, Storage};

use crate::app::sql::{Row, Sql, SqlError, Value};

/// The storage of the object that runs.
pub(super) struct ObjectSql {
    storage: Storage,
    sql: SqlStorage,
}

impl ObjectSql {
    /// The database in `storage`.
    pub(super) fn of(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql }
    }
}

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
        let cursor = self.sql.exec(statement, values).map_err(error)?;
        cursor
            .raw()
            .map(|row| row.map_err(error)?.into_iter().map(value).collect())
            .collect()
    }

    /// By `transactionSync`, which the `worker` crate does not name: SQLite's own statements for it are forbidden there.
    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        let mut outcome = Err(SqlError("the transaction did not run".to_owned()));
        let ran = {
            let mut callback = || {
                outcome = work();
                // What is thrown rolls back; the reason stays with us.
                outcome.as_ref().map(|()| JsValue::UNDEFINED).map_err(|_| JsValue::NULL)
            };
            let callback = ScopedClosure::<dyn FnMut() -> Result<JsValue, JsValue>>::borrow_mut_aborting(&mut callback);
            let storage: &JsValue = self.storage.as_raw();
            Reflect::get(storage, &"transactionSync".into())
                .and_then(JsCast::dyn_into::<Function>)
                .and_then(|transaction| transaction.call1(storage, callback.as_ref()))
        };
        match (outcome, ran) {
            (Ok(()), Err(error)) => Err(SqlError(format!("transaction: {error:?}"))),
            (outcome, _) => outcome,
        }
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
