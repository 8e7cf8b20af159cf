//! What a writer gives back: a text, or all that it cannot carry.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::divide::{Loss, Place};

/// A file's text, and what it could not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The whole file, with its final newline. Equal input gives equal bytes.
    pub text: String,
    /// What is different from what was asked for.
    pub losses: Vec<Loss>,
}

/// A file that was changed, in the words in which it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The file.
    pub text: Vec<u8>,
    /// A second file that belongs to it: that of a unit's sockets.
    pub beside: Option<Vec<u8>>,
    /// What the change loses. Of what was so already nothing is lost.
    pub losses: Vec<Loss>,
    /// Lines that stay, though no host is known to understand them.
    pub strange: Vec<Loss>,
}

/// Why a value has no form in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The first byte that has none, from 0.
    pub offset: usize,
    /// The reason.
    pub reason: Cow<'static, str>,
}

/// A value that cannot be written, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// Where it belongs.
    pub place: Place,
    /// The value.
    pub value: OsString,
    /// Why it cannot be written.
    pub unfit: Unfit,
}

/// As much of a value as a line for people has room for, in characters.
const SHOWN: usize = 60;

impl Unfit {
    pub(super) fn at(offset: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { offset, reason: reason.into() }
    }

    /// The same, of this value.
    pub(super) fn of(self, place: Place, value: &OsStr) -> WriteError {
        WriteError { place, value: value.to_owned(), unfit: self }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.value.to_string_lossy();
        let start: String = text.chars().take(SHOWN).collect();
        let more = if start.len() < text.len() { "…" } else { "" };
        let Unfit { offset, reason } = &self.unfit;
        write!(f, "{} '{}{more}': byte {offset}: {reason}", self.place, start.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_and_a_strange_one_is_shown() {
        let refused = Unfit::at(3, "why").of(Place::Argument(2), OsStr::new("a\nb"));
        assert_eq!(refused.to_string(), "argument 2 'a\\nb': byte 3: why");
        let long = Unfit::at(0, "why").of(Place::Program, OsStr::new(&"é".repeat(70)));
        assert_eq!(long.to_string(), format!("program '{}…': byte 0: why", "é".repeat(60)));
    }
}
