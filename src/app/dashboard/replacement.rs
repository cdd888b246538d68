//! What changes when one identity provider takes the place of another: shown before it does, as users sign in by what is live.
//!
//! The page that asks carries what was given, not what was read of it: that is read once more, and saved only if it is what was
//! shown. So nothing that was typed is lost, and nothing is saved that nobody has looked at.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::Form;
use super::parts::{binding_words, end_shown};
use super::setup::CertificateShown;
use super::situation::{ChangeShown, Situation, Target};
use crate::app::registry::Change;
use crate::app::sql::SqlError;
use crate::saml::certificate::CertificateSummary;
use crate::saml::connection::{Endpoint, IdentityProvider, LogoutEndpoint};
use crate::saml::idp_diff::{self, FromTo, changes};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// What comes of an identity provider that was given.
pub(super) enum Given {
    /// It would take the place of another one; whoever gave it is to look first.
    Ask(Pending),
    /// It is saved.
    Save(Change),
}

/// What is to be looked at.
pub(super) struct Pending {
    diff: Vec<idp_diff::Change>,
    /// Names what was read.
    version: String,
    /// Whether something else was read when it was looked at.
    again: bool,
}

impl Given {
    /// Whether `change`, which `form` gave, is saved in `target` now: unless it would change the identity provider that is live and
    /// nobody has confirmed exactly it.
    ///
    /// # Errors
    /// [`SqlError`] when an identity provider has no JSON form.
    pub(super) fn weigh(change: Change, situation: &Situation, target: Target, form: &Form) -> Result<Self, SqlError> {
        let (Change::IdentityProvider { found, .. }, Target::Live(_), Some(saved)) =
            (&change, target, &situation.live.identity_provider)
        else {
            return Ok(Self::Save(change));
        };
        let diff = changes(Some(saved), found);
        let (version, confirmed) = (version_of(found)?, form.text("confirmed"));
        if !diff.is_empty() && confirmed != version {
            return Ok(Self::Ask(Pending {
                diff,
                version,
                again: !confirmed.is_empty(),
            }));
        }
        // Whoever confirms has seen the entity ID.
        let (found, replace_entity) = (found.clone(), true);
        Ok(Self::Save(Change::IdentityProvider { found, replace_entity }))
    }
}

/// Names an identity provider: no other has it. Until when its metadata is valid changes with each fetch, and decides nothing.
fn version_of(idp: &IdentityProvider) -> Result<String, SqlError> {
    let idp = IdentityProvider {
        valid_until: None,
        ..idp.clone()
    };
    let octets = serde_json::to_vec(&idp).map_err(|e| SqlError(e.to_string()))?;
    Ok(TokenHash::of_octets(&octets).as_str().to_owned())
}

/// What is to be looked at, and the form that confirms it.
#[derive(Template)]
#[template(path = "admin/replacement.html")]
pub(super) struct Replacement<'a> {
    changes: IdpChanges,
    /// Whether it is another identity provider.
    is_another: bool,
    again: bool,
    version: String,
    sent: Confirmation<'a>,
    /// What was given.
    given: Vec<(&'a str, &'a str)>,
}

/// Where the form goes, what it sends back, and where one goes without it.
pub(super) struct Confirmation<'a> {
    pub(super) csrf: &'a str,
    pub(super) seen: String,
    pub(super) to: String,
    pub(super) back: String,
}

/// It is rendered by a template, which escapes.
impl HtmlSafe for Replacement<'_> {}

impl<'a> Replacement<'a> {
    /// Shows what is `pending`, which `form` gave.
    pub(super) fn of(pending: Pending, form: &'a Form, sent: Confirmation<'a>, now: Timestamp) -> Self {
        const GIVEN: [&str; 6] = ["url", "xml", "entity_id", "sso_url", "binding", "certificates"];
        let given = |name: &'static str| form.get(name).map(|value| (name, value));
        Self {
            changes: IdpChanges::of(&pending.diff, now),
            is_another: is_another(&pending.diff),
            again: pending.again,
            version: pending.version,
            sent,
            given: GIVEN.into_iter().filter_map(given).collect(),
        }
    }
}

