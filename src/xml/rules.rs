//! Rules for single names, namespace names and values that the parser does not enforce.

use memchr::memchr;

use super::Error;
use crate::limits::MAX_NAME_BYTES;

/// At most one colon, not at either end (Namespaces in XML 1.0, section 4). The parser checks the characters.
///
/// `colons` is how many `name` has: whoever looked for its end has seen them.
pub(super) fn check_name(name: &[u8], colons: usize) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::NotWellFormed);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::NameTooLong);
    }
    match (colons, name) {
        (0, _) => Ok(()),
        (1, [first, .., last]) if *first != b':' && *last != b':' => Ok(()),
        _ => Err(Error::InvalidName),
    }
}

/// The prefix that an attribute of this name declares; empty for the default namespace.
///
/// The parser takes every attribute with the local part `xmlns` for a declaration of the default namespace.
pub(super) fn declared_prefix(name: &[u8]) -> Result<Option<&[u8]>, Error> {
    match name.strip_prefix(b"xmlns") {
        Some([]) => Ok(Some(b"")),
        Some([b':', prefix @ ..]) => Ok(Some(prefix)),
        _ if name.ends_with(b":xmlns") => Err(Error::InvalidName),
        _ => Ok(None),
    }
}

/// A scheme, a colon, something: an absolute URI of printable ASCII (RFC 3986, section 4.3).
///
/// Relative namespace names are deprecated and their canonical form is undefined (Canonical XML 1.0, section 1.3).
pub(super) fn check_absolute(namespace: &[u8]) -> Result<(), Error> {
    let is_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
    let scheme = namespace.iter().position(|octet| !is_scheme(octet)).unwrap_or(0);
    let begins_well = namespace.first().is_some_and(u8::is_ascii_alphabetic);
    if !begins_well || !matches!(namespace.get(scheme..), Some([b':', _, ..])) {
        return Err(Error::NamespaceNotAbsolute);
    }
    // Without an early exit, so that the compiler can use wide registers.
    if namespace.iter().fold(true, |all, octet| all & is_uri_character(*octet)) {
        return Ok(());
    }
    // Of references only `&amp;`: any other would spell a character that need not be escaped, or must not be there.
    let mut parts = namespace.split(|octet| *octet == b'&');
    let is_legal = |part: &[u8]| part.iter().all(|octet| is_uri_character(*octet));
    if parts.next().is_some_and(is_legal) && parts.all(|part| part.starts_with(b"amp;") && is_legal(part)) {
        Ok(())
    } else {
        Err(Error::NamespaceNotAbsolute)
    }
}

/// What a URI may hold (RFC 3986, section 2), but for `&`.
fn is_uri_character(octet: u8) -> bool {
    matches!(octet, b'!' | b'#'..=b'%' | b'\''..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~')
}

/// Every `&` starts one of the five predefined entities or a reference to an XML character (XML 1.0, sections 4.1, 4.6).
pub(super) fn check_references(text: &[u8]) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest) {
        let (_, reference) = rest.split_at_checked(at).ok_or(Error::NotWellFormed)?;
        let window = reference.get(1..).unwrap_or_default();
        let end = window.iter().take(MAX_REFERENCE_BYTES).position(|octet| *octet == b';');
        let (name, after) = end
            .and_then(|end| window.split_at_checked(end))
            .ok_or(Error::EntityUnknown)?;
        match name {
            b"amp" | b"lt" | b"gt" | b"quot" | b"apos" => {}
            [b'#', digits @ ..] => check_character_reference(digits)?,
            _ => return Err(Error::EntityUnknown),
        }
        rest = after;
    }
    Ok(())
}

fn check_character_reference(digits: &[u8]) -> Result<(), Error> {
    let (digits, radix) = match digits {
        [b'x', digits @ ..] => (digits, 16),
        _ => (digits, 10),
    };
    let is_number = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    let character = core::str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)
        .and_then(|digits| u32::from_str_radix(digits, radix).ok())
        .and_then(char::from_u32)
        .ok_or(Error::InvalidCharacterReference)?;
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'.. => Ok(()),
        _ => Err(Error::InvalidCharacterReference),
    }
}

/// `&` to `;`: the longest sensible reference is `#x0010FFFF`, and leading zeros beyond these serve nobody.
const MAX_REFERENCE_BYTES: usize = 16;
