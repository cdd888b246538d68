//! Random tokens that a browser or a URL carries, and the hashes of them that are stored.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 43 characters of base64url. Shown once to whom it belongs, stored only as its hash.
///
/// Two tokens cannot be compared, so that no comparison can tell by its time where they differ (attack A164): a token is
/// looked up by its hash.
///
/// ```compile_fail,E0369
/// use edge_saml::token::Token;
/// fn same(sent: &Token, kept: &Token) -> bool {
///     sent == kept
/// }
/// ```
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token made of `random` octets.
    #[must_use]
    pub fn new(random: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads what a browser sent back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = URL_SAFE_NO_PAD.decode(text).ok()?;
        (octets.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The text to hand out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of_octets(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The SHA-256 of a token, as base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of any octets.
    #[must_use]
    pub fn of_octets(octets: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(octets)))
    }

    /// The hash as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether two secrets are equal, in a time that depends on neither.
#[must_use]
pub fn same_secret(a: &str, b: &str) -> bool {
    Sha256::digest(a.as_bytes()).ct_eq(&Sha256::digest(b.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a164_secrets_are_the_same_whole_or_not_at_all() {
        assert!(same_secret("secret", "secret"));
        for other in ["", "s", "secre", "secret ", "secret\0", "Secret", "secres", "xecret"] {
            assert!(!same_secret("secret", other), "{other:?}");
            assert!(!same_secret(other, "secret"), "{other:?}");
        }
    }

    #[test]
    fn a140_every_random_bit_makes_another_token() {
        let random = [0x5a; 32];
        let tokens = (0..256).map(|bit: usize| {
            let mut random = random;
            random[bit / 8] ^= 1 << (bit % 8);
            Token::new(&random).reveal().to_owned()
        });
        let mut tokens: Vec<String> = tokens.chain([Token::new(&random).reveal().to_owned()]).collect();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 257);
        assert!(tokens.iter().all(|token| Token::parse(token).is_some()));
    }
}
