//! `verify-message`: a logout message by HTTP-POST or HTTP-Redirect.

use std::ffi::OsStr;
use std::path::Path;

use edge_saml::dsig::Policy;
use edge_saml::saml::assertion::NameId;
use edge_saml::saml::binding::MessageKind;
use edge_saml::saml::logout::{self, LogoutContent, LogoutExpect, LogoutMessage, LogoutSubject};
use edge_saml::saml::redirect;
use edge_saml::saml::reject::Reject;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::DEFAULT_SKEW_SECONDS;
use serde::Serialize;

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::message::{self, Form, Unpacked};
use super::output::{Failure, Outcome};
use super::tool_code::ToolCode;
use super::verify_xml::sha1;

pub(super) const COMMAND: Command = Command {
    name: "verify-message",
    help: "\
Verifies a LogoutRequest or a LogoutResponse: its signature, and what it says of itself.

Usage: edge-saml verify-message FILE|QUERY --idp-cert FILE... [--destination URL] [--now RFC3339] [--allow-sha1]

  FILE             XML, base64 of it or a form's body (HTTP-POST), or a query string (HTTP-Redirect); - is the standard input
  QUERY            a query string such as SAMLRequest=...&RelayState=...&SigAlg=...&Signature=..., or a URL with one; exactly as
                   it was sent, as the signature covers its escapes. Or a form's body, whose message is not deflated
  --idp-cert FILE  a certificate of the sender in PEM, base64 or DER, or metadata of it alone; may be repeated
  --destination URL  our address for such messages; without it, any will do
  --now RFC3339    the present; without it, time is not looked at
  --allow-sha1     accept SHA-1

A message without a signature is refused as unsigned; so is a LogoutResponse that says the logout failed, by its status.
",
    run,
    spec: Spec {
        operand: "FILE or QUERY",
        once: &["destination", "now"],
        many: &["idp-cert"],
        flags: &["allow-sha1"],
    },
};

#[derive(Serialize)]
struct Accepted<'m> {
    verdict: &'static str,
    signed: bool,
    binding: &'static str,
    r#type: &'static str,
    id: &'m str,
    issuer: &'m str,
    issue_instant: String,
    destination: Option<&'m str>,
    relay_state: Option<String>,
    #[serde(flatten)]
    content: Content<'m>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'m> {
    Request {
        name_id: Option<&'m str>,
        name_id_format: Option<&'m str>,
        encrypted_name_id: bool,
        session_indexes: &'m [String],
        not_on_or_after: Option<String>,
        reason: Option<&'m str>,
    },
    Response {
        in_response_to: Option<&'m str>,
    },
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.paths("idp-cert").next().is_none() {
        return Err(Failure::usage("--idp-cert is missing"));
    }
    let now = arguments.time("now")?;
    let keys = input::certificate_keys(arguments.paths("idp-cert"))?;
    let policy = Policy {
        keys: &keys,
        sha1: sha1(arguments),
    };
    let (message, relay_state, binding) = match transport(arguments.operand())? {
        Transport::Post { xml, kind, relay_state } => {
            let message = logout::open(&xml, &policy)?;
            if kind.is_some_and(|kind| !is_of_kind(message.get(), kind)) {
                return Err(Reject::FormMalformed.into());
            }
            (message, relay_state, "post")
        }
        Transport::Redirect(query) => {
            let (message, relay_state) = redirect::open_logout(&query, &policy)?.into_parts();
            (message, relay_state, "redirect")
        }
    };
    let message = message.get();
    message.check(&LogoutExpect {
        issuer: None,
        destination: arguments.text("destination")?,
        now: now.unwrap_or_else(|| a_time_that_suits(message)),
        skew_seconds: DEFAULT_SKEW_SECONDS,
    })?;
    Outcome::json(&accepted(message, relay_state, binding))
}

