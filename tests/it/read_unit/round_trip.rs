//! Written units are read back unchanged.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::Value;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Systemd, Target, divide};
use svcadapt_convert::unit::internal::commands;
use svcadapt_convert::unit::{ParsedUnit, UnitFile, UnitName, read_socket, write, write_socket};
use svcadapt_spec::{
    FIELDS, Field, Native, Origin, Output, Probe, ServiceSpec, ServiceType, SocketOption, SpecDraft, literal,
};

use super::read_text;
use crate::harness::rounds;
use crate::support::Chance;

/// Versions before and after the changes to reload and standard output.
const VERSIONS: [Version; 3] = [Version::OLDEST, Version::DEFAULT, Version::NEWEST];

/// A valid or invalid value for a field.
#[allow(clippy::too_many_lines, reason = "a table")]
fn value(field: Field, chance: &mut Chance) -> OsString {
    let text = chance.text(8, "");
    let pick = |chance: &mut Chance, all: &[&str]| all[chance.below(all.len())].to_owned();
    let value = match field {
        Field::Name => "web".into(),
        Field::Description => format!("x{text}x"),
        Field::Type => pick(chance, &["simple", "exec", "notify", "notify-reload", "forking", "oneshot"]),
        Field::User | Field::Group | Field::SupplementaryGroups => pick(chance, &["web", "7", "D\\web"]),
        Field::WorkingDirectory | Field::RootDirectory => format!("/a{text}x"),
        Field::PidFile | Field::RemovePidFile => format!("/run/a{text}x"),
        Field::Environment => format!("A{}={text}", chance.below(5)),
        Field::EnvironmentFile => format!("{}/e{text}x", pick(chance, &["", "-"])),
        Field::PassEnvironment | Field::UnsetEnvironment => pick(chance, &["A", "LANG", "_x9"]),
        Field::StandardInput => pick(chance, &["null", "inherit", "file:/a b%"]),
        Field::StandardOutput | Field::StandardError => {
            pick(chance, &["null", "inherit", "append:/a $b", "truncate:/%n", "file:/x:y"])
        }
        Field::Limit(_) => pick(chance, &["1", "5:infinity", "infinity", "3:4"]),
        Field::Nice | Field::OomScoreAdjust => pick(chance, &["-5", "0", "19"]),
        Field::CapabilityBoundingSet => pick(chance, &["", "~", "CAP_CHOWN CAP_KILL", "~CAP_KILL"]),
        Field::AmbientCapabilities => "CAP_CHOWN".into(),
        Field::Directory(_) => pick(chance, &["web", "web@1/x", "a_b"]),
        Field::Umask | Field::DirectoryMode(_) => pick(chance, &["027", "0", "700"]),
        Field::FilesPreserve => pick(chance, &["25", "26"]),
        Field::ListenStream => match chance.below(4) {
            0 => format!("/a{text}x"),
            1 => format!("@{text}x"),
            _ => pick(chance, &["80", "127.0.0.1:80", "[::1]:80"]),
        },
        Field::ListenDatagram => pick(chance, &["53", "[::]:53", "/run/x%n"]),
        Field::ListenSequentialPacket => format!("/run/b{text}x"),
        Field::ListenFifo | Field::ListenSpecial => format!("/run/c{text}x"),
        Field::ListenNetlink => pick(chance, &["route 1", "generic"]),
        Field::ListenMessageQueue => pick(chance, &["/q", "/a b%n"]),
        Field::FileDescriptorName => pick(chance, &["web", "a b", "%n\\x"]),
        Field::SocketMode => pick(chance, &["0", "660"]),
        Field::SocketUser | Field::SocketGroup => pick(chance, &["web", "7", "D\\w"]),
        Field::BindIPv6Only => pick(chance, &["default", "both", "ipv6-only"]),
        Field::SocketOption(option) => match option {
            SocketOption::TcpCongestion => "cubic".into(),
            SocketOption::BindToDevice => "lo".into(),
            SocketOption::IpTos => pick(chance, &["low-delay", "4"]),
            SocketOption::ReceiveBuffer | SocketOption::SendBuffer | SocketOption::PipeSize => {
                pick(chance, &["8K", "4096"])
            }
            SocketOption::IpTtl
            | SocketOption::KeepAliveProbes
            | SocketOption::KeepAliveTimeSec
            | SocketOption::KeepAliveIntervalSec
            | SocketOption::DeferAcceptSec
            | SocketOption::SocketTimeoutSec
            | SocketOption::Priority
            | SocketOption::Mark
            | SocketOption::MaxConnections
            | SocketOption::MaxConnectionsPerSource
            | SocketOption::MessageQueueMaxMessages
            | SocketOption::MessageQueueMessageSize => pick(chance, &["1", "200"]),
            _ => pick(chance, &["yes", "no"]),
        },
        Field::Backlog | Field::FileDescriptorStoreMax => pick(chance, &["0", "4294967295"]),
        Field::NotificationFd => "9".into(),
        Field::WatchdogProbe => pick(chance, &["tcp:80", "exec:a; b", "file:/x"]),
        Field::Ready => match chance.below(4) {
            0 => "notify".into(),
            1 => format!("exec:{text}x"),
            2 => format!("unix:/{text}"),
            _ => "tcp:[::1]:80".into(),
        },
        Field::Restart => pick(chance, &["no", "always", "on-failure", "on-watchdog"]),
        Field::RestartSec => pick(chance, &["0", "5", "1min"]),
        Field::KillSignal | Field::ReloadSignal => pick(chance, &["INT", "SIGHUP", "RTMIN+2"]),
        Field::TimeoutStartSec | Field::TimeoutStopSec => pick(chance, &["90", "1500ms", "infinity"]),
        Field::Argv0 => format!("-{text}$x"),
        Field::Condition | Field::Assert => match chance.below(3) {
            0 => format!("PathExists=/a{text}x"),
            1 => format!("Environment=!a{text}x"),
            _ => pick(chance, &["Memory=|>=1G", "FirstBoot=|!no", "Host=%n"]),
        },
        Field::ExecPrefix => pick(chance, &["-", "+", "-!", "!!"]),
        Field::SocketCommand(_)
        | Field::ExecCondition
        | Field::ExecStartPre
        | Field::ExecStart
        | Field::ExecStartPost
        | Field::ExecReload
        | Field::ExecStop
        | Field::ExecStopPost => {
            let words = ["/bin/a", &chance.text(8, "$${}%;"), &text];
            let words = words.map(|word| format!("\"{}\"", svcadapt_spec::words::escaped(word.as_bytes())));
            let fixed =
                ["/bin/kill -HUP $MAINPID", "-@:+/bin/a zero \\;", "!!/bin/a '%n $$'", &words.join(" ")];
            pick(chance, &fixed)
        }
        Field::RestartSteps | Field::StartLimitBurst => pick(chance, &["0", "7", "4294967295"]),
        Field::RestartMaxDelaySec
        | Field::StartLimitIntervalSec
        | Field::RuntimeMaxSec
        | Field::RuntimeRandomizedExtraSec
        | Field::TimeoutAbortSec
        | Field::WatchdogSec => pick(chance, &["0", "5", "1min", "infinity"]),
        Field::RestartMode => pick(chance, &["normal", "direct"]),
        Field::OnFailure | Field::OnSuccess => pick(chance, &["a.service", "a@x.service b.target"]),
        Field::RestartPreventExitStatus | Field::RestartForceExitStatus | Field::SuccessExitStatus => {
            pick(chance, &["1 TEMPFAIL SIGHUP", "255", "KILL"])
        }
        Field::TimeoutStartFailureMode | Field::TimeoutStopFailureMode => {
            pick(chance, &["terminate", "abort", "kill"])
        }
        Field::KillMode => pick(chance, &["control-group", "mixed", "process", "none"]),
        Field::RestartKillSignal | Field::FinalKillSignal | Field::WatchdogSignal => {
            pick(chance, &["INT", "SIGHUP", "RTMIN+2"])
        }
        Field::RuntimeDirectoryPreserve | Field::FileDescriptorStorePreserve => {
            pick(chance, &["no", "yes", "restart"])
        }
        Field::OomPolicy => pick(chance, &["continue", "stop", "kill"]),
        Field::RemainAfterExit
        | Field::SendSighup
        | Field::SendSigkill
        | Field::GuessMainPid
        | Field::CleanEnvironment
        | Field::PreventCore
        | Field::NoNewPrivileges
        | Field::DynamicUser
        | Field::ExpandVariables
        | Field::LaunchdActivation
        | Field::StartOnConnect => pick(chance, &["yes", "no"]),
        Field::IdleExit => pick(chance, &["7", "1min"]),
        field => pick(chance, of_process(field)),
    };
    value.into()
}

