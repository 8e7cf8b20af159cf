//! The identity of a service: a lock that its process holds, and beside it a record of which process that is.
//!
//! The lock is a POSIX record lock on a file that the program never opens. It survives the exec, no child inherits
//! it, it goes with the process however that dies, and it tells the holder's number. A program that closes every
//! descriptor loses it; then the record stands in: a number and a start time name one process until the next boot.
//!
//! The descriptor lets the program write the file of the lock, which is why nothing that stands in there is believed:
//! the record has a file of its own, which a program of another user can only read.

mod record;

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use crate::spec::AbsPath;
use crate::spec::ServiceName;
use crate::sys::fd;
use crate::sys::file;
use crate::sys::identity;
use crate::sys::lock;
use crate::sys::lock::Holder;
use crate::sys::lock::Turn;
use crate::sys::pidfd::PidFd;

use super::pid_file;

pub use record::Record;
pub use record::Session;

/// What a look at a service's lock has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It runs, as the process that is recorded.
    Running(Record),
    /// It runs, as a process of another pid namespace.
    Elsewhere,
    /// This process has the lock, but is not recorded: it is about to become the service, or is removing the lock.
    Unsettled(i32),
    /// It ran, and has ended without being stopped by us.
    Dead(Record),
    /// Nothing is known of it.
    Unknown,
}

/// Where the locks lie: `/run/svcadapt` for root, else the user's own runtime directory.
pub fn directory() -> PathBuf {
    let uid = identity::effective_user();
    let runtime = PathBuf::from(format!("/run/user/{uid}"));
    if uid == 0 {
        of_root()
    } else if fs::symlink_metadata(&runtime).is_ok_and(|found| found.is_dir() && found.uid() == uid) {
        runtime.join("svcadapt")
    } else {
        PathBuf::from(format!("/tmp/svcadapt-{uid}"))
    }
}

fn of_root() -> PathBuf {
    PathBuf::from(if Path::new("/run").is_dir() { "/run/svcadapt" } else { "/var/run/svcadapt" })
}

/// Where services are looked for: in our own directory, then in root's. One that others can write is left out, for
/// what stands in it may be anybody's word.
pub fn directories() -> Vec<PathBuf> {
    let mut all = vec![(directory(), identity::effective_user()), (of_root(), 0)];
    all.dedup();
    all.into_iter()
        .filter(|(path, owner)| fs::symlink_metadata(path).is_ok_and(|found| safe(&found, *owner)))
        .map(|(path, _)| path)
        .collect()
}

fn safe(found: &fs::Metadata, owner: u32) -> bool {
    found.is_dir() && found.uid() == owner && found.mode() & 0o022 == 0
}

/// The descriptors of this process that lead to a lock which it holds, or nobody. One that was started by `svcadapt run`
/// has such a descriptor from it. A child of that one may have it too, and does not hold the lock.
pub fn inherited() -> Vec<i32> {
    let numbers = fd::surviving().unwrap_or_default().into_iter();
    let leads_to_a_lock = |number: &i32| {
        let link = fs::read_link(format!("/proc/self/fd/{number}"));
        link.is_ok_and(|link| link.parent() == Some(&of_root()) || link.parent() == Some(&directory()))
    };
    numbers
        .filter(leads_to_a_lock)
        .filter(|&number| matches!(lock::holder_at(number), Ok(Holder::Nobody)))
        .collect()
}

/// Whether this is the address at which a launcher of ours listens, or listened.
pub fn is_launchers(address: &OsStr) -> bool {
    let path = Path::new(address);
    let socket = path.file_name().is_some_and(|name| name.as_bytes().starts_with(SOCKET.as_bytes()));
    let ours = path.parent().is_some_and(|parent| parent == of_root() || parent == directory());
    (socket && ours) || address.as_bytes().starts_with(ABSTRACT_SOCKET)
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
        (Some(name), _) => Some(name.as_str().into()),
        (None, Some(pid_file)) => Some(key(pid_file.as_path())),
        (None, None) => None,
    }
}

