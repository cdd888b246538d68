//! `/sso/setup`: what the customer's administrator does with a setup link, without an account: the steps at their identity
//! provider, its metadata, a test, and a list that ticks itself.
//!
//! A link opens one connection, and only its identity provider's side: where the connection is enabled, what is saved here
//! waits in its draft.

use askama::Template;
use http::{Method, StatusCode};

use super::connection::{Done, Editor, Problem, problem};
use super::email::{ShownStep, steps};
use super::field::Attempt;
use super::form::Form;
use super::idp_forms::{IdpForms, Sent};
use super::parts::{Pill, all_domains, minute, test_state};
use super::replacement::{Confirmation, IdpChanges, Pending, Replacement};
use super::session::csrf_token;
use super::setup::{IdpShown, shown};
use super::situation::{Situation, is_for_the_page};
use super::test_report::Outcome;
use super::{Failure, NO_STORAGE, render, render_leading_to, render_live};
use crate::app::App;
use crate::app::explanation::Reader;
use crate::app::http::{Request, Response, cookie, see_other, set_cookie};
use crate::app::ledger::test::{BegunBy, Configuration, TestState};
use crate::app::page::{self, identity_providers};
use crate::app::ports::Ports;
use crate::app::registry::Actor;
use crate::app::registry::setup_links::{OpenSetupLink, SetupLink};
use crate::app::route::{Section, SetupRoute};
use crate::app::setup_links::{Progress, is_of_setup};
use crate::limits::SETUP_LINK_SECONDS;
use crate::saml::id::TestId;
use crate::saml::preset::{MetadataForm, Preset};
use crate::token::{Token, TokenHash};

/// The cookie that holds the token of the link that was opened last.
const SETUP_COOKIE: &str = "__Host-sso_setup";
const HOME: &str = "/sso/setup";

/// Somebody who has opened a link.
#[derive(Clone)]
struct Guest {
    link: SetupLink,
    hash: TokenHash,
    csrf: String,
}

impl Guest {
    /// Which link it was, as the list of them has it: who uses it, nobody knows.
    fn actor(&self) -> Actor {
        Actor::new(format!("setup link {}", self.link.id))
    }
}

#[derive(Template)]
#[template(path = "admin/customer.html")]
struct CustomerPage<'a> {
    csrf: &'a str,
    product: &'a str,
    domains: String,
    until: String,
    preset: &'static Preset,
    steps: Vec<ShownStep<'a>>,
    progress: [(&'static str, bool); 5],
    idp: Option<IdpShown<'a>>,
    /// What it changes of the one by which users sign in meanwhile.
    changes: Option<IdpChanges>,
    forms: IdpForms<'a>,
    problem: Option<Problem>,
    saved: bool,
    /// The last test that was begun here: where it is told of, what became of it, and when it began.
    last_test: Option<(String, Pill, String)>,
}

#[derive(Template)]
#[template(path = "admin/customer_replace.html")]
struct CustomerReplacePage<'a> {
    product: &'a str,
    replacement: Replacement<'a>,
}

#[derive(Template)]
#[template(path = "admin/customer_test.html")]
struct CustomerTestPage<'a> {
    product: &'a str,
    csrf: &'a str,
    state: TestState,
    on: String,
    outcome: Outcome<'a>,
}

impl<P: Ports> App<P> {
    /// Answers a request by somebody with a setup link.
    pub(in crate::app) async fn answer_setup(&self, route: &SetupRoute, request: &Request) -> Response {
        match self.show_setup(route, request).await {
            Ok(response) => response,
            Err(failure) => self.answer_setup_failure(failure),
        }
    }

    /// Turns away whoever has no link that opens anything, before the body of their request is read; notes which it is otherwise.
    pub(in crate::app) async fn refuse_setup_by_head(
        &self,
        route: &SetupRoute,
        request: &mut Request,
    ) -> Option<Response> {
        if matches!(route, SetupRoute::Open(_)) {
            return None;
        }
        match self.guest(request).await {
            Ok(Some(guest)) => {
                request.extensions_mut().insert(guest);
                None
            }
            Ok(None) => Some(over()),
            Err(failure) => Some(self.answer_setup_failure(failure)),
        }
    }

    fn answer_setup_failure(&self, failure: Failure) -> Response {
        match failure {
            Failure::Unavailable(unavailable) => {
                self.log_unavailable(&unavailable);
                sorry(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Please try again in a moment",
                    NO_STORAGE,
                )
            }
            Failure::NotFound | Failure::Api(_) => over(),
            _ => {
                let text = "This form was not sent from the page that the link opened. Nothing was changed. Open the link again.";
                sorry(StatusCode::FORBIDDEN, "Please do that again", text)
            }
        }
    }

