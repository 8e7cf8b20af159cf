//! The life of a service, as a pure machine: the states of systemd's services and their order (systemd.service(5)).
//!
//! [`step`] is the whole of it: one total match from a state and an event to the next state and what has to be done. It
//! reads no clock and calls no kernel; the loop of [`super::life`] performs the actions and reports their results as
//! events. `tests/golden/machine.txt` has the table.

mod memory;
mod phase;
mod result;
mod turn;

pub(super) use phase::Phase;
pub(super) use result::ServiceResult;
use svcadapt_spec::{FailureMode, ServiceType};
use turn::Turn;

use super::policy::{CommandKind, Policy, Sigkill};
use crate::sys::process::Ended;

/// What a person asked for, while it is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    None,
    Stop,
    Restart,
}

/// The state of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) result: ServiceResult,
    /// Whether the main process is alive.
    pub(super) main: bool,
    /// Whether a command of the service runs beside it.
    pub(super) control: bool,
    /// The position of the command that runs, in its list; in [`Phase::Start`] that of the program.
    pub(super) at: usize,
    /// How the main process ended.
    pub(super) exit: Option<Ended>,
    pub(super) request: Request,
    /// How often it was restarted by itself.
    pub(super) restarts: u32,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Start it: its conditions hold and the start limit is not reached.
    Start,
    /// Do not start it: it was started too often (`StartLimitBurst=`).
    StartLimit,
    /// Do not start it: a condition is not met.
    Skipped,
    /// Do not start it: an assertion is not met.
    AssertFailed,
    /// The program is ready; in a reload: ready again.
    Ready,
    /// The main process has ended.
    MainEnded(Ended),
    /// The command that runs has ended.
    ControlEnded(Ended),
    /// No process is left that is waited for.
    Empty,
    /// The time that was set is over.
    Timeout,
    /// The program has not reported to the watchdog in time.
    Watchdog,
    /// The kernel has killed a process of the service for lack of memory.
    OutOfMemory,
    /// The program has announced its end (`STOPPING=1`).
    Stopping,
    /// A person asks for its end.
    Stop,
    /// A person asks for a restart.
    Restart,
    /// A person asks for a reload.
    Reload,
}

/// Which signal the processes of the service get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopSignal {
    /// `KillSignal=`, or `RestartKillSignal=`.
    Stop,
    /// `WatchdogSignal=`.
    Watchdog,
    /// `FinalKillSignal=`.
    Final,
}

/// A time that is set. Setting one replaces the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    Off,
    /// `TimeoutStartSec=`.
    Start,
    /// `TimeoutStopSec=`.
    Stop,
    /// `TimeoutAbortSec=`.
    Abort,
    /// `RuntimeMaxSec=`, with a random part of `RuntimeRandomizedExtraSec=`.
    Runtime,
    /// `RestartSec=`, grown by `RestartSteps=`.
    Restart,
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Run a command of the service.
    Run(CommandKind, usize),
    /// Start the program, or the next one of a oneshot service.
    RunMain(usize),
    /// Signal the processes of the service. The answer is [`Event::Empty`] where no process is left to wait for.
    Kill(StopSignal),
    /// Kill the command that runs.
    KillControl,
    /// A reload begins.
    BeginReload,
    /// Send the reload signal to the main process.
    SendReload,
    Set(Timer),
    /// Report that the start has succeeded.
    Started,
    /// Report the end of a reload. `true`: it succeeded.
    Reloaded(bool),
    /// Remove the runtime directory and the pid file. `true`: it is started again.
    Tidy(bool),
    /// Start it again if its conditions and the start limit allow: the answer is [`Event::Start`] or
    /// what forbids it.
    Attempt,
    /// It has ended for good.
    End,
}

impl State {
    /// A service that was not started.
    pub(super) const NEW: Self = Self {
        phase: Phase::Dead,
        result: ServiceResult::Success,
        main: false,
        control: false,
        at: 0,
        exit: None,
        request: Request::None,
        restarts: 0,
    };
}

