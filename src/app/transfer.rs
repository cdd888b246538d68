//! All connections as one JSON document, and back: from one deployment to another, or from a backup.
//!
//! The document holds configurations and nothing else: no private key, token, session, setup link, draft or history, and no proof of a
//! domain, which is proved anew where the connection is to be. What comes in is checked as if somebody had typed it.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::App;
use super::api::{raw_repeatable, read_body, status};
use super::connections::{Saved, refused, saved};
use super::description::{DescriptionBody, DescriptionFields, Fields, whole_number};
use super::error::{ApiError, ErrorView};
use super::http::{Request, Response, json};
use super::manual_idp::usable_certificates;
use super::ports::{Answer, Ports};
use super::principal::Principal;
use super::registry::idempotency::Repeatable;
use super::registry::import::{Import, ImportMode, Imported, ImportedConnection, Outcome};
use super::registry::{Actor, NoteExport, Refusal};
use crate::dsig::Certificate;
use crate::limits::{MAX_ENDPOINTS_PER_SERVICE, MAX_IMPORTED_CONNECTIONS, MAX_IMPORTED_DECRYPTION_KEYS};
use crate::saml::connection::{Connection, Endpoint, IdentityProvider, LogoutEndpoint, State};
use crate::saml::id::{ConnectionId, EndpointUrl, EntityId};
use crate::saml::time::Timestamp;

/// What the document calls itself.
pub(super) const FORMAT: &str = "edge-saml/connections";
/// The version of the format: another one for what an older reader would misunderstand.
pub(super) const VERSION: u32 = 1;

/// All connections.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ExportView<'a> {
    format: &'static str,
    version: u32,
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    exported_at: String,
    connections: Vec<ExportedView<'a>>,
}

/// A connection with its complete configuration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ExportedConnection"))]
struct ExportedView<'a> {
    id: &'a ConnectionId,
    state: State,
    #[serde(flatten)]
    description: DescriptionFields<'a>,
    identity_provider: Option<IdpFields>,
}

/// An identity provider, complete.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ExportedIdentityProvider"))]
#[serde(deny_unknown_fields)]
pub(super) struct IdpFields {
    entity_id: EntityId,
    /// At least one.
    single_sign_on: Vec<Endpoint>,
    #[serde(default)]
    single_logout: Vec<LogoutEndpoint>,
    /// Base64 of the DER octets of each signing certificate.
    #[cfg_attr(test, schemars(length(min = 1, max = 8)))]
    certificates: Vec<String>,
    #[serde(default)]
    metadata_url: Option<EndpointUrl>,
    #[serde(default)]
    wants_requests_signed: bool,
    /// `validUntil` of its metadata.
    #[serde(default)]
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    valid_until: Option<String>,
    /// How many signing certificates of its metadata are not here, as they cannot be used.
    #[serde(default)]
    certificates_left_out: u32,
}

impl<'a> ExportedView<'a> {
    fn of(connection: &'a Connection) -> Self {
        Self {
            id: &connection.id,
            state: connection.state,
            description: DescriptionFields::of(connection),
            identity_provider: connection.identity_provider.as_ref().map(IdpFields::of),
        }
    }
}

impl IdpFields {
    fn of(idp: &IdentityProvider) -> Self {
        let certificates = idp.certificates.iter().map(|c| c.as_base64().to_owned());
        Self {
            entity_id: idp.entity_id.clone(),
            single_sign_on: idp.single_sign_on.clone(),
            single_logout: idp.single_logout.clone(),
            certificates: certificates.collect(),
            metadata_url: idp.metadata_url.clone(),
            wants_requests_signed: idp.wants_requests_signed,
            valid_until: idp.valid_until.map(Timestamp::to_rfc3339),
            certificates_left_out: u32::try_from(idp.certificates_left_out).unwrap_or(u32::MAX),
        }
    }
}