    async fn show_setup(&self, route: &SetupRoute, request: &Request) -> Result<Response, Failure> {
        if let SetupRoute::Open(token) = route {
            return self.open_setup_link(token).await;
        }
        let Some(guest) = request.extensions().get::<Guest>() else {
            return Ok(over());
        };
        let id = &guest.link.connection;
        let form = Form::read(request.body());
        if request.method() == Method::POST {
            self.check_form(&guest.csrf, request)?;
        }
        let situation = self.situation(id).await?;
        let section = match route {
            SetupRoute::Manual => Section::Manual,
            SetupRoute::Metadata => Section::Metadata,
            SetupRoute::Report(test) => return self.show_setup_report(guest, &situation, test).await,
            SetupRoute::Test => {
                let configuration = match situation.draft {
                    Some(_) => Configuration::Draft,
                    None => Configuration::Live,
                };
                let begun = self
                    .begin_test(id, configuration, BegunBy::Setup, guest.actor())
                    .await?;
                return Ok(see_other(&begun.url));
            }
            SetupRoute::Open(_) | SetupRoute::Steps => {
                let saved = request.uri().query() == Some("done=saved");
                return self.customer_page(StatusCode::OK, guest, &situation, saved, None).await;
            }
        };
        let editor = Editor::Guest(guest.hash.clone(), guest.actor());
        match self.save_identity_provider(&situation, section, &form, editor).await {
            Ok(Done::Asked(pending)) => Ok(self.ask_guest_to_replace(guest, &situation, section, &form, pending)),
            Ok(_) => Ok(see_other("/sso/setup?done=saved#identity-provider")),
            // The link was revoked meanwhile.
            Err(error) if error.status == StatusCode::NOT_FOUND => Ok(over()),
            Err(error) if is_for_the_page(&error) => {
                let attempt = Attempt {
                    section,
                    form: &form,
                    error: &error,
                };
                let situation = self.situation(id).await?;
                self.customer_page(error.status, guest, &situation, false, Some(attempt))
                    .await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the token in a cookie, so that it stands in no address that is shown, kept or sent along.
    async fn open_setup_link(&self, token: &str) -> Result<Response, Failure> {
        let token = Token::parse(token).ok_or(Failure::NotFound)?;
        let open = OpenSetupLink { hash: token.hash() };
        self.ports.registry(open).await?.reply.ok_or(Failure::NotFound)?;
        let mut response = see_other(HOME);
        set_cookie(&mut response, SETUP_COOKIE, token.reveal(), SETUP_LINK_SECONDS);
        Ok(response)
    }

    async fn guest(&self, request: &Request) -> Result<Option<Guest>, Failure> {
        let Some(token) = cookie(request, SETUP_COOKIE).and_then(Token::parse) else {
            return Ok(None);
        };
        let hash = token.hash();
        let link = self.ports.registry(OpenSetupLink { hash: hash.clone() }).await?.reply;
        Ok(link.map(|link| Guest {
            link,
            hash,
            csrf: csrf_token(&token),
        }))
    }

    /// Shows what would change, and asks whether it is to.
    fn ask_guest_to_replace(
        &self,
        guest: &Guest,
        situation: &Situation,
        section: Section,
        form: &Form,
        pending: Pending,
    ) -> Response {
        let sent = Confirmation {
            csrf: &guest.csrf,
            seen: situation.seen(),
            to: path(section),
            back: format!("{HOME}#identity-provider"),
        };
        let page = CustomerReplacePage {
            product: &self.config.product_name,
            replacement: Replacement::of(pending, form, sent, self.ports.now()),
        };
        render(StatusCode::OK, &page)
    }

    async fn customer_page(
        &self,
        status: StatusCode,
        guest: &Guest,
        situation: &Situation,
        saved: bool,
        attempt: Option<Attempt<'_>>,
    ) -> Result<Response, Failure> {
        let connection = situation.edited();
        let tests = self.list_tests(&connection.id).await?;
        let ours = connection.service_provider(&self.config.origin);
        let preset = Preset::of(connection.provider);
        let idp = connection.identity_provider.as_ref();
        let sent = Sent {
            csrf: &guest.csrf,
            seen: None,
            metadata_to: path(Section::Metadata),
            manual_to: path(Section::Manual),
        };
        let last_test = tests.iter().find(|test| is_of_setup(test));
        let mut page = CustomerPage {
            csrf: &guest.csrf,
            product: &self.config.product_name,
            domains: all_domains(connection),
            until: minute(guest.link.expires_at),
            preset,
            steps: steps(preset, &ours),
            progress: Progress::of(connection, &tests).steps(),
            idp: idp.map(|idp| shown(idp, self.ports.now())),
            changes: (situation.live.identity_provider.is_some())
                .then(|| IdpChanges::of(&situation.idp_diff(), self.ports.now()))
                .filter(|changes| changes.len() > 0),
            forms: IdpForms::of(connection, attempt, sent),
            problem: None,
            saved,
            last_test: last_test.map(|test| {
                let pill = test_state(test.state(self.ports.now()));
                (format!("/sso/setup/test/{}", test.id), pill, minute(test.begun_at))
            }),
        };
        page.problem = problem(attempt, connection.provider, Reader::Customer, page.forms.fields());
        Ok(render_live(status, &page, identity_providers(self.config.development)))
    }

    /// A test that was begun from a link of this connection; no other is told of here.
    async fn show_setup_report(
        &self,
        guest: &Guest,
        situation: &Situation,
        test: &TestId,
    ) -> Result<Response, Failure> {
        let test = self.read_test(&guest.link.connection, test).await?;
        if !is_of_setup(&test) {
            return Err(Failure::NotFound);
        }
        let now = self.ports.now();
        let page = CustomerTestPage {
            product: &self.config.product_name,
            csrf: &guest.csrf,
            state: test.state(now),
            on: minute(test.begun_at),
            outcome: Outcome::of(&test, situation.edited().provider, Reader::Customer, now),
        };
        let targets = identity_providers(self.config.development);
        Ok(render_leading_to(StatusCode::OK, &page, targets))
    }
}

/// Where a form goes that gives an identity provider.
fn path(section: Section) -> String {
    match section {
        Section::Manual => format!("{HOME}/identity-provider"),
        _ => format!("{HOME}/metadata"),
    }
}

fn over() -> Response {
    let text = "The link is mistyped, revoked, or older than a week. Ask whoever sent it for a new one.";
    sorry(StatusCode::NOT_FOUND, "This link opens nothing", text)
}

fn sorry(status: StatusCode, title: &str, text: &str) -> Response {
    page::plain_message(status, title, text)
}
