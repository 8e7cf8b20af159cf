//! The one voice of the command: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::Write;

use svcadapt::Error;

/// Says one thing on standard error, in the form that every message has. Where nobody can be told, nobody is.
pub(crate) fn report(what: &impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "svcadapt: {what}");
}

/// Prints a result. A reader that has left, or a full disk, is a failure.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::new("standard output", error.kind().to_string()).status(1))
}
