//! A program that installs and controls itself: `myprog service install`.

use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svcadapt::internal::effective_user;
use svcadapt::{StepError, USAGE};
use svcadapt_spec::{Restart, Scope, ServiceName, ServiceSpec};

use super::operation::OPERATION_TIMEOUT;
use super::program_files::files;
use super::{
    Installation, Installed, ManagedService, Operation, RunPhase, ServiceManager, StartNow, StartTime,
    installed, uninstall,
};

/// A program as a service of this machine: root's is one of the system, any other user's is one of this user.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use svcadapt::Daemon;
/// use svcadapt_hosts::ProgramService;
///
/// fn main() -> ExitCode {
///     let daemon = Daemon::new().name("myprog");
///     let mut words = std::env::args_os().skip(1);
///     match (words.next(), daemon.spec()) {
///         (Some(word), Ok(spec)) if word == "service" => ProgramService::new(spec).run(words),
///         _ => daemon.run(|service| service.ready().map(drop)),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ProgramService {
    spec: ServiceSpec,
    scope: Scope,
}

impl ProgramService {
    /// The program that describes itself so (`svcadapt::Daemon::spec`). The manager starts the file that runs now.
    /// Without `Restart=` it is started again after a failure.
    pub fn new(mut spec: ServiceSpec) -> Self {
        spec.restart = spec.restart.or(Some(Restart::OnFailure));
        Self { spec, scope: if effective_user() == 0 { Scope::System } else { Scope::User } }
    }

    /// The arguments with which the manager starts it.
    #[must_use]
    pub fn arguments(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.spec.command.arguments = words.into_iter().map(Into::into).collect();
        self
    }

    /// Installs it with the manager of the machine, and has it started at boot, or at login; again, if it has changed.
    ///
    /// # Errors
    ///
    /// As [`Installation::perform`]; the service has no name, or the manager cannot have it as it is described.
    pub fn install(&self, start: StartNow) -> Result<Installed, StepError> {
        let manager = ServiceManager::of_machine(self.scope)?;
        let files = files(&self.spec, manager)?;
        Installation { manager, name: self.name()?, files }.perform(false, start)
    }

    /// Stops it, and removes what [`ProgramService::install`] has installed. What was changed since stays, and is returned.
    ///
    /// # Errors
    ///
    /// As [`uninstall`].
    pub fn uninstall(&self) -> Result<Vec<PathBuf>, StepError> {
        uninstall(self.scope, &self.name()?, false)
    }

    /// The installed service, to be controlled.
    ///
    /// # Errors
    ///
    /// It is not installed, or its manager does not answer.
    pub fn managed(&self) -> Result<ManagedService, StepError> {
        let name = self.name()?;
        let known = self.manager()?.service(&name)?;
        known.ok_or_else(|| not_installed(&name))
    }

    /// Does what these words ask for, and prints what was done: `install [--now]`, `uninstall`, `enable`, `disable`,
    /// `start`, `stop`, `restart`, `status`. The exit status is 0, that of the failure, or for `status` that of the LSB.
    pub fn run(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
        match self.act(&words) {
            Ok((text, status)) => {
                // A closed output does not undo what was done.
                let _ = io::stdout().write_all(text.as_bytes());
                ExitCode::from(status)
            }
            Err(error) => {
                let program = Path::new(&self.spec.command.program).file_name().unwrap_or_default();
                let _ = writeln!(io::stderr(), "{}: {error}", program.display());
                ExitCode::from(error.status)
            }
        }
    }

    fn act(&self, words: &[&str]) -> Result<(String, u8), StepError> {
        let name = self.name()?;
        let done = |word: &str| Ok((format!("{name}: {word}\n"), 0));
        let perform = |operation: Operation, word: &str| {
            self.managed()?.perform(operation, OPERATION_TIMEOUT)?;
            done(word)
        };
        match words {
            ["install"] => Ok((self.report(&self.install(StartNow::No)?)?, 0)),
            ["install", "--now"] => Ok((self.report(&self.install(StartNow::Yes)?)?, 0)),
            ["uninstall"] => {
                let kept = self.uninstall()?;
                let kept =
                    kept.iter().map(|path| format!("kept, because it was changed: {}\n", path.display()));
                Ok((kept.chain([format!("{name}: uninstalled\n")]).collect(), 0))
            }
            ["enable"] => {
                self.manager()?.enable(&name)?;
                done("enabled")
            }
            ["disable"] => {
                self.manager()?.disable(&name)?;
                done("disabled")
            }
            ["start"] => perform(Operation::Start, "started"),
            ["stop"] => perform(Operation::Stop, "stopped"),
            ["restart"] => perform(Operation::Restart, "restarted"),
            ["status"] => self.status(),
            _ => {
                let cause =
                    "the words are install [--now], uninstall, enable, disable, start, stop, restart, status";
                Err(StepError::new("service", cause).of(words.join(" ")).status(USAGE))
            }
        }
    }

    fn report(&self, done: &Installed) -> Result<String, StepError> {
        let when = match (done.enabled, done.starts) {
            (Some(false), _) => "is disabled",
            (_, StartTime::Boot) => "starts at boot",
            (_, StartTime::Login) => "starts at login",
            (_, StartTime::Never) => "is not started at boot",
        };
        let state = if done.phase.is_over() { "not running" } else { done.phase.name() };
        let note = done.note.as_ref().map(|note| format!("{note}\n")).unwrap_or_default();
        Ok(format!("{}: installed, {when}, {state}\n{note}", self.name()?))
    }

    /// The state in one line, and the status of the LSB: 0 it runs, 1 it has failed, 3 it does not run.
    fn status(&self) -> Result<(String, u8), StepError> {
        let name = self.name()?;
        let Some(managed) = self.manager()?.service(&name)? else {
            return Ok((format!("{name}: not installed\n"), NOT_RUNNING));
        };
        let state = managed.state()?;
        let pid = state.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        Ok(match &state.phase {
            RunPhase::Failed(why) => (format!("{name}: failed: {why} ({managed})\n"), FAILED),
            RunPhase::Stopped => (format!("{name}: not running ({managed})\n"), NOT_RUNNING),
            phase => (format!("{name}: {}{pid} ({managed})\n", phase.name()), 0),
        })
    }

    /// The manager that it is installed with, else that of the machine.
    fn manager(&self) -> Result<ServiceManager, StepError> {
        installed(self.scope, &self.name()?)?.map_or_else(|| ServiceManager::of_machine(self.scope), Ok)
    }

    fn name(&self) -> Result<ServiceName, StepError> {
        self.spec.name.clone().ok_or_else(|| {
            StepError::new("service", "the program has given it no name").hint("`Daemon::name` sets one")
        })
    }
}

/// Exit status of `status` (LSB): dead.
const FAILED: u8 = 1;
/// Exit status of `status` (LSB): not running.
const NOT_RUNNING: u8 = 3;
/// Exit status (LSB): the program is not installed.
const NOT_INSTALLED: u8 = 5;

fn not_installed(name: &ServiceName) -> StepError {
    StepError::new("service", "it is not installed")
        .of(name.to_string())
        .hint("`service install` installs it")
        .status(NOT_INSTALLED)
}
