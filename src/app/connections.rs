//! What is done to connections: one function for each change, for the admin API and the dashboard alike.

use http::StatusCode;
use serde::Deserialize;

use super::App;
use super::description::{DescriptionBody, Fields};
use super::error::ApiError;
use super::ports::{Answer, Ports};
use super::registry::{Actor, Change, Create, Delete, Refusal, Update};
use crate::code::Code;
use crate::saml::connection::{Connection, IdentityProvider, State};
use crate::saml::id::{ConnectionId, EndpointUrl, EntityId};
use crate::saml::idp_diff::{self, changes};
use crate::saml::service_keys::RotationStep;

/// What an operation left, and whether it has reached every place yet; if not, it will by itself.
pub(super) type Saved<T> = Answer<T>;

/// Which metadata is to be saved: exactly one of `url` and `xml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetadataBody {
    pub(super) url: Option<String>,
    pub(super) xml: Option<String>,
    /// Which of several identity providers.
    pub(super) entity_id: Option<String>,
    /// Whether it may be another one than the connection has.
    #[serde(default)]
    pub(super) replace_entity: bool,
    /// Whether it is only shown what would change.
    #[serde(default)]
    pub(super) preview: bool,
}

/// What saving metadata would change.
pub(super) struct MetadataPreview {
    /// The identity provider that it describes.
    pub(super) found: IdentityProvider,
    /// What is different from the one that the connection has.
    pub(super) diff: Vec<idp_diff::Change>,
}

impl<P: Ports> App<P> {
    /// Creates a connection, disabled. What `given` leaves out is as by default.
    pub(super) async fn create_connection(&self, given: Fields, actor: Actor) -> Result<Saved<Connection>, ApiError> {
        let description = DescriptionBody::created(given)?.read(self.ports.now())?;
        let create = Create {
            id: ConnectionId::from_random(&self.ports.random()?),
            decryption_key: self.first_decryption_key(&description.responses, &[]).await?,
            description,
            actor,
        };
        saved(self.ports.registry(create).await?)
    }

    /// Changes the fields of a connection that are `given`.
    pub(super) async fn patch_connection(
        &self,
        id: &ConnectionId,
        given: Fields,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let now = self.existing(id).await?;
        let description = DescriptionBody::patched(given, &now)?.read(self.ports.now())?;
        let update = Update {
            id: id.clone(),
            decryption_key: (self.first_decryption_key(&description.responses, &now.decryption_keys)).await?,
            change: Change::Describe(Box::new(description)),
            from_generation: Some(now.generation),
            actor,
        };
        saved(self.ports.registry(update).await?)
    }

    /// Fetches or reads the metadata of an identity provider and saves it.
    pub(super) async fn save_metadata(
        &self,
        id: &ConnectionId,
        body: MetadataBody,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        self.existing(id).await?;
        let change = Change::IdentityProvider {
            found: Box::new(self.find_identity_provider(&body).await?),
            replace_entity: body.replace_entity,
        };
        self.update(id, change, actor).await
    }

    /// Fetches or reads the metadata of an identity provider, and saves nothing: what saving it would change of the connection.
    pub(super) async fn preview_metadata(
        &self,
        id: &ConnectionId,
        body: &MetadataBody,
    ) -> Result<MetadataPreview, ApiError> {
        let connection = self.existing(id).await?;
        let found = self.find_identity_provider(body).await?;
        Ok(MetadataPreview {
            diff: changes(connection.identity_provider.as_ref(), &found),
            found,
        })
    }

    /// The identity provider that `body` describes.
    async fn find_identity_provider(&self, body: &MetadataBody) -> Result<IdentityProvider, ApiError> {
        let wanted = body.entity_id.as_deref().map(EntityId::parse).transpose();
        let wanted = wanted.map_err(|e| ApiError::invalid("entity_id", e.0))?;
        match (&body.url, &body.xml) {
            (Some(url), None) => {
                let url = EndpointUrl::parse(url).map_err(|e| ApiError::invalid("url", e.0))?;
                self.fetch_identity_provider(&url, wanted.as_ref()).await
            }
            (None, Some(xml)) => self.pasted_identity_provider(xml, wanted.as_ref()),
            _ => Err(ApiError::invalid("url", "expected exactly one of url and xml")),
        }
    }

