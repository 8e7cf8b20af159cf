//! What a value was not meant to hold: a comment behind it, signs of a word processor, the next directive.

use svcadapt_spec::{Origin, Spot};

use super::program::holds_commands;
use super::token::raw_words;
use super::{At, Source, Unit};
use crate::directive::{Section, directive};
use crate::lint::Findings;
use crate::lint::rules::command::SWALLOWED;
use crate::lint::rules::directive::{COMMENT, TYPOGRAPHY};

/// Text for people.
const PROSE: [&str; 3] = ["Description", "SyslogIdentifier", "BusName"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for at in unit.lines() {
        if findings.full() {
            return;
        }
        if PROSE.contains(&at.key()) || at.key().starts_with("X-") || at.section().starts_with("X-") {
            continue;
        }
        comment(&at, findings);
        if at.key() != "Documentation" {
            typography(&at, findings);
        }
    }
    unit.sources().for_each(|source| swallowed(source, findings));
    // What is found in the words of a comment is found because they are one.
    findings.only(&COMMENT);
}

fn comment(at: &At, findings: &mut Findings) {
    let command = at.section() == "Service" && holds_commands(at.key());
    let words = raw_words(at.value());
    for (number, (offset, word)) in words.iter().enumerate() {
        let last = number + 1 == words.len();
        let sign = word.trim_start_matches('#');
        // A word such as #fff may be meant. In a command a ; of its own parts commands.
        let begins = word.len() > sign.len() && (sign.is_empty() || !last && !is_color(sign))
            || !command && number > 0 && word.starts_with(';');
        if begins && !(last && sign.is_empty() && command) {
            let message = format!("'{}' is a part of the value", at.value()[*offset..].escape_debug());
            return findings.add(&COMMENT, at.within(*offset), message);
        }
    }
}

fn is_color(text: &str) -> bool {
    [3, 6].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Signs that a word processor or a web page puts in the place of those of a keyboard.
fn typography(at: &At, findings: &mut Findings) {
    const BLANKS: [char; 3] = ['\u{a0}', '\u{200b}', '\u{feff}'];
    const SIGNS: [char; 7] = ['“', '”', '„', '‘', '’', '–', '—'];
    for (offset, word) in raw_words(at.value()) {
        let quoted = word.contains(['"', '\'', '\\']);
        let blank = word.chars().find(|sign| BLANKS.contains(sign));
        let (first, last) = (word.chars().next(), word.chars().last());
        let sign = [first, last].into_iter().flatten().find(|sign| SIGNS.contains(sign));
        if let Some(sign) = blank.or(sign).filter(|_| !quoted) {
            let message =
                format!("U+{:04X} in '{}' is a letter like any other", u32::from(sign), word.escape_debug());
            return findings.add(&TYPOGRAPHY, at.within(offset), message);
        }
    }
}

/// A directive, or the next section, that a backslash on the line before it has made a part of a value.
fn swallowed(source: &Source, findings: &mut Findings) {
    let mut before: Option<(usize, &[u8])> = None;
    for (number, line) in source.text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = line.trim_ascii();
        if matches!(text.first(), Some(b'#' | b';')) {
            continue;
        }
        if let Some((at, whole)) = before.filter(|_| is_directive(text)) {
            let spot = Some(Spot::new(at, whole, whole.len() - 1));
            let word = String::from_utf8_lossy(text).escape_debug().to_string();
            let message = format!("the backslash makes '{word}' a part of this line");
            findings.add(&SWALLOWED, Origin::in_file(&source.file.path, spot), message);
        }
        let goes_on = line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        before = goes_on.then_some((number + 1, line));
    }
}

fn is_directive(text: &[u8]) -> bool {
    const SECTIONS: [Section; 4] = [Section::Unit, Section::Service, Section::Socket, Section::Install];
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let key = text.split_once('=').map_or("", |(key, _)| key.trim_end());
    SECTIONS.into_iter().any(|section| text == format!("[{section}]") || directive(section, key).is_some())
}
