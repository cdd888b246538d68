//! Signature wrapping: A01 to A23.

use super::{Doc, Made, attack};
use crate::support::idp::{Idp, Message, Signed};
use crate::support::seed::{Part, bare, code, eve, evil, judge, message, value};

/// An evil response around whatever the original's signature is kept for.
fn evil_response(doc: &Doc, signature: &str) -> String {
    let tag = &doc.xml[doc.root.tag.clone()];
    let whole = doc.whole.as_ref().unwrap();
    let evil_tag = tag.replace(&format!("\"{}\"", value(tag, "ID")), "\"_evil_response\"");
    doc.edit(&[
        (doc.root.tag.clone(), &evil_tag),
        (whole.range.clone(), signature),
        (doc.assertion.range.clone(), &doc.evil_assertion()),
    ])
}

/// `part` of the signature `text` with `inside` before its end tag.
fn append(text: &str, inside: &str) -> String {
    let at = text.rfind("</").unwrap();
    format!("{}{inside}{}", &text[..at], &text[at..])
}

#[test]
fn a01_evil_response_with_the_genuine_one_in_its_signature() {
    attack(|doc| {
        let Some(whole) = &doc.whole else { return vec![] };
        let genuine = bare(doc.xml, &doc.parts, &doc.root);
        let signature = append(doc.text(whole), &genuine);
        vec![("response_malformed", evil_response(doc, &signature))]
    });
}

#[test]
fn a02_evil_response_with_the_genuine_one_beside_its_signature() {
    attack(|doc| {
        let Some(whole) = &doc.whole else { return vec![] };
        let genuine = bare(doc.xml, &doc.parts, &doc.root);
        let signature = doc.text(whole);
        vec![
            (
                "response_malformed",
                evil_response(doc, &format!("{genuine}{signature}")),
            ),
            (
                "response_malformed",
                evil_response(doc, &format!("{signature}{genuine}")),
            ),
        ]
    });
}

#[test]
fn a03_evil_sibling_first() {
    attack(|doc| vec![("response_malformed", doc.before(&doc.assertion, &doc.evil_assertion()))]);
}

#[test]
fn a04_genuine_assertion_inside_the_evil_one() {
    attack(|doc| {
        let genuine = doc.text(&doc.assertion);
        let evil = append(&doc.evil_assertion(), genuine);
        vec![
            ("response_malformed", doc.replace(&doc.assertion, &evil)),
            // In the response's place, so that there is one in all directly below the root.
            (
                "response_malformed",
                doc.replace(&doc.assertion, &format!("<x xmlns=''>{genuine}</x>")),
            ),
        ]
    });
}

#[test]
fn a05_evil_assertion_keeps_the_signature_and_the_original_follows() {
    attack(|doc| {
        if doc.own.is_none() {
            return vec![];
        }
        let evil = evil(&doc.eve_assertion());
        let original = doc.bare_assertion();
        let id = doc.id_of(doc.own.as_ref().unwrap());
        let alone = doc.replace(&doc.assertion, &evil);
        let mut made = vec![(
            "response_malformed",
            doc.replace(&doc.assertion, &format!("{evil}{original}")),
        )];
        if doc.only_own() {
            // The identifier leads to nothing, and to something that is no assertion.
            made.push(("signature_wrong_target", alone));
            let evil_doc = doc.extension(&format!("<parked xmlns='urn:example:x' ID='{id}'/>"));
            made.push((
                "signature_wrong_target",
                evil_doc.replace(doc.text(&doc.assertion), &evil),
            ));
        }
        made
    });
}

#[test]
fn a06_original_inside_the_signature_of_the_evil_assertion() {
    attack(|doc| {
        let Some(own) = &doc.own else { return vec![] };
        let original = doc.bare_assertion();
        let signature = append(doc.text(own), &original);
        let evil = evil(&doc.eve_assertion().replace(doc.text(own), &signature));
        vec![("response_malformed", doc.replace(&doc.assertion, &evil))]
    });
}

