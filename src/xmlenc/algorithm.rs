//! The allow-lists: an algorithm without a variant here cannot be accepted.
//!
//! Never here: RSA 1.5 (attack A93), Triple DES, and anything whose parameters would fall back to a default when they
//! are not known (attack A95).

use core::fmt;

use super::Error;
use super::encrypted::{malformed, only};
use crate::dsig::{DigestAlgorithm, Sha1, base64, shown};
use crate::xml::Element;
use crate::xml::names::{self, DS, XENC, XENC11};

/// How content is encrypted (XML Encryption 1.1, sections 5.2.2 and 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentAlgorithm {
    /// AES in CBC mode, which does not notice changes.
    AesCbc(KeySize),
    /// AES in Galois/Counter Mode with an IV of 12 octets and a tag of 16.
    AesGcm(KeySize),
}

/// How long an AES key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySize {
    /// 16 octets.
    Bits128,
    /// 24 octets.
    Bits192,
    /// 32 octets.
    Bits256,
}

impl KeySize {
    /// The length in octets.
    #[must_use]
    pub fn octets(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits192 => 24,
            Self::Bits256 => 32,
        }
    }

    fn bits(self) -> &'static str {
        match self {
            Self::Bits128 => "128",
            Self::Bits192 => "192",
            Self::Bits256 => "256",
        }
    }
}

impl ContentAlgorithm {
    /// Reads the `Algorithm` of an `EncryptionMethod` in an `EncryptedData`.
    ///
    /// # Errors
    /// [`Error::AlgorithmRefused`] for what is not listed.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        match uri {
            names::AES128_CBC => Ok(Self::AesCbc(KeySize::Bits128)),
            names::AES192_CBC => Ok(Self::AesCbc(KeySize::Bits192)),
            names::AES256_CBC => Ok(Self::AesCbc(KeySize::Bits256)),
            names::AES128_GCM => Ok(Self::AesGcm(KeySize::Bits128)),
            names::AES192_GCM => Ok(Self::AesGcm(KeySize::Bits192)),
            names::AES256_GCM => Ok(Self::AesGcm(KeySize::Bits256)),
            _ => Err(refused(uri)),
        }
    }

    /// Reads an `EncryptionMethod`. A `KeySize` in it must be the algorithm's.
    pub(super) fn read(method: Element<'_>) -> Result<Self, Error> {
        let algorithm = Self::from_uri(uri(method)?)?;
        only(method, &[(XENC, "KeySize")], "EncryptionMethod/*")?;
        match method.child(XENC, "KeySize")?.map(Element::text).transpose()? {
            Some(text) if text.trim_ascii() != algorithm.key_size().bits() => {
                Err(malformed("KeySize as the algorithm has it"))
            }
            _ => Ok(algorithm),
        }
    }

    /// Whether it notices changes of the ciphertext.
    #[must_use]
    pub fn is_authenticated(self) -> bool {
        match self {
            Self::AesCbc(_) => false,
            Self::AesGcm(_) => true,
        }
    }

    /// How long its key is.
    #[must_use]
    pub fn key_size(self) -> KeySize {
        match self {
            Self::AesCbc(size) | Self::AesGcm(size) => size,
        }
    }

    /// Its identifier.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::AesCbc(KeySize::Bits128) => names::AES128_CBC,
            Self::AesCbc(KeySize::Bits192) => names::AES192_CBC,
            Self::AesCbc(KeySize::Bits256) => names::AES256_CBC,
            Self::AesGcm(KeySize::Bits128) => names::AES128_GCM,
            Self::AesGcm(KeySize::Bits192) => names::AES192_GCM,
            Self::AesGcm(KeySize::Bits256) => names::AES256_GCM,
        }
    }
}

/// How a content key is wrapped: RSAES-OAEP (XML Encryption 1.1, section 5.5.2; RFC 8017, section 7.1).
///
/// SHA-1 is sound here: OAEP does not need collisions to be hard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaOaep {
    /// The hash of the label.
    pub digest: DigestAlgorithm,
    /// The hash in the mask generation function, MGF1.
    pub mask_digest: DigestAlgorithm,
    /// The label, mostly empty.
    pub label: Vec<u8>,
}

