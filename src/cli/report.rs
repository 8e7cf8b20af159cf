//! Speaking: answers go to stdout, failures to stderr. Neither panics when nobody listens.

use std::fmt::Display;
use std::io;
use std::io::Write;

use svcadapt::StepError;
use svcadapt::internal::{connected_to_journal, error_text, escape_control};

use crate::Exit;

/// What a shell says of a program that SIGPIPE killed.
const BROKEN_PIPE: u8 = 128 + 13;

/// Says on stderr what failed, or what will not be as it was asked for.
pub(crate) fn report(what: &impl Display) {
    // With stderr closed there is nobody left to tell.
    let text = format!("svcadapt: {what}");
    let mark = if connected_to_journal() { "<3>" } else { "" };
    let marked: Vec<String> = text.lines().map(|line| format!("{mark}{}", escape_control(line))).collect();
    let _ = writeln!(io::stderr(), "{}", marked.join("\n"));
}

/// As many as anybody reads. A file of a megabyte can have three hundred thousand mistakes in it.
const MOST: usize = 100;

/// The same of several things: of very many the first, and how many more there are.
pub(crate) fn report_all<T: Display>(all: impl IntoIterator<Item = T>) {
    let mut rest = all.into_iter();
    rest.by_ref().take(MOST).for_each(|what| report(&what));
    let more = rest.count();
    if more > 0 {
        report(&format!("and {more} more"));
    }
}

/// Writes an answer to stdout. An error is how to leave: silently if the reader has gone away, else with a word why.
pub(crate) fn print(text: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Exit::Status(BROKEN_PIPE);
        }
        let failure = StepError::new("standard output", error_text(&error)).status(1);
        report(&failure);
        Exit::Status(failure.status)
    })
}

/// The same of an answer that the exit status gives as well: that one stays true where nothing can be written.
pub(crate) fn answer(text: &str, status: u8) -> Exit {
    // What kept it from being written has been told.
    let _ = print(text);
    Exit::Status(status)
}