#[test]
fn a07_evil_assertion_in_extensions() {
    attack(|doc| {
        let same_id = eve(&doc.bare_assertion());
        let evil = doc.evil_assertion();
        let none = |inside: &str| format!("<Extensions xmlns=''>{inside}</Extensions>");
        let parked = element_prefix(doc, &doc.root);
        let parked = format!("<{parked}Extensions>{}</{parked}Extensions>", doc.text(&doc.assertion));
        let status = doc.status().range.start;
        vec![
            ("duplicate_id", doc.extension(&same_id)),
            ("duplicate_id", doc.before(doc.status(), &none(&same_id))),
            ("response_malformed", doc.extension(&evil)),
            ("response_malformed", doc.before(doc.status(), &none(&evil))),
            // The genuine one parked, the evil one in its place.
            (
                "response_malformed",
                doc.edit(&[(status..status, &parked), (doc.assertion.range.clone(), &evil)]),
            ),
        ]
    });
}

#[test]
fn a08_original_in_an_object_of_the_signature() {
    attack(|doc| {
        let Some(own) = &doc.own else { return vec![] };
        let prefix = prefix(doc, own);
        let object = |inside: &str| append(doc.text(own), &format!("<{prefix}Object>{inside}</{prefix}Object>"));
        let with = |signature: &str| doc.replace(own, signature);
        let evil_with = |signature: &str| {
            let evil = evil(&doc.eve_assertion().replace(doc.text(own), signature));
            doc.replace(&doc.assertion, &evil)
        };
        let mut made = vec![("response_malformed", evil_with(&object(&doc.bare_assertion())))];
        if doc.only_own() {
            // Nothing but the rule about objects refuses this: an object is not signed, and the signature holds.
            made.push(("signature_malformed", with(&object("anything"))));
        }
        made
    });
}

#[test]
fn a09_two_signed_infos() {
    attack(|doc| {
        let mut made: Made = vec![];
        let signature = doc.signature();
        let info = doc.part_in(signature, "SignedInfo");
        let digest = doc.part_in(signature, "DigestValue");
        let text = doc.text(info);
        let fresh = text.replace(
            doc.text(digest),
            &doc.text(digest).replace(&doc.xml[doc.content(digest)], FRESH),
        );
        // Evil content, so that only the second would fit it.
        let evil = |xml: String| xml.replacen(">ada", ">eve", 1);
        for both in [format!("{text}{fresh}"), format!("{fresh}{text}")] {
            made.push(("signature_malformed", evil(doc.replace(info, &both))));
        }
        let after = doc.edit(&[(doc.end_of(signature), &fresh)]);
        made.push(("signature_malformed", evil(after)));
        made
    });
}

const FRESH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn a10_identifier_spelled_by_an_entity() {
    attack(|doc| {
        let tag = &doc.xml[doc.root.tag.clone()];
        let id = value(tag, "ID");
        let entity = tag.replace(&format!("\"{id}\""), "\"&e;\"");
        let doctype = format!("<!DOCTYPE r [<!ENTITY e \"{id}\">]>{entity}");
        vec![
            ("doctype_forbidden", doc.edit(&[(doc.root.tag.clone(), &doctype)])),
            ("xml_not_wellformed", doc.edit(&[(doc.root.tag.clone(), &entity)])),
        ]
    });
}

#[test]
fn a11_unsigned_assertion_appended() {
    attack(|doc| vec![("response_malformed", doc.after(&doc.assertion, &doc.evil_assertion()))]);
}

#[test]
fn a12_twins_with_one_identifier() {
    attack(|doc| {
        let twin = doc.eve_assertion();
        let genuine = doc.text(&doc.assertion);
        vec![
            ("duplicate_id", doc.before(&doc.assertion, &twin)),
            ("duplicate_id", doc.after(&doc.assertion, &twin)),
            ("duplicate_id", doc.extension(&twin)),
            (
                "duplicate_id",
                doc.extension(genuine)
                    .replacen(&format!("{genuine}</"), &format!("{twin}</"), 1),
            ),
        ]
    });
}

