//! The characters that a property list can contain.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::QuoteError;

/// The value as text. XML 1.0 has no control characters but tab, line feed and carriage return, and every reader turns
/// a carriage return into a line feed. The `plist` crate does not check this.
pub(super) fn text(value: &OsStr) -> Result<&str, QuoteError> {
    let text = value.as_bytes().utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let legal = |letter: char| match letter {
        '\t' | '\n' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => letter >= ' ',
    };
    match text.char_indices().find(|(_, letter)| !legal(*letter)) {
        Some((offset, letter)) => {
            let number = u32::from(letter);
            Err(QuoteError::new(offset, format!("a property list cannot contain U+{number:04X}")))
        }
        None if text.len() < value.len() => {
            Err(QuoteError::new(text.len(), "a property list cannot contain bytes that are not UTF-8"))
        }
        None => Ok(text),
    }
}
