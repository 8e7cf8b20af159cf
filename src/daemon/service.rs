//! The service, from inside.

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svcadapt_spec::ServiceSpec;

use super::enter::alone;
use super::supervisor::FromSupervisor;
use super::{Credentials, Error, Listener, Signals, Watchdog, launcher};
use crate::detect::{Detection, Manager, Mode};
use crate::error::StepError;
use crate::notify::Notifier;
use crate::plan::{Plan, Resolution};
use crate::registry::Lock;
use crate::setup;
use crate::setup::{Privileges, Report, ServiceProcess, Settled};
use crate::sys::{escape_control, fd, launchd, process};

/// The program, as the service that it has become. It is to be kept as long as the service runs, and may be shared among
/// threads.
///
/// Dropping it ends the service as far as others see it: before it was ready, whoever waits is told that it failed, with
/// the status that the process ends with; after that, its pid file and its lock are removed, as far as the rights of the
/// process still allow. (Where they do not, the lock is free all the same, and what is left is in nobody's way.)
#[derive(Debug)]
#[must_use = "a service that is dropped before it is ready has failed"]
pub struct Service {
    held: Box<StartContext>,
    detection: Detection,
    pid: i32,
    signals: Signals,
    notifier: Option<Notifier>,
    listeners: Vec<Listener>,
    watchdog: Option<Duration>,
    credentials: Option<Credentials>,
    /// Held for as long as the service runs.
    _lock: Option<Lock>,
    progress: Mutex<Progress>,
}

/// What the start was made of.
#[derive(Debug)]
pub(super) struct StartContext {
    pub(super) spec: ServiceSpec,
    pub(super) resolved: Resolution,
    pub(super) plan: Plan,
}

/// How far the service has come.
#[derive(Debug)]
struct Progress {
    phase: Phase,
    privileges: Privileges,
    /// The launcher, or process 1, listens here until the service is ready.
    launcher: Option<OwnedFd>,
    /// A supervisor waits here for a newline.
    newline: Option<OwnedFd>,
    /// What standard error becomes when the service is ready.
    last_stream: Option<OwnedFd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Reloading,
    Stopping,
}

/// Who was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notified {
    /// The launcher, which leaves with status 0 now.
    Launcher,
    /// The service manager, by sd_notify(3).
    Manager,
    /// The supervisor, by a newline.
    Supervisor,
    /// Nobody waits: launchd and most supervisors have no such thing as readiness. That is no error.
    Nobody,
}

impl Service {
    pub(super) fn new(
        held: Box<StartContext>,
        settled: Settled,
        signals: Signals,
        supervisor: FromSupervisor,
        detection: Detection,
        privileges: Privileges,
    ) -> Self {
        let FromSupervisor { notifier, newline, mut listeners, watchdog, credentials } = supervisor;
        let Settled { listener: launcher, lock, sockets, last_stream } = settled;
        let named = |socket| Listener::new(held.spec.socket_name(), socket);
        listeners.extend(sockets.into_iter().map(named));
        if held.spec.prevent_core {
            // The limit that was set says the same to all but those who read memory.
            let _ = process::never_dump();
        }
        let phase = Phase::Starting;
        Self {
            held,
            detection,
            pid: process::own_pid(),
            signals,
            notifier,
            listeners,
            watchdog,
            credentials: credentials.map(Credentials::new),
            _lock: lock,
            progress: Mutex::new(Progress { phase, privileges, launcher, newline, last_stream }),
        }
    }

