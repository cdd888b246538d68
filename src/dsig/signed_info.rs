//! `ds:Signature`, read into one strict shape.
//!
//! Children are taken one by one in the schema's order, by expanded name. What the schema doesn't have at a place, or
//! has as an extension point, is refused; so there is no second `SignedInfo` to find, no `HMACOutputLength`, no
//! `DigestValue` in a comment's lee. Only direct children are read, never descendants (attacks A09, A34 to A37, A69).

use super::algorithm::shown;
use super::reference::DigestValue;
use super::{DigestAlgorithm, Error, Sha1, SignatureAlgorithm, base64};
use crate::limits::MAX_PREFIX_LIST_TOKENS;
use crate::xml::c14n::{Canonicalization, Comments, Method};
use crate::xml::names::{DS, DS_2007, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, MGF1, RSA_PSS};
use crate::xml::{self, Element};

/// `ds:Signature` (XML Signature 4.2).
pub(super) struct Signature<'d> {
    pub(super) element: Element<'d>,
    pub(super) signed_info: SignedInfo<'d>,
    pub(super) value: Vec<u8>,
    /// Not signed. Nothing in it is a reason to accept.
    pub(super) key_info: Option<Element<'d>>,
    /// Not signed by being here. SAML's profile has none.
    pub(super) objects: Vec<Element<'d>>,
}

impl<'d> Signature<'d> {
    pub(super) fn read(element: Element<'d>, sha1: Sha1) -> Result<Self, Error> {
        let mut children = Children::of(element)?;
        let signed_info = SignedInfo::read(children.required(DS, "SignedInfo")?, sha1)?;
        let value = base64::decode(text(children.required(DS, "SignatureValue")?)?)?;
        let key_info = children.optional(DS, "KeyInfo");
        let objects = std::iter::from_fn(|| children.optional(DS, "Object")).collect();
        children.end()?;
        Ok(Self {
            element,
            signed_info,
            value,
            key_info,
            objects,
        })
    }
}

/// `ds:SignedInfo` (XML Signature 4.4): what the `SignatureValue` covers.
pub(super) struct SignedInfo<'d> {
    element: Element<'d>,
    canonicalization: Canonical<'d>,
    pub(super) algorithm: SignatureAlgorithm,
    /// One or more.
    pub(super) references: Vec<Reference<'d>>,
}

impl<'d> SignedInfo<'d> {
    fn read(element: Element<'d>, sha1: Sha1) -> Result<Self, Error> {
        let mut children = Children::of(element)?;
        let canonicalization = children.required(DS, "CanonicalizationMethod")?;
        let canonicalization = Canonical::read(canonicalization)?.ok_or_else(|| Error::AlgorithmUnsupported {
            found: shown(algorithm(canonicalization)),
        })?;
        let algorithm = signature_method(children.required(DS, "SignatureMethod")?, sha1)?;
        let mut references = vec![Reference::read(children.required(DS, "Reference")?, sha1)?];
        while let Some(reference) = children.optional(DS, "Reference") {
            references.push(Reference::read(reference, sha1)?);
        }
        children.end()?;
        Ok(Self {
            element,
            canonicalization,
            algorithm,
            references,
        })
    }

    /// The octets that were signed (XML Signature 3.2.2).
    pub(super) fn octets(&self) -> Result<Vec<u8>, Error> {
        self.canonicalization
            .apply(|method| method.canonicalize(self.element, None))
    }
}

/// `ds:Reference` (XML Signature 4.4.3).
pub(super) struct Reference<'d> {
    pub(super) uri: Option<&'d str>,
    pub(super) transforms: Transforms<'d>,
    pub(super) digest: DigestAlgorithm,
    pub(super) digest_value: DigestValue,
}

impl<'d> Reference<'d> {
    fn read(element: Element<'d>, sha1: Sha1) -> Result<Self, Error> {
        let mut children = Children::of(element)?;
        let transforms = Transforms::read(children.optional(DS, "Transforms"))?;
        let digest = digest_method(children.required(DS, "DigestMethod")?, sha1)?;
        let digest_value = DigestValue::new(base64::decode(text(children.required(DS, "DigestValue")?)?)?);
        children.end()?;
        // `Id` and `Type` mean nothing here: a reference of type Manifest is a reference like any other (attack A32).
        Ok(Self {
            uri: element.attribute("URI"),
            transforms,
            digest,
            digest_value,
        })
    }
}

