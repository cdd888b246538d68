//! Encrypted responses: what must be read, and the attacks of the catalogue, A88 to A100, each with its refusal.
//!
//! A94 (a private key that can be timed) is shown with the built Worker, in which WebCrypto holds the keys, see
//! `xmlenc::UnwrapKey` and `tests/e2e/encrypted.test.mjs`.

use std::cell::Cell;

use edge_saml::dsig::{Policy, Sha1};
use edge_saml::limits::{MAX_ENCRYPTED_KEYS, MAX_KEY_UNWRAPS_PER_MESSAGE};
use edge_saml::saml::reject::{Reject, Shape};
use edge_saml::saml::response::{self, Coverage, VerifiedResponse};
use edge_saml::xml::{Document, Profile, Source};
use edge_saml::xmlenc::{Cbc, Encrypted, Error, PrivateKey, RsaOaep, UnwrapFailed, UnwrapKey, Unwrapper, ready};

use crate::support::encrypt::{CBC_256, Encryption, GCM_256, KeyPlace, cbc_256, padded, private_key};
use crate::support::idp::{Idp, Message, Signed};

/// Counts what it does.
struct Counting {
    key: PrivateKey,
    unwraps: Cell<usize>,
}

impl Counting {
    fn new() -> Self {
        Self {
            key: private_key(),
            unwraps: Cell::new(0),
        }
    }
}

impl UnwrapKey for Counting {
    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        self.unwraps.set(self.unwraps.get() + 1);
        self.key.unwrap_key(transport, wrapped).await
    }
}

fn open_with(xml: &str, unwrap: &impl UnwrapKey) -> Result<VerifiedResponse, Reject> {
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    ready(response::open_with(xml.as_bytes(), &policy, unwrap)).unwrap()
}

fn open(xml: &str) -> Result<VerifiedResponse, Reject> {
    open_with(xml, &private_key())
}

fn code(xml: &str) -> &'static str {
    open(xml).map_or_else(|reject| reject.code().as_str(), |_| "accepted")
}

/// The code for a connection that has no key.
fn code_without_key(xml: &str) -> &'static str {
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    response::open(xml.as_bytes(), &policy).map_or_else(|reject| reject.code().as_str(), |_| "accepted")
}

/// The assertion in `xml`, as it stands.
fn assertion(xml: &str) -> &str {
    let end = "</saml2:Assertion>";
    let start = xml.find("<saml2:Assertion").unwrap();
    &xml[start..xml.find(end).unwrap() + end.len()]
}

/// A response with `xml` in the place of its assertion.
fn around(xml: &str) -> String {
    let message = Message::default().to_xml();
    message.replace(assertion(&message), xml)
}

/// An assertion with a signature of its own.
fn signed_assertion() -> String {
    assertion(&Idp::trusted().respond(&Message::default(), Signed::Assertion)).to_owned()
}

fn bare_assertion() -> String {
    assertion(&Message::default().to_xml()).to_owned()
}

/// Unsigned outside, `plaintext` inside.
fn inside(plaintext: &str) -> String {
    around(&Encryption::new(GCM_256).element("EncryptedAssertion", plaintext))
}

/// The response signed over the ciphertext of `plaintext`.
fn outside(encryption: &Encryption, plaintext: &str) -> String {
    sign_response(&around(&encryption.element("EncryptedAssertion", plaintext)))
}

fn sign_response(xml: &str) -> String {
    Idp::trusted().sign(xml, "_response")
}

/// A bare response whose NameID is replaced, its assertion signed after that.
fn with_subject(name_id: &str) -> String {
    let message = Message::default().to_xml();
    let start = message.find("<saml2:NameID").unwrap();
    let end = message.find("</saml2:NameID>").unwrap() + "</saml2:NameID>".len();
    Idp::trusted().sign(&message.replace(&message[start..end], name_id), "_assertion")
}

/// A bare response with more in its first attribute statement, its assertion signed after that.
fn with_attributes(more: &str) -> String {
    let start = "<saml2:AttributeStatement>";
    let message = Message::default().to_xml();
    Idp::trusted().sign(&message.replace(start, &format!("{start}{more}")), "_assertion")
}

fn name_id(value: &str) -> String {
    format!("<saml2:NameID xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{value}</saml2:NameID>")
}

fn attribute(name: &str) -> String {
    format!(
        "<saml2:Attribute xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"{name}\"><saml2:AttributeValue>secret\
         </saml2:AttributeValue></saml2:Attribute>"
    )
}

const ALGORITHMS: [&str; 6] = [
    "2009/xmlenc11#aes128-gcm",
    "2009/xmlenc11#aes192-gcm",
    "2009/xmlenc11#aes256-gcm",
    "2001/04/xmlenc#aes128-cbc",
    "2001/04/xmlenc#aes192-cbc",
    "2001/04/xmlenc#aes256-cbc",
];

