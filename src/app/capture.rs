//! Captured messages: while the vendor has switched capture on, what identity providers send is kept as it came, sealed, for
//! a day.
//!
//! A response is sealed with AES-256-GCM before it leaves the isolate. The key is the registry's, the sealed message the
//! ledger's. Without capture, nothing of this costs a call; with it, a response costs two more.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::App;
use super::api::read_body;
use super::connections::refused;
use super::description::whole_number;
use super::error::ApiError;
use super::http::{Request, Response, json, respond};
use super::ledger::{CaptureState, KeepMessage, ListMessages, ReadCapture, Recorded, SetCapture};
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::Actor;
use super::registry::capture::{CaptureKey, EndCapture, OpenMessages, ReadCaptureKey, StartCapture};
use crate::limits::MAX_CAPTURE_MINUTES;
use crate::saml::id::{ConnectionId, Reference};
use crate::saml::time::Timestamp;

/// `POST /connections/{id}/capture`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CaptureBody {
    /// For how long.
    #[cfg_attr(test, schemars(range(min = 1, max = MAX_CAPTURE_MINUTES)))]
    #[serde(deserialize_with = "whole_number")]
    minutes: u32,
}

/// Whether messages are captured.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Capture"))]
pub(super) struct CaptureView {
    /// Until when; `null` if they are not.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    until: Option<String>,
    /// How many messages are kept.
    kept: i64,
}

/// The captured messages of an attempt, in the order in which they came.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "MessageList"))]
pub(super) struct MessagesView {
    messages: Vec<MessageView>,
}

/// A message as it came, in base64.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "CapturedMessage"))]
struct MessageView {
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    at: String,
    /// Whether it is known who sent it; otherwise it may be anybody's.
    verified: bool,
    message: String,
}

/// A message that was captured.
pub(super) struct Message {
    /// When.
    pub(super) at: Timestamp,
    /// Whether it is known who sent it.
    pub(super) verified: bool,
    /// As it came.
    pub(super) octets: Vec<u8>,
}

impl<P: Ports> App<P> {
    /// Switches capture on and off, and tells whether it is on.
    pub(super) async fn answer_capture(
        &self,
        id: &ConnectionId,
        request: &Request,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        match *request.method() {
            Method::POST => {
                let CaptureBody { minutes } = read_body(request)?;
                let state = self.start_capture(id, minutes, actor).await?;
                Ok(json(StatusCode::OK, &CaptureView::of(&state)))
            }
            Method::DELETE => {
                self.end_capture(id, actor).await?;
                Ok(respond(StatusCode::NO_CONTENT, "application/json", ""))
            }
            _ => {
                self.existing(id).await?;
                Ok(json(StatusCode::OK, &CaptureView::of(&self.capture_state(id).await?)))
            }
        }
    }

    /// Whether messages are captured.
    pub(super) async fn capture_state(&self, id: &ConnectionId) -> Result<CaptureState, Unavailable> {
        self.ports.ledger(id, ReadCapture {}).await
    }

    /// Captures messages for so many minutes.
    pub(super) async fn start_capture(
        &self,
        id: &ConnectionId,
        minutes: u32,
        actor: Actor,
    ) -> Result<CaptureState, ApiError> {
        if !(1..=MAX_CAPTURE_MINUTES).contains(&minutes) {
            return Err(ApiError::invalid("minutes", "expected 1 to 1440"));
        }
        let until = self.ports.now().plus(i64::from(minutes).saturating_mul(60));
        let start = StartCapture {
            id: id.clone(),
            key: CaptureKey::new(STANDARD.encode(self.ports.random()?)),
            until,
            actor,
        };
        // The key first: the ledger captures nothing that could not be sealed.
        self.ports.registry(start).await?.reply.map_err(refused)?;
        Ok(self.ports.ledger(id, SetCapture { until: Some(until) }).await?)
    }

    /// Captures no more, and drops what was captured.
    pub(super) async fn end_capture(&self, id: &ConnectionId, actor: Actor) -> Result<(), ApiError> {
        self.existing(id).await?;
        self.ports.ledger(id, SetCapture { until: None }).await?;
        let id = id.clone();
        let ended = self.ports.registry(EndCapture { id, actor }).await?;
        ended.reply.map_err(refused)
    }

    /// The messages of an attempt, as the API shows them.
    pub(super) async fn show_messages(
        &self,
        id: &ConnectionId,
        reference: &Reference,
        actor: Actor,
    ) -> Result<Response, ApiError> {
        self.existing(id).await?;
        let messages = self.read_messages(id, reference, actor).await?;
        let messages = messages.iter().map(|message| MessageView {
            at: message.at.to_rfc3339(),
            verified: message.verified,
            message: STANDARD.encode(&message.octets),
        });
        Ok(json(
            StatusCode::OK,
            &MessagesView {
                messages: messages.collect(),
            },
        ))
    }

