//! The table of all fields of a spec.
//!
//! Options, units and JSON all take their fields from this table, so that a field exists in all of them.

use self::Field as F;
use super::row::{limit, many, one, short};
use super::{Arity, DirectoryKind, FieldRow, Resource};

/// A field of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each has its help text in the table below")]
pub enum Field {
    Name,
    Description,
    Type,
    User,
    Group,
    SupplementaryGroups,
    Umask,
    WorkingDirectory,
    RootDirectory,
    Environment,
    EnvironmentFile,
    PassEnvironment,
    UnsetEnvironment,
    CleanEnvironment,
    ExpandVariables,
    Argv0,
    StandardInput,
    StandardOutput,
    StandardError,
    Limit(Resource),
    Nice,
    OomScoreAdjust,
    PreventCore,
    NoNewPrivileges,
    CapabilityBoundingSet,
    AmbientCapabilities,
    Directory(DirectoryKind),
    DirectoryMode(DirectoryKind),
    PidFile,
    FilesPreserve,
    ListenStream,
    ListenDatagram,
    ListenSequentialPacket,
    FileDescriptorName,
    SocketMode,
    SocketUser,
    SocketGroup,
    BindIPv6Only,
    Backlog,
    LaunchdActivation,
    Ready,
    NotificationFd,
    TimeoutStartSec,
    TimeoutStopSec,
    Restart,
    RestartSec,
    KillSignal,
    ReloadSignal,
}

