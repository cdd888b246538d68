//! Writes `openapi.json`, which describes the admin API (`OpenAPI` 3.1), from the types that the API reads and writes.
//!
//! It exists in tests alone. A test compares the file with what is written here; `UPDATE_OPENAPI=1 cargo test --lib openapi` writes
//! it anew. Others see to it that each route, method and code of the API is in [`operations`] and [`CODES`].

mod operations;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::error::ErrorBody;
use super::super::route::ApiRoute;
use operations::operations;

/// Every code of the API with its status and what it means.
const CODES: &[(&str, u16, &str)] = &[
    (
        "api_closed",
        401,
        "no ADMIN_TOKEN is set, and this is no token that was made here",
    ),
    ("connection_changed", 409, "somebody else changed it at the same time"),
    ("connection_deleted", 409, "a connection of this id was deleted here"),
    (
        "connection_exists",
        409,
        "there is a connection of this id, with another configuration",
    ),
    ("connection_incomplete", 409, "it has no identity provider yet"),
    ("connection_unknown", 404, "there is no such connection"),
    (
        "delivery_unknown",
        404,
        "the event was not sent to the webhook, or is not kept any more",
    ),
    ("domain_public_mail", 422, "the domain is of a public mail provider"),
    (
        "domain_public_suffix",
        422,
        "the domain is one below which anybody registers domains",
    ),
    ("domain_taken", 409, "another connection has the domain"),
    (
        "domain_unproven",
        409,
        "the deployment demands proof of a domain that is not proven",
    ),
    ("draft_unknown", 404, "the connection has no draft"),
    (
        "entity_changed",
        409,
        "the metadata is of another identity provider than the saved one",
    ),
    ("fetch_dns", 422, "the host of the metadata URL cannot be resolved"),
    ("fetch_http_status", 422, "the metadata URL does not answer with 200"),
    (
        "fetch_private_address",
        422,
        "the metadata URL leads to an address that is not public",
    ),
    ("fetch_redirects", 422, "the metadata URL redirects too often"),
    ("fetch_timeout", 422, "the metadata URL does not answer in time"),
    ("fetch_tls", 422, "the metadata URL cannot be reached"),
    ("fetch_too_large", 422, "the metadata is too large"),
    ("held_metadata_changed", 409, "other metadata is held by now"),
    ("html_instead_of_xml", 422, "a web page, where metadata was expected"),
    (
        "idempotency_key_reused",
        422,
        "the Idempotency-Key came with another body before",
    ),
    ("insufficient_scope", 403, "the token does not allow it"),
    (
        "invalid_field",
        422,
        "a field is missing or unknown, or has a value that it may not have",
    ),
    (
        "invalid_idempotency_key",
        400,
        "the Idempotency-Key has not 1 to 255 characters",
    ),
    ("invalid_json", 400, "the body is no JSON"),
    (
        "invalid_query",
        400,
        "the query has a field that is unknown or repeated",
    ),
    ("is_sp_metadata", 422, "the metadata describes a service provider"),
    ("key_weak", 422, "the metadata has weak signing keys alone"),
    ("method_not_allowed", 405, "the address does not answer this method"),
    ("no_decryption_key", 409, "the connection does not decrypt"),
    ("no_idp_role", 422, "the metadata describes no identity provider"),
    ("no_signing_key", 422, "the metadata has no signing certificate"),
    ("no_sso_endpoint", 422, "the metadata has no endpoint that can be used"),
    ("not_found", 404, "there is nothing at this address"),
    ("nothing_held", 404, "no metadata of the connection waits for approval"),
    ("nothing_to_undo", 409, "no version has another configuration"),
    ("precondition_failed", 412, "it is not the version that If-Match names"),
    ("rate_limited", 429, "there were too many calls"),
    ("rotation_step", 409, "the rotation has another next step"),
    ("setup_link_unknown", 404, "there is no such setup link"),
    (
        "several_entities",
        422,
        "the metadata describes several identity providers, of which none is named",
    ),
    (
        "test_required",
        409,
        "no test has passed with exactly this configuration",
    ),
    ("test_unknown", 404, "there is no such test"),
    ("token_name_taken", 409, "another token has the name, or had it"),
    ("token_unknown", 404, "there is no such token"),
    ("too_large", 413, "the body is too large"),
    ("too_many_connections", 409, "there are too many connections"),
    (
        "too_many_domains",
        409,
        "too many domains were looked up for this connection",
    ),
    ("too_many_tokens", 409, "there are too many tokens"),
    ("too_many_webhooks", 409, "there are too many webhooks"),
    ("unauthorized", 401, "no token in force"),
    ("unavailable", 503, "the storage does not answer"),
    ("unsupported_media_type", 415, "the body is not said to be JSON"),
    (
        "version_unknown",
        404,
        "there is no such version, or it is not kept any more",
    ),
    ("webhook_disabled", 409, "the webhook is disabled"),
    ("webhook_unknown", 404, "there is no such webhook"),
    ("xml_not_wellformed", 422, "the metadata is no XML"),
];

