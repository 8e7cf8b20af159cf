//! Inspects a PID file and its directories.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt::internal::untrusted;
use svcadapt::internal::untrusted::RegularFile;

/// The maximal number of bytes that are read; a pid is shorter.
const MAX_BYTES: u64 = 64;

/// The data about a PID file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFileFacts {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The object at the path.
    pub(crate) file: FoundFile,
    /// The directories above the file, links resolved, the nearest first.
    pub(crate) directories: Vec<FoundDirectory>,
    /// The effective user of this audit.
    pub(crate) our_uid: u32,
}

/// The object at the path of a PID file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundFile {
    /// There is no file.
    Absent,
    /// The file could not be read, for this reason.
    Unreadable(String),
    /// Not a regular file: a link, a directory, a fifo, …
    NotRegular,
    /// A regular file, with its first 64 bytes.
    Regular(RegularFile),
}

/// A directory above the PID file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDirectory {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The permission bits, including the sticky bit.
    pub(crate) mode: u32,
    /// The owner.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

impl PidFileFacts {
    /// Inspects the path, without following a link at its end. `our_uid` is the effective user of this process.
    pub(crate) fn at(path: &Path, our_uid: u32) -> Self {
        Self { path: path.to_owned(), file: file(path), directories: directories(path), our_uid }
    }
}

fn file(path: &Path) -> FoundFile {
    match untrusted::read(path, MAX_BYTES) {
        Ok(Some(file)) => FoundFile::Regular(file),
        Ok(None) => FoundFile::NotRegular,
        Err(error) if error.kind() == io::ErrorKind::NotFound => FoundFile::Absent,
        Err(error) => FoundFile::Unreadable(error.kind().to_string()),
    }
}

/// The directories above the file, the nearest first; those that cannot be inspected are left out.
fn directories(path: &Path) -> Vec<FoundDirectory> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Vec::new(),
    };
    let Ok(parent) = fs::canonicalize(parent) else { return Vec::new() };
    parent
        .ancestors()
        .filter_map(|directory| {
            let metadata = fs::metadata(directory).ok()?;
            let mode = metadata.mode() & 0o7777;
            Some(FoundDirectory {
                path: directory.to_owned(),
                mode,
                uid: metadata.uid(),
                gid: metadata.gid(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_special_and_regular_files_are_distinguished() {
        assert_eq!(file(Path::new("/nonexistent/x.pid")), FoundFile::Absent);
        assert_eq!(file(Path::new("/dev/null")), FoundFile::NotRegular);
        assert_eq!(file(Path::new("/")), FoundFile::NotRegular);
        let FoundFile::Regular(passwd) = file(Path::new("/etc/passwd")) else {
            panic!("/etc/passwd is a file")
        };
        assert!(passwd.content.len() <= 64);
    }

    #[test]
    fn directories_are_listed_from_the_file_upwards() {
        let found = directories(Path::new("/etc/ssl/x.pid"));
        let paths: Vec<_> = found.iter().map(|directory| directory.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/etc/ssl", "/etc", "/"]);
    }
}
