//! proc_pidinfo(3) and sysctl(3): what the kernel reports about a process.
//!
//! For a process of another user only two flavors are available: the short one and the order of forks. Only these two
//! work for zombies as well, if the argument is not 0 (`proc_pidinfo` in bsd/kern/proc_info.c of xnu).

use std::io;
use std::mem::MaybeUninit;

use nix::errno::Errno;

use super::super::rules::{kinfo, procargs};

/// A structure that the kernel fills. It consists of integers only, so every bit pattern is valid.
///
/// # Safety
///
/// The implementor guarantees that; and `FLAVOR` must be the flavor that returns this structure.
unsafe trait Answer: Copy {
    const FLAVOR: libc::c_int;
    /// The argument of the call: which processes are included.
    const AMONG: u64;
}

/// Including zombies.
const ZOMBIES: u64 = 1;

// SAFETY: proc_bsdshortinfo consists of integers and arrays of them, and this flavor returns it.
unsafe impl Answer for libc::proc_bsdshortinfo {
    const FLAVOR: libc::c_int = libc::PROC_PIDT_SHORTBSDINFO;
    const AMONG: u64 = ZOMBIES;
}

// SAFETY: proc_taskinfo consists of integers, and this flavor returns it.
unsafe impl Answer for libc::proc_taskinfo {
    const FLAVOR: libc::c_int = libc::PROC_PIDTASKINFO;
    const AMONG: u64 = 0;
}

/// `struct proc_uniqidentifierinfo` of `<sys/proc_info.h>`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Unique {
    image: [u8; 16],
    /// Counts the forks of this boot.
    order: u64,
    parents: u64,
    versions: [i32; 2],
    reserved: [u64; 2],
}

// SAFETY: it consists of integers and arrays of them, and this flavor, PROC_PIDUNIQIDENTIFIERINFO, returns it.
unsafe impl Answer for Unique {
    const FLAVOR: libc::c_int = 17;
    const AMONG: u64 = ZOMBIES;
}

// The kernel writes its whole structure and rejects a smaller buffer.
const _: () = assert!(size_of::<Unique>() == 56 && std::mem::offset_of!(Unique, order) == 16);
const _: () = assert!(size_of::<libc::proc_bsdshortinfo>() == 64);
const _: () = assert!(std::mem::offset_of!(libc::proc_bsdshortinfo, pbsi_status) == 12);
const _: () = assert!(std::mem::offset_of!(libc::proc_bsdshortinfo, pbsi_comm) == 16);
const _: () = assert!(std::mem::offset_of!(libc::proc_bsdshortinfo, pbsi_flags) == 32);
const _: () = assert!(std::mem::offset_of!(libc::proc_bsdshortinfo, pbsi_uid) == 36);
const _: () = assert!(std::mem::offset_of!(libc::proc_bsdshortinfo, pbsi_svgid) == 56);
const _: () = assert!(size_of::<libc::proc_taskinfo>() == 96);
const _: () = assert!(std::mem::offset_of!(libc::proc_taskinfo, pti_threadnum) == 84);

/// The identity and parent of a process. The error is of kind `NotFound` if there is no such process.
pub(crate) fn process(pid: i32) -> io::Result<libc::proc_bsdshortinfo> {
    ask(pid)
}

/// The position of a process in the order of all forks of this boot.
pub(crate) fn order(pid: i32) -> io::Result<u64> {
    ask::<Unique>(pid).map(|found| found.order)
}

/// The arguments of a process of the same user; root can read those of all.
pub(crate) fn arguments(pid: i32) -> io::Result<Vec<String>> {
    // With a smaller buffer than arguments and environment need, the beginning would be missing.
    let mut room = 0;
    sysctl(&mut [libc::CTL_KERN, libc::KERN_ARGMAX], std::slice::from_mut(&mut room))?;
    let mut answer = vec![0; usize::try_from(room).map_err(io::Error::other)?];
    let length = sysctl(&mut [libc::CTL_KERN, libc::KERN_PROCARGS2, pid], &mut answer)?;
    Ok(procargs::arguments(answer.get(..length).unwrap_or_default()))
}

