//! Signals on Linux.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::super::procfs;

/// The highest signal on every architecture except MIPS.
const LAST: libc::c_int = 64;

/// As signalfd(2) has it.
const SIGIO: u32 = libc::SIGIO.cast_unsigned();

/// The kernel's sigaction, with every field zero: default action, no flags, no mask.
#[repr(C)]
struct KernelSigaction([usize; 4]);

/// Resets every signal to its default action, by the system call itself: the C library refuses to change the two or
/// three real-time signals that it reserves for its threads, and a starter may have left those ignored.
pub(crate) fn reset_dispositions() {
    // The kernel does not allow changing these two (sigaction(2)).
    let fixed = [libc::SIGKILL, libc::SIGSTOP];
    for number in (1..=LAST).filter(|number| !fixed.contains(number)) {
        reset(number);
    }
}

/// Resets every ignored signal to its default action, except those in `keep`. Handlers stay: an exec removes handlers,
/// so this program has installed them itself.
pub(crate) fn reset_ignored(keep: &[i32]) {
    // One look at /proc instead of a question for each signal.
    let known = procfs::own_ignored_signals();
    let ignored = |number: i32| known.map_or_else(|| is_ignored(number), |known| known.contains(number));
    for number in (1..=LAST).filter(|number| !keep.contains(number)) {
        if ignored(number) {
            reset(number);
        }
    }
}

fn reset(number: libc::c_int) {
    let default = KernelSigaction([0; 4]);
    // SAFETY: `default` is as large as the kernel's struct (handler, flags, restorer and an eight byte mask) or
    // larger, and is only read; no old action is asked for. SIGKILL and SIGSTOP are refused without effect.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            number,
            &raw const default,
            std::ptr::null_mut::<KernelSigaction>(),
            size_of::<u64>(),
        )
    };
}

fn is_ignored(number: libc::c_int) -> bool {
    let mut now = KernelSigaction([0; 4]);
    // SAFETY: `now` is as large as the kernel's struct or larger, and no new action is given.
    let asked = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            number,
            std::ptr::null::<KernelSigaction>(),
            &raw mut now,
            size_of::<u64>(),
        )
    };
    asked == 0 && now.0[0] == libc::SIG_IGN
}

/// signalfd(2).
#[derive(Debug)]
pub(crate) struct SignalReader(SignalFd);

impl SignalReader {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// A signalfd is inherited by a fork, so it can be closed normally.
    pub(crate) fn after_fork(self) {
        drop(self);
    }

    pub(crate) fn next(&self) -> io::Result<Option<i32>> {
        loop {
            match self.0.read_signal() {
                // The kernel announces a new name (`NewNames`); no process can send this code to another one.
                Ok(Some(info)) if info.ssi_signo == SIGIO && info.ssi_code > 0 => {}
                Ok(signal) => return Ok(signal.and_then(|info| i32::try_from(info.ssi_signo).ok())),
                Err(Errno::EINTR) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for SignalReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The range that the C library leaves to programs.
#[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(crate) fn real_time() -> Option<(i32, i32)> {
    Some((libc::SIGRTMIN(), libc::SIGRTMAX()))
}

/// `SIGRTMIN+3`.
pub(crate) fn real_time_name(signal: i32) -> String {
    match signal - libc::SIGRTMIN() {
        0 => "SIGRTMIN".to_owned(),
        above if above > 0 && signal <= libc::SIGRTMAX() => format!("SIGRTMIN+{above}"),
        _ => format!("signal {signal}"),
    }
}

/// The number of `SIGRTMIN+above`.
pub(crate) fn real_time_number(above: i32) -> Option<i32> {
    let number = libc::SIGRTMIN().checked_add(above).filter(|_| above >= 0)?;
    (number <= libc::SIGRTMAX()).then_some(number)
}
