//! The integration tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod corpus;
mod dsig_corpus;
mod wycheproof;
