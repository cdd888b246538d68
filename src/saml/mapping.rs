//! What became of the attributes of an assertion: for those who set a connection up and look at a test.
//!
//! It shows what [`identity`](super::identity) reads and decides nothing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::assertion::{Assertion, Attribute, AttributeValue, trim};
use super::id::EmailAddress;
use super::identity::{
    Attributes, EMAIL, FIRST_NAME, GROUPS, LAST_NAME, NAME_ID, aliases, email, fold, is_named, shortened,
};
use super::settings::AttributeMap;
use crate::hidden::hide;
use crate::limits::{MAX_SHOWN_ATTRIBUTES, MAX_SHOWN_VALUE_CHARACTERS, MAX_SHOWN_VALUES};

/// What we want to know of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The e-mail address, without which nobody signs in.
    Email,
    /// The first name.
    FirstName,
    /// The last name.
    LastName,
    /// Groups or roles.
    Groups,
}

/// An attribute as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReceivedAttribute {
    /// Its `Name`.
    pub name: String,
    /// Its `FriendlyName`.
    pub friendly_name: Option<String>,
    /// The first of its values, shortened.
    pub values: Vec<String>,
    /// How many values there are in all.
    pub value_count: usize,
    /// What it is taken for, if its name is known.
    pub field: Option<Field>,
}

/// Where one of our fields comes from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MappedField {
    /// The field.
    pub field: Field,
    /// The `Name` of the attribute, or `NameID`; none when nothing is known.
    pub attribute: Option<String>,
    /// What is known: one value, or several groups.
    pub values: Vec<String>,
}

/// An attribute whose name is not known and that is perhaps what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Suggestion {
    /// The field that is not known.
    pub field: Field,
    /// The `Name` of the attribute.
    pub attribute: String,
    /// Why it is perhaps that.
    pub reason: Reason,
    /// A name by which it would be known, if the identity provider gave it that.
    pub rename_to: String,
}

/// Why an attribute is perhaps what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its name is similar to those that are known.
    SimilarName,
    /// Its value is an e-mail address.
    IsAddress,
}

hide!(MappedField, ReceivedAttribute);

impl Field {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::FirstName, Self::LastName, Self::Groups];

    /// Its name, as settings have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Groups => "groups",
        }
    }

    /// Its names, best first.
    fn aliases(self, map: &AttributeMap) -> Vec<Cow<'static, str>> {
        match self {
            Self::Email => aliases(map.email.as_deref(), EMAIL),
            Self::FirstName => aliases(map.first_name.as_deref(), FIRST_NAME),
            Self::LastName => aliases(map.last_name.as_deref(), LAST_NAME),
            Self::Groups => aliases(map.groups.as_deref(), GROUPS),
        }
    }

    /// The name that identity providers use most.
    const fn usual_name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Groups => "groups",
        }
    }

    /// What names of it have in them, folded. An address is told by its value.
    const fn stems(self) -> &'static [&'static str] {
        match self {
            Self::Email => &[],
            Self::FirstName => &["first", "given", "forename", "vorname", "prenom"],
            Self::LastName => &["last", "surname", "family", "nachname"],
            Self::Groups => &["group", "role", "team"],
        }
    }
}

/// The attributes that came, as many and as long as a person would read.
#[must_use]
pub fn received(assertion: &Assertion, map: &AttributeMap) -> Vec<ReceivedAttribute> {
    let attributes = assertion.attributes.iter().take(MAX_SHOWN_ATTRIBUTES);
    let show = |attribute: &Attribute| ReceivedAttribute {
        name: shortened(&attribute.name),
        friendly_name: attribute.friendly_name.as_deref().map(shortened),
        values: attribute.values.iter().take(MAX_SHOWN_VALUES).map(shown).collect(),
        value_count: attribute.values.len(),
        field: known_as(attribute, map),
    };
    attributes.map(show).collect()
}

/// Where each of our fields comes from.
#[must_use]
pub fn mapped(assertion: &Assertion, map: &AttributeMap) -> Vec<MappedField> {
    let attributes = Attributes::of(assertion);
    let one = |field: Field, found: Option<(&str, &str)>| MappedField {
        field,
        attribute: found.map(|(name, _)| shortened(name)),
        values: found.map(|(_, value)| cut(value)).into_iter().collect(),
    };
    let email = email(assertion, &attributes, map).ok();
    let email = email.as_ref().map(|(name, address)| (*name, address.as_str()));
    let first = |field: Field| attributes.first(&field.aliases(map));
    let groups = attributes.all_texts(&Field::Groups.aliases(map));
    vec![
        one(Field::Email, email),
        one(Field::FirstName, first(Field::FirstName)),
        one(Field::LastName, first(Field::LastName)),
        MappedField {
            field: Field::Groups,
            attribute: first(Field::Groups).map(|(name, _)| shortened(name)),
            values: groups.iter().take(MAX_SHOWN_VALUES).map(|group| cut(group)).collect(),
        },
    ]
}

/// Attributes whose names are not known, for the fields of which nothing is.
#[must_use]
pub fn suggestions(assertion: &Assertion, map: &AttributeMap) -> Vec<Suggestion> {
    let is_missing = |field: Field| match mapped(assertion, map).into_iter().find(|m| m.field == field) {
        // A NameID stands in for the address until it is something else.
        Some(found) => found.attribute.is_none_or(|name| name == NAME_ID),
        None => true,
    };
    let missing: Vec<Field> = Field::ALL.into_iter().filter(|field| is_missing(*field)).collect();
    let unknown = assertion
        .attributes
        .iter()
        .filter(|attribute| known_as(attribute, map).is_none());
    let suggest = |attribute: &Attribute| {
        let (field, reason) = missing
            .iter()
            .find_map(|field| Some((*field, looks_like(*field, attribute)?)))?;
        Some(Suggestion {
            field,
            attribute: shortened(&attribute.name),
            reason,
            rename_to: field.usual_name().to_owned(),
        })
    };
    unknown.filter_map(suggest).take(MAX_SHOWN_ATTRIBUTES).collect()
}

fn looks_like(field: Field, attribute: &Attribute) -> Option<Reason> {
    let is_address = |value: &AttributeValue| value.as_text().is_some_and(|t| EmailAddress::parse(trim(t)).is_ok());
    if field == Field::Email && attribute.values.iter().any(is_address) {
        return Some(Reason::IsAddress);
    }
    let is_similar = |name: &str| {
        let name = fold(name);
        field.stems().iter().any(|stem| name.contains(stem))
    };
    let names = core::iter::once(&attribute.name).chain(&attribute.friendly_name);
    names
        .into_iter()
        .any(|name| is_similar(name))
        .then_some(Reason::SimilarName)
}

fn known_as(attribute: &Attribute, map: &AttributeMap) -> Option<Field> {
    Field::ALL
        .into_iter()
        .find(|field| is_named(attribute, &field.aliases(map)))
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Nil => String::new(),
        AttributeValue::Structured(text) | AttributeValue::Text(text) => cut(trim(text)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN_VALUE_CHARACTERS).collect()
}
