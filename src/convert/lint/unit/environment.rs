//! Invalid assignments in `Environment=`, and misleading lines in environment files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt_spec::{EnvName, Origin, Spot};

use super::secret::holds_secret;
use super::token::tokens;
use super::{UnitLine, UnitView};
use crate::lint::Findings;
use crate::lint::rules::directive::{ASSIGNMENT, EXPANDED};
use crate::lint::rules::path::{ENVIRONMENT_FILE, EXPORT, SWALLOWED, TRAILING};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    unit.all("Service", "Environment").iter().for_each(|at| words(at, findings));
    for at in unit.all("Service", "EnvironmentFile") {
        let (optional, text) = at.value().strip_prefix('-').map_or((false, at.value()), |text| (true, text));
        // A pattern may match any number of files (glob(7)); `raw` reports quotes.
        let Some(path) = unit.path(&at, text).filter(|_| !text.contains(['*', '?', '[', '{', '\\', '"']))
        else {
            continue;
        };
        if !optional && unit.machine.inode(&path).is_missing() && !unit.may_be_absent(&path) {
            findings.add(&ENVIRONMENT_FILE, at.origin(), format!("file '{}' does not exist", path.display()));
        }
        if let Some(content) = unit.machine.content(&path) {
            lines(&path, &content, findings);
        }
    }
}

fn words(at: &UnitLine, findings: &mut Findings) {
    let secret = holds_secret(at.value());
    for token in tokens(at.value()) {
        if findings.is_full() {
            return;
        }
        let name = token.bytes.split(|byte| *byte == b'=').next().unwrap_or_default();
        // A specifier may be part of the name.
        let is_valid = name.len() < token.bytes.len() && EnvName::parse(OsStr::from_bytes(name)).is_ok();
        if !is_valid && !name.contains(&b'%') {
            let word = if secret { "a word" } else { &format!("'{}'", token.raw.escape_debug()) };
            let message = format!("{word} is not an assignment");
            findings.add(&ASSIGNMENT, at.within(token.offset), message);
        } else if [r#"","#, "',", r#"";"#, "';"].iter().any(|end| token.raw.ends_with(end)) {
            findings.add(
                &ASSIGNMENT,
                at.within(token.offset),
                "character after the closing quote is part of the value",
            );
        } else if let Some(variable) = variable(&token.bytes[name.len()..]).filter(|_| !secret) {
            let message = format!("{variable} is not expanded");
            findings.add(&EXPANDED, at.within(token.offset), message);
        }
    }
}

/// A variable in a value that was probably meant to be expanded: `$PATH`, `${HOME}`. A name in lower case, or directly
/// after a letter, may be literal text.
pub(in crate::lint) fn variable(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    text.match_indices('$').find_map(|(at, _)| {
        let (rest, end) = match text[at + 1..].strip_prefix('{') {
            Some(rest) => (rest, "}"),
            None => (&text[at + 1..], ""),
        };
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
        let upper = name.starts_with(|c: char| c.is_ascii_uppercase())
            && !name.contains(|c: char| c.is_ascii_lowercase());
        let is_separate = text[..at].ends_with(|c: char| " :=/,\"'".contains(c));
        let brace = if end.is_empty() { "" } else { "{" };
        (upper && name.len() > 1 && is_separate && rest[name.len()..].starts_with(end))
            .then(|| format!("${brace}{name}{end}"))
    })
}

/// Checks the lines of an environment file (systemd.exec(5), `EnvironmentFile=`). Lines inside a multi-line quote are
/// skipped.
fn lines(path: &Path, content: &[u8], findings: &mut Findings) {
    let mut quoted = None;
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if findings.is_full() {
            return;
        }
        let text = line.trim_ascii();
        if quoted.is_none() {
            check_line(line, text, |offset| place(path, number + 1, line, offset), findings);
        }
        quoted = quote_after(text, quoted);
    }
}

/// A place in an environment file. The value is not printed, because it may be a secret.
fn place(path: &Path, number: usize, line: &[u8], offset: usize) -> Origin {
    let mut spot = Spot::new(number, line, offset);
    if let Some((name, _)) = spot.text.split_once('=') {
        let visible = name.chars().count() + 1;
        spot.text = format!("{name}=...");
        spot.column = spot.column.min(visible + 1);
    }
    Origin::in_file(path, Some(spot))
}

fn check_line(line: &[u8], text: &[u8], at: impl Fn(usize) -> Origin, findings: &mut Findings) {
    if matches!(text.first(), Some(b'#' | b';')) {
        if line.ends_with(b"\\") {
            findings.add(&SWALLOWED, at(line.len() - 1), "comment continues on the next line");
        }
    } else if text.starts_with(b"export ") {
        let begin = line.len() - line.trim_ascii_start().len();
        findings.add(&EXPORT, at(begin), "export is shell syntax");
    } else if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
        let value = &line[equals + 1..];
        // Unquoted text may contain a #; after a closing quote and a blank it was meant as a comment.
        let quote = value.first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let end = quote.and_then(|quote| value[1..].iter().position(|byte| *byte == quote));
        let rest = end.map_or(&[][..], |end| &value[end + 2..]);
        let comment =
            rest.first().is_some_and(u8::is_ascii_whitespace) && rest.trim_ascii_start().starts_with(b"#");
        if comment {
            let offset = line.len() - rest.trim_ascii_start().len();
            findings.add(&TRAILING, at(offset), "comment is part of the value");
        }
    }
}

/// The quote that is open after a line. Only a quote at the start of a value opens one.
fn quote_after(text: &[u8], open: Option<u8>) -> Option<u8> {
    let (quote, rest) = if let Some(quote) = open {
        (quote, text)
    } else {
        let equals = text.iter().position(|byte| *byte == b'=')?;
        let quote = text.get(equals + 1).copied().filter(|byte| matches!(byte, b'"' | b'\''))?;
        if matches!(text.first(), Some(b'#' | b';')) {
            return None;
        }
        (quote, &text[equals + 2..])
    };
    let mut escaped = false;
    for byte in rest {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote == b'"' => escaped = true,
            byte if *byte == quote => return None,
            _ => {}
        }
    }
    Some(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_within_quotes_is_not_checked() {
        let mut findings = Findings::default();
        let text = b"A=\"x\nexport B=1\n# c \\\n\"\nC='y' \n# fine\nD=a#b\n";
        lines(Path::new("/e"), text, &mut findings);
        assert_eq!(findings.sorted(), []);
    }
}
