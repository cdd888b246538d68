//! Who the user is: the e-mail address and the names, out of attributes that every identity provider names differently.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::assertion::{Assertion, Attribute, AttributeValue, NameId, trim};
use serde::{Deserialize, Serialize};

use super::id::EmailAddress;
use super::reject::Reject;
use super::settings::{AttributeMap, UserField};
use crate::hidden::hide;

/// What an assertion says of the user, by our names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The e-mail address.
    pub email: EmailAddress,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Groups or roles, repeats merged, in document order.
    pub groups: Vec<String>,
}

hide!(Identity);

/// The attribute that tells a user from all others, where one takes the NameID's place.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its `Name`.
    pub name: String,
    /// Its value.
    pub value: String,
}

hide!(KeyAttribute);

/// The NameID, where it stands in for an attribute.
pub(super) const NAME_ID: &str = "NameID";

const CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
/// Stands in the place of the groups when there are too many.
const GROUPS_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";
const MICROSOFT_CLAIMS: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/";

/// Attribute names for each field, best first, as [`fold`] writes them: names, then claims, then OIDs.
pub(super) const EMAIL: &[&str] = &[
    "mail",
    "email",
    "emailaddress",
    "useremail",
    "{claims}emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
    "{claims}name",
    "userprincipalname",
];
pub(super) const FIRST_NAME: &[&str] = &[
    "firstname",
    "givenname",
    "first",
    "{claims}givenname",
    "urn:oid:2.5.4.42",
];
pub(super) const LAST_NAME: &[&str] = &[
    "lastname",
    "surname",
    "sn",
    "familyname",
    "last",
    "{claims}surname",
    "urn:oid:2.5.4.4",
];
pub(super) const GROUPS: &[&str] = &[
    "groups",
    "group",
    "memberof",
    "roles",
    "role",
    "{microsoft}groups",
    "{microsoft}role",
    "{claims}groups",
    "{claims}role",
];

/// The user's first name, by the first alias that has one.
#[must_use]
pub fn first_name(assertion: &Assertion) -> Option<String> {
    Attributes::of(assertion).first_text(&aliases(None, FIRST_NAME))
}

/// The user's last name, by the first alias that has one.
#[must_use]
pub fn last_name(assertion: &Assertion) -> Option<String> {
    Attributes::of(assertion).first_text(&aliases(None, LAST_NAME))
}

/// Reads the user's identity, by the names of `map` and then by the usual ones. The e-mail address comes from the first of them
/// that the assertion has, else from a NameID that is an address.
///
/// # Errors
/// [`Reject::EmailMissing`] with the names of the attributes that came; [`Reject::EmailNotAnAddress`] when the
/// attribute does not hold exactly one plain ASCII address.
pub fn read(assertion: &Assertion, map: &AttributeMap) -> Result<Identity, Reject> {
    let attributes = Attributes::of(assertion);
    Ok(Identity {
        email: email(assertion, &attributes, map)?.1,
        first_name: attributes.first_text(&aliases(map.first_name.as_deref(), FIRST_NAME)),
        last_name: attributes.first_text(&aliases(map.last_name.as_deref(), LAST_NAME)),
        groups: attributes.all_texts(&aliases(map.groups.as_deref(), GROUPS)),
    })
}

