//! The outbox: events that wait to be sent, and what became of those that were.
//!
//! An event is put here in the same step as the change that it tells of, once for each endpoint that asks for it. It is sent at least once, and
//! again until it was taken or was tried often enough; it can be sent again from here for as long as it is kept.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::audit::{self, Action, Deed};
use super::events::{Class, EventKind, TEST};
use super::webhooks::{self, Webhook, WebhookRefusal, WebhookSecret};
use super::{Actor, Call, webhooks::found};
use crate::app::sql::{Row, Sql, SqlError, Value, integer, json, optional, text, time, to_json};
use crate::limits::{
    MAX_DELIVERIES_PER_CLASS, MAX_DELIVERIES_PER_PAGE, WEBHOOK_FAILING_SECONDS, WEBHOOK_KEPT_SECONDS,
    WEBHOOK_PAUSE_SECONDS, WEBHOOK_RETRY_SECONDS,
};
use crate::saml::id::{EndpointUrl, EventId, WebhookId};
use crate::saml::time::Timestamp;

/// The events, and what became of each at each endpoint. `due_at`: when it is to be sent, while it waits.
pub(super) const TABLES: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS webhook_events (id TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS webhook_deliveries (sequence INTEGER PRIMARY KEY AUTOINCREMENT, webhook_id TEXT NOT NULL, \
     event_id TEXT NOT NULL, class INTEGER NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, \
     due_at INTEGER, attempted_at INTEGER, status INTEGER, problem TEXT)",
    "CREATE INDEX IF NOT EXISTS webhook_deliveries_due ON webhook_deliveries (webhook_id, state, due_at)",
    "CREATE INDEX IF NOT EXISTS webhook_deliveries_in_turn ON webhook_deliveries (webhook_id, state, class, due_at, sequence)",
    "CREATE INDEX IF NOT EXISTS webhook_deliveries_of_class ON webhook_deliveries (webhook_id, class, sequence)",
    "CREATE INDEX IF NOT EXISTS webhook_deliveries_of_event ON webhook_deliveries (event_id, webhook_id)",
    "CREATE INDEX IF NOT EXISTS webhook_deliveries_by_age ON webhook_deliveries (created_at)",
];

/// The field of an event that only those endpoints get who ask for it.
pub(super) const EMAIL: &str = "email";

/// What became of an event at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The endpoint took it.
    Delivered,
    /// It was tried as often as it is to be.
    Failed,
    /// It is to be sent, perhaps again.
    Pending,
}

impl DeliveryState {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }
}

/// An event on its way to an endpoint, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its number; later ones have higher ones.
    pub sequence: i64,
    /// The event, which is also the header `webhook-id`.
    pub event: EventId,
    /// Its kind.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next, if it waits.
    pub due_at: Option<Timestamp>,
    /// When it was last sent.
    pub attempted_at: Option<Timestamp>,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// Why the last attempt failed, if it did.
    pub problem: Option<String>,
}

/// Reads the deliveries to an endpoint, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListDeliveries {
    /// To which.
    pub id: WebhookId,
    /// Those that are older than this one.
    pub before: Option<i64>,
    /// How many at most, up to [`MAX_DELIVERIES_PER_PAGE`].
    pub limit: i64,
}

/// Sends an event to an endpoint once more, as if it had never been sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReplayDelivery {
    /// To which.
    pub id: WebhookId,
    /// Which.
    pub event: EventId,
    /// By whom.
    pub actor: Actor,
}

/// Sends all events to an endpoint once more that happened since a time and are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReplaySince {
    /// To which.
    pub id: WebhookId,
    /// Since when.
    pub since: Timestamp,
    /// By whom.
    pub actor: Actor,
}

/// Sends an event to an endpoint that tells of nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestWebhook {
    /// To which.
    pub id: WebhookId,
    /// By whom.
    pub actor: Actor,
}

/// Whether an endpoint asks for events of this kind.
pub(super) fn is_wanted(sql: &dyn Sql, kind: EventKind) -> Result<bool, SqlError> {
    let wants = |webhook: &Webhook| webhook.enabled && webhook.events.contains(&kind);
    Ok(webhooks::all(sql)?.iter().any(wants))
}