/// `POST /import`: such a document, and what is to be done with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportBody {
    format: String,
    #[serde(deserialize_with = "whole_number")]
    version: u32,
    #[serde(default, rename = "exported_at")]
    _exported_at: Option<String>,
    #[serde(default)]
    pub(super) mode: ImportMode,
    #[serde(default)]
    pub(super) dry_run: bool,
    connections: Vec<Fields>,
}

/// What became of a document, or would.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ImportReport"))]
pub(super) struct ImportView<'a> {
    dry_run: bool,
    /// In the order of the document.
    connections: Vec<ItemView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ImportedConnection"))]
struct ItemView<'a> {
    /// Its identifier; none where it can be given none.
    id: Option<&'a ConnectionId>,
    name: Option<&'a str>,
    result: ItemResult,
    /// Why it is refused.
    error: Option<ErrorView<'a>>,
}

/// What became of a connection, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemResult {
    /// It is new, and disabled.
    Created,
    /// It keeps all of them out.
    Refused,
    /// It was there with another configuration.
    Replaced,
    /// It was there as it comes.
    Unchanged,
}

/// What became of one connection of a document, or would.
pub(super) struct Item {
    pub(super) id: Option<ConnectionId>,
    pub(super) name: Option<String>,
    pub(super) result: Result<ItemResult, ApiError>,
}

impl Item {
    fn view(&self) -> ItemView<'_> {
        ItemView {
            id: self.id.as_ref(),
            name: self.name.as_deref(),
            result: *self.result.as_ref().unwrap_or(&ItemResult::Refused),
            error: self.result.as_ref().err().map(ApiError::view),
        }
    }
}

impl<P: Ports> App<P> {
    /// All connections, oldest first, for `actor` to take along.
    pub(super) async fn export_connections(&self, actor: Actor) -> Result<Vec<Connection>, ApiError> {
        self.ports.registry(NoteExport { actor }).await?;
        Ok(self.all_connections().await?)
    }

