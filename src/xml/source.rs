//! The preflight: from octets to text that the parser may see.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem};

use super::Error;
use super::scan::scan;
use crate::limits::{self, XmlLimits};

/// What kind of document is read, which decides what it may hold.
///
/// | | `SamlMessage` | `Metadata` | `Document` |
/// | --- | --- | --- | --- |
/// | limits | [`limits::SAML_MESSAGE`] | [`limits::METADATA`] | [`limits::DOCUMENT`] |
/// | encodings | UTF-8 | and UTF-16 with a byte order mark | and US-ASCII, ISO-8859-1 when declared |
/// | comments, processing instructions | refused | allowed | allowed |
/// | document type declaration | refused | refused | with an external identifier or nothing; never followed |
/// | namespace names | absolute ASCII URIs | absolute ASCII URIs | any |
///
/// One UTF-8 byte order mark is tolerated everywhere: some .NET identity providers send it, it is not part of the
/// document (XML 1.0, section 4.3.3) and so cannot change what is read. A second one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A protocol message or an assertion, sent by anyone.
    SamlMessage,
    /// Metadata of an identity provider, fetched or pasted by an administrator.
    Metadata,
    /// Any document, for the command-line tool.
    Document,
}

impl Profile {
    /// The caps that hold for this kind of document.
    #[must_use]
    pub const fn limits(self) -> &'static XmlLimits {
        match self {
            Self::SamlMessage => &limits::SAML_MESSAGE,
            Self::Metadata => &limits::METADATA,
            Self::Document => &limits::DOCUMENT,
        }
    }
}

/// Text that passed the preflight: within all caps, without an XML declaration or document type declaration, its line
/// ends normalised (XML 1.0, section 2.11).
#[derive(Clone)]
pub struct Source<'a> {
    text: Cow<'a, str>,
    profile: Profile,
}

impl core::fmt::Debug for Source<'_> {
    /// The length alone: contents are someone's identity.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Source({} bytes)", self.text.len())
    }
}

impl<'a> Source<'a> {
    /// Checks `octets` in time linear in their number, without recursion, before the parser sees them.
    ///
    /// What is checked here is what the parser leaves open or gets wrong; well-formedness otherwise is its task.
    ///
    /// # Errors
    /// The first rule of [`Profile`] that is broken.
    pub fn check(octets: &'a [u8], profile: Profile) -> Result<Self, Error> {
        if octets.len() > profile.limits().max_bytes {
            return Err(Error::TooLarge);
        }
        Self::check_decoded(decode(octets, profile)?, profile)
    }

    /// Checks text whose encoding is no longer that of its file, such as a JSON string's: what its declaration says of an
    /// encoding is not looked at (XML 1.0, section 4.3.3, lets the transport say it).
    ///
    /// # Errors
    /// As for [`check`](Self::check), those for encodings apart.
    pub fn check_text(text: &'a str, profile: Profile) -> Result<Self, Error> {
        Self::check_decoded(Cow::Borrowed(text.strip_prefix('\u{FEFF}').unwrap_or(text)), profile)
    }

    fn check_decoded(text: Cow<'a, str>, profile: Profile) -> Result<Self, Error> {
        let limits = profile.limits();
        // Text that was UTF-16 can be half as long again in UTF-8.
        if text.len() > limits.max_bytes {
            return Err(Error::TooLarge);
        }
        let text = without_declaration(text)?;
        check_characters(&text)?;
        let text = normalise_line_ends(text);
        if has_more_than(limits.max_less_than_signs, b'<', &text) || has_more_than(limits.max_equals_signs, b'=', &text)
        {
            return Err(Error::TooManyMarks);
        }
        let text = match scan(&text, profile)? {
            Some(doctype) => Cow::Owned(cut(&text, doctype)),
            None => text,
        };
        // The parser skips a byte order mark, and none is left here.
        if text.starts_with('\u{FEFF}') {
            return Err(Error::NotWellFormed);
        }
        Ok(Self { text, profile })
    }

    /// The text, without byte order mark, XML declaration and document type declaration.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The profile that the text was checked against.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }
}

/// Octets to text (XML 1.0, section 4.3.3 and appendix F), byte order mark removed.
fn decode(octets: &[u8], profile: Profile) -> Result<Cow<'_, str>, Error> {
    match octets {
        [0xEF, 0xBB, 0xBF, rest @ ..] => decode_octets(rest, true, profile),
        [0xFF, 0xFE, rest @ ..] if profile != Profile::SamlMessage => {
            decode_utf16(rest, u16::from_le_bytes, "UTF-16LE")
        }
        [0xFE, 0xFF, rest @ ..] if profile != Profile::SamlMessage => {
            decode_utf16(rest, u16::from_be_bytes, "UTF-16BE")
        }
        // UTF-16 without its mark. It would be refused for its NULs, which tells nobody what to do.
        [b'<', 0, ..] | [0, b'<', ..] if profile == Profile::Metadata => Err(Error::EncodingInvalid),
        _ => decode_octets(octets, false, profile),
    }
}

/// `order` is what the encoding is called when the order of its octets is said as well.
fn decode_utf16<'a>(octets: &[u8], unit: fn([u8; 2]) -> u16, order: &str) -> Result<Cow<'a, str>, Error> {
    let (pairs, odd) = octets.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(Error::EncodingInvalid);
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).map_err(|_| Error::EncodingInvalid)?;
    match Declaration::read(&text)?.encoding {
        None => Ok(Cow::Owned(text)),
        Some(name) if name.eq_ignore_ascii_case("UTF-16") || name.eq_ignore_ascii_case(order) => Ok(Cow::Owned(text)),
        Some(_) => Err(Error::EncodingUnsupported),
    }
}

