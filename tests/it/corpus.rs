//! The conformance corpus: a folder that `EDGE_SAML_CORPUS` names. Its files are not part of this repository.

use std::path::Path;

use serde_json::Value;

pub(crate) use crate::suite::corpus::{Corpus, list};

/// The corpus, or nothing and a line that says so.
pub(crate) fn open() -> Option<Corpus> {
    let Some(root) = std::env::var_os("EDGE_SAML_CORPUS") else {
        eprintln!("EDGE_SAML_CORPUS is not set: the corpus is skipped");
        return None;
    };
    Some(Corpus::of_manifest(&Path::new(&root).join("manifest.jsonl")))
}

impl Corpus {
    /// The manifest's cases.
    pub(crate) fn all_cases(&self) -> Vec<Value> {
        let lines = self.lines().unwrap().into_iter();
        lines.map(|(_, line)| serde_json::from_slice(&line).unwrap()).collect()
    }

    /// The manifest's cases of one kind.
    pub(crate) fn cases(&self, kind: &str) -> Vec<Value> {
        let mut cases = self.all_cases();
        cases.retain(|case| text(case, "kind") == kind);
        cases
    }
}

/// A member that is a string.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    crate::suite::corpus::text(value, member).unwrap()
}
