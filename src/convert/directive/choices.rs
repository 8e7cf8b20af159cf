//! The words that a directive accepts, each with the first version that knows it; 0 means all supported versions.
//!
//! A word that ends in a colon is the start of a value.

use super::row::Choice;

pub(super) const ACTION: &[Choice] = &[
    ("none", 0),
    ("reboot", 0),
    ("reboot-force", 0),
    ("reboot-immediate", 0),
    ("poweroff", 0),
    ("poweroff-force", 0),
    ("poweroff-immediate", 0),
    ("exit", 240),
    ("exit-force", 240),
    ("soft-reboot", 254),
    ("soft-reboot-force", 254),
    ("kexec", 257),
    ("kexec-force", 257),
    ("halt", 257),
    ("halt-force", 257),
    ("halt-immediate", 257),
];
pub(super) const BIND_IPV6: &[Choice] = &[("default", 0), ("both", 0), ("ipv6-only", 0)];
pub(super) const COLLECT_MODE: &[Choice] = &[("inactive", 0), ("inactive-or-failed", 0)];
pub(super) const CPUSET_PARTITION: &[Choice] = &[("member", 0), ("root", 0), ("isolated", 0)];
pub(super) const CPU_POLICY: &[Choice] =
    &[("other", 0), ("batch", 0), ("idle", 0), ("fifo", 0), ("rr", 0), ("ext", 260)];
pub(super) const DEFER_TRIGGER: &[Choice] = &[("patient", 258)];
pub(super) const DEVICE_POLICY: &[Choice] = &[("auto", 0), ("closed", 0), ("strict", 0)];
pub(super) const EXIT_TYPE: &[Choice] = &[("main", 0), ("cgroup", 0)];
pub(super) const FAILURE_MODE: &[Choice] = &[("terminate", 0), ("abort", 0), ("kill", 0)];
pub(super) const INPUT: &[Choice] = &[
    ("null", 0),
    ("tty", 0),
    ("tty-force", 0),
    ("tty-fail", 0),
    ("socket", 0),
    ("fd", 0),
    ("fd:", 0),
    ("data", 0),
    ("file:", 0),
];
pub(super) const JOB_MODE: &[Choice] = &[
    ("fail", 0),
    ("replace", 0),
    ("replace-irreversibly", 0),
    ("isolate", 0),
    ("flush", 0),
    ("ignore-dependencies", 0),
    ("ignore-requirements", 0),
    ("triggering", 0),
    ("restart-dependencies", 254),
    ("lenient", 258),
];
pub(super) const KEYRING_MODE: &[Choice] = &[("inherit", 0), ("private", 0), ("shared", 0)];
pub(super) const KILL_MODE: &[Choice] = &[("control-group", 0), ("process", 0), ("mixed", 0), ("none", 0)];
pub(super) const MANAGED_OOM: &[Choice] = &[("auto", 0), ("kill", 0)];
pub(super) const MEMORY_THP: &[Choice] = &[("inherit", 0), ("disable", 0), ("madvise", 0), ("system", 0)];
pub(super) const NOTIFY_ACCESS: &[Choice] = &[("none", 0), ("main", 0), ("exec", 0), ("all", 0)];
pub(super) const NUMA_POLICY: &[Choice] =
    &[("default", 0), ("preferred", 0), ("bind", 0), ("interleave", 0), ("local", 0)];
pub(super) const OOM_POLICY: &[Choice] = &[("continue", 0), ("stop", 0), ("kill", 0)];
pub(super) const OOM_PREFERENCE: &[Choice] = &[("none", 0), ("avoid", 0), ("omit", 0)];
pub(super) const OUTPUT: &[Choice] = &[
    ("inherit", 0),
    ("null", 0),
    ("tty", 0),
    ("kmsg", 0),
    ("kmsg+console", 0),
    ("journal", 0),
    ("journal+console", 0),
    ("socket", 0),
    ("fd", 0),
    ("fd:", 0),
    ("file:", 0),
    ("append:", 240),
    ("truncate:", 248),
];
pub(super) const PRESERVE: &[Choice] = &[("restart", 0), ("on-success", 261)];
pub(super) const PRESSURE_WATCH: &[Choice] = &[("auto", 0), ("off", 0), ("on", 0), ("skip", 0)];
pub(super) const PRIVATE_TMP: &[Choice] = &[("connected", 257), ("disconnected", 257)];
pub(super) const PRIVATE_USERS: &[Choice] =
    &[("self", 257), ("identity", 257), ("full", 258), ("managed", 260)];
pub(super) const PROC_SUBSET: &[Choice] = &[("all", 0), ("pid", 0)];
pub(super) const PROTECT_CONTROL_GROUPS: &[Choice] = &[("private", 257), ("strict", 257)];
pub(super) const PROTECT_HOME: &[Choice] = &[("read-only", 0), ("tmpfs", 0)];
pub(super) const PROTECT_HOSTNAME: &[Choice] = &[("private", 258), ("private:", 258)];
pub(super) const PROTECT_PROC: &[Choice] =
    &[("default", 0), ("noaccess", 0), ("invisible", 0), ("ptraceable", 0)];
pub(super) const PROTECT_SYSTEM: &[Choice] = &[("full", 0), ("strict", 0)];
pub(super) const RESTART: &[Choice] = &[
    ("no", 0),
    ("on-success", 0),
    ("on-failure", 0),
    ("on-abnormal", 0),
    ("on-watchdog", 0),
    ("on-abort", 0),
    ("always", 0),
];
pub(super) const RESTART_MODE: &[Choice] = &[("normal", 254), ("direct", 254), ("debug", 257)];
pub(super) const TIMESTAMPING: &[Choice] = &[("off", 0), ("us", 0), ("usec", 0), ("ns", 0), ("nsec", 0)];
pub(super) const TYPE: &[Choice] = &[
    ("simple", 0),
    ("exec", 240),
    ("forking", 0),
    ("oneshot", 0),
    ("dbus", 0),
    ("notify", 0),
    ("notify-reload", 253),
    ("idle", 0),
];
pub(super) const UTMP_MODE: &[Choice] = &[("init", 0), ("login", 0), ("user", 0)];
