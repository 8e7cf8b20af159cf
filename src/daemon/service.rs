//! The running service, seen by the program itself.

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svcadapt_spec::ServiceSpec;

use super::single_thread::require_single_thread;
use super::supervisor::FromSupervisor;
use super::{Credentials, Error, Listener, Signals, Watchdog, launcher};
use crate::detect::{Detection, Manager, Mode};
use crate::error::StepError;
use crate::notify::Notifier;
use crate::plan::{Plan, Resolution};
use crate::registry::Lock;
use crate::setup;
use crate::setup::{PrivilegeDrop, Report, ServiceProcess, SetupResult};
use crate::sys::{escape_control, fd, launchd, process};

/// The handle of the program on its own service. Keep it as long as the service runs; it can be shared among threads.
///
/// Dropping it ends the service for observers. Before [`Service::ready`], the launcher or manager sees a failed start
/// with the exit status of the process. After it, pid file and lock are removed as far as the privileges of the process
/// allow. (Otherwise the lock is free all the same, and the stale files are harmless.)
#[derive(Debug)]
#[must_use = "a service that is dropped before it is ready has failed"]
pub struct Service {
    context: Box<StartContext>,
    detection: Detection,
    pid: i32,
    signals: Signals,
    notifier: Option<Notifier>,
    listeners: Vec<Listener>,
    watchdog: Option<Duration>,
    credentials: Option<Credentials>,
    /// Keeps the service's lock until the end.
    _lock: Option<Lock>,
    progress: Mutex<Progress>,
}

/// The inputs of the start, kept for dropping privileges later and for removing files at the end.
#[derive(Debug)]
pub(super) struct StartContext {
    pub(super) spec: ServiceSpec,
    pub(super) resolved: Resolution,
    pub(super) plan: Plan,
}

/// The state of the service.
#[derive(Debug)]
struct Progress {
    phase: Phase,
    privileges: PrivilegeDrop,
    /// The pipe to the launcher or to process 1, until the service is ready.
    launcher: Option<OwnedFd>,
    /// The descriptor on which a supervisor waits for a newline.
    newline: Option<OwnedFd>,
    /// The file that becomes standard error when the service is ready.
    deferred_stderr: Option<OwnedFd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Reloading,
    Stopping,
}

/// The recipient of a readiness notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notified {
    /// The launcher, which now exits with status 0.
    Launcher,
    /// The service manager, by sd_notify(3).
    Manager,
    /// The supervisor, by a newline.
    Supervisor,
    /// No recipient: launchd and most supervisors have no readiness protocol. Not an error.
    Nobody,
}

impl Service {
    pub(super) fn new(
        context: Box<StartContext>,
        result: SetupResult,
        signals: Signals,
        supervisor: FromSupervisor,
        detection: Detection,
        privileges: PrivilegeDrop,
    ) -> Self {
        let FromSupervisor { notifier, newline, mut listeners, watchdog, credentials } = supervisor;
        let SetupResult { report_pipe: launcher, lock, sockets, deferred_stderr } = result;
        let named = |socket| Listener::new(context.spec.socket_name(), socket);
        listeners.extend(sockets.into_iter().map(named));
        if context.spec.prevent_core {
            // The core limit is set already; this also denies access to the memory.
            let _ = process::never_dump();
        }
        let phase = Phase::Starting;
        Self {
            context,
            detection,
            pid: process::own_pid(),
            signals,
            notifier,
            listeners,
            watchdog,
            credentials: credentials.map(Credentials::new),
            _lock: lock,
            progress: Mutex::new(Progress { phase, privileges, launcher, newline, deferred_stderr }),
        }
    }

