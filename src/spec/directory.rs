//! Directories that a service is given (`RuntimeDirectory=` and its kin, systemd.exec(5)).

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::ValueError;
use super::refusal::text;

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DirectoryKind {
    /// Under `/run`: gone at the next boot.
    Runtime,
    /// Under `/var/lib`: kept.
    State,
    /// Under `/var/cache`: may be thrown away.
    Cache,
    /// Under `/var/log`.
    Logs,
    /// Under `/etc`. It stays root's.
    Configuration,
}

impl DirectoryKind {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 5] = [Self::Runtime, Self::State, Self::Cache, Self::Logs, Self::Configuration];

    /// Where the directories of a system service lie.
    pub fn base(self) -> &'static Path {
        Path::new(match self {
            Self::Runtime => "/run",
            Self::State => "/var/lib",
            Self::Cache => "/var/cache",
            Self::Logs => "/var/log",
            Self::Configuration => "/etc",
        })
    }

    /// The variable that tells the program where they are.
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

/// A place below the base of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelPath(PathBuf);

impl RelPath {
    /// Takes letters, digits and `. _ - /`: what every version of systemd reads without quoting.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
        let path = Path::new(name);
        if name.is_empty() || path.is_absolute() {
            Err("a directory is named by a relative path".into())
        } else if path.components().any(|part| !matches!(part, Component::Normal(_))) {
            Err("a directory name must not contain '.' or '..'".into())
        } else if !name.chars().all(legal) {
            Err(ValueError::hinted(
                "not a plain directory name",
                "letters, digits and . _ - @ / can stand in it",
            ))
        } else {
            Ok(Self(path.components().collect()))
        }
    }

    /// Reads names between blanks.
    pub(super) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        text(value)?.split_ascii_whitespace().map(|word| Self::parse(OsStr::new(word))).collect()
    }

    /// The path, below its base.
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
    fn a_directory_cannot_leave_its_base() {
        for name in ["", "/a", "..", "a/../b", "a b", "a:b", "./a", "a\\b"] {
            assert!(RelPath::parse(OsStr::new(name)).is_err(), "{name:?} was taken");
        }
        assert_eq!(RelPath::parse(OsStr::new("web/data")).unwrap().as_path(), Path::new("web/data"));
    }
}
