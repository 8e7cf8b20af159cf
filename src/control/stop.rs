//! Stopping a service, and proving that it has stopped.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use crate::setup::state;
use crate::setup::state::Session;
use crate::spec::Timespan;
use crate::sys::fd;
use crate::sys::lineage;
use crate::sys::pidfd::PidFd;
use crate::sys::process;
use crate::sys::signal;
use crate::sys::words;

use super::Doubt;
use super::Target;
use super::service;
use super::service::Main;
use super::service::Standing;
use super::session;

/// How long a process may take to end after SIGKILL. One that takes longer hangs in the kernel.
pub(super) const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// What a stop came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// There was nothing to stop.
    NotRunning,
    /// It has ended.
    Ended {
        /// Its name; none where it has only a pid file.
        name: Option<String>,
        /// The signal that it took: SIGTERM or the one that its spec names, or SIGKILL.
        signal: i32,
        /// How long its own process took.
        after: Duration,
        /// How many processes it had left behind in its session. They have ended too.
        others: usize,
        /// Why its record or pid file is still there, if it is.
        kept: Option<String>,
    },
}

/// Why a service could not be stopped. It prints as the cause alone; [`Unstopped::hint`] has the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unstopped {
    /// We may not signal this process.
    Denied(i32),
    /// It cannot be told whether it runs, or as what.
    Unclear(Doubt),
    /// This process does not end, not even by SIGKILL.
    Stuck(i32),
    /// It has ended, but so many processes of its session have not.
    Left(usize),
    /// This process could not be signalled or watched.
    Failed(i32, String),
}

/// Stops a service: asks its process to end, waits, kills it when its time is over, and ends what it left behind in
/// its session. The time is the service's own, unless another one is given.
///
/// It returns when all that has happened. What is not running has been stopped.
pub fn stop(target: &Target, patience: Option<Timespan>) -> Result<Stopped, Unstopped> {
    let service = service::find(target);
    let name = service.name();
    let lock = service.lock.as_deref();
    match service.standing {
        Standing::Absent | Standing::Orphaned(_) => Ok(Stopped::NotRunning),
        Standing::Dead(_) => {
            // What it left is in nobody's way; and it may be root's.
            let _ = tidy(lock);
            Ok(Stopped::NotRunning)
        }
        Standing::Unclear(doubt) => Err(Unstopped::Unclear(doubt)),
        Standing::Running(main) => {
            let pid = main.record.pid;
            let patience = match patience {
                Some(span) => span.finite(),
                None => main.record.stop_patience.map(Duration::from_micros),
            };
            let (signal, after, others) = end(&main, patience).map_err(|failure| match failure {
                Failure::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    Unstopped::Denied(pid)
                }
                Failure::Io(error) => Unstopped::Failed(pid, words(&error)),
                Failure::Stuck => Unstopped::Stuck(pid),
                Failure::Left(count) => Unstopped::Left(count),
            })?;
            let kept = tidy(lock).err().map(|error| words(&error));
            Ok(Stopped::Ended { name, signal, after, others, kept })
        }
    }
}

fn tidy(lock: Option<&Path>) -> io::Result<()> {
    lock.map_or(Ok(()), state::remove)
}

enum Failure {
    Io(io::Error),
    Stuck,
    Left(usize),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Ends the process and its session. Says what signal it took, how long, and how many others there were.
fn end(main: &Main, patience: Option<Duration>) -> Result<(i32, Duration, usize), Failure> {
    let begun = Instant::now();
    // A time that no clock can count is for ever.
    let deadline = patience.and_then(|patience| begun.checked_add(patience));
    // Asked before its end, while it keeps the session's number from becoming a stranger's.
    let own_session = session_of(main);
    let asked = main.record.stop_signal.as_deref().and_then(signal::number).unwrap_or(signal::SIGTERM);
    main.held.send(asked)?;
    // One that is stopped (SIGSTOP) would not act on it.
    main.held.send(signal::SIGCONT)?;
    let took = if ends_until(&main.held, deadline)? {
        asked
    } else {
        main.held.send(signal::SIGKILL)?;
        if !ends_until(&main.held, Instant::now().checked_add(LAST_PATIENCE))? {
            return Err(Failure::Stuck);
        }
        signal::SIGKILL
    };
    let after = begun.elapsed();
    let others = match own_session {
        Some(number) => session::end(number, deadline)?,
        None => session::Ended { others: 0, left: 0 },
    };
    match others {
        session::Ended { others, left: 0 } => Ok((took, after, others)),
        session::Ended { left, .. } => Err(Failure::Left(left)),
    }
}

/// The session that is the service's own and not ours, if there is one.
fn session_of(main: &Main) -> Option<i32> {
    let session = process::session(main.record.pid).ok()?;
    let own = main.record.session == Session::Own && session > 0 && session != lineage::own().session;
    own.then_some(session)
}

/// Whether the process ends in time.
fn ends_until(process: &PidFd, deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ended = fd::wait_readable(&[process.as_fd()], left)?;
        if ended.contains(&true) {
            return Ok(true);
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
    }
}

impl Unstopped {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied(_) => Some("it runs as another user; root may stop it".to_owned()),
            Self::Unclear(doubt) => doubt.hint(),
            Self::Stuck(_) => {
                Some("it waits in the kernel, for a disk or a network file system perhaps".to_owned())
            }
            Self::Left(_) => Some("they run as another user, or wait in the kernel".to_owned()),
            Self::Failed(..) => None,
        }
    }
}

impl fmt::Display for Unstopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(pid) => write!(f, "process {pid} may not be signalled: permission denied"),
            Self::Unclear(doubt) => doubt.fmt(f),
            Self::Stuck(pid) => {
                write!(f, "process {pid} has not ended {} s after SIGKILL", LAST_PATIENCE.as_secs())
            }
            Self::Left(1) => f.write_str("it has ended, but a process of its session has not"),
            Self::Left(count) => write!(f, "it has ended, but {count} processes of its session have not"),
            Self::Failed(pid, cause) => write!(f, "process {pid}: {cause}"),
        }
    }
}

impl std::error::Error for Unstopped {}
