//! How a connection stands, in one call: the record, the draft beside it, its tests.

use serde::{Deserialize, Serialize};

use super::drafts::{Draft, ReadDraft};
use super::tested::{self, TestStatus};
use super::{Call, Refusal, read};
use crate::app::sql::{Sql, SqlError};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// Reads how a connection stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadSituation {
    /// Which.
    pub id: ConnectionId,
}

/// A connection with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// By what users sign in.
    pub live: Connection,
    /// What is prepared beside it.
    pub draft: Option<Draft>,
    /// How the tests of the live configuration stand.
    pub test: TestStatus,
}

impl Call for ReadSituation {
    type Reply = Result<Situation, Refusal>;
    const NAME: &'static str = "read_situation";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(live) = read(sql, &self.id)? else {
            return Ok(Err(Refusal::NotFound));
        };
        let draft = match (ReadDraft { id: self.id }).run(sql, now)? {
            Ok(draft) => Some(draft),
            Err(Refusal::NoDraft) => None,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let test = tested::status(sql, &live)?;
        Ok(Ok(Situation { live, draft, test }))
    }
}
