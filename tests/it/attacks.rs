//! The catalogue of attacks, one test each, on responses that other software signed.
//!
//! Each attack is built by edits of byte spans, for every seed that it applies to, and must be refused with exactly its
//! code. Where another rule would answer first, a document that is signed all right by [`Idp`] isolates the rule.
//! Whatever is accepted must say exactly what its identity provider signed. [`coverage`] tells where each entry of the
//! catalogue is tested.
//!
//! [`Idp`]: crate::support::idp::Idp

mod algorithms;
mod combinations;
mod coverage;
mod metadata;
mod parser;
mod protocol;
mod references;
mod sign_in;
mod signature;
mod wrapping;

use std::ops::Range;

use edge_saml::xml::names::INCLUSIVE_C14N_10;

use crate::support::idp::{Idp, Message};
use crate::support::seed::{self, Part, Parts, SEEDS, Seed, bare, edit, judge};

/// A seed, taken apart.
struct Doc {
    seed: &'static Seed,
    xml: &'static str,
    parts: Parts,
    root: Part,
    assertion: Part,
    /// The assertion's own signature.
    own: Option<Part>,
    /// The response's signature.
    whole: Option<Part>,
}

impl Doc {
    fn of(seed: &'static Seed) -> Self {
        let parts = Parts::of(&seed.xml);
        let root = parts.root().clone();
        let assertion = parts.child(&root, "Assertion").unwrap().clone();
        Self {
            seed,
            xml: &seed.xml,
            own: parts.signature(&assertion).cloned(),
            whole: parts.signature(&root).cloned(),
            root,
            assertion,
            parts,
        }
    }

    fn text(&self, part: &Part) -> &'static str {
        &self.xml[part.range.clone()]
    }

    /// Only the assertion is signed.
    fn only_own(&self) -> bool {
        self.whole.is_none()
    }

    /// Canonicalised with what is declared around.
    fn is_inclusive(&self) -> bool {
        self.xml.contains(INCLUSIVE_C14N_10)
    }

    /// The signature that is looked at first: the response's where it has one.
    fn signature(&self) -> &Part {
        self.whole.as_ref().or(self.own.as_ref()).unwrap()
    }

    fn part(&self, local_name: &str) -> &Part {
        self.parts.first(local_name).unwrap()
    }

    /// The first element of this name in `around`.
    fn part_in(&self, around: &Part, local_name: &str) -> &Part {
        let inside = |part: &&Part| around.range.start <= part.range.start && part.range.end <= around.range.end;
        let mut parts = self.parts.all().iter().filter(inside);
        parts.find(|part| part.local_name == local_name).unwrap()
    }

    fn status(&self) -> &Part {
        self.parts.child(&self.root, "Status").unwrap()
    }

    /// `new` in place of `part`.
    fn replace(&self, part: &Part, new: &str) -> String {
        edit(self.xml, &[(part.range.clone(), new.to_owned())])
    }

    fn edit(&self, edits: &[(Range<usize>, &str)]) -> String {
        let edits: Vec<_> = edits
            .iter()
            .map(|(range, new)| (range.clone(), (*new).to_owned()))
            .collect();
        edit(self.xml, &edits)
    }

    /// `new` right before `part`.
    fn before(&self, part: &Part, new: &str) -> String {
        self.edit(&[(part.range.start..part.range.start, new)])
    }

    /// `new` right after `part`.
    fn after(&self, part: &Part, new: &str) -> String {
        self.edit(&[(part.range.end..part.range.end, new)])
    }

    /// Where a child put first into `part` begins.
    fn inside(part: &Part) -> Range<usize> {
        part.tag.end..part.tag.end
    }

    /// Where a child put last into `part` begins.
    fn end_of(&self, part: &Part) -> Range<usize> {
        let at = part.range.start + self.text(part).rfind("</").unwrap();
        at..at
    }

    /// What stands between the tags of `part`.
    fn content(&self, part: &Part) -> Range<usize> {
        part.tag.end..self.end_of(part).end
    }

    /// The assertion, without its signature.
    fn bare_assertion(&self) -> String {
        bare(self.xml, &self.parts, &self.assertion)
    }

    /// An assertion about someone else, unsigned, under another `ID`.
    fn evil_assertion(&self) -> String {
        seed::evil(&self.bare_assertion())
    }

    /// The assertion as it is signed, but about someone else; the signature and the `ID` are left as they are.
    fn eve_assertion(&self) -> String {
        let text = self.text(&self.assertion);
        let Some(own) = &self.own else { return seed::eve(text) };
        let start = self.assertion.range.start;
        let (from, to) = (own.range.start - start, own.range.end - start);
        format!(
            "{}{}{}",
            seed::eve(&text[..from]),
            &text[from..to],
            seed::eve(&text[to..])
        )
    }

    /// The `ID` of the element whose signature is `signature`.
    fn id_of(&self, signature: &Part) -> &'static str {
        let home = if self.own.as_ref().is_some_and(|own| own.range == signature.range) {
            &self.assertion
        } else {
            &self.root
        };
        seed::value(&self.xml[home.tag.clone()], "ID")
    }

    /// `text` in an extension that nobody knows, first in the response's extensions.
    fn extension(&self, text: &str) -> String {
        let prefix = self.text(&self.root)[1..]
            .split_once(':')
            .map(|(prefix, _)| prefix)
            .unwrap();
        self.before(
            self.status(),
            &format!("<{prefix}:Extensions>{text}</{prefix}:Extensions>"),
        )
    }
}

/// The documents that an attack makes of a seed, each with the code that it must be refused with.
type Made = Vec<(&'static str, String)>;

/// Makes an attack of every seed and checks the verdicts. `accepted` as a code asks for the seed's own identity.
fn attack(make: impl Fn(&Doc) -> Made) {
    attack_octets(|doc| {
        make(doc)
            .into_iter()
            .map(|(code, xml)| (code, xml.into_bytes()))
            .collect()
    });
}

/// As [`attack`], for what is no text.
fn attack_octets(make: impl Fn(&Doc) -> Vec<(&'static str, Vec<u8>)>) {
    let mut count = 0;
    for seed in &*SEEDS {
        for (at, (expected, octets)) in make(&Doc::of(seed)).into_iter().enumerate() {
            assert_ne!(octets, seed.xml.as_bytes(), "{}, {at}: nothing was changed", seed.name);
            check(seed, at, expected, &octets);
            count += 1;
        }
    }
    assert!(count > 0, "no seed fits");
}

fn check(seed: &Seed, at: usize, expected: &str, octets: &[u8]) {
    let verdict = judge(octets);
    let code = verdict.as_ref().map_or_else(|code| *code, |_| "accepted");
    let is_other = verdict.is_ok_and(|said| said != seed.said);
    if is_other || code != expected {
        let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/attack.xml");
        std::fs::write(file, octets).unwrap();
        panic!(
            "{}, {at}: {code}, not {expected}; another identity: {is_other}; see {file}",
            seed.name
        );
    }
}

/// A message that our own identity provider signs after it was made evil.
fn edited(from: &str, to: &str) -> String {
    let xml = Message::default().to_xml();
    assert!(xml.contains(from), "{from}");
    xml.replacen(from, to, 1)
}

/// The code for a response that our own identity provider signed, the assertion alone, with an edit made before.
fn signed(from: &str, to: &str) -> &'static str {
    seed::code(Idp::trusted().sign(&edited(from, to), "_assertion"))
}
