//! Every field, written and read back.

use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::{FIELDS, Field as F, Origin, SpecDraft};

/// A spec that says everything there is.
fn everything() -> ServiceSpec {
    let mut draft = SpecDraft::new();
    draft.command(vec!["/bin/true".into(), "a b".into()]);
    for row in &FIELDS {
        let values: &[&[u8]] = match row.field {
            F::Name => &[b"web@1"],
            F::Description => &[b"-100 % \"sure\""],
            F::Type => &[b"exec"],
            F::User => &[b"DOMAIN\\web"],
            F::Group => &[b"33"],
            F::SupplementaryGroups => &[b"ssl", b"7"],
            F::Umask => &[b"027"],
            F::WorkingDirectory | F::RootDirectory | F::PidFile => &[b"/a \xff$%"],
            F::Environment => &[b"A=\xfe=\n", b"B="],
            F::EnvironmentFile => &[b"-/a*b", b"/c"],
            F::PassEnvironment | F::UnsetEnvironment => &[b"LANG", b"TZ"],
            F::CleanEnvironment => &[b"no"],
            F::StandardInput => &[b"file:/\xff"],
            F::StandardOutput => &[b"truncate:/\xff:"],
            F::StandardError => &[b"inherit"],
            F::Limit(Resource::Cpu) => &[b"1min:infinity"],
            F::Limit(Resource::Nice | Resource::Rtprio) => &[b"3:4"],
            F::Limit(_) => &[b"1:2"],
            F::Nice => &[b"-5"],
            F::OomScoreAdjust => &[b"-1000"],
            F::ExpandVariables | F::PreventCore | F::NoNewPrivileges | F::LaunchdActivation => &[b"yes"],
            F::Argv0 => &[b"-\xff a"],
            F::CapabilityBoundingSet => &[b"CAP_CHOWN CAP_KILL"],
            F::AmbientCapabilities => &[b"CAP_KILL"],
            F::Directory(_) => &[b"web", b"web/data"],
            F::DirectoryMode(_) => &[b"2750"],
            F::FilesPreserve => &[b"14", b"15"],
            F::ListenStream => &[b"80", b"[::1]:80", b"/a \xff$%", b"@\xff"],
            F::ListenDatagram => &[b"127.0.0.1:53"],
            F::ListenSequentialPacket => &[b"@x", b"/-"],
            F::FileDescriptorName => &[b"-web %"],
            F::SocketMode => &[b"660"],
            F::SocketUser | F::IoSchedulingPriority => &[b"7"],
            F::SocketGroup => &[b"ssl"],
            F::BindIPv6Only => &[b"ipv6-only"],
            F::Backlog => &[b"4294967295"],
            F::Ready => &[b"notify", b"tcp:[::1]:80", b"unix:/\xff", b"exec:a; b", b"fd:13"],
            F::NotificationFd => &[b"9"],
            F::TimeoutStartSec => &[b"1500ms"],
            F::TimeoutStopSec | F::TimerSlackNSec => &[b"infinity"],
            F::Restart => &[b"on-abnormal"],
            F::RestartSec => &[b"0"],
            F::KillSignal => &[b"SIGRTMIN+3"],
            F::ReloadSignal => &[b"USR1"],
            F::Condition => &[b"PathExists=|!/a \xff$%", b"Memory=>=1G"],
            F::Assert => &[b"User=root"],
            F::ExecPrefix => &[b"-!!"],
            F::ExecCondition | F::ExecStartPre | F::ExecStart | F::ExecStartPost => {
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
            F::RestartPreventExitStatus | F::RestartForceExitStatus | F::SuccessExitStatus => {
                &[b"1 TEMPFAIL SIGHUP", b"255"]
            }
            F::RestartMaxDelaySec | F::StartLimitIntervalSec | F::RuntimeMaxSec => &[b"0s"],
            F::RuntimeRandomizedExtraSec | F::TimeoutAbortSec | F::WatchdogSec => &[b"1501ms"],
            F::TimeoutStartFailureMode | F::TimeoutStopFailureMode => &[b"abort"],
            F::KillMode => &[b"mixed"],
            F::RestartKillSignal | F::FinalKillSignal | F::WatchdogSignal => &[b"QUIT"],
            F::RuntimeDirectoryPreserve => &[b"restart"],
            F::OomPolicy => &[b"continue"],
            F::IoSchedulingClass => &[b"3"],
            F::CpuSchedulingPolicy => &[b"rr"],
            F::CpuSchedulingPriority => &[b"99"],
            F::CpuAffinity => &[b"0-3,5", b"4 8191"],
        };
        for value in values {
            draft.assign(row.field, OsStr::from_bytes(value), Origin::Option);
        }
    }
    draft.finish().unwrap()
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
    assert!(FIELDS.iter().all(|row| !values(&spec, row.field).is_empty()));
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
