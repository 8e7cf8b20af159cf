//! Threads and descriptors of this process, and the numbers of resource limits.

use std::io;

use super::super::posix;
use super::proc_info;

/// The number of threads of this process.
pub(crate) fn thread_count() -> io::Result<usize> {
    let threads = proc_info::task(nix::unistd::getpid().as_raw())?.pti_threadnum;
    usize::try_from(threads).map_err(io::Error::other)
}

/// The list comes from the kernel, because /dev/fd may be missing after a change of root.
pub(crate) fn mark_all_close_on_exec(from: i32) -> io::Result<()> {
    let open = proc_info::own_descriptors()?;
    open.into_iter().filter(|&number| number >= from).try_for_each(posix::mark)
}

/// All open descriptors.
pub(crate) fn open_descriptors() -> io::Result<Vec<i32>> {
    proc_info::own_descriptors()
}

/// The number of a resource, by its name in `RLIMIT_…`. `RSS` and `AS` are the same on macOS.
pub(crate) fn resource(name: &str) -> Option<libc::c_int> {
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
        _ => return None,
    })
}
