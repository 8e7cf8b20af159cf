//! The table of all fields of a spec.
//!
//! Options, units and JSON all take their fields from this table, so that a field exists in all of them.

mod life;
mod process;
mod program;
mod resources;
mod streams;

use super::{DirectoryKind, FieldRow, Resource, SocketMoment, SocketOption, socket_option};

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
    DynamicUser,
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
    RemovePidFile,
    FilesPreserve,
    ListenStream,
    ListenDatagram,
    ListenSequentialPacket,
    ListenFifo,
    ListenSpecial,
    ListenNetlink,
    ListenMessageQueue,
    FileDescriptorName,
    SocketMode,
    SocketUser,
    SocketGroup,
    BindIPv6Only,
    Backlog,
    SocketOption(SocketOption),
    SocketCommand(SocketMoment),
    LaunchdActivation,
    StartOnConnect,
    IdleExit,
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
    OnFailure,
    OnSuccess,
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
    WatchdogProbe,
    RuntimeDirectoryPreserve,
    FileDescriptorStoreMax,
    FileDescriptorStorePreserve,
    GuessMainPid,
    OomPolicy,
    IoSchedulingClass,
    IoSchedulingPriority,
    CpuSchedulingPolicy,
    CpuSchedulingPriority,
    CpuSchedulingResetOnFork,
    CpuAffinity,
    TimerSlackNSec,
    StandardInputText,
    StandardInputData,
    TtyPath,
    TtyReset,
    TtyVHangup,
    TtyVtDisallocate,
    TtyRows,
    TtyColumns,
    SyslogIdentifier,
    SyslogFacility,
    SyslogLevel,
    SyslogLevelPrefix,
    LogRotateSize,
    LogRotateAge,
    LogKeep,
    LogCompress,
    LogTimestamps,
    ReopenSignal,
    IgnoreSigpipe,
    Personality,
    KeyringMode,
    SecureBits,
    CoredumpFilter,
    NumaPolicy,
    NumaMask,
    LoadCredential,
    ImportCredential,
    SetCredential,
    TasksMax,
    MemoryMin,
    MemoryLow,
    MemoryHigh,
    MemoryMax,
    MemorySwapMax,
    CpuWeight,
    CpuQuota,
    AllowedCpus,
    AllowedMemoryNodes,
    IoWeight,
}

/// All fields, in the order of the help text.
pub const FIELDS: [FieldRow; PROGRAM + STREAMS + LIFE + PROCESS + RESOURCES + SOCKETS] = {
    let mut all = [program::ROWS[0]; PROGRAM + STREAMS + LIFE + PROCESS + RESOURCES + SOCKETS];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < PROGRAM {
            program::ROWS[at]
        } else if at < PROGRAM + STREAMS {
            streams::ROWS[at - PROGRAM]
        } else if at < PROGRAM + STREAMS + LIFE {
            life::ROWS[at - PROGRAM - STREAMS]
        } else if at < PROGRAM + STREAMS + LIFE + PROCESS {
            process::ROWS[at - PROGRAM - STREAMS - LIFE]
        } else if at < PROGRAM + STREAMS + LIFE + PROCESS + RESOURCES {
            resources::ROWS[at - PROGRAM - STREAMS - LIFE - PROCESS]
        } else {
            socket_option::ROWS[at - PROGRAM - STREAMS - LIFE - PROCESS - RESOURCES]
        };
        at += 1;
    }
    all
};

const PROGRAM: usize = program::ROWS.len();
const STREAMS: usize = streams::ROWS.len();
const LIFE: usize = life::ROWS.len();
const PROCESS: usize = process::ROWS.len();
const RESOURCES: usize = resources::ROWS.len();
const SOCKETS: usize = socket_option::ROWS.len();
