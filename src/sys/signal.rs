//! Signals.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

pub use nix::libc::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
    SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ,
};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, sigprocmask};

use super::platform;

/// Gives every signal its default action, the ones that Rust and the starter ignore and the real-time ones too.
pub fn reset_dispositions() {
    platform::reset_dispositions(&[]);
}

/// The same for all but SIGXFSZ: what is written during set-up fails with words under a limit of file sizes, and the exec
/// of the program gives that signal back.
pub fn reset_for_set_up() {
    platform::reset_dispositions(&[SIGXFSZ]);
}

/// Gives SIGCHLD its default action: a starter may have left it ignored, and the kernel then keeps no status of children.
pub fn keep_children() -> io::Result<()> {
    // SAFETY: no handler is installed, and so none can run.
    unsafe { nix::sys::signal::signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

/// Blocks every signal, so that none is lost while it is read from a [`Signals`].
pub fn block_all() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    Ok(())
}

/// Blocks none.
pub fn unblock_all() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}

/// Gives its default action to every signal that whoever started us has ignored, but to those in `keep`. Handlers
/// are this program's own and stay, as do the ones by which Rust tells a stack overflow.
pub fn reset_ignored(keep: &[i32]) {
    platform::reset_ignored(keep);
}

/// Ignores a signal.
pub fn ignore(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_IGN)
}

/// Gives a signal its default action.
pub fn restore_default(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_DFL)
}

fn dispose(number: i32, disposition: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: no handler is installed, and so none can run; a number that no signal has is an error.
    let before = unsafe { libc::signal(number, disposition) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ignores a signal that has its default action; a handler stays.
pub fn ignore_default(number: i32) -> io::Result<()> {
    if action(number) == libc::SIG_DFL { ignore(number) } else { Ok(()) }
}

/// Gives its default action to a signal that is ignored; a handler stays.
pub fn restore_ignored(number: i32) -> io::Result<()> {
    if action(number) == libc::SIG_IGN { restore_default(number) } else { Ok(()) }
}

/// `SIG_DFL`, `SIG_IGN` or a handler.
fn action(number: i32) -> libc::sighandler_t {
    // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set, and `now` is written where the signal exists.
    unsafe { libc::sigaction(number, std::ptr::null(), &raw mut now) };
    now.sa_sigaction
}

/// The lowest and the highest real-time signal that are a program's own; none where the system has no such signals.
pub fn real_time() -> Option<(i32, i32)> {
    platform::real_time()
}

/// The signals that arrive while all are blocked, as something to read from.
#[derive(Debug)]
pub struct Signals(platform::Signals);

impl Signals {
    /// Blocks every signal and opens their descriptor.
    pub fn receive() -> io::Result<Self> {
        block_all()?;
        platform::Signals::new().map(Self)
    }

    /// Lets go of it in a process that was forked since, which may not have inherited it.
    pub fn after_fork(self) {
        self.0.after_fork();
    }

    /// The next signal that has arrived; none if none has.
    pub fn next(&self) -> io::Result<Option<i32>> {
        self.0.next()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// kill(2).
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers.
    nix::errno::Errno::result(unsafe { libc::kill(pid, signal) })?;
    Ok(())
}

/// kill(2) with a whole process group.
pub fn send_to_group(group: i32, signal: i32) -> io::Result<()> {
    // Group 1 is not one that a service may be in, and kill(-1) would mean every process.
    if group <= 1 { Err(io::ErrorKind::InvalidInput.into()) } else { send(-group, signal) }
}

/// Whether a process group has members, zombies and those that we may not signal among them.
pub fn reaches_group(group: i32) -> bool {
    match send_to_group(group, 0) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// Whether any process has this number, a zombie among them (kill(2) with signal 0).
pub fn reaches(pid: i32) -> io::Result<bool> {
    match send(pid, 0) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(true),
    }
}

/// Dies of a signal, as the program did whose end is passed on. Returns where that is not possible: process 1 of a
/// container cannot be ended by its own signal.
pub fn die_of(signal: i32) {
    reset_dispositions();
    let _ = unblock_all();
    // A core of the launcher would say nothing about the program.
    let _ = super::limits::set(super::limits::CORE, 0, 0);
    let _ = send(super::process::own_pid(), signal);
}

/// The number of a signal that has a name here.
pub fn number(name: &str) -> Option<i32> {
    let real_time = || match name.strip_prefix("SIGRTMIN")? {
        "" => platform::real_time_number(0),
        above => platform::real_time_number(above.strip_prefix('+')?.parse().ok()?),
    };
    name.parse::<Signal>().ok().map(|known| known as i32).or_else(real_time)
}

/// The name of a signal: `SIGTERM`, `SIGRTMIN+3`.
pub fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(known) => known.as_str().to_owned(),
        Err(_) => platform::real_time_name(signal),
    }
}
