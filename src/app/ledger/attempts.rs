//! The sign-in log: a row for every attempt, from our request to the session or the refusal.
//!
//! The calls that drive a sign-in write it as they go, so that it costs no call of its own; only a refusal is told by
//! [`RecordRefusal`]. Anybody can begin a sign-in, and anybody can post what is then refused. So an attempt has a
//! [`Standing`], and each has room of its own: what comes for nothing does not push out what an identity provider vouched for.
//!
//! What becomes of logout messages stands there too, in rooms of its own: however many sign out, no sign-in is pushed out.

use serde::{Deserialize, Serialize};

use super::{Answers, AskAgain, Begin, Call, Consume, EndUserSessions, LAST_GENERATION, capture, configuration};
use crate::app::sql::{Row, Sql, SqlError, Value, integer, json, to_json};
use crate::hidden::hide;
use crate::limits::{
    ATTEMPT_SECONDS, HEALTH_SECONDS, MAX_BEGUN_ATTEMPTS, MAX_EVENTS_PER_ATTEMPT, MAX_UNVERIFIED_ATTEMPTS,
    MAX_UNVERIFIED_EVENTS_PER_ATTEMPT, MAX_VOUCHED_ATTEMPTS, TICKET_SECONDS, UNSOLICITED_TICKET_SECONDS,
};
use crate::saml::id::{EmailAddress, Reference, RequestId};
use crate::saml::report::Rule;
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// Keeps a refusal for the vendor to look up. Answers which attempt it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordRefusal {
    /// The reference of a new attempt, if this belongs to none that is known.
    pub reference: String,
    /// Which attempt it is about.
    pub about: About,
    /// What was refused.
    pub step: Step,
    /// Why.
    pub finding: Finding,
}

/// What a call did to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The attempt's reference.
    pub reference: String,
    /// Whether the message is to be captured ([`KeepMessage`](super::KeepMessage)).
    pub captures: bool,
    /// Whether it is known who sent the message.
    pub verified: bool,
}

/// What is known of the attempt that a message belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A message that is not verified says that it answers this request.
    Claim(RequestId),
    /// A message whose signature held.
    Signed(Box<SignedMessage>),
    /// A ticket that was given to a browser.
    Ticket(TokenHash),
    /// Nothing: it may be anybody's.
    Unknown,
}

/// What is known of a message whose signature held.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedMessage {
    /// Its own ID, or its assertion's: however often it comes, it is one attempt.
    pub id: String,
    /// The request that it answers, by what was signed.
    pub answers: Option<RequestId>,
    /// Who would have signed in.
    pub email: Option<EmailAddress>,
}

/// Asks for attempts, newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListAttempts {
    /// Only the one with this reference.
    pub reference: Option<Reference>,
    /// Only those of this address, whatever its case.
    pub email: Option<EmailAddress>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those before this one.
    pub before: Option<i64>,
    /// How many at the most.
    pub limit: i64,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsPage {
    /// The attempts, newest first.
    pub attempts: Vec<Attempt>,
    /// Where the next page begins, as [`ListAttempts::before`]; none on the last page.
    pub next: Option<i64>,
}

/// Asks how sign-in goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {}

/// How sign-in goes, as far as the log tells. What nobody vouches for does not count, unless it answers a request of ours, nor does
/// a logout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// When somebody last signed in.
    pub last_signed_in: Option<Timestamp>,
    /// How many attempts ended in a session within the last 24 hours.
    pub signed_in: i64,
    /// How many were refused within the last 24 hours.
    pub refused: i64,
    /// The last refusal: when, and its code.
    pub last_refused: Option<(Timestamp, String)>,
}

/// One attempt to sign in, or one logout message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// By what people find it. The browser is shown it when it is refused.
    pub reference: String,
    /// Which of both.
    pub kind: Kind,
    /// Who stands behind it.
    pub standing: Standing,
    /// The last request that was sent for it.
    pub request_id: Option<RequestId>,
    /// The address that was typed, then the one that the identity provider asserted.
    pub email: Option<EmailAddress>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the identity provider's answer was verified.
    pub answered_at: Option<Timestamp>,
    /// When its outcome was known.
    pub ended_at: Option<Timestamp>,
    /// Until when it may go on.
    waits_until: Option<Timestamp>,
    outcome: Outcome,
    /// What happened, in order.
    pub events: Vec<Event>,
}

