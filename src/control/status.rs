//! The status of a service.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::monitor::HeldMonitor;
use super::service::ServiceState;
use super::{ServiceRef, UnknownReason, service};
use crate::registry::{Record, pid_file};
use crate::sys::{error_text, process};

/// The status of a service. Reading it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name. `None` if it has only a pid file.
    pub name: Option<String>,
    /// Its state.
    pub state: State,
    /// Its program.
    pub program: Option<PathBuf>,
    /// Its pid file.
    pub pid_file: Option<PidFile>,
    /// What its monitor says. `None` if no monitor stays with it, or it does not answer.
    pub monitor: Option<MonitorStatus>,
    /// Its lock file.
    pub lock: Option<PathBuf>,
}

/// The state of a service with a monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorStatus {
    /// Where the service is in its life, in systemd's words: `running`, `start-pre`, `auto-restart` (systemctl(1)).
    pub phase: String,
    /// How often its program was started.
    pub starts: u32,
    /// The pid of the monitor.
    pub pid: i32,
}

/// How long a monitor may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl MonitorStatus {
    fn of(lock: &Path, record: &Record) -> Option<Self> {
        let monitor = HeldMonitor::of(lock, record).ok()??;
        let answer = monitor.ask(lock, "status", Instant::now().checked_add(ANSWER_TIMEOUT)).ok()?;
        let field =
            |name: &str| answer.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            phase: field("phase")?.to_owned(),
            starts: field("starts")?.parse().ok()?,
            pid: monitor.held.pid(),
        })
    }
}

/// Whether a service is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is running as this process, for this time. The time is `None` without `/proc`.
    Running(i32, Option<Duration>),
    /// It has ended without `stop`, and left a record or a pid file. Its pid, if it is known.
    Dead(Option<i32>),
    /// It is not running and has left nothing behind, or it never existed.
    NotRunning,
    /// The state cannot be determined.
    Unknown(UnknownReason),
}

/// A pid file and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// Its path.
    pub path: PathBuf,
    /// What it contains.
    pub content: PidFileContent,
}

/// The content of a pid file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PidFileContent {
    /// The pid of the service.
    Truth,
    /// The pid of another process.
    Other(i32),
    /// The file is missing, or contains no number.
    Nothing,
    /// The file cannot be read; this is the cause.
    Unreadable(String),
}

/// Reads the status of a service.
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
        monitor: service
            .lock
            .as_deref()
            .zip(record)
            .and_then(|(lock, record)| MonitorStatus::of(lock, record)),
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

fn content(path: &Path, pid: Option<i32>) -> PidFileContent {
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
