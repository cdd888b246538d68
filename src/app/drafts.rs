//! What is done to drafts, for the admin API and the dashboard alike; and undoing.

use http::header::ETAG;
use http::{Method, StatusCode};
use serde::Serialize;

use super::App;
use super::api::condition::{DRAFT_STALE, conditional, draft_entity_tag};
use super::api::{read_body, read_optional_body};
use super::connections::{MetadataBody, OverrideBody, Saved, refused, saved};
use super::description::{DescriptionBody, Fields};
use super::error::ApiError;
use super::http::{Request, Response, insert, json, respond};
use super::ports::Ports;
use super::registry::drafts::{ApplyDraft, DiscardDraft, Draft, EditDraft, ReadDraft, RebaseDraft, Rebased, Seen};
use super::registry::versions::UndoChange;
use super::registry::{Actor, Change, FieldChange, Refusal};
use super::view::ConnectionView;
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;

impl<P: Ports> App<P> {
    /// The draft of a connection.
    pub(super) async fn read_draft(&self, id: &ConnectionId) -> Result<Draft, ApiError> {
        let read = self.ports.registry(ReadDraft { id: id.clone() }).await?.reply;
        read.map_err(refused)
    }

    /// Changes the fields of a draft that are `given`; begins one if there is none. Refused if `seen`, the revision that whoever
    /// makes the change has before them, is not the present one any more; it is 0 where there is no draft.
    pub(super) async fn patch_draft(
        &self,
        id: &ConnectionId,
        given: Fields,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Draft, ApiError> {
        let (now, mut from) = self.draft_or_live(id).await?;
        from.revision = seen.unwrap_or(from.revision);
        let description = DescriptionBody::patched(given, &now)?.read(self.ports.now())?;
        let edit = EditDraft {
            id: id.clone(),
            decryption_key: (self.first_decryption_key(&description.responses, &now.decryption_keys)).await?,
            change: Change::Describe(Box::new(description)),
            seen: Some(from),
            actor,
        };
        self.ports.registry(edit).await?.reply.map_err(refused)
    }

    /// Fetches or reads the metadata of an identity provider and saves it in the draft; begins one if there is none.
    pub(super) async fn save_draft_metadata(
        &self,
        id: &ConnectionId,
        body: MetadataBody,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Draft, ApiError> {
        let change = self.read_metadata(body).await?;
        self.edit_draft(id, change, seen, actor).await
    }

    /// Makes one change in the draft; begins one if there is none.
    pub(super) async fn edit_draft(
        &self,
        id: &ConnectionId,
        change: Change,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Draft, ApiError> {
        let edit = self.draft_edit(id, change, seen, actor).await?;
        self.ports.registry(edit).await?.reply.map_err(refused)
    }

    /// The call that makes one change in the draft.
    pub(super) async fn draft_edit(
        &self,
        id: &ConnectionId,
        change: Change,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<EditDraft, ApiError> {
        let (_, mut from) = self.draft_or_live(id).await?;
        from.revision = seen.unwrap_or(from.revision);
        Ok(EditDraft {
            id: id.clone(),
            change,
            seen: Some(from),
            decryption_key: None,
            actor,
        })
    }

    /// Brings a draft up to date with its connection.
    pub(super) async fn rebase_draft(
        &self,
        id: &ConnectionId,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Rebased, ApiError> {
        let rebase = RebaseDraft {
            id: id.clone(),
            revision: seen,
            actor,
        };
        self.ports.registry(rebase).await?.reply.map_err(refused)
    }

    /// Puts a draft in the place of the configuration: once a test has passed with exactly it, or for a reason that is given.
    pub(super) async fn apply_draft(
        &self,
        id: &ConnectionId,
        body: OverrideBody,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let apply = ApplyDraft {
            id: id.clone(),
            override_reason: body.read()?,
            revision: seen,
            actor,
        };
        saved(self.ports.registry(apply).await?)
    }

    /// Forgets a draft.
    pub(super) async fn discard_draft(
        &self,
        id: &ConnectionId,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<(), ApiError> {
        let discard = DiscardDraft {
            id: id.clone(),
            revision: seen,
            actor,
        };
        self.ports.registry(discard).await?.reply.map_err(refused)
    }

    /// Goes back to the configuration before the last change of it.
    pub(super) async fn undo_change(
        &self,
        id: &ConnectionId,
        seen: Option<u64>,
        actor: Actor,
    ) -> Result<Saved<Connection>, ApiError> {
        let undo = UndoChange {
            id: id.clone(),
            from_generation: seen,
            actor,
        };
        saved(self.ports.registry(undo).await?)
    }

    /// What an edit of a draft starts from.
    async fn draft_or_live(&self, id: &ConnectionId) -> Result<(Connection, Seen), ApiError> {
        match self.ports.registry(ReadDraft { id: id.clone() }).await?.reply {
            Ok(draft) => {
                let seen = Seen {
                    base_generation: draft.base_generation,
                    revision: draft.revision,
                };
                Ok((draft.connection, seen))
            }
            Err(Refusal::NoDraft) => {
                let live = self.existing(id).await?;
                let seen = Seen {
                    base_generation: live.generation,
                    revision: 0,
                };
                Ok((live, seen))
            }
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// `GET, PATCH, DELETE /connections/{id}/draft`.
    pub(super) async fn answer_draft(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.show_draft(&self.read_draft(id).await?).await;
        }
        let seen = self.seen_draft(id, request).await?;
        if *request.method() == Method::DELETE {
            self.discard_draft(id, seen, actor)
                .await
                .map_err(conditional(seen, DRAFT_STALE))?;
            return Ok(respond(StatusCode::NO_CONTENT, "application/json", ""));
        }
        let patched = self.patch_draft(id, read_body(request)?, seen, actor).await;
        self.show_draft(&patched.map_err(conditional(seen, DRAFT_STALE))?).await
    }

    /// `POST /connections/{id}/draft/metadata`.
    pub(super) async fn answer_draft_metadata(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let body: MetadataBody = read_body(request)?;
        if body.preview {
            let (present, _) = self.draft_or_live(id).await?;
            return self.show_preview(&present, &body).await;
        }
        let seen = self.seen_draft(id, request).await?;
        let saved = self.save_draft_metadata(id, body, seen, actor).await;
        self.show_draft(&saved.map_err(conditional(seen, DRAFT_STALE))?).await
    }

    /// `POST /connections/{id}/draft/rebase`.
    pub(super) async fn answer_rebase(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let seen = self.seen_draft(id, request).await?;
        let rebased = self.rebase_draft(id, seen, actor).await;
        let Rebased { draft, conflicts } = rebased.map_err(conditional(seen, DRAFT_STALE))?;
        let body = RebasedView {
            draft: self.draft_view(&draft).await,
            conflicts: &conflicts,
        };
        tagged(&body, &draft)
    }

    /// `POST /connections/{id}/draft/apply`.
    pub(super) async fn answer_apply(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let seen = self.seen_draft(id, request).await?;
        let applied = self.apply_draft(id, read_optional_body(request)?, seen, actor);
        Ok(self.show(&applied.await?).await)
    }

    /// A draft with its entity tag.
    async fn show_draft(&self, draft: &Draft) -> Result<Response, ApiError> {
        tagged(&self.draft_view(draft).await, draft)
    }

    async fn draft_view<'a>(&self, draft: &'a Draft) -> DraftView<'a> {
        let key = draft.connection.encryption_key();
        let mut connection = self.view(&draft.connection).await;
        connection.of_draft(draft.test_required);
        DraftView {
            base_generation: draft.base_generation,
            live_generation: draft.live_generation,
            outdated: draft.base_generation != draft.live_generation,
            revision: draft.revision,
            begun_at: draft.begun_at.to_rfc3339(),
            updated_at: draft.updated_at.to_rfc3339(),
            actor: &draft.actor,
            diff: &draft.diff,
            encryption_certificate: key.map(|key| key.certificate.as_base64()),
            connection,
        }
    }
}

/// A draft, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DraftView<'a> {
    base_generation: u64,
    live_generation: u64,
    /// Whether the connection was changed since, so that the draft has to be brought up to date.
    outdated: bool,
    revision: u64,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    begun_at: String,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    updated_at: String,
    actor: &'a Actor,
    diff: &'a [FieldChange],
    /// To what its identity provider may encrypt, once it is applied.
    encryption_certificate: Option<&'a str>,
    connection: ConnectionView<'a>,
}

/// A draft that was brought up to date, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RebasedView<'a> {
    #[serde(flatten)]
    draft: DraftView<'a>,
    /// The fields that were changed on both sides; the draft's are kept.
    conflicts: &'a [String],
}

/// What is shown of a draft, with its entity tag.
fn tagged(shown: &impl Serialize, draft: &Draft) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, shown);
    insert(&mut response, ETAG, &draft_entity_tag(draft)?);
    Ok(response)
}
