//! The configuration of a deployment, read from its variables and secrets.

use core::fmt;

use super::description::line;
use super::registry::proofs::DomainProof;
use super::return_target::ReturnOrigins;
use crate::limits::MAX_PRODUCT_NAME_CHARACTERS;
use crate::saml::connection::PublicOrigin;
use crate::saml::id::{EndpointUrl, ReturnPath};

/// A deployment's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The public origin.
    pub origin: PublicOrigin,
    /// What users and customers' administrators know the application by.
    pub product_name: String,
    /// Whether identity providers may be reached by `http` on this machine.
    pub development: Development,
    /// The token of the admin API; without it the API is closed.
    pub admin_token: Option<Secret>,
    /// Where the browser goes after a sign-in that asked for no other place.
    pub default_return_path: ReturnPath,
    /// To which other origins it may go after a sign-in.
    pub return_origins: ReturnOrigins,
    /// Who answers questions of DNS.
    pub resolver: Resolver,
    /// Whether connections must have proven their domains.
    pub domain_proof: DomainProof,
}

/// Who answers questions of DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// Nobody, on a developer's machine without a network.
    Off,
    /// A DNS over HTTPS resolver that speaks JSON, at this address.
    At(EndpointUrl),
}

/// Whether this is a developer's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Development {
    /// Anywhere else.
    Off,
    /// `http` and loopback hosts are allowed for identity providers.
    On,
}

/// A secret; its value is not shown by `Debug`, and has no `==`, whose time tells where two values differ (attack A164).
///
/// ```compile_fail,E0369
/// use edge_saml::app::config::Secret;
/// fn same(sent: &Secret, kept: &Secret) -> bool {
///     sent == kept
/// }
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The value, to be compared in constant time.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A variable that is missing or wrong; the text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError(pub &'static str);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for ConfigError {}

/// The resolver of a deployment that names none.
const DEFAULT_RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// An admin token shorter than this could be guessed.
const MIN_ADMIN_TOKEN_BYTES: usize = 24;

impl Config {
    /// Reads the configuration; `variable` gives a variable's or secret's value by its name.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name| variable(name).filter(|v| !v.is_empty());
        let origin = set("PUBLIC_ORIGIN").and_then(|o| PublicOrigin::parse(&o).ok());
        let development = match set("DEVELOPMENT").as_deref() {
            None => Development::Off,
            Some("on") => Development::On,
            Some(_) => {
                return Err(ConfigError(
                    "DEVELOPMENT must be absent, or \"on\" on a developer's machine.",
                ));
            }
        };
        let is_local = origin
            .as_ref()
            .is_none_or(|origin| origin.as_str().starts_with("http://"));
        if development == Development::On && !is_local {
            return Err(ConfigError(
                "DEVELOPMENT may be \"on\" only where PUBLIC_ORIGIN is http://localhost or the like.",
            ));
        }
        let product_name = match set("PRODUCT_NAME") {
            Some(name) => line(&name, MAX_PRODUCT_NAME_CHARACTERS)
                .ok_or(ConfigError("PRODUCT_NAME must have 1 to 60 characters on one line."))?,
            None => origin.as_ref().map(host).unwrap_or_default(),
        };
        let admin_token = set("ADMIN_TOKEN").map(Secret);
        if admin_token
            .as_ref()
            .is_some_and(|t| t.reveal().len() < MIN_ADMIN_TOKEN_BYTES)
        {
            return Err(ConfigError("ADMIN_TOKEN must have at least 24 characters."));
        }
        let return_origins = ReturnOrigins::read(&set("ALLOWED_RETURN_ORIGINS").unwrap_or_default(), development)?;
        let return_path = set("DEFAULT_RETURN_PATH").unwrap_or_else(|| "/sso/sign-in".to_owned());
        let resolver = match set("DNS_RESOLVER").as_deref() {
            Some("off") if development == Development::On => Some(Resolver::Off),
            url => EndpointUrl::parse(url.unwrap_or(DEFAULT_RESOLVER))
                .ok()
                .filter(|url| url.is_https() || development == Development::On)
                .map(Resolver::At),
        };
        let domain_proof = domain_proof(set("REQUIRE_DOMAIN_PROOF").as_deref())?;
        Ok(Self {
            domain_proof,
            return_origins,
            product_name,
            origin: origin.ok_or(ConfigError(
                "PUBLIC_ORIGIN must be this deployment's origin, such as https://app.example.com.",
            ))?,
            development,
            admin_token,
            default_return_path: ReturnPath::parse(&return_path)
                .map_err(|_| ConfigError("DEFAULT_RETURN_PATH must be a path on this origin, such as /dashboard."))?,
            resolver: resolver.ok_or(ConfigError(
                "DNS_RESOLVER must be the https address of a DNS over HTTPS resolver that speaks JSON; http and \"off\" are for \
                 development.",
            ))?,
        })
    }
}

