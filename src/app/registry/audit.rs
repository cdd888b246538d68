//! Who did what and when: every change leaves an entry, made in the same step as the change itself.

use serde::{Deserialize, Serialize};

use super::diff::{FieldChange, diff};
use super::{Actor, Call, events, versions};
use crate::app::sql::{Row, Sql, SqlError, integer, json, optional, text, time, to_json};
use crate::limits::{
    AUDIT_FOLD_ENTRIES, AUDIT_FOLD_SECONDS, MAX_AUDIT_ENTRIES, MAX_AUDIT_ENTRIES_OF_EXPORTS,
    MAX_AUDIT_ENTRIES_OF_SCHEDULE, MAX_AUDIT_ENTRIES_OF_SETUP_LINKS, MAX_AUDIT_PAGE,
};
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;
use crate::saml::time::Timestamp;

/// Which entries give way to which: those of one room alone to each other. What people with tokens did gives way only to what people with
/// tokens did; setup links, and what happens by itself, have rooms of their own. An actor that is none of these is no person with a token.
/// So have exports, which are all that a token can leave here that changes nothing.
macro_rules! room {
    () => {
        concat!(
            "CASE WHEN action = 'connection.exported' THEN 'exports' ",
            rooms_of_actors!()
        )
    };
}

/// The rooms of actors, as the rest of a `CASE`.
macro_rules! rooms_of_actors {
    () => {
        "WHEN actor GLOB 'token *' OR actor GLOB 'dashboard (token *' THEN 'people' WHEN actor GLOB 'setup link*' THEN 'setup links' \
         ELSE 'schedule' END"
    };
}
pub(super) use rooms_of_actors;

/// An entry's columns, and where one looks for those of a connection, and of a room.
pub(super) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, \
     action TEXT NOT NULL, connection_id TEXT, change TEXT NOT NULL, diff TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS audit_by_connection ON audit (connection_id, sequence)",
    concat!(
        "CREATE INDEX IF NOT EXISTS audit_by_room ON audit (",
        room!(),
        ", sequence)"
    ),
];

/// Drops the oldest entries of the room `?1` that are more than `?2`.
const DROP_OLDEST: &str = concat!(
    "DELETE FROM audit WHERE ",
    room!(),
    " = ?1 AND sequence <= (SELECT sequence FROM audit WHERE ",
    room!(),
    " = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)"
);

/// Declares the actions. A word never changes its meaning: people search for it.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $word:literal $sentence:literal;)*) => {
        /// A kind of change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// How a sentence about it begins.
            const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}

