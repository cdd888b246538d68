//! The protocol, where a signature is not the point: A101 to A103, A107 to A111, A121 to A124, A127, A128.

use edge_saml::dsig::{Policy, Sha1};
use edge_saml::saml::{logout, response};

use super::{Doc, Made, attack, edited, signed};
use crate::support::idp::{ACS_URL, Idp, Message, Signed};
use crate::support::seed::{SEEDS, code, judge, message, seed, value};

#[test]
fn a101_signatures_stripped() {
    attack(|doc| {
        let none: Vec<_> = doc
            .own
            .iter()
            .chain(&doc.whole)
            .map(|signature| (signature.range.clone(), ""))
            .collect();
        vec![("unsigned", doc.edit(&none))]
    });
    // Without a key nothing is verified, and nothing is accepted.
    let policy = Policy {
        keys: &[],
        sha1: Sha1::Refused,
    };
    for seed in &*SEEDS {
        let refusal = response::open(seed.xml.as_bytes(), &policy).unwrap_err();
        assert_eq!(refusal.code(), "no_signing_key", "{}", seed.name);
    }
}

#[test]
fn a102_statuses() {
    attack(|doc| {
        let status = doc.status();
        let prefix = doc.text(status)[1..].split_once(':').unwrap().0;
        let name = "urn:oasis:names:tc:SAML:2.0:status:";
        let with = |content: &str| {
            doc.edit(&[(
                doc.content(status),
                &content.replace("p:", &format!("{prefix}:")).replace("S:", name),
            )])
        };
        // What is said around a signed response is covered; but the status is looked at first.
        vec![
            ("idp_requester_error", with("<p:StatusCode Value='S:Responder'/>")),
            (
                "idp_requester_error",
                with("<p:StatusCode Value='S:Responder'><p:StatusCode Value='S:Success'/></p:StatusCode>"),
            ),
            (
                "idp_authn_failed",
                with("<p:StatusCode Value='S:Responder'><p:StatusCode Value='S:AuthnFailed'/></p:StatusCode>"),
            ),
            ("idp_requester_error", with("<p:StatusCode Value='S:Success '/>")),
            ("idp_requester_error", with("<p:StatusCode Value='S:SuccessX'/>")),
            ("idp_requester_error", with("<p:StatusCode Value='Success'/>")),
            ("idp_requester_error", with("<p:StatusCode Value='xS:Success'/>")),
            ("response_malformed", with("")),
            ("response_malformed", with("<p:StatusCode/>")),
            (
                "response_malformed",
                with("<p:StatusCode Value='S:Success'/><p:StatusCode Value='S:Success'/>"),
            ),
            (
                "response_malformed",
                with("<StatusCode xmlns='urn:example:x' Value='S:Success'/>"),
            ),
            (
                "response_malformed",
                with("<p:StatusDetail><p:StatusCode Value='S:Success'/></p:StatusDetail>"),
            ),
            (
                "response_malformed",
                with("<p:StatusCode Value='S:Success'/><x xmlns='urn:example:x'/>"),
            ),
            ("response_malformed", with("<p:StatusCode Value='S:Success'/>x")),
            ("response_malformed", with("Success<p:StatusCode Value='S:Success'/>")),
            ("response_malformed", doc.replace(status, "")),
            ("response_malformed", doc.after(status, doc.text(status))),
        ]
    });
}

#[test]
fn a103_no_assertion() {
    attack(|doc| {
        let empty = "<e:EncryptedAssertion xmlns:e='urn:oasis:names:tc:SAML:2.0:assertion'/>";
        vec![
            ("response_malformed", doc.replace(&doc.assertion, "")),
            ("response_malformed", doc.before(&doc.assertion, empty)),
            ("response_malformed", doc.after(&doc.assertion, empty)),
            ("response_malformed", doc.replace(&doc.assertion, &empty.repeat(2))),
            (
                "response_malformed",
                doc.replace(&doc.assertion, "<Assertion xmlns='urn:example:x'/>"),
            ),
        ]
    });
}

