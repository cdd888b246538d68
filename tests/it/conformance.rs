//! The conformance runner: the whole conformance corpus by its own code, and what becomes of manifests that are not as
//! they should be.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{corpus, suite};

/// Every verdict is an accepted one, or listed with its reason; nothing that everyone refuses is accepted.
#[test]
fn every_verdict_is_accepted_or_excepted() {
    let Some(corpus) = corpus::open() else { return };
    let mut report = suite::Report::new();
    for (number, line) in corpus.lines().unwrap() {
        if let Some(line) = report.line(&corpus, number, &line) {
            assert!(line["id"].is_string() && line["pass"].is_boolean(), "{line}");
        }
    }
    println!("{}", report.summary());
    assert_eq!(report.wrongly_accepted(), Vec::<&str>::new());
    assert_eq!(report.failed(), 0, "{}", report.summary());
}

#[test]
fn each_exception_is_read() {
    let exceptions = include_str!("../../examples/conformance/exceptions.jsonl");
    for line in exceptions.lines() {
        let exception: Value = serde_json::from_str(line).unwrap();
        for member in ["id", "verdict", "code", "reason"] {
            assert!(exception[member].is_string(), "{line}");
        }
    }
}

/// Exit status, output and error output of the runner.
fn run(arguments: &[&str]) -> (u8, String, String) {
    let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = suite::command::run(&arguments, &mut stdout, &mut stderr);
    (
        status,
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// A folder with a canonical case of each verdict, and `manifest` as its manifest.
fn folder(name: &str, manifest: impl AsRef<[u8]>) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{name}"));
    std::fs::create_dir_all(folder.join("directory")).unwrap();
    std::fs::write(folder.join("a.xml"), "<a  b='c'/>").unwrap();
    std::fs::write(folder.join("a.c14n"), "<a b=\"c\"></a>").unwrap();
    std::fs::write(folder.join("other.c14n"), "<a></a>").unwrap();
    std::fs::write(folder.join("words"), "no JSON").unwrap();
    std::fs::write(folder.join("empty.json"), "{\"testGroups\":[]}").unwrap();
    let path = folder.join("manifest.jsonl");
    std::fs::write(&path, manifest).unwrap();
    path.to_str().unwrap().to_owned()
}

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A case whose verdict is valid, with `changed` members; null takes one away.
fn case(id: &str, changed: &Value) -> String {
    let mut case = json!({
        "id": id, "kind": "c14n", "file": "a.xml", "expected_file": "a.c14n", "algs": [EXCLUSIVE], "accept": ["valid"],
    });
    for (member, value) in changed.as_object().unwrap() {
        case[member] = value.clone();
    }
    case.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    case.to_string()
}

/// The JSON lines of an output, and the summary after them.
fn lines(stdout: &str) -> (Vec<Value>, &str) {
    let (lines, summary) = stdout.split_once("\n\n").unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), summary)
}

#[test]
fn a_case_that_cannot_be_run_is_told_of_and_the_others_are_run() {
    let crypto = |file: &str| json!({"kind": "crypto", "file": file, "accept": ["see-vectors"]});
    for (name, changed, why) in [
        ("file-missing", json!({"file": "nowhere.xml"}), "nowhere.xml: "),
        ("file-directory", json!({"file": "directory"}), "directory: "),
        ("no-file", json!({"file": null}), "no text \"file\""),
        ("file-number", json!({"file": 1}), "no text \"file\""),
        ("no-algs", json!({"algs": null}), "\"algs\""),
        ("empty-algs", json!({"algs": []}), "\"algs\""),
        ("no-expected", json!({"expected_file": null}), "\"expected_file\""),
        (
            "expected-missing",
            json!({"expected_file": "nowhere.c14n"}),
            "nowhere.c14n: ",
        ),
        ("no-kind", json!({"kind": null}), "no text \"kind\""),
        ("kind-unknown", json!({"kind": "saml-artifact"}), "saml-artifact"),
        ("crypto-words", crypto("words"), "words: "),
        ("crypto-empty", crypto("empty.json"), "no vectors"),
        ("crypto-missing", crypto("nowhere.json"), "nowhere.json: "),
        (
            "key-missing",
            json!({"kind": "dsig", "keys": [{"role": "trusted-cert", "file": "nowhere.pem"}]}),
            "nowhere.pem: ",
        ),
        (
            "key-no-role",
            json!({"kind": "dsig", "keys": [{"file": "a.xml"}]}),
            "no text \"role\"",
        ),
        (
            "response-missing",
            json!({"kind": "saml-response", "file": "nowhere.xml"}),
            "nowhere.xml: ",
        ),
        (
            "metadata-missing",
            json!({"kind": "saml-metadata", "file": "nowhere.xml"}),
            "nowhere.xml: ",
        ),
        (
            "xmlenc-missing",
            json!({"kind": "xmlenc", "file": "nowhere.xml"}),
            "nowhere.xml: ",
        ),
        (
            "logout-no-binding",
            json!({"kind": "saml-logout"}),
            "no text \"binding\"",
        ),
        ("verdicts-empty", json!({"accept": []}), "names no verdicts"),
        ("verdict-unknown", json!({"accept": ["fine"]}), "names no verdicts"),
        (
            "verdict-number",
            json!({"accept": null, "expect": 1}),
            "names no verdicts",
        ),
    ] {
        let manifest = format!("{}\n{}\n", case(name, &changed), case("good", &json!({})));
        let (status, stdout, stderr) = run(&[&folder(name, manifest)]);
        assert_eq!((status, &*stderr), (1, ""), "{name}");
        let (lines, summary) = lines(&stdout);
        let [bad, good] = &lines[..] else { panic!("{stdout}") };
        assert_eq!(
            (&bad["id"], &bad["verdict"], &bad["code"], &bad["pass"]),
            (
                &name.into(),
                &"unsupported".into(),
                &"case_unusable".into(),
                &false.into()
            ),
            "{bad}"
        );
        assert!(bad["detail"].as_str().unwrap().contains(why), "{bad}");
        assert_eq!(
            good,
            &json!({"id": "good", "kind": "c14n", "verdict": "valid", "code": "accepted", "pass": true})
        );
        assert!(
            summary.contains("\nall                  2      1                 0      1\n"),
            "{summary}"
        );
        assert!(summary.contains("invalid and accepted all the same: 0\n"), "{summary}");
        assert!(
            summary.contains(&format!("failed: {name}: cannot be run: ")),
            "{summary}"
        );
    }
}

