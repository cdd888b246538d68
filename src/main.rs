//! The command-line tool. It has no rules of its own: the verdict is the library's, which is the Worker's.

#[cfg(not(target_arch = "wasm32"))]
mod cli;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os().skip(1).collect())
}

/// The Worker is the library; there is no command line at the edge.
#[cfg(target_arch = "wasm32")]
fn main() {}
