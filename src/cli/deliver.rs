//! Putting files in their places, whole or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt::internal::{error_text, sync_file};

/// Writes each `DIRECTORY/name` with its text and mode 0644, whatever the umask: all are there before the first one
/// takes its name.
///
/// A file is always a new one: what reads the old one meanwhile keeps it, a link that stands there is replaced and
/// not followed, and neither mode nor extended attributes (a quarantine, on macOS) are taken over.
pub(crate) fn deliver(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<(), StepError> {
    // Not made from the names, which may leave no room for more.
    let draft = |number: usize| directory.join(format!(".svcadapt.{}.{number}", std::process::id()));
    let drafts: Vec<PathBuf> = (0..files.len()).map(draft).collect();
    let delivered = all(directory, files, &drafts);
    if delivered.is_err() {
        // They may not be there at all; what went wrong first is what is told.
        for draft in &drafts {
            let _ = std::fs::remove_file(draft);
        }
    }
    delivered
}

fn all(directory: &Path, files: &[(String, Vec<u8>)], drafts: &[PathBuf]) -> Result<(), StepError> {
    let each = || files.iter().zip(drafts);
    let failed = |name: &str, error: &io::Error| {
        StepError::new("output", error_text(error)).of(directory.join(name).display().to_string()).status(1)
    };
    // A directory is what no file can take the name of; it is found before any file has taken its own.
    let taken = |(name, _): &&(String, Vec<u8>)| {
        directory.join(name).symlink_metadata().is_ok_and(|there| there.is_dir())
    };
    if let Some((name, _)) = files.iter().find(taken) {
        return Err(failed(name, &io::ErrorKind::IsADirectory.into()));
    }
    for ((name, text), draft) in each() {
        write(draft, text).map_err(|error| failed(name, &error))?;
    }
    for ((name, _), draft) in each() {
        std::fs::rename(draft, directory.join(name)).map_err(|error| failed(name, &error))?;
    }
    let synced = File::open(directory).and_then(|open| sync_file(&open));
    synced.map_err(|error| failed(files.last().map_or("", |(name, _)| name), &error))
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    sync_file(&file)
}
