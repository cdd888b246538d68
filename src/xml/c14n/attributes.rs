//! The attributes of one element of the output.

use std::borrow::Cow;
use std::cmp::Ordering;

use roxmltree::Node;

use super::text::QualifiedName;
use super::{Error, Method, base};
use crate::limits::MAX_JOINED_BASE_BYTES;
use crate::xml::names::XML;

/// The attributes of the present element. One list serves all elements in turn, to reuse its memory.
#[derive(Default)]
pub(super) struct Attributes<'d> {
    list: Vec<Attribute<'d>>,
}

pub(super) struct Attribute<'d> {
    pub(super) namespace: &'d str,
    pub(super) local_name: &'d str,
    pub(super) name: QualifiedName<'d>,
    pub(super) value: Cow<'d, str>,
}

impl<'d> Attributes<'d> {
    /// Takes those of `node`.
    pub(super) fn read(&mut self, node: Node<'d, 'd>) -> Result<(), Error> {
        self.list.clear();
        for attribute in node.attributes() {
            self.push(node, attribute)?;
        }
        Ok(())
    }

    /// Takes over the attributes of the `xml` namespace that the elements around `apex` have and it has not (Canonical
    /// XML 1.0, section 2.4). Canonical XML 1.1 leaves `xml:id` and unknown ones behind, and joins `xml:base` (section
    /// 2.4). Exclusive canonicalisation takes over none.
    pub(super) fn inherit(&mut self, apex: Node<'d, 'd>, method: Method) -> Result<(), Error> {
        let is_inherited: fn(&str) -> bool = match method {
            Method::Exclusive => return Ok(()),
            Method::Inclusive10 => |_| true,
            Method::Inclusive11 => |local_name| matches!(local_name, "lang" | "space"),
        };
        let mut bases = Vec::new();
        for ancestor in apex.ancestors().skip(1) {
            for attribute in ancestor
                .attributes()
                .filter(|attribute| attribute.namespace() == Some(XML))
            {
                if attribute.name() == "base" {
                    bases.push(attribute.value());
                }
                let is_new = !self.list.iter().any(|own| own.is_xml(attribute.name()));
                if is_new && is_inherited(attribute.name()) {
                    self.push(ancestor, attribute)?;
                }
            }
        }
        if method == Method::Inclusive11 && !bases.is_empty() {
            self.join_base(bases)?;
        }
        Ok(())
    }

    /// By namespace name, then local name; those in no namespace first (Canonical XML 1.0, section 2.2).
    pub(super) fn sorted(&mut self) -> &[Attribute<'d>] {
        self.list.sort_unstable_by(|left, right| {
            // Most are in no namespace; comparing two empty texts costs much more than asking whether they are.
            let namespaces = if left.namespace.is_empty() && right.namespace.is_empty() {
                Ordering::Equal
            } else {
                left.namespace.cmp(right.namespace)
            };
            namespaces.then_with(|| left.local_name.cmp(right.local_name))
        });
        &self.list
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Attribute<'d>> {
        self.list.iter()
    }

    fn push(&mut self, node: Node<'d, 'd>, attribute: roxmltree::Attribute<'d, 'd>) -> Result<(), Error> {
        self.list.push(Attribute {
            namespace: attribute.namespace().unwrap_or_default(),
            local_name: attribute.name(),
            name: QualifiedName::of_attribute(node, attribute)?,
            value: Cow::Borrowed(attribute.value()),
        });
        Ok(())
    }

    /// Replaces `xml:base` by the one that holds here; `outward` are those around the apex, the nearest first.
    fn join_base(&mut self, outward: Vec<&'d str>) -> Result<(), Error> {
        let own = self
            .list
            .iter()
            .position(|attribute| attribute.is_xml("base"))
            .map(|at| self.list.remove(at).value);
        let mut references = own.into_iter().chain(outward.into_iter().map(Cow::Borrowed));
        let mut joined = references.next().unwrap_or_default();
        for around in references {
            joined = Cow::Owned(base::join(&around, &joined));
            // Each step reads all that was joined before it.
            if joined.len() > MAX_JOINED_BASE_BYTES {
                return Err(Error::OutputTooLarge);
            }
        }
        if !joined.is_empty() {
            self.list.push(Attribute {
                namespace: XML,
                local_name: "base",
                name: QualifiedName {
                    text: "xml:base",
                    prefix: "xml",
                },
                value: joined,
            });
        }
        Ok(())
    }
}

impl Attribute<'_> {
    fn is_xml(&self, local_name: &str) -> bool {
        self.namespace == XML && self.local_name == local_name
    }
}
