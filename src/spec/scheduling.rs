//! How the kernel schedules a service: disk, processors and timers (systemd.exec(5), "Scheduling").

use std::ffi::OsStr;

use super::choice::choices;
use super::{CpuSet, Timespan, ValueError};

/// What the kernel is asked about the scheduling of a service, besides its nice level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduling {
    /// The class for access to disks. `None` with a priority: best-effort.
    pub io_class: Option<IoClass>,
    /// The priority within that class, 0 (first) to 7 (last).
    pub io_priority: Option<u8>,
    /// The scheduling policy.
    pub cpu_policy: Option<CpuPolicy>,
    /// The priority of a real-time policy, 1 (last) to 99 (first). Other policies have none.
    pub cpu_priority: Option<u8>,
    /// Whether children start with the ordinary policy again.
    pub cpu_reset_on_fork: Option<bool>,
    /// The processors that it may run on. Empty: unchanged.
    pub cpu_affinity: CpuSet,
    /// The timer slack: by how much timers may be late.
    pub timer_slack: Option<Timespan>,
}

/// A class for access to disks (ioprio_set(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoClass {
    /// The kernel's default: best-effort.
    None,
    /// Before all others.
    Realtime,
    /// By priority.
    BestEffort,
    /// Only if no other process uses the disk.
    Idle,
}

choices!(
    IoClass,
    4,
    "class",
    [None = "none", Realtime = "realtime", BestEffort = "best-effort", Idle = "idle"]
);

impl IoClass {
    /// Reads a name, or the number of ioprio_set(2) as systemd does.
    pub(crate) fn read(value: &OsStr) -> Result<Self, ValueError> {
        match value.as_encoded_bytes() {
            b"0" => Ok(Self::None),
            b"1" => Ok(Self::Realtime),
            b"2" => Ok(Self::BestEffort),
            b"3" => Ok(Self::Idle),
            _ => Self::parse(value),
        }
    }

    /// The kernel's number.
    #[doc(hidden)]
    pub fn number(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Realtime => 1,
            Self::BestEffort => 2,
            Self::Idle => 3,
        }
    }
}

/// A scheduling policy (sched(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuPolicy {
    /// The ordinary policy.
    Other,
    /// For work that needs no attention.
    Batch,
    /// Below all others.
    Idle,
    /// Real-time: it runs until it waits.
    Fifo,
    /// Real-time: those of one priority take turns.
    Rr,
}

choices!(CpuPolicy, 5, "policy", [Other = "other", Batch = "batch", Idle = "idle", Fifo = "fifo", Rr = "rr"]);

impl CpuPolicy {
    /// Reads a name, or the number of sched_setscheduler(2) as systemd does.
    pub(crate) fn read(value: &OsStr) -> Result<Self, ValueError> {
        match value.as_encoded_bytes() {
            b"0" => Ok(Self::Other),
            b"1" => Ok(Self::Fifo),
            b"2" => Ok(Self::Rr),
            b"3" => Ok(Self::Batch),
            b"5" => Ok(Self::Idle),
            _ => Self::parse(value),
        }
    }

    /// Its name.
    #[doc(hidden)]
    pub fn name(self) -> &'static str {
        crate::choice::name_of(&self, &Self::ALL)
    }

    /// Whether it has priorities.
    #[doc(hidden)]
    pub fn is_realtime(self) -> bool {
        matches!(self, Self::Fifo | Self::Rr)
    }
}

/// Reads a timer slack. systemd reads no number that is too large for 63 bits.
pub(super) fn timer_slack(value: &OsStr) -> Result<Timespan, ValueError> {
    let span = Timespan::parse_nsec(value)?;
    let fits = span.finite().is_none_or(|span| i64::try_from(span.as_nanos()).is_ok());
    if fits { Ok(span) } else { Err("too large".into()) }
}

/// The timer slack as a number of nanoseconds, or `infinity`.
pub(super) fn written(slack: Timespan) -> String {
    slack.finite().map_or_else(|| slack.to_string(), |span| span.as_nanos().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        assert_eq!(IoClass::read("3".as_ref()), Ok(IoClass::Idle));
        assert_eq!(IoClass::read("best-effort".as_ref()), Ok(IoClass::BestEffort));
        assert_eq!(CpuPolicy::read("2".as_ref()), Ok(CpuPolicy::Rr));
        let error = CpuPolicy::read("4".as_ref()).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("use one of other, batch, idle, fifo, rr"));
        let slack = |value: &str| timer_slack(value.as_ref()).map(written);
        assert_eq!(slack("50").unwrap(), "50");
        assert_eq!(slack("1ms 5ns").unwrap(), "1000005");
        assert_eq!(slack("infinity").unwrap(), "infinity");
        assert!(slack("9223372036854775808").is_err());
    }
}