/// The folded names of one field: the connection's own before the usual ones.
pub(super) fn aliases(own: Option<&str>, usual: &[&'static str]) -> Vec<Cow<'static, str>> {
    let usual = usual.iter().copied().map(Cow::Borrowed);
    own.map(|name| Cow::Owned(fold(name)))
        .into_iter()
        .chain(usual)
        .collect()
}

/// The e-mail address, and the name of the attribute that has it, or [`NAME_ID`].
pub(super) fn email<'a>(
    assertion: &'a Assertion,
    attributes: &Attributes<'a>,
    map: &AttributeMap,
) -> Result<(&'a str, EmailAddress), Reject> {
    for alias in &aliases(map.email.as_deref(), EMAIL) {
        let values: Vec<&AttributeValue> = attributes.values(alias).filter(|v| !is_empty(v)).collect();
        let Some(first) = values.first() else { continue };
        let same = values.iter().all(|v| v == first);
        let address = first
            .as_text()
            .filter(|_| same)
            .and_then(|text| EmailAddress::parse(trim(text)).ok());
        match address {
            Some(address) => return Ok((attributes.name(alias), address)),
            // A user principal name or display name need not be an address; an e-mail attribute must.
            None if matches!(&**alias, "{claims}name" | "userprincipalname") => {}
            None => {
                return Err(Reject::EmailNotAnAddress {
                    attribute: shortened(attributes.name(alias)),
                });
            }
        }
    }
    assertion
        .name_id
        .as_ref()
        .and_then(name_id_address)
        .map(|address| (NAME_ID, address))
        .ok_or_else(|| Reject::EmailMissing {
            received: names(assertion),
        })
}

/// Checks that all of `required` is known of the user.
///
/// # Errors
/// [`Reject::RequiredAttributeMissing`]; [`Reject::GroupsOverage`] when Entra ID has left the groups out, as it does for
/// users with more than 150.
pub fn check_required(identity: &Identity, assertion: &Assertion, required: &[UserField]) -> Result<(), Reject> {
    let is_known = |field: &&UserField| match field {
        UserField::FirstName => identity.first_name.is_some(),
        UserField::Groups => !identity.groups.is_empty(),
        UserField::LastName => identity.last_name.is_some(),
    };
    match required.iter().find(|field| !is_known(field)) {
        None => Ok(()),
        Some(UserField::Groups) if assertion.attributes.iter().any(|a| a.name == GROUPS_LINK) => {
            Err(Reject::GroupsOverage)
        }
        Some(missing) => Err(Reject::RequiredAttributeMissing {
            missing: *missing,
            received: names(assertion),
        }),
    }
}

/// Reads the attribute `name` that tells the user from all others: one attribute with this very `Name`, with one value that
/// neither begins nor ends with white space. A `FriendlyName`, another case or another spelling is somebody else's to choose,
/// and so may a value be that differs from another in its white space alone.
///
/// # Errors
/// [`Reject::UserKeyMissing`].
pub fn key_attribute(assertion: &Assertion, name: &str) -> Result<KeyAttribute, Reject> {
    let values = match named_exactly(assertion, name).as_slice() {
        [attribute] => attribute.values.as_slice(),
        _ => &[],
    };
    let value = match values {
        [value] if !is_empty(value) => value.as_text().filter(|text| trim(text) == *text),
        _ => None,
    };
    let missing = || Reject::UserKeyMissing {
        attribute: shortened(name),
        received: names(assertion),
    };
    Ok(KeyAttribute {
        name: name.to_owned(),
        value: value.ok_or_else(missing)?.to_owned(),
    })
}

/// The name of the attribute that is the user's key, if it came.
pub(super) fn name_of_key_attribute<'a>(assertion: &'a Assertion, name: &str) -> Option<&'a str> {
    let attribute = *named_exactly(assertion, name).first()?;
    Some(&attribute.name)
}

fn named_exactly<'a>(assertion: &'a Assertion, name: &str) -> Vec<&'a Attribute> {
    assertion.attributes.iter().filter(|a| a.name == name).collect()
}

/// The names of the attributes, as many and as long as a person would read.
fn names(assertion: &Assertion) -> Vec<String> {
    let attributes = assertion.attributes.iter().take(100);
    attributes.map(|a| shortened(&a.name)).collect()
}

/// A NameID that is an address. A transient or persistent identifier is never one, whatever it looks like.
fn name_id_address(name_id: &NameId) -> Option<EmailAddress> {
    let opaque = |f: &str| f.ends_with(":nameid-format:transient") || f.ends_with(":nameid-format:persistent");
    if name_id.format.as_deref().is_some_and(opaque) {
        return None;
    }
    EmailAddress::parse(name_id.trimmed()).ok()
}

