//! The description of a service: pure data, without I/O.
//!
//! A [`SpecDraft`] collects values as they were written. [`SpecDraft::finish`] validates all of them and returns a
//! [`ServiceSpec`] that is consistent in itself, or every error at once. Whether a user exists or a program can be executed
//! is checked later, by the runner's `setup`.

#![warn(clippy::missing_errors_doc)]

mod boolean;
mod capability;
mod choice;
mod command;
#[doc(hidden)]
pub mod command_line;
mod condition;
mod cpu_set;
mod directory;
mod draft;
mod environment;
#[doc(hidden)]
pub mod environment_file;
mod exec_command;
mod exit_status_set;
mod failure_mode;
mod field;
mod field_kind;
mod file_mode;
mod identity;
mod integer;
mod kill;
mod limits;
mod name;
mod native;
mod oom_policy;
mod options;
mod origin;
mod path;
mod preserve;
mod readiness;
mod restart;
mod restarts;
mod row;
mod scheduling;
mod scope;
mod service;
mod service_type;
mod signal_name;
mod socket;
mod stdio;
mod timespan;
mod value_error;
mod variables;
#[doc(hidden)]
pub mod words;

#[doc(hidden)]
pub use boolean::boolean;
pub use capability::Capabilities;
pub use command::Command;
pub use condition::{Condition, ConditionKind};
pub use cpu_set::CpuSet;
pub use directory::{DirectoryKind, RelPath};
pub use draft::SpecDraft;
pub use environment::{Assignment, EnvName, Environment, EnvironmentBase, EnvironmentFile, Presence};
pub use exec_command::{CommandPrefix, CommandPrivileges, Commands, ExecCommand};
pub use exit_status_set::ExitStatusSet;
pub use failure_mode::FailureMode;
pub use field::{FIELDS, Field};
#[doc(hidden)]
pub use field_kind::FieldKind;
pub use file_mode::FileMode;
pub use identity::Principal;
pub use kill::{Kill, KillMode};
pub use limits::{Limit, LimitValue, Resource};
pub use name::ServiceName;
pub use native::{Directive, Native, NativeValue};
pub use oom_policy::OomPolicy;
#[doc(hidden)]
pub use options::{OptionError, OptionWords, SWITCH_ON};
pub use origin::{Origin, SpecError, Spot};
pub use path::AbsPath;
pub use preserve::Preserve;
pub use readiness::{Probe, TcpHost};
pub use restart::Restart;
pub use restarts::{RestartMode, Restarts};
pub use row::{Arity, FieldRow};
pub use scheduling::{CpuPolicy, IoClass, Scheduling};
pub use scope::Scope;
#[doc(hidden)]
pub use service::values;
pub use service::{ServiceDirectory, ServiceSpec};
pub use service_type::ServiceType;
pub use signal_name::SignalName;
pub use socket::{BindIpv6Only, Socket, SocketAddress, SocketKind, SocketName, Sockets};
pub use stdio::{Input, Output, WriteMode};
pub use timespan::Timespan;
pub use value_error::ValueError;
#[doc(hidden)]
pub use variables::{expand, literal};
