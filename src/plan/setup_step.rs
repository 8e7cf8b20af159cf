//! The steps of the process that becomes the program, which `setup` performs.

use std::path::PathBuf;

use svcadapt_spec::{
    Capabilities, CoredumpFilter, CpuPolicy, CpuSet, DirectoryKind, FileMode, Input, IoClass, KeyringMode,
    Limit, LimitValue, NumaNodes, NumaPolicy, Output, Personality, Resource, SecureBits, Socket, Terminal,
    Timespan,
};

use super::{ControlGroup, StepLabel};

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
    /// Ignore SIGPIPE, in the program too.
    IgnoreSigpipe,
    /// Take the lock of the single instance, on a descriptor that the program keeps.
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Its descriptor in the program.
        descriptor: i32,
    },
    /// Create the service's control group with its limits, and enter it.
    ControlGroup(ControlGroup),
    /// Enter the service's control group.
    EnterControlGroup(PathBuf),
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
    /// Provide the credentials.
    Credentials {
        /// Their directory.
        path: PathBuf,
        /// Whether no other process of this start can have done it.
        fresh: bool,
    },
    /// Open a socket.
    Listen {
        /// The socket.
        socket: Socket,
        /// Its descriptor in the program.
        descriptor: i32,
    },
    /// Pass the descriptors that the monitor holds for the program.
    Held(Vec<i32>),
    /// Take the sockets that launchd has opened under this name.
    Activate {
        /// The name in the property list.
        name: String,
        /// The descriptors that launchd has passed.
        given: Vec<i32>,
    },
    /// Prepare the terminal of the streams.
    PrepareTerminal(Terminal),
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
    /// Choose the parts of memory that a core dump has.
    CoredumpFilter(CoredumpFilter),
    /// Set the policy of memory, with its nodes.
    NumaPolicy(NumaPolicy, Option<NumaNodes>),
    /// Let uname(2) name this machine.
    Personality(Personality),
    /// Join a new keyring of the session.
    Keyring(KeyringMode),
    /// Set the secure bits.
    SecureBits(SecureBits),
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
                | Self::Keyring(_)
                | Self::SecureBits(_)
                | Self::NoNewPrivileges
                | Self::EndWithMonitor
                | Self::WorkingDirectory(_)
        )
    }

    /// Its name, argument and exit status.
    pub fn label(&self) -> StepLabel {
        match self {
            Self::NewSession => StepLabel::new_session(),
            Self::Terminal => StepLabel::new("terminal", 220),
            Self::EndWithMonitor => StepLabel::new("end with monitor", 204),
            // Umask and environment cannot fail; 207 (EXIT_SIGNAL_MASK) concerns the masks of a process.
            Self::ResetSignals => StepLabel::new("reset signals", 207),
            Self::IgnoreSigpipe => StepLabel::new("ignore sigpipe", 207),
            Self::InheritedSignals => StepLabel::new("inherited signals", 207),
            Self::Environment => StepLabel::new("environment", 207),
            Self::Umask(mode) => StepLabel::new("umask", 207).of(mode),
            Self::Lock { path, .. } => StepLabel::lock(path),
            Self::ControlGroup(group) => StepLabel::control_group(&group.path),
            Self::EnterControlGroup(path) => StepLabel::control_group(path),
            Self::Directory { kind, path, .. } => {
                StepLabel::new("directory", directory_status(*kind)).of(&path.display())
            }
            Self::Credentials { path, .. } => StepLabel::new("credentials", 243).of(&path.display()),
            Self::Listen { socket, .. } => StepLabel::listen(socket),
            Self::Held(numbers) => StepLabel::new("pass descriptors", 202).of(&list(numbers)),
            Self::Activate { name, .. } => StepLabel::new("launchd sockets", 202).of(name),
            Self::PrepareTerminal(terminal) => {
                StepLabel::new("prepare terminal", 208).of(&terminal.device().display())
            }
            Self::StandardInput(input) => StepLabel::new("standard input", 208).of(input),
            Self::StandardOutput(output) => StepLabel::new("standard output", 209).of(output),
            Self::StandardError(output) => StepLabel::new("standard error", 222).of(output),
            Self::PidFile(path) | Self::OwnPidFile(path) => {
                StepLabel::new("pid file", 251).of(&path.display())
            }
            Self::OomScore(score) => StepLabel::new("oom score", 206).of(score),
            Self::Nice(level) => StepLabel::new("nice", 201).of(level),
            Self::CpuPolicy { policy, priority, .. } if policy.is_realtime() => {
                StepLabel::new("cpu policy", 214).of(&format!("{policy} {priority}"))
            }
            Self::CpuPolicy { policy, .. } => StepLabel::new("cpu policy", 214).of(policy),
            Self::CpuAffinity(set) => StepLabel::new("cpu affinity", 215).of(set),
            Self::IoPriority(class, level) => {
                StepLabel::new("io priority", 211).of(&format!("{class} {level}"))
            }
            Self::TimerSlack(span) => StepLabel::new("timer slack", 212).of(span),
            Self::CoredumpFilter(filter) => StepLabel::new("coredump filter", 205).of(filter),
            Self::NumaPolicy(policy, None) => StepLabel::new("numa policy", 242).of(policy),
            Self::NumaPolicy(policy, Some(nodes)) => {
                StepLabel::new("numa policy", 242).of(&format!("{policy} {nodes}"))
            }
            Self::Personality(machine) => StepLabel::new("personality", 230).of(machine),
            Self::Keyring(mode) => StepLabel::new("keyring", 237).of(mode),
            Self::SecureBits(bits) => StepLabel::new("secure bits", 213).of(bits),
            Self::RootDirectory(path) => StepLabel::new("root directory", 210).of(&path.display()),
            Self::BoundingSet(set) => StepLabel::new("bounding set", 218).of(&capabilities(*set)),
            Self::Groups(groups) if groups.is_empty() => StepLabel::new("groups", 216).of(&"none"),
            Self::Groups(groups) => StepLabel::new("groups", 216).of(&list(groups)),
            Self::Group(id) => StepLabel::new("group", 216).of(id),
            Self::Limit(resource, limit) => {
                StepLabel::new("limit", 205).of(&format!("{} {limit}", resource.name()))
            }
            Self::SoftLimit(resource, soft) => {
                StepLabel::new("soft limit", 205).of(&format!("{} {soft}", resource.name()))
            }
            Self::User(id) => StepLabel::new("user", 217).of(id),
            Self::Ambient(set) => StepLabel::new("ambient capabilities", 218).of(&capabilities(*set)),
            Self::NoNewPrivileges => StepLabel::new("no new privileges", 227),
            Self::WorkingDirectory(path) => StepLabel::new("working directory", 200).of(&path.display()),
            Self::Descriptors(kept) => StepLabel::new("descriptors", 202).of(&descriptors(kept)),
            Self::InheritedDescriptors(kept) => {
                StepLabel::new("inherited descriptors", 202).of(&descriptors(kept))
            }
            Self::Execute(path) => StepLabel::new("exec", 203).of(&path.display()),
        }
    }
}

impl From<&SetupStep> for StepLabel {
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
