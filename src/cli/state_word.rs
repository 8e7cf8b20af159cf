//! The state of a service in one word.

use svcadapt::control::{RunState, Status};

/// The state in one word; where a monitor stays with the service, as exact as that knows it.
pub(crate) fn state_word(found: &Status) -> String {
    match (&found.state, &found.monitor) {
        (RunState::Running(..), Some(monitor)) => match monitor.phase.as_str() {
            "running" => "running",
            "exited" => "exited",
            "listening" => "listening",
            "auto-restart" => "restarting",
            "reload" => "reloading",
            "condition" | "start-pre" | "start" | "start-post" => "starting",
            _ => "stopping",
        },
        (RunState::Running(..), None) if found.starting => "starting",
        (RunState::Running(..), None) => "running",
        (RunState::Dead(_), _) => "dead",
        (RunState::NotRunning, _) => "not running",
        (RunState::Unknown(_), _) => "unknown",
    }
    .to_owned()
}