/// The next state, and what has to be done, in order.
#[expect(
    clippy::too_many_lines,
    reason = "the table in one piece: every state with every event, without a wildcard"
)]
#[expect(clippy::match_same_arms, reason = "equal steps of different states are separate")]
pub(super) fn step(policy: &Policy, state: State, event: Event) -> (State, Vec<Action>) {
    use Event as E;
    use Phase as P;
    let mut turn = Turn::new(policy, state);
    match (state.phase, event) {
        (P::Dead | P::Failed | P::AutoRestart, E::Start) => turn.begin(),
        (P::Dead | P::Failed | P::AutoRestart, E::StartLimit) => {
            turn.state.result = ServiceResult::StartLimitHit;
            turn.end();
        }
        (P::Dead | P::Failed | P::AutoRestart, E::Skipped) => turn.refuse(ServiceResult::Condition),
        (P::Dead | P::Failed | P::AutoRestart, E::AssertFailed) => turn.refuse(ServiceResult::Assert),
        (P::AutoRestart, E::Timeout) => {
            turn.state.restarts = state.restarts.saturating_add(1);
            turn.act(Action::Attempt);
        }
        (P::AutoRestart, E::Stop) => turn.end(),
        (P::AutoRestart, E::Restart) => turn.act(Action::Attempt),

        // The commands before the program.
        (P::Condition | P::StartPre, E::ControlEnded(ended)) => {
            let result = turn.control_ended(ended);
            match (state.phase, result) {
                (_, ServiceResult::Success) if turn.next(state.phase) => {}
                (P::Condition, ServiceResult::Success) => turn.enter_start_pre(),
                (_, ServiceResult::Success) => turn.enter_start(),
                (_, failure) => turn.enter_kill(P::StopSigterm, failure),
            }
        }

        // The program.
        (P::Start, E::MainEnded(ended)) => {
            let result = turn.main_ended(ended);
            match (policy.kind, result) {
                (ServiceType::Oneshot, ServiceResult::Success) if turn.next(P::Start) => {}
                (ServiceType::Oneshot, ServiceResult::Success) => turn.enter_start_post(),
                // It was not ready, and never will be.
                (_, ServiceResult::Success) => turn.enter_kill(P::StopSigterm, ServiceResult::Protocol),
                (_, failure) => turn.enter_kill(P::StopSigterm, failure),
            }
        }
        (P::Start, E::Ready) if policy.kind != ServiceType::Oneshot => turn.enter_start_post(),
        (P::StartPost, E::ControlEnded(ended)) => match turn.control_ended(ended) {
            ServiceResult::Success if turn.next(P::StartPost) => {}
            ServiceResult::Success => turn.enter_running(ServiceResult::Success),
            failure => turn.enter_kill(P::StopSigterm, failure),
        },
        // The command decides.
        (P::StartPost | P::Stop, E::MainEnded(ended)) => {
            turn.main_ended(ended);
        }
        (P::Condition | P::StartPre | P::Start | P::StartPost, E::Timeout) => {
            turn.fail_in_time(policy.start_failure);
        }

        // It runs.
        (P::Running, E::MainEnded(ended)) => {
            let result = turn.main_ended(ended);
            turn.enter_running(result);
        }
        (P::Running, E::Timeout) => turn.enter_stop(ServiceResult::Timeout),
        (P::Running, E::Stopping) => {
            turn.state.phase = P::StopSigterm;
            turn.act(Action::Set(Timer::Stop));
        }
        (P::Running | P::Exited, E::Stop) => turn.asked(Request::Stop, Turn::enter_stop),
        (P::Running | P::Exited, E::Restart) => turn.asked(Request::Restart, Turn::enter_stop),
        (P::Running | P::Exited, E::Reload) => turn.enter_reload(),
        (P::Start | P::StartPost | P::Running | P::Reload, E::Watchdog) => {
            turn.enter_kill(P::StopWatchdog, ServiceResult::Watchdog);
        }

        // A reload.
        (P::Reload, E::ControlEnded(ended)) => {
            let result = turn.control_ended(ended);
            if result == ServiceResult::Success && turn.next(P::Reload) {
            } else if result == ServiceResult::Success && policy.kind == ServiceType::NotifyReload {
                turn.send_reload();
            } else if result == ServiceResult::Success {
                turn.await_ready();
            } else {
                turn.reloaded(false);
            }
        }
        (P::Reload, E::Ready) if !state.control => turn.reloaded(true),
        (P::Reload, E::MainEnded(ended)) => {
            let result = turn.main_ended(ended);
            if !state.control {
                turn.act(Action::Reloaded(false));
                turn.enter_running(result);
            }
        }
        (P::Reload, E::Timeout) => {
            if state.control {
                turn.act(Action::KillControl);
                turn.state.control = false;
            }
            turn.reloaded(false);
        }

        // A request while something runs.
        (P::Condition | P::StartPre | P::Start | P::StartPost | P::Reload, E::Stop) => {
            turn.asked(Request::Stop, |turn, result| turn.enter_kill(P::StopSigterm, result));
        }
        (P::Condition | P::StartPre | P::Start | P::StartPost | P::Reload, E::Restart) => {
            turn.asked(Request::Restart, |turn, result| turn.enter_kill(P::StopSigterm, result));
        }
        (
            P::Stop
            | P::StopWatchdog
            | P::StopSigterm
            | P::StopSigkill
            | P::StopPost
            | P::FinalWatchdog
            | P::FinalSigterm
            | P::FinalSigkill,
            E::Stop,
        ) => turn.state.request = Request::Stop,
        (
            P::Stop
            | P::StopWatchdog
            | P::StopSigterm
            | P::StopSigkill
            | P::StopPost
            | P::FinalWatchdog
            | P::FinalSigterm
            | P::FinalSigkill,
            E::Restart,
        ) => {
            if state.request == Request::None {
                turn.state.request = Request::Restart;
            }
        }

        // The stop.
        (P::Stop, E::ControlEnded(ended)) => match turn.control_ended(ended) {
            ServiceResult::Success if turn.next(P::Stop) => {}
            result => turn.enter_kill(P::StopSigterm, result),
        },
        (P::Stop, E::Timeout) => turn.fail_in_time(policy.stop_failure),
        (P::StopWatchdog | P::StopSigterm | P::StopSigkill, E::MainEnded(ended)) => {
            let result = turn.main_ended(ended);
            if !state.control {
                turn.enter_stop_post(result);
            }
        }
        (P::StopWatchdog | P::StopSigterm | P::StopSigkill, E::ControlEnded(_)) => {
            turn.state.control = false;
            if !state.main {
                turn.enter_stop_post(ServiceResult::Success);
            }
        }
        (P::StopWatchdog | P::StopSigterm, E::Empty) if policy.sigkill == Sigkill::Always => {
            turn.enter_kill(P::StopSigkill, ServiceResult::Success);
        }
        (P::StopWatchdog | P::StopSigterm | P::StopSigkill, E::Empty) => {
            turn.enter_stop_post(ServiceResult::Success);
        }
        (P::StopWatchdog, E::Timeout) => turn.kill_or(P::StopSigkill),
        (P::StopSigterm, E::Timeout) if policy.stop_failure == FailureMode::Abort => {
            turn.enter_kill(P::StopWatchdog, ServiceResult::Timeout);
        }
        (P::StopSigterm, E::Timeout) => turn.kill_or(P::StopSigkill),
        // A process that survives SIGKILL hangs in the kernel.
        (P::StopSigkill, E::Timeout) => turn.enter_stop_post(ServiceResult::Timeout),

        // After the end.
        (P::StopPost, E::ControlEnded(ended)) => match turn.control_ended(ended) {
            ServiceResult::Success if turn.next(P::StopPost) => {}
            result => turn.enter_kill(P::FinalSigterm, result),
        },
        (P::StopPost, E::Timeout) => turn.stop_post_late(policy.stop_failure),
        (P::StopPost, E::MainEnded(ended)) => {
            turn.main_ended(ended);
        }
        (P::FinalWatchdog | P::FinalSigterm | P::FinalSigkill, E::MainEnded(ended)) => {
            turn.main_ended(ended);
        }
        (P::FinalWatchdog | P::FinalSigterm | P::FinalSigkill, E::ControlEnded(_)) => {
            turn.state.control = false;
        }
        (P::FinalWatchdog | P::FinalSigterm, E::Empty) if policy.sigkill == Sigkill::Always => {
            turn.enter_kill(P::FinalSigkill, ServiceResult::Success);
        }
        (P::FinalWatchdog | P::FinalSigterm | P::FinalSigkill, E::Empty) => {
            turn.enter_dead(ServiceResult::Success);
        }
        (P::FinalWatchdog, E::Timeout) => turn.kill_or(P::FinalSigkill),
        (P::FinalSigterm, E::Timeout) if policy.stop_failure == FailureMode::Abort => {
            turn.enter_kill(P::FinalWatchdog, ServiceResult::Timeout);
        }
        (P::FinalSigterm, E::Timeout) => turn.kill_or(P::FinalSigkill),
        (P::FinalSigkill, E::Timeout) => turn.enter_dead(ServiceResult::Timeout),

        (_, E::OutOfMemory) => turn.out_of_memory(),

        // What says nothing new in this state.
        (P::Dead | P::Failed, E::Stop | E::Restart | E::Timeout)
        | (P::Dead | P::Failed | P::AutoRestart, E::MainEnded(_) | E::ControlEnded(_))
        | (P::Condition | P::StartPre | P::Exited, E::MainEnded(_))
        | (P::Start | P::Running | P::Exited, E::ControlEnded(_))
        | (P::Exited, E::Timeout) => {}
        (
            P::Condition
            | P::StartPre
            | P::Start
            | P::StartPost
            | P::Running
            | P::Exited
            | P::Reload
            | P::Stop
            | P::StopWatchdog
            | P::StopSigterm
            | P::StopSigkill
            | P::StopPost
            | P::FinalWatchdog
            | P::FinalSigterm
            | P::FinalSigkill,
            E::Start | E::StartLimit | E::Skipped | E::AssertFailed,
        ) => {}
        (
            P::Dead
            | P::Failed
            | P::AutoRestart
            | P::Condition
            | P::StartPre
            | P::Start
            | P::StartPost
            | P::Reload
            | P::Stop
            | P::StopWatchdog
            | P::StopSigterm
            | P::StopSigkill
            | P::StopPost
            | P::FinalWatchdog
            | P::FinalSigterm
            | P::FinalSigkill,
            E::Reload,
        ) => turn.act(Action::Reloaded(false)),
        (
            P::Dead
            | P::Condition
            | P::StartPre
            | P::Start
            | P::StartPost
            | P::Running
            | P::Exited
            | P::Reload
            | P::Stop
            | P::StopWatchdog
            | P::StopSigterm
            | P::StopSigkill
            | P::StopPost
            | P::FinalWatchdog
            | P::FinalSigterm
            | P::FinalSigkill
            | P::AutoRestart
            | P::Failed,
            E::Ready | E::Watchdog | E::Stopping,
        )
        | (
            P::Dead
            | P::Condition
            | P::StartPre
            | P::Start
            | P::StartPost
            | P::Running
            | P::Exited
            | P::Reload
            | P::Stop
            | P::StopPost
            | P::AutoRestart
            | P::Failed,
            E::Empty,
        ) => {}
    }
    (turn.state, turn.actions)
}

#[cfg(test)]
mod tests;
