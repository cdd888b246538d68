//! Mutations of elements, attributes and text, by the spans that they have in the text.

use std::ops::Range;

use super::random::Random;
use crate::support::seed::{Part, Parts, edit, eve};

/// One mutation of `xml`, whose elements are `parts`.
pub(super) fn mutate(xml: &str, parts: &Parts, random: &mut Random) -> String {
    let part = random.choose(parts.all());
    let text = &xml[part.range.clone()];
    match random.below(22) {
        0 => moved(xml, parts, part, random),
        1 | 2 => insert(xml, boundary(xml, parts, random), text),
        3 => {
            let name = random.word(NAMES);
            replace(xml, part, &wrap(name, text, random))
        }
        4 => match content(xml, part) {
            Some(content) => replace(xml, part, &xml[content]),
            None => replace(xml, part, ""),
        },
        5 => replace(xml, part, ""),
        6 => {
            let name = random.word(NAMES);
            renamed(xml, part, name)
        }
        7 => renamed(xml, part, &with_other_prefix(tag_name(xml, part), random)),
        8 | 9 => {
            let declaration = random.word(DECLARATIONS);
            with_attribute(xml, part, declaration)
        }
        10 => {
            let text = random.word(MARKUP);
            insert(xml, boundary(xml, parts, random), text)
        }
        11 => in_text(xml, parts, random, |text, at, random| {
            let markup = random.word(MARKUP);
            format!("{}{markup}{}", &text[..at], &text[at..])
        }),
        12 => in_text(xml, parts, random, |text, at, _| match text[at..].chars().next() {
            // Another spelling of the same character.
            Some(c) if !"&<>;".contains(c) => {
                format!("{}&#{};{}", &text[..at], u32::from(c), &text[at + c.len_utf8()..])
            }
            _ => format!("<![CDATA[{text}]]>"),
        }),
        13 => in_text(xml, parts, random, |text, _, _| {
            if text.contains('&') {
                text.to_owned()
            } else {
                format!("<![CDATA[{text}]]>")
            }
        }),
        14 => in_text(xml, parts, random, |text, at, random| {
            let space = random.word(&[" ", "\n", "\t", "\r\n", "\r", "&#13;", "\u{a0}", "&#32;"]);
            format!("{}{space}{}", &text[..at], &text[at..])
        }),
        15 => white_space_in_tag(xml, part, random),
        16 | 17 => attribute(xml, parts, part, random),
        18 => {
            // Two elements change places.
            let other = random.choose(parts.all());
            if other.range.end <= part.range.start || part.range.end <= other.range.start {
                edit(
                    xml,
                    &[
                        (part.range.clone(), xml[other.range.clone()].to_owned()),
                        (other.range.clone(), text.to_owned()),
                    ],
                )
            } else {
                replace(xml, part, &eve(text))
            }
        }
        19 => replace(xml, part, &eve(text)),
        20 => in_text(xml, parts, random, |_, _, random| random.word(TEXTS).to_owned()),
        _ => {
            let text = random.word(DOCTYPES);
            let at = parts.root().range.start;
            insert(xml, at, text)
        }
    }
}

/// One more mutation of what may not be well-formed any more: of tokens, found by their characters.
pub(super) fn again(xml: &str, random: &mut Random) -> String {
    let marks: Vec<usize> = xml.match_indices(['<', '>', '"', '=', ' ']).map(|(at, _)| at).collect();
    if marks.is_empty() {
        return xml.to_owned();
    }
    let at = *random.choose(&marks);
    let to = *random.choose(&marks);
    let (from, to) = (at.min(to), at.max(to));
    match random.below(8) {
        0 => insert(xml, at, random.word(MARKUP)),
        1 => insert(xml, at, random.word(DECLARATIONS)),
        2 => insert(xml, at, " "),
        3 => edit(xml, &[(at..at + 1, String::new())]),
        4 if to - from < 400 => edit(xml, &[(from..to, String::new())]),
        5 if to - from < 4_000 => {
            let copy = xml[from..to].to_owned();
            insert(xml, *random.choose(&marks), &copy)
        }
        6 => edit(
            xml,
            &[(
                at..at + 1,
                (random.word(&["'", "\"", "<", ">", "/", "&lt;", "=", ":", "!"])).to_owned(),
            )],
        ),
        _ => insert(xml, at, random.word(TEXTS)),
    }
}

fn replace(xml: &str, part: &Part, new: &str) -> String {
    edit(xml, &[(part.range.clone(), new.to_owned())])
}

pub(super) fn insert(xml: &str, at: usize, new: &str) -> String {
    edit(xml, &[(at..at, new.to_owned())])
}

fn moved(xml: &str, parts: &Parts, part: &Part, random: &mut Random) -> String {
    let at = boundary(xml, parts, random);
    if part.range.contains(&at) {
        return replace(xml, part, "");
    }
    edit(
        xml,
        &[
            (part.range.clone(), String::new()),
            (at..at, xml[part.range.clone()].to_owned()),
        ],
    )
}

