//! Leaving nothing running.

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

/// Ends everything below us: asks first, and after `patience` no more. Says whether all of it is gone.
///
/// We adopt what our descendants leave behind, so that nothing can hide by a double fork.
pub(super) fn extinguish(signals: &Signals, patience: Duration) -> io::Result<bool> {
    let begun = Instant::now();
    let mut asked = false;
    loop {
        while let Reaped::Child(..) = process::reap()? {}
        if matches!(process::reap()?, Reaped::NoChildren) {
            return Ok(true);
        }
        let elapsed = begun.elapsed();
        let pause = if elapsed < patience {
            if !asked {
                send_to_all(signal::SIGTERM)?;
                send_to_all(signal::SIGCONT)?;
                asked = true;
            }
            patience.saturating_sub(elapsed)
        } else if elapsed < patience + LAST_PATIENCE {
            send_to_all(signal::SIGKILL)?;
            // A process that was just being forked is not on our list: look again soon.
            Duration::from_millis(20)
        } else {
            return Ok(false);
        };
        fd::wait_readable(&[signals.as_fd()], Some(pause))?;
        while signals.next()?.is_some() {}
    }
}

/// The number of a grandchild may be taken by a stranger as soon as its parent has reaped it: so hold it first, then
/// make sure that it is still one of ours, then signal what we hold.
fn send_to_all(number: i32) -> io::Result<()> {
    let own = process::own_pid();
    for pid in family::descendants(own)?.into_iter().filter(|pid| *pid != own) {
        if let Some(held) = PidFd::open(pid)?
            && family::descends(pid, own)
        {
            // Root's own rules may keep us from a process that has become somebody else.
            let _ = held.send(number);
        }
    }
    Ok(())
}