#[test]
fn a90_both_orders_are_read() {
    let name = |xml: &str| {
        let response = open(xml).unwrap();
        let name_id = response.assertion().get().name_id.clone().unwrap().value;
        assert_eq!(name_id, "ada@acme.test");
        response.envelope().coverage
    };
    assert_eq!(name(&inside(&signed_assertion())), Coverage::Assertion);
    for algorithm in ALGORITHMS {
        let encryption = Encryption::new(algorithm);
        assert_eq!(name(&outside(&encryption, &bare_assertion())), Coverage::Response);
        assert_eq!(name(&outside(&encryption, &signed_assertion())), Coverage::Both);
    }
    // White space around it, and a declaration, are nothing of the element.
    let declared = format!("<?xml version=\"1.0\"?>\n{}\n", signed_assertion());
    assert_eq!(name(&inside(&declared)), Coverage::Assertion);
    // Without anything encrypted it is as without a key.
    let plain = Idp::trusted().respond(&Message::default(), Signed::Both);
    assert_eq!(name(&plain), Coverage::Both);
}

#[test]
fn without_a_key_nothing_encrypted_is_expected() {
    for xml in [
        inside(&signed_assertion()),
        outside(&Encryption::new(GCM_256), &bare_assertion()),
        with_subject(&Encryption::new(GCM_256).element("EncryptedID", &name_id("ada"))),
        with_attributes(&Encryption::new(GCM_256).element("EncryptedAttribute", &attribute("role"))),
    ] {
        assert_eq!(code_without_key(&xml), "encrypted_unexpected");
    }
}

#[test]
fn a88_encryption_proves_nothing() {
    assert_eq!(code(&inside(&bare_assertion())), "unsigned");
    let other = Idp::other().respond(&Message::default(), Signed::Assertion);
    assert_eq!(code(&inside(assertion(&other))), "signature_key_unknown");
    // The same with a signature of the response that someone else made.
    let by_other = Idp::other().sign(&inside(&bare_assertion()), "_response");
    assert_eq!(code(&by_other), "signature_key_unknown");
    let evil = signed_assertion().replace(">ada@acme.test<", ">eve@acme.test<");
    assert_eq!(code(&inside(&evil)), "signature_bad_digest");
}

#[test]
fn a89_exactly_one_assertion() {
    let encrypted = |suffix: &str| {
        let mut encryption = Encryption::new(GCM_256);
        encryption.suffix = suffix.to_owned();
        encryption.element("EncryptedAssertion", &signed_assertion())
    };
    for assertions in [
        format!("{}{}", encrypted("1"), bare_assertion()),
        format!("{}{}", bare_assertion(), encrypted("1")),
        format!("{}{}", encrypted("1"), encrypted("2")),
    ] {
        assert_eq!(code(&around(&assertions)), "response_malformed");
        assert_eq!(code(&sign_response(&around(&assertions))), "response_malformed");
    }
    // In the place of a plain assertion that was signed.
    let both = Idp::trusted().respond(&Message::default(), Signed::Both);
    assert_eq!(
        code(&both.replace(assertion(&both), &encrypted("1"))),
        "signature_bad_digest"
    );
    let evil = Encryption::new(GCM_256).element("EncryptedAssertion", &bare_assertion());
    let own = Idp::trusted().respond(&Message::default(), Signed::Assertion);
    assert_eq!(code(&own.replace(assertion(&own), &evil)), "unsigned");
}

#[test]
fn a90_the_orders_do_not_mix() {
    // Plaintext in the place of the ciphertext that was signed.
    let xml = outside(&Encryption::new(GCM_256), &bare_assertion());
    let holder = "</saml2:EncryptedAssertion>";
    let start = xml.find("<saml2:EncryptedAssertion").unwrap();
    let encrypted = &xml[start..xml.find(holder).unwrap() + holder.len()];
    assert_eq!(code(&xml.replace(encrypted, &bare_assertion())), "signature_bad_digest");
    // Another ciphertext in its place, though what is inside is signed.
    let other = Encryption::new(GCM_256).element("EncryptedAssertion", &signed_assertion());
    assert_eq!(code(&xml.replace(encrypted, &other)), "signature_bad_digest");
    // A broken signature inside is not made good by one outside, nor the other way round.
    let evil = signed_assertion().replace(">ada@acme.test<", ">eve@acme.test<");
    assert_eq!(code(&outside(&Encryption::new(GCM_256), &evil)), "signature_bad_digest");
    let other = Idp::other().respond(&Message::default(), Signed::Assertion);
    assert_eq!(
        code(&outside(&Encryption::new(GCM_256), assertion(&other))),
        "signature_key_unknown"
    );
    let both = outside(&Encryption::new(GCM_256), &signed_assertion());
    assert_eq!(
        code(&both.replace("Destination=\"", "Destination=\"x")),
        "signature_bad_digest"
    );
}

#[test]
fn a91_cbc_only_where_it_was_signed() {
    for algorithm in &ALGORITHMS[3..] {
        let counting = Counting::new();
        let xml = around(&Encryption::new(algorithm).element("EncryptedAssertion", &signed_assertion()));
        let refused = Reject::EncryptedAlgRefused {
            found: format!("http://www.w3.org/{algorithm}"),
        };
        assert_eq!(open_with(&xml, &counting).unwrap_err(), refused);
        assert_eq!(counting.unwraps.get(), 0);
    }
}

