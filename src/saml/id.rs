//! Identifiers and addresses as types, so that one cannot be taken for another.

use core::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::ip::is_public;
use crate::hidden::hide;

/// A value that is not what its type asks for; the text says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Invalid {}

/// Declares a newtype over `String` whose only way in, from code or from JSON, is `parse`.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and wraps it.
            ///
            /// # Errors
            /// [`Invalid`], saying what was expected.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<String, Invalid> = $check;
                check(text).map(Self)
            }

            /// The value as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text_type!(
    /// An assertion's `ID` attribute (SAML Core 1.3.4): an `NCName`, at most 256 bytes.
    AssertionId,
    |text| nc_name(text)
);

text_type!(
    /// The `ID` of a request that we sent (SAML Core 1.3.4): an `NCName`, at most 256 bytes.
    RequestId,
    |text| nc_name(text)
);

text_type!(
    /// The identifier of a test run, and the `ID` of the request that it sends: `test_` and 40 hexadecimal digits. No other
    /// request of ours begins so.
    TestId,
    |text| {
        let random = text.strip_prefix(TestId::PREFIX).unwrap_or_default();
        if random.len() == 40 && random.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(text.to_owned())
        } else {
            Err(Invalid("expected the id of a test"))
        }
    }
);

text_type!(
    /// A connection's identifier: `conn_` and 20 characters of lower-case base32.
    ConnectionId,
    |text| prefixed(text, "conn_").ok_or(Invalid("expected a connection id such as conn_abcdefghij234567klmn"))
);

text_type!(
    /// An admin token's identifier, which is no secret: `tok_` and 20 characters of lower-case base32.
    TokenId,
    |text| prefixed(text, "tok_").ok_or(Invalid("expected a token id such as tok_abcdefghij234567klmn"))
);

text_type!(
    /// A webhook's identifier, which is no secret: `hook_` and 20 characters of lower-case base32.
    WebhookId,
    |text| prefixed(text, "hook_").ok_or(Invalid("expected a webhook id such as hook_abcdefghij234567klmn"))
);

text_type!(
    /// An event's identifier, by which whoever gets it twice knows it: `evt_` and 32 hexadecimal digits.
    EventId,
    |text| {
        let random = text.strip_prefix(EventId::PREFIX).unwrap_or_default();
        if random.len() == 32 && random.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(text.to_owned())
        } else {
            Err(Invalid("expected the id of an event"))
        }
    }
);

text_type!(
    /// A setup link's identifier, which is no secret: `link_` and 20 characters of lower-case base32.
    SetupLinkId,
    |text| prefixed(text, "link_").ok_or(Invalid("expected a setup link id such as link_abcdefghij234567klmn"))
);

text_type!(
    /// By what people find an attempt to sign in: ten characters of Crockford's base32 and a dash, such as `7k2mx-0q9dt`. It is
    /// read as people read it out and type it: in any case, with letters that look like digits, and without the dash.
    Reference,
    |text| {
        let as_made = |c: char| match c.to_ascii_lowercase() {
            'i' | 'l' => '1',
            'o' => '0',
            other => other,
        };
        let mut characters: String = text.chars().take(12).filter(|c| *c != '-').map(as_made).collect();
        let known = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'z') && b != b'u';
        if characters.len() != 10 || text.len() > 11 || !characters.bytes().all(known) {
            return Err(Invalid("expected a reference such as 7k2mx-0q9dt"));
        }
        characters.insert(5, '-');
        Ok(characters)
    }
);

text_type!(
    /// The name of an entity (SAML Core 8.3.6): 1 to 1,024 characters, compared octet by octet.
    ///
    /// It should be a URI, but people are let type anything (one placeholder that is in real use is `IdP Entity ID`), so there may be
    /// spaces inside.
    EntityId,
    |text| {
        let fits = (1..=1024).contains(&text.chars().count());
        let odd = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
        if fits && !text.chars().any(odd) && text == text.trim() {
            Ok(text.to_owned())
        } else {
            Err(Invalid("expected an entity ID of 1 to 1,024 characters without spaces at its ends"))
        }
    }
);

text_type!(
    /// An e-mail domain as A-labels in lower case, with at least two labels: `acme.com`, `xn--bcher-kva.example`.
    ///
    /// What a person types may be Unicode and is converted (UTS 46); see [`EmailAddress`] for what an identity
    /// provider may send.
    Domain,
    |text| {
        const EXPECTED: Invalid = Invalid("expected a domain such as acme.com");
        // Conversion is quadratic in a label, so what cannot fit is refused before it: 253 octets of A-labels come from at
        // most 253 characters of up to four octets.
        let text = text.trim();
        if text.len() > 4 * 253 {
            return Err(EXPECTED);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| EXPECTED)?;
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        let top_is_a_name = ascii.rsplit('.').next().is_some_and(|l| l.bytes().any(|b| b.is_ascii_alphabetic()));
        if ascii.len() <= 253 && ascii.contains('.') && top_is_a_name && ascii.split('.').all(label) {
            Ok(ascii)
        } else {
            Err(EXPECTED)
        }
    }
);

