//! Differences between parsers, and canonicalisation: A42 to A66 and A175.

use edge_saml::xml::names::SAML;

use super::{Doc, Made, attack, attack_octets, signed};
use crate::support::idp::{Idp, Message, Signed, signed_info};
use crate::support::seed::{Part, code, judge, value};

/// The leaves whose text decides something, with those of the response.
const LEAVES: [&str; 5] = ["Issuer", "NameID", "Audience", "AttributeValue", "AuthnContextClassRef"];

fn leaves(doc: &Doc) -> impl Iterator<Item = (&Part, &'static str)> {
    LEAVES.iter().map(|name| {
        let part = doc.part_in(&doc.assertion, name);
        (part, &doc.xml[doc.content(part)])
    })
}

/// What a change of signed content is refused with.
const CHANGED: &str = "signature_bad_digest";

#[test]
fn a42_comment_in_a_value() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (part, text) in leaves(doc) {
            for with in [
                format!("{text}<!---->.evil.example"),
                format!("<!-- x -->{text}"),
                format!("{}<!--x-->{}", &text[..1], &text[1..]),
            ] {
                made.push(("comment_forbidden", doc.edit(&[(doc.content(part), &with)])));
            }
        }
        made.push(("comment_forbidden", doc.before(doc.status(), "<!-- -->")));
        made.push(("comment_forbidden", format!("{}<!-- -->", doc.xml)));
        made
    });
    // Signed with it, where the canonical form has none: whole or not at all.
    assert_eq!(
        code(
            Message::default()
                .to_xml()
                .replace("ada@acme.test<", "ada@acme.test<!-- -->.evil<")
        ),
        "comment_forbidden"
    );
}

#[test]
fn a43_processing_instruction_in_a_value() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (part, text) in leaves(doc) {
            made.push((
                "processing_instruction_forbidden",
                doc.edit(&[(doc.content(part), &format!("{text}<?x?>b"))]),
            ));
            made.push((
                "processing_instruction_forbidden",
                doc.edit(&[(doc.content(part), &format!("<?p not-an-?>{text}"))]),
            ));
        }
        made.push(("processing_instruction_forbidden", doc.before(&doc.root, "<?x y?>")));
        made.push(("processing_instruction_forbidden", doc.after(&doc.root, "<?x y?>")));
        made
    });
}

#[test]
fn a44_cdata() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (part, text) in leaves(doc) {
            if text.contains('&') {
                continue;
            }
            made.push((
                "accepted",
                doc.edit(&[(doc.content(part), &format!("<![CDATA[{text}]]>"))]),
            ));
            made.push((
                "accepted",
                doc.edit(&[(
                    doc.content(part),
                    &format!("<![CDATA[{}]]>{}<![CDATA[]]>", &text[..2], &text[2..]),
                )]),
            ));
            // What looks like markup is text, and not what was signed.
            made.push((
                CHANGED,
                doc.edit(&[(doc.content(part), &format!("{text}<![CDATA[</x><x>]]>"))]),
            ));
        }
        made.push(("response_malformed", doc.before(doc.status(), "<![CDATA[x]]>")));
        made
    });
}

#[test]
fn a45_element_in_a_leaf() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (part, text) in leaves(doc) {
            made.push((CHANGED, doc.edit(&[(doc.content(part), &format!("{text}<b/>"))])));
            made.push((CHANGED, doc.edit(&[(doc.content(part), &format!("<b>{text}</b>"))])));
        }
        made
    });
    for (from, to) in [
        (">ada@acme.test</saml2:NameID>", ">ada<b/>@acme.test</saml2:NameID>"),
        (
            ">ada@acme.test</saml2:NameID>",
            "><saml2:NameID>ada@acme.test</saml2:NameID></saml2:NameID>",
        ),
        ("</saml2:Audience>", "<b/></saml2:Audience>"),
        ("</saml2:AuthnContextClassRef>", "<b/></saml2:AuthnContextClassRef>"),
    ] {
        assert_eq!(signed(from, to), "response_malformed", "{to}");
    }
    // An e-mail address with markup in it is none.
    assert_eq!(
        signed(
            ">ada@acme.test</saml2:AttributeValue>",
            ">ada@acme.test<b/></saml2:AttributeValue>"
        ),
        "email_not_an_address"
    );
}

