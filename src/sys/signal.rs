//! Signals.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

pub use nix::libc::{
    SIGABRT, SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ,
};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, sigprocmask};

use super::platform;

/// Resets every signal to its default action, including those that Rust and the starter ignore, and the real-time
/// signals.
pub fn reset_dispositions() {
    platform::reset_dispositions();
}

/// Resets every ignored signal but SIGXFSZ before a program is executed; the exec resets those with a handler. Writes during
/// set-up then fail with EFBIG under a file size limit instead of a signal, which is reset last.
pub fn reset_for_set_up() {
    platform::reset_ignored(&[SIGXFSZ]);
}

/// Resets SIGCHLD to its default action: if a starter left it ignored, the kernel would discard the exit status of
/// children.
pub fn keep_children() -> io::Result<()> {
    // SAFETY: no handler is installed, so none can run.
    unsafe { nix::sys::signal::signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

/// Blocks every signal, so that none is lost before it is read from a [`SignalReader`].
pub fn block_all() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    Ok(())
}

/// Unblocks every signal.
pub fn unblock_all() -> io::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}

/// Resets every ignored signal to its default action, except those in `keep`. Handlers stay: they were installed by
/// this program, like the one by which Rust reports a stack overflow.
pub fn reset_ignored(keep: &[i32]) {
    platform::reset_ignored(keep);
}

/// Ignores a signal.
pub fn ignore(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_IGN)
}

/// Resets a signal to its default action.
pub fn restore_default(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_DFL)
}

fn dispose(number: i32, disposition: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: no handler is installed, so none can run; an invalid signal number is an error.
    let before = unsafe { libc::signal(number, disposition) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ignores a signal that has its default action; a handler stays.
pub fn ignore_default(number: i32) -> io::Result<()> {
    if action(number) == libc::SIG_DFL { ignore(number) } else { Ok(()) }
}

/// Resets an ignored signal to its default action; a handler stays.
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

/// The lowest and the highest real-time signal available to programs. `None` if the system has none.
pub fn real_time() -> Option<(i32, i32)> {
    platform::real_time()
}

/// Reads signals that arrive while all are blocked.
#[derive(Debug)]
pub struct SignalReader(platform::SignalReader);

impl SignalReader {
    /// Blocks every signal and opens a descriptor for them.
    pub fn receive() -> io::Result<Self> {
        block_all()?;
        platform::SignalReader::new().map(Self)
    }

    /// Releases it in a forked process, which may not have inherited it.
    pub fn after_fork(self) {
        self.0.after_fork();
    }

    /// The next signal that has arrived. `None` if there is none.
    pub fn next(&self) -> io::Result<Option<i32>> {
        self.0.next()
    }
}

impl AsFd for SignalReader {
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

/// kill(2) for a process group.
pub fn send_to_group(group: i32, signal: i32) -> io::Result<()> {
    // A service cannot be in group 1, and kill(-1) would signal every process.
    if group <= 1 { Err(io::ErrorKind::InvalidInput.into()) } else { send(-group, signal) }
}

/// Whether a process group has members, zombies and those that we may not signal among them.
pub fn reaches_group(group: i32) -> bool {
    match send_to_group(group, 0) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// Whether a process with this pid exists, including a zombie (kill(2) with signal 0).
pub fn reaches(pid: i32) -> io::Result<bool> {
    match send(pid, 0) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(true),
    }
}

/// Ends this process by a signal, to pass on how the program ended. Returns if that is impossible: process 1 of a
/// container cannot be ended by its own signal.
pub fn die_of(signal: i32) {
    reset_dispositions();
    let _ = unblock_all();
    // A core dump of the launcher would not help to debug the program.
    let _ = super::limits::set(super::limits::CORE, 0, 0);
    let _ = send(super::process::own_pid(), signal);
}

/// The number of a signal, by its name. `None` if this system has no such signal.
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
