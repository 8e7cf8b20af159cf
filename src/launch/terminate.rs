//! Ends every process that a failed start has left running.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::intermediate::Intermediate;
use crate::registry::{ProcessSet, Termination};
use crate::sys::cgroup::Group;
use crate::sys::process::{Ended, Reaped};
use crate::sys::signal::SignalReader;
use crate::sys::{descendants, process, process_info};

/// A process that outlives SIGKILL by this much hangs in the kernel.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends all descendants: SIGTERM first, SIGKILL after `timeout`. Returns the pids that have ended.
///
/// As a subreaper this process adopts orphans, so no double fork escapes. Without that, a process that left the
/// daemon's session before it was seen is lost; those seen once are held by a handle. The intermediate process, which
/// leads that session, is not ended here.
pub(super) fn terminate_descendants(
    signals: &SignalReader,
    timeout: Duration,
    intermediate: Option<&Intermediate>,
    started: &[Option<i32>],
    group: Option<&Group>,
) -> io::Result<BTreeSet<i32>> {
    let started = started.iter().copied().flatten().collect();
    let below = Descendants { group, ..Descendants::new(intermediate.map(Intermediate::pid), started) };
    let mut gone = BTreeSet::new();
    let mut reap = || {
        while signals.next()?.is_some() {}
        let reap = || intermediate.map_or_else(process::reap, Intermediate::reap);
        let mut found = reap()?;
        while let Reaped::Child(pid, _) = found {
            gone.insert(pid);
            found = reap()?;
        }
        let alone = found == Reaped::NoChildren || intermediate.is_some_and(Intermediate::is_there);
        // Waiting for invisible processes has no use.
        Ok(alone || below.is_blind)
    };
    // Beyond the clock's range: no deadline.
    let deadline = Instant::now().checked_add(timeout);
    Termination::new(&below).run(deadline, KILL_TIMEOUT, Some(signals.as_fd()), &mut reap)?;
    Ok(gone)
}

/// Sends signals once to every descendant except these, which have had them.
pub(super) fn signal_descendants(numbers: &[i32], known: &[i32]) -> io::Result<()> {
    let below = Descendants::new(None, known.iter().copied().collect());
    Termination::new(&below).signal(numbers, known)
}

/// Kills every descendant, those too that appear meanwhile. The ends of children and the signals that arrive are added
/// to `ended` and `received`.
pub(super) fn kill_descendants(
    signals: &SignalReader,
    started: &[i32],
    ended: &mut Vec<(i32, Ended)>,
    received: &mut Vec<i32>,
    group: Option<&Group>,
) -> io::Result<()> {
    let below = Descendants { group, ..Descendants::new(None, started.iter().copied().collect()) };
    let mut reap = || {
        while let Some(number) = signals.next()? {
            received.push(number);
        }
        loop {
            match process::reap()? {
                Reaped::Child(pid, how) => ended.push((pid, how)),
                Reaped::None => return Ok(below.is_blind),
                Reaped::NoChildren => return Ok(true),
            }
        }
    };
    Termination::new(&below).run(Some(Instant::now()), KILL_TIMEOUT, Some(signals.as_fd()), &mut reap)?;
    Ok(())
}

/// Whether this process has running descendants except these.
pub(super) fn has_descendants(known: &[i32]) -> bool {
    let own = process::own_pid();
    let mut below = descendants::descendants(own).unwrap_or_default().into_iter();
    below.any(|pid| {
        pid != own && !known.contains(&pid) && process::identity(pid).is_ok_and(|found| !found.ended)
    })
}

/// All descendants, and all members of the daemon's session.
struct Descendants<'a> {
    own: i32,
    own_session: i32,
    /// The intermediate process, which is also the number of its session.
    intermediate: Option<i32>,
    /// The pids that were started.
    started: BTreeSet<i32>,
    /// Whether processes cannot be listed (no /proc).
    is_blind: bool,
    /// The service's control group. This process is not in it.
    group: Option<&'a Group>,
}

