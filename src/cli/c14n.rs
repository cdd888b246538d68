//! `c14n`: the canonical form of a document or of one element.

use edge_saml::code::Code;
use edge_saml::saml::reject::Reject;
use edge_saml::xml::c14n::Canonicalization;
use edge_saml::xml::{self, Document, Profile, Source};

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::output::{Failure, Outcome};
use super::tool_code::ToolCode;

pub(super) const COMMAND: Command = Command {
    name: "c14n",
    help: "\
Writes the canonical form of an XML document, or of one element of it, and nothing else.

Usage: edge-saml c14n FILE --method URI [--inclusive-prefixes \"a b #default\"] [--id ID]

  --method URI                  http://www.w3.org/2001/10/xml-exc-c14n# (exclusive), http://www.w3.org/TR/2001/REC-xml-c14n-20010315
                                (1.0), http://www.w3.org/2006/12/xml-c14n11 (1.1), or one of these with comments
  --inclusive-prefixes \"a b\"    the PrefixList of the exclusive form; #default is the default namespace
  --id ID                       the element with this identifier (ID, Id, id, xml:id, wsu:Id and SAML 1's)
",
    run,
    spec: Spec {
        operand: "FILE",
        once: &["method", "inclusive-prefixes", "id"],
        many: &[],
        flags: &[],
    },
};

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let method = arguments.required("method")?;
    let canonicalization = Canonicalization::from_algorithm(method).ok_or_else(|| {
        let message = format!("{method:?} is not a canonicalisation algorithm");
        Failure::unusable(Code::SignatureAlgUnsupported, &message)
    })?;
    let prefixes: Vec<&str> = arguments
        .text("inclusive-prefixes")?
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    let canonicalization = canonicalization.with_inclusive_prefixes(&prefixes);
    let octets = input::read(arguments.operand())?;
    let source = Source::check(&octets, Profile::Document).map_err(unusable)?;
    let document = Document::parse(&source).map_err(unusable)?;
    let canonical = match arguments.text("id")? {
        None => canonicalization.canonicalize_document(&document, &[]),
        Some(id) => {
            let apex = document.element_by_id(id);
            let apex =
                apex.ok_or_else(|| Failure::unusable(ToolCode::IdUnknown, &format!("no element has the ID {id:?}")))?;
            canonicalization.canonicalize(apex, None)
        }
    };
    canonical.map(Outcome::Octets).map_err(unusable)
}

fn unusable(error: xml::Error) -> Failure {
    Failure::unusable(Reject::Xml(error).code(), &error.to_string())
}
