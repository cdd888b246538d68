//! One linear pass over the markup: counts what is capped, and checks the rules that the parser does not.
//!
//! The pass splits the text exactly as the parser does (a `<` starts markup everywhere but in CDATA sections, comments
//! and processing instructions; values end at their quote), so that nothing can hide from it. Where it is laxer, the
//! parser refuses the document afterwards.

use core::ops::Range;

use memchr::{memchr, memchr2, memmem};

use super::rules::{check_absolute, check_name, check_references, declared_prefix};
use super::{Error, Profile};
use crate::limits::{MAX_NAMESPACE_BYTES, XmlLimits};

/// Checks `text` against `profile`; the range of a tolerated document type declaration, if there is one.
pub(super) fn scan(text: &str, profile: Profile) -> Result<Option<Range<usize>>, Error> {
    let mut scanner = Scanner {
        profile,
        limits: profile.limits(),
        rest: text.as_bytes(),
        has_references: memchr(b'&', text.as_bytes()).is_some(),
        depth: 0,
        elements: 0,
        declarations: 0,
        scope_copies: 0,
        declared_here: Vec::new(),
        in_scope: Vec::new(),
        doctype: None,
    };
    scanner.document(text.len())?;
    Ok(scanner.doctype)
}

struct Scanner<'t> {
    profile: Profile,
    limits: &'static XmlLimits,
    rest: &'t [u8],
    /// Without a `&` anywhere, no value needs to be searched for one.
    has_references: bool,
    depth: usize,
    elements: usize,
    declarations: usize,
    scope_copies: usize,
    /// The prefixes that the present tag declares.
    declared_here: Vec<&'t [u8]>,
    /// Each bound prefix, with the depth of the element that bound it first.
    in_scope: Vec<(&'t [u8], usize)>,
    doctype: Option<Range<usize>>,
}

impl<'t> Scanner<'t> {
    fn document(&mut self, length: usize) -> Result<(), Error> {
        while let Some(at) = memchr(b'<', self.rest) {
            let text = self.take(at)?;
            self.check_references(text)?;
            match self.rest {
                [b'<', b'/', rest @ ..] => {
                    self.rest = rest;
                    self.end_tag()?;
                }
                [b'<', b'?', rest @ ..] => {
                    self.rest = rest;
                    self.processing_instruction()?;
                }
                [b'<', b'!', b'-', b'-', rest @ ..] => {
                    self.rest = rest;
                    self.comment()?;
                }
                [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', rest @ ..] => {
                    self.rest = rest;
                    self.take_past(b"]]>")?;
                }
                [b'<', b'!', ..] => self.doctype(length)?,
                [_, rest @ ..] => {
                    self.rest = rest;
                    self.start_tag()?;
                }
                [] => return Err(Error::NotWellFormed),
            }
        }
        self.check_references(self.rest)
    }

    fn check_references(&self, text: &[u8]) -> Result<(), Error> {
        if self.has_references {
            check_references(text)
        } else {
            Ok(())
        }
    }

    /// Production 40 and 44 of XML 1.0; Namespaces in XML 1.0, sections 3 to 6.
    fn start_tag(&mut self) -> Result<(), Error> {
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.limits.max_elements {
            return Err(Error::TooManyElements);
        }
        let depth = self.depth.saturating_add(1);
        if depth > self.limits.max_depth {
            return Err(Error::TooDeep);
        }
        self.name()?;
        let mut attributes = 0_usize;
        self.declared_here.clear();
        loop {
            self.skip_space();
            match self.rest {
                [b'>', rest @ ..] => {
                    self.rest = rest;
                    self.depth = depth;
                    return self.charge_scope();
                }
                [b'/', b'>', rest @ ..] => {
                    self.rest = rest;
                    self.charge_scope()?;
                    self.leave(depth);
                    return Ok(());
                }
                _ => {}
            }
            let name = self.name()?;
            let value = self.value()?;
            if let Some(prefix) = declared_prefix(name)? {
                self.declare(prefix, value, depth)?;
            } else {
                attributes = attributes.saturating_add(1);
                if attributes > self.limits.max_attributes_per_element {
                    return Err(Error::TooManyAttributes);
                }
                self.check_references(value)?;
            }
        }
    }

