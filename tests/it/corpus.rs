//! The conformance corpus: a folder that `EDGE_SAML_CORPUS` names. Its files are not part of this repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The corpus, or nothing and a line that says so.
pub(crate) fn open() -> Option<Corpus> {
    let Some(root) = std::env::var_os("EDGE_SAML_CORPUS") else {
        eprintln!("EDGE_SAML_CORPUS is not set: the corpus is skipped");
        return None;
    };
    Some(Corpus { root: root.into() })
}

/// The corpus on disk.
pub(crate) struct Corpus {
    root: PathBuf,
}

impl Corpus {
    /// The octets of one of its files.
    pub(crate) fn read(&self, file: impl AsRef<Path>) -> Vec<u8> {
        let path = self.root.join(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The manifest's cases of one kind.
    pub(crate) fn cases(&self, kind: &str) -> Vec<Value> {
        let manifest = String::from_utf8(self.read("manifest.jsonl")).unwrap();
        manifest
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|case| text(case, "kind") == kind)
            .collect()
    }
}

/// A member that is a string.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {member} in {value}"))
}

/// A member that is a list.
pub(crate) fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
