//! The domain name system, asked over HTTPS in the JSON form of public resolvers (`application/dns-json`).
//!
//! No standard fixes that form; Cloudflare and Google describe the same one:
//! <https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>. What a resolver answers is
//! believed: it is chosen by whoever deploys, reached by TLS, and validates DNSSEC where a zone is signed.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

use super::config::Resolver;
use super::ports::{Fetch, FetchFailure, Ports};
use crate::limits::MAX_DNS_RECORDS;
use crate::saml::id::Invalid;

/// A name that may be looked up: labels of ASCII letters, digits, `-` and `_` (RFC 1035 2.3.4: 63 octets each, 253 in all), in
/// lower case, without the final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsName(String);

impl DnsName {
    /// Checks `text`, whose labels are A-labels already.
    ///
    /// # Errors
    /// [`Invalid`] for what is no such name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let octet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(octet);
        if name.len() <= 253 && name.split('.').all(label) {
            Ok(Self(name))
        } else {
            Err(Invalid("expected a host name such as idp.example.com"))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a name could not be looked up. That it has no such records is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsError {
    /// The resolver's answer is not of the form that it should have, or has more records than are read.
    Malformed,
    /// The resolver is switched off ([`Resolver::Off`]).
    Off,
    /// The resolver says that it failed: an `RCODE` (RFC 1035 4.1.1) other than those for an answer and for an unknown name. 2 is
    /// also what a broken DNSSEC chain gives.
    Rcode(u16),
    /// The resolver answered with this HTTP status.
    Status(u16),
    /// The resolver gave no complete answer.
    Unreachable(FetchFailure),
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the DNS resolver's answer cannot be read"),
            Self::Off => f.write_str("DNS_RESOLVER is off"),
            Self::Rcode(code) => write!(f, "the DNS resolver failed with code {code}"),
            Self::Status(status) => write!(f, "the DNS resolver answered with HTTP status {status}"),
            Self::Unreachable(FetchFailure::TooLarge) => f.write_str("the DNS resolver's answer is too large"),
            Self::Unreachable(FetchFailure::Timeout) => f.write_str("the DNS resolver did not answer in time"),
            Self::Unreachable(FetchFailure::Connection) => f.write_str("the DNS resolver cannot be reached"),
        }
    }
}

impl core::error::Error for DnsError {}

/// All addresses of `name`: its A and AAAA records (RFC 1035 3.4.1, RFC 3596 2.2). None when it does not exist.
///
/// # Errors
/// [`DnsError`] when either question fails: half of the addresses would not do where all of them are to be checked.
pub async fn addresses<P: Ports>(ports: &P, resolver: &Resolver, name: &DnsName) -> Result<Vec<IpAddr>, DnsError> {
    let mut addresses = Vec::new();
    for data in ask(ports, resolver, name, RecordType::A).await? {
        let address: Ipv4Addr = data.parse().map_err(|_| DnsError::Malformed)?;
        addresses.push(address.into());
    }
    for data in ask(ports, resolver, name, RecordType::Aaaa).await? {
        let address: Ipv6Addr = data.parse().map_err(|_| DnsError::Malformed)?;
        addresses.push(address.into());
    }
    Ok(addresses)
}

/// The TXT records of `name` (RFC 1035 3.3.14), the strings of each joined. None when it does not exist.
///
/// # Errors
/// [`DnsError`].
pub async fn texts<P: Ports>(ports: &P, resolver: &Resolver, name: &DnsName) -> Result<Vec<String>, DnsError> {
    let records = ask(ports, resolver, name, RecordType::Txt).await?;
    records.iter().map(|data| text(data)).collect()
}

/// The records that are asked for.
#[derive(Clone, Copy)]
enum RecordType {
    A,
    Aaaa,
    Txt,
}

impl RecordType {
    /// Its name, and its number (RFC 1035 3.2.2, RFC 3596 2.1).
    const fn name_and_number(self) -> (&'static str, u16) {
        match self {
            Self::A => ("A", 1),
            Self::Aaaa => ("AAAA", 28),
            Self::Txt => ("TXT", 16),
        }
    }
}

/// The parts of an answer that are read.
#[derive(Deserialize)]
struct Message {
    /// The `RCODE`.
    #[serde(rename = "Status")]
    status: u16,
    /// Whether records are missing.
    #[serde(rename = "TC", default)]
    truncated: bool,
    #[serde(rename = "Answer", default)]
    answer: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "type")]
    number: u16,
    data: String,
}

/// The data of the records of `name`, those behind aliases (CNAME) included.
async fn ask<P: Ports>(
    ports: &P,
    resolver: &Resolver,
    name: &DnsName,
    wanted: RecordType,
) -> Result<Vec<String>, DnsError> {
    const NO_ERROR: u16 = 0;
    const NO_SUCH_NAME: u16 = 3;
    let Resolver::At(resolver) = resolver else {
        return Err(DnsError::Off);
    };
    let (record_type, number) = wanted.name_and_number();
    let url = resolver
        .with_parameter("name", name.as_str())
        .with_parameter("type", record_type);
    let fetched = ports.fetch(Fetch::dns(&url)).await.map_err(DnsError::Unreachable)?;
    if fetched.status != 200 {
        return Err(DnsError::Status(fetched.status));
    }
    let message: Message = serde_json::from_slice(&fetched.body).map_err(|_| DnsError::Malformed)?;
    match message.status {
        NO_ERROR if message.truncated || message.answer.len() > MAX_DNS_RECORDS => Err(DnsError::Malformed),
        NO_ERROR => {
            let records = message.answer.into_iter().filter(|record| record.number == number);
            Ok(records.map(|record| record.data).collect())
        }
        NO_SUCH_NAME => Ok(Vec::new()),
        code => Err(DnsError::Rcode(code)),
    }
}

/// The text of a TXT record: its quoted strings joined (RFC 1035 5.1), as Cloudflare writes them, or bare, as Google does.
fn text(data: &str) -> Result<String, DnsError> {
    if !data.starts_with('"') {
        return Ok(data.to_owned());
    }
    let mut octets = Vec::with_capacity(data.len());
    let (mut rest, mut inside) = (data.bytes(), false);
    while let Some(octet) = rest.next() {
        match octet {
            b'"' => inside = !inside,
            b'\\' if inside => octets.push(escaped(&mut rest).ok_or(DnsError::Malformed)?),
            octet if inside => octets.push(octet),
            b' ' => {}
            _ => return Err(DnsError::Malformed),
        }
    }
    if inside {
        return Err(DnsError::Malformed);
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// What stands behind a backslash: `\DDD`, an octet in decimal, or a character that means itself.
fn escaped(rest: &mut core::str::Bytes<'_>) -> Option<u8> {
    let first = rest.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, rest.next()?, rest.next()?];
    core::str::from_utf8(&digits).ok()?.parse().ok()
}
