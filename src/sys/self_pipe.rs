//! Caught signals, delivered through a self-pipe, in a process that keeps running its own code.
//!
//! The handler records the number and writes to the pipe; nothing else runs in a handler.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::errno::Errno;

use super::fd;

/// A bit for each signal that has arrived and was not read. No system has a number above 127.
static ARRIVED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// The process that the signals belong to: a forked child that has not executed anything has the handlers too.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// The write end of the pipe.
static PIPE_FD: AtomicI32 = AtomicI32::new(-1);
/// Both ends, the read end first. They are never closed: a handler may be about to write.
static PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

/// The caught signals. A process has one set.
#[derive(Debug)]
pub struct SelfPipe {
    out: BorrowedFd<'static>,
    numbers: Vec<i32>,
}

impl SelfPipe {
    /// Catches these signals from now on.
    pub fn open(numbers: &[i32]) -> io::Result<Self> {
        let (out, input) = pipe()?;
        PIPE_FD.store(input.as_raw_fd(), Ordering::Release);
        OWNER.store(super::process::own_pid(), Ordering::Release);
        for &number in numbers {
            catch(number)?;
        }
        Ok(Self { out: out.as_fd(), numbers: numbers.to_vec() })
    }

    /// The next signal that has arrived, lowest number first. `None` if there is none.
    ///
    /// The descriptor stays readable while one is left.
    pub fn next(&self) -> io::Result<Option<i32>> {
        let mut rung = [0; 64];
        while fd::read(self.out, &mut rung)?.is_some_and(|count| count == rung.len()) {}
        let found = (0..).zip(&ARRIVED).find_map(|(index, bits)| {
            // Takes the lowest bit, atomically among threads.
            let take = |arrived: u64| (arrived != 0).then(|| arrived & (arrived - 1));
            let before = bits.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
            Some(index * 64 + before.trailing_zeros().cast_signed())
        });
        if ARRIVED.iter().any(|bits| bits.load(Ordering::Acquire) != 0) {
            wake();
        }
        Ok(found)
    }
}

impl AsFd for SelfPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.out
    }
}

impl Drop for SelfPipe {
    /// Restores the default action of each signal.
    fn drop(&mut self) {
        if super::process::own_pid() != OWNER.load(Ordering::Acquire) {
            return;
        }
        for &number in &self.numbers {
            let _ = super::signal::restore_default(number);
        }
    }
}

fn pipe() -> io::Result<&'static (OwnedFd, OwnedFd)> {
    if let Some(pipe) = PIPE.get() {
        return Ok(pipe);
    }
    let (out, input) = fd::pipe()?;
    fd::nonblocking(&out, true)?;
    fd::nonblocking(&input, true)?;
    Ok(PIPE.get_or_init(|| (out, input)))
}

fn catch(number: i32) -> io::Result<()> {
    // SAFETY: sigaction is a handler, a mask and flags, for all of which zeroes are valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // System calls are restarted, where signal(7) allows it.
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is only read, and no old one is asked for. The handler is async-signal-safe: it uses atomics,
    // getpid(2) and write(2), and leaves errno as it was.
    Errno::result(unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) })?;
    Ok(())
}

/// The handler.
extern "C" fn handler(number: libc::c_int) {
    if super::process::own_pid() != OWNER.load(Ordering::Acquire) {
        return;
    }
    let index = usize::try_from(number / 64).unwrap_or(0);
    if let Some(bits) = ARRIVED.get(index) {
        bits.fetch_or(1 << (number % 64), Ordering::AcqRel);
        wake();
    }
}

/// A full pipe is readable, which is all that is needed, so EAGAIN is ignored.
fn wake() {
    let errno = Errno::last_raw();
    let bell = PIPE_FD.load(Ordering::Acquire);
    let byte = 0_u8;
    // SAFETY: the byte is valid to be read, and the number is that of a pipe that is never closed (or -1, an error).
    unsafe { libc::write(bell, (&raw const byte).cast(), 1) };
    Errno::set_raw(errno);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{process, signal};
    use super::*;

    #[test]
    fn each_signal_is_returned_once_and_the_pipe_is_readable_while_one_is_left() {
        let caught = SelfPipe::open(&[signal::SIGUSR1, signal::SIGWINCH]).unwrap();
        let readable = |timeout| fd::wait_readable(&[caught.as_fd()], Some(timeout)).unwrap()[0];
        let (long, now) = (Duration::from_secs(10), Duration::ZERO);
        assert_eq!(caught.next().unwrap(), None);
        // More than any pipe holds, so some of the handlers cannot write.
        for _ in 0..70_000 {
            signal::send(process::own_pid(), signal::SIGUSR1).unwrap();
        }
        signal::send(process::own_pid(), signal::SIGWINCH).unwrap();
        // Each is delivered to this process by the time it is asked again, but perhaps to another thread.
        let mut seen = Vec::new();
        while seen.last() != Some(&signal::SIGWINCH) {
            assert!(readable(long), "nothing more comes after {seen:?}");
            seen.extend(caught.next().unwrap());
        }
        assert!(seen.contains(&signal::SIGUSR1), "{seen:?}");
        while caught.next().unwrap().is_some() {}
        assert!(!readable(now), "it is readable, and nothing is left");
    }
}