actions! {
    /// Messages are captured no more, and those that were are dropped.
    CaptureEnded "capture.ended" "Ended the capture of messages";
    /// Messages that were captured were shown to somebody.
    CaptureRead "capture.read" "Read the captured messages of the sign-in";
    /// Messages are captured for a while.
    CaptureStarted "capture.started" "Captures messages until";
    /// Certificates count no more that the metadata has not listed for a while.
    CertificatesRetired "connection.certificates_retired" "Retired certificates that its metadata has not listed for a week";
    /// What is said of a connection was changed.
    ConnectionChanged "connection.changed" "Changed";
    /// A connection was created.
    ConnectionCreated "connection.created" "Created";
    /// A connection was deleted.
    ConnectionDeleted "connection.deleted" "Deleted";
    /// A connection was disabled.
    ConnectionDisabled "connection.disabled" "Disabled";
    /// A connection was enabled.
    ConnectionEnabled "connection.enabled" "Enabled";
    /// All connections were given away as one document.
    ConnectionsExported "connection.exported" "Exported all connections";
    /// A connection came from an export.
    ConnectionImported "connection.imported" "Imported";
    /// The last change of a configuration was undone.
    ChangeUndone "connection.change_undone" "Undid the last change, back to version";
    /// The keys that decrypt for a connection went on by one step.
    DecryptionKeysRotated "connection.decryption_keys_rotated" "Rotated the decryption keys";
    /// A domain's proof is not there any more.
    DomainProofLost "domain.proof_lost" "Lost the proof of the domain";
    /// A domain was proven to be the customer's.
    DomainProven "domain.proven" "Proved the domain";
    /// A draft took the place of a configuration.
    DraftApplied "connection.draft_applied" "Applied the draft";
    /// A draft was forgotten.
    DraftDiscarded "connection.draft_discarded" "Discarded the draft";
    /// A draft was begun or changed. What is live is as it was.
    DraftEdited "connection.draft_edited" "Changed in the draft:";
    /// A draft was put on top of what the connection is by now.
    DraftRebased "connection.draft_rebased" "Brought the draft up to date";
    /// The identity provider of a connection was saved.
    IdentityProviderSaved "connection.identity_provider_saved" "Saved the identity provider";
    /// Held metadata took the place of what the connection had, as somebody said so.
    HeldMetadataApproved "connection.held_metadata_approved" "Approved the held metadata";
    /// Held metadata was dismissed.
    HeldMetadataDismissed "connection.held_metadata_dismissed" "Dismissed the held metadata";
    /// The keys that sign went on by one step.
    KeysRotated "service_provider.keys_rotated" "Rotated the signing keys";
    /// Metadata that was fetched again is held, until somebody approves of it.
    MetadataHeld "connection.metadata_held" "Held the metadata back that was fetched again:";
    /// Metadata that was fetched again took the place of what the connection had.
    MetadataRefreshed "connection.metadata_refreshed" "Took over the metadata that was fetched again";
    /// A setup link was made.
    SetupLinkCreated "setup_link.created" "Made the setup link";
    /// A setup link was revoked.
    SetupLinkRevoked "setup_link.revoked" "Revoked the setup link";
    /// A token was made.
    TokenCreated "token.created" "Made the token";
    /// A token was revoked.
    TokenRevoked "token.revoked" "Revoked the token";
    /// An earlier version of a connection was restored.
    VersionRestored "connection.version_restored" "Restored version";
    /// A webhook was changed.
    WebhookChanged "webhook.changed" "Changed the webhook";
    /// A webhook was made.
    WebhookCreated "webhook.created" "Made the webhook";
    /// A webhook was deleted.
    WebhookDeleted "webhook.deleted" "Deleted the webhook";
    /// Events were sent to a webhook once more.
    WebhookReplayed "webhook.replayed" "Sent once more to the webhook";
    /// A webhook got another secret.
    WebhookSecretRotated "webhook.secret_rotated" "Rotated the secret of the webhook";
    /// A webhook that always failed was switched off.
    WebhookSwitchedOff "webhook.switched_off" "Switched off the webhook";
    /// An event that tells of nothing was sent to a webhook.
    WebhookTested "webhook.tested" "Sent a test event to the webhook";
}

/// A change that is being made: what it is, by whom, and what else there is to say of it.
pub(super) struct Deed<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: Action,
    /// What follows the [sentence](Action::sentence): the step of a rotation, the number of a version, a reason.
    pub(super) note: Option<String>,
}

impl<'a> Deed<'a> {
    /// A deed of which there is no more to say.
    pub(super) fn new(actor: &'a Actor, action: Action) -> Self {
        let note = None;
        Self { actor, action, note }
    }

    /// A deed with what else there is to say of it.
    pub(super) fn noted(actor: &'a Actor, action: Action, note: String) -> Self {
        let note = Some(note);
        Self { actor, action, note }
    }

    /// The deed in words.
    fn words(&self, diff: &[FieldChange]) -> String {
        let sentence = self.action.sentence();
        match (&self.note, self.action) {
            (Some(note), _) => format!("{sentence} {note}"),
            (None, Action::ConnectionChanged | Action::DraftEdited) => format!("{sentence} {}", listed(diff)),
            (None, _) => sentence.to_owned(),
        }
    }
}

