//! Limits and priorities.

use std::io;

use nix::errno::Errno;

use super::platform;

/// `RLIMIT_CORE`, by its name in `setrlimit`.
pub const CORE: &str = "CORE";

/// The soft and the hard limit of a resource that is named as in `RLIMIT_…`; `u64::MAX` is no limit.
pub fn get(resource: &str) -> io::Result<(u64, u64)> {
    let number = platform::resource(resource).ok_or_else(unknown)?;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit, and the call keeps no pointer to it.
    Errno::result(unsafe { libc::getrlimit(number, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Sets both limits.
pub fn set(resource: &str, soft: u64, hard: u64) -> io::Result<()> {
    let number = platform::resource(resource).ok_or_else(unknown)?;
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is a valid rlimit that the call only reads.
    Errno::result(unsafe { libc::setrlimit(number, &raw const limit) })?;
    Ok(())
}

fn unknown() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no such limit")
}

/// Sets the nice level of this process.
pub fn set_nice(level: i32) -> io::Result<()> {
    // SAFETY: setpriority(2) takes three numbers.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, level) })?;
    Ok(())
}

/// The nice level of this process.
pub fn nice() -> io::Result<i32> {
    Errno::clear();
    // SAFETY: getpriority(2) takes two numbers.
    let level = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // -1 is a level too, so only errno tells.
    if level == -1 && Errno::last_raw() != 0 { Err(Errno::last().into()) } else { Ok(level) }
}

/// Sets the OOM score adjustment of this process (proc(5)).
pub fn set_oom_score_adjust(score: i32) -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", score.to_string())
}

/// The OOM score adjustment of this process.
pub fn oom_score_adjust() -> io::Result<i32> {
    let text = std::fs::read_to_string("/proc/self/oom_score_adj")?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}
