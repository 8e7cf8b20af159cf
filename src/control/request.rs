//! Restart, reload and signal of a running service.

use std::time::{Duration, Instant};
use std::{fmt, io};

use svcadapt_spec::{ServiceSpec, ServiceType, SignalName};

use super::monitor::{AskError, HeldMonitor};
use super::service::{RunningService, Service, ServiceState};
use super::{ServiceRef, UnknownReason, service};
use crate::registry;
use crate::sys::{error_text, procfs, signal};

/// How long a monitor may take to restart or reload a service, beyond the service's own timeouts.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// Why a request to a running service has failed. It prints as the cause alone; [`RequestError::hint`] is the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The service is not running.
    NotRunning,
    /// The service's state cannot be determined.
    Unknown(UnknownReason),
    /// The caller may not signal this process.
    Denied(i32),
    /// No process of svcadapt stays with the service, which could do it.
    NoMonitor,
    /// The service has nothing that reloads it: neither `ExecReload=` nor `ReloadSignal=`.
    NoReload,
    /// This process has no handler for the signal, which would end it.
    NoHandler(i32, String),
    /// The service has not done it, for this reason, in systemd's words (systemd.exec(5), `$SERVICE_RESULT`): `timeout`,
    /// `exit-code`, `start-limit-hit`. Empty if a command of a reload failed, or it has ended meanwhile.
    Failed(String),
    /// This process could not be asked.
    Io(i32, String),
}

/// Restarts a service that has a monitor: returns when it is ready again.
///
/// # Errors
///
/// [`RequestError::NoMonitor`] for a service without one: stop it, and start it again.
pub fn restart(target: &ServiceRef) -> Result<(), RequestError> {
    let (lock, main) = running(service::find(target))?;
    ask(&lock, &main, "restart")
}

/// Reloads the configuration of a service: by its monitor, which runs `ExecReload=` and waits, or by its reload signal.
///
/// # Errors
///
/// [`RequestError::NoHandler`] if the signal would end the program, because it has no handler for it (proc(5), `SigCgt`).
pub fn reload(target: &ServiceRef) -> Result<(), RequestError> {
    let (lock, main) = running(service::find(target))?;
    let stored = registry::stored_spec::read(&lock).ok().flatten();
    let spec = stored.and_then(|stored| stored.draft.finish().ok());
    let signal = spec.as_ref().and_then(reload_signal);
    let by_command = spec.as_ref().is_some_and(|spec| !spec.commands.reload.is_empty());
    if let Some(number) = signal.filter(|_| !by_command) {
        check_handler(&main, number)?;
    }
    match ask(&lock, &main, "reload") {
        Err(RequestError::NoMonitor) => {}
        Err(RequestError::Failed(_)) if signal.is_none() && !by_command => {
            return Err(RequestError::NoReload);
        }
        asked => return asked,
    }
    send(&main, signal.ok_or(RequestError::NoReload)?)
}

/// Sends a signal to the main process of a service.
///
/// # Errors
///
/// [`RequestError::Denied`] if the caller may not signal it.
pub fn send_signal(target: &ServiceRef, name: SignalName) -> Result<(), RequestError> {
    let (_, main) = running(service::find(target))?;
    let number = signal::number(&name.to_string());
    let missing = || RequestError::Io(main.record.pid, format!("this system has no {name}"));
    send(&main, number.ok_or_else(missing)?)
}

fn reload_signal(spec: &ServiceSpec) -> Option<i32> {
    let notifies = spec.service_type == Some(ServiceType::NotifyReload);
    let name = spec.reload_signal.or(notifies.then_some(SignalName::HUP))?;
    signal::number(&name.to_string())
}

/// The signal's default action may end the program. Without /proc nothing is known.
fn check_handler(main: &RunningService, number: i32) -> Result<(), RequestError> {
    let Ok(status) = procfs::status(main.held.pid()) else { return Ok(()) };
    if status.caught.contains(number) || status.ignored.contains(number) || status.blocked.contains(number) {
        return Ok(());
    }
    Err(RequestError::NoHandler(main.held.pid(), signal::name(number)))
}

