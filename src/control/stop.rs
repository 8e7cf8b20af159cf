//! Stops a service, and verifies that it has stopped.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fmt, io};

use svcadapt_spec::{KillMode, Timespan};

use super::monitor::{AskError, HeldMonitor};
use super::service::{RunningService, ServiceState};
use super::unknown_reason::pid_list;
use super::{ServiceRef, UnknownReason, service};
use crate::registry;
use crate::registry::{Leftovers, Record, Termination, TerminationResult, Tree};
use crate::sys::{error_text, processes, signal};

/// How long a process may take to end after SIGKILL. One that takes longer hangs in the kernel.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The result of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The service was not running.
    NotRunning,
    /// It has ended.
    Ended {
        /// Its name. `None` if it has only a pid file.
        name: Option<String>,
        /// The last signal that was sent: SIGTERM, the spec's stop signal, or SIGKILL.
        signal: i32,
        /// How long its main process took to end.
        after: Duration,
        /// The number of its other processes. They have ended too.
        others: usize,
        /// Why its record or pid file could not be removed. `None` if they are gone.
        kept: Option<String>,
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
    /// The main process has ended, but these processes of the service have not.
    Leftovers(Vec<i32>),
    /// The main process has ended. These processes are in its former session, and nothing else proves that they
    /// belong to the service.
    Unproved(Vec<i32>),
    /// This process could not be signalled or watched.
    Failed(i32, String),
}

/// Stops a service: sends its stop signal, waits, sends SIGKILL after the timeout, and ends the processes that it
/// left behind. `timeout` replaces the service's own stop timeout.
///
/// Returns after all of them have ended. A service that is not running is not an error.
///
/// # Errors
///
/// The state of the service is unknown, or one of its processes may not be signalled or does not end: [`StopError`].
pub fn stop(target: &ServiceRef, timeout: Option<Timespan>) -> Result<Stopped, StopError> {
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
            if let Some(lock) = lock
                && let Ok(Some(monitor)) = HeldMonitor::of(lock, &main.record)
            {
                let stopped = by_monitor(&main, &monitor, lock, timeout);
                let (signal, after, others) = stopped.map_err(|failure| failure.of(main.record.pid))?;
                let kept = remove_record(Some(lock)).err().map(|error| error_text(&error));
                return Ok(Stopped::Ended { name, signal, after, others, kept });
            }
            let deadline = Deadline::new(timeout, &main.record);
            let ended = end(&main, lock, &deadline).map_err(|failure| failure.of(main.record.pid));
            let (signal, after, others) = ended?;
            let kept = remove_record(lock).err().map(|error| error_text(&error));
            Ok(Stopped::Ended { name, signal, after, others, kept })
        }
    }
}

/// The start of a stop, and the time of SIGKILL.
struct Deadline {
    started_at: Instant,
    /// `None` if the timeout is infinite or beyond the clock's range.
    at: Option<Instant>,
}

impl Deadline {
    fn new(timeout: Option<Timespan>, record: &Record) -> Self {
        let timeout = match timeout {
            Some(span) => span.finite(),
            None => record.stop_timeout.map(Duration::from_micros),
        };
        let started_at = Instant::now();
        Self { started_at, at: timeout.and_then(|timeout| started_at.checked_add(timeout)) }
    }
}

fn remove_record(lock: Option<&Path>) -> io::Result<()> {
    lock.map_or(Ok(()), registry::remove)
}

enum StopFailure {
    Io(io::Error),
    Stuck,
    Leftovers(Vec<i32>),
    Unproved(Vec<i32>),
}

