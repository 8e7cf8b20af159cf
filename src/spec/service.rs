//! The description of a service, field by field: where each is kept, how it is read, how it is written back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use self::Field as F;
use crate::boolean::yes_or_no;
use crate::draft::Pass;
use crate::value_error::text;
use crate::{
    AbsPath, Assignment, Capabilities, Command, DirectoryKind, EnvName, Environment, EnvironmentBase,
    EnvironmentFile, Field, FieldKind, FileMode, Input, Limit, Native, Output, Presence, Principal, Probe,
    RelPath, Resource, Restart, ServiceName, ServiceType, SignalName, Socket, SocketKind, SocketName,
    Sockets, Timespan, ValueError, integer, socket,
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
            native: self.native.clone(),
        }
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
        F::Umask => shown(&spec.umask),
        F::WorkingDirectory => spec.working_directory.iter().map(path).collect(),
        F::RootDirectory => spec.root_directory.iter().map(path).collect(),
        F::Environment => spec
            .environment
            .assignments
            .iter()
            .map(|set| joined(&format!("{}=", set.name), &set.value))
            .collect(),
        F::EnvironmentFile => spec
            .environment
            .files
            .iter()
            .map(|file| match file.presence {
                Presence::Required => path(&file.path),
                Presence::Optional => joined("-", &path(&file.path)),
            })
            .collect(),
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
        F::FilesPreserve => shown(&spec.files_preserve),
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => listen(spec, SocketKind::SequentialPacket),
        F::FileDescriptorName => shown(&spec.sockets.name),
        F::SocketMode => shown(&spec.sockets.mode),
        F::SocketUser => shown(&spec.sockets.user),
        F::SocketGroup => shown(&spec.sockets.group),
        F::BindIPv6Only => shown(&spec.sockets.bind_ipv6_only),
        F::Backlog => shown(&spec.sockets.backlog),
        F::LaunchdActivation => spec.sockets.launchd_activation.then(|| yes(true)).into_iter().collect(),
        F::Ready => spec.ready.iter().map(probe).collect(),
        F::NotificationFd => shown(&spec.notification_fd),
        F::TimeoutStartSec => shown(&spec.timeout_start),
        F::TimeoutStopSec => shown(&spec.timeout_stop),
        F::Restart => shown(&spec.restart),
        F::RestartSec => shown(&spec.restart_delay),
        F::KillSignal => shown(&spec.kill_signal),
        F::ReloadSignal => shown(&spec.reload_signal),
    }
}

fn listen(spec: &ServiceSpec, kind: SocketKind) -> Vec<OsString> {
    spec.sockets
        .listen
        .iter()
        .filter(|socket| socket.kind == kind)
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
        Probe::Notify | Probe::Fd(_) | Probe::Tcp(..) | Probe::Exec(_) => probe.to_string().into(),
    }
}

impl Field {
    /// The kind of its values, or of each of them.
    #[doc(hidden)]
    pub fn kind(self) -> FieldKind {
        match self {
            F::CleanEnvironment
            | F::ExpandVariables
            | F::PreventCore
            | F::NoNewPrivileges
            | F::LaunchdActivation => FieldKind::Boolean,
            F::Nice => FieldKind::Integer(-20, 19),
            F::OomScoreAdjust => FieldKind::Integer(-1000, 1000),
            F::FilesPreserve | F::NotificationFd => FieldKind::Integer(3, 1_048_575),
            F::Backlog => FieldKind::Integer(0, 4_294_967_295),
            F::Umask | F::SocketMode => FieldKind::Octal(3),
            F::DirectoryMode(_) => FieldKind::Octal(4),
            F::Type => FieldKind::Type,
            F::Restart => FieldKind::Restart,
            F::Limit(_) => FieldKind::Limit,
            F::TimeoutStartSec | F::TimeoutStopSec | F::RestartSec => FieldKind::Time,
            F::Name
            | F::Description
            | F::User
            | F::Group
            | F::SupplementaryGroups
            | F::PassEnvironment
            | F::UnsetEnvironment
            | F::CapabilityBoundingSet
            | F::AmbientCapabilities
            | F::FileDescriptorName
            | F::SocketUser
            | F::SocketGroup
            | F::BindIPv6Only
            | F::KillSignal
            | F::ReloadSignal
            | F::Directory(_) => FieldKind::String,
            F::Argv0
            | F::WorkingDirectory
            | F::RootDirectory
            | F::Environment
            | F::EnvironmentFile
            | F::StandardInput
            | F::StandardOutput
            | F::StandardError
            | F::PidFile
            | F::ListenStream
            | F::ListenDatagram
            | F::ListenSequentialPacket
            | F::Ready => FieldKind::Bytes,
        }
    }
}

#[cfg(test)]
mod tests;
