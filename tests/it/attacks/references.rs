//! Identifiers and references: A24 to A33.

use edge_saml::dsig::{self, Policy, Sha1};
use edge_saml::xml::names::{DS, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, SAML};
use edge_saml::xml::{Document, Profile, Source};

use super::{Doc, Made, attack};
use crate::support::idp::{Idp, Message, reference, signed_info_of, transform};
use crate::support::seed::{code, judge, tag_end, value};

const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// Attributes that someone takes for identifiers.
const ID_LIKE: [&str; 8] = [
    "ID",
    "Id",
    "id",
    "xml:id",
    "w:Id",
    "AssertionID",
    "ResponseID",
    "RequestID",
];

#[test]
fn a24_duplicate_identifiers() {
    attack(|doc| {
        let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
        let twin = format!(" ID=\"{id}\"");
        let on = |part: &super::Part| {
            let at = part.range.start + tag_name_length(doc.text(part));
            doc.edit(&[(at..at, &twin)])
        };
        vec![
            ("duplicate_id", on(doc.status())),
            ("duplicate_id", on(doc.part_in(&doc.assertion, "Subject"))),
            ("duplicate_id", on(doc.part_in(doc.signature(), "KeyInfo"))),
            (
                "duplicate_id",
                doc.extension(&format!("<x xmlns='urn:example:x'{twin}/>")),
            ),
            (
                "duplicate_id",
                doc.extension(&format!(
                    "<x xmlns=''{}/>",
                    twin.replace('_', "&#x5f;").replace("id", "i&#100;")
                )),
            ),
        ]
    });
}

#[test]
fn a25_other_attributes_are_no_identifiers() {
    attack(|doc| {
        let tag = &doc.xml[doc.assertion.tag.clone()];
        let id = value(tag, "ID");
        let mut made: Made = vec![];
        for name in ID_LIKE {
            let decoy = format!("<x xmlns='urn:example:x' xmlns:w='{WSU}' {name}='{id}'/>");
            made.push(("duplicate_id", doc.extension(&decoy)));
            // Without the real one, whether or not another place has the value.
            let renamed = tag.replacen(" ID=", &format!(" xmlns:w=\"{WSU}\" {name}="), 1);
            if name != "ID" && doc.only_own() {
                made.push((
                    "signature_wrong_target",
                    doc.edit(&[(doc.assertion.tag.clone(), &renamed)]),
                ));
            }
        }
        made
    });
}

#[test]
fn a26_polluted_identifiers() {
    attack(|doc| {
        let mut made: Made = vec![];
        for (part, is_signed) in [(&doc.assertion, true), (&doc.root, doc.whole.is_some())] {
            let tag = &doc.xml[part.tag.clone()];
            let id = value(tag, "ID");
            let polluted = " xmlns:x=\"urn:example:x\" x:ID=\"_evil\"";
            let expected = match is_signed {
                // The declaration changes what `SignedInfo` is canonically, too.
                _ if doc.is_inclusive() && part.range.contains(&doc.signature().range.start) => "signature_invalid",
                true => "signature_bad_digest",
                false => "accepted",
            };
            for both in [format!("{polluted} ID=\"{id}\""), format!(" ID=\"{id}\"{polluted}")] {
                let tag = tag.replacen(&format!(" ID=\"{id}\""), &both, 1);
                made.push((expected, doc.edit(&[(part.tag.clone(), &tag)])));
            }
        }
        if doc.only_own() {
            let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
            // A decoy's polluted identifier is none, so it neither collides nor is found.
            let decoy = format!("<x:x xmlns:x='urn:example:x' x:ID='{id}' ID='_decoy'/>");
            made.push(("accepted", doc.extension(&decoy)));
        }
        made
    });
    // Signed like that, the element answers to its own identifier alone.
    let polluted = Message::default().to_xml().replacen(
        "ID=\"_assertion\"",
        "xmlns:x=\"urn:example:x\" x:ID=\"_evil\" ID=\"_assertion\"",
        1,
    );
    let idp = Idp::trusted();
    let said = judge(idp.sign(&polluted, "_assertion").as_bytes()).unwrap();
    assert_eq!(said.login.assertion_id().as_str(), "_assertion");
    let aside = idp.sign_as(&polluted, "_assertion", |digest| with_uri(" URI=\"#_evil\"", digest));
    assert_eq!(code(aside), "signature_wrong_target");
}

fn tag_name_length(text: &str) -> usize {
    text.find([' ', '>', '/', '\n', '\r']).unwrap()
}

