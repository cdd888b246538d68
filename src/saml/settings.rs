//! What a connection may be told: what its requests ask for, and what its responses may and must be.

use serde::{Deserialize, Serialize};

use super::domains::Subdomains;
use super::id::ReturnPath;
use super::response::SignatureDemand;
use super::time::Timestamp;
use crate::dsig::Sha1;
use crate::limits::{PENDING_REQUEST_MINUTES, SESSION_HOURS, SESSION_IDLE_HOURS, SIGN_IN_ORDER};

/// Whether our requests to an identity provider are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignRequests {
    /// Always.
    Always,
    /// When its metadata asks for it.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// Whether and how the typed e-mail address is passed on to the identity provider, so that nobody types it twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoginHint {
    /// In a parameter of the sign-on URL, outside of SAML: see
    /// [`Provider::login_hint_parameter`](super::connection::Provider::login_hint_parameter).
    LoginHintParameter,
    /// It is not passed on.
    #[default]
    Off,
    /// As the request's `Subject` (SAML Core 3.4.1), which is more than a hint: the answer must be about that subject. Entra
    /// ID answers it with an error, Google Workspace ignores it.
    SubjectNameId,
}

/// What our requests ask for. By default nothing: identity providers refuse what they were not set up for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct RequestSettings {
    /// Whether they are signed.
    pub sign_requests: SignRequests,
    /// Whether the user has to authenticate anew every time (`ForceAuthn`, SAML Core 3.4.1).
    pub force_authn: bool,
    /// The authentication context classes of which one must be met exactly (SAML Core 3.3.2.2.1).
    pub requested_authn_context: Vec<String>,
    /// The format of the NameID (`NameIDPolicy`, SAML Core 3.4.1.1).
    pub name_id_format: Option<String>,
    /// Whether the typed e-mail address goes along.
    pub login_hint: LoginHint,
    /// How many minutes a sign-in may take, from the request to its answer.
    pub request_lifetime_minutes: u32,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            sign_requests: SignRequests::default(),
            force_authn: false,
            requested_authn_context: Vec::new(),
            name_id_format: None,
            login_hint: LoginHint::default(),
            request_lifetime_minutes: PENDING_REQUEST_MINUTES,
        }
    }
}

impl RequestSettings {
    /// How long a sign-in may take.
    #[must_use]
    pub fn lifetime_seconds(&self) -> i64 {
        i64::from(self.request_lifetime_minutes).saturating_mul(60)
    }
}

/// What becomes of a response that answers no request (an "unsolicited response", SAML Profiles 4.1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IdpInitiated {
    /// It signs nobody in, but once verified it starts a sign-in of ours, which the identity provider then answers.
    #[default]
    Bounce,
    /// It signs its user in, once they have said so in this browser.
    Direct,
    /// It is refused.
    Off,
}

/// Something that must be known of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UserField {
    /// The first name.
    FirstName,
    /// At least one group.
    Groups,
    /// The last name.
    LastName,
}

impl UserField {
    /// Its name, as settings have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::Groups => "groups",
            Self::LastName => "last_name",
        }
    }
}

/// The names of the attributes that hold what is known of a user, where they are not among the usual ones. They are compared as
/// those are, and come first; what has no name here, or did not come by it, is looked for by the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AttributeMap {
    /// The e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Groups or roles.
    pub groups: Option<String>,
}

impl AttributeMap {
    /// The usual names alone.
    pub const USUAL: Self = Self {
        email: None,
        first_name: None,
        last_name: None,
        groups: None,
    };
}

/// Until when SHA-1 is accepted in signatures, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sha1Exception {
    /// From this time on it is refused again.
    #[serde(with = "super::time::rfc3339")]
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    pub until: Timestamp,
    /// The vendor's reason, for whoever reads it later.
    pub reason: String,
}

