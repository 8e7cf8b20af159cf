//! The table of daemon(7) for any running process, read from `/proc` alone.
//!
//! daemon(7) lists the 15 steps that turn a process into a `SysV` daemon. Most of them have an effect that can be seen
//! from outside: [`audit`] gathers these into a [`Process`], and [`judge`] makes one [`Row`] of each. The process is
//! neither attached to nor signalled. Step 5 (fork) has no effect of its own, and steps 14 and 15 (the launcher is
//! notified and exits) are known only to the launcher; they have no row.
//!
//! # Verdicts
//!
//! `ok` and `no` are given only for what is certain from outside. What may be intended or a mistake is a `note`: the
//! reader decides. What `/proc` does not show is `unknown`.
//!
//! * **1, descriptors.** From outside, an inherited descriptor looks like one that the program opened. So all but 0 to 2
//!   are listed as a `note`, and those with close-on-exec are marked: they were not inherited through an exec as they
//!   are. Two kinds are `no`: a terminal, and a file, directory or device, open for reading, that the process could not
//!   open itself, by owner, mode and its own ids and capabilities (access control lists are not checked). If it is open
//!   for writing only, or deleted, it is a `note`: a daemon may open its log or a scratch file before it drops its
//!   privileges.
//! * **2, dispositions, and 3, mask.** Each signal that is ignored or blocked is `no`, with two exceptions that are a
//!   `note`: SIGPIPE and SIGXFSZ, which many language runtimes ignore, and a blocked signal that the process reads from
//!   a signalfd(2) of its own. 32 and 33 belong to the C library: glibc's `posix_spawn(3)` leaves them ignored in its
//!   children. The mask is that of the main thread.
//! * **4, environment.** Only names are kept, never values, of the environment at the time of exec. Variables that
//!   change which code runs, or give access to an agent of another user, are `no` (an `IFS` with the default value is
//!   not counted); those of a login session are a `note`.
//! * **6 to 8, detachment.** `no` for a process that shares the session of another program, leads its own session (a
//!   terminal that it opens becomes its controlling terminal), has a controlling terminal, or is not a child of process
//!   1 or of a subreaper. A subreaper is recognised as follows: only setsid(2) makes a session, and its caller becomes
//!   the leader; so a process that leads no session, and has another session than its parent, was adopted by that
//!   parent. A worker whose parent or session leader runs the same program file is a `note`; so is a process that
//!   systemd started, for which these steps would be wrong.
//! * **9, standard streams.** `no` for a stream that is closed, is a terminal, has the wrong access mode, or has
//!   close-on-exec.
//! * **10, umask.** Any umask is `ok` except one that makes files world-writable, which daemon(7) asks for: a `note`.
//! * **12, PID file.** Only if its path is given.
//! * **13, privileges.** Groups are compared with `/etc/passwd` and `/etc/group`, and only if the process has the same
//!   root directory as svcadapt.

mod accounts;
mod command;
mod error;
mod gather;
mod judge;
mod pid_file;
mod process;
mod row;
mod variables;

use std::path::Path;

pub(crate) use command::{command, run};
pub(crate) use error::AuditError;
pub(crate) use judge::judge;
pub(crate) use row::{Row, StepVerdict};

use crate::text::printable;

/// The table of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// The process.
    pub(crate) pid: i32,
    /// Its name, at most 15 bytes, printable.
    pub(crate) name: String,
    /// When it started, in clock ticks since boot.
    pub(crate) start_time: u64,
    /// One row per check: the steps in the order of daemon(7), then the other checks.
    pub(crate) rows: Vec<Row>,
}

impl Audit {
    /// The gravest verdict of all rows: `no`, then `unknown`, `note`, `ok`.
    pub(crate) fn verdict(&self) -> StepVerdict {
        self.rows.iter().map(|row| row.verdict).max().unwrap_or(StepVerdict::Ok)
    }
}

/// Inspects the process `pid`, and its PID file if one is named.
///
/// An error if there is no such process, or if it ended or executed another program during the audit.
pub(crate) fn audit(pid: i32, pid_file: Option<&Path>) -> Result<Audit, AuditError> {
    let process = gather::process(pid, pid_file)?;
    Ok(Audit {
        pid,
        name: printable(&process.stat.comm),
        start_time: process.stat.start_time,
        rows: judge(&process),
    })
}
