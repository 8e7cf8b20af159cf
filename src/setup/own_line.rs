//! Lines of svcadapt in the log of a daemon, whose monitor has no standard error of its own.

use std::fs::File;
use std::io;
use std::io::Write;

use svcadapt_spec::{Output, ServiceSpec};

use super::streams;
use crate::plan::Account;

/// Whether errors go where the output goes.
pub fn errors_follow_output(spec: &ServiceSpec) -> bool {
    let errors = spec.standard_error.as_ref().filter(|errors| **errors != Output::Inherit);
    errors.is_none_or(|errors| spec.standard_output.as_ref() == Some(errors))
}

/// Writes a line where the errors of the service go, if that is a log file or the journal.
pub fn write_own_line(spec: &ServiceSpec, account: &Account, line: &str) -> io::Result<()> {
    let asked = if errors_follow_output(spec) { &spec.standard_output } else { &spec.standard_error };
    let mut log = match asked {
        // Anything else could make this process wait.
        Some(Output::File(_, path)) if path.as_path().symlink_metadata()?.is_file() => {
            streams::open_to_append(path.as_path(), account, |_| {})?
        }
        Some(Output::Log(target)) => File::from(streams::journal(spec, *target)?),
        _ => return Ok(()),
    };
    log.write_all(format!("svcadapt: {line}\n").as_bytes())
}
