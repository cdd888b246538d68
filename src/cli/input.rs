//! Files: how much of them is read, and what they turn out to be.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::code::Code;
use edge_saml::dsig::{Certificate, Error, RsaFloor, TrustedKey};
use edge_saml::limits::MAX_DOCUMENT_BYTES;
use edge_saml::saml::binding::inflate;
use edge_saml::saml::reject::Reject;
use edge_saml::xmlenc::PrivateKey;

use super::output::Failure;

/// Reads a file; of one that is too large for anything, one octet more than is allowed.
pub(super) fn read(path: &OsStr) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut octets))
        .map_err(|error| Failure::unusable("file_unreadable", &format!("{}: {error}", Path::new(path).display())))?;
    Ok(octets)
}

/// A message as XML, out of a file that holds XML, base64 of it, or base64 of deflated XML.
///
/// Base64 is as strict as at the assertion consumer service: white space may stand anywhere, nothing else.
pub(super) fn message(octets: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if looks_like_xml(&octets) {
        return Ok(octets);
    }
    let packed: Vec<u8> = octets
        .into_iter()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    let decoded = STANDARD.decode(packed).ok().filter(|decoded| !decoded.is_empty());
    let decoded = decoded.ok_or_else(|| {
        Failure::unusable(
            "input_unknown",
            "expected XML, base64, or base64 of a deflated message, found neither",
        )
    })?;
    if looks_like_xml(&decoded) {
        return Ok(decoded);
    }
    match inflate(&decoded) {
        Ok(inflated) => Ok(inflated),
        Err(reject @ Reject::TooLarge) => Err(reject.into()),
        Err(_) => Err(Failure::unusable(
            "input_unknown",
            "expected XML or a deflated message within the base64, found neither",
        )),
    }
}

/// Whether octets begin as XML does, after a byte order mark and white space. What is wrong with it, the reader tells.
pub(super) fn looks_like_xml(octets: &[u8]) -> bool {
    let of_two: fn([u8; 2]) -> u16 = match octets {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => {
            let octets = octets.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(octets);
            return octets.trim_ascii_start().starts_with(b"<");
        }
    };
    let (units, _) = octets.as_chunks::<2>();
    let characters = units.iter().skip(1).map(|unit| u8::try_from(of_two(*unit)));
    let mut characters = characters.skip_while(|character| character.is_ok_and(|octet| octet.is_ascii_whitespace()));
    characters.next() == Some(Ok(b'<'))
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
    PrivateKey::read(&read(path)?).map_err(|error| {
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