    /// A namespace declaration (Namespaces in XML 1.0, sections 2.2 and 3). `prefix` is empty for the default namespace.
    fn declare(&mut self, prefix: &'t [u8], namespace: &[u8], depth: usize) -> Result<(), Error> {
        if prefix == b"xmlns" {
            return Err(Error::ReservedPrefix);
        }
        if self.declared_here.contains(&prefix) {
            return Err(Error::DeclarationRepeated);
        }
        self.declared_here.push(prefix);
        self.declarations = self.declarations.saturating_add(1);
        if self.declared_here.len() > self.limits.max_declarations_per_element
            || self.declarations > self.limits.max_declarations
        {
            return Err(Error::TooManyDeclarations);
        }
        if namespace.len() > MAX_NAMESPACE_BYTES {
            return Err(Error::NamespaceTooLong);
        }
        if namespace.is_empty() {
            if !prefix.is_empty() {
                return Err(Error::PrefixUndeclared);
            }
        } else {
            match self.profile {
                Profile::SamlMessage | Profile::Metadata => check_absolute(namespace)?,
                Profile::Document => self.check_references(namespace)?,
            }
        }
        if !self.in_scope.iter().any(|(bound, _)| *bound == prefix) {
            self.in_scope.push((prefix, depth));
            if self.in_scope.len() > self.limits.max_prefixes_in_scope {
                return Err(Error::TooManyPrefixes);
            }
        }
        Ok(())
    }

    fn charge_scope(&mut self) -> Result<(), Error> {
        if !self.declared_here.is_empty() {
            self.scope_copies = self.scope_copies.saturating_add(self.in_scope.len());
        }
        if self.scope_copies > self.limits.max_scope_copies {
            Err(Error::TooManyDeclarations)
        } else {
            Ok(())
        }
    }

    /// Production 42. The parser compares prefix and local name with those of the start tag, and so loses a lone colon.
    fn end_tag(&mut self) -> Result<(), Error> {
        self.name()?;
        self.skip_space();
        self.rest = self.rest.strip_prefix(b">").ok_or(Error::NotWellFormed)?;
        let depth = self.depth;
        self.depth = depth.checked_sub(1).ok_or(Error::NotWellFormed)?;
        self.leave(depth);
        Ok(())
    }

    /// Unbinds what the element at `depth` bound.
    fn leave(&mut self, depth: usize) {
        while self.in_scope.pop_if(|(_, bound_at)| *bound_at >= depth).is_some() {}
    }

    /// Production 15. `--` may stand at the end only.
    fn comment(&mut self) -> Result<(), Error> {
        if self.profile == Profile::SamlMessage {
            return Err(Error::CommentForbidden);
        }
        self.take_past(b"--")?;
        self.rest = self.rest.strip_prefix(b">").ok_or(Error::NotWellFormed)?;
        Ok(())
    }

    /// Productions 16 and 17; no colon in the target (Namespaces in XML 1.0, section 7).
    fn processing_instruction(&mut self) -> Result<(), Error> {
        let target = self.rest.get(..3).unwrap_or_default();
        let names_xml = target.eq_ignore_ascii_case(b"xml") && !self.rest.get(3).is_some_and(|next| is_name(*next));
        if names_xml {
            // A declaration that is not at the very start, or a second one.
            return Err(Error::InvalidDeclaration);
        }
        if self.profile == Profile::SamlMessage {
            return Err(Error::ProcessingInstructionForbidden);
        }
        let content = self.take_past(b"?>")?;
        let end = content
            .iter()
            .position(|octet| !is_name(*octet))
            .unwrap_or(content.len());
        let target = content.get(..end).unwrap_or_default();
        if memchr(b':', target).is_some() {
            return Err(Error::InvalidName);
        }
        check_name(target, 0)
    }

