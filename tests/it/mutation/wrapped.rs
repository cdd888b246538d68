//! Mutants made like the known wrapping attacks, with every choice left to chance.

use super::Material;
use super::nodes::{boundary, insert, wrap};
use super::random::Random;
use crate::support::seed::{Part, Parts, bare, edit, eve, evil, value};

/// Someone else's assertion somewhere, the genuine one somewhere, and the signature with either or neither.
pub(super) fn mutate(material: &Material, random: &mut Random) -> String {
    let (xml, parts) = (material.seed.xml.as_str(), &material.parts);
    let root = parts.root();
    let assertion = parts.child(root, "Assertion").unwrap();
    // What is wrapped: the assertion, or all of the response.
    let target = if random.one_in(4) { root } else { assertion };
    let genuine = if random.one_in(2) {
        xml[target.range.clone()].to_owned()
    } else {
        bare(xml, parts, target)
    };
    let evil = evil_twin(xml, parts, target, random);
    let (genuine, evil) = (
        in_hiding(&genuine, random),
        if random.one_in(3) {
            in_hiding(&evil, random)
        } else {
            evil
        },
    );
    match random.below(7) {
        // The evil one in place, the genuine one anywhere.
        0 | 1 => {
            let changed = edit(xml, &[(target.range.clone(), evil)]);
            anywhere(&changed, &genuine, random)
        }
        // Both in place, in either order.
        2 => edit(xml, &[(target.range.clone(), format!("{genuine}{evil}"))]),
        3 => edit(xml, &[(target.range.clone(), format!("{evil}{genuine}"))]),
        // The genuine one stays, the evil one anywhere.
        4 | 5 => insert(xml, boundary(xml, parts, random), &evil),
        // One within the other.
        _ => {
            let (outer, inner) = if random.one_in(2) {
                (&evil, &genuine)
            } else {
                (&genuine, &evil)
            };
            let nested = anywhere(outer, inner, random);
            edit(xml, &[(target.range.clone(), nested)])
        }
    }
}

/// `inner` after some tag of `outer`, well-formed or not.
fn anywhere(outer: &str, inner: &str, random: &mut Random) -> String {
    let ends: Vec<usize> = outer.match_indices('>').map(|(at, _)| at + 1).collect();
    let at = *random.choose(&ends);
    insert(outer, at, inner)
}

fn evil_twin(xml: &str, parts: &Parts, target: &Part, random: &mut Random) -> String {
    let with_signature = random.one_in(2);
    let text = if with_signature {
        xml[target.range.clone()].to_owned()
    } else {
        bare(xml, parts, target)
    };
    let text = if random.one_in(3) {
        eve(&text)
    } else {
        evil(&eve(&text))
    };
    let tag_id = value(&xml[target.tag.clone()], "ID");
    match random.below(5) {
        // The identifier in some other attribute, or in none.
        0 => text.replacen(" ID=", " Id=", 1),
        1 => text.replacen(" ID=", " xmlns:x=\"urn:x\" x:ID=", 1),
        2 => text.replacen(" ID=\"_evil\"", "", 1),
        3 => text.replace("\"_evil\"", &format!("\"{tag_id}\"")),
        _ => text,
    }
}

/// In one of the places where nobody looks.
fn in_hiding(text: &str, random: &mut Random) -> String {
    let name = random.word(&[
        "Extensions",
        "Advice",
        "Object",
        "x",
        "KeyInfo",
        "StatusDetail",
        "Evidence",
        "AttributeValue",
        "Signature",
        "Response",
    ]);
    if random.one_in(2) {
        wrap(name, text, random)
    } else {
        text.to_owned()
    }
}
