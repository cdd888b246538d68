//! Which domains are proven to be a customer's: what was found in their DNS, and when to look again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::{Actor, Call, Refusal, domains, read};
use crate::app::sql::{Row, Sql, SqlError, Value, integer, optional, text, time};
use crate::limits::{
    DOMAIN_PROOF_CHECK_SECONDS, DOMAIN_PROOF_TRY_SECONDS, DOMAIN_PROOF_WAIT_SECONDS, MAX_DOMAIN_PROOFS_PER_CONNECTION,
};
use crate::saml::connection::{Connection, State};
use crate::saml::id::{ConnectionId, Domain};
use crate::saml::time::Timestamp;

/// What was found of each domain that somebody had looked up (`due_at`: when to look again, `tried_until`: until when that is often,
/// while there is no proof), and whether the deployment demands proof.
pub(super) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS domain_proofs (connection_id TEXT NOT NULL, domain TEXT NOT NULL, state TEXT NOT NULL, \
     proven_at INTEGER, checked_at INTEGER NOT NULL, problem TEXT, due_at INTEGER, tried_until INTEGER NOT NULL, \
     PRIMARY KEY (connection_id, domain)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS domain_proofs_due ON domain_proofs (due_at)",
    "CREATE TABLE IF NOT EXISTS domain_policy (proof_required INTEGER NOT NULL)",
];

/// Whether a connection must have proven its domains before it signs anybody in with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainProof {
    /// It need not.
    Optional,
    /// It must.
    Required,
}

/// Whether a domain is proven to be the customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProofState {
    /// It was, and its record is gone.
    Lost,
    /// Its record was there when somebody last looked.
    Proven,
    /// It never was.
    Unproven,
}

impl ProofState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Proven => "proven",
            Self::Unproven => "unproven",
        }
    }
}

/// What is known of one domain of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which domain.
    pub domain: Domain,
    /// Whether it is proven.
    pub state: ProofState,
    /// Since when.
    pub proven_at: Option<Timestamp>,
    /// When somebody last looked.
    pub checked_at: Timestamp,
    /// What was in the way then, in words for people.
    pub problem: Option<String>,
}

/// What a look into the DNS found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The record that proves it.
    Found,
    /// No such record; what there is instead, in words for people.
    Missing(String),
    /// Nothing, as it could not be asked; why. It changes no state.
    Unknown(String),
}

/// Reads what is known of the domains of each of these connections; domains that nobody had looked up are left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadProofs {
    /// Which connections.
    pub ids: Vec<ConnectionId>,
}

/// Keeps what was found of a domain, which the connection may yet have to claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteFinding {
    /// Of which connection.
    pub id: ConnectionId,
    /// Of which domain.
    pub domain: Domain,
    /// What.
    pub finding: Finding,
    /// Who looked; none when it was the schedule's turn.
    pub actor: Option<Actor>,
}

/// Takes the domains whose turn it is to be looked up again, those first that have waited longest; each is put off a while, so that two
/// runs do not take the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeDueProofs {
    /// How many at most.
    pub limit: u32,
}

/// Notes what the deployment demands. It is asked for whenever a connection is enabled or changed.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn set_policy(sql: &dyn Sql, proof: DomainProof) -> Result<(), SqlError> {
    if policy(sql)? == proof {
        return Ok(());
    }
    sql.run("DELETE FROM domain_policy", &[])?;
    let required = i64::from(proof == DomainProof::Required);
    sql.run(
        "INSERT INTO domain_policy (proof_required) VALUES (?)",
        &[required.into()],
    )?;
    Ok(())
}

fn policy(sql: &dyn Sql) -> Result<DomainProof, SqlError> {
    let rows = sql.run("SELECT proof_required FROM domain_policy", &[])?;
    let required = rows.first().map(|row| integer(row, 0)).transpose()?;
    Ok(match required {
        Some(1) => DomainProof::Required,
        _ => DomainProof::Optional,
    })
}

