//! The admin API, `/sso/api/v1`: connections as JSON, for whoever has the admin token.

use core::fmt;

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::App;
use super::error::ApiError;
use super::http::{Request, Response, allow, ask_for_bearer, has_media_type, header, json, respond};
use super::ledger::ListRefusals;
use super::ports::{Answer, Ports};
use super::registry::{Change, Create, Delete, Description, List, Refusal, Update};
use super::route::{ApiRoute, Route};
use crate::code::Code;
use crate::limits::{
    MAX_AUTHN_CONTEXT_CLASSES, MAX_DOMAINS_PER_CONNECTION, MAX_NAME_CHARACTERS, MAX_PENDING_REQUEST_MINUTES,
    MAX_REASON_CHARACTERS, MAX_RELAY_STATE_TARGETS, MAX_SHA1_EXCEPTION_SECONDS, MAX_URI_BYTES,
};
use crate::saml::connection::{Binding, Connection, LogoutEndpoint, Provider, ServiceProvider, State};
use crate::saml::id::{ConnectionId, Domain, EndpointUrl, EntityId, ReturnPath};
use crate::saml::service_keys::RotationStep;
use crate::saml::settings::{
    IdpInitiated, LoginHint, RequestSettings, ResponseSettings, Sha1Exception, SignRequests, UserField,
};
use crate::saml::time::Timestamp;
use crate::saml::warning::Warning;
use crate::token::same_secret;

/// What the vendor says of a connection, whole: `POST` and `PATCH` complete what they are given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
struct DescriptionBody {
    name: String,
    provider: Provider,
    domains: Vec<String>,
    organization: Option<String>,
    sp_entity_id: Option<String>,
    sign_requests: SignRequests,
    force_authn: bool,
    requested_authn_context: Vec<String>,
    name_id_format: Option<String>,
    login_hint: LoginHint,
    request_lifetime_minutes: u32,
    idp_initiated: IdpInitiated,
    relay_state_targets: Vec<String>,
    require_signed_assertion: bool,
    require_signed_response: bool,
    sha1_exception: Option<Sha1Exception>,
    required_attributes: Vec<UserField>,
    require_typed_email: bool,
    just_in_time_sign_up: bool,
    decrypt_assertions: bool,
}

/// The fields of a body, each once.
struct Fields(Map<String, Value>);

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
                    fields.insert(name, value);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Once)
    }
}

/// The settings of a connection as fields, beside each other.
#[derive(Serialize)]
struct SettingsFields<'a> {
    #[serde(flatten)]
    requests: &'a RequestSettings,
    #[serde(flatten)]
    responses: &'a ResponseSettings,
}

impl<'a> SettingsFields<'a> {
    fn of(connection: &'a Connection) -> Self {
        Self {
            requests: &connection.requests,
            responses: &connection.responses,
        }
    }
}

/// The other fields of a connection that a `PATCH` may change.
#[derive(Serialize)]
struct DescriptionFields<'a> {
    name: &'a str,
    provider: Provider,
    domains: &'a [Domain],
    organization: Option<&'a str>,
    sp_entity_id: Option<&'a EntityId>,
    #[serde(flatten)]
    settings: SettingsFields<'a>,
}

impl DescriptionBody {
    /// `given`, and what it leaves out by default.
    fn created(given: Fields) -> Result<Self, ApiError> {
        let (requests, responses) = (&RequestSettings::default(), &ResponseSettings::default());
        Self::completed(given, &SettingsFields { requests, responses })
    }

    /// `given`, and what it leaves out as it is: `null` clears what may be absent, and any other value replaces the whole
    /// field.
    fn patched(given: Fields, connection: &Connection) -> Result<Self, ApiError> {
        let present = DescriptionFields {
            name: &connection.name,
            provider: connection.provider,
            domains: &connection.domains,
            organization: connection.organization.as_deref(),
            sp_entity_id: connection.sp_entity_id.as_ref(),
            settings: SettingsFields::of(connection),
        };
        Self::completed(given, &present)
    }

