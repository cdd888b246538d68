//! The ledger of one connection: what must happen once, and what must be true at once everywhere.
//!
//! One Durable Object per connection runs these calls, each without yielding, so each is atomic. It keeps the
//! connection's current generation and state, the requests that wait for an answer, the assertions that were used, the
//! tickets on their way to the browser, the sessions, and the sign-in log. Tokens are kept as hashes only.

mod attempts;
mod capture;
mod logout;
mod request;
mod session;
mod sign_in;
pub mod test;
mod unknown_key;

pub use attempts::{
    About, Attempt, AttemptsPage, Event, Finding, Health, HealthReport, Kind, ListAttempts, Outcome, RecordRefusal,
    Recorded, SignedMessage, Standing, Step,
};
pub use capture::{CaptureState, CapturedMessage, KeepMessage, ListMessages, ReadCapture, SetCapture};
pub use logout::{AnswerLogout, EndUserSessions, LogoutOutcome, PendingLogout, ReadLogout, SignOut};
pub use request::{AskAgain, Asked, Begin, GiveUp};
pub use session::{EndSession, ReadSession, Session, User, user_id, user_id_of_attribute};
pub use sign_in::{Answers, Complete, Completed, Completion, Consume};
pub use unknown_key::{FindKey, KeySource};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::test::{BeginTest, FinishTest, ListTests, ReadTest, SendTest};
use super::return_target::ReturnTarget;
use super::sql::{Sql, SqlError, atomically, integer, json, to_json};
use crate::limits::{CAPTURED_MESSAGE_SECONDS, EXPIRED_REQUEST_SECONDS, TEST_KEPT_SECONDS};
use crate::saml::connection::State;
use crate::saml::settings::SessionSettings;
use crate::saml::time::Timestamp;

/// A call to a ledger: plain data there, plain data back.
pub trait Call: Serialize + DeserializeOwned {
    /// What the ledger answers.
    type Reply: Serialize + DeserializeOwned;
    /// The call's name on the wire.
    const NAME: &'static str;

    /// Runs the call at `now`.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails; [`dispatch`] then undoes what it changed.
    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError>;
}

/// Why a ledger refuses. The application turns it into a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The assertion was used before.
    AssertionReused,
    /// The user authenticated before the request, which asked for a new authentication.
    AuthnTooOld,
    /// The ticket came back from another browser.
    BrowserMismatch,
    /// The connection is disabled, or was deleted.
    Disabled,
    /// The user's e-mail address is not the one that was typed.
    EmailDiffers,
    /// What was accepted is not valid any more by the ledger's clock, so that it may be forgotten already.
    Late {
        /// By how many seconds.
        by_seconds: i64,
    },
    /// The user never signed in before, and new ones may not.
    NewUser,
    /// The ledger has not heard yet of the generation that the caller used.
    NotYetKnown,
    /// The request was answered by another assertion.
    RequestAnswered,
    /// The request, or the ticket, was not used in time.
    RequestExpired {
        /// Where the browser wanted to go.
        return_target: ReturnTarget,
    },
    /// No such request or ticket.
    RequestUnknown,
    /// The session at the identity provider ended before the browser came back.
    SessionEnded,
    /// The caller used an older generation: read the connection again and try once more.
    StaleGeneration,
}

/// Sets what is true of the connection from now on. The registry calls it before the change reaches KV.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// The connection's generation.
    pub generation: u64,
    /// Whether it signs users in.
    pub state: State,
    /// How long its sessions last.
    pub sessions: SessionSettings,
}

/// Forgets everything; the connection was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {}