    /// Reports that the service is ready: the launcher exits with status 0, a manager gets `READY=1` (sd_notify(3)), s6
    /// gets its newline. Standard error is switched to its final destination.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyReady`] on a second call, except one after each [`Service::reloading`];
    /// [`Error::Stopping`] after [`Service::stopping`]; [`Error::PrivilegesKept`] if kept privileges were not dropped;
    /// [`Error::Notify`] if the notification could not be sent, after which the call may be repeated.
    pub fn ready(&self) -> Result<Notified, Error> {
        let mut progress = self.progress();
        match progress.phase {
            Phase::Ready => return Err(Error::AlreadyReady),
            Phase::Stopping => return Err(Error::Stopping),
            Phase::Starting if progress.privileges == PrivilegeDrop::Keep => {
                return Err(Error::PrivilegesKept);
            }
            Phase::Starting | Phase::Reloading => {}
        }
        if let Some(stream) = &progress.deferred_stderr {
            fd::duplicate_to(stream, 2).map_err(|error| notify_error("standard error", &error))?;
            progress.deferred_stderr = None;
        }
        let mut notified = Notified::Nobody;
        if let Some(newline) = &progress.newline {
            fd::write_all(newline, b"\n").map_err(|error| notify_error("newline", &error))?;
            // Closed after the newline, as s6 requires.
            progress.newline = None;
            notified = Notified::Supervisor;
        } else if let Some(notifier) = &self.notifier {
            notifier.ready().map_err(|error| notify_error("READY=1", &error))?;
            notified = Notified::Manager;
        }
        if let Some(launcher) = progress.launcher.take() {
            // A launcher that was killed does not wait any more.
            let heard = Report::Ready.send(&launcher).is_ok();
            // Process 1 of a container reads the report, too, but does not wait for readiness.
            if heard && self.detection.mode == Mode::Classic {
                notified = Notified::Launcher;
            }
        }
        progress.phase = Phase::Ready;
        Ok(notified)
    }

    /// Reports what the service is doing, in one line of text: `STATUS=` (sd_notify(3)). Before readiness the launcher
    /// also gets it and prints it if the start times out. Line breaks are replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Notify`] if the message could not be sent.
    pub fn status(&self, text: impl AsRef<str>) -> Result<(), Error> {
        if let Some(launcher) = &self.progress().launcher {
            let _ = Report::Status(truncate(text.as_ref())).send(launcher);
        }
        self.notify(|notifier| notifier.status(text.as_ref()), "STATUS=")
    }

    /// Reports that the configuration is being reloaded (`RELOADING=1`). Call [`Service::ready`] when that is done.
    ///
    /// # Errors
    ///
    /// [`Error::Notify`] if the message could not be sent.
    pub fn reloading(&self) -> Result<(), Error> {
        self.notify(Notifier::reloading, "RELOADING=1")?;
        let mut progress = self.progress();
        if progress.phase == Phase::Ready {
            progress.phase = Phase::Reloading;
        }
        Ok(())
    }

    /// Reports that the service is about to end (`STOPPING=1`). After that it cannot become ready
    /// ([`Error::Stopping`]).
    ///
    /// # Errors
    ///
    /// [`Error::Notify`] if the message could not be sent.
    pub fn stopping(&self) -> Result<(), Error> {
        self.notify(Notifier::stopping, "STOPPING=1")?;
        self.progress().phase = Phase::Stopping;
        Ok(())
    }

    /// Extends the timeout of the current start, reload or stop to this time from now, at the launcher and the service
    /// manager (`EXTEND_TIMEOUT_USEC=`, sd_notify(3)).
    ///
    /// # Errors
    ///
    /// [`Error::Notify`] if the message could not be sent.
    pub fn extend_timeout(&self, by: Duration) -> Result<(), Error> {
        if let Some(launcher) = &self.progress().launcher {
            let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
            // A launcher that was killed does not wait any more.
            let _ = Report::ExtendTimeout(micros).send(launcher);
        }
        self.notify(|notifier| notifier.extend_timeout(by), "EXTEND_TIMEOUT_USEC=")
    }

