//! Which configurations have passed a test, so that what nobody has tried is not enabled by mistake.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Call, read};
use crate::app::sql::{Sql, SqlError, integer, optional, time};
use crate::limits::MAX_TESTED_CONFIGURATIONS;
use crate::saml::connection::{Connection, Endpoint, IdentityProvider, LogoutEndpoint, Provider, StoredCertificate};
use crate::saml::id::{ConnectionId, Domain, EndpointUrl, EntityId};
use crate::saml::service_keys::KeyId;
use crate::saml::settings::{RequestSettings, ResponseSettings};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// The configurations that passed, and how the last test of each connection ended.
pub(super) const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS passed_tests (connection_id TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL, \
     PRIMARY KEY (connection_id, fingerprint))",
    "CREATE TABLE IF NOT EXISTS last_tests (connection_id TEXT PRIMARY KEY, passed INTEGER NOT NULL)",
];

/// What a test covers of a configuration: two of the same fingerprint pass the same tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a connection: SHA-256 of all that decides on a sign-in.
    ///
    /// # Errors
    /// [`SqlError`] when it has no JSON form.
    pub fn of(connection: &Connection) -> Result<Self, SqlError> {
        let mut domains: Vec<&Domain> = connection.domains.iter().collect();
        domains.sort();
        let covered = Covered {
            provider: connection.provider,
            sp_entity_id: connection.sp_entity_id.as_ref(),
            requests: &connection.requests,
            responses: &connection.responses,
            identity_provider: connection.identity_provider.as_ref().map(CoveredIdentityProvider::of),
            domains,
            match_subdomains: connection.routing.match_subdomains,
            decryption_keys: connection.decryption_keys.iter().map(|key| &key.id).collect(),
        };
        let octets = serde_json::to_vec(&covered).map_err(|e| SqlError(e.to_string()))?;
        Ok(Self(TokenHash::of_octets(&octets).as_str().to_owned()))
    }
}

/// What a test covers.
#[derive(Serialize)]
struct Covered<'a> {
    provider: Provider,
    sp_entity_id: Option<&'a EntityId>,
    requests: &'a RequestSettings,
    responses: &'a ResponseSettings,
    identity_provider: Option<CoveredIdentityProvider<'a>>,
    domains: Vec<&'a Domain>,
    match_subdomains: bool,
    decryption_keys: Vec<&'a KeyId>,
}

/// An identity provider, without until when its metadata is valid. Where that is fetched again decides on the keys to come.
#[derive(Serialize)]
struct CoveredIdentityProvider<'a> {
    entity_id: &'a EntityId,
    single_sign_on: &'a [Endpoint],
    single_logout: &'a [LogoutEndpoint],
    certificates: &'a [StoredCertificate],
    wants_requests_signed: bool,
    metadata_url: Option<&'a EndpointUrl>,
}

impl<'a> CoveredIdentityProvider<'a> {
    fn of(idp: &'a IdentityProvider) -> Self {
        Self {
            entity_id: &idp.entity_id,
            single_sign_on: &idp.single_sign_on,
            single_logout: &idp.single_logout,
            certificates: &idp.certificates,
            wants_requests_signed: idp.wants_requests_signed,
            metadata_url: idp.metadata_url.as_ref(),
        }
    }
}

/// Notes how a test of a connection ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteTest {
    /// Whose.
    pub id: ConnectionId,
    /// With what it was made.
    pub fingerprint: Fingerprint,
    /// Whether it passed.
    pub passed: bool,
}

/// Reads how the tests of these connections stand. Those that there are not are left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadTestStatuses {
    /// Which.
    pub ids: Vec<ConnectionId>,
}

/// How the tests of a connection stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStatus {
    /// Whether no test has passed with exactly its configuration.
    pub required: bool,
    /// When a test last passed with any configuration.
    pub last_passed_at: Option<Timestamp>,
    /// How the last one ended.
    pub last_result: Option<TestResult>,
}

impl Default for TestStatus {
    /// That of a connection which was never tested.
    fn default() -> Self {
        Self {
            required: true,
            last_passed_at: None,
            last_result: None,
        }
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// A rule refused the answer.
    Failed,
    /// The answer passed every rule.
    Passed,
}

impl Call for NoteTest {
    type Reply = ();
    const NAME: &'static str = "note_test";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        // It may have been deleted meanwhile.
        if read(sql, &self.id)?.is_none() {
            return Ok(());
        }
        let id = self.id.as_str();
        sql.run(
            "INSERT INTO last_tests (connection_id, passed) VALUES (?, ?) \
             ON CONFLICT (connection_id) DO UPDATE SET passed = excluded.passed",
            &[id.into(), i64::from(self.passed).into()],
        )?;
        if !self.passed {
            return Ok(());
        }
        sql.run(
            "INSERT INTO passed_tests (connection_id, fingerprint, at) VALUES (?, ?, ?) \
             ON CONFLICT (connection_id, fingerprint) DO UPDATE SET at = excluded.at",
            &[id.into(), self.fingerprint.0.into(), now.unix_seconds().into()],
        )?;
        sql.run(
            "DELETE FROM passed_tests WHERE connection_id = ?1 AND fingerprint NOT IN \
             (SELECT fingerprint FROM passed_tests WHERE connection_id = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)",
            &[id.into(), MAX_TESTED_CONFIGURATIONS.into()],
        )?;
        Ok(())
    }
}

impl Call for ReadTestStatuses {
    type Reply = BTreeMap<ConnectionId, TestStatus>;
    const NAME: &'static str = "read_test_statuses";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let mut statuses = BTreeMap::new();
        for id in self.ids {
            if let Some(connection) = read(sql, &id)? {
                let status = status(sql, &connection)?;
                statuses.insert(id, status);
            }
        }
        Ok(statuses)
    }
}

/// How the tests of a connection stand.
pub(super) fn status(sql: &dyn Sql, connection: &Connection) -> Result<TestStatus, SqlError> {
    let id = || connection.id.as_str().into();
    let last = sql.run("SELECT passed FROM last_tests WHERE connection_id = ?", &[id()])?;
    let result = |row| {
        integer(row, 0).map(|passed| {
            if passed == 1 {
                TestResult::Passed
            } else {
                TestResult::Failed
            }
        })
    };
    let passed = sql.run("SELECT max(at) FROM passed_tests WHERE connection_id = ?", &[id()])?;
    Ok(TestStatus {
        required: !has_passed(sql, connection)?,
        last_passed_at: passed.first().map(|row| optional(row, 0, time)).transpose()?.flatten(),
        last_result: last.first().map(result).transpose()?,
    })
}

/// Whether a test has passed with exactly this configuration.
pub(super) fn has_passed(sql: &dyn Sql, connection: &Connection) -> Result<bool, SqlError> {
    let rows = sql.run(
        "SELECT 1 FROM passed_tests WHERE connection_id = ? AND fingerprint = ?",
        &[connection.id.as_str().into(), Fingerprint::of(connection)?.0.into()],
    )?;
    Ok(!rows.is_empty())
}

/// Forgets the tests of a connection that is deleted.
pub(super) fn forget(sql: &dyn Sql, id: &ConnectionId) -> Result<(), SqlError> {
    for table in ["passed_tests", "last_tests"] {
        let delete = format!("DELETE FROM {table} WHERE connection_id = ?");
        sql.run(&delete, &[id.as_str().into()])?;
    }
    Ok(())
}
