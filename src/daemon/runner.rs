//! `start`, `stop`, `restart` and `status` from the program's own command line, as init scripts have them.

use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::process::ExitCode;

use svcadapt_spec::ServiceSpec;

use super::launcher::report_error;
use super::{Daemon, Error, Service, is_reexec};
use crate::control;
use crate::control::{ServiceRef, State, Stopped};
use crate::error::StepError;
use crate::sys::escape_control;

/// A program that is told on its command line whether to start or to stop.
///
/// What `DaemonRunner` was for python-daemon, with what it lacked: `stop` waits until the service has ended, never signals
/// a process that is not the service, and whatever is said is said by the exit status too (LSB, "Init Script Actions").
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

/// It does not run (LSB, status of an init script).
const NOT_RUNNING: u8 = 3;
/// It has ended and left a pid file or a record.
const DEAD: u8 = 1;
/// Nobody can say.
const UNKNOWN: u8 = 4;
/// It could not be stopped.
const NOT_STOPPED: u8 = 1;

impl<'fd> Runner<'fd> {
    /// For this service, which has to have a name or a pid file: without one, nobody could find it again.
    pub fn new(daemon: Daemon<'fd>) -> Self {
        Self { daemon }
    }

    /// Does what the first argument says. `start` and `restart` enter, and go on with `body` in the service's process.
    /// `restart` stops nothing where it can be known before that the start would fail ([`Daemon::plan`]).
    ///
    /// Any other word, none, and more than one, are told on standard error, with status 2; so is a service that has
    /// neither a name nor a pid file, whatever the word. `status` is 0 where it runs, 1 where it has ended and left a pid file
    /// or a record, 3 where it does not run, and 4 where nobody can say; `stop` of what does not run is a success, and 1
    /// says that it could not be stopped; `start` of what runs is 250. `stop` gives it the time that it was started with
    /// ([`Daemon::timeout_stop`]).
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
            // What ran has been stopped; what may run by now is not what was meant.
            "restart" if is_reexec() => self.start(body),
            "stop" => self
                .target()
                .and_then(|target| stop(&target, Loud::Yes))
                .unwrap_or_else(|error| report_error(&error)),
            // What can be known to be wrong is no reason to end what runs.
            "restart" => match self.daemon.plan().and_then(|_| stop(&self.target()?, Loud::No)) {
                Ok(_) => self.start(body),
                Err(error) => report_error(&error),
            },
            "status" => self.target().map_or_else(|error| report_error(&error), |target| status(&target)),
            _ => {
                let given = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
                let failure = if words.is_empty() {
                    StepError::bare("command", "none was given", super::USAGE)
                } else {
                    StepError::about("command", given, "this is none", super::USAGE)
                };
                report_error(&Error::Refused(vec![failure.hint("start, stop, restart and status are")]))
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
                let cause = "without a name or a pid file it cannot be found";
                let failure = StepError::bare("daemon", cause, super::USAGE);
                Err(Error::Refused(vec![failure.hint("name gives it one")]))
            }
        }
    }
}

/// Whether a success is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loud {
    Yes,
    No,
}

fn stop(target: &ServiceRef, loud: Loud) -> Result<ExitCode, Error> {
    let stopped = control::stop(target, None).map_err(|unstopped| {
        let failure = StepError::about("stop", target.to_string(), unstopped.to_string(), NOT_STOPPED);
        Error::Refused(vec![StepError { hint: unstopped.hint(), ..failure }])
    })?;
    if loud == Loud::Yes {
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
        State::Running(pid, _) => (format!("running, process {pid}"), 0),
        State::Dead(_) => ("dead".to_owned(), DEAD),
        State::NotRunning => ("not running".to_owned(), NOT_RUNNING),
        State::Unknown(doubt) => (format!("unknown, {doubt}"), UNKNOWN),
    };
    say(target, &text);
    ExitCode::from(status)
}

fn say(target: &ServiceRef, text: &str) {
    // Whoever asks and does not listen has the status.
    let line = escape_control(&format!("{target}: {text}"));
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
}
