//! The dashboard, `/sso/admin`: pages for the vendor over the same operations as the admin API.
//!
//! Everything works without scripts. A `GET` shows and changes nothing; each form carries a token that only its session's pages
//! have, is refused when it comes from another site, and ends in a redirect to a page.

mod add;
mod audit;
mod calendar;
mod connection;
mod customer;
mod decryption_keys;
mod email;
mod field;
mod form;
mod history;
mod idp_forms;
mod list;
mod parts;
mod replacement;
mod session;
mod settings;
mod setup;
mod sign_ins;
mod situation;
mod test_report;
mod tokens;
mod transfer;
mod webhooks;

use askama::Template;
use http::{Method, StatusCode};

use self::session::Visitor;
use super::App;
use super::error::{ApiError, BrowserError};
use super::http::{PagePolicy, Request, Response, Scripts, allow, cookie, page, respond, see_other};
use super::ports::{Ports, Unavailable};
use super::registry::tokens::Scope;
use super::route::{AdminRoute, Route};
use crate::token::Token;

/// The cookie that holds the token of a dashboard's session.
const ADMIN_COOKIE: &str = "__Host-sso_admin";

/// What people are told while the platform does not answer.
const NO_STORAGE: &str = "The storage does not answer right now. Go back and repeat it in a moment.";

/// Why a page of the dashboard is not shown.
enum Failure {
    /// An operation refused, and no form can say so.
    Api(ApiError),
    /// The form was not sent from a page of this session.
    Foreign,
    /// It is no form.
    NoForm,
    /// There is nothing at this address.
    NotFound,
    /// The token that opened the session has not this scope.
    Scope(Scope),
    /// The platform does not answer.
    Unavailable(Unavailable),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl From<BrowserError> for Failure {
    fn from(error: BrowserError) -> Self {
        match error {
            BrowserError::ForeignForm => Self::Foreign,
            BrowserError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            _ => Self::NoForm,
        }
    }
}

/// What all pages for somebody who is signed in show.
struct Chrome<'a> {
    /// The token that their forms send back.
    csrf: &'a str,
    /// The name of the admin token that opened the session.
    token_name: &'a str,
    /// Whether it may see the tokens.
    sees_tokens: bool,
}

#[derive(Template)]
#[template(path = "admin/message.html")]
struct MessagePage<'a> {
    title: &'a str,
    text: &'a str,
    /// The address and the words of the way on.
    way_on: (&'a str, &'a str),
}

impl<P: Ports> App<P> {
    /// Answers a request for the dashboard.
    pub(super) async fn answer_dashboard(&self, route: &AdminRoute, request: &Request) -> Response {
        let whole = Route::Admin(route.clone());
        if !whole.allows(request.method()) {
            let text = "This address does not answer that kind of request.";
            let mut response = message(StatusCode::METHOD_NOT_ALLOWED, "That did not work", text);
            allow(&mut response, whole.methods());
            return response;
        }
        match self.show_dashboard(route, request).await {
            Ok(response) => response,
            Err(failure) => self.answer_failure(failure),
        }
    }

    /// Leads whoever is not signed in to the sign-in, before the body of their request is read; notes who it is otherwise.
    pub(super) async fn refuse_dashboard_by_head(&self, route: &AdminRoute, request: &mut Request) -> Option<Response> {
        if *route == AdminRoute::SignIn {
            return None;
        }
        match self.visitor(request).await {
            Ok(Some(visitor)) => {
                request.extensions_mut().insert(visitor);
                None
            }
            Ok(None) => Some(sign_in_first(route, request)),
            Err(unavailable) => Some(self.answer_failure(Failure::Unavailable(unavailable))),
        }
    }

