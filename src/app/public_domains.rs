//! Domains that are nobody's alone, and so no connection's: public suffixes and those of public mail providers.

use crate::saml::id::Domain;

/// Why a domain is nobody's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Public {
    /// Anybody gets an address there.
    Mail,
    /// Anybody registers domains below it: it stands in the Public Suffix List (<https://publicsuffix.org>), in either part.
    Suffix,
}

/// Why `domain` is nobody's alone, if it is not somebody's.
pub(super) fn public(domain: &Domain) -> Option<Public> {
    if PUBLIC_MAIL.lines().any(|line| line == domain.as_str()) {
        return Some(Public::Mail);
    }
    // The library has the list as U-labels.
    let (unicode, _) = idna::domain_to_unicode(domain.as_str());
    structured_public_domains::registrable_domain(&unicode)
        .is_none()
        .then_some(Public::Suffix)
}

const PUBLIC_MAIL: &str = include_str!("public_mail_domains.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_somebodys_or_everybodys() {
        let kind = |text: &str| public(&Domain::parse(text).unwrap());
        for mail in ["gmail.com", "OUTLOOK.com", "hotmail.co.uk", "qq.com", "web.de"] {
            assert_eq!(kind(mail), Some(Public::Mail), "{mail}");
        }
        // A rule, one of the private part, a wildcard, and one that the list has in Chinese.
        for suffix in ["co.uk", "github.io", "foo.ck", "公司.cn", "xn--55qx5d.cn"] {
            assert_eq!(kind(suffix), Some(Public::Suffix), "{suffix}");
        }
        // An exception of a wildcard, and a top level that the list does not know.
        for own in [
            "acme.com",
            "acme.co.uk",
            "www.ck",
            "acme.test",
            "gmail.com.acme.com",
            "bücher.example",
        ] {
            assert_eq!(kind(own), None, "{own}");
        }
    }

    #[test]
    fn the_list_of_mail_providers_holds_domains() {
        let lines = PUBLIC_MAIL
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            assert_eq!(Domain::parse(line).unwrap().as_str(), line);
        }
    }
}
