//! What other systems are told by webhooks: the kinds of events, and what each says.
//!
//! An event says which connection it is about and what happened, not what was in it: who wants to know more asks the admin API. Of persons
//! it holds an e-mail address at most, and that only where an endpoint asks for it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::audit::Action;
use super::diff::FieldChange;
use super::{Call, outbox, read};
use crate::app::sql::{Sql, SqlError};
use crate::saml::connection::Connection;
use crate::saml::id::{ConnectionId, EmailAddress};
use crate::saml::time::Timestamp;

/// Declares the kinds. A word never changes its meaning: programs go by it.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident $word:literal;)*) => {
        /// A kind of event that an endpoint can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum EventKind {
            $($(#[doc = $doc])* #[serde(rename = $word)] $variant,)*
        }

        impl EventKind {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }
        }
    };
}

kinds! {
    /// A signing certificate of an identity provider ends in 60, 30, 14, 7 or 1 days.
    CertificateExpiring "certificate.expiring";
    /// A connection was created or imported.
    ConnectionCreated "connection.created";
    /// A connection was deleted.
    ConnectionDeleted "connection.deleted";
    /// A connection was disabled.
    ConnectionDisabled "connection.disabled";
    /// A connection was enabled.
    ConnectionEnabled "connection.enabled";
    /// A connection was given an earlier configuration again.
    ConnectionRestored "connection.restored";
    /// A connection's configuration was changed.
    ConnectionUpdated "connection.updated";
    /// A draft took the place of a connection's configuration.
    DraftApplied "draft.applied";
    /// Metadata that was fetched again is held until somebody has looked at it.
    MetadataHeld "metadata.held";
    /// A sign-in was refused.
    SignInRefused "sign_in.refused";
    /// Somebody signed in.
    SignInSucceeded "sign_in.succeeded";
}

/// What a test event is called. No endpoint asks for it.
pub(super) const TEST: &str = "webhook.test";

/// Events that crowd each other out: those that anybody can cause never those that tell of configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// They come from changes by people.
    Configuration,
    /// One for every sign-in.
    SignIns,
    /// Anybody can cause them.
    Refusals,
}

impl Class {
    /// Its number in the database: lower ones are sent first.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Configuration => 0,
            Self::SignIns => 1,
            Self::Refusals => 2,
        }
    }
}

impl EventKind {
    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// Whether there is one for each sign-in, so that an endpoint gets them only if it asks for them.
    #[must_use]
    pub fn is_of_sign_ins(self) -> bool {
        self.class() != Class::Configuration
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::SignInRefused => Class::Refusals,
            Self::SignInSucceeded => Class::SignIns,
            Self::CertificateExpiring
            | Self::ConnectionCreated
            | Self::ConnectionDeleted
            | Self::ConnectionDisabled
            | Self::ConnectionEnabled
            | Self::ConnectionRestored
            | Self::ConnectionUpdated
            | Self::DraftApplied
            | Self::MetadataHeld => Class::Configuration,
        }
    }

    /// What a change is told as; nothing where it is not told, or not as a change of a connection.
    fn of(action: Action, is_new: bool) -> Option<Self> {
        match action {
            Action::ConnectionImported if is_new => Some(Self::ConnectionCreated),
            Action::ConnectionCreated => Some(Self::ConnectionCreated),
            Action::ConnectionDeleted => Some(Self::ConnectionDeleted),
            Action::ConnectionDisabled => Some(Self::ConnectionDisabled),
            Action::ConnectionEnabled => Some(Self::ConnectionEnabled),
            Action::ChangeUndone | Action::VersionRestored => Some(Self::ConnectionRestored),
            Action::CertificatesRetired
            | Action::ConnectionChanged
            | Action::ConnectionImported
            | Action::DecryptionKeysRotated
            | Action::HeldMetadataApproved
            | Action::IdentityProviderSaved
            | Action::MetadataRefreshed => Some(Self::ConnectionUpdated),
            Action::DraftApplied => Some(Self::DraftApplied),
            // Told by its own call, with what it was held for.
            Action::MetadataHeld
            // They change nothing that other systems go by.
            | Action::CaptureEnded
            | Action::CaptureRead
            | Action::CaptureStarted
            | Action::ConnectionsExported
            | Action::DomainProofLost
            | Action::DomainProven
            | Action::DraftDiscarded
            | Action::DraftEdited
            | Action::DraftRebased
            | Action::HeldMetadataDismissed
            | Action::KeysRotated
            | Action::SetupLinkCreated
            | Action::SetupLinkRevoked
            | Action::TokenCreated
            | Action::TokenRevoked
            | Action::WebhookChanged
            | Action::WebhookCreated
            | Action::WebhookDeleted
            | Action::WebhookReplayed
            | Action::WebhookSecretRotated
            | Action::WebhookSwitchedOff
            | Action::WebhookTested => None,
        }
    }
}

/// Tells of a change of a connection, in the step in which it is made.
pub(super) fn tell_change(
    sql: &dyn Sql,
    before: Option<&Connection>,
    after: Option<&Connection>,
    action: Action,
    diff: &[FieldChange],
    now: Timestamp,
) -> Result<(), SqlError> {
    let (Some(kind), Some(connection)) = (EventKind::of(action, before.is_none()), after.or(before)) else {
        return Ok(());
    };
    let mut fields: Vec<&str> = diff.iter().map(|change| change.field.as_str()).collect();
    fields.dedup();
    let changed = (before.is_some() && after.is_some()).then(|| ("changed", json!(fields)));
    tell(sql, kind, connection, changed, now)
}

/// Tells of a connection: what `more` there is to say, beside which one it is.
pub(super) fn tell(
    sql: &dyn Sql,
    kind: EventKind,
    connection: &Connection,
    more: impl IntoIterator<Item = (&'static str, Value)>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    let data: Map<String, Value> = core::iter::once(("connection", about(connection)))
        .chain(more)
        .map(named)
        .collect();
    outbox::put(sql, kind, &data.into(), now)
}

/// Which connection it is.
fn about(connection: &Connection) -> Value {
    json!({
        "id": connection.id,
        "name": connection.name,
        "organization": connection.organization,
        "state": connection.state,
        "generation": connection.generation,
    })
}

/// Tells how a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellSignIn {
    /// At which connection.
    pub connection: ConnectionId,
    /// By what it is found in the sign-in log.
    pub reference: Option<String>,
    /// Why it was refused, if it was.
    pub code: Option<String>,
    /// Who, if an endpoint wants to know.
    pub email: Option<EmailAddress>,
}

impl Call for TellSignIn {
    type Reply = ();
    const NAME: &'static str = "tell_sign_in";

    fn run(self, sql: &dyn Sql, now: Timestamp) -> Result<(), SqlError> {
        let Some(connection) = read(sql, &self.connection)? else {
            return Ok(());
        };
        let kind = match self.code {
            Some(_) => EventKind::SignInRefused,
            None => EventKind::SignInSucceeded,
        };
        let code = self.code.map(|code| ("code", json!(code)));
        let email = self.email.map(|email| (outbox::EMAIL, json!(email)));
        let more = [("reference", json!(self.reference))]
            .into_iter()
            .chain(code)
            .chain(email);
        tell(sql, kind, &connection, more, now)
    }
}
