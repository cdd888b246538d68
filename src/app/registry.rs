//! The registry: the one writer of connections and of the domains they claim.
//!
//! One Durable Object runs these calls, each without yielding. A change is made together with a note of what must be
//! published; publishing sends what is then true to the ledger first and to KV after it, and is tried again until it
//! succeeds, so neither can stay behind.

pub mod admin_sessions;
pub mod audit;
pub mod capture;
pub mod certificate_notices;
pub mod decryption_keys;
mod diff;
pub mod domains;
pub mod drafts;
pub mod events;
pub mod idempotency;
pub mod import;
pub mod keys;
pub mod outbox;
pub mod proofs;
pub mod publishing;
pub mod refresh;
pub mod setup_links;
pub mod situation;
pub mod tested;
pub mod tokens;
pub mod versions;
pub mod webhooks;

pub use diff::FieldChange;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::audit::{Action, Deed, ListAudit, ReadAuditPage};
use self::capture::{EndCapture, OpenMessages, ReadCaptureKey, StartCapture};
use self::certificate_notices::TellCertificates;
use self::decryption_keys::{ReadDecryptionKey, RotateDecryptionKeys};
use self::drafts::{ApplyDraft, DiscardDraft, EditDraft, ReadDraft, RebaseDraft};
use self::events::TellSignIn;
use self::idempotency::Repeatable;
use self::import::Import;
use self::keys::NewKey;
use self::proofs::{NoteFinding, ReadProofs, TakeDueProofs};
use self::publishing::{Kind, Publish, note};
use self::situation::ReadSituation;
use self::tested::{NoteTest, ReadTestStatuses};
use self::versions::{ListVersions, Restore, UndoChange, configured_as};
use super::sql::{Sql, SqlError, atomically, integer, json, to_json};
use crate::limits::{CONNECTIONS_AT_ONCE, MAX_CONNECTIONS};
use crate::saml::connection::{Connection, IdentityProvider, Provider, State};
use crate::saml::id::{ConnectionId, Domain, EntityId};
use crate::saml::service_keys::RotationStep;
use crate::saml::settings::{RequestSettings, ResponseSettings, RoutingSettings, SessionSettings};
use crate::saml::time::Timestamp;

/// A call to the registry: plain data there, plain data back.
pub trait Call: Serialize + DeserializeOwned {
    /// What the registry answers.
    type Reply: Serialize + DeserializeOwned;
    /// The call's name on the wire.
    const NAME: &'static str;

    /// Runs the call at `now`.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails; [`dispatch`] then undoes what it changed.
    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError>;
}

/// Why a change is refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It was changed since it was read.
    Changed,
    /// A connection of this identifier was deleted.
    Deleted,
    /// Another connection has this domain, and does not share it with this one.
    DomainTaken(Domain),
    /// This domain is not proven to be the customer's, which is demanded.
    DomainUnproven(Domain),
    /// It was changed since its draft was begun.
    DraftOutdated,
    /// It has another identity provider, which was not to be replaced.
    EntityChanged {
        /// The entity ID that it has.
        saved: EntityId,
        /// The one that it was to have.
        found: EntityId,
    },
    /// There is one already, of another configuration.
    Exists,
    /// The key of a repeatable call was used for another call.
    KeyReused,
    /// It cannot be enabled without an identity provider.
    Incomplete,
    /// It has no draft.
    NoDraft,
    /// No version of it has another configuration.
    NothingToUndo,
    /// It has no key that decrypts.
    NoDecryptionKey,
    /// There is no such setup link.
    NoSuchSetupLink,
    /// There is no such version of it, or not any more.
    NoSuchVersion,
    /// The metadata that is held is not the one that was looked at.
    HeldChanged,
    /// There is no such connection.
    NotFound,
    /// No metadata is held.
    NothingHeld,
    /// A rotation of keys has another next step: this one.
    RotationStep(RotationStep),
    /// No test has passed with exactly this configuration.
    TestRequired,
    /// There are too many connections.
    TooMany,
    /// Too many domains were looked up for it.
    TooManyProofs,
}