#[test]
fn a107_request_named_on_the_outside_alone() {
    let unsolicited = Message {
        in_response_to: None,
        ..Message::default()
    };
    let xml = Idp::trusted().respond(&unsolicited, Signed::Assertion);
    assert_eq!(code(&xml), "unsolicited_not_allowed");
    let named = xml.replacen(" ID=\"_response\"", " ID=\"_response\" InResponseTo=\"_request\"", 1);
    assert_ne!(named, xml);
    assert_eq!(code(named), "unsolicited_not_allowed");
}

#[test]
fn a108_request_removed_or_foreign() {
    attack(|doc| {
        let data = doc.part_in(&doc.assertion, "SubjectConfirmationData");
        let tag = &doc.xml[data.tag.clone()];
        let inner = " InResponseTo=\"_request\"";
        let root = &doc.xml[doc.root.tag.clone()];
        let outer = |new: &str| doc.edit(&[(doc.root.tag.clone(), &root.replace(inner, new))]);
        let is_signed = doc.whole.is_some();
        vec![
            (
                "signature_bad_digest",
                doc.edit(&[(data.tag.clone(), &tag.replace(inner, ""))]),
            ),
            (
                "signature_bad_digest",
                doc.edit(&[(data.tag.clone(), &tag.replace("_request", "_other"))]),
            ),
            (
                if is_signed {
                    "signature_bad_digest"
                } else {
                    "in_response_to_unknown"
                },
                outer(" InResponseTo=\"_other\""),
            ),
            (
                if is_signed {
                    "signature_bad_digest"
                } else {
                    "in_response_to_unknown"
                },
                outer(" InResponseTo=\"\""),
            ),
            (
                if is_signed {
                    "signature_bad_digest"
                } else {
                    "in_response_to_unknown"
                },
                outer(""),
            ),
        ]
    });
}

#[test]
fn a110_times_each_by_itself() {
    // The skew's limits and the spellings of a time are in the tests of validation; here each bound is the only one broken.
    // When an assertion was made decides nothing within a day.
    for (from, to, expected) in [
        (
            "NotBefore=\"2026-07-01T11:55:00Z\" NotOnOrAfter=\"2026-07-01T12:05:00Z\"",
            "NotOnOrAfter=\"2026-07-01T11:57:00Z\"",
            "expired",
        ),
        (
            "NotBefore=\"2026-07-01T11:55:00Z\"",
            "NotBefore=\"2026-07-01T12:03:01Z\"",
            "not_yet_valid",
        ),
        (
            "NotBefore=\"2026-07-01T11:55:00Z\" NotOnOrAfter=\"2026-07-01T12:05:00Z\"",
            "",
            "accepted",
        ),
        (
            "NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            "NotOnOrAfter=\"2026-07-01T11:57:00Z\" Recipient",
            "expired",
        ),
        (
            "NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            "NotOnOrAfter=\"0000-01-01T00:00:00Z\" Recipient",
            "expired",
        ),
        (
            "NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            "NotOnOrAfter=\"2026-07-01T24:00:00Z\" Recipient",
            "response_malformed",
        ),
        (
            "NotOnOrAfter=\"2026-07-01T12:05:00Z\" Recipient",
            "NotOnOrAfter=\"99999-07-01T12:05:00Z\" Recipient",
            "response_malformed",
        ),
        (
            "ID=\"_response\" InResponseTo=\"_request\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_response\" InResponseTo=\"_request\" IssueInstant=\"2026-07-01T12:03:01Z\"",
            "accepted",
        ),
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:03:00Z\"",
            "accepted",
        ),
        // But one that is yet to be made would be good for years, as the day is counted from there.
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:03:01Z\"",
            "not_yet_valid",
        ),
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\" IssueInstant=\"9999-07-01T12:00:00Z\"",
            "not_yet_valid",
        ),
        // And a day after it was made an assertion is too old, whatever else it says.
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\" IssueInstant=\"2026-06-30T11:57:01Z\"",
            "accepted",
        ),
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\" IssueInstant=\"2026-06-30T11:57:00Z\"",
            "expired",
        ),
    ] {
        assert_eq!(signed(from, to), expected, "{to}");
    }
}

