//! Names as they are written: the parser keeps no prefixes, so they are taken from the text.
//!
//! Two prefixes may be bound to one namespace name, so a prefix cannot be found by its namespace. Names are capped by the
//! preflight, which keeps the parser's positions exact.

use roxmltree::Node;

use super::Error;

/// A name as it is written; the prefix is empty when there is none.
#[derive(Clone, Copy)]
pub(super) struct QualifiedName<'d> {
    pub(super) text: &'d str,
    pub(super) prefix: &'d str,
}

impl<'d> QualifiedName<'d> {
    pub(super) fn of_element(node: Node<'d, 'd>) -> Result<Self, Error> {
        let tag = node
            .document()
            .input_text()
            .get(node.range())
            .and_then(|tag| tag.strip_prefix('<'));
        let tag = tag.ok_or(Error::NotWellFormed)?;
        let end = tag
            .bytes()
            .position(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>'));
        Self::split(end.and_then(|end| tag.get(..end)), node.tag_name().name())
    }

    pub(super) fn of_attribute(node: Node<'d, 'd>, attribute: roxmltree::Attribute<'d, 'd>) -> Result<Self, Error> {
        let text = node.document().input_text().get(attribute.range_qname());
        Self::split(text, attribute.name())
    }

    /// `p` and `local` of `p:local`.
    fn split(text: Option<&'d str>, local_name: &str) -> Result<Self, Error> {
        let text = text.ok_or(Error::NotWellFormed)?;
        let prefix = match text.strip_suffix(local_name) {
            Some("") => text.get(..0),
            Some(prefix) => prefix.strip_suffix(':'),
            None => None,
        };
        let prefix = prefix.ok_or(Error::NotWellFormed)?;
        Ok(Self { text, prefix })
    }
}