/// A place right before or after a tag.
pub(super) fn boundary(xml: &str, parts: &Parts, random: &mut Random) -> usize {
    let part = random.choose(parts.all());
    match random.below(4) {
        0 => part.range.start,
        1 => part.tag.end,
        2 => content(xml, part).map_or(part.range.end, |content| content.end),
        _ => part.range.end,
    }
}

/// What stands between the tags; none for an empty-element tag.
pub(super) fn content(xml: &str, part: &Part) -> Option<Range<usize>> {
    if part.tag == part.range {
        return None;
    }
    Some(part.tag.end..part.range.start + xml[part.range.clone()].rfind("</").unwrap())
}

/// The name as it is written.
fn tag_name<'x>(xml: &'x str, part: &Part) -> &'x str {
    let tag = &xml[part.tag.start + 1..part.tag.end];
    &tag[..tag.find([' ', '\t', '\r', '\n', '/', '>']).unwrap()]
}

fn renamed(xml: &str, part: &Part, name: &str) -> String {
    let old = tag_name(xml, part).len();
    // A name without a prefix takes over the old one.
    let prefix = tag_name(xml, part).split_once(':').map_or("", |(prefix, _)| prefix);
    let name = if name.contains(':') || prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}:{name}")
    };
    let start = part.tag.start + 1;
    let mut edits = vec![(start..start + old, name.clone())];
    if let Some(content) = content(xml, part) {
        edits.push((content.end + 2..content.end + 2 + old, name));
    }
    edit(xml, &edits)
}

fn with_other_prefix(name: &str, random: &mut Random) -> String {
    let local = name.split_once(':').map_or(name, |(_, local)| local);
    format!(
        "{}{local}",
        random.word(&["ds:", "saml:", "samlp:", "xs:", "xml:", "q:", ":", "saml2:", "xmlns:"])
    )
}

pub(super) fn wrap(name: &str, inside: &str, random: &mut Random) -> String {
    let declaration = random.word(DECLARATIONS);
    format!("<{name}{declaration}>{inside}</{name}>")
}

/// `text` put after the name of the tag.
fn with_attribute(xml: &str, part: &Part, text: &str) -> String {
    insert(xml, part.tag.start + 1 + tag_name(xml, part).len(), text)
}

fn white_space_in_tag(xml: &str, part: &Part, random: &mut Random) -> String {
    let space = random.word(&[" ", "\n", "\t", "\r\n", "\u{a0}"]);
    let tag = &xml[part.tag.clone()];
    let places: Vec<usize> = tag
        .match_indices([' ', '=', '>', '/', '<'])
        .map(|(at, _)| part.tag.start + at)
        .collect();
    let at = *random.choose(&places);
    insert(xml, at + random.below(2), space)
}

/// `change` of the text of some leaf, at some place in it.
fn in_text(
    xml: &str,
    parts: &Parts,
    random: &mut Random,
    change: impl FnOnce(&str, usize, &mut Random) -> String,
) -> String {
    let has_text =
        |part: &&Part| content(xml, part).is_some_and(|content| !content.is_empty() && !xml[content].contains('<'));
    let leaves: Vec<&Part> = parts.all().iter().filter(has_text).collect();
    let leaf = *random.choose(&leaves);
    let content = content(xml, leaf).unwrap();
    let text = &xml[content.clone()];
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    edit(xml, &[(content, change(text, at, random))])
}

/// A mutation of one attribute.
fn attribute(xml: &str, parts: &Parts, part: &Part, random: &mut Random) -> String {
    let found = attributes(xml, part);
    if found.is_empty() {
        return with_attribute(xml, part, " ID=\"_evil\"");
    }
    let range = random.choose(&found).clone();
    let text = &xml[range.clone()];
    let (name, value) = text.trim_start().split_once('=').unwrap();
    let bare = value.trim_matches(['"', '\'']);
    let others: Vec<&str> = parts
        .all()
        .iter()
        .flat_map(|part| attributes(xml, part))
        .map(|range| xml[range].split_once('=').unwrap().1.trim_matches(['"', '\'']))
        .collect();
    let new = match random.below(11) {
        0 => format!("{text}{text}"),
        1 => format!(" x:{name}={value} xmlns:x=\"urn:example:x\"{text}"),
        2 => format!("{text} xmlns:x=\"urn:example:x\" x:{name}=\"_evil\""),
        3 => String::new(),
        4 => format!(" {name}=\"{}\"", random.choose(&others)),
        5 => format!(" {name}='{bare}'"),
        6 => format!(" {}={value}", random.word(ATTRIBUTES)),
        7 => format!(" {name} =\n{value}"),
        8 => match bare.chars().next() {
            Some(c) => format!(" {name}=\"&#x{:x};{}\"", u32::from(c), &bare[c.len_utf8()..]),
            None => format!(" {name}=\" \""),
        },
        9 => format!(" {name}=\"{bare} \""),
        _ => format!(" {name}=\"{}\"", random.word(TEXTS).replace('<', "&lt;")),
    };
    edit(xml, &[(range, new)])
}