/// What may stand in a path: its name, what it looks like, an example, and what it is.
const PATH_PARAMETERS: &[(&str, &str, &str, &str)] = &[
    (
        "connection",
        "^conn_[a-z2-7]{20}$",
        "conn_abcdefghij234567klmn",
        "A connection.",
    ),
    (
        "generation",
        "^(0|[1-9][0-9]{0,9})$",
        "1",
        "A version of the connection.",
    ),
    ("domain", "^[a-z0-9.-]+$", "acme.com", "A domain of the connection."),
    (
        "link",
        "^link_[a-z2-7]{20}$",
        "link_abcdefghij234567klmn",
        "A setup link's identifier, not its address.",
    ),
    (
        "reference",
        "^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$",
        "7k2mx-0q9dt",
        "The reference of an attempt to sign in.",
    ),
    (
        "test",
        "^test_[0-9a-f]{40}$",
        "test_0123456789abcdef0123456789abcdef01234567",
        "A test of the connection.",
    ),
    (
        "token",
        "^tok_[a-z2-7]{20}$",
        "tok_abcdefghij234567klmn",
        "An admin token's identifier, not the token itself.",
    ),
    (
        "event",
        "^evt_[0-9a-f]{32}$",
        "evt_0123456789abcdef0123456789abcdef",
        "An event.",
    ),
    (
        "webhook",
        "^hook_[a-z2-7]{20}$",
        "hook_abcdefghij234567klmn",
        "A webhook.",
    ),
];

/// One method of one path. It begins with [`Operation::new`] and says what is special about it.
struct Operation {
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    body_is_required: bool,
    status: u16,
    answer: Option<Value>,
    is_change: bool,
    has_entity_tag: bool,
    codes: Vec<&'static str>,
}

