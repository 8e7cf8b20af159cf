//! Policy, affinity, I/O priority and timer slack of this process.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

pub(crate) fn set_cpu_policy(name: &str, priority: u8, reset_on_fork: bool) -> io::Result<()> {
    let policy = match name {
        "other" => libc::SCHED_OTHER,
        "batch" => libc::SCHED_BATCH,
        "idle" => libc::SCHED_IDLE,
        "fifo" => libc::SCHED_FIFO,
        "rr" => libc::SCHED_RR,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let policy = if reset_on_fork { policy | libc::SCHED_RESET_ON_FORK } else { policy };
    // By number: the function of musl is an error (sched_setscheduler(2), "C library/kernel differences"). The kernel's
    // structure has the priority alone.
    let priority = i32::from(priority);
    // SAFETY: the kernel reads one int, and `priority` is one.
    Errno::result(unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) })?;
    Ok(())
}

pub(crate) fn set_cpu_affinity(numbers: impl Iterator<Item = u16>) -> io::Result<()> {
    const BITS: usize = libc::c_ulong::BITS as usize;
    // The largest mask that a kernel has (CONFIG_NR_CPUS).
    let mut mask = [0 as libc::c_ulong; 8192 / BITS];
    for number in numbers.map(usize::from) {
        let word = mask.get_mut(number / BITS).ok_or(io::ErrorKind::InvalidInput)?;
        *word |= 1 << (number % BITS);
    }
    // SAFETY: the kernel reads at most the given size, which is that of `mask`.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_sched_setaffinity, 0, size_of_val(&mask), mask.as_ptr())
    })?;
    Ok(())
}

pub(crate) fn set_io_priority(class: u16, level: u8) -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    const CLASS_SHIFT: u32 = 13;
    let priority = (libc::c_int::from(class) << CLASS_SHIFT) | libc::c_int::from(level);
    // SAFETY: ioprio_set(2) takes three numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, priority) })?;
    Ok(())
}

pub(crate) fn set_timer_slack(span: Option<Duration>) -> io::Result<()> {
    let most = libc::c_ulong::MAX;
    let span = span.map_or(most, |span| libc::c_ulong::try_from(span.as_nanos()).unwrap_or(most));
    // SAFETY: this prctl(2) takes a number.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, span, 0, 0, 0) })?;
    Ok(())
}
