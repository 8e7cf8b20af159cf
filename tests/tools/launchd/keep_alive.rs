//! `KeepAlive`: whether a job that has ended is restarted.

use std::fmt;
use std::path::PathBuf;

use plist::{Dictionary, Value};
use serde_json::json;

use super::keys;
use super::keys::Ignored;

/// The signals that mean a crash (842, `job_reap`).
const CRASHES: [i32; 7] =
    [libc::SIGILL, libc::SIGABRT, libc::SIGFPE, libc::SIGBUS, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// With an exit status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
}

impl Death {
    pub(crate) fn json(self) -> serde_json::Value {
        match self {
            Self::Exit(status) => json!({ "status": status }),
            Self::Signal(signal) => json!({ "signal": signal }),
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "{status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// `KeepAlive` of launchd.plist(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    /// Only demand starts the job. The default.
    Never,
    /// After every end.
    Always,
    /// If one of these conditions holds.
    Where(Vec<Condition>),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Whether it ended with status 0. Death by a signal, also SIGTERM, is not success (842, `job_keepalive`).
    SuccessfulExit(bool),
    /// Whether it died by a signal that means a crash.
    Crashed(bool),
    /// The path exists, or it does not.
    Path(PathBuf, bool),
}

impl KeepAlive {
    /// Reads the value of the key.
    pub(crate) fn read(value: Option<Value>, ignored: &mut Vec<Ignored>) -> Self {
        match value {
            Some(Value::Boolean(true)) => Self::Always,
            Some(Value::Dictionary(found)) => Self::Where(conditions(found, ignored)),
            _ => Self::Never,
        }
    }

    /// launchd.plist(5): the key implies `RunAtLoad`.
    pub(crate) fn starts_at_load(&self) -> bool {
        *self != Self::Never
    }

    /// Whether a job shall run after this end. `None` if it has never run.
    pub(crate) fn wants(&self, last: Option<Death>) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Where(conditions) => conditions.iter().any(|condition| condition.holds(last)),
        }
    }

    /// Whether the condition can become true while the job does not run.
    pub(crate) fn watches_paths(&self) -> bool {
        matches!(self, Self::Where(conditions)
            if conditions.iter().any(|condition| matches!(condition, Condition::Path(..))))
    }
}

impl Condition {
    fn holds(&self, last: Option<Death>) -> bool {
        match (self, last) {
            (Self::SuccessfulExit(wanted), Some(last)) => (last == Death::Exit(0)) == *wanted,
            (Self::Crashed(wanted), Some(last)) => {
                matches!(last, Death::Signal(signal) if CRASHES.contains(&signal)) == *wanted
            }
            (Self::SuccessfulExit(_) | Self::Crashed(_), None) => false,
            (Self::Path(path, wanted), _) => path.exists() == *wanted,
        }
    }
}

fn conditions(found: Dictionary, ignored: &mut Vec<Ignored>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (key, value) in keys::sift(found, keys::KEEP_ALIVE, "KeepAlive.", ignored) {
        match (key.as_str(), value) {
            ("SuccessfulExit", Value::Boolean(wanted)) => conditions.push(Condition::SuccessfulExit(wanted)),
            ("Crashed", Value::Boolean(wanted)) => conditions.push(Condition::Crashed(wanted)),
            ("PathState", Value::Dictionary(paths)) => {
                for (path, wanted) in paths {
                    match wanted {
                        Value::Boolean(wanted) => conditions.push(Condition::Path(path.into(), wanted)),
                        _ => ignored.push((format!("KeepAlive.PathState.{path}"), "wrong type".to_owned())),
                    }
                }
            }
            _ => {}
        }
    }
    conditions
}
