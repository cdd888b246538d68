//! What the vendor says of a connection, as JSON fields, checked and completed: by the admin API and by the dashboard alike.

use core::fmt;

use http::StatusCode;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::api::read_value;
use super::error::ApiError;
use super::ports::Unavailable;
use super::public_domains::{Public, public};
use super::registry::Description;
use crate::limits::{
    MAX_ATTRIBUTE_NAME_CHARACTERS, MAX_AUTHN_CONTEXT_CLASSES, MAX_DOMAIN_LABELS, MAX_DOMAINS_PER_CONNECTION,
    MAX_NAME_CHARACTERS, MAX_PENDING_REQUEST_MINUTES, MAX_REASON_CHARACTERS, MAX_RELAY_STATE_TARGETS,
    MAX_SESSION_HOURS, MAX_SHA1_EXCEPTION_SECONDS, MAX_SIGN_IN_ORDER, MAX_URI_BYTES,
};
use crate::saml::connection::{Connection, Provider};
use crate::saml::id::{Domain, EntityId, ReturnPath};
use crate::saml::settings::{
    AttributeMap, IdpInitiated, LoginHint, RequestSettings, ResponseSettings, RoutingSettings, SessionSettings,
    Sha1Exception, SignRequests, UserField,
};
use crate::saml::time::Timestamp;

/// What the vendor says of a connection, whole: `POST` and `PATCH` complete what they are given.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(super) struct DescriptionBody {
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    name: String,
    provider: Provider,
    #[cfg_attr(test, schemars(length(min = 1, max = 100), extend("examples" = [["acme.com"]])))]
    domains: Vec<String>,
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    organization: Option<String>,
    #[cfg_attr(test, schemars(length(min = 1, max = 1024)))]
    sp_entity_id: Option<String>,
    sign_requests: SignRequests,
    force_authn: bool,
    #[cfg_attr(test, schemars(length(max = 10)))]
    requested_authn_context: Vec<String>,
    #[cfg_attr(test, schemars(length(max = 256)))]
    name_id_format: Option<String>,
    login_hint: LoginHint,
    #[cfg_attr(test, schemars(range(min = 1, max = 1440)))]
    request_lifetime_minutes: u32,
    idp_initiated: IdpInitiated,
    #[cfg_attr(test, schemars(length(max = 100)))]
    relay_state_targets: Vec<String>,
    require_signed_assertion: bool,
    require_signed_response: bool,
    sha1_exception: Option<Sha1Exception>,
    attribute_map: AttributeMap,
    required_attributes: Vec<UserField>,
    require_typed_email: bool,
    just_in_time_sign_up: bool,
    decrypt_assertions: bool,
    #[cfg_attr(test, schemars(length(min = 1, max = 256)))]
    user_key: Option<String>,
    #[cfg_attr(test, schemars(range(min = 1, max = 2160)))]
    session_hours: u32,
    #[cfg_attr(test, schemars(range(min = 1, max = 2160)))]
    session_idle_hours: u32,
    match_subdomains: bool,
    share_domains: bool,
    #[cfg_attr(test, schemars(range(max = 1000)))]
    sign_in_order: u32,
    /// The domains that it has already: what they may be was decided when it got them.
    #[serde(skip)]
    present_domains: Vec<Domain>,
}

/// The fields of a body, each once.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    fields.insert(name, whole(value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Once)
    }
}

/// A number without a fraction is whole, however it is written (JSON Schema Core 4.2.3): `7.0` is 7.
fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 => {
            format!("{number:.0}").parse::<i64>().map_or(value, Value::from)
        }
        _ => value,
    }
}

/// Reads a number that may be written so.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    serde_json::from_value(whole(Value::deserialize(deserializer)?)).map_err(D::Error::custom)
}

/// The settings of a connection as fields, beside each other.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SettingsFields<'a> {
    #[serde(flatten)]
    pub(super) requests: &'a RequestSettings,
    #[serde(flatten)]
    pub(super) responses: &'a ResponseSettings,
    #[serde(flatten)]
    pub(super) routing: &'a RoutingSettings,
    #[serde(flatten)]
    pub(super) sessions: &'a SessionSettings,
}

impl<'a> SettingsFields<'a> {
    pub(super) fn of(connection: &'a Connection) -> Self {
        Self {
            requests: &connection.requests,
            responses: &connection.responses,
            routing: &connection.routing,
            sessions: &connection.sessions,
        }
    }
}

/// All fields of a connection that a `PATCH` may change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DescriptionFields<'a> {
    name: &'a str,
    provider: Provider,
    domains: &'a [Domain],
    organization: Option<&'a str>,
    sp_entity_id: Option<&'a EntityId>,
    #[serde(flatten)]
    settings: SettingsFields<'a>,
}

