//! How each field is written back.

use std::ffi::{OsStr, OsString};

use crate::{
    Amount, Condition, CpuSet, DirectoryKind, EnvironmentBase, EnvironmentFile, ExitStatusSet, Field,
    Field as F, FileMode, ImportCredential, Input, LoadCredential, Output, Presence, Probe, ServiceSpec,
    SetCredential, Socket, input_data, log_file, log_stream, resource_control, scheduling,
};

/// The values that have to be given for a field so that the spec comes out as it is. Empty if the field is not
/// said. The inverse of [`SpecDraft`](crate::SpecDraft), byte for byte.
pub fn values(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    match field {
        F::Name => shown(&spec.name),
        F::Description => shown(&spec.description),
        F::Type => shown(&spec.service_type),
        F::User => shown(&spec.user),
        F::Group => shown(&spec.group),
        F::SupplementaryGroups => shown(&spec.supplementary_groups),
        F::DynamicUser => spec.dynamic_user.map(yes).into_iter().collect(),
        F::Umask => shown(&spec.umask),
        F::WorkingDirectory => spec.working_directory.iter().map(path).collect(),
        F::RootDirectory => spec.root_directory.iter().map(path).collect(),
        F::Environment => spec
            .environment
            .assignments
            .iter()
            .map(|set| joined(&format!("{}=", set.name), &set.value))
            .collect(),
        F::EnvironmentFile => spec.environment.files.iter().map(environment_file).collect(),
        F::PassEnvironment => shown(&spec.environment.pass),
        F::UnsetEnvironment => shown(&spec.environment.unset),
        F::CleanEnvironment => {
            spec.environment.base.iter().map(|base| yes(*base == EnvironmentBase::Clean)).collect()
        }
        F::ExpandVariables => spec.expand_variables.then(|| yes(true)).into_iter().collect(),
        F::Argv0 => spec.argv0.iter().cloned().collect(),
        F::StandardInput => spec.standard_input.iter().map(Input::to_value).collect(),
        F::StandardOutput => spec.standard_output.iter().map(Output::to_value).collect(),
        F::StandardError => spec.standard_error.iter().map(Output::to_value).collect(),
        F::Limit(resource) => shown(spec.limits.get(&resource)),
        F::Nice => shown(&spec.nice),
        F::OomScoreAdjust => shown(&spec.oom_score_adjust),
        F::PreventCore => spec.prevent_core.then(|| yes(true)).into_iter().collect(),
        F::NoNewPrivileges => spec.no_new_privileges.map(yes).into_iter().collect(),
        F::CapabilityBoundingSet => shown(&spec.capability_bounding_set),
        F::AmbientCapabilities => shown(&spec.ambient_capabilities),
        F::Directory(kind) => shown(spec.directories.iter().filter(|d| d.kind == kind).map(|d| &d.path)),
        F::DirectoryMode(kind) => shown(directory_mode(spec, kind).as_ref()),
        F::PidFile => spec.pid_file.iter().map(path).collect(),
        F::RemovePidFile => spec.removed_pid_file.iter().map(path).collect(),
        F::FilesPreserve => shown(&spec.files_preserve),
        _ if Socket::kind_of(field).is_some() => listen(spec, field),
        F::FileDescriptorName => shown(&spec.sockets.name),
        F::SocketMode => shown(&spec.sockets.mode),
        F::SocketUser => shown(&spec.sockets.user),
        F::SocketGroup => shown(&spec.sockets.group),
        F::BindIPv6Only => shown(&spec.sockets.bind_ipv6_only),
        F::SocketCommand(moment) => shown(spec.sockets.commands.get(&moment).into_iter().flatten()),
        F::SocketOption(option) => shown(spec.sockets.options.get(&option)),
        F::Backlog => shown(&spec.sockets.backlog),
        F::StartOnConnect => spec.sockets.start_on_connect.then(|| yes(true)).into_iter().collect(),
        F::IdleExit => shown(&spec.sockets.idle_exit),
        F::LaunchdActivation => spec.sockets.launchd_activation.then(|| yes(true)).into_iter().collect(),
        F::Ready => spec.ready.iter().map(probe).collect(),
        F::NotificationFd => shown(&spec.notification_fd),
        F::TimeoutStartSec => shown(&spec.timeout_start),
        F::TimeoutStopSec => shown(&spec.timeout_stop),
        F::Restart => shown(&spec.restart),
        F::RestartSec => shown(&spec.restart_delay),
        F::KillSignal => shown(&spec.kill_signal),
        F::ReloadSignal => shown(&spec.reload_signal),
        F::Condition => spec.conditions.iter().map(Condition::to_value).collect(),
        F::Assert => spec.assertions.iter().map(Condition::to_value).collect(),
        F::ExecPrefix => shown((!spec.prefix.is_empty()).then_some(&spec.prefix)),
        F::ExecCondition => shown(&spec.commands.condition),
        F::ExecStartPre => shown(&spec.commands.start_pre),
        F::ExecStart => shown(&spec.commands.start),
        F::ExecStartPost => shown(&spec.commands.start_post),
        F::ExecReload => shown(&spec.commands.reload),
        F::ExecStop => shown(&spec.commands.stop),
        F::ExecStopPost => shown(&spec.commands.stop_post),
        F::RemainAfterExit => spec.remain_after_exit.map(yes).into_iter().collect(),
        F::RestartSteps => shown(&spec.restarts.steps),
        F::RestartMaxDelaySec => shown(&spec.restarts.max_delay),
        F::RestartMode => shown(&spec.restarts.mode),
        F::OnFailure => shown(&spec.restarts.on_failure),
        F::OnSuccess => shown(&spec.restarts.on_success),
        F::RestartPreventExitStatus => ends(&spec.restarts.prevent),
        F::RestartForceExitStatus => ends(&spec.restarts.force),
        F::SuccessExitStatus => ends(&spec.restarts.success),
        F::StartLimitIntervalSec => shown(&spec.restarts.limit_interval),
        F::StartLimitBurst => shown(&spec.restarts.limit_burst),
        F::RuntimeMaxSec => shown(&spec.runtime_max),
        F::RuntimeRandomizedExtraSec => shown(&spec.runtime_extra),
        F::TimeoutAbortSec => shown(&spec.timeout_abort),
        F::TimeoutStartFailureMode => shown(&spec.start_failure),
        F::TimeoutStopFailureMode => shown(&spec.stop_failure),
        F::KillMode => shown(&spec.kill.mode),
        F::RestartKillSignal => shown(&spec.kill.restart_signal),
        F::FinalKillSignal => shown(&spec.kill.final_signal),
        F::WatchdogSignal => shown(&spec.kill.watchdog_signal),
        F::SendSighup => spec.kill.send_sighup.map(yes).into_iter().collect(),
        F::SendSigkill => spec.kill.send_sigkill.map(yes).into_iter().collect(),
        F::WatchdogSec => shown(&spec.watchdog),
        F::FileDescriptorStoreMax => shown(&spec.descriptor_store_max),
        F::FileDescriptorStorePreserve => shown(&spec.descriptor_store_preserve),
        F::RuntimeDirectoryPreserve => shown(&spec.runtime_directory_preserve),
        F::GuessMainPid => spec.guess_main_pid.map(yes).into_iter().collect(),
        F::OomPolicy => shown(&spec.oom_policy),
        // A test asks for a value of each field.
        field => of_process(spec, field),
    }
}