/// Puts an event into the outbox, once for each endpoint that asks for its kind.
pub(super) fn put(sql: &dyn Sql, kind: EventKind, data: &Json, now: Timestamp) -> Result<(), SqlError> {
    let mut wanting = webhooks::all(sql)?;
    wanting.retain(|webhook| webhook.enabled && webhook.events.contains(&kind));
    put_for(sql, &wanting, (kind.as_str(), kind.class()), data, now).map(|_| ())
}

fn put_for(
    sql: &dyn Sql,
    wanting: &[Webhook],
    (kind, class): (&str, Class),
    data: &Json,
    now: Timestamp,
) -> Result<Option<EventId>, SqlError> {
    if wanting.is_empty() {
        return Ok(None);
    }
    let rows = sql.run("SELECT lower(hex(randomblob(16)))", &[])?;
    let random = rows.first().map(|row| text(row, 0)).transpose()?.unwrap_or_default();
    let id = EventId::parse(&format!("{}{random}", EventId::PREFIX))?;
    sql.run(
        "INSERT INTO webhook_events (id, kind, at, data) VALUES (?, ?, ?, ?)",
        &[
            id.as_str().into(),
            kind.into(),
            now.unix_seconds().into(),
            to_json(data)?,
        ],
    )?;
    let class: Value = class.number().into();
    for webhook in wanting {
        sql.run(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, class, created_at, state, due_at) VALUES (?, ?, ?, ?, 'pending', ?)",
            &[
                webhook.id.as_str().into(),
                id.as_str().into(),
                class.clone(),
                now.unix_seconds().into(),
                now.unix_seconds().into(),
            ],
        )?;
        // The oldest give way.
        let given_way = sql.run(
            "DELETE FROM webhook_deliveries WHERE sequence IN (SELECT sequence FROM webhook_deliveries WHERE webhook_id = ? AND class = ? \
             ORDER BY sequence DESC LIMIT -1 OFFSET ?) RETURNING webhook_id, event_id, state",
            &[webhook.id.as_str().into(), class.clone(), MAX_DELIVERIES_PER_CLASS.into()],
        )?;
        drop_events(sql, &given_way)?;
    }
    Ok(Some(id))
}

/// Drops the events that no delivery is left of, and counts those that never arrived.
fn drop_events(sql: &dyn Sql, deliveries: &[Row]) -> Result<(), SqlError> {
    for row in deliveries {
        sql.run(
            "DELETE FROM webhook_events WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE event_id = ?1)",
            &[text(row, 1)?.into()],
        )?;
        if text(row, 2)? == DeliveryState::Pending.as_str() {
            sql.run(
                "UPDATE webhooks SET dropped = dropped + 1 WHERE id = ?",
                &[text(row, 0)?.into()],
            )?;
        }
    }
    Ok(())
}

/// Forgets all that was, or is to be, sent to an endpoint that is deleted.
pub(super) fn forget(sql: &dyn Sql, id: &WebhookId) -> Result<(), SqlError> {
    let dropped = sql.run(
        "DELETE FROM webhook_deliveries WHERE webhook_id = ? RETURNING webhook_id, event_id, state",
        &[id.as_str().into()],
    )?;
    drop_events(sql, &dropped)
}

impl Call for ListDeliveries {
    type Reply = Result<Vec<Delivery>, WebhookRefusal>;
    const NAME: &'static str = "list_deliveries";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Err(refusal) = found(sql, &self.id)? {
            return Ok(Err(refusal));
        }
        let select = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries AS d JOIN webhook_events AS e ON e.id = d.event_id \
             WHERE webhook_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?"
        );
        let rows = sql.run(
            &select,
            &[
                self.id.as_str().into(),
                self.before.unwrap_or(i64::from(i32::MAX)).into(),
                self.limit.clamp(0, MAX_DELIVERIES_PER_PAGE).into(),
            ],
        )?;
        rows.iter().map(delivery).collect::<Result<_, _>>().map(Ok)
    }
}

