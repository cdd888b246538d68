//! The codes that are the tool's own: why there is no verdict. All others are the library's.

use edge_saml::code::Code;

/// Why the tool could not do what it was asked to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolCode {
    FileUnreadable,
    IdUnknown,
    InputUnknown,
    OutputFailed,
    UnknownCode,
    Usage,
}

impl ToolCode {
    pub(super) const ALL: [Self; 6] = [
        Self::FileUnreadable,
        Self::IdUnknown,
        Self::InputUnknown,
        Self::OutputFailed,
        Self::UnknownCode,
        Self::Usage,
    ];

    /// The code with this word.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The stable word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::FileUnreadable => "file_unreadable",
            Self::IdUnknown => "id_unknown",
            Self::InputUnknown => "input_unknown",
            Self::OutputFailed => "output",
            Self::UnknownCode => "unknown_code",
            Self::Usage => "usage",
        }
    }

    /// What it means and what to do, for whoever runs the tool.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::FileUnreadable => {
                "A file that was named cannot be read: it does not exist, is a folder, or may not be opened. The message says which one \
                 and why."
            }
            Self::IdUnknown => {
                "No element of the document has this identifier. Look for the element's ID, Id, id, xml:id or wsu:Id, and write it \
                 exactly as it stands there."
            }
            Self::InputUnknown => {
                "The input is nothing that this command reads. Give it XML, base64 of it, or a form's body or a query as it was sent; \
                 a document to decrypt must have an EncryptedData."
            }
            Self::OutputFailed => {
                "The verdict could not be written as JSON, which is a fault of the tool. Please report it, without the message itself."
            }
            Self::UnknownCode => {
                "No code has this word. The list beside it has all that there are; a newer version of the tool may have more."
            }
            Self::Usage => {
                "The arguments do not fit: something is missing, given twice, not known or not of its form. The message says what, and \
                 `edge-saml COMMAND --help` tells what there is."
            }
        }
    }
}

/// The word of a code, the tool's or the library's.
pub(super) struct Word(pub(super) &'static str);

impl From<ToolCode> for Word {
    fn from(code: ToolCode) -> Self {
        Self(code.as_str())
    }
}

impl From<Code> for Word {
    fn from(code: Code) -> Self {
        Self(code.as_str())
    }
}
