//! Making, becoming and awaiting processes.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::ForkResult;

use super::platform;

/// Counts the threads where it matters, and refuses what only a process with one may do. There is no proof to keep:
/// it would still say "one" when a thread has been started since.
pub(super) fn require_one_thread() -> io::Result<()> {
    match threads()? {
        1 => Ok(()),
        more => Err(io::Error::other(format!("this process has {more} threads"))),
    }
}

/// How many threads this process has.
///
/// One that was joined a moment ago may still be counted: whoever joined it is woken before the kernel forgets it.
pub fn threads() -> io::Result<usize> {
    platform::thread_count()
}

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that called, with the new process's number.
    Parent(i32),
    /// The new one.
    Child,
}

/// fork(2), refused in a process with more than one thread: a lock that another thread holds would be held in the
/// child for ever, which then may only call async-signal-safe functions until it executes another program.
pub fn fork() -> io::Result<Side> {
    require_one_thread()?;
    // SAFETY: this thread is the only one, and it starts none before the call: no lock can be left held in the child,
    // which may go on as any process does.
    let result = unsafe { nix::unistd::fork() }?;
    Ok(match result {
        ForkResult::Parent { child } => Side::Parent(child.as_raw()),
        ForkResult::Child => Side::Child,
    })
}

/// setsid(2): a new session without a controlling terminal.
pub fn new_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(())
}

/// Makes this process the leader of its terminal's foreground process group: what is typed there, Ctrl-C too, is for it and
/// what it starts. Standard input that is another session's terminal cannot be had, and a session of its own is begun.
pub fn take_terminal() -> io::Result<()> {
    let input = io::stdin();
    if nix::unistd::tcgetpgrp(&input).is_err() {
        return new_session();
    }
    let own = nix::unistd::getpid();
    nix::unistd::setpgid(own, own)?;
    // Who is not in the foreground yet would be stopped for it (tcsetpgrp(3)).
    let mut stops = SigSet::empty();
    stops.add(Signal::SIGTTOU);
    let before = stops.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let set = nix::unistd::tcsetpgrp(&input, own);
    before.thread_set_mask()?;
    Ok(set?)
}

/// Ends a forked child: no destructor, no flushing of what the parent had buffered.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit(2) takes any number and touches no memory of ours.
    unsafe { libc::_exit(status.into()) }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It left with this status.
    Exited(u8),
    /// It died of this signal.
    Killed(i32),
}

/// Keeps this process from ever dumping core, and others of its user from reading its memory (PR_SET_DUMPABLE,
/// prctl(2)). An exec ends it.
pub fn never_dump() -> io::Result<()> {
    platform::never_dump()
}

/// One child that has ended, with how; none while no child has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaped {
    /// This one.
    Child(i32, Ended),
    /// There are children, and all run.
    None,
    /// There are no children.
    NoChildren,
}

/// Takes the status of one child that has ended, without waiting.
pub fn reap() -> io::Result<Reaped> {
    wait_with(-1, libc::WNOHANG)
}

/// Waits for one child to end.
pub fn wait(pid: i32) -> io::Result<Ended> {
    match wait_with(pid, 0)? {
        Reaped::Child(_, ended) => Ok(ended),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

/// waitpid(2). nix has a door to it, but one that loses a death by a real-time signal.
fn wait_with(pid: i32, flags: i32) -> io::Result<Reaped> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for an int, and the call keeps no pointer to it.
        let found = unsafe { libc::waitpid(pid, &raw mut status, flags) };
        return match Errno::result(found) {
            Ok(0) => Ok(Reaped::None),
            Ok(child) if libc::WIFEXITED(status) => {
                let code = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
                Ok(Reaped::Child(child, Ended::Exited(code)))
            }
            Ok(child) => Ok(Reaped::Child(child, Ended::Killed(libc::WTERMSIG(status)))),
            Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => Ok(Reaped::NoChildren),
            Err(error) => Err(error.into()),
        };
    }
}

