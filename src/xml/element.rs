//! Strict readers over one element: expanded names always, exact counts, whole text or none.

use super::Error;

/// An element of a [`Document`](super::Document). Equal handles are the same element, not alike ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element<'d> {
    node: roxmltree::Node<'d, 'd>,
}

/// An attribute with its expanded name; `namespace` is empty for one without a prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'d> {
    /// Namespace name, or the empty string.
    pub namespace: &'d str,
    /// Local part of the name.
    pub local_name: &'d str,
    /// Normalised value (XML 1.0, section 3.3.3).
    pub value: &'d str,
}

impl<'d> Element<'d> {
    /// `node` must be an element.
    pub(super) fn new(node: roxmltree::Node<'d, 'd>) -> Self {
        Self { node }
    }

    pub(super) fn node(self) -> roxmltree::Node<'d, 'd> {
        self.node
    }

    /// Where it ends in the source's text, in octets.
    pub(crate) fn end(self) -> usize {
        self.node.range().end
    }

    /// Whether this is the element's expanded name (Namespaces in XML 1.0, section 2.1).
    #[must_use]
    pub fn is(self, namespace: &str, local_name: &str) -> bool {
        self.local_name() == local_name && self.namespace() == namespace
    }

    /// Namespace name; empty when there is none.
    #[must_use]
    pub fn namespace(self) -> &'d str {
        self.node.tag_name().namespace().unwrap_or_default()
    }

    /// Local part of the name.
    #[must_use]
    pub fn local_name(self) -> &'d str {
        self.node.tag_name().name()
    }

    /// The value of the attribute of this name in no namespace. One with a prefix is never found.
    #[must_use]
    pub fn attribute(self, local_name: &str) -> Option<&'d str> {
        self.attributes()
            .find(|attribute| attribute.namespace.is_empty() && attribute.local_name == local_name)
            .map(|attribute| attribute.value)
    }

    /// All attributes, namespace declarations not among them, in document order.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> {
        self.node.attributes().map(|attribute| Attribute {
            namespace: attribute.namespace().unwrap_or_default(),
            local_name: attribute.name(),
            value: attribute.value(),
        })
    }

    /// The element around this one; none for the document element.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.node.parent().filter(roxmltree::Node::is_element).map(Self::new)
    }

    /// The child elements, in document order. Text between them is not looked at, see
    /// [`has_only_element_content`](Self::has_only_element_content).
    pub fn children(self) -> impl Iterator<Item = Self> {
        self.node.children().filter(roxmltree::Node::is_element).map(Self::new)
    }

    /// The next element with the same parent.
    #[must_use]
    pub fn next_sibling(self) -> Option<Self> {
        self.node.next_sibling_element().map(Self::new)
    }

    /// The elements below this one, itself not among them, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Self> {
        self.node
            .descendants()
            .skip(1)
            .filter(roxmltree::Node::is_element)
            .map(Self::new)
    }

    /// The child element of this name, if there is one.
    ///
    /// # Errors
    /// [`Error::ChildRepeated`] when there are several.
    pub fn child(self, namespace: &str, local_name: &str) -> Result<Option<Self>, Error> {
        let mut children = self.children().filter(|child| child.is(namespace, local_name));
        let child = children.next();
        if children.next().is_some() {
            Err(Error::ChildRepeated)
        } else {
            Ok(child)
        }
    }

    /// The one child element of this name.
    ///
    /// # Errors
    /// [`Error::ChildMissing`] when there is none, [`Error::ChildRepeated`] when there are several.
    pub fn required_child(self, namespace: &str, local_name: &str) -> Result<Self, Error> {
        self.child(namespace, local_name)?.ok_or(Error::ChildMissing)
    }

    /// The whole text of an element that holds nothing else; CDATA sections and references are resolved.
    ///
    /// Text is never joined over a gap nor cut at one: `a@x<!-- -->.evil` is an error, neither `a@x` nor `a@x.evil`.
    ///
    /// # Errors
    /// [`Error::MarkupInText`], [`Error::CommentForbidden`] or [`Error::ProcessingInstructionForbidden`] for what is
    /// there beside text.
    pub fn text(self) -> Result<&'d str, Error> {
        let mut text = "";
        for child in self.node.children() {
            match child.node_type() {
                roxmltree::NodeType::Comment => return Err(Error::CommentForbidden),
                roxmltree::NodeType::PI => return Err(Error::ProcessingInstructionForbidden),
                // Adjacent text is one node, so a second one cannot follow without something refused between them.
                roxmltree::NodeType::Text if text.is_empty() => text = child.text().unwrap_or_default(),
                roxmltree::NodeType::Text | roxmltree::NodeType::Element | roxmltree::NodeType::Root => {
                    return Err(Error::MarkupInText);
                }
            }
        }
        Ok(text)
    }

    /// All text at and below this element, in document order, without the tags. For people to look at: two readers may
    /// differ about what it means.
    ///
    /// # Errors
    /// [`Error::CommentForbidden`] or [`Error::ProcessingInstructionForbidden`] for what [`text`](Self::text) refuses too.
    pub fn text_with_descendants(self) -> Result<String, Error> {
        let mut text = String::new();
        for node in self.node.descendants() {
            match node.node_type() {
                roxmltree::NodeType::Comment => return Err(Error::CommentForbidden),
                roxmltree::NodeType::PI => return Err(Error::ProcessingInstructionForbidden),
                roxmltree::NodeType::Text => text.push_str(node.text().unwrap_or_default()),
                roxmltree::NodeType::Element | roxmltree::NodeType::Root => {}
            }
        }
        Ok(text)
    }

    /// Checks that only white space stands between the child elements.
    ///
    /// # Errors
    /// [`Error::TextBetweenElements`] otherwise.
    pub fn has_only_element_content(self) -> Result<(), Error> {
        let is_blank = |text: &str| text.bytes().all(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r'));
        let texts = self.node.children().filter(roxmltree::Node::is_text);
        if texts.filter_map(|node| node.text()).all(is_blank) {
            Ok(())
        } else {
            Err(Error::TextBetweenElements)
        }
    }
}

