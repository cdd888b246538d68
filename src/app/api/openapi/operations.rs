//! What the admin API can be asked: a few lines for each method of each path.

use http::Method;
use serde_json::{Value, json};

use super::{Operation, Schemas};
use crate::app::api::TestList;
use crate::app::api::connections::ConnectionList;
use crate::app::api::metadata::{ApprovalBody, HeldView, PreviewView, RefreshBody};
use crate::app::api::tokens::{NewToken, TokenList};
use crate::app::capture::{CaptureBody, CaptureView, MessagesView};
use crate::app::certificates::CalendarView;
use crate::app::connections::{MetadataBody, OverrideBody};
use crate::app::description::{DescriptionBody, SettingsFields};
use crate::app::domain_proof::{DomainList, DomainView};
use crate::app::drafts::{DraftView, RebasedView};
use crate::app::history::{AuditView, VersionsView};
use crate::app::keys::{KeysView, RotateBody};
use crate::app::ledger::Outcome;
use crate::app::registry::import::ImportMode;
use crate::app::setup_links::{LinkView, LinksView};
use crate::app::sign_ins::SignInsView;
use crate::app::test_run::{BegunTest, TestBody, TestView};
use crate::app::tokens::TokenBody;
use crate::app::transfer::{ExportView, FORMAT, IdpFields, ImportView, VERSION};
use crate::app::view::ConnectionView;
use crate::app::webhooks::{
    DeliveryList, DeliveryView, ReplayBody, Replayed, WebhookBody, WebhookList, WebhookPatch, WebhookView,
    WebhookWithSecret,
};
use crate::limits::{
    MAX_ATTEMPTS_PER_PAGE, MAX_AUDIT_PAGE, MAX_CONNECTIONS_PER_PAGE, MAX_DELIVERIES_PER_PAGE, MAX_IMPORTED_CONNECTIONS,
};
use crate::saml::connection::State;
use crate::saml::settings::{RequestSettings, ResponseSettings, RoutingSettings, SessionSettings};

/// What may be wrong with domains.
const DOMAIN_CODES: &[&str] = &[
    "domain_public_mail",
    "domain_public_suffix",
    "domain_taken",
    "domain_unproven",
];

/// What may be wrong with metadata, and with the URL that it is fetched from.
const METADATA_CODES: &[&str] = &[
    "entity_changed",
    "fetch_dns",
    "fetch_http_status",
    "fetch_private_address",
    "fetch_redirects",
    "fetch_timeout",
    "fetch_tls",
    "fetch_too_large",
    "html_instead_of_xml",
    "is_sp_metadata",
    "key_weak",
    "no_idp_role",
    "no_signing_key",
    "no_sso_endpoint",
    "several_entities",
    "xml_not_wellformed",
];

/// All operations, by path.
pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut operations = connections(schemas);
    operations.extend(connection_actions(schemas));
    operations.extend(metadata_operations(schemas));
    operations.extend(connection_keys(schemas));
    operations.extend(domains(schemas));
    operations.extend(drafts(schemas));
    operations.extend(setup_links(schemas));
    operations.extend(tests(schemas));
    operations.extend(sign_ins(schemas));
    operations.extend(history(schemas));
    operations.extend(transfer(schemas));
    operations.extend(keys(schemas));
    operations.extend(tokens(schemas));
    operations.extend(webhooks(schemas));
    operations.extend(deliveries(schemas));
    operations
}

fn get(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, id, summary)
}

fn post(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, summary)
}

fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::PATCH, path, id, summary)
}

fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::DELETE, path, id, summary)
}

fn connections(schemas: &mut Schemas) -> Vec<Operation> {
    let connection = schemas.answered::<ConnectionView<'_>>();
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_CONNECTIONS_PER_PAGE });
    let organization = json!({ "type": "string", "minLength": 1, "maxLength": 100 });
    vec![
        get("/connections", "listConnections", "Lists connections, oldest first.")
            .query("limit", limit, "How many at most.")
            .query(
                "cursor",
                json!({ "type": "string" }),
                "`next_cursor` of the page before.",
            )
            .query(
                "domain",
                json!({ "type": "string" }),
                "Those alone that have this domain.",
            )
            .query("organization", organization, "Those alone of this organization.")
            .answers(200, schemas.answered::<ConnectionList<'_>>()),
        post("/connections", "createConnection", "Creates a connection, disabled.")
            .reads(described(schemas, &["name", "provider", "domains"]))
            .repeatable()
            .changes()
            .answers(201, connection.clone())
            .with_entity_tag()
            .refuses(DOMAIN_CODES)
            .refuses(&["too_many_connections"]),
        get("/connections/{connection}", "readConnection", "Shows a connection.")
            .answers(200, connection.clone())
            .with_entity_tag(),
        patch(
            "/connections/{connection}",
            "changeConnection",
            "Changes the fields that are given. `null` clears what may be absent.",
        )
        .reads(described(schemas, &[]))
        .conditional()
        .changes()
        .answers(200, connection)
        .with_entity_tag()
        .refuses(DOMAIN_CODES),
        delete(
            "/connections/{connection}",
            "deleteConnection",
            "Deletes a connection and frees its domains.",
        )
        .conditional()
        .changes()
        .answers(204, None),
    ]
}

