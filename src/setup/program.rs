//! The file that is executed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::plan::Account;
use crate::spec::ServiceSpec;
use crate::sys::file;
use crate::sys::words;

use super::Failure;

/// systemd's number for this step (systemd.exec(5)).
const EXEC: u8 = 203;

/// Finds the program, as its path inside the root directory, and makes sure that the account can execute it.
///
/// A bare name is searched in the `PATH` that the program itself will see.
pub(super) fn find(
    spec: &ServiceSpec,
    account: &Account,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<PathBuf, Failure> {
    let root = spec.root_directory.as_ref().map_or(Path::new("/"), |root| root.as_path());
    let wanted = &spec.command.program;
    let failure = |cause: String| Failure::new("exec", wanted.to_string_lossy(), cause, EXEC);
    if wanted.as_bytes().contains(&b'/') {
        let path = PathBuf::from(wanted);
        return judge(&below(root, &path), root, account)
            .map(|()| path)
            .map_err(|reason| reason.failure(failure));
    }
    let search = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let mut found = None;
    for directory in search.as_bytes().split(|&byte| byte == b':').filter(|d| d.starts_with(b"/")) {
        let path = Path::new(OsStr::from_bytes(directory)).join(wanted);
        match judge(&below(root, &path), root, account) {
            Ok(()) => return Ok(path),
            Err(Reason::Missing) => {}
            Err(reason) => found = found.or(Some(reason)),
        }
    }
    Err(match found {
        Some(reason) => reason.failure(failure),
        None => failure("there is no such program in PATH".to_owned())
            .hint(format!("PATH is {}; write the program as a path", search.display())),
    })
}

/// An absolute path, seen from outside the root directory.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

enum Reason {
    Missing,
    Other(String, Option<&'static str>),
}

impl Reason {
    fn failure(self, failure: impl Fn(String) -> Failure) -> Failure {
        match self {
            Self::Missing => failure("there is no such file".to_owned()),
            Self::Other(cause, None) => failure(cause),
            Self::Other(cause, Some(hint)) => failure(cause).hint(hint),
        }
    }
}

fn judge(path: &Path, root: &Path, account: &Account) -> Result<(), Reason> {
    let other = |cause: &str, hint| Err(Reason::Other(cause.to_owned(), hint));
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => other("it is a directory", None),
        Ok(found) if !found.is_file() => other("it is no regular file", None),
        Ok(found) if found.mode() & 0o111 == 0 => other("it is not executable", Some("chmod +x it")),
        Ok(found) if !may_execute(&found, account) => {
            other("the user that the service runs as may not execute it", None)
        }
        Ok(_) => interpreter(path, root),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Reason::Missing),
        Err(error) => Err(Reason::Other(words(&error), None)),
    }
}

/// The kernel's rule (path_resolution(7)): the first class that fits decides.
fn may_execute(found: &Metadata, account: &Account) -> bool {
    let mode = found.mode();
    if account.uid == 0 {
        mode & 0o111 != 0
    } else if account.uid == found.uid() {
        mode & 0o100 != 0
    } else if account.gid == found.gid() || account.groups.contains(&found.gid()) {
        mode & 0o010 != 0
    } else {
        mode & 0o001 != 0
    }
}

/// A script whose interpreter is missing fails to execute as if itself were missing, which nobody understands.
fn interpreter(path: &Path, root: &Path) -> Result<(), Reason> {
    let mut line = [0; 256];
    let Ok(length) = file::open_input(path).and_then(|mut open| open.read(&mut line)) else { return Ok(()) };
    let line = &line[..length];
    if !line.starts_with(b"#!") {
        return Ok(());
    }
    let first = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let word = first[2..].split(|b| b" \t".contains(b)).find(|word| !word.is_empty()).unwrap_or_default();
    let interpreter = Path::new(OsStr::from_bytes(word));
    if interpreter.is_absolute() && !below(root, interpreter).exists() {
        let cause = format!("its interpreter {} does not exist", interpreter.display());
        return Err(Reason::Other(cause, None));
    }
    Ok(())
}
