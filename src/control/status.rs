//! The status of a service.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::monitor::HeldMonitor;
use super::service::ServiceState;
use super::{ServiceRef, UnknownReason, service};
use crate::launch::ProgramErrors;
use crate::registry::{Record, is_starting, pid_file};
use crate::sys::{error_text, process, signal};

/// The status of a service. Reading it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name. `None` if it has only a pid file.
    pub name: Option<String>,
    /// Its state.
    pub state: RunState,
    /// Its program.
    pub program: Option<PathBuf>,
    /// Its pid file.
    pub pid_file: Option<PidFile>,
    /// What its monitor says. `None` if no monitor stays with it, or it does not answer.
    pub monitor: Option<MonitorStatus>,
    /// What its control group uses. `None` if it has none of its own.
    pub usage: Option<Usage>,
    /// Its lock file.
    pub lock: Option<PathBuf>,
    /// Whether a start without a monitor still waits until it is ready.
    #[doc(hidden)]
    pub starting: bool,
    /// The process of a running service that its starter knows: its monitor, else its main process.
    #[doc(hidden)]
    pub first: Option<i32>,
}

impl Status {
    /// Whether it runs and is ready, or has ended as `RemainAfterExit=` allows.
    pub fn is_ready(&self) -> bool {
        let phase = self.monitor.as_ref().map(|monitor| monitor.phase.as_str());
        matches!(self.state, RunState::Running(..))
            && !self.starting
            && phase.is_none_or(|phase| ["running", "exited", "listening", "reload"].contains(&phase))
    }
}

/// What a service uses together with all its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The control group.
    pub control_group: PathBuf,
    /// Bytes of memory. `None` if the group does not count them.
    pub memory: Option<u64>,
    /// Processes and threads. `None` if the group does not count them.
    pub tasks: Option<u64>,
}

impl Usage {
    fn of(record: &Record) -> Option<Self> {
        let group = record.open_control_group()?;
        Some(Self {
            memory: group.number("memory.current"),
            tasks: group.number("pids.current"),
            control_group: group.path().to_owned(),
        })
    }
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
    /// How the program has ended: `exit status 1`, `SIGKILL`. `None`: it has not, since its last start.
    pub last_exit: Option<String>,
    /// What the program says of itself (`STATUS=`, sd_notify(3)), one line; it may hold control characters. `None`: nothing.
    pub text: Option<String>,
    /// Why the program has failed, as a line for people. `None`: it has not said so.
    pub failure: Option<String>,
    /// The number of an error (`ERRNO=`).
    pub errno: Option<i32>,
    /// The name of a D-Bus error (`BUSERROR=`).
    pub bus_error: Option<String>,
    /// The name of a Varlink error (`VARLINKERROR=`).
    pub varlink_error: Option<String>,
}

/// How long a monitor may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl MonitorStatus {
    pub(super) fn of(lock: &Path, record: &Record) -> Option<Self> {
        let monitor = HeldMonitor::of(lock, record).ok()??;
        let answer = monitor.ask(lock, "status", Instant::now().checked_add(ANSWER_TIMEOUT)).ok()?;
        let (answer, text) = match answer.split_once(" text=") {
            Some((answer, text)) => (answer, Some(text.to_owned())),
            None => (answer.as_str(), None),
        };
        let field =
            |name: &str| answer.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let errors = field("errors").and_then(ProgramErrors::parse).unwrap_or_default();
        Some(Self {
            failure: errors.reason(),
            errno: errors.errno,
            bus_error: errors.bus,
            varlink_error: errors.varlink,
            phase: field("phase")?.to_owned(),
            starts: field("starts")?.parse().ok()?,
            last_exit: field("exit").and_then(last_exit),
            pid: monitor.held.pid(),
            text,
        })
    }
}

/// The word of a monitor for the end of a process, in words for people.
fn last_exit(word: &str) -> Option<String> {
    let (kind, number) = word.split_at_checked(1)?;
    let number: i32 = number.parse().ok()?;
    Some(match kind {
        "x" => format!("exit status {number}"),
        "k" => signal::name(number),
        _ => format!("{}, core dumped", signal::name(number)),
    })
}

/// Whether a service is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
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
    let lock = service.lock.as_deref();
    let monitor = lock.zip(record).and_then(|(lock, record)| MonitorStatus::of(lock, record));
    Status {
        name: service.name(),
        starting: monitor.is_none() && lock.is_some_and(is_starting),
        monitor,
        usage: record.and_then(Usage::of),
        program: record.map(|record| record.program.clone()),
        pid_file: pid_file.map(|path| PidFile { content: content(&path, pid), path }),
        first: match &service.state {
            ServiceState::Running(main) => {
                let monitor = main.record.living_monitor().map(|monitor| monitor.pid);
                Some(monitor.unwrap_or(main.record.pid))
            }
            _ => None,
        },
        state: match &service.state {
            ServiceState::Running(main) => {
                RunState::Running(main.record.pid, main.record.start_time.and_then(age))
            }
            ServiceState::Dead(record) => RunState::Dead(Some(record.pid)),
            ServiceState::Leftovers(_, left) => RunState::Unknown(UnknownReason::Leftovers(left.all())),
            ServiceState::StalePidFile(pid) => RunState::Dead(*pid),
            ServiceState::Absent => RunState::NotRunning,
            ServiceState::Unknown(reason) => RunState::Unknown(reason.clone()),
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
