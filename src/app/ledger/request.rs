//! Requests that wait for the identity provider's answer: what was asked, by which browser, and where it was going.

use serde::{Deserialize, Serialize};

use super::{Call, Refusal, attempts, check_current, sweep};
use crate::app::return_target::ReturnTarget;
use crate::app::sql::{Sql, SqlError, Value, integer, json, text, to_json};
use crate::limits::{MAX_PENDING_PER_BROWSER, MAX_PENDING_PER_CONNECTION};
use crate::saml::id::{EmailAddress, RequestId};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// What the table of requests needs: their number, kept by triggers so that whoever forgets some need not think of it, and the
/// order in which they give way.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS request_count (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO request_count (one, number) SELECT 1, count(*) FROM requests",
    "CREATE TRIGGER IF NOT EXISTS request_added AFTER INSERT ON requests BEGIN UPDATE request_count SET number = number + 1; END",
    "CREATE TRIGGER IF NOT EXISTS request_removed AFTER DELETE ON requests BEGIN UPDATE request_count SET number = number - 1; END",
    "CREATE INDEX IF NOT EXISTS requests_by_worth ON requests (answered_at IS NULL, expires_at)",
];

/// Remembers a request that is sent to the identity provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request's ID.
    pub request_id: RequestId,
    /// The browser that asked.
    pub browser: TokenHash,
    /// Where it wanted to go.
    pub return_target: ReturnTarget,
    /// How long it may take, in seconds.
    pub lifetime_seconds: i64,
    /// What it asked for.
    pub asked: Asked,
    /// By what the attempt is found in the log.
    pub reference: String,
    /// Whether a response that answers no request led to it.
    pub bounced: bool,
}

/// What a request asked the identity provider for, as far as its answer is judged by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// With `ForceAuthn`: the user must not have authenticated before this.
    pub authn_not_before: Option<Timestamp>,
    /// The e-mail address that was typed.
    pub email: Option<EmailAddress>,
    /// With `IsPassive`: that no page be shown.
    pub passive: bool,
    /// Whether a format of the NameID was asked for. If that is refused, it is asked once more without.
    pub name_id_format: bool,
}

/// Replaces a request, whose NameID format the identity provider refused, by one that asks for none. Gives what else it
/// asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskAgain {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request that was refused.
    pub refused: RequestId,
    /// The request in its place, for the same browser and the same return target.
    pub request_id: RequestId,
    /// How long it may take, in seconds.
    pub lifetime_seconds: i64,
}

/// Gives a request up that asked the identity provider to show no page, which it could not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GiveUp {
    /// The generation of the record that was used.
    pub generation: u64,
    /// The request.
    pub request_id: RequestId,
}

impl Call for Begin {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "begin";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        sweep(sql, now)?;
        drop_surplus_requests(sql, &self.browser)?;
        sql.run(
            "INSERT INTO requests (id, browser, return_target, expires_at, asked) VALUES (?, ?, ?, ?, ?)",
            &[
                self.request_id.as_str().into(),
                self.browser.as_str().into(),
                self.return_target.as_str().into(),
                now.plus(self.lifetime_seconds).unix_seconds().into(),
                to_json(&self.asked)?,
            ],
        )?;
        attempts::begun(sql, &self, now)?;
        Ok(Ok(()))
    }
}

impl Call for AskAgain {
    type Reply = Result<Asked, Refusal>;
    const NAME: &'static str = "ask_again";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        let asked = match pending(sql, &self.refused, now)? {
            Ok(request) if request.asked.name_id_format => Asked {
                name_id_format: false,
                ..request.asked
            },
            Ok(_) => return Ok(Err(Refusal::RequestUnknown)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        answered(sql, &self.refused, now)?;
        sql.run(
            "INSERT INTO requests (id, browser, return_target, expires_at, asked) SELECT ?, browser, return_target, ?, ? FROM requests \
             WHERE id = ?",
            &[
                self.request_id.as_str().into(),
                now.plus(self.lifetime_seconds).unix_seconds().into(),
                to_json(&asked)?,
                self.refused.as_str().into(),
            ],
        )?;
        attempts::asked_again(sql, &self, now)?;
        Ok(Ok(asked))
    }
}

impl Call for GiveUp {
    type Reply = Result<ReturnTarget, Refusal>;
    const NAME: &'static str = "give_up";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = check_current(sql, self.generation)? {
            return Ok(Err(refusal));
        }
        Ok(match pending(sql, &self.request_id, now)? {
            Ok(request) if request.asked.passive => {
                answered(sql, &self.request_id, now)?;
                attempts::given_up(sql, &self.request_id, now)?;
                Ok(request.return_target)
            }
            Ok(_) => Err(Refusal::RequestUnknown),
            Err(refusal) => Err(refusal),
        })
    }
}

/// A request that is remembered.
pub(super) struct Request {
    pub(super) browser: String,
    pub(super) return_target: ReturnTarget,
    pub(super) asked: Asked,
    answered: bool,
}

/// The request `id`, if it is remembered and has not expired.
pub(super) fn request(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<Result<Request, Refusal>, SqlError> {
    let rows = sql.run(
        "SELECT expires_at, answered_at, asked, browser, return_target FROM requests WHERE id = ?",
        &[id.as_str().into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Err(Refusal::RequestUnknown));
    };
    let return_target = ReturnTarget::parse(text(row, 4)?)?;
    if integer(row, 0)? <= now.unix_seconds() {
        return Ok(Err(Refusal::RequestExpired { return_target }));
    }
    Ok(Ok(Request {
        browser: text(row, 3)?.to_owned(),
        return_target,
        asked: json(row, 2)?,
        answered: row.get(1) != Some(&Value::Null),
    }))
}

/// The request `id`, if it waits for its answer.
pub(super) fn pending(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<Result<Request, Refusal>, SqlError> {
    Ok(match request(sql, id, now)? {
        Ok(request) if request.answered => Err(Refusal::RequestAnswered),
        other => other,
    })
}

/// Notes that the request `id` was answered.
pub(super) fn answered(sql: &dyn Sql, id: &RequestId, now: Timestamp) -> Result<(), SqlError> {
    sql.run(
        "UPDATE requests SET answered_at = ? WHERE id = ?",
        &[now.unix_seconds().into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Forgets the request `id`, and the tickets that were given for its answer.
pub(super) fn forget(sql: &dyn Sql, id: &str) -> Result<(), SqlError> {
    sql.run("DELETE FROM tickets WHERE request_id = ?", &[id.into()])?;
    sql.run("DELETE FROM requests WHERE id = ?", &[id.into()])?;
    Ok(())
}

/// Makes room for one more request: of this browser, and of all. Those that were answered give way first, then the oldest,
/// so that nobody is locked out.
fn drop_surplus_requests(sql: &dyn Sql, browser: &TokenHash) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM requests WHERE browser = ?1 AND answered_at IS NULL AND id NOT IN \
         (SELECT id FROM requests WHERE browser = ?1 AND answered_at IS NULL ORDER BY expires_at DESC LIMIT ?2)",
        &[
            browser.as_str().into(),
            (MAX_PENDING_PER_BROWSER.saturating_sub(1)).into(),
        ],
    )?;
    sql.run(
        "DELETE FROM requests WHERE id IN (SELECT id FROM requests ORDER BY answered_at IS NULL, expires_at \
         LIMIT max(0, (SELECT number FROM request_count) - ?))",
        &[(MAX_PENDING_PER_CONNECTION.saturating_sub(1)).into()],
    )?;
    Ok(())
}