#[test]
fn a13_every_hide_out() {
    attack(|doc| {
        let genuine = doc.text(&doc.assertion);
        let evil = doc.evil_assertion();
        let place = doc.assertion.range.clone();
        let status = doc.status();
        let p = element_prefix(doc, status);
        let a = element_prefix(doc, &doc.assertion);
        let inside = |element: &str| append(&evil, &element.replace("GENUINE", genuine));
        let in_evil = [
            "<A:Advice>GENUINE</A:Advice>",
            "<A:AuthzDecisionStatement Decision='Permit' Resource='x'><A:Evidence>GENUINE</A:Evidence></A:AuthzDecisionStatement>",
            "<A:AttributeStatement><A:Attribute Name='x'><A:AttributeValue>GENUINE</A:AttributeValue></A:Attribute></A:AttributeStatement>",
            "<A:Subject><A:SubjectConfirmation Method='x'><A:SubjectConfirmationData>GENUINE</A:SubjectConfirmationData></A:SubjectConfirmation></A:Subject>",
            "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'><d:KeyInfo>GENUINE</d:KeyInfo></d:Signature>",
            "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'><d:Object>GENUINE</d:Object></d:Signature>",
            "<x xmlns='urn:example:x'>GENUINE</x>",
        ];
        let mut made: Made = in_evil
            .iter()
            .map(|element| {
                // Advice may quote an assertion, unsigned: it is not read, and it is not what was signed.
                let expected = match (element.contains("Advice"), &doc.own) {
                    (false, _) => "response_malformed",
                    (true, Some(_)) => "signature_wrong_target",
                    (true, None) => "signature_bad_digest",
                };
                (
                    expected,
                    doc.edit(&[(place.clone(), &inside(&element.replace("A:", &a)))]),
                )
            })
            .collect();
        let detail = format!("<{p}StatusDetail>{genuine}</{p}StatusDetail>");
        for (at, text) in [
            (doc.end_of(status), detail),
            (
                status.range.start..status.range.start,
                format!("<{p}Extensions>{genuine}</{p}Extensions>"),
            ),
            (doc.end_of(&doc.root), format!("<x xmlns='urn:example:x'>{genuine}</x>")),
        ] {
            made.push(("response_malformed", doc.edit(&[(at, &text), (place.clone(), &evil)])));
        }
        made
    });
    // Quoted by who signed, another assertion is not read.
    let quoted = Message {
        assertion_id: "_quoted".to_owned(),
        ..evil_message()
    };
    let quoted = quoted.to_xml();
    let quoted = &quoted[quoted.find("<saml2:Assertion").unwrap()..quoted.find("</saml2p:Response>").unwrap()];
    let quoting = Message::default().to_xml();
    let advice = format!("<saml2:Advice>{quoted}</saml2:Advice></saml2:Assertion>");
    let quoting = quoting.replace("</saml2:Assertion>", &advice);
    let said = judge(Idp::trusted().sign(&quoting, "_response").as_bytes()).unwrap();
    assert_eq!(said.login.email().as_str(), "ada@acme.test");
    assert_eq!(said.login.name_id().unwrap().value, "ada@acme.test");
}

#[test]
fn a14_foreign_roots() {
    attack(|doc| {
        let genuine = doc.text(&doc.root);
        let samlp = "xmlns='urn:oasis:names:tc:SAML:2.0:protocol'";
        [
            "<x>GENUINE</x>".to_owned(),
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>GENUINE</s:Body></s:Envelope>"
                .to_owned(),
            format!("<LogoutRequest {samlp} ID='_x' Version='2.0'>GENUINE</LogoutRequest>"),
            format!("<ArtifactResponse {samlp} ID='_x' Version='2.0'>GENUINE</ArtifactResponse>"),
            format!("<Response {samlp} ID='_x' Version='2.0'>GENUINE</Response>"),
            "<Response>GENUINE</Response>".to_owned(),
        ]
        .iter()
        .map(|wrapper| ("response_malformed", wrapper.replace("GENUINE", genuine)))
        .collect()
    });
}

#[test]
fn a15_other_signed_objects() {
    let evil = Idp::trusted().respond(&evil_message(), Signed::Nothing);
    for name in ["metadata", "logout-request", "authn-request"] {
        let signed = message(name);
        let signed = signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest).trim();
        let start = signed.find("<ds:Signature").unwrap();
        let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        let (signature, id) = (&signed[start..end], value(&signed[..start], "ID"));
        let assertion = &evil[evil.find("<saml2:Assertion").unwrap()..evil.find("</saml2p:Response>").unwrap()];
        let status = "<saml2p:Status>";
        // As it is; around an assertion; within a response.
        assert_eq!(code(signed), "response_malformed");
        assert_eq!(code(append(signed, assertion)), "response_malformed");
        assert_eq!(
            code(evil.replace(status, &format!("{signed}{status}"))),
            "response_malformed"
        );
        let extension = format!("<saml2p:Extensions>{signed}</saml2p:Extensions>{status}");
        assert_eq!(code(evil.replace(status, &extension)), "signature_wrong_target");
        // Its signature as the response's own, then under its identifier too.
        let own = evil.replace(status, &format!("{signature}{status}"));
        assert_eq!(code(&own), "signature_wrong_target");
        assert_eq!(code(own.replace("_response", id)), "signature_bad_digest");
    }
}

