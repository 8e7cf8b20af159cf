//! Ending a set of processes: ask, wait, kill, and look again until nothing of it is left.
//!
//! A failed start and `stop` end what they end here. Every process is held first, then proved to be a member, then
//! signalled. So many may be members that not all of them can be held by descriptors, and a member may fork faster than
//! processes can be listed: such a one is ended by its process group. So are members that no list shows (no /proc).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, limits, process, process_info, signal};

/// How soon to look for new members while the others are given time; the end of one that is held is seen at once.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// How soon to look again while they are killed: one that was just being forked was not on the list.
const KILL_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// So many members at most are held by descriptors, and a quarter of what this process may open.
const MAX_DESCRIPTORS: u64 = 256;

/// How often nothing has to be found before a process group that can still be signalled is believed to be zombies.
const MAX_EMPTY_LOOKS: u32 = 8;

/// Which processes are to end.
pub trait Members {
    /// The numbers of all that may be members, as they are now; where processes cannot be listed, of those that are known.
    fn list(&self) -> io::Result<BTreeSet<i32>>;
    /// Process groups with members that the list may not show, because /proc does not. All in them are members.
    fn unseen_groups(&self) -> BTreeSet<i32> {
        BTreeSet::new()
    }
    /// Whether this one is a member. Asked while it is held.
    fn proves(&self, pid: i32) -> bool;
    /// Whether a session was made by a member, so that nobody else is in its process groups.
    fn owns(&self, session: i32) -> bool;
    /// The leader of a process group who stays there without being a member.
    fn surviving_leader(&self) -> Option<i32> {
        None
    }
}

/// What a set of processes came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminationResult {
    /// How many there were.
    pub asked: usize,
    /// Those that have not ended: we may not signal them, or they hang in the kernel.
    pub left: Vec<i32>,
    /// Process groups that nothing shows the members of, and that still have some.
    pub left_groups: Vec<i32>,
}

/// A set of processes that is being ended.
#[derive(Debug)]
pub struct Termination<'a, M> {
    members: &'a M,
    known: BTreeMap<i32, Member>,
    /// Process groups of members, which have no other members.
    groups: BTreeSet<i32>,
    /// Those of them with members that no list shows, until they have no members.
    unseen: BTreeSet<i32>,
    asked_unseen: bool,
    asked: usize,
    max_descriptors: usize,
}

#[derive(Debug)]
struct Member {
    held: ProcessHandle,
    asked: bool,
    /// We may not signal it.
    denied: bool,
}

impl<'a, M: Members> Termination<'a, M> {
    /// Nothing is known of these processes yet.
    pub fn new(members: &'a M) -> Self {
        let (soft, _) = limits::get(limits::NOFILE).unwrap_or((0, 0));
        let max_descriptors = usize::try_from((soft / 4).min(MAX_DESCRIPTORS)).unwrap_or(0);
        let unseen = members.unseen_groups();
        Self {
            members,
            known: BTreeMap::new(),
            groups: unseen.clone(),
            unseen,
            asked_unseen: false,
            asked: 0,
            max_descriptors,
        }
    }

    /// Lets every member go on that was stopped (SIGSTOP): it could not act on a signal, and others may wait for it.
    pub fn wake(&mut self) -> io::Result<()> {
        self.look()?;
        for member in self.known.values().filter(|member| process::is_stopped(member.held.pid())) {
            let _ = member.held.send(signal::SIGCONT);
        }
        self.send_to_unseen(signal::SIGCONT);
        Ok(())
    }

    /// Asks every member to end (SIGTERM), kills what has not by `deadline` (none: never), and gives up `kill_timeout`
    /// after that.
    ///
    /// `reap` is called before each look, and says whether its caller knows that no others can come. `wake` is one more
    /// descriptor that is worth a look when it can be read.
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
            let in_reach = self.known.values().any(|member| !member.denied) || !self.unseen.is_empty();
            if no_others && !in_reach {
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
                self.ask();
                // No descriptor says when such a group has no members any more.
                let pause = if self.unseen.is_empty() { POLL_INTERVAL } else { KILL_POLL_INTERVAL };
                left.unwrap_or(pause).min(pause)
            };
            let held = || self.known.values().filter(|member| !member.denied).map(|member| &member.held);
            pause = held().filter_map(ProcessHandle::pause).fold(pause, Duration::min);
            let descriptors: Vec<BorrowedFd<'_>> =
                wake.into_iter().chain(held().filter_map(ProcessHandle::descriptor)).collect();
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

