//! A service with which no process stays: it is stopped and reloaded from its stored spec, in the process that was asked
//! for it.
//!
//! The same machine decides as with a monitor. It begins where the service runs; the main process is not a child of this
//! process and is held by a handle, and what belongs to the service is proved process by process ([`Tree`]). Where the
//! spec says no `KillMode=`, the main process is signalled first, and then what it has left behind.

mod reload;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

pub use reload::ReloadFailure;
use svcadapt_spec::{KillMode, Scope, ServiceSpec, Timespan};

use super::commands::Control;
use super::stop::signals;
use crate::detect::{Detection, Manager, Mode};
use crate::error::StepError;
use crate::launch::machine::{Action, Event, Phase, ServiceResult, State, StopSignal, Timer, step};
use crate::launch::outcome;
use crate::launch::policy::{CommandKind, DefaultTimes, KillPolicy, Policy, Times, keeps_runtime_directory};
use crate::launch::reload::ReadyAgain;
use crate::launch::start::Start;
use crate::plan::{Account, ControlGroup, Plan, Resolution, StartedBy, Strategy};
use crate::registry::{Record, Termination, Tree};
use crate::sys::process::{Ended, Reaped};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, process, signal};
use crate::{detect, setup};

/// How long a process may take to end after SIGKILL. One that takes longer hangs in the kernel.
pub const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two looks at processes that have no descriptor here, before and after SIGKILL.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const KILL_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running service with which no process stays.
#[derive(Debug)]
pub struct Unattended<'a> {
    pub spec: &'a ServiceSpec,
    pub lock: Option<&'a Path>,
    pub record: &'a Record,
    /// A handle of its main process.
    pub main: &'a ProcessHandle,
}

/// Why it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopPurpose {
    /// It is to stay stopped.
    Stop,
    /// It is started again (`RestartKillSignal=`, `RuntimeDirectoryPreserve=restart`).
    Restart,
}

/// What a stop has done.
#[derive(Debug)]
pub struct StopReport {
    /// The last signal that the main process was sent. `None`: `ExecStop=` has ended it.
    pub signal: Option<i32>,
    /// How long its main process took to end. `None` if it has not ended.
    pub after: Option<Duration>,
    /// The number of other processes that had to be signalled after its end.
    pub others: usize,
    /// The others that have not ended, and the process groups whose members are not visible.
    pub left: (Vec<i32>, Vec<i32>),
    /// The first failure of `ExecStop=`.
    pub failure: Option<StepError>,
}

impl Unattended<'_> {
    /// Stops it. `timeout` replaces `TimeoutStopSec=`.
    pub fn stop(&self, purpose: StopPurpose, timeout: Option<Timespan>) -> io::Result<StopReport> {
        let event = match purpose {
            StopPurpose::Stop => Event::Stop,
            StopPurpose::Restart => Event::Restart,
        };
        self.with_start(|start| {
            let tree = Tree::of_running(self.lock, self.record, self.main)?;
            let mut life = RunningLife::new(self, start, &tree);
            if let Some(timeout) = timeout {
                life.times.stop = timeout.finite();
            }
            life.run(event)?;
            let left = life.others.left()?;
            Ok(StopReport {
                signal: life.last_signal,
                after: life.main_ended.map(|at| at.duration_since(life.began)),
                others: life.signalled,
                left: if life.ends_others() { left } else { Default::default() },
                failure: life.failure,
            })
        })
    }

    /// Reloads it by `ExecReload=` or its reload signal, and waits until its probes hold again.
    pub fn reload(&self) -> io::Result<Result<(), ReloadFailure>> {
        self.with_start(|start| {
            let tree = Tree::of_running(self.lock, self.record, self.main)?;
            let mut life = RunningLife::new(self, start, &tree);
            life.run(Event::Reload)?;
            Ok(life.reload_result())
        })
    }

    /// What the commands need of the start. Their own programs are looked up for each.
    fn with_start<T>(&self, then: impl FnOnce(&Start<'_>) -> io::Result<T>) -> io::Result<T> {
        let inherited = detect::variables();
        let caller = setup::caller(&inherited);
        let scope = if caller.is_root() { Scope::System } else { Scope::User };
        let detection =
            Detection { mode: Mode::Classic, manager: Manager::None, scope, evidence: Vec::new() };
        let resolved = Resolution {
            credentials: None,
            account: Account { uid: self.record.user, ..Account::default() },
            caller,
            program: self.record.program.clone(),
            inherited,
            from_files: Vec::new(),
            socket_owner: (None, None),
            lock: self.lock.map(Path::to_owned),
            own_log: None,
            control_group: self
                .record
                .open_control_group()
                .map(|group| ControlGroup::existing(group.path().to_owned())),
            notes: Vec::new(),
        };
        let started_by = StartedBy::of(&detection);
        let plan = Plan { strategy: Strategy::Daemonize, detection, started_by, steps: Vec::new() };
        then(&Start::new(self.spec, &plan, &resolved))
    }
}

