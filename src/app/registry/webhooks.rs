//! Webhook endpoints: where other systems are told of events, of which ones, and with which secret.
//!
//! A secret signs, so it is kept as it is and not as a hash. It leaves this database to sign, and once to be shown to whoever makes it; it is
//! in no log, export, audit entry or answer of another call.

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Deed};
use super::events::EventKind;
use super::publishing::{Kind, note};
use super::{Actor, Call, outbox};
use crate::app::sql::{Row, Sql, SqlError, integer, json, optional, text, time, to_json};
use crate::limits::{MAX_WEBHOOKS, WEBHOOK_SECRET_OVERLAP_SECONDS};
use crate::saml::id::{EndpointUrl, WebhookId};
use crate::saml::time::Timestamp;
use crate::token::TokenHash;

/// The columns of an endpoint. `failing_since`, `failures` and `paused_until` tell how it has answered lately, `dropped` how many events it never
/// got because there were too many.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY, url TEXT NOT NULL, description TEXT NOT NULL, \
     events TEXT NOT NULL, include_email INTEGER NOT NULL, enabled INTEGER NOT NULL, disabled_reason TEXT, secret TEXT NOT NULL, \
     previous_secret TEXT, previous_until INTEGER, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, failing_since INTEGER, \
     failures INTEGER NOT NULL DEFAULT 0, paused_until INTEGER, dropped INTEGER NOT NULL DEFAULT 0)";

const COLUMNS: &str = "id, url, description, events, include_email, enabled, disabled_reason, previous_until, created_at, created_by, \
     failing_since, dropped, (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'pending')";

/// The KV key of what is wanted of sign-ins: a [`Wanted`], no key where nothing is.
pub const WANTED_KEY: &str = "webhooks:sign-ins";

/// What the endpoints want to know of sign-ins, as KV has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Those that succeed.
    pub succeeded: bool,
    /// Those that are refused.
    pub refused: bool,
    /// Whose they are.
    pub email: bool,
}

/// What signs the requests to an endpoint: `whsec_` and base64 of 32 octets (Standard Webhooks). It has no `Debug`, and no `==`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// What every secret begins with, so that people and secret scanners know one when they see it.
    pub const PREFIX: &str = "whsec_";

    /// A secret of `random` octets.
    #[must_use]
    pub fn new(random: &[u8; 32]) -> Self {
        Self(format!("{}{}", Self::PREFIX, crate::dsig::base64::encode(random)))
    }

    /// The text: to be stored, to be shown once, and to sign.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// An endpoint, as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its identifier, no secret.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: EndpointUrl,
    /// What people say of it.
    pub description: String,
    /// Which events.
    pub events: Vec<EventKind>,
    /// Whether events of sign-ins say whose they are.
    pub include_email: bool,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why it was switched off, where nobody did it.
    pub disabled_reason: Option<String>,
    /// Until when requests are signed with the secret before the present one as well.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// Since when every request to it has failed.
    pub failing_since: Option<Timestamp>,
    /// How many events it never got because there were too many.
    pub dropped: u64,
    /// How many events wait for it.
    pub pending: u64,
}

impl Webhook {
    /// Names what a form that changes it shows of it: another name says that somebody has changed that meanwhile.
    #[must_use]
    pub fn shown(&self) -> TokenHash {
        let shown = serde_json::json!([self.url, self.description, self.events, self.include_email]);
        TokenHash::of_octets(shown.to_string().as_bytes())
    }
}

/// Why nothing is done to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookRefusal {
    /// It was changed since it was read.
    Changed,
    /// It is disabled.
    Disabled,
    /// There are too many.
    TooMany,
    /// There is none with this identifier.
    Unknown,
    /// There is no such delivery, or not any more.
    UnknownDelivery,
}

/// Keeps an endpoint, enabled.
#[derive(Serialize, Deserialize)]
pub struct AddWebhook {
    /// A fresh identifier.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: EndpointUrl,
    /// What people say of it.
    pub description: String,
    /// Which events.
    pub events: Vec<EventKind>,
    /// Whether events of sign-ins say whose they are.
    pub include_email: bool,
    /// What signs.
    pub secret: WebhookSecret,
    /// By whom.
    pub actor: Actor,
}

/// Reads all endpoints, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListWebhooks {}

/// Reads an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadWebhook {
    /// Which.
    pub id: WebhookId,
}

/// Changes what is given of an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeWebhook {
    /// Which.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: Option<EndpointUrl>,
    /// What people say of it.
    pub description: Option<String>,
    /// Which events.
    pub events: Option<Vec<EventKind>>,
    /// Whether events of sign-ins say whose they are.
    pub include_email: Option<bool>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
    /// What whoever changes it was [shown](Webhook::shown), where they were shown all of it.
    pub seen: Option<String>,
    /// By whom.
    pub actor: Actor,
}

