use core::fmt;

/// Why a document, or a step of reading it, is refused. Each variant is named for the rule broken.
///
/// Nothing of the document is kept, so that an error can be logged as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Canonicalisation leaves out the very element that it starts from.
    ApexOmitted,
    /// A child element that must be there is not.
    ChildMissing,
    /// A child element that may be there once is there more often.
    ChildRepeated,
    /// A comment stands where none is allowed: in a SAML message, or inside a value.
    CommentForbidden,
    /// A namespace declaration is given twice on one element (XML 1.0, section 3.1).
    DeclarationRepeated,
    /// A document type declaration: it can define entities and attribute defaults.
    DoctypeForbidden,
    /// A document type declaration with an internal subset, even where one without is tolerated.
    DoctypeInternalSubset,
    /// Two elements carry the same identifier (`ID`, `Id`, `id`, `AssertionID`, `ResponseID`, `RequestID`, `xml:id`
    /// or `wsu:Id`).
    DuplicateId,
    /// The octets are not in the encoding that they must be in (UTF-8 for SAML messages).
    EncodingInvalid,
    /// The XML declaration names an encoding that is not accepted here.
    EncodingUnsupported,
    /// A reference to an entity other than the five predefined ones (XML 1.0, section 4.6).
    EntityUnknown,
    /// A character that XML does not allow (XML 1.0, section 2.2).
    InvalidCharacter,
    /// A character reference to something that is not an XML character (XML 1.0, section 4.1).
    InvalidCharacterReference,
    /// An XML declaration that is malformed or not of version 1.0 (XML 1.0, section 2.8).
    InvalidDeclaration,
    /// A name with a colon where none is allowed (Namespaces in XML 1.0, sections 3 and 4).
    InvalidName,
    /// A child element where only text is allowed.
    MarkupInText,
    /// A namespace name that is not an absolute URI of ASCII characters.
    NamespaceNotAbsolute,
    /// A namespace name longer than [`MAX_NAMESPACE_BYTES`](crate::limits::MAX_NAMESPACE_BYTES).
    NamespaceTooLong,
    /// A name longer than [`MAX_NAME_BYTES`](crate::limits::MAX_NAME_BYTES).
    NameTooLong,
    /// Not well-formed XML (XML 1.0 and Namespaces in XML 1.0).
    NotWellFormed,
    /// The canonical form outgrows its budget.
    OutputTooLarge,
    /// A `PrefixList` longer than [`MAX_PREFIX_LIST_TOKENS`](crate::limits::MAX_PREFIX_LIST_TOKENS).
    PrefixListTooLong,
    /// A prefix is declared with an empty namespace name (Namespaces in XML 1.0, section 5).
    PrefixUndeclared,
    /// A processing instruction where none is allowed: in a SAML message, or inside a value.
    ProcessingInstructionForbidden,
    /// A declaration of the prefix `xmlns` (Namespaces in XML 1.0, section 3).
    ReservedPrefix,
    /// Text other than white space between child elements.
    TextBetweenElements,
    /// Elements nested too deeply.
    TooDeep,
    /// More octets than the profile allows.
    TooLarge,
    /// An element with too many attributes.
    TooManyAttributes,
    /// Too many namespace declarations, on one element or in all.
    TooManyDeclarations,
    /// Too many elements.
    TooManyElements,
    /// Too many `<` or `=` characters: the parser would reserve memory for each.
    TooManyMarks,
    /// Too many prefixes bound at the same place.
    TooManyPrefixes,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApexOmitted => "the element to canonicalise is the one left out",
            Self::ChildMissing => "expected a child element, found none",
            Self::ChildRepeated => "expected one child element, found several",
            Self::CommentForbidden => "comment not allowed here",
            Self::DeclarationRepeated => "namespace declared twice on one element",
            Self::DoctypeForbidden => "document type declaration not allowed",
            Self::DoctypeInternalSubset => "internal subset of a document type declaration not allowed",
            Self::DuplicateId => "two elements with the same identifier",
            Self::EncodingInvalid => "octets are not in the declared encoding",
            Self::EncodingUnsupported => "declared encoding not accepted",
            Self::EntityUnknown => "reference to an undeclared entity",
            Self::InvalidCharacter => "character not allowed in xml",
            Self::InvalidCharacterReference => "reference to a character not allowed in xml",
            Self::InvalidDeclaration => "xml declaration malformed or not of version 1.0",
            Self::InvalidName => "colon misplaced in a name",
            Self::MarkupInText => "expected text, found an element",
            Self::NamespaceNotAbsolute => "namespace name is not an absolute uri",
            Self::NamespaceTooLong => "namespace name too long",
            Self::NameTooLong => "name too long",
            Self::NotWellFormed => "not well-formed xml",
            Self::OutputTooLarge => "canonical form too large",
            Self::PrefixListTooLong => "prefix list too long",
            Self::PrefixUndeclared => "prefix declared with an empty namespace name",
            Self::ProcessingInstructionForbidden => "processing instruction not allowed here",
            Self::ReservedPrefix => "declaration of the prefix xmlns",
            Self::TextBetweenElements => "expected elements, found text",
            Self::TooDeep => "elements nested too deeply",
            Self::TooLarge => "document too large",
            Self::TooManyAttributes => "too many attributes on one element",
            Self::TooManyDeclarations => "too many namespace declarations",
            Self::TooManyElements => "too many elements",
            Self::TooManyMarks => "too many markup characters",
            Self::TooManyPrefixes => "too many prefixes in scope",
        })
    }
}

impl core::error::Error for Error {}
