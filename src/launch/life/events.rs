//! What happens during a life: signals, ends of processes, reports, notifications, requests and the clock.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use svcadapt_spec::ServiceType;

use super::acceptor::Acceptor;
use super::commands::Control;
use super::memory::OomKills;
use super::news::ended_word;
use super::requests::{Asked, Requests, Wait};
use super::state::{Life, Waiter};
use crate::launch::forward::{MainProcess, SignalMeaning};
use crate::launch::machine::{Event, Phase};
use crate::launch::outcome::Outcome;
use crate::launch::policy::CommandKind;
use crate::launch::watch::{Reexec, Watch};
use crate::launch::{classic, outcome, terminate, watch};
use crate::readiness::{LifeSign, Probes, WatchdogProbe};
use crate::setup::LauncherLock;
use crate::sys::process::{Ended, Reaped};
use crate::sys::{fd, process, signal};

impl Life<'_, '_> {
    /// Looks for events, without waiting.
    pub(super) fn look(&mut self) -> io::Result<()> {
        self.pump_log()?;
        self.look_at_memory()?;
        self.held.store.drop_ended()?;
        if self.state.phase == Phase::Start {
            self.look_at_start()?;
        } else {
            while let Some(number) = self.signals.next()? {
                self.received(number);
            }
            // What a program says before its end counts.
            self.hear()?;
            self.reap()?;
            self.probe()?;
            self.look_at_reload()?;
        }
        self.accept()?;
        self.look_at_connections();
        self.look_at_requests();
        if self.is_ending() && self.events.is_empty() && !self.awaits() {
            self.events.push_back(Event::Empty);
        }
        if self.main.is_some() && self.watchdog.is_some_and(|deadline| deadline <= Instant::now()) {
            self.watchdog = None;
            self.prober.iter_mut().for_each(WatchdogProbe::stop);
            self.events.push_back(Event::Watchdog);
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.deadline = None;
            self.events.push_back(Event::Timeout);
        }
        Ok(())
    }

    /// Watches the control group, if it has the memory controller.
    pub(super) fn watch_memory(&mut self) {
        self.memory = self.lock.as_ref().and_then(LauncherLock::control_group).and_then(OomKills::of);
    }

    /// An out-of-memory kill comes before the end that it causes, which it explains.
    pub(super) fn look_at_memory(&mut self) -> io::Result<()> {
        if let Some(memory) = &mut self.memory
            && memory.has_new()?
        {
            self.note("a process of it was killed: its control group has no memory left (OOMPolicy=)");
            self.events.push_back(Event::OutOfMemory);
        }
        Ok(())
    }

    /// Looks at a program that is not ready yet.
    pub(super) fn look_at_start(&mut self) -> io::Result<()> {
        while self.events.is_empty()
            && let Some(watch) = &mut self.watch
            && let Some(event) = watch.look()?
        {
            self.handle(event)?;
        }
        // What is done before the program is ready does not delay those that wait for it.
        if self.policy.kind != ServiceType::Oneshot && self.watch.as_ref().is_some_and(Watch::is_running) {
            self.record_child()?;
        }
        match (&mut self.upward, &self.watch, &self.notifications) {
            (Some(upward), Some(watch), _) => {
                upward.tell_start(watch.probes.notifications(), watch.started_at.elapsed());
            }
            // It is ready, which the manager learns after what was said before.
            (Some(upward), None, Some(heard)) => upward.tell_report(&heard.notifications().report),
            (Some(_), None, None) | (None, ..) => {}
        }
        self.take_stored();
        self.note_excluded();
        Ok(())
    }

    /// Stores what the program has sent for its next start. Returns whether there was anything.
    pub(super) fn take_stored(&mut self) -> bool {
        let watched = self.watch.as_mut().map(|watch| &mut watch.probes);
        let all = watched.into_iter().chain(&mut self.notifications);
        let requests: Vec<_> = all.flat_map(Probes::take_store_requests).collect();
        let any = !requests.is_empty();
        self.store(requests);
        any
    }

