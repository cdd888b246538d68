//! The whole conformance corpus, by the conformance runner's own code.

use crate::{corpus, suite};

/// Every verdict is an accepted one, or listed with its reason; nothing that everyone refuses is accepted.
#[test]
fn every_verdict_is_accepted_or_excepted() {
    let Some(corpus) = corpus::open() else { return };
    let report = suite::run(&corpus);
    println!("{}", report.summary());
    assert_eq!(report.wrongly_accepted(), Vec::<&str>::new());
    assert_eq!(report.failed(), 0, "{}", report.summary());
    assert!(
        report
            .lines
            .iter()
            .all(|line| line["id"].is_string() && line["pass"].is_boolean())
    );
}
