//! Bindings: how messages travel through the browser (SAML Bindings 3.4, 3.5).

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

use super::id::EndpointUrl;
use super::reject::Reject;
use crate::dsig::base64;
use crate::hidden::hide;
use crate::limits::{MAX_INFLATED_BYTES, MAX_RELAY_STATE_BYTES, MAX_SAML_MESSAGE_BYTES};
use crate::xml::names::RSA_SHA256;

/// The best compression; a request has half a kilobyte.
const DEFLATE_LEVEL: u8 = 9;

/// What a message is, and by that the parameter in which it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A request.
    Request,
    /// A response.
    Response,
}

impl MessageKind {
    /// The name of its form field or query parameter (SAML Bindings 3.4.4, 3.5.4).
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// What a POST to the assertion consumer service carried.
#[derive(Clone, PartialEq, Eq)]
pub struct PostForm {
    /// The decoded message; nothing is known of it yet.
    pub message: Vec<u8>,
    /// The `RelayState` as it came, if any.
    pub relay_state: Option<String>,
}

hide!(PostForm);

/// Reads the form of the HTTP-POST binding (SAML Bindings 3.5.4): one `SAMLResponse`, at most one `RelayState`.
///
/// Base64 is decoded strictly after removing XML white space; nothing is ever inflated here.
///
/// # Errors
/// [`Reject::AcsEmptyPost`] without a `SAMLResponse`, [`Reject::FormMalformed`] for a repeated field,
/// [`Reject::Base64Bad`], [`Reject::TooLarge`], [`Reject::RelayStateNotAllowed`].
pub fn read_post_form(body: &[u8]) -> Result<PostForm, Reject> {
    let fields = FormFields::read(body)?;
    match fields.message {
        Some((MessageKind::Request, _)) => Err(Reject::FormMalformed),
        Some((MessageKind::Response, response)) if !response.trim().is_empty() => {
            decode_form(&response, fields.relay_state)
        }
        _ => Err(Reject::AcsEmptyPost),
    }
}

/// Reads the form that carries a logout message by the HTTP-POST binding: one `SAMLRequest` or one `SAMLResponse`, at most
/// one `RelayState`. What signs a query has no place in it.
///
/// # Errors
/// As [`read_post_form`]; [`Reject::FormMalformed`] for a form without a message too.
pub fn read_logout_form(body: &[u8]) -> Result<(MessageKind, PostForm), Reject> {
    let fields = FormFields::read(body)?;
    let (kind, message) = fields.message.ok_or(Reject::FormMalformed)?;
    Ok((kind, decode_form(&message, fields.relay_state)?))
}

/// The fields of a form that are ours.
struct FormFields {
    message: Option<(MessageKind, String)>,
    relay_state: Option<String>,
}

impl FormFields {
    /// Reads them: each at most once, a request or a response, and nothing of what signs a query.
    fn read(body: &[u8]) -> Result<Self, Reject> {
        let mut message = None;
        let mut relay_state = None;
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            let is_repeated = match &*name {
                // Both are one, so that one excludes the other.
                "SAMLRequest" => message.replace((MessageKind::Request, value)).is_some(),
                "SAMLResponse" => message.replace((MessageKind::Response, value)).is_some(),
                "RelayState" => relay_state.replace(value).is_some(),
                "SAMLart" | "SigAlg" | "Signature" | "SAMLEncoding" => true,
                _ => continue,
            };
            if is_repeated {
                return Err(Reject::FormMalformed);
            }
        }
        Ok(Self { message, relay_state })
    }
}

fn decode_form(message: &str, relay_state: Option<String>) -> Result<PostForm, Reject> {
    if relay_state.as_ref().is_some_and(|r| r.len() > MAX_RELAY_STATE_BYTES) {
        return Err(Reject::RelayStateNotAllowed);
    }
    // Four characters of base64 carry three octets; refuse before decoding what cannot fit, line breaks included.
    if message.len() / 3 > MAX_SAML_MESSAGE_BYTES {
        return Err(Reject::TooLarge);
    }
    let message = base64::decode(message).map_err(|_| Reject::Base64Bad)?;
    if message.len() > MAX_SAML_MESSAGE_BYTES {
        return Err(Reject::TooLarge);
    }
    Ok(PostForm {
        message,
        relay_state: relay_state.filter(|r| !r.is_empty()),
    })
}

/// `message` as a field of the HTTP-POST binding's form carries it (SAML Bindings 3.5.4).
#[must_use]
pub fn post_value(message: &str) -> String {
    base64::encode(message.as_bytes())
}

/// The query that carries `message` by the HTTP-Redirect binding with DEFLATE encoding (SAML Bindings 3.4.4.1). Without a
/// relay state, that parameter is left out of it altogether.
#[must_use]
pub fn redirect_query(kind: MessageKind, message: &str, relay_state: Option<&str>) -> String {
    let deflated = compress_to_vec(message.as_bytes(), DEFLATE_LEVEL);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(kind.parameter(), &base64::encode(&deflated));
    if let Some(relay_state) = relay_state {
        query.append_pair("RelayState", relay_state);
    }
    query.finish()
}

/// `query` with the algorithm of the signature that will follow, RSA PKCS#1 v1.5 with SHA-256. What is signed are these very
/// octets, `SAMLRequest=…&RelayState=…&SigAlg=…` or those of a response: encoded, in this order, and nothing else of the URL (SAML Bindings 3.4.4.1).
#[must_use]
pub fn query_to_sign(query: &str) -> String {
    let algorithm = form_urlencoded::Serializer::new(String::new())
        .append_pair("SigAlg", RSA_SHA256)
        .finish();
    format!("{query}&{algorithm}")
}

/// A query that was signed, with its signature.
#[must_use]
pub fn signed_query(query_to_sign: &str, signature: &[u8]) -> String {
    let signature = form_urlencoded::Serializer::new(String::new())
        .append_pair("Signature", &base64::encode(signature))
        .finish();
    format!("{query_to_sign}&{signature}")
}

/// The endpoint's URL with `query`. A query that it has already is kept in front (Entra and others have one).
#[must_use]
pub fn redirect_url(endpoint: &EndpointUrl, query: &str) -> String {
    let separator = if endpoint.as_str().contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{query}")
}

/// Inflates a message that was compressed with DEFLATE (RFC 1951, SAML Bindings 3.4.4.1), never to more than
/// [`MAX_INFLATED_BYTES`].
///
/// # Errors
/// [`Reject::TooLarge`] or [`Reject::DeflateBad`].
pub fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Reject> {
    decompress_to_vec_with_limit(deflated, MAX_INFLATED_BYTES).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => Reject::TooLarge,
        _ => Reject::DeflateBad,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflating_ends_at_the_cap() {
        let deflated = |octets: usize| compress_to_vec(&vec![b'a'; octets], DEFLATE_LEVEL);
        let at_cap = inflate(&deflated(MAX_INFLATED_BYTES)).map(|octets| octets.len());
        assert_eq!(at_cap, Ok(MAX_INFLATED_BYTES));
        assert_eq!(inflate(&deflated(MAX_INFLATED_BYTES + 1)), Err(Reject::TooLarge));
        let cut = deflated(1_000);
        assert_eq!(inflate(&cut[..cut.len() / 2]), Err(Reject::DeflateBad));
        for octets in [b"".as_slice(), b"<a/>", &[0x1f, 0x8b, 8, 0], &[0xff; 64]] {
            assert_eq!(inflate(octets), Err(Reject::DeflateBad));
        }
    }
}
