//! The service provider's private keys in the hands of WebCrypto: made, imported and used there, never computed with here.

use std::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use crate::app::ports::{KeyPair, PrivateKey, Unavailable};
use crate::dsig::DigestAlgorithm;
use crate::saml::service_keys::KeyId;
use crate::xmlenc::{RsaOaep, UnwrapFailed, UnwrapKey};

const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";
const HASH: &str = "SHA-256";
const DECRYPTION_ALGORITHM: &str = "RSA-OAEP";
const MODULUS_BITS: u32 = 2048;
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];
/// Around a rotation there are two; when there are more, all but the latest are old.
const MAX_KEPT: usize = 4;
/// Every connection that decrypts has one or two. An isolate that serves more of them than this asks the registry again.
const MAX_KEPT_FOR_DECRYPTION: usize = 256;

thread_local! {
    /// The imported keys of this deployment. They belong to no request and hold no request's data.
    static KEPT: RefCell<Vec<(KeyId, CryptoKey)>> = const { RefCell::new(Vec::new()) };
    static KEPT_FOR_DECRYPTION: RefCell<Vec<(KeyId, DecryptionKey)>> = const { RefCell::new(Vec::new()) };
}

/// A private key of a connection, to unwrap with RSA-OAEP.
///
/// WebCrypto fixes the hash of a key when it is imported, and takes that one for the label and for the mask, so there are two.
#[derive(Clone)]
pub(super) struct DecryptionKey {
    sha1: CryptoKey,
    sha256: CryptoKey,
}

/// Makes a key pair.
pub(super) async fn generate() -> Result<KeyPair, Unavailable> {
    let generate = async {
        let algorithm = object(&[
            ("name", ALGORITHM.into()),
            ("hash", HASH.into()),
            ("modulusLength", MODULUS_BITS.into()),
            ("publicExponent", Uint8Array::from(&PUBLIC_EXPONENT[..]).into()),
        ])?;
        let subtle = subtle()?;
        let usages = Array::of2(&"sign".into(), &"verify".into());
        let pair = JsFuture::from(subtle.generate_key_with_object(&algorithm, true, &usages)?).await?;
        let key = |name: &str| Reflect::get(&pair, &name.into())?.dyn_into::<CryptoKey>();
        let pkcs8 = JsFuture::from(subtle.export_key("pkcs8", &key("privateKey")?)?).await?;
        let spki = JsFuture::from(subtle.export_key("spki", &key("publicKey")?)?).await?;
        Ok(KeyPair {
            private_key: PrivateKey::new(STANDARD.encode(octets(pkcs8)?)),
            spki: octets(spki)?,
        })
    };
    generate.await.map_err(|_: JsValue| unavailable("make"))
}

/// Imports a private key for signing and keeps it.
pub(super) async fn keep(id: &KeyId, key: &PrivateKey) -> Result<(), Unavailable> {
    let key = import(key, ALGORITHM, HASH, "sign").await?;
    KEPT.with_borrow_mut(|kept| put(kept, MAX_KEPT, id, key));
    Ok(())
}

/// Signs with a key that is kept.
pub(super) async fn sign(id: &KeyId, message: &[u8]) -> Result<Option<Vec<u8>>, Unavailable> {
    let Some(key) = KEPT.with_borrow(|kept| find(kept, id)) else {
        return Ok(None);
    };
    sign_with(&key, message).await.map(Some)
}

/// Signs with a key that is not kept.
pub(super) async fn sign_once(key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
    sign_with(&import(key, ALGORITHM, HASH, "sign").await?, message).await
}

async fn sign_with(key: &CryptoKey, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
    let sign = async {
        let message: Object = Uint8Array::from(message).into();
        let signature = subtle()?.sign_with_str_and_buffer_source(ALGORITHM, key, &message)?;
        octets(JsFuture::from(signature).await?)
    };
    sign.await.map_err(|_: JsValue| unavailable("sign with"))
}

