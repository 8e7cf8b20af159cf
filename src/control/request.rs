//! Restart, reload and signal of a running service.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, io};

use svcadapt_spec::{Output, ServiceSpec, ServiceType, SignalName};

use super::monitor::{AskError, HeldMonitor};
use super::service::{KnownService, RunningService, ServiceState};
use super::status::MonitorStatus;
use super::{ServiceRef, UnknownReason, service, spec};
use crate::launch::{ReloadFailure, Unattended, probes_again};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{error_text, procfs, signal};

/// How long a monitor may take to restart or reload a service, beyond the service's own timeouts.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// Why a request to a running service has failed. It prints as the cause alone; [`RequestError::hint`] is the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The service is not running.
    NotRunning,
    /// The service has no main process now. Where it is in its life, in systemd's words (systemctl(1)): `auto-restart`,
    /// `start-pre`, `exited`. Empty if its monitor does not answer.
    NoMainProcess(String),
    /// The service's state cannot be determined.
    Unknown(UnknownReason),
    /// The caller may not signal this process.
    Denied(i32),
    /// No process of svcadapt stays with the service, which could do it.
    NoMonitor,
    /// The service has nothing that reloads it: neither `ExecReload=` nor `ReloadSignal=`.
    NoReload,
    /// The program holds its log file open itself, and has no `ReopenSignal=`; or its output goes to no file, but there.
    NoReopen(Option<String>),
    /// This process has no handler for the signal, which would end it.
    NoHandler(i32, String),
    /// A command of `ExecReload=` has failed: which one, and how.
    Command(String),
    /// After a reload the service was not ready again in time: the probes that do not hold.
    NotReady(String),
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

/// Reloads the configuration of a service: by its monitor, which runs `ExecReload=` and waits, or by its reload signal. It has
/// ended when the probes of the service hold again, within its start timeout.
///
/// # Errors
///
/// [`RequestError::NoHandler`] if the signal would end the program, because it has no handler for it (proc(5), `SigCgt`).
pub fn reload(target: &ServiceRef) -> Result<(), RequestError> {
    let (lock, main) = running(service::find(target))?;
    let spec = spec::of(&lock);
    let signal = spec.as_ref().and_then(reload_signal);
    let by_command = spec.as_ref().is_some_and(|spec| !spec.commands.reload.is_empty());
    if let Some(number) = signal.filter(|_| !by_command) {
        check_handler(main_process(&lock, &main)?, number)?;
    }
    match ask(&lock, &main, "reload") {
        Err(RequestError::NoMonitor) => {}
        // `ExecReload=` also runs for a service whose program has ended (`RemainAfterExit=`), but not between two starts.
        Err(RequestError::Failed(why)) if main.main().is_none() && (by_command || signal.is_some()) => {
            let phase = phase(&lock, &main);
            return Err(if phase == "exited" {
                RequestError::Failed(why)
            } else {
                RequestError::NoMainProcess(phase)
            });
        }
        Err(RequestError::Failed(_)) if signal.is_none() && !by_command => {
            return Err(RequestError::NoReload);
        }
        asked => return asked,
    }
    match (spec, signal) {
        (Some(spec), _) if by_command || signal.is_some() && probes_again(&spec).next().is_some() => {
            reload_by_spec(&lock, &main, &spec)
        }
        (_, signal) => send(&main, signal.ok_or(RequestError::NoReload)?),
    }
}

/// Makes a service write into a new log file, because the old one was moved away: by its monitor, which writes the file, or
/// by its reopen signal.
///
/// # Errors
///
/// [`RequestError::NoReopen`] if the program has the file open itself, and no signal is known that makes it open the new one.
pub fn reopen(target: &ServiceRef) -> Result<(), RequestError> {
    let (lock, main) = running(service::find(target))?;
    let Some(spec) = spec::of(&lock) else { return Err(RequestError::NoReopen(None)) };
    if let Some(name) = spec.log_file.reopen_signal {
        let missing = || RequestError::Io(main.record.pid, format!("this system has no {name}"));
        let number = signal::number(&name.to_string()).ok_or_else(missing)?;
        let process = main_process(&lock, &main)?;
        check_handler(process, number)?;
        send(&main, number)?;
        if !spec.log_file.has_pipe() {
            return Ok(());
        }
    }
    match &spec.standard_output {
        _ if spec.log_file.has_pipe() => ask(&lock, &main, "reopen"),
        None | Some(Output::File(..)) => Err(RequestError::NoReopen(None)),
        Some(output) => Err(RequestError::NoReopen(Some(output.to_string()))),
    }
}

/// Reloads a service with which no process stays, and waits for its end.
fn reload_by_spec(lock: &Path, main: &RunningService, spec: &ServiceSpec) -> Result<(), RequestError> {
    let service = Unattended { spec, lock: Some(lock), record: &main.record, main: &main.held };
    match service.reload() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(ReloadFailure::Step(failure))) => Err(RequestError::Command(failure.to_string())),
        Ok(Err(ReloadFailure::NotReady(missing))) => Err(RequestError::NotReady(missing)),
        Ok(Err(ReloadFailure::Ended)) => Err(RequestError::Failed(String::new())),
        Err(error) => Err(of(main, &error)),
    }
}

