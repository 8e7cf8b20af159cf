//! Which kind of JSON value each field has: reader, writer and schema agree by this.

use svcadapt_spec::{Field, Field as F};

/// A kind of value. Of a field that can be said many times it is the kind of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A string of octal digits, of at most so many.
    Octal(usize),
    /// One of systemd's names for the types of services.
    Type,
    /// One of systemd's names for the times to restart.
    Restart,
    /// A whole number, or a string `SOFT:HARD`.
    Limit,
    /// A whole number of seconds, or a string as systemd.time(7) has it.
    Time,
    /// A string.
    String,
    /// A string, or bytes that are none.
    Bytes,
}

/// The kind of a field.
pub(super) fn kind(field: Field) -> Kind {
    match field {
        F::CleanEnvironment
        | F::ExpandVariables
        | F::PreventCore
        | F::NoNewPrivileges
        | F::LaunchdActivation => Kind::Boolean,
        F::Nice => Kind::Integer(-20, 19),
        F::OomScoreAdjust => Kind::Integer(-1000, 1000),
        F::FilesPreserve | F::NotificationFd => Kind::Integer(3, 1_048_575),
        F::Backlog => Kind::Integer(0, 4_294_967_295),
        F::Umask | F::SocketMode => Kind::Octal(3),
        F::DirectoryMode(_) => Kind::Octal(4),
        F::Type => Kind::Type,
        F::Restart => Kind::Restart,
        F::Limit(_) => Kind::Limit,
        F::TimeoutStartSec | F::TimeoutStopSec | F::RestartSec => Kind::Time,
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
        | F::Directory(_) => Kind::String,
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
        | F::Ready => Kind::Bytes,
    }
}

/// Whether a value of the field is a list of words, each of which is an element of its own here.
pub(super) fn is_set(field: Field) -> bool {
    matches!(field, F::CapabilityBoundingSet | F::AmbientCapabilities)
}
