//! Takes and removes the lock of a service together with its record. Other processes see either both or neither.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt_spec::ServiceSpec;

use super::lock_name::control_socket;
use super::record::Record;
use super::record_file::{read, record_of};
use super::start_lock::{MODE, lock_starts_in, mode_in};
use super::tree::{Leftovers, Tree};
use super::{GroupRecord, lock_directory, pid_file, pid_file_owner, stored_spec};
use crate::sys::cgroup::Group;
use crate::sys::lock::Holder;
use crate::sys::{fd, file, lock};

/// The lock file that starts and stops take turns at. It is not a service name.
const START_LOCK: &str = "%turn";

/// The lock that this process holds.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why a lock cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlreadyRunning {
    /// The service is already running as this process. `None`: in another pid namespace.
    Running(Option<i32>),
    /// The service with this lock is running as this process, and uses the same pid file.
    PidFile(PathBuf, i32),
    /// The main process of the last instance has ended and left these processes behind.
    Leftovers(Box<Record>, Leftovers),
}

impl Lock {
    /// Takes the lock on a descriptor with this number and records this process, or returns why not.
    ///
    /// Meanwhile no other process takes or removes a lock in the same directory. So of two starts with the same name
    /// or pid file, the second one finds the first one's record.
    ///
    /// The descriptor must not be duplicated in this process: closing the duplicate would drop the lock (fcntl(2)).
    pub fn take(path: &Path, descriptor: i32, record: &Record) -> io::Result<Result<Self, AlreadyRunning>> {
        Self::take_as(path, Some(descriptor), record)
    }

    /// The same for a process that becomes the service in place, on any descriptor number.
    pub fn take_here(path: &Path, record: &Record) -> io::Result<Result<Self, AlreadyRunning>> {
        Self::take_as(path, None, record)
    }

    fn take_as(
        path: &Path,
        descriptor: Option<i32>,
        record: &Record,
    ) -> io::Result<Result<Self, AlreadyRunning>> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let _start_lock = lock_starts_in(directory, START_LOCK)?;
        if let Some(pid_file) = &record.pid_file {
            let pid_file = pid_file::real(pid_file);
            let its =
                |other: &Record| other.pid_file.as_deref().is_some_and(|one| pid_file::real(one) == pid_file);
            let mut others = vec![directory.to_owned()];
            others.extend(lock_directory::own_directories().into_iter().skip(1).map(|place| place.path));
            for place in others {
                for lock in pid_file_owner::locks(&place, &pid_file).into_iter().filter(|lock| lock != path) {
                    let other = match read(&lock) {
                        // A fallback directory may be missing or unreadable.
                        Err(_) if place != directory => continue,
                        other => other?,
                    };
                    if let Some(other) = other.filter(|other| its(other) && other.is_of_other_process()) {
                        return Ok(Err(AlreadyRunning::PidFile(lock, other.pid)));
                    }
                }
            }
        }
        let mut opened = file::open_or_create(path, MODE)?;
        let holder = lock::holder(&opened)?;
        let known = read(path)?;
        if let Some(taken) = in_the_way(path, holder, known.clone())? {
            return Ok(Err(taken));
        }
        remove_control_socket(path, known.as_ref());
        // The holder is a child of a service that has ended.
        if matches!(holder, Holder::Process(_)) {
            fs::remove_file(path)?;
            opened = file::open_or_create(path, MODE)?;
        }
        // Independent of the umask and of the file's creator.
        file::set_mode(&opened, mode_in(path.parent(), MODE))?;
        let file = match descriptor {
            Some(number) => File::from(fd::renumber(opened.into(), number)?),
            None => opened,
        };
        let lock = Self { file, path: path.to_owned() };
        if let Some(pid_file) = &record.pid_file {
            pid_file_owner::note(path, pid_file)?;
        }
        // Before the lock, so that no lock of a start is without a record.
        lock.record(record)?;
        lock::take(&lock.file)?;
        Ok(Ok(lock))
    }

    /// The lock that an earlier image of this process has taken (it survives execve(2)).
    pub fn inherit(descriptor: OwnedFd, path: &Path) -> Self {
        Self { file: descriptor.into(), path: path.to_owned() }
    }

    /// The value of `SVCADAPT_PROCESS` in the service's processes, as recorded.
    pub fn mark(&self) -> Option<String> {
        read(&self.path).ok()??.mark
    }

    /// Stores the spec of the service beside its record.
    pub fn store_spec(&self, spec: &ServiceSpec, mode: &str) -> io::Result<()> {
        stored_spec::store(&self.path, spec, mode)
    }

    /// Adds the control group of the service to its record.
    pub fn record_group(&self, group: &Group) -> io::Result<()> {
        let Some(record) = read(&self.path)? else { return Ok(()) };
        self.record(&Record { control_group: Some(GroupRecord::of(group)?), ..record })
    }

    /// Records the service's main process.
    pub fn record(&self, record: &Record) -> io::Result<()> {
        let path = record_of(&self.path);
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let open = file::open_directory(directory)?;
        match file::replace(&open, name, mode_in(Some(directory), 0o644), &record.write()) {
            // The old record has its place on a file system that is full.
            Err(full) if full.kind() == io::ErrorKind::StorageFull => {
                let length = fs::symlink_metadata(&path)?.len();
                file::overwrite(&open, name, &record.write_padded(length)).map_err(|_| full)
            }
            replaced => replaced,
        }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Removes a lock with its record, and the pid file of the recorded process if it still contains its pid. Files of a
/// running service are kept, unless it is this process.
pub fn remove(path: &Path) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let files = [path.to_owned(), record_of(path), stored_spec::path(path)];
    let is_gone = |file: &PathBuf| gone(fs::symlink_metadata(file).map(drop));
    if files.iter().map(is_gone).collect::<io::Result<Vec<_>>>()?.iter().all(|gone| *gone) {
        return Ok(());
    }
    let _start_lock = lock_starts_in(directory, START_LOCK)?;
    let record = read(path)?;
    let holder = match file::open_regular_nofollow(path) {
        Ok(file) => lock::holder(&file)?,
        Err(error) => gone(Err(error)).map(|_| Holder::Nobody)?,
    };
    let runs = match (holder, &record) {
        (Holder::Process(pid), Some(record)) => {
            record.may_be(pid) || record.is_of_other_process() || record.is_of_another_namespace()
        }
        // A program that closed the lock's descriptor has dropped the lock, and may be running.
        (Holder::Nobody, Some(record)) if record.is_of_other_process() => true,
        // The record is needed to find the processes that were left behind.
        (Holder::Nobody, Some(record)) => {
            !record.is_of_this_process() && !Tree::of_dead(path, record)?.1.is_empty()
        }
        (Holder::Elsewhere, _) | (Holder::Process(_), None) => true,
        (Holder::Nobody, None) => false,
    };
    if runs {
        return Ok(());
    }
    remove_control_socket(path, record.as_ref());
    let here = record.as_ref().filter(|record| record.is_of_this_boot());
    let group_gone = here.and_then(|record| Some(record.control_group.as_ref()?.remove()));
    if let Some(pid_file) = record.as_ref().and_then(|record| record.pid_file.as_deref()) {
        pid_file_owner::forget(path, pid_file);
    }
    let pid_file_gone = record
        .and_then(|record| Some(pid_file::remove(record.pid_file.as_deref()?, record.pid)))
        .unwrap_or(Ok(()));
    let directory = file::open_directory(directory)?;
    file::remove(&directory, name)?;
    // The record is last: it is needed to find the others again.
    for beside in [stored_spec::path(path), record_of(path)] {
        if let Some(name) = beside.file_name() {
            // The temporary file of a writer that was killed before rename(2).
            file::remove(&directory, &file::temporary_name(name))?;
            file::remove(&directory, name)?;
        }
    }
    group_gone.unwrap_or(Ok(())).and(pid_file_gone)
}

