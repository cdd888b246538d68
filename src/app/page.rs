//! Pages: compiled templates with automatic escaping, one layout; scripts only add to them.

use askama::Template;
use http::StatusCode;

use super::config::Development;
use super::http::{PagePolicy, Response, Scripts, page as respond_page, respond};
use super::ledger::LogoutOutcome;
use super::registry::domains::Destination;
use super::return_target::ReturnTarget;
use crate::saml::binding::MessageKind;
use crate::saml::id::{ConnectionId, EndpointUrl};

/// The forms of our pages redirect to identity providers, of which any may be next. Browsers apply
/// `form-action` to redirects as well.
const IDENTITY_PROVIDERS: &str = "https:";
/// The same in development, where identity providers run on this machine.
const LOCAL_IDENTITY_PROVIDERS: &str = "https: http://localhost:* http://127.0.0.1:*";

/// Where the sign-in page is.
const SIGN_IN: &str = "/sso/sign-in";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    product: &'a str,
    form: SignIn<'a>,
}

#[derive(Template)]
#[template(path = "choose_connection.html")]
struct ChoicePage<'a> {
    destinations: &'a [Destination],
    email: &'a str,
    return_to: &'a str,
    /// The address of the form for another address.
    another: &'a str,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    /// Who is signed in.
    email: &'a str,
    /// Where the way on leads, if there is one.
    target: Option<&'a str>,
    /// The form for another account, and whether a link asked for one.
    form: SignIn<'a>,
    is_asked: bool,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage {}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    title: &'a str,
    heading: &'a str,
    text: &'a str,
    /// By what people find the reason, if there is one to find.
    reference: Option<&'a str>,
    /// The address and the words of the way on.
    way_on: (&'a str, &'a str),
}

#[derive(Template)]
#[template(path = "confirm_sign_in.html")]
struct ConfirmSignInPage<'a> {
    email: &'a str,
    action: &'a str,
    ticket: &'a str,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    title: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "plain_message.html")]
struct PlainMessagePage<'a> {
    title: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "post_to_idp.html")]
struct PostToIdpPage<'a> {
    heading: &'a str,
    text: &'a str,
    action: &'a str,
    parameter: &'a str,
    message: &'a str,
    relay_state: Option<&'a str>,
}

/// What the form of the sign-in page shows.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// What was typed before.
    pub email: &'a str,
    /// The connection that a link named, if one did.
    pub connection: &'a str,
    /// The organization that a link named, if one did.
    pub organization: &'a str,
    /// Where the browser goes afterwards.
    pub return_to: &'a str,
    /// What to do differently, if something was wrong.
    pub error: Option<&'a str>,
    /// Whether it is what the page is for.
    pub is_focused: bool,
}

/// The sign-in page of a `product`.
#[must_use]
pub fn sign_in(status: StatusCode, content: &SignIn<'_>, product: &str, development: Development) -> Response {
    let form = *content;
    render(status, &SignInPage { product, form }, identity_providers(development))
}

/// What the page shows that asks at which of several connections somebody wants to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The connections, in the order in which they are offered.
    pub destinations: &'a [Destination],
    /// The address that was typed, if one was.
    pub email: &'a str,
    /// Where the browser goes afterwards.
    pub return_to: &'a str,
}

/// The page that asks at which of several connections somebody wants to sign in.
#[must_use]
pub fn choice(content: &Choice<'_>, development: Development) -> Response {
    let Choice {
        destinations,
        email,
        return_to,
    } = *content;
    let another = Again {
        connection: None,
        return_target: ReturnTarget::parse(return_to).ok().as_ref(),
    }
    .address();
    let page = ChoicePage {
        destinations,
        email,
        return_to,
        another: &another,
    };
    render(StatusCode::OK, &page, identity_providers(development))
}

