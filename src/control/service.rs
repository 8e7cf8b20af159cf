//! Finds a service, and opens a handle of its process.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use svcadapt_spec::{AbsPath, ServiceName};

use super::UnknownReason;
use crate::registry;
use crate::registry::{Found, Leftovers, LockDirectoryError, Record, Tree, pid_file};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{error_text, process};

/// Selects a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceRef {
    /// The service with this name.
    Name(ServiceName),
    /// The service that was started with this pid file, named or not.
    PidFile(AbsPath),
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::PidFile(path) => path.fmt(f),
        }
    }
}

/// A service that was looked up.
#[derive(Debug)]
pub(super) struct KnownService {
    /// The lock file. `None` if only a pid file is known.
    pub(super) lock: Option<PathBuf>,
    pub(super) state: ServiceState,
}

/// The state of a service. If several places disagree, the later variant wins.
#[derive(Debug)]
pub(super) enum ServiceState {
    /// Nothing is known of it.
    Absent,
    /// It has ended. Its pid file contains this pid, or no number.
    StalePidFile(Option<i32>),
    /// It has ended and left its record.
    Dead(Record),
    /// Its main process has ended, and these processes are left.
    Leftovers(Record, Leftovers),
    /// The state cannot be determined.
    Unknown(UnknownReason),
    /// It is running.
    Running(RunningService),
}

/// The main process of a running service, or its monitor while it has none.
#[derive(Debug)]
pub(super) struct RunningService {
    /// The handle of the process: a signal cannot reach another process that reuses the pid.
    pub(super) held: ProcessHandle,
    pub(super) record: Record,
}

impl RunningService {
    /// The main process. `None` while only the monitor is there: before a start, between two, or after the end of a
    /// program whose service goes on (`RemainAfterExit=`).
    pub(super) fn main(&self) -> Option<&ProcessHandle> {
        let is_monitor = self.record.monitor.is_some_and(|monitor| monitor.pid == self.held.pid());
        (!is_monitor).then_some(&self.held)
    }
}

impl KnownService {
    /// Its name. `None` if it has only a pid file.
    pub(super) fn name(&self) -> Option<String> {
        registry::name_of(self.lock.as_ref()?)
    }

    pub(super) fn record(&self) -> Option<&Record> {
        match &self.state {
            ServiceState::Running(main) => Some(&main.record),
            ServiceState::Dead(record) | ServiceState::Leftovers(record, _) => Some(record),
            ServiceState::Absent | ServiceState::StalePidFile(_) | ServiceState::Unknown(_) => None,
        }
    }

    fn weight(&self) -> u8 {
        match self.state {
            ServiceState::Absent => 0,
            ServiceState::StalePidFile(_) => 1,
            ServiceState::Dead(_) => 2,
            ServiceState::Unknown(_) => 3,
            ServiceState::Leftovers(..) => 4,
            ServiceState::Running(_) => 5,
        }
    }
}

/// Finds a service among the caller's own and root's.
pub(super) fn find(target: &ServiceRef) -> KnownService {
    let (places, unknown) = registry::lock_directories();
    let mut best = KnownService { lock: None, state: ServiceState::Absent };
    let mut weigh = |next: KnownService| {
        // The first of equals wins: the caller's own.
        if next.weight() > best.weight() {
            best = next;
        }
    };
    for place in places {
        let known = match place.is_there() {
            Ok(true) => locks(target, &place.path).map_err(|error| unreadable(&place.path, &error)),
            Ok(false) => continue,
            Err(unusable) => Err(untrusted(unusable)),
        };
        match known {
            Ok(known) => {
                for lock in known {
                    weigh(KnownService { state: state_of(&lock), lock: Some(lock) });
                }
            }
            Err(reason) => weigh(KnownService { lock: None, state: ServiceState::Unknown(reason) }),
        }
    }
    if let Some(unusable) = unknown {
        weigh(KnownService { lock: None, state: ServiceState::Unknown(untrusted(unusable)) });
    }
    match (target, &best.state) {
        (ServiceRef::PidFile(path), ServiceState::Absent) => {
            KnownService { lock: None, state: stale_pid_file(path.as_path()) }
        }
        _ => best,
    }
}

/// The locks in a directory that may belong to the service.
fn locks(target: &ServiceRef, directory: &Path) -> io::Result<Vec<PathBuf>> {
    let (name, pid_file) = match target {
        ServiceRef::Name(name) => (Some(name), None),
        ServiceRef::PidFile(path) => (None, Some(path)),
    };
    let direct = registry::file_name(name, pid_file).map(|name| directory.join(name));
    let mut locks = Vec::new();
    if let Some(path) = pid_file {
        let place = pid_file::real(path.as_path());
        for lock in registry::locks_of_pid_file(directory, &place) {
            let recorded = registry::read(&lock)?.and_then(|record| record.pid_file);
            if direct.as_ref() != Some(&lock) && recorded.is_some_and(|file| pid_file::real(&file) == place) {
                locks.push(lock);
            }
        }
    }
    locks.extend(direct);
    Ok(locks)
}

