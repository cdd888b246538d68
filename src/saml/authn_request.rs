//! The `AuthnRequest` that starts a sign-in (SAML Core 3.4.1, Profiles 4.1.4.1).

use super::connection::ServiceProvider;
use super::id::{EndpointUrl, RequestId};
use super::time::Timestamp;
use crate::xml::Writer;
use crate::xml::names::{SAML, SAMLP};

const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// A request for authentication. No NameID format and no authentication context are asked for: identity providers
/// refuse what they were not set up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthnRequest<'a> {
    id: RequestId,
    issue_instant: Timestamp,
    destination: &'a EndpointUrl,
    service_provider: &'a ServiceProvider,
}

impl<'a> AuthnRequest<'a> {
    /// A request whose `ID` is made of 160 of the `random` bits ("the probability of two randomly chosen identifiers being
    /// identical MUST be less than or equal to 2^-128", Core 1.3.4).
    #[must_use]
    pub fn new(
        random: &[u8; 32],
        issue_instant: Timestamp,
        destination: &'a EndpointUrl,
        service_provider: &'a ServiceProvider,
    ) -> Self {
        Self {
            id: RequestId::from_random(random),
            issue_instant,
            destination,
            service_provider,
        }
    }

    /// Its `ID`, which the answer must name.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The request as XML.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut writer = Writer::new();
        writer
            .start("samlp:AuthnRequest")
            .attribute("xmlns:samlp", SAMLP)
            .attribute("ID", self.id.as_str())
            .attribute("Version", "2.0")
            .attribute("IssueInstant", &self.issue_instant.to_rfc3339())
            .attribute("Destination", self.destination.as_str())
            .attribute("ProtocolBinding", POST_BINDING)
            .attribute("AssertionConsumerServiceURL", &self.service_provider.acs_url);
        writer
            .start("saml:Issuer")
            .attribute("xmlns:saml", SAML)
            .text(&self.service_provider.entity_id)
            .end();
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let destination = EndpointUrl::parse("https://idp.example/sso?a=1&b=2").unwrap();
        let service_provider = ServiceProvider {
            entity_id: "urn:x:\"<&>".to_owned(),
            acs_url: "https://sp.example/acs".to_owned(),
            metadata_url: String::new(),
        };
        let now = Timestamp::from_unix_seconds(1_782_907_200);
        let request = AuthnRequest::new(&[0; 32], now, &destination, &service_provider);
        assert_eq!(
            request.to_xml(),
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_0000000000000000000000000000000000000000\" \
             Version=\"2.0\" IssueInstant=\"2026-07-01T12:00:00Z\" Destination=\"https://idp.example/sso?a=1&amp;b=2\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" AssertionConsumerServiceURL=\"https://sp.example/acs\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:x:&quot;&lt;&amp;&gt;</saml:Issuer></samlp:AuthnRequest>"
        );
    }
}
