//! RSA private keys outside of a Worker, for the command-line tool.
//!
//! Only there: someone decrypts a file of their own, and nobody can time it from afar (attack A94).

use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use getrandom::SysRng;
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::{Error, RsaOaep, UnwrapFailed, UnwrapKey};
use crate::dsig::DigestAlgorithm;

/// An RSA private key of 1024 to 8192 bits.
pub struct PrivateKey(Box<rsa::PrivateKey>);

impl PrivateKey {
    /// Reads PKCS #8 or PKCS #1, in PEM or DER.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read(octets: &[u8]) -> Result<Self, Error> {
        let from_pem = |text: &str| {
            let text = text.trim();
            rsa::PrivateKey::from_pkcs8_pem(text)
                .ok()
                .or_else(|| rsa::PrivateKey::from_pkcs1_pem(text).ok())
        };
        let pem = core::str::from_utf8(octets).ok().and_then(from_pem);
        pem.or_else(|| rsa::PrivateKey::from_pkcs8_der(octets).ok())
            .or_else(|| rsa::PrivateKey::from_pkcs1_der(octets).ok())
            .map(|key| Self(Box::new(key)))
            .ok_or(Error::Malformed {
                expected: "an RSA private key in PKCS #8 or PKCS #1",
            })
    }

    /// Undoes RSA-OAEP, blinded.
    ///
    /// # Errors
    /// [`UnwrapFailed`], whatever the reason.
    pub fn unwrap(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        match transport.digest {
            DigestAlgorithm::Sha1 => self.unwrap_masked::<Sha1>(transport, wrapped),
            DigestAlgorithm::Sha256 => self.unwrap_masked::<Sha256>(transport, wrapped),
            DigestAlgorithm::Sha384 => self.unwrap_masked::<Sha384>(transport, wrapped),
            DigestAlgorithm::Sha512 => self.unwrap_masked::<Sha512>(transport, wrapped),
        }
    }

    fn unwrap_masked<D: Hash>(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        let label = transport.label.as_slice();
        match transport.mask_digest {
            DigestAlgorithm::Sha1 => self.decrypt::<D, Sha1>(label, wrapped),
            DigestAlgorithm::Sha256 => self.decrypt::<D, Sha256>(label, wrapped),
            DigestAlgorithm::Sha384 => self.decrypt::<D, Sha384>(label, wrapped),
            DigestAlgorithm::Sha512 => self.decrypt::<D, Sha512>(label, wrapped),
        }
    }

    fn decrypt<D: Hash, M: Hash>(&self, label: &[u8], wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        self.check_first_octet(wrapped)?;
        let padding = Oaep {
            digest: D::new(),
            mgf_digest: M::new(),
            label: (!label.is_empty()).then(|| label.into()),
        };
        self.0.decrypt(padding, wrapped).map_err(|_| UnwrapFailed)
    }

    /// The encoded message must start with a zero octet (RFC 8017, section 7.1.2, step 3g).
    ///
    /// The crate does not look, so that nobody who can watch learns of it (Manger's attack). Here nobody can, WebCrypto
    /// looks too, and both must say the same of one message.
    fn check_first_octet(&self, wrapped: &[u8]) -> Result<(), UnwrapFailed> {
        let ciphertext = BoxedUint::from_be_slice(wrapped, self.0.n_bits_precision()).map_err(|_| UnwrapFailed)?;
        let encoded =
            rsa_decrypt_and_check(self.0.as_ref(), Some(&mut SysRng), &ciphertext).map_err(|_| UnwrapFailed)?;
        let is_short = usize::try_from(encoded.bit_width().div_ceil(8)).is_ok_and(|octets| octets < self.0.size());
        if is_short { Ok(()) } else { Err(UnwrapFailed) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl UnwrapKey for PrivateKey {
    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        self.unwrap(transport, wrapped)
    }
}

trait Hash: sha2::Digest + sha2::digest::FixedOutputReset {}
impl<D: sha2::Digest + sha2::digest::FixedOutputReset> Hash for D {}

/// What `future` gives when it never has to wait, as with a [`PrivateKey`]; nothing when it would.
pub fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_waits_is_not_waited_for() {
        assert_eq!(ready(async { 1 }), Some(1));
        assert_eq!(ready(core::future::pending::<()>()), None);
    }

    #[test]
    fn what_is_no_key() {
        for octets in [
            &b""[..],
            b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
            &[0x30, 0x00],
            &[0xFF],
        ] {
            assert!(PrivateKey::read(octets).is_err());
        }
    }

    #[test]
    fn the_first_octet_is_zero() {
        let key = PrivateKey::read(include_bytes!("../../tests/vectors/keys/sp.key.pem")).unwrap();
        let transport = RsaOaep {
            digest: DigestAlgorithm::Sha1,
            mask_digest: DigestAlgorithm::Sha1,
            label: Vec::new(),
        };
        let public = key.0.to_public_key();
        let wrapped = public.oaep_encrypt::<Sha1>(b"key").unwrap();
        assert_eq!(key.unwrap(&transport, &wrapped), Ok(b"key".to_vec()));
        // The same encoded message with a 1 in front, which only a private key can find out about.
        let precision = key.0.n_bits_precision();
        let number = |octets: &[u8]| BoxedUint::from_be_slice(octets, precision).unwrap();
        let encoded = rsa_decrypt_and_check(key.0.as_ref(), Some(&mut SysRng), &number(&wrapped)).unwrap();
        let mut octets = encoded.to_be_bytes().to_vec();
        assert_eq!(octets[0], 0);
        octets[0] = 1;
        let edited = rsa::hazmat::rsa_encrypt(&public, &number(&octets)).unwrap();
        assert_eq!(key.unwrap(&transport, &edited.to_be_bytes()), Err(UnwrapFailed));
    }
}
