//! Algorithms and keys: A67 to A87.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::xml::names::{ENVELOPED_SIGNATURE, EXCLUSIVE_C14N};

use super::{Doc, Made, attack};
use crate::support::idp::{Idp, Message, NOW, Signed, reference, signed_info, signed_info_of, transform};
use crate::support::seed::{code, message, value};

/// The document with another `Algorithm` in the first element of this name in its outermost signature.
fn with_algorithm(doc: &Doc, name: &str, uri: &str) -> String {
    let part = doc.part_in(doc.signature(), name);
    let tag = &doc.xml[part.tag.clone()];
    doc.edit(&[(part.tag.clone(), &tag.replace(value(tag, "Algorithm"), uri))])
}

#[test]
fn a67_algorithms_that_are_none() {
    attack(|doc| {
        let mut made: Made = vec![];
        for name in ["CanonicalizationMethod", "SignatureMethod", "DigestMethod"] {
            for uri in [
                "",
                "none",
                "urn:example:none",
                "http://www.w3.org/2000/09/xmldsig#",
                "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
            ] {
                made.push(("signature_alg_unsupported", with_algorithm(doc, name, uri)));
            }
            let part = doc.part_in(doc.signature(), name);
            let tag = &doc.xml[part.tag.clone()];
            let attribute = format!(" Algorithm=\"{}\"", value(tag, "Algorithm"));
            let with = |new: &str| doc.edit(&[(part.tag.clone(), &tag.replace(&attribute, new))]);
            made.push(("signature_alg_unsupported", with("")));
            made.push(("xml_not_wellformed", with(&attribute.repeat(2))));
            made.push((
                "signature_alg_unsupported",
                with(&attribute.replace(" Algorithm", " xmlns:x=\"urn:x\" x:Algorithm")),
            ));
        }
        // One kind of algorithm in the place of another.
        made.push((
            "signature_alg_unsupported",
            with_algorithm(doc, "SignatureMethod", "http://www.w3.org/2001/04/xmlenc#sha256"),
        ));
        made.push((
            "signature_alg_unsupported",
            with_algorithm(doc, "DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
        ));
        made
    });
}

/// All algorithms with a shared secret.
const HMACS: [&str; 8] = [
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-md5",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha224",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-ripemd160",
    "http://www.w3.org/2007/05/xmldsig-more#hmac-sha3-256",
];

#[test]
fn a68_shared_secrets() {
    attack(|doc| {
        HMACS
            .iter()
            .map(|uri| ("signature_alg_unsupported", with_algorithm(doc, "SignatureMethod", uri)))
            .collect()
    });
}

#[test]
fn a69_output_length() {
    attack(|doc| {
        let method = doc.part_in(doc.signature(), "SignatureMethod");
        let prefix = doc.text(method)[1..].split_once("SignatureMethod").unwrap().0;
        let uri = value(doc.text(method), "Algorithm");
        let mut made: Made = vec![];
        for length in ["0", "1", "8", "256"] {
            let with = |uri: &str| {
                let method = format!(
                    "<{prefix}SignatureMethod Algorithm=\"{uri}\"><{prefix}HMACOutputLength>{length}</{prefix}HMACOutputLength></{prefix}SignatureMethod>"
                );
                doc.replace(doc.part_in(doc.signature(), "SignatureMethod"), &method)
            };
            made.push(("signature_malformed", with(uri)));
            made.push(("signature_alg_unsupported", with(HMACS[0])));
        }
        made
    });
}

#[test]
fn a70_wrapped_secret() {
    attack(|doc| {
        let key_info = doc.part_in(doc.signature(), "KeyInfo");
        let wrapped = "<e:EncryptedKey xmlns:e='http://www.w3.org/2001/04/xmlenc#'><e:EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p'/>\
                       <e:CipherData><e:CipherValue>AAAA</e:CipherValue></e:CipherData></e:EncryptedKey>";
        let with_key = doc.edit(&[(Doc::inside(key_info), wrapped)]);
        let method = doc.text(doc.part_in(doc.signature(), "SignatureMethod"));
        let hmac = method.replace(value(method, "Algorithm"), HMACS[3]);
        vec![
            ("signature_alg_unsupported", with_key.replacen(method, &hmac, 1)),
            ("accepted", with_key),
        ]
    });
}

#[test]
fn a71_weak_hashes() {
    attack(|doc| {
        let mut made: Made = vec![];
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        ] {
            made.push(("signature_alg_weak", with_algorithm(doc, "SignatureMethod", uri)));
        }
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#sha1",
            "http://www.w3.org/2001/04/xmldsig-more#md5",
        ] {
            made.push(("signature_alg_weak", with_algorithm(doc, "DigestMethod", uri)));
        }
        made.push((
            "signature_alg_unsupported",
            with_algorithm(doc, "DigestMethod", "http://www.w3.org/2001/04/xmlenc#ripemd160"),
        ));
        made
    });
}

