//! What several tests need: an identity provider that signs whatever it is told, and a world in memory.

pub(crate) mod idp;
pub(crate) mod world;