/// The document with `text` where a document type declaration would be.
fn doctype(doc: &Doc, text: &str) -> String {
    doc.before(&doc.root, text)
}

#[test]
fn a46_document_types() {
    attack(|doc| {
        let name = &doc.text(&doc.root)[1..].split([' ', '\n', '\r']).next().unwrap();
        let mut made: Made = vec![];
        for text in [
            format!("<!DOCTYPE {name}>"),
            format!("<!DOCTYPE {name} []>"),
            format!("<!DOCTYPE {name} SYSTEM \"http://idp.example/x.dtd\">"),
            format!("<!DOCTYPE {name} PUBLIC \"x\" 'y'>"),
            format!("<!doctype {name}>"),
            format!("<!DocType {name}>"),
            "<!DOCTYPE".to_owned(),
        ] {
            made.push(("doctype_forbidden", doctype(doc, &text)));
        }
        made.push(("doctype_forbidden", doc.after(&doc.root, "<!DOCTYPE x>")));
        made.push(("doctype_forbidden", doc.before(doc.status(), "<!DOCTYPE x>")));
        made.push((
            "doctype_forbidden",
            format!("\u{feff}<!DOCTYPE x>{}", doc.text(&doc.root)),
        ));
        made.push(("xml_not_wellformed", doc.before(doc.status(), "<!ENTITY x 'y'>")));
        made.push(("xml_not_wellformed", doc.before(doc.status(), "<![INCLUDE[x]]>")));
        made
    });
}

#[test]
fn a47_attribute_defaults() {
    attack(|doc| {
        [
            "<!DOCTYPE r [<!ATTLIST r ID CDATA #FIXED '_x'>]>",
            "<!DOCTYPE r [<!ATTLIST x xmlns:ds CDATA #FIXED 'http://www.w3.org/2000/09/xmldsig#'>]>",
        ]
        .iter()
        .map(|text| ("doctype_forbidden", doctype(doc, text)))
        .collect()
    });
}

#[test]
fn a48_document_type_round_trip() {
    attack(|doc| {
        let first = "<!DOCTYPE r SYSTEM 'x\"><!--'>";
        let evil = doc.evil_assertion();
        let hidden = format!("<![CDATA[-->{evil}<!--]]>-->");
        vec![
            ("doctype_forbidden", doctype(doc, first)),
            (
                "doctype_forbidden",
                doc.edit(&[
                    (doc.root.range.start..doc.root.range.start, first),
                    (doc.end_of(&doc.root), &hidden),
                ]),
            ),
            (
                "response_malformed",
                doc.edit(&[(doc.end_of(&doc.root), &hidden.replace("]]>-->", "]]>"))]),
            ),
        ]
    });
}

#[test]
fn a49_external_entities() {
    attack(|doc| {
        let name = doc.part_in(&doc.assertion, "NameID");
        let with_entity = |declaration: &str| {
            doc.edit(&[
                (doc.root.range.start..doc.root.range.start, declaration),
                (doc.content(name), "&x;"),
            ])
        };
        let include = "<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='file:///etc/passwd' parse='text'/>";
        vec![
            (
                "doctype_forbidden",
                with_entity("<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"),
            ),
            (
                "doctype_forbidden",
                with_entity("<!DOCTYPE r [<!ENTITY x SYSTEM 'http://idp.example/'>]>"),
            ),
            (
                "doctype_forbidden",
                with_entity("<!DOCTYPE r [<!ENTITY % x SYSTEM 'http://idp.example/'> %x;]>"),
            ),
            ("xml_not_wellformed", with_entity("")),
            ("response_malformed", doc.before(doc.status(), include)),
            (CHANGED, doc.edit(&[(doc.content(name), include)])),
        ]
    });
}

