//! Reads whole files, up to a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

use super::loaded::LoadError;
use super::script::blanked;
use crate::MAX_FILE_BYTES;
use crate::unit::MAX_UNIT_BYTES;

/// Reads at most a number of bytes of a regular file; `None` if it is anything else.
pub type ReadFile<'a> = &'a dyn Fn(&Path, u64) -> io::Result<Option<Vec<u8>>>;

/// The text of a property list or a JSON file, without the lines that make it a script.
pub fn spec_text(path: &Path, read: ReadFile) -> Result<Vec<u8>, LoadError> {
    Ok(blanked(text_of(path, read)?))
}

/// The text of a property list or a JSON file as it is.
pub(super) fn text_of(path: &Path, read: ReadFile) -> Result<Vec<u8>, LoadError> {
    text(path, MAX_FILE_BYTES, read).map_err(|error| LoadError::Unreadable(path.to_owned(), error))
}

/// The text of a unit file. `/dev/null` masks a unit, as an empty file does.
pub fn unit_text(path: &Path, read: ReadFile) -> Result<Vec<u8>, LoadError> {
    let content = || match fs::canonicalize(path)? {
        real if real == Path::new("/dev/null") => Ok(Vec::new()),
        _ => text(path, MAX_UNIT_BYTES, read),
    };
    content().map_err(|error| LoadError::Unreadable(path.to_owned(), error))
}

/// The function for programs that load their own files. The type is checked before the file is opened, because opening a
/// FIFO would wait for a writer, and again after it.
pub(super) fn regular_file(path: &Path, at_most: u64) -> io::Result<Option<Vec<u8>>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.take(at_most).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// At most `max_bytes` + 1 bytes, so that the caller can detect a longer file.
fn text(path: &Path, max_bytes: usize, read: ReadFile) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    read(&fs::canonicalize(path)?, limit)?.ok_or_else(|| io::Error::other("not a regular file"))
}
