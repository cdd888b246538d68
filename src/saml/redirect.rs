//! The HTTP-Redirect binding, coming in (SAML Bindings 3.4): a query string whose signature covers its own octets.
//!
//! The signature is over the text as it was sent, escapes and all (3.4.4.1), so the raw text is sliced and never encoded
//! anew. A query that two readers could read in two ways is refused: a parameter given twice, under whatever escapes, a
//! request and a response at once, half of a signature (attacks A129 to A131).

use super::binding::inflate;
use super::logout::{self, LogoutContent, LogoutMessage};
use super::reject::Reject;
use crate::dsig::{self, Octets, Policy, Verified, base64};
use crate::hidden::hide;
use crate::limits::{MAX_INFLATED_BYTES, MAX_RELAY_STATE_BYTES};

/// The one encoding there is (Bindings 3.4.4.1), and the default.
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// A logout message that came in a query string.
#[must_use]
#[derive(PartialEq, Eq)]
pub struct RedirectLogout {
    message: Verified<LogoutMessage>,
    relay_state: Option<String>,
}

hide!(RedirectLogout);

impl RedirectLogout {
    /// The message, and the `RelayState`, which the signature covers too.
    pub fn into_parts(self) -> (Verified<LogoutMessage>, Option<String>) {
        (self.message, self.relay_state)
    }
}

/// Opens a logout message that came in a query string: its parameters, its signature, and only then the message, out of
/// the octets that were signed.
///
/// # Errors
/// [`Reject::FormMalformed`] for parameters that are ambiguous, [`dsig::Error::Unsigned`] for a query without a
/// signature, [`dsig::Error::WrongTarget`] for another signature inside of the message, then as [`logout::open`].
pub fn open_logout(query: &str, policy: &Policy<'_>) -> Result<RedirectLogout, Reject> {
    let query = Query::read(query)?;
    let signature = query.signature.as_ref().ok_or(dsig::Error::Unsigned)?;
    let value = base64::decode(&signature.value).map_err(Reject::Signature)?;
    let signed = query.signed_octets();
    let signed = dsig::verify_octets(signed.as_bytes(), &signature.algorithm, &value, policy)?;
    Ok(RedirectLogout {
        message: signed.read(read_signed)?,
        relay_state: query.relay_state.map(|state| decoded(value_of(state))),
    })
}

/// Reads a logout message of a query without a signature. Anyone may have written it, so nothing may be done for it.
///
/// # Errors
/// As [`open_logout`]; [`dsig::Error::WrongTarget`] when there is a signature.
pub fn read_unsigned_logout(query: &str) -> Result<LogoutMessage, Reject> {
    let query = Query::read(query)?;
    if query.signature.is_some() {
        return Err(Reject::Signature(dsig::Error::WrongTarget));
    }
    query.logout()
}

/// The message within signed octets, which are a query string again.
///
/// "Any signature on the SAML protocol message, in the form of a `ds:Signature` element, MUST be removed" (Bindings
/// 3.4.4.1): one that is left in is refused, or it would be one that nobody checks.
fn read_signed(octets: &Octets) -> Result<LogoutMessage, Reject> {
    let text = core::str::from_utf8(octets.as_bytes()).map_err(|_| Reject::FormMalformed)?;
    Query::read_parameters(text)?.logout()
}

/// A query string, taken apart.
struct Query<'q> {
    /// `SAMLRequest` or `SAMLResponse`, with its name, as it stands.
    message: &'q str,
    /// `RelayState` as it stands.
    relay_state: Option<&'q str>,
    /// `SigAlg` as it stands.
    algorithm: Option<&'q str>,
    /// `SigAlg` and `Signature`, decoded.
    signature: Option<Signature>,
}

/// Both halves of a signature.
struct Signature {
    algorithm: String,
    value: String,
}

impl<'q> Query<'q> {
    /// Takes `query` apart; `SigAlg` and `Signature` must be there together or not at all.
    fn read(query: &'q str) -> Result<Self, Reject> {
        let read = Self::read_parameters(query)?;
        if read.algorithm.is_some() != read.signature.is_some() {
            return Err(Reject::FormMalformed);
        }
        Ok(read)
    }