/// Every failure that depends on a key or on the plaintext is one and the same value.
#[test]
fn a91_a172_one_error_for_all() {
    let gcm = Encryption::new(GCM_256);
    let cbc = Encryption::new(CBC_256);
    let plaintext = bare_assertion();
    let mut messages = Vec::new();
    let mut ciphertexts = |encryption: &Encryption, octets: &[u8]| {
        messages.push(sign_response(&around(
            &encryption.element_of("EncryptedAssertion", octets),
        )));
    };
    let whole = gcm.ciphertext(plaintext.as_bytes());
    for at in [0, 11, 12, 100, whole.len() - 16, whole.len() - 1] {
        let mut octets = whole.clone();
        octets[at] ^= 1;
        ciphertexts(&gcm, &octets);
    }
    // Padding of 0, of more than a block, ciphertexts of no block and of a broken one, an IV alone, nothing.
    for padding in [0, 17, 255] {
        let mut octets = padded(plaintext.as_bytes());
        *octets.last_mut().unwrap() = padding;
        ciphertexts(&cbc, &cbc_256(&cbc.key, &octets));
    }
    let whole = cbc.ciphertext(plaintext.as_bytes());
    for length in [0, 1, 15, 16, 17, 31, whole.len() - 1] {
        ciphertexts(&cbc, &whole[..length]);
    }
    // Padding that holds around something that is not UTF-8, not XML, no assertion, or has a signature that fails.
    let evil = signed_assertion().replace(">ada@acme.test<", ">eve@acme.test<");
    let doctype = format!("<!DOCTYPE a>{plaintext}");
    for inner in [
        &b"\xFF\xFE\xFD"[..],
        b"",
        b"text",
        b"<a/>",
        doctype.as_bytes(),
        evil.as_bytes(),
    ] {
        ciphertexts(&cbc, &cbc.ciphertext(inner));
    }
    // Keys: of another length, and not wrapped for us.
    for length in [0, 15, 16, 24, 31, 33, 64] {
        let mut encryption = gcm.clone();
        let octets = gcm.ciphertext(plaintext.as_bytes());
        encryption.key = vec![1; length];
        messages.push(sign_response(&around(
            &encryption.element_of("EncryptedAssertion", &octets),
        )));
    }
    let mut other = gcm.clone();
    other.key[0] ^= 1;
    let octets = other.ciphertext(plaintext.as_bytes());
    messages.push(sign_response(&around(&gcm.element_of("EncryptedAssertion", &octets))));
    let good = gcm.element("EncryptedAssertion", &plaintext);
    let wrapped = between(
        &good,
        "rsa-oaep-mgf1p\"/><xenc:CipherData><xenc:CipherValue>",
        "</xenc:CipherValue>",
    );
    for broken in [
        String::new(),
        "AAAA".to_owned(),
        wrapped
            .replacen(&wrapped[..1], "_", 1)
            .replace('_', other_letter(wrapped)),
    ] {
        messages.push(sign_response(&around(&good.replace(wrapped, &broken))));
    }
    assert!(messages.len() > 30);
    for xml in messages {
        assert_eq!(open(&xml).unwrap_err(), Reject::DecryptionFailed, "{xml}");
    }
}

