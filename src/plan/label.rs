//! What messages and plans show of a step.

use std::fmt;
use std::path::Path;

/// A step in messages and plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub stage: &'static str,
    /// Its argument. `None` if it has none.
    pub object: Option<String>,
    /// The exit status if it fails: systemd's number for the same step (systemd.exec(5), process exit codes).
    pub status: u8,
}

impl Label {
    /// The label of a step without an argument.
    pub(super) fn new(stage: &'static str, status: u8) -> Self {
        Self { stage, object: None, status }
    }

    /// The same with an argument.
    pub(super) fn of(self, object: &impl ToString) -> Self {
        Self { object: Some(object.to_string()), ..self }
    }

    /// The lock of the single instance: it is taken by the process that becomes the program; for a program that forks
    /// itself into the background, by the launcher.
    pub fn lock(path: &Path) -> Self {
        Self::new("lock", 251).of(&path.display())
    }

    /// A session of its own: the intermediate process of a classic daemon creates it, else the process that becomes the
    /// program.
    pub(super) fn new_session() -> Self {
        Self::new("new session", 220)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{} {object}", self.stage),
            None => f.write_str(self.stage),
        }
    }
}
