//! Ending what a service has left behind in its session.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use std::time::Instant;

use crate::sys::family;
use crate::sys::fd;
use crate::sys::pidfd::PidFd;
use crate::sys::process;
use crate::sys::signal;

use super::stop::LAST_PATIENCE;

/// What became of the processes of a session.
pub(super) struct Ended {
    /// How many there were.
    pub(super) others: usize,
    /// How many of them have not ended.
    pub(super) left: usize,
}

/// A process that was just being forked is not on our list: look again after this.
const AGAIN: Duration = Duration::from_millis(20);

/// Asks every process of a session to end, and kills what has not when the deadline is over; none waits for ever.
/// One that we may not signal is not waited for.
pub(super) fn end(session: i32, deadline: Option<Instant>) -> io::Result<Ended> {
    let (mut asked, mut denied) = (BTreeSet::new(), BTreeSet::new());
    let mut killing = None;
    loop {
        let members = members(session)?;
        for (pid, held) in &members {
            if asked.insert(*pid) && held.send(signal::SIGTERM).is_err() {
                denied.insert(*pid);
            }
        }
        let within_reach: Vec<_> = members.iter().filter(|(pid, _)| !denied.contains(pid)).collect();
        let now = Instant::now();
        let hopeless = killing.is_some_and(|since| now.duration_since(since) >= LAST_PATIENCE);
        if within_reach.is_empty() || hopeless {
            return Ok(Ended { others: asked.len(), left: members.len() });
        }
        let mut pause = deadline.map(|deadline| deadline.saturating_duration_since(now));
        if pause.is_some_and(|left| left.is_zero()) {
            killing = killing.or(Some(now));
            for (_, held) in &within_reach {
                held.send(signal::SIGKILL)?;
            }
            pause = Some(AGAIN);
        }
        let all: Vec<BorrowedFd<'_>> = within_reach.iter().map(|(_, held)| held.as_fd()).collect();
        fd::wait_readable(&all, pause)?;
    }
}

/// The processes of a session that have not ended. Each is held first, and then looked at again: a number may have
/// become a stranger's in between.
fn members(session: i32) -> io::Result<Vec<(i32, PidFd)>> {
    let mut members = Vec::new();
    for pid in family::session(session)? {
        if let Some(held) = PidFd::open(pid)?
            && process::session(pid).is_ok_and(|now| now == session)
            && !held.has_ended()?
        {
            members.push((pid, held));
        }
    }
    Ok(members)
}
