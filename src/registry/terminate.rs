//! Ends a set of processes: SIGTERM, wait, SIGKILL, and look again until none is left.
//!
//! A failed start and `stop` share this code. Each process is first held by a handle, then proved to be a member,
//! then signalled. There may be more members than descriptors, and a member may fork faster than processes can be
//! listed: such members are ended by their process group.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, limits, process, process_info, signal};

/// The pause between looks for new members before SIGKILL. The end of a process with a handle is seen at once.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The pause between looks after SIGKILL: a process that was being forked was not listed yet.
const KILL_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The limit of members held by descriptors; also at most a quarter of RLIMIT_NOFILE.
const MAX_DESCRIPTORS: u64 = 256;

/// After this many empty looks, a process group that still accepts signals consists of zombies, or of processes that fork
/// faster than they can be listed: the group is killed.
const MAX_EMPTY_LOOKS: u32 = 3;

/// The set of processes to end.
pub trait ProcessSet {
    /// The pids of all possible members, as of now. If processes cannot be listed: the known ones.
    fn list(&self) -> io::Result<BTreeSet<i32>>;
    /// Process groups whose members /proc may hide. All their processes are members.
    fn unseen_groups(&self) -> BTreeSet<i32> {
        BTreeSet::new()
    }
    /// A process group of members that is known before any is listed: they may fork faster than that.
    fn known_group(&self) -> Option<i32> {
        None
    }
    /// Whether this process is a member. Called while a handle of it is open.
    fn proves(&self, pid: i32) -> bool;
    /// Whether a member created this session, so that its process groups contain only members.
    fn owns(&self, session: i32) -> bool;
    /// Lets members go on that were stopped together.
    fn wake_all(&self) {}
    /// Kills all members at once where that is possible.
    fn kill_all(&self) {}
    /// A process group leader that keeps running and is not a member.
    fn surviving_leader(&self) -> Option<i32> {
        None
    }
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminationResult {
    /// The number of members that were signalled.
    pub asked: usize,
    /// Members that have not ended: they may not be signalled, or hang in the kernel.
    pub left: Vec<i32>,
    /// Process groups that still have members, which are not visible.
    pub left_groups: Vec<i32>,
}

/// The termination of a set of processes.
#[derive(Debug)]
pub struct Termination<'a, M> {
    members: &'a M,
    known: BTreeMap<i32, Member>,
    /// Process groups that contain only members.
    groups: BTreeSet<i32>,
    /// The groups with invisible members, as long as they have any.
    unseen: BTreeSet<i32>,
    asked_unseen: bool,
    asked: usize,
    max_descriptors: usize,
}

#[derive(Debug)]
struct Member {
    held: ProcessHandle,
    asked: bool,
    /// It may not be signalled.
    denied: bool,
}

impl<'a, M: ProcessSet> Termination<'a, M> {
    /// Starts without known members.
    pub fn new(members: &'a M) -> Self {
        let (soft, _) = limits::get(limits::NOFILE).unwrap_or((0, 0));
        let max_descriptors = usize::try_from((soft / 4).min(MAX_DESCRIPTORS)).unwrap_or(0);
        let unseen = members.unseen_groups();
        Self {
            members,
            known: BTreeMap::new(),
            groups: unseen.iter().copied().chain(members.known_group()).collect(),
            unseen,
            asked_unseen: false,
            asked: 0,
            max_descriptors,
        }
    }

    /// Resumes suspended members (SIGSTOP): they could not act on a signal, and others may wait for them.
    pub fn wake(&mut self) -> io::Result<()> {
        self.members.wake_all();
        self.look()?;
        for member in self.known.values().filter(|member| process::is_stopped(member.held.pid())) {
            let _ = member.held.send(signal::SIGCONT);
        }
        self.send_to_unseen(signal::SIGCONT);
        Ok(())
    }

