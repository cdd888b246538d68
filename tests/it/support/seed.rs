//! Responses that other software signed, the verdict on an edit of them, and edits of byte spans.
//!
//! An edit never goes through a tree that is written out again: most attacks on parsers vanish when a library rewrites
//! the octets.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use edge_saml::dsig::{Policy, Sha1, TrustedKey};
use edge_saml::saml::assertion::Assertion;
use edge_saml::saml::connection::{Provider, ServiceProvider};
use edge_saml::saml::domains::{DomainRule, Subdomains};
use edge_saml::saml::id::{Domain, EntityId};
use edge_saml::saml::reject::Reject;
use edge_saml::saml::response::{self, SignatureDemand};
use edge_saml::saml::settings::AttributeMap;
use edge_saml::saml::time::Timestamp;
use edge_saml::saml::validate::{self, Expect, Login, Unsolicited};
use edge_saml::xml::names::DS;

use super::idp::{ACS_URL, AUDIENCE, ENTITY_ID, Idp, NOW};

/// A response that is accepted as it stands.
pub(crate) struct Seed {
    /// The folder's name.
    pub(crate) name: String,
    pub(crate) xml: String,
    /// What is read from it.
    pub(crate) said: Said,
}

/// Everything that was learnt from a response that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) login: Login,
    pub(crate) assertion: Assertion,
}

/// All of `tests/vectors/accept`, in the order of their names. Of those with two signatures one without the response's
/// follows, so that the assertion's is not hidden behind it.
pub(crate) static SEEDS: LazyLock<Vec<Seed>> = LazyLock::new(|| {
    let mut seeds = Vec::new();
    for folder in folders("accept") {
        let xml = std::fs::read_to_string(folder.join("response.xml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let parts = Parts::of(&xml);
        let root = parts.root();
        let whole = parts.signature(root);
        if let (Some(whole), Some(_)) = (whole, parts.signature(parts.child(root, "Assertion").unwrap())) {
            let inner = edit(&xml, &[(whole.range.clone(), String::new())]);
            seeds.push(Seed::of(format!("{name}, inner signature alone"), inner));
        }
        seeds.push(Seed::of(name, xml));
    }
    seeds.sort_by(|left, right| left.name.cmp(&right.name));
    seeds
});

impl Seed {
    fn of(name: String, xml: String) -> Self {
        let said = judge(xml.as_bytes()).unwrap_or_else(|code| panic!("{name}: {code}"));
        Self { name, xml, said }
    }
}

/// The seed of this name.
pub(crate) fn seed(name: &str) -> &'static Seed {
    SEEDS.iter().find(|seed| seed.name == name).unwrap()
}

/// A message of `tests/vectors/seeds`, signed by the trusted key or, `other-key`, by another.
pub(crate) fn message(name: &str) -> String {
    std::fs::read_to_string(vectors().join(format!("seeds/{name}.xml"))).unwrap()
}

/// The folders in a folder of `tests/vectors`, sorted.
pub(crate) fn folders(name: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(vectors().join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

static TRUSTED: LazyLock<[TrustedKey; 1]> = LazyLock::new(|| [Idp::trusted().trusted_key()]);
static SERVICE_PROVIDER: LazyLock<ServiceProvider> = LazyLock::new(|| ServiceProvider {
    entity_id: AUDIENCE.to_owned(),
    acs_url: ACS_URL.to_owned(),
    metadata_url: String::new(),
    slo_url: String::new(),
});
static ISSUER: LazyLock<EntityId> = LazyLock::new(|| EntityId::parse(ENTITY_ID).unwrap());
static DOMAINS: LazyLock<[Domain; 1]> = LazyLock::new(|| [Domain::parse("acme.test").unwrap()]);

/// The verdict of the whole pure core, at the present of all seeds.
pub(crate) fn judge(octets: &[u8]) -> Result<Said, &'static str> {
    judge_at(octets, NOW).map_err(|reject| reject.code().as_str())
}

/// The verdict at another time.
pub(crate) fn judge_at(octets: &[u8], now: i64) -> Result<Said, Reject> {
    let policy = Policy {
        keys: &*TRUSTED,
        sha1: Sha1::Refused,
    };
    let response = response::open(octets, &policy)?;
    let login = validate::login(
        &response,
        &Expect {
            service_provider: &SERVICE_PROVIDER,
            idp_entity_id: &ISSUER,
            provider: Provider::Okta,
            domains: DomainRule::new(&*DOMAINS, Subdomains::Excluded),
            attribute_map: &AttributeMap::USUAL,
            user_key: None,
            required_attributes: &[],
            unsolicited: Unsolicited::Refused,
            now: Timestamp::from_unix_seconds(now),
            skew_seconds: validate::DEFAULT_SKEW_SECONDS,
            signatures: SignatureDemand::Either,
        },
    )?;
    Ok(Said {
        login,
        assertion: response.assertion().get().clone(),
    })
}

/// The refusal's code, or `accepted`.
pub(crate) fn code(xml: impl AsRef<[u8]>) -> &'static str {
    judge(xml.as_ref()).err().unwrap_or("accepted")
}

/// Where the elements of a text stand, in document order.
pub(crate) struct Parts(Vec<Part>);

/// Where one element stands.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) namespace: String,
    pub(crate) local_name: String,
    /// From `<` of the start tag to `>` of the end tag.
    pub(crate) range: Range<usize>,
    /// The start tag, or the whole of an empty-element tag.
    pub(crate) tag: Range<usize>,
    parent: Option<usize>,
    place: usize,
}

