//! The sign-ins of a connection: its log, one attempt with its timeline, and the messages that were captured of it.

use askama::Template;
use futures_util::future::try_join3;
use http::StatusCode;

use super::connection::{Head, problem};
use super::field::{Attempt as Tried, Field, Maker};
use super::form::Form;
use super::parts::{Pill, ago, duration, minute, rule_words, second};
use super::session::Visitor;
use super::situation::Situation;
use super::test_report::{Advice, advice};
use super::{Chrome, Failure, message, render, render_live};
use crate::app::App;
use crate::app::capture::Message;
use crate::app::error::ApiError;
use crate::app::explanation::Reader;
use crate::app::http::{Response, attach, number, respond};
use crate::app::ledger::{Attempt, AttemptsPage, CaptureState, Event, HealthReport, Kind, Outcome, Standing, Step};
use crate::app::ports::{Ports, Unavailable};
use crate::app::registry::tokens::Scope;
use crate::app::route::{AdminRoute, Section, Tab};
use crate::app::sign_ins::SignInsQuery;
use crate::limits::{
    MAX_CAPTURED_MESSAGES, MAX_CAPTURED_PER_ATTEMPT, MAX_SHOWN_MESSAGE_BYTES, MAX_UNVERIFIED_CAPTURED_MESSAGES,
};
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, EmailAddress, Reference};
use crate::saml::report::Rule;
use crate::saml::time::Timestamp;

#[derive(Template)]
#[template(path = "admin/sign_ins.html")]
struct SignInsPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    health: HealthShown,
    search: Field,
    outcome: Field,
    /// Whether not all attempts are asked for.
    is_filtered: bool,
    is_later_page: bool,
    rows: Vec<AttemptRow>,
    /// The queries of the first page and of the next one.
    newest: String,
    older: Option<String>,
    capture: CaptureShown,
    minutes: Field,
}

#[derive(Template)]
#[template(path = "admin/attempt.html")]
struct AttemptPage<'a> {
    chrome: Chrome<'a>,
    connection: &'a Connection,
    attempt: &'a Attempt,
    row: AttemptRow,
    title: &'static str,
    answered: Option<String>,
    advice: Option<Advice<'a>>,
    events: Vec<EventShown<'a>>,
    /// Whether something in it may be anybody's.
    has_unverified: bool,
    /// What was captured, for those who may see it.
    messages: Option<Vec<MessageShown>>,
}

/// How sign-in goes, in words.
pub(super) struct HealthShown {
    pub(super) last: Option<(String, String)>,
    pub(super) signed_in: i64,
    pub(super) refused: i64,
    /// How grave that is.
    pub(super) tone: &'static str,
}

/// An attempt in a list.
pub(super) struct AttemptRow {
    pub(super) path: String,
    pub(super) reference: String,
    pub(super) pill: Pill,
    /// Why it was refused, or what a logout request ended.
    pub(super) result: Option<String>,
    pub(super) at: String,
    pub(super) on: String,
    pub(super) email: Option<String>,
    pub(super) duration: Option<String>,
    /// Whether nobody stands behind it.
    pub(super) unverified: bool,
}

/// One line of a timeline.
struct EventShown<'a> {
    event: &'a Event,
    at: String,
    time: String,
    /// How much later than the first.
    since: Option<String>,
    words: &'static str,
    tone: &'static str,
    /// The rules that were passed, and the one that refused.
    passed: Vec<&'static str>,
    refused: Option<&'static str>,
}

struct CaptureShown {
    until: Option<String>,
    kept: i64,
    most: i64,
    most_unverified: i64,
    most_per_attempt: usize,
}

struct MessageShown {
    number: usize,
    path: String,
    on: String,
    /// Whether it is known who sent it.
    verified: bool,
    bytes: usize,
    /// Its text, unless it is long or none.
    text: Option<String>,
}

/// Attempts on one page of the log, and how many the setup page shows.
const SHOWN: i64 = 25;
const LATEST: i64 = 5;

/// The outcomes as the form offers them.
const OUTCOMES: &[(&str, &str)] = &[
    ("", "All"),
    ("signed_in", "Signed in"),
    ("refused", "Refused"),
    ("pending", "Under way"),
    ("expired", "Not finished"),
    ("given_up", "Given up"),
    ("signed_out", "Signed out"),
];

