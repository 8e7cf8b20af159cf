//! Thread count, and the numbers of resource limits.

use std::io;
use std::os::unix::fs::MetadataExt;

/// The C library's type of a limit's number.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// The number of threads of this process.
///
/// Each thread is a link of the directory /proc/self/task, in addition to its own two. If the link count does not show
/// a single thread (not every /proc is Linux's), the entries are counted.
pub(crate) fn thread_count() -> io::Result<usize> {
    let all = match std::fs::metadata("/proc/self/task") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return without_proc(),
        all => all?,
    };
    if all.nlink() == 3 {
        return Ok(1);
    }
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// unshare(2) with CLONE_THREAD changes nothing, and fails in a process with more than one thread.
fn without_proc() -> io::Result<usize> {
    // SAFETY: the call takes a number, and this one has no effect.
    match nix::errno::Errno::result(unsafe { libc::unshare(libc::CLONE_THREAD) }) {
        Ok(_) => Ok(1),
        Err(nix::errno::Errno::EINVAL) => Ok(2),
        Err(_) => {
            Err(io::Error::other("/proc is not mounted, and the kernel does not report threads (unshare(2))"))
        }
    }
}

pub(crate) fn never_dump() -> io::Result<()> {
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

/// The number of a resource, by its name in `RLIMIT_…`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_thread_is_detected_without_proc() {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let second = std::thread::spawn(move || ended.recv());
        assert_eq!(without_proc().unwrap(), 2);
        assert!(thread_count().unwrap() >= 2);
        drop(end);
        assert!(second.join().unwrap().is_err());
    }
}