/// Deletes an endpoint, and what waits for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeleteWebhook {
    /// Which.
    pub id: WebhookId,
    /// By whom.
    pub actor: Actor,
}

/// Gives an endpoint another secret. The one before signs as well for a day.
#[derive(Serialize, Deserialize)]
pub struct RotateWebhookSecret {
    /// Which.
    pub id: WebhookId,
    /// The secret.
    pub secret: WebhookSecret,
    /// By whom.
    pub actor: Actor,
}

impl Call for AddWebhook {
    type Reply = Result<Webhook, WebhookRefusal>;
    const NAME: &'static str = "add_webhook";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let count = all(sql)?.len();
        if count >= MAX_WEBHOOKS {
            return Ok(Err(WebhookRefusal::TooMany));
        }
        sql.run(
            "INSERT INTO webhooks (id, url, description, events, include_email, enabled, secret, created_at, created_by) \
             VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
            &[
                self.id.as_str().into(),
                self.url.as_str().into(),
                self.description.into(),
                to_json(&self.events)?,
                i64::from(self.include_email).into(),
                self.secret.reveal().into(),
                now.unix_seconds().into(),
                self.actor.as_str().into(),
            ],
        )?;
        let name = named(&self.id, &self.url);
        record(sql, &Deed::noted(&self.actor, Action::WebhookCreated, name), now)?;
        found(sql, &self.id)
    }
}

impl Call for ListWebhooks {
    type Reply = Vec<Webhook>;
    const NAME: &'static str = "list_webhooks";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        all(sql)
    }
}

impl Call for ReadWebhook {
    type Reply = Result<Webhook, WebhookRefusal>;
    const NAME: &'static str = "read_webhook";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        found(sql, &self.id)
    }
}

impl Call for ChangeWebhook {
    type Reply = Result<Webhook, WebhookRefusal>;
    const NAME: &'static str = "change_webhook";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Ok(before) = found(sql, &self.id)? else {
            return Ok(Err(WebhookRefusal::Unknown));
        };
        if self.seen.is_some_and(|seen| seen != before.shown().as_str()) {
            return Ok(Err(WebhookRefusal::Changed));
        }
        let mut after = before.clone();
        after.url = self.url.unwrap_or(after.url);
        after.description = self.description.unwrap_or(after.description);
        after.events = self.events.unwrap_or(after.events);
        after.include_email = self.include_email.unwrap_or(after.include_email);
        after.enabled = self.enabled.unwrap_or(after.enabled);
        if after == before {
            return Ok(Ok(before));
        }
        sql.run(
            "UPDATE webhooks SET url = ?, description = ?, events = ?, include_email = ?, enabled = ? WHERE id = ?",
            &[
                after.url.as_str().into(),
                after.description.as_str().into(),
                to_json(&after.events)?,
                i64::from(after.include_email).into(),
                i64::from(after.enabled).into(),
                self.id.as_str().into(),
            ],
        )?;
        if after.url != before.url || after.enabled != before.enabled {
            // How it answered before says nothing of how it will.
            sql.run(
                "UPDATE webhooks SET disabled_reason = NULL, failing_since = NULL, failures = 0, paused_until = NULL WHERE id = ?",
                &[self.id.as_str().into()],
            )?;
        }
        let note = format!("{}: {}", named(&self.id, &after.url), changes(&before, &after));
        record(sql, &Deed::noted(&self.actor, Action::WebhookChanged, note), now)?;
        found(sql, &self.id)
    }
}

impl Call for DeleteWebhook {
    type Reply = Result<(), WebhookRefusal>;
    const NAME: &'static str = "delete_webhook";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Ok(webhook) = found(sql, &self.id)? else {
            return Ok(Err(WebhookRefusal::Unknown));
        };
        sql.run("DELETE FROM webhooks WHERE id = ?", &[self.id.as_str().into()])?;
        outbox::forget(sql, &self.id)?;
        let name = named(&self.id, &webhook.url);
        record(sql, &Deed::noted(&self.actor, Action::WebhookDeleted, name), now)?;
        Ok(Ok(()))
    }
}

impl Call for RotateWebhookSecret {
    type Reply = Result<Webhook, WebhookRefusal>;
    const NAME: &'static str = "rotate_webhook_secret";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Ok(webhook) = found(sql, &self.id)? else {
            return Ok(Err(WebhookRefusal::Unknown));
        };
        sql.run(
            "UPDATE webhooks SET previous_secret = secret, previous_until = ?, secret = ? WHERE id = ?",
            &[
                now.plus(WEBHOOK_SECRET_OVERLAP_SECONDS).unix_seconds().into(),
                self.secret.reveal().into(),
                self.id.as_str().into(),
            ],
        )?;
        let name = named(&self.id, &webhook.url);
        record(sql, &Deed::noted(&self.actor, Action::WebhookSecretRotated, name), now)?;
        found(sql, &self.id)
    }
}

