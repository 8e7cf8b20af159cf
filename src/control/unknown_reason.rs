//! Why the state of a service cannot be determined.

use std::fmt;

use crate::sys::processes;

/// Why the state of a service cannot be determined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// This file may not be read.
    Denied(String),
    /// This file cannot be read: path and cause.
    Unreadable(String, String),
    /// This directory may contain the service's record, but cannot be trusted or read: path, cause and cure.
    Untrusted(String, String, Option<String>),
    /// Its process belongs to another pid namespace.
    Elsewhere,
    /// The recorded process, or another one with its pid, is running, and `/proc` hides it.
    Hidden(i32),
    /// This process holds the lock and is not recorded, or the record kept changing.
    Unrecorded(i32),
    /// Its main process has ended, and these processes are left.
    Leftovers(Vec<i32>),
    /// A pid file contains this pid, and belongs to no known service.
    Unproven(i32),
}

impl UnknownReason {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied(_) => Some("run this as root".to_owned()),
            Self::Elsewhere => Some("run the command in its container".to_owned()),
            Self::Hidden(_) => Some(
                "run this as root with /proc mounted for this pid namespace; hidepid= hides the processes of others"
                    .to_owned(),
            ),
            Self::Unrecorded(_) => Some("try again; its record may have been removed".to_owned()),
            Self::Unproven(pid) => Some(format!(
                "a service that svcadapt started has a record; `svcadapt audit {pid}` shows what this process is, and --exec PROGRAM \
                 proves it"
            )),
            Self::Untrusted(_, _, cure) => cure.clone(),
            Self::Leftovers(_) => Some(
                "`svcadapt stop` ends what is left; use --type forking for a program that goes into the background by itself"
                    .to_owned(),
            ),
            Self::Unreadable(..) => None,
        }
    }
}

/// The pids as arguments of a command.
pub(super) fn pid_list(pids: &[i32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "{what} may not be read"),
            Self::Unreadable(what, cause) | Self::Untrusted(what, cause, _) => write!(f, "{what}: {cause}"),
            Self::Elsewhere => f.write_str("its process belongs to another pid namespace"),
            Self::Hidden(pid) => write!(f, "process {pid} exists but /proc hides it"),
            Self::Unrecorded(pid) => {
                write!(f, "process {pid} holds its lock but is not recorded as the service")
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
