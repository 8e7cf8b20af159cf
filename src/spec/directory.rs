//! Directories of a service: `RuntimeDirectory=`, `StateDirectory=` and so on (systemd.exec(5)).

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::ValueError;
use super::value_error::text;

/// The kind of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DirectoryKind {
    /// Below `/run`: removed at boot.
    Runtime,
    /// Below `/var/lib`: permanent.
    State,
    /// Below `/var/cache`: may be deleted.
    Cache,
    /// Below `/var/log`.
    Logs,
    /// Below `/etc`. It stays owned by root.
    Configuration,
}

impl DirectoryKind {
    /// All kinds, in the order of creation.
    #[doc(hidden)]
    pub const ALL: [Self; 5] = [Self::Runtime, Self::State, Self::Cache, Self::Logs, Self::Configuration];

    /// The base directory, for a system service.
    #[doc(hidden)]
    pub fn base(self) -> &'static Path {
        Path::new(match self {
            Self::Runtime => "/run",
            Self::State => "/var/lib",
            Self::Cache => "/var/cache",
            Self::Logs => "/var/log",
            Self::Configuration => "/etc",
        })
    }

    /// The environment variable that holds their paths.
    #[doc(hidden)]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Runtime => "RUNTIME_DIRECTORY",
            Self::State => "STATE_DIRECTORY",
            Self::Cache => "CACHE_DIRECTORY",
            Self::Logs => "LOGS_DIRECTORY",
            Self::Configuration => "CONFIGURATION_DIRECTORY",
        }
    }
}

/// A path relative to the base directory of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelPath(PathBuf);

impl RelPath {
    /// Accepts letters, digits and `. _ - @ /`, which every version of systemd reads without quoting.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
        let path = Path::new(name);
        if name.is_empty() || path.is_absolute() {
            Err("not a relative path".into())
        } else if path.components().any(|part| !matches!(part, Component::Normal(_))) {
            Err("a directory name must not contain '.' or '..'".into())
        } else if !name.chars().all(legal) {
            Err(ValueError::hinted("not a plain directory name", "use letters, digits and . _ - @ /"))
        } else {
            Ok(Self(path.components().collect()))
        }
    }

    /// Reads paths, separated by blanks.
    pub(super) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        text(value)?.split_ascii_whitespace().map(|word| Self::parse(OsStr::new(word))).collect()
    }

    /// The path, relative to its base directory.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_outside_its_base_is_refused() {
        for name in ["", "/a", "..", "a/../b", "a b", "a:b", "./a", "a\\b"] {
            assert!(RelPath::parse(OsStr::new(name)).is_err(), "{name:?} was taken");
        }
        assert_eq!(RelPath::parse(OsStr::new("web/data")).unwrap().as_path(), Path::new("web/data"));
    }
}
