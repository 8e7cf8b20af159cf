//! What follows a timeout: `TimeoutStartFailureMode=` and `TimeoutStopFailureMode=` of systemd.service(5).

use super::choice::choices;

/// How a service is ended after a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureMode {
    /// By the stop signal, then the final signal.
    Terminate,
    /// By the watchdog signal, then the final signal.
    Abort,
    /// By the final signal at once.
    Kill,
}

choices!(FailureMode, 3, "failure mode", [Terminate = "terminate", Abort = "abort", Kill = "kill"]);
