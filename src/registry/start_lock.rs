//! The locks at which starts and stops take turns, and the mode of the files that only their owner opens.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::lock_directory;
use super::lock_directory::{directory, prepare_directory};
use crate::sys::file;
use crate::sys::lock::StartLock;

/// Waits for a lock that starts of this user take in turn. `name` must not be a service name.
pub(crate) fn lock_starts(name: &str) -> io::Result<StartLock> {
    prepare_directory().map_err(|unusable| io::Error::other(unusable.to_string()))?;
    lock_starts_in(&directory(), name)
}

/// The same in this directory.
pub(super) fn lock_starts_in(directory: &Path, name: &str) -> io::Result<StartLock> {
    // Only the owner can open the file, so no other user can hold the lock.
    let path = directory.join(name);
    crate::sys::lock::lock_starts(
        file::open_or_create(&path, mode_in(Some(directory), MODE))?,
        START_LOCK_TIMEOUT,
    )
    .map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => io::Error::other(format!(
            "another start or stop has held {} for {START_LOCK_TIMEOUT:?}",
            path.display()
        )),
        _ => error,
    })
}

/// The critical section takes milliseconds; a process that holds the lock longer was suspended in it.
const START_LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The mode of files that only the owner may open.
pub(super) const MODE: u32 = 0o600;

/// The mode of a file in this directory. Cleaners (tmpfiles.d(5)) keep files with the sticky bit.
pub(super) fn mode_in(directory: Option<&Path>, mode: u32) -> u32 {
    const STICKY: u32 = 0o1000;
    if directory.is_some_and(lock_directory::is_aged) { mode | STICKY } else { mode }
}