/// With AES-CBC nothing tells how far it came: not what is encrypted within, nor what stands around, nor the number of keys.
#[test]
fn a91_nothing_tells_how_far_it_came() {
    let gcm = Encryption::new(GCM_256);
    let unknown = Encryption {
        algorithm: "2001/04/xmlenc#tripledes-cbc",
        suffix: "1".to_owned(),
        ..gcm.clone()
    };
    let within = Encryption {
        suffix: "2".to_owned(),
        ..gcm.clone()
    };
    let many: String = (0..MAX_KEY_UNWRAPS_PER_MESSAGE)
        .map(|number| {
            let encryption = Encryption {
                suffix: format!("m{number}"),
                ..gcm.clone()
            };
            encryption.element("EncryptedAttribute", &attribute("role"))
        })
        .collect();
    for (inner, expected) in [
        (
            with_subject(&unknown.element("EncryptedID", &name_id("ada"))),
            "encrypted_alg_refused",
        ),
        (
            with_subject(&within.element("EncryptedID", &attribute("role"))),
            "response_malformed",
        ),
        (with_subject(&within.element("EncryptedID", "<a")), "xml_not_wellformed"),
        (with_attributes(&many), "too_large"),
        (
            with_subject(&within.element("EncryptedID", &name_id("ada"))),
            "accepted",
        ),
    ] {
        let inner = assertion(&inner);
        assert_eq!(code(&outside(&gcm, inner)), expected);
        let expected = if expected == "accepted" {
            expected
        } else {
            "decryption_failed"
        };
        assert_eq!(code(&outside(&Encryption::new(CBC_256), inner)), expected);
    }

    // What is wrong around it is said before anything is unwrapped, whatever is encrypted.
    for algorithm in [GCM_256, CBC_256] {
        let encryption = Encryption::new(algorithm);
        let whole = encryption.ciphertext(bare_assertion().as_bytes());
        for ciphertext in [&whole[..], &whole[..whole.len() - 16], &[0; 64]] {
            let xml = around(&encryption.element_of("EncryptedAssertion", ciphertext));
            let counting = Counting::new();
            let broken =
                sign_response(&xml.replacen("IssueInstant=\"2026-07-01T12:00:00Z\"", "IssueInstant=\"never\"", 1));
            let refusal = open_with(&broken, &counting).unwrap_err();
            assert_eq!(refusal, Reject::ResponseMalformed(Shape::Attribute("IssueInstant")));
            assert_eq!(counting.unwraps.get(), 0);
        }
    }

    // One ciphertext that is not authenticated makes the failures of all one.
    let cbc = Encryption {
        suffix: "c".to_owned(),
        ..Encryption::new(CBC_256)
    };
    for (good, expected) in [(&within, "response_malformed"), (&cbc, "decryption_failed")] {
        let good = good.element("EncryptedAttribute", &attribute("role"));
        let bad = gcm.element("EncryptedAttribute", &name_id("ada"));
        assert_eq!(code(&with_attributes(&format!("{good}{bad}"))), expected);
        assert_eq!(code(&with_attributes(&format!("{bad}{good}"))), expected);
    }

    // Neither does the number of unwraps that are left tell which of two keys was ours.
    let most = MAX_KEY_UNWRAPS_PER_MESSAGE / 2;
    for first_is_ours in [true, false] {
        let one = |number: usize| {
            let encryption = Encryption {
                suffix: number.to_string(),
                ..gcm.clone()
            };
            let xml = encryption.element("EncryptedAttribute", &attribute("role"));
            let ours = encryption.encrypted_key();
            let value = between(&ours, "<xenc:CipherValue>", "</xenc:CipherValue>");
            let theirs = ours.replace(value, "AAAA").replace("_key", "_other");
            let start = xml.find("<xenc:EncryptedKey").unwrap();
            let end = xml.find("</ds:KeyInfo>").unwrap();
            let keys = if first_is_ours { [ours, theirs] } else { [theirs, ours] };
            xml.replace(&xml[start..end], &keys.concat())
        };
        let many = |count: usize| code(&with_attributes(&(0..count).map(one).collect::<String>()));
        assert_eq!([many(most), many(most + 1)], ["accepted", "too_large"]);
    }
}

fn other_letter(text: &str) -> &'static str {
    if text.starts_with('A') { "B" } else { "A" }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let start = text.find(before).unwrap() + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

#[test]
fn a92_a_whole_tag_or_nothing() {
    for algorithm in &ALGORITHMS[..3] {
        let encryption = Encryption::new(algorithm);
        let whole = encryption.ciphertext(signed_assertion().as_bytes());
        let lengths = [0, 1, 11, 12, 13, 27, 28].into_iter();
        for length in lengths.chain([1, 3, 4, 12, 15, 16].map(|cut| whole.len() - cut)) {
            let xml = around(&encryption.element_of("EncryptedAssertion", &whole[..length]));
            assert_eq!(open(&xml).unwrap_err(), Reject::DecryptionFailed);
        }
    }
    // A tag that holds for nothing at all.
    let nothing = Encryption::new(GCM_256).element("EncryptedAssertion", "");
    assert_eq!(code(&around(&nothing)), "xml_not_wellformed");
}

#[test]
fn a93_a95_key_transport_is_a_list() {
    let good = inside(&signed_assertion());
    let oaep = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    for uri in [
        "",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        "http://www.w3.org/2001/04/xmlenc#kw-aes256",
        "http://www.w3.org/2009/xmlenc11#rsa-oaep-mgf1p",
    ] {
        let refused = Reject::EncryptedAlgRefused { found: uri.to_owned() };
        assert_eq!(open(&good.replace(oaep, uri)).unwrap_err(), refused);
        // Signed or not makes no difference.
        let signed = sign_response(&good.replace(oaep, uri));
        assert_eq!(open(&signed).unwrap_err(), refused);
    }
    let method = format!("Algorithm=\"{oaep}\"/>");
    let with = |children: &str| {
        good.replace(
            &method,
            &format!("Algorithm=\"{oaep}\">{children}</xenc:EncryptionMethod>"),
        )
    };
    let mask = |uri: &str| format!("<x:MGF xmlns:x=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"{uri}\"/>");
    let digest = |uri: &str| format!("<ds:DigestMethod Algorithm=\"{uri}\"/>");
    assert_eq!(code(&with("")), "accepted");
    assert_eq!(
        code(&with(&mask("http://www.w3.org/2009/xmlenc11#mgf1sha1"))),
        "accepted"
    );
    assert_eq!(
        code(&with(&mask("http://www.w3.org/2009/xmlenc11#mgf1sha256"))),
        "encrypted_alg_refused"
    );
    assert_eq!(code(&with(&mask("urn:example:mgf"))), "encrypted_alg_refused");
    assert_eq!(
        code(&with(&digest("http://www.w3.org/2000/09/xmldsig#sha1"))),
        "accepted"
    );
    assert_eq!(
        code(&with(&digest("http://www.w3.org/2001/04/xmldsig-more#md5"))),
        "encrypted_alg_refused"
    );
    // Another digest or label than was used does not open it.
    assert_eq!(
        code(&with(&digest("http://www.w3.org/2001/04/xmlenc#sha256"))),
        "decryption_failed"
    );
    assert_eq!(
        code(&with("<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>")),
        "decryption_failed"
    );
    assert_eq!(code(&with("<ds:KeySize>1</ds:KeySize>")), "response_malformed");
}

