//! Text that others chose, made fit for a terminal.

use std::fmt::Write;

use serde_json::Value;

/// A terminal takes commands from control characters, and the values come from whoever started us.
pub(super) fn harmless(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\'' => text.push(character),
            _ => text.extend(character.escape_debug()),
        }
    }
    text
}

/// JSON in ASCII: `serde_json` escapes only the control characters below blank, a terminal obeys others too.
/// Outside of strings JSON has no other characters than ASCII, so escaping them everywhere is right.
pub(super) fn json_text(value: &Value) -> String {
    json_ascii(&format!("{value:#}\n"))
}

/// The same, of JSON that is written already.
pub(super) fn json_ascii(json: &str) -> String {
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
    fn nothing_in_a_value_can_command_a_terminal() {
        assert_eq!(
            harmless("a\x1b[31m\n\u{9b}1m\u{202e}\x7f\\ it's"),
            r"a\u{1b}[31m\n\u{9b}1m\u{202e}\u{7f}\\ it's"
        );
    }

    #[test]
    fn json_is_ascii_and_means_the_same() {
        let value = json!({ "a": "\u{1b}\u{9b}\u{7f}\u{202e}\u{1f600}é\n" });
        let text = json_text(&value);
        assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
        assert_eq!(text.parse::<Value>().unwrap(), value);
    }
}
