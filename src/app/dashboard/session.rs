//! Signing in to the dashboard with an admin token, and out; whose session a request belongs to.

use askama::Template;
use http::StatusCode;
use sha2::{Digest, Sha256};

use super::field::{Field, Kind, Maker};
use super::form::Form;
use super::{ADMIN_COOKIE, Chrome, Failure, admin_cookie, render};
use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, field, see_other, set_cookie};
use crate::app::ports::{LogLine, Ports, Unavailable};
use crate::app::registry::Actor;
use crate::app::registry::admin_sessions::{BeginAdminSession, EndAdminSession, OpenedWith, ReadAdminSession};
use crate::app::registry::tokens::{ADMIN_TOKEN, Scope};
use crate::limits::ADMIN_SESSION_SECONDS;
use crate::saml::id::{ReturnPath, TokenId};
use crate::token::{Token, TokenHash, same_secret};

const HOME: &str = "/sso/admin";

/// Somebody who is signed in to the dashboard.
#[derive(Clone)]
pub(super) struct Visitor {
    token: Token,
    pub(super) csrf: String,
    token_name: String,
    /// The admin token that opened the session; `None` for `ADMIN_TOKEN`.
    pub(super) opened_with: Option<TokenId>,
    pub(super) scopes: Vec<Scope>,
}

impl Visitor {
    /// Who they are, for the history of what they change.
    pub(super) fn actor(&self) -> Actor {
        Actor::new(format!("dashboard (token {})", self.token_name))
    }

    /// Whether they may do what takes `scope`.
    pub(super) fn may(&self, scope: Scope) -> bool {
        scope.is_allowed_by(&self.scopes)
    }

    pub(super) fn chrome(&self) -> Chrome<'_> {
        Chrome {
            csrf: &self.csrf,
            token_name: &self.token_name,
            sees_tokens: self.may(Scope::Tokens),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/sign_in.html")]
struct SignInPage<'a> {
    return_to: &'a str,
    token: Field,
    /// Whether there is a token at all.
    open: bool,
}

impl<P: Ports> App<P> {
    /// Whose session `request` belongs to, if it is one that lasts.
    pub(super) async fn visitor(&self, request: &Request) -> Result<Option<Visitor>, Unavailable> {
        let Some(token) = admin_cookie(request) else {
            return Ok(None);
        };
        let read = ReadAdminSession { session: token.hash() };
        let Some(session) = self.ports.registry(read).await?.reply else {
            return Ok(None);
        };
        // It ends with the secret that opened it.
        if let OpenedWith::AdminToken(hash) = &session.opened_with
            && self.admin_token_hash().as_ref() != Some(hash)
        {
            return Ok(None);
        }
        let (token_name, scopes) = match session.token {
            Some((name, scopes)) => (format!("\"{name}\""), scopes),
            None => (ADMIN_TOKEN.to_owned(), Scope::ALL.to_vec()),
        };
        Ok(Some(Visitor {
            csrf: csrf_token(&token),
            token,
            token_name,
            opened_with: match session.opened_with {
                OpenedWith::AdminToken(_) => None,
                OpenedWith::Token(id) => Some(id),
            },
            scopes,
        }))
    }

    /// Checks that a form came from a page of the session whose forms have this token.
    pub(super) fn check_form(&self, csrf: &str, request: &Request) -> Result<(), Failure> {
        self.check_own_form(request)?;
        let sent = Form::read(request.body());
        if same_secret(sent.get("csrf").unwrap_or_default(), csrf) {
            Ok(())
        } else {
            Err(Failure::Foreign)
        }
    }

    pub(super) async fn show_admin_sign_in(&self, request: &Request) -> Result<Response, Failure> {
        let query = request.uri().query().unwrap_or_default();
        let return_to = own_path(field(query.as_bytes(), "return_to").ok().flatten().as_deref());
        if self.visitor(request).await?.is_some() {
            return Ok(see_other(&return_to));
        }
        Ok(self.admin_sign_in_page(StatusCode::OK, &return_to, None))
    }