/// The first fields of a change, and how many more there are.
fn listed(diff: &[FieldChange]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = diff.iter().take(SHOWN).map(|change| change.field.clone()).collect();
    if let Some(more) = diff.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// Records what became of a connection: an entry here, an event for whom it is told, and, if the connection still exists, its new version.
pub(super) fn record(
    sql: &dyn Sql,
    before: Option<&Connection>,
    after: Option<&Connection>,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let diff = diff(before, after)?;
    let change = deed.words(&diff);
    if let Some(after) = after {
        versions::keep(sql, after, deed.actor, &change, now)?;
    }
    events::tell_change(sql, before, after, deed.action, &diff, now)?;
    append(sql, after.or(before).map(|c| &c.id), &change, &diff, deed, now)
}

/// Records what became of a connection's draft. The connection itself is as it was: it has no new version, and nobody is told.
pub(super) fn record_draft(
    sql: &dyn Sql,
    before: &Connection,
    after: &Connection,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let diff = diff(Some(before), Some(after))?;
    append(sql, Some(&after.id), &deed.words(&diff), &diff, deed, now)
}

/// Records a change that is of no connection.
pub(super) fn record_other(sql: &dyn Sql, deed: &Deed<'_>, now: Timestamp) -> Result<(), SqlError> {
    append(sql, None, &deed.words(&[]), &[], deed, now)
}

/// Records what was done for a connection and leaves it as it is.
pub(super) fn record_of(
    sql: &dyn Sql,
    connection: &ConnectionId,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    append(sql, Some(connection), &deed.words(&[]), &[], deed, now)
}

/// Records that something was read, unless the same entry was made a few minutes ago: who reads again and again pushes nothing
/// out.
pub(super) fn record_reading(
    sql: &dyn Sql,
    connection: Option<&ConnectionId>,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let change = deed.words(&[]);
    let recent = sql.run(
        "SELECT 1 FROM audit WHERE sequence > (SELECT max(sequence) FROM audit) - ? AND at > ? AND actor = ? AND change = ? \
         AND connection_id IS ?",
        &[
            AUDIT_FOLD_ENTRIES.into(),
            now.plus(-AUDIT_FOLD_SECONDS).unix_seconds().into(),
            deed.actor.as_str().into(),
            change.as_str().into(),
            connection.map(ConnectionId::as_str).into(),
        ],
    )?;
    if recent.is_empty() {
        append(sql, connection, &change, &[], deed, now)?;
    }
    Ok(())
}

fn append(
    sql: &dyn Sql,
    connection: Option<&ConnectionId>,
    change: &str,
    diff: &[FieldChange],
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let rows = sql.run(
        concat!(
            "INSERT INTO audit (at, actor, action, connection_id, change, diff) VALUES (?, ?, ?, ?, ?, ?) RETURNING ",
            room!()
        ),
        &[
            now.unix_seconds().into(),
            deed.actor.as_str().into(),
            deed.action.as_str().into(),
            connection.map(ConnectionId::as_str).into(),
            change.into(),
            to_json(&diff)?,
        ],
    )?;
    if let Some(row) = rows.first() {
        let room = text(row, 0)?;
        let kept = match room {
            "people" => MAX_AUDIT_ENTRIES,
            "exports" => MAX_AUDIT_ENTRIES_OF_EXPORTS,
            "setup links" => MAX_AUDIT_ENTRIES_OF_SETUP_LINKS,
            _ => MAX_AUDIT_ENTRIES_OF_SCHEDULE,
        };
        sql.run(DROP_OLDEST, &[room.into(), kept.into()])?;
    }
    Ok(())
}

/// Reads entries, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListAudit {
    /// Those that are older than this one.
    pub before: Option<i64>,
    /// How many at the most, up to [`MAX_AUDIT_PAGE`].
    pub limit: i64,
    /// Those of this connection, which need not exist any more.
    pub connection: Option<ConnectionId>,
}

/// Reads entries with what people know connections by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadAuditPage {
    /// Which.
    pub entries: ListAudit,
}

/// A page of the log, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// The names of all connections that there are, in their order.
    pub names: Vec<(ConnectionId, String)>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number; later ones have higher ones.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Which kind, as a stable word.
    pub action: String,
    /// Of which connection, if of one.
    pub connection: Option<ConnectionId>,
    /// What was done, in words.
    pub change: String,
    /// What it changed.
    pub diff: Vec<FieldChange>,
}

impl Call for ListAudit {
    type Reply = Vec<AuditEntry>;
    const NAME: &'static str = "list_audit";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            "SELECT sequence, at, actor, action, connection_id, change, diff FROM audit \
             WHERE sequence < ?1 AND (?2 IS NULL OR connection_id = ?2) ORDER BY sequence DESC LIMIT ?3",
            &[
                self.before.unwrap_or(i64::from(i32::MAX)).into(),
                self.connection.as_ref().map(ConnectionId::as_str).into(),
                self.limit.clamp(0, MAX_AUDIT_PAGE).into(),
            ],
        )?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    id: integer(row, 0)?,
                    at: time(row, 1)?,
                    actor: Actor::new(text(row, 2)?),
                    action: text(row, 3)?.to_owned(),
                    connection: optional(row, 4, text)?.map(ConnectionId::parse).transpose()?,
                    change: text(row, 5)?.to_owned(),
                    diff: json(row, 6)?,
                })
            })
            .collect()
    }
}

impl Call for ReadAuditPage {
    type Reply = AuditPage;
    const NAME: &'static str = "read_audit_page";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let names = sql.run(
            "SELECT id, json_extract(record, '$.name') FROM connections ORDER BY 2 COLLATE NOCASE, sequence",
            &[],
        )?;
        let name = |row: &Row| Ok::<_, SqlError>((ConnectionId::parse(text(row, 0)?)?, text(row, 1)?.to_owned()));
        Ok(AuditPage {
            names: names.iter().map(name).collect::<Result<_, _>>()?,
            entries: self.entries.run(sql, now)?,
        })
    }
}