impl Parts {
    /// Reads well-formed `xml`.
    pub(crate) fn of(xml: &str) -> Self {
        Self::read(xml).unwrap_or_else(|| panic!("{xml}"))
    }

    /// Reads `xml`; none when it is not well-formed.
    pub(crate) fn read(xml: &str) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs positions, which the project's reader hides"
        )]
        let document = roxmltree::Document::parse(xml).ok()?;
        let elements: Vec<roxmltree::Node<'_, '_>> =
            document.descendants().filter(roxmltree::Node::is_element).collect();
        let place = |node: roxmltree::Node<'_, '_>| elements.iter().position(|element| *element == node);
        let part = |(at, node): (usize, &roxmltree::Node<'_, '_>)| Part {
            namespace: node.tag_name().namespace().unwrap_or_default().to_owned(),
            local_name: node.tag_name().name().to_owned(),
            range: node.range(),
            tag: node.range().start..tag_end(xml, node.range().start),
            parent: node.parent_element().and_then(place),
            place: at,
        };
        Some(Self(elements.iter().enumerate().map(part).collect()))
    }

    pub(crate) fn all(&self) -> &[Part] {
        &self.0
    }

    pub(crate) fn root(&self) -> &Part {
        &self.0[0]
    }

    /// The children of `part`.
    pub(crate) fn children(&self, part: &Part) -> impl Iterator<Item = &Part> {
        let place = part.place;
        self.0.iter().filter(move |child| child.parent == Some(place))
    }

    /// The first child of this local name.
    pub(crate) fn child(&self, part: &Part, local_name: &str) -> Option<&Part> {
        self.children(part).find(|child| child.local_name == local_name)
    }

    /// The first element of this local name anywhere.
    pub(crate) fn first(&self, local_name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.local_name == local_name)
    }

    /// The `ds:Signature` that is a child of `part`.
    pub(crate) fn signature(&self, part: &Part) -> Option<&Part> {
        self.children(part)
            .find(|child| child.local_name == "Signature" && child.namespace == DS)
    }
}

/// Where the tag that begins at `start` ends.
pub(crate) fn tag_end(xml: &str, start: usize) -> usize {
    let mut quote = None;
    for (at, octet) in xml.bytes().enumerate().skip(start) {
        match (quote, octet) {
            (None, b'"' | b'\'') => quote = Some(octet),
            (None, b'>') => return at + 1,
            (Some(open), _) if open == octet => quote = None,
            _ => {}
        }
    }
    panic!("no end of the tag at {start}")
}

/// `xml` with `new` in place of each range; the ranges don't overlap.
pub(crate) fn edit(xml: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::new(), 0);
    for (range, new) in edits {
        out.push_str(&xml[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&xml[at..]);
    out
}

/// `part` of `xml` without its own signature.
pub(crate) fn bare(xml: &str, parts: &Parts, part: &Part) -> String {
    let Range { start, end } = part.range;
    match parts.signature(part) {
        Some(signature) => format!(
            "{}{}",
            &xml[start..signature.range.start],
            &xml[signature.range.end..end]
        ),
        None => xml[start..end].to_owned(),
    }
}

/// A fragment that speaks of someone else, under another `ID`. What is in base64 stays.
pub(crate) fn evil(fragment: &str) -> String {
    let end = tag_end(fragment, 0);
    let tag = &fragment[..end];
    let id = value(tag, "ID");
    format!(
        "{}{}",
        tag.replace(&format!("\"{id}\""), "\"_evil\""),
        eve(&fragment[end..])
    )
}

/// A fragment that speaks of someone else.
pub(crate) fn eve(fragment: &str) -> String {
    fragment.replace(">ada", ">eve").replace(">grace", ">eve")
}

/// The value of an attribute in a tag, as it is written.
pub(crate) fn value<'t>(tag: &'t str, name: &str) -> &'t str {
    let start = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    let length = tag[start..].find('"').unwrap();
    &tag[start..start + length]
}
