//! How a connection stands, as its pages see it; and whether an edit goes to it or to the draft beside it.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value};

use super::form::Form;
use super::parts::day;
use super::replacement::IdpChanges;
use super::settings;
use crate::app::App;
use crate::app::connections::refused;
use crate::app::error::ApiError;
use crate::app::ports::Ports;
use crate::app::registry::situation::ReadSituation;
pub(super) use crate::app::registry::situation::Situation;
use crate::app::registry::{FieldChange, Refusal};
use crate::app::route::Section;
use crate::saml::connection::{Connection, State};
use crate::saml::id::ConnectionId;
use crate::saml::idp_diff;
use crate::saml::time::Timestamp;

/// What a page had before it: the generation of the connection, or the revision of its draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Draft(u64),
    Live(u64),
}

/// Where an edit goes, with what whoever makes it has seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Draft(Option<u64>),
    Live(u64),
}

/// The draft as pages tell of it.
pub(super) struct DraftShown {
    pub(super) outdated: bool,
    pub(super) test_required: bool,
    pub(super) by: String,
    pub(super) on: String,
    /// How many changes there are in all.
    pub(super) count: usize,
    pub(super) changes: Vec<ChangeShown>,
    /// Those of the identity provider.
    pub(super) idp_changes: IdpChanges,
}

/// One field that a change changes, in words.
pub(super) struct ChangeShown {
    pub(super) field: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl<P: Ports> App<P> {
    pub(super) async fn situation(&self, id: &ConnectionId) -> Result<Situation, ApiError> {
        let read = ReadSituation { id: id.clone() };
        self.ports.registry(read).await?.reply.map_err(refused)
    }
}

impl Situation {
    /// What the forms show and edit.
    pub(super) fn edited(&self) -> &Connection {
        self.draft.as_ref().map_or(&self.live, |draft| &draft.connection)
    }

    /// What forms send back, so that nobody overwrites what they have not seen.
    pub(super) fn seen(&self) -> String {
        match &self.draft {
            Some(draft) => format!("draft-{}", draft.revision),
            None => format!("live-{}", self.live.generation),
        }
    }

    /// Where an edit by the form of `section` goes: what a test covers goes to a draft once the connection is enabled, and
    /// everything does while there is one.
    ///
    /// # Errors
    /// [`ApiError`] when the page was of another time.
    pub(super) fn target(&self, section: Section, form: &Form) -> Result<Target, ApiError> {
        let seen = read_seen(form.text("seen"));
        match (&self.draft, seen) {
            (Some(_), Some(Seen::Draft(revision))) => Ok(Target::Draft(Some(revision))),
            (Some(_), None) => Ok(Target::Draft(None)),
            (None, Some(Seen::Live(generation))) if generation != self.live.generation => {
                Err(refused(Refusal::Changed))
            }
            (None, None | Some(Seen::Live(_))) if self.is_tested(section, form) => Ok(Target::Draft(Some(0))),
            // A form that says nothing of it must not change what is made of the connection meanwhile.
            (None, None | Some(Seen::Live(_))) => Ok(Target::Live(self.live.generation)),
            (Some(_), Some(Seen::Live(_))) | (None, Some(Seen::Draft(_))) => Err(refused(Refusal::Changed)),
        }
    }

    /// Whether it is enabled, and what the form changes is covered by tests.
    fn is_tested(&self, section: Section, form: &Form) -> bool {
        let covered = match section {
            Section::General => form.text("provider") != super::parts::provider_value(self.live.provider),
            Section::Routing => form.ticked("match_subdomains") != self.live.routing.match_subdomains,
            Section::Sessions => false,
            _ => true,
        };
        self.live.state == State::Enabled && covered
    }

    pub(super) fn draft_shown(&self, now: Timestamp) -> Option<DraftShown> {
        self.draft.as_ref().map(|draft| {
            let others = draft.diff.iter().filter(|change| !change.field.starts_with(OF_THE_IDP));
            let changes = changes(others);
            let idp_changes = IdpChanges::of(&self.idp_diff(), now);
            DraftShown {
                outdated: draft.base_generation != draft.live_generation,
                test_required: draft.test_required,
                by: draft.actor.as_str().to_owned(),
                on: day(draft.updated_at),
                count: changes.len().saturating_add(idp_changes.len()),
                changes,
                idp_changes,
            }
        })
    }

