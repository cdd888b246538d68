//! The walk over the tree in document order, without recursion.

use roxmltree::{Node, NodeId, NodeType};

use super::escape;
use super::scope::{Mark, Scope};
use super::{Canonicalization, Comments, Element, Error, Method, base};
use crate::limits::{MAX_CANONICAL_EXTRA_BYTES, MAX_CANONICAL_GROWTH, MAX_PREFIX_LIST_TOKENS};
use crate::xml::names::XML;

pub(super) struct Walk<'c, 'd> {
    canonicalization: &'c Canonicalization<'c>,
    tree: &'d roxmltree::Document<'d>,
    out: Vec<u8>,
    budget: usize,
    scope: Scope<'d>,
    /// The elements whose end tag is still to be written.
    open: Vec<Open<'d>>,
    /// The attributes of the present element; kept to reuse its memory.
    attributes: Vec<Attribute<'d>>,
    /// Values that are made, not found: joined `xml:base` attributes are kept aside, at most one is needed.
    joined_base: Option<String>,
}

struct Open<'d> {
    id: NodeId,
    qualified_name: &'d str,
    mark: Mark,
}

struct Attribute<'d> {
    namespace: &'d str,
    local_name: &'d str,
    qualified_name: &'d str,
    value: Value<'d>,
}

enum Value<'d> {
    Found(&'d str),
    JoinedBase,
}

