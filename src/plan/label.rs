//! What messages and plans show of a step.

use std::fmt;
use std::path::Path;

use svcadapt_spec::Socket;

/// A step in messages and plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLabel {
    /// Its name.
    pub stage: &'static str,
    /// Its argument. `None` if it has none.
    pub object: Option<String>,
    /// The exit status if it fails: systemd's number for the same step (systemd.exec(5), process exit codes).
    pub status: u8,
}

impl StepLabel {
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

    /// A socket: the process that stays with the service opens it, else the process that becomes the program. systemd has no
    /// exit status for a failed socket unit; 202 (EXIT_FDS) concerns passed descriptors.
    pub fn listen(socket: &Socket) -> Self {
        Self::new("listen", 202).of(socket)
    }

    /// The service's control group: the process that stays with the service creates it, else the process that becomes the
    /// program.
    pub(super) fn control_group(path: &Path) -> Self {
        Self::new("control group", 219).of(&path.display())
    }

    /// A session of its own: the intermediate process of a classic daemon creates it, else the process that becomes the
    /// program.
    pub(super) fn new_session() -> Self {
        Self::new("new session", 220)
    }
}

impl fmt::Display for StepLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{} {object}", self.stage),
            None => f.write_str(self.stage),
        }
    }
}