/// Values of the fields of the process.
fn of_process(field: Field) -> &'static [&'static str] {
    match field {
        Field::IoSchedulingClass => &["none", "realtime", "2", "idle"],
        Field::IoSchedulingPriority => &["0", "7"],
        Field::CpuSchedulingPolicy => &["other", "rr", "3"],
        Field::CpuSchedulingPriority => &["0", "99"],
        Field::CpuSchedulingResetOnFork
        | Field::IgnoreSigpipe
        | Field::SyslogLevelPrefix
        | Field::LogTimestamps
        | Field::TtyReset
        | Field::TtyVHangup
        | Field::TtyVtDisallocate => &["yes", "no"],
        Field::Personality => &["x86", "x86-64"],
        Field::KeyringMode => &["inherit", "private", "shared"],
        Field::SecureBits => &["noroot", "keep-caps no-setuid-fixup-locked"],
        Field::CoredumpFilter => &["default", "all", "0", "7f0"],
        Field::LoadCredential => &["key:/etc/key", "other"],
        Field::ImportCredential => &["key", "app.*:new."],
        Field::SetCredential => &["key:a b:\\x00\\xff%", "empty:\\x00"],
        Field::NumaPolicy => &["default", "bind"],
        Field::NumaMask => &["0", "all", "0-1 3"],
        Field::StandardInputText => &["a b", "%n \\"],
        Field::StandardInputData => &["Zm9v", "AP/+Cg=="],
        Field::SyslogIdentifier => &["web", "a %n"],
        Field::SyslogFacility => &["local0", "3"],
        Field::SyslogLevel => &["err", "7"],
        Field::LogRotateSize => &["4K", "10485760"],
        Field::LogRotateAge => &["1d", "infinity"],
        Field::LogKeep => &["1", "14"],
        Field::LogCompress => &["gzip", "none"],
        Field::ReopenSignal => &["USR1", "RTMIN+2"],
        Field::TtyPath => &["/dev/tty1", "/dev/a%b"],
        Field::TtyRows | Field::TtyColumns => &["0", "80"],
        Field::CpuAffinity | Field::AllowedCpus | Field::AllowedMemoryNodes => &["0", "0-3,5", "8191 1"],
        Field::TasksMax => &["2048", "0.5%", "infinity"],
        Field::MemoryMin | Field::MemoryLow | Field::MemoryHigh | Field::MemoryMax | Field::MemorySwapMax => {
            &["1023", "1.5G", "33.33%", "infinity"]
        }
        Field::CpuWeight => &["1", "10000"],
        Field::CpuQuota => &["0.01%", "50%", "1250%"],
        Field::IoWeight => &["1", "500"],
        Field::TimerSlackNSec => &["50", "1ms", "infinity"],
        field => unreachable!("{field:?} has no values"),
    }
}

