//! The built command-line tool: each subcommand accepted, refused, unusable, and its help.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::encrypt::{Encryption, GCM_256};
use crate::support::idp::{ACS_URL, AUDIENCE, ENTITY_ID, Idp, Message, Signed};

const OKTA_DEMO: &str = "http://www.okta.com/exk1demo0acme";
const NOW: &str = "2026-07-01T12:00:00Z";

/// Exit code and standard output.
fn run(arguments: &[&str]) -> (i32, Vec<u8>) {
    let output = Command::new(env!("CARGO_BIN_EXE_edge-saml"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{arguments:?}: {:?}",
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap(), output.stdout)
}

/// Exit code and the one JSON object.
fn json(arguments: &[&str]) -> (i32, Value) {
    let (code, stdout) = run(arguments);
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    (
        code,
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")),
    )
}

fn vector(name: &str) -> String {
    format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of this test's own.
fn temporary(name: &str, octets: impl AsRef<[u8]>) -> String {
    let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `verify-response` with every value right, less the options in `without`, and with `more`.
fn verify_response(file: &str, without: &[&str], more: &[&str]) -> (i32, Value) {
    let certificate = vector("keys/idp.cert.pem");
    let mut arguments = vec!["verify-response", file];
    for pair in [
        ["--idp-cert", &certificate],
        ["--idp-entity-id", OKTA_DEMO],
        ["--audience", AUDIENCE],
        ["--acs-url", ACS_URL],
        ["--now", NOW],
    ] {
        if !without.contains(&pair[0]) && !more.contains(&pair[0]) {
            arguments.extend(pair);
        }
    }
    arguments.extend(more);
    json(&arguments)
}

fn code_of(outcome: &(i32, Value)) -> (i32, &str) {
    let (exit, value) = outcome;
    let code = match exit {
        0 => &value["verdict"],
        1 => &value["code"],
        _ => &value["error"]["code"],
    };
    let code = code.as_str().unwrap();
    assert!(
        *exit == 0 || codes().iter().any(|known| known == code),
        "{code} is on no list"
    );
    (*exit, code)
}

/// Every code there is, as the tool lists them.
fn codes() -> &'static [String] {
    static CODES: OnceLock<Vec<String>> = OnceLock::new();
    CODES.get_or_init(|| {
        let (_, unknown) = json(&["explain", "no_such_code"]);
        serde_json::from_value(unknown["error"]["codes"].clone()).unwrap()
    })
}

#[test]
fn a_response_of_other_software_in_every_wrapping() {
    for name in [
        "cli/response.xml",
        "cli/response.base64",
        "cli/response.deflated.base64",
    ] {
        let (exit, accepted) = verify_response(
            &vector(name),
            &[],
            &[
                "--in-response-to",
                "_request",
                "--email-domain",
                "other.test",
                "--email-domain",
                "acme.test",
            ],
        );
        assert_eq!(
            (exit, accepted["verdict"].as_str()),
            (0, Some("accepted")),
            "{accepted}"
        );
        assert_eq!(accepted["name_id"], "ada@acme.test");
        assert_eq!(
            accepted["name_id_format"],
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        );
        assert_eq!(accepted["session_index"], "_session");
        assert_eq!(accepted["email"], "ada@acme.test");
        assert_eq!(
            (&accepted["first_name"], &accepted["last_name"]),
            (&"Ada".into(), &"Lovelace".into())
        );
        assert_eq!(accepted["in_response_to"], "_request");
        assert_eq!(accepted["issuer"], OKTA_DEMO);
        assert_eq!(accepted["signed"], serde_json::json!(["response", "assertion"]));
        assert_eq!(accepted["not_on_or_after"], "2026-07-01T12:05:00Z");
        assert_eq!(
            accepted["attributes"]["groups"],
            serde_json::json!(["Zoologists", "Analysts"])
        );
    }
}

#[test]
fn attributes_stay_in_document_order_and_nothing_is_lost() {
    let (_, stdout) = run(&[
        "verify-response",
        &vector("cli/response.xml"),
        "--idp-cert",
        &vector("keys/idp.cert.pem"),
        "--skip-protocol",
    ]);
    let text = String::from_utf8(stdout).unwrap();
    let positions: Vec<_> = ["\"Last name\":", "\"First name\":", "\"Email address\":", "\"groups\":"]
        .iter()
        .map(|name| text.find(name).unwrap())
        .collect();
    assert!(positions.is_sorted(), "{text}");

    // The same name twice, with another between.
    let repeated = Message::default()
        .to_xml()
        .replace("Name=\"Last name\"", "Name=\"Email address\"");
    let idp = Idp::trusted();
    let file = temporary("repeated.xml", idp.sign(&repeated, "_assertion"));
    let (exit, accepted) = json(&[
        "verify-response",
        &file,
        "--idp-cert",
        &vector("keys/idp.cert.pem"),
        "--skip-protocol",
    ]);
    assert_eq!(exit, 0);
    assert_eq!(
        accepted["attributes"]["Email address"],
        serde_json::json!(["ada@acme.test", "Lovelace"])
    );
    // Two different addresses are none; the tool still shows what there is.
    assert_eq!(accepted["email"], Value::Null);
    assert_eq!(accepted["email_problem"]["code"], "email_not_an_address");
}

/// As many as a message holds, each name twice.
#[test]
fn many_attributes_stay_in_document_order() {
    let statement = |values: &str| {
        let attributes = (0..1500).map(|n| {
            format!("<saml2:Attribute Name='n{n}'><saml2:AttributeValue>{values}{n}</saml2:AttributeValue></saml2:Attribute>")
        });
        attributes.collect::<String>()
    };
    let message = Message::default().to_xml().replacen(
        "<saml2:AttributeStatement>",
        &format!("<saml2:AttributeStatement>{}{}", statement("a"), statement("b")),
        1,
    );
    let file = temporary("many.xml", Idp::trusted().sign(&message, "_assertion"));
    let certificate = vector("keys/idp.cert.pem");
    let (exit, stdout) = run(&["verify-response", &file, "--idp-cert", &certificate, "--skip-protocol"]);
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(exit, 0, "{text}");
    let all = (0..1500).map(|n| format!("\"n{n}\":[\"a{n}\",\"b{n}\"],"));
    assert!(text.contains(&all.collect::<String>()), "{text}");
}

#[test]
fn every_rule_refuses_with_its_code() {
    let file = vector("cli/response.xml");
    for (more, expected) in [
        (&["--idp-entity-id", "https://other.example"][..], "issuer_mismatch"),
        (&["--audience", "https://other.example"], "audience_mismatch"),
        (&["--acs-url", "https://other.example/acs"], "destination_mismatch"),
        (&["--now", "2026-07-01T12:08:00Z"], "expired"),
        (&["--now", "2026-07-01T11:00:00Z"], "not_yet_valid"),
        (&["--now", "2026-07-01T12:05:01Z", "--skew-seconds", "1"], "expired"),
        (&["--in-response-to", "_other"], "in_response_to_unknown"),
        (
            &["--in-response-to", "_other", "--allow-unsolicited"],
            "in_response_to_unknown",
        ),
        (&["--email-domain", "other.test"], "email_domain_not_owned"),
        (&["--idp-cert", &vector("keys/other.cert.pem")], "signature_key_unknown"),
        (&["--idp-cert", &vector("dsig/rsa-1024.pem")], "key_weak"),
    ] {
        let outcome = verify_response(&file, &[], more);
        assert_eq!(code_of(&outcome), (1, expected), "{more:?}");
        let refused = outcome.1;
        assert_eq!(refused["verdict"], "refused");
        assert!(refused["detail"].is_string() && refused["explanation"].is_string() && refused["who"].is_string());
    }
    let (_, audience) = verify_response(&file, &[], &["--audience", "https://other.example"]);
    assert_eq!(
        (&audience["expected"], &audience["found"]),
        (&"https://other.example".into(), &AUDIENCE.into())
    );
    let (_, expired) = verify_response(&file, &[], &["--now", "2026-07-01T12:15:00Z"]);
    assert_eq!(expired["clock_drift_seconds"], 600);
    assert_eq!(expired["bound"], "SubjectConfirmationData/@NotOnOrAfter");
}

#[test]
fn an_audience_may_be_an_spn_at_entra_alone() {
    let message = Message {
        audience: format!("spn:{AUDIENCE}"),
        ..Message::default()
    };
    let file = temporary("spn.xml", Idp::trusted().respond(&message, Signed::Assertion));
    let entity = ["--idp-entity-id", ENTITY_ID];
    for (provider, expected) in [
        (&[][..], (1, "audience_mismatch")),
        (&["--provider", "custom"], (1, "audience_mismatch")),
        (&["--provider", "okta"], (1, "audience_mismatch")),
        (&["--provider", "google"], (1, "audience_mismatch")),
        (&["--provider", "entra"], (0, "accepted")),
        (&["--provider", "Entra"], (2, "usage")),
        (&["--provider", "onelogin"], (2, "usage")),
        (&["--provider", ""], (2, "usage")),
        (&["--provider"], (2, "usage")),
        (&["--provider", "entra", "--provider", "entra"], (2, "usage")),
    ] {
        let outcome = verify_response(&file, &[], &[&entity[..], provider].concat());
        assert_eq!(code_of(&outcome), expected, "{provider:?}");
    }
}

#[test]
fn a_sign_in_counts_the_age_of_an_assertion() {
    let made_at = |issue_instant: &str| {
        let message = Message {
            issue_instant: issue_instant.to_owned(),
            not_before: "2026-01-01T00:00:00Z".to_owned(),
            not_on_or_after: "9999-07-01T12:00:00Z".to_owned(),
            ..Message::default()
        };
        let name = format!("made-at-{}.xml", issue_instant.replace(':', ""));
        temporary(&name, Idp::trusted().respond(&message, Signed::Assertion))
    };
    for (issue_instant, expected) in [
        ("2026-07-01T12:00:00Z", (0, "accepted")),
        ("2026-07-01T12:03:01Z", (1, "not_yet_valid")),
        ("2026-06-30T11:57:00Z", (1, "expired")),
    ] {
        let file = made_at(issue_instant);
        let entity = ["--idp-entity-id", ENTITY_ID];
        let sign_in = [&entity[..], &["--email-domain", "acme.test"]].concat();
        assert_eq!(
            code_of(&verify_response(&file, &[], &sign_in)),
            expected,
            "{issue_instant}"
        );
        assert_eq!(
            code_of(&verify_response(&file, &[], &entity)),
            (0, "accepted"),
            "{issue_instant}"
        );
    }
}

#[test]
fn other_responses() {
    let unsolicited = vector("cli/response-unsolicited.xml");
    assert_eq!(
        code_of(&verify_response(&unsolicited, &[], &[])),
        (1, "unsolicited_not_allowed")
    );
    for more in [
        &["--allow-unsolicited"][..],
        &["--allow-unsolicited", "--in-response-to", "_request"],
    ] {
        let (exit, accepted) = verify_response(&unsolicited, &[], more);
        assert_eq!((exit, &accepted["in_response_to"]), (0, &Value::Null), "{more:?}");
    }
    let (_, assertion) = verify_response(&vector("cli/response-assertion-signed.xml"), &[], &[]);
    assert_eq!(assertion["signed"], serde_json::json!(["assertion"]));
    let (by_assertion, by_response) = ("--require-signed-assertion", "--require-signed-response");
    let both = vector("cli/response.xml");
    let own = vector("cli/response-assertion-signed.xml");
    let whole = temporary(
        "response-signed.xml",
        Idp::trusted().respond(&Message::default(), Signed::Response),
    );
    for (file, demands, expected) in [
        (&both, &[by_assertion, by_response][..], "accepted"),
        (&own, &[by_assertion], "accepted"),
        (&own, &[by_response], "response_not_signed_required"),
        (&own, &[by_assertion, by_response], "response_not_signed_required"),
        (&whole, &[], "accepted"),
        (&whole, &[by_response], "accepted"),
        (&whole, &[by_assertion], "assertion_not_signed_required"),
        (&whole, &[by_assertion, by_response], "assertion_not_signed_required"),
    ] {
        let exit = i32::from(expected != "accepted");
        let issuer = if file == &whole { ENTITY_ID } else { OKTA_DEMO };
        for more in [
            &["--idp-entity-id", issuer][..],
            &["--idp-entity-id", issuer, "--skip-protocol"],
        ] {
            let outcome = verify_response(file, &["--idp-entity-id"], &[more, demands].concat());
            assert_eq!(code_of(&outcome), (exit, expected), "{more:?} {demands:?}");
        }
    }
    let sha1 = vector("cli/response-sha1.xml");
    assert_eq!(code_of(&verify_response(&sha1, &[], &[])), (1, "signature_alg_weak"));
    assert_eq!(
        code_of(&verify_response(&sha1, &[], &["--allow-sha1"])),
        (0, "accepted")
    );
    let denied = verify_response(&vector("cli/response-denied.xml"), &[], &[]);
    assert_eq!(code_of(&denied), (1, "idp_requester_error"));

    // Without an address: shown, and refused only where addresses matter.
    let no_email = vector("cli/response-no-email.xml");
    let (exit, accepted) = verify_response(&no_email, &[], &[]);
    assert_eq!((exit, &accepted["email"]), (0, &Value::Null));
    assert_eq!(accepted["email_problem"]["code"], "email_missing");
    let refused = verify_response(&no_email, &[], &["--email-domain", "acme.test"]);
    assert_eq!(code_of(&refused), (1, "email_missing"));
    assert_eq!(refused.1["received"], serde_json::json!(["department"]));
}

#[test]
fn skipping_the_protocol_keeps_the_signatures_and_the_issuer() {
    let file = vector("cli/response.xml");
    let certificate = vector("keys/idp.cert.pem");
    let skipped = ["verify-response", &file, "--idp-cert", &certificate, "--skip-protocol"];
    let with = |more: &[&str]| json(&[&skipped[..], more].concat());
    assert_eq!(code_of(&with(&[])), (0, "accepted"));
    assert_eq!(
        code_of(&with(&[
            "--now",
            "2036-01-01T00:00:00Z",
            "--audience",
            "x",
            "--acs-url",
            "y"
        ])),
        (0, "accepted")
    );
    assert_eq!(
        code_of(&with(&["--in-response-to", "_x", "--email-domain", "x.test"])),
        (0, "accepted")
    );
    assert_eq!(
        code_of(&with(&["--idp-entity-id", "https://other.example"])),
        (1, "issuer_mismatch")
    );
    let tampered = std::fs::read_to_string(&file)
        .unwrap()
        .replace("ada@acme.test", "eve@acme.test");
    let tampered = temporary("tampered.xml", tampered);
    let outcome = json(&[
        "verify-response",
        &tampered,
        "--idp-cert",
        &certificate,
        "--skip-protocol",
    ]);
    assert_eq!(code_of(&outcome), (1, "signature_bad_digest"));
    let unsigned = temporary("unsigned.xml", Message::default().to_xml());
    let outcome = json(&[
        "verify-response",
        &unsigned,
        "--idp-cert",
        &certificate,
        "--skip-protocol",
    ]);
    assert_eq!(code_of(&outcome), (1, "unsigned"));
}

#[test]
fn encrypted_responses() {
    let whole = Idp::trusted().respond(&Message::default(), Signed::Assertion);
    let start = whole.find("<saml2:Assertion").unwrap();
    let end = whole.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
    let encrypted = Encryption::new(GCM_256).element("EncryptedAssertion", &whole[start..end]);
    let file = temporary("encrypted.xml", whole.replace(&whole[start..end], &encrypted));
    let (certificate, key) = (vector("keys/idp.cert.pem"), vector("keys/sp.key.pem"));
    let skipped = ["verify-response", &file, "--idp-cert", &certificate, "--skip-protocol"];
    assert_eq!(code_of(&json(&skipped)), (1, "encrypted_unexpected"));
    let (exit, accepted) = json(&[&skipped[..], &["--decryption-key", &key]].concat());
    assert_eq!((exit, &accepted["name_id"]), (0, &"ada@acme.test".into()));
    let wrong = vector("keys/idp.key.pem");
    let outcome = json(&[&skipped[..], &["--decryption-key", &wrong]].concat());
    assert_eq!(code_of(&outcome), (1, "decryption_failed"));
    let outcome = json(&[&skipped[..], &["--decryption-key", &certificate]].concat());
    assert_eq!(code_of(&outcome), (2, "key_malformed"));
}

#[test]
fn what_cannot_be_used() {
    let file = vector("cli/response.xml");
    for without in ["--idp-cert", "--idp-entity-id", "--audience", "--acs-url", "--now"] {
        assert_eq!(
            code_of(&verify_response(&file, &[without], &[])),
            (2, "usage"),
            "{without}"
        );
    }
    for more in [
        &["--now", "yesterday"][..],
        &["--skew-seconds", "-1"],
        &["--skew-seconds", "x"],
        &["--email-domain", "no domain"],
        &["--email-domain", "acme.test", "--email-domain", ".."],
        &["--idp-entity-id", ""],
        &["--provider", "garbage"],
        &["--in-response-to", "a:b"],
        &["--nonsense"],
        &["--allow-sha1=yes"],
        &["another-file"],
        &["--in-response-to", "_a", "--in-response-to", "_b"],
        &["--in-response-to"],
        &["-x"],
    ] {
        assert_eq!(code_of(&verify_response(&file, &[], more)), (2, "usage"), "{more:?}");
        // What is left out must make sense all the same: a slip in it is told, not passed over.
        let skipped = [&["--skip-protocol"], more].concat();
        assert_eq!(
            code_of(&verify_response(&file, &[], &skipped)),
            (2, "usage"),
            "{skipped:?}"
        );
    }
    let none = vector("no-such-file");
    assert_eq!(code_of(&verify_response(&none, &[], &[])), (2, "file_unreadable"));
    assert_eq!(
        code_of(&verify_response(&file, &[], &["--idp-cert", &none])),
        (2, "file_unreadable")
    );
    assert_eq!(
        code_of(&verify_response(&file, &[], &["--idp-cert", &file])),
        (2, "certificate_malformed")
    );
    for (name, octets) in [
        ("empty", &b""[..]),
        ("words", b"no message"),
        ("base64", b"bm8gbWVzc2FnZQ=="),
        ("binary", &[0, 1, 2]),
    ] {
        let file = temporary(&format!("unusable-{name}"), octets);
        assert_eq!(
            code_of(&verify_response(&file, &[], &[])),
            (2, "input_unknown"),
            "{name}"
        );
    }
    for arguments in [
        &[][..],
        &["no-such-command"],
        &["--nonsense"],
        &["explain"],
        &["metadata"],
        &["c14n", &file],
    ] {
        assert_eq!(code_of(&json(arguments)), (2, "usage"), "{arguments:?}");
    }
}

/// Exit code and the one JSON object, with something on the standard input.
fn json_with_input(arguments: &[&str], input: &[u8]) -> (i32, Value) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_edge-saml"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The tool may have gone away before it had read everything.
    let _ = tool.stdin.take().unwrap().write_all(input);
    let output = tool.wait_with_output().unwrap();
    (
        output.status.code().unwrap(),
        serde_json::from_slice(&output.stdout).unwrap(),
    )
}

/// Base64 as a browser puts it into a form.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn base64_of(octets: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets)
}