    fn completed(Fields(given): Fields, others: &impl Serialize) -> Result<Self, ApiError> {
        let mut whole = serde_json::to_value(others).map_err(|e| not_as_expected(&e))?;
        if let Some(fields) = whole.as_object_mut() {
            fields.extend(given);
        }
        serde_json::from_value(whole).map_err(|e| not_as_expected(&e))
    }

    fn read(self, now: Timestamp) -> Result<Description, ApiError> {
        Ok(Description {
            name: name(&self.name)?,
            provider: self.provider,
            domains: domains(&self.domains)?,
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
                required_attributes: self.required_attributes,
                require_typed_email: self.require_typed_email,
                just_in_time_sign_up: self.just_in_time_sign_up,
                decrypt_assertions: self.decrypt_assertions,
            },
        })
    }
}

/// `POST /connections/{id}/metadata`: exactly one of `url` and `xml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetadataBody {
    url: Option<String>,
    xml: Option<String>,
    /// Which of several identity providers.
    entity_id: Option<String>,
    /// Whether it may be another one than the connection has.
    #[serde(default)]
    replace_entity: bool,
}

/// A connection, as the API shows it.
#[derive(Serialize)]
struct ConnectionView<'a> {
    id: &'a ConnectionId,
    name: &'a str,
    provider: Provider,
    state: State,
    domains: &'a [Domain],
    organization: Option<&'a str>,
    #[serde(flatten)]
    settings: SettingsFields<'a>,
    service_provider: ServiceProvider,
    identity_provider: Option<IdentityProviderView<'a>>,
    warnings: Vec<WarningView>,
    generation: u64,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct IdentityProviderView<'a> {
    entity_id: &'a EntityId,
    single_sign_on: Vec<EndpointView<'a>>,
    single_logout: &'a [LogoutEndpoint],
    metadata_url: Option<&'a EndpointUrl>,
    wants_requests_signed: bool,
    signing_certificates: Vec<CertificateView>,
}

#[derive(Serialize)]
struct EndpointView<'a> {
    binding: Binding,
    url: &'a EndpointUrl,
}

#[derive(Serialize)]
struct WarningView {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct CertificateView {
    sha256: String,
    subject: String,
    not_before: Option<String>,
    not_after: Option<String>,
}

impl<P: Ports> App<P> {
    /// Answers a call of the API. Who may not ask learns nothing, not even which paths exist.
    pub(super) async fn answer_api(&self, route: &ApiRoute, request: &Request) -> Response {
        if let Some(refusal) = self.refuse_stranger(request) {
            return refusal;
        }
        let whole = Route::Api(route.clone());
        if !whole.allows(request.method()) {
            let message = format!("This address answers {}.", whole.methods());
            let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).response();
            allow(&mut response, whole.methods());
            return response;
        }
        self.call(route, request).await.unwrap_or_else(|error| error.response())
    }

    /// The answer to whoever has not the admin token.
    pub(super) fn refuse_stranger(&self, request: &Request) -> Option<Response> {
        let error = self.check_token(request).err()?;
        let mut response = error.response();
        ask_for_bearer(&mut response);
        Some(response)
    }

