//! Signatures of any XML document.

use edge_saml::dsig::{self, Error, Policy, RsaFloor, Sha1};
use edge_saml::xml::{self, Document, Element, Profile, Source, names};
use serde_json::Value;

use super::corpus::{Corpus, Unusable, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let outcome = check(corpus, case, RsaFloor::DangerLegacy, Sha1::Allowed)?;
    let said = outcome.detached;
    if outcome.enveloped.verdict() == Verdict::Valid && said.verdict() != Verdict::Valid {
        // What gives a proof must never accept what the other way in refuses: such an answer passes nowhere.
        return Ok(Answer::valid(Some(format!("without a proof it is refused: {said:?}"))));
    }
    Ok(Answer::new(said.verdict(), said.code(), &format!("{said:?}")))
}

/// What the two ways in say.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) detached: Said,
    pub(crate) enveloped: Said,
}

#[derive(Debug)]
pub(crate) enum Said {
    Held,
    Refused(Error),
    Unreadable(xml::Error),
}

impl Said {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Held => Verdict::Valid,
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
            ) => Verdict::Unsupported,
            Self::Refused(_) | Self::Unreadable(_) => Verdict::Invalid,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Held => "accepted",
            Self::Refused(error) => error.code().as_str(),
            Self::Unreadable(_) => "xml",
        }
    }
}

impl<T> From<Result<T, Error>> for Said {
    fn from(result: Result<T, Error>) -> Self {
        result.map_or_else(Self::Refused, |_| Self::Held)
    }
}

/// What is said of a case under a policy.
pub(crate) fn check(corpus: &Corpus, case: &Value, floor: RsaFloor, sha1: Sha1) -> Result<Outcome, Unusable> {
    let octets = corpus.read(text(case, "file")?)?;
    let keys = corpus.trusted_keys(case, floor)?;
    let unreadable = |error| {
        Ok(Outcome {
            detached: Said::Unreadable(error),
            enveloped: Said::Unreadable(error),
        })
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
    let Some(signature) = usize::try_from(index).ok().and_then(|index| signatures.nth(index)) else {
        return Ok(Outcome {
            detached: Said::Refused(Error::Unsigned),
            enveloped: Said::Refused(Error::Unsigned),
        });
    };
    let policy = Policy {
        keys: keys.as_deref().unwrap_or(&[]),
        sha1,
    };
    let why = |answer| match (answer, &keys) {
        // Which key it was that could not be used says more than that there is none.
        (Said::Refused(Error::NoTrustedKey), Err(error)) => Said::Refused(error.clone()),
        (answer, _) => answer,
    };
    let enveloped = |signed: Element<'_>| dsig::verify_document(&document, signed, &policy);
    Ok(Outcome {
        detached: why(dsig::verify_detached(&document, signature, &policy).into()),
        enveloped: why(signature.parent().map_or(Err(Error::Unsigned), enveloped).into()),
    })
}