/// An endpoint, if there is one.
pub(super) fn found(sql: &dyn Sql, id: &WebhookId) -> Result<Result<Webhook, WebhookRefusal>, SqlError> {
    let select = format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?");
    let rows = sql.run(&select, &[id.as_str().into()])?;
    let webhook = rows.first().map(webhook).transpose()?;
    Ok(webhook.ok_or(WebhookRefusal::Unknown))
}

/// All endpoints, oldest first.
pub(super) fn all(sql: &dyn Sql) -> Result<Vec<Webhook>, SqlError> {
    let select = format!("SELECT {COLUMNS} FROM webhooks ORDER BY rowid");
    sql.run(&select, &[])?.iter().map(webhook).collect()
}

/// What signs at `now`, the newest first.
pub(super) fn secrets(sql: &dyn Sql, id: &WebhookId, now: Timestamp) -> Result<Vec<WebhookSecret>, SqlError> {
    let rows = sql.run(
        "SELECT secret, CASE WHEN previous_until > ? THEN previous_secret END FROM webhooks WHERE id = ?",
        &[now.unix_seconds().into(), id.as_str().into()],
    )?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let texts = [Some(text(row, 0)?), optional(row, 1, text)?];
    Ok(texts
        .into_iter()
        .flatten()
        .map(|text| WebhookSecret(text.to_owned()))
        .collect())
}

/// What is wanted of sign-ins, if anything is.
pub(super) fn wanted(sql: &dyn Sql) -> Result<Option<Wanted>, SqlError> {
    let mut wanted = Wanted::default();
    for webhook in all(sql)?.into_iter().filter(|webhook| webhook.enabled) {
        let (succeeded, refused) = (EventKind::SignInSucceeded, EventKind::SignInRefused);
        wanted.succeeded |= webhook.events.contains(&succeeded);
        wanted.refused |= webhook.events.contains(&refused);
        wanted.email |= webhook.include_email && webhook.events.iter().any(|kind| kind.is_of_sign_ins());
    }
    Ok((wanted != Wanted::default()).then_some(wanted))
}

/// Switches an endpoint off that nobody has switched off.
pub(super) fn switch_off(sql: &dyn Sql, id: &WebhookId, reason: &str, now: Timestamp) -> Result<(), SqlError> {
    let Ok(webhook) = found(sql, id)? else { return Ok(()) };
    if !webhook.enabled {
        return Ok(());
    }
    sql.run(
        "UPDATE webhooks SET enabled = 0, disabled_reason = ? WHERE id = ?",
        &[reason.into(), id.as_str().into()],
    )?;
    let schedule = Actor::new("schedule");
    let why = format!("{}: {reason}", named(id, &webhook.url));
    audit::record_other(sql, &Deed::noted(&schedule, Action::WebhookSwitchedOff, why), now)?;
    note(sql, Kind::Wanted, WANTED_KEY)
}

/// Records what was done to an endpoint, and that what is wanted may be something else now.
fn record(sql: &dyn Sql, deed: &Deed<'_>, now: Timestamp) -> Result<(), SqlError> {
    audit::record_other(sql, deed, now)?;
    note(sql, Kind::Wanted, WANTED_KEY)
}

/// The fields that a change has changed: what is on or off by now, and of an address at most the host that it had.
fn changes(before: &Webhook, after: &Webhook) -> String {
    let on_off =
        |name: &str, from: bool, to: bool| (from != to).then(|| format!("{name} {}", if to { "on" } else { "off" }));
    let url = || format!("url (was at {})", before.url.host_text());
    let fields = [
        (before.url != after.url).then(url),
        (before.description != after.description).then(|| "description".to_owned()),
        (before.events != after.events).then(|| "events".to_owned()),
        on_off("include_email", before.include_email, after.include_email),
        on_off("enabled", before.enabled, after.enabled),
    ];
    fields.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How people know it. Of its address only the host: the rest may be a secret of whoever receives.
pub(super) fn named(id: &WebhookId, url: &EndpointUrl) -> String {
    format!("{id} ({})", url.host_text())
}

fn webhook(row: &Row) -> Result<Webhook, SqlError> {
    let count = |index| u64::try_from(integer(row, index)?).map_err(|e| SqlError(e.to_string()));
    Ok(Webhook {
        id: WebhookId::parse(text(row, 0)?)?,
        url: EndpointUrl::parse(text(row, 1)?)?,
        description: text(row, 2)?.to_owned(),
        events: json(row, 3)?,
        include_email: integer(row, 4)? == 1,
        enabled: integer(row, 5)? == 1,
        disabled_reason: optional(row, 6, text)?.map(ToOwned::to_owned),
        previous_secret_until: optional(row, 7, time)?,
        created_at: time(row, 8)?,
        created_by: Actor::new(text(row, 9)?),
        failing_since: optional(row, 10, time)?,
        dropped: count(11)?,
        pending: count(12)?,
    })
}
