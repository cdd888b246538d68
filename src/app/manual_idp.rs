//! Identity providers whose values were typed, where there is no metadata.

use serde::Deserialize;

use super::App;
use super::error::ApiError;
use super::ports::Ports;
use super::registry::Change;
use crate::dsig::{Certificate, RsaFloor};
use crate::limits::MAX_CERTIFICATES_PER_CONNECTION;
use crate::saml::connection::{Binding, IdentityProvider, StoredCertificate};
use crate::saml::id::{EndpointUrl, EntityId};

/// An identity provider whose values were typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManualBody {
    pub(super) entity_id: String,
    /// Where users are sent to sign in.
    pub(super) sso_url: String,
    pub(super) binding: Binding,
    /// Its signing certificates, in any form that files and metadata have.
    pub(super) certificates: String,
    /// Whether it may be another one than the connection has.
    #[serde(default)]
    pub(super) replace_entity: bool,
}

impl<P: Ports> App<P> {
    /// Checks what was typed: the change that saves it.
    pub(super) fn read_manual(&self, body: &ManualBody) -> Result<Change, ApiError> {
        let url = EndpointUrl::parse(&body.sso_url).map_err(|e| ApiError::invalid("sso_url", e.0))?;
        if !self.may_send_to(&url) {
            return Err(ApiError::invalid("sso_url", "expected an https:// address"));
        }
        let entity_id = EntityId::parse(&body.entity_id).map_err(|e| ApiError::invalid("entity_id", e.0))?;
        let certificates = read_certificates(&body.certificates)?;
        Ok(Change::IdentityProvider {
            found: Box::new(IdentityProvider::typed(entity_id, url, body.binding, certificates)),
            replace_entity: body.replace_entity,
        })
    }
}

/// The certificates in `text`: PEM, or base64 with an empty line between two.
fn read_certificates(text: &str) -> Result<Vec<StoredCertificate>, ApiError> {
    let text = text.replace('\r', "");
    let parts: Vec<&str> = if text.contains("-----BEGIN") {
        vec![&text]
    } else {
        text.split("\n\n").filter(|part| !part.trim().is_empty()).collect()
    };
    let read = parts
        .into_iter()
        .flat_map(|part| match Certificate::read_all(part.as_bytes()) {
            Ok(read) => read.into_iter().map(Ok).collect(),
            Err(_) => vec![Err("expected certificates as PEM or base64; one of these is neither")],
        });
    let weak = "expected RSA keys of 2,048 bits or more, or keys on P-256, P-384 or P-521";
    usable_certificates(read, weak).map_err(|expected| ApiError::invalid("certificates", expected))
}

/// The certificates that a connection is to have, as an administrator gave them: each once, with keys that are strong enough
/// (`weak` is said otherwise), and as many as there may be. Those after one too many are not looked at.
pub(super) fn usable_certificates(
    read: impl IntoIterator<Item = Result<Certificate, &'static str>>,
    weak: &'static str,
) -> Result<Vec<StoredCertificate>, &'static str> {
    const COUNT: &str = "expected 1 to 8 certificates";
    let mut certificates = Vec::new();
    for certificate in read {
        let certificate = certificate?;
        if certificate.key(RsaFloor::Standard).is_err() {
            return Err(weak);
        }
        let stored = StoredCertificate::of(&certificate);
        if certificates.contains(&stored) {
            continue;
        }
        if certificates.len() >= MAX_CERTIFICATES_PER_CONNECTION {
            return Err(COUNT);
        }
        certificates.push(stored);
    }
    if certificates.is_empty() {
        Err(COUNT)
    } else {
        Ok(certificates)
    }
}