#[test]
fn a111_one_confirmation_passes_every_check() {
    let xml = Message::default().to_xml();
    let from = xml.find("<saml2:SubjectConfirmation ").unwrap();
    let good = &xml[from..xml.find("</saml2:Subject>").unwrap()];
    let elsewhere = good.replace(ACS_URL, "https://other.example/acs");
    let holder = good.replace("cm:bearer", "cm:holder-of-key");
    let late = good.replace("12:05:00Z", "11:05:00Z");
    let early = good.replace(" NotOnOrAfter", " NotBefore=\"2026-07-01T13:00:00Z\" NotOnOrAfter");
    let endless = good.replace(" NotOnOrAfter=\"2026-07-01T12:05:00Z\"", "");
    for (confirmations, expected) in [
        (format!("{elsewhere}{holder}"), "recipient_mismatch"),
        (format!("{holder}{late}"), "expired"),
        (format!("{elsewhere}{late}{early}"), "not_yet_valid"),
        (endless.clone(), "response_malformed"),
        (format!("{holder}{late}{elsewhere}{good}"), "accepted"),
        (good.replace("cm:bearer", "cm:sender-vouches"), "recipient_mismatch"),
        (good.replace("cm:bearer", "cm:bearer "), "recipient_mismatch"),
        (String::new(), "recipient_mismatch"),
        (
            good.replace(
                "</saml2:SubjectConfirmation>",
                "<saml2:SubjectConfirmationData/></saml2:SubjectConfirmation>",
            ),
            "response_malformed",
        ),
        (
            good.replace(
                "</saml2:SubjectConfirmation>",
                "<saml2:BaseID/></saml2:SubjectConfirmation>",
            ),
            "response_malformed",
        ),
        (
            good.replace(
                "</saml2:SubjectConfirmation>",
                "<saml2:EncryptedID/></saml2:SubjectConfirmation>",
            ),
            "encrypted_unexpected",
        ),
    ] {
        assert_eq!(signed(good, &confirmations), expected, "{confirmations}");
    }
}

#[test]
fn a113_statements_of_authentication() {
    let xml = Message::default().to_xml();
    let from = xml.find("<saml2:AuthnStatement").unwrap();
    let statement = &xml[from..xml.find("<saml2:AttributeStatement").unwrap()];
    let later = |time: &str| {
        statement.replace(
            "AuthnInstant=\"2026-07-01T12:00:00Z\"",
            &format!("AuthnInstant=\"{time}\""),
        )
    };
    let until = |time: &str| {
        statement.replace(
            " SessionIndex",
            &format!(" SessionNotOnOrAfter=\"{time}\" SessionIndex"),
        )
    };
    for (new, expected) in [
        (String::new(), "response_malformed"),
        // When the user authenticated counts only where that was asked for (tests/it/signed_requests.rs).
        (later("2026-07-01T13:00:00Z"), "accepted"),
        (later("1826-07-01T12:00:00Z"), "accepted"),
        (later("now"), "response_malformed"),
        // The earliest end counts.
        (
            format!("{}{}", until("2026-07-01T13:00:00Z"), until("2026-07-01T11:57:00Z")),
            "session_expired_at_idp",
        ),
        (
            statement.replace(
                "</saml2:AuthnContext>",
                "<saml2:AuthnContextClassRef/></saml2:AuthnContext>",
            ),
            "response_malformed",
        ),
        (
            statement.replace("</saml2:AuthnContext>", "</saml2:AuthnContext><saml2:AuthnContext/>"),
            "response_malformed",
        ),
    ] {
        assert_eq!(signed(statement, &new), expected, "{new}");
    }
    let locality = "<saml2:SubjectLocality Address=\"192.0.2.1\"/>";
    for (inside, expected) in [
        (locality, "accepted"),
        (&locality.repeat(2), "response_malformed"),
        ("<saml2:Bogus/>", "response_malformed"),
        ("<saml2:AuthnContextClassRef/>", "response_malformed"),
        ("<SubjectLocality/>", "response_malformed"),
        ("<x xmlns=\"urn:example:x\"/>", "response_malformed"),
    ] {
        for at in ["<saml2:AuthnContext>", "</saml2:AuthnStatement>"] {
            assert_eq!(signed(at, &format!("{inside}{at}")), expected, "{inside}{at}");
        }
    }
}