/// What the vendor says of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Shown to people.
    pub name: String,
    /// The kind of identity provider.
    pub provider: Provider,
    /// The e-mail domains, at least one, each once.
    pub domains: Vec<Domain>,
    /// The vendor's own identifier of the customer.
    pub organization: Option<String>,
    /// An entity ID to use in place of our own.
    pub sp_entity_id: Option<EntityId>,
    /// Which sign-ins are led to it.
    #[serde(default)]
    pub routing: RoutingSettings,
    /// What our requests ask for.
    #[serde(default)]
    pub requests: RequestSettings,
    /// What its responses may and must be.
    #[serde(default)]
    pub responses: ResponseSettings,
    /// How long its sessions last.
    #[serde(default)]
    pub sessions: SessionSettings,
}

/// Who makes a change, in words for people; never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// Somebody, described.
    pub fn new(description: impl Into<String>) -> Self {
        Self(description.into())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Creates a connection, disabled.
#[derive(Serialize, Deserialize)]
pub struct Create {
    /// A fresh identifier.
    pub id: ConnectionId,
    /// What is said of it.
    pub description: Description,
    /// Its key, if it decrypts.
    pub decryption_key: Option<NewKey>,
    /// What makes it the same call when it is repeated, if that is known.
    pub repeatable: Option<Repeatable>,
    /// By whom.
    pub actor: Actor,
}

/// Reads one connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Read {
    /// Which.
    pub id: ConnectionId,
}

/// Writes down that somebody takes all connections along.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteExport {
    /// By whom.
    pub actor: Actor,
}

/// Reads some connections, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListPage {
    /// Those that were created after the one of this sequence number.
    pub after: i64,
    /// At most this many.
    pub limit: i64,
    /// Those alone that have this domain.
    pub domain: Option<Domain>,
    /// Those alone of this organization.
    pub organization: Option<String>,
}

/// Some connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionPage {
    /// The connections.
    pub connections: Vec<Connection>,
    /// The sequence number after which there are more, if there are.
    pub next: Option<i64>,
}

/// Changes a connection.
#[derive(Serialize, Deserialize)]
pub struct Update {
    /// Which.
    pub id: ConnectionId,
    /// What.
    pub change: Change,
    /// The generation that the change was made from, where it was made from what was read before.
    pub from_generation: Option<u64>,
    /// Its first key, if it decrypts from now on.
    pub decryption_key: Option<NewKey>,
    /// By whom.
    pub actor: Actor,
}

/// One change of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Replaces what is said of it.
    Describe(Box<Description>),
    /// Saves the identity provider.
    IdentityProvider {
        /// Which.
        found: Box<IdentityProvider>,
        /// Whether it may have another entity ID than the one that is saved.
        replace_entity: bool,
    },
    /// Disables it.
    Disable,
    /// Enables it, once a test has passed with exactly its configuration.
    Enable {
        /// Why that is not needed; the audit log keeps it.
        override_reason: Option<String>,
    },
}

/// Deletes a connection and frees its domains.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delete {
    /// Which.
    pub id: ConnectionId,
    /// The generation that is to be deleted, where one was seen.
    pub from_generation: Option<u64>,
    /// By whom.
    pub actor: Actor,
}

