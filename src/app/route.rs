//! URLs: from a path to a route, in one table.

mod dashboard;
mod setup;

use http::Method;

pub use dashboard::{AdminRoute, Section, Tab, WebhookAction};
pub use setup::SetupRoute;

use super::registry::tokens::Scope;
use crate::limits::{MAX_API_BODY_BYTES, MAX_API_CALL_BYTES, MAX_FORM_BYTES, MAX_IMPORT_BYTES, MAX_OWN_FORM_BYTES};
use crate::saml::id::{ConnectionId, Domain, EventId, Reference, SetupLinkId, TestId, TokenId, WebhookId};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /sso/saml/{connection}/acs`: the assertion consumer service.
    Acs(ConnectionId),
    /// `/sso/admin/…`: the dashboard.
    Admin(AdminRoute),
    /// `GET /sso/admin.css`.
    AdminStylesheet,
    /// `/sso/api/v1/…`: the admin API.
    Api(ApiRoute),
    /// `GET /sso/api/v1/openapi.json`: the admin API's description, for everybody.
    ApiDescription,
    /// `GET /sso/saml/{connection}/complete?ticket=`: gives the session to the browser that asked for it.
    Complete(ConnectionId),
    /// `GET /sso/saml/{connection}/metadata`: our metadata for this connection.
    Metadata(ConnectionId),
    /// `GET /sso/page.js`: what scripts add to pages.
    Script,
    /// `GET /sso/session`: who is signed in.
    Session,
    /// `/sso/setup/…`: setup links.
    Setup(SetupRoute),
    /// `GET, POST /sso/sign-in`.
    SignIn,
    /// `GET, POST /sso/sign-out`.
    SignOut,
    /// `GET /sso/saml/{connection}/signed-out?request=`: how a logout at the identity provider ended.
    SignedOut(ConnectionId),
    /// `GET, POST /sso/saml/{connection}/slo`: the single logout service.
    Slo(ConnectionId),
    /// `GET /sso/style.css`.
    Stylesheet,
    /// `GET /sso/saml/{connection}/test?test=`: sends the browser to the identity provider for a test.
    Test(ConnectionId),
}

/// A path of the admin API below `/sso/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiRoute {
    /// `GET /audit?before=&limit=&connection=`: who changed what, newest first.
    Audit,
    /// `GET, POST, DELETE /connections/{id}/capture`.
    Capture(ConnectionId),
    /// `GET /certificates`: those of all connections, by their end.
    Certificates,
    /// `GET, PATCH, DELETE /connections/{id}`.
    Connection(ConnectionId),
    /// `GET, POST /connections`.
    Connections,
    /// `GET /connections/{id}/decryption-keys`.
    DecryptionKeys(ConnectionId),
    /// `POST /connections/{id}/disable`.
    Disable(ConnectionId),
    /// `GET, PATCH, DELETE /connections/{id}/draft`.
    Draft(ConnectionId),
    /// `GET /connections/{id}/domains`: its domains, and the records that prove them.
    Domains(ConnectionId),
    /// `POST /connections/{id}/draft/apply`.
    DraftApply(ConnectionId),
    /// `POST /connections/{id}/draft/metadata`: fetch and save in the draft.
    DraftMetadata(ConnectionId),
    /// `POST /connections/{id}/draft/rebase`.
    DraftRebase(ConnectionId),
    /// `POST /connections/{id}/enable`.
    Enable(ConnectionId),
    /// `GET /export`: all connections in one document.
    Export,
    /// `POST /import`: takes such a document.
    Import,
    /// `GET /service-provider/keys`.
    Keys,
    /// `GET /connections/{id}/sign-ins/{reference}/messages`: what was captured of an attempt.
    Messages(ConnectionId, Reference),
    /// `GET, DELETE /connections/{id}/held-metadata`: metadata that waits for approval.
    HeldMetadata(ConnectionId),
    /// `POST /connections/{id}/held-metadata/approve`.
    ApproveHeldMetadata(ConnectionId),
    /// `GET, POST /connections/{id}/metadata`: how fetching it went; fetch and save.
    Metadata(ConnectionId),
    /// `POST /connections/{id}/domains/{domain}/verify`: looks for the record that proves it.
    VerifyDomain(ConnectionId, Domain),
    /// `POST /connections/{id}/versions/{generation}/restore`.
    RestoreVersion(ConnectionId, u64),
    /// `POST /connections/{id}/decryption-keys/rotate`.
    RotateDecryptionKeys(ConnectionId),
    /// `POST /service-provider/keys/rotate`.
    RotateKeys,
    /// `GET /connections/{id}/sign-ins?reference=&email=&outcome=&before=&limit=`: the sign-in log, newest first.
    SignIns(ConnectionId),
    /// `GET /connections/{id}/tests/{test}`: a test and its report.
    Test(ConnectionId, TestId),
    /// `DELETE /connections/{id}/setup-links/{link}`.
    SetupLink(ConnectionId, SetupLinkId),
    /// `GET, POST /connections/{id}/setup-links`.
    SetupLinks(ConnectionId),
    /// `GET, POST /connections/{id}/tests`: the tests, newest first; begins one.
    Tests(ConnectionId),
    /// `DELETE /tokens/{id}`.
    Token(TokenId),
    /// `GET, POST /tokens`.
    Tokens,
    /// `POST /connections/{id}/undo`: back to the configuration before the last change.
    Undo(ConnectionId),
    /// Any other path: there is nothing, but only for those who may ask.
    Unknown,
    /// `GET /connections/{id}/versions`, newest first.
    Versions(ConnectionId),
    /// `GET, PATCH, DELETE /webhooks/{webhook}`.
    Webhook(WebhookId),
    /// `GET /webhooks/{webhook}/deliveries`, newest first.
    WebhookDeliveries(WebhookId),
    /// `POST /webhooks/{webhook}/replay`: sends events once more.
    WebhookReplay(WebhookId),
    /// `POST /webhooks/{webhook}/deliveries/{event}/replay`: sends one once more.
    WebhookReplayOne(WebhookId, EventId),
    /// `POST /webhooks/{webhook}/rotate-secret`.
    WebhookSecret(WebhookId),
    /// `POST /webhooks/{webhook}/test`: sends an event that tells of nothing.
    WebhookTest(WebhookId),
    /// `GET, POST /webhooks`.
    Webhooks,
}

