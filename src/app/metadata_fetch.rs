//! Fetches an identity provider's metadata, without being led to where it should not look.

use core::fmt;

use http::StatusCode;

use super::App;
use super::config::Development;
use super::dns::{self, DnsName};
use super::error::ApiError;
use super::ports::{Fetch, FetchFailure, Fetched, Ports};
use crate::code::Code;
use crate::limits::{MAX_METADATA_REDIRECTS, METADATA_FETCH_SECONDS};
use crate::saml::connection::IdentityProvider;
use crate::saml::id::{EndpointUrl, EntityId};
use crate::saml::ip::is_public;
use crate::saml::metadata::{MetadataError, read_identity_provider, read_pasted_identity_provider};

impl<P: Ports> App<P> {
    /// Fetches `url` and reads the identity provider that is described there, or the one that is `wanted` of several. Each
    /// redirect is checked like the first URL.
    pub(super) async fn fetch_identity_provider(
        &self,
        url: &EndpointUrl,
        wanted: Option<&EntityId>,
    ) -> Result<IdentityProvider, ApiError> {
        let fetched = self.fetch_metadata(url).await?;
        self.fetched_identity_provider(url, read_fetched(&fetched, wanted))
    }

    /// The same, where `saved` was found before: it, or whoever has taken its place alone.
    pub(super) async fn refetch_identity_provider(
        &self,
        url: &EndpointUrl,
        saved: &EntityId,
    ) -> Result<IdentityProvider, ApiError> {
        let fetched = self.fetch_metadata(url).await?;
        let read = match read_fetched(&fetched, Some(saved)) {
            Err(MetadataError::EntityMissing(_)) => read_fetched(&fetched, None),
            read => read,
        };
        self.fetched_identity_provider(url, read)
    }

    fn fetched_identity_provider(
        &self,
        url: &EndpointUrl,
        read: Result<IdentityProvider, MetadataError>,
    ) -> Result<IdentityProvider, ApiError> {
        let mut idp = self.usable(read)?;
        idp.metadata_url = Some(url.clone());
        Ok(idp)
    }

