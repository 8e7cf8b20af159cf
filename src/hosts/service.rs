//! A service in the hands of a manager.

use std::fmt;
use std::io;
use std::process::Command;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{LogQuery, ProcessHandle, error_text, signal};
use svcadapt_spec::SignalName;

use super::settle::{settle, wait_until};
use super::tool::Tool;
use super::{HostState, Operation, RunPhase};

/// A service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Host {
    /// systemd, as process 1 or as a user's manager.
    Systemd,
    /// launchd of macOS.
    Launchd,
    /// `OpenRC`, with or without supervise-daemon.
    OpenRc,
    /// runit.
    Runit,
    /// s6.
    S6,
    /// daemontools.
    Daemontools,
    /// supervisord.
    Supervisord,
    /// Init scripts of System V.
    SysV,
}

impl Host {
    /// Those with which services are installed. (Daemontools and supervisord have no place for services of others.)
    pub const INSTALLS: [Self; 6] =
        [Self::Systemd, Self::Launchd, Self::OpenRc, Self::Runit, Self::S6, Self::SysV];

    /// Its name, one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::OpenRc => "openrc",
            Self::Runit => "runit",
            Self::S6 => "s6",
            Self::Daemontools => "daemontools",
            Self::Supervisord => "supervisord",
            Self::SysV => "sysv",
        }
    }
}

/// What a manager does with one of its services.
pub(crate) trait Managed: fmt::Debug {
    fn host(&self) -> Host;

    /// What the manager calls it: a unit, a label, a directory, a name.
    fn address(&self) -> String;

    /// The commands that do this, in order. Empty if the manager has no such operation.
    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool>;

    /// Runs one of the commands to its end.
    fn run(&self, tool: &Tool, _limit: Duration) -> Result<(), StepError> {
        tool.succeed().map(drop)
    }

    /// What the manager says of it.
    fn state(&self) -> Result<HostState, StepError>;

    /// Whether the commands return before this is done, so that the state has to be waited for.
    fn returns_early(&self, _action: Operation) -> bool {
        false
    }

    /// How long it may take after the commands, of which the last one had this limit.
    fn settle_limit(&self, limit: Duration) -> Duration {
        limit
    }

    /// Whether it is the service of a program that describes itself, of which svcadapt knows nothing.
    fn is_foreign(&self) -> bool {
        false
    }

    /// The command that sends a signal to its main process, if the manager has one.
    fn signal_command(&self, _signal: SignalName) -> Option<Tool> {
        None
    }

    /// The command that prints its log, if the manager keeps it.
    fn log_command(&self, _query: &LogQuery) -> Option<Command> {
        None
    }

    /// Whether this process is a part of it: a command of the service that asks its own manager would wait for itself.
    fn contains_this_process(&self) -> bool;
}

/// Exit statuses of the LSB: the rights do not suffice; it does not run.
const DENIED: u8 = 4;
const NOT_RUNNING: u8 = 7;

/// A service in the hands of a manager.
#[derive(Debug)]
pub struct ManagedService(pub(crate) Box<dyn Managed>);

impl ManagedService {
    pub(crate) fn new(managed: impl Managed + 'static) -> Self {
        Self(Box::new(managed))
    }

    /// Its manager.
    pub fn host(&self) -> Host {
        self.0.host()
    }

    /// What the manager calls it: `web.service`, `system/org.example.web`, `/run/service/web`.
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// What the manager says of it.
    ///
    /// # Errors
    ///
    /// The manager's tool is not installed, fails, or does not answer within 10 s.
    pub fn state(&self) -> Result<HostState, StepError> {
        self.0.state()
    }

    /// Whether the manager has this operation.
    pub fn has(&self, operation: Operation) -> bool {
        !self.0.commands(operation, Duration::ZERO).is_empty()
    }

