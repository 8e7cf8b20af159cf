//! Stays with the program, as process 1 of a container or below a manager that needs its child to stay: reaps
//! orphans, forwards signals, and ends with the program.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use svcadapt_spec::{Probe, Timespan};

use super::forward::{MainProcess, SignalMap, SignalMeaning, Stopping};
use super::outcome::{Outcome, StderrTail};
use super::ready_notifier::ReadyNotifier;
use super::role::Role;
use super::start::{Start, StartResources};
use super::terminate::terminate_descendants;
use super::watch::{Event, Reexec, Relation, Watch};
use super::{classic, outcome};
use crate::error::StepError;
use crate::plan::{LaunchStep, Strategy};
use crate::setup::{LauncherLock, Report};
use crate::sys::process::{Ended, Reaped, Side};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal::Signals;
use crate::sys::{descendants, fd, process, signal};

/// Starts the program as a child and stays until it ends. Returns in the child too.
pub(super) fn run<'a>(start: &Start<'a>) -> Role<'a> {
    if start.plan.has_exec() {
        signal::reset_for_set_up();
    } else {
        signal::reset_ignored(&[signal::SIGPIPE, signal::SIGXFSZ]);
    }
    let forked = || -> Result<_, StepError> {
        let signals = Signals::receive().map_err(LaunchStep::Fork.io_error())?;
        let resources = start.prepare()?;
        // On macOS only launchd adopts orphans.
        if start.plan.strategy == Strategy::Monitor && descendants::HAS_SUBREAPER {
            descendants::become_subreaper().map_err(LaunchStep::Fork.io_error())?;
        }
        let launcher_lock = start.launcher_lock()?;
        let side = process::fork().map_err(LaunchStep::Fork.io_error())?;
        Ok((signals, resources, launcher_lock, side))
    };
    match forked() {
        Err(failure) => Role::Launcher(failure.into()),
        Ok((signals, mut resources, launcher_lock, Side::Child)) => {
            signals.after_fork();
            resources.service.use_launcher_lock(launcher_lock.map(|(launcher_lock, _)| launcher_lock));
            std::mem::forget(resources.socket.take());
            resources.service.report(&Report::Started(process::own_pid()));
            Role::Service(resources.service)
        }
        Ok((
            signals,
            StartResources { probes, reports, service, socket, channel: _ },
            launcher_lock,
            Side::Parent(main),
        )) => {
            drop(service);
            let mut watch = Watch::new(probes, reports, Relation::Parent(&signals), process::own_pid());
            watch.main = Some(main);
            watch.program_reports_ready = !start.plan.has_exec();
            watch.timeout = start_timeout(start);
            let launcher_lock = watch.watch_forking(launcher_lock);
            let monitor =
                Monitor { start, signals: &signals, forward: SignalMap::of(start.plan), launcher_lock };
            let (mut main, mut made) = (MainProcess::child(main), Vec::new());
            let early = monitor.until_ready(&mut watch, &mut main);
            drop(socket);
            if matches!(early, Some(Outcome::Failed { .. } | Outcome::Interrupted(_))) {
                made = std::mem::take(&mut watch.made);
            }
            // Frees what only a start needs.
            drop(watch);
            let ended = early.map_or_else(|| monitor.until_end(&mut main), Ok);
            monitor.tidy(&main);
            start.undo_start(&made, Some(main.pid));
            Role::Launcher(ended.unwrap_or_else(|error| StepError::io(&LaunchStep::Fork, &error).into()))
        }
    }
}

/// The start timeout. By default the manager's own one applies; but a forking program whose main process is never
/// found would be awaited forever.
fn start_timeout(start: &Start<'_>) -> Option<Duration> {
    match start.spec.timeout_start {
        // Process 1 has no start timeout: its end would end the whole container.
        Some(_) if start.plan.strategy == Strategy::Init && !start.is_forking() => None,
        Some(span) => span.finite(),
        None => start.is_forking().then_some(classic::DEFAULT_START_TIMEOUT),
    }
}

struct Monitor<'a> {
    start: &'a Start<'a>,
    signals: &'a Signals,
    forward: SignalMap,
    launcher_lock: Option<LauncherLock<'a>>,
}

