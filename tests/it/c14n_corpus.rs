//! Canonicalisation against published and generated vectors, octet for octet.

use std::collections::BTreeMap;

use crate::corpus;
use crate::suite::{Verdict, accepted, c14n};

#[test]
fn corpus() {
    let Some(corpus) = corpus::open() else { return };
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in corpus.cases("c14n") {
        let answer = c14n::answer(&corpus, &case).unwrap();
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
    for (algorithm, [equal, refused, failed]) in counts {
        println!("{algorithm}: {equal} equal, {refused} refused as they may be, {failed} failed");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
