//! The `AuthnRequest` that starts a sign-in (SAML Core 3.4.1, Profiles 4.1.4.1).

use super::connection::ServiceProvider;
use super::id::{EmailAddress, EndpointUrl, RequestId, TestId};
use super::settings::RequestSettings;
use super::time::Timestamp;
use crate::xml::Writer;
use crate::xml::names::{SAML, SAMLP};

const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const EMAIL_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// A request for authentication. What it asks for beyond that, the connection says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthnRequest<'a> {
    id: RequestId,
    issue_instant: Timestamp,
    destination: &'a EndpointUrl,
    service_provider: &'a ServiceProvider,
    settings: &'a RequestSettings,
    subject: Option<&'a EmailAddress>,
    name_id_format: Option<&'a str>,
    passive: bool,
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
        settings: &'a RequestSettings,
    ) -> Self {
        Self {
            id: RequestId::from_random(random),
            issue_instant,
            destination,
            service_provider,
            settings,
            subject: None,
            name_id_format: settings.name_id_format.as_deref(),
            passive: false,
        }
    }

    /// The same request with the `ID` of a test.
    #[must_use]
    pub fn of_test(self, test: &TestId) -> Self {
        Self {
            id: test.request_id(),
            ..self
        }
    }

    /// The same request for this subject.
    #[must_use]
    pub fn about(self, subject: Option<&'a EmailAddress>) -> Self {
        Self { subject, ..self }
    }

    /// The same request, which shows no page to the user if `passive` (`IsPassive`, Core 3.4.1).
    #[must_use]
    pub fn passive(self, passive: bool) -> Self {
        Self { passive, ..self }
    }

    /// The same request for a NameID of any format.
    #[must_use]
    pub fn with_any_name_id_format(self) -> Self {
        Self {
            name_id_format: None,
            ..self
        }
    }

    /// Its `ID`, which the answer must name.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// Whether it asks for a NameID of a certain format.
    #[must_use]
    pub fn asks_name_id_format(&self) -> bool {
        self.name_id_format.is_some()
    }

    /// The request as XML, its elements in the order of the schema.
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
            .optional_attribute("ForceAuthn", self.settings.force_authn.then_some("true"))
            .optional_attribute("IsPassive", self.passive.then_some("true"))
            .attribute("ProtocolBinding", POST_BINDING)
            .attribute("AssertionConsumerServiceURL", &self.service_provider.acs_url);
        writer
            .start("saml:Issuer")
            .attribute("xmlns:saml", SAML)
            .text(&self.service_provider.entity_id)
            .end();
        if let Some(subject) = self.subject {
            writer.start("saml:Subject").attribute("xmlns:saml", SAML);
            writer
                .start("saml:NameID")
                .attribute("Format", EMAIL_FORMAT)
                .text(subject.as_str());
            writer.end().end();
        }
        if let Some(format) = self.name_id_format {
            writer
                .start("samlp:NameIDPolicy")
                .attribute("Format", format)
                .attribute("AllowCreate", "true")
                .end();
        }
        if !self.settings.requested_authn_context.is_empty() {
            writer
                .start("samlp:RequestedAuthnContext")
                .attribute("Comparison", "exact");
            for class in &self.settings.requested_authn_context {
                writer
                    .start("saml:AuthnContextClassRef")
                    .attribute("xmlns:saml", SAML)
                    .text(class)
                    .end();
            }
            writer.end();
        }
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
            slo_url: String::new(),
        };
        let now = Timestamp::from_unix_seconds(1_782_907_200);
        let settings = RequestSettings::default();
        let request = AuthnRequest::new(&[0; 32], now, &destination, &service_provider, &settings);
        assert_eq!(
            request.to_xml(),
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_0000000000000000000000000000000000000000\" \
             Version=\"2.0\" IssueInstant=\"2026-07-01T12:00:00Z\" Destination=\"https://idp.example/sso?a=1&amp;b=2\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" AssertionConsumerServiceURL=\"https://sp.example/acs\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:x:&quot;&lt;&amp;&gt;</saml:Issuer></samlp:AuthnRequest>"
        );
    }

    #[test]
    fn what_the_connection_asks_for_stands_in_the_order_of_the_schema() {
        let destination = EndpointUrl::parse("https://idp.example/sso").unwrap();
        let service_provider = ServiceProvider {
            entity_id: "urn:sp".to_owned(),
            acs_url: "https://sp.example/acs".to_owned(),
            metadata_url: String::new(),
            slo_url: String::new(),
        };
        let settings = RequestSettings {
            force_authn: true,
            requested_authn_context: vec!["urn:a".to_owned(), "urn:b&c".to_owned()],
            name_id_format: Some("urn:format".to_owned()),
            ..RequestSettings::default()
        };
        let now = Timestamp::from_unix_seconds(1_782_907_200);
        let subject = EmailAddress::parse("ada@acme.test").unwrap();
        let request =
            AuthnRequest::new(&[0; 32], now, &destination, &service_provider, &settings).about(Some(&subject));
        let (root, rest) = request
            .to_xml()
            .split_once("</saml:Issuer>")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert!(root.contains(" ForceAuthn=\"true\" "), "{root}");
        let policy = "<samlp:NameIDPolicy Format=\"urn:format\" AllowCreate=\"true\"/>";
        let saml = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
        assert_eq!(
            rest,
            format!(
                "<saml:Subject {saml}><saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">ada@acme.test\
                 </saml:NameID></saml:Subject>{policy}<samlp:RequestedAuthnContext Comparison=\"exact\"><saml:AuthnContextClassRef \
                 {saml}>urn:a</saml:AuthnContextClassRef><saml:AuthnContextClassRef {saml}>urn:b&amp;c</saml:AuthnContextClassRef>\
                 </samlp:RequestedAuthnContext></samlp:AuthnRequest>"
            )
        );
        assert!(request.asks_name_id_format());
        assert!(!request.with_any_name_id_format().to_xml().contains("NameIDPolicy"));
    }
}
