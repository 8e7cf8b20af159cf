//! The fields of the process: how the kernel treats it.

use crate::row::{many, one};
use crate::{Field as F, FieldRow};

pub(super) const ROWS: [FieldRow; 7] = [
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
];