/// Its life from now on.
struct RunningLife<'a> {
    service: &'a Unattended<'a>,
    start: &'a Start<'a>,
    policy: Policy,
    times: Times,
    kill: KillPolicy,
    state: State,
    events: VecDeque<Event>,
    deadline: Option<Instant>,
    /// The deadline of the stop signal.
    stop_end: Option<Instant>,
    began: Instant,
    main_ended: Option<Instant>,
    control: Option<(Control, Option<ProcessHandle>)>,
    others: Termination<'a, Tree<'a>>,
    signalled: usize,
    last_signal: Option<i32>,
    failure: Option<StepError>,
    /// What is awaited of a reload.
    again: Option<ReadyAgain>,
    reloaded: bool,
    over: bool,
}

impl<'a> RunningLife<'a> {
    fn new(service: &'a Unattended<'a>, start: &'a Start<'a>, tree: &'a Tree<'a>) -> Self {
        Self {
            service,
            start,
            policy: Policy::of(service.spec),
            times: Times::of(service.spec, DefaultTimes::Systemd),
            kill: KillPolicy::of(service.spec),
            state: State { phase: Phase::Running, main: true, ..State::NEW },
            events: VecDeque::new(),
            deadline: None,
            stop_end: None,
            began: Instant::now(),
            main_ended: None,
            control: None,
            others: Termination::new(tree),
            signalled: 0,
            last_signal: None,
            failure: None,
            again: None,
            reloaded: false,
            over: false,
        }
    }

    fn run(&mut self, event: Event) -> io::Result<()> {
        self.events.push_back(event);
        loop {
            while let Some(event) = self.events.pop_front() {
                let (next, actions) = step(&self.policy, self.state, event);
                self.state = next;
                for action in actions {
                    self.perform(action)?;
                    if self.over {
                        return Ok(());
                    }
                }
            }
            self.look()?;
            if self.events.is_empty() {
                self.wait()?;
            }
        }
    }

    fn perform(&mut self, action: Action) -> io::Result<()> {
        match action {
            Action::Run(kind, at) => self.run_command(kind, at),
            Action::Kill(kill) => self.signal(kill)?,
            Action::KillControl => {
                if let Some((control, _)) = self.control.take() {
                    let _ = signal::send(control.pid(), signal::SIGKILL);
                    let _ = process::wait(control.pid());
                }
            }
            Action::BeginReload => self.begin_reload(),
            Action::SendReload => self.send_reload()?,
            Action::Set(timer) => self.set(timer),
            Action::Reloaded(done) => (self.reloaded, self.over) = (done, true),
            Action::Tidy(restarts) => {
                if self.main_ended.is_some() {
                    let keeps = keeps_runtime_directory(self.start.spec, restarts);
                    self.start.tidy(Some(self.service.record.pid), keeps);
                }
            }
            // What starts it again is the caller's.
            Action::Attempt | Action::End => self.over = true,
            Action::RunMain(_) | Action::Started => {}
        }
        Ok(())
    }