impl Operation {
    /// An operation that answers 200.
    fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            parameters: Vec::new(),
            body: None,
            body_is_required: true,
            status: 200,
            answer: None,
            is_change: false,
            has_entity_tag: false,
            codes: Vec::new(),
        }
    }

    /// What it answers.
    fn answers(mut self, status: u16, schema: impl Into<Option<Value>>) -> Self {
        (self.status, self.answer) = (status, schema.into());
        self
    }

    /// It changes what is published, and so may answer 202.
    fn changes(mut self) -> Self {
        self.is_change = true;
        self
    }

    /// It answers with a connection or a draft, and its entity tag.
    fn with_entity_tag(mut self) -> Self {
        self.has_entity_tag = true;
        self
    }

    /// It reads a JSON body.
    fn reads(mut self, schema: Value) -> Self {
        self.body = Some(schema);
        self.refuses(&["invalid_json", "unsupported_media_type", "too_large", "invalid_field"])
    }

    /// It reads a JSON body, if there is one.
    fn may_read(self, schema: Value) -> Self {
        let mut operation = self.reads(schema);
        operation.body_is_required = false;
        operation
    }

    /// It heeds a field of the query.
    fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        let mut parameter = json!({ "name": name, "in": "query", "description": description });
        parameter["schema"] = schema;
        self.parameters.push(parameter);
        self.refuses(&["invalid_query", "invalid_field"])
    }

    /// It heeds `If-Match`.
    fn conditional(mut self) -> Self {
        self.parameters
            .push(json!({ "$ref": "#/components/parameters/IfMatch" }));
        self.refuses(&["precondition_failed", "connection_changed"])
    }

    /// It heeds `Idempotency-Key`.
    fn repeatable(mut self) -> Self {
        self.parameters
            .push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        self.refuses(&["invalid_idempotency_key", "idempotency_key_reused"])
    }

    /// It may be refused with these codes, besides those that go with all that was said of it.
    fn refuses(mut self, codes: &[&'static str]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The path with an example in place of each parameter.
    fn example(&self) -> String {
        PATH_PARAMETERS
            .iter()
            .fold(self.path.to_owned(), |path, (name, _, example, _)| {
                path.replace(&format!("{{{name}}}"), example)
            })
    }

    fn route(&self) -> ApiRoute {
        ApiRoute::of(&format!("v1{}", self.example()))
    }

    fn describe(&self) -> Value {
        let scope = self.route().scope(&self.method);
        let mut parameters: Vec<Value> = self
            .path_parameters()
            .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
            .collect();
        parameters.extend(self.parameters.iter().cloned());
        let mut whole = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": parameters,
            "responses": self.responses(),
            "security": [{ "adminToken": scope.map(super::super::registry::tokens::Scope::as_str) }],
        });
        if let Some(schema) = &self.body {
            whole["requestBody"] =
                json!({ "required": self.body_is_required, "content": { "application/json": { "schema": schema } } });
        }
        whole
    }

    fn responses(&self) -> Value {
        let mut responses = Map::new();
        let mut good = json!({});
        if let Some(schema) = &self.answer {
            good["content"] = json!({ "application/json": { "schema": schema } });
        }
        if self.has_entity_tag {
            good["headers"] = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
        }
        good["description"] = json!("Done.");
        responses.insert(self.status.to_string(), good.clone());
        if self.is_change {
            good["description"] = json!("Saved, but not in force everywhere yet; that is repaired by itself.");
            responses.insert("202".to_owned(), good);
        }
        let mut codes: BTreeSet<&str> = self.codes.iter().copied().collect();
        codes.extend([
            "api_closed",
            "unauthorized",
            "insufficient_scope",
            "rate_limited",
            "unavailable",
        ]);
        if self.path.contains('{') {
            codes.insert("not_found");
        }
        if self.path.contains("{connection}") {
            codes.insert("connection_unknown");
        }
        if self.path.contains("{webhook}") {
            codes.insert("webhook_unknown");
        }
        let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for code in codes {
            let known = CODES.iter().find(|(known, ..)| *known == code);
            let (_, status, meaning) = known.unwrap_or_else(|| panic!("{code} is not in CODES"));
            by_status
                .entry(*status)
                .or_default()
                .push(format!("`{code}`: {meaning}."));
        }
        for (status, meanings) in by_status {
            let mut refusal = json!({
                "description": meanings.join("\n"),
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            });
            if status == 429 {
                refusal["headers"] = json!({ "Retry-After": { "$ref": "#/components/headers/RetryAfter" } });
            }
            responses.insert(status.to_string(), refusal);
        }
        responses.into()
    }
}

