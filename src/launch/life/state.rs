//! What a life keeps in mind.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::acceptor::Acceptor;
use super::commands::Control;
use super::held::Held;
use super::idle::Idleness;
use super::memory::OomKills;
use super::reload::Reload;
use super::requests::Requests;
use super::start_limit::StartLimiter;
use super::upward::Upward;
use crate::error::StepError;
use crate::launch::forward::{MainProcess, SignalMap};
use crate::launch::machine::{Event, State};
use crate::launch::outcome::Outcome;
use crate::launch::policy::{DefaultTimes, KillPolicy, Policy, Times};
use crate::launch::start::{SocketFile, Start};
use crate::launch::stderr_log::StderrLog;
use crate::launch::watch::Watch;
use crate::logs::LogPipe;
use crate::plan::Strategy;
use crate::readiness::{Probes, WatchdogProbe};
use crate::setup::{Created, LauncherLock, Report, ServiceProcess};
use crate::sys::signal::SignalReader;

/// A service, as the process that stays with it sees it.
pub(super) struct Life<'a, 's> {
    pub(super) start: &'s Start<'a>,
    pub(super) waiter: Waiter,
    pub(super) signals: &'s SignalReader,
    pub(super) forward: SignalMap,
    pub(super) lock: Option<LauncherLock<'a>>,
    pub(super) policy: Policy,
    pub(super) times: Times,
    pub(super) kill: KillPolicy,
    pub(super) limiter: StartLimiter,
    /// Whether the program has connections (`--idle-exit`).
    pub(super) idle: Idleness,
    pub(super) log: StderrLog,

    pub(super) state: State,
    pub(super) events: VecDeque<Event>,
    pub(super) deadline: Option<Instant>,
    /// When the service has run long enough (`RuntimeMaxSec=`).
    pub(super) runtime_end: Option<Instant>,
    /// When the program must have reported to the watchdog (`WatchdogSec=`).
    pub(super) watchdog: Option<Instant>,
    /// What feeds the watchdog for the program.
    pub(super) prober: Option<WatchdogProbe>,
    /// The reload that is under way.
    pub(super) reload: Option<Reload>,
    /// What the program has said since its start.
    pub(super) said: Said,
    /// The main process, while it is alive.
    pub(super) main: Option<MainProcess>,
    /// The last main process.
    pub(super) last_main: Option<i32>,
    /// The start of the program.
    pub(super) watch: Option<Watch<'s>>,
    /// What the program says after its start.
    pub(super) notifications: Option<Probes>,
    /// The manager to which that is passed on.
    pub(super) upward: Option<Upward>,
    /// When the start began.
    pub(super) began: Instant,
    /// The file of its notify socket.
    pub(super) socket: Option<SocketFile>,
    /// The command that runs beside the program.
    pub(super) control: Option<Control>,
    /// The requests of people.
    pub(super) requests: Option<Requests>,
    /// Out-of-memory kills in its control group.
    pub(super) memory: Option<OomKills>,
    /// The connections, if the service has a process for each.
    pub(super) acceptor: Option<Acceptor>,
    /// What it holds for the program.
    pub(super) held: Held,
    /// The pipe to its log file.
    pub(super) log_pipe: Option<LogPipe>,
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
    /// How often this image has begun a start.
    pub(super) attempts: u32,
    /// How often the program was started.
    pub(super) starts: u32,
    /// The last signal that the main process was sent to end it.
    pub(super) last_signal: Option<i32>,
    /// When the service must have ended, by the word of the person who stops it.
    pub(super) stop_by: Option<Instant>,
    /// The signal that asked for the end.
    pub(super) interrupted: Option<i32>,
    pub(super) over: Option<Over<'a>>,
}

/// What the program has said since its start, and not taken back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// The time of its watchdog: that of the spec, or another one (`WATCHDOG_USEC=`).
    pub(super) watchdog: Option<Duration>,
    /// Whether it has announced a reload that is not over (`RELOADING=1`).
    pub(super) reloading: bool,
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
        signals: &'s SignalReader,
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
        let acceptor = Acceptor::of(start);
        let policy = Policy::of(spec);
        Self {
            start,
            waiter,
            signals,
            forward: SignalMap::of(start.plan),
            lock,
            policy: if acceptor.is_some() { policy.of_listener() } else { policy },
            acceptor,
            limiter: StartLimiter::new(times.limit),
            idle: Idleness::of(start),
            said: Said { watchdog: times.watchdog, reloading: false },
            times,
            kill: KillPolicy::of(spec),
            log: StderrLog::new(start),
            state: State::NEW,
            events: VecDeque::new(),
            deadline: None,
            runtime_end: None,
            watchdog: None,
            prober: None,
            reload: None,
            main: None,
            last_main: None,
            watch: None,
            notifications: None,
            upward: Upward::of(start),
            began: Instant::now(),
            socket: None,
            control: None,
            requests: None,
            memory: None,
            held: Held::new(start),
            log_pipe: None,
            shrinks: true,
            constants: None,
            has_children: false,
            created: Vec::new(),
            invocation: String::new(),
            failure: None,
            started: false,
            starts: 0,
            attempts: 0,
            last_signal: None,
            stop_by: None,
            interrupted: None,
            over: None,
        }
    }
}

impl Waiter {
    /// Notes what this process has created; the launcher removes it if this process is killed before the start is over.
    pub(super) fn note(&self, made: &mut Vec<Created>, one: Created) {
        if let Self::Launcher(pipe) = self {
            // A launcher that was killed removes nothing.
            let _ = Report::Created(one.clone()).send(pipe);
        }
        made.push(one);
    }

    /// Reports a start that could not even begin.
    pub(super) fn fail(&self, failure: StepError) -> Outcome {
        if let Self::Launcher(pipe) = self {
            // A launcher that was killed does not wait any more.
            let _ = Report::Failed(failure.clone()).send(pipe);
        }
        failure.into()
    }
}
