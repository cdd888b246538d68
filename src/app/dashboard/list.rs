//! `/sso/admin`: all connections, page by page, and how sign-in goes at each.

use askama::Template;
use futures_util::future::join_all;
use http::StatusCode;

use super::parts::{Pill, end_shown, nearest_end, state};
use super::session::Visitor;
use super::sign_ins::HealthShown;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::http::{Request, Response, field, number};
use crate::app::ports::Ports;
use crate::app::registry::refresh::ListHeld;
use crate::app::registry::{ConnectionPage, ListPage};
use crate::limits::CONNECTIONS_SHOWN;
use crate::saml::connection::Connection;
use crate::saml::id::Domain;
use crate::saml::preset::Preset;
use crate::saml::time::Timestamp;

#[derive(Template)]
#[template(path = "admin/connections.html")]
struct ConnectionsPage<'a> {
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    /// Whether earlier connections are on other pages.
    is_later_page: bool,
    /// After which one the next page begins.
    next: Option<i64>,
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
    /// How sign-in goes, if that can be told now.
    health: Option<HealthShown>,
}

/// Domains that a row names.
const DOMAINS_SHOWN: usize = 2;

impl<P: Ports> App<P> {
    pub(super) async fn show_connections(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let after = field(query, "after").map_err(|_| Failure::NotFound)?;
        let after = after.map(|text| number(&text).ok_or(Failure::NotFound)).transpose()?;
        let list = ListPage {
            after: after.unwrap_or(0),
            limit: CONNECTIONS_SHOWN,
            domain: None,
            organization: None,
        };
        let ConnectionPage { connections, next } = self.ports.registry(list).await?.reply;
        let waiting = self.ports.registry(ListHeld {}).await?.reply;
        let now = self.ports.now();
        let health = join_all(connections.iter().map(|connection| self.health_shown(connection, now))).await;
        let rows = connections.iter().zip(health).map(|(connection, health)| Row {
            waits: waiting.contains(&connection.id),
            ..row(connection, health, now)
        });
        let page = ConnectionsPage {
            chrome: visitor.chrome(),
            rows: rows.collect(),
            is_later_page: after.is_some(),
            next,
            deleted: field(query, "done").ok().flatten().as_deref() == Some("delete"),
        };
        Ok(render(StatusCode::OK, &page))
    }

    /// How sign-in goes at a connection. The list is of use without it, too.
    async fn health_shown(&self, connection: &Connection, now: Timestamp) -> Option<HealthShown> {
        connection.identity_provider.as_ref()?;
        let health = self.health(&connection.id).await.ok()?;
        Some(HealthShown::of(&health, now))
    }
}

fn row(connection: &Connection, health: Option<HealthShown>, now: Timestamp) -> Row<'_> {
    let domains = connection.domains.iter().map(Domain::as_str);
    Row {
        connection,
        state: state(connection),
        waits: false,
        provider: Preset::of(connection.provider).name,
        domains: domains.take(DOMAINS_SHOWN).collect(),
        more: connection.domains.len().saturating_sub(DOMAINS_SHOWN),
        health,
        certificate: nearest_end(connection).map(|at| end_shown(at, now)),
    }
}