#[test]
fn a118_issuers() {
    attack(|doc| {
        // The outer one, where no signature covers it.
        let issuer = doc.parts.child(&doc.root, "Issuer").unwrap();
        let moved = |to: std::ops::Range<usize>| doc.edit(&[(issuer.range.clone(), ""), (to, doc.text(issuer))]);
        let after_status = doc.status().range.end;
        let elsewhere = [
            ("response_malformed", moved(after_status..after_status)),
            ("response_malformed", moved(doc.end_of(&doc.root))),
        ];
        if !doc.only_own() {
            return [&[("signature_bad_digest", doc.replace(issuer, ""))], &elsewhere[..]].concat();
        }
        let text = &doc.xml[doc.content(issuer)];
        let with = |new: &str| doc.edit(&[(doc.content(issuer), new)]);
        let tag = &doc.xml[issuer.tag.clone()];
        let no_format = tag.split(" Format=").next().unwrap().trim_end_matches('>');
        let of_format = |format: &str| {
            doc.edit(&[(
                issuer.tag.clone(),
                &format!("{no_format} Format=\"{format}\">").replace("  ", " "),
            )])
        };
        let mut made = vec![
            ("accepted", doc.replace(issuer, "")),
            ("response_malformed", doc.after(issuer, doc.text(issuer))),
            ("issuer_mismatch", with(&format!("{text} "))),
            ("issuer_mismatch", with(&format!("{text}/"))),
            ("issuer_mismatch", with(&text.to_uppercase())),
            ("issuer_mismatch", with("")),
            ("comment_forbidden", with(&format!("{text}<!---->"))),
            ("response_malformed", with(&format!("{text}<b/>"))),
        ];
        if tag.contains("xmlns") == no_format.contains("xmlns") {
            made.push((
                "issuer_mismatch",
                of_format("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
            ));
        }
        made.extend(elsewhere);
        made
    });
    // Each the first child, though it is signed as it stands.
    let xml = Message::default().to_xml();
    for (id, parent, next) in [
        ("_assertion", "saml2:Assertion", "<saml2:Conditions"),
        ("_assertion", "saml2:Assertion", "</saml2:Assertion>"),
        ("_response", "saml2p:Response", "<saml2:Assertion"),
        ("_response", "saml2p:Response", "</saml2p:Response>"),
    ] {
        let from = xml.find(&format!("<{parent} ")).unwrap();
        let (head, rest) = xml.split_at(from + xml[from..].find("<saml2:Issuer").unwrap());
        let (issuer, rest) = rest.split_at(rest.find("</saml2:Issuer>").unwrap() + "</saml2:Issuer>".len());
        let moved = format!("{head}{}", rest.replacen(next, &format!("{issuer}{next}"), 1));
        assert_eq!(code(Idp::trusted().sign(&xml, id)), "accepted");
        assert_eq!(code(Idp::trusted().sign(&moved, id)), "response_malformed", "{moved}");
    }
    for (from, to, expected) in [
        (
            "<saml2:Issuer>",
            "<saml2:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">",
            "issuer_mismatch",
        ),
        (
            "<saml2:Issuer>http://www.okta.com/exk1test</saml2:Issuer>",
            "<saml2:Issuer>http://www.okta.com/other</saml2:Issuer>",
            "issuer_mismatch",
        ),
        (
            "<saml2:Issuer>http://www.okta.com/exk1test</saml2:Issuer>",
            "<saml2:Issuer>http://www.okta.com/exk1test</saml2:Issuer><saml2:Issuer>x</saml2:Issuer>",
            "response_malformed",
        ),
    ] {
        assert_eq!(signed(from, to), expected, "{to}");
    }
}

#[test]
fn a121_domains_that_only_look_owned() {
    for (email, expected) in [
        ("ada@acme.test.evil.example", "email_domain_not_owned"),
        ("ada@evilacme.test", "email_domain_not_owned"),
        ("ada@sub.acme.test", "email_domain_not_owned"),
        ("ada@test", "email_not_an_address"),
        ("ada@acme.test.", "email_not_an_address"),
        ("ada@.acme.test", "email_not_an_address"),
        ("ada@evil@acme.test", "email_not_an_address"),
        ("\"ada@evil.example\"@acme.test", "email_not_an_address"),
        ("ada\u{9}@acme.test", "email_not_an_address"),
        ("ada @acme.test", "email_not_an_address"),
        ("ada@acme.test&#13;&#10;bcc:eve@evil.example", "email_not_an_address"),
        ("ada@[127.0.0.1]", "email_not_an_address"),
        ("ada@127.0.0.1", "email_not_an_address"),
        ("@acme.test", "email_not_an_address"),
        ("acme.test", "email_not_an_address"),
        ("ada@acme.test,eve@evil.example", "email_not_an_address"),
        ("ada@ACME.test", "accepted"),
        (" ada@acme.test\n", "accepted"),
    ] {
        let to = format!(">{email}</saml2:AttributeValue>");
        assert_eq!(
            signed(">ada@acme.test</saml2:AttributeValue>", &to),
            expected,
            "{email}"
        );
    }
}

#[test]
fn a122_unicode_in_addresses() {
    for email in [
        "ada\u{ff20}acme.test",
        "ada@acme\u{ff0e}test",
        "ada@acme\u{3002}test",
        "ada@\u{430}cme.test",
        "ada@acme.te\u{17f}t",
        "ada@acme\u{200b}.test",
        "\u{202e}ada@acme.test",
        "\u{212a}ay@acme.test",
        "ad\u{131}@acme.test",
        "ada@ACME\u{ad}.test",
    ] {
        let to = format!(">{email}</saml2:AttributeValue>");
        assert_eq!(
            signed(">ada@acme.test</saml2:AttributeValue>", &to),
            "email_not_an_address",
            "{email}"
        );
    }
    // A look-alike in A-labels is another domain.
    assert_eq!(
        signed(
            ">ada@acme.test</saml2:AttributeValue>",
            ">ada@xn--cme-5cd.test</saml2:AttributeValue>"
        ),
        "email_domain_not_owned"
    );
    // NameIDs are compared as octets: what looks the same is someone else.
    let xml = edited(">ada@acme.test</saml2:NameID>", ">\u{430}da@acme.test</saml2:NameID>");
    let said = judge(Idp::trusted().sign(&xml, "_assertion").as_bytes()).unwrap();
    assert_eq!(said.login.name_id().unwrap().value, "\u{430}da@acme.test");
}

#[test]
fn a123_attributes_that_say_two_things() {
    let value = "xsi:type=\"xs:string\">ada@acme.test</saml2:AttributeValue>";
    let another = |inside: &str| format!("{value}<saml2:AttributeValue>{inside}</saml2:AttributeValue>");
    let mail = |attributes: &str, inside: &str| {
        format!(
            "<saml2:Attribute {attributes}><saml2:AttributeValue>{inside}</saml2:AttributeValue></saml2:Attribute><saml2:Attribute Name=\"First name\""
        )
    };
    let second = "</saml2:AttributeStatement><saml2:AttributeStatement>";
    for (from, to, expected) in [
        (value, another("eve@acme.test"), "email_not_an_address"),
        (value, another("ada@acme.test"), "accepted"),
        (value, another(""), "accepted"),
        (value, another("<b>eve@acme.test</b>"), "email_not_an_address"),
        (
            "<saml2:Attribute Name=\"First name\"",
            mail("Name=\"Email address\"", "eve@acme.test"),
            "email_not_an_address",
        ),
        (
            "<saml2:Attribute Name=\"First name\"",
            mail("Name=\"email.ADDRESS\"", "eve@acme.test"),
            "email_not_an_address",
        ),
        (
            "<saml2:Attribute Name=\"First name\"",
            mail("Name=\"x\" FriendlyName=\"e-mail address\"", "eve@acme.test"),
            "email_not_an_address",
        ),
        (
            "<saml2:Attribute Name=\"First name\"",
            format!("{second}{}", mail("Name=\"Email address\"", "eve@acme.test")),
            "email_not_an_address",
        ),
        (
            "<saml2:Attribute Name=\"First name\"",
            mail("NameFormat=\"x\"", "eve@acme.test"),
            "response_malformed",
        ),
        (
            value,
            "xsi:type=\"xs:string\"></saml2:AttributeValue>".to_owned(),
            "accepted",
        ),
        (
            value,
            "xsi:nil=\"1\">nobody</saml2:AttributeValue>".to_owned(),
            "accepted",
        ),
        (
            value,
            "><saml2:NameID>ada@acme.test</saml2:NameID></saml2:AttributeValue>".to_owned(),
            "email_not_an_address",
        ),
    ] {
        assert_eq!(signed(from, &to), expected, "{to}");
    }
}

#[test]
fn a124_name_ids() {
    let name_id = "ada@acme.test</saml2:NameID>";
    let long = |characters: usize| format!("{}</saml2:NameID>", "n".repeat(characters));
    assert_eq!(signed(name_id, &long(256)), "accepted");
    assert_eq!(signed(name_id, &long(257)), "response_malformed");
    assert_eq!(signed(name_id, &long(100_000)), "response_malformed");
    // In octets these are more, in characters as many as may be.
    assert_eq!(
        signed(name_id, &format!("{}</saml2:NameID>", "\u{e9}".repeat(256))),
        "accepted"
    );
    // Two of them, and other ways to name a subject.
    for (from, to) in [
        (name_id, format!("{name_id}<saml2:NameID>eve@acme.test</saml2:NameID>")),
        (name_id, format!("{name_id}<saml2:BaseID/>")),
        ("<saml2:Subject>", "<saml2:Subject><saml2:BaseID/>".to_owned()),
        (
            "</saml2:Subject>",
            "</saml2:Subject><saml2:Subject><saml2:NameID>eve@acme.test</saml2:NameID></saml2:Subject>".to_owned(),
        ),
        ("<saml2:Subject>", "<saml2:Subject>eve@acme.test".to_owned()),
    ] {
        assert_eq!(signed(from, &to), "response_malformed", "{to}");
    }
}

#[test]
fn a127_versions_identifiers_and_conditions() {
    for (from, to, expected) in [
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\" Version=\"2.0\"",
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\" Version=\"2.1\"",
            "response_malformed",
        ),
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\" Version=\"2.0\"",
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "response_malformed",
        ),
        (
            "ID=\"_assertion\" IssueInstant=\"2026-07-01T12:00:00Z\"",
            "ID=\"_assertion\"",
            "response_malformed",
        ),
        ("ID=\"_response\"", "ID=\"\"", "response_malformed"),
        ("ID=\"_response\"", "ID=\"a b\"", "response_malformed"),
        ("ID=\"_response\"", "ID=\"a:b\"", "response_malformed"),
        (" ID=\"_response\"", "", "response_malformed"),
        (
            "</saml2:Conditions>",
            "<saml2:Condition/></saml2:Conditions>",
            "response_malformed",
        ),
        (
            "</saml2:Conditions>",
            "<x:x xmlns:x=\"urn:example:x\"/></saml2:Conditions>",
            "response_malformed",
        ),
        (
            "</saml2:Conditions>",
            "<saml2:Conditions/></saml2:Conditions>",
            "response_malformed",
        ),
        (
            "</saml2:Conditions>",
            "</saml2:Conditions><saml2:Conditions/>",
            "response_malformed",
        ),
        (
            "</saml2:Audience>",
            "</saml2:Audience><saml2:OneTimeUse/>",
            "response_malformed",
        ),
        (
            "</saml2:AttributeStatement>",
            "<saml2:Audience/></saml2:AttributeStatement>",
            "response_malformed",
        ),
        (
            "</saml2:Attribute>",
            "<saml2:Audience/></saml2:Attribute>",
            "response_malformed",
        ),
        (
            "</saml2:Assertion>",
            "<saml2:Statement/></saml2:Assertion>",
            "response_malformed",
        ),
        (
            "</saml2:Assertion>",
            "<x:x xmlns:x=\"urn:example:x\"/></saml2:Assertion>",
            "response_malformed",
        ),
        (
            "</saml2:Assertion>",
            "<saml2:Advice/><saml2:Advice/></saml2:Assertion>",
            "response_malformed",
        ),
        ("</saml2:Assertion>", "<saml2:Advice/></saml2:Assertion>", "accepted"),
        // It binds who passes the assertion on, and we do not.
        (
            "</saml2:Conditions>",
            "<saml2:ProxyRestriction Count=\"0\"/></saml2:Conditions>",
            "accepted",
        ),
        (
            "</saml2:Conditions>",
            "<saml2:OneTimeUse/></saml2:Conditions>",
            "accepted",
        ),
    ] {
        assert_eq!(signed(from, to), expected, "{to}");
    }
    attack(|doc| {
        let tag = &doc.xml[doc.root.tag.clone()];
        ["1.1", "2", "2.0 ", "", "3.0"]
            .iter()
            .map(|version| {
                (
                    "response_malformed",
                    doc.edit(&[(
                        doc.root.tag.clone(),
                        &tag.replace("Version=\"2.0\"", &format!("Version=\"{version}\"")),
                    )]),
                )
            })
            .collect()
    });
}

