//! Gathers the data about a process from `/proc`, and ensures that it was the same process all the time.

use std::io;
use std::path::Path;

use svcadapt::internal::procfs::{FileId, Link, Stat, Unreadable};
use svcadapt::internal::{lock_of, procfs};

use crate::audit::accounts::Accounts;
use crate::audit::error::AuditError;
use crate::audit::pid_file::PidFileFacts;
use crate::audit::process::{Process, Relative, Relatives};
use crate::audit::variables;

/// The maximal number of variables that are reported; an environment may have a million.
const MAX_VARIABLES: usize = 256;

pub(crate) fn process(pid: i32, pid_file: Option<&Path>) -> Result<Process, AuditError> {
    if !procfs::mounted() {
        return Err(AuditError::NoProc);
    }
    let stat = alive(pid)?;
    let program = program(pid);
    let process = look(stat, program, pid_file)?;
    still_the_same(&process.stat, program, &alive(pid).map_err(|_| AuditError::Vanished)?)?;
    Ok(process)
}

/// Reads everything, in any order: the caller checks afterwards that the process is still the same.
fn look(stat: Stat, program: Option<FileId>, pid_file: Option<&Path>) -> Result<Process, AuditError> {
    let pid = stat.pid;
    let status = procfs::status(pid).map_err(gone)?;
    if status.thread_group != pid {
        return Err(AuditError::Thread(status.thread_group));
    }
    if status.kernel_thread {
        return Err(AuditError::KernelThread);
    }
    let root = procfs::link(pid, Link::Root);
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let our_root = procfs::link(own, Link::Root).ok().map(|root| root.id);
    // A process with another root has another /etc/passwd, whose content is not trustworthy.
    let shares_our_names = root.as_ref().ok().map(|root| root.id) == our_root;
    let (variables, started_by_systemd) = environment(pid);
    Ok(Process {
        relatives: relatives(&stat, program),
        started_by_systemd,
        descriptors: procfs::descriptors(pid),
        variables,
        working_directory: procfs::link(pid, Link::WorkingDirectory),
        root,
        our_root,
        limits: procfs::limits(pid),
        nice: procfs::nice(pid),
        oom_score_adjustment: procfs::oom_score_adjustment(pid),
        accounts: if shares_our_names { Accounts::of_user(status.uids.effective) } else { None },
        pid_file: match pid_file {
            Some(path) => {
                Some(PidFileFacts::at(path, procfs::status(own).map_err(unreadable)?.uids.effective))
            }
            None => None,
        },
        lock: lock_of(pid),
        stat,
        status,
    })
}

/// The `stat` of a process, if it is alive.
fn alive(pid: i32) -> Result<Stat, AuditError> {
    match procfs::stat(pid) {
        Ok(Stat { state: 'Z' | 'X' | 'x', .. }) => Err(AuditError::Zombie),
        Ok(stat) => Ok(stat),
        Err(error) if procfs::is_gone(&error) => Err(AuditError::NoSuchProcess),
        Err(error) => Err(unreadable(error)),
    }
}

/// An error if the process is not the same any more. The start time identifies the process: if the pid was reused, it
/// is later. An exec keeps it, but changes the program file. The process's name proves nothing, since a process can
/// set it itself.
fn still_the_same(before: &Stat, program_before: Option<FileId>, after: &Stat) -> Result<(), AuditError> {
    if before.start_time != after.start_time {
        return Err(AuditError::Vanished);
    }
    if program_before != program(after.pid) {
        return Err(AuditError::Replaced);
    }
    Ok(())
}

fn program(pid: i32) -> Option<FileId> {
    procfs::link(pid, Link::Program).ok().map(|program| program.id)
}

fn gone(error: io::Error) -> AuditError {
    if procfs::is_gone(&error) { AuditError::Vanished } else { unreadable(error) }
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn unreadable(error: io::Error) -> AuditError {
    AuditError::Unreadable(match error.kind() {
        io::ErrorKind::InvalidData => error.to_string(),
        kind => kind.to_string(),
    })
}

fn relatives(stat: &Stat, program_of_it: Option<FileId>) -> Relatives {
    let relative = |pid: i32| {
        let stat = if pid > 0 { procfs::stat(pid).ok()? } else { return None };
        let same_program = program_of_it.is_some() && program_of_it == program(pid);
        Some(Relative { stat, same_program })
    };
    // The id of a session is the pid of its leader, and is not reused while the session exists: so a process with this
    // pid is the leader, alive or a zombie.
    let leader = relative(stat.session).filter(|leader| leader.stat.state != 'Z');
    Relatives { parent: relative(stat.ppid), leader }
}

/// The names of the harmful variables, and whether systemd started this very process.
fn environment(pid: i32) -> (Result<Vec<Vec<u8>>, Unreadable>, bool) {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut by_systemd = false;
    let seen = procfs::for_each_variable(pid, |name, value| {
        if name == b"SYSTEMD_EXEC_PID" {
            by_systemd = value == pid.to_string().as_bytes();
        }
        let does_harm = variables::harm(name).is_some() && !variables::is_default(name, value);
        if does_harm && names.len() < MAX_VARIABLES && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    });
    (seen.map(|()| names), by_systemd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::process::samples::stat;

    #[test]
    fn reused_pid_is_detected() {
        let before = stat(1, "a", 0, 1);
        let after = Stat { start_time: before.start_time + 1, ..before.clone() };
        assert_eq!(still_the_same(&before, None, &after), Err(AuditError::Vanished));
    }

    #[test]
    fn exec_of_another_program_is_detected() {
        // Only Linux has these.
        let Ok(own) = procfs::stat(i32::try_from(std::process::id()).unwrap()) else { return };
        let other = Some(FileId { device: 0, inode: 0 });
        assert_eq!(still_the_same(&own, program(own.pid), &own), Ok(()));
        assert_eq!(still_the_same(&own, other, &own), Err(AuditError::Replaced));
    }
}