impl<'c, 'd> Walk<'c, 'd> {
    pub(super) fn new(
        canonicalization: &'c Canonicalization<'c>,
        tree: &'d roxmltree::Document<'_>,
    ) -> Result<Self, Error> {
        if canonicalization.inclusive_prefixes.len() > MAX_PREFIX_LIST_TOKENS {
            return Err(Error::PrefixListTooLong);
        }
        let length = tree.input_text().len();
        Ok(Self {
            canonicalization,
            tree,
            out: Vec::new(),
            budget: length
                .saturating_mul(MAX_CANONICAL_GROWTH)
                .saturating_add(MAX_CANONICAL_EXTRA_BYTES),
            scope: Scope::default(),
            open: Vec::new(),
            attributes: Vec::new(),
            joined_base: None,
        })
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// The document element, with the comments and processing instructions around it on lines of their own.
    pub(super) fn document(&mut self, omit: &[Element<'_>]) -> Result<(), Error> {
        let mut after_root = false;
        for node in self.tree.root().children() {
            match node.node_type() {
                NodeType::Element => {
                    self.subtree(node, omit)?;
                    after_root = true;
                }
                NodeType::Comment | NodeType::PI => {
                    if node.is_comment() && self.canonicalization.comments == Comments::Drop {
                        continue;
                    }
                    if after_root {
                        self.out.push(b'\n');
                    }
                    self.leaf(node)?;
                    if !after_root {
                        self.out.push(b'\n');
                    }
                }
                NodeType::Root | NodeType::Text => {}
            }
        }
        Ok(())
    }

    pub(super) fn subtree(&mut self, apex: Node<'d, 'd>, omit: &[Element<'_>]) -> Result<(), Error> {
        // Ids are unique within the document only; an element of another one is not in this tree.
        let omitted = |node: Node<'d, 'd>| omit.iter().any(|element| element.node() == node);
        if omitted(apex) {
            return Err(Error::ApexOmitted);
        }
        self.out.reserve(apex.range().len());
        let mut nodes = apex.descendants();
        while let Some(node) = nodes.next() {
            self.close_until(node.parent().map(|parent| parent.id()));
            if node.is_element() {
                if omitted(node) {
                    // The node itself is taken already; `nth` takes one more than it skips.
                    if let Some(below) = node.descendants().len().checked_sub(2) {
                        nodes.nth(below);
                    }
                    continue;
                }
                self.start_tag(node, node == apex)?;
            } else {
                self.leaf(node)?;
            }
            if self.out.len() > self.budget {
                return Err(Error::OutputTooLarge);
            }
        }
        self.close_until(None);
        if self.out.len() > self.budget {
            Err(Error::OutputTooLarge)
        } else {
            Ok(())
        }
    }

    /// Writes end tags until the open element is `parent`; with no such element open, all of them.
    fn close_until(&mut self, parent: Option<NodeId>) {
        while let Some(Open {
            qualified_name, mark, ..
        }) = self.open.pop_if(|open| Some(open.id) != parent)
        {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(qualified_name.as_bytes());
            self.out.push(b'>');
            self.scope.leave(mark);
        }
    }

    /// Text, comment, processing instruction (Canonical XML 1.0, section 2.3).
    fn leaf(&mut self, node: Node<'d, 'd>) -> Result<(), Error> {
        match node.node_type() {
            NodeType::Text => escape::text(&mut self.out, node.text().unwrap_or_default()),
            NodeType::Comment if self.canonicalization.comments == Comments::Keep => {
                self.out.extend_from_slice(b"<!--");
                self.out.extend_from_slice(node.text().unwrap_or_default().as_bytes());
                self.out.extend_from_slice(b"-->");
            }
            NodeType::PI => {
                let pi = node.pi().ok_or(Error::NotWellFormed)?;
                self.out.extend_from_slice(b"<?");
                self.out.extend_from_slice(pi.target.as_bytes());
                if let Some(value) = pi.value {
                    self.out.push(b' ');
                    self.out.extend_from_slice(value.as_bytes());
                }
                self.out.extend_from_slice(b"?>");
            }
            NodeType::Comment | NodeType::Root | NodeType::Element => {}
        }
        Ok(())
    }

    fn start_tag(&mut self, node: Node<'d, 'd>, is_apex: bool) -> Result<(), Error> {
        let qualified_name = element_name(node)?;
        let mark = self.scope.enter();
        self.read_attributes(node)?;
        self.require_namespaces(node, prefix_of(qualified_name, node.tag_name().name()), is_apex);
        if is_apex {
            self.inherit(node);
        }

        self.out.push(b'<');
        self.out.extend_from_slice(qualified_name.as_bytes());
        for declaration in self.scope.pending() {
            self.out.extend_from_slice(b" xmlns");
            if !declaration.prefix.is_empty() {
                self.out.push(b':');
                self.out.extend_from_slice(declaration.prefix.as_bytes());
            }
            self.out.extend_from_slice(b"=\"");
            escape::attribute(&mut self.out, declaration.namespace);
            self.out.push(b'"');
        }
        // By namespace name, then local name; those in no namespace first (Canonical XML 1.0, section 2.2).
        self.attributes
            .sort_unstable_by_key(|attribute| (attribute.namespace, attribute.local_name));
        for attribute in &self.attributes {
            self.out.push(b' ');
            self.out.extend_from_slice(attribute.qualified_name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            let value = match attribute.value {
                Value::Found(value) => value,
                Value::JoinedBase => self.joined_base.as_deref().unwrap_or_default(),
            };
            escape::attribute(&mut self.out, value);
            self.out.push(b'"');
        }
        self.out.push(b'>');
        self.open.push(Open {
            id: node.id(),
            qualified_name,
            mark,
        });
        Ok(())
    }

    fn read_attributes(&mut self, node: Node<'d, 'd>) -> Result<(), Error> {
        self.attributes.clear();
        for attribute in node.attributes() {
            self.attributes.push(Attribute {
                namespace: attribute.namespace().unwrap_or_default(),
                local_name: attribute.name(),
                qualified_name: attribute_name(node, attribute)?,
                value: Value::Found(attribute.value()),
            });
        }
        Ok(())
    }

    fn require_namespaces(&mut self, node: Node<'d, 'd>, prefix: &'d str, is_apex: bool) {
        match self.canonicalization.method {
            Method::Inclusive10 | Method::Inclusive11 => {
                if is_apex || declares(node) {
                    for namespace in node.namespaces() {
                        self.scope
                            .require(namespace.name().unwrap_or_default(), namespace.uri());
                    }
                }
            }
            Method::Exclusive => {
                self.scope
                    .require(prefix, node.tag_name().namespace().unwrap_or_default());
                for attribute in &self.attributes {
                    if !attribute.namespace.is_empty() {
                        self.scope.require(
                            prefix_of(attribute.qualified_name, attribute.local_name),
                            attribute.namespace,
                        );
                    }
                }
                if !self.canonicalization.inclusive_prefixes.is_empty() && (is_apex || declares(node)) {
                    for prefix in self.canonicalization.inclusive_prefixes {
                        let name = Some(*prefix).filter(|prefix| *prefix != "#default");
                        if let Some(namespace) = node.namespaces().find(|namespace| namespace.name() == name) {
                            self.scope
                                .require(namespace.name().unwrap_or_default(), namespace.uri());
                        }
                    }
                }
            }
        }
    }

    /// Attributes of the `xml` namespace that the apex takes over from the elements around it (Canonical XML 1.0,
    /// section 2.4; Canonical XML 1.1, section 2.4). Exclusive canonicalisation takes over none.
    fn inherit(&mut self, apex: Node<'d, 'd>) {
        let is_inherited: fn(&str) -> bool = match self.canonicalization.method {
            Method::Exclusive => return,
            Method::Inclusive10 => |_| true,
            Method::Inclusive11 => |local_name| matches!(local_name, "lang" | "space"),
        };
        let mut bases = Vec::new();
        for ancestor in apex.ancestors().skip(1) {
            for attribute in ancestor
                .attributes()
                .filter(|attribute| attribute.namespace() == Some(XML))
            {
                let local_name = attribute.name();
                if local_name == "base" {
                    bases.push(attribute.value());
                }
                let is_new = !self
                    .attributes
                    .iter()
                    .any(|own| own.namespace == XML && own.local_name == local_name);
                if is_inherited(local_name) && is_new {
                    let Ok(qualified_name) = attribute_name(ancestor, attribute) else {
                        continue;
                    };
                    self.attributes.push(Attribute {
                        namespace: XML,
                        local_name,
                        qualified_name,
                        value: Value::Found(attribute.value()),
                    });
                }
            }
        }
        if self.canonicalization.method == Method::Inclusive11 && !bases.is_empty() {
            self.join_base(bases);
        }
    }

    /// Replaces the apex's `xml:base` by the one that holds there; `outward` are those around it, the nearest first.
    fn join_base(&mut self, outward: Vec<&'d str>) {
        let is_base = |attribute: &Attribute<'d>| attribute.namespace == XML && attribute.local_name == "base";
        let own = self
            .attributes
            .iter()
            .find(|attribute| is_base(attribute))
            .map(|attribute| match attribute.value {
                Value::Found(value) => value,
                Value::JoinedBase => "",
            });
        let mut references = own.into_iter().chain(outward);
        let nearest = references.next().unwrap_or_default().to_owned();
        let joined = references.fold(nearest, |reference, around| base::join(around, &reference));
        self.attributes.retain(|attribute| !is_base(attribute));
        if !joined.is_empty() {
            self.joined_base = Some(joined);
            self.attributes.push(Attribute {
                namespace: XML,
                local_name: "base",
                qualified_name: "xml:base",
                value: Value::JoinedBase,
            });
        }
    }
}

/// Whether other namespaces are in scope of `node` than of its parent. The parser keeps each pair of prefix and name
/// once, so that the same pair is the same object.
fn declares(node: Node<'_, '_>) -> bool {
    let Some(parent) = node.parent().filter(Node::is_element) else {
        return true;
    };
    let (own, outer) = (node.namespaces(), parent.namespaces());
    own.len() != outer.len() || own.zip(outer).any(|(own, outer)| !core::ptr::eq(own, outer))
}

/// The name as it is written: the parser keeps no prefixes, so it is taken from the text.
fn element_name<'d>(node: Node<'d, 'd>) -> Result<&'d str, Error> {
    let text = node
        .document()
        .input_text()
        .get(node.range())
        .and_then(|text| text.strip_prefix('<'));
    let text = text.ok_or(Error::NotWellFormed)?;
    let end = text
        .bytes()
        .position(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>'));
    end.and_then(|end| text.get(..end))
        .filter(|name| name.ends_with(node.tag_name().name()))
        .ok_or(Error::NotWellFormed)
}

fn attribute_name<'d>(node: Node<'d, 'd>, attribute: roxmltree::Attribute<'d, 'd>) -> Result<&'d str, Error> {
    let name = node.document().input_text().get(attribute.range_qname());
    name.filter(|name| name.ends_with(attribute.name()))
        .ok_or(Error::NotWellFormed)
}

/// `p` of `p:local`; empty for `local`.
fn prefix_of<'d>(qualified_name: &'d str, local_name: &str) -> &'d str {
    qualified_name
        .strip_suffix(local_name)
        .and_then(|prefix| prefix.strip_suffix(':'))
        .unwrap_or_default()
}