fn send(main: &RunningService, number: i32) -> Result<(), RequestError> {
    match main.held.send(number) {
        Ok(true) => Ok(()),
        Ok(false) => Err(RequestError::NotRunning),
        Err(error) => Err(of(main, &error)),
    }
}

fn running(service: Service) -> Result<(std::path::PathBuf, RunningService), RequestError> {
    match (service.state, service.lock) {
        (ServiceState::Running(main), Some(lock)) => Ok((lock, main)),
        (ServiceState::Unknown(reason), _) => Err(RequestError::Unknown(reason)),
        (ServiceState::Leftovers(_, left), _) => {
            Err(RequestError::Unknown(UnknownReason::Leftovers(left.all())))
        }
        (
            ServiceState::Running(_)
            | ServiceState::Absent
            | ServiceState::StalePidFile(_)
            | ServiceState::Dead(_),
            _,
        ) => Err(RequestError::NotRunning),
    }
}

/// Asks the monitor, and waits for the result.
fn ask(lock: &std::path::Path, main: &RunningService, request: &str) -> Result<(), RequestError> {
    let monitor = HeldMonitor::of(lock, &main.record).map_err(|error| of(main, &error))?;
    let monitor = monitor.ok_or(RequestError::NoMonitor)?;
    match monitor.ask(lock, request, Instant::now().checked_add(ANSWER_TIMEOUT)) {
        Ok(answer) if answer.starts_with("ok") => Ok(()),
        Ok(answer) => Err(RequestError::Failed(answer.split_once(' ').map_or("", |(_, why)| why).to_owned())),
        Err(AskError::Gone) => Err(RequestError::Failed(String::new())),
        Err(AskError::Io(error)) => Err(of(main, &error)),
    }
}

fn of(main: &RunningService, error: &io::Error) -> RequestError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => RequestError::Denied(main.held.pid()),
        _ => RequestError::Io(main.held.pid(), error_text(error)),
    }
}

impl RequestError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRunning => Some("`svcadapt list` shows the services that run".to_owned()),
            Self::Unknown(reason) => reason.hint(),
            Self::Denied(_) => Some("it runs as another user; run this as root".to_owned()),
            Self::NoMonitor => Some("stop it, and start it again".to_owned()),
            Self::NoReload => Some(
                "start it with --exec-reload COMMAND or --reload-signal SIGNAL, or use `svcadapt restart`"
                    .to_owned(),
            ),
            Self::NoHandler(..) => {
                Some("use `svcadapt restart`, or give it --exec-reload COMMAND".to_owned())
            }
            Self::Failed(why) if why == "start-limit-hit" => {
                Some("StartLimitBurst= and StartLimitIntervalSec= limit the starts".to_owned())
            }
            Self::Failed(why) if why == "condition" || why == "assert" => {
                Some("start it with `svcadapt run` when its conditions and assertions hold".to_owned())
            }
            Self::Failed(_) => Some("`svcadapt status` shows its state".to_owned()),
            Self::Io(..) => None,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("not running"),
            Self::Unknown(reason) => reason.fmt(f),
            Self::Denied(pid) => write!(f, "process {pid} may not be signalled: permission denied"),
            Self::NoMonitor => f.write_str("no process stays with it that could restart it"),
            Self::NoReload => f.write_str("it has no command and no signal for a reload"),
            Self::NoHandler(pid, name) => {
                write!(f, "process {pid} has no handler for {name}, which would end it")
            }
            Self::Failed(why) if why.is_empty() => f.write_str("the service has not done it"),
            Self::Failed(why) => write!(f, "the service has ended ({why})"),
            Self::Io(pid, cause) => write!(f, "process {pid}: {cause}"),
        }
    }
}

impl std::error::Error for RequestError {}
