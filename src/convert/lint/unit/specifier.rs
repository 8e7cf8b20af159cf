//! Percent signs that start a specifier.

use std::path::Path;

use super::{UnitLine, UnitView};
use crate::directive::{Section, ValueKind, directive};
use crate::lint::rules::command::{NO_SPECIFIER, SPECIFIER};
use crate::lint::{Findings, Severity};
use crate::unit::{SpecifierProblem, resolve};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines().filter(|at| at.section() == "Service" && at.value().contains('%')) {
        let Some(row) = directive(Section::Service, at.key()) else { continue };
        let command = row.kind == ValueKind::CommandLine;
        if !command && row.kind != ValueKind::Path && !row.name.starts_with("Environment") {
            continue;
        }
        // One finding per word: a format of date(1) has several specifiers.
        let mut reported_to = 0;
        for offset in specifiers(at.value()) {
            if offset >= reported_to && !findings.is_full() && one(unit, &at, offset, command, findings) {
                let rest = &at.value()[offset..];
                reported_to = offset + rest.find([' ', '\t']).unwrap_or(rest.len());
            }
        }
    }
}

/// The offsets of each `%` with a letter or digit that is not escaped.
fn specifiers(value: &str) -> Vec<usize> {
    let (bytes, mut at, mut found) = (value.as_bytes(), 0, Vec::new());
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == b'%') {
        let here = at + next;
        if bytes.get(here + 1).is_some_and(u8::is_ascii_alphanumeric) {
            found.push(here);
        }
        at = (here + 2).min(bytes.len());
    }
    found
}

/// Checks one specifier, and returns whether it added a finding.
fn one(unit: &UnitView, at: &UnitLine, offset: usize, command: bool, findings: &mut Findings) -> bool {
    let value = at.value().as_bytes();
    let letter = char::from(value[offset + 1]);
    let answer = resolve(&value[offset..offset + 2], &unit.service.name, Path::new("/unit"));
    if answer.is_err_and(|answer| answer.problem == SpecifierProblem::Unknown) {
        let severity = if command { Severity::Error } else { Severity::Warning };
        let message = format!("unknown specifier %{letter}");
        findings.add_with_severity(severity, &NO_SPECIFIER, at.within(offset), message);
        return true;
    }
    if looks_like_text(&value[..offset], letter, &value[offset + 2..]) {
        let message = format!("%{letter} is a specifier, but was probably meant as text");
        findings.add(&SPECIFIER, at.within(offset), message);
        return true;
    }
    false
}

/// Letters of strftime(3) that are also specifiers.
const TIME: &[u8] = b"HMSYmydjaAbBcTs";

/// Whether a specifier is part of a time format, a format of printf(3) or a percentage.
fn looks_like_text(before: &[u8], letter: char, after: &[u8]) -> bool {
    let time = |byte: u8| TIME.contains(&byte);
    let in_time = u8::try_from(letter).is_ok_and(time)
        && (matches!(after, [b'-' | b':' | b'.', b'%', next, ..] if time(*next))
            || matches!(before, [.., b'%', last, b'-' | b':' | b'.'] if time(*last)));
    let percentage = before.last().is_some_and(u8::is_ascii_digit)
        && !after.first().is_some_and(u8::is_ascii_alphanumeric);
    let pretty = letter == 'q';
    // %d is the directory of credentials: a / or the end of the word follows it.
    let number = letter == 'd'
        && after.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-%".contains(byte));
    in_time || pretty || number || percentage && !matches!(letter, 'i' | 'I' | 'j' | 'J')
}
