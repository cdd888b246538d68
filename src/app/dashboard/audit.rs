//! `/sso/admin/audit`: who changed what, newest first, of all connections or of one.

use std::collections::BTreeMap;

use askama::Template;
use http::StatusCode;

use super::parts::minute;
use super::session::Visitor;
use super::situation::{ChangeShown, changes, deed_words};
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::http::{Request, Response, field, number};
use crate::app::ports::Ports;
use crate::app::registry::audit::{AuditEntry, AuditPage, ListAudit, ReadAuditPage};
use crate::limits::AUDIT_PAGE;
use crate::saml::id::ConnectionId;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct Page<'a> {
    chrome: Chrome<'a>,
    /// All connections, and whether the log is about one of them alone.
    choices: Vec<Choice<'a>>,
    /// The connection whose entries are shown, if it is one.
    only: Option<ConnectionId>,
    entries: Vec<EntryShown<'a>>,
    /// Whether newer entries were left out.
    past_first: bool,
    /// The entry after which there are older ones.
    older_than: Option<i64>,
}

struct Choice<'a> {
    id: &'a ConnectionId,
    name: &'a str,
    chosen: bool,
}

struct EntryShown<'a> {
    entry: &'a AuditEntry,
    deed: String,
    on: String,
    /// The connection, and its name unless it is deleted.
    connection: Option<(&'a ConnectionId, Option<&'a str>)>,
    changes: Vec<ChangeShown>,
}

impl<P: Ports> App<P> {
    pub(super) async fn show_audit(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let (before, only) = asked(request.uri().query().unwrap_or_default()).ok_or(Failure::NotFound)?;
        let entries = ListAudit {
            before,
            // One more than is shown tells whether there are more.
            limit: AUDIT_PAGE.saturating_add(1),
            connection: only.clone(),
        };
        let AuditPage { entries, names } = self.ports.registry(ReadAuditPage { entries }).await?.reply;
        let shown = usize::try_from(AUDIT_PAGE).unwrap_or(usize::MAX).min(entries.len());
        let (entries, more) = entries.split_at_checked(shown).unwrap_or((&entries, &[]));
        let known: BTreeMap<&ConnectionId, &str> = names.iter().map(|(id, name)| (id, name.as_str())).collect();
        let deleted = only.as_ref().filter(|id| !known.contains_key(id));
        let choices = (names.iter().map(|(id, name)| (id, name.as_str()))).chain(deleted.map(|id| (id, id.as_str())));
        let page = Page {
            chrome: visitor.chrome(),
            choices: choices
                .map(|(id, name)| Choice {
                    id,
                    name,
                    chosen: only.as_ref() == Some(id),
                })
                .collect(),
            entries: entries.iter().map(|entry| shown_entry(entry, &known)).collect(),
            past_first: before.is_some(),
            older_than: entries.last().map(|entry| entry.id).filter(|_| !more.is_empty()),
            only: only.clone(),
        };
        Ok(render(StatusCode::OK, &page))
    }
}

impl Page<'_> {
    /// The rest of a link that keeps to the connection.
    fn kept(&self) -> String {
        self.only
            .as_ref()
            .map(|id| format!("connection={id}&"))
            .unwrap_or_default()
    }
}

/// Which entries the query asks for; nothing when it makes no sense.
fn asked(query: &str) -> Option<(Option<i64>, Option<ConnectionId>)> {
    let value = |name| {
        let value = field(query.as_bytes(), name).ok()?;
        Some(value.filter(|value| !value.is_empty()))
    };
    let before = match value("before")? {
        Some(text) => Some(number(&text)?),
        None => None,
    };
    let only = value("connection")?.map(|text| ConnectionId::parse(&text));
    Some((before, only.transpose().ok()?))
}

fn shown_entry<'a>(entry: &'a AuditEntry, names: &BTreeMap<&ConnectionId, &'a str>) -> EntryShown<'a> {
    EntryShown {
        entry,
        deed: deed_words(&entry.change),
        on: minute(entry.at),
        connection: entry.connection.as_ref().map(|id| (id, names.get(id).copied())),
        changes: changes(&entry.diff),
    }
}
