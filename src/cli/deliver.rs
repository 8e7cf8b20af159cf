//! Putting a file in its place, whole or not at all.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use svcadapt::Error;
use svcadapt::sys::words;

/// Writes `DIRECTORY/name`, with mode 0644 whatever the umask.
///
/// The file is always a new one: what reads the old one meanwhile keeps it, a link that stands there is replaced and
/// not followed, and neither mode nor extended attributes (a quarantine, on macOS) are taken over.
pub(crate) fn deliver(directory: &Path, name: &str, text: &str) -> Result<(), Error> {
    let target = directory.join(name);
    // Not made from the name, which may leave no room for more.
    let temporary = directory.join(format!(".svcadapt.{}", std::process::id()));
    let written = write(&temporary, text).and_then(|()| std::fs::rename(&temporary, &target));
    if written.is_err() {
        // It may not be there at all; what went wrong first is what is told.
        let _ = std::fs::remove_file(&temporary);
    }
    written
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|error| Error::new("output", words(&error)).of(target.display().to_string()).status(1))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()
}