/// A response that another key signed, with this in its `KeyInfo`.
fn signed_by_another(key_info: &str) -> String {
    let xml = Idp::other().respond(&Message::default(), Signed::Assertion);
    with_key_info(&xml, key_info)
}

fn with_key_info(xml: &str, key_info: &str) -> String {
    let from = xml.find("<ds:KeyInfo>").unwrap();
    let to = xml.find("</ds:KeyInfo>").unwrap();
    format!("{}{key_info}{}", &xml[..from + "<ds:KeyInfo>".len()], &xml[to..])
}

fn x509(idps: &[Idp]) -> String {
    let certificate = |idp: &Idp| {
        format!(
            "<ds:X509Certificate>{}</ds:X509Certificate>",
            STANDARD.encode(idp.certificate.der())
        )
    };
    format!(
        "<ds:X509Data>{}</ds:X509Data>",
        idps.iter().map(certificate).collect::<String>()
    )
}

#[test]
fn a72_key_values() {
    let number = STANDARD.encode([0xff; 256]);
    for key in [
        format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{number}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        ),
        format!("<d:DEREncodedKeyValue xmlns:d='http://www.w3.org/2009/xmldsig11#'>{number}</d:DEREncodedKeyValue>"),
    ] {
        assert_eq!(code(signed_by_another(&key)), "signature_invalid");
    }
    attack(|doc| {
        let key_info = doc.part_in(doc.signature(), "KeyInfo");
        vec![(
            "accepted",
            doc.edit(&[(
                doc.content(key_info),
                "<k:KeyValue xmlns:k='http://www.w3.org/2000/09/xmldsig#'/>",
            )]),
        )]
    });
}

#[test]
fn a73_certificates_that_look_alike() {
    // Its own certificate, which nobody trusts; ours, which it isn't; ours after its own, and before.
    assert_eq!(code(signed_by_another(&x509(&[Idp::other()]))), "signature_key_unknown");
    assert_eq!(code(signed_by_another(&x509(&[Idp::trusted()]))), "signature_invalid");
    assert_eq!(
        code(signed_by_another(&x509(&[Idp::other(), Idp::trusted()]))),
        "signature_key_unknown"
    );
    assert_eq!(
        code(signed_by_another(&x509(&[Idp::trusted(), Idp::other()]))),
        "signature_invalid"
    );
    assert_eq!(code(message("other-key")), "signature_key_unknown");
}

#[test]
fn a74_no_chain_is_built() {
    let chain = format!("{}{}", x509(&[Idp::other()]), x509(&[Idp::trusted()]));
    assert_eq!(code(signed_by_another(&chain)), "signature_key_unknown");
    let genuine = Idp::trusted().respond(&Message::default(), Signed::Assertion);
    assert_eq!(code(with_key_info(&genuine, &chain)), "accepted");
}

