//! Canonicalisation against published and generated vectors, octet for octet.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::corpus::{self, Corpus};
use crate::suite::{Verdict, accepted, c14n};

#[test]
fn corpus() {
    let Some(corpus) = corpus::open() else { return };
    agrees(&corpus);
}

/// A second implementation, on documents that are made up, with the same seed each time.
#[test]
fn generated_documents_are_as_libxml2_has_them() {
    const COUNT: usize = 2000;
    const SEED: &str = "1";
    let is_there = "import ctypes.util, sys; sys.exit(ctypes.util.find_library('xml2') is None)";
    if !Command::new("python3")
        .args(["-c", is_there])
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("there is no python3, or it finds no libxml2: generated documents are skipped");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c14n-libxml2");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/c14n_libxml2.py");
    let made = Command::new("python3")
        .arg(script)
        .arg(&folder)
        .args([&COUNT.to_string(), SEED])
        .status();
    assert!(made.unwrap().success());
    let agreed = agrees(&Corpus::of_manifest(&folder.join("manifest.jsonl")));
    assert_eq!(agreed, COUNT, "none may be refused");
}

/// Checks that all cases are answered as they may be; how many canonical forms were equal.
fn agrees(corpus: &Corpus) -> usize {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in corpus.cases("c14n") {
        let answer = c14n::answer(corpus, &case).unwrap();
        let count = counts.entry(case["algs"][0].as_str().unwrap().to_owned()).or_default();
        match (answer.passes(&accepted(&case).unwrap()), answer.verdict) {
            (false, _) => {
                count[2] += 1;
                failures.push(format!("{}: {answer:?}, accepted is {}", case["id"], case["accept"]));
            }
            (true, Verdict::Valid) => count[0] += 1,
            (true, _) => count[1] += 1,
        }
    }
    for (algorithm, [equal, refused, failed]) in &counts {
        println!("{algorithm}: {equal} equal, {refused} refused as they may be, {failed} failed");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    counts.values().map(|[equal, ..]| equal).sum()
}