    /// Production 28. Nothing that it names is ever read; its range is cut out before the parser sees the text.
    fn doctype(&mut self, length: usize) -> Result<(), Error> {
        let start = length.checked_sub(self.rest.len()).ok_or(Error::NotWellFormed)?;
        let head = self.take(b"<!DOCTYPE".len())?;
        if !head.eq_ignore_ascii_case(b"<!DOCTYPE") {
            return Err(Error::NotWellFormed);
        }
        if self.profile != Profile::Document {
            return Err(Error::DoctypeForbidden);
        }
        if head != b"<!DOCTYPE" || self.doctype.is_some() || self.elements > 0 {
            return Err(Error::NotWellFormed);
        }
        self.required_space()?;
        let name = self.name()?;
        // The parser never sees this name. Of characters beyond ASCII it suffices that they are not ours to read.
        let is_start = |octet: &u8| octet.is_ascii_alphabetic() || *octet == b'_' || !octet.is_ascii();
        let is_inner = |octet: &u8| is_start(octet) || octet.is_ascii_digit() || matches!(octet, b'-' | b'.' | b':');
        if !name.first().is_some_and(is_start) || !name.iter().all(is_inner) {
            return Err(Error::NotWellFormed);
        }
        let literals = match self.after_space() {
            [b'S', b'Y', b'S', b'T', b'E', b'M', rest @ ..] => {
                self.rest = rest;
                1
            }
            [b'P', b'U', b'B', b'L', b'I', b'C', rest @ ..] => {
                self.rest = rest;
                2
            }
            _ => 0,
        };
        for _ in 0..literals {
            self.required_space()?;
            self.quoted()?;
        }
        match self.after_space() {
            [b'>', rest @ ..] => {
                self.rest = rest;
                let end = length.checked_sub(rest.len()).ok_or(Error::NotWellFormed)?;
                self.doctype = Some(start..end);
                Ok(())
            }
            [b'[', ..] => Err(Error::DoctypeInternalSubset),
            _ => Err(Error::NotWellFormed),
        }
    }

    /// What could be a name: up to white space or a character of the syntax.
    fn name(&mut self) -> Result<&'t [u8], Error> {
        let mut colons = 0_usize;
        let is_end = |octet: &u8| {
            colons = colons.saturating_add(usize::from(*octet == b':'));
            !is_name(*octet)
        };
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let name = self.take(end)?;
        check_name(name, colons)?;
        Ok(name)
    }

    /// `=` and a quoted value without `<` (productions 10 and 25).
    fn value(&mut self) -> Result<&'t [u8], Error> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(b"=").ok_or(Error::NotWellFormed)?;
        self.skip_space();
        let (quote, rest) = self.rest.split_first().ok_or(Error::NotWellFormed)?;
        if !matches!(quote, b'"' | b'\'') {
            return Err(Error::NotWellFormed);
        }
        let end = memchr2(*quote, b'<', rest).ok_or(Error::NotWellFormed)?;
        let (value, rest) = rest.split_at_checked(end).ok_or(Error::NotWellFormed)?;
        self.rest = rest
            .strip_prefix(core::slice::from_ref(quote))
            .ok_or(Error::NotWellFormed)?;
        Ok(value)
    }

    /// A quoted literal of a document type declaration (productions 11 and 12).
    fn quoted(&mut self) -> Result<(), Error> {
        let (quote, rest) = self.rest.split_first().ok_or(Error::NotWellFormed)?;
        if !matches!(quote, b'"' | b'\'') {
            return Err(Error::NotWellFormed);
        }
        self.rest = rest;
        self.take_past(core::slice::from_ref(quote))?;
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'t [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Error::NotWellFormed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes all up to `end` and drops `end`.
    fn take_past(&mut self, end: &[u8]) -> Result<&'t [u8], Error> {
        let at = match end {
            [octet] => memchr(*octet, self.rest),
            _ => memmem::find(self.rest, end),
        };
        let taken = self.take(at.ok_or(Error::NotWellFormed)?)?;
        self.rest = self.rest.strip_prefix(end).ok_or(Error::NotWellFormed)?;
        Ok(taken)
    }

    fn skip_space(&mut self) {
        while let [octet, rest @ ..] = self.rest {
            if !is_space(*octet) {
                return;
            }
            self.rest = rest;
        }
    }

    fn after_space(&mut self) -> &'t [u8] {
        self.skip_space();
        self.rest
    }

    fn required_space(&mut self) -> Result<(), Error> {
        if !self.rest.first().is_some_and(|octet| is_space(*octet)) {
            return Err(Error::NotWellFormed);
        }
        self.skip_space();
        Ok(())
    }
}

fn is_name(octet: u8) -> bool {
    // All but one of the characters of the syntax come before the letters.
    if octet > b'?' {
        octet != b'['
    } else {
        !is_space(octet) && !matches!(octet, b'=' | b'>' | b'/' | b'<' | b'"' | b'\'' | b'&' | b'?')
    }
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\n' | b'\r')
}
