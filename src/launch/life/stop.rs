//! Ends the processes of a service (systemd.kill(5)), and removes what belongs to it.

use std::io;

use svcadapt_spec::{KillMode, Restart};

use super::commands::Control;
use super::requests::Wait;
use super::state::{Life, Waiter};
use crate::detect::Manager;
use crate::error::StepError;
use crate::launch::machine::{Phase, Request, ServiceResult, StopSignal};
use crate::launch::outcome::{Outcome, StderrTail};
use crate::launch::policy::{KillPolicy, keeps_runtime_directory};
use crate::launch::watch::Reexec;
use crate::launch::{outcome, terminate};
use crate::plan::{LaunchStep, Strategy};
use crate::setup::{LauncherLock, Report};
use crate::sys::process::Ended;
use crate::sys::{process, signal};

impl Life<'_, '_> {
    /// Whether the end of the service is awaited.
    pub(super) fn is_ending(&self) -> bool {
        matches!(
            self.state.phase,
            Phase::StopWatchdog
                | Phase::StopSigterm
                | Phase::StopSigkill
                | Phase::FinalWatchdog
                | Phase::FinalSigterm
                | Phase::FinalSigkill
        )
    }

    /// Whether a process is left whose end is awaited (systemd.kill(5), `KillMode=`).
    pub(super) fn awaits(&self) -> bool {
        let killing = matches!(self.state.phase, Phase::StopSigkill | Phase::FinalSigkill);
        let others = match self.kill.mode {
            KillMode::None => return false,
            KillMode::ControlGroup => true,
            KillMode::Mixed => killing,
            KillMode::Process => false,
        };
        self.main.is_some() || self.control.is_some() || others && self.ends_others() && self.has_children
    }

    /// Whether the other processes of the service are ended here. With process 1 of a container they end by themselves,
    /// unless it goes on.
    pub(super) fn ends_others(&self) -> bool {
        let goes_on = self.state.request == Request::Restart
            || self.state.request == Request::None && self.policy.restart != Restart::No;
        // launchd kills the process group of a job that has ended.
        let launchd = matches!(self.start.plan.detection.manager, Manager::Launchd { .. });
        let by_host = self.start.plan.strategy == Strategy::Init || launchd;
        !by_host || goes_on || self.start.spec.kill.mode.is_some()
    }

    /// Signals the processes of the service (systemd.kill(5)).
    pub(super) fn signal(&mut self, kill: StopSignal) -> io::Result<()> {
        let signals = signals(&self.kill, kill, self.state.request);
        let number = signals[0];
        if self.kill.mode == KillMode::None {
            return Ok(());
        }
        // The first process of a forking program has been reaped, and its main one was not found yet.
        if self.main.as_ref().is_some_and(|main| main.held.is_none() && !process::is_child(main.pid)) {
            self.main = None;
        }
        if let Some(group) = self.lock.as_ref().and_then(LauncherLock::control_group) {
            // A process that was frozen with the group would not act on the signal.
            let _ = group.freeze(false);
        }
        let control = self.control.as_ref().map(Control::pid);
        if self.main.is_some() {
            self.last_signal = Some(number);
        }
        for number in &signals {
            if let Some(main) = &self.main {
                main.send(*number);
            }
            if let Some(control) = control {
                let _ = signal::send(control, *number);
            }
        }
        let group = self.kill.mode == KillMode::ControlGroup;
        let others = group || self.kill.mode == KillMode::Mixed && kill == StopSignal::Final;
        if others && self.ends_others() {
            // Also after its end the last main process tells its process group, for where there is no /proc.
            let known: Vec<i32> = self.last_main.into_iter().chain(control).collect();
            if number == signal::SIGKILL {
                let mut ended = Vec::new();
                let mut received = Vec::new();
                let group = self.lock.as_ref().and_then(LauncherLock::control_group);
                terminate::kill_descendants(self.signals, &known, &mut ended, &mut received, group)?;
                for number in received {
                    self.received(number);
                }
                for (pid, ended) in ended {
                    self.child_ended(pid, ended);
                }
            } else {
                terminate::signal_descendants(&signals, &known)?;
            }
        }
        self.reap()
    }

    /// Removes what belongs to one start.
    pub(super) fn tidy(&mut self, restarts: bool) {
        // Of a start that has failed; a later one that fails too removes it.
        self.created.extend(self.watch.take().into_iter().flat_map(|watch| watch.made));
        self.tidy_store(restarts);
        self.notifications = None;
        if let Some(mut prober) = self.prober.take() {
            prober.stop();
        }
        self.socket = None;
        // The next start gets the same sockets; their files stay.
        let keeps = keeps_runtime_directory(self.start.spec, restarts)
            || restarts && self.start.listens_in_runtime_directory();
        self.start.tidy(self.last_main, keeps);
        if let Some(lock) = self.lock.as_mut().filter(|_| restarts) {
            lock.restarts();
            if let Err(failure) = lock.record_monitor() {
                self.note(&failure.to_string());
            }
        }
    }

