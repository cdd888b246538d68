//! The forms that give an identity provider, for both who set a connection up: the URL of its metadata, the metadata itself, or its
//! values by hand.

use askama::Template;
use askama::filters::HtmlSafe;

use super::field::{Attempt, Field, Kind, Maker};
use super::form::Form;
use crate::app::connections::MetadataBody;
use crate::app::error::ApiError;
use crate::app::manual_idp::ManualBody;
use crate::app::route::Section;
use crate::code::Code;
use crate::saml::connection::{Binding, Connection};
use crate::saml::preset::{MetadataForm, Preset};

/// The forms.
#[derive(Template)]
#[template(path = "admin/idp_forms.html")]
pub(super) struct IdpForms<'a> {
    sent: Sent<'a>,
    metadata_url: Field,
    metadata_xml: Field,
    metadata_entity_id: Option<Field>,
    /// Whether the refused metadata may take the place of another identity provider's.
    may_replace: bool,
    /// Which way of giving an identity provider is open.
    way: Way,
    manual: Vec<Field>,
}

/// Where the forms go, and what they send back.
pub(super) struct Sent<'a> {
    pub(super) csrf: &'a str,
    /// What they had before them; a setup link's say nothing of it.
    pub(super) seen: Option<&'a str>,
    pub(super) metadata_to: String,
    pub(super) manual_to: String,
}

/// They are rendered by a template, which escapes.
impl HtmlSafe for IdpForms<'_> {}

/// A way of giving an identity provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Manual,
    Nothing,
    Url,
    Xml,
}

impl<'a> IdpForms<'a> {
    /// Those of `connection`, with what was typed if that was refused.
    pub(super) fn of(connection: &Connection, attempt: Option<Attempt<'_>>, sent: Sent<'a>) -> Self {
        let (metadata_url, metadata_xml) = metadata_fields(connection, attempt);
        let code = attempt.map_or("", |attempt| attempt.error.code);
        Self {
            sent,
            metadata_url,
            metadata_xml,
            metadata_entity_id: (code == Code::SeveralEntities.as_str()).then(|| {
                let hint = "The metadata describes several identity providers. Name the one that is meant.";
                Maker::of(Section::Metadata, attempt).line("entity_id", "Entity ID", hint, "")
            }),
            may_replace: code == Code::EntityChanged.as_str(),
            way: way(attempt, connection),
            manual: manual(&Maker::of(Section::Manual, attempt)),
        }
    }

    /// All their fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let metadata = [&self.metadata_url, &self.metadata_xml].into_iter();
        metadata.chain(&self.manual).chain(&self.metadata_entity_id)
    }
}

/// What a form says of metadata: its URL, or itself.
///
/// # Errors
/// [`ApiError`] about the field when it is empty.
pub(super) fn metadata_body(form: &Form) -> Result<MetadataBody, ApiError> {
    let given = |name| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let (url, xml) = (given("url"), given("xml"));
    if url.is_none() && xml.is_none() {
        return Err(match form.get("xml") {
            Some(_) => ApiError::invalid("xml", "paste the metadata XML"),
            None => ApiError::invalid("url", "enter the metadata URL"),
        });
    }
    Ok(MetadataBody {
        url,
        xml,
        entity_id: given("entity_id"),
        replace_entity: form.ticked("replace_entity"),
        preview: false,
    })
}

pub(super) fn manual_body(form: &Form) -> ManualBody {
    ManualBody {
        entity_id: form.text("entity_id").to_owned(),
        sso_url: form.text("sso_url").to_owned(),
        binding: if form.text("binding") == "post" {
            Binding::Post
        } else {
            Binding::Redirect
        },
        certificates: form.text("certificates").to_owned(),
        replace_entity: form.ticked("replace_entity"),
    }
}

/// The fields for metadata: its URL, and itself.
fn metadata_fields(connection: &Connection, attempt: Option<Attempt<'_>>) -> (Field, Field) {
    let maker = Maker::of(Section::Metadata, attempt);
    let stored = connection
        .identity_provider
        .as_ref()
        .and_then(|idp| idp.metadata_url.as_ref());
    let label = Preset::of(connection.provider).metadata_label;
    let url = maker.field(
        "url",
        label,
        "",
        Kind::Line("url"),
        stored.map_or("", |url| url.as_str()),
    );
    let xml = maker.field(
        "xml",
        "Metadata XML",
        "The whole file, from <?xml or <EntityDescriptor to its end.",
        Kind::Area(Some(".xml,text/xml,application/xml,application/samlmetadata+xml")),
        "",
    );
    (url.placeholder("https://"), xml)
}

fn manual(maker: &Maker<'_>) -> Vec<Field> {
    const BINDINGS: &[(&str, &str)] = &[("redirect", "HTTP-Redirect"), ("post", "HTTP-POST")];
    let url = maker.field(
        "sso_url",
        "Sign-on URL",
        "Where users are sent to sign in.",
        Kind::Line("url"),
        "",
    );
    let binding = maker.choice(
        "binding",
        "Binding",
        "HTTP-Redirect, unless the identity provider says otherwise.",
        BINDINGS,
        "redirect",
    );
    let entity_id = maker.line(
        "entity_id",
        "Entity ID",
        "Also called issuer. It must be exact, to the last slash.",
        "",
    );
    let certificates = maker.field(
        "certificates",
        "Signing certificates",
        "As PEM, or as base64 with an empty line between two. Several may sign during a rotation.",
        Kind::Area(Some(".pem,.crt,.cer,.cert,.txt")),
        "",
    );
    vec![
        (maker.asked(url, "Enter the sign-on URL.")).placeholder("https://"),
        binding,
        maker.asked(entity_id, "Enter the entity ID."),
        maker.asked(certificates, "Paste at least one signing certificate."),
    ]
}

/// Which way is open: the one that was tried, or the one that fits the provider when there is nothing yet.
fn way(attempt: Option<Attempt<'_>>, connection: &Connection) -> Way {
    match attempt {
        Some(attempt) if attempt.section == Section::Manual => Way::Manual,
        Some(attempt) if attempt.section == Section::Metadata => {
            if attempt.form.get("xml").is_some() {
                Way::Xml
            } else {
                Way::Url
            }
        }
        _ if connection.identity_provider.is_some() => Way::Nothing,
        _ => match Preset::of(connection.provider).metadata_form {
            MetadataForm::File => Way::Xml,
            MetadataForm::Url | MetadataForm::UrlOrFile => Way::Url,
        },
    }
}
