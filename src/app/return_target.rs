//! Where browsers go after a sign-in: to a path on our own origin, or to another origin that the deployment names
//! (attack A134).

use serde::{Deserialize, Serialize};
use url::Url;

use super::config::{ConfigError, Development};
use crate::saml::connection::PublicOrigin;
use crate::saml::id::{Invalid, ReturnPath};

/// Where the browser goes after a sign-in. One at another origin proves nothing by its type: [`ReturnOrigins`] decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ReturnTarget {
    /// On another origin: the URL as browsers write it, so that what is compared is what they read.
    Elsewhere(String),
    /// On our own.
    Path(ReturnPath),
}

impl ReturnTarget {
    /// Reads a path, or an absolute URL without user information.
    ///
    /// # Errors
    /// [`Invalid`], saying what was expected.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.starts_with('/') {
            ReturnPath::parse(text).map(Self::Path)
        } else {
            absolute(text).map(Self::Elsewhere)
        }
    }

    /// What stands in `Location`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Elsewhere(url) => url,
            Self::Path(path) => path.as_str(),
        }
    }
}

impl From<ReturnPath> for ReturnTarget {
    fn from(path: ReturnPath) -> Self {
        Self::Path(path)
    }
}

impl From<ReturnTarget> for String {
    fn from(target: ReturnTarget) -> Self {
        target.as_str().to_owned()
    }
}

impl TryFrom<String> for ReturnTarget {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

/// The other origins to which browsers may be sent after a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnOrigins(Vec<PublicOrigin>);

impl ReturnOrigins {
    /// Reads the variable `ALLOWED_RETURN_ORIGINS`: origins with spaces between them.
    ///
    /// # Errors
    /// [`ConfigError`] for anything that is no exact origin, and for `http` unless this is a developer's machine.
    pub(super) fn read(variable: &str, development: Development) -> Result<Self, ConfigError> {
        const EXPECTED: ConfigError = ConfigError(
            "ALLOWED_RETURN_ORIGINS must be https origins with spaces between them, such as https://app.example.com \
             https://admin.example.com; http://localhost:3000 and the like are for development.",
        );
        let read = |text: &str| {
            // `*` would be a host of that name, and is never meant so.
            let origin = PublicOrigin::parse(text).ok().filter(|_| !text.contains('*'));
            origin.filter(|origin| origin.as_str().starts_with("https://") || development == Development::On)
        };
        let origins: Option<Vec<PublicOrigin>> = variable.split_ascii_whitespace().map(read).collect();
        origins.map(Self).ok_or(EXPECTED)
    }

    /// The target that `wish` names, if browsers may be sent there.
    #[must_use]
    pub fn grant(&self, wish: &str) -> Option<ReturnTarget> {
        ReturnTarget::parse(wish).ok().filter(|target| self.allow(target))
    }