/// White space alone between elements, and Extensions no more than once: A127 goes on.
#[test]
fn what_the_schema_lets_stand() {
    attack(|doc| {
        let extension = doc.extension("");
        let tag = &extension[doc.status().range.start..doc.status().range.start + extension.len() - doc.xml.len()];
        vec![("response_malformed", doc.before(doc.status(), &tag.repeat(2)))]
    });
    for parent in [
        "Assertion",
        "Subject",
        "SubjectConfirmation",
        "Conditions",
        "AudienceRestriction",
        "AuthnStatement",
        "AttributeStatement",
        "Attribute",
    ] {
        let end = format!("</saml2:{parent}>");
        for (text, expected) in [
            ("x", "response_malformed"),
            ("<![CDATA[x]]>", "response_malformed"),
            ("\u{a0}", "response_malformed"),
            ("\r\n\t ", "accepted"),
        ] {
            assert_eq!(signed(&end, &format!("{text}{end}")), expected, "{text:?}{end}");
        }
    }
}

#[test]
fn a128_other_messages() {
    attack(|doc| {
        let mut made: Made = vec![];
        let root = doc.text(&doc.root);
        let (prefix, _) = root[1..].split_once(':').unwrap();
        for name in [
            "LogoutResponse",
            "ArtifactResponse",
            "AuthnRequest",
            "LogoutRequest",
            "response",
            "Response2",
        ] {
            let renamed = root.replace(&format!("{prefix}:Response"), &format!("{prefix}:{name}"));
            made.push(("response_malformed", doc.replace(&doc.root, &renamed)));
        }
        for other in [
            "urn:oasis:names:tc:SAML:1.0:protocol",
            "urn:oasis:names:tc:SAML:2.0:assertion",
            "urn:example:x",
        ] {
            made.push((
                "response_malformed",
                doc.xml.replace("urn:oasis:names:tc:SAML:2.0:protocol", other),
            ));
        }
        made.push(("response_malformed", standalone_assertion(doc)));
        made
    });
    for name in ["authn-request", "logout-request", "metadata"] {
        assert_eq!(code(message(name)), "response_malformed");
    }
}

