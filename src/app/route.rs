//! URLs: from a path to a route, in one table.

use http::Method;

use super::registry::tokens::Scope;
use crate::limits::{MAX_API_BODY_BYTES, MAX_API_CALL_BYTES, MAX_FORM_BYTES, MAX_OWN_FORM_BYTES};
use crate::saml::id::{ConnectionId, TokenId};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /sso/saml/{connection}/acs`: the assertion consumer service.
    Acs(ConnectionId),
    /// `/sso/api/v1/…`: the admin API.
    Api(ApiRoute),
    /// `GET /sso/saml/{connection}/complete?ticket=`: gives the session to the browser that asked for it.
    Complete(ConnectionId),
    /// `GET /sso/saml/{connection}/metadata`: our metadata for this connection.
    Metadata(ConnectionId),
    /// `GET /sso/page.js`: what scripts add to pages.
    Script,
    /// `GET /sso/session`: who is signed in.
    Session,
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
}

/// A path of the admin API below `/sso/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiRoute {
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
    /// `POST /connections/{id}/enable`.
    Enable(ConnectionId),
    /// `GET /service-provider/keys`.
    Keys,
    /// `GET, DELETE /connections/{id}/held-metadata`: metadata that waits for approval.
    HeldMetadata(ConnectionId),
    /// `POST /connections/{id}/held-metadata/approve`.
    ApproveHeldMetadata(ConnectionId),
    /// `GET, POST /connections/{id}/metadata`: how fetching it went; fetch and save.
    Metadata(ConnectionId),
    /// `GET /connections/{id}/refusals`: refused sign-ins, newest first.
    Refusals(ConnectionId),
    /// `POST /connections/{id}/decryption-keys/rotate`.
    RotateDecryptionKeys(ConnectionId),
    /// `POST /service-provider/keys/rotate`.
    RotateKeys,
    /// `DELETE /tokens/{id}`.
    Token(TokenId),
    /// `GET, POST /tokens`.
    Tokens,
    /// Any other path: there is nothing, but only for those who may ask.
    Unknown,
}

impl Route {
    /// The route of `path`, if it has one.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/sso/")?;
        if let Some(rest) = rest.strip_prefix("api/") {
            return Some(Self::Api(ApiRoute::of(rest)));
        }
        let mut segments = rest.split('/');
        let route = match (segments.next()?, segments.next(), segments.next()) {
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
            Self::Api(route) => route.methods(),
            Self::Metadata(_) | Self::Script | Self::Session | Self::SignedOut(_) | Self::Stylesheet => "GET, HEAD",
            Self::Complete(_) | Self::SignIn | Self::SignOut => "GET, HEAD, POST",
            // Its GET ends sessions, so that there is no HEAD.
            Self::Slo(_) => "GET, POST",
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
            Self::Acs(_) | Self::Slo(_) => MAX_FORM_BYTES,
            Self::Api(ApiRoute::Metadata(_)) => MAX_API_BODY_BYTES,
            Self::Api(_) => MAX_API_CALL_BYTES,
            Self::Complete(_) | Self::SignIn | Self::SignOut => MAX_OWN_FORM_BYTES,
            _ => 0,
        }
    }
}

impl ApiRoute {
    fn of(path: &str) -> Self {
        Self::known(path).unwrap_or(Self::Unknown)
    }

    fn known(path: &str) -> Option<Self> {
        match path {
            "v1/certificates" => return Some(Self::Certificates),
            "v1/service-provider/keys" => return Some(Self::Keys),
            "v1/service-provider/keys/rotate" => return Some(Self::RotateKeys),
            "v1/tokens" => return Some(Self::Tokens),
            _ => {}
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
        let route = match (segments.next(), segments.next()) {
            (None, _) => Self::Connection(id),
            (Some("decryption-keys"), None) => Self::DecryptionKeys(id),
            (Some("decryption-keys"), Some("rotate")) => Self::RotateDecryptionKeys(id),
            (Some("disable"), None) => Self::Disable(id),
            (Some("enable"), None) => Self::Enable(id),
            (Some("held-metadata"), None) => Self::HeldMetadata(id),
            (Some("held-metadata"), Some("approve")) => Self::ApproveHeldMetadata(id),
            (Some("metadata"), None) => Self::Metadata(id),
            (Some("refusals"), None) => Self::Refusals(id),
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Connection(_) => "GET, HEAD, PATCH, DELETE",
            Self::Connections | Self::Metadata(_) | Self::Tokens => "GET, HEAD, POST",
            Self::HeldMetadata(_) => "GET, HEAD, DELETE",
            Self::ApproveHeldMetadata(_)
            | Self::Disable(_)
            | Self::Enable(_)
            | Self::RotateDecryptionKeys(_)
            | Self::RotateKeys => "POST",
            Self::Certificates | Self::DecryptionKeys(_) | Self::Keys | Self::Refusals(_) => "GET, HEAD",
            Self::Token(_) => "DELETE",
            Self::Unknown => "GET, HEAD, POST, PUT, PATCH, DELETE",
        }
    }

    /// The scope that a token must have for a call by `method`; `None` where there is nothing to be had.
    pub(super) fn scope(&self, method: &Method) -> Option<Scope> {
        match self {
            Self::Unknown => None,
            Self::Token(_) | Self::Tokens => Some(Scope::Tokens),
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
