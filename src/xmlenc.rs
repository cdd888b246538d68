//! XML Encryption, as SAML uses it (XML Encryption 1.1, SAML Core 6).
//!
//! What is encrypted comes as an [`Encrypted`]: ciphertext, and the content key for it, wrapped for us. Whoever holds the
//! private key unwraps ([`UnwrapKey`]: WebCrypto at the edge, the `rsa` crate in the command-line tool), then
//! [`Encrypted::decrypt`] opens the content. What comes out is a new document: parse it by the same checks as any other.
//!
//! Decryption proves nothing, for anyone can encrypt to a public key (attack A88). Only a signature does, around the
//! ciphertext or inside of the plaintext.
//!
//! Content is AES-GCM, or AES-CBC where the caller knows that the ciphertext was signed ([`Cbc`]). Keys are wrapped by
//! RSA-OAEP. There is no RSA 1.5, no Triple DES, and no error that tells one failed decryption from another.

mod algorithm;
mod decrypt;
#[cfg(not(target_arch = "wasm32"))]
mod document;
mod encrypted;
mod error;
mod key;
#[cfg(not(target_arch = "wasm32"))]
mod native;

pub use algorithm::{ContentAlgorithm, KeySize, RsaOaep};
pub use decrypt::Plaintext;
#[cfg(not(target_arch = "wasm32"))]
pub use document::{DecryptionKey, decrypt_document};
pub use encrypted::{Encrypted, WrappedKey};
pub use error::Error;
pub use key::{Cbc, ContentKey, UnwrapFailed, UnwrapKey, Unwrapper};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{PrivateKey, ready};
