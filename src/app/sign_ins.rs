//! The sign-in log of a connection, as the admin API and the dashboard show it: attempts with their timeline, searched by
//! reference or address, and each refusal explained.

use serde::Serialize;

use super::App;
use super::api::query::Query;
use super::error::ApiError;
use super::explanation::{Explanation, Reader};
use super::http::{Request, number};
use super::ledger::{Attempt, AttemptsPage, Event, Health, HealthReport, Kind, ListAttempts, Outcome, Standing, Step};
use super::ports::{Ports, Unavailable};
use crate::code::Code;
use crate::limits::{ATTEMPTS_PER_PAGE, MAX_ATTEMPTS_PER_PAGE};
use crate::saml::connection::{Connection, Provider};
use crate::saml::id::{ConnectionId, EmailAddress, Reference, RequestId};
use crate::saml::report::Rule;
use crate::saml::time::Timestamp;

/// A page of the log, newest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SignInPage"))]
pub(super) struct SignInsView {
    pub(super) sign_ins: Vec<SignInView>,
    /// What `before` has to be for the next page; none on the last one.
    pub(super) next_before: Option<i64>,
}

/// One attempt.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SignInView {
    pub(super) reference: String,
    pub(super) kind: Kind,
    pub(super) standing: Standing,
    pub(super) outcome: Outcome,
    pub(super) email: Option<String>,
    pub(super) request_id: Option<RequestId>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) started_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "SignInEvent"))]
pub(super) struct EventView {
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) at: String,
    pub(super) step: Step,
    pub(super) verified: bool,
    pub(super) code: Option<String>,
    /// The rule that refused, where a response was held to rules; those before it were passed.
    pub(super) rule: Option<Rule>,
    pub(super) detail: Option<String>,
    pub(super) wanted: Option<String>,
    pub(super) got: Option<String>,
    pub(super) off_by_seconds: Option<i64>,
    /// How many sessions a logout request ended, sign-ins under way among them.
    pub(super) sessions: Option<i64>,
}

/// Which attempts are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SignInsQuery {
    /// The one with this reference.
    pub(super) reference: Option<Reference>,
    /// Those of this address.
    pub(super) email: Option<EmailAddress>,
    /// Those that ended so.
    pub(super) outcome: Option<Outcome>,
    /// Those before this one.
    pub(super) before: Option<i64>,
    /// How many at the most, if not as many as a page has.
    pub(super) limit: Option<i64>,
}

impl SignInsQuery {
    /// Reads the query of a request.
    pub(super) fn read(request: &Request) -> Result<Self, ApiError> {
        let query = Query::read(request, &["reference", "email", "outcome", "before", "limit"])?;
        Ok(Self {
            reference: query.field("reference", "a reference such as 7k2mx-0q9dt", |text| {
                Reference::parse(text.trim()).ok()
            })?,
            email: query.field("email", "an e-mail address", |text| {
                EmailAddress::parse_typed(text).ok()
            })?,
            outcome: query.field(
                "outcome",
                "expired, given_up, pending, refused, signed_in or signed_out",
                Outcome::parse,
            )?,
            before: query.field("before", "the next_before of the page before", number)?,
            limit: query.field("limit", "1 to 100", |text| {
                number(text).filter(|limit| (1..=MAX_ATTEMPTS_PER_PAGE).contains(limit))
            })?,
        })
    }
}

impl<P: Ports> App<P> {
    /// The page of the log that is asked for, as the API shows it.
    pub(super) async fn sign_ins(
        &self,
        connection: &Connection,
        query: SignInsQuery,
    ) -> Result<SignInsView, Unavailable> {
        let page = self.list_attempts(&connection.id, query).await?;
        Ok(SignInsView {
            sign_ins: (page.attempts.into_iter())
                .map(|attempt| SignInView::of(attempt, connection.provider, self.ports.now()))
                .collect(),
            next_before: page.next,
        })
    }

    /// The attempts that are asked for, newest first.
    pub(super) async fn list_attempts(
        &self,
        id: &ConnectionId,
        query: SignInsQuery,
    ) -> Result<AttemptsPage, Unavailable> {
        let list = ListAttempts {
            reference: query.reference,
            email: query.email,
            outcome: query.outcome,
            before: query.before,
            limit: query.limit.unwrap_or(ATTEMPTS_PER_PAGE),
        };
        self.ports.ledger(id, list).await
    }

    /// How sign-in goes at a connection.
    pub(super) async fn health(&self, id: &ConnectionId) -> Result<HealthReport, Unavailable> {
        self.ports.ledger(id, Health {}).await
    }
}

impl SignInView {
    fn of(attempt: Attempt, provider: Provider, now: Timestamp) -> Self {
        let why = attempt.why_refused();
        Self {
            outcome: attempt.outcome(now),
            started_at: attempt.started_at.to_rfc3339(),
            ended_at: attempt.ended_at.map(Timestamp::to_rfc3339),
            seconds_to_answer: attempt.seconds_to_answer(),
            seconds_to_end: attempt.seconds_to_end(),
            code: why.map(|why| why.code.clone()),
            detail: why.map(|why| why.detail.clone()),
            explanation: why
                .and_then(|why| Code::parse(&why.code))
                .map(|code| Explanation::of(code, provider, Reader::Vendor)),
            reference: attempt.reference,
            kind: attempt.kind,
            standing: attempt.standing,
            email: attempt.email.map(String::from),
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
            rule: finding.and_then(|finding| finding.rule),
            detail: finding.map(|finding| finding.detail.clone()),
            wanted: finding.and_then(|finding| finding.wanted.clone()),
            got: finding.and_then(|finding| finding.got.clone()),
            off_by_seconds: finding.and_then(|finding| finding.off_by_seconds),
            sessions: event.sessions,
        }
    }
}