/// The host of an origin, with its port if it names one.
fn host(origin: &PublicOrigin) -> String {
    let origin = origin.as_str();
    origin.split_once("://").map_or(origin, |(_, host)| host).to_owned()
}

/// Reads the variable `REQUIRE_DOMAIN_PROOF`.
///
/// # Errors
/// [`ConfigError`] for anything but `on`.
pub fn domain_proof(variable: Option<&str>) -> Result<DomainProof, ConfigError> {
    match variable {
        None | Some("") => Ok(DomainProof::Optional),
        Some("on") => Ok(DomainProof::Required),
        Some(_) => Err(ConfigError("REQUIRE_DOMAIN_PROOF must be absent, or \"on\".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn without_an_origin_there_is_no_configuration() {
        for origin in [
            "",
            "app.example.com",
            "http://app.example.com",
            "https://app.example.com/x",
            "https://app.example.com/?x",
        ] {
            assert!(read(&[("PUBLIC_ORIGIN", origin)]).is_err(), "{origin}");
        }
        assert!(read(&[("PUBLIC_ORIGIN", "https://app.example.com")]).is_ok());
        assert!(read(&[("PUBLIC_ORIGIN", "http://localhost:8787")]).is_ok());
    }

    #[test]
    fn wrong_values_are_refused_not_ignored() {
        let origin = ("PUBLIC_ORIGIN", "https://app.example.com");
        for wrong in [
            ("DEVELOPMENT", "yes"),
            ("DEVELOPMENT", "on"),
            ("ADMIN_TOKEN", "short"),
            ("REQUIRE_DOMAIN_PROOF", "yes"),
            ("PRODUCT_NAME", " "),
            ("PRODUCT_NAME", "Acme\nSend your password to evil.example"),
            (
                "PRODUCT_NAME",
                "sixty-one characters, which is one more than a name may have.",
            ),
            ("DEFAULT_RETURN_PATH", "//evil.example"),
            ("ALLOWED_RETURN_ORIGINS", "https://app.example.com/path"),
            ("ALLOWED_RETURN_ORIGINS", "http://localhost:3000"),
            ("DNS_RESOLVER", "off"),
            ("DNS_RESOLVER", "http://localhost:8053/dns-query"),
            ("DNS_RESOLVER", "dns.example"),
            ("DNS_RESOLVER", "https://user@dns.example/"),
        ] {
            assert!(read(&[origin, wrong]).is_err(), "{wrong:?}");
        }
        let origin = ("PUBLIC_ORIGIN", "http://localhost:8787");
        let config = read(&[
            origin,
            ("DEVELOPMENT", "on"),
            ("ADMIN_TOKEN", "a-token-of-24-characters"),
        ]);
        assert_eq!(config.as_ref().map(|c| c.development), Ok(Development::On));
        assert!(!format!("{config:?}").contains("a-token"));
    }

    #[test]
    fn the_product_is_called_by_its_host_unless_it_has_a_name() {
        let name = |variables: &[(&str, &str)]| read(variables).map(|config| config.product_name);
        let origin = ("PUBLIC_ORIGIN", "https://app.example.com");
        assert_eq!(name(&[origin]).as_deref(), Ok("app.example.com"));
        assert_eq!(
            name(&[("PUBLIC_ORIGIN", "http://localhost:8787")]).as_deref(),
            Ok("localhost:8787")
        );
        assert_eq!(
            name(&[origin, ("PRODUCT_NAME", " Acme CRM ")]).as_deref(),
            Ok("Acme CRM")
        );
        let sixty = "ü".repeat(60);
        assert_eq!(name(&[origin, ("PRODUCT_NAME", &sixty)]).as_deref(), Ok(&*sixty));
    }

    #[test]
    fn the_resolver_is_the_default_one_unless_another_is_named() {
        let resolver = |variables: &[(&str, &str)]| read(variables).map(|config| config.resolver);
        let at = |url: &str| EndpointUrl::parse(url).map(Resolver::At).map_err(|e| ConfigError(e.0));
        let origin = ("PUBLIC_ORIGIN", "https://app.example.com");
        assert_eq!(resolver(&[origin]), at("https://cloudflare-dns.com/dns-query"));
        let url = "https://dns.google/resolve";
        assert_eq!(resolver(&[origin, ("DNS_RESOLVER", url)]), at(url));
        let local = [("PUBLIC_ORIGIN", "http://localhost:8787"), ("DEVELOPMENT", "on")];
        let local = |value| [local.as_slice(), &[("DNS_RESOLVER", value)]].concat();
        assert_eq!(resolver(&local("off")), Ok(Resolver::Off));
        let url = "http://127.0.0.1:8053/dns-query";
        assert_eq!(resolver(&local(url)), at(url));
        assert!(resolver(&local("http://dns.example/")).is_err());
    }
}
