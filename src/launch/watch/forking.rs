//! A program that forks itself into the background: its first process leaves, and the main one has to be found.
//!
//! Of twenty real daemons ten leave before their pid file is there. So it is waited for, and what stands in it counts
//! only where it is a process below us: a file from the last time, or from somebody else, proves nothing. Without a
//! pid file it is the only process that is left.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Stage as Start, Watch};
use crate::error::StepError;
use crate::registry::pid_file;
use crate::registry::pid_file::PidFileEntry;
use crate::setup::LauncherLock;
use crate::sys::process::{Ended, Reaped, Users};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{descendants, error_text, process, procfs};

/// A process that has slept for this long waits for something. One that is about to fork again and leave does not
/// sleep, however long it has to wait for a processor.
const ASLEEP: Duration = Duration::from_millis(20);

/// A process that has been busy for this long is not about to leave.
const BUSY: Duration = Duration::from_secs(1);

/// What is known of the processes of such a program.
#[derive(Debug)]
pub(in crate::launch) struct Forking {
    /// Where the program writes the number of its main process.
    pid_file: Option<PathBuf>,
    /// Whom it was started as.
    user: u32,
    /// Processes that were below us before.
    strangers: BTreeSet<i32>,
    stage: Stage,
    /// Those of the program that have ended.
    gone: BTreeSet<i32>,
    /// How the last one did, or the last one that failed.
    last: Option<Ended>,
}

#[derive(Debug)]
enum Stage {
    /// The first process has not left.
    First,
    /// It has, and the main one is looked for.
    Searching(Search),
    /// This is the main one.
    Found(ProcessHandle),
}

/// Why the main process has not been found.
#[derive(Debug, Default)]
struct Search {
    /// What is wrong, in words.
    reason: String,
    /// The only process that is left, as far as is known.
    candidate: Option<Candidate>,
}

/// The only process that is left, and whether it is going to stay.
#[derive(Debug)]
struct Candidate {
    pid: i32,
    since: Instant,
    asleep: Option<Instant>,
}

impl Forking {
    /// A program that has not been started yet.
    pub(in crate::launch) fn new(pid_file: Option<PathBuf>, user: u32) -> io::Result<Self> {
        let strangers = descendants::descendants(process::own_pid())?;
        Ok(Self { pid_file, user, strangers, stage: Stage::First, gone: BTreeSet::new(), last: None })
    }

    /// Whether the main process is known.
    pub(super) fn found_main(&self) -> bool {
        matches!(self.stage, Stage::Found(_))
    }

    /// The main process, held: it may be a child of another one.
    pub(super) fn main(&self) -> Option<&ProcessHandle> {
        match &self.stage {
            Stage::Found(held) => Some(held),
            Stage::First | Stage::Searching(_) => None,
        }
    }

    /// How long to wait before the next look: for a pid file as for the probes, a two-hundredth of the time that has
    /// passed. To look through all processes costs more, and is done less often.
    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let (part, longest) = if self.pid_file.is_some() { (200, 10) } else { (50, 100) };
        match self.stage {
            Stage::Searching(_) => {
                Some((elapsed / part).clamp(Duration::from_millis(1), Duration::from_millis(longest)))
            }
            Stage::First | Stage::Found(_) => None,
        }
    }

    /// Whether a process is one of the program's that lives. Where nobody but process 1 adopts orphans descent does
    /// not tell; then it has to be younger than we are, and one that both whom the program was started as and whoever has
    /// written the pid file may name.
    fn hold(&self, pid: i32, by: u32) -> io::Result<Option<ProcessHandle>> {
        let own = process::own_pid();
        if pid == own || self.strangers.contains(&pid) {
            return Ok(None);
        }
        let Some(held) = ProcessHandle::open(pid)? else { return Ok(None) };
        let ours = if descendants::HAS_SUBREAPER {
            descendants::descends(pid, own)
        } else {
            process::is_younger(pid, own).unwrap_or(false)
                && process::users(pid)
                    .is_ok_and(|users| [self.user, by].iter().all(|who| may_name(*who, users)))
        };
        Ok(if ours && !held.has_ended()? { Some(held) } else { None })
    }

    /// The processes that are left to us, and those of which we have not been told how they ended.
    fn children(&self) -> io::Result<Vec<procfs::Stat>> {
        let own = process::own_pid();
        let below = descendants::descendants(own)?.into_iter().filter(|pid| !self.strangers.contains(pid));
        let all = below.filter_map(|pid| procfs::stat(pid).ok());
        Ok(all.filter(|stat| stat.ppid == own).collect())
    }
}