    /// Tells whoever waits that the service is ready: releases the launcher with status 0, sends `READY=1`, writes the
    /// newline. From here on standard error is what it was to be.
    ///
    /// A second time is an error, but for one after each [`Service::reloading`]. So is rights that were kept and not given
    /// up. Where whoever waits cannot be told ([`Error::Notify`]) it may be tried reexec.
    pub fn ready(&self) -> Result<Notified, Error> {
        let mut progress = self.progress();
        match progress.phase {
            Phase::Ready => return Err(Error::AlreadyReady),
            Phase::Stopping => return Err(Error::Stopping),
            Phase::Starting if progress.privileges == Privileges::Keep => return Err(Error::PrivilegesKept),
            Phase::Starting | Phase::Reloading => {}
        }
        if let Some(stream) = &progress.last_stream {
            fd::duplicate_to(stream, 2).map_err(|error| notify_error("standard error", &error))?;
            progress.last_stream = None;
        }
        let mut told = Notified::Nobody;
        if let Some(newline) = &progress.newline {
            fd::write_all(newline, b"\n").map_err(|error| notify_error("newline", &error))?;
            // It is closed with that, as s6 wants it.
            progress.newline = None;
            told = Notified::Supervisor;
        } else if let Some(notifier) = &self.notifier {
            notifier.ready().map_err(|error| notify_error("READY=1", &error))?;
            told = Notified::Manager;
        }
        if let Some(launcher) = progress.launcher.take() {
            // It may have been killed; then nobody waits any more.
            let heard = Report::Ready.send(&launcher).is_ok();
            // Process 1 of a container hears it too, but is nobody who waits.
            if heard && self.detection.mode == Mode::Classic {
                told = Notified::Launcher;
            }
        }
        progress.phase = Phase::Ready;
        Ok(told)
    }

    /// Says what the service is doing, in a line for people: `STATUS=`, and before it is ready the launcher's if it waits
    /// in vain. What would begin another line is made harmless.
    pub fn status(&self, text: impl AsRef<str>) -> Result<(), Error> {
        if let Some(launcher) = &self.progress().launcher {
            let _ = Report::Status(truncate(text.as_ref())).send(launcher);
        }
        self.notify(|notifier| notifier.status(text.as_ref()), "STATUS=")
    }

    /// Tells the service manager that the configuration is being read again. [`Service::ready`] tells that it is done.
    pub fn reloading(&self) -> Result<(), Error> {
        self.notify(Notifier::reloading, "RELOADING=1")?;
        let mut progress = self.progress();
        if progress.phase == Phase::Ready {
            progress.phase = Phase::Reloading;
        }
        Ok(())
    }

    /// Tells the service manager that the service is about to end. It cannot be ready after that ([`Error::Stopping`]).
    pub fn stopping(&self) -> Result<(), Error> {
        self.notify(Notifier::stopping, "STOPPING=1")?;
        self.progress().phase = Phase::Stopping;
        Ok(())
    }

    /// Asks whoever waits, the launcher or the service manager, for this much time from now on for what is going on: start,
    /// reload or stop.
    pub fn extend_timeout(&self, by: Duration) -> Result<(), Error> {
        if let Some(launcher) = &self.progress().launcher {
            let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
            // One that was killed waits for nothing.
            let _ = Report::Extend(micros).send(launcher);
        }
        self.notify(|notifier| notifier.extend_timeout(by), "EXTEND_TIMEOUT_USEC=")
    }

    /// Says why the service cannot run, to whoever waits: the launcher, which ends with the status of this process and
    /// this reason; the service manager, as its status, in one line; where no launcher waits, standard error. Gives what
    /// `main` is to return.
    ///
    /// Returning another status than this one is fine: the launcher passes on what the process ends with.
    pub fn fail(&self, why: impl Display) -> ExitCode {
        let why = why.to_string();
        let line = one_line(&why);
        let launcher = self.progress().launcher.take();
        let waits = launcher.filter(|_| self.detection.mode == Mode::Classic);
        let heard = waits.is_some_and(|launcher| Report::Why(truncate(&line)).send(&launcher).is_ok());
        if !heard {
            let lines: Vec<_> = why.lines().map(escape_control).collect();
            launcher::write_stderr(&launcher::error_line(&lines.join("\n")));
        }
        if let Some(notifier) = &self.notifier {
            // It is a courtesy; that the process ends is what counts.
            let _ = notifier.status(&line);
        }
        ExitCode::FAILURE
    }

    /// Gives up the rights that [`Daemon::keep_privileges`](super::Daemon::keep_privileges) has kept, and what has to come
    /// after: root directory, capabilities, groups, group, user (each read back, and that there is no way back proved),
    /// working directory. It has to come before anything that makes threads, as capabilities are each thread's own.
    ///
    /// The user was looked up by [`Daemon::enter`](super::Daemon::enter); one who has vanished or changed since is an error.
    /// After any error but [`Error::Threads`] and [`Error::PrivilegesDropped`] the process has to end.
    pub fn drop_privileges(&self) -> Result<(), Error> {
        let mut progress = self.progress();
        if progress.privileges == Privileges::Drop {
            return Err(Error::PrivilegesDropped);
        }
        alone()?;
        let StartContext { spec, resolved, plan } = &*self.held;
        setup::still_there(spec, &resolved.account).map_err(Error::Step)?;
        // Where a process stays for our sake, it is our parent.
        let mut work =
            ServiceProcess::new(spec, resolved, std::collections::BTreeMap::new(), process::parent_pid());
        work.drop_privileges(plan).map_err(Error::Step)?;
        progress.privileges = Privileges::Drop;
        Ok(())
    }