/// A path as the name of one file, which no service can have: `%` for what would be ambiguous.
fn key(path: &Path) -> OsString {
    let mut name = b".".to_vec();
    for &byte in path.as_os_str().as_bytes().iter().skip(1) {
        match byte {
            b'/' => name.push(b','),
            b'%' | b',' => name.extend(format!("%{byte:02x}").bytes()),
            _ => name.push(byte),
        }
    }
    OsString::from_vec(name)
}

/// Makes the directory of the locks, or makes sure that it is one that nobody else can change.
pub fn prepare_directory() -> io::Result<()> {
    let (path, uid) = (directory(), identity::effective_user());
    let mode = if uid == 0 { 0o755 } else { 0o700 };
    if file::make_directory(&path, mode)? {
        // Whatever the umask.
        file::set_mode(file::open_directory(&path)?, mode)?;
    }
    if !safe(&fs::symlink_metadata(&path)?, uid) {
        return Err(io::Error::other(format!(
            "{} belongs to somebody else, or others can write it",
            path.display()
        )));
    }
    Ok(())
}

/// Waits for a turn at something that starts of this user must not do at once. `name` is that of no service.
pub(super) fn turn(name: &str) -> io::Result<Turn> {
    prepare_directory()?;
    // Nobody else can read it, and so keep us waiting.
    lock::turn(file::open_own(&directory().join(name), 0o600)?)
}

/// Looks at a lock from outside. Whoever may read the file may ask.
pub fn look(path: &Path) -> io::Result<Found> {
    let file = match file::open_plain(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Unknown),
        Err(error) => return Err(error),
    };
    let holder = lock::holder(&file)?;
    Ok(match (holder, read(path)?) {
        (Holder::Elsewhere, _) => Found::Elsewhere,
        (Holder::Process(pid), Some(record)) if record.pid == pid => Found::Running(record),
        (_, Some(record)) if record.lives() => Found::Running(record),
        (Holder::Process(pid), _) => Found::Unsettled(pid),
        (Holder::Nobody, Some(record)) => Found::Dead(record),
        (Holder::Nobody, None) => Found::Unknown,
    })
}

/// Nobody has a lock for longer than this without being recorded.
const SETTLING: Duration = Duration::from_secs(2);

/// The same, but waits for what is being started or removed, for at most two seconds.
pub fn look_settled(path: &Path) -> io::Result<Found> {
    let begun = Instant::now();
    loop {
        match look(path)? {
            Found::Unsettled(pid) if begun.elapsed() < SETTLING => settle(pid)?,
            found => return Ok(found),
        }
    }
}

/// Waits a moment for a process that has a lock and is not recorded: until it has ended, or may have gone on.
fn settle(pid: i32) -> io::Result<()> {
    if let Some(held) = PidFd::open(pid)? {
        fd::wait_readable(&[held.as_fd()], Some(Duration::from_millis(5)))?;
    }
    Ok(())
}

/// Every lock in our directory that has a record but `own`.
pub fn others(own: Option<&Path>) -> Vec<(PathBuf, Record)> {
    records(&directory(), own)
}

/// Every lock in a directory that has a record but `own`, by name.
pub fn records(directory: &Path, own: Option<&Path>) -> Vec<(PathBuf, Record)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
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
    all
}

/// Removes a lock that nobody else holds with its record, and the pid file of the process that was recorded, if that is
/// still its own. A service that runs keeps both, and so does a start that comes at the same time: it waits for the lock.
pub fn remove(path: &Path) -> io::Result<()> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if lock::take(&file)? != Holder::Nobody || !same(&file, path)? {
        return Ok(());
    }
    let mut pid_file_gone = Ok(());
    if let Some(record) = read(path)? {
        // A program that closed the lock's descriptor has let go of it, and may live all the same.
        if record.is_anothers() {
            return Ok(());
        }
        if let Some(pid_file) = &record.pid_file {
            pid_file_gone = pid_file::remove(pid_file, record.pid);
        }
    }
    match fs::remove_file(record_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::remove_file(path)?,
    }
    pid_file_gone
}