#[test]
fn a_line_that_is_no_case_has_its_number_for_an_id() {
    let words = "no JSON\n\n[1]\r\n{\"kind\":\"c14n\"}\n\u{1F}\n".as_bytes();
    let manifest = [words, b"\xFF\xFE\n", case("good", &json!({})).as_bytes()].concat();
    let (status, stdout, _) = run(&[&folder("no-cases", manifest)]);
    assert_eq!(status, 1);
    let (lines, _) = lines(&stdout);
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "3", "4", "5", "6", "good"]);
    for line in &lines[..5] {
        assert_eq!(
            (&line["code"], &line["pass"]),
            (&"case_unusable".into(), &false.into()),
            "{line}"
        );
    }
    assert_eq!(lines[5]["pass"], true);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let manifest = format!("\u{FEFF}{}", case("good", &json!({})));
    let (status, stdout, _) = run(&[&folder("mark", manifest)]);
    assert_eq!((status, &lines(&stdout).0[0]["pass"]), (0, &true.into()), "{stdout}");
}

#[test]
fn without_accept_it_is_expect_that_decides() {
    for (accept, expect, file, expected) in [
        (json!(null), json!("valid"), "a.c14n", (0, "valid", true, 0)),
        (json!(null), json!("invalid"), "other.c14n", (0, "invalid", true, 0)),
        (json!(null), json!("valid"), "other.c14n", (1, "invalid", false, 0)),
        (json!(null), json!("unsupported"), "a.c14n", (1, "valid", false, 0)),
        (json!(null), json!("invalid"), "a.c14n", (1, "valid", false, 1)),
        (json!(["invalid"]), json!("valid"), "a.c14n", (1, "valid", false, 1)),
        (json!(["valid"]), json!("invalid"), "a.c14n", (0, "valid", true, 0)),
        // Answered all the same.
        (json!(null), json!(null), "a.c14n", (1, "valid", false, 0)),
        (json!(null), json!(null), "other.c14n", (1, "invalid", false, 0)),
    ] {
        let changed = json!({"accept": accept, "expect": expect, "expected_file": file});
        let (status, stdout, _) = run(&[&folder("expect", case("one", &changed))]);
        let (lines, summary) = lines(&stdout);
        let (exit, verdict, pass, wrongly) = expected;
        assert_eq!(
            (status, &lines[0]["verdict"], &lines[0]["pass"]),
            (exit, &verdict.into(), &pass.into()),
            "{changed}"
        );
        assert!(
            summary.contains(&format!("invalid and accepted all the same: {wrongly}\n")),
            "{changed} {summary}"
        );
    }
}

#[test]
fn requests_alone_are_not_answered() {
    let manifest = case(
        "request",
        &json!({"kind": "saml-request", "file": null, "accept": null}),
    );
    let (status, stdout, _) = run(&[&folder("request", manifest)]);
    assert_eq!(status, 0);
    assert!(
        stdout.contains("not answered, as they are an identity provider's: 1\n"),
        "{stdout}"
    );
}

#[test]
fn a_manifest_that_cannot_be_used_is_one_sentence() {
    let (empty, blank) = (folder("empty", ""), folder("blank", "\u{FEFF}\n \r\n"));
    let directory = env!("CARGO_TARGET_TMPDIR");
    let nowhere = format!("{directory}/no-such-manifest.jsonl");
    for arguments in [
        &[&*empty][..],
        &[&*blank],
        &[directory],
        &[&*nowhere],
        &[],
        &["--nonsense"],
        &["--nonsense", &*empty],
        &[&*empty, &*empty],
    ] {
        let (status, stdout, stderr) = run(arguments);
        assert_eq!(
            (status, &*stdout, stderr.lines().count()),
            (2, "", 1),
            "{arguments:?} {stderr}"
        );
    }
    for help in ["--help", "-h"] {
        let (status, stdout, stderr) = run(&[help]);
        assert_eq!((status, &*stderr), (0, ""));
        assert!(stdout.contains("Usage: conformance MANIFEST.jsonl"), "{stdout}");
    }
}

/// Each write is noted, and what is flushed is told apart from what is not.
#[derive(Default)]
struct Flushed {
    waiting: String,
    lines: Vec<String>,
}

impl std::io::Write for Flushed {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.waiting.push_str(str::from_utf8(octets).unwrap());
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.lines.push(std::mem::take(&mut self.waiting));
        Ok(())
    }
}

#[test]
fn a_line_is_printed_as_it_is_made() {
    let manifest = [case("one", &json!({})), case("two", &json!({}))].join("\n");
    let mut stdout = Flushed::default();
    let arguments = [folder("flushed", manifest).into()];
    assert_eq!(suite::command::run(&arguments, &mut stdout, &mut Vec::new()), 0);
    let [one, two] = &stdout.lines[..] else {
        panic!("{:?}", stdout.lines)
    };
    assert!(one.contains("\"one\"") && !one.contains("\"two\"") && two.contains("\"two\""));
}