/// What a browser's developer tools give, and what becomes of it on the way into a file.
#[test]
fn a_response_as_it_was_copied_out_of_a_browser() {
    let mut xml = std::fs::read_to_string(vector("cli/response.xml")).unwrap();
    while xml.len() % 3 != 1 {
        xml.push('\n');
    }
    let base64 = base64_of(&xml);
    assert!(base64.contains('+') && base64.ends_with('='), "nothing to escape");
    let (value, other) = (escaped(&base64), escaped(&base64_of("<a/>")));
    let wide = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    for (name, octets) in [
        ("body", format!("SAMLResponse={value}&RelayState=%2Fhome").into_bytes()),
        (
            "body-last",
            format!("RelayState=a%26SAMLResponse%3Db&SAMLResponse={value}\n").into(),
        ),
        ("body-quoted", format!("'SAMLResponse={value}&RelayState='").into()),
        ("body-marked", format!("\u{FEFF}SAMLResponse={value}").into()),
        ("body-decoded", format!("SAMLResponse={base64}&RelayState=/home").into()),
        ("body-empty-field", format!("SAMLResponse={value}&RelayState").into()),
        ("body-name-escaped", format!("%53AMLResponse={value}").into()),
        (
            "url",
            format!("https://sp.example/a=b/acs?x=1&SAMLResponse={value}#top").into(),
        ),
        ("query", format!("?SAMLResponse={value}").into()),
        ("escaped", value.clone().into()),
        ("escaped-lines", value.replace("%2B", "%2B%0D%0A").into()),
        ("quoted", format!(" \"{base64}\"\r\n").into()),
        ("marked", format!("\u{FEFF}{base64}").into()),
        ("marked-quoted", format!("\u{FEFF}'{base64}'").into()),
        ("wide", wide(&base64)),
        ("wide-body", wide(&format!("SAMLResponse={value}\r\n"))),
    ] {
        let file = temporary(&format!("copied-{name}"), octets);
        let outcome = verify_response(&file, &[], &[]);
        assert_eq!(code_of(&outcome), (0, "accepted"), "{name} {}", outcome.1);
    }
    for (name, octets, expected) in [
        (
            "twice",
            format!("SAMLResponse={value}&SAMLResponse={value}"),
            (2, "form_malformed"),
        ),
        (
            "another",
            format!("SAMLResponse={value}&SAMLResponse={other}"),
            (2, "form_malformed"),
        ),
        (
            "escaped-twice",
            format!("SAMLResponse={value}&%53AMLResponse={value}"),
            (2, "form_malformed"),
        ),
        (
            "both",
            format!("SAMLResponse={value}&SAMLRequest={value}"),
            (2, "form_malformed"),
        ),
        (
            "url-twice",
            format!("https://sp.example/?SAMLResponse={value}&SAMLResponse={value}"),
            (2, "form_malformed"),
        ),
        ("request", format!("SAMLRequest={value}"), (2, "input_unknown")),
        (
            "no-value",
            "SAMLResponse=&RelayState=x".to_owned(),
            (2, "input_unknown"),
        ),
        ("no-field", format!("Response={value}"), (2, "input_unknown")),
        (
            "after-fragment",
            format!("https://sp.example/#SAMLResponse={value}"),
            (2, "input_unknown"),
        ),
        ("two-values", format!("{value}&{value}"), (2, "input_unknown")),
        ("inner-quotes", base64.replacen('+', "\"+", 1), (2, "input_unknown")),
        ("one-quote", format!("\"{base64}"), (2, "input_unknown")),
        ("escaped-nonsense", format!("{value}%FF"), (2, "input_unknown")),
        ("other", format!("SAMLResponse={other}"), (1, "response_malformed")),
    ] {
        let file = temporary(&format!("copied-{name}"), octets);
        assert_eq!(code_of(&verify_response(&file, &[], &[])), expected, "{name}");
    }
    // The other commands that read messages read them as well.
    let logout = base64_of(std::fs::read_to_string(vector("cli/logout-request.xml")).unwrap());
    let body = temporary("copied-logout", format!("SAMLRequest={}", escaped(&logout)));
    let outcome = json(&["verify-xml", &body, "--cert", &vector("keys/idp.cert.pem")]);
    assert_eq!(code_of(&outcome), (0, "accepted"));
}

