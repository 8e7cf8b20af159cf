//! The steps of a start.

use std::fmt;
use std::path::PathBuf;

use svcadapt_spec::{
    Capabilities, DirectoryKind, FileMode, Input, Limit, LimitValue, Output, Resource, SignalName, Socket,
};

/// A step with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Become a subreaper (prctl(2)), so that no descendant is lost before the service is ready.
    AdoptOrphans,
    /// Keep the intermediate process between the two forks until the service is ready: as the service's parent it receives
    /// its exit status.
    KeepIntermediate,
    /// Listen for the program's notifications (sd_notify(3)).
    NotifySocket,
    /// Start a helper that reports readiness to the manager and exits.
    ReadinessHelper,
    /// Fork, and wait in the launcher for the result.
    Fork,
    /// Become a session leader without a terminal (setsid(2)).
    NewSession,
    /// Keep the terminal: be its foreground process group (tcsetpgrp(3)).
    Terminal,
    /// Fork again, so that the service cannot acquire a controlling terminal (daemon(7)).
    ForkAgain,
    /// Re-execute the running program, so that its libraries start afresh; it continues where it becomes the service.
    Reexec(PathBuf),
    /// Wait until the first process of a forking program has exited, and find the main process: by the program's pid file,
    /// or as the only process left.
    MainProcess(Option<PathBuf>),
    /// Report the main process to the manager (`MAINPID=`), and exit.
    HandOver,
    /// Stay as monitor: forward signals, translate these, and end as the program does.
    Monitor(Vec<(SignalName, SignalName)>),
    /// Be killed when the monitor ends (PR_SET_PDEATHSIG, prctl(2)): no other process would stop the program.
    EndWithMonitor,
    /// Reset every signal to its default action.
    ResetSignals,
    /// Take the lock of the single instance, on a descriptor that the program keeps.
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Its descriptor in the program.
        descriptor: i32,
    },
    /// Create a directory.
    Directory {
        /// Its kind.
        kind: DirectoryKind,
        /// Its path.
        path: PathBuf,
        /// Its mode.
        mode: FileMode,
        /// Its owner and group. `None`: the caller.
        owner: Option<(u32, u32)>,
    },
    /// Open a socket.
    Listen {
        /// The socket.
        socket: Socket,
        /// Its descriptor in the program.
        descriptor: i32,
    },
    /// Take the sockets that launchd has opened under this name.
    Activate {
        /// The name in the property list.
        name: String,
        /// The descriptors that launchd has passed.
        given: Vec<i32>,
    },
    /// Connect standard input.
    StandardInput(Input),
    /// Connect standard output.
    StandardOutput(Output),
    /// Connect standard error.
    StandardError(Output),
    /// Write the pid file.
    PidFile(PathBuf),
    /// Write the pid file into a directory of the service, with the service's rights.
    OwnPidFile(PathBuf),
    /// Set the OOM score adjustment.
    OomScore(i32),
    /// Set the nice level.
    Nice(i32),
    /// Change the root directory (chroot(2)), and enter it.
    RootDirectory(PathBuf),
    /// Drop all other capabilities from the bounding set.
    BoundingSet(Capabilities),
    /// Replace the supplementary groups.
    Groups(Vec<u32>),
    /// Set the group.
    Group(u32),
    /// Set both limits of a resource.
    Limit(Resource, Limit),
    /// Set the soft limit, at most to the hard limit.
    SoftLimit(Resource, LimitValue),
    /// Set the user, and verify that privileges cannot be regained.
    User(u32),
    /// Set the ambient capabilities: those that a program of an ordinary user keeps.
    Ambient(Capabilities),
    /// Set `no_new_privs` (prctl(2)).
    NoNewPrivileges,
    /// Set the file mode creation mask.
    Umask(FileMode),
    /// Enter the working directory.
    WorkingDirectory(PathBuf),
    /// Close all descriptors but these and the standard streams.
    Descriptors(Vec<i32>),
    /// Reset signals that the caller ignores to their default action; the program's own handlers stay.
    InheritedSignals,
    /// Replace the environment by the service's.
    Environment,
    /// Place the standard streams, and close all descriptors inherited through exec but these.
    InheritedDescriptors(Vec<i32>),
    /// Execute the program.
    Execute(PathBuf),
}

impl Step {
    /// Whether it drops privileges, or must come after steps that do.
    pub fn drops_privileges(&self) -> bool {
        matches!(
            self,
            Self::RootDirectory(_)
                | Self::BoundingSet(_)
                | Self::Groups(_)
                | Self::Group(_)
                | Self::User(_)
                | Self::Ambient(_)
                | Self::NoNewPrivileges
                | Self::EndWithMonitor
                | Self::WorkingDirectory(_)
        )
    }

