//! What s6, runit and daemontools have in common: one supervising process for each service directory, which is its working
//! directory.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use svcadapt::detect::Manager;
use svcadapt::internal::{Supervisor, own_pid, supervisor_of};

/// A service directory and its supervising process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    supervisor: i32,
}

impl Directory {
    /// The directory of a supervising process. `None` if it may not be looked at.
    pub(crate) fn of(supervisor: &Supervisor) -> Option<Self> {
        let path = fs::read_link(format!("/proc/{}/cwd", supervisor.pid)).ok()?;
        Some(Self { path, supervisor: supervisor.pid })
    }

    /// Whether its service has this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.path.file_name().is_some_and(|own| own == name)
    }

    pub(crate) fn address(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn contains_this_process(&self) -> bool {
        supervisor_of(own_pid()).is_some_and(|own| own.pid == self.supervisor)
    }

    /// Whether it is started at boot: the directory has no file `down`.
    pub(crate) fn is_enabled(&self) -> bool {
        !self.path.join("down").exists()
    }
}

/// Whether this is a supervisor with one directory.
pub(crate) fn has_directory(supervisor: &Supervisor) -> bool {
    matches!(supervisor.manager, Manager::S6 | Manager::Runit | Manager::Daemontools)
}

/// A number of whole seconds for a tool's option, at least one.
pub(crate) fn seconds(limit: Duration) -> String {
    limit.as_secs().max(1).to_string()
}
