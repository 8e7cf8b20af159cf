//! The one list of everything that a spec can say.
//!
//! Options, units and JSON all name their fields by this table, so that what one of them can say, all can.

use self::Field as F;
use super::row::{limit, many, one, short};
use super::{Arity, DirectoryKind, FieldRow, Resource};

/// One thing that a spec can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each has its sentence in the table below, as the reader of --help gets it")]
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

/// All fields, in the order in which a person meets them.
pub const FIELDS: [FieldRow; 71] = [
    one(
        F::Name,
        "Name",
        "name",
        "NAME",
        "What the service is called: its lock, its state and its unit bear this name",
    ),
    one(F::Description, "Description", "description", "TEXT", "One line about the service, for people"),
    one(
        F::Type,
        "Type",
        "type",
        "TYPE",
        "When it counts as started: simple, exec, notify, notify-reload, forking or oneshot",
    ),
    short('u', one(F::User, "User", "user", "USER", "Run as this user, by name or number")),
    one(F::Group, "Group", "group", "GROUP", "Run with this primary group instead of the user's own"),
    many(
        F::SupplementaryGroups,
        "SupplementaryGroups",
        "supplementary-groups",
        "GROUP",
        "Add these groups to those that the user is in",
    ),
    one(F::Umask, "UMask", "umask", "OCTAL", "Take these permissions from every file that is made"),
    short(
        'c',
        one(F::WorkingDirectory, "WorkingDirectory", "working-directory", "PATH", "Start in this directory"),
    ),
    one(F::RootDirectory, "RootDirectory", "root-directory", "PATH", "Make this directory the root (chroot)"),
    short('E', many(F::Environment, "Environment", "environment", "NAME=VALUE", "Set a variable")),
    many(
        F::EnvironmentFile,
        "EnvironmentFile",
        "environment-file",
        "[-]PATH",
        "Read variables from a file; with '-' it may be missing",
    ),
    many(
        F::PassEnvironment,
        "PassEnvironment",
        "pass-environment",
        "NAME",
        "Hand on this variable of the starter",
    ),
    many(
        F::UnsetEnvironment,
        "UnsetEnvironment",
        "unset-environment",
        "NAME",
        "Take this variable away at the end",
    ),
    one(
        F::CleanEnvironment,
        "CleanEnvironment",
        "clean-environment",
        "BOOL",
        "Start from an empty environment; without it, only where no service manager made one",
    ),
    one(
        F::ExpandVariables,
        "ExpandVariables",
        "expand-variables",
        "BOOL",
        "Put variables of its environment into the arguments: $NAME as words, ${NAME} as it stands, $$ for $",
    ),
    one(F::Argv0, "Argv0", "argv0", "NAME", "Call the program by this name, its argv[0], not by its path"),
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
        one(F::StandardError, "StandardError", "standard-error", "WHERE", "The same, for standard error"),
    ),
    limit(Resource::Cpu, "LimitCPU", "limit-cpu", "CPU time, in seconds or as a time span"),
    limit(Resource::Fsize, "LimitFSIZE", "limit-fsize", "Size of a file that is written, in bytes"),
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
    limit(Resource::Nice, "LimitNICE", "limit-nice", "Ceiling of the nice level, as 20 minus the level"),
    limit(Resource::Rtprio, "LimitRTPRIO", "limit-rtprio", "Ceiling of the real-time priority"),
    limit(
        Resource::Rttime,
        "LimitRTTIME",
        "limit-rttime",
        "Real-time CPU time without a pause, in microseconds",
    ),
    one(F::Nice, "Nice", "nice", "LEVEL", "Scheduling priority, -20 (first) to 19 (last)"),
    one(
        F::OomScoreAdjust,
        "OOMScoreAdjust",
        "oom-score-adjust",
        "SCORE",
        "-1000 (never) to 1000 (killed first)",
    ),
    one(
        F::PreventCore,
        "PreventCore",
        "prevent-core",
        "BOOL",
        "Never dump core, also not into a helper program",
    ),
    one(
        F::NoNewPrivileges,
        "NoNewPrivileges",
        "no-new-privileges",
        "BOOL",
        "No set-uid program gives it more rights",
    ),
    many(
        F::CapabilityBoundingSet,
        "CapabilityBoundingSet",
        "capability-bounding-set",
        "[~]CAP...",
        "Capabilities that it can ever have",
    ),
    many(
        F::AmbientCapabilities,
        "AmbientCapabilities",
        "ambient-capabilities",
        "CAP...",
        "Capabilities that it keeps as an ordinary user",
    ),
    many(
        F::Directory(DirectoryKind::Runtime),
        "RuntimeDirectory",
        "runtime-directory",
        "NAME",
        "Make /run/NAME for it",
    ),
    many(
        F::Directory(DirectoryKind::State),
        "StateDirectory",
        "state-directory",
        "NAME",
        "Make /var/lib/NAME for it",
    ),
    many(
        F::Directory(DirectoryKind::Cache),
        "CacheDirectory",
        "cache-directory",
        "NAME",
        "Make /var/cache/NAME for it",
    ),
    many(
        F::Directory(DirectoryKind::Logs),
        "LogsDirectory",
        "logs-directory",
        "NAME",
        "Make /var/log/NAME for it",
    ),
    many(
        F::Directory(DirectoryKind::Configuration),
        "ConfigurationDirectory",
        "configuration-directory",
        "NAME",
        "Make /etc/NAME for it; it stays root's",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Runtime),
        "RuntimeDirectoryMode",
        "runtime-directory-mode",
        "OCTAL",
        "Its mode, 0755 unless said otherwise",
    ),
    one(
        F::DirectoryMode(DirectoryKind::State),
        "StateDirectoryMode",
        "state-directory-mode",
        "OCTAL",
        "Its mode, 0755 unless said otherwise",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Cache),
        "CacheDirectoryMode",
        "cache-directory-mode",
        "OCTAL",
        "Its mode, 0755 unless said otherwise",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Logs),
        "LogsDirectoryMode",
        "logs-directory-mode",
        "OCTAL",
        "Its mode, 0755 unless said otherwise",
    ),
    one(
        F::DirectoryMode(DirectoryKind::Configuration),
        "ConfigurationDirectoryMode",
        "configuration-directory-mode",
        "OCTAL",
        "Its mode, 0755 unless said otherwise",
    ),
    short(
        'p',
        one(
            F::PidFile,
            "PIDFile",
            "pid-file",
            "PATH",
            "Write the process's number to this file; with --type forking the program does",
        ),
    ),
    many(F::FilesPreserve, "FilesPreserve", "files-preserve", "FD[,FD...]", "Leave these descriptors open"),
    many(
        F::ListenStream,
        "ListenStream",
        "listen-stream",
        "ADDRESS",
        "Listen here for it: PORT, IPV4:PORT, [IPV6]:PORT, /PATH or @NAME; it gets the sockets as LISTEN_FDS, from descriptor 3 up",
    ),
    many(
        F::ListenDatagram,
        "ListenDatagram",
        "listen-datagram",
        "ADDRESS",
        "The same, for datagrams (UDP); their descriptors come after those of streams",
    ),
    many(
        F::ListenSequentialPacket,
        "ListenSequentialPacket",
        "listen-sequential-packet",
        "ADDRESS",
        "The same, for packets in sequence: /PATH or @NAME; their descriptors come last",
    ),
    one(
        F::FileDescriptorName,
        "FileDescriptorName",
        "file-descriptor-name",
        "NAME",
        "What the sockets are called in LISTEN_FDNAMES, and in a property list [the service's name with .socket]",
    ),
    one(F::SocketMode, "SocketMode", "socket-mode", "OCTAL", "Permissions of sockets at a /PATH [0666]"),
    one(
        F::SocketUser,
        "SocketUser",
        "socket-user",
        "USER",
        "Give sockets at a /PATH to this user, and to the user's group",
    ),
    one(F::SocketGroup, "SocketGroup", "socket-group", "GROUP", "Give sockets at a /PATH to this group"),
    one(
        F::BindIPv6Only,
        "BindIPv6Only",
        "bind-ipv6-only",
        "WHICH",
        "Whether sockets of IPv6 take IPv4 too: both, ipv6-only, or the system's default",
    ),
    one(F::Backlog, "Backlog", "backlog", "NUMBER", "How many connections may wait to be accepted"),
    one(
        F::LaunchdActivation,
        "LaunchdActivation",
        "launchd-activation",
        "BOOL",
        "The program takes its sockets from launchd itself (launch_activate_socket), where that has them",
    ),
    many(
        F::Ready,
        "Ready",
        "ready",
        "PROBE",
        "Ready when: notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, file:PATH or exec:COMMAND; all of them, if several",
    ),
    one(
        F::NotificationFd,
        "NotificationFd",
        "notification-fd",
        "FD",
        "Tell the supervisor above by a newline on this descriptor (s6's notification-fd)",
    ),
    one(
        F::TimeoutStartSec,
        "TimeoutStartSec",
        "timeout-start-sec",
        "TIME",
        "It has to be ready in this time; 0 is for ever [90s]",
    ),
    one(
        F::TimeoutStopSec,
        "TimeoutStopSec",
        "timeout-stop-sec",
        "TIME",
        "Then a stop turns into a kill; 0 is for ever [30s]",
    ),
    one(
        F::Restart,
        "Restart",
        "restart",
        "WHEN",
        "The host starts it again: no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always",
    ),
    one(F::RestartSec, "RestartSec", "restart-sec", "TIME", "It waits so long before it starts it again"),
    one(
        F::KillSignal,
        "KillSignal",
        "kill-signal",
        "SIGNAL",
        "The signal that asks it to end, as SIGINT [SIGTERM]",
    ),
    one(
        F::ReloadSignal,
        "ReloadSignal",
        "reload-signal",
        "SIGNAL",
        "The signal that makes it read its configuration again [SIGHUP]",
    ),
];

impl Field {
    fn row(self) -> &'static FieldRow {
        // Every field has its row; a test walks them all.
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

    /// How often it may be said.
    pub fn arity(self) -> Arity {
        self.row().arity
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_has_one_row_and_one_name() {
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
    fn an_option_is_its_directive_in_kebab_case() {
        for row in &FIELDS {
            assert_eq!(row.option.replace('-', ""), row.directive.to_ascii_lowercase(), "{}", row.directive);
        }
    }
}
