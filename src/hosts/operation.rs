//! What a manager is asked for.

use std::time::Duration;

/// What a manager is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Start it, and wait until the manager calls it started.
    Start,
    /// Stop it so that it stays stopped, and wait until it has ended.
    Stop,
    /// Stop it and start it again.
    Restart,
    /// Make it read its configuration again.
    Reload,
}

impl Operation {
    /// Its name: that of the command of svcadapt, and the word of init scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }
}

/// How long a manager may take to start or stop a service. Its own timeouts are shorter.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(600);
