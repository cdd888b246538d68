//! The walk over the tree in document order, without recursion.

use roxmltree::{Node, NodeId, NodeType};

use super::attributes::Attributes;
use super::scope::{Mark, Scope};
use super::text::QualifiedName;
use super::{Canonicalization, Comments, Element, Error, Method, escape};
use crate::limits::{MAX_CANONICAL_EXTRA_BYTES, MAX_CANONICAL_GROWTH, MAX_PREFIX_LIST_TOKENS};

pub(super) struct Walk<'c, 'd> {
    canonicalization: &'c Canonicalization<'c>,
    tree: &'d roxmltree::Document<'d>,
    out: Vec<u8>,
    budget: usize,
    scope: Scope<'d>,
    /// The elements whose end tag is still to be written.
    open: Vec<Open<'d>>,
    attributes: Attributes<'d>,
}

struct Open<'d> {
    id: NodeId,
    qualified_name: &'d str,
    mark: Mark,
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
            attributes: Attributes::default(),
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
        // Equal handles are the same element of the same document.
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
        let name = QualifiedName::of_element(node)?;
        let mark = self.scope.enter();
        self.attributes.read(node)?;
        self.require_namespaces(node, name.prefix, is_apex);
        if is_apex {
            self.attributes.inherit(node, self.canonicalization.method)?;
        }

        self.out.push(b'<');
        self.out.extend_from_slice(name.text.as_bytes());
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
        for attribute in self.attributes.sorted() {
            self.out.push(b' ');
            self.out.extend_from_slice(attribute.name.text.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape::attribute(&mut self.out, &attribute.value);
            self.out.push(b'"');
        }
        self.out.push(b'>');
        self.open.push(Open {
            id: node.id(),
            qualified_name: name.text,
            mark,
        });
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
                for attribute in self
                    .attributes
                    .iter()
                    .filter(|attribute| !attribute.namespace.is_empty())
                {
                    self.scope.require(attribute.name.prefix, attribute.namespace);
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
