//! Waits for the result of a start: one loop over reports, signals, readiness probes and the clock.

mod forking;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

pub(super) use forking::Forking;

use super::intermediate::Intermediate;
use super::start::Progress;
use crate::error::StepError;
use crate::readiness::{Probes, ProcessTree};
use crate::setup::{Created, Report, Reports};
use crate::sys::process::{Ended, Reaped};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal::SignalReader;
use crate::sys::{escape_control, fd, process, signal};

/// How long a program that has closed the report pipe may take to exit: its destructors run first, and its exit
/// status explains more.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// How often a person is shown that the start goes on.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The number of reads from the report pipe before other events are handled: a service's own code may write to it
/// endlessly.
const MAX_READS: usize = 64;

/// A start in progress.
pub(super) struct Watch<'a> {
    pub(super) probes: Probes,
    pub(super) reports: Option<OwnedFd>,
    pub(super) relation: ProcessRelation<'a>,
    /// The common ancestor of all processes of the service.
    pub(super) root: i32,
    /// The first process that was started; its pid is the number of the session that it created.
    pub(super) first: Option<i32>,
    /// The process that becomes the program. `None` until it is known.
    pub(super) main: Option<i32>,
    /// The files and directories created so far.
    pub(super) made: Vec<Created>,
    pub(super) timeout: Option<Duration>,
    /// When the start began.
    pub(super) started_at: Instant,
    /// Whether the program becomes the service in place and reports readiness over the pipe.
    pub(super) program_reports_ready: bool,
    /// The session of the main process when it was recorded.
    pub(super) recorded: Option<i32>,
    /// Whether it is re-executed.
    pub(super) reexec: Reexec,
    /// The daemon's parent, if that is not this process.
    pub(super) intermediate: Option<Intermediate>,
    /// The status text that it reported.
    pub(super) status: Option<String>,
    /// The reason that it reported for its failure.
    pub(super) failure_reason: Option<String>,
    /// The signal that has ended the program, by the word of its monitor.
    pub(super) killed_by: Option<i32>,
    /// The start timeout that it requested, counted from the beginning.
    extended: Duration,
    /// The state of a forking program. `None` for others.
    pub(super) forking: Option<Forking>,
    /// What shows a person that the start goes on.
    pub(super) progress: Progress<'a>,
    reader: Reports,
    /// Whether the service's own code may write reports.
    setup_done: bool,
    stage: Stage,
    /// Children that were reaped before the main process was known.
    reaped: Vec<(i32, Ended)>,
    ended: Option<Ended>,
}

/// How far the process that becomes the program has come, according to its reports.
enum Stage {
    SettingUp,
    /// It is about to exec; the end of the pipe confirms that.
    Executing,
    Executed,
    /// It has reported readiness.
    Ready,
    /// It closed the pipe without that at this time: it is about to exit, or will never be ready.
    PipeClosed(Instant),
    /// It is ready, and its end is awaited.
    AwaitingExit,
    Failed(StepError),
}

/// Whether a program that becomes the service in place is re-executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reexec {
    /// It is not.
    No,
    /// It is, and has not reached `Daemon::enter` again.
    Pending,
    /// It has reached `Daemon::enter` again.
    Done,
}