impl Call for ReplayDelivery {
    type Reply = Result<Delivery, WebhookRefusal>;
    const NAME: &'static str = "replay_delivery";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let webhook = match enabled(sql, &self.id)? {
            Ok(webhook) => webhook,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let replayed = sql.run(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, due_at = ? WHERE webhook_id = ? AND event_id = ? \
             RETURNING sequence",
            &[
                now.unix_seconds().into(),
                self.id.as_str().into(),
                self.event.as_str().into(),
            ],
        )?;
        if !replayed.is_empty() {
            record_replay(sql, &self.actor, &webhook, self.event.as_str(), now)?;
        }
        one(sql, &self.id, &self.event)
    }
}

impl Call for ReplaySince {
    type Reply = Result<u64, WebhookRefusal>;
    const NAME: &'static str = "replay_since";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let webhook = match enabled(sql, &self.id)? {
            Ok(webhook) => webhook,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let rows = sql.run(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, due_at = ? WHERE webhook_id = ? AND created_at >= ? \
             RETURNING sequence",
            &[
                now.unix_seconds().into(),
                self.id.as_str().into(),
                self.since.unix_seconds().into(),
            ],
        )?;
        let events = format!("events since {} ({})", self.since.to_rfc3339(), rows.len());
        record_replay(sql, &self.actor, &webhook, &events, now)?;
        Ok(Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX)))
    }
}

impl Call for TestWebhook {
    type Reply = Result<Delivery, WebhookRefusal>;
    const NAME: &'static str = "test_webhook";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let webhook = match enabled(sql, &self.id)? {
            Ok(webhook) => webhook,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let tested = Deed::noted(
            &self.actor,
            Action::WebhookTested,
            webhooks::named(&webhook.id, &webhook.url),
        );
        audit::record_other(sql, &tested, now)?;
        let data = json!({ "webhook": { "id": webhook.id } });
        match put_for(sql, &[webhook], (TEST, Class::Configuration), &data, now)? {
            Some(event) => one(sql, &self.id, &event),
            None => Ok(Err(WebhookRefusal::UnknownDelivery)),
        }
    }
}

/// Records that events are sent to an endpoint once more: which.
fn record_replay(
    sql: &dyn Sql,
    actor: &Actor,
    webhook: &Webhook,
    events: &str,
    now: Timestamp,
) -> Result<(), SqlError> {
    let note = format!("{}: {events}", webhooks::named(&webhook.id, &webhook.url));
    audit::record_other(sql, &Deed::noted(actor, Action::WebhookReplayed, note), now)
}

/// An endpoint that is told of events, if there is one.
fn enabled(sql: &dyn Sql, id: &WebhookId) -> Result<Result<Webhook, WebhookRefusal>, SqlError> {
    Ok(match found(sql, id)? {
        Ok(webhook) if !webhook.enabled => Err(WebhookRefusal::Disabled),
        found => found,
    })
}

fn one(sql: &dyn Sql, id: &WebhookId, event: &EventId) -> Result<Result<Delivery, WebhookRefusal>, SqlError> {
    let select = format!(
        "SELECT {COLUMNS} FROM webhook_deliveries AS d JOIN webhook_events AS e ON e.id = d.event_id WHERE webhook_id = ? AND event_id = ?"
    );
    let rows = sql.run(&select, &[id.as_str().into(), event.as_str().into()])?;
    let delivery = rows.first().map(delivery).transpose()?;
    Ok(delivery.ok_or(WebhookRefusal::UnknownDelivery))
}

const COLUMNS: &str =
    "d.sequence, d.event_id, e.kind, e.at, d.state, d.attempts, d.due_at, d.attempted_at, d.status, d.problem";

fn delivery(row: &Row) -> Result<Delivery, SqlError> {
    let state = match text(row, 4)? {
        "delivered" => DeliveryState::Delivered,
        "failed" => DeliveryState::Failed,
        "pending" => DeliveryState::Pending,
        other => return Err(SqlError(format!("expected a state of delivery, found {other}"))),
    };
    let status = optional(row, 8, integer)?.map(u16::try_from).transpose();
    Ok(Delivery {
        sequence: integer(row, 0)?,
        event: EventId::parse(text(row, 1)?)?,
        kind: text(row, 2)?.to_owned(),
        at: time(row, 3)?,
        state,
        attempts: u32::try_from(integer(row, 5)?).map_err(|e| SqlError(e.to_string()))?,
        due_at: optional(row, 6, time)?.filter(|_| state == DeliveryState::Pending),
        attempted_at: optional(row, 7, time)?,
        status: status.map_err(|e| SqlError(e.to_string()))?,
        problem: optional(row, 9, text)?.map(ToOwned::to_owned),
    })
}

