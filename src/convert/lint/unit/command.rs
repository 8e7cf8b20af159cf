//! Shell syntax in commands, which systemd does not run in a shell.

use svcadapt_spec::{Origin, Spot};

use super::token::{Token, WordRole, holds_commands, tokens};
use super::{UnitLine, UnitSource, UnitView};
use crate::lint::Findings;
use crate::lint::rules::command::{DROPPED, PATTERN, SEMICOLON, SHELL};

/// Programs whose arguments use the same operators.
const INTERPRETERS: [&str; 5] = ["test", "[", "expr", "find", "awk"];

/// Operators of a shell.
const OPERATORS: [&str; 14] =
    ["|", "||", "|&", "&", "&&", ">", ">>", "<", "<<", "&>", "2>", "2>>", "2>&1", ">&2"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines().filter(|at| at.section() == "Service" && holds_commands(at.key())) {
        let mut interprets = false;
        for token in tokens(at.value()) {
            if findings.is_full() {
                return;
            }
            if token.role == WordRole::Program {
                let text = token.text();
                interprets = INTERPRETERS.contains(&text.rsplit('/').next().unwrap_or_default());
            } else if !interprets && !token.protected() {
                argument(&at, &token, findings);
            }
            if token.raw.len() > 1 && token.raw.ends_with(';') && !token.protected() {
                let message = format!("semicolon is part of '{}'", token.raw.escape_debug());
                findings.add(&SEMICOLON, at.within(token.offset + token.raw.len() - 1), message);
            }
        }
    }
    unit.sources().for_each(|source| dropped(source, findings));
}

fn argument(at: &UnitLine, token: &Token, findings: &mut Findings) {
    let raw = token.raw;
    let redirection = raw.trim_start_matches(|c: char| c.is_ascii_digit());
    let target = redirection.trim_start_matches(['>', '<', '&']);
    // `>file`, `2>/dev/null`: an operator directly followed by a name.
    let redirects = redirection.starts_with(['>', '<'])
        && (target.starts_with(['/', '.', '~']) || target == "1" || target == "2");
    if OPERATORS.contains(&raw) || redirects {
        let message = format!("program gets '{}' as an argument", raw.escape_debug());
        findings.add(&SHELL, at.within(token.offset), message);
    } else if raw.contains('`') || raw.starts_with("$(") {
        let message = format!("command substitution in '{}' is not run", raw.escape_debug());
        findings.add(&SHELL, at.within(token.offset), message);
    } else if raw == "~" || raw.starts_with("~/") {
        let message = format!("~ in '{}' is not expanded", raw.escape_debug());
        findings.add(&PATTERN, at.within(token.offset), message);
    } else if raw.starts_with('/') && raw.contains(['*', '?']) {
        let message = format!("pattern '{}' is not expanded", raw.escape_debug());
        findings.add(&PATTERN, at.within(token.offset), message);
    }
}

/// Reports a comment inside a continued command that was probably meant as an argument, such as `#channel \`.
fn dropped(source: &UnitSource, findings: &mut Findings) {
    let mut in_command = false;
    let mut continues = false;
    for (number, line) in source.text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = line.trim_ascii_start();
        let is_continued = line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        if let [b'#' | b';', next, ..] = text {
            if continues && in_command && is_continued && next.is_ascii_alphanumeric() {
                let word = String::from_utf8_lossy(text);
                let word = word.split_ascii_whitespace().next().unwrap_or_default();
                let spot = Some(Spot::new(number + 1, line, line.len() - text.len()));
                let origin = Origin::in_file(&source.file.path, spot);
                let message = format!("'{}' and the rest of its line are a comment", word.escape_debug());
                findings.add(&DROPPED, origin, message);
            }
            continue;
        }
        if !continues {
            let key = text.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            in_command = std::str::from_utf8(key).is_ok_and(holds_commands);
        }
        continues = is_continued;
    }
}