#[test]
fn a_hyphen_is_the_standard_input() {
    let (file, certificate) = (vector("cli/response.xml"), vector("keys/idp.cert.pem"));
    let xml = std::fs::read(&file).unwrap();
    let response = |file, certificate| ["verify-response", file, "--idp-cert", certificate, "--skip-protocol"];
    let outcome = json_with_input(&response("-", &certificate), &xml);
    assert_eq!(code_of(&outcome), (0, "accepted"));
    let outcome = json_with_input(&response(&file, "-"), &std::fs::read(&certificate).unwrap());
    assert_eq!(code_of(&outcome), (0, "accepted"));
    assert_eq!(
        code_of(&json_with_input(&response("-", &certificate), b"")),
        (2, "input_unknown")
    );
    for name in ["cli/logout-request.xml", "cli/logout-request.query"] {
        let message = std::fs::read(vector(name)).unwrap();
        let outcome = json_with_input(&["verify-message", "-", "--idp-cert", &certificate], &message);
        assert_eq!(code_of(&outcome), (0, "accepted"), "{name}");
    }
    let metadata = std::fs::read(vector("cli/metadata.xml")).unwrap();
    assert_eq!(json_with_input(&["metadata", "-"], &metadata).0, 0);
    // A key that comes through a pipe is read once.
    let key = std::fs::read(vector("keys/other.key.pem")).unwrap();
    let encrypted = vector("cli/encrypted.xml");
    let decrypt = ["decrypt", &encrypted, "--key", "-"];
    assert_eq!(code_of(&json_with_input(&decrypt, &key)), (1, "decryption_failed"));
    // No more is read of it than of a file.
    let method = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let outcome = json_with_input(&["c14n", "-", "--method", method], &vec![b'<'; 17 * 1024 * 1024]);
    assert_eq!(code_of(&outcome), (2, "too_large"));
}

