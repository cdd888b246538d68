//! What metadata that was fetched again may change by itself, and what waits for somebody's approval.
//!
//! A key that is announced is added at once, so that a rotation is over before it is noticed. One that is gone still counts for a
//! while: identity providers change their keys and their metadata at different times, and not everywhere at once. What a rotation
//! does not look like is held: another entity ID, another host, or all keys at once.

use serde::{Deserialize, Serialize};
use url::Url;

use super::connection::{IdentityProvider, StoredCertificate};
use super::id::EndpointUrl;
use super::time::Timestamp;
use crate::limits::{MAX_CERTIFICATES_PER_CONNECTION, MISSING_CERTIFICATE_SECONDS};

/// A certificate that the metadata does not list any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingCertificate {
    /// Which.
    pub certificate: StoredCertificate,
    /// Since when.
    pub since: Timestamp,
}

impl MissingCertificate {
    /// When it counts no more.
    #[must_use]
    pub fn retired_at(&self) -> Timestamp {
        self.since.plus(MISSING_CERTIFICATE_SECONDS)
    }
}

/// Why metadata is not taken over by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// None of the keys is one that is known.
    AllKeysChanged,
    /// It describes another identity provider.
    EntityChanged,
    /// Browsers would be sent to a host that they were not sent to before.
    HostChanged,
}

impl HoldReason {
    /// The reason in words, as a part of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AllKeysChanged => "none of its signing certificates is known",
            Self::EntityChanged => "it describes another identity provider",
            Self::HostChanged => "it sends browsers to another host",
        }
    }
}

/// What becomes of an identity provider whose metadata was fetched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It becomes this one. Where nothing that decides anything is different ([`decides_the_same`]), that is only what people are
    /// told of it.
    Taken {
        /// The identity provider with its keys, those that are missing and still count included.
        idp: Box<IdentityProvider>,
        /// Its certificates that are missing.
        missing: Vec<MissingCertificate>,
    },
    /// Nothing, until somebody says so; why.
    Held(Vec<HoldReason>),
}

/// What becomes of `saved`, some of whose certificates are `missing` already, when its metadata says `found` at `now`.
#[must_use]
pub fn refresh(
    saved: &IdentityProvider,
    found: &IdentityProvider,
    missing: &[MissingCertificate],
    now: Timestamp,
) -> Refreshed {
    let reasons = hold_reasons(saved, found);
    if reasons.is_empty() {
        merge(saved, found, missing, now)
    } else {
        Refreshed::Held(reasons)
    }
}

/// The same with somebody's approval. Another identity provider takes over nothing, not even for a while.
#[must_use]
pub fn approve(
    saved: &IdentityProvider,
    found: &IdentityProvider,
    missing: &[MissingCertificate],
    now: Timestamp,
) -> Refreshed {
    if saved.entity_id == found.entity_id {
        return merge(saved, found, missing, now);
    }
    Refreshed::Taken {
        idp: Box::new(found.clone()),
        missing: Vec::new(),
    }
}

/// Those of the `missing` certificates of `saved` that metadata does not list either which is held: one that it lists again is none, as
/// far as it is the same identity provider's.
#[must_use]
pub fn still_missing(
    saved: &IdentityProvider,
    found: &IdentityProvider,
    missing: &[MissingCertificate],
) -> Vec<MissingCertificate> {
    let is_listed = |missing: &&MissingCertificate| {
        saved.entity_id == found.entity_id && found.certificates.contains(&missing.certificate)
    };
    missing.iter().filter(|missing| !is_listed(missing)).cloned().collect()
}

/// `saved` without those of its certificates that have been `missing` for too long at `now`, whatever its metadata says by then; and
/// those that are still missing.
#[must_use]
pub fn retire(
    saved: &IdentityProvider,
    missing: &[MissingCertificate],
    now: Timestamp,
) -> (IdentityProvider, Vec<MissingCertificate>) {
    let (missing, retired): (Vec<_>, Vec<_>) = missing.iter().cloned().partition(|missing| missing.retired_at() > now);
    let mut idp = saved.clone();
    let is_retired =
        |certificate: &StoredCertificate| retired.iter().any(|missing| missing.certificate == *certificate);
    idp.certificates.retain(|certificate| !is_retired(certificate));
    (idp, missing)
}

/// Whether both send browsers to the same places, and trust the same keys of the same identity provider.
#[must_use]
pub fn decides_the_same(a: &IdentityProvider, b: &IdentityProvider) -> bool {
    let deciding = |idp: &IdentityProvider| IdentityProvider {
        valid_until: None,
        certificates_left_out: 0,
        ..idp.clone()
    };
    deciding(a) == deciding(b)
}

fn hold_reasons(saved: &IdentityProvider, found: &IdentityProvider) -> Vec<HoldReason> {
    let mut reasons = Vec::new();
    if saved.entity_id != found.entity_id {
        reasons.push(HoldReason::EntityChanged);
    }
    let known: Vec<_> = endpoints(saved).map(origin).collect();
    if endpoints(found).any(|url| !known.contains(&origin(url))) {
        reasons.push(HoldReason::HostChanged);
    }
    let known = saved.keys();
    if !found.keys().iter().any(|key| known.contains(key)) {
        reasons.push(HoldReason::AllKeysChanged);
    }
    reasons
}

/// Everywhere browsers are sent.
fn endpoints(idp: &IdentityProvider) -> impl Iterator<Item = &EndpointUrl> {
    let sign_on = idp.single_sign_on.iter().map(|endpoint| &endpoint.url);
    let logout = idp.single_logout.iter();
    sign_on.chain(logout.flat_map(|endpoint| [&endpoint.url, endpoint.for_responses()]))
}

fn origin(url: &EndpointUrl) -> Option<String> {
    let url = Url::parse(url.as_str()).ok()?;
    Some(url.origin().ascii_serialization())
}

fn merge(
    saved: &IdentityProvider,
    found: &IdentityProvider,
    missing: &[MissingCertificate],
    now: Timestamp,
) -> Refreshed {
    let is_announced = |certificate: &StoredCertificate| found.certificates.contains(certificate);
    let missing_since = |certificate: &StoredCertificate| {
        let known = missing.iter().find(|missing| missing.certificate == *certificate);
        known.map_or(now, |missing| missing.since)
    };
    let mut missing: Vec<MissingCertificate> = (saved.certificates.iter())
        .filter(|certificate| !is_announced(certificate))
        .map(|certificate| MissingCertificate {
            certificate: certificate.clone(),
            since: missing_since(certificate),
        })
        .filter(|missing| missing.retired_at() > now)
        .collect();
    // Those that are announced come first; of the others, those that were missed last.
    missing.sort_by_key(|missing| core::cmp::Reverse(missing.since));
    missing.truncate(MAX_CERTIFICATES_PER_CONNECTION.saturating_sub(found.certificates.len()));

    let still_counts = |certificate: &StoredCertificate| {
        is_announced(certificate) || missing.iter().any(|missing| missing.certificate == *certificate)
    };
    let mut certificates: Vec<StoredCertificate> = (saved.certificates.iter())
        .filter(|certificate| still_counts(certificate))
        .cloned()
        .collect();
    let is_new = |certificate: &&StoredCertificate| !saved.certificates.contains(certificate);
    certificates.extend(found.certificates.iter().filter(is_new).cloned());
    let idp = Box::new(IdentityProvider {
        certificates,
        ..found.clone()
    });
    Refreshed::Taken { idp, missing }
}
