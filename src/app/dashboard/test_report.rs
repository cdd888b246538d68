//! What became of a test: every check, what came and what it is taken for, and what to do where it failed.

use askama::Template;
use http::StatusCode;

use super::parts::{Pill, check_result, field_words, minute, rule_words, test_state};
use super::session::Visitor;
use super::{Chrome, Failure, render_leading_to};
use crate::app::App;
use crate::app::explanation::{Explanation, Reader};
use crate::app::http::Response;
use crate::app::ledger::test::{Configuration, Test, TestState};
use crate::app::page::identity_providers;
use crate::app::ports::Ports;
use crate::app::registry::drafts::Draft;
use crate::code::{Actor, Code};
use crate::saml::connection::{Connection, Provider, State};
use crate::saml::id::{ConnectionId, TestId};
use crate::saml::mapping::{MappedField, ReceivedAttribute, Suggestion};
use crate::saml::report::{Check, CheckResult, TestReport};
use crate::saml::time::Timestamp;

#[derive(Template)]
#[template(path = "admin/test.html")]
struct TestPage<'a> {
    chrome: Chrome<'a>,
    /// As it is now, which need not be what was tested.
    connection: &'a Connection,
    /// What its forms send back of what they had before them.
    seen: String,
    test: &'a Test,
    state: TestState,
    on: String,
    outcome: Outcome<'a>,
    /// Whether what is live now is exactly what passed, and disabled.
    may_enable: bool,
    /// Whether the draft as it is now is exactly what passed, and can be applied.
    may_apply: bool,
}

/// What a report says, for both who set a connection up: the vendor and the customer.
pub(in crate::app) struct Outcome<'a> {
    pub(in crate::app) pill: Pill,
    pub(in crate::app) report: Option<&'a TestReport>,
    pub(in crate::app) checks: Vec<CheckShown<'a>>,
    pub(in crate::app) advice: Option<Advice<'a>>,
    pub(in crate::app) suggestions: Vec<SuggestionShown<'a>>,
    /// Our fields by their names, and where they come from.
    pub(in crate::app) mapping: Vec<(&'static str, &'a MappedField)>,
    /// What came, and the name of the field that it is taken for.
    pub(in crate::app) attributes: Vec<(&'a ReceivedAttribute, String)>,
}

/// A check in words.
pub(in crate::app) struct CheckShown<'a> {
    pub(in crate::app) words: &'static str,
    pub(in crate::app) result: Pill,
    pub(in crate::app) failed: bool,
    pub(in crate::app) check: &'a Check,
}

/// What went wrong, who must act, and where.
pub(in crate::app) struct Advice<'a> {
    pub(in crate::app) code: &'a str,
    pub(in crate::app) detail: &'a str,
    pub(in crate::app) who: &'static str,
    pub(in crate::app) explanation: Explanation,
}

/// An attribute that is perhaps what is missing.
pub(in crate::app) struct SuggestionShown<'a> {
    pub(in crate::app) suggestion: &'a Suggestion,
    pub(in crate::app) field: &'static str,
}

impl<P: Ports> App<P> {
    pub(super) async fn show_test_report(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        test: &TestId,
    ) -> Result<Response, Failure> {
        let situation = self.situation(id).await?;
        let test = self.read_test(id, test).await?;
        let now = self.ports.now();
        let connection = situation.edited();
        let passed = test.state(now) == TestState::Passed;
        let (of_live, of_draft) = match test.configuration {
            Configuration::Draft => (false, passed),
            Configuration::Live => (passed, false),
        };
        let is_ready = |draft: &Draft| !draft.test_required && draft.base_generation == draft.live_generation;
        let page = TestPage {
            chrome: visitor.chrome(),
            connection,
            seen: situation.seen(),
            state: test.state(now),
            on: minute(test.begun_at),
            outcome: Outcome::of(&test, connection.provider, Reader::Vendor, now),
            may_enable: of_live && situation.live.state == State::Disabled && !situation.test.required,
            may_apply: of_draft && situation.draft.as_ref().is_some_and(is_ready),
            test: &test,
        };
        let targets = identity_providers(self.config.development);
        Ok(render_leading_to(StatusCode::OK, &page, targets))
    }
}

impl<'a> Outcome<'a> {
    pub(in crate::app) fn of(test: &'a Test, provider: Provider, reader: Reader, now: Timestamp) -> Self {
        let report = test.report.as_ref();
        let check = |check: &'a Check| CheckShown {
            words: rule_words(check.rule),
            result: check_result(check.result),
            failed: check.result == CheckResult::Failed,
            check,
        };
        let suggestion = |suggestion: &'a Suggestion| SuggestionShown {
            suggestion,
            field: field_words(suggestion.field),
        };
        Self {
            pill: test_state(test.state(now)),
            report,
            checks: report.into_iter().flat_map(|r| &r.checks).map(check).collect(),
            advice: report.and_then(|report| {
                let detail = report.detail.as_deref().unwrap_or_default();
                advice(report.code.as_deref()?, detail, provider, reader)
            }),
            mapping: report
                .into_iter()
                .flat_map(|r| &r.mapping)
                .map(|mapped| (field_words(mapped.field), mapped))
                .collect(),
            attributes: report
                .into_iter()
                .flat_map(|r| &r.attributes)
                .map(|attribute| (attribute, taken_for(attribute, report)))
                .collect(),
            suggestions: report
                .into_iter()
                .flat_map(|r| &r.suggestions)
                .map(suggestion)
                .collect(),
        }
    }
}

/// What an attribute is taken for, in words.
fn taken_for(attribute: &ReceivedAttribute, report: Option<&TestReport>) -> String {
    let field = attribute.field.map(field_words);
    let is_key = report.and_then(|report| report.user_key.as_ref()) == Some(&attribute.name);
    let words: Vec<&str> = field.into_iter().chain(is_key.then_some("User key")).collect();
    words.join(", ")
}

/// What is to be done about a refusal.
pub(super) fn advice<'a>(text: &'a str, detail: &'a str, provider: Provider, reader: Reader) -> Option<Advice<'a>> {
    let code = Code::parse(text)?;
    Some(Advice {
        code: text,
        detail,
        who: match (code.actor(), reader) {
            (Actor::Customer, Reader::Vendor) => "The customer's administrator has to act.",
            (Actor::Customer, Reader::Customer) => "You can mend this at your identity provider.",
            (Actor::Us, Reader::Vendor) => "This is for the people who run this deployment.",
            (Actor::User, Reader::Vendor) => "The person who signs in can mend this.",
            (Actor::User, Reader::Customer) => "You can mend this when you sign in.",
            (Actor::Vendor, Reader::Vendor) => "You can mend this in the settings of the connection.",
            (Actor::Us | Actor::Vendor, Reader::Customer) => "Whoever sent you the link has to act.",
        },
        explanation: Explanation::of(code, provider, reader),
    })
}

impl Outcome<'_> {
    /// How far the clocks are apart, when that is worth a word.
    pub(in crate::app) fn drift(&self) -> Option<String> {
        const WORTH_A_WORD: u64 = 30;
        let drift = self.report?.clock_drift_seconds?;
        let way = if drift > 0 { "ahead" } else { "behind" };
        (drift.unsigned_abs() >= WORTH_A_WORD).then(|| {
            format!(
                "The identity provider's clock seems to be {} seconds {way}.",
                drift.unsigned_abs()
            )
        })
    }
}
