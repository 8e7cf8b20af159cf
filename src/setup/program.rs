//! Finds the file that is executed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt_spec::{Capabilities, ServiceSpec};

use super::account;
use crate::error::StepError;
use crate::plan::Account;
use crate::sys::{error_text, file};

/// systemd's number for this step (systemd.exec(5)).
const EXEC: u8 = 203;

/// Finds the program, as its path inside the root directory, and verifies that the account can execute it.
///
/// A bare name is searched in the `PATH` that the program will see. The search runs with the service's rights: the
/// exec has them too, root may see less (NFS with root_squash, FUSE), and if the user can replace a path, root must
/// not see more than the user could.
pub(super) fn find(
    spec: &ServiceSpec,
    account: &Account,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<PathBuf, StepError> {
    let looked = || Ok(search(spec, environment));
    let keeps_rights = spec.ambient_capabilities.is_some_and(|set| set != Capabilities::EMPTY);
    let found = if keeps_rights { looked() } else { account::as_service(account, looked) };
    found.unwrap_or_else(|error| {
        Err(StepError::kernel("exec", spec.command.program.to_string_lossy(), &error, EXEC))
    })
}

fn search(spec: &ServiceSpec, environment: &BTreeMap<OsString, OsString>) -> Result<PathBuf, StepError> {
    let root = spec.root_directory.as_ref().map_or(Path::new("/"), |root| root.as_path());
    let wanted = &spec.command.program;
    let failure = |cause: String| StepError::about("exec", wanted.to_string_lossy(), cause, EXEC);
    if wanted.as_bytes().contains(&b'/') {
        let path = PathBuf::from(wanted);
        return check_executable(&path, root).map(|()| path).map_err(|reason| reason.failure(failure));
    }
    let search = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let mut found = None;
    for directory in search.as_bytes().split(|&byte| byte == b':').filter(|d| d.starts_with(b"/")) {
        let path = Path::new(OsStr::from_bytes(directory)).join(wanted);
        match check_executable(&path, root) {
            Ok(()) => return Ok(path),
            Err(NotExecutable::Missing) => {}
            Err(reason) => found = found.or(Some(reason)),
        }
    }
    Err(match found {
        Some(reason) => reason.failure(failure),
        None => failure("there is no such program in PATH".to_owned())
            .hint(format!("PATH is {}; write the program as a path", search.display())),
    })
}

/// A path inside the root directory, as seen from outside.
pub(super) fn in_root(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

enum NotExecutable {
    Missing,
    Other(String, Option<&'static str>),
}

impl NotExecutable {
    fn failure(self, failure: impl Fn(String) -> StepError) -> StepError {
        match self {
            Self::Missing => failure("there is no such file".to_owned()),
            Self::Other(cause, None) => failure(cause),
            Self::Other(cause, Some(hint)) => failure(cause).hint(hint),
        }
    }
}

fn check_executable(inside: &Path, root: &Path) -> Result<(), NotExecutable> {
    let path = &in_root(root, inside);
    let other = |cause: String, hint| Err(NotExecutable::Other(cause, hint));
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => other("it is a directory".to_owned(), None),
        Ok(found) if !found.is_file() => other("it is not a regular file".to_owned(), None),
        Ok(found) if found.mode() & 0o111 == 0 => {
            other("it is not executable".to_owned(), Some("chmod +x it"))
        }
        Ok(_) if file::may_execute(path) => check_interpreter(path, root),
        Ok(_) if file::is_on_noexec(path) => other(
            "its file system is mounted noexec".to_owned(),
            Some("put the program somewhere else, or mount it with exec (mount(8))"),
        ),
        Ok(_) => other("the service's user may not execute it".to_owned(), None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(NotExecutable::Missing),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => match first_unsearchable(path) {
            Some(first_unsearchable) => other(
                format!("the service's user may not enter {}", first_unsearchable.display()),
                Some("let that user search the directory (chmod(1)), or put the program somewhere else"),
            ),
            None => other(error_text(&error), None),
        },
        Err(error) => other(error_text(&error), None),
    }
}

/// The first parent directory that denies search permission.
fn first_unsearchable(path: &Path) -> Option<&Path> {
    let mut way: Vec<&Path> = path.ancestors().skip(1).collect();
    way.reverse();
    way.into_iter().find(|place| !file::may_execute(place))
}

/// Detects a missing interpreter: execve(2) then reports that the script itself is missing.
fn check_interpreter(path: &Path, root: &Path) -> Result<(), NotExecutable> {
    let mut line = [0; 256];
    let Ok(length) = file::reopen_regular(path).and_then(|mut open| open.read(&mut line)) else {
        return Ok(());
    };
    let line = &line[..length];
    if !line.starts_with(b"#!") {
        return Ok(());
    }
    let first = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let word = first[2..].split(|b| b" \t".contains(b)).find(|word| !word.is_empty()).unwrap_or_default();
    let check_interpreter = Path::new(OsStr::from_bytes(word));
    if check_interpreter.is_absolute() && !in_root(root, check_interpreter).exists() {
        let cause = format!("its interpreter {} does not exist", check_interpreter.display());
        return Err(NotExecutable::Other(cause, None));
    }
    Ok(())
}
