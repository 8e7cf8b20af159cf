//! Errors of an audit.

use std::fmt;

/// Why a process could not be audited. `Display` prints the cause; [`AuditError::hint`] has the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditError {
    /// This system has no `/proc` to read: macOS, or a chroot without one.
    NoProc,
    /// There is no such process, or `/proc` hides it.
    NoSuchProcess,
    /// The pid is the id of a thread of this process.
    Thread(i32),
    /// The pid is that of a kernel thread.
    KernelThread,
    /// The process has ended, but its parent has not reaped it.
    Zombie,
    /// The process ended during the audit; its pid may have been reused.
    Vanished,
    /// The process executed another program during the audit.
    Replaced,
    /// `/proc` could not be read, for this reason.
    Unreadable(String),
}

impl AuditError {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchProcess => Some(
                "a /proc that is mounted with hidepid= hides the processes of other users (proc(5))"
                    .to_owned(),
            ),
            Self::Thread(process) => Some(format!("use 'svcadapt audit {process}'")),
            Self::Replaced => Some("try again".to_owned()),
            Self::NoProc | Self::KernelThread | Self::Zombie | Self::Vanished | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("audit reads /proc, which this system does not have"),
            Self::NoSuchProcess => f.write_str("no such process"),
            Self::Thread(process) => write!(f, "a thread of process {process}, not a process"),
            Self::KernelThread => f.write_str("a kernel thread, not a program"),
            Self::Zombie => f.write_str("a zombie: it has ended, but its parent has not reaped it"),
            Self::Vanished => f.write_str("the process ended during the audit"),
            Self::Replaced => f.write_str("the process executed another program during the audit"),
            Self::Unreadable(cause) => write!(f, "/proc cannot be read: {cause}"),
        }
    }
}

impl std::error::Error for AuditError {}
