//! The small image of a monitor: it only watches. What needs more is done by the next image, which is executed in its place.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::handoff::Moment;
use super::held::Held;
use super::inherited::Inherited;
use super::log;
use super::memory::OomKills;
use super::news::News;
use super::upward::Upward;
use crate::error::tell;
use crate::logs::{LogPipe, Pumped};
use crate::readiness::{LifeSign, Probes, ProcessTree};
use crate::sys::process::Reaped;
use crate::sys::signal::SignalReader;
use crate::sys::socket::NotifySocket;
use crate::sys::{fd, process, signal};

/// The pause after an image that could not be executed (no memory, too many processes).
const RETRY: Duration = Duration::from_secs(1);

/// Watches until something happens that is not a matter of this image, and executes the next one. Returns only on failure.
pub(super) fn run(moment: Moment, name: &str, variables: &[(OsString, OsString)]) -> io::Error {
    let mut watcher = match Watcher::new(moment, name, variables) {
        Ok(watcher) => watcher,
        Err(error) => return error,
    };
    let news = match watcher.next() {
        Ok(news) => news,
        Err(error) => return error,
    };
    loop {
        // The service goes on meanwhile.
        if let Ok(moment) = watcher.moment() {
            let _ = moment.execute(name, Some(news), variables);
        }
        let _ = fd::wait_readable(&[], Some(RETRY));
    }
}

struct Watcher {
    name: String,
    moment: Moment,
    /// The memory file and the lock.
    _kept: Vec<OwnedFd>,
    signals: SignalReader,
    held: Held,
    requests: Option<OwnedFd>,
    notifications: Option<Probes>,
    memory: Option<OomKills>,
    log: Option<LogPipe>,
    upward: Option<Upward>,
    began: Instant,
    runtime: Option<Instant>,
    watchdog: Option<Instant>,
}

impl Watcher {
    fn new(moment: Moment, name: &str, variables: &[(OsString, OsString)]) -> io::Result<Self> {
        let mut inherited = Inherited::new()?;
        let kept = [Some(moment.constants), moment.lock].into_iter().flatten();
        let kept = kept.map(|number| inherited.take(number)).collect::<io::Result<_>>()?;
        let requests = moment.requests.map(|number| inherited.take(number)).transpose()?;
        let socket = moment.notify.map(|number| inherited.take(number)).transpose()?;
        let hears = |socket| Probes::of_socket(Some(NotifySocket::from(socket)));
        let mut notifications = socket.map(|socket| hears(socket).with_store(moment.held.stores()));
        if let Some(heard) = &mut notifications {
            heard.resume(moment.report.clone());
        }
        let memory = moment.memory.map(|memory| OomKills::resume(memory, &mut inherited)).transpose()?;
        let upward = moment.passes_on.then(|| Upward::by(variables, moment.report.clone())).flatten();
        let held = Held::resume(&moment.held, &mut inherited)?;
        let log = moment.log.map(|log| LogPipe::resume(log, |number| inherited.take(number))).transpose()?;
        let began = Instant::now();
        let at = |left: Option<Duration>| left.and_then(|left| began.checked_add(left));
        Ok(Self {
            name: name.to_owned(),
            signals: SignalReader::receive()?,
            _kept: kept,
            held,
            requests,
            notifications,
            memory,
            log,
            upward,
            began,
            runtime: at(moment.runtime_left),
            watchdog: at(moment.watchdog_left),
            moment,
        })
    }