/// Parameters that the one who unwraps cannot undo can be seen from outside, so they may be named.
#[test]
fn a95_parameters_that_cannot_be_undone() {
    struct None;
    impl UnwrapKey for None {
        fn supports(&self, transport: &RsaOaep) -> bool {
            transport.digest != transport.mask_digest
        }

        async fn unwrap_key(&self, _: &RsaOaep, _: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
            panic!("not asked");
        }
    }
    let refused = Reject::EncryptedAlgRefused {
        found: "RSA-OAEP with SHA-1 and MGF1 with SHA-1".to_owned(),
    };
    assert_eq!(open_with(&inside(&signed_assertion()), &None).unwrap_err(), refused);
}

#[test]
fn a96_the_key_is_as_long_as_the_algorithm_says() {
    for (said, really) in [
        ("2009/xmlenc11#aes256-gcm", "2009/xmlenc11#aes128-gcm"),
        ("2009/xmlenc11#aes128-gcm", "2009/xmlenc11#aes256-gcm"),
        ("2009/xmlenc11#aes192-gcm", "2009/xmlenc11#aes256-gcm"),
    ] {
        let mut encryption = Encryption::new(really);
        encryption.algorithm = said;
        let xml = around(&encryption.element("EncryptedAssertion", &signed_assertion()));
        assert_eq!(code(&xml), "decryption_failed");
    }
    // GCM that is said to be CBC: whoever changes that can then try what comes out.
    let mut encryption = Encryption::new(GCM_256);
    encryption.algorithm = CBC_256;
    let xml = around(&encryption.element("EncryptedAssertion", &signed_assertion()));
    assert_eq!(code(&xml), "encrypted_alg_refused");
    let sized = |bits: &str| {
        inside(&signed_assertion()).replace(
            "aes256-gcm\"/>",
            &format!("aes256-gcm\"><xenc:KeySize>{bits}</xenc:KeySize></xenc:EncryptionMethod>"),
        )
    };
    assert_eq!(code(&sized("256")), "accepted");
    assert_eq!(code(&sized("128")), "response_malformed");
}

#[test]
fn a97_places_for_the_wrapped_key() {
    let placed = |place| {
        let mut encryption = Encryption::new(GCM_256);
        encryption.place = place;
        encryption.element("EncryptedAssertion", &signed_assertion())
    };
    for place in [KeyPlace::Inside, KeyPlace::Beside, KeyPlace::Retrieved] {
        assert_eq!(code(&around(&placed(place))), "accepted");
        assert_eq!(code(&sign_response(&around(&placed(place)))), "accepted");
    }
    let retrieved = placed(KeyPlace::Retrieved);
    for uri in [
        "",
        "#",
        "_key",
        "#_data",
        "#_nothing",
        "#xpointer(id('_key'))",
        "https://evil.example/#_key",
        "#%5Fkey",
    ] {
        let edited = retrieved.replace("URI=\"#_key\"", &format!("URI=\"{uri}\""));
        assert_eq!(code(&around(&edited)), "response_malformed", "{uri}");
    }
    let typed = retrieved.replace("xmlenc#EncryptedKey\" URI", "xmlenc#DerivedKey\" URI");
    assert_eq!(code(&around(&typed)), "response_malformed");
    let transformed = retrieved.replace("URI=\"#_key\"/>", "URI=\"#_key\"><ds:Transforms/></ds:RetrievalMethod>");
    assert_eq!(code(&around(&transformed)), "response_malformed");
    let twice = retrieved.replace("Id=\"_data\"", "Id=\"_key\"");
    assert_eq!(code(&around(&twice)), "duplicate_id");
    // For whom it says that it is decides nothing.
    let recipient = retrieved.replace(
        "<xenc:EncryptedKey ",
        "<xenc:EncryptedKey Recipient=\"urn:example:other\" ",
    );
    assert_eq!(code(&around(&recipient)), "accepted");
    let none = placed(KeyPlace::Inside).replace(&Encryption::new(GCM_256).encrypted_key(), "");
    let key = between(
        &none,
        "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        "</ds:KeyInfo>",
    );
    assert_eq!(code(&around(&none.replace(key, ""))), "response_malformed");
    assert_eq!(
        code(&around(
            &none.replace(key, "<xenc:AgreementMethod Algorithm=\"urn:example:dh\"/>")
        )),
        "encrypted_alg_refused"
    );
}

