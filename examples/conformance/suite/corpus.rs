//! A corpus: a manifest and the files beside it. None of them is part of this repository.

use std::path::{Path, PathBuf};

use edge_saml::dsig::{Certificate, Error, RsaFloor, TrustedKey};
use serde_json::Value;

/// The corpus on disk.
pub(crate) struct Corpus {
    manifest: PathBuf,
}

/// Why a case cannot be run: a sentence about its line, or about a file that the line names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unusable(pub(crate) String);

impl Corpus {
    /// The corpus of this manifest.
    pub(crate) fn of_manifest(manifest: &Path) -> Self {
        Self {
            manifest: manifest.to_owned(),
        }
    }

    /// The octets of one of its files.
    pub(crate) fn read(&self, file: impl AsRef<Path>) -> Result<Vec<u8>, Unusable> {
        let path = self.manifest.parent().unwrap_or(Path::new("")).join(file);
        std::fs::read(&path).map_err(|error| Unusable(format!("{}: {error}", path.display())))
    }

    /// The manifest's lines that are not empty, after a byte order mark, each with its number. They may be anything.
    pub(crate) fn lines(&self) -> Result<Vec<(usize, Vec<u8>)>, Unusable> {
        let manifest = std::fs::read(&self.manifest);
        let manifest = manifest.map_err(|error| Unusable(format!("{}: {error}", self.manifest.display())))?;
        let manifest = manifest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&manifest);
        let lines = (1..).zip(manifest.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii));
        let lines = lines.filter(|(_, line)| !line.is_empty());
        Ok(lines.map(|(number, line)| (number, line.to_vec())).collect())
    }

    /// The trusted keys of a case, each once. Those that cannot be used are left out, and are an error when nothing else is
    /// left.
    pub(crate) fn trusted_keys(
        &self,
        case: &Value,
        floor: RsaFloor,
    ) -> Result<Result<Vec<TrustedKey>, Error>, Unusable> {
        let (mut keys, mut refused) = (Vec::new(), None);
        for key in list(case, "keys") {
            let read = || self.read(text(key, "file")?);
            let key = match text(key, "role")? {
                "trusted-pubkey" => TrustedKey::read(&read()?, floor),
                "trusted-cert" => Certificate::read(&read()?).and_then(|certificate| certificate.key(floor)),
                _ => continue,
            };
            match key {
                // A certificate and the public key out of it are one key.
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(error) => refused = Some(error),
            }
        }
        Ok(match refused {
            Some(error) if keys.is_empty() => Err(error),
            _ => Ok(keys),
        })
    }
}

/// A member that is a string.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> Result<&'v str, Unusable> {
    optional_text(value, member).ok_or_else(|| missing(value, member, "text"))
}

/// A member that is a whole number.
pub(crate) fn number(value: &Value, member: &str) -> Result<u64, Unusable> {
    let number = value.get(member).and_then(Value::as_u64);
    number.ok_or_else(|| missing(value, member, "whole number"))
}

/// A member that is hexadecimal digits, to octets.
pub(crate) fn hex(value: &Value, member: &str) -> Result<Vec<u8>, Unusable> {
    let digit = |octet: &u8| {
        char::from(*octet)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let octets: Option<Vec<u8>> = text(value, member)?.as_bytes().chunks(2).map(pair).collect();
    octets.ok_or_else(|| missing(value, member, "hexadecimal text"))
}

fn missing(value: &Value, member: &str, shape: &str) -> Unusable {
    // Some vectors are long.
    let value: String = value.to_string().chars().take(200).collect();
    Unusable(format!("no {shape} {member:?} in {value}"))
}

/// A member that is a list.
pub(crate) fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member that may be absent.
pub(crate) fn optional_text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}
