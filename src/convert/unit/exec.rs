//! Command lines: `ExecStart=` and its kin (systemd.service(5) "Command lines").

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::specifiers::resolve;
use super::words::{BLANKS, Syntax, first};
use super::{UnitName, Unresolved, Why};

/// One command of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The signs before the program, in their order.
    pub prefixes: String,
    /// The program: an absolute path, or a bare name.
    pub program: OsString,
    /// All words that the program is given, its own name first. Variables stand as they were written.
    pub argv: Vec<OsString>,
}

impl CommandLine {
    /// Whether `$` means something in its arguments.
    pub fn has_variables(&self) -> bool {
        !self.prefixes.contains(':')
    }
}

/// What a line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLines {
    /// Its commands. A `;` of its own parts them.
    pub commands: Vec<CommandLine>,
    /// What systemd would warn of.
    pub warnings: Vec<String>,
}

/// A line that systemd refuses, and the unit with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub cause: String,
    /// Whether it is not systemd that refuses it: it would know a value that we cannot.
    pub of_the_host: bool,
}

impl Refused {
    fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), of_the_host: false }
    }
}

impl From<Unresolved> for Refused {
    fn from(unresolved: Unresolved) -> Self {
        let of_the_host = matches!(unresolved.why, Why::OfTheHost | Why::OfTheInstance);
        Self { cause: unresolved.to_string(), of_the_host }
    }
}

/// Reads a line. What is wrong behind a `-` is only a warning, and ends the line.
pub fn commands(line: &str, name: &UnitName, file: &Path) -> Result<CommandLines, Refused> {
    let mut lines = CommandLines::default();
    let mut rest = line.as_bytes();
    while let Some((word, tail)) = first(rest, Syntax::Command, BLANKS).map_err(|_| unbalanced())? {
        warn_strange(&word.bytes, word.strange, &mut lines.warnings);
        rest = tail;
        if word.bytes == b";" {
            continue;
        }
        let (prefixes, path) = word.bytes.split_at(prefixes(&word.bytes));
        let prefixes = String::from_utf8_lossy(prefixes).into_owned();
        let read = program(path, name, file).and_then(|program| {
            let called = (!prefixes.contains('@')).then(|| program.clone());
            let (arguments, tail) = arguments(rest, name, file, &mut lines.warnings)?;
            let argv: Vec<OsString> = called.into_iter().chain(arguments).collect();
            if argv.first().is_none_or(|name| name.is_empty()) {
                return Err(Refused::new("the program is given no name"));
            }
            Ok((CommandLine { prefixes: prefixes.clone(), program, argv }, tail))
        });
        match read {
            Ok((command, tail)) => {
                lines.commands.push(command);
                rest = tail;
            }
            Err(Refused { cause, of_the_host: false }) if prefixes.contains('-') => {
                lines.warnings.push(format!("{cause}; systemd ignores the line"));
                return Ok(lines);
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(lines)
}

/// How many bytes are prefixes. Each counts once, of `+`, `!` and `!!` one at most; `|` is of systemd 258.
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

fn program(word: &[u8], name: &UnitName, file: &Path) -> Result<OsString, Refused> {
    let path = resolve(word, name, file)?;
    let special = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'\\');
    let long = |part: &[u8]| part.len() > 255;
    let cause = match path.as_slice() {
        [] => "no program stands there",
        path if path.iter().any(special) => "a character that no program has in its path",
        [.., b'/'] => "this is a directory, not a program",
        path if path.len() >= 4096 || path.split(|byte| *byte == b'/').any(long) => "no path is that long",
        [b'/', ..] => return Ok(OsString::from_vec(path)),
        path if path.contains(&b'/') => "neither an absolute path nor the bare name of a program",
        b"." | b".." => "this is a directory, not a program",
        _ => return Ok(OsString::from_vec(path)),
    };
    Err(Refused::new(cause))
}

/// The words up to the end, or to a `;` of its own.
fn arguments<'a>(
    line: &'a [u8],
    name: &UnitName,
    file: &Path,
    warnings: &mut Vec<String>,
) -> Result<(Vec<OsString>, &'a [u8]), Refused> {
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
        let Some((word, tail)) = first(rest, Syntax::Command, BLANKS).map_err(|_| unbalanced())? else {
            return Ok((words, rest));
        };
        warn_strange(&word.bytes, word.strange, warnings);
        let resolved = resolve(&word.bytes, name, file)?;
        words.push(OsString::from_vec(resolved));
        rest = tail;
    }
}

fn unbalanced() -> Refused {
    Refused::new("a quote that is never closed")
}

pub(super) fn warn_strange(word: &[u8], strange: bool, warnings: &mut Vec<String>) {
    // More would be no news, and a line may have half a million words.
    if strange && warnings.len() < 8 {
        let word = String::from_utf8_lossy(word);
        warnings.push(format!("a backslash that begins no escape, in '{}'; it stays", word.escape_debug()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<String>, String> {
        let name = UnitName::parse("web@1.service").unwrap();
        let shown = |c: CommandLine| {
            let argv: Vec<_> = c.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("{} {} {}", c.prefixes, c.program.to_string_lossy(), argv.join("|"))
        };
        let lines = commands(line, &name, Path::new("/u")).map_err(|refused| refused.cause)?;
        Ok(lines.commands.into_iter().map(shown).collect())
    }

    #[test]
    fn prefixes_stand_before_the_program() {
        assert_eq!(read("-+/a b").unwrap(), ["-+ /a /a|b"]);
        assert_eq!(read("\":/a $b\" ${c}").unwrap(), [": /a $b /a $b|${c}"]);
        assert_eq!(read("@!!/a b c").unwrap(), ["@!! /a b|c"]);
        assert_eq!(read("|sh").unwrap(), ["| sh sh"]);
        for line in ["+!/a", "++/a", "!!!/a", "", "@/a"] {
            assert!(read(line).is_err() || read(line).unwrap().is_empty(), "{line}");
        }
    }

    #[test]
    fn a_semicolon_of_its_own_parts_commands() {
        assert_eq!(read("/a b; \\; \";\" ; c%i d").unwrap(), [" /a /a|b;|;|;", " c1 c1|d"]);
        assert_eq!(read("; ; /a ;").unwrap(), [" /a /a"]);
    }

    #[test]
    fn what_is_wrong_behind_a_dash_is_overlooked() {
        assert!(
            read("a/b").is_err() && read("/a/").is_err() && read("/a \"b").is_err() && read("/a %Q").is_err()
        );
        assert_eq!(read("-a/b").unwrap(), [""; 0]);
        assert_eq!(read("- /a").unwrap(), [""; 0]);
    }
}
