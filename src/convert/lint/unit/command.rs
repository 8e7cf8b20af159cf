//! What looks as if a shell read the command.

use svcadapt_spec::{Origin, Spot};

use super::program::holds_commands;
use super::token::{Token, WordRole, tokens};
use super::{At, Source, Unit};
use crate::lint::Findings;
use crate::lint::rules::command::{DROPPED, PATTERN, SEMICOLON, SHELL};

/// Programs whose own language has such signs.
const SPEAKERS: [&str; 5] = ["test", "[", "expr", "find", "awk"];

/// Words that only a shell understands.
const SIGNS: [&str; 14] =
    ["|", "||", "|&", "&", "&&", ">", ">>", "<", "<<", "&>", "2>", "2>>", "2>&1", ">&2"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for at in unit.lines().filter(|at| at.section() == "Service" && holds_commands(at.key())) {
        let mut speaks = false;
        for token in tokens(at.value()) {
            if findings.full() {
                return;
            }
            if token.role == WordRole::Program {
                let text = token.text();
                speaks = SPEAKERS.contains(&text.rsplit('/').next().unwrap_or_default());
            } else if !speaks && !token.protected() {
                argument(&at, &token, findings);
            }
            if token.raw.len() > 1 && token.raw.ends_with(';') && !token.protected() {
                let message = format!("the semicolon is a part of '{}'", token.raw.escape_debug());
                findings.add(&SEMICOLON, at.within(token.offset + token.raw.len() - 1), message);
            }
        }
    }
    unit.sources().for_each(|source| dropped(source, findings));
}

fn argument(at: &At, token: &Token, findings: &mut Findings) {
    let raw = token.raw;
    let redirection = raw.trim_start_matches(|c: char| c.is_ascii_digit());
    let target = redirection.trim_start_matches(['>', '<', '&']);
    // `>file`, `2>/dev/null`: a sign, and then a name at once.
    let into = redirection.starts_with(['>', '<'])
        && (target.starts_with(['/', '.', '~']) || target == "1" || target == "2");
    if SIGNS.contains(&raw) || into {
        let message = format!("'{}' is given to the program as an argument", raw.escape_debug());
        findings.add(&SHELL, at.within(token.offset), message);
    } else if raw.contains('`') || raw.starts_with("$(") {
        let message = format!("nobody runs the command in '{}'", raw.escape_debug());
        findings.add(&SHELL, at.within(token.offset), message);
    } else if raw == "~" || raw.starts_with("~/") {
        let message = format!("nobody expands the ~ in '{}'", raw.escape_debug());
        findings.add(&PATTERN, at.within(token.offset), message);
    } else if raw.starts_with('/') && raw.contains(['*', '?']) {
        let message = format!("nobody expands the pattern '{}'", raw.escape_debug());
        findings.add(&PATTERN, at.within(token.offset), message);
    }
}

/// A comment within a command that goes on is skipped. `#channel \` was hardly meant as one.
fn dropped(source: &Source, findings: &mut Findings) {
    let mut within = false;
    let mut continues = false;
    for (number, line) in source.text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = line.trim_ascii_start();
        let goes_on = line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        if let [b'#' | b';', next, ..] = text {
            if continues && within && goes_on && next.is_ascii_alphanumeric() {
                let word = String::from_utf8_lossy(text);
                let word = word.split_ascii_whitespace().next().unwrap_or_default();
                let spot = Some(Spot::new(number + 1, line, line.len() - text.len()));
                let origin = Origin::in_file(&source.file.path, spot);
                let message = format!("'{}' and what follows on its line is a comment", word.escape_debug());
                findings.add(&DROPPED, origin, message);
            }
            continue;
        }
        if !continues {
            let key = text.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            within = std::str::from_utf8(key).is_ok_and(holds_commands);
        }
        continues = goes_on;
    }
}
