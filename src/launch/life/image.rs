//! The images of a monitor: the big one hands over to the small one ([`super::watcher`]), and goes on where that stopped.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::handoff::{Constants, Moment};
use super::held::Held;
use super::inherited::Inherited;
use super::memory::OomKills;
use super::news::News;
use super::requests::Requests;
use super::state::{Life, Over, Said, Waiter};
use super::{handoff, watcher};
use crate::detect;
use crate::error::StepError;
use crate::launch::forward::MainProcess;
use crate::launch::machine::{Event, Phase, Request, ServiceResult, State};
use crate::launch::outcome::Outcome;
use crate::launch::start::{SocketFile, Start};
use crate::logs::LogPipe;
use crate::plan::{Account, ControlGroup, Plan};
use crate::readiness::Probes;
use crate::setup::LauncherLock;
use crate::sys::signal::SignalReader;
use crate::sys::socket::NotifySocket;
use crate::sys::{error_text, executable, process};

/// Continues a monitor in its next image. `arguments` are those of the image; `None` is returned where they are not a
/// monitor's.
pub(in crate::launch) fn resume(arguments: &[OsString]) -> Option<Outcome> {
    let [_, first, moment, news, name, status @ ..] = arguments else { return None };
    if first != handoff::MONITOR {
        return None;
    }
    // The kernel names it after the link by which it is executed.
    executable::rename(handoff::NAME.as_bytes());
    let mut moment = Moment::parse(moment)?;
    moment.report.status = status.first().map(|text| text.to_string_lossy().into_owned());
    let name = name.to_string_lossy().into_owned();
    let variables = detect::variables();
    let failed = |error: &io::Error| StepError::about("monitor", name.clone(), error_text(error), 1).into();
    Some(match News::parse(news) {
        None => failed(&watcher::run(moment, &name, &variables)),
        Some(news) => go_on(&moment, news, variables).unwrap_or_else(|error| failed(&error)),
    })
}

/// Not inlined: the frame of the small image stays small.
#[inline(never)]
fn go_on(moment: &Moment, news: News, variables: Vec<(OsString, OsString)>) -> io::Result<Outcome> {
    let mut inherited = Inherited::new()?;
    let memory = inherited.take(moment.constants)?;
    let (constants, spec) = Constants::read(&memory)?.ok_or(io::ErrorKind::InvalidData)?;
    let resolved = constants.resolution(&spec, variables);
    let plan = Plan::new(&spec, &resolved, &constants.detection);
    let start = Start::by(constants.started, &spec, &plan, &resolved);
    let signals = SignalReader::receive()?;
    let lock = match moment.lock {
        Some(number) => Some(LauncherLock::inherit(&spec, &resolved, inherited.take(number)?)?),
        None => None,
    };
    let mut life = Life::new(&start, Waiter::Manager, &signals, lock);
    life.constants = Some(memory);
    life.take_over(moment, &mut inherited, news)?;
    match life.go_on() {
        Ok(Over::Ended(outcome)) => Ok(outcome),
        // Only a program that becomes the service in place returns here, and that executes no image again.
        Ok(Over::Service(_)) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Ok(life.give_up(&error)),
    }
}

impl Life<'_, '_> {
    /// Where nothing is left to do but to watch, the small image takes over. Without one this image stays.
    pub(super) fn shrink(&mut self) {
        let quiet = matches!(self.state.phase, Phase::Running | Phase::Exited)
            && self.control.is_none()
            && self.acceptor.is_none()
            && self.prober.is_none()
            && !self.idle.is_watched()
            && self.requests.as_ref().is_none_or(Requests::is_idle)
            && self.main.as_ref().is_none_or(|main| process::is_child(main.pid));
        if !quiet || !self.shrinks || !self.start.plan.has_exec() {
            return;
        }
        // Without a memory file or /proc this image stays.
        self.shrinks = false;
        let name = self.start.name();
        if let Some(moment) = self.moment() {
            let _ = moment.execute(&name, None, &self.start.resolved.inherited);
        }
    }

