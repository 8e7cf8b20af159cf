//! The fields of the control group: what a service may use together with all its processes.

use crate::row::{many, one};
use crate::{Field as F, FieldRow};

pub(super) const ROWS: [FieldRow; 11] = [
    one(
        F::TasksMax,
        "TasksMax",
        "tasks-max",
        "NUMBER",
        "The most processes and threads that it may have: a number or a percentage",
    ),
    one(
        F::MemoryMin,
        "MemoryMin",
        "memory-min",
        "BYTES",
        "Memory of all its processes that is never reclaimed",
    ),
    one(
        F::MemoryLow,
        "MemoryLow",
        "memory-low",
        "BYTES",
        "Memory of all its processes that is reclaimed last",
    ),
    one(
        F::MemoryHigh,
        "MemoryHigh",
        "memory-high",
        "BYTES",
        "Memory of all its processes above which they are slowed down",
    ),
    one(
        F::MemoryMax,
        "MemoryMax",
        "memory-max",
        "BYTES",
        "The most memory of all its processes: bytes, as 512M, or a percentage; above it one of them is killed",
    ),
    one(F::MemorySwapMax, "MemorySwapMax", "memory-swap-max", "BYTES", "The most swap of all its processes"),
    one(
        F::CpuWeight,
        "CPUWeight",
        "cpu-weight",
        "WEIGHT",
        "Its share of the processors where they are short: 1 to 10000 [100], or idle",
    ),
    one(
        F::CpuQuota,
        "CPUQuota",
        "cpu-quota",
        "PERCENTAGE",
        "The most time on processors of all its processes, as 50% of one or 200% of two",
    ),
    many(
        F::AllowedCpus,
        "AllowedCPUs",
        "allowed-cpus",
        "NUMBER...",
        "Run all its processes only on these processors: numbers and ranges, as 0-3 5",
    ),
    many(
        F::AllowedMemoryNodes,
        "AllowedMemoryNodes",
        "allowed-memory-nodes",
        "NUMBER...",
        "Give all its processes only memory of these nodes",
    ),
    one(
        F::IoWeight,
        "IOWeight",
        "io-weight",
        "WEIGHT",
        "Its share of disks where they are busy: 1 to 10000 [100]",
    ),
];