impl Route {
    /// The route of `path`, if it has one.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/sso/")?;
        if rest == "api/v1/openapi.json" {
            return Some(Self::ApiDescription);
        }
        if let Some(rest) = rest.strip_prefix("api/") {
            return Some(Self::Api(ApiRoute::of(rest)));
        }
        if let Some(rest) = rest.strip_prefix("admin/") {
            return Some(Self::Admin(AdminRoute::of(rest)));
        }
        if let Some(rest) = rest.strip_prefix("setup/") {
            return SetupRoute::of(rest).map(Self::Setup);
        }
        let mut segments = rest.split('/');
        let route = match (segments.next()?, segments.next(), segments.next()) {
            ("admin", None, None) => Self::Admin(AdminRoute::Connections),
            ("setup", None, None) => Self::Setup(SetupRoute::Steps),
            ("admin.css", None, None) => Self::AdminStylesheet,
            ("sign-in", None, None) => Self::SignIn,
            ("sign-out", None, None) => Self::SignOut,
            ("session", None, None) => Self::Session,
            ("page.js", None, None) => Self::Script,
            ("style.css", None, None) => Self::Stylesheet,
            ("saml", Some(id), Some(action)) => {
                let id = ConnectionId::parse(id).ok()?;
                match action {
                    "acs" => Self::Acs(id),
                    "complete" => Self::Complete(id),
                    "metadata" => Self::Metadata(id),
                    "signed-out" => Self::SignedOut(id),
                    "slo" => Self::Slo(id),
                    "test" => Self::Test(id),
                    _ => return None,
                }
            }
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    /// The methods it answers, as an `Allow` header lists them. `HEAD` goes with `GET`.
    #[must_use]
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Acs(_) => "POST",
            Self::Admin(route) => route.methods(),
            Self::Api(route) => route.methods(),
            Self::Setup(route) => route.methods(),
            Self::AdminStylesheet
            | Self::ApiDescription
            | Self::Metadata(_)
            | Self::Script
            | Self::Session
            | Self::SignedOut(_)
            | Self::Stylesheet => "GET, HEAD",
            Self::SignIn | Self::SignOut => "GET, HEAD, POST",
            // Their GETs do something, so that there is no HEAD.
            Self::Complete(_) | Self::Slo(_) => "GET, POST",
            Self::Test(_) => "GET",
        }
    }

    /// Whether it answers `method`.
    #[must_use]
    pub fn allows(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|m| m == method.as_str())
    }

    /// How many octets the body of a request by `method` may have; none where nothing reads it.
    #[must_use]
    pub fn max_body_bytes(&self, method: &Method) -> usize {
        if !matches!(*method, Method::POST | Method::PATCH | Method::PUT) {
            return 0;
        }
        match self {
            Self::Admin(route) => route.max_body_bytes(method),
            Self::Setup(route) => route.max_body_bytes(method),
            Self::Acs(_) | Self::Slo(_) => MAX_FORM_BYTES,
            Self::Api(ApiRoute::DraftMetadata(_) | ApiRoute::Metadata(_)) => MAX_API_BODY_BYTES,
            Self::Api(ApiRoute::Import) => MAX_IMPORT_BYTES,
            Self::Api(_) => MAX_API_CALL_BYTES,
            Self::Complete(_) | Self::SignIn | Self::SignOut => MAX_OWN_FORM_BYTES,
            _ => 0,
        }
    }
}

