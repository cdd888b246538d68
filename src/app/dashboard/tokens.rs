//! `/sso/admin/tokens`: the admin tokens, one form that makes one, and the page that asks before one is revoked.

use askama::Template;
use http::StatusCode;

use super::field::{Field, Kind, Maker};
use super::form::Form;
use super::parts::{Pill, day, minute};
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, field, see_other};
use crate::app::ports::Ports;
use crate::app::registry::tokens::{Scope, TokenRecord};
use crate::app::tokens::TokenBody;
use crate::saml::id::TokenId;
use crate::saml::time::Timestamp;

#[derive(Template)]
#[template(path = "admin/tokens.html")]
struct TokensPage<'a> {
    chrome: Chrome<'a>,
    tokens: Vec<TokenShown<'a>>,
    /// Whether the session was opened with `ADMIN_TOKEN`.
    of_admin_token: bool,
    /// The name and the text of a token that was just made: told once.
    made: Option<(&'a str, &'a str)>,
    revoked: bool,
    problem: Option<String>,
    name: Field,
    scopes: Vec<Field>,
    /// What is wrong with the scopes, which are several boxes.
    scopes_error: Option<String>,
    expires_at: Field,
}

#[derive(Template)]
#[template(path = "admin/revoke_token.html")]
struct RevokePage<'a> {
    chrome: Chrome<'a>,
    token: &'a TokenRecord,
    is_own: bool,
    last_used: Option<String>,
}

struct TokenShown<'a> {
    token: &'a TokenRecord,
    is_own: bool,
    state: Pill,
    is_in_force: bool,
    scopes: String,
    made: String,
    last_used: Option<String>,
    until: Option<String>,
}

/// What came of the form that makes a token.
#[derive(Default)]
struct Shown<'a> {
    attempt: Option<(&'a Form, &'a ApiError)>,
    made: Option<(&'a str, &'a str)>,
    revoked: bool,
}

const SCOPES: [(Scope, &str, &str); 3] = [
    (Scope::Read, "Read", "See connections, tests, logs."),
    (Scope::Write, "Write", "See and change them."),
    (
        Scope::Tokens,
        "Tokens",
        "See, make and revoke admin tokens that allow no more than its own scopes do.",
    ),
];

impl<P: Ports> App<P> {
    pub(super) async fn show_tokens(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let done = field(request.uri().query().unwrap_or_default().as_bytes(), "done");
        let shown = Shown {
            revoked: done.ok().flatten().as_deref() == Some("revoke"),
            ..Shown::default()
        };
        self.tokens_page(StatusCode::OK, visitor, shown).await
    }

    pub(super) async fn add_token(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let form = Form::read(request.body());
        let maker = visitor.opened_with.clone();
        match self
            .make_token(read(&form), &visitor.scopes, maker, visitor.actor())
            .await
        {
            Ok((record, secret)) => {
                let shown = Shown {
                    made: Some((&record.name, &secret)),
                    ..Shown::default()
                };
                self.tokens_page(StatusCode::CREATED, visitor, shown).await
            }
            Err(error) if error.status.is_client_error() => {
                let shown = Shown {
                    attempt: Some((&form, &error)),
                    ..Shown::default()
                };
                self.tokens_page(error.status, visitor, shown).await
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn ask_to_revoke_token(&self, visitor: &Visitor, id: &TokenId) -> Result<Response, Failure> {
        let tokens = self.list_tokens().await?;
        let in_force = |token: &&TokenRecord| token.id == *id && token.is_in_force(self.ports.now());
        let token = tokens.iter().find(in_force).ok_or(Failure::NotFound)?;
        let page = RevokePage {
            chrome: visitor.chrome(),
            token,
            is_own: visitor.opened_with.as_ref() == Some(id),
            last_used: token.last_used_at.map(minute),
        };
        Ok(render(StatusCode::OK, &page))
    }

    pub(super) async fn revoke_token_by_form(&self, visitor: &Visitor, id: &TokenId) -> Result<Response, Failure> {
        self.revoke_token(id, visitor.actor()).await?;
        Ok(see_other("/sso/admin/tokens?done=revoke"))
    }

    async fn tokens_page(&self, status: StatusCode, visitor: &Visitor, shown: Shown<'_>) -> Result<Response, Failure> {
        let now = self.ports.now();
        let tokens = self.list_tokens().await?;
        let maker = Maker::named("token", shown.attempt);
        let name = maker
            .line(
                "name",
                "Name",
                "What uses it, such as the name of a program or person.",
                "",
            )
            .placeholder("ci");
        let scope = |(scope, words, hint): (Scope, &'static str, &'static str)| {
            maker.one_of_some("scopes", scope.as_str(), words, hint, scope == Scope::Read)
        };
        let scopes = SCOPES.into_iter().filter(|(scope, ..)| visitor.may(*scope)).map(scope);
        let own = tokens
            .iter()
            .find(|token| visitor.opened_with.as_ref() == Some(&token.id));
        let own_end = own.and_then(|own| own.expires_at).map(day);
        let expires_at = maker.field(
            "expires_at",
            "Works until",
            match own_end {
                None => "From that day on (UTC) it is refused. Left empty, it works until it is revoked.",
                Some(_) => "From that day on (UTC) it is refused, which is no later than your own token.",
            },
            Kind::Line("date"),
            own_end.as_deref().unwrap_or_default(),
        );
        let scopes_error = maker.choose_some("scopes");
        let page = TokensPage {
            chrome: visitor.chrome(),
            tokens: tokens.iter().map(|token| token_shown(token, visitor, now)).collect(),
            of_admin_token: visitor.opened_with.is_none(),
            made: shown.made,
            revoked: shown.revoked,
            problem: maker.problem(&[&name, &expires_at]).filter(|_| scopes_error.is_none()),
            name,
            scopes: scopes.collect(),
            scopes_error,
            expires_at: if own_end.is_none() {
                expires_at.optional()
            } else {
                expires_at
            },
        };
        Ok(render(status, &page))
    }
}

/// What the form asks for.
fn read(form: &Form) -> TokenBody {
    let chosen = |scope: &Scope| form.all("scopes").any(|value| value == scope.as_str());
    let end = form.text("expires_at");
    TokenBody {
        name: form.text("name").to_owned(),
        scopes: Scope::ALL.into_iter().filter(chosen).collect(),
        expires_at: (!end.is_empty()).then(|| format!("{end}T00:00:00Z")),
    }
}

fn token_shown<'a>(token: &'a TokenRecord, visitor: &Visitor, now: Timestamp) -> TokenShown<'a> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let is_in_force = token.is_in_force(now);
    TokenShown {
        token,
        is_own: visitor.opened_with.as_ref() == Some(&token.id),
        state: match token.revoked_at {
            Some(_) => Pill {
                words: "Revoked",
                tone: "quiet",
            },
            None if is_in_force => Pill {
                words: "In force",
                tone: "good",
            },
            None => Pill {
                words: "Expired",
                tone: "quiet",
            },
        },
        is_in_force,
        scopes: scopes.join(", "),
        made: day(token.created_at),
        last_used: token.last_used_at.map(minute),
        until: token.expires_at.map(day),
    }
}
