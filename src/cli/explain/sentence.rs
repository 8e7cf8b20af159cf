//! What each field says, as a sentence. The match is total: a new field does not compile without one.

use svcadapt_spec::{DirectoryKind, Field, Field as F, Resource, SocketMoment};

/// What the sentences of a group are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Program,
    Identity,
    Streams,
    Start,
    Started,
    End,
    Uses,
}

impl Group {
    pub(super) const ALL: [Self; 7] =
        [Self::Program, Self::Identity, Self::Streams, Self::Start, Self::Started, Self::End, Self::Uses];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Program => "What runs",
            Self::Identity => "As whom",
            Self::Streams => "What it reads and writes",
            Self::Start => "When it starts",
            Self::Started => "When it counts as started",
            Self::End => "What happens when it ends",
            Self::Uses => "What it may use",
        }
    }

    /// Its name in JSON.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Identity => "identity",
            Self::Streams => "streams",
            Self::Start => "start",
            Self::Started => "started",
            Self::End => "end",
            Self::Uses => "uses",
        }
    }
}

/// A sentence without its values.
enum Pattern {
    /// `{}` is the value, or the values.
    Of(&'static str),
    /// For `yes`, and for `no`.
    Either(&'static str, &'static str),
    /// For each known value, and for any other.
    Each(&'static [(&'static str, &'static str)], &'static str),
}

/// The group of a field, and its sentence with these values.
pub(super) fn sentence(field: Field, values: &[String]) -> (Group, String) {
    let (group, pattern) = pattern(field);
    let all = values.join(", ");
    let text = match pattern {
        Pattern::Of(text) => text,
        Pattern::Either(yes, no) => {
            if all == "yes" {
                yes
            } else {
                no
            }
        }
        Pattern::Each(known, other) => {
            known.iter().find(|(value, _)| *value == all).map_or(other, |(_, text)| *text)
        }
    };
    (group, text.replace("{}", &all))
}

const TYPES: &[(&str, &str)] = &[
    ("simple", "It counts as started as soon as its process exists."),
    ("exec", "It counts as started when its program is executed."),
    ("notify", "It counts as started when the program says so (READY=1, sd_notify(3))."),
    (
        "notify-reload",
        "It counts as started when the program says so (READY=1), and as reloaded when it says so again.",
    ),
    (
        "forking",
        "It counts as started when its first process has ended; the daemon goes on in the background.",
    ),
    ("oneshot", "It counts as started when its commands have ended."),
];

const RESTARTS: &[(&str, &str)] = &[
    ("no", "It is not started again when it ends."),
    ("always", "It is started again when it ends, whatever the reason."),
    ("on-success", "It is started again when it ends with success."),
    ("on-failure", "It is started again when it fails: a status other than 0, a signal, a timeout."),
    ("on-abnormal", "It is started again after a signal or a timeout, not after an exit status."),
    ("on-abort", "It is started again after a signal that is no request to end."),
    ("on-watchdog", "It is started again after a watchdog timeout."),
];

const KILL_MODES: &[(&str, &str)] = &[
    ("control-group", "A stop signals all its processes."),
    ("mixed", "A stop signals its main process, and kills the others with it after the timeout."),
    ("process", "A stop signals its main process only; the others are left."),
    ("none", "A stop signals no process."),
];

/// One line a field, so that the table can be read.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table: one line a field")]
fn pattern(field: Field) -> (Group, Pattern) {
    use Group::{End, Identity, Program, Start, Started, Streams, Uses};
    use Pattern::{Each, Either, Of};
    match field {
        F::Name => (Program, Of("Its name is {}.")),
        F::Description => (Program, Of("It is described as '{}'.")),
        F::Argv0 => (Program, Of("The program gets the name {} (argv[0]).")),
        F::ExpandVariables => (Program, Either("$NAME and ${NAME} in its arguments are expanded.", "A dollar sign in its arguments is a dollar sign.")),
        F::WorkingDirectory => (Program, Of("It starts in the directory {}.")),
        F::RootDirectory => (Program, Of("Its root directory is {} (chroot(2)).")),
        F::Environment => (Program, Of("Its environment has {}.")),
        F::EnvironmentFile => (Program, Of("More of its environment is read from {}; a file with '-' may be missing.")),
        F::PassEnvironment => (Program, Of("It inherits the variables {}.")),
        F::UnsetEnvironment => (Program, Of("It does not get the variables {}.")),
        F::CleanEnvironment => (Program, Either("It inherits no variables.", "It inherits the variables of its starter.")),
        F::ExecPrefix => (Program, Of("The program has the prefixes {} (systemd.service(5), \"Command lines\").")),
        F::ExecStart => (Program, Of("After the program it runs {}.")),
        F::ExecReload => (Program, Of("A reload runs {}.")),
        F::ReloadSignal => (Program, Of("A reload sends {}.")),
        F::FilesPreserve => (Program, Of("The descriptors {} stay open.")),
        F::LoadCredential => (Program, Of("It gets the credentials {} from files or sockets.")),
        F::ImportCredential => (Program, Of("It gets the credentials {} of the machine.")),
        F::SetCredential => (Program, Of("It gets the credentials {}.")),
        F::IgnoreSigpipe => (Program, Either("It ignores SIGPIPE.", "SIGPIPE ends it.")),
        F::Personality => (Program, Of("It sees a machine of the kind {}.")),

        F::User => (Identity, Of("It runs as the user {}.")),
        F::Group => (Identity, Of("Its group is {}.")),
        F::SupplementaryGroups => (Identity, Of("It also has the groups {}.")),
        F::DynamicUser => (Identity, Either("Its user exists only while it runs.", "Its user is an account.")),
        F::Umask => (Identity, Of("Its new files have no permissions of the mask {} (umask(2)).")),
        F::NoNewPrivileges => (Identity, Either("It can gain no rights from set-uid programs.", "It can gain rights from set-uid programs.")),
        F::CapabilityBoundingSet => (Identity, Of("It can have these capabilities: {}.")),
        F::AmbientCapabilities => (Identity, Of("It keeps these capabilities as an ordinary user: {}.")),
        F::SecureBits => (Identity, Of("Its secure bits are {} (capabilities(7)).")),
        F::KeyringMode => (Identity, Of("Its session keyring is {} (keyrings(7)).")),

        F::StandardInput => (Streams, Of("It reads from {}.")),
        F::StandardInputText => (Streams, Of("It reads this text: {}.")),
        F::StandardInputData => (Streams, Of("It reads this data (base64): {}.")),
        F::StandardOutput => (Streams, Each(&[("null", "Its output is thrown away."), ("inherit", "Its output goes where that of its starter goes.")], "Its output goes to {}.")),
        F::StandardError => (Streams, Each(&[("null", "Its errors are thrown away."), ("inherit", "Its errors go where its output goes.")], "Its errors go to {}.")),
        F::SyslogIdentifier => (Streams, Of("Its lines have the name {} in the log.")),
        F::SyslogFacility => (Streams, Of("Its lines have the facility {}.")),
        F::SyslogLevel => (Streams, Of("Its lines have the level {}.")),
        F::SyslogLevelPrefix => (Streams, Either("A prefix <N> of a line is its level.", "A prefix <N> of a line is text.")),
        F::LogRotateSize => (Streams, Of("Its log file is rotated at {}.")),
        F::LogRotateAge => (Streams, Of("Its log file is rotated every {}.")),
        F::LogKeep => (Streams, Of("{} old log files are kept.")),
        F::LogCompress => (Streams, Each(&[("none", "Old log files are not compressed.")], "Old log files are compressed with {}.")),
        F::LogTimestamps => (Streams, Either("Each line of its log file begins with the time.", "The lines of its log file are as it writes them.")),
        F::ReopenSignal => (Streams, Of("{} makes it open its log files again.")),
        F::TtyPath => (Streams, Of("Its terminal is {}.")),
        F::TtyReset => (Streams, Either("The modes of the terminal are reset.", "The modes of the terminal are left.")),
        F::TtyVHangup => (Streams, Either("The terminal is taken from all other processes.", "Other processes keep the terminal.")),
        F::TtyVtDisallocate => (Streams, Either("The virtual console is cleared.", "The virtual console is not cleared.")),
        F::TtyRows => (Streams, Of("The terminal has {} lines.")),
        F::TtyColumns => (Streams, Of("The terminal has {} columns.")),

        F::Condition => (Start, Of("It is not started, which is a success, unless {}.")),
        F::Assert => (Start, Of("Its start fails unless {}.")),
        F::ExecCondition => (Start, Of("First {} decides whether it is started.")),
        F::ExecStartPre => (Start, Of("Before the program it runs {}.")),
        F::StartOnConnect => (Start, Either("The program starts with the first client.", "The program starts with the service.")),
        F::IdleExit => (Start, Of("The program ends when it had no client for {}.")),
        F::ListenStream => (Start, Of("It is passed sockets for connections at {}.")),
        F::ListenDatagram => (Start, Of("It is passed sockets for datagrams at {}.")),
        F::ListenSequentialPacket => (Start, Of("It is passed sockets for packets at {}.")),
        F::ListenFifo => (Start, Of("It is passed the FIFO {}.")),
        F::ListenSpecial => (Start, Of("It is passed the open file {}.")),
        F::ListenNetlink => (Start, Of("It is passed messages of the kernel: {} (netlink(7)).")),
        F::ListenMessageQueue => (Start, Of("It is passed the message queue {}.")),
        F::FileDescriptorName => (Start, Of("Its sockets have the name {} (LISTEN_FDNAMES).")),
        F::SocketMode => (Start, Of("Its sockets in the file system have the mode {}.")),
        F::SocketUser => (Start, Of("Its sockets in the file system belong to {}.")),
        F::SocketGroup => (Start, Of("Its sockets in the file system have the group {}.")),
        F::BindIPv6Only => (Start, Each(&[("both", "Its IPv6 sockets accept IPv4, too."), ("ipv6-only", "Its IPv6 sockets accept no IPv4.")], "Whether its IPv6 sockets accept IPv4 is the system's choice.")),
        F::Backlog => (Start, Of("{} connections may wait to be accepted.")),
        F::SocketOption(_) => (Start, Of("Its sockets have this option: {}.")),
        F::SocketCommand(SocketMoment::StartPre) => (Start, Of("Before its sockets are opened it runs {}.")),
        F::SocketCommand(SocketMoment::StartPost) => (Start, Of("When its sockets are open it runs {}.")),
        F::SocketCommand(SocketMoment::StopPre) => (End, Of("Before its sockets are closed it runs {}.")),
        F::SocketCommand(SocketMoment::StopPost) => (End, Of("When its sockets are closed it runs {}.")),
        F::LaunchdActivation => (Start, Either("It takes its sockets from launchd itself.", "Its sockets are passed to it.")),

        F::Type => (Started, Each(TYPES, "It counts as started by the rules of Type={}.")),
        F::Ready => (Started, Of("It is ready when this holds: {}.")),
        F::NotificationFd => (Started, Of("It reports that it is ready by a newline on descriptor {}.")),
        F::TimeoutStartSec => (Started, Each(&[("infinity", "It may take any time to start.")], "If it is not started after {}, the start has failed.")),
        F::TimeoutStartFailureMode => (Started, Each(&[("terminate", "A start that takes too long is ended as by a stop."), ("kill", "A start that takes too long is killed.")], "A start that takes too long is ended with a core dump.")),
        F::ExecStartPost => (Started, Of("When it has started it runs {}.")),
        F::PidFile => (Started, Of("Its pid is in {}.")),
        F::RemovePidFile => (End, Of("Its pid file {} is removed.")),
        F::GuessMainPid => (Started, Either("Its main process is guessed.", "Its main process is not guessed.")),
        F::WatchdogSec => (Started, Of("While it runs it must say every {} that it works (WATCHDOG=1).")),
        F::WatchdogProbe => (Started, Of("While it runs this must hold again and again: {}.")),

        F::Restart => (End, Each(RESTARTS, "It is started again by the rules of Restart={}.")),
        F::RestartSec => (End, Of("It is started again after {}.")),
        F::RestartSteps => (End, Of("The delay of a restart grows in {} steps.")),
        F::RestartMaxDelaySec => (End, Of("The delay of a restart is {} at most.")),
        F::RestartMode => (End, Each(&[("direct", "Units that depend on it do not see a restart.")], "Units that depend on it see a restart as a stop.")),
        F::RestartPreventExitStatus => (End, Of("It is not started again after {}.")),
        F::RestartForceExitStatus => (End, Of("It is always started again after {}.")),
        F::SuccessExitStatus => (End, Of("{} is a success, too.")),
        F::StartLimitIntervalSec => (End, Each(&[("0", "It may be started any number of times.")], "Its starts within {} are counted.")),
        F::StartLimitBurst => (End, Of("More than {} starts in that time are refused.")),
        F::RemainAfterExit => (End, Either("It counts as active after its processes have ended.", "It is over when its processes have ended.")),
        F::RuntimeMaxSec => (End, Of("It is ended after {}, as a failure.")),
        F::RuntimeRandomizedExtraSec => (End, Of("That time is longer by a random one of {} at most.")),
        F::ExecStop => (End, Of("A stop runs {}.")),
        F::ExecStopPost => (End, Of("After its end it runs {}.")),
        F::KillSignal => (End, Of("A stop sends {}.")),
        F::KillMode => (End, Each(KILL_MODES, "A stop signals processes by the rules of KillMode={}.")),
        F::RestartKillSignal => (End, Of("The stop of a restart sends {}.")),
        F::SendSighup => (End, Either("A stop sends SIGHUP, too.", "A stop sends no SIGHUP.")),
        F::TimeoutStopSec => (End, Each(&[("infinity", "It may take any time to stop.")], "If it has not ended {} after a stop, it is killed.")),
        F::TimeoutStopFailureMode => (End, Each(&[("terminate", "A stop that takes too long ends with the final signal."), ("kill", "A stop that takes too long ends with the final signal at once.")], "A stop that takes too long ends with a core dump.")),
        F::TimeoutAbortSec => (End, Of("After a watchdog timeout it has {} to end.")),
        F::WatchdogSignal => (End, Of("A watchdog timeout sends {}.")),
        F::FinalKillSignal => (End, Of("After the timeout it gets {}.")),
        F::SendSigkill => (End, Either("What does not end is killed.", "What does not end is not killed.")),
        F::OomPolicy => (End, Each(&[("continue", "It goes on after the kernel has killed one of its processes for lack of memory."), ("stop", "It is stopped when the kernel kills one of its processes for lack of memory.")], "All its processes are killed when the kernel kills one of them for lack of memory.")),
        F::OnFailure => (End, Of("When it has failed these units are started: {}.")),
        F::OnSuccess => (End, Of("When it has ended well these units are started: {}.")),
        F::RuntimeDirectoryPreserve => (End, Each(&[("yes", "Its runtime directories stay."), ("restart", "Its runtime directories stay over a restart.")], "Its runtime directories are removed.")),
        F::FileDescriptorStorePreserve => (End, Each(&[("yes", "Its stored descriptors stay."), ("restart", "Its stored descriptors stay over a restart.")], "Its stored descriptors are closed.")),

        F::FileDescriptorStoreMax => (Uses, Of("It may store {} descriptors for its next start (FDSTORE=1).")),
        F::Directory(DirectoryKind::Runtime) => (Uses, Of("It gets the directory {} below /run.")),
        F::Directory(DirectoryKind::State) => (Uses, Of("It gets the directory {} below /var/lib.")),
        F::Directory(DirectoryKind::Cache) => (Uses, Of("It gets the directory {} below /var/cache.")),
        F::Directory(DirectoryKind::Logs) => (Uses, Of("It gets the directory {} below /var/log.")),
        F::Directory(DirectoryKind::Configuration) => (Uses, Of("There is the directory {} below /etc.")),
        F::DirectoryMode(DirectoryKind::Runtime) => (Uses, Of("That below /run has the mode {}.")),
        F::DirectoryMode(DirectoryKind::State) => (Uses, Of("That below /var/lib has the mode {}.")),
        F::DirectoryMode(DirectoryKind::Cache) => (Uses, Of("That below /var/cache has the mode {}.")),
        F::DirectoryMode(DirectoryKind::Logs) => (Uses, Of("That below /var/log has the mode {}.")),
        F::DirectoryMode(DirectoryKind::Configuration) => (Uses, Of("That below /etc has the mode {}.")),
        F::Limit(resource) => (Uses, Of(limit(resource))),
        F::Nice => (Uses, Of("Its nice level is {}.")),
        F::OomScoreAdjust => (Uses, Of("Its score for lack of memory is changed by {} (-1000: it is never killed).")),
        F::PreventCore => (Uses, Either("It never dumps core.", "It may dump core.")),
        F::CoredumpFilter => (Uses, Of("A core dump has the mappings {}.")),
        F::IoSchedulingClass => (Uses, Of("Its class for disks is {}.")),
        F::IoSchedulingPriority => (Uses, Of("Its priority for disks is {} (0 is first).")),
        F::CpuSchedulingPolicy => (Uses, Of("Its scheduling policy is {}.")),
        F::CpuSchedulingPriority => (Uses, Of("Its real-time priority is {}.")),
        F::CpuSchedulingResetOnFork => (Uses, Either("Its children have the ordinary policy.", "Its children inherit its policy.")),
        F::CpuAffinity => (Uses, Of("It runs on the processors {}.")),
        F::TimerSlackNSec => (Uses, Of("Its timers may be late by {}.")),
        F::NumaPolicy => (Uses, Of("Its memory policy is {}.")),
        F::NumaMask => (Uses, Of("That policy is for the nodes {}.")),
        F::TasksMax => (Uses, Of("It may have {} processes and threads.")),
        F::MemoryMin => (Uses, Of("{} of its memory is never reclaimed.")),
        F::MemoryLow => (Uses, Of("{} of its memory is reclaimed last.")),
        F::MemoryHigh => (Uses, Of("It is slowed down above {} of memory.")),
        F::MemoryMax => (Uses, Of("It may use {} of memory; above that one of its processes is killed.")),
        F::MemorySwapMax => (Uses, Of("It may use {} of swap.")),
        F::CpuWeight => (Uses, Of("Its share of the processors is {} (100 is ordinary).")),
        F::CpuQuota => (Uses, Of("It may use {} of one processor.")),
        F::AllowedCpus => (Uses, Of("All its processes run on the processors {}.")),
        F::AllowedMemoryNodes => (Uses, Of("All its processes have memory of the nodes {}.")),
        F::IoWeight => (Uses, Of("Its share of disks is {} (100 is ordinary).")),
    }
}

/// The sentence of a limit of setrlimit(2).
#[rustfmt::skip]
fn limit(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "Each process may use {} of processor time.",
        Resource::Fsize => "Each file that it writes may have {} bytes.",
        Resource::Data => "Each process may have {} bytes of data.",
        Resource::Stack => "Each process may have {} bytes of stack.",
        Resource::Core => "A core dump may have {} bytes.",
        Resource::Rss => "Each process may have {} bytes of resident memory, which Linux ignores.",
        Resource::Nofile => "Each process may have {} open descriptors.",
        Resource::As => "Each process may have {} bytes of address space.",
        Resource::Nproc => "Its user may have {} processes.",
        Resource::Memlock => "Each process may lock {} bytes of memory.",
        Resource::Locks => "Each process may have {} file locks, which Linux ignores.",
        Resource::Sigpending => "Its user may have {} pending signals.",
        Resource::Msgqueue => "Its user may have {} bytes of message queues.",
        Resource::Nice => "It may raise its priority to {} (20 less the nice level).",
        Resource::Rtprio => "It may have the real-time priority {}.",
        Resource::Rttime => "A real-time process may run {} without a pause.",
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::FIELDS;

    use super::*;

    #[test]
    fn sentence_of_each_field_has_its_value_and_ends_with_a_point() {
        for row in &FIELDS {
            let (_, text) = sentence(row.field, &["yes".to_owned()]);
            assert!(text.ends_with('.') && !text.contains("{}"), "{}: {text}", row.option);
            if matches!(pattern(row.field).1, Pattern::Of(_)) {
                assert_ne!(text, sentence(row.field, &["no".to_owned()]).1, "{}", row.option);
            }
        }
    }

    #[test]
    fn words_for_types_and_restarts_are_all_known() {
        for (_, value) in svcadapt_spec::ServiceType::ALL {
            assert!(TYPES.iter().any(|(known, _)| *known == value), "{value}");
        }
        for (_, value) in svcadapt_spec::Restart::ALL {
            assert!(RESTARTS.iter().any(|(known, _)| *known == value), "{value}");
        }
    }
}
