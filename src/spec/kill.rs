//! How a service is stopped: systemd.kill(5).

use super::SignalName;
use super::choice::choices;

/// What the signals of a stop are, and to which processes they go. `KillSignal=` is a field of the spec.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kill {
    /// `KillMode=`
    pub mode: Option<KillMode>,
    /// `RestartKillSignal=`: the stop signal of a restart.
    pub restart_signal: Option<SignalName>,
    /// `FinalKillSignal=`: the signal after the stop timeout.
    pub final_signal: Option<SignalName>,
    /// `WatchdogSignal=`: the signal after a watchdog timeout.
    pub watchdog_signal: Option<SignalName>,
    /// `SendSIGHUP=`: whether SIGHUP follows the stop signal.
    pub send_sighup: Option<bool>,
    /// `SendSIGKILL=`: whether the final signal is sent at all.
    pub send_sigkill: Option<bool>,
}

/// Which processes a stop signals: `KillMode=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillMode {
    /// All processes of the service.
    ControlGroup,
    /// The main process first, then all with the final signal.
    Mixed,
    /// The main process only.
    Process,
    /// None: only the stop commands are executed.
    None,
}

choices!(
    KillMode,
    4,
    "kill mode",
    [ControlGroup = "control-group", Mixed = "mixed", Process = "process", None = "none"]
);
