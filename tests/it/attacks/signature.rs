//! Inside `ds:Signature`: A34 to A41 and A174.

use super::{Doc, Made, attack};
use crate::support::idp::{Idp, Message, digest, signed_info};
use crate::support::seed::{code, value};

/// The digest of nothing.
const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn a34_comments_in_values() {
    attack(|doc| {
        let mut made: Made = vec![];
        for name in ["DigestValue", "SignatureValue"] {
            let leaf = doc.part_in(doc.signature(), name);
            let text = &doc.xml[doc.content(leaf)];
            let with = |new: String| doc.edit(&[(doc.content(leaf), &new)]);
            let (head, tail) = text.split_at(8);
            made.push(("comment_forbidden", with(format!("<!--{EMPTY}-->{text}"))));
            made.push(("comment_forbidden", with(format!("{head}<!---->{tail}"))));
            made.push(("processing_instruction_forbidden", with(format!("{text}<?{name}?>"))));
            made.push(("signature_malformed", with(format!("<b xmlns=''/>{text}"))));
            made.push(("signature_malformed", with(format!("<b xmlns=''>{text}</b>"))));
            // CDATA is another spelling of the same text.
            made.push(("accepted", with(format!("{head}<![CDATA[{tail}]]>"))));
        }
        made
    });
}

#[test]
fn a35_repeated_children() {
    attack(|doc| {
        let names = [
            "SignedInfo",
            "CanonicalizationMethod",
            "SignatureMethod",
            "Transforms",
            "DigestMethod",
            "DigestValue",
            "SignatureValue",
            "KeyInfo",
        ];
        let twice = |name: &&str| {
            let part = doc.part_in(doc.signature(), name);
            ("signature_malformed", doc.after(part, doc.text(part)))
        };
        names.iter().map(twice).collect()
    });
}

#[test]
fn a36_values_further_down_are_not_found() {
    attack(|doc| {
        let signature = doc.signature();
        let digest = doc.text(doc.part_in(signature, "DigestValue"));
        let evil = format!("<d:DigestValue xmlns:d='http://www.w3.org/2000/09/xmldsig#'>{EMPTY}</d:DigestValue>");
        let transform = doc.part_in(signature, "Transform");
        let object = format!("<d:Object xmlns:d='http://www.w3.org/2000/09/xmldsig#'>{digest}</d:Object>");
        let filled = format!(
            "{}>{evil}</{}>",
            doc.text(transform).trim_end_matches("/>"),
            transform_name(doc.text(transform))
        );
        let in_status = doc.edit(&[(doc.end_of(doc.status()), &status_detail(doc, &evil))]);
        vec![
            ("signature_malformed", doc.edit(&[(doc.end_of(signature), &object)])),
            ("signature_malformed", doc.replace(transform, &filled)),
            (
                if doc.only_own() {
                    "accepted"
                } else {
                    "signature_bad_digest"
                },
                in_status,
            ),
        ]
    });
}

fn transform_name(text: &str) -> &str {
    text[1..].split(' ').next().unwrap()
}

fn status_detail(doc: &Doc, inside: &str) -> String {
    let prefix = doc.text(&doc.root)[1..].split_once(':').unwrap().0;
    format!("<{prefix}:StatusDetail>{inside}</{prefix}:StatusDetail>")
}

#[test]
fn a37_twins_in_other_namespaces() {
    attack(|doc| {
        let mut made: Made = vec![];
        for name in ["SignedInfo", "Reference", "SignatureValue", "DigestValue", "KeyInfo"] {
            let part = doc.part_in(doc.signature(), name);
            for namespace in [
                "urn:example:x",
                "",
                "http://www.w3.org/2000/09/xmldsig",
                "http://www.w3.org/2009/xmldsig11#",
            ] {
                let twin = format!("<{name} xmlns='{namespace}'>{EMPTY}</{name}>");
                made.push(("signature_malformed", doc.before(part, &twin)));
            }
        }
        // And where the schema has nothing, or anything.
        let unknown = "<x:x xmlns:x='urn:example:x'/>";
        for name in ["SignedInfo", "Reference", "Transforms"] {
            let part = doc.part_in(doc.signature(), name);
            made.push(("signature_malformed", doc.edit(&[(doc.end_of(part), unknown)])));
        }
        for name in ["CanonicalizationMethod", "SignatureMethod", "DigestMethod"] {
            let part = doc.part_in(doc.signature(), name);
            let tag = doc.xml[part.tag.clone()].trim_end_matches("/>");
            let element = transform_name(doc.text(part));
            made.push((
                "signature_malformed",
                doc.replace(part, &format!("{tag}>{unknown}</{element}>")),
            ));
        }
        made
    });
}

