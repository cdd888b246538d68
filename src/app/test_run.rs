//! Test runs: a real round trip to the identity provider with a saved configuration, which signs nobody in.
//!
//! A test's request has an ID of its own kind ([`TestId`]). An answer that names one comes here and nowhere else: from here no
//! way leads to a session, whatever the answer is. What it says of itself is believed for that alone.

use http::StatusCode;
use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::error::{ApiError, BrowserError};
use super::explanation::{Explanation, Reader};
use super::http::{Request, Response, field, see_other};
use super::ledger::test::{
    BeginTest, BegunBy, Configuration, FinishTest, ListTests, ReadTest, SendTest, Test, TestState,
};
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::drafts::ReadDraft;
use super::registry::tested::{Fingerprint, NoteTest};
use super::registry::{Actor, Refusal};
use super::{App, connections, page};
use crate::code::Code;
use crate::dsig::Policy;
use crate::saml::binding::PostForm;
use crate::saml::connection::{Connection, IdentityProvider, Provider};
use crate::saml::id::{ConnectionId, TestId};
use crate::saml::reject::Reject;
use crate::saml::report::{Question, SigningCertificate, TestReport};
use crate::saml::response;
use crate::saml::time::Timestamp;
use crate::saml::validate::{DEFAULT_SKEW_SECONDS, Expect, Unsolicited};

/// Which configuration is to be tested.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TestBody {
    pub(super) configuration: Configuration,
}

/// A test that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BegunTest {
    /// Its identifier.
    pub(super) id: TestId,
    /// Where a browser has to go.
    pub(super) url: String,
}

impl<P: Ports> App<P> {
    /// Begins a test: it waits for a browser to be sent to its URL.
    pub(super) async fn begin_test(
        &self,
        id: &ConnectionId,
        configuration: Configuration,
        begun_by: BegunBy,
        actor: Actor,
    ) -> Result<BegunTest, ApiError> {
        let connection = self.configured(id, configuration).await?;
        let connection = connection.map_err(connections::refused)?;
        if self.usable_endpoint(&connection).is_none() {
            return Err(connections::refused(Refusal::Incomplete));
        }
        let test = TestId::from_random(&self.ports.random()?);
        let begin = BeginTest {
            id: test.clone(),
            configuration,
            begun_by,
            actor,
        };
        let answer = self.ports.ledger(id, begin).await?;
        answer.map_err(|_| Unavailable("the ledger is behind".to_owned()))?;
        Ok(BegunTest {
            url: format!("{}/sso/saml/{id}/test?test={test}", self.config.origin.as_str()),
            id: test,
        })
    }

    /// A test of this connection.
    pub(super) async fn read_test(&self, id: &ConnectionId, test: &TestId) -> Result<Test, ApiError> {
        let read = self.ports.ledger(id, ReadTest { id: test.clone() }).await?;
        read.ok_or_else(|| {
            let message = "There is no such test, or it is not kept any more.";
            ApiError::new(StatusCode::NOT_FOUND, "test_unknown", message)
        })
    }

    /// The tests of this connection that are kept, newest first.
    pub(super) async fn list_tests(&self, id: &ConnectionId) -> Result<Vec<Test>, Unavailable> {
        self.ports.ledger(id, ListTests {}).await
    }

