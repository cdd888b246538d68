//! The assertion (SAML Core 2.3.3) as typed fields, read from octets that were digested.

use super::id::AssertionId;
use super::reject::{Reject, Shape};
use super::time::Timestamp;
use crate::hidden::hide;
use crate::limits::MAX_NAME_ID_CHARACTERS;
use crate::xml::names::{DS, SAML, XSI};
use crate::xml::{Element, Error};

/// An assertion's fields. It can be read from any element, so what decides must take a `Verified<Assertion>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its `ID`.
    pub id: AssertionId,
    /// Who made it (2.2.5).
    pub issuer: Issuer,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// Whom it is about (2.4.1).
    pub name_id: Option<NameId>,
    /// How the bearer may be confirmed (2.4.1.1), in document order.
    pub confirmations: Vec<SubjectConfirmation>,
    /// When and for whom it holds (2.5).
    pub conditions: Option<Conditions>,
    /// How and when the user was authenticated (2.7.2), in document order.
    pub authn_statements: Vec<AuthnStatement>,
    /// What is said of the user (2.7.3), of all statements, in document order.
    pub attributes: Vec<Attribute>,
}

/// An `Issuer` (SAML Core 2.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The entity ID.
    pub value: String,
    /// The `Format`; absent means an entity ID.
    pub format: Option<String>,
}

/// A `NameID` (SAML Core 2.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct NameId {
    /// The identifier as it stands, white space around it too, which is part of an `xs:string`: two users who differ in
    /// that alone are two. Empty when there is white space and nothing else.
    pub value: String,
    /// Its `Format`.
    pub format: Option<String>,
    /// The `NameQualifier`.
    pub name_qualifier: Option<String>,
    /// The `SPNameQualifier`.
    pub sp_name_qualifier: Option<String>,
}

/// A `SubjectConfirmation` with its data (SAML Core 2.4.1.1, 2.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectConfirmation {
    /// How it is confirmed.
    pub method: String,
    /// Whether there was a `SubjectConfirmationData`.
    pub has_data: bool,
    /// Where it may be presented.
    pub recipient: Option<String>,
    /// Not before when.
    pub not_before: Option<Timestamp>,
    /// Until when, exclusively.
    pub not_on_or_after: Option<Timestamp>,
    /// Which request it answers.
    pub in_response_to: Option<String>,
}

/// `Conditions` (SAML Core 2.5.1). Condition elements that are not known refuse the assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Not before when.
    pub not_before: Option<Timestamp>,
    /// Until when, exclusively.
    pub not_on_or_after: Option<Timestamp>,
    /// The audiences of each `AudienceRestriction`; every one of them must hold ours.
    pub audience_restrictions: Vec<Vec<String>>,
}

/// An `AuthnStatement` (SAML Core 2.7.2).
#[derive(Clone, PartialEq, Eq)]
pub struct AuthnStatement {
    /// When the user was authenticated.
    pub authn_instant: Timestamp,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// When that session ends.
    pub session_not_on_or_after: Option<Timestamp>,
    /// The authentication context class.
    pub class_ref: Option<String>,
}

/// An `Attribute` (SAML Core 2.7.3.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its `Name`.
    pub name: String,
    /// Its `NameFormat`.
    pub name_format: Option<String>,
    /// Its `FriendlyName`.
    pub friendly_name: Option<String>,
    /// Its values in document order.
    pub values: Vec<AttributeValue>,
}

/// An `AttributeValue` (SAML Core 2.7.3.1.1).
#[derive(Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// `xsi:nil`.
    Nil,
    /// Elements, whose text is given without their tags; never used as an identity.
    Structured(String),
    /// Plain text, as it stands.
    Text(String),
}

hide!(Assertion, Attribute, AttributeValue, AuthnStatement, NameId);

impl AttributeValue {
    /// The value when it is plain text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nil | Self::Structured(_) => None,
        }
    }
}

impl Assertion {
    /// Reads a `saml:Assertion` element, refusing what the schema does not know.
    ///
    /// # Errors
    /// [`Reject::ResponseMalformed`] naming the rule of shape that is broken, [`Reject::EncryptedUnexpected`] when
    /// something in it is encrypted: an identifier that cannot be read is never taken for none (attack A100).
    pub fn read(element: Element<'_>) -> Result<Self, Reject> {
        Self::read_with(element, |_, _| Err(Reject::EncryptedUnexpected))
    }