/// For how long messages may be captured, as the form offers it.
const CAPTURE_MINUTES: &[(&str, &str)] = &[
    ("10", "10 minutes"),
    ("60", "1 hour"),
    ("480", "8 hours"),
    ("1440", "24 hours"),
];

impl<P: Ports> App<P> {
    /// The log of a connection, of which the query `asked` names a part.
    pub(super) async fn sign_ins_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        head: Head<'_>,
        situation: &Situation,
        tried: Option<Tried<'_>>,
        asked: &Form,
    ) -> Result<Response, Failure> {
        let (id, now) = (&situation.live.id, self.ports.now());
        let read = read_query(asked)?;
        let list = async {
            match &read {
                Ok(query) => self.list_attempts(id, query.clone()).await,
                Err(_) => Ok(AttemptsPage {
                    attempts: Vec::new(),
                    next: None,
                }),
            }
        };
        let (page, health, capture) = try_join3(list, self.health(id), self.capture_state(id)).await?;
        let maker = Maker::named("log", read.as_ref().err().map(|error| (asked, error)));
        let kept = kept_query(asked);
        let page = SignInsPage {
            chrome: visitor.chrome(),
            health: HealthShown::of(&health, now),
            search: maker
                .field(
                    "q",
                    "Reference or e-mail address",
                    "",
                    super::field::Kind::Line("search"),
                    asked.text("q"),
                )
                .placeholder("7k2mx-0q9dt"),
            outcome: maker.choice("outcome", "Outcome", "", OUTCOMES, asked.text("outcome")),
            is_filtered: !kept.is_empty(),
            is_later_page: asked.get("before").is_some(),
            rows: page
                .attempts
                .iter()
                .map(|attempt| AttemptRow::of(attempt, id, now))
                .collect(),
            older: page.next.map(|next| with(&kept, &format!("before={next}"))),
            newest: kept,
            capture: CaptureShown::of(&capture),
            minutes: Maker::of(Section::StartCapture, tried).choice("minutes", "For", "", CAPTURE_MINUTES, "60"),
            head: Head {
                problem: problem(tried, situation.live.provider, Reader::Vendor, core::iter::empty()),
                ..head
            },
        };
        let status = if read.is_err() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            status
        };
        Ok(render_live(status, &page, ""))
    }

    /// The latest attempts of a connection.
    pub(super) async fn latest_attempts(&self, id: &ConnectionId) -> Result<Vec<AttemptRow>, Unavailable> {
        let latest = SignInsQuery {
            limit: Some(LATEST),
            ..SignInsQuery::default()
        };
        let page = self.list_attempts(id, latest).await?;
        let now = self.ports.now();
        Ok(page
            .attempts
            .iter()
            .map(|attempt| AttemptRow::of(attempt, id, now))
            .collect())
    }

    /// One attempt, from the request to the outcome.
    pub(super) async fn show_attempt(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        reference: &Reference,
    ) -> Result<Response, Failure> {
        let connection = self.existing(id).await?;
        let query = SignInsQuery {
            reference: Some(reference.clone()),
            limit: Some(1),
            ..SignInsQuery::default()
        };
        let page = self.list_attempts(id, query).await?;
        let Some(attempt) = page.attempts.first() else {
            let text = "There is no such attempt at this connection, or it is not kept any more.";
            return Ok(message(StatusCode::NOT_FOUND, "There is nothing here", text));
        };
        let messages = if visitor.may(Scope::Write) {
            Some(self.read_messages(id, reference, visitor.actor()).await?)
        } else {
            None
        };
        let now = self.ports.now();
        let why = attempt.why_refused();
        let page = AttemptPage {
            chrome: visitor.chrome(),
            connection: &connection,
            attempt,
            row: AttemptRow::of(attempt, id, now),
            title: title(attempt.kind, attempt.outcome(now)),
            answered: attempt.seconds_to_answer().map(duration),
            advice: why.and_then(|why| advice(&why.code, &why.detail, connection.provider, Reader::Vendor)),
            events: (attempt.events.iter())
                .map(|event| EventShown::of(event, attempt.started_at))
                .collect(),
            has_unverified: attempt.events.iter().any(|event| !event.verified),
            messages: messages.map(|messages| {
                let shown = |(index, message): (usize, &Message)| MessageShown::of(message, id, reference, index);
                messages.iter().enumerate().map(shown).collect()
            }),
        };
        Ok(render(StatusCode::OK, &page))
    }

    /// A message that was captured, as a file.
    pub(super) async fn download_message(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        reference: &Reference,
        number: usize,
    ) -> Result<Response, Failure> {
        self.existing(id).await?;
        let messages = self.read_messages(id, reference, visitor.actor()).await?;
        let message = number.checked_sub(1).and_then(|index| messages.into_iter().nth(index));
        let message = message.ok_or(Failure::NotFound)?;
        let mut response = respond(StatusCode::OK, "application/octet-stream", message.octets);
        attach(&mut response, &format!("response-{reference}-{number}.xml"));
        Ok(response)
    }
}

