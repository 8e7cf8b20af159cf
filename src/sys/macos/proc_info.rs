//! proc_pidinfo(3): what the kernel tells of a process.

use std::io;
use std::mem::MaybeUninit;

use nix::errno::Errno;

/// A structure that the kernel fills, made of integers only, so that every pattern of bits is a valid one.
///
/// # Safety
///
/// That is for the implementor to know; and `FLAVOR` must be the one whose answer it is.
unsafe trait Answer: Copy {
    const FLAVOR: libc::c_int;
}

// SAFETY: proc_bsdinfo is integers and arrays of them, and is what this flavor answers with.
unsafe impl Answer for libc::proc_bsdinfo {
    const FLAVOR: libc::c_int = libc::PROC_PIDTBSDINFO;
}

// SAFETY: proc_taskinfo is integers, and is what this flavor answers with.
unsafe impl Answer for libc::proc_taskinfo {
    const FLAVOR: libc::c_int = libc::PROC_PIDTASKINFO;
}

/// Who a process is, whose child, and since when. An error of kind `NotFound` means that there is none.
pub(crate) fn process(pid: i32) -> io::Result<libc::proc_bsdinfo> {
    ask(pid)
}

/// What a process of our own user takes of the machine.
pub(crate) fn task(pid: i32) -> io::Result<libc::proc_taskinfo> {
    ask(pid)
}

fn ask<T: Answer>(pid: i32) -> io::Result<T> {
    let size = libc::c_int::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let mut answer = MaybeUninit::<T>::zeroed();
    Errno::clear();
    // SAFETY: the buffer is as long as we say, and the kernel keeps no pointer to it.
    let written = unsafe { libc::proc_pidinfo(pid, T::FLAVOR, 0, answer.as_mut_ptr().cast(), size) };
    if written == size {
        // SAFETY: the kernel filled it whole, and whatever it wrote is valid, by the trait.
        return Ok(unsafe { answer.assume_init() });
    }
    Err(match Errno::last() {
        Errno::ESRCH => io::ErrorKind::NotFound.into(),
        Errno::UnknownErrno => io::Error::other("the kernel answered with something else"),
        error => error.into(),
    })
}

/// The numbers of our own open descriptors.
pub(crate) fn own_descriptors() -> io::Result<Vec<i32>> {
    const NONE: libc::proc_fdinfo = libc::proc_fdinfo { proc_fd: -1, proc_fdtype: 0 };
    let pid = nix::unistd::getpid().as_raw();
    let found = all(NONE, |buffer, size| {
        // SAFETY: the buffer is `size` bytes long, and the kernel keeps no pointer to it.
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, buffer, size) }
    })?;
    Ok(found.into_iter().map(|descriptor| descriptor.proc_fd).collect())
}

/// The numbers of all processes.
pub(crate) fn processes() -> io::Result<Vec<i32>> {
    /// `PROC_ALL_PIDS`.
    const ALL: u32 = 1;
    let found: Vec<libc::pid_t> = all(0, |buffer, size| {
        // SAFETY: the buffer is `size` bytes long, and the kernel keeps no pointer to it.
        unsafe { libc::proc_listpids(ALL, 0, buffer, size) }
    })?;
    Ok(found.into_iter().filter(|&pid| pid > 0).collect())
}

/// All records that a call writes, which tells of no more than there is room for.
fn all<T: Copy>(
    blank: T,
    call: impl Fn(*mut libc::c_void, libc::c_int) -> libc::c_int,
) -> io::Result<Vec<T>> {
    let mut records = vec![blank; 256];
    loop {
        let room = libc::c_int::try_from(size_of_val(records.as_slice())).map_err(io::Error::other)?;
        Errno::clear();
        let written = call(records.as_mut_ptr().cast(), room);
        match usize::try_from(written) {
            Ok(0) | Err(_) => {
                return Err(match Errno::last() {
                    Errno::UnknownErrno => io::Error::other("the kernel does not say"),
                    error => error.into(),
                });
            }
            Ok(written) if written < size_of_val(records.as_slice()) => {
                records.truncate(written / size_of::<T>());
                return Ok(records);
            }
            Ok(_) => records = vec![blank; records.len() * 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn own() -> i32 {
        nix::unistd::getpid().as_raw()
    }

    #[test]
    fn we_are_a_process_with_a_parent_and_threads() {
        let info = process(own()).unwrap();
        assert_eq!(info.pbi_pid.cast_signed(), own());
        assert_eq!(info.pbi_ppid.cast_signed(), nix::unistd::getppid().as_raw());
        assert!(task(own()).unwrap().pti_threadnum >= 1);
        assert!(processes().unwrap().contains(&own()));
    }

    #[test]
    fn a_descriptor_of_ours_is_listed() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(own_descriptors().unwrap().contains(&file.as_raw_fd()));
    }

    #[test]
    fn a_pid_that_nobody_has_is_not_found() {
        assert_eq!(process(-1).map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
