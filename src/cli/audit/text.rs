//! Text that others chose, made fit to print.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// The text with everything escaped that could move the cursor, hide a letter or fake a line: control and format
/// characters as Rust writes them (`\n`, `\u{1b}`), a backslash as `\\`, bytes that are not UTF-8 as `\xff`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\'' | '"' => text.push(letter),
                _ => text.extend(letter.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The same, of a path.
pub(crate) fn printable_path(path: impl AsRef<OsStr>) -> String {
    printable(path.as_ref().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_play_with_the_terminal() {
        assert_eq!(printable(b"plain 'name' \"x\""), "plain 'name' \"x\"");
        assert_eq!(printable("\u{1b}[2Jé\n\r\0\u{7f}".as_bytes()), "\\u{1b}[2Jé\\n\\r\\0\\u{7f}");
        assert_eq!(printable(b"a\xffb\xc3\\"), "a\\xffb\\xc3\\\\");
        assert_eq!(printable("\u{202e}\u{200b}\u{9b}".as_bytes()), "\\u{202e}\\u{200b}\\u{9b}");
    }
}