impl ApiRoute {
    pub(super) fn of(path: &str) -> Self {
        Self::known(path).unwrap_or(Self::Unknown)
    }

    fn known(path: &str) -> Option<Self> {
        match path {
            "v1/audit" => return Some(Self::Audit),
            "v1/certificates" => return Some(Self::Certificates),
            "v1/export" => return Some(Self::Export),
            "v1/import" => return Some(Self::Import),
            "v1/service-provider/keys" => return Some(Self::Keys),
            "v1/service-provider/keys/rotate" => return Some(Self::RotateKeys),
            "v1/tokens" => return Some(Self::Tokens),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("v1/webhooks") {
            return Self::of_webhooks(rest);
        }
        if let Some(id) = path.strip_prefix("v1/tokens/") {
            return TokenId::parse(id).ok().map(Self::Token);
        }
        let mut segments = path.strip_prefix("v1/connections")?.split('/');
        if !segments.next()?.is_empty() {
            return None;
        }
        let Some(id) = segments.next() else {
            return Some(Self::Connections);
        };
        let id = ConnectionId::parse(id).ok()?;
        let route = match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => Self::Connection(id),
            (Some("capture"), None, _) => Self::Capture(id),
            (Some("decryption-keys"), None, _) => Self::DecryptionKeys(id),
            (Some("decryption-keys"), Some("rotate"), None) => Self::RotateDecryptionKeys(id),
            (Some("disable"), None, _) => Self::Disable(id),
            (Some("domains"), None, _) => Self::Domains(id),
            (Some("domains"), Some(domain), Some("verify")) => Self::VerifyDomain(id, Domain::parse(domain).ok()?),
            (Some("draft"), None, _) => Self::Draft(id),
            (Some("draft"), Some("apply"), None) => Self::DraftApply(id),
            (Some("draft"), Some("metadata"), None) => Self::DraftMetadata(id),
            (Some("draft"), Some("rebase"), None) => Self::DraftRebase(id),
            (Some("enable"), None, _) => Self::Enable(id),
            (Some("held-metadata"), None, _) => Self::HeldMetadata(id),
            (Some("held-metadata"), Some("approve"), None) => Self::ApproveHeldMetadata(id),
            (Some("metadata"), None, _) => Self::Metadata(id),
            (Some("setup-links"), None, _) => Self::SetupLinks(id),
            (Some("setup-links"), Some(link), None) => Self::SetupLink(id, SetupLinkId::parse(link).ok()?),
            (Some("sign-ins"), None, _) => Self::SignIns(id),
            (Some("sign-ins"), Some(reference), Some("messages")) => {
                Self::Messages(id, Reference::parse(reference).ok()?)
            }
            (Some("tests"), None, _) => Self::Tests(id),
            (Some("tests"), Some(test), None) => Self::Test(id, TestId::parse(test).ok()?),
            (Some("undo"), None, _) => Self::Undo(id),
            (Some("versions"), None, _) => Self::Versions(id),
            (Some("versions"), Some(generation), Some("restore")) => Self::RestoreVersion(id, generation.parse().ok()?),
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    /// The route of a path below `webhooks`.
    fn of_webhooks(path: &str) -> Option<Self> {
        let mut segments = path.split('/');
        if !segments.next()?.is_empty() {
            return None;
        }
        let Some(id) = segments.next() else {
            return Some(Self::Webhooks);
        };
        let id = WebhookId::parse(id).ok()?;
        let route = match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => Self::Webhook(id),
            (Some("deliveries"), None, _) => Self::WebhookDeliveries(id),
            (Some("deliveries"), Some(event), Some("replay")) => {
                Self::WebhookReplayOne(id, EventId::parse(event).ok()?)
            }
            (Some("replay"), None, _) => Self::WebhookReplay(id),
            (Some("rotate-secret"), None, _) => Self::WebhookSecret(id),
            (Some("test"), None, _) => Self::WebhookTest(id),
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Capture(_) => "GET, HEAD, POST, DELETE",
            Self::Connection(_) | Self::Draft(_) | Self::Webhook(_) => "GET, HEAD, PATCH, DELETE",
            Self::Connections
            | Self::Metadata(_)
            | Self::SetupLinks(_)
            | Self::Tests(_)
            | Self::Tokens
            | Self::Webhooks => "GET, HEAD, POST",
            Self::HeldMetadata(_) => "GET, HEAD, DELETE",
            Self::ApproveHeldMetadata(_)
            | Self::Disable(_)
            | Self::DraftApply(_)
            | Self::DraftMetadata(_)
            | Self::DraftRebase(_)
            | Self::Enable(_)
            | Self::Import
            | Self::RestoreVersion(..)
            | Self::RotateDecryptionKeys(_)
            | Self::RotateKeys
            | Self::Undo(_)
            | Self::VerifyDomain(..)
            | Self::WebhookReplay(_)
            | Self::WebhookReplayOne(..)
            | Self::WebhookSecret(_)
            | Self::WebhookTest(_) => "POST",
            Self::Audit
            | Self::Certificates
            | Self::DecryptionKeys(_)
            | Self::Domains(_)
            | Self::Export
            | Self::Keys
            | Self::Messages(..)
            | Self::SignIns(_)
            | Self::Test(..)
            | Self::Versions(_)
            | Self::WebhookDeliveries(_) => "GET, HEAD",
            Self::SetupLink(..) | Self::Token(_) => "DELETE",
            Self::Unknown => "GET, HEAD, POST, PUT, PATCH, DELETE",
        }
    }

    /// The scope that a token must have for a call by `method`; `None` where there is nothing to be had.
    pub(super) fn scope(&self, method: &Method) -> Option<Scope> {
        match self {
            Self::Unknown => None,
            Self::Token(_) | Self::Tokens => Some(Scope::Tokens),
            // They hold all that is said of a person.
            Self::Messages(..) => Some(Scope::Write),
            _ if matches!(*method, Method::GET | Method::HEAD) => Some(Scope::Read),
            _ => Some(Scope::Write),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        assert_eq!(Route::of("/sso/sign-in"), Some(Route::SignIn));
        for path in [
            "",
            "/",
            "/sso",
            "/sso/",
            "/sso/sign-in/",
            "/sso//sign-in",
            "/SSO/sign-in",
            "/sso/saml/conn_x/acs",
            "/sso/saml",
            "/sso/saml/conn_abcdefghij234567klmn",
            "/sso/saml/conn_abcdefghij234567klmn/acs/x",
            "/sso/saml/conn_abcdefghij234567klmn/",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
        for path in [
            "/sso/api/",
            "/sso/api/v1/connection",
            "/sso/api/v1/connectionsx",
            "/sso/api/v1/connections/",
            "/sso/api/v1/connections/a/b/c",
            "/sso/api/v1/service-provider",
            "/sso/api/v1/service-provider/keys/",
            "/sso/api/v1/tokens/",
            "/sso/api/v1/tokens/tok_x",
            "/sso/api/v1/tokens/tok_abcdefghij234567klmn/",
        ] {
            assert_eq!(Route::of(path), Some(Route::Api(ApiRoute::Unknown)), "{path}");
        }
    }
}