/// Where the forms of our own pages may lead by a redirect.
pub(super) fn identity_providers(development: Development) -> &'static str {
    match development {
        Development::Off => IDENTITY_PROVIDERS,
        Development::On => LOCAL_IDENTITY_PROVIDERS,
    }
}

/// The form of the HTTP-POST binding (SAML Bindings 3.5.4) with a request for a sign-in: it sends itself where scripts run,
/// and has a button.
#[must_use]
pub fn post_to_idp(action: &EndpointUrl, saml_request: &str, relay_state: &str) -> Response {
    let page = PostToIdpPage {
        heading: "On to your sign-in",
        text: "You are being sent to where your organization keeps its accounts. If nothing happens, press the button.",
        action: action.as_str(),
        parameter: MessageKind::Request.parameter(),
        message: saml_request,
        relay_state: Some(relay_state),
    };
    post(action, &page)
}

/// The same form with a logout message.
#[must_use]
pub fn post_logout(action: &EndpointUrl, kind: MessageKind, message: &str, relay_state: Option<&str>) -> Response {
    let page = PostToIdpPage {
        heading: "Signing you out",
        text: "You are signed out here. You are being sent to where your organization keeps its accounts, to be signed out there \
               too. If nothing happens, press the button.",
        action: action.as_str(),
        parameter: kind.parameter(),
        message,
        relay_state,
    };
    post(action, &page)
}

/// A page that posts itself to an identity provider. That may answer with a redirect to another host of its own, which
/// `form-action` covers too.
fn post(action: &EndpointUrl, page: &PostToIdpPage<'_>) -> Response {
    let policy = PagePolicy {
        scripts: Scripts::Ours,
        form_targets: if action.is_https() {
            IDENTITY_PROVIDERS
        } else {
            LOCAL_IDENTITY_PROVIDERS
        },
    };
    answer(StatusCode::OK, page.render(), policy)
}

/// The sign-in page for somebody who is signed in: on to `target`, out, or in with another account, by the form `content`.
#[must_use]
pub fn signed_in(
    email: &str,
    target: &ReturnTarget,
    content: &SignIn<'_>,
    is_asked: bool,
    development: Development,
) -> Response {
    let target = target.as_str();
    let path = target.split(['?', '#']).next();
    let page = SignedInPage {
        email,
        // This page leads nowhere else.
        target: (path != Some(SIGN_IN)).then_some(target),
        form: *content,
        is_asked,
    };
    render(StatusCode::OK, &page, identity_providers(development))
}

/// Asks before signing out.
#[must_use]
pub fn sign_out(development: Development) -> Response {
    render(StatusCode::OK, &SignOutPage {}, identity_providers(development))
}

/// The end of a logout: here it always succeeded.
#[must_use]
pub fn signed_out(outcome: LogoutOutcome) -> Response {
    match outcome {
        LogoutOutcome::Complete => message(
            StatusCode::OK,
            "You are signed out",
            "Your session here is ended, and so is the one where your organization keeps its accounts.",
        ),
        LogoutOutcome::Incomplete => message(
            StatusCode::OK,
            "You are signed out here",
            "Your session here is ended, but perhaps not everywhere else. To be sure, close all windows of your browser.",
        ),
    }
}

/// A logout message that is refused: a reference, not a reason.
#[must_use]
pub fn logout_refused(status: StatusCode, reference: &str) -> Response {
    let page = RefusedPage {
        title: "Sign-out did not work",
        heading: "We could not finish signing you out",
        text: "You may still be signed in here; sign out to be sure. If it happens again, send this reference to the people who run \
               your sign-in; they can see the reason.",
        reference: Some(reference),
        way_on: ("/sso/sign-out", "Sign out"),
    };
    refuse(status, &page)
}

/// The end of a logout of which nothing is known, or not in this browser. Anybody can ask, so that there is no reason to look up.
#[must_use]
pub fn logout_unknown() -> Response {
    let page = RefusedPage {
        title: "Sign-out is not known",
        heading: "Nothing is known of this sign-out",
        text: "It may have been in another browser, or too long ago. You may still be signed in here; sign out to be sure.",
        reference: None,
        way_on: ("/sso/sign-out", "Sign out"),
    };
    refuse(StatusCode::NOT_FOUND, &page)
}

