//! The stable words for everything that can go wrong, and what to do about each: who must act, why, and where to click.
//!
//! One table for logs, the API, the dashboard, the command-line tool and test vectors. A word never changes
//! its meaning and is never used again for something else.
//!
//! ```
//! use edge_saml::code::{Actor, Code};
//!
//! let code = Code::parse("audience_mismatch").unwrap();
//! assert_eq!(code, Code::AudienceMismatch);
//! assert_eq!(code.actor(), Actor::Customer);
//! assert!(code.hint_for_okta().is_some());
//! ```

mod table;

pub use table::Code;

use core::fmt;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The administrator of the customer's identity provider.
    Customer,
    /// The people who run this service provider.
    Us,
    /// The user who signs in.
    User,
    /// The vendor, in the dashboard.
    Vendor,
}

impl Actor {
    /// As one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Us => "us",
            Self::User => "user",
            Self::Vendor => "vendor",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of one code.
struct Entry {
    text: &'static str,
    actor: Actor,
    explanation: &'static str,
    customer: Option<&'static str>,
    metadata: Option<&'static str>,
    okta: Option<&'static str>,
    entra: Option<&'static str>,
    google: Option<&'static str>,
}

impl Code {
    /// The code that is written `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().text
    }

    /// Who must act.
    #[must_use]
    pub const fn actor(self) -> Actor {
        self.entry().actor
    }

    /// What it means and what to do, in a sentence or two for the vendor.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        self.entry().explanation
    }

    /// The same for the customer's administrator.
    #[must_use]
    pub const fn explanation_for_customer(self) -> &'static str {
        match self.entry().customer {
            Some(words) => words,
            None => self.explanation(),
        }
    }

    /// What it means of metadata, for both, where that is something else than of a message.
    #[must_use]
    pub const fn explanation_for_metadata(self) -> Option<&'static str> {
        self.entry().metadata
    }

    /// Where to click in Okta's admin console, where that makes sense.
    #[must_use]
    pub const fn hint_for_okta(self) -> Option<&'static str> {
        self.entry().okta
    }

    /// Where to click in Microsoft Entra's admin centre, where that makes sense.
    #[must_use]
    pub const fn hint_for_entra(self) -> Option<&'static str> {
        self.entry().entra
    }

    /// Where to click in Google's admin console, where that makes sense.
    #[must_use]
    pub const fn hint_for_google(self) -> Option<&'static str> {
        self.entry().google
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Code;

    /// Every refusal code of the product's description, and those that the program has beside them. The words are stable:
    /// customers' tickets, logs and alerts hold them.
    const STABLE: &[&str] = &[
        // transport
        "acs_empty_post",
        "base64_bad",
        "deflate_bad",
        "too_large",
        "xml_not_wellformed",
        "doctype_forbidden",
        "comment_forbidden",
        "processing_instruction_forbidden",
        "encoding_bad",
        "form_malformed",
        "relaystate_not_allowed",
        "response_malformed",
        // the identity provider's status
        "idp_authn_failed",
        "idp_no_passive",
        "idp_request_denied",
        "idp_requester_error",
        "idp_invalid_nameid_policy",
        "idp_no_authn_context",
        // signature
        "unsigned",
        "signature_key_unknown",
        "signature_bad_digest",
        "signature_invalid",
        "signature_alg_weak",
        "signature_alg_unsupported",
        "signature_malformed",
        "signature_multiple",
        "signature_wrong_target",
        "duplicate_id",
        "transform_forbidden",
        "reference_unsupported",
        "canonicalization_failed",
        "assertion_not_signed_required",
        "response_not_signed_required",
        // keys and certificates
        "certificate_malformed",
        "certificate_multiple",
        "key_malformed",
        "key_unsupported",
        "key_weak",
        // encryption
        "encrypted_unexpected",
        "decryption_failed",
        "encrypted_alg_refused",
        "encrypted_malformed",
        // addressing
        "issuer_mismatch",
        "audience_mismatch",
        "destination_mismatch",
        "recipient_mismatch",
        "connection_disabled",
        "connection_unknown",
        // time
        "not_yet_valid",
        "expired",
        "request_expired",
        "session_expired_at_idp",
        "authn_too_old",
        // replay and state
        "assertion_reused",
        "request_already_answered",
        "in_response_to_unknown",
        "unsolicited_not_allowed",
        "browser_mismatch",
        // identity
        "email_missing",
        "email_not_an_address",
        "email_domain_not_owned",
        "email_differs_from_typed",
        "required_attribute_missing",
        "jit_disabled",
        "nameid_transient_as_key",
        "groups_overage",
        // metadata
        "fetch_timeout",
        "fetch_tls",
        "fetch_http_status",
        "fetch_private_address",
        "fetch_dns",
        "fetch_redirects",
        "fetch_too_large",
        "html_instead_of_xml",
        "metadata_malformed",
        "no_idp_role",
        "several_entities",
        "no_sso_endpoint",
        "no_signing_key",
        "is_sp_metadata",
        "entity_changed",
        "too_many_certificates",
        // warnings
        "certificate_expired",
        "certificate_expires_soon",
        "certificates_left_out",
        "domain_proof_lost",
        "domain_unproven",
        "metadata_expired",
        "metadata_url_without_appid",
    ];

    #[test]
    fn the_words_are_stable_and_unique() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len(), "a word is used twice");
        let stable: BTreeSet<&str> = STABLE.iter().copied().collect();
        assert_eq!(
            stable.difference(&words).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "gone"
        );
        assert_eq!(
            words.difference(&stable).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "new: list it"
        );
        for word in words {
            assert!(
                word.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{word}"
            );
            assert_eq!(Code::parse(word).map(Code::as_str), Some(word));
        }
        assert_eq!(Code::parse("no_such_code"), None);
    }

    #[test]
    fn every_code_says_what_to_do() {
        for code in Code::ALL {
            let others = [
                code.explanation_for_metadata(),
                code.hint_for_okta(),
                code.hint_for_entra(),
                code.hint_for_google(),
            ];
            let to_both = [code.explanation(), code.explanation_for_customer()];
            for text in to_both.into_iter().chain(others.into_iter().flatten()) {
                assert!(text.split_whitespace().count() >= 5, "{code}: {text:?}");
                assert!(text.ends_with('.'), "{code}: {text:?}");
                assert!(!text.contains("  "), "{code}: {text:?}");
            }
            assert!(code.explanation().split_whitespace().count() >= 10, "{code}");
            assert!(
                code.explanation_for_customer().split_whitespace().count() >= 10,
                "{code}"
            );
            assert!(!code.actor().as_str().is_empty());
        }
    }

    #[test]
    fn the_customers_administrator_is_not_told_of_themselves() {
        for code in Code::ALL {
            let to_both = [Some(code.explanation_for_customer()), code.explanation_for_metadata()];
            for text in to_both.into_iter().flatten() {
                for of_them in [
                    "customer",
                    "The user",
                    "They ",
                    "you relax",
                    "ask for it again",
                    "Ask for ",
                ] {
                    assert!(!text.contains(of_them), "{code}: {of_them:?}: {text}");
                }
            }
        }
    }
}
