//! The program's environment.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::refusal::{bytes, text};
use super::{AbsPath, ValueError};

/// The name of a variable: a letter or `_`, then letters, digits and `_` (environ(7); systemd takes no others).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvName(String);

/// One variable with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: EnvName,
    /// Its value: any bytes but NUL.
    pub value: OsString,
}

/// A file with assignments (`EnvironmentFile=`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// The file.
    pub path: AbsPath,
    /// Whether it may be missing.
    pub presence: Presence,
}

/// Whether a file has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It has to.
    Required,
    /// It need not: its path was written with a leading `-`.
    Optional,
}

/// What a program's environment is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentBase {
    /// Only from the spec: what the starter has in its environment stays behind.
    Clean,
    /// From what the starter has.
    Inherited,
}

/// All that a spec says of the environment. Later parts win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// What to build on. None: on the host's where a service manager made it, else on nothing.
    pub base: Option<EnvironmentBase>,
    /// Names that are taken from the starter even where the base is clean.
    pub pass: Vec<EnvName>,
    /// Variables and their values.
    pub assignments: Vec<Assignment>,
    /// Files with more of them.
    pub files: Vec<EnvironmentFile>,
    /// Names that the program must not have, whatever set them.
    pub unset: Vec<EnvName>,
}

impl EnvName {
    /// Takes one name.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        let mut letters = name.bytes();
        let first = letters.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if first && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            Ok(Self(name.to_owned()))
        } else {
            Err(ValueError::hinted(
                format!("'{}' is no name of a variable", name.escape_debug()),
                "letters, digits and _ can stand in it, and it starts with no digit",
            ))
        }
    }

    /// Reads names between blanks or commas.
    pub(super) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        text(value)?
            .split([' ', ',', '\t'])
            .filter(|word| !word.is_empty())
            .map(|word| Self::parse(OsStr::new(word)))
            .collect()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Assignment {
    /// Takes one `NAME=VALUE`. Everything after the first `=` is the value, as it stands.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let bytes = bytes(value)?;
        let equals = bytes.iter().position(|&b| b == b'=').ok_or_else(|| {
            ValueError::hinted(
                "a variable without a value",
                "write NAME=VALUE, or use --pass-environment NAME",
            )
        })?;
        Ok(Self {
            name: EnvName::parse(OsStr::from_bytes(&bytes[..equals]))?,
            value: OsStr::from_bytes(&bytes[equals + 1..]).to_owned(),
        })
    }
}

impl EnvironmentFile {
    /// Takes a path; one that starts with `-` may be missing.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let bytes = bytes(value)?;
        let (presence, path) = match bytes.strip_prefix(b"-") {
            Some(rest) => (Presence::Optional, rest),
            None => (Presence::Required, bytes),
        };
        Ok(Self { path: AbsPath::parse(OsStr::from_bytes(path))?, presence })
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_as_it_stands() {
        let assignment = Assignment::parse(OsStr::from_bytes(b"A=b=\" \xff\n$x%")).unwrap();
        assert_eq!(assignment.name.as_str(), "A");
        assert_eq!(assignment.value.as_bytes(), b"b=\" \xff\n$x%");
    }

    #[test]
    fn a_name_cannot_smuggle_another_variable() {
        for value in ["A", "=x", "1A=x", "A B=x", "A\n=x", "A-B=x", "A=\0"] {
            assert!(Assignment::parse(OsStr::new(value)).is_err(), "{value:?} was taken");
        }
    }
}
