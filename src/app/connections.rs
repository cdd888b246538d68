//! What is done to connections: one function for each change, for the admin API and the dashboard alike.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;

use super::App;
use super::description::{DescriptionBody, Fields, line};
use super::error::ApiError;
use super::ports::{Answer, Ports, Unavailable};
use super::registry::idempotency::Repeatable;
use super::registry::refresh::{DecideHeld, Decision, HeldMetadata, ReadHeld, ReadRefresh, RefreshState};
use super::registry::tested::{ReadTestStatuses, TestStatus};
use super::registry::{Actor, Change, Create, Delete, ListPage, Refusal, Update};
use crate::code::Code;
use crate::limits::MAX_REASON_CHARACTERS;
use crate::saml::connection::{Connection, IdentityProvider};
use crate::saml::id::{ConnectionId, EndpointUrl, EntityId};
use crate::saml::idp_diff::{self, changes};

/// What an operation left, and whether it has reached every place yet; if not, it will by itself.
pub(super) type Saved<T> = Answer<T>;

/// Which metadata is to be saved: exactly one of `url` and `xml`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// Why a configuration goes live without a passed test, if it is to.
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideBody {
    #[cfg_attr(test, schemars(length(min = 1, max = 500)))]
    pub(super) override_reason: Option<String>,
}

impl OverrideBody {
    /// The reason, checked.
    pub(super) fn read(self) -> Result<Option<String>, ApiError> {
        let expected = || ApiError::invalid("override_reason", "expected 1 to 500 characters on one line");
        let read = |reason: String| line(&reason, MAX_REASON_CHARACTERS).ok_or_else(expected);
        self.override_reason.map(read).transpose()
    }
}

impl<P: Ports> App<P> {
    /// Creates a connection, disabled. What `given` leaves out is as by default.
    /// What is `repeatable` is done once, however often it is asked for.
    pub(super) async fn create_connection(
        &self,
        given: Fields,
        repeatable: Option<Repeatable>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let description = DescriptionBody::created(given)?.read(self.ports.now())?;
        let create = Create {
            id: ConnectionId::from_random(&self.ports.random()?),
            decryption_key: self.first_decryption_key(&description.responses, &[]).await?,
            description,
            repeatable,
            actor,
        };
        saved(self.ports.registry(create).await?)
    }

    /// Changes the fields of a connection that are `given`. Refused, as every change is, if `seen`, the generation that whoever
    /// makes the change has before them, is not the present one any more.
    pub(super) async fn patch_connection(
        &self,
        id: &ConnectionId,
        given: Fields,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let now = self.existing(id).await?;
        let description = DescriptionBody::patched(given, &now)?.read(self.ports.now())?;
        let update = Update {
            id: id.clone(),
            decryption_key: (self.first_decryption_key(&description.responses, &now.decryption_keys)).await?,
            change: Change::Describe(Box::new(description)),
            from_generation: Some(seen.unwrap_or(now.generation)),
            actor,
        };
        saved(self.ports.registry(update).await?)
    }

    /// Fetches or reads the metadata of an identity provider and saves it.
    pub(super) async fn save_metadata(
        &self,
        id: &ConnectionId,
        body: MetadataBody,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        self.existing(id).await?;
        let change = self.read_metadata(body).await?;
        self.update(id, change, seen, actor).await
    }

    /// Fetches or reads the metadata of an identity provider: the change that saves it.
    pub(super) async fn read_metadata(&self, body: MetadataBody) -> Result<Change, ApiError> {
        Ok(Change::IdentityProvider {
            found: Box::new(self.find_identity_provider(&body).await?),
            replace_entity: body.replace_entity,
        })
    }