/// Runs the call named `name`, given and answered as JSON, as one transaction. `None` for a name that is no call.
///
/// # Errors
/// [`SqlError`] when the database fails or the text is not the call's; nothing was changed.
pub fn dispatch(name: &str, call: &str, sql: &dyn Sql, now: Timestamp) -> Result<Option<String>, SqlError> {
    fn run<C: Call>(call: &str, sql: &dyn Sql, now: Timestamp) -> Result<String, SqlError> {
        let call: C = serde_json::from_str(call).map_err(|e| SqlError(e.to_string()))?;
        let reply = atomically(sql, |sql| call.run(sql, now))?;
        serde_json::to_string(&reply).map_err(|e| SqlError(e.to_string()))
    }
    Ok(Some(match name {
        EndCapture::NAME => run::<EndCapture>(call, sql, now)?,
        OpenMessages::NAME => run::<OpenMessages>(call, sql, now)?,
        ReadCaptureKey::NAME => run::<ReadCaptureKey>(call, sql, now)?,
        StartCapture::NAME => run::<StartCapture>(call, sql, now)?,
        ReadDecryptionKey::NAME => run::<ReadDecryptionKey>(call, sql, now)?,
        RotateDecryptionKeys::NAME => run::<RotateDecryptionKeys>(call, sql, now)?,
        setup_links::AddSetupLink::NAME => run::<setup_links::AddSetupLink>(call, sql, now)?,
        setup_links::EditBySetupLink::NAME => run::<setup_links::EditBySetupLink>(call, sql, now)?,
        setup_links::ListSetupLinks::NAME => run::<setup_links::ListSetupLinks>(call, sql, now)?,
        setup_links::OpenSetupLink::NAME => run::<setup_links::OpenSetupLink>(call, sql, now)?,
        setup_links::RevokeSetupLink::NAME => run::<setup_links::RevokeSetupLink>(call, sql, now)?,
        admin_sessions::BeginAdminSession::NAME => run::<admin_sessions::BeginAdminSession>(call, sql, now)?,
        admin_sessions::EndAdminSession::NAME => run::<admin_sessions::EndAdminSession>(call, sql, now)?,
        admin_sessions::ReadAdminSession::NAME => run::<admin_sessions::ReadAdminSession>(call, sql, now)?,
        keys::AddFirstKey::NAME => run::<keys::AddFirstKey>(call, sql, now)?,
        keys::ReadKeys::NAME => run::<keys::ReadKeys>(call, sql, now)?,
        keys::ReadPrivateKey::NAME => run::<keys::ReadPrivateKey>(call, sql, now)?,
        keys::RotateKeys::NAME => run::<keys::RotateKeys>(call, sql, now)?,
        refresh::DecideHeld::NAME => run::<refresh::DecideHeld>(call, sql, now)?,
        refresh::ListHeld::NAME => run::<refresh::ListHeld>(call, sql, now)?,
        refresh::ReadHeld::NAME => run::<refresh::ReadHeld>(call, sql, now)?,
        refresh::ReadRefresh::NAME => run::<refresh::ReadRefresh>(call, sql, now)?,
        refresh::SaveRefresh::NAME => run::<refresh::SaveRefresh>(call, sql, now)?,
        refresh::TakeDueRefreshes::NAME => run::<refresh::TakeDueRefreshes>(call, sql, now)?,
        tokens::AddToken::NAME => run::<tokens::AddToken>(call, sql, now)?,
        tokens::ListTokens::NAME => run::<tokens::ListTokens>(call, sql, now)?,
        tokens::RevokeToken::NAME => run::<tokens::RevokeToken>(call, sql, now)?,
        tokens::UseToken::NAME => run::<tokens::UseToken>(call, sql, now)?,
        outbox::ListDeliveries::NAME => run::<outbox::ListDeliveries>(call, sql, now)?,
        outbox::ReplayDelivery::NAME => run::<outbox::ReplayDelivery>(call, sql, now)?,
        outbox::ReplaySince::NAME => run::<outbox::ReplaySince>(call, sql, now)?,
        outbox::TestWebhook::NAME => run::<outbox::TestWebhook>(call, sql, now)?,
        webhooks::AddWebhook::NAME => run::<webhooks::AddWebhook>(call, sql, now)?,
        webhooks::ChangeWebhook::NAME => run::<webhooks::ChangeWebhook>(call, sql, now)?,
        webhooks::DeleteWebhook::NAME => run::<webhooks::DeleteWebhook>(call, sql, now)?,
        webhooks::ListWebhooks::NAME => run::<webhooks::ListWebhooks>(call, sql, now)?,
        webhooks::ReadWebhook::NAME => run::<webhooks::ReadWebhook>(call, sql, now)?,
        webhooks::RotateWebhookSecret::NAME => run::<webhooks::RotateWebhookSecret>(call, sql, now)?,
        TellCertificates::NAME => run::<TellCertificates>(call, sql, now)?,
        TellSignIn::NAME => run::<TellSignIn>(call, sql, now)?,
        Create::NAME => run::<Create>(call, sql, now)?,
        Import::NAME => run::<Import>(call, sql, now)?,
        ApplyDraft::NAME => run::<ApplyDraft>(call, sql, now)?,
        Delete::NAME => run::<Delete>(call, sql, now)?,
        DiscardDraft::NAME => run::<DiscardDraft>(call, sql, now)?,
        EditDraft::NAME => run::<EditDraft>(call, sql, now)?,
        NoteExport::NAME => run::<NoteExport>(call, sql, now)?,
        NoteFinding::NAME => run::<NoteFinding>(call, sql, now)?,
        ReadProofs::NAME => run::<ReadProofs>(call, sql, now)?,
        TakeDueProofs::NAME => run::<TakeDueProofs>(call, sql, now)?,
        NoteTest::NAME => run::<NoteTest>(call, sql, now)?,
        ReadTestStatuses::NAME => run::<ReadTestStatuses>(call, sql, now)?,
        ListAudit::NAME => run::<ListAudit>(call, sql, now)?,
        ReadAuditPage::NAME => run::<ReadAuditPage>(call, sql, now)?,
        ListVersions::NAME => run::<ListVersions>(call, sql, now)?,
        ListPage::NAME => run::<ListPage>(call, sql, now)?,
        Publish::NAME => run::<Publish>(call, sql, now)?,
        Read::NAME => run::<Read>(call, sql, now)?,
        ReadDraft::NAME => run::<ReadDraft>(call, sql, now)?,
        ReadSituation::NAME => run::<ReadSituation>(call, sql, now)?,
        RebaseDraft::NAME => run::<RebaseDraft>(call, sql, now)?,
        Restore::NAME => run::<Restore>(call, sql, now)?,
        UndoChange::NAME => run::<UndoChange>(call, sql, now)?,
        Update::NAME => run::<Update>(call, sql, now)?,
        _ => return Ok(None),
    }))
}

