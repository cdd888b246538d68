//! `edge-saml`: verifies messages and signatures on a machine of one's own, without a network or a clock.
//!
//! A subcommand a file. Each gives one JSON object on the standard output, or octets, and an exit code: 0 for what is
//! accepted, 1 for what is refused, 2 for input or arguments that cannot be used.

mod arguments;
mod c14n;
mod decrypt;
mod explain;
mod input;
mod message;
mod metadata;
mod output;
mod tool_code;
mod verify_message;
mod verify_response;
mod verify_xml;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use output::{Failure, Outcome};

/// One subcommand.
struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(&arguments::Arguments) -> Result<Outcome, Failure>,
    spec: arguments::Spec,
}

const COMMANDS: [&Command; 7] = [
    &verify_response::COMMAND,
    &verify_xml::COMMAND,
    &c14n::COMMAND,
    &verify_message::COMMAND,
    &decrypt::COMMAND,
    &metadata::COMMAND,
    &explain::COMMAND,
];

const HELP: &str = "\
edge-saml: looks at SAML messages, metadata and signed XML. It uses no network and no clock.

Usage: edge-saml COMMAND [ARGUMENTS]

Commands:
  verify-response  a SAML response: its signatures and every rule of the sign-in
  verify-xml       the signature of any XML document
  c14n             the canonical form of a document or of one element
  verify-message   a LogoutRequest or LogoutResponse
  decrypt          what is encrypted in a document
  metadata         what metadata says of identity providers
  explain          what a code means, who must act and where to click

`edge-saml COMMAND --help` tells more.

FILE may be -, which is the standard input. Each command prints one JSON object (c14n and decrypt print octets), and
exits with
  0  accepted
  1  refused: {\"verdict\":\"refused\",\"code\",\"detail\",...}
  2  input or arguments that cannot be used: {\"error\":{\"code\",\"message\"}}
";

/// Runs the tool with `arguments`, the program's name not among them.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let (octets, code) = match outcome(arguments) {
        Ok(Outcome::Accepted(json)) => (line(json), 0),
        Ok(Outcome::Octets(octets)) => (octets, 0),
        Err(Failure::Refused(refusal)) => (line(refusal.to_json()), 1),
        Err(Failure::Unusable(unusable)) => (line(unusable.to_json()), 2),
    };
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(&octets).and_then(|()| stdout.flush()) {
        // Nobody is left to tell when the reader went away.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::from(code),
    }
}

fn line(mut json: String) -> Vec<u8> {
    json.push('\n');
    json.into_bytes()
}

fn outcome(arguments: Vec<OsString>) -> Result<Outcome, Failure> {
    let mut arguments = arguments.into_iter();
    let name = arguments.next().ok_or_else(|| Failure::usage("a command is missing"))?;
    let name = name.to_string_lossy();
    match &*name {
        "--help" | "-h" | "help" => return Ok(Outcome::text(HELP)),
        "--version" | "-V" => {
            return Ok(Outcome::text(concat!("edge-saml ", env!("CARGO_PKG_VERSION"), "\n")));
        }
        _ => {}
    }
    let command = COMMANDS.into_iter().find(|command| command.name == name);
    let command = command.ok_or_else(|| Failure::usage(&format!("there is no command {name:?}")))?;
    match command.spec.parse(arguments.collect())? {
        None => Ok(Outcome::text(command.help)),
        Some(arguments) => (command.run)(&arguments),
    }
}
