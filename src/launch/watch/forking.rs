//! A program that forks itself into the background: its first process exits, and the main one must be found.
//!
//! Ten of twenty real daemons exit before their pid file exists, so the pid file is awaited. Its pid counts only if
//! that process is a descendant: a file from an earlier run or from another user proves nothing. Without a pid file,
//! the main process is the only one that is left.

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

/// A process that has slept for this long waits for an event. One that is about to fork again and exit does not
/// sleep, however long it waits for a CPU.
const ASLEEP: Duration = Duration::from_millis(20);

/// A process that has been busy for this long is not about to exit.
const BUSY: Duration = Duration::from_secs(1);

/// The processes of a forking program.
#[derive(Debug)]
pub(in crate::launch) struct Forking {
    /// The file that the program writes its main pid to.
    pid_file: Option<PathBuf>,
    /// The user that it was started as.
    user: u32,
    /// Descendants that existed before the start.
    strangers: BTreeSet<i32>,
    stage: Stage,
    /// Processes of the program that have ended.
    gone: BTreeSet<i32>,
    /// How the last one ended, or the last one that failed.
    last: Option<Ended>,
}

#[derive(Debug)]
enum Stage {
    /// The first process is running.
    First,
    /// It has exited, and the main process is not found yet.
    Searching(Search),
    /// The main process.
    Found(ProcessHandle),
}

/// The state of the search for the main process.
#[derive(Debug, Default)]
struct Search {
    /// Why it is not found yet, in words.
    reason: String,
    /// The only process that is left, if there is just one.
    candidate: Option<Candidate>,
}

/// The only process that is left, and how long it has been watched.
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

    /// A handle of the main process, which may be a child of another process.
    pub(super) fn main(&self) -> Option<&ProcessHandle> {
        match &self.stage {
            Stage::Found(held) => Some(held),
            Stage::First | Stage::Searching(_) => None,
        }
    }

    /// The pause before the next look. For a pid file it is a two-hundredth of the elapsed time, as for probes;
    /// listing all processes costs more and is done less often.
    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let (part, longest) = if self.pid_file.is_some() { (200, 10) } else { (50, 100) };
        match self.stage {
            Stage::Searching(_) => {
                Some((elapsed / part).clamp(Duration::from_millis(1), Duration::from_millis(longest)))
            }
            Stage::First | Stage::Found(_) => None,
        }
    }

    /// Opens a handle of a live process of the program. Without a subreaper, descent is no proof; then the process
    /// must be younger than this one, and both the start user and the pid file's owner must be permitted to name it.
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

    /// The children of this process that belong to the program, with those that are not reaped yet.
    fn children(&self) -> io::Result<Vec<procfs::Stat>> {
        let own = process::own_pid();
        let below = descendants::descendants(own)?.into_iter().filter(|pid| !self.strangers.contains(pid));
        let all = below.filter_map(|pid| procfs::stat(pid).ok());
        Ok(all.filter(|stat| stat.ppid == own).collect())
    }
}

