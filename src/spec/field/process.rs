//! The fields of the process: how the kernel treats it.

use crate::row::{many, one};
use crate::{Field as F, FieldRow};

pub(super) const ROWS: [FieldRow; 16] = [
    one(
        F::IoSchedulingClass,
        "IOSchedulingClass",
        "io-scheduling-class",
        "CLASS",
        "Class for access to disks: none, realtime, best-effort or idle",
    ),
    one(
        F::IoSchedulingPriority,
        "IOSchedulingPriority",
        "io-scheduling-priority",
        "LEVEL",
        "Priority for access to disks within the class, 0 (first) to 7 (last)",
    ),
    one(
        F::CpuSchedulingPolicy,
        "CPUSchedulingPolicy",
        "cpu-scheduling-policy",
        "POLICY",
        "Scheduling policy: other, batch, idle, fifo or rr; the last two are real-time",
    ),
    one(
        F::CpuSchedulingPriority,
        "CPUSchedulingPriority",
        "cpu-scheduling-priority",
        "PRIORITY",
        "Priority of a real-time policy, 1 (last) to 99 (first)",
    ),
    one(
        F::CpuSchedulingResetOnFork,
        "CPUSchedulingResetOnFork",
        "cpu-scheduling-reset-on-fork",
        "BOOL",
        "Children of the program start with the ordinary policy",
    ),
    many(
        F::CpuAffinity,
        "CPUAffinity",
        "cpu-affinity",
        "NUMBER...",
        "Run only on these processors: numbers and ranges, as 0-3 5",
    ),
    one(
        F::TimerSlackNSec,
        "TimerSlackNSec",
        "timer-slack-nsec",
        "TIME",
        "By how much timers of the program may be late; without a unit in nanoseconds",
    ),
    one(
        F::IgnoreSigpipe,
        "IgnoreSIGPIPE",
        "ignore-sigpipe",
        "BOOL",
        "Ignore SIGPIPE in the program and its children (in a unit the default)",
    ),
    one(
        F::Personality,
        "Personality",
        "personality",
        "MACHINE",
        "Machine that uname(2) names, as x86 on x86-64",
    ),
    one(
        F::KeyringMode,
        "KeyringMode",
        "keyring-mode",
        "MODE",
        "Keyring of the session: inherit, private or shared (with the user's keyring)",
    ),
    many(
        F::SecureBits,
        "SecureBits",
        "secure-bits",
        "BIT...",
        "Secure bits: keep-caps, no-setuid-fixup, noroot, each also with -locked",
    ),
    many(
        F::CoredumpFilter,
        "CoredumpFilter",
        "coredump-filter",
        "MAPPING...",
        "Mappings that a core dump has: names of systemd.exec(5), all, default, or a hexadecimal mask",
    ),
    one(
        F::NumaPolicy,
        "NUMAPolicy",
        "numa-policy",
        "POLICY",
        "Where memory comes from: default, preferred, bind, interleave or local",
    ),
    many(
        F::NumaMask,
        "NUMAMask",
        "numa-mask",
        "NODE...",
        "Nodes of that policy: numbers and ranges, as 0-1 3, or all",
    ),
    many(
        F::LoadCredential,
        "LoadCredential",
        "load-credential",
        "ID[:PATH]",
        "Credential from a file, a directory or a socket; the program finds it in $CREDENTIALS_DIRECTORY",
    ),
    many(
        F::SetCredential,
        "SetCredential",
        "set-credential",
        "ID:VALUE",
        "Credential with this value, which has escapes as in C; the default of --load-credential",
    ),
];