    /// Without the secret the API is closed.
    fn check_token(&self, request: &Request) -> Result<(), ApiError> {
        let Some(expected) = &self.config.admin_token else {
            let message =
                "The admin API is closed. Set the secret ADMIN_TOKEN (wrangler secret put ADMIN_TOKEN) to open it.";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "api_closed", message));
        };
        let given = header(request, &AUTHORIZATION).and_then(|value| value.split_once(' '));
        match given {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case("bearer") && same_secret(token.trim(), expected.reveal()) =>
            {
                Ok(())
            }
            _ => {
                let message = "Send the admin token in the header Authorization: Bearer …";
                Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message))
            }
        }
    }

    async fn call(&self, route: &ApiRoute, request: &Request) -> Result<Response, ApiError> {
        match (route, request.method()) {
            (ApiRoute::Connections, &Method::POST) => self.create(request).await,
            (ApiRoute::Connections, _) => self.list().await,
            (ApiRoute::Connection(id), &Method::PATCH) => self.patch(id, request).await,
            (ApiRoute::Connection(id), &Method::DELETE) => self.delete(id).await,
            (ApiRoute::Connection(id), _) => Ok(json(StatusCode::OK, &self.view(&self.existing(id).await?))),
            (ApiRoute::DecryptionKeys(id) | ApiRoute::RotateDecryptionKeys(id), _) => {
                self.answer_decryption_keys(id, request).await
            }
            (ApiRoute::Disable(id), _) => self.update(id, Change::State(State::Disabled)).await,
            (ApiRoute::Enable(id), _) => self.update(id, Change::State(State::Enabled)).await,
            (ApiRoute::Keys | ApiRoute::RotateKeys, _) => self.answer_keys(request).await,
            (ApiRoute::Metadata(id), _) => self.save_metadata(id, request).await,
            (ApiRoute::Refusals(id), _) => self.list_refusals(id).await,
            (ApiRoute::Unknown, _) => Err(ApiError::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address.",
            )),
        }
    }

    async fn create(&self, request: &Request) -> Result<Response, ApiError> {
        let description = DescriptionBody::created(read_body(request)?)?.read(self.ports.now())?;
        let create = Create {
            id: ConnectionId::from_random(&self.ports.random()?),
            decryption_key: self.first_decryption_key(&description.responses, &[]).await?,
            description,
        };
        let Answer { reply, published } = self.ports.registry(create).await?;
        Ok(json(
            status(StatusCode::CREATED, published),
            &self.view(&reply.map_err(refused)?),
        ))
    }

    async fn list(&self) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            connections: Vec<ConnectionView<'a>>,
        }
        let connections = self.ports.registry(List {}).await?.reply;
        let connections = connections.iter().map(|connection| self.view(connection)).collect();
        Ok(json(StatusCode::OK, &Body { connections }))
    }

    async fn patch(&self, id: &ConnectionId, request: &Request) -> Result<Response, ApiError> {
        let given = read_body(request)?;
        let now = self.existing(id).await?;
        let description = DescriptionBody::patched(given, &now)?.read(self.ports.now())?;
        let update = Update {
            id: id.clone(),
            decryption_key: (self.first_decryption_key(&description.responses, &now.decryption_keys)).await?,
            change: Change::Describe(Box::new(description)),
            from_generation: Some(now.generation),
        };
        self.send_update(update).await
    }

    async fn delete(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        let Answer { reply, published } = self.ports.registry(Delete { id: id.clone() }).await?;
        reply.map_err(refused)?;
        Ok(respond(
            status(StatusCode::NO_CONTENT, published),
            "application/json",
            "",
        ))
    }

    async fn save_metadata(&self, id: &ConnectionId, request: &Request) -> Result<Response, ApiError> {
        let body: MetadataBody = read_body(request)?;
        self.existing(id).await?;
        let wanted = body.entity_id.as_deref().map(EntityId::parse).transpose();
        let wanted = wanted.map_err(|e| invalid("entity_id", e.0))?;
        let found = match (body.url, body.xml) {
            (Some(url), None) => {
                let url = EndpointUrl::parse(&url).map_err(|e| invalid("url", e.0))?;
                self.fetch_identity_provider(&url, wanted.as_ref()).await?
            }
            (None, Some(xml)) => self.pasted_identity_provider(&xml, wanted.as_ref())?,
            _ => return Err(invalid("url", "expected exactly one of url and xml")),
        };
        let change = Change::IdentityProvider {
            found: Box::new(found),
            replace_entity: body.replace_entity,
        };
        self.update(id, change).await
    }

    async fn list_refusals(&self, id: &ConnectionId) -> Result<Response, ApiError> {
        #[derive(Serialize)]
        struct Body {
            refusals: Vec<RefusalView>,
        }
        #[derive(Serialize)]
        struct RefusalView {
            reference: String,
            at: String,
            code: String,
            detail: String,
        }
        self.existing(id).await?;
        let refusals = self
            .ports
            .ledger(id, ListRefusals {})
            .await?
            .into_iter()
            .map(|r| RefusalView {
                reference: r.reference,
                at: r.at.to_rfc3339(),
                code: r.code,
                detail: r.detail,
            });
        Ok(json(
            StatusCode::OK,
            &Body {
                refusals: refusals.collect(),
            },
        ))
    }

    async fn update(&self, id: &ConnectionId, change: Change) -> Result<Response, ApiError> {
        let update = Update {
            id: id.clone(),
            change,
            from_generation: None,
            decryption_key: None,
        };
        self.send_update(update).await
    }

    async fn send_update(&self, update: Update) -> Result<Response, ApiError> {
        let Answer { reply, published } = self.ports.registry(update).await?;
        Ok(json(
            status(StatusCode::OK, published),
            &self.view(&reply.map_err(refused)?),
        ))
    }

    pub(super) async fn existing(&self, id: &ConnectionId) -> Result<Connection, ApiError> {
        self.registered_connection(id)
            .await?
            .ok_or_else(|| refused(Refusal::NotFound))
    }

    fn view<'a>(&self, connection: &'a Connection) -> ConnectionView<'a> {
        ConnectionView {
            id: &connection.id,
            name: &connection.name,
            provider: connection.provider,
            state: connection.state,
            domains: &connection.domains,
            organization: connection.organization.as_deref(),
            settings: SettingsFields::of(connection),
            service_provider: connection.service_provider(&self.config.origin),
            identity_provider: connection.identity_provider.as_ref().map(|idp| IdentityProviderView {
                entity_id: &idp.entity_id,
                single_sign_on: idp
                    .single_sign_on
                    .iter()
                    .map(|e| EndpointView {
                        binding: e.binding,
                        url: &e.url,
                    })
                    .collect(),
                single_logout: &idp.single_logout,
                metadata_url: idp.metadata_url.as_ref(),
                wants_requests_signed: idp.wants_requests_signed,
                signing_certificates: idp
                    .certificates
                    .iter()
                    .filter_map(|c| c.certificate().ok())
                    .map(|c| certificate_view(&c))
                    .collect(),
            }),
            warnings: Warning::all(connection, self.ports.now())
                .iter()
                .map(|warning| WarningView {
                    code: warning.code().as_str(),
                    message: warning.to_string(),
                })
                .collect(),
            generation: connection.generation,
            created_at: connection.created_at.to_rfc3339(),
            updated_at: connection.updated_at.to_rfc3339(),
        }
    }
}

