//! One thing that is done on the way to the program.

use std::fmt;
use std::path::PathBuf;

use svcadapt_spec::{
    Capabilities, DirectoryKind, FileMode, Input, Limit, LimitValue, Output, Resource, SignalName, Socket,
};

/// One step, with all that it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make orphaned descendants ours, so that none slips away before the service is ready.
    AdoptOrphans,
    /// Leave the process between the two forks where it is until the service is ready: the service's parent, which is told
    /// how it ends.
    KeepIntermediate,
    /// Listen for what the program has to say (sd_notify(3)).
    NotifySocket,
    /// Leave a helper that tells the manager when the service is ready, and goes.
    ReadinessHelper,
    /// Fork, and wait in the first process for the truth.
    Fork,
    /// Become a session leader without a terminal (setsid(2)).
    NewSession,
    /// Keep the terminal: be its foreground process group (tcsetpgrp(3)).
    Terminal,
    /// Fork again, so that no terminal can ever be acquired.
    ForkAgain,
    /// Execute this very program again, so that it has its libraries to itself; it goes on where it becomes the service.
    Reexec(PathBuf),
    /// Wait until the first process of a program that forks itself into the background has left, and find the main
    /// one: by the pid file that the program writes, or as the only one that is left.
    MainProcess(Option<PathBuf>),
    /// Tell the manager which process is the main one, and leave.
    HandOver,
    /// Stay, pass signals on, each of these as another one, and end as the program does.
    Monitor(Vec<(SignalName, SignalName)>),
    /// Be killed when the monitor ends, however that comes: nobody would stop the program any more.
    EndWithMonitor,
    /// Give every signal its default action.
    ResetSignals,
    /// Take the lock that only one instance can have, on a descriptor that the program keeps.
    Lock {
        /// The file that is locked.
        path: PathBuf,
        /// The descriptor that the program is left with for it.
        descriptor: i32,
    },
    /// Make a directory.
    Directory {
        /// What it is for.
        kind: DirectoryKind,
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: FileMode,
        /// Its owner and group; none: whoever makes it.
        owner: Option<(u32, u32)>,
    },
    /// Open a socket.
    Listen {
        /// The socket.
        socket: Socket,
        /// The descriptor that the program finds it at.
        descriptor: i32,
    },
    /// Take over what launchd has opened under this name.
    Activate {
        /// The name in the property list.
        name: String,
        /// The descriptors that launchd has given us.
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
    /// Write the pid file into a directory of the service, with no more rights than the service has.
    OwnPidFile(PathBuf),
    /// Set the OOM score adjustment.
    OomScore(i32),
    /// Set the nice level.
    Nice(i32),
    /// Change the root directory, and go there.
    RootDirectory(PathBuf),
    /// Give up capabilities for ever.
    BoundingSet(Capabilities),
    /// Replace the supplementary groups.
    Groups(Vec<u32>),
    /// Become a group.
    Group(u32),
    /// Set both limits of a resource.
    Limit(Resource, Limit),
    /// Set the soft limit, as far as the hard one lets it.
    SoftLimit(Resource, LimitValue),
    /// Become a user, and prove that there is no way back.
    User(u32),
    /// Leave the program these capabilities, and no others where it is not root.
    Ambient(Capabilities),
    /// Let no program give more rights from here on.
    NoNewPrivileges,
    /// Set the file mode creation mask.
    Umask(FileMode),
    /// Go to the working directory.
    WorkingDirectory(PathBuf),
    /// Leave open these descriptors beside the standard streams, and no others.
    Descriptors(Vec<i32>),
    /// Give every signal that the starter ignores its default action; what the program itself has arranged stays.
    InheritedSignals,
    /// Replace the environment by the service's own.
    Environment,
    /// Put the standard streams into their places, and let go of every descriptor that came through the exec but these.
    InheritedDescriptors(Vec<i32>),
    /// Become the program.
    Execute(PathBuf),
}

impl Step {
    /// Whether it gives up rights, or has to come after those that do.
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

    /// What it is called in messages and plans.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::AdoptOrphans => "adopt orphans",
            Self::KeepIntermediate => "stay between",
            Self::NotifySocket => "notify socket",
            Self::ReadinessHelper => "readiness helper",
            Self::Fork => "fork",
            Self::NewSession => "new session",
            Self::Terminal => "terminal",
            Self::ForkAgain => "fork again",
            Self::Reexec(_) => "execute again",
            Self::MainProcess(_) => "main process",
            Self::HandOver => "hand over",
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

    /// What it is done to or with; none where the stage says all.
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
                let said: Vec<_> = others.iter().map(|(from, to)| format!("{from} as {to}")).collect();
                said.join(", ")
            }
            Self::MainProcess(None) => "the only one left".to_owned(),
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

    /// The exit status where it fails: systemd's number for the same step (systemd.exec(5), process exit codes).
    pub fn status(&self) -> u8 {
        match self {
            Self::WorkingDirectory(_) => 200,
            Self::Nice(_) => 201,
            // systemd gives a socket unit that fails no number; this is that of the descriptors that a service is passed.
            Self::Descriptors(_)
            | Self::InheritedDescriptors(_)
            | Self::NotifySocket
            | Self::HandOver
            | Self::Listen { .. }
            | Self::Activate { .. } => 202,
            Self::Execute(_) | Self::Reexec(_) => 203,
            Self::Limit(..) | Self::SoftLimit(..) => 205,
            Self::OomScore(_) => 206,
            // Neither a umask nor an environment can fail; the number is that of the masks of a process.
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
            // Nobody else has a number for it: it is not found in time.
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