text_type!(
    /// Where the browser goes after sign-in: a path on our own origin, beginning with exactly one `/`.
    ///
    /// It is parsed against an origin of our own and taken from the result, so that `//host`, `/\host`, control
    /// characters and dot segments cannot lead elsewhere.
    ReturnPath,
    |text| {
        const EXPECTED: Invalid = Invalid("expected a path on this origin, such as /dashboard");
        const BASE: &str = "https://return-path.invalid";
        if text.len() > 2048 || !text.starts_with('/') || text.contains('\\') || text.chars().any(char::is_control) {
            return Err(EXPECTED);
        }
        let base = Url::parse(BASE).map_err(|_| EXPECTED)?;
        let url = base.join(text).map_err(|_| EXPECTED)?;
        let path = url.as_str().strip_prefix(BASE).ok_or(EXPECTED)?;
        // Escapes make it longer; what is written here must be read again from where it is kept.
        if path.starts_with("//") || !path.starts_with('/') || path.len() > 2048 {
            return Err(EXPECTED);
        }
        Ok(path.to_owned())
    }
);

text_type!(
    /// The address of an endpoint to which browsers are sent or from which metadata is fetched.
    ///
    /// Absolute, `https`, no user information, no fragment. `http` is accepted by this type for loopback hosts only,
    /// and by the application only in development (see [`EndpointUrl::is_https`]).
    EndpointUrl,
    |text| {
        const EXPECTED: Invalid = Invalid("expected an https:// address without user name, password or fragment");
        if text.len() > 2048 {
            return Err(EXPECTED);
        }
        let url = Url::parse(text.trim()).map_err(|_| EXPECTED)?;
        let scheme_ok = match url.scheme() {
            "https" => true,
            "http" => url.host().is_some_and(|host| is_loopback(&host)),
            _ => false,
        };
        // Escapes and A-labels make it longer; what is written here must be read again from where it is kept.
        if url.as_str().len() > 2048 || !scheme_ok || !url.has_host() || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(EXPECTED);
        }
        Ok(url.into())
    }
);

impl Domain {
    /// The domain itself, then those above it, nearest first, down to two labels: `eu.acme.com`, `acme.com`.
    pub fn and_parents(&self) -> impl Iterator<Item = Self> {
        core::iter::successors(Some(self.as_str()), |domain| Some(domain.split_once('.')?.1))
            .filter(|domain| domain.contains('.'))
            .map(|domain| Self(domain.to_owned()))
    }

    /// Whether it lies below `other`, by whole labels: `eu.acme.com` does below `acme.com`, `evilacme.com` does not.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0
            .strip_suffix(other.as_str())
            .is_some_and(|rest| rest.ends_with('.'))
    }

    /// How many labels it has.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.0.split('.').count()
    }
}

impl ConnectionId {
    /// A connection's identifier out of 100 of the `random` bits.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random_after("conn_", random))
    }
}

impl SetupLinkId {
    /// A setup link's identifier out of 100 of the `random` bits.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random_after("link_", random))
    }
}

impl WebhookId {
    /// A webhook's identifier out of 100 of the `random` bits.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random_after("hook_", random))
    }
}

impl EventId {
    /// What all of them begin with.
    pub const PREFIX: &str = "evt_";
}

impl TokenId {
    /// An admin token's identifier out of 100 of the `random` bits.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random_after("tok_", random))
    }
}

/// `text`, if it is `prefix` and 20 characters of lower-case base32.
fn prefixed(text: &str, prefix: &str) -> Option<String> {
    let random = text.strip_prefix(prefix)?;
    let base32 = |b: u8| matches!(b, b'a'..=b'z' | b'2'..=b'7');
    (random.len() == 20 && random.bytes().all(base32)).then(|| text.to_owned())
}

/// `prefix` and 100 of the `random` bits as 20 characters of lower-case base32.
fn random_after(prefix: &str, random: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let character = |b: &u8| ALPHABET.get(usize::from(*b & 31)).map_or('a', |c| char::from(*c));
    let random: String = random.iter().take(20).map(character).collect();
    format!("{prefix}{random}")
}

impl RequestId {
    /// A request's `ID` out of 160 of the `random` bits; it begins with `_`, as an `NCName` may not begin with a digit.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(unguessable("_", random))
    }
}

impl TestId {
    /// What all of them begin with, and no other ID of a request.
    pub const PREFIX: &str = "test_";

    /// A test's identifier out of 160 of the `random` bits.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(unguessable(Self::PREFIX, random))
    }

    /// The test whose request this is, if it is one's.
    #[must_use]
    pub fn of(request: &RequestId) -> Option<Self> {
        Self::parse(request.as_str()).ok()
    }

    /// The `ID` of its request.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        RequestId(self.0.clone())
    }
}

