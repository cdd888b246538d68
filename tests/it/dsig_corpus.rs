//! Every signature of the conformance corpus, by both ways in.

use std::collections::{BTreeMap, BTreeSet};

use edge_saml::dsig::{self, Certificate, Error, Policy, RsaFloor, Sha1, TrustedKey};
use edge_saml::xml::{self, Document, Element, Profile, Source, names};
use serde_json::Value;

use crate::corpus::{self, Corpus, list, text};

/// Cases whose `accept` has no verdict of ours, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "dsig-gen-rsa-pss-params-sha256-salt0",
        "RSA-PSS: only a salt as long as the digest (attack A79)",
    ),
    (
        "dsig-gen-rsa-pss-params-sha512-mgf256-salt20",
        "RSA-PSS: only one hash for both (attack A79)",
    ),
    (
        "dsig-gen-two-c14n-transforms",
        "at most one canonicalisation (attack A85, SAML Core 5.4.4)",
    ),
];

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

/// All that is known is allowed, short keys too: does the verifier agree with everyone else?
#[test]
fn every_verdict_is_an_accepted_one() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in corpus.cases("dsig") {
        let id = text(&case, "id");
        let outcome = check(&corpus, &case, RsaFloor::DangerLegacy, Sha1::Allowed);
        let verdict = outcome.detached.verdict();
        *counts
            .entry(format!("{verdict} ({})", outcome.detached.code()))
            .or_default() += 1;
        let accepted = list(&case, "accept").iter().any(|accept| accept == verdict);
        let excepted = EXCEPTIONS.iter().any(|(exception, _)| *exception == id);
        if accepted == excepted {
            wrong.push(format!(
                "{id}: {verdict}, {:?}, accept {:?}",
                outcome.detached,
                list(&case, "accept")
            ));
        }
        // What gives a proof never accepts what the other way in refuses.
        if outcome.enveloped.verdict() == "valid" {
            assert_eq!(verdict, "valid", "{id}");
            *counts.entry("valid and enveloped".to_owned()).or_default() += 1;
        }
    }
    println!("legacy keys, SHA-1 allowed: {counts:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a connection without exceptions makes of them: nothing more, and less only for weak algorithms and keys.
#[test]
fn the_default_policy_only_refuses_more() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in corpus.cases("dsig") {
        let id = text(&case, "id");
        let outcome = check(&corpus, &case, RsaFloor::Standard, Sha1::Refused);
        let lenient = check(&corpus, &case, RsaFloor::DangerLegacy, Sha1::Allowed);
        *counts.entry(outcome.detached.code()).or_default() += 1;
        match outcome.detached.verdict() {
            "valid" => assert_eq!(lenient.detached.verdict(), "valid", "{id}"),
            _ if lenient.detached.verdict() == "valid" => {
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
        let octets = corpus.read(text(&case, "file"));
        let source = match Source::check(&octets, Profile::SamlMessage) {
            Ok(source) => source,
            Err(error) => {
                *counts.entry(format!("unreadable: {error}")).or_default() += 1;
                continue;
            }
        };
        let document = Document::parse(&source).unwrap();
        let keys = keys(&corpus, &case, RsaFloor::DangerLegacy).unwrap();
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
                .entry(verdict.err().map_or("accepted", |error| error.code()).to_owned())
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
        let certificate = Certificate::read(&corpus.read(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(certificate.not_before() < certificate.not_after(), "{file}");
        match certificate.key(RsaFloor::Standard) {
            Ok(_) | Err(Error::KeyUnsupported | Error::KeyWeak { .. }) => {}
            Err(error) => panic!("{file}: {error}"),
        }
    }
    println!("{} certificates", files.len());
}

/// What the two ways in say.
#[derive(Debug)]
struct Outcome {
    detached: Answer,
    enveloped: Answer,
}

#[derive(Debug)]
enum Answer {
    Held,
    Refused(Error),
    Unreadable(xml::Error),
}

impl Answer {
    fn verdict(&self) -> &'static str {
        match self {
            Self::Held => "valid",
            Self::Refused(
                Error::AlgorithmUnsupported { .. }
                | Error::AlgorithmWeak { .. }
                | Error::KeyUnsupported
                | Error::KeyWeak { .. }
                | Error::ReferenceUnsupported { .. }
                | Error::TransformForbidden { .. },
            )
            | Self::Unreadable(
                xml::Error::DoctypeForbidden | xml::Error::DoctypeInternalSubset | xml::Error::EncodingUnsupported,
            ) => "unsupported",
            Self::Refused(_) | Self::Unreadable(_) => "invalid",
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Held => "accepted",
            Self::Refused(error) => error.code(),
            Self::Unreadable(_) => "xml",
        }
    }
}

impl<T> From<Result<T, Error>> for Answer {
    fn from(result: Result<T, Error>) -> Self {
        result.map_or_else(Self::Refused, |_| Self::Held)
    }
}

fn check(corpus: &Corpus, case: &Value, floor: RsaFloor, sha1: Sha1) -> Outcome {
    let octets = corpus.read(text(case, "file"));
    let unreadable = |error| Outcome {
        detached: Answer::Unreadable(error),
        enveloped: Answer::Unreadable(error),
    };
    let source = match Source::check(&octets, Profile::Document) {
        Ok(source) => source,
        Err(error) => return unreadable(error),
    };
    let document = match Document::parse(&source) {
        Ok(document) => document,
        Err(error) => return unreadable(error),
    };
    let index = case
        .pointer("/params/signature_index")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let mut signatures = document.elements().filter(|element| element.is(names::DS, "Signature"));
    let signature = signatures.nth(usize::try_from(index).unwrap()).unwrap();
    let keys = keys(corpus, case, floor);
    let policy = Policy {
        keys: keys.as_deref().unwrap_or(&[]),
        sha1,
    };
    let why = |answer| match (answer, &keys) {
        // Which key it was that could not be used says more than that there is none.
        (Answer::Refused(Error::NoTrustedKey), Err(error)) => Answer::Refused(error.clone()),
        (answer, _) => answer,
    };
    let enveloped = |signed: Element<'_>| dsig::verify_document(&document, signed, &policy);
    Outcome {
        detached: why(dsig::verify_detached(&document, signature, &policy).into()),
        enveloped: why(signature.parent().map_or(Err(Error::Unsigned), enveloped).into()),
    }
}

pub(crate) fn keys(corpus: &Corpus, case: &Value, floor: RsaFloor) -> Result<Vec<TrustedKey>, Error> {
    let mut keys = Vec::new();
    for key in list(case, "keys") {
        let octets = corpus.read(text(key, "file"));
        let key = match text(key, "role") {
            "trusted-pubkey" => TrustedKey::read(&octets, floor)?,
            "trusted-cert" => Certificate::read(&octets)?.key(floor)?,
            _ => continue,
        };
        // A certificate and the public key out of it are one key.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}