    /// Whether anybody waits for [`Service::ready`].
    pub fn readiness_expected(&self) -> bool {
        let progress = self.progress();
        let launcher = progress.launcher.is_some() && self.detection.mode == Mode::Classic;
        launcher || progress.newline.is_some() || self.notifier.is_some()
    }

    /// The service manager's watchdog; none where it has none for us.
    pub fn watchdog(&self) -> Option<Watchdog<'_>> {
        Some(Watchdog::new(self.watchdog?, self.notifier.as_ref()?))
    }

    /// All sockets that were passed, in their order; where nobody has passed any, those that the program has named
    /// (`Field::ListenStream` and its kin), which were opened before the rights were given up. They are the caller's from
    /// here on, and given once. (Those that only launchd's property list names, it gives by their name alone.)
    ///
    /// ```no_run
    /// use std::net::TcpListener;
    /// use svcadapt::Daemon;
    /// use svcadapt::spec::Field;
    ///
    /// # fn main() -> Result<(), svcadapt::daemon::Error> {
    /// // Port 80 and nobody: bound here, or by web.socket, or by launchd.
    /// let daemon = Daemon::new().user("nobody").set(Field::ListenStream, "80");
    /// let mut service = daemon.enter()?;
    /// let listeners = service.listeners().into_iter().map(|one| TcpListener::from(one.into_fd()));
    /// # drop(listeners);
    /// # Ok(())
    /// # }
    /// ```
    pub fn listeners(&mut self) -> Vec<Listener> {
        std::mem::take(&mut self.listeners)
    }

    /// The sockets of this name ([`Listener::name`]): systemd's `FileDescriptorName=`, or launchd's key in `Sockets`. They are
    /// given once; none where there are none of this name.
    pub fn listeners_named(&mut self, name: &str) -> Vec<Listener> {
        let (named, rest) =
            std::mem::take(&mut self.listeners).into_iter().partition(|one| one.name() == name);
        self.listeners = rest;
        let named: Vec<Listener> = named;
        if !named.is_empty() || !matches!(self.detection.manager, Manager::Launchd { .. }) {
            return named;
        }
        let key = std::ffi::CString::new(name).ok();
        let sockets = key.and_then(|key| launchd::activate(&key).ok()).unwrap_or_default();
        sockets.into_iter().map(|socket| Listener::new(name.to_owned(), socket)).collect()
    }

    /// The secrets that the service manager has laid down; none where it has none for us.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The signals that were to be told.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// How it is a service here: forked away, or supervised.
    pub fn mode(&self) -> Mode {
        self.detection.mode
    }

    /// Who supervises it.
    pub fn manager(&self) -> &Manager {
        &self.detection.manager
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // A thread that has panicked here has left nothing half done.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self, tell: impl FnOnce(&Notifier) -> io::Result<()>, what: &str) -> Result<(), Error> {
        self.notifier
            .as_ref()
            .map_or(Ok(()), |notifier| tell(notifier).map_err(|error| notify_error(what, &error)))
    }
}

/// systemd's number for what goes wrong with descriptors (systemd.exec(5)).
const DESCRIPTORS: u8 = 202;

fn notify_error(what: &str, error: &io::Error) -> Error {
    Error::Notify(StepError::kernel("notify", what, error, DESCRIPTORS))
}

/// A reason and its hint are lines of their own where they are printed, and one where there is room for one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// As much as goes through a pipe in one piece, whoever else writes.
fn truncate(text: &str) -> String {
    const MAX_REPORT_BYTES: usize = 2048;
    let end =
        (0..=MAX_REPORT_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].to_owned()
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process that was forked off for something else is not the service.
        if process::own_pid() != self.pid {
            return;
        }
        // First of all, so that whoever waits hears of the end before anything is gone.
        self.progress().launcher = None;
        setup::take_away(&self.held.spec, &self.held.resolved, &[], Some(self.pid));
    }
}