/// All fields, in the order of the help text.
pub const FIELDS: [FieldRow; 71] = [
    one(
        F::Name,
        "Name",
        "name",
        "NAME",
        "The name of the service: its lock, its state and its unit have this name",
    ),
    one(F::Description, "Description", "description", "TEXT", "A description of the service, one line"),
    one(
        F::Type,
        "Type",
        "type",
        "TYPE",
        "When the service counts as started: simple, exec, notify, notify-reload, forking or oneshot",
    ),
    short('u', one(F::User, "User", "user", "USER", "Run as this user, by name or ID")),
    one(F::Group, "Group", "group", "GROUP", "Run with this primary group instead of the user's own"),
    many(
        F::SupplementaryGroups,
        "SupplementaryGroups",
        "supplementary-groups",
        "GROUP",
        "Add these groups to the user's own",
    ),
    one(
        F::Umask,
        "UMask",
        "umask",
        "OCTAL",
        "File mode creation mask: permissions that new files do not get",
    ),
    short(
        'c',
        one(F::WorkingDirectory, "WorkingDirectory", "working-directory", "PATH", "Start in this directory"),
    ),
    one(F::RootDirectory, "RootDirectory", "root-directory", "PATH", "Make this directory the root (chroot)"),
    short(
        'E',
        many(F::Environment, "Environment", "environment", "NAME=VALUE", "Set an environment variable"),
    ),
    many(
        F::EnvironmentFile,
        "EnvironmentFile",
        "environment-file",
        "[-]PATH",
        "Read environment variables from a file; with '-' the file may be missing",
    ),
    many(
        F::PassEnvironment,
        "PassEnvironment",
        "pass-environment",
        "NAME",
        "Inherit this variable from the caller",
    ),
    many(
        F::UnsetEnvironment,
        "UnsetEnvironment",
        "unset-environment",
        "NAME",
        "Remove this variable, whatever sets it",
    ),
    one(
        F::CleanEnvironment,
        "CleanEnvironment",
        "clean-environment",
        "BOOL",
        "Start with an empty environment [yes, unless a service manager started svcadapt]",
    ),
    one(
        F::ExpandVariables,
        "ExpandVariables",
        "expand-variables",
        "BOOL",
        "Expand environment variables in the arguments: $NAME into words, ${NAME} unsplit, $$ to $",
    ),
    one(F::Argv0, "Argv0", "argv0", "NAME", "The program's argv[0], instead of its path"),
    one(F::StandardInput, "StandardInput", "standard-input", "WHAT", "null, inherit or file:PATH"),
    short(
        'o',
        one(
            F::StandardOutput,
            "StandardOutput",
            "standard-output",
            "WHERE",
            "null, inherit, file:PATH, append:PATH or truncate:PATH",
        ),
    ),
    short(
        'e',
        one(
            F::StandardError,
            "StandardError",
            "standard-error",
            "WHERE",
            "As --standard-output, for standard error",
        ),
    ),
    limit(Resource::Cpu, "LimitCPU", "limit-cpu", "CPU time, in seconds or as a time span"),
    limit(Resource::Fsize, "LimitFSIZE", "limit-fsize", "Size of a written file, in bytes"),
    limit(Resource::Data, "LimitDATA", "limit-data", "Size of the data segment, in bytes"),
    limit(Resource::Stack, "LimitSTACK", "limit-stack", "Size of the stack, in bytes"),
    limit(Resource::Core, "LimitCORE", "limit-core", "Size of a core dump, in bytes"),
    limit(Resource::Rss, "LimitRSS", "limit-rss", "Resident memory, in bytes; Linux ignores it"),
    limit(Resource::Nofile, "LimitNOFILE", "limit-nofile", "Number of open descriptors"),
    limit(Resource::As, "LimitAS", "limit-as", "Size of the address space, in bytes"),
    limit(Resource::Nproc, "LimitNPROC", "limit-nproc", "Number of processes of the user"),
    limit(Resource::Memlock, "LimitMEMLOCK", "limit-memlock", "Memory that may be locked, in bytes"),
    limit(Resource::Locks, "LimitLOCKS", "limit-locks", "Number of file locks; Linux ignores it"),
    limit(Resource::Sigpending, "LimitSIGPENDING", "limit-sigpending", "Number of queued signals"),
    limit(Resource::Msgqueue, "LimitMSGQUEUE", "limit-msgqueue", "Size of POSIX message queues, in bytes"),
    limit(Resource::Nice, "LimitNICE", "limit-nice", "Limit of the nice level, as 20 minus the level"),
    limit(Resource::Rtprio, "LimitRTPRIO", "limit-rtprio", "Limit of the real-time priority"),
    limit(
        Resource::Rttime,
        "LimitRTTIME",
        "limit-rttime",
        "CPU time of a real-time process without a blocking call, in microseconds",
    ),
    one(F::Nice, "Nice", "nice", "LEVEL", "Scheduling priority, -20 (first) to 19 (last)"),
    one(
        F::OomScoreAdjust,
        "OOMScoreAdjust",
        "oom-score-adjust",
        "SCORE",
        "OOM score adjustment, -1000 (never killed) to 1000 (killed first)",
    ),
    one(
        F::PreventCore,
        "PreventCore",
        "prevent-core",
        "BOOL",
        "Never dump core, not even to a helper program",
    ),
    one(
        F::NoNewPrivileges,
        "NoNewPrivileges",
        "no-new-privileges",
        "BOOL",
        "Gain no privileges from set-uid programs",
    ),
    many(
        F::CapabilityBoundingSet,
        "CapabilityBoundingSet",
        "capability-bounding-set",
        "[~]CAP...",
        "The capability bounding set: limit the service to these capabilities",
    ),
    many(
        F::AmbientCapabilities,
        "AmbientCapabilities",
        "ambient-capabilities",
        "CAP...",
        "Capabilities that the service keeps as an ordinary user",
    ),
    many(
        F::Directory(DirectoryKind::Runtime),
        "RuntimeDirectory",
        "runtime-directory",
        "NAME",
        "Create /run/NAME for the service",
    ),
    many(
        F::Directory(DirectoryKind::State),
        "StateDirectory",
        "state-directory",
        "NAME",
        "Create /var/lib/NAME for the service",
    ),
    many(
        F::Directory(DirectoryKind::Cache),
        "CacheDirectory",
        "cache-directory",
        "NAME",
        "Create /var/cache/NAME for the service",
    ),
    many(
        F::Directory(DirectoryKind::Logs),
        "LogsDirectory",
        "logs-directory",
        "NAME",
        "Create /var/log/NAME for the service",
    ),
    many(
        F::Directory(DirectoryKind::Configuration),
        "ConfigurationDirectory",
        "configuration-directory",
        "NAME",
        "Create /etc/NAME for the service; it stays owned by root",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Runtime),
        "RuntimeDirectoryMode",
        "runtime-directory-mode",
        "OCTAL",
        "Mode of this directory [0755]",
    ),
    one(
        F::DirectoryMode(DirectoryKind::State),
        "StateDirectoryMode",
        "state-directory-mode",
        "OCTAL",
        "Mode of this directory [0755]",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Cache),
        "CacheDirectoryMode",
        "cache-directory-mode",
        "OCTAL",
        "Mode of this directory [0755]",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Logs),
        "LogsDirectoryMode",
        "logs-directory-mode",
        "OCTAL",
        "Mode of this directory [0755]",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Configuration),
        "ConfigurationDirectoryMode",
        "configuration-directory-mode",
        "OCTAL",
        "Mode of this directory [0755]",
    ),
    short(
        'p',
        one(
            F::PidFile,
            "PIDFile",
            "pid-file",
            "PATH",
            "Write the process ID to this file; with --type forking the program writes it",
        ),
    ),
    many(F::FilesPreserve, "FilesPreserve", "files-preserve", "FD[,FD...]", "Leave these descriptors open"),
    many(
        F::ListenStream,
        "ListenStream",
        "listen-stream",
        "ADDRESS",
        "Listen on this address and pass the socket (LISTEN_FDS, from descriptor 3 up): PORT, IPV4:PORT, [IPV6]:PORT, /PATH or @NAME",
    ),
    many(
        F::ListenDatagram,
        "ListenDatagram",
        "listen-datagram",
        "ADDRESS",
        "As --listen-stream, for datagrams (UDP); their descriptors follow those of streams",
    ),
    many(
        F::ListenSequentialPacket,
        "ListenSequentialPacket",
        "listen-sequential-packet",
        "ADDRESS",
        "As --listen-stream, for sequential packets: /PATH or @NAME; their descriptors come last",
    ),
    one(
        F::FileDescriptorName,
        "FileDescriptorName",
        "file-descriptor-name",
        "NAME",
        "The name of the sockets in LISTEN_FDNAMES and in a property list [NAME.socket]",
    ),
    one(F::SocketMode, "SocketMode", "socket-mode", "OCTAL", "Permissions of sockets at a /PATH [0666]"),
    one(
        F::SocketUser,
        "SocketUser",
        "socket-user",
        "USER",
        "Owner of sockets at a /PATH; also sets the group, to the user's own",
    ),
    one(F::SocketGroup, "SocketGroup", "socket-group", "GROUP", "Group of sockets at a /PATH"),
    one(
        F::BindIPv6Only,
        "BindIPv6Only",
        "bind-ipv6-only",
        "WHICH",
        "Whether IPv6 sockets accept IPv4 too: both, ipv6-only or default (the system's)",
    ),
    one(F::Backlog, "Backlog", "backlog", "NUMBER", "Maximum number of connections that wait to be accepted"),
    one(
        F::LaunchdActivation,
        "LaunchdActivation",
        "launchd-activation",
        "BOOL",
        "Under launchd the program takes its sockets itself (launch_activate_socket)",
    ),
    many(
        F::Ready,
        "Ready",
        "ready",
        "PROBE",
        "Readiness probe: notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, file:PATH or exec:COMMAND; with several, all must succeed",
    ),
    one(
        F::NotificationFd,
        "NotificationFd",
        "notification-fd",
        "FD",
        "Report readiness to the supervisor by a newline on this descriptor (s6's notification-fd)",
    ),
    one(
        F::TimeoutStartSec,
        "TimeoutStartSec",
        "timeout-start-sec",
        "TIME",
        "Timeout for becoming ready; 0 is no limit [90s]",
    ),
    one(
        F::TimeoutStopSec,
        "TimeoutStopSec",
        "timeout-stop-sec",
        "TIME",
        "Timeout for stopping, then SIGKILL; 0 is no limit [30s]",
    ),
    one(
        F::Restart,
        "Restart",
        "restart",
        "WHEN",
        "When the host restarts the service: no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always",
    ),
    one(F::RestartSec, "RestartSec", "restart-sec", "TIME", "Delay before a restart"),
    one(F::KillSignal, "KillSignal", "kill-signal", "SIGNAL", "The stop signal, as SIGINT [SIGTERM]"),
    one(F::ReloadSignal, "ReloadSignal", "reload-signal", "SIGNAL", "The reload signal [SIGHUP]"),
];