/// A form and a query look alike; what is in them tells them apart.
#[test]
fn logout_messages_in_a_form() {
    let certificate = vector("keys/idp.cert.pem");
    let verify = |operand: &str| json(&["verify-message", operand, "--idp-cert", &certificate]);
    let value = |name: &str| escaped(&base64_of(std::fs::read(vector(name)).unwrap()));
    let signed = value("cli/logout-request.xml");
    let body = format!("SAMLRequest={signed}&RelayState=a%2Fb+c");
    for operand in [
        &body,
        &format!("RelayState=a%2Fb+c&SAMLRequest={signed}"),
        &temporary("logout-body", &body),
    ] {
        let (exit, accepted) = verify(operand);
        assert_eq!((exit, &accepted["binding"]), (0, &"post".into()), "{accepted}");
        assert_eq!(
            (&accepted["id"], &accepted["relay_state"]),
            (&"_logout".into(), &"a/b c".into())
        );
    }
    let unsigned = value("cli/logout-request-unsigned.xml");
    for (operand, expected) in [
        (format!("SAMLRequest={unsigned}"), (1, "unsigned")),
        // A request that is called a response, and two messages.
        (format!("SAMLResponse={signed}"), (1, "form_malformed")),
        (
            format!("SAMLRequest={signed}&SAMLRequest={unsigned}"),
            (1, "form_malformed"),
        ),
        (
            format!("SAMLRequest={signed}&SAMLResponse={unsigned}"),
            (1, "form_malformed"),
        ),
        // Neither a file nor a message.
        ("SAMLRequest=".to_owned(), (2, "input_unknown")),
        ("SAMLRequest".to_owned(), (2, "input_unknown")),
        ("SAMLRequest=%%%&SigAlg=x&Signature=x".to_owned(), (2, "input_unknown")),
        (
            format!("SAMLRequest={}", escaped(&base64_of("no message"))),
            (2, "input_unknown"),
        ),
        ("https://sp.example/slo?RelayState=x".to_owned(), (2, "input_unknown")),
        ("https://sp.example/slo".to_owned(), (2, "input_unknown")),
        ("a=b".to_owned(), (2, "input_unknown")),
        ("no-such-file".to_owned(), (2, "file_unreadable")),
        (String::new(), (2, "file_unreadable")),
    ] {
        assert_eq!(code_of(&verify(&operand)), expected, "{operand}");
        if expected.1 != "file_unreadable" {
            assert_eq!(
                code_of(&verify(&temporary("logout-form", &operand))),
                expected,
                "in a file: {operand}"
            );
        }
    }
}

