//! Who has which e-mail domain, and where domains and organizations lead: the claims, and their indexes for sign-in.

use serde::{Deserialize, Serialize};

use super::proofs;
use super::publishing::{Kind, note};
use crate::app::sql::{Sql, SqlError, Value, json, text};
use crate::limits::MAX_CHOICES;
use crate::saml::connection::{Connection, State};
use crate::saml::domains::Subdomains;
use crate::saml::id::{ConnectionId, Domain};
use crate::saml::settings::RoutingSettings;

/// The claims. `reversed` is the domain from its top (`com.acme.eu`), so that what lies below a domain lies in one range.
/// `below` says whether the domains below go with it; `sharers` is the organization whose connections share it, if any.
pub(super) const TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS domain_claims (reversed TEXT NOT NULL, connection_id TEXT NOT NULL, domain TEXT NOT NULL, \
     below INTEGER NOT NULL, sharers TEXT, PRIMARY KEY (reversed, connection_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS domain_claims_of ON domain_claims (connection_id)",
    "CREATE TABLE IF NOT EXISTS organizations (organization TEXT NOT NULL, connection_id TEXT NOT NULL, \
     PRIMARY KEY (organization, connection_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS organizations_of ON organizations (connection_id)",
];

/// A connection to which a domain or an organization leads, as KV has it: in the order in which they are offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Which.
    pub connection: ConnectionId,
    /// Its name, for people who have to choose.
    pub name: String,
    /// Whether the domains below lead to it too.
    pub match_subdomains: bool,
}

impl Destination {
    fn of(connection: Connection) -> Self {
        Self {
            connection: connection.id,
            name: connection.name,
            match_subdomains: connection.routing.match_subdomains,
        }
    }

    /// Whether the domains below lead to it too.
    #[must_use]
    pub fn subdomains(&self) -> Subdomains {
        if self.match_subdomains {
            Subdomains::Included
        } else {
            Subdomains::Excluded
        }
    }
}

/// The KV key of where a domain leads: a list of [`Destination`]; no key when it leads nowhere.
#[must_use]
pub fn domain_key(domain: &Domain) -> String {
    format!("domain:{domain}")
}

/// The KV key of where an organization leads.
#[must_use]
pub fn organization_key(organization: &str) -> String {
    format!("organization:{organization}")
}

/// The first domain of another connection that stands in the way of those of `connection`: the same one, or one above or
/// below it that would go together with it. Connections of one organization that all share are in nobody's way.
pub(super) fn taken(sql: &dyn Sql, connection: &Connection) -> Result<Option<Domain>, SqlError> {
    let others = |condition: &str, values: &[Value]| -> Result<Option<Domain>, SqlError> {
        let query = format!(
            "SELECT domain FROM domain_claims WHERE connection_id <> ? AND sharers IS NOT ? AND {condition} LIMIT 1"
        );
        // Without sharing, it is nobody's organization that is excepted.
        let sharers = sharers(connection).unwrap_or_default();
        let mut all = vec![connection.id.as_str().into(), sharers.into()];
        all.extend_from_slice(values);
        let rows = sql.run(&query, &all)?;
        let first = rows.first().map(|row| text(row, 0)).transpose()?;
        Ok(first.map(Domain::parse).transpose()?)
    };
    for domain in &connection.domains {
        let reversed = reversed(domain);
        let same = others("reversed = ?", &[reversed.as_str().into()])?;
        if same.is_some() {
            return Ok(same);
        }
        for above in domain.and_parents().skip(1) {
            let above = others("below = 1 AND reversed = ?", &[self::reversed(&above).into()])?;
            if above.is_some() {
                return Ok(above);
            }
        }
        if connection.routing.match_subdomains {
            // All that begins with the domain and a dot; the character after the dot is the slash.
            let range = [format!("{reversed}.").into(), format!("{reversed}/").into()];
            let below = others("reversed >= ? AND reversed < ?", &range)?;
            if below.is_some() {
                return Ok(below);
            }
        }
    }
    Ok(None)
}