/// The key for decryption that is kept by this name.
pub(super) fn kept_for_decryption(id: &KeyId) -> Option<DecryptionKey> {
    KEPT_FOR_DECRYPTION.with_borrow(|kept| find(kept, id))
}

/// Imports a private key for decryption and keeps it.
pub(super) async fn keep_for_decryption(id: &KeyId, key: &PrivateKey) -> Result<DecryptionKey, Unavailable> {
    let key = DecryptionKey {
        sha1: import(key, DECRYPTION_ALGORITHM, "SHA-1", "decrypt").await?,
        sha256: import(key, DECRYPTION_ALGORITHM, "SHA-256", "decrypt").await?,
    };
    KEPT_FOR_DECRYPTION.with_borrow_mut(|kept| put(kept, MAX_KEPT_FOR_DECRYPTION, id, key.clone()));
    Ok(key)
}

impl DecryptionKey {
    /// The key for these parameters, if WebCrypto can undo them.
    fn of(&self, transport: &RsaOaep) -> Option<&CryptoKey> {
        match (transport.digest, transport.mask_digest) {
            (DigestAlgorithm::Sha1, DigestAlgorithm::Sha1) => Some(&self.sha1),
            (DigestAlgorithm::Sha256, DigestAlgorithm::Sha256) => Some(&self.sha256),
            _ => None,
        }
    }
}

impl UnwrapKey for DecryptionKey {
    fn supports(&self, transport: &RsaOaep) -> bool {
        self.of(transport).is_some()
    }

    /// The octets come out of WebCrypto, as those of `decrypt` and not as a key: the content is decrypted here.
    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        let key = self.of(transport).ok_or(UnwrapFailed)?;
        let decrypt = async {
            let label = Uint8Array::from(&transport.label[..]);
            let algorithm = object(&[("name", DECRYPTION_ALGORITHM.into()), ("label", label.into())])?;
            let wrapped: Object = Uint8Array::from(wrapped).into();
            let decrypted = subtle()?.decrypt_with_object_and_buffer_source(&algorithm, key, &wrapped)?;
            octets(JsFuture::from(decrypted).await?)
        };
        decrypt.await.map_err(|_: JsValue| UnwrapFailed)
    }
}

/// Imports a private key for one use, never to be exported again.
async fn import(key: &PrivateKey, algorithm: &str, hash: &str, usage: &str) -> Result<CryptoKey, Unavailable> {
    let pkcs8 = Zeroizing::new(STANDARD.decode(key.reveal()).map_err(|_| unavailable("read"))?);
    let import = async {
        let algorithm = object(&[("name", algorithm.into()), ("hash", hash.into())])?;
        let pkcs8: Object = Uint8Array::from(&pkcs8[..]).into();
        let usages = Array::of1(&usage.into());
        let imported = subtle()?.import_key_with_object("pkcs8", &pkcs8, &algorithm, false, &usages)?;
        JsFuture::from(imported).await?.dyn_into::<CryptoKey>()
    };
    import.await.map_err(|_: JsValue| unavailable("import"))
}

fn find<K: Clone>(kept: &[(KeyId, K)], id: &KeyId) -> Option<K> {
    let found = kept.iter().find(|(known, _)| known == id);
    found.map(|(_, key)| key.clone())
}

/// Keeps `key` in place of the oldest, where there are too many.
fn put<K>(kept: &mut Vec<(KeyId, K)>, max: usize, id: &KeyId, key: K) {
    kept.retain(|(known, _)| known != id);
    let superfluous = kept.len().saturating_add(1).saturating_sub(max);
    kept.drain(..superfluous);
    kept.push((id.clone(), key));
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    Ok(crypto.unchecked_into::<Crypto>().subtle())
}

fn object(entries: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in entries {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

fn octets(buffer: JsValue) -> Result<Vec<u8>, JsValue> {
    Ok(Uint8Array::new(&buffer.dyn_into::<ArrayBuffer>()?.into()).to_vec())
}

/// Says what failed and nothing of the key: an exception may quote what it was given.
fn unavailable(verb: &str) -> Unavailable {
    Unavailable(format!("WebCrypto did not {verb} a key"))
}
