//! Pairs of tricks, each made on top of the other: chains are how fixes were passed by.
//!
//! There is no one code for a pair. What holds for all of them: whatever is accepted is what was signed, and a pair with a
//! trick that is refused alone is refused.

use std::collections::BTreeMap;

use edge_saml::xml::names::SAML;

use crate::support::seed::{Parts, SEEDS, bare, edit, eve, evil, judge, value};

/// A trick on any text that still has a response with an assertion; none when there is nothing to do it to.
type Trick = fn(&str) -> Option<String>;

const TRICKS: [(&str, Trick); 8] = [
    ("a03", evil_sibling),
    ("a12", twins),
    ("a16", second_signature_with_object),
    ("a26", polluted_identifier),
    ("a42", comment_in_name_id),
    ("a52", default_namespace_twice),
    ("a53", prefixed_xmlns),
    ("a59", twin_prefix),
];

#[test]
fn pairs() {
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in &*SEEDS {
        for (first_name, first) in TRICKS {
            for (second_name, second) in TRICKS {
                let Some(xml) = first(&seed.xml).and_then(|once| second(&once)) else {
                    *codes.entry("not possible").or_default() += 1;
                    continue;
                };
                let code = match judge(xml.as_bytes()) {
                    Ok(said) => {
                        assert_eq!(said, seed.said, "{}: {first_name} then {second_name}", seed.name);
                        "accepted"
                    }
                    Err(code) => code,
                };
                // Alone, only a pollution or a declaration around what is signed changes nothing.
                let is_harmless = |name: &str| matches!(name, "a26" | "a59");
                let may_pass = is_harmless(first_name) && is_harmless(second_name);
                assert!(
                    may_pass || code != "accepted",
                    "{}: {first_name} then {second_name}",
                    seed.name
                );
                *codes.entry(code).or_default() += 1;
            }
        }
    }
    println!("{codes:?}");
    for code in [
        "response_malformed",
        "duplicate_id",
        "comment_forbidden",
        "xml_not_wellformed",
    ] {
        assert!(codes.get(code).is_some_and(|count| *count > 50), "{code}: {codes:?}");
    }
    let possible: usize = codes.values().sum::<usize>() - codes.get("not possible").copied().unwrap_or(0);
    assert!(possible > SEEDS.len() * 40, "{codes:?}");
}

fn evil_sibling(xml: &str) -> Option<String> {
    let parts = Parts::read(xml)?;
    let assertion = parts.child(parts.root(), "Assertion")?;
    let at = assertion.range.start;
    Some(edit(xml, &[(at..at, evil(&bare(xml, &parts, assertion)))]))
}

fn twins(xml: &str) -> Option<String> {
    let parts = Parts::read(xml)?;
    let assertion = parts.child(parts.root(), "Assertion")?;
    let at = assertion.range.end;
    Some(edit(xml, &[(at..at, eve(&xml[assertion.range.clone()]))]))
}

fn second_signature_with_object(xml: &str) -> Option<String> {
    let parts = Parts::read(xml)?;
    let assertion = parts.child(parts.root(), "Assertion")?;
    let signature = parts.all().iter().find(|part| part.local_name == "Signature")?;
    let value = parts.all().iter().find(|part| part.local_name == "SignatureValue")?;
    let object = format!(
        "<d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\"><d:SignatureValue>{}/d:SignatureValue><d:Object>{}</d:Object>\
         </d:Signature>",
        &xml[value.tag.end..value.range.end].split_inclusive('<').next().unwrap(),
        evil(&bare(xml, &parts, assertion)),
    );
    let at = signature.range.end;
    Some(edit(xml, &[(at..at, object)]))
}

fn polluted_identifier(xml: &str) -> Option<String> {
    let parts = Parts::read(xml)?;
    let tag = &xml[parts.root().tag.clone()];
    let id = value(tag, "ID");
    let own = format!(" ID=\"{id}\"");
    let polluted = tag.replacen(&own, &format!(" xmlns:x=\"urn:example:x\" x:ID=\"_evil\"{own}"), 1);
    (!tag.contains("x:ID")).then(|| edit(xml, &[(parts.root().tag.clone(), polluted)]))
}

fn comment_in_name_id(xml: &str) -> Option<String> {
    let at = xml.find("NameID>").filter(|at| xml[..*at].ends_with(['/', ':']))?;
    let at = xml[..at].rfind("</")?;
    Some(edit(xml, &[(at..at, "<!---->.evil.example".to_owned())]))
}

fn default_namespace_twice(xml: &str) -> Option<String> {
    let at = xml.find("Conditions ")? + "Conditions".len();
    Some(edit(
        xml,
        &[(at..at, format!(" xmlns=\"urn:example:x\" xmlns=\"{SAML}\""))],
    ))
}

fn prefixed_xmlns(xml: &str) -> Option<String> {
    let at = xml.find("Conditions ")? + "Conditions".len();
    Some(edit(xml, &[(at..at, " p:xmlns=\"urn:example:x\"".to_owned())]))
}

fn twin_prefix(xml: &str) -> Option<String> {
    let at = xml.find("Conditions ")? + "Conditions".len();
    (!xml.contains("xmlns:twin")).then(|| edit(xml, &[(at..at, format!(" xmlns:twin=\"{SAML}\""))]))
}
