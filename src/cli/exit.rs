//! How the process leaves: a status, or the signal that ended the program.

use std::process::ExitCode;

/// What the caller is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// An ordinary exit status.
    Status(u8),
}

impl Exit {
    /// Turns it into what `main` returns.
    pub(crate) fn leave(self) -> ExitCode {
        match self {
            Self::Status(status) => ExitCode::from(status),
        }
    }
}
