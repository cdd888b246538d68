//! Fetches an identity provider's metadata, without being led to where it should not look.

use http::StatusCode;

use super::App;
use super::error::ApiError;
use super::ports::{FetchFailure, Fetched, Ports};
use crate::code::Code;
use crate::limits::{MAX_METADATA_REDIRECTS, METADATA_FETCH_SECONDS};
use crate::saml::connection::IdentityProvider;
use crate::saml::id::EndpointUrl;
use crate::saml::metadata::{MetadataError, read_identity_provider};

impl<P: Ports> App<P> {
    /// Fetches `url` and reads the identity provider that is described there. Each redirect is checked like the first URL.
    pub(super) async fn fetch_identity_provider(&self, url: &EndpointUrl) -> Result<IdentityProvider, ApiError> {
        let mut at = url.clone();
        for _ in 0..=MAX_METADATA_REDIRECTS {
            if !self.may_reach(&at) {
                let message = "The metadata URL, or an address that it redirects to, is not a public https address.";
                return Err(unusable(Code::FetchPrivateAddress, message));
            }
            let Fetched { status, location, body } = self.ports.fetch(&at).await.map_err(fetch_error)?;
            match (status, location) {
                (200, _) => {
                    let mut idp = self.usable_identity_provider(&body)?;
                    idp.metadata_url = Some(url.clone());
                    return Ok(idp);
                }
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    let next = url::Url::parse(at.as_str()).and_then(|base| base.join(&location));
                    let next = next.ok().and_then(|next| EndpointUrl::parse(next.as_str()).ok());
                    at = next.ok_or_else(|| {
                        unusable(
                            Code::FetchPrivateAddress,
                            "The metadata URL redirects to something that is not an https address.",
                        )
                    })?;
                }
                _ => {
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

    /// Reads metadata that came by any way, and checks that its endpoints may be used here.
    pub(super) fn usable_identity_provider(&self, metadata: &[u8]) -> Result<IdentityProvider, ApiError> {
        let mut idp = read_identity_provider(metadata).map_err(|error| metadata_error(&error))?;
        // Only browsers are sent there, so a private host may be meant; plain http never is.
        idp.single_sign_on.retain(|endpoint| self.may_send_to(&endpoint.url));
        match idp.sign_on_endpoint() {
            Some(_) => Ok(idp),
            None => Err(metadata_error(&MetadataError::NoSsoEndpoint)),
        }
    }
}

fn metadata_error(error: &MetadataError) -> ApiError {
    unusable(error.code(), format!("The metadata cannot be used: {error}."))
}

fn fetch_error(failure: FetchFailure) -> ApiError {
    match failure {
        FetchFailure::Connection => unusable(
            Code::FetchTls,
            "The metadata URL cannot be reached: the name does not resolve, or no secure connection is possible.",
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