/// Whether a change is one of the entity ID.
pub(super) fn is_another(diff: &[idp_diff::Change]) -> bool {
    diff.iter()
        .any(|change| matches!(change, idp_diff::Change::EntityId(FromTo { from: Some(_), .. })))
}

/// What changes of an identity provider, in words.
#[derive(Template)]
#[template(path = "admin/idp_changes.html")]
pub(super) struct IdpChanges {
    fields: Vec<ChangeShown>,
    certificates: Vec<(CertificateShown, Comes)>,
}

/// Whether a certificate comes or goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    Added,
    Removed,
}

/// It is rendered by a template, which escapes.
impl HtmlSafe for IdpChanges {}

impl IdpChanges {
    /// These changes, as of `now`.
    pub(super) fn of(diff: &[idp_diff::Change], now: Timestamp) -> Self {
        let certificates = diff.iter().filter_map(|change| match change {
            idp_diff::Change::SigningCertificate(change) => Some(change),
            _ => None,
        });
        let shown = |change: &FromTo<CertificateSummary>| match (&change.from, &change.to) {
            (_, Some(added)) => Some((certificate_shown(added, now), Comes::Added)),
            (Some(removed), None) => Some((certificate_shown(removed, now), Comes::Removed)),
            (None, None) => None,
        };
        Self {
            fields: diff.iter().filter_map(field).collect(),
            certificates: certificates.filter_map(shown).collect(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len().saturating_add(self.certificates.len())
    }
}

fn certificate_shown(certificate: &CertificateSummary, now: Timestamp) -> CertificateShown {
    CertificateShown {
        sha256: certificate.sha256.clone(),
        subject: certificate.subject.clone(),
        until: certificate.not_after.map(|at| end_shown(at, now)),
    }
}

/// A change of anything but a certificate.
fn field(change: &idp_diff::Change) -> Option<ChangeShown> {
    Some(match change {
        idp_diff::Change::CertificatesLeftOut(change) => exchange("Certificates left out", change, usize::to_string),
        idp_diff::Change::EntityId(change) => exchange("Entity ID", change, ToString::to_string),
        idp_diff::Change::MetadataUrl(change) => exchange("Metadata URL", change, ToString::to_string),
        idp_diff::Change::SigningCertificate(_) => return None,
        idp_diff::Change::SingleLogout(change) => {
            let url = |endpoint: &LogoutEndpoint| match &endpoint.response_url {
                None => endpoint.url.to_string(),
                Some(answers) => format!("{}, answers to {answers}", endpoint.url),
            };
            let binding = change.to.as_ref().or(change.from.as_ref()).map(|e| e.binding);
            exchange(&named("Single logout URL", binding), change, url)
        }
        idp_diff::Change::SingleSignOn(change) => {
            let binding = change.to.as_ref().or(change.from.as_ref()).map(|e| e.binding);
            exchange(&named("Sign-on URL", binding), change, |e: &Endpoint| e.url.to_string())
        }
        idp_diff::Change::ValidUntil(change) => exchange("Valid until", change, String::clone),
        idp_diff::Change::WantsRequestsSigned(change) => {
            let words = |wanted: &bool| if *wanted { "asked for" } else { "not asked for" }.to_owned();
            exchange("Signed requests", change, words)
        }
    })
}

fn named(what: &str, binding: Option<crate::saml::connection::Binding>) -> String {
    binding.map_or_else(
        || what.to_owned(),
        |binding| format!("{what}, {}", binding_words(binding)),
    )
}

fn exchange<T>(field: &str, change: &FromTo<T>, words: impl Fn(&T) -> String) -> ChangeShown {
    let words = |value: Option<&T>| value.map_or_else(|| "none".to_owned(), &words);
    ChangeShown {
        field: field.to_owned(),
        before: words(change.from.as_ref()),
        after: words(change.to.as_ref()),
    }
}