#[test]
fn a97_few_keys_are_tried() {
    let encryption = Encryption::new(GCM_256);
    let message = |keys: &str| {
        let xml = encryption.element("EncryptedAssertion", &signed_assertion());
        let start = xml.find("<xenc:EncryptedKey").unwrap();
        let end = xml.find("</ds:KeyInfo>").unwrap();
        around(&xml.replace(&xml[start..end], keys))
    };
    let right = encryption.encrypted_key();
    let wrong = |count: usize| {
        let value = between(&right, "<xenc:CipherValue>", "</xenc:CipherValue>");
        right.replace(value, "AAAA").replace(" Id=\"_key\"", "").repeat(count)
    };
    let unwraps = |keys: &str| {
        let counting = Counting::new();
        let outcome = open_with(&message(keys), &counting).map_or_else(|reject| reject.code().as_str(), |_| "accepted");
        (outcome, counting.unwraps.get())
    };
    assert_eq!(MAX_ENCRYPTED_KEYS, 2);
    assert_eq!(unwraps(&right), ("accepted", 1));
    assert_eq!(unwraps(&format!("{}{right}", wrong(1))), ("accepted", 2));
    assert_eq!(unwraps(&format!("{}{right}", wrong(2))), ("decryption_failed", 2));
    assert_eq!(unwraps(&wrong(1_000)), ("decryption_failed", 2));
    // Neither those beside, nor what stands after the second, is looked at.
    let beside = message(&wrong(2)).replace(
        "</saml2:EncryptedAssertion>",
        &format!("{right}</saml2:EncryptedAssertion>"),
    );
    let counting = Counting::new();
    assert_eq!(open_with(&beside, &counting).unwrap_err(), Reject::DecryptionFailed);
    assert_eq!(counting.unwraps.get(), 2);
    let nothing = "<ds:RetrievalMethod URI=\"#_nothing\"/>".repeat(1_000);
    assert_eq!(unwraps(&format!("{right}{}{nothing}", wrong(1))), ("accepted", 1));
    // A key of another length gives way to the next.
    let mut short = encryption.clone();
    short.key.truncate(16);
    let short = short.encrypted_key().replace(" Id=\"_key\"", "");
    assert_eq!(unwraps(&format!("{short}{right}")), ("accepted", 2));
    let retrievals = "<ds:RetrievalMethod URI=\"#_key\"/>".repeat(1_000);
    assert_eq!(unwraps(&format!("{retrievals}{right}")), ("accepted", 1));
}

#[test]
fn a97_few_keys_are_unwrapped_for_one_message() {
    let one = |number: usize| {
        let mut encryption = Encryption::new(GCM_256);
        encryption.suffix = number.to_string();
        encryption.element("EncryptedAttribute", &attribute(&format!("a{number}")))
    };
    let attributes = |count: usize| with_attributes(&(0..count).map(one).collect::<String>());
    assert_eq!(code(&attributes(MAX_KEY_UNWRAPS_PER_MESSAGE)), "accepted");
    let counting = Counting::new();
    let outcome = open_with(&attributes(MAX_KEY_UNWRAPS_PER_MESSAGE + 1), &counting);
    assert_eq!(outcome.unwrap_err(), Reject::TooLarge);
    assert_eq!(counting.unwraps.get(), 0);
    // Each may point at its key anywhere in the document, so what is one too many is not read.
    let mut unreadable = Encryption::new(GCM_256);
    unreadable.suffix = "u".to_owned();
    let unreadable = unreadable
        .element("EncryptedAttribute", &attribute("role"))
        .replace("CipherValue>", "CipherValues>");
    assert_eq!(code(&with_attributes(&unreadable)), "response_malformed");
    let all: String = (0..MAX_KEY_UNWRAPS_PER_MESSAGE).map(one).collect();
    assert_eq!(code(&with_attributes(&(all + &unreadable))), "too_large");
}

#[test]
fn a98_nothing_is_fetched() {
    let good = Encryption::new(GCM_256).element("EncryptedAssertion", &signed_assertion());
    let value = whole(&good, "<xenc:CipherValue>", "</xenc:CipherValue>");
    let last = good.rfind("<xenc:CipherValue>").unwrap();
    let data = whole(&good[last..], "<xenc:CipherValue>", "</xenc:CipherValue>");
    for value in [value, data] {
        for reference in [
            "<xenc:CipherReference URI=\"https://evil.example/\"/>",
            "<xenc:CipherReference URI=\"#_data\"><xenc:Transforms/></xenc:CipherReference>",
            "",
        ] {
            assert_eq!(code(&around(&good.replace(value, reference))), "response_malformed");
        }
        let both = format!("{value}<xenc:CipherReference URI=\"\"/>");
        assert_eq!(code(&around(&good.replace(value, &both))), "response_malformed");
        assert_eq!(
            code(&around(&good.replace(value, &value.repeat(2)))),
            "response_malformed"
        );
    }
}

fn whole<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap();
    &text[from..from + text[from..].find(end).unwrap() + end.len()]
}