/// The relation of this process to the service's processes.
pub(super) enum ProcessRelation<'a> {
    /// They are, or become, its children.
    Parent(&'a SignalReader),
    /// They are not; this is a handle of the main one.
    Observer(&'a ProcessHandle),
}

/// The next event of a start.
pub(super) enum StartEvent {
    /// All probes hold.
    Ready,
    /// The main process of a forking program was found, or replaced by another one.
    Main(i32),
    /// A step failed.
    Failed(StepError),
    /// The program ended. The status is `None` if it cannot be known.
    Ended(Option<Ended>),
    /// The start timeout is over.
    TimedOut(Duration),
    /// The program can no longer report readiness, and does not exit.
    PipeClosed,
    /// A signal other than SIGCHLD arrived.
    Signal(i32),
}

impl<'a> Watch<'a> {
    pub(super) fn new(probes: Probes, reports: OwnedFd, relation: ProcessRelation<'a>, root: i32) -> Self {
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
            recorded: None,
            reexec: Reexec::No,
            intermediate: None,
            status: None,
            failure_reason: None,
            killed_by: None,
            extended: Duration::ZERO,
            forking: None,
            progress: None,
            reader: Reports::default(),
            setup_done: false,
            stage: Stage::SettingUp,
            reaped: Vec::new(),
            ended: None,
        }
    }

    /// The program's exit status, if it has ended and this process is its parent.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.or(self.reaped_early())
    }

    /// From now on only the program's end is awaited.
    pub(super) fn await_exit(&mut self) {
        self.stage = Stage::AwaitingExit;
    }

    /// Waits for the next event.
    pub(super) fn next(&mut self) -> io::Result<StartEvent> {
        loop {
            if let Some(event) = self.look()? {
                return Ok(event);
            }
            let mut pause = self.pause();
            if let Some(progress) = self.progress {
                let reported = self.probes.notifications().report.status.as_deref();
                progress(reported.or(self.status.as_deref()));
                pause = Some(pause.map_or(PROGRESS_INTERVAL, |pause| pause.min(PROGRESS_INTERVAL)));
            }
            fd::wait_readable(&self.descriptors(), pause)?;
        }
    }

    /// The next event, if it has happened already.
    pub(super) fn look(&mut self) -> io::Result<Option<StartEvent>> {
        if let Some(signal) = self.signals()? {
            return Ok(Some(StartEvent::Signal(signal)));
        }
        if let Some(failed) = self.reported_failure()? {
            return Ok(Some(failed));
        }
        if let Some(main) = self.find_main()? {
            return Ok(Some(StartEvent::Main(main)));
        }
        let elapsed = self.started_at.elapsed();
        if self.is_done() && !self.exiting() {
            return Ok(Some(StartEvent::Ready));
        }
        self.check_probes(elapsed)?;
        if let Some(ended) = self.reap_ended()? {
            // Reports written before its end may have arrived since the last read.
            if let Some(failed) = self.reported_failure()? {
                return Ok(Some(failed));
            }
            self.check_probes(elapsed)?;
            let ended = ended.or(self.reaped_early());
            // The process exits only after a report, so it was the program that ended.
            let executed =
                self.forking.is_none() && self.is_done() && matches!(ended, Some(Ended::Exited(_)));
            return Ok(Some(if executed { StartEvent::Ready } else { StartEvent::Ended(ended) }));
        }
        // Without probes the program is about to exit here, and its exit status decides.
        if self.is_running() && !self.probes.is_empty() && self.probes.all_met() {
            return Ok(Some(StartEvent::Ready));
        }
        if self.grace_left().is_some_and(|left| left.is_zero()) {
            return Ok(Some(StartEvent::PipeClosed));
        }
        let late = self.timeout_left(elapsed).is_some_and(|left| left.is_zero());
        Ok(late.then_some(StartEvent::TimedOut(elapsed)))
    }

    /// Why the program failed, in its own words.
    pub(super) fn why_it_failed(&mut self) -> Option<String> {
        self.failure_reason.take().or_else(|| self.probes.notifications().report.errors.reason())
    }

    /// Reads the reports. Returns the failure if one was reported.
    fn reported_failure(&mut self) -> io::Result<Option<StartEvent>> {
        self.read_reports()?;
        Ok(match &self.stage {
            Stage::Failed(failure) => Some(StartEvent::Failed(failure.clone())),
            _ => None,
        })
    }

    /// Whether readiness was reported; without probes the exec is enough.
    fn is_done(&self) -> bool {
        let done = matches!(self.stage, Stage::Ready) || (self.is_running() && self.probes.is_empty());
        done && self.main.is_some()
    }

    /// Whether the program was executed and all probes held, of a program that has ended.
    pub(super) fn was_ready(&self) -> bool {
        self.is_running() && self.main.is_some() && (self.probes.is_empty() || self.probes.all_met())
    }

    /// Whether the program runs in its final process.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Executed) && self.forking.as_ref().is_none_or(Forking::found_main)
    }

    /// The rest of the time that a program may take to exit after it closed the pipe.
    fn grace_left(&self) -> Option<Duration> {
        match self.stage {
            Stage::PipeClosed(since) => Some(EXIT_GRACE.saturating_sub(since.elapsed())),
            _ => None,
        }
    }

    /// Whether the main process is exiting. The pipe also closes if the process was killed before the exec; the exit
    /// status decides.
    fn exiting(&self) -> bool {
        self.main.is_some_and(|main| match process::is_exiting(main) {
            Ok(exiting) => exiting,
            // It was reaped by its parent already, or /proc hides it (hidepid=, proc(5)).
            Err(_) => ProcessHandle::open(main)
                .is_ok_and(|held| held.is_none_or(|held| held.has_ended().unwrap_or(true))),
        })
    }

    fn check_probes(&mut self, elapsed: Duration) -> io::Result<()> {
        match self.tree() {
            Some(tree) if self.is_running() => self.probes.look(tree, elapsed),
            _ => Ok(()),
        }
    }

    /// The processes of the service, once its main one is known.
    fn tree(&self) -> Option<ProcessTree> {
        self.main.map(|main| ProcessTree { main, root: self.root, control: None })
    }

    /// The program may extend its start timeout (EXTEND_TIMEOUT_USEC, sd_notify(3)).
    fn timeout_left(&self, elapsed: Duration) -> Option<Duration> {
        let extended = self.extended.max(self.probes.notifications().extended.unwrap_or_default());
        let timeout = self.timeout?.max(extended);
        Some(timeout.saturating_sub(elapsed))
    }

    /// The process handles that are looked at in intervals where the kernel has no descriptor for them.
    fn handles(&self) -> impl Iterator<Item = &ProcessHandle> {
        let found = self.forking.as_ref().and_then(Forking::main);
        let observed = match self.relation {
            ProcessRelation::Parent(_) => None,
            ProcessRelation::Observer(main) => Some(main),
        };
        [found, observed].into_iter().flatten()
    }

    /// The longest time until the next look. `None`: every event has a descriptor.
    pub(super) fn pause(&self) -> Option<Duration> {
        let elapsed = self.started_at.elapsed();
        let pause = match (&self.stage, &self.forking) {
            (Stage::Executed, Some(forking)) if !forking.found_main() => forking.pause(elapsed),
            (Stage::Executed, _) => self.probes.pause(elapsed),
            _ => None,
        };
        let looks = self.handles().filter_map(ProcessHandle::pause).min();
        [pause, looks, self.grace_left(), self.timeout_left(elapsed)].into_iter().flatten().min()
    }

    /// The descriptors that become readable on an event.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all: Vec<BorrowedFd<'_>> = self.probes.descriptors();
        all.extend(self.reports.as_ref().map(AsFd::as_fd));
        all.extend(self.handles().filter_map(ProcessHandle::descriptor));
        all.extend(
            self.intermediate.as_ref().filter(|intermediate| intermediate.is_there()).map(AsFd::as_fd),
        );
        if let ProcessRelation::Parent(signals) = self.relation {
            all.push(signals.as_fd());
        }
        all
    }

    fn signals(&mut self) -> io::Result<Option<i32>> {
        let ProcessRelation::Parent(signals) = self.relation else { return Ok(None) };
        while let Some(signal) = signals.next()? {
            if signal != signal::SIGCHLD {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }

    /// Reads the new reports.
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
                    // After `SetupDone` the service's own code may write to this pipe: reports that would make root
                    // delete files, trust a pid or print a message of its own are ignored.
                    Report::Started(_) | Report::Created(_) | Report::Failed(_) | Report::Executing
                        if self.setup_done => {}
                    Report::Started(pid) => self.main = Some(pid),
                    Report::Created(made) => self.made.push(made),
                    Report::SetupDone => self.setup_done = true,
                    Report::KilledBy(number) => {
                        self.killed_by = Some(number).filter(|number| (1..=64).contains(number));
                    }
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

    /// Reaps children that have ended. Returns the end of the main process, or of a process that never reported its
    /// pid.
    #[allow(clippy::option_option, reason = "the inner one says that a death was seen, but not how")]
    fn reap_ended(&mut self) -> io::Result<Option<Option<Ended>>> {
        let main = match self.relation {
            ProcessRelation::Observer(main) => {
                // The only children of a helper are probe commands.
                while let Reaped::Child(pid, ended) = process::reap()? {
                    self.probes.child_ended(pid, ended, self.started_at.elapsed());
                }
                return Ok(main.has_ended()?.then_some(None));
            }
            ProcessRelation::Parent(_) if self.forking.is_some() => return self.death_of_forking(),
            ProcessRelation::Parent(_) => self.main,
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

    /// Reaps an ended child of this process or of the intermediate one.
    fn reap(&self) -> io::Result<Reaped> {
        self.intermediate.as_ref().map_or_else(process::reap, Intermediate::reap)
    }

    /// The main process's exit status, if it was reaped before it was known to be the main one.
    fn reaped_early(&self) -> Option<Ended> {
        self.reaped.iter().find(|(pid, _)| Some(*pid) == self.main).map(|(_, ended)| *ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::CreatedKind;

    #[test]
    fn what_the_services_own_code_says_was_made_is_not_believed() {
        let own = process::own_pid();
        let (reports, service) = fd::pipe().unwrap();
        fd::nonblocking(&reports, true).unwrap();
        let held = ProcessHandle::open(own).unwrap().unwrap();
        let mut watch = Watch::new(Probes::of_socket(None), reports, ProcessRelation::Observer(&held), own);
        let made = |path: &str| Created { kind: CreatedKind::File, path: path.into(), device: 1, inode: 1 };
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
