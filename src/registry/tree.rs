//! The processes of a service besides its main one, and what proves of each that it is one.
//!
//! Three things are handed down from a program to what it starts: its session, the descriptor of its lock, and
//! [`STARTED_AS`] in the environment. A program may lose any of them: setsid(2), closefrom(3), a title that is written
//! over the environment. A session is only a number, which may be another's when the main process has ended; so it counts
//! where that process lives, or where a member is in it that is known by one of the other two.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::terminate::Members;
use super::{Record, Session};
use crate::plan::STARTED_AS;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{descendants, process, process_info, procfs};

/// What is looked for in a process.
#[derive(Debug)]
pub struct Tree<'a> {
    record: &'a Record,
    /// The file of the lock, where it is there: its name, device and inode.
    lock: Option<(OsString, u64, u64)>,
    /// The session, if it is proved to be the service's.
    session: Option<i32>,
    /// The main process's group, in that session, where /proc does not show who is in it.
    unseen_group: Option<i32>,
    /// Ourselves, and those whom we were started by.
    spared: BTreeSet<i32>,
}

/// What a service has left behind when its main process has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Processes that are proved to be its own.
    pub proved: Vec<i32>,
    /// Processes of the session that it had, of which that is all that is known.
    pub unproved: Vec<i32>,
}

impl Leftovers {
    /// Whether there is nothing.
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
    /// Of a service whose main process lives and is held: its session is its own. Where /proc does not show that process
    /// (it is not mounted, hidepid=), others in its process group may be hidden too, and the group is known by getpgid(2).
    pub fn of_running(lock: Option<&Path>, record: &'a Record, main: &ProcessHandle) -> io::Result<Self> {
        let mut tree = Self::new(lock, record);
        tree.session = tree.recorded_session();
        if process::identity(record.pid).is_ok() {
            return Ok(tree);
        }
        let seen = (process::session(record.pid), process::group(record.pid));
        // Of a process that has ended by now both may be another's.
        if let (Ok(session), Ok(group)) = seen
            && !main.has_ended()?
        {
            let own = process_info::own();
            let its = record.session == Session::Own(session) && session > 1 && session != own.session;
            tree.session = its.then_some(session);
            tree.unseen_group = (its && group > 1 && group != own.process_group).then_some(group);
        }
        Ok(tree)
    }

    /// Of a service whose main process has ended, with what it has left behind.
    pub fn of_dead(lock: &Path, record: &'a Record) -> io::Result<(Self, Leftovers)> {
        let mut tree = Self::new(Some(lock), record);
        // The numbers are those of another boot, or of other processes.
        let elsewhere = !record.is_of_this_boot() || record.is_of_another_namespace();
        // Without /proc nothing is seen of them.
        if elsewhere || !procfs::mounted() {
            return Ok((tree, Leftovers::default()));
        }
        let marked = tree.marked()?;
        let mut left = Leftovers { proved: marked.iter().copied().collect(), unproved: Vec::new() };
        if let Some(session) = tree.recorded_session() {
            let others: Vec<i32> = tree.in_session(session)?.difference(&marked).copied().collect();
            let proof = |pid: &i32| process::session(*pid).is_ok_and(|its| its == session);
            if marked.iter().any(proof) || others.iter().any(|pid| tree.has_lock(*pid, Flags::Any)) {
                tree.session = Some(session);
                left.proved.extend(others);
            } else {
                left.unproved = others;
            }
        }
        Ok((tree, left))
    }

    fn new(lock: Option<&Path>, record: &'a Record) -> Self {
        let named = lock.and_then(|lock| {
            use std::os::unix::fs::MetadataExt;
            let found = std::fs::symlink_metadata(lock).ok()?;
            Some((lock.file_name()?.to_owned(), found.dev(), found.ino()))
        });
        Self { record, lock: named, session: None, unseen_group: None, spared: spared() }
    }

    /// The session that was made for the service, if it is not ours and not by now another one with its number: a process
    /// that has that number and has started later than the service leads another one.
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

    fn in_session(&self, session: i32) -> io::Result<BTreeSet<i32>> {
        let all = descendants::session(session)?.into_iter();
        Ok(all.filter(|pid| self.may_be(*pid)).collect())
    }

    fn listed(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = self.marked()?;
        if let Some(session) = self.session
            && self.is_recorded_session(session)
        {
            all.extend(self.in_session(session)?);
        }
        Ok(all)
    }

    /// Those that have its lock or its mark.
    fn marked(&self) -> io::Result<BTreeSet<i32>> {
        let Some(first_start_time) = self.record.first_start_time() else { return Ok(BTreeSet::new()) };
        let all = descendants::since(first_start_time)?.into_iter();
        Ok(all.filter(|pid| self.may_be(*pid) && self.bears_mark(*pid)).collect())
    }

    /// Whether this is neither the main process, which is treated by itself, nor one of ours, and lives.
    fn may_be(&self, pid: i32) -> bool {
        pid != self.record.pid
            && !self.spared.contains(&pid)
            && process::identity(pid).is_ok_and(|found| !found.ended)
    }

    fn bears_mark(&self, pid: i32) -> bool {
        self.is_younger(pid) && (self.has_lock(pid, Flags::InheritedFd) || self.has_variable(pid))
    }

    /// Whether it has started later than the service, or as its first process.
    fn is_younger(&self, pid: i32) -> bool {
        let Some(first_start_time) = self.record.first_start_time() else { return false };
        process::identity(pid).is_ok_and(|found| {
            found.start_time >= first_start_time || process::same_start(found.start_time, first_start_time)
        })
    }

    /// Whether it has the lock's file open. Of those that hold it only for a look (`svcadapt status`) it is
    /// close-on-exec.
    fn has_lock(&self, pid: i32, flags: Flags) -> bool {
        let Some((name, device, inode)) = &self.lock else { return false };
        procfs::has_open(pid, name, (*device, *inode), flags == Flags::Any)
    }

    /// Whether the variable names the process that the service was started as. Anybody can write that into an
    /// environment: so it counts for the service's user and for root.
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

impl Members for Tree<'_> {
    fn list(&self) -> io::Result<BTreeSet<i32>> {
        match self.listed() {
            // Without /proc.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(BTreeSet::new()),
            listed => listed,
        }
    }

    fn proves(&self, pid: i32) -> bool {
        let session = process::session(pid).is_ok_and(|session| self.owns(session));
        (session && self.may_be(pid)) || (self.may_be(pid) && self.bears_mark(pid))
    }

    fn unseen_groups(&self) -> BTreeSet<i32> {
        self.unseen_group.into_iter().collect()
    }

    fn owns(&self, session: i32) -> bool {
        self.session == Some(session) && (self.unseen_group.is_some() || self.is_recorded_session(session))
    }
}

/// This process, and all above it: a `stop` that a service runs itself has to come to its end.
fn spared() -> BTreeSet<i32> {
    let mut spared = BTreeSet::new();
    let mut next = Some(process::own_pid());
    while let Some(pid) = next.filter(|pid| *pid > 0 && spared.insert(*pid)) {
        next = process_info::of(pid).map(|found| found.ppid);
    }
    spared
}
