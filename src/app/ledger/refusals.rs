//! The latest refusals, for the vendor to look up by their reference.

use serde::{Deserialize, Serialize};

use super::{Call, configuration};
use crate::app::sql::{Sql, SqlError, text, time};
use crate::limits::MAX_REFUSALS_KEPT;
use crate::saml::time::Timestamp;

/// Keeps a refusal for the vendor to look up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordRefusal {
    /// What the browser was shown.
    pub reference: String,
    /// The stable code.
    pub code: String,
    /// Expected and found.
    pub detail: String,
}

/// Asks for the latest refusals, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListRefusals {}

/// A refused sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSignIn {
    /// What the browser was shown.
    pub reference: String,
    /// When.
    pub at: Timestamp,
    /// The stable code.
    pub code: String,
    /// Expected and found.
    pub detail: String,
}

impl Call for RecordRefusal {
    type Reply = ();
    const NAME: &'static str = "record_refusal";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(());
        }
        sql.run(
            "INSERT INTO refusals (reference, at, code, detail) VALUES (?, ?, ?, ?)",
            &[
                self.reference.into(),
                now.unix_seconds().into(),
                self.code.into(),
                self.detail.into(),
            ],
        )?;
        sql.run(
            "DELETE FROM refusals WHERE sequence <= (SELECT max(sequence) FROM refusals) - ?",
            &[MAX_REFUSALS_KEPT.into()],
        )?;
        Ok(())
    }
}

impl Call for ListRefusals {
    type Reply = Vec<RefusedSignIn>;
    const NAME: &'static str = "list_refusals";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Vec::new());
        }
        let rows = sql.run(
            "SELECT reference, at, code, detail FROM refusals ORDER BY sequence DESC",
            &[],
        )?;
        rows.iter()
            .map(|row| {
                Ok(RefusedSignIn {
                    reference: text(row, 0)?.to_owned(),
                    at: time(row, 1)?,
                    code: text(row, 2)?.to_owned(),
                    detail: text(row, 3)?.to_owned(),
                })
            })
            .collect()
    }
}
