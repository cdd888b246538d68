//! What several tests need: an identity provider that signs and encrypts whatever it is told, and a world in memory.

pub(crate) mod encrypt;
pub(crate) mod idp;
pub(crate) mod world;