hide!(About, Attempt, Event, Finding, SignedMessage);

/// What an attempt is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SignInKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A logout message of the identity provider's.
    Logout,
    /// A sign-in.
    SignIn,
}

/// Who stands behind an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A browser: a request was sent for it, and nothing that answers it was verified yet.
    Begun,
    /// Nobody: something was refused before it was verified, and may be anybody's.
    Unverified,
    /// The identity provider: something that it signed belongs to it.
    Vouched,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing came in time.
    Expired,
    /// It was to be without a page, and the identity provider could not.
    GivenUp,
    /// It goes on.
    Pending,
    /// It was refused.
    Refused,
    /// It became a session.
    SignedIn,
    /// The identity provider's logout request was carried out, whether there was anything to end or not.
    SignedOut,
}

impl Outcome {
    /// All of them, as people ask for them.
    pub const ALL: [Self; 6] = [
        Self::SignedIn,
        Self::Refused,
        Self::Pending,
        Self::Expired,
        Self::GivenUp,
        Self::SignedOut,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::GivenUp => "given_up",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
        }
    }

    /// The outcome with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
    /// Whether it is known who did it: we, the identity provider by its signature, or the holder of a ticket.
    pub verified: bool,
    /// Why it was refused, if it was.
    pub finding: Option<Finding>,
    /// How many sessions a logout request ended, sign-ins under way among them.
    pub sessions: Option<i64>,
}

/// A step of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The browser brought a response that answers no request, and a request of ours was to follow.
    Bounced,
    /// The browser brought a ticket, and it was refused.
    CompletionRefused,
    /// The identity provider could not sign in without a page.
    GivenUp,
    /// The identity provider answered our logout request with a failure.
    LogoutFailed,
    /// A logout message was refused.
    LogoutRefused,
    /// The browser was sent to the identity provider.
    RequestSent,
    /// The same without a NameID format, as the identity provider refused the first.
    RequestSentAgain,
    /// A response passed every check, and the browser was given a ticket.
    ResponseAccepted,
    /// A response was refused.
    ResponseRefused,
    /// The same response came once more, within a minute.
    ResponseRepeated,
    /// The identity provider's logout request was carried out.
    SessionsEnded,
    /// The browser was given its session.
    SignedIn,
}

impl Step {
    /// Of what it is a step.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::LogoutFailed | Self::LogoutRefused | Self::SessionsEnded => Kind::Logout,
            Self::Bounced
            | Self::CompletionRefused
            | Self::GivenUp
            | Self::RequestSent
            | Self::RequestSentAgain
            | Self::ResponseAccepted
            | Self::ResponseRefused
            | Self::ResponseRepeated
            | Self::SignedIn => Kind::SignIn,
        }
    }
}

/// Why something was refused. What it quotes may be of a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable code.
    pub code: String,
    /// The rule that refuses, where a response was held to rules; those before it were passed.
    pub rule: Option<Rule>,
    /// A sentence.
    pub detail: String,
    /// What was expected, where two values are compared.
    pub wanted: Option<String>,
    /// What came instead.
    pub got: Option<String>,
    /// By how many seconds a bound in time was missed, where clocks are compared, before skew is granted.
    pub off_by_seconds: Option<i64>,
}

/// The tables. The columns beside `record` are what it is found by. A key is a request's ID, the ID of something that was
/// signed, or the hash of a ticket.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS attempts (sequence INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, \
     kind TEXT NOT NULL, standing TEXT NOT NULL, email TEXT COLLATE NOCASE, outcome TEXT NOT NULL, started_at INTEGER NOT NULL, waits_until INTEGER, \
     ended_at INTEGER, record TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS attempt_keys (key TEXT PRIMARY KEY, sequence INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS attempts_by_reference ON attempts (reference)",
    "CREATE INDEX IF NOT EXISTS attempts_by_standing ON attempts (standing, kind, sequence)",
    "CREATE INDEX IF NOT EXISTS attempts_by_email ON attempts (email, sequence) WHERE email IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS attempts_by_outcome ON attempts (outcome, ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS attempts_by_start ON attempts (started_at)",
    "CREATE INDEX IF NOT EXISTS attempt_keys_by_attempt ON attempt_keys (sequence)",
];

