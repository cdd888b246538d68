//! Who calls the admin API or signs in to the dashboard: a token proves it.

use super::App;
use super::ports::{Ports, Unavailable};
use super::registry::Actor;
use super::registry::tokens::{ADMIN_TOKEN, Scope, UseToken};
use crate::saml::id::TokenId;
use crate::token::{Token, TokenHash, same_secret};

/// What every admin token begins with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "sso_";

/// Who calls, as a token proved it, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    /// The token; `None` for `ADMIN_TOKEN`, which no API can revoke.
    pub(super) token: Option<TokenId>,
    /// The token's name.
    pub(super) name: String,
    /// What it allows.
    pub(super) scopes: Vec<Scope>,
}

impl Principal {
    /// Whether it may do what takes `scope`.
    pub(super) fn may(&self, scope: Scope) -> bool {
        scope.is_allowed_by(&self.scopes)
    }

    /// What it is known by to programs: no other token ever has the same.
    pub(super) fn id(&self) -> &str {
        self.token.as_ref().map_or(ADMIN_TOKEN, TokenId::as_str)
    }

    /// Who it is, in the words of an audit log.
    pub(super) fn actor(&self) -> Actor {
        match self.token {
            Some(_) => Actor::new(format!("token \"{}\"", self.name)),
            None => Actor::new(format!("token {}", self.name)),
        }
    }
}

impl<P: Ports> App<P> {
    /// Whose token `text` is: `ADMIN_TOKEN`, or one that was made, is in force, and is looked up by its hash. `None` when it is
    /// no token of ours.
    pub(super) async fn authenticate(&self, text: &str) -> Result<Option<Principal>, Unavailable> {
        if let Some(expected) = &self.config.admin_token
            && same_secret(text, expected.reveal())
        {
            return Ok(Some(Principal {
                token: None,
                name: ADMIN_TOKEN.to_owned(),
                scopes: Scope::ALL.to_vec(),
            }));
        }
        let Some(hash) = admin_token_hash(text) else {
            return Ok(None);
        };
        let record = self.ports.registry(UseToken { hash }).await?.reply;
        Ok(record.map(|record| Principal {
            token: Some(record.id),
            name: record.name,
            scopes: record.scopes,
        }))
    }
}

/// A fresh admin token: the text to show once, and the hash to keep.
pub(super) fn new_admin_token(random: &[u8; 32]) -> (String, TokenHash) {
    let token = Token::new(random);
    (format!("{PREFIX}{}", token.reveal()), token.hash())
}

/// The hash of `text`, if it looks like a token that was made here.
fn admin_token_hash(text: &str) -> Option<TokenHash> {
    Some(Token::parse(text.strip_prefix(PREFIX)?)?.hash())
}
