//! `/webhooks`: endpoints that are told of events, and what became of the events; for the admin API and the dashboard alike.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::App;
use super::api::query::Query;
use super::api::{read_body, status};
use super::config::Development;
use super::connections::Saved;
use super::description::line;
use super::error::ApiError;
use super::http::{Request, Response, json, number, respond};
use super::ports::{Answer, Ports};
use super::principal::Principal;
use super::registry::Actor;
use super::registry::events::EventKind;
use super::registry::outbox::{Delivery, DeliveryState, ListDeliveries, ReplayDelivery, ReplaySince, TestWebhook};
use super::registry::tokens::Scope;
use super::registry::webhooks::{
    AddWebhook, ChangeWebhook, DeleteWebhook, ListWebhooks, ReadWebhook, RotateWebhookSecret, Webhook, WebhookRefusal,
    WebhookSecret,
};
use crate::limits::{DELIVERIES_PER_PAGE, MAX_DELIVERIES_PER_PAGE, MAX_NAME_CHARACTERS};
use crate::saml::id::{EndpointUrl, EventId, WebhookId};
use crate::saml::time::Timestamp;

/// `POST /webhooks`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookBody {
    pub(super) url: String,
    #[serde(default)]
    #[cfg_attr(test, schemars(length(max = 100)))]
    pub(super) description: String,
    /// All but those of sign-ins, where nothing is said.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) events: Option<Vec<EventKind>>,
    #[serde(default)]
    pub(super) include_email: bool,
}

/// `PATCH /webhooks/{webhook}`.
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookPatch {
    pub(super) url: Option<String>,
    #[cfg_attr(test, schemars(length(max = 100)))]
    pub(super) description: Option<String>,
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(super) events: Option<Vec<EventKind>>,
    pub(super) include_email: Option<bool>,
    pub(super) enabled: Option<bool>,
}

/// `POST /webhooks/{webhook}/replay`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// Events that happened at this time or later.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    since: String,
}

/// An endpoint, as the API shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WebhookView<'a> {
    id: &'a WebhookId,
    /// Without the scope `write`, its origin alone.
    url: &'a EndpointUrl,
    description: &'a str,
    events: &'a [EventKind],
    /// Whether events of sign-ins say whose they are.
    include_email: bool,
    enabled: bool,
    /// Why it was switched off, where nobody did it.
    disabled_reason: Option<&'a str>,
    /// Until when requests are signed with the secret before the present one as well.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    previous_secret_until: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    created_at: String,
    created_by: &'a str,
    /// Since when every request to it has failed.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    failing_since: Option<String>,
    /// How many events wait for it.
    pending: u64,
    /// How many events it never got because there were too many, or they got too old.
    dropped: u64,
}

/// All endpoints, oldest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WebhookList<'a> {
    webhooks: Vec<WebhookView<'a>>,
}

/// An endpoint with a secret that was just made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WebhookWithSecret<'a> {
    #[serde(flatten)]
    webhook: WebhookView<'a>,
    /// What its requests are signed with: shown here, and never again.
    secret: &'a str,
}

/// Deliveries, newest first.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DeliveryList<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    /// What `before` has to be for the next page; none when this page is not full, so that it is the last.
    next_before: Option<i64>,
}

/// An event on its way to an endpoint.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DeliveryView<'a> {
    /// The event; the header `webhook-id` of its requests.
    event: &'a EventId,
    #[serde(rename = "type")]
    kind: &'a str,
    /// When it happened.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    state: DeliveryState,
    attempts: u32,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    next_attempt_at: Option<String>,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    last_attempt_at: Option<String>,
    /// The HTTP status of the last answer, if there was one.
    last_status: Option<u16>,
    /// Why the last attempt failed: `status`, `timeout`, `connection`, `dns` or `private_address`.
    last_problem: Option<&'a str>,
}

/// How many events are sent once more.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Replayed {
    replayed: u64,
}

