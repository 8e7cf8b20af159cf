//! The table of daemon(7) for any running process, read from `/proc` alone.
//!
//! daemon(7) lists the 15 steps by which a `SysV` daemon is made. Most of them leave a mark that can be seen from
//! outside, whoever took the step: [`audit`] gathers the marks into a [`Process`], and [`judge`] makes one [`Row`] of
//! each. Nothing is attached to and nothing is signalled. Step 5 (fork) leaves no mark of its own, and of steps 14 and
//! 15 (the launcher is told, and then leaves) only the launcher knows; they have no row.
//!
//! # How it judges
//!
//! `ok` and `no` are said only of what can be known from outside. Where a thing may be meant or may be a mistake, the
//! verdict is `note` and the reader decides. Where `/proc` does not let us look, it is `unknown`.
//!
//! * **1, descriptors.** Beside 0 to 2, a descriptor that was inherited looks like one that the program opened, so
//!   all of them are listed, as a `note`, with a word about those that close on exec: such a one did not come
//!   through an exec as it is. Two kinds are `no`: a terminal, and a file, directory or device that the
//!   process could not have opened for itself for reading, by the owner, the mode and its own ids and capabilities
//!   (access control lists are not asked). Such a one that is open for writing only, or that has no name any more,
//!   is a `note`: a daemon may well open its log, or a scratch file, before it drops its privileges.
//! * **2, dispositions, and 3, mask.** Each signal that is ignored or blocked is `no`, with two exceptions that are a
//!   `note`: SIGPIPE and SIGXFSZ, which the run-time libraries of many languages ignore, and a blocked signal
//!   that the process reads from a signalfd(2) of its own. 32 and 33 are the C library's own: glibc's `posix_spawn(3)`
//!   leaves them ignored in whatever it starts. The mask is that of the main thread.
//! * **4, environment.** Only names are kept, never values, and it is the environment at the time of exec. Variables
//!   that change what code runs, or that open somebody's agent, are `no` (but an `IFS` of the usual value
//!   is not counted); those that only tell of a session are a `note`.
//! * **6 to 8, detachment.** A process that shares the session of another program, leads its own (so that a terminal
//!   which it opens becomes its controlling one), has a controlling terminal, or is not the child of process 1 or
//!   of a subreaper, is `no`. A subreaper shows by this: only `setsid` makes a session, and it makes its caller the leader,
//!   so a process that leads no session and has another one than its parent was adopted by that parent. A worker
//!   whose parent or session leader runs the same program file is a `note`; so is a process that systemd has started,
//!   for there these steps would be wrong.
//! * **9, standard streams.** `no` for a stream that is closed, is a terminal, cannot be used for what it is for, or
//!   closes on exec.
//! * **10, umask.** Any umask is `ok` but one that lets everybody write, which daemon(7) asks for: a `note`.
//! * **12, PID file.** Only if its path is given.
//! * **13, privileges.** Groups are held against `/etc/passwd` and `/etc/group`, and only where the process has the
//!   same root directory as we.

mod accounts;
mod command;
mod error;
mod gather;
mod judge;
mod pid_file;
mod process;
mod row;
mod text;
mod variables;

use std::path::Path;

pub(crate) use command::{command, run};
pub(crate) use error::AuditError;
pub(crate) use judge::judge;
pub(crate) use row::{Row, Verdict};

/// The table of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// The process.
    pub(crate) pid: i32,
    /// Its name, at most 15 bytes, printable.
    pub(crate) name: String,
    /// When it started, in clock ticks since boot.
    pub(crate) start_time: u64,
    /// One row for each thing that was looked at, in the order of daemon(7), then what is beside its steps.
    pub(crate) rows: Vec<Row>,
}

impl Audit {
    /// The verdict over all: `no` if any row says so, else `unknown` if any row could not be judged, else `note` if
    /// there is one, else `ok`.
    pub(crate) fn verdict(&self) -> Verdict {
        self.rows.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Ok)
    }
}

/// Looks at the process `pid`, and at its PID file if one is named, and judges what it finds.
///
/// An error if there is no such process, or if it ended, or became another program, while it was looked at.
pub(crate) fn audit(pid: i32, pid_file: Option<&Path>) -> Result<Audit, AuditError> {
    let process = gather::process(pid, pid_file)?;
    Ok(Audit {
        pid,
        name: text::printable(process.stat.comm.as_bytes()),
        start_time: process.stat.start_time,
        rows: judge(&process),
    })
}
