//! The clock of the day jumps by an hour, back and forth, from one look at it to the next: a library for `LD_PRELOAD` (ld.so(8)),
//! because a test must not set the clock of its machine. The monotonic clocks are right.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "it is a C interface")]

use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicBool, Ordering};

const HOUR: i64 = 3600;

/// clock_gettime(2).
///
/// # Safety
///
/// `time` may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    static AHEAD: AtomicBool = AtomicBool::new(false);
    // SAFETY: the arguments are those of the caller, who may have the kernel write there.
    let answer = unsafe { libc::syscall(libc::SYS_clock_gettime, c_long::from(clock), time) };
    if answer == 0 && [libc::CLOCK_REALTIME, libc::CLOCK_REALTIME_COARSE].contains(&clock) {
        let ahead = AHEAD.fetch_xor(true, Ordering::Relaxed);
        // SAFETY: the kernel has just written there.
        unsafe { (*time).tv_sec += if ahead { HOUR } else { -HOUR } };
    }
    c_int::try_from(answer).unwrap_or(-1)
}
