//! What a service is, right now.

use std::path::PathBuf;
use std::time::Duration;

use super::service::ServiceState;
use super::{ServiceRef, UnknownReason, service};
use crate::registry::pid_file;
use crate::sys::{error_text, process};

/// What is known of a service. Asking changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name; none where it has only a pid file.
    pub name: Option<String>,
    /// Whether it runs.
    pub state: State,
    /// Its program.
    pub program: Option<PathBuf>,
    /// Its pid file, and what stands in it.
    pub pid_file: Option<PidFile>,
    /// The file of its lock.
    pub lock: Option<PathBuf>,
}

/// Whether a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As this process, for so long; none where `/proc` does not say.
    Running(i32, Option<Duration>),
    /// It has ended without being stopped, and left a record or a pid file. It was this process, if that is known.
    Dead(Option<i32>),
    /// It does not, and has left nothing behind; or nobody has ever heard of it.
    NotRunning,
    /// Nobody can say.
    Unknown(UnknownReason),
}

/// A pid file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it tells the truth.
    pub content: PidFileContent,
}

/// What a pid file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PidFileContent {
    /// The process of the service.
    Truth,
    /// Another process.
    Other(i32),
    /// Nothing: it is not there, or there is no number in it.
    Nothing,
    /// We cannot read it, for this reason.
    Unreadable(String),
}

/// Looks at a service.
pub fn status(target: &ServiceRef) -> Status {
    let service = service::find(target);
    let record = service.record();
    let pid = record.map(|record| record.pid);
    let asked = match target {
        ServiceRef::Name(_) => None,
        ServiceRef::PidFile(path) => Some(path.as_path().to_owned()),
    };
    let pid_file = record.and_then(|record| record.pid_file.clone()).or(asked);
    Status {
        name: service.name(),
        program: record.map(|record| record.program.clone()),
        pid_file: pid_file.map(|path| PidFile { content: content(&path, pid), path }),
        state: match &service.state {
            ServiceState::Running(main) => {
                State::Running(main.record.pid, main.record.start_time.and_then(age))
            }
            ServiceState::Dead(record) => State::Dead(Some(record.pid)),
            ServiceState::Leftovers(_, left) => State::Unknown(UnknownReason::Leftovers(left.all())),
            ServiceState::StalePidFile(pid) => State::Dead(*pid),
            ServiceState::Absent => State::NotRunning,
            ServiceState::Unknown(reason) => State::Unknown(reason.clone()),
        },
        lock: service.lock,
    }
}

fn content(path: &std::path::Path, pid: Option<i32>) -> PidFileContent {
    match pid_file::read(path) {
        Ok(Some(named)) if pid.is_none_or(|pid| pid == named) => PidFileContent::Truth,
        Ok(Some(named)) => PidFileContent::Other(named),
        Ok(None) => PidFileContent::Nothing,
        Err(error) => PidFileContent::Unreadable(error_text(&error)),
    }
}

fn age(start_time: u64) -> Option<Duration> {
    process::age(start_time).ok()
}