    /// Sends these signals once to every member except those in `known`.
    pub fn signal(&mut self, numbers: &[i32], known: &[i32]) -> io::Result<()> {
        self.look()?;
        self.asked_unseen = true;
        for number in numbers {
            for member in self.known.values_mut().filter(|member| !known.contains(&member.held.pid())) {
                member.asked = true;
                // A member that has changed its user may not be signalled.
                member.denied |= member.held.send(*number).is_err();
            }
            self.send_to_unseen(*number);
        }
        Ok(())
    }

    /// Those of the members seen so far that are left, and the groups with invisible members. A process that has appeared
    /// since the last look may belong to the next start.
    pub fn left(&mut self) -> io::Result<(Vec<i32>, Vec<i32>)> {
        self.forget_ended()?;
        self.forget_empty();
        let TerminationResult { left, left_groups, .. } = self.ended();
        Ok((left, left_groups))
    }

    /// The members that are left now, and the groups with invisible members.
    pub fn rest(&mut self) -> io::Result<(Vec<i32>, Vec<i32>)> {
        self.look()?;
        self.left()
    }

    /// Whether no member is left that may be signalled. One that forks faster than it can be listed is killed by its
    /// group.
    pub fn is_over(&mut self) -> io::Result<bool> {
        for _ in 0..MAX_EMPTY_LOOKS {
            self.rest()?;
            if self.is_in_reach() {
                return Ok(false);
            }
            if !self.groups_answer() {
                break;
            }
        }
        self.kill_groups();
        Ok(true)
    }

    fn is_in_reach(&self) -> bool {
        self.known.values().any(|member| !member.denied) || !self.unseen.is_empty()
    }

