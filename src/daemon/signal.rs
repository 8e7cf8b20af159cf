//! The signals that a program can handle, and their dispositions.

use std::fmt;

use crate::sys::signal;

/// A signal whose disposition a program can choose.
///
/// SIGKILL and SIGSTOP are excluded because they cannot be caught (signal(7)); SIGSEGV, SIGBUS, SIGFPE, SIGILL,
/// SIGTRAP, SIGSYS and SIGABRT because they concern the current instruction and cannot be handled later.
///
/// ```compile_fail,E0599
/// let never = svcadapt::daemon::Signal::KILL;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// `SIGTERM`: terminate.
    pub const TERM: Self = Self(signal::SIGTERM);
    /// `SIGINT`: interrupt from a terminal (Ctrl-C).
    pub const INT: Self = Self(signal::SIGINT);
    /// `SIGHUP`: by convention, reload the configuration.
    pub const HUP: Self = Self(signal::SIGHUP);
    /// `SIGQUIT`: terminate and dump core.
    pub const QUIT: Self = Self(signal::SIGQUIT);
    /// `SIGUSR1`: defined by the program.
    pub const USR1: Self = Self(signal::SIGUSR1);
    /// `SIGUSR2`: defined by the program.
    pub const USR2: Self = Self(signal::SIGUSR2);
    /// `SIGCHLD`: a child has ended.
    pub const CHLD: Self = Self(signal::SIGCHLD);
    /// `SIGCONT`: continue after a stop.
    pub const CONT: Self = Self(signal::SIGCONT);
    /// `SIGALRM`: a timer has expired.
    pub const ALRM: Self = Self(signal::SIGALRM);
    /// `SIGWINCH`: the terminal was resized; by convention of some servers, end gracefully.
    pub const WINCH: Self = Self(signal::SIGWINCH);
    /// `SIGPIPE`: a pipe without a reader. Rust's runtime ignores it, so that writes fail with an error instead.
    pub const PIPE: Self = Self(signal::SIGPIPE);
    /// `SIGTSTP`: stop, from a terminal.
    pub const TSTP: Self = Self(signal::SIGTSTP);
    /// `SIGTTIN`: a background process reads from the terminal.
    pub const TTIN: Self = Self(signal::SIGTTIN);
    /// `SIGTTOU`: a background process writes to the terminal.
    pub const TTOU: Self = Self(signal::SIGTTOU);

    /// `SIGRTMIN+n`. `None` if the system has no such signal.
    pub fn real_time(n: u8) -> Option<Self> {
        let (first, last) = signal::real_time()?;
        Some(Self(first + i32::from(n))).filter(|signal| signal.0 <= last)
    }

    /// The signal number (signal(7)).
    pub fn number(self) -> i32 {
        self.0
    }

    /// A signal by a number from the kernel.
    pub(super) fn of(number: i32) -> Self {
        Self(number)
    }
}

/// Prints its name: `SIGTERM`, `SIGRTMIN+3`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signal::name(self.0))
    }
}

/// What a signal does (signal(7), "Signal dispositions").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// It is delivered to [`Signals`](super::Signals), and has no other effect.
    Deliver,
    /// It is ignored (`SIG_IGN`). Executed programs inherit that.
    Ignore,
    /// It has its default action (`SIG_DFL`): for most signals, ending the process.
    Default,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_names_match_the_kernels() {
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
        if let Some((first, last)) = signal::real_time() {
            assert_eq!(Signal::real_time(3).map(Signal::number), Some(first + 3));
            assert_eq!(Signal::real_time(u8::try_from(last - first + 1).unwrap()), None);
        }
        assert_eq!(Signal::real_time(255), None);
    }
}