/// Sends a signal to the main process of a service.
///
/// # Errors
///
/// [`RequestError::Denied`] if the caller may not signal it.
pub fn send_signal(target: &ServiceRef, name: SignalName) -> Result<(), RequestError> {
    let (lock, main) = running(service::find(target))?;
    main_process(&lock, &main)?;
    let number = signal::number(&name.to_string());
    let missing = || RequestError::Io(main.record.pid, format!("this system has no {name}"));
    send(&main, number.ok_or_else(missing)?)
}

/// The main process. The monitor is no substitute: a signal would end or disturb it.
fn main_process<'a>(lock: &Path, service: &'a RunningService) -> Result<&'a ProcessHandle, RequestError> {
    service.main().ok_or_else(|| RequestError::NoMainProcess(phase(lock, service)))
}

/// Where the service is in its life, as its monitor says.
fn phase(lock: &Path, service: &RunningService) -> String {
    MonitorStatus::of(lock, &service.record).map(|status| status.phase).unwrap_or_default()
}

fn reload_signal(spec: &ServiceSpec) -> Option<i32> {
    let notifies = spec.service_type == Some(ServiceType::NotifyReload);
    let name = spec.reload_signal.or(notifies.then_some(SignalName::HUP))?;
    signal::number(&name.to_string())
}

/// The signal's default action may end the program. Without /proc nothing is known.
fn check_handler(main: &ProcessHandle, number: i32) -> Result<(), RequestError> {
    let Ok(status) = procfs::status(main.pid()) else { return Ok(()) };
    if status.caught.contains(number) || status.ignored.contains(number) || status.blocked.contains(number) {
        return Ok(());
    }
    Err(RequestError::NoHandler(main.pid(), signal::name(number)))
}

fn send(main: &RunningService, number: i32) -> Result<(), RequestError> {
    match main.held.send(number) {
        Ok(true) => Ok(()),
        Ok(false) => Err(RequestError::NotRunning),
        Err(error) => Err(of(main, &error)),
    }
}

fn running(service: KnownService) -> Result<(PathBuf, RunningService), RequestError> {
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
fn ask(lock: &Path, main: &RunningService, request: &str) -> Result<(), RequestError> {
    let monitor = HeldMonitor::of(lock, &main.record).map_err(|error| of(main, &error))?;
    let monitor = monitor.ok_or(RequestError::NoMonitor)?;
    // A suspended monitor (SIGSTOP) would not answer.
    let _ = monitor.held.send(signal::SIGCONT);
    match monitor.ask(lock, request, Instant::now().checked_add(ANSWER_TIMEOUT)) {
        Ok(answer) if answer.starts_with("ok") => Ok(()),
        Ok(answer) => Err(match answer.split_once(' ') {
            Some(("step", failure)) => RequestError::Command(failure.to_owned()),
            Some(("unready", missing)) => RequestError::NotReady(missing.to_owned()),
            Some((_, why)) => RequestError::Failed(why.to_owned()),
            None => RequestError::Failed(String::new()),
        }),
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
            Self::NoReopen(None) => Some(
                "start it with --reopen-signal SIGNAL, use `svcadapt reload`, or copytruncate in logrotate.conf".to_owned(),
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
            Self::NoMainProcess(_) | Self::Failed(_) => Some("`svcadapt status` shows its state".to_owned()),
            Self::NotReady(_) => Some("it goes on; `svcadapt logs` shows what it says".to_owned()),
            Self::NoReopen(Some(_)) | Self::Command(_) | Self::Io(..) => None,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("not running"),
            Self::NoMainProcess(phase) if phase.is_empty() => f.write_str("it has no main process now"),
            Self::NoMainProcess(phase) => write!(f, "it has no main process now ({phase})"),
            Self::Unknown(reason) => reason.fmt(f),
            Self::Denied(pid) => write!(f, "process {pid} may not be signalled: permission denied"),
            Self::NoMonitor => f.write_str("no process stays with it that could restart it"),
            Self::NoReload => f.write_str("it has no command and no signal for a reload"),
            Self::NoHandler(pid, name) => {
                write!(f, "process {pid} has no handler for {name}, which would end it")
            }
            Self::NoReopen(None) => {
                f.write_str("its program has the log file open, and no signal to open it again is known")
            }
            Self::NoReopen(Some(output)) => write!(f, "its output goes to no log file: it is {output}"),
            Self::Command(failure) => f.write_str(failure),
            Self::NotReady(missing) => write!(f, "not ready again in time, still missing: {missing}"),
            Self::Failed(why) if why.is_empty() => f.write_str("the service has not done it"),
            Self::Failed(why) => write!(f, "the service has ended ({why})"),
            Self::Io(pid, cause) => write!(f, "process {pid}: {cause}"),
        }
    }
}

impl std::error::Error for RequestError {}
