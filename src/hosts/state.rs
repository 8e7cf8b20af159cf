//! What a manager says of a service.

use std::time::Duration;

/// What a manager says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostState {
    /// Where it is in its life.
    pub phase: RunPhase,
    /// The pid of the process that the manager has started. `None`: it runs no process, or the manager does not say.
    pub pid: Option<i32>,
    /// Whether it is started at boot, or at login. `None`: the manager does not say.
    pub enabled: Option<bool>,
    /// Since when it is in this phase. `None`: the manager does not say.
    pub since: Option<Duration>,
    /// What the service says of itself (`STATUS=`, sd_notify(3)).
    pub text: Option<String>,
    /// How often the manager has started it again by itself.
    pub restarts: Option<u32>,
    /// How it has ended the last time: `exit status 1`, `SIGKILL`.
    pub last_exit: Option<String>,
    /// The memory of all its processes, in bytes.
    pub memory: Option<u64>,
    /// The processes and threads that it has.
    pub tasks: Option<u64>,
}

/// Where a service is in its life, as its manager says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunPhase {
    /// It is being started, and not ready.
    Starting,
    /// It runs, and is ready as far as the manager knows.
    Running,
    /// It reads its configuration again.
    Reloading,
    /// It is being stopped.
    Stopping,
    /// The manager waits before it starts it again.
    Restarting,
    /// It is stopped.
    Stopped,
    /// It has failed, for this reason in the manager's words.
    Failed(String),
}

impl RunPhase {
    /// Its name, one lower-case word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Reloading => "reloading",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it has no process, and its manager will not start one by itself.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Stopped | Self::Failed(_))
    }
}

impl HostState {
    /// A state of which only this is known.
    pub(crate) fn of(phase: RunPhase, pid: Option<i32>) -> Self {
        Self {
            phase,
            pid,
            enabled: None,
            since: None,
            text: None,
            restarts: None,
            last_exit: None,
            memory: None,
            tasks: None,
        }
    }
}
