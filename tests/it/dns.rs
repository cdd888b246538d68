//! DNS over HTTPS, from the question to the records or the reason why there are none.

use std::net::IpAddr;

use edge_saml::app::config::Resolver;
use edge_saml::app::dns::{DnsError, DnsName, addresses, texts};
use edge_saml::app::ports::{FetchFailure, Fetched};
use edge_saml::limits::MAX_DNS_RECORDS;
use edge_saml::saml::id::EndpointUrl;
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::support::world::{World, dns_answer};

const RESOLVER: &str = "https://dns.example/resolve";
const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;

fn resolver() -> Resolver {
    Resolver::At(EndpointUrl::parse(RESOLVER).unwrap())
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn message(status: u16, records: &[(u16, &str)]) -> Value {
    serde_json::from_slice(&dns_answer(status, records).body).unwrap()
}

/// Lets the resolver answer the question for `record_type` of `x.example` with `body`.
fn answers(world: &World, record_type: &str, body: &[u8]) {
    let url = format!("{RESOLVER}?name=x.example&type={record_type}");
    let fetched = Fetched {
        status: 200,
        location: None,
        content_type: None,
        body: body.to_vec(),
    };
    world.answers.borrow_mut().insert(url, Ok(fetched));
}

fn answers_json(world: &World, record_type: &str, message: &Value) {
    answers(world, record_type, message.to_string().as_bytes());
}

/// The texts of `x.example`, when the resolver answers with `body`.
fn texts_of(body: &[u8]) -> Result<Vec<String>, DnsError> {
    let world = World::new();
    answers(&world, "TXT", body);
    block_on(texts(&&world, &resolver(), &name("x.example")))
}

fn addresses_of(world: &World) -> Result<Vec<IpAddr>, DnsError> {
    block_on(addresses(&world, &resolver(), &name("X.example.")))
}

#[test]
fn addresses_are_those_of_both_families_behind_all_aliases() {
    let world = World::new();
    let v4 = [(CNAME, "y.example."), (A, "203.0.113.7"), (A, "203.0.113.8")];
    answers_json(&world, "A", &message(0, &v4));
    answers_json(
        &world,
        "AAAA",
        &message(0, &[(CNAME, "y.example."), (AAAA, "2001:db8::7")]),
    );
    let expected = ["203.0.113.7", "203.0.113.8", "2001:db8::7"].map(|a| a.parse().unwrap());
    assert_eq!(addresses_of(&world), Ok(expected.to_vec()));
    // One family may have none, and is then left out or empty.
    answers_json(&world, "A", &json!({"Status": 0}));
    assert_eq!(addresses_of(&world), Ok(vec![expected[2]]));
    // A name that does not exist has none; that is for the caller to judge.
    answers_json(&world, "A", &message(3, &[]));
    answers_json(&world, "AAAA", &message(3, &[]));
    assert_eq!(addresses_of(&world), Ok(vec![]));
}

#[test]
fn half_an_answer_is_none() {
    let world = World::new();
    answers_json(&world, "A", &message(0, &[(A, "203.0.113.7")]));
    let unreachable = Err(DnsError::Unreachable(FetchFailure::Connection));
    assert_eq!(addresses_of(&world), unreachable);
    for wrong in ["203.0.113.7", "2001:db8::g", "", "fe80::1%eth0", "[2001:db8::7]"] {
        answers_json(&world, "AAAA", &message(0, &[(AAAA, "2001:db8::7"), (AAAA, wrong)]));
        assert_eq!(addresses_of(&world), Err(DnsError::Malformed), "{wrong}");
    }
    for wrong in [
        "203.0.113",
        "0x7f.0.0.1",
        "203.0.113.007",
        "2001:db8::7",
        "203.0.113.7 ",
    ] {
        answers_json(&world, "A", &message(0, &[(A, wrong)]));
        assert_eq!(addresses_of(&world), Err(DnsError::Malformed), "{wrong}");
    }
}

#[test]
fn texts_are_read_quoted_and_bare() {
    for (data, expected) in [
        ("\"v=spf1 -all\"", "v=spf1 -all"),
        ("\"one \" \"two\"", "one two"),
        ("\"one\"\"two\"", "onetwo"),
        (r#""a \"quoted\" \\ word""#, r#"a "quoted" \ word"#),
        (r#""\097b\195\188""#, "abü"),
        (r#""\255""#, "\u{fffd}"),
        ("\"\"", ""),
        ("v=spf1 -all", "v=spf1 -all"),
        ("bare \"with\" quotes", "bare \"with\" quotes"),
        ("", ""),
    ] {
        let body = message(0, &[(TXT, data), (A, "203.0.113.7")]).to_string();
        assert_eq!(texts_of(body.as_bytes()), Ok(vec![expected.to_owned()]), "{data}");
    }
    for wrong in [
        "\"",
        "\"a",
        "\"a\" b",
        "\"a\\\"",
        r#""\25""#,
        r#""\256""#,
        r#""\2a5""#,
        "\"a\"\"",
    ] {
        let body = message(0, &[(TXT, wrong)]).to_string();
        assert_eq!(texts_of(body.as_bytes()), Err(DnsError::Malformed), "{wrong}");
    }
}

#[test]
fn what_a_resolver_does_wrong_is_told_apart() {
    assert_eq!(
        texts_of(message(2, &[]).to_string().as_bytes()),
        Err(DnsError::Rcode(2))
    );
    assert_eq!(
        texts_of(message(5, &[]).to_string().as_bytes()),
        Err(DnsError::Rcode(5))
    );
    for wrong in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"Status": "0"}"#,
        r#"{"Status": 0, "Status": 0}"#,
        r#"{"Status": 0, "TC": true, "Answer": []}"#,
        r#"{"Status": 0, "Answer": [{"type": 16}]}"#,
        r#"{"Status": 0, "Answer": [{"type": 16, "data": 7}]}"#,
        r#"{"Status": 0} more"#,
    ] {
        assert_eq!(texts_of(wrong.as_bytes()), Err(DnsError::Malformed), "{wrong}");
    }
    let many = |count| message(0, &vec![(TXT, "a"); count]).to_string();
    assert_eq!(
        texts_of(many(MAX_DNS_RECORDS).as_bytes()).map(|texts| texts.len()),
        Ok(MAX_DNS_RECORDS)
    );
    assert_eq!(texts_of(many(MAX_DNS_RECORDS + 1).as_bytes()), Err(DnsError::Malformed));

    let world = World::new();
    let lookup = |resolver: &Resolver| block_on(texts(&&world, resolver, &name("x.example")));
    assert_eq!(lookup(&Resolver::Off), Err(DnsError::Off));
    let url = format!("{RESOLVER}?name=x.example&type=TXT");
    for failure in [FetchFailure::Connection, FetchFailure::TooLarge, FetchFailure::Timeout] {
        world.answers.borrow_mut().insert(url.clone(), Err(failure));
        assert_eq!(lookup(&resolver()), Err(DnsError::Unreachable(failure)));
    }
    for status in [302, 400, 503] {
        let fetched = Fetched {
            status,
            location: Some(RESOLVER.to_owned()),
            content_type: None,
            body: message(0, &[]).to_string().into_bytes(),
        };
        world.answers.borrow_mut().insert(url.clone(), Ok(fetched));
        assert_eq!(lookup(&resolver()), Err(DnsError::Status(status)));
    }
}

#[test]
fn names_are_checked_before_they_are_asked_for() {
    let label = "a".repeat(63);
    let long = [label.as_str(); 4].join(".");
    for right in [
        "acme.com",
        "_edge-saml.acme.com",
        "xn--bcher-kva.example",
        "localhost",
        &long[..253],
    ] {
        assert_eq!(name(right).as_str(), right);
    }
    for wrong in [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a b",
        "a/b",
        "a&type=A",
        "bücher.example",
        &format!("a{label}"),
        &long,
    ] {
        assert!(DnsName::parse(wrong).is_err(), "{wrong}");
    }
}
