//! Dispositions of signals, by POSIX.

/// No system has a higher signal. macOS ends at 31, FreeBSD at 126.
const LAST: libc::c_int = 127;

pub(crate) fn reset_dispositions() {
    // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid: SIG_DFL, nothing blocked,
    // nothing special.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for number in 1..=LAST {
        // SAFETY: `default` is only read, and no old action is asked for. SIGKILL, SIGSTOP and a number that no
        // signal has are refused without effect.
        unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
    }
}

/// A signal that POSIX has no name for.
pub(crate) fn real_time_name(signal: i32) -> String {
    format!("signal {signal}")
}

/// None has them.
pub(crate) fn real_time_number(_above: i32) -> Option<i32> {
    None
}
