//! The attributes of one element of the output.

use std::borrow::Cow;

use roxmltree::Node;

use super::{Error, Method, base, text};
use crate::xml::names::XML;

/// The attributes of the present element. One list serves all elements in turn, to reuse its memory.
#[derive(Default)]
pub(super) struct Attributes<'d> {
    list: Vec<Attribute<'d>>,
}

pub(super) struct Attribute<'d> {
    pub(super) namespace: &'d str,
    pub(super) local_name: &'d str,
    pub(super) qualified_name: &'d str,
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
            self.join_base(bases);
        }
        Ok(())
    }

    /// By namespace name, then local name; those in no namespace first (Canonical XML 1.0, section 2.2).
    pub(super) fn sorted(&mut self) -> &[Attribute<'d>] {
        self.list
            .sort_unstable_by_key(|attribute| (attribute.namespace, attribute.local_name));
        &self.list
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Attribute<'d>> {
        self.list.iter()
    }

    fn push(&mut self, node: Node<'d, 'd>, attribute: roxmltree::Attribute<'d, 'd>) -> Result<(), Error> {
        self.list.push(Attribute {
            namespace: attribute.namespace().unwrap_or_default(),
            local_name: attribute.name(),
            qualified_name: text::attribute_name(node, attribute)?,
            value: Cow::Borrowed(attribute.value()),
        });
        Ok(())
    }

    /// Replaces `xml:base` by the one that holds here; `outward` are those around the apex, the nearest first.
    fn join_base(&mut self, outward: Vec<&'d str>) {
        let own = self
            .list
            .iter()
            .position(|attribute| attribute.is_xml("base"))
            .map(|at| self.list.remove(at).value);
        let references = own.into_iter().chain(outward.into_iter().map(Cow::Borrowed));
        let joined = references.reduce(|reference, around| Cow::Owned(base::join(&around, &reference)));
        if let Some(value) = joined.filter(|value| !value.is_empty()) {
            self.list.push(Attribute {
                namespace: XML,
                local_name: "base",
                qualified_name: "xml:base",
                value,
            });
        }
    }
}

impl<'d> Attribute<'d> {
    pub(super) fn prefix(&self) -> &'d str {
        text::prefix(self.qualified_name, self.local_name)
    }

    fn is_xml(&self, local_name: &str) -> bool {
        self.namespace == XML && self.local_name == local_name
    }
}