/// The schemas of what is read, each written where it is used, and of what is answered, each written once.
struct Schemas {
    read: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            })
        };
        Self {
            read: settings()
                .with(|settings| settings.inline_subschemas = true)
                .into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of a body that is read.
    fn read<T: JsonSchema>(&mut self) -> Value {
        let mut schema = self.read.subschema_for::<T>().to_value();
        tidy(&mut schema);
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("description");
        }
        schema
    }

    /// The schema of an answer.
    fn answered<T: JsonSchema>(&mut self) -> Value {
        let mut schema = self.answered.subschema_for::<T>().to_value();
        tidy(&mut schema);
        schema
    }

    /// The schemas of answers that were asked for, by their names. An answer leaves nothing out, so that nothing is by default.
    fn components(mut self) -> Map<String, Value> {
        let mut schemas = Map::new();
        for (name, mut schema) in self.answered.take_definitions(true) {
            tidy(&mut schema);
            for field in schema
                .get_mut("properties")
                .and_then(Value::as_object_mut)
                .into_iter()
                .flatten()
            {
                field.1.as_object_mut().map(|field| field.remove("default"));
            }
            let name = name.strip_suffix("View").unwrap_or(&name).to_owned();
            assert!(schemas.insert(name.clone(), schema).is_none(), "{name} is there twice");
        }
        schemas
    }
}

/// Writes a schema as people read it: enumerations as lists, descriptions without links, names without what they are in the code.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            fields.values_mut().for_each(tidy);
            if let Some(Value::String(name)) = fields.get_mut("$ref")
                && let Some(short) = name.strip_suffix("View")
            {
                *name = short.to_owned();
            }
            if let Some(Value::Array(cases)) = fields.get("oneOf")
                && cases.iter().all(|case| case["const"].is_string())
            {
                let values: Vec<Value> = cases.iter().map(|case| case["const"].clone()).collect();
                let meaning = |case: &Value| {
                    Some(format!(
                        "`{}`: {}",
                        case["const"].as_str()?,
                        case["description"].as_str()?
                    ))
                };
                let mut lines: Vec<String> = cases.iter().filter_map(meaning).collect();
                lines.splice(
                    0..0,
                    fields.get("description").and_then(Value::as_str).map(ToOwned::to_owned),
                );
                fields.remove("oneOf");
                fields.insert("type".to_owned(), json!("string"));
                fields.insert("enum".to_owned(), values.into());
                fields.insert("description".to_owned(), lines.join("\n").into());
            }
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = without_links(text);
            }
        }
        _ => {}
    }
}

/// `[text](target)` as `text`, for links to where the code is.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let (start, name) = before.rsplit_once('[').unwrap_or((before, ""));
        let (_, end) = after.split_once(')').unwrap_or(("", after));
        plain = plain + start + name;
        rest = end;
    }
    plain + rest
}

/// The document.
fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations(&mut schemas) {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = operation.describe();
    }
    let _ = schemas.answered::<ErrorBody<'_>>();
    let mut schemas = schemas.components();
    let codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
    schemas["ErrorDetail"]["properties"]["code"]["enum"] = json!(codes);
    let mut parameters: Map<String, Value> = PATH_PARAMETERS
        .iter()
        .map(|(name, pattern, example, description)| {
            let schema = json!({ "type": "string", "pattern": pattern });
            let parameter = json!({
                "name": name, "in": "path", "required": true, "schema": schema, "example": example, "description": description,
            });
            ((*name).to_owned(), parameter)
        })
        .collect();
    parameters.insert(
        "IfMatch".to_owned(),
        json!({
            "name": "If-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag of the version that is to be changed. If it is not the present one, nothing is changed (RFC 9110, 13.1.1).",
        }),
    );
    parameters.insert(
        "IdempotencyKey".to_owned(),
        json!({
            "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            "description": "A call that is repeated with it within 24 hours gets the first answer again.",
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "edge-saml admin API",
            "version": "1",
            "description": "Connections to customers' identity providers, and all that belongs to them. docs/admin-api.md tells how to call it.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/sso/api/v1" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "headers": {
                "ETag": { "description": "Another one after each change.", "required": true, "schema": { "type": "string", "pattern": "^\"[0-9A-Za-z_-]+\"$" } },
                "RetryAfter": { "description": "Seconds to wait.", "required": true, "schema": { "type": "string", "pattern": "^[0-9]+$" } },
            },
            "securitySchemes": {
                "adminToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An admin token with the scope that the operation names: `read`, `write` (which allows what `read` does) or `tokens`.",
                },
            },
        },
    })
}

