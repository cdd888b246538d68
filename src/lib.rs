//! edge-saml: a SAML 2.0 service provider that runs as one Cloudflare Worker.
//!
//! Three rings, each knowing only those before it: the pure core ([`xml`], [`dsig`], [`xmlenc`], [`saml`]), the application
//! ([`app`]) over traits, and the edge, which only exists on `wasm32`. `ARCHITECTURE.md` tells the whole story.

pub mod app;
pub mod code;
pub mod dsig;
#[cfg(target_arch = "wasm32")]
mod edge;
mod hidden;
pub mod limits;
pub mod saml;
pub mod token;
pub mod xml;
pub mod xmlenc;