fn connection_actions(schemas: &mut Schemas) -> Vec<Operation> {
    let connection = schemas.answered::<ConnectionView<'_>>();
    vec![
        post(
            "/connections/{connection}/disable",
            "disableConnection",
            "Disables a connection, at once everywhere.",
        )
        .conditional()
        .changes()
        .answers(200, connection.clone())
        .with_entity_tag(),
        post(
            "/connections/{connection}/enable",
            "enableConnection",
            "Enables a connection.",
        )
        .conditional()
        .changes()
        .answers(200, connection)
        .with_entity_tag()
        .refuses(&["connection_incomplete", "domain_unproven", "test_required"]),
    ]
}

fn metadata_operations(schemas: &mut Schemas) -> Vec<Operation> {
    let connection = schemas.answered::<ConnectionView<'_>>();
    let version = json!({ "type": "string", "minLength": 1 });
    vec![
        get(
            "/certificates",
            "listCertificates",
            "Lists the certificates of all connections, those first that end first.",
        )
        .answers(200, schemas.answered::<CalendarView<'_>>()),
        get(
            "/connections/{connection}/metadata",
            "readRefresh",
            "Tells how fetching the metadata again went, which happens once a day.",
        )
        .answers(200, schemas.answered::<RefreshBody<'_>>()),
        post(
            "/connections/{connection}/metadata",
            "saveMetadata",
            "Saves the identity provider that metadata describes: fetched from a URL, or given as XML. Only shows what that would change, if \
             `preview` is true.",
        )
        .reads(metadata(schemas))
        .conditional()
        .changes()
        .answers(200, or_preview(schemas, &connection))
        .with_entity_tag()
        .refuses(METADATA_CODES),
        get(
            "/connections/{connection}/held-metadata",
            "readHeldMetadata",
            "Shows metadata that was fetched again and waits for approval, and what approving it would change.",
        )
        .answers(200, schemas.answered::<HeldView<'_>>())
        .refuses(&["nothing_held"]),
        post(
            "/connections/{connection}/held-metadata/approve",
            "approveHeldMetadata",
            "Approves held metadata: it takes the place of what the connection has, at once.",
        )
        .reads(schemas.read::<ApprovalBody>())
        .changes()
        .answers(200, connection.clone())
        .with_entity_tag()
        .refuses(&["held_metadata_changed", "nothing_held"]),
        delete(
            "/connections/{connection}/held-metadata",
            "dismissHeldMetadata",
            "Dismisses held metadata: it is not held once more until it changes.",
        )
        .query("version", version, "The version that is held, which is required.")
        .changes()
        .answers(200, connection)
        .with_entity_tag()
        .refuses(&["held_metadata_changed", "nothing_held"]),
    ]
}

/// What is saved, or, as a preview, what would be.
fn or_preview(schemas: &mut Schemas, saved: &Value) -> Value {
    let preview = schemas.answered::<PreviewView<'_>>();
    json!({ "anyOf": [saved, preview] })
}

fn connection_keys(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/connections/{connection}/decryption-keys",
            "listDecryptionKeys",
            "Lists the keys to which its identity provider may encrypt.",
        )
        .answers(200, schemas.answered::<KeysView>()),
        post(
            "/connections/{connection}/decryption-keys/rotate",
            "rotateDecryptionKeys",
            "Takes the next step of a rotation.",
        )
        .reads(schemas.read::<RotateBody>())
        .changes()
        .answers(200, schemas.answered::<KeysView>())
        .refuses(&["no_decryption_key", "rotation_step"]),
    ]
}

fn domains(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/connections/{connection}/domains",
            "listDomains",
            "Lists the domains of a connection, and the DNS records that prove them.",
        )
        .answers(200, schemas.answered::<DomainList>()),
        post(
            "/connections/{connection}/domains/{domain}/verify",
            "verifyDomain",
            "Looks for the record that proves a domain.",
        )
        .answers(200, schemas.answered::<DomainView>())
        .refuses(&["too_many_domains"]),
    ]
}

