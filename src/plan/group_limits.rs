//! What is written into the files of a control group (cgroups(7), the kernel's cgroup-v2.rst).

use svcadapt_spec::{Amount, CpuSet, CpuWeight, Field, Field as F, OomPolicy, ServiceSpec};

/// A controller of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Processor time.
    Cpu,
    /// The choice of processors and memory nodes.
    Cpuset,
    /// Disks.
    Io,
    /// Memory.
    Memory,
    /// The number of tasks.
    Pids,
}

impl Controller {
    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuset => "cpuset",
            Self::Io => "io",
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }
}

/// One limit or share of a control group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLimit {
    /// Its directive.
    pub field: Field,
    /// The controller that it needs.
    pub controller: Controller,
    /// The files and what is written into them; of several the first that exists.
    pub files: Vec<(&'static str, String)>,
}

/// What the machine has, for percentages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineSize {
    /// Bytes of memory.
    pub memory: u64,
    /// Tasks that the kernel allows.
    pub tasks: u64,
}

/// The limits of a spec.
pub fn group_limits(spec: &ServiceSpec, machine: MachineSize) -> Vec<GroupLimit> {
    let asked = &spec.resources;
    let mut all = Vec::new();
    let mut put = |field, controller, files: Vec<(&'static str, String)>| {
        all.push(GroupLimit { field, controller, files });
    };
    if let Some(tasks) = asked.tasks_max {
        // No group can have less than one task.
        let most = tasks.of(machine.tasks).map(|most| most.max(1));
        put(F::TasksMax, Controller::Pids, vec![("pids.max", or_max(most))]);
    }
    let memory: [(Field, &'static str, Option<Amount>); 5] = [
        (F::MemoryMin, "memory.min", asked.memory_min),
        (F::MemoryLow, "memory.low", asked.memory_low),
        (F::MemoryHigh, "memory.high", asked.memory_high),
        (F::MemoryMax, "memory.max", asked.memory_max),
        (F::MemorySwapMax, "memory.swap.max", asked.memory_swap_max),
    ];
    for (field, file, amount) in memory {
        if let Some(amount) = amount {
            put(field, Controller::Memory, vec![(file, or_max(amount.of(machine.memory)))]);
        }
    }
    match asked.cpu_weight {
        Some(CpuWeight::Idle) => put(F::CpuWeight, Controller::Cpu, vec![("cpu.idle", "1".to_owned())]),
        Some(CpuWeight::At(weight)) => {
            put(F::CpuWeight, Controller::Cpu, vec![("cpu.weight", weight.to_string())]);
        }
        None => {}
    }
    if let Some(quota) = asked.cpu_quota {
        put(F::CpuQuota, Controller::Cpu, vec![("cpu.max", cpu_max(quota))]);
    }
    for (field, file, set) in [
        (F::AllowedCpus, "cpuset.cpus", &asked.allowed_cpus),
        (F::AllowedMemoryNodes, "cpuset.mems", &asked.allowed_memory_nodes),
    ] {
        if !set.is_empty() {
            put(field, Controller::Cpuset, vec![(file, list(set))]);
        }
    }
    if let Some(weight) = asked.io_weight {
        let files =
            vec![("io.weight", format!("default {weight}")), ("io.bfq.weight", bfq(weight).to_string())];
        put(F::IoWeight, Controller::Io, files);
    }
    match spec.oom_policy {
        Some(OomPolicy::Kill) => {
            put(F::OomPolicy, Controller::Memory, vec![("memory.oom.group", "1".to_owned())]);
        }
        // The kernel counts its kills in a group with this controller; the monitor does the rest.
        Some(OomPolicy::Stop) => put(F::OomPolicy, Controller::Memory, Vec::new()),
        Some(OomPolicy::Continue) | None => {}
    }
    all
}

fn or_max(number: Option<u64>) -> String {
    number.map_or_else(|| "max".to_owned(), |number| number.to_string())
}

fn list(set: &CpuSet) -> String {
    set.to_string().replace(' ', ",")
}

/// The quota and its period in microseconds. The period is systemd's, 100 ms, and longer where the quota would be below
/// the kernel's least, 1 ms.
fn cpu_max(hundredths: u32) -> String {
    const PERIOD: u64 = 100_000;
    const LONGEST: u64 = 1_000_000;
    const LEAST: u64 = 1_000;
    const WHOLE: u64 = 10_000;
    let share = u64::from(hundredths);
    let period = (LEAST * WHOLE).div_ceil(share.max(1)).clamp(PERIOD, LONGEST);
    format!("{} {period}", (period * share / WHOLE).max(LEAST))
}

/// A weight for the scheduler BFQ, which has 1 to 1000 with the same middle.
fn bfq(weight: u16) -> u32 {
    let weight = u32::from(weight);
    if weight <= 100 { weight } else { 100 + (weight - 100) * 900 / 9_900 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::spec;

    #[test]
    fn limit_is_written_in_the_words_of_the_kernel() {
        let machine = MachineSize { memory: 8 << 30, tasks: 32_768 };
        let written = |field, value| {
            let limits = group_limits(&spec(&[(field, value)]), machine);
            limits[0].files.iter().map(|(file, text)| format!("{file}: {text}")).collect::<Vec<_>>()
        };
        for (field, value, expected) in [
            (F::TasksMax, "12", &["pids.max: 12"][..]),
            (F::TasksMax, "50%", &["pids.max: 16384"]),
            (F::TasksMax, "0%", &["pids.max: 1"]),
            (F::TasksMax, "infinity", &["pids.max: max"]),
            (F::MemoryMax, "25%", &["memory.max: 2147483648"]),
            (F::MemorySwapMax, "0", &["memory.swap.max: 0"]),
            (F::CpuWeight, "idle", &["cpu.idle: 1"]),
            (F::CpuWeight, "20", &["cpu.weight: 20"]),
            (F::CpuQuota, "150%", &["cpu.max: 150000 100000"]),
            (F::CpuQuota, "0.5%", &["cpu.max: 1000 200000"]),
            (F::CpuQuota, "0.01%", &["cpu.max: 1000 1000000"]),
            (F::AllowedCpus, "0 1 3", &["cpuset.cpus: 0-1,3"]),
            (F::IoWeight, "10000", &["io.weight: default 10000", "io.bfq.weight: 1000"]),
            (F::OomPolicy, "kill", &["memory.oom.group: 1"]),
        ] {
            assert_eq!(written(field, value), expected, "{field:?} {value}");
        }
        assert_eq!(written(F::OomPolicy, "stop"), [""; 0]);
        assert_eq!(group_limits(&spec(&[(F::OomPolicy, "continue")]), machine), []);
    }
}