/// Whether a process is a child of ours that has not been reaped, also where nothing else is seen of it (hidepid=, proc(5)).
pub fn is_child(pid: i32) -> bool {
    has_child(libc::P_PID, pid)
}

/// Whether a child of ours that has not been reaped is in this process group.
pub fn has_child_in(group: i32) -> bool {
    group > 1 && has_child(libc::P_PGID, group)
}

fn has_child(kind: libc::idtype_t, number: i32) -> bool {
    // A signed number on some systems.
    #[allow(irrefutable_let_patterns, reason = "on others it cannot fail")]
    let Ok(number) = libc::id_t::try_from(number) else { return false };
    // SAFETY: siginfo_t is plain numbers, for which all zeroes are valid.
    let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: there is room for what waitid(2) says, and the call keeps no pointer to it.
    unsafe { libc::waitid(kind, number, &raw mut found, flags) == 0 }
}

/// Becomes another program. Returns only where that failed.
pub fn execute(program: &OsStr, argv: &[CString], environment: &[CString]) -> io::Error {
    match CString::new(program.as_bytes()) {
        Ok(path) => match nix::unistd::execve(&path, argv, environment) {
            Ok(never) => match never {},
            Err(error) => error.into(),
        },
        Err(_) => io::Error::from(io::ErrorKind::InvalidInput),
    }
}

/// The session of a process (getsid(2)). An error of kind `NotFound` means that there is no such process.
pub fn session(pid: i32) -> io::Result<i32> {
    match nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))) {
        Ok(session) => Ok(session.as_raw()),
        Err(Errno::ESRCH) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

/// The process group of a process (getpgid(2)). An error of kind `NotFound` means that there is no such process.
pub fn group(pid: i32) -> io::Result<i32> {
    match nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))) {
        Ok(group) => Ok(group.as_raw()),
        Err(Errno::ESRCH) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a process is stopped (SIGSTOP and its kin), as far as that can be seen.
pub fn is_stopped(pid: i32) -> bool {
    platform::is_stopped(pid).unwrap_or(false)
}

/// Our own number.
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// Our parent's number.
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// What tells one process from every other that has had, or will have, its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId {
    /// When it started, in a unit of the system's own.
    pub start_time: u64,
    /// Whether it has ended, and only waits for its parent to be told.
    pub ended: bool,
}

/// The identity of a process. An error of kind `NotFound` means that there is no such process, one of kind `Unsupported`
/// that nothing shows processes here, or only those of another pid namespace.
pub fn identity(pid: i32) -> io::Result<ProcessId> {
    platform::identity(pid)
}

/// Whether a process was started after another one. An error of kind `NotFound` means that there is no such process.
pub fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    platform::is_younger(pid, than)
}

/// Whether two start times, each read by whatever process, are one.
pub fn same_start(one: u64, other: u64) -> bool {
    platform::same_start(one, other)
}

/// How long ago a process started that has this start time.
pub fn age(start_time: u64) -> io::Result<Duration> {
    platform::age(start_time)
}

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// Who has started it.
    pub real: u32,
    /// Whom it acts as.
    pub effective: u32,
}

/// Whose a process is. An error of kind `NotFound` means that there is no such process.
pub fn users(pid: i32) -> io::Result<Users> {
    platform::users(pid)
}

/// Whether a process is on its way to its end, or there. An error of kind `NotFound` means that there is no such process.
pub fn is_exiting(pid: i32) -> io::Result<bool> {
    platform::is_exiting(pid)
}

/// A word that tells the pid namespace of this process from every other one of this boot (pid_namespaces(7)); none where
/// there is only one, or that cannot be told.
pub fn namespace() -> Option<String> {
    platform::namespace()
}

/// A word for this machine: its name, and the number that it was given when it was installed (machine-id(5)), if it was.
pub fn host() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    let number = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    Ok(format!("{} {}", name.to_string_lossy(), number.trim()))
}

/// A word that tells this boot of the machine from every other one.
pub fn boot() -> io::Result<String> {
    platform::boot()
}
