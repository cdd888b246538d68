//! `/sso/admin/connections/{id}`: one connection with all its forms, each of which is an operation.

use askama::Template;
use http::StatusCode;

use super::email::{Email, ShownStep, steps};
use super::field::{Attempt, Field, Kind, Maker, sentence};
use super::form::Form;
use super::parts::{Pill, day, end, state};
use super::session::Visitor;
use super::settings::{self, Group};
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::connections::{ManualBody, MetadataBody, Saved};
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, field, see_other};
use crate::app::ports::{Ports, Unavailable};
use crate::app::route::{Section, Tab};
use crate::code::Code;
use crate::saml::connection::{Binding, Connection, IdentityProvider, Provider, ServiceProvider, State};
use crate::saml::id::ConnectionId;
use crate::saml::preset::{MetadataForm, Preset};
use crate::saml::time::Timestamp;
use crate::saml::warning::Warning;

/// What all pages of a connection show.
struct Head<'a> {
    connection: &'a Connection,
    state: Pill,
    preset: &'static Preset,
    tab: Tab,
    notice: Option<Notice>,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "admin/setup.html")]
struct SetupPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    ours: &'a ServiceProvider,
    steps: Vec<ShownStep<'a>>,
    email: Email,
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
}

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    domain: Field,
    routing: Vec<Field>,
    attributes: Vec<Field>,
    general: Vec<Field>,
    advanced: Vec<Group>,
    confirm_name: Field,
}

/// A way of giving an identity provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Manual,
    Nothing,
    Url,
    Xml,
}

/// What was just done, said where it was done.
struct Notice {
    anchor: &'static str,
    text: &'static str,
}

/// What went wrong with a form and is not about one of its fields.
struct Problem {
    anchor: &'static str,
    text: String,
    explanation: Option<&'static str>,
    hint: Option<&'static str>,
}

/// What is known of an identity provider.
struct IdpShown<'a> {
    idp: &'a IdentityProvider,
    endpoints: Vec<(&'static str, &'a str)>,
    certificates: Vec<CertificateShown>,
}

struct CertificateShown {
    sha256: String,
    subject: String,
    until: Option<(String, String, &'static str)>,
}

impl<P: Ports> App<P> {
    pub(super) async fn show_connection(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        tab: Tab,
        request: &Request,
    ) -> Result<Response, Failure> {
        let connection = self.existing(id).await?;
        let notice = notice(request.uri().query().unwrap_or_default().as_bytes());
        self.connection_page(StatusCode::OK, visitor, &connection, tab, notice, None)
    }

