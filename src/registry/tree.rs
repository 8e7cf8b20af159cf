//! The processes of a service besides its main one, and the proof that each belongs to it.
//!
//! A program passes three things on to its children: its session, the descriptor of its lock, and [`STARTED_AS`] in
//! the environment. A process may lose any of them: by setsid(2), by closefrom(3), by a process title that overwrites
//! the environment. A session is only a number, which may be reused after the main process has ended; so it counts
//! only if the main process is alive, or if the session has a member with one of the other two.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::record::{Record, Session};
use super::terminate::ProcessSet;
use crate::plan::STARTED_AS;
use crate::sys::cgroup::Group;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{descendants, process, process_info, procfs};

/// The criteria for members of a service.
#[derive(Debug)]
pub struct Tree<'a> {
    record: &'a Record,
    /// The lock file: its name, device and inode. `None` if it is missing.
    lock: Option<(OsString, u64, u64)>,
    /// The session, if it is proved to be the service's.
    session: Option<i32>,
    /// The main process's group in that session. It contains only members.
    main_group: Option<i32>,
    /// Whether /proc hides the members of that group.
    hidden: bool,
    /// The control group of the service.
    control_group: Option<Group>,
    /// This process and its ancestors.
    spared: BTreeSet<i32>,
}

/// The processes that a service has left behind after its main process ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Processes that are proved to belong to the service.
    pub proved: Vec<i32>,
    /// Processes in its former session, without further proof.
    pub unproved: Vec<i32>,
}

impl Leftovers {
    /// Whether no process is left.
    pub fn is_empty(&self) -> bool {
        self.proved.is_empty() && self.unproved.is_empty()
    }

    /// All of them.
    pub fn all(&self) -> Vec<i32> {
        let mut all = [self.proved.as_slice(), &self.unproved].concat();
        all.sort_unstable();
        all
    }
}

impl<'a> Tree<'a> {
    /// A service whose main process is alive and held by a handle: then its session is its own, and getpgid(2) tells
    /// its group. If /proc does not show that process (not mounted, hidepid=), other processes of its group may be
    /// hidden too.
    pub fn of_running(lock: Option<&Path>, record: &'a Record, main: &ProcessHandle) -> io::Result<Self> {
        let mut tree = Self::new(lock, record);
        tree.session = tree.recorded_session();
        tree.hidden = process::identity(record.pid).is_err();
        let seen = (process::session(record.pid), process::group(record.pid));
        // If the process has ended by now, both values may be another process's.
        if let (Ok(session), Ok(group)) = seen
            && !main.has_ended()?
        {
            let own = process_info::own();
            let its = record.session == Session::Own(session) && session > 1 && session != own.session;
            if tree.hidden {
                tree.session = its.then_some(session);
            }
            tree.main_group = (its && group > 1 && group != own.process_group).then_some(group);
        }
        Ok(tree)
    }

    /// A service whose main process has ended, with the processes that it left behind.
    pub fn of_dead(lock: &Path, record: &'a Record) -> io::Result<(Self, Leftovers)> {
        let mut tree = Self::new(Some(lock), record);
        // The pids belong to another boot or another namespace.
        let elsewhere = !record.is_of_this_boot() || record.is_of_another_namespace();
        if elsewhere {
            return Ok((tree, Leftovers::default()));
        }
        match tree.left_behind() {
            Ok((left, session)) => {
                tree.session = session;
                Ok((tree, left))
            }
            // Processes cannot be listed: /proc is missing, or another pid namespace's.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok((tree, Leftovers::default())),
            Err(error) => Err(error),
        }
    }

    /// The processes that a dead main process left, and its session if that is proven to be the service's.
    fn left_behind(&self) -> io::Result<(Leftovers, Option<i32>)> {
        let recorded = self.recorded_session();
        let (marked, in_session) = self.seen(recorded)?;
        let mut left = Leftovers { proved: marked.iter().copied().collect(), unproved: Vec::new() };
        let Some(session) = recorded else { return Ok((left, None)) };
        let others: Vec<i32> = in_session.difference(&marked).copied().collect();
        let proof = |pid: &i32| process::session(*pid).is_ok_and(|its| its == session);
        if marked.iter().any(proof) || others.iter().any(|pid| self.has_lock(*pid, Flags::Any)) {
            left.proved.extend(others);
            return Ok((left, Some(session)));
        }
        left.unproved = others;
        Ok((left, None))
    }

    fn new(lock: Option<&Path>, record: &'a Record) -> Self {
        let named = lock.and_then(|lock| {
            use std::os::unix::fs::MetadataExt;
            let found = std::fs::symlink_metadata(lock).ok()?;
            Some((lock.file_name()?.to_owned(), found.dev(), found.ino()))
        });
        Self {
            record,
            lock: named,
            session: None,
            main_group: None,
            hidden: false,
            control_group: record.open_control_group(),
            spared: spared(),
        }
    }

    /// The service's own session, unless it is this process's one or its number was reused: a session leader that
    /// started later than the service leads another session.
    fn recorded_session(&self) -> Option<i32> {
        let Session::Own(session) = self.record.session else { return None };
        let ours = session <= 1 || session == process_info::own().session;
        (!ours && self.is_recorded_session(session)).then_some(session)
    }

