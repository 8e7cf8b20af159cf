//! Why there is no table.

use std::fmt;

/// Why a process could not be audited. It prints as the cause alone; [`AuditError::hint`] has the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditError {
    /// This system has no `/proc` to read: macOS, or a chroot without one.
    NoProc,
    /// There is no such process, or none that we may see.
    NoSuchProcess,
    /// The number is that of a thread of this process.
    Thread(i32),
    /// It is a thread of the kernel.
    KernelThread,
    /// It has ended, and its parent has not yet taken notice.
    Zombie,
    /// It ended while it was looked at; its number may be another's by now.
    Vanished,
    /// It became another program while it was looked at.
    Replaced,
    /// `/proc` could not be read, for this reason.
    Unreadable(String),
}

impl AuditError {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchProcess => Some(
                "/proc hides the processes of others where it is mounted with hidepid= (proc(5))".to_owned(),
            ),
            Self::Thread(process) => Some(format!("audit {process}")),
            Self::Replaced => Some("try again".to_owned()),
            Self::NoProc | Self::KernelThread | Self::Zombie | Self::Vanished | Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("there is no /proc on this system, and nothing else tells as much"),
            Self::NoSuchProcess => f.write_str("no such process"),
            Self::Thread(process) => write!(f, "a thread of process {process}, not a process"),
            Self::KernelThread => f.write_str("a thread of the kernel, not a program"),
            Self::Zombie => f.write_str("a zombie: it has ended, and its parent has not yet waited for it"),
            Self::Vanished => f.write_str("it ended while it was looked at"),
            Self::Replaced => f.write_str("it became another program while it was looked at"),
            Self::Unreadable(cause) => write!(f, "/proc cannot be read: {cause}"),
        }
    }
}

impl std::error::Error for AuditError {}
