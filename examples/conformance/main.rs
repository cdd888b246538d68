//! The conformance runner: answers every case of a manifest from its inputs, and counts.
//!
//! `cargo run --release --example conformance -- MANIFEST.jsonl`
//!
//! Paths in the manifest are relative to its folder. One JSON line a case, then a summary by kind. It exits with 1 when
//! a verdict is not an accepted one and not listed in `exceptions.jsonl`, the reviewed list of what the product refuses
//! on purpose.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "an example may panic; it reads files of its own"
)]

#[path = "suite.rs"]
mod suite;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use suite::corpus::Corpus;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(manifest), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: conformance MANIFEST.jsonl");
        return ExitCode::from(2);
    };
    let report = suite::run(&Corpus::of_manifest(Path::new(&manifest)));
    let mut stdout = std::io::stdout().lock();
    for line in &report.lines {
        // Nobody is left to tell when the output is closed.
        let _ = writeln!(stdout, "{line}");
    }
    let _ = write!(stdout, "\n{}", report.summary());
    ExitCode::from(u8::from(report.failed() > 0))
}