    fn read_parameters(query: &'q str) -> Result<Self, Reject> {
        // A query is visible ASCII (RFC 3986 3.4).
        if !query.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(Reject::FormMalformed);
        }
        let (mut message, mut relay_state, mut algorithm, mut value, mut encoding) = (None, None, None, None, None);
        for parameter in query.split('&') {
            let raw_name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            let name = decoded(raw_name);
            let slot = match name.as_str() {
                // Both are one slot, so that one excludes the other.
                "SAMLRequest" | "SAMLResponse" => &mut message,
                "RelayState" => &mut relay_state,
                "SigAlg" => &mut algorithm,
                "Signature" => &mut value,
                "SAMLEncoding" => &mut encoding,
                _ => continue,
            };
            // No sender escapes these names; one who does wants two readers to see two queries.
            if raw_name != name || slot.replace(parameter).is_some() {
                return Err(Reject::FormMalformed);
            }
        }
        if encoding.is_some_and(|encoding| decoded(value_of(encoding)) != DEFLATE) {
            return Err(Reject::FormMalformed);
        }
        if relay_state.is_some_and(|state| decoded(value_of(state)).len() > MAX_RELAY_STATE_BYTES) {
            return Err(Reject::RelayStateNotAllowed);
        }
        let signature = algorithm.zip(value).map(|(algorithm, value)| Signature {
            algorithm: decoded(value_of(algorithm)),
            value: decoded(value_of(value)),
        });
        if value.is_some() && signature.is_none() {
            return Err(Reject::FormMalformed);
        }
        Ok(Self {
            message: message.ok_or(Reject::FormMalformed)?,
            relay_state,
            algorithm,
            signature,
        })
    }

    /// "SAMLRequest=value&RelayState=value&SigAlg=value", each as it was sent, "in the order listed" (Bindings 3.4.4.1).
    fn signed_octets(&self) -> String {
        let parameters = [Some(self.message), self.relay_state, self.algorithm];
        parameters.into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    /// The message, which is what its parameter says: nobody gets to read a request as a response.
    fn logout(&self) -> Result<LogoutMessage, Reject> {
        let message = logout::read_unsigned(&self.message()?)?;
        match (self.message.starts_with("SAMLRequest="), &message.content) {
            (true, LogoutContent::Request(_)) | (false, LogoutContent::Response(_)) => Ok(message),
            (true, LogoutContent::Response(_)) | (false, LogoutContent::Request(_)) => Err(Reject::FormMalformed),
        }
    }

    /// The message as XML.
    fn message(&self) -> Result<Vec<u8>, Reject> {
        let text = decoded(value_of(self.message));
        // Deflated, a message is hardly ever longer; refuse before decoding what cannot fit.
        if text.len() / 3 > MAX_INFLATED_BYTES {
            return Err(Reject::TooLarge);
        }
        inflate(&base64::decode(&text).map_err(|_| Reject::Base64Bad)?)
    }
}

fn value_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or("", |(_, value)| value)
}

/// A name or value without its escapes; what is not UTF-8 then becomes a character that no value has.
fn decoded(text: &str) -> String {
    form_urlencoded::parse(text.replace('=', "%3D").as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> Option<Reject> {
        Query::read(query).err()
    }

    #[test]
    fn the_signed_octets_are_as_they_were_sent() {
        let query = "SigAlg=http%3a%2f%2fx&Signature=AA%3D%3D&x=1&RelayState=a%2fb+c&SAMLRequest=fZ%2b";
        let read = Query::read(query).ok().unwrap();
        assert_eq!(
            read.signed_octets(),
            "SAMLRequest=fZ%2b&RelayState=a%2fb+c&SigAlg=http%3a%2f%2fx"
        );
        let signature = read.signature.unwrap();
        assert_eq!(
            (signature.algorithm.as_str(), signature.value.as_str()),
            ("http://x", "AA==")
        );
    }

    #[test]
    fn ambiguous_queries_are_refused() {
        for query in [
            "",
            "RelayState=1",
            "SAMLRequest=a&SAMLRequest=a",
            "SAMLRequest=a&SAMLResponse=a",
            "SAMLRe%73ponse=a",
            "SAMLResponse=a&%53AMLResponse=a",
            "SAMLRequest=a&RelayState=1&RelayState=1",
            "SAMLRequest=a&RelayState=1&Relay%53tate=2",
            "SAMLRequest=a&SigAlg=x",
            "SAMLRequest=a&Signature=x",
            "SAMLRequest=a&SigAlg=x&SigAlg=y&Signature=z",
            "SAMLRequest=a&SigAlg=x&Signature=z&Signature=z",
            "SAMLRequest=a&SAMLEncoding=none",
            "SAMLRequest=a b",
            "SAMLRequest=a\n",
            "SAMLRequest=\u{fc}",
        ] {
            assert_eq!(refusal(query), Some(Reject::FormMalformed), "{query}");
        }
        for query in [
            "SAMLRequest=a",
            "a=1&SAMLResponse=a&samlresponse=b&RelayState",
            "SAMLRequest=a&SigAlg=x&Signature=y",
        ] {
            assert_eq!(refusal(query), None, "{query}");
        }
        let long = format!("SAMLRequest=a&RelayState={}", "x".repeat(MAX_RELAY_STATE_BYTES + 1));
        assert_eq!(refusal(&long), Some(Reject::RelayStateNotAllowed));
    }
}
