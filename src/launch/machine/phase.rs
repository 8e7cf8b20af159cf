//! The states of a service.

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::launch) enum Phase {
    /// Not started, or ended without a failure.
    Dead,
    /// `ExecCondition=` runs.
    Condition,
    /// `ExecStartPre=` runs.
    StartPre,
    /// The program runs and is not ready; a oneshot service has not ended.
    Start,
    /// `ExecStartPost=` runs.
    StartPost,
    /// It runs and is ready.
    Running,
    /// It has ended, and counts as running (`RemainAfterExit=`).
    Exited,
    /// `ExecReload=` runs, or the end of a reload is awaited.
    Reload,
    /// `ExecStop=` runs.
    Stop,
    /// The watchdog signal was sent, so that the program dumps core.
    StopWatchdog,
    /// The stop signal was sent.
    StopSigterm,
    /// SIGKILL was sent.
    StopSigkill,
    /// `ExecStopPost=` runs.
    StopPost,
    /// As [`Self::StopWatchdog`], for what is left after the last command.
    FinalWatchdog,
    /// As [`Self::StopSigterm`], for what is left after the last command.
    FinalSigterm,
    /// As [`Self::StopSigkill`], for what is left after the last command.
    FinalSigkill,
    /// It has ended, and is started again after a delay.
    AutoRestart,
    /// It has ended with a failure.
    Failed,
}

impl Phase {
    /// systemd's word (systemctl(1), the sub-state of a service).
    pub(in crate::launch) fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Condition => "condition",
            Self::StartPre => "start-pre",
            Self::Start => "start",
            Self::StartPost => "start-post",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::StopWatchdog => "stop-watchdog",
            Self::StopSigterm => "stop-sigterm",
            Self::StopSigkill => "stop-sigkill",
            Self::StopPost => "stop-post",
            Self::FinalWatchdog => "final-watchdog",
            Self::FinalSigterm => "final-sigterm",
            Self::FinalSigkill => "final-sigkill",
            Self::AutoRestart => "auto-restart",
            Self::Failed => "failed",
        }
    }
}