/// The query of the log: what is wrong with the text that was typed is for the page to say, anything else nobody typed.
fn read_query(asked: &Form) -> Result<Result<SignInsQuery, ApiError>, Failure> {
    let (text, outcome) = (asked.text("q"), asked.text("outcome"));
    let outcome = (!outcome.is_empty()).then(|| Outcome::parse(outcome).ok_or(Failure::NotFound));
    let before = asked.get("before").map(|text| number(text).ok_or(Failure::NotFound));
    let query = SignInsQuery {
        outcome: outcome.transpose()?,
        before: before.transpose()?,
        limit: Some(SHOWN),
        ..SignInsQuery::default()
    };
    if text.is_empty() {
        return Ok(Ok(query));
    }
    Ok(match (Reference::parse(text), EmailAddress::parse_typed(text)) {
        (Ok(reference), _) => Ok(SignInsQuery {
            reference: Some(reference),
            ..query
        }),
        (_, Ok(email)) => Ok(SignInsQuery {
            email: Some(email),
            ..query
        }),
        _ => Err(ApiError::invalid(
            "q",
            "expected a reference such as 7k2mx-0q9dt, or a whole e-mail address",
        )),
    })
}

/// What the links of a page keep of its query.
fn kept_query(asked: &Form) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["q", "outcome"] {
        let value = asked.text(name);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// A query with one more field.
fn with(query: &str, field: &str) -> String {
    let and = if query.is_empty() { "" } else { "&" };
    format!("{query}{and}{field}")
}

impl SignInsPage<'_> {
    /// Whether there may be something new on it.
    fn is_live(&self) -> bool {
        !self.is_later_page && self.search.error.is_none()
    }
}

impl HealthShown {
    pub(super) fn of(health: &HealthReport, now: Timestamp) -> Self {
        Self {
            last: health.last_signed_in.map(|at| (minute(at), ago(at, now))),
            signed_in: health.signed_in,
            refused: health.refused,
            tone: match (health.refused, health.signed_in) {
                (0, _) => "quiet",
                (_, 0) => "bad",
                _ => "warn",
            },
        }
    }
}

impl AttemptRow {
    fn of(attempt: &Attempt, id: &ConnectionId, now: Timestamp) -> Self {
        let route = Reference::parse(&attempt.reference).map(|reference| AdminRoute::Attempt(id.clone(), reference));
        Self {
            path: route.map_or_else(|_| Tab::SignIns.path(id), |route| route.page()),
            reference: attempt.reference.clone(),
            pill: outcome(attempt.outcome(now)),
            result: match attempt.why_refused() {
                Some(why) => Some(why.code.clone()),
                None => attempt.events.iter().find_map(|event| event.sessions).map(sessions),
            },
            at: attempt.started_at.to_rfc3339(),
            on: second(attempt.started_at),
            email: attempt.email.as_ref().map(|email| email.as_str().to_owned()),
            duration: attempt.seconds_to_end().map(duration),
            unverified: attempt.standing == Standing::Unverified,
        }
    }
}

impl<'a> EventShown<'a> {
    fn of(event: &'a Event, started_at: Timestamp) -> Self {
        let rule = event.finding.as_ref().and_then(|finding| finding.rule);
        let passed: Vec<Rule> = match (event.step, rule) {
            (Step::ResponseRefused, Some(rule)) => rule.passed_before().collect(),
            _ => Vec::new(),
        };
        let (words, tone) = step(event.step);
        let at = event.at.to_rfc3339();
        Self {
            event,
            time: at.chars().skip(11).take(8).collect(),
            at,
            since: Some(event.at.since(started_at))
                .filter(|seconds| *seconds > 0)
                .map(duration),
            words,
            tone,
            passed: passed.into_iter().map(check_words).collect(),
            refused: rule.map(check_words),
        }
    }
}

