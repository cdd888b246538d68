//! Where to look for a key that a message was signed with and that nobody knows.

use serde::{Deserialize, Serialize};

use super::{Call, configuration};
use crate::app::sql::{Sql, SqlError};
use crate::limits::UNKNOWN_KEY_REFETCH_SECONDS;
use crate::saml::connection::State;
use crate::saml::time::Timestamp;

pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS refetches (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL)";

/// Asks where to look for an unknown key. Anybody can send a message that makes us ask, so the ledger decides, which serves this
/// connection alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindKey {
    /// The generation of the record that was used.
    pub generation: u64,
    /// Whether there is metadata to be fetched.
    pub has_metadata_url: bool,
}

/// Where to look for an unknown key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// In the metadata. One caller in five minutes is told so.
    Metadata,
    /// Nowhere.
    Nowhere,
    /// In the registry: the record that was used is an older one.
    Registry,
}

impl Call for FindKey {
    type Reply = KeySource;
    const NAME: &'static str = "find_key";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some((generation, State::Enabled)) = configuration(sql)? else {
            return Ok(KeySource::Nowhere);
        };
        if generation > self.generation {
            return Ok(KeySource::Registry);
        }
        if !self.has_metadata_url {
            return Ok(KeySource::Nowhere);
        }
        let before = now.plus(UNKNOWN_KEY_REFETCH_SECONDS.saturating_neg());
        let claimed = sql.run(
            "INSERT INTO refetches (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at WHERE at <= ? \
             RETURNING at",
            &[now.unix_seconds().into(), before.unix_seconds().into()],
        )?;
        Ok(if claimed.is_empty() {
            KeySource::Nowhere
        } else {
            KeySource::Metadata
        })
    }
}
