//! Certificates that end soon, told to webhooks once for each notice that their end gives.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::events::{EventKind, tell};
use super::{Call, ListPage, outbox};
use crate::app::sql::{Sql, SqlError, integer};
use crate::limits::CERTIFICATE_TELL_SECONDS;
use crate::saml::certificate::{CertificateSummary, Notice};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// The last notice that was told of each certificate, and when certificates were last looked at.
pub(super) const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS certificate_notices (connection_id TEXT NOT NULL, sha256 TEXT NOT NULL, days INTEGER NOT NULL, \
     not_after INTEGER NOT NULL, PRIMARY KEY (connection_id, sha256)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS certificates_told (at INTEGER NOT NULL)",
];

/// Looks at all signing certificates, if that is due, and tells of those that end in 60, 30, 14, 7 or 1 days.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TellCertificates {}

impl Call for TellCertificates {
    type Reply = ();
    const NAME: &'static str = "tell_certificates";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        let bound = now.plus(CERTIFICATE_TELL_SECONDS.saturating_neg()).unix_seconds();
        let lately = sql.run("SELECT 1 FROM certificates_told WHERE at > ?", &[bound.into()])?;
        if !lately.is_empty() || !outbox::is_wanted(sql, EventKind::CertificateExpiring)? {
            return Ok(());
        }
        sql.run("DELETE FROM certificates_told", &[])?;
        sql.run(
            "INSERT INTO certificates_told (at) VALUES (?)",
            &[now.unix_seconds().into()],
        )?;
        sql.run(
            "DELETE FROM certificate_notices WHERE not_after < ?",
            &[now.unix_seconds().into()],
        )?;
        let mut next = Some(0);
        while let Some(after) = next {
            let page = ListPage::all_after(after).run(sql, now)?;
            for connection in &page.connections {
                let certificates = connection.identity_provider.iter().flat_map(|idp| &idp.certificates);
                for certificate in certificates.filter_map(CertificateSummary::of) {
                    tell_of(sql, connection, &certificate, now)?;
                }
            }
            next = page.next;
        }
        Ok(())
    }
}

/// Tells of a certificate, unless its end is far, past, or told of.
fn tell_of(
    sql: &dyn Sql,
    connection: &Connection,
    certificate: &CertificateSummary,
    now: Timestamp,
) -> Result<(), SqlError> {
    let notice = certificate.not_after.and_then(|end| Some((end, Notice::of(end, now)?)));
    let Some((not_after, Notice::WithinDays(days))) = notice else {
        return Ok(());
    };
    let key = [connection.id.as_str().into(), certificate.sha256.as_str().into()];
    let told = sql.run(
        "SELECT days FROM certificate_notices WHERE connection_id = ? AND sha256 = ?",
        &key,
    )?;
    let told = told.first().map(|row| integer(row, 0)).transpose()?;
    if told.is_some_and(|told| told <= days) {
        return Ok(());
    }
    let [id, sha256] = key;
    sql.run(
        "INSERT OR REPLACE INTO certificate_notices (connection_id, sha256, days, not_after) VALUES (?, ?, ?, ?)",
        &[id, sha256, days.into(), not_after.unix_seconds().into()],
    )?;
    let more = [
        ("days", json!(days)),
        (
            "certificate",
            json!({ "sha256": certificate.sha256, "not_after": not_after.to_rfc3339() }),
        ),
    ];
    tell(sql, EventKind::CertificateExpiring, connection, more, now)
}

/// Forgets what was told of a connection that is deleted.
pub(super) fn forget(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    sql.run(
        "DELETE FROM certificate_notices WHERE connection_id = ?",
        &[id.as_str().into()],
    )?;
    Ok(())
}