    /// The descriptors that become readable when a member ends.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let held = self.known.values().filter(|member| !member.denied).map(|member| &member.held);
        held.filter_map(ProcessHandle::descriptor)
    }

    /// Sends SIGTERM to every member, SIGKILL after `deadline` (`None`: never), and gives up `kill_timeout` later.
    ///
    /// `reap` is called before each look, and returns whether no new members can appear. `wake` is an additional
    /// descriptor; when it is readable, the loop looks again.
    pub fn run(
        &mut self,
        deadline: Option<Instant>,
        kill_timeout: Duration,
        wake: Option<BorrowedFd<'_>>,
        reap: &mut dyn FnMut() -> io::Result<bool>,
    ) -> io::Result<TerminationResult> {
        let mut killing: Option<Instant> = None;
        let mut empty = 0;
        loop {
            let no_others = reap()?;
            self.look()?;
            self.forget_empty();
            if no_others && !self.is_in_reach() {
                empty += 1;
                if empty >= MAX_EMPTY_LOOKS || !self.groups_answer() {
                    self.kill_groups();
                    return Ok(self.ended());
                }
                continue;
            }
            empty = 0;
            let now = Instant::now();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            let mut pause = if left.is_some_and(|left| left.is_zero()) {
                let since = *killing.get_or_insert(now);
                if now.duration_since(since) >= kill_timeout {
                    return Ok(self.ended());
                }
                self.kill();
                KILL_POLL_INTERVAL
            } else {
                self.ask(&[signal::SIGTERM, signal::SIGCONT]);
                // No descriptor reports the end of the last member of such a group.
                let pause = if self.unseen.is_empty() { POLL_INTERVAL } else { KILL_POLL_INTERVAL };
                left.unwrap_or(pause).min(pause)
            };
            let held = self.known.values().filter(|member| !member.denied).map(|member| &member.held);
            pause = held.filter_map(ProcessHandle::pause).fold(pause, Duration::min);
            let descriptors: Vec<BorrowedFd<'_>> = wake.into_iter().chain(self.descriptors()).collect();
            fd::wait_readable(&descriptors, Some(pause))?;
        }
    }

    fn ended(&self) -> TerminationResult {
        TerminationResult {
            asked: self.asked,
            left: self.known.keys().copied().collect(),
            left_groups: self.unseen.iter().copied().collect(),
        }
    }

    /// Opens a handle of every new member, and closes those of ended ones.
    fn look(&mut self) -> io::Result<()> {
        self.forget_ended()?;
        let own = process_info::own();
        let listed = self.members.list()?;
        for pid in listed.into_iter().filter(|pid| *pid != own.pid) {
            if self.known.contains_key(&pid) {
                continue;
            }
            let held = if self.count_descriptors() < self.max_descriptors {
                ProcessHandle::open(pid)?
            } else {
                ProcessHandle::by_number(pid)?
            };
            let Some(held) = held else { continue };
            if !self.members.proves(pid) {
                continue;
            }
            // Read before the check for its end: if the process still lives then, both values are its own.
            if let (Ok(session), Ok(group)) = (process::session(pid), process::group(pid))
                && self.members.owns(session)
                && group > 1
                && group != own.process_group
            {
                self.groups.insert(group);
            }
            if !held.has_ended()? {
                self.known.insert(pid, Member { held, asked: false, denied: false });
            }
        }
        Ok(())
    }

    fn forget_ended(&mut self) -> io::Result<()> {
        let mut ended = Vec::new();
        for (pid, member) in &self.known {
            if member.held.has_ended()? {
                ended.push(*pid);
            }
        }
        for pid in ended {
            self.known.remove(&pid);
        }
        Ok(())
    }

    fn count_descriptors(&self) -> usize {
        self.known.values().filter(|member| member.held.pause().is_none()).count()
    }

    /// Sends these signals to members that have not had any, and resumes suspended ones.
    pub fn ask(&mut self, numbers: &[i32]) {
        if !self.asked_unseen {
            self.asked_unseen = true;
            self.members.wake_all();
            for number in numbers {
                self.send_to_unseen(*number);
            }
        }
        for (pid, member) in &mut self.known {
            if !member.asked {
                member.asked = true;
                self.asked += 1;
                if process::group(*pid).is_ok_and(|group| self.unseen.contains(&group)) {
                    // Its whole group has had the signal.
                    continue;
                }
                for number in numbers {
                    // A member that has changed its user may not be signalled.
                    member.denied |= member.held.send(*number).is_err();
                }
            } else if process::is_stopped(*pid) {
                let _ = member.held.send(signal::SIGCONT);
            }
        }
    }

    fn kill(&mut self) {
        self.members.kill_all();
        for member in self.known.values_mut() {
            if !member.asked {
                member.asked = true;
                self.asked += 1;
            }
            member.denied = member.held.send(signal::SIGKILL).is_err();
        }
        self.kill_groups();
    }

    /// A signal to the group also reaches a process that is being forked.
    fn kill_groups(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        self.groups = groups
            .into_iter()
            .filter(|group| {
                self.is_same_group(*group) && signal::send_to_group(*group, signal::SIGKILL).is_ok()
            })
            .collect();
    }

    fn send_to_unseen(&self, number: i32) {
        for group in self.unseen.iter().filter(|group| self.is_same_group(**group)) {
            let _ = signal::send_to_group(*group, number);
        }
    }

    /// Forgets an invisible group as soon as it is empty: its number may then be reused.
    fn forget_empty(&mut self) {
        for group in std::mem::take(&mut self.unseen) {
            if self.is_same_group(group) && signal::reaches_group(group) {
                self.unseen.insert(group);
            } else {
                self.groups.remove(&group);
            }
        }
    }

    fn groups_answer(&self) -> bool {
        // The group of a leader that keeps running always accepts signals.
        let mut groups = self.groups.iter().filter(|group| self.members.surviving_leader() != Some(**group));
        groups.any(|group| self.is_same_group(*group) && signal::send_to_group(*group, 0).is_ok())
    }

    /// Whether the group is still the same: its number is not reused while it has members. If a process has the
    /// number as its pid, that process must be in a session of the members.
    fn is_same_group(&self, group: i32) -> bool {
        match process::session(group) {
            Ok(session) => self.members.owns(session),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}