    /// The present moment, for the next image.
    fn moment(&mut self) -> io::Result<Moment> {
        let now = Instant::now();
        let left = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(now));
        let limiter = self.moment.limiter.map(|(begun, count)| (begun + self.began.elapsed(), count));
        Ok(Moment {
            limiter,
            runtime_left: left(self.runtime),
            watchdog_left: left(self.watchdog),
            log: self.log.as_mut().map(LogPipe::moment),
            held: self.held.moment()?,
            report: self
                .notifications
                .as_ref()
                .map(|heard| heard.notifications().report.clone())
                .unwrap_or_default(),
            ..self.moment.clone()
        })
    }

    fn next(&mut self) -> io::Result<News> {
        loop {
            while let Some(number) = self.signals.next()? {
                if number != signal::SIGCHLD {
                    return Ok(News::Signal(number));
                }
            }
            if self.write_log()? {
                return Ok(News::LogIsDue);
            }
            // It comes before the end that it causes. The next image counts again.
            if let Some(memory) = &mut self.memory
                && memory.has_new()?
            {
                return Ok(News::OutOfMemory);
            }
            self.held.store.drop_ended()?;
            // What a program says before its end counts.
            if let Some(news) = self.hear()? {
                return Ok(news);
            }
            while let Reaped::Child(pid, ended) = process::reap()? {
                if Some(pid) == self.moment.main {
                    self.moment.main = None;
                    return Ok(News::MainEnded(ended));
                }
            }
            let now = Instant::now();
            if self.watchdog.is_some_and(|at| at <= now) {
                return Ok(News::Watchdog);
            }
            if self.runtime.is_some_and(|at| at <= now) {
                return Ok(News::Timeout);
            }
            if self.wait(now)? {
                return Ok(News::Request);
            }
        }
    }

    /// Writes what the service has said into its log file. Whether that has to be rotated first.
    fn write_log(&mut self) -> io::Result<bool> {
        let Some(log) = &mut self.log else { return Ok(false) };
        let pumped = log.pump()?;
        if let Some(error) = log.take_failure() {
            log::tell_lost(&self.name, &error);
        }
        Ok(pumped == Pumped::Due)
    }

    fn hear(&mut self) -> io::Result<Option<News>> {
        let (Some(notifications), Some(main)) = (&mut self.notifications, self.moment.main) else {
            return Ok(None);
        };
        let tree = ProcessTree { main, root: process::own_pid(), control: None };
        let signs = notifications.hear(tree, self.began.elapsed())?;
        if let Some(text) = notifications.take_excluded() {
            tell(&format!("{}: {text}", self.name));
        }
        if let Some(upward) = &mut self.upward {
            upward.tell_report(&notifications.notifications().report);
        }
        // A line about those that find no room is the big image's.
        self.held.store(notifications.take_store_requests());
        let mut news = None;
        for sign in signs {
            if let Some(upward) = &self.upward {
                upward.tell(sign, self.moment.reloading);
            }
            match sign {
                LifeSign::Ready => self.moment.reloading = false,
                LifeSign::Reloading(_) => self.moment.reloading = true,
                LifeSign::Watchdog => self.set_watchdog(),
                LifeSign::WatchdogTime(time) => {
                    self.moment.watchdog = time;
                    self.set_watchdog();
                }
                LifeSign::Extended(until) => self.runtime = self.runtime.map(|at| at.max(until)),
                LifeSign::Stopping => news = Some(News::Stopping),
                LifeSign::WatchdogTrigger => news = Some(News::Watchdog),
                LifeSign::MainPid(named) if named.pid == main => {}
                LifeSign::MainPid(named) => news = Some(News::MainPid(named)),
                LifeSign::RestartReset => self.moment.restarts = 0,
            }
        }
        Ok(news)
    }

    /// The program has as much time again.
    fn set_watchdog(&mut self) {
        self.watchdog = self.moment.watchdog.and_then(|time| Instant::now().checked_add(time));
    }

    /// Waits for an event. Whether it is a request.
    fn wait(&self, now: Instant) -> io::Result<bool> {
        let deadline = [self.runtime, self.watchdog].into_iter().flatten().min();
        let pause = deadline.map(|at| at.saturating_duration_since(now));
        let mut all: Vec<BorrowedFd<'_>> = self.requests.iter().map(AsFd::as_fd).collect();
        all.push(self.signals.as_fd());
        all.extend(self.notifications.iter().flat_map(Probes::descriptors));
        all.extend(self.memory.iter().map(AsFd::as_fd));
        all.extend(self.log.iter().map(AsFd::as_fd));
        let ready = fd::wait(&all, &self.held.store.watched(), pause)?;
        Ok(self.requests.is_some() && ready.first() == Some(&true))
    }
}
