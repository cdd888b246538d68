//! The conformance runner: answers every case of a manifest from its inputs, and counts.
//!
//! `cargo run --release --example conformance -- MANIFEST.jsonl`
//!
//! Paths in the manifest are relative to its folder. One JSON line a case, as soon as it is answered, then a summary by
//! kind. It exits with 1 when a verdict is not an accepted one and not listed in `exceptions.jsonl`, the reviewed list of
//! what the product refuses on purpose, or when a case cannot be run; with 2 when the manifest cannot be used.

#![expect(
    clippy::indexing_slicing,
    reason = "members of JSON values alone: one that is absent reads as null, and only objects that are made here are written to"
)]

#[path = "suite.rs"]
mod suite;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(suite::command::run(&arguments, &mut stdout, &mut stderr))
}
