//! The name of a service.

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// A service name that is valid on every host: the unit's name without `.service`, and the name of the lock file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName(String);

/// A unit name has at most 255 bytes (systemd.unit(5)), of which `.service` takes eight.
const MAX_BYTES: usize = 247;

impl ServiceName {
    /// Accepts the characters of systemd.unit(5): letters, digits, `:`, `-`, `_`, `.`, `\` and at most one `@`.
    /// A final `.service` is removed.
    ///
    /// # Errors
    ///
    /// The name is empty, too long for a unit, or has another character.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        let name = name.strip_suffix(".service").unwrap_or(name);
        let legal = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if name.is_empty() {
            Err("the name is empty".into())
        } else if name.len() > MAX_BYTES {
            Err(format!("longer than {MAX_BYTES} bytes").into())
        } else if let Some(bad) = name.chars().find(|&c| !legal(c)) {
            Err(ValueError::hinted(
                format!("invalid character '{}' in the name of a service", bad.escape_debug()),
                "use letters, digits and : - _ . \\ @",
            ))
        } else if name.starts_with('.') || name.starts_with('@') || name.matches('@').count() > 1 {
            Err("a name must not start with '.' or '@', and must not contain '@' twice".into())
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Result<String, String> {
        ServiceName::parse(OsStr::new(name)).map(|n| n.to_string()).map_err(|r| r.cause)
    }

    #[test]
    fn unit_name_loses_its_suffix() {
        assert_eq!(parse("web@1.service"), Ok("web@1".into()));
    }

    #[test]
    fn name_with_a_path_or_blank_is_refused() {
        for name in ["", ".", "..", "a/b", "../x", "a b", "a\nb", "a@b@c", ".hidden", &"x".repeat(248)] {
            assert!(parse(name).is_err(), "{name:?} was taken");
        }
    }
}