impl Call for RecordRefusal {
    type Reply = Recorded;
    const NAME: &'static str = "record_refusal";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Recorded, SqlError> {
        if matches!(configuration(sql)?, None | Some((LAST_GENERATION, _))) {
            return Ok(Recorded {
                reference: self.reference,
                captures: false,
                verified: false,
            });
        }
        let known = self.about.attempt(sql)?;
        let verified = match self.about {
            About::Claim(_) | About::Unknown => false,
            About::Signed(_) => true,
            // Anybody can make one up.
            About::Ticket(_) => known.is_some(),
        };
        let event = Event {
            at: now,
            step: self.step,
            verified,
            finding: Some(self.finding),
            sessions: None,
        };
        if let Some((sequence, mut attempt)) = known {
            attempt.refuse(event);
            if let About::Signed(message) = self.about {
                attempt.vouch(message.email);
            }
            update(sql, sequence, &attempt)?;
            return attempt.recorded(sql, verified, now);
        }
        let mut attempt = Attempt::new(self.reference, self.step.kind(), Standing::Unverified, now);
        attempt.refuse(event);
        let key = match self.about {
            About::Signed(message) => {
                attempt.vouch(message.email);
                Some(Key::Signed(&message.id).text())
            }
            About::Claim(_) | About::Ticket(_) | About::Unknown => None,
        };
        let sequence = insert(sql, &attempt)?;
        key.map_or(Ok(()), |key| remember(sql, &key, sequence))?;
        attempt.recorded(sql, verified, now)
    }
}

impl Call for ListAttempts {
    type Reply = AttemptsPage;
    const NAME: &'static str = "list_attempts";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<AttemptsPage, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(AttemptsPage {
                attempts: Vec::new(),
                next: None,
            });
        }
        // An attempt that waits is not written anew when its time is over.
        let waiting = self.outcome.map(|outcome| match outcome {
            Outcome::Expired | Outcome::Pending => Outcome::Pending,
            ended => ended,
        });
        let rows = sql.run(
            "SELECT sequence, record FROM attempts WHERE (?1 IS NULL OR reference = ?1) AND (?2 IS NULL OR email = ?2) \
             AND (?3 IS NULL OR outcome = ?3) AND (?4 IS NULL OR (waits_until IS NOT NULL AND waits_until <= ?5) = ?4) \
             AND sequence < ?6 ORDER BY sequence DESC LIMIT ?7",
            &[
                self.reference.as_ref().map(Reference::as_str).into(),
                self.email.as_ref().map(EmailAddress::as_str).into(),
                waiting.as_ref().map_or(Ok(Value::Null), to_json)?,
                match self.outcome {
                    Some(Outcome::Expired) => 1_i64.into(),
                    Some(Outcome::Pending) => 0_i64.into(),
                    _ => Value::Null,
                },
                now.unix_seconds().into(),
                self.before.unwrap_or(AFTER_ALL).into(),
                self.limit.saturating_add(1).into(),
            ],
        )?;
        let shown = usize::try_from(self.limit).unwrap_or(0);
        let mut attempts = Vec::with_capacity(rows.len().min(shown));
        let mut last = None;
        for row in rows.iter().take(shown) {
            last = Some(integer(row, 0)?);
            let mut attempt: Attempt = json(row, 1)?;
            attempt.outcome = attempt.outcome(now);
            attempts.push(attempt);
        }
        Ok(AttemptsPage {
            attempts,
            next: last.filter(|_| rows.len() > shown),
        })
    }
}

