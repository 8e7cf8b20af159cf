//! The mark of a start whose service is not ready yet: a file beside the lock, which names the process that waits.
//!
//! A service with a monitor has none: the monitor knows.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::lock_directory::prepare_directory;
use super::start_lock::{MODE, mode_in};
use crate::sys::{file, process};

/// Marks a service as starting, as long as it exists.
#[derive(Debug)]
pub struct Starting(PathBuf);

/// The suffix of the mark's file name. No lock's name ends with it.
const STARTING: &str = "%starting";

/// A longer file is no mark.
const MAX_MARK_BYTES: u64 = 64;

impl Starting {
    /// Marks the service with this lock. This process waits for it.
    pub fn mark(lock: &Path) -> io::Result<Self> {
        prepare_directory().map_err(|unusable| io::Error::other(unusable.to_string()))?;
        let pid = process::own_pid();
        let start = process::identity(pid)?.start_time;
        let path = mark_of(lock);
        // The mark of another start, which the lock will refuse, or of an earlier one that was killed.
        if is_starting(lock) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode_in(path.parent(), MODE)).open(&path)?;
        let mark = Self(path);
        file.write_all(format!("{pid} {start}\n").as_bytes())?;
        Ok(mark)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether a start of the service with this lock waits until it is ready.
pub fn is_starting(lock: &Path) -> bool {
    waiting(lock).is_some_and(|(pid, start)| {
        process::identity(pid).is_ok_and(|now| process::same_start(now.start_time, start) && !now.ended)
    })
}

/// The process that waits, and its start time.
fn waiting(lock: &Path) -> Option<(i32, u64)> {
    let file = file::open_regular_nofollow(&mark_of(lock)).ok()?;
    let mut text = String::new();
    file.take(MAX_MARK_BYTES).read_to_string(&mut text).ok()?;
    let (pid, start) = text.strip_suffix('\n')?.split_once(' ')?;
    Some((pid.parse().ok()?, start.parse().ok()?))
}

fn mark_of(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(OsStr::new(STARTING));
    path.into()
}