/// Removes the control socket of a monitor that was killed. That of a living one is its own.
fn remove_control_socket(path: &Path, record: Option<&Record>) {
    if let Some(record) = record
        && let Some(monitor) = record.monitor
        && record.living_monitor().is_none()
    {
        // Best effort: an old socket only takes room.
        let _ = fs::remove_file(control_socket(path, monitor.pid));
    }
}

/// Why a lock with this holder and this record cannot be taken.
fn in_the_way(path: &Path, holder: Holder, known: Option<Record>) -> io::Result<Option<AlreadyRunning>> {
    Ok(match (holder, known) {
        (Holder::Elsewhere, _) => Some(AlreadyRunning::Running(None)),
        (_, Some(known)) if known.is_of_other_process() => Some(AlreadyRunning::Running(Some(known.pid))),
        (Holder::Process(_), Some(known)) if known.is_of_another_namespace() => {
            Some(AlreadyRunning::Running(None))
        }
        (Holder::Process(pid), Some(known)) if known.may_be(pid) => Some(AlreadyRunning::Running(Some(pid))),
        // A holder without a record: the record was removed by another program.
        (Holder::Process(pid), None) => Some(AlreadyRunning::Running(Some(pid))),
        (Holder::Nobody, None) => None,
        // This process was the service before; what it has started is its own.
        (_, Some(known)) if known.is_of_this_process() => None,
        (_, Some(known)) => {
            let (_, left) = Tree::of_dead(path, &known)?;
            (!left.is_empty()).then(|| AlreadyRunning::Leftovers(Box::new(known), left))
        }
    })
}

/// Whether a file is missing. Other errors are returned.
fn gone(looked: io::Result<()>) -> io::Result<bool> {
    match looked {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_the_place_of_a_longer_one() {
        let directory = std::env::temp_dir().join(format!("svcadapt-lock-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("x");
        let mut long = Record::own(None, "/bin/a-long-name".into(), None).unwrap();
        long.start_time = Some(0);
        fs::write(record_of(&path), long.write()).unwrap();
        let record = Record::own(None, "/bin/a".into(), None).unwrap();
        let lock = Lock::take(&path, 200, &record).unwrap().unwrap();
        assert_eq!(read(&path).unwrap(), Some(record));
        remove(&path).unwrap();
        drop(lock);
        fs::remove_file(directory.join(START_LOCK)).unwrap();
        fs::remove_dir(&directory).unwrap();
    }
}