fn decode_octets(rest: &[u8], has_mark: bool, profile: Profile) -> Result<Cow<'_, str>, Error> {
    let text = core::str::from_utf8(rest).map_err(|_| Error::EncodingInvalid);
    // A declaration is ASCII, so it can be read although what follows it may not be UTF-8.
    let declared = match memmem::find(rest.get(..MAX_DECLARATION_BYTES).unwrap_or(rest), b"?>") {
        Some(end) => core::str::from_utf8(rest.get(..end.saturating_add(2)).unwrap_or_default())
            .map_err(|_| Error::EncodingInvalid)?,
        None => text?,
    };
    match Declaration::read(declared)?.encoding {
        None => Ok(Cow::Borrowed(text?)),
        Some(name) if name.eq_ignore_ascii_case("UTF-8") => Ok(Cow::Borrowed(text?)),
        Some(name) if profile == Profile::Document && !has_mark && name.eq_ignore_ascii_case("ISO-8859-1") => {
            Ok(Cow::Owned(rest.iter().map(|octet| char::from(*octet)).collect()))
        }
        Some(name) if profile == Profile::Document && !has_mark && name.eq_ignore_ascii_case("US-ASCII") => {
            if rest.is_ascii() {
                Ok(Cow::Borrowed(text?))
            } else {
                Err(Error::EncodingInvalid)
            }
        }
        Some(_) => Err(Error::EncodingUnsupported),
    }
}

/// Removes the XML declaration, so that the parser never reads one.
fn without_declaration(text: Cow<'_, str>) -> Result<Cow<'_, str>, Error> {
    let length = Declaration::read(&text)?.length;
    match text {
        Cow::Borrowed(text) => text.get(length..).map(Cow::Borrowed),
        Cow::Owned(mut text) => {
            text.drain(..length.min(text.len()));
            Some(Cow::Owned(text))
        }
    }
    .ok_or(Error::InvalidDeclaration)
}

/// An XML declaration (XML 1.0, productions 23 to 26, 32 and 80), or the lack of one.
struct Declaration<'t> {
    length: usize,
    encoding: Option<&'t str>,
}

impl<'t> Declaration<'t> {
    fn read(text: &'t str) -> Result<Self, Error> {
        Self::read_exactly(text).ok_or(Error::InvalidDeclaration)
    }

    fn read_exactly(text: &'t str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_space)) else {
            return Some(Self {
                length: 0,
                encoding: None,
            });
        };
        let (version, mut rest) = pseudo_attribute(rest, "version")?;
        if version != "1.0" {
            return None;
        }
        let mut encoding = None;
        if let Some((name, after)) = pseudo_attribute(rest, "encoding") {
            encoding = Some(name);
            rest = after;
        }
        if let Some((value, after)) = pseudo_attribute(rest, "standalone") {
            if !matches!(value, "yes" | "no") {
                return None;
            }
            rest = after;
        }
        let rest = rest.trim_start_matches(is_space).strip_prefix("?>")?;
        Some(Self {
            length: text.len().checked_sub(rest.len())?,
            encoding,
        })
    }
}

/// White space, `name`, `=`, a quoted value: the value and what follows it.
fn pseudo_attribute<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let rest = text
        .strip_prefix(is_space)?
        .trim_start_matches(is_space)
        .strip_prefix(name)?;
    let rest = rest
        .trim_start_matches(is_space)
        .strip_prefix('=')?
        .trim_start_matches(is_space);
    if let Some(rest) = rest.strip_prefix('"') {
        rest.split_once('"')
    } else {
        rest.strip_prefix('\'')?.split_once('\'')
    }
}

/// Every character must be an XML character (XML 1.0, section 2.2).
fn check_characters(text: &str) -> Result<(), Error> {
    let octets = text.as_bytes();
    // Whole chunks without an early exit, so that the compiler can use wide registers.
    for chunk in octets.chunks(1024) {
        let is_control = |octet: &u8| *octet < b' ' && !matches!(octet, b'\t' | b'\n' | b'\r');
        if chunk.iter().fold(false, |found, octet| found | is_control(octet)) {
            return Err(Error::InvalidCharacter);
        }
    }
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    let is_no_character = |at: usize| matches!(octets.get(at..), Some([0xEF, 0xBF, 0xBE | 0xBF, ..]));
    if memchr_iter(0xEF, octets).any(is_no_character) {
        return Err(Error::InvalidCharacter);
    }
    Ok(())
}

/// Whether `text` holds more than `limit` of `octet`. One that is too short for that need not be counted.
fn has_more_than(limit: usize, octet: u8, text: &str) -> bool {
    text.len() > limit && memchr_iter(octet, text.as_bytes()).count() > limit
}

/// CR LF and CR become LF (XML 1.0, section 2.11), so that a CR in the tree can only come from a character reference.
fn normalise_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut normalised = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some((line, after)) = rest.split_once('\r') {
        normalised.push_str(line);
        normalised.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    normalised.push_str(rest);
    Cow::Owned(normalised)
}

fn cut(text: &str, range: core::ops::Range<usize>) -> String {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    [before, after].concat()
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Where the end of a declaration is looked for; longer ones are read as part of the whole text.
const MAX_DECLARATION_BYTES: usize = 256;

#[cfg(test)]
mod tests;
