//! Every signature of the conformance corpus, by both ways in.

use std::collections::{BTreeMap, BTreeSet};

use edge_saml::dsig::{self, Certificate, Error, Policy, RsaFloor, Sha1};
use edge_saml::xml::{Document, Profile, Source, names};

use crate::corpus::{self, list, text};
use crate::suite::Verdict;
use crate::suite::dsig::check;

/// Valid responses whose signature is refused all the same, and why.
const RESPONSE_EXCEPTIONS: &[(&str, &str)] = &[
    ("saml-response-gen-valid-reference-uri-empty-on-response", NOT_BY_ID),
    ("saml-response-gosaml2-oktadev-02", NOT_BY_ID),
    ("saml-response-rubysaml-response-without-reference-uri", NOT_BY_ID),
];
const NOT_BY_ID: &str = "the reference is empty; it must be to the ID (SAML Core 5.4.2, attack A27)";

/// Valid responses with signatures at a third place: on assertions inside of `Advice`.
const STRAY_SIGNATURES: &[&str] = &[
    "saml-response-nodesaml-response-root-signed-assertion-signed-2advice-signed",
    "saml-response-nodesaml-response-root-unsigned-assertion-signed-1advice-signed",
];

/// What gives a proof never accepts what the other way in refuses.
#[test]
fn the_way_in_with_a_proof_is_the_stricter_one() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for case in corpus.cases("dsig") {
        let outcome = check(&corpus, &case, RsaFloor::DangerLegacy, Sha1::Allowed).unwrap();
        *counts.entry(outcome.enveloped.verdict()).or_default() += 1;
        if outcome.enveloped.verdict() == Verdict::Valid {
            assert_eq!(outcome.detached.verdict(), Verdict::Valid, "{}", text(&case, "id"));
        }
    }
    println!("enveloped: {counts:#?}");
}

/// What a connection without exceptions makes of them: nothing more, and less only for weak algorithms and keys.
#[test]
fn the_default_policy_only_refuses_more() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in corpus.cases("dsig") {
        let id = text(&case, "id");
        let outcome = check(&corpus, &case, RsaFloor::Standard, Sha1::Refused).unwrap();
        let lenient = check(&corpus, &case, RsaFloor::DangerLegacy, Sha1::Allowed).unwrap();
        *counts.entry(outcome.detached.code()).or_default() += 1;
        match outcome.detached.verdict() {
            Verdict::Valid => assert_eq!(lenient.detached.verdict(), Verdict::Valid, "{id}"),
            _ if lenient.detached.verdict() == Verdict::Valid => {
                assert!(
                    matches!(outcome.detached.code(), "signature_alg_weak" | "key_weak"),
                    "{id}: {outcome:?}"
                );
            }
            _ => {}
        }
    }
    println!("the default policy: {counts:#?}");
}

/// Signatures of SAML responses that everyone accepts go through the strict way in.
#[test]
fn signatures_of_valid_responses() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut wrong, mut strays) = (Vec::new(), Vec::new());
    for case in corpus.cases("saml-response") {
        let id = text(&case, "id");
        if list(&case, "accept") != ["valid"] {
            continue;
        }
        let octets = corpus.read(text(&case, "file")).unwrap();
        let source = match Source::check(&octets, Profile::SamlMessage) {
            Ok(source) => source,
            Err(error) => {
                *counts.entry(format!("unreadable: {error}")).or_default() += 1;
                continue;
            }
        };
        let document = Document::parse(&source).unwrap();
        let keys = corpus.trusted_keys(&case, RsaFloor::DangerLegacy).unwrap().unwrap();
        let policy = Policy {
            keys: &keys,
            sha1: Sha1::Allowed,
        };
        let root = document.root();
        let assertion = root.child(names::SAML, "Assertion").unwrap();
        let signed = [Some(root), assertion].into_iter().flatten();
        for verdict in signed.map(|signed| dsig::verify(signed, &policy)) {
            match &verdict {
                Ok(octets) => assert!(octets.get().as_bytes().starts_with(b"<"), "{id}"),
                Err(Error::Unsigned) => {}
                Err(error) if RESPONSE_EXCEPTIONS.iter().any(|(exception, _)| *exception == id) => {
                    println!("{id}: {error}");
                }
                Err(error) => wrong.push(format!("{id}: {error:?}")),
            }
            *counts
                .entry(
                    verdict
                        .err()
                        .map_or("accepted", |error| error.code().as_str())
                        .to_owned(),
                )
                .or_default() += 1;
        }
        let homes: Vec<_> = std::iter::once(root).chain(assertion).collect();
        if dsig::signatures_outside(&homes, root) {
            strays.push(id.to_owned());
        }
    }
    println!("signatures of valid responses: {counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(strays, STRAY_SIGNATURES);
}

/// Certificates from many hands, old and odd: each is read, whatever its key.
#[test]
fn every_certificate_is_readable() {
    let Some(corpus) = corpus::open() else { return };
    let mut files = BTreeSet::new();
    for kind in ["dsig", "saml-response", "saml-logout", "saml-metadata"] {
        for case in corpus.cases(kind) {
            let certificates = list(&case, "keys")
                .iter()
                .filter(|key| text(key, "role") == "trusted-cert");
            files.extend(certificates.map(|key| text(key, "file").to_owned()));
        }
    }
    for file in &files {
        let certificate =
            Certificate::read(&corpus.read(file).unwrap()).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(certificate.not_before() < certificate.not_after(), "{file}");
        match certificate.key(RsaFloor::Standard) {
            Ok(_) | Err(Error::KeyUnsupported | Error::KeyWeak { .. }) => {}
            Err(error) => panic!("{file}: {error}"),
        }
    }
    println!("{} certificates", files.len());
}
