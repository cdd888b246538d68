//! The proof that something was signed.

use std::fmt;

use crate::xmlenc::ContentKey;

/// A `T` that was read from signed octets and from nothing else.
///
/// Only this module's parent makes one, after the `SignatureValue` and the digest held. There is no `Default`, no
/// `From` and no way to reach into the value to change it. The steps onward, `read` and
/// `decrypt`, take a plain function pointer: it cannot capture anything that was not signed.
///
/// No message can forge it, and no other code makes one:
///
/// ```compile_fail,E0423
/// let forged = edge_saml::dsig::Verified("anyone");
/// ```
///
/// ```compile_fail,E0308
/// let forged = edge_saml::dsig::Verified::<String>::from(String::from("anyone"));
/// ```
///
/// And a closure that captures its surroundings is not a step onward:
///
/// ```compile_fail,E0308
/// fn mix(signed: &edge_saml::dsig::Verified<Vec<u8>>, unsigned: Vec<u8>) {
///     let _ = signed.read(|_| Ok::<Vec<u8>, ()>(unsigned.clone()));
/// }
/// ```
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Vouches for `value`. Every call is in `dsig`, so one search lists all places that vouch.
    pub(super) fn vouch(value: T) -> Self {
        Self(value)
    }

    /// What was signed.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Reads something out of what was signed. Only this crate does: what a plain function returns is vouched for, even if it
    /// is a constant or something global, so every use of it is here to be seen.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn read<U, E>(&self, read: fn(&T) -> Result<U, E>) -> Result<Verified<U>, E> {
        read(&self.0).map(Verified)
    }

    /// Reads something out of what was signed that is encrypted in it.
    ///
    /// The content keys are all that comes from elsewhere, and each opens only what holds the wrapped key that it was
    /// unwrapped from ([`Encrypted::decrypt`](crate::xmlenc::Encrypted::decrypt)). So what comes out depends on signed
    /// octets and on our private key alone: a signature over ciphertext and wrapped key vouches for its plaintext.
    ///
    /// ```compile_fail,E0308
    /// use edge_saml::dsig::Verified;
    /// fn mix(signed: &Verified<Vec<u8>>, unsigned: Vec<u8>) {
    ///     let _ = signed.decrypt(&[], |_, _| Ok::<Vec<u8>, ()>(unsigned.clone()));
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `decrypt`.
    pub(crate) fn decrypt<U, E>(
        &self,
        keys: &[ContentKey],
        decrypt: fn(&T, &[ContentKey]) -> Result<U, E>,
    ) -> Result<Verified<U>, E> {
        decrypt(&self.0, keys).map(Verified)
    }
}

/// The octets that were digested: canonical XML of the signed element without its signature, or what a signature over
/// plain octets covers.
///
/// Parse these, by the same checks as the message itself, and read from that document alone (attack R7: see only what
/// is signed).
#[derive(PartialEq, Eq)]
pub struct Octets {
    octets: Vec<u8>,
    key: usize,
}

impl Octets {
    /// Takes what was digested, and which of the policy's keys verified.
    pub(super) fn new(octets: Vec<u8>, key: usize) -> Self {
        Self { octets, key }
    }

    /// The place, among the policy's keys, of the first with which the signature holds. For people; it decides nothing.
    #[must_use]
    pub fn key(&self) -> usize {
        self.key
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }
}

/// Shows the length alone: an assertion does not belong into a log.
impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({} bytes)", self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_keeps_the_proof() {
        let octets = Verified::vouch(Octets::new(b"<a/>".to_vec(), 0));
        let length = octets.read(|octets| Ok::<_, ()>(octets.as_bytes().len()));
        assert_eq!(length, Ok(Verified(4)));
        assert!(octets.read(|_| Err::<(), _>("unreadable")).is_err());
        assert_eq!(format!("{octets:?}"), "Verified(Octets(4 bytes))");
    }
}
