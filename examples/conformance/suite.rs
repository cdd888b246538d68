//! Conformance cases and what the product says of them.
//!
//! A case is answered from its inputs alone: `expect`, `accept` and `expected` are read to count, never to answer. Of
//! canonicalisation alone, the expected octets are an input: they are the only way to tell a right form from a wrong one.

#[path = "suite/c14n.rs"]
pub(crate) mod c14n;
#[path = "suite/command.rs"]
pub(crate) mod command;
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

use corpus::{Corpus, Unusable, optional_text, text};
use serde_json::{Value, json};

/// What the product refuses on purpose although others accept it.
const EXCEPTIONS: &str = include_str!("exceptions.jsonl");

/// The kinds that are answered, each by its file.
const KINDS: [&str; 7] = [
    "c14n",
    "crypto",
    "dsig",
    "saml-logout",
    "saml-metadata",
    "saml-response",
    "xmlenc",
];

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

    /// Whether it is one of the answers that are accepted.
    pub(crate) fn passes(&self, accepted: &[&str]) -> bool {
        let is_accepted = match accepted {
            ["see-vectors"] => self.verdict == Verdict::Valid,
            _ => accepted.contains(&self.verdict.as_str()),
        };
        is_accepted && self.difference.is_none()
    }
}

/// The verdicts that a case accepts: those of `accept` or, without it, the one of `expect`. A case with neither is answered
/// like any other, and passes with nothing.
pub(crate) fn accepted(case: &Value) -> Result<Vec<&str>, Unusable> {
    let accepted: Option<Vec<&str>> = match (case.get("accept"), case.get("expect")) {
        (Some(Value::Array(accept)), _) => accept.iter().map(Value::as_str).collect(),
        (None, Some(Value::String(expect))) => Some(vec![expect]),
        (None, None) => return Ok(Vec::new()),
        _ => None,
    };
    let is_known = |verdict: &&str| ["valid", "invalid", "unsupported", "see-vectors"].contains(verdict);
    accepted
        .filter(|accepted| !accepted.is_empty() && accepted.iter().all(is_known))
        .ok_or_else(|| Unusable("\"accept\" or \"expect\" names no verdicts, or others than there are".to_owned()))
}

/// Answers one case; none for a message that only an identity provider answers.
pub(crate) fn answer(corpus: &Corpus, case: &Value) -> Result<Option<Answer>, Unusable> {
    match text(case, "kind")? {
        "c14n" => c14n::answer(corpus, case),
        "crypto" => crypto::answer(corpus, case),
        "dsig" => dsig::answer(corpus, case),
        "saml-logout" => logout::answer(corpus, case),
        "saml-metadata" => metadata::answer(corpus, case),
        "saml-request" => return Ok(None),
        "saml-response" => response::answer(corpus, case),
        "xmlenc" => xmlenc::answer(corpus, case),
        kind => Err(Unusable(format!("a kind that is not known: {kind:?}"))),
    }
    .map(Some)
}

/// The counts.
pub(crate) struct Report {
    exceptions: Vec<Value>,
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

/// What counts the lines that are no case of any kind.
const NO_KIND: &str = "(no known kind)";

impl Report {
    /// Nothing counted yet. What is refused on purpose is part of the program; a test reads all of it.
    pub(crate) fn new() -> Self {
        let exceptions = EXCEPTIONS.lines().map(serde_json::from_str);
        Self {
            exceptions: exceptions.filter_map(Result::ok).collect(),
            kinds: BTreeMap::new(),
            not_answered: 0,
        }
    }

    /// Answers one line of the manifest and counts it; none for what only an identity provider answers.
    pub(crate) fn line(&mut self, corpus: &Corpus, number: usize, line: &[u8]) -> Option<Value> {
        let case = match serde_json::from_slice(line) {
            Ok(case @ Value::Object(_)) => case,
            Ok(_) => return Some(self.unusable(&Value::Null, number, &Unusable("no JSON object".to_owned()))),
            Err(error) => return Some(self.unusable(&Value::Null, number, &Unusable(format!("no JSON: {error}")))),
        };
        match self.case(corpus, &case) {
            Ok(line) => line,
            Err(unusable) => Some(self.unusable(&case, number, &unusable)),
        }
    }

