//! Resource limits and priorities.

use std::io;

use nix::errno::Errno;

use super::number::cast;
use super::platform;

/// `RLIMIT_CORE`.
pub const CORE: &str = "CORE";
/// `RLIMIT_NOFILE`.
pub const NOFILE: &str = "NOFILE";

/// The soft and the hard limit of a resource, named as in `RLIMIT_…` (getrlimit(2)). `u64::MAX` means unlimited.
pub fn get(resource: &str) -> io::Result<(u64, u64)> {
    let number = platform::resource(resource).ok_or_else(unknown)?;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit, and the call keeps no pointer to it.
    Errno::result(unsafe { libc::getrlimit(number, &raw mut limit) })?;
    Ok((from_kernel(limit.rlim_cur), from_kernel(limit.rlim_max)))
}

/// Sets both limits.
pub fn set(resource: &str, soft: u64, hard: u64) -> io::Result<()> {
    let number = platform::resource(resource).ok_or_else(unknown)?;
    let limit = libc::rlimit { rlim_cur: to_kernel(soft), rlim_max: to_kernel(hard) };
    // SAFETY: `limit` is a valid rlimit that the call only reads.
    Errno::result(unsafe { libc::setrlimit(number, &raw const limit) })?;
    Ok(())
}

/// The highest hard limit up to `wanted` that this process may set. Trial changes are undone.
pub fn highest(resource: &str, wanted: u64) -> io::Result<u64> {
    let (soft, hard) = get(resource)?;
    if wanted <= hard {
        return Ok(wanted);
    }
    for tried in
        [Some(wanted), kernel_maximum(resource).filter(|&maximum| maximum > hard && maximum < wanted)]
    {
        let Some(tried) = tried else { continue };
        match set(resource, soft, tried) {
            Ok(()) => return set(resource, soft, hard).map(|()| tried),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hard)
}

/// The kernel's maximum, even for root (proc_sys_fs(5)).
fn kernel_maximum(resource: &str) -> Option<u64> {
    let text = (resource == NOFILE).then(|| std::fs::read_to_string("/proc/sys/fs/nr_open"))?;
    text.ok()?.trim().parse().ok()
}

/// Whether this system has a limit of this name.
pub fn exists(resource: &str) -> bool {
    platform::resource(resource).is_some()
}

/// `RLIM_INFINITY` is not the maximum of its type on every system.
fn from_kernel(limit: libc::rlim_t) -> u64 {
    if limit == libc::RLIM_INFINITY { u64::MAX } else { cast(limit) }
}

/// A value above the kernel's range means unlimited.
fn to_kernel(limit: u64) -> libc::rlim_t {
    if limit >= cast(libc::RLIM_INFINITY) { libc::RLIM_INFINITY } else { cast(limit) }
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
    // -1 is a valid level, so an error is only visible in errno.
    if level == -1 && Errno::last_raw() != 0 { Err(Errno::last().into()) } else { Ok(level) }
}

/// The lowest nice level, at least `wanted`, that this process may set. A trial change is undone, which is always
/// permitted.
pub fn lowest_nice(wanted: i32) -> io::Result<i32> {
    let now = nice()?;
    match set_nice(wanted) {
        Ok(()) => set_nice(now).map(|()| wanted),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // RLIMIT_NICE counts from 19 down (setrlimit(2)).
            let room = get("NICE").map_or(0, |(soft, _)| i32::try_from(soft.min(40)).unwrap_or(0));
            Ok((20 - room).clamp(wanted, now))
        }
        Err(error) => Err(error),
    }
}

/// The same for the OOM score adjustment: `wanted`, or the current value.
pub fn lowest_oom_score(wanted: i32) -> io::Result<i32> {
    let now = oom_score_adjust()?;
    match set_oom_score_adjust(wanted) {
        Ok(()) => set_oom_score_adjust(now).map(|()| wanted),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(now),
        Err(error) => Err(error),
    }
}

/// Sets the OOM score adjustment of this process (proc(5)).
pub fn set_oom_score_adjust(score: i32) -> io::Result<()> {
    platform::set_oom_score_adjust(score)
}

/// The OOM score adjustment of this process.
pub fn oom_score_adjust() -> io::Result<i32> {
    platform::oom_score_adjust()
}