#[test]
fn a38_base64_has_one_spelling() {
    attack(|doc| {
        let mut made: Made = vec![];
        for name in ["SignatureValue", "DigestValue"] {
            let leaf = doc.part_in(doc.signature(), name);
            let text = doc.xml[doc.content(leaf)].trim_end();
            let with = |new: String| doc.edit(&[(doc.content(leaf), &new)]);
            for wrong in [
                text.trim_end_matches('=').to_owned(),
                format!("{text}="),
                format!("{text}{text}"),
                format!("{text}!"),
                format!("{text}\u{a0}"),
                format!("\u{b7}{text}"),
                format!("-{}", &text[1..]),
                format!("&#x2028;{text}"),
            ] {
                // Without padding, twice a value is a value.
                let is_value = !text.ends_with('=') && (wrong == text || wrong == text.repeat(2));
                if !is_value {
                    made.push(("signature_malformed", with(wrong)));
                }
            }
        }
        let leaf = doc.part_in(doc.signature(), "SignatureValue");
        let text = &doc.xml[doc.content(leaf)];
        made.push((
            "accepted",
            doc.edit(&[(doc.content(leaf), &format!("\n &#13;\t{text}\r\n"))]),
        ));
        made
    });
}

#[test]
fn a39_digests_that_are_a_prefix_or_empty() {
    let idp = Idp::trusted();
    let xml = Message::default().to_xml();
    let whole = digest(&xml, "_assertion");
    assert_eq!(
        code(idp.sign_as(&xml, "_assertion", |_| signed_info("_assertion", &whole))),
        "accepted"
    );
    for wrong in ["", "AA==", &whole[..40], EMPTY, &format!("{}{whole}", &whole[..40])] {
        let signed = idp.sign_as(&xml, "_assertion", |_| signed_info("_assertion", wrong));
        assert_eq!(code(signed), "signature_bad_digest", "{wrong}");
    }
}

#[test]
fn a40_algorithms_have_one_spelling() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (name, expected) in [
            ("CanonicalizationMethod", "signature_alg_unsupported"),
            ("SignatureMethod", "signature_alg_unsupported"),
            ("DigestMethod", "signature_alg_unsupported"),
            ("Transform", "transform_forbidden"),
        ] {
            let part = doc.part_in(doc.signature(), name);
            let tag = &doc.xml[part.tag.clone()];
            let uri = value(tag, "Algorithm");
            for wrong in [
                format!(" {uri}"),
                format!("{uri} "),
                format!("{uri}#"),
                uri.replace("www.w3.org", "WWW.w3.org"),
                uri.replace("http:", "https:"),
                uri.replace("http:", "HTTP:"),
                uri.to_uppercase(),
                format!("{uri}&#x200b;"),
            ] {
                made.push((expected, doc.edit(&[(part.tag.clone(), &tag.replace(uri, &wrong))])));
            }
        }
        made
    });
}

#[test]
fn a41_nothing_is_hashed_before_the_signature_held() {
    // Content and SignatureValue are both wrong: the code tells which was looked at first.
    attack(|doc| {
        let value = doc.part_in(doc.signature(), "SignatureValue");
        let content = doc.content(value);
        let start = content.start;
        let other = if doc.xml[start..].starts_with('A') { "B" } else { "A" };
        let changed = doc.edit(&[(start..start + 1, other)]);
        vec![
            ("signature_invalid", changed.replacen(">ada", ">eve", 1)),
            ("signature_invalid", changed),
        ]
    });
}

#[test]
fn a174_digest_without_signature() {
    let other = Doc::of(crate::support::seed::seed("samlp-second-user"));
    let other = &other.xml[other.content(other.part("SignatureValue"))];
    attack(|doc| {
        if doc.own.is_none() || !doc.only_own() {
            return vec![];
        }
        let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
        let evil = doc.xml.replace(doc.text(&doc.assertion), &doc.eve_assertion());
        let old = doc.part("DigestValue");
        let new = doc.text(old).replace(&doc.xml[doc.content(old)], &digest(&evil, id));
        let evil = evil.replace(doc.text(old), &new);
        let old = &doc.xml[doc.content(doc.part("SignatureValue"))];
        let with = |value: &str| ("signature_invalid", evil.replace(old, value));
        vec![with(old), with(""), with("AAAA"), with(&"AAAA".repeat(85)), with(other)]
            .into_iter()
            .filter(|(_, xml)| xml != doc.xml)
            .collect()
    });
}
