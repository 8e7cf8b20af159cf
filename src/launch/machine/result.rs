//! The result of a life.

/// The result of a life so far: systemd's words (systemd.exec(5), `$SERVICE_RESULT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::launch) enum ServiceResult {
    Success,
    /// `ExecCondition=` said no.
    ExecCondition,
    /// A condition is not met.
    Condition,
    /// It ended before it was ready, without a failure.
    Protocol,
    Timeout,
    ExitCode,
    Signal,
    /// It was killed by a signal, and has written a core dump.
    CoreDump,
    Watchdog,
    /// The kernel has killed a process of it for lack of memory.
    OomKill,
    StartLimitHit,
    /// An assertion is not met; the result of the job in systemd.
    Assert,
}

impl ServiceResult {
    /// systemd's word.
    pub(in crate::launch) fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExecCondition => "exec-condition",
            Self::Condition => "condition",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Watchdog => "watchdog",
            Self::OomKill => "oom-kill",
            Self::StartLimitHit => "start-limit-hit",
            Self::Assert => "assert",
        }
    }

    /// Whether the service has not failed.
    pub(in crate::launch) fn is_good(self) -> bool {
        matches!(self, Self::Success | Self::ExecCondition | Self::Condition)
    }
}
