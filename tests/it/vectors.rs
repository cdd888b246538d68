//! The stored responses: all of `tests/vectors/accept` says what its identity provider was told to say, and all of
//! `tests/vectors/reject` is refused with the code that its name begins with.

use std::collections::BTreeMap;
use std::path::Path;

use edge_saml::saml::assertion::AttributeValue;
use edge_saml::saml::time::Timestamp;
use serde::Deserialize;

use crate::support::seed::{Said, folders, judge_at};

/// `case.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    now: String,
    accept: Option<Identity>,
    reject: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    name_id: String,
    attributes: BTreeMap<String, Vec<String>>,
}

#[test]
fn what_is_accepted_says_what_was_signed() {
    let folders = folders("accept");
    assert!(folders.len() >= 20, "{}", folders.len());
    for folder in folders {
        let (case, octets) = read(&folder);
        let said = judge_at(&octets, now(&case)).unwrap_or_else(|reject| panic!("{}: {reject}", folder.display()));
        assert_eq!(Some(identity(&said)), case.accept, "{}", folder.display());
        assert_eq!(case.reject, None, "{}", folder.display());
    }
}

#[test]
fn what_is_refused_is_refused_by_its_code() {
    let folders = folders("reject");
    assert!(folders.len() >= 12, "{}", folders.len());
    for folder in folders {
        let (case, octets) = read(&folder);
        let verdict = judge_at(&octets, now(&case))
            .err()
            .map(|reject| reject.code().as_str().to_owned());
        assert_eq!(verdict, case.reject, "{}", folder.display());
        assert_eq!(case.accept, None, "{}", folder.display());
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.split_once('-').map(|(code, _)| code), case.reject.as_deref());
    }
}

fn read(folder: &Path) -> (Case, Vec<u8>) {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["case.json", "response.xml"], "{}", folder.display());
    let case = std::fs::read(folder.join("case.json")).unwrap();
    let case = serde_json::from_slice(&case).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    (case, std::fs::read(folder.join("response.xml")).unwrap())
}

fn now(case: &Case) -> i64 {
    Timestamp::parse_rfc3339(&case.now).unwrap().unix_seconds()
}

/// An attribute that comes twice has its values joined, as a map knows each name once.
fn identity(said: &Said) -> Identity {
    let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for attribute in &said.assertion.attributes {
        let text = |value: &AttributeValue| value.as_text().unwrap().to_owned();
        let values = attributes.entry(attribute.name.clone()).or_default();
        values.extend(attribute.values.iter().map(text));
    }
    Identity {
        name_id: said.assertion.name_id.as_ref().unwrap().value.clone(),
        attributes,
    }
}