/// The start time of a process, and whether it is a zombie. The error is of kind `NotFound` if there is no such
/// process.
pub(crate) fn status(pid: i32) -> io::Result<kinfo::ProcessFields> {
    let mut answer = [0_u8; kinfo::SIZE];
    let name = &mut [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, pid];
    let length = sysctl(name, &mut answer)?;
    let found = answer.get(..length).and_then(|answer| kinfo::status(answer, pid));
    found.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// sysctl(3); returns the number of bytes written.
fn sysctl<T: Integer>(name: &mut [libc::c_int], answer: &mut [T]) -> io::Result<usize> {
    let mut length = size_of_val(answer);
    let parts = libc::c_uint::try_from(name.len()).map_err(io::Error::other)?;
    let buffer = answer.as_mut_ptr().cast();
    // SAFETY: the name has `parts` parts, the buffer is `length` bytes long and accepts every bit pattern, and nothing
    // is set.
    let result =
        unsafe { libc::sysctl(name.as_mut_ptr(), parts, buffer, &raw mut length, std::ptr::null_mut(), 0) };
    Errno::result(result)?;
    Ok(length)
}

/// Types for which every bit pattern is valid.
trait Integer: Copy {}
impl Integer for u8 {}
impl Integer for libc::c_int {}

/// The resource usage of a process of the same user.
pub(crate) fn task(pid: i32) -> io::Result<libc::proc_taskinfo> {
    ask(pid)
}

fn ask<T: Answer>(pid: i32) -> io::Result<T> {
    let size = libc::c_int::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let mut answer = MaybeUninit::<T>::zeroed();
    Errno::clear();
    // SAFETY: the buffer is `size` bytes long, and the kernel keeps no pointer to it.
    let written = unsafe { libc::proc_pidinfo(pid, T::FLAVOR, T::AMONG, answer.as_mut_ptr().cast(), size) };
    if written == size {
        // SAFETY: the kernel filled it completely, and every bit pattern is valid, by the trait.
        return Ok(unsafe { answer.assume_init() });
    }
    Err(match Errno::last() {
        Errno::ESRCH => io::ErrorKind::NotFound.into(),
        Errno::UnknownErrno => io::Error::other("the kernel returned a structure of unexpected size"),
        error => error.into(),
    })
}

/// The open descriptors of this process.
pub(crate) fn own_descriptors() -> io::Result<Vec<i32>> {
    const NONE: libc::proc_fdinfo = libc::proc_fdinfo { proc_fd: -1, proc_fdtype: 0 };
    let pid = nix::unistd::getpid().as_raw();
    let found = all(NONE, |buffer, size| {
        // SAFETY: the buffer is `size` bytes long, and the kernel keeps no pointer to it.
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, buffer, size) }
    })?;
    Ok(found.into_iter().map(|descriptor| descriptor.proc_fd).collect())
}

/// The pids of all processes.
pub(crate) fn processes() -> io::Result<Vec<i32>> {
    /// `PROC_ALL_PIDS`.
    const ALL: u32 = 1;
    let found: Vec<libc::pid_t> = all(0, |buffer, size| {
        // SAFETY: the buffer is `size` bytes long, and the kernel keeps no pointer to it.
        unsafe { libc::proc_listpids(ALL, 0, buffer, size) }
    })?;
    Ok(found.into_iter().filter(|&pid| pid > 0).collect())
}

/// All records of a call that returns at most as many as fit into the buffer.
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
                    Errno::UnknownErrno => io::Error::other("the kernel returned no data"),
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
    fn own_process_has_a_parent_and_threads() {
        let info = process(own()).unwrap();
        assert_eq!(info.pbsi_pid.cast_signed(), own());
        assert_eq!(info.pbsi_ppid.cast_signed(), nix::unistd::getppid().as_raw());
        assert!(task(own()).unwrap().pti_threadnum >= 1);
        assert!(processes().unwrap().contains(&own()));
    }

    #[test]
    fn own_descriptor_is_listed() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(own_descriptors().unwrap().contains(&file.as_raw_fd()));
    }

    #[test]
    fn unused_pid_is_not_found() {
        assert_eq!(process(-1).map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