impl core::fmt::Debug for Attribute<'_> {
    /// The name alone, as for an element.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Attribute({{{}}}{})", self.namespace, self.local_name)
    }
}

impl core::fmt::Debug for Element<'_> {
    /// The name alone: contents are someone's identity.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Element({{{}}}{})", self.namespace(), self.local_name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Element};
    use crate::xml::{Document, Error, Profile, Source};

    fn with_root<T>(text: &str, read: impl FnOnce(Element<'_>) -> T) -> T {
        let source = Source::check(text.as_bytes(), Profile::Document).unwrap();
        read(Document::parse(&source).unwrap().root())
    }

    #[test]
    fn names_are_expanded() {
        with_root(
            "<p:a xmlns:p='urn:x' xmlns='urn:y'><a xmlns='urn:x'/><a/><a xmlns=''/></p:a>",
            |root| {
                assert!(
                    root.is("urn:x", "a") && !root.is("urn:y", "a") && !root.is("", "a") && !root.is("urn:x", "p:a")
                );
                let namespaces: Vec<&str> = root.children().map(Element::namespace).collect();
                assert_eq!(namespaces, ["urn:x", "urn:y", ""]);
                assert_eq!(format!("{root:?}"), "Element({urn:x}a)");
            },
        );
    }

    #[test]
    fn attributes_with_a_prefix_are_never_taken_for_those_without() {
        for text in [
            "<a xmlns:x='urn:x' x:ID='_evil' ID='_a'/>",
            "<a ID='_a' xmlns:x='urn:x' x:ID='_evil'/>",
        ] {
            with_root(text, |root| assert_eq!(root.attribute("ID"), Some("_a")));
        }
        with_root("<a xmlns='urn:x' xmlns:x='urn:x' x:ID='_evil'/>", |root| {
            assert_eq!(root.attribute("ID"), None);
            assert_eq!(root.attribute("xmlns"), None);
            let attribute = Attribute {
                namespace: "urn:x",
                local_name: "ID",
                value: "_evil",
            };
            assert_eq!(root.attributes().collect::<Vec<_>>(), [attribute]);
        });
    }

    #[test]
    fn children_are_counted() {
        with_root("<a><b/>text<c/><b xmlns='urn:x'/><c/></a>", |root| {
            assert_eq!(root.child("", "b").map(|child| child.is_some()), Ok(true));
            assert_eq!(root.child("", "d"), Ok(None));
            assert_eq!(root.child("", "c"), Err(Error::ChildRepeated));
            assert_eq!(root.required_child("", "d"), Err(Error::ChildMissing));
            assert_eq!(root.required_child("", "c"), Err(Error::ChildRepeated));
            let child = root.required_child("urn:x", "b").unwrap();
            assert_eq!(child.parent(), Some(root));
            let siblings = std::iter::successors(root.children().next(), |child| child.next_sibling());
            assert_eq!(siblings.collect::<Vec<_>>(), root.children().collect::<Vec<_>>());
            assert_eq!(root.parent(), None);
            assert_ne!(root.required_child("", "b"), Ok(child));
        });
    }

    #[test]
    fn descendants_are_those_below() {
        with_root("<a><b><c/></b><d/></a>", |root| {
            let names: Vec<&str> = root.descendants().map(Element::local_name).collect();
            assert_eq!(names, ["b", "c", "d"]);
            let b = root.required_child("", "b").unwrap();
            assert_eq!(b.descendants().map(Element::local_name).collect::<Vec<_>>(), ["c"]);
        });
    }

    #[test]
    fn text_is_whole_or_refused() {
        for (text, expected) in [
            ("<a/>", Ok("")),
            ("<a></a>", Ok("")),
            ("<a> x\n</a>", Ok(" x\n")),
            ("<a>1<![CDATA[2<b/>]]>&#51;&amp;<![CDATA[]]>4</a>", Ok("12<b/>3&4")),
            ("<a><![CDATA[]]></a>", Ok("")),
            ("<a>a@x<!-- -->.evil</a>", Err(Error::CommentForbidden)),
            ("<a><!-- -->a@x</a>", Err(Error::CommentForbidden)),
            ("<a><![CDATA[]]><!-- -->a@x</a>", Err(Error::CommentForbidden)),
            ("<a>a@x<?p?>.evil</a>", Err(Error::ProcessingInstructionForbidden)),
            ("<a>a@x<b/></a>", Err(Error::MarkupInText)),
            ("<a><b>a@x</b></a>", Err(Error::MarkupInText)),
        ] {
            with_root(text, |root| assert_eq!(root.text(), expected, "{text}"));
        }
    }

    #[test]
    fn element_content() {
        for (text, expected) in [
            ("<a/>", Ok(())),
            ("<a> \t\n&#13;<b>x</b> <!-- x --> </a>", Ok(())),
            ("<a><b/>x</a>", Err(Error::TextBetweenElements)),
            ("<a><b/><![CDATA[x]]></a>", Err(Error::TextBetweenElements)),
            ("<a>\u{A0}<b/></a>", Err(Error::TextBetweenElements)),
        ] {
            with_root(text, |root| {
                assert_eq!(root.has_only_element_content(), expected, "{text}");
            });
        }
    }
}
