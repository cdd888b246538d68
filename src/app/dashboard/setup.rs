//! The setup page of a connection: our values, the e-mail, the identity provider, a test, and the switch.

use askama::Template;
use http::StatusCode;

use super::connection::{Head, problem, reason_field};
use super::email::{Email, ShownStep, steps};
use super::field::{Attempt, Field, Kind, Maker};
use super::form::Form;
use super::parts::{Pill, day, end, test_state};
use super::session::Visitor;
use super::situation::Situation;
use super::{Chrome, Failure, render_leading_to};
use crate::app::App;
use crate::app::connections::MetadataBody;
use crate::app::http::Response;
use crate::app::ledger::test::{Configuration, Test};
use crate::app::manual_idp::ManualBody;
use crate::app::page::identity_providers;
use crate::app::ports::{Ports, Unavailable};
use crate::app::registry::setup_links::SetupLink;
use crate::app::registry::tested::TestStatus;
use crate::app::route::{Section, Tab};
use crate::app::setup_links::Progress;
use crate::code::Code;
use crate::saml::connection::{Binding, Connection, IdentityProvider, Provider, ServiceProvider};
use crate::saml::preset::{MetadataForm, Preset};
use crate::saml::time::Timestamp;
use crate::saml::warning::Warning;

#[derive(Template)]
#[template(path = "admin/setup.html")]
struct SetupPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    ours: &'a ServiceProvider,
    steps: Vec<ShownStep<'a>>,
    email: Email,
    links: Vec<LinkShown>,
    progress: [(&'static str, bool); 5],
    idp: Option<IdpShown<'a>>,
    warnings: Vec<String>,
    metadata_url: Field,
    metadata_xml: Field,
    metadata_entity_id: Option<Field>,
    /// Whether the refused metadata may take the place of another identity provider's.
    may_replace: bool,
    /// Which way of giving an identity provider is open.
    way: Way,
    manual: Vec<Field>,
    tests: Vec<TestShown<'a>>,
    test: TestStatus,
    enable_reason: Field,
    /// Whether the connection is disabled, and the reason was asked for.
    reason_open: bool,
}

/// A way of giving an identity provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Manual,
    Nothing,
    Url,
    Xml,
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
        let metadata = Maker::of(Section::Metadata, attempt);
        let code = attempt.map_or("", |attempt| attempt.error.code);
        let links = self.list_setup_links(&connection.id).await?;
        let email = Email::of(connection, &ours, &self.config.origin, head.new_link.as_deref())
            .map_err(|e| Unavailable(e.to_string()))?;
        let (metadata_url, metadata_xml) = metadata_fields(connection, attempt);
        let mut page = SetupPage {
            chrome: visitor.chrome(),
            head,
            ours: &ours,
            steps: steps(preset, &ours),
            email,
            links: links.iter().map(link_shown).collect(),
            progress: Progress::of(connection, &tests).steps(),
            idp: idp.map(|idp| shown(idp, now)),
            warnings: Warning::all(connection, now).iter().map(ToString::to_string).collect(),
            metadata_url,
            metadata_xml,
            metadata_entity_id: (code == Code::SeveralEntities.as_str()).then(|| {
                let hint = "The metadata describes several identity providers. Name the one that is meant.";
                metadata.line("entity_id", "Entity ID", hint, "")
            }),
            may_replace: code == Code::EntityChanged.as_str(),
            way: way(attempt, preset, idp.is_some()),
            manual: manual(&Maker::of(Section::Manual, attempt)),
            tests: tests
                .iter()
                .take(TESTS_SHOWN)
                .map(|test| test_shown(test, now))
                .collect(),
            test: situation.test,
            enable_reason: reason_field(&Maker::of(Section::Enable, attempt)),
            reason_open: attempt.is_some_and(|a| matches!(a.section, Section::Enable | Section::ApplyDraft)),
        };
        let fields = [
            &page.metadata_url,
            &page.metadata_xml,
            &page.enable_reason,
            &page.head.apply_reason,
        ];
        let fields = fields.into_iter().chain(&page.manual).chain(&page.metadata_entity_id);
        page.head.problem = problem(attempt, connection.provider, fields);
        Ok(render_leading_to(
            status,
            &page,
            identity_providers(self.config.development),
        ))
    }
}

