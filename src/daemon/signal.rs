//! Which signals there are to be had, and what is to become of them.

use std::fmt;

use crate::sys::signal;

/// A signal that a program may have a say in.
///
/// SIGKILL and SIGSTOP are not among them, for the kernel lets nobody catch them; nor are SIGSEGV, SIGBUS, SIGFPE, SIGILL,
/// SIGTRAP, SIGSYS and SIGABRT, which are about the instruction that caused them and cannot wait until somebody reads.
///
/// ```compile_fail,E0599
/// let never = svcadapt::daemon::Signal::KILL;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// `SIGTERM`: end.
    pub const TERM: Self = Self(signal::SIGTERM);
    /// `SIGINT`: end, from a terminal.
    pub const INT: Self = Self(signal::SIGINT);
    /// `SIGHUP`: by custom, read the configuration reexec.
    pub const HUP: Self = Self(signal::SIGHUP);
    /// `SIGQUIT`: end, and dump core.
    pub const QUIT: Self = Self(signal::SIGQUIT);
    /// `SIGUSR1`: whatever the program makes of it.
    pub const USR1: Self = Self(signal::SIGUSR1);
    /// `SIGUSR2`: whatever the program makes of it.
    pub const USR2: Self = Self(signal::SIGUSR2);
    /// `SIGCHLD`: a child has ended.
    pub const CHLD: Self = Self(signal::SIGCHLD);
    /// `SIGCONT`: go on after a stop.
    pub const CONT: Self = Self(signal::SIGCONT);
    /// `SIGALRM`: a timer has run out.
    pub const ALRM: Self = Self(signal::SIGALRM);
    /// `SIGWINCH`: a terminal has another size; by custom, end gracefully.
    pub const WINCH: Self = Self(signal::SIGWINCH);
    /// `SIGPIPE`: nobody reads any more. Rust's runtime ignores it, so that writing fails instead.
    pub const PIPE: Self = Self(signal::SIGPIPE);
    /// `SIGTSTP`: stop, from a terminal.
    pub const TSTP: Self = Self(signal::SIGTSTP);
    /// `SIGTTIN`: a terminal cannot be read in the background.
    pub const TTIN: Self = Self(signal::SIGTTIN);
    /// `SIGTTOU`: a terminal cannot be written in the background.
    pub const TTOU: Self = Self(signal::SIGTTOU);

    /// `SIGRTMIN+n`; none where the system has no such signal.
    pub fn real_time(n: u8) -> Option<Self> {
        let (first, last) = signal::real_time()?;
        Some(Self(first + i32::from(n))).filter(|signal| signal.0 <= last)
    }

    /// The kernel's number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// One that came from the kernel.
    pub(super) fn of(number: i32) -> Self {
        Self(number)
    }
}

/// Its name: `SIGTERM`, `SIGRTMIN+3`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signal::name(self.0))
    }
}

/// What is to become of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It is told by [`Signals`](super::Signals), and does nothing else.
    Deliver,
    /// It does nothing (`SIG_IGN`). Programs that are executed inherit that.
    Ignore,
    /// It does what it does by itself (`SIG_DFL`): mostly, it ends the process.
    Default,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
        if let Some((first, last)) = signal::real_time() {
            assert_eq!(Signal::real_time(3).map(Signal::number), Some(first + 3));
            assert_eq!(Signal::real_time(u8::try_from(last - first + 1).unwrap()), None);
        }
        assert_eq!(Signal::real_time(255), None);
    }
}
