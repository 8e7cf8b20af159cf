//! The identity of a service: a record of which process it is, and beside it a lock that this process holds.
//!
//! The record names a process by its number, its start time and the boot: no other one ever has the same. It lies in a
//! directory, and in a file, that only root (or the user whose services these are) can write, so no service of another
//! user can forge it.
//!
//! The lock is a POSIX record lock. It survives the exec, no child inherits it, it goes with the process however that
//! dies, and it tells the holder's number, or that the holder is of another pid namespace, where a record says nothing.
//! It is a *read* lock, for which the descriptor that stays open in the program can be one for reading alone: through it
//! nothing can be written, so nobody can fill the file system, and nobody but the owner can open the file at all, and so
//! stand in the way of a start. What keeps two services apart is that all of a start that has to be one piece is done in
//! turn ([`Lock::take`]).
//!
//! A child of the program has that descriptor too, and may lock the file when the program has ended. That says nothing:
//! who is not recorded is not the service, and the next start takes a new file.

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

/// What a look at a service's lock has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It runs, as the process that is recorded.
    Running(Record),
    /// It runs, as a process of another pid namespace.
    Elsewhere,
    /// This process has the lock, and there is no record of it.
    Unrecorded(i32),
    /// It ran, and has ended without being stopped by us.
    Dead(Record),
    /// Nothing is known of it.
    Unknown,
}

/// The descriptors of this process that lead to a lock which is its own. One that was started by `svcadapt run` has such a
/// descriptor from it. A child of that one may have it too, also when nobody holds the lock any more; it is not the
/// process that is recorded.
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

/// Whether this is the address at which a launcher of ours listens, or listened.
pub fn is_launchers(address: &OsStr) -> bool {
    let path = Path::new(address);
    let socket = path.file_name().is_some_and(|name| name.as_bytes().starts_with(SOCKET.as_bytes()));
    (socket && lock_directory::contains(path)) || address.as_bytes().starts_with(ABSTRACT_SOCKET)
}

/// What the name of a launcher's socket begins with; the rest is the number of the process that listens.
pub const SOCKET: &str = ".notify.";
/// The same where the file system is another one ([`crate::sys::socket`]).
const ABSTRACT_SOCKET: &[u8] = b"@svcadapt/notify/";

/// The lock of a service that has a name, or only a pid file; none where it has neither.
pub fn path(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<PathBuf> {
    Some(directory().join(file_name(name, pid_file)?))
}

/// The name of that lock's file, in whatever directory.
pub fn file_name(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<OsString> {
    match (name, pid_file) {
        (Some(name), _) => Some(THIS_SYSTEM.file_name(name.as_str()).into()),
        (None, Some(pid_file)) => Some(key(pid_file.as_path())),
        (None, None) => None,
    }
}

/// The name of the service that a lock is of; none where it has only a pid file.
pub fn name_of(lock: &Path) -> Option<String> {
    let name = lock.file_name()?.to_str()?;
    (!name.starts_with('.')).then(|| THIS_SYSTEM.service_name(name))
}

/// A path as the name of one file, which no service can have: `%` for what would be ambiguous. Of a path that is longer
/// than a name a digest.
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
        // Two of them come of no path.
        name = format!(".%%{}", file::digest(path.as_os_str().as_bytes())).into_bytes();
    }
    OsString::from_vec(name)
}

/// Waits for a turn at something that starts of this user must not do at once. `name` is that of no service.
pub(crate) fn lock_starts(name: &str) -> io::Result<StartLock> {
    prepare_directory().map_err(|unusable| io::Error::other(unusable.to_string()))?;
    lock_starts_in(&directory(), name)
}

fn lock_starts_in(directory: &Path, name: &str) -> io::Result<StartLock> {
    // Nobody else can open it, and so keep us waiting.
    let path = directory.join(name);
    crate::sys::lock::lock_starts(
        file::open_or_create(&path, mode_in(Some(directory), MODE))?,
        START_LOCK_TIMEOUT,
    )
    .map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => io::Error::other(format!(
            "another start or stop has not let go of {} for {START_LOCK_TIMEOUT:?}",
            path.display()
        )),
        _ => error,
    })
}

/// How long a turn is waited for. It takes milliseconds; who needs longer was stopped in the middle of it.
const START_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The mode of what only the owner may open.
const MODE: u32 = 0o600;

/// The mode of a file in this directory. In one that is aged (tmpfiles.d(5)) files with the sticky bit stay.
fn mode_in(directory: Option<&Path>, mode: u32) -> u32 {
    const STICKY: u32 = 0o1000;
    if directory.is_some_and(lock_directory::is_aged) { mode | STICKY } else { mode }
}

/// Looks at a service from outside. Whoever may not open its lock has the record alone to go by.
pub fn look(path: &Path) -> io::Result<Found> {
    loop {
        let record = read(path)?;
        // Its lock is not even opened then: in that very process, closing it again would let go of it.
        if let Some(record) = record.as_ref().filter(|record| record.lives()) {
            return Ok(Found::Running(record.clone()));
        }
        let holder = holder(path, record.as_ref())?;
        // A service may have been started, and even stopped, since the record was read.
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

/// Who holds the lock that has this name.
fn holder(path: &Path, record: Option<&Record>) -> io::Result<Holder> {
    match file::open_regular_nofollow(path) {
        Ok(file) => {
            let holder = crate::sys::lock::holder(&file)?;
            // One that was removed meanwhile is no service's any more.
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

/// Every lock in a directory that has a record but `own`, by name.
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

/// More than this is no record of ours.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// What the name of a record has after that of its lock. No lock's own name ends so.
const RECORD: &[u8] = b"%record";

fn record_of(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(OsStr::from_bytes(RECORD));
    path.into()
}

/// The record of a lock.
fn read(lock: &Path) -> io::Result<Option<Record>> {
    let file = match file::open_regular_nofollow(&record_of(lock)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nearly every record fits, and is read at once.
    let mut text = Vec::with_capacity(1024);
    file.take(MAX_RECORD_BYTES).read_to_end(&mut text)?;
    Ok(Record::read(&text))
}

/// The lock of the service of ours that this process is, if it is one.
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
