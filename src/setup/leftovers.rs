//! Processes that the last instance of a service has left behind, seen at the next start.
//!
//! A second instance must not run next to them. A start by a person is refused, with a hint how to end them. A
//! manager that restarts its service has only this start: then they are ended first, as systemd ends what is left in
//! a cgroup.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use svcadapt_spec::ServiceSpec;

use super::failure::service_label;
use super::stop_timeout::DEFAULT_STOP_MICROS;
use crate::error::{StepError, tell};
use crate::plan::Strategy;
use crate::registry;
use crate::registry::{AlreadyRunning, Lock, Record, Termination, Tree};
use crate::sys::fd;

/// Leftovers of a main process that has just ended may be about to exit by themselves.
const GRACE: Duration = Duration::from_millis(500);

/// The pause between two looks.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a process may take to end after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// What a start does about leftovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftoverPolicy {
    /// It is refused.
    Refuse,
    /// It ends them.
    Terminate,
}

impl LeftoverPolicy {
    pub(super) fn of(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Daemonize | Strategy::DaemonMonitor => Self::Refuse,
            Strategy::ReportMainPid | Strategy::Monitor | Strategy::Init | Strategy::Exec => Self::Terminate,
        }
    }
}

/// Takes a lock by `attempt`, and retries while leftovers disappear or are ended.
pub(super) fn take(
    path: &Path,
    leftovers: LeftoverPolicy,
    attempt: impl Fn() -> io::Result<Result<Lock, AlreadyRunning>>,
) -> io::Result<Result<Lock, AlreadyRunning>> {
    let started_at = Instant::now();
    let mut ended = leftovers == LeftoverPolicy::Refuse;
    loop {
        match attempt()? {
            Err(AlreadyRunning::Leftovers(..)) if started_at.elapsed() < GRACE => {
                fd::wait_readable(&[], Some(POLL_INTERVAL))?;
            }
            Err(AlreadyRunning::Leftovers(record, left)) if !ended && left.unproved.is_empty() => {
                ended = true;
                terminate(path, &record)?;
            }
            taken => return Ok(taken),
        }
    }
}

fn terminate(path: &Path, record: &Record) -> io::Result<()> {
    let (tree, _) = Tree::of_dead(path, record)?;
    let timeout = Duration::from_micros(record.stop_timeout.unwrap_or(DEFAULT_STOP_MICROS));
    let deadline = Instant::now().checked_add(timeout);
    let ended = Termination::new(&tree).run(deadline, KILL_TIMEOUT, None, &mut || Ok(true))?;
    let name = path.file_name().unwrap_or_default().display().to_string();
    let name = crate::sys::escape_control(&name);
    tell(&format!("start '{name}': leftover processes of the last instance were ended: {}", ended.asked));
    Ok(())
}

/// The error of a start that does not get the lock.
pub(super) fn already_running(spec: &ServiceSpec, taken: AlreadyRunning) -> StepError {
    match taken {
        AlreadyRunning::Running(pid) => StepError::already_running(&service_label(spec), pid),
        AlreadyRunning::PidFile(lock, pid) => {
            let pid_file = spec.pid_file.as_ref().map(ToString::to_string).unwrap_or_default();
            let file = || lock.file_name().unwrap_or_default().display().to_string();
            let name = registry::name_of(&lock).unwrap_or_else(file);
            StepError::already_running(&format!("{pid_file} of {name}"), Some(pid))
        }
        AlreadyRunning::Leftovers(record, left) => {
            StepError::left_behind(&service_label(spec), record.pid, &left.all())
        }
    }
}
