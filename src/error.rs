//! The error type of a failed step.

use std::io::Write;
use std::{fmt, io};

use crate::sys::{escape_control, escape_control_lines};

/// A failed step: what failed, why, and what to do about it.
///
/// It prints as `STAGE 'OBJECT': CAUSE`, followed by a line `  hint: …` if there is a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepError {
    /// The step: `working directory`, `user`, `exec`.
    pub stage: String,
    /// The object of the step: a path or a name.
    pub object: Option<String>,
    /// The cause.
    pub cause: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// The last lines of the program's standard error; for an error in a file, the line and a caret.
    pub output: Vec<String>,
    /// The exit status.
    pub status: u8,
    /// The errno(3), if a system call failed.
    pub errno: Option<i32>,
}

/// The exit status of a usage error or an invalid spec.
pub const USAGE: u8 = 2;

/// Prints a message on standard error, which is the log of the manager or the terminal. A failed write does not stop a start.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().write_all(format!("svcadapt: {text}\n").as_bytes());
}

impl StepError {
    /// An error without object and hint, with the exit status of a usage error.
    pub fn new(stage: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            stage: stage.into(),
            object: None,
            cause: cause.into(),
            hint: None,
            output: Vec::new(),
            status: USAGE,
            errno: None,
        }
    }

    /// Sets the object.
    #[must_use]
    pub fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the exit status.
    #[must_use]
    pub fn status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape_control(&self.stage))?;
        if let Some(object) = &self.object {
            write!(f, " '{}'", escape_control(object))?;
        }
        write!(f, ": {}", escape_control_lines(&self.cause))?;
        // The lines are untrusted output of the program: control characters must not reach the terminal.
        self.output.iter().try_for_each(|line| write!(f, "\n  | {}", escape_control(line)))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", escape_control_lines(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StepError {}