#[test]
fn a99_the_plaintext_goes_through_everything() {
    let good = signed_assertion();
    let sealed = Encryption::new(GCM_256);
    let put = |what: &str| good.replace("</saml2:Assertion>", &format!("{what}</saml2:Assertion>"));
    let deep = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
    let signature = whole(&good, "<ds:Signature ", "</ds:Signature>");
    let advice = |what: &str| put(&format!("<saml2:Advice>{what}</saml2:Advice>"));
    let nested = sealed.element("EncryptedAssertion", &good);
    let value = |what: &str| good.replace("Ada</saml2:AttributeValue>", &format!("{what}</saml2:AttributeValue>"));
    let data = whole(&nested, "<xenc:EncryptedData", "</xenc:EncryptedData>");
    let response = Idp::trusted().respond(&Message::default(), Signed::Response);
    for (plaintext, expected) in [
        (format!("{good}{good}"), "xml_not_wellformed"),
        (format!("{good}text"), "xml_not_wellformed"),
        ("text".to_owned(), "xml_not_wellformed"),
        (format!("<!DOCTYPE a>{good}"), "doctype_forbidden"),
        (format!("<!-- -->{good}"), "comment_forbidden"),
        (good.replace(">ada@", ">ada<!-- -->@"), "comment_forbidden"),
        (format!("<?a b?>{good}"), "processing_instruction_forbidden"),
        (
            good.replace("xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID", "ID"),
            "xml_not_wellformed",
        ),
        (put(&deep), "too_large"),
        (
            good.replace("_session\"", "_session\" ID=\"_assertion\""),
            "duplicate_id",
        ),
        (response, "response_malformed"),
        (name_id("ada"), "response_malformed"),
        (
            good.replace(
                "urn:oasis:names:tc:SAML:2.0:assertion",
                "urn:oasis:names:tc:SAML:1.0:assertion",
            ),
            "response_malformed",
        ),
        (nested.clone(), "response_malformed"),
        (advice(&nested), "response_malformed"),
        (
            advice(&bare_assertion().replace("_assertion", "_other")),
            "response_malformed",
        ),
        (data.to_owned(), "response_malformed"),
        (value(data), "encrypted_unexpected"),
        (advice(data), "encrypted_unexpected"),
        (
            advice(&sealed.element("EncryptedID", &name_id("ada"))),
            "encrypted_unexpected",
        ),
        (
            put(&sealed.element("EncryptedID", &name_id("ada"))),
            "encrypted_unexpected",
        ),
        (advice(signature), "signature_wrong_target"),
        (good.replace(signature, &signature.repeat(2)), "signature_multiple"),
    ] {
        assert_eq!(code(&inside(&plaintext)), expected, "{plaintext}");
        // A signature around it excuses nothing.
        assert_eq!(code(&outside(&sealed, &plaintext)), expected, "{plaintext}");
    }
    assert_eq!(
        open(&around(
            &sealed.element_of("EncryptedAssertion", &sealed.ciphertext(b"\xFF"))
        ))
        .unwrap_err()
        .code(),
        "encoding_bad"
    );
    for (attributes, expected) in [
        ("", "accepted"),
        (
            "Type=\"http://www.w3.org/2001/04/xmlenc#Content\"",
            "response_malformed",
        ),
        (
            "Type=\"http://www.isi.edu/in-notes/iana/assignments/media-types/text/xml\"",
            "response_malformed",
        ),
    ] {
        let mut encryption = sealed.clone();
        attributes.clone_into(&mut encryption.attributes);
        assert_eq!(
            code(&around(&encryption.element("EncryptedAssertion", &good))),
            expected
        );
    }
}

#[test]
fn a100_identifiers_and_attributes_are_decrypted() {
    for algorithm in [GCM_256, CBC_256] {
        let encryption = Encryption::new(algorithm);
        let xml = with_subject(&encryption.element("EncryptedID", &name_id("grace")));
        let response = open(&xml).unwrap();
        assert_eq!(response.assertion().get().name_id.as_ref().unwrap().value, "grace");
        // In an assertion that was itself encrypted.
        let response = open(&inside(assertion(&xml))).unwrap();
        assert_eq!(response.assertion().get().name_id.as_ref().unwrap().value, "grace");

        let encrypted = |name: &str| {
            let mut encryption = Encryption::new(algorithm);
            encryption.suffix = name.to_owned();
            encryption.element("EncryptedAttribute", &attribute(name))
        };
        let xml = with_attributes(&format!(
            "{}{}{}{}",
            encrypted("a"),
            attribute("b"),
            encrypted("c"),
            encrypted("d")
        ));
        let response = open(&xml).unwrap();
        let names: Vec<_> = response
            .assertion()
            .get()
            .attributes
            .iter()
            .map(|a| a.name.clone())
            .collect();
        assert_eq!(names, ["a", "b", "c", "d", "Email address", "First name", "Last name"]);
    }
}