/// Whether something may have to be published after the call named `name`.
#[must_use]
pub fn changes(name: &str) -> bool {
    [
        RotateDecryptionKeys::NAME,
        keys::AddFirstKey::NAME,
        keys::RotateKeys::NAME,
        webhooks::AddWebhook::NAME,
        webhooks::ChangeWebhook::NAME,
        webhooks::DeleteWebhook::NAME,
        webhooks::RotateWebhookSecret::NAME,
        refresh::DecideHeld::NAME,
        refresh::SaveRefresh::NAME,
        setup_links::EditBySetupLink::NAME,
        Create::NAME,
        Delete::NAME,
        ApplyDraft::NAME,
        Import::NAME,
        Restore::NAME,
        UndoChange::NAME,
        Publish::NAME,
        Update::NAME,
    ]
    .contains(&name)
}

/// Whether the call named `name`, which publishes nothing, leaves something to be sent to a webhook.
#[must_use]
pub fn sends(name: &str) -> bool {
    [
        outbox::ReplayDelivery::NAME,
        outbox::ReplaySince::NAME,
        outbox::TestWebhook::NAME,
        TellCertificates::NAME,
        TellSignIn::NAME,
    ]
    .contains(&name)
}

/// Creates the tables where they are missing.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn prepare(sql: &dyn Sql) -> Result<(), SqlError> {
    for table in [
        "CREATE TABLE IF NOT EXISTS connections (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, record TEXT NOT NULL)",
        admin_sessions::TABLE,
        capture::TABLE,
        decryption_keys::TABLE,
        idempotency::TABLE,
        import::TABLE,
        keys::TABLE,
        publishing::TABLE,
        setup_links::TABLE,
        tokens::TABLE,
        drafts::TABLE,
        versions::TABLE,
        webhooks::TABLE,
    ]
    .into_iter()
    .chain(audit::TABLES)
    .chain(domains::TABLES)
    .chain(certificate_notices::TABLES)
    .chain(outbox::TABLES)
    .chain(proofs::TABLES)
    .chain(tested::TABLES)
    .chain(refresh::TABLES)
    {
        sql.run(table, &[])?;
    }
    Ok(())
}