impl Call for Health {
    type Reply = HealthReport;
    const NAME: &'static str = "health";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<HealthReport, SqlError> {
        let mut report = HealthReport {
            last_signed_in: None,
            signed_in: 0,
            refused: 0,
            last_refused: None,
        };
        if configuration(sql)?.is_none() {
            return Ok(report);
        }
        let since = now.plus(HEALTH_SECONDS.saturating_neg()).unix_seconds();
        let count = |outcome: Outcome| {
            let rows = sql.run(
                "SELECT count(*) FROM attempts WHERE outcome = ? AND ended_at > ? AND standing <> ? AND kind = ?",
                &[
                    to_json(&outcome)?,
                    since.into(),
                    to_json(&Standing::Unverified)?,
                    to_json(&Kind::SignIn)?,
                ],
            )?;
            rows.first().map_or(Ok(0), |row| integer(row, 0))
        };
        let last = |outcome: Outcome| -> Result<Option<Attempt>, SqlError> {
            let rows = sql.run(
                "SELECT record FROM attempts WHERE outcome = ? AND ended_at IS NOT NULL AND standing <> ? AND kind = ? \
                 ORDER BY ended_at DESC LIMIT 1",
                &[
                    to_json(&outcome)?,
                    to_json(&Standing::Unverified)?,
                    to_json(&Kind::SignIn)?,
                ],
            )?;
            rows.first().map(|row| json(row, 0)).transpose()
        };
        report.signed_in = count(Outcome::SignedIn)?;
        report.refused = count(Outcome::Refused)?;
        report.last_signed_in = last(Outcome::SignedIn)?.and_then(|attempt| attempt.ended_at);
        report.last_refused =
            last(Outcome::Refused)?.and_then(|attempt| Some((attempt.ended_at?, attempt.why_refused()?.code.clone())));
        Ok(report)
    }
}

impl About {
    /// What a message that is not verified says of itself.
    #[must_use]
    pub fn claimed(request: Option<RequestId>) -> Self {
        request.map_or(Self::Unknown, Self::Claim)
    }

    /// The attempt, if it is known.
    fn attempt(&self, sql: &dyn Sql) -> Result<Option<(i64, Attempt)>, SqlError> {
        match self {
            Self::Claim(request) => find(sql, &Key::Request(request)),
            Self::Signed(message) => {
                if let Some(request) = &message.answers
                    && let Some(found) = find(sql, &Key::Request(request))?
                {
                    return Ok(Some(found));
                }
                find(sql, &Key::Signed(&message.id))
            }
            Self::Ticket(ticket) => find(sql, &Key::Ticket(ticket)),
            Self::Unknown => Ok(None),
        }
    }
}

impl Attempt {
    fn new(reference: String, kind: Kind, standing: Standing, now: Timestamp) -> Self {
        Self {
            reference,
            kind,
            standing,
            request_id: None,
            email: None,
            started_at: now,
            answered_at: None,
            ended_at: None,
            waits_until: None,
            outcome: Outcome::Pending,
            events: Vec::new(),
        }
    }

    /// From our request to the verified answer, in seconds. What the identity provider began has no request to count from.
    #[must_use]
    pub fn seconds_to_answer(&self) -> Option<i64> {
        self.seconds_to(self.answered_at)
    }

    /// From our request to the outcome, in seconds.
    #[must_use]
    pub fn seconds_to_end(&self) -> Option<i64> {
        self.seconds_to(self.ended_at)
    }

    fn seconds_to(&self, end: Option<Timestamp>) -> Option<i64> {
        self.request_id.as_ref()?;
        end.map(|end| end.since(self.started_at))
    }

    /// How it ended, seen at `now`.
    #[must_use]
    pub fn outcome(&self, now: Timestamp) -> Outcome {
        match self.outcome {
            Outcome::Pending if self.waits_until.is_some_and(|end| end <= now) => Outcome::Expired,
            outcome => outcome,
        }
    }

