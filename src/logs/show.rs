//! Shows what a service has written.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use svcadapt_spec::{Output, ServiceSpec};

use crate::sys::command_output::output_within;
use crate::sys::fd;

/// Where the output of a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// In a file.
    File(PathBuf),
    /// In the journal, under this name.
    Journal(String),
    /// In no log: this is what its standard output is.
    Elsewhere(String),
}

impl LogSource {
    /// Where a service sends its output.
    pub fn of(spec: &ServiceSpec) -> Self {
        match &spec.standard_output {
            Some(Output::File(_, path)) => Self::File(path.as_path().to_owned()),
            Some(Output::Log(_)) => {
                let program = Path::new(&spec.command.program).file_name().unwrap_or_default();
                let program = || program.to_string_lossy().into_owned();
                Self::Journal(spec.log.identifier.clone().unwrap_or_else(program))
            }
            Some(output) => Self::Elsewhere(output.to_string()),
            None => Self::Elsewhere("null".to_owned()),
        }
    }
}

/// The lines that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// How many of the last lines. `None`: all.
    pub lines: Option<u64>,
    /// Only lines since this time, in the words of journalctl(1).
    pub since: Option<String>,
    /// Only lines until this time.
    pub until: Option<String>,
    /// Whether lines that are still to come are shown, too.
    pub follow: bool,
}

/// The command that shows lines of the journal: those of streams under this name that processes of this user wrote. Other
/// users could use the name as well.
pub fn journal_command(identifier: &str, user: u32, query: &LogQuery) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--no-pager", "--quiet"]).args(journal_query(query));
    command.arg(format!("SYSLOG_IDENTIFIER={identifier}")).arg("_TRANSPORT=stdout");
    command.arg(format!("_UID={user}"));
    command
}

/// A query as options of journalctl(1).
pub fn journal_query(query: &LogQuery) -> Vec<String> {
    let lines = query.lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let since = query.since.iter().map(|since| format!("--since={since}"));
    let until = query.until.iter().map(|until| format!("--until={until}"));
    let follow = query.follow.then(|| "--follow".to_owned());
    [format!("--lines={lines}")].into_iter().chain(since).chain(until).chain(follow).collect()
}

/// The last lines of a service in the journal. Empty if they cannot be read.
pub fn journal_last(identifier: &str, user: u32, lines: usize) -> Vec<String> {
    let query = LogQuery { lines: u64::try_from(lines).ok(), since: None, until: None, follow: false };
    let mut command = journal_command(identifier, user, &query);
    let text = output_within(command.arg("--output=cat"), LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// The last lines of the journal since this time, for a start that failed. Empty if they cannot be read.
pub(crate) fn journal_since(identifier: &str, user: u32, since: SystemTime, lines: usize) -> Vec<String> {
    const TRIES: usize = 10;
    const PAUSE: Duration = Duration::from_millis(50);
    let micros = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
    let since = format!("@{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let query = LogQuery { lines: u64::try_from(lines).ok(), since: Some(since), until: None, follow: false };
    // Root can make the journal write what it has; it may not have read the stream to its end.
    let _ = output_within(Command::new("journalctl").arg("--sync"), LIMIT);
    for _ in 0..TRIES {
        let mut command = journal_command(identifier, user, &query);
        let Ok(text) = output_within(command.arg("--output=cat"), LIMIT) else { break };
        if !text.is_empty() {
            return String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        }
        // The journal reports no event to a process that it does not know.
        let _ = fd::wait_readable(&[], Some(PAUSE));
    }
    Vec::new()
}

/// How long journalctl(1) may take while a failed start is reported.
const LIMIT: Duration = Duration::from_secs(2);
