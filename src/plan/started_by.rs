//! Who has prepared the process that was started.

use crate::detect::{Detection, Manager};

/// Whether a service manager has prepared this process; it selects the defaults of unset fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedBy {
    /// A service manager has: the inherited state (umask, environment, ...) is intended and kept.
    Manager,
    /// No manager: the inherited state is untrusted and reset.
    Nobody,
}

impl StartedBy {
    /// Derives it from the detected manager.
    pub fn of(detection: &Detection) -> Self {
        if detection.manager == Manager::None { Self::Nobody } else { Self::Manager }
    }
}