#[test]
fn a50_names_that_do_not_survive_writing() {
    attack(|doc| {
        [
            "<a:b:c xmlns:a='urn:a'/>",
            "<::a/>",
            "<a:/>",
            "<x a:b:c='d' xmlns:a='urn:a'/>",
            "<?xml:a b?>",
            "<x xmlns:='urn:a'/>",
        ]
        .iter()
        .map(|text| {
            let expected = if text.starts_with("<?") {
                "processing_instruction_forbidden"
            } else {
                "xml_not_wellformed"
            };
            (expected, doc.extension(text))
        })
        .collect()
    });
}

#[test]
fn a51_namespaces() {
    attack(|doc| {
        let mut made: Made = vec![];
        for other in [
            "urn:oasis:names:tc:SAML:1.0:assertion",
            "urn:oasis:names:tc:SAML:2.0:assertion/",
            "URN:oasis:names:tc:SAML:2.0:assertion",
        ] {
            made.push((
                "response_malformed",
                doc.xml.replace(&format!("\"{SAML}\""), &format!("\"{other}\"")),
            ));
        }
        // A look-alike with the right local name beside the genuine one, and around another content.
        for namespace in ["", "urn:example:x"] {
            made.push((
                "response_malformed",
                doc.before(&doc.assertion, &format!("<Assertion xmlns='{namespace}'/>")),
            ));
        }
        // The prefix of the signature bound to something else: no signature, so something unknown.
        let signature = doc.signature();
        let text = doc
            .text(signature)
            .replace("http://www.w3.org/2000/09/xmldsig#", "urn:example:x");
        if text != doc.text(signature) && doc.text(signature).starts_with("<Signature") {
            let expected = if doc.only_own() {
                "unsigned"
            } else {
                "response_malformed"
            };
            made.push((expected, doc.replace(signature, &text)));
        }
        // The assertion's prefix bound anew further down.
        let subject = doc.part_in(&doc.assertion, "Subject");
        let name = doc.text(subject)[1..].split('>').next().unwrap();
        let declaration = name
            .split_once(':')
            .map_or("xmlns".to_owned(), |(prefix, _)| format!("xmlns:{prefix}"));
        let at = subject.tag.end - 1;
        made.push((
            CHANGED,
            doc.edit(&[(at..at, &format!(" {declaration}=\"urn:example:x\""))]),
        ));
        made
    });
}

/// The document with ` text` as one more attribute of the first element of this name in the assertion.
fn with_attribute(doc: &Doc, name: &str, text: &str) -> String {
    let part = doc.part_in(&doc.assertion, name);
    let at = part.range.start + doc.text(part).find([' ', '>', '\n', '\r']).unwrap();
    doc.edit(&[(at..at, &format!(" {text}"))])
}

#[test]
fn a52_default_namespace_twice() {
    attack(|doc| {
        let mut made: Made = vec![];
        for name in ["Assertion", "Conditions", "NameID"] {
            for (first, second) in [("urn:example:x", SAML), (SAML, "urn:example:x"), (SAML, SAML)] {
                let twice = format!("xmlns=\"{first}\" xmlns=\"{second}\"");
                made.push(("xml_not_wellformed", with_attribute(doc, name, &twice)));
                let twice = format!("xmlns:q=\"{first}\" xmlns:q=\"{second}\"");
                made.push(("xml_not_wellformed", with_attribute(doc, name, &twice)));
            }
        }
        made
    });
}

