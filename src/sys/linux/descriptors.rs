//! Descriptors on Linux.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;

pub(crate) fn descriptor_path(number: i32) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{number}"))
}

pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

/// kcmp(2). Also an error where a seccomp filter does not allow it, as in many containers.
pub(crate) fn is_same_description(one: i32, other: i32) -> io::Result<bool> {
    const KCMP_FILE: libc::c_int = 0;
    let own = super::super::process::own_pid();
    // SAFETY: kcmp(2) takes five numbers and touches no memory.
    let compared = unsafe { libc::syscall(libc::SYS_kcmp, own, own, KCMP_FILE, one, other) };
    Ok(Errno::result(compared)? == 0)
}

/// close_range(2) with CLOSE_RANGE_CLOEXEC. If a kernel (before 5.11) or a seccomp filter lacks it: the descriptors
/// that /proc lists, or without /proc every number up to the hard limit.
pub(crate) fn mark_all_close_on_exec(from: i32) -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    let first = libc::c_uint::try_from(from).unwrap_or(0);
    // SAFETY: close_range(2) takes three numbers, and with this flag closes nothing now.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    if done == 0 {
        return Ok(());
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        return numbers.filter(|&number| number >= from).try_for_each(mark);
    }
    let (_, hard) = super::super::limits::get("NOFILE")?;
    (from..=i32::try_from(hard).unwrap_or(i32::MAX)).try_for_each(mark)
}

/// The descriptors that /proc lists, or without /proc every open number up to the hard limit.
pub(crate) fn open_descriptors() -> io::Result<Vec<i32>> {
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut numbers: Vec<i32> = numbers.collect();
        numbers.sort_unstable();
        return Ok(numbers);
    }
    let (_, hard) = super::super::limits::get("NOFILE")?;
    let last = i32::try_from(hard).unwrap_or(i32::MAX);
    Ok((0..last).filter(|&number| super::super::fd::is_open(number)).collect())
}

/// A number that is already closed, like the directory just read, needs no mark.
fn mark(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD takes no pointer.
    match Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }) {
        Ok(_) | Err(Errno::EBADF) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