/// What somebody is told whose sign-in is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apology {
    /// No more than that.
    NotSignedIn,
    /// The identity provider says so.
    NotSignedInThere,
    /// It took too long.
    TookTooLong,
}

impl Apology {
    /// A title and a text.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotSignedIn => (
                "We could not sign you in",
                "Try again, perhaps with another account. If it goes on, send this reference to your administrator, who can see the \
                 reason.",
            ),
            Self::NotSignedInThere => (
                "Your organization did not sign you in",
                "Its sign-in page refused. Try once more; if it happens again, ask your IT department for access to this \
                 application, and give them this reference.",
            ),
            Self::TookTooLong => (
                "That took too long",
                "A sign-in has to be finished within some time, for your safety. Nothing is lost: start it again, and you get to \
                 where you wanted to go.",
            ),
        }
    }
}

/// How a refused sign-in is begun again.
#[derive(Clone, Copy, Debug)]
pub struct Again<'a> {
    /// At which connection; the user is asked for an e-mail address otherwise.
    pub connection: Option<&'a ConnectionId>,
    /// Where it was going.
    pub return_target: Option<&'a ReturnTarget>,
}

impl Again<'_> {
    fn address(self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(connection) = self.connection {
            query.append_pair("connection", connection.as_str());
        }
        if let Some(target) = self.return_target {
            query.append_pair("return_to", target.as_str());
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{SIGN_IN}{mark}{query}")
    }
}

/// A refused sign-in: a reference, not a reason, and one click to begin again.
#[must_use]
pub fn refused(status: StatusCode, apology: Apology, reference: &str, again: Again<'_>) -> Response {
    let (title, text) = apology.words();
    let page = RefusedPage {
        title,
        heading: title,
        text,
        reference: Some(reference),
        way_on: (&again.address(), "Try again"),
    };
    refuse(status, &page)
}

fn refuse(status: StatusCode, page: &RefusedPage<'_>) -> Response {
    let policy = PagePolicy {
        scripts: Scripts::Ours,
        form_targets: "",
    };
    answer(status, page.render(), policy)
}

/// Asks somebody who brought an answer to no request whether they are who it says.
#[must_use]
pub fn confirm_sign_in(connection: &ConnectionId, ticket: &str, email: &str) -> Response {
    let action = format!("/sso/saml/{connection}/complete");
    let page = ConfirmSignInPage {
        email,
        action: &action,
        ticket,
    };
    render(StatusCode::OK, &page, "")
}

/// Any other message, with a way back to the sign-in page.
#[must_use]
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    render(status, &MessagePage { title, text }, "")
}

/// The same for somebody who does not sign in here.
#[must_use]
pub(super) fn plain_message(status: StatusCode, title: &str, text: &str) -> Response {
    render(status, &PlainMessagePage { title, text }, "")
}

/// The style sheet of all pages.
#[must_use]
pub fn stylesheet() -> Response {
    respond(
        StatusCode::OK,
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    )
}

/// The script of the pages that have one.
#[must_use]
pub fn script() -> Response {
    respond(
        StatusCode::OK,
        "text/javascript; charset=utf-8",
        include_str!("../../assets/page.js"),
    )
}

fn render(status: StatusCode, template: &impl Template, form_targets: &str) -> Response {
    answer(
        status,
        template.render(),
        PagePolicy {
            scripts: Scripts::None,
            form_targets,
        },
    )
}

fn answer(status: StatusCode, html: askama::Result<String>, policy: PagePolicy<'_>) -> Response {
    match html {
        Ok(html) => respond_page(status, html, policy),
        Err(_) => respond(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "Please try again.",
        ),
    }
}
