//! The steps of the process that becomes the program, which `setup` performs.

use std::path::PathBuf;

use svcadapt_spec::{
    Capabilities, CpuPolicy, CpuSet, DirectoryKind, FileMode, Input, IoClass, Limit, LimitValue, Output,
    Resource, Socket, Timespan,
};

use super::Label;

/// A step of the process that becomes the program, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupStep {
    /// Become a session leader without a terminal (setsid(2)).
    NewSession,
    /// Keep the terminal: be its foreground process group (tcsetpgrp(3)).
    Terminal,
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
    /// Set the scheduling policy.
    CpuPolicy {
        /// The policy.
        policy: CpuPolicy,
        /// The priority of a real-time policy; else 0.
        priority: u8,
        /// Whether children start with the ordinary policy.
        reset_on_fork: bool,
    },
    /// Run only on these processors.
    CpuAffinity(CpuSet),
    /// Set the class and the priority for access to disks.
    IoPriority(IoClass, u8),
    /// Set the timer slack.
    TimerSlack(Timespan),
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

impl SetupStep {
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

    /// Its name, argument and exit status.
    pub fn label(&self) -> Label {
        match self {
            Self::NewSession => Label::new_session(),
            Self::Terminal => Label::new("terminal", 220),
            Self::EndWithMonitor => Label::new("end with monitor", 204),
            // Umask and environment cannot fail; 207 (EXIT_SIGNAL_MASK) concerns the masks of a process.
            Self::ResetSignals => Label::new("reset signals", 207),
            Self::InheritedSignals => Label::new("inherited signals", 207),
            Self::Environment => Label::new("environment", 207),
            Self::Umask(mode) => Label::new("umask", 207).of(mode),
            Self::Lock { path, .. } => Label::lock(path),
            Self::Directory { kind, path, .. } => {
                Label::new("directory", directory_status(*kind)).of(&path.display())
            }
            // systemd has no exit status for a failed socket unit; 202 (EXIT_FDS) concerns passed descriptors.
            Self::Listen { socket, .. } => Label::new("listen", 202).of(socket),
            Self::Activate { name, .. } => Label::new("launchd sockets", 202).of(name),
            Self::StandardInput(input) => Label::new("standard input", 208).of(input),
            Self::StandardOutput(output) => Label::new("standard output", 209).of(output),
            Self::StandardError(output) => Label::new("standard error", 222).of(output),
            Self::PidFile(path) | Self::OwnPidFile(path) => Label::new("pid file", 251).of(&path.display()),
            Self::OomScore(score) => Label::new("oom score", 206).of(score),
            Self::Nice(level) => Label::new("nice", 201).of(level),
            Self::CpuPolicy { policy, priority, .. } if policy.is_realtime() => {
                Label::new("cpu policy", 214).of(&format!("{policy} {priority}"))
            }
            Self::CpuPolicy { policy, .. } => Label::new("cpu policy", 214).of(policy),
            Self::CpuAffinity(set) => Label::new("cpu affinity", 215).of(set),
            Self::IoPriority(class, level) => Label::new("io priority", 211).of(&format!("{class} {level}")),
            Self::TimerSlack(span) => Label::new("timer slack", 212).of(span),
            Self::RootDirectory(path) => Label::new("root directory", 210).of(&path.display()),
            Self::BoundingSet(set) => Label::new("bounding set", 218).of(&capabilities(*set)),
            Self::Groups(groups) if groups.is_empty() => Label::new("groups", 216).of(&"none"),
            Self::Groups(groups) => Label::new("groups", 216).of(&list(groups)),
            Self::Group(id) => Label::new("group", 216).of(id),
            Self::Limit(resource, limit) => {
                Label::new("limit", 205).of(&format!("{} {limit}", resource.name()))
            }
            Self::SoftLimit(resource, soft) => {
                Label::new("soft limit", 205).of(&format!("{} {soft}", resource.name()))
            }
            Self::User(id) => Label::new("user", 217).of(id),
            Self::Ambient(set) => Label::new("ambient capabilities", 218).of(&capabilities(*set)),
            Self::NoNewPrivileges => Label::new("no new privileges", 227),
            Self::WorkingDirectory(path) => Label::new("working directory", 200).of(&path.display()),
            Self::Descriptors(kept) => Label::new("descriptors", 202).of(&descriptors(kept)),
            Self::InheritedDescriptors(kept) => {
                Label::new("inherited descriptors", 202).of(&descriptors(kept))
            }
            Self::Execute(path) => Label::new("exec", 203).of(&path.display()),
        }
    }
}

impl From<&SetupStep> for Label {
    fn from(step: &SetupStep) -> Self {
        step.label()
    }
}

fn directory_status(kind: DirectoryKind) -> u8 {
    match kind {
        DirectoryKind::Runtime => 233,
        DirectoryKind::State => 238,
        DirectoryKind::Cache => 239,
        DirectoryKind::Logs => 240,
        DirectoryKind::Configuration => 241,
    }
}

fn capabilities(set: Capabilities) -> String {
    if set == Capabilities::EMPTY { "none".to_owned() } else { set.to_string() }
}

fn list(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn descriptors(kept: &[i32]) -> String {
    if kept.is_empty() { "0 1 2".to_owned() } else { format!("0 1 2 {}", list(kept)) }
}
