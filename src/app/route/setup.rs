//! The paths of setup links.

use http::Method;

use crate::limits::{MAX_API_BODY_BYTES, MAX_API_CALL_BYTES, MAX_OWN_FORM_BYTES};
use crate::saml::id::TestId;

/// A path below `/sso/setup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupRoute {
    /// `POST /identity-provider`: an identity provider whose values were typed.
    Manual,
    /// `POST /metadata`: metadata, fetched or pasted.
    Metadata,
    /// `GET /{token}`: opens a link. It is no token that a browser has to keep in its history.
    Open(String),
    /// `GET /sso/setup` itself: what is to be done, for who has opened a link.
    Steps,
    /// `GET /test/{test}`: what became of a test.
    Report(TestId),
    /// `POST /test`: begins a test.
    Test,
}

impl SetupRoute {
    /// The route of a path without `/sso/setup` and the slash after it.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "" => Some(Self::Steps),
            "identity-provider" => Some(Self::Manual),
            "metadata" => Some(Self::Metadata),
            "test" => Some(Self::Test),
            _ => match path.strip_prefix("test/") {
                Some(test) => TestId::parse(test).ok().map(Self::Report),
                None => (!path.contains('/')).then(|| Self::Open(path.to_owned())),
            },
        }
    }

    pub(super) const fn methods(&self) -> &'static str {
        match self {
            Self::Manual | Self::Metadata | Self::Test => "POST",
            // It notes that the link was opened, and sets a cookie.
            Self::Open(_) => "GET",
            Self::Report(_) | Self::Steps => "GET, HEAD",
        }
    }

    pub(super) fn max_body_bytes(&self, method: &Method) -> usize {
        match self {
            _ if *method != Method::POST => 0,
            Self::Metadata => MAX_API_BODY_BYTES,
            Self::Manual => MAX_API_CALL_BYTES,
            _ => MAX_OWN_FORM_BYTES,
        }
    }
}