impl Field {
    fn row(self) -> &'static FieldRow {
        // Every field has a row; a test checks it.
        FIELDS.iter().find(|row| row.field == self).unwrap_or(&FIELDS[0])
    }

    /// systemd's name.
    pub fn directive(self) -> &'static str {
        self.row().directive
    }

    /// The option, without its dashes.
    pub fn option(self) -> &'static str {
        self.row().option
    }

    /// How often it may be set.
    pub fn arity(self) -> Arity {
        self.row().arity
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn field_has_one_row_and_one_name() {
        let distinct = |name: fn(&FieldRow) -> String| FIELDS.iter().map(name).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|row| format!("{:?}", row.field)), FIELDS.len());
        assert_eq!(distinct(|row| row.option.to_owned()), FIELDS.len());
        assert_eq!(distinct(|row| row.directive.to_owned()), FIELDS.len());
        for resource in Resource::ALL {
            assert_eq!(Field::Limit(resource).directive(), format!("Limit{}", resource.name()));
        }
        for kind in DirectoryKind::ALL {
            assert_eq!(
                Field::DirectoryMode(kind).directive(),
                format!("{}Mode", Field::Directory(kind).directive())
            );
        }
    }

    #[test]
    fn option_is_the_directive_in_kebab_case() {
        for row in &FIELDS {
            assert_eq!(row.option.replace('-', ""), row.directive.to_ascii_lowercase(), "{}", row.directive);
        }
    }
}