/// `ds:Transforms`: the enveloped-signature transform, then a canonicalisation, each at most once (SAML Core 5.4.4).
pub(super) struct Transforms<'d> {
    /// What leaves out the signature.
    pub(super) enveloped: Option<Enveloped>,
    canonicalization: Canonical<'d>,
}

/// The enveloped-signature transform was there.
pub(super) struct Enveloped;

impl<'d> Transforms<'d> {
    fn read(element: Option<Element<'d>>) -> Result<Self, Error> {
        // Without a canonicalisation it is Canonical XML 1.0 without comments (XML Signature 4.4.3.2).
        let mut read = Self {
            enveloped: None,
            canonicalization: Canonical::inclusive_10(),
        };
        let Some(element) = element else { return Ok(read) };
        let mut children = Children::of(element)?;
        let mut transform = Some(children.required(DS, "Transform")?);
        if let Some(first) = transform
            && algorithm(first) == ENVELOPED_SIGNATURE
        {
            Children::of(first)?.end()?;
            read.enveloped = Some(Enveloped);
            transform = children.optional(DS, "Transform");
        }
        if let Some(next) = transform {
            let forbidden = || Error::TransformForbidden {
                found: shown(algorithm(next)),
            };
            read.canonicalization = Canonical::read(next)?.ok_or_else(forbidden)?;
        }
        if let Some(surplus) = children.optional(DS, "Transform") {
            return Err(Error::TransformForbidden {
                found: shown(algorithm(surplus)),
            });
        }
        children.end()?;
        Ok(read)
    }

    /// Runs the canonicalisation. A reference to part of the same document never selects comments, whatever the
    /// algorithm is called (XML Signature 4.4.3.3).
    pub(super) fn canonicalize(
        &self,
        run: impl FnOnce(&Canonicalization<'_>) -> Result<Vec<u8>, xml::Error>,
    ) -> Result<Vec<u8>, Error> {
        self.canonicalization.apply(|method| {
            run(&Canonicalization {
                comments: Comments::Drop,
                ..*method
            })
        })
    }
}

/// A canonicalisation algorithm and its `PrefixList`.
struct Canonical<'d> {
    method: Canonicalization<'static>,
    prefixes: Vec<&'d str>,
}

impl<'d> Canonical<'d> {
    fn inclusive_10() -> Self {
        Self {
            method: Canonicalization::new(Method::Inclusive10, Comments::Drop),
            prefixes: Vec::new(),
        }
    }

    /// Reads a `CanonicalizationMethod` or a `Transform`; none when the algorithm isn't a canonicalisation.
    fn read(element: Element<'d>) -> Result<Option<Self>, Error> {
        let Some(method) = Canonicalization::from_algorithm(algorithm(element)) else {
            return Ok(None);
        };
        let mut children = Children::of(element)?;
        let parameter = match method.method {
            Method::Exclusive => children.optional(EXCLUSIVE_C14N, "InclusiveNamespaces"),
            Method::Inclusive10 | Method::Inclusive11 => None,
        };
        children.end()?;
        let prefixes = parameter.map_or(Ok(Vec::new()), prefix_list)?;
        Ok(Some(Self { method, prefixes }))
    }