impl<'a> WebhookView<'a> {
    fn of(webhook: &'a Webhook, now: Timestamp) -> Self {
        let previous = webhook.previous_secret_until.filter(|until| now < *until);
        Self {
            id: &webhook.id,
            url: &webhook.url,
            description: &webhook.description,
            events: &webhook.events,
            include_email: webhook.include_email,
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason.as_deref(),
            previous_secret_until: previous.map(Timestamp::to_rfc3339),
            created_at: webhook.created_at.to_rfc3339(),
            created_by: webhook.created_by.as_str(),
            failing_since: webhook.failing_since.map(Timestamp::to_rfc3339),
            pending: webhook.pending,
            dropped: webhook.dropped,
        }
    }
}

impl<'a> DeliveryView<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        Self {
            event: &delivery.event,
            kind: &delivery.kind,
            at: delivery.at.to_rfc3339(),
            state: delivery.state,
            attempts: delivery.attempts,
            next_attempt_at: delivery.due_at.map(Timestamp::to_rfc3339),
            last_attempt_at: delivery.attempted_at.map(Timestamp::to_rfc3339),
            last_status: delivery.status,
            last_problem: delivery.problem.as_deref(),
        }
    }
}

impl<P: Ports> App<P> {
    /// All endpoints, oldest first, as somebody with the scopes `held` may see them.
    pub(super) async fn list_webhooks(&self, held: &[Scope]) -> Result<Vec<Webhook>, ApiError> {
        let webhooks = self.ports.registry(ListWebhooks {}).await?.reply;
        Ok(webhooks.into_iter().map(|webhook| seen_with(held, webhook)).collect())
    }

    /// An endpoint, as somebody with the scopes `held` may see it.
    pub(super) async fn read_webhook(&self, id: &WebhookId, held: &[Scope]) -> Result<Webhook, ApiError> {
        let read = ReadWebhook { id: id.clone() };
        let webhook = self.ports.registry(read).await?.reply.map_err(refused)?;
        Ok(seen_with(held, webhook))
    }

    /// Makes an endpoint, enabled; it and its secret, which is shown once.
    pub(super) async fn create_webhook(
        &self,
        given: WebhookBody,
        actor: Actor,
    ) -> Result<Saved<(Webhook, WebhookSecret)>, ApiError> {
        let secret = WebhookSecret::new(&self.ports.random()?);
        let add = AddWebhook {
            id: WebhookId::from_random(&self.ports.random()?),
            url: self.webhook_url(&given.url)?,
            description: description(&given.description)?,
            events: given.events.map_or_else(|| Ok(usual_events()), events)?,
            include_email: given.include_email,
            secret: secret.clone(),
            actor,
        };
        let Answer { reply, published } = saved(self.ports.registry(add).await?)?;
        Ok(Answer {
            reply: (reply, secret),
            published,
        })
    }

    /// Changes what is given of an endpoint; refused if it is not the one any more that was `seen`.
    pub(super) async fn patch_webhook(
        &self,
        id: &WebhookId,
        given: WebhookPatch,
        seen: Option<String>,
        actor: Actor,
    ) -> Result<Saved<Webhook>, ApiError> {
        let change = ChangeWebhook {
            id: id.clone(),
            url: given.url.map(|url| self.webhook_url(&url)).transpose()?,
            description: given.description.map(|text| description(&text)).transpose()?,
            events: given.events.map(events).transpose()?,
            include_email: given.include_email,
            enabled: given.enabled,
            seen,
            actor,
        };
        saved(self.ports.registry(change).await?)
    }

    /// Deletes an endpoint, and what waits for it.
    pub(super) async fn delete_webhook(&self, id: &WebhookId, actor: Actor) -> Result<Saved<()>, ApiError> {
        let delete = DeleteWebhook { id: id.clone(), actor };
        saved(self.ports.registry(delete).await?)
    }

    /// Gives an endpoint another secret, which is shown once. The one before signs as well for a day.
    pub(super) async fn rotate_webhook_secret(
        &self,
        id: &WebhookId,
        actor: Actor,
    ) -> Result<(Webhook, WebhookSecret), ApiError> {
        let secret = WebhookSecret::new(&self.ports.random()?);
        let rotate = RotateWebhookSecret {
            id: id.clone(),
            secret: secret.clone(),
            actor,
        };
        let webhook = self.ports.registry(rotate).await?.reply.map_err(refused)?;
        Ok((webhook, secret))
    }

