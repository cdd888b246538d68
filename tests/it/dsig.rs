//! The verifier against signatures that another program made, and against edits of them.
//!
//! A test of a refusal changes one thing in a document that is accepted as it stands, or takes a document that is
//! signed all right in a shape that SAML forbids, so that nothing but the rule in question refuses it.

use edge_saml::dsig::{self, Certificate, Error, Policy, RsaFloor, Sha1, TrustedKey};
use edge_saml::xml::{Document, Profile, Source, names};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ENVELOPED: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#;
const EXCLUSIVE: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;

#[test]
fn what_another_program_signed() {
    let all = keys(&["rsa-2048", "p256", "p384", "p521"]);
    for name in [
        "rsa-sha256",
        "rsa-sha256-default-c14n",
        "rsa-pss-sha256",
        "rsa-pss-defaults",
        "rsa-pss-params",
        "ecdsa-p256-sha512",
        "ecdsa-p384-sha256",
        "ecdsa-p521-sha256",
    ] {
        assert_eq!(verify(&vector(name), &all, Sha1::Refused), Ok(()), "{name}");
    }
}

#[test]
fn what_is_given_back_is_what_was_digested() {
    let text = vector("rsa-sha256");
    let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
    let document = Document::parse(&source).unwrap();
    let keys = keys(&["rsa-2048"]);
    let octets = dsig::verify(
        document.root(),
        &Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        },
    )
    .unwrap();
    let signed = str::from_utf8(octets.get().as_bytes()).unwrap();
    assert!(signed.starts_with(r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a1""#));
    assert!(signed.contains("<saml:NameID>ada@example.com</saml:NameID>"));
    assert!(!signed.contains("Signature"));
}

#[test]
fn edits_outside_of_what_is_signed_change_nothing() {
    let text = vector("rsa-sha256");
    for edited in [
        text.replace(r#"ID="_a1" Version="2.0""#, r#"Version='2.0'   ID = "&#x5f;a1""#),
        cut(&text, "<ds:KeyInfo>", "</ds:KeyInfo>"),
        text.replace("<ds:SignatureValue>", "<ds:SignatureValue>\r\n\t &#13;"),
        text.replace("<ds:Signature ", r#"<ds:Signature Id="s1" "#),
        text.replace("ds:KeyInfo", "k:KeyInfo")
            .replace("<k:KeyInfo>", &format!("<k:KeyInfo xmlns:k='{}'>", names::DS)),
    ] {
        assert_eq!(default_verdict(&edited), Ok(()), "{edited}");
    }
}

#[test]
fn one_letter_of_the_content() {
    let text = vector("rsa-sha256");
    assert_eq!(
        default_verdict(&text.replace("ada@", "eve@")),
        Err(Error::DigestMismatch)
    );
    assert_eq!(
        default_verdict(&text.replace("  <saml:Subject>", " <saml:Subject>")),
        Err(Error::DigestMismatch)
    );
    assert_eq!(
        default_verdict(&text.replace("2026-01-01", "2026-01-02")),
        Err(Error::DigestMismatch)
    );
}

#[test]
fn a_reference_by_id_never_selects_comments() {
    // XML Signature 4.4.3.3. So they are not signed, and what is given back has none.
    let text = vector("rsa-sha256-comments");
    for edited in [
        text.replace("<!--comment-->", ""),
        text.replace("comment-->", "another-->"),
        text,
    ] {
        assert_eq!(document_verdict(&edited), Ok(()), "{edited}");
    }
}

#[test]
fn a174_a_new_digest_without_a_new_signature() {
    let text = vector("rsa-sha256");
    let digest = between(&text, "<ds:DigestValue>", "</ds:DigestValue>");
    let other = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(
        default_verdict(&text.replace(digest, other)),
        Err(Error::SignatureInvalid)
    );
    for value in ["", "AAAA"] {
        let old = between(&text, "<ds:SignatureValue>", "</ds:SignatureValue>");
        assert_eq!(default_verdict(&text.replace(old, value)), Err(Error::SignatureInvalid));
    }
}

#[test]
fn a39_a_digest_of_another_length() {
    let text = vector("rsa-sha256");
    let digest = between(&text, "<ds:DigestValue>", "</ds:DigestValue>");
    for shorter in ["", "AAAA"] {
        assert_eq!(
            default_verdict(&text.replace(digest, shorter)),
            Err(Error::SignatureInvalid)
        );
    }
}

#[test]
fn a41_the_content_is_not_hashed_before_the_signature_held() {
    // Both are wrong; the first that is looked at answers.
    let text = vector("rsa-sha256")
        .replace("ada@", "eve@")
        .replace(RSA_SHA256, &RSA_SHA256.replace("256", "512"));
    assert_eq!(default_verdict(&text), Err(Error::SignatureInvalid));
}

#[test]
fn a17_two_signatures_and_none() {
    let text = vector("rsa-sha256");
    let signature = whole(&text, "<ds:Signature ", "</ds:Signature>");
    assert_eq!(default_verdict(&text.replace(signature, "")), Err(Error::Unsigned));
    assert_eq!(
        default_verdict(&text.replace(signature, &signature.repeat(2))),
        Err(Error::SignatureMultiple)
    );
    let foreign = text.replace(names::DS, "http://www.w3.org/2000/09/xmldsig");
    assert_eq!(default_verdict(&foreign), Err(Error::Unsigned));
    // A signature further down is not the element's own.
    let deeper = text.replace(signature, &format!("<saml:Advice>{signature}</saml:Advice>"));
    assert_eq!(default_verdict(&deeper), Err(Error::Unsigned));
}

#[test]
fn a05_a24_to_a33_only_the_parents_own_id() {
    let text = vector("rsa-sha256");
    for uri in [
        "",
        "#",
        "_a1",
        "#_A1",
        "#_a1 ",
        " #_a1",
        "#_a2",
        "#%5Fa1",
        "##_a1",
        "#xpointer(/)",
        "#xpointer(id('_a1'))",
        "#element(/1)",
        "cid:_a1",
        "http://example.com/#_a1",
        "file:///a#_a1",
        "#_a1' or '1'='1",
    ] {
        let edited = text.replace(r##"URI="#_a1""##, &format!(r#"URI="{uri}""#));
        assert_eq!(default_verdict(&edited), Err(Error::WrongTarget), "{uri:?}");
    }
    assert_eq!(
        default_verdict(&text.replace(r##" URI="#_a1""##, "")),
        Err(Error::WrongTarget)
    );
    for attribute in ["Id", "id", "AssertionID", "xml:id", "x:ID"] {
        let edited = text.replace(
            r#" ID="_a1""#,
            &format!(r#" xmlns:x="urn:example:x" {attribute}="_a1""#),
        );
        assert_eq!(default_verdict(&edited), Err(Error::WrongTarget), "{attribute}");
    }
    // A29: an identifier that reads like a pointer is none.
    let pointer = text.replace("_a1", "element(/1)");
    assert_eq!(default_verdict(&pointer), Err(Error::WrongTarget));
    assert_eq!(document_verdict(&pointer), Err(Error::WrongTarget));
    // A28: an empty identifier is none either.
    let empty = text.replace("_a1", "");
    assert_eq!(default_verdict(&empty), Err(Error::WrongTarget));
    assert_eq!(document_verdict(&empty), Err(Error::WrongTarget));
    // A26: an attribute of the same name in a namespace is not looked at, whichever comes first.
    let polluted = text.replace(r#" ID="_a1""#, r#" xmlns:x="urn:example:x" x:ID="_evil" ID="_a1""#);
    assert_eq!(default_verdict(&polluted), Err(Error::DigestMismatch));
}

#[test]
fn a27_an_empty_reference_is_for_documents() {
    let text = vector("empty-uri");
    assert_eq!(default_verdict(&text), Err(Error::WrongTarget));
    assert_eq!(document_verdict(&text), Ok(()));
    // Not even there when it is not the document element that is signed.
    let wrapped = format!(
        "<a xmlns='urn:example:a'>{}</a>",
        text.replace(r#"<?xml version="1.0"?>"#, "")
    );
    let source = Source::check(wrapped.as_bytes(), Profile::Document).unwrap();
    let document = Document::parse(&source).unwrap();
    let keys = keys(&["rsa-2048"]);
    let signed = document.root().children().next().unwrap();
    let verdict = dsig::verify_document(
        &document,
        signed,
        &Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        },
    );
    assert_eq!(verdict.map(|_| ()), Err(Error::WrongTarget));
}

#[test]
fn a08_a20_objects_are_refused() {
    let expected = Err(Error::Malformed { expected: "no Object" });
    for name in ["object", "of-object-only"] {
        assert_eq!(default_verdict(&vector(name)), expected, "{name}");
        assert_eq!(document_verdict(&vector(name)), expected, "{name}");
        assert_eq!(detached_verdict(&vector(name)), Ok(()), "{name}");
    }
}

#[test]
fn a31_a32_exactly_one_reference() {
    let text = vector("two-references");
    assert_eq!(default_verdict(&text), Err(Error::WrongTarget));
    assert_eq!(detached_verdict(&text), Ok(()));
    let one = vector("rsa-sha256");
    let none = one.replace(whole(&one, "<ds:Reference ", "</ds:Reference>"), "");
    assert_eq!(default_verdict(&none), Err(Error::Malformed { expected: "Reference" }));
}

#[test]
fn a83_a84_a85_the_transforms_are_a_constant() {
    let forbidden = |found: &str| {
        Err(Error::TransformForbidden {
            found: found.to_owned(),
        })
    };
    let exclusive = names::EXCLUSIVE_C14N;
    let xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116";
    assert_eq!(default_verdict(&vector("two-canonicalizations")), forbidden(exclusive));
    assert_eq!(default_verdict(&vector("xpath")), forbidden(xpath));

    let text = vector("rsa-sha256");
    let both = format!("{ENVELOPED}{EXCLUSIVE}");
    let swap = |transforms: &str| default_verdict(&text.replace(&both, transforms));
    assert_eq!(swap(EXCLUSIVE), forbidden(""));
    assert_eq!(
        swap(&format!("{EXCLUSIVE}{ENVELOPED}")),
        forbidden(names::ENVELOPED_SIGNATURE)
    );
    assert_eq!(
        swap(&format!("{ENVELOPED}{both}")),
        forbidden(names::ENVELOPED_SIGNATURE)
    );
    assert_eq!(
        swap(&format!("{both}{ENVELOPED}")),
        forbidden(names::ENVELOPED_SIGNATURE)
    );
    assert_eq!(swap(&EXCLUSIVE.repeat(5_000)), forbidden(exclusive));
    for uri in [
        "",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2002/07/decrypt#XML",
        "http://www.w3.org/2001/10/xml-exc-c14n",
    ] {
        assert_eq!(
            swap(&format!(r#"{ENVELOPED}<ds:Transform Algorithm="{uri}"/>"#)),
            forbidden(uri)
        );
    }
    assert_eq!(swap(""), Err(Error::Malformed { expected: "Transform" }));
    let nested = format!("{ENVELOPED}<ds:Transform Algorithm='{exclusive}'>{EXCLUSIVE}</ds:Transform>");
    assert_eq!(
        swap(&nested),
        Err(Error::Malformed {
            expected: "nothing more"
        })
    );
    let no_transforms = text.replace(&format!("<ds:Transforms>{both}</ds:Transforms>"), "");
    assert_eq!(default_verdict(&no_transforms), forbidden(""));
}

#[test]
fn a58_the_prefix_list_is_capped() {
    let text = vector("rsa-sha256");
    let with_list = |list: &str| {
        let parameter = format!(
            r#"<i:InclusiveNamespaces xmlns:i="{}" PrefixList="{list}"/>"#,
            names::EXCLUSIVE_C14N
        );
        let method = r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#""#;
        let method_with_list = format!("{method}>{parameter}</ds:CanonicalizationMethod>");
        default_verdict(&text.replace(&format!("{method}/>"), &method_with_list))
    };
    // At the cap it is read, and changes what is signed.
    assert_eq!(with_list(&"p ".repeat(32)), Err(Error::SignatureInvalid));
    assert_eq!(
        with_list(&"p ".repeat(33)),
        Err(Error::Malformed {
            expected: "a shorter PrefixList"
        })
    );
}

#[test]
fn a09_a34_to_a37_the_shape_is_exact() {
    let text = vector("rsa-sha256");
    let signed_info = whole(&text, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let value = whole(&text, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let key_info = whole(&text, "<ds:KeyInfo>", "</ds:KeyInfo>");
    let method = whole(&text, "<ds:DigestMethod ", "/>");
    let digest = whole(&text, "<ds:DigestValue>", "</ds:DigestValue>");
    let canonicalization = whole(&text, "<ds:CanonicalizationMethod ", "/>");
    let signature_method = whole(&text, "<ds:SignatureMethod ", "/>");
    let digits = between(&text, "<ds:DigestValue>", "</ds:DigestValue>");
    for (old, new, expected) in [
        (signed_info, signed_info.repeat(2), "SignatureValue"),
        (signed_info, String::new(), "SignedInfo"),
        (value, value.repeat(2), "nothing more"),
        (value, String::new(), "SignatureValue"),
        (key_info, key_info.repeat(2), "nothing more"),
        (value, format!("{key_info}{value}"), "SignatureValue"),
        (signed_info, format!("{value}{signed_info}"), "SignedInfo"),
        (method, method.repeat(2), "DigestValue"),
        (method, String::new(), "DigestMethod"),
        (digest, digest.repeat(2), "nothing more"),
        (digest, String::new(), "DigestValue"),
        (canonicalization, canonicalization.repeat(2), "SignatureMethod"),
        (canonicalization, String::new(), "CanonicalizationMethod"),
        (signature_method, signature_method.repeat(2), "Reference"),
        (signature_method, String::new(), "SignatureMethod"),
        // Twins in another namespace, and none.
        (
            signed_info,
            format!("<x:SignedInfo xmlns:x='urn:example:x'/>{signed_info}"),
            "SignedInfo",
        ),
        (signed_info, format!("<SignedInfo/>{signed_info}"), "SignedInfo"),
        // Markup and text where there is none.
        (digits, format!("<b/>{digits}"), "text alone"),
        (
            digits,
            format!("<ds:DigestValue>{digits}</ds:DigestValue>"),
            "text alone",
        ),
        (signed_info, format!("text{signed_info}"), "elements alone"),
        (digest, format!("{digest}text"), "elements alone"),
        // A69.
        (
            signature_method,
            format!(
                "<ds:SignatureMethod Algorithm='{RSA_SHA256}'><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"
            ),
            "nothing more",
        ),
    ] {
        let edited = text.replacen(old, &new, 1);
        assert_eq!(default_verdict(&edited), Err(Error::Malformed { expected }), "{new}");
    }
    // Comments do not pass the preflight of a SAML message; in any other document they are no part of a value.
    let commented = text.replace(digits, &format!("<!--AAAA-->{digits}"));
    assert_eq!(
        document_verdict(&commented),
        Err(Error::Malformed { expected: "text alone" })
    );
    // CDATA is another spelling of text.
    assert_eq!(
        default_verdict(&text.replace("ada@example.com", "<![CDATA[ada@]]>example.com")),
        Ok(())
    );
}

#[test]
fn a38_base64_has_one_spelling() {
    let text = vector("rsa-sha256");
    let value = between(&text, "<ds:SignatureValue>", "</ds:SignatureValue>");
    for new in [
        value.trim_end_matches(['=', '\n']).to_owned(),
        format!("{}=", value.trim_end()),
        format!("{value}{value}"),
        format!("{value}!"),
        format!("{value}\u{a0}"),
    ] {
        assert_eq!(
            default_verdict(&text.replace(value, &new)),
            Err(Error::Base64Malformed),
            "{new}"
        );
    }
}

#[test]
fn a67_a68_a71_only_listed_algorithms() {
    let text = vector("rsa-sha256");
    for uri in [
        "",
        "none",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
    ] {
        let unsupported = Err(Error::AlgorithmUnsupported { found: uri.to_owned() });
        assert_eq!(default_verdict(&text.replace(RSA_SHA256, uri)), unsupported);
        assert_eq!(default_verdict(&text.replace(names::SHA256, uri)), unsupported);
    }
    let method = r#"CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#""#;
    let other = text.replace(method, r#"CanonicalizationMethod Algorithm="urn:example:c14n""#);
    assert_eq!(
        default_verdict(&other),
        Err(Error::AlgorithmUnsupported {
            found: "urn:example:c14n".to_owned()
        })
    );
    let missing = text.replace(method, "CanonicalizationMethod");
    assert_eq!(
        default_verdict(&missing),
        Err(Error::AlgorithmUnsupported { found: String::new() })
    );
}

#[test]
fn a71_sha1_only_where_it_is_allowed() {
    let keys = keys(&["rsa-2048"]);
    for (name, found) in [("rsa-sha1", names::RSA_SHA1), ("rsa-sha256-digest-sha1", names::SHA1)] {
        let weak = Err(Error::AlgorithmWeak {
            found: found.to_owned(),
        });
        assert_eq!(verify(&vector(name), &keys, Sha1::Refused), weak);
        assert_eq!(verify(&vector(name), &keys, Sha1::Allowed), Ok(()));
    }
}

#[test]
fn a79_pss_parameters() {
    let text = vector("rsa-pss-params");
    let unsupported = Err(Error::AlgorithmUnsupported {
        found: names::RSA_PSS.to_owned(),
    });
    assert_eq!(default_verdict(&vector("rsa-pss-no-salt")), unsupported);
    assert_eq!(
        default_verdict(&text.replace(">1</pss:TrailerField>", ">2</pss:TrailerField>")),
        unsupported
    );
    assert_eq!(
        default_verdict(&text.replace(">32</pss:SaltLength>", ">-32</pss:SaltLength>")),
        unsupported
    );
    let mask = "MGF1\"><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"";
    assert_eq!(
        default_verdict(&text.replace(mask, &mask.replace("sha256", "sha512"))),
        unsupported
    );
    let function = Err(Error::AlgorithmUnsupported {
        found: "urn:example:mgf".to_owned(),
    });
    assert_eq!(default_verdict(&text.replace(names::MGF1, "urn:example:mgf")), function);
    let twice = text.replace(
        "<pss:SaltLength>",
        "<pss:SaltLength>32</pss:SaltLength><pss:SaltLength>",
    );
    assert_eq!(
        default_verdict(&twice),
        Err(Error::Malformed {
            expected: "nothing more"
        })
    );
}

#[test]
fn keys_of_another_kind_verify_nothing() {
    let elliptic = keys(&["p256", "p384", "p521"]);
    assert!(matches!(
        verify(&vector("rsa-sha256"), &elliptic, Sha1::Refused),
        Err(Error::KeyUnknown { .. })
    ));
    let wrong_curve = keys(&["p384", "p521", "rsa-2048"]);
    assert!(matches!(
        verify(&vector("ecdsa-p256-sha512"), &wrong_curve, Sha1::Refused),
        Err(Error::KeyUnknown { .. })
    ));
    assert_eq!(
        verify(&vector("rsa-sha256"), &[], Sha1::Refused),
        Err(Error::NoTrustedKey)
    );
}

#[test]
fn a72_to_a76_key_info_is_a_hint_and_no_more() {
    let trusted = keys(&["rsa-2048"]);
    let sha256 = Certificate::read(&certificate("rsa-2048-other")).unwrap().fingerprint();
    let text = vector("rsa-sha256-other-key");
    assert_eq!(
        verify(&text, &trusted, Sha1::Refused),
        Err(Error::KeyUnknown { sha256 })
    );
    // Without the hint, or with one that claims to be ours, it is plainly invalid.
    let key_info = whole(&text, "<ds:KeyInfo>", "</ds:KeyInfo>");
    assert_eq!(
        verify(&text.replace(key_info, ""), &trusted, Sha1::Refused),
        Err(Error::SignatureInvalid)
    );
    let ours = vector("rsa-sha256");
    let claimed = text.replace(key_info, whole(&ours, "<ds:KeyInfo>", "</ds:KeyInfo>"));
    assert_eq!(verify(&claimed, &trusted, Sha1::Refused), Err(Error::SignatureInvalid));
    let unreadable = text.replace(
        key_info,
        "<ds:KeyInfo><ds:RetrievalMethod URI='http://example.com/'/></ds:KeyInfo>",
    );
    assert_eq!(
        verify(&unreadable, &trusted, Sha1::Refused),
        Err(Error::SignatureInvalid)
    );
    // And a good signature stays good, whatever KeyInfo says.
    let slandered = ours.replace(whole(&ours, "<ds:KeyInfo>", "</ds:KeyInfo>"), key_info);
    assert_eq!(verify(&slandered, &trusted, Sha1::Refused), Ok(()));
}

#[test]
fn every_key_is_tried() {
    let text = vector("rsa-sha256");
    assert_eq!(
        verify(&text, &keys(&["p256", "rsa-2048-other", "rsa-2048"]), Sha1::Refused),
        Ok(())
    );
}

#[test]
fn r3_signatures_outside_of_their_homes() {
    let text = vector("rsa-sha256");
    let inside = |text: &str, depth: usize| {
        let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
        let document = Document::parse(&source).unwrap();
        let root = document.root();
        let home = std::iter::successors(Some(root), |element| element.children().next())
            .nth(depth)
            .unwrap();
        !dsig::signatures_outside(&[home], root)
    };
    let bare = text.replace(r#"<?xml version="1.0"?>"#, "");
    assert!(inside(&bare, 0));
    assert!(!inside(&bare, 1));
    let wrapped = format!("<a xmlns='urn:example:a'>{bare}</a>");
    assert!(inside(&wrapped, 1));
    assert!(!inside(&wrapped, 0));
    let in_key_info = bare.replace("<ds:X509Data>", "<ds:X509Data><ds:Signature/>");
    assert!(!inside(&in_key_info, 0));
    assert!(!inside(&format!("<s:Signature xmlns:s='{}'/>", names::DS), 0));
}

#[test]
fn plain_octets() {
    let keys = keys(&["rsa-2048"]);
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let unsupported = Err(Error::AlgorithmUnsupported {
        found: "none".to_owned(),
    });
    assert_eq!(dsig::verify_octets(b"octets", "none", b"", &policy), unsupported);
    assert_eq!(
        dsig::verify_octets(b"octets", RSA_SHA256, &[0; 256], &policy),
        Err(Error::SignatureInvalid)
    );
    let none = Policy { keys: &[], ..policy };
    assert_eq!(
        dsig::verify_octets(b"octets", RSA_SHA256, &[0; 256], &none),
        Err(Error::NoTrustedKey)
    );
}

fn default_verdict(text: &str) -> Result<(), Error> {
    verify(text, &keys(&["rsa-2048"]), Sha1::Refused)
}

fn verify(text: &str, keys: &[TrustedKey], sha1: Sha1) -> Result<(), Error> {
    let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
    let document = Document::parse(&source).unwrap();
    dsig::verify(document.root(), &Policy { keys, sha1 }).map(|_| ())
}

fn document_verdict(text: &str) -> Result<(), Error> {
    let source = Source::check(text.as_bytes(), Profile::Document).unwrap();
    let document = Document::parse(&source).unwrap();
    let keys = keys(&["rsa-2048"]);
    dsig::verify_document(
        &document,
        document.root(),
        &Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        },
    )
    .map(|_| ())
}

fn detached_verdict(text: &str) -> Result<(), Error> {
    let source = Source::check(text.as_bytes(), Profile::Document).unwrap();
    let document = Document::parse(&source).unwrap();
    let signature = document
        .elements()
        .find(|element| element.is(names::DS, "Signature"))
        .unwrap();
    let keys = keys(&["rsa-2048"]);
    dsig::verify_detached(
        &document,
        signature,
        &Policy {
            keys: &keys,
            sha1: Sha1::Refused,
        },
    )
}

fn keys(names: &[&str]) -> Vec<TrustedKey> {
    let key = |name: &&str| {
        Certificate::read(&certificate(name))
            .unwrap()
            .key(RsaFloor::Standard)
            .unwrap()
    };
    names.iter().map(key).collect()
}

fn vector(name: &str) -> String {
    String::from_utf8(read(&format!("{name}.xml"))).unwrap()
}

fn certificate(name: &str) -> Vec<u8> {
    read(&format!("{name}.pem"))
}

fn read(file: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/dsig/");
    std::fs::read(format!("{folder}{file}")).unwrap()
}

/// The text from `start` to `end`, both left out.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// The text from `start` to `end`, both with it.
fn whole<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap();
    let length = text[from..].find(end).unwrap() + end.len();
    &text[from..from + length]
}

/// The text without what is from `start` to `end`.
fn cut(text: &str, start: &str, end: &str) -> String {
    text.replace(whole(text, start, end), "")
}