#[test]
fn a53_prefixed_xmlns() {
    attack(|doc| {
        [
            "p:xmlns=\"urn:x\"",
            ":xmlns=\"urn:x\"",
            "xml:xmlns=\"urn:x\"",
            "xmlns:xmlns=\"urn:x\"",
        ]
        .iter()
        .flat_map(|text| {
            ["Assertion", "Conditions"].map(|name| ("xml_not_wellformed", with_attribute(doc, name, text)))
        })
        .collect()
    });
}

#[test]
fn a54_leading_colons() {
    attack(|doc| {
        let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
        let conditions = doc.part_in(&doc.assertion, "Conditions");
        let name = doc.text(conditions)[1..].split(' ').next().unwrap();
        let colon = doc
            .text(conditions)
            .replace(&format!("<{name}"), "<:Conditions")
            .replace(&format!("</{name}"), "</:Conditions");
        let end = doc
            .text(conditions)
            .replace(&format!("</{name}"), &format!("</:{name}"));
        vec![
            ("xml_not_wellformed", doc.replace(conditions, &colon)),
            ("xml_not_wellformed", doc.replace(conditions, &end)),
            (
                "xml_not_wellformed",
                with_attribute(doc, "Subject", &format!(":ID=\"{id}\"")),
            ),
            ("xml_not_wellformed", doc.extension("<:e></e>")),
            ("xml_not_wellformed", doc.extension("<:e></:e>")),
        ]
    });
}

#[test]
fn a55_namespace_names_that_are_none() {
    attack(|doc| {
        [
            "xmlns:q=\"\"",
            "xmlns:xmlns=\"u\"",
            "xmlns:q=\"1\"",
            "xmlns:q=\"relative\"",
            "xmlns:q=\"./x\"",
            "xmlns:q=\"http://x\u{80}\"",
            "xmlns:q=\"http://x&#x7f;\"",
            "xmlns:q=\"urn: x\"",
            "xmlns:q=\":x\"",
            "xmlns:q=\"urn:\"",
            "xmlns:xml=\"urn:x\"",
            "xmlns:q=\"http://www.w3.org/2000/xmlns/\"",
            "xmlns:q=\"http://www.w3.org/XML/1998/namespace\"",
        ]
        .iter()
        .map(|text| ("xml_not_wellformed", with_attribute(doc, "Subject", text)))
        .collect()
    });
}

#[test]
fn a56_canonicalisation_of_nothing() {
    let idp = Idp::trusted();
    let xml = Message::default().to_xml();
    // A digest of nothing at all, signed: what is digested is never nothing.
    let nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(
        code(idp.sign_as(&xml, "_assertion", |_| signed_info("_assertion", nothing))),
        CHANGED
    );
    // A prefix that is bound to nothing adds nothing, and fails nothing.
    let list = |digest: &str| {
        let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let parameter = format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{exclusive}\" PrefixList=\"nothing 1 &amp;\"></ec:InclusiveNamespaces>"
        );
        let empty = format!("<ds:Transform Algorithm=\"{exclusive}\"></ds:Transform>");
        signed_info("_assertion", digest).replace(&empty, &empty.replace("></", &format!(">{parameter}</")))
    };
    assert_eq!(code(idp.sign_as(&xml, "_assertion", list)), "accepted");
    let evil = idp.sign_as(&xml, "_assertion", list).replace(">ada@", ">eve@");
    assert_eq!(code(evil), CHANGED);
}

#[test]
fn a57_context_of_what_is_signed() {
    attack(|doc| {
        let end = doc.root.range.start + doc.text(&doc.root).find([' ', '\n', '\r']).unwrap();
        let with = |text: &str| doc.edit(&[(end..end, text)]);
        let inclusive = doc.is_inclusive();
        // What is declared around changes `SignedInfo` where the canonical form takes it in.
        let declared = if inclusive { "signature_invalid" } else { "accepted" };
        let attribute = match (&doc.whole, inclusive) {
            (_, true) => "signature_invalid",
            (Some(_), false) => CHANGED,
            (None, false) => "accepted",
        };
        let mut made = vec![
            (declared, with(" xmlns:q=\"urn:example:x\"")),
            (attribute, with(" xml:lang=\"en\"")),
            (attribute, with(" xml:base=\"http://idp.example/\"")),
            (attribute, with(" xml:space=\"preserve\"")),
        ];
        if !doc.xml.contains(" xmlns=") {
            made.push((declared, with(" xmlns=\"urn:example:x\"")));
        }
        made
    });
}

