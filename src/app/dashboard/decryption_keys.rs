//! The keys that decrypt for a connection, on its settings page: how they stand, and the next step of their rotation.

use super::field::{Attempt, Field, Maker};
use super::form::Form;
use super::parts::{Pill, day, end_shown};
use crate::app::error::ApiError;
use crate::app::route::Section;
use crate::saml::connection::Connection;
use crate::saml::service_keys::{KeyState, PublicKey, RotationStep, next_step};
use crate::saml::time::Timestamp;

/// The keys, and what can be done next.
pub(super) struct KeysShown {
    pub(super) keys: Vec<KeyShown>,
    pub(super) step: RotationStep,
    /// Whether they decrypt at present.
    pub(super) in_use: bool,
    /// That the previous key is not needed any more, said by whoever drops it.
    pub(super) confirmed: Field,
}

/// One key.
pub(super) struct KeyShown {
    pub(super) state: Pill,
    pub(super) is_current: bool,
    pub(super) sha256: String,
    pub(super) made: String,
    pub(super) until: Option<(String, String, &'static str)>,
    pub(super) pem: String,
}

impl KeysShown {
    /// Those of `connection`, as it is live: a rotation waits in no draft.
    pub(super) fn of(connection: &Connection, attempt: Option<Attempt<'_>>, now: Timestamp) -> Self {
        let confirmed = Maker::of(Section::RotateKeys, attempt).tick(
            "confirmed",
            "Nothing is encrypted to the previous one any more",
            "The identity provider has the current certificate and uses it.",
            false,
        );
        Self {
            keys: connection
                .decryption_keys
                .iter()
                .filter_map(|key| shown(key, now))
                .collect(),
            step: next_step(&connection.decryption_keys),
            in_use: connection.responses.decrypt_assertions,
            confirmed,
        }
    }

    /// Whether there are none: the connection never decrypted.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The step that a form asks for. The last one cannot be taken back, and has to be confirmed.
///
/// # Errors
/// [`ApiError`] about the field.
pub(super) fn read_step(form: &Form) -> Result<RotationStep, ApiError> {
    let steps = [RotationStep::Prepare, RotationStep::Activate, RotationStep::Retire];
    let step = steps.into_iter().find(|step| step.as_str() == form.text("step"));
    let step = step.ok_or_else(|| ApiError::invalid("step", "expected a step of the rotation"))?;
    if step == RotationStep::Retire && !form.ticked("confirmed") {
        return Err(ApiError::invalid(
            "confirmed",
            "make sure of this first: what is still encrypted to the previous one cannot be read afterwards",
        ));
    }
    Ok(step)
}

fn shown(key: &PublicKey, now: Timestamp) -> Option<KeyShown> {
    let certificate = key.certificate.certificate().ok()?;
    Some(KeyShown {
        state: match key.state {
            KeyState::Current => Pill {
                words: "Announced",
                tone: "good",
            },
            KeyState::Next => Pill {
                words: "Next",
                tone: "quiet",
            },
            KeyState::Previous => Pill {
                words: "Previous",
                tone: "warn",
            },
        },
        is_current: key.state == KeyState::Current,
        sha256: certificate.fingerprint().to_string(),
        made: day(key.created_at),
        until: (certificate.not_after()).map(|seconds| end_shown(Timestamp::from_unix_seconds(seconds), now)),
        pem: pem(key.certificate.as_base64()),
    })
}

/// A certificate as files have it (RFC 7468).
fn pem(base64: &str) -> String {
    const LINE: usize = 64;
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (i, character) in base64.chars().enumerate() {
        if i > 0 && i.is_multiple_of(LINE) {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn lines_of_pem_have_64_characters() {
        for (length, lines) in [(1, 3), (64, 3), (65, 4), (128, 4), (129, 5)] {
            let text = pem(&"A".repeat(length));
            assert_eq!(text.lines().count(), lines, "{length}");
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }
}
