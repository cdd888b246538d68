//! The fields of the dashboard's forms: label, hint, what was typed, and what is wrong with it.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::Form;
use crate::app::error::ApiError;
use crate::app::route::Section;

/// A form that was refused: what was typed, and why.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// Which form.
    pub(super) section: Section,
    /// What was typed.
    pub(super) form: &'a Form,
    /// What is wrong with it.
    pub(super) error: &'a ApiError,
}

/// Makes the fields of one form.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    form: &'static str,
    /// The refused attempt, if it was at this form.
    attempt: Option<(&'a Form, &'a ApiError)>,
}

impl<'a> Maker<'a> {
    /// For the form of `section`, when `attempt` was refused.
    pub(super) fn of(section: Section, attempt: Option<Attempt<'a>>) -> Self {
        let here = attempt.filter(|attempt| attempt.section == section);
        Self::named(section.as_str(), here.map(|attempt| (attempt.form, attempt.error)))
    }

    /// For any other form.
    pub(super) const fn named(form: &'static str, attempt: Option<(&'a Form, &'a ApiError)>) -> Self {
        Self { form, attempt }
    }

    /// A field of one line with `stored` in it, unless something was typed.
    pub(super) fn line(&self, name: &'static str, label: &'static str, hint: &'static str, stored: &str) -> Field {
        self.field(name, label, hint, Kind::Line("text"), stored)
    }

    /// A field of several lines.
    pub(super) fn area(&self, name: &'static str, label: &'static str, hint: &'static str, stored: &str) -> Field {
        self.field(name, label, hint, Kind::Area(None), stored)
    }

    /// A choice between `options`, values with their words.
    pub(super) fn choice(
        &self,
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        options: &'static [(&'static str, &'static str)],
        stored: &str,
    ) -> Field {
        self.field(name, label, hint, Kind::Choice(options), stored)
    }

    /// A box to tick.
    pub(super) fn tick(&self, name: &'static str, label: &'static str, hint: &'static str, stored: bool) -> Field {
        self.option(name, "true", label, hint, stored)
    }

    /// One of several boxes of the same name.
    pub(super) fn option(
        &self,
        name: &'static str,
        value: &'static str,
        label: &'static str,
        hint: &'static str,
        stored: bool,
    ) -> Field {
        let ticked = self
            .attempt
            .map_or(stored, |(form, _)| form.all(name).any(|v| v == value));
        let mut field = self.field(name, label, hint, Kind::Tick(ticked), value);
        value.clone_into(&mut field.value);
        if value != "true" {
            field.id = format!("{}-{value}", field.id);
        }
        field
    }

    /// One of several boxes of which some have to be ticked. What is wrong with them stands once, beside all: see
    /// [`choose_some`](Self::choose_some).
    pub(super) fn one_of_some(
        &self,
        name: &'static str,
        value: &'static str,
        label: &'static str,
        hint: &'static str,
        stored: bool,
    ) -> Field {
        Field {
            error: None,
            focused: false,
            ..self.option(name, value, label, hint, stored)
        }
    }

    /// What is wrong with several boxes, if the last attempt failed by them.
    pub(super) fn choose_some(&self, name: &'static str) -> Option<String> {
        let (_, error) = self.attempt?;
        (error.field.as_deref() == Some(name)).then(|| "Choose at least one.".to_owned())
    }

    /// A field of `kind`.
    pub(super) fn field(
        &self,
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        kind: Kind,
        stored: &str,
    ) -> Field {
        let typed = self.attempt.and_then(|(form, _)| form.get(name));
        let error = self.attempt.filter(|(_, error)| field_of(error) == Some(name));
        Field {
            id: format!("{}-{name}", self.form),
            name,
            label,
            hint,
            kind,
            value: typed.unwrap_or(stored).to_owned(),
            placeholder: "",
            optional: false,
            focused: error.is_some(),
            error: error.map(|(_, error)| sentence(error)),
        }
    }

    /// The same field, which says `words` where the last attempt left it empty, whatever else was wrong.
    pub(super) fn asked(&self, field: Field, words: &'static str) -> Field {
        let left_empty = self.attempt.is_some_and(|(form, _)| form.text(field.name).is_empty());
        if !left_empty {
            return field;
        }
        Field {
            error: Some(words.to_owned()),
            ..field
        }
    }

    /// What is wrong with the form when it is about none of `fields`.
    pub(super) fn problem(&self, fields: &[&Field]) -> Option<String> {
        let (_, error) = self.attempt?;
        let shown = fields.iter().any(|field| field.error.is_some());
        (!shown).then(|| sentence(error))
    }
}

/// What kind of field.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Several lines, with a button that reads a file of this kind where scripts run.
    Area(Option<&'static str>),
    /// One of these values, with words for each.
    Choice(&'static [(&'static str, &'static str)]),
    /// One line, of this `type`.
    Line(&'static str),
    /// A box that is ticked or not.
    Tick(bool),
}

/// One field with its label.
#[derive(Template)]
#[template(path = "admin/field.html")]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) placeholder: &'static str,
    pub(super) optional: bool,
    pub(super) focused: bool,
    pub(super) error: Option<String>,
}

/// It is rendered by a template, which escapes.
impl HtmlSafe for Field {}

impl Field {
    /// With an example in the empty field.
    pub(super) fn placeholder(mut self, example: &'static str) -> Self {
        self.placeholder = example;
        self
    }

    /// That may be left empty, and says so.
    pub(super) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// That has the focus from the start.
    pub(super) fn focused(mut self) -> Self {
        self.focused = true;
        self
    }

    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        let ids: Vec<String> = error.into_iter().chain(hint).collect();
        ids.join(" ")
    }
}

/// The field that an error is about.
pub(super) fn field_of(error: &ApiError) -> Option<&str> {
    match error.field.as_deref() {
        Some("sha1_exception") if error.message.contains("reason") => Some("sha1_reason"),
        Some("sha1_exception") => Some("sha1_until"),
        field => field,
    }
}

/// An error's message as a sentence for people: without the name that the field has in JSON.
pub(super) fn sentence(error: &ApiError) -> String {
    let message = match error.code {
        // What the API says of its own calls.
        "connection_changed" => {
            "The connection was changed meanwhile, perhaps in another tab, so nothing was saved. What you typed is kept here: look it \
             over, then do it again."
        }
        "entity_changed" => "This is another identity provider than the connection has.",
        "test_required" => {
            "No test has passed with exactly this configuration. Test it first, or say why that is not needed."
        }
        _ => error.message.as_str(),
    };
    let Some(text) = error
        .field
        .as_deref()
        .and_then(|field| message.strip_prefix(field)?.strip_prefix(": "))
    else {
        return message.to_owned();
    };
    // A domain stays as it is written.
    if text.split(' ').next().is_some_and(|word| word.contains('.')) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}
