//! What cannot be known of a service.

use std::fmt;

use crate::sys::processes;

/// Why nobody can say whether a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownReason {
    /// We may not read this file.
    Denied(String),
    /// This cannot be read, for this reason.
    Unreadable(String, String),
    /// This directory may hold what is known of it, and cannot be believed or looked into, for this reason and with this
    /// cure.
    Untrusted(String, String, Option<String>),
    /// Its process belongs to another pid namespace.
    Elsewhere,
    /// The process that was recorded runs, or one with its number, and `/proc` does not show it to us.
    Hidden(i32),
    /// This process has its lock, and is not recorded; or is recorded, and was another one at the next look.
    Unrecorded(i32),
    /// Its main process has ended, and has left these behind.
    Leftovers(Vec<i32>),
    /// A pid file names this process, and no service is known that the file belongs to.
    Unproven(i32),
}

impl UnknownReason {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied(_) => Some("root may".to_owned()),
            Self::Elsewhere => Some("ask in the container that it runs in".to_owned()),
            Self::Hidden(_) => Some(
                "/proc shows every process to root, where it is mounted for this pid namespace; hidepid= hides those of \
                 others"
                    .to_owned(),
            ),
            Self::Unrecorded(_) => Some("try again; its record may have been removed".to_owned()),
            Self::Unproven(pid) => Some(format!(
                "a service that svcadapt started has a record; `svcadapt audit {pid}` tells what this is"
            )),
            Self::Untrusted(_, _, cure) => cure.clone(),
            Self::Leftovers(_) => Some(
                "`svcadapt stop` ends what is left; a program that goes into the background by itself is of \
                 --type forking"
                    .to_owned(),
            ),
            Self::Unreadable(..) => None,
        }
    }
}

/// The same as words of a command.
pub(super) fn pid_list(pids: &[i32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "{what} may not be read"),
            Self::Unreadable(what, cause) | Self::Untrusted(what, cause, _) => write!(f, "{what}: {cause}"),
            Self::Elsewhere => f.write_str("its process belongs to another pid namespace"),
            Self::Hidden(pid) => write!(f, "there is a process {pid}, but we may not see which"),
            Self::Unrecorded(pid) => {
                write!(f, "process {pid} has its lock, and has not said that it is the service")
            }
            Self::Leftovers(pids) => {
                let still = if pids.len() == 1 { "runs" } else { "run" };
                write!(
                    f,
                    "its main process has ended, but {} that it left behind still {still}",
                    processes(pids)
                )
            }
            Self::Unproven(pid) => write!(f, "nothing proves that process {pid} is the service"),
        }
    }
}