    /// The document of all connections.
    pub(super) fn document<'a>(&self, connections: &'a [Connection]) -> ExportView<'a> {
        ExportView {
            format: FORMAT,
            version: VERSION,
            exported_at: self.ports.now().to_rfc3339(),
            connections: connections.iter().map(ExportedView::of).collect(),
        }
    }

    /// Takes a document over: all of it, or nothing. Nobody can sign in by what is new in it before it is tested and enabled.
    ///
    /// # Errors
    /// What keeps the first connection out that is refused, unless it was only to be told.
    pub(super) async fn import_connections(
        &self,
        body: ImportBody,
        repeatable: Option<Repeatable>,
        actor: Actor,
    ) -> Result<Saved<Vec<Item>>, ApiError> {
        check_document(&body)?;
        let present = self.all_connections().await?;
        let present: BTreeMap<&ConnectionId, &Connection> = present.iter().map(|c| (&c.id, c)).collect();
        let (mut items, mut connections) = (Vec::new(), Vec::new());
        let (mut ids, mut keys) = (BTreeSet::new(), 0_usize);
        for fields in body.connections {
            let mut item = Item::named(&fields);
            let read = self.read_item(fields, &present, body.mode, &mut keys).await;
            let read = read.and_then(|read| {
                let is_new = ids.insert(read.id.clone());
                is_new.then_some(read).ok_or_else(|| twice(item.id.as_ref()))
            });
            match read {
                Ok(read) => connections.push(read),
                Err(error) => item.result = Err(error),
            }
            items.push(item);
        }
        if body.dry_run || items.iter().all(|item| item.result.is_ok()) {
            let import = Import {
                connections,
                mode: body.mode,
                dry_run: body.dry_run,
                repeatable,
                actor,
            };
            let Answer { reply, published } = saved(self.ports.registry(import).await?)?;
            let read = items.iter_mut().filter(|item| item.result.is_ok());
            for (item, ImportedConnection { id, outcome }) in read.zip(reply) {
                item.id = Some(id);
                item.result = match outcome {
                    Outcome::Created => Ok(ItemResult::Created),
                    Outcome::Refused(refusal) => Err(refused_item(refusal)),
                    Outcome::Replaced => Ok(ItemResult::Replaced),
                    Outcome::Unchanged => Ok(ItemResult::Unchanged),
                };
            }
            point(&mut items);
            return match items.iter().find_map(|item| item.result.as_ref().err()) {
                Some(error) if !body.dry_run => Err(error.clone()),
                _ => Ok(Answer {
                    reply: items,
                    published,
                }),
            };
        }
        point(&mut items);
        let first = items.into_iter().find_map(|item| item.result.err());
        Err(first.unwrap_or_else(|| refused(Refusal::Changed)))
    }

    /// Reads one connection of a document.
    async fn read_item(
        &self,
        mut fields: Fields,
        present: &BTreeMap<&ConnectionId, &Connection>,
        mode: ImportMode,
        keys: &mut usize,
    ) -> Result<Imported, ApiError> {
        let id = match fields.0.remove("id") {
            None | Some(Value::Null) => ConnectionId::from_random(&self.ports.random()?),
            Some(id) => read_id(&id).ok_or_else(|| {
                ApiError::invalid(
                    "id",
                    "expected a connection id such as conn_abcdefghij234567klmn, or none",
                )
            })?,
        };
        let state = fields.0.remove("state").map(serde_json::from_value::<State>);
        (state.transpose()).map_err(|_| ApiError::invalid("state", "expected disabled or enabled"))?;
        let identity_provider = match fields.0.remove("identity_provider") {
            None | Some(Value::Null) => None,
            Some(idp) => Some(self.read_idp(idp)?),
        };
        let present = present.get(&id).copied();
        let domains = present.map_or(&[][..], |present| &present.domains);
        let description = DescriptionBody::replaced(fields, domains)?.read(self.ports.now())?;
        let present_keys = match (present, mode) {
            (None, _) => Some(&[][..]),
            (Some(present), ImportMode::Replace) => Some(present.decryption_keys.as_slice()),
            (Some(_), ImportMode::CreateOnly) => None,
        };
        let needs_key = description.responses.decrypt_assertions && present_keys.is_some_and(<[_]>::is_empty);
        if needs_key {
            *keys = keys.saturating_add(1);
            if *keys > MAX_IMPORTED_DECRYPTION_KEYS {
                let expected = "expected at most 50 connections that get a first decryption key; import the others by a document of their own";
                return Err(ApiError::invalid("decrypt_assertions", expected));
            }
        }
        let decryption_key = match present_keys {
            Some(keys) => self.first_decryption_key(&description.responses, keys).await?,
            None => None,
        };
        Ok(Imported {
            id,
            description,
            identity_provider,
            decryption_key,
        })
    }

    /// Reads an identity provider as strictly as its metadata is read.
    fn read_idp(&self, given: Value) -> Result<IdentityProvider, ApiError> {
        let invalid = |expected: &str| ApiError::invalid("identity_provider", expected);
        let fields: IdpFields = serde_json::from_value(given).map_err(|error| invalid(&error.to_string()))?;
        let mut urls: Vec<&EndpointUrl> = fields.single_sign_on.iter().map(|endpoint| &endpoint.url).collect();
        for endpoint in &fields.single_logout {
            urls.extend([&endpoint.url, endpoint.for_responses()]);
        }
        urls.extend(&fields.metadata_url);
        if fields.single_sign_on.is_empty() || !urls.into_iter().all(|url| self.may_send_to(url)) {
            return Err(invalid(
                "expected at least one single_sign_on endpoint, and https:// addresses alone",
            ));
        }
        if [fields.single_sign_on.len(), fields.single_logout.len()]
            .into_iter()
            .max()
            > Some(MAX_ENDPOINTS_PER_SERVICE)
        {
            return Err(invalid(
                "expected at most 8 endpoints each in single_sign_on and single_logout",
            ));
        }
        let read = fields.certificates.iter().map(|text| {
            let read = Certificate::read(text.as_bytes());
            read.map_err(|_| "expected certificates as base64 of their DER octets")
        });
        let weak = "expected certificates with RSA keys of 2,048 bits or more, or keys on P-256, P-384 or P-521";
        let certificates = usable_certificates(read, weak).map_err(invalid)?;
        let valid_until = fields.valid_until.map(|text| {
            Timestamp::parse_rfc3339(&text)
                .ok_or_else(|| invalid("expected valid_until as a date and time (RFC 3339), or null"))
        });
        Ok(IdentityProvider {
            entity_id: fields.entity_id,
            single_sign_on: fields.single_sign_on,
            single_logout: fields.single_logout,
            certificates,
            metadata_url: fields.metadata_url,
            wants_requests_signed: fields.wants_requests_signed,
            valid_until: valid_until.transpose()?,
            certificates_left_out: usize::try_from(fields.certificates_left_out).unwrap_or(usize::MAX),
        })
    }

    /// `GET /export`.
    pub(super) async fn answer_export(&self, actor: Actor) -> Result<Response, ApiError> {
        let connections = self.export_connections(actor).await?;
        Ok(json(StatusCode::OK, &self.document(&connections)))
    }

    /// `POST /import`.
    pub(super) async fn answer_import(&self, request: &Request, caller: &Principal) -> Result<Response, ApiError> {
        let body: ImportBody = read_body(request)?;
        let (dry_run, repeatable) = (body.dry_run, raw_repeatable(request, caller)?);
        let imported = self.import_connections(body, repeatable, caller.actor()).await?;
        let connections = imported.reply.iter().map(Item::view).collect();
        Ok(json(
            status(StatusCode::OK, imported.published),
            &ImportView { dry_run, connections },
        ))
    }
}

