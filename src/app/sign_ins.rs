//! The sign-in log of a connection, as the admin API and the dashboard show it: attempts with their timeline, searched by
//! reference or address, and each refusal explained.

use serde::Serialize;

use super::App;
use super::error::ApiError;
use super::explanation::Explanation;
use super::http::field;
use super::ledger::{Attempt, Event, ListAttempts, Outcome, Standing, Step};
use super::ports::Ports;
use crate::code::Code;
use crate::limits::{ATTEMPTS_PER_PAGE, MAX_ATTEMPTS_PER_PAGE};
use crate::saml::connection::{Connection, Provider};
use crate::saml::id::{EmailAddress, RequestId};
use crate::saml::time::Timestamp;

/// A page of the log, newest first.
#[derive(Serialize)]
pub(super) struct SignInsView {
    pub(super) sign_ins: Vec<SignInView>,
    /// The `before` of the next page; none on the last one.
    pub(super) next: Option<String>,
}

/// One attempt.
#[derive(Serialize)]
pub(super) struct SignInView {
    pub(super) reference: String,
    pub(super) standing: Standing,
    pub(super) outcome: Outcome,
    pub(super) email: Option<EmailAddress>,
    pub(super) request_id: Option<RequestId>,
    pub(super) started_at: String,
    pub(super) ended_at: Option<String>,
    /// From our request to the verified answer.
    pub(super) seconds_to_answer: Option<i64>,
    /// From our request to the outcome.
    pub(super) seconds_to_end: Option<i64>,
    /// Why it was refused, if it was.
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) explanation: Option<Explanation>,
    pub(super) events: Vec<EventView>,
}

/// One line of the timeline.
#[derive(Serialize)]
pub(super) struct EventView {
    pub(super) at: String,
    pub(super) step: Step,
    pub(super) verified: bool,
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) wanted: Option<String>,
    pub(super) got: Option<String>,
    pub(super) off_by_seconds: Option<i64>,
}

impl<P: Ports> App<P> {
    /// The page of the log that `query` asks for: `reference`, `email`, `before`, `limit`.
    pub(super) async fn sign_ins(&self, connection: &Connection, query: &str) -> Result<SignInsView, ApiError> {
        let page = self.ports.ledger(&connection.id, read_query(query)?).await?;
        Ok(SignInsView {
            sign_ins: (page.attempts.into_iter())
                .map(|attempt| SignInView::of(attempt, connection.provider, self.ports.now()))
                .collect(),
            next: page.next.map(|sequence| sequence.to_string()),
        })
    }
}

impl SignInView {
    fn of(attempt: Attempt, provider: Provider, now: Timestamp) -> Self {
        let why = attempt.why_refused();
        let seconds = |end: Option<Timestamp>| {
            // One that the identity provider began has no request to count from.
            attempt.request_id.as_ref()?;
            end.map(|end| end.since(attempt.started_at))
        };
        Self {
            outcome: attempt.outcome(now),
            started_at: attempt.started_at.to_rfc3339(),
            ended_at: attempt.ended_at.map(Timestamp::to_rfc3339),
            seconds_to_answer: seconds(attempt.answered_at),
            seconds_to_end: seconds(attempt.ended_at),
            code: why.map(|why| why.code.clone()),
            detail: why.map(|why| why.detail.clone()),
            explanation: why
                .and_then(|why| Code::parse(&why.code))
                .map(|code| Explanation::of(code, provider)),
            reference: attempt.reference,
            standing: attempt.standing,
            email: attempt.email,
            request_id: attempt.request_id,
            events: attempt.events.into_iter().map(|event| EventView::of(&event)).collect(),
        }
    }
}

impl EventView {
    fn of(event: &Event) -> Self {
        let finding = event.finding.as_ref();
        Self {
            at: event.at.to_rfc3339(),
            step: event.step,
            verified: event.verified,
            code: finding.map(|finding| finding.code.clone()),
            detail: finding.map(|finding| finding.detail.clone()),
            wanted: finding.and_then(|finding| finding.wanted.clone()),
            got: finding.and_then(|finding| finding.got.clone()),
            off_by_seconds: finding.and_then(|finding| finding.off_by_seconds),
        }
    }
}

fn read_query(query: &str) -> Result<ListAttempts, ApiError> {
    let given = |name: &'static str| -> Result<Option<String>, ApiError> {
        let value = field(query.as_bytes(), name).map_err(|_| ApiError::invalid(name, "expected once at the most"))?;
        Ok(value
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty()))
    };
    let reference = given("reference")?.map(|text| reference(&text));
    let address = |text: String| EmailAddress::parse_typed(&text).map_err(|e| ApiError::invalid("email", e.0));
    let email = given("email")?.map(address).transpose()?;
    if reference.is_some() && email.is_some() {
        return Err(ApiError::invalid(
            "reference",
            "expected a reference or an email, not both",
        ));
    }
    let number = |name: &'static str| {
        let parse = |text: String| {
            text.parse::<i64>()
                .map_err(|_| ApiError::invalid(name, "expected a number"))
        };
        given(name)?.map(parse).transpose()
    };
    let limit = number("limit")?.unwrap_or(ATTEMPTS_PER_PAGE);
    if !(1..=MAX_ATTEMPTS_PER_PAGE).contains(&limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    Ok(ListAttempts {
        reference,
        email,
        before: number("before")?,
        limit,
    })
}

/// A reference as it was made, from what somebody read out or typed: Crockford's base32 forgives case, and letters that look
/// like digits.
fn reference(text: &str) -> String {
    let as_made = |c: char| match c.to_ascii_lowercase() {
        'i' | 'l' => '1',
        'o' => '0',
        other => other,
    };
    text.chars().map(as_made).collect()
}
