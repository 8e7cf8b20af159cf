//! The result of a writer: a text, or every value that the format cannot represent.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::divide::{Loss, Place};

/// The text of a file, and the settings that it cannot express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The whole file, with its final newline. Equal input gives equal bytes.
    pub text: String,
    /// Settings that the host does not honour, or honours differently.
    pub losses: Vec<Loss>,
}

/// An existing file with only the necessary lines changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The file.
    pub text: Vec<u8>,
    /// The `.socket` unit that belongs to a `.service` unit, if the service has sockets.
    pub sibling: Option<Vec<u8>>,
    /// What the change loses, without the losses that the file had before.
    pub losses: Vec<Loss>,
    /// Lines that are unchanged although no known host understands them.
    pub unknown_lines: Vec<Loss>,
}

/// Why a value cannot be quoted in the syntax of a file; [`WriteError`] without the value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuoteError {
    pub(crate) offset: usize,
    pub(crate) reason: Cow<'static, str>,
}

/// A value that the format of a file cannot represent. The file is then not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// Where the value belongs: an option, an argument, a key.
    pub place: Place,
    /// The value.
    pub value: OsString,
    /// The offset in bytes, from 0, of the first byte that cannot be represented.
    pub offset: usize,
    /// Why it cannot be represented, for people.
    pub reason: Cow<'static, str>,
}

/// How many characters of a value an error message shows.
const MAX_SHOWN_CHARS: usize = 60;

impl QuoteError {
    pub(crate) fn new(offset: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { offset, reason: reason.into() }
    }

    /// Adds the value and its place.
    pub(crate) fn in_value(self, place: Place, value: &OsStr) -> WriteError {
        WriteError { place, value: value.to_owned(), offset: self.offset, reason: self.reason }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.value.to_string_lossy();
        let start: String = text.chars().take(MAX_SHOWN_CHARS).collect();
        let more = if start.len() < text.len() { "…" } else { "" };
        let Self { place, offset, reason, .. } = self;
        write!(f, "{place} '{}{more}': byte {offset}: {reason}", start.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_error_truncates_long_values_and_escapes_control_characters() {
        let error = QuoteError::new(3, "why").in_value(Place::Argument(2), OsStr::new("a\nb"));
        assert_eq!(error.to_string(), "argument 2 'a\\nb': byte 3: why");
        let long = QuoteError::new(0, "why").in_value(Place::Program, OsStr::new(&"é".repeat(70)));
        assert_eq!(long.to_string(), format!("program '{}…': byte 0: why", "é".repeat(60)));
    }
}
