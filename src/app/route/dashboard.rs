//! The paths of the dashboard.

use http::Method;

use crate::app::registry::tokens::Scope;
use crate::limits::{MAX_API_BODY_BYTES, MAX_API_CALL_BYTES, MAX_IMPORT_BYTES, MAX_OWN_FORM_BYTES};
use crate::saml::id::{ConnectionId, Reference, TestId, TokenId, WebhookId};

/// A path of the dashboard below `/sso/admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminRoute {
    /// `GET /connections/{id}/sign-ins/{reference}`: one attempt to sign in.
    Attempt(ConnectionId, Reference),
    /// `GET /audit?before=&connection=`: who changed what, newest first.
    Audit,
    /// `GET /certificates`: those of all connections, by their end.
    Certificates,
    /// `GET /connections/{id}`, `GET /connections/{id}/settings` and so on: one page of a connection.
    Connection(ConnectionId, Tab),
    /// `GET /sso/admin` itself: all connections.
    Connections,
    /// `GET /connections/{id}/sign-ins/{reference}/messages/{number}`: a message that was captured of it, as a file.
    Message(ConnectionId, Reference, usize),
    /// `GET, POST /connections/new?provider=`.
    NewConnection,
    /// `GET, POST /tokens/{id}/revoke`: asks, and revokes a token.
    RevokeToken(TokenId),
    /// `POST /connections/{id}/{section}`: one form of a connection's page.
    Section(ConnectionId, Section),
    /// `GET /connections/{id}/tests/{test}`: what became of a test.
    Test(ConnectionId, TestId),
    /// `GET, POST /sign-in`.
    SignIn,
    /// `POST /sign-out`.
    SignOut,
    /// `GET, POST /tokens`: the admin tokens; makes one.
    Tokens,
    /// `GET, POST /transfer`: export and import.
    Transfer,
    /// `GET /transfer/connections.json`: the export.
    TransferFile,
    /// Any other path: there is nothing, but only for those who are signed in.
    Unknown,
    /// `GET /webhooks/{id}`: a webhook, and what was sent to it.
    Webhook(WebhookId),
    /// `POST /webhooks/{id}/{action}`: one form of its page.
    WebhookForm(WebhookId, WebhookAction),
    /// `GET, POST /webhooks`: the webhooks; makes one.
    Webhooks,
}

/// A form of a webhook's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAction {
    /// Changes what is sent, and where.
    Change,
    /// Deletes it.
    Delete,
    /// Sends nothing any more.
    Disable,
    /// Sends again.
    Enable,
    /// Sends one event once more.
    Replay,
    /// Gives it another secret.
    RotateSecret,
    /// Sends an event that tells of nothing.
    Test,
}

impl WebhookAction {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Change,
        Self::Delete,
        Self::Disable,
        Self::Enable,
        Self::Replay,
        Self::RotateSecret,
        Self::Test,
    ];

    /// The last segment of its path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Replay => "replay",
            Self::RotateSecret => "rotate-secret",
            Self::Test => "test",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// A page of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// What was changed, when and by whom.
    History,
    /// What is changed while it is in use.
    Settings,
    /// What is done once, in order: until it is enabled.
    Setup,
    /// Who signed in, and who could not.
    SignIns,
}

impl Tab {
    /// The address of this page of the connection `id`.
    #[must_use]
    pub fn path(self, id: &ConnectionId) -> String {
        match self {
            Self::History => format!("/sso/admin/connections/{id}/history"),
            Self::Settings => format!("/sso/admin/connections/{id}/settings"),
            Self::Setup => format!("/sso/admin/connections/{id}"),
            Self::SignIns => format!("/sso/admin/connections/{id}/sign-ins"),
        }
    }
}

