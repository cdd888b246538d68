//! `/sso/admin/connections/new`: the provider first, then domains, organization and name.

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};

use super::field::{Field, Maker};
use super::form::Form;
use super::parts::provider_value;
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::description::Fields;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, field, see_other};
use crate::app::ports::Ports;
use crate::saml::connection::Provider;
use crate::saml::preset::{PROVIDERS, Preset};

#[derive(Template)]
#[template(path = "admin/choose_provider.html")]
struct ChooseProviderPage<'a> {
    chrome: Chrome<'a>,
    choices: Vec<(&'static str, &'static Preset)>,
}

#[derive(Template)]
#[template(path = "admin/new_connection.html")]
struct NewConnectionPage<'a> {
    chrome: Chrome<'a>,
    provider: &'static str,
    preset: &'static Preset,
    problem: Option<String>,
    domains: Field,
    name: Field,
    organization: Field,
}

impl<P: Ports> App<P> {
    pub(super) fn show_new_connection(visitor: &Visitor, request: &Request) -> Response {
        let query = request.uri().query().unwrap_or_default();
        let chosen = field(query.as_bytes(), "provider").ok().flatten();
        match chosen.as_deref().and_then(parse_provider) {
            Some(provider) => new_connection(StatusCode::OK, visitor, provider, None),
            None => render(
                StatusCode::OK,
                &ChooseProviderPage {
                    chrome: visitor.chrome(),
                    choices: PROVIDERS.map(|p| (provider_value(p), Preset::of(p))).to_vec(),
                },
            ),
        }
    }

    pub(super) async fn add_connection(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let form = Form::read(request.body());
        let provider = parse_provider(form.text("provider")).ok_or(Failure::NoForm)?;
        let created = match fields(&form) {
            Ok(fields) => self.create_connection(fields, None, visitor.actor()).await,
            Err(error) => Err(error),
        };
        match created {
            Ok(created) => Ok(see_other(&format!(
                "/sso/admin/connections/{}?done=created",
                created.reply.id
            ))),
            Err(error) if error.status.is_client_error() => {
                Ok(new_connection(error.status, visitor, provider, Some((&form, &error))))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn fields(form: &Form) -> Result<Fields, ApiError> {
    let mut domains = form.text("domains").replace([',', ';'], "\n");
    domains = domains.replace(char::is_whitespace, "\n");
    let domains: Vec<&str> = domains.lines().filter(|line| !line.is_empty()).collect();
    let first = domains.first();
    let first = first.ok_or_else(|| ApiError::invalid("domains", "enter at least one domain"))?;
    // A connection is mostly called as its customer, who is known by the domain.
    let name = match form.text("name") {
        "" => first,
        name => name,
    };
    let fields = json!({
        "provider": form.text("provider"),
        "domains": domains,
        "name": name,
        "organization": form.text_or_null("organization"),
    });
    Ok(match fields {
        Value::Object(fields) => Fields(fields),
        _ => Fields(serde_json::Map::new()),
    })
}

fn new_connection(
    status: StatusCode,
    visitor: &Visitor,
    provider: Provider,
    attempt: Option<(&Form, &ApiError)>,
) -> Response {
    let maker = Maker::named("new", attempt);
    let domains = maker.area(
        "domains",
        "E-mail domains",
        "People with an address at one of these domains sign in through this connection. One on a line.",
        "",
    );
    let name = maker.line(
        "name",
        "Name",
        "Shown to you here, and to people who choose between several connections. Left empty, it is the first domain.",
        "",
    );
    let organization = maker.line(
        "organization",
        "Organization",
        "Your own identifier of this customer.",
        "",
    );
    let page = NewConnectionPage {
        chrome: visitor.chrome(),
        provider: provider_value(provider),
        preset: Preset::of(provider),
        problem: maker.problem(&[&domains, &name, &organization]),
        domains: domains.placeholder("acme.com"),
        name: name.placeholder("Acme").optional(),
        organization: organization.optional(),
    };
    render(status, &page)
}

fn parse_provider(text: &str) -> Option<Provider> {
    PROVIDERS.into_iter().find(|provider| provider_value(*provider) == text)
}