/// Looks at a service that is being replaced meanwhile.
const MAX_LOOKS: usize = 16;

fn state_of(lock: &Path) -> ServiceState {
    let mut last = 0;
    for _ in 0..MAX_LOOKS {
        match registry::look(lock) {
            Ok(Found::Running(record)) => match hold(lock, &record) {
                Ok(Some(held)) => return ServiceState::Running(RunningService { held, record }),
                Ok(None) => last = record.pid,
                Err(error) => return ServiceState::Unknown(unreadable(lock, &error)),
            },
            Ok(Found::Elsewhere) => return ServiceState::Unknown(UnknownReason::Elsewhere),
            Ok(Found::Unrecorded(pid)) => return ServiceState::Unknown(UnknownReason::Unrecorded(pid)),
            Ok(Found::Dead(record)) if is_hidden(&record) => {
                return ServiceState::Unknown(UnknownReason::Hidden(record.pid));
            }
            Ok(Found::Dead(record)) => match Tree::of_dead(lock, &record).map(|(_, left)| left) {
                Ok(left) if left.is_empty() => return ServiceState::Dead(record),
                Ok(left) => {
                    return match successor(&record, &left) {
                        Some(main) => ServiceState::Running(main),
                        None => ServiceState::Leftovers(record, left),
                    };
                }
                Err(error) => return ServiceState::Unknown(unreadable(lock, &error)),
            },
            Ok(Found::Unknown) => return ServiceState::Absent,
            Err(error) => return ServiceState::Unknown(unreadable(lock, &error)),
        }
    }
    ServiceState::Unknown(UnknownReason::Unrecorded(last))
}

/// Opens a handle of the process and verifies it: if the lock still names this pid and the process lives, no other
/// process can have had the pid in between.
fn hold(lock: &Path, record: &Record) -> io::Result<Option<ProcessHandle>> {
    // A service without a main process is its monitor.
    let monitor = || record.living_monitor().map(|monitor| monitor.pid);
    let pid = if record.main_lives() { record.pid } else { monitor().unwrap_or(record.pid) };
    let Some(held) = ProcessHandle::open(pid)? else { return Ok(None) };
    let same = matches!(registry::look(lock)?, Found::Running(again) if again == *record);
    Ok(if same && !held.has_ended()? { Some(held) } else { None })
}

/// The process of a service that has taken the place of the main one: of those that are left and proved, the one that the
/// pid file names. A program that replaces itself (nginx, at SIGUSR2) writes it there.
fn successor(record: &Record, left: &Leftovers) -> Option<RunningService> {
    let named = pid_file::read(record.pid_file.as_deref()?).ok()??;
    let held = ProcessHandle::open(named).ok()??;
    // Read while the handle is open: the pid was not reused since the proof if it started then.
    let start_time = process::identity(named).ok()?.start_time;
    let is_proved = || left.proved.contains(&named);
    let record = Record { pid: named, start_time: Some(start_time), ..record.clone() };
    (is_proved() && !held.has_ended().ok()? && record.main_lives()).then_some(RunningService { held, record })
}

/// Whether a process that seems dead may only be invisible: because of hidepid=, because /proc is not mounted, or
/// because it shows another pid namespace.
fn is_hidden(record: &Record) -> bool {
    record.is_of_this_boot() && process::identity(record.pid).is_err() && is_alive(record.pid)
}

/// Whether any live process has this pid.
fn is_alive(pid: i32) -> bool {
    matches!(ProcessHandle::open(pid), Ok(Some(held)) if held.has_ended().is_ok_and(|ended| !ended))
}

/// The state of a pid file that belongs to no known service.
fn stale_pid_file(path: &Path) -> ServiceState {
    let named = match pid_file::read(path) {
        Ok(named) => named,
        Err(error) => return ServiceState::Unknown(unreadable(path, &error)),
    };
    match named {
        Some(pid) if is_alive(pid) => ServiceState::Unknown(UnknownReason::Unproven(pid)),
        None if fs::symlink_metadata(path).is_err() => ServiceState::Absent,
        named => ServiceState::StalePidFile(named),
    }
}

fn untrusted(unusable: LockDirectoryError) -> UnknownReason {
    let LockDirectoryError { path, cause, hint, .. } = unusable;
    UnknownReason::Untrusted(path.display().to_string(), cause, hint)
}

fn unreadable(path: &Path, error: &io::Error) -> UnknownReason {
    let path = path.display().to_string();
    match error.kind() {
        io::ErrorKind::PermissionDenied => UnknownReason::Denied(path),
        _ => UnknownReason::Unreadable(path, error_text(error)),
    }
}
