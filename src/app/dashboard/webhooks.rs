//! `/sso/admin/webhooks`: the webhooks, a form that makes one, and a page for each with what was sent to it.

use askama::Template;
use http::StatusCode;

use super::field::{Field, Kind, Maker};
use super::form::Form;
use super::parts::{Pill, day, minute};
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::error::ApiError;
use crate::app::http::{Request, Response, field, number, see_other};
use crate::app::ports::Ports;
use crate::app::registry::events::EventKind;
use crate::app::registry::outbox::{Delivery, DeliveryState};
use crate::app::registry::webhooks::Webhook;
use crate::app::route::WebhookAction;
use crate::app::webhooks::{WebhookBody, WebhookPatch, usual_events};
use crate::limits::DELIVERIES_PER_PAGE;
use crate::saml::id::{EventId, WebhookId};

#[derive(Template)]
#[template(path = "admin/webhooks.html")]
struct WebhooksPage<'a> {
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    deleted: bool,
    form: WebhookForm,
}

#[derive(Template)]
#[template(path = "admin/webhook.html")]
struct WebhookPage<'a> {
    chrome: Chrome<'a>,
    row: Row<'a>,
    /// A secret that was just made: told once.
    secret: Option<&'a str>,
    notice: Option<&'static str>,
    problem: Option<String>,
    disabled_reason: Option<&'a str>,
    failing_since: Option<String>,
    previous_until: Option<String>,
    deliveries: Vec<DeliveryShown<'a>>,
    /// Leads to the older ones.
    next: Option<i64>,
    form: WebhookForm,
}

struct Row<'a> {
    webhook: &'a Webhook,
    state: Pill,
    made: String,
}

struct DeliveryShown<'a> {
    delivery: &'a Delivery,
    state: Pill,
    at: String,
    answer: String,
    next: Option<String>,
}

/// The fields of a webhook.
struct WebhookForm {
    url: Field,
    description: Field,
    events: Vec<Field>,
    events_error: Option<String>,
    include_email: Field,
    /// What it shows, or showed where it comes back with what was typed: nobody is to overwrite what they have not seen.
    seen: String,
    problem: Option<String>,
}

impl WebhookForm {
    fn has_error(&self) -> bool {
        self.url.error.is_some()
            || self.description.error.is_some()
            || self.events_error.is_some()
            || self.problem.is_some()
    }

    fn of(webhook: Option<&Webhook>, attempt: Option<(&Form, &ApiError)>) -> Self {
        let maker = Maker::named("webhook", attempt);
        let url = maker
            .field(
                "url",
                "Address",
                "Events are sent there by POST. It must be public and https.",
                Kind::Line("url"),
                webhook.map_or("", |webhook| webhook.url.as_str()),
            )
            .placeholder("https://app.example.com/hooks/sso");
        let description = maker
            .line(
                "description",
                "Description",
                "What receives them, for people who look at this list.",
                webhook.map_or("", |webhook| webhook.description.as_str()),
            )
            .optional();
        let usual = usual_events();
        let chosen = webhook.map_or(usual.as_slice(), |webhook| webhook.events.as_slice());
        let event = |kind: &EventKind| {
            maker.one_of_some(
                "events",
                kind.as_str(),
                kind.as_str(),
                kind.meaning(),
                chosen.contains(kind),
            )
        };
        let include_email = maker.tick(
            "include_email",
            "Say who signed in",
            "Events of sign-ins then hold the person's e-mail address.",
            webhook.is_some_and(|webhook| webhook.include_email),
        );
        let events_error = maker.choose_some("events");
        Self {
            problem: maker.problem(&[&url, &description]).filter(|_| events_error.is_none()),
            events: EventKind::ALL.iter().map(event).collect(),
            url,
            description,
            events_error,
            include_email,
            seen: match (attempt, webhook) {
                (Some((form, _)), _) => form.text("seen").to_owned(),
                (_, webhook) => webhook
                    .map(|webhook| webhook.shown().as_str().to_owned())
                    .unwrap_or_default(),
            },
        }
    }
}

/// What came of the last form, and what is told once.
#[derive(Default)]
struct Shown<'a> {
    attempt: Option<(&'a Form, &'a ApiError)>,
    secret: Option<&'a str>,
    notice: Option<&'static str>,
    problem: Option<String>,
    before: Option<i64>,
}

