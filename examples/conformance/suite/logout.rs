//! Logout messages by HTTP-POST and HTTP-Redirect. One that is unsigned is valid when its own conditions hold, as the
//! corpus has it; the product acts on signed ones alone.

use edge_saml::dsig::{Error, Policy, RsaFloor, Sha1};
use edge_saml::saml::id::EntityId;
use edge_saml::saml::logout::{self, LogoutContent, LogoutExpect, LogoutMessage, LogoutSubject};
use edge_saml::saml::redirect;
use edge_saml::saml::reject::Reject;
use serde_json::{Value, json};

use super::corpus::{Corpus, Unusable, optional_text, text};
use super::response::{now, refused};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let octets = corpus.read(text(case, "file")?)?;
    let keys = match corpus.trusted_keys(case, RsaFloor::DangerLegacy)? {
        Ok(keys) => keys,
        Err(error) => return Ok(Answer::new(Verdict::Unsupported, error.code().as_str(), &error)),
    };
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Allowed,
    };
    let message = match text(&case["params"], "binding")? {
        "redirect" => {
            let query = String::from_utf8_lossy(&octets);
            let query = query.trim_ascii();
            unsigned_too(
                redirect::open_logout(query, &policy).map(|opened| opened.into_parts().0.get().clone()),
                || redirect::read_unsigned_logout(query),
            )
        }
        _ => unsigned_too(
            logout::open(&octets, &policy).map(|message| message.get().clone()),
            || logout::read_unsigned(&octets),
        ),
    };
    let checked = message.and_then(|message| check(&message, &case["params"]).map(|()| message));
    Ok(match checked {
        Ok(message) => Answer::valid(difference(&message, case)),
        Err(reject) => refused(&reject),
    })
}

fn unsigned_too(
    signed: Result<LogoutMessage, Reject>,
    unsigned: impl FnOnce() -> Result<LogoutMessage, Reject>,
) -> Result<LogoutMessage, Reject> {
    match signed {
        Err(Reject::Signature(Error::Unsigned)) => unsigned(),
        other => other,
    }
}

fn check(message: &LogoutMessage, params: &Value) -> Result<(), Reject> {
    let issuer = optional_text(params, "idp_or_sp").map(EntityId::parse).transpose();
    let issuer = issuer.map_err(|_| Reject::ConnectionUnknown)?;
    message.check(&LogoutExpect {
        issuer: issuer.as_ref(),
        destination: optional_text(params, "destination"),
        now: now(params).unwrap_or(message.issue_instant),
        skew_seconds: 0,
    })
}

/// How the message differs from `expected`, in what the product reads.
fn difference(message: &LogoutMessage, case: &Value) -> Option<String> {
    let mut found = json!({
        "id": message.id.as_str(),
        "issuer": message.issuer.value,
        "destination": message.destination,
    });
    match &message.content {
        LogoutContent::Request(request) => {
            found["type"] = "LogoutRequest".into();
            found["session_indexes"] = json!(request.session_indexes);
            found["encrypted_nameid"] = matches!(request.subject, LogoutSubject::Encrypted(_)).into();
            if let LogoutSubject::NameId(name_id) = &request.subject {
                found["nameid"] = name_id.trimmed().into();
            }
        }
        LogoutContent::Response(response) => {
            found["type"] = "LogoutResponse".into();
            found["in_response_to"] = json!(response.in_response_to);
        }
    }
    let mut different = found.as_object()?.iter().filter(|(name, value)| {
        let expected = &case["expected"][name.as_str()];
        expected != *value && !(expected.is_null() && value.is_null())
    });
    different
        .next()
        .map(|(name, value)| format!("{name}: expected {}, found {value}", case["expected"][name.as_str()]))
}
