//! What went wrong, as people are told.

use std::fmt;

use crate::sys::{escape_control, escape_control_lines};

/// One failure: what failed, of what, why, and where there is one the cure.
///
/// It prints as `STAGE 'OBJECT': CAUSE`, and then, on a line of its own, `  hint: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// What was being done, in a word or two: `working directory`, `user`, `exec`.
    pub stage: String,
    /// What it was being done to: a path, a name.
    pub object: Option<String>,
    /// Why it failed, in words.
    pub cause: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// What the program that it is about had to say: its last lines. Of a file: the line and a caret.
    pub output: Vec<String>,
    /// The exit status that says the same to a script.
    pub status: u8,
    /// The kernel's number for the cause (errno(3)), where it was the kernel that refused.
    pub errno: Option<i32>,
}

/// The exit status of a usage error, or of a spec that cannot be run.
pub const USAGE: u8 = 2;

impl StepError {
    /// A failure with no object and no hint, and the status of a usage error.
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

    /// The same failure, of this object.
    #[must_use]
    pub fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// The same failure, with this cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, with this exit status.
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
        // The lines are the program's, and may be an enemy's: a terminal must not obey them.
        self.output.iter().try_for_each(|line| write!(f, "\n  | {}", escape_control(line)))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", escape_control_lines(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StepError {}
