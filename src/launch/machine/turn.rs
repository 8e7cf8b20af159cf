//! One step of the machine, while it is made: the ways into each state.

use svcadapt_spec::{FailureMode, Restart, ServiceType};

use super::{Action, Phase, Request, ServiceResult, State, StopSignal, Timer};
use crate::launch::policy::{CommandKind, Policy, Sigkill};
use crate::sys::process::Ended;

/// One step, while it is made.
pub(super) struct Turn<'a> {
    pub(super) policy: &'a Policy,
    pub(super) state: State,
    pub(super) actions: Vec<Action>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(policy: &'a Policy, state: State) -> Self {
        Self { policy, state, actions: Vec::new() }
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// The first failure is the result of the whole life.
    pub(super) fn note(&mut self, result: ServiceResult) {
        if self.state.result == ServiceResult::Success {
            self.state.result = result;
        }
    }

    pub(super) fn main_ended(&mut self, ended: Ended) -> ServiceResult {
        self.state.main = false;
        // The first process of a forking program is not the main one.
        if self.state.phase != Phase::Start || self.policy.kind != ServiceType::Forking {
            self.state.exit = Some(ended);
        }
        let at = if self.state.phase == Phase::Start { self.state.at } else { 0 };
        let ignored = self.policy.is_ignored(CommandKind::Main, at);
        let result =
            if ignored || self.policy.is_clean_main(ended) { ServiceResult::Success } else { of(ended) };
        self.note(result);
        result
    }

    pub(super) fn control_ended(&mut self, ended: Ended) -> ServiceResult {
        self.state.control = false;
        let kind = kind(self.state.phase);
        let result = match ended {
            _ if self.policy.is_clean_command(ended) => ServiceResult::Success,
            // systemd.service(5), `ExecCondition=`.
            Ended::Exited(1..=254) if kind == CommandKind::Condition => ServiceResult::ExecCondition,
            _ if self.policy.is_ignored(kind, self.state.at) => ServiceResult::Success,
            _ => of(ended),
        };
        if kind != CommandKind::Reload {
            self.note(result);
        }
        result
    }

    /// Runs the next command of the phase. `false` after the last one.
    pub(super) fn next(&mut self, phase: Phase) -> bool {
        let at = self.state.at + 1;
        let kind = kind(phase);
        if at >= self.policy.count(kind) {
            return false;
        }
        if kind == CommandKind::Main {
            self.run_main(at);
        } else {
            self.run(kind, at);
        }
        true
    }

    pub(super) fn run(&mut self, kind: CommandKind, at: usize) {
        self.state.phase = match kind {
            CommandKind::Condition => Phase::Condition,
            CommandKind::StartPre => Phase::StartPre,
            CommandKind::Main => Phase::Start,
            CommandKind::StartPost => Phase::StartPost,
            CommandKind::Reload => Phase::Reload,
            CommandKind::Stop => Phase::Stop,
            CommandKind::StopPost => Phase::StopPost,
        };
        self.state.at = at;
        self.state.control = true;
        let stops = matches!(kind, CommandKind::Stop | CommandKind::StopPost);
        self.act(Action::Set(if stops { Timer::Stop } else { Timer::Start }));
        self.act(Action::Run(kind, at));
    }

    pub(super) fn run_main(&mut self, at: usize) {
        self.state.phase = Phase::Start;
        self.state.at = at;
        self.state.main = true;
        self.act(Action::Set(Timer::Start));
        self.act(Action::RunMain(at));
    }

    pub(super) fn has(&self, kind: CommandKind) -> bool {
        self.policy.count(kind) > 0
    }

    pub(super) fn begin(&mut self) {
        self.state = State { restarts: self.state.restarts, ..State::NEW };
        if self.has(CommandKind::Condition) {
            self.run(CommandKind::Condition, 0);
        } else {
            self.enter_start_pre();
        }
    }

    /// It is not started, and has ended.
    pub(super) fn refuse(&mut self, result: ServiceResult) {
        self.state = State { restarts: self.state.restarts, result, ..State::NEW };
        self.act(Action::Tidy(false));
        self.end();
    }

    pub(super) fn enter_start_pre(&mut self) {
        if self.has(CommandKind::StartPre) {
            self.run(CommandKind::StartPre, 0);
        } else {
            self.enter_start();
        }
    }

    pub(super) fn enter_start(&mut self) {
        if self.has(CommandKind::Main) {
            self.run_main(0);
        } else {
            self.enter_start_post();
        }
    }

    pub(super) fn enter_start_post(&mut self) {
        if self.has(CommandKind::StartPost) {
            self.run(CommandKind::StartPost, 0);
        } else {
            self.enter_running(ServiceResult::Success);
        }
    }

    pub(super) fn enter_running(&mut self, result: ServiceResult) {
        let starts =
            matches!(self.state.phase, Phase::Condition | Phase::StartPre | Phase::Start | Phase::StartPost);
        self.note(result);
        if starts && self.state.result == ServiceResult::Success {
            self.act(Action::Started);
        }
        if self.state.result != ServiceResult::Success {
            // `ExecStop=` is for a service that runs.
            self.enter_kill(Phase::StopSigterm, ServiceResult::Success);
        } else if self.state.main {
            self.state.phase = Phase::Running;
            self.act(Action::Set(Timer::Runtime));
        } else if self.policy.remain_after_exit {
            self.state.phase = Phase::Exited;
            self.act(Action::Set(Timer::Off));
        } else {
            self.enter_stop(ServiceResult::Success);
        }
    }

    pub(super) fn enter_reload(&mut self) {
        self.state.phase = Phase::Reload;
        if self.has(CommandKind::Reload) {
            self.act(Action::BeginReload);
            self.run(CommandKind::Reload, 0);
        } else if self.policy.has_reload_signal && self.state.main {
            self.act(Action::BeginReload);
            self.send_reload();
        } else {
            self.reloaded(false);
        }
    }

    pub(super) fn send_reload(&mut self) {
        if !self.state.main {
            return self.reloaded(false);
        }
        self.act(Action::SendReload);
        self.await_ready();
    }

    /// The commands or the signal of a reload are done. Where nothing tells its end, that was it.
    pub(super) fn await_ready(&mut self) {
        if self.policy.ready_again && self.state.main {
            self.act(Action::Set(Timer::Start));
        } else {
            // A program that has ended meanwhile is not ready again.
            self.reloaded(!self.policy.ready_again || self.policy.remain_after_exit);
        }
    }

    pub(super) fn reloaded(&mut self, succeeded: bool) {
        self.act(Action::Reloaded(succeeded));
        self.enter_running(ServiceResult::Success);
    }

    pub(super) fn asked(&mut self, request: Request, enter: impl FnOnce(&mut Self, ServiceResult)) {
        if self.state.phase == Phase::Reload {
            self.act(Action::Reloaded(false));
        }
        self.state.request = request;
        enter(self, ServiceResult::Success);
    }

    pub(super) fn enter_stop(&mut self, result: ServiceResult) {
        self.note(result);
        if self.has(CommandKind::Stop) {
            self.run(CommandKind::Stop, 0);
        } else {
            self.enter_kill(Phase::StopSigterm, ServiceResult::Success);
        }
    }

    /// Signals what is left of the service, and waits for its end.
    pub(super) fn enter_kill(&mut self, phase: Phase, result: ServiceResult) {
        self.note(result);
        if self.state.phase == Phase::Reload && phase == Phase::StopWatchdog {
            self.act(Action::Reloaded(false));
        }
        self.state.phase = phase;
        let (kill, timer) = match phase {
            Phase::StopWatchdog | Phase::FinalWatchdog => (StopSignal::Watchdog, Timer::Abort),
            Phase::StopSigkill | Phase::FinalSigkill => (StopSignal::Final, Timer::Stop),
            _ => (StopSignal::Stop, Timer::Stop),
        };
        self.act(Action::Set(timer));
        self.act(Action::Kill(kill));
    }

    pub(super) fn enter_stop_post(&mut self, result: ServiceResult) {
        self.note(result);
        if self.has(CommandKind::StopPost) {
            self.run(CommandKind::StopPost, 0);
        } else {
            self.enter_kill(Phase::FinalSigterm, ServiceResult::Success);
        }
    }

    /// SIGKILL, unless it is not to be sent (`SendSIGKILL=`).
    pub(super) fn kill_or(&mut self, phase: Phase) {
        if self.policy.sigkill != Sigkill::Never {
            self.enter_kill(phase, ServiceResult::Timeout);
        } else if phase == Phase::StopSigkill {
            self.enter_stop_post(ServiceResult::Timeout);
        } else {
            self.enter_dead(ServiceResult::Timeout);
        }
    }

    /// The start or `ExecStop=` takes too long (`TimeoutStartFailureMode=`, `TimeoutStopFailureMode=`).
    pub(super) fn fail_in_time(&mut self, mode: FailureMode) {
        match mode {
            FailureMode::Terminate => self.enter_kill(Phase::StopSigterm, ServiceResult::Timeout),
            FailureMode::Abort => self.enter_kill(Phase::StopWatchdog, ServiceResult::Timeout),
            FailureMode::Kill => self.kill_or(Phase::StopSigkill),
        }
    }

    /// `ExecStopPost=` takes too long.
    pub(super) fn stop_post_late(&mut self, mode: FailureMode) {
        match mode {
            FailureMode::Terminate => self.enter_kill(Phase::FinalSigterm, ServiceResult::Timeout),
            FailureMode::Abort => self.enter_kill(Phase::FinalWatchdog, ServiceResult::Timeout),
            FailureMode::Kill => self.kill_or(Phase::FinalSigkill),
        }
    }

    pub(super) fn enter_dead(&mut self, result: ServiceResult) {
        self.note(result);
        self.state.control = false;
        match self.state.request {
            Request::Restart => {
                self.state.phase = Phase::AutoRestart;
                self.state.request = Request::None;
                self.act(Action::Set(Timer::Off));
                self.act(Action::Tidy(true));
                self.act(Action::Attempt);
            }
            Request::None if self.restarts() => {
                self.state.phase = Phase::AutoRestart;
                self.act(Action::Tidy(true));
                self.act(Action::Set(Timer::Restart));
            }
            Request::None | Request::Stop => {
                self.act(Action::Tidy(false));
                self.end();
            }
        }
    }

    pub(super) fn end(&mut self) {
        self.state.phase = if self.state.result.is_good() { Phase::Dead } else { Phase::Failed };
        self.act(Action::Set(Timer::Off));
        self.act(Action::End);
    }

    /// Whether it is started again by itself (systemd.service(5), `Restart=`).
    pub(super) fn restarts(&self) -> bool {
        let result = self.state.result;
        match self.state.exit {
            Some(exit) if self.policy.prevent.contains(exit) => return false,
            Some(exit) if self.policy.force.contains(exit) => return true,
            Some(_) | None => {}
        }
        match self.policy.restart {
            Restart::No => false,
            Restart::Always => result != ServiceResult::ExecCondition,
            Restart::OnSuccess => result == ServiceResult::Success,
            Restart::OnFailure => !result.is_good(),
            Restart::OnAbnormal => !result.is_good() && result != ServiceResult::ExitCode,
            Restart::OnWatchdog => result == ServiceResult::Watchdog,
            Restart::OnAbort => matches!(result, ServiceResult::Signal | ServiceResult::CoreDump),
        }
    }
}

/// The result that an end gives if it is not clean.
fn of(ended: Ended) -> ServiceResult {
    match ended {
        Ended::Exited(_) => ServiceResult::ExitCode,
        Ended::Killed(_) => ServiceResult::Signal,
        Ended::Dumped(_) => ServiceResult::CoreDump,
    }
}

/// The commands that a phase runs.
fn kind(phase: Phase) -> CommandKind {
    match phase {
        Phase::Condition => CommandKind::Condition,
        Phase::StartPre => CommandKind::StartPre,
        Phase::StartPost => CommandKind::StartPost,
        Phase::Reload => CommandKind::Reload,
        Phase::Stop => CommandKind::Stop,
        Phase::StopPost => CommandKind::StopPost,
        Phase::Dead
        | Phase::Start
        | Phase::Running
        | Phase::Exited
        | Phase::StopWatchdog
        | Phase::StopSigterm
        | Phase::StopSigkill
        | Phase::FinalWatchdog
        | Phase::FinalSigterm
        | Phase::FinalSigkill
        | Phase::AutoRestart
        | Phase::Failed => CommandKind::Main,
    }
}