#[test]
fn a58_prefix_lists() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (name, place) in [("CanonicalizationMethod", 0), ("Transform", 1)] {
            let inside = doc
                .parts
                .all()
                .iter()
                .filter(|part| part.local_name == name && doc.signature().range.contains(&part.range.start));
            let Some(method) = inside.take(place + 1).last() else {
                continue;
            };
            if doc.is_inclusive() {
                continue;
            }
            let list = |list: &str| {
                let uri = value(&doc.xml[method.tag.clone()], "Algorithm");
                let prefix = doc.text(method)[1..].split_once(name).unwrap().0;
                format!(
                    "<{prefix}{name} Algorithm=\"{uri}\"><e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                     PrefixList=\"{list}\"/></{prefix}{name}>"
                )
            };
            made.push(("signature_malformed", doc.replace(method, &list(&"p ".repeat(33)))));
            made.push(("signature_malformed", doc.replace(method, &list(&"p ".repeat(10_000)))));
            for changed in ["#default", "p p", "xs saml q", "#default #default ds"] {
                made.push(("signature_invalid", doc.replace(method, &list(changed))));
            }
        }
        made
    });
}

#[test]
fn a59_which_prefix() {
    attack(|doc| {
        // A second prefix for the same namespace, on an element that is signed.
        let subject = doc.part_in(&doc.assertion, "Subject");
        let text = doc.text(subject);
        let name = text[1..].split('>').next().unwrap();
        let twin = text.replacen(
            &format!("<{name}>"),
            &format!("<twin:Subject xmlns:twin=\"{SAML}\">"),
            1,
        );
        let at = twin.rfind("</").unwrap();
        let twin = format!("{}</twin:Subject>", &twin[..at]);
        // Declared before and after the one in use, it does not change what is written.
        let declared = if doc.is_inclusive() { CHANGED } else { "accepted" };
        let long = "n".repeat(257);
        vec![
            (CHANGED, doc.replace(subject, &twin)),
            (
                declared,
                with_attribute(doc, "Conditions", &format!("xmlns:twin=\"{SAML}\"")),
            ),
            ("too_large", with_attribute(doc, "Subject", &format!("{long}=\"x\""))),
            ("too_large", doc.extension(&format!("<{long}/>"))),
            (
                CHANGED,
                with_attribute(doc, "Subject", &format!("x{}=\"y\"", " ".repeat(300))),
            ),
        ]
    });
}