impl<'a> DescriptionFields<'a> {
    pub(super) fn of(connection: &'a Connection) -> Self {
        Self {
            name: &connection.name,
            provider: connection.provider,
            domains: &connection.domains,
            organization: connection.organization.as_deref(),
            sp_entity_id: connection.sp_entity_id.as_ref(),
            settings: SettingsFields::of(connection),
        }
    }
}

impl DescriptionBody {
    /// `given`, and what it leaves out by default.
    pub(super) fn created(given: Fields) -> Result<Self, ApiError> {
        let defaults = SettingsFields {
            requests: &RequestSettings::default(),
            responses: &ResponseSettings::default(),
            routing: &RoutingSettings::default(),
            sessions: &SessionSettings::default(),
        };
        Self::completed(given, &defaults)
    }

    /// `given`, and what it leaves out as it is: `null` clears what may be absent, and any other value replaces the whole
    /// field.
    pub(super) fn patched(given: Fields, connection: &Connection) -> Result<Self, ApiError> {
        Ok(Self {
            present_domains: connection.domains.clone(),
            ..Self::completed(given, &DescriptionFields::of(connection))?
        })
    }

    /// `given`, and what it leaves out by default, in place of what a connection was that had `present_domains`.
    pub(super) fn replaced(given: Fields, present_domains: &[Domain]) -> Result<Self, ApiError> {
        Ok(Self {
            present_domains: present_domains.to_vec(),
            ..Self::created(given)?
        })
    }

    fn completed(Fields(given): Fields, others: &impl Serialize) -> Result<Self, ApiError> {
        let mut whole = serde_json::to_value(others).map_err(|e| Unavailable(format!("fields: {e}")))?;
        if let Some(fields) = whole.as_object_mut() {
            fields.extend(given);
        }
        read_value(whole)
    }

    pub(super) fn read(self, now: Timestamp) -> Result<Description, ApiError> {
        Ok(Description {
            name: name(&self.name)?,
            provider: self.provider,
            domains: domains(&self.domains, &self.present_domains)?,
            organization: self.organization.as_deref().map(organization).transpose()?,
            sp_entity_id: self.sp_entity_id.as_deref().map(entity_id).transpose()?,
            requests: RequestSettings {
                sign_requests: self.sign_requests,
                force_authn: self.force_authn,
                requested_authn_context: authn_context(&self.requested_authn_context)?,
                name_id_format: self.name_id_format.as_deref().map(name_id_format).transpose()?,
                login_hint: self.login_hint,
                request_lifetime_minutes: lifetime(self.request_lifetime_minutes)?,
            },
            responses: ResponseSettings {
                idp_initiated: self.idp_initiated,
                relay_state_targets: targets(&self.relay_state_targets)?,
                require_signed_assertion: self.require_signed_assertion,
                require_signed_response: self.require_signed_response,
                sha1_exception: self.sha1_exception.map(|e| sha1_exception(e, now)).transpose()?,
                attribute_map: attribute_map(self.attribute_map)?,
                required_attributes: self.required_attributes,
                require_typed_email: self.require_typed_email,
                just_in_time_sign_up: self.just_in_time_sign_up,
                decrypt_assertions: self.decrypt_assertions,
                user_key: self.user_key.as_deref().map(user_key).transpose()?,
            },
            routing: RoutingSettings {
                match_subdomains: self.match_subdomains,
                share_domains: self.share_domains,
                sign_in_order: sign_in_order(self.sign_in_order)?,
            },
            sessions: SessionSettings {
                session_hours: session_hours("session_hours", self.session_hours)?,
                session_idle_hours: session_hours("session_idle_hours", self.session_idle_hours)?,
            },
        })
    }
}

fn name(text: &str) -> Result<String, ApiError> {
    line(text, MAX_NAME_CHARACTERS).ok_or_else(|| ApiError::invalid("name", "expected 1 to 100 characters on one line"))
}

fn organization(text: &str) -> Result<String, ApiError> {
    line(text, MAX_NAME_CHARACTERS)
        .ok_or_else(|| ApiError::invalid("organization", "expected 1 to 100 characters on one line, or null"))
}