    /// What the draft changes of the identity provider.
    pub(super) fn idp_diff(&self) -> Vec<idp_diff::Change> {
        let drafted = self
            .draft
            .as_ref()
            .and_then(|draft| draft.connection.identity_provider.as_ref());
        let live = self.live.identity_provider.as_ref();
        drafted.map(|idp| idp_diff::changes(live, idp)).unwrap_or_default()
    }
}

/// What a form says that its page had before it.
pub(super) fn read_seen(text: &str) -> Option<Seen> {
    let (kind, number) = text.split_once('-')?;
    let number = number.parse().ok()?;
    match kind {
        "draft" => Some(Seen::Draft(number)),
        "live" => Some(Seen::Live(number)),
        _ => None,
    }
}

/// The generation of the connection that a page had before it.
pub(super) fn seen_generation(form: &Form) -> Option<u64> {
    match read_seen(form.text("seen")) {
        Some(Seen::Live(generation)) => Some(generation),
        _ => None,
    }
}

/// The revision of the draft that a page had before it.
pub(super) fn seen_revision(form: &Form) -> Option<u64> {
    match read_seen(form.text("seen")) {
        Some(Seen::Draft(revision)) => Some(revision),
        _ => None,
    }
}

/// Whether an error is about what somebody typed or has to look at again, so that the page can say so.
pub(super) fn is_for_the_page(error: &ApiError) -> bool {
    error.status.is_client_error() && (error.status != StatusCode::NOT_FOUND || error.code != "connection_unknown")
}

/// How the fields of an identity provider begin.
const OF_THE_IDP: &str = "identity_provider.";

/// Changes in words.
pub(super) fn changes<'a>(diff: impl IntoIterator<Item = &'a FieldChange>) -> Vec<ChangeShown> {
    diff.into_iter()
        .flat_map(|change| differing(&change.field, &change.before, &change.after))
        .collect()
}

/// One change, or those of the fields inside that differ.
fn differing(field: &str, before: &Value, after: &Value) -> Vec<ChangeShown> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return vec![ChangeShown {
            field: field_words(field),
            before: value_words(field, before),
            after: value_words(field, after),
        }];
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |of: &Map<String, Value>, name: &String| of.get(name).cloned().unwrap_or(Value::Null);
    let pairs = names.into_iter().map(|name| (name, value(old, name), value(new, name)));
    pairs
        .filter(|(_, before, after)| before != after)
        .flat_map(|(name, before, after)| differing(&format!("{field}.{name}"), &before, &after))
        .collect()
}

/// What was done, in words: the names of fields as the forms have them.
pub(super) fn deed_words(change: &str) -> String {
    let is_field = |item: &str| item.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'));
    let more = |item: &str| item.strip_suffix(" more").is_some_and(|n| n.parse::<usize>().is_ok());
    let items: Vec<&str> = change
        .strip_prefix("Changed ")
        .unwrap_or_default()
        .split(", ")
        .collect();
    if items
        .iter()
        .all(|item| !item.is_empty() && (is_field(item) || more(item)))
    {
        let words: Vec<String> = items.into_iter().map(field_words).collect();
        format!("Changed: {}", words.join("; "))
    } else {
        change.to_owned()
    }
}

/// A field as the forms call it; `identity_provider.entity_id` as `identity provider: entity id`.
fn field_words(name: &str) -> String {
    if let Some(label) = settings::label(name) {
        return match name.rsplit_once('.') {
            Some((outer, _)) => format!("{}: {label}", field_words(outer)),
            None => label.to_owned(),
        };
    }
    name.replace('_', " ").replace('.', ": ")
}

fn value_words(field: &str, value: &Value) -> String {
    const MOST: usize = 400;
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => settings::choice_words(field, text).map_or_else(|| text.clone(), ToOwned::to_owned),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => (values.iter().map(|value| value_words(field, value)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{}: {}", field_words(name), value_words(name, value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => number.to_string(),
    };
    text.chars().take(MOST).collect()
}
