//! The last lines that a service has written, for its status.

use std::time::Duration;

use svcadapt::control::{RunState, Status};
use svcadapt::internal::{self, LogQuery, LogSource, escape_control};
use svcadapt_hosts::{ManagedService, RunPhase};

use super::logs;
use super::state_word::state_word;

/// How many.
const LINES: usize = 10;

/// The last lines of a service that has ended or waits for its restart, harmless for a terminal. They explain that; a
/// service that runs has its log.
pub(super) fn of(found: &Status) -> Vec<String> {
    if !matches!(found.state, RunState::Dead(_)) && state_word(found) != "restarting" {
        return Vec::new();
    }
    let stored = found.lock.as_deref().and_then(|lock| internal::stored_spec(lock).ok().flatten());
    let Some(spec) = stored.and_then(|stored| stored.draft.finish().ok()) else { return Vec::new() };
    let lines = match LogSource::of(&spec) {
        LogSource::File(path) => internal::last_lines(&path, LINES).unwrap_or_default(),
        LogSource::Journal(identifier) => {
            let user = logs::user(&spec).unwrap_or_else(internal::effective_user);
            internal::journal_last(&identifier, user, LINES)
        }
        LogSource::Elsewhere(_) => Vec::new(),
    };
    lines.iter().map(|line| harmless(line)).collect()
}

/// How long a manager may take to print its log.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The same for a service of which only its manager knows, which has failed or waits for its restart.
pub(super) fn of_manager(managed: &ManagedService, phase: &RunPhase) -> Vec<String> {
    if !matches!(phase, RunPhase::Failed(_) | RunPhase::Restarting) {
        return Vec::new();
    }
    let lines = u64::try_from(LINES).ok();
    let query = LogQuery { lines, since: None, until: None, follow: false };
    let output =
        managed.log_command(&query).and_then(|mut command| internal::run_within(&mut command, TIMEOUT).ok());
    let Some((_, text)) = output.filter(|(status, _)| status.success()) else { return Vec::new() };
    let text = String::from_utf8_lossy(&text).into_owned();
    let all: Vec<String> = text.lines().map(harmless).collect();
    all[all.len().saturating_sub(LINES)..].to_vec()
}

fn harmless(line: &str) -> String {
    escape_control(&line.replace('\t', "        "))
}