    /// Whether browsers may be sent to `target`: an origin is compared as a whole, its scheme, host and port.
    #[must_use]
    pub fn allow(&self, target: &ReturnTarget) -> bool {
        match target {
            ReturnTarget::Elsewhere(url) => (self.0.iter())
                .any(|origin| (url.strip_prefix(origin.as_str())).is_some_and(|rest| rest.starts_with('/'))),
            ReturnTarget::Path(_) => true,
        }
    }
}

/// An absolute URL, as browsers write it. What a browser would mend is refused, so that everybody reads the same in it.
fn absolute(text: &str) -> Result<String, Invalid> {
    const EXPECTED: Invalid =
        Invalid("expected a path on this origin, or an absolute address without user information");
    const MAX_BYTES: usize = 2048;
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_odd = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if authority.is_empty() || authority.contains('@') || text.contains(is_odd) {
        return Err(EXPECTED);
    }
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let is_web = matches!(url.scheme(), "http" | "https") && scheme.eq_ignore_ascii_case(url.scheme());
    // Escapes and A-labels make it longer; what is written here must be read again from where it is kept.
    if is_web && text.len().max(url.as_str().len()) <= MAX_BYTES {
        Ok(url.into())
    } else {
        Err(EXPECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(variable: &str) -> ReturnOrigins {
        ReturnOrigins::read(variable, Development::Off).unwrap()
    }

    #[test]
    fn origins_are_exact() {
        let (off, on) = (Development::Off, Development::On);
        assert_eq!(ReturnOrigins::read("", off), Ok(ReturnOrigins::default()));
        let two = origins("https://app.example.com  https://APP.example.com:8443\n");
        let texts: Vec<&str> = two.0.iter().map(PublicOrigin::as_str).collect();
        assert_eq!(texts, ["https://app.example.com", "https://app.example.com:8443"]);
        for wrong in [
            "app.example.com",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://app.example.com#x",
            "https://user@app.example.com",
            "https://app.example.com,https://b.example.com",
            "https://*.example.com",
            "https://*",
            "*",
            "http://app.example.com",
            "ftp://app.example.com",
            "javascript:alert(1)",
            "null",
            "https://app.example.com nonsense",
        ] {
            assert!(ReturnOrigins::read(wrong, off).is_err(), "{wrong}");
            assert!(ReturnOrigins::read(wrong, on).is_err(), "{wrong}");
        }
        for local in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000"] {
            assert!(ReturnOrigins::read(local, off).is_err(), "{local}");
            assert!(ReturnOrigins::read(local, on).is_ok(), "{local}");
        }
    }

    #[test]
    fn what_is_granted_is_what_browsers_read() {
        let allowed = origins("https://app.example.com https://xn--bcher-kva.example https://port.example:8443");
        for (wish, target) in [
            ("/", "/"),
            ("/a?b=c#d", "/a?b=c#d"),
            ("https://app.example.com", "https://app.example.com/"),
            (
                "https://app.example.com/a/../b?c=d#e",
                "https://app.example.com/b?c=d#e",
            ),
            (
                "https://app.example.com?next=https://evil.example/",
                "https://app.example.com/?next=https://evil.example/",
            ),
            (
                "https://app.example.com#@evil.example",
                "https://app.example.com/#@evil.example",
            ),
            (
                "https://app.example.com//evil.example",
                "https://app.example.com//evil.example",
            ),
            ("HTTPS://APP.example.COM/x", "https://app.example.com/x"),
            ("https://app.example.com:443/x", "https://app.example.com/x"),
            ("https://app.example.com:/x", "https://app.example.com/x"),
            ("https://%61pp.example.com/x", "https://app.example.com/x"),
            ("https://ａpp。example.com/x", "https://app.example.com/x"),
            ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
            ("https://port.example:8443/", "https://port.example:8443/"),
        ] {
            let granted = allowed.grant(wish);
            assert_eq!(granted.as_ref().map(ReturnTarget::as_str), Some(target), "{wish}");
            assert_eq!(allowed.grant(target), granted, "what is kept is read again");
            let url = Url::parse("https://sp.example/sso/").unwrap().join(target).unwrap();
            assert!(
                ["sp.example", "app.example.com", "xn--bcher-kva.example", "port.example"]
                    .contains(&url.host_str().unwrap())
            );
        }
    }

    #[test]
    fn a134_all_else_leads_nowhere() {
        let allowed = origins("https://app.example.com https://port.example:8443");
        for wish in [
            "",
            "app.example.com",
            // Another origin.
            "https://evil.example/",
            "https://app.example.com.evil.example/",
            "https://evilapp.example.com/",
            "https://sub.app.example.com/",
            "https://app.example.co/",
            "https://app.example.com./",
            "https://app.example.com:8443/",
            "https://port.example/",
            "https://port.example:84430/",
            "https://port.example:8443@evil.example/",
            "http://app.example.com/",
            "https://аpp.example.com/",
            "https://app.example.com%2eevil.example/",
            "https://app.example.com%00.evil.example/",
            // User information.
            "https://app.example.com@evil.example/",
            "https://app.example.com:x@evil.example/",
            "https://user@app.example.com/",
            "https://user:pass@app.example.com/",
            "https://@app.example.com/x",
            "https://:@app.example.com/x",
            // What browsers mend.
            "//app.example.com/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "https:app.example.com/",
            "https:/app.example.com/",
            "https:///app.example.com/",
            "https:\\\\app.example.com/",
            "https://app.example.com\\@evil.example/",
            "https://app.example.com\\.evil.example/",
            "https:/\\evil.example/",
            " https://app.example.com/",
            "https://app.example.com/ ",
            "https://app.example.com/a b",
            "https://app.example.com/\u{a0}",
            "https://app.example.com/\r\nSet-Cookie: x=1",
            "https://app.example.com/\t",
            "ht\ntps://app.example.com/",
            "https://app.exa\u{0}mple.com/",
            "https://app.example.com/\u{7f}",
            // Another scheme.
            "javascript://app.example.com/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "blob:https://app.example.com/x",
            "view-source:https://app.example.com/",
            "ftp://app.example.com/",
            "file://app.example.com/",
            "wss://app.example.com/",
        ] {
            assert_eq!(allowed.grant(wish), None, "{wish:?}");
        }
        assert_eq!(ReturnOrigins::default().grant("https://app.example.com/"), None);
        let long = |length: usize| format!("https://app.example.com/{}", "x".repeat(length - 24));
        assert!(allowed.grant(&long(2048)).is_some());
        assert_eq!(allowed.grant(&long(2049)), None);
        let escapes = |count: usize| format!("https://app.example.com/{}", "<".repeat(count));
        assert!(allowed.grant(&escapes(674)).is_some());
        assert_eq!(allowed.grant(&escapes(675)), None);
    }
}