fn transforms() -> String {
    format!("{}{}", transform(ENVELOPED_SIGNATURE), transform(EXCLUSIVE_C14N))
}

fn with_uri(uri: &str, digest: &str) -> String {
    signed_info_of(&reference(uri, &transforms(), digest))
}

/// The documents with another `URI` in their outermost signature.
fn uris(uris: &[&str]) {
    attack(|doc| {
        let reference = doc.part_in(doc.signature(), "Reference");
        let tag = &doc.xml[reference.tag.clone()];
        let whole = format!(" URI=\"{}\"", value(tag, "URI"));
        let id = doc.id_of(doc.signature());
        let with = |uri: String| {
            let uri = if uri == "absent" {
                String::new()
            } else {
                format!(" URI=\"{uri}\"")
            };
            (
                "signature_wrong_target",
                doc.edit(&[(reference.tag.clone(), &tag.replace(&whole, &uri))]),
            )
        };
        uris.iter().map(|uri| with(uri.replace("ID", id))).collect()
    });
}

#[test]
fn a27_reference_to_the_whole_document() {
    uris(&[""]);
    // Signed like that, by us and by xmlsec1 (a27 of the verifier's tests).
    let idp = Idp::trusted();
    let xml = Message::default().to_xml();
    assert_eq!(
        code(idp.sign_as(&xml, "_response", |digest| with_uri(" URI=\"\"", digest))),
        "signature_wrong_target"
    );
    assert_eq!(
        code(idp.sign_as(&xml, "_assertion", |digest| with_uri(" URI=\"\"", digest))),
        "signature_wrong_target"
    );
}

#[test]
fn a28_anything_but_the_octets_of_the_identifier() {
    uris(&[
        "absent",
        "#",
        "ID",
        "#ID ",
        " #ID",
        "#ID&#x20;",
        "##ID",
        "#ID#",
        "%23ID",
        "#%5FID",
        "#_ID",
        "#IDx",
        "#I D",
        "?#ID",
        "./#ID",
    ]);
    attack(|doc| {
        let id = doc.id_of(doc.signature());
        let reference = doc.part_in(doc.signature(), "Reference");
        let tag = &doc.xml[reference.tag.clone()];
        let uri = format!("\"#{id}\"");
        let first = u32::from(id.chars().next().unwrap());
        let other_case: String = id
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect();
        vec![
            (
                "signature_wrong_target",
                doc.edit(&[(reference.tag.clone(), &tag.replace(&uri, &format!("\"#{other_case}\"")))]),
            ),
            // A character reference is another spelling of the same value.
            (
                "accepted",
                doc.edit(&[(
                    reference.tag.clone(),
                    &tag.replace(&uri, &format!("\"#&#{first};{}\"", &id[1..])),
                )]),
            ),
            (
                "accepted",
                doc.edit(&[(reference.tag.clone(), &tag.replace(&uri, &format!("'&#x23;{id}'")))]),
            ),
        ]
    });
}

#[test]
fn a29_pointers() {
    uris(&[
        "#xpointer(/)",
        "#xpointer(id('ID'))",
        "#element(/1)",
        "#element(ID)",
        "#xmlns(a=b)",
        "#xpointer(//*)",
    ]);
    // An element whose identifier reads like a pointer, signed under it.
    let xml = Message::default().to_xml().replace("_assertion", "element(/1/3)");
    let xml = Idp::trusted().sign(&xml, "element(/1/3)");
    assert_eq!(code(&xml), "signature_wrong_target");
    // Nor where any document may be signed.
    let source = Source::check(xml.as_bytes(), Profile::Document).unwrap();
    let document = Document::parse(&source).unwrap();
    let assertion = document
        .elements()
        .find(|element| element.is(SAML, "Assertion"))
        .unwrap();
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let verdict = dsig::verify_document(&document, assertion, &policy).map(|_| ());
    assert_eq!(verdict, Err(dsig::Error::WrongTarget));
}

#[test]
fn a30_references_to_elsewhere() {
    uris(&[
        "http://idp.example/#ID",
        "https://idp.example/assertion.xml",
        "file:///etc/passwd",
        "data:text/xml,x",
        "cid:ID",
        "assertion.xml",
        "assertion.xml#ID",
        "//idp.example/#ID",
        "urn:ID",
    ]);
}

