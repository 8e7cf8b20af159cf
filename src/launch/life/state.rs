//! What a life keeps in mind.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Instant;

use super::commands::Control;
use super::requests::Requests;
use super::start_limit::StartLimiter;
use crate::error::StepError;
use crate::launch::forward::{MainProcess, SignalMap};
use crate::launch::machine::{Event, State};
use crate::launch::outcome::Outcome;
use crate::launch::policy::{DefaultTimes, KillPolicy, Policy, Times};
use crate::launch::start::{SocketFile, Start};
use crate::launch::stderr_log::StderrLog;
use crate::launch::watch::Watch;
use crate::plan::Strategy;
use crate::readiness::Probes;
use crate::setup::{Created, LauncherLock, Report, ServiceProcess};
use crate::sys::signal::Signals;

/// A service, as the process that stays with it sees it.
pub(super) struct Life<'a, 's> {
    pub(super) start: &'s Start<'a>,
    pub(super) waiter: Waiter,
    pub(super) signals: &'s Signals,
    pub(super) forward: SignalMap,
    pub(super) lock: Option<LauncherLock<'a>>,
    pub(super) policy: Policy,
    pub(super) times: Times,
    pub(super) kill: KillPolicy,
    pub(super) limiter: StartLimiter,
    pub(super) log: StderrLog,

    pub(super) state: State,
    pub(super) events: VecDeque<Event>,
    pub(super) deadline: Option<Instant>,
    /// When the service has run long enough (`RuntimeMaxSec=`).
    pub(super) runtime_end: Option<Instant>,
    /// When the program must have reported to the watchdog (`WatchdogSec=`).
    pub(super) watchdog: Option<Instant>,
    /// The main process, while it is alive.
    pub(super) main: Option<MainProcess>,
    /// The last main process.
    pub(super) last_main: Option<i32>,
    /// The start of the program.
    pub(super) watch: Option<Watch<'s>>,
    /// What the program says after its start.
    pub(super) notifications: Option<Probes>,
    /// When the start began.
    pub(super) began: Instant,
    /// The file of its notify socket.
    pub(super) socket: Option<SocketFile>,
    /// The command that runs beside the program.
    pub(super) control: Option<Control>,
    /// The requests of people.
    pub(super) requests: Option<Requests>,
    /// Whether the small image may take over.
    pub(super) shrinks: bool,
    /// The memory file of the small image.
    pub(super) constants: Option<OwnedFd>,
    /// Whether this process has children.
    pub(super) has_children: bool,
    /// What the current start has created.
    pub(super) created: Vec<Created>,
    /// The identifier of the current start ($INVOCATION_ID, systemd.exec(5)).
    pub(super) invocation: String,
    /// Why the current start has failed.
    pub(super) failure: Option<Outcome>,
    /// Whether a start has succeeded.
    pub(super) started: bool,
    /// How often the program was started.
    pub(super) starts: u32,
    /// The last signal that the main process was sent to end it.
    pub(super) last_signal: Option<i32>,
    /// The signal that asked for the end.
    pub(super) interrupted: Option<i32>,
    pub(super) over: Option<Over<'a>>,
}

/// Who waits for the result of the start.
#[derive(Debug)]
pub(in crate::launch) enum Waiter {
    /// The manager that started this process.
    Manager,
    /// The launcher, at the other end of this pipe.
    Launcher(OwnedFd),
}

/// How the loop ends in this process.
pub(super) enum Over<'a> {
    /// The service has ended for good.
    Ended(Outcome),
    /// This is the process that becomes the service in place.
    Service(Box<ServiceProcess<'a>>),
}

impl<'a, 's> Life<'a, 's> {
    pub(super) fn new(
        start: &'s Start<'a>,
        waiter: Waiter,
        signals: &'s Signals,
        lock: Option<LauncherLock<'a>>,
    ) -> Self {
        let spec = start.spec;
        let default = match start.plan.strategy {
            Strategy::Init => DefaultTimes::Container,
            Strategy::Monitor => DefaultTimes::Manager,
            Strategy::Daemonize | Strategy::DaemonMonitor | Strategy::Exec | Strategy::ReportMainPid => {
                DefaultTimes::Systemd
            }
        };
        let times = Times::of(spec, default);
        Self {
            start,
            waiter,
            signals,
            forward: SignalMap::of(start.plan),
            lock,
            policy: Policy::of(spec),
            limiter: StartLimiter::new(times.limit),
            times,
            kill: KillPolicy::of(spec),
            log: StderrLog::new(start),
            state: State::NEW,
            events: VecDeque::new(),
            deadline: None,
            runtime_end: None,
            watchdog: None,
            main: None,
            last_main: None,
            watch: None,
            notifications: None,
            began: Instant::now(),
            socket: None,
            control: None,
            requests: None,
            shrinks: true,
            constants: None,
            has_children: false,
            created: Vec::new(),
            invocation: String::new(),
            failure: None,
            started: false,
            starts: 0,
            last_signal: None,
            interrupted: None,
            over: None,
        }
    }
}

impl Waiter {
    /// Reports a start that could not even begin.
    pub(super) fn fail(&self, failure: StepError) -> Outcome {
        if let Self::Launcher(pipe) = self {
            // A launcher that was killed does not wait any more.
            let _ = Report::Failed(failure.clone()).send(pipe);
        }
        failure.into()
    }
}
