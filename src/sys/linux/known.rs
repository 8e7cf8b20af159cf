//! What tells one process, and one boot, from all others.

use std::io;

use super::super::process::Identity;
use super::super::process::Users;
use super::super::procfs;

/// The start time is in clock ticks since boot.
pub(crate) fn identity(pid: i32) -> io::Result<Identity> {
    let stat = procfs::stat(pid)?;
    Ok(Identity { start_time: stat.start_time, ended: matches!(stat.state, 'Z' | 'X') })
}

/// A clock tick is long enough for both: what started in the same one counts as younger.
pub(crate) fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    Ok(pid != than && procfs::stat(pid)?.start_time >= procfs::stat(than)?.start_time)
}

pub(crate) fn is_exiting(pid: i32) -> io::Result<bool> {
    procfs::stat(pid).map(|stat| stat.exiting)
}

pub(crate) fn users(pid: i32) -> io::Result<Users> {
    let ids = procfs::status(pid)?.uids;
    Ok(Users { real: ids.real, effective: ids.effective })
}

pub(crate) fn namespace() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()
}

pub(crate) fn boot() -> io::Result<String> {
    procfs::boot_id()
}
