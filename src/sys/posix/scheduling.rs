//! What only Linux schedules.

use std::io;
use std::time::Duration;

use super::unsupported;

pub(crate) fn set_cpu_policy(_name: &str, _priority: u8, _reset_on_fork: bool) -> io::Result<()> {
    Err(unsupported("this system has no scheduling policies of processes"))
}

pub(crate) fn set_cpu_affinity(_numbers: impl Iterator<Item = u16>) -> io::Result<()> {
    Err(unsupported("this system does not bind processes to processors"))
}

pub(crate) fn set_io_priority(_class: u16, _level: u8) -> io::Result<()> {
    Err(unsupported("this system has no I/O priorities"))
}

pub(crate) fn set_timer_slack(_span: Option<Duration>) -> io::Result<()> {
    Err(unsupported("this system has no timer slack"))
}