/// The attributes of an assertion with their names folded once.
pub(super) struct Attributes<'a>(Vec<(String, Option<String>, &'a Attribute)>);

impl<'a> Attributes<'a> {
    pub(super) fn of(assertion: &'a Assertion) -> Self {
        let folded = |a: &'a Attribute| (fold(&a.name), a.friendly_name.as_deref().map(fold), a);
        Self(assertion.attributes.iter().map(folded).collect())
    }

    /// The attributes whose `Name` or `FriendlyName` is `alias`.
    fn named(&self, alias: &str) -> impl Iterator<Item = &'a Attribute> {
        let is = move |(name, friendly, _): &&(String, Option<String>, _)| {
            name == alias || friendly.as_deref() == Some(alias)
        };
        self.0.iter().filter(is).map(|(_, _, attribute)| *attribute)
    }

    /// The name of the first of them.
    fn name(&self, alias: &str) -> &'a str {
        self.named(alias).next().map_or("", |attribute| attribute.name.as_str())
    }

    fn values(&self, alias: &str) -> impl Iterator<Item = &'a AttributeValue> {
        self.named(alias).flat_map(|a| &a.values)
    }

    /// The first text that is not blank, by the order of `aliases`.
    fn first_text(&self, aliases: &[Cow<'_, str>]) -> Option<String> {
        self.first(aliases).map(|(_, text)| text.to_owned())
    }

    /// The same with the name of its attribute.
    pub(super) fn first(&self, aliases: &[Cow<'_, str>]) -> Option<(&'a str, &'a str)> {
        let attributes = aliases.iter().flat_map(|alias| self.named(alias));
        let texts = attributes.flat_map(|a| a.values.iter().map(move |value| (a.name.as_str(), value)));
        texts
            .filter_map(|(name, value)| Some((name, trim(value.as_text()?))))
            .find(|(_, text)| !text.is_empty())
    }

    /// Every text that is not blank, each once, in order.
    pub(super) fn all_texts(&self, aliases: &[Cow<'_, str>]) -> Vec<String> {
        let texts = aliases
            .iter()
            .flat_map(|alias| self.values(alias))
            .filter_map(AttributeValue::as_text);
        let mut seen = BTreeSet::new();
        texts
            .filter(|t| !trim(t).is_empty() && seen.insert(*t))
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// Whether one of `aliases` is a name of `attribute`.
pub(super) fn is_named(attribute: &Attribute, aliases: &[Cow<'_, str>]) -> bool {
    let is = |name: &str| {
        let name = fold(name);
        aliases.iter().any(|alias| **alias == name)
    };
    is(&attribute.name) || attribute.friendly_name.as_deref().is_some_and(is)
}

/// A name without case, spaces, dots, dashes and underscores; claims by their last part; OIDs as they stand.
pub(super) fn fold(name: &str) -> String {
    if let Some(claim) = name.strip_prefix(CLAIMS) {
        return format!("{{claims}}{claim}");
    }
    if let Some(claim) = name.strip_prefix(MICROSOFT_CLAIMS) {
        return format!("{{microsoft}}{claim}");
    }
    if name.starts_with("urn:oid:") {
        return name.to_owned();
    }
    let kept = |c: &char| !matches!(c, ' ' | '.' | '-' | '_');
    let mut folded = String::with_capacity(name.len());
    folded.extend(name.chars().filter(kept).flat_map(char::to_lowercase));
    folded
}

fn is_empty(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::Nil => true,
        AttributeValue::Structured(_) => false,
        AttributeValue::Text(text) => trim(text).is_empty(),
    }
}

pub(super) fn shortened(name: &str) -> String {
    name.chars().take(200).collect()
}
