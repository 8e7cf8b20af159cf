//! Escaping of untrusted text for terminals and for JSON.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

/// Escapes everything that could move the cursor, hide a letter or fake a line: control and format characters as Rust
/// writes them (`\n`, `\u{1b}`), a backslash as `\\`, bytes that are not UTF-8 as `\xff`. Quotes stay as they are.
pub(crate) fn printable(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
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

/// [`printable`] for a path.
pub(crate) fn printable_path(path: impl AsRef<OsStr>) -> String {
    printable(path.as_ref().as_bytes())
}

/// Pretty-printed JSON in ASCII: `serde_json` escapes only the control characters below the blank, but a terminal obeys
/// others too (C1 controls, bidirectional overrides).
pub(crate) fn json_text(value: &Value) -> String {
    json_ascii(&format!("{value:#}\n"))
}

/// Escapes all but ASCII in a JSON text. Outside of strings JSON is ASCII, so it is safe to escape everywhere.
pub(crate) fn json_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || (' '..='~').contains(&character) {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn control_and_format_characters_are_escaped() {
        assert_eq!(
            printable("a\x1b[31m\n\u{9b}1m\u{202e}\u{200b}\x7f\\ it's \"x\""),
            r#"a\u{1b}[31m\n\u{9b}1m\u{202e}\u{200b}\u{7f}\\ it's "x""#
        );
        assert_eq!(printable("\u{1b}[2Jé\n\r\0\u{7f}"), "\\u{1b}[2Jé\\n\\r\\0\\u{7f}");
    }

    #[test]
    fn invalid_utf8_is_escaped_byte_by_byte() {
        assert_eq!(printable(b"a\xffb\xc3\\"), "a\\xffb\\xc3\\\\");
    }

    #[test]
    fn json_text_is_ascii_with_the_same_value() {
        let value = json!({ "a": "\u{1b}\u{9b}\u{7f}\u{202e}\u{1f600}é\n" });
        let text = json_text(&value);
        assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
        assert_eq!(text.parse::<Value>().unwrap(), value);
    }
}
