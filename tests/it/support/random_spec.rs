//! Random specs with any combination of fields.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::{
    Arity, Directive, FIELDS, Field, Field as F, Native, NativeValue, Origin, Resource, ServiceSpec, Socket,
    SocketOption, SpecDraft,
};

use crate::support::Chance;

/// A spec that sets each allowed field with a chance of one half.
pub(crate) fn spec(chance: &mut Chance, allowed: impl Fn(Field) -> bool) -> ServiceSpec {
    let mut draft = SpecDraft::new();
    let mut words = vec!["/bin/web".into()];
    words.extend((0..chance.below(5)).map(|_| chance.text(10, "\n").into()));
    draft.command(words);
    let mut listens = false;
    for row in FIELDS.iter().filter(|row| allowed(row.field)) {
        // Without sockets their fields cannot be set.
        if row.field.needs_socket() && !listens {
            continue;
        }
        let values = values(row.field);
        let times = match row.arity {
            Arity::One => chance.below(2),
            Arity::Many => chance.below(values.len() + 1),
        };
        // Each item of a list at most once: a descriptor cannot serve twice.
        let first = chance.below(values.len());
        listens |= Socket::kind_of(row.field).is_some() && times > 0;
        for number in 0..times {
            let value = values[(first + number) % values.len()];
            draft.assign(row.field, OsStr::from_bytes(value), Origin::Option);
        }
    }
    if allowed(F::Environment) && chance.below(2) == 0 {
        draft.assign(F::Environment, format!("RANDOM={}", chance.text(12, "\n")), Origin::Option);
    }
    draft.finish().unwrap()
}

/// Random lines of a unit and keys of a property list that no field covers.
pub(crate) fn native(chance: &mut Chance) -> Native {
    let line = |chance: &mut Chance, section: &str, name: &str| {
        let text = format!("a{}b", chance.text(8, "").replace(['\n', '\r', '\0'], ""));
        Directive::new(section, name, &text).unwrap()
    };
    let names = [("Unit", "After"), ("Service", "ExecReload"), ("X-Other", "A"), ("Service", "PrivateTmp")];
    let lines = (0..chance.below(6)).map(|_| {
        let (section, name) = names[chance.below(names.len())];
        line(chance, section, name)
    });
    let systemd = Some(Native::group_directives(lines.collect())).filter(|lines| !lines.is_empty());
    let keys = [
        ("SessionCreate", NativeValue::Boolean(true)),
        ("StartInterval", NativeValue::Integer(-5)),
        ("WatchPaths", NativeValue::Array(vec![NativeValue::String(chance.text(8, "\n"))])),
        ("MachServices", NativeValue::Dict(vec![(chance.text(5, "\n"), NativeValue::Boolean(false))])),
    ];
    let launchd =
        keys.into_iter().filter(|_| chance.below(2) == 0).map(|(key, value)| (key.to_owned(), value));
    Native { systemd, launchd: launchd.collect() }
}

