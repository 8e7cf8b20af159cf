//! A look at a service from another process.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lock_directory;
use super::record::Record;
use super::record_file::read;
use crate::sys::lock::Holder;
use crate::sys::{fd, file};

/// The result of a look at a service's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is running as the recorded process.
    Running(Record),
    /// It is running in another pid namespace.
    Elsewhere,
    /// This process holds the lock, but there is no record.
    Unrecorded(i32),
    /// It has ended without `stop`.
    Dead(Record),
    /// Nothing is known of it.
    Unknown,
}

/// Looks at a service from another process. If the lock may not be opened, only the record counts.
pub fn look(path: &Path) -> io::Result<Found> {
    loop {
        let record = read(path)?;
        // The lock is not even opened then: if this process is the service, closing the file would drop its lock.
        if let Some(record) = record.as_ref().filter(|record| record.lives()) {
            return Ok(Found::Running(record.clone()));
        }
        let holder = holder(path, record.as_ref())?;
        // A service may have started, ended well or been removed since the record was read.
        let is_clear = matches!((&holder, &record), (Holder::Elsewhere, _) | (Holder::Nobody, None));
        if !is_clear && read(path)? != record {
            continue;
        }
        return Ok(match (holder, record) {
            (Holder::Elsewhere, _) => Found::Elsewhere,
            (Holder::Process(_), Some(record)) if record.is_of_another_namespace() => Found::Elsewhere,
            (Holder::Process(pid), Some(record)) if record.may_be(pid) => Found::Running(record),
            (_, Some(record)) => Found::Dead(record),
            (Holder::Process(pid), None) => Found::Unrecorded(pid),
            (Holder::Nobody, None) => Found::Unknown,
        });
    }
}

/// The descriptors of this process that refer to its own lock, as a program started by `svcadapt run` has one. A
/// child may inherit the descriptor, also after the lock is gone; but a child is not the recorded process.
pub fn inherited() -> Vec<i32> {
    let numbers = fd::inherited().unwrap_or_default().into_iter().map(|inherited| inherited.number());
    let leads_to_our_lock = |number: &i32| {
        let link = fd::path(*number).unwrap_or_default();
        link.is_absolute()
            && lock_directory::contains(&link)
            && read(&link).is_ok_and(|record| record.is_some_and(|record| record.is_of_this_process()))
    };
    numbers
        .filter(leads_to_our_lock)
        .filter(|&number| matches!(crate::sys::lock::holder_at(number), Ok(Holder::Nobody)))
        .collect()
}

/// Whether this process holds the lock at this path.
pub fn is_held_by(path: &Path, pid: i32) -> io::Result<bool> {
    Ok(holder(path, None)? == Holder::Process(pid))
}

/// The process that holds the lock at this path.
fn holder(path: &Path, record: Option<&Record>) -> io::Result<Holder> {
    match file::open_regular_nofollow(path) {
        Ok(file) => {
            let holder = crate::sys::lock::holder(&file)?;
            // A lock file that was removed meanwhile belongs to no service.
            Ok(if holder == Holder::Nobody || same(&file, path)? { holder } else { Holder::Nobody })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Holder::Nobody),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let elsewhere = record.is_some_and(Record::is_of_another_namespace);
            Ok(if elsewhere { Holder::Elsewhere } else { Holder::Nobody })
        }
        Err(error) => Err(error),
    }
}

fn same(file: &fs::File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
