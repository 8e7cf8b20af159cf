//! Values that have the right type but that systemd ignores.

use std::ffi::OsStr;

use svcadapt_spec::{Capabilities, SignalName};

use super::install::is_unit;
use super::token::raw_words;

/// Directives with a number in a range (systemd.exec(5), systemd.resource-control(5)).
const RANGES: [(&str, i64, i64); 10] = [
    ("CPUSchedulingPriority", 1, 99),
    ("IOSchedulingPriority", 0, 7),
    ("LogRateLimitBurst", 0, 0xffff_ffff),
    ("Nice", -20, 19),
    ("OOMScoreAdjust", -1000, 1000),
    ("StartLimitBurst", 0, 0xffff_ffff),
    ("CPUWeight", 1, 10_000),
    ("IOWeight", 1, 10_000),
    ("StartupCPUWeight", 1, 10_000),
    ("StartupIOWeight", 1, 10_000),
];

const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

const FACILITIES: [&str; 20] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

const CLASSES: [&str; 8] = ["none", "realtime", "best-effort", "idle", "0", "1", "2", "3"];

const LINKS: [&str; 5] = ["http://", "https://", "file:", "info:", "man:"];

/// Groups of system calls, without the `@` (systemd.exec(5), `SystemCallFilter=`).
const CALLS: [&str; 30] = [
    "aio",
    "basic-io",
    "chown",
    "clock",
    "cpu-emulation",
    "debug",
    "default",
    "file-system",
    "io-event",
    "ipc",
    "keyring",
    "known",
    "memlock",
    "module",
    "mount",
    "network-io",
    "obsolete",
    "pkey",
    "privileged",
    "process",
    "raw-io",
    "reboot",
    "resources",
    "sandbox",
    "setuid",
    "signal",
    "swap",
    "sync",
    "system-service",
    "timer",
];

/// Names of exit statuses (systemd.exec(5), "Process Exit Codes").
const STATUSES: &str = "SUCCESS FAILURE CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT \
    CHROOT IOPRIO TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM \
    STDERR PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES \
    RUNTIME_DIRECTORY CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY \
    CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF KSM EXCEPTION USAGE DATAERR NOINPUT NOUSER NOHOST \
    UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM CONFIG INVALIDARGUMENT \
    NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED NOTRUNNING";

/// A hint with the accepted values, if the directive does not accept this value. A value with a specifier is not checked.
pub(super) fn expected_value(name: &str, value: &str) -> Option<&'static str> {
    if value.contains('%') && !["CPUQuota", "TasksMax"].contains(&name) {
        return None;
    }
    let all = |good: &dyn Fn(&str) -> bool| raw_words(value).into_iter().all(|(_, word)| good(word));
    let (is_valid, hint) = match name {
        "CPUQuota" => (percentage(value), "use a percentage of one processor, such as 50% or 200%"),
        "TasksMax" => (
            value == "infinity" || value.parse::<u64>().is_ok() || percentage(value),
            "use a number, a percentage such as 50%, or infinity",
        ),
        "SuccessExitStatus" | "RestartPreventExitStatus" | "RestartForceExitStatus" => (
            all(&is_status),
            "use numbers from 0 to 255, names such as TEMPFAIL, and signals, separated by blanks",
        ),
        "CapabilityBoundingSet" | "AmbientCapabilities" => {
            let capability =
                |word: &str| Capabilities::parse(OsStr::new(word.trim_start_matches('~'))).is_ok();
            (all(&capability), "use names of capabilities that start with CAP_ (capabilities(7))")
        }
        "SystemCallFilter" => (all(&is_call), "systemd-analyze syscall-filter prints the groups"),
        "RestrictAddressFamilies" => (
            value == "none" || all(&|word| word.trim_start_matches('~').starts_with("AF_")),
            "use address families, such as AF_INET AF_INET6 AF_UNIX",
        ),
        "Documentation" => (
            all(&|word| LINKS.iter().any(|link| word.trim_start_matches('"').starts_with(link))),
            "use links that start with https:, http:, file:, info: or man:",
        ),
        "Slice" => (
            is_unit(value) && value.rsplit('.').next() == Some("slice"),
            "use the name of a slice, such as web.slice",
        ),
        "SyslogFacility" => {
            (FACILITIES.contains(&value), "use a facility, such as daemon or local0 (syslog(3))")
        }
        "SyslogLevel" | "LogLevelMax" => {
            let number = value.parse::<u8>().is_ok_and(|number| number < 8);
            (number || LEVELS.contains(&value), "use a level, such as info or warning (syslog(3))")
        }
        "IOSchedulingClass" => (CLASSES.contains(&value), "use none, realtime, best-effort or idle"),
        name => {
            let (_, min, max) = RANGES.iter().find(|(known, ..)| *known == name)?;
            let number = value.parse::<i64>();
            let idle = value == "idle" && name.ends_with("CPUWeight");
            let hint = match (min, max) {
                (-20, _) => "use a nice level from -20 to 19",
                (-1000, _) => "use a number from -1000 to 1000",
                (0, 7) => "use a number from 0 to 7",
                (_, 99) => "use a number from 1 to 99",
                (_, 10_000) => "use a number from 1 to 10000",
                _ => "use a number",
            };
            (idle || number.is_ok_and(|number| (*min..=*max).contains(&number)), hint)
        }
    };
    (!is_valid).then_some(hint)
}

fn percentage(value: &str) -> bool {
    let number = value.strip_suffix('%').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn is_status(word: &str) -> bool {
    let number = word.parse::<u8>().is_ok();
    number
        || STATUSES.split_ascii_whitespace().any(|name| name == word)
        || SignalName::parse(OsStr::new(word)).is_ok()
}

/// Whether a word is a group that systemd knows, or a system call. The names of calls depend on the kernel and are not
/// checked.
fn is_call(word: &str) -> bool {
    let word = word.trim_start_matches('~');
    let name = word.split(':').next().unwrap_or_default();
    name.strip_prefix('@').is_none_or(|group| CALLS.contains(&group))
}