/// What the responses of a connection may and must be. The defaults are for an identity provider that does all as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct ResponseSettings {
    /// What becomes of responses that answer no request.
    pub idp_initiated: IdpInitiated,
    /// Where such a response may lead by its `RelayState`, besides the default: a path, or all paths below one that ends
    /// with a slash.
    pub relay_state_targets: Vec<ReturnPath>,
    /// Whether the assertion must carry a signature of its own.
    pub require_signed_assertion: bool,
    /// Whether the response must carry a signature of its own.
    pub require_signed_response: bool,
    /// Whether SHA-1 is accepted for a while.
    pub sha1_exception: Option<Sha1Exception>,
    /// What attributes are called that have names of their own.
    pub attribute_map: AttributeMap,
    /// The exact `Name` of the attribute that tells a user from all others, for good, in place of the NameID.
    pub user_key: Option<String>,
    /// What must be known of every user besides the e-mail address.
    pub required_attributes: Vec<UserField>,
    /// Whether the e-mail address must be the one that was typed, where one was.
    pub require_typed_email: bool,
    /// Whether users may sign in who never did before ("just in time").
    pub just_in_time_sign_up: bool,
    /// Whether assertions may be encrypted to us.
    pub decrypt_assertions: bool,
}

impl Default for ResponseSettings {
    fn default() -> Self {
        Self {
            idp_initiated: IdpInitiated::default(),
            relay_state_targets: Vec::new(),
            require_signed_assertion: false,
            require_signed_response: false,
            sha1_exception: None,
            attribute_map: AttributeMap::USUAL,
            user_key: None,
            required_attributes: Vec::new(),
            require_typed_email: false,
            just_in_time_sign_up: true,
            decrypt_assertions: false,
        }
    }
}

impl ResponseSettings {
    /// Whether SHA-1 is accepted at `now`.
    #[must_use]
    pub fn sha1(&self, now: Timestamp) -> Sha1 {
        match &self.sha1_exception {
            Some(exception) if now < exception.until => Sha1::Allowed,
            _ => Sha1::Refused,
        }
    }

    /// Which signatures are demanded.
    #[must_use]
    pub fn signatures(&self) -> SignatureDemand {
        match (self.require_signed_assertion, self.require_signed_response) {
            (false, false) => SignatureDemand::Either,
            (true, false) => SignatureDemand::Assertion,
            (false, true) => SignatureDemand::Response,
            (true, true) => SignatureDemand::Both,
        }
    }

    /// Whether a response that answers no request may lead to `target`.
    #[must_use]
    pub fn allows_target(&self, target: &ReturnPath) -> bool {
        // Neither a query nor a fragment decides which page it is.
        let path = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
        let wanted = path(target.as_str());
        self.relay_state_targets.iter().any(|allowed| {
            let allowed = allowed.as_str();
            wanted == path(allowed) || (allowed.ends_with('/') && wanted.starts_with(allowed))
        })
    }
}

/// Which sign-ins are led to a connection, besides those of its domains themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct RoutingSettings {
    /// Whether the domains below its domains go with them.
    pub match_subdomains: bool,
    /// Whether other connections of its organization that say so too may have the same domains.
    pub share_domains: bool,
    /// Its place where several are offered: the smallest first, and the oldest of equals.
    pub sign_in_order: u32,
}

impl Default for RoutingSettings {
    fn default() -> Self {
        Self {
            match_subdomains: false,
            share_domains: false,
            sign_in_order: SIGN_IN_ORDER,
        }
    }
}

impl RoutingSettings {
    /// Whether the domains below its domains go with them.
    #[must_use]
    pub fn subdomains(&self) -> Subdomains {
        if self.match_subdomains {
            Subdomains::Included
        } else {
            Subdomains::Excluded
        }
    }
}

/// How long sessions last here, whatever the identity provider says; it may only end them sooner (`SessionNotOnOrAfter`, SAML
/// Core 2.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SessionSettings {
    /// Hours after the sign-in at which a session ends.
    pub session_hours: u32,
    /// Hours without a request after which it ends.
    pub session_idle_hours: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            session_hours: SESSION_HOURS,
            session_idle_hours: SESSION_IDLE_HOURS,
        }
    }
}

impl SessionSettings {
    /// How long a session lasts at the most.
    #[must_use]
    pub fn lifetime_seconds(self) -> i64 {
        i64::from(self.session_hours).saturating_mul(SECONDS_PER_HOUR)
    }

    /// How long it lasts without a request.
    #[must_use]
    pub fn idle_seconds(self) -> i64 {
        i64::from(self.session_idle_hours).saturating_mul(SECONDS_PER_HOUR)
    }
}

const SECONDS_PER_HOUR: i64 = 60 * 60;