#[test]
fn a100_they_are_never_ignored() {
    for algorithm in [GCM_256, CBC_256] {
        let good = Encryption::new(algorithm);
        let opaque = algorithm == CBC_256;
        let subject = |plaintext: &str| with_subject(&good.element("EncryptedID", plaintext));
        let statement = |plaintext: &str| with_attributes(&good.element("EncryptedAttribute", plaintext));
        let inner = good.element("EncryptedAttribute", &attribute("role"));
        let data = whole(&inner, "<xenc:EncryptedData", "</xenc:EncryptedData>");
        let signature = Idp::trusted().signature("_x", "");
        for (xml, expected) in [
            (subject(&attribute("role")), "response_malformed"),
            (
                subject(&name_id("ada").replace("NameID", "Issuer")),
                "response_malformed",
            ),
            (subject(&bare_assertion()), "response_malformed"),
            (subject(&name_id("<a/>")), "response_malformed"),
            (subject(&name_id("a<!-- -->b")), "comment_forbidden"),
            (
                subject(&format!("{}{}", name_id("a"), name_id("b"))),
                "xml_not_wellformed",
            ),
            (subject("<saml2:NameID>ada</saml2:NameID>"), "xml_not_wellformed"),
            (statement(&name_id("ada")), "response_malformed"),
            (statement(&inner), "response_malformed"),
            (
                statement(&attribute("role").replace("secret", data)),
                "encrypted_unexpected",
            ),
            (
                statement(&attribute("role").replace("secret", &signature)),
                "signature_wrong_target",
            ),
        ] {
            let expected = if opaque { "decryption_failed" } else { expected };
            assert_eq!(code(&xml), expected, "{xml}");
        }
        let mut wrong = good.clone();
        wrong.key[0] ^= 1;
        let broken = good.element_of("EncryptedID", &wrong.ciphertext(name_id("ada").as_bytes()));
        assert_eq!(open(&with_subject(&broken)).unwrap_err(), Reject::DecryptionFailed);
    }
    let id = Encryption::new(GCM_256).element("EncryptedID", &name_id("ada"));
    assert_eq!(
        code(&with_subject(&format!("{}{id}", name_id("eve")))),
        "response_malformed"
    );
    assert_eq!(
        code(&with_subject(&format!(
            "{id}{}",
            id.replace("_data", "_d").replace("_key", "_k")
        ))),
        "response_malformed"
    );
    let confirmation = "<saml2:SubjectConfirmationData";
    let message = Message::default()
        .to_xml()
        .replace(confirmation, &format!("{id}{confirmation}"));
    assert_eq!(
        code(&Idp::trusted().sign(&message, "_assertion")),
        "encrypted_unexpected"
    );
    // The signature covers the ciphertext: another one in its place is noticed before it is decrypted.
    let xml = with_subject(&id);
    let counting = Counting::new();
    let swapped = xml.replace(&id, &Encryption::new(GCM_256).element("EncryptedID", &name_id("eve")));
    assert_eq!(
        open_with(&swapped, &counting).unwrap_err().code(),
        "signature_bad_digest"
    );
    assert_eq!(counting.unwraps.get(), 0);
}

/// So that what comes out of signed ciphertext depends on nothing that was not signed.
#[test]
fn a_key_opens_only_what_it_came_with() {
    // The same content key, wrapped twice.
    let texts = [0, 1].map(|_| Encryption::new(GCM_256).element("EncryptedID", &name_id("ada")));
    let key = private_key();
    let [first, second] = texts.map(|text| {
        let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
        Encrypted::read(Document::parse(&source).unwrap().root()).unwrap()
    });
    let content_key = ready(Unwrapper::new(&key).content_key(&first, Cbc::Refused))
        .unwrap()
        .unwrap();
    assert!(first.decrypt(&content_key).is_ok());
    assert_eq!(second.decrypt(&content_key), Err(Error::DecryptionFailed));
}

/// Octets changed anywhere: never a panic, and never another identity than the one that was signed.
#[test]
fn changed_octets() {
    let encrypted_id = with_subject(&Encryption::new(CBC_256).element("EncryptedID", &name_id("ada@acme.test")));
    let seeds = [
        inside(&signed_assertion()),
        outside(&Encryption::new(CBC_256), &bare_assertion()),
        outside(&Encryption::new(GCM_256), assertion(&encrypted_id)),
    ];
    let mut accepted = 0;
    for (seed, step) in seeds.iter().zip([37, 41, 43]) {
        for (at, change) in (0..seed.len())
            .step_by(step)
            .zip([1, 2, 4, 8, 16, 32].into_iter().cycle())
        {
            let mut octets = seed.clone().into_bytes();
            octets[at] ^= change;
            let keys = [Idp::trusted().trusted_key()];
            let policy = Policy {
                keys: &keys,
                sha1: Sha1::Refused,
            };
            if let Ok(response) = ready(response::open_with(&octets, &policy, &private_key())).unwrap() {
                accepted += 1;
                let name_id = response.assertion().get().name_id.clone();
                assert_eq!(name_id.unwrap().value, "ada@acme.test");
            }
        }
    }
    // Some change what nobody signed: the outer element's attributes, hints.
    assert!((1..200).contains(&accepted), "{accepted}");
}
