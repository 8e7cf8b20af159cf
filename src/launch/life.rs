//! The loop of a service's life: it feeds the machine with events, and performs what the machine says.
//!
//! One poll(2) waits for signals, children, reports, notifications, requests and the next deadline; without an event
//! nothing wakes it. The process is a subreaper (prctl(2)) where the system has that, so every process of the service
//! becomes its child at the latest when its own parent ends, and waitpid(2) tells when none is left.

mod acceptor;
mod commands;
mod connections;
mod events;
mod give;
mod handoff;
mod hear;
mod held;
mod idle;
mod image;
mod inherited;
mod log;
mod memory;
mod news;
mod on_demand;
mod pause_all;
mod program;
mod reload;
mod requests;
mod socket_commands;
mod start_limit;
mod state;
mod stop;
mod store;
mod successor;
mod unattended;
mod upward;
mod watcher;

use std::io;
use std::time::{Duration, Instant};

use commands::Control;
pub(super) use image::resume;
use requests::{Requests, Wait};
pub(super) use state::Waiter;
use state::{Life, Over, Said};
use svcadapt_spec::Probe;
pub use unattended::{KILL_TIMEOUT, ReloadFailure, StopPurpose, Unattended};

use super::conditions;
use super::machine::{Action, Event, Phase, Timer, step};
use super::policy::CommandKind;
use super::ready_notifier::ReadyNotifier;
use super::role::Role;
use super::start::Start;
use crate::conditions::Verdict;
use crate::error::{StepError, tell};
use crate::plan::{LaunchStep, Strategy};
use crate::setup;
use crate::setup::Report;
use crate::sys::process::Ended;
use crate::sys::signal::SignalReader;
use crate::sys::{descendants, error_text, fd, is_exhaustion, signal};

/// The pause before something is tried again for which no descriptor or no memory was left.
const RETRY: Duration = Duration::from_millis(100);

/// Lives with the service until it has ended for good. Returns also in a process that becomes the service in place.
pub(super) fn run<'a>(start: &Start<'a>, waiter: Waiter) -> Role<'a> {
    if start.plan.has_exec() {
        signal::reset_for_set_up();
    } else {
        signal::reset_ignored(&[signal::SIGPIPE, signal::SIGXFSZ]);
    }
    let begun = || -> Result<_, StepError> {
        let signals = SignalReader::receive().map_err(LaunchStep::Fork.io_error())?;
        // On macOS only launchd adopts orphans; process 1 does so anyway.
        if start.plan.strategy != Strategy::Init && descendants::HAS_SUBREAPER {
            descendants::become_subreaper().map_err(LaunchStep::Fork.io_error())?;
        }
        let lock = start.lock()?;
        // Those of a service whose monitor was killed.
        start.remove_credentials();
        Ok((signals, lock))
    };
    let (signals, lock) = match begun() {
        Ok(begun) => begun,
        Err(failure) => {
            start.undo_start(&[], None);
            return Role::Launcher(waiter.fail(failure));
        }
    };
    let mut life = Life::new(start, waiter, &signals, lock);
    if let Err(failure) = life.open_sockets() {
        start.undo_start(&life.created, None);
        return Role::Launcher(life.waiter.fail(failure));
    }
    let ended = life.run();
    match ended {
        Ok(Over::Ended(outcome)) => Role::Launcher(outcome),
        Ok(Over::Service(service)) => {
            life.leave_to_parent();
            drop(life);
            signals.after_fork();
            Role::Service(*service)
        }
        Err(error) => Role::Launcher(life.give_up(&error)),
    }
}