    /// Takes hold of every new member, and lets go of those that have ended.
    fn look(&mut self) -> io::Result<()> {
        let mut ended = Vec::new();
        for (pid, member) in &self.known {
            if member.held.has_ended()? {
                ended.push(*pid);
            }
        }
        for pid in ended {
            self.known.remove(&pid);
        }
        let own = process_info::own();
        let listed = self.members.list()?;
        for pid in listed.into_iter().filter(|pid| *pid != own.pid) {
            if self.known.contains_key(&pid) {
                continue;
            }
            let held = if self.descriptors() < self.max_descriptors {
                ProcessHandle::open(pid)?
            } else {
                ProcessHandle::by_number(pid)?
            };
            let Some(held) = held else { continue };
            if !self.members.proves(pid) {
                continue;
            }
            // Looked at before its end is: of one that has ended by then both are still true.
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

    fn descriptors(&self) -> usize {
        self.known.values().filter(|member| member.held.pause().is_none()).count()
    }

    /// Asks every member to end that was not asked before, and wakes those that are stopped, however late that was.
    fn ask(&mut self) {
        if !self.asked_unseen {
            self.asked_unseen = true;
            self.send_to_unseen(signal::SIGTERM);
            self.send_to_unseen(signal::SIGCONT);
        }
        for (pid, member) in &mut self.known {
            if !member.asked {
                member.asked = true;
                self.asked += 1;
                if process::group(*pid).is_ok_and(|group| self.unseen.contains(&group)) {
                    // Its whole group was asked.
                    continue;
                }
                // A process may have become another user's, and then we may not.
                member.denied = member.held.send(signal::SIGTERM).is_err();
                let _ = member.held.send(signal::SIGCONT);
            } else if process::is_stopped(*pid) {
                let _ = member.held.send(signal::SIGCONT);
            }
        }
    }

    fn kill(&mut self) {
        for member in self.known.values_mut() {
            if !member.asked {
                member.asked = true;
                self.asked += 1;
            }
            member.denied = member.held.send(signal::SIGKILL).is_err();
        }
        self.kill_groups();
    }

    /// One signal to a whole group reaches also a process that is being forked.
    fn kill_groups(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        self.groups = groups
            .into_iter()
            .filter(|group| {
                self.is_of_this_process(*group) && signal::send_to_group(*group, signal::SIGKILL).is_ok()
            })
            .collect();
    }

    fn send_to_unseen(&self, number: i32) {
        for group in self.unseen.iter().filter(|group| self.is_of_this_process(**group)) {
            let _ = signal::send_to_group(*group, number);
        }
    }

    /// Forgets each unseen group as soon as it has no members: from then on its number may be another's.
    fn forget_empty(&mut self) {
        for group in std::mem::take(&mut self.unseen) {
            if self.is_of_this_process(group) && signal::reaches_group(group) {
                self.unseen.insert(group);
            } else {
                self.groups.remove(&group);
            }
        }
    }

    fn groups_answer(&self) -> bool {
        // Of the group of a leader who stays there is always an answer.
        let mut groups = self.groups.iter().filter(|group| self.members.surviving_leader() != Some(**group));
        groups.any(|group| self.is_of_this_process(*group) && signal::send_to_group(*group, 0).is_ok())
    }

    /// Whether a group is still the one that was seen: no process gets the number of a group that has members. Where a
    /// process has that number now, it has to be in a session of the members.
    fn is_of_this_process(&self, group: i32) -> bool {
        match process::session(group) {
            Ok(session) => self.members.owns(session),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}