/// The present when none was given: the message's own.
fn a_time_that_suits(message: &LogoutMessage) -> Timestamp {
    match &message.content {
        LogoutContent::Request(request) => {
            let last = request.not_on_or_after.map(|end| end.plus(-1));
            last.map_or(message.issue_instant, |last| last.min(message.issue_instant))
        }
        LogoutContent::Response(_) => message.issue_instant,
    }
}

fn accepted<'m>(message: &'m LogoutMessage, relay_state: Option<String>, binding: &'static str) -> Accepted<'m> {
    let (r#type, content) = match &message.content {
        LogoutContent::Request(request) => {
            let name_id = match &request.subject {
                LogoutSubject::NameId(name_id) => Some(name_id),
                LogoutSubject::Encrypted(_) => None,
            };
            let content = Content::Request {
                name_id: name_id.map(NameId::trimmed),
                name_id_format: name_id.and_then(|name_id| name_id.format.as_deref()),
                encrypted_name_id: matches!(request.subject, LogoutSubject::Encrypted(_)),
                session_indexes: &request.session_indexes,
                not_on_or_after: request.not_on_or_after.map(Timestamp::to_rfc3339),
                reason: request.reason.as_deref(),
            };
            ("LogoutRequest", content)
        }
        LogoutContent::Response(response) => {
            let content = Content::Response {
                in_response_to: response.in_response_to.as_deref(),
            };
            ("LogoutResponse", content)
        }
    };
    Accepted {
        verdict: "accepted",
        signed: true,
        binding,
        r#type,
        id: message.id.as_str(),
        issuer: &message.issuer.value,
        issue_instant: message.issue_instant.to_rfc3339(),
        destination: message.destination.as_deref(),
        relay_state,
        content,
    }
}

/// How the message came.
enum Transport {
    /// XML, and what came with it in its form.
    Post {
        xml: Vec<u8>,
        kind: Option<MessageKind>,
        relay_state: Option<String>,
    },
    /// A query string as it was sent.
    Redirect(String),
}

fn transport(operand: &OsStr) -> Result<Transport, Failure> {
    let is_file = operand == input::STANDARD_INPUT || Path::new(operand).exists();
    if let Some(text) = operand.to_str().filter(|_| !is_file).map(message::bare) {
        if let Some(form) = Form::find(text) {
            return of_form(&form);
        }
        if text.contains('=') || text.contains("://") {
            return Err(Failure::unusable(
                ToolCode::InputUnknown,
                "expected a file, or a query with SAMLRequest or SAMLResponse, found neither",
            ));
        }
    }
    let octets = input::read(operand)?;
    let text = message::text(&octets).filter(|_| !message::looks_like_xml(&octets));
    match text.as_deref().and_then(Form::find) {
        Some(form) => of_form(&form),
        None => Ok(Transport::Post {
            xml: message::xml(octets, &[])?,
            kind: None,
            relay_state: None,
        }),
    }
}

/// Forms and queries look alike. By HTTP-Redirect a message is deflated (SAML Bindings 3.4.4.1), by HTTP-POST it is XML (3.5.4).
fn of_form(form: &Form<'_>) -> Result<Transport, Failure> {
    let mut unpacked = form
        .messages
        .iter()
        .map(|(kind, value)| (*kind, message::unpack(value)));
    let (kind, unpacked) = unpacked.next().ok_or(Reject::FormMalformed)?;
    match unpacked? {
        Unpacked::Plain(xml) if form.messages.len() == 1 => Ok(Transport::Post {
            xml,
            kind: Some(kind),
            relay_state: form.relay_state(),
        }),
        // Two messages, and nobody knows which of them was meant.
        Unpacked::Plain(_) => Err(Reject::FormMalformed.into()),
        Unpacked::Inflated(_) | Unpacked::TooLarge => Ok(Transport::Redirect(form.query.to_owned())),
    }
}

/// A form says by the name of its field whether a request or a response is in it.
fn is_of_kind(message: &LogoutMessage, kind: MessageKind) -> bool {
    match message.content {
        LogoutContent::Request(_) => kind == MessageKind::Request,
        LogoutContent::Response(_) => kind == MessageKind::Response,
    }
}
