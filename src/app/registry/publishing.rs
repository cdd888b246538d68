//! What the registry publishes: to ledgers first, and to KV after them.
//!
//! A change notes what it makes untrue elsewhere, in its own step. What is published is what is then true, so that neither
//! order nor repetition can leave something old behind.

use serde::{Deserialize, Serialize};

use super::{Call, domains, keys, outbox, read, webhooks};
use crate::app::ledger;
use crate::app::sql::{Sql, SqlError, Value, integer, text};
use crate::saml::id::{ConnectionId, Domain};
use crate::saml::time::Timestamp;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS unpublished (kind TEXT NOT NULL, name TEXT NOT NULL, \
     version INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, name))";

/// Publishes what is not published yet, though nothing was changed: a schedule calls it, should an alarm ever be lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publish {}

impl Call for Publish {
    type Reply = ();
    const NAME: &'static str = "publish";

    /// What is too old in the outbox goes here too: where nothing is due, nothing else would drop it.
    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        outbox::sweep(sql, now)
    }
}

/// What of the registry is published elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A connection: to its ledger, and to KV.
    Connection,
    /// Where a domain leads: to KV.
    Domain,
    /// The public keys of the service provider: to KV.
    Keys,
    /// Where an organization leads: to KV.
    Organization,
    /// What webhooks want to know of sign-ins: to KV.
    Wanted,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Domain => "domain",
            Self::Keys => "keys",
            Self::Organization => "organization",
            Self::Wanted => "wanted",
        }
    }
}

/// Notes that `name` has to be published.
pub(super) fn note(sql: &dyn Sql, kind: Kind, name: &str) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO unpublished (kind, name, version) VALUES (?, ?, 1) \
         ON CONFLICT (kind, name) DO UPDATE SET version = version + 1, failures = 0",
        &[kind.as_str().into(), name.into()],
    )?;
    Ok(())
}

/// Something that is true in the registry and has to become true elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    kind: String,
    name: String,
    version: i64,
    /// The ledger that has to hear of it, and what; before KV does.
    pub ledger: Option<(ConnectionId, LedgerNews)>,
    /// The KV key.
    pub key: String,
    /// Its value; `None` to delete it.
    pub value: Option<String>,
}

impl Publication {
    /// What tells the note of it from others.
    fn row(&self) -> [Value; 3] {
        [
            self.kind.as_str().into(),
            self.name.as_str().into(),
            Value::Integer(self.version),
        ]
    }
}

/// What a ledger has to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerNews {
    /// The connection is at this generation and in this state.
    Configure(ledger::Configure),
    /// The connection was deleted.
    Forget(ledger::Forget),
}

/// The KV key of a connection's record.
#[must_use]
pub fn connection_key(id: &ConnectionId) -> String {
    format!("connection:{id}")
}

/// What is not published yet, as it is true now, `limit` at the most: what failed least often first, then connections first.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn unpublished(sql: &dyn Sql, limit: i64) -> Result<Vec<Publication>, SqlError> {
    let rows = sql.run(
        "SELECT kind, name, version FROM unpublished ORDER BY failures, kind, name LIMIT ?",
        &[limit.into()],
    )?;
    let mut publications = Vec::new();
    for row in &rows {
        let (kind, name, version) = (text(row, 0)?.to_owned(), text(row, 1)?.to_owned(), integer(row, 2)?);
        let (ledger, key, value) = if kind == Kind::Connection.as_str() {
            let id = ConnectionId::parse(&name)?;
            let connection = read(sql, &id)?;
            let news = connection.as_ref().map_or(LedgerNews::Forget(ledger::Forget {}), |c| {
                LedgerNews::Configure(ledger::Configure {
                    generation: c.generation,
                    state: c.state,
                    sessions: c.sessions,
                })
            });
            let record = connection.map(|c| serde_json::to_string(&c)).transpose();
            let record = record.map_err(|e| SqlError(e.to_string()))?;
            (Some((id.clone(), news)), connection_key(&id), record)
        } else if kind == Kind::Keys.as_str() {
            let keys = serde_json::to_string(&keys::public_keys(sql)?).map_err(|e| SqlError(e.to_string()))?;
            (None, keys::PUBLIC_KEYS_KEY.to_owned(), Some(keys))
        } else if kind == Kind::Wanted.as_str() {
            let wanted = webhooks::wanted(sql)?
                .map(|wanted| serde_json::to_string(&wanted))
                .transpose();
            let wanted = wanted.map_err(|e| SqlError(e.to_string()))?;
            (None, webhooks::WANTED_KEY.to_owned(), wanted)
        } else if kind == Kind::Organization.as_str() {
            let led = index(&domains::of_organization(sql, &name)?)?;
            (None, domains::organization_key(&name), led)
        } else {
            let domain = Domain::parse(&name)?;
            let led = index(&domains::of_domain(sql, &domain)?)?;
            (None, domains::domain_key(&domain), led)
        };
        publications.push(Publication {
            kind,
            name,
            version,
            ledger,
            key,
            value,
        });
    }
    Ok(publications)
}

/// Whether everything is published.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn is_published(sql: &dyn Sql) -> Result<bool, SqlError> {
    Ok(sql.run("SELECT 1 FROM unpublished LIMIT 1", &[])?.is_empty())
}

/// Whether something waits to be published for the first time; what is left otherwise has failed, and is not to be tried without a
/// pause.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn is_ready_to_publish(sql: &dyn Sql) -> Result<bool, SqlError> {
    let ready = sql.run("SELECT 1 FROM unpublished WHERE failures = 0 LIMIT 1", &[])?;
    Ok(!ready.is_empty())
}

/// An index as KV has it: nothing where it leads nowhere.
fn index(destinations: &[domains::Destination]) -> Result<Option<String>, SqlError> {
    let value = (!destinations.is_empty()).then(|| serde_json::to_string(destinations));
    value.transpose().map_err(|e| SqlError(e.to_string()))
}

/// Notes that `publication` was made, unless what it publishes has changed again meanwhile.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn published(sql: &dyn Sql, publication: &Publication) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM unpublished WHERE kind = ? AND name = ? AND version = ?",
        &publication.row(),
    )?;
    Ok(())
}

/// Notes that `publication` failed: others take their turn first.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn not_published(sql: &dyn Sql, publication: &Publication) -> Result<(), SqlError> {
    sql.run(
        "UPDATE unpublished SET failures = failures + 1 WHERE kind = ? AND name = ? AND version = ?",
        &publication.row(),
    )?;
    Ok(())
}