    fn case(&mut self, corpus: &Corpus, case: &Value) -> Result<Option<Value>, Unusable> {
        let (id, kind) = (text(case, "id")?, text(case, "kind")?);
        let Some(answer) = answer(corpus, case)? else {
            self.not_answered = self.not_answered.saturating_add(1);
            return Ok(None);
        };
        let accepted = accepted(case)?;
        let pass = answer.passes(&accepted);
        let verdict = answer.verdict.as_str();
        let exception = self.exceptions.iter().find(|exception| {
            exception["id"] == id && exception["verdict"] == verdict && exception["code"] == answer.code.as_str()
        });
        let mut line = json!({"id": id, "kind": kind, "verdict": verdict, "code": answer.code, "pass": pass});
        let counts = self.kinds.entry(kind.to_owned()).or_default();
        counts.cases = counts.cases.saturating_add(1);
        match exception {
            _ if pass => counts.passed = counts.passed.saturating_add(1),
            Some(exception) if answer.verdict != Verdict::Valid => {
                counts.refused_by_policy = counts.refused_by_policy.saturating_add(1);
                line["policy"] = exception["reason"].clone();
            }
            _ => {
                counts.failed.push(format!(
                    "{id}: {verdict} ({}: {}){}, accepted is {accepted:?}",
                    answer.code,
                    answer.detail,
                    answer
                        .difference
                        .as_deref()
                        .map(|difference| format!(", {difference}"))
                        .unwrap_or_default(),
                ));
                line["detail"] = answer.detail.clone().into();
            }
        }
        let is_invalid = !accepted.is_empty() && accepted.iter().all(|accepted| *accepted == "invalid");
        if answer.verdict == Verdict::Valid && is_invalid {
            counts.wrongly_accepted.push(id.to_owned());
        }
        if let Some(difference) = answer.difference {
            line["difference"] = difference.into();
        }
        Ok(Some(line))
    }

    /// What is said of a line that is no case, or of a case that cannot be run. It fails: nothing is known of it.
    fn unusable(&mut self, case: &Value, number: usize, Unusable(why): &Unusable) -> Value {
        let number = number.to_string();
        let id = optional_text(case, "id").unwrap_or(&number);
        let kind = optional_text(case, "kind");
        let counts = kind.filter(|kind| KINDS.contains(kind)).unwrap_or(NO_KIND);
        let counts = self.kinds.entry(counts.to_owned()).or_default();
        counts.cases = counts.cases.saturating_add(1);
        counts.failed.push(format!("{id}: cannot be run: {why}"));
        json!({
            "id": id,
            "kind": kind,
            "verdict": Verdict::Unsupported.as_str(),
            "code": "case_unusable",
            "pass": false,
            "detail": why,
        })
    }

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
        let row = |kind: &str, counts: [usize; 4]| {
            let [cases, passed, refused, failed] = counts;
            format!("{kind:<15} {cases:>6} {passed:>6} {refused:>17} {failed:>6}\n")
        };
        let sum = |count: fn(&Counts) -> usize| self.kinds.values().map(count).sum();
        let all = [
            sum(|counts| counts.cases),
            sum(|counts| counts.passed),
            sum(|counts| counts.refused_by_policy),
            self.failed(),
        ];
        let mut rows = vec![format!(
            "{:<15} {:>6} {:>6} {:>17} {:>6}\n",
            "kind", "cases", "passed", "refused by policy", "failed"
        )];
        rows.extend(self.kinds.iter().map(|(kind, counts)| {
            let failed = counts.failed.len();
            row(kind, [counts.cases, counts.passed, counts.refused_by_policy, failed])
        }));
        rows.push(row("all", all));
        rows.push(format!(
            "not answered, as they are an identity provider's: {}\n",
            self.not_answered
        ));
        rows.push(format!(
            "invalid and accepted all the same: {}\n",
            self.wrongly_accepted().len()
        ));
        let failed = self.kinds.values().flat_map(|counts| &counts.failed);
        rows.extend(failed.map(|failed| format!("failed: {failed}\n")));
        rows.concat()
    }
}