fn certificate_view(certificate: &crate::dsig::Certificate) -> CertificateView {
    let time = |seconds: Option<i64>| seconds.map(|s| Timestamp::from_unix_seconds(s).to_rfc3339());
    CertificateView {
        sha256: certificate.fingerprint().to_string(),
        subject: certificate.subject().to_owned(),
        not_before: time(certificate.not_before()),
        not_after: time(certificate.not_after()),
    }
}

/// `202 Accepted` when a change is saved but has not reached every place yet; it will, by itself.
pub(super) fn status(done: StatusCode, published: bool) -> StatusCode {
    if published { done } else { StatusCode::ACCEPTED }
}

pub(super) fn read_body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    if !has_media_type(request, "application/json") {
        let message = "Send the body as Content-Type: application/json.";
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        ));
    }
    serde_json::from_slice(request.body()).map_err(|e| not_as_expected(&e))
}

fn not_as_expected(error: &serde_json::Error) -> ApiError {
    let message = format!("The body is not as expected: {error}.");
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
}

fn name(text: &str) -> Result<String, ApiError> {
    line(text, MAX_NAME_CHARACTERS).ok_or_else(|| invalid("name", "expected 1 to 100 characters on one line"))
}

fn organization(text: &str) -> Result<String, ApiError> {
    line(text, MAX_NAME_CHARACTERS)
        .ok_or_else(|| invalid("organization", "expected 1 to 100 characters on one line, or null"))
}