    pub(super) fn handle(&mut self, event: watch::StartEvent) -> io::Result<()> {
        if matches!(event, watch::StartEvent::Ended(_) | watch::StartEvent::TimedOut(_)) {
            self.drain_log()?;
        }
        let was_ready = matches!(event, watch::StartEvent::Ended(Some(ended)) if self.was_ready(ended));
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let oneshot = self.policy.kind == ServiceType::Oneshot;
        match event {
            watch::StartEvent::Ready if oneshot => watch.await_exit(),
            // A program that becomes the service in place may run without reporting readiness below a manager.
            watch::StartEvent::Ready | watch::StartEvent::PipeClosed => {
                // The program may have ended already, and its end is reported only once.
                let ended = watch.ended();
                self.ready(ended)?;
            }
            watch::StartEvent::Main(pid) => {
                self.last_main = Some(pid);
                self.main = Some(MainProcess::descendant(pid)?);
                if let Some(lock) = &self.lock
                    && let Err(failure) = watch.record_main(lock)
                {
                    self.fail(failure);
                    self.events.push_back(Event::Stop);
                }
            }
            watch::StartEvent::Failed(failure) => {
                let status = failure.status;
                self.end_of_failed_child();
                self.fail(failure);
                self.events.push_back(Event::MainEnded(Ended::Exited(status)));
            }
            // It was ready before, and its end came at the same time.
            watch::StartEvent::Ended(ended) if was_ready && !oneshot => self.ready(ended)?,
            watch::StartEvent::Ended(ended) => {
                self.main = None;
                let ended = ended.unwrap_or(Ended::Killed(signal::SIGKILL));
                self.note_early_end(ended);
                self.events.push_back(Event::MainEnded(ended));
            }
            watch::StartEvent::TimedOut(after) => {
                let timeout = watch.timeout.unwrap_or(after);
                let (missing, hint) = (watch.missing(), watch.hint());
                let status = watch.probes.notifications().report.status.clone();
                let tail = self.log.stderr_tail(&self.start.resolved.account);
                let late =
                    outcome::not_in_time(&self.start.name(), timeout, &missing, status.as_deref(), tail);
                self.fail(late.with_hint(hint));
                if let Some(watch) = &mut self.watch {
                    watch.timeout = None;
                }
                self.events.push_back(Event::Timeout);
            }
            watch::StartEvent::Signal(number) => self.received(number),
        }
        Ok(())
    }

    /// The program is ready, and may have ended already.
    fn ready(&mut self, ended: Option<Ended>) -> io::Result<()> {
        self.created.extend(self.watch.as_mut().into_iter().flat_map(|watch| watch.made.drain(..)));
        self.record_child()?;
        self.notifications = self.watch.take().map(|watch| watch.probes);
        self.events.push_back(Event::Ready);
        self.events.extend(ended.map(|ended| {
            self.main = None;
            Event::MainEnded(ended)
        }));
        Ok(())
    }

    /// Whether a program that has ended was ready. One that was killed without a failure may never have been executed.
    fn was_ready(&self, ended: Ended) -> bool {
        self.watch.as_ref().is_some_and(Watch::was_ready)
            && (matches!(ended, Ended::Exited(_)) || self.policy.is_clean_main(ended))
    }

    /// The set-up of a process failed, and it exits now, which releases what it holds.
    pub(super) fn end_of_failed_child(&mut self) {
        if let Some(main) = self.main.take() {
            let _ = process::wait(main.pid);
        }
    }

    /// Explains a program that ended before it was ready.
    pub(super) fn note_early_end(&mut self, ended: Ended) {
        let waits = matches!(self.waiter, Waiter::Launcher(_)) || self.start.is_forking();
        let finished = self.policy.kind == ServiceType::Oneshot && self.policy.is_clean_main(ended);
        if !waits || finished || self.interrupted.is_some() {
            return;
        }
        let why = self.watch.as_mut().and_then(Watch::why_it_failed);
        let tail = self.log.stderr_tail(&self.start.resolved.account);
        let early = outcome::ended_too_early(&self.start.name(), ended, Reexec::No, why, tail);
        let forked = ended == Ended::Exited(0) && !self.start.is_forking() && terminate::has_descendants(&[]);
        self.fail(if forked { early.with_hint(Some(outcome::FORKS_ITSELF)) } else { early });
    }

    /// The first failure of a start explains it.
    pub(super) fn fail(&mut self, failure: impl Into<Outcome>) {
        self.failure.get_or_insert(failure.into());
    }

    /// Reaps children that have ended.
    pub(super) fn reap(&mut self) -> io::Result<()> {
        loop {
            match process::reap()? {
                Reaped::Child(pid, ended) => self.child_ended(pid, ended),
                Reaped::None => {
                    self.has_children = true;
                    break;
                }
                Reaped::NoChildren => {
                    self.has_children = false;
                    break;
                }
            }
        }
        // A main process that is not a child, because the system has no subreaper.
        if let Some(MainProcess { pid, held: Some(held) }) = &self.main
            && held.has_ended()?
        {
            let pid = *pid;
            let ended = match process::wait(pid) {
                Ok(ended) => ended,
                // Its status is unknown: 0 after a stop, else 1.
                Err(_) => Ended::Exited(u8::from(!self.is_ending())),
            };
            self.child_ended(pid, ended);
        }
        Ok(())
    }

    pub(super) fn child_ended(&mut self, pid: i32, ended: Ended) {
        if self.main.as_ref().is_some_and(|main| main.pid == pid) {
            self.main = None;
            self.main_ended(ended);
        } else if self.control.as_ref().is_some_and(|control| control.pid() == pid)
            && let Some(mut control) = self.control.take()
        {
            let failure = control.failure();
            if let Some(failure) = failure {
                self.fail(failure);
            } else if !self.policy.is_clean_command(ended) {
                self.note_failed_command(&control, ended);
            }
            self.created.append(&mut control.take_created());
            self.events.push_back(Event::ControlEnded(ended));
        } else if self.prober.as_mut().is_some_and(|prober| prober.child_ended(pid, ended)) {
            self.heard(LifeSign::Watchdog);
        } else {
            if let Some(again) = self.ready_again() {
                again.child_ended(pid, ended);
            }
            self.connection_ended(pid);
        }
    }

