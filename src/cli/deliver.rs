//! Writes files atomically.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt::internal::{error_text, sync_file};

/// Writes each `DIRECTORY/name` with its text and mode 0644, whatever the umask. All temporary files are complete
/// before the first one is renamed.
///
/// Each file is a new inode: a reader of the old file keeps it, a symbolic link at the path is replaced and not
/// followed, and neither mode nor extended attributes (on macOS a quarantine) are inherited.
pub(crate) fn deliver(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<(), StepError> {
    // The names do not contain those of the files, which may have the maximal length already.
    let draft = |number: usize| directory.join(format!(".svcadapt.{}.{number}", std::process::id()));
    let drafts: Vec<PathBuf> = (0..files.len()).map(draft).collect();
    let delivered = write_all(directory, files, &drafts);
    if delivered.is_err() {
        // Best effort: they may not exist, and the first error is the one to report.
        for draft in &drafts {
            let _ = std::fs::remove_file(draft);
        }
    }
    delivered
}

fn write_all(directory: &Path, files: &[(String, Vec<u8>)], drafts: &[PathBuf]) -> Result<(), StepError> {
    let each = || files.iter().zip(drafts);
    let error = |name: &str, error: &io::Error| {
        StepError::new("output", error_text(error)).of(directory.join(name).display().to_string()).status(1)
    };
    // A directory cannot be replaced by a file; check before the first rename.
    let is_directory = |(name, _): &&(String, Vec<u8>)| {
        directory.join(name).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    };
    if let Some((name, _)) = files.iter().find(is_directory) {
        return Err(error(name, &io::ErrorKind::IsADirectory.into()));
    }
    for ((name, text), draft) in each() {
        write(draft, text).map_err(|cause| error(name, &cause))?;
    }
    for ((name, _), draft) in each() {
        std::fs::rename(draft, directory.join(name)).map_err(|cause| error(name, &cause))?;
    }
    let synced = File::open(directory).and_then(|open| sync_file(&open));
    synced.map_err(|cause| error(files.last().map_or("", |(name, _)| name), &cause))
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    sync_file(&file)
}