    /// Its name in messages and plans.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::AdoptOrphans => "adopt orphans",
            Self::KeepIntermediate => "keep intermediate",
            Self::NotifySocket => "notify socket",
            Self::ReadinessHelper => "readiness helper",
            Self::Fork => "fork",
            Self::NewSession => "new session",
            Self::Terminal => "terminal",
            Self::ForkAgain => "fork again",
            Self::Reexec(_) => "re-exec",
            Self::MainProcess(_) => "main process",
            Self::HandOver => "report main process",
            Self::Monitor(_) => "monitor",
            Self::EndWithMonitor => "end with monitor",
            Self::ResetSignals => "reset signals",
            Self::Lock { .. } => "lock",
            Self::Directory { .. } => "directory",
            Self::Listen { .. } => "listen",
            Self::Activate { .. } => "launchd sockets",
            Self::StandardInput(_) => "standard input",
            Self::StandardOutput(_) => "standard output",
            Self::StandardError(_) => "standard error",
            Self::PidFile(_) | Self::OwnPidFile(_) => "pid file",
            Self::OomScore(_) => "oom score",
            Self::Nice(_) => "nice",
            Self::RootDirectory(_) => "root directory",
            Self::BoundingSet(_) => "bounding set",
            Self::Groups(_) => "groups",
            Self::Group(_) => "group",
            Self::Limit(..) => "limit",
            Self::SoftLimit(..) => "soft limit",
            Self::User(_) => "user",
            Self::Ambient(_) => "ambient capabilities",
            Self::NoNewPrivileges => "no new privileges",
            Self::Umask(_) => "umask",
            Self::WorkingDirectory(_) => "working directory",
            Self::Descriptors(_) => "descriptors",
            Self::InheritedSignals => "inherited signals",
            Self::Environment => "environment",
            Self::InheritedDescriptors(_) => "inherited descriptors",
            Self::Execute(_) => "exec",
        }
    }

    /// Its argument in messages and plans. `None` if it has none.
    pub fn object(&self) -> Option<String> {
        let numbers = |numbers: &[i32]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Some(match self {
            Self::AdoptOrphans
            | Self::KeepIntermediate
            | Self::NotifySocket
            | Self::ReadinessHelper
            | Self::Fork
            | Self::NewSession
            | Self::Terminal
            | Self::ForkAgain
            | Self::HandOver
            | Self::EndWithMonitor
            | Self::ResetSignals
            | Self::InheritedSignals
            | Self::Environment
            | Self::NoNewPrivileges => return None,
            Self::Monitor(others) if others.is_empty() => return None,
            Self::Monitor(others) => {
                let translations: Vec<_> =
                    others.iter().map(|(from, to)| format!("{from} as {to}")).collect();
                translations.join(", ")
            }
            Self::MainProcess(None) => "the only process left".to_owned(),
            Self::MainProcess(Some(path))
            | Self::PidFile(path)
            | Self::OwnPidFile(path)
            | Self::RootDirectory(path)
            | Self::WorkingDirectory(path)
            | Self::Execute(path)
            | Self::Reexec(path)
            | Self::Directory { path, .. }
            | Self::Lock { path, .. } => path.display().to_string(),
            Self::Listen { socket, .. } => socket.to_string(),
            Self::Activate { name, .. } => name.clone(),
            Self::StandardInput(input) => input.to_string(),
            Self::StandardOutput(output) | Self::StandardError(output) => output.to_string(),
            Self::OomScore(number) | Self::Nice(number) => number.to_string(),
            Self::BoundingSet(set) | Self::Ambient(set) if *set == Capabilities::EMPTY => "none".to_owned(),
            Self::BoundingSet(set) | Self::Ambient(set) => set.to_string(),
            Self::Groups(groups) if groups.is_empty() => "none".to_owned(),
            Self::Groups(groups) => groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Self::Group(id) | Self::User(id) => id.to_string(),
            Self::Limit(resource, limit) => format!("{} {limit}", resource.name()),
            Self::SoftLimit(resource, soft) => format!("{} {soft}", resource.name()),
            Self::Umask(mode) => mode.to_string(),
            Self::Descriptors(kept) | Self::InheritedDescriptors(kept) if kept.is_empty() => {
                "0 1 2".to_owned()
            }
            Self::Descriptors(kept) | Self::InheritedDescriptors(kept) => format!("0 1 2 {}", numbers(kept)),
        })
    }

    /// The exit status if it fails: systemd's number for the same step (systemd.exec(5), process exit codes).
    pub fn status(&self) -> u8 {
        match self {
            Self::WorkingDirectory(_) => 200,
            Self::Nice(_) => 201,
            // systemd has no exit status for a failed socket unit; 202 (EXIT_FDS) concerns passed descriptors.
            Self::Descriptors(_)
            | Self::InheritedDescriptors(_)
            | Self::NotifySocket
            | Self::HandOver
            | Self::Listen { .. }
            | Self::Activate { .. } => 202,
            Self::Execute(_) | Self::Reexec(_) => 203,
            Self::Limit(..) | Self::SoftLimit(..) => 205,
            Self::OomScore(_) => 206,
            // Umask and environment cannot fail; 207 (EXIT_SIGNAL_MASK) concerns the masks of a process.
            Self::ResetSignals | Self::InheritedSignals | Self::Environment | Self::Umask(_) => 207,
            Self::StandardInput(_) => 208,
            Self::StandardOutput(_) => 209,
            Self::RootDirectory(_) => 210,
            Self::Fork
            | Self::ForkAgain
            | Self::AdoptOrphans
            | Self::KeepIntermediate
            | Self::ReadinessHelper
            | Self::EndWithMonitor
            | Self::Monitor(_) => 204,
            Self::Groups(_) | Self::Group(_) => 216,
            Self::User(_) => 217,
            Self::BoundingSet(_) | Self::Ambient(_) => 218,
            Self::NewSession | Self::Terminal => 220,
            Self::StandardError(_) => 222,
            Self::NoNewPrivileges => 227,
            Self::Directory { kind: DirectoryKind::Runtime, .. } => 233,
            Self::Directory { kind: DirectoryKind::State, .. } => 238,
            Self::Directory { kind: DirectoryKind::Cache, .. } => 239,
            Self::Directory { kind: DirectoryKind::Logs, .. } => 240,
            Self::Directory { kind: DirectoryKind::Configuration, .. } => 241,
            // No number in systemd: the main process was not found in time.
            Self::MainProcess(_) => 249,
            Self::Lock { .. } | Self::PidFile(_) | Self::OwnPidFile(_) => 251,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object() {
            Some(object) => write!(f, "{} {object}", self.stage()),
            None => f.write_str(self.stage()),
        }
    }
}
