//! Command lines of a unit (systemd.service(5), "Command lines"), with any way to replace `%` specifiers.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::words::{BLANKS, Syntax, UnbalancedQuote, Word, first};

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The prefixes of the program in order: `-`, `@`, `:`, `+`, `!`, `|`.
    pub prefixes: String,
    /// The program: an absolute path or a bare name.
    pub program: OsString,
    /// The arguments with `argv[0]`. Variables are not expanded.
    pub argv: Vec<OsString>,
}

impl CommandLine {
    /// Whether systemd expands variables in the arguments (no prefix `:`).
    pub fn has_variables(&self) -> bool {
        !self.prefixes.contains(':')
    }
}

/// The commands of one directive.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLines {
    /// The commands; a word `;` separates them.
    pub commands: Vec<CommandLine>,
    /// Mistakes that systemd warns of.
    pub warnings: Vec<String>,
}

/// The error for a line that makes systemd refuse the unit.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The reason, for people.
    pub cause: String,
    /// Whether systemd itself accepts the line: the line has a specifier with a value that only systemd on the host
    /// knows.
    pub needs_host: bool,
}

impl CommandError {
    fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), needs_host: false }
    }
}

/// Replaces the specifiers of a word.
type Resolve<'a> = &'a dyn Fn(&[u8]) -> Result<Vec<u8>, CommandError>;

/// Reads a line. An error in a command with the prefix `-` is only a warning; the rest of the line is then ignored.
pub fn command_lines(line: &[u8], resolve: Resolve) -> Result<CommandLines, CommandError> {
    let mut lines = CommandLines::default();
    let mut rest = line;
    while let Some((word, tail)) = first(rest, Syntax::Command, BLANKS)? {
        warn_invalid_escape(&word, &mut lines.warnings);
        rest = tail;
        if word.bytes == b";" {
            continue;
        }
        let (prefixes, path) = word.bytes.split_at(prefixes(&word.bytes));
        let prefixes = String::from_utf8_lossy(prefixes).into_owned();
        let read = program(path, resolve).and_then(|program| {
            let argv0 = (!prefixes.contains('@')).then(|| program.clone());
            let (arguments, tail) = arguments(rest, resolve, &mut lines.warnings)?;
            let argv: Vec<OsString> = argv0.into_iter().chain(arguments).collect();
            if argv.first().is_none_or(|name| name.is_empty()) {
                return Err(CommandError::new(
                    "the program has no argv[0] (the prefix '@' needs it as a second word)",
                ));
            }
            Ok((CommandLine { prefixes: prefixes.clone(), program, argv }, tail))
        });
        match read {
            Ok((command, tail)) => {
                lines.commands.push(command);
                rest = tail;
            }
            Err(CommandError { cause, needs_host: false }) if prefixes.contains('-') => {
                lines.warnings.push(format!("{cause}; systemd ignores this line"));
                return Ok(lines);
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(lines)
}

/// The length of the prefixes. Each may occur once, and only one of `+`, `!` and `!!`; `|` is new in systemd 258.
fn prefixes(word: &[u8]) -> usize {
    let mut length = 0;
    for &byte in word {
        let seen = &word[..length];
        let bang = seen.iter().position(|byte| *byte == b'!');
        let good = match byte {
            b'-' | b'@' | b':' | b'|' => !seen.contains(&byte),
            b'+' => !seen.contains(&b'+') && bang.is_none(),
            b'!' => !seen.contains(&b'+') && bang.is_none_or(|at| !seen[at + 1..].contains(&b'!')),
            _ => false,
        };
        if !good {
            break;
        }
        length += 1;
    }
    length
}

fn program(word: &[u8], resolve: Resolve) -> Result<OsString, CommandError> {
    let path = resolve(word)?;
    let special = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'\\');
    let long = |part: &[u8]| part.len() > 255;
    let cause = match path.as_slice() {
        [] => "the path of the program is missing",
        path if path.iter().any(special) => {
            "a quote, a backslash or a control character in the path of a program"
        }
        [.., b'/'] => "this is a directory, not a program",
        path if path.len() >= 4096 || path.split(|byte| *byte == b'/').any(long) => {
            "the path is longer than 4095 bytes, or a part of it longer than 255"
        }
        [b'/', ..] => return Ok(OsString::from_vec(path)),
        path if path.contains(&b'/') => "not an absolute path, and not a bare name",
        b"." | b".." => "this is a directory, not a program",
        _ => return Ok(OsString::from_vec(path)),
    };
    Err(CommandError::new(cause))
}

/// The words up to the end of the line or to a word `;`, and the text after them.
fn arguments<'a>(
    line: &'a [u8],
    resolve: Resolve,
    warnings: &mut Vec<String>,
) -> Result<(Vec<OsString>, &'a [u8]), CommandError> {
    let ends = |tail: &[u8]| tail.first().is_none_or(|byte| BLANKS.contains(byte));
    let blank = |tail: &'a [u8]| &tail[tail.iter().take_while(|byte| BLANKS.contains(byte)).count()..];
    let (mut words, mut rest) = (Vec::new(), line);
    loop {
        match rest {
            [b';', tail @ ..] if ends(tail) => return Ok((words, blank(tail))),
            [b'\\', b';', tail @ ..] if ends(tail) => {
                words.push(";".into());
                rest = blank(tail);
                continue;
            }
            _ => {}
        }
        let Some((word, tail)) = first(rest, Syntax::Command, BLANKS)? else {
            return Ok((words, rest));
        };
        warn_invalid_escape(&word, warnings);
        words.push(OsString::from_vec(resolve(&word.bytes)?));
        rest = tail;
    }
}

impl From<UnbalancedQuote> for CommandError {
    fn from(_: UnbalancedQuote) -> Self {
        Self::new(UNBALANCED)
    }
}

/// The message for [`UnbalancedQuote`].
pub const UNBALANCED: &str = "a quote is not closed";

/// Adds a warning about an invalid escape in a word.
pub fn warn_invalid_escape(word: &Word, warnings: &mut Vec<String>) {
    // A line can have half a million words; a few warnings are enough.
    if word.invalid_escape && warnings.len() < 8 {
        let word = String::from_utf8_lossy(&word.bytes);
        warnings.push(format!("invalid escape in '{}'; systemd keeps the backslash", word.escape_debug()));
    }
}
