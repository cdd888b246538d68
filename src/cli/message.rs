//! A message, out of what people have at hand: XML, base64 of it, and what a browser's developer tools show of a form or a
//! query.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::code::Code;
use edge_saml::saml::binding::{MessageKind, inflate};
use edge_saml::saml::reject::Reject;

use super::output::Failure;
use super::tool_code::ToolCode;

const UTF8_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A message as XML, out of octets that are XML, base64 of it, base64 of deflated XML, or a form or query with one field of
/// the kinds that are `wanted`.
///
/// Base64 is as strict as at the assertion consumer service: white space may stand anywhere, nothing else. What is around
/// it, and its escapes, are of those who copied it.
pub(super) fn xml(octets: Vec<u8>, wanted: &[MessageKind]) -> Result<Vec<u8>, Failure> {
    if looks_like_xml(&octets) {
        return Ok(octets);
    }
    let text = text(&octets).ok_or_else(unknown)?;
    let Some(form) = Form::find(&text) else {
        return unpack(&text)?.xml();
    };
    let [(kind, value)] = form.messages[..] else {
        let message = "expected one field SAMLRequest or SAMLResponse, found several";
        return Err(Failure::unusable(Code::FormMalformed, message));
    };
    if !wanted.contains(&kind) {
        let message = format!("{} was not expected here", kind.parameter());
        return Err(Failure::unusable(ToolCode::InputUnknown, &message));
    }
    unpack(value)?.xml()
}

/// Whether octets begin as XML does, after a byte order mark and white space. What is wrong with it, the reader tells.
pub(super) fn looks_like_xml(octets: &[u8]) -> bool {
    if let Some(mut characters) = wide(octets) {
        return characters.find(|character| !character.is_ascii_whitespace()) == Some('<');
    }
    let octets = octets.strip_prefix(&UTF8_MARK).unwrap_or(octets);
    octets.trim_ascii_start().starts_with(b"<")
}

/// The characters after a byte order mark of UTF-16.
fn wide(octets: &[u8]) -> Option<impl Iterator<Item = char>> {
    let of_two: fn([u8; 2]) -> u16 = match octets {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, _) = octets.as_chunks::<2>();
    let units = units.iter().skip(1).map(move |unit| of_two(*unit));
    Some(char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)))
}

/// Octets as text, without what may be around it; none for what is no text.
pub(super) fn text(octets: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(characters) = wide(octets) {
        let text: String = characters.collect();
        return Some(Cow::Owned(bare(&text).to_owned()));
    }
    let octets = octets.strip_prefix(&UTF8_MARK).unwrap_or(octets);
    str::from_utf8(octets).ok().map(|text| Cow::Borrowed(bare(text)))
}

/// Text without white space and quotes around it.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    let within = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text).trim()
}

/// The fields of a form's body or of a query, as they stand.
pub(super) struct Form<'t> {
    /// All of them, without what comes before and after them in a URL.
    pub(super) query: &'t str,
    /// The value of each `SAMLRequest` and `SAMLResponse`; there is one at least.
    pub(super) messages: Vec<(MessageKind, &'t str)>,
}

impl<'t> Form<'t> {
    /// The form or query that `text` is, or that a URL has; none without a field for a message.
    pub(super) fn find(text: &'t str) -> Option<Self> {
        // A fragment is never sent (RFC 3986, 3.5), and no query has `#` in it.
        let text = text.split_once('#').map_or(text, |(text, _)| text);
        // A query may have question marks (RFC 3986, 3.4), but its first field's name has nothing of a URL.
        let is_field = |before: &str| {
            before
                .split_once('=')
                .is_some_and(|(name, _)| !name.contains(['/', ':']))
        };
        let query = match text.split_once('?') {
            Some((before, query)) if !is_field(before) => query,
            _ => text,
        };
        let messages = fields(query).filter_map(|(name, value)| {
            let kinds = [MessageKind::Request, MessageKind::Response];
            let kind = kinds.into_iter().find(|kind| kind.parameter() == name)?;
            Some((kind, value))
        });
        let messages: Vec<_> = messages.collect();
        (!messages.is_empty()).then_some(Self { query, messages })
    }

    /// The first `RelayState`.
    pub(super) fn relay_state(&self) -> Option<String> {
        let state = fields(self.query).find(|(name, _)| name == "RelayState");
        state
            .map(|(_, value)| unescape(value, true))
            .filter(|state| !state.is_empty())
    }
}

/// The names without escapes, the values as they stand.
fn fields(query: &str) -> impl Iterator<Item = (String, &str)> {
    let fields = query
        .split('&')
        .map(|field| field.split_once('=').unwrap_or((field, "")));
    fields.map(|(name, value)| (unescape(name, true), value))
}

/// Text without the escapes of a form; `plus` says whether `+` is an escape too, for a space.
fn unescape(text: &str, plus: bool) -> String {
    let mut text = text.replace('&', "%26").replace('=', "%3D");
    if !plus {
        text = text.replace('+', "%2B");
    }
    form_urlencoded::parse(text.as_bytes())
        .map(|(text, _)| text.into_owned())
        .collect()
}

/// What was within base64.
pub(super) enum Unpacked {
    /// XML: HTTP-POST (SAML Bindings 3.5.4).
    Plain(Vec<u8>),
    /// What it became when it was inflated: HTTP-Redirect (SAML Bindings 3.4.4.1).
    Inflated(Vec<u8>),
    /// It is not inflated any further.
    TooLarge,
}

impl Unpacked {
    fn xml(self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Plain(xml) | Self::Inflated(xml) => Ok(xml),
            Self::TooLarge => Err(Reject::TooLarge.into()),
        }
    }
}

/// Decodes base64, percent-encoded or not.
pub(super) fn unpack(value: &str) -> Result<Unpacked, Failure> {
    // Who escapes base64 escapes its `+`. One that stands as it is was never meant for a space.
    let is_escaped = ["%2b", "%2B"].iter().any(|plus| value.contains(plus));
    let mut packed = unescape(value, is_escaped).into_bytes();
    packed.retain(|octet| !octet.is_ascii_whitespace());
    let decoded = STANDARD.decode(packed).ok().filter(|decoded| !decoded.is_empty());
    let decoded = decoded.ok_or_else(unknown)?;
    if looks_like_xml(&decoded) {
        return Ok(Unpacked::Plain(decoded));
    }
    match inflate(&decoded) {
        Ok(inflated) => Ok(Unpacked::Inflated(inflated)),
        Err(Reject::TooLarge) => Ok(Unpacked::TooLarge),
        Err(_) => Err(Failure::unusable(
            ToolCode::InputUnknown,
            "expected XML or a deflated message within the base64, found neither",
        )),
    }
}

fn unknown() -> Failure {
    Failure::unusable(
        ToolCode::InputUnknown,
        "expected XML, base64 of XML or of a deflated message, or a form or query with one; found none of them",
    )
}
