//! Opening and creating files for output.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::{fs, io};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::Mode;

use super::file;
use super::number::cast;
use super::path_trust::SharedDirectory;

/// Where writing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At the beginning, overwriting the content.
    Start,
    /// Always at the end (O_APPEND).
    End,
}

/// What to do if the name is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Open its target, or create it.
    Follow,
    /// Fail.
    Refuse,
}

/// An opened file.
#[derive(Debug)]
pub struct Opened {
    /// The file, close-on-exec. It never becomes the controlling terminal.
    pub file: File,
    /// Its path if this call created it. `None` if it existed.
    pub made: Option<PathBuf>,
}

/// Attempts before giving up, because other processes may create and remove names at the same time.
const MAX_TRIES: usize = 40;

/// Opens a file for output, and creates it with this mode (minus the umask) if it does not exist.
///
/// A FIFO without a reader is an error, not an endless wait.
pub fn open(path: &Path, position: Position, mode: u32, links: Links) -> io::Result<Opened> {
    let mut path = path.to_owned();
    for _ in 0..MAX_TRIES {
        let made = match open_at(AT_FDCWD, path.as_os_str(), position, mode, links) {
            Ok((file, made)) => return Ok(Opened { file, made: made.then_some(path) }),
            Err(error) => error,
        };
        // O_EXCL does not follow a dangling link, so it is followed here.
        match fs::read_link(&path) {
            Ok(target) if links == Links::Follow && made.kind() == io::ErrorKind::AlreadyExists => {
                path = path.parent().unwrap_or(Path::new("/")).join(target);
            }
            _ if made.kind() == io::ErrorKind::AlreadyExists => {}
            _ => return Err(made),
        }
    }
    Err(Errno::ELOOP.into())
}

/// Opens a file for output in a directory that others can change. No link below that directory is followed, and each
/// directory on the way must satisfy `trusted`.
pub fn open_below(
    shared: &SharedDirectory,
    position: Position,
    mode: u32,
    trusted: impl Fn(&Metadata) -> bool,
) -> io::Result<Opened> {
    let Some((name, way)) = shared.below.split_last() else { return Err(Errno::EISDIR.into()) };
    let mut path = shared.directory.clone();
    let mut directory = file::open_directory(&path)?;
    for name in way {
        if name == ".." {
            return Err(io::Error::other("'..' leads out of a directory that others can change"));
        }
        directory =
            file::open_directory_in(&directory, name).map_err(|error| named(&directory, name, error))?;
        if !trusted(&directory.metadata()?) {
            return Err(Errno::EACCES.into());
        }
        path.push(name);
    }
    let (file, made) = open_at(directory.as_fd(), name, position, mode, Links::Refuse)?;
    Ok(Opened { file, made: made.then(|| path.join(name)) })
}

fn open_at(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    position: Position,
    mode: u32,
    links: Links,
) -> io::Result<(File, bool)> {
    let mut flags = OFlag::O_WRONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    flags.set(OFlag::O_APPEND, position == Position::End);
    flags.set(OFlag::O_NOFOLLOW, links == Links::Refuse);
    let (open, made) = match nix::fcntl::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::ELOOP) if links == Links::Refuse => {
            return Err(named(directory, name, Errno::ELOOP.into()));
        }
        Err(Errno::ENOENT) => {
            let mode = Mode::from_bits_truncate(cast(mode));
            let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL;
            (nix::fcntl::openat(directory, name, flags, mode)?, true)
        }
        opened => (opened?, false),
    };
    super::fd::nonblocking(&open, false)?;
    Ok((open.into(), made))
}

/// Replaces the error of opening a name by a clearer one if the name is a link.
fn named(directory: impl AsFd, name: &OsStr, error: io::Error) -> io::Error {
    match file::look(directory, name) {
        Ok(Some(found)) if found.kind == file::EntryKind::Link => {
            let name = Path::new(name).file_name().unwrap_or(name).display();
            io::Error::other(format!("{name} is a symbolic link that others could have made"))
        }
        _ => error,
    }
}

/// Truncates a file. Devices and FIFOs, which have no length, are left alone.
pub fn empty(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
}
