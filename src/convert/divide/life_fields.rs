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
            | F::OnFailure
            | F::OnSuccess
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
            | F::FileDescriptorStoreMax
            | F::FileDescriptorStorePreserve
            | F::GuessMainPid
            | F::OomPolicy
            | F::RemovePidFile
    )
}

/// Whether a restart by any other process than the adapter would lose what the field says.
pub(super) fn is_of_restart(field: Field) -> bool {
    matches!(
        field,
        F::StartLimitIntervalSec
            | F::StartLimitBurst
            | F::RestartSteps
            | F::RestartMaxDelaySec
            | F::RestartMode
            | F::RestartPreventExitStatus
            | F::RestartForceExitStatus
            | F::SuccessExitStatus
            | F::RuntimeDirectoryPreserve
            // The process that stays holds the stored descriptors.
            | F::FileDescriptorStoreMax
    )
}

/// Why `OnFailure=` has no effect.
pub const NO_OTHER: &str = "no other service is started when this one ends";

/// Why the adapter does not do a field of the life of a service. `None`: it does.
pub(super) fn undone(field: Field) -> Option<&'static str> {
    Some(match field {
        F::GuessMainPid => "it has no equivalent",
        F::OnFailure | F::OnSuccess => NO_OTHER,
        _ => return None,
    })
}

/// Whether `svcadapt run` does not act on a field of the life of a service.
pub fn is_undone_by_run(field: Field) -> bool {
    undone(field).is_some()
}
