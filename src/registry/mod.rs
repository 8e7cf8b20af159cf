//! The identity of a service: a record of its main process, and a lock that this process holds.
//!
//! The record names a process by its pid, its start time and the boot id; no other process ever has the same three.
//! Its directory and file are writable only by root (or by the user whose services these are), so no service of
//! another user can forge it.
//!
//! The lock is a POSIX record lock. It survives exec, children do not inherit it, it ends with the process in every
//! case, and it reports the holder's pid, or that the holder is in another pid namespace, where the record does not
//! apply. It is a *read* lock, so the descriptor that stays open in the program can be read-only: the program cannot
//! write to the file and fill the file system. Only the owner can open the file, so no other user can block a start.
//! Two services are kept apart because a start does its critical section under another lock ([`Lock::take`]).
//!
//! A child of the program has the descriptor too, and may lock the file after the program has ended. That has no
//! effect: a process that is not recorded is not the service, and the next start creates a new file.

mod lock;
mod lock_directory;
mod old_boots;
pub mod pid_file;
mod record;
mod terminate;
mod tree;

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

pub use lock::{AlreadyRunning, Lock, remove};
pub use lock_directory::{
    LockDirectoryError, directory, lock_directories, obstacle, own_directories, prepare_directory,
    runtime_directory,
};
pub use record::{Record, Session};
use svcadapt_spec::{AbsPath, ServiceName};
pub use terminate::{Members, Termination, TerminationResult};
pub use tree::{Leftovers, Tree};

use crate::sys::directories::THIS_SYSTEM;
use crate::sys::lock::{Holder, StartLock};
use crate::sys::{fd, file};

/// The result of a look at a service's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is running as the recorded process.
    Running(Record),
    /// It is running in another pid namespace.
    Elsewhere,
    /// This process holds the lock, but there is no record.
    Unrecorded(i32),
    /// It has ended without `stop`.
    Dead(Record),
    /// Nothing is known of it.
    Unknown,
}

/// The descriptors of this process that refer to its own lock, as a program started by `svcadapt run` has one. A
/// child may inherit the descriptor, also after the lock is gone; but a child is not the recorded process.
pub fn inherited() -> Vec<i32> {
    let numbers = fd::inherited().unwrap_or_default().into_iter().map(|inherited| inherited.number());
    let leads_to_our_lock = |number: &i32| {
        let link = fd::path(*number).unwrap_or_default();
        link.is_absolute()
            && lock_directory::contains(&link)
            && read(&link).is_ok_and(|record| record.is_some_and(|record| record.is_of_this_process()))
    };
    numbers
        .filter(leads_to_our_lock)
        .filter(|&number| matches!(crate::sys::lock::holder_at(number), Ok(Holder::Nobody)))
        .collect()
}

/// Whether this is the address of a launcher's notify socket, open or closed.
pub fn is_launchers(address: &OsStr) -> bool {
    let path = Path::new(address);
    let socket = path.file_name().is_some_and(|name| name.as_bytes().starts_with(SOCKET.as_bytes()));
    (socket && lock_directory::contains(path)) || address.as_bytes().starts_with(ABSTRACT_SOCKET)
}

/// The prefix of the name of a launcher's socket; the launcher's pid follows.
pub const SOCKET: &str = ".notify.";
/// The same for a socket without a place in the file system ([`crate::sys::socket`]).
const ABSTRACT_SOCKET: &[u8] = b"@svcadapt/notify/";

/// The lock of a service. `None` if it has neither a name nor a pid file.
pub fn path(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<PathBuf> {
    Some(directory().join(file_name(name, pid_file)?))
}

/// The file name of that lock.
pub fn file_name(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<OsString> {
    match (name, pid_file) {
        (Some(name), _) => Some(THIS_SYSTEM.file_name(name.as_str()).into()),
        (None, Some(pid_file)) => Some(key(pid_file.as_path())),
        (None, None) => None,
    }
}

/// The name of the service with this lock. `None` if it has only a pid file.
pub fn name_of(lock: &Path) -> Option<String> {
    let name = lock.file_name()?.to_str()?;
    (!name.starts_with('.')).then(|| THIS_SYSTEM.service_name(name))
}

/// Encodes a path as a file name that no service can have. `%` escapes ambiguous bytes. A path that is too long is
/// replaced by a digest.
fn key(path: &Path) -> OsString {
    let mut name = b".".to_vec();
    for &byte in path.as_os_str().as_bytes().iter().skip(1) {
        match byte {
            b'/' => name.push(b','),
            b'%' | b',' => name.extend(format!("%{byte:02x}").bytes()),
            _ => name.push(byte),
        }
    }
    if name.len() + RECORD.len() > file::MAX_NAME_BYTES {
        // No encoded path begins with two `%`.
        name = format!(".%%{}", file::digest(path.as_os_str().as_bytes())).into_bytes();
    }
    OsString::from_vec(name)
}

/// Waits for a lock that starts of this user take in turn. `name` must not be a service name.
pub(crate) fn lock_starts(name: &str) -> io::Result<StartLock> {
    prepare_directory().map_err(|unusable| io::Error::other(unusable.to_string()))?;
    lock_starts_in(&directory(), name)
}

fn lock_starts_in(directory: &Path, name: &str) -> io::Result<StartLock> {
    // Only the owner can open the file, so no other user can hold the lock.
    let path = directory.join(name);
    crate::sys::lock::lock_starts(
        file::open_or_create(&path, mode_in(Some(directory), MODE))?,
        START_LOCK_TIMEOUT,
    )
    .map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => io::Error::other(format!(
            "another start or stop has held {} for {START_LOCK_TIMEOUT:?}",
            path.display()
        )),
        _ => error,
    })
}

