//! The e-mail to the customer: the steps of their identity provider with this connection's values, as text and as HTML.

use askama::Template;
use askama::filters::HtmlSafe;

use super::parts::all_domains;
use crate::saml::connection::{Connection, ServiceProvider};
use crate::saml::preset::{EntryValue, MetadataForm, Preset, Step};

/// What an e-mail or a page shows of one step.
pub(in crate::app) struct ShownStep<'a> {
    pub(in crate::app) text: &'static str,
    pub(in crate::app) entries: Vec<ShownEntry<'a>>,
}

/// A field at the identity provider with what goes in.
pub(in crate::app) struct ShownEntry<'a> {
    pub(in crate::app) label: &'static str,
    pub(in crate::app) value: &'a str,
    pub(in crate::app) required: bool,
}

/// The steps of `preset` with our values.
pub(in crate::app) fn steps<'a>(preset: &'static Preset, ours: &'a ServiceProvider) -> Vec<ShownStep<'a>> {
    let shown = |step: &'static Step| ShownStep {
        text: step.text,
        entries: step
            .entries
            .iter()
            .map(|entry| ShownEntry {
                label: entry.label,
                value: match entry.value {
                    EntryValue::AcsUrl => &ours.acs_url,
                    EntryValue::EntityId => &ours.entity_id,
                    EntryValue::Text(text) => text,
                },
                required: entry.required,
            })
            .collect(),
    };
    preset.steps.iter().map(shown).collect()
}

/// What both forms of the e-mail say.
struct Content<'a> {
    preset: &'static Preset,
    product: &'a str,
    domains: String,
    steps: Vec<ShownStep<'a>>,
    metadata_url: &'a str,
    /// Where the customer does it all without writing back.
    setup_link: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "admin/email.txt", escape = "none")]
struct TextEmail<'a> {
    content: &'a Content<'a>,
}

#[derive(Template)]
#[template(path = "admin/email.html")]
struct HtmlEmail<'a> {
    content: &'a Content<'a>,
}

/// HTML that a template of ours has rendered and escaped.
pub(super) struct Rendered(String);

impl core::fmt::Display for Rendered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Rendered {}

/// The e-mail, ready to be copied.
pub(super) struct Email {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: Rendered,
    /// The same HTML, to be shown as text.
    pub(super) source: String,
}

impl Email {
    pub(super) fn of(
        connection: &Connection,
        ours: &ServiceProvider,
        product: &str,
        setup_link: Option<&str>,
    ) -> askama::Result<Self> {
        let preset = Preset::of(connection.provider);
        let content = Content {
            preset,
            product,
            domains: all_domains(connection),
            steps: steps(preset, ours),
            metadata_url: &ours.metadata_url,
            setup_link,
        };
        let html = HtmlEmail { content: &content }.render()?;
        Ok(Self {
            subject: format!("Single sign-on with {}: what to set up", preset.name),
            text: TextEmail { content: &content }.render()?,
            source: html.clone(),
            html: Rendered(html),
        })
    }
}