#[test]
fn a60_line_ends() {
    attack_octets(|doc| {
        let lines = doc.xml.replace("\r\n", "\n");
        let mut made: Vec<(&str, Vec<u8>)> = vec![];
        if lines.contains('\n') {
            for other in [lines.replace('\n', "\r\n"), lines.replace('\n', "\r"), lines.clone()] {
                if other != doc.xml {
                    made.push(("accepted", other.into_bytes()));
                }
            }
        }
        let name = doc.part_in(&doc.assertion, "NameID");
        let text = &doc.xml[doc.content(name)];
        for with in [
            format!("{text}&#13;"),
            format!("{text}&#xD;\n"),
            format!(" {text}"),
            format!("{text}\n"),
            format!("{text}\r"),
        ] {
            made.push((CHANGED, doc.edit(&[(doc.content(name), &with)]).into_bytes()));
        }
        // In an attribute a line end is a space, and a space is not what was signed.
        made.push((CHANGED, with_attribute(doc, "Subject", "a=\"\r\n\"").into_bytes()));
        made
    });

    // What is signed like this is read like that, to the octet: line ends are one character, references are what they say,
    // nothing is trimmed. Each way to write it can stand for the others that mean the same, and for no other.
    let ways = [
        (
            &[
                "ada\r\nbyron",
                "ada\rbyron",
                "ada\nbyron",
                "ada&#10;byron",
                "ada&#xA;byron",
            ][..],
            "ada\nbyron",
        ),
        (&["ada&#13;", "ada&#xD;", "ada&#x0d;"], "ada\r"),
        (
            &["ada&#13;\n", "ada&#xD;\r\n", "ada&#13;\r", "ada&#13;&#10;"],
            "ada\r\n",
        ),
        (&["&#13;\r\n\tada", "&#13;&#10;&#9;ada"], "\r\n\tada"),
        (&["ada\r\r", "ada\n\n", "ada\r\n\r"], "ada\n\n"),
        (&["ada "], "ada "),
        (&["ada"], "ada"),
    ];
    let respond = |name_id: &str, format: &str| {
        let message = Message {
            name_id: name_id.to_owned(),
            name_id_format: format.to_owned(),
            ..Message::default()
        };
        Idp::trusted().respond(&message, Signed::Both)
    };
    for (same, value) in ways {
        let signed = respond(same[0], "urn:x");
        let stands = format!(">{}</saml2:NameID>", same[0]);
        assert_eq!(signed.matches(&stands).count(), 1);
        for (others, other_value) in ways {
            for way in others {
                let edited = signed.replace(&stands, &format!(">{way}</saml2:NameID>"));
                match judge(edited.as_bytes()) {
                    Ok(said) => {
                        assert_eq!(other_value, value, "{way:?}");
                        assert_eq!(said.assertion.name_id.unwrap().value, value);
                    }
                    Err(code) => assert!(other_value != value && code == CHANGED, "{way:?} for {value:?}: {code}"),
                }
            }
        }
    }
    // In an attribute every kind of white space is a space, unless a reference says otherwise.
    for (written, value) in [
        ("urn:a\tb", "urn:a b"),
        ("urn:a\r\nb", "urn:a b"),
        ("urn:a\rb", "urn:a b"),
        ("urn:a&#9;b", "urn:a\tb"),
        ("urn:a&#13;&#10;b", "urn:a\r\nb"),
        (" urn:a ", " urn:a "),
    ] {
        let said = judge(respond("ada", written).as_bytes()).unwrap();
        assert_eq!(
            said.assertion.name_id.unwrap().format.as_deref(),
            Some(value),
            "{written:?}"
        );
    }
}

#[test]
fn a61_bad_character_references() {
    attack(|doc| {
        let name = doc.part_in(&doc.assertion, "NameID");
        [
            "&#xD800;",
            "&#x110000;",
            "&#0;",
            "&#x0;",
            "&#8;",
            "&#xFFFE;",
            "&#xFFFF;",
            "&#;",
            "&#x;",
            "&#-1;",
            "&#X41;",
            "&#xDFFF;",
            "&",
            "&;",
            "&amp",
            "&#65",
        ]
        .iter()
        .flat_map(|reference| {
            let text = &doc.xml[doc.content(name)];
            [
                (
                    "xml_not_wellformed",
                    doc.edit(&[(doc.content(name), &format!("{text}{reference}"))]),
                ),
                (
                    "xml_not_wellformed",
                    with_attribute(doc, "Subject", &format!("a=\"{reference}\"")),
                ),
            ]
        })
        .collect()
    });
}