/// The fields for metadata: its URL, and itself.
pub(super) fn metadata_fields(connection: &Connection, attempt: Option<Attempt<'_>>) -> (Field, Field) {
    let maker = Maker::of(Section::Metadata, attempt);
    let stored = connection
        .identity_provider
        .as_ref()
        .and_then(|idp| idp.metadata_url.as_ref());
    let label = Preset::of(connection.provider).metadata_label;
    let url = maker.field(
        "url",
        label,
        "",
        Kind::Line("url"),
        stored.map_or("", |url| url.as_str()),
    );
    let xml = maker.field(
        "xml",
        "Metadata XML",
        "The whole file, from <?xml or <EntityDescriptor to its end.",
        Kind::Area(Some(".xml,text/xml,application/xml,application/samlmetadata+xml")),
        "",
    );
    (url.placeholder("https://"), xml)
}

pub(super) fn metadata_body(form: &Form) -> MetadataBody {
    let given = |name| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    MetadataBody {
        url: given("url"),
        xml: given("xml"),
        entity_id: given("entity_id"),
        replace_entity: form.ticked("replace_entity"),
    }
}

pub(super) fn manual_body(form: &Form) -> ManualBody {
    ManualBody {
        entity_id: form.text("entity_id").to_owned(),
        sso_url: form.text("sso_url").to_owned(),
        binding: if form.text("binding") == "post" {
            Binding::Post
        } else {
            Binding::Redirect
        },
        certificates: form.text("certificates").to_owned(),
        replace_entity: form.ticked("replace_entity"),
    }
}

pub(super) fn manual(maker: &Maker<'_>) -> Vec<Field> {
    const BINDINGS: &[(&str, &str)] = &[("redirect", "HTTP-Redirect"), ("post", "HTTP-POST")];
    vec![
        maker
            .field(
                "sso_url",
                "Sign-on URL",
                "Where users are sent to sign in.",
                Kind::Line("url"),
                "",
            )
            .placeholder("https://"),
        maker.choice(
            "binding",
            "Binding",
            "HTTP-Redirect, unless the identity provider says otherwise.",
            BINDINGS,
            "redirect",
        ),
        maker.line(
            "entity_id",
            "Entity ID",
            "Also called issuer. It must be exact, to the last slash.",
            "",
        ),
        maker.field(
            "certificates",
            "Signing certificates",
            "As PEM, or as base64 with an empty line between two. Several may sign during a rotation.",
            Kind::Area(Some(".pem,.crt,.cer,.cert,.txt")),
            "",
        ),
    ]
}

/// Which way is open: the one that was tried, or the one that fits the provider when there is nothing yet.
pub(super) fn way(attempt: Option<Attempt<'_>>, preset: &Preset, has_idp: bool) -> Way {
    match attempt {
        Some(attempt) if attempt.section == Section::Manual => Way::Manual,
        Some(attempt) if attempt.section == Section::Metadata => {
            if attempt.form.get("xml").is_some() {
                Way::Xml
            } else {
                Way::Url
            }
        }
        _ if has_idp => Way::Nothing,
        _ => match preset.metadata_form {
            MetadataForm::File => Way::Xml,
            MetadataForm::Url | MetadataForm::UrlOrFile => Way::Url,
        },
    }
}

pub(super) fn shown(idp: &IdentityProvider, now: Timestamp) -> IdpShown<'_> {
    let binding = |binding| match binding {
        Binding::Post => "HTTP-POST",
        Binding::Redirect => "HTTP-Redirect",
    };
    IdpShown {
        idp,
        endpoints: idp
            .single_sign_on
            .iter()
            .map(|e| (binding(e.binding), e.url.as_str()))
            .collect(),
        certificates: idp
            .certificates
            .iter()
            .filter_map(|stored| stored.certificate().ok())
            .map(|certificate| CertificateShown {
                sha256: certificate.fingerprint().to_string(),
                subject: certificate.subject().to_owned(),
                until: certificate.not_after().map(|seconds| {
                    let at = Timestamp::from_unix_seconds(seconds);
                    let (words, tone) = end(at, now);
                    (day(at), words, tone)
                }),
            })
            .collect(),
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
        on: super::parts::minute(test.begun_at),
    }
}
