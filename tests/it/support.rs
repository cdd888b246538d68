//! What several tests need: an identity provider that signs and encrypts whatever it is told, responses that other
//! software signed, and a world in memory.

pub(crate) mod dashboard;
pub(crate) mod encrypt;
pub(crate) mod idp;
pub(crate) mod seed;
pub(crate) mod world;