fn setup_links(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/connections/{connection}/setup-links",
            "listSetupLinks",
            "Lists the setup links of a connection, and how far its setup is.",
        )
        .answers(200, schemas.answered::<LinksView<'_>>()),
        post(
            "/connections/{connection}/setup-links",
            "createSetupLink",
            "Makes a setup link for the customer. Its address is shown in this answer, and never again.",
        )
        .answers(201, schemas.answered::<LinkView<'_>>()),
        delete(
            "/connections/{connection}/setup-links/{link}",
            "revokeSetupLink",
            "Revokes a setup link.",
        )
        .answers(204, None)
        .refuses(&["setup_link_unknown"]),
    ]
}

fn drafts(schemas: &mut Schemas) -> Vec<Operation> {
    let draft = schemas.answered::<DraftView<'_>>();
    vec![
        get("/connections/{connection}/draft", "readDraft", "Shows the draft of a connection.")
            .answers(200, draft.clone())
            .with_entity_tag()
            .refuses(&["draft_unknown"]),
        patch(
            "/connections/{connection}/draft",
            "changeDraft",
            "Changes the fields of a draft that are given; begins one if there is none.",
        )
        .reads(described(schemas, &[]))
        .conditional()
        .answers(200, draft.clone())
        .with_entity_tag()
        .refuses(DOMAIN_CODES),
        delete("/connections/{connection}/draft", "discardDraft", "Forgets a draft.")
            .conditional()
            .answers(204, None)
            .refuses(&["draft_unknown"]),
        post(
            "/connections/{connection}/draft/metadata",
            "saveDraftMetadata",
            "Saves the identity provider that metadata describes in the draft; begins one if there is none.",
        )
        .reads(metadata(schemas))
        .conditional()
        .answers(200, or_preview(schemas, &draft))
        .with_entity_tag()
        .refuses(METADATA_CODES),
        post(
            "/connections/{connection}/draft/rebase",
            "rebaseDraft",
            "Brings a draft up to date with its connection.",
        )
        .conditional()
        .answers(200, schemas.answered::<RebasedView<'_>>())
        .with_entity_tag()
        .refuses(&["draft_unknown"]),
        post(
            "/connections/{connection}/draft/apply",
            "applyDraft",
            "Puts a draft in the place of the configuration, at once: once a test has passed with exactly it, or for a reason that is given.",
        )
        .may_read(schemas.read::<OverrideBody>())
        .conditional()
        .changes()
        .answers(200, schemas.answered::<ConnectionView<'_>>())
        .with_entity_tag()
        .refuses(DOMAIN_CODES)
        .refuses(&["connection_incomplete", "draft_unknown", "no_decryption_key", "test_required"]),
    ]
}

fn tests(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/connections/{connection}/tests",
            "listTests",
            "Lists the tests of a connection, newest first, without their reports.",
        )
        .answers(200, schemas.answered::<TestList<'_>>()),
        post(
            "/connections/{connection}/tests",
            "beginTest",
            "Begins a test: it waits for a browser to be sent to the URL in the answer.",
        )
        .reads(schemas.read::<TestBody>())
        .answers(201, schemas.answered::<BegunTest>())
        .refuses(&["connection_incomplete", "draft_unknown"]),
        get(
            "/connections/{connection}/tests/{test}",
            "readTest",
            "Shows a test with its report.",
        )
        .answers(200, schemas.answered::<TestView<'_>>())
        .refuses(&["test_unknown"]),
    ]
}

fn sign_ins(schemas: &mut Schemas) -> Vec<Operation> {
    let text = json!({ "type": "string" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_ATTEMPTS_PER_PAGE });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let outcome = json!({ "type": "string", "enum": Outcome::ALL.map(Outcome::as_str) });
    let capture = schemas.answered::<CaptureView>();
    vec![
        get(
            "/connections/{connection}/sign-ins",
            "listSignIns",
            "Lists the attempts to sign in, newest first.",
        )
        .query("reference", text.clone(), "The one alone that has this reference.")
        .query("email", text, "Those alone of this address.")
        .query("outcome", outcome, "Those alone that ended so.")
        .query("before", number, "`next_before` of the page before.")
        .query("limit", limit, "How many at most.")
        .answers(200, schemas.answered::<SignInsView>()),
        get(
            "/connections/{connection}/sign-ins/{reference}/messages",
            "listMessages",
            "Shows the messages of an attempt that were captured.",
        )
        .answers(200, schemas.answered::<MessagesView>()),
        get(
            "/connections/{connection}/capture",
            "readCapture",
            "Tells until when messages are captured, if they are.",
        )
        .answers(200, capture.clone()),
        post(
            "/connections/{connection}/capture",
            "startCapture",
            "Captures messages for a while.",
        )
        .reads(schemas.read::<CaptureBody>())
        .answers(200, capture),
        delete(
            "/connections/{connection}/capture",
            "endCapture",
            "Captures no more, and drops the messages that were captured.",
        )
        .answers(204, None),
    ]
}

fn history(schemas: &mut Schemas) -> Vec<Operation> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_AUDIT_PAGE });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let connection = json!({ "type": "string", "pattern": "^conn_[a-z2-7]{20}$" });
    vec![
        get("/audit", "listAudit", "Lists all changes, newest first.")
            .query("before", number, "`next_before` of the page before.")
            .query("limit", limit, "How many at most.")
            .query(
                "connection",
                connection,
                "Those of this connection alone; it need not exist any more.",
            )
            .answers(200, schemas.answered::<AuditView>()),
        get(
            "/connections/{connection}/versions",
            "listVersions",
            "Lists the versions of a connection, newest first.",
        )
        .answers(200, schemas.answered::<VersionsView>()),
        post(
            "/connections/{connection}/versions/{generation}/restore",
            "restoreVersion",
            "Gives a connection the configuration of an earlier version.",
        )
        .conditional()
        .changes()
        .answers(200, schemas.answered::<ConnectionView<'_>>())
        .with_entity_tag()
        .refuses(DOMAIN_CODES)
        .refuses(&["connection_incomplete", "no_decryption_key", "version_unknown"]),
        post(
            "/connections/{connection}/undo",
            "undoChange",
            "Goes back to the configuration before the last change of it.",
        )
        .conditional()
        .changes()
        .answers(200, schemas.answered::<ConnectionView<'_>>())
        .with_entity_tag()
        .refuses(DOMAIN_CODES)
        .refuses(&[
            "connection_incomplete",
            "no_decryption_key",
            "nothing_to_undo",
            "version_unknown",
        ]),
    ]
}

fn transfer(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/export",
            "exportConnections",
            "All connections as one document, oldest first: their configurations, no secret and no history.",
        )
        .answers(200, schemas.answered::<ExportView<'_>>()),
        post(
            "/import",
            "importConnections",
            "Takes over connections from such a document: all, or none where one is refused. What is new is disabled. `dry_run` tells \
             of each what would become of it.",
        )
        .reads(imported(schemas))
        .repeatable()
        .changes()
        .answers(200, schemas.answered::<ImportView<'_>>())
        .refuses(DOMAIN_CODES)
        .refuses(&[
            "connection_changed",
            "connection_deleted",
            "connection_exists",
            "connection_incomplete",
            "no_decryption_key",
            "test_required",
            "too_many_connections",
        ]),
    ]
}

/// A document of connections, and what is to be done with it.
fn imported(schemas: &mut Schemas) -> Value {
    let mut connection = described(schemas, &["name", "provider", "domains"]);
    connection["properties"]["id"] = json!({ "type": ["string", "null"], "pattern": "^conn_[a-z2-7]{20}$" });
    connection["properties"]["state"] = schemas.read::<State>();
    connection["properties"]["identity_provider"] = schemas.read::<Option<IdpFields>>();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["format", "version", "connections"],
        "properties": {
            "format": { "const": FORMAT },
            "version": { "const": VERSION },
            "exported_at": { "type": ["string", "null"] },
            "mode": schemas.read::<ImportMode>(),
            "dry_run": { "type": "boolean", "default": false },
            "connections": { "type": "array", "maxItems": MAX_IMPORTED_CONNECTIONS, "items": connection },
        },
    })
}

