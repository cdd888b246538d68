//! Proof that a domain is the customer's: a TXT record in its DNS, which only who runs it can make (attack A159).
//!
//! The record stands at `_edge-saml.` and the domain, and holds a word that belongs to this connection and this domain alone: a hash of
//! both, so that nothing has to be kept, and the connection's identifier, 100 random bits, is not shown to the world.

use http::StatusCode;
use serde::Serialize;

use super::App;
use super::dns::{DnsError, DnsName, texts};
use super::error::ApiError;
use super::http::{Response, json};
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::Actor;
use super::registry::proofs::{DomainProof, Finding, NoteFinding, Proof, ProofState, ReadProofs, TakeDueProofs};
use crate::limits::MAX_DOMAIN_CHECKS_PER_RUN;
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, Domain};
use crate::saml::warning::Warning;
use crate::token::TokenHash;

/// A domain of a connection, and the record that proves it, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "DomainProof"))]
pub(super) struct DomainView {
    pub(super) domain: Domain,
    pub(super) state: ProofState,
    record_type: &'static str,
    pub(super) record_name: String,
    pub(super) record_value: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    proven_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) checked_at: Option<String>,
    pub(super) problem: Option<String>,
}

/// The domains of a connection.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DomainList {
    domains: Vec<DomainView>,
}

impl DomainView {
    /// A domain of the connection `id`, of which this is known.
    fn of(id: &ConnectionId, domain: &Domain, proof: Option<&Proof>) -> Self {
        Self {
            domain: domain.clone(),
            state: proof.map_or(ProofState::Unproven, |proof| proof.state),
            record_type: "TXT",
            record_name: record_name(domain),
            record_value: record_value(id, domain),
            proven_at: proof.and_then(|proof| Some(proof.proven_at?.to_rfc3339())),
            checked_at: proof.map(|proof| proof.checked_at.to_rfc3339()),
            problem: proof.and_then(|proof| proof.problem.clone()),
        }
    }

    /// All domains of `connection`, of which this is known.
    pub(super) fn all(connection: &Connection, known: &[Proof]) -> Vec<Self> {
        let view = |domain: &Domain| {
            let proof = known.iter().find(|proof| proof.domain == *domain);
            Self::of(&connection.id, domain, proof)
        };
        connection.domains.iter().map(view).collect()
    }
}

/// Where the record stands.
fn record_name(domain: &Domain) -> String {
    format!("_edge-saml.{domain}")
}

/// What it says.
fn record_value(id: &ConnectionId, domain: &Domain) -> String {
    // No identifier or domain has a line feed in it.
    let word = TokenHash::of_octets(format!("edge-saml-verification\n{id}\n{domain}").as_bytes());
    format!("edge-saml-verification={}", word.as_str())
}

impl<P: Ports> App<P> {
    /// What is to be said of the proofs of `connection`: of those that are lost; of those that are missing where somebody wants them.
    pub(super) fn proof_warnings(&self, connection: &Connection, known: &[Proof]) -> Vec<Warning> {
        let demanded = self.config.domain_proof == DomainProof::Required;
        let warning = |domain: &Domain| {
            let state = known
                .iter()
                .find(|proof| proof.domain == *domain)
                .map(|proof| proof.state);
            match state {
                Some(ProofState::Lost) => Some(Warning::DomainProofLost(domain.clone())),
                Some(ProofState::Unproven) => Some(Warning::DomainUnproven(domain.clone())),
                None if demanded => Some(Warning::DomainUnproven(domain.clone())),
                None | Some(ProofState::Proven) => None,
            }
        };
        connection.domains.iter().filter_map(warning).collect()
    }

    /// What is known of the domains of each of these connections.
    pub(super) async fn proofs(
        &self,
        ids: Vec<ConnectionId>,
    ) -> Result<std::collections::BTreeMap<ConnectionId, Vec<Proof>>, Unavailable> {
        Ok(self.ports.registry(ReadProofs { ids }).await?.reply)
    }

    /// Answers `GET /connections/{id}/domains`.
    pub(super) async fn list_domains(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        let connection = self.existing(id).await?;
        let known = self.proofs(vec![id.clone()]).await?.remove(id).unwrap_or_default();
        let domains = DomainView::all(&connection, &known);
        Ok(json(StatusCode::OK, &DomainList { domains }))
    }

    /// Answers `POST /connections/{id}/domains/{domain}/verify`: looks, and says what was found.
    pub(super) async fn verify_domain(
        &self,
        id: &ConnectionId,
        domain: &Domain,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        self.existing(id).await?;
        let proof = self.look_up_proof(id, domain, Some(actor)).await??;
        Ok(json(StatusCode::OK, &DomainView::of(id, domain, proof.as_ref())))
    }

    /// Looks up the domains whose turn it is. The schedule calls it; one domain's trouble is not the next one's.
    ///
    /// # Errors
    /// [`Unavailable`] when the registry does not answer.
    pub(super) async fn look_up_due_proofs(&self) -> Result<(), Unavailable> {
        let due = TakeDueProofs {
            limit: MAX_DOMAIN_CHECKS_PER_RUN,
        };
        for (id, domain) in self.ports.registry(due).await?.reply {
            // Whatever is in the way of one of them is gone by itself, or looked at by somebody.
            if let Ok(Some(Proof {
                state: ProofState::Lost,
                ..
            })) = self.look_up_proof(&id, &domain, None).await?
            {
                self.ports.log(&LogLine {
                    connection: Some(&id),
                    detail: Some(domain.as_str()),
                    ..LogLine::of("domain_proof_lost")
                });
            }
        }
        Ok(())
    }

    /// Looks for the record that proves `domain`, and keeps what was found.
    pub(super) async fn look_up_proof(
        &self,
        id: &ConnectionId,
        domain: &Domain,
        actor: Option<Actor>,
    ) -> Result<Result<Option<Proof>, ApiError>, Unavailable> {
        let note = NoteFinding {
            id: id.clone(),
            domain: domain.clone(),
            finding: self.find_record(id, domain).await,
            actor,
        };
        let noted = self.ports.registry(note).await?.reply;
        Ok(noted.map_err(super::connections::refused))
    }

    async fn find_record(&self, id: &ConnectionId, domain: &Domain) -> Finding {
        let name = record_name(domain);
        let found = match DnsName::parse(&name) {
            Ok(asked) => texts(&self.ports, &self.config.resolver, &asked).await,
            Err(_) => return Finding::Missing("the domain is too long for a record below it".to_owned()),
        };
        let wanted = record_value(id, domain);
        match found {
            Ok(texts) if texts.iter().any(|text| text.trim() == wanted) => Finding::Found,
            Ok(texts) if texts.is_empty() => Finding::Missing(format!("there is no TXT record at {name}")),
            Ok(texts) => Finding::Missing(format!(
                "there is another TXT record at {name}: found {}",
                shown(&texts)
            )),
            Err(DnsError::Off) => Finding::Unknown("DNS_RESOLVER is off".to_owned()),
            Err(error) => Finding::Unknown(error.to_string()),
        }
    }
}

/// The first record that was found, as far as it is fit to be shown.
fn shown(texts: &[String]) -> String {
    const SHOWN: usize = 80;
    let first = texts.first().map(String::as_str).unwrap_or_default();
    first.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
