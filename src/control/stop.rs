//! Stops a service, and verifies that it has stopped.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fmt, io};

use svcadapt_spec::{KillMode, ServiceSpec, Timespan};

use super::monitor::{AskError, HeldMonitor};
use super::service::{RunningService, ServiceState};
use super::unknown_reason::pid_list;
use super::{ServiceRef, UnknownReason, service, spec};
use crate::error::StepError;
use crate::launch::{KILL_TIMEOUT, StopPurpose, Unattended};
use crate::registry;
use crate::registry::{Leftovers, Record, Termination, Tree};
use crate::sys::{error_text, processes, signal};

/// The result of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The service was not running.
    NotRunning,
    /// It has ended.
    Ended {
        /// Its name. `None` if it has only a pid file.
        name: Option<String>,
        /// The last signal that was sent: SIGTERM, the spec's stop signal, or SIGKILL. `None` if `ExecStop=` has ended
        /// it, or nothing was left to signal.
        signal: Option<i32>,
        /// How long its main process took to end.
        after: Duration,
        /// The number of its other processes. They have ended too.
        others: usize,
        /// Why its record or pid file could not be removed. `None` if they are gone.
        kept: Option<String>,
        /// The first failure of `ExecStop=`. `None` if it has succeeded, or a monitor has run it.
        failure: Option<StepError>,
    },
    /// Its main process had ended before; the processes that it left behind have ended now.
    Cleared {
        /// Its name. `None` if it has only a pid file.
        name: Option<String>,
        /// The number of these processes.
        others: usize,
        /// Why its record or pid file could not be removed. `None` if they are gone.
        kept: Option<String>,
    },
}

/// Why a service could not be stopped. It prints as the cause alone; [`StopError::hint`] is the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopError {
    /// The caller may not signal this process.
    Denied(i32),
    /// The service's state cannot be determined.
    Unknown(UnknownReason),
    /// This process has not ended after SIGKILL.
    Stuck(i32),
    /// This process has not ended, and its spec says that it is not killed (`KillMode=none`, `SendSIGKILL=no`).
    Spared(i32),
    /// The main process has ended, but these processes of the service have not.
    Leftovers(Vec<i32>),
    /// The main process has ended. These processes are in its former session, and nothing else proves that they
    /// belong to the service.
    Unproved(Vec<i32>),
    /// This process could not be signalled or watched.
    Failed(i32, String),
}

/// Stops a service: runs its `ExecStop=`, sends its stop signal, waits, sends SIGKILL after the timeout, and ends the
/// processes that it left behind, as its `KillMode=` says. `timeout` replaces the service's own stop timeout.
///
/// A command of a service without a monitor is started by this process (fork(2)): call this while it has one thread.
///
/// Returns after all of them have ended. A service that is not running is not an error.
///
/// # Errors
///
/// The state of the service is unknown, or one of its processes may not be signalled or does not end: [`StopError`].
pub fn stop(target: &ServiceRef, timeout: Option<Timespan>) -> Result<Stopped, StopError> {
    stop_for(StopPurpose::Stop, target, timeout)
}

/// Stops a service without a monitor that is started again by the caller (`RestartKillSignal=`,
/// `RuntimeDirectoryPreserve=restart`).
///
/// # Errors
///
/// As [`stop`].
pub fn stop_to_restart(target: &ServiceRef) -> Result<Stopped, StopError> {
    stop_for(StopPurpose::Restart, target, None)
}

fn stop_for(
    purpose: StopPurpose,
    target: &ServiceRef,
    timeout: Option<Timespan>,
) -> Result<Stopped, StopError> {
    let service = service::find(target);
    let name = service.name();
    let lock = service.lock.as_deref();
    match service.state {
        ServiceState::Absent | ServiceState::StalePidFile(_) => Ok(Stopped::NotRunning),
        ServiceState::Dead(_) => {
            // Best effort: a stale record does no harm, and may belong to root.
            let _ = remove_record(lock);
            Ok(Stopped::NotRunning)
        }
        ServiceState::Unknown(reason) => Err(StopError::Unknown(reason)),
        ServiceState::Leftovers(record, _) => {
            let deadline = Deadline::new(timeout, &record);
            let others = clear(lock, &record, &deadline).map_err(|failure| failure.of(record.pid))?;
            let kept = remove_record(lock).err().map(|error| error_text(&error));
            Ok(Stopped::Cleared { name, others, kept })
        }
        ServiceState::Running(main) => {
            let monitor = lock.and_then(|lock| Some((lock, HeldMonitor::of(lock, &main.record).ok()??)));
            let ended = match monitor {
                Some((lock, monitor)) => by_monitor(&main, &monitor, lock, timeout),
                None => by_its_spec(&main, lock, purpose, timeout),
            };
            let ServiceEnd { signal, after, others, failure } =
                ended.map_err(|failure| failure.of(main.record.pid))?;
            let kept = remove_record(lock).err().map(|error| error_text(&error));
            Ok(Stopped::Ended { name, signal, after, others, kept, failure })
        }
    }
}

