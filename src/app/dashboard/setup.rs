//! The setup page of a connection: our values, the e-mail, the identity provider, a test, and the switch.

use askama::Template;
use http::StatusCode;

use super::connection::{Head, problem, reason_field};
use super::email::{Email, ShownStep, steps};
use super::field::{Attempt, Field, Maker};
use super::idp_forms::{IdpForms, Sent};
use super::parts::{Pill, binding_words, day, end_shown, minute, test_state};
use super::replacement::{IdpChanges, is_another};
use super::session::Visitor;
use super::sign_ins::AttemptRow;
use super::situation::Situation;
use super::{Chrome, Failure, render_live};
use crate::app::App;
use crate::app::explanation::{Explanation, Reader};
use crate::app::http::Response;
use crate::app::ledger::test::{Configuration, Test};
use crate::app::page::identity_providers;
use crate::app::ports::{Ports, Unavailable};
use crate::app::registry::refresh::{HeldMetadata, RefreshFailure, RefreshState};
use crate::app::registry::setup_links::SetupLink;
use crate::app::registry::tested::TestStatus;
use crate::app::route::{Section, Tab};
use crate::app::setup_links::Progress;
use crate::code::Code;
use crate::saml::connection::{Connection, IdentityProvider, Provider, ServiceProvider};
use crate::saml::id::Domain;
use crate::saml::idp_diff::changes;
use crate::saml::idp_refresh::MissingCertificate;
use crate::saml::preset::{EntryValue, MetadataForm};
use crate::saml::time::Timestamp;
use crate::saml::warning::Warning;

#[derive(Template)]
#[template(path = "admin/setup.html")]
struct SetupPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    /// The domains by which people are sent there now, whatever a draft says.
    live_domains: &'a [Domain],
    ours: &'a ServiceProvider,
    steps: Vec<ShownStep<'a>>,
    email: Email,
    links: Vec<LinkShown>,
    progress: [(&'static str, bool); 5],
    idp: Option<IdpShown<'a>>,
    warnings: Vec<String>,
    refresh: Option<RefreshShown>,
    held: Option<HeldShown>,
    forms: IdpForms<'a>,
    tests: Vec<TestShown<'a>>,
    sign_ins: Vec<AttemptRow>,
    test: TestStatus,
    enable_reason: Field,
    /// Whether the connection is disabled, and the reason was asked for.
    reason_open: bool,
}

/// What is known of an identity provider.
pub(super) struct IdpShown<'a> {
    pub(super) idp: &'a IdentityProvider,
    pub(super) endpoints: Vec<(&'static str, &'a str)>,
    pub(super) certificates: Vec<CertificateShown>,
}

pub(super) struct CertificateShown {
    pub(super) sha256: String,
    pub(super) subject: String,
    pub(super) until: Option<(String, String, &'static str)>,
}

/// How fetching the metadata of what is live went.
struct RefreshShown {
    url: String,
    attempted: Option<String>,
    succeeded: Option<String>,
    next: String,
    /// What was in the way last time, and what to do about it.
    failure: Option<(String, Option<Explanation>)>,
    /// Certificates that the metadata does not list any more: which, since when, and until when they count.
    missing: Vec<(String, String, String)>,
}

/// Metadata that waits for approval.
struct HeldShown {
    version: String,
    on: String,
    reasons: Vec<&'static str>,
    changes: IdpChanges,
    /// Whether it is another identity provider.
    is_another: bool,
}

/// A setup link in the list.
struct LinkShown {
    id: String,
    made: String,
    by: String,
    until: String,
    opened: Option<String>,
}

/// A test in the list.
struct TestShown<'a> {
    test: &'a Test,
    state: Pill,
    on: String,
}

/// Tests that the page lists.
const TESTS_SHOWN: usize = 5;