/// Where the attributes of a tag stand, each with a space before it.
fn attributes(xml: &str, part: &Part) -> Vec<Range<usize>> {
    let mut ranges = vec![];
    let mut at = part.tag.start;
    while let Some(equals) = xml[at..part.tag.end].find("=\"") {
        let quote = at + equals + 1;
        let name = xml[at..quote - 1].rfind([' ', '\n', '\t', '\r']).unwrap();
        let end = quote + 1 + xml[quote + 1..].find('"').unwrap() + 1;
        ranges.push(at + name..end);
        at = end;
    }
    ranges
}

/// Names that mean something somewhere.
const NAMES: &[&str] = &[
    "Response",
    "Assertion",
    "EncryptedAssertion",
    "Issuer",
    "Subject",
    "NameID",
    "BaseID",
    "EncryptedID",
    "SubjectConfirmation",
    "SubjectConfirmationData",
    "Conditions",
    "AudienceRestriction",
    "Audience",
    "OneTimeUse",
    "Advice",
    "AuthnStatement",
    "AttributeStatement",
    "Attribute",
    "AttributeValue",
    "Status",
    "StatusCode",
    "StatusDetail",
    "Extensions",
    "Signature",
    "SignedInfo",
    "SignatureValue",
    "KeyInfo",
    "Object",
    "Manifest",
    "Reference",
    "Transforms",
    "Transform",
    "DigestMethod",
    "DigestValue",
    "CanonicalizationMethod",
    "SignatureMethod",
    "X509Data",
    "x",
    "q:x",
    "saml:Assertion",
    "samlp:Response",
    "ds:Signature",
];

/// Attributes and declarations, each with a space before it; one is nothing.
const DECLARATIONS: &[&str] = &[
    "",
    " xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
    " xmlns=\"http://www.w3.org/2000/09/xmldsig#\"",
    " xmlns=\"urn:example:x\"",
    " xmlns=\"\"",
    " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns:saml=\"urn:example:x\"",
    " xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
    " xmlns:ds=\"urn:example:x\"",
    " xmlns:xs=\"urn:example:x\"",
    " xmlns:q=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns:q=\"urn:example:q\" q:ID=\"_evil\"",
    " p:xmlns=\"urn:x\"",
    " :xmlns=\"urn:x\"",
    " xml:lang=\"en\"",
    " xml:id=\"_evil\"",
    " xml:base=\"http://idp.example/\"",
    " ID=\"_evil\"",
    " Id=\"_evil\"",
    " ID=\"_pretty-assertion\"",
    " Version=\"2.0\"",
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"",
];

/// What may stand between tags, or be put into text.
const MARKUP: &[&str] = &[
    "<!---->",
    "<!-- x -->",
    "<?x?>",
    "<?xml version='1.0'?>",
    "<x/>",
    "<![CDATA[]]>",
    "<![CDATA[x]]>",
    "&amp;",
    "&x;",
    "&#65;",
    "&#0;",
    " ",
    "\n",
    "\r",
    "x",
    "]]>",
    "<!DOCTYPE x>",
    "\u{feff}",
    "\u{0}",
    "<Assertion/>",
    "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/>",
    "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion' ID='_evil'/>",
    "<EncryptedAssertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'/>",
];

const ATTRIBUTES: &[&str] = &[
    "ID",
    "Id",
    "id",
    "xml:id",
    "AssertionID",
    "URI",
    "Algorithm",
    "InResponseTo",
    "Recipient",
    "NotOnOrAfter",
    "xmlns",
    "Name",
    "Format",
];

const TEXTS: &[&str] = &[
    "",
    "eve@acme.test",
    "eve",
    "ada@acme.test",
    "2030-01-01T00:00:00Z",
    "_evil",
    "#_evil",
    "#",
    "http://www.okta.com/exk1test",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    "AAAA",
    "urn:oasis:names:tc:SAML:2.0:status:Success",
    "urn:oasis:names:tc:SAML:2.0:cm:bearer",
    "true",
    "1.1",
    "2.0",
];

const DOCTYPES: &[&str] = &[
    "<!DOCTYPE x>",
    "<!DOCTYPE x [<!ENTITY x 'ada'>]>",
    "<!DOCTYPE x SYSTEM 'x\"><!--'>",
    "<?xml version='1.0'?>",
    "<?xml version='1.1'?>",
    "<!---->",
    "\u{feff}",
    " ",
];