/// The time of SIGKILL.
struct Deadline {
    /// `None` if the timeout is infinite or beyond the clock's range.
    at: Option<Instant>,
}

impl Deadline {
    fn new(timeout: Option<Timespan>, record: &Record) -> Self {
        let timeout = match timeout {
            Some(span) => span.finite(),
            None => record.stop_timeout.map(Duration::from_micros),
        };
        Self { at: timeout.and_then(|timeout| Instant::now().checked_add(timeout)) }
    }
}

fn remove_record(lock: Option<&Path>) -> io::Result<()> {
    lock.map_or(Ok(()), registry::remove)
}

/// How a service has ended.
struct ServiceEnd {
    signal: Option<i32>,
    after: Duration,
    others: usize,
    failure: Option<StepError>,
}

enum StopFailure {
    Io(io::Error),
    Stuck,
    Spared,
    Leftovers(Vec<i32>),
    Unproved(Vec<i32>),
}

impl StopFailure {
    fn of(self, pid: i32) -> StopError {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => StopError::Denied(pid),
            Self::Io(error) => StopError::Failed(pid, error_text(&error)),
            Self::Stuck => StopError::Stuck(pid),
            Self::Spared => StopError::Spared(pid),
            Self::Leftovers(pids) => StopError::Leftovers(pids),
            Self::Unproved(pids) => StopError::Unproved(pids),
        }
    }
}

impl From<io::Error> for StopFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How many times the stop timeout a monitor may take: `ExecStop=`, the stop signal, SIGKILL, `ExecStopPost=`, and both
/// signals for what that leaves behind.
const MONITOR_STAGES: u32 = 6;

/// Asks the monitor to stop the service, and waits for its end. A monitor that does not end is killed, and the service is
/// ended without it.
fn by_monitor(
    main: &RunningService,
    monitor: &HeldMonitor,
    lock: &Path,
    timeout: Option<Timespan>,
) -> Result<ServiceEnd, StopFailure> {
    let started_at = Instant::now();
    let stays = leaves_others(lock);
    let own = main.record.stop_timeout.map(|micros| Duration::from_micros(micros) * MONITOR_STAGES);
    let longest = timeout.map_or(own, Timespan::finite);
    let at = longest.and_then(|longest| started_at.checked_add(longest + KILL_TIMEOUT));
    // A suspended monitor (SIGSTOP) would not answer.
    monitor.held.send(signal::SIGCONT)?;
    let request = match timeout.map(Timespan::finite) {
        None => "stop".to_owned(),
        Some(None) => "stop infinity".to_owned(),
        Some(Some(timeout)) => format!("stop {}", timeout.as_micros()),
    };
    let asked = match monitor.ask(lock, &request, at) {
        Ok(answer) => answer.strip_prefix("ok ").and_then(|number| number.parse().ok()),
        Err(AskError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(error.into());
        }
        Err(AskError::Io(_)) => {
            // It has no socket, or does not answer in time.
            monitor.held.send(signal::SIGTERM)?;
            Some(signal::SIGTERM)
        }
        Err(AskError::Gone) => None,
    };
    let signal = asked.filter(|number| *number != 0);
    if monitor.held.ends_until(at)? {
        if main.record.main_lives() {
            return Err(StopFailure::Spared);
        }
        // What the monitor could not see.
        let others = if stays { 0 } else { clear(Some(lock), &main.record, &Deadline { at })? };
        return Ok(ServiceEnd { signal, after: started_at.elapsed(), others, failure: None });
    }
    monitor.held.send(signal::SIGKILL)?;
    if !monitor.held.ends_until(Instant::now().checked_add(KILL_TIMEOUT))? {
        return Err(StopFailure::Stuck);
    }
    end(
        main,
        Some(lock),
        &spec::of_record(&main.record)?,
        StopPurpose::Stop,
        Some(Timespan::Finite(Duration::ZERO)),
    )
}