    /// The main process has ended: a successor that it has named takes its place.
    pub(super) fn main_ended(&mut self, ended: Ended) {
        if self.takes_successors() && self.follow_successor() {
            return;
        }
        self.events.push_back(Event::MainEnded(ended));
    }

    /// A failed command before the program explains a failed start.
    pub(super) fn note_failed_command(&mut self, control: &Control, ended: Ended) {
        let (kind, at) = control.which();
        let starts = matches!(kind, CommandKind::StartPre | CommandKind::StartPost)
            || kind == CommandKind::Condition && !matches!(ended, Ended::Exited(1..=254));
        if starts && !self.policy.is_ignored(kind, at) {
            let _ = self.drain_log();
            let tail = self.log.stderr_tail(&self.start.resolved.account);
            self.fail(outcome::failed_command(kind.directive(), control.words(), ended, tail));
        }
    }

    pub(super) fn received(&mut self, number: i32) {
        if number == signal::SIGCHLD {
            return;
        }
        let asks = self.forward.meaning(number) == SignalMeaning::Stop
            || self.main.is_none() && classic::is_termination_signal(number);
        if asks && self.is_ending() {
            // The program has not ended by the first one.
            if let Some(main) = &self.main {
                main.send(self.forward.translate(number));
            }
        } else if asks {
            self.interrupted.get_or_insert(number);
            self.events.push_back(Event::Stop);
        } else if let Some(main) = &self.main {
            main.send(self.forward.translate(number));
        }
    }

    pub(super) fn look_at_requests(&mut self) {
        let said = self.report();
        let errors = said.map(|report| report.errors.to_word()).unwrap_or_default();
        // The last field: it has blanks.
        let text = said.and_then(|report| report.status.as_ref()).map(|text| format!(" text={text}"));
        let said = format!(" errors={errors}{}", text.unwrap_or_default());
        let reloading = self.said.reloading;
        let Some(requests) = &mut self.requests else { return };
        let (state, main, starts) = (self.state, self.last_main.filter(|_| self.main.is_some()), self.starts);
        let listens = self.held.awaits_client || self.acceptor.is_some() && self.state.phase == Phase::Exited;
        let status = || {
            let pid = main.map(|pid| format!(" pid={pid}")).unwrap_or_default();
            let phase = match state.phase {
                // It has no main process now: a client starts one.
                _ if listens => "listening",
                Phase::Running if reloading => Phase::Reload.name(),
                phase => phase.name(),
            };
            let exit = state.exit.map(|exit| format!(" exit={}", ended_word(exit))).unwrap_or_default();
            format!("phase={phase} result={} starts={starts}{pid}{exit}{said}", state.result.name())
        };
        for asked in requests.look(self.attempts, status) {
            if !matches!(asked, Asked::Status) {
                // What is asked for counts more than that it was idle.
                self.idle.reset();
            }
            match asked {
                Asked::Event(event) => self.events.push_back(event),
                Asked::StopWithin(timeout) => {
                    self.times.stop = timeout;
                    self.stop_by = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                    self.events.push_back(Event::Stop);
                }
                Asked::Signal(number) => {
                    if let Some(main) = &self.main {
                        main.send(number);
                    }
                }
                Asked::Reopen => {
                    let answer = self.reopen_log();
                    self.answer(Wait::Reopen, &answer);
                }
                Asked::Status => {}
            }
        }
    }

    pub(super) fn wait(&self) -> io::Result<()> {
        let mut all: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
        let mut pause = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let watchdog = self.watchdog.filter(|_| self.main.is_some());
        let mut sooner = |other: Option<Duration>| pause = [pause, other].into_iter().flatten().min();
        sooner(watchdog.map(|deadline| deadline.saturating_duration_since(Instant::now())));
        all.extend(self.awaited());
        if let (Some(prober), Some(_)) = (&self.prober, watchdog) {
            all.extend(prober.descriptors());
            sooner(prober.pause());
        }
        if let Some(again) = self.awaits_ready_again() {
            all.extend(again.descriptors());
            sooner(again.pause());
        }
        sooner(self.idle.pause());
        sooner(self.acceptor.as_ref().and_then(Acceptor::pause).filter(|left| !left.is_zero()));
        if let Some(watch) = &self.watch {
            all.extend(watch.descriptors());
            sooner(watch.pause());
        }
        all.extend(self.notifications.iter().flat_map(Probes::descriptors));
        all.extend(self.requests.iter().flat_map(Requests::descriptors));
        all.extend(self.memory.iter().map(AsFd::as_fd));
        all.extend(self.log_pipe.iter().map(AsFd::as_fd));
        if let Some(held) = self.main.as_ref().and_then(|main| main.held.as_ref()) {
            all.extend(held.descriptor());
            sooner(held.pause());
        }
        fd::wait(&all, &self.held.store.watched(), pause).map(drop)
    }
}
