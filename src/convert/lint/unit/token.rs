//! The words of a command line with their quotes, their offset and their role.

use crate::directive::{Section, ValueKind, directive};
use crate::unit::{Syntax, split_lossy};

/// A word of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The offset of the word in the value.
    pub(super) offset: usize,
    /// The word with its quotes and escapes.
    pub(super) raw: &'a str,
    /// The word without quotes and escapes.
    pub(super) bytes: Vec<u8>,
    /// Program or argument.
    pub(super) role: WordRole,
    /// Whether systemd expands variables in the command (no prefix `:`).
    pub(super) variables: bool,
    quoted: bool,
}

/// The role of a word in its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordRole {
    /// The first word of a command, with its prefixes.
    Program,
    /// Any other word.
    Argument,
}

impl Token<'_> {
    /// Whether the word contains a quote or a backslash: the user meant its characters literally.
    pub(super) fn protected(&self) -> bool {
        self.quoted
    }

    /// The word as text; bytes that are not UTF-8 are replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The prefixes of a program (systemd.service(5), "Command lines").
pub(super) const PREFIXES: [char; 6] = ['-', '@', ':', '+', '!', '|'];

/// The words of a line. A word `;` separates commands and is left out.
pub(super) fn tokens(value: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut first, mut variables) = (Vec::new(), true, true);
    // A line with a quote without its end is refused by systemd; another check reports it.
    for word in split_lossy(value, Syntax::Command) {
        let raw = &value[word.span.clone()];
        if raw == ";" {
            (first, variables) = (true, true);
            continue;
        }
        let role = if first { WordRole::Program } else { WordRole::Argument };
        if first {
            let prefixes = word.bytes.iter().take_while(|byte| PREFIXES.contains(&char::from(**byte)));
            variables = !prefixes.copied().any(|byte| byte == b':');
        }
        let (offset, bytes, quoted) = (word.span.start, word.bytes, word.quoted);
        tokens.push(Token { offset, raw, bytes, role, variables, quoted });
        first = false;
    }
    tokens
}

/// Each word with its quotes and escapes, and its offset in the value.
pub(super) fn raw_words(value: &str) -> Vec<(usize, &str)> {
    let words = split_lossy(value, Syntax::Command).into_iter();
    words.map(|word| (word.span.start, &value[word.span])).collect()
}

/// Whether a directive holds commands.
pub(super) fn holds_commands(key: &str) -> bool {
    directive(Section::Service, key).is_some_and(|row| row.kind == ValueKind::CommandLine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_their_quotes_and_offsets() {
        let shown: Vec<_> = tokens("-/bin/a \"b c\" d\\ e ; :/bin/f $g")
            .into_iter()
            .map(|token| (token.offset, token.raw.to_owned(), token.role, token.protected(), token.variables))
            .collect();
        let row = |offset, raw: &str, role, protected, variables| {
            (offset, raw.to_owned(), role, protected, variables)
        };
        assert_eq!(
            shown,
            [
                row(0, "-/bin/a", WordRole::Program, false, true),
                row(8, "\"b c\"", WordRole::Argument, true, true),
                row(14, "d\\ e", WordRole::Argument, true, true),
                row(21, ":/bin/f", WordRole::Program, false, false),
                row(29, "$g", WordRole::Argument, false, false),
            ]
        );
    }

    #[test]
    fn quote_without_end_extends_to_the_end_of_the_line() {
        assert_eq!(tokens("/bin/a \"b c").len(), 2);
    }
}
