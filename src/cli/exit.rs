//! How the process leaves: a status, or the signal that ended the program.

use std::process::ExitCode;

use svcadapt::internal::signal;

/// What the caller is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// An ordinary exit status.
    Status(u8),
    /// The death of this signal.
    Signal(i32),
}

impl Exit {
    /// Turns it into what `main` returns.
    pub(crate) fn leave(self) -> ExitCode {
        match self {
            Self::Status(status) => ExitCode::from(status),
            Self::Signal(number) => {
                signal::die_of(number);
                // As process 1 of a container we live on: then the status has to say it, as a shell does.
                ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX))
            }
        }
    }
}
