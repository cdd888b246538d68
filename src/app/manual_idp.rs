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

/// What is said where there are too few or too many certificates.
pub(super) const CERTIFICATE_COUNT: &str = "expected 1 to 8 certificates";

/// The certificates in `text`: PEM, or base64 with an empty line between two.
fn read_certificates(text: &str) -> Result<Vec<StoredCertificate>, ApiError> {
    let invalid = |expected| ApiError::invalid("certificates", expected);
    let text = text.replace('\r', "");
    let parts: Vec<&str> = if text.contains("-----BEGIN") {
        vec![&text]
    } else {
        text.split("\n\n").filter(|part| !part.trim().is_empty()).collect()
    };
    let mut certificates: Vec<StoredCertificate> = Vec::new();
    for part in parts {
        let read = Certificate::read_all(part.as_bytes());
        for certificate in
            read.map_err(|_| invalid("expected certificates as PEM or base64; one of these is neither"))?
        {
            if certificate.key(RsaFloor::Standard).is_err() {
                return Err(invalid(
                    "expected RSA keys of 2,048 bits or more, or keys on P-256, P-384 or P-521",
                ));
            }
            let stored = StoredCertificate::of(&certificate);
            if certificates.contains(&stored) {
                continue;
            }
            if certificates.len() >= MAX_CERTIFICATES_PER_CONNECTION {
                return Err(invalid(CERTIFICATE_COUNT));
            }
            certificates.push(stored);
        }
    }
    if certificates.is_empty() {
        Err(invalid(CERTIFICATE_COUNT))
    } else {
        Ok(certificates)
    }
}