fn evil_message() -> Message {
    Message {
        name_id: "eve@acme.test".to_owned(),
        email: Some("eve@acme.test".to_owned()),
        ..Message::default()
    }
}

#[test]
fn a16_signed_error_response() {
    let error = message("error-response");
    assert_eq!(code(&error), "idp_authn_failed");
    let evil = Idp::trusted().respond(&evil_message(), Signed::Nothing);
    let assertion = &evil[evil.find("<saml2:Assertion").unwrap()..evil.find("</saml2p:Response>").unwrap()];
    let with_child = append(&error, assertion);
    let start = error.find("<ds:SignatureValue>").unwrap();
    let value = &error[start..error.find("</ds:SignatureValue>").unwrap()];
    let ds = "http://www.w3.org/2000/09/xmldsig#";
    let in_object = format!(
        "<ds:Signature xmlns:ds='{ds}'>{value}</ds:SignatureValue><ds:Object>{assertion}</ds:Object></ds:Signature>"
    );
    let in_object = append(&error, &in_object);
    let beside = append(
        &with_child,
        &format!("<ds:Signature xmlns:ds='{ds}'>{value}</ds:SignatureValue></ds:Signature>"),
    );
    for xml in [&with_child, &in_object, &beside] {
        assert_eq!(code(xml), "idp_authn_failed");
    }
    // The same with the status mended, which the digest covers.
    let success = |xml: &str| {
        let from = xml.find("<saml2p:StatusCode").unwrap();
        let to = xml.find("</saml2p:Status>").unwrap();
        let mended = "<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
        format!("{}{mended}{}", &xml[..from], &xml[to..])
    };
    assert_eq!(code(success(&with_child)), "signature_bad_digest");
    assert_eq!(code(success(&in_object)), "response_malformed");
    assert_eq!(code(success(&beside)), "signature_multiple");
}

#[test]
fn a17_second_signature() {
    attack(|doc| {
        let mut made: Made = vec![];
        let signature = doc.signature();
        let id = doc.id_of(signature);
        for idp in [Idp::trusted(), Idp::other()] {
            let forged = idp.signature(id, FRESH);
            made.push(("signature_multiple", doc.before(signature, &forged)));
            made.push(("signature_multiple", doc.after(signature, &forged)));
        }
        made
    });
}

#[test]
fn a18_signature_elsewhere() {
    attack(|doc| {
        let status = doc.status();
        match (&doc.own, &doc.whole) {
            (Some(own), None) => {
                let text = doc.text(own);
                let in_status = doc.edit(&[(own.range.clone(), ""), (Doc::inside(status), text)]);
                let moved = doc.edit(&[(own.range.clone(), ""), (status.range.start..status.range.start, text)]);
                // The genuine one stays and holds; a stray one refuses everything.
                let mut stray = vec![
                    ("signature_wrong_target", moved),
                    ("response_malformed", in_status),
                    (
                        "signature_wrong_target",
                        doc.extension(&Idp::other().signature("_nothing", FRESH)),
                    ),
                    (
                        "signature_wrong_target",
                        doc.extension("<k:Signature xmlns:k='http://www.w3.org/2000/09/xmldsig#'/>"),
                    ),
                ];
                let key_info = doc.part_in(own, "KeyInfo");
                let nested = "<k:Signature xmlns:k='http://www.w3.org/2000/09/xmldsig#'/>";
                stray.push(("signature_wrong_target", doc.edit(&[(Doc::inside(key_info), nested)])));
                stray
            }
            (None, Some(whole)) => {
                let issuer = doc.parts.child(&doc.assertion, "Issuer").unwrap();
                let moved = doc.edit(&[
                    (whole.range.clone(), ""),
                    (issuer.range.end..issuer.range.end, doc.text(whole)),
                ]);
                vec![("signature_wrong_target", moved)]
            }
            (Some(own), Some(whole)) => {
                let swapped = doc.edit(&[
                    (own.range.clone(), doc.text(whole)),
                    (whole.range.clone(), doc.text(own)),
                ]);
                vec![("signature_wrong_target", swapped)]
            }
            (None, None) => vec![],
        }
    });
}

