//! What was done: the versions of a connection, and the audit log.

use serde::Serialize;

use super::App;
use super::connections::{Saved, refused, saved};
use super::error::ApiError;
use super::http::{Request, field};
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
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let one = |name| field(query, name).map_err(|_| ApiError::invalid(name, "expected it once"));
        let number = |name: &'static str, expected| {
            let read = |text: String| text.parse::<u32>().map_err(|_| ApiError::invalid(name, expected));
            one(name)?.map(read).transpose().map(|number| number.map(i64::from))
        };
        let limit = number("limit", "expected 1 to 200")?.unwrap_or(AUDIT_PAGE);
        if !(1..=MAX_AUDIT_PAGE).contains(&limit) {
            return Err(ApiError::invalid("limit", "expected 1 to 200"));
        }
        let id = |text: String| ConnectionId::parse(&text).map_err(|e| ApiError::invalid("connection", e.0));
        Ok(Self {
            before: number("before", "expected the id of an entry")?,
            limit,
            connection: one("connection")?.map(id).transpose()?,
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
pub(super) struct VersionsView {
    versions: Vec<VersionView>,
}

#[derive(Serialize)]
struct VersionView {
    generation: u64,
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
pub(super) struct AuditView {
    entries: Vec<EntryView>,
    /// What `before` has to be for the next page; none when this page is not full, so that it is the last.
    next_before: Option<i64>,
}

#[derive(Serialize)]
struct EntryView {
    id: i64,
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