/// The assertion as a document of its own, signature and all.
fn standalone_assertion(doc: &Doc) -> String {
    let root = &doc.xml[doc.root.tag.clone()];
    let declarations: String = root
        .split_ascii_whitespace()
        .filter(|word| word.starts_with("xmlns"))
        .map(|word| format!(" {}", word.trim_end_matches('>')))
        .filter(|declaration| !doc.xml[doc.assertion.tag.clone()].contains(declaration.split('=').next().unwrap()))
        .collect();
    let text = doc.text(&doc.assertion);
    let end = text.find([' ', '\n', '\r']).unwrap();
    let id = value(&doc.xml[doc.assertion.tag.clone()], "ID");
    assert!(text.contains(id));
    format!("{}{declarations}{}", &text[..end], &text[end..])
}

#[test]
fn a135_forged_logout_requests() {
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let verdict =
        |xml: &str| logout::open(xml.as_bytes(), &policy).map_or_else(|reject| reject.code().as_str(), |_| "accepted");
    let genuine = message("logout-request");
    let genuine = genuine
        .split_once("?>")
        .map_or(genuine.as_str(), |(_, rest)| rest)
        .trim();
    assert_eq!(verdict(genuine), "accepted");
    let from = genuine.find("<ds:Signature").unwrap();
    let to = genuine.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &genuine[from..to];
    let unsigned = genuine.replace(signature, "");
    let evil = |xml: &str| xml.replace("ada@acme.test", "eve@acme.test");
    let around = |id: &str, inside: &str| {
        evil(&unsigned)
            .replace("_logout-request", id)
            .replacen("<saml:NameID", &format!("{inside}<saml:NameID"), 1)
    };
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    for (xml, expected) in [
        (unsigned.clone(), "unsigned"),
        (evil(genuine), "signature_bad_digest"),
        (
            genuine.replace("<samlp:SessionIndex>_session</samlp:SessionIndex>", ""),
            "signature_bad_digest",
        ),
        (around("_evil", signature), "signature_wrong_target"),
        (around("_logout-request", signature), "signature_bad_digest"),
        (around("_evil", &extensions(genuine)), "signature_wrong_target"),
        (around("_logout-request", &extensions(genuine)), "duplicate_id"),
        (format!("<x>{genuine}</x>"), "response_malformed"),
        (
            genuine.replace(
                "</samlp:LogoutRequest>",
                &format!("{}</samlp:LogoutRequest>", evil(signature)),
            ),
            "signature_multiple",
        ),
        (
            Idp::other().sign_as(
                &unsigned
                    .replace(
                        "<saml:Issuer>",
                        "<saml2:Issuer xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion'>",
                    )
                    .replace("</saml:Issuer>", "</saml2:Issuer>"),
                "_logout-request",
                |digest| crate::support::idp::signed_info("_logout-request", digest),
            ),
            "signature_key_unknown",
        ),
        // What signs someone in does not sign someone out.
        (seed("samlp-both").xml.clone(), "response_malformed"),
        (message("authn-request"), "response_malformed"),
    ] {
        assert_eq!(verdict(&xml), expected, "{xml}");
    }
    // A genuine assertion within; the only signature is in it.
    let assertion = &seed("samlp-assertion").xml;
    let assertion =
        &assertion[assertion.find("<saml:Assertion").unwrap()..assertion.find("</samlp:Response>").unwrap()];
    assert_eq!(
        verdict(&around("_evil", &extensions(assertion))),
        "signature_wrong_target"
    );
    assert_eq!(verdict(&around("_evil", assertion)), "signature_wrong_target");
}
