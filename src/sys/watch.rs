//! Waiting for changes of the files in a directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use super::{fd, platform};

/// How often a system that reports no changes is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits for changes of the files in a directory.
#[derive(Debug)]
pub struct DirectoryWatch(Option<OwnedFd>);

impl DirectoryWatch {
    /// Begins to watch.
    pub fn new(directory: &Path) -> io::Result<Self> {
        platform::watch(directory).map(Self)
    }

    /// The descriptor that becomes readable. `None`: this system reports no changes.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    /// Whether something has changed since the last call, or may have.
    pub fn has_changed(&self) -> io::Result<bool> {
        let Some(watch) = &self.0 else { return Ok(true) };
        let mut events = [0; 4096];
        // Once: in a busy directory there is always more, and the descriptor stays readable.
        Ok(matches!(fd::read(watch, &mut events)?, Some(1..)))
    }

    /// Waits until something has changed since the last call, or may have.
    pub fn wait(&self) -> io::Result<()> {
        let Some(watch) = &self.0 else {
            return fd::wait_readable(&[], Some(PAUSE)).map(drop);
        };
        fd::wait_readable(&[watch.as_fd()], None)?;
        self.has_changed().map(drop)
    }
}