/// Text that people wrote on one line, without the space around it.
fn line(text: &str, max_characters: usize) -> Option<String> {
    let text = text.trim();
    let fits = (1..=max_characters).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn entity_id(text: &str) -> Result<EntityId, ApiError> {
    EntityId::parse(text).map_err(|e| invalid("sp_entity_id", e.0))
}

fn name_id_format(text: &str) -> Result<String, ApiError> {
    uri(text).ok_or_else(|| invalid("name_id_format", "expected a URI, or null"))
}

fn authn_context(texts: &[String]) -> Result<Vec<String>, ApiError> {
    let expected = || invalid("requested_authn_context", "expected at most 10 URIs");
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
        .ok_or_else(|| invalid("request_lifetime_minutes", "expected 1 to 1440"))
}

fn targets(texts: &[String]) -> Result<Vec<ReturnPath>, ApiError> {
    if texts.len() > MAX_RELAY_STATE_TARGETS {
        return Err(invalid("relay_state_targets", "expected at most 100 paths"));
    }
    let read = |text: &String| ReturnPath::parse(text).map_err(|e| invalid("relay_state_targets", e.0));
    texts.iter().map(read).collect()
}

/// An exception that has an end, and somebody's reason.
fn sha1_exception(exception: Sha1Exception, now: Timestamp) -> Result<Sha1Exception, ApiError> {
    let left = exception.until.since(now);
    if left > MAX_SHA1_EXCEPTION_SECONDS {
        return Err(invalid("sha1_exception", "expected an end within a year"));
    }
    let expected = || invalid("sha1_exception", "expected a reason of 1 to 500 characters on one line");
    line(&exception.reason, MAX_REASON_CHARACTERS).ok_or_else(expected)?;
    Ok(exception)
}

fn domains(texts: &[String]) -> Result<Vec<Domain>, ApiError> {
    if texts.is_empty() || texts.len() > MAX_DOMAINS_PER_CONNECTION {
        return Err(invalid("domains", "expected 1 to 100 domains"));
    }
    let mut domains: Vec<Domain> = Vec::with_capacity(texts.len());
    for text in texts {
        let domain = Domain::parse(text).map_err(|e| invalid("domains", e.0))?;
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

fn invalid(field: &str, expected: &str) -> ApiError {
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_field",
        format!("{field}: {expected}."),
    )
}

pub(super) fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Changed => {
            let message =
                "Somebody else changed the connection at the same time. Read it again, then repeat the change.";
            ApiError::new(StatusCode::CONFLICT, "connection_changed", message)
        }
        Refusal::DomainTaken(domain) => {
            let message = format!("Another connection has the domain {domain}. Remove it there first.");
            ApiError::new(StatusCode::CONFLICT, "domain_taken", message)
        }
        Refusal::EntityChanged { saved, found } => {
            let message = format!(
                "The connection has the identity provider {saved}, the metadata describes {found}. If it is to be replaced, \
                 repeat the call with \"replace_entity\": true."
            );
            ApiError::new(StatusCode::CONFLICT, Code::EntityChanged.as_str(), message)
        }
        Refusal::Incomplete => {
            let message = "The connection has no identity provider yet. Save its metadata first.";
            ApiError::new(StatusCode::CONFLICT, "connection_incomplete", message)
        }
        Refusal::NoDecryptionKey => {
            let message = "The connection has no decryption key. Set decrypt_assertions to true first.";
            ApiError::new(StatusCode::CONFLICT, "no_decryption_key", message)
        }
        Refusal::NotFound => ApiError::new(
            StatusCode::NOT_FOUND,
            "connection_unknown",
            "There is no such connection.",
        ),
        Refusal::RotationStep(next) => {
            let message = format!("The next step of the rotation is {}.", step_name(next));
            ApiError::new(StatusCode::CONFLICT, "rotation_step", message)
        }
        Refusal::TooMany => ApiError::new(
            StatusCode::CONFLICT,
            "too_many_connections",
            "There are too many connections.",
        ),
    }
}

fn step_name(step: RotationStep) -> &'static str {
    match step {
        RotationStep::Activate => "activate",
        RotationStep::Prepare => "prepare",
        RotationStep::Retire => "retire",
    }
}
