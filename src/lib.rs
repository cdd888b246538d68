//! edge-saml: a SAML 2.0 service provider that runs as one Cloudflare Worker.

pub mod dsig;
pub mod limits;
pub mod xml;
