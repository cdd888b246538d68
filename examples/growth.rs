//! How the time to read a document grows with its size, for the shapes that could make it grow faster than the size.
//!
//! Prints nanoseconds for each octet (the best of several runs), which stay about the same from 4 KiB to 400 KiB when the growth is linear, and the
//! most memory that one reading needed, in octets for each octet (Linux only).

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a native tool that measures time"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use edge_saml::dsig::DigestAlgorithm;
use edge_saml::saml::assertion::Assertion;
use edge_saml::xml::c14n::{Canonicalization, Comments, Method};
use edge_saml::xml::{Document, Profile, Source};

const SIZES: [usize; 3] = [4 * 1024, 40 * 1024, 400 * 1024];
const RUNS: usize = 25;

/// A name, and what is repeated inside an attribute value until the document has its size: `n` counts the repeats.
type Shape = (&'static str, fn(&mut String, usize));

const SHAPES: [Shape; 10] = [
    ("SAML attributes", |out, n| {
        push(
            out,
            &format!(
                "</s:AttributeValue></s:Attribute><s:Attribute Name=\"attribute-{n}\"><s:AttributeValue \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">value {n}"
            ),
        );
    }),
    ("60 attributes an element", |out, _| {
        out.push_str("<e");
        for i in 0..60 {
            push(out, &format!(" attribute{i}=\"{i}\""));
        }
        out.push_str("/>");
    }),
    ("50 elements deep", |out, _| {
        out.push_str(&"<nested-elem>".repeat(50));
        out.push_str(&"</nested-elem>".repeat(50));
    }),
    ("siblings that each declare one new prefix", |out, n| {
        push(
            out,
            &format!("<p{n}:e xmlns:p{n}=\"urn:example:namespace:number:{n}\" p{n}:a=\"value\"/>"),
        );
    }),
    ("40 namespaces in scope", |out, n| {
        out.push_str("<e");
        for i in 0..20 {
            push(out, &format!(" xmlns:p{i}=\"urn:example:outer:{}:{i}\"", n % 10));
        }
        out.push('>');
        for i in 0..20 {
            push(
                out,
                &format!("<p{i}:e p{i}:a=\"{n}\" b=\"some text that fills the element\">text</p{i}:e>"),
            );
        }
        out.push_str("</e>");
    }),
    ("siblings", |out, _| out.push_str("<sibling>xyz</sibling>")),
    ("IDs", |out, n| {
        push(out, &format!("<e ID=\"identifier-{}\"/>", n * 7_919 % 1_000_003));
    }),
    ("references", |out, _| out.push_str("&amp;&lt;&#13;")),
    ("one long text", |out, _| {
        out.push_str("MIIDxzCCAq+gAwIBAgIURHwhSBOnNfLPJmEoTGOu0woq+9gwDQYJKoZIhvcNAQEL\n");
    }),
    ("CDATA sections", |out, _| out.push_str("<![CDATA[<a b>c>]]> and text ")),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, size] = arguments.as_slice() {
        let (_, fill) = SHAPES.iter().find(|(shape, _)| shape == name).expect("a shape");
        return println!("{}", peak(&document(*fill, size.parse().expect("a size"))));
    }
    println!("| shape | size | check | parse | canonicalise | digest | read | all, ns/octet | memory, octets/octet |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    for (name, fill) in SHAPES {
        for size in SIZES {
            let octets = document(fill, size).into_bytes();
            let steps = measure(&octets);
            let cells: Vec<String> = steps.iter().map(|step| per_octet(*step, &octets)).collect();
            println!(
                "| {name} | {} KiB | {} | **{}** | {} |",
                size / 1024,
                cells.join(" | "),
                per_octet(steps.iter().sum(), &octets),
                peak_in_a_process_of_its_own(name, size)
            );
        }
    }
}

fn push(out: &mut String, text: &str) {
    out.write_str(text).expect("a string takes everything");
}

fn document(fill: fn(&mut String, usize), size: usize) -> String {
    let mut out = String::from(
        "<s:Assertion xmlns:s=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"assertion\" IssueInstant=\"2026-07-01T12:00:00Z\" \
         Version=\"2.0\"><s:Issuer>https://idp.example</s:Issuer><s:AttributeStatement><s:Attribute \
         Name=\"first\"><s:AttributeValue>",
    );
    for n in 0.. {
        if out.len() >= size {
            break;
        }
        fill(&mut out, n);
    }
    out.push_str("</s:AttributeValue></s:Attribute></s:AttributeStatement></s:Assertion>");
    out
}

/// The best times for each step: check, parse, canonicalise, digest, read.
fn measure(octets: &[u8]) -> [Duration; 5] {
    let mut times = [(); 5].map(|()| Vec::new());
    for _ in 0..RUNS {
        let mut start = Instant::now();
        let mut lap = |step: usize| {
            times[step].push(start.elapsed());
            start = Instant::now();
        };
        let source = Source::check(octets, Profile::SamlMessage).expect("a document within all caps");
        lap(0);
        let document = Document::parse(&source).expect("a document that is well-formed");
        lap(1);
        let method = Canonicalization::new(Method::Exclusive, Comments::Drop);
        let canonical = method.canonicalize(document.root(), None).expect("a canonical form");
        lap(2);
        black_box(DigestAlgorithm::Sha256.digest(&canonical));
        lap(3);
        // References and CDATA sections are text; whatever else is inside makes the value a structured one.
        black_box(Assertion::read(document.root()).expect("an assertion"));
        lap(4);
    }
    times.map(|step| step.into_iter().min().unwrap_or_default())
}

fn per_octet(time: Duration, octets: &[u8]) -> String {
    let octets = u32::try_from(octets.len()).expect("a small document");
    format!("{:.2}", time.as_secs_f64() * 1e9 / f64::from(octets))
}

/// How many octets one reading adds to the process at the most, for each octet of the document.
fn peak(document: &str) -> String {
    let most_resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u32>().ok()
    };
    let before = most_resident();
    let source = Source::check(document.as_bytes(), Profile::SamlMessage).expect("a document within all caps");
    let parsed = Document::parse(&source).expect("a document that is well-formed");
    let method = Canonicalization::new(Method::Exclusive, Comments::Drop);
    let canonical = method.canonicalize(parsed.root(), None).expect("a canonical form");
    let assertion = Assertion::read(parsed.root()).expect("an assertion");
    let after = most_resident();
    black_box((canonical, assertion));
    let (Some(before), Some(after)) = (before, after) else {
        return "?".to_owned();
    };
    let octets = u32::try_from(document.len()).expect("a small document");
    format!("{:.0}", f64::from(after - before) * 1024.0 / f64::from(octets))
}

fn peak_in_a_process_of_its_own(name: &str, size: usize) -> String {
    if size < SIZES[2] {
        return String::new(); // less than the pages that are counted
    }
    let itself = std::env::current_exe().expect("this program");
    let output = Command::new(itself).args([name, &size.to_string()]).output();
    let output = output.expect("this program runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