fn keys(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get(
            "/service-provider/keys",
            "listKeys",
            "Lists the keys that sign our messages.",
        )
        .answers(200, schemas.answered::<KeysView>()),
        post(
            "/service-provider/keys/rotate",
            "rotateKeys",
            "Takes the next step of a rotation.",
        )
        .reads(schemas.read::<RotateBody>())
        .changes()
        .answers(200, schemas.answered::<KeysView>())
        .refuses(&["rotation_step"]),
    ]
}

fn tokens(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get("/tokens", "listTokens", "Lists the admin tokens, newest first.")
            .answers(200, schemas.answered::<TokenList<'_>>()),
        post(
            "/tokens",
            "createToken",
            "Makes an admin token. It is shown in this answer, and never again.",
        )
        .reads(schemas.read::<TokenBody>())
        .answers(201, schemas.answered::<NewToken<'_>>())
        .refuses(&["token_name_taken", "too_many_tokens"]),
        delete(
            "/tokens/{token}",
            "revokeToken",
            "Revokes an admin token, at once everywhere.",
        )
        .answers(204, None)
        .refuses(&["token_unknown"]),
    ]
}

fn webhooks(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        get("/webhooks", "listWebhooks", "Lists the webhooks, oldest first.")
            .answers(200, schemas.answered::<WebhookList<'_>>()),
        post(
            "/webhooks",
            "createWebhook",
            "Makes a webhook, enabled. Its secret is shown in this answer, and never again.",
        )
        .reads(schemas.read::<WebhookBody>())
        .changes()
        .answers(201, schemas.answered::<WebhookWithSecret<'_>>())
        .refuses(&["too_many_webhooks"]),
        get("/webhooks/{webhook}", "readWebhook", "Shows a webhook.")
            .answers(200, schemas.answered::<WebhookView<'_>>()),
        patch(
            "/webhooks/{webhook}",
            "changeWebhook",
            "Changes the fields of a webhook that are given.",
        )
        .reads(schemas.read::<WebhookPatch>())
        .changes()
        .answers(200, schemas.answered::<WebhookView<'_>>()),
        delete(
            "/webhooks/{webhook}",
            "deleteWebhook",
            "Deletes a webhook, and what waits for it.",
        )
        .changes()
        .answers(204, None),
        post(
            "/webhooks/{webhook}/rotate-secret",
            "rotateWebhookSecret",
            "Gives a webhook another secret, shown in this answer alone. The one before signs as well for 24 hours.",
        )
        .answers(200, schemas.answered::<WebhookWithSecret<'_>>()),
    ]
}

fn deliveries(schemas: &mut Schemas) -> Vec<Operation> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_DELIVERIES_PER_PAGE });
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    vec![
        get(
            "/webhooks/{webhook}/deliveries",
            "listDeliveries",
            "Lists what was sent to a webhook and what waits for it, newest first.",
        )
        .query("before", number, "`next_before` of the page before.")
        .query("limit", limit, "How many at most.")
        .answers(200, schemas.answered::<DeliveryList<'_>>()),
        post(
            "/webhooks/{webhook}/deliveries/{event}/replay",
            "replayDelivery",
            "Sends an event to a webhook once more.",
        )
        .answers(200, schemas.answered::<DeliveryView<'_>>())
        .refuses(&["delivery_unknown", "webhook_disabled"]),
        post(
            "/webhooks/{webhook}/replay",
            "replayDeliveries",
            "Sends all events to a webhook once more that happened since a time and are kept.",
        )
        .reads(schemas.read::<ReplayBody>())
        .answers(200, schemas.answered::<Replayed>())
        .refuses(&["webhook_disabled"]),
        post(
            "/webhooks/{webhook}/test",
            "testWebhook",
            "Sends an event to a webhook that tells of nothing.",
        )
        .answers(200, schemas.answered::<DeliveryView<'_>>())
        .refuses(&["webhook_disabled"]),
    ]
}

/// The fields of a connection, of which those named must be given. What `POST` leaves out is as by default.
fn described(schemas: &mut Schemas, required: &[&str]) -> Value {
    let mut schema = schemas.read::<DescriptionBody>();
    schema["required"] = json!(required);
    if !required.is_empty() {
        let defaults = serde_json::to_value(SettingsFields {
            requests: &RequestSettings::default(),
            responses: &ResponseSettings::default(),
            routing: &RoutingSettings::default(),
            sessions: &SessionSettings::default(),
        });
        for (name, value) in defaults.unwrap().as_object().unwrap() {
            schema["properties"][name]["default"] = value.clone();
        }
    }
    schema
}

/// Exactly one of `url` and `xml`.
fn metadata(schemas: &mut Schemas) -> Value {
    let mut schema = schemas.read::<MetadataBody>();
    for one in ["url", "xml"] {
        schema["properties"][one]["type"] = json!("string");
    }
    schema["oneOf"] = json!([{ "required": ["url"] }, { "required": ["xml"] }]);
    schema
}
