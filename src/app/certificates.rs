//! The calendar of certificates: every one of every connection, those first that end first.

use http::StatusCode;
use serde::Serialize;

use super::App;
use super::error::ApiError;
use super::http::{Response, json};
use super::ports::Ports;
use crate::saml::certificate::{CertificateSummary, Notice};
use crate::saml::connection::{Connection, StoredCertificate};
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// The certificates of all connections, by their end.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CalendarView<'a> {
    certificates: Vec<Entry<'a>>,
}

/// A certificate in the calendar.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "CalendarEntry"))]
pub(super) struct Entry<'a> {
    #[serde(skip)]
    pub(super) connection: &'a Connection,
    connection_id: &'a ConnectionId,
    connection_name: &'a str,
    #[serde(rename = "use")]
    pub(super) usage: Usage,
    #[serde(flatten)]
    pub(super) certificate: CertificateSummary,
    /// Whole days until its end; negative after it, `null` when that is unreadable.
    pub(super) days_left: Option<i64>,
    /// The latest notice that its end gave: 60, 30, 14, 7 or 1 days before it, 0 after it.
    pub(super) notice_days: Option<i64>,
}

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "CertificateUse"))]
#[serde(rename_all = "snake_case")]
pub(super) enum Usage {
    /// Ours: the identity provider encrypts to it.
    Encryption,
    /// The identity provider's: it signs with its key.
    Signing,
}

impl<P: Ports> App<P> {
    /// `GET /certificates`.
    pub(super) async fn list_certificates(&self) -> Result<Response, ApiError> {
        let connections = self.all_connections().await?;
        let certificates = calendar(&connections, self.ports.now());
        Ok(json(StatusCode::OK, &CalendarView { certificates }))
    }
}

/// The certificates of `connections`, those first that end first.
pub(super) fn calendar(connections: &[Connection], now: Timestamp) -> Vec<Entry<'_>> {
    let mut certificates: Vec<Entry<'_>> = connections.iter().flat_map(|c| entries(c, now)).collect();
    certificates.sort_by_key(|entry| entry.certificate.not_after.map_or(i64::MAX, Timestamp::unix_seconds));
    certificates
}

fn entries(connection: &Connection, now: Timestamp) -> impl Iterator<Item = Entry<'_>> {
    let signing = connection.identity_provider.iter().flat_map(|idp| &idp.certificates);
    let encryption = connection.decryption_keys.iter().map(|key| &key.certificate);
    let all = signing
        .map(|c| (Usage::Signing, c))
        .chain(encryption.map(|c| (Usage::Encryption, c)));
    all.filter_map(move |(usage, stored)| entry(connection, usage, stored, now))
}

fn entry<'a>(
    connection: &'a Connection,
    usage: Usage,
    stored: &StoredCertificate,
    now: Timestamp,
) -> Option<Entry<'a>> {
    let certificate = CertificateSummary::of(stored)?;
    Some(Entry {
        connection,
        connection_id: &connection.id,
        connection_name: &connection.name,
        usage,
        days_left: certificate.not_after.map(|end| end.since(now).div_euclid(24 * 60 * 60)),
        notice_days: certificate
            .not_after
            .and_then(|end| Notice::of(end, now))
            .map(Notice::days),
        certificate,
    })
}
