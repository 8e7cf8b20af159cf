//! Leaving nothing running.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::intermediate::Intermediate;
use crate::registry::{Ending, Members};
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
pub(super) fn terminate_descendants(
    signals: &Signals,
    timeout: Duration,
    intermediate: Option<&Intermediate>,
) -> io::Result<BTreeSet<i32>> {
    let below = Below::new(intermediate.map(Intermediate::pid));
    let mut gone = BTreeSet::new();
    let mut reap = || {
        while signals.next()?.is_some() {}
        let reap = || intermediate.map_or_else(process::reap, Intermediate::reap);
        let mut found = reap()?;
        while let Reaped::Child(pid, _) = found {
            gone.insert(pid);
            found = reap()?;
        }
        Ok(found == Reaped::NoChildren || intermediate.is_some_and(Intermediate::is_there))
    };
    // A time that no clock can count is for ever.
    let deadline = Instant::now().checked_add(timeout);
    Ending::new(&below).run(deadline, KILL_TIMEOUT, Some(signals.as_fd()), &mut reap)?;
    Ok(gone)
}

/// All processes below us, and all in the daemon's session.
struct Below {
    own: i32,
    own_session: i32,
    /// The process between, and so its session.
    intermediate: Option<i32>,
}

impl Below {
    fn new(intermediate: Option<i32>) -> Self {
        Self { own: process::own_pid(), own_session: process_info::own().session, intermediate }
    }
}

impl Members for Below {
    fn list(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = descendants::descendants(self.own)?;
        all.extend(self.intermediate.map(descendants::session).transpose()?.unwrap_or_default());
        all.retain(|pid| *pid != self.own && Some(*pid) != self.intermediate);
        Ok(all)
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

    fn stays(&self) -> Option<i32> {
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
        let below = Below::new(Some(pid));
        let found = below.list().unwrap();
        assert!(found.contains(&orphan) && !found.contains(&pid) && !found.contains(&process::own_pid()));
        assert!(below.proves(orphan) && below.owns(pid) && !below.owns(below.own_session));
        let ended = Ending::new(&Session(pid))
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
