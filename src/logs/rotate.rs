//! Prepares the log file of a service at its start: its directory, and one old file.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use crate::sys::{file, identity};

/// A log file that is larger than this at a start is kept as `NAME.log.1`.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// Makes the directory of a log file, and moves a large log file aside.
///
/// The directory must be one in which only this user can make files: nothing is renamed in any other.
pub(crate) fn prepare(log: &Path) -> io::Result<()> {
    let open = prepare_directory(log)?;
    match log.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() > MAX_BYTES => {
            let name = log.file_name().unwrap_or_default();
            let mut old = OsString::from(name);
            old.push(".1");
            file::rename(&open, name, &old)
        }
        _ => Ok(()),
    }
}

/// Makes the directory of a log file, and opens it.
pub(crate) fn prepare_directory(log: &Path) -> io::Result<File> {
    let Some(directory) = log.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mode = if identity::effective_user() == 0 { 0o755 } else { 0o700 };
    make(directory, mode)?;
    let open = file::open_directory(directory)?;
    let found = open.metadata()?;
    if found.uid() != identity::effective_user() || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("other users can write into its directory"));
    }
    Ok(open)
}

/// Makes a directory with this mode, and its parents.
fn make(directory: &Path, mode: u32) -> io::Result<()> {
    if directory.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make(parent, mode)?;
    }
    if file::make_directory(directory, mode)? {
        // Whatever the umask is.
        fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}