/// Text that people wrote on one line, without the space around it.
pub(super) fn line(text: &str, max_characters: usize) -> Option<String> {
    let text = text.trim();
    let fits = (1..=max_characters).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn entity_id(text: &str) -> Result<EntityId, ApiError> {
    EntityId::parse(text).map_err(|e| ApiError::invalid("sp_entity_id", e.0))
}

fn name_id_format(text: &str) -> Result<String, ApiError> {
    uri(text).ok_or_else(|| ApiError::invalid("name_id_format", "expected a URI, or null"))
}

fn authn_context(texts: &[String]) -> Result<Vec<String>, ApiError> {
    let expected = || ApiError::invalid("requested_authn_context", "expected at most 10 URIs");
    if texts.len() > MAX_AUTHN_CONTEXT_CLASSES {
        return Err(expected());
    }
    texts.iter().map(|text| uri(text).ok_or_else(expected)).collect()
}

/// A URI reference, as far as identity providers look at it: `anyURI` in the schema, compared octet by octet (SAML Core
/// 1.3.2).
fn uri(text: &str) -> Option<String> {
    let fits = text.contains(':') && text.len() <= MAX_URI_BYTES;
    (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.to_owned())
}

fn lifetime(minutes: u32) -> Result<u32, ApiError> {
    let fits = (1..=MAX_PENDING_REQUEST_MINUTES).contains(&minutes);
    fits.then_some(minutes)
        .ok_or_else(|| ApiError::invalid("request_lifetime_minutes", "expected 1 to 1440"))
}

fn targets(texts: &[String]) -> Result<Vec<ReturnPath>, ApiError> {
    if texts.len() > MAX_RELAY_STATE_TARGETS {
        return Err(ApiError::invalid("relay_state_targets", "expected at most 100 paths"));
    }
    let read = |text: &String| ReturnPath::parse(text).map_err(|e| ApiError::invalid("relay_state_targets", e.0));
    texts.iter().map(read).collect()
}

fn user_key(text: &str) -> Result<String, ApiError> {
    line(text, MAX_ATTRIBUTE_NAME_CHARACTERS).ok_or_else(|| {
        ApiError::invalid(
            "user_key",
            "expected the name of an attribute, 1 to 256 characters on one line, or null",
        )
    })
}

fn session_hours(name: &'static str, hours: u32) -> Result<u32, ApiError> {
    let fits = (1..=MAX_SESSION_HOURS).contains(&hours);
    fits.then_some(hours)
        .ok_or_else(|| ApiError::invalid(name, "expected 1 to 2160"))
}

/// Names of attributes, each on one line.
fn attribute_map(map: AttributeMap) -> Result<AttributeMap, ApiError> {
    let name = |name: Option<String>| {
        let expected = || {
            ApiError::invalid(
                "attribute_map",
                "expected names of 1 to 256 characters on one line, or null",
            )
        };
        let read = |name: String| line(&name, MAX_ATTRIBUTE_NAME_CHARACTERS).ok_or_else(expected);
        name.map(read).transpose()
    };
    Ok(AttributeMap {
        email: name(map.email)?,
        first_name: name(map.first_name)?,
        last_name: name(map.last_name)?,
        groups: name(map.groups)?,
    })
}

/// An exception that has an end, and somebody's reason.
fn sha1_exception(exception: Sha1Exception, now: Timestamp) -> Result<Sha1Exception, ApiError> {
    let left = exception.until.since(now);
    if left > MAX_SHA1_EXCEPTION_SECONDS {
        return Err(ApiError::invalid("sha1_exception", "expected an end within a year"));
    }
    let expected = || ApiError::invalid("sha1_exception", "expected a reason of 1 to 500 characters on one line");
    line(&exception.reason, MAX_REASON_CHARACTERS).ok_or_else(expected)?;
    Ok(exception)
}

fn sign_in_order(order: u32) -> Result<u32, ApiError> {
    let fits = order <= MAX_SIGN_IN_ORDER;
    fits.then_some(order)
        .ok_or_else(|| ApiError::invalid("sign_in_order", "expected 0 to 1000"))
}

fn domains(texts: &[String], present: &[Domain]) -> Result<Vec<Domain>, ApiError> {
    if texts.is_empty() || texts.len() > MAX_DOMAINS_PER_CONNECTION {
        return Err(ApiError::invalid("domains", "expected 1 to 100 domains"));
    }
    let mut domains: Vec<Domain> = Vec::with_capacity(texts.len());
    for text in texts {
        let domain = Domain::parse(text).map_err(|_| no_domain(text))?;
        if !present.contains(&domain) {
            check_ownable(&domain)?;
        }
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

/// That `text` is no domain. It is quoted, as it may be one of many; what would hide or reorder text is escaped.
fn no_domain(text: &str) -> ApiError {
    const MOST: usize = 100;
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let expected = format!("{shown:?} is no domain. Expected one such as acme.com");
    ApiError::invalid("domains", &expected)
}

/// A domain of a connection is one organization's.
fn check_ownable(domain: &Domain) -> Result<(), ApiError> {
    if domain.labels() > MAX_DOMAIN_LABELS {
        return Err(ApiError::invalid("domains", "expected domains of at most 8 labels"));
    }
    let (code, why) = match public(domain) {
        None => return Ok(()),
        Some(Public::Mail) => (
            "domain_public_mail",
            "is of a public mail provider, where anybody gets an address",
        ),
        Some(Public::Suffix) => (
            "domain_public_suffix",
            "is a public suffix, below which anybody registers domains",
        ),
    };
    let message = format!("domains: {domain} {why}. A connection has domains of its organization alone.");
    Err(ApiError {
        field: Some("domains".into()),
        ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    })
}
