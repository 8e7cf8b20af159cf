//! What follows an out-of-memory kill: `OOMPolicy=` of systemd.service(5).

use super::choice::choices;

/// What happens to a service when the kernel kills one of its processes for lack of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomPolicy {
    /// The others go on.
    Continue,
    /// The service is stopped.
    Stop,
    /// All of its processes are killed.
    Kill,
}

choices!(OomPolicy, 3, "OOM policy", [Continue = "continue", Stop = "stop", Kill = "kill"]);