/// A form of a connection's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What seldom has to be changed.
    Advanced,
    /// Puts the draft in the place of the configuration.
    ApplyDraft,
    /// Approves metadata that is held.
    ApproveMetadata,
    /// Names of attributes.
    Attributes,
    /// Makes a setup link.
    CreateLink,
    /// Deletes the connection.
    Delete,
    /// Disables it.
    Disable,
    /// Forgets the draft.
    DiscardDraft,
    /// Dismisses metadata that is held.
    DismissMetadata,
    /// Adds or removes a domain.
    Domains,
    /// Enables it.
    Enable,
    /// Captures messages no more, and drops those that were.
    EndCapture,
    /// Name, organization and provider.
    General,
    /// An identity provider whose values were typed.
    Manual,
    /// Takes an attribute that came in a test for one of our fields.
    MapAttribute,
    /// Metadata, fetched or pasted.
    Metadata,
    /// Brings the draft up to date with the configuration.
    RebaseDraft,
    /// Gives it the configuration of an earlier version.
    Restore,
    /// Revokes a setup link.
    RevokeLink,
    /// Moves the rotation of its decryption keys on.
    RotateKeys,
    /// To whom its domains belong besides, and in which order it is offered.
    Routing,
    /// How long its sessions last.
    Sessions,
    /// Captures messages for a while.
    StartCapture,
    /// Begins a test.
    Test,
    /// Undoes the last change of the configuration.
    Undo,
    /// Looks for the record that proves a domain.
    VerifyDomain,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Advanced,
        Self::ApplyDraft,
        Self::ApproveMetadata,
        Self::Attributes,
        Self::CreateLink,
        Self::Delete,
        Self::Disable,
        Self::DiscardDraft,
        Self::DismissMetadata,
        Self::Domains,
        Self::Enable,
        Self::EndCapture,
        Self::General,
        Self::Manual,
        Self::MapAttribute,
        Self::Metadata,
        Self::RebaseDraft,
        Self::Restore,
        Self::RevokeLink,
        Self::RotateKeys,
        Self::Routing,
        Self::Sessions,
        Self::StartCapture,
        Self::Test,
        Self::Undo,
        Self::VerifyDomain,
    ];

    /// The last segment of its path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advanced => "advanced",
            Self::ApplyDraft => "apply-draft",
            Self::ApproveMetadata => "approve-metadata",
            Self::Attributes => "attributes",
            Self::CreateLink => "create-link",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::DiscardDraft => "discard-draft",
            Self::DismissMetadata => "dismiss-metadata",
            Self::Domains => "domains",
            Self::Enable => "enable",
            Self::EndCapture => "end-capture",
            Self::General => "general",
            Self::Manual => "manual",
            Self::MapAttribute => "map-attribute",
            Self::Metadata => "metadata",
            Self::RebaseDraft => "rebase-draft",
            Self::Restore => "restore",
            Self::RevokeLink => "revoke-link",
            Self::RotateKeys => "rotate-keys",
            Self::Routing => "routing",
            Self::Sessions => "sessions",
            Self::StartCapture => "start-capture",
            Self::Test => "test",
            Self::Undo => "undo",
            Self::VerifyDomain => "verify-domain",
        }
    }

    /// The section of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == text)
    }

    /// Where it is on the page.
    #[must_use]
    pub const fn anchor(self) -> &'static str {
        match self {
            Self::ApplyDraft | Self::DiscardDraft | Self::RebaseDraft => "draft",
            Self::CreateLink | Self::RevokeLink => "setup-link",
            Self::Delete => "danger",
            Self::EndCapture | Self::StartCapture => "capture",
            Self::MapAttribute | Self::Test => "test",
            Self::Restore | Self::Undo => "history",
            Self::Disable | Self::Enable => "state",
            Self::ApproveMetadata | Self::DismissMetadata | Self::Manual | Self::Metadata => "identity-provider",
            Self::Domains | Self::Routing | Self::VerifyDomain => "domains",
            Self::RotateKeys => "decryption-keys",
            Self::Advanced | Self::Attributes | Self::General | Self::Sessions => self.as_str(),
        }
    }

    /// On which page it is.
    #[must_use]
    pub const fn tab(self) -> Tab {
        match self {
            Self::Restore | Self::Undo => Tab::History,
            Self::EndCapture | Self::StartCapture => Tab::SignIns,
            Self::ApplyDraft
            | Self::ApproveMetadata
            | Self::CreateLink
            | Self::Disable
            | Self::DiscardDraft
            | Self::DismissMetadata
            | Self::Enable
            | Self::Manual
            | Self::MapAttribute
            | Self::Metadata
            | Self::RebaseDraft
            | Self::RevokeLink
            | Self::Test => Tab::Setup,
            Self::Advanced
            | Self::Attributes
            | Self::Delete
            | Self::Domains
            | Self::General
            | Self::RotateKeys
            | Self::Routing
            | Self::Sessions
            | Self::VerifyDomain => Tab::Settings,
        }
    }
}

impl AdminRoute {
    /// The route of a path without `/sso/admin` and the slash after it.
    pub(super) fn of(path: &str) -> Self {
        Self::known(path).unwrap_or(Self::Unknown)
    }

