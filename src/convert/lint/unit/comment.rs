//! Text that was not meant as part of a value: a comment after it, typographic characters, the next directive.

use svcadapt_spec::{Origin, Spot};

use super::token::{holds_commands, raw_words};
use super::{UnitLine, UnitSource, UnitView};
use crate::directive::{Section, directive};
use crate::lint::Findings;
use crate::lint::rules::command::SWALLOWED;
use crate::lint::rules::directive::{COMMENT, TYPOGRAPHY};

/// Directives whose value is free text.
const FREE_TEXT: [&str; 3] = ["Description", "SyslogIdentifier", "BusName"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines() {
        if findings.is_full() {
            return;
        }
        if FREE_TEXT.contains(&at.key()) || at.key().starts_with("X-") || at.section().starts_with("X-") {
            continue;
        }
        comment(&at, findings);
        if at.key() != "Documentation" {
            typography(&at, findings);
        }
    }
    unit.sources().for_each(|source| swallowed(source, findings));
    // Other findings in the words of a comment are consequences.
    findings.drop_consequences(&COMMENT);
}

fn comment(at: &UnitLine, findings: &mut Findings) {
    let command = at.section() == "Service" && holds_commands(at.key());
    let words = raw_words(at.value());
    for (number, (offset, word)) in words.iter().enumerate() {
        let last = number + 1 == words.len();
        let sign = word.trim_start_matches('#');
        // A word such as #fff may be intended. In a command a single ; separates commands.
        let begins = word.len() > sign.len() && (sign.is_empty() || !last && !is_color(sign))
            || !command && number > 0 && word.starts_with(';');
        if begins && !(last && sign.is_empty() && command) {
            let message = format!("'{}' is part of the value", at.value()[*offset..].escape_debug());
            return findings.add(&COMMENT, at.within(*offset), message);
        }
    }
}

fn is_color(text: &str) -> bool {
    [3, 6].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Reports typographic characters that a word processor or a web page has inserted.
fn typography(at: &UnitLine, findings: &mut Findings) {
    const BLANKS: [char; 3] = ['\u{a0}', '\u{200b}', '\u{feff}'];
    const SIGNS: [char; 7] = ['“', '”', '„', '‘', '’', '–', '—'];
    for (offset, word) in raw_words(at.value()) {
        let quoted = word.contains(['"', '\'', '\\']);
        let blank = word.chars().find(|sign| BLANKS.contains(sign));
        let (first, last) = (word.chars().next(), word.chars().last());
        let sign = [first, last].into_iter().flatten().find(|sign| SIGNS.contains(sign));
        if let Some(sign) = blank.or(sign).filter(|_| !quoted) {
            let message = format!(
                "U+{:04X} in '{}' is an ordinary letter to systemd",
                u32::from(sign),
                word.escape_debug()
            );
            return findings.add(&TYPOGRAPHY, at.within(offset), message);
        }
    }
}

/// Reports a directive or a section header that a backslash on the line before has joined to a value.
fn swallowed(source: &UnitSource, findings: &mut Findings) {
    let mut before: Option<(usize, &[u8])> = None;
    for (number, line) in source.text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = line.trim_ascii();
        if matches!(text.first(), Some(b'#' | b';')) {
            continue;
        }
        if let Some((at, previous)) = before.filter(|_| is_directive(text)) {
            let spot = Some(Spot::new(at, previous, previous.len() - 1));
            let word = String::from_utf8_lossy(text).escape_debug().to_string();
            let message = format!("backslash joins '{word}' to this line");
            findings.add(&SWALLOWED, Origin::in_file(&source.file.path, spot), message);
        }
        let is_continued = line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        before = is_continued.then_some((number + 1, line));
    }
}

fn is_directive(text: &[u8]) -> bool {
    const SECTIONS: [Section; 4] = [Section::Unit, Section::Service, Section::Socket, Section::Install];
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let key = text.split_once('=').map_or("", |(key, _)| key.trim_end());
    SECTIONS.into_iter().any(|section| text == format!("[{section}]") || directive(section, key).is_some())
}
