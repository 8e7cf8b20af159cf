//! The end of the process: an exit status, or the signal that killed the program.

use std::process::ExitCode;

use svcadapt::internal::signal;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With this exit status.
    Status(u8),
    /// With 0, because a condition is not met: nothing was started.
    Skipped,
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// The return value of `main`. Does not return if the process ends by a signal.
    pub(crate) fn leave(self) -> ExitCode {
        match self {
            Self::Status(status) => ExitCode::from(status),
            Self::Skipped => ExitCode::SUCCESS,
            Self::Signal(number) => {
                signal::die_of(number);
                // Process 1 of a container ignores the signal: report 128 + signal, as a shell does.
                ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX))
            }
        }
    }
}
