//! The description of a service: pure data, without I/O.
//!
//! A [`SpecDraft`] collects values as they were written. [`SpecDraft::finish`] validates all of them and returns a
//! [`ServiceSpec`] that is consistent in itself, or every error at once. Whether a user exists or a program can be executed
//! is checked later, by the runner's `setup`.

mod boolean;
mod capability;
mod command;
mod directory;
mod draft;
mod environment;
pub mod environment_file;
mod field;
mod file_mode;
mod identity;
mod integer;
mod limits;
mod name;
mod native;
mod options;
mod origin;
mod path;
mod readiness;
mod restart;
mod row;
mod scope;
mod service_type;
mod signal_name;
mod socket;
mod stdio;
mod timespan;
mod value_error;
mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;

pub use boolean::boolean;
pub use capability::Capabilities;
pub use command::Command;
pub use directory::{DirectoryKind, RelPath};
pub use draft::SpecDraft;
pub use environment::{Assignment, EnvName, Environment, EnvironmentBase, EnvironmentFile, Presence};
pub use field::{FIELDS, Field};
pub use file_mode::FileMode;
pub use identity::Principal;
pub use limits::{Limit, LimitValue, Resource};
pub use name::ServiceName;
pub use native::{Directive, Native, NativeValue};
pub use options::{OptionError, OptionWords, SWITCH_ON};
pub use origin::{Origin, SpecError, Spot};
pub use path::AbsPath;
pub use readiness::{Probe, TcpHost};
pub use restart::Restart;
pub use row::{Arity, FieldRow};
pub use scope::Scope;
pub use service_type::ServiceType;
pub use signal_name::SignalName;
pub use socket::{BindIpv6Only, Socket, SocketAddress, SocketKind, SocketName, Sockets};
pub use stdio::{Input, Output, WriteMode};
pub use timespan::Timespan;
pub use value_error::ValueError;
pub use variables::{expand, literal};

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