    /// The messages of an attempt, as they came. Where there are any, the audit log has it before they are opened.
    pub(super) async fn read_messages(
        &self,
        id: &ConnectionId,
        reference: &Reference,
        actor: Actor,
    ) -> Result<Vec<Message>, Unavailable> {
        let list = ListMessages {
            reference: reference.clone(),
        };
        let captured = self.ports.ledger(id, list).await?;
        if captured.is_empty() {
            return Ok(Vec::new());
        }
        let asked = OpenMessages {
            id: id.clone(),
            reference: reference.clone(),
            actor,
        };
        let key = self.ports.registry(asked).await?.reply;
        let opened = captured.iter().filter_map(|captured| {
            let octets = open(key.as_ref()?, id, reference.as_str(), &captured.sealed)?;
            Some(Message {
                at: captured.at,
                verified: captured.verified,
                octets,
            })
        });
        Ok(opened.collect())
    }

    /// Keeps a message of the attempt that was just recorded, if its ledger wants it. That it cannot be kept is nobody's
    /// concern who signs in.
    pub(super) async fn capture(&self, id: &ConnectionId, recorded: &Recorded, message: &[u8]) {
        if !recorded.captures {
            return;
        }
        if let Err(unavailable) = self.seal_and_keep(id, recorded, message).await {
            self.ports.log(&LogLine {
                reference: Some(&recorded.reference),
                connection: Some(id),
                detail: Some(&unavailable.0),
                ..LogLine::of("message_not_captured")
            });
        }
    }

    async fn seal_and_keep(&self, id: &ConnectionId, recorded: &Recorded, message: &[u8]) -> Result<(), Unavailable> {
        let key = self.ports.registry(ReadCaptureKey { id: id.clone() }).await?.reply;
        let key = key.ok_or_else(|| Unavailable("there is no key to seal with".to_owned()))?;
        let sealed = seal(&key, id, &recorded.reference, message, &self.ports.random()?)
            .ok_or_else(|| Unavailable("the key does not seal".to_owned()))?;
        let keep = KeepMessage {
            reference: recorded.reference.clone(),
            verified: recorded.verified,
            sealed,
        };
        self.ports.ledger(id, keep).await
    }
}

impl CaptureView {
    fn of(state: &CaptureState) -> Self {
        Self {
            until: state.until.map(Timestamp::to_rfc3339),
            kept: state.kept,
        }
    }
}

/// Seals `message` for one place in one log: AES-256-GCM with a random nonce (NIST SP 800-38D 8.2.2), which goes before the
/// ciphertext; the tag goes after it. All in base64.
fn seal(key: &CaptureKey, id: &ConnectionId, reference: &str, message: &[u8], random: &[u8; 32]) -> Option<String> {
    let (nonce, _) = random.split_first_chunk::<12>()?;
    let mut octets = message.to_vec();
    let tag = cipher(key)?
        .encrypt_inout_detached(
            &(*nonce).into(),
            place(id, reference).as_bytes(),
            octets.as_mut_slice().into(),
        )
        .ok()?;
    Some(STANDARD.encode([nonce.as_slice(), &octets, &tag].concat()))
}

/// Opens what was sealed for this place.
fn open(key: &CaptureKey, id: &ConnectionId, reference: &str, sealed: &str) -> Option<Vec<u8>> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let (nonce, rest) = sealed.split_first_chunk::<12>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<16>()?;
    let mut octets = ciphertext.to_vec();
    cipher(key)?
        .decrypt_inout_detached(
            &(*nonce).into(),
            place(id, reference).as_bytes(),
            octets.as_mut_slice().into(),
            &(*tag).into(),
        )
        .ok()?;
    Some(octets)
}

fn cipher(key: &CaptureKey) -> Option<Aes256Gcm> {
    Aes256Gcm::new_from_slice(&STANDARD.decode(key.reveal()).ok()?).ok()
}

fn place(id: &ConnectionId, reference: &str) -> String {
    format!("{id} {reference}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_alone() {
        let id = |text: &str| ConnectionId::parse(text).unwrap();
        let (here, there) = (id("conn_abcdefghij234567klmn"), id("conn_bbcdefghij234567klmn"));
        let key = |octet| CaptureKey::new(STANDARD.encode([octet; 32]));
        let sealed = seal(&key(1), &here, "00000-00000", b"<Response/>", &[7; 32]).unwrap();
        assert_eq!(
            open(&key(1), &here, "00000-00000", &sealed),
            Some(b"<Response/>".to_vec())
        );
        assert_eq!(open(&key(2), &here, "00000-00000", &sealed), None);
        assert_eq!(open(&key(1), &there, "00000-00000", &sealed), None);
        assert_eq!(open(&key(1), &here, "00000-00001", &sealed), None);
        let octets = STANDARD.decode(&sealed).unwrap();
        assert_eq!(octets.len(), 12 + 11 + 16);
        for at in 0..octets.len() {
            let mut changed = octets.clone();
            changed[at] ^= 1;
            assert_eq!(open(&key(1), &here, "00000-00000", &STANDARD.encode(&changed)), None);
            assert_eq!(
                open(&key(1), &here, "00000-00000", &STANDARD.encode(&octets[..at])),
                None
            );
        }
        let other = seal(&key(1), &here, "00000-00000", b"<Response/>", &[8; 32]).unwrap();
        assert_ne!(sealed, other);
    }
}