/// The lock of this process.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock on a descriptor with such a number, or says who has it; none where that is a process of another pid
    /// namespace.
    ///
    /// The descriptor must never have a second one beside it: closing that would let go of the lock.
    pub fn take(path: &Path, descriptor: i32) -> io::Result<Result<Self, Option<i32>>> {
        Self::take_as(path, Some(descriptor))
    }

    /// Takes the lock for a process that stays what it is, on a descriptor of any number.
    pub fn take_here(path: &Path) -> io::Result<Result<Self, Option<i32>>> {
        Self::take_as(path, None)
    }

    fn take_as(path: &Path, descriptor: Option<i32>) -> io::Result<Result<Self, Option<i32>>> {
        let begun = Instant::now();
        loop {
            let opened = file::open_own(path, 0o644)?;
            // Whatever the umask: status may be asked by anybody.
            file::set_mode(&opened, 0o644)?;
            let file = match descriptor {
                Some(number) => File::from(fd::renumber(opened.into(), number)?),
                None => opened,
            };
            let holder = lock::take(&file)?;
            let running = read(path)?.filter(|record| {
                // A process that was a service of this name before its last exec still is.
                holder == Holder::Process(record.pid) || (holder != Holder::Elsewhere && record.is_anothers())
            });
            match (holder, running) {
                (Holder::Elsewhere, _) => return Ok(Err(None)),
                (_, Some(record)) => return Ok(Err(Some(record.pid))),
                // Somebody may have removed the file between our opening and locking it.
                (Holder::Nobody, None) if same(&file, path)? => {
                    return Ok(Ok(Self { file, path: path.to_owned() }));
                }
                (Holder::Nobody, None) => {}
                // It may be about to remove the lock, not to run.
                (Holder::Process(pid), None) if begun.elapsed() < SETTLING => settle(pid)?,
                (Holder::Process(pid), None) => return Ok(Err(Some(pid))),
            }
        }
    }

    /// Records which process this is.
    pub fn record(&self, record: &Record) -> io::Result<()> {
        let path = record_of(&self.path);
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        file::replace(file::open_directory(directory)?, name, 0o644, &record.write())
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn same(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// More than this is no record of ours.
const LONGEST: u64 = 64 * 1024;

/// What the name of a record has after that of its lock. No lock's own name ends so.
const RECORD: &[u8] = b"%record";

fn record_of(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(OsStr::from_bytes(RECORD));
    path.into()
}

/// The record of a lock.
fn read(lock: &Path) -> io::Result<Option<Record>> {
    let file = match file::open_plain(&record_of(lock)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nearly every record fits, and is read at once.
    let mut text = Vec::with_capacity(1024);
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(Record::read(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_the_place_of_a_longer_one() {
        let path = std::env::temp_dir().join(format!("svcadapt-record-{}", std::process::id()));
        let mut record = Record::own(None, "/bin/a-long-name".into(), None).unwrap();
        record.start_time += 1;
        fs::write(record_of(&path), record.write()).unwrap();
        let lock = Lock::take(&path, 200).unwrap().unwrap();
        let record = Record::own(None, "/bin/a".into(), None).unwrap();
        lock.record(&record).unwrap();
        assert_eq!(fs::read(record_of(&path)).unwrap(), record.write());
        fs::remove_file(record_of(&path)).unwrap();
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn no_two_pid_files_have_one_key() {
        assert_eq!(key(Path::new("/run/a-b.pid")), ".run,a-b.pid");
        assert_ne!(key(Path::new("/run/a,b")), key(Path::new("/run/a/b")));
    }
}
