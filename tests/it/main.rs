//! The one integration test binary: a folder, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

mod c14n_corpus;
mod corpus;
mod dsig_corpus;
mod sign_in;
mod support;
mod validate;
mod wycheproof;
