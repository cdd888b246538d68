//! `/sso/admin`: all connections.

use askama::Template;
use http::StatusCode;

use super::parts::{Pill, end_shown, nearest_end, state};
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::http::{Request, Response, field};
use crate::app::ports::Ports;
use crate::app::registry::List;
use crate::app::registry::refresh::ListHeld;
use crate::saml::connection::Connection;
use crate::saml::id::Domain;
use crate::saml::preset::Preset;
use crate::saml::time::Timestamp;

#[derive(Template)]
#[template(path = "admin/connections.html")]
struct ConnectionsPage<'a> {
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    deleted: bool,
}

struct Row<'a> {
    connection: &'a Connection,
    state: Pill,
    /// Whether changed metadata waits for approval.
    waits: bool,
    provider: &'static str,
    /// The first domains, and how many more there are.
    domains: Vec<&'a str>,
    more: usize,
    certificate: Option<(String, String, &'static str)>,
}

/// Domains that a row names.
const DOMAINS_SHOWN: usize = 2;

impl<P: Ports> App<P> {
    pub(super) async fn show_connections(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let connections = self.ports.registry(List {}).await?.reply;
        let waiting = self.ports.registry(ListHeld {}).await?.reply;
        let query = request.uri().query().unwrap_or_default();
        let page = ConnectionsPage {
            chrome: visitor.chrome(),
            rows: (connections.iter())
                .map(|c| Row {
                    waits: waiting.contains(&c.id),
                    ..row(c, self.ports.now())
                })
                .collect(),
            deleted: field(query.as_bytes(), "done").ok().flatten().as_deref() == Some("delete"),
        };
        Ok(render(StatusCode::OK, &page))
    }
}

fn row(connection: &Connection, now: Timestamp) -> Row<'_> {
    let domains = connection.domains.iter().map(Domain::as_str);
    Row {
        connection,
        state: state(connection),
        waits: false,
        provider: Preset::of(connection.provider).name,
        domains: domains.take(DOMAINS_SHOWN).collect(),
        more: connection.domains.len().saturating_sub(DOMAINS_SHOWN),
        certificate: nearest_end(connection).map(|at| end_shown(at, now)),
    }
}