/// An event that is to be sent now.
pub struct Attempt {
    sequence: i64,
    webhook: WebhookId,
    /// How often it was sent, this time included.
    attempts: u32,
    /// Where.
    pub url: EndpointUrl,
    /// What signs, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// The event.
    pub event: EventId,
    /// What is sent.
    pub body: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an HTTP status.
    Answered(u16),
    /// Without one: why, as a stable word.
    Unanswered(&'static str),
}

impl Ended {
    /// Whether the event was taken.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

/// The endpoints for which something is to be sent now, in the order in which they get their turn: those first that wait for what is sent
/// first, of these last the ones that fail. Refused sign-ins of one keep no change of a configuration from another.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn due_endpoints(sql: &dyn Sql, now: Timestamp) -> Result<Vec<WebhookId>, SqlError> {
    sweep(sql, now)?;
    let rows = sql.run(
        "SELECT id, (SELECT class FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'pending' AND due_at <= ?1 \
         ORDER BY class LIMIT 1) AS class FROM webhooks WHERE enabled = 1 AND coalesce(paused_until, 0) <= ?1 AND class IS NOT NULL \
         ORDER BY class, failing_since IS NOT NULL, rowid",
        &[now.unix_seconds().into()],
    )?;
    rows.iter().map(|row| Ok(WebhookId::parse(text(row, 0)?)?)).collect()
}

/// Takes what is to be sent next to an endpoint, if anything is now. It is put off at once, so that it is sent again should this attempt have
/// no end.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn take_due(sql: &dyn Sql, endpoint: &WebhookId, now: Timestamp) -> Result<Option<Attempt>, SqlError> {
    // It may have been disabled meanwhile.
    let Ok(webhook) = enabled(sql, endpoint)? else {
        return Ok(None);
    };
    let rows = sql.run(
        "SELECT d.sequence, d.attempts, e.id, e.kind, e.at, e.data FROM webhook_deliveries AS d JOIN webhook_events AS e \
         ON e.id = d.event_id WHERE d.webhook_id = ? AND d.state = 'pending' AND d.due_at <= ? ORDER BY d.class, d.due_at, d.sequence LIMIT 1",
        &[endpoint.as_str().into(), now.unix_seconds().into()],
    )?;
    rows.first().map(|row| attempt(sql, &webhook, row, now)).transpose()
}

fn attempt(sql: &dyn Sql, webhook: &Webhook, row: &Row, now: Timestamp) -> Result<Attempt, SqlError> {
    let attempts = u32::try_from(integer(row, 1)?).unwrap_or(u32::MAX).saturating_add(1);
    let sequence = integer(row, 0)?;
    sql.run(
        "UPDATE webhook_deliveries SET attempts = ?, attempted_at = ?, due_at = ? WHERE sequence = ?",
        &[
            i64::from(attempts).into(),
            now.unix_seconds().into(),
            now.plus(retry_seconds(attempts).unwrap_or(WEBHOOK_KEPT_SECONDS))
                .unix_seconds()
                .into(),
            sequence.into(),
        ],
    )?;
    let mut data: Json = json(row, 5)?;
    if !webhook.include_email
        && let Some(data) = data.as_object_mut()
    {
        data.remove(EMAIL);
    }
    let body = json!({ "type": text(row, 3)?, "timestamp": time(row, 4)?.to_rfc3339(), "data": data });
    Ok(Attempt {
        sequence,
        webhook: webhook.id.clone(),
        attempts,
        url: webhook.url.clone(),
        secrets: webhooks::secrets(sql, &webhook.id, now)?,
        event: EventId::parse(text(row, 2)?)?,
        body: body.to_string(),
    })
}

