//! The runner's arguments, output and exit status.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::Report;
use super::corpus::Corpus;

const USAGE: &str = "\
Answers every case of a conformance manifest from its inputs, and counts.

Usage: conformance MANIFEST.jsonl

One JSON object a line: {\"id\",\"kind\",\"file\",\"accept\":[verdicts] or \"expect\":verdict,...}; files are relative to the manifest's
folder. Each case gives one line, {\"id\",\"kind\",\"verdict\",\"code\",\"pass\"}, as soon as it is answered; one that cannot be run
has the verdict unsupported, the code case_unusable and the reason in detail. A summary by kind follows. Exits with
  0  every case passed, or is refused by policy (exceptions.jsonl)
  1  some case failed or cannot be run
  2  the manifest or the arguments cannot be used
";

/// Runs the runner with `arguments`, the program's name not among them, and gives its exit status.
pub(crate) fn run(arguments: &[OsString], stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let outcome = match arguments {
        [only] if only == "--help" || only == "-h" => stdout.write_all(USAGE.as_bytes()).map(|()| Ok(0)),
        [manifest] if !manifest.to_string_lossy().starts_with('-') => answer(Path::new(manifest), stdout),
        _ => Ok(Err("expected one manifest: conformance MANIFEST.jsonl".to_owned())),
    };
    match outcome {
        Ok(Ok(status)) => status,
        Ok(Err(sentence)) => {
            // Nobody is left to tell when this is closed too.
            let _ = writeln!(stderr, "{sentence}");
            2
        }
        // Whoever read the output went away before the end, or the end could not be written: then nobody has been told.
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                let _ = writeln!(stderr, "the output cannot be written: {error}");
            }
            2
        }
    }
}

/// Answers a manifest: the exit status, or a sentence that says why it cannot be used.
fn answer(manifest: &Path, stdout: &mut dyn Write) -> io::Result<Result<u8, String>> {
    let corpus = Corpus::of_manifest(manifest);
    let lines = match corpus.lines() {
        Ok(lines) if lines.is_empty() => return Ok(Err(format!("{}: no cases in it", manifest.display()))),
        Ok(lines) => lines,
        Err(unusable) => return Ok(Err(unusable.0)),
    };
    let mut report = Report::new();
    for (number, line) in lines {
        if let Some(line) = report.line(&corpus, number, &line) {
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
    }
    write!(stdout, "\n{}", report.summary())?;
    Ok(Ok(u8::from(report.failed() > 0)))
}