impl<'a> Life<'a, '_> {
    fn run(&mut self) -> io::Result<Over<'a>> {
        if let Err(failure) = self.open_log() {
            let created = std::mem::take(&mut self.created);
            self.start.undo_start(&created, None);
            return Ok(Over::Ended(self.waiter.fail(failure)));
        }
        self.listen();
        self.watch_memory();
        if self.starts_on_demand() {
            self.wait_for_client();
            self.tell_started()?;
        } else {
            self.attempt();
        }
        self.go_on()
    }

    fn go_on(&mut self) -> io::Result<Over<'a>> {
        loop {
            while let Some(event) = self.events.pop_front() {
                let (next, actions) = step(&self.policy, self.state, event);
                self.state = next;
                for action in actions {
                    while let Err(error) = self.perform(action) {
                        self.wait_for_resources(error)?;
                    }
                    if let Some(over) = self.over.take() {
                        return Ok(over);
                    }
                }
            }
            if let Err(error) = self.look() {
                self.wait_for_resources(error)?;
            }
            if self.events.is_empty() {
                self.shrink();
                self.wait()?;
            }
        }
    }

    /// A service that was started goes on: descriptors or memory are free again later.
    fn wait_for_resources(&mut self, error: io::Error) -> io::Result<()> {
        if !self.started || !is_exhaustion(&error) {
            return Err(error);
        }
        // A client may have the descriptor that is missing.
        self.look_at_requests();
        self.requests.iter_mut().for_each(Requests::leave_clients);
        fd::wait_readable(&[], Some(RETRY)).map(drop)
    }

    /// Opens the control socket of a service that can be found by its lock.
    fn listen(&mut self) {
        let Some(path) = self.lock.as_ref().and(self.start.resolved.lock.as_deref()) else { return };
        match Requests::listen(path) {
            Ok(requests) => self.requests = Some(requests),
            // The service runs all the same; `stop` works by a signal.
            Err(error) => self.note(&format!("no control socket: {}", error_text(&error))),
        }
    }

    fn answer(&mut self, waits: Wait, text: &str) {
        if let Some(requests) = &mut self.requests {
            requests.answer(waits, text);
        }
    }

    fn perform(&mut self, action: Action) -> io::Result<()> {
        match action {
            Action::Run(kind, at) => self.run_command(kind, at),
            Action::RunMain(at) => self.run_main(at),
            Action::Kill(kill) => self.signal(kill)?,
            Action::KillControl => {
                if let Some(control) = self.control.take() {
                    let _ = signal::send(control.pid(), signal::SIGKILL);
                }
            }
            Action::BeginReload => self.begin_reload(),
            Action::SendReload => {
                if let (Some(main), Some(reload)) = (&self.main, self.kill.reload) {
                    main.send(reload);
                    self.reload_signalled(reload);
                }
            }
            Action::Set(timer) => self.set(timer),
            Action::Started => {
                self.set_watchdog();
                self.prober = self.said.watchdog.and_then(|time| self.start.watchdog_probe(time));
                self.tell_started()?;
            }
            Action::Reloaded(done) => self.end_reload(done),
            Action::Tidy(restarts) => self.tidy(restarts),
            Action::Attempt => self.attempt(),
            Action::End if self.is_wanted_again() => self.wait_for_client(),
            Action::End => self.over = Some(Over::Ended(self.end())),
        }
        Ok(())
    }

    /// Starts the service if the start limit and its conditions allow. Those of the first start are checked before.
    fn attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        if !self.limiter.allows(Instant::now()) {
            return self.events.push_back(Event::StartLimit);
        }
        if self.state.phase == Phase::AutoRestart {
            match conditions::verdict(self.start) {
                Verdict::Met => {}
                Verdict::Skipped(condition) => {
                    tell(&conditions::not_started(self.start, &condition).to_string());
                    return self.events.push_back(Event::Skipped);
                }
                Verdict::Failed(assertion) => {
                    let failure = conditions::not_started(self.start, &assertion);
                    self.failure = Some(failure.into());
                    return self.events.push_back(Event::AssertFailed);
                }
            }
        }
        self.held.awaits_client = false;
        self.failure = None;
        self.watch = None;
        self.notifications = None;
        self.socket = None;
        self.began = Instant::now();
        self.shrinks = true;
        (self.watchdog, self.runtime_end, self.prober) = (None, None, None);
        self.said = Said { watchdog: self.times.watchdog, reloading: false };
        self.invocation = commands::new_invocation();
        self.events.push_back(Event::Start);
    }

    fn run_command(&mut self, kind: CommandKind, at: usize) {
        let Some(command) = kind.of(self.start.spec).get(at) else { return };
        let variables = self.variables(kind);
        match Control::spawn(self.start, kind, at, command, &variables, self.log_pipe.as_ref()) {
            Ok(control) => self.control = Some(control),
            Err(failure) => {
                let status = failure.status;
                self.fail(failure);
                self.events.push_back(Event::ControlEnded(Ended::Exited(status)));
            }
        }
    }

    /// The variables of a command (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
    fn variables(&self, kind: CommandKind) -> Vec<(&'static str, String)> {
        let mut all = vec![("INVOCATION_ID", self.invocation.clone())];
        all.extend(self.main.as_ref().map(|main| ("MAINPID", main.pid.to_string())));
        if matches!(kind, CommandKind::Stop | CommandKind::StopPost) {
            all.push(("SERVICE_RESULT", self.state.result.name().to_owned()));
            if let Some(exit) = self.state.exit {
                let (code, status) = match exit {
                    Ended::Exited(status) => ("exited", status.to_string()),
                    Ended::Killed(number) => ("killed", short_name(number)),
                    Ended::Dumped(number) => ("dumped", short_name(number)),
                };
                all.extend([("EXIT_CODE", code.to_owned()), ("EXIT_STATUS", status)]);
            }
        }
        all
    }

    /// The rest of the time that the service may run; a reload does not prolong it.
    fn runtime_left(&mut self) -> Duration {
        let longest = || {
            let extra = commands::random(self.times.runtime_extra);
            Instant::now().checked_add(self.times.runtime.unwrap_or_default().saturating_add(extra))
        };
        let end = self.runtime_end.or_else(longest);
        self.runtime_end = end;
        end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// The program has as much time again.
    fn set_watchdog(&mut self) {
        self.watchdog = self.said.watchdog.and_then(|time| Instant::now().checked_add(time));
    }

    fn set(&mut self, timer: Timer) {
        let after = match timer {
            Timer::Off => None,
            Timer::Start => self.times.start,
            Timer::Stop => self.times.stop,
            Timer::Abort => self.times.abort,
            Timer::Runtime => self.times.runtime.map(|_| self.runtime_left()),
            Timer::Restart => Some(self.times.restart_delay(self.state.restarts)),
        };
        // Beyond the clock's range: no deadline.
        self.deadline = after.and_then(|after| Instant::now().checked_add(after));
    }

    fn tell_started(&mut self) -> io::Result<()> {
        if let Some(requests) = &mut self.requests {
            requests.answer_restart(self.attempts, "ok");
        }
        if self.started {
            return Ok(());
        }
        self.started = true;
        // It belongs to the service now.
        self.created.clear();
        match &self.waiter {
            Waiter::Manager => notify_ready(self.start),
            Waiter::Launcher(pipe) => {
                // A launcher that was killed does not wait any more.
                let _ = Report::Ready.send(pipe);
                self.start.leave_streams()?;
            }
        }
        Ok(())
    }

    /// In the process that becomes the service: what stays is the parent's.
    fn leave_to_parent(&mut self) {
        self.requests.as_mut().map(Requests::leave_to_parent);
        std::mem::forget(self.socket.take());
    }

    /// One line on standard error; of a daemon, which has started, in its log.
    fn note(&mut self, text: &str) {
        let line = format!("{}: {text}", self.start.name());
        if self.started && self.start.plan.strategy == Strategy::DaemonMonitor {
            let spec = self.start.spec;
            match &mut self.log_pipe {
                Some(pipe) if setup::errors_follow_output(spec) => pipe.say(&line),
                _ => drop(setup::write_own_line(spec, &self.start.resolved.account, &line)),
            }
        }
        tell(&line);
    }
}

/// The name of a signal as systemd passes it: `TERM`.
fn short_name(number: i32) -> String {
    signal::name(number).trim_start_matches("SIG").to_owned()
}

/// Best effort: a failed notification does not stop the program. Skipped if the program sends READY=1 itself.
fn notify_ready(start: &Start<'_>) {
    if !notifies_itself(start)
        && let Ok(notifier) = ReadyNotifier::new(start)
    {
        let _ = notifier.ready().inspect_err(|error| notifier.report_unsent(error));
    }
}

/// Whether the manager hears the program.
fn notifies_itself(start: &Start<'_>) -> bool {
    match start.spec.ready.as_slice() {
        // What it sends here, it sends to this process.
        _ if start.plan.has(&LaunchStep::NotifySocket) => false,
        [Probe::Notify] => start.spec.notification_fd.is_none(),
        // For a forking program, the fork is the sign of readiness.
        probes => probes.is_empty() && !start.is_forking(),
    }
}