fn spec(chance: &mut Chance) -> Option<ServiceSpec> {
    let mut draft = SpecDraft::new();
    let mut words: Vec<OsString> = vec![if chance.below(9) == 0 { "/bin/a$b" } else { "/bin/true" }.into()];
    words.extend((0..chance.below(5)).map(|_| OsString::from(chance.text(8, "$${}"))));
    draft.command(words);
    for row in &FIELDS {
        for _ in 0..[0, 0, 0, 0, 1, 2][chance.below(6)] {
            draft.assign(row.field, value(row.field, chance), Origin::Option);
        }
    }
    draft.assign(Field::Name, "web", Origin::Option);
    draft.finish().ok()
}

/// A spec without settings that are systemd's defaults.
fn as_run(mut spec: ServiceSpec, text: &str) -> ServiceSpec {
    let adapter_tells = text.contains("svcadapt run") && text.lines().any(|line| line.starts_with("Ready="));
    if spec.service_type.is_none() && !adapter_tells {
        let kind = text.lines().find_map(|line| line.strip_prefix("Type=")).unwrap();
        spec.service_type = Some(ServiceType::parse(OsStr::new(kind)).unwrap());
    }
    // An unset standard error follows standard output.
    let above = text.split("[X-Svcadapt]").next().unwrap_or_default();
    let files = matches!(spec.standard_output, Some(Output::File(..) | Output::Null));
    if spec.standard_error.is_none() && files && above.contains("\nStandardOutput=") {
        spec.standard_error = spec.standard_output.clone();
    }
    // The type and the probe say the same.
    if spec.ready.iter().all(|probe| *probe == Probe::Notify)
        && ["NotifyAccess=main", "NotifyAccess=exec"].iter().any(|line| above.contains(line))
    {
        spec.ready.truncate(1);
    }
    spec.directories.sort_by_key(|directory| directory.kind);
    // Conditions that systemd does not know are in another section; their order has no meaning.
    spec.conditions.sort_by_key(ToString::to_string);
    spec.assertions.sort_by_key(ToString::to_string);
    spec
}

fn read_sockets(text: &str, reading: &mut ParsedUnit) {
    let name = UnitName::parse("web.service").unwrap();
    let file = UnitFile::parse(Path::new("/units/web.socket"), text.as_bytes()).unwrap();
    read_socket(&name, &file, &[], reading).unwrap();
}