    /// The deliveries to an endpoint, newest first.
    pub(super) async fn list_deliveries(
        &self,
        id: &WebhookId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Delivery>, ApiError> {
        let list = ListDeliveries {
            id: id.clone(),
            before,
            limit,
        };
        self.ports.registry(list).await?.reply.map_err(refused)
    }

    /// Sends an event to an endpoint once more.
    pub(super) async fn replay_delivery(
        &self,
        id: &WebhookId,
        event: &EventId,
        actor: Actor,
    ) -> Result<Delivery, ApiError> {
        let replay = ReplayDelivery {
            id: id.clone(),
            event: event.clone(),
            actor,
        };
        self.ports.registry(replay).await?.reply.map_err(refused)
    }

    /// Sends an event to an endpoint that tells of nothing.
    pub(super) async fn test_webhook(&self, id: &WebhookId, actor: Actor) -> Result<Delivery, ApiError> {
        let test = TestWebhook { id: id.clone(), actor };
        self.ports.registry(test).await?.reply.map_err(refused)
    }

    fn webhook_url(&self, text: &str) -> Result<EndpointUrl, ApiError> {
        let url = EndpointUrl::parse(text).map_err(|e| ApiError::invalid("url", e.0))?;
        // What its name leads to is looked at each time that something is sent.
        if self.config.development == Development::On || (url.is_https() && !url.is_private()) {
            Ok(url)
        } else {
            Err(ApiError::invalid("url", "expected a public https:// address"))
        }
    }

    /// `GET, POST /webhooks`.
    pub(super) async fn answer_webhooks(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        let now = self.ports.now();
        if *request.method() == Method::POST {
            let created = self.create_webhook(read_body(request)?, caller.actor()).await?;
            let (webhook, secret) = &created.reply;
            let body = WebhookWithSecret {
                webhook: WebhookView::of(webhook, now),
                secret: secret.reveal(),
            };
            return Ok(json(status(StatusCode::CREATED, created.published), &body));
        }
        let webhooks = self.list_webhooks(&caller.scopes).await?;
        let webhooks = webhooks.iter().map(|webhook| WebhookView::of(webhook, now)).collect();
        Ok(json(StatusCode::OK, &WebhookList { webhooks }))
    }

    /// `GET, PATCH, DELETE /webhooks/{webhook}`.
    pub(super) async fn answer_webhook(
        &self,
        id: &WebhookId,
        request: &Request,
        caller: &Principal,
    ) -> Result<Response, ApiError> {
        let Answer { reply, published } = match *request.method() {
            Method::DELETE => {
                let deleted = self.delete_webhook(id, caller.actor()).await?;
                let status = status(StatusCode::NO_CONTENT, deleted.published);
                return Ok(respond(status, "application/json", ""));
            }
            Method::PATCH => {
                self.patch_webhook(id, read_body(request)?, None, caller.actor())
                    .await?
            }
            _ => Answer {
                reply: self.read_webhook(id, &caller.scopes).await?,
                published: true,
            },
        };
        let view = WebhookView::of(&reply, self.ports.now());
        Ok(json(status(StatusCode::OK, published), &view))
    }

    /// `POST /webhooks/{webhook}/rotate-secret`.
    pub(super) async fn answer_rotate_secret(&self, id: &WebhookId, actor: Actor) -> Result<Response, ApiError> {
        let (webhook, secret) = self.rotate_webhook_secret(id, actor).await?;
        let body = WebhookWithSecret {
            webhook: WebhookView::of(&webhook, self.ports.now()),
            secret: secret.reveal(),
        };
        Ok(json(StatusCode::OK, &body))
    }

    /// `GET /webhooks/{webhook}/deliveries`.
    pub(super) async fn answer_deliveries(&self, id: &WebhookId, request: &Request) -> Result<Response, ApiError> {
        let query = Query::read(request, &["before", "limit"])?;
        let before = query.field("before", "next_before of the page before", number)?;
        let limit = query.field("limit", "1 to 100", |text| {
            number(text).filter(|limit| (1..=MAX_DELIVERIES_PER_PAGE).contains(limit))
        })?;
        let limit = limit.unwrap_or(DELIVERIES_PER_PAGE);
        let deliveries = self.list_deliveries(id, before, limit).await?;
        let is_full = i64::try_from(deliveries.len()).is_ok_and(|count| count >= limit);
        let last = deliveries.last().map(|delivery| delivery.sequence);
        let body = DeliveryList {
            next_before: last.filter(|_| is_full),
            deliveries: deliveries.iter().map(DeliveryView::of).collect(),
        };
        Ok(json(StatusCode::OK, &body))
    }

    /// `POST /webhooks/{webhook}/deliveries/{event}/replay`.
    pub(super) async fn answer_replay_delivery(
        &self,
        id: &WebhookId,
        event: &EventId,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let delivery = self.replay_delivery(id, event, actor).await?;
        Ok(json(StatusCode::OK, &DeliveryView::of(&delivery)))
    }

    /// `POST /webhooks/{webhook}/replay`.
    pub(super) async fn answer_replay(
        &self,
        id: &WebhookId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        let ReplayBody { since } = read_body(request)?;
        let since = Timestamp::parse_rfc3339(&since)
            .ok_or_else(|| ApiError::invalid("since", "expected a date and time (RFC 3339)"))?;
        let id = id.clone();
        let replay = ReplaySince { id, since, actor };
        let replayed = self.ports.registry(replay).await?.reply.map_err(refused)?;
        Ok(json(StatusCode::OK, &Replayed { replayed }))
    }

    /// `POST /webhooks/{webhook}/test`.
    pub(super) async fn answer_test_webhook(&self, id: &WebhookId, actor: Actor) -> Result<Response, ApiError> {
        let delivery = self.test_webhook(id, actor).await?;
        Ok(json(StatusCode::OK, &DeliveryView::of(&delivery)))
    }
}

/// What somebody with the scopes `held` sees of an endpoint. Whoever cannot change it sees the origin of its address alone: path and query may
/// be a secret of whoever receives.
fn seen_with(held: &[Scope], webhook: Webhook) -> Webhook {
    if Scope::Write.is_allowed_by(held) {
        return webhook;
    }
    Webhook {
        url: webhook.url.origin(),
        ..webhook
    }
}

/// What an endpoint is told that asks for nothing else: all but what there is one of for each sign-in.
pub(super) fn usual_events() -> Vec<EventKind> {
    let all = EventKind::ALL.iter().copied();
    all.filter(|kind| !kind.is_of_sign_ins()).collect()
}

fn events(mut events: Vec<EventKind>) -> Result<Vec<EventKind>, ApiError> {
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(ApiError::invalid("events", "expected at least one event"));
    }
    Ok(events)
}

