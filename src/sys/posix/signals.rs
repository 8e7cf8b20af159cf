//! Signal dispositions, by POSIX.

/// No system has a higher signal: macOS up to 31, FreeBSD up to 126.
const LAST: libc::c_int = 127;

pub(crate) fn reset_dispositions() {
    // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid: SIG_DFL, nothing blocked, no
    // flags.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for number in 1..=LAST {
        // SAFETY: `default` is only read, and no old action is asked for. SIGKILL, SIGSTOP and a number that no
        // signal has are refused without effect.
        unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
    }
}

/// Resets every ignored signal to its default action, except those in `keep`.
pub(crate) fn reset_ignored(keep: &[i32]) {
    for number in (1..=LAST).filter(|number| !keep.contains(number)) {
        // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: `now` is valid for writing an action, and no new action is set.
        let asked = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut now) };
        if asked == 0 && now.sa_sigaction == libc::SIG_IGN {
            // SAFETY: no handler is installed, so none can run.
            unsafe { libc::signal(number, libc::SIG_DFL) };
        }
    }
}

/// Not every system has real-time signals.
pub(crate) fn real_time() -> Option<(i32, i32)> {
    None
}

/// The name of a signal without a POSIX name.
pub(crate) fn real_time_name(signal: i32) -> String {
    format!("signal {signal}")
}

/// Not supported.
pub(crate) fn real_time_number(_above: i32) -> Option<i32> {
    None
}
