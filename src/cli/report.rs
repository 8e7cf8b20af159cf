//! Output: results go to stdout, errors to stderr. A closed stream never causes a panic.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io;
use std::io::Write;

use anstream::{AutoStream, ColorChoice};
use svcadapt::StepError;
use svcadapt::control::ServiceRef;
use svcadapt::internal::{connected_to_journal, error_text, escape_control};
use svcadapt_spec::ValueError;

use super::text::printable;
use crate::Exit;

/// The exit status of a shell for a program that SIGPIPE killed.
const BROKEN_PIPE: u8 = 128 + 13;

/// Prints an error, a warning or a note on stderr. In the journal it has the priority `err` (sd-daemon(3)).
pub(crate) fn report(message: &impl Display) {
    let text = format!("svcadapt: {message}");
    let priority = if connected_to_journal() { "<3>" } else { "" };
    let is_coloured = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let shown = |line: &str| {
        let line = escape_control(line);
        if is_coloured { coloured(&line) } else { line }
    };
    let lines: Vec<String> = text.lines().map(|line| format!("{priority}{}", shown(line))).collect();
    // One write: the lines of several processes stay whole. If stderr is closed, there is no other place for the message.
    let _ = io::stderr().write_all((lines.join("\n") + "\n").as_bytes());
}

/// A line of a message for a terminal: who says it, and the hint, stand out.
fn coloured(line: &str) -> String {
    const BOLD: &str = "\x1b[1m";
    const CYAN: &str = "\x1b[36m";
    const DIM: &str = "\x1b[2m";
    const END: &str = "\x1b[0m";
    let parts =
        |style: &str, word: &str| line.strip_prefix(word).map(|rest| format!("{style}{word}{END}{rest}"));
    parts(BOLD, "svcadapt:")
        .or_else(|| parts(CYAN, "  hint:"))
        .or_else(|| parts(DIM, "  |"))
        .unwrap_or_else(|| line.to_owned())
}

/// The maximal number of messages: a file of 1 MB can have 300,000 mistakes.
const MAX_MESSAGES: usize = 100;

/// Reports the first [`MAX_MESSAGES`] messages, and the number of the others.
pub(crate) fn report_all<T: Display>(all: impl IntoIterator<Item = T>) {
    let mut rest = all.into_iter();
    rest.by_ref().take(MAX_MESSAGES).for_each(|message| report(&message));
    let more = rest.count();
    if more > 0 {
        report(&format!("and {more} more"));
    }
}

/// The message for an invalid value of an option or an argument.
pub(crate) fn value_error(stage: &str, value: &OsStr, error: ValueError) -> StepError {
    let mut message = StepError::new(stage, error.cause).of(value.to_string_lossy());
    message.hint = error.hint;
    message
}

/// Reports why a service has not done what it was asked for.
pub(crate) fn refused(
    stage: &str,
    target: &ServiceRef,
    cause: &str,
    hint: Option<String>,
    status: u8,
) -> Exit {
    let mut error = StepError::new(stage, printable(cause)).of(target.to_string()).status(status);
    error.hint = hint;
    failed(&error)
}

/// Reports an error, and exits with its status.
pub(crate) fn failed(error: &StepError) -> Exit {
    report(error);
    Exit::Status(error.status)
}

/// Writes a result to stdout. On error returns how to exit: silently if the reader is gone, else the cause is reported.
pub(crate) fn print(text: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()).map_err(|error| unwritten(&error))
}

/// How to exit if stdout cannot be written.
pub(crate) fn unwritten(error: &io::Error) -> Exit {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Exit::Status(BROKEN_PIPE);
    }
    let failure = StepError::new("standard output", error_text(error)).status(1);
    report(&failure);
    Exit::Status(failure.status)
}

/// Writes a result that the exit status gives too: the status is the same even if stdout cannot be written.
pub(crate) fn answer(text: &str, status: u8) -> Exit {
    // `print` has reported the cause.
    let _ = print(text);
    Exit::Status(status)
}