/// The first domain with which `changed` would begin to sign people in though it is not proven, where proof is demanded. Those with which
/// `present` does already are left alone.
pub(super) fn missing(sql: &dyn Sql, present: &Connection, changed: &Connection) -> Result<Option<Domain>, SqlError> {
    if changed.state != State::Enabled || policy(sql)? == DomainProof::Optional {
        return Ok(None);
    }
    let is_live = |domain: &Domain| present.state == State::Enabled && present.domains.contains(domain);
    let proven = proofs(sql, &changed.id)?;
    let is_proven = |domain: &Domain| {
        let proof = proven.iter().find(|proof| proof.domain == *domain);
        proof.is_some_and(|proof| proof.state == ProofState::Proven)
    };
    let mut claimed = changed.domains.iter();
    Ok(claimed.find(|domain| !is_live(domain) && !is_proven(domain)).cloned())
}

/// Forgets what is known of the domains that a connection has no more.
pub(super) fn forget_domains(sql: &dyn Sql, before: &Connection, after: Option<&Connection>) -> Result<(), SqlError> {
    let Some(after) = after else {
        sql.run(
            "DELETE FROM domain_proofs WHERE connection_id = ?",
            &[before.id.as_str().into()],
        )?;
        return Ok(());
    };
    for domain in before.domains.iter().filter(|domain| !after.domains.contains(domain)) {
        sql.run(
            "DELETE FROM domain_proofs WHERE connection_id = ? AND domain = ?",
            &[before.id.as_str().into(), domain.as_str().into()],
        )?;
    }
    Ok(())
}

impl Call for ReadProofs {
    type Reply = BTreeMap<ConnectionId, Vec<Proof>>;
    const NAME: &'static str = "read_proofs";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let of = |id: ConnectionId| proofs(sql, &id).map(|proofs| (id, proofs));
        self.ids.into_iter().map(of).collect()
    }
}

impl Call for NoteFinding {
    type Reply = Result<Option<Proof>, Refusal>;
    const NAME: &'static str = "note_finding";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(connection) = read(sql, &self.id)? else {
            return Ok(Err(Refusal::NotFound));
        };
        let known = proofs(sql, &self.id)?;
        let before = known.iter().find(|proof| proof.domain == self.domain);
        if self.actor.is_none() && before.is_none() {
            // Whoever wanted to know has taken the domain away meanwhile.
            return Ok(Ok(None));
        }
        if let Err(refusal) = check_wanted(sql, &connection, &self.domain)? {
            return Ok(Err(refusal));
        }
        if before.is_none() && known.len() >= MAX_DOMAIN_PROOFS_PER_CONNECTION {
            return Ok(Err(Refusal::TooManyProofs));
        }
        let was = before.map_or(ProofState::Unproven, |proof| proof.state);
        let (state, problem) = match self.finding {
            Finding::Found => (ProofState::Proven, None),
            Finding::Missing(problem) if was == ProofState::Unproven => (was, Some(problem)),
            Finding::Missing(problem) => (ProofState::Lost, Some(problem)),
            Finding::Unknown(problem) => (was, Some(problem)),
        };
        let proven_at = match (state, before.and_then(|proof| proof.proven_at)) {
            (ProofState::Proven, before) => before.filter(|_| was == state).or(Some(now)),
            (ProofState::Lost | ProofState::Unproven, before) => before,
        };
        let proof = Proof {
            domain: self.domain,
            state,
            proven_at,
            checked_at: now,
            problem,
        };
        keep(sql, &self.id, &proof, self.actor.is_some(), now)?;
        if state != was {
            let schedule = Actor::new("schedule");
            let action = match state {
                ProofState::Proven => Action::DomainProven,
                ProofState::Lost | ProofState::Unproven => Action::DomainProofLost,
            };
            let actor = self.actor.as_ref().unwrap_or(&schedule);
            let deed = Deed::noted(actor, action, proof.domain.to_string());
            audit::record_of(sql, &self.id, &deed, now)?;
        }
        Ok(Ok(Some(proof)))
    }
}