    /// `GET …/test?test=`: sends the browser to the identity provider.
    pub(super) async fn send_test(&self, id: &ConnectionId, request: &Request) -> Result<Response, BrowserError> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let test = field(query, "test").map_err(|_| BrowserError::Malformed(StatusCode::BAD_REQUEST))?;
        let test = test
            .and_then(|test| TestId::parse(&test).ok())
            .ok_or(BrowserError::NotFound)?;
        let sent = self.ports.ledger(id, SendTest { id: test }).await?;
        let test = sent.ok_or(BrowserError::NotFound)?;
        if let Some(over) = self.if_over(id, &test) {
            return Ok(over);
        }
        let connection = self.configured(id, test.configuration).await?;
        let connection = connection.map_err(|_| BrowserError::NotFound)?;
        let endpoint = self.usable_endpoint(&connection).ok_or(BrowserError::NotFound)?;
        let service_provider = connection.service_provider(&self.config.origin);
        let authn_request = self.authn_request(&connection, endpoint, &service_provider)?;
        let authn_request = authn_request.of_test(&test.id);
        let sent = self.send(&authn_request, &connection, endpoint, None, test.id.as_str());
        Ok(sent.await?)
    }

    /// What answers a test, and not a sign-in: by its own word, or by what came along with it.
    ///
    /// Nearly every response answers a sign-in, so that it is parsed for this only where the ID of a test can stand in it: as it
    /// is, or in character references.
    pub(super) fn test_hint(form: &PostForm) -> Option<TestId> {
        let message = &form.message;
        let may_name_one = [TestId::PREFIX, "&#"]
            .iter()
            .any(|part| memmem::find(message, part.as_bytes()).is_some());
        let request = may_name_one.then(|| response::request_id_hint(message)).flatten();
        let by_request = request.and_then(|request| TestId::of(&request));
        by_request.or_else(|| TestId::parse(form.relay_state.as_deref()?).ok())
    }

    /// Judges the answer to a test, keeps what is to be said of it, and sends the browser there.
    pub(super) async fn answer_test(
        &self,
        id: &ConnectionId,
        test: TestId,
        form: &PostForm,
    ) -> Result<Response, BrowserError> {
        let unknown = || BrowserError::refused(id, Reject::InResponseToUnknown);
        let test = self
            .ports
            .ledger(id, ReadTest { id: test })
            .await?
            .ok_or_else(unknown)?;
        if let Some(over) = self.if_over(id, &test) {
            return Ok(over);
        }
        let sent_at = test.sent_at.ok_or_else(unknown)?;
        let connection = self.configured(id, test.configuration).await?;
        let connection = connection.map_err(|_| unknown())?;
        let idp = connection.identity_provider.as_ref().ok_or_else(unknown)?;
        let report = self.judge(&connection, idp, form, &test.id, sent_at).await?;
        self.ports.log(&LogLine {
            connection: Some(id),
            code: report.code.as_deref(),
            ..LogLine::of("test_finished")
        });
        // The report comes last: while it is missing, the same answer can be posted once more.
        let note = NoteTest {
            id: id.clone(),
            fingerprint: Fingerprint::of(&connection).map_err(|e| Unavailable(e.to_string()))?,
            passed: report.passed,
        };
        self.ports.registry(note).await?;
        let finish = FinishTest {
            id: test.id.clone(),
            report,
        };
        self.ports.ledger(id, finish).await?;
        Ok(see_other(&report_path(id, &test)))
    }

    async fn judge(
        &self,
        connection: &Connection,
        idp: &IdentityProvider,
        form: &PostForm,
        test: &TestId,
        sent_at: Timestamp,
    ) -> Result<TestReport, Unavailable> {
        let now = self.ports.now();
        let service_provider = connection.service_provider(&self.config.origin);
        let expect = Expect {
            unsolicited: Unsolicited::Refused,
            ..Expect::of(connection, idp, &service_provider, now)
        };
        let keys = idp.keys();
        let policy = Policy {
            keys: &keys,
            sha1: connection.responses.sha1(now),
        };
        let opened = self.open(connection, &form.message, &policy).await?;
        let certificate = match &opened {
            Ok(response) => response.signing_key().and_then(|key| signing_certificate(idp, key)),
            Err(_) => None,
        };
        let question = Question {
            request: &test.request_id(),
            authn_not_before: (connection.requests.force_authn).then(|| sent_at.plus(-DEFAULT_SKEW_SECONDS)),
        };
        Ok(TestReport::of(
            opened.as_ref().map_err(Clone::clone),
            &expect,
            &question,
            certificate,
        ))
    }

    /// What a test is made with: as the registry has it.
    async fn configured(
        &self,
        id: &ConnectionId,
        configuration: Configuration,
    ) -> Result<Result<Connection, Refusal>, Unavailable> {
        match configuration {
            Configuration::Draft => {
                let draft = self.ports.registry(ReadDraft { id: id.clone() }).await?.reply;
                Ok(draft.map(|draft| draft.connection))
            }
            Configuration::Live => {
                let live = self.registered_connection(id).await?;
                Ok(live.ok_or(Refusal::NotFound))
            }
        }
    }

    /// Where the browser goes with a test that waits for nothing any more.
    fn if_over(&self, id: &ConnectionId, test: &Test) -> Option<Response> {
        match test.state(self.ports.now()) {
            TestState::Waiting => None,
            TestState::Failed | TestState::Passed => Some(see_other(&report_path(id, test))),
            TestState::Expired => Some(page::message(
                StatusCode::GONE,
                "This test is over",
                "It was not finished within an hour. Begin another one where you began this one.",
            )),
        }
    }
}

/// The certificate of the key at this place among [`IdentityProvider::keys`].
fn signing_certificate(idp: &IdentityProvider, key: usize) -> Option<SigningCertificate> {
    let mut usable = idp.certificates.iter().filter(|stored| stored.key().is_ok());
    Some(SigningCertificate::of(&usable.nth(key)?.certificate().ok()?))
}

/// Where the report of a test is shown to those who began it.
fn report_path(id: &ConnectionId, test: &Test) -> String {
    match test.begun_by {
        BegunBy::Admin => format!("/sso/admin/connections/{id}/tests/{}", test.id),
        BegunBy::Setup => format!("/sso/setup/test/{}", test.id),
    }
}

/// A test, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TestView<'a> {
    id: &'a TestId,
    configuration: Configuration,
    state: TestState,
    begun_by: BegunBy,
    actor: &'a Actor,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    begun_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    sent_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    finished_at: Option<String>,
    /// The code of the rule that refused the answer.
    code: Option<&'a str>,
    /// What became of the answer; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ReportView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ReportView<'a> {
    #[serde(flatten)]
    report: &'a TestReport,
    explanation: Option<Explanation>,
}

impl<'a> TestView<'a> {
    /// A test in a list.
    pub(super) fn brief(test: &'a Test, now: Timestamp) -> Self {
        Self {
            id: &test.id,
            configuration: test.configuration,
            state: test.state(now),
            begun_by: test.begun_by,
            actor: &test.actor,
            begun_at: test.begun_at.to_rfc3339(),
            sent_at: test.sent_at.map(Timestamp::to_rfc3339),
            finished_at: test.finished_at.map(Timestamp::to_rfc3339),
            code: test.report.as_ref().and_then(|report| report.code.as_deref()),
            report: None,
        }
    }

    /// A test of a connection with this kind of identity provider, with its report.
    pub(super) fn whole(test: &'a Test, provider: Provider, now: Timestamp) -> Self {
        let explain = |report: &TestReport| {
            let code = Code::parse(report.code.as_deref()?)?;
            Some(Explanation::of(code, provider, Reader::Vendor))
        };
        let report = test.report.as_ref().map(|report| ReportView {
            report,
            explanation: explain(report),
        });
        Self {
            report,
            ..Self::brief(test, now)
        }
    }
}