    fn apply(&self, run: impl FnOnce(&Canonicalization<'_>) -> Result<Vec<u8>, xml::Error>) -> Result<Vec<u8>, Error> {
        run(&self.method.with_inclusive_prefixes(&self.prefixes)).map_err(Error::Canonicalization)
    }
}

/// `ec:InclusiveNamespaces` (Exclusive XML Canonicalization 1.0 section 3).
fn prefix_list(element: Element<'_>) -> Result<Vec<&str>, Error> {
    Children::of(element)?.end()?;
    let list = element.attribute("PrefixList").unwrap_or_default();
    let tokens = list.split([' ', '\t', '\r', '\n']).filter(|token| !token.is_empty());
    // One past the cap is enough to know.
    let prefixes: Vec<&str> = tokens.take(MAX_PREFIX_LIST_TOKENS.saturating_add(1)).collect();
    if prefixes.len() > MAX_PREFIX_LIST_TOKENS {
        Err(malformed("a shorter PrefixList"))
    } else {
        Ok(prefixes)
    }
}

/// `ds:SignatureMethod` (XML Signature 4.4.2).
fn signature_method(element: Element<'_>, sha1: Sha1) -> Result<SignatureAlgorithm, Error> {
    let mut children = Children::of(element)?;
    let method = match algorithm(element) {
        RSA_PSS => rsa_pss(children.optional(DS_2007, "RSAPSSParams"), sha1)?,
        uri => SignatureAlgorithm::from_uri(uri, sha1)?,
    };
    children.end()?;
    Ok(method)
}

/// `pss:RSAPSSParams` (RFC 9231 2.3.9). Whatever is absent is SHA-256, MGF1 with SHA-256, the digest's length, 1.
///
/// Only what the identifiers without parameters say too is accepted: one hash for both, a salt of its length.
fn rsa_pss(params: Option<Element<'_>>, sha1: Sha1) -> Result<SignatureAlgorithm, Error> {
    let Some(params) = params else {
        return Ok(SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha256));
    };
    let mut children = Children::of(params)?;
    let digest = digest_method_or_default(children.optional(DS, "DigestMethod"), sha1)?;
    let mask = match children.optional(DS_2007, "MaskGenerationFunction") {
        Some(function) if algorithm(function) == MGF1 => {
            let mut children = Children::of(function)?;
            let mask = digest_method_or_default(children.optional(DS, "DigestMethod"), sha1)?;
            children.end()?;
            mask
        }
        Some(function) => {
            return Err(Error::AlgorithmUnsupported {
                found: shown(algorithm(function)),
            });
        }
        None => DigestAlgorithm::Sha256,
    };
    let salt = children.optional(DS_2007, "SaltLength").map(text).transpose()?;
    let trailer = children.optional(DS_2007, "TrailerField").map(text).transpose()?;
    children.end()?;
    let salt_is_digest_long = salt.is_none_or(|salt| salt == digest.output_bytes().to_string());
    if mask == digest && salt_is_digest_long && trailer.is_none_or(|trailer| trailer == "1") {
        Ok(SignatureAlgorithm::RsaPss(digest))
    } else {
        Err(Error::AlgorithmUnsupported {
            found: RSA_PSS.to_owned(),
        })
    }
}

fn digest_method_or_default(element: Option<Element<'_>>, sha1: Sha1) -> Result<DigestAlgorithm, Error> {
    element.map_or(Ok(DigestAlgorithm::Sha256), |element| digest_method(element, sha1))
}

/// `ds:DigestMethod` (XML Signature 4.4.3.5).
fn digest_method(element: Element<'_>, sha1: Sha1) -> Result<DigestAlgorithm, Error> {
    let digest = DigestAlgorithm::from_uri(algorithm(element), sha1)?;
    Children::of(element)?.end()?;
    Ok(digest)
}

/// The `Algorithm` attribute. One that is absent is on no allow-list, as the empty string isn't.
fn algorithm(element: Element<'_>) -> &str {
    element.attribute("Algorithm").unwrap_or_default()
}

fn text(element: Element<'_>) -> Result<&str, Error> {
    element.text().map_err(|_| malformed("text alone"))
}

fn malformed(expected: &'static str) -> Error {
    Error::Malformed { expected }
}

/// The child elements of one element, taken in order.
struct Children<'d> {
    next: Option<Element<'d>>,
}

impl<'d> Children<'d> {
    fn of(parent: Element<'d>) -> Result<Self, Error> {
        parent
            .has_only_element_content()
            .map_err(|_| malformed("elements alone"))?;
        Ok(Self {
            next: parent.children().next(),
        })
    }

    /// The next child, if it has this name.
    fn optional(&mut self, namespace: &str, local_name: &str) -> Option<Element<'d>> {
        let child = self.next.filter(|child| child.is(namespace, local_name))?;
        self.next = child.next_sibling();
        Some(child)
    }

    /// The next child, which must have this name.
    fn required(&mut self, namespace: &str, local_name: &'static str) -> Result<Element<'d>, Error> {
        self.optional(namespace, local_name)
            .ok_or_else(|| malformed(local_name))
    }

    /// Checks that no child is left.
    fn end(self) -> Result<(), Error> {
        if self.next.is_none() {
            Ok(())
        } else {
            Err(malformed("nothing more"))
        }
    }
}
