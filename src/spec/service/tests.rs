//! Every field, written and read back.

use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::{FIELDS, Field as F, Origin, SocketOption, SpecDraft};

/// A spec that says everything there is.
fn everything() -> ServiceSpec {
    let mut draft = SpecDraft::new();
    draft.command(vec!["/bin/true".into(), "a b".into()]);
    for row in &FIELDS {
        for value in values_of(row.field) {
            draft.assign(row.field, OsStr::from_bytes(value), Origin::Option);
        }
    }
    draft.finish().unwrap()
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn values_of(field: F) -> &'static [&'static [u8]] {
    match field {
        F::Name => &[b"web@1"],
        F::Description => &[b"-100 % \"sure\""],
        F::Type => &[b"exec"],
        F::User => &[b"DOMAIN\\web"],
        F::Group => &[b"33"],
        F::SupplementaryGroups => &[b"ssl", b"7"],
        F::Umask => &[b"027"],
        F::WorkingDirectory | F::RootDirectory | F::PidFile | F::RemovePidFile => &[b"/a \xff$%"],
        F::Environment => &[b"A=\xfe=\n", b"B="],
        F::EnvironmentFile => &[b"-/a*b", b"/c"],
        F::PassEnvironment | F::UnsetEnvironment => &[b"LANG", b"TZ"],
        F::CleanEnvironment => &[b"no"],
        F::StandardInput => &[b"data"],
        F::StandardOutput => &[b"truncate:/\xff:"],
        F::StandardError => &[b"inherit"],
        F::Limit(Resource::Cpu) => &[b"1min:infinity"],
        F::Limit(Resource::Nice | Resource::Rtprio) => &[b"3:4"],
        F::Limit(_) => &[b"1:2"],
        F::Nice => &[b"-5"],
        F::OomScoreAdjust => &[b"-1000"],
        F::ExpandVariables
        | F::PreventCore
        | F::NoNewPrivileges
        | F::DynamicUser
        | F::LaunchdActivation
        | F::StartOnConnect
        | F::FileDescriptorStorePreserve => &[b"yes"],
        F::Argv0 => &[b"-\xff a"],
        F::CapabilityBoundingSet => &[b"CAP_CHOWN CAP_KILL"],
        F::AmbientCapabilities => &[b"CAP_KILL"],
        F::Directory(_) => &[b"web", b"web/data"],
        F::DirectoryMode(_) => &[b"2750"],
        F::FilesPreserve => &[b"24", b"25"],
        F::ListenStream => &[b"80", b"[::1]:80", b"/a \xff$%", b"@\xff"],
        F::ListenDatagram => &[b"127.0.0.1:53"],
        F::ListenSequentialPacket => &[b"@x", b"/-"],
        F::ListenFifo | F::ListenSpecial => &[b"/f \xff$%"],
        F::ListenNetlink => &[b"route 1", b"31"],
        F::ListenMessageQueue => &[b"/q \xff"],
        F::FileDescriptorName => &[b"-web %"],
        F::SocketMode => &[b"660"],
        F::IdleExit => &[b"7s"],
        F::SocketUser | F::IoSchedulingPriority => &[b"7"],
        F::SocketGroup => &[b"ssl"],
        F::BindIPv6Only => &[b"ipv6-only"],
        F::SocketOption(option) => match option {
            SocketOption::KeepAliveTimeSec
            | SocketOption::KeepAliveIntervalSec
            | SocketOption::DeferAcceptSec
            | SocketOption::SocketTimeoutSec => &[b"7s"],
            SocketOption::TcpCongestion => &[b"cubic"],
            SocketOption::BindToDevice => &[b"lo"],
            SocketOption::KeepAliveProbes
            | SocketOption::Priority
            | SocketOption::ReceiveBuffer
            | SocketOption::SendBuffer
            | SocketOption::IpTos
            | SocketOption::IpTtl
            | SocketOption::Mark
            | SocketOption::MaxConnections
            | SocketOption::MaxConnectionsPerSource
            | SocketOption::PipeSize
            | SocketOption::MessageQueueMaxMessages
            | SocketOption::MessageQueueMessageSize => &[b"7"],
            _ => &[b"no"],
        },
        F::Backlog => &[b"4294967295"],
        F::Ready => &[
            b"notify",
            b"tcp:[::1]:80",
            b"unix:/\xff",
            b"exec:a; b",
            b"fd:23",
            b"http://127.0.0.1:80/x",
            b"alive:2s",
        ],
        F::WatchdogProbe => &[b"http://127.0.0.1:80/x"],
        F::NotificationFd => &[b"9"],
        F::StandardInputText => &[b"a \xff\n"],
        F::StandardInputData => &[b"Zm9v", b"AP/+ Cg=="],
        F::SyslogIdentifier => &[b"-web \xc3\xa9"],
        F::SyslogFacility => &[b"local7"],
        F::SyslogLevel => &[b"err"],
        F::LogRotateSize => &[b"1536K"],
        F::LogRotateAge => &[b"1d"],
        F::LogKeep => &[b"14"],
        F::LogCompress => &[b"gzip"],
        F::TtyPath => &[b"/dev/tty \xff"],
        F::LogTimestamps | F::SyslogLevelPrefix | F::TtyReset | F::TtyVHangup | F::TtyVtDisallocate => {
            &[b"on"]
        }
        F::TtyRows | F::TtyColumns => &[b"65535"],
        F::TimeoutStartSec => &[b"1500ms"],
        F::TimeoutStopSec | F::TimerSlackNSec => &[b"infinity"],
        F::Restart => &[b"on-abnormal"],
        F::RestartSec => &[b"0"],
        F::KillSignal => &[b"SIGRTMIN+3"],
        F::ReloadSignal | F::ReopenSignal => &[b"USR1"],
        F::Condition => &[b"PathExists=|!/a \xff$%", b"Memory=>=1G"],
        F::Assert => &[b"User=root"],
        F::ExecPrefix => &[b"-!!"],
        F::SocketCommand(_) | F::ExecCondition | F::ExecStartPre | F::ExecStart | F::ExecStartPost => {
            &[b"-@:+/bin/a zero '%n \\xff' $x", b"/bin/b \\;"]
        }
        F::ExecReload | F::ExecStop | F::ExecStopPost => &[b"/bin/kill -HUP $MAINPID"],
        F::RemainAfterExit
        | F::SendSighup
        | F::SendSigkill
        | F::GuessMainPid
        | F::CpuSchedulingResetOnFork => &[b"off"],
        F::RestartSteps | F::StartLimitBurst => &[b"4294967294"],
        F::RestartMode => &[b"direct"],
        F::OnFailure | F::OnSuccess => &[b"a@1.service", b"b:\\x2d.target"],
        F::RestartPreventExitStatus | F::RestartForceExitStatus | F::SuccessExitStatus => {
            &[b"1 TEMPFAIL SIGHUP", b"255"]
        }
        F::RestartMaxDelaySec | F::StartLimitIntervalSec | F::RuntimeMaxSec => &[b"0s"],
        F::RuntimeRandomizedExtraSec | F::TimeoutAbortSec | F::WatchdogSec => &[b"1501ms"],
        F::TimeoutStartFailureMode | F::TimeoutStopFailureMode => &[b"abort"],
        F::KillMode => &[b"mixed"],
        F::RestartKillSignal | F::FinalKillSignal | F::WatchdogSignal => &[b"QUIT"],
        F::RuntimeDirectoryPreserve => &[b"restart"],
        F::FileDescriptorStoreMax => &[b"64"],
        F::OomPolicy => &[b"continue"],
        F::IoSchedulingClass => &[b"3"],
        F::CpuSchedulingPolicy => &[b"rr"],
        F::CpuSchedulingPriority => &[b"99"],
        F::CpuAffinity | F::AllowedCpus | F::AllowedMemoryNodes => &[b"0-3,5", b"4 8191"],
        F::TasksMax => &[b"12.5%"],
        F::MemoryMin | F::MemoryLow | F::MemoryHigh | F::MemoryMax | F::MemorySwapMax => &[b"1G 512M"],
        F::CpuWeight => &[b"idle"],
        F::CpuQuota => &[b"250%"],
        F::IoWeight => &[b"10000"],
        F::IgnoreSigpipe => &[b"yes", b"no"],
        F::Personality => &[b"x86", b"s390x"],
        F::KeyringMode => &[b"inherit", b"private", b"shared"],
        F::SecureBits => &[b"noroot", b"keep-caps no-setuid-fixup-locked"],
        F::CoredumpFilter => &[b"default", b"all", b"0", b"7f0"],
        F::NumaPolicy => &[b"default", b"bind"],
        F::NumaMask => &[b"0", b"all", b"0-1 3"],
        F::LoadCredential => &[b"key:/etc/key", b"other"],
        F::ImportCredential => &[b"key", b"app.*", b"*:all.", b"old:new"],
        F::SetCredential => &[b"key:a b:\\x00\\xff%", b"empty:\\x00"],
    }
}

