//! A step that failed.

use std::{fmt, io};

use crate::plan::{Note, Step};
use crate::registry::Unusable;
use crate::sys::{error_text, escape_control, escape_control_lines, processes};

/// What failed, of what, why, and where there is one the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done.
    pub stage: String,
    /// What it was being done to.
    pub object: Option<String>,
    /// Why it failed, in words.
    pub cause: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The exit status that says the same.
    pub status: u8,
    /// The kernel's number for the cause (errno(3)), where it was the kernel that refused.
    pub errno: Option<i32>,
}

/// The exit status of a start that found the service running.
const ALREADY_RUNNING: u8 = 250;
/// The exit status of a pid file that cannot be trusted or written.
pub(super) const PID_FILE: u8 = 251;

impl Failure {
    /// A failure that no step stands for.
    pub fn new(stage: &str, object: impl Into<String>, cause: impl Into<String>, status: u8) -> Self {
        Self {
            stage: stage.into(),
            object: Some(object.into()),
            cause: cause.into(),
            hint: None,
            status,
            errno: None,
        }
    }

    /// The same where the stage says all.
    pub fn bare(stage: &str, cause: impl Into<String>, status: u8) -> Self {
        Self { object: None, ..Self::new(stage, "", cause, status) }
    }

    /// The same, in the kernel's words.
    pub fn kernel(stage: &str, object: impl Into<String>, error: &io::Error, status: u8) -> Self {
        let hint = size_limit(error);
        Self { errno: error.raw_os_error(), hint, ..Self::new(stage, object, error_text(error), status) }
    }

    /// The failure of a step, in our words.
    pub fn of(step: &Step, cause: impl Into<String>) -> Self {
        Self {
            stage: step.stage().into(),
            object: step.object(),
            cause: cause.into(),
            hint: None,
            status: step.status(),
            errno: None,
        }
    }

    /// The failure of a step, in the kernel's words.
    pub fn io(step: &Step, error: &io::Error) -> Self {
        let hint = size_limit(error);
        Self { errno: error.raw_os_error(), hint, ..Self::of(step, error_text(error)) }
    }

    /// The failure of a step for which the directory of the locks cannot be used.
    pub fn unusable(step: &Step, unusable: Unusable) -> Self {
        let Unusable { path, cause, hint, errno } = unusable;
        Self { hint, errno, ..Self::of(step, format!("{}: {cause}", path.display())) }
    }

    /// The same failure, with its cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The failure of a start that found the service running as this process.
    pub fn already_running(what: &str, pid: Option<i32>) -> Self {
        let cause = match pid {
            Some(pid) => format!("already running as process {pid}"),
            None => "already running, as a process of another pid namespace".to_owned(),
        };
        Self::new("start", what, cause, ALREADY_RUNNING)
    }

    /// The failure of a start that found the service's main process ended, and others of it running.
    pub fn left_behind(what: &str, main: i32, left: &[i32]) -> Self {
        let cause = format!(
            "its main process {main} has ended, but {} that it left behind still {}",
            processes(left),
            if left.len() == 1 { "runs" } else { "run" }
        );
        let hint = format!(
            "`svcadapt stop {what}` ends what is left; a program that goes into the background by itself is of --type forking"
        );
        Self::new("start", what, cause, ALREADY_RUNNING).hint(hint)
    }
}

/// What is done without is told as a failure is.
impl From<&Note> for Failure {
    fn from(note: &Note) -> Self {
        let Note { stage, object, cause, hint } = note;
        Self { hint: hint.clone(), ..Self::new(stage, object, cause, PID_FILE) }
    }
}

/// What to do about a file that may not be as long as it has to be.
fn size_limit(error: &io::Error) -> Option<String> {
    (error.kind() == io::ErrorKind::FileTooLarge)
        .then(|| "raise the limit of file sizes for the start (ulimit -f, LimitFSIZE=); --limit-fsize is the program's".into())
}

/// As people are told: `STAGE 'OBJECT': CAUSE`, and then, on a line of its own, `  hint: …`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape_control(&self.stage))?;
        if let Some(object) = &self.object {
            write!(f, " '{}'", escape_control(object))?;
        }
        write!(f, ": {}", escape_control_lines(&self.cause))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", escape_control_lines(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