/// No XML for a command to look at: nothing is refused, whatever the command.
#[test]
fn what_is_no_xml_is_unusable_everywhere() {
    let (certificate, key) = (vector("keys/idp.cert.pem"), vector("keys/idp.key.pem"));
    let method = "http://www.w3.org/2001/10/xml-exc-c14n#";
    // Octets as if of chance, and with each byte order mark in front.
    let mut state = 77_777_777_u32;
    let random = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let random: Vec<u8> = random.take(100_000).collect();
    for (name, octets) in [
        ("random", random.clone()),
        ("random-le", [b"\xFF\xFE", &random[..]].concat()),
        ("random-be", [b"\xFE\xFF", &random[..]].concat()),
        ("random-utf8", [b"\xEF\xBB\xBF", &random[..]].concat()),
        ("empty", vec![]),
        ("mark", b"\xFF\xFE".to_vec()),
        ("blank", b" \n".to_vec()),
        ("words", b"no XML".to_vec()),
        ("json", b"{\"SAMLResponse\":\"\"}".to_vec()),
        ("base64-of-words", b"bm8gbWVzc2FnZQ==".to_vec()),
    ] {
        let file = temporary(&format!("no-xml-{name}"), octets);
        for arguments in [
            &["verify-response", &file, "--idp-cert", &certificate, "--skip-protocol"][..],
            &["verify-xml", &file, "--cert", &certificate],
            &["verify-message", &file, "--idp-cert", &certificate],
            &["decrypt", &file, "--key", &key],
        ] {
            assert_eq!(code_of(&json(arguments)), (2, "input_unknown"), "{name} {arguments:?}");
        }
        for arguments in [&["c14n", &file, "--method", method][..], &["metadata", &file]] {
            assert_eq!(json(arguments).0, 2, "{name} {arguments:?}");
        }
    }
    // XML in either wide encoding is XML all the same.
    let wide = |mark: [u8; 2], of: fn(u16) -> [u8; 2]| {
        [&mark[..], &" <a/>".encode_utf16().flat_map(of).collect::<Vec<_>>()].concat()
    };
    for (name, octets) in [
        ("le", wide([0xFF, 0xFE], u16::to_le_bytes)),
        ("be", wide([0xFE, 0xFF], u16::to_be_bytes)),
    ] {
        let file = temporary(&format!("wide-{name}"), octets);
        let outcome = json(&["verify-xml", &file, "--cert", &certificate]);
        assert_eq!(code_of(&outcome), (1, "unsigned"), "{name}");
    }
}

#[test]
fn messages_that_are_not_acceptable_xml_are_refused() {
    for (name, xml, expected) in [
        ("doctype", "<!DOCTYPE a []><a/>", "doctype_forbidden"),
        ("broken", "<a>", "xml_not_wellformed"),
        ("other", "<a/>", "response_malformed"),
        ("comment", "<a><!-- --></a>", "comment_forbidden"),
    ] {
        let file = temporary(&format!("refused-{name}.xml"), xml);
        assert_eq!(code_of(&verify_response(&file, &[], &[])), (1, expected), "{name}");
    }
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b'<'; 600 * 1024], 9);
    let bomb = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bomb);
    assert_eq!(
        code_of(&verify_response(&temporary("bomb", bomb), &[], &[])),
        (1, "too_large")
    );
}

