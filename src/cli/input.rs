//! Files: how much of them is read, and what they turn out to be.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use edge_saml::code::Code;
use edge_saml::dsig::{Certificate, Error, RsaFloor, TrustedKey};
use edge_saml::limits::MAX_DOCUMENT_BYTES;
use edge_saml::saml::metadata::{Entity, MetadataError, read_entities, read_identity_provider};
use edge_saml::xmlenc::PrivateKey;

use super::message::looks_like_xml;
use super::output::Failure;
use super::tool_code::ToolCode;

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
    read.map_err(|error| {
        Failure::unusable(
            ToolCode::FileUnreadable,
            &format!("{}: {error}", Path::new(path).display()),
        )
    })?;
    Ok(octets)
}

/// The keys of all certificates in `paths`, each a file of certificates or the metadata of their holder. Those that are too
/// weak are left out, as the Worker leaves them out; when nothing is left, they are the reason to refuse.
pub(super) fn certificate_keys<'p>(paths: impl Iterator<Item = &'p OsStr>) -> Result<Vec<TrustedKey>, Failure> {
    let (mut keys, mut refused): (Vec<TrustedKey>, Option<Error>) = (Vec::new(), None);
    for path in paths {
        for certificate in certificates(path)? {
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

fn certificates(path: &OsStr) -> Result<Vec<Certificate>, Failure> {
    let octets = read(path)?;
    if looks_like_xml(&octets)
        && let Ok(entities) = read_entities(&octets)
    {
        return signing_certificates(&octets, &entities)
            .map_err(|error| unusable(path, error.code(), &format!("{error}; name certificates instead")));
    }
    Certificate::read_all(&octets).map_err(|error| {
        let is_key = !matches!(TrustedKey::read(&octets, RsaFloor::Standard), Err(Error::KeyMalformed));
        let hint = if is_key {
            ", a public key, which verify-xml takes by --key"
        } else {
            ""
        };
        unusable(path, error.code(), &format!("{error}{hint}"))
    })
}

/// The signing certificates of the one identity provider of metadata. Those that are unreadable are left out, as the Worker
/// leaves them out.
fn signing_certificates(octets: &[u8], entities: &[Entity]) -> Result<Vec<Certificate>, MetadataError> {
    let roles = entities.iter().flat_map(|entity| &entity.identity_providers);
    let mut roles = roles.filter(|role| role.supports_saml2);
    let (Some(role), None) = (roles.next(), roles.next()) else {
        // None or several: why not, the library tells.
        let refused = read_identity_provider(octets, None).err();
        return Err(refused.unwrap_or(MetadataError::NoIdpRole));
    };
    let signing = role.certificates.iter().filter(|certificate| certificate.signs());
    let readable = signing.filter_map(|certificate| certificate.certificate.clone().ok());
    let certificates: Vec<Certificate> = readable.collect();
    if certificates.is_empty() {
        return Err(MetadataError::NoSigningKey);
    }
    Ok(certificates)
}

/// The public key in `path`.
pub(super) fn public_key(path: &OsStr) -> Result<TrustedKey, Failure> {
    let octets = read(path)?;
    TrustedKey::read(&octets, RsaFloor::Standard).map_err(|error| match error {
        Error::KeyWeak { .. } | Error::KeyUnsupported => error.into(),
        _ if Certificate::read_all(&octets).is_ok() => unusable(
            path,
            error.code(),
            "expected a public key, found a certificate, which --cert takes",
        ),
        _ => unusable(path, error.code(), &error.to_string()),
    })
}

/// The private RSA key in `path`.
pub(super) fn private_key(path: &OsStr) -> Result<PrivateKey, Failure> {
    private_key_of(&read(path)?, path)
}

/// The private RSA key in `octets`, which were read from `path`: standard input and pipes can be read once.
pub(super) fn private_key_of(octets: &[u8], path: &OsStr) -> Result<PrivateKey, Failure> {
    PrivateKey::read(octets).map_err(|error| unusable(path, Code::KeyMalformed, &error.to_string()))
}

fn unusable(path: &OsStr, code: Code, why: &str) -> Failure {
    Failure::unusable(code, &format!("{}: {why}", Path::new(path).display()))
}