fn description(text: &str) -> Result<String, ApiError> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let expected = || ApiError::invalid("description", "expected at most 100 characters on one line");
    line(text, MAX_NAME_CHARACTERS).ok_or_else(expected)
}

fn saved<T>(answer: Answer<Result<T, WebhookRefusal>>) -> Result<Saved<T>, ApiError> {
    let Answer { reply, published } = answer;
    Ok(Answer {
        reply: reply.map_err(refused)?,
        published,
    })
}

fn refused(refusal: WebhookRefusal) -> ApiError {
    match refusal {
        WebhookRefusal::Changed => {
            let message =
                "Somebody else changed the webhook meanwhile. The page shows it as it is now; look, then do it again.";
            ApiError::new(StatusCode::CONFLICT, "webhook_changed", message)
        }
        WebhookRefusal::Disabled => {
            let message = "The webhook is disabled. Enable it first.";
            ApiError::new(StatusCode::CONFLICT, "webhook_disabled", message)
        }
        WebhookRefusal::TooMany => {
            let message = "There are too many webhooks. Delete one first.";
            ApiError::new(StatusCode::CONFLICT, "too_many_webhooks", message)
        }
        WebhookRefusal::Unknown => ApiError::new(StatusCode::NOT_FOUND, "webhook_unknown", "There is no such webhook."),
        WebhookRefusal::UnknownDelivery => {
            let message = "This event was not sent to this webhook, or it is not kept any more.";
            ApiError::new(StatusCode::NOT_FOUND, "delivery_unknown", message)
        }
    }
}