    /// Enables or disables a connection.
    pub(super) async fn set_state(
        &self,
        id: &ConnectionId,
        state: State,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        self.update(id, Change::State(state), actor).await
    }

    /// Deletes a connection and frees its domains.
    pub(super) async fn delete_connection(&self, id: &ConnectionId, actor: Actor) -> Result<Saved<()>, ApiError> {
        saved(self.ports.registry(Delete { id: id.clone(), actor }).await?)
    }

    async fn update(&self, id: &ConnectionId, change: Change, actor: Actor) -> Result<Saved<Connection>, ApiError> {
        let update = Update {
            id: id.clone(),
            change,
            from_generation: None,
            decryption_key: None,
            actor,
        };
        saved(self.ports.registry(update).await?)
    }

    /// A connection as the registry has it.
    pub(super) async fn existing(&self, id: &ConnectionId) -> Result<Connection, ApiError> {
        self.registered_connection(id)
            .await?
            .ok_or_else(|| refused(Refusal::NotFound))
    }
}

pub(super) fn saved<T>(answer: Answer<Result<T, Refusal>>) -> Result<Saved<T>, ApiError> {
    let Answer { reply, published } = answer;
    Ok(Answer {
        reply: reply.map_err(refused)?,
        published,
    })
}

/// Why the registry refuses a change.
pub(super) fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Changed => {
            let message =
                "Somebody else changed the connection at the same time. Read it again, then repeat the change.";
            ApiError::new(StatusCode::CONFLICT, "connection_changed", message)
        }
        Refusal::DomainTaken(domain) => {
            let message = format!(
                "Another connection has the domain {domain}. Remove it there first; or let both share it: they must be of the same \
                 organization, and both have share_domains set."
            );
            ApiError {
                field: Some("domains"),
                ..ApiError::new(StatusCode::CONFLICT, "domain_taken", message)
            }
        }
        Refusal::EntityChanged { saved, found } => {
            let message = format!(
                "The connection has the identity provider {saved}, the metadata describes {found}. If it is to be replaced, \
                 repeat the call with \"replace_entity\": true."
            );
            ApiError::new(StatusCode::CONFLICT, Code::EntityChanged.as_str(), message)
        }
        Refusal::Incomplete => {
            let message = "The connection has no identity provider yet. Save its metadata first.";
            ApiError::new(StatusCode::CONFLICT, "connection_incomplete", message)
        }
        Refusal::NoDecryptionKey => {
            let message = "The connection has no decryption key. Set decrypt_assertions to true first.";
            ApiError::new(StatusCode::CONFLICT, "no_decryption_key", message)
        }
        Refusal::HeldChanged => {
            let message = "Other metadata is held by now. Look at it again, then decide.";
            ApiError::new(StatusCode::CONFLICT, "held_metadata_changed", message)
        }
        Refusal::NothingHeld => ApiError::new(
            StatusCode::NOT_FOUND,
            "nothing_held",
            "No metadata of this connection waits for approval.",
        ),
        Refusal::NotFound => ApiError::new(
            StatusCode::NOT_FOUND,
            "connection_unknown",
            "There is no such connection.",
        ),
        Refusal::RotationStep(next) => {
            let message = format!("The next step of the rotation is {}.", step_name(next));
            ApiError::new(StatusCode::CONFLICT, "rotation_step", message)
        }
        Refusal::TooMany => ApiError::new(
            StatusCode::CONFLICT,
            "too_many_connections",
            "There are too many connections.",
        ),
    }
}

fn step_name(step: RotationStep) -> &'static str {
    match step {
        RotationStep::Activate => "activate",
        RotationStep::Prepare => "prepare",
        RotationStep::Retire => "retire",
    }
}