impl Item {
    /// An item of which no more is known than what it says of itself.
    fn named(fields: &Fields) -> Self {
        Self {
            id: fields.0.get("id").and_then(read_id),
            name: fields.0.get("name").and_then(Value::as_str).map(ToOwned::to_owned),
            result: Ok(ItemResult::Unchanged),
        }
    }
}

fn read_id(value: &Value) -> Option<ConnectionId> {
    ConnectionId::parse(value.as_str()?).ok()
}

fn twice(id: Option<&ConnectionId>) -> ApiError {
    let id = id.map(ToString::to_string).unwrap_or_default();
    ApiError::invalid("id", &format!("expected each id once, found {id} twice"))
}

fn check_document(body: &ImportBody) -> Result<(), ApiError> {
    if body.format != FORMAT {
        return Err(ApiError::invalid("format", "expected edge-saml/connections"));
    }
    if body.version != VERSION {
        return Err(ApiError::invalid("version", "expected 1"));
    }
    if body.connections.len() > MAX_IMPORTED_CONNECTIONS {
        let expected = "expected at most 500 connections; import the others by a document of their own";
        return Err(ApiError::invalid("connections", expected));
    }
    Ok(())
}

/// Tells each refused connection's error where in the document it is about.
fn point(items: &mut [Item]) {
    for (index, item) in items.iter_mut().enumerate() {
        if let Err(error) = &mut item.result {
            let field = error
                .field
                .as_ref()
                .map(|field| format!("/{field}"))
                .unwrap_or_default();
            error.pointer = Some(format!("/connections/{index}{field}"));
        }
    }
}

fn refused_item(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::TestRequired => {
            let message = "The connection is enabled, and no test has passed with the configuration that is to replace its own. Disable it \
                           first, or edit and test it as a draft.";
            ApiError::new(StatusCode::CONFLICT, "test_required", message)
        }
        refusal => refused(refusal),
    }
}
