//! The log file of a service whose output goes through a pipe: it is opened, rotated and compressed by the process that
//! stays with the service, with root's rights only where no other user can change where the path leads.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svcadapt_spec::{Field, Output, Probe, ServiceSpec, WriteMode, values};

use super::account::{reach, with_service_rights};
use super::streams;
use super::undo::Created;
use crate::error::{StepError, USAGE};
use crate::logs;
use crate::plan::Account;
use crate::sys::identity;
use crate::sys::path_trust::{Last, Reach};

/// An open log file.
#[derive(Debug)]
pub struct OpenLog {
    /// The file, open for appending.
    pub file: File,
    /// Whether it is empty or ends with a whole line.
    pub whole: bool,
}

/// Why root does not rename a file there.
const UNSAFE: &str = "other users can change its directory, so root does not rotate it";

/// Whether there is a log file for what the spec asks for.
pub(super) fn check(spec: &ServiceSpec) -> Vec<StepError> {
    let asked = &spec.log_file;
    let failure = |field: Field, cause: &str, hint: &str| {
        let value = values(spec, field).pop().unwrap_or_default();
        StepError::about(field.option(), value.to_string_lossy(), cause, OUTPUT).hint(hint)
    };
    let first = [Field::LogRotateSize, Field::LogRotateAge, Field::LogTimestamps];
    let first = first.into_iter().find(|field| !values(spec, *field).is_empty());
    let is_file = matches!(spec.standard_output, Some(Output::File(WriteMode::Append, _)));
    let mut failures = Vec::new();
    let read = |output: &Option<Output>| {
        matches!(output, Some(Output::File(WriteMode::Append | WriteMode::Truncate, _)))
    };
    for probe in spec.ready.iter().filter(|probe| matches!(probe, Probe::Log(_))) {
        let failure = |cause: String| StepError::about("ready", probe.to_string(), cause, USAGE);
        if !cfg!(feature = "regex") {
            failures.push(failure("this program was built without the feature regex".to_owned()));
        } else if !read(&spec.standard_output) && !read(&spec.standard_error) {
            let output = spec.standard_output.as_ref().map_or("not set".to_owned(), ToString::to_string);
            let cause =
                format!("the output goes to no file that could be read: --standard-output is {output}");
            failures
                .push(failure(cause).hint("use --standard-output append:PATH, or give the service a --name"));
        }
    }
    if let Some(field) = first.filter(|_| asked.has_pipe() && !is_file) {
        failures.push(match &spec.standard_output {
            Some(output) => failure(
                field,
                &format!("the output goes to no log file: --standard-output is {output}"),
                "use --standard-output append:PATH",
            ),
            None => failure(
                field,
                "there is no log file",
                "use --standard-output append:PATH, or give the service a --name",
            ),
        });
    }
    for (field, is_set) in
        [(Field::LogKeep, asked.keep.is_some()), (Field::LogCompress, asked.gzip == Some(true))]
    {
        if is_set && !asked.rotates() {
            failures.push(failure(
                field,
                "no log file is rotated",
                "add --log-rotate-size or --log-rotate-age",
            ));
        }
    }
    failures
}

/// systemd's number for the standard output (systemd.exec(5)).
const OUTPUT: u8 = 209;

/// How often a log file is opened that another program moves away at the same time.
const MAX_OPENS: usize = 10;

/// Opens the log file of a service, and creates it if it is missing. `made` is called right after that.
///
/// It must be a file of its own: a link would be renamed in the place of its target.
pub fn open_log(
    spec: &ServiceSpec,
    path: &Path,
    account: &Account,
    mut made: impl FnMut(Created),
) -> io::Result<OpenLog> {
    if logs::used_log(spec).as_deref() == Some(path) {
        logs::prepare_directory(path)?;
    }
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            return Err(io::Error::other("it is a symbolic link, which cannot be rotated"));
        }
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is not a regular file")),
        _ => {}
    }
    let judged = || -> io::Result<bool> { Ok(reach(path, Last::File, account)? == Reach::RootOnly) };
    if spec.log_file.rotates() && identity::effective_user() == 0 && account.uid == 0 && !judged()? {
        return Err(io::Error::other(UNSAFE));
    }
    let mut opened = Err(io::Error::other("it was replaced while it was opened"));
    for _ in 0..MAX_OPENS {
        let file = streams::open_to_append(path, account, &mut made)?;
        let (open, named) = (file.metadata()?, path.symlink_metadata());
        if named.is_ok_and(|named| open.is_file() && (open.dev(), open.ino()) == (named.dev(), named.ino())) {
            opened = Ok((file, open));
            break;
        }
    }
    let (file, open) = opened?;
    let end = streams::tail(path, open.len().saturating_sub(1), account)?;
    Ok(OpenLog { file, whole: end.is_empty() || end.ends_with('\n') })
}

/// Moves the log file aside, and removes the oldest ones beyond `keep`.
pub fn set_log_aside(path: &Path, account: &Account, keep: usize) -> io::Result<()> {
    with_rights(path, account, || logs::set_aside(path, keep))
}

/// Compresses the old files of a log. Takes as long as there is to compress.
pub fn compress_logs(path: &Path, account: &Account) -> io::Result<()> {
    with_rights(path, account, || logs::compress(path))
}

/// Removes what an interrupted compression has left.
pub fn clear_unfinished_logs(path: &Path, account: &Account) -> io::Result<()> {
    with_rights(path, account, || logs::clear_unfinished(path))
}

/// Acts with root's rights where the path is under root's control, else with those of the service's user.
fn with_rights(path: &Path, account: &Account, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let root = identity::effective_user() == 0;
    if !root || reach(path, Last::File, account)? == Reach::RootOnly {
        act()
    } else if account.uid == 0 {
        Err(io::Error::other(UNSAFE))
    } else {
        with_service_rights(account, act)
    }
}
