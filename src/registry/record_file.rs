//! The files of the records, one beside each lock.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::lock_directory::lock_directories;
use super::record::Record;
use crate::sys::{file, process};

/// Every lock in a directory that has a record, except `own`, sorted by name.
pub fn records(directory: &Path, own: Option<&Path>) -> io::Result<Vec<(PathBuf, Record)>> {
    let entries = fs::read_dir(directory)?.flatten();
    let locks = entries.filter_map(|entry| {
        let name = entry.file_name();
        Some(directory.join(OsStr::from_bytes(name.as_bytes().strip_suffix(RECORD)?)))
    });
    let locks = locks.filter(|lock| own.is_none_or(|own| own != lock));
    let mut all: Vec<_> = locks
        .filter_map(|lock| {
            let record = read(&lock).ok()??;
            Some((lock, record))
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}

/// The lock of the service that has this process as its main one.
pub fn lock_of(pid: i32) -> Option<PathBuf> {
    let (places, _) = lock_directories();
    let records =
        places.into_iter().filter_map(|lock_directory| records(&lock_directory.path, None).ok()).flatten();
    let mut own = records.filter(|(_, record)| record.pid == pid && record.lives());
    own.next().map(|(lock, _)| lock)
}

/// Whether the monitor of the service with this lock has started this process.
pub fn is_monitored_by_parent(lock: &Path) -> bool {
    let monitor = read(lock).ok().flatten().and_then(|record| record.living_monitor());
    monitor.is_some_and(|monitor| monitor.pid == process::parent_pid())
}

/// Reads the record of a lock.
pub fn read(lock: &Path) -> io::Result<Option<Record>> {
    let mut file = match file::open_regular_nofollow(&record_of(lock)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nearly every record fits and is read at once; the last line shows that a record is whole.
    let mut first = [0; 2048];
    let length = file.read(&mut first)?;
    if let Some(record) = Record::read(&first[..length]) {
        return Ok(Some(record));
    }
    let mut text = first[..length].to_vec();
    file.take(MAX_RECORD_BYTES).read_to_end(&mut text)?;
    Ok(Record::read(&text))
}

/// A larger file is not a record.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// The suffix of a record's file name. No lock's name ends with it.
pub(super) const RECORD: &[u8] = b"%record";

/// The path of the record of a lock.
pub(super) fn record_of(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(OsStr::from_bytes(RECORD));
    path.into()
}