    pub(super) fn moment(&mut self) -> Option<Moment> {
        if self.constants.is_none() {
            self.constants = Some(constants(self.start).write(self.start.spec).ok()?);
        }
        let constants = self.constants.as_ref()?;
        let now = Instant::now();
        let left = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(now));
        Some(Moment {
            constants: constants.as_raw_fd(),
            phase: self.state.phase,
            main: self.main.as_ref().map(|main| main.pid),
            last_main: self.last_main,
            exit: self.state.exit,
            starts: self.starts,
            restarts: self.state.restarts,
            invocation: self.invocation.clone(),
            limiter: self.limiter.begun(now),
            runtime_left: left(self.deadline),
            watchdog_left: left(self.watchdog),
            watchdog: self.said.watchdog,
            reloading: self.said.reloading,
            passes_on: self.upward.is_some(),
            report: self.report().cloned().unwrap_or_default(),
            lock: self.lock.as_ref().and_then(LauncherLock::number),
            requests: self.requests.as_ref().map(Requests::number),
            notify: self.notifications.as_ref().and_then(Probes::socket_number),
            memory: self.memory.as_ref().map(OomKills::moment),
            held: self.held.moment().ok()?,
            log: self.log_pipe.as_mut().map(LogPipe::moment),
        })
    }

    /// Goes on where the small image has stopped.
    pub(super) fn take_over(
        &mut self,
        moment: &Moment,
        inherited: &mut Inherited,
        news: News,
    ) -> io::Result<()> {
        let (request, result) = (Request::None, ServiceResult::Success);
        let (main, control, at) = (moment.main.is_some() || matches!(news, News::MainEnded(_)), false, 0);
        let Moment { phase, exit, restarts, .. } = *moment;
        self.state = State { phase, result, main, control, at, exit, request, restarts };
        self.main = moment.main.map(MainProcess::child);
        (self.last_main, self.starts, self.started) = (moment.last_main, moment.starts, true);
        self.invocation.clone_from(&moment.invocation);
        self.limiter.resume(moment.limiter, Instant::now());
        let at = |left: Option<Duration>| left.and_then(|left| Instant::now().checked_add(left));
        (self.deadline, self.runtime_end) = (at(moment.runtime_left), at(moment.runtime_left));
        self.watchdog = at(moment.watchdog_left);
        self.said = Said { watchdog: moment.watchdog, reloading: moment.reloading };
        if let (Some(number), Some(lock)) = (moment.requests, self.start.resolved.lock.as_deref()) {
            self.requests = Some(Requests::inherit(inherited.take(number)?, lock)?);
        }
        if let Some(number) = moment.notify {
            let socket = NotifySocket::from(inherited.take(number)?);
            self.socket = SocketFile::of(&socket);
            let mut notifications = Probes::of_socket(Some(socket)).with_store(moment.held.stores());
            notifications.resume(moment.report.clone());
            self.notifications = Some(notifications);
        }
        if let Some(upward) = &mut self.upward {
            upward.resume(moment.report.clone());
        }
        self.held = Held::resume(&moment.held, inherited)?;
        if let Some(log) = moment.log {
            self.log_pipe = Some(LogPipe::resume(log, |number| inherited.take(number))?);
        }
        if let Some(memory) = moment.memory {
            self.memory = Some(OomKills::resume(memory, inherited)?);
            // It comes before the end that it causes.
            self.look_at_memory()?;
        }
        match news {
            News::MainEnded(ended) => self.main_ended(ended),
            News::Signal(number) => self.received(number),
            // The loop looks, or has looked.
            News::Request | News::OutOfMemory | News::LogIsDue => {}
            News::Stopping => self.events.push_back(Event::Stopping),
            News::MainPid(named) => self.take_main(named),
            News::Timeout => {
                self.deadline = None;
                self.events.push_back(Event::Timeout);
            }
            News::Watchdog => {
                self.watchdog = None;
                self.events.push_back(Event::Watchdog);
            }
        }
        Ok(())
    }
}

/// What a later image of the monitor needs.
fn constants(start: &Start<'_>) -> Constants {
    let Account { uid, gid, groups, .. } = &start.resolved.account;
    Constants {
        detection: start.plan.detection.clone(),
        uid: *uid,
        gid: *gid,
        groups: groups.clone(),
        passed: start.resolved.caller.passed_descriptors.clone(),
        started: start.pid(),
        program: start.resolved.program.clone(),
        lock: start.resolved.lock.clone(),
        control_group: start.resolved.control_group.clone().map(|group| ControlGroup::existing(group.path)),
    }
}