fn said_again(spec: &ServiceSpec) -> ServiceSpec {
    let mut draft = SpecDraft::new();
    draft.command(spec.command.argv().map(OsStr::to_owned).collect());
    for row in &FIELDS {
        for value in values(spec, row.field) {
            draft.assign(row.field, value, Origin::Option);
        }
    }
    draft.finish().unwrap()
}

#[test]
fn a_spec_that_is_said_again_is_the_same_spec() {
    let spec = everything();
    assert_eq!(said_again(&spec), spec);
    // Text is written as data.
    let said = |field| field == F::StandardInputText || !values(&spec, field).is_empty();
    assert!(FIELDS.iter().all(|row| said(row.field)));
}

#[test]
fn text_and_data_are_joined_in_their_order_and_an_empty_one_resets_both() {
    let data = |values: &[(F, &str)]| {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        draft.finish().unwrap().input_data
    };
    let (text, base64) = (F::StandardInputText, F::StandardInputData);
    assert_eq!(data(&[(text, "a"), (base64, "Yg=="), (text, "c")]), b"a\nbc\n");
    assert_eq!(data(&[(text, "a"), (base64, ""), (text, "c")]), b"c\n");
    assert_eq!(data(&[(base64, "Yg=="), (text, "")]), b"");
}

#[test]
fn what_is_not_said_has_no_value_and_an_empty_set_has_one() {
    let mut draft = SpecDraft::new();
    draft.command(vec!["/bin/true".into()]);
    let bare = draft.clone().finish().unwrap();
    assert!(FIELDS.iter().all(|row| values(&bare, row.field).is_empty()));
    draft.assign(F::CapabilityBoundingSet, "", Origin::Option);
    let spec = draft.finish().unwrap();
    assert_eq!(values(&spec, F::CapabilityBoundingSet), [""]);
    assert_eq!(said_again(&spec), spec);
}