impl Watch<'_> {
    /// Watches a program that forks itself away, if it does; gives back what is held for it.
    pub(in crate::launch) fn watch_forking<'c>(
        &mut self,
        launcher_lock: Option<(LauncherLock<'c>, Forking)>,
    ) -> Option<LauncherLock<'c>> {
        launcher_lock.map(|(launcher_lock, forking)| {
            self.forking = Some(forking);
            launcher_lock
        })
    }

    /// Records the main process that has been found.
    pub(in crate::launch) fn record_main(&self, launcher_lock: &LauncherLock<'_>) -> Result<(), StepError> {
        match (self.main, self.forking.as_ref().and_then(Forking::main)) {
            (Some(main), Some(held)) => launcher_lock.record_main(main, held),
            _ => Ok(()),
        }
    }

    /// Looks for the main process, if it is time to; says which one it is, once.
    pub(super) fn find_main(&mut self) -> io::Result<Option<i32>> {
        let Some(forking) = &mut self.forking else { return Ok(None) };
        let (Stage::Searching(search), Start::Executed) = (&mut forking.stage, &self.stage) else {
            return Ok(None);
        };
        let mut search = std::mem::take(search);
        let known_main = if let Some(path) = &forking.pid_file {
            search.read(path)
        } else {
            let mut left = forking.children()?;
            left.retain(|stat| !stat.exiting);
            search.only_one(&left).map(|pid| PidFileEntry { pid, by: forking.user })
        };
        let held = match known_main {
            Some(PidFileEntry { pid, by }) => forking.hold(pid, by)?.map(|held| (pid, held)),
            None => None,
        };
        let Some((pid, held)) = held else {
            forking.stage = Stage::Searching(search);
            return Ok(None);
        };
        forking.stage = Stage::Found(held);
        self.main = Some(pid);
        if !descendants::HAS_SUBREAPER {
            self.root = pid;
        }
        Ok(Some(pid))
    }

    /// Reaps what has ended, and says whether the start has ended with it: not by the first process, if that leaves
    /// with success, and not by one that has forked again before it left.
    #[allow(clippy::option_option, reason = "the inner one says that a death was seen, but not how")]
    pub(super) fn death_of_forking(&mut self) -> io::Result<Option<Option<Ended>>> {
        let mut alone = false;
        loop {
            match process::reap()? {
                Reaped::Child(pid, ended) if self.main.is_none() && self.is_first() => {
                    self.reaped.push((pid, ended));
                }
                Reaped::Child(pid, ended) if Some(pid) == self.main => self.main_ended(ended),
                Reaped::Child(pid, ended) => {
                    self.probes.child_ended(pid, ended, self.started_at.elapsed());
                    self.gone(pid, ended);
                }
                Reaped::None => break,
                Reaped::NoChildren => {
                    alone = true;
                    break;
                }
            }
        }
        if self.is_first()
            && let Some(ended) = self.reaped_early()
        {
            self.main_ended(ended);
        }
        if self.ended.is_some() {
            return Ok(Some(self.ended));
        }
        if let (Some(forking), Some(main)) = (&self.forking, self.main)
            && let Stage::Found(held) = &forking.stage
            && held.has_ended()?
        {
            // It may have become our child, and have ended, since the last one was reaped.
            return match process::wait(main) {
                Ok(ended) => {
                    self.main_ended(ended);
                    Ok(self.ended.map(Some))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(None)),
                Err(error) => Err(error),
            };
        }
        // Where orphans are not ours to adopt, to have no children says nothing.
        let over = alone && (descendants::HAS_SUBREAPER || self.is_first()) || self.has_no_descendants()?;
        Ok(over.then_some(self.ended.or(self.forking.as_ref().and_then(|forking| forking.last))))
    }

    /// The main process, or the one that the pid file names if it is one of the program's, however it fares.
    pub(in crate::launch) fn known_main(&self) -> Option<i32> {
        self.main.filter(|_| !self.is_first()).or_else(|| self.named_in_pid_file(|_| false))
    }

    /// The process that the pid file names, if it is one of the program's, or one of these.
    pub(in crate::launch) fn named_in_pid_file(&self, ours: impl Fn(i32) -> bool) -> Option<i32> {
        let forking = self.forking.as_ref()?;
        let pid = pid_file::read(forking.pid_file.as_ref()?).ok().flatten()?;
        let its = ours(pid) || forking.gone.contains(&pid) || descendants::descends(pid, process::own_pid());
        its.then_some(pid)
    }

    /// What is still waited for, for people.
    pub(in crate::launch) fn missing(&self) -> String {
        match self.forking.as_ref().map(|forking| (&forking.stage, &forking.pid_file)) {
            Some((Stage::First, _)) => "the end of its first process".to_owned(),
            Some((Stage::Searching(search), Some(path))) => {
                format!("its pid file {}: {}", path.display(), search.reason)
            }
            Some((Stage::Searching(search), None)) => format!("its main process: {}", search.reason),
            Some((Stage::Found(_), _)) | None => self.probes.missing(),
        }
    }

    /// What helps a program that was not found in time; none where it was.
    pub(in crate::launch) fn hint(&self) -> Option<&'static str> {
        match self.forking.as_ref().map(|forking| (&forking.stage, &forking.pid_file)) {
            Some((Stage::First, _)) => Some("a program that stays in the foreground is of --type exec"),
            Some((Stage::Searching(_), None)) => {
                Some("--pid-file says where the program writes which one is the main one")
            }
            // Why it writes none, the program itself may have said.
            Some((Stage::Searching(_), Some(_)) | (Stage::Found(_), _)) | None => None,
        }
    }

    /// Whether nobody is left but those who were there before.
    fn has_no_descendants(&self) -> io::Result<bool> {
        match &self.forking {
            // We ourselves are one of them.
            Some(forking) if forking.strangers.len() > 1 && matches!(forking.stage, Stage::Searching(_)) => {
                Ok(descendants::HAS_SUBREAPER && forking.children()?.is_empty())
            }
            _ => Ok(false),
        }
    }

    fn is_first(&self) -> bool {
        self.forking.as_ref().is_some_and(|forking| matches!(forking.stage, Stage::First))
    }

    /// The main process, be it the first one or one that was taken for it, has ended.
    fn main_ended(&mut self, ended: Ended) {
        let (Some(forking), Some(pid)) = (&mut self.forking, self.main) else { return };
        // Without a pid file the one that was left may fork again, and leave the next one to us.
        let goes_on = match forking.stage {
            Stage::First => true,
            Stage::Searching(_) => false,
            Stage::Found(_) => forking.pid_file.is_none(),
        };
        self.gone(pid, ended);
        match &mut self.forking {
            Some(forking) if goes_on && ended == Ended::Exited(0) => {
                forking.stage = Stage::Searching(Search::default());
                self.main = None;
                self.reaped.clear();
            }
            _ => self.ended = Some(ended),
        }
    }

    fn gone(&mut self, pid: i32, ended: Ended) {
        let Some(forking) = &mut self.forking else { return };
        forking.gone.insert(pid);
        // Nobody kills one that only forks again; what is left of the program now are its orphans.
        if let Stage::Searching(Search { candidate: Some(candidate), .. }) = &forking.stage
            && candidate.pid == pid
            && ended != Ended::Exited(0)
        {
            self.ended = Some(ended);
        }
        if matches!(forking.last, None | Some(Ended::Exited(0))) {
            forking.last = Some(ended);
        }
    }
}

