//! Words of a POSIX shell (sh(1), "Quoting").

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::divide::{CommandWord, Place};
use crate::{QuoteError, WriteError};

/// The word as the shell reads it back byte for byte: as it is, or in single quotes, where only the quote itself has a
/// meaning. No program can be given a NUL.
pub(super) fn word(place: Place, text: &OsStr) -> Result<Vec<u8>, WriteError> {
    let bytes = text.as_bytes();
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(QuoteError::new(offset, "a NUL ends the word of a command").in_value(place, text));
    }
    Ok(quote(bytes))
}

/// A text without a NUL as one word.
pub(super) fn quote(bytes: &[u8]) -> Vec<u8> {
    // A word with '=' is an assignment only as the first word of a command, which no word of ours is that could be one.
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return bytes.to_vec();
    }
    let mut quoted = vec![b'\''];
    for &byte in bytes {
        if byte == b'\'' { quoted.extend(b"'\\''") } else { quoted.push(byte) }
    }
    quoted.push(b'\'');
    quoted
}

/// The words of a command, each option of the adapter on a line of its own, with this many blanks in front. Errors: every
/// word that cannot be written.
pub(super) fn command(words: &[CommandWord], indent: usize) -> Result<Vec<u8>, Vec<WriteError>> {
    let new_line = format!(" \\\n{:indent$}", "");
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    let has_adapter = words.first().is_some_and(|first| first.place == Place::Adapter);
    if let Some(first) = words.first().filter(|first| !has_adapter && first.text.as_bytes().starts_with(b"-"))
    {
        let why = "the shell would take the program for an option";
        errors.push(QuoteError::new(0, why).in_value(first.place, &first.text));
    }
    for (index, CommandWord { place, text: value }) in words.iter().enumerate() {
        let starts_line =
            matches!(place, Place::Field(_) | Place::Adapter) && value.as_bytes().starts_with(b"--");
        let starts_line = starts_line && *value != "--mode";
        text.extend_from_slice(match index {
            0 => b"",
            _ if starts_line => new_line.as_bytes(),
            _ => b" ",
        });
        match word(*place, value) {
            Ok(quoted) => text.extend(quoted),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(text) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        String::from_utf8(quote(text.as_bytes())).unwrap()
    }

    #[test]
    fn word_is_quoted_only_where_the_shell_would_change_it() {
        for (text, expected) in [
            ("/usr/bin/web", "/usr/bin/web"),
            ("--port=80", "--port=80"),
            ("", "''"),
            ("A=b", "A=b"),
            ("it's", "'it'\\''s'"),
            ("a b\n$x `y` \\ \" ~ * é", "'a b\n$x `y` \\ \" ~ * é'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn word_with_a_nul_is_refused_with_its_offset() {
        let error = word(Place::Argument(1), OsStr::from_bytes(b"ab\0c")).unwrap_err();
        assert_eq!((error.place, error.offset), (Place::Argument(1), 2));
    }

    #[test]
    fn program_that_looks_like_an_option_is_refused() {
        let words = |text: &str| [CommandWord { place: Place::Program, text: text.into() }];
        assert_eq!(command(&words("-x"), 0).unwrap_err().len(), 1);
        assert_eq!(command(&words("/-x"), 0).unwrap(), b"/-x");
    }
}
