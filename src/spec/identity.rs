//! Users and groups, by name or by ID.

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// A user or a group, not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// By name.
    Name(String),
    /// By ID. Never 65535 or 4294967295, which system calls take for "no change".
    Id(u32),
}

impl Principal {
    /// Reads one name or ID.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
            return match name.parse() {
                Ok(65_535 | u32::MAX) => Err("to the kernel this ID means \"no change\"".into()),
                Ok(id) => Ok(Self::Id(id)),
                Err(_) => Err("larger than any user or group ID".into()),
            };
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || "_-.$+\\@".contains(c) || !c.is_ascii();
        if name.is_empty() {
            Err("it is empty".into())
        } else if name.starts_with('-') || name == "." || name == ".." || !name.chars().all(legal) {
            let cause = "not a name or ID of a user or group";
            match name.split_once(':') {
                Some((user, group)) if !user.is_empty() && !group.is_empty() => {
                    Err(ValueError::hinted(cause, format!("for both write --user {user} --group {group}")))
                }
                _ => Err(cause.into()),
            }
        } else {
            Ok(Self::Name(name.to_owned()))
        }
    }

    /// Reads names and IDs, separated by blanks or commas.
    pub(super) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        text(value)?
            .split([' ', ',', '\t'])
            .filter(|word| !word.is_empty())
            .map(|word| Self::parse(OsStr::new(word)))
            .collect()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_that_means_no_change_is_refused() {
        for value in ["-1", "4294967295", "65535", "4294967296", "", "a:b", "a b", ".."] {
            assert!(Principal::parse(OsStr::new(value)).is_err(), "{value:?} was taken");
        }
        assert_eq!(Principal::parse(OsStr::new("4294967294")), Ok(Principal::Id(4_294_967_294)));
        assert_eq!(Principal::parse(OsStr::new("www-data")), Ok(Principal::Name("www-data".into())));
    }
}