impl Monitor<'_> {
    /// Forwards signals until the program is ready, and reports readiness. Returns how the start ended if it did.
    fn until_ready(&self, watch: &mut Watch<'_>, main: &mut MainProcess) -> Option<Outcome> {
        let start = self.start;
        // An unknown main process cannot be signalled; all descendants can.
        let mut known = !start.is_forking();
        loop {
            let outcome = match watch.next() {
                Ok(Event::Ready) => {
                    notify_ready(start);
                    // The program may have ended already, and its end is reported only once.
                    return watch.ended().map(Outcome::Ended);
                }
                Ok(Event::Main(pid)) => {
                    known = true;
                    let held = MainProcess::descendant(pid).map_err(LaunchStep::Fork.io_error());
                    let recorded = self
                        .launcher_lock
                        .as_ref()
                        .map_or(Ok(()), |launcher_lock| watch.record_main(launcher_lock));
                    match held.and_then(|held| recorded.map(|()| held)) {
                        Ok(held) => {
                            *main = held;
                            continue;
                        }
                        Err(failure) => failure.into(),
                    }
                }
                // The program runs without having reported readiness; that is its own affair here.
                Ok(Event::PipeClosed) => return None,
                Ok(Event::Signal(number)) if known => {
                    if self.pass(main, number) == SignalMeaning::Stop {
                        watch.timeout = main.stopping.deadline().map(|deadline| deadline - watch.started_at);
                    }
                    continue;
                }
                Ok(Event::Signal(number)) if classic::is_termination_signal(number) => {
                    Outcome::Interrupted(number)
                }
                Ok(Event::Signal(_)) => continue,
                Ok(Event::Failed(failure)) => {
                    // The child exits now, which releases the lock.
                    let _ = watch.main.map(process::wait);
                    return Some(failure.into());
                }
                Ok(Event::Ended(ended)) if start.is_forking() => {
                    let ended = ended.unwrap_or(Ended::Killed(signal::SIGKILL));
                    outcome::ended_too_early(&start.name(), ended, Reexec::No, None, StderrTail::None)
                }
                Ok(Event::Ended(ended)) => {
                    return Some(Outcome::Ended(ended.unwrap_or(Ended::Killed(signal::SIGKILL))));
                }
                // The stop timeout is over.
                Ok(Event::TimedOut(_)) if main.stopping != Stopping::No => {
                    main.kill();
                    watch.timeout = None;
                    continue;
                }
                Ok(Event::TimedOut(after)) => {
                    let (timeout, missing) = (watch.timeout.unwrap_or(after), watch.missing());
                    outcome::not_in_time(&start.name(), timeout, &missing, None, StderrTail::None)
                        .with_hint(watch.hint())
                }
                Err(error) => {
                    let failure = StepError::io(&LaunchStep::Fork, &error);
                    Outcome::Failed { failure, stderr_tail: StderrTail::None, signal: None }
                }
            };
            classic::clean_up(start, watch, self.signals, &outcome);
            return Some(outcome);
        }
    }

    fn until_end(&self, main: &mut MainProcess) -> io::Result<Outcome> {
        loop {
            loop {
                match process::reap()? {
                    Reaped::Child(pid, ended) if pid == main.pid => return Ok(Outcome::Ended(ended)),
                    Reaped::Child(..) => {}
                    Reaped::None | Reaped::NoChildren => break,
                }
            }
            if let Some(held) = &main.held
                && held.has_ended()?
            {
                // It may have become a child and ended since the last child was reaped.
                return match process::wait(main.pid) {
                    Ok(ended) => Ok(Outcome::Ended(ended)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(unseen(main)),
                    Err(error) => Err(error),
                };
            }
            let left = main.stopping.deadline().map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                main.kill();
                continue;
            }
            let mut all = vec![self.signals.as_fd()];
            all.extend(main.held.as_ref().and_then(ProcessHandle::descriptor));
            let looks = main.held.as_ref().and_then(ProcessHandle::pause);
            fd::wait_readable(&all, [left, looks].into_iter().flatten().min())?;
            while let Some(number) = self.signals.next()? {
                if number != signal::SIGCHLD {
                    self.pass(main, number);
                }
            }
        }
    }

    /// Forwards a signal. A stop signal starts the stop timeout.
    fn pass(&self, main: &mut MainProcess, number: i32) -> SignalMeaning {
        main.send(self.forward.translate(number));
        let meaning = self.forward.meaning(number);
        if meaning == SignalMeaning::Stop && main.stopping == Stopping::No {
            let end = self.stop_timeout().and_then(|timeout| Instant::now().checked_add(timeout));
            main.stopping = Stopping::Until(end);
        }
        meaning
    }

    /// The stop timeout. The manager of a container has its own.
    fn stop_timeout(&self) -> Option<Duration> {
        match (self.start.plan.strategy, self.start.spec.timeout_stop) {
            (Strategy::Init, None) | (_, Some(Timespan::Infinity)) => None,
            _ => Some(classic::stop_timeout(self.start)),
        }
    }

    /// Processes that the program left behind would block its next start. With process 1 they end by themselves.
    fn tidy(&self, main: &MainProcess) {
        if self.start.plan.strategy == Strategy::Monitor {
            let left = match main.stopping {
                Stopping::Until(Some(end)) => end.saturating_duration_since(Instant::now()),
                Stopping::Killed => Duration::ZERO,
                Stopping::No | Stopping::Until(None) => classic::stop_timeout(self.start),
            };
            // Best effort: the program's own end is reported.
            let _ = terminate_descendants(self.signals, left, None, &[Some(main.pid)]);
        }
    }
}

/// The exit status of a process that was never a child is unknown: 0 after a stop, else 1.
fn unseen(main: &MainProcess) -> Outcome {
    Outcome::Ended(Ended::Exited(u8::from(main.stopping == Stopping::No)))
}

/// Best effort: a failed notification does not stop the program. Skipped if the program sends READY=1 itself.
fn notify_ready(start: &Start<'_>) {
    let itself = match start.spec.ready.as_slice() {
        [Probe::Notify] => start.spec.notification_fd.is_none(),
        // For a forking program, the fork is the sign of readiness.
        probes => probes.is_empty() && !start.is_forking(),
    };
    if !itself && let Ok(notifier) = ReadyNotifier::new(start) {
        let _ = notifier.ready().inspect_err(|error| notifier.report_unsent(error));
    }
}
