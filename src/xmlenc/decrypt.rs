//! From ciphertext and content key to plaintext.

use core::fmt;

use aes::cipher::array::Array;
use aes::cipher::consts::{U12, U16};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AeadInOut, AesGcm};

use super::{ContentAlgorithm, ContentKey, Encrypted, Error, KeySize};

/// What was encrypted. It is nobody's word yet: see [`crate::xmlenc`].
#[derive(Clone, PartialEq, Eq)]
pub struct Plaintext(Vec<u8>);

impl Plaintext {
    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Shows the length alone.
impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes)", self.0.len())
    }
}

impl Encrypted {
    /// Decrypts the content.
    ///
    /// # Errors
    /// [`Error::DecryptionFailed`] and no other, for a ciphertext that is too short as for a tag that does not hold.
    pub fn decrypt(&self, key: &ContentKey) -> Result<Plaintext, Error> {
        let key = key.octets_for(self).ok_or(Error::DecryptionFailed)?;
        let decrypt = match self.algorithm {
            ContentAlgorithm::AesCbc(KeySize::Bits128) => decrypt_cbc::<Aes128>,
            ContentAlgorithm::AesCbc(KeySize::Bits192) => decrypt_cbc::<Aes192>,
            ContentAlgorithm::AesCbc(KeySize::Bits256) => decrypt_cbc::<Aes256>,
            ContentAlgorithm::AesGcm(KeySize::Bits128) => decrypt_gcm::<Aes128>,
            ContentAlgorithm::AesGcm(KeySize::Bits192) => decrypt_gcm::<Aes192>,
            ContentAlgorithm::AesGcm(KeySize::Bits256) => decrypt_gcm::<Aes256>,
        };
        decrypt(key, &self.ciphertext)
            .map(Plaintext)
            .ok_or(Error::DecryptionFailed)
    }
}

/// 12 octets of IV, the ciphertext, 16 octets of tag (XML Encryption 1.1, section 5.2.4). No shorter tag (attack A92).
fn decrypt_gcm<Aes>(key: &[u8], octets: &[u8]) -> Option<Vec<u8>>
where
    Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let (iv, rest) = octets.split_first_chunk::<12>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<16>()?;
    let cipher = AesGcm::<Aes, U12, U16>::new_from_slice(key).ok()?;
    let mut octets = ciphertext.to_vec();
    cipher
        .decrypt_inout_detached(&Array(*iv), b"", octets.as_mut_slice().into(), &Array(*tag))
        .ok()?;
    Some(octets)
}

/// 16 octets of IV, then whole blocks, the last of which ends in its number of padding octets, 1 to 16; the others are
/// arbitrary (XML Encryption 1.1, sections 5.2.1 and 5.2.2).
fn decrypt_cbc<Aes>(key: &[u8], octets: &[u8]) -> Option<Vec<u8>>
where
    Aes: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let (iv, ciphertext) = octets.split_first_chunk::<16>()?;
    let mut cipher = cbc::Decryptor::<Aes>::new_from_slices(key, iv).ok()?;
    let mut octets = ciphertext.to_vec();
    let (blocks, rest) = Array::<u8, U16>::slice_as_chunks_mut(&mut octets);
    if !rest.is_empty() {
        return None;
    }
    cipher.decrypt_blocks(blocks);
    let padding = usize::from(*octets.last()?);
    if !(1..=16).contains(&padding) {
        return None;
    }
    octets.truncate(octets.len().checked_sub(padding)?);
    Some(octets)
}
