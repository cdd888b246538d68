//! Mutations of octets, and splices of two seeds.

use super::random::Random;
use super::{MATERIAL, Material, Mutant, nodes};

pub(super) fn mutate(material: &Material, random: &mut Random) -> Mutant {
    let xml = material.seed.xml.as_str();
    let mut from = vec![material.seed];
    let mut octets = xml.as_bytes().to_vec();
    match random.below(12) {
        0 | 1 => {
            for _ in 0..=random.below(4) {
                let at = random.below(octets.len());
                octets[at] ^= 1 << random.below(8);
            }
        }
        2 => {
            let at = random.below(octets.len());
            octets[at] = random.octet();
        }
        3 => {
            let at = random.below(octets.len());
            octets.insert(at, random.octet());
        }
        4 => {
            let range = random.range(octets.len());
            octets.drain(range);
        }
        5 => {
            let range = random.range(octets.len());
            let copy = octets[range].to_vec();
            let at = random.below(octets.len() + 1);
            octets.splice(at..at, copy);
        }
        6 => octets.truncate(random.below(octets.len())),
        7 => {
            // Two seeds, cut anywhere.
            let other = random.choose(&MATERIAL);
            from.push(other.seed);
            let tail = &other.seed.xml.as_bytes()[random.below(other.seed.xml.len())..];
            octets.truncate(random.below(octets.len()));
            octets.extend_from_slice(tail);
        }
        8 | 9 => {
            // An element of one in the place of one of the other of the same name, or anywhere.
            let other = random.choose(&MATERIAL);
            from.push(other.seed);
            let part = random.choose(other.parts.all());
            let text = &other.seed.xml[part.range.clone()];
            let same = material
                .parts
                .all()
                .iter()
                .find(|own| own.local_name == part.local_name && !random.one_in(3));
            octets = match same {
                Some(own) => crate::support::seed::edit(xml, &[(own.range.clone(), text.to_owned())]),
                None => nodes::insert(xml, nodes::boundary(xml, &material.parts, random), text),
            }
            .into_bytes();
        }
        10 => octets = recoded(xml, random),
        _ => {
            let lines = xml.replace("\r\n", "\n");
            octets = lines
                .replace('\n', random.word(&["\r\n", "\r", "\n\n", "\n", "\u{85}", "\u{2028}"]))
                .into_bytes();
        }
    }
    Mutant { octets, from }
}

/// The text in another encoding, or with another claim about it.
fn recoded(xml: &str, random: &mut Random) -> Vec<u8> {
    let utf16 = |octets: fn(u16) -> [u8; 2]| -> Vec<u8> { xml.encode_utf16().flat_map(octets).collect() };
    match random.below(7) {
        0 => [&[0xff, 0xfe], utf16(u16::to_le_bytes).as_slice()].concat(),
        1 => [&[0xfe, 0xff], utf16(u16::to_be_bytes).as_slice()].concat(),
        2 => utf16(u16::to_le_bytes),
        3 => [&[0xef, 0xbb, 0xbf], xml.as_bytes()].concat(),
        4 => xml
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
            .collect(),
        5 => {
            let body = xml.split_once("?>").map_or(xml, |(_, body)| body);
            let encoding = random.word(&[
                "UTF-8",
                "utf-8",
                "UTF-16",
                "ISO-8859-1",
                "US-ASCII",
                "UTF-7",
                "windows-1252",
            ]);
            format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{body}").into_bytes()
        }
        _ => xml
            .bytes()
            .flat_map(|octet| if octet == b'a' { vec![0xc1, 0xa1] } else { vec![octet] })
            .collect(),
    }
}
