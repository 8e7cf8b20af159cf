//! Waiting for a start to come true: one loop over reports, signals, signs of readiness and the clock.

mod forking;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

pub(super) use forking::Forking;

use super::intermediate::Intermediate;
use crate::error::StepError;
use crate::readiness::{Probes, ProcessTree};
use crate::setup::{Created, Report, Reports};
use crate::sys::process::{Ended, Reaped};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal::Signals;
use crate::sys::{escape_control, fd, process, signal};

/// How long a program that can no longer say that it is ready may take to end: its destructors run, and then how it
/// ends says more than we could.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// How often the reports are read before anything else is looked at: what a service's own code writes may have no end.
const MAX_READS: usize = 64;

/// A start that is being watched.
pub(super) struct Watch<'a> {
    pub(super) probes: Probes,
    pub(super) reports: Option<OwnedFd>,
    pub(super) relation: Relation<'a>,
    /// The process that all processes of the service descend from.
    pub(super) root: i32,
    /// The first process that was started, whose number is that of the session that it made.
    pub(super) first: Option<i32>,
    /// The process that becomes the program, as soon as it is known.
    pub(super) main: Option<i32>,
    /// What was made so far.
    pub(super) made: Vec<Created>,
    pub(super) timeout: Option<Duration>,
    /// When everything began.
    pub(super) started_at: Instant,
    /// Whether the process stays the program that it is, and says itself that it is ready.
    pub(super) program_reports_ready: bool,
    /// Whether it is executed again on the way.
    pub(super) reexec: Reexec,
    /// The process that is its parent, where that stays and is not us.
    pub(super) intermediate: Option<Intermediate>,
    /// What it says that it is doing.
    pub(super) status: Option<String>,
    /// What it says why it will fail.
    pub(super) failure_reason: Option<String>,
    /// Until when it has asked to be given, from the beginning on.
    extended: Duration,
    /// What is known of a program that forks itself into the background; none where it stays.
    pub(super) forking: Option<Forking>,
    reader: Reports,
    /// Whether the service's own code may write the reports.
    setup_done: bool,
    stage: Stage,
    /// Children that were reaped before anybody had told which of them is the main process.
    reaped: Vec<(i32, Ended)>,
    ended: Option<Ended>,
}

/// How far the process that becomes the program has come, as far as it told.
enum Stage {
    SettingUp,
    /// It is about to execute the program; the end of the pipe will say that it did.
    Executing,
    Executed,
    /// It has said that it is ready.
    Ready,
    /// It has let go of the pipe without that, then: it is about to end, or never will be ready.
    PipeClosed(Instant),
    /// It is ready, and its end is waited for.
    AwaitingExit,
    Failed(StepError),
}

/// Whether a program that becomes the service itself is executed again, and then comes back to where it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reexec {
    /// It is not.
    No,
    /// It is, or will be, and has not come back yet.
    Pending,
    /// It has come back.
    Done,
}

