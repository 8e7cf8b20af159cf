//! The description of a service, field by field: where each is kept and how it is read.

mod values;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

pub use self::values::values;
use crate::boolean::yes_or_no;
use crate::draft::Pass;
use crate::value_error::text;
use crate::{
    AbsPath, Assignment, Capabilities, Command, CommandPrefix, Commands, Condition, CpuPolicy, CpuSet,
    DirectoryKind, EnvName, Environment, EnvironmentBase, EnvironmentFile, ExecCommand, ExitStatusSet,
    FailureMode, Field, FileMode, Input, IoClass, Kill, KillMode, Limit, Native, OomPolicy, Output, Preserve,
    Principal, Probe, RelPath, Resource, Restart, RestartMode, Restarts, Scheduling, ServiceName,
    ServiceType, SignalName, Socket, SocketKind, SocketName, Sockets, Timespan, ValueError, integer,
    scheduling, socket,
};

/// A complete description of a service, independent of the service manager.
///
/// `None` means that the user did not set the field. The runner's `plan` supplies the default, which depends on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The program and its arguments.
    pub command: Command,
    /// Whether `$NAME` and `${NAME}` in the arguments are expanded at start (systemd.service(5), "Command lines").
    pub expand_variables: bool,
    /// The program's `argv[0]`. `None`: the program as it was written.
    pub argv0: Option<OsString>,
    /// The name of the service.
    pub name: Option<ServiceName>,
    /// A description, one line.
    pub description: Option<String>,
    /// When it counts as started (`Type=`).
    pub service_type: Option<ServiceType>,
    /// The user that it runs as.
    pub user: Option<Principal>,
    /// Its primary group.
    pub group: Option<Principal>,
    /// Supplementary groups in addition to the user's own.
    pub supplementary_groups: Vec<Principal>,
    /// The file mode creation mask (umask(2)).
    pub umask: Option<FileMode>,
    /// The working directory.
    pub working_directory: Option<AbsPath>,
    /// The root directory (chroot(2)). The working directory is relative to it.
    pub root_directory: Option<AbsPath>,
    /// Its environment.
    pub environment: Environment,
    /// Standard input (descriptor 0).
    pub standard_input: Option<Input>,
    /// Standard output (descriptor 1).
    pub standard_output: Option<Output>,
    /// Standard error (descriptor 2).
    pub standard_error: Option<Output>,
    /// Resource limits (setrlimit(2)).
    pub limits: BTreeMap<Resource, Limit>,
    /// Nice level, -20 to 19.
    pub nice: Option<i32>,
    /// OOM score adjustment, -1000 to 1000 (proc(5)).
    pub oom_score_adjust: Option<i32>,
    /// Whether core dumps are prevented, also those that a helper program would take (core(5)).
    pub prevent_core: bool,
    /// `no_new_privs` (prctl(2)): set-uid programs give no more rights. `None`: inherited.
    pub no_new_privileges: Option<bool>,
    /// The capability bounding set. `None`: unchanged.
    pub capability_bounding_set: Option<Capabilities>,
    /// The ambient capabilities: what it keeps as an ordinary user. `None`: not set.
    pub ambient_capabilities: Option<Capabilities>,
    /// Directories that are created for it.
    pub directories: Vec<ServiceDirectory>,
    /// The pid file.
    pub pid_file: Option<AbsPath>,
    /// Inherited descriptors that stay open, in addition to the standard streams.
    pub files_preserve: Vec<i32>,
    /// Listening sockets that are passed to it.
    pub sockets: Sockets,
    /// The readiness probes; the service is ready when all have succeeded. Empty: when its program has been executed.
    pub ready: Vec<Probe>,
    /// The descriptor on which the supervisor waits for a newline (s6's `notification-fd`).
    pub notification_fd: Option<i32>,
    /// The start timeout: how long it may take to become ready.
    pub timeout_start: Option<Timespan>,
    /// The stop timeout: how long it may take to stop before it is killed.
    pub timeout_stop: Option<Timespan>,
    /// When the host restarts it.
    pub restart: Option<Restart>,
    /// The delay before a restart.
    pub restart_delay: Option<Timespan>,
    /// The stop signal.
    pub kill_signal: Option<SignalName>,
    /// The reload signal.
    pub reload_signal: Option<SignalName>,
    /// The conditions of a start. If one does not hold the start is skipped, which is a success.
    pub conditions: Vec<Condition>,
    /// The assertions of a start. If one does not hold the start fails.
    pub assertions: Vec<Condition>,
    /// The prefixes of the program.
    pub prefix: CommandPrefix,
    /// The commands besides the program.
    pub commands: Commands,
    /// Whether it counts as active after all of its processes have ended.
    pub remain_after_exit: Option<bool>,
    /// What refines the restarts.
    pub restarts: Restarts,
    /// How long it may run (`RuntimeMaxSec=`).
    pub runtime_max: Option<Timespan>,
    /// By how much that time is prolonged at most, at random (`RuntimeRandomizedExtraSec=`).
    pub runtime_extra: Option<Timespan>,
    /// The timeout of a stop because of the watchdog. `None`: the stop timeout.
    pub timeout_abort: Option<Timespan>,
    /// How a start that takes too long is ended (`TimeoutStartFailureMode=`).
    pub start_failure: Option<FailureMode>,
    /// How a stop that takes too long is ended (`TimeoutStopFailureMode=`).
    pub stop_failure: Option<FailureMode>,
    /// The signals of a stop, and which processes get them.
    pub kill: Kill,
    /// The longest time between two `WATCHDOG=1` (sd_notify(3)). 0: no watchdog.
    pub watchdog: Option<Timespan>,
    /// Whether its runtime directories stay when it stops.
    pub runtime_directory_preserve: Option<Preserve>,
    /// Whether the main process of a forking program without pid file is guessed.
    pub guess_main_pid: Option<bool>,
    /// What follows an out-of-memory kill of one of its processes.
    pub oom_policy: Option<OomPolicy>,
    /// How the kernel schedules it.
    pub scheduling: Scheduling,
    /// Settings of the source file that only its own host understands.
    pub native: Native,
}

