//! The forms of a connection's settings: their fields, filled from the connection, and what they become as JSON.

use serde_json::{Map, Value, json};

use super::field::{Attempt, Field, Kind, Maker};
use super::form::Form;
use super::parts::{PROVIDER_OPTIONS, day, provider_value};
use crate::app::description::Fields;
use crate::app::error::ApiError;
use crate::app::route::Section;
use crate::saml::connection::{Connection, Provider};
use crate::saml::id::ReturnPath;
use crate::saml::settings::{IdpInitiated, LoginHint, SignRequests, UserField};
use crate::saml::time::Timestamp;

/// Some fields under one heading.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) fields: Vec<Field>,
}

/// What people read in place of the names that fields have in the API: as labels of these forms, and where a change is told of.
const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("organization", "Organization"),
    ("provider", "Identity provider"),
    ("match_subdomains", "The domains below these go with them"),
    ("share_domains", "Other connections may have the same domains"),
    ("sign_in_order", "Its place among the connections to choose from"),
    ("session_hours", "Hours until people sign in again"),
    ("session_idle_hours", "Hours without a request until then"),
    ("attribute_map.email", "E-mail address"),
    ("attribute_map.first_name", "First name"),
    ("attribute_map.last_name", "Last name"),
    ("attribute_map.groups", "Groups or roles"),
    ("sp_entity_id", "Our entity ID"),
    ("sign_requests", "Sign our requests"),
    ("login_hint", "The typed e-mail address"),
    ("force_authn", "Authenticate anew every time"),
    ("request_lifetime_minutes", "Minutes that a sign-in may take"),
    ("name_id_format", "NameID format"),
    ("requested_authn_context", "Authentication contexts"),
    ("idp_initiated", "A sign-in that the identity provider begins"),
    ("relay_state_targets", "Where such a sign-in may lead"),
    ("require_signed_assertion", "The assertion must be signed itself"),
    ("require_signed_response", "The response must be signed itself"),
    ("decrypt_assertions", "Assertions may be encrypted"),
    ("just_in_time_sign_up", "New people may sign in"),
    ("require_typed_email", "The address must be the one that was typed"),
    ("user_key", "What tells people from each other"),
    ("sha1_exception.until", "Accept SHA-1 in signatures until"),
    ("sha1_exception.reason", "Reason"),
    ("attribute_map", "Attribute mapping"),
    ("domains", "Domains"),
    ("required_attributes", "What must be known"),
    ("sha1_exception", "SHA-1 in signatures"),
    ("decryption_keys", "Decryption keys"),
    ("state", "State"),
];

/// What a field of the API is called, if these forms have it.
pub(super) fn label(field: &str) -> Option<&'static str> {
    let found = LABELS.iter().find(|(name, _)| *name == field);
    found.map(|(_, label)| *label)
}

/// The same for a field that they have.
fn called(field: &'static str) -> &'static str {
    label(field).unwrap_or(field)
}

/// The words of a choice, where `field` is one and has this value.
pub(super) fn choice_words(field: &str, value: &str) -> Option<&'static str> {
    let options = match field {
        "idp_initiated" => IDP_INITIATED,
        "login_hint" => LOGIN_HINT,
        "provider" => PROVIDER_OPTIONS,
        "sign_requests" => SIGN_REQUESTS,
        _ => return None,
    };
    let found = options.iter().find(|(name, _)| *name == value);
    found.map(|(_, words)| *words)
}

const SIGN_REQUESTS: &[(&str, &str)] = &[
    ("auto", "When the identity provider's metadata asks for it"),
    ("always", "Always"),
    ("never", "Never"),
];

const LOGIN_HINT: &[(&str, &str)] = &[
    ("off", "Not passed on"),
    ("login_hint_parameter", "As a parameter of the sign-on URL"),
    ("subject_name_id", "As the request's Subject"),
];

const IDP_INITIATED: &[(&str, &str)] = &[
    ("bounce", "Begin a sign-in of our own with it"),
    ("direct", "Sign the user in, after a question"),
    ("off", "Refuse it"),
];

const USER_FIELDS: [(UserField, &str); 3] = [
    (UserField::FirstName, "The first name must be known"),
    (UserField::LastName, "The last name must be known"),
    (UserField::Groups, "At least one group must be known"),
];

const fn sign_requests(value: SignRequests) -> &'static str {
    match value {
        SignRequests::Always => "always",
        SignRequests::Auto => "auto",
        SignRequests::Never => "never",
    }
}