#[test]
fn a31_several_references() {
    let idp = Idp::trusted();
    let xml = Message::default().to_xml();
    let one = |digest: &str| reference(" URI=\"#_assertion\"", &transforms(), digest);
    let evil = reference(
        " URI=\"#_evil\"",
        &transform(EXCLUSIVE_C14N),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    );
    for make in [
        |one: &str, _: &str| format!("{one}{one}"),
        |one: &str, evil: &str| format!("{one}{evil}"),
        |one: &str, evil: &str| format!("{evil}{one}"),
    ] {
        let signed = idp.sign_as(&xml, "_assertion", |digest| signed_info_of(&make(&one(digest), &evil)));
        assert_eq!(code(signed), "signature_wrong_target");
    }
    attack(|doc| {
        let reference = doc.part_in(doc.signature(), "Reference");
        vec![("signature_wrong_target", doc.after(reference, doc.text(reference)))]
    });
}

#[test]
fn a32_no_reference_or_one_to_the_signature_itself() {
    attack(|doc| {
        let reference = doc.part_in(doc.signature(), "Reference");
        vec![("signature_malformed", doc.replace(reference, ""))]
    });
    let idp = Idp::trusted();
    let xml = Message::default().to_xml();
    assert_eq!(
        code(idp.sign_as(&xml, "_assertion", |_| signed_info_of(""))),
        "signature_malformed"
    );
    // A reference to what the signature holds, of type Manifest too: signed all right, and about nothing.
    for (name, inside) in [
        ("KeyInfo", ""),
        ("SignatureValue", ""),
        ("Object", "<ds:Object ID=\"_held\"></ds:Object>"),
        (
            "Object",
            "<ds:Object><ds:Manifest ID=\"_held\"></ds:Manifest></ds:Object>",
        ),
    ] {
        for typed in ["", " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""] {
            let info = |digest: &str| {
                signed_info_of(&reference(
                    &format!("{typed} URI=\"#_held\""),
                    &transform(EXCLUSIVE_C14N),
                    digest,
                ))
            };
            let signed = idp.sign_as(&xml, "_assertion", info);
            let signed = match name {
                "Object" => signed.replacen("</ds:Signature>", &format!("{inside}</ds:Signature>"), 1),
                name => signed.replacen(&format!("<ds:{name}>"), &format!("<ds:{name} ID=\"_held\">"), 1),
            };
            let expected = if name == "Object" {
                "signature_malformed"
            } else {
                "transform_forbidden"
            };
            assert_eq!(code(&signed), expected, "{signed}");
        }
    }
    let own = idp.sign_as(&xml, "_assertion", |digest| with_uri(" URI=\"#_signature\"", digest));
    let own = own.replacen(
        &format!("<ds:Signature xmlns:ds=\"{DS}\">"),
        &format!("<ds:Signature xmlns:ds=\"{DS}\" Id=\"_signature\">"),
        1,
    );
    assert_eq!(code(own), "signature_wrong_target");
}

#[test]
fn a33_quotes_and_brackets_in_identifiers() {
    uris(&["#ID' or '1'='1", "#ID&quot;]", "#ID)", "#']|//*[@ID='ID"]);
    for id in ["a'b", "a&quot;b", "a]b", "a)b", "a b", "a/b"] {
        let xml = Message::default().to_xml().replace("_assertion", id);
        let id = id.replace("&quot;", "\"");
        assert_eq!(code(sign_raw(&xml, &id)), "signature_wrong_target", "{id}");
        // Where the response is signed, the assertion's identifier is read too.
        assert_eq!(
            code(Idp::trusted().sign(&xml, "_response")),
            "response_malformed",
            "{id}"
        );
    }
}

/// A signature of the assertion of `xml`, whose identifier need not be fit for markup.
fn sign_raw(xml: &str, id: &str) -> String {
    let digest = crate::support::idp::digest(xml, id);
    let signature = Idp::trusted().signature(&id.replace('"', "&quot;"), &digest);
    let assertion = xml.find("<saml2:Assertion").unwrap();
    let at = tag_end(xml, assertion);
    let at = at + xml[at..].find("</saml2:Issuer>").unwrap() + "</saml2:Issuer>".len();
    format!("{}{signature}{}", &xml[..at], &xml[at..])
}

#[test]
fn decoys_do_not_change_what_a_doc_is() {
    // The helper itself: what it inserts stands where it should.
    let doc = Doc::of(crate::support::seed::seed("entra-assertion"));
    assert!(
        doc.extension("<x/>")
            .contains("<samlp:Extensions><x/></samlp:Extensions><samlp:Status>")
    );
}