impl<P: Ports> App<P> {
    pub(super) async fn setup_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        head: Head<'_>,
        situation: &Situation,
        attempt: Option<Attempt<'_>>,
    ) -> Result<Response, Failure> {
        let now = self.ports.now();
        let (connection, preset) = (head.connection, head.preset);
        let ours = connection.service_provider(&self.config.origin);
        let idp = connection.identity_provider.as_ref();
        let tests = self.list_tests(&connection.id).await?;
        let links = self.list_setup_links(&connection.id).await?;
        let sign_ins = self.latest_attempts(&connection.id).await?;
        let email = Email::of(connection, &ours, &self.config.product_name, head.new_link.as_deref())
            .map_err(|e| Unavailable(e.to_string()))?;
        let refresh = self.read_refresh(&connection.id).await?;
        let waiting = self.read_held(&connection.id).await?;
        let seen = head.seen.clone();
        let to = |section: Section| format!("/sso/admin/connections/{}/{}", connection.id, section.as_str());
        let sent = Sent {
            csrf: &visitor.csrf,
            seen: Some(&seen),
            metadata_to: to(Section::Metadata),
            manual_to: to(Section::Manual),
        };
        let forms = IdpForms::of(connection, attempt, sent);
        let mut page = SetupPage {
            chrome: visitor.chrome(),
            head,
            live_domains: &situation.live.domains,
            ours: &ours,
            steps: steps(preset, &ours),
            email,
            links: links.iter().map(link_shown).collect(),
            progress: Progress::of(connection, &tests).steps(),
            idp: idp.map(|idp| shown(idp, now)),
            warnings: Warning::all(connection, now).iter().map(ToString::to_string).collect(),
            refresh: refresh.as_ref().map(|state| refresh_shown(state, connection.provider)),
            held: waiting.as_ref().map(|held| held_shown(held, &situation.live, now)),
            forms,
            tests: tests
                .iter()
                .take(TESTS_SHOWN)
                .map(|test| test_shown(test, now))
                .collect(),
            sign_ins,
            test: situation.test,
            enable_reason: reason_field(&Maker::of(Section::Enable, attempt)),
            reason_open: attempt.is_some_and(|a| matches!(a.section, Section::Enable | Section::ApplyDraft)),
        };
        let fields = (page.forms.fields()).chain([&page.enable_reason, &page.head.apply_reason]);
        page.head.problem = problem(attempt, connection.provider, Reader::Vendor, fields);
        Ok(render_live(status, &page, identity_providers(self.config.development)))
    }
}

pub(super) fn shown(idp: &IdentityProvider, now: Timestamp) -> IdpShown<'_> {
    IdpShown {
        idp,
        endpoints: idp
            .single_sign_on
            .iter()
            .map(|e| (binding_words(e.binding), e.url.as_str()))
            .collect(),
        certificates: idp
            .certificates
            .iter()
            .filter_map(|stored| stored.certificate().ok())
            .map(|certificate| CertificateShown {
                sha256: certificate.fingerprint().to_string(),
                subject: certificate.subject().to_owned(),
                until: (certificate.not_after()).map(|seconds| end_shown(Timestamp::from_unix_seconds(seconds), now)),
            })
            .collect(),
    }
}

fn refresh_shown(state: &RefreshState, provider: Provider) -> RefreshShown {
    let missing = |missing: &MissingCertificate| {
        let certificate = missing.certificate.certificate().ok()?;
        let sha256 = certificate.fingerprint().to_string();
        Some((sha256, day(missing.since), day(missing.retired_at())))
    };
    let failure = |failure: &RefreshFailure| {
        let code = Code::parse(&failure.code);
        (
            failure.detail.clone(),
            code.map(|code| Explanation::of_metadata(code, provider, Reader::Vendor)),
        )
    };
    RefreshShown {
        url: state.metadata_url.to_string(),
        attempted: state.attempted_at.map(minute),
        succeeded: state.succeeded_at.map(minute),
        next: minute(state.next_at),
        failure: state.failure.as_ref().map(failure),
        missing: state.missing.iter().filter_map(missing).collect(),
    }
}

fn held_shown(held: &HeldMetadata, live: &Connection, now: Timestamp) -> HeldShown {
    let diff = changes(live.identity_provider.as_ref(), &held.found);
    HeldShown {
        version: held.version.clone(),
        on: minute(held.found_at),
        reasons: held.reasons.iter().map(|reason| reason.words()).collect(),
        is_another: is_another(&diff),
        changes: IdpChanges::of(&diff, now),
    }
}

fn link_shown(link: &SetupLink) -> LinkShown {
    LinkShown {
        id: link.id.to_string(),
        made: day(link.created_at),
        by: link.created_by.as_str().to_owned(),
        until: day(link.expires_at),
        opened: link.opened_at.map(day),
    }
}

fn test_shown(test: &Test, now: Timestamp) -> TestShown<'_> {
    TestShown {
        test,
        state: test_state(test.state(now)),
        on: minute(test.begun_at),
    }
}