impl Call for Create {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "create";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        if let Some(repeatable) = &self.repeatable
            && let Some(before) = idempotency::answered(sql, repeatable, now)?
        {
            return Ok(before);
        }
        let created = Deed::new(&self.actor, Action::ConnectionCreated);
        let connection = self.description.begun(self.id, now);
        let added = add(sql, connection, self.decryption_key, &created, now)?;
        if let (Some(repeatable), Ok(connection)) = (&self.repeatable, &added) {
            idempotency::remember(sql, repeatable, connection, now)?;
        }
        Ok(added)
    }
}

impl Description {
    /// A new connection of which this is said, disabled.
    fn begun(self, id: ConnectionId, now: Timestamp) -> Connection {
        Connection {
            id,
            generation: 1,
            name: self.name,
            provider: self.provider,
            state: State::Disabled,
            domains: self.domains,
            organization: self.organization,
            sp_entity_id: self.sp_entity_id,
            routing: self.routing,
            requests: self.requests,
            responses: self.responses,
            sessions: self.sessions,
            decryption_keys: Vec::new(),
            identity_provider: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Adds a connection, with its key if it decrypts.
fn add(
    sql: &dyn Sql,
    mut connection: Connection,
    key: Option<NewKey>,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<Result<Connection, Refusal>, SqlError> {
    let counted = sql.run("SELECT count(*), coalesce(max(sequence), 0) FROM connections", &[])?;
    let (count, last) = match counted.first() {
        Some(row) => (integer(row, 0)?, integer(row, 1)?),
        None => (0, 0),
    };
    if count >= MAX_CONNECTIONS {
        return Ok(Err(Refusal::TooMany));
    }
    if let Some(taken) = domains::taken(sql, &connection)? {
        return Ok(Err(Refusal::DomainTaken(taken)));
    }
    decryption_keys::add_first(sql, &mut connection, key, now)?;
    sql.run(
        "INSERT INTO connections (id, sequence, record) VALUES (?, ?, ?)",
        &[
            connection.id.as_str().into(),
            last.saturating_add(1).into(),
            to_json(&connection)?,
        ],
    )?;
    domains::settle(sql, None, Some(&connection))?;
    refresh::follow(sql, &connection, now)?;
    note(sql, Kind::Connection, connection.id.as_str())?;
    audit::record(sql, None, Some(&connection), deed, now)?;
    Ok(Ok(connection))
}

impl Call for Read {
    type Reply = Option<Connection>;
    const NAME: &'static str = "read";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        read(sql, &self.id)
    }
}

impl Call for NoteExport {
    type Reply = ();
    const NAME: &'static str = "note_export";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        audit::record_reading(sql, None, &Deed::new(&self.actor, Action::ConnectionsExported), now)
    }
}

impl ListPage {
    /// The next of all connections, as many as fit into one answer with ease.
    #[must_use]
    pub const fn all_after(after: i64) -> Self {
        Self {
            after,
            limit: CONNECTIONS_AT_ONCE,
            domain: None,
            organization: None,
        }
    }
}

impl Call for ListPage {
    type Reply = ConnectionPage;
    const NAME: &'static str = "list_page";

    fn run(self, sql: &dyn Sql, _now: Timestamp) -> Result<Self::Reply, SqlError> {
        let rows = sql.run(
            "SELECT sequence, record FROM connections WHERE sequence > ?1 \
             AND (?2 IS NULL OR id IN (SELECT connection_id FROM domain_claims WHERE domain = ?2)) \
             AND (?3 IS NULL OR json_extract(record, '$.organization') = ?3) ORDER BY sequence LIMIT ?4",
            &[
                self.after.into(),
                self.domain.as_ref().map(Domain::as_str).into(),
                self.organization.into(),
                self.limit.saturating_add(1).into(),
            ],
        )?;
        let shown = rows.len().min(usize::try_from(self.limit).unwrap_or(0));
        let (shown, more) = rows.split_at_checked(shown).unwrap_or((&rows, &[]));
        let last = if more.is_empty() { None } else { shown.last() };
        Ok(ConnectionPage {
            connections: shown.iter().map(|row| json(row, 1)).collect::<Result<_, _>>()?,
            next: last.map(|row| integer(row, 0)).transpose()?,
        })
    }
}

impl Call for Update {
    type Reply = Result<Connection, Refusal>;
    const NAME: &'static str = "update";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let present = match read_as_seen(sql, &self.id, self.from_generation)? {
            Ok(present) => present,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut changed = present.clone();
        let mut deed = Deed::new(&self.actor, self.change.action());
        if let Change::Enable { override_reason } = &self.change {
            deed.note = override_reason.as_deref().map(untested);
        }
        let saves_idp = matches!(self.change, Change::IdentityProvider { .. });
        let becomes_enabled = matches!(self.change, Change::Enable { .. }) && present.state == State::Disabled;
        if let Err(refusal) = self.change.apply_to(&mut changed) {
            return Ok(Err(refusal));
        }
        decryption_keys::add_first(sql, &mut changed, self.decryption_key, now)?;
        if saves_idp && changed == present {
            refresh::follow(sql, &present, now)?;
        }
        // Without an identity provider there is nothing to be tested yet.
        let is_gated = becomes_enabled && changed.identity_provider.is_some() && deed.note.is_none();
        if is_gated && !tested::has_passed(sql, &changed)? {
            return Ok(Err(Refusal::TestRequired));
        }
        replace(sql, &present, changed, &deed, now)
    }
}

impl Change {
    /// What it is called.
    fn action(&self) -> Action {
        match self {
            Self::Describe(_) => Action::ConnectionChanged,
            Self::Disable => Action::ConnectionDisabled,
            Self::Enable { .. } => Action::ConnectionEnabled,
            Self::IdentityProvider { .. } => Action::IdentityProviderSaved,
        }
    }

