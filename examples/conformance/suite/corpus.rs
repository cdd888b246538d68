//! A corpus: a manifest and the files beside it. None of them is part of this repository.

use std::path::{Path, PathBuf};

use edge_saml::dsig::{Certificate, Error, RsaFloor, TrustedKey};
use serde_json::Value;

/// The corpus on disk.
pub(crate) struct Corpus {
    manifest: PathBuf,
}

impl Corpus {
    /// The corpus of this manifest.
    pub(crate) fn of_manifest(manifest: &Path) -> Self {
        Self {
            manifest: manifest.to_owned(),
        }
    }

    /// The octets of one of its files.
    pub(crate) fn read(&self, file: impl AsRef<Path>) -> Vec<u8> {
        let path = self.manifest.parent().unwrap_or(Path::new("")).join(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The manifest's cases.
    pub(crate) fn all_cases(&self) -> Vec<Value> {
        let manifest = std::fs::read_to_string(&self.manifest);
        let manifest = manifest.unwrap_or_else(|error| panic!("{}: {error}", self.manifest.display()));
        let lines = manifest.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The trusted keys of a case, each once. Those that cannot be used are left out, and are an error when nothing else is
    /// left.
    pub(crate) fn trusted_keys(&self, case: &Value, floor: RsaFloor) -> Result<Vec<TrustedKey>, Error> {
        let (mut keys, mut unusable) = (Vec::new(), None);
        for key in list(case, "keys") {
            let read = || self.read(text(key, "file"));
            let key = match text(key, "role") {
                "trusted-pubkey" => TrustedKey::read(&read(), floor),
                "trusted-cert" => Certificate::read(&read()).and_then(|certificate| certificate.key(floor)),
                _ => continue,
            };
            match key {
                // A certificate and the public key out of it are one key.
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(error) => unusable = Some(error),
            }
        }
        match unusable {
            Some(error) if keys.is_empty() => Err(error),
            _ => Ok(keys),
        }
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

/// A member that may be absent.
pub(crate) fn optional_text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

/// Hexadecimal digits to octets.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}