const fn login_hint(value: LoginHint) -> &'static str {
    match value {
        LoginHint::LoginHintParameter => "login_hint_parameter",
        LoginHint::Off => "off",
        LoginHint::SubjectNameId => "subject_name_id",
    }
}

const fn idp_initiated(value: IdpInitiated) -> &'static str {
    match value {
        IdpInitiated::Bounce => "bounce",
        IdpInitiated::Direct => "direct",
        IdpInitiated::Off => "off",
    }
}

/// Name, organization, provider.
pub(super) fn general(connection: &Connection, attempt: Option<Attempt<'_>>) -> Vec<Field> {
    let maker = Maker::of(Section::General, attempt);
    let organization = connection.organization.as_deref().unwrap_or_default();
    vec![
        maker.line(
            "name",
            called("name"),
            "Shown to you here, and to people who choose between several connections.",
            &connection.name,
        ),
        maker
            .line(
                "organization",
                called("organization"),
                "Your own identifier of this customer.",
                organization,
            )
            .optional(),
        maker.choice(
            "provider",
            called("provider"),
            "Decides the words and the steps on this page, and what is documented for that provider alone.",
            PROVIDER_OPTIONS,
            provider_value(connection.provider),
        ),
    ]
}

/// To whom its domains belong besides, and in which order it is offered.
pub(super) fn routing(connection: &Connection, attempt: Option<Attempt<'_>>) -> Vec<Field> {
    let routing = &connection.routing;
    let maker = Maker::of(Section::Routing, attempt);
    vec![
        maker.tick(
            "match_subdomains",
            called("match_subdomains"),
            "Such as eu.acme.com with acme.com, unless another connection has it.",
            routing.match_subdomains,
        ),
        maker.tick(
            "share_domains",
            called("share_domains"),
            "Those of the same organization that say so too. People then choose between them by name.",
            routing.share_domains,
        ),
        maker.field(
            "sign_in_order",
            called("sign_in_order"),
            "0 to 1000; the smallest comes first.",
            Kind::Line("number"),
            &routing.sign_in_order.to_string(),
        ),
    ]
}

/// How long its sessions last.
pub(super) fn sessions(connection: &Connection, attempt: Option<Attempt<'_>>) -> Vec<Field> {
    let sessions = &connection.sessions;
    let maker = Maker::of(Section::Sessions, attempt);
    let hours =
        |name, label, hint, stored: u32| maker.field(name, label, hint, Kind::Line("number"), &stored.to_string());
    vec![
        hours(
            "session_hours",
            called("session_hours"),
            "1 to 2160; 168 are a week.",
            sessions.session_hours,
        ),
        hours(
            "session_idle_hours",
            called("session_idle_hours"),
            "1 to 2160; 24 are a day.",
            sessions.session_idle_hours,
        ),
    ]
}

/// Names of attributes.
pub(super) fn attributes(connection: &Connection, attempt: Option<Attempt<'_>>) -> Vec<Field> {
    let map = &connection.responses.attribute_map;
    let maker = Maker::of(Section::Attributes, attempt);
    let line = |name, label, usual, stored: &Option<String>| {
        maker.line(name, label, usual, stored.as_deref().unwrap_or_default())
    };
    vec![
        line(
            "email",
            called("attribute_map.email"),
            "Usually Email address, mail or …/claims/emailaddress",
            &map.email,
        ),
        line(
            "first_name",
            called("attribute_map.first_name"),
            "Usually First name, givenName or …/claims/givenname",
            &map.first_name,
        ),
        line(
            "last_name",
            called("attribute_map.last_name"),
            "Usually Last name, surname, sn or …/claims/surname",
            &map.last_name,
        ),
        line(
            "groups",
            called("attribute_map.groups"),
            "Usually groups, memberOf, roles or …/claims/groups",
            &map.groups,
        ),
    ]
}

/// All that seldom has to be changed.
pub(super) fn advanced(connection: &Connection, attempt: Option<Attempt<'_>>) -> Vec<Group> {
    let maker = Maker::of(Section::Advanced, attempt);
    vec![
        requests(&maker, connection),
        responses(&maker, connection),
        users(&maker, connection),
        sha1(&maker, connection),
        Group {
            title: "Moving from another service provider",
            fields: vec![
                maker
                    .line(
                        "sp_entity_id",
                        called("sp_entity_id"),
                        "In place of the one shown above, for a customer whose identity provider has another one already.",
                        connection.sp_entity_id.as_ref().map_or("", |id| id.as_str()),
                    )
                    .optional(),
            ],
        },
    ]
}

