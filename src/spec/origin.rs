//! Where a value came from, and what is wrong with it.

use std::fmt;
use std::path::PathBuf;

use super::Field;
use super::Refusal;

/// Where a value was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Option,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// One thing that is wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field that it is about; none where a field is missing or the command is meant.
    pub field: Option<Field>,
    /// What was written, as far as it can be shown.
    pub value: Option<String>,
    /// Where it was written; none where nothing was.
    pub origin: Option<Origin>,
    /// Why it cannot be.
    pub refusal: Refusal,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.field) {
            (Some(Origin::File { path, line }), _) => write!(f, "{}:{line}", path.display())?,
            (_, Some(field)) => write!(f, "--{}", field.option())?,
            (_, None) => write!(f, "spec")?,
        }
        if let Some(value) = &self.value {
            write!(f, " '{}'", value.escape_debug())?;
        }
        write!(f, ": {}", self.refusal.cause)?;
        match &self.refusal.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