    /// Reports why the service cannot run: to the launcher, which prints the reason and exits with the status of this
    /// process; to the service manager as its status, in one line; without a launcher, on standard error. Returns the
    /// exit status for `main`.
    ///
    /// `main` may return another status: the launcher exits with the one of the process.
    pub fn fail(&self, why: impl Display) -> ExitCode {
        let why = why.to_string();
        let line = one_line(&why);
        let launcher = self.progress().launcher.take();
        let waits = launcher.filter(|_| self.detection.mode == Mode::Classic);
        let heard =
            waits.is_some_and(|launcher| Report::FailureReason(truncate(&line)).send(&launcher).is_ok());
        if !heard {
            let lines: Vec<_> = why.lines().map(escape_control).collect();
            launcher::write_stderr(&launcher::error_line(&lines.join("\n")));
        }
        if let Some(notifier) = &self.notifier {
            // Best effort: the manager sees the end of the process anyway.
            let _ = notifier.status(&line);
        }
        ExitCode::FAILURE
    }

    /// Drops the privileges that [`Daemon::keep_privileges`](super::Daemon::keep_privileges) kept: changes root
    /// directory, capabilities, group, groups and user (each read back, and the way back proved closed), then the
    /// working directory. Call it before starting threads, because capabilities are per thread (capabilities(7)).
    ///
    /// # Errors
    ///
    /// [`Error::PrivilegesDropped`], [`Error::Threads`], or [`Error::Step`] if a step failed or the account has changed
    /// since [`Daemon::enter`](super::Daemon::enter) looked it up. After any error except [`Error::Threads`] and [`Error::PrivilegesDropped`] the process must end.
    pub fn drop_privileges(&self) -> Result<(), Error> {
        let mut progress = self.progress();
        if progress.privileges == PrivilegeDrop::Drop {
            return Err(Error::PrivilegesDropped);
        }
        require_single_thread()?;
        let StartContext { spec, resolved, plan } = &*self.context;
        setup::verify_user(spec, &resolved.account).map_err(Error::Step)?;
        // The intermediate process, if there is one, is the parent.
        let mut work =
            ServiceProcess::new(spec, resolved, std::collections::BTreeMap::new(), process::parent_pid());
        work.drop_privileges(plan).map_err(Error::Step)?;
        progress.privileges = PrivilegeDrop::Drop;
        Ok(())
    }

    /// Whether a launcher, manager or supervisor waits for [`Service::ready`].
    pub fn readiness_expected(&self) -> bool {
        let progress = self.progress();
        let launcher = progress.launcher.is_some() && self.detection.mode == Mode::Classic;
        launcher || progress.newline.is_some() || self.notifier.is_some()
    }

    /// The service manager's watchdog. `None` if it is not set for this process.
    pub fn watchdog(&self) -> Option<Watchdog<'_>> {
        Some(Watchdog::new(self.watchdog?, self.notifier.as_ref()?))
    }

    /// All passed sockets, in their order. If none were passed: the sockets that the program has set
    /// (`Field::ListenStream` and the like), which were opened before privileges were dropped. The caller owns them; a
    /// second call returns an empty list. (Sockets that only launchd's property list names are returned by
    /// [`Service::listeners_named`].)
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

    /// The sockets with this name ([`Listener::name`]): systemd's `FileDescriptorName=`, or the key in `Sockets` of
    /// launchd's property list. Each is returned once. Under launchd a name that was not passed yet is activated by
    /// this call (launch_activate_socket(3)). Empty if there is no such socket.
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

    /// The credentials of the service manager. `None` if not set.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The signals that are delivered to the program.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The mode: forked off (classic) or supervised.
    pub fn mode(&self) -> Mode {
        self.detection.mode
    }

    /// The service manager that was detected.
    pub fn manager(&self) -> &Manager {
        &self.detection.manager
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // A panic while the lock is held leaves no half-done change.
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

/// Joins the lines of a reason and its hint, for protocols with one line.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Truncates to a size that is written to a pipe atomically (PIPE_BUF, pipe(7)).
fn truncate(text: &str) -> String {
    const MAX_REPORT_BYTES: usize = 2048;
    let end =
        (0..=MAX_REPORT_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].to_owned()
}

impl Drop for Service {
    fn drop(&mut self) {
        // A child that the program has forked is not the service.
        if process::own_pid() != self.pid {
            return;
        }
        // First, so that the launcher learns of the end before files are removed.
        self.progress().launcher = None;
        setup::undo_start(&self.context.spec, &self.context.resolved, &[], Some(self.pid));
    }
}
