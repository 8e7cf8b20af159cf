//! Leaving nothing running.

use std::collections::BTreeMap;
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

use super::between::Between;

/// A process that outlives its SIGKILL by this much hangs in the kernel; waiting longer would not end it.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How soon to look whether there is somebody new; the end of one is seen at once.
const AGAIN: Duration = Duration::from_millis(250);

/// Ends everything below us: asks first, and after `patience` no more. Says who has ended.
///
/// We adopt what our descendants leave behind, so that nothing can hide by a double fork. Where we cannot, what has left
/// the daemon's session too before we have seen it is lost; whom we have seen once we keep hold of. The process between,
/// which that session belongs to, stays to the last, and is not ended here.
pub(super) fn extinguish(
    signals: &Signals,
    patience: Duration,
    between: Option<&Between>,
) -> io::Result<BTreeSet<i32>> {
    let begun = Instant::now();
    let (mut asked, mut gone, mut known) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    loop {
        let reap = || between.map_or_else(process::reap, Between::reap);
        let mut found = reap()?;
        while let Reaped::Child(pid, _) = found {
            gone.insert(pid);
            found = reap()?;
        }
        look(&mut known, between)?;
        let alone = found == Reaped::NoChildren || between.is_some_and(Between::is_there);
        if alone && known.is_empty() {
            return Ok(gone);
        }
        let elapsed = begun.elapsed();
        let pause = if elapsed < patience {
            // One that was blocking signals, because it was just becoming the program, may have forked and left.
            ask_new(&known, &mut asked);
            patience.saturating_sub(elapsed).min(AGAIN)
        } else if elapsed < patience + LAST_PATIENCE {
            for held in known.values() {
                // Root's own rules may keep us from a process that has become somebody else.
                let _ = held.send(signal::SIGKILL);
            }
            // A process that was just being forked is not on our list: look again soon.
            Duration::from_millis(20)
        } else {
            return Ok(gone);
        };
        let mut all = vec![signals.as_fd()];
        // The end of one that is no child of ours is seen in no other way.
        all.extend(known.values().map(AsFd::as_fd).filter(|_| between.is_some()));
        fd::wait_readable(&all, Some(pause))?;
        while signals.next()?.is_some() {}
    }
}

/// Asks every process to end that was not asked before.
fn ask_new(known: &BTreeMap<i32, PidFd>, asked: &mut BTreeSet<i32>) {
    for (pid, held) in known {
        if asked.insert(*pid) {
            // One that is stopped (SIGSTOP) would not act on it.
            let _ = held.send(signal::SIGTERM).and_then(|_| held.send(signal::SIGCONT));
        }
    }
}

/// Takes hold of everybody who runs, and lets go of who has ended.
///
/// The number of a grandchild may be taken by a stranger as soon as its parent has reaped it: so hold it first, then
/// make sure that it is still one of ours, then signal what we hold.
fn look(known: &mut BTreeMap<i32, PidFd>, between: Option<&Between>) -> io::Result<()> {
    let own = process::own_pid();
    let session = between.map(Between::pid);
    let ours = |pid: i32| {
        let member = || session.is_some() && process::session(pid).ok() == session;
        family::descends(pid, own) || process::is_child(pid) || member()
    };
    let mut ended = Vec::new();
    for (pid, held) in known.iter() {
        if held.has_ended()? {
            ended.push(*pid);
        }
    }
    for pid in ended {
        known.remove(&pid);
    }
    let all = family::descendants(own).and_then(|mut all| {
        all.extend(session.map(family::session).transpose()?.unwrap_or_default());
        Ok(all)
    });
    let all = match all {
        // So many are held that nothing more can be opened (RLIMIT_NOFILE): the others follow when some have ended.
        Err(_) if !known.is_empty() => return Ok(()),
        all => all?,
    };
    for pid in all.into_iter().filter(|pid| *pid != own && Some(*pid) != session) {
        if known.contains_key(&pid) {
            continue;
        }
        let opened = match PidFd::open(pid) {
            // As above.
            Err(_) if !known.is_empty() => break,
            opened => opened?,
        };
        if let Some(held) = opened
            && ours(pid)
            && !held.has_ended()?
        {
            known.insert(pid, held);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::io::BufReader;
    use std::io::Write;
    use std::process::Command;
    use std::process::Stdio;

    use super::super::between::Line;
    use super::*;

    /// Where nobody adopts orphans: one that is below us no more, and one that has never been.
    #[test]
    fn whoever_is_in_the_daemons_session_is_found_wherever_they_hang_in_the_tree() {
        let text = "(sleep 60 >&2 & echo $!); read line";
        let leader = Command::new("setsid")
            .args(["sh", "-c", text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut leader) = leader else {
            writeln!(io::stderr(), "skipped: there is no setsid(1)").unwrap();
            return;
        };
        let mut line = String::new();
        BufReader::new(leader.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let orphan: i32 = line.trim().parse().unwrap();
        let pid = i32::try_from(leader.id()).unwrap();
        let between = Between::new(pid, Line::new().unwrap()).unwrap();
        let mut known = BTreeMap::new();
        look(&mut known, Some(&between)).unwrap();
        assert!(known.contains_key(&orphan) && !known.contains_key(&pid));
        assert!(!known.contains_key(&process::own_pid()));
        known[&orphan].send(signal::SIGKILL).unwrap();
        fd::wait_readable(&[known[&orphan].as_fd()], Some(Duration::from_secs(10))).unwrap();
        look(&mut known, Some(&between)).unwrap();
        assert!(!known.contains_key(&orphan));
        drop(leader.stdin.take());
        leader.wait().unwrap();
    }
}