/// A directory that is created for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDirectory {
    /// Its kind, which determines the base directory.
    pub kind: DirectoryKind,
    /// The path, relative to the base directory of its kind.
    pub path: RelPath,
    /// Its mode.
    pub mode: FileMode,
}

impl Pass<'_> {
    /// Reads every field.
    pub(super) fn spec(&mut self, command: Command) -> ServiceSpec {
        ServiceSpec {
            command,
            expand_variables: self.one(Field::ExpandVariables, yes_or_no).unwrap_or(false),
            argv0: self.one(Field::Argv0, crate::command::argv0),
            name: self.one(Field::Name, ServiceName::parse),
            description: self.one(Field::Description, description),
            service_type: self.one(Field::Type, ServiceType::parse),
            user: self.one(Field::User, Principal::parse),
            group: self.one(Field::Group, Principal::parse),
            supplementary_groups: self.many(Field::SupplementaryGroups, Principal::parse_list),
            umask: self.one(Field::Umask, FileMode::parse_umask),
            working_directory: self.one(Field::WorkingDirectory, AbsPath::parse),
            root_directory: self.one(Field::RootDirectory, AbsPath::parse),
            environment: Environment {
                base: self.one(Field::CleanEnvironment, |value| {
                    let clean = yes_or_no(value)?;
                    Ok(if clean { EnvironmentBase::Clean } else { EnvironmentBase::Inherited })
                }),
                pass: self.many(Field::PassEnvironment, EnvName::parse_list),
                assignments: self.many(Field::Environment, |value| Assignment::parse(value).map(|a| vec![a])),
                files: self
                    .many(Field::EnvironmentFile, |value| EnvironmentFile::parse(value).map(|f| vec![f])),
                unset: self.many(Field::UnsetEnvironment, EnvName::parse_list),
            },
            standard_input: self.one(Field::StandardInput, Input::parse),
            standard_output: self.one(Field::StandardOutput, |value| Output::of_stream(1, value)),
            standard_error: self.one(Field::StandardError, |value| Output::of_stream(2, value)),
            limits: Resource::ALL
                .into_iter()
                .filter_map(|resource| {
                    let limit = self.one(Field::Limit(resource), |value| Limit::parse(resource, value))?;
                    Some((resource, limit))
                })
                .collect(),
            nice: self.one(Field::Nice, integer::nice),
            oom_score_adjust: self.one(Field::OomScoreAdjust, integer::oom_score_adjust),
            prevent_core: self.one(Field::PreventCore, yes_or_no).unwrap_or(false),
            no_new_privileges: self.one(Field::NoNewPrivileges, yes_or_no),
            capability_bounding_set: self.capabilities(Field::CapabilityBoundingSet),
            ambient_capabilities: self.capabilities(Field::AmbientCapabilities),
            directories: DirectoryKind::ALL
                .into_iter()
                .flat_map(|kind| {
                    let mode = self.one(Field::DirectoryMode(kind), FileMode::parse_mode);
                    let mode = mode.unwrap_or(FileMode::DEFAULT_DIRECTORY);
                    self.many(Field::Directory(kind), RelPath::parse_list)
                        .into_iter()
                        .map(move |path| ServiceDirectory { kind, path, mode })
                })
                .collect(),
            pid_file: self.one(Field::PidFile, AbsPath::parse),
            files_preserve: self.many(Field::FilesPreserve, integer::descriptors),
            sockets: self.sockets(),
            ready: self.many(Field::Ready, |value| Probe::parse(value).map(|probe| vec![probe])),
            notification_fd: self.one(Field::NotificationFd, integer::descriptor),
            timeout_start: self.one(Field::TimeoutStartSec, Timespan::parse_timeout),
            timeout_stop: self.one(Field::TimeoutStopSec, Timespan::parse_timeout),
            restart: self.one(Field::Restart, Restart::parse),
            restart_delay: self.one(Field::RestartSec, Timespan::parse),
            kill_signal: self.one(Field::KillSignal, SignalName::parse),
            reload_signal: self.one(Field::ReloadSignal, SignalName::parse),
            conditions: self.conditions(Field::Condition),
            assertions: self.conditions(Field::Assert),
            prefix: self.one(Field::ExecPrefix, CommandPrefix::parse).unwrap_or_default(),
            commands: self.all_commands(),
            remain_after_exit: self.one(Field::RemainAfterExit, yes_or_no),
            restarts: self.restarts(),
            runtime_max: self.one(Field::RuntimeMaxSec, Timespan::parse),
            runtime_extra: self.one(Field::RuntimeRandomizedExtraSec, Timespan::parse),
            timeout_abort: self.one(Field::TimeoutAbortSec, Timespan::parse),
            start_failure: self.one(Field::TimeoutStartFailureMode, FailureMode::parse),
            stop_failure: self.one(Field::TimeoutStopFailureMode, FailureMode::parse),
            kill: self.kill(),
            watchdog: self.one(Field::WatchdogSec, Timespan::parse),
            runtime_directory_preserve: self.one(Field::RuntimeDirectoryPreserve, Preserve::parse),
            guess_main_pid: self.one(Field::GuessMainPid, yes_or_no),
            oom_policy: self.one(Field::OomPolicy, OomPolicy::parse),
            scheduling: self.scheduling(),
            native: self.native.clone(),
        }
    }

    fn all_commands(&mut self) -> Commands {
        Commands {
            condition: self.commands(Field::ExecCondition),
            start_pre: self.commands(Field::ExecStartPre),
            start: self.commands(Field::ExecStart),
            start_post: self.commands(Field::ExecStartPost),
            reload: self.commands(Field::ExecReload),
            stop: self.commands(Field::ExecStop),
            stop_post: self.commands(Field::ExecStopPost),
        }
    }

    fn restarts(&mut self) -> Restarts {
        Restarts {
            steps: self.one(Field::RestartSteps, integer::count),
            max_delay: self.one(Field::RestartMaxDelaySec, Timespan::parse),
            mode: self.one(Field::RestartMode, RestartMode::parse),
            prevent: self.ends(Field::RestartPreventExitStatus),
            force: self.ends(Field::RestartForceExitStatus),
            success: self.ends(Field::SuccessExitStatus),
            limit_interval: self.one(Field::StartLimitIntervalSec, Timespan::parse),
            limit_burst: self.one(Field::StartLimitBurst, integer::count),
        }
    }

    fn kill(&mut self) -> Kill {
        Kill {
            mode: self.one(Field::KillMode, KillMode::parse),
            restart_signal: self.one(Field::RestartKillSignal, SignalName::parse),
            final_signal: self.one(Field::FinalKillSignal, SignalName::parse),
            watchdog_signal: self.one(Field::WatchdogSignal, SignalName::parse),
            send_sighup: self.one(Field::SendSighup, yes_or_no),
            send_sigkill: self.one(Field::SendSigkill, yes_or_no),
        }
    }

    fn scheduling(&mut self) -> Scheduling {
        let cpu_policy = self.one(Field::CpuSchedulingPolicy, CpuPolicy::read);
        let cpu_priority = self.one(Field::CpuSchedulingPriority, integer::cpu_priority);
        let has_priorities = cpu_policy.is_some_and(CpuPolicy::is_realtime);
        Scheduling {
            io_class: self.one(Field::IoSchedulingClass, IoClass::read),
            io_priority: self.one(Field::IoSchedulingPriority, integer::io_priority),
            cpu_policy,
            cpu_priority: cpu_priority.filter(|priority| has_priorities && *priority > 0),
            cpu_reset_on_fork: self.one(Field::CpuSchedulingResetOnFork, yes_or_no),
            cpu_affinity: self.many(Field::CpuAffinity, CpuSet::parse_list).into_iter().collect(),
            timer_slack: self.one(Field::TimerSlackNSec, scheduling::timer_slack),
        }
    }

    fn commands(&mut self, field: Field) -> Vec<ExecCommand> {
        self.many(field, |value| ExecCommand::parse(value).map(|command| vec![command]))
    }

    fn conditions(&mut self, field: Field) -> Vec<Condition> {
        self.many(field, |value| Condition::parse(value).map(|condition| vec![condition]))
    }

    fn ends(&mut self, field: Field) -> ExitStatusSet {
        ExitStatusSet::union(self.many(field, |value| ExitStatusSet::parse(value).map(|set| vec![set])))
    }

    /// The sockets in the order of their values, which is the order of their descriptors.
    fn listen(&mut self) -> Vec<Socket> {
        let values = self.values;
        let last_reset =
            |field: Field| values.iter().rposition(|given| given.field == field && given.value.is_empty());
        let mut all = Vec::new();
        for (at, given) in values.iter().enumerate() {
            let kind = match given.field {
                Field::ListenStream => SocketKind::Stream,
                Field::ListenDatagram => SocketKind::Datagram,
                Field::ListenSequentialPacket => SocketKind::SequentialPacket,
                _ => continue,
            };
            if last_reset(given.field).is_none_or(|before| at > before) {
                all.extend(self.value(given, |value| Socket::parse(kind, value)));
            }
        }
        all
    }

    fn sockets(&mut self) -> Sockets {
        Sockets {
            listen: self.listen(),
            name: self.one(Field::FileDescriptorName, SocketName::parse),
            mode: self.one(Field::SocketMode, FileMode::parse_socket),
            user: self.one(Field::SocketUser, Principal::parse),
            group: self.one(Field::SocketGroup, Principal::parse),
            bind_ipv6_only: self.one(Field::BindIPv6Only, socket::BindIpv6Only::parse),
            backlog: self.one(Field::Backlog, socket::backlog),
            launchd_activation: self.one(Field::LaunchdActivation, yes_or_no).unwrap_or(false),
        }
    }
}

fn description(value: &OsStr) -> Result<String, ValueError> {
    let line = text(value)?;
    if line.chars().any(char::is_control) { Err("not a single line of text".into()) } else { Ok(line.into()) }
}

#[cfg(test)]
mod tests;