    async fn show_dashboard(&self, route: &AdminRoute, request: &Request) -> Result<Response, Failure> {
        let post = request.method() == Method::POST;
        if *route == AdminRoute::SignIn {
            return if post {
                self.sign_admin_in(request).await
            } else {
                self.show_admin_sign_in(request).await
            };
        }
        let mut noted = request.extensions().get::<Visitor>().cloned();
        if noted.is_some() && !request.body().is_empty() {
            // The body may have taken its time: the session may be over by now.
            noted = self.visitor(request).await?;
        }
        let Some(visitor) = &noted else {
            return Ok(sign_in_first(route, request));
        };
        if post {
            self.check_form(&visitor.csrf, request)?;
        }
        let scope = route.scope(request.method());
        if !visitor.may(scope) {
            return Err(Failure::Scope(scope));
        }
        match route {
            AdminRoute::Attempt(id, reference) => self.show_attempt(visitor, id, reference).await,
            AdminRoute::Audit => self.show_audit(visitor, request).await,
            AdminRoute::Certificates => self.show_certificates(visitor).await,
            AdminRoute::Connection(id, tab) => self.show_connection(visitor, id, *tab, request).await,
            AdminRoute::Connections => self.show_connections(visitor, request).await,
            AdminRoute::Message(id, reference, number) => self.download_message(visitor, id, reference, *number).await,
            AdminRoute::NewConnection if post => self.add_connection(visitor, request).await,
            AdminRoute::NewConnection => Ok(Self::show_new_connection(visitor, request)),
            AdminRoute::RevokeToken(id) if post => self.revoke_token_by_form(visitor, id).await,
            AdminRoute::RevokeToken(id) => self.ask_to_revoke_token(visitor, id).await,
            AdminRoute::Section(id, section) => self.save_section(visitor, id, *section, request).await,
            AdminRoute::Test(id, test) => self.show_test_report(visitor, id, test).await,
            AdminRoute::SignOut => self.sign_admin_out(visitor).await,
            AdminRoute::Tokens if post => self.add_token(visitor, request).await,
            AdminRoute::Tokens => self.show_tokens(visitor, request).await,
            AdminRoute::Transfer if post => self.import_file(visitor, request).await,
            AdminRoute::Transfer => Ok(Self::show_transfer(visitor)),
            AdminRoute::TransferFile => self.download_connections(visitor).await,
            AdminRoute::Webhook(id) => self.show_webhook(visitor, id, request).await,
            AdminRoute::WebhookForm(id, action) => self.act_on_webhook(visitor, id, *action, request).await,
            AdminRoute::Webhooks if post => self.add_webhook(visitor, request).await,
            AdminRoute::Webhooks => self.show_webhooks(visitor, request).await,
            AdminRoute::SignIn | AdminRoute::Unknown => Err(Failure::NotFound),
        }
    }

    fn answer_failure(&self, failure: Failure) -> Response {
        match failure {
            Failure::Api(error) if error.code == "connection_unknown" => {
                let text = "There is no such connection, or no longer. The list has all that there are.";
                message(error.status, "There is nothing here", text)
            }
            Failure::Api(error) => message(error.status, "That did not work", &error.message),
            Failure::Foreign => {
                let text = "This form was not sent from a page of your session here, or that session has ended. Nothing was changed. \
                            Open the page again and repeat it.";
                message(StatusCode::FORBIDDEN, "Please do that again", text)
            }
            Failure::NoForm => {
                let text = "The request was not complete or not of the expected kind. Nothing was changed.";
                message(StatusCode::BAD_REQUEST, "That did not work", text)
            }
            Failure::NotFound => {
                let text = "The address may be mistyped or out of date.";
                message(StatusCode::NOT_FOUND, "There is nothing here", text)
            }
            Failure::Scope(scope) => {
                let (title, text) = match scope {
                    Scope::Tokens => (
                        "You may not see the tokens",
                        "The admin token that you signed in with does not have the scope tokens.",
                    ),
                    _ => (
                        "You may look, not change",
                        "The admin token that you signed in with does not have the scope write. Nothing was changed.",
                    ),
                };
                message(StatusCode::FORBIDDEN, title, text)
            }
            Failure::Unavailable(unavailable) => {
                self.log_unavailable(&unavailable);
                message(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Please try again in a moment",
                    NO_STORAGE,
                )
            }
        }
    }
}

/// The style sheet of the dashboard.
pub(super) fn stylesheet() -> Response {
    let css = include_str!("../../assets/admin.css");
    respond(StatusCode::OK, "text/css; charset=utf-8", css)
}

fn admin_cookie(request: &Request) -> Option<Token> {
    cookie(request, ADMIN_COOKIE).and_then(Token::parse)
}

/// To the sign-in, and afterwards to where this was going.
fn sign_in_first(route: &AdminRoute, request: &Request) -> Response {
    let wanted = match (request.method(), request.uri().path_and_query()) {
        (&Method::POST, _) | (_, None) => route.page(),
        (_, Some(path)) => path.as_str().to_owned(),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    if wanted != "/sso/admin" {
        query.append_pair("return_to", &wanted);
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    see_other(&format!("/sso/admin/sign-in{mark}{query}"))
}

fn message(status: StatusCode, title: &str, text: &str) -> Response {
    let page = MessagePage {
        title,
        text,
        way_on: ("/sso/admin", "All connections"),
    };
    render(status, &page)
}

/// A page whose forms lead nowhere but here.
fn render(status: StatusCode, template: &impl Template) -> Response {
    render_leading_to(status, template, "")
}

/// A page whose forms also lead to `form_targets`.
fn render_leading_to(status: StatusCode, template: &impl Template, form_targets: &str) -> Response {
    let scripts = Scripts::Ours;
    render_with(status, template, PagePolicy { scripts, form_targets })
}

/// A page that looks by itself whether there is something new, and whose forms also lead to `form_targets`.
fn render_live(status: StatusCode, template: &impl Template, form_targets: &str) -> Response {
    let scripts = Scripts::OursThatAskUs;
    render_with(status, template, PagePolicy { scripts, form_targets })
}

fn render_with(status: StatusCode, template: &impl Template, policy: PagePolicy<'_>) -> Response {
    match template.render() {
        Ok(html) => page(status, html, policy),
        Err(_) => respond(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "Please try again.",
        ),
    }
}
