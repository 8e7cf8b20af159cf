//! Scheduling of this process: disks, processors, timers.

use std::io;
use std::time::Duration;

use super::platform;

/// Sets the scheduling policy, named as in systemd.exec(5).
pub fn set_cpu_policy(name: &str, priority: u8, reset_on_fork: bool) -> io::Result<()> {
    platform::set_cpu_policy(name, priority, reset_on_fork)
}

/// Runs this process only on these processors.
pub fn set_cpu_affinity(numbers: impl Iterator<Item = u16>) -> io::Result<()> {
    platform::set_cpu_affinity(numbers)
}

/// Sets the class, by the kernel's number, and the priority for access to disks.
pub fn set_io_priority(class: u16, level: u8) -> io::Result<()> {
    platform::set_io_priority(class, level)
}

/// Sets the timer slack. `None`: as late as possible.
pub fn set_timer_slack(span: Option<Duration>) -> io::Result<()> {
    platform::set_timer_slack(span)
}
