//! The one place where a failure becomes a response.
//!
//! A browser is shown a calm sentence and a reference; the log gets the code, the connection's sign-in log the reason as
//! well. The admin API, whose caller may know, gets a code and a sentence.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;

use super::http::{Response, allow, json};
use super::ledger::{About, Finding, Kind, RecordRefusal, Step};
use super::ports::{LogLine, Ports, Unavailable};
use super::return_target::ReturnTarget;
use super::{App, page};
use crate::code::Code;
use crate::hidden::hide;
use crate::limits::MAX_DETAIL_CHARACTERS;
use crate::saml::id::ConnectionId;
use crate::saml::reject::Reject;
use crate::saml::report::Rule;

/// Why a request of a browser is not answered as it hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserError {
    /// The form is not one of ours, or was sent from another site.
    ForeignForm,
    /// The request is not as it should be: a repeated field, a wrong content type.
    Malformed(StatusCode),
    /// A logout message is refused.
    LogoutRefused {
        /// At which connection.
        connection: ConnectionId,
        /// Why.
        reject: Reject,
        /// Which message it is.
        evidence: Box<Evidence>,
    },
    /// Nothing is known of how a logout ended, or not in this browser.
    LogoutUnknown,
    /// The route does not answer this method; those that it does.
    Method(&'static str),
    /// There is nothing at this address.
    NotFound,
    /// The address is not below `/sso/`: the application's, which is elsewhere.
    NotOurs,
    /// The sign-in is refused.
    Refused {
        /// At which connection.
        connection: ConnectionId,
        /// Why.
        reject: Reject,
        /// Where the browser wanted to go, if that is known.
        return_target: Option<ReturnTarget>,
        /// Which attempt it is.
        evidence: Box<Evidence>,
    },
    /// The platform does not answer.
    Unavailable(Unavailable),
}

/// What a refusal goes by: which attempt it belongs to, and the message that was refused, in case it is to be captured.
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Which attempt it belongs to.
    pub about: About,
    /// The message, if there was one.
    pub message: Option<Vec<u8>>,
}

hide!(Evidence);

impl Evidence {
    /// Evidence without a message.
    pub(super) fn of(about: About) -> Self {
        Self { about, message: None }
    }
}

impl BrowserError {
    /// A sign-in that is refused, of which nobody knows anything.
    pub(super) fn refused(connection: &ConnectionId, reject: Reject) -> Self {
        Self::Refused {
            connection: connection.clone(),
            reject,
            return_target: None,
            evidence: Box::new(Evidence::of(About::Unknown)),
        }
    }

    /// A logout message that is refused.
    pub(super) fn logout_refused(connection: &ConnectionId, reject: Reject, about: About) -> Self {
        Self::LogoutRefused {
            connection: connection.clone(),
            reject,
            evidence: Box::new(Evidence::of(about)),
        }
    }
}

impl From<Unavailable> for BrowserError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// Why a call of the admin API fails: a status, a stable code, and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// The field that it is about, where it is about one.
    pub field: Option<Cow<'static, str>>,
    /// Where in the body it stands (RFC 6901), where that is deeper than the field.
    pub pointer: Option<String>,
}

/// What is answered when a call fails.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    error: ErrorView<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ErrorDetail"))]
pub(super) struct ErrorView<'a> {
    /// The stable code.
    code: &'a str,
    /// What is wrong and what to do, for people.
    message: &'a str,
    /// The field that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// Where in the body it stands (RFC 6901), where that is deeper than the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

impl ApiError {
    /// An error of `status` with `code` and `message`.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            field: None,
            pointer: None,
        }
    }

    /// A field has not the value that was `expected`.
    pub(super) fn invalid(field: &'static str, expected: &str) -> Self {
        let message = format!("{field}: {expected}.");
        Self {
            field: Some(field.into()),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", message)
        }
    }

    /// The response.
    #[must_use]
    pub fn response(&self) -> Response {
        json(self.status, &ErrorBody { error: self.view() })
    }

    /// As it is shown, without its status.
    pub(super) fn view(&self) -> ErrorView<'_> {
        ErrorView {
            code: self.code,
            message: &self.message,
            field: self.field.as_deref(),
            pointer: self.pointer.as_deref(),
        }
    }
}

impl From<Unavailable> for ApiError {
    fn from(_: Unavailable) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The storage does not answer. Try again in a moment.",
        )
    }
}

impl<P: Ports> App<P> {
    /// Logs `error` and answers it with a page.
    pub(super) async fn answer_browser_error(&self, error: BrowserError) -> Response {
        match error {
            BrowserError::ForeignForm => page::message(
                StatusCode::FORBIDDEN,
                "Please start here",
                "This form was sent from another website. Start again on the sign-in page.",
            ),
            BrowserError::Malformed(status) => page::message(
                status,
                "That did not work",
                "The request was not complete or not of the expected kind. Start again on the sign-in page.",
            ),
            BrowserError::Method(methods) => {
                let mut response = page::message(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "That did not work",
                    "This address does not answer that kind of request. Start again on the sign-in page.",
                );
                allow(&mut response, methods);
                response
            }
            BrowserError::NotFound => page::message(
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "The address may be mistyped or out of date. Start again on the sign-in page.",
            ),
            // Perhaps after a sign-in that worked: nothing here says that it did not.
            BrowserError::NotOurs => page::plain_message(
                StatusCode::NOT_FOUND,
                "No page at this address",
                "Nothing answers at this address here. It is none of the sign-in's own; whether you are signed in does not depend on it.",
            ),
            BrowserError::LogoutRefused {
                connection,
                reject,
                evidence,
            } => {
                let reference = self
                    .record_refusal(&connection, &reject, Step::LogoutRefused, *evidence)
                    .await;
                page::logout_refused(status_of(&reject), &reference)
            }
            BrowserError::LogoutUnknown => page::logout_unknown(),
            BrowserError::Refused {
                connection,
                reject,
                return_target,
                evidence,
            } => {
                let step = match evidence.about {
                    About::Ticket(_) => Step::CompletionRefused,
                    _ => Step::ResponseRefused,
                };
                let reference = self.record_refusal(&connection, &reject, step, *evidence).await;
                let apology = apology(&reject);
                let again = page::Again {
                    // Whoever was slow goes straight on; whoever was refused may want to type another address.
                    connection: (apology == page::Apology::TookTooLong).then_some(&connection),
                    return_target: return_target.as_ref(),
                };
                page::refused(status_of(&reject), apology, &reference, again)
            }
            BrowserError::Unavailable(unavailable) => {
                self.log_unavailable(&unavailable);
                page::message(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Please try again in a moment",
                    "Sign-in is not available right now. Nothing was lost; start again in a moment.",
                )
            }
        }
    }