impl<P: Ports> App<P> {
    pub(super) async fn show_webhooks(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let deleted = done(request).as_deref() == Some("delete");
        self.webhooks_page(StatusCode::OK, visitor, None, deleted).await
    }

    pub(super) async fn add_webhook(&self, visitor: &Visitor, request: &Request) -> Result<Response, Failure> {
        let form = Form::read(request.body());
        let body = WebhookBody {
            url: form.text("url").to_owned(),
            description: form.text("description").to_owned(),
            events: Some(chosen_events(&form)),
            include_email: form.ticked("include_email"),
        };
        match self.create_webhook(body, visitor.actor()).await {
            Ok(created) => {
                let (webhook, secret) = &created.reply;
                let shown = Shown {
                    secret: Some(secret.reveal()),
                    notice: Some("The webhook is made."),
                    ..Shown::default()
                };
                self.webhook_page(StatusCode::CREATED, visitor, webhook, shown).await
            }
            Err(error) if error.status.is_client_error() => {
                let attempt = Some((&form, &error));
                self.webhooks_page(error.status, visitor, attempt, false).await
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn show_webhook(
        &self,
        visitor: &Visitor,
        id: &WebhookId,
        request: &Request,
    ) -> Result<Response, Failure> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let before = field(query, "before").ok().flatten();
        let shown = Shown {
            notice: match done(request).as_deref() {
                Some("change") => Some("Saved."),
                Some("disable") => Some("The webhook is disabled: nothing is sent to it."),
                Some("enable") => Some("The webhook is enabled."),
                Some("replay") => Some("The event is sent once more."),
                Some("test") => Some("A test event is on its way. Load the page again to see how it was answered."),
                _ => None,
            },
            before: before.and_then(|text| number(&text)),
            ..Shown::default()
        };
        let webhook = self.webhook_or_nothing(id, visitor).await?;
        self.webhook_page(StatusCode::OK, visitor, &webhook, shown).await
    }

    pub(super) async fn act_on_webhook(
        &self,
        visitor: &Visitor,
        id: &WebhookId,
        action: WebhookAction,
        request: &Request,
    ) -> Result<Response, Failure> {
        let form = Form::read(request.body());
        self.webhook_or_nothing(id, visitor).await?;
        let patch = |enabled| WebhookPatch {
            enabled: Some(enabled),
            ..WebhookPatch::default()
        };
        let done = match action {
            WebhookAction::Change => {
                let patch = WebhookPatch {
                    url: Some(form.text("url").to_owned()),
                    description: Some(form.text("description").to_owned()),
                    events: Some(chosen_events(&form)),
                    include_email: Some(form.ticked("include_email")),
                    enabled: None,
                };
                let seen = Some(form.text("seen").to_owned());
                self.patch_webhook(id, patch, seen, visitor.actor()).await.map(|_| ())
            }
            WebhookAction::Delete => self.delete_webhook(id, visitor.actor()).await.map(|_| ()),
            WebhookAction::Disable => self
                .patch_webhook(id, patch(false), None, visitor.actor())
                .await
                .map(|_| ()),
            WebhookAction::Enable => self
                .patch_webhook(id, patch(true), None, visitor.actor())
                .await
                .map(|_| ()),
            WebhookAction::Replay => {
                let event = EventId::parse(form.text("event")).map_err(|_| Failure::NoForm)?;
                self.replay_delivery(id, &event, visitor.actor()).await.map(|_| ())
            }
            WebhookAction::RotateSecret => {
                let (webhook, secret) = self.rotate_webhook_secret(id, visitor.actor()).await?;
                let shown = Shown {
                    secret: Some(secret.reveal()),
                    notice: Some("The webhook has a new secret."),
                    ..Shown::default()
                };
                return self.webhook_page(StatusCode::OK, visitor, &webhook, shown).await;
            }
            WebhookAction::Test => self.test_webhook(id, visitor.actor()).await.map(|_| ()),
        };
        match (done, action) {
            (Ok(()), WebhookAction::Delete) => Ok(see_other("/sso/admin/webhooks?done=delete")),
            (Ok(()), _) => Ok(see_other(&format!("/sso/admin/webhooks/{id}?done={}", action.as_str()))),
            (Err(error), _) if error.status.is_client_error() => {
                let webhook = self.webhook_or_nothing(id, visitor).await?;
                let shown = if action == WebhookAction::Change && error.code != "webhook_changed" {
                    Shown {
                        attempt: Some((&form, &error)),
                        ..Shown::default()
                    }
                } else {
                    Shown {
                        problem: Some(error.message.clone()),
                        ..Shown::default()
                    }
                };
                self.webhook_page(error.status, visitor, &webhook, shown).await
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn webhook_or_nothing(&self, id: &WebhookId, visitor: &Visitor) -> Result<Webhook, Failure> {
        match self.read_webhook(id, &visitor.scopes).await {
            Err(error) if error.status == StatusCode::NOT_FOUND => Err(Failure::NotFound),
            read => Ok(read?),
        }
    }

    async fn webhooks_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        attempt: Option<(&Form, &ApiError)>,
        deleted: bool,
    ) -> Result<Response, Failure> {
        let webhooks = self.list_webhooks(&visitor.scopes).await?;
        let page = WebhooksPage {
            chrome: visitor.chrome(),
            rows: webhooks.iter().map(row).collect(),
            deleted,
            form: WebhookForm::of(None, attempt),
        };
        Ok(render(status, &page))
    }

    async fn webhook_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        webhook: &Webhook,
        shown: Shown<'_>,
    ) -> Result<Response, Failure> {
        let deliveries = self
            .list_deliveries(&webhook.id, shown.before, DELIVERIES_PER_PAGE)
            .await?;
        let is_full = i64::try_from(deliveries.len()).is_ok_and(|count| count >= DELIVERIES_PER_PAGE);
        let previous = webhook.previous_secret_until.filter(|until| self.ports.now() < *until);
        let page = WebhookPage {
            chrome: visitor.chrome(),
            row: row(webhook),
            secret: shown.secret,
            notice: shown.notice,
            problem: shown.problem,
            disabled_reason: webhook.disabled_reason.as_deref(),
            failing_since: webhook.failing_since.map(minute),
            previous_until: previous.map(minute),
            next: deliveries.last().map(|last| last.sequence).filter(|_| is_full),
            deliveries: deliveries.iter().map(delivery_shown).collect(),
            form: WebhookForm::of(Some(webhook), shown.attempt),
        };
        Ok(render(status, &page))
    }
}

fn done(request: &Request) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    field(query.as_bytes(), "done").ok().flatten()
}

fn chosen_events(form: &Form) -> Vec<EventKind> {
    form.all("events").filter_map(EventKind::parse).collect()
}

fn row(webhook: &Webhook) -> Row<'_> {
    let (words, tone) = match (webhook.enabled, webhook.failing_since) {
        (false, _) => ("Disabled", "quiet"),
        (true, Some(_)) => ("Failing", "bad"),
        (true, None) => ("Enabled", "good"),
    };
    Row {
        webhook,
        state: Pill { words, tone },
        made: day(webhook.created_at),
    }
}

fn delivery_shown(delivery: &Delivery) -> DeliveryShown<'_> {
    let (words, tone) = match (delivery.state, delivery.attempts) {
        (DeliveryState::Delivered, _) => ("Delivered", "good"),
        (DeliveryState::Failed, _) => ("Failed", "bad"),
        (DeliveryState::Pending, 0) => ("Waiting", "quiet"),
        (DeliveryState::Pending, _) => ("To be repeated", "warn"),
    };
    DeliveryShown {
        delivery,
        state: Pill { words, tone },
        at: minute(delivery.at),
        answer: answer(delivery),
        next: delivery.due_at.filter(|_| delivery.attempts > 0).map(minute),
    }
}

/// How the last attempt was answered, in words.
fn answer(delivery: &Delivery) -> String {
    match (delivery.status, delivery.problem.as_deref()) {
        (Some(status), _) => format!("HTTP {status}"),
        (None, Some("timeout")) => "no answer in time".to_owned(),
        (None, Some("private_address")) => "the address is not public".to_owned(),
        (None, Some(_)) => "it could not be reached".to_owned(),
        (None, None) => "not sent yet".to_owned(),
    }
}