    /// The service has ended for good.
    pub(super) fn end(&mut self) -> Outcome {
        self.close_log();
        let good = self.state.result.is_good() || self.interrupted.is_some() && self.started;
        // What a failed start has created is removed.
        let created = if self.started || good { Vec::new() } else { std::mem::take(&mut self.created) };
        self.start.undo_start(&created, self.last_main);
        self.close_sockets();
        if self.state.result == ServiceResult::StartLimitHit {
            self.explain_start_limit();
        }
        self.name_followers();
        let outcome = match (self.failure.take(), self.state.exit, self.interrupted) {
            (Some(failure), ..) if !good => failure,
            (_, Some(exit), _) => Outcome::Ended(exit),
            (_, None, Some(number)) => Outcome::Interrupted(number),
            (_, None, None) if good => Outcome::Ended(Ended::Exited(0)),
            (_, None, None) => outcome::failed(&self.start.name(), self.state.result.name()),
        };
        let failed = format!("failed {}", self.state.result.name());
        self.answer(Wait::Reload, &failed);
        if let Some(requests) = &mut self.requests {
            requests.answer_restart(u32::MAX, &failed);
        }
        self.answer(Wait::Stop, &format!("ok {}", self.last_signal.unwrap_or(0)));
        if let (Waiter::Launcher(pipe), false) = (&self.waiter, self.started) {
            let early = |ended| {
                outcome::ended_too_early(&self.start.name(), ended, Reexec::No, None, StderrTail::None)
            };
            let told = match &outcome {
                Outcome::Ended(ended) if !good => &early(*ended),
                other => other,
            };
            // A launcher that was killed does not wait any more.
            let _ = match told {
                Outcome::Failed { failure, signal, .. } => {
                    let killed = signal.map_or(Ok(()), |number| Report::KilledBy(number).send(pipe));
                    killed.and_then(|()| Report::Failed(failure.clone()).send(pipe))
                }
                Outcome::Ended(_) | Outcome::Ready | Outcome::Skipped(_) | Outcome::Interrupted(_) => {
                    Report::Ready.send(pipe)
                }
            };
        }
        outcome
    }

    /// One line about the units that systemd would start now (systemd.unit(5), `OnFailure=`).
    fn name_followers(&mut self) {
        let restarts = &self.start.spec.restarts;
        let (directive, units) = match self.state.result.is_good() {
            true if self.started => ("OnSuccess", &restarts.on_success),
            true => return,
            false => ("OnFailure", &restarts.on_failure),
        };
        if !units.is_empty() {
            let result = self.state.result.name();
            self.note(&format!("ended ({result}): {directive}= has not started {}", units.join(" ")));
        }
    }

    /// The last failure explains the end; the limit is named beside it.
    pub(super) fn explain_start_limit(&mut self) {
        let hit = outcome::start_limit_hit(&self.start.name(), &self.limiter.text());
        match &mut self.failure {
            Some(Outcome::Failed { failure, .. }) if !self.started => failure.hint = Some(hit.cause),
            _ => self.note(&hit.to_string()),
        }
    }

    /// The loop itself cannot go on.
    pub(super) fn give_up(&mut self, error: &io::Error) -> Outcome {
        let mut rest = (Vec::new(), Vec::new());
        let _ = {
            let group = self.lock.as_ref().and_then(LauncherLock::control_group);
            terminate::kill_descendants(self.signals, &[], &mut rest.0, &mut rest.1, group)
        };
        self.start.undo_start(&self.created, self.last_main);
        self.waiter.fail(StepError::io(&LaunchStep::Fork, error))
    }
}

/// The signals that a process gets, in order. The first one asks for its end.
pub(super) fn signals(policy: &KillPolicy, kill: StopSignal, request: Request) -> Vec<i32> {
    let first = match kill {
        StopSignal::Stop if request == Request::Restart => policy.restart,
        StopSignal::Stop => policy.stop,
        StopSignal::Watchdog => policy.watchdog,
        StopSignal::Final => policy.last,
    };
    let mut all = vec![first];
    if policy.send_sighup && kill == StopSignal::Stop {
        all.push(signal::SIGHUP);
    }
    // A suspended process would not act on the signal.
    all.push(signal::SIGCONT);
    all
}
