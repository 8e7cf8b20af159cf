//! The fields of the life of a service.

use svcadapt_spec::{Field, Field as F};

/// Whether the field says something about the life of a service after its start, or about its commands: where a manager
/// does that, `svcadapt run` leaves it to the manager.
pub fn is_life_field(field: Field) -> bool {
    matches!(field, F::Restart | F::RestartSec | F::ReloadSignal) || is_of_life(field)
}

/// Whether the field is one of those that systemd does and no other host: the life of a service, without `Restart=`,
/// `RestartSec=` and `ReloadSignal=`, which launchd has too.
pub(super) fn is_of_life(field: Field) -> bool {
    matches!(
        field,
        F::Condition
            | F::Assert
            | F::ExecPrefix
            | F::ExecCondition
            | F::ExecStartPre
            | F::ExecStart
            | F::ExecStartPost
            | F::ExecReload
            | F::ExecStop
            | F::ExecStopPost
            | F::WatchdogSec
            | F::StartLimitIntervalSec
            | F::StartLimitBurst
            | F::RemainAfterExit
            | F::RestartSteps
            | F::RestartMaxDelaySec
            | F::RestartMode
            | F::RestartPreventExitStatus
            | F::RestartForceExitStatus
            | F::SuccessExitStatus
            | F::RuntimeMaxSec
            | F::RuntimeRandomizedExtraSec
            | F::TimeoutAbortSec
            | F::TimeoutStartFailureMode
            | F::TimeoutStopFailureMode
            | F::KillMode
            | F::RestartKillSignal
            | F::FinalKillSignal
            | F::WatchdogSignal
            | F::SendSighup
            | F::SendSigkill
            | F::RuntimeDirectoryPreserve
            | F::GuessMainPid
            | F::OomPolicy
    )
}