impl CaptureShown {
    fn of(state: &CaptureState) -> Self {
        Self {
            until: state.until.map(minute),
            kept: state.kept,
            most: MAX_CAPTURED_MESSAGES,
            most_unverified: MAX_UNVERIFIED_CAPTURED_MESSAGES,
            most_per_attempt: MAX_CAPTURED_PER_ATTEMPT,
        }
    }
}

impl MessageShown {
    fn of(message: &Message, id: &ConnectionId, reference: &Reference, index: usize) -> Self {
        let number = index.saturating_add(1);
        let short = message.octets.len() <= MAX_SHOWN_MESSAGE_BYTES;
        let text = core::str::from_utf8(&message.octets).ok().filter(|_| short);
        Self {
            number,
            path: AdminRoute::Message(id.clone(), reference.clone(), number).page(),
            on: second(message.at),
            verified: message.verified,
            bytes: message.octets.len(),
            text: text.map(ToOwned::to_owned),
        }
    }
}

/// How an attempt ended.
const fn outcome(outcome: Outcome) -> Pill {
    match outcome {
        Outcome::Expired => Pill {
            words: "Not finished",
            tone: "quiet",
        },
        Outcome::GivenUp => Pill {
            words: "Given up",
            tone: "quiet",
        },
        Outcome::Pending => Pill {
            words: "Under way",
            tone: "warn",
        },
        Outcome::Refused => Pill {
            words: "Refused",
            tone: "bad",
        },
        Outcome::SignedIn => Pill {
            words: "Signed in",
            tone: "good",
        },
        Outcome::SignedOut => Pill {
            words: "Signed out",
            tone: "quiet",
        },
    }
}

const fn title(kind: Kind, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Refused if matches!(kind, Kind::Logout) => "Signing out was refused",
        Outcome::Expired => "Signing in was not finished",
        Outcome::GivenUp => "Signing in without a page was given up",
        Outcome::Pending => "Signing in is under way",
        Outcome::Refused => "Signing in was refused",
        Outcome::SignedIn => "Signed in",
        Outcome::SignedOut => "Signed out by the identity provider",
    }
}

/// How many sessions a logout request ended.
fn sessions(ended: i64) -> String {
    match ended {
        0 => "nothing to end".to_owned(),
        1 => "1 session".to_owned(),
        more => format!("{more} sessions"),
    }
}

/// A step in words, and its tone.
const fn step(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Bounced => (
            "A response came that answers no request; a request of ours follows",
            "quiet",
        ),
        Step::CompletionRefused => ("The browser that came back for its session was refused", "bad"),
        Step::GivenUp => (
            "The identity provider could not sign in without showing a page",
            "quiet",
        ),
        Step::LogoutFailed => (
            "The identity provider answered our logout request with a failure",
            "bad",
        ),
        Step::LogoutRefused => ("A logout message was refused", "bad"),
        Step::RequestSent => (
            "The browser was sent to the identity provider with our request",
            "quiet",
        ),
        Step::RequestSentAgain => ("The request was sent once more, without a NameID format", "quiet"),
        Step::ResponseAccepted => ("The response passed every check", "good"),
        Step::ResponseRefused => ("The response was refused", "bad"),
        Step::ResponseRepeated => ("The same response came once more, within a minute", "quiet"),
        Step::SessionsEnded => ("The identity provider's logout request was carried out", "good"),
        Step::SignedIn => ("The browser was given its session", "good"),
    }
}

/// What a rule is called where no test was made.
const fn check_words(rule: Rule) -> &'static str {
    match rule {
        Rule::InResponseTo => "Answers a request",
        other => rule_words(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_offers_every_outcome() {
        let offered: Vec<&str> = OUTCOMES.iter().skip(1).map(|(value, _)| *value).collect();
        assert_eq!(offered, Outcome::ALL.map(Outcome::as_str));
        for (value, words) in &OUTCOMES[1..] {
            assert_eq!(outcome(Outcome::parse(value).unwrap()).words, *words);
        }
    }
}