    /// As [`read`](Self::read), giving `encrypted` what is encrypted and its place.
    pub(super) fn read_with<'d>(
        element: Element<'d>,
        mut encrypted: impl FnMut(Place, Element<'d>) -> Result<(), Reject>,
    ) -> Result<Self, Reject> {
        if !element.is(SAML, "Assertion") {
            return Err(malformed(Shape::AssertionCount));
        }
        if element.attribute("Version") != Some("2.0") {
            return Err(malformed(Shape::Version));
        }
        let issuer = leading_issuer(element)?.ok_or(Error::ChildMissing)?;
        let mut assertion = Self {
            id: AssertionId::parse(required(element, "ID")?).map_err(|_| malformed(Shape::Attribute("ID")))?,
            issuer: Issuer::read(issuer)?,
            issue_instant: required_time(element, "IssueInstant")?,
            name_id: None,
            confirmations: Vec::new(),
            conditions: None,
            authn_statements: Vec::new(),
            attributes: Vec::new(),
        };
        element.has_only_element_content()?;
        if let Some(subject) = element.child(SAML, "Subject")? {
            assertion.read_subject(subject, &mut encrypted)?;
        }
        if let Some(conditions) = element.child(SAML, "Conditions")? {
            assertion.conditions = Some(Conditions::read(conditions)?);
        }
        element.child(SAML, "Advice")?;
        element.child(DS, "Signature")?;
        for child in element.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "Issuer" | "Subject" | "Conditions" | "Advice" | "AuthzDecisionStatement")
                | (DS, "Signature") => {}
                (SAML, "AuthnStatement") => assertion.authn_statements.push(AuthnStatement::read(child)?),
                (SAML, "AttributeStatement") => read_attributes(child, &mut assertion.attributes, &mut encrypted)?,
                _ => return Err(malformed(Shape::Element("Assertion/*"))),
            }
        }
        Ok(assertion)
    }

    fn read_subject<'d>(
        &mut self,
        subject: Element<'d>,
        encrypted: &mut impl FnMut(Place, Element<'d>) -> Result<(), Reject>,
    ) -> Result<(), Reject> {
        subject.has_only_element_content()?;
        self.name_id = subject.child(SAML, "NameID")?.map(NameId::read).transpose()?;
        let encrypted_id = subject.child(SAML, "EncryptedID")?;
        if self.name_id.is_some() && encrypted_id.is_some() {
            return Err(malformed(Shape::Element("Subject/*")));
        }
        for child in subject.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "NameID") => {}
                (SAML, "EncryptedID") => encrypted(Place::NameId, child)?,
                (SAML, "SubjectConfirmation") => self.confirmations.push(SubjectConfirmation::read(child)?),
                _ => return Err(malformed(Shape::Element("Subject/*"))),
            }
        }
        Ok(())
    }
}

/// The `Issuer` of a response or an assertion, if there is one, which nothing may stand before (SAML Core 2.3.3, 3.2.2).
pub(super) fn leading_issuer(element: Element<'_>) -> Result<Option<Element<'_>>, Reject> {
    let issuer = element.child(SAML, "Issuer")?;
    if issuer.is_some() && element.children().next() != issuer {
        return Err(malformed(Shape::Element("Issuer")));
    }
    Ok(issuer)
}

/// Where something encrypted stands in an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the place of an attribute, which follows so many others.
    Attribute(usize),
    /// In the place of the subject's NameID.
    NameId,
}

impl Issuer {
    /// Reads an `Issuer` element.
    ///
    /// # Errors
    /// [`Reject::Xml`] when it is not a leaf of text.
    pub fn read(element: Element<'_>) -> Result<Self, Reject> {
        Ok(Self {
            value: element.text()?.to_owned(),
            format: element.attribute("Format").map(ToOwned::to_owned),
        })
    }
}

impl NameId {
    /// The identifier without white space around it, for people to read. It does not tell two users apart.
    #[must_use]
    pub fn trimmed(&self) -> &str {
        trim(&self.value)
    }

    /// Whether it is a new one for every sign-in (SAML Core 8.3.8).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.format.as_deref() == Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    }

    /// Reads a `NameID` element.
    pub(super) fn read(element: Element<'_>) -> Result<Self, Reject> {
        let attribute = |name| element.attribute(name).map(ToOwned::to_owned);
        let value = element.text()?;
        if value.chars().nth(MAX_NAME_ID_CHARACTERS).is_some() {
            return Err(malformed(Shape::Length("NameID")));
        }
        Ok(Self {
            value: if is_blank(value) {
                String::new()
            } else {
                value.to_owned()
            },
            format: attribute("Format"),
            name_qualifier: attribute("NameQualifier"),
            sp_name_qualifier: attribute("SPNameQualifier"),
        })
    }
}

impl SubjectConfirmation {
    fn read(element: Element<'_>) -> Result<Self, Reject> {
        element.has_only_element_content()?;
        let data = element.child(SAML, "SubjectConfirmationData")?;
        for child in element.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "NameID" | "SubjectConfirmationData") => {}
                (SAML, "EncryptedID") => return Err(Reject::EncryptedUnexpected),
                _ => return Err(malformed(Shape::Element("SubjectConfirmation/*"))),
            }
        }
        let time = |name| data.map_or(Ok(None), |d| optional_time(d, name));
        let text = |name| data.and_then(|d| d.attribute(name)).map(ToOwned::to_owned);
        Ok(Self {
            method: required(element, "Method")?.to_owned(),
            has_data: data.is_some(),
            recipient: text("Recipient"),
            not_before: time("NotBefore")?,
            not_on_or_after: time("NotOnOrAfter")?,
            in_response_to: text("InResponseTo"),
        })
    }
}