#[test]
fn the_file_is_what_is_written_here() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/app/api/openapi.json");
    let mut text = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b" ");
    document()
        .serialize(&mut serde_json::Serializer::with_formatter(&mut text, indented))
        .unwrap();
    text.push(b'\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let hint = "openapi.json is not what the types say. Write it anew: UPDATE_OPENAPI=1 cargo test --lib openapi";
    assert!(std::fs::read(file).unwrap() == text, "{hint}");
}

#[test]
fn every_route_is_described_with_all_its_methods() {
    let source = include_str!("../route.rs");
    let (_, variants) = source.split_once("pub enum ApiRoute {").unwrap();
    let (variants, _) = variants.split_once("\n}").unwrap();
    let mut expected: BTreeMap<String, String> = variants
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && !line.is_empty())
        .map(|line| line.split(['(', ',']).next().unwrap().to_owned())
        .filter(|name| name != "Unknown")
        .map(|name| (name, String::new()))
        .collect();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for operation in operations(&mut Schemas::new()) {
        let route = operation.route();
        let name = format!("{route:?}").split('(').next().unwrap().to_owned();
        assert!(expected.contains_key(&name), "{} leads to {name}", operation.path);
        let methods = route.methods().split(", ").filter(|method| *method != "HEAD");
        expected.insert(
            name.clone(),
            methods
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(", "),
        );
        described.entry(name).or_default().insert(operation.method.to_string());
        assert!(ids.insert(operation.id), "{} is there twice", operation.id);
    }
    let described: BTreeMap<String, String> = described
        .into_iter()
        .map(|(name, methods)| (name, methods.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
    assert_eq!(
        described, expected,
        "describe what is missing in src/app/api/openapi/operations.rs"
    );
}

/// The sources of what answers calls, without these ones.
fn sources() -> Vec<String> {
    let mut folders = vec![
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/app").into(),
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/edge").into(),
    ];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().contains("openapi") {
                sources.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

fn status_number(name: &str) -> u16 {
    let known = (100..600).filter_map(|number| http::StatusCode::from_u16(number).ok());
    let named = |status: &http::StatusCode| {
        let reason = status.canonical_reason().unwrap_or_default();
        reason.to_uppercase().replace([' ', '-'], "_") == name
    };
    known
        .into_iter()
        .find(named)
        .unwrap_or_else(|| panic!("{name}"))
        .as_u16()
}

#[test]
fn every_code_of_the_api_is_explained() {
    let sources = sources();
    for source in &sources {
        for call in source.split("ApiError::new(").skip(1) {
            let mut arguments = call.trim_start().split(',').map(str::trim);
            let status = arguments.next().and_then(|text| text.strip_prefix("StatusCode::"));
            let code = arguments
                .next()
                .and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
            // Where they are no literals, it is one of several that stand elsewhere.
            let (Some(status), Some(code)) = (status, code) else {
                continue;
            };
            // What a browser's script or a form is told is none of the API's.
            let explained = CODES
                .iter()
                .any(|(known, number, _)| *known == code && *number == status_number(status));
            assert!(
                explained || ["not_signed_in", "webhook_changed"].contains(&code),
                "explain {code} in CODES, with its status {status}"
            );
        }
    }
    for (code, ..) in CODES {
        let literal = format!("\"{code}\"");
        let is_used =
            sources.iter().any(|source| source.contains(&literal)) || crate::code::Code::parse(code).is_some();
        assert!(is_used, "{code} is in CODES, but nothing answers it");
    }
    assert!(CODES.is_sorted_by_key(|(code, ..)| *code));
}
