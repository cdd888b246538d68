//! The one integration test binary: a folder, so that it is linked once.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic, its helpers too"
)]

mod admin_tokens;
mod api;
mod attacks;
mod c14n_corpus;
mod capture;
mod cli;
mod codes;
mod conformance;
mod corpus;
mod dashboard;
mod dashboard_keys;
mod dashboard_log;
mod dashboard_metadata;
mod dashboard_sign_ins;
mod dashboard_tests;
mod dashboard_tokens;
mod dashboard_webhooks;
mod dns;
mod domain_proof;
mod drafts;
mod dsig;
mod dsig_corpus;
mod encrypted;
mod failures;
mod hidden;
mod history;
mod idp_initiated;
mod ledger;
mod logout_messages;
mod metadata;
mod metadata_refresh;
mod mutation;
mod rate_limit;
mod return_targets;
mod routing;
mod session_lifetimes;
mod setup_links;
mod sign_in;
mod sign_in_log;
mod signed_requests;
mod slo;
mod state;
/// The conformance runner's code.
#[path = "../../examples/conformance/suite.rs"]
mod suite;
mod support;
mod test_run;
mod transfer;
mod user_key;
mod validate;
mod vectors;
mod webhooks;
mod wycheproof;
mod xmlenc;
mod xmlenc_vectors;
