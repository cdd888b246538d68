//! Canonicalisation: the output must be the expected one, octet for octet.
//!
//! A canonical form is neither valid nor invalid by itself. That it is the one in `expected_file` is the only way to know,
//! so that file is an input of the verdict here, as nowhere else; `expect` and `accept` are not.

use edge_saml::xml::c14n::Canonicalization;
use edge_saml::xml::{Document, Element, Profile, Source, names};
use serde_json::Value;

use super::corpus::{Corpus, Unusable, list, optional_text, text};
use super::{Answer, Verdict};

pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Answer, Unusable> {
    let octets = corpus.read(text(case, "file")?)?;
    let expected = corpus.read(text(case, "expected_file")?)?;
    let algorithm = list(case, "algs").first().and_then(Value::as_str);
    let algorithm = algorithm.ok_or_else(|| Unusable("no algorithm in \"algs\"".to_owned()))?;
    Ok(match canonicalize(case, algorithm, &octets) {
        Err(reason) => Answer::new(Verdict::Unsupported, "unsupported", &reason),
        Ok(actual) if actual == expected => Answer::valid(None),
        Ok(actual) => Answer::new(Verdict::Invalid, "other_octets", &difference(&actual, &expected)),
    })
}

/// Where two forms part.
fn difference(actual: &[u8], expected: &[u8]) -> String {
    let at = actual
        .iter()
        .zip(expected)
        .take_while(|(actual, expected)| actual == expected)
        .count();
    let around = |octets: &[u8]| {
        let around: Vec<u8> = octets.iter().skip(at.saturating_sub(40)).take(120).copied().collect();
        String::from_utf8_lossy(&around).into_owned()
    };
    format!("expected {:?}, found {:?}", around(expected), around(actual))
}

/// The canonical form that a case asks for.
fn canonicalize(case: &Value, algorithm: &str, octets: &[u8]) -> Result<Vec<u8>, String> {
    let canonicalization = Canonicalization::from_algorithm(algorithm).ok_or("not a canonicalisation algorithm")?;
    let source = Source::check(octets, Profile::Document).map_err(|error| error.to_string())?;
    let document = Document::parse(&source).map_err(|error| error.to_string())?;
    let params = &case["params"];
    let (apex, own_prefixes) = match (params["reference_index"].as_u64(), optional_text(params, "apex_xpath")) {
        (Some(index), _) => {
            let reference = nth(
                &document,
                names::DS,
                "Reference",
                usize::try_from(index).map_err(|_| "an index too large")?,
            )?;
            (Some(referenced(&document, reference)?), prefix_list(reference))
        }
        (None, Some(path)) => (Some(select(&document, path)?), None),
        (None, None) if optional_text(params, "subset_xpath").is_some() => {
            return Err("a node set of another shape".into());
        }
        (None, None) => (None, None),
    };
    let prefixes = own_prefixes
        .or(optional_text(params, "prefix_list"))
        .unwrap_or_default();
    let prefixes: Vec<&str> = prefixes.split_whitespace().collect();
    let canonicalization = canonicalization.with_inclusive_prefixes(&prefixes);
    let omit = match &params["exclude_xpath"] {
        Value::Null => Vec::new(),
        Value::String(path) => vec![select(&document, path)?],
        Value::Array(paths) => paths
            .iter()
            .map(|path| select(&document, path.as_str().ok_or("a path that is not text")?))
            .collect::<Result<_, _>>()?,
        _ => return Err("exclude_xpath of another type".into()),
    };
    match apex {
        None => canonicalization.canonicalize_document(&document, &omit),
        Some(_) if omit.len() > 1 => return Err("several exclusions below an apex".into()),
        Some(apex) => canonicalization.canonicalize(apex, omit.first().copied()),
    }
    .map_err(|error| error.to_string())
}

/// The shapes that occur: `(//*[local-name()='a' and namespace-uri()='b'])[1]` with or without the namespace.
fn select<'d>(document: &'d Document<'_>, path: &str) -> Result<Element<'d>, String> {
    let unknown = || format!("path of another shape: {path}");
    let (local_name, rest) = path
        .strip_prefix("(//*[local-name()='")
        .and_then(|rest| rest.split_once('\''))
        .ok_or_else(unknown)?;
    let (namespace, rest) = match rest.strip_prefix(" and namespace-uri()='") {
        Some(rest) => rest
            .split_once('\'')
            .map(|(namespace, rest)| (Some(namespace), rest))
            .ok_or_else(unknown)?,
        None => (None, rest),
    };
    let index = rest
        .strip_prefix("])[")
        .and_then(|rest| rest.strip_suffix(']'))
        .ok_or_else(unknown)?;
    let index: usize = index.parse().map_err(|_| unknown())?;
    let is_match = |element: &Element<'_>| {
        element.local_name() == local_name && namespace.is_none_or(|namespace| element.namespace() == namespace)
    };
    document
        .elements()
        .filter(is_match)
        .nth(index.checked_sub(1).ok_or_else(unknown)?)
        .ok_or_else(|| format!("no {path}"))
}

fn nth<'d>(document: &'d Document<'_>, namespace: &str, local_name: &str, index: usize) -> Result<Element<'d>, String> {
    let mut elements = document.elements().filter(|element| element.is(namespace, local_name));
    elements.nth(index).ok_or_else(|| format!("no {local_name} {index}"))
}

/// What `URI` of a Reference points to: `#id` or `#xpointer(id('id'))`.
fn referenced<'d>(document: &'d Document<'_>, reference: Element<'_>) -> Result<Element<'d>, String> {
    let uri = reference
        .attribute("URI")
        .ok_or("no URI")?
        .strip_prefix('#')
        .ok_or("not within the document")?;
    let id = uri
        .strip_prefix("xpointer(id('")
        .and_then(|rest| rest.strip_suffix("'))"))
        .unwrap_or(uri);
    let mut elements = document
        .elements()
        .filter(|element| element.attribute("Id") == Some(id));
    elements.next().ok_or_else(|| format!("no element {id}"))
}

fn prefix_list(reference: Element<'_>) -> Option<&str> {
    let mut lists = reference
        .descendants()
        .filter(|element| element.is(names::EXCLUSIVE_C14N, "InclusiveNamespaces"));
    lists.next().and_then(|list| list.attribute("PrefixList"))
}