/// Root's word is taken for any process; another user's for those of that user.
fn may_name(who: u32, users: Users) -> bool {
    who == 0 || users.real == who || users.effective == who
}

impl Search {
    /// The process that the pid file names.
    fn read(&mut self, path: &Path) -> Option<PidFileEntry> {
        let read = pid_file::read_named(path);
        self.reason = match &read {
            Ok(Some(PidFileEntry { pid, .. })) => {
                format!("it names process {pid}, which is none of the program's that runs")
            }
            Ok(None) if std::fs::symlink_metadata(path).is_ok() => "there is no number in it".to_owned(),
            Ok(None) => "it is not there".to_owned(),
            Err(error) => error_text(error),
        };
        read.ok().flatten()
    }

    /// The only process that is left, once it is plain that it stays.
    fn only_one(&mut self, left: &[procfs::Stat]) -> Option<i32> {
        let [one] = left else {
            self.candidate = None;
            let all: Vec<_> = left.iter().map(|stat| stat.pid.to_string()).collect();
            self.reason = match all.as_slice() {
                [] => "none is left".to_owned(),
                all => format!("which one of {} it is cannot be told", all.join(" ")),
            };
            return None;
        };
        let now = Instant::now();
        let mut candidate = match self.candidate.take() {
            Some(known) if known.pid == one.pid => known,
            _ => Candidate { pid: one.pid, since: now, asleep: None },
        };
        candidate.asleep = (one.state == 'S').then(|| candidate.asleep.unwrap_or(now));
        let stays =
            candidate.asleep.is_some_and(|since| now - since >= ASLEEP) || now - candidate.since >= BUSY;
        self.reason = format!("process {} may be about to leave", one.pid);
        self.candidate = Some(candidate);
        stays.then_some(one.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, state: char) -> procfs::Stat {
        let comm = "daemon".to_owned();
        let (ppid, tty_nr, exiting, start_time) = (1, 0, false, 1);
        procfs::Stat { pid, comm, state, ppid, pgrp: pid, session: pid, tty_nr, exiting, start_time }
    }

    #[test]
    fn the_only_one_is_taken_when_it_has_slept_for_a_while_and_not_while_it_is_busy() {
        let mut search = Search::default();
        assert_eq!(search.only_one(&[process(7, 'S')]), None);
        let before = Instant::now().checked_sub(ASLEEP).unwrap();
        search.candidate.as_mut().unwrap().asleep = Some(before);
        assert_eq!(search.only_one(&[process(7, 'R')]), None, "it was asleep, and is not now");
        search.candidate.as_mut().unwrap().asleep = Some(before);
        assert_eq!(search.only_one(&[process(8, 'S')]), None, "another one");
        search.candidate.as_mut().unwrap().asleep = Some(before);
        assert_eq!(search.only_one(&[process(8, 'S')]), Some(8));
        search.candidate.as_mut().unwrap().since = Instant::now().checked_sub(BUSY).unwrap();
        assert_eq!(search.only_one(&[process(8, 'R')]), Some(8));
    }

    #[test]
    fn who_is_not_root_names_none_but_processes_of_their_own() {
        let users = |real, effective| Users { real, effective };
        assert!(may_name(0, users(1, 1)) && may_name(0, users(0, 0)));
        assert!(may_name(7, users(7, 7)) && may_name(7, users(7, 0)) && may_name(7, users(0, 7)));
        assert!(!may_name(7, users(0, 0)) && !may_name(7, users(8, 8)));
    }

    #[test]
    fn of_several_none_is_taken_and_all_are_named() {
        let mut search = Search::default();
        assert_eq!(search.only_one(&[process(7, 'S'), process(9, 'S')]), None);
        assert_eq!(search.reason, "which one of 7 9 it is cannot be told");
        assert_eq!(search.only_one(&[]), None);
        assert_eq!(search.reason, "none is left");
    }
}