impl RsaOaep {
    /// Reads the `EncryptionMethod` of an `EncryptedKey`.
    ///
    /// The older identifier always masks with SHA-1; an `MGF` that says otherwise is refused, as some implementations
    /// follow it and some do not.
    pub(super) fn read(method: Element<'_>) -> Result<Self, Error> {
        let algorithm = uri(method)?;
        if !matches!(algorithm, names::RSA_OAEP_MGF1P | names::RSA_OAEP) {
            return Err(refused(algorithm));
        }
        let children = [(DS, "DigestMethod"), (XENC11, "MGF"), (XENC, "OAEPparams")];
        only(method, &children, "EncryptionMethod/*")?;
        let digest = match method.child(DS, "DigestMethod")? {
            None => DigestAlgorithm::Sha1,
            Some(element) => digest(uri(element)?)?,
        };
        let mask_digest = match method.child(XENC11, "MGF")? {
            None => DigestAlgorithm::Sha1,
            Some(element) => mask_digest(uri(element)?)?,
        };
        if algorithm == names::RSA_OAEP_MGF1P && mask_digest != DigestAlgorithm::Sha1 {
            return Err(refused(method.child(XENC11, "MGF")?.map_or(Ok(""), uri)?));
        }
        let label = match method.child(XENC, "OAEPparams")? {
            None => Vec::new(),
            Some(element) => base64::decode(element.text()?).map_err(|_| malformed("base64 in OAEPparams"))?,
        };
        Ok(Self {
            digest,
            mask_digest,
            label,
        })
    }
}

impl fmt::Display for RsaOaep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RSA-OAEP with {} and MGF1 with {}",
            name(self.digest),
            name(self.mask_digest)
        )
    }
}

fn name(digest: DigestAlgorithm) -> &'static str {
    match digest {
        DigestAlgorithm::Sha1 => "SHA-1",
        DigestAlgorithm::Sha256 => "SHA-256",
        DigestAlgorithm::Sha384 => "SHA-384",
        DigestAlgorithm::Sha512 => "SHA-512",
    }
}

/// SHA-384 has two names: that of XML Signature, and that of XML Encryption 1.1 (section 5.8.3).
fn digest(uri: &str) -> Result<DigestAlgorithm, Error> {
    match uri {
        names::XENC_SHA384 => Ok(DigestAlgorithm::Sha384),
        _ => DigestAlgorithm::from_uri(uri, Sha1::Allowed).map_err(|_| refused(uri)),
    }
}

fn mask_digest(uri: &str) -> Result<DigestAlgorithm, Error> {
    match uri {
        names::MGF1_SHA1 => Ok(DigestAlgorithm::Sha1),
        names::MGF1_SHA256 => Ok(DigestAlgorithm::Sha256),
        names::MGF1_SHA384 => Ok(DigestAlgorithm::Sha384),
        names::MGF1_SHA512 => Ok(DigestAlgorithm::Sha512),
        _ => Err(refused(uri)),
    }
}

/// The `Algorithm` of `element`.
pub(super) fn uri(element: Element<'_>) -> Result<&str, Error> {
    element.attribute("Algorithm").ok_or(malformed("Algorithm"))
}

