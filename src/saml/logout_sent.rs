//! The logout messages that we send (SAML Core 3.7.1, 3.7.2): requests to an identity provider, and answers to its own.

use super::assertion::NameId;
use super::id::{EndpointUrl, RequestId};
use super::time::Timestamp;
use crate::xml::Writer;
use crate::xml::names::{SAML, SAMLP};

/// What both kinds of message have (SAML Core 3.2.1, 3.2.2). They are signed before they are sent.
#[derive(Clone, Copy, Debug)]
pub struct LogoutSent<'a> {
    /// The message's own `ID`.
    pub id: &'a RequestId,
    /// The present.
    pub issue_instant: Timestamp,
    /// Where it is sent.
    pub destination: &'a EndpointUrl,
    /// Our entity ID.
    pub issuer: &'a str,
}

/// How we answer an identity provider's request (SAML Core 3.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutStatus {
    /// It cannot be done; the fault is ours, or the request asks for what we do not do.
    Responder,
    /// The sessions are ended.
    Success,
}

impl LogoutStatus {
    fn uri(self) -> &'static str {
        match self {
            Self::Responder => "urn:oasis:names:tc:SAML:2.0:status:Responder",
            Self::Success => "urn:oasis:names:tc:SAML:2.0:status:Success",
        }
    }
}

impl LogoutSent<'_> {
    /// A `LogoutRequest` for these sessions of the subject `name_id`, who must be named as the identity provider named them: "the
    /// principal's identifier MUST strongly match" (Core 3.3.4, 3.7.3).
    #[must_use]
    pub fn request(&self, name_id: &NameId, session_indexes: &[String], not_on_or_after: Timestamp) -> String {
        let mut writer = self.start("samlp:LogoutRequest");
        writer.attribute("NotOnOrAfter", &not_on_or_after.to_rfc3339());
        self.write_issuer(&mut writer);
        writer
            .start("saml:NameID")
            .attribute("xmlns:saml", SAML)
            .optional_attribute("NameQualifier", name_id.name_qualifier.as_deref())
            .optional_attribute("SPNameQualifier", name_id.sp_name_qualifier.as_deref())
            .optional_attribute("Format", name_id.format.as_deref())
            .text(&name_id.value)
            .end();
        for session_index in session_indexes {
            writer.leaf("samlp:SessionIndex", session_index);
        }
        writer.finish()
    }

    /// A `LogoutResponse` to the request `in_response_to`.
    #[must_use]
    pub fn response(&self, in_response_to: &RequestId, status: LogoutStatus) -> String {
        let mut writer = self.start("samlp:LogoutResponse");
        writer.attribute("InResponseTo", in_response_to.as_str());
        self.write_issuer(&mut writer);
        writer.start("samlp:Status");
        writer
            .start("samlp:StatusCode")
            .attribute("Value", status.uri())
            .end()
            .end();
        writer.finish()
    }

    fn start(&self, name: &'static str) -> Writer {
        let mut writer = Writer::new();
        writer
            .start(name)
            .attribute("xmlns:samlp", SAMLP)
            .attribute("ID", self.id.as_str())
            .attribute("Version", "2.0")
            .attribute("IssueInstant", &self.issue_instant.to_rfc3339())
            .attribute("Destination", self.destination.as_str());
        writer
    }

    fn write_issuer(&self, writer: &mut Writer) {
        writer
            .start("saml:Issuer")
            .attribute("xmlns:saml", SAML)
            .text(self.issuer)
            .end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_0000000000000000000000000000000000000000\" \
         Version=\"2.0\" IssueInstant=\"2026-07-01T12:00:00Z\" Destination=\"https://idp.example/slo?a=1&amp;b=2\"";
    const ISSUER: &str =
        "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:&lt;sp&gt;</saml:Issuer>";

    fn with(check: impl FnOnce(LogoutSent<'_>)) {
        let destination = EndpointUrl::parse("https://idp.example/slo?a=1&b=2").unwrap();
        check(LogoutSent {
            id: &RequestId::from_random(&[0; 32]),
            issue_instant: Timestamp::from_unix_seconds(1_782_907_200),
            destination: &destination,
            issuer: "urn:<sp>",
        });
    }

    #[test]
    fn a_request_names_the_subject_as_it_was_named() {
        let mut name_id = NameId {
            value: "a&b".to_owned(),
            format: Some("urn:f".to_owned()),
            name_qualifier: Some("urn:idp".to_owned()),
            sp_name_qualifier: Some("urn:\"sp\"".to_owned()),
        };
        let end = Timestamp::from_unix_seconds(1_782_907_800);
        let root = format!("<samlp:LogoutRequest {START} NotOnOrAfter=\"2026-07-01T12:10:00Z\">{ISSUER}");
        let saml = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
        with(|sent| {
            assert_eq!(
                sent.request(&name_id, &["<1>".to_owned(), "2".to_owned()], end),
                format!(
                    "{root}<saml:NameID {saml} NameQualifier=\"urn:idp\" SPNameQualifier=\"urn:&quot;sp&quot;\" Format=\"urn:f\">\
                     a&amp;b</saml:NameID><samlp:SessionIndex>&lt;1&gt;</samlp:SessionIndex><samlp:SessionIndex>2</samlp:SessionIndex>\
                     </samlp:LogoutRequest>"
                )
            );
            (name_id.format, name_id.name_qualifier, name_id.sp_name_qualifier) = (None, None, None);
            assert_eq!(
                sent.request(&name_id, &[], end),
                format!("{root}<saml:NameID {saml}>a&amp;b</saml:NameID></samlp:LogoutRequest>")
            );
        });
    }

    #[test]
    fn a_response_names_its_request_and_its_status() {
        with(|sent| {
            let request = RequestId::parse("_request").unwrap();
            for (status, word) in [
                (LogoutStatus::Success, "Success"),
                (LogoutStatus::Responder, "Responder"),
            ] {
                assert_eq!(
                    sent.response(&request, status),
                    format!(
                        "<samlp:LogoutResponse {START} InResponseTo=\"_request\">{ISSUER}<samlp:Status><samlp:StatusCode \
                         Value=\"urn:oasis:names:tc:SAML:2.0:status:{word}\"/></samlp:Status></samlp:LogoutResponse>"
                    )
                );
            }
        });
    }
}
