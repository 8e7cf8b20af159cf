//! The description of a service, field by field: where each is kept and how it is read.

mod sockets;
mod values;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

pub use self::values::values;
use crate::boolean::yes_or_no;
use crate::draft::Pass;
use crate::value_error::text;
use crate::{
    AbsPath, Amount, Assignment, Capabilities, Command, CommandPrefix, Commands, Condition, CoredumpFilter,
    CpuPolicy, CpuSet, CpuWeight, CredentialSources, DirectoryKind, EnvName, Environment, EnvironmentBase,
    EnvironmentFile, ExecCommand, ExitStatusSet, FailureMode, Field, FileMode, ImportCredential, Input,
    IoClass, KeyringMode, Kill, KillMode, Limit, LoadCredential, LogFile, LogStream, Native, NumaNodes,
    NumaPolicy, OomPolicy, Output, Personality, Preserve, Principal, Probe, ProcessSettings, RelPath,
    Resource, ResourceControl, Restart, RestartMode, Restarts, Scheduling, SecureBits, ServiceName,
    ServiceType, SetCredential, SignalName, Sockets, Terminal, Timespan, ValueError, input_data, integer,
    log_stream, resource_control, restarts, scheduling,
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
    /// Whether its user exists only for it, unless there is an account of that name. `None`: no.
    pub dynamic_user: Option<bool>,
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
    /// What `data` gives as standard input.
    pub input_data: Vec<u8>,
    /// How a log names and ranks the lines of its output.
    pub log: LogStream,
    /// How its log file is rotated.
    pub log_file: LogFile,
    /// The terminal that `tty` names.
    pub terminal: Terminal,
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
    /// A pid file that the program writes, and that is removed when it has ended.
    pub removed_pid_file: Option<AbsPath>,
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
    /// What must succeed within that time, for a program that does not send `WATCHDOG=1`.
    pub watchdog_probe: Option<Probe>,
    /// Whether its runtime directories stay when it stops.
    pub runtime_directory_preserve: Option<Preserve>,
    /// The number of descriptors that the program may store for its next start (`FDSTORE=1`, sd_notify(3)). `None`: 0.
    pub descriptor_store_max: Option<u32>,
    /// Whether the stored descriptors stay after a stop. `None`: [`Preserve::Restart`].
    pub descriptor_store_preserve: Option<Preserve>,
    /// Whether the main process of a forking program without pid file is guessed.
    pub guess_main_pid: Option<bool>,
    /// What follows an out-of-memory kill of one of its processes.
    pub oom_policy: Option<OomPolicy>,
    /// How the kernel schedules it.
    pub scheduling: Scheduling,
    /// How the kernel treats its process otherwise.
    pub process: ProcessSettings,
    /// Its credentials.
    pub credentials: CredentialSources,
    /// What it may use together with all its processes.
    pub resources: ResourceControl,
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
        let input_data = self.input_data();
        // Data is read unless the input is something else (systemd.exec(5), `StandardInput=`).
        let data = (!input_data.is_empty()).then_some(Input::Data);
        let standard_input = self.one(Field::StandardInput, Input::parse).or(data);
        let input_data = if standard_input == Some(Input::Data) { input_data } else { Vec::new() };
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
            dynamic_user: self.one(Field::DynamicUser, yes_or_no),
            umask: self.one(Field::Umask, FileMode::parse_umask),
            working_directory: self.one(Field::WorkingDirectory, AbsPath::parse),
            root_directory: self.one(Field::RootDirectory, AbsPath::parse),
            environment: self.environment(),
            standard_input,
            standard_output: self.one(Field::StandardOutput, |value| Output::of_stream(1, value)),
            standard_error: self.one(Field::StandardError, |value| Output::of_stream(2, value)),
            input_data,
            log: LogStream {
                identifier: self.one(Field::SyslogIdentifier, log_stream::identifier),
                facility: self.one(Field::SyslogFacility, log_stream::facility),
                level: self.one(Field::SyslogLevel, log_stream::level),
                level_prefix: self.one(Field::SyslogLevelPrefix, yes_or_no),
            },
            log_file: self.log_file(),
            terminal: self.terminal(),
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
            removed_pid_file: self.one(Field::RemovePidFile, AbsPath::parse),
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
            watchdog_probe: self.one(Field::WatchdogProbe, Probe::parse_repeatable),
            runtime_directory_preserve: self.one(Field::RuntimeDirectoryPreserve, Preserve::parse),
            descriptor_store_max: self.one(Field::FileDescriptorStoreMax, integer::count),
            descriptor_store_preserve: self.one(Field::FileDescriptorStorePreserve, Preserve::parse),
            guess_main_pid: self.one(Field::GuessMainPid, yes_or_no),
            oom_policy: self.one(Field::OomPolicy, OomPolicy::parse),
            scheduling: self.scheduling(),
            process: self.process(),
            credentials: self.credentials(),
            resources: self.resources(),
            native: self.native.clone(),
        }
    }

    fn environment(&mut self) -> Environment {
        Environment {
            base: self.one(Field::CleanEnvironment, |value| {
                let clean = yes_or_no(value)?;
                Ok(if clean { EnvironmentBase::Clean } else { EnvironmentBase::Inherited })
            }),
            pass: self.many(Field::PassEnvironment, EnvName::parse_list),
            assignments: self.many(Field::Environment, |value| Assignment::parse(value).map(|a| vec![a])),
            files: self.many(Field::EnvironmentFile, |value| EnvironmentFile::parse(value).map(|f| vec![f])),
            unset: self.many(Field::UnsetEnvironment, EnvName::parse_list),
        }
    }

    /// The text and the data, in the order of their values. An empty one of either resets both.
    fn input_data(&mut self) -> Vec<u8> {
        let mut data = Vec::new();
        for given in self.values {
            match given.field {
                Field::StandardInputText | Field::StandardInputData if given.value.is_empty() => data.clear(),
                Field::StandardInputText => {
                    data.extend(self.value(given, input_data::line).unwrap_or_default());
                }
                Field::StandardInputData => {
                    data.extend(self.value(given, input_data::decode).unwrap_or_default());
                }
                _ => {}
            }
        }
        data
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
            on_failure: self.many(Field::OnFailure, restarts::units),
            on_success: self.many(Field::OnSuccess, restarts::units),
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

    fn process(&mut self) -> ProcessSettings {
        ProcessSettings {
            ignore_sigpipe: self.one(Field::IgnoreSigpipe, yes_or_no),
            personality: self.one(Field::Personality, Personality::parse),
            keyring: self.one(Field::KeyringMode, KeyringMode::parse),
            secure_bits: SecureBits::union(self.many(Field::SecureBits, SecureBits::parse_list)),
            coredump_filter: CoredumpFilter::union(
                self.many(Field::CoredumpFilter, CoredumpFilter::parse_list),
            ),
            numa_policy: self.one(Field::NumaPolicy, NumaPolicy::parse),
            numa_nodes: NumaNodes::union(self.many(Field::NumaMask, NumaNodes::parse_list)),
        }
    }

    /// Of two credentials with one name the last one counts.
    fn credentials(&mut self) -> CredentialSources {
        let mut load: Vec<LoadCredential> = Vec::new();
        for one in self.many(Field::LoadCredential, |value| LoadCredential::parse(value).map(|one| vec![one]))
        {
            load.retain(|earlier| earlier.name != one.name);
            load.push(one);
        }
        let mut set: Vec<SetCredential> = Vec::new();
        for one in self.many(Field::SetCredential, |value| SetCredential::parse(value).map(|one| vec![one])) {
            set.retain(|earlier| earlier.name != one.name);
            set.push(one);
        }
        let import =
            self.many(Field::ImportCredential, |value| ImportCredential::parse(value).map(|one| vec![one]));
        CredentialSources { load, import, set }
    }

    fn resources(&mut self) -> ResourceControl {
        ResourceControl {
            tasks_max: self.one(Field::TasksMax, Amount::tasks),
            memory_min: self.one(Field::MemoryMin, Amount::memory),
            memory_low: self.one(Field::MemoryLow, Amount::memory),
            memory_high: self.one(Field::MemoryHigh, Amount::some_memory),
            memory_max: self.one(Field::MemoryMax, Amount::some_memory),
            memory_swap_max: self.one(Field::MemorySwapMax, Amount::memory),
            cpu_weight: self.one(Field::CpuWeight, CpuWeight::read),
            cpu_quota: self.one(Field::CpuQuota, resource_control::quota),
            allowed_cpus: self.many(Field::AllowedCpus, CpuSet::parse_list).into_iter().collect(),
            allowed_memory_nodes: self
                .many(Field::AllowedMemoryNodes, CpuSet::parse_list)
                .into_iter()
                .collect(),
            io_weight: self.one(Field::IoWeight, resource_control::weight),
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
}

fn description(value: &OsStr) -> Result<String, ValueError> {
    let line = text(value)?;
    if line.chars().any(char::is_control) { Err("not a single line of text".into()) } else { Ok(line.into()) }
}

#[cfg(test)]
mod tests;
