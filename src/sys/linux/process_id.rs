//! What tells one process, and one boot, from all others.

use std::io;
use std::time::Duration;

use super::super::process::{ProcessId, Users};
use super::super::procfs;
use super::clock;

/// The start time is in clock ticks since boot, by the clock of the machine: a time namespace shows another one.
pub(crate) fn identity(pid: i32) -> io::Result<ProcessId> {
    let stat = procfs::stat(pid)?;
    Ok(ProcessId { start_time: clock::of_machine(stat.start_time), ended: matches!(stat.state, 'Z' | 'X') })
}

pub(crate) fn same_start(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= clock::grain()
}

pub(crate) fn age(start_time: u64) -> io::Result<Duration> {
    let shown = clock::of_namespace(start_time);
    Ok(procfs::uptime()?.saturating_sub(procfs::ticks(shown)))
}

/// A clock tick is long enough for both: what started in the same one counts as younger.
pub(crate) fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    Ok(pid != than && procfs::stat(pid)?.start_time >= procfs::stat(than)?.start_time)
}

pub(crate) fn is_exiting(pid: i32) -> io::Result<bool> {
    procfs::stat(pid).map(|stat| stat.exiting)
}

/// One that a debugger has stopped (`t`) is the debugger's to let go.
pub(crate) fn is_stopped(pid: i32) -> io::Result<bool> {
    procfs::stat(pid).map(|stat| stat.state == 'T')
}

pub(crate) fn users(pid: i32) -> io::Result<Users> {
    let ids = procfs::status(pid)?.uids;
    Ok(Users { real: ids.real, effective: ids.effective })
}

pub(crate) fn namespace() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()
}

/// Only macOS has one that is told in this way.
pub(crate) fn user_directory() -> Option<std::path::PathBuf> {
    None
}

pub(crate) fn boot() -> io::Result<String> {
    procfs::boot_id()
}