fn requests(maker: &Maker<'_>, connection: &Connection) -> Group {
    let requests = &connection.requests;
    let hint = match connection.provider {
        Provider::Entra => "Microsoft Entra ID takes it as a parameter, and refuses it as the Subject.",
        Provider::Google => "Google takes it as a parameter, and ignores it as the Subject.",
        Provider::Custom | Provider::Okta => "So that nobody types their address twice.",
    };
    Group {
        title: "What we ask for",
        fields: vec![
            maker.choice(
                "sign_requests",
                called("sign_requests"),
                "",
                SIGN_REQUESTS,
                sign_requests(requests.sign_requests),
            ),
            maker.choice(
                "login_hint",
                called("login_hint"),
                hint,
                LOGIN_HINT,
                login_hint(requests.login_hint),
            ),
            maker.tick(
                "force_authn",
                called("force_authn"),
                "ForceAuthn: the identity provider must not use a session that it has already.",
                requests.force_authn,
            ),
            maker.field(
                "request_lifetime_minutes",
                called("request_lifetime_minutes"),
                "1 to 1440.",
                Kind::Line("number"),
                &requests.request_lifetime_minutes.to_string(),
            ),
            maker
                .line(
                    "name_id_format",
                    called("name_id_format"),
                    "A URI. Most identity providers are best left to choose.",
                    requests.name_id_format.as_deref().unwrap_or_default(),
                )
                .optional(),
            maker
                .area(
                    "requested_authn_context",
                    called("requested_authn_context"),
                    "Class references of which one must be met exactly, one on a line. Never for Microsoft Entra ID.",
                    &requests.requested_authn_context.join("\n"),
                )
                .optional(),
        ],
    }
}

fn responses(maker: &Maker<'_>, connection: &Connection) -> Group {
    let responses = &connection.responses;
    let targets: Vec<&str> = responses.relay_state_targets.iter().map(ReturnPath::as_str).collect();
    Group {
        title: "What we accept",
        fields: vec![
            maker.choice(
                "idp_initiated",
                called("idp_initiated"),
                "From a tile in its portal, say. The first way is the safe one; it takes the place of the second where everybody has to \
                 authenticate anew every time.",
                IDP_INITIATED,
                idp_initiated(responses.idp_initiated),
            ),
            maker
                .area(
                    "relay_state_targets",
                    called("relay_state_targets"),
                    "Paths of your application, one on a line. With a slash at the end, all below it.",
                    &targets.join("\n"),
                )
                .optional(),
            maker.tick(
                "require_signed_assertion",
                called("require_signed_assertion"),
                "A signature of either is enough otherwise.",
                responses.require_signed_assertion,
            ),
            maker.tick(
                "require_signed_response",
                called("require_signed_response"),
                "",
                responses.require_signed_response,
            ),
            maker.tick(
                "decrypt_assertions",
                called("decrypt_assertions"),
                "Our certificate for it then stands in the service provider metadata. Allow a minute before the identity provider encrypts.",
                responses.decrypt_assertions,
            ),
        ],
    }
}

fn users(maker: &Maker<'_>, connection: &Connection) -> Group {
    let responses = &connection.responses;
    let mut fields = vec![
        maker.tick(
            "just_in_time_sign_up",
            called("just_in_time_sign_up"),
            "Off, only those may who signed in through this connection before.",
            responses.just_in_time_sign_up,
        ),
        maker.tick(
            "require_typed_email",
            called("require_typed_email"),
            "",
            responses.require_typed_email,
        ),
    ];
    fields.extend(USER_FIELDS.map(|(field, words)| {
        let stored = responses.required_attributes.contains(&field);
        maker.option("required_attributes", field.as_str(), words, "", stored)
    }));
    fields.push(
        maker
            .line(
                "user_key",
                called("user_key"),
                "The exact Name of an attribute that a person keeps for good and cannot edit, such as an employee number: upper and lower case \
                 count, a FriendlyName does not. Left empty, it is the NameID. After a change, your application sees everybody as somebody new.",
                responses.user_key.as_deref().unwrap_or_default(),
            )
            .optional(),
    );
    Group {
        title: "Who may sign in",
        fields,
    }
}

