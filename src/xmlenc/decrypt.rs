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

#[cfg(test)]
mod tests {
    use aes::cipher::BlockModeEncrypt;

    use super::*;

    const KEY: [u8; 16] = [3; 16];

    /// An IV and these blocks, encrypted as they stand.
    fn encrypted(blocks: &[[u8; 16]]) -> Vec<u8> {
        let iv = [7; 16];
        let mut cipher = cbc::Encryptor::<Aes128>::new_from_slices(&KEY, &iv).unwrap();
        let mut blocks: Vec<_> = blocks.iter().map(|block| Array(*block)).collect();
        cipher.encrypt_blocks(&mut blocks);
        let octets = blocks.iter().flat_map(|block| block.iter().copied());
        iv.into_iter().chain(octets).collect()
    }

    #[test]
    fn cbc_padding_is_1_to_16_octets_of_anything() {
        let ending_in = |last: u8| {
            let mut block = [0xA5; 16];
            block[15] = last;
            decrypt_cbc::<Aes128>(&KEY, &encrypted(&[[1; 16], block]))
        };
        for padding in 1..=16 {
            let octets = ending_in(padding).unwrap();
            assert_eq!(octets.len(), 32 - usize::from(padding));
        }
        for padding in [0, 17, 32, 33, 255] {
            assert_eq!(ending_in(padding), None);
        }
    }

    #[test]
    fn cbc_has_whole_blocks_and_at_least_one() {
        let whole = encrypted(&[[1; 16], [1; 16]]);
        for length in 0..whole.len() {
            let octets = decrypt_cbc::<Aes128>(&KEY, &whole[..length]);
            assert_eq!(
                octets.map(|octets| octets.len()),
                (length == 32).then_some(15),
                "{length}"
            );
        }
        assert_eq!(decrypt_cbc::<Aes128>(&KEY, &whole).map(|octets| octets.len()), Some(31));
    }

    #[test]
    fn a_key_of_another_length() {
        for length in (0..64).filter(|length| *length != 16) {
            let key = vec![3; length];
            assert_eq!(decrypt_cbc::<Aes128>(&key, &encrypted(&[[1; 16]])), None);
            assert_eq!(decrypt_gcm::<Aes128>(&key, &[0; 28]), None);
        }
    }

    #[test]
    fn gcm_has_an_iv_and_a_whole_tag() {
        // NIST's first vector: nothing, with a key and an IV of zeros.
        let tag = *b"\x58\xe2\xfc\xce\xfa\x7e\x30\x61\x36\x7f\x1d\x57\xa4\xe7\x45\x5a";
        let octets = [&[0; 12][..], &tag].concat();
        assert_eq!(decrypt_gcm::<Aes128>(&[0; 16], &octets), Some(Vec::new()));
        for length in 0..octets.len() {
            assert_eq!(decrypt_gcm::<Aes128>(&[0; 16], &octets[..length]), None);
        }
    }
}
