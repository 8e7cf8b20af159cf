//! How a start ended.

use super::watch::Reexec;
use crate::error::StepError;
use crate::sys::process::Ended;
use crate::sys::{escape_control, signal};

/// The truth about a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service is ready; no process of ours stays.
    Ready,
    /// The program was stayed with, and ended like this.
    Ended(Ended),
    /// It failed. Nothing that was started runs any more.
    Failed {
        /// What failed.
        failure: StepError,
        /// What the program said last.
        stderr_tail: StderrTail,
        /// The signal that ended the program, where it was one: the caller is to see it.
        signal: Option<i32>,
    },
    /// Nothing was started: a condition is not met, which is no failure.
    Skipped(StepError),
    /// The launcher received this signal before the service was ready, and has stopped it.
    Interrupted(i32),
}

/// The end of the program's standard error before it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StderrTail {
    /// The last lines.
    Lines(Vec<String>),
    /// It was sent to `/dev/null`.
    Lost,
    /// The caller has seen it, or there was none.
    None,
}

/// The hint for a program that unexpectedly forks itself into the background.
pub(super) const FORKS_ITSELF: &str =
    "use --type forking for a program that goes into the background by itself";

/// The exit status if the service ended with status 0 before it was ready.
const ENDED_TOO_EARLY: u8 = 248;
/// The exit status if the service was not ready in time.
pub const NOT_IN_TIME: u8 = 249;

impl From<StepError> for Outcome {
    fn from(failure: StepError) -> Self {
        Self::Failed { failure, stderr_tail: StderrTail::None, signal: None }
    }
}

impl Outcome {
    /// The same failure with a better hint, if there is one. It also replaces the advice about lost output.
    pub(super) fn with_hint(mut self, cure: Option<&str>) -> Self {
        if let (Self::Failed { failure, stderr_tail, .. }, Some(cure)) = (&mut self, cure) {
            failure.hint = Some(cure.to_owned());
            if *stderr_tail == StderrTail::Lost {
                *stderr_tail = StderrTail::None;
            }
        }
        self
    }
}

/// The program ended before it was ready.
pub(super) fn ended_too_early(
    name: &str,
    ended: Ended,
    reexec: Reexec,
    why: Option<String>,
    stderr_tail: StderrTail,
) -> Outcome {
    let (how, status, signal) = match ended {
        Ended::Exited(0) => ("with status 0".to_owned(), ENDED_TOO_EARLY, None),
        Ended::Exited(status) => (format!("with status {status}"), status, None),
        // As a shell does: 128 plus the signal's number.
        Ended::Killed(number) | Ended::Dumped(number) => {
            let status = u8::try_from(128 + number).unwrap_or(u8::MAX);
            (format!("by {}", killer(ended, number)), status, Some(number))
        }
    };
    let why = why.map(|why| format!("; reason: {why}")).unwrap_or_default();
    let cause = format!("the program ended {how} before it {}{why}", goal(reexec));
    Outcome::Failed { failure: StepError::about("start", name, cause, status), stderr_tail, signal }
}

/// The signal that has ended a process.
fn killer(ended: Ended, number: i32) -> String {
    let dumped = if matches!(ended, Ended::Dumped(_)) { " (core dumped)" } else { "" };
    signal::name(number) + dumped
}

/// The stage that a program has not reached.
fn goal(reexec: Reexec) -> &'static str {
    match reexec {
        Reexec::Pending => "reached Daemon::enter again",
        Reexec::No | Reexec::Done => "was ready",
    }
}

/// The program closed the report pipe without reporting readiness, and keeps running.
pub(super) fn pipe_closed(name: &str, reexec: Reexec, why: Option<&str>) -> Outcome {
    let why = why.map(|why| format!("; reason: {why}")).unwrap_or_default();
    let cause =
        format!("the program closed its report pipe before it {}, and kept running{why}", goal(reexec));
    let hint = match reexec {
        Reexec::Pending => "before Daemon::enter, close only descriptors that the program has opened",
        Reexec::No | Reexec::Done => "keep the Service that Daemon::enter returns, and call its ready()",
    };
    StepError::about("start", name, cause, ENDED_TOO_EARLY).hint(hint).into()
}

/// A program that becomes the service in place has not reported readiness in time.
pub(super) fn not_reported_in_time(
    name: &str,
    timeout: std::time::Duration,
    reexec: Reexec,
    status: Option<&str>,
    stderr_tail: StderrTail,
) -> Outcome {
    let said = status.map(|status| format!("; its status: {}", escape_control(status))).unwrap_or_default();
    let (cause, hint) = match reexec {
        Reexec::Pending => (
            format!("the program was re-executed, and has not reached Daemon::enter after {timeout:?}"),
            "main must call it each time; the work before it counts towards timeout_start",
        ),
        Reexec::No | Reexec::Done => {
            (format!("the program has not reported readiness after {timeout:?}{said}"), "raise timeout_start")
        }
    };
    let failure = StepError::about("start", name, cause, NOT_IN_TIME).hint(hint);
    Outcome::Failed { failure, stderr_tail, signal: None }
}

/// A command of the service failed before the service was ready.
pub(super) fn failed_command(directive: &str, words: &str, ended: Ended, stderr_tail: StderrTail) -> Outcome {
    Outcome::Failed { failure: command_failure(directive, words, ended), stderr_tail, signal: None }
}

/// A command of the service failed.
pub(super) fn command_failure(directive: &str, words: &str, ended: Ended) -> StepError {
    let (cause, status) = match ended {
        Ended::Exited(status) => (format!("the command exited with status {status}"), status.max(1)),
        Ended::Killed(number) | Ended::Dumped(number) => {
            (format!("the command was killed by {}", killer(ended, number)), ENDED_TOO_EARLY)
        }
    };
    StepError::about(directive, words, cause, status)
}

/// The service ended for a reason that only the machine knows (`$SERVICE_RESULT`, systemd.exec(5)).
pub(super) fn failed(name: &str, result: &str) -> Outcome {
    StepError::about("start", name, format!("the service has failed ({result})"), ENDED_TOO_EARLY).into()
}

/// The service was started too often.
pub(super) fn start_limit_hit(name: &str, limit: &str) -> StepError {
    StepError::about("restart", name, format!("not started again after {limit}"), ENDED_TOO_EARLY)
        .hint("StartLimitBurst= and StartLimitIntervalSec= set the limit")
}

/// The program was not ready in time.
pub(super) fn not_in_time(
    name: &str,
    timeout: std::time::Duration,
    missing: &str,
    status: Option<&str>,
    stderr_tail: StderrTail,
) -> Outcome {
    let said = status.map(|status| format!("; its status: {}", escape_control(status))).unwrap_or_default();
    let cause = format!("not ready after {timeout:?}, still missing: {missing}{said}");
    let failure = StepError::about("start", name, cause, NOT_IN_TIME).hint("raise --timeout-start-sec");
    Outcome::Failed { failure, stderr_tail, signal: None }
}
