//! `explain`: what a code means, who must act and where to click.

use edge_saml::code::Code;
use serde::Serialize;

use super::Command;
use super::arguments::{Arguments, Spec};
use super::output::{Failure, Outcome, Unusable};
use super::tool_code::ToolCode;

pub(super) const COMMAND: Command = Command {
    name: "explain",
    help: "\
Tells what a code means, who must act, and where to click in Okta, Entra and Google.

Usage: edge-saml explain CODE

Prints {\"code\",\"who\",\"explanation\",\"okta\",\"entra\",\"google\"}; who is customer (the administrator of the customer's
identity provider), vendor, user, us, or you, who runs this tool. An unknown CODE exits with 2 and the list of all codes.
",
    run,
    spec: Spec {
        operand: "CODE",
        once: &[],
        many: &[],
        flags: &[],
    },
};

#[derive(Serialize)]
struct Explained {
    code: &'static str,
    who: &'static str,
    explanation: &'static str,
    okta: Option<&'static str>,
    entra: Option<&'static str>,
    google: Option<&'static str>,
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let text = arguments.operand().to_string_lossy();
    if let Some(code) = ToolCode::parse(&text) {
        return Outcome::json(&Explained {
            code: code.as_str(),
            who: "you",
            explanation: code.explanation(),
            okta: None,
            entra: None,
            google: None,
        });
    }
    let code = Code::parse(&text).ok_or_else(|| Failure::Unusable(Unusable::unknown_code(&text)))?;
    Outcome::json(&Explained {
        code: code.as_str(),
        who: code.actor().as_str(),
        explanation: code.explanation(),
        okta: code.hint_for_okta(),
        entra: code.hint_for_entra(),
        google: code.hint_for_google(),
    })
}
