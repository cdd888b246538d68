//! Encrypts for the service provider of the tests, soundly or with something wrong.

use aes::cipher::consts::{U12, U16};
use aes::cipher::{BlockCipherEncrypt, BlockModeEncrypt, BlockSizeUser, KeyInit, KeyIvInit, array::Array};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AeadInOut, AesGcm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::{Decode, Encode};
use edge_saml::dsig::Certificate;
use edge_saml::xmlenc::PrivateKey;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use sha1::Sha1;

const KEY: &str = include_str!("../../vectors/keys/sp.key.pem");

/// The service provider's private key.
pub(crate) fn private_key() -> PrivateKey {
    PrivateKey::read(KEY.as_bytes()).unwrap()
}

/// Where the `EncryptedKey` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    Beside,
    Inside,
    Retrieved,
}

/// What is made of a plaintext; each field can be set to something evil.
#[derive(Clone)]
pub(crate) struct Encryption {
    /// What the message calls the content's algorithm, without `http://www.w3.org/`.
    pub(crate) algorithm: &'static str,
    /// What is really used: as above, or something else.
    pub(crate) really: &'static str,
    /// The content key that is wrapped.
    pub(crate) key: Vec<u8>,
    pub(crate) place: KeyPlace,
    /// The attributes of `EncryptedData`.
    pub(crate) attributes: String,
    /// Distinguishes the identifiers of several in one document.
    pub(crate) suffix: String,
    /// To whom the content key is wrapped.
    pub(crate) recipient: rsa::PublicKey,
}

pub(crate) const GCM_256: &str = "2009/xmlenc11#aes256-gcm";
pub(crate) const CBC_256: &str = "2001/04/xmlenc#aes256-cbc";

impl Encryption {
    /// Sound, with this algorithm.
    pub(crate) fn new(algorithm: &'static str) -> Self {
        let octets = match () {
            () if algorithm.contains("128") => 16,
            () if algorithm.contains("192") => 24,
            () => 32,
        };
        Self {
            algorithm,
            really: algorithm,
            key: (1..=octets).collect(),
            place: KeyPlace::Inside,
            attributes: r#"Type="http://www.w3.org/2001/04/xmlenc#Element""#.to_owned(),
            suffix: String::new(),
            recipient: rsa::PrivateKey::from_pkcs8_pem(KEY).unwrap().to_public_key(),
        }
    }

    /// Sound, with this algorithm, to the key in a certificate.
    pub(crate) fn to(certificate: &Certificate, algorithm: &'static str) -> Self {
        let certificate = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        let spki = certificate
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .unwrap();
        Self {
            recipient: rsa::PublicKey::from_public_key_der(&spki).unwrap(),
            ..Self::new(algorithm)
        }
    }

    /// `<saml2:holder>` with `plaintext` in it, encrypted.
    pub(crate) fn element(&self, holder: &str, plaintext: &str) -> String {
        self.element_of(holder, &self.ciphertext(plaintext.as_bytes()))
    }

    /// `<saml2:holder>` with this ciphertext.
    pub(crate) fn element_of(&self, holder: &str, ciphertext: &[u8]) -> String {
        let suffix = &self.suffix;
        let key = self.encrypted_key();
        let (inside, beside) = match self.place {
            KeyPlace::Inside => (key, String::new()),
            KeyPlace::Beside => (String::new(), key),
            KeyPlace::Retrieved => (
                format!(
                    "<ds:RetrievalMethod Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\" URI=\"#_key{suffix}\"/>"
                ),
                key,
            ),
        };
        format!(
            "<saml2:{holder} xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData \
             xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"_data{suffix}\" {}><xenc:EncryptionMethod \
             Algorithm=\"http://www.w3.org/{}\"/><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{inside}</ds:KeyInfo>\
             <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>{beside}</saml2:{holder}>",
            self.attributes,
            self.algorithm,
            STANDARD.encode(ciphertext)
        )
    }

    /// The `EncryptedKey`.
    pub(crate) fn encrypted_key(&self) -> String {
        let wrapped = self.recipient.oaep_encrypt::<Sha1>(&self.key).unwrap();
        format!(
            "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"_key{}\"><xenc:EncryptionMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue>\
             </xenc:CipherData></xenc:EncryptedKey>",
            self.suffix,
            STANDARD.encode(wrapped)
        )
    }

    /// IV, ciphertext and tag, or IV and padded ciphertext.
    pub(crate) fn ciphertext(&self, plaintext: &[u8]) -> Vec<u8> {
        match self.really {
            "2009/xmlenc11#aes128-gcm" => gcm::<Aes128>(&self.key, plaintext),
            "2009/xmlenc11#aes192-gcm" => gcm::<Aes192>(&self.key, plaintext),
            "2009/xmlenc11#aes256-gcm" => gcm::<Aes256>(&self.key, plaintext),
            "2001/04/xmlenc#aes128-cbc" => cbc::<Aes128>(&self.key, &padded(plaintext)),
            "2001/04/xmlenc#aes192-cbc" => cbc::<Aes192>(&self.key, &padded(plaintext)),
            "2001/04/xmlenc#aes256-cbc" => cbc::<Aes256>(&self.key, &padded(plaintext)),
            other => panic!("{other}"),
        }
    }
}

/// `plaintext` with padding of XML Encryption, whose octets but the last are arbitrary.
pub(crate) fn padded(plaintext: &[u8]) -> Vec<u8> {
    let count = 16 - plaintext.len() % 16;
    let mut octets = plaintext.to_vec();
    octets.resize(plaintext.len() + count, 0xA5);
    *octets.last_mut().unwrap() = u8::try_from(count).unwrap();
    octets
}

/// AES-256-CBC of whole blocks as they stand.
pub(crate) fn cbc_256(key: &[u8], blocks: &[u8]) -> Vec<u8> {
    cbc::<Aes256>(key, blocks)
}

fn gcm<Aes>(key: &[u8], plaintext: &[u8]) -> Vec<u8>
where
    Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let iv = [7; 12];
    let mut octets = plaintext.to_vec();
    let cipher = AesGcm::<Aes, U12, U16>::new_from_slice(key).unwrap();
    let tag = cipher
        .encrypt_inout_detached(&Array(iv), b"", octets.as_mut_slice().into())
        .unwrap();
    [&iv[..], &octets, &tag].concat()
}

fn cbc<Aes>(key: &[u8], blocks: &[u8]) -> Vec<u8>
where
    Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let iv = [7; 16];
    let mut octets = blocks.to_vec();
    let (blocks, rest) = Array::<u8, U16>::slice_as_chunks_mut(&mut octets);
    assert!(rest.is_empty());
    ::cbc::Encryptor::<Aes>::new_from_slices(key, &iv)
        .unwrap()
        .encrypt_blocks(blocks);
    [&iv[..], &octets].concat()
}