    /// Does what the form of `section` asks for, and shows the page again, with what was typed if it was refused.
    pub(super) async fn save_section(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        section: Section,
        request: &Request,
    ) -> Result<Response, Failure> {
        let connection = self.existing(id).await?;
        let form = Form::read(request.body());
        match self.operate(visitor, &connection, section, &form).await {
            Ok(_) if section == Section::Delete => Ok(see_other("/sso/admin?done=delete")),
            Ok(published) => {
                let (done, anchor) = (section.as_str(), section.anchor());
                let later = if published { "" } else { "&later=true" };
                let path = section.tab().path(id);
                Ok(see_other(&format!("{path}?done={done}{later}#{anchor}")))
            }
            Err(error) if error.status.is_client_error() && error.status != StatusCode::NOT_FOUND => {
                let attempt = Attempt {
                    section,
                    form: &form,
                    error: &error,
                };
                self.connection_page(error.status, visitor, &connection, section.tab(), None, Some(attempt))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One operation; whether it has reached every place.
    async fn operate(
        &self,
        visitor: &Visitor,
        connection: &Connection,
        section: Section,
        form: &Form,
    ) -> Result<bool, ApiError> {
        let (id, actor) = (&connection.id, visitor.actor());
        let Saved { published, .. } = match section {
            Section::Advanced | Section::Attributes | Section::Domains | Section::General | Section::Routing => {
                let fields = settings::read(section, form, connection)?;
                self.patch_connection(id, fields, actor).await
            }
            Section::Delete => {
                if form.text("name") != connection.name.trim() {
                    return Err(ApiError::invalid("name", "type the name exactly as it is"));
                }
                let Saved { published, .. } = self.delete_connection(id, actor).await?;
                return Ok(published);
            }
            Section::Disable => self.set_state(id, State::Disabled, actor).await,
            Section::Enable => self.set_state(id, State::Enabled, actor).await,
            Section::Manual => self.save_identity_provider(id, manual_body(form), actor).await,
            Section::Metadata => self.save_metadata(id, metadata_body(form), actor).await,
        }?;
        Ok(published)
    }

    fn connection_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        connection: &Connection,
        tab: Tab,
        notice: Option<Notice>,
        attempt: Option<Attempt<'_>>,
    ) -> Result<Response, Failure> {
        let head = Head {
            connection,
            state: state(connection),
            preset: Preset::of(connection.provider),
            tab,
            notice,
            problem: None,
        };
        match tab {
            Tab::Settings => Ok(settings_page(status, visitor, head, attempt)),
            Tab::Setup => self.setup_page(status, visitor, head, attempt),
        }
    }

    fn setup_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        head: Head<'_>,
        attempt: Option<Attempt<'_>>,
    ) -> Result<Response, Failure> {
        let now = self.ports.now();
        let (connection, preset) = (head.connection, head.preset);
        let ours = connection.service_provider(&self.config.origin);
        let idp = connection.identity_provider.as_ref();
        let metadata = Maker::of(Section::Metadata, attempt);
        let code = attempt.map_or("", |attempt| attempt.error.code);
        let email = Email::of(connection, &ours, &self.config.origin).map_err(|e| Unavailable(e.to_string()))?;
        let stored_url = idp
            .and_then(|idp| idp.metadata_url.as_ref())
            .map_or("", |url| url.as_str());
        let mut page = SetupPage {
            chrome: visitor.chrome(),
            head,
            ours: &ours,
            steps: steps(preset, &ours),
            email,
            idp: idp.map(|idp| shown(idp, now)),
            warnings: Warning::all(connection, now).iter().map(ToString::to_string).collect(),
            metadata_url: metadata
                .field("url", preset.metadata_label, "", Kind::Line("url"), stored_url)
                .placeholder("https://"),
            metadata_xml: metadata.field(
                "xml",
                "Metadata XML",
                "The whole file, from <?xml or <EntityDescriptor to its end.",
                Kind::Area(Some(".xml,text/xml,application/xml,application/samlmetadata+xml")),
                "",
            ),
            metadata_entity_id: (code == Code::SeveralEntities.as_str()).then(|| {
                let hint = "The metadata describes several identity providers. Name the one that is meant.";
                metadata.line("entity_id", "Entity ID", hint, "")
            }),
            may_replace: code == Code::EntityChanged.as_str(),
            way: way(attempt, preset, idp.is_some()),
            manual: manual(&Maker::of(Section::Manual, attempt)),
        };
        let fields = [&page.metadata_url, &page.metadata_xml].into_iter().chain(&page.manual);
        page.head.problem = problem(attempt, connection.provider, fields.chain(&page.metadata_entity_id));
        Ok(render(status, &page))
    }
}

fn settings_page(status: StatusCode, visitor: &Visitor, head: Head<'_>, attempt: Option<Attempt<'_>>) -> Response {
    let connection = head.connection;
    let mut page = SettingsPage {
        chrome: visitor.chrome(),
        head,
        domain: Maker::of(Section::Domains, attempt)
            .line("domains", "Add a domain", "", "")
            .placeholder("acme.com"),
        routing: settings::routing(connection, attempt),
        attributes: settings::attributes(connection, attempt),
        general: settings::general(connection, attempt),
        advanced: settings::advanced(connection, attempt),
        confirm_name: Maker::of(Section::Delete, attempt).line("name", "Type its name to delete it", "", ""),
    };
    let groups = page.advanced.iter().flat_map(|group| &group.fields);
    let several = [&page.general, &page.routing, &page.attributes].into_iter().flatten();
    let fields = groups.chain(several).chain([&page.domain, &page.confirm_name]);
    page.head.problem = problem(attempt, connection.provider, fields);
    render(status, &page)
}

/// What is wrong with the form that was tried, when none of `fields` says so.
fn problem<'f>(
    attempt: Option<Attempt<'_>>,
    provider: Provider,
    mut fields: impl Iterator<Item = &'f Field>,
) -> Option<Problem> {
    let attempt = attempt?;
    if fields.any(|field| field.error.is_some()) {
        return None;
    }
    let code = Code::parse(attempt.error.code);
    Some(Problem {
        anchor: attempt.section.anchor(),
        text: sentence(attempt.error),
        explanation: code.map(Code::explanation),
        hint: code.and_then(|code| hint_for(code, provider)),
    })
}

impl Head<'_> {
    /// The problem of the forms at `anchor`.
    fn problem_at(&self, anchor: &str) -> Option<&Problem> {
        self.problem.as_ref().filter(|problem| problem.anchor == anchor)
    }

    /// What was just done at `anchor`.
    fn notice_at(&self, anchor: &str) -> Option<&'static str> {
        let notice = self.notice.as_ref().filter(|notice| notice.anchor == anchor);
        notice.map(|notice| notice.text)
    }
}

/// Where to click at `provider`.
pub(super) const fn hint_for(code: Code, provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Custom => None,
        Provider::Entra => code.hint_for_entra(),
        Provider::Google => code.hint_for_google(),
        Provider::Okta => code.hint_for_okta(),
    }
}

fn metadata_body(form: &Form) -> MetadataBody {
    let given = |name| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    MetadataBody {
        url: given("url"),
        xml: given("xml"),
        entity_id: given("entity_id"),
        replace_entity: form.ticked("replace_entity"),
    }
}

fn manual_body(form: &Form) -> ManualBody {
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

fn manual(maker: &Maker<'_>) -> Vec<Field> {
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
fn way(attempt: Option<Attempt<'_>>, preset: &Preset, has_idp: bool) -> Way {
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

fn shown(idp: &IdentityProvider, now: Timestamp) -> IdpShown<'_> {
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

/// What `?done=` says that was done.
fn notice(query: &[u8]) -> Option<Notice> {
    let done = field(query, "done").ok().flatten()?;
    if done == "created" {
        return Some(Notice {
            anchor: "top",
            text: "The connection is there, disabled: nobody is sent anywhere yet. Next, give the customer the values below.",
        });
    }
    let section = Section::parse(&done)?;
    let later = field(query, "later").ok().flatten().is_some();
    let text = match (section, later) {
        (_, true) => "Saved. It has not reached every place yet; that is repaired by itself within moments.",
        (Section::Enable, _) => "Enabled. Everywhere within a minute, people are sent to their identity provider.",
        (Section::Disable, _) => "Disabled, at once: nobody signs in through it from now on.",
        (Section::Manual | Section::Metadata, _) => {
            "Saved. This is what was read; it is live everywhere within a minute."
        }
        _ => "Saved. It is live everywhere within a minute.",
    };
    Some(Notice {
        anchor: section.anchor(),
        text,
    })
}