/// Notes how an attempt ended. What failed is sent again after a while that grows, and a little later by `chance`, so that what failed
/// together does not come back together.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn note_end(sql: &dyn Sql, attempt: &Attempt, ended: &Ended, chance: u8, now: Timestamp) -> Result<(), SqlError> {
    let (status, problem) = match ended {
        Ended::Answered(status) => (Some(i64::from(*status)), (!ended.is_success()).then_some("status")),
        Ended::Unanswered(problem) => (None, Some(*problem)),
    };
    let (state, due_at) = match retry_seconds(attempt.attempts) {
        _ if ended.is_success() => (DeliveryState::Delivered, None),
        Some(seconds) => {
            // Up to a fifth of it.
            let more = seconds.saturating_mul(i64::from(chance)).saturating_div(5 * 256);
            (DeliveryState::Pending, Some(now.plus(seconds).plus(more)))
        }
        None => (DeliveryState::Failed, None),
    };
    // Unless somebody has asked for it once more meanwhile.
    sql.run(
        "UPDATE webhook_deliveries SET state = ?, due_at = ?, status = ?, problem = ? WHERE sequence = ? AND attempts = ?",
        &[
            state.as_str().into(),
            due_at.map(Timestamp::unix_seconds).into(),
            status.into(),
            problem.into(),
            attempt.sequence.into(),
            i64::from(attempt.attempts).into(),
        ],
    )?;
    // Another address is another receiver: how the one before answered is nothing for or against it.
    if !found(sql, &attempt.webhook)?.is_ok_and(|present| present.url == attempt.url) {
        return Ok(());
    }
    if ended.is_success() {
        sql.run(
            "UPDATE webhooks SET failing_since = NULL, failures = 0, paused_until = NULL WHERE id = ?",
            &[attempt.webhook.as_str().into()],
        )?;
        return Ok(());
    }
    note_failure(sql, attempt, now)?;
    if *ended == Ended::Answered(410) {
        return webhooks::switch_off(sql, &attempt.webhook, "it answered 410 Gone", now);
    }
    Ok(())
}

/// Notes that an endpoint failed: it is left alone for a moment, and switched off when it has failed for days.
fn note_failure(sql: &dyn Sql, attempt: &Attempt, now: Timestamp) -> Result<(), SqlError> {
    let rows = sql.run(
        "UPDATE webhooks SET failing_since = coalesce(failing_since, ?1), failures = failures + 1, \
         paused_until = ?1 + min(?2, CASE failures WHEN 0 THEN ?3 ELSE ?2 END) WHERE id = ?4 RETURNING failing_since",
        &[
            now.unix_seconds().into(),
            WEBHOOK_PAUSE_SECONDS.into(),
            retry_seconds(1).unwrap_or_default().into(),
            attempt.webhook.as_str().into(),
        ],
    )?;
    let since = rows.first().map(|row| time(row, 0)).transpose()?;
    if since.is_some_and(|since| now.since(since) >= WEBHOOK_FAILING_SECONDS) {
        return webhooks::switch_off(sql, &attempt.webhook, "every request to it failed for 5 days", now);
    }
    Ok(())
}

/// After how many seconds an event is sent again that was sent this often.
fn retry_seconds(attempts: u32) -> Option<i64> {
    let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
    WEBHOOK_RETRY_SECONDS.get(index).copied()
}

/// When something is to be sent next, if anything waits.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn next_due(sql: &dyn Sql) -> Result<Option<Timestamp>, SqlError> {
    let rows = sql.run(
        "SELECT min(max(coalesce(paused_until, 0), (SELECT min(due_at) FROM webhook_deliveries WHERE webhook_id = webhooks.id \
         AND state = 'pending'))) FROM webhooks WHERE enabled = 1",
        &[],
    )?;
    Ok(rows.first().map(|row| optional(row, 0, time)).transpose()?.flatten())
}

/// Drops what is too old.
pub(super) fn sweep(sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
    let old = sql.run(
        "DELETE FROM webhook_deliveries WHERE created_at <= ? RETURNING webhook_id, event_id, state",
        &[now.plus(WEBHOOK_KEPT_SECONDS.saturating_neg()).unix_seconds().into()],
    )?;
    drop_events(sql, &old)
}
