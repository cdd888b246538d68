//! The service provider's private keys in the hands of WebCrypto: made, imported and used there, never computed with here.

use std::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, SubtleCrypto};

use crate::app::ports::{KeyPair, PrivateKey, Unavailable};
use crate::saml::service_keys::KeyId;

const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";
const HASH: &str = "SHA-256";
const MODULUS_BITS: u32 = 2048;
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];
/// Around a rotation there are three; when there are more, all but the latest are old.
const MAX_KEPT: usize = 4;

thread_local! {
    /// The imported keys of this deployment. They belong to no request and hold no request's data.
    static KEPT: RefCell<Vec<(KeyId, CryptoKey)>> = const { RefCell::new(Vec::new()) };
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

/// Imports a private key for signing, never to be exported again, and keeps it.
pub(super) async fn keep(id: &KeyId, key: &PrivateKey) -> Result<(), Unavailable> {
    let pkcs8 = STANDARD.decode(key.reveal()).map_err(|_| unavailable("read"))?;
    let import = async {
        let algorithm = object(&[("name", ALGORITHM.into()), ("hash", HASH.into())])?;
        let pkcs8: Object = Uint8Array::from(&pkcs8[..]).into();
        let usages = Array::of1(&"sign".into());
        let imported = subtle()?.import_key_with_object("pkcs8", &pkcs8, &algorithm, false, &usages)?;
        JsFuture::from(imported).await?.dyn_into::<CryptoKey>()
    };
    let key = import.await.map_err(|_: JsValue| unavailable("import"))?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.retain(|(known, _)| known != id);
        kept.push((id.clone(), key));
    });
    Ok(())
}

/// Signs with a key that is kept.
pub(super) async fn sign(id: &KeyId, message: &[u8]) -> Result<Option<Vec<u8>>, Unavailable> {
    let kept = KEPT.with_borrow(|kept| kept.iter().find(|(known, _)| known == id).map(|(_, key)| key.clone()));
    let Some(key) = kept else { return Ok(None) };
    let sign = async {
        let message: Object = Uint8Array::from(message).into();
        let signature = subtle()?.sign_with_str_and_buffer_source(ALGORITHM, &key, &message)?;
        octets(JsFuture::from(signature).await?).map(Some)
    };
    sign.await.map_err(|_: JsValue| unavailable("sign with"))
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
