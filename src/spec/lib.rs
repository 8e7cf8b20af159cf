//! WHAT the service is: pure data.
//!
//! A [`SpecDraft`] is what was written; [`SpecDraft::finish`] turns it into a [`ServiceSpec`], which cannot be wrong
//! in itself, or says everything that is wrong with it. Nothing here asks the machine: whether a user exists or a
//! program can be executed is found out by `setup`.

mod boolean;
mod capability;
mod command;
mod directory;
mod draft;
mod environment;
pub mod environment_file;
mod field;
mod identity;
mod limits;
mod name;
mod native;
mod options;
mod origin;
mod path;
mod priority;
mod readiness;
mod refusal;
mod restart;
mod row;
mod scope;
mod service_type;
mod signal_name;
mod socket;
mod stdio;
mod timespan;
mod umask;
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
pub use identity::Principal;
pub use limits::{Limit, LimitValue, Resource};
pub use name::ServiceName;
pub use native::{Directive, Native, NativeValue};
pub use options::{OptionError, OptionWords, SWITCH_ON};
pub use origin::{Origin, SpecError, Spot};
pub use path::AbsPath;
pub use readiness::{Probe, TcpHost};
pub use refusal::ValueError;
pub use restart::Restart;
pub use row::{Arity, FieldRow};
pub use scope::Scope;
pub use service_type::ServiceType;
pub use signal_name::SignalName;
pub use socket::{BindIpv6Only, Socket, SocketAddress, SocketKind, SocketName, Sockets};
pub use stdio::{Input, Output, WriteMode};
pub use timespan::Timespan;
pub use umask::FileMode;
pub use variables::{expand, literal};

/// A service, complete and neutral: it belongs to no host.
///
/// What is none was not said; what then holds depends on the host and stands in `plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// What is executed.
    pub command: Command,
    /// Whether variables in the arguments are put in when it is started, as systemd.service(5) has it.
    pub expand_variables: bool,
    /// What the program is called by, its `argv[0]`; none: as it was written.
    pub argv0: Option<OsString>,
    /// What the service is called.
    pub name: Option<ServiceName>,
    /// One line about it.
    pub description: Option<String>,
    /// When it counts as started.
    pub service_type: Option<ServiceType>,
    /// Whom it runs as.
    pub user: Option<Principal>,
    /// Its primary group.
    pub group: Option<Principal>,
    /// Groups beside those that the user is in.
    pub supplementary_groups: Vec<Principal>,
    /// The file mode creation mask.
    pub umask: Option<FileMode>,
    /// Where it starts.
    pub working_directory: Option<AbsPath>,
    /// What it sees as `/`. The working directory lies below it.
    pub root_directory: Option<AbsPath>,
    /// Its environment.
    pub environment: Environment,
    /// Descriptor 0.
    pub standard_input: Option<Input>,
    /// Descriptor 1.
    pub standard_output: Option<Output>,
    /// Descriptor 2.
    pub standard_error: Option<Output>,
    /// Resource limits.
    pub limits: BTreeMap<Resource, Limit>,
    /// Nice level.
    pub nice: Option<i32>,
    /// OOM score adjustment.
    pub oom_score_adjust: Option<i32>,
    /// Whether a core dump must never be made.
    pub prevent_core: bool,
    /// Whether set-uid programs give it no more rights; none: they do, unless whoever shuts it in has it otherwise.
    pub no_new_privileges: Option<bool>,
    /// The capabilities that it can ever have; none: all.
    pub capability_bounding_set: Option<Capabilities>,
    /// The capabilities that it keeps as an ordinary user; none: no one has said, and it keeps none.
    pub ambient_capabilities: Option<Capabilities>,
    /// Directories that are made for it.
    pub directories: Vec<ServiceDirectory>,
    /// Where its process's number is written.
    pub pid_file: Option<AbsPath>,
    /// Descriptors that it is left with beside the standard streams.
    pub files_preserve: Vec<i32>,
    /// Sockets that it is given.
    pub sockets: Sockets,
    /// When it is ready: all of these hold. None: when its program was executed.
    pub ready: Vec<Probe>,
    /// The descriptor on which the supervisor above waits for a newline.
    pub notification_fd: Option<i32>,
    /// How long it may take to become ready.
    pub timeout_start: Option<Timespan>,
    /// How long it may take to stop.
    pub timeout_stop: Option<Timespan>,
    /// After which ends its host starts it again.
    pub restart: Option<Restart>,
    /// How long its host waits before that.
    pub restart_delay: Option<Timespan>,
    /// The signal that asks it to end.
    pub kill_signal: Option<SignalName>,
    /// The signal that makes it read its configuration again.
    pub reload_signal: Option<SignalName>,
    /// What the file that it comes from says in the words of one host alone.
    pub native: Native,
}

/// One directory that is made for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDirectory {
    /// What it is for, and so where it lies.
    pub kind: DirectoryKind,
    /// Its place below the base of its kind.
    pub path: RelPath,
    /// Its mode.
    pub mode: FileMode,
}
