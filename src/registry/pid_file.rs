//! The pid file: written whole, by root, where nobody can play tricks; removed only if it is still ours.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::file::Kind;
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{directories, error_text, file, identity, untrusted};

/// Why a pid file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFileError {
    /// The reason, in words.
    pub cause: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The kernel's number for the cause (errno(3)), where it was the kernel that refused.
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

/// Says why root must not write a file of this name, or another user cannot; changes nothing.
///
/// Whoever can write in the directory could swap the file, and have the next `stop` signal a process of their choice;
/// so root wants every directory on the way to be root's alone. What is there already must be a plain file of ours.
pub fn check(path: &Path, judge: Judge) -> Result<(), PidFileError> {
    place(path, judge).map(|_| ())
}

/// Writes the number, with a newline: first into a new file, which then takes the name.
pub fn write(path: &Path, pid: i32, judge: Judge) -> Result<(), PidFileError> {
    let (directory, name) = place(path, judge)?;
    Ok(file::replace(&directory, name, 0o644, format!("{pid}\n").as_bytes())?)
}

/// A path with the links on the way to its last name followed: `/var/run/x.pid` is `/run/x.pid`.
pub fn real(path: &Path) -> PathBuf {
    match (path.parent().and_then(|parent| std::fs::canonicalize(parent).ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Removes the file if it names this process.
pub fn remove(path: &Path, pid: i32) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    // A link on the way (/var/run is one) is no reason to leave the file behind. But what is read and what is removed has
    // to be in one place: the program may be able to exchange that way.
    let directory = match std::fs::canonicalize(parent).and_then(|parent| file::open_directory(&parent)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let named = match file::look(&directory, name)? {
        Some(found) if found.kind == Kind::Regular => {
            untrusted::read_in(&directory, name, MAX_PID_FILE_BYTES)?
        }
        _ => None,
    };
    if named.and_then(|text| number(&text)) == Some(pid) { file::remove(&directory, name) } else { Ok(()) }
}

/// A pid has at most seven digits; what else a program has to say may come on further lines.
const MAX_PID_FILE_BYTES: u64 = 32;

/// What a pid file says, and whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidFileEntry {
    /// The number.
    pub pid: i32,
    /// The owner of the file.
    pub by: u32,
}

/// The number in a pid file; none where there is no file, or no number in it.
pub fn read(path: &Path) -> io::Result<Option<i32>> {
    Ok(read_named(path)?.map(|named| named.pid))
}

/// The same, with whose word it is.
///
/// The program itself may have put it there: nothing but a file is opened, for a device (a watchdog, a tape) may act on
/// that alone. A link is followed if it is root's, or ours.
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

/// The number on the first line, with blanks around it or none, and with a newline behind it or none.
fn number(text: &[u8]) -> Option<i32> {
    let line = text.split(|&byte| byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok().filter(|pid| *pid > 0)
}

fn place(path: &Path, judge: Judge) -> Result<(File, &OsStr), PidFileError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(pid_file_error(
            "this is no file",
            &format!("write it as {}/NAME.pid", directories::runtime().display()),
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
            Kind::Link => "it is a symbolic link",
            Kind::Other => "it is no regular file",
            Kind::Regular if found.names > 1 => "it has more than one name (hard links)",
            Kind::Regular if found.uid != own => "it belongs to another user",
            Kind::Regular if found.mode & 0o022 != 0 => "others can write it",
            Kind::Regular => return Ok((directory, name)),
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