impl Watch<'_> {
    /// Watches a forking program, and returns its lock.
    pub(in crate::launch) fn watch_forking<'c>(
        &mut self,
        launcher_lock: Option<(LauncherLock<'c>, Forking)>,
    ) -> Option<LauncherLock<'c>> {
        launcher_lock.map(|(launcher_lock, forking)| {
            self.forking = Some(forking);
            launcher_lock
        })
    }

    /// Records the main process that was found.
    pub(in crate::launch) fn record_main(&self, launcher_lock: &LauncherLock<'_>) -> Result<(), StepError> {
        match (self.main, self.forking.as_ref().and_then(Forking::main)) {
            (Some(main), Some(held)) => launcher_lock.record_main(main, held),
            _ => Ok(()),
        }
    }

    /// Looks for the main process when it is time. Returns a newly found one.
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

    /// Reaps children that have ended, and returns whether the start has ended: not with the first process if it
    /// succeeded, and not with one that forked again before it exited.
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
            // It may have become a child and ended since the last child was reaped.
            return match process::wait(main) {
                Ok(ended) => {
                    self.main_ended(ended);
                    Ok(self.ended.map(Some))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(None)),
                Err(error) => Err(error),
            };
        }
        // Without a subreaper, having no children proves nothing.
        let over = alone && (descendants::HAS_SUBREAPER || self.is_first()) || self.has_no_descendants()?;
        Ok(over.then_some(self.ended.or(self.forking.as_ref().and_then(|forking| forking.last))))
    }

    /// The main process, or the process of the program that the pid file names, alive or not.
    pub(in crate::launch) fn known_main(&self) -> Option<i32> {
        self.main.filter(|_| !self.is_first()).or_else(|| self.named_in_pid_file(|_| false))
    }

    /// The process that the pid file names, if it belongs to the program or `ours` accepts it.
    pub(in crate::launch) fn named_in_pid_file(&self, ours: impl Fn(i32) -> bool) -> Option<i32> {
        let forking = self.forking.as_ref()?;
        let pid = pid_file::read(forking.pid_file.as_ref()?).ok().flatten()?;
        let its = ours(pid) || forking.gone.contains(&pid) || descendants::descends(pid, process::own_pid());
        its.then_some(pid)
    }

    /// What a start still waits for, in words.
    pub(in crate::launch) fn missing(&self) -> String {
        match self.forking.as_ref().map(|forking| (&forking.stage, &forking.pid_file)) {
            Some((Stage::First, _)) => "the end of its first process".to_owned(),
            Some((Stage::Searching(search), Some(path))) => {
                format!("its pid file {}: {}", path.display(), search.reason)
            }
            Some((Stage::Searching(search), None)) => format!("its main process: {}", search.reason),
            Some((Stage::Found(_), _)) | None => self.probes.missing(self.tree()),
        }
    }

    /// The hint for a main process that was not found in time. `None` if it was found.
    pub(in crate::launch) fn hint(&self) -> Option<&'static str> {
        match self.forking.as_ref().map(|forking| (&forking.stage, &forking.pid_file)) {
            Some((Stage::First, _)) => Some("use --type exec for a program that stays in the foreground"),
            Some((Stage::Searching(_), None)) => {
                Some("use --pid-file for the file to which the program writes its main pid")
            }
            // The program's own output may explain why it wrote none.
            Some((Stage::Searching(_), Some(_)) | (Stage::Found(_), _)) | None => None,
        }
    }

    /// Whether only the earlier descendants are left.
    fn has_no_descendants(&self) -> io::Result<bool> {
        match &self.forking {
            // This process is one of them.
            Some(forking) if forking.strangers.len() > 1 && matches!(forking.stage, Stage::Searching(_)) => {
                Ok(descendants::HAS_SUBREAPER && forking.children()?.is_empty())
            }
            _ => Ok(false),
        }
    }

    fn is_first(&self) -> bool {
        self.forking.as_ref().is_some_and(|forking| matches!(forking.stage, Stage::First))
    }

    /// The main process, or one that was taken for it, has ended.
    fn main_ended(&mut self, ended: Ended) {
        let (Some(forking), Some(pid)) = (&mut self.forking, self.main) else { return };
        // Without a pid file, the candidate may have forked again, and its child is the next one.
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
        // A process that only forks again is not killed; the rest of the program are its orphans.
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

/// A pid file of root may name any process; one of another user only that user's processes.
fn may_name(who: u32, users: Users) -> bool {
    who == 0 || users.real == who || users.effective == who
}

impl Search {
    /// The process that the pid file names.
    fn read(&mut self, path: &Path) -> Option<PidFileEntry> {
        let read = pid_file::read_named(path);
        self.reason = match &read {
            Ok(Some(PidFileEntry { pid, .. })) => {
                format!("it names process {pid}, which is not a running process of the program")
            }
            Ok(None) if std::fs::symlink_metadata(path).is_ok() => "it contains no number".to_owned(),
            Ok(None) => "it is not there".to_owned(),
            Err(error) => error_text(error),
        };
        read.ok().flatten()
    }

    /// The only process that is left, once it evidently stays.
    fn only_one(&mut self, left: &[procfs::Stat]) -> Option<i32> {
        let [one] = left else {
            self.candidate = None;
            let all: Vec<_> = left.iter().map(|stat| stat.pid.to_string()).collect();
            self.reason = match all.as_slice() {
                [] => "no process is left".to_owned(),
                all => format!("it may be any of {}", all.join(" ")),
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
        self.reason = format!("process {} may be about to exit", one.pid);
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
        assert_eq!(search.reason, "it may be any of 7 9");
        assert_eq!(search.only_one(&[]), None);
        assert_eq!(search.reason, "no process is left");
    }
}
