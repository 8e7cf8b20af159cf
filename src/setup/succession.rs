//! A start of a service whose last instance has left processes behind.
//!
//! Beside them a second instance would not be alone. A person is refused, and told how to end them. A manager that starts
//! its service again has only this start: there they are ended first, as systemd does with what is left in a cgroup.

use std::io;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use svcadapt_spec::ServiceSpec;

use super::DEFAULT_STOP_MICROS;
use super::perform::what;
use crate::error::StepError;
use crate::plan::Strategy;
use crate::registry;
use crate::registry::Ending;
use crate::registry::{AlreadyRunning, Lock, Record, Tree};
use crate::sys::fd;

/// What has lost its main process a moment ago may be about to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// How soon to look again.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a process may take to end after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// What is done about what the last instance has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remains {
    /// The start is refused.
    Refuse,
    /// They are ended.
    End,
}

impl Remains {
    pub(super) fn of(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Daemonize => Self::Refuse,
            Strategy::ReportMainPid | Strategy::Monitor | Strategy::Init | Strategy::Exec => Self::End,
        }
    }
}

/// Takes a lock by `attempt`, which is made again while remains are in the way that go.
pub(super) fn take(
    path: &Path,
    remains: Remains,
    attempt: impl Fn() -> io::Result<Result<Lock, AlreadyRunning>>,
) -> io::Result<Result<Lock, AlreadyRunning>> {
    let begun = Instant::now();
    let mut ended = remains == Remains::Refuse;
    loop {
        match attempt()? {
            Err(AlreadyRunning::Left(..)) if begun.elapsed() < GRACE => {
                fd::wait_readable(&[], Some(POLL_INTERVAL))?;
            }
            Err(AlreadyRunning::Left(record, left)) if !ended && left.unproved.is_empty() => {
                ended = true;
                end(path, &record)?;
            }
            taken => return Ok(taken),
        }
    }
}

fn end(path: &Path, record: &Record) -> io::Result<()> {
    let (tree, _) = Tree::of_dead(path, record)?;
    let timeout = Duration::from_micros(record.stop_timeout.unwrap_or(DEFAULT_STOP_MICROS));
    let deadline = Instant::now().checked_add(timeout);
    let ended = Ending::new(&tree).run(deadline, KILL_TIMEOUT, None, &mut || Ok(true))?;
    let name = path.file_name().unwrap_or_default().display().to_string();
    let text = format!(
        "svcadapt: start '{}': the last instance had left processes behind, and {} have been ended\n",
        crate::sys::escape_control(&name),
        ended.asked
    );
    // The manager's log. That nobody reads it is no reason not to start.
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
}

/// Why a service is not started whose lock cannot be had.
pub(super) fn refused(spec: &ServiceSpec, taken: AlreadyRunning) -> StepError {
    match taken {
        AlreadyRunning::Running(pid) => StepError::already_running(&what(spec), pid),
        AlreadyRunning::PidFile(lock, pid) => {
            let pid_file = spec.pid_file.as_ref().map(ToString::to_string).unwrap_or_default();
            let file = || lock.file_name().unwrap_or_default().display().to_string();
            let name = registry::name_of(&lock).unwrap_or_else(file);
            StepError::already_running(&format!("{pid_file} of {name}"), Some(pid))
        }
        AlreadyRunning::Left(record, left) => StepError::left_behind(&what(spec), record.pid, &left.all()),
    }
}
