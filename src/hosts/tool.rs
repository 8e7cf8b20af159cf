//! The tools of the managers: found in fixed directories, run with a clean environment and for a limited time.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{error_text, run_within};

/// Where tools are looked for: `PATH` comes from the caller, and decides nothing as root.
const FOLDERS: [&str; 8] = [
    "/usr/bin",
    "/bin",
    "/usr/sbin",
    "/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/command",
    "/run/current-system/sw/bin",
];

/// How long a tool may take that only answers.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How many lines of a tool's output a message shows.
const MAX_LINES: usize = 5;

/// A command of a manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tool {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    limit: Duration,
}

/// What a tool has done.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// What it wrote to both streams.
    pub(crate) output: String,
}

impl Tool {
    /// A program by its name, or by its path.
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), variables: Vec::new(), limit: ANSWER_TIMEOUT }
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Passes on these variables of the caller.
    pub(crate) fn with_variables(mut self, names: &[&'static str]) -> Self {
        self.variables.extend(names.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
        self
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &'static str, value: OsString) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The first argument: what the tool is asked for.
    pub(crate) fn word(&self) -> &OsStr {
        self.arguments.first().map(OsString::as_os_str).unwrap_or_default()
    }

    /// The command line, for messages.
    pub(crate) fn line(&self) -> String {
        let mut line = self.program.to_string_lossy().into_owned();
        for argument in &self.arguments {
            // Writing to a String cannot fail.
            let _ = write!(line, " {}", argument.to_string_lossy());
        }
        line
    }

    /// The command, to be executed in place of this process. `None` if its program is not installed.
    pub(crate) fn command(&self) -> Option<Command> {
        let mut command = Command::new(found(&self.program)?);
        command.env_clear().env("PATH", FOLDERS.join(":")).envs(self.variables.iter().cloned());
        command.args(&self.arguments);
        Some(command)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Result<Finished, StepError> {
        let failed = |cause: String| StepError::new(self.line(), cause).status(1);
        let mut command = self.command().ok_or_else(|| failed("not installed".to_owned()))?;
        match run_within(&mut command, self.limit) {
            Ok((status, output)) => {
                Ok(Finished { status, output: String::from_utf8_lossy(&output).into_owned() })
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let cause = format!("no answer within {} s", self.limit.as_secs());
                Err(failed(cause).hint("the manager is busy or hangs; try again when it answers"))
            }
            Err(error) => Err(failed(error_text(&error))),
        }
    }

    /// Runs it to its end, which must be a success.
    pub(crate) fn succeed(&self) -> Result<Finished, StepError> {
        let finished = self.run()?;
        if finished.status.success() { Ok(finished) } else { Err(self.failure(&finished)) }
    }

    /// The failure of this tool, with the last lines of its output.
    pub(crate) fn failure(&self, finished: &Finished) -> StepError {
        let lines: Vec<&str> = finished.output.lines().filter(|line| !line.trim().is_empty()).collect();
        let mut error = StepError::new(self.line(), finished.status.to_string()).status(1);
        error.output = lines.iter().rev().take(MAX_LINES).rev().map(|line| (*line).to_owned()).collect();
        error
    }
}

/// Whether a tool is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    found(OsStr::new(program)).is_some()
}

fn found(program: &OsStr) -> Option<PathBuf> {
    // A path replaces the folder.
    FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists())
}
