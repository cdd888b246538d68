//! What was done: the versions of a connection, and the audit log.

use serde::Serialize;

use super::App;
use super::api::query::Query;
use super::connections::{Saved, refused, saved};
use super::error::ApiError;
use super::http::{Request, number};
use super::ports::Ports;
use super::registry::audit::{AuditEntry, ListAudit};
use super::registry::versions::{ListVersions, Restore, Version};
use super::registry::{Actor, FieldChange, Refusal};
use crate::limits::{AUDIT_PAGE, MAX_AUDIT_PAGE};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;

/// Which entries of the audit log are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuditQuery {
    /// Those that are older than this one.
    pub(super) before: Option<i64>,
    /// How many at the most.
    pub(super) limit: i64,
    /// Those of this connection, which need not exist any more.
    pub(super) connection: Option<ConnectionId>,
}

impl AuditQuery {
    /// Reads the query of a request.
    pub(super) fn read(request: &Request) -> Result<Self, ApiError> {
        let query = Query::read(request, &["before", "limit", "connection"])?;
        let limit = query.field("limit", "1 to 200", |text| {
            number(text).filter(|limit| (1..=MAX_AUDIT_PAGE).contains(limit))
        })?;
        Ok(Self {
            before: query.field("before", "the id of an entry", number)?,
            limit: limit.unwrap_or(AUDIT_PAGE),
            connection: query.field("connection", "a connection id", |text| ConnectionId::parse(text).ok())?,
        })
    }
}

impl<P: Ports> App<P> {
    /// The versions of a connection that are kept, newest first.
    pub(super) async fn list_versions(&self, id: &ConnectionId) -> Result<Vec<Version>, ApiError> {
        let versions = self.ports.registry(ListVersions { id: id.clone() }).await?.reply;
        versions.ok_or_else(|| refused(Refusal::NotFound))
    }

    /// Gives a connection the configuration of an earlier version.
    pub(super) async fn restore_version(
        &self,
        id: &ConnectionId,
        generation: u64,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let restore = Restore {
            id: id.clone(),
            generation,
            from_generation: seen,
            actor,
        };
        saved(self.ports.registry(restore).await?)
    }

    /// Entries of the audit log, newest first.
    pub(super) async fn list_audit(&self, query: AuditQuery) -> Result<Vec<AuditEntry>, ApiError> {
        let AuditQuery {
            before,
            limit,
            connection,
        } = query;
        let list = ListAudit {
            before,
            limit,
            connection,
        };
        Ok(self.ports.registry(list).await?.reply)
    }
}

/// Versions, as the API shows them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "VersionList"))]
pub(super) struct VersionsView {
    versions: Vec<VersionView>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VersionView {
    generation: u64,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    actor: Actor,
    change: String,
    diff: Vec<FieldChange>,
}

impl VersionsView {
    pub(super) fn of(versions: Vec<Version>) -> Self {
        let view = |version: Version| VersionView {
            generation: version.generation,
            at: version.at.to_rfc3339(),
            actor: version.actor,
            change: version.change,
            diff: version.diff,
        };
        Self {
            versions: versions.into_iter().map(view).collect(),
        }
    }
}

/// A page of the audit log, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "AuditPage"))]
pub(super) struct AuditView {
    entries: Vec<EntryView>,
    /// What `before` has to be for the next page; none when this page is not full, so that it is the last.
    next_before: Option<i64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "AuditEntry"))]
struct EntryView {
    id: i64,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    actor: Actor,
    action: String,
    connection: Option<ConnectionId>,
    change: String,
    diff: Vec<FieldChange>,
}

impl AuditView {
    pub(super) fn of(entries: Vec<AuditEntry>, limit: i64) -> Self {
        let is_full = i64::try_from(entries.len()).is_ok_and(|count| count >= limit);
        let next_before = entries.last().map(|entry| entry.id).filter(|_| is_full);
        let view = |entry: AuditEntry| EntryView {
            id: entry.id,
            at: entry.at.to_rfc3339(),
            actor: entry.actor,
            action: entry.action,
            connection: entry.connection,
            change: entry.change,
            diff: entry.diff,
        };
        Self {
            entries: entries.into_iter().map(view).collect(),
            next_before,
        }
    }
}
