//! Leaving nothing running.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;
use std::time::Instant;

use crate::sys::family;
use crate::sys::fd;
use crate::sys::pidfd::PidFd;
use crate::sys::process;
use crate::sys::process::Reaped;
use crate::sys::signal;
use crate::sys::signal::Signals;

/// A process that outlives its SIGKILL by this much hangs in the kernel; waiting longer would not end it.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How soon to look whether there is somebody new; the end of one is seen at once.
const AGAIN: Duration = Duration::from_millis(250);

/// Ends everything below us: asks first, and after `patience` no more. Says who has ended.
///
/// We adopt what our descendants leave behind, so that nothing can hide by a double fork.
pub(super) fn extinguish(signals: &Signals, patience: Duration) -> io::Result<BTreeSet<i32>> {
    let begun = Instant::now();
    let (mut asked, mut gone) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let mut found = process::reap()?;
        while let Reaped::Child(pid, _) = found {
            gone.insert(pid);
            found = process::reap()?;
        }
        if found == Reaped::NoChildren {
            return Ok(gone);
        }
        let elapsed = begun.elapsed();
        let pause = if elapsed < patience {
            // One that was blocking signals, because it was just becoming the program, may have forked and left.
            ask_new(&mut asked)?;
            patience.saturating_sub(elapsed).min(AGAIN)
        } else if elapsed < patience + LAST_PATIENCE {
            for (_, held) in all()? {
                // Root's own rules may keep us from a process that has become somebody else.
                let _ = held.send(signal::SIGKILL);
            }
            // A process that was just being forked is not on our list: look again soon.
            Duration::from_millis(20)
        } else {
            return Ok(gone);
        };
        fd::wait_readable(&[signals.as_fd()], Some(pause))?;
        while signals.next()?.is_some() {}
    }
}

/// Asks every process to end that was not asked before.
fn ask_new(asked: &mut BTreeSet<i32>) -> io::Result<()> {
    for (pid, held) in all()? {
        if asked.insert(pid) {
            // One that is stopped (SIGSTOP) would not act on it.
            let _ = held.send(signal::SIGTERM).and_then(|_| held.send(signal::SIGCONT));
        }
    }
    Ok(())
}

/// The number of a grandchild may be taken by a stranger as soon as its parent has reaped it: so hold it first, then
/// make sure that it is still one of ours, then signal what we hold.
fn all() -> io::Result<Vec<(i32, PidFd)>> {
    let own = process::own_pid();
    let mut all = Vec::new();
    for pid in family::descendants(own)?.into_iter().filter(|pid| *pid != own) {
        if let Some(held) = PidFd::open(pid)?
            && family::descends(pid, own)
        {
            all.push((pid, held));
        }
    }
    Ok(all)
}