    /// Asks the manager, and waits at most `limit` until it is done.
    ///
    /// # Errors
    ///
    /// The manager has no such operation, its tool fails, or it is not done in time; with the last lines of the tool.
    pub fn perform(&self, operation: Operation, limit: Duration) -> Result<(), StepError> {
        let commands = self.0.commands(operation, limit);
        if commands.is_empty() {
            let cause = format!("{} has no {}", self.host().name(), operation.name());
            return Err(StepError::new(operation.name(), cause).of(self.address()).status(1));
        }
        let before = if self.0.returns_early(operation) { Some(self.state()?) } else { None };
        for tool in &commands {
            self.0.run(tool, limit)?;
        }
        before
            .map_or(Ok(()), |before| settle(self.0.as_ref(), operation, &before, self.0.settle_limit(limit)))
    }

    /// Sends a signal to its main process: by the manager, else to the process that the manager names.
    ///
    /// # Errors
    ///
    /// It does not run (exit status 7, as of the LSB), the manager names no process, or it may not be signalled (4).
    pub fn send_signal(&self, signal: SignalName) -> Result<(), StepError> {
        let failed =
            |cause: &str, status: u8| StepError::new("signal", cause).of(self.address()).status(status);
        let state = self.state()?;
        if state.phase.is_over() {
            return Err(failed("it does not run", NOT_RUNNING));
        }
        // The pid file of a script may be in a directory of the service's user, who could name any process.
        if self.is_foreign() {
            let hint = "`svcadapt stop --pid-file FILE --exec PROGRAM` proves the process that it stops";
            return Err(failed("an init script proves no process that could be signalled", 1).hint(hint));
        }
        if let Some(tool) = self.0.signal_command(signal) {
            return tool.succeed().map(drop);
        }
        let io = |error: io::Error| {
            let status = if error.kind() == io::ErrorKind::PermissionDenied { DENIED } else { 1 };
            failed(&error_text(&error), status)
        };
        let Some(pid) = state.pid else {
            let hint = "`ps` shows its processes; signal the right one";
            return Err(failed("its manager names no main process", 1).hint(hint));
        };
        let number = signal::number(&signal.to_string())
            .ok_or_else(|| failed(&format!("this system has no {signal}"), 1))?;
        let held = ProcessHandle::open(pid).map_err(io)?;
        // The handle is that of the service only if the manager still names this process.
        let held = held.filter(|_| self.state().is_ok_and(|now| now.pid == Some(pid)));
        let held = held.ok_or_else(|| failed("its main process has just ended", NOT_RUNNING))?;
        if held.send(number).map_err(io)? {
            Ok(())
        } else {
            Err(failed("its main process has just ended", NOT_RUNNING))
        }
    }

    /// Waits until it has reached a phase, and returns the phase that it is in then, or after `limit` (`None`: no limit).
    ///
    /// # Errors
    ///
    /// As [`ManagedService::state`].
    pub fn wait_for(
        &self,
        is_reached: impl Fn(&RunPhase) -> bool,
        limit: Option<Duration>,
    ) -> Result<RunPhase, StepError> {
        let mut last = self.state()?.phase;
        let mut failure = None;
        let looked = || {
            match self.state() {
                Ok(state) => last = state.phase,
                Err(error) => failure = Some(error),
            }
            failure.is_some() || is_reached(&last)
        };
        wait_until(limit.unwrap_or(Duration::MAX), looked);
        failure.map_or(Ok(last), Err)
    }

    /// The command that prints its log in place of this process. `None` if the manager keeps no log.
    pub fn log_command(&self, query: &LogQuery) -> Option<Command> {
        self.0.log_command(query)
    }

    /// Whether it is the service of an init script that does not use svcadapt.
    pub fn is_foreign(&self) -> bool {
        self.0.is_foreign()
    }

    /// Whether this process is a part of the service.
    pub fn contains_this_process(&self) -> bool {
        self.0.contains_this_process()
    }
}

impl fmt::Display for ManagedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.host().name(), self.address())
    }
}