/// Values of every kind that a field takes, including unusual ones.
#[allow(clippy::too_many_lines, reason = "one match of all fields")]
#[expect(clippy::too_many_lines, reason = "a line a field")]
fn values(field: Field) -> &'static [&'static [u8]] {
    match field {
        F::Name => &[b"web", b"web@1", b"org.example.web"],
        F::Description => &[b"-100 % \"sure\"", b"\xc3\xa9"],
        F::Type => &[b"simple", b"exec", b"notify", b"notify-reload", b"forking", b"oneshot"],
        F::User | F::Group => &[b"web", b"33", b"DOMAIN\\web"],
        F::SupplementaryGroups => &[b"ssl", b"7"],
        F::Umask => &[b"0", b"027", b"777"],
        F::WorkingDirectory | F::RootDirectory | F::PidFile | F::RemovePidFile => {
            &[b"/a b", b"/", b"/a \xff$%"]
        }
        F::Environment => &[b"A=\xfe=\n", b"B=", b"A=2", b"C=\"'"],
        F::EnvironmentFile => &[b"-/a*b", b"/c", b"-/\xff"],
        F::PassEnvironment | F::UnsetEnvironment => &[b"LANG", b"TZ"],
        F::CleanEnvironment
        | F::ExpandVariables
        | F::PreventCore
        | F::NoNewPrivileges
        | F::DynamicUser
        | F::LaunchdActivation
        | F::StartOnConnect => &[b"no", b"yes"],
        F::IdleExit => &[b"7", b"1min"],
        F::Argv0 => &[b"-zsh", b"a \xff$%\"", b"web"],
        F::StandardInput => &[b"file:/\xff", b"null", b"inherit", b"tty-fail", b"socket", b"fd:a b", b"data"],
        F::StandardOutput | F::StandardError => &[
            b"truncate:/\xff:",
            b"append:/var/log/x",
            b"file:/y",
            b"null",
            b"inherit",
            b"tty",
            b"fd:x",
            b"journal",
            b"kmsg+console",
        ],
        F::Limit(Resource::Cpu) => &[b"1min:infinity", b"90"],
        F::Limit(Resource::Nice) => &[b"1:2", b"0", b"40", b"7"],
        F::Limit(Resource::Rttime) => &[b"5000", b"5ms:1s"],
        F::Limit(_) => &[b"1:2", b"9223372036854775808", b"infinity", b"0", b"7"],
        F::Nice => &[b"-5", b"19", b"0"],
        F::OomScoreAdjust => &[b"-1000", b"1"],
        F::CapabilityBoundingSet => &[b"CAP_CHOWN CAP_KILL CAP_NET_RAW", b"~CAP_SYS_ADMIN"],
        F::AmbientCapabilities => &[b"CAP_NET_RAW", b""],
        F::Directory(_) => &[b"web", b"web/data"],
        F::DirectoryMode(_) => &[b"2750", b"755", b"0"],
        F::FilesPreserve => &[b"24", b"25,26"],
        F::ListenStream => {
            &[b"80", b"127.0.0.1:8080", b"[::1]:80", b"/run/a b.sock", b"/\xff%$", b"@abstract"]
        }
        F::ListenDatagram => &[b"53", b"[::]:53", b"/run/datagrams"],
        F::ListenSequentialPacket => &[b"/run/packets", b"@\xfe"],
        F::ListenFifo | F::ListenSpecial => &[b"/run/a b.fifo", b"/run/\xff%$"],
        F::ListenNetlink => &[b"route 1", b"31"],
        F::ListenMessageQueue => &[b"/queue", b"/a \xff%"],
        F::FileDescriptorName => &[b"web", b"a b%n"],
        F::SocketMode => &[b"660", b"0", b"777"],
        F::SocketUser | F::SocketGroup => &[b"web", b"33"],
        F::BindIPv6Only => &[b"default", b"both", b"ipv6-only"],
        F::SocketOption(option) => match option {
            SocketOption::KeepAliveTimeSec
            | SocketOption::KeepAliveIntervalSec
            | SocketOption::DeferAcceptSec
            | SocketOption::SocketTimeoutSec => &[b"7", b"1min"],
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
            | SocketOption::MessageQueueMessageSize => &[b"7", b"200"],
            _ => &[b"no", b"yes"],
        },
        F::Backlog => &[b"0", b"128", b"4294967295"],
        F::Ready => &[b"notify", b"tcp:[::1]:80", b"unix:/\xff", b"exec:a; b", b"fd:23", b"file:/x"],
        F::WatchdogProbe => &[b"tcp:80", b"exec:a; b", b"unix:/\xff"],
        F::NotificationFd => &[b"9"],
        F::Restart => &[b"no", b"always", b"on-failure", b"on-abnormal", b"on-success"],
        F::RestartSec => &[b"0", b"100ms", b"5", b"infinity"],
        F::KillSignal | F::ReloadSignal => &[b"SIGINT", b"SIGRTMIN+3", b"SIGTERM", b"SIGHUP"],
        F::Condition | F::Assert => &[b"PathExists=|!/a b%", b"Memory=>=1G", b"Host=!\xff"],
        F::ExecPrefix => &[b"-", b"+", b"-!!"],
        F::SocketCommand(_) | F::ExecCondition | F::ExecStartPre | F::ExecStart | F::ExecStartPost => {
            &[b"-@:+/bin/true zero '%n \"\\x41' $x", b"/bin/false \\;", b"!/bin/sleep '' a\xc3\xa9"]
        }
        F::ExecReload | F::ExecStop | F::ExecStopPost => &[b"/bin/kill -HUP $MAINPID", b"-sleep ${C} $$"],
        F::RestartSteps | F::StartLimitBurst => &[b"0", b"7", b"4294967295"],
        F::RestartMode => &[b"normal", b"direct"],
        F::OnFailure | F::OnSuccess => &[b"a@1.service", b"b.target c:_-.service"],
        F::RestartPreventExitStatus | F::RestartForceExitStatus | F::SuccessExitStatus => {
            &[b"1 TEMPFAIL SIGHUP", b"255", b"KILL"]
        }
        F::RestartMaxDelaySec
        | F::StartLimitIntervalSec
        | F::RuntimeMaxSec
        | F::RuntimeRandomizedExtraSec
        | F::TimeoutAbortSec
        | F::WatchdogSec => &[b"0", b"1500ms", b"infinity"],
        F::TimeoutStartFailureMode | F::TimeoutStopFailureMode => &[b"terminate", b"abort", b"kill"],
        F::KillMode => &[b"control-group", b"mixed", b"process", b"none"],
        F::RestartKillSignal | F::FinalKillSignal | F::WatchdogSignal => &[b"QUIT", b"SIGRTMIN+3"],
        F::FileDescriptorStoreMax => &[b"0", b"64"],
        F::RuntimeDirectoryPreserve | F::FileDescriptorStorePreserve => &[b"no", b"yes", b"restart"],
        F::OomPolicy => &[b"continue", b"stop", b"kill"],
        F::IoSchedulingClass => &[b"none", b"realtime", b"2", b"idle"],
        F::IoSchedulingPriority => &[b"0", b"7"],
        F::CpuSchedulingPolicy => &[b"other", b"batch", b"rr", b"1"],
        F::CpuSchedulingPriority => &[b"0", b"1", b"99"],
        F::CpuSchedulingResetOnFork
        | F::SyslogLevelPrefix
        | F::LogTimestamps
        | F::IgnoreSigpipe
        | F::TtyReset
        | F::TtyVHangup
        | F::TtyVtDisallocate => &[b"yes", b"no"],
        // systemd knows those of its own processors.
        F::Personality if cfg!(target_arch = "x86_64") => &[b"x86", b"x86-64"],
        F::Personality => &[b"s390x"],
        F::KeyringMode => &[b"inherit", b"private", b"shared"],
        F::SecureBits => &[b"noroot", b"keep-caps no-setuid-fixup-locked"],
        F::CoredumpFilter => &[b"default", b"all", b"0", b"7f0"],
        F::ImportCredential => &[b"key", b"app.*"],
        F::LoadCredential => &[b"key:/etc/key", b"other:/etc/other"],
        F::SetCredential => &[b"key:a b:\\x00\\xff%", b"empty:\\x00"],
        F::NumaPolicy => &[b"default", b"bind"],
        F::NumaMask => &[b"0", b"all", b"0-1 3"],
        F::StandardInputText => &[b"a line", b"\xff\n%n \\"],
        F::StandardInputData => &[b"Zm9v", b"AP/+Cg=="],
        F::SyslogIdentifier => &[b"web", b"a %n"],
        F::SyslogFacility => &[b"local0", b"3"],
        F::SyslogLevel => &[b"err", b"7"],
        F::LogRotateSize => &[b"4K", b"10485760"],
        F::LogRotateAge => &[b"1d", b"infinity"],
        F::LogKeep => &[b"1", b"14"],
        F::LogCompress => &[b"gzip", b"none"],
        F::ReopenSignal => &[b"USR1", b"RTMIN+2"],
        F::TtyPath => &[b"/dev/tty1", b"/dev/x%\xff"],
        F::TtyRows | F::TtyColumns => &[b"0", b"80"],
        F::CpuAffinity | F::AllowedCpus | F::AllowedMemoryNodes => &[b"0", b"0-1,5", b"8191"],
        F::TasksMax => &[b"2048", b"0.5%", b"infinity"],
        F::MemoryMin | F::MemoryLow | F::MemoryHigh | F::MemoryMax | F::MemorySwapMax => {
            &[b"1023", b"1.5G", b"33%", b"infinity"]
        }
        F::CpuWeight | F::IoWeight => &[b"1", b"500", b"10000"],
        F::CpuQuota => &[b"1%", b"50%", b"1250%"],
        F::TimerSlackNSec => &[b"50", b"1ms", b"infinity"],
        F::RemainAfterExit | F::SendSighup | F::SendSigkill | F::GuessMainPid => &[b"off", b"yes"],
        F::TimeoutStartSec | F::TimeoutStopSec => &[b"1500ms", b"infinity", b"90", b"0"],
    }
}