/// The values of a field of the process, and of its watchdog.
fn of_process(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    match field {
        F::WatchdogProbe => spec.watchdog_probe.iter().map(probe).collect(),
        F::IoSchedulingClass => shown(&spec.scheduling.io_class),
        F::IoSchedulingPriority => shown(&spec.scheduling.io_priority),
        F::CpuSchedulingPolicy => shown(&spec.scheduling.cpu_policy),
        F::CpuSchedulingPriority => shown(&spec.scheduling.cpu_priority),
        F::CpuSchedulingResetOnFork => spec.scheduling.cpu_reset_on_fork.map(yes).into_iter().collect(),
        F::CpuAffinity => {
            let set = &spec.scheduling.cpu_affinity;
            shown((!set.is_empty()).then_some(set))
        }
        F::TimerSlackNSec => {
            spec.scheduling.timer_slack.map(|slack| scheduling::written(slack).into()).into_iter().collect()
        }
        F::LoadCredential => spec.credentials.load.iter().map(LoadCredential::written).collect(),
        F::ImportCredential => spec.credentials.import.iter().map(ImportCredential::written).collect(),
        F::SetCredential => spec.credentials.set.iter().map(SetCredential::written).collect(),
        F::IgnoreSigpipe => spec.process.ignore_sigpipe.map(yes).into_iter().collect(),
        F::Personality => shown(&spec.process.personality),
        F::KeyringMode => shown(&spec.process.keyring),
        F::SecureBits => shown(&spec.process.secure_bits),
        F::CoredumpFilter => shown(&spec.process.coredump_filter),
        F::NumaPolicy => shown(&spec.process.numa_policy),
        F::NumaMask => shown(&spec.process.numa_nodes),
        _ => of_streams(spec, field),
    }
}