#[test]
fn a62_declarations() {
    attack(|doc| {
        let body = doc.text(&doc.root);
        let mut made: Made = vec![];
        for declaration in [
            "<?xml version='1.0'?>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<?xml\n version='1.0' encoding='utf-8' standalone='no' ?>",
        ] {
            let text = format!("{declaration}{body}");
            if text != doc.xml {
                made.push(("accepted", text));
            }
        }
        for declaration in [
            "version='1.1'",
            "version='2.0'",
            "",
            "encoding='UTF-8'",
            "version='1.0' standalone='maybe'",
            "version='1.0' x='y'",
        ] {
            made.push(("xml_not_wellformed", format!("<?xml {declaration}?>{body}")));
        }
        for encoding in ["UTF-16", "UTF-7", "ISO-8859-1", "US-ASCII", "utf8", ""] {
            made.push((
                "encoding_bad",
                format!("<?xml version='1.0' encoding='{encoding}'?>{body}"),
            ));
        }
        let good = "<?xml version='1.0'?>";
        made.push(("xml_not_wellformed", format!("{good}{good}{body}")));
        made.push(("xml_not_wellformed", format!(" {good}{body}")));
        made.push(("xml_not_wellformed", format!("{body}{good}")));
        made
    });
}

#[test]
fn a63_encodings() {
    attack_octets(|doc| {
        let text = doc.text(&doc.root);
        let units = |mark: bool, octets: fn(u16) -> [u8; 2]| {
            let mark = if mark { "\u{feff}" } else { "" };
            format!("{mark}{text}")
                .encode_utf16()
                .flat_map(octets)
                .collect::<Vec<u8>>()
        };
        let inside = |octets: &[u8]| {
            let at = doc.part_in(&doc.assertion, "NameID").tag.end;
            [&doc.xml.as_bytes()[..at], octets, &doc.xml.as_bytes()[at..]].concat()
        };
        let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let mut made = vec![
            ("encoding_bad", units(true, u16::to_le_bytes)),
            ("encoding_bad", units(true, u16::to_be_bytes)),
            ("encoding_bad", inside(&[0xc0, 0xaf])),
            ("encoding_bad", inside(&[0xed, 0xa0, 0x80])),
            ("encoding_bad", inside(&[0xf4, 0x90, 0x80, 0x80])),
            ("encoding_bad", inside(&[0xff])),
            ("encoding_bad", inside(&[0xe2, 0x82])),
            ("xml_not_wellformed", inside(&[0])),
            ("xml_not_wellformed", inside("\u{fffe}".as_bytes())),
            ("xml_not_wellformed", inside(&[0x1b])),
            ("accepted", format!("\u{feff}{text}").into_bytes()),
            ("xml_not_wellformed", format!("\u{feff}\u{feff}{text}").into_bytes()),
            ("xml_not_wellformed", format!("+ADw-{}", &text[1..]).into_bytes()),
        ];
        if text.is_ascii() {
            // Each octet is a character of UTF-8 then, and every other one is NUL.
            made.push(("xml_not_wellformed", units(false, u16::to_le_bytes)));
            made.push(("xml_not_wellformed", utf32));
        }
        made
    });
}

#[test]
fn a64_look_alikes() {
    attack(|doc| {
        let mut made: Made = vec![];
        let rename = |from: &str, to: &str| {
            doc.xml
                .replace(&format!("{from}>"), &format!("{to}>"))
                .replace(&format!("{from} "), &format!("{to} "))
        };
        let mut lower = rename("Assertion", "assertion");
        // A name that ends a line is one too.
        lower = lower.replace("Assertion\n", "assertion\n");
        made.push(("response_malformed", lower));
        made.push(("response_malformed", rename("Assertion", "\u{410}ssertion")));
        made.push((
            "response_malformed",
            rename("Response", "response")
                .replace("Response\n", "response\n")
                .replace("Response\r", "response\r"),
        ));
        if doc.only_own() {
            let tag = &doc.xml[doc.assertion.tag.clone()];
            made.push((
                "signature_wrong_target",
                doc.edit(&[(doc.assertion.tag.clone(), &tag.replace(" ID=", " iD="))]),
            ));
        }
        made
    });
    for (from, to, expected) in [
        (":NameID", ":Nameid", "response_malformed"),
        (":Subject>", ":\u{405}ubject>", "response_malformed"),
        (
            " NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            " notOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            "response_malformed",
        ),
        (
            "xsi:type=\"xs:string\">ada@acme.test",
            "xsi:nil=\"true\">ada@acme.test",
            "accepted",
        ),
    ] {
        let xml = Message::default().to_xml();
        // Every name of the element, its end tag too.
        let count = if from.starts_with(':') { 2 } else { 1 };
        let xml = xml.replacen(from, to, count);
        assert_ne!(xml, Message::default().to_xml(), "{from}");
        assert_eq!(code(Idp::trusted().sign(&xml, "_assertion")), expected, "{to}");
    }
}