#[test]
fn signatures_of_any_xml() {
    let verify = |file: &str, more: &[&str]| json(&[&["verify-xml", file], more].concat());
    let rsa = vector("dsig/rsa-2048.pem");
    let (exit, accepted) = verify(&vector("dsig/rsa-sha256.xml"), &["--cert", &rsa]);
    assert_eq!(
        (exit, &accepted["shape"], &accepted["id"]),
        (0, &"enveloped".into(), &"_a1".into())
    );
    assert_eq!(accepted["element"], "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion");
    assert_eq!(accepted["references"], serde_json::json!(["#_a1"]));
    assert_eq!(
        code_of(&verify(&vector("dsig/empty-uri.xml"), &["--cert", &rsa])),
        (0, "accepted")
    );
    assert_eq!(
        code_of(&verify(
            &vector("cli/logout-request.xml"),
            &["--key", &vector("cli/idp.pub.pem")]
        )),
        (0, "accepted")
    );
    let sha1 = vector("dsig/rsa-sha1.xml");
    assert_eq!(code_of(&verify(&sha1, &["--cert", &rsa])), (1, "signature_alg_weak"));
    assert_eq!(
        code_of(&verify(&sha1, &["--cert", &rsa, "--allow-sha1"])),
        (0, "accepted")
    );
    let other = verify(&vector("dsig/rsa-sha256-other-key.xml"), &["--cert", &rsa]);
    assert_eq!(code_of(&other), (1, "signature_key_unknown"));
    let weak = verify(
        &vector("dsig/rsa-sha256.xml"),
        &["--cert", &vector("dsig/rsa-1024.pem")],
    );
    assert_eq!(code_of(&weak), (1, "key_weak"));
    let unsigned = verify(&vector("cli/logout-request-unsigned.xml"), &["--cert", &rsa]);
    assert_eq!(code_of(&unsigned), (1, "unsigned"));

    // One signed element further down, and the same around another one: the signature isn't that one's.
    let signed = std::fs::read_to_string(vector("dsig/rsa-sha256.xml")).unwrap();
    let signed = signed.split_once("?>").map_or(signed.as_str(), |(_, rest)| rest);
    let below = temporary("below.xml", format!("<a><b>{signed}</b></a>"));
    assert_eq!(code_of(&verify(&below, &["--cert", &rsa])), (0, "accepted"));
    let start = signed.find("<ds:Signature").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, rest) = (&signed[start..end], signed.replace(&signed[start..end], ""));
    let wrapped = temporary("wrapped.xml", format!("<evil ID='_evil'>{signature}{rest}</evil>"));
    assert_eq!(
        code_of(&verify(&wrapped, &["--cert", &rsa])),
        (1, "signature_wrong_target")
    );

    assert_eq!(code_of(&verify(&below, &[])), (2, "usage"));
    assert_eq!(code_of(&verify(&below, &["--key", &below])), (2, "key_malformed"));
}

/// What the vendor holds is often the metadata alone.
#[test]
fn certificates_out_of_metadata() {
    let idp = Idp::trusted();
    let own = idp.metadata();
    let other = Idp::other().metadata();
    let body = |metadata: &str| metadata[metadata.find("<md:EntityDescriptor").unwrap()..].to_owned();
    let several = |entities: &[&str]| {
        let entities: String = entities.iter().map(|entity| body(entity)).collect();
        format!("<EntitiesDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata'>{entities}</EntitiesDescriptor>")
    };
    let sp = "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' entityID='urn:sp'><md:SPSSODescriptor \
              protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'/></md:EntityDescriptor>";
    let response = vector("cli/response.xml");
    let of_another = temporary("certificates-other.xml", &other);
    let outcome = json(&[
        "verify-response",
        &response,
        "--skip-protocol",
        "--idp-cert",
        &of_another,
    ]);
    assert_eq!(code_of(&outcome), (1, "signature_key_unknown"));
    let unreadable = own.replace("<ds:X509Certificate>", "<ds:X509Certificate>AAAA");
    let descriptor = |metadata: &str| {
        let (start, end) = ("<md:KeyDescriptor", "</md:KeyDescriptor>");
        metadata[metadata.find(start).unwrap()..metadata.find(end).unwrap() + end.len()].to_owned()
    };
    let one_unreadable = own.replace(&descriptor(&own), &(descriptor(&unreadable) + &descriptor(&own)));
    let logout = vector("cli/logout-request.xml");
    for (name, metadata, expected) in [
        ("own", own.clone(), (0, "accepted")),
        ("marked", format!("\u{FEFF}{own}"), (0, "accepted")),
        ("with-sp", several(&[sp, &own]), (0, "accepted")),
        ("two-keys", idp.metadata_with(&Idp::other()), (0, "accepted")),
        ("one-unreadable", one_unreadable, (0, "accepted")),
        ("several", several(&[&own, &other]), (2, "several_entities")),
        ("sp", sp.to_owned(), (2, "is_sp_metadata")),
        (
            "encryption",
            own.replace("use=\"signing\"", "use=\"encryption\""),
            (2, "no_signing_key"),
        ),
        ("unreadable", unreadable, (2, "no_signing_key")),
        ("empty", sp.replace("SPSSODescriptor", "X"), (2, "no_idp_role")),
        ("no-metadata", "<a/>".to_owned(), (2, "certificate_malformed")),
    ] {
        let metadata = temporary(&format!("certificates-{name}.xml"), metadata);
        for arguments in [
            &["verify-response", &response, "--skip-protocol", "--idp-cert", &metadata][..],
            &["verify-message", &logout, "--idp-cert", &metadata],
            &["verify-xml", &logout, "--cert", &metadata],
        ] {
            let outcome = json(arguments);
            assert_eq!(code_of(&outcome), expected, "{name} {}", outcome.1);
            if expected.1 == "several_entities" {
                let message = outcome.1["error"]["message"].as_str().unwrap();
                assert!(message.contains("name certificates instead"), "{message}");
            }
        }
    }
}

#[test]
fn a_key_in_place_of_a_certificate_and_the_other_way_round() {
    let file = vector("cli/logout-request.xml");
    let (key, certificate) = (vector("cli/idp.pub.pem"), vector("keys/idp.cert.pem"));
    for (flag, value, code, hint) in [
        ("--key", &certificate, "key_malformed", Some("--cert")),
        ("--cert", &key, "certificate_malformed", Some("--key")),
        ("--key", &file, "key_malformed", None),
        ("--cert", &file, "certificate_malformed", None),
    ] {
        let outcome = json(&["verify-xml", &file, flag, value]);
        assert_eq!(code_of(&outcome), (2, code), "{flag}");
        let message = outcome.1["error"]["message"].as_str().unwrap();
        assert_eq!(
            message.contains("--cert") || message.contains("--key"),
            hint.is_some(),
            "{message}"
        );
        assert!(hint.is_none_or(|hint| message.contains(hint)), "{message}");
    }
}

