//! The pid file: written atomically, by root only in directories that root controls; removed only if it still
//! contains the pid.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::file::EntryKind;
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{directories, error_text, file, identity, untrusted};

/// Why a pid file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFileError {
    /// The cause, in words.
    pub cause: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// The errno (errno(3)), if the kernel refused.
    pub errno: Option<i32>,
}

impl From<io::Error> for PidFileError {
    fn from(error: io::Error) -> Self {
        Self { cause: error_text(&error), hint: None, errno: error.raw_os_error() }
    }
}

fn pid_file_error(cause: impl Into<String>, hint: &str) -> PidFileError {
    PidFileError { cause: cause.into(), hint: Some(hint.into()), errno: None }
}

/// Why this user must not write a pid file at this path. Changes nothing.
///
/// A user who can write in the directory could replace the file, so that the next `stop` signals another process. As
/// root, every directory of the path must be under root's control. An existing file must be a regular file of this
/// user.
pub fn check(path: &Path, judge: Judge) -> Result<(), PidFileError> {
    place(path, judge).map(|_| ())
}

/// Writes the pid and a newline to a new file, and renames it.
pub fn write(path: &Path, pid: i32, judge: Judge) -> Result<(), PidFileError> {
    let (directory, name) = place(path, judge)?;
    Ok(file::replace(&directory, name, 0o644, format!("{pid}\n").as_bytes())?)
}

/// A path with symbolic links in its directory resolved: `/var/run/x.pid` becomes `/run/x.pid`.
pub fn real(path: &Path) -> PathBuf {
    match (path.parent().and_then(|parent| std::fs::canonicalize(parent).ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Removes the file if it contains this pid.
pub fn remove(path: &Path, pid: i32) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    // A symbolic link in the path (/var/run is one) is followed. The directory is opened once, because the program
    // may be able to replace the link between reading and removing.
    let directory = match std::fs::canonicalize(parent).and_then(|parent| file::open_directory(&parent)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let named = match file::look(&directory, name)? {
        Some(found) if found.kind == EntryKind::Regular => {
            untrusted::read_in(&directory, name, MAX_PID_FILE_BYTES)?
        }
        _ => None,
    };
    if named.and_then(|text| number(&text)) == Some(pid) { file::remove(&directory, name) } else { Ok(()) }
}

/// A pid has at most seven digits; programs may write more on further lines.
const MAX_PID_FILE_BYTES: u64 = 32;

/// The content of a pid file, and its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidFileEntry {
    /// The pid.
    pub pid: i32,
    /// The owner of the file.
    pub by: u32,
}

/// The pid in a file. `None` if the file is missing or contains no number.
pub fn read(path: &Path) -> io::Result<Option<i32>> {
    Ok(read_named(path)?.map(|named| named.pid))
}

/// The same, with the owner of the file.
///
/// The program may have created it, so only a regular file is opened: opening a device (a watchdog, a tape) may have
/// effects. A symbolic link is followed if it belongs to root or to this user.
pub fn read_named(path: &Path) -> io::Result<Option<PidFileEntry>> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && [0, identity::effective_user()].contains(&found.uid()) => {
            std::fs::canonicalize(path)
        }
        Ok(_) => Ok(path.to_owned()),
        Err(error) => Err(error),
    };
    match found.and_then(|path| untrusted::read(&path, MAX_PID_FILE_BYTES)) {
        Ok(file) => {
            Ok(file.and_then(|file| Some(PidFileEntry { pid: number(&file.content)?, by: file.uid })))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The number on the first line; surrounding blanks and a final newline are optional.
fn number(text: &[u8]) -> Option<i32> {
    let line = text.split(|&byte| byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok().filter(|pid| *pid > 0)
}

fn place(path: &Path, judge: Judge) -> Result<(File, &OsStr), PidFileError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(pid_file_error(
            "this is not a file name",
            &format!("use a path such as {}/NAME.pid", directories::runtime().display()),
        ));
    };
    let own = identity::effective_user();
    if own == 0
        && let Some(shared) = judge.reach(parent, Last::Directory)?.shared()
    {
        let cause = format!("users other than root can write in {}", shared.directory.display());
        return Err(pid_file_error(cause, &directories::shared_dir_hint(&shared.directory)));
    }
    let directory = std::fs::canonicalize(parent).and_then(|parent| file::open_directory(&parent))?;
    if let Some(found) = file::look(&directory, name)? {
        let cause = match found.kind {
            EntryKind::Link => "it is a symbolic link",
            EntryKind::Other => "it is not a regular file",
            EntryKind::Regular if found.names > 1 => "it has several hard links",
            EntryKind::Regular if found.uid != own => "it belongs to another user",
            EntryKind::Regular if found.mode & 0o022 != 0 => "other users can write it",
            EntryKind::Regular => return Ok((directory, name)),
        };
        return Err(pid_file_error(cause, "remove it, and find out who put it there"));
    }
    Ok((directory, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_files_of_real_programs_are_understood() {
        let postmaster = "42\n/var/lib/postgresql/15/ä".as_bytes();
        for text in
            [&b"42"[..], b"42\n", b" 42 \n", b"42\r\n", postmaster, &postmaster[..postmaster.len() - 1]]
        {
            assert_eq!(number(text), Some(42), "{}", text.escape_ascii());
        }
        for text in [&b""[..], b"\n42\n", b"x", b"-1", b"0", b"42 43", b"99999999999999999999", b"\xff\n42"] {
            assert_eq!(number(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_link_is_followed_if_it_is_ours_and_what_is_no_file_says_nothing() {
        let place = std::env::temp_dir().join(format!("svcadapt-pid-link-{}", std::process::id()));
        std::fs::create_dir(&place).unwrap();
        let link = place.join("link");
        std::fs::write(place.join("pid"), "42\n").unwrap();
        std::os::unix::fs::symlink("pid", &link).unwrap();
        assert_eq!(read(&link).unwrap(), Some(42));
        if identity::effective_user() == 0 {
            std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
            assert_eq!(read(&link).unwrap(), None);
        }
        assert_eq!(read(&place).unwrap(), None);
        assert_eq!(read(Path::new("/dev/zero")).unwrap(), None);
        std::fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_file_behind_a_linked_directory_is_removed_if_it_is_ours() {
        let place = std::env::temp_dir().join(format!("svcadapt-pid-file-{}", std::process::id()));
        std::fs::create_dir_all(place.join("run")).unwrap();
        std::os::unix::fs::symlink("run", place.join("link")).unwrap();
        let path = place.join("link/x.pid");
        std::fs::write(&path, "42\n").unwrap();
        remove(&path, 41).unwrap();
        assert_eq!(read(&path).unwrap(), Some(42));
        remove(&path, 42).unwrap();
        assert!(!path.exists());
        std::fs::remove_dir_all(&place).unwrap();
    }
}
