//! What needs a process that stays with the service.

use svcadapt_spec::{
    CommandPrivileges, DirectoryKind, Field, LimitValue, OomPolicy, Preserve, Probe, Resource, Restart,
    ServiceSpec,
};

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
        // It writes the log file.
        (Field::LogRotateSize, spec.log_file.rotate_size.is_some()),
        (Field::LogRotateAge, spec.log_file.rotates() && spec.log_file.rotate_size.is_none()),
        (Field::LogTimestamps, spec.log_file.timestamps == Some(true)),
        // They are removed when the service has ended.
        (Field::LoadCredential, !spec.credentials.load.is_empty()),
        (Field::ImportCredential, !spec.credentials.import.is_empty()),
        (Field::SetCredential, !spec.credentials.set.is_empty()),
        (Field::RemovePidFile, spec.removed_pid_file.is_some()),
        // Its notifications are heard as long as it lives (sd_notify(3)).
        (Field::Ready, spec.ready.contains(&Probe::Notify)),
        (Field::RemainAfterExit, spec.remain_after_exit == Some(true)),
        (Field::Restart, restart || !restarts.force.is_empty()),
        (Field::WatchdogSec, spec.watchdog.is_some()),
        (Field::FileDescriptorStoreMax, spec.descriptor_store_max.is_some_and(|max| max > 0)),
        (Field::RuntimeMaxSec, spec.runtime_max.is_some()),
        (Field::TimeoutStartFailureMode, spec.start_failure.is_some()),
        (Field::TimeoutStopFailureMode, spec.stop_failure.is_some()),
        (Field::KillMode, kill.mode.is_some()),
        (Field::OomPolicy, spec.oom_policy == Some(OomPolicy::Stop)),
        (Field::FinalKillSignal, kill.final_signal.is_some()),
        (Field::SendSighup, kill.send_sighup == Some(true)),
        (Field::SendSigkill, kill.send_sigkill == Some(false)),
    ];
    asked.into_iter().filter_map(|(field, asked)| asked.then_some(field)).collect()
}

/// Whether the service has files that go with it: its pid file, and its runtime directory unless that is preserved. Below a
/// manager that does not remove them a process stays for that; a daemon's go at its stop.
pub fn leaves_files(spec: &ServiceSpec) -> bool {
    let directory = spec.directories.iter().any(|directory| directory.kind == DirectoryKind::Runtime);
    spec.pid_file.is_some() || directory && spec.runtime_directory_preserve != Some(Preserve::Yes)
}

/// The greatest number of stored descriptors. The usual soft limit of open files is 1024, for the monitor as for the program.
const MAX_STORED: usize = 512;

/// How many descriptors the program may store. All of them must find room in the program below its limit of open files,
/// beside its sockets, and what its start needs.
pub fn store_size(spec: &ServiceSpec) -> usize {
    const OTHERS: u64 = 16;
    let asked = spec.descriptor_store_max.unwrap_or(0).try_into().unwrap_or(usize::MAX);
    let used = OTHERS + u64::try_from(spec.sockets.listen.len()).unwrap_or(u64::MAX);
    let room = match spec.limits.get(&Resource::Nofile).map(|limit| limit.soft) {
        Some(LimitValue::At(limit)) => usize::try_from(limit.saturating_sub(used)).unwrap_or(usize::MAX),
        Some(LimitValue::Infinity) | None => MAX_STORED,
    };
    asked.min(room).min(MAX_STORED)
}

/// The same for a daemon. `svcadapt stop` and `reload` do from the stored spec what is done only when they are called.
pub fn daemon_fields(spec: &ServiceSpec) -> Vec<Field> {
    let by_command = |field: &Field| {
        matches!(
            field,
            Field::ExecReload
                | Field::ExecStop
                | Field::TimeoutStopFailureMode
                | Field::KillMode
                | Field::RemovePidFile
                | Field::FinalKillSignal
                | Field::SendSighup
                | Field::SendSigkill
        )
    };
    life_fields(spec).into_iter().filter(|field| !by_command(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::spec;
    use super::*;

    #[test]
    fn daemon_needs_no_monitor_for_what_is_done_when_it_is_asked_for() {
        let asked = [
            (Field::ExecStop, "/bin/true"),
            (Field::ExecReload, "/bin/true"),
            (Field::KillMode, "mixed"),
            (Field::FinalKillSignal, "USR1"),
            (Field::SendSighup, "yes"),
            (Field::SendSigkill, "no"),
        ];
        assert!(daemon_fields(&spec(&asked)).is_empty());
        assert_eq!(life_fields(&spec(&asked)).len(), asked.len());
        for field in [(Field::ExecStopPost, "/bin/true"), (Field::Restart, "always")] {
            assert_eq!(daemon_fields(&spec(&[asked[0], field])), [field.0]);
        }
    }
}
