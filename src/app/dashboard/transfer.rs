//! `/sso/admin/transfer`: all connections as one file, and back.

use askama::Template;
use http::StatusCode;

use super::field::{Field, Kind, Maker, sentence};
use super::form::Form;
use super::parts::{Pill, day};
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, attach, json};
use crate::app::ports::Ports;
use crate::app::registry::import::ImportMode;
use crate::app::transfer::{ImportBody, Item, ItemResult};

#[derive(Template)]
#[template(path = "admin/transfer.html")]
struct TransferPage<'a> {
    chrome: Chrome<'a>,
    report: Option<Report<'a>>,
    problem: Option<String>,
    document: Field,
    mode: Field,
}

/// What became of a document, or would.
struct Report<'a> {
    is_dry_run: bool,
    refused: usize,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: &'a str,
    id: Option<&'a str>,
    result: Pill,
    why: Option<String>,
}

const MODES: &[(&str, &str)] = &[
    ("create_only", "Leave it as it is, and refuse the file if it differs"),
    ("replace", "Replace its configuration"),
];

impl<P: Ports> App<P> {
    pub(super) fn show_transfer(visitor: &Visitor) -> Response {
        transfer_page(StatusCode::OK, visitor, None, None)
    }

    /// The file of all connections.
    pub(super) async fn download_connections(&self, visitor: &Visitor) -> Result<Response, Failure> {
        let connections = self.export_connections(visitor.actor()).await?;
        let mut response = json(StatusCode::OK, &self.document(&connections));
        attach(&mut response, &format!("connections-{}.json", day(self.ports.now())));
        Ok(response)
    }

    pub(super) async fn import_file(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let form = Form::read(request.body());
        let is_dry_run = form.get("action") != Some("import");
        let imported = match read(&form, is_dry_run) {
            Ok(body) => self.import_connections(body, None, visitor.actor()).await,
            Err(error) => Err(error),
        };
        match imported {
            Ok(imported) => {
                let report = report(&imported.reply, is_dry_run);
                Ok(transfer_page(
                    StatusCode::OK,
                    visitor,
                    Some((&form, None)),
                    Some(report),
                ))
            }
            Err(error) if error.status.is_client_error() => {
                Ok(transfer_page(error.status, visitor, Some((&form, Some(&error))), None))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What the form asks for.
fn read(form: &Form, is_dry_run: bool) -> Result<ImportBody, ApiError> {
    let mut body: ImportBody = serde_json::from_str(form.text("document")).map_err(|error| {
        let text = format!("document: this is no export of connections: {error}.");
        ApiError {
            field: Some("document".into()),
            ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", text)
        }
    })?;
    body.dry_run = is_dry_run;
    body.mode = match form.text("mode") {
        "replace" => ImportMode::Replace,
        _ => ImportMode::CreateOnly,
    };
    Ok(body)
}

fn report(items: &[Item], is_dry_run: bool) -> Report<'_> {
    let row = |item: &'_ Item| {
        let (words, tone) = match (&item.result, is_dry_run) {
            (Ok(ItemResult::Created), true) => ("Would be added", "good"),
            (Ok(ItemResult::Created), false) => ("Added, disabled", "good"),
            (Ok(ItemResult::Replaced), true) => ("Would be replaced", "warn"),
            (Ok(ItemResult::Replaced), false) => ("Replaced", "good"),
            (Ok(ItemResult::Unchanged), _) => ("Unchanged", "quiet"),
            (Ok(ItemResult::Refused) | Err(_), _) => ("Refused", "bad"),
        };
        Pill { words, tone }
    };
    Report {
        is_dry_run,
        refused: items.iter().filter(|item| item.result.is_err()).count(),
        rows: items
            .iter()
            .map(|item| Row {
                name: item.name.as_deref().unwrap_or("No name"),
                id: item.id.as_ref().map(crate::saml::id::ConnectionId::as_str),
                result: row(item),
                why: item.result.as_ref().err().map(sentence),
            })
            .collect(),
    }
}

fn transfer_page(
    status: StatusCode,
    visitor: &Visitor,
    sent: Option<(&Form, Option<&ApiError>)>,
    report: Option<Report<'_>>,
) -> Response {
    let refused = sent.and_then(|(form, error)| Some((form, error?)));
    let maker = Maker::named("import", refused);
    let typed = |name: &str| sent.and_then(|(form, _)| form.get(name)).unwrap_or_default();
    let hint = "The whole file, or a part of it with some of its connections.";
    let document = maker.field(
        "document",
        "The exported file",
        hint,
        Kind::Area(Some(".json,application/json")),
        typed("document"),
    );
    let mode = maker.choice("mode", "A connection that is here already", "", MODES, typed("mode"));
    let problem = maker.problem(&[&document, &mode]);
    let page = TransferPage {
        chrome: visitor.chrome(),
        report,
        problem: problem.map(
            |problem| match refused.and_then(|(_, error)| error.pointer.as_deref()) {
                Some(pointer) => format!("Nothing was imported. {problem} ({pointer})"),
                None => problem,
            },
        ),
        document,
        mode,
    };
    render(status, &page)
}
