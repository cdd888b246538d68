//! The arguments of one subcommand.

use std::ffi::{OsStr, OsString};

use edge_saml::saml::time::Timestamp;
use lexopt::Arg;

use super::output::Failure;

/// What a subcommand takes, besides `--help`.
pub(super) struct Spec {
    /// What its one operand is called.
    pub(super) operand: &'static str,
    /// Options with a value that may be given once.
    pub(super) once: &'static [&'static str],
    /// Options with a value that may be given several times.
    pub(super) many: &'static [&'static str],
    /// Options without a value.
    pub(super) flags: &'static [&'static str],
}

impl Spec {
    /// Reads `arguments`; none when help is asked for.
    pub(super) fn parse(&self, arguments: Vec<OsString>) -> Result<Option<Arguments>, Failure> {
        let usage = |error: lexopt::Error| Failure::usage(&error.to_string());
        let mut parser = lexopt::Parser::from_args(arguments);
        let (mut operand, mut values, mut flags) = (None, Vec::new(), Vec::new());
        let named = |names: &'static [&'static str], name: &str| names.iter().find(|known| **known == name).copied();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long(name) => {
                    if let Some(known) = named(self.flags, name) {
                        flags.push(known);
                    } else if let Some(known) = named(self.once, name) {
                        if values.iter().any(|(name, _)| *name == known) {
                            return Err(Failure::usage(&format!("--{known} is given twice")));
                        }
                        values.push((known, parser.value().map_err(usage)?));
                    } else if let Some(known) = named(self.many, name) {
                        values.push((known, parser.value().map_err(usage)?));
                    } else {
                        return Err(usage(argument.unexpected()));
                    }
                }
                Arg::Value(value) if operand.is_none() => operand = Some(value),
                other => return Err(usage(other.unexpected())),
            }
        }
        Ok(Some(Arguments {
            operand: operand.ok_or_else(|| Failure::usage(&format!("{} is missing", self.operand)))?,
            values,
            flags,
        }))
    }
}

/// The arguments as they were given.
pub(super) struct Arguments {
    operand: OsString,
    values: Vec<(&'static str, OsString)>,
    flags: Vec<&'static str>,
}

impl Arguments {
    /// The one argument that is not an option.
    pub(super) fn operand(&self) -> &OsStr {
        &self.operand
    }

    /// Whether an option without a value was given.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// All values of an option, as they were given.
    pub(super) fn paths(&self, name: &str) -> impl Iterator<Item = &OsStr> {
        let of_name = move |(found, value): &'_ (&'static str, OsString)| *found == name && !value.is_empty();
        self.values
            .iter()
            .filter(move |pair| of_name(pair))
            .map(|(_, value)| value.as_os_str())
    }

    /// All values of an option as text.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Failure> {
        let values = self.values.iter().filter(|(found, _)| *found == name);
        values
            .map(|(_, value)| {
                value
                    .to_str()
                    .ok_or_else(|| Failure::usage(&format!("--{name} is not UTF-8")))
            })
            .collect()
    }

    /// The value of an option.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        Ok(self.texts(name)?.first().copied())
    }

    /// The value of an option that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?
            .ok_or_else(|| Failure::usage(&format!("--{name} is missing")))
    }

    /// A point in time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = Timestamp::parse_rfc3339(text);
        time.map(Some).ok_or_else(|| {
            Failure::usage(&format!(
                "--{name}: expected a time such as 2026-07-01T12:00:00Z, found {text:?}"
            ))
        })
    }
}