pub(super) fn refused(uri: &str) -> Error {
    Error::AlgorithmRefused { found: shown(uri) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Document, Profile, Source};

    fn oaep(algorithm: &str, children: &str) -> Result<RsaOaep, Error> {
        let text = format!(
            "<EncryptionMethod xmlns='{XENC}' xmlns:ds='{DS}' xmlns:xenc11='{XENC11}' Algorithm='{algorithm}'>{children}\
             </EncryptionMethod>"
        );
        let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
        RsaOaep::read(Document::parse(&source).unwrap().root())
    }

    fn plain(digest: DigestAlgorithm, mask_digest: DigestAlgorithm) -> RsaOaep {
        RsaOaep {
            digest,
            mask_digest,
            label: Vec::new(),
        }
    }

    const DIGEST_256: &str = "<ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/>";
    const MASK_256: &str = "<xenc11:MGF Algorithm='http://www.w3.org/2009/xmlenc11#mgf1sha256'/>";
    const MASK_1: &str = "<xenc11:MGF Algorithm='http://www.w3.org/2009/xmlenc11#mgf1sha1'/>";

    #[test]
    fn the_older_oaep_masks_with_sha1() {
        use DigestAlgorithm::{Sha1, Sha256};
        let older = names::RSA_OAEP_MGF1P;
        assert_eq!(oaep(older, ""), Ok(plain(Sha1, Sha1)));
        assert_eq!(oaep(older, DIGEST_256), Ok(plain(Sha256, Sha1)));
        assert_eq!(oaep(older, MASK_1), Ok(plain(Sha1, Sha1)));
        assert_eq!(oaep(older, MASK_256), Err(refused(names::MGF1_SHA256)));
    }

    #[test]
    fn the_newer_oaep_masks_as_it_says() {
        use DigestAlgorithm::{Sha1, Sha256, Sha384};
        let newer = names::RSA_OAEP;
        assert_eq!(oaep(newer, ""), Ok(plain(Sha1, Sha1)));
        assert_eq!(oaep(newer, MASK_256), Ok(plain(Sha1, Sha256)));
        assert_eq!(
            oaep(newer, &format!("{DIGEST_256}{MASK_256}")),
            Ok(plain(Sha256, Sha256))
        );
        for uri in [names::SHA384, names::XENC_SHA384] {
            let digest = format!("<ds:DigestMethod Algorithm='{uri}'/>");
            assert_eq!(oaep(newer, &digest), Ok(plain(Sha384, Sha1)));
        }
        let label = oaep(newer, "<OAEPparams> bGFiZWw= </OAEPparams>").unwrap().label;
        assert_eq!(label, b"label");
    }

    #[test]
    fn a95_nothing_unknown_falls_back_to_a_default() {
        for algorithm in [
            "",
            "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
            "http://www.w3.org/2001/04/xmlenc#kw-aes128",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep",
            "http://www.w3.org/2009/xmlenc11#rsa-oaep-mgf1p",
            " http://www.w3.org/2009/xmlenc11#rsa-oaep",
        ] {
            assert_eq!(oaep(algorithm, ""), Err(refused(algorithm)));
        }
        for uri in [
            "",
            "http://www.w3.org/2001/04/xmldsig-more#md5",
            "http://www.w3.org/2001/04/xmlenc#ripemd160",
            "http://www.w3.org/2001/04/xmldsig-more#sha224",
        ] {
            let digest = format!("<ds:DigestMethod Algorithm='{uri}'/>");
            assert_eq!(oaep(names::RSA_OAEP, &digest), Err(refused(uri)));
        }
        for uri in [
            "",
            names::MGF1,
            "http://www.w3.org/2009/xmlenc11#mgf1sha224",
            names::SHA256,
        ] {
            let mask = format!("<xenc11:MGF Algorithm='{uri}'/>");
            assert_eq!(oaep(names::RSA_OAEP, &mask), Err(refused(uri)));
        }
        let missing = Err(malformed("Algorithm"));
        assert_eq!(oaep(names::RSA_OAEP, "<ds:DigestMethod/>"), missing);
        assert_eq!(oaep(names::RSA_OAEP, "<xenc11:MGF/>"), missing);
        let unknown = Err(malformed("EncryptionMethod/*"));
        assert_eq!(oaep(names::RSA_OAEP, "<MGF Algorithm='x'/>"), unknown);
        assert_eq!(oaep(names::RSA_OAEP, "<DigestMethod Algorithm='x'/>"), unknown);
        assert_eq!(
            oaep(names::RSA_OAEP, &MASK_1.repeat(2)),
            Err(crate::xml::Error::ChildRepeated.into())
        );
        assert_eq!(
            oaep(names::RSA_OAEP, "<OAEPparams>!</OAEPparams>"),
            Err(malformed("base64 in OAEPparams"))
        );
    }

    #[test]
    fn content_algorithms_are_listed() {
        for mode in ["2001/04/xmlenc#aes{}-cbc", "2009/xmlenc11#aes{}-gcm"] {
            for (bits, octets) in [("128", 16), ("192", 24), ("256", 32)] {
                let uri = format!("http://www.w3.org/{}", mode.replace("{}", bits));
                let algorithm = ContentAlgorithm::from_uri(&uri).unwrap();
                assert_eq!((algorithm.uri(), algorithm.key_size().octets()), (uri.as_str(), octets));
                assert_eq!(algorithm.key_size().bits(), bits);
            }
        }
        for uri in [
            "",
            "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            "http://www.w3.org/2001/04/xmlenc#aes128-gcm",
            "http://www.w3.org/2009/xmlenc11#aes128-cbc",
            "http://www.w3.org/2009/xmlenc11#aes128-gcm ",
        ] {
            assert_eq!(ContentAlgorithm::from_uri(uri), Err(refused(uri)));
        }
    }
}
