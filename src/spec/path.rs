//! Paths that mean the same from everywhere.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::ValueError;
use super::refusal::bytes;

/// The longest path that the kernel takes, with its final NUL (`PATH_MAX`, limits.h(0p)).
const PATH_MAX: usize = 4096;

/// An absolute path without `..`, doubled slashes or a final one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbsPath(PathBuf);

impl AbsPath {
    /// Takes an absolute path. `..` is refused: what it means depends on links that may change.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let path = Path::new(OsStr::from_bytes(bytes(value)?));
        if !path.is_absolute() {
            return Err(ValueError::hinted("not an absolute path", "a path starts with '/'"));
        }
        if path.as_os_str().len() >= PATH_MAX {
            return Err(format!("longer than {} bytes", PATH_MAX - 1).into());
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err("a path must not contain '..'".into());
        }
        Ok(Self(path.components().collect()))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for AbsPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_plain() {
        assert_eq!(AbsPath::parse(OsStr::new("//a/./b//")).unwrap().as_path(), Path::new("/a/b"));
        assert_eq!(AbsPath::parse(OsStr::new("/")).unwrap().as_path(), Path::new("/"));
    }

    #[test]
    fn what_is_no_fixed_place_is_refused() {
        for path in ["", "a", "./a", "/a/../b", "/..", "/a\0b"] {
            assert!(AbsPath::parse(OsStr::new(path)).is_err(), "{path:?} was taken");
        }
    }
}