#[test]
fn a19_signed_assertion_nested_in_an_unsigned_one() {
    attack(|doc| {
        if doc.own.is_none() {
            return vec![];
        }
        let a = element_prefix(doc, &doc.assertion);
        let genuine = doc.text(&doc.assertion);
        let advice = format!("<{a}Advice>{genuine}</{a}Advice>");
        vec![
            (
                "signature_wrong_target",
                doc.replace(&doc.assertion, &append(&doc.evil_assertion(), &advice)),
            ),
            (
                "response_malformed",
                doc.replace(&doc.assertion, &append(&doc.evil_assertion(), genuine)),
            ),
        ]
    });
}

#[test]
fn a20_unsigned_zone_of_a_signed_response() {
    attack(|doc| {
        let mut made: Made = vec![];
        let signature = doc.signature();
        let evil = doc.evil_assertion();
        let key_info = doc.part_in(signature, "KeyInfo");
        let value = doc.part_in(signature, "SignatureValue");
        let p = prefix(doc, signature);
        made.push(("response_malformed", doc.edit(&[(Doc::inside(key_info), &evil)])));
        made.push(("response_malformed", doc.edit(&[(doc.end_of(value), &evil)])));
        let object = format!("<{p}Object>{evil}</{p}Object>");
        made.push(("response_malformed", doc.edit(&[(doc.end_of(signature), &object)])));
        // Where it is not an assertion, nobody reads it.
        let subject =
            "<s:Subject xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion'><s:NameID>eve@acme.test</s:NameID></s:Subject>";
        made.push(("accepted", doc.edit(&[(Doc::inside(key_info), subject)])));
        made.push(("signature_malformed", doc.edit(&[(doc.end_of(value), subject)])));
        made
    });
}

#[test]
fn a21_two_genuine_assertions() {
    // Both declare their own namespaces, so that they can be moved.
    let second = Doc::of(crate::support::seed::seed("samlp-second-user"));
    let first = Doc::of(crate::support::seed::seed("samlp-assertion"));
    for xml in [
        first.before(&first.assertion, second.text(&second.assertion)),
        first.after(&first.assertion, second.text(&second.assertion)),
        second.extension(first.text(&first.assertion)),
    ] {
        assert_eq!(code(xml), "response_malformed");
    }
    // One in the other's place is that one's sign-in, and nothing is left of the first.
    let exchanged = first.replace(&first.assertion, second.text(&second.assertion));
    let said = crate::support::seed::judge(exchanged.as_bytes()).unwrap();
    assert_eq!(said, second.seed.said);
}

#[test]
fn a22_a_signature_that_is_there_must_hold() {
    attack(|doc| {
        if !doc.only_own() {
            return vec![];
        }
        let id = value(&doc.xml[doc.root.tag.clone()], "ID");
        vec![
            (
                "signature_key_unknown",
                doc.before(doc.status(), &Idp::other().signature(id, FRESH)),
            ),
            (
                "signature_bad_digest",
                doc.before(doc.status(), &Idp::trusted().signature(id, FRESH)),
            ),
        ]
    });
    // The inner one by someone else, and all of it signed by the one who is trusted.
    let inner = Idp::other().respond(&Message::default(), Signed::Assertion);
    assert_eq!(code(Idp::trusted().sign(&inner, "_response")), "signature_key_unknown");
    // The inner one broken before the outer one was made.
    let inner = Idp::trusted()
        .respond(&Message::default(), Signed::Assertion)
        .replace(">ada@", ">eve@");
    assert_eq!(code(Idp::trusted().sign(&inner, "_response")), "signature_bad_digest");
}

/// The prefix of an element, with its colon.
fn element_prefix(doc: &Doc, part: &Part) -> String {
    let name = doc.text(part)[1..].split([' ', '>', '\n', '\r']).next().unwrap();
    name.split_once(':')
        .map(|(prefix, _)| format!("{prefix}:"))
        .unwrap_or_default()
}

fn prefix(doc: &Doc, part: &Part) -> String {
    element_prefix(doc, part)
}
