//! What needs a process that stays with the service.

use svcadapt_spec::{CommandPrivileges, Field, Restart, ServiceSpec};

/// The fields that are set and need a process which stays until the service has ended.
pub fn life_fields(spec: &ServiceSpec) -> Vec<Field> {
    let commands = &spec.commands;
    let prefix = &spec.prefix;
    let restarts = &spec.restarts;
    let kill = &spec.kill;
    let restart = spec.restart.is_some_and(|restart| restart != Restart::No);
    let asked = [
        (Field::ExecCondition, !commands.condition.is_empty()),
        (Field::ExecStartPre, !commands.start_pre.is_empty()),
        (Field::ExecStart, !commands.start.is_empty()),
        (Field::ExecStartPost, !commands.start_post.is_empty()),
        (Field::ExecReload, !commands.reload.is_empty()),
        (Field::ExecStop, !commands.stop.is_empty()),
        (Field::ExecStopPost, !commands.stop_post.is_empty()),
        (Field::ExecPrefix, prefix.ignore_failure || prefix.privileges != CommandPrivileges::Service),
        (Field::RemainAfterExit, spec.remain_after_exit == Some(true)),
        (Field::Restart, restart || !restarts.force.is_empty()),
        (Field::WatchdogSec, spec.watchdog.is_some()),
        (Field::RuntimeMaxSec, spec.runtime_max.is_some()),
        (Field::TimeoutStartFailureMode, spec.start_failure.is_some()),
        (Field::TimeoutStopFailureMode, spec.stop_failure.is_some()),
        (Field::KillMode, kill.mode.is_some()),
        (Field::FinalKillSignal, kill.final_signal.is_some()),
        (Field::SendSighup, kill.send_sighup == Some(true)),
        (Field::SendSigkill, kill.send_sigkill == Some(false)),
    ];
    asked.into_iter().filter_map(|(field, asked)| asked.then_some(field)).collect()
}