    fn is_recorded_session(&self, session: i32) -> bool {
        let Some(start) = self.record.start_time else { return false };
        process::identity(session).map_or(true, |leader| {
            leader.start_time <= start || process::same_start(leader.start_time, start)
        })
    }

    fn listed(&self) -> io::Result<BTreeSet<i32>> {
        let session = self.session.filter(|session| self.is_recorded_session(*session));
        let (mut all, in_session) = self.seen(session)?;
        all.extend(in_session);
        Ok(all)
    }

    /// The processes that have the lock or the mark or are in the control group, and those in this session.
    fn seen(&self, session: Option<i32>) -> io::Result<(BTreeSet<i32>, BTreeSet<i32>)> {
        let mut marked = self.in_control_group();
        let first_start_time = self.record.first_start_time();
        if session.is_none() && first_start_time.is_none() {
            return Ok((marked, BTreeSet::new()));
        }
        let (members, younger) =
            descendants::session_and_since(session, first_start_time.unwrap_or(u64::MAX))?;
        marked.extend(younger.into_iter().filter(|pid| self.may_be(*pid) && self.bears_mark(*pid)));
        Ok((marked, members.into_iter().filter(|pid| self.may_be(*pid)).collect()))
    }

    fn in_control_group(&self) -> BTreeSet<i32> {
        let all = self.control_group.as_ref().and_then(|group| group.processes().ok()).unwrap_or_default();
        all.into_iter().filter(|pid| self.may_be(*pid)).collect()
    }

    /// Whether the process is alive, and is neither the main process (which is handled separately) nor excluded.
    fn may_be(&self, pid: i32) -> bool {
        pid != self.record.pid
            && self.record.monitor.is_none_or(|monitor| monitor.pid != pid)
            && !self.spared.contains(&pid)
            && process::identity(pid).is_ok_and(|found| !found.ended)
    }

    fn bears_mark(&self, pid: i32) -> bool {
        self.is_younger(pid) && (self.has_lock(pid, Flags::InheritedFd) || self.has_variable(pid))
    }

    /// Whether the process started no earlier than the service's first process.
    fn is_younger(&self, pid: i32) -> bool {
        let Some(first_start_time) = self.record.first_start_time() else { return false };
        process::identity(pid).is_ok_and(|found| {
            found.start_time >= first_start_time || process::same_start(found.start_time, first_start_time)
        })
    }

    /// Whether the process has the lock file open. `svcadapt status` opens it close-on-exec.
    fn has_lock(&self, pid: i32, flags: Flags) -> bool {
        let Some((name, device, inode)) = &self.lock else { return false };
        procfs::has_open(pid, name, (*device, *inode), flags == Flags::Any)
    }

    /// Whether the process has the service's mark in its environment. Any user can set that, so it counts only for
    /// processes of the service's user and of root.
    fn has_variable(&self, pid: i32) -> bool {
        let Some(mark) = &self.record.mark else { return false };
        let mut found = false;
        let visit = |name: &[u8], value: &[u8]| {
            found |= name == STARTED_AS.as_bytes() && value == mark.as_bytes();
        };
        let users = || process::users(pid).is_ok_and(|users| [0, self.record.user].contains(&users.real));
        procfs::for_each_variable(pid, visit).is_ok() && found && users()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flags {
    InheritedFd,
    Any,
}

impl ProcessSet for Tree<'_> {
    fn list(&self) -> io::Result<BTreeSet<i32>> {
        match self.listed() {
            // Without /proc.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(BTreeSet::new()),
            listed => listed,
        }
    }

    fn proves(&self, pid: i32) -> bool {
        let session = process::session(pid).is_ok_and(|session| self.owns(session));
        (session && self.may_be(pid))
            || (self.may_be(pid) && self.bears_mark(pid))
            || self.in_control_group().contains(&pid)
    }

    fn wake_all(&self) {
        if let Some(group) = &self.control_group {
            let _ = group.freeze(false);
        }
    }

    /// The caller may be in the group: the service itself can stop it.
    fn kill_all(&self) {
        let Some(group) = &self.control_group else { return };
        let Ok(members) = group.processes() else { return };
        if self.spared.is_disjoint(&members) && group.kill().is_err() {
            // Before Linux 5.14: no member can fork any more, and each is killed by itself.
            let _ = group.freeze(true);
        }
    }

    fn unseen_groups(&self) -> BTreeSet<i32> {
        self.main_group.filter(|_| self.hidden).into_iter().collect()
    }

    fn known_group(&self) -> Option<i32> {
        self.main_group
    }

    fn owns(&self, session: i32) -> bool {
        let hidden = self.hidden && self.main_group.is_some();
        self.session == Some(session) && (hidden || self.is_recorded_session(session))
    }
}

/// This process and its ancestors: a `stop` that the service itself runs must be able to finish.
fn spared() -> BTreeSet<i32> {
    let mut spared = BTreeSet::new();
    let mut next = Some(process::own_pid());
    while let Some(pid) = next.filter(|pid| *pid > 0 && spared.insert(*pid)) {
        next = process_info::of(pid).map(|found| found.ppid);
    }
    spared
}
