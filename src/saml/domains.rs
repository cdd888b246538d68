//! Which e-mail domains are a connection's: one rule, for where a typed address leads and for whether an asserted one is
//! believed.

use super::id::Domain;

/// Whether the domains below a domain go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subdomains {
    /// They do not.
    Excluded,
    /// They do, all of them.
    Included,
}

impl Subdomains {
    /// Whether `domain` belongs to whoever has `claimed`: label by label.
    ///
    /// ```
    /// use edge_saml::saml::domains::Subdomains::{Excluded, Included};
    /// use edge_saml::saml::id::Domain;
    ///
    /// let [acme, below, other] = ["acme.com", "eu.acme.com", "evilacme.com"].map(|d| Domain::parse(d).unwrap());
    /// assert!(Excluded.reach(&acme, &acme) && !Excluded.reach(&acme, &below));
    /// assert!(Included.reach(&acme, &below) && !Included.reach(&acme, &other));
    /// ```
    #[must_use]
    pub fn reach(self, claimed: &Domain, domain: &Domain) -> bool {
        domain == claimed || (self == Self::Included && domain.is_below(claimed))
    }
}

/// The domains whose addresses a connection's users have.
#[derive(Clone, Copy, Debug)]
pub struct DomainRule<'a> {
    claimed: &'a [Domain],
    subdomains: Subdomains,
}

impl<'a> DomainRule<'a> {
    /// Those of `claimed`, and perhaps those below.
    #[must_use]
    pub fn new(claimed: &'a [Domain], subdomains: Subdomains) -> Self {
        Self { claimed, subdomains }
    }

    /// Whether addresses of `domain` are its users'.
    #[must_use]
    pub fn covers(self, domain: &Domain) -> bool {
        self.claimed
            .iter()
            .any(|claimed| self.subdomains.reach(claimed, domain))
    }

    /// The domains, for people: `acme.com, acme.example and below`.
    #[must_use]
    pub fn describe(self) -> String {
        let claimed = self.claimed.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ");
        match self.subdomains {
            Subdomains::Excluded => claimed,
            Subdomains::Included => format!("{claimed} and below"),
        }
    }
}
