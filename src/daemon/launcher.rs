//! The end of the launcher: it reports the outcome of the start and exits.

use std::io;
use std::io::Write;
use std::process::ExitCode;

use super::Error;
use crate::error::StepError;
use crate::launch::{Outcome, StderrTail};
use crate::notify::connected_to_journal;
use crate::sys::process::Ended;
use crate::sys::{escape_control, escape_control_lines, process, signal};

/// Ends with the outcome of the start. Destructors and atexit(3) handlers do not run: both belong to the service now.
pub(super) fn exit_as(outcome: Outcome) -> ! {
    match outcome {
        Outcome::Ready => process::exit_now(0),
        Outcome::Ended(Ended::Exited(status)) => process::exit_now(status),
        Outcome::Skipped(why) => {
            report_failure(&why, &StderrTail::None);
            process::exit_now(0)
        }
        Outcome::Ended(Ended::Killed(number) | Ended::Dumped(number)) | Outcome::Interrupted(number) => {
            die_of_signal(number)
        }
        Outcome::Failed { failure, stderr_tail, signal } => {
            report_failure(&failure, &stderr_tail);
            match signal {
                Some(number) => die_of_signal(number),
                None => process::exit_now(failure.status),
            }
        }
    }
}

/// Ends by the same signal. Process 1 of a container survives its own signal and exits with 128 + N instead, as a shell
/// does.
fn die_of_signal(number: i32) -> ! {
    signal::die_of(number);
    process::exit_now(u8::try_from(128 + number).unwrap_or(u8::MAX))
}

/// Prints the failure, prefixed with the program's name, and the last lines of the service's standard error.
fn report_failure(failure: &StepError, stderr_tail: &StderrTail) {
    let mut text = error_line(&StepError { hint: None, ..failure.clone() });
    if let StderrTail::Lines(lines) = stderr_tail {
        text.extend(lines.iter().map(|line| format!("\n  | {}", escape_control(line))));
    }
    text.extend(failure.hint.iter().map(|hint| format!("\n  hint: {hint}")));
    write_stderr(&text);
}

/// An error message prefixed with the program's name.
pub(super) fn error_line(what: &dyn std::fmt::Display) -> String {
    // The journal reads the priority from the prefix (sd-daemon(3)).
    let priority = if connected_to_journal() { "<3>" } else { "" };
    format!("{priority}{}: {what}", own_name())
}

/// Prints an error, prefixed with the program's name, and returns its exit status.
pub(super) fn report_error(error: &Error) -> ExitCode {
    write_stderr(&error_line(error));
    ExitCode::from(error.status())
}

/// Writes to standard error. A failure to write is ignored, because it cannot be reported either.
pub(super) fn write_stderr(text: &str) {
    let _ = io::stderr().write_all(format!("{}\n", escape_control_lines(text)).as_bytes());
}

/// The program's name, from argv[0].
fn own_name() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    escape_control(&name.unwrap_or_else(|| "daemon".to_owned()))
}