#[test]
fn random_specs_round_trip_through_a_unit() {
    let mut chance = Chance(2_024);
    let (mut same, mut unwritable, mut adapted, mut listening) = (0, 0, 0, 0);
    for _ in 0..rounds(4_000) {
        let Some(spec) = spec(&mut chance) else { continue };
        let host = Systemd { version: VERSIONS[chance.below(VERSIONS.len())], ..Systemd::default() };
        let division = divide(&spec, Target::Systemd(host));
        let Ok(unit) = write(&spec, &division, Path::new("/usr/bin/svcadapt")) else {
            unwritable += 1;
            continue;
        };
        let Ok(socket) = write_socket(&spec, &division) else {
            unwritable += 1;
            continue;
        };
        assert_eq!(
            crate::gen_unit::rewrite_installed_units::unknown_to(host.version, &unit.text),
            [""; 0],
            "{:?}",
            host.version
        );
        let mut reading =
            read_text("web.service", unit.text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{}", unit.text));
        if let Some(text) = &socket {
            read_sockets(text, &mut reading);
            listening += 1;
        }
        assert_eq!(reading.warnings, [], "{}", unit.text);
        assert_eq!(reading.not_honoured(), [] as [&svcadapt_convert::unit::Unmapped; 0], "{}", unit.text);
        let read = reading.draft.finish().unwrap_or_else(|e| panic!("{}\n{}", e[0], unit.text));
        let again = write(&read, &divide(&read, Target::Systemd(host)), Path::new("/usr/bin/svcadapt"));
        let again = again.unwrap_or_else(|refused| panic!("{}\n{}", refused[0], unit.text));
        let mut twice = read_text("web.service", again.text.as_bytes()).unwrap();
        let socket = write_socket(&read, &divide(&read, Target::Systemd(host))).unwrap();
        if let Some(text) = &socket {
            read_sockets(text, &mut twice);
        }
        let twice = twice.draft.finish().unwrap();
        assert_eq!(twice, read, "{}\n{}", unit.text, again.text);
        let read = ServiceSpec { native: Native::default(), ..read };
        let mut read = read;
        read.conditions.sort_by_key(ToString::to_string);
        read.assertions.sort_by_key(ToString::to_string);
        assert_eq!(read, as_run(spec, &unit.text), "{}", unit.text);
        same += 1;
        adapted += usize::from(division.needs_adapter());
    }
    eprintln!("{same} read back, {adapted} of them with an adapter; {unwritable} cannot be written");
    assert!(
        same > rounds(1_000) && adapted > rounds(300) && listening > rounds(300),
        "{same} {adapted} {listening} {unwritable}"
    );
}

#[test]
fn ambiguous_adapter_command_is_resolved_by_our_own_section() {
    let text = "[Service]\nType=notify\nExecStart=/a/svcadapt run --ready tcp:80 -- /bin/x \"$$a\"\n";
    let command = |text: &str| {
        let spec = read_text("a.service", text.as_bytes()).unwrap().draft.finish().unwrap();
        (spec.command.argv().map(OsStr::to_owned).collect::<Vec<_>>(), spec.service_type, spec.ready.len())
    };
    let (argv, kind, ready) = command(&format!("{text}[X-Svcadapt]\nReady=tcp:80\n"));
    assert_eq!((argv, kind, ready), (vec!["/bin/x".into(), "$a".into()], None, 1));
    // Without the section the adapter's options are read, if they are valid.
    assert_eq!(command(text), (vec!["/bin/x".into(), "$a".into()], None, 1));
    let strange = text.replace("--ready", "--strange");
    assert_eq!(command(&strange).0[0], "/a/svcadapt");
}

#[test]
fn recorded_words_round_trip() {
    let file: Value = serde_json::from_str(include_str!("../../fixtures/escape-vectors.json")).unwrap();
    let mut held = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let (Some(text), Some(hex)) = (vector["unit_text"].as_str(), vector["input"]["hex"].as_str()) else {
            continue;
        };
        if vector["kind"] != "exec_arg" {
            continue;
        }
        let bytes: Vec<u8> =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        let name = UnitName::parse("a.service").unwrap();
        let mut read = commands(&format!("/bin/x {text}"), &name, Path::new("/a.service")).unwrap();
        let argv = read.commands.remove(0).argv;
        assert_eq!((argv.len(), read.warnings.len()), (2, 0), "{text}");
        assert_eq!(literal(&argv[1]).unwrap().as_bytes(), bytes, "{text}");
        held += 1;
    }
    assert!(held > 50, "{held}");
}