    fn known(path: &str) -> Option<Self> {
        match path {
            "" => return Some(Self::Connections),
            "audit" => return Some(Self::Audit),
            "certificates" => return Some(Self::Certificates),
            "sign-in" => return Some(Self::SignIn),
            "sign-out" => return Some(Self::SignOut),
            "connections/new" => return Some(Self::NewConnection),
            "tokens" => return Some(Self::Tokens),
            "transfer" => return Some(Self::Transfer),
            "transfer/connections.json" => return Some(Self::TransferFile),
            "webhooks" => return Some(Self::Webhooks),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("webhooks/") {
            return Self::of_webhook(rest);
        }
        if let Some(rest) = path.strip_prefix("tokens/") {
            let id = rest.strip_suffix("/revoke")?;
            return TokenId::parse(id).ok().map(Self::RevokeToken);
        }
        let mut segments = path.strip_prefix("connections/")?.split('/');
        let id = ConnectionId::parse(segments.next()?).ok()?;
        let route = match segments.next() {
            None => Self::Connection(id, Tab::Setup),
            Some("history") => Self::Connection(id, Tab::History),
            Some("settings") => Self::Connection(id, Tab::Settings),
            Some("sign-ins") => match (segments.next(), segments.next()) {
                (None, _) => Self::Connection(id, Tab::SignIns),
                (Some(reference), None) => Self::Attempt(id, Reference::parse(reference).ok()?),
                (Some(reference), Some("messages")) => {
                    let number = segments.next()?.parse().ok()?;
                    Self::Message(id, Reference::parse(reference).ok()?, number)
                }
                _ => return None,
            },
            Some("tests") => Self::Test(id, TestId::parse(segments.next()?).ok()?),
            Some(section) => Self::Section(id, Section::parse(section)?),
        };
        segments.next().is_none().then_some(route)
    }

    /// The route of a path below `webhooks`.
    fn of_webhook(path: &str) -> Option<Self> {
        let (id, action) = match path.split_once('/') {
            Some((id, action)) => (id, Some(WebhookAction::parse(action)?)),
            None => (path, None),
        };
        let id = WebhookId::parse(id).ok()?;
        Some(match action {
            Some(action) => Self::WebhookForm(id, action),
            None => Self::Webhook(id),
        })
    }

    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Attempt(..)
            | Self::Audit
            | Self::Certificates
            | Self::Connection(..)
            | Self::Connections
            | Self::Message(..)
            | Self::Test(..)
            | Self::TransferFile
            | Self::Webhook(_) => "GET, HEAD",
            Self::NewConnection
            | Self::RevokeToken(_)
            | Self::SignIn
            | Self::Tokens
            | Self::Transfer
            | Self::Webhooks => "GET, HEAD, POST",
            Self::Section(..) | Self::SignOut | Self::WebhookForm(..) => "POST",
            Self::Unknown => "GET, HEAD, POST, PUT, PATCH, DELETE",
        }
    }

    /// The scope that a token must have that opened a session, to be answered `method`.
    #[must_use]
    pub fn scope(&self, method: &Method) -> Scope {
        match self {
            Self::RevokeToken(_) | Self::Tokens => Scope::Tokens,
            // A captured message holds all that is said of a person.
            Self::Message(..) => Scope::Write,
            // Whoever may see may leave.
            Self::SignOut => Scope::Read,
            _ if *method == Method::POST => Scope::Write,
            _ => Scope::Read,
        }
    }

    pub(super) fn max_body_bytes(&self, method: &Method) -> usize {
        match self {
            _ if *method != Method::POST => 0,
            Self::Section(_, Section::Metadata) => MAX_API_BODY_BYTES,
            Self::Transfer => MAX_IMPORT_BYTES,
            Self::Section(..) => MAX_API_CALL_BYTES,
            _ => MAX_OWN_FORM_BYTES,
        }
    }

    /// The page that shows what this path is about, for somebody who has to sign in first.
    #[must_use]
    pub fn page(&self) -> String {
        match self {
            Self::Attempt(id, reference) => format!("/sso/admin/connections/{id}/sign-ins/{reference}"),
            Self::Connection(id, tab) => tab.path(id),
            Self::Message(id, reference, number) => {
                format!("/sso/admin/connections/{id}/sign-ins/{reference}/messages/{number}")
            }
            Self::Section(id, section) => section.tab().path(id),
            Self::Test(id, test) => format!("/sso/admin/connections/{id}/tests/{test}"),
            Self::Certificates => "/sso/admin/certificates".to_owned(),
            Self::NewConnection => "/sso/admin/connections/new".to_owned(),
            Self::Audit => "/sso/admin/audit".to_owned(),
            Self::RevokeToken(_) | Self::Tokens => "/sso/admin/tokens".to_owned(),
            Self::Transfer | Self::TransferFile => "/sso/admin/transfer".to_owned(),
            Self::Webhook(id) | Self::WebhookForm(id, _) => format!("/sso/admin/webhooks/{id}"),
            Self::Webhooks => "/sso/admin/webhooks".to_owned(),
            Self::Connections | Self::SignIn | Self::SignOut | Self::Unknown => "/sso/admin".to_owned(),
        }
    }
}