/// Ends a service without a monitor as its stored spec says, else as its record says.
fn by_its_spec(
    main: &RunningService,
    lock: Option<&Path>,
    purpose: StopPurpose,
    timeout: Option<Timespan>,
) -> Result<ServiceEnd, StopFailure> {
    let stored = lock.and_then(|lock| spec::of_unattended(lock, &main.record));
    let spec = stored.map_or_else(|| spec::of_record(&main.record), Ok)?;
    end(main, lock, &spec, purpose, timeout)
}

/// Whether the processes beside the main one are not ended (systemd.kill(5), `KillMode=`).
fn leaves_others(lock: &Path) -> bool {
    spec::of(lock).is_some_and(|spec| matches!(spec.kill.mode, Some(KillMode::Process | KillMode::None)))
}

/// Ends the main process and what it leaves behind, as the spec says. `timeout` replaces its own.
fn end(
    main: &RunningService,
    lock: Option<&Path>,
    spec: &ServiceSpec,
    purpose: StopPurpose,
    timeout: Option<Timespan>,
) -> Result<ServiceEnd, StopFailure> {
    let service = Unattended { spec, lock, record: &main.record, main: &main.held };
    let report = service.stop(purpose, timeout)?;
    let (left, left_groups) = report.left;
    let Some(after) = report.after else {
        return Err(if is_spared(spec) { StopFailure::Spared } else { StopFailure::Stuck });
    };
    if !left.is_empty() && !is_spared(spec) {
        return Err(StopFailure::Leftovers(left));
    }
    if !left_groups.is_empty() {
        return Err(StopFailure::Io(io::Error::other(format!(
            "it has ended, but its process group {} still has members, which may be zombies: there is no /proc to tell",
            pid_list(&left_groups)
        ))));
    }
    Ok(ServiceEnd { signal: report.signal, after, others: report.others, failure: report.failure })
}

/// Whether nothing is killed after the stop timeout.
fn is_spared(spec: &ServiceSpec) -> bool {
    spec.kill.mode == Some(KillMode::None) || spec.kill.send_sigkill == Some(false)
}

/// Ends the processes that a service with no main process left behind. Returns their number.
fn clear(lock: Option<&Path>, record: &Record, deadline: &Deadline) -> Result<usize, StopFailure> {
    let Some(lock) = lock else { return Ok(0) };
    let (tree, _) = Tree::of_dead(lock, record)?;
    let ended = Termination::new(&tree).run(deadline.at, KILL_TIMEOUT, None, &mut || Ok(true))?;
    if !ended.left.is_empty() {
        return Err(StopFailure::Leftovers(ended.left));
    }
    match Tree::of_dead(lock, record)?.1 {
        Leftovers { unproved, .. } if !unproved.is_empty() => Err(StopFailure::Unproved(unproved)),
        _ => Ok(ended.asked),
    }
}

impl StopError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied(_) => Some("it runs as another user; stop it as root".to_owned()),
            Self::Unknown(reason) => reason.hint(),
            Self::Stuck(_) => {
                Some("it hangs in the kernel, perhaps waiting for a disk or a network file system".to_owned())
            }
            Self::Spared(pid) => Some(format!("`kill -KILL {pid}` ends it")),
            Self::Leftovers(_) => Some("they run as another user, or wait in the kernel".to_owned()),
            Self::Unproved(pids) => Some(format!(
                "if they are, end them with `kill {}`; `svcadapt audit PID` shows what a process is",
                pid_list(pids)
            )),
            Self::Failed(..) => None,
        }
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(pid) => write!(f, "process {pid} may not be signalled: permission denied"),
            Self::Unknown(reason) => reason.fmt(f),
            Self::Stuck(pid) => {
                write!(f, "process {pid} has not ended {} s after SIGKILL", KILL_TIMEOUT.as_secs())
            }
            Self::Spared(pid) => write!(
                f,
                "process {pid} has not ended, and its spec (KillMode=none or SendSIGKILL=no) does not have it killed"
            ),
            Self::Leftovers(pids) => {
                write!(
                    f,
                    "its main process has ended, but {} that it left behind {} not",
                    processes(pids),
                    has(pids)
                )
            }
            Self::Unproved(pids) => write!(
                f,
                "its main process has ended, and nothing proves that {} in its former session {} its own",
                processes(pids),
                if pids.len() == 1 { "is" } else { "are" }
            ),
            Self::Failed(pid, cause) => write!(f, "process {pid}: {cause}"),
        }
    }
}

impl std::error::Error for StopError {}

fn has(pids: &[i32]) -> &'static str {
    if pids.len() == 1 { "has" } else { "have" }
}
