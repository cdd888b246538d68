//! `metadata`: what metadata says of identity providers.

use edge_saml::saml::metadata::{Entity, IdpRole, RoleCertificate, Service, read_entities};
use edge_saml::saml::time::Timestamp;
use serde::Serialize;

use super::Command;
use super::arguments::{Arguments, Spec};
use super::input;
use super::output::{Failure, Outcome};

pub(super) const COMMAND: Command = Command {
    name: "metadata",
    help: "\
Lists every entity of a metadata file, and what it says of its role as an identity provider.

Usage: edge-saml metadata FILE

Prints {\"entities\":[{\"entity_id\",\"idp\":{\"sso\":[{\"binding\",\"location\"}],\"slo\":[...],\"signing_certificates\":
[{\"sha256\",\"subject\",\"not_after\"}],\"want_authn_requests_signed\"}}]}. idp is null for an entity without that role.
Certificates that are unreadable are left out. Signatures and validUntil are not looked at: see verify-xml.
",
    run,
    spec: Spec {
        operand: "FILE",
        once: &[],
        many: &[],
        flags: &[],
    },
};

#[derive(Serialize)]
struct Listing<'m> {
    entities: Vec<Listed<'m>>,
}

#[derive(Serialize)]
struct Listed<'m> {
    entity_id: &'m str,
    idp: Option<Idp<'m>>,
}

#[derive(Serialize)]
struct Idp<'m> {
    sso: Vec<Endpoint<'m>>,
    slo: Vec<Endpoint<'m>>,
    signing_certificates: Vec<SigningCertificate<'m>>,
    want_authn_requests_signed: bool,
}

#[derive(Serialize)]
struct Endpoint<'m> {
    binding: &'m str,
    location: &'m str,
}

#[derive(Serialize)]
struct SigningCertificate<'m> {
    sha256: String,
    subject: &'m str,
    not_after: Option<String>,
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let octets = input::read(arguments.operand())?;
    let entities = read_entities(&octets).map_err(|error| Failure::unusable(error.code(), &error.to_string()))?;
    Outcome::json(&Listing {
        entities: entities.iter().map(Listed::of).collect(),
    })
}

impl<'m> Listed<'m> {
    fn of(entity: &'m Entity) -> Self {
        Self {
            entity_id: &entity.entity_id,
            idp: (!entity.identity_providers.is_empty()).then(|| Idp::of(&entity.identity_providers)),
        }
    }
}

impl<'m> Idp<'m> {
    fn of(roles: &'m [IdpRole]) -> Self {
        let endpoints = |services: fn(&IdpRole) -> &[Service]| -> Vec<Endpoint<'m>> {
            roles.iter().flat_map(services).map(Endpoint::of).collect()
        };
        let certificates = roles.iter().flat_map(|role| &role.certificates);
        let signing = certificates.filter(|certificate| certificate.signs());
        Self {
            sso: endpoints(|role| &role.single_sign_on),
            slo: endpoints(|role| &role.single_logout),
            signing_certificates: signing.filter_map(SigningCertificate::of).collect(),
            want_authn_requests_signed: roles
                .iter()
                .any(|role| matches!(role.wants_signed_requests.as_deref(), Some("true" | "1"))),
        }
    }
}

impl<'m> Endpoint<'m> {
    fn of(service: &'m Service) -> Self {
        Self {
            binding: &service.binding,
            location: &service.location,
        }
    }
}

impl<'m> SigningCertificate<'m> {
    fn of(key: &'m RoleCertificate) -> Option<Self> {
        let certificate = key.certificate.as_ref().ok()?;
        let not_after = certificate.not_after();
        Some(Self {
            sha256: certificate.fingerprint().to_string(),
            subject: certificate.subject(),
            not_after: not_after.map(|seconds| Timestamp::from_unix_seconds(seconds).to_rfc3339()),
        })
    }
}
