//! What a property list can carry.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::Unfit;

/// XML 1.0 has no control characters but tab and line feed: a carriage return is one too, but every reader makes a
/// line feed of it. The `plist` crate would write them all as they stand.
pub(super) fn text(value: &OsStr) -> Result<&str, Unfit> {
    let text = value.as_bytes().utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let legal = |letter: char| match letter {
        '\t' | '\n' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => letter >= ' ',
    };
    match text.char_indices().find(|(_, letter)| !legal(*letter)) {
        Some((offset, letter)) => {
            let number = u32::from(letter);
            Err(Unfit::at(offset, format!("U+{number:04X} cannot stand in a property list")))
        }
        None if text.len() < value.len() => {
            Err(Unfit::at(text.len(), "what is not UTF-8 cannot stand in a property list"))
        }
        None => Ok(text),
    }
}
