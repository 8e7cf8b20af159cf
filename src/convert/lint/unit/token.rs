//! The words of a command line as they were written: whether they were quoted, and where they stand.

use crate::unit::{Syntax, split};

/// A word of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Where it begins in the value.
    pub(super) offset: usize,
    /// How it was written.
    pub(super) raw: &'a str,
    /// What it is.
    pub(super) bytes: Vec<u8>,
    /// What it is for.
    pub(super) role: WordRole,
    /// Whether `$` means something in its command.
    pub(super) variables: bool,
}

/// What a word is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordRole {
    /// The first word of a command, with its prefixes.
    Program,
    /// Any other.
    Argument,
}

impl Token<'_> {
    /// Whether a quote or a backslash in it shows that it was meant as text.
    pub(super) fn protected(&self) -> bool {
        self.raw.contains(['"', '\'', '\\'])
    }

    /// What it is, as far as it is text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The signs that may stand before a program (systemd.service(5)).
pub(super) const PREFIXES: [char; 6] = ['-', '@', ':', '+', '!', '|'];

/// The words of a line. A `;` of its own parts commands and is no word.
pub(super) fn tokens(value: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut first, mut variables) = (Vec::new(), true, true);
    for (offset, raw) in raw_words(value) {
        if raw == ";" {
            (first, variables) = (true, true);
            continue;
        }
        // A quote that is never closed makes systemd refuse the line, which others tell.
        let bytes = match split(raw, Syntax::Command).as_deref() {
            Ok([word]) => word.bytes.clone(),
            _ => raw.as_bytes().to_vec(),
        };
        let role = if first { WordRole::Program } else { WordRole::Argument };
        if first {
            let prefixes = bytes.iter().take_while(|byte| PREFIXES.contains(&char::from(**byte)));
            variables = !prefixes.copied().any(|byte| byte == b':');
        }
        tokens.push(Token { offset, raw, bytes, role, variables });
        first = false;
    }
    tokens
}

/// Each word as it stands, and where it begins.
pub(super) fn raw_words(value: &str) -> Vec<(usize, &str)> {
    let (mut words, mut begin, mut quote, mut escaped) = (Vec::new(), None, None, false);
    for (at, byte) in value.bytes().enumerate() {
        let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        if blank && quote.is_none() && !escaped {
            words.extend(begin.take().map(|begin| (begin, &value[begin..at])));
            continue;
        }
        begin = begin.or(Some(at));
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            _ if quote == Some(byte) => quote = None,
            _ => {}
        }
    }
    words.extend(begin.map(|begin| (begin, &value[begin..])));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_quotes_and_places() {
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
    fn a_quote_without_an_end_is_a_word_up_to_the_end() {
        assert_eq!(tokens("/bin/a \"b c").len(), 2);
    }
}
