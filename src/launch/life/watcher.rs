//! The small image of a monitor: it only watches. What needs more is done by the next image, which is executed in its place.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::handoff::{Inherited, Moment, News};
use crate::readiness::{LifeSign, ProbeInputs, Probes, ProcessTree, RunAs};
use crate::sys::process::Reaped;
use crate::sys::signal::Signals;
use crate::sys::socket::NotifySocket;
use crate::sys::{fd, process, signal};

/// The pause after an image that could not be executed (no memory, too many processes).
const RETRY: Duration = Duration::from_secs(1);

/// Watches until something happens that is not a matter of this image, and executes the next one. Returns only on failure.
pub(super) fn run(moment: Moment, name: &str, variables: &[(OsString, OsString)]) -> io::Error {
    let mut watcher = match Watcher::new(moment) {
        Ok(watcher) => watcher,
        Err(error) => return error,
    };
    let news = match watcher.next() {
        Ok(news) => news,
        Err(error) => return error,
    };
    let moment = watcher.moment();
    loop {
        // The service goes on meanwhile.
        let _ = moment.execute(name, Some(news), variables);
        let _ = fd::wait_readable(&[], Some(RETRY));
    }
}

struct Watcher {
    moment: Moment,
    /// The memory file and the lock.
    _kept: Vec<OwnedFd>,
    signals: Signals,
    requests: Option<OwnedFd>,
    notifications: Option<Probes>,
    began: Instant,
    runtime: Option<Instant>,
    watchdog: Option<Instant>,
}

impl Watcher {
    fn new(moment: Moment) -> io::Result<Self> {
        let mut inherited = Inherited::new()?;
        let kept = [Some(moment.constants), moment.lock].into_iter().flatten();
        let kept = kept.map(|number| inherited.take(number)).collect::<io::Result<_>>()?;
        let requests = moment.requests.map(|number| inherited.take(number)).transpose()?;
        let socket = moment.notify.map(|number| inherited.take(number)).transpose()?;
        let notifications = socket.map(|socket| {
            let socket = Some(NotifySocket::from(socket));
            Probes::new(
                &[],
                ProbeInputs { socket, pipes: Vec::new(), identity: RunAs::Own, environment: Vec::new() },
            )
        });
        let began = Instant::now();
        let at = |left: Option<Duration>| left.and_then(|left| began.checked_add(left));
        Ok(Self {
            signals: Signals::receive()?,
            _kept: kept,
            requests,
            notifications,
            began,
            runtime: at(moment.runtime_left),
            watchdog: at(moment.watchdog_left),
            moment,
        })
    }

    /// The present moment, for the next image.
    fn moment(&self) -> Moment {
        let now = Instant::now();
        let left = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(now));
        let limiter = self.moment.limiter.map(|(begun, count)| (begun + self.began.elapsed(), count));
        Moment {
            limiter,
            runtime_left: left(self.runtime),
            watchdog_left: left(self.watchdog),
            ..self.moment.clone()
        }
    }

    fn next(&mut self) -> io::Result<News> {
        loop {
            while let Some(number) = self.signals.next()? {
                if number != signal::SIGCHLD {
                    return Ok(News::Signal(number));
                }
            }
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

    fn hear(&mut self) -> io::Result<Option<News>> {
        let (Some(notifications), Some(main)) = (&mut self.notifications, self.moment.main) else {
            return Ok(None);
        };
        let tree = ProcessTree { main, root: process::own_pid() };
        for sign in notifications.hear(tree, self.began.elapsed())? {
            match sign {
                LifeSign::Ready | LifeSign::Reloading => {}
                LifeSign::Watchdog => {
                    self.watchdog = self.moment.watchdog.and_then(|time| Instant::now().checked_add(time));
                }
                LifeSign::Stopping => return Ok(Some(News::Stopping)),
                LifeSign::WatchdogTrigger => return Ok(Some(News::Watchdog)),
            }
        }
        Ok(None)
    }

    /// Waits for an event. Whether it is a request.
    fn wait(&self, now: Instant) -> io::Result<bool> {
        let deadline = [self.runtime, self.watchdog].into_iter().flatten().min();
        let pause = deadline.map(|at| at.saturating_duration_since(now));
        let mut all: Vec<BorrowedFd<'_>> = self.requests.iter().map(AsFd::as_fd).collect();
        all.push(self.signals.as_fd());
        all.extend(self.notifications.iter().flat_map(Probes::descriptors));
        let ready = fd::wait_readable(&all, pause)?;
        Ok(self.requests.is_some() && ready.first() == Some(&true))
    }
}
