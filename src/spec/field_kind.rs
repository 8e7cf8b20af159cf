//! The kinds of values, for formats that have more than text.

use super::Field as F;
use super::log_file::COMPRESSIONS;
use super::log_stream::{FACILITY_NAMES, LEVEL_NAMES};
use super::{
    CpuPolicy, FailureMode, Field, IoClass, KeyringMode, KillMode, NumaPolicy, OomPolicy, Personality,
    Preserve, RestartMode,
};

/// A kind of value. Of a field that can be said many times it is the kind of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
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
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A whole number, or a string `SOFT:HARD`.
    Limit,
    /// A whole number of seconds, or a string as systemd.time(7) has it.
    Time,
    /// A string.
    String,
    /// A string, or bytes that are not UTF-8.
    Bytes,
}

impl Field {
    /// The kind of its values, or of each of them.
    #[doc(hidden)]
    #[expect(clippy::too_many_lines, reason = "a line a field")]
    pub fn kind(self) -> FieldKind {
        match self {
            F::CleanEnvironment
            | F::ExpandVariables
            | F::PreventCore
            | F::NoNewPrivileges
            | F::DynamicUser
            | F::LaunchdActivation
            | F::StartOnConnect
            | F::RemainAfterExit
            | F::SendSighup
            | F::SendSigkill
            | F::GuessMainPid
            | F::CpuSchedulingResetOnFork
            | F::SyslogLevelPrefix
            | F::LogTimestamps
            | F::IgnoreSigpipe
            | F::TtyReset
            | F::TtyVHangup
            | F::TtyVtDisallocate => FieldKind::Boolean,
            F::TtyRows | F::TtyColumns => FieldKind::Integer(0, 65_535),
            F::IoSchedulingClass => FieldKind::Choice(&IoClass::NAMES),
            F::Personality => FieldKind::Choice(&Personality::NAMES),
            F::KeyringMode => FieldKind::Choice(&KeyringMode::NAMES),
            F::NumaPolicy => FieldKind::Choice(&NumaPolicy::NAMES),
            F::CpuSchedulingPolicy => FieldKind::Choice(&CpuPolicy::NAMES),
            F::IoSchedulingPriority => FieldKind::Integer(0, 7),
            F::CpuSchedulingPriority => FieldKind::Integer(0, 99),
            F::RestartMode => FieldKind::Choice(&RestartMode::NAMES),
            F::TimeoutStartFailureMode | F::TimeoutStopFailureMode => FieldKind::Choice(&FailureMode::NAMES),
            F::LogCompress => FieldKind::Choice(&COMPRESSIONS),
            F::LogKeep => FieldKind::Integer(1, 100_000),
            F::SyslogFacility => FieldKind::Choice(&FACILITY_NAMES),
            F::SyslogLevel => FieldKind::Choice(&LEVEL_NAMES),
            F::KillMode => FieldKind::Choice(&KillMode::NAMES),
            F::RuntimeDirectoryPreserve | F::FileDescriptorStorePreserve => {
                FieldKind::Choice(&Preserve::NAMES)
            }
            F::OomPolicy => FieldKind::Choice(&OomPolicy::NAMES),
            F::IoWeight => FieldKind::Integer(1, 10_000),
            F::Nice => FieldKind::Integer(-20, 19),
            F::OomScoreAdjust => FieldKind::Integer(-1000, 1000),
            F::FilesPreserve | F::NotificationFd => FieldKind::Integer(3, 1_048_575),
            F::Backlog | F::RestartSteps | F::StartLimitBurst | F::FileDescriptorStoreMax => {
                FieldKind::Integer(0, 4_294_967_295)
            }
            F::Umask | F::SocketMode => FieldKind::Octal(3),
            F::DirectoryMode(_) => FieldKind::Octal(4),
            F::Type => FieldKind::Type,
            F::Restart => FieldKind::Restart,
            F::Limit(_) => FieldKind::Limit,
            F::SocketOption(option) => option.kind(),
            F::TimeoutStartSec
            | F::TimeoutStopSec
            | F::TimeoutAbortSec
            | F::RestartSec
            | F::RestartMaxDelaySec
            | F::StartLimitIntervalSec
            | F::RuntimeMaxSec
            | F::RuntimeRandomizedExtraSec
            | F::WatchdogSec
            | F::IdleExit
            | F::LogRotateAge => FieldKind::Time,
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
            | F::ListenNetlink
            | F::KillSignal
            | F::ReloadSignal
            | F::ReopenSignal
            | F::LogRotateSize
            | F::RestartKillSignal
            | F::FinalKillSignal
            | F::WatchdogSignal
            | F::ExecPrefix
            | F::OnFailure
            | F::OnSuccess
            | F::RestartPreventExitStatus
            | F::RestartForceExitStatus
            | F::SuccessExitStatus
            | F::CpuAffinity
            | F::TimerSlackNSec
            | F::StandardInputData
            | F::SyslogIdentifier
            | F::SecureBits
            | F::CoredumpFilter
            | F::NumaMask
            | F::SetCredential
            | F::TasksMax
            | F::MemoryMin
            | F::MemoryLow
            | F::MemoryHigh
            | F::MemoryMax
            | F::MemorySwapMax
            | F::CpuWeight
            | F::CpuQuota
            | F::AllowedCpus
            | F::AllowedMemoryNodes
            | F::Directory(_) => FieldKind::String,
            F::Argv0
            | F::WorkingDirectory
            | F::RootDirectory
            | F::Environment
            | F::EnvironmentFile
            | F::StandardInput
            | F::StandardOutput
            | F::StandardError
            | F::StandardInputText
            | F::TtyPath
            | F::PidFile
            | F::RemovePidFile
            | F::ListenStream
            | F::ListenDatagram
            | F::ListenSequentialPacket
            | F::ListenFifo
            | F::ListenSpecial
            | F::ListenMessageQueue
            | F::LoadCredential
            | F::ImportCredential
            | F::Condition
            | F::Assert
            | F::SocketCommand(_)
            | F::ExecCondition
            | F::ExecStartPre
            | F::ExecStart
            | F::ExecStartPost
            | F::ExecReload
            | F::ExecStop
            | F::ExecStopPost
            | F::Ready
            | F::WatchdogProbe => FieldKind::Bytes,
        }
    }
}
