//! The identity of a process and of a boot.

use std::io;
use std::time::Duration;

use super::super::process::{ProcessId, Users};
use super::super::procfs;
use super::clock;

/// The start time is in clock ticks since boot, by the machine's clock, not that of a time namespace.
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

/// Two processes can start in one clock tick; then `pid` counts as younger.
pub(crate) fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    Ok(pid != than && procfs::stat(pid)?.start_time >= procfs::stat(than)?.start_time)
}

pub(crate) fn is_exiting(pid: i32) -> io::Result<bool> {
    procfs::stat(pid).map(|stat| stat.exiting)
}

/// A process stopped by a debugger (`t`) does not count: only the debugger may continue it.
pub(crate) fn is_stopped(pid: i32) -> io::Result<bool> {
    procfs::stat(pid).map(|stat| stat.state == 'T')
}

pub(crate) fn has_stopped(pid: i32) -> io::Result<bool> {
    for thread in std::fs::read_dir(procfs::path(pid, "task")?)? {
        match procfs::stat_at(&thread?.path().join("stat")) {
            Ok(stat) if !matches!(stat.state, 'T' | 'Z' | 'X') => return Ok(false),
            Err(error) if !procfs::is_gone(&error) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(true)
}

pub(crate) fn users(pid: i32) -> io::Result<Users> {
    let ids = procfs::status(pid)?.uids;
    Ok(Users { real: ids.real, effective: ids.effective })
}

pub(crate) fn namespace() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()
}

/// Only macOS has such a directory.
pub(crate) fn user_directory() -> Option<std::path::PathBuf> {
    None
}

pub(crate) fn boot() -> io::Result<String> {
    procfs::boot_id()
}