/// Runs the call named `name`, given and answered as JSON, as one transaction. `None` for a name that is no call.
///
/// # Errors
/// [`SqlError`] when the database fails or the text is not the call's; nothing was changed.
pub fn dispatch(name: &str, call: &str, sql: &dyn Sql, now: Timestamp) -> Result<Option<String>, SqlError> {
    fn run<C: Call>(call: &str, sql: &dyn Sql, now: Timestamp) -> Result<String, SqlError> {
        let call: C = serde_json::from_str(call).map_err(|e| SqlError(e.to_string()))?;
        let reply = atomically(sql, |sql| call.run(sql, now))?;
        serde_json::to_string(&reply).map_err(|e| SqlError(e.to_string()))
    }
    Ok(Some(match name {
        AnswerLogout::NAME => run::<AnswerLogout>(call, sql, now)?,
        AskAgain::NAME => run::<AskAgain>(call, sql, now)?,
        Begin::NAME => run::<Begin>(call, sql, now)?,
        BeginTest::NAME => run::<BeginTest>(call, sql, now)?,
        Complete::NAME => run::<Complete>(call, sql, now)?,
        Configure::NAME => run::<Configure>(call, sql, now)?,
        Consume::NAME => run::<Consume>(call, sql, now)?,
        EndSession::NAME => run::<EndSession>(call, sql, now)?,
        EndUserSessions::NAME => run::<EndUserSessions>(call, sql, now)?,
        FinishTest::NAME => run::<FinishTest>(call, sql, now)?,
        FindKey::NAME => run::<FindKey>(call, sql, now)?,
        Forget::NAME => run::<Forget>(call, sql, now)?,
        GiveUp::NAME => run::<GiveUp>(call, sql, now)?,
        Health::NAME => run::<Health>(call, sql, now)?,
        KeepMessage::NAME => run::<KeepMessage>(call, sql, now)?,
        ListAttempts::NAME => run::<ListAttempts>(call, sql, now)?,
        ListMessages::NAME => run::<ListMessages>(call, sql, now)?,
        ListTests::NAME => run::<ListTests>(call, sql, now)?,
        ReadCapture::NAME => run::<ReadCapture>(call, sql, now)?,
        ReadLogout::NAME => run::<ReadLogout>(call, sql, now)?,
        ReadSession::NAME => run::<ReadSession>(call, sql, now)?,
        ReadTest::NAME => run::<ReadTest>(call, sql, now)?,
        RecordRefusal::NAME => run::<RecordRefusal>(call, sql, now)?,
        SendTest::NAME => run::<SendTest>(call, sql, now)?,
        SetCapture::NAME => run::<SetCapture>(call, sql, now)?,
        SignOut::NAME => run::<SignOut>(call, sql, now)?,
        _ => return Ok(None),
    }))
}

/// Whether the call named `name` leaves something that must be swept up one day.
#[must_use]
pub fn leaves_something(name: &str) -> bool {
    let calls = [AskAgain::NAME, Begin::NAME, Complete::NAME, Consume::NAME];
    calls.contains(&name)
        || [
            BeginTest::NAME,
            EndUserSessions::NAME,
            KeepMessage::NAME,
            RecordRefusal::NAME,
            SignOut::NAME,
        ]
        .contains(&name)
}

/// What a sweep leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing that grows old.
    NothingIsLeft,
    /// Something that will grow old.
    SomethingIsLeft,
}

/// Drops what no rule needs any more. Runs with every new request and from the ledger's alarm.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<Swept, SqlError> {
    if configuration(sql)?.is_none() {
        return Ok(Swept::NothingIsLeft);
    }
    let mut swept = if attempts::sweep(sql, now)? {
        Swept::SomethingIsLeft
    } else {
        Swept::NothingIsLeft
    };
    for (table, end, kept_seconds) in GROWING_OLD {
        let bound = now.plus(kept_seconds.saturating_neg()).unix_seconds();
        sql.run(&format!("DELETE FROM {table} WHERE {end} <= ?"), &[bound.into()])?;
        // One by one: a Durable Object joins no more than five SELECTs.
        if !sql.run(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_empty() {
            swept = Swept::SomethingIsLeft;
        }
    }
    Ok(swept)
}

/// Whether something that is used once, and remembered until `remember_until`, is still in time. The caller judged that by a
/// clock that may have stood still since the request's head came.
fn check_in_time(remember_until: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let by_seconds = now.since(remember_until);
    if by_seconds > 0 {
        return Err(Refusal::Late { by_seconds });
    }
    Ok(())
}

/// The tables whose rows grow old: by which column, and how many seconds they are kept beyond it. What is used once is accepted in
/// the very second of `remember_until`, and forgotten only after it: see [`check_in_time`].
const GROWING_OLD: [(&str, &str, i64); 8] = [
    ("requests", "expires_at", EXPIRED_REQUEST_SECONDS),
    ("assertions", "remember_until", 1),
    ("tickets", "expires_at", 0),
    ("sessions", "expires_at", 0),
    ("logouts", "expires_at", 0),
    ("ended_users", "remember_until", 1),
    ("messages", "at", CAPTURED_MESSAGE_SECONDS),
    ("tests", "begun_at", TEST_KEPT_SECONDS),
];