/// The values of a field of the streams besides the three streams themselves.
fn of_streams(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    let terminal = &spec.terminal;
    match field {
        // Text is data too, and its order among the data matters.
        F::StandardInputData if !spec.input_data.is_empty() => {
            vec![input_data::encode(&spec.input_data).into()]
        }
        F::SyslogIdentifier => shown(&spec.log.identifier),
        F::SyslogFacility => {
            spec.log.facility.map(|number| log_stream::facility_name(number).into()).into_iter().collect()
        }
        F::SyslogLevel => {
            spec.log.level.map(|number| log_stream::level_name(number).into()).into_iter().collect()
        }
        F::SyslogLevelPrefix => spec.log.level_prefix.map(yes).into_iter().collect(),
        F::LogRotateSize => shown(spec.log_file.rotate_size.map(Amount::At).as_ref()),
        F::LogRotateAge => shown(&spec.log_file.rotate_age),
        F::LogKeep => shown(&spec.log_file.keep),
        F::LogCompress => {
            spec.log_file.gzip.map(|gzip| log_file::compression_name(gzip).into()).into_iter().collect()
        }
        F::LogTimestamps => spec.log_file.timestamps.map(yes).into_iter().collect(),
        F::ReopenSignal => shown(&spec.log_file.reopen_signal),
        F::TtyPath => terminal.path.iter().map(path).collect(),
        F::TtyReset => terminal.reset.map(yes).into_iter().collect(),
        F::TtyVHangup => terminal.hangup.map(yes).into_iter().collect(),
        F::TtyVtDisallocate => terminal.disallocate.map(yes).into_iter().collect(),
        F::TtyRows => shown(&terminal.rows),
        F::TtyColumns => shown(&terminal.columns),
        _ => of_resources(spec, field),
    }
}

/// The values of a field of the control group.
fn of_resources(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    let asked = &spec.resources;
    let set = |set: &CpuSet| shown((!set.is_empty()).then_some(set));
    match field {
        // A unit is only for bytes.
        F::TasksMax => match &asked.tasks_max {
            Some(Amount::At(number)) => shown(Some(number)),
            other => shown(other),
        },
        F::MemoryMin => shown(&asked.memory_min),
        F::MemoryLow => shown(&asked.memory_low),
        F::MemoryHigh => shown(&asked.memory_high),
        F::MemoryMax => shown(&asked.memory_max),
        F::MemorySwapMax => shown(&asked.memory_swap_max),
        F::CpuWeight => shown(&asked.cpu_weight),
        F::CpuQuota => {
            asked.cpu_quota.map(|quota| resource_control::percentage(quota).into()).into_iter().collect()
        }
        F::AllowedCpus => set(&asked.allowed_cpus),
        F::AllowedMemoryNodes => set(&asked.allowed_memory_nodes),
        F::IoWeight => shown(&asked.io_weight),
        _ => Vec::new(),
    }
}

fn environment_file(file: &EnvironmentFile) -> OsString {
    match file.presence {
        Presence::Required => path(&file.path),
        Presence::Optional => joined("-", &path(&file.path)),
    }
}

fn ends(set: &ExitStatusSet) -> Vec<OsString> {
    shown((!set.is_empty()).then_some(set))
}

fn listen(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    spec.sockets
        .listen
        .iter()
        .filter(|socket| socket.field() == field)
        .map(|socket| socket.address.written())
        .collect()
}

/// The mode of the directories of a kind, unless it is the one that they have anyway.
fn directory_mode(spec: &ServiceSpec, kind: DirectoryKind) -> Option<FileMode> {
    let first = spec.directories.iter().find(|made| made.kind == kind)?;
    Some(first.mode).filter(|mode| *mode != FileMode::DEFAULT_DIRECTORY)
}

fn shown<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<OsString> {
    values.into_iter().map(|value| value.to_string().into()).collect()
}

fn path(path: impl AsRef<std::path::Path>) -> OsString {
    path.as_ref().as_os_str().to_owned()
}

fn joined(start: &str, end: &OsStr) -> OsString {
    let mut whole = OsString::from(start);
    whole.push(end);
    whole
}

fn yes(said: bool) -> OsString {
    (if said { "yes" } else { "no" }).into()
}

// A path need not be UTF-8, so what is printed for people is not good enough here.

fn probe(probe: &Probe) -> OsString {
    match probe {
        Probe::Unix(socket) => joined("unix:", &path(socket)),
        Probe::File(file) => joined("file:", &path(file)),
        Probe::Notify
        | Probe::Fd(_)
        | Probe::Tcp(..)
        | Probe::Http(_)
        | Probe::Exec(_)
        | Probe::Log(_)
        | Probe::Alive(_)
        | Probe::Dbus(_) => probe.to_string().into(),
    }
}