    pub(super) async fn sign_admin_in(&self, request: &Request) -> Result<Response, Failure> {
        self.check_own_form(request)?;
        let form = Form::read(request.body());
        let return_to = own_path(form.get("return_to"));
        let token = form.text("token");
        let Some(opened_with) = self.opens(token).await? else {
            self.log_admin("admin_sign_in_refused");
            let why = match token {
                "" => "enter the admin token",
                _ => "this token is unknown, expired or revoked, or it may not see connections",
            };
            let error = ApiError::invalid("token", why);
            let page = self.admin_sign_in_page(StatusCode::UNPROCESSABLE_ENTITY, &return_to, Some((&form, &error)));
            return Ok(page);
        };
        let session = Token::new(&self.ports.random()?);
        let begin = BeginAdminSession {
            session: session.hash(),
            opened_with,
        };
        self.ports.registry(begin).await?;
        self.log_admin("admin_signed_in");
        let mut response = see_other(&return_to);
        // Lax: after a test, the browser comes back here from the identity provider.
        set_cookie(&mut response, ADMIN_COOKIE, session.reveal(), ADMIN_SESSION_SECONDS);
        Ok(response)
    }

    pub(super) async fn sign_admin_out(&self, visitor: &Visitor) -> Result<Response, Failure> {
        let session = visitor.token.hash();
        self.ports.registry(EndAdminSession { session }).await?;
        let mut response = see_other("/sso/admin/sign-in");
        set_cookie(&mut response, ADMIN_COOKIE, "", 0);
        Ok(response)
    }

    /// What a session is opened with by this text, if it is a token that may at least read.
    async fn opens(&self, text: &str) -> Result<Option<OpenedWith>, Unavailable> {
        let principal = self.authenticate(text).await?;
        let Some(principal) = principal.filter(|principal| principal.may(Scope::Read)) else {
            return Ok(None);
        };
        Ok(match principal.token {
            Some(id) => Some(OpenedWith::Token(id)),
            None => self.admin_token_hash().map(OpenedWith::AdminToken),
        })
    }

    fn admin_token_hash(&self) -> Option<TokenHash> {
        let token = self.config.admin_token.as_ref()?;
        Some(TokenHash::of_octets(token.reveal().as_bytes()))
    }

    fn admin_sign_in_page(&self, status: StatusCode, return_to: &str, attempt: Option<(&Form, &ApiError)>) -> Response {
        let mut token = Maker::named("sign-in", attempt).field(
            "token",
            "Admin token",
            "The secret ADMIN_TOKEN of this deployment, or a token that was made with it.",
            Kind::Line("password"),
            "",
        );
        // A secret is not sent back.
        token.value.clear();
        let token = token.focused();
        let page = SignInPage {
            return_to,
            token,
            open: self.config.admin_token.is_some(),
        };
        render(status, &page)
    }

    fn log_admin(&self, event: &str) {
        self.ports.log(&LogLine::of(event));
    }
}

/// What the forms of a session send back. It tells nothing of the session's token, and needs no storage.
pub(super) fn csrf_token(session: &Token) -> String {
    let mut hash = Sha256::new();
    hash.update(b"dashboard form\0");
    hash.update(session.reveal().as_bytes());
    Token::new(&hash.finalize().into()).reveal().to_owned()
}

/// A page of the dashboard, or its first.
fn own_path(wish: Option<&str>) -> String {
    let path = wish.and_then(|path| ReturnPath::parse(path).ok());
    let path = path.filter(|path| {
        let rest = path.as_str().strip_prefix(HOME);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    });
    path.map_or_else(|| HOME.to_owned(), |path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn the_way_back_stays_in_the_dashboard() {
        for (wish, path) in [
            (None, "/sso/admin"),
            (
                Some("/sso/admin/connections/new?provider=okta"),
                "/sso/admin/connections/new?provider=okta",
            ),
            (Some("/sso/admin"), "/sso/admin"),
            (Some("/sso/administrator"), "/sso/admin"),
            (Some("/sso/admin/../../elsewhere"), "/sso/admin"),
            (Some("//evil.example/sso/admin"), "/sso/admin"),
            (Some("https://evil.example/sso/admin"), "/sso/admin"),
            (Some("/home"), "/sso/admin"),
        ] {
            assert_eq!(own_path(wish), path, "{wish:?}");
        }
    }
}
