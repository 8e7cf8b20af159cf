//! Checks and reads property list files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use plist::{Dictionary, Value};

use super::xml;

/// The mode bits that would let other users change the job.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Reads a property list. An error is the reason why launchd would not load it.
///
/// launchctl(1): a file must belong to root, or in the domain of a user to that user, and must not be writable by group or
/// others.
/// 842 (`path_goodness_check`): it must be a regular file, and its name must end in `.plist`.
pub(crate) fn read(path: &Path, user: u32) -> Result<Dictionary, String> {
    if path.extension().is_none_or(|extension| extension != "plist") {
        return Err("the name does not end in .plist".to_owned());
    }
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if metadata.uid() != 0 && metadata.uid() != user {
        return Err(format!("it belongs to user {}, not to root", metadata.uid()));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(format!("its mode {:04o} lets others write", metadata.mode() & 0o7777));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = str::from_utf8(&bytes).map_err(|error| error.to_string())?;
    xml::check(text)?;
    let value = Value::from_reader_xml(text.as_bytes()).map_err(|error| error.to_string())?;
    value.into_dictionary().ok_or_else(|| "it is no dictionary".to_owned())
}
