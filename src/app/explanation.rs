//! A code, explained for the people of one connection: who must act, why, and where to click at its identity provider.

use serde::Serialize;

use crate::code::Code;
use crate::saml::connection::Provider;

/// What the table of codes says of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Explanation {
    /// Who must act: `customer`, `us`, `user` or `vendor`.
    pub(super) who: &'static str,
    /// What it means and what to do.
    pub(super) why: &'static str,
    /// Where to click, where that is known.
    pub(super) steps: Option<&'static str>,
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// The customer's administrator.
    Customer,
    /// The vendor.
    Vendor,
}

impl Explanation {
    /// Explains `code` to the `reader` at a connection of this `provider`.
    pub(super) fn of(code: Code, provider: Provider, reader: Reader) -> Self {
        Self {
            who: code.actor().as_str(),
            why: match reader {
                Reader::Customer => code.explanation_for_customer(),
                Reader::Vendor => code.explanation(),
            },
            steps: match provider {
                Provider::Okta => code.hint_for_okta(),
                Provider::Entra => code.hint_for_entra(),
                Provider::Google => code.hint_for_google(),
                Provider::Custom => None,
            },
        }
    }

    /// The same, of metadata.
    pub(super) fn of_metadata(code: Code, provider: Provider, reader: Reader) -> Self {
        let explanation = Self::of(code, provider, reader);
        Self {
            why: code.explanation_for_metadata().unwrap_or(explanation.why),
            ..explanation
        }
    }
}