    fn run_command(&mut self, kind: CommandKind, at: usize) {
        let Some(command) = kind.of(self.start.spec).get(at) else { return };
        let mut variables = Vec::new();
        if self.main_ended.is_none() {
            variables.push(("MAINPID", self.service.record.pid.to_string()));
        }
        if kind == CommandKind::Stop {
            variables.push(("SERVICE_RESULT", ServiceResult::Success.name().to_owned()));
        }
        let spawned = match commands_need_one_thread(kind.directive()) {
            Some(failure) => Err(failure),
            None => Control::spawn(self.start, kind, at, command, &variables, None),
        };
        match spawned {
            Ok(control) => {
                // Without a handle the end is polled.
                let held = ProcessHandle::open(control.pid()).ok().flatten();
                self.control = Some((control, held));
            }
            Err(failure) => {
                self.events.push_back(Event::ControlEnded(Ended::Exited(failure.status)));
                self.failure.get_or_insert(failure);
            }
        }
    }

    fn control_ended(&mut self, mut control: Control, ended: Ended) {
        let (kind, at) = control.which();
        let failure = control.failure().or_else(|| {
            let fails = !self.policy.is_clean_command(ended) && !self.policy.is_ignored(kind, at);
            fails.then(|| outcome::command_failure(kind.directive(), control.words(), ended))
        });
        self.failure = self.failure.take().or(failure);
        self.events.push_back(Event::ControlEnded(ended));
    }

    fn set(&mut self, timer: Timer) {
        let after = match timer {
            Timer::Stop if self.is_killing() => Some(KILL_TIMEOUT),
            // What is signalled after the main process has the rest of its time.
            Timer::Stop
                if self.state.phase == Phase::FinalSigterm && self.service.spec.kill.mode.is_none() =>
            {
                return self.deadline = self.stop_end;
            }
            Timer::Stop => self.times.stop,
            Timer::Abort => self.times.abort,
            Timer::Start => self.times.start,
            Timer::Off | Timer::Runtime | Timer::Restart => None,
        };
        // Beyond the clock's range: no deadline.
        self.deadline = after.and_then(|after| Instant::now().checked_add(after));
        if self.state.phase == Phase::StopSigterm {
            self.stop_end = self.deadline;
        }
    }

    fn is_killing(&self) -> bool {
        matches!(self.state.phase, Phase::StopSigkill | Phase::FinalSigkill)
    }

    fn is_ending(&self) -> bool {
        let phase = self.state.phase;
        self.is_killing()
            || matches!(
                phase,
                Phase::StopWatchdog | Phase::StopSigterm | Phase::FinalWatchdog | Phase::FinalSigterm
            )
    }

    /// Whether processes beside the main one are ended at all.
    fn ends_others(&self) -> bool {
        !matches!(self.service.spec.kill.mode, Some(KillMode::Process | KillMode::None))
    }

    /// Whether they are ended in this state.
    fn reaches_others(&self) -> bool {
        let last =
            matches!(self.state.phase, Phase::FinalWatchdog | Phase::FinalSigterm | Phase::FinalSigkill);
        match self.service.spec.kill.mode {
            None => last,
            Some(KillMode::ControlGroup) => true,
            Some(KillMode::Mixed) => self.is_killing(),
            Some(KillMode::Process | KillMode::None) => false,
        }
    }

