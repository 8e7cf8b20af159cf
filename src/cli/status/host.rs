//! What the manager of a service says of it.

use serde_json::{Map, Value, json};
use svcadapt::control::{RunState, ServiceRef, Status};
use svcadapt_hosts::{HostState, ManagedService, RunPhase};

use super::{UNKNOWN, size, span};
use crate::text::printable;

/// The exit status of the LSB for a service of which only its manager knows.
pub(super) fn status(phase: &RunPhase) -> u8 {
    match phase {
        RunPhase::Failed(_) => 1,
        RunPhase::Stopped => 3,
        phase if phase.is_over() => UNKNOWN,
        _ => 0,
    }
}

/// The page of a service of which only its manager knows.
pub(super) fn text(target: &ServiceRef, managed: &ManagedService, state: &HostState) -> String {
    let phase = match &state.phase {
        RunPhase::Stopped => "not running".to_owned(),
        RunPhase::Failed(why) => format!("failed, {why}"),
        phase => phase.name().to_owned(),
    };
    let pid = state.pid.map(|pid| format!("process {pid}"));
    let since = state.since.map(|since| format!("since {}", span(since)));
    let first = joined([Some(phase), pid, since], ", ");
    let said = state.text.as_ref().map(|said| format!("  status: {}\n", printable(said))).unwrap_or_default();
    let first = format!("{}: {}\n", printable(target.to_string()), printable(&first));
    first + &said + &history(state) + &uses(state) + &line(managed, state)
}

/// What a manager knows of a service that has a record: what svcadapt has not counted itself.
pub(super) fn more(state: &HostState, found: &Status) -> String {
    let history = if found.monitor.is_none() { history(state) } else { String::new() };
    let uses = if found.usage.is_none() { uses(state) } else { String::new() };
    history + &uses
}

/// How it has ended the last time, and how often it was started again.
fn history(state: &HostState) -> String {
    let exit = state.last_exit.as_ref().map(|exit| format!("last exit: {exit}"));
    let restarts =
        state.restarts.filter(|times| *times > 0).map(|times| format!("started again {times} times"));
    own_line(&joined([exit, restarts], "; "))
}

/// What all its processes use.
fn uses(state: &HostState) -> String {
    let memory = state.memory.map(|bytes| format!("memory {}", size(bytes)));
    let tasks = state.tasks.map(|tasks| format!("tasks {tasks}"));
    let uses = joined([memory, tasks], ", ");
    own_line(&if uses.is_empty() { uses } else { format!("uses: {uses}") })
}

fn own_line(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("  {}\n", printable(text)) }
}

fn joined<const N: usize>(parts: [Option<String>; N], between: &str) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(between)
}

/// The line of the manager.
pub(super) fn line(managed: &ManagedService, state: &HostState) -> String {
    let enabled = match state.enabled {
        Some(true) => ", enabled",
        Some(false) => ", disabled",
        None => "",
    };
    format!("  host: {}{enabled}\n", printable(managed.to_string()))
}

/// Adds the manager, and what only it knows.
pub(crate) fn add_json(
    object: &mut Map<String, Value>,
    managed: &ManagedService,
    state: &HostState,
    found: &Status,
) {
    if !matches!(found.state, RunState::Running(..)) {
        let is_over = state.phase.is_over();
        let word = if state.phase == RunPhase::Stopped { "not running" } else { state.phase.name() };
        object.insert("state".to_owned(), if is_over { word } else { "running" }.into());
        object.insert("pid".to_owned(), state.pid.into());
        object.insert("ready".to_owned(), (state.phase == RunPhase::Running).into());
        if let Some(said) = &state.text {
            object.insert("status_text".to_owned(), said.as_str().into());
        }
    }
    let failure = match &state.phase {
        RunPhase::Failed(why) => Some(why.as_str()),
        _ => None,
    };
    let host = json!({
        "manager": managed.host().name(),
        "service": managed.address(),
        "phase": state.phase.name(),
        "failure": failure,
        "pid": state.pid,
        "enabled": state.enabled,
        "since_seconds": state.since.map(|since| since.as_secs()),
        "restarts": state.restarts,
        "last_exit": state.last_exit,
        "memory_bytes": state.memory,
        "tasks": state.tasks,
    });
    object.insert("host".to_owned(), host);
}
