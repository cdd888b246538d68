//! XML, read once and strictly: octets → [`Source`] → [`Document`] → [`Element`].
//!
//! [`Source::check`] looks at every octet before the parser sees any, and refuses what the parser reads differently from
//! the specifications, what costs more than the input is worth, and what a SAML message has no use for. The parser is
//! called in one place, [`Document::parse`]. [`c14n`] turns a parsed element into the octets that a signature covers,
//! and [`Writer`] makes the XML that we send.
//!
//! ```
//! use edge_saml::xml::{Document, Profile, Source};
//!
//! let source = Source::check(b"<a xmlns='urn:example:a'><b>text</b></a>", Profile::SamlMessage)?;
//! let document = Document::parse(&source)?;
//! let b = document.root().required_child("urn:example:a", "b")?;
//! assert_eq!(b.text()?, "text");
//! # Ok::<(), edge_saml::xml::Error>(())
//! ```

pub mod c14n;
mod document;
mod element;
mod error;
pub mod names;
mod rules;
mod scan;
mod source;
mod write;

pub use document::Document;
pub use element::{Attribute, Element};
pub use error::Error;
pub use source::{Profile, Source};
pub use write::Writer;
