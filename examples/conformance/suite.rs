//! Conformance cases and what the product says of them.
//!
//! A case is answered from its inputs alone: `expect`, `accept` and `expected` are read afterwards, to count.

#[path = "suite/c14n.rs"]
pub(crate) mod c14n;
#[path = "suite/corpus.rs"]
pub(crate) mod corpus;
#[path = "suite/crypto.rs"]
pub(crate) mod crypto;
#[path = "suite/dsig.rs"]
pub(crate) mod dsig;
#[path = "suite/logout.rs"]
pub(crate) mod logout;
#[path = "suite/metadata.rs"]
pub(crate) mod metadata;
#[path = "suite/response.rs"]
pub(crate) mod response;
#[path = "suite/xmlenc.rs"]
pub(crate) mod xmlenc;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use corpus::{Corpus, list, text};
use serde_json::{Value, json};

/// What the product refuses on purpose although others accept it.
const EXCEPTIONS: &str = include_str!("exceptions.jsonl");

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Valid,
    Invalid,
    Unsupported,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What the product says of a case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) code: String,
    pub(crate) detail: String,
    /// For a valid case, how what was read differs from `expected`.
    pub(crate) difference: Option<String>,
}

impl Answer {
    pub(crate) fn new(verdict: Verdict, code: impl Into<String>, detail: &impl ToString) -> Self {
        Self {
            verdict,
            code: code.into(),
            detail: detail.to_string(),
            difference: None,
        }
    }

    pub(crate) fn valid(difference: Option<String>) -> Self {
        Self {
            difference,
            ..Self::new(Verdict::Valid, "accepted", &"")
        }
    }

    /// Whether it is an accepted answer to `case`.
    pub(crate) fn passes(&self, case: &Value) -> bool {
        let accept = list(case, "accept");
        let is_accepted = match accept {
            [only] if only == "see-vectors" => self.verdict == Verdict::Valid,
            _ => accept.iter().any(|accepted| accepted == self.verdict.as_str()),
        };
        is_accepted && self.difference.is_none()
    }
}

/// Answers one case; none for a kind that is not a service provider's.
pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Option<Answer> {
    Some(match text(case, "kind") {
        "c14n" => c14n::answer(corpus, case),
        "crypto" => crypto::answer(corpus, case),
        "dsig" => dsig::answer(corpus, case),
        "saml-logout" => logout::answer(corpus, case),
        "saml-metadata" => metadata::answer(corpus, case),
        "saml-response" => response::answer(corpus, case),
        "xmlenc" => xmlenc::answer(corpus, case),
        _ => return None,
    })
}

/// One line a case, and the counts.
pub(crate) struct Report {
    pub(crate) lines: Vec<Value>,
    kinds: BTreeMap<String, Counts>,
    not_answered: usize,
}

#[derive(Default)]
struct Counts {
    cases: usize,
    passed: usize,
    refused_by_policy: usize,
    failed: Vec<String>,
    /// Invalid by everyone's judgement, and accepted here.
    wrongly_accepted: Vec<String>,
}

/// Answers every case.
pub(crate) fn run(corpus: &Corpus) -> Report {
    let exceptions: Vec<Value> = EXCEPTIONS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut report = Report {
        lines: Vec::new(),
        kinds: BTreeMap::new(),
        not_answered: 0,
    };
    for case in corpus.all_cases() {
        let (id, kind) = (text(&case, "id"), text(&case, "kind"));
        let Some(answer) = answer(corpus, &case) else {
            report.not_answered += 1;
            continue;
        };
        let pass = answer.passes(&case);
        let verdict = answer.verdict.as_str();
        let exception = exceptions.iter().find(|exception| {
            text(exception, "id") == id
                && text(exception, "verdict") == verdict
                && text(exception, "code") == answer.code
        });
        let mut line = json!({"id": id, "kind": kind, "verdict": verdict, "code": answer.code, "pass": pass});
        let counts = report.kinds.entry(kind.to_owned()).or_default();
        counts.cases += 1;
        match exception {
            _ if pass => counts.passed += 1,
            Some(exception) if answer.verdict != Verdict::Valid => {
                counts.refused_by_policy += 1;
                line["policy"] = exception["reason"].clone();
            }
            _ => {
                counts.failed.push(format!(
                    "{id}: {verdict} ({}: {}){}, accepted is {}",
                    answer.code,
                    answer.detail,
                    answer
                        .difference
                        .as_deref()
                        .map(|difference| format!(", {difference}"))
                        .unwrap_or_default(),
                    case["accept"]
                ));
                line["detail"] = answer.detail.clone().into();
            }
        }
        let is_invalid = list(&case, "accept").iter().all(|accepted| accepted == "invalid");
        if answer.verdict == Verdict::Valid && is_invalid {
            counts.wrongly_accepted.push(id.to_owned());
        }
        if let Some(difference) = answer.difference {
            line["difference"] = difference.into();
        }
        report.lines.push(line);
    }
    report
}

impl Report {
    /// How many verdicts are neither accepted nor excepted.
    pub(crate) fn failed(&self) -> usize {
        self.kinds.values().map(|counts| counts.failed.len()).sum()
    }

    /// The cases that must be refused and were not.
    pub(crate) fn wrongly_accepted(&self) -> Vec<&str> {
        self.kinds
            .values()
            .flat_map(|counts| &counts.wrongly_accepted)
            .map(String::as_str)
            .collect()
    }

    /// A table by kind, then what failed.
    pub(crate) fn summary(&self) -> String {
        let mut summary = format!(
            "{:<15} {:>6} {:>6} {:>17} {:>6}\n",
            "kind", "cases", "passed", "refused by policy", "failed"
        );
        let mut row = |kind: &str, cases: usize, passed: usize, refused: usize, failed: usize| {
            writeln!(summary, "{kind:<15} {cases:>6} {passed:>6} {refused:>17} {failed:>6}").unwrap();
        };
        let sum = |count: fn(&Counts) -> usize| self.kinds.values().map(count).sum();
        for (kind, counts) in &self.kinds {
            row(
                kind,
                counts.cases,
                counts.passed,
                counts.refused_by_policy,
                counts.failed.len(),
            );
        }
        row(
            "all",
            sum(|c| c.cases),
            sum(|c| c.passed),
            sum(|c| c.refused_by_policy),
            self.failed(),
        );
        writeln!(
            summary,
            "not answered, as they are an identity provider's: {}",
            self.not_answered
        )
        .unwrap();
        writeln!(
            summary,
            "invalid and accepted all the same: {}",
            self.wrongly_accepted().len()
        )
        .unwrap();
        for failed in self.kinds.values().flat_map(|counts| &counts.failed) {
            writeln!(summary, "failed: {failed}").unwrap();
        }
        summary
    }
}