    /// Makes this change of a record.
    fn apply_to(self, connection: &mut Connection) -> Result<(), Refusal> {
        match self {
            Self::Describe(description) => {
                let described = description.begun(connection.id.clone(), connection.created_at);
                *connection = Connection {
                    identity_provider: connection.identity_provider.take(),
                    ..configured_as(connection, described)
                };
            }
            Self::Disable => connection.state = State::Disabled,
            Self::Enable { .. } => connection.state = State::Enabled,
            Self::IdentityProvider { found, replace_entity } => {
                if let Some(saved) = &connection.identity_provider
                    && saved.entity_id != found.entity_id
                    && !replace_entity
                {
                    let (saved, found) = (saved.entity_id.clone(), found.entity_id);
                    return Err(Refusal::EntityChanged { saved, found });
                }
                connection.identity_provider = Some(*found);
            }
        }
        Ok(())
    }
}

impl Call for Delete {
    type Reply = Result<(), Refusal>;
    const NAME: &'static str = "delete";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<Self::Reply, SqlError> {
        let Some(connection) = read(sql, &self.id)? else {
            return Ok(Err(Refusal::NotFound));
        };
        if self.from_generation.is_some_and(|from| from != connection.generation) {
            return Ok(Err(Refusal::Changed));
        }
        sql.run("DELETE FROM connections WHERE id = ?", &[self.id.as_str().into()])?;
        sql.run(
            "INSERT OR IGNORE INTO deleted_connections (id) VALUES (?)",
            &[self.id.as_str().into()],
        )?;
        domains::settle(sql, Some(&connection), None)?;
        certificate_notices::forget(sql, &self.id)?;
        decryption_keys::forget_all(sql, &self.id)?;
        capture::forget(sql, &self.id)?;
        drafts::forget(sql, &self.id)?;
        refresh::forget(sql, &self.id)?;
        setup_links::forget(sql, &self.id)?;
        tested::forget(sql, &self.id)?;
        versions::forget(sql, &self.id)?;
        note(sql, Kind::Connection, self.id.as_str())?;
        let deleted = Deed::new(&self.actor, Action::ConnectionDeleted);
        audit::record(sql, Some(&connection), None, &deleted, now)?;
        Ok(Ok(()))
    }
}

