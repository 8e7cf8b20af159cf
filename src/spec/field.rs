//! The table of all fields of a spec.
//!
//! Options, units and JSON all take their fields from this table, so that a field exists in all of them.

mod life;
mod process;
mod program;

use super::{DirectoryKind, FieldRow, Resource};

/// A field of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each has its help text in the tables below")]
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
    Condition,
    Assert,
    ExecPrefix,
    ExecCondition,
    ExecStartPre,
    ExecStart,
    ExecStartPost,
    ExecReload,
    ExecStop,
    ExecStopPost,
    RemainAfterExit,
    RestartSteps,
    RestartMaxDelaySec,
    RestartMode,
    RestartPreventExitStatus,
    RestartForceExitStatus,
    SuccessExitStatus,
    StartLimitIntervalSec,
    StartLimitBurst,
    RuntimeMaxSec,
    RuntimeRandomizedExtraSec,
    TimeoutAbortSec,
    TimeoutStartFailureMode,
    TimeoutStopFailureMode,
    KillMode,
    RestartKillSignal,
    FinalKillSignal,
    WatchdogSignal,
    SendSighup,
    SendSigkill,
    WatchdogSec,
    RuntimeDirectoryPreserve,
    GuessMainPid,
    OomPolicy,
    IoSchedulingClass,
    IoSchedulingPriority,
    CpuSchedulingPolicy,
    CpuSchedulingPriority,
    CpuSchedulingResetOnFork,
    CpuAffinity,
    TimerSlackNSec,
}

/// All fields, in the order of the help text.
pub const FIELDS: [FieldRow; PROGRAM + LIFE + PROCESS] = {
    let mut all = [program::ROWS[0]; PROGRAM + LIFE + PROCESS];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < PROGRAM {
            program::ROWS[at]
        } else if at < PROGRAM + LIFE {
            life::ROWS[at - PROGRAM]
        } else {
            process::ROWS[at - PROGRAM - LIFE]
        };
        at += 1;
    }
    all
};

const PROGRAM: usize = program::ROWS.len();
const LIFE: usize = life::ROWS.len();
const PROCESS: usize = process::ROWS.len();