    /// Why it was refused, if it was and did not sign in after all: by the last reason that somebody stands behind, but what
    /// comes after a ticket was refused comes of that.
    #[must_use]
    pub fn why_refused(&self) -> Option<&Finding> {
        if self.outcome != Outcome::Refused {
            return None;
        }
        let refusals = |verified| {
            let refused = move |event: &&Event| event.verified == verified && event.finding.is_some();
            self.events.iter().filter(refused)
        };
        let ticket = refusals(true).find(|event| event.step == Step::CompletionRefused);
        let last = ticket.or_else(|| refusals(true).next_back());
        last.or_else(|| refusals(false).next_back())?.finding.as_ref()
    }

    /// Notes a step of ours, or one that somebody stands behind.
    fn step(&mut self, step: Step, now: Timestamp) {
        self.note(Event {
            at: now,
            step,
            verified: true,
            finding: None,
            sessions: None,
        });
    }

    /// Notes a refusal. One that may be anybody's decides nothing once the identity provider has been heard.
    fn refuse(&mut self, event: Event) {
        let decides = match self.outcome {
            Outcome::Expired | Outcome::Pending | Outcome::Refused => event.verified || self.answered_at.is_none(),
            Outcome::GivenUp | Outcome::SignedIn | Outcome::SignedOut => false,
        };
        if decides {
            self.outcome = Outcome::Refused;
            self.ended_at = Some(event.at);
            if event.verified {
                self.answered_at.get_or_insert(event.at);
            }
        }
        self.note(event);
    }

    /// Adds an event while there is room. What may be anybody's has less.
    fn note(&mut self, event: Event) {
        let is_unverified = |event: &&Event| !event.verified;
        let unverified = self.events.iter().filter(is_unverified).count();
        let has_room = self.events.len() < MAX_EVENTS_PER_ATTEMPT;
        if has_room && (event.verified || unverified < MAX_UNVERIFIED_EVENTS_PER_ATTEMPT) {
            self.events.push(event);
        }
    }

    /// What was done to the log, and `verified`, whether it is known who sent the message.
    fn recorded(self, sql: &dyn Sql, verified: bool, now: Timestamp) -> Result<Recorded, SqlError> {
        Ok(Recorded {
            captures: capture::is_wanted(sql, verified, &self.reference, now)?,
            verified,
            reference: self.reference,
        })
    }

    /// The identity provider has signed something that belongs to it, about the user with this address.
    fn vouch(&mut self, email: Option<EmailAddress>) {
        self.standing = Standing::Vouched;
        self.email = email.or(self.email.take());
    }
}

/// A request was sent.
pub(super) fn begun(sql: &dyn Sql, begin: &Begin, now: Timestamp) -> Result<(), SqlError> {
    let mut attempt = Attempt::new(begin.reference.clone(), Kind::SignIn, Standing::Begun, now);
    attempt.request_id = Some(begin.request_id.clone());
    attempt.email.clone_from(&begin.asked.email);
    attempt.waits_until = Some(now.plus(begin.lifetime_seconds));
    if begin.bounced {
        attempt.note(Event {
            at: now,
            step: Step::Bounced,
            verified: false,
            finding: None,
            sessions: None,
        });
    }
    attempt.step(Step::RequestSent, now);
    let sequence = insert(sql, &attempt)?;
    remember(sql, &Key::Request(&begin.request_id).text(), sequence)
}

/// A request was replaced by another.
pub(super) fn asked_again(sql: &dyn Sql, again: &AskAgain, now: Timestamp) -> Result<(), SqlError> {
    let Some((sequence, mut attempt)) = find(sql, &Key::Request(&again.refused))? else {
        return Ok(());
    };
    attempt.request_id = Some(again.request_id.clone());
    attempt.waits_until = Some(now.plus(again.lifetime_seconds));
    attempt.step(Step::RequestSentAgain, now);
    update(sql, sequence, &attempt)?;
    remember(sql, &Key::Request(&again.request_id).text(), sequence)
}