/// What the audit log says of a configuration that goes live without a passed test.
fn untested(reason: &str) -> String {
    format!("without a passed test: {reason}")
}

fn read(sql: &dyn Sql, id: &ConnectionId) -> Result<Option<Connection>, SqlError> {
    let rows = sql.run("SELECT record FROM connections WHERE id = ?", &[id.as_str().into()])?;
    rows.first().map(|row| json(row, 0)).transpose()
}

/// Reads a connection that somebody means to change, if it is still of the generation that they have seen, where they have.
fn read_as_seen(sql: &dyn Sql, id: &ConnectionId, seen: Option<u64>) -> Result<Result<Connection, Refusal>, SqlError> {
    Ok(match read(sql, id)? {
        None => Err(Refusal::NotFound),
        Some(present) if seen.is_some_and(|seen| seen != present.generation) => Err(Refusal::Changed),
        Some(present) => Ok(present),
    })
}

/// Puts `changed` in the place of `present`, as its next generation, unless it is the same.
fn replace(
    sql: &dyn Sql,
    present: &Connection,
    mut changed: Connection,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<Result<Connection, Refusal>, SqlError> {
    if changed.state == State::Enabled && changed.identity_provider.is_none() {
        return Ok(Err(Refusal::Incomplete));
    }
    if changed.responses.decrypt_assertions && changed.decryption_keys.is_empty() {
        return Ok(Err(Refusal::NoDecryptionKey));
    }
    if let Some(taken) = domains::taken(sql, &changed)? {
        return Ok(Err(Refusal::DomainTaken(taken)));
    }
    if let Some(unproven) = proofs::missing(sql, present, &changed)? {
        return Ok(Err(Refusal::DomainUnproven(unproven)));
    }
    if changed == *present {
        return Ok(Ok(changed));
    }
    write(sql, present, &mut changed, deed, now)?;
    domains::settle(sql, Some(present), Some(&changed))?;
    Ok(Ok(changed))
}

/// Writes a connection that was changed, as its next generation, and records who did that.
fn write(
    sql: &dyn Sql,
    before: &Connection,
    connection: &mut Connection,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    if before.identity_provider != connection.identity_provider {
        refresh::follow(sql, connection, now)?;
    }
    write_generation(sql, before, connection, deed, now)
}

/// The same where what is known of its metadata stays true.
fn write_generation(
    sql: &dyn Sql,
    before: &Connection,
    connection: &mut Connection,
    deed: &Deed<'_>,
    now: Timestamp,
) -> Result<(), SqlError> {
    connection.generation = connection.generation.saturating_add(1);
    connection.updated_at = now;
    sql.run(
        "UPDATE connections SET record = ? WHERE id = ?",
        &[to_json(connection)?, connection.id.as_str().into()],
    )?;
    note(sql, Kind::Connection, connection.id.as_str())?;
    audit::record(sql, Some(before), Some(connection), deed, now)
}
