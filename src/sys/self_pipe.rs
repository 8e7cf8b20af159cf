//! Signals that are caught, as something to read, in a process that goes on to do other things.
//!
//! The handler notes the number and makes a pipe readable; nothing else ever runs in one.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::errno::Errno;

use super::fd;

/// A bit for each signal that has come and was not asked for yet. No system has a higher one than 127.
static ARRIVED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// The process whose signals these are: one that was forked off and has not executed anything yet has the handlers too.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// Where the handler writes to.
static PIPE_FD: AtomicI32 = AtomicI32::new(-1);
/// Both ends, the reading one first. They stay open for ever: a handler may be about to write.
static PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();

/// The signals that are caught. There is one set of them in a process.
#[derive(Debug)]
pub struct SelfPipe {
    out: BorrowedFd<'static>,
    numbers: Vec<i32>,
}

impl SelfPipe {
    /// Catches these from now on, instead of what was caught before.
    pub fn open(numbers: &[i32]) -> io::Result<Self> {
        let (out, input) = pipe()?;
        PIPE_FD.store(input.as_raw_fd(), Ordering::Release);
        OWNER.store(super::process::own_pid(), Ordering::Release);
        for &number in numbers {
            catch(number)?;
        }
        Ok(Self { out: out.as_fd(), numbers: numbers.to_vec() })
    }

    /// The next signal that has arrived; none if none has. The lowest number comes first.
    ///
    /// As long as one is left, the descriptor is readable.
    pub fn next(&self) -> io::Result<Option<i32>> {
        let mut rung = [0; 64];
        while fd::read(self.out, &mut rung)?.is_some_and(|count| count == rung.len()) {}
        let found = (0..).zip(&ARRIVED).find_map(|(index, bits)| {
            // Its lowest bit, which no other thread gets then.
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
    /// Nobody will ask any more: each does what it does by itself.
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
    // System calls go on as if nothing had been, as far as signal(7) lets them.
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

/// A pipe that is full is readable, and that is all that is wanted of it.
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
    fn what_has_come_is_told_once_and_the_descriptor_is_readable_as_long_as_something_is_left() {
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
