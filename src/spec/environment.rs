//! The environment of the service.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::value_error::{bytes, text};
use super::{AbsPath, ValueError};

/// The name of a variable: a letter or `_`, then letters, digits and `_` (environ(7); systemd accepts no others).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvName(String);

/// A variable with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: EnvName,
    /// The value: any bytes but NUL.
    pub value: OsString,
}

/// A file of assignments (`EnvironmentFile=`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// The file.
    pub path: AbsPath,
    /// Whether it may be missing.
    pub presence: Presence,
}

/// Whether a file must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must exist.
    Required,
    /// It may be missing: its path was written with a leading `-`.
    Optional,
}

/// The base of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentBase {
    /// Empty: the caller's environment is not inherited.
    Clean,
    /// The caller's environment.
    Inherited,
}

/// The environment settings of a spec. Later parts override earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// The base. `None`: inherited below a service manager, else clean.
    pub base: Option<EnvironmentBase>,
    /// Variables that are inherited even with a clean base.
    pub pass: Vec<EnvName>,
    /// Variables and their values.
    pub assignments: Vec<Assignment>,
    /// Environment files.
    pub files: Vec<EnvironmentFile>,
    /// Variables that are removed at the end.
    pub unset: Vec<EnvName>,
}

impl EnvName {
    /// Reads one name.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        let mut letters = name.bytes();
        let first = letters.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if first && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            Ok(Self(name.to_owned()))
        } else {
            Err(ValueError::hinted(
                format!("invalid variable name '{}'", name.escape_debug()),
                "use letters, digits and _, and no digit at the start",
            ))
        }
    }

    /// Reads names, separated by blanks or commas.
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
    /// Reads one `NAME=VALUE`. Everything after the first `=` is the value, verbatim.
    #[doc(hidden)]
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
    /// Reads a path. A leading `-` means that the file may be missing.
    #[doc(hidden)]
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
    fn value_is_kept_verbatim() {
        let assignment = Assignment::parse(OsStr::from_bytes(b"A=b=\" \xff\n$x%")).unwrap();
        assert_eq!(assignment.name.as_str(), "A");
        assert_eq!(assignment.value.as_bytes(), b"b=\" \xff\n$x%");
    }

    #[test]
    fn invalid_variable_name_is_refused() {
        for value in ["A", "=x", "1A=x", "A B=x", "A\n=x", "A-B=x", "A=\0"] {
            assert!(Assignment::parse(OsStr::new(value)).is_err(), "{value:?} was taken");
        }
    }
}
