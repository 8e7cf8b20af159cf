//! `[Service]`, without what it shares with `[Socket]` (systemd.service(5)).

use super::DirectiveRow;
use super::ValueKind::Boolean;
use super::ValueKind::BooleanOr;
use super::ValueKind::CommandLine;
use super::ValueKind::Enum;
use super::ValueKind::Integer;
use super::ValueKind::Other;
use super::ValueKind::Path;
use super::ValueKind::Signal;
use super::ValueKind::Text;
use super::ValueKind::Timespan;
use super::ValueKind::Words;
use super::choices::ACTION;
use super::choices::EXIT_TYPE;
use super::choices::FAILURE_MODE;
use super::choices::NOTIFY_ACCESS;
use super::choices::OOM_POLICY;
use super::choices::PRESERVE;
use super::choices::RESTART;
use super::choices::RESTART_MODE;
use super::choices::TYPE;
use super::d;

pub(super) const SERVICE: &[DirectiveRow] = &[
    d("BusName", 0, Text),
    d("BusPolicy", 0, Other).gone(236),
    d("ExecCondition", 243, CommandLine),
    d("ExecReload", 0, CommandLine),
    d("ExecReloadPost", 259, CommandLine),
    d("ExecStart", 0, CommandLine),
    d("ExecStartPost", 0, CommandLine),
    d("ExecStartPre", 0, CommandLine),
    d("ExecStop", 0, CommandLine),
    d("ExecStopPost", 0, CommandLine),
    d("ExitType", 250, Enum(EXIT_TYPE)),
    d("FailureAction", 0, Enum(ACTION)),
    d("FileDescriptorStoreMax", 0, Integer),
    d("FileDescriptorStorePreserve", 254, BooleanOr(PRESERVE)),
    d("GuessMainPID", 0, Boolean),
    d("LUOSession", 262, Words).system(),
    d("NonBlocking", 0, Boolean),
    d("NotifyAccess", 0, Enum(NOTIFY_ACCESS)),
    d("OOMPolicy", 243, Enum(OOM_POLICY)),
    d("OpenFile", 253, Other),
    d("PIDFile", 0, Path),
    d("PermissionsStartOnly", 0, Boolean),
    d("RebootArgument", 0, Text),
    d("RefreshOnReload", 260, Other),
    d("ReloadSignal", 253, Signal),
    d("RemainAfterExit", 0, Boolean),
    d("Restart", 0, Enum(RESTART)),
    d("RestartForceExitStatus", 0, Words),
    d("RestartMaxDelaySec", 254, Timespan),
    d("RestartMode", 254, Enum(RESTART_MODE)),
    d("RestartPreventExitStatus", 0, Words),
    d("RestartRandomizedDelaySec", 262, Timespan),
    d("RestartSec", 0, Timespan),
    d("RestartSteps", 254, Integer),
    d("RootDirectoryStartOnly", 0, Boolean),
    d("RuntimeMaxSec", 0, Timespan),
    d("RuntimeRandomizedExtraSec", 250, Timespan),
    d("Sockets", 0, Words),
    d("StartLimitAction", 0, Enum(ACTION)),
    d("StartLimitBurst", 0, Integer),
    d("StartLimitInterval", 0, Timespan),
    d("SuccessExitStatus", 0, Words),
    d("SysVStartPriority", 0, Other).gone(236),
    d("TimeoutAbortSec", 243, Timespan),
    d("TimeoutSec", 0, Timespan),
    d("TimeoutStartFailureMode", 246, Enum(FAILURE_MODE)),
    d("TimeoutStartSec", 0, Timespan),
    d("TimeoutStopFailureMode", 246, Enum(FAILURE_MODE)),
    d("TimeoutStopSec", 0, Timespan),
    d("Type", 0, Enum(TYPE)),
    d("USBFunctionDescriptors", 0, Path),
    d("USBFunctionStrings", 0, Path),
    d("WatchdogSec", 0, Timespan),
];