const TABLES: [&str; 12] = [
    "CREATE TABLE IF NOT EXISTS configuration (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL, state TEXT NOT NULL, \
     sessions TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, browser TEXT NOT NULL, return_target TEXT NOT NULL, \
     expires_at INTEGER NOT NULL, answered_at INTEGER, asked TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS assertions (id TEXT PRIMARY KEY, request_id TEXT, used_at INTEGER NOT NULL, \
     remember_until INTEGER NOT NULL)",
    // Without a request it is bound to the first browser that shows it.
    "CREATE TABLE IF NOT EXISTS tickets (hash TEXT PRIMARY KEY, generation INTEGER NOT NULL, request_id TEXT, browser TEXT, \
     return_target TEXT NOT NULL, user TEXT NOT NULL, authenticated_at INTEGER NOT NULL, session_not_on_or_after INTEGER, expires_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, request_id TEXT, user TEXT NOT NULL, authenticated_at INTEGER NOT NULL, \
     created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, signed_in_at INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS requests_by_end ON requests (expires_at)",
    "CREATE INDEX IF NOT EXISTS requests_by_browser ON requests (browser)",
    "CREATE INDEX IF NOT EXISTS assertions_by_end ON assertions (remember_until)",
    "CREATE INDEX IF NOT EXISTS tickets_by_end ON tickets (expires_at)",
    "CREATE INDEX IF NOT EXISTS tickets_by_request ON tickets (request_id)",
    "CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (expires_at)",
];

impl Call for Configure {
    type Reply = ();
    const NAME: &'static str = "configure";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<(), SqlError> {
        for table in TABLES
            .iter()
            .chain(attempts::TABLES)
            .chain(capture::TABLES)
            .chain(request::TABLES)
            .chain(logout::TABLES)
            .chain([&test::TABLE, &unknown_key::TABLE])
        {
            sql.run(table, &[])?;
        }
        let generation = i64::try_from(self.generation).map_err(|e| SqlError(e.to_string()))?;
        // An older message that arrives late changes nothing.
        sql.run(
            "INSERT INTO configuration (one, generation, state, sessions) VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE \
             SET generation = excluded.generation, state = excluded.state, sessions = excluded.sessions \
             WHERE excluded.generation >= generation",
            &[generation.into(), to_json(&self.state)?, to_json(&self.sessions)?],
        )?;
        Ok(())
    }
}

impl Call for Forget {
    type Reply = ();
    const NAME: &'static str = "forget";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        // What is left is a tombstone: a message that was sent before the deletion and arrives after it changes nothing.
        let tombstone = Configure {
            generation: LAST_GENERATION,
            state: State::Disabled,
            sessions: SessionSettings::default(),
        };
        tombstone.run(sql, now)?;
        let tables = GROWING_OLD.iter().map(|(table, ..)| *table);
        for table in tables.chain(["users", "attempts", "attempt_keys", "capture"]) {
            sql.run(&format!("DELETE FROM {table}"), &[])?;
        }
        Ok(())
    }
}

/// Later than any generation that a connection can reach; SQLite's numbers are exact up to it at the edge.
const LAST_GENERATION: u64 = (1 << 53) - 1;

/// The generation and state, unless the ledger was never configured or was told to forget. Reading creates nothing, so
/// that made-up connection ids leave no trace.
fn configuration(sql: &dyn Sql) -> Result<Option<(u64, State)>, SqlError> {
    if sql
        .run(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'configuration'",
            &[],
        )?
        .is_empty()
    {
        return Ok(None);
    }
    let rows = sql.run("SELECT generation, state FROM configuration", &[])?;
    rows.first()
        .map(|row| {
            let generation = u64::try_from(integer(row, 0)?).map_err(|e| SqlError(e.to_string()))?;
            Ok((generation, json(row, 1)?))
        })
        .transpose()
}

/// How long the sessions of a ledger that was configured last.
fn session_settings(sql: &dyn Sql) -> Result<SessionSettings, SqlError> {
    let rows = sql.run("SELECT sessions FROM configuration", &[])?;
    rows.first()
        .map_or_else(|| Ok(SessionSettings::default()), |row| json(row, 0))
}

/// Whether a caller that used the record of `generation` may go on.
fn check_current(sql: &dyn Sql, generation: u64) -> Result<Result<(), Refusal>, SqlError> {
    Ok(match configuration(sql)? {
        None | Some((_, State::Disabled)) => Err(Refusal::Disabled),
        Some((current, _)) if current > generation => Err(Refusal::StaleGeneration),
        Some((current, _)) if current < generation => Err(Refusal::NotYetKnown),
        Some(_) => Ok(()),
    })
}