/// Makes the claims those of `after` where they were those of `before`, and notes where domains and organizations lead
/// elsewhere now.
pub(super) fn settle(sql: &dyn Sql, before: Option<&Connection>, after: Option<&Connection>) -> Result<(), SqlError> {
    if let Some(before) = before {
        for table in ["domain_claims", "organizations"] {
            let delete = format!("DELETE FROM {table} WHERE connection_id = ?");
            sql.run(&delete, &[before.id.as_str().into()])?;
        }
        proofs::forget_domains(sql, before, after)?;
    }
    if let Some(after) = after {
        claim(sql, after)?;
    }
    let signs = |connection: &&Connection| connection.state == State::Enabled;
    let (before, after) = (before.filter(signs), after.filter(signs));
    if before.map(signpost) == after.map(signpost) {
        return Ok(());
    }
    for connection in before.into_iter().chain(after) {
        for domain in &connection.domains {
            note(sql, Kind::Domain, domain.as_str())?;
        }
        if let Some(organization) = &connection.organization {
            note(sql, Kind::Organization, organization)?;
        }
    }
    Ok(())
}

fn claim(sql: &dyn Sql, connection: &Connection) -> Result<(), SqlError> {
    for domain in &connection.domains {
        sql.run(
            "INSERT INTO domain_claims (reversed, connection_id, domain, below, sharers) VALUES (?, ?, ?, ?, ?)",
            &[
                reversed(domain).into(),
                connection.id.as_str().into(),
                domain.as_str().into(),
                i64::from(connection.routing.match_subdomains).into(),
                sharers(connection).into(),
            ],
        )?;
    }
    if let Some(organization) = &connection.organization {
        sql.run(
            "INSERT INTO organizations (organization, connection_id) VALUES (?, ?)",
            &[organization.as_str().into(), connection.id.as_str().into()],
        )?;
    }
    Ok(())
}

/// All of an enabled connection that decides where domains and its organization lead.
fn signpost(connection: &Connection) -> (&str, &[Domain], Option<&str>, &RoutingSettings) {
    (
        &connection.name,
        &connection.domains,
        connection.organization.as_deref(),
        &connection.routing,
    )
}

/// Where a domain leads: only to connections that are enabled, so that one that is not looks like none.
pub(super) fn of_domain(sql: &dyn Sql, domain: &Domain) -> Result<Vec<Destination>, SqlError> {
    let ids = "SELECT connection_id FROM domain_claims WHERE reversed = ?";
    destinations(sql, ids, reversed(domain))
}

/// Where an organization leads, likewise.
pub(super) fn of_organization(sql: &dyn Sql, organization: &str) -> Result<Vec<Destination>, SqlError> {
    let ids = "SELECT connection_id FROM organizations WHERE organization = ?";
    destinations(sql, ids, organization.to_owned())
}

fn destinations(sql: &dyn Sql, ids: &str, value: String) -> Result<Vec<Destination>, SqlError> {
    let query = format!("SELECT record FROM connections WHERE id IN ({ids}) ORDER BY sequence");
    let rows = sql.run(&query, &[value.into()])?;
    let connections: Result<Vec<Connection>, _> = rows.iter().map(|row| json(row, 0)).collect();
    let mut connections = connections?;
    connections.retain(|connection| connection.state == State::Enabled);
    connections.sort_by_key(|connection| connection.routing.sign_in_order);
    Ok(connections.into_iter().take(MAX_CHOICES).map(Destination::of).collect())
}

/// The organization whose connections may have the same domains as this one.
fn sharers(connection: &Connection) -> Option<&str> {
    let organization = connection.organization.as_deref();
    organization.filter(|_| connection.routing.share_domains)
}

/// A domain from its top: `com.acme.eu`.
fn reversed(domain: &Domain) -> String {
    domain.as_str().rsplit('.').collect::<Vec<_>>().join(".")
}
