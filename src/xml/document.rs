//! The one call of the parser.

use super::names::{WSU, XML};
use super::{Element, Error, Source};

/// A parsed document in which no two elements share an identifier.
pub struct Document<'s> {
    tree: roxmltree::Document<'s>,
}

impl<'s> Document<'s> {
    /// Parses `source`. This is the only place that calls the parser.
    ///
    /// # Errors
    /// [`Error::NotWellFormed`] when the parser refuses; [`Error::DuplicateId`] when two elements carry the same value
    /// in any attribute that someone may take for an identifier (SAML Core, section 1.3.4; XML Signature 1.1, section
    /// 4.5), whichever of these attributes it is.
    pub fn parse(source: &'s Source<'_>) -> Result<Self, Error> {
        let limits = source.profile().limits();
        let options = roxmltree::ParsingOptions {
            allow_dtd: false,
            nodes_limit: u32::try_from(limits.max_less_than_signs)
                .unwrap_or(u32::MAX)
                .saturating_mul(2),
            entity_resolver: None,
        };
        #[expect(clippy::disallowed_methods, reason = "the one place where the parser is called")]
        let tree = roxmltree::Document::parse_with_options(source.text(), options).map_err(|_| Error::NotWellFormed)?;
        let document = Self { tree };
        document.check_processing_instructions()?;
        document.check_identifiers()?;
        Ok(document)
    }

    /// The document element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element::new(self.tree.root_element())
    }

    /// All elements in document order, the document element first.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        self.tree
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(Element::new)
    }

    /// The element whose identifier is `id`, in any attribute that someone takes for one.
    #[must_use]
    pub fn element_by_id(&self, id: &str) -> Option<Element<'_>> {
        let has_id = |node: &roxmltree::Node<'_, '_>| {
            let mut identifiers = node.attributes().filter(is_identifier);
            identifiers.any(|attribute| attribute.value() == id)
        };
        self.tree.descendants().find(has_id).map(Element::new)
    }

    pub(super) fn tree(&self) -> &roxmltree::Document<'s> {
        &self.tree
    }

    /// White space between target and data (XML 1.0, production 16): the parser ends the target at any other character.
    fn check_processing_instructions(&self) -> Result<(), Error> {
        let text = self.tree.input_text();
        for node in self.tree.descendants() {
            let Some(pi) = node.pi() else { continue };
            let data = text
                .get(node.range())
                .and_then(|text| text.strip_prefix("<?")?.strip_prefix(pi.target));
            if !data.is_some_and(|data| data.starts_with([' ', '\t', '\n', '\r']) || data == "?>") {
                return Err(Error::NotWellFormed);
            }
        }
        Ok(())
    }

    fn check_identifiers(&self) -> Result<(), Error> {
        let mut identifiers = Vec::new();
        for node in self.tree.descendants() {
            let values = node
                .attributes()
                .filter(is_identifier)
                .map(|attribute| attribute.value());
            identifiers.extend(values.map(|value| (value, node.id().get())));
        }
        identifiers.sort_unstable();
        let repeats = identifiers.iter().zip(identifiers.iter().skip(1));
        let is_shared = |((value, element), (next_value, next_element)): (&(&str, _), &(&str, _))| {
            value == next_value && element != next_element
        };
        if repeats.into_iter().any(is_shared) {
            Err(Error::DuplicateId)
        } else {
            Ok(())
        }
    }
}

impl core::fmt::Debug for Document<'_> {
    /// The contents are not shown: they are someone's identity.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

fn is_identifier(attribute: &roxmltree::Attribute<'_, '_>) -> bool {
    match attribute.name() {
        "ID" | "AssertionID" | "ResponseID" | "RequestID" => attribute.namespace().is_none(),
        "Id" => attribute.namespace().is_none_or(|namespace| namespace == WSU),
        "id" => attribute.namespace().is_none_or(|namespace| namespace == XML),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Document;
    use crate::xml::{Element, Error, Profile, Source};

    fn read(text: &str) -> Result<(), Error> {
        Document::parse(&Source::check(text.as_bytes(), Profile::SamlMessage)?).map(|_| ())
    }

    const WSU: &str = "xmlns:w='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'";

    #[test]
    fn identifiers_are_unique_whichever_attribute_holds_them() {
        let names = [
            "ID",
            "Id",
            "id",
            "AssertionID",
            "ResponseID",
            "RequestID",
            "xml:id",
            "w:Id",
        ];
        for first in names {
            for second in names {
                let twins = |value: &str| format!("<r {WSU} {first}='x'><e/><e {second}='{value}'/></r>");
                assert_eq!(read(&twins("x")), Err(Error::DuplicateId), "{first} {second}");
                assert_eq!(read(&twins("&#120;")), Err(Error::DuplicateId), "{first} {second}");
                assert_eq!(read(&twins("X")), Ok(()), "{first} {second}");
            }
        }
        assert_eq!(read("<r ID='' /><!-- -->"), Err(Error::CommentForbidden));
        assert_eq!(
            read("<r><e ID='1'/><e ID='2'/><e ID='3'/><e ID='2'/></r>"),
            Err(Error::DuplicateId)
        );
    }

    #[test]
    fn other_attributes_and_the_same_element_do_not_collide() {
        for text in [
            "<r ID='x' Id='x' id='x' xml:id='x'/>",
            "<r ID='x'><e Name='x' InResponseTo='x' iD='x' URI='#x'/></r>",
            "<r xmlns:p='urn:p' ID='x'><e p:ID='x' p:Id='x' p:id='x'/></r>",
            "<r ID='x'><e xml:lang='x'>x</e></r>",
        ] {
            assert_eq!(read(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn elements_and_root() {
        let source = Source::check(b"<?p?><!-- c --><r><a><b/></a>t<c/></r>", Profile::Document).unwrap();
        let document = Document::parse(&source).unwrap();
        let names: Vec<&str> = document.elements().map(Element::local_name).collect();
        assert_eq!(names, ["r", "a", "b", "c"]);
        assert_eq!(document.elements().next(), Some(document.root()));
        assert_eq!(format!("{document:?}"), "Document { .. }");
    }
}
