//! What the tool says, and with which exit code.

use edge_saml::code::Code;
use edge_saml::dsig;
use edge_saml::saml::reject::Reject;
use edge_saml::xmlenc;
use serde::Serialize;

use super::tool_code::{ToolCode, Word};

/// What went well.
pub(super) enum Outcome {
    /// One JSON object.
    Accepted(String),
    /// Octets as they are.
    Octets(Vec<u8>),
}

/// What did not.
pub(super) enum Failure {
    /// The message is refused.
    Refused(Box<Refusal>),
    /// There is nothing to refuse: the input or the arguments cannot be used.
    Unusable(Unusable),
}

impl Outcome {
    /// One JSON object.
    pub(super) fn json(value: &impl Serialize) -> Result<Self, Failure> {
        serde_json::to_string(value)
            .map(Self::Accepted)
            .map_err(|error| Failure::unusable(ToolCode::OutputFailed, &error.to_string()))
    }

    /// Text as it is.
    pub(super) fn text(text: &str) -> Self {
        Self::Octets(text.as_bytes().to_vec())
    }
}

impl Failure {
    /// Arguments that cannot be used.
    pub(super) fn usage(message: &str) -> Self {
        Self::unusable(ToolCode::Usage, &format!("{message}; --help tells more"))
    }

    /// Input that cannot be used.
    pub(super) fn unusable(code: impl Into<Word>, message: &str) -> Self {
        let Word(code) = code.into();
        Self::Unusable(Unusable {
            error: Problem {
                code,
                message: message.to_owned(),
                codes: None,
            },
        })
    }
}

/// Why a message is refused.
#[derive(Serialize)]
pub(super) struct Refusal {
    verdict: &'static str,
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_drift_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Vec<String>>,
    who: &'static str,
    explanation: &'static str,
}

impl Refusal {
    fn new(code: Code, detail: String) -> Self {
        Self {
            verdict: "refused",
            code: code.as_str(),
            detail,
            expected: None,
            found: None,
            bound: None,
            clock_drift_seconds: None,
            received: None,
            who: code.actor().as_str(),
            explanation: code.explanation(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        to_json(self)
    }
}

impl From<Reject> for Failure {
    fn from(reject: Reject) -> Self {
        let mut refusal = Refusal::new(reject.code(), reject.to_string());
        if let Some(mismatch) = reject.mismatch() {
            refusal.expected = Some(mismatch.expected.clone());
            refusal.found.clone_from(&mismatch.found);
        }
        if let Some(clock) = reject.clock() {
            refusal.bound = Some(clock.bound);
            refusal.clock_drift_seconds = Some(clock.off_by_seconds);
        }
        if let Reject::EmailMissing { received } = reject {
            refusal.received = Some(received);
        }
        Self::Refused(Box::new(refusal))
    }
}

impl From<dsig::Error> for Failure {
    fn from(error: dsig::Error) -> Self {
        Self::Refused(Box::new(Refusal::new(error.code(), error.to_string())))
    }
}

impl From<xmlenc::Error> for Failure {
    fn from(error: xmlenc::Error) -> Self {
        let code = match &error {
            xmlenc::Error::Xml(error) => Reject::Xml(*error).code(),
            error => error.code(),
        };
        Self::Refused(Box::new(Refusal::new(code, error.to_string())))
    }
}

/// Why there is no verdict.
#[derive(Serialize)]
pub(super) struct Unusable {
    error: Problem,
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<&'static str>>,
}

impl Unusable {
    /// A code that does not exist, with those that do.
    pub(super) fn unknown_code(text: &str) -> Self {
        Self {
            error: Problem {
                code: ToolCode::UnknownCode.as_str(),
                message: format!("there is no code {text:?}"),
                codes: {
                    let own = ToolCode::ALL.into_iter().map(ToolCode::as_str);
                    Some(Code::ALL.iter().map(|code| code.as_str()).chain(own).collect())
                },
            },
        }
    }

    pub(super) fn to_json(&self) -> String {
        to_json(self)
    }
}

fn to_json(value: &impl Serialize) -> String {
    // Strings and numbers alone: it cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