    /// Logs that the platform does not answer.
    pub(super) fn log_unavailable(&self, unavailable: &Unavailable) {
        self.ports.log(&LogLine {
            detail: Some(&unavailable.0),
            ..LogLine::of("unavailable")
        });
    }

    /// Logs a refusal and keeps it for the vendor; the reference by which it is found.
    pub(super) async fn record_refusal(
        &self,
        connection: &ConnectionId,
        reject: &Reject,
        step: Step,
        evidence: Evidence,
    ) -> String {
        let reference = match self.ports.random() {
            Ok(random) => super::reference(&random),
            Err(unavailable) => unavailable.0,
        };
        let email = match &evidence.about {
            About::Signed(message) => message.email.clone(),
            _ => None,
        };
        let record = RecordRefusal {
            reference: reference.clone(),
            about: evidence.about,
            step,
            finding: finding(reject, step),
        };
        // A connection that does not exist has no ledger, and gets none by being asked for.
        let recorded = match reject {
            Reject::ConnectionUnknown => Ok(None),
            _ => self.ports.ledger(connection, record).await.map(Some),
        };
        let known = recorded.as_ref().ok().and_then(Option::as_ref);
        let shown = known.map_or(&reference, |recorded| &recorded.reference);
        let event = match step {
            Step::LogoutFailed => "logout_failed",
            Step::LogoutRefused => "logout_refused",
            _ => "sign_in_refused",
        };
        self.ports.log(&LogLine {
            reference: Some(shown),
            connection: Some(connection),
            code: Some(reject.code().as_str()),
            ..LogLine::of(event)
        });
        if let Err(unavailable) = &recorded {
            self.ports.log(&LogLine {
                reference: Some(shown),
                connection: Some(connection),
                detail: Some(&unavailable.0),
                ..LogLine::of("refusal_not_recorded")
            });
        }
        if let (Some(recorded), Some(message)) = (known, &evidence.message) {
            self.capture(connection, recorded, message).await;
        }
        if known.is_some() && step.kind() == Kind::SignIn {
            let code = reject.code().as_str();
            self.note_sign_in(connection, Some(shown.clone()), Some(code), email);
        }
        shown.clone()
    }
}

/// What the log keeps of `reject`.
fn finding(reject: &Reject, step: Step) -> Finding {
    let detail = match step.kind() {
        Kind::Logout => format!("single logout: {reject}"),
        Kind::SignIn => reject.to_string(),
    };
    let mismatch = reject.mismatch();
    Finding {
        code: reject.code().to_string(),
        rule: match (step, reject) {
            // What is refused of it is not what it says.
            (_, Reject::ConnectionDisabled | Reject::ConnectionUnknown | Reject::RelayStateNotAllowed) => None,
            (Step::ResponseRefused, _) => Some(Rule::that_refuses(reject)),
            _ => None,
        },
        detail: kept(&detail),
        wanted: mismatch.map(|mismatch| kept(&mismatch.expected)),
        got: mismatch.and_then(|mismatch| mismatch.found.as_deref()).map(kept),
        off_by_seconds: reject.clock().map(|clock| clock.off_by_seconds),
    }
}

/// As much of a text as is kept. It may be anybody's: nothing in it hides or reorders what stands beside it where it is read.
fn kept(text: &str) -> String {
    let reorders =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| {
        if c.is_control() || reorders(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().take(MAX_DETAIL_CHARACTERS).map(plain).collect()
}

/// What the browser is told. It is the same for nearly all reasons: only the vendor learns which.
fn apology(reject: &Reject) -> page::Apology {
    match reject {
        Reject::RequestExpired => page::Apology::TookTooLong,
        Reject::IdpStatus { .. } => page::Apology::NotSignedInThere,
        _ => page::Apology::NotSignedIn,
    }
}

/// The HTTP status for a refusal: what could be read at all is forbidden, what could not is a bad request.
fn status_of(reject: &Reject) -> StatusCode {
    match reject {
        Reject::AcsEmptyPost
        | Reject::Base64Bad
        | Reject::FormMalformed
        | Reject::RelayStateNotAllowed
        | Reject::ResponseMalformed(_) => StatusCode::BAD_REQUEST,
        _ if reject.code() == Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reject::Xml(_) => StatusCode::BAD_REQUEST,
        Reject::ConnectionUnknown => StatusCode::NOT_FOUND,
        _ => StatusCode::FORBIDDEN,
    }
}
