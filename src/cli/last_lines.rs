//! The last lines that a service has written, for its status.

use svcadapt::control::{RunState, Status};
use svcadapt::internal::{self, LogSource, escape_control};

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
    lines.iter().map(|line| escape_control(&line.replace('\t', "        "))).collect()
}