#[test]
fn a75_names_of_keys() {
    for name in [
        "<ds:KeyName>trusted</ds:KeyName>",
        "<ds:X509Data><ds:X509SubjectName>CN=idp test identity provider, O=Example</ds:X509SubjectName></ds:X509Data>",
        "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>O=Example</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>",
        "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>",
    ] {
        assert_eq!(code(signed_by_another(name)), "signature_invalid", "{name}");
        let genuine = Idp::trusted().respond(&Message::default(), Signed::Assertion);
        assert_eq!(code(with_key_info(&genuine, name)), "accepted", "{name}");
    }
}

#[test]
fn a76_keys_from_elsewhere() {
    for uri in [
        "http://idp.example/key",
        "file:///etc/passwd",
        "#self",
        "#_assertion",
        "",
    ] {
        for element in [
            format!("<ds:RetrievalMethod URI='{uri}' Type='http://www.w3.org/2000/09/xmldsig#X509Data'/>"),
            format!("<d:KeyInfoReference xmlns:d='http://www.w3.org/2009/xmldsig11#' Id='self' URI='{uri}'/>"),
        ] {
            assert_eq!(code(signed_by_another(&element)), "signature_invalid", "{element}");
            let genuine = Idp::trusted().respond(&Message::default(), Signed::Assertion);
            assert_eq!(code(with_key_info(&genuine, &element)), "accepted", "{element}");
        }
    }
}

#[test]
fn a78_values_that_rsa_cannot_make() {
    attack(|doc| {
        let part = doc.part_in(doc.signature(), "SignatureValue");
        let genuine: String = doc.xml[doc.content(part)].split_ascii_whitespace().collect();
        let genuine = STANDARD.decode(genuine).unwrap();
        let one = [vec![0; 255], vec![1]].concat();
        let longer = [&[0], genuine.as_slice()].concat();
        let values = [
            vec![],
            vec![0],
            vec![0; 256],
            one,
            vec![0xff; 256],
            longer,
            genuine[..255].to_vec(),
            genuine[1..].to_vec(),
            vec![1; 4096],
        ];
        values
            .iter()
            .map(|value| {
                (
                    "signature_invalid",
                    doc.edit(&[(doc.content(part), &STANDARD.encode(value))]),
                )
            })
            .collect()
    });
}

#[test]
fn a82_validity_of_a_certificate_is_no_matter() {
    // The key is what is trusted. This one's certificate begins after the present of all the seeds.
    assert!(Idp::trusted().certificate.not_before().unwrap() > NOW);
}

/// A response that our identity provider signed with these transforms.
fn with_transforms(transforms: &str) -> String {
    let xml = Message::default().to_xml();
    Idp::trusted().sign_as(&xml, "_assertion", |digest| {
        signed_info_of(&reference(" URI=\"#_assertion\"", transforms, digest))
    })
}

#[test]
fn a83_stylesheets() {
    let stylesheet = "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><xsl:template match=\"/\">\
                      <xsl:call-template name=\"x\"></xsl:call-template><xsl:call-template name=\"x\"></xsl:call-template></xsl:template>\
                      </xsl:stylesheet>";
    let uri = "http://www.w3.org/TR/1999/REC-xslt-19991116";
    let xslt = transform(uri).replace("></", &format!(">{stylesheet}</"));
    for transforms in [
        format!("{}{xslt}", transform(ENVELOPED_SIGNATURE)),
        format!("{xslt}{}", transform(ENVELOPED_SIGNATURE)),
        format!("{}{}{xslt}", transform(ENVELOPED_SIGNATURE), transform(EXCLUSIVE_C14N)),
    ] {
        assert_eq!(code(with_transforms(&transforms)), "transform_forbidden");
    }
    attack(|doc| {
        let first = doc.part_in(doc.signature(), "Transform");
        vec![
            ("transform_forbidden", with_algorithm(doc, "Transform", uri)),
            ("transform_forbidden", doc.before(first, &xslt.replace("ds:", ""))),
        ]
        .into_iter()
        .map(|(code, xml)| {
            if xml.contains("<Transform Algorithm=\"http://www.w3.org/TR/1999")
                && !doc.text(first).starts_with("<Transform")
            {
                ("signature_malformed", xml)
            } else {
                (code, xml)
            }
        })
        .collect()
    });
}