/// The critical section takes milliseconds; a process that holds the lock longer was suspended in it.
const START_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The mode of files that only the owner may open.
const MODE: u32 = 0o600;

/// The mode of a file in this directory. Cleaners (tmpfiles.d(5)) keep files with the sticky bit.
fn mode_in(directory: Option<&Path>, mode: u32) -> u32 {
    const STICKY: u32 = 0o1000;
    if directory.is_some_and(lock_directory::is_aged) { mode | STICKY } else { mode }
}

/// Looks at a service from another process. If the lock may not be opened, only the record counts.
pub fn look(path: &Path) -> io::Result<Found> {
    loop {
        let record = read(path)?;
        // The lock is not even opened then: if this process is the service, closing the file would drop its lock.
        if let Some(record) = record.as_ref().filter(|record| record.lives()) {
            return Ok(Found::Running(record.clone()));
        }
        let holder = holder(path, record.as_ref())?;
        // A service may have started, and even stopped, since the record was read.
        if matches!(holder, Holder::Process(_)) && read(path)? != record {
            continue;
        }
        return Ok(match (holder, record) {
            (Holder::Elsewhere, _) => Found::Elsewhere,
            (Holder::Process(_), Some(record)) if record.is_of_another_namespace() => Found::Elsewhere,
            (Holder::Process(pid), Some(record)) if record.may_be(pid) => Found::Running(record),
            (_, Some(record)) => Found::Dead(record),
            (Holder::Process(pid), None) => Found::Unrecorded(pid),
            (Holder::Nobody, None) => Found::Unknown,
        });
    }
}

/// The process that holds the lock at this path.
fn holder(path: &Path, record: Option<&Record>) -> io::Result<Holder> {
    match file::open_regular_nofollow(path) {
        Ok(file) => {
            let holder = crate::sys::lock::holder(&file)?;
            // A lock file that was removed meanwhile belongs to no service.
            Ok(if holder == Holder::Nobody || same(&file, path)? { holder } else { Holder::Nobody })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Holder::Nobody),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let elsewhere = record.is_some_and(Record::is_of_another_namespace);
            Ok(if elsewhere { Holder::Elsewhere } else { Holder::Nobody })
        }
        Err(error) => Err(error),
    }
}

/// Every lock in a directory that has a record, except `own`, sorted by name.
pub fn records(directory: &Path, own: Option<&Path>) -> io::Result<Vec<(PathBuf, Record)>> {
    let entries = fs::read_dir(directory)?.flatten();
    let locks = entries.filter_map(|entry| {
        let name = entry.file_name();
        Some(directory.join(OsStr::from_bytes(name.as_bytes().strip_suffix(RECORD)?)))
    });
    let locks = locks.filter(|lock| own.is_none_or(|own| own != lock));
    let mut all: Vec<_> = locks
        .filter_map(|lock| {
            let record = read(&lock).ok()??;
            Some((lock, record))
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}

fn same(file: &fs::File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A larger file is not a record.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// The suffix of a record's file name. No lock's name ends with it.
const RECORD: &[u8] = b"%record";

fn record_of(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(OsStr::from_bytes(RECORD));
    path.into()
}

/// Reads the record of a lock.
fn read(lock: &Path) -> io::Result<Option<Record>> {
    let file = match file::open_regular_nofollow(&record_of(lock)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nearly every record fits and is read at once.
    let mut text = Vec::with_capacity(1024);
    file.take(MAX_RECORD_BYTES).read_to_end(&mut text)?;
    Ok(Record::read(&text))
}

/// The lock of the service that has this process as its main one.
pub fn lock_of(pid: i32) -> Option<PathBuf> {
    let (places, _) = lock_directories();
    let records =
        places.into_iter().filter_map(|lock_directory| records(&lock_directory.path, None).ok()).flatten();
    let mut own = records.filter(|(_, record)| record.pid == pid && record.lives());
    own.next().map(|(lock, _)| lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pid_files_have_one_key() {
        assert_eq!(key(Path::new("/run/a-b.pid")), ".run,a-b.pid");
        assert_ne!(key(Path::new("/run/a,b")), key(Path::new("/run/a/b")));
        let long = |last: &str| key(&Path::new("/run").join("a/".repeat(1500)).join(last));
        assert_eq!(long("x").len(), 35);
        assert_ne!(long("x"), long("y"));
    }
}