#[test]
fn a65_repeated_attributes() {
    attack(|doc| {
        let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
        vec![
            (
                "xml_not_wellformed",
                with_attribute(doc, "Assertion", &format!("ID=\"{id}\"")),
            ),
            ("xml_not_wellformed", with_attribute(doc, "Subject", "a=\"1\" a=\"2\"")),
            (
                "xml_not_wellformed",
                with_attribute(
                    doc,
                    "Subject",
                    "xmlns:p=\"urn:x\" xmlns:q=\"urn:x\" p:a=\"1\" q:a=\"2\"",
                ),
            ),
            (
                "xml_not_wellformed",
                with_attribute(doc, "Subject", "undeclared:a=\"1\""),
            ),
        ]
    });
}

#[test]
fn a66_more_and_less_than_one_document() {
    attack(|doc| {
        let body = doc.text(&doc.root);
        vec![
            ("xml_not_wellformed", format!("{}x", doc.xml)),
            ("xml_not_wellformed", format!("x{body}")),
            ("xml_not_wellformed", format!("{body}{body}")),
            ("xml_not_wellformed", format!("{body}<x/>")),
            ("xml_not_wellformed", format!("{body}</x>")),
            ("xml_not_wellformed", format!("{body}&amp;")),
            ("xml_not_wellformed", doc.xml[..doc.root.range.end - 1].to_owned()),
            ("xml_not_wellformed", doc.xml[..doc.end_of(&doc.root).start].to_owned()),
            ("xml_not_wellformed", doc.xml[..doc.assertion.range.end].to_owned()),
            ("accepted", format!("{body} \t\r\n")),
        ]
        .into_iter()
        .filter(|(_, xml)| xml != doc.xml)
        .collect()
    });
}

#[test]
fn a175_octets_that_mean_something_else_elsewhere() {
    // The octets of the assertion stay; what its prefixes stand for is said around it.
    attack(|doc| {
        let mut made: Made = vec![];
        let tag = &doc.xml[doc.root.tag.clone()];
        let outside_declared = !doc.xml[doc.assertion.tag.clone()].contains(SAML) && tag.contains(SAML);
        if outside_declared {
            let other = tag.replace(SAML, "urn:example:x");
            made.push(("response_malformed", doc.edit(&[(doc.root.tag.clone(), &other)])));
            // And with the child that would then be missing put beside it.
            let evil = doc.evil_assertion();
            let evil = evil.replacen(
                ' ',
                &format!(" xmlns:{}=\"{SAML}\" ", evil[1..].split(':').next().unwrap()),
                1,
            );
            made.push((
                "response_malformed",
                doc.edit(&[
                    (doc.root.tag.clone(), &other),
                    (doc.assertion.range.end..doc.assertion.range.end, &evil),
                ]),
            ));
        }
        if tag.contains("http://www.w3.org/2000/09/xmldsig#") {
            let other = tag.replace("http://www.w3.org/2000/09/xmldsig#", "urn:example:x");
            let expected = if doc.only_own() {
                "unsigned"
            } else {
                "response_malformed"
            };
            made.push((expected, doc.edit(&[(doc.root.tag.clone(), &other)])));
        }
        made
    });
}
