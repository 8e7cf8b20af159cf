//! The commands `start`, `stop`, `restart` and `status` of an init script, on the program's own command line.

use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::process::ExitCode;

use svcadapt_spec::ServiceSpec;

use super::launcher::report_error;
use super::{Daemon, Error, Service, is_reexec};
use crate::control;
use crate::control::{RunState, ServiceRef, Stopped};
use crate::error::{StepError, USAGE};
use crate::sys::escape_control;

/// A program with the commands `start`, `stop`, `restart` and `status`.
///
/// It replaces python-daemon's `DaemonRunner`. In addition, `stop` waits until the service has ended, only ever signals
/// the service's own process, and every outcome has an exit status (LSB, "Init Script Actions").
///
/// ```no_run
/// use std::process::ExitCode;
/// use svcadapt::Daemon;
/// use svcadapt::daemon::Runner;
///
/// fn main() -> ExitCode {
///     let daemon = Daemon::new().name("clock").pid_file("/run/clock.pid");
///     Runner::new(daemon).run(std::env::args_os().skip(1), |service| match service.ready() {
///         Ok(_) => ExitCode::SUCCESS,
///         Err(error) => service.fail(error),
///     })
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `run`"]
pub struct Runner<'fd> {
    daemon: Daemon<'fd>,
}

/// Not running (LSB, status of an init script).
const NOT_RUNNING: u8 = 3;
/// Dead, and its pid file or record still exists.
const DEAD: u8 = 1;
/// Unknown.
const UNKNOWN: u8 = 4;
/// The service could not be stopped.
const NOT_STOPPED: u8 = 1;

impl<'fd> Runner<'fd> {
    /// A runner for this service. It needs a name or a pid file, so that it can be found again.
    pub fn new(daemon: Daemon<'fd>) -> Self {
        Self { daemon }
    }

    /// Executes the command in the first argument. `start` and `restart` enter and then run `body` in the service's
    /// process. `restart` first checks whether the start can work ([`Daemon::plan`]) and stops nothing if it cannot.
    ///
    /// Exit status of `status`: 0 running, 1 dead with its pid file or record left, 3 not running, 4 unknown. Of
    /// `stop`: 0 stopped or not running, 1 could not be stopped; the timeout is the one of the start
    /// ([`Daemon::timeout_stop`]). Of `start`: 250 if the service is already running. An unknown, missing or surplus
    /// argument, and a service with neither a name nor a pid file, are usage errors: one line on standard error, status
    /// 2.
    pub fn run(
        self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        body: impl FnOnce(Service) -> ExitCode,
    ) -> ExitCode {
        let words: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let word = match words.as_slice() {
            [word] => word.to_str().unwrap_or_default(),
            _ => "",
        };
        match word {
            "start" => match self.target() {
                Ok(_) => self.start(body),
                Err(error) => report_error(&error),
            },
            // The first `main` has stopped the old instance. An instance that runs now was started since.
            "restart" if is_reexec() => self.start(body),
            "stop" => self
                .target()
                .and_then(|target| stop(&target, Announce::Yes))
                .unwrap_or_else(|error| report_error(&error)),
            // A request with errors must not stop the running instance.
            "restart" => match self.daemon.plan().and_then(|_| stop(&self.target()?, Announce::No)) {
                Ok(_) => self.start(body),
                Err(error) => report_error(&error),
            },
            "status" => self.target().map_or_else(|error| report_error(&error), |target| status(&target)),
            _ => {
                let given = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
                let failure = if words.is_empty() {
                    StepError::bare("command", "no command given", USAGE)
                } else {
                    StepError::about("command", given, "unknown command", USAGE)
                };
                report_error(&Error::Refused(vec![failure.hint("use start, stop, restart or status")]))
            }
        }
    }

    fn start(self, body: impl FnOnce(Service) -> ExitCode) -> ExitCode {
        match self.daemon.enter() {
            Ok(service) => body(service),
            Err(error) => report_error(&error),
        }
    }

    fn target(&self) -> Result<ServiceRef, Error> {
        match self.daemon.spec()? {
            ServiceSpec { name: Some(name), .. } => Ok(ServiceRef::Name(name)),
            ServiceSpec { pid_file: Some(path), .. } => Ok(ServiceRef::PidFile(path)),
            _ => {
                let cause = "a service without a name or a pid file cannot be found again";
                let failure = StepError::bare("daemon", cause, USAGE);
                Err(Error::Refused(vec![failure.hint("set a name with name()")]))
            }
        }
    }
}

/// Whether success is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announce {
    Yes,
    No,
}

fn stop(target: &ServiceRef, announce: Announce) -> Result<ExitCode, Error> {
    let stopped = control::stop(target, None).map_err(|unstopped| {
        let failure = StepError::about("stop", target.to_string(), unstopped.to_string(), NOT_STOPPED);
        Error::Refused(vec![StepError { hint: unstopped.hint(), ..failure }])
    })?;
    if announce == Announce::Yes {
        let text = match stopped {
            Stopped::NotRunning => "not running",
            Stopped::Ended { .. } | Stopped::Cleared { .. } => "stopped",
        };
        say(target, text);
    }
    Ok(ExitCode::SUCCESS)
}

fn status(target: &ServiceRef) -> ExitCode {
    let (text, status) = match control::status(target).state {
        RunState::Running(pid, _) => (format!("running, process {pid}"), 0),
        RunState::Dead(_) => ("dead".to_owned(), DEAD),
        RunState::NotRunning => ("not running".to_owned(), NOT_RUNNING),
        RunState::Unknown(doubt) => (format!("unknown, {doubt}"), UNKNOWN),
    };
    say(target, &text);
    ExitCode::from(status)
}

fn say(target: &ServiceRef, text: &str) {
    // A failure to write is ignored: the exit status has the answer.
    let line = escape_control(&format!("{target}: {text}"));
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
}
