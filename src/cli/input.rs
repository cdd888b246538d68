//! Files: how much of them is read, and what they turn out to be.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use edge_saml::code::Code;
use edge_saml::dsig::{Certificate, Error, RsaFloor, TrustedKey};
use edge_saml::limits::MAX_DOCUMENT_BYTES;
use edge_saml::xmlenc::PrivateKey;

use super::output::Failure;

/// What stands for the standard input where a file is named.
pub(super) const STANDARD_INPUT: &str = "-";

/// Reads a file, or the standard input; of one that is too large for anything, one octet more than is allowed.
pub(super) fn read(path: &OsStr) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    let read = if path == STANDARD_INPUT {
        std::io::stdin().lock().take(limit).read_to_end(&mut octets)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut octets))
    };
    read.map_err(|error| Failure::unusable("file_unreadable", &format!("{}: {error}", Path::new(path).display())))?;
    Ok(octets)
}

/// The keys of all certificates in `paths`. Those that are too weak are left out, as the Worker leaves them out; when
/// nothing is left, they are the reason to refuse.
pub(super) fn certificate_keys<'p>(paths: impl Iterator<Item = &'p OsStr>) -> Result<Vec<TrustedKey>, Failure> {
    let (mut keys, mut refused): (Vec<TrustedKey>, Option<Error>) = (Vec::new(), None);
    for path in paths {
        let certificates = Certificate::read_all(&read(path)?).map_err(|error| unreadable(path, &error))?;
        for certificate in certificates {
            match certificate.key(RsaFloor::Standard) {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(error) => refused = Some(error),
            }
        }
    }
    match refused {
        Some(error) if keys.is_empty() => Err(error.into()),
        _ => Ok(keys),
    }
}

/// The public key in `path`.
pub(super) fn public_key(path: &OsStr) -> Result<TrustedKey, Failure> {
    TrustedKey::read(&read(path)?, RsaFloor::Standard).map_err(|error| match error {
        Error::KeyWeak { .. } | Error::KeyUnsupported => error.into(),
        _ => unreadable(path, &error),
    })
}

/// The private RSA key in `path`.
pub(super) fn private_key(path: &OsStr) -> Result<PrivateKey, Failure> {
    private_key_of(&read(path)?, path)
}

/// The private RSA key in `octets`, which were read from `path`: standard input and pipes can be read once.
pub(super) fn private_key_of(octets: &[u8], path: &OsStr) -> Result<PrivateKey, Failure> {
    PrivateKey::read(octets).map_err(|error| {
        let message = format!("{}: {error}", Path::new(path).display());
        Failure::unusable(Code::KeyMalformed.as_str(), &message)
    })
}

fn unreadable(path: &OsStr, error: &Error) -> Failure {
    Failure::unusable(
        error.code().as_str(),
        &format!("{}: {error}", Path::new(path).display()),
    )
}