#[test]
fn canonical_octets_and_nothing_else() {
    let file = temporary(
        "c14n.xml",
        "<?xml version='1.0'?><a xmlns='urn:a' xmlns:b='urn:b'  z='1' y=\"2\"><!-- c --><b:c ID='x'/></a>",
    );
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let (exit, octets) = run(&["c14n", &file, "--method", exclusive]);
    let expected = br#"<a xmlns="urn:a" y="2" z="1"><b:c xmlns:b="urn:b" ID="x"></b:c></a>"#;
    assert_eq!((exit, octets.as_slice()), (0, &expected[..]));
    let (_, octets) = run(&["c14n", &file, "--method", exclusive, "--id", "x"]);
    assert_eq!(octets, br#"<b:c xmlns:b="urn:b" ID="x"></b:c>"#);
    let (_, octets) = run(&[
        "c14n",
        &file,
        "--method",
        exclusive,
        "--id",
        "x",
        "--inclusive-prefixes",
        "#default b",
    ]);
    assert_eq!(octets, br#"<b:c xmlns="urn:a" xmlns:b="urn:b" ID="x"></b:c>"#);
    let with_comments = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
    let (_, octets) = run(&["c14n", &file, "--method", with_comments]);
    assert!(octets.windows(10).any(|window| window == b"<!-- c -->"));
    assert_eq!(
        code_of(&json(&["c14n", &file, "--method", "urn:x"])),
        (2, "signature_alg_unsupported")
    );
    assert_eq!(
        code_of(&json(&["c14n", &file, "--method", exclusive, "--id", "y"])),
        (2, "id_unknown")
    );
    let broken = temporary("c14n-broken.xml", "<a>");
    assert_eq!(
        code_of(&json(&["c14n", &broken, "--method", exclusive])),
        (2, "xml_not_wellformed")
    );
}

#[test]
fn logout_messages_by_post() {
    let certificate = vector("keys/idp.cert.pem");
    let verify =
        |file: &str, more: &[&str]| json(&[&["verify-message", file, "--idp-cert", &certificate], more].concat());
    let all = ["--destination", "https://sp.example/slo", "--now", NOW];
    for name in ["cli/logout-request.xml", "cli/logout-request.base64"] {
        for more in [&all[..], &[]] {
            let (exit, accepted) = verify(&vector(name), more);
            assert_eq!((exit, &accepted["verdict"]), (0, &"accepted".into()), "{accepted}");
            assert_eq!(
                (&accepted["type"], &accepted["binding"]),
                (&"LogoutRequest".into(), &"post".into())
            );
            assert_eq!(
                (&accepted["name_id"], &accepted["signed"]),
                (&"ada@acme.test".into(), &true.into())
            );
            assert_eq!(accepted["session_indexes"], serde_json::json!(["_session"]));
        }
    }
    let file = vector("cli/logout-request.xml");
    for (more, expected) in [
        (
            &["--destination", "https://other.example/slo"][..],
            "destination_mismatch",
        ),
        (&["--now", "2026-07-01T12:08:00Z"], "expired"),
        (&["--now", "2026-07-01T11:56:59Z"], "not_yet_valid"),
    ] {
        assert_eq!(code_of(&verify(&file, more)), (1, expected), "{more:?}");
    }
    assert_eq!(
        code_of(&verify(&vector("cli/logout-request-unsigned.xml"), &[])),
        (1, "unsigned")
    );
    let signed = std::fs::read_to_string(&file).unwrap();
    let tampered = temporary("logout-tampered.xml", signed.replace("ada@", "eve@"));
    assert_eq!(code_of(&verify(&tampered, &[])), (1, "signature_bad_digest"));
    // Wrapped around a genuine assertion (attack A135).
    let assertion = std::fs::read_to_string(vector("cli/response-assertion-signed.xml")).unwrap();
    let start = assertion.find("<saml:Assertion").unwrap();
    let end = assertion.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    let forged = std::fs::read_to_string(vector("cli/logout-request-unsigned.xml")).unwrap();
    let forged = forged.replace(
        "<saml:NameID>",
        &format!(
            "<samlp:Extensions>{}</samlp:Extensions><saml:NameID>",
            &assertion[start..end]
        ),
    );
    assert_eq!(
        code_of(&verify(&temporary("logout-wrapped.xml", forged), &[])),
        (1, "signature_wrong_target")
    );
    assert_eq!(
        code_of(&verify(&vector("cli/response.xml"), &[])),
        (1, "response_malformed")
    );
    assert_eq!(code_of(&verify(&vector("no-such-file"), &[])), (2, "file_unreadable"));
    assert_eq!(code_of(&json(&["verify-message", &file])), (2, "usage"));
}

#[test]
fn logout_messages_in_a_query() {
    let certificate = vector("keys/idp.cert.pem");
    let verify = |query: &str| json(&["verify-message", query, "--idp-cert", &certificate]);
    let file = vector("cli/logout-request.query");
    let text = std::fs::read_to_string(&file).unwrap();
    let query = text.trim();
    for argument in [
        &file,
        query,
        &format!(" '{query}'\n"),
        &format!("?{query}"),
        &format!("https://sp.example/slo?{query}"),
        &format!("https://sp.example/slo?x=1&{query}#fragment"),
        &format!("{query}#"),
        // A question mark within the query, in a field that is not signed.
        &format!("{query}&next=https://sp.example/?a=b"),
    ] {
        let (exit, accepted) = verify(argument);
        assert_eq!((exit, &accepted["binding"]), (0, &"redirect".into()), "{accepted}");
        assert_eq!(
            (&accepted["relay_state"], &accepted["id"]),
            (&"a/b c".into(), &"_logout".into())
        );
    }
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    let message = signed.split_once('&').unwrap().0;
    for (changed, expected) in [
        // The signature covers the escapes as they are (attack A129).
        (query.replace("%2f", "%2F"), "signature_invalid"),
        (query.replace("a%2fb", "a%2fc"), "signature_invalid"),
        (query.replace("RelayState=a%2fb%20c&", ""), "signature_invalid"),
        (query.replace("rsa-sha256", "rsa-sha512"), "signature_invalid"),
        (
            query.replace(
                "%2f2001%2f04%2fxmldsig-more%23rsa-sha256",
                "%2f2000%2f09%2fxmldsig%23rsa-sha1",
            ),
            "signature_alg_weak",
        ),
        // One parameter, two readers (attack A130).
        (format!("{query}&RelayState=x"), "form_malformed"),
        (format!("{query}&{message}"), "form_malformed"),
        (format!("{query}&%53AMLRequest=x"), "form_malformed"),
        (format!("{query}&SAMLResponse=x"), "form_malformed"),
        (format!("{query}&Signature=x"), "form_malformed"),
        // Half of a signature (attack A131), and none.
        (signed.to_owned(), "form_malformed"),
        (format!("{message}&Signature={signature}"), "form_malformed"),
        (message.to_owned(), "unsigned"),
    ] {
        assert_ne!(changed, query);
        assert_eq!(code_of(&verify(&changed)), (1, expected), "{changed}");
    }
}

#[test]
fn what_is_encrypted() {
    let decrypt = |file: &str, key: &str| run(&["decrypt", file, "--key", key]);
    let file = vector("cli/encrypted.xml");
    assert_eq!(
        decrypt(&file, &vector("keys/idp.key.pem")),
        (0, b"what was hidden\n".to_vec())
    );
    let outcome = json(&["decrypt", &file, "--key", &vector("keys/other.key.pem")]);
    assert_eq!(code_of(&outcome), (1, "decryption_failed"));
    let outcome = json(&[
        "decrypt",
        &vector("cli/response.xml"),
        "--key",
        &vector("keys/idp.key.pem"),
    ]);
    assert_eq!(code_of(&outcome), (2, "input_unknown"));
    let data = "<EncryptedData xmlns='http://www.w3.org/2001/04/xmlenc#'/>";
    let outcome = json(&[
        "decrypt",
        &temporary("encrypted-nothing.xml", data),
        "--key",
        &vector("keys/idp.key.pem"),
    ]);
    assert_eq!(code_of(&outcome), (1, "encrypted_malformed"));
    assert_eq!(
        code_of(&json(&["decrypt", &file, "--key", &file])),
        (2, "key_malformed")
    );
    assert_eq!(code_of(&json(&["decrypt", &file])), (2, "usage"));
}

#[test]
fn what_metadata_says() {
    let (exit, listing) = json(&["metadata", &vector("cli/metadata.xml")]);
    assert_eq!(exit, 0);
    let [entity] = listing["entities"].as_array().unwrap().as_slice() else {
        panic!("{listing}")
    };
    assert_eq!(entity["entity_id"], OKTA_DEMO);
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let sso = serde_json::json!({"binding": redirect, "location": "https://acme.okta.example/sso"});
    assert!(entity["idp"]["sso"].as_array().unwrap().contains(&sso), "{entity}");
    let slo = serde_json::json!({"binding": redirect, "location": "https://acme.okta.example/slo"});
    assert!(entity["idp"]["slo"].as_array().unwrap().contains(&slo), "{entity}");
    assert_eq!(entity["idp"]["want_authn_requests_signed"], false);
    let certificate = &entity["idp"]["signing_certificates"][0];
    assert_eq!(
        certificate["sha256"],
        Idp::trusted().certificate.fingerprint().to_string()
    );
    assert_eq!(certificate["subject"], Idp::trusted().certificate.subject());
    assert!(certificate["not_after"].as_str().unwrap().ends_with('Z'));

    let nested = format!(
        "<EntitiesDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata'><EntityDescriptor entityID='urn:sp'><SPSSODescriptor \
         protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'/></EntityDescriptor><EntitiesDescriptor>{}\
         </EntitiesDescriptor></EntitiesDescriptor>",
        Idp::trusted().metadata()
    );
    let (_, listing) = json(&["metadata", &temporary("nested.xml", nested)]);
    assert_eq!(
        listing["entities"][0],
        serde_json::json!({"entity_id": "urn:sp", "idp": null})
    );
    assert_eq!(listing["entities"][1]["entity_id"], crate::support::idp::ENTITY_ID);
    for (name, text, expected) in [
        ("html", "<!DOCTYPE html><html></html>", "html_instead_of_xml"),
        ("other", "<a/>", "metadata_malformed"),
        ("broken", "<a>", "xml_not_wellformed"),
    ] {
        let file = temporary(&format!("metadata-{name}"), text);
        assert_eq!(code_of(&json(&["metadata", &file])), (2, expected));
    }
}

#[test]
fn explanations() {
    let (exit, explained) = json(&["explain", "audience_mismatch"]);
    assert_eq!(
        (exit, &explained["code"], &explained["who"]),
        (0, &"audience_mismatch".into(), &"customer".into())
    );
    for member in ["explanation", "okta", "entra", "google"] {
        assert!(explained[member].is_string(), "{member}");
    }
    let (exit, explained) = json(&["explain", "browser_mismatch"]);
    assert_eq!(
        (exit, &explained["who"], &explained["okta"]),
        (0, &"user".into(), &Value::Null)
    );
    let (exit, unknown) = json(&["explain", "no_such_code"]);
    assert_eq!((exit, &unknown["error"]["code"]), (2, &"unknown_code".into()));
    let codes = unknown["error"]["codes"].as_array().unwrap();
    assert!(codes.contains(&"unsigned".into()) && codes.contains(&"key_weak".into()));
}

/// Those that the tool alone has, too: `code_of` asks of every code in these tests that it is on the list.
#[test]
fn every_code_of_the_tool_is_explained() {
    for own in [
        "file_unreadable",
        "id_unknown",
        "input_unknown",
        "output",
        "unknown_code",
        "usage",
    ] {
        let (exit, explained) = json(&["explain", own]);
        assert_eq!(
            (exit, &explained["code"], &explained["who"]),
            (0, &own.into(), &"you".into())
        );
    }
    for code in codes() {
        assert_eq!(
            codes().iter().filter(|other| *other == code).count(),
            1,
            "{code} is listed twice"
        );
        let (exit, explained) = json(&["explain", code]);
        assert_eq!((exit, &explained["code"]), (0, &code.as_str().into()));
        let explanation = explained["explanation"].as_str().unwrap();
        assert!(
            explanation.ends_with('.') && explanation.contains(' '),
            "{code}: {explanation}"
        );
    }
}

#[test]
fn help() {
    for command in [
        "verify-response",
        "verify-xml",
        "c14n",
        "verify-message",
        "decrypt",
        "metadata",
        "explain",
    ] {
        let (exit, text) = run(&[command, "--help"]);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(exit, 0);
        assert!(text.contains(&format!("Usage: edge-saml {command} ")), "{text}");
        let (_, all) = run(&["--help"]);
        assert!(String::from_utf8(all).unwrap().contains(command));
    }
    assert_eq!(run(&["--version"]).0, 0);
}