    /// What is at `url`, or where it redirects to.
    async fn fetch_metadata(&self, url: &EndpointUrl) -> Result<Fetched, ApiError> {
        let (mut at, started) = (url.clone(), self.ports.clock());
        for _ in 0..=MAX_METADATA_REDIRECTS {
            // Somebody may wait for it in the middle of a sign-in.
            if self.ports.clock().since(started) > METADATA_FETCH_SECONDS.into() {
                return Err(fetch_error(&at, FetchFailure::Timeout));
            }
            self.check_reachable(&at).await?;
            let fetched = self.ports.fetch(Fetch::metadata(&at)).await;
            let fetched = fetched.map_err(|failure| fetch_error(&at, failure))?;
            match (fetched.status, &fetched.location) {
                (200, _) => return Ok(fetched),
                // What Cloudflare answers itself in the place of a server that it cannot reach.
                (521 | 523 | 525 | 526 | 530, _) => return Err(fetch_error(&at, FetchFailure::Connection)),
                (522 | 524, _) => return Err(fetch_error(&at, FetchFailure::Timeout)),
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    let next = url::Url::parse(at.as_str()).and_then(|base| base.join(location));
                    let next = next.ok().and_then(|next| EndpointUrl::parse(next.as_str()).ok());
                    at = next.ok_or_else(|| {
                        unusable(
                            Code::FetchPrivateAddress,
                            "The metadata URL redirects to something that is not an https address.",
                        )
                    })?;
                }
                (status, _) => {
                    let message = format!("The metadata URL answered with HTTP status {status}, expected 200.");
                    return Err(unusable(Code::FetchHttpStatus, message));
                }
            }
        }
        Err(unusable(
            Code::FetchRedirects,
            format!("The metadata URL redirects more than {MAX_METADATA_REDIRECTS} times."),
        ))
    }

    /// Whether we may fetch from `url`: by https, from a host all of whose addresses are on the public internet. A developer's
    /// machine may fetch from anywhere.
    ///
    /// The platform resolves the name once more when it fetches, and cannot be told which address to take.
    pub(super) async fn check_reachable(&self, url: &EndpointUrl) -> Result<(), ApiError> {
        if self.config.development == Development::On {
            return Ok(());
        }
        if !url.is_https() || url.is_private() {
            let message = "The metadata URL, or an address that it redirects to, is not a public https address.";
            return Err(unusable(Code::FetchPrivateAddress, message));
        }
        let Some(host) = url.host_name() else {
            return Ok(());
        };
        let unresolved = |why: &dyn fmt::Display| {
            unusable(
                Code::FetchDns,
                format!("The host {host} of the metadata URL cannot be resolved: {why}."),
            )
        };
        let name = DnsName::parse(&host).map_err(|expected| unresolved(&expected))?;
        let addresses = dns::addresses(&self.ports, &self.config.resolver, &name).await;
        let addresses = addresses.map_err(|error| unresolved(&error))?;
        if addresses.is_empty() {
            return Err(unresolved(&"it has no address"));
        }
        if !addresses.into_iter().all(is_public) {
            let message =
                format!("The host {host} of the metadata URL has an address that is not on the public internet.");
            return Err(unusable(Code::FetchPrivateAddress, message));
        }
        Ok(())
    }

    /// Reads the identity provider that pasted metadata describes, or the one that is `wanted` of several.
    pub(super) fn pasted_identity_provider(
        &self,
        text: &str,
        wanted: Option<&EntityId>,
    ) -> Result<IdentityProvider, ApiError> {
        self.usable(read_pasted_identity_provider(text, wanted))
    }

    /// The identity provider that was read, if its endpoints may be used here.
    fn usable(&self, read: Result<IdentityProvider, MetadataError>) -> Result<IdentityProvider, ApiError> {
        let mut idp = read.map_err(|error| metadata_error(&error))?;
        let none_left = MetadataError::no_endpoint_of(&idp);
        // Only browsers are sent there, so a private host may be meant; plain http never is.
        idp.single_sign_on.retain(|endpoint| self.may_send_to(&endpoint.url));
        match idp.sign_on_endpoint() {
            Some(_) => Ok(idp),
            None => Err(metadata_error(&none_left)),
        }
    }
}

/// What cannot be read is a page, where the server says so. Metadata is read whatever it is served as.
fn read_fetched(fetched: &Fetched, wanted: Option<&EntityId>) -> Result<IdentityProvider, MetadataError> {
    let essence = fetched
        .content_type
        .as_deref()
        .and_then(|value| value.split(';').next());
    let is_page = essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/html"));
    read_identity_provider(&fetched.body, wanted).map_err(|error| match error {
        MetadataError::Malformed | MetadataError::Xml(_) if is_page => MetadataError::HtmlInsteadOfXml,
        error => error,
    })
}

fn metadata_error(error: &MetadataError) -> ApiError {
    unusable(error.code(), format!("The metadata cannot be used: {error}."))
}

/// Why nothing came from `url`.
fn fetch_error(url: &EndpointUrl, failure: FetchFailure) -> ApiError {
    match failure {
        FetchFailure::Connection => unusable(
            Code::FetchTls,
            format!(
                "No connection to {} could be made: nothing answers there, or its certificate is not a publicly trusted one.",
                url.host_text()
            ),
        ),
        FetchFailure::TooLarge => unusable(Code::FetchTooLarge, "The metadata URL answered with more than 5 MiB."),
        FetchFailure::Timeout => unusable(
            Code::FetchTimeout,
            format!("The metadata URL did not answer within {METADATA_FETCH_SECONDS} seconds."),
        ),
    }
}

fn unusable(code: Code, message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code.as_str(), message)
}