impl Conditions {
    fn read(element: Element<'_>) -> Result<Self, Reject> {
        element.has_only_element_content()?;
        let mut conditions = Self {
            not_before: optional_time(element, "NotBefore")?,
            not_on_or_after: optional_time(element, "NotOnOrAfter")?,
            audience_restrictions: Vec::new(),
        };
        for child in element.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "AudienceRestriction") => conditions.audience_restrictions.push(read_audiences(child)?),
                // Both bind a party that keeps or passes on the assertion (2.5.1.5, 2.5.1.6); we do neither, and use it once.
                (SAML, "OneTimeUse" | "ProxyRestriction") => {}
                // "If the relying party does not understand a condition, the validity of the assertion cannot be determined" (2.5.1.1).
                _ => return Err(malformed(Shape::Element("Conditions/*"))),
            }
        }
        Ok(conditions)
    }
}

fn read_audiences(restriction: Element<'_>) -> Result<Vec<String>, Reject> {
    restriction.has_only_element_content()?;
    restriction
        .children()
        .map(|audience| {
            if !audience.is(SAML, "Audience") {
                return Err(malformed(Shape::Element("AudienceRestriction/*")));
            }
            Ok(audience.text()?.to_owned())
        })
        .collect()
}

impl AuthnStatement {
    fn read(element: Element<'_>) -> Result<Self, Reject> {
        element.has_only_element_content()?;
        for child in element.children() {
            match (child.namespace(), child.local_name()) {
                (SAML, "AuthnContext" | "SubjectLocality") => {}
                _ => return Err(malformed(Shape::Element("AuthnStatement/*"))),
            }
        }
        element.child(SAML, "SubjectLocality")?;
        let context = element.child(SAML, "AuthnContext")?;
        let class_ref = context.map_or(Ok(None), |c| c.child(SAML, "AuthnContextClassRef"))?;
        Ok(Self {
            authn_instant: required_time(element, "AuthnInstant")?,
            session_index: element.attribute("SessionIndex").map(ToOwned::to_owned),
            session_not_on_or_after: optional_time(element, "SessionNotOnOrAfter")?,
            class_ref: class_ref.map(|c| c.text().map(|t| trim(t).to_owned())).transpose()?,
        })
    }
}

fn read_attributes<'d>(
    statement: Element<'d>,
    into: &mut Vec<Attribute>,
    encrypted: &mut impl FnMut(Place, Element<'d>) -> Result<(), Reject>,
) -> Result<(), Reject> {
    statement.has_only_element_content()?;
    for child in statement.children() {
        match (child.namespace(), child.local_name()) {
            (SAML, "Attribute") => into.push(Attribute::read(child)?),
            (SAML, "EncryptedAttribute") => encrypted(Place::Attribute(into.len()), child)?,
            _ => return Err(malformed(Shape::Element("AttributeStatement/*"))),
        }
    }
    Ok(())
}

impl Attribute {
    /// Reads an `Attribute` element.
    pub(super) fn read(element: Element<'_>) -> Result<Self, Reject> {
        let text = |name| element.attribute(name).map(ToOwned::to_owned);
        element.has_only_element_content()?;
        let values = element.children().map(|value| {
            if value.is(SAML, "AttributeValue") {
                read_value(value)
            } else {
                Err(malformed(Shape::Element("Attribute/*")))
            }
        });
        Ok(Self {
            name: required(element, "Name")?.to_owned(),
            name_format: text("NameFormat"),
            friendly_name: text("FriendlyName"),
            values: values.collect::<Result<_, _>>()?,
        })
    }
}

fn read_value(element: Element<'_>) -> Result<AttributeValue, Reject> {
    let nil = element
        .attributes()
        .any(|a| a.namespace == XSI && a.local_name == "nil" && matches!(a.value, "true" | "1"));
    if nil {
        return Ok(AttributeValue::Nil);
    }
    if element.children().next().is_none() {
        return Ok(AttributeValue::Text(element.text()?.to_owned()));
    }
    // Nothing decides on this text.
    let text = element.text_with_descendants()?;
    Ok(AttributeValue::Structured(text))
}

fn is_blank(text: &str) -> bool {
    trim(text).is_empty()
}

/// `text` without surrounding XML white space.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

pub(super) fn malformed(shape: Shape) -> Reject {
    Reject::ResponseMalformed(shape)
}

pub(super) fn required<'d>(element: Element<'d>, name: &'static str) -> Result<&'d str, Reject> {
    element.attribute(name).ok_or(malformed(Shape::Attribute(name)))
}

pub(super) fn required_time(element: Element<'_>, name: &'static str) -> Result<Timestamp, Reject> {
    Timestamp::parse_xs_date_time(required(element, name)?).ok_or(malformed(Shape::Attribute(name)))
}

pub(super) fn optional_time(element: Element<'_>, name: &'static str) -> Result<Option<Timestamp>, Reject> {
    match element.attribute(name) {
        None => Ok(None),
        Some(text) => Timestamp::parse_xs_date_time(text)
            .map(Some)
            .ok_or(malformed(Shape::Attribute(name))),
    }
}
