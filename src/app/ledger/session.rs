//! Sessions, and the stable key of the user whose they are.

use serde::{Deserialize, Serialize};

use super::request::forget;
use super::{Call, configuration, session_settings};
use crate::app::sql::{Sql, SqlError, Value, json, time};
use crate::limits::SESSION_TOUCH_SECONDS;
use crate::saml::assertion::NameId;
use crate::saml::id::{ConnectionId, EntityId};
use crate::saml::identity::{Identity, KeyAttribute};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// Asks for a session, and keeps it alive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadSession {
    /// Its token.
    pub session: TokenHash,
}

/// Ends a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndSession {
    /// Its token.
    pub session: TokenHash,
}

/// A signed-in user, as the connection's identity provider vouched for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The stable key: a hash of connection, identity provider, and NameID or the attribute that takes its place.
    pub id: String,
    /// The same of the NameID, where `id` is of an attribute: by it, the identity provider ends sessions.
    #[serde(default)]
    pub subject_id: Option<String>,
    /// The identity provider.
    pub idp_entity_id: EntityId,
    /// The NameID's value, for single logout.
    pub name_id: Option<String>,
    /// The NameID's format.
    pub name_id_format: Option<String>,
    /// The NameID's `NameQualifier`.
    #[serde(default)]
    pub name_qualifier: Option<String>,
    /// The NameID's `SPNameQualifier`.
    #[serde(default)]
    pub sp_name_qualifier: Option<String>,
    /// Their sessions at the identity provider; none when it does not say.
    #[serde(default)]
    pub session_indexes: Vec<String>,
    /// E-mail, names, groups.
    pub identity: Identity,
}

/// A session that is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at the latest.
    pub expires_at: Timestamp,
}

impl Call for ReadSession {
    type Reply = Option<Session>;
    const NAME: &'static str = "read_session";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(None);
        }
        let hash = [self.session.as_str().into()];
        let rows = sql.run(
            "SELECT user, created_at, seen_at, expires_at FROM sessions WHERE hash = ?",
            &hash,
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let seen_at = time(row, 2)?;
        let (created_at, settings) = (time(row, 1)?, session_settings(sql)?);
        // What was granted at the sign-in, and no more than would be granted now.
        let expires_at = time(row, 3)?.min(created_at.plus(settings.lifetime_seconds()));
        if now >= expires_at || now.since(seen_at) >= settings.idle_seconds() {
            sql.run("DELETE FROM sessions WHERE hash = ?", &hash)?;
            return Ok(None);
        }
        if now.since(seen_at) >= SESSION_TOUCH_SECONDS {
            let [hash] = hash;
            sql.run(
                "UPDATE sessions SET seen_at = ? WHERE hash = ?",
                &[now.unix_seconds().into(), hash],
            )?;
        }
        Ok(Some(Session {
            user: json(row, 0)?,
            created_at,
            expires_at,
        }))
    }
}

impl Call for EndSession {
    type Reply = ();
    const NAME: &'static str = "end_session";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<(), SqlError> {
        if configuration(sql)?.is_none() {
            return Ok(());
        }
        let hash = [self.session.as_str().into()];
        let ended = sql.run("DELETE FROM sessions WHERE hash = ? RETURNING request_id", &hash)?;
        // With its request: the answer to that one, posted again or before, must not begin another session.
        match ended.first().and_then(|row| row.first()) {
            Some(Value::Text(request)) => forget(sql, request),
            _ => Ok(()),
        }
    }
}

/// The stable key of a user: connection, identity provider and NameID, each with its length, hashed.
///
/// A NameID is its value in its format and within its qualifiers (SAML Core 2.2.2, 8.3). Whoever signs in can write their
/// own request for another format, so that a name of their own choosing must not be taken for someone's persistent
/// identifier (attack A124). Without a format it is unspecified; naming us or the identity provider as qualifier says
/// nothing new (Core 8.3.7).
#[must_use]
pub fn user_id(connection: &ConnectionId, idp: &EntityId, sp_entity_id: &str, name_id: &NameId) -> String {
    const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let other_than = |qualifier: &'_ Option<String>, usual: &str| {
        let other = qualifier.as_deref().filter(|qualifier| *qualifier != usual);
        other.unwrap_or_default().to_owned()
    };
    hash_of(&[
        connection.as_str(),
        idp.as_str(),
        name_id.format.as_deref().unwrap_or(UNSPECIFIED),
        &other_than(&name_id.name_qualifier, idp.as_str()),
        &other_than(&name_id.sp_name_qualifier, sp_entity_id),
        &name_id.value,
    ])
}

/// The same of an attribute that a connection names in the NameID's place: connection, identity provider, the attribute's name
/// and its value. As there are fewer parts, none of these keys is one of a NameID.
#[must_use]
pub fn user_id_of_attribute(connection: &ConnectionId, idp: &EntityId, attribute: &KeyAttribute) -> String {
    hash_of(&[connection.as_str(), idp.as_str(), &attribute.name, &attribute.value])
}

fn hash_of(parts: &[&str]) -> String {
    let mut octets = Vec::new();
    for part in parts {
        octets.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend_from_slice(part.as_bytes());
    }
    format!("usr_{}", TokenHash::of_octets(&octets).as_str())
}