/// `prefix` and 160 of the `random` bits in hexadecimal digits.
fn unguessable(prefix: &str, random: &[u8; 32]) -> String {
    use core::fmt::Write as _;
    let mut id = String::from(prefix);
    for octet in random.iter().take(20) {
        // Writing to a `String` does not fail.
        let _ = write!(id, "{octet:02x}");
    }
    id
}

impl EndpointUrl {
    /// Whether the scheme is `https`; otherwise it is `http` to a loopback host.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host, as people read it.
    #[must_use]
    pub fn host_text(&self) -> String {
        let url = Url::parse(&self.0).ok();
        url.and_then(|url| url.host_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }

    /// Its origin alone, without path and query.
    #[must_use]
    pub fn origin(&self) -> Self {
        let url = Url::parse(&self.0).ok();
        Self(url.map(|url| url.origin().ascii_serialization()).unwrap_or_default())
    }

    /// The same URL with one more parameter in its query.
    #[must_use]
    pub fn with_parameter(&self, name: &str, value: &str) -> Self {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        let parameter = form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish();
        Self(format!("{self}{separator}{parameter}"))
    }

    /// The host, if it is a name and no address.
    #[must_use]
    pub fn host_name(&self) -> Option<String> {
        match Url::parse(&self.0).ok()?.host()? {
            Host::Domain(name) => Some(name.to_owned()),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Whether the host is one that a public server cannot have: an address written as a literal that is not public
    /// ([`is_public`]), or a name that only resolves inside a network.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let Ok(url) = Url::parse(&self.0) else {
            return true;
        };
        match url.host() {
            None => true,
            Some(Host::Ipv4(ip)) => !is_public(ip.into()),
            Some(Host::Ipv6(ip)) => !is_public(ip.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let inner = |suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
                !name.contains('.')
                    || ["localhost", "local", "internal", "localdomain", "home.arpa"]
                        .iter()
                        .any(|s| inner(s))
            }
        }
    }
}

/// Whether `host` is this machine.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Whether two absolute URLs name the same endpoint: scheme and host in any case, default port dropped, the rest
/// octet by octet. Anything that is not `scheme://authority…` is compared as it stands.
#[must_use]
pub fn same_endpoint(a: &str, b: &str) -> bool {
    fn parts(url: &str) -> Option<(String, String, &str)> {
        let (scheme, rest) = url.split_once("://")?;
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(at)?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let port = match scheme.as_str() {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        let authority = match authority.strip_suffix(port) {
            Some(host) if !port.is_empty() => host.to_owned(),
            _ => authority,
        };
        Some((scheme, authority, rest))
    }
    a == b || parts(a).is_some_and(|a| Some(a) == parts(b))
}

/// An e-mail address as an identity provider may assert it: ASCII, one `@`, a plain local part and a domain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    text: String,
    domain: Domain,
}

hide!(EmailAddress);

impl EmailAddress {
    /// Checks an address received from an identity provider: ASCII only, so that no look-alike can pass.
    ///
    /// # Errors
    /// [`Invalid`] for anything but `local@domain` with a local part of RFC 5321 atoms (no quoting).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_ascii() {
            Self::parse_typed(text)
        } else {
            Err(EMAIL_EXPECTED)
        }
    }

    /// Checks an address typed by a person: its domain may be Unicode and is converted to A-labels.
    ///
    /// # Errors
    /// [`Invalid`] as for [`EmailAddress::parse`].
    pub fn parse_typed(text: &str) -> Result<Self, Invalid> {
        let (local, domain) = text.rsplit_once('@').ok_or(EMAIL_EXPECTED)?;
        let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let plain = (1..=64).contains(&local.len())
            && local.bytes().all(atom)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        if !plain || domain != domain.trim() {
            return Err(EMAIL_EXPECTED);
        }
        let domain = Domain::parse(domain).map_err(|_| EMAIL_EXPECTED)?;
        Ok(Self {
            text: format!("{local}@{domain}"),
            domain,
        })
    }

    /// The address, its domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.text
    }
}

const EMAIL_EXPECTED: Invalid = Invalid("expected an e-mail address such as ada@acme.com");

/// An XML name without a colon (Namespaces in XML, 3, `NCName`) of at most 256 bytes. It may begin with a digit, as some
/// identity providers' do.
fn nc_name(text: &str) -> Result<String, Invalid> {
    let name_character = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
    if (1..=256).contains(&text.len()) && text.chars().all(name_character) {
        Ok(text.to_owned())
    } else {
        Err(Invalid("expected an XML name without a colon, of at most 256 bytes"))
    }
}

#[cfg(test)]
#[path = "id/tests.rs"]
mod tests;