fn sha1(maker: &Maker<'_>, connection: &Connection) -> Group {
    let exception = connection.responses.sha1_exception.as_ref();
    let until = exception.map(|exception| day(exception.until)).unwrap_or_default();
    let reason = exception.map_or("", |exception| exception.reason.as_str());
    let mut until = maker.field(
        "sha1_until",
        called("sha1_exception.until"),
        "At most a year ahead. From that day on they are refused again.",
        Kind::Line("date"),
        &until,
    );
    until.optional = true;
    Group {
        title: "An exception for old identity providers",
        fields: vec![
            until,
            maker
                .line(
                    "sha1_reason",
                    called("sha1_exception.reason"),
                    "Who asked for it and why, for whoever reads it later.",
                    reason,
                )
                .optional(),
        ],
    }
}

/// What the form of `section` says, as the fields of a `PATCH`.
///
/// # Errors
/// [`ApiError`] about a field that has no JSON form.
pub(super) fn read(section: Section, form: &Form, connection: &Connection) -> Result<Fields, ApiError> {
    let fields = match section {
        Section::Advanced => read_advanced(form)?,
        Section::Attributes => json!({"attribute_map": {
            "email": form.text_or_null("email"),
            "first_name": form.text_or_null("first_name"),
            "last_name": form.text_or_null("last_name"),
            "groups": form.text_or_null("groups"),
        }}),
        Section::Domains => json!({"domains": read_domains(form, connection)?}),
        Section::Routing => json!({
            "match_subdomains": form.ticked("match_subdomains"),
            "share_domains": form.ticked("share_domains"),
            "sign_in_order": form.number("sign_in_order")?,
        }),
        Section::Sessions => json!({
            "session_hours": form.number("session_hours")?,
            "session_idle_hours": form.number("session_idle_hours")?,
        }),
        _ => json!({
            "name": form.text("name"),
            "organization": form.text_or_null("organization"),
            "provider": form.text("provider"),
        }),
    };
    match fields {
        Value::Object(fields) => Ok(Fields(fields)),
        _ => Ok(Fields(Map::new())),
    }
}

fn read_domains(form: &Form, connection: &Connection) -> Result<Vec<String>, ApiError> {
    let present = connection.domains.iter().map(|domain| domain.as_str().to_owned());
    if let Some(gone) = form.get("remove") {
        let left: Vec<String> = present.filter(|domain| domain != gone).collect();
        return if left.is_empty() {
            Err(ApiError::invalid(
                "domains",
                "a connection keeps at least one domain; add another one first",
            ))
        } else {
            Ok(left)
        };
    }
    match form.text("domains") {
        "" => Err(ApiError::invalid("domains", "enter a domain")),
        added => Ok(present.chain([added.to_owned()]).collect()),
    }
}

fn read_advanced(form: &Form) -> Result<Value, ApiError> {
    let required: Vec<&str> = form.all("required_attributes").collect();
    Ok(json!({
        "sign_requests": form.text("sign_requests"),
        "login_hint": form.text("login_hint"),
        "force_authn": form.ticked("force_authn"),
        "request_lifetime_minutes": form.number("request_lifetime_minutes")?,
        "name_id_format": form.text_or_null("name_id_format"),
        "requested_authn_context": form.lines("requested_authn_context"),
        "idp_initiated": form.text("idp_initiated"),
        "relay_state_targets": form.lines("relay_state_targets"),
        "require_signed_assertion": form.ticked("require_signed_assertion"),
        "require_signed_response": form.ticked("require_signed_response"),
        "decrypt_assertions": form.ticked("decrypt_assertions"),
        "just_in_time_sign_up": form.ticked("just_in_time_sign_up"),
        "require_typed_email": form.ticked("require_typed_email"),
        "required_attributes": required,
        "user_key": form.text_or_null("user_key"),
        "sha1_exception": read_sha1(form)?,
        "sp_entity_id": form.text_or_null("sp_entity_id"),
    }))
}

fn read_sha1(form: &Form) -> Result<Value, ApiError> {
    let (until, reason) = (form.text("sha1_until"), form.text("sha1_reason"));
    if until.is_empty() && reason.is_empty() {
        return Ok(Value::Null);
    }
    let until = format!("{until}T00:00:00Z");
    if Timestamp::parse_rfc3339(&until).is_none() {
        return Err(ApiError::invalid("sha1_until", "expected a date such as 2027-01-31"));
    }
    if reason.is_empty() {
        return Err(ApiError::invalid("sha1_reason", "expected a reason"));
    }
    Ok(json!({"until": until, "reason": reason}))
}