/// A request was given up. The answer that said so may be anybody's.
pub(super) fn given_up(sql: &dyn Sql, request: &RequestId, now: Timestamp) -> Result<(), SqlError> {
    let Some((sequence, mut attempt)) = find(sql, &Key::Request(request))? else {
        return Ok(());
    };
    attempt.note(Event {
        at: now,
        step: Step::GivenUp,
        verified: false,
        finding: None,
        sessions: None,
    });
    if attempt.outcome != Outcome::SignedIn {
        attempt.outcome = Outcome::GivenUp;
        attempt.ended_at = Some(now);
    }
    update(sql, sequence, &attempt)
}

/// An assertion was taken for a ticket, for the first time or once more.
pub(super) fn accepted(sql: &dyn Sql, consume: &Consume, step: Step, now: Timestamp) -> Result<Recorded, SqlError> {
    let (key, seconds) = match &consume.answers {
        Answers::Nothing { .. } => (Key::Signed(consume.assertion_id.as_str()), UNSOLICITED_TICKET_SECONDS),
        Answers::Request(request) => (Key::Request(request), TICKET_SECONDS),
    };
    let (sequence, mut attempt) = if let Some(found) = find(sql, &key)? {
        found
    } else {
        let attempt = Attempt::new(consume.reference.clone(), Kind::SignIn, Standing::Vouched, now);
        let sequence = insert(sql, &attempt)?;
        remember(sql, &key.text(), sequence)?;
        (sequence, attempt)
    };
    let has_room = attempt.events.len() < MAX_EVENTS_PER_ATTEMPT;
    attempt.step(step, now);
    attempt.vouch(Some(consume.user.identity.email.clone()));
    attempt.answered_at.get_or_insert(now);
    attempt.waits_until = Some(now.plus(seconds));
    if attempt.outcome != Outcome::SignedIn {
        attempt.outcome = Outcome::Pending;
        attempt.ended_at = None;
    }
    update(sql, sequence, &attempt)?;
    // What would not be noted need not be found.
    if has_room {
        remember(sql, &Key::Ticket(&consume.ticket).text(), sequence)?;
    }
    attempt.recorded(sql, true, now)
}

/// A ticket became a session.
pub(super) fn signed_in(sql: &dyn Sql, ticket: &TokenHash, now: Timestamp) -> Result<Option<String>, SqlError> {
    let Some((sequence, mut attempt)) = find(sql, &Key::Ticket(ticket))? else {
        return Ok(None);
    };
    attempt.step(Step::SignedIn, now);
    if attempt.outcome != Outcome::SignedIn {
        attempt.outcome = Outcome::SignedIn;
        attempt.ended_at = Some(now);
    }
    update(sql, sequence, &attempt)?;
    Ok(Some(attempt.reference))
}

/// A logout request was carried out, which ended so many sessions.
pub(super) fn signed_out(sql: &dyn Sql, end: &EndUserSessions, sessions: i64, now: Timestamp) -> Result<(), SqlError> {
    let mut attempt = Attempt::new(end.reference.clone(), Kind::Logout, Standing::Vouched, now);
    attempt.note(Event {
        at: now,
        step: Step::SessionsEnded,
        verified: true,
        finding: None,
        sessions: Some(sessions),
    });
    attempt.outcome = Outcome::SignedOut;
    attempt.ended_at = Some(now);
    let sequence = insert(sql, &attempt)?;
    remember(sql, &Key::Signed(end.request_id.as_str()).text(), sequence)
}

/// Drops what is too old; whether something is left.
pub(super) fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<bool, SqlError> {
    let bound = now.plus(ATTEMPT_SECONDS.saturating_neg()).unix_seconds();
    let dropped = sql.run(
        "DELETE FROM attempts WHERE started_at <= ? RETURNING sequence",
        &[bound.into()],
    )?;
    drop_keys(sql, &dropped)?;
    Ok(!sql.run("SELECT 1 FROM attempts LIMIT 1", &[])?.is_empty())
}

/// Later than any attempt; SQLite's numbers are exact up to it at the edge.
const AFTER_ALL: i64 = (1 << 53) - 1;