impl Descendants<'_> {
    fn new(intermediate: Option<i32>, started: BTreeSet<i32>) -> Self {
        let own = process::own_pid();
        let own_session = process_info::own().session;
        let mut below = Self { own, own_session, intermediate, started, is_blind: false, group: None };
        below.is_blind = below.listed().is_err_and(|error| error.kind() == io::ErrorKind::Unsupported);
        below
    }

    fn listed(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = descendants::descendants(self.own)?;
        all.extend(self.intermediate.map(descendants::session).transpose()?.unwrap_or_default());
        Ok(all)
    }

    /// The group of a child that /proc hides. Its pid is not reused before it is reaped here.
    fn group_of_hidden(&self, pid: i32) -> Option<i32> {
        let hidden = process::is_child(pid) && process::identity(pid).is_err();
        let its_own = hidden && process::session(pid).is_ok_and(|session| self.owns(session));
        its_own.then(|| process::group(pid).ok()).flatten()
    }
}

impl ProcessSet for Descendants<'_> {
    fn list(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = if self.is_blind { self.started.clone() } else { self.listed()? };
        all.retain(|pid| *pid != self.own && Some(*pid) != self.intermediate);
        Ok(all)
    }

    /// A group whose number is the pid of a started process was created by that process; while a child of ours is in
    /// it, the number is not reused.
    fn unseen_groups(&self) -> BTreeSet<i32> {
        let made: Vec<i32> = if self.is_blind { self.started.iter().copied().collect() } else { Vec::new() };
        let hidden = self.started.iter().filter_map(|pid| self.group_of_hidden(*pid));
        let own = [Some(process_info::own().process_group), self.intermediate];
        let all = made.into_iter().filter(|group| process::has_child_in(*group)).chain(hidden);
        all.filter(|group| *group > 1 && !own.contains(&Some(*group))).collect()
    }

    /// The pid of a grandchild may be reused as soon as its parent has reaped it.
    fn proves(&self, pid: i32) -> bool {
        let member = || self.intermediate.is_some() && process::session(pid).ok() == self.intermediate;
        descendants::descends(pid, self.own) || process::is_child(pid) || member()
    }

    /// Descendants have created every session that they are in, except ours.
    fn owns(&self, session: i32) -> bool {
        session != self.own_session
    }

    fn wake_all(&self) {
        if let Some(group) = self.group {
            let _ = group.freeze(false);
        }
    }

    fn kill_all(&self) {
        if let Some(group) = self.group
            && group.kill().is_err()
        {
            // Before Linux 5.14: no member can fork any more, and each is killed by itself.
            let _ = group.freeze(true);
        }
    }

    fn surviving_leader(&self) -> Option<i32> {
        self.intermediate
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    /// Without a subreaper: one member that is no longer a descendant, and one that never was.
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
        let below = Descendants::new(Some(pid), BTreeSet::new());
        let found = below.list().unwrap();
        assert!(found.contains(&orphan) && !found.contains(&pid) && !found.contains(&process::own_pid()));
        assert!(below.proves(orphan) && below.owns(pid) && !below.owns(below.own_session));
        let ended = Termination::new(&Session(pid))
            .run(Some(Instant::now()), KILL_TIMEOUT, None, &mut || Ok(true))
            .unwrap();
        assert!(ended.left.is_empty() && ended.asked > 0);
        leader.wait().unwrap();
    }

    struct Session(i32);

    impl ProcessSet for Session {
        fn list(&self) -> io::Result<BTreeSet<i32>> {
            Ok(descendants::session(self.0)?.into_iter().collect())
        }

        fn proves(&self, pid: i32) -> bool {
            process::session(pid).ok() == Some(self.0)
        }

        fn owns(&self, session: i32) -> bool {
            session == self.0
        }
    }
}