    /// Fetches or reads the metadata of an identity provider, and saves nothing: what it would change of `present`.
    pub(super) async fn preview_metadata(
        &self,
        present: &Connection,
        body: &MetadataBody,
    ) -> Result<MetadataPreview, ApiError> {
        let found = self.find_identity_provider(body).await?;
        Ok(MetadataPreview {
            diff: changes(present.identity_provider.as_ref(), &found),
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

    /// How fetching the metadata of a connection again went; nothing where it is not fetched.
    pub(super) async fn read_refresh(&self, id: &ConnectionId) -> Result<Option<RefreshState>, Unavailable> {
        Ok(self.ports.registry(ReadRefresh { id: id.clone() }).await?.reply)
    }

    /// The metadata of a connection that waits for approval.
    pub(super) async fn read_held(&self, id: &ConnectionId) -> Result<Option<HeldMetadata>, Unavailable> {
        Ok(self.ports.registry(ReadHeld { id: id.clone() }).await?.reply)
    }

    /// Decides what becomes of the metadata `version` that is held of a connection.
    pub(super) async fn decide_held(
        &self,
        id: &ConnectionId,
        version: String,
        decision: Decision,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let decide = DecideHeld {
            id: id.clone(),
            version,
            decision,
            actor,
        };
        saved(self.ports.registry(decide).await?)
    }

    /// Enables a connection: once a test has passed with exactly its configuration, or for a reason that is given.
    pub(super) async fn enable_connection(
        &self,
        id: &ConnectionId,
        body: OverrideBody,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let override_reason = body.read()?;
        self.update(id, Change::Enable { override_reason }, seen, actor).await
    }

    /// Disables a connection.
    pub(super) async fn disable_connection(
        &self,
        id: &ConnectionId,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        self.update(id, Change::Disable, seen, actor).await
    }

    /// How the tests of each of these connections stand.
    pub(super) async fn test_statuses(
        &self,
        ids: Vec<ConnectionId>,
    ) -> Result<BTreeMap<ConnectionId, TestStatus>, Unavailable> {
        Ok(self.ports.registry(ReadTestStatuses { ids }).await?.reply)
    }

    /// Deletes a connection and frees its domains.
    pub(super) async fn delete_connection(
        &self,
        id: &ConnectionId,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<()>, ApiError> {
        let delete = Delete {
            id: id.clone(),
            from_generation: seen,
            actor,
        };
        saved(self.ports.registry(delete).await?)
    }

    /// Makes one change.
    pub(super) async fn update(
        &self,
        id: &ConnectionId,
        change: Change,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        saved(self.ports.registry(plain_update(id, change, seen, actor)).await?)
    }

    /// All connections, oldest first, read a part at a time.
    pub(super) async fn all_connections(&self) -> Result<Vec<Connection>, Unavailable> {
        let (mut connections, mut next) = (Vec::new(), Some(0));
        while let Some(after) = next {
            let page = self.ports.registry(ListPage::all_after(after)).await?.reply;
            connections.extend(page.connections);
            next = page.next;
        }
        Ok(connections)
    }

    /// A connection as the registry has it.
    pub(super) async fn existing(&self, id: &ConnectionId) -> Result<Connection, ApiError> {
        self.registered_connection(id)
            .await?
            .ok_or_else(|| refused(Refusal::NotFound))
    }
}

/// The call that makes one change which needs nothing beside it.
pub(super) fn plain_update(id: &ConnectionId, change: Change, seen: Option<u64>, actor: Actor) -> Update {
    Update {
        id: id.clone(),
        change,
        from_generation: seen,
        decryption_key: None,
        actor,
    }
}

/// What the registry answers to a change.
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
        Refusal::Deleted => deleted(),
        Refusal::DomainTaken(domain) => {
            let message = format!(
                "Another connection has the domain {domain}. Remove it there first; or let both share it: they must be of the same \
                 organization, and both have share_domains set."
            );
            ApiError {
                field: Some("domains".into()),
                ..ApiError::new(StatusCode::CONFLICT, "domain_taken", message)
            }
        }
        Refusal::DomainUnproven(domain) => {
            let message = format!(
                "The domain {domain} is not proven to be the customer's, which this deployment demands. GET …/domains tells the record to \
                 make, POST …/domains/{domain}/verify looks for it."
            );
            ApiError {
                field: Some("domains".into()),
                ..ApiError::new(StatusCode::CONFLICT, Code::DomainUnproven.as_str(), message)
            }
        }
        Refusal::DraftOutdated => {
            let message = "The connection was changed since its draft was begun. Bring the draft up to date (POST …/draft/rebase), \
                           then test and apply it.";
            ApiError::new(StatusCode::CONFLICT, "connection_changed", message)
        }
        Refusal::EntityChanged { saved, found } => {
            let message = format!(
                "The connection has the identity provider {saved}, the metadata describes {found}. If it is to be replaced, \
                 repeat the call with \"replace_entity\": true."
            );
            ApiError::new(StatusCode::CONFLICT, Code::EntityChanged.as_str(), message)
        }
        Refusal::Exists => exists(),
        Refusal::Incomplete => {
            let message = "The connection has no identity provider yet. Save its metadata first.";
            ApiError::new(StatusCode::CONFLICT, "connection_incomplete", message)
        }
        Refusal::NoDecryptionKey => {
            let message = "The connection has no decryption key. Set decrypt_assertions to true first.";
            ApiError::new(StatusCode::CONFLICT, "no_decryption_key", message)
        }
        Refusal::KeyReused => {
            let message =
                "This Idempotency-Key came with another body before. Take a fresh one for each thing to be done.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message)
        }
        Refusal::NoDraft => ApiError::new(StatusCode::NOT_FOUND, "draft_unknown", "The connection has no draft."),
        Refusal::NothingToUndo => {
            let message = "There is no version of the connection with another configuration.";
            ApiError::new(StatusCode::CONFLICT, "nothing_to_undo", message)
        }
        Refusal::NoSuchSetupLink => ApiError::new(
            StatusCode::NOT_FOUND,
            "setup_link_unknown",
            "There is no such setup link.",
        ),
        Refusal::NoSuchVersion => {
            let message = "There is no such version of the connection, or it is not kept any more.";
            ApiError::new(StatusCode::NOT_FOUND, "version_unknown", message)
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
            let message = format!("The next step of the rotation is {}.", next.as_str());
            ApiError::new(StatusCode::CONFLICT, "rotation_step", message)
        }
        Refusal::TestRequired => {
            let message = "No test has passed with exactly this configuration. Begin one (POST …/tests) and finish it in a browser, or \
                           say why it is not needed: {\"override_reason\": \"…\"}.";
            ApiError::new(StatusCode::CONFLICT, "test_required", message)
        }
        Refusal::TooManyProofs => {
            let message = "Too many domains were looked up for this connection. Remove domains from it first.";
            ApiError::new(StatusCode::CONFLICT, "too_many_domains", message)
        }
        Refusal::TooMany => ApiError::new(
            StatusCode::CONFLICT,
            "too_many_connections",
            "There are too many connections.",
        ),
    }
}

fn deleted() -> ApiError {
    let message = "A connection of this id was deleted here, and what it had used is forgotten. Leave the id out: the connection gets a \
                   new one, and with it new addresses for its identity provider.";
    ApiError {
        field: Some("id".into()),
        ..ApiError::new(StatusCode::CONFLICT, "connection_deleted", message)
    }
}

fn exists() -> ApiError {
    let message =
        "There is a connection of this id, with another configuration. If it is to be replaced, set mode to replace.";
    ApiError {
        field: Some("id".into()),
        ..ApiError::new(StatusCode::CONFLICT, "connection_exists", message)
    }
}
