//! The description of a service: pure data, without I/O.
//!
//! A [`SpecDraft`] collects values as they were written. [`SpecDraft::finish`] validates all of them and returns a
//! [`ServiceSpec`] that is consistent in itself, or every error at once. Whether a user exists or a program can be executed
//! is checked later, by the runner's `setup`.

#![warn(clippy::missing_errors_doc)]

mod bits;
mod boolean;
mod capability;
mod choice;
mod command;
#[doc(hidden)]
pub mod command_line;
mod condition;
mod cpu_set;
mod credential;
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
mod http_url;
mod identity;
mod input_data;
mod integer;
mod kill;
mod limits;
mod log_file;
mod log_stream;
mod name;
mod native;
mod netlink;
mod oom_policy;
mod options;
mod origin;
mod outside_probe;
mod path;
mod preserve;
mod process_settings;
mod readiness;
mod resource_control;
mod restart;
mod restarts;
mod row;
mod scheduling;
mod scope;
mod service;
mod service_type;
mod signal_name;
mod socket;
mod socket_command;
mod socket_field;
mod socket_name;
mod socket_option;
mod stdio;
mod terminal;
mod timespan;
mod value_error;
mod variables;
#[doc(hidden)]
pub mod words;

pub use bits::{CoredumpFilter, SecureBits};
#[doc(hidden)]
pub use boolean::boolean;
pub use capability::Capabilities;
pub use command::Command;
pub use condition::{Condition, ConditionKind};
pub use cpu_set::CpuSet;
pub use credential::{
    CredentialName, CredentialPattern, CredentialSource, CredentialSources, ImportCredential, LoadCredential,
    SetCredential,
};
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
pub use http_url::HttpUrl;
pub use identity::Principal;
pub use kill::{Kill, KillMode};
pub use limits::{Limit, LimitValue, Resource};
pub use log_file::LogFile;
pub use log_stream::{LogStream, LogTarget};
pub use name::ServiceName;
pub use native::{Directive, Native, NativeValue};
pub use oom_policy::OomPolicy;
#[doc(hidden)]
pub use options::{OptionError, OptionWords, SWITCH_ON};
pub use origin::{Origin, SpecError, Spot};
#[doc(hidden)]
pub use outside_probe::OutsideProbe;
pub use path::AbsPath;
pub use preserve::Preserve;
pub use process_settings::{KeyringMode, NumaNodes, NumaPolicy, Personality, ProcessSettings};
pub use readiness::{Probe, TcpHost};
pub use resource_control::{Amount, CpuWeight, ResourceControl};
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
pub use socket::{BindIpv6Only, Socket, SocketAddress, SocketKind, Sockets};
#[doc(hidden)]
pub use socket_command::{SocketCommands, SocketMoment};
pub use socket_name::SocketName;
#[doc(hidden)]
pub use socket_option::{SocketOption, SocketOptionValue};
pub use stdio::{Input, Output, WriteMode};
pub use terminal::{Terminal, TerminalClaim};
pub use timespan::Timespan;
pub use value_error::ValueError;
#[doc(hidden)]
pub use variables::{expand, literal};
