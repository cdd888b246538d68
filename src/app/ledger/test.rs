//! Test runs: one request each, and what became of its answer. A test signs nobody in, so it needs no enabled connection,
//! and what it leaves is a report.

use serde::{Deserialize, Serialize};

use super::{Call, Refusal, configuration, sweep};
use crate::app::registry::Actor;
use crate::app::sql::{Row, Sql, SqlError, json, optional, text, time, to_json};
use crate::limits::{MAX_TESTS_PER_CONNECTION, TEST_SECONDS};
use crate::saml::id::TestId;
use crate::saml::report::TestReport;
use crate::saml::time::Timestamp;

/// The columns of a test.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS tests (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, \
     configuration TEXT NOT NULL, begun_by TEXT NOT NULL, actor TEXT NOT NULL, begun_at INTEGER NOT NULL, sent_at INTEGER, \
     finished_at INTEGER, report TEXT)";

const COLUMNS: &str = "id, configuration, begun_by, actor, begun_at, sent_at, finished_at, report";

/// Which configuration of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Configuration {
    /// The one that is being edited.
    Draft,
    /// The one by which users sign in, if it is enabled.
    Live,
}

/// From where a test is begun, so that its browser can be sent back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BegunBy {
    /// The API or the dashboard.
    Admin,
    /// A setup link.
    Setup,
}

/// Begins a test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginTest {
    /// A fresh identifier.
    pub id: TestId,
    /// What is tested.
    pub configuration: Configuration,
    /// From where.
    pub begun_by: BegunBy,
    /// By whom.
    pub actor: Actor,
}

/// Notes that a browser is sent to the identity provider for a test; gives the test. One that is over is left as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendTest {
    /// Which.
    pub id: TestId,
}

/// Reads one test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadTest {
    /// Which.
    pub id: TestId,
}

/// Reads all tests, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListTests {}

/// Keeps the report of a test that waits for it. The first answer counts.
#[derive(Serialize, Deserialize)]
pub struct FinishTest {
    /// Which.
    pub id: TestId,
    /// What became of the answer.
    pub report: TestReport,
}

/// A test run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Its identifier.
    pub id: TestId,
    /// What is tested.
    pub configuration: Configuration,
    /// From where it was begun.
    pub begun_by: BegunBy,
    /// By whom.
    pub actor: Actor,
    /// When.
    pub begun_at: Timestamp,
    /// When a browser was first sent to the identity provider.
    pub sent_at: Option<Timestamp>,
    /// When the answer came.
    pub finished_at: Option<Timestamp>,
    /// What became of it.
    pub report: Option<TestReport>,
}

/// How a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    /// No answer came in time.
    Expired,
    /// A rule refused the answer.
    Failed,
    /// The answer passed every rule.
    Passed,
    /// It waits for its answer.
    Waiting,
}

impl Test {
    /// How it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TestState {
        match &self.report {
            Some(report) if report.passed => TestState::Passed,
            Some(_) => TestState::Failed,
            None if now >= self.begun_at.plus(TEST_SECONDS) => TestState::Expired,
            None => TestState::Waiting,
        }
    }
}

impl Call for BeginTest {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "begin_test";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Err(Refusal::NotYetKnown));
        }
        sweep(sql, now)?;
        sql.run(
            "INSERT INTO tests (id, configuration, begun_by, actor, begun_at) VALUES (?, ?, ?, ?, ?)",
            &[
                self.id.as_str().into(),
                to_json(&self.configuration)?,
                to_json(&self.begun_by)?,
                self.actor.as_str().into(),
                now.unix_seconds().into(),
            ],
        )?;
        sql.run(
            "DELETE FROM tests WHERE sequence NOT IN (SELECT sequence FROM tests ORDER BY sequence DESC LIMIT ?)",
            &[MAX_TESTS_PER_CONNECTION.into()],
        )?;
        Ok(Ok(()))
    }
}

impl Call for SendTest {
    type Reply = Option<Test>;
    const NAME: &'static str = "send_test";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(mut test) = test(sql, &self.id)? else {
            return Ok(None);
        };
        if test.state(now) == TestState::Waiting && test.sent_at.is_none() {
            sql.run(
                "UPDATE tests SET sent_at = ? WHERE id = ?",
                &[now.unix_seconds().into(), self.id.as_str().into()],
            )?;
            test.sent_at = Some(now);
        }
        Ok(Some(test))
    }
}

impl Call for ReadTest {
    type Reply = Option<Test>;
    const NAME: &'static str = "read_test";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        test(sql, &self.id)
    }
}

impl Call for ListTests {
    type Reply = Vec<Test>;
    const NAME: &'static str = "list_tests";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(Vec::new());
        }
        sweep(sql, now)?;
        let rows = sql.run(&format!("SELECT {COLUMNS} FROM tests ORDER BY sequence DESC"), &[])?;
        rows.iter().map(read).collect()
    }
}

impl Call for FinishTest {
    type Reply = ();
    const NAME: &'static str = "finish_test";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        match test(sql, &self.id)? {
            Some(test) if test.state(now) == TestState::Waiting => {}
            _ => return Ok(()),
        }
        sql.run(
            "UPDATE tests SET finished_at = ?, report = ? WHERE id = ?",
            &[
                now.unix_seconds().into(),
                to_json(&self.report)?,
                self.id.as_str().into(),
            ],
        )?;
        Ok(())
    }
}

fn test(sql: &dyn Sql, id: &TestId) -> Result<Option<Test>, SqlError> {
    if configuration(sql)?.is_none() {
        return Ok(None);
    }
    let rows = sql.run(
        &format!("SELECT {COLUMNS} FROM tests WHERE id = ?"),
        &[id.as_str().into()],
    )?;
    rows.first().map(read).transpose()
}

fn read(row: &Row) -> Result<Test, SqlError> {
    Ok(Test {
        id: TestId::parse(text(row, 0)?)?,
        configuration: json(row, 1)?,
        begun_by: json(row, 2)?,
        actor: Actor::new(text(row, 3)?),
        begun_at: time(row, 4)?,
        sent_at: optional(row, 5, time)?,
        finished_at: optional(row, 6, time)?,
        report: optional(row, 7, json)?,
    })
}
