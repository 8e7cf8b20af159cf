//! Absolute paths.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::ValueError;
use super::value_error::bytes;

/// The maximum length of a path, with its final NUL (limits.h(0p)).
const PATH_MAX: usize = 4096;

/// An absolute path without `..`, double slashes or a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbsPath(PathBuf);

impl AbsPath {
    /// Reads an absolute path. `..` is refused: its meaning depends on symbolic links, which may change.
    ///
    /// # Errors
    ///
    /// The path is relative, too long, or contains `..` or a NUL byte.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let path = Path::new(OsStr::from_bytes(bytes(value)?));
        if !path.is_absolute() {
            return Err(ValueError::hinted("not an absolute path", "start the path with '/'"));
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
    fn path_is_normalized() {
        assert_eq!(AbsPath::parse(OsStr::new("//a/./b//")).unwrap().as_path(), Path::new("/a/b"));
        assert_eq!(AbsPath::parse(OsStr::new("/")).unwrap().as_path(), Path::new("/"));
    }

    #[test]
    fn relative_or_ambiguous_path_is_refused() {
        for path in ["", "a", "./a", "/a/../b", "/..", "/a\0b"] {
            assert!(AbsPath::parse(OsStr::new(path)).is_err(), "{path:?} was taken");
        }
    }
}