impl Call for TakeDueProofs {
    type Reply = Vec<(ConnectionId, Domain)>;
    const NAME: &'static str = "take_due_proofs";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            "SELECT connection_id, domain FROM domain_proofs WHERE due_at <= ? ORDER BY due_at LIMIT ?",
            &[now.unix_seconds().into(), i64::from(self.limit).into()],
        )?;
        let taken = |row: &Row| {
            let (id, domain) = (text(row, 0)?, text(row, 1)?);
            sql.run(
                "UPDATE domain_proofs SET due_at = ? WHERE connection_id = ? AND domain = ?",
                &[
                    now.plus(DOMAIN_PROOF_TRY_SECONDS).unix_seconds().into(),
                    id.into(),
                    domain.into(),
                ],
            )?;
            Ok((ConnectionId::parse(id)?, Domain::parse(domain)?))
        };
        rows.iter().map(taken).collect()
    }
}

/// A domain is proven for a connection that has it, or could have.
fn check_wanted(sql: &dyn Sql, connection: &Connection, domain: &Domain) -> Result<Result<(), Refusal>, SqlError> {
    if connection.domains.contains(domain) {
        return Ok(Ok(()));
    }
    let wanting = Connection {
        domains: vec![domain.clone()],
        ..connection.clone()
    };
    Ok(match domains::taken(sql, &wanting)? {
        Some(taken) => Err(Refusal::DomainTaken(taken)),
        None => Ok(()),
    })
}

/// Keeps a proof. What is proven, or was, is looked up every day; what is not yet, every hour for a week after somebody asked.
fn keep(sql: &dyn Sql, id: &ConnectionId, proof: &Proof, is_asked: bool, now: Timestamp) -> Result<(), SqlError> {
    let seconds = |time: Option<Timestamp>| Value::from(time.map(Timestamp::unix_seconds));
    let tried_until = if is_asked {
        now.plus(DOMAIN_PROOF_WAIT_SECONDS)
    } else {
        let rows = sql.run(
            "SELECT tried_until FROM domain_proofs WHERE connection_id = ? AND domain = ?",
            &[id.as_str().into(), proof.domain.as_str().into()],
        )?;
        let until = rows.first().map(|row| integer(row, 0)).transpose()?;
        until.map_or(now, Timestamp::from_unix_seconds)
    };
    let due_at = match proof.state {
        ProofState::Lost | ProofState::Proven => Some(now.plus(DOMAIN_PROOF_CHECK_SECONDS)),
        ProofState::Unproven if now < tried_until => Some(now.plus(DOMAIN_PROOF_TRY_SECONDS)),
        ProofState::Unproven => None,
    };
    sql.run(
        "INSERT OR REPLACE INTO domain_proofs (connection_id, domain, state, proven_at, checked_at, problem, due_at, tried_until) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.as_str().into(),
            proof.domain.as_str().into(),
            proof.state.as_str().into(),
            seconds(proof.proven_at),
            proof.checked_at.unix_seconds().into(),
            proof.problem.clone().into(),
            seconds(due_at),
            tried_until.unix_seconds().into(),
        ],
    )?;
    Ok(())
}

fn proofs(sql: &dyn Sql, id: &ConnectionId) -> Result<Vec<Proof>, SqlError> {
    let rows = sql.run(
        "SELECT domain, state, proven_at, checked_at, problem FROM domain_proofs WHERE connection_id = ? ORDER BY domain",
        &[id.as_str().into()],
    )?;
    rows.iter().map(proof).collect()
}

fn proof(row: &Row) -> Result<Proof, SqlError> {
    let state = match text(row, 1)? {
        "lost" => ProofState::Lost,
        "proven" => ProofState::Proven,
        "unproven" => ProofState::Unproven,
        other => return Err(SqlError(format!("expected a state of proof, found {other}"))),
    };
    Ok(Proof {
        domain: Domain::parse(text(row, 0)?)?,
        state,
        proven_at: optional(row, 2, time)?,
        checked_at: time(row, 3)?,
        problem: optional(row, 4, text)?.map(ToOwned::to_owned),
    })
}
