//! The end of the process that was started: it tells how the start went, and goes.

use std::io;
use std::io::Write;
use std::process::ExitCode;

use super::Error;
use crate::error::StepError;
use crate::launch::{Outcome, StderrTail};
use crate::notify::connected_to_journal;
use crate::sys::process::Ended;
use crate::sys::{escape_control, escape_control_lines, process, signal};

/// Ends as the start went. Neither destructors nor what was registered with atexit(3) run: both are the service's by now.
pub(super) fn exit_as(outcome: Outcome) -> ! {
    match outcome {
        Outcome::Ready => process::exit_now(0),
        Outcome::Ended(Ended::Exited(status)) => process::exit_now(status),
        Outcome::Ended(Ended::Killed(number)) | Outcome::Interrupted(number) => die_of_signal(number),
        Outcome::Failed { failure, last_words, signal } => {
            report_failure(&failure, &last_words);
            match signal {
                Some(number) => die_of_signal(number),
                None => process::exit_now(failure.status),
            }
        }
    }
}

/// As process 1 of a container we live on; then the status has to say it, as a shell does.
fn die_of_signal(number: i32) -> ! {
    signal::die_of(number);
    process::exit_now(u8::try_from(128 + number).unwrap_or(u8::MAX))
}

/// One line in the program's name, with what it has said last.
fn report_failure(failure: &StepError, last_words: &StderrTail) {
    let mut text = error_line(&StepError { hint: None, ..failure.clone() });
    if let StderrTail::Lines(lines) = last_words {
        text.extend(lines.iter().map(|line| format!("\n  | {}", escape_control(line))));
    }
    text.extend(failure.hint.iter().map(|hint| format!("\n  hint: {hint}")));
    write_stderr(&text);
}

/// A line about a failure, in the program's name.
pub(super) fn error_line(what: &dyn std::fmt::Display) -> String {
    // The journal sorts by what stands in front (sd-daemon(3)).
    let priority = if connected_to_journal() { "<3>" } else { "" };
    format!("{priority}{}: {what}", own_name())
}

/// Tells of an error, in the program's name; gives the status that says the same.
pub(super) fn report_error(error: &Error) -> ExitCode {
    write_stderr(&error_line(error));
    ExitCode::from(error.status())
}

/// Says something on standard error. Where nobody listens there is nobody to tell that either.
pub(super) fn write_stderr(text: &str) {
    let _ = io::stderr().write_all(format!("{}\n", escape_control_lines(text)).as_bytes());
}

/// What the program was called as.
fn own_name() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    escape_control(&name.unwrap_or_else(|| "daemon".to_owned()))
}
