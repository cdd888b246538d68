//! Events on their way to webhook endpoints, signed as Standard Webhooks says:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
//!
//! No sign-in waits for this and none fails by it: it runs from the registry's alarm. What an endpoint answers is read as far as its status.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::App;
use super::ports::{FetchFailure, LogLine, Ports, Post};
use super::registry::events::TellSignIn;
use super::registry::outbox::{Attempt, Ended, due_endpoints, note_end, take_due};
use super::registry::webhooks::{WANTED_KEY, Wanted, WebhookSecret};
use super::sql::{Sql, SqlError, atomically};
use crate::code::Code;
use crate::limits::{
    MAX_DELIVERIES_PER_WEBHOOK_AND_ROUND, MAX_WEBHOOKS_AT_ONCE, WEBHOOK_SECONDS, WEBHOOK_TURN_SECONDS,
};
use crate::saml::id::{ConnectionId, EmailAddress, WebhookId};
use crate::saml::time::Timestamp;

impl<P: Ports> App<P> {
    /// One round: sends some of what is to be sent now, from the registry's own database. Each endpoint has its turn, a few at once, and
    /// gets one event after the other meanwhile, so that one that is slow holds up none but itself.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails. What was sent by then may be sent once more.
    pub async fn deliver_due(&self, sql: &dyn Sql) -> Result<(), SqlError> {
        let now = self.ports.now();
        let due = atomically(sql, |sql| due_endpoints(sql, now))?;
        let turns = due.iter().map(|endpoint| self.deliver_to(endpoint, sql));
        let turns = stream::iter(turns).buffer_unordered(MAX_WEBHOOKS_AT_ONCE);
        turns.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// The turn of one endpoint: until it fails, nothing is left, or it took long enough.
    async fn deliver_to(&self, endpoint: &WebhookId, sql: &dyn Sql) -> Result<(), SqlError> {
        let (now, begun) = (self.ports.now(), self.ports.clock());
        // Without chance all of them come back at the same time, which is no harm.
        let chance = self.ports.random().unwrap_or_default();
        for chance in chance.into_iter().take(MAX_DELIVERIES_PER_WEBHOOK_AND_ROUND) {
            let Some(attempt) = atomically(sql, |sql| take_due(sql, endpoint, now))? else {
                break;
            };
            let ended = self.send_event(&attempt, now).await;
            self.log_delivery(&ended);
            atomically(sql, |sql| note_end(sql, &attempt, &ended, chance, now))?;
            if !ended.is_success() || self.ports.clock().since(begun) >= WEBHOOK_TURN_SECONDS {
                break;
            }
        }
        Ok(())
    }

    async fn send_event(&self, attempt: &Attempt, now: Timestamp) -> Ended {
        // Each time anew: the name may lead elsewhere by now.
        if let Err(error) = self.check_reachable(&attempt.url).await {
            let is_private = error.code == Code::FetchPrivateAddress.as_str();
            return Ended::Unanswered(if is_private { "private_address" } else { "dns" });
        }
        let time = now.unix_seconds().to_string();
        let signatures: Option<Vec<String>> = attempt
            .secrets
            .iter()
            .map(|secret| sign(secret, attempt.event.as_str(), &time, &attempt.body))
            .collect();
        let Some(signatures) = signatures else {
            return Ended::Unanswered("secret");
        };
        let post = Post {
            url: &attempt.url,
            headers: &[
                ("content-type", "application/json"),
                ("user-agent", "edge-saml"),
                ("webhook-id", attempt.event.as_str()),
                ("webhook-timestamp", &time),
                ("webhook-signature", &signatures.join(" ")),
            ],
            body: &attempt.body,
            max_seconds: WEBHOOK_SECONDS,
        };
        match self.ports.post(post).await {
            Ok(status) => Ended::Answered(status),
            Err(FetchFailure::Timeout) => Ended::Unanswered("timeout"),
            Err(FetchFailure::Connection | FetchFailure::TooLarge) => Ended::Unanswered("connection"),
        }
    }

    fn log_delivery(&self, ended: &Ended) {
        if ended.is_success() {
            return;
        }
        let detail = match ended {
            Ended::Answered(status) => status.to_string(),
            Ended::Unanswered(problem) => (*problem).to_owned(),
        };
        self.ports.log(&LogLine {
            detail: Some(&detail),
            ..LogLine::of("webhook_failed")
        });
    }

    /// Notes how a sign-in ended, to be told by [`finish`](Self::finish) once the browser has its answer.
    pub(super) fn note_sign_in(
        &self,
        connection: &ConnectionId,
        reference: Option<String>,
        code: Option<&'static str>,
        email: Option<EmailAddress>,
    ) {
        self.ended_sign_ins.borrow_mut().push(TellSignIn {
            connection: connection.clone(),
            reference,
            code: code.map(ToOwned::to_owned),
            email,
        });
    }

    /// Whether something is left to be done once the answer is sent.
    pub fn is_unfinished(&self) -> bool {
        !self.ended_sign_ins.borrow().is_empty()
    }

    /// Does what is left once the answer is sent: tells how sign-ins ended, where an endpoint wants to know. Nobody waits for it.
    pub async fn finish(&self) {
        let ended = self.ended_sign_ins.take();
        if ended.is_empty() {
            return;
        }
        let wanted = match self.ports.read_config(WANTED_KEY).await {
            Ok(wanted) => wanted.and_then(|text| serde_json::from_str(&text).ok()),
            Err(unavailable) => return self.log_unavailable(&unavailable),
        };
        let wanted: Wanted = wanted.unwrap_or_default();
        for mut sign_in in ended {
            let is_wanted = match sign_in.code {
                Some(_) => wanted.refused,
                None => wanted.succeeded,
            };
            if !is_wanted {
                continue;
            }
            sign_in.email = sign_in.email.filter(|_| wanted.email);
            if let Err(unavailable) = self.ports.registry(sign_in).await {
                self.log_unavailable(&unavailable);
            }
        }
    }
}

/// The signature of one secret: `v1,` and HMAC-SHA256 of `id.timestamp.body` in base64. `None` for what is no secret.
fn sign(secret: &WebhookSecret, id: &str, time: &str, body: &str) -> Option<String> {
    let key = STANDARD
        .decode(secret.reveal().strip_prefix(WebhookSecret::PREFIX)?)
        .ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id, ".", time, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message that the libraries of Standard Webhooks test themselves with.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret: WebhookSecret = serde_json::from_str("\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"").unwrap();
        let signed = sign(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }
}