/// By what an attempt is found.
enum Key<'a> {
    Request(&'a RequestId),
    Signed(&'a str),
    Ticket(&'a TokenHash),
}

impl Key<'_> {
    fn text(&self) -> String {
        match self {
            Self::Request(id) => format!("request:{}", id.as_str()),
            Self::Signed(id) => format!("signed:{id}"),
            Self::Ticket(hash) => format!("ticket:{}", hash.as_str()),
        }
    }
}

fn find(sql: &dyn Sql, key: &Key<'_>) -> Result<Option<(i64, Attempt)>, SqlError> {
    let rows = sql.run(
        "SELECT attempts.sequence, record FROM attempt_keys JOIN attempts ON attempts.sequence = attempt_keys.sequence \
         WHERE key = ?",
        &[key.text().into()],
    )?;
    let read = |row: &Row| Ok((integer(row, 0)?, json(row, 1)?));
    rows.first().map(read).transpose()
}

fn remember(sql: &dyn Sql, key: &str, sequence: i64) -> Result<(), SqlError> {
    sql.run(
        "INSERT OR REPLACE INTO attempt_keys (key, sequence) VALUES (?, ?)",
        &[key.into(), sequence.into()],
    )?;
    Ok(())
}

fn insert(sql: &dyn Sql, attempt: &Attempt) -> Result<i64, SqlError> {
    let rows = sql.run(
        "INSERT INTO attempts (reference, kind, standing, email, outcome, started_at, waits_until, ended_at, record) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING sequence",
        &columns(attempt)?,
    )?;
    let sequence = rows.first().map_or(Ok(0), |row| integer(row, 0))?;
    drop_surplus(sql, sequence, attempt)?;
    Ok(sequence)
}

fn update(sql: &dyn Sql, sequence: i64, attempt: &Attempt) -> Result<(), SqlError> {
    let mut values = columns(attempt)?.to_vec();
    values.push(sequence.into());
    sql.run(
        "UPDATE attempts SET reference = ?, kind = ?, standing = ?, email = ?, outcome = ?, started_at = ?, waits_until = ?, \
         ended_at = ?, record = ? WHERE sequence = ?",
        &values,
    )?;
    drop_surplus(sql, sequence, attempt)
}

fn columns(attempt: &Attempt) -> Result<[Value; 9], SqlError> {
    Ok([
        attempt.reference.as_str().into(),
        to_json(&attempt.kind)?,
        to_json(&attempt.standing)?,
        attempt.email.as_ref().map(EmailAddress::as_str).into(),
        to_json(&attempt.outcome)?,
        attempt.started_at.unix_seconds().into(),
        attempt.waits_until.map(Timestamp::unix_seconds).into(),
        attempt.ended_at.map(Timestamp::unix_seconds).into(),
        to_json(attempt)?,
    ])
}

/// The oldest give way, each to its own kind, but not the one that was just written: it may be the oldest of those with its new
/// standing, and something is still to be found by it.
fn drop_surplus(sql: &dyn Sql, sequence: i64, written: &Attempt) -> Result<(), SqlError> {
    let room = match written.standing {
        Standing::Begun => MAX_BEGUN_ATTEMPTS,
        Standing::Unverified => MAX_UNVERIFIED_ATTEMPTS,
        Standing::Vouched => MAX_VOUCHED_ATTEMPTS,
    };
    let dropped = sql.run(
        "DELETE FROM attempts WHERE standing = ?1 AND kind = ?2 AND sequence <> ?4 AND sequence <= (SELECT sequence FROM attempts \
         WHERE standing = ?1 AND kind = ?2 AND sequence <> ?4 ORDER BY sequence DESC LIMIT 1 OFFSET ?3) RETURNING sequence",
        &[
            to_json(&written.standing)?,
            to_json(&written.kind)?,
            room.saturating_sub(1).into(),
            sequence.into(),
        ],
    )?;
    drop_keys(sql, &dropped)
}

fn drop_keys(sql: &dyn Sql, dropped: &[Row]) -> Result<(), SqlError> {
    for row in dropped {
        sql.run(
            "DELETE FROM attempt_keys WHERE sequence = ?",
            &[integer(row, 0)?.into()],
        )?;
    }
    Ok(())
}