    /// Signals the processes of the service (systemd.kill(5)).
    fn signal(&mut self, kill: StopSignal) -> io::Result<()> {
        let numbers = signals(&self.kill, kill, self.state.request);
        if self.kill.mode == KillMode::None {
            return Ok(());
        }
        if self.main_ended.is_none() {
            self.last_signal = numbers.first().copied();
            for number in &numbers {
                self.service.main.send(*number)?;
            }
        }
        if let Some((control, _)) = &self.control {
            // It leads a session of its own.
            for number in &numbers {
                let group = signal::send_to_group(control.pid(), *number);
                let _ = group.or_else(|_| signal::send(control.pid(), *number));
            }
        }
        if !self.reaches_others() {
            // The main process may wait for a suspended one.
            return self.others.wake();
        }
        if self.main_ended.is_some() {
            self.signalled = self.signalled.max(self.others.rest()?.0.len());
        }
        if numbers.contains(&signal::SIGKILL) {
            let now = Some(Instant::now());
            self.others.run(now, KILL_TIMEOUT, None, &mut || Ok(true)).map(drop)
        } else {
            self.others.signal(&numbers, &[])
        }
    }

    /// Whether a process is left whose end is awaited.
    fn awaits(&mut self) -> io::Result<bool> {
        let own = self.main_ended.is_none() || self.control.is_some();
        if self.kill.mode == KillMode::None {
            // systemd does not wait; but an `ExecStop=` that has asked for the end may have returned before it.
            return Ok(own && self.state.phase == Phase::StopSigterm);
        }
        if !self.reaches_others() {
            return Ok(own);
        }
        let others = !self.others.is_over()?;
        if !self.is_killing() {
            // Those that have appeared since.
            let numbers = signals(&self.kill, StopSignal::Stop, self.state.request);
            self.others.ask(&numbers);
        }
        Ok(own || others)
    }

    fn look(&mut self) -> io::Result<()> {
        if self.main_ended.is_none() && self.service.main.has_ended()? {
            self.main_ended = Some(Instant::now());
            // It is not a child of this process: its status is not known, and its end was asked for.
            self.events.push_back(Event::MainEnded(Ended::Exited(0)));
        }
        if let Some((control, held)) = self.control.take() {
            match process::reap_one(control.pid())? {
                Reaped::Child(_, ended) => self.control_ended(control, ended),
                Reaped::None => self.control = Some((control, held)),
                // Another part of this program has reaped it.
                Reaped::NoChildren => self.control_ended(control, Ended::Exited(0)),
            }
        }
        self.look_at_reload()?;
        if self.is_ending() && self.events.is_empty() && !self.awaits()? {
            self.events.push_back(Event::Empty);
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.deadline = None;
            self.events.push_back(Event::Timeout);
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<()> {
        let control = self.control.as_ref().map(|(_, held)| held.as_ref());
        let held: Vec<&ProcessHandle> = [Some(self.service.main).filter(|_| self.main_ended.is_none())]
            .into_iter()
            .chain([control.flatten()])
            .flatten()
            .collect();
        let mut descriptors: Vec<BorrowedFd<'_>> = held.iter().filter_map(|held| held.descriptor()).collect();
        let poll = if self.is_killing() { KILL_POLL_INTERVAL } else { POLL_INTERVAL };
        let polls = self.is_ending() && self.reaches_others() || control.is_some_and(|held| held.is_none());
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let again = self.again.as_ref().filter(|_| self.control.is_none());
        let pauses = held.iter().filter_map(|held| held.pause()).chain(again.and_then(ReadyAgain::pause));
        let pause = pauses.chain(left).chain(polls.then_some(poll)).min();
        descriptors.extend(again.into_iter().flat_map(ReadyAgain::descriptors));
        descriptors.extend(self.others.descriptors());
        fd::wait_readable(&descriptors, pause).map(drop)
    }
}

/// A process with several threads must not fork for this step (fork(2)).
fn commands_need_one_thread(stage: &str) -> Option<StepError> {
    match process::threads() {
        Ok(count @ 2..) => {
            let cause = format!("this process has {count} threads, so it starts no command (fork(2))");
            Some(StepError::new(stage, cause).status(1))
        }
        _ => None,
    }
}
