//! Counting threads, and the kernel's names for limits.

use std::io;
use std::os::unix::fs::MetadataExt;

/// What the C library calls the number of a limit.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// How many threads this process has.
///
/// The kernel counts each as a link to the directory of them all, beside its two own; where that does not say that there
/// is but one (not every /proc is Linux's), they are counted by their names.
pub(crate) fn thread_count() -> io::Result<usize> {
    let all = std::fs::metadata("/proc/self/task").map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::other("/proc is not mounted, and nothing else tells of threads")
        }
        _ => error,
    })?;
    if all.nlink() == 3 {
        return Ok(1);
    }
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

pub(crate) fn never_dump() -> io::Result<()> {
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

/// The number of a resource that is named as in `RLIMIT_…`.
pub(crate) fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "CPU" => libc::RLIMIT_CPU,
        "FSIZE" => libc::RLIMIT_FSIZE,
        "DATA" => libc::RLIMIT_DATA,
        "STACK" => libc::RLIMIT_STACK,
        "CORE" => libc::RLIMIT_CORE,
        "RSS" => libc::RLIMIT_RSS,
        "NOFILE" => libc::RLIMIT_NOFILE,
        "AS" => libc::RLIMIT_AS,
        "NPROC" => libc::RLIMIT_NPROC,
        "MEMLOCK" => libc::RLIMIT_MEMLOCK,
        "LOCKS" => libc::RLIMIT_LOCKS,
        "SIGPENDING" => libc::RLIMIT_SIGPENDING,
        "MSGQUEUE" => libc::RLIMIT_MSGQUEUE,
        "NICE" => libc::RLIMIT_NICE,
        "RTPRIO" => libc::RLIMIT_RTPRIO,
        "RTTIME" => libc::RLIMIT_RTTIME,
        _ => return None,
    })
}
