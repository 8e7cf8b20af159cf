//! Dispositions of signals, by POSIX.

/// No system has a higher signal. macOS ends at 31, FreeBSD at 126.
const LAST: libc::c_int = 127;

pub(crate) fn reset_dispositions(keep: &[i32]) {
    // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid: SIG_DFL, nothing blocked,
    // nothing special.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for number in (1..=LAST).filter(|number| !keep.contains(number)) {
        // SAFETY: `default` is only read, and no old action is asked for. SIGKILL, SIGSTOP and a number that no
        // signal has are refused without effect.
        unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
    }
}

/// Gives its default action to every signal that is ignored, but to those in `keep`.
pub(crate) fn reset_ignored(keep: &[i32]) {
    for number in (1..=LAST).filter(|number| !keep.contains(number)) {
        // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: `now` is a valid place for an action, and no new one is given.
        let asked = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut now) };
        if asked == 0 && now.sa_sigaction == libc::SIG_IGN {
            // SAFETY: no handler is installed, and so none can run.
            unsafe { libc::signal(number, libc::SIG_DFL) };
        }
    }
}

/// There are none everywhere.
pub(crate) fn real_time() -> Option<(i32, i32)> {
    None
}

/// A signal that POSIX has no name for.
pub(crate) fn real_time_name(signal: i32) -> String {
    format!("signal {signal}")
}

/// None has them.
pub(crate) fn real_time_number(_above: i32) -> Option<i32> {
    None
}
