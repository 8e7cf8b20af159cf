//! What stands where the PID file should be.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt::internal::untrusted;
use svcadapt::internal::untrusted::RegularFile;

/// No number is longer; what is longer is no PID file.
const LONGEST: u64 = 64;

/// A PID file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFileFacts {
    /// Its path.
    pub(crate) path: PathBuf,
    /// What stands there.
    pub(crate) file: FoundFile,
    /// The directory that it stands in and those above, links resolved, from the file upwards.
    pub(crate) directories: Vec<FoundDirectory>,
    /// Who is asking: our own effective user.
    pub(crate) our_uid: u32,
}

/// What stands at the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundFile {
    /// Nothing.
    Absent,
    /// It could not be looked at, for this reason.
    Unreadable(String),
    /// A link, a directory, a fifo, …
    NotRegular,
    /// A file, with its first 64 bytes.
    Regular(RegularFile),
}

/// One directory on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDirectory {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The permission bits, sticky included.
    pub(crate) mode: u32,
    /// The owner.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

impl PidFileFacts {
    /// Looks at the path as the user `our_uid`, without following a link at its end.
    pub(crate) fn at(path: &Path, our_uid: u32) -> Self {
        Self { path: path.to_owned(), file: file(path), directories: directories(path), our_uid }
    }
}

fn file(path: &Path) -> FoundFile {
    match untrusted::read(path, LONGEST) {
        Ok(Some(file)) => FoundFile::Regular(file),
        Ok(None) => FoundFile::NotRegular,
        Err(error) if error.kind() == io::ErrorKind::NotFound => FoundFile::Absent,
        Err(error) => FoundFile::Unreadable(error.kind().to_string()),
    }
}

/// From the file upwards, as far as one can see.
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
    fn what_is_there_is_told_apart() {
        assert_eq!(file(Path::new("/nonexistent/x.pid")), FoundFile::Absent);
        assert_eq!(file(Path::new("/dev/null")), FoundFile::NotRegular);
        assert_eq!(file(Path::new("/")), FoundFile::NotRegular);
        let FoundFile::Regular(passwd) = file(Path::new("/etc/passwd")) else {
            panic!("/etc/passwd is a file")
        };
        assert!(passwd.content.len() <= 64);
    }

    #[test]
    fn the_directories_are_told_from_the_file_upwards() {
        let found = directories(Path::new("/etc/ssl/x.pid"));
        let paths: Vec<_> = found.iter().map(|directory| directory.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/etc/ssl", "/etc", "/"]);
    }
}