/// By what a death is seen.
pub(super) enum Relation<'a> {
    /// The service's processes are our children, or become so.
    Parent(&'a Signals),
    /// They are not; this is the main one.
    Observer(&'a ProcessHandle),
}

/// What the waiting came to.
pub(super) enum Event {
    /// All signs of readiness are there.
    Ready,
    /// The main process of a program that forks itself away has been found, or another one than before.
    Main(i32),
    /// A step failed.
    Failed(StepError),
    /// The program ended; how, where that can be known.
    Ended(Option<Ended>),
    /// It took too long.
    TimedOut(Duration),
    /// The program can never say any more that it is ready, and does not end.
    PipeClosed,
    /// A signal came that is not about children.
    Signal(i32),
}

impl<'a> Watch<'a> {
    pub(super) fn new(probes: Probes, reports: OwnedFd, relation: Relation<'a>, root: i32) -> Self {
        Self {
            probes,
            reports: Some(reports),
            relation,
            root,
            first: None,
            main: None,
            made: Vec::new(),
            timeout: None,
            started_at: Instant::now(),
            program_reports_ready: false,
            reexec: Reexec::No,
            intermediate: None,
            status: None,
            failure_reason: None,
            extended: Duration::ZERO,
            forking: None,
            reader: Reports::default(),
            setup_done: false,
            stage: Stage::SettingUp,
            reaped: Vec::new(),
            ended: None,
        }
    }

    /// How the program has ended, if it has, and we are whom that is told.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.or(self.reaped_early())
    }

    /// From here on only an end is waited for.
    pub(super) fn await_exit(&mut self) {
        self.stage = Stage::AwaitingExit;
    }

    /// Waits for the next thing that matters.
    pub(super) fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(signal) = self.signals()? {
                return Ok(Event::Signal(signal));
            }
            if let Some(failed) = self.reported_failure()? {
                return Ok(failed);
            }
            if let Some(main) = self.find_main()? {
                return Ok(Event::Main(main));
            }
            let elapsed = self.started_at.elapsed();
            if self.program_descriptors() && !self.exiting() {
                return Ok(Event::Ready);
            }
            self.check_probes(elapsed)?;
            if let Some(ended) = self.reap_ended()? {
                // What it told before it ended may have come since we looked.
                if let Some(failed) = self.reported_failure()? {
                    return Ok(failed);
                }
                self.check_probes(elapsed)?;
                let ended = ended.or(self.reaped_early());
                // We leave only after a report, so whoever left was the program.
                let executed = self.forking.is_none()
                    && self.program_descriptors()
                    && matches!(ended, Some(Ended::Exited(_)));
                return Ok(if executed { Event::Ready } else { Event::Ended(ended) });
            }
            // Without a sign to wait for it is about to end here, and how it ends will tell.
            if self.is_running() && !self.probes.is_empty() && self.probes.all_met() {
                return Ok(Event::Ready);
            }
            if self.grace_left().is_some_and(|left| left.is_zero()) {
                return Ok(Event::PipeClosed);
            }
            if let Some(timeout) = self.timeout_left(elapsed)
                && timeout.is_zero()
            {
                return Ok(Event::TimedOut(elapsed));
            }
            self.wait(elapsed)?;
        }
    }

    /// What the reports say: a failure, if there was one.
    fn reported_failure(&mut self) -> io::Result<Option<Event>> {
        self.read_reports()?;
        Ok(match &self.stage {
            Stage::Failed(failure) => Some(Event::Failed(failure.clone())),
            _ => None,
        })
    }

    /// Whether all that was promised has happened: without a sign to wait for, that is the exec.
    fn program_descriptors(&self) -> bool {
        let done = matches!(self.stage, Stage::Ready) || (self.is_running() && self.probes.is_empty());
        done && self.main.is_some()
    }

    /// Whether the program runs as what it is to stay.
    fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Executed) && self.forking.as_ref().is_none_or(Forking::found_main)
    }

    /// How long a program that has let go of everything may take to end.
    fn grace_left(&self) -> Option<Duration> {
        match self.stage {
            Stage::PipeClosed(since) => Some(EXIT_GRACE.saturating_sub(since.elapsed())),
            _ => None,
        }
    }

    /// Whether the main process is about to end. The pipe's end can also be that of a process that was killed before
    /// the exec; how it ends will tell.
    fn exiting(&self) -> bool {
        self.main.is_some_and(|main| match process::is_exiting(main) {
            Ok(exiting) => exiting,
            // It has ended, and its parent has seen that before us; or it is hidden from us (hidepid=, proc(5)).
            Err(_) => ProcessHandle::open(main)
                .is_ok_and(|held| held.is_none_or(|held| held.has_ended().unwrap_or(true))),
        })
    }

    fn check_probes(&mut self, elapsed: Duration) -> io::Result<()> {
        match self.main {
            Some(main) if self.is_running() => {
                self.probes.look(ProcessTree { main, root: self.root }, elapsed)
            }
            _ => Ok(()),
        }
    }

    /// The program may ask for more time than it was given (EXTEND_TIMEOUT_USEC, sd_notify(3)).
    fn timeout_left(&self, elapsed: Duration) -> Option<Duration> {
        let extended = self.extended.max(self.probes.notifications().extended.unwrap_or_default());
        let timeout = self.timeout?.max(extended);
        Some(timeout.saturating_sub(elapsed))
    }

    fn wait(&self, elapsed: Duration) -> io::Result<()> {
        let pause = match (&self.stage, &self.forking) {
            (Stage::Executed, Some(forking)) if !forking.found_main() => forking.pause(elapsed),
            (Stage::Executed, _) => self.probes.pause(elapsed),
            _ => None,
        };
        let held = self.forking.as_ref().and_then(Forking::main);
        let main = match self.relation {
            Relation::Parent(_) => None,
            Relation::Observer(main) => Some(main),
        };
        let looks = [held, main].into_iter().flatten().filter_map(ProcessHandle::pause).min();
        let longest = [pause, looks, self.grace_left(), self.timeout_left(elapsed)];
        let longest = longest.into_iter().flatten().min();
        let mut all: Vec<BorrowedFd<'_>> = self.probes.descriptors();
        all.extend(self.reports.as_ref().map(AsFd::as_fd));
        all.extend([held, main].into_iter().flatten().filter_map(ProcessHandle::descriptor));
        all.extend(
            self.intermediate.as_ref().filter(|intermediate| intermediate.is_there()).map(AsFd::as_fd),
        );
        if let Relation::Parent(signals) = self.relation {
            all.push(signals.as_fd());
        }
        fd::wait_readable(&all, longest).map(drop)
    }

    fn signals(&mut self) -> io::Result<Option<i32>> {
        let Relation::Parent(signals) = self.relation else { return Ok(None) };
        while let Some(signal) = signals.next()? {
            if signal != signal::SIGCHLD {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }

    /// Reads what has been told since the last time.
    pub(super) fn read_reports(&mut self) -> io::Result<()> {
        let Some(pipe) = &self.reports else { return Ok(()) };
        let mut buffer = [0; 4096];
        for _ in 0..MAX_READS {
            match fd::read(pipe, &mut buffer)? {
                Some(0) => {
                    self.reports = None;
                    match self.stage {
                        Stage::Executing => self.stage = Stage::Executed,
                        Stage::SettingUp if self.program_reports_ready => {
                            self.stage = Stage::PipeClosed(Instant::now());
                        }
                        _ => {}
                    }
                    return Ok(());
                }
                Some(length) => self.reader.feed(&buffer[..length]),
                None => return Ok(()),
            }
            for report in self.reader.by_ref() {
                match report {
                    // With our rights nothing is removed that others name, nobody is taken for the service, and nothing is
                    // told in our words.
                    Report::Started(_) | Report::Created(_) | Report::Failed(_) | Report::Executing
                        if self.setup_done => {}
                    Report::Started(pid) => self.main = Some(pid),
                    Report::Created(made) => self.made.push(made),
                    Report::SetupDone => self.setup_done = true,
                    Report::Failed(failure) => self.stage = Stage::Failed(failure),
                    Report::Executing => self.stage = Stage::Executing,
                    Report::Entered => self.reexec = Reexec::Done,
                    Report::Ready => self.stage = Stage::Ready,
                    Report::Status(text) => self.status = Some(text),
                    Report::ExtendTimeout(micros) => {
                        self.extended =
                            self.started_at.elapsed().saturating_add(Duration::from_micros(micros));
                    }
                    Report::FailureReason(text) => self.failure_reason = Some(escape_control(&text)),
                }
            }
        }
        Ok(())
    }

    /// Reaps what has ended. Of the main process its end is news; of a process that never told its number too.
    #[allow(clippy::option_option, reason = "the inner one says that a death was seen, but not how")]
    fn reap_ended(&mut self) -> io::Result<Option<Option<Ended>>> {
        let main = match self.relation {
            Relation::Observer(main) => {
                // The only children of a helper are the commands of its probes.
                while let Reaped::Child(pid, ended) = process::reap()? {
                    self.probes.child_ended(pid, ended, self.started_at.elapsed());
                }
                return Ok(main.has_ended()?.then_some(None));
            }
            Relation::Parent(_) if self.forking.is_some() => return self.death_of_forking(),
            Relation::Parent(_) => self.main,
        };
        loop {
            match self.reap()? {
                Reaped::Child(pid, ended) if main.is_none() => self.reaped.push((pid, ended)),
                Reaped::Child(pid, ended) if Some(pid) == main => self.ended = Some(ended),
                Reaped::Child(pid, ended) => self.probes.child_ended(pid, ended, self.started_at.elapsed()),
                Reaped::None => return Ok(self.ended.or(self.reaped_early()).map(Some)),
                Reaped::NoChildren => return Ok(Some(self.ended.or(self.reaped_early()))),
            }
        }
    }

    /// Somebody who has ended: a child of ours, or of the process between.
    fn reap(&self) -> io::Result<Reaped> {
        self.intermediate.as_ref().map_or_else(process::reap, Intermediate::reap)
    }

    /// How the main process ended, if that was before we knew that it is the main one.
    fn reaped_early(&self) -> Option<Ended> {
        self.reaped.iter().find(|(pid, _)| Some(*pid) == self.main).map(|(_, ended)| *ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{ProbeInputs, RunAs};

    #[test]
    fn what_the_services_own_code_says_was_made_is_not_believed() {
        let own = process::own_pid();
        let (reports, service) = fd::pipe().unwrap();
        fd::nonblocking(&reports, true).unwrap();
        let held = ProcessHandle::open(own).unwrap().unwrap();
        let identity = RunAs::Own;
        let means = ProbeInputs { socket: None, pipes: Vec::new(), identity, environment: Vec::new() };
        let probes = Probes::new(&[], means);
        let mut watch = Watch::new(probes, reports, Relation::Observer(&held), own);
        let made = |path: &str| Created { directory: false, path: path.into(), device: 1, inode: 1 };
        for report in [
            Report::Started(7),
            Report::Created(made("/run/ours")),
            Report::SetupDone,
            Report::Started(1),
            Report::Created(made("/run/docker.sock")),
        ] {
            report.send(&service).unwrap();
        }
        watch.read_reports().unwrap();
        assert_eq!((watch.main, watch.made), (Some(7), vec![made("/run/ours")]));
    }
}
