//! Leaving nothing running.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::intermediate::Intermediate;
use crate::registry::{Members, Termination};
use crate::sys::process::Reaped;
use crate::sys::signal::Signals;
use crate::sys::{descendants, process, process_info};

/// A process that outlives its SIGKILL by this much hangs in the kernel; waiting longer would not end it.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends everything below us: asks first, and after `timeout` no more. Says who has ended.
///
/// We adopt what our descendants leave behind, so that nothing can hide by a double fork. Where we cannot, what has left
/// the daemon's session too before we have seen it is lost; whom we have seen once we keep hold of. The process between,
/// which that session belongs to, stays to the last, and is not ended here.
///
/// Without /proc `started`, the processes that were started, and their process groups are all that is known.
pub(super) fn terminate_descendants(
    signals: &Signals,
    timeout: Duration,
    intermediate: Option<&Intermediate>,
    started: &[Option<i32>],
) -> io::Result<BTreeSet<i32>> {
    let below =
        Descendants::new(intermediate.map(Intermediate::pid), started.iter().copied().flatten().collect());
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
        // There is no use in waiting for what is never seen.
        Ok(alone || below.is_blind)
    };
    // A time that no clock can count is for ever.
    let deadline = Instant::now().checked_add(timeout);
    Termination::new(&below).run(deadline, KILL_TIMEOUT, Some(signals.as_fd()), &mut reap)?;
    Ok(gone)
}

/// All processes below us, and all in the daemon's session.
struct Descendants {
    own: i32,
    own_session: i32,
    /// The process between, and so its session.
    intermediate: Option<i32>,
    /// Those that were started.
    started: BTreeSet<i32>,
    /// Whether processes cannot be listed (no /proc).
    is_blind: bool,
}

impl Descendants {
    fn new(intermediate: Option<i32>, started: BTreeSet<i32>) -> Self {
        let own = process::own_pid();
        let mut below =
            Self { own, own_session: process_info::own().session, intermediate, started, is_blind: false };
        below.is_blind = below.listed().is_err_and(|error| error.kind() == io::ErrorKind::Unsupported);
        below
    }

    fn listed(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = descendants::descendants(self.own)?;
        all.extend(self.intermediate.map(descendants::session).transpose()?.unwrap_or_default());
        Ok(all)
    }

    /// The group of a child that /proc does not show. As long as we have not reaped it, its number is its own.
    fn group_of_hidden(&self, pid: i32) -> Option<i32> {
        let hidden = process::is_child(pid) && process::identity(pid).is_err();
        let its_own = hidden && process::session(pid).is_ok_and(|session| self.owns(session));
        its_own.then(|| process::group(pid).ok()).flatten()
    }
}

impl Members for Descendants {
    fn list(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = if self.is_blind { self.started.clone() } else { self.listed()? };
        all.retain(|pid| *pid != self.own && Some(*pid) != self.intermediate);
        Ok(all)
    }

    /// A group that has the number of a process that was started was made by it; and if a child of ours is in it, it is
    /// still the same one.
    fn unseen_groups(&self) -> BTreeSet<i32> {
        let made: Vec<i32> = if self.is_blind { self.started.iter().copied().collect() } else { Vec::new() };
        let hidden = self.started.iter().filter_map(|pid| self.group_of_hidden(*pid));
        let own = [Some(process_info::own().process_group), self.intermediate];
        let all = made.into_iter().filter(|group| process::has_child_in(*group)).chain(hidden);
        all.filter(|group| *group > 1 && !own.contains(&Some(*group))).collect()
    }

    /// The number of a grandchild may be taken by a stranger as soon as its parent has reaped it.
    fn proves(&self, pid: i32) -> bool {
        let member = || self.intermediate.is_some() && process::session(pid).ok() == self.intermediate;
        descendants::descends(pid, self.own) || process::is_child(pid) || member()
    }

    /// Those below us have made every session that they are in but ours.
    fn owns(&self, session: i32) -> bool {
        session != self.own_session
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

    impl Members for Session {
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
