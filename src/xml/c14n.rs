//! Canonicalisation: a parsed element to the octets that a signature covers.
//!
//! Canonical XML 1.0, Canonical XML 1.1 and Exclusive XML Canonicalization 1.0, of the whole document or of one
//! element's subtree, less subtrees that are left out (an enveloped signature). Node sets of other shapes do not occur in
//! SAML and cannot be expressed.
//!
//! ```
//! use edge_saml::xml::c14n::{Canonicalization, Comments, Method};
//! use edge_saml::xml::{Document, Profile, Source};
//!
//! let source = Source::check(b"<a:r xmlns:a='urn:a' xmlns:b='urn:b'><a:e z='2' y='1'/></a:r>", Profile::SamlMessage)?;
//! let document = Document::parse(&source)?;
//! let e = document.root().required_child("urn:a", "e")?;
//! let exclusive = Canonicalization::new(Method::Exclusive, Comments::Drop);
//! assert_eq!(exclusive.canonicalize(e, None)?, br#"<a:e xmlns:a="urn:a" y="1" z="2"></a:e>"#);
//! # Ok::<(), edge_saml::xml::Error>(())
//! ```

mod attributes;
mod base;
mod escape;
mod scope;
mod text;
mod walk;

use super::{Document, Element, Error, names};
use walk::Walk;

/// Which canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Exclusive XML Canonicalization 1.0: only the namespaces that are visibly used.
    Exclusive,
    /// Canonical XML 1.0: all namespaces in scope, and all `xml:` attributes of what is around the element.
    Inclusive10,
    /// Canonical XML 1.1: as 1.0, but `xml:id` is not inherited and `xml:base` is joined.
    Inclusive11,
}

/// Whether comments are part of the canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// With comments.
    Keep,
    /// Without comments.
    Drop,
}

/// A canonicalisation algorithm with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonicalization<'p> {
    /// Which canonical form.
    pub method: Method,
    /// Whether comments are kept.
    pub comments: Comments,
    /// The `PrefixList` of Exclusive XML Canonicalization 1.0, section 3; `#default` stands for the default namespace.
    /// The other methods have no such parameter and ignore it.
    pub inclusive_prefixes: &'p [&'p str],
}

impl<'p> Canonicalization<'p> {
    /// The algorithm without a `PrefixList`.
    #[must_use]
    pub const fn new(method: Method, comments: Comments) -> Self {
        Self {
            method,
            comments,
            inclusive_prefixes: &[],
        }
    }

    /// The algorithm of this identifier (XML Signature 1.1, section 6.5), compared letter for letter.
    #[must_use]
    pub fn from_algorithm(uri: &str) -> Option<Self> {
        let (method, comments) = match uri {
            names::EXCLUSIVE_C14N => (Method::Exclusive, Comments::Drop),
            names::EXCLUSIVE_C14N_WITH_COMMENTS => (Method::Exclusive, Comments::Keep),
            names::INCLUSIVE_C14N_10 => (Method::Inclusive10, Comments::Drop),
            names::INCLUSIVE_C14N_10_WITH_COMMENTS => (Method::Inclusive10, Comments::Keep),
            names::INCLUSIVE_C14N_11 => (Method::Inclusive11, Comments::Drop),
            names::INCLUSIVE_C14N_11_WITH_COMMENTS => (Method::Inclusive11, Comments::Keep),
            _ => return None,
        };
        Some(Self::new(method, comments))
    }

    /// The same algorithm with a `PrefixList`.
    #[must_use]
    pub const fn with_inclusive_prefixes(self, inclusive_prefixes: &'p [&'p str]) -> Self {
        Self {
            inclusive_prefixes,
            ..self
        }
    }

    /// The canonical form of `apex` and all below it, without the subtree of `omit`.
    ///
    /// # Errors
    /// [`Error::ApexOmitted`] when nothing would be left, [`Error::PrefixListTooLong`] for an excessive parameter,
    /// [`Error::OutputTooLarge`] when the form outgrows [`MAX_CANONICAL_GROWTH`](crate::limits::MAX_CANONICAL_GROWTH).
    /// There is never a partial result.
    pub fn canonicalize(&self, apex: Element<'_>, omit: Option<Element<'_>>) -> Result<Vec<u8>, Error> {
        let mut walk = Walk::new(self, apex.node().document())?;
        walk.subtree(apex.node(), omit.as_slice())?;
        Ok(walk.finish())
    }

    /// The canonical form of the whole document, with the comments and processing instructions around the document
    /// element (Canonical XML 1.0, section 2.3), without the subtrees of `omit`.
    ///
    /// # Errors
    /// As [`canonicalize`](Self::canonicalize).
    pub fn canonicalize_document(&self, document: &Document<'_>, omit: &[Element<'_>]) -> Result<Vec<u8>, Error> {
        let mut walk = Walk::new(self, document.tree())?;
        walk.document(omit)?;
        Ok(walk.finish())
    }
}

#[cfg(test)]
mod tests;
