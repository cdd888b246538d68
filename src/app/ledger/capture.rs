//! Captured messages: what identity providers sent, as it came, while the vendor looks for a fault.
//!
//! The ledger never sees a message: it keeps what was sealed with a key of the registry's, for a day and no more than a few. What
//! may be anybody's has a smaller room of its own, so that it pushes out nothing that an identity provider signed.

use serde::{Deserialize, Serialize};

use super::{Call, LAST_GENERATION, configuration};
use crate::app::sql::{Row, Sql, SqlError, integer, text, time};
use crate::limits::{
    CAPTURED_MESSAGE_SECONDS, MAX_CAPTURED_MESSAGES, MAX_CAPTURED_PER_ATTEMPT, MAX_UNVERIFIED_CAPTURED_MESSAGES,
};
use crate::saml::id::Reference;
use crate::saml::time::Timestamp;

/// The tables. The sweep drops messages by their age.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS capture (one INTEGER PRIMARY KEY CHECK (one = 1), until INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS messages (sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reference TEXT NOT NULL, \
     verified INTEGER NOT NULL, sealed TEXT NOT NULL)",
];

/// Captures messages until then; or no more, and drops those that were. Answers as [`ReadCapture`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetCapture {
    /// Until when.
    pub until: Option<Timestamp>,
}

/// Asks whether messages are captured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadCapture {}

/// Whether messages are captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureState {
    /// Until when, if they are.
    pub until: Option<Timestamp>,
    /// How many are kept.
    pub kept: i64,
}

/// Keeps a message that was captured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeepMessage {
    /// Of which attempt.
    pub reference: String,
    /// Whether it is known who sent it.
    pub verified: bool,
    /// The message, sealed.
    pub sealed: String,
}

/// Asks for the messages of an attempt, in the order in which they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListMessages {
    /// Which attempt.
    pub reference: Reference,
}

/// A message that was captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedMessage {
    /// When.
    pub at: Timestamp,
    /// Whether it is known who sent it; otherwise it may be anybody's.
    pub verified: bool,
    /// The message, sealed.
    pub sealed: String,
}

impl Call for SetCapture {
    type Reply = CaptureState;
    const NAME: &'static str = "set_capture";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if matches!(configuration(sql)?, None | Some((LAST_GENERATION, _))) {
            return Ok(CaptureState { until: None, kept: 0 });
        }
        if let Some(until) = self.until {
            sql.run(
                "INSERT INTO capture (one, until) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET until = excluded.until",
                &[until.unix_seconds().into()],
            )?;
        } else {
            sql.run("DELETE FROM capture", &[])?;
            sql.run("DELETE FROM messages", &[])?;
        }
        ReadCapture {}.run(sql, now)
    }
}

impl Call for ReadCapture {
    type Reply = CaptureState;
    const NAME: &'static str = "read_capture";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(CaptureState { until: None, kept: 0 });
        }
        let rows = sql.run(
            "SELECT count(*) FROM messages WHERE at > ?",
            &[oldest_kept(now).unix_seconds().into()],
        )?;
        Ok(CaptureState {
            until: captures_until(sql, now)?,
            kept: rows.first().map_or(Ok(0), |row| integer(row, 0))?,
        })
    }
}

impl Call for KeepMessage {
    type Reply = ();
    const NAME: &'static str = "keep_message";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        // While the message was sealed, capture may have ended, or others may have taken the attempt's room.
        if !is_wanted(sql, self.verified, &self.reference, now)? {
            return Ok(());
        }
        sql.run(
            "INSERT INTO messages (at, reference, verified, sealed) VALUES (?, ?, ?, ?)",
            &[
                now.unix_seconds().into(),
                self.reference.into(),
                i64::from(self.verified).into(),
                self.sealed.into(),
            ],
        )?;
        let room = if self.verified {
            MAX_CAPTURED_MESSAGES
        } else {
            MAX_UNVERIFIED_CAPTURED_MESSAGES
        };
        sql.run(
            "DELETE FROM messages WHERE verified = ?1 AND sequence <= \
             (SELECT sequence FROM messages WHERE verified = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
            &[i64::from(self.verified).into(), room.into()],
        )?;
        Ok(())
    }
}

impl Call for ListMessages {
    type Reply = Vec<CapturedMessage>;
    const NAME: &'static str = "list_messages";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Vec::new());
        }
        let rows = sql.run(
            "SELECT at, verified, sealed FROM messages WHERE reference = ? AND at > ? ORDER BY sequence",
            &[self.reference.as_str().into(), oldest_kept(now).unix_seconds().into()],
        )?;
        let read = |row: &Row| {
            Ok(CapturedMessage {
                at: time(row, 0)?,
                verified: integer(row, 1)? != 0,
                sealed: text(row, 2)?.to_owned(),
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Until when messages are captured, if they are.
fn captures_until(sql: &dyn Sql, now: Timestamp) -> Result<Option<Timestamp>, SqlError> {
    let rows = sql.run(
        "SELECT until FROM capture WHERE until > ?",
        &[now.unix_seconds().into()],
    )?;
    rows.first().map(|row| time(row, 0)).transpose()
}

/// What was captured up to then is too old, though nothing may have swept yet.
fn oldest_kept(now: Timestamp) -> Timestamp {
    now.plus(CAPTURED_MESSAGE_SECONDS.saturating_neg())
}

/// Whether a message of this attempt is to be captured. What may be anybody's does not take the place of what is verified.
pub(super) fn is_wanted(sql: &dyn Sql, verified: bool, reference: &str, now: Timestamp) -> Result<bool, SqlError> {
    if captures_until(sql, now)?.is_none() {
        return Ok(false);
    }
    let kept = sql.run(
        "SELECT 1 FROM messages WHERE reference = ? AND verified = ?",
        &[reference.into(), i64::from(verified).into()],
    )?;
    Ok(kept.len() < MAX_CAPTURED_PER_ATTEMPT)
}