impl StopFailure {
    fn of(self, pid: i32) -> StopError {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => StopError::Denied(pid),
            Self::Io(error) => StopError::Failed(pid, error_text(&error)),
            Self::Stuck => StopError::Stuck(pid),
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
/// ended without it. Returns the last signal, the time taken, and the number of processes that were left behind.
fn by_monitor(
    main: &RunningService,
    monitor: &HeldMonitor,
    lock: &Path,
    timeout: Option<Timespan>,
) -> Result<(i32, Duration, usize), StopFailure> {
    let started_at = Instant::now();
    let stays = leaves_others(lock);
    let own = main.record.stop_timeout.map(|micros| Duration::from_micros(micros) * MONITOR_STAGES);
    let longest = timeout.map_or(own, Timespan::finite);
    let at = longest.and_then(|longest| started_at.checked_add(longest + KILL_TIMEOUT));
    // A suspended monitor (SIGSTOP) would not answer.
    monitor.held.send(signal::SIGCONT)?;
    let asked = match monitor.ask(lock, "stop", at) {
        Ok(answer) => answer.strip_prefix("ok ").and_then(|number| number.parse().ok()).unwrap_or(0),
        Err(AskError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(error.into());
        }
        Err(AskError::Io(_)) => {
            // It has no socket, or does not answer in time.
            monitor.held.send(signal::SIGTERM)?;
            signal::SIGTERM
        }
        Err(AskError::Gone) => 0,
    };
    if monitor.held.ends_until(at)? {
        if stays {
            return Ok((asked, started_at.elapsed(), 0));
        }
        // What the monitor could not see.
        let deadline = Deadline { started_at, at };
        let others = clear(Some(lock), &main.record, &deadline)?;
        return Ok((asked, started_at.elapsed(), others));
    }
    monitor.held.send(signal::SIGKILL)?;
    if !monitor.held.ends_until(Instant::now().checked_add(KILL_TIMEOUT))? {
        return Err(StopFailure::Stuck);
    }
    end(main, Some(lock), &Deadline { started_at, at: Some(Instant::now()) })
}

/// Whether the processes beside the main one are not ended (systemd.kill(5), `KillMode=`).
fn leaves_others(lock: &Path) -> bool {
    let stored = registry::stored_spec::read(lock).ok().flatten();
    let spec = stored.and_then(|stored| stored.draft.finish().ok());
    spec.is_some_and(|spec| matches!(spec.kill.mode, Some(KillMode::Process | KillMode::None)))
}

/// Ends the main process and what it leaves behind. Returns the last signal, the time taken, and the number of other
/// processes.
fn end(
    main: &RunningService,
    lock: Option<&Path>,
    deadline: &Deadline,
) -> Result<(i32, Duration, usize), StopFailure> {
    // Before the end of the main process: it keeps its session's number from being reused.
    let tree = Tree::of_running(lock, &main.record, &main.held)?;
    let mut termination = Termination::new(&tree);
    let asked = main.record.stop_signal.as_deref().and_then(signal::number).unwrap_or(signal::SIGTERM);
    main.held.send(asked)?;
    // A suspended process (SIGSTOP) would not act on the signal; and the main process may wait for another one that
    // is suspended.
    main.held.send(signal::SIGCONT)?;
    termination.wake()?;
    let took = if main.held.ends_until(deadline.at)? {
        asked
    } else {
        main.held.send(signal::SIGKILL)?;
        if !main.held.ends_until(Instant::now().checked_add(KILL_TIMEOUT))? {
            return Err(StopFailure::Stuck);
        }
        signal::SIGKILL
    };
    let after = deadline.started_at.elapsed();
    let ended = termination.run(deadline.at, KILL_TIMEOUT, None, &mut || Ok(true))?;
    match ended {
        TerminationResult { left, .. } if !left.is_empty() => Err(StopFailure::Leftovers(left)),
        TerminationResult { left_groups, .. } if !left_groups.is_empty() => {
            Err(StopFailure::Io(io::Error::other(format!(
                "it has ended, but its process group {} still has members, which may be zombies: there is no /proc to tell",
                pid_list(&left_groups)
            ))))
        }
        TerminationResult { asked, .. } => Ok((took, after, asked)),
    }
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