#[test]
fn a84_path_expressions() {
    for (uri, inside) in [
        ("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>0</ds:XPath>"),
        (
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath>",
        ),
        (
            "http://www.w3.org/2002/06/xmldsig-filter2",
            "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">/</f:XPath>",
        ),
        (
            "http://www.w3.org/TR/2001/WD-xptr-20010108",
            "<ds:XPointer>xpointer(/)</ds:XPointer>",
        ),
    ] {
        let path = transform(uri).replace("></", &format!(">{inside}</"));
        for transforms in [
            path.clone(),
            format!("{}{path}", transform(ENVELOPED_SIGNATURE)),
            format!("{path}{}", transform(EXCLUSIVE_C14N)),
            format!("{}{path}{}", transform(ENVELOPED_SIGNATURE), transform(EXCLUSIVE_C14N)),
        ] {
            assert_eq!(
                code(with_transforms(&transforms)),
                "transform_forbidden",
                "{transforms}"
            );
        }
    }
}

#[test]
fn a85_other_transforms() {
    let (enveloped, exclusive) = (transform(ENVELOPED_SIGNATURE), transform(EXCLUSIVE_C14N));
    let nested = exclusive.replace("></", &format!(">{exclusive}</"));
    for (transforms, expected) in [
        (enveloped.clone(), "signature_bad_digest"),
        (exclusive.clone(), "transform_forbidden"),
        (format!("{exclusive}{enveloped}"), "transform_forbidden"),
        (format!("{enveloped}{enveloped}{exclusive}"), "transform_forbidden"),
        (format!("{enveloped}{exclusive}{exclusive}"), "transform_forbidden"),
        (format!("{enveloped}{}", exclusive.repeat(5_000)), "transform_forbidden"),
        (format!("{enveloped}{nested}"), "signature_malformed"),
        (
            format!("{enveloped}{}", transform("http://www.w3.org/2000/09/xmldsig#base64")),
            "transform_forbidden",
        ),
        (
            format!("{enveloped}{}", transform("http://www.w3.org/2002/07/decrypt#XML")),
            "transform_forbidden",
        ),
        (
            format!(
                "{enveloped}{}",
                transform("http://schemas.openxmlformats.org/package/2006/RelationshipTransform")
            ),
            "transform_forbidden",
        ),
        (
            format!("{enveloped}{}", transform("urn:example:x")),
            "transform_forbidden",
        ),
        (format!("{enveloped}{}", transform("")), "transform_forbidden"),
        (String::new(), "signature_malformed"),
        // Comments are refused already, so this is an alias.
        (
            format!(
                "{enveloped}{}",
                transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
            ),
            "accepted",
        ),
    ] {
        assert_eq!(
            code(with_transforms(&transforms)),
            expected,
            "{}",
            &transforms[..transforms.len().min(300)]
        );
    }
    let none = Idp::trusted().sign_as(&Message::default().to_xml(), "_assertion", |digest| {
        signed_info("_assertion", digest).replace(&format!("<ds:Transforms>{enveloped}{exclusive}</ds:Transforms>"), "")
    });
    assert_eq!(code(none), "transform_forbidden");
}

#[test]
fn a86_an_error_of_the_arithmetic_is_a_refusal() {
    // An algorithm of another kind of key, and values for which the arithmetic fails rather than says no.
    attack(|doc| {
        let method = |uri: &str| ("signature_invalid", with_algorithm(doc, "SignatureMethod", uri));
        vec![
            method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
            method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
            method("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
            method("http://www.w3.org/2007/05/xmldsig-more#rsa-pss"),
            method("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
        ]
    });
}
