//! Names as they are written: the parser keeps no prefixes, so they are taken from the text.
//!
//! Two prefixes may be bound to one namespace name, so a prefix cannot be found by its namespace. Names are capped by the
//! preflight, which keeps the parser's positions exact.

use roxmltree::Node;

use super::Error;

pub(super) fn element_name<'d>(node: Node<'d, 'd>) -> Result<&'d str, Error> {
    let tag = node
        .document()
        .input_text()
        .get(node.range())
        .and_then(|tag| tag.strip_prefix('<'));
    let tag = tag.ok_or(Error::NotWellFormed)?;
    let end = tag
        .bytes()
        .position(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>'));
    end.and_then(|end| tag.get(..end))
        .filter(|name| name.ends_with(node.tag_name().name()))
        .ok_or(Error::NotWellFormed)
}

pub(super) fn attribute_name<'d>(
    node: Node<'d, 'd>,
    attribute: roxmltree::Attribute<'d, 'd>,
) -> Result<&'d str, Error> {
    let name = node.document().input_text().get(attribute.range_qname());
    name.filter(|name| name.ends_with(attribute.name()))
        .ok_or(Error::NotWellFormed)
}

/// `p` of `p:local`; empty for `local`.
pub(super) fn prefix<'d>(qualified_name: &'d str, local_name: &str) -> &'d str {
    let prefix = qualified_name.strip_suffix(local_name);
    prefix.and_then(|prefix| prefix.strip_suffix(':')).unwrap_or_default()
}
