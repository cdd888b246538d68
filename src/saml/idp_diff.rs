//! What changes when one description of an identity provider takes the place of another, for people to agree to.

use serde::Serialize;

use super::certificate::CertificateSummary;
use super::connection::{Endpoint, IdentityProvider, LogoutEndpoint};
use super::id::{EndpointUrl, EntityId};
use super::time::Timestamp;

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "IdentityProviderChange"))]
#[serde(tag = "field", rename_all = "snake_case")]
pub enum Change {
    /// How many signing certificates are left out as unusable.
    CertificatesLeftOut(FromTo<usize>),
    /// The entity ID: another identity provider.
    EntityId(FromTo<EntityId>),
    /// Where the metadata is fetched.
    MetadataUrl(FromTo<EndpointUrl>),
    /// A signing certificate: who has its key can sign users in.
    SigningCertificate(FromTo<CertificateSummary>),
    /// Where users are sent to sign out.
    SingleLogout(FromTo<LogoutEndpoint>),
    /// Where users are sent to sign in.
    SingleSignOn(FromTo<Endpoint>),
    /// Until when the metadata is valid by its own word, as RFC 3339 writes it.
    ValidUntil(FromTo<String>),
    /// Whether signed requests are asked for.
    WantsRequestsSigned(FromTo<bool>),
}

/// From what to what; nothing where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
pub struct FromTo<T> {
    /// What is saved.
    pub from: Option<T>,
    /// What takes its place.
    pub to: Option<T>,
}

/// Everything that changes when `found` takes the place of `saved`, or is the first. Order means nothing: neither that of
/// certificates, nor that of endpoints by different bindings.
#[must_use]
pub fn changes(saved: Option<&IdentityProvider>, found: &IdentityProvider) -> Vec<Change> {
    let mut changes = Vec::new();
    let entity_id = exchange(saved.map(|idp| idp.entity_id.clone()), Some(found.entity_id.clone()));
    changes.extend(entity_id.map(Change::EntityId));

    let before = saved.map(|idp| idp.single_sign_on.as_slice()).unwrap_or_default();
    let endpoints = exchanges(before, &found.single_sign_on, |a, b| a.binding == b.binding);
    changes.extend(endpoints.into_iter().map(Change::SingleSignOn));

    let before = saved.map(|idp| idp.single_logout.as_slice()).unwrap_or_default();
    let endpoints = exchanges(before, &found.single_logout, |a, b| a.binding == b.binding);
    changes.extend(endpoints.into_iter().map(Change::SingleLogout));

    let summaries = |idp: &IdentityProvider| idp.certificates.iter().filter_map(CertificateSummary::of).collect();
    let (before, after): (Vec<_>, Vec<_>) = (saved.map(summaries).unwrap_or_default(), summaries(found));
    // One does not take the place of another: each comes and goes by itself.
    let certificates = exchanges(&before, &after, |_, _| false);
    changes.extend(certificates.into_iter().map(Change::SigningCertificate));

    let left_out = |idp: &IdentityProvider| idp.certificates_left_out;
    let left_out = exchange(Some(saved.map_or(0, left_out)), Some(left_out(found)));
    changes.extend(left_out.map(Change::CertificatesLeftOut));

    let wanted = |idp: &IdentityProvider| idp.wants_requests_signed;
    let wanted = exchange(Some(saved.is_some_and(wanted)), Some(wanted(found)));
    changes.extend(wanted.map(Change::WantsRequestsSigned));

    let url = |idp: &IdentityProvider| idp.metadata_url.clone();
    changes.extend(exchange(saved.and_then(url), url(found)).map(Change::MetadataUrl));

    let end = |idp: &IdentityProvider| idp.valid_until.map(Timestamp::to_rfc3339);
    changes.extend(exchange(saved.and_then(end), end(found)).map(Change::ValidUntil));
    changes
}

/// The change from one value to another, if it is one.
fn exchange<T: PartialEq>(from: Option<T>, to: Option<T>) -> Option<FromTo<T>> {
    (from != to).then_some(FromTo { from, to })
}

/// What is gone and what is new. What is new takes the place of what is gone where `same_place` says so.
fn exchanges<T: PartialEq + Clone>(from: &[T], to: &[T], same_place: impl Fn(&T, &T) -> bool) -> Vec<FromTo<T>> {
    let mut added: Vec<T> = to.iter().filter(|new| !from.contains(new)).cloned().collect();
    let mut exchanges = Vec::new();
    for gone in from.iter().filter(|old| !to.contains(old)) {
        let successor = added.iter().position(|new| same_place(gone, new));
        exchanges.push(FromTo {
            from: Some(gone.clone()),
            to: successor.map(|index| added.remove(index)),
        });
    }
    exchanges.extend(added.into_iter().map(|new| FromTo {
        from: None,
        to: Some(new),
    }));
    exchanges
}
