//! Creating, executing and waiting for processes.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::ForkResult;

use super::platform;

/// Fails if the process has more than one thread. It is called at the point of use and returns no token, because a
/// token would remain valid after a thread is started.
pub(super) fn require_one_thread() -> io::Result<()> {
    match threads()? {
        1 => Ok(()),
        more => Err(io::Error::other(format!("this process has {more} threads"))),
    }
}

/// The number of threads of this process.
///
/// A thread that was just joined may still be counted: join returns before the kernel removes it.
pub fn threads() -> io::Result<usize> {
    platform::thread_count()
}

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The caller, with the pid of the child.
    Parent(i32),
    /// The child.
    Child,
}

/// fork(2). Fails in a process with more than one thread: a lock that another thread holds would stay locked in the
/// child, which could then only call async-signal-safe functions until it executes a program.
pub fn fork() -> io::Result<Side> {
    require_one_thread()?;
    // SAFETY: this is the only thread, and it starts no other before the call: no lock can stay held in the child, so
    // the child may continue like any process.
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

/// Makes this process the leader of its terminal's foreground process group, so that Ctrl-C reaches it and its children
/// (tcsetpgrp(3)). If standard input is the terminal of another session, or none, it starts a new session instead.
pub fn take_terminal() -> io::Result<()> {
    let input = io::stdin();
    if nix::unistd::tcgetpgrp(&input).is_err() {
        return new_session();
    }
    let own = nix::unistd::getpid();
    nix::unistd::setpgid(own, own)?;
    // A background process would be stopped by SIGTTOU (tcsetpgrp(3)).
    let mut stops = SigSet::empty();
    stops.add(Signal::SIGTTOU);
    let before = stops.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let set = nix::unistd::tcsetpgrp(&input, own);
    before.thread_set_mask()?;
    Ok(set?)
}

/// Ends a forked child with _exit(2): no destructors, and buffers copied from the parent are not flushed.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit(2) takes any number and touches no memory of ours.
    unsafe { libc::_exit(status.into()) }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status.
    Exited(u8),
    /// It was killed by this signal.
    Killed(i32),
    /// It was killed by this signal, and has written a core dump (core(5)).
    Dumped(i32),
}

/// Disables core dumps of this process and denies other processes of the user access to its memory (PR_SET_DUMPABLE,
/// prctl(2)). An exec undoes it.
pub fn never_dump() -> io::Result<()> {
    platform::never_dump()
}

/// The result of looking for an ended child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaped {
    /// A child has ended.
    Child(i32, Ended),
    /// All children are running.
    None,
    /// There are no children.
    NoChildren,
}

/// Reaps one ended child, without waiting.
pub fn reap() -> io::Result<Reaped> {
    wait_with(-1, libc::WNOHANG)
}

/// Reaps this child if it has ended.
pub fn reap_one(pid: i32) -> io::Result<Reaped> {
    wait_with(pid, libc::WNOHANG)
}

/// Waits for one child to end.
pub fn wait(pid: i32) -> io::Result<Ended> {
    match wait_with(pid, 0)? {
        Reaped::Child(_, ended) => Ok(ended),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

/// waitpid(2). nix's wrapper loses a death by a real-time signal.
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
            Ok(child) if libc::WCOREDUMP(status) => {
                Ok(Reaped::Child(child, Ended::Dumped(libc::WTERMSIG(status))))
            }
            Ok(child) => Ok(Reaped::Child(child, Ended::Killed(libc::WTERMSIG(status)))),
            Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => Ok(Reaped::NoChildren),
            Err(error) => Err(error.into()),
        };
    }
}

/// Whether a process is an unreaped child of this one. Works under hidepid= (proc(5)).
pub fn is_child(pid: i32) -> bool {
    has_child(libc::P_PID, pid)
}

/// Whether an unreaped child of this process is in this process group.
pub fn has_child_in(group: i32) -> bool {
    group > 1 && has_child(libc::P_PGID, group)
}

fn has_child(kind: libc::idtype_t, number: i32) -> bool {
    // `id_t` is signed on some systems.
    #[allow(irrefutable_let_patterns, reason = "on others it cannot fail")]
    let Ok(number) = libc::id_t::try_from(number) else { return false };
    // SAFETY: siginfo_t is plain numbers, for which all zeroes are valid.
    let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: there is room for the result of waitid(2), and the call keeps no pointer to it.
    unsafe { libc::waitid(kind, number, &raw mut found, flags) == 0 }
}

/// execve(2). Returns only on failure.
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

/// Whether a process is stopped (SIGSTOP, SIGTSTP, …), as far as that is visible.
pub fn is_stopped(pid: i32) -> bool {
    platform::is_stopped(pid).unwrap_or(false)
}

/// Whether each thread of a process is stopped or has ended, as far as that is visible. Also of a process that is gone.
pub fn has_stopped(pid: i32) -> bool {
    match platform::has_stopped(pid) {
        Ok(stopped) => stopped,
        Err(error) => super::procfs::is_gone(&error),
    }
}

/// This process's pid.
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The parent's pid.
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Distinguishes a process from all others that have had, or will have, its pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId {
    /// Its start time, in a unit that depends on the system.
    pub start_time: u64,
    /// Whether it is a zombie.
    pub ended: bool,
}

/// The identity of a process. The error is of kind `NotFound` if there is no such process, and of kind `Unsupported` if
/// the system shows no processes, or only those of another pid namespace.
pub fn identity(pid: i32) -> io::Result<ProcessId> {
    platform::identity(pid)
}

/// Whether a process was started after another one. An error of kind `NotFound` means that there is no such process.
pub fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    platform::is_younger(pid, than)
}

/// Whether two start times, possibly read by different processes, are the same.
pub fn same_start(one: u64, other: u64) -> bool {
    platform::same_start(one, other)
}

/// The age of a process with this start time.
pub fn age(start_time: u64) -> io::Result<Duration> {
    platform::age(start_time)
}

/// The users of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// The real user.
    pub real: u32,
    /// The effective user.
    pub effective: u32,
}

/// The users of a process. The error is of kind `NotFound` if there is no such process.
pub fn users(pid: i32) -> io::Result<Users> {
    platform::users(pid)
}

/// Whether a process is exiting or has ended. The error is of kind `NotFound` if there is no such process.
pub fn is_exiting(pid: i32) -> io::Result<bool> {
    platform::is_exiting(pid)
}

/// An id of this process's pid namespace, unique in this boot (pid_namespaces(7)). `None` if the system has no
/// namespaces, or it is unknown.
pub fn namespace() -> Option<String> {
    platform::namespace()
}

/// An id of this machine: its host name and, if set, its machine id (machine-id(5)).
pub fn host() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    let number = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    Ok(format!("{} {}", name.to_string_lossy(), number.trim()))
}

/// An id that is unique to this boot.
pub fn boot() -> io::Result<String> {
    platform::boot()
}
